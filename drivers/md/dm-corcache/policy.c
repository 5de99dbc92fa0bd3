// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache policy: admission and eviction.
 *
 * Owns nothing but struct corcache_policy and its memory.  Decides only: the
 * caller holds the lock and does the work, so that the kernel, the unit tests
 * and a simulator run the same code and get the same decisions.
 *
 * Callable from any context that @evictable may be called from: no locks of
 * its own, no allocation, no I/O, no clock.  Compiles unchanged in user space.
 *
 * `stop` admits while there is room and evicts nothing.  The rest of this comment
 * is about `adaptive`.
 *
 * The idea
 *
 * The worth of a slot is the hits per time that it will give.  So: measure how
 * likely regions are to be read again, by the time since the last read (age) and
 * by the intervals between the reads before (history); compute the worth of each
 * age and history; evict the slots of the least worth; and admit a region if it is
 * worth more than the victim.
 *
 * There is no list of recent and frequent regions, no share for newcomers and
 * no switch between two modes, because the measured rates replace them.  Where
 * recent regions are read again soon, the rate falls with age, so old regions are
 * evicted: LRU.  In a loop that is longer than the quota, the rate is zero up to
 * the loop's length and high there; the resident regions nearest to their next
 * read are worth most, a newcomer least, so the resident ones stay: `stop`.  When
 * the loop has changed, its regions reach an age at which no reads are seen; they
 * are worth nothing at once and are evicted first.  Regions that a scan reads are
 * in the class of all that were read once; its figures say what they are worth.
 *
 * Time
 *
 * is counted in misses: a tick is 1/64 of the quota.  (After a change of the
 * quota, times before it are in ticks of before; that heals.)  Hits are too
 * many to count and leave a bit per slot.  A hand goes over the slots, 16 for each
 * miss; where it finds the bit set, the region was read since the hand's last
 * pass, and the middle of that time is taken for when.
 *
 * The figures, histories and worth: figures.c.  What is known of regions
 * without a slot, their ghosts: ghosts.c.
 *
 * Pieces
 *
 * A region is often read block by block.  Of one that got no slot, blocks that
 * were not asked for before, soon after, are the same use of it, and the answer
 * is the same.  A block that was is a new use.
 *
 * Free slots
 *
 * A slot that was emptied is free only when a commit has ended, so some are
 * reserved for newcomers: at least 1/128 of the quota, and twice as many as were
 * admitted in the busiest cycle of reclaim lately, but at most 1/16 of the quota.
 * While less than half of them are free, a newcomer must be worth 10/3 of the
 * victim instead of 3/2.
 *
 * Bounds
 *
 * Memory: 7.4 bytes for a slot (bit, history, time, ghosts) and struct
 * corcache_policy.  Time: a miss looks at 16 slots in use (at most 128), 4
 * ghosts, a set of ghosts, 16 candidates; and computes one class now and then.
 * A victim takes at most CORCACHE_POLICY_STEPS slots.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "policy.h"

/* Slots in use that a miss looks at, and how many for that at most. */
#define SWEEP_USED		16U
#define SWEEP_FILLING		2U	/* as long as nothing is evicted */
#define SWEEP_MOST		128
/* Slots that the search for a victim looks at in a row. */
#define SWEEP_BATCH		32

#define TICKS_OF_QUOTA_SHIFT	6

/*
 * A newcomer must be worth half as much again: log2(3/2) on the scale of worth.
 * Regions are read together, so the figures of an age may come from one event;
 * with less, what is there is exchanged for what is only by chance worth more.
 */
#define WORTH_MARGIN		1198
/* While few slots are free, so that they are for what is worth most: log2(10/3). */
#define WORTH_MARGIN_SCARCE	3557

/*
 * The reserve, as shifts of the quota: what it is at least, but not below 4 (and
 * not above a sixteenth) and not above 256; and at most, but never below 24 as
 * long as that is an eighth.
 */
#define RESERVE_SHIFT		7
#define RESERVE_FEW_SHIFT	4
#define RESERVE_FEW		4U
#define RESERVE_MANY		256U
#define RESERVE_MOST_SHIFT	4
#define RESERVE_BURST_SHIFT	3
#define RESERVE_BURST		24U
/* What was admitted in the busiest cycle fades by that share in a tick. */
#define CYCLE_FADE		16U
/* As long as enough slots are free, reclaim waits that many times as long. */
#define PATIENT_DELAY		20U

static u32 last_slot(const struct corcache_policy *policy)
{
	return policy->nr_slots ? policy->nr_slots - 1 : 0;
}

const char *corcache_policy_name(enum corcache_policy_kind kind)
{
	switch (kind) {
	case CORCACHE_POLICY_STOP:
		return "stop";
	case CORCACHE_POLICY_ADAPTIVE:
		return "adaptive";
	}
	return NULL;
}

/*
 * Slots.
 */

static u32 slot_age(const struct corcache_policy *policy, u32 slot)
{
	return (u16)(policy->tick - policy->stamp[slot]);
}

static u16 slot_worth(const struct corcache_policy *policy, u32 slot)
{
	return corcache_figures_worth(&policy->figures, policy->history[slot],
				      slot_age(policy, slot));
}

/* Not while there are other victims. */
static bool is_pinned(const struct corcache_policy *policy, u32 slot)
{
	return policy->pinned && !policy->pinned_too && test_bit(slot, policy->pinned);
}

static bool may_go(const struct corcache_policy *policy, const struct corcache_policy_ops *ops,
		   void *context, u32 slot)
{
	return !is_pinned(policy, slot) && (!ops || ops->evictable(context, slot));
}

/* When a slot of @age that was read since the hand passed was read. */
static u32 visited_ago(const struct corcache_policy *policy, u32 age)
{
	return min(age, policy->period) / 2;
}

/* It was read in the time since the hand passed, or since its last use. */
static void was_visited(struct corcache_policy *policy, u32 slot)
{
	u32 age = slot_age(policy, slot);
	u32 ago = visited_ago(policy, age);
	u8 history = policy->history[slot];

	clear_bit(slot, policy->visited);
	if (corcache_figures_wanted(&policy->figures, slot))
		corcache_figures_add(&policy->figures, history, age - ago, true, ago);
	policy->history[slot] = corcache_history_next(history, age - ago);
	policy->stamp[slot] = policy->tick - ago;
}

static void was_not_visited(struct corcache_policy *policy, u32 slot)
{
	u32 age = slot_age(policy, slot), time;

	if (age > CORCACHE_MAX_AGE) {
		age = CORCACHE_MAX_AGE;
		policy->stamp[slot] = policy->tick - age;
	}
	if (!corcache_figures_wanted(&policy->figures, slot))
		return;
	time = min(age, policy->period);
	corcache_figures_add(&policy->figures, policy->history[slot], age - time / 2, false,
			     max(time, 1U));
}

static void offer(struct corcache_policy *policy, u32 slot)
{
	u16 worth = slot_worth(policy, slot);
	u32 i, most = 0;

	for (i = 0; i < policy->nr_candidates; i++) {
		if (policy->candidate[i] == slot)
			return;
		if (policy->candidate_worth[i] > policy->candidate_worth[most])
			most = i;
	}
	if (i < CORCACHE_POLICY_CANDIDATES)
		most = policy->nr_candidates++;
	else if (worth >= policy->candidate_worth[most])
		return;
	policy->candidate[most] = slot;
	policy->candidate_worth[most] = worth;
}

static void drop_candidate(struct corcache_policy *policy, u32 i)
{
	u32 last = --policy->nr_candidates;

	policy->candidate[i] = policy->candidate[last];
	policy->candidate_worth[i] = policy->candidate_worth[last];
}

/* Looks at the next slot.  Return: is it in use? */
static bool sweep(struct corcache_policy *policy, const struct corcache_policy_ops *ops,
		  void *context)
{
	u32 slot;

	if (policy->hand >= policy->end) {
		policy->hand = 0;
		policy->end = policy->next_end;
		policy->next_end = 0;
		policy->period = min(1 + policy->tick - policy->turn, CORCACHE_MAX_AGE);
		policy->turn = policy->tick;
	}
	slot = policy->hand++;
	if (!policy->history[slot])
		return false;
	policy->next_end = max(policy->next_end, slot + 1);
	if (test_bit(slot, policy->visited))
		was_visited(policy, slot);
	else
		was_not_visited(policy, slot);
	if (may_go(policy, ops, context, slot))
		offer(policy, slot);
	return true;
}

/* The candidate that is worth least, of those that can be evicted; nr_candidates: none. */
static u32 least_candidate(struct corcache_policy *policy,
			   const struct corcache_policy_ops *ops, void *context)
{
	u32 i = 0, least = CORCACHE_POLICY_CANDIDATES;

	while (i < policy->nr_candidates) {
		u32 slot = policy->candidate[i];

		if (!policy->history[slot] || !may_go(policy, ops, context, slot)) {
			drop_candidate(policy, i);
			continue;
		}
		if (test_bit(slot, policy->visited))
			was_visited(policy, slot);
		policy->candidate_worth[i] = slot_worth(policy, slot);
		if (least == CORCACHE_POLICY_CANDIDATES ||
		    policy->candidate_worth[i] < policy->candidate_worth[least])
			least = i;
		i++;
	}
	return min(least, policy->nr_candidates);
}

/*
 * What callers see.
 */

static u64 visited_bytes(u32 nr_slots)
{
	return round_up((u64)nr_slots, 64) / 8;
}

u64 corcache_policy_bytes(enum corcache_policy_kind kind, u32 nr_slots)
{
	u64 bytes;

	if (kind != CORCACHE_POLICY_ADAPTIVE)
		return 0;
	bytes = visited_bytes(nr_slots);
	bytes += corcache_ghosts_bytes(nr_slots);
	return bytes + (u64)nr_slots * (sizeof(u16) + sizeof(u8));
}

static void init_memory(struct corcache_policy *policy, void *memory)
{
	u8 *p = memory;

	policy->visited = (unsigned long *)p;
	p += visited_bytes(policy->nr_slots);
	policy->ghosts.ghost = (u32 *)p;
	p += corcache_ghosts_bytes(policy->nr_slots);
	policy->stamp = (u16 *)p;
	p += (size_t)policy->nr_slots * sizeof(u16);
	policy->history = p;
}

void corcache_policy_init(struct corcache_policy *policy,
			  enum corcache_policy_kind kind, u32 nr_slots,
			  void *memory)
{
	memset(policy, 0, sizeof(*policy));
	policy->kind = kind;
	policy->nr_slots = nr_slots;
	if (kind == CORCACHE_POLICY_ADAPTIVE)
		init_memory(policy, memory);
	corcache_policy_set_quota(policy, nr_slots);
}

void corcache_policy_set_quota(struct corcache_policy *policy, u32 quota)
{
	policy->quota = quota;
	policy->replacing = false;
	policy->admitted = 0;
	policy->per_cycle = 0;
	policy->pinned_too = false;
	if (policy->kind != CORCACHE_POLICY_ADAPTIVE) {
		/* a lower quota evicts the slots that were filled last */
		policy->hand = last_slot(policy);
		return;
	}
	policy->unit = max(quota >> TICKS_OF_QUOTA_SHIFT, 1U);
	policy->period = 1 + quota / SWEEP_USED / policy->unit;
	corcache_ghosts_set_quota(&policy->ghosts, quota, policy->unit);
	corcache_figures_start(&policy->figures, quota);
}

/*
 * Slots that are likely to be taken before the next ones are free: those of two
 * cycles of reclaim, as for one that is taken when a cycle has just begun the next
 * cycle frees another.
 */
static u32 burst(const struct corcache_policy *policy)
{
	u32 cycle = min(max(policy->per_cycle, policy->admitted), policy->quota >> 1);

	return 2 * cycle;
}

/*
 * The reserve: slots that stay free for newcomers, so that none waits for a victim.
 * There is none before an admission has found no free slot, so that a working set
 * that fits into the quota can use all of it.
 */
static u32 reserve(const struct corcache_policy *policy)
{
	u32 quota = policy->quota;
	u32 few = min(max(quota >> RESERVE_FEW_SHIFT, 1U), RESERVE_FEW);
	u32 least = min(max(quota >> RESERVE_SHIFT, few), RESERVE_MANY);
	u32 most = max(quota >> RESERVE_MOST_SHIFT,
		       min(quota >> RESERVE_BURST_SHIFT, RESERVE_BURST));

	if (!policy->replacing)
		return 0;
	return max(min(burst(policy), most), least);
}

/* A slot can be taken without a victim. */
static bool has_room(const struct corcache_policy *policy)
{
	return policy->used + reserve(policy) < policy->quota;
}

static void advance_time(struct corcache_policy *policy)
{
	if (++policy->misses >= policy->unit) {
		policy->misses = 0;
		policy->tick++;
		policy->per_cycle -= round_up(policy->per_cycle, CYCLE_FADE) / CYCLE_FADE;
	}
	corcache_figures_advance(&policy->figures, policy->unit);
}

/* As often as there are misses: the figures need it, and victims are found. */
static void advance_hands(struct corcache_policy *policy)
{
	u32 used = min(has_room(policy) ? SWEEP_FILLING : SWEEP_USED, policy->quota / 4 + 1);
	u32 most = SWEEP_MOST;

	while (used && most--)
		used -= sweep(policy, NULL, NULL);
	corcache_ghosts_sweep(&policy->ghosts, &policy->figures, policy->tick);
}

static struct corcache_policy_piece *piece_of(struct corcache_policy *policy, u32 region)
{
	return &policy->piece[corcache_ghosts_hash(region) % CORCACHE_POLICY_PIECES];
}

/* Is this the next piece of a region of which others got no slot just now? */
static bool is_next_piece(struct corcache_policy *policy, u32 region, u64 blocks)
{
	struct corcache_policy_piece *piece = piece_of(policy, region);

	if (piece->region != region || !piece->blocks || piece->blocks & blocks)
		return false;
	piece->blocks |= blocks;
	return true;
}

/*
 * How much more a newcomer must be worth.  With less than half of the reserve
 * free there are not enough slots for all, and they are for the best.
 */
static u32 margin(const struct corcache_policy *policy)
{
	u32 free = policy->quota - min(policy->used + policy->retired, policy->quota);
	u32 wanted = reserve(policy);

	return wanted >= RESERVE_FEW && free < wanted / 2 ? WORTH_MARGIN_SCARCE : WORTH_MARGIN;
}

/* As a whole region: is it worth more than the victim? */
static bool admit(struct corcache_policy *policy, u32 region)
{
	u8 history;
	u32 least;

	advance_time(policy);
	advance_hands(policy);
	policy->known = corcache_ghosts_read(&policy->ghosts, &policy->figures, policy->tick,
					     region, &history);
	corcache_ghosts_remember(&policy->ghosts, policy->tick, region, 0, history);
	if (has_room(policy))
		return true;
	least = least_candidate(policy, NULL, NULL);
	if (least < policy->nr_candidates &&
	    corcache_figures_worth(&policy->figures, history, 0) <=
	    policy->candidate_worth[least] + margin(policy))
		return false;
	if (policy->used >= policy->quota)
		policy->replacing = true;
	policy->admitted++;
	return true;
}

bool corcache_policy_miss(struct corcache_policy *policy, u32 region, u64 blocks)
{
	bool admitted;

	policy->known = false;
	if (policy->kind != CORCACHE_POLICY_ADAPTIVE)
		return policy->used < policy->quota;
	/* where there is room, by a new quota say, no region is turned away */
	if (!has_room(policy) && is_next_piece(policy, region, blocks))
		return piece_of(policy, region)->admitted;
	admitted = admit(policy, region);
	*piece_of(policy, region) = (struct corcache_policy_piece) {
		.region = region,
		.admitted = admitted,
		.blocks = blocks,
	};
	return admitted;
}

static void take_slot(struct corcache_policy *policy, u32 slot, u32 region, u8 history, u32 age)
{
	struct corcache_policy_piece *piece = piece_of(policy, region);

	/* when it has been evicted, the next read is a new use */
	if (piece->region == region)
		piece->blocks = 0;
	policy->end = max(policy->end, slot + 1);
	policy->next_end = max(policy->next_end, slot + 1);
	policy->history[slot] = history;
	policy->stamp[slot] = policy->tick - age;
	clear_bit(slot, policy->visited);
}

void corcache_policy_insert(struct corcache_policy *policy, u32 slot, u32 region)
{
	u8 history = CORCACHE_HISTORY_NEW;
	u32 age = 0;

	policy->used++;
	if (policy->kind != CORCACHE_POLICY_ADAPTIVE)
		return;
	corcache_ghosts_take(&policy->ghosts, policy->tick, region, &history, &age);
	take_slot(policy, slot, region, history, age);
}

u32 corcache_policy_hint(const struct corcache_policy *policy, u32 slot)
{
	u32 age;
	u8 history;

	if (policy->kind != CORCACHE_POLICY_ADAPTIVE)
		return 0;
	history = policy->history[slot];
	if (!history)
		return 0;
	age = min(slot_age(policy, slot), CORCACHE_MAX_AGE);
	if (test_bit(slot, policy->visited)) {
		u32 ago = visited_ago(policy, age);

		history = corcache_history_next(history, age - ago);
		age = ago;
	}
	return corcache_figures_hint(&policy->figures, slot, history, age);
}

void corcache_policy_restore(struct corcache_policy *policy, u32 slot, u32 region, u32 hint)
{
	u8 history = corcache_figures_hint_history(hint);

	if (policy->kind != CORCACHE_POLICY_ADAPTIVE || !history) {
		corcache_policy_insert(policy, slot, region);
		return;
	}
	policy->used++;
	take_slot(policy, slot, region, history, corcache_figures_hint_age(hint));
	corcache_figures_restore(&policy->figures, slot, hint);
}

void corcache_policy_set_pinned(struct corcache_policy *policy, const unsigned long *map)
{
	policy->pinned = map;
	policy->pinned_too = false;
}

void corcache_policy_remove(struct corcache_policy *policy, u32 slot,
			    u32 region, bool victim)
{
	policy->used--;
	if (policy->kind != CORCACHE_POLICY_ADAPTIVE)
		return;
	policy->retired++;
	if (victim)
		corcache_ghosts_remember(&policy->ghosts, policy->tick, region,
					 slot_age(policy, slot), policy->history[slot]);
	policy->history[slot] = 0;
	/* a quota of one slot has no room for a reserve */
	if (policy->quota == 1)
		policy->replacing = false;
}

u32 corcache_policy_wanted(struct corcache_policy *policy, u32 used)
{
	u32 target = policy->quota - reserve(policy);

	return used > target ? used - target : 0;
}

void corcache_policy_cycle(struct corcache_policy *policy)
{
	policy->per_cycle = max(policy->per_cycle, policy->admitted);
	policy->admitted = 0;
	policy->retired = 0;
}

u32 corcache_policy_delay(const struct corcache_policy *policy, u32 used, u32 commit)
{
	u32 free = policy->quota - min(used, policy->quota), all = reserve(policy);
	u32 needed = min(burst(policy), all);

	return free > needed + (all - needed) / 2 ? PATIENT_DELAY * commit : commit;
}

/* From the highest slot down: those that were filled last; the rest is in one piece. */
static u32 stop_victim(struct corcache_policy *policy,
		       const struct corcache_policy_ops *ops, void *context, u32 *left)
{
	u32 steps = min(*left, CORCACHE_POLICY_STEPS);

	for (; steps; steps--) {
		u32 slot = policy->hand;

		policy->hand = slot ? slot - 1 : last_slot(policy);
		(*left)--;
		if (may_go(policy, ops, context, slot))
			return slot;
	}
	return CORCACHE_POLICY_NO_SLOT;
}

static u32 adaptive_victim(struct corcache_policy *policy,
			   const struct corcache_policy_ops *ops, void *context, u32 *left)
{
	u32 steps = min(*left, CORCACHE_POLICY_STEPS), least, slot;
	u32 batch = 0;

	/* misses fill up the candidates; but a lower quota wants many at once */
	if (policy->used > policy->quota ||
	    policy->nr_candidates < CORCACHE_POLICY_CANDIDATES / 2)
		batch = SWEEP_BATCH;
	while (steps) {
		for (batch = min(batch, steps); batch; batch--, steps--, (*left)--)
			sweep(policy, ops, context);
		least = least_candidate(policy, ops, context);
		if (least < policy->nr_candidates) {
			slot = policy->candidate[least];
			drop_candidate(policy, least);
			return slot;
		}
		batch = SWEEP_BATCH;
	}
	return CORCACHE_POLICY_NO_SLOT;
}

u32 corcache_policy_victim(struct corcache_policy *policy,
			   const struct corcache_policy_ops *ops,
			   void *context, u32 *left)
{
	bool exceeded = policy->used > policy->quota;
	u32 slot;

	if (!exceeded)
		policy->pinned_too = false;
	if (policy->kind != CORCACHE_POLICY_ADAPTIVE)
		slot = stop_victim(policy, ops, context, left);
	else
		slot = adaptive_victim(policy, ops, context, left);
	/* nothing but pinned slots is left: another round, in which they are victims */
	if (slot == CORCACHE_POLICY_NO_SLOT && !*left && exceeded &&
	    policy->pinned && !policy->pinned_too) {
		policy->pinned_too = true;
		*left = policy->nr_slots;
	}
	return slot;
}
