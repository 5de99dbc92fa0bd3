/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache park: the bios that wait for their turn at the origin.
 *
 * All with target->lock held.
 */
#ifndef DM_CORCACHE_PARK_H
#define DM_CORCACHE_PARK_H

#include "dm-corcache.h"

void corcache_park_init(struct corcache_target *target);

/* Behind all others; sets the worker going.  The bio is owned by the target. */
void __corcache_park(struct corcache_target *target, struct bio *bio);

/* The one whose turn it is, or NULL; it stays where it is. */
struct bio *__corcache_park_first(struct corcache_target *target);

/* One that will share a read, with its first block in @block .. @end - 1. */
struct bio *__corcache_park_within(struct corcache_target *target, u64 block,
				   u64 end);

void __corcache_unpark(struct corcache_target *target, struct bio *bio);

/**
 * __corcache_park_span() - what do those want that overlap with a parked bio?
 * @target: the target
 * @floor: bios that begin before this block are left out
 * @block: in: first block of a parked bio that shares, not below @floor; out:
 *	first of the span
 * @end: out: the block after the span
 *
 * The union of all parked bios that share and overlap, directly or by way of
 * others, within the span of blocks that one transfer may read.
 */
void __corcache_park_span(struct corcache_target *target, u64 floor, u64 *block,
			  u64 *end);

/* There may be room again, or memory. */
void __corcache_park_kick(struct corcache_target *target);

#endif /* DM_CORCACHE_PARK_H */
