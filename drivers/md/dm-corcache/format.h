/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache format: encoding, and every check of what was read.
 *
 * What was read from a device is treated as hostile: a matching checksum proves
 * nothing about the sanity of a value.  disk.h has the structures.  No locks, no
 * allocation, no I/O.  Compiles unchanged in user space.
 */
#ifndef DM_CORCACHE_FORMAT_H
#define DM_CORCACHE_FORMAT_H

#include <linux/types.h>

#include "disk.h"
#include "geometry.h"
#include "refuse.h"

/**
 * struct corcache_super - a superblock, decoded and checked
 * @geo: geometry, every derived field recomputed and found equal
 * @compat: as found, unknown bits too; 0 when formatting
 * @id: format id
 * @origin_id: NUL-terminated, "" for none
 */
struct corcache_super {
	struct corcache_geometry geo;
	u64	compat;
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
 *
 * Return: the start value.
 */
static inline u32 corcache_block_seed(corcache_block_t block)
{
	u64 number = from_block(block);

	return ~(u32)(number ^ (number >> 32));
}

/**
 * corcache_origin_id_valid() - has an origin id only characters that are allowed?
 * @id: the characters, need not be terminated
 * @bytes: how many; the caller checks the length
 *
 * These are A-Z, a-z, 0-9, and the eight of ``. _ : + / = @ -``.
 *
 * Return: true if so.
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
 * @why: on failure other than -ENODATA receives one line
 *
 * Return: 0; -ENODATA if there is no magic; -EILSEQ for a wrong checksum;
 * -EOPNOTSUPP for another version or unknown incompatible features; -ENOSPC if the device
 * is smaller than when it was formatted; -EINVAL for any other value that
 * does not fit.
 */
int corcache_super_decode(struct corcache_super *super, const void *sector, u64 device_sectors,
			  struct corcache_refusal *why);

/* Does a sector begin as every superblock of ours does, of whatever version? */
bool corcache_super_has_magic(const void *sector);

/**
 * corcache_super_is_damaged() - may a sector be this superblock, damaged?
 * @sector: CORCACHE_SECTOR_BYTES as read from sector 0
 * @copy: the superblock at the end of the same device
 *
 * Damage leaves most of a sector what it was.  A sector of zeros was wiped.  The
 * ids of two formats differ in nearly all their bytes, however much else the
 * two superblocks have in common.
 *
 * Return: true if so; false: it holds something else.
 */
bool corcache_super_is_damaged(const void *sector, const void *copy);

/**
 * corcache_super_match() - is the cache what the table line asks for?
 * @disk: decoded from the device
 * @want: geometry and origin id of the table line; only target_sectors,
 *	region_sectors, block_sectors, checksums and origin_id are looked at
 * @why: on failure receives one line with both values
 *
 * Return: 0 or -EINVAL.
 */
int corcache_super_match(const struct corcache_super *disk, const struct corcache_super *want,
			 struct corcache_refusal *why);

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
			u32 i, u64 region, u32 hint, u64 valid, const u32 *crc);
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
 *
 * Return: what it is.
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
 * @hint: filled in if 1 is returned: any value
 * @valid: filled in if 1 is returned: not 0, only bits that exist
 * @crc: geo->region_blocks values, filled in if 1 is returned; may be NULL
 *
 * Return: 1 for an entry, 0 for an empty one, -EINVAL for one that makes no
 * sense (region out of range, bits that do not exist).
 */
int corcache_table_get(const struct corcache_super *super, const void *sector,
		       u32 i, u64 *region, u32 *hint, u64 *valid, u32 *crc);

#endif /* DM_CORCACHE_FORMAT_H */
