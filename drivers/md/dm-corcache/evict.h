/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache evict: slots are emptied by a message, because the quota was
 * lowered, or so that there are free ones when they are needed.
 */
#ifndef DM_CORCACHE_EVICT_H
#define DM_CORCACHE_EVICT_H

#include "corcache.h"

/**
 * struct corcache_eviction - a range of blocks on its way to be forgotten
 * @first: first block
 * @last: last block
 * @by_slot: it goes over the slots; those are fewer than the regions in the range
 * @next: slot or region to look at next
 */
struct corcache_eviction {
	corcache_block_t first;
	corcache_block_t last;
	bool		by_slot;
	u64		next;
};

/* @nr blocks from @block on, within the origin. */
void corcache_evict_begin(struct corcache_cache *cache, struct corcache_eviction *e,
			  corcache_block_t block, u64 nr);

/**
 * corcache_evict_some() - forget some of a range
 * @target: the owner of the cache
 * @e: from corcache_evict_begin()
 *
 * As much as one batch of a commit makes durable, and less if a suspend waits.
 * Process context; looks at every region, or slot, on the way.
 *
 * Return: true: there is more; call it again after a commit.
 */
bool corcache_evict_some(struct corcache_target *target, struct corcache_eviction *e);

/**
 * corcache_evict_shrink() - retire slots until the quota will hold
 * @target: the owner of the cache
 *
 * As many as one batch of a commit makes durable, and less if a suspend waits.
 * Process context.  Slots that are being freed count as gone.
 *
 * Return: true: there are more; call it again after a commit.
 */
bool corcache_evict_shrink(struct corcache_target *target);

/*
 * Between two pieces of something long, in a message of the owner's: -EBUSY if a
 * suspend waits for the message to end, -EINTR if its task is to die, -EIO if the
 * cache is not active any more; else 0.
 */
int corcache_evict_may_go_on(struct corcache_target *target);

/* The owner runs: what is above its quota is evicted in the background. */
void corcache_evict_start(struct corcache_cache *cache);

/*
 * Queue the work if there are fewer free slots than the policy wants.  With
 * cache->lock held; any context.
 */
void __corcache_evict_if_short(struct corcache_cache *cache);

/*
 * The work: retire what is above the quota, or else what the policy chooses, and
 * commit, which frees it.
 */
void corcache_evict_reclaim_work(struct work_struct *work);

#endif /* DM_CORCACHE_EVICT_H */
