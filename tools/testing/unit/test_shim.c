// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ground that the other tests stand on: the shims and the frame itself.
 */
#include <linux/bitops.h>
#include <linux/crc32c.h>
#include <linux/math64.h>
#include <linux/string.h>

#include <asm/byteorder.h>

#include "unit.h"

static void crc_known_vectors(void)
{
	u8 data[32];
	int i;

	expect_u64(crc32c(~0U, "123456789", 9) ^ ~0U, 0xe3069283);
	/* The vectors of RFC 3720, B.4. */
	memset(data, 0, sizeof(data));
	expect_u64(crc32c(~0U, data, sizeof(data)) ^ ~0U, 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	expect_u64(crc32c(~0U, data, sizeof(data)) ^ ~0U, 0x62a8ab43);
	for (i = 0; i < 32; i++)
		data[i] = i;
	expect_u64(crc32c(~0U, data, sizeof(data)) ^ ~0U, 0x46dd794e);
}

static void crc_in_pieces(void)
{
	u8 data[512];
	int i;

	for (i = 0; i < 1000; i++) {
		u32 cut = unit_below(sizeof(data) + 1), seed = unit_random();

		unit_fill(data, sizeof(data));
		expect_u64(crc32c(crc32c(seed, data, cut), data + cut, sizeof(data) - cut),
			   crc32c(seed, data, sizeof(data)));
	}
	expect_u64(crc32c(1234, data, 0), 1234);
}

static void rounding(void)
{
	expect_u64(round_up(0ULL, 8U), 0);
	expect_u64(round_up(1ULL, 8U), 8);
	expect_u64(round_up(8ULL, 8U), 8);
	expect_u64(round_up(0xffffffff00000001ULL, 2048U), 0xffffffff00000800ULL);
	expect_u64(round_down(U64_MAX, 8U), U64_MAX - 7);
	expect_u64(div_u64(U64_MAX, 10), 1844674407370955161ULL);
	expect_int(ilog2(8192), 13);
	expect_int(__ffs64(1ULL << 63), 63);
	expect(!is_power_of_2(0) && is_power_of_2(1) && !is_power_of_2(12));
}

static void byte_order(void)
{
	__le32 a = cpu_to_le32(0x01020304);
	__le64 b = cpu_to_le64(0x0102030405060708ULL);

	expect(!memcmp(&a, "\4\3\2\1", 4));
	expect(!memcmp(&b, "\10\7\6\5\4\3\2\1", 8));
	expect_u64(le32_to_cpu(a), 0x01020304);
	expect_u64(le64_to_cpu(b), 0x0102030405060708ULL);
}

static void strings(void)
{
	char text[4];

	expect_int(scnprintf(text, sizeof(text), "%s", "abcdef"), 3);
	expect_string(text, "abc");
	expect_int(scnprintf(text, sizeof(text), "%s", "ab"), 2);
	expect_int(scnprintf(text, 0, "%s", "ab"), 0);
	expect(!memchr_inv("aaa", 'a', 3));
	expect(memchr_inv("aab", 'a', 3));
	expect(!memchr_inv("b", 'a', 0));
	expect(unit_is_line("a line"));
	expect(!unit_is_line("") && !unit_is_line("a\n") && !unit_is_line("\x80"));
}

static const struct unit_test tests[] = {
	{ "crc32c: known vectors", crc_known_vectors },
	{ "crc32c: in pieces as in one", crc_in_pieces },
	{ "arithmetic", rounding },
	{ "byte order", byte_order },
	{ "strings", strings },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
