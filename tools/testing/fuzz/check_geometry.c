// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must be true of every geometry that the module accepts, from the sizes
 * alone and in 128 bits, where nothing can wrap: the parts of the device lie
 * in order and do not overlap, and the inline arithmetic of the header agrees
 * with multiplication and division at both ends and somewhere between.
 */
#include "check_geometry.h"
#include "fuzz.h"

#define MIB_SECTORS	2048U
#define HEAD_BYTES	32U
#define SECTOR_BYTES	512U

typedef unsigned __int128 u128;

static bool power_of_two(u64 x)
{
	return __builtin_popcountll(x) == 1;
}

static u128 divide_up(u128 x, u64 by)
{
	return (x + by - 1) / by;
}

static void check_units(const struct corcache_geometry *geo)
{
	u32 bytes;

	must(power_of_two(geo->region_sectors));
	must(power_of_two(geo->block_sectors));
	must(geo->region_sectors >= 8 && geo->region_sectors <= 8192);
	must(geo->block_sectors >= 8 && geo->block_sectors <= geo->region_sectors);
	must(geo->region_shift < 32 && geo->region_sectors == 1U << geo->region_shift);
	must(geo->block_shift < 32 && geo->block_sectors == 1U << geo->block_shift);
	must(geo->region_blocks == geo->region_sectors / geo->block_sectors);
	must(geo->region_blocks >= 1 && geo->region_blocks <= 64);

	bytes = 16 + (geo->checksums ? 4 * geo->region_blocks : 0);
	must(geo->entry_bytes % 8 == 0);
	must(geo->entry_bytes >= bytes && geo->entry_bytes < bytes + 8);
	must(geo->sector_entries == (SECTOR_BYTES - HEAD_BYTES) / geo->entry_bytes);
	must(geo->sector_entries >= 1);
}

/* 1 MiB, table, up to a MiB, slots, a MiB with the backup in its last 4 KiB. */
static void check_layout(const struct corcache_geometry *geo)
{
	u128 table = divide_up(divide_up(geo->nr_slots, geo->sector_entries), 8) * 8;
	u128 data_end = (u128)geo->nr_slots * geo->region_sectors + geo->data_start;

	must(geo->cache_sectors % 8 == 0);
	must(geo->target_sectors >= 1 && geo->target_sectors <= S64_MAX);
	must(geo->nr_regions == divide_up(geo->target_sectors, geo->region_sectors));
	must(geo->nr_regions <= CORCACHE_MAX_REGIONS);
	must(geo->nr_slots >= 1 && geo->nr_slots <= CORCACHE_MAX_SLOTS);

	must(geo->table_start == MIB_SECTORS);
	must(geo->table_sectors == table);
	must(geo->data_start % MIB_SECTORS == 0);
	must((u128)geo->table_start + geo->table_sectors <= geo->data_start);
	must(geo->cache_sectors > MIB_SECTORS);
	must(data_end <= geo->cache_sectors - MIB_SECTORS);
	must(geo->backup_start == geo->cache_sectors - 8);
	/* No slot is given away. */
	must(geo->nr_slots == CORCACHE_MAX_SLOTS ||
	     data_end + geo->region_sectors > geo->cache_sectors - MIB_SECTORS);
}

u64 check_region_mask(const struct corcache_geometry *geo, u64 region)
{
	u128 start = (u128)region * geo->region_sectors;
	u64 mask = 0;
	u32 bit;

	for (bit = 0; bit < geo->region_blocks; bit++)
		if (start + (u128)bit * geo->block_sectors < geo->target_sectors)
			mask |= 1ULL << bit;
	return mask;
}

static void check_region(const struct corcache_geometry *geo, u64 region)
{
	u64 first = corcache_region_to_block(geo, region), mask, last, start, sectors;
	bool final = region == geo->nr_regions - 1;
	u32 bits;

	mask = check_region_mask(geo, region);
	must(corcache_region_mask(geo, region) == mask);
	bits = __builtin_popcountll(mask);
	must(bits && (final || bits == geo->region_blocks));

	last = first + bits - 1;
	must((u128)first == (u128)region * geo->region_blocks);
	must(last < corcache_nr_blocks(geo));
	must(!final || last == corcache_nr_blocks(geo) - 1);
	must(corcache_block_to_region(geo, first) == region);
	must(corcache_block_to_region(geo, last) == region);
	must(corcache_block_bit(geo, first) == 0);
	must(corcache_block_bit(geo, last) == bits - 1);
	must(corcache_regions_touched(geo, first, bits) == 1);
	must(!region || corcache_regions_touched(geo, first - 1, bits + 1) == 2);

	start = corcache_block_to_sector(geo, first);
	must((u128)start == (u128)region * geo->region_sectors);
	sectors = corcache_blocks_sectors(geo, first, bits);
	must(sectors && (u128)start + sectors <= geo->target_sectors);
	must(!final || start + sectors == geo->target_sectors);
	must(final || sectors == geo->region_sectors);
	must(corcache_blocks_touched(geo, start, start + sectors) == bits);
	must(corcache_sector_to_block(geo, start) == first);
	must(corcache_sector_to_block(geo, start + sectors - 1) == last);
	must(corcache_blocks_sectors(geo, last, 1) ==
	     start + sectors - corcache_block_to_sector(geo, last));
}

static void check_slot(const struct corcache_geometry *geo, u64 slot)
{
	u128 start = (u128)slot * geo->region_sectors + geo->data_start;
	u32 bit = geo->region_blocks - 1;

	must(corcache_slot_to_sector(geo, slot, 0) == start);
	must(corcache_slot_to_sector(geo, slot, bit) ==
	     start + (u128)bit * geo->block_sectors);
	must(start + geo->region_sectors <= geo->cache_sectors - MIB_SECTORS);
}

static void check_bits(u64 word, u32 bit)
{
	u32 ones = 0, zeros = 0, nr, i;
	u64 range = 0;

	while (bit + ones < 64 && word >> (bit + ones) & 1)
		ones++;
	while (bit + zeros < 64 && !(word >> (bit + zeros) & 1))
		zeros++;
	must(corcache_run_of_ones(word, bit) == ones);
	must(corcache_run_of_zeros(word, bit) == zeros);

	nr = 1 + (word ^ word >> 32) % (64 - bit);
	for (i = 0; i < nr; i++)
		range |= 1ULL << (bit + i);
	must(corcache_bit_range(bit, nr) == range);
}

void check_geometry(const struct corcache_geometry *geo, u64 probe)
{
	check_units(geo);
	check_layout(geo);
	must(corcache_nr_blocks(geo) == divide_up(geo->target_sectors, geo->block_sectors));

	check_region(geo, 0);
	check_region(geo, probe % geo->nr_regions);
	check_region(geo, geo->nr_regions - 1);
	check_slot(geo, 0);
	check_slot(geo, probe % geo->nr_slots);
	check_slot(geo, geo->nr_slots - 1);

	check_bits(probe, probe % 64);
	check_bits(~0ULL << probe % 64, probe >> 6 & 63);
	check_bits(~0ULL >> probe % 64, probe >> 6 & 63);
}
