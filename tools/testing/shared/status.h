/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The status of a corcache target: the one parser of it, for all tests.
 *
 *   <mode> <format version> <region size> <block size> <used>/<quota>/<total>
 *   <valid blocks> <#pairs> [<name> <value>]*
 *
 * No libdevmapper and no I/O here: dm_status() of dm.h has the words.
 */
#ifndef CORCACHE_TEST_STATUS_H
#define CORCACHE_TEST_STATUS_H

#include <stddef.h>
#include <stdint.h>

#define STATUS_MAX	4096	/* bytes of a status, by far */
#define STATUS_FIELDS	192

/**
 * struct status - a status, parsed
 * @text: where names and values lie
 * @nr: of fields
 * @field: those before the pairs, with the names that stand in status.c, and the
 *	pairs, in their order
 */
struct status {
	char text[STATUS_MAX];
	size_t nr;
	struct {
		const char *name, *value;
	} field[STATUS_FIELDS];
};

/**
 * status_parse() - take a status apart
 * @status: filled in
 * @words: from dm_status()
 *
 * Strict: as many words as the number of pairs says, no name twice, numbers where
 * the format has numbers.
 *
 * Return: NULL, or what is wrong with it.
 */
const char *status_parse(struct status *status, const char *words);

/* The value of a field, as it stands there; NULL if there is no such field. */
const char *status_word(const struct status *status, const char *name);

/* Return: 0, or -1 if there is no such field or it is no number. */
int status_number(const struct status *status, const char *name, uint64_t *value);

#endif /* CORCACHE_TEST_STATUS_H */
