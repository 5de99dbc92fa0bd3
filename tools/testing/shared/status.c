// SPDX-License-Identifier: GPL-2.0-only
/*
 * The status of a corcache target, parsed; see status.h.
 *
 * Owns the names and the places of the fields before the pairs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

/* In their order; what each ends with. */
static const struct {
	const char *name, *end;
} head[] = {
	{ "mode", " " }, { "version", " " }, { "region", " " }, { "block", " " },
	{ "used", "/" }, { "quota", "/" }, { "total", " " }, { "valid", " " }, { "pairs", " " },
};

#define HEAD_FIELDS	(sizeof(head) / sizeof(head[0]))

static int to_number(const char *word, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(word, &end, 10);
	return *word < '0' || *word > '9' || *end || errno ? -1 : 0;
}

const char *status_word(const struct status *status, const char *name)
{
	for (size_t i = 0; i < status->nr; i++)
		if (!strcmp(status->field[i].name, name))
			return status->field[i].value;
	return NULL;
}

int status_number(const struct status *status, const char *name, uint64_t *value)
{
	const char *word = status_word(status, name);

	return word ? to_number(word, value) : -1;
}

static const char *add(struct status *status, const char *name, const char *value)
{
	if (status->nr == STATUS_FIELDS)
		return "too many fields";
	if (status_word(status, name))
		return "a name stands there twice";
	status->field[status->nr].name = name;
	status->field[status->nr++].value = value;
	return NULL;
}

static const char *parse_head(struct status *status, char **rest)
{
	uint64_t number;

	for (size_t i = 0; i < HEAD_FIELDS; i++) {
		char *word = strsep(rest, head[i].end);

		if (!word || !*word)
			return "words are missing before the pairs";
		if (strcmp(head[i].name, "mode") && to_number(word, &number))
			return "a word before the pairs is no number";
		add(status, head[i].name, word);
	}
	return NULL;
}

const char *status_parse(struct status *status, const char *words)
{
	size_t bytes = strlen(words);
	char *rest = status->text;
	const char *wrong;
	uint64_t pairs, i;

	if (bytes >= sizeof(status->text))
		return "too long";
	memcpy(status->text, words, bytes + 1);
	status->nr = 0;
	wrong = parse_head(status, &rest);
	if (wrong)
		return wrong;
	status_number(status, "pairs", &pairs);
	for (i = 0; i < pairs; i++) {
		char *name = strsep(&rest, " "), *value = strsep(&rest, " ");

		if (!name || !value || !*name || !*value)
			return "fewer pairs than it says";
		wrong = add(status, name, value);
		if (wrong)
			return wrong;
	}
	return rest ? "more words than it says" : NULL;
}
