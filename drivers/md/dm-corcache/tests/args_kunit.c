// SPDX-License-Identifier: GPL-2.0-only
/*
 * Args: every refusal by its text, every limit from both sides, printing as
 * the inverse of parsing, and words that nobody would write.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "../args.h"
#include "test.h"

#define MAX_WORDS	32
#define ROUNDS		100000

#define KEYS		"block_size, quota, policy, commit_interval, max_errors, origin_id"
#define MESSAGES	"commit, quota, evict, evict_all, pin, unpin, recover, reset_stats"
#define ID_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-"
#define ID_64		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_128		ID_64 ID_64

static struct corcache_refusal why;

/* Words of a line, split at single spaces: two make an empty word. */
struct line {
	unsigned int argc;
	char *argv[MAX_WORDS];
	char *text;
};

static void split_line(struct kunit *test, struct line *line, const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *at = kunit_kmalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, at);
	memcpy(at, text, bytes);
	line->text = at;
	line->argc = 0;
	if (!*at)
		return;
	do {
		line->argv[line->argc++] = at;
		at = strchr(at, ' ');
		if (at)
			*at++ = '\0';
	} while (at && line->argc < MAX_WORDS);
}

static int parse(struct kunit *test, struct line *line, struct corcache_args *args,
		 const char *text)
{
	memset(&why, 0, sizeof(why));
	split_line(test, line, text);
	return corcache_args_parse(args, line->argc, line->argv, &why);
}

static int parse_message(struct kunit *test, struct corcache_message *msg, const char *text)
{
	struct line line;
	int ret;

	memset(&why, 0, sizeof(why));
	split_line(test, &line, text);
	ret = corcache_message_parse(msg, line.argc, line.argv, &why);
	kunit_kfree(test, line.text);
	return ret;
}

static void expect_refused(struct kunit *test, const char *text, const char *wanted)
{
	struct corcache_args args;
	struct line line;

	KUNIT_ASSERT_EQ_MSG(test, parse(test, &line, &args, text), -EINVAL, "accepted: %s", text);
	KUNIT_ASSERT_STREQ(test, why.text, wanted);
	KUNIT_ASSERT_TRUE(test, corcache_is_line(why.text));
	kunit_kfree(test, line.text);
}

static bool same_args(const struct corcache_args *a, const struct corcache_args *b)
{
	return !strcmp(a->cache_path, b->cache_path) &&
	       !strcmp(a->origin_path, b->origin_path) &&
	       a->region_sectors == b->region_sectors && a->block_sectors == b->block_sectors &&
	       a->no_checksums == b->no_checksums && a->discard == b->discard &&
	       a->policy == b->policy &&
	       a->quota_sectors == b->quota_sectors &&
	       a->commit_interval_ms == b->commit_interval_ms &&
	       a->max_errors == b->max_errors && !strcmp(a->origin_id, b->origin_id);
}

static void expect_parsed(struct kunit *test, const char *text, const struct corcache_args *wanted)
{
	struct corcache_args args;
	struct line line;

	KUNIT_ASSERT_TRUE_MSG(test, !parse(test, &line, &args, text), "%s: %s", text, why.text);
	KUNIT_ASSERT_TRUE_MSG(test, same_args(&args, wanted), "%s", text);
	KUNIT_ASSERT_TRUE_MSG(test, !why.text[0], "%s", why.text);
	kunit_kfree(test, line.text);
}

static struct corcache_args wanted_args;

static const struct corcache_args usual_args = {
	.cache_path = "c",
	.origin_path = "o",
	.region_sectors = 128,
	.block_sectors = 8,
	.policy = CORCACHE_POLICY_ADAPTIVE,
	.quota_sectors = U64_MAX,
	.commit_interval_ms = 1000,
	.max_errors = 100,
};

/* The usual ones, but for what is assigned. */
#define ARGS(...) ({				\
	struct corcache_args *a = &wanted_args;	\
						\
	*a = usual_args;			\
	__VA_ARGS__;				\
	a;					\
})

#define NAMED(name)	strscpy(a->origin_id, name, sizeof(a->origin_id))

static void test_defaults(struct kunit *test)
{
	expect_parsed(test, "c o 128", &usual_args);
	expect_parsed(test, "c o 128 0", &usual_args);
	expect_parsed(test, "c o 128 0 0", &usual_args);
	expect_parsed(test, "c o 128 1 no_checksums", ARGS(a->no_checksums = true));
	expect_parsed(test, "c o 128 1 no_checksums 0", ARGS(a->no_checksums = true));
	expect_parsed(test, "c o 128 1 discard", ARGS(a->discard = true));
	expect_parsed(test, "c o 128 2 discard no_checksums 0",
		      ARGS(a->discard = true, a->no_checksums = true));
	expect_parsed(test, "c o 128 2 no_checksums discard",
		      ARGS(a->discard = true, a->no_checksums = true));
	expect_parsed(test, "/dev/vg/cache /dev/nbd0 8",
		      ARGS(a->cache_path = "/dev/vg/cache", a->origin_path = "/dev/nbd0",
			   a->region_sectors = 8));
}

static void test_core_args(struct kunit *test)
{
	expect_parsed(test, "c o 128 0 2 block_size 16", ARGS(a->block_sectors = 16));
	expect_parsed(test, "c o 128 0 2 quota 1", ARGS(a->quota_sectors = 1));
	expect_parsed(test, "c o 128 0 2 quota 18446744073709551614",
		      ARGS(a->quota_sectors = U64_MAX - 1));
	expect_parsed(test, "c o 128 0 2 policy adaptive", &usual_args);
	expect_parsed(test, "c o 128 0 2 policy stop", ARGS(a->policy = CORCACHE_POLICY_STOP));
	expect_parsed(test, "c o 128 0 2 commit_interval 1", ARGS(a->commit_interval_ms = 1));
	expect_parsed(test, "c o 128 0 2 commit_interval 3600000",
		      ARGS(a->commit_interval_ms = 3600000));
	expect_parsed(test, "c o 128 0 2 max_errors 0", ARGS(a->max_errors = 0));
	expect_parsed(test, "c o 128 0 2 max_errors 4294967295", ARGS(a->max_errors = U32_MAX));
	expect_parsed(test, "c o 128 0 2 origin_id x", ARGS(NAMED("x")));
	expect_parsed(test, "c o 128 0 2 origin_id sha256:" ID_64, ARGS(NAMED("sha256:" ID_64)));
	expect_parsed(test, "c o 128 0 2 origin_id " ID_128, ARGS(NAMED(ID_128)));
	expect_parsed(test, "c o 128 0 2 origin_id sha256:0aZ._:+/=@-",
		      ARGS(NAMED("sha256:0aZ._:+/=@-")));
	expect_parsed(test,
		      "c o 128 1 no_checksums 12 origin_id v1 max_errors 3 commit_interval 50 policy stop quota 4096 block_size 128",
		      ARGS(a->no_checksums = true, NAMED("v1"), a->max_errors = 3,
			   a->commit_interval_ms = 50, a->quota_sectors = 4096,
			   a->block_sectors = 128, a->policy = CORCACHE_POLICY_STOP));
	/* A value may look like a key, and a device like anything. */
	expect_parsed(test, "c o 128 0 2 origin_id quota", ARGS(NAMED("quota")));
	expect_parsed(test, "0 1 128", ARGS(a->cache_path = "0", a->origin_path = "1"));
}

static void test_sizes(struct kunit *test)
{
	u32 region, block;

	for (region = 8; region <= 8192; region *= 2) {
		for (block = 8; block <= region; block *= 2) {
			char text[100], wanted[256];

			snprintf(text, sizeof(text), "c o %u 0 2 block_size %u", region, block);
			if (region / block <= 64) {
				expect_parsed(test, text, ARGS(a->region_sectors = region,
							       a->block_sectors = block));
				continue;
			}
			snprintf(wanted, sizeof(wanted),
				 "block_size %u is less than 1/64 of the region size %u: at least %u is needed",
				 block, region, region / 64);
			expect_refused(test, text, wanted);
		}
	}
}

static const char *const refusals[][2] = {
#define EXPECTED "<cache dev> <origin dev> <region size> [<#feature args> [<feature>]* [<#core args> [<key> <value>]*]]"
	{ "", "0 words are too few, expected: " EXPECTED },
	{ "c", "1 words are too few, expected: " EXPECTED },
	{ "c o", "2 words are too few, expected: " EXPECTED },
	{ "c  128", "word 2 of the table line is empty" },
	{ " o 128", "word 1 of the table line is empty" },
	{ "c o 128 0 2 origin_id ", "word 7 of the table line is empty" },

	{ "c o x", "region size x is not a decimal number between 8 and 8192" },
	{ "c o 0", "region size 0 is not a decimal number between 8 and 8192" },
	{ "c o 7", "region size 7 is not a decimal number between 8 and 8192" },
	{ "c o 8193", "region size 8193 is not a decimal number between 8 and 8192" },
	{ "c o -8", "region size -8 is not a decimal number between 8 and 8192" },
	{ "c o +8", "region size +8 is not a decimal number between 8 and 8192" },
	{ "c o 0x80", "region size 0x80 is not a decimal number between 8 and 8192" },
	{ "c o 0128", "region size 0128 is not a decimal number between 8 and 8192" },
	{ "c o 128\n", "region size 128? is not a decimal number between 8 and 8192" },
	{ "c o 128k", "region size 128k is not a decimal number between 8 and 8192" },
	{ "c o 4294967424", "region size 4294967424 is not a decimal number between 8 and 8192" },
	{ "c o 18446744073709551744",
	  "region size 18446744073709551744 is not a decimal number between 8 and 8192" },
	{ "c o 100", "region size 100 is not a power of two between 8 and 8192 (sectors)" },
	{ "c o 100 0 2 block_size 128",
	  "region size 100 is not a power of two between 8 and 8192 (sectors)" },
	{ "c o 8192",
	  "block_size 8 is less than 1/64 of the region size 8192: at least 128 is needed" },

	{ "c o 128 x", "number of feature args x is not a decimal number between 0 and 0" },
	{ "c o 128 no_checksums",
	  "number of feature args no_checksums is not a decimal number between 0 and 0" },
	{ "c o 128 1", "number of feature args 1 is not a decimal number between 0 and 0" },
	{ "c o 128 3 no_checksums 0",
	  "number of feature args 3 is not a decimal number between 0 and 2" },
	{ "c o 128 -1 a", "number of feature args -1 is not a decimal number between 0 and 1" },
	{ "c o 128 1 x", "feature x is unknown, known: no_checksums, discard" },
	{ "c o 128 1 ~\x7f!", "feature ~?! is unknown, known: no_checksums, discard" },
	{ "c o 128 1 NO_CHECKSUMS",
	  "feature NO_CHECKSUMS is unknown, known: no_checksums, discard" },
	{ "c o 128 2 no_checksums no_checksums", "feature no_checksums is given twice" },
	{ "c o 128 2 discard discard", "feature discard is given twice" },
	{ "c o 128 3 discard no_checksums discard", "feature discard is given twice" },
	{ "c o 128 2 no_checksums 0", "feature 0 is unknown, known: no_checksums, discard" },

	{ "c o 128 0 no_checksums",
	  "number of core args no_checksums is not a decimal number between 0 and 0" },
	{ "c o 128 0 2 quota", "number of core args 2 is not a decimal number between 0 and 1" },
	{ "c o 128 0 1 quota", "number of core args 1 is odd, they are key and value each" },
	{ "c o 128 0 3 quota 1 policy stop",
	  "number of core args 3 is odd, they are key and value each" },
	{ "c o 128 0 0 x", "word x is one too many" },
	{ "c o 128 0 2 quota 1 policy stop", "word policy is one too many" },
	{ "c o 128 0 2 x 1", "core arg x is unknown, known: " KEYS },
	{ "c o 128 0 2 Quota 1", "core arg Quota is unknown, known: " KEYS },
	{ "c o 128 0 2 quot 1", "core arg quot is unknown, known: " KEYS },
	{ "c o 128 0 2 quotas 1", "core arg quotas is unknown, known: " KEYS },
	{ "c o 128 0 4 quota 1 quota 1", "core arg quota is given twice" },
	{ "c o 128 0 4 block_size 8 block_size 8", "core arg block_size is given twice" },
	{ "c o 128 0 4 policy stop policy stop", "core arg policy is given twice" },
	{ "c o 128 0 4 commit_interval 1000 commit_interval 1",
	  "core arg commit_interval is given twice" },
	{ "c o 128 0 4 max_errors 0 max_errors 0", "core arg max_errors is given twice" },
	{ "c o 128 0 4 origin_id a origin_id a", "core arg origin_id is given twice" },

	{ "c o 128 0 2 block_size 4",
	  "block_size 4 is not a decimal number between 8 and 8192" },
	{ "c o 128 0 2 block_size 8193",
	  "block_size 8193 is not a decimal number between 8 and 8192" },
	{ "c o 128 0 2 block_size 8x",
	  "block_size 8x is not a decimal number between 8 and 8192" },
	{ "c o 128 0 2 block_size 12",
	  "block_size 12 is not a power of two between 8 and the region size 128 (sectors)" },
	{ "c o 128 0 2 block_size 256",
	  "block_size 256 is not a power of two between 8 and the region size 128 (sectors)" },

	{ "c o 128 0 2 quota 0",
	  "quota 0 is not a decimal number between 1 and 18446744073709551614" },
	{ "c o 128 0 2 quota 18446744073709551615",
	  "quota 18446744073709551615 is not a decimal number between 1 and 18446744073709551614" },
	{ "c o 128 0 2 quota 18446744073709551616",
	  "quota 18446744073709551616 is not a decimal number between 1 and 18446744073709551614" },
	{ "c o 128 0 2 quota 99999999999999999999999999999999999999999999",
	  "quota 9999999999999999999999999999999999999999... is not a decimal number between 1 and 18446744073709551614",
	},
	{ "c o 128 0 2 quota 1g",
	  "quota 1g is not a decimal number between 1 and 18446744073709551614" },

	{ "c o 128 0 2 policy lru", "policy lru is unknown, known: adaptive, stop" },
	{ "c o 128 0 2 policy STOP", "policy STOP is unknown, known: adaptive, stop" },
	{ "c o 128 0 2 policy stopp", "policy stopp is unknown, known: adaptive, stop" },

	{ "c o 128 0 2 commit_interval 0",
	  "commit_interval 0 is not a decimal number between 1 and 3600000" },
	{ "c o 128 0 2 commit_interval 3600001",
	  "commit_interval 3600001 is not a decimal number between 1 and 3600000" },
	{ "c o 128 0 2 commit_interval 4294967297",
	  "commit_interval 4294967297 is not a decimal number between 1 and 3600000" },
	{ "c o 128 0 2 max_errors 4294967296",
	  "max_errors 4294967296 is not a decimal number between 0 and 4294967295" },
	{ "c o 128 0 2 max_errors -1",
	  "max_errors -1 is not a decimal number between 0 and 4294967295" },

	{ "c o 128 0 2 origin_id " ID_128 "x",
	  "origin_id 0123456789abcdef0123456789abcdef01234567... has 129 characters, at most 128 are allowed",
	},
	{ "c o 128 0 2 origin_id a,b",
	  "origin_id a,b has a character other than A-Z a-z 0-9 . _ : + / = @ -" },
	{ "c o 128 0 2 origin_id a\001b\200",
	  "origin_id a?b? has a character other than A-Z a-z 0-9 . _ : + / = @ -" },
};

static void test_refused_lines(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		expect_refused(test, refusals[i][0], refusals[i][1]);
}

static void test_origin_id_words(struct kunit *test)
{
	unsigned int c;

	/* 0 and the space end words here. */
	for (c = 1; c < 256; c++) {
		struct corcache_args args;
		struct line line;
		char text[64];

		if (c == ' ')
			continue;
		snprintf(text, sizeof(text), "c o 128 0 2 origin_id ab%cd", c);
		KUNIT_ASSERT_EQ_MSG(test, parse(test, &line, &args, text) == 0,
				    !!strchr(ID_CHARS, c), "%u", c);
		kunit_kfree(test, line.text);
	}
}

/* Long and unprintable words of every length around the cut. */
static void test_words_in_refusals(struct kunit *test)
{
	char text[600], wanted[256], word[200];
	size_t bytes;

	for (bytes = 1; bytes < sizeof(word); bytes++) {
		memset(word, 'x', bytes);
		word[bytes] = '\0';
		snprintf(text, sizeof(text), "c o 128 1 %s", word);
		snprintf(wanted, sizeof(wanted), "feature %.40s%s is unknown, known: no_checksums, discard",
			 word, bytes > 40 ? "..." : "");
		expect_refused(test, text, wanted);

		memset(word, '\xff', bytes);
		snprintf(text, sizeof(text), "c o 128 0 2 %s 1", word);
		memset(word, '?', bytes);
		snprintf(wanted, sizeof(wanted), "core arg %.40s%s is unknown, known: " KEYS,
			 word, bytes > 40 ? "..." : "");
		expect_refused(test, text, wanted);
	}
}

#define EMITTED(quota) \
	"c o 128 0 10 block_size 8 quota " quota " policy adaptive commit_interval 1000 max_errors 100"

static void test_short_buffers(struct kunit *test)
{
	static const char wanted[] = EMITTED("5");
	struct corcache_args args;
	struct line line;
	char buf[104];
	size_t i;

	split_line(test, &line, "c o 128 0 2 quota 5");
	KUNIT_EXPECT_EQ(test, corcache_args_parse(&args, line.argc, line.argv, &why), 0);
	for (i = 0; i < sizeof(buf); i++) {
		memset(buf, '#', sizeof(buf));
		KUNIT_ASSERT_EQ(test, corcache_args_emit(&args, buf, i), sizeof(wanted) - 1);
		KUNIT_ASSERT_TRUE(test, buf[i] == '#' && (!i || !strncmp(buf, wanted, i - 1)));
	}
	KUNIT_EXPECT_STREQ(test, buf, wanted);
	kunit_kfree(test, line.text);
}

static void test_emitted_lines(struct kunit *test)
{
	char buf[512];

	corcache_args_emit(ARGS(a->quota_sectors = 1), buf, sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf, EMITTED("1"));
	corcache_args_emit(ARGS(a->quota_sectors = 1, a->discard = true), buf, sizeof(buf));
	KUNIT_EXPECT_TRUE(test, !strncmp(buf, "c o 128 1 discard 10 block", 26));
	corcache_args_emit(ARGS(a->quota_sectors = 1, a->discard = true, a->no_checksums = true),
			   buf, sizeof(buf));
	KUNIT_EXPECT_TRUE(test, !strncmp(buf, "c o 128 2 no_checksums discard 10 block", 39));
	corcache_args_emit(ARGS(a->quota_sectors = 1ULL << 40, a->cache_path = "253:1",
				a->origin_path = "43:0", a->region_sectors = 8192,
				a->block_sectors = 128, a->no_checksums = true, a->max_errors = 0,
				a->commit_interval_ms = 7, NAMED("v1"),
				a->policy = CORCACHE_POLICY_STOP),
			   buf, sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf,
			   "253:1 43:0 8192 1 no_checksums 12 block_size 128 quota 1099511627776 policy stop commit_interval 7 max_errors 0 origin_id v1");
}

static void random_args(struct corcache_args *args)
{
	static const char *const paths[] = { "/dev/sda", "253:0", "0", "12", "/dev/mapper/a-b" };
	size_t bytes = corcache_below(3) ? corcache_below(129) : 0, i;
	u32 ratio = 1U << corcache_below(7);

	memset(args, 0, sizeof(*args));
	args->cache_path = paths[corcache_below(ARRAY_SIZE(paths))];
	args->origin_path = paths[corcache_below(ARRAY_SIZE(paths))];
	do {
		args->region_sectors = 8U << corcache_below(11);
	} while (args->region_sectors / ratio < 8);
	args->block_sectors = args->region_sectors / ratio;
	args->no_checksums = corcache_below(2);
	args->discard = corcache_below(2);
	args->policy = corcache_below(2) ? CORCACHE_POLICY_STOP : CORCACHE_POLICY_ADAPTIVE;
	do {
		args->quota_sectors = corcache_magnitude();
	} while (!args->quota_sectors || args->quota_sectors == U64_MAX);
	args->commit_interval_ms = 1 + corcache_below(3600000);
	args->max_errors = corcache_magnitude();
	for (i = 0; i < bytes; i++)
		args->origin_id[i] = ID_CHARS[corcache_below(sizeof(ID_CHARS) - 1)];
}

static void test_parse_of_emit(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_args args;
		char buf[512];

		random_args(&args);
		KUNIT_ASSERT_EQ(test, corcache_args_emit(&args, buf, sizeof(buf)),
				(int)strlen(buf));
		expect_parsed(test, buf, &args);
	}
}

static const char *const vocabulary[] = {
	"block_size", "quota", "policy", "commit_interval", "max_errors", "origin_id", "stop",
	"adaptive", "no_checksums", "discard", "0", "1", "2", "3", "4", "6", "8", "12", "128",
	"256", "1000",
	"18446744073709551615", "18446744073709551616", "x", "/dev/x",
};

static char *random_word(char *word, size_t bytes)
{
	size_t i, n = 1 + corcache_below(bytes - 1);

	if (corcache_below(20)) {
		strscpy(word, vocabulary[corcache_below(ARRAY_SIZE(vocabulary))], bytes);
		return word;
	}
	for (i = 0; i < n; i++)
		word[i] = corcache_random();
	word[n] = '\0';
	return word;
}

/* What is accepted can be printed and is accepted again; the rest is named. */
static void test_random_lines(struct kunit *test)
{
	static char words[MAX_WORDS][100];
	unsigned int i, w, accepted = 0;

	for (i = 0; i < ROUNDS * 2; i++) {
		struct corcache_args args;
		char *argv[MAX_WORDS], buf[1024];
		unsigned int argc = corcache_below(10);

		for (w = 0; w < argc; w++)
			argv[w] = random_word(words[w], sizeof(words[w]));
		if (argc > 2 && corcache_below(4))
			strscpy(argv[2], "128", sizeof(words[2]));
		if (argc > 3 && corcache_below(2))
			strscpy(argv[3], "0", sizeof(words[3]));
		if (argc > 5 && corcache_below(2))
			snprintf(argv[4], sizeof(words[4]), "%u", argc - 5);

		memset(&why, 0, sizeof(why));
		if (corcache_args_parse(&args, argc, argv, &why)) {
			KUNIT_ASSERT_TRUE(test, corcache_is_line(why.text));
			continue;
		}
		accepted++;
		KUNIT_ASSERT_NE(test, args.quota_sectors, 0);
		KUNIT_ASSERT_TRUE(test, argc >= 3 && args.cache_path == argv[0] &&
				  args.origin_path == argv[1]);
		if (args.quota_sectors == U64_MAX || strchr(argv[0], ' ') || strchr(argv[1], ' '))
			continue;
		corcache_args_emit(&args, buf, sizeof(buf));
		expect_parsed(test, buf, &args);
	}
	KUNIT_EXPECT_GT_MSG(test, accepted, 1000, "only %u", accepted);
}

static void test_messages(struct kunit *test)
{
	struct corcache_message msg;

	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "commit"), 0);
	KUNIT_EXPECT_EQ(test, msg.kind, CORCACHE_MESSAGE_COMMIT);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "evict_all"), 0);
	KUNIT_EXPECT_EQ(test, msg.kind, CORCACHE_MESSAGE_EVICT_ALL);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "recover"), 0);
	KUNIT_EXPECT_EQ(test, msg.kind, CORCACHE_MESSAGE_RECOVER);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "reset_stats"), 0);
	KUNIT_EXPECT_EQ(test, msg.kind, CORCACHE_MESSAGE_RESET_STATS);

	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "quota 1"), 0);
	KUNIT_EXPECT_TRUE(test, msg.kind == CORCACHE_MESSAGE_QUOTA && msg.sectors == 1);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "quota 18446744073709551614"), 0);
	KUNIT_EXPECT_EQ(test, msg.sectors, U64_MAX - 1);

	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "evict 0 1"), 0);
	KUNIT_EXPECT_EQ(test, msg.kind, CORCACHE_MESSAGE_EVICT);
	KUNIT_EXPECT_TRUE(test, msg.start == 0 && msg.sectors == 1);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "evict 123 4567"), 0);
	KUNIT_EXPECT_TRUE(test, msg.start == 123 && msg.sectors == 4567);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "evict 0 18446744073709551615"), 0);
	KUNIT_EXPECT_TRUE(test, msg.start == 0 && msg.sectors == U64_MAX);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "evict 18446744073709551614 1"), 0);
	KUNIT_EXPECT_TRUE(test, msg.start == U64_MAX - 1 && msg.sectors == 1);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "pin 8 16"), 0);
	KUNIT_EXPECT_EQ(test, msg.kind, CORCACHE_MESSAGE_PIN);
	KUNIT_EXPECT_TRUE(test, msg.start == 8 && msg.sectors == 16);
	KUNIT_EXPECT_EQ(test, parse_message(test, &msg, "unpin 16 8"), 0);
	KUNIT_EXPECT_EQ(test, msg.kind, CORCACHE_MESSAGE_UNPIN);
	KUNIT_EXPECT_TRUE(test, msg.start == 16 && msg.sectors == 8);
	KUNIT_EXPECT_FALSE(test, why.text[0]);
}

static const char *const refused[][2] = {
	{ "", "message is empty, known: " MESSAGES },
	{ "commit ", "word 2 of the message is empty" },
	{ " commit", "word 1 of the message is empty" },
	{ "quota  1", "word 2 of the message is empty" },
	{ "COMMIT", "message COMMIT is unknown, known: " MESSAGES },
	{ "flush\t1", "message flush?1 is unknown, known: " MESSAGES },
	{ "prefetch", "message prefetch is not yet supported" },
	{ "prefetch 0 8", "message prefetch is not yet supported" },
	{ "hydrate", "message hydrate is not yet supported" },
	{ "hydrate start", "message hydrate is not yet supported" },
	{ "commit now", "message word now is one too many, expected: commit" },
	{ "evict_all 0", "message word 0 is one too many, expected: evict_all" },
	{ "recover 0", "message word 0 is one too many, expected: recover" },
	{ "reset_stats 0", "message word 0 is one too many, expected: reset_stats" },
	{ "quota", "message has too few words, expected: quota <sectors>" },
	{ "quota 1 2", "message word 2 is one too many, expected: quota <sectors>" },
	{ "quota 0", "quota 0 is not a decimal number between 1 and 18446744073709551614" },
	{ "quota 18446744073709551615",
	  "quota 18446744073709551615 is not a decimal number between 1 and 18446744073709551614" },
	{ "quota 1G", "quota 1G is not a decimal number between 1 and 18446744073709551614" },
	{ "evict", "message has too few words, expected: evict <start> <length>" },
	{ "evict 1", "message has too few words, expected: evict <start> <length>" },
	{ "evict 1 2 3", "message word 3 is one too many, expected: evict <start> <length>" },
	{ "pin", "message has too few words, expected: pin <start> <length>" },
	{ "unpin 1", "message has too few words, expected: unpin <start> <length>" },
	{ "unpin 1 2 3", "message word 3 is one too many, expected: unpin <start> <length>" },
	{ "pin 1 0",
	  "pin: length 0 is not a decimal number between 1 and 18446744073709551614" },
	{ "unpin x 1",
	  "unpin: start x is not a decimal number between 0 and 18446744073709551614" },
	{ "evict x 1",
	  "evict: start x is not a decimal number between 0 and 18446744073709551614" },
	{ "evict -1 1",
	  "evict: start -1 is not a decimal number between 0 and 18446744073709551614" },
	{ "evict 18446744073709551615 1",
	  "evict: start 18446744073709551615 is not a decimal number between 0 and 18446744073709551614",
	},
	{ "evict 18446744073709551616 1",
	  "evict: start 18446744073709551616 is not a decimal number between 0 and 18446744073709551614",
	},
	{ "evict 0 18446744073709551617",
	  "evict: length 18446744073709551617 is not a decimal number between 1 and 18446744073709551615",
	},
	{ "evict 0 0",
	  "evict: length 0 is not a decimal number between 1 and 18446744073709551615" },
	{ "evict 1 18446744073709551615",
	  "evict: length 18446744073709551615 is not a decimal number between 1 and 18446744073709551614",
	},
	{ "evict 18446744073709551614 2",
	  "evict: length 2 is not a decimal number between 1 and 1" },
	{ "evict 0 0x10",
	  "evict: length 0x10 is not a decimal number between 1 and 18446744073709551615" },
};

static void test_refused_messages(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		struct corcache_message msg;

		KUNIT_ASSERT_EQ_MSG(test, parse_message(test, &msg, refused[i][0]), -EINVAL,
				    "accepted: %s", refused[i][0]);
		KUNIT_ASSERT_STREQ(test, why.text, refused[i][1]);
		KUNIT_ASSERT_TRUE(test, corcache_is_line(why.text));
	}
}

static void test_random_messages(struct kunit *test)
{
	static const char *const names[] = {
		"commit", "quota", "evict", "evict_all", "pin", "unpin", "recover",
		"reset_stats", "prefetch", "hydrate",
	};
	static char words[6][100];
	unsigned int i, w, accepted = 0;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_message msg;
		unsigned int argc = corcache_below(5);
		char *argv[6];

		for (w = 0; w < argc; w++)
			argv[w] = random_word(words[w], sizeof(words[w]));
		if (argc)
			strscpy(argv[0], names[corcache_below(ARRAY_SIZE(names))],
				sizeof(words[0]));
		memset(&why, 0, sizeof(why));
		if (corcache_message_parse(&msg, argc, argv, &why)) {
			KUNIT_ASSERT_TRUE(test, corcache_is_line(why.text));
			continue;
		}
		accepted++;
		if (msg.kind == CORCACHE_MESSAGE_EVICT || msg.kind == CORCACHE_MESSAGE_PIN ||
		    msg.kind == CORCACHE_MESSAGE_UNPIN)
			KUNIT_ASSERT_TRUE(test, msg.sectors && msg.start + msg.sectors > msg.start);
		else if (msg.kind == CORCACHE_MESSAGE_QUOTA)
			KUNIT_ASSERT_TRUE(test, msg.sectors && msg.sectors < U64_MAX && !msg.start);
		else
			KUNIT_ASSERT_TRUE(test, argc == 1 && !msg.sectors && !msg.start);
	}
	KUNIT_EXPECT_GT_MSG(test, accepted, 1000, "only %u", accepted);
}

static struct kunit_case args_cases[] = {
	KUNIT_CASE(test_defaults),
	KUNIT_CASE(test_core_args),
	KUNIT_CASE(test_sizes),
	KUNIT_CASE(test_refused_lines),
	KUNIT_CASE(test_origin_id_words),
	KUNIT_CASE(test_words_in_refusals),
	KUNIT_CASE(test_short_buffers),
	KUNIT_CASE(test_emitted_lines),
	KUNIT_CASE(test_parse_of_emit),
	KUNIT_CASE(test_random_lines),
	KUNIT_CASE(test_messages),
	KUNIT_CASE(test_refused_messages),
	KUNIT_CASE(test_random_messages),
	{}
};

static struct kunit_suite args_suite = {
	.name = "dm_corcache_args",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = args_cases,
};

kunit_test_suite(args_suite);
