// SPDX-License-Identifier: GPL-2.0-only
/* change: the verbs that are one message to the target. */
#include <inttypes.h>
#include <stdlib.h>

#include "dm.h"
#include "size.h"
#include "verbs.h"

#define RANGE_HELP \
	"START and LENGTH are bytes of the device, or numbers with K, M, G or T behind them.\n"

static int send(const char *name, char *message)
{
	struct dm_device device;
	int end = dm_look_corcache(name, &device);

	if (!end) {
		end = dm_message(device.name, message, NULL);
		dm_forget(&device);
	}
	free(message);
	return end;
}

/* ---- without a range ---- */

static int commit(const struct invocation *call)
{
	return send(call->word[0], get_text("commit"));
}

static int recover(const struct invocation *call)
{
	return send(call->word[0], get_text("recover"));
}

static int reset_stats(const struct invocation *call)
{
	return send(call->word[0], get_text("reset_stats"));
}

/* ---- with a range ---- */

/* A word as a number of sectors. */
static int take_sectors(const struct invocation *call, int i, const char *what, uint64_t *sectors)
{
	const char *text = call->word[i];
	uint64_t bytes;

	if (!size_parse(text, &bytes))
		return fail(END_ARGS, "%s: %s: '%s' is no size: a number, with K, M, G or T behind it, such as 100M",
			    call->verb->name, what, text);
	if (bytes % SECTOR_BYTES)
		return fail(END_ARGS, "%s: %s: '%s' is no multiple of %u bytes", call->verb->name, what, text,
			    SECTOR_BYTES);
	*sectors = bytes / SECTOR_BYTES;
	return END_OK;
}

static int send_range(const struct invocation *call)
{
	uint64_t start, length;
	int end = take_sectors(call, 1, "START", &start);

	if (!end)
		end = take_sectors(call, 2, "LENGTH", &length);
	if (!end && !length)
		end = fail(END_ARGS, "%s: LENGTH: '%s' is nothing: give at least one block", call->verb->name,
			   call->word[2]);
	if (end)
		return end;
	return send(call->word[0], get_text("%s %" PRIu64 " %" PRIu64, call->verb->name, start, length));
}

static int evict(const struct invocation *call)
{
	if (!given(call, "all")) {
		if (call->words == 3)
			return send_range(call);
		return fail(END_ARGS, "evict: a word is missing: corcache evict NAME START LENGTH, or --all");
	}
	if (call->words > 1)
		return fail(END_ARGS, "evict: '%s' is one word too many: --all stands for the whole device",
			    call->word[1]);
	return send(call->word[0], get_text("evict_all"));
}

/* ---- the verbs ---- */

static const struct verb_option evict_options[] = {
	{ .name = "all", .letter = 'a', .help = "all that is cached" },
	{ }
};

const struct verb verb_evict = {
	.name = "evict",
	.words = "NAME [START LENGTH]",
	.summary = "forget what is cached of a part, or of all, of a device",
	.more = RANGE_HELP "Blocks that are touched in part are forgotten whole. When it ends, that is durable.\n",
	.least = 1, .most = 3,
	.first = WORD_NAME,
	.options = evict_options,
	.run = evict,
};

const struct verb verb_pin = {
	.name = "pin",
	.words = "NAME START LENGTH",
	.summary = "keep a part of a device in the cache when the quota is full",
	.more = RANGE_HELP "At most nine tenths of the quota can be pinned.\n",
	.least = 3, .most = 3,
	.first = WORD_NAME,
	.run = send_range,
};

const struct verb verb_unpin = {
	.name = "unpin",
	.words = "NAME START LENGTH",
	.summary = "let a part of a device be replaced in the cache again",
	.more = RANGE_HELP,
	.least = 3, .most = 3,
	.first = WORD_NAME,
	.run = send_range,
};

const struct verb verb_commit = {
	.name = "commit",
	.words = "NAME",
	.summary = "make durable what is cached now",
	.least = 1, .most = 1,
	.first = WORD_NAME,
	.run = commit,
};

const struct verb verb_recover = {
	.name = "recover",
	.words = "NAME",
	.summary = "try now to use a cache again that is frozen or bypassed",
	.least = 1, .most = 1,
	.first = WORD_NAME,
	.run = recover,
};

const struct verb verb_reset_stats = {
	.name = "reset-stats",
	.words = "NAME",
	.summary = "zero the counters of a device",
	.least = 1, .most = 1,
	.first = WORD_NAME,
	.run = reset_stats,
};
