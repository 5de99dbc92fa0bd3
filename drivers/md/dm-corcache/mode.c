// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache mode: active, frozen or bypass, and why.
 *
 * Owns cache->mode, reason and the errors that are counted, which are written under
 * cache->lock; the mode is read without.  A change is told to the owner's
 * event_work, which sends the dm event and begins the healing (heal.c).
 *
 *   active
 *   frozen	the table, or data, cannot be written: hits only
 *   bypass	what is read from the device cannot be trusted, or the device
 *		cannot be used at all: all from the origin
 *
 * Errors are counted by slot: one bad spot that is read again and again is one.
 *
 * Contexts: any, except where the header says otherwise.
 */
#include <linux/timekeeping.h>

#include "mode.h"

/* Seconds without an error of the device after which all are forgotten. */
#define QUIET_SECONDS		3600

/* Seconds for which a slot with a wrong checksum counts. */
#define CHECKSUM_SECONDS	600

const char *corcache_mode_name(enum corcache_mode mode)
{
	switch (mode) {
	case CORCACHE_ACTIVE:
		return "active";
	case CORCACHE_FROZEN:
		return "frozen";
	case CORCACHE_BYPASS:
		return "bypass";
	}
	return "?";
}

const char *corcache_reason_name(enum corcache_reason reason)
{
	static const char * const names[] = {
		[CORCACHE_REASON_NONE] = "none",
		[CORCACHE_REASON_UNLOADED] = "unloaded",
		[CORCACHE_REASON_COMMIT] = "commit",
		[CORCACHE_REASON_WRITES] = "writes",
		[CORCACHE_REASON_NOSPC] = "nospc",
		[CORCACHE_REASON_ERRORS] = "errors",
		[CORCACHE_REASON_CHECKSUMS] = "checksums",
		[CORCACHE_REASON_GONE] = "gone",
		[CORCACHE_REASON_READONLY] = "readonly",
		[CORCACHE_REASON_ORIGIN] = "origin",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "?";
}

static void __forget_errors(struct corcache_cache *cache)
{
	corcache_places_init(&cache->errors[CORCACHE_ERROR_READ], QUIET_SECONDS,
			     CORCACHE_PLACES_EVER);
	corcache_places_init(&cache->errors[CORCACHE_ERROR_WRITE], QUIET_SECONDS,
			     CORCACHE_PLACES_EVER);
	corcache_places_init(&cache->errors[CORCACHE_ERROR_CHECKSUM], CHECKSUM_SECONDS,
			     CHECKSUM_SECONDS);
}

void corcache_mode_init(struct corcache_cache *cache)
{
	__forget_errors(cache);
	cache->mode = CORCACHE_BYPASS;
	cache->reason = CORCACHE_REASON_UNLOADED;
}

/*
 * Why the device cannot be used any more, if that is for good.  A driver that
 * takes a device away refuses requests, by an error that is used for nothing
 * else (-ENODEV), a moment before the disk is marked as dead.
 */
static enum corcache_reason device_loss(struct corcache_cache *cache, int error)
{
	struct block_device *bdev = cache->bdev;

	if (error == -ENODEV || test_bit(GD_DEAD, &bdev->bd_disk->state) ||
	    !bdev_nr_sectors(bdev))
		return CORCACHE_REASON_GONE;
	if (bdev_read_only(bdev))
		return CORCACHE_REASON_READONLY;
	return CORCACHE_REASON_NONE;
}

void corcache_mode_start(struct corcache_cache *cache, struct corcache_target *target,
			 int error)
{
	enum corcache_mode mode = error ? CORCACHE_BYPASS : CORCACHE_ACTIVE;
	enum corcache_reason reason = CORCACHE_REASON_NONE;
	unsigned long flags;
	bool changed;

	if (error) {
		reason = device_loss(cache, error);
		if (reason == CORCACHE_REASON_NONE)
			reason = CORCACHE_REASON_ERRORS;
	}
	spin_lock_irqsave(&cache->lock, flags);
	changed = cache->served && cache->mode != mode;
	__forget_errors(cache);
	cache->reason = reason;
	/*
	 * A reader that sees it early looks up in what was there before the cache was
	 * loaded, and finds it retired: see corcache_index_reset().
	 */
	WRITE_ONCE(cache->mode, mode);
	spin_unlock_irqrestore(&cache->lock, flags);
	if (changed)
		queue_work(corcache_wq, &target->event_work);
}

/*
 * Get worse, and tell why: a dm event.  Nothing happens if the cache is there
 * already, or worse.  Fills that wait for a commit are looked at again: none will
 * come.
 */
static void degrade(struct corcache_cache *cache, enum corcache_mode mode,
		    enum corcache_reason reason)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	if (cache->mode < mode) {
		WRITE_ONCE(cache->mode, mode);
		cache->reason = reason;
		if (cache->owner) {
			queue_work(corcache_wq, &cache->owner->event_work);
			/* there is no commit to wait for any more */
			corcache_kick_insert(cache->owner);
		}
	}
	spin_unlock_irqrestore(&cache->lock, flags);
}

void corcache_mode_commit_failed(struct corcache_cache *cache, int error)
{
	enum corcache_reason reason = device_loss(cache, error);

	corcache_stat_inc(cache, cache_errors);
	if (reason != CORCACHE_REASON_NONE)
		degrade(cache, CORCACHE_BYPASS, reason);
	else
		degrade(cache, CORCACHE_FROZEN, error == -ENOSPC ? CORCACHE_REASON_NOSPC :
								   CORCACHE_REASON_COMMIT);
}

void corcache_mode_thaw(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	if (cache->mode == CORCACHE_FROZEN) {
		corcache_places_init(&cache->errors[CORCACHE_ERROR_WRITE], QUIET_SECONDS,
				     CORCACHE_PLACES_EVER);
		WRITE_ONCE(cache->mode, CORCACHE_ACTIVE);
		cache->reason = CORCACHE_REASON_NONE;
		if (cache->owner)
			queue_work(corcache_wq, &cache->owner->event_work);
	}
	spin_unlock_irq(&cache->lock);
}

void corcache_mode_wrong_origin(struct corcache_cache *cache)
{
	degrade(cache, CORCACHE_BYPASS, CORCACHE_REASON_ORIGIN);
}

static u32 now_seconds(void)
{
	return ktime_get_seconds();
}

/* Return: are there as many as max_errors allows? */
static bool count(struct corcache_cache *cache, enum corcache_error error,
		  corcache_slot_t slot)
{
	unsigned long flags;
	u32 places;

	spin_lock_irqsave(&cache->lock, flags);
	places = corcache_places_add(&cache->errors[error], from_slot(slot), now_seconds());
	spin_unlock_irqrestore(&cache->lock, flags);
	return cache->max_errors && places >= cache->max_errors;
}

void corcache_mode_error(struct corcache_cache *cache, enum corcache_error error,
			 corcache_slot_t slot, blk_status_t status)
{
	enum corcache_reason reason = CORCACHE_REASON_NONE;
	bool enough = count(cache, error, slot);

	if (error == CORCACHE_ERROR_CHECKSUM) {
		if (enough)
			degrade(cache, CORCACHE_BYPASS, CORCACHE_REASON_CHECKSUMS);
		return;
	}
	corcache_stat_inc(cache, cache_errors);
	reason = device_loss(cache, blk_status_to_errno(status));
	if (reason != CORCACHE_REASON_NONE)
		degrade(cache, CORCACHE_BYPASS, reason);
	else if (error == CORCACHE_ERROR_WRITE && status == BLK_STS_NOSPC)
		degrade(cache, CORCACHE_FROZEN, CORCACHE_REASON_NOSPC);
	else if (error == CORCACHE_ERROR_WRITE && enough)
		degrade(cache, CORCACHE_FROZEN, CORCACHE_REASON_WRITES);
	else if (enough)
		degrade(cache, CORCACHE_BYPASS, CORCACHE_REASON_ERRORS);
}

u32 corcache_mode_errors_left(struct corcache_cache *cache)
{
	u32 now = now_seconds(), reads, checksums;

	if (!cache->max_errors)
		return U32_MAX;
	spin_lock_irq(&cache->lock);
	reads = corcache_places_count(&cache->errors[CORCACHE_ERROR_READ], now);
	checksums = corcache_places_count(&cache->errors[CORCACHE_ERROR_CHECKSUM], now);
	spin_unlock_irq(&cache->lock);
	return cache->max_errors - min(cache->max_errors, max(reads, checksums));
}
