// SPDX-License-Identifier: GPL-2.0-only
/*
 * remedy.c: what is told about a refusal of the kernel.
 *
 * REMEDY_LINES in the environment names a file with every refusal that the module's sources have, a line each.
 */
#include <kunit/test.h>
#include <stdio.h>
#include <stdlib.h>

#include "remedy.h"

#define PARAMS	"/dev/vg/c /dev/nbd7 128 0 2 block_size 8"

static const struct {
	const char *line;
	enum ends end;
	const char *told;	/* a part of it */
} wanted[] = {
	{ "device-mapper: table: 253:0: corcache: loop1 holds data (sector 0) and no corcache superblock: zero its first and "
	  "last MiB (sectors 0-2047, 30720-32767) to let it be formatted (-EEXIST)", END_DEVICE,
	  "'corcache wipe /dev/vg/c'" },
	{ "device-mapper: table: 253:0: corcache: origin_id of the cache is a, the table says b (-EINVAL)", END_DEVICE,
	  "'corcache wipe /dev/vg/c'" },
	{ "device-mapper: table: 253:0: corcache: the cache was formatted with no_checksums, the table says with checksums "
	  "(-EINVAL)", END_DEVICE, "give --no-checksums" },
	{ "device-mapper: table: 253:0: corcache: the cache was formatted with checksums, the table says with no_checksums "
	  "(-EINVAL)", END_DEVICE, "leave --no-checksums out" },
	{ "device-mapper: table: 253:0: corcache: cannot open cache device /dev/vg/c: error -16 (-EBUSY)", END_BUSY,
	  "lsblk /dev/vg/c" },
	{ "device-mapper: table: 253:0: corcache: cannot open origin device /dev/nbd7: error -16 (-EBUSY)", END_BUSY,
	  "lsblk /dev/nbd7" },
	{ "device-mapper: table: 253:0: corcache: cannot open origin device /dev/nbd7: error -2 (-ENOENT)", END_DEVICE,
	  "is /dev/nbd7 there" },
	{ "device-mapper: table: 253:0: corcache: cache device 7:0 is read-only (-EINVAL)", END_DEVICE, "--setrw /dev/vg/c" },
	{ "device-mapper: table: 253:0: corcache: cache device 7:0 is in use by corcache device vm (-EBUSY)", END_BUSY,
	  "of its own" },
	{ "device-mapper: table: 253:0: corcache: cache and origin are the same device 7:0 (-EINVAL)", END_ARGS,
	  "two devices" },
	{ "device-mapper: table: 253:0: corcache: quota 9 is less than one region of 128 sectors (-EINVAL)", END_ARGS,
	  "--quota" },
	{ "device-mapper: corcache: vm: cannot activate: cannot read the region table of sda: error -12", END_DEVICE,
	  "/dev/vg/c fails" },
	{ "device-mapper: corcache: vm: message quota: 5 is not between a region (128) and the data area (9 sectors)", END_ARGS,
	  "'corcache status vm'" },
};

static void known_lines(struct kunit *test)
{
	const struct remedy *remedy;
	char *text;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		remedy = remedy_find(wanted[i].line);
		KUNIT_ASSERT_TRUE_MSG(test, remedy, "nothing for: %s", wanted[i].line);
		KUNIT_EXPECT_EQ_MSG(test, (int)remedy->end, (int)wanted[i].end, "%s", wanted[i].line);
		text = remedy_text(remedy, "vm", PARAMS);
		KUNIT_EXPECT_TRUE_MSG(test, strstr(text, wanted[i].told), "'%s' for: %s", text, wanted[i].line);
		free(text);
	}
}

static void without_words(struct kunit *test)
{
	const struct remedy *remedy = remedy_find(wanted[0].line);
	char *text;

	KUNIT_ASSERT_TRUE(test, remedy);
	text = remedy_text(remedy, "vm", NULL);
	KUNIT_EXPECT_TRUE(test, strstr(text, "'corcache wipe DEVICE'"));
	free(text);
	text = remedy_text(remedy, "vm", "{name} {cache}");
	KUNIT_EXPECT_TRUE_MSG(test, strstr(text, "'corcache wipe {name}'"), "%s", text);
	free(text);
	KUNIT_EXPECT_TRUE(test, !remedy_find("device-mapper: table: 253:0: corcache: all is well"));
}

/* Each pattern is the first for some line: none is hidden behind a more general one. */
static void none_hidden(struct kunit *test)
{
	const struct remedy *remedy;
	unsigned int i;

	for (i = 0; (remedy = remedy_number(i)); i++)
		KUNIT_EXPECT_TRUE_MSG(test, remedy_find(remedy->pattern) == remedy, "hidden: %s", remedy->pattern);
	KUNIT_EXPECT_TRUE(test, i > 50);
}

static void all_of_the_module(struct kunit *test)
{
	const char *name = getenv("REMEDY_LINES");
	FILE *file = name ? fopen(name, "r") : NULL;
	unsigned int nr = 0;
	char line[1024];

	KUNIT_ASSERT_TRUE(test, file);
	for (; fgets(line, sizeof(line), file); nr++) {
		line[strcspn(line, "\n")] = '\0';
		KUNIT_EXPECT_TRUE_MSG(test, remedy_find(line), "nothing for: %s", line);
	}
	fclose(file);
	KUNIT_EXPECT_TRUE_MSG(test, nr > 60, "%u refusals found in the sources", nr);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(known_lines),
	KUNIT_CASE(without_words),
	KUNIT_CASE(none_hidden),
	KUNIT_CASE(all_of_the_module),
	{}
};

static struct kunit_suite suite = {
	.name = "corcache_remedy",
	.test_cases = cases,
};
kunit_test_suite(suite);
