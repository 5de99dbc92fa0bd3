// SPDX-License-Identifier: GPL-2.0-only
/*
 * LIRS: S. Jiang, X. Zhang, LIRS: An Efficient Low Inter-reference Recency Set
 * Replacement Policy, SIGMETRICS 2002.  The resident HIR blocks get 1 % of the
 * cache, at least 1 slot; the stack remembers every block back to the oldest
 * LIR block, without another bound, as in the paper.
 *
 * LIR blocks are those whose last two uses were close together; they stay.  The
 * rest, HIR, pass through the short queue Q, unless one is used again while it
 * is still in the stack S: it becomes LIR, and the oldest LIR block HIR.
 */
#include <stdlib.h>

#include "queues.h"
#include "sim.h"

enum status { ABSENT, HIR, LIR };

struct lirs {
	/* a block can be in both */
	struct queues s, q;
	u8	*status;
	u32	slots, lir_slots, lir;
};

static void *lirs_start(const struct setup *setup)
{
	struct lirs *l = get_memory(1, sizeof(*l));

	queues_init(&l->s, setup->trace->nr_blocks);
	queues_init(&l->q, setup->trace->nr_blocks);
	l->status = get_memory(setup->trace->nr_blocks, 1);
	l->slots = setup->slots;
	l->lir_slots = setup->slots - max(setup->slots / 100, 1U);
	return l;
}

/* The oldest in the stack is LIR, always. */
static void prune(struct lirs *l)
{
	u32 oldest;

	while ((oldest = queue_back(&l->s, 0)) != NONE && l->status[oldest] != LIR)
		queue_remove(&l->s, oldest);
}

/* The oldest LIR block becomes HIR and the newest in Q. */
static void demote(struct lirs *l)
{
	u32 oldest = queue_pop(&l->s, 0);

	l->status[oldest] = HIR;
	l->lir--;
	queue_push(&l->q, 0, oldest);
	prune(l);
}

static void promote(struct lirs *l, u32 block)
{
	l->status[block] = LIR;
	l->lir++;
	queue_move(&l->s, 0, block);
	if (l->lir > l->lir_slots)
		demote(l);
}

static void hit_hir(struct lirs *l, u32 block)
{
	if (queue_has(&l->s, 0, block)) {
		queue_remove(&l->q, block);
		promote(l, block);
		return;
	}
	queue_push(&l->s, 0, block);
	queue_move(&l->q, 0, block);
	prune(l);
}

static void miss(struct lirs *l, u32 block)
{
	if (l->lir < l->lir_slots) {
		promote(l, block);
		return;
	}
	if (l->lir + l->q.len[0] == l->slots)
		l->status[queue_pop(&l->q, 0)] = ABSENT;
	if (queue_has(&l->s, 0, block)) {
		promote(l, block);
		return;
	}
	l->status[block] = HIR;
	queue_push(&l->s, 0, block);
	queue_push(&l->q, 0, block);
	prune(l);
}

static bool lirs_access(void *state, u32 block, u64 bits)
{
	struct lirs *l = state;

	switch ((enum status)l->status[block]) {
	case LIR:
		queue_move(&l->s, 0, block);
		prune(l);
		return true;
	case HIR:
		hit_hir(l, block);
		return true;
	default:
		miss(l, block);
		return false;
	}
}

static void lirs_end(void *state)
{
	struct lirs *l = state;

	queues_free(&l->s);
	queues_free(&l->q);
	free(l->status);
	free(l);
}

const struct sim_policy policy_lirs = {
	.name = "lirs",
	.about = "Jiang, Zhang, SIGMETRICS 2002; HIR 1 %, stack unbounded",
	.start = lirs_start,
	.access = lirs_access,
	.end = lirs_end,
};
