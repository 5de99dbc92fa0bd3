/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache index: which region is in which slot, and what of it is valid.
 *
 * The lookup of a hit takes no lock.  What keeps it honest is the retire
 * sequence:
 *
 *   reader                               retirer, under cache->lock
 *   ------                               --------------------------
 *   A  seq = retire_seq (acquire)        1  index[region] = none
 *   B  slot = index[region]              2  slot->stamp = retire_seq + 1
 *   C  valid = slot->valid (acquire)     3  retire_seq += 1 (release)
 *   D  read from the cache device        4  ... durable, free, other region
 *   E  retire_seq == seq?  then fine        written to it
 *   F  else slot->stamp > seq: a miss
 *
 * A reader who sees 3 in A sees 1 in B, and no slot.  One who does not see 3
 * in A but got the slot sees it in E if D could return what 4 wrote, because 3
 * came before 4; and the stamp of 2 in F.  Stamp and sequence must not come
 * before the entry is cleared: a reader could then take a sequence number that
 * is not older than the stamp and still find the slot.  All interleavings are
 * searched in Documentation/dm-corcache/retire.pml.
 */
#ifndef DM_CORCACHE_INDEX_H
#define DM_CORCACHE_INDEX_H

#include "dm-corcache.h"

#define CORCACHE_NO_SLOT	U32_MAX

/**
 * corcache_index_alloc() - allocate index, slots, checksums and bitmaps
 * @cache: with geometry
 *
 * Process context.  Return: 0 or -ENOMEM; on failure what was allocated is
 * left for corcache_index_free().
 */
int corcache_index_alloc(struct corcache_cache *cache);
void corcache_index_free(struct corcache_cache *cache);

/* Bytes that corcache_index_alloc() will want. */
u64 corcache_index_bytes(const struct corcache_geometry *geo);

/* Empty it: every slot free.  No reader, no writer may be about. */
void corcache_index_reset(struct corcache_cache *cache);

/**
 * corcache_index_start_policy() - make the policy know what is in the slots
 * @cache: loaded
 * @kind: of the table that takes over
 *
 * A policy that runs already goes on.  preresume's context: no reader, no
 * writer is about.
 */
void corcache_index_start_policy(struct corcache_cache *cache,
				 enum corcache_policy_kind kind);

/*
 * A hit in @nr regions, in @slot and those after it; any context, no lock.  The
 * bits are nearly always set: then nothing is written.
 */
static __always_inline void corcache_index_touch(const struct corcache_cache *cache,
						 u32 slot, u32 nr)
{
	unsigned long *visited = cache->visited;

	if (!visited)
		return;
	for (; nr; nr--, slot++)
		if (unlikely(!test_bit(slot, visited)))
			set_bit(slot, visited);
}

/* Step A. */
static inline u64 corcache_retire_seq(const struct corcache_cache *cache)
{
	/* pairs with the release in stamp() */
	return smp_load_acquire(&cache->retire_seq);
}

/**
 * corcache_index_hit_run() - how much is valid and contiguous from @block on?
 * @cache: the cache
 * @block: first block
 * @want: blocks to look at, not beyond the origin's end
 * @slot: filled in if the return value is not 0
 *
 * Steps B and C; any context.  The regions after the first are in the slots
 * after @slot.
 *
 * Return: number of blocks, at most @want; 0: @block is not valid.
 */
static inline u32 corcache_index_hit_run(const struct corcache_cache *cache,
					 u64 block, u32 want, u32 *slot)
{
	const struct corcache_geometry *geo = &cache->geo;
	u64 region = corcache_block_to_region(geo, block);
	u32 bit = corcache_block_bit(geo, block);
	u32 entry = READ_ONCE(cache->index[region]);
	u32 run = 0;

	if (!entry)
		return 0;
	*slot = entry - 1;

	for (;;) {
		/* pairs with the release in __corcache_index_publish() */
		u64 valid = smp_load_acquire(&cache->slots[entry - 1].valid);
		u32 room = geo->region_blocks - bit;
		u32 ones = min(corcache_run_of_ones(valid, bit), room);

		run += ones;
		if (run >= want)
			return want;
		if (ones < room)
			return run;
		/* want is not reached, so the next region exists */
		entry++;
		/*
		 * Nothing makes the CPU read the slot after this, as the address
		 * does for the first region; valid bits of the slot's former
		 * region, from before step 1, would pass steps E and F.
		 */
		if (smp_load_acquire(&cache->index[++region]) != entry)
			return run;
		bit = 0;
	}
}

/**
 * corcache_index_miss_run() - how much is not valid from @block on?
 *
 * As above; any context.  Return: number of blocks, 0: @block is valid.
 */
u32 corcache_index_miss_run(const struct corcache_cache *cache, u64 block,
			    u32 want);

/**
 * corcache_index_retired() - steps E and F
 * @cache: the cache
 * @seq: from corcache_retire_seq() before the lookup
 * @slot: first slot
 * @nr: number of slots, at least 1
 *
 * Any context, after the data was read, and after any other use of the slots'
 * checksums.  Return: true if one of the slots was retired since.
 */
bool corcache_index_retired(const struct corcache_cache *cache, u64 seq, u32 slot,
			    u32 nr);

/* Step E alone, the usual case.  Return: false if step F has to look closer. */
static inline bool corcache_index_unchanged(const struct corcache_cache *cache, u64 seq)
{
	/*
	 * The data, which may have been copied by a CPU (brd), was read
	 * before; pairs with the release in step 3.
	 */
	smp_rmb();
	/* the stamps of what was counted are seen: step 2 before step 3 */
	return likely(smp_load_acquire(&cache->retire_seq) == seq);
}

/*
 * What follows takes cache->lock unless it is named with a leading __, which
 * wants it held.  Any context.
 */

/**
 * __corcache_index_admit() - find or make a slot for @region, to write into
 * @cache: the cache
 * @region: the region
 * @bits: the blocks that will be written
 *
 * Takes a writer's reference on the slot; corcache_index_publish() drops it.
 *
 * Return: the slot or CORCACHE_NO_SLOT if the policy says no.
 */
u32 __corcache_index_admit(struct corcache_cache *cache, u64 region, u64 bits);

/* Was something removed from @slot that is not durably removed yet? */
static inline bool __corcache_index_held(const struct corcache_cache *cache,
					 u32 slot)
{
	return test_bit(slot, cache->hold_map) ||
	       test_bit(slot, cache->hold_commit_map);
}

/**
 * __corcache_index_publish() - end of a write to a slot
 * @cache: the cache
 * @slot: from __corcache_index_admit()
 * @region: the region it was taken for
 * @bits: the blocks that were written; 0 if the write failed
 * @crc: their checksums, that of the lowest bit first; NULL without checksums
 *
 * If the slot was retired meanwhile, nothing is published and, if this was
 * the last writer and the removal is durable, it is free.
 *
 * Return: true if the blocks are hits from now on.
 */
bool __corcache_index_publish(struct corcache_cache *cache, u32 slot,
			      u64 region, u64 bits, const u32 *crc);

/**
 * __corcache_index_drop() - blocks of a slot must not be read again
 * @cache: the cache
 * @slot: the slot
 * @bits: the blocks
 *
 * They can be filled again after the next commit.
 *
 * Return: false if they were gone already.
 */
bool __corcache_index_drop(struct corcache_cache *cache, u32 slot, u64 bits);

/*
 * Retire a used slot: steps 1 to 3.  It is free after the next commit; at once
 * if it never had a valid block.  @victim: the policy has chosen it.
 */
void __corcache_index_retire(struct corcache_cache *cache, u32 slot, bool victim);

/*
 * Loading: give @slot to @region as the device says.  No reader, no writer is
 * about.  If @region is in another slot already, either may stay; this one is
 * emptied durably before it is used.
 */
void corcache_index_load(struct corcache_cache *cache, u32 slot, u64 region,
			 u64 valid, const u32 *crc);
/* Loading: what the device says of @slot must not be believed, ever. */
void corcache_index_load_bad(struct corcache_cache *cache, u32 slot);

/*
 * A commit begins: what is held now can be let go when it has succeeded.
 * Return: false if nothing is.
 */
bool corcache_index_hold_begin(struct corcache_cache *cache);
/* It succeeded: slots that were retired before it began are free. */
void corcache_index_hold_end(struct corcache_cache *cache);

#endif /* DM_CORCACHE_INDEX_H */
