// SPDX-License-Identifier: GPL-2.0-only
#include "view.h"

#include <libdevmapper.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

/* ---- what they are kept in ---- */

static char *copy_text(const char *text)
{
	return text ? get_text("%s", text) : NULL;
}

struct view *views_add(struct views *views, const char *name)
{
	struct view *view;

	views->view = get_more_memory(views->view, (views->nr + 1) * sizeof(*view));
	view = &views->view[views->nr++];
	*view = (struct view){ .name = copy_text(name) };
	return view;
}

struct view *views_find(const struct views *views, const char *name)
{
	int i;

	for (i = 0; i < views->nr; i++) {
		if (!strcmp(views->view[i].name, name))
			return &views->view[i];
	}
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct view *)a)->name, ((const struct view *)b)->name);
}

void views_sort(struct views *views)
{
	if (views->nr)
		qsort(views->view, views->nr, sizeof(*views->view), by_name);
}

static void view_forget(struct view *view)
{
	free(view->name);
	free(view->uuid);
	free(view->cache);
	free(view->origin);
	free(view->cache_name);
	free(view->origin_name);
	free(view->policy);
	free(view->origin_id);
	report_free(&view->report);
}

void views_drop_last(struct views *views)
{
	view_forget(&views->view[--views->nr]);
}

void views_forget(struct views *views)
{
	while (views->nr)
		views_drop_last(views);
	free(views->view);
	*views = (struct views){ 0 };
}

/* ---- the words of a table ---- */

#define TABLE_WORDS_MOST	32

struct words {
	char *text;
	char *word[TABLE_WORDS_MOST];
	unsigned int nr;
};

static struct words split(const char *params)
{
	struct words words = { .text = copy_text(params) };
	char *rest = words.text, *word;

	while (words.nr < TABLE_WORDS_MOST && (word = strtok_r(rest, " \n", &rest)))
		words.word[words.nr++] = word;
	return words;
}

/* The number of words of a group, which stands before it; false if there are not as many. */
static bool group(const struct words *words, unsigned int at, unsigned int *nr)
{
	uint64_t number = 0;

	if (at < words->nr && !number_parse(words->word[at], TABLE_WORDS_MOST, &number))
		return false;
	*nr = number;
	return at >= words->nr || at + 1 + number <= words->nr;
}

static void take_core_args(struct view *view, char **word, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i + 1 < nr; i += 2) {
		if (!strcmp(word[i], "policy"))
			view->policy = copy_text(word[i + 1]);
		else if (!strcmp(word[i], "origin_id"))
			view->origin_id = copy_text(word[i + 1]);
	}
}

/* A device, as tables have it: "MAJOR:MINOR" or a path. */
static bool is_device(const char *word)
{
	return *word == '/' || (strchr(word, ':') && *word >= '0' && *word <= '9');
}

bool view_take_table(struct view *view, const char *params)
{
	struct words words = split(params);
	unsigned int features, core = 0;
	uint64_t region;
	bool right;

	right = words.nr >= 3 && is_device(words.word[0]) && is_device(words.word[1]) &&
		number_parse(words.word[2], UINT_MAX, &region) && group(&words, 3, &features) &&
		group(&words, 4 + features, &core);
	if (right) {
		view->cache = copy_text(words.word[0]);
		view->origin = copy_text(words.word[1]);
		if (core)
			take_core_args(view, words.word + 5 + features, core);
	}
	free(words.text);
	return right;
}

bool view_take_status(struct view *view, const char *params)
{
	view->has_report = report_parse(params, &view->report);
	return view->has_report;
}

/* ---- from the kernel ---- */

/* "nbd0" of "43:0"; of a mapped device its own name. NULL: it has none now. */
static char *name_of(const char *device)
{
	unsigned int major, minor;
	char name[NAME_MAX + 1], end;

	if (!device || sscanf(device, "%u:%u%c", &major, &minor, &end) != 2 ||
	    !dm_device_get_name(major, minor, 0, name, sizeof(name)))
		return NULL;
	return copy_text(name);
}

static bool is_corcache(const struct dm_device *device)
{
	return device->target && !strcmp(device->target, DM_TARGET);
}

/* What activation makes when the cache is missing: the origin, read-only, under the device's own name. */
static bool is_degraded(const struct dm_device *device)
{
	return device->target && !strcmp(device->target, "linear") && device->read_only &&
	       !strncmp(device->uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX));
}

static void take_device(struct view *view, const struct dm_device *device)
{
	view->uuid = *device->uuid ? copy_text(device->uuid) : NULL;
	view->live = true;
	view->major = device->major;
	view->minor = device->minor;
	view->suspended = device->suspended;
	view->read_only = device->read_only;
	view->open_count = device->open_count;
	view->sectors = device->sectors;
	view->degraded = is_degraded(device);
	if (view->degraded)
		view->origin = get_text("%.*s", (int)strcspn(device->table, " "), device->table);
	else if (device->table)
		view_take_table(view, device->table);
	view->cache_name = name_of(view->cache);
	view->origin_name = name_of(view->origin);
}

static int add_device(const struct dm_device *device, void *data)
{
	struct view *view;

	if (!is_corcache(device) && !is_degraded(device))
		return END_OK;
	view = views_add(data, device->name);
	take_device(view, device);
	if (!view->degraded && device->status && !view_take_status(view, device->status))
		say("%s: its status is not understood: '%s'", device->name, device->status);
	return END_OK;
}

int views_collect(const char *name, struct views *views)
{
	struct dm_device device = { 0 };
	int end;

	if (!name)
		return dm_each(add_device, views);
	end = dm_look(name, false, &device);
	if (end)
		return end;
	if (!is_corcache(&device) && !is_degraded(&device)) {
		dm_forget(&device);
		/* it says what the device is instead */
		return dm_look_corcache(name, &device);
	}
	add_device(&device, views);
	dm_forget(&device);
	return END_OK;
}

/* ---- what is asked of them ---- */

const char *view_mode(const struct view *view)
{
	if (view->has_report)
		return view->report.mode;
	return view->degraded ? MODE_DEGRADED : MODE_NONE;
}

const char *view_reason(const struct view *view)
{
	const char *reason = view->has_report ? report_word(&view->report, "reason") : NULL;

	return reason ? reason : "none";
}

uint64_t view_region_bytes(const struct view *view)
{
	return view->report.region_sectors * SECTOR_BYTES;
}

uint64_t view_cached_bytes(const struct view *view)
{
	return view->report.valid * view->report.block_sectors * SECTOR_BYTES;
}
