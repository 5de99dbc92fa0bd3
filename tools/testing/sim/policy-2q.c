// SPDX-License-Identifier: GPL-2.0-only
/*
 * Full 2Q: T. Johnson, D. Shasha, 2Q: A Low Overhead High Performance Buffer
 * Management Replacement Algorithm, VLDB 1994.  Kin is 25 % of the cache, Kout
 * 50 %, as the paper recommends; each at least 1.
 *
 * A block comes into the FIFO A1in, where hits count for nothing; what leaves
 * it is remembered in A1out; what is asked for while it is there goes to the
 * LRU list Am.
 */
#include <stdlib.h>

#include "queues.h"
#include "sim.h"

enum { A1IN, A1OUT, AM };

struct twoq {
	struct queues q;
	u32	slots, kin, kout;
};

static void *twoq_start(const struct setup *setup)
{
	struct twoq *s = get_memory(1, sizeof(*s));

	queues_init(&s->q, setup->trace->nr_blocks);
	s->slots = setup->slots;
	s->kin = max(setup->slots / 4, 1U);
	s->kout = max(setup->slots / 2, 1U);
	return s;
}

/* "reclaimfor".  One slot alone is all A1in, and it is not above Kin: hence the last test. */
static void reclaim(struct twoq *s)
{
	if (s->q.len[A1IN] + s->q.len[AM] < s->slots)
		return;
	if (s->q.len[A1IN] <= s->kin && s->q.len[AM]) {
		queue_pop(&s->q, AM);
		return;
	}
	queue_push(&s->q, A1OUT, queue_pop(&s->q, A1IN));
	if (s->q.len[A1OUT] > s->kout)
		queue_pop(&s->q, A1OUT);
}

static bool twoq_access(void *state, u32 block, u64 bits)
{
	struct twoq *s = state;

	if (queue_has(&s->q, AM, block)) {
		queue_move(&s->q, AM, block);
		return true;
	}
	if (queue_has(&s->q, A1IN, block))
		return true;
	if (queue_has(&s->q, A1OUT, block)) {
		/* found, so it is not to be pushed out by what makes room for it */
		queue_remove(&s->q, block);
		reclaim(s);
		queue_push(&s->q, AM, block);
	} else {
		reclaim(s);
		queue_push(&s->q, A1IN, block);
	}
	return false;
}

static void twoq_end(void *state)
{
	struct twoq *s = state;

	queues_free(&s->q);
	free(s);
}

const struct sim_policy policy_2q = {
	.name = "2q",
	.about = "Johnson, Shasha, VLDB 1994; full version, Kin 25 %, Kout 50 %",
	.start = twoq_start,
	.access = twoq_access,
	.end = twoq_end,
};
