// SPDX-License-Identifier: GPL-2.0-only
/*
 * The three oldest: LRU, FIFO, and CLOCK (F. J. Corbato, A Paging Experiment
 * with the Multics System, 1968), which is FIFO with a second chance for what
 * was used since it came in or got its last chance; and random replacement.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "queues.h"
#include "sim.h"

struct oldest {
	struct queues q;
	u8	*used;
	u32	slots;
};

static void *oldest_start(const struct setup *setup)
{
	struct oldest *s = get_memory(1, sizeof(*s));

	queues_init(&s->q, setup->trace->nr_blocks);
	s->used = get_memory(setup->trace->nr_blocks, 1);
	s->slots = setup->slots;
	return s;
}

static void oldest_end(void *state)
{
	struct oldest *s = state;

	queues_free(&s->q);
	free(s->used);
	free(s);
}

static bool lru_access(void *state, u32 block, u64 bits)
{
	struct oldest *s = state;
	bool hit = queue_has(&s->q, 0, block);

	if (!hit && s->q.len[0] == s->slots)
		queue_pop(&s->q, 0);
	queue_move(&s->q, 0, block);
	return hit;
}

static bool fifo_access(void *state, u32 block, u64 bits)
{
	struct oldest *s = state;

	if (queue_has(&s->q, 0, block))
		return true;
	if (s->q.len[0] == s->slots)
		queue_pop(&s->q, 0);
	queue_push(&s->q, 0, block);
	return false;
}

static void clock_evict(struct oldest *s)
{
	for (;;) {
		u32 block = queue_pop(&s->q, 0);

		if (!s->used[block])
			return;
		s->used[block] = 0;
		queue_push(&s->q, 0, block);
	}
}

static bool clock_access(void *state, u32 block, u64 bits)
{
	struct oldest *s = state;

	if (queue_has(&s->q, 0, block)) {
		s->used[block] = 1;
		return true;
	}
	if (s->q.len[0] == s->slots)
		clock_evict(s);
	queue_push(&s->q, 0, block);
	return false;
}

const struct sim_policy policy_lru = {
	.name = "lru",
	.about = "least recently used",
	.start = oldest_start,
	.access = lru_access,
	.end = oldest_end,
};

const struct sim_policy policy_fifo = {
	.name = "fifo",
	.about = "first in, first out",
	.start = oldest_start,
	.access = fifo_access,
	.end = oldest_end,
};

const struct sim_policy policy_clock = {
	.name = "clock",
	.about = "Corbato 1968; one bit per block, clear when it comes in",
	.start = oldest_start,
	.access = clock_access,
	.end = oldest_end,
};

/* ------------------------------------------------------------------------- */

struct lots {
	u32	*at;		/* of each block: its place + 1 */
	u32	*place;
	u32	used, slots;
	struct random random;
};

static void *random_start(const struct setup *setup)
{
	struct lots *s = get_memory(1, sizeof(*s));

	s->at = get_memory(setup->trace->nr_blocks, sizeof(u32));
	s->place = get_memory(setup->slots, sizeof(u32));
	s->slots = setup->slots;
	s->random.state = setup->seed;
	return s;
}

static bool random_access(void *state, u32 block, u64 bits)
{
	struct lots *s = state;
	u32 place;

	if (s->at[block])
		return true;
	if (s->used < s->slots) {
		place = s->used++;
	} else {
		place = random_below(&s->random, s->slots);
		s->at[s->place[place]] = 0;
	}
	s->place[place] = block;
	s->at[block] = place + 1;
	return false;
}

static void random_end(void *state)
{
	struct lots *s = state;

	free(s->at);
	free(s->place);
	free(s);
}

const struct sim_policy policy_random = {
	.name = "random",
	.about = "any block goes, by --seed",
	.start = random_start,
	.access = random_access,
	.end = random_end,
};
