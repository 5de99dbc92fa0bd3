// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies in random use, for a long time, and the same on any machine.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "dry.h"

/* A random mix of everything that may happen, in any order. */
static u64 random_events(struct kunit *test, u32 nr_slots, u32 nr_regions, u32 n)
{
	struct corcache_dry *c;
	u64 decisions;
	u32 i, slot;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, nr_slots, nr_slots, nr_regions);
	for (i = 0; i < n; i++) {
		slot = corcache_below(nr_slots);
		switch (corcache_below(200)) {
		case 0:
			c->quota = 1 + corcache_below(nr_slots);
			corcache_policy_set_quota(&c->policy, c->quota);
			corcache_dry_make_room(c);
			break;
		case 1 ... 5:
			if (c->region[slot] != NO_REGION)
				corcache_dry_drop(c, slot, false);
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
			corcache_dry_victim(c);
			break;
		case 18:
			corcache_dry_loop(c, corcache_below(nr_regions / 2), nr_regions / 2,
					  nr_regions);
			break;
		default:
			corcache_dry_access(c, corcache_below(1 + corcache_below(nr_regions)));
		}
		if (i % 64 == 0)
			corcache_dry_check(c);
	}
	memset(c->pinned, 0, nr_slots);
	corcache_dry_make_room(c);
	KUNIT_ASSERT_FALSE(test, corcache_policy_wanted(&c->policy, c->used));
	corcache_dry_check(c);
	decisions = c->decisions;
	corcache_dry_end(c);
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
	struct corcache_dry *c;
	u64 decisions;
	u32 i, region, state = 1;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, nr_slots, quota, 2000);
	for (i = 0; i < 100000; i++) {
		state = state * 1664525U + 1013904223U;
		region = (state >> 8) % (1 + (state >> 20) % (7 * quota));
		corcache_dry_access(c, region);
		region = (state >> 16) % nr_slots;
		if (i % 64 == 0 && c->region[region] != NO_REGION)
			corcache_dry_drop(c, region, false);
	}
	decisions = c->decisions;
	corcache_dry_end(c);
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
	struct corcache_dry *c;
	u32 i;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 8, 8, 400);
	c->policy.tick = U32_MAX - 100000;
	memset(c->pinned, 1, 8);
	for (i = 0; i < 8; i++)
		corcache_dry_put(c, i, i);
	corcache_dry_loop(c, 8, 392, 200000);
	corcache_dry_check(c);
	for (i = 0; i < c->nr_slots; i++) {
		u16 age = c->policy.tick - c->policy.stamp[i];

		KUNIT_ASSERT_TRUE_MSG(test, age >= 59000 && age <= 61000, "%u ticks", age);
	}
	corcache_dry_end(c);
}

/* One region is missed again and again: its figures grow and do not wrap. */
static void test_many_hits(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i, class, most = 0;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 64, 64, 400);
	for (i = 0; i < 5000; i++) {
		u32 highest = 0;

		corcache_policy_miss(&c->policy, 100, ALL);
		for (class = 0; class < CORCACHE_FIGURES_HISTORIES; class++)
			highest = max_t(u32, highest, c->policy.figures.class[class].hits[1]);
		KUNIT_ASSERT_GE_MSG(test, highest, most / 2, "%u after %u", highest, most);
		most = max(most, highest);
	}
	KUNIT_EXPECT_GT_MSG(test, most, U16_MAX / 2, "%u", most);
	corcache_dry_end(c);
}

/* A ghost's time is shorter than a slot's; what is older is not taken for new. */
static void test_old_victim(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 8, 8, 400);
	memset(c->pinned, 1, 8);
	for (i = 0; i < 8; i++)
		corcache_dry_put(c, i, i);
	corcache_dry_loop(c, 8, 392, 4110);
	corcache_dry_drop(c, 0, true);
	corcache_policy_miss(&c->policy, 0, ALL);
	corcache_dry_put(c, 0, 0);
	/* one interval of the most that there is */
	KUNIT_EXPECT_EQ_MSG(test, c->policy.history[0], 0x69, "%#x", c->policy.history[0]);
	corcache_dry_end(c);
}

static struct kunit_case random_cases[] = {
	KUNIT_CASE(test_anything),
	KUNIT_CASE(test_repeats),
	KUNIT_CASE(test_long_time),
	KUNIT_CASE(test_many_hits),
	KUNIT_CASE(test_old_victim),
	{}
};

static struct kunit_suite random_suite = {
	.name = "dm_corcache_random",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = random_cases,
};

kunit_test_suite(random_suite);
