// SPDX-License-Identifier: GPL-2.0-only
/*
 * switch-origin: the same image, from another device, while readers go on.
 *
 * An image that is another one is found before anything is changed, by the checksums on the
 * cache device; then the target compares blocks itself, and what it finds then is taken back.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "block.h"
#include "devname.h"
#include "dm.h"
#include "report.h"
#include "sample.h"
#include "size.h"
#include "table.h"
#include "verbs.h"

#define WAIT_SECONDS	60	/* unless --timeout says otherwise */
#define WAIT_MOST	86400
#define POLL_NS		(50 * 1000 * 1000)

enum verdict {
	VERDICT_NONE,		/* not yet */
	VERDICT_SAME,
	VERDICT_OTHER,		/* it is another image */
	VERDICT_UNKNOWN,	/* the cache is bypassed for a reason of its own: there is nothing to compare */
};

/* ---- before ---- */

static int check_device(const struct dm_device *device, const char *path, struct block *origin)
{
	int end = block_look(path, origin);

	if (!end && origin->kind == BLOCK_FILE)
		end = fail(END_DEVICE, "'%s' is a file, no device", path);
	if (!end && origin->sectors < device->sectors)
		end = fail(END_DEVICE, "'%s' has %" PRIu64 " bytes, the image %" PRIu64 ": is it connected, and the same image?",
			   path, origin->sectors * SECTOR_BYTES, device->sectors * SECTOR_BYTES);
	if (!end && device->suspended)
		end = fail(END_BUSY, "'%s' is suspended: resume it first", device->name);
	return end;
}

/* The table on the cache device is what was committed last. */
static int check_content(const char *cache_word, const char *path)
{
	char *cache = device_name(cache_word);
	int end = sample_origin(cache, path);

	free(cache);
	return end;
}

/* ---- after ---- */

static enum verdict look_at_verdict(const char *name)
{
	enum verdict verdict = VERDICT_NONE;
	struct dm_device device;
	struct report report;
	const char *reason;

	if (dm_look(name, true, &device))
		return VERDICT_NONE;
	if (device.status && report_parse(device.status, &report)) {
		reason = report_word(&report, "reason");
		if (strcmp(report.mode, "bypass"))
			verdict = report_number(&report, "unchecked") ? VERDICT_NONE : VERDICT_SAME;
		else
			verdict = reason && !strcmp(reason, "origin") ? VERDICT_OTHER : VERDICT_UNKNOWN;
		report_free(&report);
	}
	dm_forget(&device);
	return verdict;
}

static enum verdict wait_for_verdict(const char *name, uint64_t seconds)
{
	enum verdict verdict;
	struct timespec now;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + seconds;
	do {
		verdict = look_at_verdict(name);
		/* the status reads the mode first: an image found wrong between the two looks like the same */
		if (verdict == VERDICT_SAME)
			verdict = look_at_verdict(name);
		if (verdict != VERDICT_NONE)
			return verdict;
		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end);
	return VERDICT_NONE;
}

static int use_table(const struct dm_device *device, const char *params)
{
	struct dm_line line = { 0, device->sectors, DM_TARGET, params };

	return dm_reload(device->name, true, true, &line, 1);
}

static int go_back(const struct dm_device *device, const char *why)
{
	if (use_table(device, device->table))
		return fail(END_DEVICE, "%s; '%s' could not be given its old origin back", why, device->name);
	return fail(END_DEVICE, "%s; '%s' is back on its old origin", why, device->name);
}

static int reload(const struct dm_device *device, const char *path, uint64_t seconds)
{
	char *params = table_replace(device->table, 1, path), *why;
	int end = use_table(device, params);
	enum verdict verdict = end ? VERDICT_SAME : wait_for_verdict(device->name, seconds);

	if (verdict == VERDICT_OTHER)
		why = get_text("'%s' is another image than was cached", path);
	else
		why = get_text("'%s' has not answered within %" PRIu64 " s: give --timeout a longer time", path, seconds);
	if (verdict == VERDICT_OTHER || verdict == VERDICT_NONE)
		end = go_back(device, why);
	else if (verdict == VERDICT_UNKNOWN)
		say("'%s' is bypassed: whether '%s' is the image that was cached is not known; 'corcache status %s' tells why",
		    device->name, path, device->name);
	free(why);
	free(params);
	return end;
}

static int change(const struct dm_device *device, const char *path, uint64_t seconds)
{
	struct block origin;
	struct table table;
	int end = check_device(device, path, &origin);
	char *now;

	if (!end && !table_split(device->table, &table))
		end = fail(END_DEVICE, "'%s': its table is not understood: '%s'", device->name, device->table);
	if (end) {
		block_forget(&origin);
		return end;
	}
	now = get_text("%u:%u", origin.major, origin.minor);
	if (strcmp(now, table.origin))
		end = check_content(table.cache, path);
	if (!end && strcmp(now, table.origin))
		end = reload(device, path, seconds);
	free(now);
	table_forget(&table);
	block_forget(&origin);
	return end;
}

static int run(const struct invocation *call)
{
	uint64_t seconds = WAIT_SECONDS;
	struct dm_device device;
	int end = number_option(call, "timeout", WAIT_MOST, &seconds);

	if (!end && !seconds)
		end = fail(END_ARGS, "--timeout: '0' is no number of seconds from 1 on");
	if (!end)
		end = dm_look_corcache(call->word[0], &device);
	if (end)
		return end;
	end = change(&device, call->word[1], seconds);
	dm_forget(&device);
	return end;
}

static const struct verb_option options[] = {
	{ .name = "timeout", .letter = 't', .value = "SECONDS",
	  .help = "how long the new origin may take to answer; default: 60" },
	{ }
};

const struct verb verb_switch_origin = {
	.name = "switch-origin",
	.words = "NAME DEVICE",
	.summary = "take the image of a device in use from another origin",
	.more = "What is cached stays. Another image is refused, and the old origin stays in use.\n",
	.least = 2, .most = 2,
	.first = WORD_NAME, .rest = WORD_DEVICE,
	.options = options,
	.run = run,
};
