// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks all that stands on a cache device that is not in use, for corcache_io.
 *
 * Linked with the module's own format and geometry code, like corcache_disk.c.  Of
 * the data area only valid blocks are read, so a large and sparse device costs no
 * more than its region table.
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

#define UNIT		4096
#define CHUNK		(256 * UNIT)	/* of the table, at a time */
#define SAY_MOST	5		/* of each kind */

const char *const corcache_fault_names[CORCACHE_FAULTS] = {
	[CORCACHE_FAULT_BLANK] = "blank",
	[CORCACHE_FAULT_SUPER] = "super",
	[CORCACHE_FAULT_TABLE] = "table",
	[CORCACHE_FAULT_ENTRY] = "entry",
	[CORCACHE_FAULT_DUPLICATE] = "duplicate",
	[CORCACHE_FAULT_CHECKSUM] = "checksum",
	[CORCACHE_FAULT_CONTENT] = "content",
	[CORCACHE_FAULT_UNREADABLE] = "unreadable",
};

struct named {
	u64 region, slot;
};

struct check {
	int fd;
	struct corcache_super super;
	corcache_content_fn content;
	struct corcache_report *report;
	unsigned char *region;		/* for the data of one slot */
	struct named *named;		/* who names a region */
	size_t room;
};

#define fault(check, kind, fmt, ...)						\
do {										\
	if (++(check)->report->faults[kind] <= SAY_MOST)			\
		printf("wrong %s: " fmt "\n", corcache_fault_names[kind], ##__VA_ARGS__); \
} while (0)

/* ---- data ---- */

static void check_block(struct check *c, const struct named *n, u32 bit, u32 crc, const void *data)
{
	const struct corcache_geometry *geo = &c->super.geo;
	u64 block = corcache_region_to_block(geo, n->region) + bit;
	size_t bytes = corcache_blocks_sectors(geo, block, 1) * CORCACHE_SECTOR_BYTES;

	c->report->blocks++;
	if (geo->checksums && ~crc32c(corcache_block_seed(block), data, bytes) != crc)
		fault(c, CORCACHE_FAULT_CHECKSUM, "block=%llu region=%llu slot=%llu",
		      (unsigned long long)block, (unsigned long long)n->region,
		      (unsigned long long)n->slot);
	if (!c->content(data, corcache_block_to_sector(geo, block) * CORCACHE_SECTOR_BYTES, bytes))
		fault(c, CORCACHE_FAULT_CONTENT, "block=%llu region=%llu slot=%llu",
		      (unsigned long long)block, (unsigned long long)n->region,
		      (unsigned long long)n->slot);
}

/* Valid blocks that lie side by side are read at once. */
static void check_slot(struct check *c, const struct named *n, u64 valid, const u32 *crc)
{
	const struct corcache_geometry *geo = &c->super.geo;
	size_t block_bytes = geo->block_sectors * CORCACHE_SECTOR_BYTES;
	u32 bit = 0, run, i;

	while (bit < geo->region_blocks && valid >> bit) {
		bit += corcache_run_of_zeros(valid, bit);
		run = corcache_run_of_ones(valid, bit);
		if (corcache_disk_transfer(c->fd, c->region,
					   corcache_slot_to_sector(geo, n->slot, bit),
					   run * block_bytes, 0)) {
			fault(c, CORCACHE_FAULT_UNREADABLE, "%u blocks of slot=%llu", run,
			      (unsigned long long)n->slot);
		} else {
			for (i = 0; i < run; i++)
				check_block(c, n, bit + i, crc[bit + i],
					    c->region + i * block_bytes);
		}
		bit += run;
	}
}

/* ---- table ---- */

static void remember(struct check *c, const struct named *n)
{
	if (c->report->entries == c->room) {
		c->room = c->room ? 2 * c->room : 1024;
		c->named = realloc(c->named, c->room * sizeof(*c->named));
		if (!c->named) {
			fprintf(stderr, "no memory for %zu entries\n", c->room);
			exit(70);
		}
	}
	c->named[c->report->entries++] = *n;
}

static void check_entries(struct check *c, const void *sector, u64 nr)
{
	const struct corcache_geometry *geo = &c->super.geo;
	u32 crc[CORCACHE_REGION_MAX_BLOCKS], i;

	for (i = 0; i < geo->sector_entries; i++) {
		struct named n = { .slot = nr * geo->sector_entries + i };
		u64 valid;
		u32 hint;
		int ret = corcache_table_get(&c->super, sector, i, &n.region, &hint, &valid, crc);

		if (!ret)
			continue;
		if (ret < 0 || n.slot >= geo->nr_slots) {
			fault(c, CORCACHE_FAULT_ENTRY, "slot=%llu table_sector=%llu",
			      (unsigned long long)n.slot, (unsigned long long)nr);
			continue;
		}
		remember(c, &n);
		check_slot(c, &n, valid, crc);
	}
}

static void check_table_sector(struct check *c, const void *sector, u64 nr)
{
	switch (corcache_table_check(&c->super, sector, nr)) {
	case CORCACHE_TABLE_VALID:
		check_entries(c, sector, nr);
		break;
	case CORCACHE_TABLE_CORRUPT:
		fault(c, CORCACHE_FAULT_TABLE, "table_sector=%llu", (unsigned long long)nr);
		break;
	case CORCACHE_TABLE_EMPTY:
		break;
	}
}

static void check_table(struct check *c, unsigned char *buf)
{
	const struct corcache_geometry *geo = &c->super.geo;
	u64 nr = 0;

	while (nr < geo->table_sectors) {
		u64 left = (geo->table_sectors - nr) * CORCACHE_SECTOR_BYTES;
		size_t bytes = left < CHUNK ? left : CHUNK;
		int unreadable =
			corcache_disk_transfer(c->fd, buf, geo->table_start + nr, bytes, 0);

		if (unreadable)
			fault(c, CORCACHE_FAULT_UNREADABLE, "table from its sector %llu on",
			      (unsigned long long)nr);
		for (size_t at = 0; at < bytes; at += CORCACHE_SECTOR_BYTES, nr++)
			if (!unreadable)
				check_table_sector(c, buf + at, nr);
	}
}

static int by_region(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return x->region < y->region ? -1 : x->region > y->region;
}

static void check_duplicates(struct check *c)
{
	u64 i;

	if (c->report->entries)
		qsort(c->named, c->report->entries, sizeof(*c->named), by_region);
	for (i = 1; i < c->report->entries; i++)
		if (c->named[i].region == c->named[i - 1].region)
			fault(c, CORCACHE_FAULT_DUPLICATE, "region=%llu slots=%llu,%llu",
			      (unsigned long long)c->named[i].region,
			      (unsigned long long)c->named[i - 1].slot,
			      (unsigned long long)c->named[i].slot);
}

/* ---- superblocks ---- */

static int get_super(struct check *c, void *buf, const char *which, u64 sector, u64 device_sectors,
		     struct corcache_super *super)
{
	struct corcache_refusal why = { "no magic" };

	if (corcache_disk_transfer(c->fd, buf, sector, UNIT, 0)) {
		fault(c, CORCACHE_FAULT_UNREADABLE, "%s superblock", which);
		return -1;
	}
	if (!corcache_super_decode(super, buf, device_sectors, &why))
		return 0;
	fault(c, CORCACHE_FAULT_SUPER, "%s copy: %s", which, why.text);
	return -1;
}

static int is_blank(struct check *c, void *buf)
{
	return !corcache_disk_transfer(c->fd, buf, 0, CHUNK, 0) && !memchr_inv(buf, 0, CHUNK);
}

/* Return: 0, or -1 if neither copy can be used. */
static int check_supers(struct check *c, void *buf, u64 device_sectors)
{
	u64 backup_at = corcache_disk_backup(device_sectors);
	unsigned char first[CORCACHE_SECTOR_BYTES];
	struct corcache_super backup;
	int have_main, have_backup;

	have_main = !get_super(c, buf, "first", 0, device_sectors, &c->super);
	memcpy(first, buf, sizeof(first));
	/* on a device that has grown, the copy is where the format says */
	if (have_main)
		backup_at = c->super.geo.backup_start;
	have_backup = !get_super(c, buf, "second", backup_at, device_sectors, &backup);
	if (have_main && have_backup && memcmp(first, buf, sizeof(first)))
		fault(c, CORCACHE_FAULT_SUPER, "the two copies differ");
	if (!have_main && have_backup)
		c->super = backup;
	return have_main || have_backup ? 0 : -1;
}

void corcache_disk_check(int fd, uint64_t device_sectors, corcache_content_fn content,
			 struct corcache_report *report)
{
	struct check c = { .fd = fd, .content = content, .report = report };
	unsigned char *buf;

	memset(report, 0, sizeof(*report));
	if (posix_memalign((void **)&buf, UNIT, CHUNK) ||
	    posix_memalign((void **)&c.region, UNIT,
			   CORCACHE_REGION_MAX_SECTORS * CORCACHE_SECTOR_BYTES)) {
		fprintf(stderr, "no memory\n");
		exit(70);
	}
	if (is_blank(&c, buf)) {
		fault(&c, CORCACHE_FAULT_BLANK, "the first MiB is zero");
	} else if (!check_supers(&c, buf, device_sectors)) {
		check_table(&c, buf);
		check_duplicates(&c);
	}
	free(c.named);
	free(c.region);
	free(buf);
}
