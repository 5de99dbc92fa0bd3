// SPDX-License-Identifier: GPL-2.0-only
/* corcache tab: what a corcachetab says, and what is wrong with it. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "size.h"
#include "tab.h"
#include "verbs.h"

static void add_flag(json_object *to, const char *key, bool value)
{
	json_object_object_add(to, key, json_object_new_boolean(value));
}

static void add_number(json_object *to, const char *key, uint64_t value)
{
	if (value)
		json_object_object_add(to, key, json_object_new_uint64(value));
}

static void add_text(json_object *to, const char *key, const char *value)
{
	if (value)
		json_object_object_add(to, key, json_object_new_string(value));
}

static void add_time(json_object *to, const char *key, uint64_t ms)
{
	json_object_object_add(to, key, ms == TAB_FOREVER ? NULL : json_object_new_uint64(ms));
}

static json_object *options_json(const struct tab_options *options)
{
	json_object *to = json_object_new_object();
	uint64_t max_errors;

	add_flag(to, "netdev", options->netdev);
	add_flag(to, "nofail", options->nofail);
	add_flag(to, "noauto", options->noauto);
	add_flag(to, "initrd", options->initrd);
	add_flag(to, "no_checksums", options->no_checksums);
	add_flag(to, "discard", options->discard);
	add_flag(to, "pin", options->pin);
	add_text(to, "cache_missing", options->missing_fails ? "fail" : "passthrough");
	add_time(to, "origin_timeout_ms", options->origin_timeout);
	if (options->has_device_timeout)
		add_time(to, "device_timeout_ms", options->device_timeout);
	add_number(to, "quota_bytes", options->quota);
	add_number(to, "region_bytes", options->region_size);
	add_number(to, "block_bytes", options->block_size);
	add_number(to, "commit_interval_ms", options->commit_interval);
	add_text(to, "policy", options->policy);
	add_text(to, "origin_id", options->origin_id);
	if (options->max_errors && number_parse(options->max_errors, UINT32_MAX, &max_errors))
		json_object_object_add(to, "max_errors", json_object_new_uint64(max_errors));
	return to;
}

static json_object *line_json(const struct tab_line *line)
{
	json_object *to = json_object_new_object();

	add_number(to, "line", line->number);
	add_text(to, "name", line->name);
	add_text(to, "origin", line->origin);
	add_text(to, "cache", line->cache);
	json_object_object_add(to, "options", options_json(&line->options));
	return to;
}

static json_object *error_json(const struct tab_error *error)
{
	json_object *to = json_object_new_object();

	add_number(to, "line", error->number);
	add_text(to, "message", error->text);
	return to;
}

static void print_json(const struct tab *tab, const char *path)
{
	json_object *all = json_object_new_object(), *lines = json_object_new_array();
	json_object *errors = json_object_new_array();
	unsigned int i;

	for (i = 0; i < tab->nr_lines; i++)
		json_object_array_add(lines, line_json(&tab->lines[i]));
	for (i = 0; i < tab->nr_errors; i++)
		json_object_array_add(errors, error_json(&tab->errors[i]));
	json_object_object_add(all, "version", json_object_new_int(1));
	add_text(all, "file", path);
	json_object_object_add(all, "lines", lines);
	json_object_object_add(all, "errors", errors);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static void print_lines(const struct tab *tab)
{
	unsigned int i;

	for (i = 0; i < tab->nr_lines; i++) {
		const struct tab_line *line = &tab->lines[i];

		printf("%s %s %s %s\n", line->name, line->origin, line->cache, *line->words ? line->words : "-");
	}
}

static int tab_verb(const struct invocation *call)
{
	const char *path = value_of(call, "file");
	int error, end = END_OK;
	struct tab tab;
	unsigned int i;

	if (!path)
		path = TAB_PATH;
	error = tab_read(path, &tab);
	if (error)
		return fail(end_of(error), "cannot read %s: %s", path, strerror(error));
	if (given(call, "json"))
		print_json(&tab, path);
	else
		print_lines(&tab);
	for (i = 0; i < tab.nr_errors; i++)
		end = fail(END_ARGS, "%s:%u: %s", path, tab.errors[i].number, tab.errors[i].text);
	tab_free(&tab);
	return end;
}

static const struct verb_option options[] = {
	{ "file", 'f', "FILE", "another file than " TAB_PATH, WORD_FILE },
	{ "json", 'j', NULL, "print JSON" },
	{ NULL }
};

const struct verb verb_tab = {
	.name = "tab",
	.words = "",
	.summary = "check the lines of /etc/corcachetab, and print those that are right",
	.more = "A line that is not right is not used; it is named on stderr, and the exit status is 1.\n",
	.options = options,
	.run = tab_verb,
};
