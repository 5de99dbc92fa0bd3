// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache figures: measured rates of hits, and the worth of slots.
 *
 * Owns struct corcache_figures.  Contexts and locks: as in policy.c.
 *
 * History (one byte)
 *
 * New: not known to have been read before.  Else the mean of the intervals
 * between its last uses, in quarters of an octave, and whether there was one
 * or more.  An interval ends with the bit of a slot, or with a miss of a
 * region whose ghost is still there.  For the figures, histories are pooled
 * into 19 classes: new, and nine octaves of intervals for one and for more.
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
 * Hints
 *
 * History and age of a slot take 14 bits, which are stored with the slot's entry
 * and restored at the next start.  Ten more are a part of the figures: of each
 * slot that for another age, in turns for new regions and for those like its own.
 * Without them what is new would be worth more than a long loop's regions, until
 * that loop's length has been measured again.
 */
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "figures.h"

/* Regions that are learnt from: about 2048 to 4096 of the quota, or all. */
#define LEARN_SHIFT		11
/* The latest so many regions that passed through an age make its figures. */
#define LEARN_REGIONS		256U
#define MAX_TICKS		60000U
/* Nobody was at risk for longer than a ghost can tell. */
#define SAMPLE_MOST_TICKS	0xfffU

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

#define HIT			64U	/* of corcache_figures_class.hits */

/* How many regions the assumption about an age weighs as much as. */
#define ASSUMED_REGIONS		4
/* Scale on which new regions' assumed rate falls: the quota. */
#define ASSUMED_NEW_TICKS	64

/* An octave on the scale of worth. */
#define WORTH_SHIFT		11

#define ONE			65536U	/* probabilities */

struct stretch {
	u32	probability;	/* of a hit in it, of ONE */
	u32	time;		/* spent in it, in 1/16 ticks */
	u32	ratio;
};

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
	return min(quarters(age), CORCACHE_FIGURES_AGES - 1U);
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

bool corcache_history_is_new(u8 history)
{
	return history < HISTORY_ONE;
}

/* An interval of @ticks came to an end. */
u8 corcache_history_next(u8 history, u32 ticks)
{
	int length = quarters(ticks), mean = history & HISTORY_LENGTH;

	if (history < HISTORY_ONE)
		return HISTORY_ONE | length;
	mean += (length - mean) / (history < HISTORY_MORE ? 2 : 4);
	return HISTORY_MORE | mean;
}

/*
 * Rates.
 */

/* Of an age: more are halved. */
static u32 most_ticks(u32 i)
{
	return min(LEARN_REGIONS * age_width(i), MAX_TICKS);
}

/*
 * Samples get old by new ones of the same kind, not by time: what is rare or
 * far away is then not forgotten before it can happen again.
 */
void corcache_figures_add(struct corcache_figures *figures, u8 history, u32 age, bool hit,
			  u32 ticks)
{
	struct corcache_figures_class *class = &figures->class[history_class(history)];
	u32 i = age_class(age), most = most_ticks(i), hits = hit ? HIT : 0;

	ticks = min(ticks, SAMPLE_MOST_TICKS);
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
static u32 hit_rate(const struct corcache_figures *figures, u32 nr, u32 i)
{
	const struct corcache_figures_class *class = &figures->class[nr];
	u32 typical = nr ? 6U << (nr - 1) % HISTORY_OCTAVES : ASSUMED_NEW_TICKS;
	u32 weight = ASSUMED_REGIONS * age_width(i);
	u32 assumed = ONE / 2 / (first_age(i) + typical);

	if (nr && first_age(i) <= 2 * typical)
		assumed = max(assumed, hit_rate(figures, nr > HISTORY_OCTAVES ?
						nr - HISTORY_OCTAVES : 0, i));
	return min((class->hits[i] * (ONE / HIT) + assumed * weight) /
		   (class->ticks[i] + weight), 16 * ONE);
}

/*
 * Worth.
 */

/* Of being read within the ages of @i, for what has come to that age. */
static struct stretch age_stretch(const struct corcache_figures *figures, u32 nr, u32 i)
{
	u32 width = age_width(i), rate = hit_rate(figures, nr, i);
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

static void compute(struct corcache_figures *figures, u32 nr)
{
	struct corcache_figures_class *class = &figures->class[nr];
	struct stretch stack[CORCACHE_FIGURES_AGES], s;
	u32 depth = 0, i;

	for (i = CORCACHE_FIGURES_AGES; i--; ) {
		s = age_stretch(figures, nr, i);
		while (depth && stack[depth - 1].ratio >= s.ratio)
			s = join(s, stack[--depth]);
		stack[depth++] = s;
		class->worth[i] = log_worth(s.ratio);
	}
}

void corcache_figures_start(struct corcache_figures *figures, u32 quota)
{
	u32 i = quota >> LEARN_SHIFT;

	figures->learn_mask = i ? (1U << ilog2(i)) - 1 : 0;
	for (i = 0; i < CORCACHE_FIGURES_HISTORIES; i++)
		compute(figures, i);
}

void corcache_figures_advance(struct corcache_figures *figures, u32 unit)
{
	if (figures->compute_in--)
		return;
	figures->compute_in = unit / 8;
	compute(figures, figures->next_class);
	figures->next_class = (figures->next_class + 1) % CORCACHE_FIGURES_HISTORIES;
}

u16 corcache_figures_worth(const struct corcache_figures *figures, u8 history, u32 age)
{
	return figures->class[history_class(history)].worth[age_class(age)];
}

/*
 * Hints.
 */

/* Of new regions in every second slot, in others of those like the slot's own. */
static u32 hint_class(u32 slot, u8 history)
{
	return slot & 1 ? 0 : history_class(history);
}

static u32 hint_age(u32 slot)
{
	return slot / 2 % CORCACHE_FIGURES_AGES;
}

static u32 hint_figures(const struct corcache_figures *figures, u32 slot, u8 history)
{
	const struct corcache_figures_class *class = &figures->class[hint_class(slot, history)];
	u32 i = hint_age(slot), most = most_ticks(i), rate, shift;

	if (!class->ticks[i])
		return 0;
	rate = min(quarters(class->hits[i] * HINT_RATE_UNIT / class->ticks[i]), HINT_RATE_MASK);
	for (shift = 0; shift < HINT_TICKS_MASK && class->ticks[i] <= most >> (shift + 1); shift++)
		;
	return rate << HINT_RATE_SHIFT | (HINT_TICKS_MASK - shift) << HINT_TICKS_SHIFT;
}

u32 corcache_figures_hint(const struct corcache_figures *figures, u32 slot, u8 history, u32 age)
{
	return history | quarters(age) << HINT_AGE_SHIFT |
	       hint_figures(figures, slot, history);
}

/* Any history is one, except 0; and any age, up to the highest. */
u8 corcache_figures_hint_history(u32 hint)
{
	return hint & HINT_HISTORY_MASK;
}

u32 corcache_figures_hint_age(u32 hint)
{
	return min(first_age(hint >> HINT_AGE_SHIFT & HINT_AGE_MASK), CORCACHE_MAX_AGE);
}

/* The mean of all slots that speak of the same. */
void corcache_figures_restore(struct corcache_figures *figures, u32 slot, u32 hint)
{
	struct corcache_figures_class *class =
		&figures->class[hint_class(slot, hint & HINT_HISTORY_MASK)];
	u32 i = hint_age(slot), shift = hint >> HINT_TICKS_SHIFT & HINT_TICKS_MASK;
	u32 ticks = most_ticks(i) >> (HINT_TICKS_MASK - shift);
	u64 hits = (u64)first_age(hint >> HINT_RATE_SHIFT & HINT_RATE_MASK) * ticks;

	if (!shift)
		return;
	hits = min_t(u64, hits / HINT_RATE_UNIT, U16_MAX);
	class->hits[i] = class->ticks[i] ? (class->hits[i] + hits) / 2 : hits;
	class->ticks[i] = class->ticks[i] ? (class->ticks[i] + ticks) / 2 : ticks;
}
