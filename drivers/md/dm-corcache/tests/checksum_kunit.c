// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums of the format: of sectors and of blocks of data, against a second
 * implementation and the values of format.rst.
 */
#include <linux/crc32c.h>
#include <linux/string.h>

#include "sectors.h"

static u8 *sector;

static void test_checksum_of_anything(struct kunit *test)
{
	u32 i;

	KUNIT_EXPECT_EQ(test, corcache_crc("123456789", 9), 0xe3069283);
	KUNIT_EXPECT_EQ(test, corcache_crc("", 0), 0);
	for (i = 0; i < 2000; i++) {
		u32 bytes = corcache_below(BYTES + 1);

		corcache_random_bytes(sector, BYTES);
		KUNIT_ASSERT_EQ(test, corcache_crc(sector, bytes),
				corcache_slow_crc(sector, bytes, BYTES));
	}
}

/* As in Documentation/dm-corcache/format.rst; and the place counts. */
static void test_checksum_of_a_block(struct kunit *test)
{
	static const struct {
		u64 block;
		u32 seed;
	} seeds[] = {
		{ 0, 0xffffffff },
		{ 256, 0xfffffeff },
		{ 0x123456789aULL, ~(0x3456789aU ^ 0x12) },
	};
	corcache_block_t block = to_block(seeds[2].block);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(seeds); i++)
		KUNIT_EXPECT_EQ(test, corcache_block_seed(to_block(seeds[i].block)),
				seeds[i].seed);
	memset(sector, 0, BYTES);
	for (i = 1; i < 5000; i++)
		KUNIT_ASSERT_NE(test, crc32c(corcache_block_seed(block), sector, BYTES),
				crc32c(corcache_block_seed(block_add(block, i)), sector, BYTES));
}

static int checksum_init(struct kunit *test)
{
	sector = corcache_test_sector(test);
	return corcache_test_init(test);
}

static struct kunit_case checksum_cases[] = {
	KUNIT_CASE(test_checksum_of_anything),
	KUNIT_CASE(test_checksum_of_a_block),
	{}
};

static struct kunit_suite checksum_suite = {
	.name = "dm_corcache_checksum",
	.suite_init = corcache_test_suite_init,
	.init = checksum_init,
	.test_cases = checksum_cases,
};

kunit_test_suite(checksum_suite);
