/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's index does for our policy: which region is in which slot,
 * which slots are free, what of a region is valid.
 */
#ifndef CORCACHE_SIM_DRIVER_H
#define CORCACHE_SIM_DRIVER_H

#include "sim.h"

struct driver {
	const struct trace *trace;
	FILE	*decisions;
	u32	*entry;		/* of each block: slot + 1, as in cache->index */
	u32	*block;		/* of each slot that is used; NONE: it is retired */
	u64	*valid;		/* of each slot: fill blocks; NULL: all */
	u64	*free_map;
	u32	nr_slots, quota, hand;
	u32	used;		/* slots that are not free */
	u32	retired;	/* of them, those that are empty, in retired_slot */
	u32	*retired_slot;
};

void driver_init(struct driver *driver, const struct setup *setup);
void driver_free(struct driver *driver);

/* A free slot for @block, or NONE; it is used from now on. */
u32 driver_take(struct driver *driver, u32 block);
/* What is in @slot is not there any more; it is not free yet. */
void driver_retire(struct driver *driver, u32 slot);
void driver_free_retired(struct driver *driver);

/* @bits of @slot are asked for: were they all there?  They are now. */
bool driver_fill(struct driver *driver, u32 slot, u64 bits);

static inline u32 driver_region(const struct driver *driver, u32 slot)
{
	return trace_region(driver->trace, driver->block[slot]);
}

static inline bool driver_free_slot(const struct driver *driver, u32 slot)
{
	return driver->free_map[slot / 64] >> slot % 64 & 1;
}

/* Is there a region in @slot? */
static inline bool driver_used(const struct driver *driver, u32 slot)
{
	return !driver_free_slot(driver, slot) && driver->block[slot] != NONE;
}

static inline void driver_say(const struct driver *driver, const char *what, u32 block)
{
	if (driver->decisions)
		fprintf(driver->decisions, "%s %llu\n", what, driver->trace->id[block]);
}

#endif /* CORCACHE_SIM_DRIVER_H */
