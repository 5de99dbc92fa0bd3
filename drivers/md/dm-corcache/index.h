/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache index: which region is in which slot, and what of it is valid.
 *
 * The lookup of a hit takes no lock.  What makes it safe is the retire sequence:
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
 * A reader that sees 3 in A sees 1 in B, and no slot.  A reader that does not
 * see 3 in A but got the slot sees it in E if D could return what 4 wrote,
 * because 3 came before 4; and the stamp of 2 in F.  Stamp and sequence must not come
 * before the entry is cleared: a reader could then take a sequence number that
 * is not older than the stamp and still find the slot.  All interleavings are
 * searched with tools/testing/model/retire.pml.
 */
#ifndef DM_CORCACHE_INDEX_H
#define DM_CORCACHE_INDEX_H

#include "corcache.h"

/**
 * corcache_index_alloc() - allocate index, slots, checksums and bitmaps
 * @cache: with geometry
 *
 * Process context.
 *
 * Return: 0 or -ENOMEM; on failure what was allocated is
 * left for corcache_index_free().
 */
int corcache_index_alloc(struct corcache_cache *cache);
void corcache_index_free(struct corcache_cache *cache);

/* Bytes that corcache_index_alloc() will want. */
u64 corcache_index_bytes(const struct corcache_geometry *geo);

/* How much of what writes to cache devices is paused, for all caches together. */
enum corcache_pause {
	CORCACHE_PAUSE_NOTHING,
	CORCACHE_PAUSE_CHANGES,	/* no slot is written into, none is emptied */
	CORCACHE_PAUSE_COMMITS,	/* nor is anything committed */
};

extern enum corcache_pause corcache_index_pause; /* READ_ONCE/WRITE_ONCE */

/*
 * Is nothing to be changed?  Asked with cache->lock held before a slot is admitted or
 * retired; whoever pauses takes the lock once after that, and what is found not to be
 * paused before has been counted in cache->writing then.
 */
static inline bool corcache_index_paused(void)
{
	return unlikely(READ_ONCE(corcache_index_pause) != CORCACHE_PAUSE_NOTHING);
}

/* Nor committed? */
static inline bool corcache_index_commits_paused(void)
{
	return unlikely(READ_ONCE(corcache_index_pause) == CORCACHE_PAUSE_COMMITS);
}

/*
 * Empty it: every slot free, and a policy of cache->load_policy that knows of none.
 * There must be no writer.  Readers may still be on their way with what they have
 * found: to them every slot is retired.  May sleep.
 */
void corcache_index_reset(struct corcache_cache *cache);

/**
 * corcache_index_start_policy() - make the policy know what is in the slots
 * @cache: loaded
 * @kind: of the table that takes over
 *
 * A policy of that kind goes on with what it knows, as after a load.  preresume's
 * context: there is no reader and no writer.
 */
void corcache_index_start_policy(struct corcache_cache *cache,
				 enum corcache_policy_kind kind);

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
					 corcache_block_t block, u32 want,
					 corcache_slot_t *slot)
{
	const struct corcache_geometry *geo = &cache->geo;
	corcache_region_t region = corcache_block_to_region(geo, block);
	u32 bit = corcache_block_bit(geo, block);
	corcache_entry_t entry = READ_ONCE(cache->index[from_region(region)]);
	u32 run = 0;

	if (!entry)
		return 0;
	*slot = entry_to_slot(entry);

	for (;;) {
		/* pairs with the release in __corcache_index_publish() */
		u64 valid = smp_load_acquire(&cache->slots[from_slot(entry_to_slot(entry))].valid);
		u32 room = geo->region_blocks - bit;
		u32 ones = min(corcache_run_of_ones(valid, bit), room);

		run += ones;
		if (run >= want)
			return want;
		if (ones < room)
			return run;
		/* want is not reached, so the next region exists */
		entry = entry_next(entry);
		region = region_add(region, 1);
		/*
		 * Nothing makes the CPU read the slot after this, as the address
		 * does for the first region; valid bits of the slot's former
		 * region, from before step 1, would pass steps E and F.
		 */
		if (smp_load_acquire(&cache->index[from_region(region)]) != entry)
			return run;
		bit = 0;
	}
}

/**
 * corcache_index_miss_run() - how much is not valid from @block on?
 * @cache: the cache
 * @block: first block
 * @want: blocks to look at, not beyond the end of the origin
 *
 * Any context.
 *
 * Return: number of blocks, 0: @block is valid.
 */
u32 corcache_index_miss_run(const struct corcache_cache *cache, corcache_block_t block,
			    u32 want);

/**
 * corcache_index_retired() - steps E and F
 * @cache: the cache
 * @seq: from corcache_retire_seq() before the lookup
 * @slot: first slot
 * @nr: number of slots, at least 1
 *
 * Any context, after the data was read, and after any other use of the slots'
 * checksums.
 *
 * Return: true if one of the slots was retired since.
 */
bool corcache_index_retired(const struct corcache_cache *cache, u64 seq,
			    corcache_slot_t slot, u32 nr);

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
 * __corcache_index_admit() - the slot of @region, or a new one, to write into
 * @cache: the cache
 * @region: the region
 * @bits: the blocks that will be written
 *
 * Takes a writer's reference on the slot; corcache_index_publish() drops it.
 *
 * Return: the slot or CORCACHE_NO_SLOT if the policy says no.
 */
corcache_slot_t __corcache_index_admit(struct corcache_cache *cache, corcache_region_t region,
				       u64 bits);

/* Was something removed from @slot that is not durably removed yet? */
static inline bool __corcache_index_held(const struct corcache_cache *cache,
					 corcache_slot_t slot)
{
	u32 nr = from_slot(slot);

	return test_bit(nr, cache->hold_map) || test_bit(nr, cache->hold_commit_map);
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
bool __corcache_index_publish(struct corcache_cache *cache, corcache_slot_t slot,
			      corcache_region_t region, u64 bits, const u32 *crc);

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
bool __corcache_index_drop(struct corcache_cache *cache, corcache_slot_t slot, u64 bits);

/*
 * Retire a used slot: steps 1 to 3.  It is free after the next commit; at once
 * if it never had a valid block.  @victim: the policy has chosen it.
 */
void __corcache_index_retire(struct corcache_cache *cache, corcache_slot_t slot, bool victim);

/*
 * Loading: give @slot to @region as the device says, and let the policy know the
 * hint that stands with it.  There is no reader and no writer.  If @region is in
 * another slot already, either may stay; this one is emptied durably before it is
 * used.
 */
void corcache_index_load(struct corcache_cache *cache, corcache_slot_t slot,
			 corcache_region_t region, u32 hint, u64 valid, const u32 *crc);
/* Loading: what the device says of @slot must never be believed. */
void corcache_index_load_bad(struct corcache_cache *cache, corcache_slot_t slot);

/* How many of @slots slots may be pinned: the policy needs victims. */
static inline u64 corcache_pins_most(u64 slots)
{
	return slots - DIV_ROUND_UP_ULL(slots, 10);
}

/* Memory for pins.  Process context.  Return: 0 or -ENOMEM. */
int corcache_index_alloc_pins(struct corcache_cache *cache);

/*
 * Pin a region, or unpin it; there is memory for it.  If it is cached its table sector
 * is dirty from then on.  Takes cache->lock.
 */
void corcache_index_pin(struct corcache_cache *cache, corcache_region_t region, bool pin);

/* Quota, slots in use or pinned slots have changed: do pins hold? */
void __corcache_index_check_pins(struct corcache_cache *cache);

/* Memory for discards.  Process context.  Return: 0 or -ENOMEM. */
int corcache_index_alloc_discard(struct corcache_cache *cache);

/* What is free now and stays so a moment is discarded.  Any context. */
void corcache_index_schedule_discard(struct corcache_cache *cache);

/**
 * corcache_index_take_discard() - some slots to be discarded
 * @cache: the cache
 * @first: filled in if the return value is not 0
 * @most: how many at most
 *
 * They are neighbours, and not free until they are given back.  Process context, one
 * caller at a time.
 *
 * Return: their number, 0 if there is none.
 */
u32 corcache_index_take_discard(struct corcache_cache *cache, corcache_slot_t *first, u32 most);
void corcache_index_give_discarded(struct corcache_cache *cache, corcache_slot_t first, u32 nr);

/* Table sectors whose hints are looked at and written together. */
#define CORCACHE_HINT_SECTORS	CORCACHE_META_ALIGN_SECTORS

/* What is to stand as the hint of a used slot: CORCACHE_HINT_*. */
u32 __corcache_index_hint(const struct corcache_cache *cache, corcache_slot_t slot);

/**
 * corcache_index_hints_changed() - should a group of table sectors be written?
 * @cache: the cache
 * @group: CORCACHE_HINT_SECTORS table sectors: the first of them divided by that
 *
 * Takes cache->lock.  A change makes no sector dirty; one in 65536 is not noticed.
 *
 * Return: have hints changed since the group was loaded, or since this was last
 * said?  Who asks writes it.
 */
bool corcache_index_hints_changed(struct corcache_cache *cache, u64 group);

/*
 * A commit within the interval if something changed that is not durable, or one
 * now.  Any context.
 */
void corcache_index_schedule_commit(struct corcache_cache *cache, bool now);
/* One soon: a fill waits for it, but no reader.  Any context. */
void corcache_index_schedule_commit_soon(struct corcache_cache *cache);

/*
 * A commit begins: what is held now can be let go when it has succeeded.
 * Return: false if nothing is.
 */
bool corcache_index_hold_begin(struct corcache_cache *cache);
/* It succeeded: slots that were retired before it began are free. */
void corcache_index_hold_end(struct corcache_cache *cache);

/*
 * It has taken table sector @nr: what changes from now on is the next one's.  With
 * cache->lock held.
 */
void __corcache_index_take_dirty(struct corcache_cache *cache, u64 nr);
/* It has ended: nothing of it is taken any more. */
void corcache_index_dirty_end(struct corcache_cache *cache);
/* It failed: what it had taken, and what was held for it, is the next one's. */
void corcache_index_commit_failed(struct corcache_cache *cache);

/**
 * corcache_index_keep() - of a slot, only what is durable is valid any more
 * @cache: the cache, without writers
 * @slot: the slot
 * @region: the region that is durable in it
 * @valid: the blocks that are; 0: none
 *
 * Any context.
 */
void corcache_index_keep(struct corcache_cache *cache, corcache_slot_t slot,
			 corcache_region_t region, u64 valid);

#endif /* DM_CORCACHE_INDEX_H */
