// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that nobody would send.
 *
 * Input: the words of the message, as text (fuzz_words.h).
 *
 * What is accepted must be in range, and the message that is printed from it
 * must be the one that came in, word by word.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "args.h"
#include "fuzz.h"
#include "fuzz_words.h"

struct parse_call {
	struct corcache_message msg;
	const struct fuzz_words *words;
};

static int parse(void *context, struct corcache_refusal *why)
{
	struct parse_call *call = context;

	return corcache_message_parse(&call->msg, call->words->argc, call->words->argv,
				      why);
}

static void check_words(const struct fuzz_words *words, const char *name, unsigned int argc)
{
	must(words->argc == 1 + argc);
	must(fuzz_is_word(words->argv[0], "%s", name));
}

static void check_extent(const struct corcache_message *msg, const struct fuzz_words *words,
			 const char *name)
{
	check_words(words, name, 2);
	must(fuzz_is_word(words->argv[1], "%llu", msg->start));
	must(fuzz_is_word(words->argv[2], "%llu", msg->sectors));
	must(msg->sectors && msg->start + msg->sectors > msg->start);
}

static void check_accepted(const struct corcache_message *msg, const struct fuzz_words *words)
{
	switch (msg->kind) {
	case CORCACHE_MESSAGE_COMMIT:
		check_words(words, "commit", 0);
		break;
	case CORCACHE_MESSAGE_QUOTA:
		check_words(words, "quota", 1);
		must(fuzz_is_word(words->argv[1], "%llu", msg->sectors));
		must(msg->sectors && msg->sectors != U64_MAX);
		break;
	case CORCACHE_MESSAGE_EVICT:
		check_extent(msg, words, "evict");
		break;
	case CORCACHE_MESSAGE_PIN:
		check_extent(msg, words, "pin");
		break;
	case CORCACHE_MESSAGE_UNPIN:
		check_extent(msg, words, "unpin");
		break;
	case CORCACHE_MESSAGE_EVICT_ALL:
		check_words(words, "evict_all", 0);
		break;
	case CORCACHE_MESSAGE_RECOVER:
		check_words(words, "recover", 0);
		break;
	case CORCACHE_MESSAGE_RESET_STATS:
		check_words(words, "reset_stats", 0);
		break;
	default:
		must(!"a kind that exists");
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_words words, kept;
	struct parse_call call;
	unsigned int i;
	int ret;

	fuzz_split(&words, (const char *)data, size);
	fuzz_split(&kept, (const char *)data, size);
	call.words = &words;
	memset(&call.msg, 0xa5, sizeof(call.msg));
	ret = fuzz_verdict(parse, &call);
	must(!ret || ret == -EINVAL);
	for (i = 0; i < words.argc; i++)
		must(!strcmp(words.argv[i], kept.argv[i]));
	if (!ret)
		check_accepted(&call.msg, &words);
	fuzz_count(!ret);
	fuzz_release(&words);
	fuzz_release(&kept);
	return 0;
}

/* Half of all mutations keep to words. */
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	static const char * const known[] = {
		"commit", "quota", "evict", "evict_all", "pin", "unpin", "recover", "reset_stats",
		"prefetch",
		"hydrate",
		"0", "1", "8",
	};
	struct fuzz_words words;
	u64 state = seed;

	if (fuzz_one_in(&state, 2))
		return LLVMFuzzerMutate(data, size, max_size);
	fuzz_split(&words, (const char *)data, size);
	do {
		fuzz_mutate_words(&words, &state, known, ARRAY_SIZE(known));
	} while (fuzz_one_in(&state, 2));
	size = fuzz_join(&words, data, max_size);
	fuzz_release(&words);
	return size;
}
