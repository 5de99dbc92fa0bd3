// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache slotmap: a set of slots, in which the next one is found in few steps.
 *
 * Owns the levels that slotmap.h explains.  What holds between two of them: the bit
 * above is set if, and only if, the word below is not 0.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>

#include "slotmap.h"

#define WORD_SHIFT	6
#define WORD_BITS	64U

static u64 words_of(u64 bits)
{
	return (bits + WORD_BITS - 1) >> WORD_SHIFT;
}

u64 corcache_slotmap_bytes(u64 nr)
{
	u64 words = 0;

	do {
		nr = words_of(nr);
		words += nr;
	} while (nr > 1);
	return words * sizeof(u64);
}

void corcache_slotmap_init(struct corcache_slotmap *map, u64 nr, void *memory)
{
	u64 *at = memory;

	map->nr = nr;
	map->levels = 0;
	do {
		map->level[map->levels++] = at;
		nr = words_of(nr);
		at += nr;
	} while (nr > 1);
}

void corcache_slotmap_fill(struct corcache_slotmap *map)
{
	u64 i, bits = map->nr;
	u32 l;

	for (l = 0; l < map->levels; l++) {
		u64 words = words_of(bits);
		u32 rest = bits % WORD_BITS;

		for (i = 0; i < words; i++)
			map->level[l][i] = ~0ULL;
		if (rest)
			map->level[l][words - 1] >>= WORD_BITS - rest;
		bits = words;
	}
}

void corcache_slotmap_set(struct corcache_slotmap *map, u64 slot)
{
	u32 l;

	for (l = 0; l < map->levels; l++) {
		u64 *word = &map->level[l][slot >> WORD_SHIFT];
		u64 before = *word;

		*word |= 1ULL << slot % WORD_BITS;
		/* then the bits above are set */
		if (before)
			return;
		slot >>= WORD_SHIFT;
	}
}

void corcache_slotmap_clear(struct corcache_slotmap *map, u64 slot)
{
	u32 l;

	for (l = 0; l < map->levels; l++) {
		u64 *word = &map->level[l][slot >> WORD_SHIFT];

		*word &= ~(1ULL << slot % WORD_BITS);
		if (*word)
			return;
		slot >>= WORD_SHIFT;
	}
}

/* The first bit of a level that is set, from @bit on, if its word has one. */
static bool next_in_word(const u64 *level, u64 *bit)
{
	u64 left = level[*bit >> WORD_SHIFT] >> *bit % WORD_BITS;

	if (!left)
		return false;
	*bit += __ffs64(left);
	return true;
}

/* Up until a word has one, and down again, where each has one, to the first of them. */
u64 corcache_slotmap_next(const struct corcache_slotmap *map, u64 slot)
{
	u64 bits = map->nr;
	u32 l = 0;

	while (slot < bits && !next_in_word(map->level[l], &slot)) {
		/* the next word, of those that have a bit above */
		slot = (slot >> WORD_SHIFT) + 1;
		bits = words_of(bits);
		if (++l == map->levels)
			return map->nr;
	}
	if (slot >= bits)
		return map->nr;
	while (l--) {
		slot <<= WORD_SHIFT;
		next_in_word(map->level[l], &slot);
	}
	return slot;
}
