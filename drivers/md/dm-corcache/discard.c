// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache discard: slots that were emptied are discarded on the cache device.
 *
 * Owns the work that does it and struct corcache_discard, together with index.c, which
 * knows what is free and keeps the map.  A free slot is removed durably: no entry on
 * the device speaks of it, so a crash at any moment of the discard finds it empty.
 * While it is discarded it is not free, so nobody writes to it; a hit that is late on
 * what was in it before sees the stamp, like any that is overtaken.
 *
 * One discard at a time, of neighbours up to DISCARD_SECTORS, in the background.  No
 * reader and no fill waits for it: a fill that finds no slot meanwhile is not inserted.
 * What a discard says is not believed and not counted as an error: it is a favour to
 * the device.  Process context.
 */
#include "discard.h"
#include "index.h"

/* Most that one discard takes: 16 MiB; a suspend waits for it. */
#define DISCARD_SECTORS		32768U

static void turn_off(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	cache->discard.on = false;
	spin_unlock_irq(&cache->lock);
}

static bool can_discard(struct corcache_cache *cache)
{
	if (bdev_max_discard_sectors(cache->bdev))
		return true;
	turn_off(cache);
	DMWARN("%pg: cannot discard: feature discard does nothing", cache->bdev);
	return false;
}

/* Return: false if there was nothing to do. */
static bool discard_some(struct corcache_cache *cache)
{
	const struct corcache_geometry *geo = &cache->geo;
	u32 most = max(DISCARD_SECTORS >> geo->region_shift, 1U), nr;
	corcache_slot_t first;
	int r;

	nr = corcache_index_take_discard(cache, &first, most);
	if (!nr)
		return false;
	r = blkdev_issue_discard(cache->bdev, corcache_slot_to_sector(geo, first, 0),
				 (u64)nr << geo->region_shift, GFP_NOIO);
	corcache_index_give_discarded(cache, first, nr);
	if (!r)
		corcache_stat_add(cache, discards, nr);
	return true;
}

static void discard_work(struct work_struct *work)
{
	struct corcache_cache *cache = container_of(to_delayed_work(work), struct corcache_cache,
						    discard.work);

	if (corcache_index_paused() || !READ_ONCE(cache->discard.on) || !READ_ONCE(cache->owner) ||
	    READ_ONCE(cache->mode) != CORCACHE_ACTIVE || !can_discard(cache))
		return;
	if (discard_some(cache))
		queue_delayed_work(corcache_commit_wq, &cache->discard.work, 0);
}

void corcache_discard_init(struct corcache_cache *cache)
{
	INIT_DELAYED_WORK(&cache->discard.work, discard_work);
}

void corcache_discard_start(struct corcache_cache *cache, bool on)
{
	if (on && corcache_index_alloc_discard(cache)) {
		DMWARN("%pg: no memory: feature discard does nothing", cache->bdev);
		on = false;
	}
	if (on && !can_discard(cache))
		on = false;
	spin_lock_irq(&cache->lock);
	cache->discard.on = on;
	spin_unlock_irq(&cache->lock);
	/* what was left by the table before */
	corcache_discard_kick(cache);
}

void corcache_discard_kick(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	if (cache->discard.on && cache->owner)
		corcache_index_schedule_discard(cache);
	spin_unlock_irq(&cache->lock);
}

void corcache_discard_stop(struct corcache_cache *cache)
{
	cancel_delayed_work_sync(&cache->discard.work);
}
