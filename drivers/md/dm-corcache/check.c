// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache check: is the origin the image that was cached?
 *
 * Owns struct corcache_check, and the bit CORCACHE_HOLD_CHECK of target->holding.
 * A round reads a few cached blocks from the origin, in transfers of its own, and
 * compares each with what the index says of it: by its checksum, or, without
 * checksums, with the block itself, read from the cache device.
 *
 *   read_work		chooses blocks and sends the reads, in origin_wq, as it may
 *			block there for as long as the origin is silent
 *   compare_work	compares what has come, in cache_wq, as it may read the cache
 *			device; ends the round
 *   late_work		after a second hits and fills do not wait any longer
 *   watch_work		once a second: has the origin gone, or come?
 *
 * The verdict, and what follows from each:
 *
 *   WANTED	map defers hits; fills that were answered wait in insert.c
 *   LATE	hits are served; what the origin answers is not inserted
 *   EQUAL	all goes on
 *   WRONG	the cache is bypassed; the mode is set before the verdict
 *
 * A block that cannot be read, or is not cached any more when it has been read, is
 * no verdict: another one is chosen.  A round that compares too few rests, longer
 * each time, and begins again; the success of a reader ends the rest.
 *
 * Reads of earlier rounds (the origin was gone in between, or the target suspended)
 * tell nothing, but count: what is under way stays bounded, however silent the origin
 * is, and however often a round begins.
 *
 * Locks: all under target->lock; a block is compared under cache->lock, and no lock is
 * held while anything is read.
 *
 * Lifetime: a read is a transfer, for which the destructor waits.  Works that were
 * not cancelled by corcache_check_stop() find that it does not run, and queue none.
 */
#include <linux/highmem.h>
#include <linux/random.h>

#include "check.h"
#include "deferred.h"
#include "index.h"
#include "mode.h"
#include "name.h"
#include "xfer.h"

/* Blocks that are compared, if so many are cached. */
#define SAMPLES		16U

/* Most that is read for it at a time, if a block is not larger. */
#define SAMPLE_BYTES	SZ_1M

/* How long hits and fills wait, and rests. */
#define LATE_AFTER	HZ
#define REST_LEAST	HZ
#define REST_MOST	(30 * HZ)

/* What became of a block. */
enum outcome {
	SAMPLE_EQUAL,
	SAMPLE_DIFFERS,
	SAMPLE_FAILED,	/* could not be read */
	SAMPLE_GONE,	/* was not cached any more */
};

static struct corcache_target *check_target(struct corcache_check *check)
{
	return container_of(check, struct corcache_target, check);
}

/* -------- Choosing ---------------------------------------------------- */

static u64 random_below(u64 end)
{
	return get_random_u64() % end;
}

/* A look without the lock; what is chosen is looked at again when it was read. */
static u64 valid_bits(const struct corcache_cache *cache, u64 slot)
{
	return READ_ONCE(cache->slots[slot].valid);
}

/* How many are cached just now, likewise: one more or less does not matter. */
static u64 cached_blocks(const struct corcache_cache *cache)
{
	/* written under the lock, which target->lock is not nested with */
	return data_race(cache->valid_blocks);
}

static void find_lowest(struct corcache_cache *cache, struct corcache_sampler *s)
{
	const struct corcache_geometry *geo = &cache->geo;
	u64 region, valid;

	for (region = 0; region < geo->nr_regions; region++) {
		corcache_entry_t entry = READ_ONCE(cache->index[region]);

		if (!(region & 0xffff))
			cond_resched();
		valid = entry ? valid_bits(cache, from_slot(entry_to_slot(entry))) : 0;
		if (!valid)
			continue;
		s->lowest = block_add(corcache_region_to_block(geo, to_region(region)),
				      __ffs64(valid));
		s->lowest_slot = entry_to_slot(entry);
		s->found = true;
		return;
	}
}

static void begin_sampling(struct corcache_cache *cache, struct corcache_sampler *s,
			   unsigned int round)
{
	u64 valid = cached_blocks(cache);

	memset(s, 0, sizeof(*s));
	s->round = round;
	s->others = valid ? valid - 1 : 0;
	find_lowest(cache, s);
}

/* The region of a slot, if block @bit of it is valid. */
static bool block_in_slot(struct corcache_cache *cache, corcache_slot_t slot, u32 bit,
			  corcache_block_t *block)
{
	struct corcache_slot *s = &cache->slots[from_slot(slot)];
	bool valid;

	spin_lock_irq(&cache->lock);
	valid = s->valid >> bit & 1;
	if (valid)
		*block = block_add(corcache_region_to_block(&cache->geo, corcache_slot_region(s)),
				   bit);
	spin_unlock_irq(&cache->lock);
	return valid;
}

/*
 * Valid blocks, but for the lowest, have ranks by slot: which one has @rank?  The
 * search goes on where the last one has ended, which had a lower rank.
 */
static bool find_rank(struct corcache_cache *cache, struct corcache_sampler *s, u64 rank,
		      corcache_block_t *block)
{
	for (; s->slot < cache->geo.nr_slots; s->slot++) {
		u64 valid = valid_bits(cache, s->slot);
		u64 nr, skip;

		if (!(s->slot & 0xffff))
			cond_resched();
		if (s->slot == from_slot(s->lowest_slot))
			valid &= ~(1ULL << corcache_block_bit(&cache->geo, s->lowest));
		nr = hweight64(valid);
		if (rank < s->before + nr) {
			for (skip = rank - s->before; skip; skip--)
				valid &= valid - 1;
			return block_in_slot(cache, to_slot(s->slot), __ffs64(valid), block);
		}
		s->before += nr;
	}
	return false;
}

/*
 * First the lowest.  Then one of each of as many equal parts of the others; so if
 * there are no more, it is all of them.  Then any.
 */
static bool choose_block(struct corcache_cache *cache, struct corcache_sampler *s,
			 corcache_block_t *block)
{
	u64 parts = min_t(u64, SAMPLES - 1, s->others);
	u64 part = s->nr++, from, to;

	if (!part) {
		*block = s->lowest;
		return s->found;
	}
	if (!s->others)
		return false;
	if (part > parts) {
		s->slot = 0;
		s->before = 0;
		return find_rank(cache, s, random_below(s->others), block);
	}
	from = s->others * (part - 1) / parts;
	to = s->others * part / parts;
	return find_rank(cache, s, from + random_below(to - from), block);
}

/* -------- The verdict ------------------------------------------------- */

static void __set_verdict(struct corcache_target *target, enum corcache_verdict verdict)
{
	lockdep_assert_held(&target->lock);
	/* pairs with the acquire in corcache_check_verdict(): a mode was set before */
	smp_store_release(&target->check.verdict, verdict);
	if (verdict == CORCACHE_ORIGIN_WANTED) {
		WRITE_ONCE(target->holding, target->holding | CORCACHE_HOLD_CHECK);
		return;
	}
	/* pairs with the acquire in corcache_route_map(): likewise */
	smp_store_release(&target->holding, target->holding & ~CORCACHE_HOLD_CHECK);
	__corcache_deferred_kick_check(target);
	corcache_kick_insert(target);
}

/* Reads that are under way belong to no round any more. */
static void __abandon_round(struct corcache_check *check)
{
	lockdep_assert_held(&check_target(check)->lock);
	check->round++;
	check->left = 0;
	WRITE_ONCE(check->phase, CORCACHE_CHECK_IDLE);
}

static void __begin_round(struct corcache_target *target)
{
	struct corcache_check *check = &target->check;

	lockdep_assert_held(&target->lock);
	check->round++;
	check->left = min_t(u64, cached_blocks(target->cache), SAMPLES);
	check->equal = 0;
	check->failed = 0;
	check->gone = 0;
	WRITE_ONCE(check->phase, CORCACHE_CHECK_READING);
}

/* @verdict: until there is a better one. */
static void __begin_check(struct corcache_target *target, enum corcache_verdict verdict)
{
	struct corcache_check *check = &target->check;

	lockdep_assert_held(&target->lock);
	__abandon_round(check);
	check->delay = REST_LEAST;
	if (!cached_blocks(target->cache)) {
		__set_verdict(target, CORCACHE_ORIGIN_EQUAL);
		return;
	}
	if (!check->present) {
		__set_verdict(target, CORCACHE_ORIGIN_LATE);
		return;
	}
	__set_verdict(target, verdict);
	if (verdict == CORCACHE_ORIGIN_WANTED)
		mod_delayed_work(corcache_wq, &check->late_work, LATE_AFTER);
	__begin_round(target);
	mod_delayed_work(target->origin_wq, &check->read_work, 0);
}

static void __rest(struct corcache_target *target)
{
	struct corcache_check *check = &target->check;

	lockdep_assert_held(&target->lock);
	WRITE_ONCE(check->phase, CORCACHE_CHECK_RESTING);
	check->rested = jiffies;
	mod_delayed_work(target->origin_wq, &check->read_work, check->delay);
	check->delay = min_t(unsigned long, 2 * check->delay, REST_MOST);
	__set_verdict(target, CORCACHE_ORIGIN_LATE);
}

/*
 * All that was chosen has been looked at.  As many equal blocks as could not be read
 * are enough: an origin with a bad spot is no other image.
 */
static void __end_round(struct corcache_target *target)
{
	struct corcache_check *check = &target->check;
	bool enough = check->equal && check->equal >= check->failed;

	lockdep_assert_held(&target->lock);
	if (enough || !cached_blocks(target->cache)) {
		__abandon_round(check);
		__set_verdict(target, CORCACHE_ORIGIN_EQUAL);
	} else {
		__rest(target);
	}
}

/* Instead of one that tells nothing another one is chosen, if there are others. */
static void __replace(struct corcache_target *target, unsigned int *count)
{
	lockdep_assert_held(&target->lock);
	if (++*count <= SAMPLES && cached_blocks(target->cache) > SAMPLES)
		target->check.left++;
}

static void __count_sample(struct corcache_target *target, enum outcome outcome)
{
	struct corcache_check *check = &target->check;

	lockdep_assert_held(&target->lock);
	switch (outcome) {
	case SAMPLE_EQUAL:
		check->equal++;
		break;
	case SAMPLE_FAILED:
		__replace(target, &check->failed);
		break;
	case SAMPLE_GONE:
		__replace(target, &check->gone);
		break;
	case SAMPLE_DIFFERS:
		__abandon_round(check);
		__set_verdict(target, CORCACHE_ORIGIN_WRONG);
		break;
	}
}

/* The end of what begin_sample() began. */
static void end_sample(struct corcache_target *target, unsigned int round,
		       enum outcome outcome)
{
	struct corcache_check *check = &target->check;

	spin_lock_irq(&target->lock);
	check->reading--;
	if (round == check->round)
		__count_sample(target, outcome);
	if (check->phase == CORCACHE_CHECK_READING) {
		if (check->left)
			mod_delayed_work(target->origin_wq, &check->read_work, 0);
		else if (!check->reading)
			__end_round(target);
	}
	spin_unlock_irq(&target->lock);
}

static bool is_current(struct corcache_target *target, unsigned int round)
{
	bool current_round;

	spin_lock_irq(&target->lock);
	current_round = round == target->check.round;
	spin_unlock_irq(&target->lock);
	return current_round;
}

/* -------- Comparing --------------------------------------------------- */

static enum outcome compare_checksum(struct corcache_xfer *x)
{
	struct corcache_cache *cache = x->target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u32 crc = corcache_xfer_crc(x, x->block, 0, x->sectors << SECTOR_SHIFT);
	u32 bit = corcache_block_bit(geo, x->block);
	corcache_entry_t entry;
	enum outcome outcome = SAMPLE_GONE;

	spin_lock_irq(&cache->lock);
	entry = cache->index[from_region(corcache_block_to_region(geo, x->block))];
	if (entry && cache->slots[from_slot(entry_to_slot(entry))].valid >> bit & 1)
		outcome = corcache_slot_crcs(cache, entry_to_slot(entry))[bit] == crc ?
			  SAMPLE_EQUAL : SAMPLE_DIFFERS;
	spin_unlock_irq(&cache->lock);
	return outcome;
}

static void cached_read_ended(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	unsigned long flags;

	/* to give @x back takes the lock: until then the target stays */
	spin_lock_irqsave(&target->lock, flags);
	WRITE_ONCE(target->check.cached_read, true);
	wake_up_all(&target->wait);
	spin_unlock_irqrestore(&target->lock, flags);
}

static bool same_bytes(struct corcache_xfer *a, struct corcache_xfer *b, u32 bytes)
{
	u32 offset, n;
	bool same = true;

	for (offset = 0; same && offset < bytes; offset += n) {
		void *p = kmap_local_page(a->vecs[offset >> PAGE_SHIFT].bv_page);
		void *q = kmap_local_page(b->vecs[offset >> PAGE_SHIFT].bv_page);

		n = min_t(u32, bytes - offset, PAGE_SIZE);
		same = !memcmp(p, q, n);
		kunmap_local(q);
		kunmap_local(p);
	}
	return same;
}

/* Without checksums, the block itself; it may have got another one's bytes meanwhile. */
static enum outcome compare_bytes(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u64 seq = corcache_retire_seq(cache);
	struct corcache_xfer *cached;
	enum outcome outcome;
	corcache_slot_t slot;

	if (!corcache_index_hit_run(cache, x->block, 1, &slot))
		return SAMPLE_GONE;
	cached = corcache_xfer_get(target, CORCACHE_XFER_BOUNCE, x->block, 1, GFP_NOIO);
	if (!cached)
		return SAMPLE_FAILED;
	/* the last block of the origin was written whole */
	cached->sectors = round_up(cached->sectors, target->cache_lbs);
	cached->done = cached_read_ended;
	WRITE_ONCE(target->check.cached_read, false);
	corcache_xfer_read(cached, cache->bdev,
			   corcache_slot_to_sector(geo, slot, corcache_block_bit(geo, x->block)));
	wait_event_idle(target->wait, READ_ONCE(target->check.cached_read));
	if (cached->status)
		outcome = SAMPLE_FAILED;
	else if (corcache_index_retired(cache, seq, slot, 1))
		outcome = SAMPLE_GONE;
	else
		outcome = same_bytes(x, cached, x->sectors << SECTOR_SHIFT) ?
			  SAMPLE_EQUAL : SAMPLE_DIFFERS;
	corcache_xfer_put(cached);
	return outcome;
}

static void report_other_image(struct corcache_target *target, u64 sector)
{
	struct corcache_md_name room;
	const char *name = corcache_target_name(target, &room);

	DMERR("%s: origin %s is another image than was cached: sector %llu differs; the cache is bypassed until the right origin is there and `dmsetup message %s 0 recover` was sent; for a new image, wipe the beginning of the cache device",
	      name, target->origin_dev->name, sector, name);
}

static enum outcome compare(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	enum outcome outcome;

	if (!is_current(target, x->check_round))
		return SAMPLE_GONE;
	if (x->status)
		return SAMPLE_FAILED;
	outcome = target->cache->crc ? compare_checksum(x) : compare_bytes(x);
	if (outcome == SAMPLE_DIFFERS && is_current(target, x->check_round)) {
		/* before the verdict lets hits and fills go on */
		corcache_mode_wrong_origin(target->cache);
		report_other_image(target, x->sector);
	}
	return outcome;
}

static struct corcache_xfer *next_answered(struct corcache_target *target)
{
	struct corcache_xfer *x;

	spin_lock_irq(&target->lock);
	x = list_first_entry_or_null(&target->check.answered, struct corcache_xfer, waiting);
	if (x)
		list_del_init(&x->waiting);
	spin_unlock_irq(&target->lock);
	return x;
}

static void compare_work(struct work_struct *work)
{
	struct corcache_check *check = container_of(work, struct corcache_check, compare_work);
	struct corcache_target *target = check_target(check);
	struct corcache_xfer *x;

	while ((x = next_answered(target))) {
		end_sample(target, x->check_round, compare(x));
		corcache_xfer_put(x);
		cond_resched();
	}
}

/* -------- Reading ----------------------------------------------------- */

static void sample_read(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	unsigned long flags;

	/* queued under the lock: see __hand_over() in insert.c */
	spin_lock_irqsave(&target->lock, flags);
	list_add_tail(&x->waiting, &target->check.answered);
	queue_work(target->cache_wq, &target->check.compare_work);
	spin_unlock_irqrestore(&target->lock, flags);
}

/* May another block be read, and for which round? */
static bool begin_sample(struct corcache_target *target, unsigned int *round)
{
	struct corcache_check *check = &target->check;
	u32 most = clamp(SAMPLE_BYTES >> SECTOR_SHIFT >> target->cache->geo.block_shift,
			 1U, SAMPLES);
	bool begun;

	spin_lock_irq(&target->lock);
	begun = check->left && check->reading < most;
	if (begun) {
		check->left--;
		check->reading++;
	}
	*round = check->round;
	spin_unlock_irq(&target->lock);
	return begun;
}

static struct corcache_xfer *next_sample(struct corcache_target *target)
{
	struct corcache_sampler *s = &target->check.sampler;
	struct corcache_xfer *x = NULL;
	corcache_block_t block;
	unsigned int round;
	bool found;

	while (begin_sample(target, &round)) {
		if (s->round != round)
			begin_sampling(target->cache, s, round);
		found = choose_block(target->cache, s, &block);
		if (found)
			x = corcache_xfer_get(target, CORCACHE_XFER_CHECK, block, 1, GFP_NOIO);
		if (x) {
			x->check_round = round;
			x->done = sample_read;
			return x;
		}
		end_sample(target, round, found ? SAMPLE_FAILED : SAMPLE_GONE);
	}
	return NULL;
}

static void end_rest(struct corcache_target *target)
{
	struct corcache_check *check = &target->check;

	spin_lock_irq(&target->lock);
	if (check->phase == CORCACHE_CHECK_RESTING) {
		__begin_round(target);
		/* nothing is cached any more */
		if (!check->left && !check->reading)
			__end_round(target);
	}
	spin_unlock_irq(&target->lock);
}

static void read_work(struct work_struct *work)
{
	struct corcache_check *check = container_of(to_delayed_work(work), struct corcache_check,
						    read_work);
	struct corcache_target *target = check_target(check);
	struct corcache_xfer *x;

	end_rest(target);
	while ((x = next_sample(target))) {
		corcache_stat_add(target->cache, origin_check_bytes, x->sectors << SECTOR_SHIFT);
		corcache_xfer_read(x, target->origin_dev->bdev, x->sector);
		cond_resched();
	}
}

/* -------- The clock, and the origin ----------------------------------- */

static void late_work(struct work_struct *work)
{
	struct corcache_check *check = container_of(to_delayed_work(work), struct corcache_check,
						    late_work);
	struct corcache_target *target = check_target(check);

	spin_lock_irq(&target->lock);
	if (check->verdict == CORCACHE_ORIGIN_WANTED)
		__set_verdict(target, CORCACHE_ORIGIN_LATE);
	spin_unlock_irq(&target->lock);
}

void corcache_check_hurry(struct corcache_target *target)
{
	struct corcache_check *check = &target->check;
	unsigned long flags, due;

	spin_lock_irqsave(&target->lock, flags);
	if (check->phase == CORCACHE_CHECK_RESTING) {
		/* an origin that errs now and then is not asked all the time */
		due = check->rested + REST_LEAST;
		mod_delayed_work(target->origin_wq, &check->read_work,
				 time_before(jiffies, due) ? due - jiffies : 0);
	}
	spin_unlock_irqrestore(&target->lock, flags);
}

/* What is remembered of the origin. */
static void __look_at_origin(struct corcache_target *target)
{
	struct block_device *bdev = target->origin_dev->bdev;

	lockdep_assert_held(&target->lock);
	WRITE_ONCE(target->check.present, bdev_nr_sectors(bdev));
	WRITE_ONCE(target->check.seq, READ_ONCE(bdev->bd_disk->diskseq));
}

void corcache_check_changed(struct corcache_target *target)
{
	struct corcache_check *check = &target->check;
	unsigned long flags;
	bool was_present;
	u64 seq;

	spin_lock_irqsave(&target->lock, flags);
	was_present = check->present;
	seq = check->seq;
	if (!check->running)
		goto out;
	__look_at_origin(target);
	if (READ_ONCE(target->cache->mode) == CORCACHE_BYPASS)
		goto out;
	if (check->present && (!was_present || check->seq != seq)) {
		__begin_check(target, CORCACHE_ORIGIN_WANTED);
	} else if (!check->present && was_present) {
		/* whatever comes in its place is not inserted unseen */
		__abandon_round(check);
		__set_verdict(target, CORCACHE_ORIGIN_LATE);
	}
out:
	spin_unlock_irqrestore(&target->lock, flags);
}

static void watch_work(struct work_struct *work)
{
	struct corcache_check *check = container_of(to_delayed_work(work), struct corcache_check,
						    watch_work);

	corcache_check_watch(check_target(check));
	queue_delayed_work(corcache_wq, &check->watch_work, HZ);
}

/* -------- Start and stop ---------------------------------------------- */

void corcache_check_start(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_check *check = &target->check;
	dev_t dev = target->origin_dev->bdev->bd_dev;

	spin_lock_irq(&target->lock);
	check->running = true;
	__look_at_origin(target);
	if (cache->origin_dev != dev || cache->origin_seq != check->seq)
		cache->verdict = CORCACHE_ORIGIN_WANTED;
	cache->origin_dev = dev;
	cache->origin_seq = check->seq;
	if (READ_ONCE(cache->mode) == CORCACHE_BYPASS)
		__set_verdict(target, CORCACHE_ORIGIN_LATE);
	else if (cache->verdict == CORCACHE_ORIGIN_EQUAL)
		__set_verdict(target, CORCACHE_ORIGIN_EQUAL);
	else
		__begin_check(target, cache->verdict == CORCACHE_ORIGIN_LATE ?
				      CORCACHE_ORIGIN_LATE : CORCACHE_ORIGIN_WANTED);
	queue_delayed_work(corcache_wq, &check->watch_work, HZ);
	spin_unlock_irq(&target->lock);
}

void corcache_check_hold(struct corcache_target *target)
{
	spin_lock_irq(&target->lock);
	__abandon_round(&target->check);
	__set_verdict(target, CORCACHE_ORIGIN_WANTED);
	spin_unlock_irq(&target->lock);
}

void corcache_check_stop(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_check *check = &target->check;

	spin_lock_irq(&target->lock);
	check->running = false;
	__abandon_round(check);
	/* there are no bios; a fill that waits for a verdict sees that none will come */
	WRITE_ONCE(target->holding, target->holding & ~CORCACHE_HOLD_CHECK);
	spin_unlock_irq(&target->lock);

	/* may block at the origin, if it runs: it finds nothing more to do */
	cancel_delayed_work(&check->read_work);
	cancel_delayed_work_sync(&check->late_work);
	cancel_delayed_work_sync(&check->watch_work);
	/* not cancelled: what it has to do is to give back what was read */
	flush_work(&check->compare_work);
	flush_work(&target->deferred.check_work);

	/* an origin that was not there is another one when it is */
	cache->verdict = check->present ? check->verdict : CORCACHE_ORIGIN_WANTED;
	cache->origin_seq = check->seq;
}

void corcache_check_init(struct corcache_target *target)
{
	struct corcache_check *check = &target->check;

	check->verdict = CORCACHE_ORIGIN_LATE;
	INIT_LIST_HEAD(&check->answered);
	INIT_DELAYED_WORK(&check->read_work, read_work);
	INIT_WORK(&check->compare_work, compare_work);
	INIT_DELAYED_WORK(&check->late_work, late_work);
	INIT_DEFERRABLE_WORK(&check->watch_work, watch_work);
}
