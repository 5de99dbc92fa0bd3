// SPDX-License-Identifier: GPL-2.0-only
/*
 * Args: every refusal by its text, every limit from both sides, printing as
 * the inverse of parsing, and words that nobody would write.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "dm-corcache-args.h"
#include "unit.h"

#define MAX_WORDS	32
#define ROUNDS		100000

#define KEYS		"block_size, quota, policy, commit_interval, max_errors, origin_id"
#define MESSAGES	"commit, quota, evict, evict_all, reset_stats"
#define ID_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-"
#define ID_64		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char err[256];

/* Words of a line, split at single spaces: two make an empty word. */
struct line {
	unsigned int argc;
	char *argv[MAX_WORDS];
	char *text;
};

static void split(struct line *line, const char *text)
{
	char *at = line->text = strdup(text);

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

static int parse(struct line *line, struct corcache_args *args, const char *text)
{
	memset(err, 0, sizeof(err));
	split(line, text);
	return corcache_args_parse(args, line->argc, line->argv, err, sizeof(err));
}

static int parse_message(struct corcache_message *msg, const char *text)
{
	struct line line;
	int ret;

	memset(err, 0, sizeof(err));
	split(&line, text);
	ret = corcache_message_parse(msg, line.argc, line.argv, err, sizeof(err));
	free(line.text);
	return ret;
}

static void expect_refused(const char *text, const char *wanted)
{
	struct corcache_args args;
	struct line line;

	expectf(parse(&line, &args, text) == -EINVAL, "accepted: %s", text);
	expect_string(err, wanted);
	expect(unit_is_line(err));
	free(line.text);
}

static bool same_args(const struct corcache_args *a, const struct corcache_args *b)
{
	return !strcmp(a->cache_path, b->cache_path) &&
	       !strcmp(a->origin_path, b->origin_path) &&
	       a->region_sectors == b->region_sectors && a->block_sectors == b->block_sectors &&
	       a->no_checksums == b->no_checksums && a->policy == b->policy &&
	       a->quota_sectors == b->quota_sectors &&
	       a->commit_interval_ms == b->commit_interval_ms &&
	       a->max_errors == b->max_errors && !strcmp(a->origin_id, b->origin_id);
}

static void expect_parsed(const char *text, const struct corcache_args *wanted)
{
	struct corcache_args args;
	struct line line;

	expectf(!parse(&line, &args, text), "%s: %s", text, err);
	expectf(same_args(&args, wanted), "%s", text);
	expectf(!err[0], "%s", err);
	free(line.text);
}

#define ARGS(...)	(&(const struct corcache_args) {	\
	.cache_path = "c", .origin_path = "o",			\
	.region_sectors = 128, .block_sectors = 8,		\
	.policy = CORCACHE_POLICY_ADAPTIVE,			\
	.quota_sectors = U64_MAX,				\
	.commit_interval_ms = 1000, .max_errors = 100,		\
	__VA_ARGS__ })

#pragma GCC diagnostic ignored "-Woverride-init"

static void defaults(void)
{
	expect_parsed("c o 128", ARGS());
	expect_parsed("c o 128 0", ARGS());
	expect_parsed("c o 128 0 0", ARGS());
	expect_parsed("c o 128 1 no_checksums", ARGS(.no_checksums = true));
	expect_parsed("c o 128 1 no_checksums 0", ARGS(.no_checksums = true));
	expect_parsed("/dev/vg/cache /dev/nbd0 8",
		      ARGS(.cache_path = "/dev/vg/cache", .origin_path = "/dev/nbd0",
			   .region_sectors = 8));
}

static void core_args(void)
{
	expect_parsed("c o 128 0 2 block_size 16", ARGS(.block_sectors = 16));
	expect_parsed("c o 128 0 2 quota 1", ARGS(.quota_sectors = 1));
	expect_parsed("c o 128 0 2 quota 18446744073709551614",
		      ARGS(.quota_sectors = U64_MAX - 1));
	expect_parsed("c o 128 0 2 policy adaptive", ARGS());
	expect_parsed("c o 128 0 2 policy stop", ARGS(.policy = CORCACHE_POLICY_STOP));
	expect_parsed("c o 128 0 2 commit_interval 1", ARGS(.commit_interval_ms = 1));
	expect_parsed("c o 128 0 2 commit_interval 3600000",
		      ARGS(.commit_interval_ms = 3600000));
	expect_parsed("c o 128 0 2 max_errors 0", ARGS(.max_errors = 0));
	expect_parsed("c o 128 0 2 max_errors 4294967295", ARGS(.max_errors = U32_MAX));
	expect_parsed("c o 128 0 2 origin_id x", ARGS(.origin_id = "x"));
	expect_parsed("c o 128 0 2 origin_id " ID_64, ARGS(.origin_id = ID_64));
	expect_parsed("c o 128 0 2 origin_id sha256:0aZ._:+/=@-",
		      ARGS(.origin_id = "sha256:0aZ._:+/=@-"));
	expect_parsed("c o 128 1 no_checksums 12 origin_id v1 max_errors 3 commit_interval 50 policy stop quota 4096 block_size 128",
		      ARGS(.no_checksums = true, .origin_id = "v1", .max_errors = 3,
			   .commit_interval_ms = 50, .quota_sectors = 4096,
			   .block_sectors = 128, .policy = CORCACHE_POLICY_STOP));
	/* A value may look like a key, and a device like anything. */
	expect_parsed("c o 128 0 2 origin_id quota", ARGS(.origin_id = "quota"));
	expect_parsed("0 1 128", ARGS(.cache_path = "0", .origin_path = "1"));
}

static void sizes(void)
{
	u32 region, block;

	for (region = 8; region <= 8192; region *= 2) {
		for (block = 8; block <= region; block *= 2) {
			char text[100], wanted[256];

			snprintf(text, sizeof(text), "c o %u 0 2 block_size %u", region, block);
			if (region / block <= 64) {
				expect_parsed(text, ARGS(.region_sectors = region,
							 .block_sectors = block));
				continue;
			}
			snprintf(wanted, sizeof(wanted),
				 "block_size %u is less than 1/64 of the region size %u: at least %u is needed",
				 block, region, region / 64);
			expect_refused(text, wanted);
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
	{ "c o 128 1 x", "feature x is unknown, known: no_checksums" },
	{ "c o 128 1 ~\x7f!", "feature ~?! is unknown, known: no_checksums" },
	{ "c o 128 1 NO_CHECKSUMS", "feature NO_CHECKSUMS is unknown, known: no_checksums" },
	{ "c o 128 2 no_checksums no_checksums", "feature no_checksums is given twice" },
	{ "c o 128 2 no_checksums 0", "feature 0 is unknown, known: no_checksums" },

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
	  "quota 9999999999999999999999999999999999999999... is not a decimal number between 1 and 18446744073709551614" },
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

	{ "c o 128 0 2 origin_id " ID_64 "x",
	  "origin_id 0123456789abcdef0123456789abcdef01234567... has 65 characters, at most 64 are allowed" },
	{ "c o 128 0 2 origin_id a,b",
	  "origin_id a,b has a character other than A-Z a-z 0-9 . _ : + / = @ -" },
	{ "c o 128 0 2 origin_id a\x01" "b\x80",
	  "origin_id a?b? has a character other than A-Z a-z 0-9 . _ : + / = @ -" },
};

static void refused_lines(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		expect_refused(refusals[i][0], refusals[i][1]);
}

static void origin_id_characters(void)
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
		expectf((parse(&line, &args, text) == 0) == !!strchr(ID_CHARS, c), "%u", c);
		free(line.text);
	}
}

/* Long and unprintable words of every length around the cut. */
static void words_in_refusals(void)
{
	char text[600], wanted[256], word[200];
	size_t bytes;

	for (bytes = 1; bytes < sizeof(word); bytes++) {
		memset(word, 'x', bytes);
		word[bytes] = '\0';
		snprintf(text, sizeof(text), "c o 128 1 %s", word);
		snprintf(wanted, sizeof(wanted), "feature %.40s%s is unknown, known: no_checksums",
			 word, bytes > 40 ? "..." : "");
		expect_refused(text, wanted);

		memset(word, '\xff', bytes);
		snprintf(text, sizeof(text), "c o 128 0 2 %s 1", word);
		memset(word, '?', bytes);
		snprintf(wanted, sizeof(wanted), "core arg %.40s%s is unknown, known: " KEYS,
			 word, bytes > 40 ? "..." : "");
		expect_refused(text, wanted);
	}
}

static void short_buffers(void)
{
	static const char wanted[] = "c o 128 0 10 block_size 8 quota 5 policy adaptive commit_interval 1000 max_errors 100";
	struct corcache_args args;
	struct line line;
	char buf[104];
	size_t i;

	split(&line, "c o 9");
	for (i = 0; i < sizeof(buf); i++) {
		memset(buf, '#', sizeof(buf));
		expect_int(corcache_args_parse(&args, line.argc, line.argv, buf, i), -EINVAL);
		expect(buf[i] == '#' && (!i || strlen(buf) < i));
	}
	free(line.text);

	split(&line, "c o 128 0 2 quota 5");
	expect_int(corcache_args_parse(&args, line.argc, line.argv, NULL, 0), 0);
	for (i = 0; i < sizeof(buf); i++) {
		memset(buf, '#', sizeof(buf));
		expect_int(corcache_args_emit(&args, buf, i), sizeof(wanted) - 1);
		expect(buf[i] == '#' && (!i || !strncmp(buf, wanted, i - 1)));
	}
	expect_string(buf, wanted);
	free(line.text);
}

static void emitted_lines(void)
{
	char buf[512];

	corcache_args_emit(ARGS(.quota_sectors = 1), buf, sizeof(buf));
	expect_string(buf, "c o 128 0 10 block_size 8 quota 1 policy adaptive commit_interval 1000 max_errors 100");
	corcache_args_emit(ARGS(.quota_sectors = 1ULL << 40, .cache_path = "253:1",
				.origin_path = "43:0", .region_sectors = 8192,
				.block_sectors = 128, .no_checksums = true, .max_errors = 0,
				.commit_interval_ms = 7, .origin_id = "v1",
				.policy = CORCACHE_POLICY_STOP),
			   buf, sizeof(buf));
	expect_string(buf, "253:1 43:0 8192 1 no_checksums 12 block_size 128 quota 1099511627776 policy stop commit_interval 7 max_errors 0 origin_id v1");
}

static void random_args(struct corcache_args *args)
{
	static const char *const paths[] = { "/dev/sda", "253:0", "0", "12", "/dev/mapper/a-b" };
	size_t bytes = unit_below(3) ? unit_below(65) : 0, i;
	u32 ratio = 1U << unit_below(7);

	memset(args, 0, sizeof(*args));
	args->cache_path = paths[unit_below(ARRAY_SIZE(paths))];
	args->origin_path = paths[unit_below(ARRAY_SIZE(paths))];
	do {
		args->region_sectors = 8U << unit_below(11);
	} while (args->region_sectors / ratio < 8);
	args->block_sectors = args->region_sectors / ratio;
	args->no_checksums = unit_below(2);
	args->policy = unit_below(2) ? CORCACHE_POLICY_STOP : CORCACHE_POLICY_ADAPTIVE;
	do {
		args->quota_sectors = unit_magnitude();
	} while (!args->quota_sectors || args->quota_sectors == U64_MAX);
	args->commit_interval_ms = 1 + unit_below(3600000);
	args->max_errors = unit_magnitude();
	for (i = 0; i < bytes; i++)
		args->origin_id[i] = ID_CHARS[unit_below(sizeof(ID_CHARS) - 1)];
}

static void parse_of_emit(void)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_args args;
		char buf[512];

		random_args(&args);
		expect(corcache_args_emit(&args, buf, sizeof(buf)) == (int)strlen(buf));
		expect_parsed(buf, &args);
	}
}

static const char *const vocabulary[] = {
	"block_size", "quota", "policy", "commit_interval", "max_errors", "origin_id", "stop",
	"adaptive", "no_checksums", "0", "1", "2", "3", "4", "6", "8", "12", "128", "256", "1000",
	"18446744073709551615", "18446744073709551616", "x", "/dev/x",
};

static char *random_word(char *word, size_t bytes)
{
	size_t i, n = 1 + unit_below(bytes - 1);

	if (unit_below(20))
		return strcpy(word, vocabulary[unit_below(ARRAY_SIZE(vocabulary))]);
	for (i = 0; i < n; i++)
		word[i] = unit_random();
	word[n] = '\0';
	return word;
}

/* What is accepted can be printed and is accepted again; the rest is named. */
static void random_lines(void)
{
	static char words[MAX_WORDS][100];
	unsigned int i, w, accepted = 0;

	for (i = 0; i < ROUNDS * 2; i++) {
		struct corcache_args args;
		char *argv[MAX_WORDS], buf[1024];
		unsigned int argc = unit_below(10);

		for (w = 0; w < argc; w++)
			argv[w] = random_word(words[w], sizeof(words[w]));
		if (argc > 2 && unit_below(4))
			argv[2] = strcpy(words[2], "128");
		if (argc > 3 && unit_below(2))
			argv[3] = strcpy(words[3], "0");
		if (argc > 5 && unit_below(2))
			snprintf(argv[4] = words[4], sizeof(words[4]), "%u", argc - 5);

		memset(err, 0, sizeof(err));
		if (corcache_args_parse(&args, argc, argv, err, sizeof(err))) {
			expect(unit_is_line(err));
			continue;
		}
		accepted++;
		expect(args.quota_sectors != 0);
		expect(argc >= 3 && args.cache_path == argv[0] && args.origin_path == argv[1]);
		if (args.quota_sectors == U64_MAX || strchr(argv[0], ' ') || strchr(argv[1], ' '))
			continue;
		corcache_args_emit(&args, buf, sizeof(buf));
		expect_parsed(buf, &args);
	}
	expectf(accepted > 1000, "only %u", accepted);
}

static void messages(void)
{
	struct corcache_message msg;

	expect_int(parse_message(&msg, "commit"), 0);
	expect(msg.kind == CORCACHE_MESSAGE_COMMIT);
	expect_int(parse_message(&msg, "evict_all"), 0);
	expect(msg.kind == CORCACHE_MESSAGE_EVICT_ALL);
	expect_int(parse_message(&msg, "reset_stats"), 0);
	expect(msg.kind == CORCACHE_MESSAGE_RESET_STATS);

	expect_int(parse_message(&msg, "quota 1"), 0);
	expect(msg.kind == CORCACHE_MESSAGE_QUOTA && msg.sectors == 1);
	expect_int(parse_message(&msg, "quota 18446744073709551614"), 0);
	expect_u64(msg.sectors, U64_MAX - 1);

	expect_int(parse_message(&msg, "evict 0 1"), 0);
	expect(msg.kind == CORCACHE_MESSAGE_EVICT && msg.start == 0 && msg.sectors == 1);
	expect_int(parse_message(&msg, "evict 123 4567"), 0);
	expect(msg.start == 123 && msg.sectors == 4567);
	expect_int(parse_message(&msg, "evict 0 18446744073709551615"), 0);
	expect(msg.start == 0 && msg.sectors == U64_MAX);
	expect_int(parse_message(&msg, "evict 18446744073709551614 1"), 0);
	expect(msg.start == U64_MAX - 1 && msg.sectors == 1);
	expect(!err[0]);
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
	{ "evict x 1",
	  "evict: start x is not a decimal number between 0 and 18446744073709551614" },
	{ "evict -1 1",
	  "evict: start -1 is not a decimal number between 0 and 18446744073709551614" },
	{ "evict 18446744073709551615 1",
	  "evict: start 18446744073709551615 is not a decimal number between 0 and 18446744073709551614" },
	{ "evict 18446744073709551616 1",
	  "evict: start 18446744073709551616 is not a decimal number between 0 and 18446744073709551614" },
	{ "evict 0 18446744073709551617",
	  "evict: length 18446744073709551617 is not a decimal number between 1 and 18446744073709551615" },
	{ "evict 0 0",
	  "evict: length 0 is not a decimal number between 1 and 18446744073709551615" },
	{ "evict 1 18446744073709551615",
	  "evict: length 18446744073709551615 is not a decimal number between 1 and 18446744073709551614" },
	{ "evict 18446744073709551614 2",
	  "evict: length 2 is not a decimal number between 1 and 1" },
	{ "evict 0 0x10",
	  "evict: length 0x10 is not a decimal number between 1 and 18446744073709551615" },
};

static void refused_messages(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		struct corcache_message msg;

		expectf(parse_message(&msg, refused[i][0]) == -EINVAL, "accepted: %s",
			refused[i][0]);
		expect_string(err, refused[i][1]);
		expect(unit_is_line(err));
	}
}

static void random_messages(void)
{
	static const char *const names[] = {
		"commit", "quota", "evict", "evict_all", "reset_stats", "prefetch", "hydrate",
	};
	static char words[6][100];
	unsigned int i, w, accepted = 0;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_message msg;
		unsigned int argc = unit_below(5);
		char *argv[6];

		for (w = 0; w < argc; w++)
			argv[w] = random_word(words[w], sizeof(words[w]));
		if (argc)
			argv[0] = strcpy(words[0], names[unit_below(ARRAY_SIZE(names))]);
		memset(err, 0, sizeof(err));
		if (corcache_message_parse(&msg, argc, argv, err, sizeof(err))) {
			expect(unit_is_line(err));
			continue;
		}
		accepted++;
		if (msg.kind == CORCACHE_MESSAGE_EVICT)
			expect(msg.sectors && msg.start + msg.sectors > msg.start);
		else if (msg.kind == CORCACHE_MESSAGE_QUOTA)
			expect(msg.sectors && msg.sectors < U64_MAX && !msg.start);
		else
			expect(argc == 1 && !msg.sectors && !msg.start);
	}
	expectf(accepted > 1000, "only %u", accepted);
}

static const struct unit_test tests[] = {
	{ "defaults", defaults },
	{ "core args", core_args },
	{ "every pair of sizes", sizes },
	{ "refused lines and their messages", refused_lines },
	{ "characters of an origin_id", origin_id_characters },
	{ "words in refusals are cut and printable", words_in_refusals },
	{ "short buffers", short_buffers },
	{ "emitted lines", emitted_lines },
	{ "what is emitted is parsed to the same", parse_of_emit },
	{ "random lines", random_lines },
	{ "messages", messages },
	{ "refused messages", refused_messages },
	{ "random messages", random_messages },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
