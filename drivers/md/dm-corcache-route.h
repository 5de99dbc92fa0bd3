/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache route: where a reader's bio goes next.
 */
#ifndef DM_CORCACHE_ROUTE_H
#define DM_CORCACHE_ROUTE_H

#include "dm-corcache.h"

/**
 * corcache_route_map() - the target's map method, for reads
 * @target: the target
 * @bio: clone with its range in sectors of the target
 *
 * Does not sleep.  Return: DM_MAPIO_REMAPPED or DM_MAPIO_SUBMITTED.
 */
int corcache_route_map(struct corcache_target *target, struct bio *bio);

/* Of a bio that the target takes: all that io has, but for what a lookup sets. */
void corcache_route_init_io(struct corcache_target *target, struct bio *bio);

/*
 * Is its submitter to be told, rather than to wait, when it is no hit?  If it is
 * a kernel thread nobody may be left who would try again: device-mapper's own,
 * after a suspend, or that of a driver above, hands on a reader's bio as it was
 * once submitted.  As map never blocks, that bio can be taken like any other.
 */
static inline bool corcache_route_nowait(const struct bio *bio)
{
	return (bio->bi_opf & REQ_NOWAIT) && !(current->flags & PF_KTHREAD);
}

/*
 * In map: tell it, for all of the bio, and before any part of it has gone
 * anywhere.  It would come too late when the submitter is not there any more.
 * Return: what map has to return.
 */
int corcache_route_would_block(struct corcache_target *target, struct bio *bio);

/**
 * corcache_route_again() - find out anew where what is left of a bio goes
 * @bio: owned by the target; bi_iter is what is left
 *
 * Any context.  Decides at once, so that a bio that misses is where others who
 * want the same see it: among the waiters of a fill, or parked.  What is a hit
 * goes on in cache_wq.
 */
void corcache_route_again(struct bio *bio);

/* Any context: end a bio that the target owns. */
void corcache_route_end(struct bio *bio, blk_status_t status);

/* Any context: wait for a turn at the origin. */
void corcache_route_park(struct corcache_target *target, struct bio *bio);

/* Process context, in bypass mode: who waits for a bounce, waits in vain. */
void corcache_route_release_starved(struct corcache_target *target);

/* With target->lock held: there may be room for a bounce again. */
void __corcache_route_kick_starved(struct corcache_target *target);

/* Process context: whatever waits shall look again. */
void corcache_route_kick(struct corcache_target *target);

/* Process context: sweep until the suspend has ended or was undone. */
void corcache_route_start_sweep(struct corcache_target *target);
void corcache_route_stop_sweep(struct corcache_target *target);

void corcache_route_init(struct corcache_target *target);

#endif /* DM_CORCACHE_ROUTE_H */
