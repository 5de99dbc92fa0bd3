/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache deferred: bios that wait for their turn.
 *
 * Every function but corcache_deferred_init() wants target->lock held; then any
 * context.
 */
#ifndef DM_CORCACHE_DEFERRED_H
#define DM_CORCACHE_DEFERRED_H

#include "corcache.h"

/* fill.c and route.c initialise the work items. */
void corcache_deferred_init(struct corcache_deferred *deferred);

/**
 * __corcache_defer() - let a bio wait, behind all others
 * @target: the target
 * @bio: owned by the target
 * @reason: what it waits for
 *
 * Queues the work that looks whether it has to wait at all; nothing for
 * CORCACHE_DEFER_SUSPEND and CORCACHE_DEFER_CHECK, which the end of the suspend and
 * the origin check release.
 */
void __corcache_defer(struct corcache_target *target, struct bio *bio,
		      enum corcache_deferral reason);

/* There may be room or memory again: queue the work, if any bio waits for it. */
void __corcache_deferred_kick_origin(struct corcache_target *target);
void __corcache_deferred_kick_bounce(struct corcache_target *target);

/* No hit waits for the origin check any more: likewise. */
void __corcache_deferred_kick_check(struct corcache_target *target);

/*
 * The first bio that waits for the origin, or NULL; it stays deferred until
 * __corcache_deferred_remove().
 */
struct bio *__corcache_deferred_first(struct corcache_deferred *deferred);

/* One that shares a read and has its first block in @block .. @end - 1, or NULL. */
struct bio *__corcache_deferred_within(struct corcache_target *target, corcache_block_t block,
				       corcache_block_t end);

/* A bio does not wait for the origin any more. */
void __corcache_deferred_remove(struct corcache_deferred *deferred, struct bio *bio);

/**
 * __corcache_deferred_span() - what do the bios want that overlap with one?
 * @target: the target
 * @floor: bios that begin before this block are left out
 * @block: in: first block of a bio that waits for the origin and shares, not
 *	below @floor; out: first of the span
 * @end: out: the block after the span
 *
 * The union of all such bios that overlap, directly or by way of others, within
 * the span of blocks that one transfer may read.
 */
void __corcache_deferred_span(struct corcache_target *target, corcache_block_t floor,
			      corcache_block_t *block, corcache_block_t *end);

/*
 * Take off the next bio that waits to be bounced, or NULL; put one before all
 * others, without queueing the work.
 */
struct bio *__corcache_deferred_pop_bounce(struct corcache_deferred *deferred);
void __corcache_deferred_push_bounce(struct corcache_deferred *deferred, struct bio *bio);

/* How many bios wait, for whatever reason? */
u32 __corcache_deferred_count(const struct corcache_deferred *deferred);

/* Take off all bios that wait for the origin, or for the end of a suspend. */
void __corcache_deferred_take_origin(struct corcache_deferred *deferred,
				     struct bio_list *bios);
void __corcache_deferred_take_suspend(struct corcache_deferred *deferred,
				      struct bio_list *bios);
void __corcache_deferred_take_check(struct corcache_deferred *deferred,
				    struct bio_list *bios);

#endif /* DM_CORCACHE_DEFERRED_H */
