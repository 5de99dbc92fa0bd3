/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache ghosts: what is remembered of regions without a slot.
 *
 * A part of the policy `adaptive`.  No I/O, no locks, no clock, no allocation: the
 * caller serialises, and tells the time: @tick is the policy's unit of it.
 * Compiles unchanged in user space.
 */
#ifndef DM_CORCACHE_GHOSTS_H
#define DM_CORCACHE_GHOSTS_H

#include <linux/types.h>

#include "figures.h"

/**
 * struct corcache_ghosts - the ghosts
 * @nr_sets: sets of them
 * @nr_far_sets: the last of these, for a sample of regions that is kept longer
 * @hand: the ghost to look at next
 * @period: ticks of the hand's turn
 * @random: state of a fixed sequence, to spread ages
 * @ghost: the ghosts, set by set; 0: none
 */
struct corcache_ghosts {
	u32	nr_sets;
	u32	nr_far_sets;
	u32	hand;
	u32	period;
	u32	random;
	u32	*ghost;
};

/* A number that is spread evenly, the same for the same region. */
u32 corcache_ghosts_hash(u32 region);

/* Bytes of @ghost for so many slots. */
u64 corcache_ghosts_bytes(u32 nr_slots);

/**
 * corcache_ghosts_set_quota() - how many there are
 * @ghosts: the ghosts; what they remember stays as far as there is room for it
 * @quota: as many as are needed for so many slots in use
 * @unit: misses in a tick
 */
void corcache_ghosts_set_quota(struct corcache_ghosts *ghosts, u32 quota, u32 unit);

/* A region without a slot was last read @age ticks ago. */
void corcache_ghosts_remember(struct corcache_ghosts *ghosts, u32 tick, u32 region, u32 age,
			      u8 history);

/**
 * corcache_ghosts_read() - a region without a slot is read now
 * @ghosts: the ghosts
 * @figures: receives the sample that this is
 * @tick: now
 * @region: the region
 * @history: receives its history from now on
 *
 * Return: was there a ghost of it?
 */
bool corcache_ghosts_read(struct corcache_ghosts *ghosts, struct corcache_figures *figures,
			  u32 tick, u32 region, u8 *history);

/* Forgets @region, which gets a slot.  False, and the rest left alone: it has no ghost. */
bool corcache_ghosts_take(struct corcache_ghosts *ghosts, u32 tick, u32 region, u8 *history,
			  u32 *age);

/* A miss has passed: learns from a few of them. */
void corcache_ghosts_sweep(struct corcache_ghosts *ghosts, struct corcache_figures *figures,
			   u32 tick);

#endif /* DM_CORCACHE_GHOSTS_H */
