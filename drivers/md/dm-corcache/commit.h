/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache commit: what was published and removed is made durable.
 *
 * Everything here may sleep: process context.  It waits for the cache device,
 * never for the origin.
 */
#ifndef DM_CORCACHE_COMMIT_H
#define DM_CORCACHE_COMMIT_H

#include "corcache.h"

/*
 * What a commit writes between two flushes: so many table sectors, in so many
 * pieces that do not lie side by side on the device.  The former makes flushes few,
 * the latter bounds the time on a device that takes its time for each piece.
 */
#define CORCACHE_BATCH_SECTORS	4096U
#define CORCACHE_BATCH_PIECES	512U

/* Return: 0 or -ENOMEM; then call corcache_commit_exit() as well. */
int corcache_commit_init(struct corcache_cache *cache);
void corcache_commit_exit(struct corcache_cache *cache);

/**
 * corcache_commit() - make durable what changed
 * @cache: the cache
 *
 * When it returns 0, all blocks that were hits and all removals that were done
 * before it was called are durable.  What could not be written is the next one's.
 * On an error of the device the mode is frozen, or bypass if it is gone.
 *
 * Context: process; waits for a commit under way.
 *
 * Return: 0; -ENOMEM if there was no memory; -EBUSY if commits are paused; -EIO if
 * the cache is not active, or is not any more.
 */
int corcache_commit(struct corcache_cache *cache);

/**
 * corcache_commit_frozen() - commit what a frozen cache could not
 * @cache: the cache; no fill is being inserted
 *
 * If it succeeds, the mode is active again.
 *
 * Context: process.
 *
 * Return: 0; -ENOMEM; -EIO if it failed again, or the cache is not frozen.
 */
int corcache_commit_frozen(struct corcache_cache *cache);
/*
 * The same, for the last commit before the cache is let go: the hints on the device
 * are brought up to date as well, as far as that goes with 16 MiB of the table.
 */
int corcache_commit_last(struct corcache_cache *cache);
/* The same, but -EINTR if the task is to die while it waits for another commit. */
int corcache_commit_killable(struct corcache_cache *cache);

/* Ask for a commit that begins from now on. */
void corcache_commit_request(struct corcache_cache *cache);

/**
 * corcache_commit_wait() - wait for the end of the commit that was requested
 * @cache: the cache
 * @timeout: in jiffies
 *
 * Return: what is left of @timeout, at least 1; 0 if it has passed.  A cache
 * without an owner, or one that is not active, is not waited for.
 */
long corcache_commit_wait(struct corcache_cache *cache, long timeout);

#endif /* DM_CORCACHE_COMMIT_H */
