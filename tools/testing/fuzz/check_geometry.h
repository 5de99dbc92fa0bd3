/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be true of every geometry that the module accepts.
 */
#ifndef CORCACHE_CHECK_GEOMETRY_H
#define CORCACHE_CHECK_GEOMETRY_H

#include "geometry.h"

/* @probe: any number; chooses what is looked at between the two ends. */
void check_geometry(const struct corcache_geometry *geo, u64 probe);

/* The bits of the blocks that exist in @region, counted one by one. */
u64 check_region_mask(const struct corcache_geometry *geo, u64 region);

#endif /* CORCACHE_CHECK_GEOMETRY_H */
