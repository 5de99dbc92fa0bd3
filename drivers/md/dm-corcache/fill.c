// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache fill: reads of the origin, shared by all bios that wait for them.
 *
 * Owns the way of a fill from the first question to the answer:
 *
 *   1. begin: its blocks are in the table (flight.c); bios that want them wait
 *   2. deliver: the origin has answered; the waiters are taken and answered from
 *      the pages; bios that come later are answered at once, with a reference
 *   3. hand over: insert.c decides whether it is inserted, and ends it
 *
 * and the private reads, which are not shared and not inserted.
 *
 * Contexts: 1 in map or in origin_wq, sent from origin_wq only; 2 in the
 * origin's end_io, or in corcache_wq if there is much to copy; 3 where 2 ended.
 *
 * Bound: the memory for reads of the origin (CORCACHE_MEMORY_READ); what is beyond
 * it is deferred.
 */
#include "check.h"
#include "deferred.h"
#include "fill.h"
#include "flight.h"
#include "index.h"
#include "route.h"
#include "trace.h"

/*
 * Most that is copied, to all waiters together, where the origin's driver ends
 * a read: in an interrupt, and in a task of the driver's, which has the next
 * answer to receive.
 */
#define COPY_INTERRUPT_BYTES	SZ_64K
#define COPY_TASK_BYTES		SZ_256K

/* -------- Answering --------------------------------------------------- */

/* Copy what the transfer has of what the bio wants. */
static void answer_bio(struct corcache_xfer *x, struct bio *bio)
{
	u64 start = bio->bi_iter.bi_sector;
	u64 end = min(x->sector + x->sectors, corcache_bio_end(bio));
	u32 bytes = (end - start) << SECTOR_SHIFT;

	corcache_xfer_copy(x, (start - x->sector) << SECTOR_SHIFT, bio, bytes);
	bio_advance(bio, bytes);
	corcache_route_again(bio);
}

static void answer_bios(struct corcache_xfer *x, struct bio_list *bios)
{
	struct bio *bio;

	while ((bio = bio_list_pop(bios)))
		answer_bio(x, bio);
}

/* No bio waits for this transfer from now on. */
static void end_reading(struct corcache_xfer *x, struct bio_list *bios)
{
	struct corcache_target *target = x->target;
	unsigned long flags;

	bio_list_init(bios);
	spin_lock_irqsave(&target->lock, flags);
	__corcache_flight_deliver(x, bios);
	spin_unlock_irqrestore(&target->lock, flags);
}

/*
 * The error is the answer only to bios that asked for exactly what was read.
 * Each of the others may get what it wants from a read of that alone.
 */
static void fail_bios(struct corcache_xfer *x, struct bio_list *bios)
{
	struct bio *bio;

	while ((bio = bio_list_pop(bios))) {
		if (x->kind == CORCACHE_XFER_PRIVATE ||
		    (bio->bi_iter.bi_sector == x->sector &&
		     bio_sectors(bio) == x->sectors))
			bio->bi_status = x->status;
		else
			corcache_io(bio)->private = true;
		corcache_route_again(bio);
	}
}

/* -------- Reading ----------------------------------------------------- */

/* Step 2. */
static void deliver(struct corcache_xfer *x)
{
	struct bio_list bios;

	/* before it can be inserted: it may be another image's by now */
	corcache_check_watch(x->target);
	end_reading(x, &bios);
	if (x->status) {
		corcache_stat_inc(x->target->cache, origin_errors);
		fail_bios(x, &bios);
		corcache_flight_put(x);
		return;
	}
	corcache_check_answered(x->target);
	answer_bios(x, &bios);
	if (x->kind == CORCACHE_XFER_PRIVATE)
		corcache_flight_put(x);
	else
		x->target->flight.answered(x);
}

static void deliver_work(struct work_struct *work)
{
	deliver(container_of(work, struct corcache_xfer, work));
}

static bool may_copy_here(const struct corcache_xfer *x)
{
	bool task = in_task() && !irqs_disabled();

	return (u64)x->bytes * READ_ONCE(x->nr_waiters) <=
	       (task ? COPY_TASK_BYTES : COPY_INTERRUPT_BYTES);
}

static void read_done(struct corcache_xfer *x)
{
	if (may_copy_here(x)) {
		deliver(x);
	} else {
		INIT_WORK(&x->work, deliver_work);
		queue_work(corcache_wq, &x->work);
	}
}

/*
 * The only place that sends anything to the origin for readers while the cache
 * works.  Submitting blocks when the origin's driver has no room, for as long
 * as the origin stalls.  In map it would block the task that maps: a reader,
 * which could then not even be killed, or device-mapper's own thread, and with
 * it every hit behind it and the next suspend.
 */
static void submit_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      flight.submit_work);
	struct corcache_xfer *x;

	while ((x = corcache_flight_next_to_submit(&target->flight))) {
		corcache_check_watch(target);
		corcache_xfer_read(x, target->origin_dev->bdev, x->sector);
		cond_resched();
	}
}

/*
 * The transfer is complete; what is missing is sending it, and the bios that
 * wait for it.
 */
static void __begin_reading(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;

	lockdep_assert_held(&x->target->lock);
	corcache_stat_inc(target->cache, misses);
	corcache_stat_inc(target->cache, origin_reads);
	corcache_stat_add(target->cache, origin_bytes, (u64)x->sectors << SECTOR_SHIFT);
	trace_corcache_miss(target->cache_dev->bdev->bd_dev, x->sector, x->sectors);

	x->done = read_done;
	__corcache_flight_begin(x);
}

/*
 * The first block of @bio is in fill @x.  Return: true if the origin has
 * answered; then the caller answers @bio, and puts @x, without the lock.
 */
static bool __join(struct corcache_xfer *x, struct bio *bio)
{
	struct corcache_target *target = x->target;

	lockdep_assert_held(&x->target->lock);
	corcache_stat_inc(target->cache, joins);
	trace_corcache_join(target->cache_dev->bdev->bd_dev, bio->bi_iter.bi_sector,
			    bio_sectors(bio));
	if (x->delivered)
		refcount_inc(&x->refs);
	else
		__corcache_flight_wait(x, bio);
	return x->delivered;
}

static void join_work(struct work_struct *work)
{
	struct corcache_io *io = container_of(work, struct corcache_io, work);
	struct corcache_xfer *x = io->xfer;

	answer_bio(x, dm_bio_from_per_bio_data(io, sizeof(*io)));
	corcache_flight_put(x);
}

/* After __join(): an answer that may be long, from any context. */
static void answer_later(struct corcache_xfer *x, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	io->xfer = x;
	INIT_WORK(&io->work, join_work);
	queue_work(corcache_wq, &io->work);
}

/*
 * How many blocks from @block on are to be read from the origin?  In bypass mode
 * all: what is cached is not read.
 */
static u32 missing_run(const struct corcache_cache *cache, corcache_block_t block, u32 want)
{
	if (unlikely(READ_ONCE(cache->mode) == CORCACHE_BYPASS))
		return want;
	return corcache_index_miss_run(cache, block, want);
}

/* Cut a bio that is being mapped, so that nothing is left of it after @end. */
static void cut(struct corcache_target *target, struct bio *bio, u64 end)
{
	if (end < corcache_bio_end(bio))
		corcache_bio_cut(target, bio, end - bio->bi_iter.bi_sector);
}

/* Its first @run blocks are missing and in no fill: see deferred.c. */
static void __defer_in_map(struct corcache_target *target, struct bio *bio, u32 run)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	corcache_block_t block = corcache_sector_to_block(geo, bio->bi_iter.bi_sector);
	corcache_block_t end = block_min(block_add(block, run), corcache_span_end(geo, block));

	lockdep_assert_held(&target->lock);
	cut(target, bio, corcache_block_to_sector(geo, end));
	__corcache_defer(target, bio, CORCACHE_DEFER_ORIGIN);
}

bool corcache_fill_map(struct corcache_target *target, struct bio *bio)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_geometry *geo = &cache->geo;
	corcache_block_t block = corcache_sector_to_block(geo, bio->bi_iter.bi_sector);
	u32 want = min(corcache_bio_blocks(geo, bio), corcache_xfer_most(geo));
	struct corcache_xfer *x = NULL, *other;
	bool delivered, no_memory = false;
	unsigned long flags;
	u64 gap;
	u32 run;

again:
	spin_lock_irqsave(&target->lock, flags);
	other = __corcache_flight_find(&target->flight, block, &gap);
	if (other) {
		cut(target, bio, other->sector + other->sectors);
		delivered = __join(other, bio);
		spin_unlock_irqrestore(&target->lock, flags);
		if (delivered) {
			answer_bio(other, bio);
			corcache_flight_put(other);
		}
		goto out;
	}
	/*
	 * It may have left the table since the bits were looked at: then they
	 * are set now, see step 5.
	 */
	run = min_t(u64, gap, missing_run(cache, block, want));
	if (!run) {
		spin_unlock_irqrestore(&target->lock, flags);
		if (x)
			corcache_xfer_put(x);
		return false;
	}
	if (no_memory || target->deferred.nr_origin || dm_noflush_suspending(target->ti)) {
		__defer_in_map(target, bio, run);
		spin_unlock_irqrestore(&target->lock, flags);
		goto out;
	}
	if (!x) {
		/* allocate without the lock, then look again at everything */
		spin_unlock_irqrestore(&target->lock, flags);
		x = corcache_xfer_get(target, CORCACHE_XFER_FILL, block, run, GFP_NOWAIT);
		no_memory = !x;
		goto again;
	}
	corcache_xfer_trim(x, min(run, x->nr_blocks));
	cut(target, bio, x->sector + x->sectors);
	__corcache_flight_wait(x, bio);
	__begin_reading(x);
	spin_unlock_irqrestore(&target->lock, flags);
	return true;
out:
	if (x)
		corcache_xfer_put(x);
	return true;
}

bool corcache_fill_join(struct corcache_target *target, struct bio *bio)
{
	struct corcache_cache *cache = target->cache;
	corcache_block_t block = corcache_sector_to_block(&cache->geo, bio->bi_iter.bi_sector);
	struct corcache_xfer *x;
	unsigned long flags;
	bool valid = false;
	u64 gap;

	spin_lock_irqsave(&target->lock, flags);
	x = __corcache_flight_find(&target->flight, block, &gap);
	if (x) {
		if (__join(x, bio))
			answer_later(x, bio);
	} else if (!missing_run(cache, block, 1)) {
		valid = true;
	} else {
		__corcache_defer(target, bio, CORCACHE_DEFER_ORIGIN);
	}
	spin_unlock_irqrestore(&target->lock, flags);
	return !valid;
}

/* -------- Reading for deferred bios ----------------------------------- */

/**
 * struct plan - what to do for a deferred bio
 * @kind: which sort of transfer
 * @block: first block to be read
 * @blocks: how many; 0: the bio's first block is valid
 * @join: instead of reading: the fill that covers its first block
 */
struct plan {
	enum corcache_xfer_kind kind;
	corcache_block_t block;
	u32 blocks;
	struct corcache_xfer *join;
};

/* Read for it alone, up to the next valid block. */
static void __plan_private(struct corcache_target *target, struct bio *bio, struct plan *p)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;

	lockdep_assert_held(&target->lock);
	p->kind = CORCACHE_XFER_PRIVATE;
	p->blocks = min(corcache_bio_blocks(geo, bio), corcache_xfer_most(geo));
	/*
	 * What is cached must not suffer from an origin that fails next to it.  It is
	 * read all the same for a bio that the cache device has no room for.
	 */
	if (corcache_io(bio)->no_room < CORCACHE_NO_ROOM_TIMES)
		p->blocks = missing_run(cache, p->block, p->blocks);
}

/*
 * How many blocks from @block on are missing and in no fill?  @covering: if
 * there are none because of a fill, which.
 */
static u32 __missing_run(struct corcache_target *target, corcache_block_t block, u32 want,
			 struct corcache_xfer **covering)
{
	u64 gap;

	lockdep_assert_held(&target->lock);
	*covering = __corcache_flight_find(&target->flight, block, &gap);
	if (*covering)
		return 0;
	return min_t(u64, gap, missing_run(target->cache, block, want));
}

/* Read, or join, together with all deferred bios that overlap. */
static void __plan_fill(struct corcache_target *target, struct plan *p)
{
	corcache_block_t from, end, floor = to_block(0);

	lockdep_assert_held(&target->lock);
	p->kind = CORCACHE_XFER_FILL;
	p->blocks = __missing_run(target, p->block, 1, &p->join);
	if (!p->blocks)
		return;
	/*
	 * All of it is missing, and not being read, if all were deferred in map.
	 * A bio that was not may begin before a hole: then only those count that
	 * begin behind it.
	 */
	for (;;) {
		struct corcache_xfer *ignored;
		corcache_block_t hole;

		from = p->block;
		__corcache_deferred_span(target, floor, &from, &end);
		p->blocks = __missing_run(target, from, block_distance(from, end), &ignored);
		hole = block_add(from, p->blocks);
		if (block_before(p->block, hole))
			break;
		floor = block_add(hole, 1);
	}
	p->block = from;
}

static struct plan __plan(struct corcache_target *target, struct bio *bio)
{
	struct plan p = {
		.block = corcache_sector_to_block(&target->cache->geo,
						  bio->bi_iter.bi_sector),
	};

	lockdep_assert_held(&target->lock);
	if (corcache_io(bio)->private)
		__plan_private(target, bio, &p);
	else
		__plan_fill(target, &p);
	return p;
}

/* The spare transfer is as long as it is. */
static bool fits(const struct corcache_xfer *x, const struct plan *p)
{
	return x->kind == p->kind && x->block == p->block &&
	       (x->nr_blocks >= p->blocks || x->reserve != CORCACHE_RESERVES);
}

/* All deferred bios that begin in this fill wait for it from now on. */
static void __adopt_deferred(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	struct bio *bio;

	lockdep_assert_held(&x->target->lock);
	while ((bio = __corcache_deferred_within(target, x->block,
						 block_add(x->block, x->nr_blocks)))) {
		__corcache_deferred_remove(&target->deferred, bio);
		/* the first one is the reason for the fill: it joins nothing */
		if (x->nr_waiters)
			__join(x, bio);
		else
			__corcache_flight_wait(x, bio);
	}
}

static void __start_deferred(struct corcache_xfer *x, struct bio *bio, u32 blocks)
{
	u64 start = bio->bi_iter.bi_sector;

	lockdep_assert_held(&x->target->lock);
	corcache_xfer_trim(x, min(blocks, x->nr_blocks));
	if (x->kind == CORCACHE_XFER_FILL) {
		__adopt_deferred(x);
	} else {
		x->sectors = min(x->sector + x->sectors, corcache_bio_end(bio)) - start;
		x->sector = start;
		__corcache_deferred_remove(&x->target->deferred, bio);
		__corcache_flight_wait(x, bio);
	}
	__begin_reading(x);
}

/* Nothing has to be read for it. */
static void answer_unread(struct bio *bio, struct corcache_xfer *join, bool delivered)
{
	if (delivered) {
		answer_bio(join, bio);
		corcache_flight_put(join);
	} else if (!join) {
		corcache_io(bio)->private = false;
		corcache_route_again(bio);
	}
}

/*
 * Do for the first deferred bio what it waits for.  It stays deferred, where
 * others see it, until its way is known; so memory is allocated first, and then
 * everything is looked at again.
 *
 * Return: false if there is none, or no memory; when there is some, the work is
 * queued again.
 */
static bool read_deferred(struct corcache_target *target)
{
	struct corcache_xfer *x = NULL;
	bool delivered, found = false;
	struct bio *bio;
	struct plan p;

again:
	spin_lock_irq(&target->lock);
	bio = __corcache_deferred_first(&target->deferred);
	if (!bio)
		goto out_unlock;
	p = __plan(target, bio);
	if (p.join || !p.blocks) {
		__corcache_deferred_remove(&target->deferred, bio);
		delivered = p.join && __join(p.join, bio);
		spin_unlock_irq(&target->lock);
		answer_unread(bio, p.join, delivered);
		found = true;
		goto out;
	}
	/* before there is a transfer: giving one back queues this work */
	if (dm_noflush_suspending(target->ti))
		goto out_unlock;
	if (x && fits(x, &p)) {
		__start_deferred(x, bio, p.blocks);
		spin_unlock_irq(&target->lock);
		return true;
	}
	spin_unlock_irq(&target->lock);
	if (x)
		corcache_xfer_put(x);
	x = corcache_xfer_get(target, p.kind, p.block, p.blocks, GFP_NOIO);
	if (x)
		goto again;
	return false;

out_unlock:
	spin_unlock_irq(&target->lock);
out:
	if (x)
		corcache_xfer_put(x);
	return found;
}

/* A kick while this runs makes it run again. */
static void origin_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      deferred.origin_work);

	while (read_deferred(target))
		cond_resched();
}

void corcache_fill_init(struct corcache_target *target)
{
	corcache_flight_init(&target->flight);
	INIT_WORK(&target->flight.submit_work, submit_work);
	INIT_WORK(&target->deferred.origin_work, origin_work);
}
