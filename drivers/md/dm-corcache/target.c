// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache target: the methods that device-mapper calls.
 *
 * Owns struct corcache_target, from constructor to destructor, and its state:
 *
 *   ctr       SUSPENDED   all checks that can be made; memory; nothing written
 *   preresume             the cache is taken over or loaded; formats
 *   resume    RUNNING
 *   presuspend SUSPENDING the sweep hands bios back, in a no-flush suspend
 *   undo      RUNNING     the suspend was interrupted
 *   postsuspend SUSPENDED writes to the cache device have ended, last commit;
 *                         reads of the origin may be under way still
 *   dtr                   waits for them
 *
 * In a reload the new table's ctr runs while the old one is RUNNING, its
 * preresume after the old one's postsuspend, and the old one's dtr last.
 */
#include <linux/crc32c.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <linux/sched/mm.h>

#include "break.h"
#include "cache.h"
#include "check.h"
#include "deferred.h"
#include "evict.h"
#include "fill.h"
#include "flight.h"
#include "heal.h"
#include "hit.h"
#include "insert.h"
#include "message.h"
#include "metadata.h"
#include "mode.h"
#include "name.h"
#include "pages.h"
#include "route.h"
#include "xfer.h"

struct workqueue_struct *corcache_wq;
struct workqueue_struct *corcache_commit_wq;

/* -------- Constructor ------------------------------------------------- */

/*
 * ti->error is read after the constructor has returned, and is never freed.  A
 * text lives until 16 more tables were refused.
 */
static const char *lasting_text(const char *text)
{
	static char texts[16][CORCACHE_REFUSAL_BYTES];
	static atomic_t next = ATOMIC_INIT(0);
	char *to = texts[atomic_inc_return(&next) % ARRAY_SIZE(texts)];

	strscpy(to, text, CORCACHE_REFUSAL_BYTES);
	return to;
}

static int get_devices(struct corcache_target *target, struct corcache_refusal *why)
{
	struct dm_target *ti = target->ti;
	int r;

	/*
	 * In this order: device-mapper cannot upgrade a handle from read-only
	 * to writable if both words name the same device.
	 */
	r = dm_get_device(ti, target->args.cache_path,
			  BLK_OPEN_READ | BLK_OPEN_WRITE, &target->cache_dev);
	if (r)
		return corcache_refuse(why, r, "cannot open cache device %s: error %d",
				       target->args.cache_path, r);
	r = dm_get_device(ti, target->args.origin_path, BLK_OPEN_READ,
			  &target->origin_dev);
	if (r)
		return corcache_refuse(why, r, "cannot open origin device %s: error %d",
				       target->args.origin_path, r);
	return 0;
}

static bool whole_and_part(struct block_device *a, struct block_device *b)
{
	return a->bd_disk == b->bd_disk &&
	       bdev_is_partition(a) != bdev_is_partition(b);
}

static int check_distinct(struct corcache_target *target, struct corcache_refusal *why)
{
	struct block_device *cache = target->cache_dev->bdev;
	struct block_device *origin = target->origin_dev->bdev;
	struct gendisk *self = dm_disk(dm_table_get_md(target->ti->table));

	if (cache->bd_dev == origin->bd_dev)
		return corcache_refuse(why, -EINVAL, "cache and origin are the same device %s",
				       target->cache_dev->name);
	if (whole_and_part(cache, origin))
		return corcache_refuse(why, -EINVAL,
				       "cache %s and origin %s are a disk and its own partition",
				       target->cache_dev->name, target->origin_dev->name);
	if (cache->bd_disk == self || origin->bd_disk == self)
		return corcache_refuse(why, -EINVAL, "%s %s is this very device",
				       cache->bd_disk == self ? "cache" : "origin",
				       cache->bd_disk == self ? target->cache_dev->name
							      : target->origin_dev->name);
	return 0;
}

static int check_kind(struct corcache_target *target, struct corcache_refusal *why)
{
	struct block_device *cache = target->cache_dev->bdev;
	struct block_device *origin = target->origin_dev->bdev;
	u64 origin_sectors = bdev_nr_sectors(origin);

	if (bdev_is_zoned(cache) || bdev_is_zoned(origin))
		return corcache_refuse(why, -EINVAL, "%s device %s is zoned",
				       bdev_is_zoned(cache) ? "cache" : "origin",
				       bdev_is_zoned(cache) ? target->cache_dev->name
							    : target->origin_dev->name);
	if (corcache_cache_used_elsewhere(cache))
		return corcache_refuse(why, -EINVAL,
				       "cache device %s is in use by another mapped device",
				       target->cache_dev->name);
	if (bdev_read_only(cache))
		return corcache_refuse(why, -EINVAL, "cache device %s is read-only",
				       target->cache_dev->name);
	if (origin_sectors && origin_sectors < target->ti->len)
		return corcache_refuse(why, -EINVAL,
				       "origin device %s has %llu sectors, the table wants %llu",
				       target->origin_dev->name, origin_sectors,
				       (u64)target->ti->len);
	return 0;
}

static int check_block_sizes(struct corcache_target *target, struct corcache_refusal *why)
{
	u32 block = target->args.block_sectors << SECTOR_SHIFT;
	u32 cache = bdev_logical_block_size(target->cache_dev->bdev);
	u32 origin = bdev_logical_block_size(target->origin_dev->bdev);
	u32 most = CORCACHE_META_ALIGN_SECTORS << SECTOR_SHIFT;
	u64 len = target->ti->len;

	if (cache > most)
		return corcache_refuse(why, -EINVAL,
				       "cache device %s has sectors of %u bytes, at most %u are supported",
				       target->cache_dev->name, cache, most);
	if (origin > block)
		return corcache_refuse(why, -EINVAL,
				       "origin device %s has sectors of %u bytes, more than a block of %u",
				       target->origin_dev->name, origin, block);
	/* device-mapper looks at this only when the old table is gone */
	if (len & ((origin >> SECTOR_SHIFT) - 1))
		return corcache_refuse(why, -EINVAL,
				       "length %llu is not a multiple of the %u sectors that a sector of origin device %s has",
				       len, origin >> SECTOR_SHIFT, target->origin_dev->name);
	return 0;
}

/* How a reader's buffer may lie in memory: what the origin alone would allow. */
static u32 reader_alignment(struct corcache_target *target)
{
	struct block_device *origin = target->origin_dev->bdev;

	return max_t(u32, bdev_dma_alignment(origin), bdev_logical_block_size(origin) - 1);
}

static void set_direct(struct corcache_target *target)
{
	struct block_device *cache = target->cache_dev->bdev;

	target->cache_lbs = bdev_logical_block_size(cache) >> SECTOR_SHIFT;
	target->direct_sectors = target->args.no_checksums ? target->cache_lbs :
							     target->args.block_sectors;
	target->tail_direct = !(target->ti->len & (target->cache_lbs - 1));
	target->vector_mask = (bdev_logical_block_size(cache) - 1) | bdev_dma_alignment(cache);
	target->check_vectors = bdev_logical_block_size(cache) >
				bdev_logical_block_size(target->origin_dev->bdev) ||
				bdev_dma_alignment(cache) > reader_alignment(target);
	/* one test for both: no read has no sectors */
	target->simple_mask = target->check_vectors ? ~0U : target->direct_sectors - 1;
}

/* For udev's rules, beside the dm event for those that wait for one. */
static void send_uevent(struct corcache_target *target, enum corcache_mode mode,
			enum corcache_reason reason)
{
	struct gendisk *disk = dm_disk(dm_table_get_md(target->ti->table));
	char mode_word[32], reason_word[32];
	char *env[3] = { mode_word, reason_word };

	snprintf(mode_word, sizeof(mode_word), "CORCACHE_MODE=%s", corcache_mode_name(mode));
	snprintf(reason_word, sizeof(reason_word), "CORCACHE_REASON=%s",
		 corcache_reason_name(reason));
	kobject_uevent_env(&disk_to_dev(disk)->kobj, KOBJ_CHANGE, env);
}

static void event_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(work, struct corcache_target,
						      event_work);
	static const char * const what[] = {
		[CORCACHE_FROZEN] = "frozen now: nothing is filled or evicted",
		[CORCACHE_BYPASS] = "bypassed now: all reads go to the origin",
	};

	enum corcache_mode mode = READ_ONCE(target->cache->mode);
	enum corcache_reason reason = READ_ONCE(target->cache->reason);
	struct corcache_md_name name;

	/* first, as readers wait for it; the rest may wait for device-mapper */
	if (mode == CORCACHE_BYPASS)
		corcache_route_release_bounces(target);
	if (mode == CORCACHE_ACTIVE)
		DMINFO("%s: cache is active again", corcache_target_name(target, &name));
	else
		DMWARN("%s: cache is %s (%s)", corcache_target_name(target, &name), what[mode],
		       corcache_reason_name(reason));
	corcache_heal_begin(target);
	send_uevent(target, mode, reason);
	dm_table_event(target->ti->table);
}

static void init_target(struct corcache_target *target, struct dm_target *ti)
{
	target->ti = ti;
	spin_lock_init(&target->lock);
	target->state = CORCACHE_SUSPENDED;
	mutex_init(&target->control_mutex);
	init_waitqueue_head(&target->wait);
	INIT_WORK(&target->event_work, event_work);
	corcache_check_init(target);
	corcache_fill_init(target);
	corcache_insert_init(target);
	corcache_route_init(target);
	corcache_heal_init(target);
}

static int build_target(struct corcache_target *target, unsigned int argc, char **argv,
			struct corcache_refusal *why)
{
	const char *name;
	int r;

	if (dm_table_get_mode(target->ti->table) & BLK_OPEN_WRITE)
		return corcache_refuse(why, -EINVAL,
				       "the table is writable: load it read-only (dmsetup create --readonly)");
	r = corcache_args_parse(&target->args, argc, argv, why);
	if (!r)
		r = get_devices(target, why);
	if (!r)
		r = check_distinct(target, why);
	if (!r)
		r = check_kind(target, why);
	if (!r)
		r = check_block_sizes(target, why);
	if (!r)
		r = corcache_cache_get(target, why);
	if (r)
		return r;

	set_direct(target);
	name = dm_device_name(dm_table_get_md(target->ti->table));
	/* readers wait for what this one submits, and it does little else */
	target->origin_wq = alloc_workqueue("corcache_o/%s", WQ_MEM_RECLAIM | WQ_UNBOUND |
					    WQ_HIGHPRI, 0, name);
	target->cache_wq = alloc_workqueue("corcache_c/%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0,
					   name);
	target->insert_wq = alloc_workqueue("corcache_i/%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0,
					    name);
	if (!target->origin_wq || !target->cache_wq || !target->insert_wq ||
	    corcache_xfer_init(target))
		return corcache_refuse(why, -ENOMEM, "no memory");
	return 0;
}

static void free_target(struct corcache_target *target)
{
	struct dm_target *ti = target->ti;

	if (target->origin_wq)
		destroy_workqueue(target->origin_wq);
	if (target->cache_wq)
		destroy_workqueue(target->cache_wq);
	if (target->insert_wq)
		destroy_workqueue(target->insert_wq);
	corcache_xfer_exit(target);
	if (target->cache)
		corcache_cache_put(target->cache);
	if (target->origin_dev)
		dm_put_device(ti, target->origin_dev);
	if (target->cache_dev)
		dm_put_device(ti, target->cache_dev);
	kfree(target);
}

static int corcache_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct corcache_target *target = kzalloc_obj(*target);
	struct corcache_refusal why = {};
	int r;

	if (!target) {
		ti->error = "no memory";
		return -ENOMEM;
	}
	init_target(target, ti);
	r = build_target(target, argc, argv, &why);
	if (r) {
		ti->error = (char *)lasting_text(why.text);
		free_target(target);
		return r;
	}
	ti->private = target;
	ti->per_io_data_size = sizeof(struct corcache_io);
	return 0;
}

static void corcache_dtr(struct dm_target *ti)
{
	struct corcache_target *target = ti->private;

	/* only the origin's driver ends a stall; no reader waits for this */
	wait_event_idle(target->wait, !READ_ONCE(target->xfers.nr));
	/* corcache_xfer_put() has let go of the lock */
	spin_lock_irq(&target->lock);
	spin_unlock_irq(&target->lock);
	corcache_cache_deactivate(target);
	cancel_work_sync(&target->event_work);
	corcache_heal_stop(target);
	corcache_route_stop(target);
	free_target(target);
}

/* -------- Bios -------------------------------------------------------- */

static int corcache_map(struct dm_target *ti, struct bio *bio)
{
	/* a table that is loaded read-only gets none; an image is not written */
	if (unlikely(bio_op(bio) != REQ_OP_READ))
		return DM_MAPIO_KILL;
	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	return corcache_route_map(ti->private, bio);
}

static int corcache_end_io(struct dm_target *ti, struct bio *bio,
			   blk_status_t *error)
{
	struct corcache_target *target = ti->private;
	struct corcache_io *io = corcache_io(bio);

	if (likely(io->stage == CORCACHE_STAGE_HIT))
		return corcache_hit_end_io(target, bio, io, *error);
	return DM_ENDIO_DONE;
}

/* -------- Suspend and resume ------------------------------------------ */

/*
 * From the hold on all I/O to its end, memory is allocated without waiting for
 * I/O: what is to be written to get some may lie above this very device.  That
 * holds for postsuspend and preresume, also for what the drivers below allocate.
 */

static void set_state(struct corcache_target *target, enum corcache_state state)
{
	spin_lock_irq(&target->lock);
	WRITE_ONCE(target->state, state);
	spin_unlock_irq(&target->lock);
}

static void corcache_presuspend(struct dm_target *ti)
{
	struct corcache_target *target = ti->private;

	target->noflush = dm_noflush_suspending(ti);
	set_state(target, CORCACHE_SUSPENDING);
	corcache_route_start_sweep(target);
}

static void corcache_presuspend_undo(struct dm_target *ti)
{
	struct corcache_target *target = ti->private;

	set_state(target, CORCACHE_RUNNING);
	corcache_route_stop_sweep(target);
	corcache_evict_start(target->cache);
}

static void corcache_postsuspend(struct dm_target *ti)
{
	struct corcache_target *target = ti->private;
	unsigned int noio = memalloc_noio_save();

	/* a message that writes has ended, or will find the target suspended */
	mutex_lock(&target->control_mutex);
	set_state(target, CORCACHE_SUSPENDED);
	mutex_unlock(&target->control_mutex);
	corcache_route_stop_sweep(target);
	/* first: it may start a check */
	corcache_heal_stop(target);
	corcache_check_stop(target);
	corcache_flight_drain(target);
	corcache_cache_deactivate(target);
	/* a last commit that failed, before the target was no owner any more */
	corcache_heal_stop(target);
	memalloc_noio_restore(noio);
}

static int corcache_preresume(struct dm_target *ti)
{
	struct corcache_target *target = ti->private;
	unsigned int noio = memalloc_noio_save();
	struct corcache_refusal why = {};
	struct corcache_md_name name;
	int r;

	/* the table is bound already: a message may come in the middle of it */
	mutex_lock(&target->control_mutex);
	r = corcache_cache_activate(target, &why);
	if (!r)
		corcache_heal_frozen(target);
	mutex_unlock(&target->control_mutex);
	memalloc_noio_restore(noio);
	if (r)
		DMERR("%s: cannot activate: %s", corcache_target_name(target, &name), why.text);
	return r;
}

static void corcache_resume(struct dm_target *ti)
{
	struct corcache_target *target = ti->private;

	corcache_check_start(target);
	set_state(target, CORCACHE_RUNNING);
	corcache_heal_begin(target);
	corcache_route_kick(target);
	corcache_evict_start(target->cache);
}

/* -------- Status and messages ----------------------------------------- */

#define CORCACHE_STAT_NAME(name) #name,
static const char * const stat_names[] = { CORCACHE_STATS(CORCACHE_STAT_NAME) };

/* What is at this moment, rather than counted. */
struct gauges {
	u64	used;
	u64	quota;
	u64	valid;
	enum corcache_mode mode;
	enum corcache_reason reason;
	u32	errors_left;
	u32	deferred;
	u32	stalled_ms;
	u32	transfers;
	u64	pinned;
	bool	unchecked;
};

static struct gauges read_gauges(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;
	struct gauges g = { .errors_left = corcache_mode_errors_left(cache) };

	spin_lock_irq(&cache->lock);
	g.mode = cache->mode;
	g.reason = cache->reason;
	g.quota = cache->owner ? cache->quota : READ_ONCE(target->args.quota_sectors) >>
						cache->geo.region_shift;
	g.used = cache->used;
	g.valid = cache->valid_blocks;
	g.pinned = cache->pinned;
	spin_unlock_irq(&cache->lock);

	spin_lock_irq(&target->lock);
	g.deferred = __corcache_deferred_count(&target->deferred);
	g.stalled_ms = __corcache_flight_stalled_ms(&target->flight);
	g.transfers = target->xfers.nr;
	g.unchecked = corcache_check_verdict(target) < CORCACHE_ORIGIN_EQUAL;
	spin_unlock_irq(&target->lock);
	return g;
}

/* Pairs that are no counters: the words first, then, after the counters, the gauges. */
#define WORD_PAIRS	1
#define GAUGE_PAIRS	6

static void emit_info(struct corcache_target *target, char *result, unsigned int maxlen)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	struct gauges g = read_gauges(target);
	unsigned int i, sz = 0;

	DMEMIT("%s %u %u %u %llu/%llu/%llu %llu %zu", corcache_mode_name(g.mode),
	       CORCACHE_FORMAT_VERSION, geo->region_sectors, geo->block_sectors, g.used, g.quota,
	       geo->nr_slots, g.valid, WORD_PAIRS + ARRAY_SIZE(stat_names) + GAUGE_PAIRS);
	DMEMIT(" reason %s", corcache_reason_name(g.reason));
	for (i = 0; i < ARRAY_SIZE(stat_names); i++)
		DMEMIT(" %s %llu", stat_names[i], corcache_cache_stat(cache, i));
	DMEMIT(" transfers %u deferred %u stalled_ms %u errors_left %u pinned %llu unchecked %u",
	       g.transfers, g.deferred, g.stalled_ms, g.errors_left, g.pinned, g.unchecked);
}

static void emit_table(struct corcache_target *target, char *result, unsigned int maxlen)
{
	/* all of it was set by the constructor, but for the quota: see message.c */
	struct corcache_args args = data_race(target->args);

	args.quota_sectors = READ_ONCE(target->args.quota_sectors);
	args.cache_path = target->cache_dev->name;
	args.origin_path = target->origin_dev->name;
	corcache_args_emit(&args, result, maxlen);
}

static void emit_ima(struct corcache_target *target, char *result, unsigned int maxlen)
{
	const struct corcache_args *args = &target->args;
	struct dm_target *ti = target->ti;
	unsigned int sz = 0;

	DMEMIT_TARGET_NAME_VERSION(ti->type);
	DMEMIT(",cache_device=%s,origin_device=%s,region_size=%u,block_size=%u,no_checksums=%c,discard=%c,policy=%s,origin_id=%s;",
	       target->cache_dev->name, target->origin_dev->name,
	       args->region_sectors, args->block_sectors,
	       args->no_checksums ? 'y' : 'n', args->discard ? 'y' : 'n',
	       corcache_policy_name(args->policy), args->origin_id);
}

static void corcache_status(struct dm_target *ti, status_type_t type,
			    unsigned int status_flags, char *result, unsigned int maxlen)
{
	struct corcache_target *target = ti->private;

	switch (type) {
	case STATUSTYPE_INFO:
		emit_info(target, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		emit_table(target, result, maxlen);
		break;
	case STATUSTYPE_IMA:
		emit_ima(target, result, maxlen);
		break;
	}
}

static int corcache_message_method(struct dm_target *ti, unsigned int argc,
				   char **argv, char *result, unsigned int maxlen)
{
	return corcache_message(ti->private, argc, argv);
}

/* -------- Devices and limits ------------------------------------------ */

static int corcache_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn,
				    void *data)
{
	struct corcache_target *target = ti->private;
	/* the core wants extents in sectors as large as those that we show */
	u64 unit = bdev_logical_block_size(target->origin_dev->bdev) >> SECTOR_SHIFT;
	int r;

	r = fn(ti, target->cache_dev, 0, round_down(target->cache->geo.cache_sectors, unit),
	       data);
	if (!r)
		r = fn(ti, target->origin_dev, 0, ti->len, data);
	return r;
}

/*
 * A cache device with larger sectors, or with other demands on how buffers lie
 * in memory, must not change what can be read: a boot loader reads single
 * sectors.  What the cache device cannot read as it is, is bounced.  Its optimal
 * size must not make readers read more of the origin: it sets how far is read
 * ahead.
 */
static void corcache_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct corcache_target *target = ti->private;
	struct block_device *origin = target->origin_dev->bdev;

	limits->logical_block_size = bdev_logical_block_size(origin);
	limits->dma_alignment = min_t(u32, limits->dma_alignment, reader_alignment(target));
	limits->io_opt = bdev_io_opt(origin);
}

static struct target_type corcache_target_type = {
	.name = "corcache",
	.version = {1, 0, 0},
	.features = DM_TARGET_SINGLETON | DM_TARGET_NOWAIT,
	.module = THIS_MODULE,
	.ctr = corcache_ctr,
	.dtr = corcache_dtr,
	.map = corcache_map,
	.end_io = corcache_end_io,
	.presuspend = corcache_presuspend,
	.presuspend_undo = corcache_presuspend_undo,
	.postsuspend = corcache_postsuspend,
	.preresume = corcache_preresume,
	.resume = corcache_resume,
	.status = corcache_status,
	.message = corcache_message_method,
	.iterate_devices = corcache_iterate_devices,
	.io_hints = corcache_io_hints,
};

/* -------- The module -------------------------------------------------- */

/*
 * The end of the system, whichever it is.  A device that is busy at this point
 * is never suspended or removed.
 */
static int corcache_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	corcache_cache_commit_all();
	return NOTIFY_DONE;
}

static struct notifier_block corcache_reboot_notifier = {
	.notifier_call = corcache_reboot,
	/* before the drivers below are told, which may stop the cache devices */
	.priority = INT_MAX,
};

/*
 * The memory that is saved says what stands on the cache devices.  What would be
 * written to them after that, while the image is written out, would not be known to
 * the kernel that comes back: it would read another region's blocks, and use slots
 * again that are not free.  The kernel that loads the image is kept from it as well.
 */
static int corcache_pm(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		return notifier_from_errno(corcache_cache_pause_all());
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		corcache_cache_unpause_all();
		break;
	case PM_SUSPEND_PREPARE:
		/* the battery may be empty before it comes back */
		corcache_cache_commit_all();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block corcache_pm_notifier = {
	.notifier_call = corcache_pm,
};

static int __init corcache_init(void)
{
	int r = -ENOMEM;

	/* a u64 is read in one piece without a lock: see struct corcache_slot */
	BUILD_BUG_ON(sizeof(long) < sizeof(u64));

	if (!corcache_breaks(0))
		DMERR("built with a fault on purpose (%d): for tests only", CORCACHE_BREAK);
	corcache_wq = alloc_workqueue("corcache", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!corcache_wq)
		return -ENOMEM;
	corcache_commit_wq = alloc_workqueue("corcache_commit",
					     WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!corcache_commit_wq)
		goto no_commit_wq;
	corcache_pages_init(corcache_wq);
	r = corcache_meta_init();
	if (r)
		goto no_meta;
	r = register_reboot_notifier(&corcache_reboot_notifier);
	if (r)
		goto no_notifier;
	r = register_pm_notifier(&corcache_pm_notifier);
	if (r)
		goto no_pm_notifier;
	r = dm_register_target(&corcache_target_type);
	if (r)
		goto not_registered;
	return 0;

not_registered:
	unregister_pm_notifier(&corcache_pm_notifier);
no_pm_notifier:
	unregister_reboot_notifier(&corcache_reboot_notifier);
no_notifier:
	corcache_meta_exit();
no_meta:
	destroy_workqueue(corcache_commit_wq);
no_commit_wq:
	destroy_workqueue(corcache_wq);
	return r;
}

static void __exit corcache_exit(void)
{
	dm_unregister_target(&corcache_target_type);
	unregister_pm_notifier(&corcache_pm_notifier);
	unregister_reboot_notifier(&corcache_reboot_notifier);
	corcache_meta_exit();
	corcache_pages_exit();
	destroy_workqueue(corcache_commit_wq);
	destroy_workqueue(corcache_wq);
}

module_init(corcache_init);
module_exit(corcache_exit);

MODULE_DESCRIPTION("device-mapper copy-on-read cache for immutable remote images");
MODULE_AUTHOR("dm-corcache maintainers");
MODULE_VERSION("1.0.0");
MODULE_SOFTDEP("pre: crc32c");
MODULE_LICENSE("GPL");
