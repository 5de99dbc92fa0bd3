// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache message: what `dmsetup message` can ask for.
 *
 * Owns the checks that need the running device; the words are parsed in
 * dm-corcache-args.c.  Every message is done when it returns.  Device-mapper
 * keeps the table alive meanwhile; control_mutex lets one run at a time, and
 * none that writes once the target is suspended.
 */
#include "dm-corcache-cache.h"
#include "dm-corcache-evict.h"
#include "dm-corcache-fill.h"
#include "dm-corcache-message.h"
#include "dm-corcache-metadata.h"

/* May metadata be written? */
static int writable(struct corcache_target *target)
{
	if (READ_ONCE(target->state) == CORCACHE_SUSPENDED)
		return -EBUSY;
	if (READ_ONCE(target->cache->mode) != CORCACHE_ACTIVE)
		return -EIO;
	return 0;
}

static int commit(struct corcache_target *target)
{
	struct corcache_cache *cache = target->cache;
	int r = writable(target);

	if (r)
		return r;
	/* what was answered is as good as cached for who asks for it */
	corcache_fill_settle(target);
	/* what is to be freed anyway is freed by this commit */
	flush_delayed_work(&cache->reclaim_work);
	return corcache_meta_commit(cache);
}

static int evict(struct corcache_target *target, u64 start, u64 sectors)
{
	struct corcache_cache *cache = target->cache;
	u64 first = corcache_sector_to_block(&cache->geo, start);
	u64 last = corcache_sector_to_block(&cache->geo, start + sectors - 1);
	int r = writable(target);

	if (r)
		return r;
	/* what was answered, and is still on its way to the cache, as well */
	corcache_fill_settle(target);
	corcache_evict(cache, first, last - first + 1);
	return corcache_meta_commit(cache);
}

static int evict_range(struct corcache_target *target, u64 start, u64 sectors)
{
	if (start >= target->ti->len || sectors > target->ti->len - start) {
		DMERR("%s: message evict: sectors %llu to %llu are not within the %llu of the device",
		      corcache_name(target), start, start + sectors - 1,
		      (u64)target->ti->len);
		return -EINVAL;
	}
	return evict(target, start, sectors);
}

static int set_quota(struct corcache_target *target, u64 sectors)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u64 slots = sectors >> geo->region_shift;
	int r;

	if (!slots || sectors > geo->nr_slots << geo->region_shift) {
		DMERR("%s: message quota: %llu is not between a region (%u) and the data area (%llu sectors)",
		      corcache_name(target), sectors, geo->region_sectors,
		      geo->nr_slots << geo->region_shift);
		return -EINVAL;
	}
	/* a suspended target's cache is not written to */
	if (READ_ONCE(target->state) == CORCACHE_SUSPENDED)
		r = corcache_cache_set_quota_suspended(cache, slots);
	else
		r = corcache_cache_set_quota(cache, slots);
	if (!r)
		/* what the table line says, and the next resume sets */
		WRITE_ONCE(target->args.quota_sectors, slots << geo->region_shift);
	return r;
}

static int run(struct corcache_target *target, const struct corcache_message *msg)
{
	switch (msg->kind) {
	case CORCACHE_MESSAGE_COMMIT:
		return commit(target);
	case CORCACHE_MESSAGE_QUOTA:
		return set_quota(target, msg->sectors);
	case CORCACHE_MESSAGE_EVICT:
		return evict_range(target, msg->start, msg->sectors);
	case CORCACHE_MESSAGE_EVICT_ALL:
		return evict(target, 0, target->ti->len);
	case CORCACHE_MESSAGE_RESET_STATS:
		corcache_cache_reset_stats(target->cache);
		return 0;
	}
	return -EINVAL;
}

int corcache_message(struct corcache_target *target, unsigned int argc,
		     char **argv)
{
	char err[CORCACHE_ERR_LEN];
	struct corcache_message msg;
	int r;

	if (corcache_message_parse(&msg, argc, argv, err, sizeof(err))) {
		DMERR("%s: %s", corcache_name(target), err);
		return -EINVAL;
	}
	mutex_lock(&target->control_mutex);
	r = run(target, &msg);
	mutex_unlock(&target->control_mutex);
	return r;
}
