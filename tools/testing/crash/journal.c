// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash: the journal of a recording.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "journal.h"

static void open_file(struct journal *j, const char *dir, const char *mode)
{
	char path[4096];

	memset(j, 0, sizeof(*j));
	snprintf(path, sizeof(path), "%s/journal", dir);
	j->file = fopen(path, mode);
	if (!j->file)
		die("%s: %m", path);
}

void journal_create(struct journal *j, const char *dir)
{
	open_file(j, dir, "w");
}

unsigned int journal_commit(struct journal *j, const struct blocks *blocks)
{
	size_t i;

	fprintf(j->file, "C %u ", j->used);
	for (i = 0; i < sizeof(blocks->bits); i++)
		fprintf(j->file, "%02x", blocks->bits[i]);
	fputc('\n', j->file);
	return j->used++;
}

unsigned int journal_evict(struct journal *j, unsigned int block, unsigned int nr)
{
	fprintf(j->file, "E %u %u %u\n", j->used, block, nr);
	return j->used++;
}

unsigned int journal_quota(struct journal *j)
{
	fprintf(j->file, "Q %u\n", j->used);
	return j->used++;
}

static void parse_bits(struct blocks *blocks, const char *hex)
{
	unsigned int byte;
	size_t i;

	for (i = 0; i < sizeof(blocks->bits); i++, hex += 2) {
		if (sscanf(hex, "%2x", &byte) != 1)
			die("journal: too few bits");
		blocks->bits[i] = byte;
	}
}

static void parse(struct journal *j, const char *line)
{
	struct journal_entry e = { .kind = *line };
	unsigned int nr;
	int at = 0;

	if (sscanf(line, "%*c %u %n", &nr, &at) != 1 || nr != j->used)
		die("journal: line %u: '%s'", j->used, line);
	if (e.kind == 'C')
		parse_bits(&e.blocks, line + at);
	else if (e.kind == 'E' && sscanf(line + at, "%u %u", &e.block, &e.nr) != 2)
		die("journal: line %u: '%s'", j->used, line);
	if (j->used == j->room) {
		j->room = j->room ? 2 * j->room : 64;
		j->entry = realloc(j->entry, j->room * sizeof(*j->entry));
		if (!j->entry)
			die("no memory for the journal");
	}
	j->entry[j->used++] = e;
}

void journal_load(struct journal *j, const char *dir)
{
	char *line = NULL;
	size_t room = 0;

	open_file(j, dir, "r");
	while (getline(&line, &room, j->file) > 0)
		parse(j, line);
	free(line);
}

void journal_close(struct journal *j)
{
	if (fclose(j->file))
		die("journal: %m");
	free(j->entry);
}

void journal_apply(const struct journal *j, unsigned int n, struct blocks *must)
{
	const struct journal_entry *e = &j->entry[n];
	unsigned int i;

	if (n >= j->used)
		die("mark %u is not in the journal", n);
	switch (e->kind) {
	case 'C':
		*must = e->blocks;
		break;
	case 'E':
		for (i = 0; i < e->nr; i++)
			block_set(must, e->block + i, false);
		break;
	case 'Q':
		memset(must, 0, sizeof(*must));
		break;
	}
}
