// SPDX-License-Identifier: GPL-2.0-only
/* size.c: amounts of bytes, as they are read and written. */
#include <kunit/test.h>

#include "size.h"

static void sizes(struct kunit *test)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "4096B", 4096 }, { "8s", 4096 },
		{ "1K", 1024 }, { "1k", 1024 }, { "1KiB", 1024 }, { "1KB", 1024 }, { "64K", 65536 },
		{ "100M", 104857600 }, { "1.5G", 1610612736 }, { "0.5K", 512 }, { "2T", 2199023255552 },
		{ "1P", 1125899906842624 }, { "15E", 17293822569102704640ULL }, { "007", 7 },
		{ "18446744073709551615", UINT64_MAX },
	};
	uint64_t bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		bytes = ~good[i].bytes;
		KUNIT_EXPECT_TRUE_MSG(test, size_parse(good[i].text, &bytes), "%s", good[i].text);
		KUNIT_EXPECT_EQ_MSG(test, bytes, good[i].bytes, "%s", good[i].text);
	}
}

static void no_sizes(struct kunit *test)
{
	static const char * const bad[] = {
		"", " ", "K", "-1", "+1", " 1", "1 ", "1 K", "0x10", "1e3", "1,5G", "1.G", ".5G", "1.5", "1.5B",
		"1KK", "1Ki", "1KiBs", "1X", "1m", "1g", "16E", "18446744073709551616", "99999999999999999999K",
		"1.00000000000000000001K", "1.5.5K",
	};
	uint64_t bytes = 42;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_TRUE_MSG(test, !size_parse(bad[i], &bytes), "'%s' was taken for %llu", bad[i],
				      (unsigned long long)bytes);
	KUNIT_EXPECT_EQ(test, bytes, 42ULL);
}

static void numbers(struct kunit *test)
{
	static const char * const bad[] = { "", "-1", "+1", "1 ", " 1", "1K", "0x1", "1.0", "11", "18446744073709551616" };
	uint64_t number = 42;
	size_t i;

	KUNIT_EXPECT_TRUE(test, number_parse("10", 10, &number));
	KUNIT_EXPECT_EQ(test, number, 10ULL);
	KUNIT_EXPECT_TRUE(test, number_parse("18446744073709551615", UINT64_MAX, &number));
	KUNIT_EXPECT_EQ(test, number, UINT64_MAX);
	number = 42;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_TRUE_MSG(test, !number_parse(bad[i], 10, &number), "'%s' was taken", bad[i]);
	KUNIT_EXPECT_EQ(test, number, 42ULL);
}

static void texts(struct kunit *test)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} wanted[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" }, { 1536, "1.5 KiB" }, { 1048575, "1 MiB" },
		{ 104857600, "100 MiB" }, { 1610612736, "1.5 GiB" }, { 1023ULL << 30, "1023 GiB" },
		{ 1ULL << 40, "1 TiB" }, { UINT64_MAX, "16 EiB" },
	};
	char text[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		KUNIT_EXPECT_STREQ(test, size_text(wanted[i].bytes, text, sizeof(text)), wanted[i].text);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(sizes),
	KUNIT_CASE(no_sizes),
	KUNIT_CASE(numbers),
	KUNIT_CASE(texts),
	{}
};

static struct kunit_suite suite = {
	.name = "corcache_size",
	.test_cases = cases,
};
kunit_test_suite(suite);
