// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table lines that nobody would write.
 *
 * Input: the words that follow the target's name, as text (fuzz_words.h).
 *
 * What is accepted must be in range, and each of its words what printing the
 * parsed value gives: nothing was read into it.  Printed as a table line and
 * parsed again it means the same, in a buffer of any size.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "args.h"
#include "fuzz.h"
#include "fuzz_words.h"

#define ID_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-"

struct parse_call {
	struct corcache_args args;
	const struct fuzz_words *words;
};

static int parse(void *context, struct corcache_refusal *why)
{
	struct parse_call *call = context;

	return corcache_args_parse(&call->args, call->words->argc, call->words->argv,
				   why);
}

static bool power_of_two(u32 x)
{
	return __builtin_popcount(x) == 1;
}

static void check_range(const struct corcache_args *args, const struct fuzz_words *words)
{
	must(words->argc >= 3);
	must(args->cache_path == words->argv[0] && args->cache_path[0]);
	must(args->origin_path == words->argv[1] && args->origin_path[0]);
	must(power_of_two(args->region_sectors));
	must(args->region_sectors >= 8 && args->region_sectors <= 8192);
	must(power_of_two(args->block_sectors) && args->block_sectors >= 8);
	must(args->block_sectors <= args->region_sectors);
	must(args->block_sectors * 64 >= args->region_sectors);
	must(args->policy == CORCACHE_POLICY_STOP || args->policy == CORCACHE_POLICY_ADAPTIVE);
	must(args->quota_sectors);
	must(args->commit_interval_ms >= 1 && args->commit_interval_ms <= 3600000);
	must(memchr(args->origin_id, '\0', sizeof(args->origin_id)));
	must(strspn(args->origin_id, ID_CHARS) == strlen(args->origin_id));
}

/* Does the pair say what was understood?  The number of the key. */
static int check_pair(const struct corcache_args *args, const char *key, const char *value)
{
	static const char * const keys[] = {
		"block_size", "quota", "policy", "commit_interval", "max_errors", "origin_id",
	};
	const bool says[] = {
		fuzz_is_word(value, "%u", args->block_sectors),
		fuzz_is_word(value, "%llu", args->quota_sectors) && args->quota_sectors != U64_MAX,
		fuzz_is_word(value, args->policy == CORCACHE_POLICY_STOP ? "stop" : "adaptive"),
		fuzz_is_word(value, "%u", args->commit_interval_ms),
		fuzz_is_word(value, "%u", args->max_errors),
		fuzz_is_word(value, "%s", args->origin_id),
	};
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(keys); i++) {
		if (!strcmp(key, keys[i])) {
			must(says[i]);
			return i;
		}
	}
	must(!"a key that exists");
	return -1;
}

static void check_defaults(const struct corcache_args *args, unsigned int given)
{
	must(given & 1 << 0 || args->block_sectors == 8);
	must(given & 1 << 1 || args->quota_sectors == U64_MAX);
	must(given & 1 << 2 || args->policy == CORCACHE_POLICY_ADAPTIVE);
	must(given & 1 << 3 || args->commit_interval_ms == 1000);
	must(given & 1 << 4 || args->max_errors == 100);
	must(given & 1 << 5 || !args->origin_id[0]);
}

/* <#features> [no_checksums] [discard] <#core args> [<key> <value>]*, each word as printed */
static void check_words(const struct corcache_args *args, const struct fuzz_words *words)
{
	unsigned int i = 3, given = 0, bit;

	must(fuzz_is_word(words->argv[2], "%u", args->region_sectors));
	if (i < words->argc) {
		must(fuzz_is_word(words->argv[i++], "%d", args->no_checksums + args->discard));
		/* in any order, and each of them once */
		for (bit = args->no_checksums + args->discard; bit; bit--, i++) {
			must(i < words->argc);
			given |= fuzz_is_word(words->argv[i], "no_checksums") ? 1 :
				 fuzz_is_word(words->argv[i], "discard") ? 2 : 4;
		}
	}
	must(given == (unsigned int)(args->no_checksums | args->discard << 1));
	given = 0;
	if (i < words->argc) {
		must(fuzz_is_word(words->argv[i], "%u", words->argc - i - 1));
		must((words->argc - i) % 2);
		for (i++; i < words->argc; i += 2) {
			bit = 1 << check_pair(args, words->argv[i], words->argv[i + 1]);
			must(!(given & bit));
			given |= bit;
		}
	}
	check_defaults(args, given);
}

static bool same(const struct corcache_args *a, const struct corcache_args *b)
{
	return !strcmp(a->cache_path, b->cache_path) && !strcmp(a->origin_path, b->origin_path) &&
	       a->region_sectors == b->region_sectors && a->block_sectors == b->block_sectors &&
	       a->no_checksums == b->no_checksums && a->discard == b->discard &&
	       a->policy == b->policy &&
	       a->quota_sectors == b->quota_sectors &&
	       a->commit_interval_ms == b->commit_interval_ms &&
	       a->max_errors == b->max_errors && !strcmp(a->origin_id, b->origin_id);
}

/* Printed into a buffer of @bytes, of a line of @whole characters. */
static void check_short_print(const struct corcache_args *args, const char *line, size_t whole,
			      size_t bytes)
{
	char *buf = malloc(bytes);

	must(buf);
	must(corcache_args_emit(args, buf, bytes) == (int)whole);
	must(!memcmp(buf, line, min(bytes - 1, whole)));
	must(!buf[min(bytes - 1, whole)]);
	free(buf);
}

static void check_print(const struct corcache_args *args, size_t cut)
{
	int bytes = corcache_args_emit(args, NULL, 0);
	struct parse_call again = { };
	struct fuzz_words words;
	char *line;

	must(bytes > 0);
	line = malloc(bytes + 1);
	must(line);
	must(corcache_args_emit(args, line, bytes + 1) == bytes);
	must(strlen(line) == (size_t)bytes);
	check_short_print(args, line, bytes, 1 + cut % bytes);

	fuzz_split(&words, line, bytes);
	again.words = &words;
	must(!fuzz_verdict(parse, &again));
	must(same(&again.args, args));
	check_words(&again.args, &words);
	fuzz_release(&words);
	free(line);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u64 hash = fuzz_hash(data, size);
	struct fuzz_words words, kept;
	struct parse_call call;
	unsigned int i;
	int ret;

	fuzz_split(&words, (const char *)data, size);
	fuzz_split(&kept, (const char *)data, size);
	call.words = &words;
	memset(&call.args, 0xa5, sizeof(call.args));
	ret = fuzz_verdict(parse, &call);
	must(!ret || ret == -EINVAL);
	for (i = 0; i < words.argc; i++)
		must(!strcmp(words.argv[i], kept.argv[i]));
	if (!ret) {
		check_range(&call.args, &words);
		check_words(&call.args, &words);
		/* The target always has one when it prints. */
		if (call.args.quota_sectors == U64_MAX)
			call.args.quota_sectors = call.args.region_sectors + hash % 1000;
		check_print(&call.args, hash);
	}
	fuzz_count(!ret);
	fuzz_release(&words);
	fuzz_release(&kept);
	return 0;
}

/*---------------------------------------------------------------------------
 * Mutations that keep most of a line well-formed
 */

/* The two counts, of what follows them. */
static void count_words(struct fuzz_words *words)
{
	unsigned int i = 4;

	if (words->argc < 4)
		return;
	while (i < words->argc && (!strcmp(words->argv[i], "no_checksums") ||
				   !strcmp(words->argv[i], "discard")))
		i++;
	fuzz_set_number(words, 3, i - 4);
	if (i < words->argc)
		fuzz_set_number(words, i, words->argc - i - 1);
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	static const char * const known[] = {
		"no_checksums", "discard", "block_size", "quota", "policy", "stop", "adaptive",
		"commit_interval", "max_errors", "origin_id", "0", "1", "8", "128", "8192",
	};
	struct fuzz_words words;
	u64 state = seed;

	if (fuzz_one_in(&state, 2))
		size = LLVMFuzzerMutate(data, size, max_size);
	fuzz_split(&words, (const char *)data, size);
	while (fuzz_one_in(&state, 2))
		fuzz_mutate_words(&words, &state, known, ARRAY_SIZE(known));
	if (fuzz_one_in(&state, 2))
		count_words(&words);
	size = fuzz_join(&words, data, max_size);
	fuzz_release(&words);
	return size;
}
