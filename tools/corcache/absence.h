/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * absence: what a device of corcachetab has to do without, for now.
 *
 * As long as something is missing there is a file /run/corcache/NAME/state with lines key=value:
 *
 *   state     waiting    the device is about to be made
 *             no-origin  it serves what is cached; other reads fail
 *             degraded   it leads to the origin, without a cache
 *             failed     there is no device
 *   missing   origin, cache, or both, separated by a blank
 *   reason    one line
 *
 * The udev rule looks at nothing as long as there is no such file.
 */
#ifndef CORCACHE_ABSENCE_H
#define CORCACHE_ABSENCE_H

#include <stdbool.h>

struct absence {
	const char *state;	/* one of the words above */
	bool origin, cache;	/* missing */
	const char *reason;
};

/* Until the program ends nobody else changes the device @name. Returns an exit status. */
int absence_lock(const char *name);

int absence_write(const char *name, const struct absence *absence);
void absence_end(const char *name);
/* False: nothing is missing. @absence: its flags are set, both if none is missing and the cache is refused. */
bool absence_read(const char *name, struct absence *absence);

#endif /* CORCACHE_ABSENCE_H */
