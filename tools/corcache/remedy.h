/* SPDX-License-Identifier: GPL-2.0-only */
/* remedy: what to do about a refusal of the kernel, by the words of its line in the log. */
#ifndef CORCACHE_REMEDY_H
#define CORCACHE_REMEDY_H

#include "fail.h"

struct remedy {
	const char *pattern;	/* of fnmatch(3), for the whole line */
	enum ends end;
	const char *text;	/* {cache}, {origin} and {name} stand for the words of the device; "": the line says it */
};

/* NULL: the line is none that is known. */
const struct remedy *remedy_find(const char *line);

/* As many as there are, for tests; NULL: no more. */
const struct remedy *remedy_number(unsigned int i);

/*
 * The text with its words filled in; the caller frees it. @params: of a table line of the target, whose first words
 * are cache device and origin, or NULL.
 */
char *remedy_text(const struct remedy *remedy, const char *name, const char *params);

#endif /* CORCACHE_REMEDY_H */
