// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache places: how many different places had an error lately?
 *
 * Owns nothing but struct corcache_places.  Time for a call: one pass over the
 * places that are remembered, CORCACHE_PLACES_MOST at most.
 *
 * Callable from any context: no locks, no allocation, no I/O, no clock.  Compiles
 * unchanged in user space.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>

#include "places.h"

void corcache_places_init(struct corcache_places *places, u32 quiet, u32 window)
{
	places->quiet = quiet;
	places->window = window;
	places->last = 0;
	places->nr = 0;
	places->more = 0;
}

static void forget(struct corcache_places *places, u32 now)
{
	u32 i = 0;

	if (now - places->last >= places->quiet) {
		places->nr = 0;
		places->more = 0;
		return;
	}
	if (places->window == CORCACHE_PLACES_EVER)
		return;
	while (i < places->nr) {
		if (now - places->at[i].time >= places->window)
			places->at[i] = places->at[--places->nr];
		else
			i++;
	}
	/* those without an entry are older than all that have one */
	if (places->nr < CORCACHE_PLACES_MOST)
		places->more = 0;
}

/* The entry of @place, a free one, or the oldest. */
static u32 entry_for(struct corcache_places *places, u32 place, u32 now)
{
	u32 i, oldest = 0;

	for (i = 0; i < places->nr; i++) {
		if (places->at[i].place == place)
			return i;
		if (now - places->at[i].time > now - places->at[oldest].time)
			oldest = i;
	}
	if (places->nr < CORCACHE_PLACES_MOST)
		return places->nr++;
	if (places->more < U32_MAX - CORCACHE_PLACES_MOST)
		places->more++;
	return oldest;
}

u32 corcache_places_count(struct corcache_places *places, u32 now)
{
	forget(places, now);
	return places->nr + places->more;
}

u32 corcache_places_add(struct corcache_places *places, u32 place, u32 now)
{
	u32 i;

	forget(places, now);
	i = entry_for(places, place, now);
	places->at[i].place = place;
	places->at[i].time = now;
	places->last = now;
	return places->nr + places->more;
}
