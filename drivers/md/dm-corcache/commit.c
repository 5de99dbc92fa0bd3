// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache commit: what was published and removed is made durable.
 *
 * Owns struct corcache_commit, and all writing of the region table once it is
 * loaded.  commit.mutex serialises commits; cache->lock is taken inside it, for
 * one table sector at a time.  Process context.
 *
 * A commit, in the order that a power cut at any point allows:
 *
 *   1. what is held now goes with this commit (corcache_index_hold_begin())
 *   2. build the images of a batch of changed sectors
 *   3. flush: the data of every bit in these images is durable
 *   4. write the images; next batch from 2
 *   5. flush: the images are durable
 *   6. what was held at 1 can be written again
 *
 * Images are built before the flush: a bit that is set between 2 and 3 may
 * stand for data that the flush did not reach.  It is in the next commit,
 * because publishing marks the sector dirty again.  Any mix of old and new
 * sectors is a valid table, so 4 may be cut short anywhere.
 *
 * Sectors are written in units of the device's physical block, whose neighbours a
 * device that has to read and write it as a whole could damage.
 *
 * Hints never cause a commit.  The last batch of one takes along some sectors in
 * which nothing but hints has changed; the last commit before the cache is let go
 * takes as many as it may.
 */
#include <linux/completion.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "break.h"
#include "commit.h"
#include "index.h"
#include "mode.h"
#include "trace.h"

/* Most that one bio takes, wherever in a page the images begin. */
#define BIO_SECTORS		SECTORS((BIO_MAX_VECS - 1) * PAGE_SIZE)

#define SECTORS(bytes)		((bytes) >> SECTOR_SHIFT)
/* Some devices give as their physical block what they like best: this is enough. */
#define UNIT_BYTES_MAX		4096U

/* Table sectors for their hints alone: in a commit, in the last one. */
#define HINT_MOST		64U
#define HINT_MOST_LAST		SECTORS(SZ_16M)
/* Groups of sectors that are looked at for that. */
#define HINT_LOOKS		256U
#define HINT_LOOKS_LAST		131072U

/* One batch: images in cache->commit.image, and which table sectors they are. */
struct corcache_batch {
	struct corcache_cache *cache;
	u32 unit;		/* table sectors that are written as one */
	u32 before;		/* sectors of the first unit that lie before the table */
	bool last;		/* hints are reason enough to write */
	u32 hints;		/* sectors that may still be written for their hints */
	u64 looks;		/* groups that may still be looked at for that */
	u64 next;		/* where the search for the next batch starts */
	u32 used;		/* images in cache->commit.image */
	u32 pieces;		/* on the device */
	atomic_t pending;
	int error;
	struct completion done;
	u32 most;		/* images that there is room for */
	u64 nr[];
};

static void put_slot(struct corcache_cache *cache, void *image, u32 i, u64 slot)
{
	struct corcache_slot *s = &cache->slots[slot];
	u32 *crc = NULL;

	if (!s->valid)
		return;
	if (cache->crc)
		crc = cache->crc + slot * cache->geo.region_blocks;
	corcache_table_put(&cache->super, image, i, s->region,
			   __corcache_index_hint(cache, to_slot(slot)), s->valid, crc);
}

static void build_image(struct corcache_cache *cache, u64 nr, void *image)
{
	struct corcache_geometry *geo = &cache->geo;
	u64 slot = nr * geo->sector_entries;
	u32 i;

	corcache_table_begin(&cache->super, image, nr);
	spin_lock_irq(&cache->lock);
	__corcache_index_take_dirty(cache, nr);
	for (i = 0; i < geo->sector_entries && slot < geo->nr_slots; i++, slot++)
		put_slot(cache, image, i, slot);
	spin_unlock_irq(&cache->lock);
	corcache_table_seal(image);
}

/* -------- What is written ------------------------------------------------ */

static u64 unit_start(const struct corcache_batch *b, u64 nr)
{
	u64 start = round_down(nr + b->before, b->unit);

	return start > b->before ? start - b->before : 0;
}

static u64 unit_end(const struct corcache_batch *b, u64 nr)
{
	return min(round_down(nr + b->before, b->unit) + b->unit - b->before,
		   b->cache->geo.table_sectors);
}

static bool batch_has_room(const struct corcache_batch *b, u32 sectors)
{
	return b->used + sectors <= b->most && b->pieces < CORCACHE_BATCH_PIECES;
}

/* The images of all that is written together with @nr.  Return: what follows it. */
static u64 add_unit(struct corcache_batch *b, u64 nr)
{
	u64 end = unit_end(b, nr);

	nr = unit_start(b, nr);
	b->pieces += !b->used || b->nr[b->used - 1] + 1 != nr;
	for (; nr < end; nr++, b->used++) {
		b->nr[b->used] = nr;
		build_image(b->cache, nr,
			    b->cache->commit.image + ((size_t)b->used << SECTOR_SHIFT));
	}
	return end;
}

static void add_dirty(struct corcache_batch *b)
{
	struct corcache_cache *cache = b->cache;
	u64 sectors = cache->geo.table_sectors;

	while (batch_has_room(b, b->unit)) {
		/*
		 * Searched without the lock that its writers hold.  A bit that
		 * is set just now and missed may wait; one that is found is
		 * taken, or found gone, under the lock.  Nobody else clears.
		 */
		u64 nr = data_race(find_next_bit(cache->dirty_map, sectors, b->next));

		if (nr >= sectors) {
			b->next = sectors;
			break;
		}
		b->next = add_unit(b, nr);
		cond_resched();
	}
}

/*
 * Has this commit taken any sector from @start to before @end?  It must not be in a
 * batch a second time, with a newer image: which of the two arrives last is not known.
 */
static bool is_taken(const struct corcache_batch *b, u64 start, u64 end)
{
	return find_next_bit(b->cache->dirty_commit_map, end, start) < end;
}

static void add_group(struct corcache_batch *b, u64 group)
{
	u64 nr = group * CORCACHE_HINT_SECTORS, end = nr + CORCACHE_HINT_SECTORS;

	if (!corcache_index_hints_changed(b->cache, group))
		return;
	/* what this commit has taken already has its hints */
	while (nr < end)
		nr = is_taken(b, unit_start(b, nr), unit_end(b, nr)) ? unit_end(b, nr) :
								       add_unit(b, nr);
	b->hints -= min(b->hints, CORCACHE_HINT_SECTORS);
}

static void add_hints(struct corcache_batch *b)
{
	struct corcache_commit *commit = &b->cache->commit;
	u64 groups = b->cache->geo.table_sectors / CORCACHE_HINT_SECTORS;

	for (; b->hints && b->looks && batch_has_room(b, CORCACHE_HINT_SECTORS + 2 * b->unit);
	     b->looks--) {
		if (commit->hint_hand >= groups)
			commit->hint_hand = 0;
		add_group(b, commit->hint_hand++);
		cond_resched();
	}
}

/* Step 2.  Return: false if nothing is left. */
static bool build_batch(struct corcache_batch *b)
{
	b->used = 0;
	b->pieces = 0;
	add_dirty(b);
	if (b->used || b->last)
		add_hints(b);
	return b->used;
}

/* -------- Writing it ----------------------------------------------------- */

static void put_pending(struct corcache_batch *b)
{
	if (atomic_dec_and_test(&b->pending))
		complete(&b->done);
}

static void batch_endio(struct bio *bio)
{
	struct corcache_batch *b = bio->bi_private;

	if (bio->bi_status)
		WRITE_ONCE(b->error, blk_status_to_errno(bio->bi_status));
	bio_put(bio);
	put_pending(b);
}

/* How many images from @i on are neighbours on the device, and fit into one bio? */
static u32 neighbours(const struct corcache_batch *b, u32 i)
{
	u32 n = 1;

	while (i + n < b->used && n < BIO_SECTORS && b->nr[i + n] == b->nr[i] + n)
		n++;
	return n;
}

/* Step 4. */
static int write_batch(struct corcache_batch *b)
{
	struct corcache_cache *cache = b->cache;
	struct blk_plug plug;
	u32 i, n;

	atomic_set(&b->pending, 1);
	b->error = 0;
	reinit_completion(&b->done);

	blk_start_plug(&plug);
	for (i = 0; i < b->used; i += n) {
		struct bio *bio;

		n = neighbours(b, i);
		bio = bio_alloc_bioset(cache->bdev,
				       bio_max_segs(((n << SECTOR_SHIFT) >> PAGE_SHIFT) + 2),
				       REQ_OP_WRITE | REQ_META | REQ_SYNC, GFP_NOIO, &cache->bios);
		bio->bi_iter.bi_sector = cache->geo.table_start + b->nr[i];
		bio->bi_private = b;
		bio->bi_end_io = batch_endio;
		atomic_inc(&b->pending);
		if (WARN_ON_ONCE(!bio_add_vmalloc(bio, cache->commit.image +
						  ((size_t)i << SECTOR_SHIFT),
						  n << SECTOR_SHIFT))) {
			bio->bi_status = BLK_STS_IOERR;
			batch_endio(bio);
			continue;
		}
		submit_bio(bio);
	}
	blk_finish_plug(&plug);
	put_pending(b);
	wait_for_completion_io(&b->done);
	return b->error;
}

/* Step 3.  Return: as blkdev_issue_flush(). */
static int flush_data(struct corcache_cache *cache)
{
	if (corcache_breaks(CORCACHE_BREAK_FLUSH))
		return 0;
	return blkdev_issue_flush(cache->bdev);
}

/* Steps 2 and 3.  Return: 1, 0 if nothing is left, or an error. */
static int prepare_batch(struct corcache_cache *cache, struct corcache_batch *b)
{
	int r;

	if (corcache_breaks(CORCACHE_BREAK_IMAGES)) {
		r = flush_data(cache);
		return r ?: build_batch(b);
	}
	if (!build_batch(b))
		return 0;
	r = flush_data(cache);
	return r ?: 1;
}

static int commit_batches(struct corcache_cache *cache, struct corcache_batch *b)
{
	u64 written = 0;
	int r;

	while ((r = prepare_batch(cache, b)) > 0) {
		r = write_batch(b);
		if (r)
			return r;
		written += b->used;
	}
	if (r || !written)
		return r;
	if (!corcache_breaks(CORCACHE_BREAK_COMMIT))
		r = blkdev_issue_flush(cache->bdev);
	if (!r) {
		corcache_stat_inc(cache, commits);
		trace_corcache_commit(cache->bdev->bd_dev, written);
	}
	return r;
}

/*
 * For want of memory it is no device that has failed: the next commit may have
 * some.  Else the mode says that it failed.
 */
static int commit_failed(struct corcache_cache *cache, int error)
{
	if (!corcache_breaks(CORCACHE_BREAK_AGAIN))
		corcache_index_commit_failed(cache);
	if (error == -ENOMEM || error == -EAGAIN)
		return -ENOMEM;
	corcache_mode_commit_failed(cache, error);
	return -EIO;
}

static void begin_batches(struct corcache_batch *b, struct corcache_cache *cache, bool last)
{
	struct block_device *bdev = cache->bdev;
	u32 physical = min(bdev_physical_block_size(bdev), UNIT_BYTES_MAX);
	/* where the first whole block begins; negative if that is not known */
	int offset = max(bdev_alignment_offset(bdev), 0);
	u64 groups = cache->geo.table_sectors / CORCACHE_HINT_SECTORS;

	b->cache = cache;
	/* at least what a 4Kn device takes */
	b->unit = SECTORS(max(bdev_logical_block_size(bdev), physical));
	b->before = (cache->geo.table_start - SECTORS(offset)) & (b->unit - 1);
	b->last = last;
	b->hints = last ? HINT_MOST_LAST : HINT_MOST;
	b->looks = min_t(u64, groups, last ? HINT_LOOKS_LAST : HINT_LOOKS);
	b->next = 0;
}

static int commit_locked(struct corcache_cache *cache, struct corcache_batch *b, bool last)
{
	bool held;
	int r;

	if (corcache_index_commits_paused())
		return -EBUSY;
	begin_batches(b, cache, last);
	held = corcache_index_hold_begin(cache);
	r = commit_batches(cache, b);
	if (r)
		return commit_failed(cache, r);
	corcache_index_dirty_end(cache);
	if (held)
		corcache_index_hold_end(cache);
	return 0;
}

/* Return: is it one that a shutdown waits for? */
static bool begin_commit(struct corcache_cache *cache)
{
	bool awaited;

	spin_lock_irq(&cache->lock);
	cache->commit.begun++;
	awaited = cache->commit.ended < cache->commit.awaited;
	spin_unlock_irq(&cache->lock);
	return awaited;
}

static void end_commit(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	cache->commit.ended++;
	if (cache->owner)
		corcache_kick_insert(cache->owner);
	spin_unlock_irq(&cache->lock);
	wake_up(&cache->wait);
}

static int commit_and_unlock(struct corcache_cache *cache, bool last)
{
	int r = -EIO;

	lockdep_assert_held(&cache->commit.mutex);
	last |= begin_commit(cache);
	if (READ_ONCE(cache->mode) == CORCACHE_ACTIVE)
		r = commit_locked(cache, cache->commit.batch, last);
	end_commit(cache);
	mutex_unlock(&cache->commit.mutex);
	return r;
}

int corcache_commit(struct corcache_cache *cache)
{
	mutex_lock(&cache->commit.mutex);
	return commit_and_unlock(cache, false);
}

int corcache_commit_killable(struct corcache_cache *cache)
{
	if (mutex_lock_killable(&cache->commit.mutex))
		return -EINTR;
	return commit_and_unlock(cache, false);
}

int corcache_commit_last(struct corcache_cache *cache)
{
	mutex_lock(&cache->commit.mutex);
	return commit_and_unlock(cache, true);
}

int corcache_commit_frozen(struct corcache_cache *cache)
{
	int r = -EIO;

	mutex_lock(&cache->commit.mutex);
	begin_commit(cache);
	if (READ_ONCE(cache->mode) == CORCACHE_FROZEN)
		r = commit_locked(cache, cache->commit.batch, false);
	if (!r)
		corcache_mode_thaw(cache);
	end_commit(cache);
	mutex_unlock(&cache->commit.mutex);
	/* what was published or removed while it was frozen asked for none */
	corcache_index_schedule_commit(cache, false);
	return r;
}

static void commit_work(struct work_struct *work)
{
	struct corcache_cache *cache = container_of(to_delayed_work(work), struct corcache_cache,
						    commit.work);

	corcache_commit(cache);
	corcache_index_schedule_commit(cache, false);
}

/* -------- Waiting for one ---------------------------------------------- */

/* The commit that is under way may have begun too early: the next one is meant. */
void corcache_commit_request(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	cache->commit.awaited = cache->commit.begun + 1;
	spin_unlock_irq(&cache->lock);
	corcache_index_schedule_commit(cache, true);
}

/*
 * A cache that has no owner was committed when it lost it; one that is not
 * active is not committed at all.
 */
static bool commit_over(struct corcache_cache *cache)
{
	bool over;

	spin_lock_irq(&cache->lock);
	over = !cache->owner || cache->mode != CORCACHE_ACTIVE ||
	       cache->commit.ended >= cache->commit.awaited;
	spin_unlock_irq(&cache->lock);
	return over;
}

long corcache_commit_wait(struct corcache_cache *cache, long timeout)
{
	return wait_event_timeout(cache->wait, commit_over(cache), timeout);
}

/* -------- Memory ------------------------------------------------------- */

int corcache_commit_init(struct corcache_cache *cache)
{
	/* both are multiples of what a 4Kn device takes */
	u32 most = min_t(u64, cache->geo.table_sectors, CORCACHE_BATCH_SECTORS);

	mutex_init(&cache->commit.mutex);
	INIT_DELAYED_WORK(&cache->commit.work, commit_work);
	cache->commit.image = vmalloc((size_t)most << SECTOR_SHIFT);
	cache->commit.batch = kvzalloc(struct_size(cache->commit.batch, nr, most), GFP_KERNEL);
	if (!cache->commit.image || !cache->commit.batch)
		return -ENOMEM;
	cache->commit.batch->most = most;
	init_completion(&cache->commit.batch->done);
	return 0;
}

void corcache_commit_exit(struct corcache_cache *cache)
{
	vfree(cache->commit.image);
	kvfree(cache->commit.batch);
	mutex_destroy(&cache->commit.mutex);
}
