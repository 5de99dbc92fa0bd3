/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache fill: reads of the origin, shared by all who wait for them, and
 * what becomes of their pages.
 */
#ifndef DM_CORCACHE_FILL_H
#define DM_CORCACHE_FILL_H

#include "dm-corcache-xfer.h"

/* What became of an attempt to read the origin for a bio. */
enum corcache_miss {
	CORCACHE_MISS_TAKEN,	/* the bio is answered, or waits for a transfer */
	CORCACHE_MISS_HIT,	/* its first block has become valid: look again */
	CORCACHE_MISS_BUSY,	/* no room or no memory: park it */
};

/**
 * corcache_fill_start() - join a fill under way, or start one
 * @target: the target
 * @bio: whose first block is missing; owned by the target
 * @gfp: GFP_NOWAIT in map, GFP_NOIO in origin_wq, 0: join only
 * @in_map: the bio may be cut
 *
 * With @in_map the bio is cut to what the fill covers.
 */
enum corcache_miss corcache_fill_start(struct corcache_target *target,
				       struct bio *bio, gfp_t gfp, bool in_map);

/**
 * corcache_fill_solo() - read what is left of a bio for it alone
 * @target: the target
 * @bio: owned by the target
 * @bypassed: never mind what is cached
 *
 * Process context.  Reads up to the next valid block.
 */
enum corcache_miss corcache_fill_solo(struct corcache_target *target,
				      struct bio *bio, bool bypassed);

/* Take all bios that wait for the origin off their transfers. */
void __corcache_fill_unwait(struct corcache_target *target, struct bio_list *bios);

void corcache_fill_init(struct corcache_target *target);

/* Wait for all writes of fills to the cache device; the target is SUSPENDED. */
void corcache_fill_drain(struct corcache_target *target);

#endif /* DM_CORCACHE_FILL_H */
