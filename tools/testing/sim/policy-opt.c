// SPDX-License-Identifier: GPL-2.0-only
/*
 * The optimum: L. A. Belady, A Study of Replacement Algorithms for a
 * Virtual-Storage Computer, 1966: whatever is used again last goes.
 *
 * Here a block need not be cached at all, as with `stop`: the newcomer is one
 * of those of which the last used again goes.  So nothing can do better, neither
 * policies that always admit nor ours.
 */
#include <stdlib.h>

#include "sim.h"

struct opt {
	const u32 *next;
	u64	now;
	u32	slots, used;
	u32	*heap;		/* blocks; the one that is used again last on top */
	u32	*at;		/* of each block: place in the heap + 1 */
	u32	*when;		/* of each block: its next access */
};

static void *opt_start(const struct setup *setup)
{
	struct opt *o = get_memory(1, sizeof(*o));

	o->next = setup->next;
	o->slots = setup->slots;
	o->heap = get_memory(setup->slots, sizeof(u32));
	o->at = get_memory(setup->trace->nr_blocks, sizeof(u32));
	o->when = get_memory(setup->trace->nr_blocks, sizeof(u32));
	return o;
}

static void place(struct opt *o, u32 i, u32 block)
{
	o->heap[i] = block;
	o->at[block] = i + 1;
}

static void sift_up(struct opt *o, u32 i)
{
	u32 block = o->heap[i];

	while (i && o->when[o->heap[(i - 1) / 2]] < o->when[block]) {
		place(o, i, o->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(o, i, block);
}

static void sift_down(struct opt *o, u32 i)
{
	u32 block = o->heap[i];

	for (;;) {
		u32 child = 2 * i + 1;

		if (child + 1 < o->used && o->when[o->heap[child + 1]] > o->when[o->heap[child]])
			child++;
		if (child >= o->used || o->when[o->heap[child]] <= o->when[block])
			break;
		place(o, i, o->heap[child]);
		i = child;
	}
	place(o, i, block);
}

static void admit(struct opt *o, u32 block)
{
	if (o->used < o->slots) {
		place(o, o->used++, block);
		sift_up(o, o->used - 1);
	} else if (o->when[o->heap[0]] > o->when[block]) {
		o->at[o->heap[0]] = 0;
		place(o, 0, block);
		sift_down(o, 0);
	}
}

static bool opt_access(void *state, u32 block, u64 bits)
{
	struct opt *o = state;
	bool hit = o->at[block];

	o->when[block] = o->next[o->now++];
	/* its next access was the nearest of all: it can only have become later */
	if (hit)
		sift_up(o, o->at[block] - 1);
	else
		admit(o, block);
	return hit;
}

static void opt_end(void *state)
{
	struct opt *o = state;

	free(o->heap);
	free(o->at);
	free(o->when);
	free(o);
}

const struct sim_policy policy_opt = {
	.name = "opt",
	.about = "Belady 1966, knows the future; free not to admit",
	.clairvoyant = true,
	.start = opt_start,
	.access = opt_access,
	.end = opt_end,
};
