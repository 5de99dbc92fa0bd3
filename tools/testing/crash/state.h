/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * corcache_crash: the states in which a crash may leave the cache device.
 *
 * The log is cut into windows by its flushes.  What stands before a window is
 * durable; the flush at its end has not completed.  A state is made of a window
 * and of what of its writes has reached the medium.
 */
#ifndef CORCACHE_CRASH_STATE_H
#define CORCACHE_CRASH_STATE_H

#include "crash.h"
#include "journal.h"
#include "log.h"

/**
 * struct window - what stands between two flushes
 * @first: its first entry
 * @end: the flush that ends it, or the number of entries of the log
 */
struct window {
	size_t first, end;
};

struct history {
	struct log log;
	struct journal journal;
	struct window *window;
	unsigned int nr_windows;

	/* of the window that is being played */
	unsigned int at;
	uint8_t *durable;	/* CACHE_BYTES */
	struct blocks must;	/* be hits at its start */
};

enum state_kind {
	EXACT,		/* nothing of the window: the moment after a flush */
	NONE,		/* none of its writes, later */
	SOME,		/* some of its writes */
	TORN,		/* some sectors of some writes */
	ALL_BUT_ONE,
	ONLY_ONE,
	STATE_KINDS,
};

extern const char *const state_names[STATE_KINDS];

/**
 * struct state - one of them
 * @window: number of the window
 * @kind: what is done
 * @reached: entries of the window that lie before the crash
 * @image: CACHE_BYTES, filled in
 * @must: blocks that must be hits
 * @applied: writes, whole or in part, that are in @image and not durable
 */
struct state {
	unsigned int window;
	enum state_kind kind;
	size_t reached;
	uint8_t *image;
	struct blocks must;
	unsigned int applied;
};

void history_load(struct history *h, const struct devices *dev);
void history_free(struct history *h);
/* On to a later window, or the same. */
void history_advance(struct history *h, unsigned int window);
/* Fills in all but @window, @kind and @image, which are given. */
void state_make(const struct history *h, struct state *s, uint64_t random);

#endif /* CORCACHE_CRASH_STATE_H */
