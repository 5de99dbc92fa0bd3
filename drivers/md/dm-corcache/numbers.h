/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache numbers: those of blocks, regions, slots and entries.
 *
 * Each has a type of its own, so that sparse reports when one is taken for
 * another; to the compiler they are plain numbers.
 *
 *   block    of the origin: one bit, one CRC32C
 *   region   of the origin: its place in the index
 *   slot     of the cache device: the place of a region there
 *   entry    what the index says of a region: slot + 1, or that it has none
 *
 * How many there are of them is a plain number.  So are all numbers of format.h
 * and policy.h, and those in the bitmaps: they are converted where these are used.
 * Compiles unchanged in user space.
 */
#ifndef DM_CORCACHE_NUMBERS_H
#define DM_CORCACHE_NUMBERS_H

#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

typedef u64 __bitwise corcache_block_t;
typedef u64 __bitwise corcache_region_t;
typedef u32 __bitwise corcache_slot_t;
typedef u32 __bitwise corcache_entry_t;

#define CORCACHE_NO_SLOT	((__force corcache_slot_t)U32_MAX)
/* What an index of zeros is full of. */
#define CORCACHE_NO_ENTRY	((__force corcache_entry_t)0)

/* -------- Blocks -------------------------------------------------------- */

static inline corcache_block_t to_block(u64 number)
{
	return (__force corcache_block_t)number;
}

static inline u64 from_block(corcache_block_t block)
{
	return (__force u64)block;
}

static inline corcache_block_t block_add(corcache_block_t block, u64 nr)
{
	return to_block(from_block(block) + nr);
}

/* The last of @nr blocks from @first on; @nr is not 0. */
static inline corcache_block_t block_last(corcache_block_t first, u64 nr)
{
	return to_block(from_block(first) + nr - 1);
}

/* How many blocks lie from @from to before @to? */
static inline u64 block_distance(corcache_block_t from, corcache_block_t to)
{
	return from_block(to) - from_block(from);
}

static inline bool block_before(corcache_block_t a, corcache_block_t b)
{
	return from_block(a) < from_block(b);
}

static inline corcache_block_t block_min(corcache_block_t a, corcache_block_t b)
{
	return to_block(min(from_block(a), from_block(b)));
}

static inline corcache_block_t block_max(corcache_block_t a, corcache_block_t b)
{
	return to_block(max(from_block(a), from_block(b)));
}

/* -------- Regions ------------------------------------------------------- */

static inline corcache_region_t to_region(u64 number)
{
	return (__force corcache_region_t)number;
}

static inline u64 from_region(corcache_region_t region)
{
	return (__force u64)region;
}

static inline corcache_region_t region_add(corcache_region_t region, u64 nr)
{
	return to_region(from_region(region) + nr);
}

static inline bool region_before(corcache_region_t a, corcache_region_t b)
{
	return from_region(a) < from_region(b);
}

/* -------- Slots and entries --------------------------------------------- */

static inline corcache_slot_t to_slot(u32 number)
{
	return (__force corcache_slot_t)number;
}

static inline u32 from_slot(corcache_slot_t slot)
{
	return (__force u32)slot;
}

static inline corcache_slot_t slot_add(corcache_slot_t slot, u32 nr)
{
	return to_slot(from_slot(slot) + nr);
}

static inline corcache_entry_t slot_to_entry(corcache_slot_t slot)
{
	return (__force corcache_entry_t)(from_slot(slot) + 1);
}

/* Not of CORCACHE_NO_ENTRY. */
static inline corcache_slot_t entry_to_slot(corcache_entry_t entry)
{
	return to_slot((__force u32)entry - 1);
}

/* The entry of the slot after that of @entry. */
static inline corcache_entry_t entry_next(corcache_entry_t entry)
{
	return (__force corcache_entry_t)((__force u32)entry + 1);
}

#endif /* DM_CORCACHE_NUMBERS_H */
