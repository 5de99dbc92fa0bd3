/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache mode: active, frozen or bypass, and why.
 */
#ifndef DM_CORCACHE_MODE_H
#define DM_CORCACHE_MODE_H

#include "corcache.h"

/* The words of the status line. */
const char *corcache_mode_name(enum corcache_mode mode);
const char *corcache_reason_name(enum corcache_reason reason);

/* Of a new cache: no errors yet, and nothing to serve. */
void corcache_mode_init(struct corcache_cache *cache);

/**
 * corcache_mode_start() - the mode of a cache that was loaded, or could not be
 * @cache: the cache; not active
 * @target: the target that it is loaded for; gets the event if the mode changed
 * @error: of loading it, or 0
 *
 * The first start is no change.
 *
 * Context: preresume's, or the healing of a running target.
 */
void corcache_mode_start(struct corcache_cache *cache, struct corcache_target *target,
			 int error);

/* A commit failed with @error, for want of anything but memory.  Process context. */
void corcache_mode_commit_failed(struct corcache_cache *cache, int error);

/* A frozen cache was committed: it is active again.  Process context. */
void corcache_mode_thaw(struct corcache_cache *cache);

/* The origin is another image: bypass.  Process context. */
void corcache_mode_wrong_origin(struct corcache_cache *cache);

/**
 * corcache_mode_error() - an error of the cache device
 * @cache: the cache
 * @error: which kind
 * @slot: where
 * @status: the device's; BLK_STS_OK for a wrong checksum
 *
 * Errors in max_errors different slots end in bypass mode, of writes in frozen
 * mode; one does if the device is gone, or has no space for a write.
 *
 * Context: any.
 */
void corcache_mode_error(struct corcache_cache *cache, enum corcache_error error,
			 corcache_slot_t slot, blk_status_t status);

/*
 * Does @status say that there was no memory, or no room at this moment?  Then it
 * is no error of the device.
 */
static inline bool corcache_mode_try_again(blk_status_t status)
{
	return status == BLK_STS_RESOURCE || status == BLK_STS_DEV_RESOURCE ||
	       status == BLK_STS_AGAIN;
}

/* Different slots that may still have errors before the cache is bypassed. */
u32 corcache_mode_errors_left(struct corcache_cache *cache);

/* The origin is another image than the one that was cached.  Any context. */
void corcache_mode_wrong_origin(struct corcache_cache *cache);

#endif /* DM_CORCACHE_MODE_H */
