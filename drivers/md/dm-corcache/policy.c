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
 * History (one byte)
 *
 * New: not known to have been read before.  Else the mean of the intervals
 * between its last uses, in quarters of an octave, and whether there was one
 * or more.  An interval ends with the bit of a slot, or with a miss of a
 * region whose ghost is still there.  For the figures, histories are pooled
 * into 19 classes: new, and nine octaves of intervals for one and for more.
 *
 * Ghosts
 *
 * remember regions without a slot, turned away ones as well as victims: 12
 * bits of a hash, 12 bits of time, and the history, in sets of 8 of which the
 * oldest goes; new ones take at most 6 as long as there are others.  There are
 * 17/16 as many as slots.  An eighth of the sets is for one region in 32 (by
 * hash), which are remembered that much longer, so that the rates of ages of
 * several times the quota can be known.  A hash that two regions share
 * makes one region seem to be known; that is rare and heals itself.
 *
 * The figures
 *
 * For each class and age (quarters of an octave): hits, and the time that
 * regions were at that age, whether in a slot or as a ghost, sampled by hands.
 * So the rate is known without bias also for regions without a slot, and none is
 * admitted in order to learn about it.  A class of which little is
 * known at an age is taken to behave as the class with an interval less does,
 * or as is typical, a rate of 1 / 2(age + interval); but not what is overdue.
 * The figures are those of the last few hundred regions that came to the age;
 * nothing is forgotten by time, as the next turn of a long loop may be far
 * away.  Figures of an age that are out of date cause regions to be admitted,
 * or to become ghosts, which soon corrects them.
 *
 * Worth
 *
 * of age a: the best, over all ages b > a, of (hits from a to b) / (time from
 * a to b) for a region that is given up at b if it was not read; known as the
 * Gittins index.  For all ages of a class it takes one pass from the oldest to
 * the youngest: merge an age with the following stretch of ages as long as
 * that has the higher ratio.
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
 * Hints
 *
 * History and age of a slot take 14 bits, which are stored with the slot's entry
 * and restored at the next start.  Ten more are a part of the figures: of each
 * slot that for another age, in turns for new regions and for those like its own.
 * Without them what is new would be worth more than a long loop's regions, until
 * that loop's length has been measured again.  Ghosts are not stored.
 *
 * Bounds
 *
 * Memory: 7.4 bytes for a slot (bit, history, time, ghosts) and struct
 * corcache_policy.  Time: a miss looks at 16 slots in use (at most 128), 4
 * ghosts, a set of ghosts, 16 candidates; and computes one class now and then.
 * A victim takes at most CORCACHE_POLICY_STEPS slots.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "policy.h"

/* Slots in use that a miss looks at, and how many for that at most. */
#define SWEEP_USED		16U
#define SWEEP_FILLING		2U	/* as long as nothing is evicted */
#define SWEEP_MOST		128
/* Slots that the search for a victim looks at in a row. */
#define SWEEP_BATCH		32
/* Ghosts that a miss looks at. */
#define SWEEP_GHOSTS		4

#define TICKS_OF_QUOTA_SHIFT	6
/* Older than that is not told apart: ages must not wrap between two looks. */
#define MAX_AGE			60000U
#define MAX_GHOST_AGE		3000U

/* Regions that are learnt from: about 2048 to 4096 of the quota, or all. */
#define LEARN_SHIFT		11
/* The latest so many that passed through an age make its figures. */
#define LEARN_REGIONS		256U
#define MAX_TICKS		60000U

/* 0 is a slot or ghost that is not in use. */
#define HISTORY_NEW		0x01
#define HISTORY_ONE		0x40	/* one interval: its length below */
#define HISTORY_MORE		0x80	/* the mean of several */
#define HISTORY_LENGTH		0x3f	/* quarters of an octave of ticks */
#define HISTORY_OCTAVES		9	/* from 0-7 ticks on */

/*
 * A hint: history and age of the slot's region, and a part of the figures: hits
 * for a tick, and how many ticks, at one age of one class.
 */
#define HINT_HISTORY_MASK	0xffU
#define HINT_AGE_SHIFT		8
#define HINT_AGE_MASK		0x3fU
#define HINT_RATE_SHIFT		14
#define HINT_RATE_MASK		0x7fU
#define HINT_TICKS_SHIFT	21
#define HINT_TICKS_MASK		7U
#define HINT_RATE_UNIT		1024U

#define HIT			64U	/* of corcache_policy_class.hits */

/* How many regions the assumption about an age weighs as much as. */
#define ASSUMED_REGIONS		4
/* Scale on which new regions' assumed rate falls: the quota. */
#define ASSUMED_NEW_TICKS	64

/*
 * A newcomer must be worth half as much again: log2(3/2) on the scale of worth.
 * Regions are read together, so the figures of an age may come from one event;
 * with less, what is there is exchanged for what is only by chance worth more.
 */
#define WORTH_SHIFT		11
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

#define ONE			65536U	/* probabilities */

#define GHOST_WAYS		8
#define GHOST_NEW_WAYS		6
#define GHOST_FAR_SHARE		8	/* one set in 8 is for ... */
#define GHOST_FAR_REGIONS	32	/* ... one region in 32 */
#define GHOST_NAME_SHIFT	20
#define GHOST_TIME_SHIFT	8
#define GHOST_TIME_MASK		0xfffU
#define GHOST_HISTORY_MASK	0xffU

struct stretch {
	u32	probability;	/* of a hit in it, of ONE */
	u32	time;		/* spent in it, in 1/16 ticks */
	u32	ratio;
};

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
 * Ages and histories.
 */

/* Quarters of an octave: 0, 1, 2, 3, 4, 5, 6, 7, 8-9, 10-11, ... */
static u32 quarters(u32 ticks)
{
	u32 octave;

	if (ticks < 4)
		return ticks;
	octave = ilog2(ticks);
	return 4 * (octave - 1) + ((ticks >> (octave - 2)) & 3);
}

static u32 age_class(u32 age)
{
	return min(quarters(age), CORCACHE_POLICY_AGES - 1U);
}

static u32 first_age(u32 class)
{
	return class < 4 ? class : (4 + (class & 3)) << (class / 4 - 1);
}

static u32 age_width(u32 class)
{
	return first_age(class + 1) - first_age(class);
}

static u32 history_class(u8 history)
{
	u32 octave = (history & HISTORY_LENGTH) / 4;

	octave = min(octave ? octave - 1 : 0, HISTORY_OCTAVES - 1U);
	if (history < HISTORY_ONE)
		return 0;
	return 1 + octave + (history < HISTORY_MORE ? 0 : HISTORY_OCTAVES);
}

/* An interval of @ticks came to an end. */
static u8 history_next(u8 history, u32 ticks)
{
	int length = quarters(ticks), mean = history & HISTORY_LENGTH;

	if (history < HISTORY_ONE)
		return HISTORY_ONE | length;
	mean += (length - mean) / (history < HISTORY_MORE ? 2 : 4);
	return HISTORY_MORE | mean;
}

static u32 slot_age(const struct corcache_policy *policy, u32 slot)
{
	return (u16)(policy->tick - policy->stamp[slot]);
}

/*
 * Figures and worth.
 */

static u32 most_ticks(u32 i)
{
	return min(LEARN_REGIONS * age_width(i), MAX_TICKS);
}

/*
 * Samples get old by new ones of the same kind, not by time: what is rare or
 * far away is then not forgotten before it can happen again.
 */
static void add_sample(struct corcache_policy *policy, u8 history, u32 age,
		       u32 hits, u32 ticks)
{
	struct corcache_policy_class *class = &policy->class[history_class(history)];
	u32 i = age_class(age), most = most_ticks(i);

	ticks = min(ticks, GHOST_TIME_MASK);
	if (class->hits[i] + hits > U16_MAX || class->ticks[i] + ticks > most) {
		class->hits[i] /= 2;
		class->ticks[i] /= 2;
	}
	class->hits[i] += hits;
	class->ticks[i] += ticks;
}

/*
 * Hits per tick at an age, in 1/ONE.  What is not known of a class is taken to
 * be as of the class with an interval less (so it is the third at most), or as
 * is typical of the interval: whichever is more.  Not so what is overdue: the
 * hits that others had at that age say nothing about it.
 */
static u32 hit_rate(const struct corcache_policy *policy, u32 nr, u32 i)
{
	const struct corcache_policy_class *class = &policy->class[nr];
	u32 typical = nr ? 6U << (nr - 1) % HISTORY_OCTAVES : ASSUMED_NEW_TICKS;
	u32 weight = ASSUMED_REGIONS * age_width(i);
	u32 assumed = ONE / 2 / (first_age(i) + typical);

	if (nr && first_age(i) <= 2 * typical)
		assumed = max(assumed, hit_rate(policy, nr > HISTORY_OCTAVES ?
						nr - HISTORY_OCTAVES : 0, i));
	return min((class->hits[i] * (ONE / HIT) + assumed * weight) /
		   (class->ticks[i] + weight), 16 * ONE);
}

/* Of being read within the ages of @i, for what has come to that age. */
static struct stretch age_stretch(const struct corcache_policy *policy, u32 nr, u32 i)
{
	u32 width = age_width(i), rate = hit_rate(policy, nr, i);
	struct stretch s;

	s.probability = ONE - U32_MAX / (ONE + rate * width);
	/* those that are read spend half of the time in it */
	s.time = max((width * (2 * ONE - s.probability)) >> 13, 1U);
	s.ratio = (s.probability << 14) / s.time;
	return s;
}

/* @s and then @next, for those that were not read in @s. */
static struct stretch join(struct stretch s, struct stretch next)
{
	u64 rest = ONE - s.probability;

	s.probability += (rest * next.probability) >> 16;
	s.time += (rest * next.time) >> 16;
	s.ratio = (s.probability << 14) / s.time;
	return s;
}

static u16 log_worth(u32 ratio)
{
	u32 octave;

	if (!ratio)
		return 0;
	octave = ilog2(ratio);
	return octave << WORTH_SHIFT |
	       ((ratio << (31 - octave)) >> (31 - WORTH_SHIFT) & ((1U << WORTH_SHIFT) - 1));
}

static void compute(struct corcache_policy *policy, u32 nr)
{
	struct corcache_policy_class *class = &policy->class[nr];
	struct stretch stack[CORCACHE_POLICY_AGES], s;
	u32 depth = 0, i;

	for (i = CORCACHE_POLICY_AGES; i--; ) {
		s = age_stretch(policy, nr, i);
		while (depth && stack[depth - 1].ratio >= s.ratio)
			s = join(s, stack[--depth]);
		stack[depth++] = s;
		class->worth[i] = log_worth(s.ratio);
	}
}

static u16 slot_worth(const struct corcache_policy *policy, u32 slot)
{
	return policy->class[history_class(policy->history[slot])]
		.worth[age_class(slot_age(policy, slot))];
}

/*
 * Slots.
 */

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

static bool learns_from(const struct corcache_policy *policy, u32 nr)
{
	return !(nr & policy->learn_mask);
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
	if (learns_from(policy, slot))
		add_sample(policy, history, age - ago, HIT, ago);
	policy->history[slot] = history_next(history, age - ago);
	policy->stamp[slot] = policy->tick - ago;
}

static void was_not_visited(struct corcache_policy *policy, u32 slot)
{
	u32 age = slot_age(policy, slot), time;

	if (age > MAX_AGE) {
		age = MAX_AGE;
		policy->stamp[slot] = policy->tick - age;
	}
	if (!learns_from(policy, slot))
		return;
	time = min(age, policy->period);
	add_sample(policy, policy->history[slot], age - time / 2, 0, max(time, 1U));
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
		policy->period = min(1 + policy->tick - policy->turn, MAX_AGE);
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
 * Ghosts.
 */

static u32 hash(u32 region)
{
	region ^= region >> 16;
	region *= 0x7feb352dU;
	region ^= region >> 15;
	region *= 0x846ca68bU;
	return region ^ region >> 16;
}

static u8 ghost_history(u32 ghost)
{
	return ghost & GHOST_HISTORY_MASK;
}

static u32 ghost_age(const struct corcache_policy *policy, u32 ghost)
{
	return (policy->tick - (ghost >> GHOST_TIME_SHIFT)) & GHOST_TIME_MASK;
}

static u32 make_ghost(const struct corcache_policy *policy, u32 name, u32 age, u8 history)
{
	u32 time = (policy->tick - min(age, MAX_GHOST_AGE)) & GHOST_TIME_MASK;

	return name << GHOST_NAME_SHIFT | time << GHOST_TIME_SHIFT | history;
}

static u32 ghost_name(u32 region)
{
	return hash(region ^ 0x5bd1e995U) >> GHOST_NAME_SHIFT;
}

static u32 *ghost_set(const struct corcache_policy *policy, u32 region)
{
	u32 near = policy->nr_sets - policy->nr_far_sets;
	u64 where = hash(region);
	u32 set;

	if (policy->nr_far_sets && !(hash(region ^ 0x5bd1e995U) % GHOST_FAR_REGIONS))
		set = near + (u32)((where * policy->nr_far_sets) >> 32);
	else
		set = (u32)((where * near) >> 32);
	return policy->ghost + (size_t)set * GHOST_WAYS;
}

static u32 *find_ghost(const struct corcache_policy *policy, u32 region)
{
	u32 *set = ghost_set(policy, region), name = ghost_name(region), i;

	for (i = 0; i < GHOST_WAYS; i++)
		if (set[i] && set[i] >> GHOST_NAME_SHIFT == name)
			return set + i;
	return NULL;
}

/* The ghost whose place another one takes, new or not. */
static u32 *oldest_ghost(const struct corcache_policy *policy, u32 *set, bool new)
{
	u32 *oldest = NULL, *oldest_new = NULL, nr_new = 0, i;

	for (i = 0; i < GHOST_WAYS; i++) {
		if (!set[i])
			return set + i;
		if (!oldest || ghost_age(policy, set[i]) > ghost_age(policy, *oldest))
			oldest = set + i;
		if (ghost_history(set[i]) >= HISTORY_ONE)
			continue;
		nr_new++;
		if (!oldest_new || ghost_age(policy, set[i]) > ghost_age(policy, *oldest_new))
			oldest_new = set + i;
	}
	return oldest_new && (new || nr_new >= GHOST_NEW_WAYS) ? oldest_new : oldest;
}

static void remember(struct corcache_policy *policy, u32 region, u32 age, u8 history)
{
	u32 *ghost = find_ghost(policy, region);

	if (!ghost)
		ghost = oldest_ghost(policy, ghost_set(policy, region),
				     history < HISTORY_ONE);
	*ghost = make_ghost(policy, ghost_name(region), age, history);
}

/* Return: the history of @region, which is read now. */
static u8 read_ghost(struct corcache_policy *policy, u32 region)
{
	u32 *ghost = find_ghost(policy, region), age, set;
	u8 history;

	policy->known = ghost;
	if (!ghost)
		return HISTORY_NEW;
	age = ghost_age(policy, *ghost);
	history = ghost_history(*ghost);
	set = (ghost - policy->ghost) / GHOST_WAYS;
	if (learns_from(policy, set))
		add_sample(policy, history, age, HIT, 0);
	return history_next(history, age);
}

/*
 * A ghost was at risk for the whole turn of the hand; that is long, so the
 * time goes to some age in it.
 */
static void sweep_ghost(struct corcache_policy *policy)
{
	u32 nr = policy->ghost_hand, set = nr / GHOST_WAYS, age, time;
	u32 ghost = policy->ghost[nr];

	if (++policy->ghost_hand >= policy->nr_sets * GHOST_WAYS)
		policy->ghost_hand = 0;
	if (!ghost)
		return;
	age = ghost_age(policy, ghost);
	if (age > MAX_GHOST_AGE) {
		policy->ghost[nr] = 0;
		return;
	}
	time = min(age, policy->ghost_period);
	if (!time || !learns_from(policy, set))
		return;
	policy->random = policy->random * 1103515245U + 12345;
	age -= 1 + (policy->random >> 16) % time;
	add_sample(policy, ghost_history(ghost), age, 0, time);
}

/*
 * What callers see.
 */

static u32 nr_ghost_sets(u32 nr_slots)
{
	return max((u32)(((u64)nr_slots * 34) >> 8), 2U);
}

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
	bytes += (u64)nr_ghost_sets(nr_slots) * GHOST_WAYS * sizeof(u32);
	return bytes + (u64)nr_slots * (sizeof(u16) + sizeof(u8));
}

static void init_memory(struct corcache_policy *policy, void *memory)
{
	u8 *p = memory;

	policy->visited = (unsigned long *)p;
	p += visited_bytes(policy->nr_slots);
	policy->ghost = (u32 *)p;
	p += (size_t)nr_ghost_sets(policy->nr_slots) * GHOST_WAYS * sizeof(u32);
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
	u32 i;

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
	/* with more, they would be older than can be told before the hand comes by */
	policy->nr_sets = nr_ghost_sets(quota);
	policy->nr_far_sets = max(policy->nr_sets / GHOST_FAR_SHARE, 1U);
	policy->ghost_hand = 0;
	policy->unit = max(quota >> TICKS_OF_QUOTA_SHIFT, 1U);
	policy->period = 1 + quota / SWEEP_USED / policy->unit;
	policy->ghost_period = 1 + policy->nr_sets * GHOST_WAYS / SWEEP_GHOSTS / policy->unit;
	i = quota >> LEARN_SHIFT;
	policy->learn_mask = i ? (1U << ilog2(i)) - 1 : 0;
	for (i = 0; i < CORCACHE_POLICY_HISTORIES; i++)
		compute(policy, i);
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
	if (policy->compute_in--)
		return;
	policy->compute_in = policy->unit / 8;
	compute(policy, policy->next_class);
	policy->next_class = (policy->next_class + 1) % CORCACHE_POLICY_HISTORIES;
}

/* As often as there are misses: the figures need it, and victims are found. */
static void advance_hands(struct corcache_policy *policy)
{
	u32 used = min(has_room(policy) ? SWEEP_FILLING : SWEEP_USED, policy->quota / 4 + 1);
	u32 most = SWEEP_MOST, i;

	while (used && most--)
		used -= sweep(policy, NULL, NULL);
	for (i = 0; i < SWEEP_GHOSTS; i++)
		sweep_ghost(policy);
}

static struct corcache_policy_piece *piece_of(struct corcache_policy *policy, u32 region)
{
	return &policy->piece[hash(region) % CORCACHE_POLICY_PIECES];
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
	history = read_ghost(policy, region);
	remember(policy, region, 0, history);
	if (has_room(policy))
		return true;
	least = least_candidate(policy, NULL, NULL);
	if (least < policy->nr_candidates &&
	    policy->class[history_class(history)].worth[0] <=
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
	u32 *ghost, age = 0;
	u8 history = HISTORY_NEW;

	policy->used++;
	if (policy->kind != CORCACHE_POLICY_ADAPTIVE)
		return;
	ghost = find_ghost(policy, region);
	if (ghost) {
		history = ghost_history(*ghost);
		age = ghost_age(policy, *ghost);
		*ghost = 0;
	}
	take_slot(policy, slot, region, history, age);
}

/* Of new regions in every second slot, in others of those like the slot's own. */
static u32 hint_class(u32 slot, u8 history)
{
	return slot & 1 ? 0 : history_class(history);
}

static u32 hint_age(u32 slot)
{
	return slot / 2 % CORCACHE_POLICY_AGES;
}

static u32 hint_figures(const struct corcache_policy *policy, u32 slot, u8 history)
{
	const struct corcache_policy_class *class = &policy->class[hint_class(slot, history)];
	u32 i = hint_age(slot), most = most_ticks(i), rate, shift;

	if (!class->ticks[i])
		return 0;
	rate = min(quarters(class->hits[i] * HINT_RATE_UNIT / class->ticks[i]), HINT_RATE_MASK);
	for (shift = 0; shift < HINT_TICKS_MASK && class->ticks[i] <= most >> (shift + 1); shift++)
		;
	return rate << HINT_RATE_SHIFT | (HINT_TICKS_MASK - shift) << HINT_TICKS_SHIFT;
}

/* The mean of all slots that speak of the same. */
static void restore_figures(struct corcache_policy *policy, u32 slot, u32 hint)
{
	struct corcache_policy_class *class =
		&policy->class[hint_class(slot, hint & HINT_HISTORY_MASK)];
	u32 i = hint_age(slot), shift = hint >> HINT_TICKS_SHIFT & HINT_TICKS_MASK;
	u32 ticks = most_ticks(i) >> (HINT_TICKS_MASK - shift);
	u64 hits = (u64)first_age(hint >> HINT_RATE_SHIFT & HINT_RATE_MASK) * ticks;

	if (!shift)
		return;
	hits = min_t(u64, hits / HINT_RATE_UNIT, U16_MAX);
	class->hits[i] = class->ticks[i] ? (class->hits[i] + hits) / 2 : hits;
	class->ticks[i] = class->ticks[i] ? (class->ticks[i] + ticks) / 2 : ticks;
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
	age = min(slot_age(policy, slot), MAX_AGE);
	if (test_bit(slot, policy->visited)) {
		u32 ago = visited_ago(policy, age);

		history = history_next(history, age - ago);
		age = ago;
	}
	return history | quarters(age) << HINT_AGE_SHIFT |
	       hint_figures(policy, slot, history);
}

/* Any history is one, except 0; and any age, up to the highest. */
void corcache_policy_restore(struct corcache_policy *policy, u32 slot, u32 region, u32 hint)
{
	u8 history = hint & HINT_HISTORY_MASK;
	u32 age = min(first_age(hint >> HINT_AGE_SHIFT & HINT_AGE_MASK), MAX_AGE);

	if (policy->kind != CORCACHE_POLICY_ADAPTIVE || !history) {
		corcache_policy_insert(policy, slot, region);
		return;
	}
	policy->used++;
	take_slot(policy, slot, region, history, age);
	restore_figures(policy, slot, hint);
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
		remember(policy, region, slot_age(policy, slot), policy->history[slot]);
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
