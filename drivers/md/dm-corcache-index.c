// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache index: regions, slots, and what of them is valid.
 *
 * Owns cache->index, slots, crc, the free, hold and dirty bitmaps, and what the
 * policy knows of the slots, which are written under cache->lock only, but for
 * the policy's visited bits.  The life of a slot:
 *
 *   free -> used (admit) -> filled (publish) -> retired -> free (commit)
 *
 * A slot that is written again after something was removed from it could, if
 * the power went, be found under its old entry with the new bytes.  So what was
 * removed is held until a commit whose images were built after the removal is
 * durable: hold_map collects removals, a commit moves it to hold_commit_map
 * before it builds its first image, and lets go of that one when it is done.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "dm-corcache-break.h"
#include "dm-corcache-cache.h"
#include "dm-corcache-index.h"
#include "dm-corcache-trace.h"

static unsigned long *alloc_map(u64 bits)
{
	return kvcalloc(BITS_TO_LONGS(bits), sizeof(long),
			GFP_KERNEL | __GFP_NOWARN);
}

/*
 * Not kvmalloc(), which refuses more than 2 GiB; and rather fail than have the
 * OOM killer make room for a cache.
 */
static void *alloc_table(u64 bytes)
{
	if (bytes > SIZE_MAX)
		return NULL;
	return __vmalloc(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN |
			 __GFP_RETRY_MAYFAIL);
}

static u64 crc_bytes(const struct corcache_geometry *geo)
{
	return geo->checksums ?
		geo->nr_slots * geo->region_blocks * sizeof(u32) : 0;
}

/* Of whichever wants most: a reload may bring another one. */
static u64 policy_bytes(const struct corcache_geometry *geo)
{
	return corcache_policy_bytes(CORCACHE_POLICY_ADAPTIVE, geo->nr_slots);
}

u64 corcache_index_bytes(const struct corcache_geometry *geo)
{
	return geo->nr_regions * sizeof(u32) +
	       geo->nr_slots * sizeof(struct corcache_slot) +
	       3 * (geo->nr_slots / 8) + geo->table_sectors / 8 +
	       crc_bytes(geo) + policy_bytes(geo);
}

int corcache_index_alloc(struct corcache_cache *cache)
{
	const struct corcache_geometry *geo = &cache->geo;

	cache->index = alloc_table(geo->nr_regions * sizeof(u32));
	cache->slots = alloc_table(geo->nr_slots * sizeof(struct corcache_slot));
	if (geo->checksums)
		cache->crc = alloc_table(crc_bytes(geo));
	cache->free_map = alloc_map(geo->nr_slots);
	cache->hold_map = alloc_map(geo->nr_slots);
	cache->hold_commit_map = alloc_map(geo->nr_slots);
	cache->dirty_map = alloc_map(geo->table_sectors);
	cache->policy_memory = alloc_table(policy_bytes(geo));

	if (!cache->index || !cache->slots || (geo->checksums && !cache->crc) ||
	    !cache->free_map || !cache->hold_map || !cache->hold_commit_map ||
	    !cache->dirty_map || !cache->policy_memory)
		return -ENOMEM;
	return 0;
}

void corcache_index_free(struct corcache_cache *cache)
{
	vfree(cache->index);
	vfree(cache->slots);
	vfree(cache->crc);
	kvfree(cache->free_map);
	kvfree(cache->hold_map);
	kvfree(cache->hold_commit_map);
	kvfree(cache->dirty_map);
	vfree(cache->policy_memory);
}

void corcache_index_reset(struct corcache_cache *cache)
{
	const struct corcache_geometry *geo = &cache->geo;

	memset(cache->index, 0, geo->nr_regions * sizeof(u32));
	memset(cache->slots, 0, geo->nr_slots * sizeof(struct corcache_slot));
	bitmap_fill(cache->free_map, geo->nr_slots);
	bitmap_zero(cache->hold_map, geo->nr_slots);
	bitmap_zero(cache->hold_commit_map, geo->nr_slots);
	bitmap_zero(cache->dirty_map, geo->table_sectors);
	cache->held = 0;
	cache->dirty = 0;
	cache->used = 0;
	cache->retired = 0;
	cache->valid_blocks = 0;
	cache->hand = 0;
	cache->policy_started = false;
}

void corcache_index_start_policy(struct corcache_cache *cache,
				 enum corcache_policy_kind kind)
{
	u64 slot, nr = cache->geo.nr_slots;

	if (cache->policy_started && cache->policy.kind == kind)
		return;
	memset(cache->policy_memory, 0, policy_bytes(&cache->geo));
	corcache_policy_init(&cache->policy, kind, nr, cache->policy_memory);
	for (slot = 0; slot < nr; slot++) {
		struct corcache_slot *s = &cache->slots[slot];

		if (s->flags & CORCACHE_SLOT_USED)
			corcache_policy_insert(&cache->policy, slot, s->region);
		if (!(slot & 0xffff))
			cond_resched();
	}
	cache->visited = cache->policy.visited;
	cache->policy_started = true;
}

u32 corcache_index_miss_run(const struct corcache_cache *cache, u64 block,
			    u32 want)
{
	const struct corcache_geometry *geo = &cache->geo;
	u64 region = corcache_block_to_region(geo, block);
	u32 bit = corcache_block_bit(geo, block);
	u32 run = 0;

	while (run < want) {
		u32 entry = READ_ONCE(cache->index[region]);
		u64 valid = entry ? READ_ONCE(cache->slots[entry - 1].valid) : 0;
		u32 room = geo->region_blocks - bit;
		u32 zeros = min(corcache_run_of_zeros(valid, bit), room);

		run += zeros;
		if (zeros < room)
			break;
		region++;
		bit = 0;
	}
	return min(run, want);
}

bool corcache_index_retired(const struct corcache_cache *cache, u64 seq, u32 slot,
			    u32 nr)
{
	if (corcache_index_unchanged(cache, seq))
		return false;
	while (nr--)
		if (READ_ONCE(cache->slots[slot++].stamp) > seq)
			return true;
	return false;
}

static void mark_dirty(struct corcache_cache *cache, u32 slot)
{
	u32 sector = slot / cache->geo.sector_entries;

	if (!__test_and_set_bit(sector, cache->dirty_map) && !cache->dirty++)
		__corcache_cache_schedule_commit(cache);
}

static void hold(struct corcache_cache *cache, u32 slot)
{
	mark_dirty(cache, slot);
	if (corcache_breaks(CORCACHE_BREAK_REUSE))
		return;
	if (!__test_and_set_bit(slot, cache->hold_map))
		cache->held++;
}

static void free_slot(struct corcache_cache *cache, u32 slot)
{
	struct corcache_slot *s = &cache->slots[slot];

	WRITE_ONCE(s->flags, 0);
	__set_bit(slot, cache->free_map);
	cache->used--;
	cache->retired--;
	wake_up_all(&cache->wait);
}

/*
 * Prefer the slot after that of the region before: what is read in one go
 * should lie in one piece.  Else the next free one from where the last was
 * found.  Only as many slots as may be used are looked at: one of them is free,
 * and whoever goes over what is used, as the policy does, has less to go over.
 */
static u32 find_free(struct corcache_cache *cache, u64 region)
{
	u64 nr = cache->admit_quota;
	unsigned long slot;

	if (region) {
		/* the entry is slot + 1, so this is the slot after it */
		slot = cache->index[region - 1];
		if (slot && slot < nr && test_bit(slot, cache->free_map))
			return slot;
	}
	slot = find_next_bit(cache->free_map, nr, cache->hand);
	if (slot >= nr)
		slot = find_next_bit(cache->free_map, nr, 0);
	return slot < nr ? slot : CORCACHE_NO_SLOT;
}

static void trace_decision(struct corcache_cache *cache, u64 region,
			   enum corcache_decision decision)
{
	trace_corcache_decision(cache->bdev->bd_dev, region << cache->geo.region_shift,
				cache->geo.region_sectors, decision);
}

static u32 take_slot(struct corcache_cache *cache, u64 region, u64 bits)
{
	struct corcache_slot *s;
	u32 slot;

	if (!corcache_policy_miss(&cache->policy, region, bits)) {
		trace_decision(cache, region, CORCACHE_REJECT);
		return CORCACHE_NO_SLOT;
	}
	slot = cache->used < cache->admit_quota ? find_free(cache, region) : CORCACHE_NO_SLOT;
	if (slot == CORCACHE_NO_SLOT) {
		trace_decision(cache, region, CORCACHE_FULL);
		return slot;
	}
	trace_decision(cache, region, CORCACHE_ADMIT);

	s = &cache->slots[slot];
	__clear_bit(slot, cache->free_map);
	cache->used++;
	cache->hand = slot + 1;
	s->region = region;
	/* read without the lock by evict_by_slot(), as it is everywhere here */
	WRITE_ONCE(s->flags, CORCACHE_SLOT_USED);
	corcache_policy_insert(&cache->policy, slot, region);
	/* valid is 0 since it was retired, and must be seen so: like publish */
	smp_store_release(&cache->index[region], slot + 1);
	return slot;
}

u32 __corcache_index_admit(struct corcache_cache *cache, u64 region, u64 bits)
{
	u32 entry = cache->index[region];
	u32 slot = entry ? entry - 1 : take_slot(cache, region, bits);

	lockdep_assert_held(&cache->lock);
	if (slot != CORCACHE_NO_SLOT)
		cache->slots[slot].writers++;
	return slot;
}

/*
 * A slot without a valid block is of no use.  If it never had one, nothing on
 * the device speaks of it, and it is free at once.
 */
static void end_writer(struct corcache_cache *cache, u32 slot)
{
	struct corcache_slot *s = &cache->slots[slot];

	if (--s->writers || __corcache_index_held(cache, slot))
		return;
	if (s->flags & CORCACHE_SLOT_RETIRED)
		free_slot(cache, slot);
	else if (!s->valid)
		__corcache_index_retire(cache, slot, false);
}

static void set_crcs(struct corcache_cache *cache, u32 slot, u64 bits,
		     const u32 *crc)
{
	u32 *to = cache->crc + (u64)slot * cache->geo.region_blocks;

	for (; bits; bits &= bits - 1)
		WRITE_ONCE(to[__ffs64(bits)], *crc++);
}

bool __corcache_index_publish(struct corcache_cache *cache, u32 slot,
			      u64 region, u64 bits, const u32 *crc)
{
	struct corcache_slot *s = &cache->slots[slot];
	bool ours = (s->flags & CORCACHE_SLOT_USED) && s->region == region;

	lockdep_assert_held(&cache->lock);
	if (ours && bits) {
		if (cache->crc)
			set_crcs(cache, slot, bits, crc);
		cache->valid_blocks += hweight64(bits & ~s->valid);
		/* pairs with the acquire in corcache_index_hit_run() */
		smp_store_release(&s->valid, s->valid | bits);
		mark_dirty(cache, slot);
	}
	end_writer(cache, slot);
	return ours && bits;
}

/* Steps 2 and 3, behind step 1: hits that are under way on the slot look again. */
static void stamp(struct corcache_cache *cache, struct corcache_slot *s)
{
	/*
	 * What step 1 has cleared must be seen gone by whoever sees the stamp or
	 * the new sequence; pairs with the acquire in corcache_retire_seq().
	 */
	smp_wmb();
	WRITE_ONCE(s->stamp, cache->retire_seq + 1);
	/* pairs with the acquire in corcache_index_retired(): stamp first */
	smp_store_release(&cache->retire_seq, cache->retire_seq + 1);
}

bool __corcache_index_drop(struct corcache_cache *cache, u32 slot, u64 bits)
{
	struct corcache_slot *s = &cache->slots[slot];

	lockdep_assert_held(&cache->lock);
	bits &= s->valid;
	if (!bits)
		return false;
	cache->valid_blocks -= hweight64(bits);
	WRITE_ONCE(s->valid, s->valid & ~bits);
	/* who has read a bad block before must not take its successor for it */
	stamp(cache, s);
	hold(cache, slot);
	return true;
}

void __corcache_index_retire(struct corcache_cache *cache, u32 slot, bool victim)
{
	struct corcache_slot *s = &cache->slots[slot];

	lockdep_assert_held(&cache->lock);
	WRITE_ONCE(cache->index[s->region], 0);
	stamp(cache, s);
	if (s->valid)
		hold(cache, slot);
	cache->valid_blocks -= hweight64(s->valid);
	/* late lookups find nothing; those that found it check the stamp */
	WRITE_ONCE(s->valid, 0);
	WRITE_ONCE(s->flags, CORCACHE_SLOT_RETIRED);
	cache->retired++;
	corcache_policy_remove(&cache->policy, slot, s->region, victim);
	/* nothing on the device speaks of a slot that is not held */
	if (!s->writers && !__corcache_index_held(cache, slot))
		free_slot(cache, slot);
}

void corcache_index_load(struct corcache_cache *cache, u32 slot, u64 region,
			 u64 valid, const u32 *crc)
{
	struct corcache_slot *s = &cache->slots[slot];

	if (cache->index[region]) {
		corcache_index_load_bad(cache, slot);
		return;
	}
	__clear_bit(slot, cache->free_map);
	cache->used++;
	s->region = region;
	s->flags = CORCACHE_SLOT_USED;
	if (cache->crc)
		memcpy(cache->crc + (u64)slot * cache->geo.region_blocks, crc,
		       cache->geo.region_blocks * sizeof(u32));
	s->valid = valid;
	cache->valid_blocks += hweight64(valid);
	cache->index[region] = slot + 1;
}

/*
 * What could not be read now, or names a region twice, may be readable, or the
 * only one, the next time.  So it must be gone from the device before the slot
 * is written: as a retired slot it is.
 */
void corcache_index_load_bad(struct corcache_cache *cache, u32 slot)
{
	struct corcache_slot *s = &cache->slots[slot];

	__clear_bit(slot, cache->free_map);
	cache->used++;
	s->flags = CORCACHE_SLOT_RETIRED;
	cache->retired++;
	hold(cache, slot);
}

bool corcache_index_hold_begin(struct corcache_cache *cache)
{
	bool held;

	spin_lock_irq(&cache->lock);
	held = cache->held;
	if (held) {
		/* the one of the last commit is empty: see hold_end */
		swap(cache->hold_map, cache->hold_commit_map);
		cache->held = 0;
	}
	spin_unlock_irq(&cache->lock);
	return held;
}

void corcache_index_hold_end(struct corcache_cache *cache)
{
	u64 nr = cache->geo.nr_slots;
	unsigned long slot = 0;

	/* only commits, one at a time, write to hold_commit_map */
	while ((slot = find_next_bit(cache->hold_commit_map, nr, slot)) < nr) {
		struct corcache_slot *s = &cache->slots[slot];

		spin_lock_irq(&cache->lock);
		__clear_bit(slot, cache->hold_commit_map);
		if ((s->flags & CORCACHE_SLOT_RETIRED) && !s->writers &&
		    !__corcache_index_held(cache, slot))
			free_slot(cache, slot);
		else if ((s->flags & CORCACHE_SLOT_USED) && !s->valid && !s->writers &&
			 !__corcache_index_held(cache, slot)) {
			/* all its blocks were dropped and none came back */
			__corcache_index_retire(cache, slot, false);
		}
		spin_unlock_irq(&cache->lock);
		cond_resched();
	}
}
