// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIEVE: Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, SIEVE is
 * Simpler than LRU, NSDI 2024.
 *
 * A FIFO in which nothing moves: a hand goes from old to new, spares what was
 * used since it came by, and evicts the first that was not.
 */
#include <stdlib.h>

#include "queues.h"
#include "sim.h"

struct sieve {
	struct queues q;
	u8	*used;
	u32	slots;
	u32	hand;
};

static void *sieve_start(const struct setup *setup)
{
	struct sieve *s = get_memory(1, sizeof(*s));

	queues_init(&s->q, setup->trace->nr_blocks);
	s->used = get_memory(setup->trace->nr_blocks, 1);
	s->slots = setup->slots;
	s->hand = NONE;
	return s;
}

static void evict(struct sieve *s)
{
	u32 block = s->hand == NONE ? queue_back(&s->q, 0) : s->hand;

	while (s->used[block]) {
		s->used[block] = 0;
		block = queue_newer(&s->q, block);
		if (block == NONE)
			block = queue_back(&s->q, 0);
	}
	s->hand = queue_newer(&s->q, block);
	queue_remove(&s->q, block);
}

static bool sieve_access(void *state, u32 block, u64 bits)
{
	struct sieve *s = state;

	if (queue_has(&s->q, 0, block)) {
		s->used[block] = 1;
		return true;
	}
	if (s->q.len[0] == s->slots)
		evict(s);
	queue_push(&s->q, 0, block);
	return false;
}

static void sieve_end(void *state)
{
	struct sieve *s = state;

	queues_free(&s->q);
	free(s->used);
	free(s);
}

const struct sim_policy policy_sieve = {
	.name = "sieve",
	.about = "Zhang et al., NSDI 2024",
	.start = sieve_start,
	.access = sieve_access,
	.end = sieve_end,
};
