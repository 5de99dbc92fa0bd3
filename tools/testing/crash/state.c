// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash: the states in which a crash may leave the cache device.
 *
 * What is allowed for: writes that are not flushed arrive in any subset, each
 * whole, not at all, or in any of its sectors; a later write of a sector may
 * arrive and an earlier one of another not.  An FUA write has arrived when it
 * stands in the log.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state.h"

const char *const state_names[STATE_KINDS] = {
	"exact", "none", "some", "torn", "all-but-one", "only-one",
};

static void apply(uint8_t *image, const struct log_entry *e)
{
	if (e->data && !(e->flags & LOG_MARK))
		memcpy(image + e->sector * SECTOR, e->data, e->nr_sectors * SECTOR);
}

static void apply_torn(uint8_t *image, const struct log_entry *e, uint64_t *random)
{
	size_t i;

	for (i = 0; i < e->nr_sectors; i++)
		if (below(random, 2))
			memcpy(image + (e->sector + i) * SECTOR, e->data + i * SECTOR, SECTOR);
}

static void apply_mark(const struct history *h, const struct log_entry *e, struct blocks *must)
{
	if (e->flags & LOG_MARK && strcmp((const char *)e->data, "dm-log-writes-end"))
		journal_apply(&h->journal, atoi((const char *)e->data), must);
}

/* ---- windows ---- */

static void find_windows(struct history *h)
{
	size_t i, first = 0;

	h->window = calloc(h->log.nr + 1, sizeof(*h->window));
	if (!h->window)
		die("no memory for windows");
	for (i = 0; i <= h->log.nr; i++) {
		if (i < h->log.nr && !(h->log.entry[i].flags & LOG_FLUSH))
			continue;
		h->window[h->nr_windows++] = (struct window){ .first = first, .end = i };
		first = i + 1;
	}
}

void history_load(struct history *h, const struct devices *dev)
{
	char path[4096];
	int fd;

	memset(h, 0, sizeof(*h));
	journal_load(&h->journal, dev->dir);
	log_load(&h->log, dev->log);
	find_windows(h);
	h->durable = zalloc(CACHE_BYTES);
	snprintf(path, sizeof(path), "%s/base", dev->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, h->durable, CACHE_BYTES, 0) != CACHE_BYTES)
		die("%s: %m", path);
	close(fd);
}

void history_free(struct history *h)
{
	log_free(&h->log);
	journal_close(&h->journal);
	free(h->window);
	free(h->durable);
}

void history_advance(struct history *h, unsigned int window)
{
	for (; h->at < window; h->at++) {
		const struct window *w = &h->window[h->at];
		size_t i;

		for (i = w->first; i < w->end; i++) {
			apply(h->durable, &h->log.entry[i]);
			apply_mark(h, &h->log.entry[i], &h->must);
		}
		/* a flush that carries data has flushed what was before it */
		apply(h->durable, &h->log.entry[w->end]);
	}
}

/* ---- states ---- */

static bool is_write(const struct log_entry *e)
{
	return e->data && !(e->flags & LOG_MARK);
}

/* Of the writes of the window, number @n. */
static size_t nth_write(const struct history *h, const struct window *w, size_t n)
{
	size_t i;

	for (i = w->first; i < w->end; i++)
		if (is_write(&h->log.entry[i]) && !n--)
			return i;
	return w->end;
}

static size_t count_writes(const struct history *h, const struct window *w)
{
	size_t i, n = 0;

	for (i = w->first; i < w->end; i++)
		n += is_write(&h->log.entry[i]);
	return n;
}

void state_make(const struct history *h, struct state *s, uint64_t random)
{
	const struct window *w = &h->window[s->window];
	size_t i, writes = count_writes(h, w);
	size_t one = writes ? nth_write(h, w, below(&random, writes)) : w->end;
	/* of 8 writes, so many arrive */
	unsigned int share = 1 + below(&random, 7);

	memcpy(s->image, h->durable, CACHE_BYTES);
	s->must = h->must;
	s->applied = 0;
	s->reached = 0;
	if (s->kind == EXACT)
		return;
	/* half of them at the end of the window, where most can go wrong */
	s->reached = w->end - w->first;
	if (s->kind != ONLY_ONE && s->reached && below(&random, 2))
		s->reached = 1 + below(&random, s->reached);

	for (i = w->first; i < w->first + s->reached; i++) {
		const struct log_entry *e = &h->log.entry[i];
		bool arrives = e->flags & LOG_FUA;

		apply_mark(h, e, &s->must);
		if (!is_write(e))
			continue;
		if (!arrives && s->kind == TORN && below(&random, 8) < share) {
			apply_torn(s->image, e, &random);
			s->applied++;
			continue;
		}
		if (s->kind == ALL_BUT_ONE)
			arrives |= i != one;
		else if (s->kind == ONLY_ONE)
			arrives |= i == one;
		else if (s->kind == SOME)
			arrives |= below(&random, 8) < share;
		if (arrives) {
			apply(s->image, e);
			s->applied++;
		}
	}
}
