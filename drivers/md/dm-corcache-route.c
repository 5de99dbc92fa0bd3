// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache route: where a reader's bio goes next.
 *
 * Owns the bios that are nowhere else: parked ones, which wait for their turn
 * at the origin, and starved ones, which wait for room, or memory, for a read
 * of the cache device.  Both lists are under target->lock.
 *
 * A bio is routed in map, where it may be cut and nothing may sleep.  What
 * cannot go on there, and what is left of a bio that was answered in part, is
 * routed again from work:
 *
 *   cache_wq		looks at hits and joins.  Never waits for the origin
 *   origin_wq		starts reads of the origin, and blocks in submitting them
 *			when it stalls.  Suspend does not wait for it
 *
 * During a suspend the sweep hands back what waits for the origin, if the
 * suspend is a no-flush one: it asks for every bio anew, because when such a
 * suspend is interrupted, device-mapper takes BLK_STS_DM_REQUEUE for an error.
 */
#include "dm-corcache-cache.h"
#include "dm-corcache-fill.h"
#include "dm-corcache-hit.h"
#include "dm-corcache-index.h"
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

static void init_io(struct corcache_target *target, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	io->target = target;
	io->stage = CORCACHE_STAGE_PASS;
	io->solo = false;
	io->single = false;
}

/* As dm-linear. */
static int send_to_origin(struct corcache_target *target, struct bio *bio)
{
	corcache_stat_inc(target->cache, bypasses);
	corcache_stat_inc(target->cache, origin_reads);
	corcache_stat_add(target->cache, origin_bytes, bio->bi_iter.bi_size);
	bio_set_dev(bio, target->origin_dev->bdev);
	return DM_MAPIO_REMAPPED;
}

int corcache_route_map(struct corcache_target *target, struct bio *bio)
{
	u32 run;

	init_io(target, bio);
	corcache_stat_inc(target->cache, reads);
	if (bypassed(target))
		return send_to_origin(target, bio);

	for (;;) {
		run = look_up(target, bio);
		if (likely(run))
			return corcache_hit_map(target, bio, run);

		switch (corcache_fill_start(target, bio, GFP_NOWAIT, true)) {
		case CORCACHE_MISS_TAKEN:
			return DM_MAPIO_SUBMITTED;
		case CORCACHE_MISS_HIT:
			continue;
		case CORCACHE_MISS_BUSY:
			corcache_route_park(target, bio);
			return DM_MAPIO_SUBMITTED;
		}
	}
}

/* -------- Again, without the origin ----------------------------------- */

/* Wait for room for a bounce.  Return: false if there is some by now. */
static bool starve(struct corcache_target *target, struct bio *bio)
{
	bool starves;

	spin_lock_irq(&target->lock);
	starves = !__corcache_xfer_may_bounce(target);
	if (starves)
		bio_list_add(&target->starved, bio);
	spin_unlock_irq(&target->lock);
	return starves;
}

static void again_work(struct work_struct *work)
{
	struct corcache_io *io = container_of(work, struct corcache_io, work);
	struct bio *bio = dm_bio_from_per_bio_data(io, sizeof(*io));
	struct corcache_target *target = io->target;
	u32 run;

	for (;;) {
		if (io->solo || bypassed(target))
			break;
		run = look_up(target, bio);
		if (run) {
			corcache_stat_inc(target->cache, rejudged);
			if (corcache_hit_bounce(target, bio, run, GFP_NOIO) ||
			    starve(target, bio))
				return;
			continue;
		}
		if (corcache_fill_start(target, bio, 0, false) == CORCACHE_MISS_TAKEN)
			return;
		/* a block that became valid meanwhile is found by the next round */
		if (!look_up(target, bio))
			break;
	}
	corcache_route_park(target, bio);
}

void corcache_route_again(struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	INIT_WORK(&io->work, again_work);
	queue_work(io->target->cache_wq, &io->work);
}

/* -------- Parked ------------------------------------------------------ */

void __corcache_route_kick(struct corcache_target *target)
{
	struct bio *bio;

	lockdep_assert_held(&target->lock);
	if (target->nr_parked)
		queue_work(target->origin_wq, &target->park_work);
	while ((bio = bio_list_pop(&target->starved)))
		corcache_route_again(bio);
}

void corcache_route_kick(struct corcache_target *target)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	__corcache_route_kick(target);
	spin_unlock_irqrestore(&target->lock, flags);
}

void corcache_route_park(struct corcache_target *target, struct bio *bio)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	bio_list_add(&target->parked, bio);
	target->nr_parked++;
	__corcache_route_kick(target);
	spin_unlock_irqrestore(&target->lock, flags);
}

/* Return: false if there is no room at the origin for it yet. */
static bool unpark(struct corcache_target *target, struct bio *bio)
{
	enum corcache_miss r;

	if (corcache_io(bio)->solo || bypassed(target))
		r = corcache_fill_solo(target, bio, bypassed(target));
	else if (look_up(target, bio))
		r = CORCACHE_MISS_HIT;
	else
		r = corcache_fill_start(target, bio, GFP_NOIO, false);
	if (r == CORCACHE_MISS_HIT) {
		corcache_io(bio)->solo = false;
		corcache_route_again(bio);
	}
	return r != CORCACHE_MISS_BUSY;
}

/* nr_parked counts the one in hand, too, so that a kick is never lost. */
static struct bio *take_parked(struct corcache_target *target)
{
	struct bio *bio;

	spin_lock_irq(&target->lock);
	bio = bio_list_pop(&target->parked);
	if (!bio)
		target->throttled = false;
	spin_unlock_irq(&target->lock);
	return bio;
}

static void put_back(struct corcache_target *target, struct bio *bio)
{
	spin_lock_irq(&target->lock);
	bio_list_add_head(&target->parked, bio);
	target->throttled = true;
	spin_unlock_irq(&target->lock);
}

static void count_unparked(struct corcache_target *target)
{
	spin_lock_irq(&target->lock);
	target->nr_parked--;
	spin_unlock_irq(&target->lock);
}

/*
 * What makes room (a read that ends, the spare transfer that comes back, a
 * suspend that is undone) kicks; a kick while this runs makes it run again.
 */
static void park_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      park_work);
	struct bio *bio;

	while ((bio = take_parked(target))) {
		if (!unpark(target, bio)) {
			put_back(target, bio);
			return;
		}
		count_unparked(target);
		cond_resched();
	}
}

/* -------- The sweep --------------------------------------------------- */

static void take_waiting(struct corcache_target *target, struct bio_list *bios)
{
	struct bio *bio;

	bio_list_init(bios);
	spin_lock_irq(&target->lock);
	bio_list_for_each(bio, &target->parked)
		target->nr_parked--;
	bio_list_merge(bios, &target->parked);
	bio_list_init(&target->parked);
	__corcache_fill_unwait(target, bios);
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
			corcache_route_park(target, bio);
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
	sweep(target);
	queue_delayed_work(corcache_wq, &target->sweep_work,
			   msecs_to_jiffies(SWEEP_INTERVAL_MS));
}

void corcache_route_stop_sweep(struct corcache_target *target)
{
	cancel_delayed_work_sync(&target->sweep_work);
	corcache_route_kick(target);
}

void corcache_route_init(struct corcache_target *target)
{
	bio_list_init(&target->parked);
	bio_list_init(&target->starved);
	INIT_WORK(&target->park_work, park_work);
	INIT_DELAYED_WORK(&target->sweep_work, sweep_work);
}
