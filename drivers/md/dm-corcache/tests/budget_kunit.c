// SPDX-License-Identifier: GPL-2.0-only
/*
 * Budgets: no more is held than there is, each table has its own, and whoever
 * comes finds something, whatever those before it hold.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../budget.h"
#include "test.h"

#define MIB	(1024 * 1024ULL)
#define TABLES	64

/* 40 MiB are shared, 24 are there for what is a table's own. */
static const struct corcache_budget start = {
	.most = 64 * MIB,
	.shared_most = 40 * MIB,
};

static struct corcache_budget budget;
static struct corcache_share tables[TABLES];

static int budget_init(struct kunit *test)
{
	u32 i;

	budget = start;
	memset(tables, 0, sizeof(tables));
	for (i = 0; i < TABLES; i++)
		tables[i].own = MIB;
	return corcache_test_init(test);
}

/* As much as it gets, in pieces of @bytes. */
static u64 take_all(struct corcache_share *table, u64 bytes)
{
	while (corcache_budget_take(&budget, table, bytes))
		;
	return table->bytes;
}

static void give_all(struct corcache_share *table)
{
	corcache_budget_give(&budget, table, table->bytes);
}

static void test_alone(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, take_all(&tables[0], 4096), CORCACHE_SHARE_MOST);
	KUNIT_EXPECT_EQ(test, budget.used, CORCACHE_SHARE_MOST);
	KUNIT_EXPECT_EQ(test, budget.shared, CORCACHE_SHARE_MOST - MIB);
	/* what is left is enough for one more piece of any size that is allowed */
	corcache_budget_give(&budget, &tables[0], 4096);
	KUNIT_EXPECT_FALSE(test, corcache_budget_take(&budget, &tables[0], 4097));
	KUNIT_EXPECT_TRUE(test, corcache_budget_take(&budget, &tables[0], 4096));
	give_all(&tables[0]);
	KUNIT_EXPECT_EQ(test, budget.used, 0ULL);
	KUNIT_EXPECT_EQ(test, budget.shared, 0ULL);
}

/* Without a limit for each: four fifths of what is shared, and its own. */
static void test_four_fifths(struct kunit *test)
{
	budget.shared_most = 10 * MIB;
	KUNIT_EXPECT_EQ(test, take_all(&tables[0], 4096), 9 * MIB);
	KUNIT_EXPECT_EQ(test, budget.shared, 8 * MIB);
}

/* One after another, each as much as it gets: its own at least, and never too much. */
static void test_one_after_another(struct kunit *test)
{
	u64 sum = 0, last = U64_MAX;
	u32 i;

	for (i = 0; i < 24; i++) {
		u64 got = take_all(&tables[i], 4096);

		KUNIT_ASSERT_GE(test, got, MIB);
		KUNIT_ASSERT_LE(test, got, last);
		last = got;
		sum += got;
		KUNIT_ASSERT_EQ(test, budget.used, sum);
		KUNIT_ASSERT_LE(test, budget.shared, budget.shared_most);
	}
	KUNIT_EXPECT_LE(test, sum, budget.most);
	/* these have their own though it is little that is left */
	KUNIT_EXPECT_EQ(test, tables[23].bytes, MIB);
	/* here it ends: it is for the spare transfers to go on */
	KUNIT_EXPECT_LT(test, budget.most - take_all(&tables[24], 4096) - sum, MIB);
}

/* In turns: all get the same, and what the rule leaves is free. */
static void test_in_turns(struct kunit *test)
{
	bool more = true;
	u32 i;

	while (more) {
		more = false;
		for (i = 0; i < 4; i++)
			more |= corcache_budget_take(&budget, &tables[i], 4096);
	}
	for (i = 1; i < 4; i++)
		KUNIT_EXPECT_LE(test, max(tables[i].bytes, tables[0].bytes) -
				      min(tables[i].bytes, tables[0].bytes), 4096ULL * 16);
	/* 4 tables: 16 parts of 17 are taken, each has four */
	KUNIT_EXPECT_GE(test, tables[0].bytes - MIB, 40 * MIB * 4 / 17 - 16 * 4096);
	KUNIT_EXPECT_LE(test, tables[0].bytes - MIB, 40 * MIB * 4 / 17 + 16 * 4096);
	/* so the next one does not find it all gone */
	KUNIT_EXPECT_GE(test, take_all(&tables[4], 4096), 2 * MIB);
}

/* More tables than there is for what is their own: what all hold is bounded all the same. */
static void test_too_many(struct kunit *test)
{
	u32 i;

	for (i = 0; i < TABLES; i++) {
		take_all(&tables[i], 64 * 1024);
		KUNIT_ASSERT_LE(test, budget.used, budget.most);
	}
	KUNIT_EXPECT_EQ(test, tables[TABLES - 1].bytes, 0ULL);
	/* what one gives, another one gets */
	give_all(&tables[0]);
	KUNIT_EXPECT_GE(test, take_all(&tables[TABLES - 1], 64 * 1024), MIB);
}

static void check_sums(struct kunit *test)
{
	u64 used = 0, shared = 0;
	u32 i;

	for (i = 0; i < TABLES; i++) {
		used += tables[i].bytes;
		shared += tables[i].bytes - min(tables[i].bytes, tables[i].own);
		KUNIT_ASSERT_LE(test, tables[i].bytes, CORCACHE_SHARE_MOST);
	}
	KUNIT_ASSERT_EQ(test, budget.used, used);
	KUNIT_ASSERT_EQ(test, budget.shared, shared);
	KUNIT_ASSERT_LE(test, used, budget.most);
	KUNIT_ASSERT_LE(test, shared, budget.shared_most);
}

static void test_random(struct kunit *test)
{
	u32 i;

	for (i = 0; i < TABLES; i++)
		tables[i].own = corcache_below(4 * MIB);
	for (i = 0; i < 20000; i++) {
		struct corcache_share *table = &tables[corcache_below(TABLES)];
		struct corcache_share before = *table;
		u64 bytes = corcache_below(4 * MIB);

		if (corcache_below(2)) {
			bool got = corcache_budget_take(&budget, table, bytes);

			KUNIT_ASSERT_EQ(test, table->bytes - before.bytes, got ? bytes : 0);
			/* its own is refused only if all is gone */
			if (!got && before.bytes + bytes <= table->own)
				KUNIT_ASSERT_GT(test, budget.used + bytes, budget.most);
		} else {
			corcache_budget_give(&budget, table, min(bytes, table->bytes));
		}
		check_sums(test);
	}
}

static struct kunit_case budget_cases[] = {
	KUNIT_CASE(test_alone),
	KUNIT_CASE(test_four_fifths),
	KUNIT_CASE(test_one_after_another),
	KUNIT_CASE(test_in_turns),
	KUNIT_CASE(test_too_many),
	KUNIT_CASE(test_random),
	{}
};

static struct kunit_suite budget_suite = {
	.name = "dm_corcache_budget",
	.suite_init = corcache_test_suite_init,
	.init = budget_init,
	.test_cases = budget_cases,
};

kunit_test_suite(budget_suite);
