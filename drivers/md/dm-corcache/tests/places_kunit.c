// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places: different ones are counted, the same one once, and forgotten in time.
 */
#include <linux/limits.h>

#include "../places.h"
#include "test.h"

#define EVER	CORCACHE_PLACES_EVER

static struct corcache_places *places_init(struct kunit *test, u32 quiet, u32 window)
{
	struct corcache_places *places = kunit_kmalloc(test, sizeof(*places), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, places);
	memset(places, '#', sizeof(*places));
	corcache_places_init(places, quiet, window);
	return places;
}

static void test_different_places(struct kunit *test)
{
	struct corcache_places *places = places_init(test, 3600, EVER);
	u32 i;

	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 5), 0);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, corcache_places_add(places, 7, 5), 1);
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, corcache_places_add(places, 1000 + i, 5 + i), i + 2);
	KUNIT_EXPECT_EQ(test, corcache_places_add(places, 7, 200), 101);
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 200), 101);
}

/* All of them, an hour after the last one; not an hour after the first. */
static void test_quiet(struct kunit *test)
{
	struct corcache_places *places = places_init(test, 3600, EVER);
	u32 i, now = U32_MAX - 9000;

	/* the clock wraps on the way */
	for (i = 0; i < 10; i++, now += 3599)
		KUNIT_ASSERT_EQ(test, corcache_places_add(places, i, now), i + 1);
	now -= 3599;
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, now + 3599), 10);
	KUNIT_EXPECT_EQ(test, corcache_places_add(places, 99, now + 3600), 1);
}

/* Each of them, so long after its last error. */
static void test_window(struct kunit *test)
{
	struct corcache_places *places = places_init(test, 600, 600);

	KUNIT_EXPECT_EQ(test, corcache_places_add(places, 1, 0), 1);
	KUNIT_EXPECT_EQ(test, corcache_places_add(places, 2, 300), 2);
	KUNIT_EXPECT_EQ(test, corcache_places_add(places, 3, 599), 3);
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 600), 2);
	KUNIT_EXPECT_EQ(test, corcache_places_add(places, 2, 899), 2);
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 1198), 2);
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 1199), 1);
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 1499), 0);
}

/* More than are told apart: the count goes on, and the latest are known. */
static void test_more_than_fit(struct kunit *test)
{
	struct corcache_places *places = places_init(test, 600, 600);
	u32 i, most = CORCACHE_PLACES_MOST;

	for (i = 0; i < 3 * most; i++)
		KUNIT_ASSERT_EQ(test, corcache_places_add(places, i, i / most), i + 1);
	for (i = 2 * most; i < 3 * most; i++)
		KUNIT_ASSERT_EQ(test, corcache_places_add(places, i, 3), 3 * most);
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 602), 3 * most);
	KUNIT_EXPECT_EQ(test, corcache_places_count(places, 603), 0);
}

/* Against a list that remembers everything, with few places in little time. */
static void test_random(struct kunit *test)
{
	struct corcache_places *places = places_init(test, 60, 40);
	u32 last[32], now = corcache_random(), begin = now, i, p, place, nr;
	bool seen[32] = {};

	for (i = 0; i < 5000; i++) {
		now += corcache_below(100) ? corcache_below(8) : corcache_below(80);
		place = corcache_below(32);
		last[place] = now;
		seen[place] = true;
		for (nr = 0, p = 0; p < 32; p++)
			nr += seen[p] && now - last[p] < 40;
		KUNIT_ASSERT_EQ_MSG(test, corcache_places_add(places, place, now), nr,
				    "step %u, second %u", i, now - begin);
	}
}

static struct kunit_case places_cases[] = {
	KUNIT_CASE(test_different_places),
	KUNIT_CASE(test_quiet),
	KUNIT_CASE(test_window),
	KUNIT_CASE(test_more_than_fit),
	KUNIT_CASE(test_random),
	{}
};

static struct kunit_suite places_suite = {
	.name = "dm_corcache_places",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = places_cases,
};

kunit_test_suite(places_suite);
