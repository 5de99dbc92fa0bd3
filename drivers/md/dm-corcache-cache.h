/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache cache: a cache device in use, shared by the tables of one
 * mapped device.
 */
#ifndef DM_CORCACHE_CACHE_H
#define DM_CORCACHE_CACHE_H

#include "dm-corcache.h"

/**
 * corcache_cache_get() - find or make the cache for a table
 * @target: with cache_dev, origin_dev and args
 * @err: on failure receives one line
 * @err_len: size of @err
 *
 * Constructor's context.  Against the cache that this mapped device already
 * runs on, else against what is on the device, everything is refused that can
 * be known; nothing is written.
 *
 * Return: 0 with target->cache set, or an error.
 */
int corcache_cache_get(struct corcache_target *target, char *err,
		       size_t err_len);
void corcache_cache_put(struct corcache_cache *cache);

/**
 * corcache_cache_activate() - make @target the owner of its cache
 * @target: the target, suspended
 * @err: on failure receives one line
 * @err_len: size of @err
 *
 * preresume's context.  Formats a blank device.  A cache that is loaded and
 * active is taken over as it is; else the device is read.
 *
 * Return: 0 or an error.
 */
int corcache_cache_activate(struct corcache_target *target, char *err,
			    size_t err_len);

/* Has another mapped device claimed it, too? */
bool corcache_cache_used_elsewhere(struct block_device *bdev);

/*
 * The owner lets go: a last commit; nothing is written to the device from here
 * on.  postsuspend's context, after the target's fills have ended.
 */
void corcache_cache_deactivate(struct corcache_target *target);

/**
 * corcache_cache_set_quota() - set the quota; make it hold, durably
 * @cache: the cache, with an owner
 * @slots: 1 to geo.nr_slots
 *
 * Process context; waits for the cache device, not for the origin.
 * Return: 0 or -EIO if slots must be emptied and the mode forbids it, or a
 * commit failed; then the quota is as it was.
 */
int corcache_cache_set_quota(struct corcache_cache *cache, u64 slots);

/*
 * The same while suspended, when no slot can be emptied: -EBUSY if one would
 * have to be.  Fills that are just ending take none beyond it.
 */
int corcache_cache_set_quota_suspended(struct corcache_cache *cache, u64 slots);

/* Slots that hold data or are being freed. */
u64 corcache_cache_used(struct corcache_cache *cache);

/* Any context: get worse, tell why, send a dm event. */
void corcache_cache_degrade(struct corcache_cache *cache, enum corcache_mode mode,
			    enum corcache_reason reason);

/* A commit failed with @error.  Process context. */
void corcache_cache_commit_failed(struct corcache_cache *cache, int error);

/*
 * Any context: an error of the cache device.  Too many end in bypass mode, and
 * one does if the device is gone.
 */
void corcache_cache_error(struct corcache_cache *cache, blk_status_t status);

/*
 * A commit within the interval, or now, if there is something to commit.  Any
 * context; the __ one with cache->lock held.
 */
void corcache_cache_schedule_commit(struct corcache_cache *cache, bool now);
void __corcache_cache_schedule_commit(struct corcache_cache *cache);

/* How long a shutdown waits for commits. */
#define CORCACHE_SHUTDOWN_SECONDS	10

/*
 * Commits of all caches that have an owner, side by side, for a shutdown: what
 * the timer has not committed yet shall not be lost.  Process context; waits
 * for the cache devices, but no longer than CORCACHE_SHUTDOWN_SECONDS.
 */
void corcache_cache_commit_all(void);

/* A commit begins, has ended; with commit_mutex held. */
void corcache_cache_commit_begins(struct corcache_cache *cache);
void corcache_cache_commit_ends(struct corcache_cache *cache);

/* Any context: fills that wait for a commit look again. */
void corcache_cache_kick_held(struct corcache_cache *cache);

u64 corcache_cache_stat(struct corcache_cache *cache, enum corcache_stat i);
void corcache_cache_reset_stats(struct corcache_cache *cache);

#endif /* DM_CORCACHE_CACHE_H */
