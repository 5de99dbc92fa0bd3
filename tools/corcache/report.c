// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "size.h"

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* A name of the kernel's: of a mode, or of a pair. */
static bool is_name(const char *word)
{
	if (!is_lower(*word))
		return false;
	while (is_lower(*word) || (*word >= '0' && *word <= '9') || *word == '_')
		word++;
	return !*word;
}

/* Values end up on terminals, and in JSON. */
static bool is_printable(const char *word)
{
	while (*word > ' ' && *word <= '~')
		word++;
	return !*word;
}

/* The next word of what is left, or NULL. */
static char *next_word(char **rest)
{
	char *word;

	*rest += strspn(*rest, " ");
	if (!**rest)
		return NULL;
	word = *rest;
	*rest += strcspn(word, " ");
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

static bool next_number(char **rest, uint64_t *number)
{
	char *word = next_word(rest);

	return word && number_parse(word, UINT64_MAX, number);
}

/* "<used>/<quota>/<total>" */
static bool next_slots(char **rest, struct report *report)
{
	char *word = next_word(rest), *quota, *total;

	if (!word)
		return false;
	quota = strchr(word, '/');
	total = quota ? strchr(quota + 1, '/') : NULL;
	if (!total)
		return false;
	*quota++ = '\0';
	*total++ = '\0';
	return number_parse(word, UINT64_MAX, &report->used) && number_parse(quota, UINT64_MAX, &report->quota) &&
	       number_parse(total, UINT64_MAX, &report->total);
}

/* Whoever multiplies them into bytes shall not have to ask. */
static bool amounts_fit(const struct report *report)
{
	uint64_t most = report->total > report->quota ? report->total : report->quota, bytes;

	if (most < report->used)
		most = report->used;
	return report->region_sectors && report->block_sectors &&
	       !__builtin_mul_overflow(most, report->region_sectors, &bytes) &&
	       !__builtin_mul_overflow(bytes, SECTOR_BYTES, &bytes) &&
	       !__builtin_mul_overflow(report->valid, report->block_sectors, &bytes) &&
	       !__builtin_mul_overflow(bytes, SECTOR_BYTES, &bytes);
}

static bool parse_head(char **rest, struct report *report, uint64_t *nr_pairs)
{
	report->mode = next_word(rest);
	return report->mode && is_name(report->mode) && next_number(rest, &report->version) &&
	       next_number(rest, &report->region_sectors) && next_number(rest, &report->block_sectors) &&
	       next_slots(rest, report) && next_number(rest, &report->valid) && next_number(rest, nr_pairs) &&
	       *nr_pairs <= REPORT_PAIRS_MOST && amounts_fit(report);
}

static bool parse_pair(char **rest, struct report *report)
{
	const char *name = next_word(rest), *value = next_word(rest);

	if (!name || !value || !is_name(name) || !is_printable(value) || report_word(report, name))
		return false;
	report->pairs[report->nr_pairs++] = (struct report_pair){ name, value };
	return true;
}

static bool parse(char *rest, struct report *report)
{
	uint64_t nr_pairs;

	if (!parse_head(&rest, report, &nr_pairs))
		return false;
	while (report->nr_pairs < nr_pairs) {
		if (!parse_pair(&rest, report))
			return false;
	}
	return !next_word(&rest);
}

bool report_parse(const char *params, struct report *report)
{
	size_t length = strlen(params);

	if (length && params[length - 1] == '\n')
		length--;
	*report = (struct report){ .text = get_text("%.*s", (int)length, params) };
	if (parse(report->text, report))
		return true;
	report_free(report);
	return false;
}

void report_free(struct report *report)
{
	free(report->text);
	*report = (struct report){ 0 };
}

const char *report_word(const struct report *report, const char *name)
{
	unsigned int i;

	for (i = 0; i < report->nr_pairs; i++) {
		if (!strcmp(report->pairs[i].name, name))
			return report->pairs[i].value;
	}
	return NULL;
}

uint64_t report_number(const struct report *report, const char *name)
{
	const char *word = report_word(report, name);
	uint64_t number = 0;

	return word && number_parse(word, UINT64_MAX, &number) ? number : 0;
}
