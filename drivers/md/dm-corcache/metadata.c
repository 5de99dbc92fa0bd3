// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache metadata: superblocks and region table on the cache device.
 *
 * Owns probing, formatting and loading.  What is changed afterwards is written
 * by commit.c.  Process context; no lock is held, no reader and no writer is
 * there while the table is loaded.
 */
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "break.h"
#include "index.h"
#include "metadata.h"

/* How much of the table is read at once. */
#define LOAD_BYTES		SZ_1M
#define SECTORS(bytes)		((bytes) >> SECTOR_SHIFT)

/* -------- Synchronous I/O between a vmalloc buffer and a device ------- */

/* Most that one bio takes, wherever in a page the buffer begins. */
#define BIO_BYTES	((unsigned int)((BIO_MAX_VECS - 1) * PAGE_SIZE))

/*
 * Of our own: those that everybody uses may all be held by a file system whose
 * reads wait for the very device that is to be resumed.  A caller has one of them
 * at a time.
 */
static struct bio_set meta_bios;

int corcache_meta_init(void)
{
	return bioset_init(&meta_bios, BIO_POOL_SIZE, 0, BIOSET_NEED_BVECS);
}

void corcache_meta_exit(void)
{
	bioset_exit(&meta_bios);
}

static int one_bio(struct block_device *bdev, blk_opf_t opf, u64 sector, void *buf,
		   unsigned int bytes)
{
	struct bio *bio = bio_alloc_bioset(bdev, bio_max_segs(bytes / PAGE_SIZE + 2), opf,
					   GFP_NOIO, &meta_bios);
	int r = -EIO;

	bio->bi_iter.bi_sector = sector;
	if (!WARN_ON_ONCE(!bio_add_vmalloc(bio, buf, bytes)))
		r = submit_bio_wait(bio);
	bio_put(bio);
	if (!r && !op_is_write(opf))
		invalidate_kernel_vmap_range(buf, bytes);
	return r;
}

static int sync_io(struct block_device *bdev, blk_opf_t opf, u64 sector,
		   void *buf, unsigned int bytes)
{
	int r = 0;

	while (bytes && !r) {
		unsigned int n = min(bytes, BIO_BYTES);

		r = one_bio(bdev, opf, sector, buf, n);
		buf += n;
		bytes -= n;
		sector += SECTORS(n);
	}
	return r;
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
		      struct corcache_super *super, struct corcache_refusal *why)
{
	int r = sync_io(bdev, REQ_OP_READ, sector, buf, SUPER_BYTES);

	if (r)
		return corcache_refuse(why, -EIO, "%pg: cannot read sector %llu: error %d", bdev,
				       sector, r);
	return corcache_super_decode(super, buf, bdev_nr_sectors(bdev), why);
}

static int refuse_data(struct block_device *bdev, u64 sector, struct corcache_refusal *why)
{
	u64 sectors = bdev_nr_sectors(bdev);

	return corcache_refuse(why, -EEXIST,
			       "%pg holds data (sector %llu) and no corcache superblock: zero its first and last MiB (sectors 0-%u, %llu-%llu) to let it be formatted",
			       bdev, sector, CORCACHE_RESERVED_SECTORS - 1,
			       round_down(sectors, CORCACHE_META_ALIGN_SECTORS) -
			       CORCACHE_RESERVED_SECTORS, sectors - 1);
}

static int read_sectors(struct block_device *bdev, u64 start, u64 end, void *buf,
			struct corcache_refusal *why)
{
	int r = sync_io(bdev, REQ_OP_READ, start, buf, (end - start) << SECTOR_SHIFT);

	if (r)
		return corcache_refuse(why, -EIO, "%pg: cannot read sectors %llu to %llu: error %d",
				       bdev, start, end - 1, r);
	return 0;
}

static int check_zeros(struct block_device *bdev, u64 start, u64 end, void *buf,
		       struct corcache_refusal *why)
{
	int r = read_sectors(bdev, start, end, buf, why);
	void *dirt;

	if (r)
		return r;
	dirt = memchr_inv(buf, 0, (end - start) << SECTOR_SHIFT);
	return dirt ? refuse_data(bdev, start + SECTORS(dirt - buf), why) : 0;
}

/* Is it a superblock of ours, of whatever version or state, and the zeros behind it? */
static bool is_old_copy(const void *buf)
{
	return corcache_super_has_magic(buf) &&
	       !memchr_inv(buf + CORCACHE_SECTOR_BYTES, 0, SUPER_BYTES - CORCACHE_SECTOR_BYTES);
}

/* The last MiB, but for a copy of a superblock, which may be of any formatting. */
static int check_last_mib(struct block_device *bdev, u64 end, void *buf,
			  struct corcache_refusal *why)
{
	u64 start = end - CORCACHE_RESERVED_SECTORS;
	void *copy = buf + RESERVED_BYTES - SUPER_BYTES;
	int r = read_sectors(bdev, start, end, buf, why);
	void *dirt;

	if (r)
		return r;
	if (is_old_copy(copy))
		memset(copy, 0, SUPER_BYTES);
	dirt = memchr_inv(buf, 0, RESERVED_BYTES);
	return dirt ? refuse_data(bdev, start + SECTORS(dirt - buf), why) : 0;
}

/*
 * The first sector is zero.  If the whole first MiB is, the device is new, or was
 * wiped; if it cannot be read, nobody knows.  The copy does not count: it cannot
 * tell damage from somebody who wiped the cache and means it.
 */
static int probe_wiped(struct block_device *bdev, void *buf, struct corcache_refusal *why)
{
	u64 sectors = bdev_nr_sectors(bdev);
	u64 end = round_down(sectors, CORCACHE_META_ALIGN_SECTORS);
	int r;

	r = check_zeros(bdev, 0, CORCACHE_RESERVED_SECTORS, buf, why);
	if (!r)
		r = check_last_mib(bdev, end, buf, why);
	/* the sectors that the format does not use may hold data as well */
	if (!r && end < sectors)
		r = check_zeros(bdev, end, sectors, buf, why);
	return r ?: -ENODATA;
}

/*
 * May the copy speak for a first superblock that does not?  It may if that was
 * lost to damage, which leaves the rest of the first MiB zero and most of the
 * sector what it was.  A device that was put to another use since still has our
 * copy at its end, but it is not ours.
 */
static bool lost_to_damage(const void *head, const void *copy)
{
	return !memchr_inv(head + CORCACHE_SECTOR_BYTES, 0,
			   RESERVED_BYTES - CORCACHE_SECTOR_BYTES) &&
	       corcache_super_is_damaged(head, copy);
}

/* The first superblock cannot be used, and why is in @first.  Can the copy? */
static int probe_copy(struct block_device *bdev, int first, void *buf, struct corcache_super *super,
		      struct corcache_refusal *why)
{
	u64 sector = last_super(bdev_nr_sectors(bdev));
	u8 copy[CORCACHE_SECTOR_BYTES] __aligned(8);
	int r = read_super(bdev, sector, buf, super, why);

	if (r)
		return r;
	memcpy(copy, buf, sizeof(copy));
	/* a first MiB that cannot be read holds no other content */
	if (first != -EIO && !sync_io(bdev, REQ_OP_READ, 0, buf, RESERVED_BYTES) &&
	    !lost_to_damage(buf, copy))
		return corcache_refuse(why, -EEXIST,
				       "%pg holds other data now, but a corcache superblock at its end (sector %llu): zero its first and last MiB to let it be formatted",
				       bdev, sector);
	DMWARN("%pg: first superblock is damaged, using its copy in sector %llu", bdev, sector);
	return 0;
}

static bool is_damage(int error)
{
	return error == -ENODATA || error == -EILSEQ || error == -EIO;
}

static int probe_device(struct block_device *bdev, void *buf, struct corcache_super *super,
			struct corcache_refusal *why)
{
	struct corcache_refusal copy_why;
	int r, r_copy;

	r = read_super(bdev, 0, buf, super, why);
	/*
	 * Only damage makes the copy speak: a superblock that is whole and not
	 * acceptable (another version, a device that shrank) is the answer.
	 */
	if (!r || !is_damage(r))
		return r;
	if (r == -ENODATA && !memchr_inv(buf, 0, CORCACHE_SECTOR_BYTES))
		return probe_wiped(bdev, buf, why);

	r_copy = probe_copy(bdev, r, buf, super, &copy_why);
	if (!r_copy)
		return 0;
	if (!is_damage(r_copy)) {
		*why = copy_why;
		return r_copy;
	}
	return r == -ENODATA ? refuse_data(bdev, 0, why) : r;
}

int corcache_meta_probe(struct block_device *bdev, struct corcache_super *super,
			struct corcache_refusal *why)
{
	u64 sectors = bdev_nr_sectors(bdev);
	void *buf;
	int r;

	if (sectors < 2 * CORCACHE_RESERVED_SECTORS)
		return corcache_refuse(why, -ENOSPC,
				       "%pg has %llu sectors, a cache device needs more than %u",
				       bdev, sectors, 2 * CORCACHE_RESERVED_SECTORS);
	buf = vmalloc(RESERVED_BYTES);
	if (!buf)
		return corcache_refuse(why, -ENOMEM, "no memory to read the superblock of %pg",
				       bdev);
	r = probe_device(bdev, buf, super, why);
	vfree(buf);
	return r;
}

#define WRITE_DURABLY	(REQ_OP_WRITE | REQ_SYNC | REQ_PREFLUSH | REQ_FUA)

static int write_super(struct corcache_cache *cache, u64 sector, void *buf)
{
	return sync_io(cache->bdev, WRITE_DURABLY, sector, buf, SUPER_BYTES);
}

/*
 * The copy that an earlier formatting has left must not stand beside our first
 * superblock: if that was damaged one day, the old table would be back.
 */
static int remove_old_copy(struct corcache_cache *cache, void *buf)
{
	u64 sector = cache->geo.backup_start;
	int r = sync_io(cache->bdev, REQ_OP_READ, sector, buf, SUPER_BYTES);

	if (r || !memchr_inv(buf, 0, SUPER_BYTES))
		return r;
	/* it was, when the device was probed */
	if (!is_old_copy(buf))
		return -EEXIST;
	DMWARN("%pg: its first MiB is zero, but a copy of a corcache superblock is in sector %llu: the device was wiped and is formatted anew",
	       cache->bdev, sector);
	memset(buf, 0, SUPER_BYTES);
	return corcache_breaks(CORCACHE_BREAK_FORMAT) ? 0 : write_super(cache, sector, buf);
}

static int write_supers(struct corcache_cache *cache, struct corcache_refusal *why)
{
	void *buf = vzalloc(SUPER_BYTES);
	int r;

	if (!buf)
		return corcache_refuse(why, -ENOMEM, "no memory to format %pg", cache->bdev);
	r = remove_old_copy(cache, buf);
	if (!r) {
		get_random_bytes(cache->super.id, CORCACHE_ID_BYTES);
		cache->super.geo = cache->geo;
		corcache_super_encode(&cache->super, buf);
		r = write_super(cache, 0, buf);
	}
	if (!r)
		r = write_super(cache, cache->geo.backup_start, buf);
	vfree(buf);
	if (r)
		return corcache_refuse(why, r, "cannot write the superblock of %pg: error %d",
				       cache->bdev, r);
	return 0;
}

/* Is @buf the superblock that the cache was found with? */
static bool is_our_super(const struct corcache_cache *cache, const void *buf)
{
	const struct corcache_superblock *disk = buf;
	struct corcache_refusal why;
	struct corcache_super super;

	return !corcache_super_decode(&super, disk, bdev_nr_sectors(cache->bdev), &why) &&
	       !memcmp(super.id, cache->super.id, CORCACHE_ID_BYTES);
}

/*
 * The first superblock is good: what of the copy?  If a crash came before it was
 * written, it is now.  Anything else that it may be is left for who can tell why,
 * as it cannot do harm: it is believed in place of the first one only if that is
 * damaged and differs from it in little.
 */
static void mend_copy(struct corcache_cache *cache, const void *first, void *copy)
{
	u64 sector = cache->geo.backup_start;
	int r = sync_io(cache->bdev, REQ_OP_READ, sector, copy, SUPER_BYTES);

	if (!r && !memcmp(first, copy, CORCACHE_SECTOR_BYTES))
		return;
	if (!r && !memchr_inv(copy, 0, SUPER_BYTES)) {
		memcpy(copy, first, SUPER_BYTES);
		r = write_super(cache, sector, copy);
		if (!r)
			return;
	}
	if (r)
		DMWARN("%pg: no copy of the superblock can be had in sector %llu: error %d",
		       cache->bdev, sector, r);
	else
		DMWARN("%pg: the copy of the superblock in sector %llu is %s", cache->bdev, sector,
		       corcache_super_has_magic(copy) && !corcache_super_is_damaged(first, copy) ?
		       "of another formatting" : "damaged");
}

static void check_copy(struct corcache_cache *cache)
{
	void *buf = vmalloc(2 * SUPER_BYTES);

	/* the copy is spare: without memory it is looked at the next time */
	if (!buf)
		return;
	if (!sync_io(cache->bdev, REQ_OP_READ, 0, buf, SUPER_BYTES) && is_our_super(cache, buf))
		mend_copy(cache, buf, buf + SUPER_BYTES);
	vfree(buf);
}

/* -------- Loading the region table ------------------------------------ */

/*
 * So many reads may fail if max_errors says that none are too many; and at least: a
 * single bad sector costs two, and must not cost the cache.
 */
#define ENOUGH_ERRORS	100U
#define FEW_ERRORS	16U

struct loader {
	struct corcache_cache *cache;
	u32 errors_left;	/* reads that may fail; each may take a driver's time limit */
	bool any;		/* something could be read */
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
		corcache_index_load_bad(l->cache, to_slot(slot));
	l->bad++;
}

static void load_sector(struct loader *l, const void *sector, u64 nr)
{
	struct corcache_cache *cache = l->cache;
	struct corcache_geometry *geo = &cache->geo;
	u64 slot = nr * geo->sector_entries;
	u64 region, valid;
	u32 i, hint;

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
		int r = corcache_table_get(&cache->super, sector, i, &region, &hint,
					   &valid, l->crc);

		if (r > 0) {
			corcache_index_load(cache, to_slot(slot), to_region(region), hint,
					    valid, l->crc);
		} else if (r < 0) {
			corcache_index_load_bad(cache, to_slot(slot));
			l->nonsense++;
		}
	}
}

/*
 * What one read of many sectors could not deliver, some small ones may.  Return: how
 * many of the sectors are done with; fewer only if enough reads have failed.
 */
static u32 load_piecemeal(struct loader *l, void *buf, u64 nr, u32 sectors)
{
	struct corcache_cache *cache = l->cache;
	/* the least that a 4Kn device takes */
	u32 unit = SECTORS(bdev_logical_block_size(cache->bdev));
	u32 i, j;

	for (i = 0; i < sectors && l->errors_left; i += unit) {
		void *at = buf + (i << SECTOR_SHIFT);
		int r = sync_io(cache->bdev, REQ_OP_READ,
				cache->geo.table_start + nr + i, at,
				unit << SECTOR_SHIFT);

		if (r) {
			corcache_stat_inc(cache, cache_errors);
			l->errors_left--;
		} else {
			l->any = true;
		}
		for (j = i; j < i + unit; j++) {
			if (r)
				load_bad_sector(l, nr + j);
			else
				load_sector(l, buf + (j << SECTOR_SHIFT), nr + j);
		}
		cond_resched();
	}
	return i;
}

/* A running target that loads its cache again is to be suspended. */
static bool interrupted(struct corcache_cache *cache)
{
	struct corcache_target *owner = READ_ONCE(cache->owner);

	return owner && READ_ONCE(owner->state) != CORCACHE_RUNNING;
}

/* Return: how many of the sectors are done with. */
static u32 load_some(struct loader *l, void *buf, u64 nr, u32 sectors)
{
	struct corcache_cache *cache = l->cache;
	u32 i;

	if (sync_io(cache->bdev, REQ_OP_READ, cache->geo.table_start + nr, buf,
		    sectors << SECTOR_SHIFT)) {
		l->errors_left--;
		return load_piecemeal(l, buf, nr, sectors);
	}
	l->any = true;
	for (i = 0; i < sectors; i++)
		load_sector(l, buf + (i << SECTOR_SHIFT), nr + i);
	return sectors;
}

/*
 * A read that fails may take the driver minutes.  So after some of them what is left
 * is cold: the device may read on for hours, but nobody waits for that.
 *
 * Return: 0; -EIO if nothing could be read; -EINTR.
 */
static int load_table(struct loader *l, void *buf)
{
	u64 nr = 0, sectors = l->cache->geo.table_sectors;

	while (nr < sectors && l->errors_left) {
		if (interrupted(l->cache))
			return -EINTR;
		nr += load_some(l, buf, nr, min_t(u64, sectors - nr, SECTORS(LOAD_BYTES)));
		cond_resched();
	}
	if (nr < sectors && !l->any)
		return -EIO;
	if (nr < sectors)
		DMWARN("%pg: too many read errors: table sectors %llu to %llu are not read any more",
		       l->cache->bdev, nr, sectors - 1);
	for (; nr < sectors; nr++) {
		load_bad_sector(l, nr);
		cond_resched();
	}
	return 0;
}

static int load(struct loader *l, void *buf, struct corcache_refusal *why)
{
	struct corcache_cache *cache = l->cache;
	int r;

	/*
	 * What is read may stand in the device's volatile cache only.  A slot
	 * that is empty there and not on the medium would be written, and found
	 * under its old entry after a power cut.
	 */
	r = blkdev_issue_flush(cache->bdev);
	if (r)
		return corcache_refuse(why, r, "cannot read the region table of %pg: error %d",
				       cache->bdev, r);
	corcache_index_reset(cache);
	l->errors_left = max(cache->max_errors ?: ENOUGH_ERRORS, FEW_ERRORS);
	r = load_table(l, buf);
	if (r == -EINTR)
		return corcache_refuse(why, r, "a suspend has interrupted it");
	if (r)
		return corcache_refuse(why, r,
				       "cannot read the region table of %pg: all reads of it have failed",
				       cache->bdev);
	if (cache->pins.lost)
		DMWARN("%pg: no memory for pins: what was pinned is not any more", cache->bdev);
	if (l->bad || l->nonsense)
		DMWARN("%pg: %llu table sectors corrupt or unreadable, %llu entries out of range: their regions are cold",
		       cache->bdev, l->bad, l->nonsense);
	return 0;
}

int corcache_meta_load(struct corcache_cache *cache, bool blank, struct corcache_refusal *why)
{
	struct loader l = { .cache = cache };
	void *buf = vmalloc(LOAD_BYTES);
	int r;

	l.crc = kmalloc_array(cache->geo.region_blocks, sizeof(u32), GFP_KERNEL);
	if (buf && l.crc) {
		r = blank ? write_supers(cache, why) : 0;
		if (!r)
			r = load(&l, buf, why);
		if (!r && !blank)
			check_copy(cache);
	} else {
		r = corcache_refuse(why, -ENOMEM, "no memory to read the region table of %pg",
				    cache->bdev);
	}
	vfree(buf);
	kfree(l.crc);
	return r;
}

/* -------- Of a cache that could not be written ------------------------- */

/* The slot that would be written next; none is taken, as the cache is not active. */
static u64 next_slot(struct corcache_cache *cache)
{
	u64 found = corcache_slotmap_next(&cache->free, from_slot(cache->hand));

	return found < cache->geo.nr_slots ? found : corcache_slotmap_next(&cache->free, 0);
}

int corcache_meta_try_write(struct corcache_cache *cache)
{
	unsigned int bytes = cache->geo.block_sectors << SECTOR_SHIFT;
	u64 slot = next_slot(cache);
	void *buf = vzalloc(bytes);
	int r = 0;
	u32 bit;

	if (!buf)
		return -ENOMEM;
	/* all of it: a part may have been written before there was no space */
	for (bit = 0; slot < cache->geo.nr_slots && bit < cache->geo.region_blocks && !r; bit++)
		r = sync_io(cache->bdev, REQ_OP_WRITE | REQ_SYNC,
			    corcache_slot_to_sector(&cache->geo, to_slot(slot), bit), buf, bytes);
	vfree(buf);
	return r ?: blkdev_issue_flush(cache->bdev);
}

/* Of the slots of table sector @nr, only what @sector, as read, says stays. */
static void keep_of_sector(struct corcache_cache *cache, const void *sector, u64 nr)
{
	const struct corcache_geometry *geo = &cache->geo;
	bool valid = corcache_table_check(&cache->super, sector, nr) == CORCACHE_TABLE_VALID;
	u64 slot = nr * geo->sector_entries, region, blocks;
	u32 i, hint;

	for (i = 0; i < geo->sector_entries && slot < geo->nr_slots; i++, slot++) {
		if (!valid || corcache_table_get(&cache->super, sector, i, &region, &hint,
						 &blocks, NULL) <= 0) {
			region = 0;
			blocks = 0;
		}
		corcache_index_keep(cache, to_slot(slot), to_region(region), blocks);
	}
}

int corcache_meta_keep_durable(struct corcache_cache *cache)
{
	u32 unit = SECTORS(bdev_logical_block_size(cache->bdev));
	u64 nr, sectors = cache->geo.table_sectors;
	void *buf = vmalloc(unit << SECTOR_SHIFT);
	u32 i;
	int r;

	if (!buf)
		return -ENOMEM;
	/* what is read must be durable, as in load() */
	r = blkdev_issue_flush(cache->bdev);
	for (nr = 0; !r; nr += unit) {
		nr = find_next_bit(cache->dirty_map, sectors, nr);
		if (nr >= sectors)
			break;
		nr = round_down(nr, unit);
		r = sync_io(cache->bdev, REQ_OP_READ, cache->geo.table_start + nr, buf,
			    unit << SECTOR_SHIFT);
		for (i = 0; !r && i < unit; i++)
			keep_of_sector(cache, buf + (i << SECTOR_SHIFT), nr + i);
		cond_resched();
	}
	vfree(buf);
	return r;
}
