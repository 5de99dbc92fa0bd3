// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache xfer: a read into pages of the target's own.
 *
 * Owns struct corcache_xfers: the memory and the bios of transfers, and the two
 * spare ones of each target.  A transfer is one allocation (struct, bios, vectors, per block and
 * per region fields) and single pages, those of earlier ones if there are any.
 * In map it is made with GFP_NOWAIT or not at all; in a worker it may reclaim,
 * and falls back to the spare transfer of its device, so that with no memory at
 * all reads go on, one by one.  The two devices have one each: a stalled origin
 * must not keep hits waiting.
 *
 * Owns the budgets, too, by which the pages of all tables' transfers together are
 * bounded.  No table waits for memory that another one holds, which may be for
 * ever: a worker that is refused takes the spare transfer, or, if it reads the
 * origin and has other reads under way, leaves it at that and is queued again by
 * the end of one of them.  (What comes in the spare one is not inserted.)
 *
 *   worker				end of another transfer of the table
 *   ------				------------------------------------
 *   the bio is in the list		1  give it back, under budget_lock
 *   A  refused, under budget_lock	2  any in the list?  queue the worker:
 *   B  some are held, by the table	   under target->lock
 *   C  return
 *
 * If B sees what 1 gives back, 1 comes after B, and 2, which is after 1, queues
 * the worker again although it runs.  If B does not see it, and nothing else, the
 * spare one is taken, whose end queues the worker as well.  What map takes and
 * gives back because it has no memory, or no use for it, goes the way of 1 and 2.
 */
#include <linux/crc32c.h>
#include <linux/highmem.h>
#include <linux/sizes.h>

#include "deferred.h"
#include "pages.h"
#include "xfer.h"

/* Bytes that one of the embedded bios covers. */
#define BIO_SPAN	((u32)(BIO_MAX_VECS * PAGE_SIZE))

/*
 * Of all tables together 256 MiB: these, the stack of unused pages, and 24 MiB,
 * which is what the spare transfers of 192 tables with blocks of at most 64 KiB
 * take.  What is not shared is one largest transfer for each of 56, or 40, tables.
 */
static struct corcache_budget budgets[CORCACHE_MEMORIES] = {
	[CORCACHE_MEMORY_READ] = { .most = 96 * SZ_1M, .shared_most = 40 * SZ_1M },
	[CORCACHE_MEMORY_INSERT] = { .most = 80 * SZ_1M, .shared_most = 40 * SZ_1M },
	[CORCACHE_MEMORY_BOUNCE] = { .most = 48 * SZ_1M, .shared_most = 40 * SZ_1M },
};

/* Guards them, and all tables' shares; nothing is taken inside it. */
static DEFINE_SPINLOCK(budget_lock);

static u32 reserve_bytes(const struct corcache_geometry *geo)
{
	return max_t(u32, geo->block_sectors << SECTOR_SHIFT, SZ_64K);
}

static void free_xfer(struct corcache_xfer *x)
{
	corcache_pages_give(x->vecs, x->nr_pages);
	kfree(x);
}

/*
 * All vectors are whole pages, for good: a write takes more of them than the
 * read did where the origin ends within a block.
 */
static bool take_pages(struct corcache_xfer *x, u32 pages, gfp_t gfp)
{
	u32 i;

	x->nr_pages = corcache_pages_take(x->vecs, pages);
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

static struct corcache_xfer *alloc_xfer(u32 bytes, u32 blocks, u32 regions, gfp_t gfp)
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
	x->slot = (corcache_slot_t *)(x->crc + blocks);
	x->reserve = CORCACHE_RESERVES;
	x->memory = CORCACHE_MEMORIES;
	/*
	 * All of them: where the origin ends early in a large block, some are
	 * never read with, but what they cover is written.
	 */
	for (i = 0; i < bios; i++)
		x->bios[i].bi_io_vec = x->vecs + i * BIO_MAX_VECS;
	if (!take_pages(x, pages, gfp)) {
		free_xfer(x);
		return NULL;
	}
	return x;
}

static int alloc_reserves(struct corcache_target *target)
{
	u32 bytes = reserve_bytes(&target->cache->geo);
	u32 blocks = bytes >> SECTOR_SHIFT >> target->cache->geo.block_shift;
	unsigned int i;

	for (i = 0; i < CORCACHE_RESERVES; i++) {
		/* blocks may each lie in a region of their own */
		struct corcache_xfer *x = alloc_xfer(bytes, blocks, blocks, GFP_KERNEL);

		if (!x)
			return -ENOMEM;
		x->reserve = i;
		target->xfers.reserve[i] = x;
	}
	return 0;
}

/* What the pages for @nr blocks take. */
static u32 page_bytes(const struct corcache_geometry *geo, u32 nr)
{
	return round_up(corcache_whole_sectors(geo, nr) << SECTOR_SHIFT, PAGE_SIZE);
}

int corcache_xfer_init(struct corcache_target *target)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	struct corcache_share *share = target->xfers.share;

	/* the largest that there are: see corcache_hit_bounce() for bounces */
	share[CORCACHE_MEMORY_READ].own = page_bytes(geo, corcache_xfer_most(geo));
	share[CORCACHE_MEMORY_INSERT].own = page_bytes(geo, corcache_xfer_most(geo));
	share[CORCACHE_MEMORY_BOUNCE].own = round_up(reserve_bytes(geo), PAGE_SIZE);
	return alloc_reserves(target);
}

void corcache_xfer_exit(struct corcache_target *target)
{
	unsigned int i;

	for (i = 0; i < CORCACHE_RESERVES; i++)
		if (target->xfers.reserve[i])
			free_xfer(target->xfers.reserve[i]);
}

/* -------- Budgets ------------------------------------------------------ */

static bool take_memory(struct corcache_target *target, enum corcache_memory memory, u32 bytes)
{
	unsigned long flags;
	bool may;

	spin_lock_irqsave(&budget_lock, flags);
	may = corcache_budget_take(&budgets[memory], &target->xfers.share[memory], bytes);
	spin_unlock_irqrestore(&budget_lock, flags);
	return may;
}

static void give_memory(struct corcache_target *target, enum corcache_memory memory, u32 bytes)
{
	unsigned long flags;

	spin_lock_irqsave(&budget_lock, flags);
	corcache_budget_give(&budgets[memory], &target->xfers.share[memory], bytes);
	spin_unlock_irqrestore(&budget_lock, flags);
}

/* Step B. */
static bool reads_under_way(struct corcache_target *target)
{
	bool any;

	spin_lock_irq(&budget_lock);
	any = target->xfers.share[CORCACHE_MEMORY_READ].bytes;
	spin_unlock_irq(&budget_lock);
	return any;
}

bool __corcache_xfer_hold_for_insert(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	struct corcache_share *share = target->xfers.share;
	bool may;

	lockdep_assert_held(&target->lock);
	spin_lock(&budget_lock);
	may = corcache_budget_take(&budgets[CORCACHE_MEMORY_INSERT],
				   &share[CORCACHE_MEMORY_INSERT], x->held_bytes);
	if (may)
		corcache_budget_give(&budgets[x->memory], &share[x->memory], x->held_bytes);
	spin_unlock(&budget_lock);
	if (!may)
		return false;
	x->memory = CORCACHE_MEMORY_INSERT;
	__corcache_deferred_kick_origin(target);
	return true;
}

/* -------- Getting and putting ------------------------------------------ */

static struct corcache_xfer *take_reserve(struct corcache_target *target,
					  enum corcache_xfer_kind kind)
{
	enum corcache_reserve i = kind == CORCACHE_XFER_BOUNCE ?
		CORCACHE_RESERVE_CACHE : CORCACHE_RESERVE_ORIGIN;
	struct corcache_xfer *x;

	spin_lock_irq(&target->lock);
	x = target->xfers.reserve[i];
	target->xfers.reserve[i] = NULL;
	spin_unlock_irq(&target->lock);
	return x;
}

void corcache_xfer_trim(struct corcache_xfer *x, u32 nr_blocks)
{
	const struct corcache_geometry *geo = &x->target->cache->geo;

	x->nr_blocks = nr_blocks;
	x->sectors = corcache_blocks_sectors(geo, x->block, nr_blocks);
	x->bytes = corcache_whole_sectors(geo, nr_blocks) << SECTOR_SHIFT;
}

/* No bounce is larger than the spare transfer: see corcache_hit_bounce(). */
bool __corcache_xfer_may_bounce(struct corcache_target *target)
{
	lockdep_assert_held(&target->lock);
	return target->xfers.reserve[CORCACHE_RESERVE_CACHE];
}

static void count_xfer(struct corcache_target *target)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	/* read without the lock by the destructor, and by status */
	WRITE_ONCE(target->xfers.nr, target->xfers.nr + 1);
	spin_unlock_irqrestore(&target->lock, flags);
}

/* The destructor waits for the last one: without the lock, target may be gone. */
static void __uncount_xfer(struct corcache_target *target)
{
	lockdep_assert_held(&target->lock);
	WRITE_ONCE(target->xfers.nr, target->xfers.nr - 1);
	if (!target->xfers.nr)
		wake_up_all(&target->wait);
}

/* There is none.  A worker is not told to look again: it knows what it waits for. */
static void uncount_xfer(struct corcache_target *target, gfp_t gfp)
{
	unsigned long flags;

	spin_lock_irqsave(&target->lock, flags);
	if (!gfpflags_allow_blocking(gfp))
		__corcache_deferred_kick_origin(target);
	__uncount_xfer(target);
	spin_unlock_irqrestore(&target->lock, flags);
}

static struct corcache_xfer *alloc_within_budget(struct corcache_target *target,
						 enum corcache_memory memory,
						 corcache_block_t block, u32 nr_blocks, gfp_t gfp)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	u32 bytes = page_bytes(geo, nr_blocks);
	struct corcache_xfer *x;

	if (!take_memory(target, memory, bytes))
		return ERR_PTR(-EDQUOT);
	x = alloc_xfer(bytes, nr_blocks, corcache_regions_touched(geo, block, nr_blocks),
		       gfp | __GFP_NOWARN | __GFP_NORETRY);
	if (x)
		x->memory = memory;
	else
		give_memory(target, memory, bytes);
	return x;
}

/* The allocation of corcache_xfer_get(); shortens @nr_blocks for the spare one. */
static struct corcache_xfer *alloc_or_reserve(struct corcache_target *target,
					      enum corcache_xfer_kind kind,
					      corcache_block_t block, u32 *nr_blocks,
					      gfp_t gfp)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	enum corcache_memory memory = kind == CORCACHE_XFER_BOUNCE ?
		CORCACHE_MEMORY_BOUNCE : CORCACHE_MEMORY_READ;
	struct corcache_xfer *x = alloc_within_budget(target, memory, block, *nr_blocks, gfp);

	if (!IS_ERR_OR_NULL(x))
		return x;
	if (!gfpflags_allow_blocking(gfp) ||
	    (x && memory == CORCACHE_MEMORY_READ && reads_under_way(target)))
		return NULL;
	x = take_reserve(target, kind);
	*nr_blocks = min_t(u32, *nr_blocks, reserve_bytes(geo) >>
			   SECTOR_SHIFT >> geo->block_shift);
	return x;
}

struct corcache_xfer *corcache_xfer_get(struct corcache_target *target,
					enum corcache_xfer_kind kind,
					corcache_block_t block, u32 nr_blocks, gfp_t gfp)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	struct corcache_xfer *x;

	nr_blocks = min(nr_blocks, corcache_xfer_most(geo));
	/* before it exists: so that the target stays */
	count_xfer(target);
	x = alloc_or_reserve(target, kind, block, &nr_blocks, gfp);
	if (!x) {
		uncount_xfer(target, gfp);
		return NULL;
	}
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
	INIT_LIST_HEAD(&x->waiting);
	RB_CLEAR_NODE(&x->node);
	refcount_set(&x->refs, 1);
	return x;
}

void corcache_xfer_put(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	enum corcache_reserve reserve = x->reserve;
	enum corcache_memory memory = x->memory;
	unsigned long flags;

	if (reserve == CORCACHE_RESERVES) {
		u32 bytes = x->held_bytes;

		free_xfer(x);
		give_memory(target, memory, bytes);
	}
	spin_lock_irqsave(&target->lock, flags);
	if (reserve != CORCACHE_RESERVES)
		target->xfers.reserve[reserve] = x;
	__uncount_xfer(target);
	if (memory == CORCACHE_MEMORY_BOUNCE || reserve == CORCACHE_RESERVE_CACHE)
		__corcache_deferred_kick_bounce(target);
	if (memory == CORCACHE_MEMORY_READ || reserve == CORCACHE_RESERVE_ORIGIN)
		__corcache_deferred_kick_origin(target);
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

u32 corcache_xfer_crc(struct corcache_xfer *x, corcache_block_t block, u32 offset,
		      u32 bytes)
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
