// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sectors of the region table by an enemy, of caches of any geometry.
 *
 * Input: a head that chooses the cache, then the 512 bytes of the sector:
 *
 *   0   8 bytes  size of the origin, of which the region size takes the rest
 *   8   8 bytes  size of the cache device, likewise
 *   16  1 byte   region size, by its power of two
 *   17  1 byte   blocks of a region, likewise
 *   18  1 byte   odd: with checksums
 *   24  8 bytes  number of the sector in the table, modulo its size
 *   32  16 bytes format id
 *   48           the sector
 *
 * Every sector is judged a second time here, from format.rst and in another
 * way: what is valid is what the encoder would have made of its entries.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "check_geometry.h"
#include "format.h"
#include "fuzz.h"

#define HEAD_BYTES	48
#define SECTOR_BYTES	512
#define INPUT_BYTES	(HEAD_BYTES + SECTOR_BYTES)

/* Offsets of the head of an input. */
enum { IN_TARGET = 0, IN_CACHE = 8, IN_REGION = 16, IN_BLOCKS = 17, IN_SUMS = 18, IN_NUMBER = 24, IN_ID = 32 };

/* Offsets of a table sector, as in format.rst. */
enum { TS_CRC = 0, TS_RESERVED = 4, TS_NUMBER = 8, TS_ID = 16, TS_ENTRIES = 32 };
enum { TE_REGION = 0, TE_HINT = 4, TE_VALID = 8, TE_CRC = 16 };

#define ID_BYTES	16

struct table {
	struct corcache_super super;
	u64	nr;
};

/* Every head makes a cache: what is random must reach the sector. */
static void load_table(struct table *table, const u8 *head)
{
	u32 region = 3 + head[IN_REGION] % 11, blocks = head[IN_BLOCKS] % (min(region - 3, 6U) + 1);
	u64 sectors = 1ULL << region, most = CORCACHE_MAX_REGIONS << region;
	struct corcache_geometry *geo = &table->super.geo;
	struct corcache_refusal why;

	memset(table, 0, sizeof(*table));
	must(!corcache_geometry_init(geo, 1 + fuzz_get(head + IN_TARGET, 8) % most,
				     3 * 2048 + sectors +
				     fuzz_get(head + IN_CACHE, 8) % (1ULL << 62),
				     sectors, sectors >> blocks, head[IN_SUMS] & 1,
				     &why));
	memcpy(table->super.id, head + IN_ID, ID_BYTES);
	table->nr = fuzz_get(head + IN_NUMBER, 8) % geo->table_sectors;
}

/*---------------------------------------------------------------------------
 * The second opinion
 */

static bool is_zero(const u8 *at, size_t bytes)
{
	while (bytes--)
		if (*at++)
			return false;
	return true;
}

/* Would the checksum hold with this id and this number in the head? */
static bool holds(const u8 *sector, const u8 *id, u64 nr)
{
	u8 copy[SECTOR_BYTES];

	memcpy(copy, sector, SECTOR_BYTES);
	fuzz_put(copy + TS_CRC, 0, 4);
	memcpy(copy + TS_ID, id, ID_BYTES);
	fuzz_put(copy + TS_NUMBER, nr, 8);
	return corcache_crc(copy, SECTOR_BYTES) == fuzz_get(sector + TS_CRC, 4);
}

static enum corcache_table_state judge(const struct table *table, const u8 *sector)
{
	const struct corcache_geometry *geo = &table->super.geo;
	size_t end = TS_ENTRIES + geo->sector_entries * geo->entry_bytes;
	u64 number = fuzz_get(sector + TS_NUMBER, 8);
	const u8 *id = table->super.id;

	if (memcmp(sector + TS_ID, id, ID_BYTES)) {
		if (is_zero(sector, TS_ENTRIES) || holds(sector, sector + TS_ID, number))
			return CORCACHE_TABLE_EMPTY;
		return holds(sector, id, number) || holds(sector, id, table->nr) ?
		       CORCACHE_TABLE_CORRUPT : CORCACHE_TABLE_EMPTY;
	}
	if (!holds(sector, id, number) || number != table->nr ||
	    !is_zero(sector + TS_RESERVED, 4) || !is_zero(sector + end, SECTOR_BYTES - end))
		return CORCACHE_TABLE_CORRUPT;
	return CORCACHE_TABLE_VALID;
}

/* Is the entry in range, and what the encoder makes of its values? */
static bool entry_makes_sense(const struct table *table, const u8 *sector, u32 i)
{
	const struct corcache_geometry *geo = &table->super.geo;
	size_t offset = TS_ENTRIES + i * geo->entry_bytes;
	const u8 *entry = sector + offset;
	u64 region = fuzz_get(entry + TE_REGION, 4), valid = fuzz_get(entry + TE_VALID, 8);
	u32 hint = fuzz_get(entry + TE_HINT, 4);
	u8 again[SECTOR_BYTES] __attribute__((aligned(8)));
	u32 crc[64], bit;

	if (!valid)
		return is_zero(entry, geo->entry_bytes);
	if (region >= geo->nr_regions || valid & ~check_region_mask(geo, region))
		return false;
	for (bit = 0; geo->checksums && bit < geo->region_blocks; bit++)
		crc[bit] = fuzz_get(entry + TE_CRC + 4 * bit, 4);
	corcache_table_begin(&table->super, again, table->nr);
	corcache_table_put(&table->super, again, i, region, hint, valid,
			   geo->checksums ? crc : NULL);
	return !memcmp(again + offset, entry, geo->entry_bytes);
}

/*---------------------------------------------------------------------------
 * What must be true
 */

static void check_values(const struct table *table, const u8 *entry, u64 region, u32 hint,
			 u64 valid, const u32 *crc)
{
	const struct corcache_geometry *geo = &table->super.geo;
	u32 bit;

	must(region == fuzz_get(entry + TE_REGION, 4));
	must(hint == fuzz_get(entry + TE_HINT, 4));
	must(valid == fuzz_get(entry + TE_VALID, 8));
	must(region < geo->nr_regions);
	must(valid && !(valid & ~check_region_mask(geo, region)));
	for (bit = 0; bit < geo->region_blocks; bit++) {
		u32 wanted = geo->checksums ? fuzz_get(entry + TE_CRC + 4 * bit, 4) : 0;

		must(crc[bit] == wanted);
		must(!crc[bit] || valid >> bit & 1);
	}
}

/* Reads entry @i, puts what it says into @again; was it sensible? */
static bool check_entry(const struct table *table, const u8 *sector, u32 i, u8 *again)
{
	const struct corcache_geometry *geo = &table->super.geo;
	u64 region = 1, valid = 2, region_only = 1, valid_only = 2;
	u32 *crc = calloc(geo->region_blocks, sizeof(*crc)), hint = 3, hint_only = 3;
	int ret;

	must(crc);
	ret = corcache_table_get(&table->super, sector, i, &region, &hint, &valid, crc);
	must(ret == corcache_table_get(&table->super, sector, i, &region_only, &hint_only,
				       &valid_only, NULL));
	must(region == region_only && hint == hint_only && valid == valid_only);
	must(ret == 1 || ret == 0 || ret == -EINVAL);
	must(entry_makes_sense(table, sector, i) == (ret >= 0));
	if (ret == 1) {
		check_values(table, sector + TS_ENTRIES + i * geo->entry_bytes, region, hint, valid,
			     crc);
		corcache_table_put(&table->super, again, i, region, hint, valid,
				   geo->checksums ? crc : NULL);
	} else {
		must(region == 1 && hint == 3 && valid == 2);
	}
	free(crc);
	return ret >= 0;
}

/* Every entry of a valid sector; if all are sensible, there is one encoding. */
static bool check_entries(const struct table *table, const u8 *sector)
{
	u8 *again = malloc(SECTOR_BYTES);
	bool sensible = true;
	u32 i;

	must(again);
	memset(again, 0xa5, SECTOR_BYTES);
	corcache_table_begin(&table->super, again, table->nr);
	for (i = 0; i < table->super.geo.sector_entries; i++)
		sensible &= check_entry(table, sector, i, again);
	corcache_table_seal(again);
	must(!sensible || !memcmp(again, sector, SECTOR_BYTES));
	free(again);
	return sensible;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *head = fuzz_copy(data, size, 0, HEAD_BYTES);
	u8 *sector = fuzz_copy(data, size, HEAD_BYTES, SECTOR_BYTES);
	enum corcache_table_state state;
	u8 kept[SECTOR_BYTES];
	struct table table;
	bool accepted;

	load_table(&table, head);
	check_geometry(&table.super.geo, fuzz_hash(data, size));
	memcpy(kept, sector, SECTOR_BYTES);
	state = corcache_table_check(&table.super, sector, table.nr);
	must(state == judge(&table, sector));
	accepted = state == CORCACHE_TABLE_VALID && check_entries(&table, sector);
	must(!memcmp(kept, sector, SECTOR_BYTES));
	fuzz_count(accepted);
	free(head);
	free(sector);
	return 0;
}

/*---------------------------------------------------------------------------
 * Mutations that get behind the checksum
 */

static u8 *some_entry(const struct table *table, u8 *sector, u64 *state)
{
	const struct corcache_geometry *geo = &table->super.geo;

	return sector + TS_ENTRIES + fuzz_random(state) % geo->sector_entries * geo->entry_bytes;
}

static void mutate_entry(const struct table *table, u8 *sector, u64 *state)
{
	const struct corcache_geometry *geo = &table->super.geo;
	u8 *entry = some_entry(table, sector, state);

	switch (fuzz_random(state) % 9) {
	case 0:
		fuzz_put(entry + TE_REGION, fuzz_odd_number(state), 8);
		break;
	case 1:
		fuzz_put(entry + TE_REGION, geo->nr_regions - 2 + fuzz_random(state) % 4, 4);
		break;
	case 2:
		fuzz_put(entry + TE_VALID, fuzz_odd_number(state), 8);
		break;
	case 3:
		fuzz_put(entry + TE_VALID, fuzz_random(state), 8);
		break;
	case 4:
		entry[fuzz_random(state) % geo->entry_bytes] ^= 1 << fuzz_random(state) % 8;
		break;
	case 5:
		memcpy(entry, some_entry(table, sector, state), geo->entry_bytes);
		break;
	case 6:
		memset(entry, 0, geo->entry_bytes);
		break;
	case 7:
		fuzz_put(entry + TE_HINT, fuzz_random(state), 4);
		break;
	default:
		entry[TE_VALID + fuzz_random(state) % 8] ^= 1 << fuzz_random(state) % 8;
	}
}

/* Make an entry one that the encoder could have written. */
static void mend_entry(const struct corcache_geometry *geo, u8 *entry)
{
	u64 region = fuzz_get(entry + TE_REGION, 4) % geo->nr_regions;
	u64 valid = fuzz_get(entry + TE_VALID, 8) & check_region_mask(geo, region);
	u32 used = TE_CRC, bit;

	if (!valid) {
		memset(entry, 0, geo->entry_bytes);
		return;
	}
	fuzz_put(entry + TE_REGION, region, 4);
	fuzz_put(entry + TE_VALID, valid, 8);
	for (bit = 0; geo->checksums && bit < geo->region_blocks; bit++, used += 4)
		if (!(valid >> bit & 1))
			memset(entry + used, 0, 4);
	memset(entry + used, 0, geo->entry_bytes - used);
}

static void mend_entries(const struct table *table, u8 *sector)
{
	const struct corcache_geometry *geo = &table->super.geo;
	u32 i;

	for (i = 0; i < geo->sector_entries; i++)
		mend_entry(geo, sector + TS_ENTRIES + i * geo->entry_bytes);
}

/* Put right most of what would hide the change from all but the first checks. */
static void repair(const struct table *table, u8 *sector, u64 *state)
{
	const struct corcache_geometry *geo = &table->super.geo;
	size_t end = TS_ENTRIES + geo->sector_entries * geo->entry_bytes;

	if (!fuzz_one_in(state, 16))
		memcpy(sector + TS_ID, table->super.id, ID_BYTES);
	if (!fuzz_one_in(state, 16))
		fuzz_put(sector + TS_NUMBER, table->nr, 8);
	if (!fuzz_one_in(state, 16))
		memset(sector + TS_RESERVED, 0, 4);
	if (!fuzz_one_in(state, 16))
		memset(sector + end, 0, SECTOR_BYTES - end);
	if (fuzz_one_in(state, 16))
		return;
	fuzz_put(sector + TS_CRC, 0, 4);
	fuzz_put(sector + TS_CRC, corcache_crc(sector, SECTOR_BYTES), 4);
}

/* Damage that comes after the checksum was made. */
static void damage(u8 *sector, u64 *state)
{
	u32 choice = fuzz_random(state) % 4;

	if (choice & 1)
		sector[TS_ID + fuzz_random(state) % ID_BYTES] ^= 1 << fuzz_random(state) % 8;
	if (choice & 2)
		sector[TS_NUMBER + fuzz_random(state) % 8] ^= 1 << fuzz_random(state) % 8;
	if (!choice)
		sector[fuzz_random(state) % SECTOR_BYTES] ^= 1 << fuzz_random(state) % 8;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	u8 *sector = data + HEAD_BYTES;
	u64 state = seed;
	struct table table;

	if (max_size < INPUT_BYTES)
		return LLVMFuzzerMutate(data, size, max_size);
	if (size < INPUT_BYTES)
		memset(data + size, 0, INPUT_BYTES - size);

	switch (fuzz_random(&state) % 6) {
	case 0:
		size = LLVMFuzzerMutate(data, INPUT_BYTES, INPUT_BYTES);
		memset(data + size, 0, INPUT_BYTES - size);
		break;
	case 1:
		LLVMFuzzerMutate(data, HEAD_BYTES, HEAD_BYTES);
		break;
	case 2:
		LLVMFuzzerMutate(sector + TS_ENTRIES, SECTOR_BYTES - TS_ENTRIES,
				 SECTOR_BYTES - TS_ENTRIES);
		break;
	}
	load_table(&table, data);
	if (!fuzz_one_in(&state, 3))
		mend_entries(&table, sector);
	if (!fuzz_one_in(&state, 3))
		mutate_entry(&table, sector, &state);
	repair(&table, sector, &state);
	if (fuzz_one_in(&state, 8))
		damage(sector, &state);
	return INPUT_BYTES;
}
