// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies: what is let in and who goes, at any quota; and what `adaptive`
 * makes of workloads of which the best is known.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "../policy.h"
#include "test.h"

/* Blocks: the whole region. */
#define ALL		(~0ULL)

#define SLOTS		100
#define GUARD_BYTES	64
#define GUARD		0xa5
#define NO_REGION	U32_MAX

/*
 * A cache without data: who has which slot.  Slots are given from the lowest
 * free one up, as in the kernel.
 */
struct cache {
	struct kunit *test;
	struct corcache_policy policy;
	void	*memory;
	u8	*guard;
	u32	nr_slots;
	u32	quota;
	u32	used;
	u32	nr_regions;
	u32	*region;	/* by slot */
	u32	*slot;		/* by region */
	u32	free;		/* none is free below */
	bool	*pinned;	/* by slot: not evictable */
	u32	asked;
	u64	admitted;
	u64	decisions;	/* a hash of all of them */
};

static void *zeroed(struct kunit *test, u64 bytes)
{
	void *p = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

static struct cache *start(struct kunit *test, enum corcache_policy_kind kind, u32 nr_slots,
			   u32 quota, u32 nr_regions)
{
	u64 bytes = corcache_policy_bytes(kind, nr_slots);
	struct cache *c = zeroed(test, sizeof(*c));

	c->test = test;
	c->memory = zeroed(test, bytes + GUARD_BYTES);
	c->guard = (u8 *)c->memory + bytes;
	memset(c->guard, GUARD, GUARD_BYTES);
	c->nr_slots = nr_slots;
	c->quota = quota;
	c->nr_regions = nr_regions;
	c->region = zeroed(test, nr_slots * sizeof(u32));
	c->slot = zeroed(test, nr_regions * sizeof(u32));
	c->pinned = zeroed(test, nr_slots);
	memset(c->region, 0xff, nr_slots * sizeof(u32));
	memset(c->slot, 0xff, nr_regions * sizeof(u32));
	corcache_policy_init(&c->policy, kind, nr_slots, c->memory);
	corcache_policy_set_quota(&c->policy, quota);
	return c;
}

static void end(struct cache *c)
{
	KUNIT_ASSERT_FALSE(c->test, memchr_inv(c->guard, GUARD, GUARD_BYTES));
	kunit_kfree(c->test, c->memory);
	kunit_kfree(c->test, c->region);
	kunit_kfree(c->test, c->slot);
	kunit_kfree(c->test, c->pinned);
	kunit_kfree(c->test, c);
}

static void note(struct cache *c, u32 what, u32 region)
{
	c->decisions = (c->decisions ^ (((u64)what << 32) + region)) * 0x100000001b3ULL;
}

static bool evictable(void *context, u32 slot)
{
	struct cache *c = context;

	KUNIT_ASSERT_LT_MSG(c->test, slot, c->nr_slots, "asked for slot %u", slot);
	c->asked++;
	return c->region[slot] != NO_REGION && !c->pinned[slot];
}

static u32 region_in(void *context, u32 slot)
{
	struct cache *c = context;

	KUNIT_ASSERT_TRUE(c->test, slot < c->nr_slots && c->region[slot] != NO_REGION);
	return c->region[slot];
}

static const struct corcache_policy_ops ops = {
	.evictable = evictable,
	.region = region_in,
};

static void put(struct cache *c, u32 slot, u32 region)
{
	c->region[slot] = region;
	c->slot[region] = slot;
	c->used++;
	corcache_policy_insert(&c->policy, slot, region);
}

static void put_restored(struct cache *c, u32 slot, u32 region, u32 hint)
{
	c->region[slot] = region;
	c->slot[region] = slot;
	c->used++;
	corcache_policy_restore(&c->policy, slot, region, hint);
}

/* The same cache at its next start, with or without what was stored. */
static struct cache *restarted(const struct cache *c, bool hints)
{
	struct cache *again = start(c->test, c->policy.kind, c->nr_slots, c->quota,
				    c->nr_regions);
	u32 slot;

	for (slot = 0; slot < c->nr_slots; slot++)
		if (c->region[slot] != NO_REGION)
			put_restored(again, slot, c->region[slot],
				     hints ? corcache_policy_hint(&c->policy, slot) : 0);
	corcache_policy_set_quota(&again->policy, c->quota);
	return again;
}

static void drop(struct cache *c, u32 slot, bool victim)
{
	u32 region = c->region[slot];

	c->region[slot] = NO_REGION;
	c->slot[region] = U32_MAX;
	c->free = min(c->free, slot);
	c->used--;
	corcache_policy_remove(&c->policy, slot, region, victim);
}

/* As who frees slots asks: until a full turn has found nothing. */
static u32 find_victim(struct cache *c)
{
	u32 left = c->nr_slots, before, asked, slot;

	while (left) {
		before = left;
		asked = c->asked;
		slot = corcache_policy_victim(&c->policy, &ops, c, &left);
		KUNIT_ASSERT_LE(c->test, c->asked - asked,
				CORCACHE_POLICY_STEPS + 3 * CORCACHE_POLICY_CANDIDATES);
		KUNIT_ASSERT_TRUE(c->test, left <= before &&
				  before - left <= CORCACHE_POLICY_STEPS);
		if (slot != CORCACHE_POLICY_NO_SLOT) {
			KUNIT_ASSERT_TRUE(c->test, evictable(c, slot));
			return slot;
		}
		KUNIT_ASSERT_LT(c->test, left, before);
	}
	KUNIT_ASSERT_EQ(c->test, corcache_policy_victim(&c->policy, &ops, c, &left),
			CORCACHE_POLICY_NO_SLOT);
	return CORCACHE_POLICY_NO_SLOT;
}

static void make_room(struct cache *c)
{
	while (corcache_policy_wanted(&c->policy, c->used)) {
		u32 slot = find_victim(c);

		if (slot == CORCACHE_POLICY_NO_SLOT)
			break;
		note(c, 'e', c->region[slot]);
		drop(c, slot, true);
	}
	corcache_policy_cycle(&c->policy);
}

static u32 find_free(struct cache *c)
{
	while (c->region[c->free] != NO_REGION)
		c->free++;
	return c->free;
}

static bool access_region(struct cache *c, u32 region)
{
	bool admit;

	if (c->slot[region] != U32_MAX) {
		corcache_policy_touch(c->policy.visited, c->slot[region], 1);
		return true;
	}
	admit = corcache_policy_miss(&c->policy, region, ALL);
	note(c, admit ? 'a' : 'r', region);
	if (admit && c->used < c->quota) {
		put(c, find_free(c), region);
		c->admitted++;
	}
	make_room(c);
	return false;
}

/* @n accesses to regions @from, @from + 1, ... of a loop of @length: hits. */
static u32 loop(struct cache *c, u32 from, u32 length, u32 n)
{
	u32 i, hits = 0;

	for (i = 0; i < n; i++)
		hits += access_region(c, from + i % length);
	return hits;
}

/* What can be seen from outside of what `adaptive` keeps. */
static void check_adaptive(const struct cache *c)
{
	const struct corcache_policy *policy = &c->policy;
	u32 i, j, used = 0;

	for (i = 0; i < c->nr_slots; i++) {
		KUNIT_ASSERT_TRUE(c->test, !policy->history[i] == (c->region[i] == NO_REGION));
		used += !!policy->history[i];
	}
	KUNIT_ASSERT_EQ(c->test, used, policy->used);
	KUNIT_ASSERT_EQ(c->test, used, c->used);
	KUNIT_ASSERT_LE(c->test, policy->hand, c->nr_slots);
	KUNIT_ASSERT_LE(c->test, policy->nr_candidates, CORCACHE_POLICY_CANDIDATES);
	for (i = 0; i < policy->nr_candidates; i++) {
		KUNIT_ASSERT_LT(c->test, policy->candidate[i], c->nr_slots);
		for (j = 0; j < i; j++)
			KUNIT_ASSERT_NE(c->test, policy->candidate[i], policy->candidate[j]);
	}
	KUNIT_ASSERT_FALSE(c->test, memchr_inv(c->guard, GUARD, GUARD_BYTES));
}

static void test_names(struct kunit *test)
{
	unsigned int kind;

	KUNIT_EXPECT_STREQ(test, corcache_policy_name(CORCACHE_POLICY_STOP), "stop");
	KUNIT_EXPECT_STREQ(test, corcache_policy_name(CORCACHE_POLICY_ADAPTIVE), "adaptive");
	for (kind = CORCACHE_POLICY_ADAPTIVE + 1; kind < 100; kind++)
		KUNIT_ASSERT_FALSE(test, corcache_policy_name(kind));
}

static void test_memory(struct kunit *test)
{
	u32 i;

	KUNIT_EXPECT_LE(test, sizeof(struct corcache_policy), 5632);
	KUNIT_EXPECT_EQ(test, corcache_policy_bytes(CORCACHE_POLICY_STOP, U32_MAX), 0);
	for (i = 0; i < 10000; i++) {
		u32 nr_slots = 1 + (u32)corcache_magnitude() % (U32_MAX - 1);
		u64 bytes = corcache_policy_bytes(CORCACHE_POLICY_ADAPTIVE, nr_slots);

		KUNIT_ASSERT_LE_MSG(test, bytes, 15ULL * nr_slots / 2 + 100,
				    "%llu bytes for %u slots", bytes, nr_slots);
		KUNIT_ASSERT_GE(test, bytes, 3ULL * nr_slots + nr_slots / 8);
	}
}

static void test_stop_admits(struct kunit *test)
{
	struct cache *c;
	u32 i;

	c = start(test, CORCACHE_POLICY_STOP, SLOTS, 40, 1000);
	KUNIT_EXPECT_EQ(test, loop(c, 0, 100, 2000), 19 * 40);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_TRUE(test, c->slot[i] == (i < 40 ? i : U32_MAX));
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, 40), 0);
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, 41), 1);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 500, ALL));
	drop(c, 7, false);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 500, ALL));
	end(c);
}

static void test_stop_victims_from_the_top(struct kunit *test)
{
	struct cache *c;
	u32 i;

	c = start(test, CORCACHE_POLICY_STOP, SLOTS, SLOTS, 1000);
	loop(c, 0, SLOTS, SLOTS);
	c->quota = 30;
	corcache_policy_set_quota(&c->policy, 30);
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, c->used), SLOTS - 30);
	for (i = 1; i < SLOTS; i += 3)
		c->pinned[i] = true;
	for (i = SLOTS; i--; )
		if (!c->pinned[i])
			KUNIT_ASSERT_EQ(test, find_victim(c), i);
	memset(c->pinned, 1, SLOTS);
	c->asked = 0;
	KUNIT_EXPECT_EQ(test, find_victim(c), CORCACHE_POLICY_NO_SLOT);
	KUNIT_EXPECT_EQ(test, c->asked, SLOTS);
	end(c);
}

/* The only one that may go is at the other end of many slots. */
static void test_few_steps(struct kunit *test)
{
	static const enum corcache_policy_kind kinds[] = {
		CORCACHE_POLICY_STOP, CORCACHE_POLICY_ADAPTIVE,
	};
	const u32 n = 10 * CORCACHE_POLICY_STEPS;
	struct cache *c;
	u32 k, i;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		c = start(test, kinds[k], n, n, n);
		for (i = 0; i < n; i++)
			put(c, i, i);
		memset(c->pinned, 1, n);
		i = kinds[k] == CORCACHE_POLICY_STOP ? 0 : n - 1;
		c->pinned[i] = false;
		KUNIT_ASSERT_EQ(test, find_victim(c), i);
		c->pinned[i] = true;
		KUNIT_ASSERT_EQ(test, find_victim(c), CORCACHE_POLICY_NO_SLOT);
		end(c);
	}
}

/* Whatever the quota: all that may go is found, each once. */
static void test_adaptive_empties(struct kunit *test)
{
	struct cache *c;
	u32 round, i, rest;

	for (round = 0; round < 200; round++) {
		u32 n = 1 + corcache_below(300);

		c = start(test, CORCACHE_POLICY_ADAPTIVE, n, n, n);
		for (i = 0, rest = 0; i < n; i++) {
			if (corcache_below(3))
				put(c, i, i);
			c->pinned[i] = !corcache_below(4);
			rest += c->region[i] != NO_REGION && !c->pinned[i];
		}
		for (; rest; rest--) {
			u32 slot = find_victim(c);

			KUNIT_ASSERT_LT(test, slot, n);
			drop(c, slot, true);
		}
		KUNIT_ASSERT_EQ(test, find_victim(c), CORCACHE_POLICY_NO_SLOT);
		check_adaptive(c);
		end(c);
	}
}

static void test_quota_of_one(struct kunit *test)
{
	struct cache *c;
	u32 i, hits = 0;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1, 1, 10);
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, 0), 0);
	KUNIT_EXPECT_FALSE(test, access_region(c, 3));
	for (i = 0; i < 1000; i++)
		hits += access_region(c, 3);
	KUNIT_EXPECT_EQ(test, hits, 1000);
	KUNIT_EXPECT_LE(test, c->used, 1);
	/* another one, for good: it gets the slot some time */
	for (i = 0, hits = 0; i < 1000; i++)
		hits += access_region(c, 4);
	KUNIT_EXPECT_GT_MSG(test, hits, 900, "%u hits", hits);
	end(c);
}

static void test_reserve_is_kept(struct kunit *test)
{
	static const u32 quotas[][2] = {
		{ 2, 1 }, { 31, 1 }, { 32, 2 }, { 64, 4 }, { 512, 4 }, { 1024, 8 },
		{ 12800, 100 }, { 40000, 256 },
	};
	struct cache *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(quotas); i++) {
		u32 quota = quotas[i][0], reserve = quotas[i][1];

		c = start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, 3 * quota);
		/* what fits has all of it */
		KUNIT_ASSERT_EQ(test, loop(c, 0, quota, 3 * quota), 2 * quota);
		KUNIT_ASSERT_EQ(test, c->used, quota);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), 0);
		/* another set that is used again and again: something has to go */
		loop(c, quota, quota, 20 * quota);
		KUNIT_ASSERT_TRUE(test, c->policy.replacing);
		KUNIT_ASSERT_EQ_MSG(test, c->used, quota - reserve, "%u of %u", c->used, quota);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), reserve);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota - reserve), 0);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, 0), 0);
		/* a new quota is a new start */
		corcache_policy_set_quota(&c->policy, quota);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), 0);
		end(c);
	}
}

/* The time, in misses. */
static u32 now(const struct cache *c)
{
	return c->policy.misses + c->policy.tick * c->policy.unit;
}

/* As reclaim with real commits: what is emptied is free after @delay accesses. */
static u32 delayed_loop(struct cache *c, u32 from, u32 length, u32 n, u32 delay, u32 *full)
{
	u32 i, region, retired = 0, starts = 0, ends = 0, hits = 0, slot;

	for (i = 0; i < n; i++) {
		region = from + i % length;
		if (retired && i >= ends) {
			c->used -= retired;
			retired = 0;
			corcache_policy_cycle(&c->policy);
		}
		if (c->slot[region] != U32_MAX) {
			corcache_policy_touch(c->policy.visited, c->slot[region], 1);
			hits++;
		} else if (corcache_policy_miss(&c->policy, region, ALL)) {
			c->admitted++;
			*full += c->used >= c->quota;
			if (c->used < c->quota)
				put(c, find_free(c), region);
		}
		if (!starts && corcache_policy_wanted(&c->policy, c->used - retired))
			starts = i + delay;
		if (retired || !starts || i < starts)
			continue;
		starts = 0;
		while (corcache_policy_wanted(&c->policy, c->used - retired)) {
			slot = find_victim(c);
			KUNIT_ASSERT_NE(c->test, slot, CORCACHE_POLICY_NO_SLOT);
			/* it counts as used until the commit ends */
			drop(c, slot, true);
			c->used++;
			retired++;
			ends = i + delay;
		}
	}
	c->used -= retired;
	corcache_policy_cycle(&c->policy);
	return hits;
}

/* Everything changes, and what was emptied is free only 40 accesses later. */
static void test_reserve_follows_a_burst(struct kunit *test)
{
	u32 full = 0, hits;
	struct cache *c;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 4000);
	delayed_loop(c, 0, 2000, 20000, 40, &full);
	c->admitted = 0;
	full = 0;
	hits = delayed_loop(c, 2000, 2000, 10000, 40, &full);
	KUNIT_EXPECT_GT(test, c->admitted, 1600);
	KUNIT_EXPECT_LE_MSG(test, 10 * full, c->admitted, "%u full of %llu", full, c->admitted);
	KUNIT_EXPECT_GE_MSG(test, hits, 75 * 4 * 1600 / 100, "%u hits", hits);
	/* the burst is over, its slots are in use again */
	KUNIT_EXPECT_LE(test, corcache_policy_wanted(&c->policy, 1600), 16);
	end(c);
}

/* From what was admitted in the busiest cycle, within bounds. */
static void test_reserve_by_cycle(struct kunit *test)
{
	static const u32 cases[][3] = {
		/* quota, admitted in a cycle, reserve */
		{ 1600, 0, 12 }, { 1600, 6, 12 }, { 1600, 7, 14 }, { 1600, 40, 80 },
		{ 1600, 49, 98 }, { 1600, 51, 100 }, { 1600, 3000, 100 }, { 1600, U32_MAX, 100 },
		{ 200, 4, 8 }, { 200, 11, 22 }, { 200, 100, 24 }, { 120, 100, 15 },
		{ 400, 100, 25 }, { 31, 100, 3 }, { 2, 100, 1 }, { 400000, 100, 256 },
		{ 400000, 2000, 4000 }, { 400000, 60000, 25000 },
	};
	struct cache *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 quota = cases[i][0];

		c = start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, 1);
		c->policy.admitted = cases[i][1];
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), 0);
		c->policy.replacing = true;
		KUNIT_ASSERT_EQ_MSG(test, corcache_policy_wanted(&c->policy, quota), cases[i][2],
				    "case %u", i);
		/* the cycle that is under way, and the busiest one */
		corcache_policy_cycle(&c->policy);
		corcache_policy_cycle(&c->policy);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), cases[i][2]);
		end(c);
	}
}

/* A sixteenth in a tick, rounded up, so that nothing is left in the end. */
static void test_reserve_fades(struct kunit *test)
{
	struct cache *c;
	u32 i, tick, before;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 4000);
	for (i = 0; i < 1600; i++)
		put(c, i, i);
	memset(c->pinned, 1, 1600);
	c->policy.replacing = true;
	c->policy.per_cycle = 57;
	for (i = 0; c->policy.per_cycle; i++) {
		before = c->policy.per_cycle;
		tick = c->policy.tick;
		corcache_policy_miss(&c->policy, 2000 + i % 2000, ALL);
		KUNIT_ASSERT_EQ(test, c->policy.per_cycle, tick == c->policy.tick ? before :
				before - (before + 15) / 16);
	}
	KUNIT_EXPECT_TRUE_MSG(test, i > 25 * 25 && i < 40 * 25, "%u misses", i);
	end(c);
}

/* Reclaim waits for one commit, or much longer while enough slots are free. */
static void test_delay(struct kunit *test)
{
	struct cache *c;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 1);
	c->policy.replacing = true;
	/* 12 are kept; none is needed, so half of them may go first */
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600 - 11, 7), 140);
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600 - 7, 7), 140);
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600 - 6, 7), 7);
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600, 7), 7);
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 2000, 7), 7);
	/* 8 are needed */
	c->policy.per_cycle = 4;
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600 - 11, 7), 140);
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600 - 10, 7), 7);
	/* all are */
	c->policy.per_cycle = 40;
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600 - 80, 7), 7);
	c->policy.per_cycle = 1000;
	KUNIT_EXPECT_EQ(test, corcache_policy_delay(&c->policy, 1600 - 100, 7), 7);
	end(c);
}

/* A newcomer of twice the victim's worth: not while few slots are free. */
static void test_scarce(struct kunit *test)
{
	struct cache *c;
	u32 i;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 4000);
	for (i = 0; i < 1600 - 12; i++) {
		put(c, i, i);
		c->policy.stamp[i] = c->policy.tick - 1000;
	}
	c->policy.replacing = true;
	c->policy.compute_in = U32_MAX;
	for (i = 1; i < CORCACHE_POLICY_AGES; i++)
		c->policy.class[0].worth[i] = 10 << 11;
	c->policy.class[0].worth[0] = 11 << 11;
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2000, ALL));
	/* 6 of 12 are free, 5 are */
	for (i = 0; i < 6; i++)
		drop(c, i, true);
	for (i = 0; i < 6; i++)
		put(c, i, 2100 + i);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2001, ALL));
	put(c, 1590, 2200);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 2002, ALL));
	/* four times is enough */
	c->policy.class[0].worth[0] = 12 << 11;
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2003, ALL));
	c->policy.class[0].worth[0] = 11 << 11;
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 2004, ALL));
	/* those that were emptied are free now */
	corcache_policy_cycle(&c->policy);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2005, ALL));
	end(c);
}

/* It was admitted and found no slot; so is the rest of it, which is the same use. */
static void test_pieces_of_full(struct kunit *test)
{
	struct cache *c;
	u32 before, i;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	loop(c, 0, 90, 900);
	for (i = 0; i < 100 && !corcache_policy_miss(&c->policy, 1000, 1); i++)
		;
	for (i = 90; c->used < 100; i++)
		access_region(c, i);
	KUNIT_EXPECT_FALSE(test, c->policy.replacing);
	for (i = 0; !corcache_policy_miss(&c->policy, 1000, 1); i++)
		KUNIT_ASSERT_LT(test, i, 100);
	before = now(c);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 1000, 2));
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 1000, 4));
	KUNIT_EXPECT_EQ(test, now(c), before);
	/* it got one and lost it: a use of its own */
	make_room(c);
	put(c, find_free(c), 1000);
	drop(c, c->slot[1000], true);
	corcache_policy_miss(&c->policy, 1000, 8);
	KUNIT_EXPECT_EQ(test, now(c), before + 1);
	end(c);
}

/* A miss says whether it was known; whatever it is, and whatever came before. */
static void test_known(struct kunit *test)
{
	struct cache *c;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	corcache_policy_miss(&c->policy, 7, ALL);
	KUNIT_EXPECT_FALSE(test, c->policy.known);
	corcache_policy_miss(&c->policy, 7, ALL);
	KUNIT_EXPECT_TRUE(test, c->policy.known);
	corcache_policy_miss(&c->policy, 8, ALL);
	KUNIT_EXPECT_FALSE(test, c->policy.known);
	end(c);
	c = start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	loop(c, 0, 300, 6000);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 1));
	corcache_policy_miss(&c->policy, 1000, 1);
	KUNIT_EXPECT_TRUE(test, c->policy.known);
	/* the rest of it is no miss of its own */
	corcache_policy_miss(&c->policy, 1000, 2);
	KUNIT_EXPECT_FALSE(test, c->policy.known);
	end(c);
}

/*
 * A region that was turned away and is read piece by piece is one that was read
 * once; read again, it is one that was read again.
 */
static void test_pieces(struct kunit *test)
{
	u32 i, admitted = 0, tick, misses, hand, before;
	struct cache *c;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	loop(c, 0, 300, 6000);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 1));
	tick = c->policy.tick;
	misses = c->policy.misses;
	hand = c->policy.hand;
	for (i = 1; i < 64; i++)
		KUNIT_ASSERT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 1ULL << i));
	KUNIT_EXPECT_EQ(test, c->policy.tick, tick);
	KUNIT_EXPECT_EQ(test, c->policy.misses, misses);
	KUNIT_EXPECT_EQ(test, c->policy.hand, hand);
	/* one of them again is another use of the region */
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1001, 1));
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1001, 2));
	before = now(c);
	corcache_policy_miss(&c->policy, 1001, 2);
	KUNIT_EXPECT_EQ(test, now(c), before + 1);
	/* all of it again, soon, some times: in a loop's cache that is worth a slot */
	for (i = 0; i < 20 && !admitted; i++)
		admitted = corcache_policy_miss(&c->policy, 1000, ALL);
	KUNIT_EXPECT_TRUE(test, admitted);
	KUNIT_EXPECT_NE(test, now(c), before);
	end(c);
}

/* Nor is the rest of it turned away when there is room, however that came. */
static void test_piece_and_room(struct kunit *test)
{
	struct cache *c;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 200, 100, 2000);
	loop(c, 0, 300, 6000);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 1));
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 2));
	corcache_policy_set_quota(&c->policy, 200);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 1000, 4));
	end(c);
}

/* Hits nearly all that is to be had, in per cent of what `stop` gets. */
static void expect_loop(struct kunit *test, u32 length, u32 quota, u32 per_cent)
{
	struct cache *c;
	u32 hits;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, length);
	hits = loop(c, 0, length, 20 * length);
	KUNIT_ASSERT_GE_MSG(test, 100ULL * hits, 19ULL * quota * per_cent,
			    "%u of %u: %u hits, stop %u", quota, length, hits, 19 * quota);
	/* and it does not write what it soon throws away */
	KUNIT_ASSERT_LE_MSG(test, c->admitted, quota + (20 * length - hits) / 5,
			    "%u of %u: %llu fills", quota, length, c->admitted);
	end(c);
}

static void test_loops(struct kunit *test)
{
	expect_loop(test, 5000, 500, 90);
	expect_loop(test, 5000, 2000, 93);
	expect_loop(test, 5000, 4000, 93);
	expect_loop(test, 5000, 4950, 93);
	expect_loop(test, 500, 200, 93);
	expect_loop(test, 40, 16, 85);
}

/* In the five loops after a change: those of a fresh `stop` are 4 * quota. */
static void expect_shift(struct kunit *test, u32 from, u32 to, u32 quota)
{
	struct cache *c;
	u32 hits, last;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, from + to);
	loop(c, 0, from, 10 * from);
	hits = loop(c, from, to, 4 * to);
	last = loop(c, from, to, to);
	KUNIT_ASSERT_GE_MSG(test, hits + last, 80 * 4 * quota / 100, "%u to %u, quota %u: %u hits",
			    from, to, quota, hits + last);
	KUNIT_ASSERT_GE_MSG(test, last, 80 * quota / 100,
			    "%u to %u, quota %u: %u hits in the last loop", from, to, quota, last);
	end(c);
}

static void test_shifts(struct kunit *test)
{
	expect_shift(test, 5000, 5000, 500);
	expect_shift(test, 5000, 5000, 2000);
	expect_shift(test, 5000, 5000, 4000);
	expect_shift(test, 5000, 5000, 4950);
	/* intervals that are many times the quota are told apart, too */
	expect_shift(test, 2000, 3200, 200);
	expect_shift(test, 2000, 4000, 200);
}

/* A hot set is in the cache and stays there while others are read once. */
static void test_scan(struct kunit *test)
{
	struct cache *c;
	u32 i, hits = 0, n = 0, next = 400;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 500, 500, 200000);
	for (i = 0; i < 40000; i++)
		access_region(c, corcache_below(400));
	for (i = 0; i < 100000; i++) {
		if (i % 2) {
			access_region(c, next++);
		} else {
			hits += access_region(c, corcache_below(400));
			n++;
		}
	}
	KUNIT_EXPECT_GE_MSG(test, hits, n * 98ULL / 100, "%u hits of %u", hits, n);
	end(c);
}

/* All is read twice, soon after: LRU hits each second time. */
static void test_recency(struct kunit *test)
{
	struct cache *c;
	u32 i, hits = 0, n = 50000;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 500, 500, n + 1000);
	for (i = 0; i < n; i++) {
		access_region(c, i + 1000);
		hits += access_region(c, i + 1000 - corcache_below(300));
	}
	KUNIT_EXPECT_GE_MSG(test, hits, n * 95 / 100, "%u hits of %u", hits, n);
	end(c);
}

/* It lets the hot ones in though the cache came up full of others. */
static void test_start_full(struct kunit *test)
{
	struct cache *c;
	u32 i, hits = 0;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 3000);
	for (i = 0; i < 1000; i++)
		put(c, i, 2000 + i);
	make_room(c);
	for (i = 0; i < 20000; i++)
		access_region(c, corcache_below(900));
	for (i = 0; i < 10000; i++)
		hits += access_region(c, corcache_below(900));
	KUNIT_EXPECT_GT_MSG(test, hits, 9500, "%u hits of 10000", hits);
	end(c);
}

/* A cache that came up full of the loop hits as if it had never been off. */
static void test_restart_in_a_loop(struct kunit *test)
{
	struct cache *c;
	u32 i, hits;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 2000, 2000, 5000);
	for (i = 0; i < 2000; i++)
		put(c, i, 2 * i);
	make_room(c);
	hits = loop(c, 0, 5000, 25000);
	KUNIT_EXPECT_GE_MSG(test, hits, 85 * 5 * 2000 / 100, "%u hits", hits);
	end(c);
}

static void test_quota_at_run_time(struct kunit *test)
{
	struct cache *c;
	u32 i;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 3000);
	for (i = 0; i < 300; i++) {
		c->quota = 1 + corcache_below(corcache_below(4) ? 1000 : 3);
		corcache_policy_set_quota(&c->policy, c->quota);
		make_room(c);
		KUNIT_ASSERT_LE_MSG(test, c->used, c->quota, "%u of %u", c->used, c->quota);
		loop(c, corcache_below(2000), 1 + corcache_below(900), corcache_below(2000));
		KUNIT_ASSERT_LE_MSG(test, c->used, c->quota, "%u of %u", c->used, c->quota);
		check_adaptive(c);
	}
	end(c);
}

/* The hot region of the lowered quota stays. */
static void test_lowered_quota_keeps_the_hot(struct kunit *test)
{
	struct cache *c;
	u32 i, hits = 0;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 100000);
	for (i = 0; i < 60000; i++)
		access_region(c, i % 4 ? corcache_below(100) : 100 + corcache_below(3000));
	c->quota = 200;
	corcache_policy_set_quota(&c->policy, 200);
	make_room(c);
	for (i = 0; i < 100; i++)
		hits += c->slot[i] != U32_MAX;
	KUNIT_EXPECT_GE_MSG(test, hits, 90, "%u of the 100 hot ones", hits);
	end(c);
}

/* History and age are the same after they were restored; taking a hint changes nothing. */
static void test_hint_round_trip(struct kunit *test)
{
	struct corcache_policy *before = zeroed(test, sizeof(*before));
	struct cache *c, *again;
	u32 i, known = 0;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 300, 250, 2000);
	again = start(test, CORCACHE_POLICY_ADAPTIVE, 300, 250, 2000);
	for (i = 0; i < 60000; i++)
		access_region(c, i % 5 ? corcache_below(200) : corcache_below(2000));
	for (i = 0; i < 300; i++) {
		u32 hint;

		*before = c->policy;
		hint = corcache_policy_hint(&c->policy, i);
		KUNIT_ASSERT_FALSE(test, memcmp(before, &c->policy, sizeof(*before)));
		KUNIT_ASSERT_EQ(test, hint >> CORCACHE_POLICY_HINT_BITS, 0);
		KUNIT_ASSERT_TRUE(test, !hint == (c->region[i] == NO_REGION));
		if (!hint)
			continue;
		known++;
		put_restored(again, i, c->region[i], hint);
		KUNIT_ASSERT_EQ(test, corcache_policy_hint(&again->policy, i) & 0x3fff,
				hint & 0x3fff);
	}
	KUNIT_EXPECT_GT(test, known, 200);
	check_adaptive(again);
	end(c);
	end(again);
	kunit_kfree(test, before);
}

/* Up to a quarter too small, as quarters of an octave are; not what there is none of. */
static void test_hint_figures(struct kunit *test)
{
	struct cache *c, *again;
	u32 i, k, known = 0;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 4000);
	for (i = 0; i < 100000; i++)
		access_region(c, i % 3 ? corcache_below(800) : corcache_below(4000));
	again = restarted(c, true);
	for (k = 0; k < CORCACHE_POLICY_HISTORIES; k++) {
		for (i = 0; i < CORCACHE_POLICY_AGES; i++) {
			const struct corcache_policy_class *a = &c->policy.class[k];
			const struct corcache_policy_class *b = &again->policy.class[k];
			u32 rate = a->ticks[i] ? 10000U * a->hits[i] / a->ticks[i] : 0;
			u32 got = b->ticks[i] ? 10000U * b->hits[i] / b->ticks[i] : 0;
			u32 least = 3 * rate / 4 * b->ticks[i] / 10000;

			if (!b->ticks[i])
				continue;
			known++;
			KUNIT_ASSERT_TRUE_MSG(test, b->ticks[i] >= a->ticks[i] / 2 &&
					      b->ticks[i] <= 2 * a->ticks[i],
					      "class %u, age %u: %u ticks, %u", k, i, a->ticks[i],
					      b->ticks[i]);
			/* as well as few hits and ticks tell it */
			KUNIT_ASSERT_TRUE_MSG(test, got <= rate + rate / 50 && b->hits[i] + 2 +
					      b->ticks[i] / 1024 >= least,
					      "class %u, age %u: rate %u, %u", k, i, rate, got);
		}
	}
	/* those of new regions, and of the histories there are */
	KUNIT_EXPECT_GT(test, known, 60);
	end(c);
	end(again);
}

/* A boot that a scan runs beside, 4 times as fast: hits. */
static u32 boot_beside_scan(struct cache *c, u32 hot, u32 *next)
{
	u32 i, k, hits = 0;

	for (i = 0; i < hot; i++) {
		hits += access_region(c, i);
		for (k = 0; k < 4; k++)
			access_region(c, (*next)++);
	}
	return hits;
}

/* In the second boot after a restart as many hits as without one, within 3 points. */
static void test_restart_beside_a_scan(struct kunit *test)
{
	struct cache *c, *again, *none;
	u32 next = 1900, then, i, hits, hits_again, hits_none;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 2000, 2000, 70000);
	loop(c, 0, 1900, 2 * 1900);
	for (i = 0; i < 6; i++)
		boot_beside_scan(c, 1900, &next);
	again = restarted(c, true);
	none = restarted(c, false);
	then = next;
	boot_beside_scan(c, 1900, &next);
	hits = boot_beside_scan(c, 1900, &next);
	next = then;
	boot_beside_scan(again, 1900, &next);
	hits_again = boot_beside_scan(again, 1900, &next);
	next = then;
	boot_beside_scan(none, 1900, &next);
	hits_none = boot_beside_scan(none, 1900, &next);
	KUNIT_EXPECT_GE_MSG(test, hits, 1900 * 85 / 100, "%u hits", hits);
	KUNIT_EXPECT_GE_MSG(test, hits_again + 1900 * 3 / 100, hits, "%u hits, %u after a restart",
			    hits, hits_again);
	/* or the hints are of no use */
	KUNIT_EXPECT_LT_MSG(test, hits_none, 1900 * 70 / 100, "%u hits without hints", hits_none);
	end(c);
	end(again);
	end(none);
}

/* That it was read since the hand passed is in the hint, as one more use. */
static void test_hint_of_visited(struct kunit *test)
{
	struct cache *c;
	u32 before, after, i;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 64, 64, 400);
	memset(c->pinned, 1, 64);
	for (i = 0; i < 64; i++)
		put(c, i, i);
	loop(c, 64, 300, 100);
	for (i = 0; i < 64; i++) {
		before = corcache_policy_hint(&c->policy, i);
		corcache_policy_touch(c->policy.visited, i, 1);
		after = corcache_policy_hint(&c->policy, i);
		KUNIT_ASSERT_NE(test, before, after);
		/* as the hand will have it */
		loop(c, 64, 300, 1);
	}
	for (i = 0; i < 64; i++)
		corcache_policy_touch(c->policy.visited, i, 1);
	after = corcache_policy_hint(&c->policy, c->policy.hand % 64);
	before = c->policy.hand % 64;
	loop(c, 370, 1, 1);
	KUNIT_EXPECT_FALSE(test, test_bit(before, c->policy.visited));
	KUNIT_EXPECT_EQ(test, corcache_policy_hint(&c->policy, before) & 0xff, after & 0xff);
	end(c);
}

/* `stop` knows nothing, and forgets what it is told. */
static void test_hint_of_stop(struct kunit *test)
{
	struct cache *c;

	c = start(test, CORCACHE_POLICY_STOP, SLOTS, SLOTS, 1000);
	put_restored(c, 3, 500, 0xffffff);
	KUNIT_EXPECT_EQ(test, c->policy.used, 1);
	KUNIT_EXPECT_EQ(test, corcache_policy_hint(&c->policy, 3), 0);
	KUNIT_EXPECT_EQ(test, corcache_policy_hint(&c->policy, 4), 0);
	end(c);
}

/* Hints come from a device, which may hold anything. */
static void test_any_hint(struct kunit *test)
{
	u32 hint = 0, first, i;
	struct cache *c;

	for (first = 0; first < 1U << CORCACHE_POLICY_HINT_BITS; first = hint) {
		c = start(test, CORCACHE_POLICY_ADAPTIVE, 4096, 4096, 12000);
		/* with others above, which are not the policy's */
		for (i = 0; i < 4096; i++, hint++)
			put_restored(c, i, i, hint ^ (corcache_below(256) << 24));
		for (i = 0; i < 4096; i++) {
			u32 now = corcache_policy_hint(&c->policy, i);

			KUNIT_ASSERT_TRUE(test, now && !(now >> CORCACHE_POLICY_HINT_BITS));
			if (i & 0xff)
				KUNIT_ASSERT_EQ(test, now & 0xff, i & 0xff);
		}
		for (i = 0; i < CORCACHE_POLICY_AGES; i++)
			KUNIT_ASSERT_LE(test, c->policy.class[0].ticks[i], 60000);
		corcache_policy_set_quota(&c->policy, 4096);
		if (first < 1U << 16 || !corcache_below(64)) {
			loop(c, 2000, 8000, 4000);
			check_adaptive(c);
			for (i = 0; i < 4096; i += 7)
				if (c->region[i] != NO_REGION)
					drop(c, i, true);
			loop(c, 0, 12000, 1000);
		}
		end(c);
	}
}

#define MAP_BYTES(bits)	(round_up(bits, 64) / 8)

static void pin(unsigned long *map, u32 slot)
{
	set_bit(slot, map);
}

/* Whatever is asked for: what is pinned stays, as long as the quota holds. */
static void test_pinned_stays(struct kunit *test)
{
	static const enum corcache_policy_kind kinds[] = {
		CORCACHE_POLICY_STOP, CORCACHE_POLICY_ADAPTIVE,
	};
	unsigned long *map = zeroed(test, MAP_BYTES(1000));
	u32 k, i, region, found;
	struct cache *c;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		c = start(test, kinds[k], 1000, 1000, 5000);
		loop(c, 0, 1000, 1000);
		/* some that are in view already */
		find_victim(c);
		corcache_policy_set_pinned(&c->policy, map);
		for (i = 0; i < 1000; i += 1 + i % 2)
			pin(map, i);
		for (i = 0; i < 20000; i++)
			access_region(c, 1000 + corcache_below(corcache_below(3000) + 1));
		for (i = 0; i < 1000; i++)
			KUNIT_ASSERT_TRUE_MSG(test, !test_bit(i, map) || c->region[i] == i,
					      "kind %u, slot %u", kinds[k], i);
		/* and of the others every one can go */
		for (found = 0; find_victim(c) != CORCACHE_POLICY_NO_SLOT; found++) {
			u32 slot = find_victim(c);

			KUNIT_ASSERT_FALSE(test, test_bit(slot, map));
			drop(c, slot, true);
		}
		for (i = 0; i < 1000; i++)
			KUNIT_ASSERT_EQ(test, test_bit(i, map), c->region[i] != NO_REGION);
		/* without the map they are as others */
		corcache_policy_set_pinned(&c->policy, NULL);
		region = find_victim(c);
		KUNIT_ASSERT_LT(test, region, 1000);
		end(c);
		memset(map, 0, MAP_BYTES(1000));
	}
	kunit_kfree(test, map);
}

/* Above the quota pinned slots go as well, each of them after all others. */
static void test_pinned_goes_last(struct kunit *test)
{
	static const enum corcache_policy_kind kinds[] = {
		CORCACHE_POLICY_STOP, CORCACHE_POLICY_ADAPTIVE,
	};
	const u32 n = 3 * CORCACHE_POLICY_STEPS;
	unsigned long *map = zeroed(test, MAP_BYTES(n));
	u32 k, i, left, slot, others;
	struct cache *c;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		c = start(test, kinds[k], n, n, n);
		corcache_policy_set_pinned(&c->policy, map);
		for (i = 0, others = 0; i < n; i++) {
			put(c, i, i);
			if (corcache_below(3))
				pin(map, i);
			else
				others++;
		}
		c->quota = 100;
		corcache_policy_set_quota(&c->policy, 100);
		/* as corcache_evict_shrink(): one round after each victim is enough */
		for (left = n; c->used > 100 && left; ) {
			slot = corcache_policy_victim(&c->policy, &ops, c, &left);
			if (slot == CORCACHE_POLICY_NO_SLOT)
				continue;
			KUNIT_ASSERT_TRUE(test, !test_bit(slot, map) == !!others);
			others -= !!others;
			drop(c, slot, true);
			left = n;
		}
		KUNIT_ASSERT_EQ(test, c->used, 100);
		/* the quota holds: what is left stays */
		KUNIT_ASSERT_EQ(test, find_victim(c), CORCACHE_POLICY_NO_SLOT);
		end(c);
		memset(map, 0, MAP_BYTES(n));
	}
	kunit_kfree(test, map);
}

/* The bits of the slots that were read, and no others. */
static void test_touch(struct kunit *test)
{
	unsigned long visited[2];
	u32 slot, nr, i;

	corcache_policy_touch(NULL, 0, 1);
	for (slot = 0; slot < 100; slot++) {
		for (nr = 1; nr <= 100 - slot; nr++) {
			memset(visited, 0, sizeof(visited));
			corcache_policy_touch(visited, slot, nr);
			for (i = 0; i < 100; i++)
				KUNIT_ASSERT_EQ(test, test_bit(i, visited),
						i >= slot && i < slot + nr);
		}
	}
}

/* A random mix of everything that may happen, in any order. */
static u64 random_events(struct kunit *test, u32 nr_slots, u32 nr_regions, u32 n)
{
	struct cache *c;
	u64 decisions;
	u32 i, slot;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, nr_slots, nr_slots, nr_regions);
	for (i = 0; i < n; i++) {
		slot = corcache_below(nr_slots);
		switch (corcache_below(200)) {
		case 0:
			c->quota = 1 + corcache_below(nr_slots);
			corcache_policy_set_quota(&c->policy, c->quota);
			make_room(c);
			break;
		case 1 ... 5:
			if (c->region[slot] != NO_REGION)
				drop(c, slot, false);
			break;
		case 6 ... 10:
			c->pinned[slot] = !c->pinned[slot];
			break;
		case 11 ... 15:	/* a miss that gets no slot, whatever is said */
			corcache_policy_miss(&c->policy, corcache_below(nr_regions), ALL);
			break;
		case 16:
			corcache_policy_touch(c->policy.visited, slot, 1);
			break;
		case 17:	/* a victim that is not emptied after all */
			find_victim(c);
			break;
		case 18:
			loop(c, corcache_below(nr_regions / 2), nr_regions / 2, nr_regions);
			break;
		default:
			access_region(c, corcache_below(1 + corcache_below(nr_regions)));
		}
		if (i % 64 == 0)
			check_adaptive(c);
	}
	memset(c->pinned, 0, nr_slots);
	make_room(c);
	KUNIT_ASSERT_FALSE(test, corcache_policy_wanted(&c->policy, c->used));
	check_adaptive(c);
	decisions = c->decisions;
	end(c);
	return decisions;
}

static void test_anything(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 60; i++) {
		u32 nr_slots = 1 + corcache_below(1 + corcache_below(400));

		random_events(test, nr_slots, 2 + corcache_below(4 * nr_slots), 2000);
	}
}

/*
 * The same accesses are decided in the same way, on any machine.  If this
 * fails after a change of the policy that was meant, run the simulator's
 * workloads and take the new value.
 */
#define DECISIONS_LARGE		0xbfc850d3a725e121ULL
#define DECISIONS_SMALL	0x2bd0e0976e0d19e7ULL

static u64 play(struct kunit *test, u32 nr_slots, u32 quota)
{
	struct cache *c;
	u64 decisions;
	u32 i, region, state = 1;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, nr_slots, quota, 2000);
	for (i = 0; i < 100000; i++) {
		state = state * 1664525U + 1013904223U;
		region = (state >> 8) % (1 + (state >> 20) % (7 * quota));
		access_region(c, region);
		region = (state >> 16) % nr_slots;
		if (i % 64 == 0 && c->region[region] != NO_REGION)
			drop(c, region, false);
	}
	decisions = c->decisions;
	end(c);
	return decisions;
}

static void test_repeats(struct kunit *test)
{
	u64 large = play(test, 300, 250), small = play(test, 10, 6);

	KUNIT_EXPECT_EQ(test, play(test, 300, 250), large);
	KUNIT_EXPECT_EQ(test, play(test, 10, 6), small);
	KUNIT_EXPECT_EQ_MSG(test, large, DECISIONS_LARGE, "%#llx", large);
	KUNIT_EXPECT_EQ_MSG(test, small, DECISIONS_SMALL, "%#llx", small);
}

/* Time goes on for longer than any counter lasts; what cannot go gets old. */
static void test_long_time(struct kunit *test)
{
	struct cache *c;
	u32 i;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 8, 8, 400);
	c->policy.tick = U32_MAX - 100000;
	memset(c->pinned, 1, 8);
	for (i = 0; i < 8; i++)
		put(c, i, i);
	loop(c, 8, 392, 200000);
	check_adaptive(c);
	for (i = 0; i < c->nr_slots; i++) {
		u16 age = c->policy.tick - c->policy.stamp[i];

		KUNIT_ASSERT_TRUE_MSG(test, age >= 59000 && age <= 61000, "%u ticks", age);
	}
	end(c);
}

/* One region is missed again and again: its figures grow and do not wrap. */
static void test_many_hits(struct kunit *test)
{
	struct cache *c;
	u32 i, class, most = 0;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 64, 64, 400);
	for (i = 0; i < 5000; i++) {
		u32 highest = 0;

		corcache_policy_miss(&c->policy, 100, ALL);
		for (class = 0; class < CORCACHE_POLICY_HISTORIES; class++)
			highest = max_t(u32, highest, c->policy.class[class].hits[1]);
		KUNIT_ASSERT_GE_MSG(test, highest, most / 2, "%u after %u", highest, most);
		most = max(most, highest);
	}
	KUNIT_EXPECT_GT_MSG(test, most, U16_MAX / 2, "%u", most);
	end(c);
}

/* A ghost's time is shorter than a slot's; what is older is not taken for new. */
static void test_old_victim(struct kunit *test)
{
	struct cache *c;
	u32 i;

	c = start(test, CORCACHE_POLICY_ADAPTIVE, 8, 8, 400);
	memset(c->pinned, 1, 8);
	for (i = 0; i < 8; i++)
		put(c, i, i);
	loop(c, 8, 392, 4110);
	drop(c, 0, true);
	corcache_policy_miss(&c->policy, 0, ALL);
	put(c, 0, 0);
	/* one interval of the most that there is */
	KUNIT_EXPECT_EQ_MSG(test, c->policy.history[0], 0x69, "%#x", c->policy.history[0]);
	end(c);
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(test_names),
	KUNIT_CASE(test_memory),
	KUNIT_CASE(test_stop_admits),
	KUNIT_CASE(test_stop_victims_from_the_top),
	KUNIT_CASE(test_few_steps),
	KUNIT_CASE(test_adaptive_empties),
	KUNIT_CASE(test_quota_of_one),
	KUNIT_CASE(test_reserve_is_kept),
	KUNIT_CASE(test_reserve_follows_a_burst),
	KUNIT_CASE(test_reserve_by_cycle),
	KUNIT_CASE(test_reserve_fades),
	KUNIT_CASE(test_delay),
	KUNIT_CASE(test_scarce),
	KUNIT_CASE(test_known),
	KUNIT_CASE(test_pieces),
	KUNIT_CASE(test_pieces_of_full),
	KUNIT_CASE(test_piece_and_room),
	KUNIT_CASE(test_loops),
	KUNIT_CASE(test_shifts),
	KUNIT_CASE(test_scan),
	KUNIT_CASE(test_recency),
	KUNIT_CASE(test_start_full),
	KUNIT_CASE(test_restart_in_a_loop),
	KUNIT_CASE(test_quota_at_run_time),
	KUNIT_CASE(test_lowered_quota_keeps_the_hot),
	KUNIT_CASE(test_hint_round_trip),
	KUNIT_CASE(test_hint_figures),
	KUNIT_CASE(test_restart_beside_a_scan),
	KUNIT_CASE(test_hint_of_visited),
	KUNIT_CASE(test_hint_of_stop),
	KUNIT_CASE(test_any_hint),
	KUNIT_CASE(test_pinned_stays),
	KUNIT_CASE(test_pinned_goes_last),
	KUNIT_CASE(test_touch),
	KUNIT_CASE(test_anything),
	KUNIT_CASE(test_repeats),
	KUNIT_CASE(test_long_time),
	KUNIT_CASE(test_old_victim),
	KUNIT_CASE(test_many_hits),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "dm_corcache_policy",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
