// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slot maps: the same as a plain bitmap, for sets of any size; and the words above
 * say what lies below.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../slotmap.h"
#include "test.h"

static struct corcache_slotmap map;

/* Memory of exactly its size: one word too far is an error. */
static void make(struct kunit *test, u64 nr)
{
	u64 bytes = corcache_slotmap_bytes(nr);
	void *memory = kunit_kmalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	memset(memory, 0, bytes);
	corcache_slotmap_init(&map, nr, memory);
}

static u64 plain_next(u64 slot)
{
	while (slot < map.nr && !corcache_slotmap_test(&map, slot))
		slot++;
	return min(slot, map.nr);
}

/* Each bit above a word, and none beyond the last slot. */
static void check_levels(struct kunit *test)
{
	u64 i, bits = map.nr;
	u32 l;

	for (l = 0; l < map.levels; l++) {
		u64 words = (bits + 63) / 64;

		if (bits % 64)
			KUNIT_ASSERT_EQ(test, map.level[l][words - 1] >> bits % 64, 0ULL);
		for (i = 0; l + 1 < map.levels && i < words; i++)
			KUNIT_ASSERT_EQ(test, !!map.level[l][i],
					map.level[l + 1][i / 64] >> i % 64 & 1);
		bits = words;
	}
	KUNIT_ASSERT_EQ(test, bits, 1ULL);
}

static void test_sizes(struct kunit *test)
{
	/* slots, words of all levels */
	static const u64 want[][2] = {
		{ 1, 1 }, { 63, 1 }, { 64, 1 }, { 65, 2 + 1 }, { 4096, 64 + 1 },
		{ 4097, 65 + 2 + 1 }, { 1ULL << 24, (1ULL << 18) + 4096 + 64 + 1 },
		{ 1ULL << 32, (1ULL << 26) + (1ULL << 20) + (1ULL << 14) + 256 + 4 + 1 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		KUNIT_EXPECT_EQ(test, corcache_slotmap_bytes(want[i][0]), want[i][1] * 8);
	/* as many levels as there can be: nothing is touched */
	corcache_slotmap_init(&map, 1ULL << 32, NULL);
	KUNIT_EXPECT_EQ(test, map.levels, CORCACHE_SLOTMAP_LEVELS);
}

static void test_full(struct kunit *test)
{
	u64 nr, slot;

	for (nr = 1; nr < 300000; nr = nr * 5 / 2 + 1) {
		make(test, nr);
		KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, 0), nr);
		corcache_slotmap_fill(&map);
		check_levels(test);
		for (slot = 0; slot < nr; slot++) {
			KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, 0), slot);
			KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, nr - 1), nr - 1);
			corcache_slotmap_clear(&map, slot);
		}
		KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, 0), nr);
		check_levels(test);
	}
}

/* One slot alone, wherever it is, is found from anywhere before it. */
static void test_alone(struct kunit *test)
{
	u64 nr = 64 * 64 * 64 + 65;
	u32 i;

	make(test, nr);
	for (i = 0; i < 2000; i++) {
		u64 slot = min(corcache_magnitude() % (2 * nr), nr - 1);
		u64 from = corcache_below(nr);

		corcache_slotmap_set(&map, slot);
		KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, from), from <= slot ? slot : nr);
		KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, slot), slot);
		KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, slot + 1), nr);
		KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, 0), slot);
		/* twice is once */
		corcache_slotmap_set(&map, slot);
		corcache_slotmap_clear(&map, slot);
		KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, 0), nr);
		corcache_slotmap_clear(&map, slot);
	}
}

static void test_random(struct kunit *test)
{
	u64 nr;
	u32 i;

	for (nr = 1; nr < 9000; nr = nr * 3 + corcache_below(50)) {
		make(test, nr);
		for (i = 0; i < 3000; i++) {
			u64 slot = corcache_below(nr);

			if (corcache_below(8))
				corcache_slotmap_clear(&map, slot);
			else
				corcache_slotmap_set(&map, slot);
			slot = corcache_below(nr);
			KUNIT_ASSERT_EQ(test, corcache_slotmap_next(&map, slot), plain_next(slot));
		}
		check_levels(test);
	}
}

static struct kunit_case slotmap_cases[] = {
	KUNIT_CASE(test_sizes),
	KUNIT_CASE(test_full),
	KUNIT_CASE(test_alone),
	KUNIT_CASE(test_random),
	{}
};

static struct kunit_suite slotmap_suite = {
	.name = "dm_corcache_slotmap",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = slotmap_cases,
};

kunit_test_suite(slotmap_suite);
