/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache cache: a cache device in use, shared by the tables of one
 * mapped device.
 */
#ifndef DM_CORCACHE_CACHE_H
#define DM_CORCACHE_CACHE_H

#include "corcache.h"

/**
 * corcache_cache_get() - find or make the cache for a table
 * @target: with cache_dev, origin_dev and args
 * @why: on failure receives one line
 *
 * Constructor's context.  Against the cache that this mapped device already
 * runs on, else against what is on the device, everything is refused that can
 * be known; nothing is written.
 *
 * Return: 0 with target->cache set, or an error.
 */
int corcache_cache_get(struct corcache_target *target, struct corcache_refusal *why);
void corcache_cache_put(struct corcache_cache *cache);

/**
 * corcache_cache_activate() - make @target the owner of its cache
 * @target: the target, suspended
 * @why: on failure receives one line
 *
 * preresume's context.  Formats a blank device.  A cache that is loaded and
 * active is taken over as it is; else the device is read.  What is above a lower
 * quota, and more than one commit takes, is evicted when the target runs.
 *
 * Return: 0 or an error.
 */
int corcache_cache_activate(struct corcache_target *target, struct corcache_refusal *why);

/**
 * corcache_cache_reload() - load a bypassed cache from its device again
 * @target: the owner, running, with control_mutex held; no fill is being inserted
 * @why: on failure receives one line
 *
 * Readers are served by the origin meanwhile.  Ends early if the target is to be
 * suspended.
 *
 * Process context.
 *
 * Return: 0: it is active; or an error, and it is bypassed as before.
 */
int corcache_cache_reload(struct corcache_target *target, struct corcache_refusal *why);

/* Has another mapped device claimed it as well? */
bool corcache_cache_used_elsewhere(struct block_device *bdev);

/*
 * End the ownership: a last commit; nothing is written to the device from here
 * on.  postsuspend's context, after the target's fills have ended.
 */
void corcache_cache_deactivate(struct corcache_target *target);

/**
 * corcache_cache_set_quota() - set the quota; make it hold, durably
 * @target: the owner of its cache
 * @slots: 1 to geo.nr_slots
 *
 * Process context, with control_mutex; waits for the cache device, not for the
 * origin.
 *
 * Return: 0 or -EIO if slots must be emptied and the mode forbids it, or a
 * commit failed; -EBUSY or -EINTR if it was interrupted, see
 * corcache_evict_may_go_on(); then the quota is as it was, and some slots are empty.
 */
int corcache_cache_set_quota(struct corcache_target *target, u64 slots);

/*
 * The same while suspended, when no slot can be emptied: -EBUSY if one would
 * have to be.  Fills that are just ending take none beyond it.
 */
int corcache_cache_set_quota_suspended(struct corcache_cache *cache, u64 slots);

/* How long a shutdown waits for commits. */
#define CORCACHE_SHUTDOWN_SECONDS	10

/*
 * Commit all caches that have an owner, side by side, for a shutdown, so that
 * what the timer has not committed yet is not lost.  Process context; waits
 * for the cache devices, but no longer than CORCACHE_SHUTDOWN_SECONDS.
 */
void corcache_cache_commit_all(void);

/*
 * Write to no cache device from now on, for a snapshot of memory that is to agree with
 * what stands on the devices when it comes back.  What is under way ends, and is
 * committed; then nothing is inserted, evicted or committed.  Reads go on.  Process
 * context; waits for the cache devices, but no longer than CORCACHE_SHUTDOWN_SECONDS.
 * Return: 0, or -EBUSY: a device does not answer, and nothing is paused.
 */
int corcache_cache_pause_all(void);

/* Go on; also if nothing was paused. */
void corcache_cache_unpause_all(void);

u64 corcache_cache_stat(struct corcache_cache *cache, enum corcache_stat i);
void corcache_cache_reset_stats(struct corcache_cache *cache);

#endif /* DM_CORCACHE_CACHE_H */
