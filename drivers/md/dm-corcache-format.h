/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache format: what stands on the cache device, byte by byte.
 *
 * Owns the on-disk structures, their encoding, and every check of what was
 * read from a device, which is treated as hostile: a matching checksum proves
 * nothing about the sanity of a value.  No locks, no allocation, no I/O.
 * Compiles unchanged in user space.  Documentation/dm-corcache/format.rst is
 * the description for people.
 *
 *   0        superblock (one sector), rest of the first MiB zero
 *   1 MiB    region table: self-contained sectors of 512 bytes
 *   ...      data area: slots of region_sectors each, starts on a MiB
 *   last MiB copy of the superblock in the last 4 KiB (sector % 8 == 0)
 *
 * Everything is little-endian.  Sizes and positions are in 512-byte sectors.
 */
#ifndef DM_CORCACHE_FORMAT_H
#define DM_CORCACHE_FORMAT_H

#include <linux/bitops.h>
#include <linux/types.h>

#include "dm-corcache-geometry.h"

#define CORCACHE_MAGIC			"corcache"	/* 8 bytes, no NUL */
#define CORCACHE_MAGIC_BYTES		8
#define CORCACHE_FORMAT_VERSION		1U
#define CORCACHE_SECTOR_BYTES		512U
#define CORCACHE_ID_BYTES		16U
#define CORCACHE_ORIGIN_ID_MAX		64U

/* Start of the region table, and size of each of the reserved ends. */
#define CORCACHE_RESERVED_SECTORS	2048U
/* Superblocks and table are placed in units of this, for 4Kn devices. */
#define CORCACHE_META_ALIGN_SECTORS	8U

/* Incompatible features, struct corcache_superblock.features */
#define CORCACHE_FEATURE_CHECKSUMS	BIT_ULL(0)
#define CORCACHE_FEATURES_KNOWN		CORCACHE_FEATURE_CHECKSUMS

/**
 * struct corcache_superblock - sector 0 and its copy in the last MiB
 * @magic: CORCACHE_MAGIC
 * @crc: CRC32C (~0 seed, inverted result) of the sector with this field zero
 * @version: CORCACHE_FORMAT_VERSION; @magic and @version never move
 * @id: random, made when formatting; names this formatting in table sectors
 * @features: CORCACHE_FEATURE_*; unknown bits refuse activation
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
 * @origin_id_bytes: 0 (none) to 64
 * @reserved: zero
 * @origin_id: names the image's content, not terminated, zero-padded
 * @padding: zero
 */
struct corcache_superblock {
	u8	magic[CORCACHE_MAGIC_BYTES];
	__le32	crc;
	__le32	version;
	u8	id[CORCACHE_ID_BYTES];
	__le64	features;
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
	u8	padding[336];
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

/**
 * struct corcache_table_entry - one slot
 * @region: the region in this slot; 0 when @valid is 0
 * @valid: which blocks of the region the slot holds; 0: the slot is empty
 * @crc: with checksums, CRC32C (corcache_block_seed(), inverted) of each block's
 *	bytes that exist on the origin (fewer than a block at its end); 0 where
 *	not valid
 */
struct corcache_table_entry {
	__le64	region;
	__le64	valid;
	__le32	crc[];
};

/**
 * struct corcache_super - a superblock, decoded and checked
 * @geo: geometry, every derived field recomputed and found equal
 * @id: format id
 * @origin_id: NUL-terminated, "" for none
 */
struct corcache_super {
	struct corcache_geometry geo;
	u8	id[CORCACHE_ID_BYTES];
	char	origin_id[CORCACHE_ORIGIN_ID_MAX + 1];
};

/* CRC32C as used for superblocks and table: ~0 seed, inverted result. */
u32 corcache_crc(const void *data, size_t bytes);

/**
 * corcache_block_seed() - start value of the CRC32C of a block's data
 * @block: number of the block on the origin
 *
 * It says where on the origin the bytes belong: equal bytes of two blocks whose
 * seeds differ never have the same CRC. So data that another region's entry
 * leads to, by whatever mistake, is noticed like any rot.
 */
static inline u32 corcache_block_seed(u64 block)
{
	return ~(u32)(block ^ (block >> 32));
}

/**
 * corcache_origin_id_valid() - is it made of A-Z a-z 0-9 . _ : + / = @ - only?
 * @id: the characters, need not be terminated
 * @bytes: how many; the caller checks the length
 */
bool corcache_origin_id_valid(const char *id, size_t bytes);

/**
 * corcache_super_encode() - make the superblock's sector
 * @super: what to write
 * @sector: CORCACHE_SECTOR_BYTES, 8-byte aligned
 */
void corcache_super_encode(const struct corcache_super *super, void *sector);

/**
 * corcache_super_decode() - check and decode a superblock
 * @super: filled in on success only
 * @sector: CORCACHE_SECTOR_BYTES as read, 8-byte aligned, hostile
 * @device_sectors: size of the device it was read from
 * @err: on failure other than -ENODATA receives one line
 * @err_len: size of @err
 *
 * Return: 0; -ENODATA if there is no magic; -EILSEQ for a wrong checksum;
 * -EOPNOTSUPP for another version or unknown features; -ENOSPC if the device
 * is smaller than when it was formatted; -EINVAL for any other value that
 * does not fit.
 */
int corcache_super_decode(struct corcache_super *super, const void *sector,
			  u64 device_sectors, char *err, size_t err_len);

/**
 * corcache_super_match() - is the cache what the table line asks for?
 * @disk: decoded from the device
 * @want: geometry and origin id of the table line; only target_sectors,
 *	region_sectors, block_sectors, checksums and origin_id are looked at
 * @err: on failure receives one line with both values
 * @err_len: size of @err
 *
 * Return: 0 or -EINVAL.
 */
int corcache_super_match(const struct corcache_super *disk,
			 const struct corcache_super *want,
			 char *err, size_t err_len);

/*
 * Table sectors.  To make one: corcache_table_begin(), then
 * corcache_table_put() for each occupied entry, then corcache_table_seal().
 * @sector is CORCACHE_SECTOR_BYTES, 8-byte aligned; @nr its number in the
 * table; @i the entry's number in the sector.
 */
void corcache_table_begin(const struct corcache_super *super, void *sector,
			  u64 nr);
/* @crc: geo->region_blocks values, those of invalid blocks ignored; NULL without checksums */
void corcache_table_put(const struct corcache_super *super, void *sector,
			u32 i, u64 region, u64 valid, const u32 *crc);
void corcache_table_seal(void *sector);

enum corcache_table_state {
	CORCACHE_TABLE_EMPTY,	/* not of this formatting: no entries */
	CORCACHE_TABLE_VALID,	/* ours, intact */
	CORCACHE_TABLE_CORRUPT,	/* ours, damaged; the id itself may be */
};

/**
 * corcache_table_check() - what is a sector that was read from the table?
 * @super: the superblock
 * @sector: as read, hostile
 * @nr: number of the sector in the table
 *
 * A sector whose checksum does not hold as it is, but does once our id or our
 * sector number is put in its place, is ours with a damaged head: corrupt.
 * An intact sector of ours that carries another number was misplaced by the
 * device: corrupt as well.  Anything else without our id is empty.
 */
enum corcache_table_state
corcache_table_check(const struct corcache_super *super, const void *sector,
		     u64 nr);

/**
 * corcache_table_get() - read entry @i of a valid sector
 * @super: the superblock
 * @sector: for which corcache_table_check() said CORCACHE_TABLE_VALID
 * @i: number of the entry, below geo->sector_entries
 * @region: filled in if 1 is returned
 * @valid: filled in if 1 is returned: not 0, only bits that exist
 * @crc: geo->region_blocks values, filled in if 1 is returned; may be NULL
 *
 * Return: 1 for an entry, 0 for an empty one, -EINVAL for one that makes no
 * sense (region out of range, bits that do not exist).
 */
int corcache_table_get(const struct corcache_super *super, const void *sector,
		       u32 i, u64 *region, u64 *valid, u32 *crc);

#endif /* DM_CORCACHE_FORMAT_H */
