/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache evict: slots are emptied, because somebody wishes it, because the
 * quota was lowered, or so that there are free ones when they are needed.
 */
#ifndef DM_CORCACHE_EVICT_H
#define DM_CORCACHE_EVICT_H

#include "dm-corcache.h"

/**
 * corcache_evict() - forget what lies in a range of blocks
 * @cache: the cache
 * @block: first block
 * @nr: number of blocks, within the origin
 *
 * Process context; looks at every region in the range, or at every slot if
 * those are fewer.
 */
void corcache_evict(struct corcache_cache *cache, u64 block, u64 nr);

/**
 * corcache_evict_shrink() - retire slots until the quota will hold
 * @cache: the cache
 *
 * Process context.  Slots that are being freed count as gone.
 */
void corcache_evict_shrink(struct corcache_cache *cache);

/*
 * With cache->lock held: are there fewer free slots than the policy wants?
 * Then the work is set going.
 */
void __corcache_evict_if_short(struct corcache_cache *cache);

/* The work: retire what the policy chooses, and commit, which frees it. */
void corcache_evict_reclaim_work(struct work_struct *work);

#endif /* DM_CORCACHE_EVICT_H */
