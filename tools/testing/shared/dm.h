/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of device-mapper, by libdevmapper, for all test programs in C.
 *
 * The library is loaded with the first call, so that a program which makes none
 * starts as fast as one without it: it needs five others, and starting a program
 * is most of what a test costs in an emulated guest.
 *
 * All functions that return int, but for dm_open(), return 0 or an error of
 * errno.h, and then dm_error() has the reason.  One target per table.  One thread at a time.
 */
#ifndef CORCACHE_TEST_DM_H
#define CORCACHE_TEST_DM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DM_READONLY	1	/* of a table */
#define DM_NOFLUSH	2	/* of a suspend */
#define DM_NOLOCKFS	4	/* of a suspend */

/*
 * Load the library and open device-mapper.  The first of the other calls does it
 * as well; this is for programs that measure one, or count what it allocates.
 */
int dm_setup(void);

/* @target: NULL for a device without a table */
int dm_create(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params);
int dm_reload(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params);
/* Throw away what was loaded and not resumed. */
int dm_clear(const char *name);
int dm_suspend(const char *name, unsigned int flags);
int dm_resume(const char *name);
/* Reload, suspend without lockfs, resume. */
int dm_swap(const char *name, unsigned int flags, uint64_t sectors,
	    const char *target, const char *params);
int dm_remove(const char *name);
int dm_message(const char *name, const char *message);
/* The words of the target's status, without flushing what is under way. */
int dm_status(const char *name, char *buf, size_t len);
/* The words of its table line. */
int dm_table(const char *name, char *buf, size_t len);
int dm_device(const char *name, dev_t *device);
/* Opened with O_DIRECT, read-only.  Return: as open(2). */
int dm_open(const char *name);

/* Of the last call that failed. */
const char *dm_error(void);

#endif /* CORCACHE_TEST_DM_H */
