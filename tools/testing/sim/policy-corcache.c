// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache's own policies: drivers/md/dm-corcache/policy.c, the file that
 * runs in the kernel, driven as the kernel drives it.  Time is counted in
 * accesses: a commit, which makes free what was evicted, takes --evict-delay.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "policy.h"
#include "driver.h"
#include "policies.h"

#define MOST_ROUNDS	4

struct corcache {
	struct corcache_policy policy;
	struct driver driver;
	void	*memory;
	const struct setup *setup;
	u32	delay;		/* accesses that a commit takes */
	u64	now;		/* accesses so far */
	bool	waiting, committing;
	u64	starts, ends;	/* waiting: until then, committing: until then */
	struct counts counts;
};

/* As index.c: from @hint of each slot in use on; NULL: there are none. */
static void start_policy(struct corcache *c, enum corcache_policy_kind kind, const u32 *hint)
{
	struct driver *d = &c->driver;
	u32 slot;

	free(c->memory);
	c->memory = get_memory(corcache_policy_bytes(kind, d->nr_slots), 1);
	corcache_policy_init(&c->policy, kind, d->nr_slots, c->memory);
	for (slot = 0; slot < d->nr_slots; slot++)
		if (driver_used(d, slot))
			corcache_policy_restore(&c->policy, slot, driver_region(d, slot),
						hint ? hint[slot] : 0);
	corcache_policy_set_quota(&c->policy, d->quota);
}

/* Between two accesses: all is durable, and what the policy knew is gone. */
static void restart(struct corcache *c)
{
	struct driver *d = &c->driver;
	u32 *hint = get_memory(d->nr_slots, sizeof(*hint)), slot;

	driver_free_retired(d);
	c->waiting = false;
	c->committing = false;
	for (slot = 0; slot < d->nr_slots; slot++)
		hint[slot] = corcache_policy_hint(&c->policy, slot);
	start_policy(c, c->policy.kind, c->setup->no_hints ? NULL : hint);
	free(hint);
}

static void *corcache_start(const struct setup *setup, enum corcache_policy_kind kind)
{
	struct corcache *c = get_memory(1, sizeof(*c));

	driver_init(&c->driver, setup);
	start_policy(c, kind, NULL);
	c->setup = setup;
	c->delay = setup->evict_delay;
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

/* What is evicted leaves at once; its slot is free when the commit has ended. */
static void retire_victims(struct corcache *c)
{
	struct driver *d = &c->driver;

	while (corcache_policy_wanted(&c->policy, d->used - d->retired)) {
		u32 slot = find_victim(c);

		if (slot == CORCACHE_POLICY_NO_SLOT)
			break;
		driver_say(d, "evict", d->block[slot]);
		corcache_policy_remove(&c->policy, slot, driver_region(d, slot), true);
		driver_retire(d, slot);
	}
}

static void end_commit(struct corcache *c)
{
	driver_free_retired(&c->driver);
	corcache_policy_cycle(&c->policy);
}

/*
 * As evict.c: the work starts some time after a slot was wanted, and not while
 * it runs; it retires what is wanted by then, and commits.
 */
static void reclaim(struct corcache *c)
{
	struct driver *d = &c->driver;

	if (c->committing && c->now >= c->ends) {
		end_commit(c);
		c->committing = false;
	}
	if (corcache_policy_wanted(&c->policy, d->used - d->retired)) {
		u64 starts = c->now + corcache_policy_delay(&c->policy, d->used - d->retired, c->delay);

		c->starts = c->waiting ? min(c->starts, starts) : starts;
		c->waiting = true;
	}
	if (c->committing || !c->waiting || c->now < c->starts)
		return;
	c->waiting = false;
	retire_victims(c);
	if (!d->retired)
		return;
	c->counts.commits++;
	c->ends = c->now + c->delay;
	if (c->delay)
		c->committing = true;
	else
		end_commit(c);
}

static void admit(struct corcache *c, u32 block, u64 bits)
{
	struct driver *d = &c->driver;
	u32 slot = driver_take(d, block);

	c->counts.admitted++;
	if (slot == NONE) {
		/* none is free: it is read uncached */
		driver_say(d, "full", block);
		c->counts.full++;
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
	u32 entry;

	if (c->now && c->now == c->setup->restart)
		restart(c);
	c->now++;
	if (c->waiting || c->committing)
		reclaim(c);
	entry = d->entry[block];
	if (entry) {
		if (driver_fill(d, entry - 1, bits))
			corcache_policy_touch(c->policy.visited, entry - 1, 1);
		return true;
	}
	if (corcache_policy_miss(&c->policy, trace_region(d->trace, block), d->valid ? bits : ~0ULL))
		admit(c, block, bits);
	else
		driver_say(d, "reject", block);
	reclaim(c);
	return false;
}

static void corcache_counts(void *state, struct counts *counts)
{
	struct corcache *c = state;

	*counts = c->counts;
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
	.counts = corcache_counts,
	.end = corcache_end,
};

const struct sim_policy policy_adaptive = {
	.name = "adaptive",
	.about = "dm-corcache: see drivers/md/dm-corcache/policy.c",
	.start = adaptive_start,
	.access = corcache_access,
	.counts = corcache_counts,
	.end = corcache_end,
};
