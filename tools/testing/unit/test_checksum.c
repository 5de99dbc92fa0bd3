// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums of the format: of sectors and of blocks of data, against a second
 * implementation and the values of format.rst.
 */
#include <linux/crc32c.h>
#include <linux/string.h>

#include "sectors.h"

static void checksum_of_anything(void)
{
	u32 i;

	expect_u64(corcache_crc("123456789", 9), 0xe3069283);
	expect_u64(corcache_crc("", 0), 0);
	for (i = 0; i < 2000; i++) {
		u32 bytes = unit_below(BYTES + 1);

		unit_fill(sector, BYTES);
		expect_u64(corcache_crc(sector, bytes), slow_crc(sector, bytes, BYTES));
	}
}

/* As Documentation/dm-corcache/format.rst says; and the place counts. */
static void checksum_of_a_block(void)
{
	u64 block = 0x123456789aULL;
	u32 i;

	expect_u64(corcache_block_seed(0), 0xffffffff);
	expect_u64(corcache_block_seed(256), 0xfffffeff);
	expect_u64(corcache_block_seed(block), ~(0x3456789aU ^ 0x12));
	memset(sector, 0, BYTES);
	for (i = 1; i < 5000; i++)
		expect(crc32c(corcache_block_seed(block), sector, BYTES) !=
		       crc32c(corcache_block_seed(block + i), sector, BYTES));
}

static const struct unit_test tests[] = {
	{ "checksum", checksum_of_anything },
	{ "checksum of a block, with its place", checksum_of_a_block },
};

int main(void)
{
	return sectors_run(tests, ARRAY_SIZE(tests));
}
