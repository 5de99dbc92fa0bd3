// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache cache: a cache device in use.
 *
 * Owns struct corcache_cache: the registry of all of them, which table may use
 * which, and the handing over from one table to the next.
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

#include "cache.h"
#include "check.h"
#include "commit.h"
#include "discard.h"
#include "evict.h"
#include "index.h"
#include "metadata.h"
#include "mode.h"
#include "name.h"

static LIST_HEAD(corcache_registry);
static DEFINE_MUTEX(corcache_registry_mutex);

/* -------- Making and finding ------------------------------------------ */

static void free_cache(struct corcache_cache *cache)
{
	corcache_commit_exit(cache);
	corcache_index_free(cache);
	bioset_exit(&cache->bios);
	free_percpu(cache->stats);
	kfree(cache);
}

static struct corcache_cache *alloc_cache(const struct corcache_super *super)
{
	struct corcache_cache *cache = kzalloc_obj(*cache);

	if (!cache)
		return NULL;
	cache->super = *super;
	cache->geo = super->geo;
	/* until it is loaded: see corcache_mode_start() */
	cache->mode = CORCACHE_BYPASS;
	cache->reason = CORCACHE_REASON_UNLOADED;
	spin_lock_init(&cache->lock);
	corcache_mode_init(cache);
	init_waitqueue_head(&cache->wait);
	INIT_DELAYED_WORK(&cache->reclaim_work, corcache_evict_reclaim_work);
	corcache_discard_init(cache);
	cache->stats = alloc_percpu(struct corcache_stats);
	if (corcache_commit_init(cache) || !cache->stats || corcache_index_alloc(cache) ||
	    bioset_init(&cache->bios, 64, 0, BIOSET_NEED_BVECS)) {
		free_cache(cache);
		return NULL;
	}
	return cache;
}

/* The superblock that the table line asks for, on a device of this size. */
static int make_super(struct corcache_target *target, u64 cache_sectors,
		      struct corcache_super *want, struct corcache_refusal *why)
{
	const struct corcache_args *args = &target->args;

	memset(want, 0, sizeof(*want));
	strscpy(want->origin_id, args->origin_id, sizeof(want->origin_id));
	return corcache_geometry_init(&want->geo, target->ti->len, cache_sectors,
				      args->region_sectors, args->block_sectors,
				      !args->no_checksums, why);
}

static int check_quota(struct corcache_target *target, const struct corcache_geometry *geo,
		       struct corcache_refusal *why)
{
	u64 quota = target->args.quota_sectors;
	u64 most = geo->nr_slots << geo->region_shift;

	if (quota == U64_MAX)
		quota = most;
	if (quota > most)
		return corcache_refuse(why, -EINVAL,
				       "quota %llu is more than the data area of %llu sectors",
				       quota, most);
	if (quota < geo->region_sectors)
		return corcache_refuse(why, -EINVAL,
				       "quota %llu is less than one region of %u sectors", quota,
				       geo->region_sectors);
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
 * The cache to join, or NULL.  A cache that was never active is no more than what
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
		      struct corcache_refusal *why)
{
	struct block_device *bdev = target->cache_dev->bdev;
	struct corcache_md_name name;
	struct corcache_super want;
	int r;

	if (cache->key != bdev || cache->md != dm_table_get_md(target->ti->table))
		return corcache_refuse(why, -EBUSY,
				       "cache device %s is in use by corcache device %s",
				       target->cache_dev->name,
				       corcache_md_name(cache->md, &name));
	if (bdev_nr_sectors(bdev) < cache->geo.cache_sectors)
		return corcache_refuse(why, -ENOSPC,
				       "cache device %s has shrunk: the cache has %llu sectors, the device %llu",
				       target->cache_dev->name, cache->geo.cache_sectors,
				       (u64)bdev_nr_sectors(bdev));
	r = make_super(target, cache->geo.cache_sectors, &want, why);
	if (r)
		return r;
	/*
	 * A resume may just be copying over it what it has read from the device.
	 * Nothing that is compared changes by that: the resume's table, too, was
	 * compared with what was there, and then with what was read.
	 */
	r = data_race(corcache_super_match(&cache->super, &want, why));
	if (!r)
		r = check_quota(target, &cache->geo, why);
	if (r)
		return r;
	cache->refs++;
	target->cache = cache;
	return 0;
}

/* From what is on the device. */
static int make_cache(struct corcache_target *target, struct corcache_cache **made,
		      struct corcache_refusal *why)
{
	struct block_device *bdev = target->cache_dev->bdev;
	struct corcache_super want, super;
	struct corcache_cache *cache;
	int r;

	r = corcache_meta_probe(bdev, &super, why);
	if (r && r != -ENODATA)
		return r;
	if (r) {
		r = make_super(target, bdev_nr_sectors(bdev), &want, why);
		super = want;
	} else {
		r = make_super(target, super.geo.cache_sectors, &want, why);
		if (!r)
			r = corcache_super_match(&super, &want, why);
	}
	if (!r)
		r = check_quota(target, &super.geo, why);
	if (r)
		return r;

	cache = alloc_cache(&super);
	if (!cache) {
		return corcache_refuse(why, -ENOMEM,
				       "cannot allocate the index: %llu MiB for %llu regions and %llu slots; use larger regions than %u sectors",
			corcache_index_bytes(&super.geo) >> 20, super.geo.nr_regions,
			super.geo.nr_slots, super.geo.region_sectors);
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
int corcache_cache_get(struct corcache_target *target, struct corcache_refusal *why)
{
	struct corcache_cache *cache, *made = NULL;
	int r = 0;

	mutex_lock(&corcache_registry_mutex);
	cache = find_cache(target);
	if (!cache) {
		mutex_unlock(&corcache_registry_mutex);
		r = make_cache(target, &made, why);
		if (r)
			return r;
		mutex_lock(&corcache_registry_mutex);
		cache = find_cache(target);
	}
	if (cache) {
		r = join_cache(target, cache, why);
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
static int load_cache(struct corcache_target *target, struct corcache_refusal *why)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_super super, want;
	bool blank;
	int r;

	r = corcache_meta_probe(cache->bdev, &super, why);
	blank = r == -ENODATA;
	if (blank) {
		r = make_super(target, bdev_nr_sectors(cache->bdev), &want, why);
		super = want;
		if (!r && corcache_cache_used_elsewhere(cache->bdev))
			return corcache_refuse(why, -EBUSY,
					       "cache device %s is in use by another mapped device now: not formatted",
					       target->cache_dev->name);
	} else if (!r) {
		r = make_super(target, super.geo.cache_sectors, &want, why);
		if (!r)
			r = corcache_super_match(&super, &want, why);
	}
	if (r)
		return r;
	if (!same_layout(&super.geo, &cache->geo))
		return corcache_refuse(why, -EINVAL,
				       "cache device %s has changed since the table was loaded (%llu sectors used then, %llu now): load the table again",
				       target->cache_dev->name, cache->geo.cache_sectors,
				       super.geo.cache_sectors);
	if (!blank)
		cache->super = super;
	cache->load_policy = target->args.policy;
	return corcache_meta_load(cache, blank, why);
}

/*
 * With cache->lock held: at most @slots may be used; while that is lowered,
 * regions get one only below @admit, which is where it is going.
 */
static void __write_quota(struct corcache_cache *cache, u64 slots, u64 admit)
{
	lockdep_assert_held(&cache->lock);
	cache->quota = slots;
	cache->admit_quota = admit;
	corcache_policy_set_quota(&cache->policy, admit);
	__corcache_index_check_pins(cache);
}

static void take_over(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_args *args = &target->args;
	u64 quota = args->quota_sectors >> cache->geo.region_shift;

	corcache_index_start_policy(cache, args->policy);
	spin_lock_irq(&cache->lock);
	WRITE_ONCE(cache->owner, target);
	cache->commit.interval_ms = args->commit_interval_ms;
	/*
	 * Nothing is replaced before something else has come: a cache that is
	 * full stays as it is, if all that is read is in it.
	 */
	__write_quota(cache, quota, quota);
	spin_unlock_irq(&cache->lock);
	if (cache->loaded)
		corcache_discard_start(cache, args->discard);
}

/*
 * A cache that has served before and is lost now must not keep its readers
 * waiting: they are served by the origin.
 */
static void start_cache(struct corcache_target *target, int error,
			const struct corcache_refusal *why)
{
	struct corcache_cache *cache = target->cache;
	struct corcache_md_name name;

	corcache_mode_start(cache, target, error);
	cache->loaded = !error;
	/* what was cached, perhaps by another machine, may be another image */
	cache->verdict = CORCACHE_ORIGIN_WANTED;
	WRITE_ONCE(cache->served, true);
	if (error)
		DMERR("%s: cache device cannot be used any more: %s",
		      corcache_md_name(cache->md, &name), why->text);
}

/*
 * Slots that wait to be emptied durably, at once if that is not much.  The commit's
 * work may run already.
 */
static void commit_retired(struct corcache_cache *cache)
{
	bool must, much;

	spin_lock_irq(&cache->lock);
	must = cache->used > cache->quota || cache->retired;
	much = cache->dirty > CORCACHE_BATCH_PIECES;
	spin_unlock_irq(&cache->lock);
	if (must && !much)
		corcache_commit(cache);
	else if (must)
		corcache_index_schedule_commit(cache, true);
}

int corcache_cache_activate(struct corcache_target *target, struct corcache_refusal *why)
{
	struct corcache_cache *cache = target->cache;
	int r;

	cache->bdev = target->cache_dev->bdev;
	spin_lock_irq(&cache->lock);
	cache->max_errors = target->args.max_errors;
	spin_unlock_irq(&cache->lock);
	if (!cache->loaded) {
		r = load_cache(target, why);
		if (r && !cache->served)
			return r;
		start_cache(target, r, why);
	}
	take_over(target);
	if (!cache->loaded)
		return 0;
	/*
	 * A failure leaves the mode frozen and the quota exceeded by what is
	 * there: reads work all the same.  All I/O is held: what is more than a
	 * piece waits for corcache_evict_start().
	 */
	corcache_evict_shrink(target);
	commit_retired(cache);
	return 0;
}

int corcache_cache_reload(struct corcache_target *target, struct corcache_refusal *why)
{
	struct corcache_cache *cache = target->cache;
	int r;

	lockdep_assert_held(&target->control_mutex);
	/* what is being discarded may be found free, and written */
	corcache_discard_stop(cache);
	mutex_lock(&cache->commit.mutex);
	cache->loaded = false;
	r = load_cache(target, why);
	if (!r) {
		cache->loaded = true;
		take_over(target);
		cache->verdict = CORCACHE_ORIGIN_WANTED;
		corcache_check_hold(target);
		corcache_mode_start(cache, target, 0);
		corcache_check_start(target);
	}
	mutex_unlock(&cache->commit.mutex);
	if (r)
		return r;
	commit_retired(cache);
	corcache_evict_start(cache);
	return 0;
}

/* Reclaim first: it ends in a commit; and that makes slots free. */
static void cancel_works(struct corcache_cache *cache)
{
	cancel_delayed_work_sync(&cache->reclaim_work);
	cancel_delayed_work_sync(&cache->commit.work);
	corcache_discard_stop(cache);
}

void corcache_cache_deactivate(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;

	/*
	 * A table that was loaded and never resumed is destroyed while another
	 * takes over, or lets go.  Only this target makes itself the owner.
	 */
	if (READ_ONCE(cache->owner) != target)
		return;
	cancel_works(cache);
	/*
	 * All I/O is held in a no-flush suspend, and what the policy knows stays in memory:
	 * that is no time to write hints.
	 */
	if (target->noflush)
		corcache_commit(cache);
	else
		corcache_commit_last(cache);
	flush_work(&target->event_work);

	spin_lock_irq(&cache->lock);
	WRITE_ONCE(cache->owner, NULL);
	/*
	 * A cache that gave up starts anew from its device.  What a frozen one has in
	 * memory is true.
	 */
	if (READ_ONCE(cache->mode) == CORCACHE_BYPASS)
		cache->loaded = false;
	spin_unlock_irq(&cache->lock);
	/* what was armed since; nothing is without an owner */
	cancel_works(cache);
	/* a shutdown waits for no commit of a cache without an owner */
	wake_up(&cache->wait);
}

/* -------- Quota ------------------------------------------------------- */

static u64 used_slots(struct corcache_cache *cache)
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
static int enforce_quota(struct corcache_target *target, u64 slots)
{
	struct corcache_cache *cache = target->cache;
	bool more;
	int r = 0;

	while (!r && used_slots(cache) > slots) {
		more = corcache_evict_shrink(target);
		r = corcache_commit_killable(cache);
		/* slots that a fill was writing into are free when it ends */
		if (!r && !more)
			wait_event_killable_timeout(cache->wait, used_slots(cache) <= slots,
						    HZ / 50);
		if (!r && used_slots(cache) > slots)
			r = corcache_evict_may_go_on(target);
	}
	return r;
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

int corcache_cache_set_quota(struct corcache_target *target, u64 slots)
{
	struct corcache_cache *cache = target->cache;
	u64 old = cache->quota;
	int r;

	if (slots < old) {
		if (READ_ONCE(cache->mode) != CORCACHE_ACTIVE)
			return -EIO;
		/* the old one is in force until the new one holds */
		write_quota(cache, old, slots);
		r = enforce_quota(target, slots);
		if (r) {
			write_quota(cache, old, old);
			return r;
		}
	}
	write_quota(cache, slots, slots);
	return 0;
}

/* -------- Commits ----------------------------------------------------- */

/* Return: what is left of @left; 0 if one has not answered in that time. */
static long commit_caches(long left)
{
	struct corcache_md_name name;
	struct corcache_cache *cache;
	bool late = false;

	lockdep_assert_held(&corcache_registry_mutex);
	list_for_each_entry(cache, &corcache_registry, list)
		corcache_commit_request(cache);
	list_for_each_entry(cache, &corcache_registry, list) {
		left = corcache_commit_wait(cache, left);
		if (left)
			continue;
		late = true;
		DMWARN("%s: not committed: cache device %pg does not answer; what was cached last will be cold",
		       corcache_md_name(cache->md, &name), cache->key);
	}
	return late ? 0 : left;
}

void corcache_cache_commit_all(void)
{
	mutex_lock(&corcache_registry_mutex);
	commit_caches(CORCACHE_SHUTDOWN_SECONDS * HZ);
	mutex_unlock(&corcache_registry_mutex);
}

/* -------- Pausing all of them ------------------------------------------ */

/*
 * What does not see the pause, because it has looked before, holds the lock, or is
 * counted as writing.  Fills that wait for a commit are looked at again.
 */
static void tell_of_pause(struct corcache_cache *cache)
{
	spin_lock_irq(&cache->lock);
	if (cache->owner)
		corcache_kick_insert(cache->owner);
	spin_unlock_irq(&cache->lock);
}

static bool no_writers(struct corcache_cache *cache)
{
	bool none;

	spin_lock_irq(&cache->lock);
	none = !cache->writing;
	spin_unlock_irq(&cache->lock);
	return none;
}

/* Return: what is left of @left; 0: one has not answered in that time. */
static long wait_for_writers(long left)
{
	struct corcache_md_name name;
	struct corcache_cache *cache;

	lockdep_assert_held(&corcache_registry_mutex);
	list_for_each_entry(cache, &corcache_registry, list) {
		left = wait_event_timeout(cache->wait, no_writers(cache), left);
		if (left)
			continue;
		DMWARN("%s: cannot be paused: cache device %pg does not answer",
		       corcache_md_name(cache->md, &name), cache->key);
		break;
	}
	return left;
}

/* One that has begun before commits were paused has ended. */
static void wait_for_last_commits(void)
{
	struct corcache_cache *cache;

	lockdep_assert_held(&corcache_registry_mutex);
	list_for_each_entry(cache, &corcache_registry, list) {
		mutex_lock(&cache->commit.mutex);
		mutex_unlock(&cache->commit.mutex);
	}
}

static void unpause(void)
{
	struct corcache_cache *cache;

	lockdep_assert_held(&corcache_registry_mutex);
	WRITE_ONCE(corcache_index_pause, CORCACHE_PAUSE_NOTHING);
	list_for_each_entry(cache, &corcache_registry, list) {
		/* blocks that were found wrong meanwhile */
		corcache_index_schedule_commit(cache, false);
		corcache_evict_start(cache);
		corcache_discard_kick(cache);
	}
}

int corcache_cache_pause_all(void)
{
	struct corcache_cache *cache;
	long left;

	mutex_lock(&corcache_registry_mutex);
	WRITE_ONCE(corcache_index_pause, CORCACHE_PAUSE_CHANGES);
	list_for_each_entry(cache, &corcache_registry, list)
		tell_of_pause(cache);
	left = wait_for_writers(CORCACHE_SHUTDOWN_SECONDS * HZ);
	if (left)
		left = commit_caches(left);
	if (left) {
		WRITE_ONCE(corcache_index_pause, CORCACHE_PAUSE_COMMITS);
		wait_for_last_commits();
	} else {
		unpause();
	}
	mutex_unlock(&corcache_registry_mutex);
	return left ? 0 : -EBUSY;
}

void corcache_cache_unpause_all(void)
{
	mutex_lock(&corcache_registry_mutex);
	unpause();
	mutex_unlock(&corcache_registry_mutex);
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
