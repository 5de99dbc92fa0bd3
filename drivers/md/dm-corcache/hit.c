// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache hit: reads from the cache device, verified.
 *
 * Owns nothing but the bio it is given.  A hit goes to the cache device as it
 * is, into the reader's own pages, and is verified when it comes back:
 *
 *   fine			the reader has it
 *   a slot was retired		what was read may be another region's: look up
 *				again, as if it had just come
 *   error, wrong checksum	not believed yet.  A guest may write to its
 *				buffer while it is read into; a read-ahead may
 *				fail for no reason; a bio of many blocks does
 *				not say which one failed: look up again, which
 *				leads to a bounce
 *
 * A bounce reads whole blocks into own pages, which no guest can write to: what
 * is wrong there is wrong on the device.  The block is dropped, and the bio,
 * routed again, finds it missing.
 *
 * Contexts: end_io may be hard interrupt; what is verified there is bounded, more
 * is left to corcache_wq.  Leaving it costs about what the CRC of six blocks
 * costs.
 */
#include <linux/crc32c.h>

#include "hit.h"
#include "index.h"
#include "mode.h"
#include "name.h"
#include "route.h"
#include "trace.h"
#include "xfer.h"

/* Most that is verified in the context of end_io. */
#define INLINE_BYTES		SZ_64K
#define INLINE_BYTES_IRQ	SZ_16K

/* Most that is bounced in one piece, if a block is not larger. */
#define BOUNCE_SECTORS		128U

/* -------- Verifying --------------------------------------------------- */

/* Where the checksum of the first block of a run is; the others follow. */
static u32 *first_crc(struct corcache_cache *cache, corcache_slot_t slot, corcache_block_t block)
{
	return corcache_slot_crcs(cache, slot) + corcache_block_bit(&cache->geo, block);
}

/*
 * The checksum of @block, whose bytes are the next @bytes of a bio.  The target
 * is for 64 bit only, where all memory has an address and what is contiguous
 * there is so here.
 */
static u32 bio_crc(struct bio *bio, struct bvec_iter *iter, corcache_block_t block, u32 bytes)
{
	u32 crc = corcache_block_seed(block);

	while (bytes) {
		struct bio_vec bv = mp_bvec_iter_bvec(bio->bi_io_vec, *iter);
		u32 n = min(bytes, bv.bv_len);

		crc = crc32c(crc, bvec_virt(&bv), n);
		bio_advance_iter_single(bio, iter, n);
		bytes -= n;
	}
	return ~crc;
}

static bool checksums_hold(struct corcache_cache *cache, struct bio *bio,
			   struct corcache_io *io)
{
	const struct corcache_geometry *geo = &cache->geo;
	u32 block_bytes = geo->block_sectors << SECTOR_SHIFT;
	corcache_block_t block = corcache_sector_to_block(geo, io->iter.bi_sector);
	u32 *crc = first_crc(cache, io->slot, block);
	struct bvec_iter iter = io->iter;

	/* whole blocks, but for the last one of the origin */
	for (; iter.bi_size; block = block_add(block, 1), crc++) {
		u32 bytes = min(block_bytes, iter.bi_size);

		if (bio_crc(bio, &iter, block, bytes) != READ_ONCE(*crc))
			return false;
	}
	return true;
}

static u32 slots_of(struct corcache_cache *cache, struct corcache_io *io)
{
	const struct corcache_geometry *geo = &cache->geo;
	corcache_block_t block = corcache_sector_to_block(geo, io->iter.bi_sector);
	u64 end = io->iter.bi_sector + (io->iter.bi_size >> SECTOR_SHIFT);

	return corcache_regions_touched(geo, block,
					corcache_blocks_touched(geo, io->iter.bi_sector, end));
}

/* Is what was read what the origin delivered, of the region that was meant? */
static __always_inline bool is_fine(struct corcache_cache *cache, struct bio *bio,
				    struct corcache_io *io)
{
	if (cache->crc && unlikely(!checksums_hold(cache, bio, io)))
		return false;
	/* last: the checksums, too, may be another region's by now */
	return corcache_index_unchanged(cache, io->retire_seq) ||
	       !corcache_index_retired(cache, io->retire_seq, io->slot, slots_of(cache, io));
}

/* Back to what it was when it was mapped, and look up again. */
static void redrive(struct corcache_target *target, struct bio *bio)
{
	bio->bi_iter = corcache_io(bio)->iter;
	bio->bi_status = BLK_STS_OK;
	corcache_io_init(target, bio);
	corcache_route_again(bio);
}

static void verify_work(struct work_struct *work)
{
	struct corcache_io *io = container_of(work, struct corcache_io, work);
	struct bio *bio = dm_bio_from_per_bio_data(io, sizeof(*io));
	struct corcache_target *target = io->target;

	if (is_fine(target->cache, bio, io)) {
		corcache_stat_inc(target->cache, hits);
		corcache_stat_add(target->cache, hit_bytes, io->iter.bi_size);
		/* nothing is left */
		bio->bi_iter.bi_size = 0;
		corcache_route_again(bio);
	} else {
		redrive(target, bio);
	}
}

static bool may_verify_here(struct corcache_cache *cache, u32 bytes)
{
	return !cache->crc || bytes <= INLINE_BYTES_IRQ ||
	       (bytes <= INLINE_BYTES && !in_hardirq());
}

/* -------- Bouncing ---------------------------------------------------- */

static void report_checksum(struct corcache_target *target, corcache_block_t block,
			    u64 cache_sector)
{
	struct corcache_cache *cache = target->cache;
	u64 sector = corcache_block_to_sector(&cache->geo, block);
	struct corcache_md_name name;

	corcache_stat_inc(cache, checksum_errors);
	trace_corcache_checksum_error(target->cache_dev->bdev->bd_dev, sector, cache_sector);
	DMWARN_LIMIT("%s: wrong checksum of sector %llu, at sector %llu of cache device %s: read from the origin again",
		     corcache_target_name(target, &name), sector, cache_sector,
		     target->cache_dev->name);
}

/* A block that is wrong on the device, if it is still the one we read. */
static void drop_block(struct corcache_target *target, struct bio *bio,
		       corcache_block_t block, blk_status_t status)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u32 bit = corcache_block_bit(geo, block);
	corcache_region_t region;
	struct corcache_io *io = corcache_io(bio);
	bool dropped = false;
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	region = corcache_block_to_region(geo, block);
	if (cache->index[from_region(region)] == slot_to_entry(io->slot) &&
	    cache->slots[from_slot(io->slot)].stamp <= io->retire_seq)
		dropped = __corcache_index_drop(cache, io->slot, 1ULL << bit);
	spin_unlock_irqrestore(&cache->lock, flags);

	/* several readers may have found it at the same time: count one error */
	if (!dropped)
		return;
	corcache_mode_error(cache, status ? CORCACHE_ERROR_READ : CORCACHE_ERROR_CHECKSUM,
			    io->slot, status);
	if (!status)
		report_checksum(target, block, corcache_slot_to_sector(geo, io->slot, bit));
}

/* How many blocks, from the first on, are what the origin delivered? */
static u32 good_blocks(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u32 i, *crc;

	if (!cache->crc)
		return x->nr_blocks;
	crc = first_crc(cache, corcache_io(x->bio)->slot, x->block);
	for (i = 0; i < x->nr_blocks; i++) {
		corcache_block_t block = block_add(x->block, i);
		u32 offset = corcache_whole_sectors(geo, i) << SECTOR_SHIFT;
		u32 bytes = corcache_blocks_sectors(geo, block, 1) << SECTOR_SHIFT;

		if (corcache_xfer_crc(x, block, offset, bytes) != READ_ONCE(crc[i]))
			break;
	}
	return i;
}

/* Give the reader what lies in the first @blocks; return: is there more? */
static bool answer_from_bounce(struct corcache_xfer *x, u32 blocks)
{
	struct bio *bio = x->bio;
	u64 start = bio->bi_iter.bi_sector;
	u64 end = min(x->sector + corcache_blocks_sectors(&x->target->cache->geo,
							  x->block, blocks),
		      corcache_bio_end(bio));
	u32 bytes = (end - start) << SECTOR_SHIFT;

	corcache_xfer_copy(x, (start - x->sector) << SECTOR_SHIFT, bio, bytes);
	bio_advance(bio, bytes);
	corcache_stat_add(x->target->cache, hit_bytes, bytes);
	return bio_sectors(bio);
}

static void bounce_failed(struct corcache_xfer *x)
{
	struct corcache_io *io = corcache_io(x->bio);

	if (corcache_mode_try_again(x->status))
		io->no_room++;
	else if (x->nr_blocks > 1)
		io->single = true;
	else
		drop_block(x->target, x->bio, x->block, x->status);
}

/*
 * A wrong block is dropped when it is the first; any other is the first of the
 * next round.  Return: is there more to be answered?
 */
static bool verify_bounce(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;
	struct corcache_io *io = corcache_io(x->bio);
	u32 slots = corcache_regions_touched(&cache->geo, x->block, x->nr_blocks);
	u32 good;

	if (x->status) {
		bounce_failed(x);
		return true;
	}
	good = good_blocks(x);
	if (corcache_index_retired(cache, io->retire_seq, io->slot, slots))
		return true;
	if (good)
		return answer_from_bounce(x, good);
	drop_block(x->target, x->bio, x->block, BLK_STS_OK);
	return true;
}

/* Runs in corcache_wq. */
static void verify_bounce_work(struct work_struct *work)
{
	struct corcache_xfer *x = container_of(work, struct corcache_xfer, work);
	struct corcache_cache *cache = x->target->cache;
	struct bio *bio = x->bio;
	bool more = verify_bounce(x);

	corcache_xfer_put(x);
	if (!more)
		corcache_stat_inc(cache, hits);
	corcache_route_again(bio);
}

static void bounce_done(struct corcache_xfer *x)
{
	INIT_WORK(&x->work, verify_bounce_work);
	queue_work(corcache_wq, &x->work);
}

bool corcache_hit_bounce(struct corcache_target *target, struct bio *bio,
			 u32 run, gfp_t gfp)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	struct corcache_io *io = corcache_io(bio);
	corcache_block_t block = corcache_sector_to_block(geo, bio->bi_iter.bi_sector);
	u32 want = corcache_bio_blocks(geo, bio);
	u32 most = max(BOUNCE_SECTORS >> geo->block_shift, 1U);
	struct corcache_xfer *x;

	run = io->single ? 1 : min3(run, want, most);
	x = corcache_xfer_get(target, CORCACHE_XFER_BOUNCE, block, run, gfp);
	if (!x)
		return false;
	/* from a worker: this is not the first attempt */
	if (gfpflags_allow_blocking(gfp))
		corcache_stat_inc(cache, reverified);
	/* the last block of the origin was written whole */
	x->sectors = round_up(x->sectors, target->cache_lbs);
	x->bio = bio;
	x->done = bounce_done;
	corcache_xfer_read(x, cache->bdev,
			   corcache_slot_to_sector(geo, io->slot,
						   corcache_block_bit(geo, block)));
	return true;
}

/* -------- The end of a hit -------------------------------------------- */

/*
 * That a device has no room at this moment is no error.  It is the answer to a
 * submitter that asked not to wait and is called back here, in the task that
 * submits, to try again.  In another task it would reach the reader as an error.
 */
static bool may_try_again(struct bio *bio, blk_status_t error)
{
	return error == BLK_STS_AGAIN && (bio->bi_opf & REQ_NOWAIT) &&
	       in_task() && !(current->flags & PF_KTHREAD);
}

static int verify_later(struct corcache_target *target, struct corcache_io *io)
{
	io->target = target;
	INIT_WORK(&io->work, verify_work);
	queue_work(corcache_wq, &io->work);
	return DM_ENDIO_INCOMPLETE;
}

int corcache_hit_verify(struct corcache_target *target, struct bio *bio,
			struct corcache_io *io, blk_status_t error)
{
	struct corcache_cache *cache = target->cache;

	if (unlikely(error)) {
		if (may_try_again(bio, error)) {
			corcache_stat_inc(cache, would_block);
			return DM_ENDIO_DONE;
		}
		redrive(target, bio);
		return DM_ENDIO_INCOMPLETE;
	}
	if (!may_verify_here(cache, io->iter.bi_size))
		return verify_later(target, io);
	if (unlikely(!is_fine(cache, bio, io))) {
		redrive(target, bio);
		return DM_ENDIO_INCOMPLETE;
	}
	corcache_stat_inc(cache, hits);
	corcache_stat_add(cache, hit_bytes, io->iter.bi_size);
	return DM_ENDIO_DONE;
}

/* -------- Mapping ----------------------------------------------------- */

/*
 * A cache device with larger sectors than the origin wants all pieces to be
 * whole, and where they lie in memory is the reader's choice.
 */
static bool vectors_fit(struct corcache_target *target, struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec bv;

	if (likely(!target->check_vectors))
		return true;
	bio_for_each_bvec(bv, bio, iter)
		if ((bv.bv_len | bv.bv_offset) & target->vector_mask)
			return false;
	return true;
}

/*
 * How much of the first @end - @start sectors can go down as it is: whole
 * blocks, which can be verified, or the tail of the origin; without checksums,
 * whole sectors of the cache device.
 */
static u32 direct_sectors(struct corcache_target *target, u64 start, u64 end)
{
	u32 unit = target->direct_sectors;
	u64 whole = round_down(end, unit);

	if (start & (unit - 1))
		return 0;
	if (end == target->ti->len && target->tail_direct)
		whole = end;
	return whole > start ? whole - start : 0;
}

int corcache_hit_map(struct corcache_target *target, struct bio *bio, u32 run)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	struct corcache_io *io = corcache_io(bio);
	u64 start = bio->bi_iter.bi_sector;
	corcache_block_t block = corcache_sector_to_block(geo, start);
	u64 end = min(corcache_bio_end(bio),
		      corcache_block_to_sector(geo, block_add(block, run)));
	u32 direct = direct_sectors(target, start, end);

	/* a bio that asks not to wait is not answered in parts, some of them later */
	if (corcache_bio_nowait(bio) &&
	    (direct < bio_sectors(bio) || !vectors_fit(target, bio)))
		return -EAGAIN;
	/* a short one that is not aligned at its end: one bounce, not two bios */
	if (direct < end - start && end - start <= BOUNCE_SECTORS)
		direct = 0;
	corcache_policy_touch(target->cache->visited, from_slot(io->slot),
			      corcache_regions_touched(geo, block, run));
	if (likely(direct)) {
		if (direct < bio_sectors(bio))
			corcache_bio_cut(target, bio, direct);
		if (likely(vectors_fit(target, bio))) {
			corcache_hit_send_down(target, bio, io, io->slot, io->retire_seq);
			return DM_MAPIO_REMAPPED;
		}
		end = start + direct;
	} else if (end - start > BOUNCE_SECTORS) {
		/* up to where the rest is aligned */
		end = corcache_block_to_sector(geo, block_add(block, 1));
	}
	if (end < corcache_bio_end(bio))
		corcache_bio_cut(target, bio, end - start);
	if (!corcache_hit_bounce(target, bio, run, GFP_NOWAIT))
		corcache_route_again(bio);
	return DM_MAPIO_SUBMITTED;
}
