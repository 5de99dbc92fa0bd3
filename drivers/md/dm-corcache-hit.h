/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache hit: reads from the cache device, verified.
 */
#ifndef DM_CORCACHE_HIT_H
#define DM_CORCACHE_HIT_H

#include "dm-corcache.h"

/**
 * corcache_hit_map() - send a hit down
 * @target: the target
 * @bio: being mapped; io->retire_seq and io->slot are set
 * @run: its first blocks are valid and contiguous, this many
 *
 * The bio is cut to what can go in one piece; what cannot go down as it is, is
 * bounced.  Return: DM_MAPIO_REMAPPED or DM_MAPIO_SUBMITTED.
 */
int corcache_hit_map(struct corcache_target *target, struct bio *bio, u32 run);

/**
 * corcache_hit_bounce() - read what a bio wants of a run into pages of our own
 * @target: the target
 * @bio: owned by the target; io->retire_seq is set
 * @run: its first blocks are valid and contiguous, this many
 * @gfp: GFP_NOWAIT or GFP_NOIO
 *
 * Return: false if there is no memory.
 */
bool corcache_hit_bounce(struct corcache_target *target, struct bio *bio,
			 u32 run, gfp_t gfp);

/* The target's end_io method for what corcache_hit_map() sent down. */
int corcache_hit_end_io(struct corcache_target *target, struct bio *bio,
			blk_status_t *error);

#endif /* DM_CORCACHE_HIT_H */
