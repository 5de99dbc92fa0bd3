// SPDX-License-Identifier: GPL-2.0-only
/*
 * ARC: N. Megiddo, D. S. Modha, ARC: A Self-Tuning, Low Overhead Replacement
 * Cache, FAST 2003, figure 4.  The target p is a real number, as there.
 *
 * T1 holds what was seen once lately, T2 what was seen more often; B1 and B2
 * remember what left them.  A hit in B1 lets T1 grow, one in B2 lets T2.
 */
#include <stdlib.h>

#include "queues.h"
#include "sim.h"

enum { T1, T2, B1, B2 };

struct arc {
	struct queues q;
	u32	c;
	double	p;
};

static void *arc_start(const struct setup *setup)
{
	struct arc *s = get_memory(1, sizeof(*s));

	queues_init(&s->q, setup->trace->nr_blocks);
	s->c = setup->slots;
	return s;
}

static void replace(struct arc *s, bool in_b2)
{
	u32 t1 = s->q.len[T1];

	if (t1 && (t1 > s->p || (in_b2 && t1 == s->p)))
		queue_push(&s->q, B1, queue_pop(&s->q, T1));
	else
		queue_push(&s->q, B2, queue_pop(&s->q, T2));
}

/* Case IV: in none of the four. */
static void make_room(struct arc *s)
{
	u32 l1 = s->q.len[T1] + s->q.len[B1];
	u32 all = l1 + s->q.len[T2] + s->q.len[B2];

	if (l1 == s->c) {
		if (s->q.len[T1] < s->c) {
			queue_pop(&s->q, B1);
			replace(s, false);
		} else {
			queue_pop(&s->q, T1);
		}
	} else if (all >= s->c) {
		if (all == 2 * s->c)
			queue_pop(&s->q, B2);
		replace(s, false);
	}
}

static double above_one(u32 a, u32 b)
{
	return a <= b ? 1 : (double)a / b;
}

static bool arc_access(void *state, u32 block, u64 bits)
{
	struct arc *s = state;

	if (queue_has(&s->q, T1, block) || queue_has(&s->q, T2, block)) {
		queue_move(&s->q, T2, block);
		return true;
	}
	if (queue_has(&s->q, B1, block)) {
		s->p += above_one(s->q.len[B2], s->q.len[B1]);
		s->p = min(s->p, (double)s->c);
		replace(s, false);
		queue_move(&s->q, T2, block);
	} else if (queue_has(&s->q, B2, block)) {
		s->p -= above_one(s->q.len[B1], s->q.len[B2]);
		s->p = max(s->p, 0.0);
		replace(s, true);
		queue_move(&s->q, T2, block);
	} else {
		make_room(s);
		queue_push(&s->q, T1, block);
	}
	return false;
}

static void arc_end(void *state)
{
	struct arc *s = state;

	queues_free(&s->q);
	free(s);
}

const struct sim_policy policy_arc = {
	.name = "arc",
	.about = "Megiddo, Modha, FAST 2003",
	.start = arc_start,
	.access = arc_access,
	.end = arc_end,
};
