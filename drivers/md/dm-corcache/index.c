// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache index: regions, slots, and what of them is valid.
 *
 * Owns cache->index, slots, crc, the free slots, the hold and dirty bitmaps, what the policy
 * knows of the slots, and which of their hints are on the disk; all but the policy's
 * visited bits is written under cache->lock.  Schedules commits, as it knows what is
 * dirty.  The life of a slot:
 *
 *   free -> used (admit) -> filled (publish) -> retired -> free (commit)
 *
 * A slot that is written again after something was removed from it could, if
 * the power went, be found under its old entry with the new bytes.  So what was
 * removed is held until a commit whose images were built after the removal is
 * durable: hold_map collects removals, a commit moves it to hold_commit_map
 * before it builds its first image, and empties that one when it is done.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "break.h"
#include "index.h"
#include "trace.h"

/*
 * Fills of one after another that wait for a commit share it, as do victims of the
 * policy.
 */
#define SOON_MS		5U

enum corcache_pause corcache_index_pause;

/* What is free that long is discarded: most slots of a busy cache are not. */
#define DISCARD_DELAY_MS	100

static unsigned long *alloc_map(u64 bits)
{
	return kvcalloc(BITS_TO_LONGS(bits), sizeof(long),
			GFP_KERNEL | __GFP_NOWARN);
}

/*
 * Not kvmalloc(), which refuses more than 2 GiB.  It fails rather than have the
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

/* Of the policy that wants most: a reload may bring another one. */
static u64 policy_bytes(const struct corcache_geometry *geo)
{
	return corcache_policy_bytes(CORCACHE_POLICY_ADAPTIVE, geo->nr_slots);
}

static u64 hint_bytes(const struct corcache_geometry *geo)
{
	return geo->table_sectors / CORCACHE_HINT_SECTORS * sizeof(u16);
}

u64 corcache_index_bytes(const struct corcache_geometry *geo)
{
	return geo->nr_regions * sizeof(corcache_entry_t) +
	       geo->nr_slots * sizeof(struct corcache_slot) +
	       corcache_slotmap_bytes(geo->nr_slots) + 2 * (geo->nr_slots / 8) +
	       2 * (geo->table_sectors / 8) + hint_bytes(geo) +
	       crc_bytes(geo) + policy_bytes(geo);
}

int corcache_index_alloc(struct corcache_cache *cache)
{
	const struct corcache_geometry *geo = &cache->geo;

	cache->index = alloc_table(geo->nr_regions * sizeof(corcache_entry_t));
	cache->slots = alloc_table(geo->nr_slots * sizeof(struct corcache_slot));
	if (geo->checksums)
		cache->crc = alloc_table(crc_bytes(geo));
	cache->free_memory = alloc_table(corcache_slotmap_bytes(geo->nr_slots));
	cache->hold_map = alloc_map(geo->nr_slots);
	cache->hold_commit_map = alloc_map(geo->nr_slots);
	cache->dirty_map = alloc_map(geo->table_sectors);
	cache->dirty_commit_map = alloc_map(geo->table_sectors);
	cache->hint_sums = kvzalloc(hint_bytes(geo), GFP_KERNEL | __GFP_NOWARN);
	cache->policy_memory = alloc_table(policy_bytes(geo));

	if (!cache->index || !cache->slots || (geo->checksums && !cache->crc) ||
	    !cache->free_memory || !cache->hold_map || !cache->hold_commit_map ||
	    !cache->dirty_map || !cache->dirty_commit_map || !cache->hint_sums ||
	    !cache->policy_memory)
		return -ENOMEM;
	corcache_slotmap_init(&cache->free, geo->nr_slots, cache->free_memory);
	return 0;
}

void corcache_index_free(struct corcache_cache *cache)
{
	vfree(cache->index);
	vfree(cache->slots);
	vfree(cache->crc);
	vfree(cache->free_memory);
	kvfree(cache->hold_map);
	kvfree(cache->hold_commit_map);
	kvfree(cache->dirty_map);
	kvfree(cache->dirty_commit_map);
	kvfree(cache->hint_sums);
	kvfree(cache->pins.regions);
	kvfree(cache->pins.slots);
	kvfree(cache->discard.map);
	vfree(cache->policy_memory);
}

/*
 * Steps 1 to 3 for all slots at once.  Word by word, as readers look at them: a
 * bypassed cache has none that begin, but hits that are under way, and lookups
 * that began before.
 */
static void retire_all(struct corcache_cache *cache)
{
	const struct corcache_geometry *geo = &cache->geo;
	u64 seq = cache->retire_seq + 1, i;

	for (i = 0; i < geo->nr_regions; i++) {
		WRITE_ONCE(cache->index[i], CORCACHE_NO_ENTRY);
		if (!(i & 0xffff))
			cond_resched();
	}
	/* as in __stamp() */
	smp_wmb();
	for (i = 0; i < geo->nr_slots; i++) {
		struct corcache_slot *s = &cache->slots[i];

		WRITE_ONCE(s->stamp, seq);
		WRITE_ONCE(s->valid, 0);
		WRITE_ONCE(s->flags, 0);
		s->writers = 0;
		if (!(i & 0xffff))
			cond_resched();
	}
	/* pairs with the acquire in corcache_index_retired() */
	smp_store_release(&cache->retire_seq, seq);
}

static void init_policy(struct corcache_cache *cache, enum corcache_policy_kind kind)
{
	memset(cache->policy_memory, 0, policy_bytes(&cache->geo));
	corcache_policy_init(&cache->policy, kind, cache->geo.nr_slots, cache->policy_memory);
	cache->load_policy = kind;
	cache->pins.in_force = false;
	cache->visited = cache->policy.visited;
	cache->policy_started = true;
}

void corcache_index_reset(struct corcache_cache *cache)
{
	const struct corcache_geometry *geo = &cache->geo;

	retire_all(cache);
	corcache_slotmap_fill(&cache->free);
	bitmap_zero(cache->hold_map, geo->nr_slots);
	bitmap_zero(cache->hold_commit_map, geo->nr_slots);
	bitmap_zero(cache->dirty_map, geo->table_sectors);
	bitmap_zero(cache->dirty_commit_map, geo->table_sectors);
	memset(cache->hint_sums, 0, hint_bytes(geo));
	if (cache->pins.slots)
		bitmap_zero(cache->pins.slots, geo->nr_slots);
	/* the status reads some of them */
	spin_lock_irq(&cache->lock);
	cache->held = 0;
	cache->dirty = 0;
	cache->used = 0;
	cache->retired = 0;
	cache->valid_blocks = 0;
	if (cache->discard.map)
		bitmap_zero(cache->discard.map, geo->nr_slots);
	cache->pinned = 0;
	cache->pins.lost = false;
	cache->hand = to_slot(0);
	spin_unlock_irq(&cache->lock);
	init_policy(cache, cache->load_policy);
}

void corcache_index_start_policy(struct corcache_cache *cache,
				 enum corcache_policy_kind kind)
{
	u64 slot, nr = cache->geo.nr_slots;

	if (cache->policy_started && cache->policy.kind == kind)
		return;
	init_policy(cache, kind);
	for (slot = 0; slot < nr; slot++) {
		struct corcache_slot *s = &cache->slots[slot];

		if (s->flags & CORCACHE_SLOT_USED)
			corcache_policy_insert(&cache->policy, slot, s->region);
		if (!(slot & 0xffff))
			cond_resched();
	}
}

static u64 valid_of(const struct corcache_cache *cache, corcache_slot_t slot)
{
	return READ_ONCE(cache->slots[from_slot(slot)].valid);
}

u32 corcache_index_miss_run(const struct corcache_cache *cache, corcache_block_t block,
			    u32 want)
{
	const struct corcache_geometry *geo = &cache->geo;
	corcache_region_t region = corcache_block_to_region(geo, block);
	u32 bit = corcache_block_bit(geo, block);
	u32 run = 0;

	while (run < want) {
		corcache_entry_t entry = READ_ONCE(cache->index[from_region(region)]);
		u64 valid = entry ? valid_of(cache, entry_to_slot(entry)) : 0;
		u32 room = geo->region_blocks - bit;
		u32 zeros = min(corcache_run_of_zeros(valid, bit), room);

		run += zeros;
		if (zeros < room)
			break;
		region = region_add(region, 1);
		bit = 0;
	}
	return min(run, want);
}

bool corcache_index_retired(const struct corcache_cache *cache, u64 seq,
			    corcache_slot_t slot, u32 nr)
{
	if (corcache_index_unchanged(cache, seq))
		return false;
	while (nr--) {
		const struct corcache_slot *s = &cache->slots[from_slot(slot)];

		slot = slot_add(slot, 1);
		if (READ_ONCE(s->stamp) > seq)
			return true;
	}
	return false;
}

static void __schedule_commit(struct corcache_cache *cache)
{
	lockdep_assert_held(&cache->lock);
	if (cache->owner && (cache->dirty || cache->held) &&
	    cache->mode == CORCACHE_ACTIVE && !corcache_index_commits_paused())
		queue_delayed_work(corcache_commit_wq, &cache->commit.work,
				   msecs_to_jiffies(cache->commit.interval_ms));
}

void corcache_index_schedule_commit(struct corcache_cache *cache, bool now)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	if (now && cache->owner && cache->mode == CORCACHE_ACTIVE &&
	    !corcache_index_commits_paused())
		mod_delayed_work(corcache_commit_wq, &cache->commit.work, 0);
	else
		__schedule_commit(cache);
	spin_unlock_irqrestore(&cache->lock, flags);
}

void corcache_index_schedule_commit_soon(struct corcache_cache *cache)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->lock, flags);
	/* once for each commit: again and again would put it off */
	if (!cache->commit.soon && cache->owner && cache->mode == CORCACHE_ACTIVE) {
		cache->commit.soon = true;
		mod_delayed_work(corcache_commit_wq, &cache->commit.work,
				 msecs_to_jiffies(min(cache->commit.interval_ms, SOON_MS)));
	}
	spin_unlock_irqrestore(&cache->lock, flags);
}

static void __mark_sector_dirty(struct corcache_cache *cache, u64 sector)
{
	lockdep_assert_held(&cache->lock);
	if (!__test_and_set_bit(sector, cache->dirty_map) && !cache->dirty++)
		__schedule_commit(cache);
}

static void __mark_dirty(struct corcache_cache *cache, corcache_slot_t slot)
{
	__mark_sector_dirty(cache, from_slot(slot) / cache->geo.sector_entries);
}

static void __hold(struct corcache_cache *cache, corcache_slot_t slot)
{
	u32 nr = from_slot(slot);

	lockdep_assert_held(&cache->lock);
	__mark_dirty(cache, slot);
	if (corcache_breaks(CORCACHE_BREAK_REUSE))
		return;
	if (!__test_and_set_bit(nr, cache->hold_map))
		cache->held++;
}

void corcache_index_schedule_discard(struct corcache_cache *cache)
{
	unsigned int delay = corcache_breaks(CORCACHE_BREAK_DISCARD) ? 0 : DISCARD_DELAY_MS;

	queue_delayed_work(corcache_commit_wq, &cache->discard.work, msecs_to_jiffies(delay));
}

/*
 * A slot that is free, and so durably removed, may be discarded, if nobody takes it
 * until the work comes.
 */
static void __want_discard(struct corcache_cache *cache, u32 nr)
{
	lockdep_assert_held(&cache->lock);
	if (!cache->discard.on)
		return;
	__set_bit(nr, cache->discard.map);
	if (cache->owner)
		corcache_index_schedule_discard(cache);
}

static void __free_slot(struct corcache_cache *cache, corcache_slot_t slot)
{
	u32 nr = from_slot(slot);
	struct corcache_slot *s = &cache->slots[nr];

	lockdep_assert_held(&cache->lock);
	WRITE_ONCE(s->flags, 0);
	corcache_slotmap_set(&cache->free, nr);
	__want_discard(cache, nr);
	cache->used--;
	cache->retired--;
	wake_up_all(&cache->wait);
}

/* -------- Discards ---------------------------------------------------- */

int corcache_index_alloc_discard(struct corcache_cache *cache)
{
	unsigned long *map;

	if (cache->discard.map)
		return 0;
	map = alloc_map(cache->geo.nr_slots);
	if (!map)
		return -ENOMEM;
	spin_lock_irq(&cache->lock);
	cache->discard.map = map;
	spin_unlock_irq(&cache->lock);
	return 0;
}

/* Return: may @nr be discarded?  Then it is not free any more. */
static bool __take_discard(struct corcache_cache *cache, u64 nr)
{
	lockdep_assert_held(&cache->lock);
	if (nr >= cache->geo.nr_slots || !test_bit(nr, cache->discard.map))
		return false;
	__clear_bit(nr, cache->discard.map);
	if (corcache_slotmap_test(&cache->free, nr)) {
		corcache_slotmap_clear(&cache->free, nr);
		return true;
	}
	return corcache_breaks(CORCACHE_BREAK_DISCARD);
}

u32 corcache_index_take_discard(struct corcache_cache *cache, corcache_slot_t *first, u32 most)
{
	u64 slots = cache->geo.nr_slots, *hand = &cache->discard.hand;
	u32 nr = 0;

	/* searched without the lock, as is the dirty map: what is found is looked at again */
	*hand = data_race(find_next_bit(cache->discard.map, slots, *hand));
	if (*hand >= slots)
		/* likewise */
		*hand = data_race(find_next_bit(cache->discard.map, slots, 0));
	*first = to_slot(*hand);
	spin_lock_irq(&cache->lock);
	while (nr < most && !corcache_index_paused() && __take_discard(cache, *hand + nr))
		nr++;
	/* whoever pauses, or loads anew, waits for it */
	cache->writing += !!nr;
	spin_unlock_irq(&cache->lock);
	return nr;
}

void corcache_index_give_discarded(struct corcache_cache *cache, corcache_slot_t first, u32 nr)
{
	spin_lock_irq(&cache->lock);
	for (; nr; nr--, first = slot_add(first, 1))
		if (!corcache_breaks(CORCACHE_BREAK_DISCARD) ||
		    !cache->slots[from_slot(first)].flags)
			corcache_slotmap_set(&cache->free, from_slot(first));
	cache->writing--;
	spin_unlock_irq(&cache->lock);
	wake_up_all(&cache->wait);
}

/* -------- Pins -------------------------------------------------------- */

static bool __is_pinned(const struct corcache_cache *cache, corcache_region_t region)
{
	lockdep_assert_held(&cache->lock);
	return cache->pins.regions && test_bit(from_region(region), cache->pins.regions);
}

/*
 * More pinned slots than there may be, after a lower quota: the policy would find no
 * victim.  Then none is kept from it until enough of them have gone.  A quota that is
 * being lowered is not in force yet, and takes the others first.
 */
void __corcache_index_check_pins(struct corcache_cache *cache)
{
	u64 slots = max(cache->quota, cache->used);
	bool hold = cache->pinned && cache->pinned <= corcache_pins_most(slots);

	lockdep_assert_held(&cache->lock);
	if (hold == cache->pins.in_force)
		return;
	cache->pins.in_force = hold;
	corcache_policy_set_pinned(&cache->policy, hold ? cache->pins.slots : NULL);
}

static void __pin_slot(struct corcache_cache *cache, corcache_slot_t slot, bool pin)
{
	lockdep_assert_held(&cache->lock);
	if (pin) {
		__set_bit(from_slot(slot), cache->pins.slots);
		cache->pinned++;
	} else {
		__clear_bit(from_slot(slot), cache->pins.slots);
		cache->pinned--;
	}
	__corcache_index_check_pins(cache);
}

int corcache_index_alloc_pins(struct corcache_cache *cache)
{
	unsigned long *regions, *slots;

	if (cache->pins.regions)
		return 0;
	regions = alloc_map(cache->geo.nr_regions);
	slots = alloc_map(cache->geo.nr_slots);
	if (!regions || !slots) {
		kvfree(regions);
		kvfree(slots);
		return -ENOMEM;
	}
	spin_lock_irq(&cache->lock);
	cache->pins.regions = regions;
	cache->pins.slots = slots;
	spin_unlock_irq(&cache->lock);
	return 0;
}

void corcache_index_pin(struct corcache_cache *cache, corcache_region_t region, bool pin)
{
	corcache_entry_t entry;

	spin_lock_irq(&cache->lock);
	entry = cache->index[from_region(region)];
	if (__is_pinned(cache, region) != pin) {
		__change_bit(from_region(region), cache->pins.regions);
		cache->pins.nr += pin ? 1 : -1;
		if (entry)
			__pin_slot(cache, entry_to_slot(entry), pin);
		if (entry && cache->slots[from_slot(entry_to_slot(entry))].valid)
			__mark_dirty(cache, entry_to_slot(entry));
	}
	spin_unlock_irq(&cache->lock);
}

/* -------- Admitting and publishing ------------------------------------ */

/* The entry of the region before @region. */
static corcache_entry_t __entry_before(const struct corcache_cache *cache,
				       corcache_region_t region)
{
	u64 number = from_region(region);

	lockdep_assert_held(&cache->lock);
	return number ? cache->index[number - 1] : CORCACHE_NO_ENTRY;
}

/*
 * Prefer the slot after that of the region before: what is read in one go
 * should lie in one piece.  Else the next free one from where the last was
 * found.  Only as many slots as may be used are looked at: one of them is free,
 * and a search of what is used, as the policy's, has less to go over.
 */
static corcache_slot_t __next_free(struct corcache_cache *cache, corcache_region_t region)
{
	corcache_entry_t before = __entry_before(cache, region);
	u64 nr = cache->admit_quota;
	u64 found;

	lockdep_assert_held(&cache->lock);
	if (before) {
		found = from_slot(slot_add(entry_to_slot(before), 1));
		if (found < nr && corcache_slotmap_test(&cache->free, found))
			return to_slot(found);
	}
	found = corcache_slotmap_next(&cache->free, from_slot(cache->hand));
	if (found >= nr)
		found = corcache_slotmap_next(&cache->free, 0);
	return found < nr ? to_slot(found) : CORCACHE_NO_SLOT;
}

static void trace_decision(struct corcache_cache *cache, corcache_region_t region,
			   enum corcache_decision decision)
{
	trace_corcache_decision(cache->bdev->bd_dev,
				from_region(region) << cache->geo.region_shift,
				cache->geo.region_sectors, decision);
}

static corcache_slot_t __take_slot(struct corcache_cache *cache, corcache_region_t region,
				   u64 bits)
{
	struct corcache_slot *s;
	corcache_slot_t slot;
	bool admitted;
	u32 nr;

	lockdep_assert_held(&cache->lock);
	admitted = corcache_policy_miss(&cache->policy, from_region(region), bits);
	if (cache->policy.known)
		corcache_stat_inc(cache, ghost_hits);
	if (!admitted) {
		trace_decision(cache, region, CORCACHE_REJECT);
		return CORCACHE_NO_SLOT;
	}
	slot = cache->used < cache->admit_quota ? __next_free(cache, region) : CORCACHE_NO_SLOT;
	if (slot == CORCACHE_NO_SLOT) {
		corcache_stat_inc(cache, full);
		trace_decision(cache, region, CORCACHE_FULL);
		return slot;
	}
	trace_decision(cache, region, CORCACHE_ADMIT);

	nr = from_slot(slot);
	s = &cache->slots[nr];
	corcache_slotmap_clear(&cache->free, nr);
	if (cache->discard.map)
		__clear_bit(nr, cache->discard.map);
	cache->used++;
	cache->hand = slot_add(slot, 1);
	s->region = from_region(region);
	/* read without the lock by evict_by_slot(), as it is everywhere here */
	WRITE_ONCE(s->flags, CORCACHE_SLOT_USED);
	corcache_policy_insert(&cache->policy, nr, from_region(region));
	if (__is_pinned(cache, region))
		__pin_slot(cache, slot, true);
	/* valid is 0 since it was retired, and must be seen so: like publish */
	smp_store_release(&cache->index[from_region(region)], slot_to_entry(slot));
	return slot;
}

corcache_slot_t __corcache_index_admit(struct corcache_cache *cache, corcache_region_t region,
				       u64 bits)
{
	corcache_entry_t entry = cache->index[from_region(region)];
	corcache_slot_t slot = entry ? entry_to_slot(entry) : __take_slot(cache, region, bits);

	lockdep_assert_held(&cache->lock);
	if (slot == CORCACHE_NO_SLOT)
		return slot;
	/*
	 * A valid block is not written.  Only what was read while the cache was bypassed,
	 * and comes when it is active again, may have some.
	 */
	if (cache->slots[from_slot(slot)].valid & bits)
		return CORCACHE_NO_SLOT;
	cache->slots[from_slot(slot)].writers++;
	cache->writing++;
	return slot;
}

/*
 * A slot without a valid block is of no use.  If it never had one, nothing on
 * the device speaks of it, and it is free at once.
 */
static void __end_writer(struct corcache_cache *cache, corcache_slot_t slot)
{
	struct corcache_slot *s = &cache->slots[from_slot(slot)];

	lockdep_assert_held(&cache->lock);
	if (!--cache->writing && corcache_index_paused())
		wake_up_all(&cache->wait);
	if (--s->writers || __corcache_index_held(cache, slot))
		return;
	if (s->flags & CORCACHE_SLOT_RETIRED)
		__free_slot(cache, slot);
	else if (!s->valid)
		__corcache_index_retire(cache, slot, false);
}

static void __set_crcs(struct corcache_cache *cache, corcache_slot_t slot, u64 bits,
		       const u32 *crc)
{
	u32 *to = corcache_slot_crcs(cache, slot);

	lockdep_assert_held(&cache->lock);
	for (; bits; bits &= bits - 1)
		WRITE_ONCE(to[__ffs64(bits)], *crc++);
}

bool __corcache_index_publish(struct corcache_cache *cache, corcache_slot_t slot,
			      corcache_region_t region, u64 bits, const u32 *crc)
{
	struct corcache_slot *s = &cache->slots[from_slot(slot)];
	bool ours = (s->flags & CORCACHE_SLOT_USED) && corcache_slot_region(s) == region;

	lockdep_assert_held(&cache->lock);
	if (ours && bits) {
		if (cache->crc)
			__set_crcs(cache, slot, bits, crc);
		cache->valid_blocks += hweight64(bits & ~s->valid);
		/* pairs with the acquire in corcache_index_hit_run() */
		smp_store_release(&s->valid, s->valid | bits);
		__mark_dirty(cache, slot);
	}
	__end_writer(cache, slot);
	return ours && bits;
}

/* Steps 2 and 3, behind step 1: hits that are under way on the slot look again. */
static void __stamp(struct corcache_cache *cache, struct corcache_slot *s)
{
	lockdep_assert_held(&cache->lock);
	/*
	 * What step 1 has cleared must be seen gone by a reader that sees the stamp
	 * or the new sequence; pairs with the acquire in corcache_retire_seq().
	 */
	smp_wmb();
	WRITE_ONCE(s->stamp, cache->retire_seq + 1);
	/* pairs with the acquire in corcache_index_retired(): stamp first */
	smp_store_release(&cache->retire_seq, cache->retire_seq + 1);
}

bool __corcache_index_drop(struct corcache_cache *cache, corcache_slot_t slot, u64 bits)
{
	struct corcache_slot *s = &cache->slots[from_slot(slot)];

	lockdep_assert_held(&cache->lock);
	bits &= s->valid;
	if (!bits)
		return false;
	cache->valid_blocks -= hweight64(bits);
	WRITE_ONCE(s->valid, s->valid & ~bits);
	/* a reader of the bad block must not take its successor for it */
	__stamp(cache, s);
	__hold(cache, slot);
	return true;
}

void __corcache_index_retire(struct corcache_cache *cache, corcache_slot_t slot, bool victim)
{
	struct corcache_slot *s = &cache->slots[from_slot(slot)];

	lockdep_assert_held(&cache->lock);
	WRITE_ONCE(cache->index[s->region], CORCACHE_NO_ENTRY);
	__stamp(cache, s);
	if (s->valid)
		__hold(cache, slot);
	if (corcache_breaks(CORCACHE_BREAK_DISCARD))
		__want_discard(cache, from_slot(slot));
	cache->valid_blocks -= hweight64(s->valid);
	/* late lookups find nothing; those that found it check the stamp */
	WRITE_ONCE(s->valid, 0);
	WRITE_ONCE(s->flags, CORCACHE_SLOT_RETIRED);
	cache->retired++;
	corcache_policy_remove(&cache->policy, from_slot(slot), s->region, victim);
	if (__is_pinned(cache, corcache_slot_region(s)))
		__pin_slot(cache, slot, false);
	/* nothing on the device speaks of a slot that is not held */
	if (!s->writers && !__corcache_index_held(cache, slot))
		__free_slot(cache, slot);
}

/* -------- Hints ------------------------------------------------------- */

/*
 * A hint makes no sector dirty: what the policy knows changes with the reads, and a
 * commit for that would be one a second.  A commit that writes anyway looks which
 * groups of sectors have other hints now than on the disk, by a sum of 16 bits of
 * each.  Slots without a hint add nothing, so the sum of an empty group is 0.
 */
static u16 hint_sum(u32 nr, u32 hint)
{
	return hint ? ((hint ^ nr * 0x9e3779b1U) * 0x85ebca6bU) >> 16 : 0;
}

static u64 hint_group(const struct corcache_cache *cache, u32 nr)
{
	return nr / cache->geo.sector_entries / CORCACHE_HINT_SECTORS;
}

u32 __corcache_index_hint(const struct corcache_cache *cache, corcache_slot_t slot)
{
	u32 nr = from_slot(slot), flags = cache->slots[nr].flags;

	lockdep_assert_held(&cache->lock);
	return (corcache_policy_hint(&cache->policy, nr) & CORCACHE_HINT_POLICY) |
	       (flags & CORCACHE_SLOT_KEPT) << CORCACHE_SLOT_KEPT_SHIFT |
	       (cache->pinned && test_bit(nr, cache->pins.slots) ? CORCACHE_HINT_PINNED : 0);
}

static u16 __sum_hints(const struct corcache_cache *cache, u64 group)
{
	u32 slots = CORCACHE_HINT_SECTORS * cache->geo.sector_entries;
	u64 slot = group * slots, end = min(slot + slots, cache->geo.nr_slots);
	u16 sum = 0;

	lockdep_assert_held(&cache->lock);
	for (; slot < end; slot++)
		if (cache->slots[slot].valid)
			sum ^= hint_sum(slot, __corcache_index_hint(cache, to_slot(slot)));
	return sum;
}

bool corcache_index_hints_changed(struct corcache_cache *cache, u64 group)
{
	bool changed;
	u16 sum;

	spin_lock_irq(&cache->lock);
	sum = __sum_hints(cache, group);
	changed = sum != cache->hint_sums[group];
	cache->hint_sums[group] = sum;
	spin_unlock_irq(&cache->lock);
	return changed;
}

/* -------- Loading ----------------------------------------------------- */

/*
 * @region is in @slot: what of the pins in memory, and what says the device?  A pin of
 * the device that there is no memory for is lost.
 */
static void __load_pin(struct corcache_cache *cache, corcache_slot_t slot,
		       corcache_region_t region, bool pinned)
{
	lockdep_assert_held(&cache->lock);
	if (!cache->pins.regions)
		return;
	if (pinned && !__test_and_set_bit(from_region(region), cache->pins.regions))
		cache->pins.nr++;
	if (__is_pinned(cache, region))
		__pin_slot(cache, slot, true);
}

void corcache_index_load(struct corcache_cache *cache, corcache_slot_t slot,
			 corcache_region_t region, u32 hint, u64 valid, const u32 *crc)
{
	u32 nr = from_slot(slot);
	struct corcache_slot *s = &cache->slots[nr];

	if (cache->index[from_region(region)]) {
		corcache_index_load_bad(cache, slot);
		return;
	}
	if (hint & CORCACHE_HINT_PINNED && corcache_index_alloc_pins(cache))
		cache->pins.lost = true;
	spin_lock_irq(&cache->lock);
	corcache_slotmap_clear(&cache->free, nr);
	cache->used++;
	s->region = from_region(region);
	WRITE_ONCE(s->flags, CORCACHE_SLOT_USED |
			     (hint & CORCACHE_HINT_KEPT) >> CORCACHE_SLOT_KEPT_SHIFT);
	cache->hint_sums[hint_group(cache, nr)] ^= hint_sum(nr, hint);
	corcache_policy_restore(&cache->policy, nr, s->region, hint & CORCACHE_HINT_POLICY);
	__load_pin(cache, slot, region, hint & CORCACHE_HINT_PINNED);
	if (cache->crc)
		__set_crcs(cache, slot, corcache_bit_range(0, cache->geo.region_blocks), crc);
	cache->valid_blocks += hweight64(valid);
	/* after the checksums, as in __corcache_index_publish() */
	smp_store_release(&s->valid, valid);
	/* after what is in the slot, as in __take_slot() */
	smp_store_release(&cache->index[from_region(region)], slot_to_entry(slot));
	spin_unlock_irq(&cache->lock);
}

void corcache_index_keep(struct corcache_cache *cache, corcache_slot_t slot,
			 corcache_region_t region, u64 valid)
{
	struct corcache_slot *s = &cache->slots[from_slot(slot)];

	spin_lock_irq(&cache->lock);
	if (s->flags & CORCACHE_SLOT_USED) {
		if (corcache_slot_region(s) != region)
			valid = 0;
		if (s->valid & valid)
			__corcache_index_drop(cache, slot, ~valid);
		else
			__corcache_index_retire(cache, slot, false);
	}
	spin_unlock_irq(&cache->lock);
}

/*
 * What could not be read now, or names a region twice, may be readable, or the
 * only one, the next time.  So it must be gone from the device before the slot
 * is written: as a retired slot it is.
 */
void corcache_index_load_bad(struct corcache_cache *cache, corcache_slot_t slot)
{
	u32 nr = from_slot(slot);
	struct corcache_slot *s = &cache->slots[nr];

	spin_lock_irq(&cache->lock);
	corcache_slotmap_clear(&cache->free, nr);
	cache->used++;
	WRITE_ONCE(s->flags, CORCACHE_SLOT_RETIRED);
	cache->retired++;
	__hold(cache, slot);
	spin_unlock_irq(&cache->lock);
}

/* -------- Commits ------------------------------------------------------ */

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
	cache->commit.soon = false;
	spin_unlock_irq(&cache->lock);
	return held;
}

void __corcache_index_take_dirty(struct corcache_cache *cache, u64 nr)
{
	lockdep_assert_held(&cache->lock);
	if (__test_and_clear_bit(nr, cache->dirty_map))
		cache->dirty--;
	__set_bit(nr, cache->dirty_commit_map);
}

/* Only commits, one at a time, write to dirty_commit_map and hold_commit_map. */
void corcache_index_dirty_end(struct corcache_cache *cache)
{
	bitmap_zero(cache->dirty_commit_map, cache->geo.table_sectors);
}

/*
 * What it had taken may be on the device, or not, or in part; the next one writes
 * it again.
 */
static void dirty_again(struct corcache_cache *cache)
{
	u64 sectors = cache->geo.table_sectors;
	unsigned long found = 0;

	while ((found = find_next_bit(cache->dirty_commit_map, sectors, found)) < sectors) {
		spin_lock_irq(&cache->lock);
		__clear_bit(found, cache->dirty_commit_map);
		__mark_sector_dirty(cache, found);
		spin_unlock_irq(&cache->lock);
		cond_resched();
	}
}

static void hold_again(struct corcache_cache *cache)
{
	u64 nr = cache->geo.nr_slots;
	unsigned long found = 0;

	while ((found = find_next_bit(cache->hold_commit_map, nr, found)) < nr) {
		spin_lock_irq(&cache->lock);
		/* at no moment is it in neither */
		if (!__test_and_set_bit(found, cache->hold_map))
			cache->held++;
		__clear_bit(found, cache->hold_commit_map);
		spin_unlock_irq(&cache->lock);
		cond_resched();
	}
}

void corcache_index_commit_failed(struct corcache_cache *cache)
{
	dirty_again(cache);
	hold_again(cache);
}

void corcache_index_hold_end(struct corcache_cache *cache)
{
	u64 nr = cache->geo.nr_slots;
	unsigned long found = 0;

	/* only commits, one at a time, write to hold_commit_map */
	while ((found = find_next_bit(cache->hold_commit_map, nr, found)) < nr) {
		struct corcache_slot *s = &cache->slots[found];

		spin_lock_irq(&cache->lock);
		__clear_bit(found, cache->hold_commit_map);
		if ((s->flags & CORCACHE_SLOT_RETIRED) && !s->writers &&
		    !__corcache_index_held(cache, to_slot(found)))
			__free_slot(cache, to_slot(found));
		else if ((s->flags & CORCACHE_SLOT_USED) && !s->valid && !s->writers &&
			 !__corcache_index_held(cache, to_slot(found))) {
			/* all its blocks were dropped and none came back */
			__corcache_index_retire(cache, to_slot(found), false);
		}
		spin_unlock_irq(&cache->lock);
		cond_resched();
	}
}
