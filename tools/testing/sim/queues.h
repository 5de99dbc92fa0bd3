/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues of blocks, of which a block is in at most one.
 *
 * Circular lists in one array: a block's link is at its dense number, a queue's
 * head behind those.  What enters at the front leaves at the back.
 */
#ifndef CORCACHE_SIM_QUEUES_H
#define CORCACHE_SIM_QUEUES_H

#include "sim.h"

#define MAX_QUEUES	4

struct link {
	u32 prev, next;
};

struct queues {
	struct link *link;
	u8	*in;		/* queue number + 1; 0: in none */
	u32	nr_blocks;
	u32	len[MAX_QUEUES];
};

void queues_init(struct queues *queues, u32 nr_blocks);
void queues_free(struct queues *queues);

static inline bool queue_has(const struct queues *q, u32 queue, u32 block)
{
	return q->in[block] == queue + 1;
}

static inline void queue_remove(struct queues *q, u32 block)
{
	struct link *l = &q->link[block];

	q->link[l->prev].next = l->next;
	q->link[l->next].prev = l->prev;
	q->len[q->in[block] - 1]--;
	q->in[block] = 0;
}

/* @block is in no queue. */
static inline void queue_push(struct queues *q, u32 queue, u32 block)
{
	u32 head = q->nr_blocks + queue;
	struct link *l = &q->link[block];

	l->prev = head;
	l->next = q->link[head].next;
	q->link[l->next].prev = block;
	q->link[head].next = block;
	q->len[queue]++;
	q->in[block] = queue + 1;
}

/* To the front of @queue, from wherever it is. */
static inline void queue_move(struct queues *q, u32 queue, u32 block)
{
	if (q->in[block])
		queue_remove(q, block);
	queue_push(q, queue, block);
}

/* The oldest, or NONE. */
static inline u32 queue_back(const struct queues *q, u32 queue)
{
	u32 block = q->link[q->nr_blocks + queue].prev;

	return block < q->nr_blocks ? block : NONE;
}

/* The one that came in after @block, or NONE. */
static inline u32 queue_newer(const struct queues *q, u32 block)
{
	u32 newer = q->link[block].prev;

	return newer < q->nr_blocks ? newer : NONE;
}

/* Takes the oldest out; the queue is not empty. */
static inline u32 queue_pop(struct queues *q, u32 queue)
{
	u32 block = queue_back(q, queue);

	queue_remove(q, block);
	return block;
}

#endif /* CORCACHE_SIM_QUEUES_H */
