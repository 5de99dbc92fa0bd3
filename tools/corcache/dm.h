/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm: devices of device-mapper, by libdevmapper.
 *
 * What is made carries a UUID that begins with CORCACHE- and waits for udev; what fails is
 * said once, with what the kernel has written about it in its log, and a remedy where one is
 * known. All functions return an exit status unless they say otherwise.
 */
#ifndef CORCACHE_DM_H
#define CORCACHE_DM_H

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"

#define DM_UUID_PREFIX	"CORCACHE-"
#define DM_TARGET	"corcache"

/* A device as it is now. Strings belong to it; dm_forget() frees them. */
struct dm_device {
	char *name;
	char *uuid;
	unsigned int major, minor;
	unsigned int open_count;
	bool suspended;
	bool read_only;
	uint64_t sectors;	/* of the active table, 0: none */
	char *target;		/* of its first line, NULL: no table */
	char *table;		/* its parameters, as `dmsetup table` prints them behind the target */
	char *status;		/* likewise, of `dmsetup status`: no I/O, no flush */
};

/* One line of a table. */
struct dm_line {
	uint64_t start, sectors;
	const char *target, *params;
};

/* @quiet: a device that is not there is END_DEVICE without a word. */
int dm_look(const char *name, bool quiet, struct dm_device *device);
/* As dm_look(), and it must be a corcache device, else END_DEVICE and a line that says what it is. */
int dm_look_corcache(const char *name, struct dm_device *device);
void dm_forget(struct dm_device *device);
/* END_BUSY, and a line, if there is a device of that name. */
int dm_check_free(const char *name);
/* Has it a corcache target, or the UUID prefix, as one that leads to the origin alone? */
bool dm_is_ours(const struct dm_device *device);

/* Calls @each for each device with a corcache target or the UUID prefix, sorted by name, until it returns not 0. */
int dm_each(int (*each)(const struct dm_device *device, void *data), void *data);

/* Loads the module if the kernel has no such target. */
int dm_need_target(const char *target);

/* Makes a device. Refused: END_BUSY if the name is taken. Nothing of it is left when it fails. */
int dm_create(const char *name, const char *uuid, bool read_only, const struct dm_line *lines, int nr_lines);
/* Loads another table and resumes; @noflush: waiting reads go back to device-mapper and return at the resume.
 * The old table stays in use when the new one is refused.
 */
int dm_reload(const char *name, bool read_only, bool noflush, const struct dm_line *lines, int nr_lines);
int dm_suspend(const char *name, bool noflush);
int dm_resume(const char *name);
int dm_remove(const char *name, bool deferred);
/* @answer: receives what the target has answered, or NULL; the caller frees it. May be NULL. */
int dm_message(const char *name, const char *message, char **answer);

#endif /* CORCACHE_DM_H */
