// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints: what a policy knows of slots comes over a restart, and no hint is harmful.
 */
#include <linux/kernel.h>

#include "dry.h"

#define SLOTS		100

/* History and age are the same after they were restored; taking a hint changes nothing. */
static void test_hint_round_trip(struct kunit *test)
{
	struct corcache_policy *before = corcache_dry_zeroed(test, sizeof(*before));
	struct corcache_dry *c, *again;
	u32 i, known = 0;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 300, 250, 2000);
	again = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 300, 250, 2000);
	for (i = 0; i < 60000; i++)
		corcache_dry_access(c, i % 5 ? corcache_below(200) : corcache_below(2000));
	for (i = 0; i < 300; i++) {
		u32 hint;

		*before = c->policy;
		hint = corcache_policy_hint(&c->policy, i);
		KUNIT_ASSERT_FALSE(test, memcmp(before, &c->policy, sizeof(*before)));
		KUNIT_ASSERT_EQ(test, hint >> CORCACHE_FIGURES_HINT_BITS, 0);
		KUNIT_ASSERT_TRUE(test, !hint == (c->region[i] == NO_REGION));
		if (!hint)
			continue;
		known++;
		corcache_dry_put_restored(again, i, c->region[i], hint);
		KUNIT_ASSERT_EQ(test, corcache_policy_hint(&again->policy, i) & 0x3fff,
				hint & 0x3fff);
	}
	KUNIT_EXPECT_GT(test, known, 200);
	corcache_dry_check(again);
	corcache_dry_end(c);
	corcache_dry_end(again);
	kunit_kfree(test, before);
}

/* Up to a quarter too small, as quarters of an octave are; not what there is none of. */
static void test_hint_figures(struct kunit *test)
{
	struct corcache_dry *c, *again;
	u32 i, k, known = 0;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 4000);
	for (i = 0; i < 100000; i++)
		corcache_dry_access(c, i % 3 ? corcache_below(800) : corcache_below(4000));
	again = corcache_dry_restarted(c, true);
	for (k = 0; k < CORCACHE_FIGURES_HISTORIES; k++) {
		for (i = 0; i < CORCACHE_FIGURES_AGES; i++) {
			const struct corcache_figures_class *a = &c->policy.figures.class[k];
			const struct corcache_figures_class *b = &again->policy.figures.class[k];
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
	corcache_dry_end(c);
	corcache_dry_end(again);
}

/* A boot that a scan runs beside, 4 times as fast: hits. */
static u32 boot_beside_scan(struct corcache_dry *c, u32 hot, u32 *next)
{
	u32 i, k, hits = 0;

	for (i = 0; i < hot; i++) {
		hits += corcache_dry_access(c, i);
		for (k = 0; k < 4; k++)
			corcache_dry_access(c, (*next)++);
	}
	return hits;
}

/* In the second boot after a restart as many hits as without one, within 3 points. */
static void test_restart_beside_a_scan(struct kunit *test)
{
	struct corcache_dry *c, *again, *none;
	u32 next = 1900, then, i, hits, hits_again, hits_none;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 2000, 2000, 70000);
	corcache_dry_loop(c, 0, 1900, 2 * 1900);
	for (i = 0; i < 6; i++)
		boot_beside_scan(c, 1900, &next);
	again = corcache_dry_restarted(c, true);
	none = corcache_dry_restarted(c, false);
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
	corcache_dry_end(c);
	corcache_dry_end(again);
	corcache_dry_end(none);
}

/* That it was read since the hand passed is in the hint, as one more use. */
static void test_hint_of_visited(struct kunit *test)
{
	struct corcache_dry *c;
	u32 before, after, i;

	c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 64, 64, 400);
	memset(c->pinned, 1, 64);
	for (i = 0; i < 64; i++)
		corcache_dry_put(c, i, i);
	corcache_dry_loop(c, 64, 300, 100);
	for (i = 0; i < 64; i++) {
		before = corcache_policy_hint(&c->policy, i);
		corcache_policy_touch(c->policy.visited, i, 1);
		after = corcache_policy_hint(&c->policy, i);
		KUNIT_ASSERT_NE(test, before, after);
		/* as the hand will have it */
		corcache_dry_loop(c, 64, 300, 1);
	}
	for (i = 0; i < 64; i++)
		corcache_policy_touch(c->policy.visited, i, 1);
	after = corcache_policy_hint(&c->policy, c->policy.hand % 64);
	before = c->policy.hand % 64;
	corcache_dry_loop(c, 370, 1, 1);
	KUNIT_EXPECT_FALSE(test, test_bit(before, c->policy.visited));
	KUNIT_EXPECT_EQ(test, corcache_policy_hint(&c->policy, before) & 0xff, after & 0xff);
	corcache_dry_end(c);
}

/* `stop` knows nothing, and forgets what it is told. */
static void test_hint_of_stop(struct kunit *test)
{
	struct corcache_dry *c;

	c = corcache_dry_start(test, CORCACHE_POLICY_STOP, SLOTS, SLOTS, 1000);
	corcache_dry_put_restored(c, 3, 500, 0xffffff);
	KUNIT_EXPECT_EQ(test, c->policy.used, 1);
	KUNIT_EXPECT_EQ(test, corcache_policy_hint(&c->policy, 3), 0);
	KUNIT_EXPECT_EQ(test, corcache_policy_hint(&c->policy, 4), 0);
	corcache_dry_end(c);
}

/* Hints come from a device, which may hold anything. */
static void test_any_hint(struct kunit *test)
{
	u32 hint = 0, first, i;
	struct corcache_dry *c;

	for (first = 0; first < 1U << CORCACHE_FIGURES_HINT_BITS; first = hint) {
		c = corcache_dry_start(test, CORCACHE_POLICY_ADAPTIVE, 4096, 4096, 12000);
		/* with others above, which are not the policy's */
		for (i = 0; i < 4096; i++, hint++)
			corcache_dry_put_restored(c, i, i, hint ^ (corcache_below(256) << 24));
		for (i = 0; i < 4096; i++) {
			u32 now = corcache_policy_hint(&c->policy, i);

			KUNIT_ASSERT_TRUE(test, now && !(now >> CORCACHE_FIGURES_HINT_BITS));
			if (i & 0xff)
				KUNIT_ASSERT_EQ(test, now & 0xff, i & 0xff);
		}
		for (i = 0; i < CORCACHE_FIGURES_AGES; i++)
			KUNIT_ASSERT_LE(test, c->policy.figures.class[0].ticks[i], 60000);
		corcache_policy_set_quota(&c->policy, 4096);
		if (first < 1U << 16 || !corcache_below(64)) {
			corcache_dry_loop(c, 2000, 8000, 4000);
			corcache_dry_check(c);
			for (i = 0; i < 4096; i += 7)
				if (c->region[i] != NO_REGION)
					corcache_dry_drop(c, i, true);
			corcache_dry_loop(c, 0, 12000, 1000);
		}
		corcache_dry_end(c);
	}
}

static struct kunit_case hint_cases[] = {
	KUNIT_CASE(test_hint_round_trip),
	KUNIT_CASE(test_hint_figures),
	KUNIT_CASE(test_restart_beside_a_scan),
	KUNIT_CASE(test_hint_of_visited),
	KUNIT_CASE(test_hint_of_stop),
	KUNIT_CASE(test_any_hint),
	{}
};

static struct kunit_suite hint_suite = {
	.name = "dm_corcache_hint",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = hint_cases,
};

kunit_test_suite(hint_suite);
