/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache policy: admission, and eviction when the quota is full.
 *
 * Decides and does nothing: no I/O, no locks (the caller serialises; in the
 * kernel that is the cache's lock), no clock, no allocation.  Compiles
 * unchanged in user space.  How `adaptive` works: policy.c.
 */
#ifndef DM_CORCACHE_POLICY_H
#define DM_CORCACHE_POLICY_H

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/types.h>

#include "figures.h"
#include "ghosts.h"

enum corcache_policy_kind {
	CORCACHE_POLICY_STOP,		/* evict nothing, read the rest uncached */
	CORCACHE_POLICY_ADAPTIVE,	/* evict what is worth least */
};

#define CORCACHE_POLICY_NO_SLOT		U32_MAX

/* Most slots that are looked at in one go: the caller holds a lock. */
#define CORCACHE_POLICY_STEPS		1024U

/* Of `adaptive`: victims in view, regions that got no slot. */
#define CORCACHE_POLICY_CANDIDATES	16
#define CORCACHE_POLICY_PIECES		16

/**
 * struct corcache_policy_piece - a region that got no slot
 * @region: the region
 * @admitted: not for lack of worth, but none was free
 * @blocks: its blocks that were read since; 0: there is no such region
 */
struct corcache_policy_piece {
	u32	region;
	bool	admitted;
	u64	blocks;
};

/**
 * struct corcache_policy - the state of a policy
 * @kind: which one
 * @nr_slots: slots of the cache
 * @quota: how many may be in use
 * @used: how many are
 * @hand: where the search for victims goes on
 * @end: of `adaptive`: all slots in use are below
 * @next_end: the same, as far as the hand has come on this turn
 * @pinned: bit per slot: no victim, unless the quota is exceeded; or NULL
 * @pinned_too: of those in use above the quota only pinned ones are left
 *
 * The rest is of `adaptive`.  A tick is as many misses as make 1/64 of the
 * quota, at least one.
 *
 * @unit: misses in a tick
 * @misses: of the current tick
 * @tick: the time; wraps
 * @turn: when the hand passed the first slot
 * @period: ticks of the hand's last turn
 * @replacing: an admission has found no free slot: from now on some are reserved
 * @known: the region of the last miss had a ghost
 * @admitted: regions that were to get a slot since the last cycle of reclaim,
 *	while none was to spare
 * @retired: slots that were emptied since, and may not be free yet
 * @per_cycle: what @admitted was in the busiest cycle lately
 * @nr_candidates: slots in @candidate
 * @candidate: slots that are worth little
 * @candidate_worth: what they were worth when they were looked at
 * @piece: regions that got no slot lately, by hash
 * @visited: bit per slot: read since the hand passed
 * @stamp: by slot: the tick of the last use
 * @history: by slot: 0 if it is free, or what its region did before
 * @ghosts: what is remembered of regions without a slot
 * @figures: what regions with like histories do
 */
struct corcache_policy {
	enum corcache_policy_kind kind;
	u32	nr_slots;
	u32	quota;
	u32	used;
	u32	hand;
	u32	end;
	u32	next_end;
	const unsigned long *pinned;
	bool	pinned_too;

	u32	unit;
	u32	misses;
	u32	tick;
	u32	turn;
	u32	period;
	bool	replacing;
	bool	known;
	u32	admitted;
	u32	retired;
	u32	per_cycle;

	u32	nr_candidates;
	u32	candidate[CORCACHE_POLICY_CANDIDATES];
	u16	candidate_worth[CORCACHE_POLICY_CANDIDATES];
	struct corcache_policy_piece piece[CORCACHE_POLICY_PIECES];

	unsigned long *visited;
	u16	*stamp;
	u8	*history;

	struct corcache_ghosts ghosts;
	struct corcache_figures figures;
};

/**
 * struct corcache_policy_ops - what a policy needs to know of the slots
 * @evictable: may this slot be emptied now?
 * @region: the region in a slot that is in use
 */
struct corcache_policy_ops {
	bool	(*evictable)(void *context, u32 slot);
	u32	(*region)(void *context, u32 slot);
};

/* The name in table lines; NULL for a kind that does not exist. */
const char *corcache_policy_name(enum corcache_policy_kind kind);

/* Bytes that corcache_policy_init() wants: up to 7.4 per slot and 100. */
u64 corcache_policy_bytes(enum corcache_policy_kind kind, u32 nr_slots);

/**
 * corcache_policy_init() - begin with no slot in use, and a quota of all
 * @policy: to initialise
 * @kind: which one
 * @nr_slots: slots of the cache
 * @memory: corcache_policy_bytes(), zeroed, aligned to 8; the caller frees it
 */
void corcache_policy_init(struct corcache_policy *policy,
			  enum corcache_policy_kind kind, u32 nr_slots,
			  void *memory);

/* At most @quota slots shall be in use, 1 to nr_slots; at any time. */
void corcache_policy_set_quota(struct corcache_policy *policy, u32 quota);

/**
 * corcache_policy_touch() - a read hit some slots
 * @visited: the policy's bits, or NULL: it does not ask
 * @slot: the first slot
 * @nr: number of slots, at least 1
 *
 * The only function that takes no lock.  A bit is nearly always set: then nothing
 * is written, and its cache line stays shared between processors.  A bit that
 * gets lost or is set late changes what is evicted and nothing else.
 *
 * Context: any.
 */
static __always_inline void corcache_policy_touch(unsigned long *visited, u32 slot, u32 nr)
{
	if (!visited)
		return;
	for (; nr; nr--, slot++)
		if (unlikely(!test_bit(slot, visited)))
			set_bit(slot, visited);
}

/**
 * corcache_policy_miss() - a region without a slot is read from the origin
 * @policy: the policy
 * @region: the region
 * @blocks: which of its blocks; all, if regions are always read whole
 *
 * To be called for each such read, whether or not a slot is free.
 *
 * Return: should it get a slot?
 */
bool corcache_policy_miss(struct corcache_policy *policy, u32 region, u64 blocks);

/* @region got @slot, which was free; or was found there at the start. */
void corcache_policy_insert(struct corcache_policy *policy, u32 slot, u32 region);

/**
 * corcache_policy_hint() - what is known of a slot, to be stored beside its entry
 * @policy: the policy
 * @slot: a slot
 *
 * Changes nothing, costs a few instructions, and is never needed: without it a
 * slot counts as filled just now and not known from before.
 *
 * Return: at most CORCACHE_FIGURES_HINT_BITS bits; 0: nothing is known.
 */
u32 corcache_policy_hint(const struct corcache_policy *policy, u32 slot);

/**
 * corcache_policy_restore() - a region was found in a slot at the start
 * @policy: the policy
 * @slot: the slot
 * @region: the region
 * @hint: what corcache_policy_hint() said of it, or anything else
 *
 * In place of corcache_policy_insert().
 */
void corcache_policy_restore(struct corcache_policy *policy, u32 slot, u32 region, u32 hint);

/**
 * corcache_policy_set_pinned() - which slots are no victims
 * @policy: the policy
 * @map: bit per slot, which the caller may change at any time; or NULL: none
 *
 * Victims are chosen among the others.  If more slots are in use than the quota
 * allows, pinned ones are victims too, after all others.
 */
void corcache_policy_set_pinned(struct corcache_policy *policy, const unsigned long *map);

/* @slot is empty; @victim: by corcache_policy_victim(), not by a message. */
void corcache_policy_remove(struct corcache_policy *policy, u32 slot,
			    u32 region, bool victim);

/**
 * corcache_policy_wanted() - how many victims should be made free now?
 * @policy: the policy
 * @used: slots that are in use, those on their way to be free included
 *
 * Return: their number.
 */
u32 corcache_policy_wanted(struct corcache_policy *policy, u32 used);

/**
 * corcache_policy_delay() - how long to wait before the wanted slots are emptied
 * @policy: the policy
 * @used: as in corcache_policy_wanted(), which does not return 0
 * @commit: time until a slot that is emptied is free
 *
 * To be called after each miss; the shortest result counts.
 *
 * Return: time, in units of @commit.  As long as one commit: then a cycle of
 * reclaim lasts one while slots are short.  Longer while enough are free.
 */
u32 corcache_policy_delay(const struct corcache_policy *policy, u32 used, u32 commit);

/* A cycle of reclaim has ended: the slots that it has emptied are free. */
void corcache_policy_cycle(struct corcache_policy *policy);

/**
 * corcache_policy_victim() - which slot to empty next
 * @policy: the policy
 * @ops: what may be emptied
 * @context: passed to @ops
 * @left: in: slots to look at, nr_slots for all; out: those not looked at yet
 *
 * Return: a slot; or CORCACHE_POLICY_NO_SLOT if none was found among at most
 * CORCACHE_POLICY_STEPS slots: there may be one as long as *@left is not 0.
 */
u32 corcache_policy_victim(struct corcache_policy *policy,
			   const struct corcache_policy_ops *ops,
			   void *context, u32 *left);

#endif /* DM_CORCACHE_POLICY_H */
