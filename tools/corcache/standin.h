/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * standin: a device NAME-origin that fails each read, in the place of an origin that is not there.
 *
 * The cache needs some origin. Once the real one has come, the table of NAME is loaded with that
 * one instead, and the stand-in goes.
 */
#ifndef CORCACHE_STANDIN_H
#define CORCACHE_STANDIN_H

#include <stdbool.h>
#include <stdint.h>

#include "dm.h"

/* Makes it if it is not there. @path: of the device, to be freed. Returns an exit status. */
int standin_make(const char *name, uint64_t sectors, char **path);
/* Also if there is none. Returns an exit status. */
int standin_remove(const char *name);
/* Is it the origin of a corcache device? */
bool standin_is_below(const struct dm_device *device);

#endif /* CORCACHE_STANDIN_H */
