// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sectors of the region table: bytes against ones written down by hand, damage
 * bit by bit, sectors that are not where they belong or not ours, and entries
 * whose checksum holds but whose values were made up by an enemy.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "sectors.h"

/* Offsets of a table sector's head. */
enum { TS_CRC = 0, TS_RESERVED = 4, TS_NUMBER = 8, TS_ID = 16, TS_ENTRIES = 32 };

static u64 naive_mask(const struct corcache_geometry *geo, u64 region)
{
	u64 mask = 0;
	u32 bit;

	for (bit = 0; bit < geo->region_blocks; bit++)
		if (region * geo->region_sectors + bit * geo->block_sectors < geo->target_sectors)
			mask |= 1ULL << bit;
	return mask;
}

struct slot {
	u64 region, valid;
	u32 crc[64];
};

/* A sector full of entries, some of them empty. */
static void random_sector(const struct corcache_super *super, struct slot *slots, u64 nr)
{
	const struct corcache_geometry *geo = &super->geo;
	u32 i;

	unit_fill(sector, BYTES);
	corcache_table_begin(super, sector, nr);
	for (i = 0; i < geo->sector_entries; i++) {
		struct slot *slot = &slots[i];

		unit_fill(slot, sizeof(*slot));
		slot->region = unit_below(5) ? unit_below(geo->nr_regions) : geo->nr_regions - 1;
		slot->valid &= corcache_region_mask(geo, slot->region);
		if (unit_below(4) == 0)
			slot->valid = 0;
		if (slot->valid)
			corcache_table_put(super, sector, i, slot->region, slot->valid,
					   geo->checksums ? slot->crc : NULL);
	}
	corcache_table_seal(sector);
}

static void golden_table_sector(void)
{
	struct corcache_super super;
	u8 wanted[BYTES] = { };
	u32 crc[16], i;

	for (i = 0; i < 16; i++) {
		crc[i] = 0x01020300 + i;
		wanted[TS_ID + i] = 0xf0 + i;
	}
	put(wanted + TS_NUMBER, 2719, 8);
	/* The first entry: region 7, all blocks. */
	put(wanted + TS_ENTRIES, 7, 8);
	put(wanted + TS_ENTRIES + 8, 0xffff, 8);
	for (i = 0; i < 16; i++)
		put(wanted + TS_ENTRIES + 16 + 4 * i, 0x01020300 + i, 4);
	/* The sixth and last: the last region, its first and last block. */
	put(wanted + 432, 1000, 8);
	put(wanted + 432 + 8, 5, 8);
	put(wanted + 432 + 16, 0x01020300, 4);
	put(wanted + 432 + 24, 0x01020302, 4);
	put(wanted + TS_CRC, slow_crc(wanted, BYTES, TS_CRC), 4);

	make_usual(&super);
	unit_fill(sector, BYTES);
	corcache_table_begin(&super, sector, 2719);
	corcache_table_put(&super, sector, 0, 7, 0xffff, crc);
	corcache_table_put(&super, sector, 5, 1000, 5, crc);
	corcache_table_seal(sector);
	for (i = 0; i < BYTES; i++)
		expectf(sector[i] == wanted[i], "byte %u is %#x, wanted %#x", i, sector[i],
			wanted[i]);
	/* Sealing is repeatable. */
	corcache_table_seal(sector);
	expect(!memcmp(sector, wanted, BYTES));
}

static void golden_table_sector_without_checksums(void)
{
	struct corcache_super super;
	u8 wanted[BYTES] = { };
	u32 i;

	make(&super, 1 << 20, 1 << 21, 128, 8, false, "");
	memcpy(wanted + TS_ID, super.id, 16);
	for (i = 0; i < 30; i++) {
		put(wanted + TS_ENTRIES + 16 * i, 100 + i, 8);
		put(wanted + TS_ENTRIES + 16 * i + 8, i + 1, 8);
	}
	put(wanted + TS_CRC, slow_crc(wanted, BYTES, TS_CRC), 4);

	corcache_table_begin(&super, sector, 0);
	for (i = 0; i < 30; i++)
		corcache_table_put(&super, sector, i, 100 + i, i + 1, NULL);
	corcache_table_seal(sector);
	expect(!memcmp(sector, wanted, BYTES));
}

static void table_round_trip(void)
{
	struct corcache_super super;
	struct slot slots[30];
	u32 round, i, bit;

	for (round = 0; round < 20000; round++) {
		u64 nr;

		make_random(&super);
		nr = unit_below(super.geo.table_sectors);
		random_sector(&super, slots, nr);
		expect_u64(get(sector + TS_CRC, 4), slow_crc(sector, BYTES, TS_CRC));
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_VALID);
		for (i = 0; i < super.geo.sector_entries; i++) {
			u64 region = 0x55, valid = 0x55;
			u32 crc[64];
			int ret = corcache_table_get(&super, sector, i, &region, &valid, crc);

			expect_int(ret, slots[i].valid ? 1 : 0);
			if (!ret) {
				expect(region == 0x55 && valid == 0x55);
				continue;
			}
			expect_u64(region, slots[i].region);
			expect_u64(valid, slots[i].valid);
			for (bit = 0; bit < super.geo.region_blocks; bit++)
				expect_u64(crc[bit], super.geo.checksums && valid >> bit & 1 ?
					   slots[i].crc[bit] : 0);
			expect_int(corcache_table_get(&super, sector, i, &region, &valid, NULL), 1);
		}
	}
}

/* An entry may be put again, also without anything in it. */
static void table_put_again(void)
{
	struct corcache_super super;
	u64 region, valid;
	u32 crc[16];

	make_usual(&super);
	memset(crc, 0xaa, sizeof(crc));
	corcache_table_begin(&super, sector, 3);
	memcpy(other, sector, BYTES);
	corcache_table_put(&super, sector, 2, 5, 0xffff, crc);
	corcache_table_put(&super, sector, 2, 6, 0x0100, crc);
	expect_int(corcache_table_get(&super, sector, 2, &region, &valid, crc), 1);
	expect(region == 6 && valid == 0x0100 && !crc[7] && crc[8] == 0xaaaaaaaa && !crc[9]);
	expect_int(corcache_table_get(&super, sector, 1, &region, &valid, NULL), 0);
	expect_int(corcache_table_get(&super, sector, 3, &region, &valid, NULL), 0);
	corcache_table_put(&super, sector, 2, 6, 0, crc);
	expect(!memcmp(sector, other, BYTES));
}

static void table_bit_flips(void)
{
	struct corcache_super super;
	struct slot slots[30];
	u32 round, bit;

	for (round = 0; round < 40; round++) {
		u64 nr;

		make_random(&super);
		nr = round & 1 ? unit_below(super.geo.table_sectors) : 0;
		random_sector(&super, slots, nr);
		for (bit = 0; bit < BITS; bit++) {
			sector[bit / 8] ^= 1 << bit % 8;
			expectf(corcache_table_check(&super, sector, nr) == CORCACHE_TABLE_CORRUPT,
				"round %u bit %u", round, bit);
			sector[bit / 8] ^= 1 << bit % 8;
		}
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_VALID);
	}
}

/* The head damaged by more than a bit, the entries not. */
static void table_head_damage(void)
{
	struct corcache_super super;
	struct slot slots[30];
	u32 round, i;

	for (round = 0; round < 2000; round++) {
		make_random(&super);
		random_sector(&super, slots, 5);

		memcpy(other, sector, BYTES);
		unit_fill(other + TS_ID + unit_below(16), 1);
		i = memcmp(other, sector, BYTES) ? CORCACHE_TABLE_CORRUPT : CORCACHE_TABLE_VALID;
		expect_int(corcache_table_check(&super, other, 5), i);

		unit_fill(other + TS_ID, 16);
		expect_int(corcache_table_check(&super, other, 5), CORCACHE_TABLE_CORRUPT);
		memset(other + TS_ID, 0, 16);
		expect_int(corcache_table_check(&super, other, 5), CORCACHE_TABLE_CORRUPT);
		unit_fill(other + TS_NUMBER, 24);
		expect_int(corcache_table_check(&super, other, 5), CORCACHE_TABLE_CORRUPT);
		/* Read from another place, there is nothing left to know it by. */
		expect_int(corcache_table_check(&super, other, 6), CORCACHE_TABLE_EMPTY);

		memcpy(other, sector, BYTES);
		unit_fill(other + TS_NUMBER, 8);
		expect_int(corcache_table_check(&super, other, 5), CORCACHE_TABLE_CORRUPT);
		memcpy(other, sector, BYTES);
		unit_fill(other + TS_CRC, 4);
		expect_int(corcache_table_check(&super, other, 5), CORCACHE_TABLE_CORRUPT);
	}
}

/* An intact sector of ours, where another one should be. */
static void table_misplaced(void)
{
	struct corcache_super super;
	struct slot slots[30];
	u64 nr;

	make_usual(&super);
	random_sector(&super, slots, 77);
	for (nr = 0; nr < super.geo.table_sectors; nr++)
		expect_int(corcache_table_check(&super, sector, nr),
			   nr == 77 ? CORCACHE_TABLE_VALID : CORCACHE_TABLE_CORRUPT);
	expect_int(corcache_table_check(&super, sector, 77 | 1ULL << 32), CORCACHE_TABLE_CORRUPT);
}

static void table_not_ours(void)
{
	struct corcache_super super, old;
	struct slot slots[30];
	u32 i;

	for (i = 0; i < 2000; i++) {
		u64 nr;

		make_random(&super);
		nr = unit_below(super.geo.table_sectors);
		memset(sector, 0, BYTES);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);
		memset(sector, 0xff, BYTES);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);
		unit_fill(sector, BYTES);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);
		memset(sector, 0, TS_ENTRIES);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);
		/* Garbage with a checksum that holds. */
		unit_fill(sector, BYTES);
		seal(sector, TS_CRC);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);
		memset(sector, 0, BYTES);
		seal(sector, TS_CRC);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);

		/* An earlier formatting: intact, and rotten. */
		old = super;
		unit_fill(old.id, sizeof(old.id));
		random_sector(&old, slots, nr);
		expect_int(corcache_table_check(&old, sector, nr), CORCACHE_TABLE_VALID);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);
		sector[unit_below(BYTES)] ^= 1 << unit_below(8);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_EMPTY);

		/* Our id makes it ours. */
		unit_fill(sector, BYTES);
		memcpy(sector + TS_ID, super.id, 16);
		expect_int(corcache_table_check(&super, sector, nr), CORCACHE_TABLE_CORRUPT);
	}
}

/* Bytes without a meaning, in sectors whose checksum holds. */
static void table_reserved(void)
{
	struct corcache_super super;
	u32 i, round, end;

	for (round = 0; round < 200; round++) {
		make_random(&super);
		corcache_table_begin(&super, sector, 9);
		end = TS_ENTRIES + super.geo.sector_entries * super.geo.entry_bytes;
		for (i = TS_RESERVED; i < BYTES; i++) {
			enum corcache_table_state wanted = CORCACHE_TABLE_VALID;

			if (i < TS_ID || i >= end)
				wanted = CORCACHE_TABLE_CORRUPT;
			else if (i < TS_ENTRIES)
				wanted = CORCACHE_TABLE_EMPTY;
			sector[i] ^= 0x10;
			seal(sector, TS_CRC);
			expectf(corcache_table_check(&super, sector, 9) == wanted, "byte %u", i);
			sector[i] ^= 0x10;
		}
	}
}

struct bad_entry {
	u64 region, valid;
	u32 crc_bit;		/* which of the checksums is 1; 99: none */
	int ret;
};

/* Of make_usual(): 1001 regions, the last one of 3 blocks. */
static const struct bad_entry bad_entries[] = {
	{ 0, 0, 99, 0 },
	{ 1, 0, 99, -EINVAL },
	{ U64_MAX, 0, 99, -EINVAL },
	{ 0, 0, 0, -EINVAL },
	{ 0, 0, 15, -EINVAL },
	{ 0, 1, 0, 1 },
	{ 0, 1, 99, 1 },
	{ 0, 1, 1, -EINVAL },
	{ 0, 0x7fff, 15, -EINVAL },
	{ 0, 0xffff, 15, 1 },
	{ 0, 0x10000, 99, -EINVAL },
	{ 0, 1ULL << 63 | 1, 99, -EINVAL },
	{ 999, 0xffff, 0, 1 },
	{ 1000, 7, 0, 1 },
	{ 1000, 4, 2, 1 },
	{ 1000, 8, 99, -EINVAL },
	{ 1000, 0xffff, 99, -EINVAL },
	{ 1001, 1, 99, -EINVAL },
	{ 1ULL << 32, 1, 99, -EINVAL },
	{ 1ULL << 63, 1, 99, -EINVAL },
	{ U64_MAX, 1, 99, -EINVAL },
};

static void table_bad_entries(void)
{
	struct corcache_super super;
	u32 i, e;

	make_usual(&super);
	for (i = 0; i < ARRAY_SIZE(bad_entries); i++) {
		const struct bad_entry *b = &bad_entries[i];

		for (e = 0; e < 6; e++) {
			u8 *entry = sector + TS_ENTRIES + 80 * e;
			u64 region = 0x55, valid = 0x55;
			u32 crc[16] = { 0x55 };

			corcache_table_begin(&super, sector, 0);
			put(entry, b->region, 8);
			put(entry + 8, b->valid, 8);
			if (b->crc_bit < 16)
				put(entry + 16 + 4 * b->crc_bit, 1, 4);
			seal(sector, TS_CRC);
			expect_int(corcache_table_check(&super, sector, 0), CORCACHE_TABLE_VALID);
			expectf(corcache_table_get(&super, sector, e, &region, &valid, crc) ==
				b->ret, "case %u", i);
			if (b->ret == 1)
				expect(region == b->region && valid == b->valid);
			else
				expect(region == 0x55 && valid == 0x55 && crc[0] == 0x55);
		}
	}
}

/* An entry of one block with its checksum is padded by four bytes. */
static void table_entry_padding(void)
{
	struct corcache_super super;
	u64 region, valid;
	u32 crc = 0x01020304, i;

	make(&super, 1 << 20, 1 << 21, 8, 8, true, "");
	for (i = 0; i < 4; i++) {
		corcache_table_begin(&super, sector, 0);
		corcache_table_put(&super, sector, 19, 3, 1, &crc);
		expect_int(corcache_table_get(&super, sector, 19, &region, &valid, NULL), 1);
		sector[TS_ENTRIES + 24 * 19 + 20 + i] = 1;
		expect_int(corcache_table_get(&super, sector, 19, &region, &valid, NULL), -EINVAL);
		memset(sector + TS_ENTRIES + 24 * 19, 0, 20);
		expect_int(corcache_table_get(&super, sector, 19, &region, &valid, NULL), -EINVAL);
	}
}

static void forge_table(const struct corcache_geometry *geo, u8 *data)
{
	u8 *entry = data + TS_ENTRIES + geo->entry_bytes * unit_below(geo->sector_entries);

	switch (unit_below(6)) {
	case 0:
		put(entry, geo->nr_regions + unit_below(5) - 2, 8);
		break;
	case 1:
		put(entry, unit_magnitude(), 8);
		break;
	case 2:
		put(entry + 8, unit_magnitude(), 8);
		break;
	case 3:
		put(entry + 8, get(entry + 8, 8) | 1ULL << unit_below(64), 8);
		break;
	case 4:
		put(entry + 8, 0, 8);
		break;
	default:
		unit_fill(data + TS_ENTRIES + unit_below(BYTES - TS_ENTRIES), 1);
	}
}

static void expect_entry_in_range(const struct corcache_super *super, u32 i)
{
	const struct corcache_geometry *geo = &super->geo;
	u64 region = 0x55, valid = 0x55;
	u32 *crc = malloc(geo->region_blocks * sizeof(*crc));
	int ret = corcache_table_get(super, sector, i, &region, &valid, crc);

	if (ret == 1)
		expect(region < geo->nr_regions && valid && !(valid & ~naive_mask(geo, region)));
	else
		expect((!ret || ret == -EINVAL) && region == 0x55 && valid == 0x55);
	free(crc);
}

static void hostile_table_sectors(void)
{
	struct corcache_super super;
	struct slot slots[30];
	u32 round, i, times, seen[3] = { };

	for (round = 0; round < ROUNDS; round++) {
		enum corcache_table_state state;

		if (round % 16 == 0)
			make_random(&super);
		if (unit_below(8)) {
			random_sector(&super, slots, 1);
			for (times = unit_below(8); times; times--)
				forge_table(&super.geo, sector);
		} else {
			unit_fill(sector, BYTES);
			put(sector + TS_RESERVED, 0, 4);
			put(sector + TS_NUMBER, 1, 8);
			memcpy(sector + TS_ID, super.id, 16);
			i = TS_ENTRIES + super.geo.sector_entries * super.geo.entry_bytes;
			memset(sector + i, 0, BYTES - i);
		}
		seal(sector, TS_CRC);
		state = corcache_table_check(&super, sector, 1);
		expect(state <= CORCACHE_TABLE_CORRUPT);
		seen[state]++;
		if (state == CORCACHE_TABLE_VALID)
			for (i = 0; i < super.geo.sector_entries; i++)
				expect_entry_in_range(&super, i);
	}
	expectf(seen[CORCACHE_TABLE_VALID] > ROUNDS / 2, "only %u", seen[CORCACHE_TABLE_VALID]);
	expect_u64(seen[CORCACHE_TABLE_EMPTY], 0);
}

static const struct unit_test tests[] = {
	{ "table: golden bytes", golden_table_sector },
	{ "table: golden bytes without checksums", golden_table_sector_without_checksums },
	{ "table: round trip", table_round_trip },
	{ "table: put again", table_put_again },
	{ "table: every bit flip is corrupt", table_bit_flips },
	{ "table: damaged head is corrupt", table_head_damage },
	{ "table: misplaced is corrupt", table_misplaced },
	{ "table: not ours is empty", table_not_ours },
	{ "table: reserved bytes", table_reserved },
	{ "table: entries without sense", table_bad_entries },
	{ "table: padding of an entry", table_entry_padding },
	{ "table: hostile sectors", hostile_table_sectors },
};

int main(void)
{
	return sectors_run(tests, ARRAY_SIZE(tests));
}
