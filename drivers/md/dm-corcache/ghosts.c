// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache ghosts: regions without a slot.
 *
 * Owns struct corcache_ghosts.  Contexts and locks: as in policy.c.
 *
 * They remember turned away regions as well as victims: 12
 * bits of a hash, 12 bits of time, and the history, in sets of 8 of which the
 * oldest goes; new ones take at most 6 as long as there are others.  There are
 * 17/16 as many as slots.  An eighth of the sets is for one region in 32 (by
 * hash), which are remembered that much longer, so that the rates of ages of
 * several times the quota can be known.  A hash that two regions share
 * makes one region seem to be known; that is rare and heals itself.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "ghosts.h"

/* Ghosts that a miss looks at. */
#define SWEEP_GHOSTS		4

#define MAX_GHOST_AGE		3000U

#define GHOST_WAYS		8
#define GHOST_NEW_WAYS		6
#define GHOST_FAR_SHARE		8	/* one set in 8 is for ... */
#define GHOST_FAR_REGIONS	32	/* ... one region in 32 */
#define GHOST_NAME_SHIFT	20
#define GHOST_TIME_SHIFT	8
#define GHOST_TIME_MASK		0xfffU
#define GHOST_HISTORY_MASK	0xffU

u32 corcache_ghosts_hash(u32 region)
{
	region ^= region >> 16;
	region *= 0x7feb352dU;
	region ^= region >> 15;
	region *= 0x846ca68bU;
	return region ^ region >> 16;
}

/* Another one, for what the place does not tell. */
static u32 second_hash(u32 region)
{
	return corcache_ghosts_hash(region ^ 0x5bd1e995U);
}

static u8 ghost_history(u32 ghost)
{
	return ghost & GHOST_HISTORY_MASK;
}

static u32 ghost_age(u32 tick, u32 ghost)
{
	return (tick - (ghost >> GHOST_TIME_SHIFT)) & GHOST_TIME_MASK;
}

static u32 make_ghost(u32 tick, u32 name, u32 age, u8 history)
{
	u32 time = (tick - min(age, MAX_GHOST_AGE)) & GHOST_TIME_MASK;

	return name << GHOST_NAME_SHIFT | time << GHOST_TIME_SHIFT | history;
}

static u32 ghost_name(u32 region)
{
	return second_hash(region) >> GHOST_NAME_SHIFT;
}

static u32 *ghost_set(const struct corcache_ghosts *ghosts, u32 region)
{
	u32 near = ghosts->nr_sets - ghosts->nr_far_sets;
	u64 where = corcache_ghosts_hash(region);
	u32 set;

	if (ghosts->nr_far_sets && !(second_hash(region) % GHOST_FAR_REGIONS))
		set = near + (u32)((where * ghosts->nr_far_sets) >> 32);
	else
		set = (u32)((where * near) >> 32);
	return ghosts->ghost + (size_t)set * GHOST_WAYS;
}

static u32 *find_ghost(const struct corcache_ghosts *ghosts, u32 region)
{
	u32 *set = ghost_set(ghosts, region), name = ghost_name(region), i;

	for (i = 0; i < GHOST_WAYS; i++)
		if (set[i] && set[i] >> GHOST_NAME_SHIFT == name)
			return set + i;
	return NULL;
}

/* The ghost whose place another one takes, new or not. */
static u32 *oldest_ghost(u32 tick, u32 *set, bool new)
{
	u32 *oldest = NULL, *oldest_new = NULL, nr_new = 0, i;

	for (i = 0; i < GHOST_WAYS; i++) {
		if (!set[i])
			return set + i;
		if (!oldest || ghost_age(tick, set[i]) > ghost_age(tick, *oldest))
			oldest = set + i;
		if (!corcache_history_is_new(ghost_history(set[i])))
			continue;
		nr_new++;
		if (!oldest_new || ghost_age(tick, set[i]) > ghost_age(tick, *oldest_new))
			oldest_new = set + i;
	}
	return oldest_new && (new || nr_new >= GHOST_NEW_WAYS) ? oldest_new : oldest;
}

void corcache_ghosts_remember(struct corcache_ghosts *ghosts, u32 tick, u32 region, u32 age,
			      u8 history)
{
	u32 *ghost = find_ghost(ghosts, region);

	if (!ghost)
		ghost = oldest_ghost(tick, ghost_set(ghosts, region),
				     corcache_history_is_new(history));
	*ghost = make_ghost(tick, ghost_name(region), age, history);
}

bool corcache_ghosts_read(struct corcache_ghosts *ghosts, struct corcache_figures *figures,
			  u32 tick, u32 region, u8 *history)
{
	u32 *ghost = find_ghost(ghosts, region), age, set;

	if (!ghost) {
		*history = CORCACHE_HISTORY_NEW;
		return false;
	}
	age = ghost_age(tick, *ghost);
	set = (ghost - ghosts->ghost) / GHOST_WAYS;
	if (corcache_figures_wanted(figures, set))
		corcache_figures_add(figures, ghost_history(*ghost), age, true, 0);
	*history = corcache_history_next(ghost_history(*ghost), age);
	return true;
}

bool corcache_ghosts_take(struct corcache_ghosts *ghosts, u32 tick, u32 region, u8 *history,
			  u32 *age)
{
	u32 *ghost = find_ghost(ghosts, region);

	if (!ghost)
		return false;
	*history = ghost_history(*ghost);
	*age = ghost_age(tick, *ghost);
	*ghost = 0;
	return true;
}

/*
 * A ghost was at risk for the whole turn of the hand; that is long, so the
 * time goes to some age in it.
 */
static void sweep_ghost(struct corcache_ghosts *ghosts, struct corcache_figures *figures, u32 tick)
{
	u32 nr = ghosts->hand, set = nr / GHOST_WAYS, age, time;
	u32 ghost = ghosts->ghost[nr];

	if (++ghosts->hand >= ghosts->nr_sets * GHOST_WAYS)
		ghosts->hand = 0;
	if (!ghost)
		return;
	age = ghost_age(tick, ghost);
	if (age > MAX_GHOST_AGE) {
		ghosts->ghost[nr] = 0;
		return;
	}
	time = min(age, ghosts->period);
	if (!time || !corcache_figures_wanted(figures, set))
		return;
	ghosts->random = ghosts->random * 1103515245U + 12345;
	age -= 1 + (ghosts->random >> 16) % time;
	corcache_figures_add(figures, ghost_history(ghost), age, false, time);
}

void corcache_ghosts_sweep(struct corcache_ghosts *ghosts, struct corcache_figures *figures,
			   u32 tick)
{
	u32 i;

	for (i = 0; i < SWEEP_GHOSTS; i++)
		sweep_ghost(ghosts, figures, tick);
}

/*
 * Their number.
 */

static u32 nr_ghost_sets(u32 nr_slots)
{
	return max((u32)(((u64)nr_slots * 34) >> 8), 2U);
}

u64 corcache_ghosts_bytes(u32 nr_slots)
{
	return (u64)nr_ghost_sets(nr_slots) * GHOST_WAYS * sizeof(u32);
}

void corcache_ghosts_set_quota(struct corcache_ghosts *ghosts, u32 quota, u32 unit)
{
	/* with more, they would be older than can be told before the hand comes by */
	ghosts->nr_sets = nr_ghost_sets(quota);
	ghosts->nr_far_sets = max(ghosts->nr_sets / GHOST_FAR_SHARE, 1U);
	ghosts->hand = 0;
	ghosts->period = 1 + ghosts->nr_sets * GHOST_WAYS / SWEEP_GHOSTS / unit;
}
