/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache disk: the structures on the cache device.
 *
 *   0        superblock (one sector), rest of the first MiB zero
 *   1 MiB    region table: self-contained sectors of 512 bytes
 *   ...      data area: slots of region_sectors each, starts on a MiB
 *   last MiB copy of the superblock in the last 4 KiB (sector % 8 == 0)
 *
 * Everything is little-endian.  Sizes and positions are in 512-byte sectors.
 *
 * Types and constants only; format.c encodes and checks them.  Compiles unchanged
 * in user space.  The description for people is in
 * Documentation/dm-corcache/format.rst.
 */
#ifndef DM_CORCACHE_DISK_H
#define DM_CORCACHE_DISK_H

#include <linux/bitops.h>
#include <linux/types.h>

#define CORCACHE_MAGIC			"corcache"	/* 8 bytes, no NUL */
#define CORCACHE_MAGIC_BYTES		8
#define CORCACHE_FORMAT_VERSION		1U
#define CORCACHE_SECTOR_BYTES		512U
#define CORCACHE_ID_BYTES		16U
#define CORCACHE_ORIGIN_ID_MAX		128U

/* Start of the region table, and size of each of the reserved ends. */
#define CORCACHE_RESERVED_SECTORS	2048U
/* Superblocks and table are placed in units of this, for 4Kn devices. */
#define CORCACHE_META_ALIGN_SECTORS	8U

/*
 * struct corcache_superblock.incompat: who does not know a bit must not touch the
 * device.  What a table line may switch on and off is no feature of the format: the
 * superblock is written once.
 */
#define CORCACHE_INCOMPAT_CHECKSUMS	BIT_ULL(0)
#define CORCACHE_INCOMPAT_KNOWN		CORCACHE_INCOMPAT_CHECKSUMS
/*
 * struct corcache_superblock.compat: who does not know a bit ignores it.  There is
 * none yet.
 */
#define CORCACHE_COMPAT_KNOWN		0ULL

/**
 * struct corcache_superblock - sector 0 and its copy in the last MiB
 * @magic: CORCACHE_MAGIC
 * @crc: CRC32C (~0 seed, inverted result) of the sector with this field zero
 * @version: CORCACHE_FORMAT_VERSION; @magic and @version never move
 * @id: random, made when formatting; names this formatting in table sectors
 * @incompat: CORCACHE_INCOMPAT_*; unknown bits refuse activation
 * @compat: unknown bits are ignored
 * @target_sectors: length of the target
 * @cache_sectors: size of the cache device when it was formatted, rounded
 *	down to CORCACHE_META_ALIGN_SECTORS
 * @region_sectors: see struct corcache_geometry, as those below
 * @block_sectors: see struct corcache_geometry
 * @nr_slots: see struct corcache_geometry
 * @table_start: see struct corcache_geometry
 * @table_sectors: see struct corcache_geometry
 * @data_start: see struct corcache_geometry
 * @backup_start: see struct corcache_geometry
 * @origin_id_bytes: 0 (none) to 128
 * @reserved: zero, unless a bit in @compat is not known
 * @origin_id: names the image's content, not terminated, zero-padded
 * @padding: zero, unless a bit in @compat is not known
 */
struct corcache_superblock {
	u8	magic[CORCACHE_MAGIC_BYTES];
	__le32	crc;
	__le32	version;
	u8	id[CORCACHE_ID_BYTES];
	__le64	incompat;
	__le64	compat;
	__le64	target_sectors;
	__le64	cache_sectors;
	__le32	region_sectors;
	__le32	block_sectors;
	__le64	nr_slots;
	__le64	table_start;
	__le64	table_sectors;
	__le64	data_start;
	__le64	backup_start;
	__le32	origin_id_bytes;
	__le32	reserved;
	u8	origin_id[CORCACHE_ORIGIN_ID_MAX];
	u8	padding[264];
};

/**
 * struct corcache_table_header - head of every table sector
 * @crc: CRC32C (~0 seed, inverted result) of the sector with this field zero
 * @reserved: zero
 * @sector: number of this sector in the table, from 0
 * @id: the superblock's; a sector with another id is empty
 *
 * geo->sector_entries entries of geo->entry_bytes follow, then zeros.
 */
struct corcache_table_header {
	__le32	crc;
	__le32	reserved;
	__le64	sector;
	u8	id[CORCACHE_ID_BYTES];
};

/* struct corcache_table_entry.hint */
#define CORCACHE_HINT_PINNED		BIT(31)		/* the region is no victim */
#define CORCACHE_HINT_POLICY		0x00ffffffU	/* what the policy knows */
/* What a later version may have put there: kept as long as the region is. */
#define CORCACHE_HINT_KEPT		0x7f000000U

/**
 * struct corcache_table_entry - one slot
 * @region: the region in this slot; 0 when @valid is 0
 * @hint: CORCACHE_HINT_*; any value is right, none is needed; 0 when @valid is 0
 * @valid: which blocks of the region the slot holds; 0: the slot is empty
 * @crc: with checksums, CRC32C (corcache_block_seed(), inverted) of each block's
 *	bytes that exist on the origin (fewer than a block at its end); 0 where
 *	not valid
 */
struct corcache_table_entry {
	__le32	region;
	__le32	hint;
	__le64	valid;
	__le32	crc[];
};

#endif /* DM_CORCACHE_DISK_H */
