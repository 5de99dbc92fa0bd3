/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache hit: reads from the cache device, verified.
 */
#ifndef DM_CORCACHE_HIT_H
#define DM_CORCACHE_HIT_H

#include "dm-corcache.h"
#include "dm-corcache-index.h"

/* To @slot, where the bio's first region is. */
static __always_inline void corcache_hit_send_down(struct corcache_target *target,
						   struct bio *bio, struct corcache_io *io,
						   u32 slot, u64 retire_seq)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	u64 sector = bio->bi_iter.bi_sector;

	/* what else io has is set when it is needed: see redrive() */
	io->iter = bio->bi_iter;
	io->retire_seq = retire_seq;
	io->slot = slot;
	io->stage = CORCACHE_STAGE_HIT;
	bio->bi_iter.bi_sector = geo->data_start + ((u64)slot << geo->region_shift) +
				 (sector & (geo->region_sectors - 1));
	bio_set_dev(bio, target->cache_dev->bdev);
}

/**
 * corcache_hit_map_simple() - send the usual hit down
 * @target: the target
 * @bio: being mapped
 * @io: its data, set by this alone
 *
 * Looks it up, and sends it down if all of it is valid, lies in one region and
 * can go as it is, which is most of what there is.  What it declines is missing,
 * or for corcache_hit_map(), which would come to the same, but knows all cases.
 * Inline, as calls would be a good part of what it costs.
 *
 * Return: true if it was remapped.
 */
static __always_inline bool corcache_hit_map_simple(struct corcache_target *target,
						    struct bio *bio, struct corcache_io *io)
{
	const struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u64 sector = bio->bi_iter.bi_sector;
	u32 sectors = bio_sectors(bio);
	u32 offset = sector & (geo->region_sectors - 1);
	u32 entry, first, last;
	u64 seq, missing;

	/* none at all are declined, too */
	if (((u32)sector | sectors) & target->simple_mask ||
	    sectors - 1 >= geo->region_sectors - offset)
		return false;
	/* steps A to C: see dm-corcache-index.h */
	seq = corcache_retire_seq(cache);
	entry = READ_ONCE(cache->index[sector >> geo->region_shift]);
	if (!entry)
		return false;
	/* pairs with the release in __corcache_index_publish() */
	missing = ~smp_load_acquire(&cache->slots[entry - 1].valid);
	first = offset >> geo->block_shift;
	last = (offset + sectors - 1) >> geo->block_shift;
	if (missing >> first << (63 - last + first))
		return false;
	corcache_index_touch(cache, entry - 1, 1);
	corcache_hit_send_down(target, bio, io, entry - 1, seq);
	return true;
}

/**
 * corcache_hit_map() - send a hit down
 * @target: the target
 * @bio: being mapped; io->retire_seq and io->slot are set
 * @run: its first blocks are valid and contiguous, this many
 *
 * The bio is cut to what can go in one piece; what cannot go down as it is, is
 * bounced.  Return: DM_MAPIO_REMAPPED or DM_MAPIO_SUBMITTED.
 */
int corcache_hit_map(struct corcache_target *target, struct bio *bio, u32 run);

/**
 * corcache_hit_bounce() - read what a bio wants of a run into pages of our own
 * @target: the target
 * @bio: owned by the target; io->retire_seq is set
 * @run: its first blocks are valid and contiguous, this many
 * @gfp: GFP_NOWAIT or GFP_NOIO
 *
 * Return: false if there is no memory.
 */
bool corcache_hit_bounce(struct corcache_target *target, struct bio *bio,
			 u32 run, gfp_t gfp);

/* Whatever is not the usual end of a hit. */
int corcache_hit_judge(struct corcache_target *target, struct bio *bio,
		       struct corcache_io *io, blk_status_t error);

/* The target's end_io method for what was sent down.  Return: DM_ENDIO_*. */
static __always_inline int corcache_hit_end_io(struct corcache_target *target,
					       struct bio *bio, struct corcache_io *io,
					       blk_status_t error)
{
	const struct corcache_cache *cache = target->cache;

	if (error || cache->crc || !corcache_index_unchanged(cache, io->retire_seq))
		return corcache_hit_judge(target, bio, io, error);
	corcache_stat_inc(cache, hits);
	return DM_ENDIO_DONE;
}

#endif /* DM_CORCACHE_HIT_H */
