// SPDX-License-Identifier: GPL-2.0-only
#include "view_json.h"

#include <json-c/json.h>

#include "size.h"

/* ---- values ---- */

static void put(struct json_object *object, const char *key, struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static void put_number(struct json_object *object, const char *key, uint64_t number)
{
	put(object, key, json_object_new_uint64(number));
}

/* null: not known. */
static void put_text(struct json_object *object, const char *key, const char *text)
{
	put(object, key, text ? json_object_new_string(text) : NULL);
}

static void put_number_if(struct json_object *object, const char *key, bool known, uint64_t number)
{
	put(object, key, known ? json_object_new_uint64(number) : NULL);
}

static void put_bool_if(struct json_object *object, const char *key, bool known, bool value)
{
	put(object, key, known ? json_object_new_boolean(value) : NULL);
}

/* The digits are made here: those of printf() know locales. null: nothing of nothing. */
static void put_ratio(struct json_object *object, const char *key, uint64_t part, uint64_t whole)
{
	uint64_t millionths;
	char text[32];

	if (!whole) {
		put(object, key, NULL);
		return;
	}
	millionths = (unsigned __int128)part * 1000000 / whole;
	snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)(millionths / 1000000),
		 (unsigned long long)(millionths % 1000000));
	put(object, key, json_object_new_double_s((double)millionths / 1000000, text));
}

/* ---- what a device consists of ---- */

static void put_device(struct json_object *object, const struct view *view)
{
	char numbers[24];

	snprintf(numbers, sizeof(numbers), "%u:%u", view->major, view->minor);
	put_text(object, "name", view->name);
	put_text(object, "uuid", view->uuid);
	put_text(object, "device", view->live ? numbers : NULL);
	put_bool_if(object, "suspended", view->live, view->suspended);
	put_bool_if(object, "read_only", view->live, view->read_only);
	put_number_if(object, "open_count", view->live, view->open_count);
	put_number(object, "size_bytes", view->sectors * SECTOR_BYTES);
	put_text(object, "origin", view->origin);
	put_text(object, "origin_name", view->origin_name);
	put_text(object, "cache", view->cache);
	put_text(object, "cache_name", view->cache_name);
	put_text(object, "policy", view->policy);
	put_text(object, "origin_id", view->origin_id);
	put_text(object, "mode", view_mode(view));
}

static void put_head(struct json_object *object, const struct view *view)
{
	const struct report *report = &view->report;
	bool known = view->has_report;
	uint64_t region = view_region_bytes(view);

	put_number_if(object, "format_version", known, report->version);
	put_number_if(object, "region_bytes", known, region);
	put_number_if(object, "block_bytes", known, report->block_sectors * SECTOR_BYTES);
	put_number_if(object, "used_bytes", known, report->used * region);
	put_number_if(object, "quota_bytes", known, report->quota * region);
	put_number_if(object, "total_bytes", known, report->total * region);
	put_number_if(object, "cached_bytes", known, view_cached_bytes(view));
}

static void put_pairs(struct json_object *object, const struct report *report)
{
	struct json_object *pairs = json_object_new_object();
	unsigned int i;

	for (i = 0; i < report->nr_pairs; i++) {
		const struct report_pair *pair = &report->pairs[i];
		uint64_t number;

		if (number_parse(pair->value, UINT64_MAX, &number))
			put_number(pairs, pair->name, number);
		else
			put_text(pairs, pair->name, pair->value);
	}
	put(object, "pairs", pairs);
}

static void put_ratios(struct json_object *object, const struct report *report)
{
	put_ratio(object, "hit_ratio_reads", report_number(report, "hits"), report_number(report, "reads"));
	put_ratio(object, "hit_ratio_bytes", report_number(report, "hit_bytes"), report_number(report, "read_bytes"));
	put_ratio(object, "used_ratio", report->used, report->quota);
}

static struct json_object *latency_object(const struct latency *latency)
{
	struct json_object *object = json_object_new_object(), *bins = json_object_new_array(), *bin;
	int i;

	put_number(object, "reads", latency->reads);
	put_number(object, "nanoseconds", latency->nanoseconds);
	put_number_if(object, "mean_nanoseconds", latency->reads,
		      latency->reads ? latency->nanoseconds / latency->reads : 0);
	for (i = 0; i < latency->nr_bins; i++) {
		bin = json_object_new_object();
		put_number_if(bin, "below_nanoseconds", latency->bin[i].below != UINT64_MAX, latency->bin[i].below);
		put_number(bin, "reads", latency->bin[i].reads);
		json_object_array_add(bins, bin);
	}
	put(object, "bins", bins);
	return object;
}

static struct json_object *device_object(const struct view *view)
{
	struct json_object *object = json_object_new_object();

	put_device(object, view);
	put_head(object, view);
	put_ratios(object, &view->report);
	put_pairs(object, &view->report);
	put(object, "latency", view->has_latency ? latency_object(&view->latency) : NULL);
	return object;
}

void view_json_print(const struct views *views, bool one_line, FILE *to)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE | (one_line ? JSON_C_TO_STRING_PLAIN : JSON_C_TO_STRING_PRETTY);
	struct json_object *all = json_object_new_object(), *devices = json_object_new_array();
	int i;

	json_object_object_add(all, "version", json_object_new_int(1));
	for (i = 0; i < views->nr; i++)
		json_object_array_add(devices, device_object(&views->view[i]));
	json_object_object_add(all, "devices", devices);
	fprintf(to, "%s\n", json_object_to_json_string_ext(all, flags));
	json_object_put(all);
}
