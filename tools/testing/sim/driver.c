// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's index, as far as our policy sees it.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "driver.h"

void driver_init(struct driver *d, const struct setup *setup)
{
	u32 slot;

	memset(d, 0, sizeof(*d));
	d->trace = setup->trace;
	d->decisions = setup->decisions;
	d->quota = setup->slots;
	d->nr_slots = max(setup->device_slots, setup->slots);
	d->entry = get_memory(setup->trace->nr_blocks, sizeof(u32));
	d->block = get_memory(d->nr_slots, sizeof(u32));
	if (setup->trace->bits)
		d->valid = get_memory(d->nr_slots, sizeof(u64));
	d->retired_slot = get_memory(d->nr_slots, sizeof(u32));
	d->free_map = get_memory(d->nr_slots / 64 + 1, sizeof(u64));
	for (slot = 0; slot < d->nr_slots; slot++)
		d->free_map[slot / 64] |= 1ULL << slot % 64;
}

void driver_free(struct driver *d)
{
	free(d->entry);
	free(d->block);
	free(d->valid);
	free(d->retired_slot);
	free(d->free_map);
}

/* The first bit that is set, from @from on; at least nr_slots: none. */
static u32 find_next_free(const struct driver *d, u32 from)
{
	u32 word = from / 64;
	u64 bits;

	if (from >= d->nr_slots)
		return d->nr_slots;
	bits = d->free_map[word] & ~0ULL << from % 64;
	while (!bits) {
		if (++word > (d->nr_slots - 1) / 64)
			return d->nr_slots;
		bits = d->free_map[word];
	}
	return word * 64 + __builtin_ctzll(bits);
}

/*
 * find_free() of index.c: the slot after that of the region before, or the next, of
 * the first that may be used.
 */
static u32 find_free(const struct driver *d, u32 block)
{
	u32 prev = d->trace->prev[block];
	u32 slot = prev == NONE ? 0 : d->entry[prev];

	if (slot && slot < d->quota && driver_free_slot(d, slot))
		return slot;
	slot = find_next_free(d, d->hand);
	if (slot >= d->quota)
		slot = find_next_free(d, 0);
	return slot < d->quota ? slot : NONE;
}

u32 driver_take(struct driver *d, u32 block)
{
	u32 slot = find_free(d, block);

	if (slot == NONE)
		return slot;
	d->free_map[slot / 64] &= ~(1ULL << slot % 64);
	d->used++;
	d->hand = slot + 1;
	d->block[slot] = block;
	d->entry[block] = slot + 1;
	if (d->valid)
		d->valid[slot] = 0;
	return slot;
}

void driver_retire(struct driver *d, u32 slot)
{
	d->entry[d->block[slot]] = 0;
	d->block[slot] = NONE;
	d->retired_slot[d->retired++] = slot;
}

void driver_free_retired(struct driver *d)
{
	while (d->retired) {
		u32 slot = d->retired_slot[--d->retired];

		d->free_map[slot / 64] |= 1ULL << slot % 64;
		d->used--;
	}
}

bool driver_fill(struct driver *d, u32 slot, u64 bits)
{
	bool there;

	if (!d->valid)
		return true;
	there = (d->valid[slot] & bits) == bits;
	d->valid[slot] |= bits;
	return there;
}
