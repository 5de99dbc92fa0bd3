// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache attach: the device of a line of corcachetab, as much of it as is there.
 *
 * What the device is made of:
 *
 *   MADE_WHOLE       corcache, on cache device and origin
 *   MADE_NO_ORIGIN   corcache, on cache device and a stand-in for the origin: hits are served
 *   MADE_DEGRADED    linear, read-only, onto the origin
 *
 * A later attach replaces the table by the whole one. What the device is made of is read from its
 * table each time; /run/corcache/NAME only tells others.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "absence.h"
#include "block.h"
#include "disk.h"
#include "dm.h"
#include "lower.h"
#include "run.h"
#include "size.h"
#include "standin.h"
#include "tab.h"
#include "table.h"
#include "unit.h"
#include "verbs.h"

enum made {
	MADE_NOTHING,
	MADE_WHOLE,
	MADE_NO_ORIGIN,
	MADE_DEGRADED,
};

/* A line, and what there is of it now. */
struct attempt {
	const struct tab_line *line;
	char *uuid;
	enum made made;
	uint64_t origin, cache;		/* sectors, 0: missing */
	bool formatted;			/* then @layout is what stands on the cache device */
	struct disk_layout layout;
};

/* The journal shows it as a warning. */
static void warn(const struct attempt *attempt, const char *text)
{
	fputs(getenv("JOURNAL_STREAM") ? "<4>" : "", stderr);
	say("'%s': %s", attempt->line->name, text);
}

static int tell(const struct attempt *attempt, const char *state, const char *reason)
{
	return absence_write(attempt->line->name, &(struct absence){
		.state = state, .origin = !attempt->origin, .cache = !attempt->cache, .reason = reason,
	});
}

/* ---- what is there ---- */

static int look_at_device(struct attempt *attempt)
{
	const char *name = attempt->line->name;
	struct dm_device device;
	int end = dm_look(name, true, &device);

	attempt->made = MADE_NOTHING;
	if (end)
		return end == END_DEVICE ? END_OK : end;
	if (strcmp(device.uuid, attempt->uuid) || !device.target)
		end = fail(END_BUSY, "'%s' exists already, and was not made by corcache attach: its UUID is '%s'", name,
			   device.uuid);
	else if (!strcmp(device.target, "linear"))
		attempt->made = MADE_DEGRADED;
	else if (strcmp(device.target, DM_TARGET))
		end = fail(END_BUSY, "'%s' exists already, with the target '%s'", name, device.target);
	else
		attempt->made = standin_is_below(&device) ? MADE_NO_ORIGIN : MADE_WHOLE;
	dm_forget(&device);
	return end;
}

/* What is not formatted yet, or cannot be read, the kernel judges. */
static void look_at_format(struct attempt *attempt)
{
	struct block block;
	struct disk disk;

	attempt->formatted = false;
	if (!attempt->cache || block_open(attempt->line->cache, BLOCK_READ, &block))
		return;
	if (!disk_attach(&disk, block.fd, block.sectors, block.unit)) {
		attempt->formatted = disk.used;
		attempt->layout = disk.layout;
		disk_detach(&disk);
	}
	block_forget(&block);
}

static void look_below(struct attempt *attempt)
{
	attempt->origin = lower_sectors(attempt->line->origin);
	attempt->cache = lower_sectors(attempt->line->cache);
	look_at_format(attempt);
}

/* ---- tables ---- */

/* Where the line says nothing, what was chosen when the device was formatted holds; but never the origin's id. */
static char *corcache_params(const struct attempt *attempt, char *origin)
{
	const struct tab_options *options = &attempt->line->options;
	const struct disk_layout *layout = &attempt->layout;
	struct table table;

	table_init(&table);
	table.cache = attempt->line->cache;
	table.origin = origin;
	if (attempt->formatted) {
		table.region = (uint64_t)layout->region_sectors * SECTOR_BYTES;
		table.block = (uint64_t)layout->block_sectors * SECTOR_BYTES;
		table.no_checksums = !layout->checksums;
	}
	if (options->region_size)
		table.region = options->region_size;
	if (options->block_size || options->region_size)
		table.block = options->block_size;
	table.no_checksums |= options->no_checksums;
	table.discard = options->discard;
	table.quota = options->quota;
	table.policy = (char *)options->policy;
	table.commit_interval = options->commit_interval;
	if (options->max_errors)
		table.max_errors = strtoll(options->max_errors, NULL, 10);
	table.origin_id = (char *)options->origin_id;
	return table_text(&table);
}

static int put_table(const struct attempt *attempt, const char *target, uint64_t sectors, char *params)
{
	struct dm_line line = { 0, sectors, target, params };
	const char *name = attempt->line->name;
	int end;

	if (attempt->made == MADE_NOTHING)
		end = dm_create(name, attempt->uuid, true, &line, 1);
	else
		end = dm_reload(name, true, true, &line, 1);
	free(params);
	return end;
}

/* ---- from one to the other ---- */

/* What is pinned is nothing that a device could not do without. */
static void pin_all(const struct attempt *attempt)
{
	char *message;

	if (!attempt->line->options.pin)
		return;
	message = get_text("pin 0 %" PRIu64, attempt->origin);
	if (dm_message(attempt->line->name, message, NULL))
		warn(attempt, "the image is not pinned; the option pin needs a quota of 10/9 of its size");
	free(message);
}

static int make_whole(struct attempt *attempt)
{
	int end = dm_need_target(DM_TARGET);

	if (!end)
		end = put_table(attempt, DM_TARGET, attempt->origin, corcache_params(attempt, attempt->line->origin));
	if (end)
		return end;
	attempt->made = MADE_WHOLE;
	pin_all(attempt);
	return END_OK;
}

static int make_degraded(struct attempt *attempt)
{
	int end = put_table(attempt, "linear", attempt->origin, get_text("%s 0", attempt->line->origin));

	if (end)
		return end;
	attempt->made = MADE_DEGRADED;
	/* a cache device that has gone may have left one */
	return standin_remove(attempt->line->name);
}

static int make_no_origin(struct attempt *attempt)
{
	int end = dm_need_target(DM_TARGET);
	char *path;

	if (!end)
		end = standin_make(attempt->line->name, attempt->layout.length, &path);
	if (end)
		return end;
	end = put_table(attempt, DM_TARGET, attempt->layout.length, corcache_params(attempt, path));
	if (end)
		standin_remove(attempt->line->name);
	else
		attempt->made = MADE_NO_ORIGIN;
	free(path);
	return end;
}

static int end_whole(struct attempt *attempt)
{
	int end = standin_remove(attempt->line->name);

	absence_end(attempt->line->name);
	return end;
}

static int end_failed(struct attempt *attempt, int end, const char *reason)
{
	tell(attempt, "failed", reason);
	return end;
}

static int end_degraded(struct attempt *attempt, const char *reason)
{
	bool is_new = attempt->made != MADE_DEGRADED;
	int end = is_new ? make_degraded(attempt) : END_OK;

	if (end)
		return end_failed(attempt, end, "the origin cannot be used");
	if (is_new)
		warn(attempt, "degraded: it leads to the origin, without a cache");
	return tell(attempt, "degraded", reason);
}

static int end_no_origin(struct attempt *attempt)
{
	bool is_new = attempt->made != MADE_NO_ORIGIN;
	int end = is_new ? make_no_origin(attempt) : END_OK;

	if (end)
		return end_failed(attempt, end, "the origin is missing, and the cache is refused");
	if (is_new)
		warn(attempt, "the origin is missing: what is cached is served, other reads fail");
	return tell(attempt, "no-origin", "the origin is missing");
}

/* Both are there, and the kernel has refused: the device stays what it is. */
static int end_refused(struct attempt *attempt, int end)
{
	static const char reason[] = "the cache is refused; the journal tells why";

	if (attempt->made == MADE_NO_ORIGIN) {
		tell(attempt, "no-origin", reason);
		return end;
	}
	if (attempt->line->options.missing_fails && attempt->made == MADE_NOTHING)
		return end_failed(attempt, end, reason);
	return end_degraded(attempt, reason);
}

static int end_no_cache(struct attempt *attempt)
{
	const struct tab_line *line = attempt->line;

	if (!line->options.missing_fails)
		return end_degraded(attempt, "the cache device is missing");
	if (attempt->made != MADE_NOTHING)
		return END_OK;
	say("'%s': the cache device %s is not there, and cache-missing=fail is set", line->name, line->cache);
	return end_failed(attempt, END_DEVICE, "the cache device is missing");
}

static int end_nothing(struct attempt *attempt)
{
	const struct tab_line *line = attempt->line;

	if (attempt->made != MADE_NOTHING)
		return END_OK;
	if (attempt->cache) {
		say("'%s': the origin %s is not there, and nothing is cached on %s", line->name, line->origin, line->cache);
		return end_failed(attempt, END_DEVICE, "the origin is missing");
	}
	say("'%s': neither the origin %s nor the cache device %s is there", line->name, line->origin, line->cache);
	return end_failed(attempt, END_DEVICE, "both devices are missing");
}

static int attach_now(struct attempt *attempt)
{
	int end;

	look_below(attempt);
	if (attempt->origin && attempt->cache) {
		end = make_whole(attempt);
		return end ? end_refused(attempt, end) : end_whole(attempt);
	}
	if (attempt->origin)
		return end_no_cache(attempt);
	if (attempt->cache && attempt->formatted)
		return end_no_origin(attempt);
	return end_nothing(attempt);
}

/* Has something come while the rest was made? Its event was for an attach that was under way. */
static bool has_more(const struct attempt *attempt)
{
	return (!attempt->origin && lower_sectors(attempt->line->origin)) ||
	       (!attempt->cache && lower_sectors(attempt->line->cache));
}

static int attach_locked(struct attempt *attempt, bool running, uint64_t wait_ms)
{
	int end = look_at_device(attempt);

	if (end || (running && attempt->made == MADE_NOTHING))
		return end;
	if (attempt->made == MADE_WHOLE)
		return end_whole(attempt);
	if (attempt->made == MADE_NOTHING) {
		/* from here on events are looked at */
		end = tell(attempt, "waiting", "the device is not made yet");
		if (end)
			return end;
		lower_wait(attempt->line->origin, attempt->line->cache, wait_ms);
	}
	do
		end = attach_now(attempt);
	while (attempt->made != MADE_WHOLE && has_more(attempt));
	return end;
}

static int attach_line(const struct tab_line *line, const struct invocation *call)
{
	struct attempt attempt = { .line = line };
	int end = absence_lock(line->name);

	if (end)
		return end;
	attempt.uuid = get_text(DM_UUID_PREFIX "%s", line->name);
	end = attach_locked(&attempt, given(call, "running"),
			    given(call, "no-wait") ? 0 : line->options.origin_timeout);
	free(attempt.uuid);
	return end;
}

/* ---- words ---- */

static int attach_words(const struct invocation *call)
{
	struct tab_line line;
	char *wrong = tab_line_make(&line, call->word[0], call->word[1], call->word[2],
				    call->words > 3 ? call->word[3] : NULL);
	int end;

	if (wrong) {
		end = fail(END_ARGS, "attach: %s", wrong);
		free(wrong);
		return end;
	}
	end = attach_line(&line, call);
	tab_line_free(&line);
	return end;
}

static const char *tab_path(const struct invocation *call)
{
	const char *path = value_of(call, "file");

	return path ? path : TAB_PATH;
}

static int fail_no_line(const struct tab *tab, const char *path, const char *name)
{
	unsigned int i;

	for (i = 0; i < tab->nr_errors; i++)
		say("%s:%u: %s", path, tab->errors[i].number, tab->errors[i].text);
	return fail(END_ARGS, "%s has no line for '%s'%s", path, name, tab->nr_errors ? " that is right" : "");
}

static int read_tab(const char *path, struct tab *tab)
{
	int error = tab_read(path, tab);

	return error ? fail(end_of(error), "cannot read %s: %s", path, strerror(error)) : END_OK;
}

static int attach_name(const struct invocation *call)
{
	const char *path = tab_path(call);
	const struct tab_line *line;
	struct tab tab;
	int end = read_tab(path, &tab);

	if (end)
		return end;
	line = tab_find(&tab, call->word[0]);
	end = line ? attach_line(line, call) : fail_no_line(&tab, path, call->word[0]);
	tab_free(&tab);
	return end;
}

static int start_unit(const char *name)
{
	char *escaped = unit_escape(name), *unit = get_text("corcache-attach@%s.service", escaped), *said;
	int status = run_program((const char *const[]){ "systemctl", "--no-block", "start", unit, NULL }, &said);
	int end = END_OK;

	if (status)
		end = fail(END_DEVICE, "cannot start %s: %s", unit, said);
	free(said);
	free(unit);
	free(escaped);
	return end;
}

static bool is_at(const char *path, dev_t number)
{
	dev_t other;

	return lower_number(path, &other) && other == number;
}

/* For udev: units of the lines that wait for this device. */
static int attach_event(const struct invocation *call)
{
	const char *device = value_of(call, "event");
	struct absence absence;
	struct tab tab;
	dev_t number;
	unsigned int i;
	int end;

	if (!lower_number(device, &number))
		return fail(END_DEVICE, "'%s' is no block device", device);
	end = read_tab(tab_path(call), &tab);
	if (end)
		return end;
	for (i = 0; i < tab.nr_lines; i++) {
		const struct tab_line *line = &tab.lines[i];

		if (!absence_read(line->name, &absence))
			continue;
		if ((absence.origin && is_at(line->origin, number)) || (absence.cache && is_at(line->cache, number)))
			end = start_unit(line->name);
	}
	tab_free(&tab);
	return end;
}

static int attach(const struct invocation *call)
{
	if (given(call, "event"))
		return call->words ? fail(END_ARGS, "attach: --event needs no word, '%s' is one", call->word[0]) :
				     attach_event(call);
	if (!call->words)
		return fail(END_ARGS, "attach: a word is missing: corcache attach NAME");
	if (call->words == 2)
		return fail(END_ARGS, "attach: a word is missing: corcache attach NAME ORIGIN CACHE [OPTIONS]");
	return call->words == 1 ? attach_name(call) : attach_words(call);
}

static const struct verb_option options[] = {
	{ "file", 'f', "FILE", "another file than " TAB_PATH, WORD_FILE },
	{ "no-wait", 0, NULL, "take what is there now" },
	{ "running", 0, NULL, "only what is missing of a device that exists" },
	{ "event", 0, "DEVICE", "for udev: start the units of the lines that wait for this device", WORD_DEVICE },
	{ NULL }
};

const struct verb verb_attach = {
	.name = "attach",
	.words = "NAME [ORIGIN CACHE [OPTIONS]]",
	.summary = "make the device of a line of /etc/corcachetab, also without its origin or its cache",
	.more = "Given again, it adds what was missing. Without ORIGIN and CACHE, the line of that name is used;\n"
		"OPTIONS are those of corcachetab(5).\n",
	.least = 0, .most = 4,
	.first = WORD_NAME, .rest = WORD_DEVICE,
	.options = options,
	.run = attach,
};
