// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache's own policies: drivers/md/dm-corcache-policy.c, the file that
 * runs in the kernel, driven as the kernel drives it, but with evictions that
 * take no time.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "dm-corcache-policy.h"
#include "driver.h"
#include "policies.h"

#define MOST_ROUNDS	4

struct corcache {
	struct corcache_policy policy;
	struct driver driver;
	void	*memory;
};

static void *corcache_start(const struct setup *setup, enum corcache_policy_kind kind)
{
	struct corcache *c = get_memory(1, sizeof(*c));
	struct driver *d = &c->driver;

	driver_init(d, setup);
	c->memory = get_memory(corcache_policy_bytes(kind, d->nr_slots), 1);
	corcache_policy_init(&c->policy, kind, d->nr_slots, c->memory);
	corcache_policy_set_quota(&c->policy, d->quota);
	return c;
}

static void *stop_start(const struct setup *setup)
{
	return corcache_start(setup, CORCACHE_POLICY_STOP);
}

static void *adaptive_start(const struct setup *setup)
{
	return corcache_start(setup, CORCACHE_POLICY_ADAPTIVE);
}

static bool evictable(void *context, u32 slot)
{
	return driver_used(context, slot);
}

static u32 region(void *context, u32 slot)
{
	return driver_region(context, slot);
}

static const struct corcache_policy_ops ops = {
	.evictable = evictable,
	.region = region,
};

/*
 * As many calls as it takes, and as many rounds as the policy may need until
 * nothing looks as if it had just been used.  NO_SLOT: there is no victim.
 */
static u32 find_victim(struct corcache *c)
{
	u32 slot = CORCACHE_POLICY_NO_SLOT;
	u32 rounds, left;

	for (rounds = 0; rounds < MOST_ROUNDS; rounds++)
		for (left = c->driver.nr_slots; left && slot == CORCACHE_POLICY_NO_SLOT;)
			slot = corcache_policy_victim(&c->policy, &ops, &c->driver, &left);
	return slot;
}

static void make_room(struct corcache *c)
{
	struct driver *d = &c->driver;

	while (corcache_policy_wanted(&c->policy, d->used)) {
		u32 slot = find_victim(c);

		if (slot == CORCACHE_POLICY_NO_SLOT)
			break;
		driver_say(d, "evict", d->block[slot]);
		corcache_policy_remove(&c->policy, slot, driver_region(d, slot), true);
		driver_release(d, slot);
	}
}

static void admit(struct corcache *c, u32 block, u64 bits)
{
	struct driver *d = &c->driver;
	u32 slot = d->used < d->quota ? driver_take(d, block) : NONE;

	if (slot == NONE) {
		/* none is free: it is read uncached */
		driver_say(d, "full", block);
		return;
	}
	driver_fill(d, slot, bits);
	driver_say(d, "admit", block);
	corcache_policy_insert(&c->policy, slot, driver_region(d, slot));
}

/*
 * A read of blocks that are not all valid in a region that has a slot is none
 * of the policy's business, neither a hit nor a miss to it.
 */
static bool corcache_access(void *state, u32 block, u64 bits)
{
	struct corcache *c = state;
	struct driver *d = &c->driver;
	u32 entry = d->entry[block];

	if (entry) {
		if (driver_fill(d, entry - 1, bits))
			corcache_policy_touch(&c->policy, entry - 1);
		return true;
	}
	if (corcache_policy_miss(&c->policy, trace_region(d->trace, block), d->valid ? bits : ~0ULL))
		admit(c, block, bits);
	else
		driver_say(d, "reject", block);
	make_room(c);
	return false;
}

static void corcache_end(void *state)
{
	struct corcache *c = state;

	driver_free(&c->driver);
	free(c->memory);
	free(c);
}

const struct sim_policy policy_stop = {
	.name = "stop",
	.about = "dm-corcache: keep what is there, read the rest uncached",
	.start = stop_start,
	.access = corcache_access,
	.end = corcache_end,
};

const struct sim_policy policy_adaptive = {
	.name = "adaptive",
	.about = "dm-corcache: see drivers/md/dm-corcache-policy.c",
	.start = adaptive_start,
	.access = corcache_access,
	.end = corcache_end,
};
