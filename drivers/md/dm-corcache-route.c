// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache route: where a reader's bio goes next.
 *
 * Owns the bios that wait for room, or memory, for a read of the cache device,
 * the starved ones, and those that are held back; both under target->lock.  And
 * the sweep.
 *
 * A bio is routed in map, where it may be cut and nothing may sleep.  What is
 * left of a bio that was answered in part, or has to be judged again, is routed
 * again by whoever finds that out, in any context: it joins a fill, or is
 * parked, at once.  Work goes on with what submits, because that may block:
 *
 *   cache_wq		starts bounces, and waits for memory
 *   origin_wq		starts reads of the origin for parked bios, and sends
 *			them all.  Suspend does not wait for it
 *
 * During a suspend the sweep hands back what waits for the origin, if the
 * suspend is a no-flush one: it asks for every bio anew, because when such a
 * suspend is interrupted, device-mapper takes BLK_STS_DM_REQUEUE for an error.
 *
 * From the first one that is handed back, map holds all bios back until the
 * suspend has ended or was undone.  Device-mapper puts the reader's bio on a list
 * and only then accounts for it; before it holds all I/O, its own worker takes the
 * bio from that list at once and submits it again.  Were it answered then, a hit
 * or joining a fill, the reader could free it before it is accounted for.
 */
#include "dm-corcache-cache.h"
#include "dm-corcache-fill.h"
#include "dm-corcache-hit.h"
#include "dm-corcache-index.h"
#include "dm-corcache-park.h"
#include "dm-corcache-route.h"
#include "dm-corcache-xfer.h"

#define SWEEP_INTERVAL_MS	10

void corcache_route_end(struct bio *bio, blk_status_t status)
{
	corcache_io(bio)->stage = CORCACHE_STAGE_PASS;
	bio->bi_status = status;
	bio_endio(bio);
}

static u32 look_up(struct corcache_target *target, struct bio *bio)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_io *io = corcache_io(bio);

	io->retire_seq = corcache_retire_seq(cache);
	return corcache_index_hit_run(cache,
				      corcache_sector_to_block(&cache->geo,
							       bio->bi_iter.bi_sector),
				      corcache_bio_blocks(&cache->geo, bio), &io->slot);
}

static bool bypassed(struct corcache_target *target)
{
	return unlikely(READ_ONCE(target->cache->mode) == CORCACHE_BYPASS);
}

/* -------- In map ------------------------------------------------------ */

void corcache_route_init_io(struct corcache_target *target, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	io->target = target;
	io->stage = CORCACHE_STAGE_PASS;
	io->solo = false;
	io->single = false;
}

int corcache_route_would_block(struct corcache_target *target, struct bio *bio)
{
	corcache_stat_inc(target->cache, would_block);
	corcache_io(bio)->stage = CORCACHE_STAGE_PASS;
	bio_wouldblock_error(bio);
	return DM_MAPIO_SUBMITTED;
}

/* As dm-linear. */
static int send_to_origin(struct corcache_target *target, struct bio *bio)
{
	corcache_stat_inc(target->cache, bypasses);
	corcache_stat_inc(target->cache, origin_reads);
	corcache_stat_add(target->cache, origin_bytes, bio->bi_iter.bi_size);
	corcache_io(bio)->stage = CORCACHE_STAGE_ORIGIN;
	bio_set_dev(bio, target->origin_dev->bdev);
	return DM_MAPIO_REMAPPED;
}

/* Return: false if the suspend has ended meanwhile. */
static bool hold_back(struct corcache_target *target, struct bio *bio)
{
	unsigned long flags;
	bool hold;

	spin_lock_irqsave(&target->lock, flags);
	hold = target->holding;
	if (hold)
		bio_list_add(&target->held_back, bio);
	spin_unlock_irqrestore(&target->lock, flags);
	return hold;
}

/* Whatever is no simple hit; apart from that, so that a hit saves no registers. */
static noinline int map_slowly(struct corcache_target *target, struct bio *bio)
{
	u32 run;

	corcache_route_init_io(target, bio);
	if (unlikely(!bio_sectors(bio))) {
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	if (unlikely(READ_ONCE(target->holding))) {
		if (corcache_route_nowait(bio))
			return corcache_route_would_block(target, bio);
		if (hold_back(target, bio))
			return DM_MAPIO_SUBMITTED;
	}
	if (bypassed(target))
		return send_to_origin(target, bio);

	for (;;) {
		run = look_up(target, bio);
		if (likely(run))
			return corcache_hit_map(target, bio, run);
		if (corcache_route_nowait(bio))
			return corcache_route_would_block(target, bio);
		if (corcache_fill_map(target, bio))
			return DM_MAPIO_SUBMITTED;
	}
}

int corcache_route_map(struct corcache_target *target, struct bio *bio)
{
	/* first, as a call is cheapest while little is to be kept over it */
	struct corcache_io *io = corcache_io(bio);

	corcache_stat_inc(target->cache, reads);
	if (likely(!READ_ONCE(target->holding) && !bypassed(target)) &&
	    corcache_hit_map_simple(target, bio, io))
		return DM_MAPIO_REMAPPED;
	return map_slowly(target, bio);
}

/* -------- Again ------------------------------------------------------- */

void corcache_route_park(struct corcache_target *target, struct bio *bio)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	__corcache_park(target, bio);
	spin_unlock_irqrestore(&target->lock, flags);
}

/* Wait for room for a bounce.  Return: false if there is some by now. */
static bool starve(struct corcache_target *target, struct bio *bio)
{
	bool starves;

	spin_lock_irq(&target->lock);
	/* who set this mode releases the starved under the same lock */
	starves = !bypassed(target) && !__corcache_xfer_may_bounce(target);
	if (starves)
		bio_list_add(&target->starved, bio);
	spin_unlock_irq(&target->lock);
	return starves;
}

static void start_bounce_work(struct work_struct *work)
{
	struct corcache_io *io = container_of(work, struct corcache_io, work);
	struct bio *bio = dm_bio_from_per_bio_data(io, sizeof(*io));
	struct corcache_target *target = io->target;
	u32 run;

	while (!bypassed(target)) {
		run = look_up(target, bio);
		if (!run)
			break;
		if (corcache_hit_bounce(target, bio, run, GFP_NOIO) ||
		    starve(target, bio))
			return;
	}
	/* if it had starved, its turn is the next one's */
	spin_lock_irq(&target->lock);
	__corcache_route_kick_starved(target);
	spin_unlock_irq(&target->lock);
	corcache_route_again(bio);
}

static void bounce_later(struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	INIT_WORK(&io->work, start_bounce_work);
	queue_work(io->target->cache_wq, &io->work);
}

void corcache_route_again(struct bio *bio)
{
	struct corcache_target *target = corcache_io(bio)->target;

	if (corcache_io(bio)->solo || bypassed(target)) {
		corcache_route_park(target, bio);
		return;
	}
	do {
		if (look_up(target, bio)) {
			bounce_later(bio);
			return;
		}
		/* a block that became valid meanwhile is found by the next round */
	} while (!corcache_fill_join(target, bio));
}

/*
 * As many as there is room for: the others would only come back.  Each of them
 * passes its turn on when it ends, or when it finds that it needs none.
 */
void __corcache_route_kick_starved(struct corcache_target *target)
{
	struct bio *bio;
	u32 nr;

	lockdep_assert_held(&target->lock);
	for (nr = 0; __corcache_xfer_room_for_bounce(target, nr); nr++) {
		bio = bio_list_pop(&target->starved);
		if (!bio)
			break;
		bounce_later(bio);
	}
}

void corcache_route_release_starved(struct corcache_target *target)
{
	struct bio_list bios = BIO_EMPTY_LIST;
	struct bio *bio;

	spin_lock_irq(&target->lock);
	bio_list_merge(&bios, &target->starved);
	bio_list_init(&target->starved);
	spin_unlock_irq(&target->lock);
	while ((bio = bio_list_pop(&bios)))
		corcache_route_again(bio);
}

void corcache_route_kick(struct corcache_target *target)
{
	spin_lock_irq(&target->lock);
	__corcache_park_kick(target);
	__corcache_route_kick_starved(target);
	spin_unlock_irq(&target->lock);
}

/* A kick while this runs makes it run again. */
static void park_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      park_work);

	while (corcache_fill_parked(target))
		cond_resched();
}

/* -------- The sweep --------------------------------------------------- */

static void take_waiting(struct corcache_target *target, struct bio_list *bios)
{
	struct bio *bio;

	bio_list_init(bios);
	spin_lock_irq(&target->lock);
	while ((bio = __corcache_park_first(target))) {
		__corcache_unpark(target, bio);
		bio_list_add(bios, bio);
	}
	__corcache_fill_unwait(target, bios);
	bio_list_merge(bios, &target->held_back);
	bio_list_init(&target->held_back);
	spin_unlock_irq(&target->lock);
}

static void sweep(struct corcache_target *target)
{
	struct bio_list bios;
	struct bio *bio;

	if (!dm_noflush_suspending(target->ti))
		return;
	take_waiting(target, &bios);
	while ((bio = bio_list_pop(&bios))) {
		if (dm_noflush_suspending(target->ti))
			corcache_route_end(bio, BLK_STS_DM_REQUEUE);
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
	sweep(target);
	queue_delayed_work(corcache_wq, &target->sweep_work,
			   msecs_to_jiffies(SWEEP_INTERVAL_MS));
}

/*
 * The first one runs in the task that suspends: it cannot take the flag back
 * meanwhile, and device-mapper's own queue, which looks at the flag once more
 * for bios that were cut, is flushed before it can.  What arrives later, until
 * all I/O is held, is the work's.
 */
void corcache_route_start_sweep(struct corcache_target *target)
{
	if (dm_noflush_suspending(target->ti)) {
		spin_lock_irq(&target->lock);
		WRITE_ONCE(target->holding, true);
		spin_unlock_irq(&target->lock);
	}
	sweep(target);
	queue_delayed_work(corcache_wq, &target->sweep_work,
			   msecs_to_jiffies(SWEEP_INTERVAL_MS));
}

/* There are some only if the suspend was interrupted. */
static void release_held_back(struct corcache_target *target)
{
	struct bio_list bios = BIO_EMPTY_LIST;
	struct bio *bio;

	spin_lock_irq(&target->lock);
	WRITE_ONCE(target->holding, false);
	bio_list_merge(&bios, &target->held_back);
	bio_list_init(&target->held_back);
	spin_unlock_irq(&target->lock);
	while ((bio = bio_list_pop(&bios)))
		corcache_route_again(bio);
}

void corcache_route_stop_sweep(struct corcache_target *target)
{
	/* then nothing is being handed back any more */
	cancel_delayed_work_sync(&target->sweep_work);
	release_held_back(target);
	corcache_route_kick(target);
}

void corcache_route_init(struct corcache_target *target)
{
	corcache_park_init(target);
	bio_list_init(&target->starved);
	bio_list_init(&target->held_back);
	INIT_WORK(&target->park_work, park_work);
	INIT_DELAYED_WORK(&target->sweep_work, sweep_work);
}
