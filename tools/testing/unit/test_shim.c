// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ground that the other tests stand on: the shims and the frame itself.
 */
#include <linux/bitops.h>
#include <linux/crc32c.h>
#include <linux/math64.h>
#include <linux/string.h>

#include <asm/byteorder.h>

#include "test.h"

static void crc_known_vectors(struct kunit *test)
{
	u8 data[32];
	int i;

	KUNIT_EXPECT_EQ(test, crc32c(~0U, "123456789", 9) ^ ~0U, 0xe3069283);
	/* The vectors of RFC 3720, B.4. */
	memset(data, 0, sizeof(data));
	KUNIT_EXPECT_EQ(test, crc32c(~0U, data, sizeof(data)) ^ ~0U, 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	KUNIT_EXPECT_EQ(test, crc32c(~0U, data, sizeof(data)) ^ ~0U, 0x62a8ab43);
	for (i = 0; i < 32; i++)
		data[i] = i;
	KUNIT_EXPECT_EQ(test, crc32c(~0U, data, sizeof(data)) ^ ~0U, 0x46dd794e);
}

static void crc_in_pieces(struct kunit *test)
{
	u8 data[512];
	int i;

	for (i = 0; i < 1000; i++) {
		u32 cut = corcache_below(sizeof(data) + 1), seed = corcache_random();

		corcache_random_bytes(data, sizeof(data));
		KUNIT_ASSERT_EQ(test,
				crc32c(crc32c(seed, data, cut), data + cut, sizeof(data) - cut),
				crc32c(seed, data, sizeof(data)));
	}
	KUNIT_EXPECT_EQ(test, crc32c(1234, data, 0), 1234);
}

static void rounding(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, round_up(0ULL, 8U), 0);
	KUNIT_EXPECT_EQ(test, round_up(1ULL, 8U), 8);
	KUNIT_EXPECT_EQ(test, round_up(8ULL, 8U), 8);
	KUNIT_EXPECT_EQ(test, round_up(0xffffffff00000001ULL, 2048U), 0xffffffff00000800ULL);
	KUNIT_EXPECT_EQ(test, round_down(U64_MAX, 8U), U64_MAX - 7);
	KUNIT_EXPECT_EQ(test, div_u64(U64_MAX, 10), 1844674407370955161ULL);
	KUNIT_EXPECT_EQ(test, ilog2(8192), 13);
	KUNIT_EXPECT_EQ(test, __ffs64(1ULL << 63), 63);
	KUNIT_EXPECT_TRUE(test, !is_power_of_2(0) && is_power_of_2(1) && !is_power_of_2(12));
}

static void byte_order(struct kunit *test)
{
	__le32 a = cpu_to_le32(0x01020304);
	__le64 b = cpu_to_le64(0x0102030405060708ULL);

	KUNIT_EXPECT_FALSE(test, memcmp(&a, "\4\3\2\1", 4));
	KUNIT_EXPECT_FALSE(test, memcmp(&b, "\10\7\6\5\4\3\2\1", 8));
	KUNIT_EXPECT_EQ(test, le32_to_cpu(a), 0x01020304);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(b), 0x0102030405060708ULL);
}

static void strings(struct kunit *test)
{
	char text[4];

	KUNIT_EXPECT_EQ(test, scnprintf(text, sizeof(text), "%s", "abcdef"), 3);
	KUNIT_EXPECT_STREQ(test, text, "abc");
	KUNIT_EXPECT_EQ(test, scnprintf(text, sizeof(text), "%s", "ab"), 2);
	KUNIT_EXPECT_EQ(test, scnprintf(text, 0, "%s", "ab"), 0);
	KUNIT_EXPECT_EQ(test, strscpy(text, "abc", sizeof(text)), 3);
	KUNIT_EXPECT_STREQ(test, text, "abc");
	KUNIT_EXPECT_EQ(test, strscpy(text, "wxyz", sizeof(text)), -E2BIG);
	KUNIT_EXPECT_STREQ(test, text, "wxy");
	KUNIT_EXPECT_EQ(test, strscpy(text, "a", 0), -E2BIG);
	KUNIT_EXPECT_STREQ(test, text, "wxy");
	KUNIT_EXPECT_FALSE(test, memchr_inv("aaa", 'a', 3));
	KUNIT_EXPECT_TRUE(test, memchr_inv("aab", 'a', 3));
	KUNIT_EXPECT_FALSE(test, memchr_inv("b", 'a', 0));
	KUNIT_EXPECT_TRUE(test, corcache_is_line("a line"));
	KUNIT_EXPECT_TRUE(test,
			  !corcache_is_line("") && !corcache_is_line("a\n") &&
			  !corcache_is_line("\x80"));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(crc_known_vectors),
	KUNIT_CASE(crc_in_pieces),
	KUNIT_CASE(rounding),
	KUNIT_CASE(byte_order),
	KUNIT_CASE(strings),
	{}
};

static struct kunit_suite suite = {
	.name = "shim",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
