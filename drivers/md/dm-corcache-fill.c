// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache fill: reads of the origin, shared by all who wait for them.
 *
 * Owns target->fills, the table of blocks that are being read or written, and
 * the life of a fill:
 *
 *   1. start: in the table; all who want its blocks join its waiters
 *   2. delivered: the origin has answered; the waiters are taken and answered
 *      from the pages, those who come later copy for themselves, with a
 *      reference
 *   3. keep and 4. publish: see dm-corcache-keep.c; or not, then it ends here
 *   5. finish: out of the table, freed when the last copier is done
 *
 * A block is in the table from 1 to 5, so that between the first question and
 * the published bit the origin is asked once; and the bits are set before it
 * leaves, so that who finds it gone and looks again under target->lock finds
 * the bits.
 *
 * Contexts: 1 in map or in origin_wq, sent from origin_wq only; 2 in the
 * origin's end_io, or in corcache_wq if there is much to copy; 5 where 2 or 4
 * ended.
 *
 * Bound: target->reading_bytes for 1 (more is parked).
 */
#include "dm-corcache-cache.h"
#include "dm-corcache-fill.h"
#include "dm-corcache-index.h"
#include "dm-corcache-keep.h"
#include "dm-corcache-park.h"
#include "dm-corcache-route.h"
#include "dm-corcache-trace.h"

/* Most that is read from the origin at a time. */
#define READING_BYTES	(32ULL << 20)

/*
 * Most that is copied, to all waiters together, where the origin's driver ends
 * a read: in an interrupt, and in a task of the driver's, which has the next
 * answer to receive.
 */
#define COPY_INTERRUPT_BYTES	SZ_64K
#define COPY_TASK_BYTES		SZ_256K

static bool room_to_read(struct corcache_target *target, u32 bytes)
{
	return !target->reading_bytes ||
	       target->reading_bytes + bytes <= READING_BYTES;
}

/* -------- The table --------------------------------------------------- */

/* The fill that covers @block, or else the first one after it. */
static struct corcache_xfer *find_fill(struct corcache_target *target, u64 block)
{
	struct rb_node *n = target->fills.rb_node;
	struct corcache_xfer *after = NULL;

	lockdep_assert_held(&target->lock);
	while (n) {
		struct corcache_xfer *x = rb_entry(n, struct corcache_xfer, node);

		if (block >= x->block + x->nr_blocks) {
			n = n->rb_right;
		} else {
			after = x;
			n = n->rb_left;
		}
	}
	return after;
}

static void insert_fill(struct corcache_target *target, struct corcache_xfer *x)
{
	struct rb_node **p = &target->fills.rb_node, *parent = NULL;

	while (*p) {
		parent = *p;
		if (x->block < rb_entry(parent, struct corcache_xfer, node)->block)
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&x->node, parent, p);
	rb_insert_color(&x->node, &target->fills);
}

static void put_fill(struct corcache_xfer *x)
{
	if (refcount_dec_and_test(&x->refs))
		corcache_xfer_put(x);
}

/* With target->lock held: from here to step 5 it is one of those under way. */
static void __begin_delivered(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;

	x->delivered = true;
	if (x->kind != CORCACHE_XFER_FILL)
		return;
	x->round = target->round;
	/* read without the lock by wait_for_round() */
	WRITE_ONCE(target->delivered[x->round], target->delivered[x->round] + 1);
}

void corcache_fill_finish(struct corcache_xfer *x, u32 kept_bytes)
{
	struct corcache_target *target = x->target;
	unsigned int left;
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	rb_erase(&x->node, &target->fills);
	target->keeping_bytes -= kept_bytes;
	left = target->delivered[x->round] - 1;
	WRITE_ONCE(target->delivered[x->round], left);
	if (!left)
		wake_up_all(&target->wait);
	spin_unlock_irqrestore(&target->lock, flags);
	put_fill(x);
}

/* -------- Answering --------------------------------------------------- */

/* Copy what the transfer has of what the bio wants. */
static void answer(struct corcache_xfer *x, struct bio *bio)
{
	u64 start = bio->bi_iter.bi_sector;
	u64 end = min(x->sector + x->sectors, corcache_bio_end(bio));
	u32 bytes = (end - start) << SECTOR_SHIFT;

	corcache_xfer_copy(x, (start - x->sector) << SECTOR_SHIFT, bio, bytes);
	if (bytes == bio->bi_iter.bi_size) {
		corcache_route_end(bio, BLK_STS_OK);
	} else {
		bio_advance(bio, bytes);
		corcache_route_again(bio);
	}
}

static void answer_all(struct corcache_xfer *x, struct bio_list *bios)
{
	struct bio *bio;

	while ((bio = bio_list_pop(bios)))
		answer(x, bio);
}

/* The origin has answered: nobody waits for this transfer from now on. */
static void end_reading(struct corcache_xfer *x, struct bio_list *bios)
{
	struct corcache_target *target = x->target;
	unsigned long flags;

	bio_list_init(bios);
	spin_lock_irqsave(&target->lock, flags);
	list_del_init(&x->reading);
	target->reading_bytes -= x->held_bytes;
	bio_list_merge(bios, &x->waiters);
	bio_list_init(&x->waiters);
	if (!x->status)
		__begin_delivered(x);
	else if (x->kind == CORCACHE_XFER_FILL)
		rb_erase(&x->node, &target->fills);
	__corcache_park_kick(target);
	spin_unlock_irqrestore(&target->lock, flags);
}

/*
 * The error is the answer only to who asked for exactly what was read.  All
 * others may get what they want when they ask for that alone: they do.
 */
static void fail_all(struct corcache_xfer *x, struct bio_list *bios)
{
	struct bio *bio;

	while ((bio = bio_list_pop(bios))) {
		if (x->kind == CORCACHE_XFER_SOLO ||
		    (bio->bi_iter.bi_sector == x->sector &&
		     bio_sectors(bio) == x->sectors)) {
			corcache_route_end(bio, x->status);
		} else {
			corcache_io(bio)->solo = true;
			corcache_route_park(x->target, bio);
		}
	}
}

/* -------- Reading ----------------------------------------------------- */

/* Step 2. */
static void deliver(struct corcache_xfer *x)
{
	struct bio_list bios;

	end_reading(x, &bios);
	if (x->status) {
		corcache_stat_inc(x->target->cache, origin_errors);
		fail_all(x, &bios);
		put_fill(x);
		return;
	}
	answer_all(x, &bios);
	if (x->kind == CORCACHE_XFER_SOLO)
		put_fill(x);
	else if (!corcache_keep(x))
		corcache_fill_finish(x, 0);
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

static struct corcache_xfer *next_to_submit(struct corcache_target *target)
{
	struct corcache_xfer *x;

	spin_lock_irq(&target->lock);
	x = list_first_entry_or_null(&target->to_submit, struct corcache_xfer, submit);
	if (x)
		list_del_init(&x->submit);
	spin_unlock_irq(&target->lock);
	return x;
}

/*
 * The only place that sends anything to the origin for readers while the cache
 * works.  Submitting blocks when the origin's driver has no room, for as long
 * as the origin stalls.  Were it done in map, it would block whoever maps: a
 * reader, who could then not even be killed, or device-mapper's own thread,
 * and with it every hit behind it and the next suspend.
 */
static void submit_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      submit_work);
	struct corcache_xfer *x;

	while ((x = next_to_submit(target))) {
		corcache_xfer_read(x, target->origin_dev->bdev, x->sector);
		cond_resched();
	}
}

/*
 * With target->lock held: the transfer is complete, but for being sent and for
 * those who wait for it.
 */
static void __begin_reading(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;

	corcache_stat_inc(target->cache, misses);
	corcache_stat_inc(target->cache, origin_reads);
	corcache_stat_add(target->cache, origin_bytes, (u64)x->sectors << SECTOR_SHIFT);
	trace_corcache_miss(target->cache_dev->bdev->bd_dev, x->sector, x->sectors);

	x->done = read_done;
	list_add_tail(&x->reading, &target->reading);
	list_add_tail(&x->submit, &target->to_submit);
	target->reading_bytes += x->held_bytes;
	if (x->kind == CORCACHE_XFER_FILL)
		insert_fill(target, x);
	queue_work(target->origin_wq, &target->submit_work);
}

static void __wait_for(struct corcache_xfer *x, struct bio *bio)
{
	bio_list_add(&x->waiters, bio);
	WRITE_ONCE(x->nr_waiters, x->nr_waiters + 1);
}

/*
 * The first block of @bio is in fill @x.  Return: true if the origin has
 * answered; then @bio is to be answered, and @x put, without the lock.
 */
static bool __join(struct corcache_xfer *x, struct bio *bio)
{
	struct corcache_target *target = x->target;

	corcache_stat_inc(target->cache, joins);
	trace_corcache_join(target->cache_dev->bdev->bd_dev, bio->bi_iter.bi_sector,
			    bio_sectors(bio));
	if (x->delivered)
		refcount_inc(&x->refs);
	else
		__wait_for(x, bio);
	return x->delivered;
}

static void join_work(struct work_struct *work)
{
	struct corcache_io *io = container_of(work, struct corcache_io, work);
	struct corcache_xfer *x = io->xfer;

	answer(x, dm_bio_from_per_bio_data(io, sizeof(*io)));
	put_fill(x);
}

/* After __join(): an answer that may be long, from any context. */
static void answer_later(struct corcache_xfer *x, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	io->xfer = x;
	INIT_WORK(&io->work, join_work);
	queue_work(corcache_wq, &io->work);
}

/* The fill that covers @block, or NULL; how many blocks to the next one. */
static struct corcache_xfer *__covering(struct corcache_target *target, u64 block,
					u64 *gap)
{
	struct corcache_xfer *x = find_fill(target, block);

	*gap = x ? x->block - block : U64_MAX;
	return x && x->block <= block ? x : NULL;
}

static u32 bytes_of(const struct corcache_geometry *geo, u32 blocks)
{
	return round_up(corcache_block_to_sector(geo, blocks) << SECTOR_SHIFT, PAGE_SIZE);
}

static bool __may_read(struct corcache_target *target, u32 blocks)
{
	return room_to_read(target, bytes_of(&target->cache->geo, blocks)) &&
	       !dm_noflush_suspending(target->ti);
}

/* Cut a bio that is being mapped, so that nothing is left of it after @end. */
static void cut(struct bio *bio, u64 end)
{
	if (end < corcache_bio_end(bio))
		dm_accept_partial_bio(bio, end - bio->bi_iter.bi_sector);
}

/* Its first @run blocks are missing and nobody reads them: see park.c. */
static void __park_in_map(struct corcache_target *target, struct bio *bio, u32 run)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	u64 block = corcache_sector_to_block(geo, bio->bi_iter.bi_sector);
	u64 end = min(block + run, corcache_span_end(geo, block));

	cut(bio, corcache_block_to_sector(geo, end));
	__corcache_park(target, bio);
}

bool corcache_fill_map(struct corcache_target *target, struct bio *bio)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_geometry *geo = &cache->geo;
	u64 block = corcache_sector_to_block(geo, bio->bi_iter.bi_sector), gap;
	u32 want = min(corcache_bio_blocks(geo, bio), corcache_xfer_most(geo));
	struct corcache_xfer *x = NULL, *other;
	bool delivered, no_memory = false;
	unsigned long flags;
	u32 run;

again:
	spin_lock_irqsave(&target->lock, flags);
	other = __covering(target, block, &gap);
	if (other) {
		cut(bio, other->sector + other->sectors);
		delivered = __join(other, bio);
		spin_unlock_irqrestore(&target->lock, flags);
		if (delivered) {
			answer(other, bio);
			put_fill(other);
		}
		goto out;
	}
	/*
	 * It may have left the table since the bits were looked at: then they
	 * are set now, see step 5.
	 */
	run = min_t(u64, gap, corcache_index_miss_run(cache, block, want));
	if (!run) {
		spin_unlock_irqrestore(&target->lock, flags);
		if (x)
			corcache_xfer_put(x);
		return false;
	}
	if (no_memory || target->nr_parked || !__may_read(target, run)) {
		__park_in_map(target, bio, run);
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
	cut(bio, x->sector + x->sectors);
	__wait_for(x, bio);
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
	u64 block = corcache_sector_to_block(&cache->geo, bio->bi_iter.bi_sector), gap;
	struct corcache_xfer *x;
	unsigned long flags;
	bool valid = false;

	spin_lock_irqsave(&target->lock, flags);
	x = __covering(target, block, &gap);
	if (x) {
		if (__join(x, bio))
			answer_later(x, bio);
	} else if (!corcache_index_miss_run(cache, block, 1)) {
		valid = true;
	} else {
		__corcache_park(target, bio);
	}
	spin_unlock_irqrestore(&target->lock, flags);
	return !valid;
}

/* -------- Reading for parked bios ------------------------------------- */

/**
 * struct plan - what to do for a parked bio
 * @kind: which sort of transfer
 * @block: first block to be read
 * @blocks: how many; 0: the bio's first block is valid
 * @join: instead of reading: the fill that covers its first block
 */
struct plan {
	enum corcache_xfer_kind kind;
	u64 block;
	u32 blocks;
	struct corcache_xfer *join;
};

/* Read for it alone, up to the next valid block. */
static void plan_solo(struct corcache_target *target, struct bio *bio, struct plan *p)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;

	p->kind = CORCACHE_XFER_SOLO;
	p->blocks = min(corcache_bio_blocks(geo, bio), corcache_xfer_most(geo));
	/* what is cached must not suffer from an origin that fails next to it */
	if (READ_ONCE(cache->mode) != CORCACHE_BYPASS)
		p->blocks = corcache_index_miss_run(cache, p->block, p->blocks);
}

/*
 * How many blocks from @block on are missing and in no fill?  @covering: if
 * there are none because of a fill, which.
 */
static u32 to_be_read(struct corcache_target *target, u64 block, u32 want,
		      struct corcache_xfer **covering)
{
	u64 gap;

	*covering = __covering(target, block, &gap);
	if (*covering)
		return 0;
	return min_t(u64, gap, corcache_index_miss_run(target->cache, block, want));
}

/* Read, or join, together with all parked bios that overlap. */
static void __plan_fill(struct corcache_target *target, struct plan *p)
{
	u64 from, end, floor = 0;

	p->kind = CORCACHE_XFER_FILL;
	p->blocks = to_be_read(target, p->block, 1, &p->join);
	/* without room it does not matter how much it would be */
	if (!p->blocks || !__may_read(target, 1))
		return;
	/*
	 * All of it is missing, and not being read, if all were parked in map.
	 * One that was not may begin before a hole: then only those count that
	 * begin behind it.
	 */
	for (;;) {
		struct corcache_xfer *ignored;

		from = p->block;
		__corcache_park_span(target, floor, &from, &end);
		p->blocks = to_be_read(target, from, end - from, &ignored);
		if (from + p->blocks > p->block)
			break;
		floor = from + p->blocks + 1;
	}
	p->block = from;
}

static struct plan __plan(struct corcache_target *target, struct bio *bio)
{
	struct plan p = {
		.block = corcache_sector_to_block(&target->cache->geo,
						  bio->bi_iter.bi_sector),
	};

	if (corcache_io(bio)->solo || READ_ONCE(target->cache->mode) == CORCACHE_BYPASS)
		plan_solo(target, bio, &p);
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

/* All who are parked and begin in this fill wait for it from now on. */
static void __adopt_parked(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	struct bio *bio;

	while ((bio = __corcache_park_within(target, x->block, x->block + x->nr_blocks))) {
		__corcache_unpark(target, bio);
		/* the first one is the reason for it */
		if (x->nr_waiters)
			__join(x, bio);
		else
			__wait_for(x, bio);
	}
}

static void __start_parked(struct corcache_xfer *x, struct bio *bio, u32 blocks)
{
	u64 start = bio->bi_iter.bi_sector;

	corcache_xfer_trim(x, min(blocks, x->nr_blocks));
	if (x->kind == CORCACHE_XFER_FILL) {
		__adopt_parked(x);
	} else {
		x->sectors = min(x->sector + x->sectors, corcache_bio_end(bio)) - start;
		x->sector = start;
		__corcache_unpark(x->target, bio);
		__wait_for(x, bio);
	}
	__begin_reading(x);
}

/* Nothing had to be read for it. */
static void answer_unread(struct bio *bio, struct corcache_xfer *join, bool delivered)
{
	if (delivered) {
		answer(join, bio);
		put_fill(join);
	} else if (!join) {
		corcache_io(bio)->solo = false;
		corcache_route_again(bio);
	}
}

/*
 * The bio stays parked, where others see it, until it is known what becomes of
 * it; so memory is found first, and then everything is looked at again.
 */
bool corcache_fill_parked(struct corcache_target *target)
{
	struct corcache_xfer *x = NULL;
	bool delivered, found = false;
	struct bio *bio;
	struct plan p;

again:
	spin_lock_irq(&target->lock);
	bio = __corcache_park_first(target);
	if (!bio)
		goto out_unlock;
	p = __plan(target, bio);
	if (p.join || !p.blocks) {
		__corcache_unpark(target, bio);
		delivered = p.join && __join(p.join, bio);
		spin_unlock_irq(&target->lock);
		answer_unread(bio, p.join, delivered);
		found = true;
		goto out;
	}
	/* before there is a transfer: giving back a spare one is a kick */
	if (!__may_read(target, p.blocks))
		goto out_unlock;
	if (x && fits(x, &p)) {
		__start_parked(x, bio, p.blocks);
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

void __corcache_fill_unwait(struct corcache_target *target, struct bio_list *bios)
{
	struct corcache_xfer *x;

	lockdep_assert_held(&target->lock);
	list_for_each_entry(x, &target->reading, reading) {
		bio_list_merge(bios, &x->waiters);
		bio_list_init(&x->waiters);
	}
}

static void wait_for_round(struct corcache_target *target, u8 round)
{
	wait_event(target->wait, !READ_ONCE(target->delivered[round]));
	/* corcache_fill_finish() has let go of the lock */
	spin_lock_irq(&target->lock);
	spin_unlock_irq(&target->lock);
}

/*
 * Those that are delivered from now on count for the other round, which is
 * empty: whoever made this one the current one has waited for it.
 */
void corcache_fill_settle(struct corcache_target *target)
{
	u8 round;

	lockdep_assert_held(&target->control_mutex);
	spin_lock_irq(&target->lock);
	round = target->round;
	target->round = !round;
	spin_unlock_irq(&target->lock);
	wait_for_round(target, round);
}

void corcache_fill_drain(struct corcache_target *target)
{
	/* those that wait for a commit see that it will not be theirs */
	corcache_cache_kick_held(target->cache);
	wait_for_round(target, 0);
	wait_for_round(target, 1);
}

void corcache_fill_init(struct corcache_target *target)
{
	target->fills = RB_ROOT;
	INIT_LIST_HEAD(&target->reading);
	INIT_LIST_HEAD(&target->to_submit);
	INIT_WORK(&target->submit_work, submit_work);
}
