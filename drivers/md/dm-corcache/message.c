// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache message: what `dmsetup message` can ask for.
 *
 * Owns the checks that need the running device; args.c parses the words.  Every
 * message is done when it returns 0.  Device-mapper keeps the table alive
 * meanwhile; control_mutex lets one run at a time, and none that writes once the
 * target is suspended.
 *
 * What keeps the table alive keeps a suspend waiting, which has all I/O held by
 * then.  So a message that is long goes in pieces, ends with -EBUSY between two of
 * them when a suspend waits, and has to be given again.  All waits are killable, but
 * for those for the cache device itself.
 */
#include "cache.h"
#include "commit.h"
#include "evict.h"
#include "flight.h"
#include "heal.h"
#include "index.h"
#include "message.h"
#include "name.h"
#include "pin.h"

/* May metadata be written? */
static int writable(struct corcache_target *target)
{
	/* also when the system hibernates: user space is still there for a moment */
	if (READ_ONCE(target->state) == CORCACHE_SUSPENDED || corcache_index_paused())
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
	/* what was answered counts as cached: it is published first */
	r = corcache_flight_settle(target);
	if (r)
		return r;
	/* what is to be freed anyway is freed by this commit */
	flush_delayed_work(&cache->reclaim_work);
	return corcache_commit_killable(cache);
}

static int evict(struct corcache_target *target, u64 start, u64 sectors)
{
	struct corcache_cache *cache = target->cache;
	corcache_block_t first = corcache_sector_to_block(&cache->geo, start);
	corcache_block_t last = corcache_sector_to_block(&cache->geo, start + sectors - 1);
	struct corcache_eviction e;
	int r = writable(target);
	bool more = true;

	/* also what was answered and is still being written to the cache */
	if (!r)
		r = corcache_flight_settle(target);
	if (r)
		return r;
	corcache_evict_begin(cache, &e, first, block_distance(first, last) + 1);
	while (more && !r) {
		more = corcache_evict_some(target, &e);
		r = corcache_commit_killable(cache);
		if (!r && more)
			r = corcache_evict_may_go_on(target);
	}
	return r;
}

/* Pin, or unpin, and make that durable as far as it is cached. */
static int pin(struct corcache_target *target, u64 start, u64 sectors, bool pins)
{
	struct corcache_cache *cache = target->cache;
	corcache_block_t first = corcache_sector_to_block(&cache->geo, start);
	corcache_block_t last = corcache_sector_to_block(&cache->geo, start + sectors - 1);
	struct corcache_refusal why;
	struct corcache_md_name name;
	int r = writable(target);

	if (r)
		return r;
	if (pins)
		r = corcache_pin(cache, first, last, &why);
	else
		corcache_unpin(cache, first, last);
	if (r) {
		DMERR("%s: %s", corcache_target_name(target, &name), why.text);
		return r;
	}
	return corcache_commit_killable(cache);
}

static int check_range(struct corcache_target *target, const char *name, u64 start, u64 sectors)
{
	struct corcache_md_name md_name;

	if (start < target->ti->len && sectors <= target->ti->len - start)
		return 0;
	DMERR("%s: message %s: sectors %llu to %llu are not within the %llu of the device",
	      corcache_target_name(target, &md_name), name, start, start + sectors - 1,
	      (u64)target->ti->len);
	return -EINVAL;
}

static int set_quota(struct corcache_target *target, u64 sectors)
{
	struct corcache_cache *cache = target->cache;
	const struct corcache_geometry *geo = &cache->geo;
	u64 slots = sectors >> geo->region_shift;
	struct corcache_md_name name;
	int r;

	if (!slots || sectors > geo->nr_slots << geo->region_shift) {
		DMERR("%s: message quota: %llu is not between a region (%u) and the data area (%llu sectors)",
		      corcache_target_name(target, &name), sectors, geo->region_sectors,
		      geo->nr_slots << geo->region_shift);
		return -EINVAL;
	}
	/* a suspended target's cache is not written to */
	if (READ_ONCE(target->state) == CORCACHE_SUSPENDED || corcache_index_paused())
		r = corcache_cache_set_quota_suspended(cache, slots);
	else
		r = corcache_cache_set_quota(target, slots);
	if (!r)
		/* what the table line says, and the next resume sets */
		WRITE_ONCE(target->args.quota_sectors, slots << geo->region_shift);
	return r;
}

static int heal(struct corcache_target *target)
{
	struct corcache_refusal why = {};
	struct corcache_md_name name;
	int r;

	if (READ_ONCE(target->state) == CORCACHE_SUSPENDED)
		return -EBUSY;
	r = corcache_heal_now(target, &why);
	if (r)
		DMERR("%s: message recover: %s", corcache_target_name(target, &name), why.text);
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
		return check_range(target, "evict", msg->start, msg->sectors) ?:
		       evict(target, msg->start, msg->sectors);
	case CORCACHE_MESSAGE_EVICT_ALL:
		return evict(target, 0, target->ti->len);
	case CORCACHE_MESSAGE_RECOVER:
		return heal(target);
	case CORCACHE_MESSAGE_PIN:
		return check_range(target, "pin", msg->start, msg->sectors) ?:
		       pin(target, msg->start, msg->sectors, true);
	case CORCACHE_MESSAGE_UNPIN:
		return check_range(target, "unpin", msg->start, msg->sectors) ?:
		       pin(target, msg->start, msg->sectors, false);
	case CORCACHE_MESSAGE_RESET_STATS:
		corcache_cache_reset_stats(target->cache);
		return 0;
	}
	return -EINVAL;
}

int corcache_message(struct corcache_target *target, unsigned int argc,
		     char **argv)
{
	struct corcache_refusal why;
	struct corcache_message msg;
	struct corcache_md_name name;
	int r;

	if (corcache_message_parse(&msg, argc, argv, &why)) {
		DMERR("%s: %s", corcache_target_name(target, &name), why.text);
		return -EINVAL;
	}
	if (mutex_lock_killable(&target->control_mutex))
		return -EINTR;
	r = run(target, &msg);
	mutex_unlock(&target->control_mutex);
	return r;
}
