// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache cache: a cache device in use.
 *
 * Owns struct corcache_cache: the registry of all of them, which table may use
 * which, the handing over from one table to the next, and the mode.
 *
 * A table that is loaded takes a reference in its constructor; the first one
 * makes the cache.  The running table is the owner; a reload changes the owner
 * between the old table's postsuspend and the new one's resume.  The old one
 * keeps its reference until its destructor, for the counters.
 *
 * corcache_registry_mutex guards the list and the counts.  A shutdown holds it
 * while it waits for commits, which keeps every cache where it is; cache->lock
 * is taken inside it for that.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "dm-corcache-cache.h"
#include "dm-corcache-evict.h"
#include "dm-corcache-index.h"
#include "dm-corcache-keep.h"
#include "dm-corcache-metadata.h"

static LIST_HEAD(corcache_registry);
static DEFINE_MUTEX(corcache_registry_mutex);

/* -------- Making and finding ------------------------------------------ */

static void free_cache(struct corcache_cache *cache)
{
	corcache_meta_free(cache);
	corcache_index_free(cache);
	bioset_exit(&cache->bios);
	free_percpu(cache->stats);
	mutex_destroy(&cache->commit_mutex);
	kfree(cache);
}

static struct corcache_cache *alloc_cache(const struct corcache_super *super)
{
	struct corcache_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL);

	if (!cache)
		return NULL;
	cache->super = *super;
	cache->geo = super->geo;
	spin_lock_init(&cache->lock);
	mutex_init(&cache->commit_mutex);
	init_waitqueue_head(&cache->wait);
	INIT_LIST_HEAD(&cache->held_fills);
	INIT_DELAYED_WORK(&cache->commit_work, corcache_meta_commit_work);
	INIT_DELAYED_WORK(&cache->reclaim_work, corcache_evict_reclaim_work);
	cache->stats = alloc_percpu(struct corcache_stats);
	if (!cache->stats || corcache_index_alloc(cache) ||
	    corcache_meta_alloc(cache) ||
	    bioset_init(&cache->bios, 64, 0, BIOSET_NEED_BVECS)) {
		free_cache(cache);
		return NULL;
	}
	return cache;
}

/* What the table line asks for, on a device of this size. */
static int wanted(struct corcache_target *target, u64 cache_sectors,
		  struct corcache_super *want, char *err, size_t err_len)
{
	const struct corcache_args *args = &target->args;

	memset(want, 0, sizeof(*want));
	strscpy(want->origin_id, args->origin_id, sizeof(want->origin_id));
	return corcache_geometry_init(&want->geo, target->ti->len, cache_sectors,
				      args->region_sectors, args->block_sectors,
				      !args->no_checksums, err, err_len);
}

static int check_quota(struct corcache_target *target,
		       const struct corcache_geometry *geo, char *err, size_t err_len)
{
	u64 quota = target->args.quota_sectors;
	u64 most = geo->nr_slots << geo->region_shift;

	if (quota == U64_MAX)
		quota = most;
	if (quota > most) {
		scnprintf(err, err_len, "quota %llu is more than the data area of %llu sectors",
			  quota, most);
		return -EINVAL;
	}
	if (quota < geo->region_sectors) {
		scnprintf(err, err_len, "quota %llu is less than one region of %u sectors",
			  quota, geo->region_sectors);
		return -EINVAL;
	}
	target->args.quota_sectors = quota;
	return 0;
}

/*
 * Device-mapper opens a device once for all tables of a mapped device, and
 * claims it for itself: a second claim is another mapped device's.  A claim of
 * a whole disk counts twice, and one of a partition for the disk as well.
 */
bool corcache_cache_used_elsewhere(struct block_device *bdev)
{
	return READ_ONCE(bdev->bd_holders) > (bdev_is_partition(bdev) ? 1 : 2);
}

static bool overlap(struct block_device *a, struct block_device *b)
{
	return a == b || (a->bd_disk == b->bd_disk &&
			  (!bdev_is_partition(a) || !bdev_is_partition(b)));
}

/*
 * The one to join.  A cache that was never active stands for no more than what
 * a table that was loaded asked for: another table of the same device may ask
 * for something else.
 */
static struct corcache_cache *find_cache(struct corcache_target *target)
{
	struct block_device *bdev = target->cache_dev->bdev;
	struct mapped_device *md = dm_table_get_md(target->ti->table);
	struct corcache_cache *cache;

	lockdep_assert_held(&corcache_registry_mutex);
	list_for_each_entry(cache, &corcache_registry, list)
		/* served is set by a resume, at any moment; md never changes */
		if (overlap(cache->key, bdev) &&
		    (READ_ONCE(cache->served) || cache->md != md))
			return cache;
	return NULL;
}

static int join_cache(struct corcache_target *target, struct corcache_cache *cache,
		      char *err, size_t err_len)
{
	struct block_device *bdev = target->cache_dev->bdev;
	struct corcache_super want;
	int r;

	if (cache->key != bdev || cache->md != dm_table_get_md(target->ti->table)) {
		scnprintf(err, err_len, "cache device %s is in use by corcache device %s",
			  target->cache_dev->name, dm_device_name(cache->md));
		return -EBUSY;
	}
	if (bdev_nr_sectors(bdev) < cache->geo.cache_sectors) {
		scnprintf(err, err_len, "cache device %s has shrunk: the cache has %llu sectors, the device %llu",
			  target->cache_dev->name, cache->geo.cache_sectors,
			  (u64)bdev_nr_sectors(bdev));
		return -ENOSPC;
	}
	r = wanted(target, cache->geo.cache_sectors, &want, err, err_len);
	if (r)
		return r;
	/*
	 * A resume may just be copying over it what it has read from the device.
	 * Nothing that is compared changes by that: the resume's table, too, was
	 * compared with what was there, and then with what was read.
	 */
	r = data_race(corcache_super_match(&cache->super, &want, err, err_len));
	if (!r)
		r = check_quota(target, &cache->geo, err, err_len);
	if (r)
		return r;
	cache->refs++;
	target->cache = cache;
	return 0;
}

/* From what is on the device. */
static int make_cache(struct corcache_target *target, struct corcache_cache **made,
		      char *err, size_t err_len)
{
	struct block_device *bdev = target->cache_dev->bdev;
	struct corcache_super want, super;
	struct corcache_cache *cache;
	int r;

	r = corcache_meta_probe(bdev, &super, err, err_len);
	if (r && r != -ENODATA)
		return r;
	if (r) {
		r = wanted(target, bdev_nr_sectors(bdev), &want, err, err_len);
		super = want;
	} else {
		r = wanted(target, super.geo.cache_sectors, &want, err, err_len);
		if (!r)
			r = corcache_super_match(&super, &want, err, err_len);
	}
	if (!r)
		r = check_quota(target, &super.geo, err, err_len);
	if (r)
		return r;

	cache = alloc_cache(&super);
	if (!cache) {
		scnprintf(err, err_len,
			  "cannot allocate the index: %llu MiB for %llu regions and %llu slots; use larger regions than %u sectors",
			  corcache_index_bytes(&super.geo) >> 20, super.geo.nr_regions,
			  super.geo.nr_slots, super.geo.region_sectors);
		return -ENOMEM;
	}
	cache->key = bdev;
	cache->md = dm_table_get_md(target->ti->table);
	cache->refs = 1;
	*made = cache;
	return 0;
}

/*
 * The device is read without the mutex: one that does not answer must not keep
 * others from being loaded and removed.
 */
int corcache_cache_get(struct corcache_target *target, char *err, size_t err_len)
{
	struct corcache_cache *cache, *made = NULL;
	int r = 0;

	mutex_lock(&corcache_registry_mutex);
	cache = find_cache(target);
	if (!cache) {
		mutex_unlock(&corcache_registry_mutex);
		r = make_cache(target, &made, err, err_len);
		if (r)
			return r;
		mutex_lock(&corcache_registry_mutex);
		cache = find_cache(target);
	}
	if (cache) {
		r = join_cache(target, cache, err, err_len);
	} else {
		list_add(&made->list, &corcache_registry);
		target->cache = made;
		made = NULL;
	}
	mutex_unlock(&corcache_registry_mutex);
	if (made)
		free_cache(made);
	return r;
}

void corcache_cache_put(struct corcache_cache *cache)
{
	mutex_lock(&corcache_registry_mutex);
	if (--cache->refs)
		cache = NULL;
	else
		list_del(&cache->list);
	mutex_unlock(&corcache_registry_mutex);
	if (cache)
		free_cache(cache);
}

/* -------- Handing over ------------------------------------------------ */

static bool same_layout(const struct corcache_geometry *a,
			const struct corcache_geometry *b)
{
	return a->nr_slots == b->nr_slots && a->data_start == b->data_start &&
	       a->cache_sectors == b->cache_sectors;
}

/* The authority: what the constructor saw may have changed since. */
static int load_cache(struct corcache_target *target, char *err, size_t err_len)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_super super, want;
	bool blank;
	int r;

	r = corcache_meta_probe(cache->bdev, &super, err, err_len);
	blank = r == -ENODATA;
	if (blank) {
		r = wanted(target, bdev_nr_sectors(cache->bdev), &want, err, err_len);
		super = want;
		if (!r && corcache_cache_used_elsewhere(cache->bdev)) {
			scnprintf(err, err_len,
				  "cache device %s is in use by another mapped device now: not formatted",
				  target->cache_dev->name);
			return -EBUSY;
		}
	} else if (!r) {
		r = wanted(target, super.geo.cache_sectors, &want, err, err_len);
		if (!r)
			r = corcache_super_match(&super, &want, err, err_len);
	}
	if (r)
		return r;
	if (!same_layout(&super.geo, &cache->geo)) {
		scnprintf(err, err_len,
			  "cache device %s has changed since the table was loaded (%llu sectors used then, %llu now): load the table again",
			  target->cache_dev->name, cache->geo.cache_sectors,
			  super.geo.cache_sectors);
		return -EINVAL;
	}
	if (!blank)
		cache->super = super;
	return corcache_meta_load(cache, blank, err, err_len);
}

/*
 * With cache->lock held: at most @slots may be used; while that is lowered,
 * regions get one only below @admit, which is where it is going.
 */
static void __write_quota(struct corcache_cache *cache, u64 slots, u64 admit)
{
	cache->quota = slots;
	cache->admit_quota = admit;
	corcache_policy_set_quota(&cache->policy, admit);
}

static void take_over(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_args *args = &target->args;
	u64 quota = args->quota_sectors >> cache->geo.region_shift;

	corcache_index_start_policy(cache, args->policy);
	spin_lock_irq(&cache->lock);
	WRITE_ONCE(cache->owner, target);
	cache->max_errors = args->max_errors;
	cache->commit_interval_ms = args->commit_interval_ms;
	/*
	 * Nothing is replaced before something else has come: a cache that is
	 * full stays as it is, if all that is read is in it.
	 */
	__write_quota(cache, quota, quota);
	spin_unlock_irq(&cache->lock);
}

/*
 * Has the device gone for good?  A driver that takes one away refuses requests,
 * by an error that is used for nothing else (-ENODEV), a moment before the disk
 * is marked as dead.
 */
static enum corcache_reason gone(struct corcache_cache *cache, int error)
{
	struct block_device *bdev = cache->bdev;

	if (error == -ENODEV || test_bit(GD_DEAD, &bdev->bd_disk->state) ||
	    !bdev_nr_sectors(bdev))
		return CORCACHE_REASON_GONE;
	if (bdev_read_only(bdev))
		return CORCACHE_REASON_READONLY;
	return CORCACHE_REASON_NONE;
}

/*
 * A cache that has served before and is lost now must not keep its readers
 * waiting: they are served by the origin.
 */
static void start_mode(struct corcache_target *target, int error, const char *err)
{
	struct corcache_cache *cache = target->cache;
	enum corcache_mode mode = error ? CORCACHE_BYPASS : CORCACHE_ACTIVE;
	enum corcache_reason reason = CORCACHE_REASON_NONE;

	if (error) {
		reason = gone(cache, error);
		if (reason == CORCACHE_REASON_NONE)
			reason = CORCACHE_REASON_ERRORS;
	}
	/* the first start is no change */
	if (cache->served && cache->mode != mode)
		queue_work(corcache_wq, &target->event_work);
	cache->loaded = !error;
	WRITE_ONCE(cache->served, true);
	/* there are no bios yet, but status may ask */
	spin_lock_irq(&cache->lock);
	cache->errors = 0;
	cache->reason = reason;
	WRITE_ONCE(cache->mode, mode);
	spin_unlock_irq(&cache->lock);
	if (error)
		DMERR("%s: cache device cannot be used any more: %s",
		      dm_device_name(cache->md), err);
}

/* Do slots wait to be emptied durably?  The commit's work may run already. */
static bool must_commit(struct corcache_cache *cache)
{
	bool must;

	spin_lock_irq(&cache->lock);
	must = cache->used > cache->quota || cache->retired;
	spin_unlock_irq(&cache->lock);
	return must;
}

int corcache_cache_activate(struct corcache_target *target, char *err, size_t err_len)
{
	struct corcache_cache *cache = target->cache;
	int r;

	cache->bdev = target->cache_dev->bdev;
	if (!cache->loaded) {
		r = load_cache(target, err, err_len);
		if (r && !cache->served)
			return r;
		start_mode(target, r, err);
	}
	take_over(target);
	if (!cache->loaded)
		return 0;
	/*
	 * A failure leaves the mode frozen and the quota exceeded by what is
	 * there: the reads do not care.
	 */
	corcache_evict_shrink(cache);
	if (must_commit(cache))
		corcache_meta_commit(cache);
	return 0;
}

/* Reclaim first: it ends in a commit. */
static void cancel_works(struct corcache_cache *cache)
{
	cancel_delayed_work_sync(&cache->reclaim_work);
	cancel_delayed_work_sync(&cache->commit_work);
}

void corcache_cache_deactivate(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;

	/*
	 * A table that was loaded and never resumed is destroyed while another
	 * takes over, or lets go.  Only we make it us, or not us.
	 */
	if (READ_ONCE(cache->owner) != target)
		return;
	cancel_works(cache);
	corcache_meta_commit(cache);
	flush_work(&target->event_work);

	spin_lock_irq(&cache->lock);
	WRITE_ONCE(cache->owner, NULL);
	/* a cache that gave up starts anew from its device */
	if (READ_ONCE(cache->mode) != CORCACHE_ACTIVE)
		cache->loaded = false;
	spin_unlock_irq(&cache->lock);
	/* what was armed since; nothing is without an owner */
	cancel_works(cache);
	/* a shutdown waits for no commit of a cache without an owner */
	wake_up(&cache->wait);
}

/* -------- Quota ------------------------------------------------------- */

u64 corcache_cache_used(struct corcache_cache *cache)
{
	u64 used;

	spin_lock_irq(&cache->lock);
	used = cache->used;
	spin_unlock_irq(&cache->lock);
	return used;
}

static void write_quota(struct corcache_cache *cache, u64 slots, u64 admit)
{
	spin_lock_irq(&cache->lock);
	__write_quota(cache, slots, admit);
	spin_unlock_irq(&cache->lock);
}

/* Empty slots until no more than @slots are used, durably. */
static int enforce_quota(struct corcache_cache *cache, u64 slots)
{
	int r;

	while (corcache_cache_used(cache) > slots) {
		corcache_evict_shrink(cache);
		r = corcache_meta_commit(cache);
		if (r)
			return r;
		/* slots that a fill was writing into are free when it ends */
		wait_event_timeout(cache->wait, corcache_cache_used(cache) <= slots,
				   HZ / 10);
	}
	return 0;
}

int corcache_cache_set_quota_suspended(struct corcache_cache *cache, u64 slots)
{
	int r = 0;

	spin_lock_irq(&cache->lock);
	if (slots < cache->quota && cache->mode != CORCACHE_ACTIVE)
		r = -EIO;
	else if (cache->used > slots)
		r = -EBUSY;
	else
		__write_quota(cache, slots, slots);
	spin_unlock_irq(&cache->lock);
	return r;
}

int corcache_cache_set_quota(struct corcache_cache *cache, u64 slots)
{
	u64 old = cache->quota;
	int r;

	if (slots < old) {
		if (READ_ONCE(cache->mode) != CORCACHE_ACTIVE)
			return -EIO;
		/* the old one is in force until the new one holds */
		write_quota(cache, old, slots);
		r = enforce_quota(cache, slots);
		if (r) {
			write_quota(cache, old, old);
			return r;
		}
	}
	write_quota(cache, slots, slots);
	return 0;
}

/* -------- Modes and errors -------------------------------------------- */

void corcache_cache_degrade(struct corcache_cache *cache, enum corcache_mode mode,
			    enum corcache_reason reason)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	if (cache->mode < mode) {
		WRITE_ONCE(cache->mode, mode);
		cache->reason = reason;
		if (cache->owner)
			queue_work(corcache_wq, &cache->owner->event_work);
	}
	spin_unlock_irqrestore(&cache->lock, flags);
	/* no commit will come that they could wait for */
	corcache_cache_kick_held(cache);
}

void corcache_cache_commit_failed(struct corcache_cache *cache, int error)
{
	enum corcache_reason reason = gone(cache, error);

	corcache_stat_inc(cache, cache_errors);
	if (error == -ENOSPC)
		reason = CORCACHE_REASON_NOSPC;
	if (reason != CORCACHE_REASON_NONE)
		corcache_cache_degrade(cache, CORCACHE_BYPASS, reason);
	else
		corcache_cache_degrade(cache, CORCACHE_FROZEN, CORCACHE_REASON_COMMIT);
}

void corcache_cache_error(struct corcache_cache *cache, blk_status_t status)
{
	enum corcache_reason reason = gone(cache, blk_status_to_errno(status));
	unsigned long flags;
	bool enough;

	corcache_stat_inc(cache, cache_errors);
	spin_lock_irqsave(&cache->lock, flags);
	enough = cache->max_errors && ++cache->errors >= cache->max_errors;
	spin_unlock_irqrestore(&cache->lock, flags);
	if (status == BLK_STS_NOSPC)
		reason = CORCACHE_REASON_NOSPC;
	else if (enough && reason == CORCACHE_REASON_NONE)
		reason = CORCACHE_REASON_ERRORS;
	if (reason != CORCACHE_REASON_NONE)
		corcache_cache_degrade(cache, CORCACHE_BYPASS, reason);
}

/* -------- Commits ----------------------------------------------------- */

void __corcache_cache_schedule_commit(struct corcache_cache *cache)
{
	if (cache->owner && (cache->dirty || cache->held) &&
	    cache->mode == CORCACHE_ACTIVE)
		queue_delayed_work(corcache_commit_wq, &cache->commit_work,
				   msecs_to_jiffies(cache->commit_interval_ms));
}

void corcache_cache_schedule_commit(struct corcache_cache *cache, bool now)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	if (now && cache->owner && cache->mode == CORCACHE_ACTIVE)
		mod_delayed_work(corcache_commit_wq, &cache->commit_work, 0);
	else
		__corcache_cache_schedule_commit(cache);
	spin_unlock_irqrestore(&cache->lock, flags);
}

void corcache_cache_commit_begins(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	cache->commits_begun++;
	spin_unlock_irq(&cache->lock);
}

void corcache_cache_commit_ends(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	cache->commits_ended++;
	spin_unlock_irq(&cache->lock);
	wake_up(&cache->wait);
}

/* The commit that is under way may have begun too early: the next one is meant. */
static void await_commit(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	cache->commit_awaited = cache->commits_begun + 1;
	spin_unlock_irq(&cache->lock);
	corcache_cache_schedule_commit(cache, true);
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
	       cache->commits_ended >= cache->commit_awaited;
	spin_unlock_irq(&cache->lock);
	return over;
}

void corcache_cache_commit_all(void)
{
	struct corcache_cache *cache;
	long left = CORCACHE_SHUTDOWN_SECONDS * HZ;

	mutex_lock(&corcache_registry_mutex);
	list_for_each_entry(cache, &corcache_registry, list)
		await_commit(cache);
	list_for_each_entry(cache, &corcache_registry, list) {
		left = wait_event_timeout(cache->wait, commit_over(cache), left);
		if (!left)
			DMWARN("%s: not committed: cache device %pg does not answer; what was cached last will be cold",
			       dm_device_name(cache->md), cache->key);
	}
	mutex_unlock(&corcache_registry_mutex);
}

void corcache_cache_kick_held(struct corcache_cache *cache)
{
	struct corcache_xfer *x, *next;
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	list_for_each_entry_safe(x, next, &cache->held_fills, held) {
		list_del_init(&x->held);
		corcache_keep_again(x);
	}
	spin_unlock_irqrestore(&cache->lock, flags);
}

/* -------- Counters ---------------------------------------------------- */

u64 corcache_cache_stat(struct corcache_cache *cache, enum corcache_stat i)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(cache->stats, cpu)->count[i]);
	return sum;
}

void corcache_cache_reset_stats(struct corcache_cache *cache)
{
	int cpu;

	/* what is being counted on another CPU just now may survive or get lost */
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(cache->stats, cpu), 0, sizeof(struct corcache_stats));
}
