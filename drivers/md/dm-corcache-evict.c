// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache evict: slots are emptied.
 *
 * Owns the ways in which a slot is chosen to be retired; what retiring is, and
 * when a retired slot is free, is the index's (dm-corcache-index.c).
 *
 *   evict	a range of the origin, when a message says so
 *   shrink	as many as are above a quota that was lowered
 *   reclaim	as many as the policy wants to have free, in the background
 *
 * Reclaim keeps eviction off every reader's path.  When a fill has taken a slot
 * and too few are free, the work is set going; it retires a batch of victims
 * and commits once for all of them, which makes them free.  Until then fills go
 * on with the free slots there are; a burst of misses that uses them up is read
 * uncached, and nobody waits.  The work starts a moment late, so that slots
 * that are taken one by one do not cost a commit each.
 *
 * cache->lock is taken for one region, or for CORCACHE_POLICY_STEPS slots of a
 * search, at a time: readers' fills want it as well.  Process context.
 */
#include "dm-corcache-cache.h"
#include "dm-corcache-evict.h"
#include "dm-corcache-index.h"
#include "dm-corcache-metadata.h"
#include "dm-corcache-trace.h"

/* Victims of that long share a commit: at most 200 commits a second. */
#define RECLAIM_DELAY_MS	5

/* A policy may pass over all slots once before it takes the first. */
#define RECLAIM_ROUNDS		4

static void evict_slot(struct corcache_cache *cache, u32 slot, bool victim)
{
	u64 region = cache->slots[slot].region;

	__corcache_index_retire(cache, slot, victim);
	corcache_stat_inc(cache, evictions);
	trace_corcache_evict(cache->bdev->bd_dev, region << cache->geo.region_shift,
			     cache->geo.region_sectors);
}

/* -------- A range ------------------------------------------------------ */

static void evict_region(struct corcache_cache *cache, u64 region, u64 bits)
{
	u32 entry = cache->index[region];

	if (!entry)
		return;
	if (cache->slots[entry - 1].valid & ~bits)
		__corcache_index_drop(cache, entry - 1, bits);
	else
		evict_slot(cache, entry - 1, false);
}

/* What of @region lies in blocks @first to @last. */
static u64 bits_within(const struct corcache_geometry *geo, u64 region, u64 first,
		       u64 last)
{
	u64 start = corcache_region_to_block(geo, region);
	u64 from = max(first, start);
	u64 to = min(last, start + geo->region_blocks - 1);

	return corcache_bit_range(from - start, to - from + 1);
}

static void evict_by_region(struct corcache_cache *cache, u64 first, u64 last)
{
	const struct corcache_geometry *geo = &cache->geo;
	u64 region = corcache_block_to_region(geo, first);
	u64 end = corcache_block_to_region(geo, last);

	for (; region <= end; region++) {
		cond_resched();
		if (!READ_ONCE(cache->index[region]))
			continue;
		spin_lock_irq(&cache->lock);
		evict_region(cache, region, bits_within(geo, region, first, last));
		spin_unlock_irq(&cache->lock);
	}
}

static void evict_by_slot(struct corcache_cache *cache, u64 first, u64 last)
{
	const struct corcache_geometry *geo = &cache->geo;
	u64 start = corcache_block_to_region(geo, first);
	u64 end = corcache_block_to_region(geo, last);
	u64 slot;

	for (slot = 0; slot < geo->nr_slots; slot++) {
		struct corcache_slot *s = &cache->slots[slot];

		cond_resched();
		if (!(READ_ONCE(s->flags) & CORCACHE_SLOT_USED))
			continue;
		spin_lock_irq(&cache->lock);
		if ((s->flags & CORCACHE_SLOT_USED) && s->region >= start && s->region <= end)
			evict_region(cache, s->region,
				     bits_within(geo, s->region, first, last));
		spin_unlock_irq(&cache->lock);
	}
}

void corcache_evict(struct corcache_cache *cache, u64 block, u64 nr)
{
	if (nr >> (cache->geo.region_shift - cache->geo.block_shift) > cache->geo.nr_slots)
		evict_by_slot(cache, block, block + nr - 1);
	else
		evict_by_region(cache, block, block + nr - 1);
}

/* -------- What the policy chooses --------------------------------------- */

static u32 region_of(void *context, u32 slot)
{
	struct corcache_cache *cache = context;

	return cache->slots[slot].region;
}

static bool in_use(void *context, u32 slot)
{
	struct corcache_cache *cache = context;

	return cache->slots[slot].flags & CORCACHE_SLOT_USED;
}

/* Not what is just being filled, if there is a choice. */
static bool in_use_and_quiet(void *context, u32 slot)
{
	struct corcache_cache *cache = context;

	return in_use(context, slot) && !cache->slots[slot].writers;
}

static const struct corcache_policy_ops shrink_ops = {
	.evictable = in_use,
	.region = region_of,
};

static const struct corcache_policy_ops reclaim_ops = {
	.evictable = in_use_and_quiet,
	.region = region_of,
};

/*
 * With cache->lock held: retire one more victim, or look at some more slots for
 * it.  @left: slots that have not been looked at since the last victim.
 */
static void __evict_some(struct corcache_cache *cache,
			 const struct corcache_policy_ops *ops, u32 *left)
{
	u32 slot = corcache_policy_victim(&cache->policy, ops, cache, left);

	if (slot == CORCACHE_POLICY_NO_SLOT)
		return;
	evict_slot(cache, slot, true);
	*left = cache->policy.nr_slots;
}

/* Retired slots count as used until they are free, so count them off. */
static u64 __in_slots(const struct corcache_cache *cache)
{
	return cache->used - cache->retired;
}

static bool shrink_some(struct corcache_cache *cache, u32 *left)
{
	bool more;

	spin_lock_irq(&cache->lock);
	more = __in_slots(cache) > cache->admit_quota && *left;
	if (more)
		__evict_some(cache, &shrink_ops, left);
	spin_unlock_irq(&cache->lock);
	return more;
}

/* The caller comes again if a whole round was not enough. */
void corcache_evict_shrink(struct corcache_cache *cache)
{
	u32 left = cache->policy.nr_slots;

	while (shrink_some(cache, &left))
		cond_resched();
}

/* -------- Free slots in time -------------------------------------------- */

static bool __is_short(struct corcache_cache *cache)
{
	return cache->owner && cache->mode == CORCACHE_ACTIVE &&
	       corcache_policy_wanted(&cache->policy, __in_slots(cache));
}

void __corcache_evict_if_short(struct corcache_cache *cache)
{
	lockdep_assert_held(&cache->lock);
	if (__is_short(cache))
		queue_delayed_work(corcache_commit_wq, &cache->reclaim_work,
				   msecs_to_jiffies(RECLAIM_DELAY_MS));
}

static bool reclaim_some(struct corcache_cache *cache, u32 *left)
{
	bool more;

	spin_lock_irq(&cache->lock);
	more = *left && __is_short(cache);
	if (more)
		__evict_some(cache, &reclaim_ops, left);
	spin_unlock_irq(&cache->lock);
	return more;
}

static bool has_retired(struct corcache_cache *cache)
{
	bool retired;

	spin_lock_irq(&cache->lock);
	retired = cache->retired;
	spin_unlock_irq(&cache->lock);
	return retired;
}

void corcache_evict_reclaim_work(struct work_struct *work)
{
	struct corcache_cache *cache = container_of(to_delayed_work(work),
						    struct corcache_cache, reclaim_work);
	unsigned int rounds;
	u32 left;

	for (rounds = 0; rounds < RECLAIM_ROUNDS; rounds++) {
		left = cache->policy.nr_slots;
		while (reclaim_some(cache, &left))
			cond_resched();
		if (left)
			break;
	}
	if (has_retired(cache))
		corcache_meta_commit(cache);
}
