/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache places: how many different places had an error lately?
 *
 * A bad spot that is read again and again is one error.  Numbers only: what a place
 * is, the caller knows.  No locks (the caller serialises), no clock, no allocation.
 * Compiles unchanged in user space.
 */
#ifndef DM_CORCACHE_PLACES_H
#define DM_CORCACHE_PLACES_H

#include <linux/types.h>

/* Most places that are told apart; with more, the oldest counts as another one. */
#define CORCACHE_PLACES_MOST	512U

/* For corcache_places_init(): it is not forgotten for this reason. */
#define CORCACHE_PLACES_EVER	U32_MAX

/**
 * struct corcache_places - different places with an error
 * @quiet: seconds without any error after which all are forgotten
 * @window: seconds after its last error after which a place is forgotten
 * @last: when there was the last error, in seconds
 * @nr: places in @at
 * @more: places that have lost their entry to others
 * @at: the places, and when each had its last error; in no order
 */
struct corcache_places {
	u32	quiet;
	u32	window;
	u32	last;
	u32	nr;
	u32	more;
	struct {
		u32	place;
		u32	time;
	} at[CORCACHE_PLACES_MOST];
};

/* None yet.  @quiet, @window: see struct corcache_places; CORCACHE_PLACES_EVER. */
void corcache_places_init(struct corcache_places *places, u32 quiet, u32 window);

/**
 * corcache_places_add() - there was an error
 * @places: the places
 * @place: where
 * @now: seconds of a clock that does not go back; it may wrap
 *
 * Return: how many different places are remembered, this one included.
 */
u32 corcache_places_add(struct corcache_places *places, u32 place, u32 now);

/* How many places are remembered at @now? */
u32 corcache_places_count(struct corcache_places *places, u32 now);

#endif /* DM_CORCACHE_PLACES_H */
