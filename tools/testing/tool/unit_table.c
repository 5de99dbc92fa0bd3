// SPDX-License-Identifier: GPL-2.0-only
/* table.c: table lines made of options, and taken apart. */
#include <kunit/test.h>
#include <stdlib.h>

#include "table.h"

static struct table a_table(void)
{
	struct table table;

	table_init(&table);
	table.cache = "/dev/c";
	table.origin = "/dev/o";
	return table;
}

static void expect_text(struct kunit *test, const struct table *table, const char *wanted)
{
	char *text = table_text(table);

	KUNIT_EXPECT_STREQ(test, text, wanted);
	free(text);
}

static void lines(struct kunit *test)
{
	struct table table = a_table();

	expect_text(test, &table, "/dev/c /dev/o 128 0 2 block_size 8");
	table.region = 1 << 20;
	expect_text(test, &table, "/dev/c /dev/o 2048 0 2 block_size 32");
	table.block = 65536;
	table.discard = true;
	expect_text(test, &table, "/dev/c /dev/o 2048 1 discard 2 block_size 128");
	table.no_checksums = true;
	table.quota = 100 << 20;
	table.policy = "stop";
	table.commit_interval = 500;
	table.max_errors = 0;
	table.origin_id = "v:1";
	expect_text(test, &table, "/dev/c /dev/o 2048 2 no_checksums discard 12 block_size 128 quota 204800 policy stop "
		    "commit_interval 500 max_errors 0 origin_id v:1");
}

/* What dmsetup prints, split and made again, is the same line. */
static void there_and_back(struct kunit *test)
{
	static const char * const good[] = {
		"7:0 43:0 128 0 10 block_size 8 quota 26624 policy adaptive commit_interval 1000 max_errors 100",
		"7:0 43:0 128 2 no_checksums discard 12 block_size 16 quota 26624 policy stop commit_interval 1 max_errors 0 "
		"origin_id sha256:ab",
	};
	struct table table;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		KUNIT_ASSERT_TRUE_MSG(test, table_split(good[i], &table), "%s", good[i]);
		expect_text(test, &table, good[i]);
		table_forget(&table);
	}
}

static void split(struct kunit *test)
{
	struct table table;

	KUNIT_ASSERT_TRUE(test, table_split(" 7:0  43:0 8 \n", &table));
	KUNIT_EXPECT_STREQ(test, table.cache, "7:0");
	KUNIT_EXPECT_STREQ(test, table.origin, "43:0");
	KUNIT_EXPECT_EQ(test, table.region, 4096ULL);
	KUNIT_EXPECT_EQ(test, table_block(&table), 4096ULL);
	KUNIT_EXPECT_EQ(test, table.max_errors, -1LL);
	KUNIT_EXPECT_TRUE(test, !table.policy && !table.origin_id && !table.quota);
	table_forget(&table);
	KUNIT_EXPECT_TRUE(test, !table.cache && !table.origin);
}

static void no_lines(struct kunit *test)
{
	static const char * const bad[] = {
		"", " ", "7:0", "7:0 43:0", "7:0 43:0 x", "7:0 43:0 -8", "7:0 43:0 128 x", "7:0 43:0 128 1",
		"7:0 43:0 128 1 fast", "7:0 43:0 128 0 1 quota", "7:0 43:0 128 0 2 quota", "7:0 43:0 128 0 2 quota x",
		"7:0 43:0 128 0 2 size 8", "7:0 43:0 128 0 2 quota 8 9", "7:0 43:0 128 0 2 max_errors 4294967296",
		"7:0 43:0 128 0 2 policy", "7:0 43:0 99999999999999999999", "7:0 43:0 36028797018963968",
	};
	struct table table;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, !table_split(bad[i], &table), "'%s' was taken", bad[i]);
		KUNIT_EXPECT_TRUE(test, !table.cache && !table.origin);
	}
}

static void expect_wrong(struct kunit *test, const struct table *table, const char *wanted)
{
	char *text = table_check(table, "--");

	KUNIT_EXPECT_TRUE_MSG(test, text && strstr(text, wanted), "said '%s', wanted '%s'", text ? text : "", wanted);
	free(text);
}

static void values(struct kunit *test)
{
	struct table table = a_table();
	char id[TABLE_ORIGIN_ID_MOST + 2];

	KUNIT_EXPECT_TRUE(test, !table_check(&table, "--"));
	table.region = 2048;
	expect_wrong(test, &table, "--region: 2048 bytes");
	table.region = 8 << 20;
	expect_wrong(test, &table, "--region: 8388608 bytes");
	table.region = 100000;
	expect_wrong(test, &table, "--region: 100000 bytes");
	table.region = 65536;
	table.block = 131072;
	expect_wrong(test, &table, "--block: 131072 bytes");
	table.block = 5000;
	expect_wrong(test, &table, "--block: 5000 bytes");
	table.region = 1 << 20;
	table.block = 4096;
	expect_wrong(test, &table, "at least 16384");
	table = a_table();
	table.quota = 65535;
	expect_wrong(test, &table, "--quota: 65535 bytes");
	table = a_table();
	table.policy = "lru";
	expect_wrong(test, &table, "--policy: 'lru'");
	table = a_table();
	table.commit_interval = TABLE_INTERVAL_MOST + 1;
	expect_wrong(test, &table, "--commit-interval: 3600001");
	table = a_table();
	table.max_errors = UINT32_MAX + 1LL;
	expect_wrong(test, &table, "--max-errors: 4294967296");
	table = a_table();
	table.origin_id = "";
	expect_wrong(test, &table, "--origin-id: ''");
	table.origin_id = "a b";
	expect_wrong(test, &table, "--origin-id: 'a b'");
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	table.origin_id = id;
	expect_wrong(test, &table, "1 to 128");
	id[sizeof(id) - 2] = '\0';
	KUNIT_EXPECT_TRUE(test, !table_check(&table, "--"));
	table.cache = "/dev/my disk";
	expect_wrong(test, &table, "--cache: '/dev/my disk'");
	table.cache = "/dev/c";
	table.origin = "/dev/a\\b";
	expect_wrong(test, &table, "--origin: '/dev/a\\b'");
}

static void expect_replaced(struct kunit *test, const char *params, unsigned int i, const char *wanted)
{
	char *text = table_replace(params, i, "NEW");

	KUNIT_EXPECT_STREQ(test, text, wanted);
	free(text);
}

static void replaced(struct kunit *test)
{
	expect_replaced(test, "7:0 43:0 128 0 2 later 5", 0, "NEW 43:0 128 0 2 later 5");
	expect_replaced(test, "7:0 43:0 128 0 2 later 5", 1, "7:0 NEW 128 0 2 later 5");
	expect_replaced(test, "7:0  43:0", 1, "7:0  NEW");
}

static struct kunit_case cases[] = {
	KUNIT_CASE(lines),
	KUNIT_CASE(there_and_back),
	KUNIT_CASE(split),
	KUNIT_CASE(no_lines),
	KUNIT_CASE(values),
	KUNIT_CASE(replaced),
	{}
};

static struct kunit_suite suite = {
	.name = "corcache_table",
	.test_cases = cases,
};
kunit_test_suite(suite);
