// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies: what is let in and who goes, at any quota.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "dry.h"

#define SLOTS		100

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
	struct corcache_dry *c;
	u32 i;

	c = corcache_dry_start(test, CORCACHE_POLICY_STOP, SLOTS, 40, 1000);
	KUNIT_EXPECT_EQ(test, corcache_dry_loop(c, 0, 100, 2000), 19 * 40);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_TRUE(test, c->slot[i] == (i < 40 ? i : U32_MAX));
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, 40), 0);
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, 41), 1);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 500, ALL));
	corcache_dry_drop(c, 7, false);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 500, ALL));
	corcache_dry_end(c);
}

static void test_stop_victims_from_the_top(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i;

	c = corcache_dry_start(test, CORCACHE_POLICY_STOP, SLOTS, SLOTS, 1000);
	corcache_dry_loop(c, 0, SLOTS, SLOTS);
	c->quota = 30;
	corcache_policy_set_quota(&c->policy, 30);
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, c->used), SLOTS - 30);
	for (i = 1; i < SLOTS; i += 3)
		c->pinned[i] = true;
	for (i = SLOTS; i--; )
		if (!c->pinned[i])
			KUNIT_ASSERT_EQ(test, corcache_dry_victim(c), i);
	memset(c->pinned, 1, SLOTS);
	c->asked = 0;
	KUNIT_EXPECT_EQ(test, corcache_dry_victim(c), CORCACHE_POLICY_NO_SLOT);
	KUNIT_EXPECT_EQ(test, c->asked, SLOTS);
	corcache_dry_end(c);
}

/* The only one that may go is at the other end of many slots. */
static void test_few_steps(struct kunit *test)
{
	static const enum corcache_policy_kind kinds[] = {
		CORCACHE_POLICY_STOP, CORCACHE_POLICY_ADAPTIVE,
	};
	const u32 n = 10 * CORCACHE_POLICY_STEPS;
	struct corcache_dry *c;
	u32 k, i;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		c = corcache_dry_start(test, kinds[k], n, n, n);
		for (i = 0; i < n; i++)
			corcache_dry_put(c, i, i);
		memset(c->pinned, 1, n);
		i = kinds[k] == CORCACHE_POLICY_STOP ? 0 : n - 1;
		c->pinned[i] = false;
		KUNIT_ASSERT_EQ(test, corcache_dry_victim(c), i);
		c->pinned[i] = true;
		KUNIT_ASSERT_EQ(test, corcache_dry_victim(c), CORCACHE_POLICY_NO_SLOT);
		corcache_dry_end(c);
	}
}

/* Whatever the quota: all that may go is found, each once. */
static void test_adaptive_empties(struct kunit *test)
{
	struct corcache_dry *c;
	u32 round, i, rest;

	for (round = 0; round < 200; round++) {
		u32 n = 1 + corcache_below(300);

		c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, n, n, n);
		for (i = 0, rest = 0; i < n; i++) {
			if (corcache_below(3))
				corcache_dry_put(c, i, i);
			c->pinned[i] = !corcache_below(4);
			rest += c->region[i] != NO_REGION && !c->pinned[i];
		}
		for (; rest; rest--) {
			u32 slot = corcache_dry_victim(c);

			KUNIT_ASSERT_LT(test, slot, n);
			corcache_dry_drop(c, slot, true);
		}
		KUNIT_ASSERT_EQ(test, corcache_dry_victim(c), CORCACHE_POLICY_NO_SLOT);
		corcache_dry_check(c);
		corcache_dry_end(c);
	}
}

static void test_quota_of_one(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i, hits = 0;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1, 1, 10);
	KUNIT_EXPECT_EQ(test, corcache_policy_wanted(&c->policy, 0), 0);
	KUNIT_EXPECT_FALSE(test, corcache_dry_access(c, 3));
	for (i = 0; i < 1000; i++)
		hits += corcache_dry_access(c, 3);
	KUNIT_EXPECT_EQ(test, hits, 1000);
	KUNIT_EXPECT_LE(test, c->used, 1);
	/* another one, for good: it gets the slot some time */
	for (i = 0, hits = 0; i < 1000; i++)
		hits += corcache_dry_access(c, 4);
	KUNIT_EXPECT_GT_MSG(test, hits, 900, "%u hits", hits);
	corcache_dry_end(c);
}

static void test_reserve_is_kept(struct kunit *test)
{
	static const u32 quotas[][2] = {
		{ 2, 1 }, { 31, 1 }, { 32, 2 }, { 64, 4 }, { 512, 4 }, { 1024, 8 },
		{ 12800, 100 }, { 40000, 256 },
	};
	struct corcache_dry *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(quotas); i++) {
		u32 quota = quotas[i][0], reserve = quotas[i][1];

		c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, 3 * quota);
		/* what fits has all of it */
		KUNIT_ASSERT_EQ(test, corcache_dry_loop(c, 0, quota, 3 * quota), 2 * quota);
		KUNIT_ASSERT_EQ(test, c->used, quota);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), 0);
		/* another set that is used again and again: something has to go */
		corcache_dry_loop(c, quota, quota, 20 * quota);
		KUNIT_ASSERT_TRUE(test, c->policy.replacing);
		KUNIT_ASSERT_EQ_MSG(test, c->used, quota - reserve, "%u of %u", c->used, quota);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), reserve);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota - reserve), 0);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, 0), 0);
		/* a new quota is a new start */
		corcache_policy_set_quota(&c->policy, quota);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), 0);
		corcache_dry_end(c);
	}
}

/* The time, in misses. */
static u32 now(const struct corcache_dry *c)
{
	return c->policy.misses + c->policy.tick * c->policy.unit;
}

/* As reclaim with real commits: what is emptied is free after @delay accesses. */
static u32 delayed_loop(struct corcache_dry *c, u32 from, u32 length, u32 n, u32 delay, u32 *full)
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
				corcache_dry_put(c, corcache_dry_free(c), region);
		}
		if (!starts && corcache_policy_wanted(&c->policy, c->used - retired))
			starts = i + delay;
		if (retired || !starts || i < starts)
			continue;
		starts = 0;
		while (corcache_policy_wanted(&c->policy, c->used - retired)) {
			slot = corcache_dry_victim(c);
			KUNIT_ASSERT_NE(c->test, slot, CORCACHE_POLICY_NO_SLOT);
			/* it counts as used until the commit ends */
			corcache_dry_drop(c, slot, true);
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
	struct corcache_dry *c;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 4000);
	delayed_loop(c, 0, 2000, 20000, 40, &full);
	c->admitted = 0;
	full = 0;
	hits = delayed_loop(c, 2000, 2000, 10000, 40, &full);
	KUNIT_EXPECT_GT(test, c->admitted, 1600);
	KUNIT_EXPECT_LE_MSG(test, 10 * full, c->admitted, "%u full of %llu", full, c->admitted);
	KUNIT_EXPECT_GE_MSG(test, hits, 75 * 4 * 1600 / 100, "%u hits", hits);
	/* the burst is over, its slots are in use again */
	KUNIT_EXPECT_LE(test, corcache_policy_wanted(&c->policy, 1600), 16);
	corcache_dry_end(c);
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
	struct corcache_dry *c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 quota = cases[i][0];

		c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, 1);
		c->policy.admitted = cases[i][1];
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), 0);
		c->policy.replacing = true;
		KUNIT_ASSERT_EQ_MSG(test, corcache_policy_wanted(&c->policy, quota), cases[i][2],
				    "case %u", i);
		/* the cycle that is under way, and the busiest one */
		corcache_policy_cycle(&c->policy);
		corcache_policy_cycle(&c->policy);
		KUNIT_ASSERT_EQ(test, corcache_policy_wanted(&c->policy, quota), cases[i][2]);
		corcache_dry_end(c);
	}
}

/* A sixteenth in a tick, rounded up, so that nothing is left in the end. */
static void test_reserve_fades(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i, tick, before;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 4000);
	for (i = 0; i < 1600; i++)
		corcache_dry_put(c, i, i);
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
	corcache_dry_end(c);
}

/* Reclaim waits for one commit, or much longer while enough slots are free. */
static void test_delay(struct kunit *test)
{
	struct corcache_dry *c;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 1);
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
	corcache_dry_end(c);
}

/* A newcomer of twice the victim's worth: not while few slots are free. */
static void test_scarce(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1600, 1600, 4000);
	for (i = 0; i < 1600 - 12; i++) {
		corcache_dry_put(c, i, i);
		c->policy.stamp[i] = c->policy.tick - 1000;
	}
	c->policy.replacing = true;
	c->policy.figures.compute_in = U32_MAX;
	for (i = 1; i < CORCACHE_FIGURES_AGES; i++)
		c->policy.figures.class[0].worth[i] = 10 << 11;
	c->policy.figures.class[0].worth[0] = 11 << 11;
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2000, ALL));
	/* 6 of 12 are free, 5 are */
	for (i = 0; i < 6; i++)
		corcache_dry_drop(c, i, true);
	for (i = 0; i < 6; i++)
		corcache_dry_put(c, i, 2100 + i);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2001, ALL));
	corcache_dry_put(c, 1590, 2200);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 2002, ALL));
	/* four times is enough */
	c->policy.figures.class[0].worth[0] = 12 << 11;
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2003, ALL));
	c->policy.figures.class[0].worth[0] = 11 << 11;
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 2004, ALL));
	/* those that were emptied are free now */
	corcache_policy_cycle(&c->policy);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 2005, ALL));
	corcache_dry_end(c);
}

/* It was admitted and found no slot; so is the rest of it, which is the same use. */
static void test_pieces_of_full(struct kunit *test)
{
	struct corcache_dry *c;
	u32 before, i;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	corcache_dry_loop(c, 0, 90, 900);
	for (i = 0; i < 100 && !corcache_policy_miss(&c->policy, 1000, 1); i++)
		;
	for (i = 90; c->used < 100; i++)
		corcache_dry_access(c, i);
	KUNIT_EXPECT_FALSE(test, c->policy.replacing);
	for (i = 0; !corcache_policy_miss(&c->policy, 1000, 1); i++)
		KUNIT_ASSERT_LT(test, i, 100);
	before = now(c);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 1000, 2));
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 1000, 4));
	KUNIT_EXPECT_EQ(test, now(c), before);
	/* it got one and lost it: a use of its own */
	corcache_dry_make_room(c);
	corcache_dry_put(c, corcache_dry_free(c), 1000);
	corcache_dry_drop(c, c->slot[1000], true);
	corcache_policy_miss(&c->policy, 1000, 8);
	KUNIT_EXPECT_EQ(test, now(c), before + 1);
	corcache_dry_end(c);
}

/* A miss says whether it was known; whatever it is, and whatever came before. */
static void test_known(struct kunit *test)
{
	struct corcache_dry *c;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	corcache_policy_miss(&c->policy, 7, ALL);
	KUNIT_EXPECT_FALSE(test, c->policy.known);
	corcache_policy_miss(&c->policy, 7, ALL);
	KUNIT_EXPECT_TRUE(test, c->policy.known);
	corcache_policy_miss(&c->policy, 8, ALL);
	KUNIT_EXPECT_FALSE(test, c->policy.known);
	corcache_dry_end(c);
	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	corcache_dry_loop(c, 0, 300, 6000);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 1));
	corcache_policy_miss(&c->policy, 1000, 1);
	KUNIT_EXPECT_TRUE(test, c->policy.known);
	/* the rest of it is no miss of its own */
	corcache_policy_miss(&c->policy, 1000, 2);
	KUNIT_EXPECT_FALSE(test, c->policy.known);
	corcache_dry_end(c);
}

/*
 * A region that was turned away and is read piece by piece is one that was read
 * once; read again, it is one that was read again.
 */
static void test_pieces(struct kunit *test)
{
	u32 i, admitted = 0, tick, misses, hand, before;
	struct corcache_dry *c;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	corcache_dry_loop(c, 0, 300, 6000);
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
	corcache_dry_end(c);
}

/* Nor is the rest of it turned away when there is room, however that came. */
static void test_piece_and_room(struct kunit *test)
{
	struct corcache_dry *c;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 200, 100, 2000);
	corcache_dry_loop(c, 0, 300, 6000);
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 1));
	KUNIT_EXPECT_FALSE(test, corcache_policy_miss(&c->policy, 1000, 2));
	corcache_policy_set_quota(&c->policy, 200);
	KUNIT_EXPECT_TRUE(test, corcache_policy_miss(&c->policy, 1000, 4));
	corcache_dry_end(c);
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
	unsigned long *map = corcache_dry_zeroed(test, MAP_BYTES(1000));
	u32 k, i, region, found;
	struct corcache_dry *c;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		c = corcache_dry_start(test, kinds[k], 1000, 1000, 5000);
		corcache_dry_loop(c, 0, 1000, 1000);
		/* some that are in view already */
		corcache_dry_victim(c);
		corcache_policy_set_pinned(&c->policy, map);
		for (i = 0; i < 1000; i += 1 + i % 2)
			pin(map, i);
		for (i = 0; i < 20000; i++)
			corcache_dry_access(c, 1000 + corcache_below(corcache_below(3000) + 1));
		for (i = 0; i < 1000; i++)
			KUNIT_ASSERT_TRUE_MSG(test, !test_bit(i, map) || c->region[i] == i,
					      "kind %u, slot %u", kinds[k], i);
		/* and of the others every one can go */
		for (found = 0; corcache_dry_victim(c) != CORCACHE_POLICY_NO_SLOT; found++) {
			u32 slot = corcache_dry_victim(c);

			KUNIT_ASSERT_FALSE(test, test_bit(slot, map));
			corcache_dry_drop(c, slot, true);
		}
		for (i = 0; i < 1000; i++)
			KUNIT_ASSERT_EQ(test, test_bit(i, map), c->region[i] != NO_REGION);
		/* without the map they are as others */
		corcache_policy_set_pinned(&c->policy, NULL);
		region = corcache_dry_victim(c);
		KUNIT_ASSERT_LT(test, region, 1000);
		corcache_dry_end(c);
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
	unsigned long *map = corcache_dry_zeroed(test, MAP_BYTES(n));
	u32 k, i, left, slot, others;
	struct corcache_dry *c;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		c = corcache_dry_start(test, kinds[k], n, n, n);
		corcache_policy_set_pinned(&c->policy, map);
		for (i = 0, others = 0; i < n; i++) {
			corcache_dry_put(c, i, i);
			if (corcache_below(3))
				pin(map, i);
			else
				others++;
		}
		c->quota = 100;
		corcache_policy_set_quota(&c->policy, 100);
		/* as corcache_evict_shrink(): one round after each victim is enough */
		for (left = n; c->used > 100 && left; ) {
			slot = corcache_policy_victim(&c->policy, &corcache_dry_ops, c, &left);
			if (slot == CORCACHE_POLICY_NO_SLOT)
				continue;
			KUNIT_ASSERT_TRUE(test, !test_bit(slot, map) == !!others);
			others -= !!others;
			corcache_dry_drop(c, slot, true);
			left = n;
		}
		KUNIT_ASSERT_EQ(test, c->used, 100);
		/* the quota holds: what is left stays */
		KUNIT_ASSERT_EQ(test, corcache_dry_victim(c), CORCACHE_POLICY_NO_SLOT);
		corcache_dry_end(c);
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
	KUNIT_CASE(test_pieces_of_full),
	KUNIT_CASE(test_known),
	KUNIT_CASE(test_pieces),
	KUNIT_CASE(test_piece_and_room),
	KUNIT_CASE(test_pinned_stays),
	KUNIT_CASE(test_pinned_goes_last),
	KUNIT_CASE(test_touch),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "dm_corcache_policy",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
