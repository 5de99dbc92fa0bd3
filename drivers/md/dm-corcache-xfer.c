// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache xfer: a read into pages of our own.
 *
 * Owns the memory and the bios of transfers, and the two spare ones of each
 * target.  A transfer is one allocation (struct, bios, vectors, per block and
 * per region fields) and single pages, those of earlier ones if there are any.
 * In map it is made with GFP_NOWAIT or not at all; in a worker it may reclaim,
 * and falls back to the spare transfer of its device, so that with no memory at
 * all reads go on, one by one.  The two devices have one each: a stalled origin
 * must not keep hits waiting.
 */
#include <linux/crc32c.h>
#include <linux/highmem.h>

#include "dm-corcache-index.h"
#include "dm-corcache-park.h"
#include "dm-corcache-route.h"
#include "dm-corcache-xfer.h"

/* Most that is read from the cache device into own pages at a time. */
#define BOUNCING_BYTES	(32ULL << 20)

/* Bytes that one of the embedded bios covers. */
#define BIO_SPAN	((u32)(BIO_MAX_VECS * PAGE_SIZE))

u32 corcache_xfer_reserve_bytes(const struct corcache_geometry *geo)
{
	return max_t(u32, geo->block_sectors << SECTOR_SHIFT, SZ_64K);
}

static void free_xfer(struct corcache_target *target, struct corcache_xfer *x)
{
	corcache_pages_give(&target->pages, x->vecs, x->nr_pages);
	kfree(x);
}

/*
 * All vectors are whole pages, for good: a write takes more of them than the
 * read did where the origin ends within a block.
 */
static bool find_pages(struct corcache_target *target, struct corcache_xfer *x,
		       u32 pages, gfp_t gfp)
{
	u32 i;

	x->nr_pages = corcache_pages_take(&target->pages, x->vecs, pages);
	for (; x->nr_pages < pages; x->nr_pages++) {
		struct page *page = alloc_page(gfp);

		if (!page)
			return false;
		x->vecs[x->nr_pages].bv_page = page;
	}
	for (i = 0; i < pages; i++)
		x->vecs[i].bv_len = PAGE_SIZE;
	return true;
}

static struct corcache_xfer *alloc_xfer(struct corcache_target *target, u32 bytes,
					u32 blocks, u32 regions, gfp_t gfp)
{
	u32 pages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	u32 bios = DIV_ROUND_UP(pages, BIO_MAX_VECS);
	struct corcache_xfer *x;
	u32 i;

	x = kzalloc(sizeof(*x) + bios * sizeof(struct bio) +
		    pages * sizeof(struct bio_vec) +
		    (blocks + regions) * sizeof(u32), gfp);
	if (!x)
		return NULL;
	x->bios = (struct bio *)(x + 1);
	x->vecs = (struct bio_vec *)(x->bios + bios);
	x->crc = (u32 *)(x->vecs + pages);
	x->slot = x->crc + blocks;
	x->reserve = CORCACHE_RESERVES;
	/*
	 * All of them: where the origin ends early in a large block, some are
	 * never read with, but what they cover is written.
	 */
	for (i = 0; i < bios; i++)
		x->bios[i].bi_io_vec = x->vecs + i * BIO_MAX_VECS;
	if (!find_pages(target, x, pages, gfp)) {
		free_xfer(target, x);
		return NULL;
	}
	return x;
}

int corcache_xfer_alloc_reserves(struct corcache_target *target)
{
	u32 bytes = corcache_xfer_reserve_bytes(&target->cache->geo);
	u32 blocks = bytes >> SECTOR_SHIFT >> target->cache->geo.block_shift;
	unsigned int i;

	for (i = 0; i < CORCACHE_RESERVES; i++) {
		/* blocks may each lie in a region of their own */
		struct corcache_xfer *x = alloc_xfer(target, bytes, blocks, blocks,
						     GFP_KERNEL);

		if (!x)
			return -ENOMEM;
		x->reserve = i;
		target->reserve[i] = x;
	}
	return 0;
}

void corcache_xfer_free_reserves(struct corcache_target *target)
{
	unsigned int i;

	for (i = 0; i < CORCACHE_RESERVES; i++)
		if (target->reserve[i])
			free_xfer(target, target->reserve[i]);
}

static struct corcache_xfer *take_reserve(struct corcache_target *target,
					  enum corcache_xfer_kind kind)
{
	enum corcache_reserve i = kind == CORCACHE_XFER_BOUNCE ?
		CORCACHE_RESERVE_CACHE : CORCACHE_RESERVE_ORIGIN;
	struct corcache_xfer *x;

	spin_lock_irq(&target->lock);
	x = target->reserve[i];
	target->reserve[i] = NULL;
	spin_unlock_irq(&target->lock);
	return x;
}

void corcache_xfer_trim(struct corcache_xfer *x, u32 nr_blocks)
{
	const struct corcache_geometry *geo = &x->target->cache->geo;

	x->nr_blocks = nr_blocks;
	x->sectors = corcache_blocks_sectors(geo, x->block, nr_blocks);
	x->bytes = corcache_block_to_sector(geo, nr_blocks) << SECTOR_SHIFT;
}

static bool room_to_bounce(u64 bouncing_bytes, u32 bytes)
{
	return !bouncing_bytes || bouncing_bytes + bytes <= BOUNCING_BYTES;
}

/* No bounce is larger than the spare transfer: see corcache_hit_bounce(). */
bool __corcache_xfer_room_for_bounce(struct corcache_target *target, u32 granted)
{
	u64 most = corcache_xfer_reserve_bytes(&target->cache->geo);

	lockdep_assert_held(&target->lock);
	return room_to_bounce(target->bouncing_bytes + granted * most, most);
}

bool __corcache_xfer_may_bounce(struct corcache_target *target)
{
	return target->reserve[CORCACHE_RESERVE_CACHE] &&
	       __corcache_xfer_room_for_bounce(target, 0);
}

/* Count a transfer before it exists, so that a refusal costs nothing. */
static bool count_xfer(struct corcache_target *target, u32 bounce_bytes)
{
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&target->lock, flags);
	fits = !bounce_bytes || room_to_bounce(target->bouncing_bytes, bounce_bytes);
	if (fits) {
		target->bouncing_bytes += bounce_bytes;
		/* read without the lock by who waits for 0, and by status */
		WRITE_ONCE(target->xfers, target->xfers + 1);
	}
	spin_unlock_irqrestore(&target->lock, flags);
	return fits;
}

/* The destructor waits for the last one: without the lock, target may be gone. */
static void __uncount_xfer(struct corcache_target *target, u32 bounce_bytes)
{
	target->bouncing_bytes -= bounce_bytes;
	WRITE_ONCE(target->xfers, target->xfers - 1);
	if (!target->xfers)
		wake_up_all(&target->wait);
}

static void uncount_xfer(struct corcache_target *target, u32 bounce_bytes)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	__uncount_xfer(target, bounce_bytes);
	spin_unlock_irqrestore(&target->lock, flags);
}

/* The allocation of corcache_xfer_get(); shortens @nr_blocks for the spare one. */
static struct corcache_xfer *find_xfer(struct corcache_target *target,
				       enum corcache_xfer_kind kind, u64 block,
				       u32 *nr_blocks, gfp_t gfp)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	struct corcache_xfer *x;

	x = alloc_xfer(target, corcache_block_to_sector(geo, *nr_blocks) << SECTOR_SHIFT,
		       *nr_blocks, corcache_regions_touched(geo, block, *nr_blocks),
		       gfp | __GFP_NOWARN | __GFP_NORETRY);
	if (x || !gfpflags_allow_blocking(gfp))
		return x;
	x = take_reserve(target, kind);
	*nr_blocks = min_t(u32, *nr_blocks, corcache_xfer_reserve_bytes(geo) >>
			   SECTOR_SHIFT >> geo->block_shift);
	return x;
}

struct corcache_xfer *corcache_xfer_get(struct corcache_target *target,
					enum corcache_xfer_kind kind, u64 block,
					u32 nr_blocks, gfp_t gfp)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	struct corcache_xfer *x;
	u32 bounce_bytes = 0;

	nr_blocks = min(nr_blocks, corcache_xfer_most(geo));
	if (kind == CORCACHE_XFER_BOUNCE)
		bounce_bytes = round_up(corcache_block_to_sector(geo, nr_blocks) << SECTOR_SHIFT,
					PAGE_SIZE);
	if (!count_xfer(target, bounce_bytes))
		return NULL;
	x = find_xfer(target, kind, block, &nr_blocks, gfp);
	if (!x) {
		uncount_xfer(target, bounce_bytes);
		return NULL;
	}
	x->bounce_bytes = bounce_bytes;
	x->target = target;
	x->kind = kind;
	x->block = block;
	x->sector = corcache_block_to_sector(geo, block);
	corcache_xfer_trim(x, nr_blocks);
	x->held_bytes = x->nr_pages << PAGE_SHIFT;
	x->nr_waiters = 0;
	x->status = BLK_STS_OK;
	x->delivered = false;
	x->bio = NULL;
	bio_list_init(&x->waiters);
	INIT_LIST_HEAD(&x->reading);
	INIT_LIST_HEAD(&x->held);
	RB_CLEAR_NODE(&x->node);
	refcount_set(&x->refs, 1);
	return x;
}

void corcache_xfer_put(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	enum corcache_reserve reserve = x->reserve;
	u32 bounce_bytes = x->bounce_bytes;
	unsigned long flags;

	if (reserve == CORCACHE_RESERVES)
		free_xfer(target, x);

	spin_lock_irqsave(&target->lock, flags);
	if (reserve != CORCACHE_RESERVES)
		target->reserve[reserve] = x;
	__uncount_xfer(target, bounce_bytes);
	if (bounce_bytes)
		__corcache_route_kick_starved(target);
	if (reserve == CORCACHE_RESERVE_ORIGIN)
		__corcache_park_kick(target);
	spin_unlock_irqrestore(&target->lock, flags);
}

void corcache_xfer_put_pending(struct corcache_xfer *x)
{
	if (atomic_dec_and_test(&x->pending))
		x->done(x);
}

static void read_endio(struct bio *bio)
{
	struct corcache_xfer *x = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(x->status, bio->bi_status);
	corcache_xfer_put_pending(x);
}

/* bi_size says how much of the pages is wanted. */
static void init_bio(struct corcache_xfer *x, u32 i, struct block_device *bdev,
		     u64 sector, u32 bytes)
{
	struct bio_vec *vecs = x->vecs + i * BIO_MAX_VECS;
	u32 pages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	struct bio *bio = &x->bios[i];
	u32 j;

	bio_init(bio, bdev, vecs, pages, REQ_OP_READ);
	for (j = 0; j < pages; j++)
		__bio_add_page(bio, vecs[j].bv_page, PAGE_SIZE, 0);
	bio->bi_iter.bi_size = bytes;
	bio->bi_iter.bi_sector = sector;
	bio->bi_private = x;
	bio->bi_end_io = read_endio;
}

static void zero_tail(struct corcache_xfer *x)
{
	u32 offset = x->sectors << SECTOR_SHIFT;

	while (offset < x->bytes) {
		u32 n = min_t(u32, x->bytes - offset, PAGE_SIZE - offset_in_page(offset));

		memzero_page(x->vecs[offset >> PAGE_SHIFT].bv_page,
			     offset_in_page(offset), n);
		offset += n;
	}
}

void corcache_xfer_read(struct corcache_xfer *x, struct block_device *bdev,
			u64 sector)
{
	u32 bytes = x->sectors << SECTOR_SHIFT;
	u32 i, nr = DIV_ROUND_UP(bytes, BIO_SPAN);

	zero_tail(x);
	atomic_set(&x->pending, nr);
	for (i = 0; i < nr; i++)
		init_bio(x, i, bdev, sector + i * (BIO_SPAN >> SECTOR_SHIFT),
			 min(bytes - i * BIO_SPAN, BIO_SPAN));
	/* when the last one has ended, x may be gone */
	for (i = 0; i < nr; i++)
		submit_bio(&x->bios[i]);
}

static void write_endio(struct bio *bio)
{
	struct corcache_xfer *x = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(x->status, bio->bi_status);
	bio_put(bio);
	corcache_xfer_put_pending(x);
}

bool corcache_xfer_write(struct corcache_xfer *x, struct block_device *bdev,
			 u64 sector, u32 offset, u32 bytes)
{
	while (bytes) {
		u32 i = offset / BIO_SPAN;
		u32 within = offset - i * BIO_SPAN;
		u32 n = min(bytes, BIO_SPAN - within);
		struct bio *src = &x->bios[i];
		struct bio *bio;

		/* as before it was read, and whole pages of it */
		src->bi_iter = (struct bvec_iter) {
			.bi_size = min(x->bytes - i * BIO_SPAN, BIO_SPAN),
		};
		bio = bio_alloc_clone(bdev, src, GFP_NOWAIT | __GFP_NOWARN,
				      &x->target->cache->bios);
		if (!bio)
			return false;
		bio_advance(bio, within);
		bio->bi_iter.bi_size = n;
		bio->bi_iter.bi_sector = sector;
		bio->bi_opf = REQ_OP_WRITE;
		bio->bi_private = x;
		bio->bi_end_io = write_endio;
		atomic_inc(&x->pending);
		submit_bio(bio);

		offset += n;
		bytes -= n;
		sector += n >> SECTOR_SHIFT;
	}
	return true;
}

void corcache_xfer_copy(struct corcache_xfer *x, u32 offset, struct bio *bio,
			u32 bytes)
{
	struct bvec_iter iter = bio->bi_iter;

	while (bytes) {
		struct bio_vec to = bio_iter_iovec(bio, iter);
		struct page *from = x->vecs[offset >> PAGE_SHIFT].bv_page;
		u32 n = min3(bytes, to.bv_len,
			     (u32)(PAGE_SIZE - offset_in_page(offset)));

		memcpy_page(to.bv_page, to.bv_offset, from, offset_in_page(offset), n);
		flush_dcache_page(to.bv_page);
		bio_advance_iter_single(bio, &iter, n);
		offset += n;
		bytes -= n;
	}
}

u32 corcache_xfer_crc(struct corcache_xfer *x, u64 block, u32 offset, u32 bytes)
{
	u32 crc = corcache_block_seed(block);

	while (bytes) {
		u32 n = min_t(u32, bytes, PAGE_SIZE - offset_in_page(offset));
		void *p = kmap_local_page(x->vecs[offset >> PAGE_SHIFT].bv_page);

		crc = crc32c(crc, p + offset_in_page(offset), n);
		kunmap_local(p);
		offset += n;
		bytes -= n;
	}
	return ~crc;
}
