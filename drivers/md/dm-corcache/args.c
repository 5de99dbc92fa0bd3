// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache args: parsing of table lines and messages, and the inverse.
 *
 * Owns the vocabulary that users write.  A refusal always names the word
 * that is wrong and what would be right, because the one line that it makes
 * in the kernel log is all that the user of dmsetup gets to see.  Words come
 * from outside: they are cut and made printable before they go into a line.
 *
 * Callable from any context: no locks, no allocation, no I/O, no state.
 * Compiles unchanged in user space.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "args.h"

#define TABLE_LINE	"<cache dev> <origin dev> <region size> " \
			"[<#feature args> [<feature>]* [<#core args> [<key> <value>]*]]"
#define KNOWN_KEYS	"block_size, quota, policy, commit_interval, max_errors, origin_id"
#define KNOWN_FEATURES	"no_checksums, discard"
#define ORIGIN_ID_CHARS	"A-Z a-z 0-9 . _ : + / = @ -"
#define KNOWN_POLICIES	"adaptive, stop"
#define KNOWN_MESSAGES	"commit, quota, evict, evict_all, pin, unpin, recover, reset_stats"

/* U64_MAX stands for "not given". */
#define QUOTA_MAX	(U64_MAX - 1)

/* What of a word is put into a refusal. */
#define SHOWN_CHARS	40

/**
 * struct words - what is left to parse, and where to complain
 * @argc: number of words left
 * @argv: the words left
 * @why: receives a refusal
 */
struct words {
	unsigned int argc;
	char **argv;
	struct corcache_refusal *why;
};

struct shown {
	char text[SHOWN_CHARS + sizeof("...")];
};

/* A copy of @word that is fit for the log. */
static const char *show(struct shown *shown, const char *word)
{
	unsigned int i;

	for (i = 0; word[i] && i < SHOWN_CHARS; i++)
		shown->text[i] = word[i] >= ' ' && word[i] <= '~' ? word[i] : '?';
	memcpy(shown->text + i, word[i] ? "..." : "", word[i] ? sizeof("...") : 1);
	return shown->text;
}

/* Digits without sign, blanks or leading zeros, at most U64_MAX. */
static bool decimal(const char *word, u64 *number)
{
	u64 sum = 0;

	if (!*word || (word[0] == '0' && word[1]))
		return false;
	for (; *word; word++) {
		unsigned int digit = *word - '0';

		if (digit > 9 || sum > U64_MAX / 10 || sum * 10 > U64_MAX - digit)
			return false;
		sum = sum * 10 + digit;
	}
	*number = sum;
	return true;
}

static int parse_number(const struct words *words, const char *name, const char *word,
			u64 min, u64 max, u64 *number)
{
	struct shown shown;
	u64 found;

	if (!decimal(word, &found) || found < min || found > max)
		return corcache_refuse(words->why, -EINVAL,
				       "%s %s is not a decimal number between %llu and %llu", name,
				       show(&shown, word), min, max);
	*number = found;
	return 0;
}

static int parse_u32(const struct words *words, const char *name, const char *word,
		     u32 min, u32 max, u32 *number)
{
	u64 wide;
	int ret;

	ret = parse_number(words, name, word, min, max, &wide);
	if (!ret)
		*number = wide;
	return ret;
}

static int refuse_empty(const struct words *words, const char *what)
{
	unsigned int i;

	for (i = 0; i < words->argc; i++)
		if (!words->argv[i][0])
			return corcache_refuse(words->why, -EINVAL, "word %u of the %s is empty",
					       i + 1, what);
	return 0;
}

static char *next(struct words *words)
{
	words->argc--;
	return *words->argv++;
}

/*---------------------------------------------------------------------------
 * Table line
 */

static int parse_block_size(const struct words *words, struct corcache_args *args,
			    const char *word)
{
	return parse_u32(words, "block_size", word, CORCACHE_BLOCK_MIN_SECTORS,
			 CORCACHE_REGION_MAX_SECTORS, &args->block_sectors);
}

static int parse_quota(const struct words *words, struct corcache_args *args,
		       const char *word)
{
	return parse_number(words, "quota", word, 1, QUOTA_MAX, &args->quota_sectors);
}

static int parse_policy(const struct words *words, struct corcache_args *args,
			const char *word)
{
	enum corcache_policy_kind kind;
	struct shown shown;
	const char *name;

	for (kind = 0; (name = corcache_policy_name(kind)); kind++)
		if (!strcmp(word, name)) {
			args->policy = kind;
			return 0;
		}
	return corcache_refuse(words->why, -EINVAL, "policy %s is unknown, known: " KNOWN_POLICIES,
			       show(&shown, word));
}

static int parse_commit_interval(const struct words *words, struct corcache_args *args,
				 const char *word)
{
	return parse_u32(words, "commit_interval", word, CORCACHE_COMMIT_INTERVAL_MIN_MS,
			 CORCACHE_COMMIT_INTERVAL_MAX_MS, &args->commit_interval_ms);
}

static int parse_max_errors(const struct words *words, struct corcache_args *args,
			    const char *word)
{
	return parse_u32(words, "max_errors", word, 0, U32_MAX, &args->max_errors);
}

static int parse_origin_id(const struct words *words, struct corcache_args *args,
			   const char *word)
{
	size_t bytes = strlen(word);
	struct shown shown;

	if (bytes > CORCACHE_ORIGIN_ID_MAX)
		return corcache_refuse(words->why, -EINVAL,
				       "origin_id %s has %zu characters, at most %u are allowed",
				       show(&shown, word), bytes, CORCACHE_ORIGIN_ID_MAX);
	if (!corcache_origin_id_valid(word, bytes))
		return corcache_refuse(words->why, -EINVAL,
				       "origin_id %s has a character other than " ORIGIN_ID_CHARS,
				       show(&shown, word));
	memcpy(args->origin_id, word, bytes + 1);
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(const struct words *words, struct corcache_args *args, const char *word);
} core_args[] = {
	{ "block_size", parse_block_size },
	{ "quota", parse_quota },
	{ "policy", parse_policy },
	{ "commit_interval", parse_commit_interval },
	{ "max_errors", parse_max_errors },
	{ "origin_id", parse_origin_id },
};

static int parse_core_arg(struct words *words, struct corcache_args *args,
			  unsigned long *seen)
{
	const char *key = next(words);
	const char *value = next(words);
	struct shown shown;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(core_args); i++)
		if (!strcmp(key, core_args[i].name))
			break;
	if (i == ARRAY_SIZE(core_args))
		return corcache_refuse(words->why, -EINVAL,
				       "core arg %s is unknown, known: " KNOWN_KEYS,
				       show(&shown, key));
	if (*seen & BIT(i))
		return corcache_refuse(words->why, -EINVAL, "core arg %s is given twice", key);
	*seen |= BIT(i);
	return core_args[i].parse(words, args, value);
}

static int parse_core_args(struct words *words, struct corcache_args *args)
{
	unsigned long seen = 0;
	u32 count;
	int ret;

	if (!words->argc)
		return 0;
	ret = parse_u32(words, "number of core args", *words->argv, 0, words->argc - 1, &count);
	if (ret)
		return ret;
	next(words);
	if (count % 2)
		return corcache_refuse(words->why, -EINVAL,
				       "number of core args %u is odd, they are key and value each",
				       count);
	for (; count; count -= 2) {
		ret = parse_core_arg(words, args, &seen);
		if (ret)
			return ret;
	}
	return 0;
}

static int parse_feature(struct words *words, struct corcache_args *args)
{
	const char *feature = next(words);
	struct shown shown;
	bool *given;

	if (!strcmp(feature, "no_checksums"))
		given = &args->no_checksums;
	else if (!strcmp(feature, "discard"))
		given = &args->discard;
	else
		return corcache_refuse(words->why, -EINVAL,
				       "feature %s is unknown, known: " KNOWN_FEATURES,
				       show(&shown, feature));
	if (*given)
		return corcache_refuse(words->why, -EINVAL, "feature %s is given twice", feature);
	*given = true;
	return 0;
}

static int parse_features(struct words *words, struct corcache_args *args)
{
	u32 count;
	int ret;

	if (!words->argc)
		return 0;
	ret = parse_u32(words, "number of feature args", *words->argv, 0, words->argc - 1,
			&count);
	if (ret)
		return ret;
	next(words);
	for (; count; count--) {
		ret = parse_feature(words, args);
		if (ret)
			return ret;
	}
	return 0;
}

static int parse_devices(struct words *words, struct corcache_args *args)
{
	if (words->argc < 3)
		return corcache_refuse(words->why, -EINVAL,
				       "%u words are too few, expected: " TABLE_LINE, words->argc);
	args->cache_path = next(words);
	args->origin_path = next(words);
	return parse_u32(words, "region size", next(words), CORCACHE_REGION_MIN_SECTORS,
			 CORCACHE_REGION_MAX_SECTORS, &args->region_sectors);
}

int corcache_args_parse(struct corcache_args *args, unsigned int argc, char **argv,
			struct corcache_refusal *why)
{
	struct words words = { .argc = argc, .argv = argv, .why = why };
	struct shown shown;
	int ret;

	*args = (struct corcache_args) {
		.block_sectors = CORCACHE_BLOCK_DEFAULT_SECTORS,
		.policy = CORCACHE_POLICY_ADAPTIVE,
		.quota_sectors = U64_MAX,
		.commit_interval_ms = CORCACHE_COMMIT_INTERVAL_DEFAULT_MS,
		.max_errors = CORCACHE_MAX_ERRORS_DEFAULT,
	};

	ret = refuse_empty(&words, "table line");
	if (ret)
		return ret;
	ret = parse_devices(&words, args);
	if (ret)
		return ret;
	ret = parse_features(&words, args);
	if (ret)
		return ret;
	ret = parse_core_args(&words, args);
	if (ret)
		return ret;
	if (words.argc)
		return corcache_refuse(why, -EINVAL, "word %s is one too many",
				       show(&shown, *words.argv));
	return corcache_sizes_check(args->region_sectors, args->block_sectors, why);
}

int corcache_args_emit(const struct corcache_args *args, char *buf, size_t buf_len)
{
	bool named = args->origin_id[0];

	return snprintf(buf, buf_len,
			"%s %s %u %u%s%s %u block_size %u quota %llu policy %s commit_interval %u max_errors %u%s%s",
			args->cache_path, args->origin_path, args->region_sectors,
			args->no_checksums + args->discard,
			args->no_checksums ? " no_checksums" : "",
			args->discard ? " discard" : "", named ? 12 : 10, args->block_sectors,
			args->quota_sectors,
			corcache_policy_name(args->policy), args->commit_interval_ms,
			args->max_errors, named ? " origin_id " : "", args->origin_id);
}

/*---------------------------------------------------------------------------
 * Messages
 */

static const struct {
	const char *name;
	const char *usage;
	unsigned int argc;
	enum corcache_message_kind kind;
} messages[] = {
	{ "commit", "commit", 0, CORCACHE_MESSAGE_COMMIT },
	{ "quota", "quota <sectors>", 1, CORCACHE_MESSAGE_QUOTA },
	{ "evict", "evict <start> <length>", 2, CORCACHE_MESSAGE_EVICT },
	{ "evict_all", "evict_all", 0, CORCACHE_MESSAGE_EVICT_ALL },
	{ "recover", "recover", 0, CORCACHE_MESSAGE_RECOVER },
	{ "pin", "pin <start> <length>", 2, CORCACHE_MESSAGE_PIN },
	{ "unpin", "unpin <start> <length>", 2, CORCACHE_MESSAGE_UNPIN },
	{ "reset_stats", "reset_stats", 0, CORCACHE_MESSAGE_RESET_STATS },
};

/* @name: of the message. */
static int parse_extent(struct words *words, const char *name, struct corcache_message *msg)
{
	char what[sizeof("evict: length")];
	int ret;

	snprintf(what, sizeof(what), "%s: start", name);
	ret = parse_number(words, what, words->argv[0], 0, U64_MAX - 1, &msg->start);
	if (ret)
		return ret;
	/* The end of the extent can be computed without a wrap. */
	snprintf(what, sizeof(what), "%s: length", name);
	return parse_number(words, what, words->argv[1], 1, U64_MAX - msg->start, &msg->sectors);
}

static int refuse_message(const struct words *words, const char *name)
{
	struct shown shown;

	if (!strcmp(name, "prefetch") || !strcmp(name, "hydrate"))
		return corcache_refuse(words->why, -EINVAL, "message %s is not yet supported",
				       name);
	return corcache_refuse(words->why, -EINVAL, "message %s is unknown, known: " KNOWN_MESSAGES,
			       show(&shown, name));
}

static int refuse_word_count(const struct words *words, unsigned int argc, const char *usage)
{
	struct shown shown;

	if (words->argc > argc)
		return corcache_refuse(words->why, -EINVAL,
				       "message word %s is one too many, expected: %s",
				       show(&shown, words->argv[argc]), usage);
	return corcache_refuse(words->why, -EINVAL, "message has too few words, expected: %s",
			       usage);
}

int corcache_message_parse(struct corcache_message *msg, unsigned int argc, char **argv,
			   struct corcache_refusal *why)
{
	struct words words = { .argc = argc, .argv = argv, .why = why };
	const char *name;
	unsigned int i;

	*msg = (struct corcache_message) { };
	if (!argc)
		return corcache_refuse(why, -EINVAL, "message is empty, known: " KNOWN_MESSAGES);
	if (refuse_empty(&words, "message"))
		return -EINVAL;

	name = next(&words);
	for (i = 0; i < ARRAY_SIZE(messages); i++)
		if (!strcmp(name, messages[i].name))
			break;
	if (i == ARRAY_SIZE(messages))
		return refuse_message(&words, name);
	if (words.argc != messages[i].argc)
		return refuse_word_count(&words, messages[i].argc, messages[i].usage);

	msg->kind = messages[i].kind;
	if (msg->kind == CORCACHE_MESSAGE_QUOTA)
		return parse_number(&words, "quota", *words.argv, 1, QUOTA_MAX, &msg->sectors);
	/* evict, pin, unpin */
	if (messages[i].argc == 2)
		return parse_extent(&words, name, msg);
	return 0;
}
