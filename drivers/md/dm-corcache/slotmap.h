/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache slotmap: a set of slots, in which the next one is found in few steps.
 *
 * A bitmap, and above it bitmaps of its words: a bit there says that the word below
 * has a bit that is set.  A word has 64 bits, so that six levels are enough for any
 * number of slots, and finding the next slot looks at eleven words at most.
 *
 * No lock, no allocation, any context; whoever uses one sees to it that it does not
 * change meanwhile.  Compiles in user space as well.
 */
#ifndef DM_CORCACHE_SLOTMAP_H
#define DM_CORCACHE_SLOTMAP_H

#include <linux/types.h>

/* For 2^32 slots. */
#define CORCACHE_SLOTMAP_LEVELS	6

/**
 * struct corcache_slotmap - a set of slots
 * @nr: slots that can be in it: 0 to @nr - 1
 * @levels: that there are; the last one has one word
 * @level: the bitmaps, from the slots up
 */
struct corcache_slotmap {
	u64	nr;
	u32	levels;
	u64	*level[CORCACHE_SLOTMAP_LEVELS];
};

/* Bytes that a set of @nr slots, at least 1 and at most 2^32, needs. */
u64 corcache_slotmap_bytes(u64 nr);

/* Make a set in memory of that many bytes; it is empty if the memory is zeroed. */
void corcache_slotmap_init(struct corcache_slotmap *map, u64 nr, void *memory);

/* All slots, at once; takes time in proportion to their number. */
void corcache_slotmap_fill(struct corcache_slotmap *map);

static inline bool corcache_slotmap_test(const struct corcache_slotmap *map, u64 slot)
{
	return map->level[0][slot / 64] >> slot % 64 & 1;
}

/* Add a slot, or take one out; nothing happens if it is, or is not, there. */
void corcache_slotmap_set(struct corcache_slotmap *map, u64 slot);
void corcache_slotmap_clear(struct corcache_slotmap *map, u64 slot);

/* The first one from @slot on; map->nr: there is none. */
u64 corcache_slotmap_next(const struct corcache_slotmap *map, u64 slot);

#endif /* DM_CORCACHE_SLOTMAP_H */
