// SPDX-License-Identifier: GPL-2.0-only
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "size.h"
#include "verbs.h"
#include "view.h"

#define COLUMNS	6

static void print_names(const struct views *views)
{
	int i;

	for (i = 0; i < views->nr; i++)
		puts(views->view[i].name);
}

/* ---- a table ---- */

struct row {
	const char *cell[COLUMNS];
	char size[16], used[16], quota[16];
};

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static void make_row(struct row *row, const struct view *view)
{
	uint64_t region = view_region_bytes(view);
	bool known = view->has_report;

	row->cell[0] = view->name;
	row->cell[1] = view_mode(view);
	row->cell[2] = size_text(view->sectors * SECTOR_BYTES, row->size, sizeof(row->size));
	row->cell[3] = known ? size_text(view->report.used * region, row->used, sizeof(row->used)) : "-";
	row->cell[4] = known ? size_text(view->report.quota * region, row->quota, sizeof(row->quota)) : "-";
	row->cell[5] = or_dash(view->origin_name ? view->origin_name : view->origin);
}

static void print_table(const struct views *views)
{
	static const struct row head = { { "NAME", "MODE", "SIZE", "USED", "QUOTA", "ORIGIN" } };
	struct row *rows = get_memory((views->nr + 1) * sizeof(*rows));
	int width[COLUMNS] = { 0 }, i, n;

	if (!views->nr)
		return;
	rows[0] = head;
	for (i = 0; i < views->nr; i++)
		make_row(&rows[i + 1], &views->view[i]);
	for (i = 0; i <= views->nr; i++) {
		for (n = 0; n < COLUMNS; n++)
			width[n] = (int)strlen(rows[i].cell[n]) > width[n] ? (int)strlen(rows[i].cell[n]) : width[n];
	}
	for (i = 0; i <= views->nr; i++) {
		for (n = 0; n < COLUMNS - 1; n++)
			printf("%-*s  ", width[n], rows[i].cell[n]);
		puts(rows[i].cell[n]);
	}
}

/* ---- JSON: keys as those of status ---- */

static struct json_object *text_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *size_or_null(bool known, uint64_t bytes)
{
	return known ? json_object_new_uint64(bytes) : NULL;
}

static struct json_object *device_object(const struct view *view)
{
	struct json_object *object = json_object_new_object();
	uint64_t region = view_region_bytes(view);
	char number[24];

	snprintf(number, sizeof(number), "%u:%u", view->major, view->minor);
	json_object_object_add(object, "name", text_or_null(view->name));
	json_object_object_add(object, "uuid", text_or_null(view->uuid));
	json_object_object_add(object, "device", text_or_null(number));
	json_object_object_add(object, "mode", text_or_null(view_mode(view)));
	json_object_object_add(object, "size_bytes", json_object_new_uint64(view->sectors * SECTOR_BYTES));
	json_object_object_add(object, "used_bytes", size_or_null(view->has_report, view->report.used * region));
	json_object_object_add(object, "quota_bytes", size_or_null(view->has_report, view->report.quota * region));
	json_object_object_add(object, "origin", text_or_null(view->origin));
	json_object_object_add(object, "origin_name", text_or_null(view->origin_name));
	json_object_object_add(object, "cache", text_or_null(view->cache));
	json_object_object_add(object, "cache_name", text_or_null(view->cache_name));
	return object;
}

static void print_json(const struct views *views)
{
	struct json_object *all = json_object_new_object(), *devices = json_object_new_array();
	int i;

	json_object_object_add(all, "version", json_object_new_int(1));
	for (i = 0; i < views->nr; i++)
		json_object_array_add(devices, device_object(&views->view[i]));
	json_object_object_add(all, "devices", devices);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static int run(const struct invocation *call)
{
	struct views views = { 0 };
	int end;

	if (given(call, "names") && given(call, "json"))
		return fail(END_ARGS, "list: --names and --json do not go together: leave one of them out");
	end = views_collect(NULL, &views);
	if (end)
		return end;
	if (given(call, "names"))
		print_names(&views);
	else if (given(call, "json"))
		print_json(&views);
	else
		print_table(&views);
	views_forget(&views);
	return END_OK;
}

static const struct verb_option options[] = {
	{ .name = "names", .letter = 'n', .help = "names alone, a line each" },
	{ .name = "json", .letter = 'j', .help = "JSON" },
	{ }
};

const struct verb verb_list = {
	.name = "list",
	.words = "",
	.summary = "list the corcache devices that there are",
	.options = options,
	.run = run,
};
