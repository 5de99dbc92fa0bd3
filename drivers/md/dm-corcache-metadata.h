/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache metadata: superblocks and region table on the cache device.
 *
 * Everything here does I/O to the cache device and may sleep: process context.
 * Nothing here waits for the origin.
 */
#ifndef DM_CORCACHE_METADATA_H
#define DM_CORCACHE_METADATA_H

#include "dm-corcache.h"

/* The buffers of commits.  Return: 0 or -ENOMEM, then still call free. */
int corcache_meta_alloc(struct corcache_cache *cache);
void corcache_meta_free(struct corcache_cache *cache);

/**
 * corcache_meta_probe() - what is on a cache device?
 * @bdev: the device
 * @super: filled in if 0 is returned
 * @err: on failure receives one line
 * @err_len: size of @err
 *
 * Reads the first superblock; if that is damaged its copy; if there is neither,
 * the first and the last MiB.
 *
 * Return: 0: a cache; -ENODATA: blank, may be formatted; any other error: a
 * device that must not be touched, or cannot be read.
 */
int corcache_meta_probe(struct block_device *bdev, struct corcache_super *super,
			char *err, size_t err_len);

/**
 * corcache_meta_load() - format, if it is to be, and fill index and slots
 * @cache: with super (if @blank, only origin_id of it) and geometry, index allocated
 * @blank: the device is blank: write both superblocks first, durably
 * @err: on failure receives one line
 * @err_len: size of @err
 *
 * Formatting writes the copy first: a crash leaves a blank device, the copy alone,
 * which works, or both.  A failure for want of memory has written nothing.  A
 * sector of the region table that cannot be read or is corrupt leaves its regions
 * cold.
 *
 * Return: 0, -ENOMEM, or the device's error.
 */
int corcache_meta_load(struct corcache_cache *cache, bool blank, char *err,
		       size_t err_len);

/**
 * corcache_meta_commit() - make durable what changed
 * @cache: the cache
 *
 * When it returns 0, all blocks that were hits and all removals that were done
 * before it was called are durable.  On an error the mode is frozen.
 *
 * Return: 0; -EIO if the cache is not active or has just been frozen.
 */
int corcache_meta_commit(struct corcache_cache *cache);

/* delayed work: the commit every commit_interval */
void corcache_meta_commit_work(struct work_struct *work);

/* Size of corcache_cache.image. */
#define CORCACHE_IMAGE_BYTES	(256U << 10)

#endif /* DM_CORCACHE_METADATA_H */
