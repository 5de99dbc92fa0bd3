// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache geometry: from four sizes to the layout of a cache.
 *
 * Owns the layout rule: where on the cache device the region table and the
 * slots lie, and how many slots there are.  The layout is a function of the
 * sizes in the table line and of the device's size alone, so that a reader
 * of a superblock can derive it again and trust nothing.
 *
 * Callable from any context: no locks, no allocation, no I/O, no state.
 * Compiles unchanged in user space.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>

#include "disk.h"
#include "geometry.h"

/* What is neither table nor slots: the first and the last MiB. */
#define BOTH_ENDS_SECTORS	(2ULL * CORCACHE_RESERVED_SECTORS)

int corcache_sizes_check(u32 region_sectors, u32 block_sectors, struct corcache_refusal *why)
{
	if (region_sectors < CORCACHE_REGION_MIN_SECTORS ||
	    region_sectors > CORCACHE_REGION_MAX_SECTORS || !is_power_of_2(region_sectors))
		return corcache_refuse(why, -EINVAL,
				       "region size %u is not a power of two between %u and %u (sectors)",
				       region_sectors, CORCACHE_REGION_MIN_SECTORS,
				       CORCACHE_REGION_MAX_SECTORS);
	if (block_sectors < CORCACHE_BLOCK_MIN_SECTORS || block_sectors > region_sectors ||
	    !is_power_of_2(block_sectors))
		return corcache_refuse(why, -EINVAL,
				       "block_size %u is not a power of two between %u and the region size %u (sectors)",
				       block_sectors, CORCACHE_BLOCK_MIN_SECTORS, region_sectors);
	if (region_sectors / block_sectors > CORCACHE_REGION_MAX_BLOCKS)
		return corcache_refuse(why, -EINVAL,
				       "block_size %u is less than 1/%u of the region size %u: at least %u is needed",
				       block_sectors, CORCACHE_REGION_MAX_BLOCKS, region_sectors,
				       region_sectors / CORCACHE_REGION_MAX_BLOCKS);
	return 0;
}

static u32 entry_size(const struct corcache_geometry *geo)
{
	u32 bytes = sizeof(struct corcache_table_entry);

	if (geo->checksums)
		bytes += geo->region_blocks * sizeof(__le32);
	/* The 64-bit fields of the next entry stay aligned. */
	return round_up(bytes, sizeof(__le64));
}

static void set_units(struct corcache_geometry *geo)
{
	geo->region_shift = ilog2(geo->region_sectors);
	geo->block_shift = ilog2(geo->block_sectors);
	geo->region_blocks = geo->region_sectors >> geo->block_shift;
	geo->entry_bytes = entry_size(geo);
	geo->sector_entries = (CORCACHE_SECTOR_BYTES - sizeof(struct corcache_table_header)) /
			      geo->entry_bytes;
}

/* Regions of @region_sectors, a power of two, that a target takes. */
static u64 regions_of(u64 target_sectors, u32 region_sectors)
{
	return (target_sectors + region_sectors - 1) >> ilog2(region_sectors);
}

static int refuse_regions(const struct corcache_geometry *geo, struct corcache_refusal *why)
{
	u32 enough = geo->region_sectors;

	while (enough <= CORCACHE_REGION_MAX_SECTORS &&
	       regions_of(geo->target_sectors, enough) > CORCACHE_MAX_REGIONS)
		enough *= 2;

	if (enough <= CORCACHE_REGION_MAX_SECTORS)
		return corcache_refuse(why, -E2BIG,
				       "region size %u makes %llu regions of the origin, more than %llu: at least %u is needed",
				       geo->region_sectors, geo->nr_regions, CORCACHE_MAX_REGIONS,
				       enough);
	return corcache_refuse(why, -E2BIG,
			       "region size %u makes %llu regions of the origin, more than %llu: no region size is large enough",
			       geo->region_sectors, geo->nr_regions, CORCACHE_MAX_REGIONS);
}

/* Sectors of a table for @slots slots. */
static u64 table_size(const struct corcache_geometry *geo, u64 slots)
{
	u64 sectors = div_u64(slots + geo->sector_entries - 1, geo->sector_entries);

	return round_up(sectors, CORCACHE_META_ALIGN_SECTORS);
}

/*
 * The size of the table depends on the number of slots and the other way
 * round.  Room is left for the table of a data area that takes everything
 * between the ends; what is lost to that is less than one sector in 480 and
 * saves an iteration that each reader of the format would have to repeat.
 */
static void lay_out(struct corcache_geometry *geo)
{
	u64 most = 0, slots = 0, taken;

	if (geo->cache_sectors > BOTH_ENDS_SECTORS)
		most = (geo->cache_sectors - BOTH_ENDS_SECTORS) >> geo->region_shift;

	geo->table_start = CORCACHE_RESERVED_SECTORS;
	geo->data_start = round_up(geo->table_start + table_size(geo, most),
				   CORCACHE_RESERVED_SECTORS);
	taken = geo->data_start + CORCACHE_RESERVED_SECTORS;
	if (geo->cache_sectors > taken)
		slots = (geo->cache_sectors - taken) >> geo->region_shift;

	geo->nr_slots = min(slots, CORCACHE_MAX_SLOTS);
	geo->table_sectors = table_size(geo, geo->nr_slots);
	geo->backup_start = geo->cache_sectors - CORCACHE_META_ALIGN_SECTORS;
}

/* The ends, a MiB that a table of one slot begins, and the slot. */
static u64 smallest_cache(const struct corcache_geometry *geo)
{
	return BOTH_ENDS_SECTORS + CORCACHE_RESERVED_SECTORS + geo->region_sectors;
}

int corcache_geometry_init(struct corcache_geometry *geo, u64 target_sectors, u64 cache_sectors,
			   u32 region_sectors, u32 block_sectors, bool checksums,
			   struct corcache_refusal *why)
{
	int ret;

	ret = corcache_sizes_check(region_sectors, block_sectors, why);
	if (ret)
		return ret;
	if (!target_sectors || target_sectors > S64_MAX)
		return corcache_refuse(why, -EINVAL,
				       "length %llu is not between 1 and %llu (sectors)",
				       target_sectors, (u64)S64_MAX);

	*geo = (struct corcache_geometry) {
		.target_sectors = target_sectors,
		.cache_sectors = round_down(cache_sectors, CORCACHE_META_ALIGN_SECTORS),
		.region_sectors = region_sectors,
		.block_sectors = block_sectors,
		.checksums = checksums,
	};
	set_units(geo);

	geo->nr_regions = regions_of(target_sectors, region_sectors);
	if (geo->nr_regions > CORCACHE_MAX_REGIONS)
		return refuse_regions(geo, why);

	lay_out(geo);
	if (!geo->nr_slots)
		return corcache_refuse(why, -ENOSPC,
				       "cache device of %llu sectors is too small: at least %llu are needed",
				       cache_sectors, smallest_cache(geo));
	return 0;
}
