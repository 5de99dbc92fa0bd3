// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes one thing wrong with a cache device that is not in use, and all the rest
 * right, for corcache_io: what the offline check has to find.
 *
 * Linked with the module's own format and geometry code, like corcache_disk.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/crc32c.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "format.h"
#include "geometry.h"

#include "corcache_disk.h"

#define UNIT	4096

struct entry {
	u64 region, valid;
	u32 hint;
	u32 crc[CORCACHE_REGION_MAX_BLOCKS];
};

struct forger {
	int fd;
	struct corcache_super super;
	unsigned char *unit;		/* of the table: eight sectors */
	unsigned char *region;		/* data of a slot */
};

/* The table sector with the entry of @slot, in f->unit; its number in @nr. */
static unsigned char *read_sector(struct forger *f, u64 slot, u64 *nr)
{
	const struct corcache_geometry *geo = &f->super.geo;

	*nr = slot / geo->sector_entries;
	if (slot >= geo->nr_slots ||
	    corcache_disk_transfer(f->fd, f->unit, geo->table_start + *nr / 8 * 8, UNIT, 0))
		return NULL;
	return f->unit + *nr % 8 * CORCACHE_SECTOR_BYTES;
}

/* Return: 1 for an entry, 0 for an empty one, -1 for anything else. */
static int get_entry(struct forger *f, u64 slot, struct entry *e)
{
	u64 nr;
	const unsigned char *sector = read_sector(f, slot, &nr);
	enum corcache_table_state state;
	int ret;

	if (!sector)
		return -1;
	state = corcache_table_check(&f->super, sector, nr);
	if (state == CORCACHE_TABLE_EMPTY)
		return 0;
	if (state == CORCACHE_TABLE_CORRUPT)
		return -1;
	ret = corcache_table_get(&f->super, sector, slot % f->super.geo.sector_entries,
				 &e->region, &e->hint, &e->valid, e->crc);
	return ret < 0 ? -1 : ret;
}

static int put_entry(struct forger *f, u64 slot, const struct entry *e)
{
	const struct corcache_geometry *geo = &f->super.geo;
	u64 nr;
	unsigned char *sector = read_sector(f, slot, &nr);
	unsigned char made[CORCACHE_SECTOR_BYTES] __attribute__((aligned(8)));
	struct entry other;
	u32 i;

	if (!sector)
		return -1;
	corcache_table_begin(&f->super, made, nr);
	for (i = 0; i < geo->sector_entries; i++) {
		const struct entry *what = i == slot % geo->sector_entries ? e : &other;

		if (what == e ||
		    (corcache_table_check(&f->super, sector, nr) == CORCACHE_TABLE_VALID &&
		     corcache_table_get(&f->super, sector, i, &other.region, &other.hint,
					&other.valid, other.crc) > 0))
			corcache_table_put(&f->super, made, i, what->region, what->hint,
					   what->valid, geo->checksums ? what->crc : NULL);
	}
	corcache_table_seal(made);
	memcpy(sector, made, sizeof(made));
	return corcache_disk_transfer(f->fd, f->unit, geo->table_start + nr / 8 * 8, UNIT, 1);
}

static int move_data(struct forger *f, u64 slot, int write)
{
	const struct corcache_geometry *geo = &f->super.geo;

	return corcache_disk_transfer(f->fd, f->region, corcache_slot_to_sector(geo, slot, 0),
				      geo->region_sectors * CORCACHE_SECTOR_BYTES, write);
}

/* ---- the kinds ---- */

static int forge_checksum(struct forger *f, u64 slot, struct entry *e)
{
	e->crc[__ffs64(e->valid)] ^= 1;
	return put_entry(f, slot, e);
}

static int forge_entry(struct forger *f, u64 slot, struct entry *e)
{
	e->region = f->super.geo.nr_regions;
	return put_entry(f, slot, e);
}

/* Other bytes in its first valid block, with a checksum that fits. */
static int forge_content(struct forger *f, u64 slot, struct entry *e)
{
	const struct corcache_geometry *geo = &f->super.geo;
	u32 bit = __ffs64(e->valid);
	u64 block = corcache_region_to_block(geo, e->region) + bit;
	unsigned char *data =
		f->region + corcache_block_to_sector(geo, bit) * CORCACHE_SECTOR_BYTES;

	if (move_data(f, slot, 0))
		return -1;
	data[0] ^= 1;
	e->crc[bit] = ~crc32c(corcache_block_seed(block), data,
			      corcache_blocks_sectors(geo, block, 1) * CORCACHE_SECTOR_BYTES);
	return move_data(f, slot, 1) ?: put_entry(f, slot, e);
}

/* All of it once more, in the first slot that is empty. */
static int forge_duplicate(struct forger *f, u64 slot, struct entry *e)
{
	struct entry other;
	u64 empty = 0;
	int ret;

	while ((ret = get_entry(f, empty, &other)) > 0)
		empty++;
	if (ret < 0 || move_data(f, slot, 0) || move_data(f, empty, 1))
		return -1;
	return put_entry(f, empty, e);
}

static const struct {
	enum corcache_fault kind;
	int (*make)(struct forger *f, u64 slot, struct entry *e);
} kinds[] = {
	{ CORCACHE_FAULT_CHECKSUM, forge_checksum },
	{ CORCACHE_FAULT_ENTRY, forge_entry },
	{ CORCACHE_FAULT_CONTENT, forge_content },
	{ CORCACHE_FAULT_DUPLICATE, forge_duplicate },
};

static int forge(struct forger *f, u64 slot, const char *kind)
{
	struct entry e;
	size_t i;

	if (get_entry(f, slot, &e) != 1) {
		fprintf(stderr, "slot %llu is not occupied\n", (unsigned long long)slot);
		return -1;
	}
	/* nothing is wrong with any of these */
	if (!strncmp(kind, "hint=", 5)) {
		e.hint = strtoul(kind + 5, NULL, 0);
		return put_entry(f, slot, &e) ?: fsync(f->fd);
	}
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kind, corcache_fault_names[kinds[i].kind]))
			return kinds[i].make(f, slot, &e) ?: fsync(f->fd);
	fprintf(stderr, "cannot make this kind: %s\n", kind);
	return -1;
}

int corcache_disk_forge(int fd, uint64_t device_sectors, uint64_t slot, const char *kind)
{
	struct forger f = { .fd = fd };
	struct corcache_refusal why = { "no magic" };
	int ret = -1;

	if (posix_memalign((void **)&f.unit, UNIT, UNIT) ||
	    posix_memalign((void **)&f.region, UNIT,
			   CORCACHE_REGION_MAX_SECTORS * CORCACHE_SECTOR_BYTES)) {
		fprintf(stderr, "no memory\n");
		exit(70);
	}
	if (!corcache_disk_transfer(fd, f.unit, 0, UNIT, 0)) {
		if (corcache_super_decode(&f.super, f.unit, device_sectors, &why))
			fprintf(stderr, "superblock: %s\n", why.text);
		else
			ret = forge(&f, slot, kind);
	}
	free(f.region);
	free(f.unit);
	return ret;
}
