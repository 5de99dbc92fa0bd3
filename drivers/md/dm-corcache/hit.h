/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache hit: reads from the cache device, verified.
 */
#ifndef DM_CORCACHE_HIT_H
#define DM_CORCACHE_HIT_H

#include "corcache.h"
#include "index.h"

/* To @slot, where the bio's first region is. */
static __always_inline void corcache_hit_send_down(struct corcache_target *target,
						   struct bio *bio, struct corcache_io *io,
						   corcache_slot_t slot, u64 retire_seq)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	u64 sector = bio->bi_iter.bi_sector;

	/* what else io has is set when it is needed: see redrive() */
	io->iter = bio->bi_iter;
	io->retire_seq = retire_seq;
	io->slot = slot;
	io->stage = CORCACHE_STAGE_HIT;
	bio->bi_iter.bi_sector = corcache_slot_to_sector(geo, slot, 0) +
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
 * can go as it is: most hits.  What it declines is missing, or is left to
 * corcache_hit_map(), which would decide the same but knows all cases.  Inline,
 * as calls would be a good part of the cost.
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
	corcache_region_t region;
	corcache_entry_t entry;
	corcache_slot_t slot;
	u64 seq, missing;
	u32 first, last;

	/* none at all are declined, too */
	if (((u32)sector | sectors) & target->simple_mask ||
	    sectors - 1 >= geo->region_sectors - offset)
		return false;
	/* steps A to C: see index.h */
	seq = corcache_retire_seq(cache);
	region = corcache_sector_to_region(geo, sector);
	entry = READ_ONCE(cache->index[from_region(region)]);
	if (!entry)
		return false;
	slot = entry_to_slot(entry);
	/* pairs with the release in __corcache_index_publish() */
	missing = ~smp_load_acquire(&cache->slots[from_slot(slot)].valid);
	first = offset >> geo->block_shift;
	last = (offset + sectors - 1) >> geo->block_shift;
	if (missing >> first << (63 - last + first))
		return false;
	corcache_policy_touch(cache->visited, from_slot(slot), 1);
	corcache_hit_send_down(target, bio, io, slot, seq);
	return true;
}

/**
 * corcache_hit_map() - send a hit down
 * @target: the target
 * @bio: being mapped; io->retire_seq and io->slot are set
 * @run: its first blocks are valid and contiguous, this many
 *
 * The bio is cut to what can go in one piece; what cannot go down as it is, is
 * bounced.
 *
 * Return: DM_MAPIO_REMAPPED; DM_MAPIO_SUBMITTED; -EAGAIN: the bio asks not to
 * wait, and would have to, and nothing has been done.
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

/* All but the usual end of a hit. */
int corcache_hit_verify(struct corcache_target *target, struct bio *bio,
			struct corcache_io *io, blk_status_t error);

/* The target's end_io method for what was sent down.  Return: DM_ENDIO_*. */
static __always_inline int corcache_hit_end_io(struct corcache_target *target,
					       struct bio *bio, struct corcache_io *io,
					       blk_status_t error)
{
	const struct corcache_cache *cache = target->cache;

	if (error || cache->crc || !corcache_index_unchanged(cache, io->retire_seq))
		return corcache_hit_verify(target, bio, io, error);
	corcache_stat_inc(cache, hits);
	corcache_stat_add(cache, hit_bytes, io->iter.bi_size);
	return DM_ENDIO_DONE;
}

#endif /* DM_CORCACHE_HIT_H */
