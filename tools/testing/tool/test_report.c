// SPDX-License-Identifier: GPL-2.0-only
/*
 * report.c: what is a status line and what is none, however little is wrong with it.
 */
#include <kunit/test.h>
#include <stdlib.h>

#include "report.h"

#define HEAD	"active 1 128 8 5/6/7 80"
#define GOOD	HEAD " 3 reason none reads 18446744073709551615 a_2b x7"

static void good_line(struct kunit *test)
{
	struct report report;

	KUNIT_ASSERT_TRUE(test, report_parse(GOOD, &report));
	KUNIT_EXPECT_STREQ(test, report.mode, "active");
	KUNIT_EXPECT_EQ(test, report.version, 1ULL);
	KUNIT_EXPECT_EQ(test, report.region_sectors, 128ULL);
	KUNIT_EXPECT_EQ(test, report.block_sectors, 8ULL);
	KUNIT_EXPECT_EQ(test, report.used, 5ULL);
	KUNIT_EXPECT_EQ(test, report.quota, 6ULL);
	KUNIT_EXPECT_EQ(test, report.total, 7ULL);
	KUNIT_EXPECT_EQ(test, report.valid, 80ULL);
	KUNIT_EXPECT_EQ(test, report.nr_pairs, 3U);
	KUNIT_EXPECT_STREQ(test, report.pairs[2].name, "a_2b");
	KUNIT_EXPECT_STREQ(test, report.pairs[2].value, "x7");
	KUNIT_EXPECT_STREQ(test, report_word(&report, "reason"), "none");
	KUNIT_EXPECT_TRUE(test, !report_word(&report, "read"));
	KUNIT_EXPECT_TRUE(test, report_number(&report, "reads") == UINT64_MAX);
	KUNIT_EXPECT_EQ(test, report_number(&report, "a_2b"), 0ULL);
	KUNIT_EXPECT_EQ(test, report_number(&report, "absent"), 0ULL);
	report_free(&report);
	KUNIT_EXPECT_TRUE(test, !report.text && !report.nr_pairs);
}

/* What dmsetup and a newer kernel may make of it. */
static void also_good(struct kunit *test)
{
	static const char * const lines[] = {
		GOOD " ", GOOD "\n", GOOD " \n", "  " GOOD,
		HEAD " 0",
		"thawing 9 8192 8192 0/0/0 0 1 new_word -",
	};
	struct report report;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, report_parse(lines[i], &report), "line %zu", i);
		report_free(&report);
	}
}

static void malformed(struct kunit *test)
{
	static const char * const lines[] = {
		"", " ", "\n", "active", HEAD, "Error", "-",
		/* words of other kinds */
		"Active 1 128 8 5/6/7 80 0", "7:0 1 128 8 5/6/7 80 0", "/dev/sdb 1 128 8 5/6/7 80 0",
		"active one 128 8 5/6/7 80 0", "active -1 128 8 5/6/7 80 0", "active 1 +128 8 5/6/7 80 0",
		"active 1 128 8.0 5/6/7 80 0", "active 1 128 8 5/6/7 0x80 0", "active 1 128 8 5/6/7 80 zero",
		"active 1 18446744073709551616 8 5/6/7 80 0",
		/* the slots */
		"active 1 128 8 5/6 80 0", "active 1 128 8 5 80 0", "active 1 128 8 5/6/7/8 80 0",
		"active 1 128 8 /6/7 80 0", "active 1 128 8 5//7 80 0", "active 1 128 8 5/6/ 80 0",
		"active 1 128 8 5/ 6/7 80 0", "active 1 128 8 5/6/7x 80 0",
		/* sizes of nothing, and amounts beyond any device */
		"active 1 0 8 5/6/7 80 0", "active 1 128 0 5/6/7 80 0",
		"active 1 128 8 5/6/281474976710656 80 0", "active 1 128 8 281474976710656/6/7 80 0",
		"active 1 128 8 5/281474976710656/7 80 0", "active 1 128 8 5/6/7 4503599627370496 0",
		/* the pairs */
		HEAD " 1", HEAD " 1 reads", HEAD " 2 reads 1", HEAD " 1 reads 1 hits 1", HEAD " 0 reads 1",
		HEAD " 1 reads 1 hits", HEAD " 2 reads 1 reads 1", HEAD " 1 Reads 1", HEAD " 1 1 reads",
		HEAD " 1 re-ads 1", HEAD " 1 _reads 1", HEAD " 257 reads 1", HEAD " -1 reads 1",
		HEAD " 18446744073709551615 reads 1", HEAD " 1 reads\t1",
		/* the rest of a line is no part of it */
		HEAD " 1 reads\n1", HEAD " 1 reads 1\n2", HEAD " 1 reads 1\n\n", HEAD " 1 reads \x1b[2J", HEAD " 1 reads \xff",
	};
	struct report report;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, !report_parse(lines[i], &report), "taken: '%s'", lines[i]);
		KUNIT_EXPECT_TRUE(test, !report.text);
	}
}

/* Cut off anywhere before its last word, it is none. */
static void cut_off(struct kunit *test)
{
	struct report report;
	char line[] = GOOD;
	size_t bytes;

	for (bytes = strlen(line) - strlen("x7"); bytes--;) {
		line[bytes] = '\0';
		KUNIT_EXPECT_TRUE_MSG(test, !report_parse(line, &report), "taken: '%s'", line);
	}
}

/* Whatever is in it: no byte beyond the line is looked at, which the sanitizer sees. */
static void any_byte(struct kunit *test)
{
	struct report report;
	size_t bytes = strlen(GOOD), i;
	unsigned int byte, taken = 0;

	for (i = 0; i < bytes; i++) {
		for (byte = 1; byte < 256; byte++) {
			char *line = strdup(GOOD);

			line[i] = byte;
			if (report_parse(line, &report)) {
				taken++;
				report_free(&report);
			}
			free(line);
		}
	}
	/* each byte may be itself, digits may be others; most are refused */
	KUNIT_EXPECT_GE(test, taken, (unsigned int)bytes);
	KUNIT_EXPECT_LT(test, taken, (unsigned int)bytes * 100);
}

static void as_many_as_it_takes(struct kunit *test)
{
	struct report report;
	unsigned int i;
	char *line;
	size_t bytes;
	FILE *to = open_memstream(&line, &bytes);

	fprintf(to, HEAD " %d", REPORT_PAIRS_MOST);
	for (i = 0; i < REPORT_PAIRS_MOST; i++)
		fprintf(to, " n%u %u", i, i);
	fclose(to);
	KUNIT_ASSERT_TRUE(test, report_parse(line, &report));
	KUNIT_EXPECT_EQ(test, report.nr_pairs, (unsigned int)REPORT_PAIRS_MOST);
	KUNIT_EXPECT_EQ(test, report_number(&report, "n255"), 255ULL);
	report_free(&report);
	free(line);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(good_line),
	KUNIT_CASE(also_good),
	KUNIT_CASE(malformed),
	KUNIT_CASE(cut_off),
	KUNIT_CASE(any_byte),
	KUNIT_CASE(as_many_as_it_takes),
	{}
};

static struct kunit_suite suite = {
	.name = "report",
	.test_cases = cases,
};
kunit_test_suite(suite);
