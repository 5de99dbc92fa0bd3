// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache evict: slots are emptied.
 *
 * Owns the ways in which a slot is chosen to be retired.  index.c knows what
 * retiring is and when a retired slot is free.
 *
 *   evict	a range of the origin, when a message says so
 *   shrink	as many as are above a quota that was lowered, in a message or, if the
 *		table was loaded with it, in the background
 *   reclaim	as many as the policy wants to have free, in the background
 *
 * Reclaim keeps eviction off every reader's path.  When a fill has taken a slot
 * and too few are free, the work is queued; it retires a batch of victims and
 * commits once for all of them, which makes them free.  Until then fills take
 * the free slots there are; a burst of misses that uses them up is read uncached,
 * and no reader waits.
 *
 * How many slots are kept free, and for how long the work waits, the policy says
 * from what was measured: how many regions were admitted in a cycle, and how long
 * its commit takes.  A commit costs two flushes.  While slots are short, a cycle
 * takes as long as its commit, and at least RECLAIM_LEAST_US: at most 400 flushes
 * a second if a flush costs nothing, 100 if it takes 10 ms.  While enough are
 * free, the work waits for 20 times as long, at most a second: 20 flushes a second
 * at most, and 2 to 5 if a flush takes 10 ms.
 *
 * The first two go in pieces that one batch of a commit makes durable: a suspend
 * waits for a message that is under way, holds all I/O meanwhile, and has to commit
 * what is left.  So the caller commits after each piece, and then looks whether a
 * suspend waits.
 *
 * cache->lock is taken for one region, or for CORCACHE_POLICY_STEPS slots of a
 * search, at a time: readers' fills want it as well.  Process context.
 */
#include "commit.h"
#include "evict.h"
#include "index.h"
#include "trace.h"

/* The work waits at least and at most that long, so victims share a commit. */
#define RECLAIM_LEAST_US	5000U
#define RECLAIM_MOST_US		1000000U

/* A policy may pass over all slots once before it takes the first. */
#define RECLAIM_ROUNDS		4

static void __evict_slot(struct corcache_cache *cache, corcache_slot_t slot, bool victim)
{
	corcache_region_t region = corcache_slot_region(&cache->slots[from_slot(slot)]);
	const struct corcache_geometry *geo = &cache->geo;

	lockdep_assert_held(&cache->lock);
	__corcache_index_retire(cache, slot, victim);
	corcache_stat_inc(cache, evictions);
	trace_corcache_evict(cache->bdev->bd_dev, corcache_region_to_sector(geo, region),
			     geo->region_sectors);
}

/* -------- Pieces ------------------------------------------------------- */

/* So many slots or regions are looked at before it is asked again who waits. */
#define LOOK_EVERY	512

/* What was changed of the table so far: one after another, it is near each other. */
struct piece {
	u64 sector;		/* the last one */
	u32 sectors;
	u32 pieces;		/* that do not lie side by side */
	u32 looks;
};

static const struct piece NO_PIECE = { .sector = U64_MAX };

/* Return: false if that is enough for one batch of a commit. */
static bool add_to_piece(struct piece *p, const struct corcache_cache *cache,
			 corcache_slot_t slot)
{
	u64 sector = from_slot(slot) / cache->geo.sector_entries;

	if (sector != p->sector) {
		p->sectors++;
		p->pieces += sector != p->sector + 1 && sector + 1 != p->sector;
	}
	p->sector = sector;
	return p->sectors < CORCACHE_BATCH_SECTORS && p->pieces < CORCACHE_BATCH_PIECES;
}

int corcache_evict_may_go_on(struct corcache_target *target)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	if (READ_ONCE(target->state) != CORCACHE_RUNNING || corcache_index_paused())
		return -EBUSY;
	return READ_ONCE(target->cache->mode) == CORCACHE_ACTIVE ? 0 : -EIO;
}

/* Once for each slot or region.  Return: is a suspend waiting? */
static bool is_to_end(struct piece *p, struct corcache_target *target)
{
	return !(++p->looks % LOOK_EVERY) && corcache_evict_may_go_on(target);
}

/* -------- A range ------------------------------------------------------ */

/* Return: the slot that was changed, or CORCACHE_NO_SLOT. */
static corcache_slot_t __evict_region(struct corcache_cache *cache, corcache_region_t region,
				      u64 bits)
{
	corcache_entry_t entry = cache->index[from_region(region)];
	corcache_slot_t slot = entry_to_slot(entry);

	lockdep_assert_held(&cache->lock);
	if (!entry)
		return CORCACHE_NO_SLOT;
	if (!(cache->slots[from_slot(slot)].valid & ~bits))
		__evict_slot(cache, slot, false);
	else if (!__corcache_index_drop(cache, slot, bits))
		return CORCACHE_NO_SLOT;
	return slot;
}

/* What of @region lies in the range. */
static u64 bits_within(const struct corcache_geometry *geo, corcache_region_t region,
		       const struct corcache_eviction *e)
{
	corcache_block_t start = corcache_region_to_block(geo, region);
	corcache_block_t from = block_max(e->first, start);
	corcache_block_t to = block_min(e->last, block_last(start, geo->region_blocks));

	return corcache_bit_range(block_distance(start, from), block_distance(from, to) + 1);
}

/* Return: the slot that was changed, or CORCACHE_NO_SLOT. */
static corcache_slot_t evict_region(struct corcache_cache *cache, corcache_region_t region,
				    const struct corcache_eviction *e)
{
	corcache_slot_t slot;

	if (!READ_ONCE(cache->index[from_region(region)]))
		return CORCACHE_NO_SLOT;
	spin_lock_irq(&cache->lock);
	slot = __evict_region(cache, region, bits_within(&cache->geo, region, e));
	spin_unlock_irq(&cache->lock);
	return slot;
}

/* If its region is in the range.  Return: the slot, or CORCACHE_NO_SLOT. */
static corcache_slot_t evict_slot(struct corcache_cache *cache, corcache_slot_t slot,
				  const struct corcache_eviction *e)
{
	const struct corcache_geometry *geo = &cache->geo;
	struct corcache_slot *s = &cache->slots[from_slot(slot)];

	if (!(READ_ONCE(s->flags) & CORCACHE_SLOT_USED))
		return CORCACHE_NO_SLOT;
	spin_lock_irq(&cache->lock);
	if ((s->flags & CORCACHE_SLOT_USED) &&
	    !region_before(corcache_slot_region(s), corcache_block_to_region(geo, e->first)) &&
	    !region_before(corcache_block_to_region(geo, e->last), corcache_slot_region(s)))
		slot = __evict_region(cache, corcache_slot_region(s),
				      bits_within(geo, corcache_slot_region(s), e));
	else
		slot = CORCACHE_NO_SLOT;
	spin_unlock_irq(&cache->lock);
	return slot;
}

void corcache_evict_begin(struct corcache_cache *cache, struct corcache_eviction *e,
			  corcache_block_t block, u64 nr)
{
	const struct corcache_geometry *geo = &cache->geo;

	e->first = block;
	e->last = block_last(block, nr);
	e->by_slot = nr >> (geo->region_shift - geo->block_shift) > geo->nr_slots;
	e->next = e->by_slot ? 0 : from_region(corcache_block_to_region(geo, block));
}

bool corcache_evict_some(struct corcache_target *target, struct corcache_eviction *e)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u64 end = e->by_slot ? geo->nr_slots :
			       from_region(corcache_block_to_region(geo, e->last)) + 1;
	struct piece p = NO_PIECE;

	while (e->next < end) {
		corcache_slot_t slot = e->by_slot ? evict_slot(cache, to_slot(e->next), e) :
						    evict_region(cache, to_region(e->next), e);

		e->next++;
		if ((slot != CORCACHE_NO_SLOT && !add_to_piece(&p, cache, slot)) ||
		    is_to_end(&p, target))
			break;
		cond_resched();
	}
	return e->next < end;
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
 * it.  @left: slots that have not been looked at since the last victim.  Return: the
 * victim, or CORCACHE_NO_SLOT.
 */
static corcache_slot_t __evict_victim(struct corcache_cache *cache,
				      const struct corcache_policy_ops *ops, u32 *left)
{
	u32 slot = corcache_policy_victim(&cache->policy, ops, cache, left);

	lockdep_assert_held(&cache->lock);
	if (slot == CORCACHE_POLICY_NO_SLOT)
		return CORCACHE_NO_SLOT;
	__evict_slot(cache, to_slot(slot), true);
	*left = cache->policy.nr_slots;
	return to_slot(slot);
}

/* Retired slots count as used until they are free, so count them off. */
static u64 __in_slots(const struct corcache_cache *cache)
{
	lockdep_assert_held(&cache->lock);
	return cache->used - cache->retired;
}

static bool __is_above_quota(const struct corcache_cache *cache)
{
	lockdep_assert_held(&cache->lock);
	return __in_slots(cache) > cache->admit_quota;
}

/* Return: true if there is more to do in this piece. */
static bool shrink_some(struct corcache_cache *cache, u32 *left, struct piece *p)
{
	corcache_slot_t slot = CORCACHE_NO_SLOT;
	bool more;

	spin_lock_irq(&cache->lock);
	more = __is_above_quota(cache) && *left;
	if (more)
		slot = __evict_victim(cache, &shrink_ops, left);
	spin_unlock_irq(&cache->lock);
	return more && (slot == CORCACHE_NO_SLOT || add_to_piece(p, cache, slot));
}

static bool is_above_quota(struct corcache_cache *cache)
{
	bool above;

	spin_lock_irq(&cache->lock);
	above = __is_above_quota(cache);
	spin_unlock_irq(&cache->lock);
	return above;
}

/* The caller comes again, too, if a whole round was not enough. */
bool corcache_evict_shrink(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;
	u32 left = cache->policy.nr_slots;
	struct piece p = NO_PIECE;

	while (shrink_some(cache, &left, &p) && !is_to_end(&p, target))
		cond_resched();
	return is_above_quota(cache);
}

/* Does the owner run, so that nobody waits for what is done in the background? */
static bool __in_use(const struct corcache_cache *cache)
{
	lockdep_assert_held(&cache->lock);
	return cache->owner && READ_ONCE(cache->owner->state) == CORCACHE_RUNNING &&
	       cache->mode == CORCACHE_ACTIVE && !corcache_index_paused();
}

void corcache_evict_start(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	if (__in_use(cache) && __is_above_quota(cache))
		queue_delayed_work(corcache_commit_wq, &cache->reclaim_work, 0);
	spin_unlock_irq(&cache->lock);
}

/*
 * A piece at a time: who waits for the work to end, a message or a suspend, waits for
 * one.  What is left after a suspend is gone on with at the next resume.
 */
static void shrink_in_background(struct corcache_cache *cache)
{
	struct corcache_target *owner = NULL;

	spin_lock_irq(&cache->lock);
	/* it stays until it has cancelled this work */
	if (__in_use(cache))
		owner = cache->owner;
	spin_unlock_irq(&cache->lock);
	if (!owner)
		return;
	corcache_evict_shrink(owner);
	if (!corcache_commit(cache))
		corcache_evict_start(cache);
}

/* -------- Free slots in time -------------------------------------------- */

static bool __is_short(struct corcache_cache *cache)
{
	lockdep_assert_held(&cache->lock);
	return cache->owner && cache->mode == CORCACHE_ACTIVE && !corcache_index_paused() &&
	       corcache_policy_wanted(&cache->policy, __in_slots(cache));
}

static unsigned long __reclaim_delay(struct corcache_cache *cache)
{
	u32 commit = max(cache->reclaim_us, RECLAIM_LEAST_US), delay;

	lockdep_assert_held(&cache->lock);
	delay = corcache_policy_delay(&cache->policy, __in_slots(cache), commit);
	return usecs_to_jiffies(min(delay, RECLAIM_MOST_US));
}

void __corcache_evict_if_short(struct corcache_cache *cache)
{
	unsigned long delay;

	lockdep_assert_held(&cache->lock);
	if (!__is_short(cache))
		return;
	delay = __reclaim_delay(cache);
	/* the wait gets shorter as slots are taken, and never longer */
	if (delayed_work_pending(&cache->reclaim_work) &&
	    !time_before(jiffies + delay, cache->reclaim_at))
		return;
	cache->reclaim_at = jiffies + delay;
	mod_delayed_work(corcache_commit_wq, &cache->reclaim_work, delay);
}

static bool reclaim_some(struct corcache_cache *cache, u32 *left)
{
	bool more;

	spin_lock_irq(&cache->lock);
	more = *left && __is_short(cache);
	if (more)
		__evict_victim(cache, &reclaim_ops, left);
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

static void end_cycle(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	corcache_policy_cycle(&cache->policy);
	spin_unlock_irq(&cache->lock);
}

/* Return: as corcache_commit(). */
static int timed_commit(struct corcache_cache *cache)
{
	ktime_t start = ktime_get();
	int r = corcache_commit(cache);
	u32 us = min_t(s64, ktime_us_delta(ktime_get(), start), RECLAIM_MOST_US);

	spin_lock_irq(&cache->lock);
	cache->reclaim_us = (3 * cache->reclaim_us + us) / 4;
	spin_unlock_irq(&cache->lock);
	return r;
}

void corcache_evict_reclaim_work(struct work_struct *work)
{
	struct corcache_cache *cache = container_of(to_delayed_work(work),
						    struct corcache_cache, reclaim_work);
	unsigned int rounds;
	u32 left;

	if (is_above_quota(cache)) {
		shrink_in_background(cache);
		return;
	}
	for (rounds = 0; rounds < RECLAIM_ROUNDS; rounds++) {
		left = cache->policy.nr_slots;
		while (reclaim_some(cache, &left))
			cond_resched();
		if (left)
			break;
	}
	if (!has_retired(cache) || !timed_commit(cache))
		end_cycle(cache);
}
