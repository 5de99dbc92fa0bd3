// SPDX-License-Identifier: GPL-2.0-only
#include "tab.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "size.h"

#define BLANKS			" \t\r\n"
#define ALNUM			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define NAME_CHARACTERS		ALNUM "#+-.:=@_"	/* udev makes a link of the same name of these only */
#define ID_CHARACTERS		ALNUM "._:+/=@-"
#define NAME_MOST		118	/* of 127: "-origin" and the UUID's prefix have to fit, too */
#define ID_MOST			128
#define REGION_LEAST		4096ULL
#define REGION_MOST		(4ULL << 20)
#define REGION_BLOCKS_MOST	64
#define INTERVAL_MOST_MS	3600000ULL
#define TIMEOUT_DEFAULT_MS	30000ULL
#define TIMEOUT_MOST_MS		(365ULL * 86400 * 1000)

/* ---- values ---- */

static bool time_parse(const char *text, uint64_t *ms, uint64_t unit_without)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "sec", 1000 }, { "m", 60000 }, { "min", 60000 }, { "h", 3600000 } };
	size_t digits = strspn(text, "0123456789"), i;
	char number[20];
	uint64_t factor = text[digits] ? 0 : unit_without;

	if (!digits || digits >= sizeof(number))
		return false;
	for (i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!strcmp(text + digits, units[i].unit))
			factor = units[i].ms;
	}
	memcpy(number, text, digits);
	number[digits] = '\0';
	return factor && number_parse(number, TIMEOUT_MOST_MS, ms) && !__builtin_mul_overflow(*ms, factor, ms) &&
	       *ms <= TIMEOUT_MOST_MS;
}

static char *take_timeout(const char *value, uint64_t *ms)
{
	if (!strcmp(value, "infinity"))
		*ms = TAB_FOREVER;
	else if (!time_parse(value, ms, 1000))
		return get_text("is no time: a number of seconds, or with ms, s, min or h behind it, or infinity");
	return NULL;
}

static char *take_size(const char *value, uint64_t *bytes)
{
	if (!size_parse(value, bytes) || !*bytes || *bytes % SECTOR_BYTES)
		return get_text("is no size: bytes, a multiple of 512, or a number with K, M, G or T, such as 100M");
	return NULL;
}

static char *take_power(const char *value, uint64_t *bytes)
{
	char *wrong = take_size(value, bytes);

	if (!wrong && (*bytes & (*bytes - 1) || *bytes < REGION_LEAST || *bytes > REGION_MOST))
		wrong = get_text("is no power of two from 4K to 4M");
	return wrong;
}

/* ---- options: each function gives NULL, or what is wrong with the value ---- */

static char *take_quota(struct tab_options *options, const char *value)
{
	return take_size(value, &options->quota);
}

static char *take_region_size(struct tab_options *options, const char *value)
{
	return take_power(value, &options->region_size);
}

static char *take_block_size(struct tab_options *options, const char *value)
{
	return take_power(value, &options->block_size);
}

static char *take_policy(struct tab_options *options, const char *value)
{
	if (strcmp(value, "adaptive") && strcmp(value, "stop"))
		return get_text("is none of: adaptive, stop");
	options->policy = value;
	return NULL;
}

static char *take_commit_interval(struct tab_options *options, const char *value)
{
	if (!time_parse(value, &options->commit_interval, 1) || !options->commit_interval ||
	    options->commit_interval > INTERVAL_MOST_MS)
		return get_text("is no time from 1 ms to 1 h: a number of milliseconds, or with s behind it");
	return NULL;
}

static char *take_max_errors(struct tab_options *options, const char *value)
{
	uint64_t number;

	if (!number_parse(value, UINT32_MAX, &number))
		return get_text("is no whole number from 0 to %u", UINT32_MAX);
	options->max_errors = value;
	return NULL;
}

static char *take_origin_id(struct tab_options *options, const char *value)
{
	if (!*value || strlen(value) > ID_MOST || value[strspn(value, ID_CHARACTERS)])
		return get_text("is not 1 to %u of the characters A-Z a-z 0-9 . _ : + / = @ -", ID_MOST);
	options->origin_id = value;
	return NULL;
}

static char *take_origin_timeout(struct tab_options *options, const char *value)
{
	return take_timeout(value, &options->origin_timeout);
}

static char *take_device_timeout(struct tab_options *options, const char *value)
{
	options->has_device_timeout = true;
	return take_timeout(value, &options->device_timeout);
}

static char *take_cache_missing(struct tab_options *options, const char *value)
{
	options->missing_fails = !strcmp(value, "fail");
	if (strcmp(value, "fail") && strcmp(value, "passthrough"))
		return get_text("is none of: passthrough, fail");
	return NULL;
}

/* Either @take, and a value is needed, or a flag at @flag, and there is none. */
static const struct known {
	const char *name;
	char *(*take)(struct tab_options *options, const char *value);
	size_t flag;
} known[] = {
	{ "_netdev", NULL, offsetof(struct tab_options, netdev) },
	{ "nofail", NULL, offsetof(struct tab_options, nofail) },
	{ "noauto", NULL, offsetof(struct tab_options, noauto) },
	{ "x-initrd.attach", NULL, offsetof(struct tab_options, initrd) },
	{ "no-checksums", NULL, offsetof(struct tab_options, no_checksums) },
	{ "discard", NULL, offsetof(struct tab_options, discard) },
	{ "pin", NULL, offsetof(struct tab_options, pin) },
	{ "quota", take_quota },
	{ "region-size", take_region_size },
	{ "block-size", take_block_size },
	{ "policy", take_policy },
	{ "commit-interval", take_commit_interval },
	{ "max-errors", take_max_errors },
	{ "origin-id", take_origin_id },
	{ "origin-timeout", take_origin_timeout },
	{ "x-systemd.device-timeout", take_device_timeout },
	{ "cache-missing", take_cache_missing },
};
#define NR_KNOWN	(sizeof(known) / sizeof(*known))

static char *take_word(struct tab_options *options, char *word, bool *seen)
{
	char *value = strchr(word, '='), *why, *wrong;
	size_t i;

	if (value)
		*value++ = '\0';
	for (i = 0; i < NR_KNOWN && strcmp(known[i].name, word); i++)
		;
	if (i == NR_KNOWN)
		return get_text("unknown option '%s'; corcachetab(5) lists those that there are", word);
	if (seen[i])
		return get_text("option '%s' is given twice", word);
	seen[i] = true;
	if (!known[i].take) {
		*((bool *)((char *)options + known[i].flag)) = true;
		return value ? get_text("option '%s' has no value", word) : NULL;
	}
	if (!value)
		return get_text("option '%s' needs a value: %s=...", word, word);
	why = known[i].take(options, value);
	if (!why)
		return NULL;
	wrong = get_text("%s: '%s' %s", word, value, why);
	free(why);
	return wrong;
}

static char *check_options(const struct tab_options *options)
{
	uint64_t region = options->region_size ? options->region_size : REGION_MOST;

	if (options->block_size > region)
		return get_text("block-size is larger than region-size");
	if (options->block_size && options->region_size &&
	    options->region_size / options->block_size > REGION_BLOCKS_MOST)
		return get_text("block-size is less than 1/%u of region-size", REGION_BLOCKS_MOST);
	if (options->quota && options->region_size && options->quota < options->region_size)
		return get_text("quota is less than one region");
	return NULL;
}

static char *take_options(struct tab_options *options, char *text)
{
	bool seen[NR_KNOWN] = { false };
	char *save, *word, *wrong = NULL;

	options->origin_timeout = TIMEOUT_DEFAULT_MS;
	for (word = strtok_r(text, ",", &save); word && !wrong; word = strtok_r(NULL, ",", &save))
		wrong = take_word(options, word, seen);
	return wrong ? wrong : check_options(options);
}

/* ---- devices ---- */

/* As udev names its links: what it does not allow is \xNN. */
static char *link_text(const char *folder, const char *value, size_t length)
{
	char *text = get_memory(strlen(folder) + 4 * length + 1), *at = stpcpy(text, folder);
	size_t i;

	for (i = 0; i < length; i++) {
		unsigned char c = value[i];

		if (c >= 0x80 || strchr(NAME_CHARACTERS, c))
			*at++ = c;
		else
			at += sprintf(at, "\\x%02x", c);
	}
	return text;
}

/* UUID=... and the like as the link that udev makes; NULL: it is none of them. */
static char *tag_path(const char *spec)
{
	static const char *const tags[][2] = {
		{ "UUID=", "/dev/disk/by-uuid/" }, { "LABEL=", "/dev/disk/by-label/" },
		{ "PARTUUID=", "/dev/disk/by-partuuid/" }, { "PARTLABEL=", "/dev/disk/by-partlabel/" },
	};
	size_t i, length;

	for (i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		const char *value = spec + strlen(tags[i][0]);

		if (strncmp(spec, tags[i][0], strlen(tags[i][0])))
			continue;
		length = strlen(value);
		if (length > 1 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
			value++;
			length -= 2;
		}
		return length && !memchr(value, '/', length) ? link_text(tags[i][1], value, length) : NULL;
	}
	return NULL;
}

/* Below /dev, without detours, and without what could mean something to somebody who reads it. */
static bool is_plain_path(const char *path)
{
	size_t length = strlen(path);

	return !strncmp(path, "/dev/", 5) && path[5] && path[length - 1] != '/' && length < 1024 &&
	       !strpbrk(path, "\\\"'`;$") && !strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../") &&
	       strcmp(path + length - 2, "/.") && (length < 3 || strcmp(path + length - 3, "/.."));
}

static char *take_device(const char *what, const char *spec, char **path)
{
	*path = tag_path(spec);
	if (*path)
		return NULL;
	if (!is_plain_path(spec))
		return get_text("%s device '%s' is neither a plain path below /dev nor UUID=, LABEL=, PARTUUID= or "
				"PARTLABEL=", what, spec);
	*path = get_text("%s", spec);
	return NULL;
}

/* ---- lines ---- */

static char *check_name(const char *name)
{
	if (!*name || name[strspn(name, NAME_CHARACTERS)] || !strcmp(name, ".") || !strcmp(name, "..") ||
	    !strcmp(name, "control"))
		return get_text("name '%s' is no name of a device: A-Z a-z 0-9 # + - . : = @ _ are allowed", name);
	if (strlen(name) > NAME_MOST)
		return get_text("name '%s' has more than %u characters", name, NAME_MOST);
	return NULL;
}

static bool has_control_character(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	}
	return false;
}

static char *take_words(struct tab_line *line, const char *name, const char *origin, const char *cache)
{
	char *wrong = check_name(name);

	if (!wrong)
		wrong = take_device("origin", origin, &line->origin);
	if (!wrong)
		wrong = take_device("cache", cache, &line->cache);
	if (!wrong && !strcmp(line->origin, line->cache))
		wrong = get_text("origin and cache are the same device '%s'", line->origin);
	return wrong ? wrong : take_options(&line->options, line->text);
}

char *tab_line_make(struct tab_line *line, const char *name, const char *origin, const char *cache,
		    const char *options)
{
	bool none = !options || !strcmp(options, "-") || !strcmp(options, "none");
	char *wrong;

	*line = (struct tab_line){
		.name = get_text("%s", name),
		.words = get_text("%s", none ? "" : options),
		.text = get_text("%s", none ? "" : options),
	};
	if (has_control_character(name) || has_control_character(origin) || has_control_character(cache) ||
	    has_control_character(line->words))
		wrong = get_text("a control character");
	else
		wrong = take_words(line, name, origin, cache);
	if (wrong)
		tab_line_free(line);
	return wrong;
}

void tab_line_free(struct tab_line *line)
{
	free(line->name);
	free(line->origin);
	free(line->cache);
	free(line->words);
	free(line->text);
}

static char *conflict(const struct tab *tab, const struct tab_line *line)
{
	unsigned int i;

	for (i = 0; i < tab->nr_lines; i++) {
		const struct tab_line *other = &tab->lines[i];

		if (!strcmp(other->name, line->name))
			return get_text("name '%s' stands in line %u already", line->name, other->number);
		if (!strcmp(other->cache, line->cache))
			return get_text("cache device '%s' stands in line %u already; each image needs its own",
					line->cache, other->number);
	}
	return NULL;
}

static char *take_line(struct tab *tab, unsigned int number, char *text)
{
	char *words[5] = { NULL }, *save, *wrong;
	struct tab_line line;
	int n = 0;

	for (; n < 5; n++) {
		words[n] = strtok_r(n ? NULL : text, BLANKS, &save);
		if (!words[n])
			break;
	}
	if (n < 3)
		return get_text("a word is missing: name origin-device cache-device [options]");
	if (n > 4)
		return get_text("'%s' is one word too many: name origin-device cache-device [options]", words[4]);
	wrong = tab_line_make(&line, words[0], words[1], words[2], words[3]);
	if (wrong)
		return wrong;
	line.number = number;
	wrong = conflict(tab, &line);
	if (wrong) {
		tab_line_free(&line);
		return wrong;
	}
	tab->lines = get_more_memory(tab->lines, (tab->nr_lines + 1) * sizeof(line));
	tab->lines[tab->nr_lines++] = line;
	return NULL;
}

static void add_error(struct tab *tab, unsigned int number, char *text)
{
	tab->errors = get_more_memory(tab->errors, (tab->nr_errors + 1) * sizeof(*tab->errors));
	tab->errors[tab->nr_errors++] = (struct tab_error){ number, text };
}

int tab_read(const char *path, struct tab *tab)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char *text = NULL, *wrong;
	size_t room = 0;
	ssize_t length;
	int error;

	if (!file)
		return errno;
	*tab = (struct tab){ NULL };
	while (errno = 0, (length = getline(&text, &room, file)) >= 0) {
		char *begin = text + strspn(text, BLANKS);

		number++;
		if (strlen(text) != (size_t)length)
			add_error(tab, number, get_text("a zero byte"));
		else if (*begin && *begin != '#' && (wrong = take_line(tab, number, begin)))
			add_error(tab, number, wrong);
	}
	error = ferror(file) ? errno : 0;
	free(text);
	fclose(file);
	if (error)
		tab_free(tab);
	return error;
}

void tab_free(struct tab *tab)
{
	unsigned int i;

	for (i = 0; i < tab->nr_lines; i++)
		tab_line_free(&tab->lines[i]);
	for (i = 0; i < tab->nr_errors; i++)
		free(tab->errors[i].text);
	free(tab->lines);
	free(tab->errors);
}

const struct tab_line *tab_find(const struct tab *tab, const char *name)
{
	unsigned int i;

	for (i = 0; i < tab->nr_lines; i++) {
		if (!strcmp(tab->lines[i].name, name))
			return &tab->lines[i];
	}
	return NULL;
}
