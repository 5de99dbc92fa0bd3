// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiled like the module's files, against stand-ins of the kernel's headers
 * (tools/testing/shared/include).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#include "format.h"
#include "geometry.h"

#include "disk.h"

#define CHUNK		(DISK_END_SECTORS * DISK_SECTOR)
#define ANY_SIZE	~0ULL

static_assert(DISK_SECTOR == CORCACHE_SECTOR_BYTES);
static_assert(DISK_END_SECTORS == CORCACHE_RESERVED_SECTORS);
static_assert(DISK_ID_BYTES == CORCACHE_ID_BYTES);
static_assert(DISK_ORIGIN_ID_MOST == CORCACHE_ORIGIN_ID_MAX);
static_assert(DISK_BLOCKS_MOST == CORCACHE_REGION_MAX_BLOCKS);
static_assert(DISK_WHY_BYTES >= CORCACHE_REFUSAL_BYTES);

static const char *const super_words[] = {
	[SUPER_GOOD] = "good",
	[SUPER_ZERO] = "zero",
	[SUPER_NONE] = "none",
	[SUPER_DAMAGED] = "damaged",
	[SUPER_UNKNOWN] = "unknown",
	[SUPER_WRONG] = "wrong",
	[SUPER_SHRUNK] = "shrunk",
	[SUPER_UNREADABLE] = "unreadable",
};

static const char *const state_words[] = {
	[DISK_GOOD] = "good",
	[DISK_COPY] = "copy",
	[DISK_WIPED] = "wiped",
	[DISK_REFUSED] = "refused",
	[DISK_FOREIGN] = "foreign",
};

const char *disk_super_word(enum disk_super_state state)
{
	return super_words[state];
}

const char *disk_state_word(enum disk_state state)
{
	return state_words[state];
}

char *disk_id_text(const unsigned char *id, char *text)
{
	char *at = text;
	int i;

	for (i = 0; i < DISK_ID_BYTES; i++)
		at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
	return text;
}

int disk_read(const struct disk *disk, void *buffer, uint64_t sector, size_t bytes)
{
	ssize_t n;

	do
		n = pread(disk->fd, buffer, bytes, sector * DISK_SECTOR);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* beyond the end of what has become smaller */
	return (size_t)n == bytes ? 0 : -EIO;
}

/* ---- superblocks ---- */

static enum disk_super_state state_of(int error)
{
	switch (error) {
	case 0:
		return SUPER_GOOD;
	case -ENODATA:
		return SUPER_NONE;
	case -EILSEQ:
		return SUPER_DAMAGED;
	case -EOPNOTSUPP:
		return SUPER_UNKNOWN;
	case -ENOSPC:
		return SUPER_SHRUNK;
	default:
		return SUPER_WRONG;
	}
}

/* Fills in @super, and @found if it is good or of a larger device. */
static void decode(const void *bytes, u64 sectors, struct disk_super *super, struct corcache_super *found)
{
	u64 sector[CORCACHE_SECTOR_BYTES / sizeof(u64)];	/* aligned */
	const struct corcache_superblock *disk = (void *)sector;
	struct corcache_refusal why = { "" };

	memcpy(sector, bytes, sizeof(sector));
	memcpy(super->sector_bytes, bytes, sizeof(super->sector_bytes));
	super->magic = corcache_super_has_magic(sector);
	super->version = super->magic ? le32_to_cpu(disk->version) : 0;
	if (!memchr_inv(bytes, 0, DISK_SUPER_BYTES)) {
		super->state = SUPER_ZERO;
		strscpy(why.text, "zeros", sizeof(why.text));
	} else {
		super->state = state_of(corcache_super_decode(found, sector, sectors, &why));
		if (super->state == SUPER_NONE)
			strscpy(why.text, "no magic", sizeof(why.text));
		else if (super->state == SUPER_SHRUNK)
			corcache_super_decode(found, sector, ANY_SIZE, &(struct corcache_refusal){ "" });
	}
	strscpy(super->why, why.text, sizeof(super->why));
}

static void read_super(struct disk *disk, u64 sector, struct disk_super *super, struct corcache_super *found)
{
	int error;

	*super = (struct disk_super){ .sector = sector };
	error = disk->sectors < sector + DISK_SUPER_BYTES / DISK_SECTOR ? -EIO :
		disk_read(disk, disk->chunk, sector, DISK_SUPER_BYTES);
	if (!error) {
		decode(disk->chunk, disk->sectors, super, found);
		return;
	}
	super->state = SUPER_UNREADABLE;
	snprintf(super->why, sizeof(super->why), "cannot be read: %s", strerror(-error));
}

static void describe(const struct corcache_super *super, struct disk_layout *layout)
{
	const struct corcache_geometry *geo = &super->geo;

	*layout = (struct disk_layout){
		.incompat = geo->checksums ? CORCACHE_INCOMPAT_CHECKSUMS : 0,
		.compat = super->compat,
		.checksums = geo->checksums,
		.length = geo->target_sectors,
		.cache_sectors = geo->cache_sectors,
		.region_sectors = geo->region_sectors,
		.block_sectors = geo->block_sectors,
		.region_blocks = geo->region_blocks,
		.sector_entries = geo->sector_entries,
		.nr_regions = geo->nr_regions,
		.nr_slots = geo->nr_slots,
		.table_start = geo->table_start,
		.table_sectors = geo->table_sectors,
		.data_start = geo->data_start,
		.copy_start = geo->backup_start,
	};
	memcpy(layout->id, super->id, sizeof(layout->id));
	memcpy(layout->origin_id, super->origin_id, sizeof(layout->origin_id));
}

void disk_probe(const void *bytes, uint64_t sectors, struct disk_super *super, struct disk_layout *layout)
{
	struct corcache_super found;

	*super = (struct disk_super){ .sector = 0 };
	decode(bytes, sectors, super, &found);
	if (super->state == SUPER_GOOD)
		describe(&found, layout);
}

static bool is_damage(const struct disk_super *super)
{
	return super->state == SUPER_ZERO || super->state == SUPER_NONE || super->state == SUPER_DAMAGED ||
	       super->state == SUPER_UNREADABLE;
}

/* May the copy speak for the first one? As in metadata.c: damage leaves the rest of the first MiB zero. */
static bool copy_speaks(struct disk *disk)
{
	if (disk->first.state == SUPER_UNREADABLE)
		return true;
	if (disk_read(disk, disk->chunk, 0, CHUNK))
		return true;
	return !memchr_inv(disk->chunk + DISK_SECTOR, 0, CHUNK - DISK_SECTOR) &&
	       corcache_super_is_damaged(disk->first.sector_bytes, disk->copy.sector_bytes);
}

static enum disk_state judge(struct disk *disk)
{
	const struct disk_super *first = &disk->first, *copy = &disk->copy;

	if (first->state == SUPER_GOOD)
		return DISK_GOOD;
	if (!is_damage(first))
		return DISK_REFUSED;
	if (first->state != SUPER_UNREADABLE && !memchr_inv(first->sector_bytes, 0, DISK_SECTOR))
		return DISK_WIPED;
	if (copy->state == SUPER_GOOD)
		return copy_speaks(disk) ? DISK_COPY : DISK_REFUSED;
	return first->magic || copy->magic ? DISK_REFUSED : DISK_FOREIGN;
}

static bool is_usable(const struct disk_super *super)
{
	return super->state == SUPER_GOOD || super->state == SUPER_SHRUNK;
}

int disk_attach(struct disk *disk, int fd, uint64_t sectors, uint32_t unit)
{
	struct corcache_super *found, copy;
	u64 copy_at = sectors < DISK_END_SECTORS ? 0 : round_down(sectors, 8ULL) - CORCACHE_META_ALIGN_SECTORS;

	*disk = (struct disk){ .fd = fd, .sectors = sectors, .unit = unit };
	disk->format = found = calloc(1, sizeof(*found));
	if (!found || posix_memalign((void **)&disk->chunk, DISK_SUPER_BYTES, CHUNK)) {
		free(found);
		return -ENOMEM;
	}
	read_super(disk, 0, &disk->first, found);
	/* on a device that has grown, the copy is where the format says */
	if (disk->first.state == SUPER_GOOD)
		copy_at = found->geo.backup_start;
	read_super(disk, copy_at, &disk->copy, &copy);
	disk->state = judge(disk);
	if (is_usable(&disk->first)) {
		disk->used = &disk->first;
	} else if (is_usable(&disk->copy)) {
		disk->used = &disk->copy;
		*found = copy;
	}
	if (disk->used)
		describe(found, &disk->layout);
	return 0;
}

void disk_detach(struct disk *disk)
{
	free(disk->format);
	free(disk->chunk);
	disk->format = NULL;
	disk->chunk = NULL;
}

/* ---- table ---- */

static int get_entry(const struct corcache_super *super, const void *sector, u64 nr, u32 i, struct disk_entry *entry)
{
	u64 slot = nr * super->geo.sector_entries + i, region, valid;
	int ret = corcache_table_get(super, sector, i, &region, &entry->hint, &valid, entry->crc);

	if (ret <= 0)
		return ret;
	entry->slot = slot;
	entry->region = region;
	entry->valid = valid;
	return slot < super->geo.nr_slots ? 1 : -EINVAL;
}

static int walk_sector(struct disk *disk, const void *sector, u64 nr, const struct disk_visitor *visitor, void *data)
{
	const struct corcache_super *super = disk->format;
	u64 slot = nr * super->geo.sector_entries;
	struct disk_entry entry;
	int ret = 0;
	u32 i;

	switch (corcache_table_check(super, sector, nr)) {
	case CORCACHE_TABLE_EMPTY:
		return 0;
	case CORCACHE_TABLE_CORRUPT:
		return visitor->damage(data, DAMAGE_SECTOR, nr, slot);
	case CORCACHE_TABLE_VALID:
		break;
	}
	for (i = 0; i < super->geo.sector_entries && !ret; i++) {
		int kind = get_entry(super, sector, nr, i, &entry);

		if (kind > 0)
			ret = visitor->entry(data, &entry);
		else if (kind < 0)
			ret = visitor->damage(data, DAMAGE_ENTRY, nr, slot + i);
	}
	return ret;
}

/* The sectors of a chunk that cannot be read as one, in units. */
static int walk_units(struct disk *disk, u64 nr, size_t bytes, const struct disk_visitor *visitor, void *data)
{
	const struct corcache_super *super = disk->format;
	u32 each = disk->unit / DISK_SECTOR, i;
	u64 end = nr + bytes / DISK_SECTOR;
	int ret = 0;

	for (; nr < end && !ret; nr += each) {
		int error = disk_read(disk, disk->chunk, super->geo.table_start + nr, disk->unit);

		for (i = 0; i < each && !ret; i++)
			ret = error ? visitor->damage(data, DAMAGE_UNREADABLE, nr + i,
						      (nr + i) * super->geo.sector_entries) :
				      walk_sector(disk, disk->chunk + i * DISK_SECTOR, nr + i, visitor, data);
	}
	return ret;
}

int disk_walk(struct disk *disk, const struct disk_visitor *visitor, void *data)
{
	const struct corcache_geometry *geo = &((struct corcache_super *)disk->format)->geo;
	int ret = 0;
	u64 nr, i;

	for (nr = 0; nr < geo->table_sectors && !ret; nr += CHUNK / DISK_SECTOR) {
		size_t bytes = min_t(u64, geo->table_sectors - nr, CHUNK / DISK_SECTOR) * DISK_SECTOR;

		if (disk_read(disk, disk->chunk, geo->table_start + nr, bytes)) {
			ret = walk_units(disk, nr, bytes, visitor, data);
			continue;
		}
		for (i = 0; i < bytes / DISK_SECTOR && !ret; i++)
			ret = walk_sector(disk, disk->chunk + i * DISK_SECTOR, nr + i, visitor, data);
	}
	return ret;
}

int disk_entry_now(const struct disk *disk, uint64_t slot, struct disk_entry *entry)
{
	const struct corcache_super *super = disk->format;
	u64 nr = slot / super->geo.sector_entries, in_unit = disk->unit / DISK_SECTOR;
	const unsigned char *sector;
	void *unit;
	int ret;

	if (posix_memalign(&unit, DISK_SUPER_BYTES, disk->unit))
		return -ENOMEM;
	ret = disk_read(disk, unit, super->geo.table_start + round_down(nr, in_unit), disk->unit);
	sector = (unsigned char *)unit + nr % in_unit * DISK_SECTOR;
	if (!ret) {
		switch (corcache_table_check(super, sector, nr)) {
		case CORCACHE_TABLE_EMPTY:
			break;
		case CORCACHE_TABLE_CORRUPT:
			ret = -EILSEQ;
			break;
		case CORCACHE_TABLE_VALID:
			ret = get_entry(super, sector, nr, slot % super->geo.sector_entries, entry);
			break;
		}
	}
	free(unit);
	return ret;
}

/* ---- data ---- */

static const struct corcache_geometry *geometry(const struct disk *disk)
{
	return &((const struct corcache_super *)disk->format)->geo;
}

uint64_t disk_block(const struct disk *disk, uint64_t region, uint32_t bit)
{
	return from_block(corcache_region_to_block(geometry(disk), to_region(region))) + bit;
}

uint64_t disk_block_start(const struct disk *disk, uint64_t block)
{
	return corcache_block_to_sector(geometry(disk), to_block(block));
}

uint32_t disk_block_sectors(const struct disk *disk, uint64_t block)
{
	return corcache_blocks_sectors(geometry(disk), to_block(block), 1);
}

uint64_t disk_slot_sector(const struct disk *disk, uint64_t slot, uint32_t bit)
{
	return corcache_slot_to_sector(geometry(disk), to_slot(slot), bit);
}

uint32_t disk_block_crc(uint64_t block, const void *data, size_t bytes)
{
	return ~crc32c(corcache_block_seed(to_block(block)), data, bytes);
}
