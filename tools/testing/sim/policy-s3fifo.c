// SPDX-License-Identifier: GPL-2.0-only
/*
 * S3-FIFO: J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, FIFO Queues are All
 * You Need for Cache Eviction, SOSP 2023, algorithm 1.
 *
 * New blocks enter the small FIFO S, 10 % of the cache, at least 1 slot; what
 * was hit twice there moves on to the main FIFO M, with its counter cleared,
 * the rest leaves and is remembered in the ghost FIFO G, which is as long as M.
 * What G remembers enters M at once.  M gives another round for each hit, at
 * most 3.
 *
 * Where the algorithm, taken by the letter, would evict from M for each block
 * that moves there and then from S as well, this evicts one block for one that
 * comes in, as the authors' own simulator does: the cache stays full.
 */
#include <stdlib.h>

#include "queues.h"
#include "sim.h"

enum { S, M, G };

#define MOST_HITS	3
#define MOVE_HITS	2

struct s3fifo {
	struct queues q;
	u8	*hits;
	u32	slots, small, main;
};

static void *s3fifo_start(const struct setup *setup)
{
	struct s3fifo *s = get_memory(1, sizeof(*s));

	queues_init(&s->q, setup->trace->nr_blocks);
	s->hits = get_memory(setup->trace->nr_blocks, 1);
	s->slots = setup->slots;
	s->small = max(setup->slots / 10, 1U);
	s->main = setup->slots - s->small;
	return s;
}

/* Return: false if all of S has moved to M. */
static bool evict_small(struct s3fifo *s)
{
	while (s->q.len[S]) {
		u32 block = queue_pop(&s->q, S);

		if (s->hits[block] >= MOVE_HITS) {
			s->hits[block] = 0;
			queue_push(&s->q, M, block);
			continue;
		}
		queue_push(&s->q, G, block);
		if (s->q.len[G] > s->main)
			queue_pop(&s->q, G);
		return true;
	}
	return false;
}

static void evict_main(struct s3fifo *s)
{
	for (;;) {
		u32 block = queue_pop(&s->q, M);

		if (!s->hits[block])
			return;
		s->hits[block]--;
		queue_push(&s->q, M, block);
	}
}

static void evict(struct s3fifo *s)
{
	if (s->q.len[S] >= s->small && evict_small(s))
		return;
	evict_main(s);
}

static bool s3fifo_access(void *state, u32 block, u64 bits)
{
	struct s3fifo *s = state;
	bool ghost = queue_has(&s->q, G, block);

	if (s->q.in[block] && !ghost) {
		s->hits[block] = min(s->hits[block] + 1, MOST_HITS);
		return true;
	}
	/* found, so it is not to be pushed out by what makes room for it */
	if (ghost)
		queue_remove(&s->q, block);
	if (s->q.len[S] + s->q.len[M] == s->slots)
		evict(s);
	s->hits[block] = 0;
	queue_push(&s->q, ghost ? M : S, block);
	return false;
}

static void s3fifo_end(void *state)
{
	struct s3fifo *s = state;

	queues_free(&s->q);
	free(s->hits);
	free(s);
}

const struct sim_policy policy_s3fifo = {
	.name = "s3fifo",
	.about = "Yang et al., SOSP 2023; small 10 %, ghost as long as main, 2 hits to move",
	.start = s3fifo_start,
	.access = s3fifo_access,
	.end = s3fifo_end,
};
