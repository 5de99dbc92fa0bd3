// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash: reads the log of dm-log-writes.  A discard is a write of bytes that
 * nobody has written.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "log.h"

#define MAGIC 0x6a736677736872ULL
#define VERSION 1

struct disk_super {
	uint64_t magic;
	uint64_t version;
	uint64_t nr_entries;
	uint32_t sectorsize;
};

struct disk_entry {
	uint64_t sector;
	uint64_t nr_sectors;
	uint64_t flags;
	uint64_t data_len;
	char data[];
};

static uint8_t *read_at(int fd, uint64_t offset, size_t bytes, uint8_t *to)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = pread(fd, to + done, bytes - done, offset + done);

		if (n <= 0)
			die("log: cannot read %zu bytes at %" PRIu64 ": %m", bytes, offset);
		done += n;
	}
	return to;
}

/* Where the entry after this one starts. */
static uint64_t scan(int fd, uint64_t at, struct log_entry *e)
{
	uint8_t sector[SECTOR];
	struct disk_entry *disk = (void *)read_at(fd, at, SECTOR, sector);
	size_t bytes;

	e->sector = le64toh(disk->sector);
	e->nr_sectors = le64toh(disk->nr_sectors);
	e->flags = le64toh(disk->flags);
	at += SECTOR;
	if (e->flags & LOG_MARK) {
		sector[SECTOR - 1] = 0;
		e->data = (uint8_t *)strdup(disk->data);
		return at;
	}
	if (!e->nr_sectors)
		return at;
	if (e->sector + e->nr_sectors > CACHE_BYTES / SECTOR)
		die("log: write of %" PRIu64 " sectors at %" PRIu64 " is not on the device",
		    e->nr_sectors, e->sector);
	bytes = e->nr_sectors * SECTOR;
	if (e->flags & LOG_DISCARD) {
		/* what is there afterwards is the device's to say: nothing that is right */
		e->data = memset(zalloc(bytes), 0xdd, bytes);
		return at;
	}
	e->data = read_at(fd, at, bytes, zalloc(bytes));
	return at + bytes;
}

void log_load(struct log *log, const char *path)
{
	uint8_t sector[SECTOR];
	struct disk_super *super;
	uint64_t at = SECTOR;
	size_t i;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %m", path);
	super = (void *)read_at(fd, 0, SECTOR, sector);
	if (le64toh(super->magic) != MAGIC || le64toh(super->version) != VERSION ||
	    le32toh(super->sectorsize) != SECTOR)
		die("%s is no log of dm-log-writes with %u-byte sectors", path, SECTOR);
	log->nr = le64toh(super->nr_entries);
	log->entry = calloc(log->nr + 1, sizeof(*log->entry));
	if (!log->entry)
		die("no memory for %zu entries", log->nr);
	for (i = 0; i < log->nr; i++)
		at = scan(fd, at, &log->entry[i]);
	close(fd);
}

void log_free(struct log *log)
{
	size_t i;

	for (i = 0; i < log->nr; i++)
		free((void *)log->entry[i].data);
	free(log->entry);
}
