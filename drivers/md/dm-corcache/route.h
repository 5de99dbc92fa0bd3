/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache route: where a reader's bio goes next.
 */
#ifndef DM_CORCACHE_ROUTE_H
#define DM_CORCACHE_ROUTE_H

#include "corcache.h"

/**
 * corcache_route_map() - the target's map method, for reads
 * @target: the target
 * @bio: clone with its range in sectors of the target
 *
 * Context: any in which a bio may be submitted; does not sleep.
 *
 * Return: DM_MAPIO_REMAPPED or DM_MAPIO_SUBMITTED.
 */
int corcache_route_map(struct corcache_target *target, struct bio *bio);

/**
 * corcache_route_again() - route a bio again that was given away
 * @bio: owned by the target; bi_iter is what is left of it, bi_status an error
 *
 * The one call that goes up, from hit and fill.  A bio with an error, or of
 * which nothing is left, ends.  Else it is decided at once where it goes, so that
 * a bio that misses is where others that want the same see it: among the waiters
 * of a fill, or deferred.  What is a hit goes on in cache_wq.
 *
 * Context: any.
 */
void corcache_route_again(struct bio *bio);

/* Process context, in bypass mode: bios that wait to be bounced need not be. */
void corcache_route_release_bounces(struct corcache_target *target);

/* Process context: what waits is looked at again. */
void corcache_route_kick(struct corcache_target *target);

/* Process context: sweep until the suspend has ended or was undone. */
void corcache_route_start_sweep(struct corcache_target *target);
void corcache_route_stop_sweep(struct corcache_target *target);

void corcache_route_init(struct corcache_target *target);
/* The destructor's: no bio is left. */
void corcache_route_stop(struct corcache_target *target);

#endif /* DM_CORCACHE_ROUTE_H */
