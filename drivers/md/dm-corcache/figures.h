/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache figures: how likely regions are to be read again, and what a slot is worth.
 *
 * A part of the policy `adaptive`.  No I/O, no locks, no clock, no allocation: the
 * caller serialises.  Compiles unchanged in user space.  How they are measured:
 * figures.c.  A tick is the policy's unit of time.
 */
#ifndef DM_CORCACHE_FIGURES_H
#define DM_CORCACHE_FIGURES_H

#include <linux/types.h>

/*
 * A history is a byte: what is known of a region's reads before the last one.
 * 0 is none: a slot or ghost that is not in use.
 */
#define CORCACHE_HISTORY_NEW	0x01	/* not known to have been read before */

/* Older than that is not told apart: ages must not wrap between two looks. */
#define CORCACHE_MAX_AGE	60000U

/* What corcache_figures_hint() takes. */
#define CORCACHE_FIGURES_HINT_BITS	24

/* Classes of history, classes of age. */
#define CORCACHE_FIGURES_HISTORIES	19
#define CORCACHE_FIGURES_AGES		42

/**
 * struct corcache_figures_class - what regions with a like history do next
 * @hits: by age: how many were read again, in 1/64
 * @ticks: by age: for how long any were at risk of being read again
 * @worth: by age: the worth of a slot, on a logarithmic scale: 2048 for a factor of 2
 */
struct corcache_figures_class {
	u16	hits[CORCACHE_FIGURES_AGES];
	u16	ticks[CORCACHE_FIGURES_AGES];
	u16	worth[CORCACHE_FIGURES_AGES];
};

/**
 * struct corcache_figures - all classes
 * @next_class: the class whose worth is computed next
 * @compute_in: misses until then
 * @learn_mask: slots and sets of ghosts to learn from have these bits clear
 * @class: by history
 */
struct corcache_figures {
	u32	next_class;
	u32	compute_in;
	u32	learn_mask;
	struct corcache_figures_class class[CORCACHE_FIGURES_HISTORIES];
};

/* Was a region not known to have been read before? */
bool corcache_history_is_new(u8 history);

/* The history of a region that is read @ticks after the last time. */
u8 corcache_history_next(u8 history, u32 ticks);

/* All classes anew, when the quota (of so many slots) has changed. */
void corcache_figures_start(struct corcache_figures *figures, u32 quota);

/* A miss has passed, of @unit that make a tick: one class is computed now and then. */
void corcache_figures_advance(struct corcache_figures *figures, u32 unit);

/* Is slot, or set of ghosts, @nr one of those to learn from? */
static inline bool corcache_figures_wanted(const struct corcache_figures *figures, u32 nr)
{
	return !(nr & figures->learn_mask);
}

/**
 * corcache_figures_add() - a sample
 * @figures: the figures
 * @history: of a region
 * @age: ticks since its last read
 * @hit: it was read at that age
 * @ticks: for so long it was at risk of being read
 */
void corcache_figures_add(struct corcache_figures *figures, u8 history, u32 age, bool hit,
			  u32 ticks);

/* The worth of a slot whose region has this history and age, on a logarithmic scale. */
u16 corcache_figures_worth(const struct corcache_figures *figures, u8 history, u32 age);

/**
 * corcache_figures_hint() - what is stored with an entry
 * @figures: the figures
 * @slot: the slot: it chooses which of the figures are a part of it
 * @history: of the region in it, not 0
 * @age: likewise, at most CORCACHE_MAX_AGE
 *
 * Return: CORCACHE_FIGURES_HINT_BITS bits, not 0.
 */
u32 corcache_figures_hint(const struct corcache_figures *figures, u32 slot, u8 history, u32 age);

/* The parts of any hint: history, 0 if there is none, and age, at most CORCACHE_MAX_AGE. */
u8 corcache_figures_hint_history(u32 hint);
u32 corcache_figures_hint_age(u32 hint);

/* Takes over what the hint of @slot says of the figures. */
void corcache_figures_restore(struct corcache_figures *figures, u32 slot, u32 hint);

#endif /* DM_CORCACHE_FIGURES_H */
