/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache fill: reads of the origin, shared by all who wait for them.
 */
#ifndef DM_CORCACHE_FILL_H
#define DM_CORCACHE_FILL_H

#include "dm-corcache-xfer.h"

/**
 * corcache_fill_map() - join a fill under way, start one, or park
 * @target: the target
 * @bio: being mapped; its first block is missing
 *
 * The bio is cut to what the fill covers.
 *
 * Return: false if its first block has become valid: look again.
 */
bool corcache_fill_map(struct corcache_target *target, struct bio *bio);

/**
 * corcache_fill_join() - join a fill under way, or park
 * @target: the target
 * @bio: owned by the target; its first block is missing
 *
 * Any context.  Return: false if its first block has become valid.
 */
bool corcache_fill_join(struct corcache_target *target, struct bio *bio);

/**
 * corcache_fill_parked() - do for the first parked bio what it waits for
 * @target: the target
 *
 * Process context, one at a time; may wait for memory.
 *
 * Return: false if there is none, or no room or memory: then whoever makes some
 * kicks.
 */
bool corcache_fill_parked(struct corcache_target *target);

/* Take all bios that wait for the origin off their transfers. */
void __corcache_fill_unwait(struct corcache_target *target, struct bio_list *bios);

/*
 * The end of a delivered fill: out of the table.  @kept_bytes: what it counts for
 * in target->keeping_bytes.  Any context, without locks; the fill, and what it
 * belongs to, may be gone then.
 */
void corcache_fill_finish(struct corcache_xfer *x, u32 kept_bytes);

void corcache_fill_init(struct corcache_target *target);

/*
 * Wait for what becomes of all fills that the origin has answered by now: what
 * readers were given before, if it is kept at all, is published.  With
 * target->control_mutex held; waits for the cache device, perhaps for a commit.
 */
void corcache_fill_settle(struct corcache_target *target);

/* Wait for all writes of fills to the cache device; the target is SUSPENDED. */
void corcache_fill_drain(struct corcache_target *target);

#endif /* DM_CORCACHE_FILL_H */
