// SPDX-License-Identifier: GPL-2.0-only
/*
 * What `adaptive` makes of workloads of which the best is known.
 */
#include <linux/kernel.h>

#include "dry.h"

/* Hits nearly all that is to be had, in per cent of what `stop` gets. */
static void expect_loop(struct kunit *test, u32 length, u32 quota, u32 per_cent)
{
	struct corcache_dry *c;
	u32 hits;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, length);
	hits = corcache_dry_loop(c, 0, length, 20 * length);
	KUNIT_ASSERT_GE_MSG(test, 100ULL * hits, 19ULL * quota * per_cent,
			    "%u of %u: %u hits, stop %u", quota, length, hits, 19 * quota);
	/* and it does not write what it soon throws away */
	KUNIT_ASSERT_LE_MSG(test, c->admitted, quota + (20 * length - hits) / 5,
			    "%u of %u: %llu fills", quota, length, c->admitted);
	corcache_dry_end(c);
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
	struct corcache_dry *c;
	u32 hits, last;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, quota, quota, from + to);
	corcache_dry_loop(c, 0, from, 10 * from);
	hits = corcache_dry_loop(c, from, to, 4 * to);
	last = corcache_dry_loop(c, from, to, to);
	KUNIT_ASSERT_GE_MSG(test, hits + last, 80 * 4 * quota / 100, "%u to %u, quota %u: %u hits",
			    from, to, quota, hits + last);
	KUNIT_ASSERT_GE_MSG(test, last, 80 * quota / 100,
			    "%u to %u, quota %u: %u hits in the last loop", from, to, quota, last);
	corcache_dry_end(c);
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
	struct corcache_dry *c;
	u32 i, hits = 0, n = 0, next = 400;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 500, 500, 200000);
	for (i = 0; i < 40000; i++)
		corcache_dry_access(c, corcache_below(400));
	for (i = 0; i < 100000; i++) {
		if (i % 2) {
			corcache_dry_access(c, next++);
		} else {
			hits += corcache_dry_access(c, corcache_below(400));
			n++;
		}
	}
	KUNIT_EXPECT_GE_MSG(test, hits, n * 98ULL / 100, "%u hits of %u", hits, n);
	corcache_dry_end(c);
}

/* All is read twice, soon after: LRU hits each second time. */
static void test_recency(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i, hits = 0, n = 50000;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 500, 500, n + 1000);
	for (i = 0; i < n; i++) {
		corcache_dry_access(c, i + 1000);
		hits += corcache_dry_access(c, i + 1000 - corcache_below(300));
	}
	KUNIT_EXPECT_GE_MSG(test, hits, n * 95 / 100, "%u hits of %u", hits, n);
	corcache_dry_end(c);
}

/* It lets the hot ones in though the cache came up full of others. */
static void test_start_full(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i, hits = 0;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 3000);
	for (i = 0; i < 1000; i++)
		corcache_dry_put(c, i, 2000 + i);
	corcache_dry_make_room(c);
	for (i = 0; i < 20000; i++)
		corcache_dry_access(c, corcache_below(900));
	for (i = 0; i < 10000; i++)
		hits += corcache_dry_access(c, corcache_below(900));
	KUNIT_EXPECT_GT_MSG(test, hits, 9500, "%u hits of 10000", hits);
	corcache_dry_end(c);
}

/* A cache that came up full of the loop hits as if it had never been off. */
static void test_restart_in_a_loop(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i, hits;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 2000, 2000, 5000);
	for (i = 0; i < 2000; i++)
		corcache_dry_put(c, i, 2 * i);
	corcache_dry_make_room(c);
	hits = corcache_dry_loop(c, 0, 5000, 25000);
	KUNIT_EXPECT_GE_MSG(test, hits, 85 * 5 * 2000 / 100, "%u hits", hits);
	corcache_dry_end(c);
}

static void test_quota_at_run_time(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 3000);
	for (i = 0; i < 300; i++) {
		c->quota = 1 + corcache_below(corcache_below(4) ? 1000 : 3);
		corcache_policy_set_quota(&c->policy, c->quota);
		corcache_dry_make_room(c);
		KUNIT_ASSERT_LE_MSG(test, c->used, c->quota, "%u of %u", c->used, c->quota);
		corcache_dry_loop(c, corcache_below(2000), 1 + corcache_below(900),
				  corcache_below(2000));
		KUNIT_ASSERT_LE_MSG(test, c->used, c->quota, "%u of %u", c->used, c->quota);
		corcache_dry_check(c);
	}
	corcache_dry_end(c);
}

/* The hot region of the lowered quota stays. */
static void test_lowered_quota_keeps_the_hot(struct kunit *test)
{
	struct corcache_dry *c;
	u32 i, hits = 0;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 100000);
	for (i = 0; i < 60000; i++)
		corcache_dry_access(c, i % 4 ? corcache_below(100) : 100 + corcache_below(3000));
	c->quota = 200;
	corcache_policy_set_quota(&c->policy, 200);
	corcache_dry_make_room(c);
	for (i = 0; i < 100; i++)
		hits += c->slot[i] != U32_MAX;
	KUNIT_EXPECT_GE_MSG(test, hits, 90, "%u of the 100 hot ones", hits);
	corcache_dry_end(c);
}

static struct kunit_case workload_cases[] = {
	KUNIT_CASE(test_loops),
	KUNIT_CASE(test_shifts),
	KUNIT_CASE(test_scan),
	KUNIT_CASE(test_recency),
	KUNIT_CASE(test_start_full),
	KUNIT_CASE(test_restart_in_a_loop),
	KUNIT_CASE(test_quota_at_run_time),
	KUNIT_CASE(test_lowered_quota_keeps_the_hot),
	{}
};

static struct kunit_suite workload_suite = {
	.name = "dm_corcache_workload",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = workload_cases,
};

kunit_test_suite(workload_suite);
