// SPDX-License-Identifier: GPL-2.0-only
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "size.h"

#define ID_CHARACTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-"

void table_init(struct table *table)
{
	*table = (struct table){ .region = TABLE_REGION_BYTES, .max_errors = -1 };
}

uint64_t table_block(const struct table *table)
{
	uint64_t least = table->region / TABLE_REGION_BLOCKS;

	if (table->block)
		return table->block;
	return least > TABLE_BLOCK_BYTES ? least : TABLE_BLOCK_BYTES;
}

/* ---- values ---- */

static bool is_power(uint64_t bytes, uint64_t least, uint64_t most)
{
	return bytes >= least && bytes <= most && !(bytes & (bytes - 1));
}

static char *check_sizes(const struct table *table, const char *prefix)
{
	uint64_t block = table_block(table);

	if (!is_power(table->region, TABLE_REGION_LEAST, TABLE_REGION_MOST))
		return get_text("%sregion: %" PRIu64 " bytes are no power of two from 4K to 4M", prefix, table->region);
	if (!is_power(block, TABLE_BLOCK_BYTES, table->region))
		return get_text("%sblock: %" PRIu64 " bytes are no power of two from 4K to the region size, %" PRIu64,
				prefix, block, table->region);
	if (table->region / block > TABLE_REGION_BLOCKS)
		return get_text("%sblock: a region of %" PRIu64 " bytes has at most %d blocks: give at least %" PRIu64,
				prefix, table->region, TABLE_REGION_BLOCKS, table->region / TABLE_REGION_BLOCKS);
	if (table->quota && table->quota < table->region)
		return get_text("%squota: %" PRIu64 " bytes are less than one region, %" PRIu64, prefix, table->quota,
				table->region);
	return NULL;
}

static char *check_id(const char *id, const char *prefix)
{
	size_t length = strlen(id);

	if (length >= 1 && length <= TABLE_ORIGIN_ID_MOST && strspn(id, ID_CHARACTERS) == length)
		return NULL;
	return get_text("%sorigin-id: '%s' is not 1 to %d of A-Z a-z 0-9 . _ : + / = @ -", prefix, id,
			TABLE_ORIGIN_ID_MOST);
}

/* A word of a table line cannot have blanks in it. */
static char *check_path(const char *path, const char *option, const char *prefix)
{
	if (!path || !path[strcspn(path, " \t\n\\")])
		return NULL;
	return get_text("%s%s: '%s' has a blank or a backslash in it: give another name of the device", prefix, option,
			path);
}

char *table_check(const struct table *table, const char *prefix)
{
	char *text = check_sizes(table, prefix);

	if (!text && table->policy && strcmp(table->policy, "adaptive") && strcmp(table->policy, "stop"))
		text = get_text("%spolicy: '%s' is none of: adaptive stop", prefix, table->policy);
	if (!text && table->commit_interval > TABLE_INTERVAL_MOST)
		text = get_text("%scommit-interval: %" PRIu64 " is no number of milliseconds from 1 to %d", prefix,
				table->commit_interval, TABLE_INTERVAL_MOST);
	if (!text && table->max_errors > UINT32_MAX)
		text = get_text("%smax-errors: %" PRId64 " is more than %" PRIu32, prefix, table->max_errors, UINT32_MAX);
	if (!text && table->origin_id)
		text = check_id(table->origin_id, prefix);
	if (!text)
		text = check_path(table->cache, "cache", prefix);
	return text ? text : check_path(table->origin, "origin", prefix);
}

/* ---- making a line ---- */

/* @line is freed. */
static char *add_word(char *line, const char *key, const char *value)
{
	char *longer = get_text("%s %s%s%s", line, key, value ? " " : "", value ? value : "");

	free(line);
	return longer;
}

static char *add_number(char *line, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	return add_word(line, key, digits);
}

char *table_text(const struct table *table)
{
	unsigned int args = 2 * (1 + !!table->quota + !!table->policy + !!table->commit_interval +
				 (table->max_errors >= 0) + !!table->origin_id);
	char *line = get_text("%s %s %" PRIu64 " %d", table->cache, table->origin, table->region / SECTOR_BYTES,
			      table->no_checksums + table->discard), count[16];

	if (table->no_checksums)
		line = add_word(line, "no_checksums", NULL);
	if (table->discard)
		line = add_word(line, "discard", NULL);
	snprintf(count, sizeof(count), "%u", args);
	line = add_word(line, count, NULL);
	line = add_number(line, "block_size", table_block(table) / SECTOR_BYTES);
	if (table->quota)
		line = add_number(line, "quota", table->quota / SECTOR_BYTES);
	if (table->policy)
		line = add_word(line, "policy", table->policy);
	if (table->commit_interval)
		line = add_number(line, "commit_interval", table->commit_interval);
	if (table->max_errors >= 0)
		line = add_number(line, "max_errors", table->max_errors);
	if (table->origin_id)
		line = add_word(line, "origin_id", table->origin_id);
	return line;
}

/* ---- taking one apart ---- */

struct words {
	char *text, *at;
};

static char *next_word(struct words *words)
{
	return strtok_r(NULL, " \t\n", &words->at);
}

static bool next_number(struct words *words, uint64_t most, uint64_t *number)
{
	const char *word = next_word(words);

	return word && number_parse(word, most, number);
}

/* In sectors; made bytes. */
static bool next_size(struct words *words, uint64_t *bytes)
{
	if (!next_number(words, UINT64_MAX / SECTOR_BYTES, bytes))
		return false;
	*bytes *= SECTOR_BYTES;
	return true;
}

static bool take_text(struct words *words, char **to)
{
	const char *word = next_word(words);

	if (!word)
		return false;
	free(*to);
	*to = get_text("%s", word);
	return true;
}

static bool take_feature(struct words *words, struct table *table)
{
	const char *word = next_word(words);

	if (word && !strcmp(word, "no_checksums"))
		table->no_checksums = true;
	else if (word && !strcmp(word, "discard"))
		table->discard = true;
	else
		return false;
	return true;
}

static bool take_arg(struct words *words, struct table *table)
{
	const char *key = next_word(words);
	uint64_t number;

	if (!key)
		return false;
	if (!strcmp(key, "block_size"))
		return next_size(words, &table->block);
	if (!strcmp(key, "quota"))
		return next_size(words, &table->quota);
	if (!strcmp(key, "policy"))
		return take_text(words, &table->policy);
	if (!strcmp(key, "commit_interval"))
		return next_number(words, UINT32_MAX, &table->commit_interval);
	if (!strcmp(key, "origin_id"))
		return take_text(words, &table->origin_id);
	if (strcmp(key, "max_errors") || !next_number(words, UINT32_MAX, &number))
		return false;
	table->max_errors = number;
	return true;
}

/* Features and core args: counted lists, both of which may be left out. */
static bool take_lists(struct words *words, struct table *table)
{
	uint64_t left;
	const char *word = next_word(words);

	if (!word)
		return true;
	if (!number_parse(word, UINT32_MAX, &left))
		return false;
	for (; left; left--) {
		if (!take_feature(words, table))
			return false;
	}
	word = next_word(words);
	if (!word)
		return true;
	if (!number_parse(word, UINT32_MAX, &left) || left % 2)
		return false;
	for (; left; left -= 2) {
		if (!take_arg(words, table))
			return false;
	}
	return !next_word(words);
}

bool table_split(const char *params, struct table *table)
{
	struct words words = { .text = get_text(" %s", params) };
	bool ok;

	words.at = words.text;
	table_init(table);
	ok = take_text(&words, &table->cache) && take_text(&words, &table->origin) &&
	     next_size(&words, &table->region) && take_lists(&words, table);
	free(words.text);
	if (!ok)
		table_forget(table);
	return ok;
}

void table_forget(struct table *table)
{
	free(table->cache);
	free(table->origin);
	free(table->policy);
	free(table->origin_id);
	table_init(table);
}

char *table_replace(const char *params, unsigned int i, const char *word)
{
	const char *at = params + strspn(params, " ");

	for (; i && *at; i--) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	return get_text("%.*s%s%s", (int)(at - params), params, word, at + strcspn(at, " "));
}
