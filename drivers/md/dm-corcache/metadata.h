/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache metadata: superblocks and region table on the cache device.
 *
 * Everything here does I/O to the cache device and may sleep: process context.
 * Nothing here waits for the origin.
 */
#ifndef DM_CORCACHE_METADATA_H
#define DM_CORCACHE_METADATA_H

#include "corcache.h"

/* When the module is loaded.  Return: 0 or -ENOMEM. */
int corcache_meta_init(void);
void corcache_meta_exit(void);

/**
 * corcache_meta_probe() - what is on a cache device?
 * @bdev: the device
 * @super: filled in if 0 is returned
 * @why: on failure receives one line
 *
 * Reads the first superblock; if that is damaged its copy; if it is zero the first
 * and the last MiB.
 *
 * Return: 0: a cache; -ENODATA: blank or wiped, may be formatted; any other error:
 * a device that must not be touched, or cannot be read.
 */
int corcache_meta_probe(struct block_device *bdev, struct corcache_super *super,
			struct corcache_refusal *why);

/**
 * corcache_meta_load() - format, if it is to be, and fill index and slots
 * @cache: with super (if @blank, only origin_id of it) and geometry, index allocated
 * @blank: the device is blank or wiped: write both superblocks first, durably
 * @why: on failure receives one line
 *
 * Formatting removes an old copy of a superblock, writes the first one, then its
 * copy, each durably before the next: a crash leaves a device that is formatted
 * again, the first one alone, which works, or both.  If the first one is alone its
 * copy is written.  A failure for want of memory has written nothing.  A sector of
 * the region table that cannot be read or is corrupt leaves its regions cold.  After
 * cache->max_errors failed reads (at least 16; 100 if it is 0) it gives up: what is
 * left is cold, or it has failed if nothing could be read so far.
 *
 * Return: 0, -ENOMEM, or the device's error.
 */
int corcache_meta_load(struct corcache_cache *cache, bool blank, struct corcache_refusal *why);

/*
 * Can the device be written?  Writes to the free slot that would be written next, and
 * flushes; of a cache without a free slot only the latter.  No fill is being inserted.
 *
 * Return: 0 or the device's error.
 */
int corcache_meta_try_write(struct corcache_cache *cache);

/*
 * What differs from the table on the device is taken to be lost, but for what is
 * removed; no fill is being inserted.
 *
 * Return: 0 or the device's error.
 */
int corcache_meta_keep_durable(struct corcache_cache *cache);

#endif /* DM_CORCACHE_METADATA_H */
