// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache route: where a reader's bio goes next.
 *
 * Owns every decision about a bio, the end of each bio that the target answers,
 * the sweep, and the work that starts deferred bounces.  The bios that wait are
 * deferred.c's.
 *
 * A bio is routed in map, where it may be cut and nothing may sleep.  What is
 * left of a bio that was answered in part, or that could not be verified, is
 * routed again by the code that finds that out, in any context: it joins a fill
 * or is deferred at once.  What submits goes on in a work item, because that may
 * block:
 *
 *   cache_wq		starts bounces, and waits for memory
 *   origin_wq		starts reads of the origin for deferred bios, and sends
 *			them all.  Suspend does not wait for it
 *
 * In bypass mode nothing is looked up: every read goes the way of a miss.
 *
 * During a suspend the sweep hands back what waits for the origin, if the
 * suspend is a no-flush one: it asks for every bio anew, because when such a
 * suspend is interrupted, device-mapper takes BLK_STS_DM_REQUEUE for an error.
 *
 * While the origin check has no verdict, for a second at most, hits are deferred: in
 * map, where they are cut to what is a hit, and when they are routed again.
 *
 * From the first bio that is handed back, map defers all bios until the suspend
 * has ended or was undone.  Device-mapper puts the reader's bio on a list and
 * only then accounts for it; before it holds all I/O, its own worker takes the
 * bio from that list at once and submits it again.  Were it answered then, as a
 * hit or from a fill, the reader could free it before it is accounted for.
 */
#include "cache.h"
#include "deferred.h"
#include "fill.h"
#include "flight.h"
#include "hit.h"
#include "index.h"
#include "route.h"
#include "xfer.h"

#define SWEEP_INTERVAL_MS	10

/* After what time a read that the cache device had no room for is tried again. */
#define NO_ROOM_MS		10

/* Only this file ends a reader's bio. */
static void end_bio(struct bio *bio, blk_status_t status)
{
	corcache_io(bio)->stage = CORCACHE_STAGE_PASS;
	bio->bi_status = status;
	bio_endio(bio);
}

static bool bypassed(struct corcache_target *target)
{
	return unlikely(READ_ONCE(target->cache->mode) == CORCACHE_BYPASS);
}

/* Nothing is found in bypass mode: then all blocks are missing. */
static u32 look_up(struct corcache_target *target, struct bio *bio)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_io *io = corcache_io(bio);

	if (bypassed(target))
		return 0;
	io->retire_seq = corcache_retire_seq(cache);
	return corcache_index_hit_run(cache,
				      corcache_sector_to_block(&cache->geo,
							       bio->bi_iter.bi_sector),
				      corcache_bio_blocks(&cache->geo, bio), &io->slot);
}

/* -------- In map ------------------------------------------------------ */

/*
 * Tell the submitter of a bio that it would have to wait: for all of it, and
 * before any part of it has gone anywhere.  It would come too late when the
 * submitter is not there any more.
 */
static int would_block(struct corcache_target *target, struct bio *bio)
{
	corcache_stat_inc(target->cache, would_block);
	corcache_io(bio)->stage = CORCACHE_STAGE_PASS;
	bio_wouldblock_error(bio);
	return DM_MAPIO_SUBMITTED;
}

/* Return: false if the suspend has ended meanwhile. */
static bool defer_for_suspend(struct corcache_target *target, struct bio *bio)
{
	unsigned long flags;
	bool hold;

	spin_lock_irqsave(&target->lock, flags);
	hold = target->holding & CORCACHE_HOLD_SUSPEND;
	if (hold)
		__corcache_defer(target, bio, CORCACHE_DEFER_SUSPEND);
	spin_unlock_irqrestore(&target->lock, flags);
	return hold;
}

/*
 * Its first @run blocks are valid: they wait, and what follows is mapped anew.
 * Return: false if there is a verdict by now.
 */
static bool defer_for_check(struct corcache_target *target, struct bio *bio, u32 run)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	corcache_block_t block = corcache_sector_to_block(geo, bio->bi_iter.bi_sector);
	u64 end = corcache_block_to_sector(geo, block_add(block, run));
	unsigned long flags;
	bool hold;

	spin_lock_irqsave(&target->lock, flags);
	hold = target->holding & CORCACHE_HOLD_CHECK;
	if (hold) {
		if (end < corcache_bio_end(bio))
			corcache_bio_cut(target, bio, end - bio->bi_iter.bi_sector);
		__corcache_defer(target, bio, CORCACHE_DEFER_CHECK);
	}
	spin_unlock_irqrestore(&target->lock, flags);
	return hold;
}

/* All but simple hits; a function of its own, so that a hit saves no registers. */
static noinline int map_slowly(struct corcache_target *target, struct bio *bio)
{
	u32 run;
	int r;

	corcache_io_init(target, bio);
	if (unlikely(!bio_sectors(bio))) {
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (unlikely(READ_ONCE(target->holding) & CORCACHE_HOLD_SUSPEND)) {
		if (corcache_bio_nowait(bio))
			return would_block(target, bio);
		if (defer_for_suspend(target, bio))
			return DM_MAPIO_SUBMITTED;
	}
	for (;;) {
		run = look_up(target, bio);
		if (unlikely(run && READ_ONCE(target->holding) & CORCACHE_HOLD_CHECK)) {
			if (corcache_bio_nowait(bio))
				return would_block(target, bio);
			if (defer_for_check(target, bio, run))
				return DM_MAPIO_SUBMITTED;
			continue;
		}
		if (likely(run)) {
			r = corcache_hit_map(target, bio, run);
			return likely(r != -EAGAIN) ? r : would_block(target, bio);
		}
		if (corcache_bio_nowait(bio))
			return would_block(target, bio);
		if (corcache_fill_map(target, bio))
			return DM_MAPIO_SUBMITTED;
	}
}

int corcache_route_map(struct corcache_target *target, struct bio *bio)
{
	/* first: few registers are in use yet that a call would have to save */
	struct corcache_io *io = corcache_io(bio);

	corcache_stat_inc(target->cache, reads);
	corcache_stat_add(target->cache, read_bytes, bio->bi_iter.bi_size);
	/* the acquire: a verdict that says bypass has set the mode before */
	if (likely(!smp_load_acquire(&target->holding) && !bypassed(target)) &&
	    corcache_hit_map_simple(target, bio, io))
		return DM_MAPIO_REMAPPED;
	return map_slowly(target, bio);
}

/* -------- Again ------------------------------------------------------- */

static void defer(struct corcache_target *target, struct bio *bio,
		  enum corcache_deferral reason)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	__corcache_defer(target, bio, reason);
	spin_unlock_irqrestore(&target->lock, flags);
}

/* It is a hit, to be read into own pages; when the origin check lets it. */
static void defer_hit(struct corcache_target *target, struct bio *bio)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	__corcache_defer(target, bio, target->holding & CORCACHE_HOLD_CHECK ?
				      CORCACHE_DEFER_CHECK : CORCACHE_DEFER_BOUNCE);
	spin_unlock_irqrestore(&target->lock, flags);
}

/*
 * The next bio that a read of the cache device may be started for, or that needs
 * none in bypass mode; NULL: when there is room again, the work is queued.
 */
static struct bio *next_bounce(struct corcache_target *target)
{
	struct bio *bio = NULL;

	spin_lock_irq(&target->lock);
	if (bypassed(target) || __corcache_xfer_may_bounce(target))
		bio = __corcache_deferred_pop_bounce(&target->deferred);
	spin_unlock_irq(&target->lock);
	return bio;
}

static void start_bounce(struct corcache_target *target, struct bio *bio)
{
	u32 run = look_up(target, bio);

	if (!run) {
		corcache_route_again(bio);
	} else if (!corcache_hit_bounce(target, bio, run, GFP_NOIO)) {
		/* what was free when it was looked at has been taken since */
		spin_lock_irq(&target->lock);
		__corcache_deferred_push_bounce(&target->deferred, bio);
		spin_unlock_irq(&target->lock);
	}
}

/*
 * All deferred bounces of a target are started here, one after another: the twin
 * of submit_work() in fill.c.
 */
static void bounce_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      deferred.bounce_work);
	struct bio *bio;

	while ((bio = next_bounce(target))) {
		start_bounce(target, bio);
		cond_resched();
	}
}

static void bounce_later(struct work_struct *work)
{
	struct corcache_target *target = container_of(to_delayed_work(work), struct corcache_target,
						      deferred.bounce_later);

	spin_lock_irq(&target->lock);
	__corcache_deferred_kick_bounce(target);
	spin_unlock_irq(&target->lock);
}

/*
 * The cache device had no room or memory for a read of this bio: again in a moment,
 * or with others that may have some.  What it has no room for again and again is
 * read from the origin; what is cached stays.
 */
static void defer_for_room(struct corcache_target *target, struct bio *bio)
{
	unsigned long flags;

	if (corcache_io(bio)->no_room >= CORCACHE_NO_ROOM_TIMES) {
		corcache_io(bio)->private = true;
		defer(target, bio, CORCACHE_DEFER_ORIGIN);
		return;
	}
	spin_lock_irqsave(&target->lock, flags);
	__corcache_deferred_push_bounce(&target->deferred, bio);
	queue_delayed_work(corcache_wq, &target->deferred.bounce_later,
			   msecs_to_jiffies(NO_ROOM_MS));
	spin_unlock_irqrestore(&target->lock, flags);
}

void corcache_route_again(struct bio *bio)
{
	struct corcache_target *target = corcache_io(bio)->target;

	if (bio->bi_status || !bio_sectors(bio)) {
		end_bio(bio, bio->bi_status);
		return;
	}
	if (corcache_io(bio)->private) {
		defer(target, bio, CORCACHE_DEFER_ORIGIN);
		return;
	}
	do {
		if (look_up(target, bio)) {
			if (corcache_io(bio)->no_room)
				defer_for_room(target, bio);
			else
				defer_hit(target, bio);
			return;
		}
		/* a block that became valid meanwhile is found by the next round */
	} while (!corcache_fill_join(target, bio));
}

/*
 * Not by bounce_work: the cache device that was given up may stall, and that work
 * with it.
 */
void corcache_route_release_bounces(struct corcache_target *target)
{
	struct bio_list bios = BIO_EMPTY_LIST;
	struct bio *bio;

	spin_lock_irq(&target->lock);
	while ((bio = __corcache_deferred_pop_bounce(&target->deferred)))
		bio_list_add(&bios, bio);
	spin_unlock_irq(&target->lock);
	while ((bio = bio_list_pop(&bios)))
		corcache_route_again(bio);
}

/* The origin check has a verdict, or is late. */
static void check_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      deferred.check_work);
	struct bio_list bios = BIO_EMPTY_LIST;
	struct bio *bio;

	spin_lock_irq(&target->lock);
	__corcache_deferred_take_check(&target->deferred, &bios);
	spin_unlock_irq(&target->lock);
	while ((bio = bio_list_pop(&bios)))
		corcache_route_again(bio);
}

void corcache_route_kick(struct corcache_target *target)
{
	spin_lock_irq(&target->lock);
	__corcache_deferred_kick_origin(target);
	__corcache_deferred_kick_bounce(target);
	spin_unlock_irq(&target->lock);
}

/* -------- The sweep --------------------------------------------------- */

static void take_waiting(struct corcache_target *target, struct bio_list *bios)
{
	bio_list_init(bios);
	spin_lock_irq(&target->lock);
	__corcache_deferred_take_origin(&target->deferred, bios);
	__corcache_flight_unwait(&target->flight, bios);
	__corcache_deferred_take_suspend(&target->deferred, bios);
	__corcache_deferred_take_check(&target->deferred, bios);
	spin_unlock_irq(&target->lock);
}

static void hand_back(struct corcache_target *target)
{
	struct bio_list bios;
	struct bio *bio;

	if (!dm_noflush_suspending(target->ti))
		return;
	take_waiting(target, &bios);
	while ((bio = bio_list_pop(&bios))) {
		if (dm_noflush_suspending(target->ti))
			end_bio(bio, BLK_STS_DM_REQUEUE);
		else
			corcache_route_again(bio);
	}
}

static void sweep_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(to_delayed_work(work),
						      struct corcache_target, sweep_work);

	if (READ_ONCE(target->state) != CORCACHE_SUSPENDING)
		return;
	hand_back(target);
	queue_delayed_work(corcache_wq, &target->sweep_work,
			   msecs_to_jiffies(SWEEP_INTERVAL_MS));
}

/*
 * The first sweep runs in the task that suspends: it cannot take the flag back
 * meanwhile, and device-mapper's own queue, which looks at the flag once more
 * for bios that were cut, is flushed before it can.  The work sweeps what
 * arrives later, until all I/O is held.
 */
void corcache_route_start_sweep(struct corcache_target *target)
{
	if (dm_noflush_suspending(target->ti)) {
		spin_lock_irq(&target->lock);
		WRITE_ONCE(target->holding, target->holding | CORCACHE_HOLD_SUSPEND);
		spin_unlock_irq(&target->lock);
	}
	hand_back(target);
	queue_delayed_work(corcache_wq, &target->sweep_work,
			   msecs_to_jiffies(SWEEP_INTERVAL_MS));
}

/* There are bios to release only if the suspend was interrupted. */
static void release_deferred(struct corcache_target *target)
{
	struct bio_list bios = BIO_EMPTY_LIST;
	struct bio *bio;

	spin_lock_irq(&target->lock);
	WRITE_ONCE(target->holding, target->holding & ~CORCACHE_HOLD_SUSPEND);
	__corcache_deferred_take_suspend(&target->deferred, &bios);
	spin_unlock_irq(&target->lock);
	while ((bio = bio_list_pop(&bios)))
		corcache_route_again(bio);
}

void corcache_route_stop_sweep(struct corcache_target *target)
{
	/* from here on no bio is being handed back */
	cancel_delayed_work_sync(&target->sweep_work);
	release_deferred(target);
	corcache_route_kick(target);
}

void corcache_route_init(struct corcache_target *target)
{
	corcache_deferred_init(&target->deferred);
	INIT_WORK(&target->deferred.bounce_work, bounce_work);
	INIT_DELAYED_WORK(&target->deferred.bounce_later, bounce_later);
	INIT_WORK(&target->deferred.check_work, check_work);
	INIT_DELAYED_WORK(&target->sweep_work, sweep_work);
}

void corcache_route_stop(struct corcache_target *target)
{
	cancel_delayed_work_sync(&target->deferred.bounce_later);
}
