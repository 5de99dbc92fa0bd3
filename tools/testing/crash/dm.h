/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * corcache_crash: mapped devices, by libdevmapper.  One target each.  All
 * functions return 0, or -1 with the reason in dm_error().
 */
#ifndef CORCACHE_CRASH_DM_H
#define CORCACHE_CRASH_DM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DM_READONLY	1
#define DM_NOFLUSH	2

void dm_setup(void);
int dm_create(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params);
int dm_reload(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params);
int dm_suspend(const char *name, unsigned int flags);
int dm_resume(const char *name);
/* reload, suspend, resume */
int dm_swap(const char *name, unsigned int flags, uint64_t sectors,
	    const char *target, const char *params);
int dm_remove(const char *name);
int dm_message(const char *name, const char *message);
int dm_status(const char *name, char *buf, size_t len);
/* Of corcache's status: the value of a pair, or of used, quota, valid, mode. */
int dm_status_number(const char *name, const char *field, uint64_t *value);
/* Opened with O_DIRECT, read-only. */
int dm_open(const char *name);
const char *dm_error(void);

#endif /* CORCACHE_CRASH_DM_H */
