/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache insert: what the origin has answered is copied to the cache device.
 */
#ifndef DM_CORCACHE_INSERT_H
#define DM_CORCACHE_INSERT_H

#include "xfer.h"

/*
 * Also hands the end function for answered fills down: see struct
 * corcache_flight.
 */
void corcache_insert_init(struct corcache_target *target);

#endif /* DM_CORCACHE_INSERT_H */
