/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache geometry: sectors, blocks, regions and slots of one cache.
 *
 * Owns the arithmetic between the units that the rest of the target speaks
 * in, and nothing else: no state beyond a filled-in struct, no locks, no
 * allocation, no I/O.  Compiles unchanged in user space, where the unit tests
 * run it (tools/testing/unit/).
 *
 *   sector   512 bytes, the unit of device-mapper, relative to the target
 *   block    unit of filling: geo->block_sectors; one bit, one CRC32C
 *   region   unit of allocation of the origin: geo->region_sectors, which is
 *            1 to 64 blocks; the last one of the origin may be partial
 *   slot     the place of one region on the cache device
 */
#ifndef DM_CORCACHE_GEOMETRY_H
#define DM_CORCACHE_GEOMETRY_H

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "numbers.h"
#include "refuse.h"

/* Limits of the table line, in sectors; see the administrator's guide. */
#define CORCACHE_REGION_MIN_SECTORS	8U
#define CORCACHE_REGION_MAX_SECTORS	8192U
#define CORCACHE_BLOCK_MIN_SECTORS	8U
#define CORCACHE_BLOCK_DEFAULT_SECTORS	8U
#define CORCACHE_REGION_MAX_BLOCKS	64U

/*
 * Entries of the table and the in-core index hold 32-bit region numbers; the index
 * holds 32-bit slot numbers.  The two highest values are free to mean something else.
 */
#define CORCACHE_MAX_SLOTS		(U32_MAX - 1ULL)
#define CORCACHE_MAX_REGIONS		(U32_MAX - 1ULL)

/**
 * struct corcache_geometry - the layout of one cache
 * @target_sectors: length of the target
 * @cache_sectors: sectors of the cache device that the format uses; what a
 *	device has grown by since it was formatted is not counted
 * @region_sectors: sectors per region, power of two
 * @block_sectors: sectors per block, power of two, at most @region_sectors
 * @checksums: each block has a CRC32C in the region table
 * @region_shift: log2(@region_sectors)
 * @block_shift: log2(@block_sectors)
 * @region_blocks: blocks per region, 1 to 64
 * @entry_bytes: size of a region table entry, a multiple of 8
 * @sector_entries: entries in a table sector
 * @nr_regions: regions of the origin, the last one may be partial
 * @nr_slots: slots of the data area
 * @table_start: first sector of the region table on the cache device
 * @table_sectors: sectors of the region table, a multiple of 8
 * @data_start: first sector of the data area on the cache device
 * @backup_start: sector of the second superblock on the cache device
 *
 * All below @checksums follows from what stands above it
 * (corcache_geometry_init()).
 */
struct corcache_geometry {
	u64	target_sectors;
	u64	cache_sectors;
	u32	region_sectors;
	u32	block_sectors;
	bool	checksums;

	u32	region_shift;
	u32	block_shift;
	u32	region_blocks;
	u32	entry_bytes;
	u32	sector_entries;
	u64	nr_regions;
	u64	nr_slots;
	u64	table_start;
	u64	table_sectors;
	u64	data_start;
	u64	backup_start;
};

/**
 * corcache_sizes_check() - are the two sizes of a table line allowed?
 * @region_sectors: any value
 * @block_sectors: any value
 * @why: on failure receives one line that names the offending value
 *
 * Return: 0 or -EINVAL.
 */
int corcache_sizes_check(u32 region_sectors, u32 block_sectors, struct corcache_refusal *why);

/**
 * corcache_geometry_init() - derive the layout
 * @geo: filled in
 * @target_sectors: 1 to 2^63 - 1
 * @cache_sectors: size of the cache device, any value
 * @region_sectors: as in the table line
 * @block_sectors: as in the table line
 * @checksums: with data checksums
 * @why: on failure receives one line that names the offending value
 *
 * Return: 0, -EINVAL for sizes that the format does not allow, -ENOSPC for a
 * cache device too small to hold one slot, -E2BIG for more regions than the
 * in-core index can number.
 */
int corcache_geometry_init(struct corcache_geometry *geo, u64 target_sectors, u64 cache_sectors,
			   u32 region_sectors, u32 block_sectors, bool checksums,
			   struct corcache_refusal *why);

static inline corcache_block_t corcache_sector_to_block(const struct corcache_geometry *geo,
							u64 sector)
{
	return to_block(sector >> geo->block_shift);
}

static inline u64 corcache_block_to_sector(const struct corcache_geometry *geo,
					   corcache_block_t block)
{
	return from_block(block) << geo->block_shift;
}

static inline corcache_region_t corcache_block_to_region(const struct corcache_geometry *geo,
							 corcache_block_t block)
{
	return to_region(from_block(block) >> (geo->region_shift - geo->block_shift));
}

static inline corcache_block_t corcache_region_to_block(const struct corcache_geometry *geo,
							corcache_region_t region)
{
	return to_block(from_region(region) << (geo->region_shift - geo->block_shift));
}

static inline corcache_region_t corcache_sector_to_region(const struct corcache_geometry *geo,
							  u64 sector)
{
	return to_region(sector >> geo->region_shift);
}

static inline u64 corcache_region_to_sector(const struct corcache_geometry *geo,
					    corcache_region_t region)
{
	return from_region(region) << geo->region_shift;
}

/* Number of a block inside its region: the number of its bit. */
static inline u32 corcache_block_bit(const struct corcache_geometry *geo,
				     corcache_block_t block)
{
	return from_block(block) & (geo->region_blocks - 1);
}

/* First sector on the cache device of block @bit of @slot. */
static inline u64 corcache_slot_to_sector(const struct corcache_geometry *geo,
					  corcache_slot_t slot, u32 bit)
{
	return geo->data_start + ((u64)from_slot(slot) << geo->region_shift) +
	       ((u64)bit << geo->block_shift);
}

/* Blocks of the origin; the last one may be partial. */
static inline u64 corcache_nr_blocks(const struct corcache_geometry *geo)
{
	return (geo->target_sectors + geo->block_sectors - 1) >>
	       geo->block_shift;
}

/* Sectors of @nr whole blocks. */
static inline u64 corcache_whole_sectors(const struct corcache_geometry *geo, u64 nr)
{
	return nr << geo->block_shift;
}

/* Sectors of @nr blocks from @block on, cut at the end of the origin. */
static inline u64 corcache_blocks_sectors(const struct corcache_geometry *geo,
					  corcache_block_t block, u64 nr)
{
	u64 start = corcache_block_to_sector(geo, block);

	return min(corcache_whole_sectors(geo, nr), geo->target_sectors - start);
}

/* Blocks that the sectors from @start to before @end touch; not none. */
static inline u32 corcache_blocks_touched(const struct corcache_geometry *geo,
					  u64 start, u64 end)
{
	return from_block(corcache_sector_to_block(geo, end - 1)) -
	       from_block(corcache_sector_to_block(geo, start)) + 1;
}

/* Regions that @nr blocks from @block on touch; @nr is not 0. */
static inline u32 corcache_regions_touched(const struct corcache_geometry *geo,
					   corcache_block_t block, u32 nr)
{
	return from_region(corcache_block_to_region(geo, block_last(block, nr))) -
	       from_region(corcache_block_to_region(geo, block)) + 1;
}

/* Most sectors that one transfer reads, if a block is not larger. */
#define CORCACHE_XFER_SECTORS	2048U

/* The same in blocks: a power of two. */
static inline u32 corcache_xfer_most(const struct corcache_geometry *geo)
{
	return max(CORCACHE_XFER_SECTORS >> geo->block_shift, 1U);
}

/*
 * The blocks that one transfer may read together with @block, wherever it
 * begins: from corcache_span_start() to before corcache_span_end().
 */
static inline corcache_block_t corcache_span_start(const struct corcache_geometry *geo,
						   corcache_block_t block)
{
	return to_block(round_down(from_block(block), (u64)corcache_xfer_most(geo)));
}

static inline corcache_block_t corcache_span_end(const struct corcache_geometry *geo,
						 corcache_block_t block)
{
	return block_add(corcache_span_start(geo, block), corcache_xfer_most(geo));
}

/* The bits that exist in @region: all, but for the last region. */
static inline u64 corcache_region_mask(const struct corcache_geometry *geo,
				       corcache_region_t region)
{
	corcache_block_t first = corcache_region_to_block(geo, region);
	u64 left = corcache_nr_blocks(geo) - from_block(first);
	u32 bits = min_t(u64, left, geo->region_blocks);

	return bits == 64 ? ~0ULL : (1ULL << bits) - 1;
}

/* Bits @bit .. @bit + @nr - 1; @nr is 1 to 64 - @bit. */
static inline u64 corcache_bit_range(u32 bit, u32 nr)
{
	return (nr == 64 ? ~0ULL : (1ULL << nr) - 1) << bit;
}

/* How many bits from @bit on are set in @word without a gap: 0 to 64 - @bit. */
static inline u32 corcache_run_of_ones(u64 word, u32 bit)
{
	u64 zeros = ~word >> bit;

	return zeros ? __ffs64(zeros) : 64 - bit;
}

/* How many bits from @bit on are clear in @word without a gap. */
static inline u32 corcache_run_of_zeros(u64 word, u32 bit)
{
	u64 ones = word >> bit;

	return ones ? __ffs64(ones) : 64 - bit;
}

#endif /* DM_CORCACHE_GEOMETRY_H */
