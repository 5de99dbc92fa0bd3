/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * corcache_crash: the journal of a recording: what the test itself knows of
 * which blocks must be hits after a crash.  It never asks the target.
 *
 * Each entry has a number, which is also put into the log as a mark:
 *
 *   C n bits	a commit message has returned; these blocks had been read from the
 *		cache, with no origin behind it, before the message was sent
 *   E n b nr	blocks b to b + nr - 1 are about to be evicted
 *   Q n	the quota is about to be lowered, or `adaptive` to replace: anything may go
 *
 * What C names is durable, less what a later E or Q may have taken.
 */
#ifndef CORCACHE_CRASH_JOURNAL_H
#define CORCACHE_CRASH_JOURNAL_H

#include <stdio.h>

#include "crash.h"

struct journal_entry {
	char kind;
	unsigned int block, nr;
	struct blocks blocks;
};

struct journal {
	FILE *file;
	struct journal_entry *entry;
	unsigned int used, room;
};

void journal_create(struct journal *j, const char *dir);
/* Return: its number, for the mark. */
unsigned int journal_commit(struct journal *j, const struct blocks *blocks);
unsigned int journal_evict(struct journal *j, unsigned int block, unsigned int nr);
unsigned int journal_quota(struct journal *j);
void journal_load(struct journal *j, const char *dir);
void journal_close(struct journal *j);

/* What must be there after entry @n, given what had to be there before. */
void journal_apply(const struct journal *j, unsigned int n, struct blocks *must);

#endif /* CORCACHE_CRASH_JOURNAL_H */
