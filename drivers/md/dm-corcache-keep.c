// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache keep: what the origin has answered is copied to the cache device.
 *
 * Steps 3 and 4 of a fill's life (dm-corcache-fill.c), behind which no reader
 * waits:
 *
 *   3. keep: slots are found, checksums taken, pages written to the cache
 *      device; if something was removed from a slot just now, after the next
 *      commit.  Whatever is against it (quota, bounds, memory, mode) ends the
 *      fill here
 *   4. publish: the bits are set
 *
 * Owns target->to_keep, the queue to keep_work, which takes one fill at a time
 * and the oldest first.
 *
 * Contexts: asked for where the origin's answer was delivered, any context; 3 in
 * keep_work; 4 in the cache device's end_io, or where 3 ended.
 *
 * Bound: target->keeping_bytes (more is not kept).
 */
#include "dm-corcache-cache.h"
#include "dm-corcache-evict.h"
#include "dm-corcache-fill.h"
#include "dm-corcache-index.h"
#include "dm-corcache-keep.h"
#include "dm-corcache-trace.h"

/* Most that is written to the cache device at a time. */
#define KEEPING_BYTES	(32ULL << 20)

/* Regions that slots are found for with the lock held once. */
#define ADMIT_REGIONS	16U

static u32 nr_regions(const struct corcache_xfer *x)
{
	return corcache_regions_touched(&x->target->cache->geo, x->block, x->nr_blocks);
}

/* The part of the fill that lies in its @i-th region, and the region. */
struct part {
	u64 region;
	u32 bit;		/* first block, in the region */
	u32 first;		/* first block, in the fill */
	u32 nr;
};

static struct part part_of(const struct corcache_xfer *x, u32 i)
{
	const struct corcache_geometry *geo = &x->target->cache->geo;
	u64 region = corcache_block_to_region(geo, x->block) + i;
	u64 from = max(x->block, corcache_region_to_block(geo, region));
	u64 to = min(x->block + x->nr_blocks, corcache_region_to_block(geo, region + 1));

	return (struct part) {
		.region = region,
		.bit = corcache_block_bit(geo, from),
		.first = from - x->block,
		.nr = to - from,
	};
}

static void bypass(struct corcache_xfer *x, enum corcache_bypass reason)
{
	struct corcache_cache *cache = x->target->cache;

	corcache_stat_inc(cache, bypasses);
	trace_corcache_bypass(x->target->cache_dev->bdev->bd_dev, x->sector, x->sectors, reason);
}

/*
 * Wait for the next commit if something was removed from a slot of this fill
 * and is not durably gone.  Return: true if it waits.
 */
static bool wait_for_commit(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;
	u32 i, entry, nr = nr_regions(x);
	u64 region = part_of(x, 0).region;
	bool wait = false;

	spin_lock_irq(&cache->lock);
	if (READ_ONCE(cache->mode) == CORCACHE_ACTIVE &&
	    READ_ONCE(x->target->state) != CORCACHE_SUSPENDED)
		for (i = 0; i < nr && !wait; i++) {
			entry = cache->index[region + i];
			wait = entry && __corcache_index_held(cache, entry - 1);
		}
	if (wait)
		list_add_tail(&x->held, &cache->held_fills);
	spin_unlock_irq(&cache->lock);
	if (wait)
		corcache_cache_schedule_commit(cache, true);
	return wait;
}

/* Slots for the regions from the @i-th to before @end.  Return: may there be any? */
static bool find_some_slots(struct corcache_xfer *x, u32 i, u32 end)
{
	struct corcache_cache *cache = x->target->cache;
	bool active;

	spin_lock_irq(&cache->lock);
	active = cache->owner == x->target && cache->mode == CORCACHE_ACTIVE;
	for (; i < end; i++) {
		struct part p = part_of(x, i);
		u32 entry = cache->index[p.region];

		x->slot[i] = CORCACHE_NO_SLOT;
		/* held again since wait_for_commit() looked: rare, not kept */
		if (active && !(entry && __corcache_index_held(cache, entry - 1)))
			x->slot[i] = __corcache_index_admit(cache, p.region,
							    corcache_bit_range(p.bit, p.nr));
	}
	if (active)
		__corcache_evict_if_short(cache);
	spin_unlock_irq(&cache->lock);
	return active;
}

/*
 * The policy takes its time, and there may be 256 regions in a fill: some at a
 * time, as the cache device's interrupts want the lock as well.  Return: how
 * many got a slot.
 */
static u32 find_slots(struct corcache_xfer *x)
{
	u32 i, end, found = 0, nr = nr_regions(x);
	bool active = true;

	for (i = 0; i < nr; i = end) {
		end = min(i + ADMIT_REGIONS, nr);
		active = find_some_slots(x, i, end);
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
		u32 offset = corcache_block_to_sector(geo, i) << SECTOR_SHIFT;
		u32 bytes = corcache_blocks_sectors(geo, x->block + i, 1) << SECTOR_SHIFT;

		x->crc[i] = corcache_xfer_crc(x, x->block + i, offset, bytes);
		cond_resched();
	}
}

/*
 * Step 4; x->status is that of the writes.  All or nothing: which of them
 * failed is not worth knowing.
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

static void write_done(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;

	if (x->status) {
		/* no memory for a bio is not the device's fault */
		if (x->status != BLK_STS_RESOURCE)
			corcache_cache_error(cache, x->status);
		bypass(x, x->status == BLK_STS_RESOURCE ? CORCACHE_BYPASS_MEMORY :
							  CORCACHE_BYPASS_ERROR);
	}
	publish(x);
	corcache_fill_finish(x, x->held_bytes);
}

/* How many regions from the @i-th on have slots that follow one another? */
static u32 slot_run(const struct corcache_xfer *x, u32 i, u32 nr)
{
	u32 n = 1;

	while (i + n < nr && x->slot[i + n] == x->slot[i] + n)
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
					 corcache_block_to_sector(geo, first.first) << SECTOR_SHIFT,
					 corcache_block_to_sector(geo, blocks) << SECTOR_SHIFT)) {
			WRITE_ONCE(x->status, BLK_STS_RESOURCE);
			break;
		}
	}
	corcache_xfer_put_pending(x);
}

/* Step 3; again from the start when a commit was waited for. */
static void keep(struct corcache_xfer *x)
{
	if (wait_for_commit(x))
		return;
	if (!find_slots(x)) {
		corcache_fill_finish(x, x->held_bytes);
		return;
	}
	take_checksums(x);
	write_slots(x);
}

/* The oldest first: slots in the order of the reads. */
static struct corcache_xfer *next_to_keep(struct corcache_target *target)
{
	struct llist_node *node = target->keep_next;

	if (!node)
		node = llist_reverse_order(llist_del_all(&target->to_keep));
	if (!node)
		return NULL;
	target->keep_next = node->next;
	return llist_entry(node, struct corcache_xfer, keep);
}

/*
 * All fills of a target go through this one, a fill at a time: a burst of them
 * wakes one worker, and does not keep the processor, in one go, from reads that
 * are to be sent to the origin, for which readers wait.  Writing to the cache
 * device need not be faster than one can submit.
 *
 * A work never runs twice at a time, so that wait_for_commit() has let go of
 * the cache before the fill, which a commit may have brought here again at
 * once, can be finished.
 */
static void keep_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      keep_work);
	struct corcache_xfer *x = next_to_keep(target);

	if (!x)
		return;
	keep(x);
	if (target->keep_next || !llist_empty(&target->to_keep))
		queue_work(target->keep_wq, &target->keep_work);
}

/*
 * A run of keep_work that is about to end may take x at once, and x may be all
 * that the target waits for before it is freed.  The caller's lock is one that
 * keep() or corcache_fill_finish() takes: the work is queued before that.
 */
void corcache_keep_again(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;

	if (llist_add(&x->keep, &target->to_keep))
		queue_work(target->keep_wq, &target->keep_work);
}

bool corcache_keep(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	enum corcache_bypass reason = CORCACHE_BYPASS_MODE;
	unsigned long flags;
	bool keep = false;

	spin_lock_irqsave(&target->lock, flags);
	if (target->state != CORCACHE_SUSPENDED &&
	    READ_ONCE(target->cache->mode) == CORCACHE_ACTIVE) {
		reason = CORCACHE_BYPASS_WRITES;
		/* the spare transfer is wanted back for the next read */
		if (x->reserve != CORCACHE_RESERVES)
			reason = CORCACHE_BYPASS_MEMORY;
		else if (!target->keeping_bytes ||
			 target->keeping_bytes + x->held_bytes <= KEEPING_BYTES)
			keep = true;
	}
	if (keep) {
		target->keeping_bytes += x->held_bytes;
		corcache_keep_again(x);
	}
	spin_unlock_irqrestore(&target->lock, flags);
	if (!keep)
		bypass(x, reason);
	return keep;
}

void corcache_keep_init(struct corcache_target *target)
{
	init_llist_head(&target->to_keep);
	INIT_WORK(&target->keep_work, keep_work);
}
