/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * corcache_crash: the log that dm-log-writes has written, in memory.
 *
 * The format: Documentation/admin-guide/device-mapper/log-writes.rst of the
 * kernel, and the head of its source.  A write stands in the log when it has
 * completed: before the next flush that was submitted after that.  So what
 * stands before a flush is durable when the flush has completed, and any part
 * of what stands after it may be.  Marks are written at once.
 */
#ifndef CORCACHE_CRASH_LOG_H
#define CORCACHE_CRASH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FLUSH	1
#define LOG_FUA		2
#define LOG_DISCARD	4
#define LOG_MARK	8

struct log_entry {
	uint64_t sector;
	uint64_t nr_sectors;
	uint64_t flags;
	const uint8_t *data;	/* sectors, or a mark's text, terminated */
};

struct log {
	struct log_entry *entry;
	size_t nr;
};

/* Dies if it makes no sense. */
void log_load(struct log *log, const char *path);
void log_free(struct log *log);

#endif /* CORCACHE_CRASH_LOG_H */
