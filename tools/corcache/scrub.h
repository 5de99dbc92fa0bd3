/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scrub: the blocks of a cache device, each compared with its checksum and, if wanted, with
 * the origin.
 *
 * The device may be in use. Then what the table says may be out of date when the data is
 * read, and a block that looks wrong has to look wrong again, several times, with the same
 * entry in the table before and after its data was read, before it is called wrong. This is
 * enough, by these rules of the target:
 *
 * - An entry is written after the data that it describes is durable. So what the table says
 *   is on the device, or was.
 * - A slot, or a block of it, is written or discarded again only after the table has been
 *   written without it. So while the table names a block, its data stays as it is. Data that
 *   was read between two readings of the table that say the same was there when the table
 *   said so; unless the block went and came back in between, which takes two commits of the
 *   table, each with a flush. Nobody is so unlucky SCRUB_TRIES times in a row, with time
 *   between the tries.
 * - A table sector that is being written while it is read may have a checksum that does not
 *   hold. That is tried again as well, and is left to the table's own check if it stays so.
 * - The table on the device lags behind the target's memory by up to a commit. What memory
 *   has already dropped may still be called wrong: that is what was there, and to read it
 *   once more does no harm.
 * - What was formatted anew meanwhile has another format id: the old entries are gone.
 * - Reads go past the page cache (block.h), as the target's do.
 */
#ifndef CORCACHE_SCRUB_H
#define CORCACHE_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "disk.h"

#define SCRUB_TRIES	3

enum scrub_kind {
	SCRUB_CHECKSUM,		/* another checksum than the table says */
	SCRUB_CONTENT,		/* not what the origin holds */
	SCRUB_UNREADABLE,	/* of the cache device */
};

struct scrub_fault {
	enum scrub_kind kind;
	uint64_t block, region, slot;
	uint64_t origin_sector, cache_sector;
	uint32_t sectors;
};

struct scrub {
	struct disk *disk;
	int origin;			/* open for reading; -1: not compared */
	bool live;			/* the device is in use */
	uint64_t rate;			/* bytes per second, 0: no limit */
	void (*fault)(void *data, const struct scrub_fault *fault);
	void (*damage)(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot);
	void *data;
	/* what was found */
	uint64_t blocks, bytes;		/* that were checked */
	uint64_t wrong, unreadable;	/* blocks, with each fault() was called */
	uint64_t changed;		/* blocks that looked wrong, and went while they were looked at again */
	uint64_t origin_errors;		/* blocks that were compared with their checksum only */
};

const char *scrub_word(enum scrub_kind kind);

/* Returns 0 or -ENOMEM. */
int scrub_run(struct scrub *scrub);

/* Is it still wrong? False also if the block has gone from the table. */
bool scrub_still_wrong(struct scrub *scrub, const struct scrub_fault *fault);

#endif /* CORCACHE_SCRUB_H */
