// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache insert: what the origin has answered is copied to the cache device.
 *
 * Owns struct corcache_insert and the rest of a fill's way after fill.c, for
 * which no reader waits:
 *
 *   1. hand over: the waiters are answered.  What speaks against inserting it
 *      (mode, bounds, memory) ends the fill here
 *   2. insert: slots are admitted, checksums taken, pages written to the cache
 *      device; if something was removed from one of the slots just now, after the
 *      next commit; if the origin may be another image, when it is known that it
 *      is not, or not at all
 *   3. publish: the bits are set
 *   4. end: out of the table, freed when the last bio has copied from it
 *
 * Contexts: 1 where the origin's answer was delivered, any context; 2 in
 * insert_work, one fill at a time and the oldest first; 3 and 4 in the cache
 * device's end_io, or where the fill ended before.
 *
 * Bound: the memory for insertion (CORCACHE_MEMORY_INSERT); what is beyond it is
 * not inserted.
 */
#include "check.h"
#include "evict.h"
#include "flight.h"
#include "index.h"
#include "insert.h"
#include "mode.h"
#include "trace.h"

/* For __why_not(): there is no reason. */
#define NO_REASON	(-1)

/* Regions that slots are found for with the lock held once. */
#define ADMIT_REGIONS	16U

static u32 nr_regions(const struct corcache_xfer *x)
{
	return corcache_regions_touched(&x->target->cache->geo, x->block, x->nr_blocks);
}

/* The part of the fill that lies in its @i-th region, and the region. */
struct part {
	corcache_region_t region;
	u32 bit;		/* first block, in the region */
	u32 first;		/* first block, in the fill */
	u32 nr;
};

static struct part part_of(const struct corcache_xfer *x, u32 i)
{
	const struct corcache_geometry *geo = &x->target->cache->geo;
	corcache_region_t region = region_add(corcache_block_to_region(geo, x->block), i);
	corcache_block_t from = block_max(x->block, corcache_region_to_block(geo, region));
	corcache_block_t to = block_min(block_add(x->block, x->nr_blocks),
					corcache_region_to_block(geo, region_add(region, 1)));

	return (struct part) {
		.region = region,
		.bit = corcache_block_bit(geo, from),
		.first = block_distance(x->block, from),
		.nr = block_distance(from, to),
	};
}

/* The end of a fill that was handed over; it, and its target, may be gone then. */
static void end_insert(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	__corcache_flight_end(x);
	spin_unlock_irqrestore(&target->lock, flags);
	corcache_flight_put(x);
}

static void count_reason(struct corcache_cache *cache, enum corcache_bypass reason)
{
	switch (reason) {
	case CORCACHE_BYPASS_QUOTA:
		corcache_stat_inc(cache, bypass_quota);
		break;
	case CORCACHE_BYPASS_WRITES:
		corcache_stat_inc(cache, bypass_writes);
		break;
	case CORCACHE_BYPASS_MEMORY:
		corcache_stat_inc(cache, bypass_memory);
		break;
	case CORCACHE_BYPASS_MODE:
		corcache_stat_inc(cache, bypass_mode);
		break;
	case CORCACHE_BYPASS_ERROR:
		corcache_stat_inc(cache, bypass_error);
		break;
	case CORCACHE_BYPASS_EVICTED:
		corcache_stat_inc(cache, bypass_evicted);
		break;
	case CORCACHE_BYPASS_CHECK:
		corcache_stat_inc(cache, bypass_check);
		break;
	}
}

static void bypass(struct corcache_xfer *x, enum corcache_bypass reason)
{
	struct corcache_cache *cache = x->target->cache;

	corcache_stat_inc(cache, bypasses);
	count_reason(cache, reason);
	trace_corcache_bypass(x->target->cache_dev->bdev->bd_dev, x->sector, x->sectors, reason);
}

/*
 * Wait for the next commit if something was removed from a slot of this fill
 * and is not durably gone.  Return: true if it waits.
 */
static bool wait_for_commit(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;
	corcache_region_t region = part_of(x, 0).region;
	u32 i, nr = nr_regions(x);
	bool wait = false;

	spin_lock_irq(&cache->lock);
	if (READ_ONCE(cache->mode) == CORCACHE_ACTIVE && !corcache_index_paused() &&
	    READ_ONCE(x->target->state) != CORCACHE_SUSPENDED)
		for (i = 0; i < nr && !wait; i++) {
			corcache_region_t next = region_add(region, i);
			corcache_entry_t entry = cache->index[from_region(next)];

			wait = entry && __corcache_index_held(cache, entry_to_slot(entry));
		}
	if (wait)
		list_add_tail(&x->waiting, &x->target->insert.waiting);
	spin_unlock_irq(&cache->lock);
	/* no reader waits for it */
	if (wait)
		corcache_index_schedule_commit_soon(cache);
	return wait;
}

/*
 * What the origin has answered may be another image's.  Return: true if it waits for
 * the verdict, or has ended.
 */
static bool wait_for_verdict(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	enum corcache_verdict verdict = corcache_check_verdict(target);

	if (likely(verdict == CORCACHE_ORIGIN_EQUAL))
		return false;
	if (verdict == CORCACHE_ORIGIN_WANTED &&
	    READ_ONCE(target->state) != CORCACHE_SUSPENDED) {
		list_add_tail(&x->waiting, &target->insert.waiting);
	} else {
		bypass(x, CORCACHE_BYPASS_CHECK);
		end_insert(x);
	}
	return true;
}

/* Slots for the regions from the @i-th to before @end.  Return: does the cache write? */
static bool admit_some(struct corcache_xfer *x, u32 i, u32 end)
{
	struct corcache_cache *cache = x->target->cache;
	bool active;

	spin_lock_irq(&cache->lock);
	active = cache->owner == x->target && cache->mode == CORCACHE_ACTIVE &&
		 !corcache_index_paused();
	for (; i < end; i++) {
		struct part p = part_of(x, i);
		corcache_entry_t entry = cache->index[from_region(p.region)];

		x->slot[i] = CORCACHE_NO_SLOT;
		/* held again since wait_for_commit() looked: rare, not inserted */
		if (active && !(entry && __corcache_index_held(cache, entry_to_slot(entry))))
			x->slot[i] = __corcache_index_admit(cache, p.region,
							    corcache_bit_range(p.bit, p.nr));
	}
	if (active)
		__corcache_evict_if_short(cache);
	spin_unlock_irq(&cache->lock);
	return active;
}

/*
 * The policy is not quick, and there may be 256 regions in a fill: some at a
 * time, as the cache device's interrupts want the lock as well.  Return: how
 * many got a slot.
 */
static u32 admit_regions(struct corcache_xfer *x)
{
	u32 i, end, found = 0, nr = nr_regions(x);
	bool active = true;

	for (i = 0; i < nr; i = end) {
		end = min(i + ADMIT_REGIONS, nr);
		active = admit_some(x, i, end);
	}
	for (i = 0; i < nr; i++)
		found += x->slot[i] != CORCACHE_NO_SLOT;
	if (found < nr)
		bypass(x, active ? CORCACHE_BYPASS_QUOTA : CORCACHE_BYPASS_MODE);
	return found;
}

static void take_checksums(struct corcache_xfer *x)
{
	const struct corcache_geometry *geo = &x->target->cache->geo;
	u32 i;

	if (!geo->checksums)
		return;
	for (i = 0; i < x->nr_blocks; i++) {
		corcache_block_t block = block_add(x->block, i);
		u32 offset = corcache_whole_sectors(geo, i) << SECTOR_SHIFT;
		u32 bytes = corcache_blocks_sectors(geo, block, 1) << SECTOR_SHIFT;

		x->crc[i] = corcache_xfer_crc(x, block, offset, bytes);
		cond_resched();
	}
}

/*
 * Step 3; x->status is that of the writes.  All or nothing: which of them failed
 * does not matter.
 */
static void publish(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;
	u32 i, nr = nr_regions(x);
	bool evicted = false;
	u64 bytes = 0;
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	for (i = 0; i < nr; i++) {
		struct part p = part_of(x, i);
		u64 bits = x->status ? 0 : corcache_bit_range(p.bit, p.nr);

		if (x->slot[i] == CORCACHE_NO_SLOT)
			continue;
		if (__corcache_index_publish(cache, x->slot[i], p.region, bits,
					     x->crc + p.first))
			bytes += (u64)p.nr << cache->geo.block_shift << SECTOR_SHIFT;
		else if (!x->status)
			evicted = true;
	}
	spin_unlock_irqrestore(&cache->lock, flags);

	if (evicted)
		bypass(x, CORCACHE_BYPASS_EVICTED);

	if (bytes) {
		corcache_stat_inc(cache, fills);
		corcache_stat_add(cache, fill_bytes, bytes);
	}
	trace_corcache_fill_done(x->target->cache_dev->bdev->bd_dev, x->sector, x->sectors, bytes);
}

/* The first slot that it was written to; there is one. */
static corcache_slot_t first_slot(const struct corcache_xfer *x)
{
	u32 i = 0;

	while (x->slot[i] == CORCACHE_NO_SLOT)
		i++;
	return x->slot[i];
}

static void write_done(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;

	if (x->status) {
		bool memory = corcache_mode_try_again(x->status);

		if (!memory)
			corcache_mode_error(cache, CORCACHE_ERROR_WRITE, first_slot(x), x->status);
		bypass(x, memory ? CORCACHE_BYPASS_MEMORY : CORCACHE_BYPASS_ERROR);
	}
	publish(x);
	end_insert(x);
}

/* How many regions from the @i-th on have slots that follow one another? */
static u32 slot_run(const struct corcache_xfer *x, u32 i, u32 nr)
{
	u32 n = 1;

	while (i + n < nr && x->slot[i + n] == slot_add(x->slot[i], n))
		n++;
	return n;
}

static void write_slots(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u32 i, n, nr = nr_regions(x);

	x->done = write_done;
	atomic_set(&x->pending, 1);
	for (i = 0; i < nr; i += n) {
		struct part first = part_of(x, i), last;
		u32 blocks;

		n = 1;
		if (x->slot[i] == CORCACHE_NO_SLOT)
			continue;
		n = slot_run(x, i, nr);
		last = part_of(x, i + n - 1);
		blocks = last.first + last.nr - first.first;
		if (!corcache_xfer_write(x, cache->bdev,
					 corcache_slot_to_sector(geo, x->slot[i], first.bit),
					 corcache_whole_sectors(geo, first.first) << SECTOR_SHIFT,
					 corcache_whole_sectors(geo, blocks) << SECTOR_SHIFT)) {
			WRITE_ONCE(x->status, BLK_STS_RESOURCE);
			break;
		}
	}
	corcache_xfer_put_pending(x);
}

/* Step 2; from the start again when it has waited. */
static void insert_fill(struct corcache_xfer *x)
{
	if (wait_for_verdict(x) || wait_for_commit(x))
		return;
	if (!admit_regions(x)) {
		end_insert(x);
		return;
	}
	take_checksums(x);
	write_slots(x);
}

/* Those that have waited, then the oldest: slots in the order of the reads. */
static struct corcache_xfer *next_to_insert(struct corcache_insert *insert)
{
	struct llist_node *node;
	struct corcache_xfer *x;

	x = list_first_entry_or_null(&insert->again, struct corcache_xfer, waiting);
	if (x) {
		list_del_init(&x->waiting);
		return x;
	}
	node = insert->taken;
	if (!node)
		node = llist_reverse_order(llist_del_all(&insert->todo));
	if (!node)
		return NULL;
	insert->taken = node->next;
	return llist_entry(node, struct corcache_xfer, insert);
}

static bool more_to_insert(const struct corcache_insert *insert)
{
	return !list_empty(&insert->again) || insert->taken || !llist_empty(&insert->todo);
}

/*
 * All fills of a target go through this one, a fill at a time: a burst of them
 * wakes one worker, and does not take the processor, in one go, from reads that
 * are to be sent to the origin, for which readers wait.  Writing to the cache
 * device need not be faster than one can submit.
 *
 * A work item never runs twice at a time: what is its own needs no lock.
 */
static void insert_work(struct work_struct *work)
{
	struct corcache_insert *insert = container_of(work, struct corcache_insert, work);
	struct corcache_target *target = container_of(insert, struct corcache_target, insert);
	struct corcache_xfer *x;

	/* a commit that ends, or a verdict, from here on queues this work again */
	if (xchg(&insert->look_again, false))
		list_splice_tail_init(&insert->waiting, &insert->again);
	x = next_to_insert(insert);
	if (!x)
		return;
	insert_fill(x);
	if (more_to_insert(insert))
		queue_work(target->insert_wq, &insert->work);
}

/*
 * With target->lock held.  A run of the work that is about to end may take x at
 * once, and x may be all that the target waits for before it is freed; to end x
 * the work takes the lock: it is queued before that.
 */
static void __hand_over(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;

	lockdep_assert_held(&target->lock);
	if (llist_add(&x->insert, &target->insert.todo))
		queue_work(target->insert_wq, &target->insert.work);
}

/*
 * May it be inserted?  CORCACHE_BYPASS_* if not; if so, its pages are held for that
 * from now on.  With target->lock held.
 */
static int __why_not(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;

	lockdep_assert_held(&target->lock);
	if (target->state == CORCACHE_SUSPENDED ||
	    READ_ONCE(target->cache->mode) != CORCACHE_ACTIVE)
		return CORCACHE_BYPASS_MODE;
	if (corcache_check_verdict(target) == CORCACHE_ORIGIN_LATE)
		return CORCACHE_BYPASS_CHECK;
	/* the spare transfer is wanted back for the next read */
	if (x->reserve != CORCACHE_RESERVES)
		return CORCACHE_BYPASS_MEMORY;
	if (!__corcache_xfer_hold_for_insert(x))
		return CORCACHE_BYPASS_WRITES;
	return NO_REASON;
}

/*
 * The waiters of a fill are answered: the end function that fill.c calls.  If it
 * is not to be inserted, it ends here.
 */
static void answered(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	unsigned long flags;
	int reason;

	spin_lock_irqsave(&target->lock, flags);
	reason = __why_not(x);
	if (reason == NO_REASON)
		__hand_over(x);
	spin_unlock_irqrestore(&target->lock, flags);
	if (reason == NO_REASON)
		return;

	bypass(x, reason);
	spin_lock_irqsave(&target->lock, flags);
	__corcache_flight_end(x);
	spin_unlock_irqrestore(&target->lock, flags);
	corcache_flight_put(x);
}

void corcache_insert_init(struct corcache_target *target)
{
	struct corcache_insert *insert = &target->insert;

	init_llist_head(&insert->todo);
	INIT_LIST_HEAD(&insert->waiting);
	INIT_LIST_HEAD(&insert->again);
	INIT_WORK(&insert->work, insert_work);
	target->flight.answered = answered;
}
