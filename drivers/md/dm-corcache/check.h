/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache check: is the origin the image that was cached?
 */
#ifndef DM_CORCACHE_CHECK_H
#define DM_CORCACHE_CHECK_H

#include "corcache.h"

/* Constructor's context; nothing is started. */
void corcache_check_init(struct corcache_target *target);

/**
 * corcache_check_start() - compare, if it is not known yet
 * @target: the owner of a cache that is loaded, or bypassed
 *
 * To be called before anything is served from the cache, or inserted, after it was
 * loaded or taken over: in resume, while the state is not RUNNING yet.  Compares if
 * cache->verdict says that this is wanted, or if the origin is another device, or
 * has another medium, than at the last time.  Begins anew if it runs already.
 *
 * Process context.
 */
void corcache_check_start(struct corcache_target *target);

/*
 * Let hits and fills wait for the verdict of the check that is started next: a
 * bypassed cache was loaded, and is active in a moment.  Process context.
 */
void corcache_check_hold(struct corcache_target *target);

/*
 * postsuspend's context, when the target is SUSPENDED and has no bios.  Waits for the
 * cache device, not for the origin.  If there was no verdict, none is inserted, and
 * the next start compares.
 */
void corcache_check_stop(struct corcache_target *target);

/* May what the origin has answered be inserted?  Only if it is EQUAL.  Any context. */
static inline enum corcache_verdict corcache_check_verdict(const struct corcache_target *target)
{
	/* pairs with the release in __set_verdict(): the mode is from before */
	return smp_load_acquire(&target->check.verdict);
}

static inline bool corcache_check_sees_change(const struct corcache_target *target)
{
	struct block_device *bdev = target->origin_dev->bdev;

	return !!bdev_nr_sectors(bdev) != READ_ONCE(target->check.present) ||
	       READ_ONCE(bdev->bd_disk->diskseq) != READ_ONCE(target->check.seq);
}

/* It has got a size, has lost it, or has another medium.  Any context. */
void corcache_check_changed(struct corcache_target *target);

/* Look at the origin.  Any context; costs three loads. */
static inline void corcache_check_watch(struct corcache_target *target)
{
	if (unlikely(corcache_check_sees_change(target)))
		corcache_check_changed(target);
}

/* The origin, which erred, answers: do not rest any longer.  Any context. */
void corcache_check_hurry(struct corcache_target *target);

/* The origin has answered a reader.  Any context. */
static inline void corcache_check_answered(struct corcache_target *target)
{
	if (unlikely(READ_ONCE(target->check.phase) == CORCACHE_CHECK_RESTING))
		corcache_check_hurry(target);
}

#endif /* DM_CORCACHE_CHECK_H */
