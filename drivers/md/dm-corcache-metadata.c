// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache metadata: superblocks and region table on the cache device.
 *
 * Owns all reading and writing of metadata.  commit_mutex serialises commits;
 * cache->lock is taken inside it, for one table sector at a time.
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
 */
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "dm-corcache-break.h"
#include "dm-corcache-cache.h"
#include "dm-corcache-index.h"
#include "dm-corcache-metadata.h"
#include "dm-corcache-trace.h"

/* How much of the table is read at once. */
#define LOAD_BYTES		SZ_1M
#define SECTORS(bytes)		((bytes) >> SECTOR_SHIFT)

/* -------- Synchronous I/O between a vmalloc buffer and a device ------- */

static unsigned int add_buffer(struct bio *bio, void *buf, unsigned int bytes)
{
	unsigned int done = 0;

	while (done < bytes) {
		void *p = buf + done;
		unsigned int n = min_t(unsigned int, bytes - done,
				       PAGE_SIZE - offset_in_page(p));

		if (bio_add_page(bio, vmalloc_to_page(p), n, offset_in_page(p)) < n)
			break;
		done += n;
	}
	return done;
}

static int sync_io(struct block_device *bdev, blk_opf_t opf, u64 sector,
		   void *buf, unsigned int bytes)
{
	int r = 0;

	if (op_is_write(opf))
		flush_kernel_vmap_range(buf, bytes);
	while (bytes && !r) {
		unsigned int n;
		struct bio *bio = bio_alloc(bdev, bio_max_segs(bytes / PAGE_SIZE + 2),
					    opf, GFP_NOIO);

		bio->bi_iter.bi_sector = sector;
		n = add_buffer(bio, buf, bytes);
		r = submit_bio_wait(bio);
		bio_put(bio);
		if (!r && !op_is_write(opf))
			invalidate_kernel_vmap_range(buf, n);
		buf += n;
		bytes -= n;
		sector += SECTORS(n);
	}
	return r;
}

/* Superblocks and table are read and written in units that 4Kn devices take. */
static unsigned int unit_bytes(struct block_device *bdev)
{
	return bdev_logical_block_size(bdev);
}

/* -------- Superblocks ------------------------------------------------- */

#define SUPER_BYTES	(CORCACHE_META_ALIGN_SECTORS << SECTOR_SHIFT)
#define RESERVED_BYTES	(CORCACHE_RESERVED_SECTORS << SECTOR_SHIFT)

static u64 last_super(u64 device_sectors)
{
	return round_down(device_sectors, CORCACHE_META_ALIGN_SECTORS) -
	       CORCACHE_META_ALIGN_SECTORS;
}

static int read_super(struct block_device *bdev, u64 sector, void *buf,
		      struct corcache_super *super, char *err, size_t err_len)
{
	int r = sync_io(bdev, REQ_OP_READ, sector, buf, SUPER_BYTES);

	if (r) {
		scnprintf(err, err_len, "%pg: cannot read sector %llu: error %d",
			  bdev, sector, r);
		return -EIO;
	}
	return corcache_super_decode(super, buf, bdev_nr_sectors(bdev), err, err_len);
}

static int blank(struct block_device *bdev, u64 start, u64 end, void *buf,
		 char *err, size_t err_len)
{
	unsigned int bytes = (end - start) << SECTOR_SHIFT;
	void *dirt;
	int r = sync_io(bdev, REQ_OP_READ, start, buf, bytes);

	if (r) {
		scnprintf(err, err_len, "%pg: cannot read sectors %llu to %llu: error %d",
			  bdev, start, end - 1, r);
		return -EIO;
	}
	dirt = memchr_inv(buf, 0, bytes);
	if (!dirt)
		return 0;
	scnprintf(err, err_len,
		  "%pg holds data (sector %llu) and no corcache superblock: zero its first and last MiB (sectors 0-%u, %llu-%llu) to let it be formatted",
		  bdev, start + SECTORS(dirt - buf), CORCACHE_RESERVED_SECTORS - 1,
		  round_down(bdev_nr_sectors(bdev), CORCACHE_META_ALIGN_SECTORS) -
		  CORCACHE_RESERVED_SECTORS,
		  (u64)bdev_nr_sectors(bdev) - 1);
	return -EEXIST;
}

/*
 * May the copy speak for a first superblock that does not?  It may if that was
 * lost to damage, which leaves the rest of the first MiB zero and most of the
 * sector what it was, or zero.  A device that was given to somebody else since
 * still has our copy at its end, but it is not ours.
 */
static bool lost_to_damage(const u8 *head, const u8 *copy)
{
	unsigned int i, differ = 0;

	if (memchr_inv(head + CORCACHE_SECTOR_BYTES, 0, RESERVED_BYTES - CORCACHE_SECTOR_BYTES))
		return false;
	if (!memchr_inv(head, 0, CORCACHE_SECTOR_BYTES))
		return true;
	for (i = 0; i < CORCACHE_SECTOR_BYTES; i++)
		differ += head[i] != copy[i];
	return differ <= CORCACHE_SECTOR_BYTES / 16;
}

/* The first superblock cannot be used, and why is in @first.  Can the copy? */
static int probe_copy(struct block_device *bdev, int first, void *buf,
		      struct corcache_super *super, char *err, size_t err_len)
{
	u64 sector = last_super(bdev_nr_sectors(bdev));
	u8 copy[CORCACHE_SECTOR_BYTES];
	int r = read_super(bdev, sector, buf, super, err, err_len);

	if (r)
		return r;
	memcpy(copy, buf, sizeof(copy));
	/* a first MiB that cannot be read is nobody else's content */
	if (first != -EIO &&
	    !sync_io(bdev, REQ_OP_READ, 0, buf, RESERVED_BYTES) &&
	    !lost_to_damage(buf, copy)) {
		scnprintf(err, err_len,
			  "%pg holds other data now, but a corcache superblock at its end (sector %llu): zero its first and last MiB to let it be formatted",
			  bdev, sector);
		return -EEXIST;
	}
	DMWARN("%pg: first superblock is %s, using its copy in sector %llu", bdev,
	       first == -ENODATA ? "missing" : "damaged", sector);
	return 0;
}

static int probe(struct block_device *bdev, void *buf,
		 struct corcache_super *super, char *err, size_t err_len)
{
	u64 end = round_down(bdev_nr_sectors(bdev), CORCACHE_META_ALIGN_SECTORS);
	char copy_err[CORCACHE_ERR_LEN];
	int r, r_copy;

	r = read_super(bdev, 0, buf, super, err, err_len);
	/*
	 * Only damage makes the copy speak: a superblock that is whole and not
	 * acceptable (another version, a device that shrank) is the answer.
	 */
	if (!r || (r != -ENODATA && r != -EILSEQ && r != -EIO))
		return r;

	r_copy = probe_copy(bdev, r, buf, super, copy_err, sizeof(copy_err));
	if (!r_copy)
		return 0;
	if (r_copy != -ENODATA && r_copy != -EILSEQ && r_copy != -EIO) {
		strscpy(err, copy_err, err_len);
		return r_copy;
	}
	if (r != -ENODATA)
		return r;

	r = blank(bdev, 0, CORCACHE_RESERVED_SECTORS, buf, err, err_len);
	if (!r)
		r = blank(bdev, end - CORCACHE_RESERVED_SECTORS, end, buf, err, err_len);
	/* the sectors that the format does not use may be somebody's, too */
	if (!r && end < bdev_nr_sectors(bdev))
		r = blank(bdev, end, bdev_nr_sectors(bdev), buf, err, err_len);
	return r ?: -ENODATA;
}

int corcache_meta_probe(struct block_device *bdev, struct corcache_super *super,
			char *err, size_t err_len)
{
	u64 sectors = bdev_nr_sectors(bdev);
	void *buf;
	int r;

	if (sectors < 2 * CORCACHE_RESERVED_SECTORS) {
		scnprintf(err, err_len, "%pg has %llu sectors, a cache device needs more than %u",
			  bdev, sectors, 2 * CORCACHE_RESERVED_SECTORS);
		return -ENOSPC;
	}
	buf = vmalloc(RESERVED_BYTES);
	if (!buf) {
		scnprintf(err, err_len, "no memory to read the superblock of %pg", bdev);
		return -ENOMEM;
	}
	r = probe(bdev, buf, super, err, err_len);
	vfree(buf);
	return r;
}

static int write_supers(struct corcache_cache *cache, char *err, size_t err_len)
{
	blk_opf_t opf = REQ_OP_WRITE | REQ_SYNC | REQ_PREFLUSH | REQ_FUA;
	void *buf = vzalloc(SUPER_BYTES);
	int r;

	if (!buf) {
		scnprintf(err, err_len, "no memory to format %pg", cache->bdev);
		return -ENOMEM;
	}
	get_random_bytes(cache->super.id, CORCACHE_ID_BYTES);
	cache->super.geo = cache->geo;
	corcache_super_encode(&cache->super, buf);
	r = sync_io(cache->bdev, opf, cache->geo.backup_start, buf, SUPER_BYTES);
	if (!r)
		r = sync_io(cache->bdev, opf, 0, buf, SUPER_BYTES);
	vfree(buf);
	if (r)
		scnprintf(err, err_len, "cannot write the superblock of %pg: error %d",
			  cache->bdev, r);
	return r;
}

/* -------- Loading the region table ------------------------------------ */

struct loader {
	struct corcache_cache *cache;
	u32 *crc;		/* geo.region_blocks values */
	u64 bad;		/* corrupt or unreadable table sectors */
	u64 nonsense;		/* entries out of range */
};

static void load_bad_sector(struct loader *l, u64 nr)
{
	struct corcache_geometry *geo = &l->cache->geo;
	u64 slot = nr * geo->sector_entries;
	u64 end = min(slot + geo->sector_entries, geo->nr_slots);

	for (; slot < end; slot++)
		corcache_index_load_bad(l->cache, slot);
	l->bad++;
}

static void load_sector(struct loader *l, const void *sector, u64 nr)
{
	struct corcache_cache *cache = l->cache;
	struct corcache_geometry *geo = &cache->geo;
	u64 slot = nr * geo->sector_entries;
	u64 region, valid;
	u32 i;

	switch (corcache_table_check(&cache->super, sector, nr)) {
	case CORCACHE_TABLE_EMPTY:
		return;
	case CORCACHE_TABLE_CORRUPT:
		corcache_stat_inc(cache, checksum_errors);
		load_bad_sector(l, nr);
		return;
	case CORCACHE_TABLE_VALID:
		break;
	}
	for (i = 0; i < geo->sector_entries && slot < geo->nr_slots; i++, slot++) {
		int r = corcache_table_get(&cache->super, sector, i, &region,
					   &valid, l->crc);

		if (r > 0) {
			corcache_index_load(cache, slot, region, valid, l->crc);
		} else if (r < 0) {
			corcache_index_load_bad(cache, slot);
			l->nonsense++;
		}
	}
}

/* What one read of many sectors could not deliver, some small ones may. */
static void load_piecemeal(struct loader *l, void *buf, u64 nr, u32 sectors)
{
	struct corcache_cache *cache = l->cache;
	u32 unit = SECTORS(unit_bytes(cache->bdev));
	u32 i, j;

	for (i = 0; i < sectors; i += unit) {
		void *at = buf + (i << SECTOR_SHIFT);
		int r = sync_io(cache->bdev, REQ_OP_READ,
				cache->geo.table_start + nr + i, at,
				unit << SECTOR_SHIFT);

		if (r)
			corcache_stat_inc(cache, cache_errors);
		for (j = i; j < i + unit; j++) {
			if (r)
				load_bad_sector(l, nr + j);
			else
				load_sector(l, buf + (j << SECTOR_SHIFT), nr + j);
		}
		cond_resched();
	}
}

static void load_table(struct loader *l, void *buf)
{
	struct corcache_cache *cache = l->cache;
	u64 nr, sectors = cache->geo.table_sectors;
	u32 i, n;

	for (nr = 0; nr < sectors; nr += n) {
		n = min_t(u64, sectors - nr, SECTORS(LOAD_BYTES));
		if (sync_io(cache->bdev, REQ_OP_READ, cache->geo.table_start + nr,
			    buf, n << SECTOR_SHIFT)) {
			load_piecemeal(l, buf, nr, n);
			continue;
		}
		for (i = 0; i < n; i++)
			load_sector(l, buf + (i << SECTOR_SHIFT), nr + i);
		cond_resched();
	}
}

static int load(struct loader *l, void *buf, char *err, size_t err_len)
{
	struct corcache_cache *cache = l->cache;
	int r;

	/*
	 * What is read may stand in the device's volatile cache only.  A slot
	 * that is empty there and not on the medium would be written, and found
	 * under its old entry after a power cut.
	 */
	r = blkdev_issue_flush(cache->bdev);
	if (r) {
		scnprintf(err, err_len, "cannot read the region table of %pg: error %d",
			  cache->bdev, r);
		return r;
	}
	corcache_index_reset(cache);
	load_table(l, buf);
	if (l->bad || l->nonsense)
		DMWARN("%pg: %llu table sectors corrupt or unreadable, %llu entries out of range: their regions are cold",
		       cache->bdev, l->bad, l->nonsense);
	return 0;
}

int corcache_meta_load(struct corcache_cache *cache, bool blank, char *err, size_t err_len)
{
	struct loader l = { .cache = cache };
	void *buf = vmalloc(LOAD_BYTES);
	int r;

	l.crc = kmalloc_array(cache->geo.region_blocks, sizeof(u32), GFP_KERNEL);
	if (buf && l.crc) {
		r = blank ? write_supers(cache, err, err_len) : 0;
		if (!r)
			r = load(&l, buf, err, err_len);
	} else {
		scnprintf(err, err_len, "no memory to read the region table of %pg",
			  cache->bdev);
		r = -ENOMEM;
	}
	vfree(buf);
	kfree(l.crc);
	return r;
}

/* -------- Commit ------------------------------------------------------ */

/* One batch: images in cache->image, and which table sectors they are. */
struct corcache_batch {
	struct corcache_cache *cache;
	u32 unit;		/* table sectors that are written as one */
	u64 next;		/* where the search for the next batch starts */
	u32 used;		/* images in cache->image */
	u64 nr[SECTORS(CORCACHE_IMAGE_BYTES)];
	atomic_t pending;
	int error;
	struct completion done;
};

static void put_slot(struct corcache_cache *cache, void *image, u32 i, u64 slot)
{
	struct corcache_slot *s = &cache->slots[slot];
	u32 *crc = NULL;

	if (!s->valid)
		return;
	if (cache->crc)
		crc = cache->crc + slot * cache->geo.region_blocks;
	corcache_table_put(&cache->super, image, i, s->region, s->valid, crc);
}

static void build_image(struct corcache_cache *cache, u64 nr, void *image)
{
	struct corcache_geometry *geo = &cache->geo;
	u64 slot = nr * geo->sector_entries;
	u32 i;

	corcache_table_begin(&cache->super, image, nr);
	spin_lock_irq(&cache->lock);
	if (__test_and_clear_bit(nr, cache->dirty_map))
		cache->dirty--;
	for (i = 0; i < geo->sector_entries && slot < geo->nr_slots; i++, slot++)
		put_slot(cache, image, i, slot);
	spin_unlock_irq(&cache->lock);
	corcache_table_seal(image);
}

/* Step 2.  Return: false if nothing is left. */
static bool build_batch(struct corcache_batch *b)
{
	struct corcache_cache *cache = b->cache;
	u64 sectors = cache->geo.table_sectors;
	u32 i;

	b->used = 0;
	while (b->used + b->unit <= ARRAY_SIZE(b->nr)) {
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
		nr = round_down(nr, b->unit);
		for (i = 0; i < b->unit; i++, b->used++) {
			b->nr[b->used] = nr + i;
			build_image(cache, nr + i,
				    cache->image + (b->used << SECTOR_SHIFT));
		}
		b->next = nr + b->unit;
		cond_resched();
	}
	return b->used;
}

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

/* How many images from @i on are neighbours on the device, at most @max. */
static u32 neighbours(const struct corcache_batch *b, u32 i, u32 max)
{
	u32 n = 1;

	while (n < max && i + n < b->used && b->nr[i + n] == b->nr[i] + n)
		n++;
	return n;
}

/* Step 4. */
static int write_batch(struct corcache_batch *b)
{
	struct corcache_cache *cache = b->cache;
	/* one bio takes whatever the image needs, at any page size */
	unsigned short vecs = bio_max_segs(CORCACHE_IMAGE_BYTES / PAGE_SIZE + 1);
	struct blk_plug plug;
	u32 i, n;

	flush_kernel_vmap_range(cache->image, b->used << SECTOR_SHIFT);
	atomic_set(&b->pending, 1);
	b->error = 0;
	reinit_completion(&b->done);

	blk_start_plug(&plug);
	for (i = 0; i < b->used; i += n) {
		struct bio *bio = bio_alloc_bioset(cache->bdev, vecs,
						   REQ_OP_WRITE | REQ_META | REQ_SYNC,
						   GFP_NOIO, &cache->bios);

		n = neighbours(b, i, b->used);
		bio->bi_iter.bi_sector = cache->geo.table_start + b->nr[i];
		bio->bi_private = b;
		bio->bi_end_io = batch_endio;
		n = SECTORS(add_buffer(bio, cache->image + (i << SECTOR_SHIFT),
				       n << SECTOR_SHIFT));
		atomic_inc(&b->pending);
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

static int commit_locked(struct corcache_cache *cache, struct corcache_batch *b)
{
	bool held;
	int r;

	if (READ_ONCE(cache->mode) != CORCACHE_ACTIVE)
		return -EIO;
	b->cache = cache;
	b->unit = SECTORS(unit_bytes(cache->bdev));
	b->next = 0;
	held = corcache_index_hold_begin(cache);
	r = commit_batches(cache, b);
	if (r) {
		corcache_cache_commit_failed(cache, r);
		return -EIO;
	}
	if (held)
		corcache_index_hold_end(cache);
	corcache_cache_kick_held(cache);
	return 0;
}

int corcache_meta_commit(struct corcache_cache *cache)
{
	int r;

	mutex_lock(&cache->commit_mutex);
	corcache_cache_commit_begins(cache);
	r = commit_locked(cache, cache->batch);
	corcache_cache_commit_ends(cache);
	mutex_unlock(&cache->commit_mutex);
	return r;
}

void corcache_meta_commit_work(struct work_struct *work)
{
	struct corcache_cache *cache;

	cache = container_of(to_delayed_work(work), struct corcache_cache, commit_work);
	corcache_meta_commit(cache);
	corcache_cache_schedule_commit(cache, false);
}

int corcache_meta_alloc(struct corcache_cache *cache)
{
	cache->image = vmalloc(CORCACHE_IMAGE_BYTES);
	cache->batch = kzalloc(sizeof(*cache->batch), GFP_KERNEL);
	if (!cache->image || !cache->batch)
		return -ENOMEM;
	init_completion(&cache->batch->done);
	return 0;
}

void corcache_meta_free(struct corcache_cache *cache)
{
	vfree(cache->image);
	kfree(cache->batch);
}
