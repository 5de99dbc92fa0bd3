// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sectors of the region table: bytes against ones written down by hand, damage
 * bit by bit, sectors that are not where they belong or not ours, and entries
 * whose checksum holds but whose values were made up by an enemy.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "sectors.h"

static u8 *sector, *other;

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
	u32 hint, crc[64];
};

/* For as many entries as a sector can hold. */
static struct slot *new_slots(struct kunit *test)
{
	struct slot *slots = kunit_kmalloc(test, 30 * sizeof(*slots), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, slots);
	return slots;
}

/* A sector full of entries, some of them empty. */
static void random_sector(const struct corcache_super *super, struct slot *slots, u64 nr)
{
	const struct corcache_geometry *geo = &super->geo;
	u32 i;

	corcache_random_bytes(sector, BYTES);
	corcache_table_begin(super, sector, nr);
	for (i = 0; i < geo->sector_entries; i++) {
		struct slot *slot = &slots[i];

		corcache_random_bytes(slot, sizeof(*slot));
		slot->region = geo->nr_regions - 1;
		if (corcache_below(5))
			slot->region = corcache_below(geo->nr_regions);
		slot->valid &= corcache_region_mask(geo, to_region(slot->region));
		if (corcache_below(4) == 0)
			slot->valid = 0;
		if (slot->valid)
			corcache_table_put(super, sector, i, slot->region, slot->hint,
					   slot->valid, geo->checksums ? slot->crc : NULL);
	}
	corcache_table_seal(sector);
}

static void test_golden_table_sector(struct kunit *test)
{
	struct corcache_super super;
	u8 wanted[BYTES] = { };
	u32 crc[16], i;

	for (i = 0; i < 16; i++) {
		crc[i] = 0x01020300 + i;
		wanted[TS_ID + i] = 0xf0 + i;
	}
	corcache_put_le(wanted + TS_NUMBER, 2719, 8);
	/* The first entry: region 7, all blocks. */
	corcache_put_le(wanted + TS_ENTRIES, 7, 8);
	corcache_put_le(wanted + TS_ENTRIES + 8, 0xffff, 8);
	for (i = 0; i < 16; i++)
		corcache_put_le(wanted + TS_ENTRIES + 16 + 4 * i, 0x01020300 + i, 4);
	/* The sixth and last: the last region, its first and last block. */
	corcache_put_le(wanted + 432, 1000, 4);
	corcache_put_le(wanted + 432 + 4, 0x81020304, 4);
	corcache_put_le(wanted + 432 + 8, 5, 8);
	corcache_put_le(wanted + 432 + 16, 0x01020300, 4);
	corcache_put_le(wanted + 432 + 24, 0x01020302, 4);
	corcache_put_le(wanted + TS_CRC, corcache_slow_crc(wanted, BYTES, TS_CRC), 4);

	corcache_make_usual(test, &super);
	corcache_random_bytes(sector, BYTES);
	corcache_table_begin(&super, sector, 2719);
	corcache_table_put(&super, sector, 0, 7, 0, 0xffff, crc);
	corcache_table_put(&super, sector, 5, 1000, 0x81020304, 5, crc);
	corcache_table_seal(sector);
	for (i = 0; i < BYTES; i++)
		KUNIT_ASSERT_EQ_MSG(test, sector[i], wanted[i], "byte %u is %#x, wanted %#x", i,
				    sector[i], wanted[i]);
	/* Sealing is repeatable. */
	corcache_table_seal(sector);
	KUNIT_EXPECT_FALSE(test, memcmp(sector, wanted, BYTES));
}

static void test_golden_table_sector_without_checksums(struct kunit *test)
{
	struct corcache_super super;
	u8 wanted[BYTES] = { };
	u32 i;

	corcache_make_super(test, &super, 1 << 20, 1 << 21, 128, 8, false, "");
	memcpy(wanted + TS_ID, super.id, 16);
	for (i = 0; i < 30; i++) {
		corcache_put_le(wanted + TS_ENTRIES + 16 * i, 100 + i, 8);
		corcache_put_le(wanted + TS_ENTRIES + 16 * i + 8, i + 1, 8);
	}
	corcache_put_le(wanted + TS_CRC, corcache_slow_crc(wanted, BYTES, TS_CRC), 4);

	corcache_table_begin(&super, sector, 0);
	for (i = 0; i < 30; i++)
		corcache_table_put(&super, sector, i, 100 + i, 0, i + 1, NULL);
	corcache_table_seal(sector);
	KUNIT_EXPECT_FALSE(test, memcmp(sector, wanted, BYTES));
}

static void test_table_round_trip(struct kunit *test)
{
	struct corcache_super super;
	struct slot *slots = new_slots(test);
	u32 round, i, bit;

	for (round = 0; round < 20000; round++) {
		u64 nr;

		corcache_make_random(test, &super);
		nr = corcache_below(super.geo.table_sectors);
		random_sector(&super, slots, nr);
		KUNIT_ASSERT_EQ(test, corcache_get_le(sector + TS_CRC, 4),
				corcache_slow_crc(sector, BYTES, TS_CRC));
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_VALID);
		for (i = 0; i < super.geo.sector_entries; i++) {
			u64 region = 0x55, valid = 0x55;
			u32 crc[64], hint = 0x55;
			int ret = corcache_table_get(&super, sector, i, &region, &hint, &valid,
						     crc);

			KUNIT_ASSERT_EQ(test, ret, slots[i].valid ? 1 : 0);
			if (!ret) {
				KUNIT_ASSERT_TRUE(test, region == 0x55 && hint == 0x55 &&
						  valid == 0x55);
				continue;
			}
			KUNIT_ASSERT_EQ(test, region, slots[i].region);
			KUNIT_ASSERT_EQ(test, hint, slots[i].hint);
			KUNIT_ASSERT_EQ(test, valid, slots[i].valid);
			for (bit = 0; bit < super.geo.region_blocks; bit++)
				KUNIT_ASSERT_EQ(test, crc[bit], super.geo.checksums &&
						valid >> bit & 1 ? slots[i].crc[bit] : 0);
			ret = corcache_table_get(&super, sector, i, &region, &hint, &valid, NULL);
			KUNIT_ASSERT_EQ(test, ret, 1);
		}
	}
}

/* An entry may be put again, also without anything in it. */
static void test_table_put_again(struct kunit *test)
{
	struct corcache_super super;
	u64 region, valid;
	u32 crc[16], hint;

	corcache_make_usual(test, &super);
	memset(crc, 0xaa, sizeof(crc));
	corcache_table_begin(&super, sector, 3);
	memcpy(other, sector, BYTES);
	corcache_table_put(&super, sector, 2, 5, 1, 0xffff, crc);
	corcache_table_put(&super, sector, 2, 6, 2, 0x0100, crc);
	KUNIT_EXPECT_EQ(test, corcache_table_get(&super, sector, 2, &region, &hint, &valid, crc),
			1);
	KUNIT_EXPECT_TRUE(test, region == 6 && hint == 2 && valid == 0x0100);
	KUNIT_EXPECT_TRUE(test, !crc[7] && crc[8] == 0xaaaaaaaa && !crc[9]);
	KUNIT_EXPECT_EQ(test, corcache_table_get(&super, sector, 1, &region, &hint, &valid, NULL),
			0);
	KUNIT_EXPECT_EQ(test, corcache_table_get(&super, sector, 3, &region, &hint, &valid, NULL),
			0);
	corcache_table_put(&super, sector, 2, 6, 2, 0, crc);
	KUNIT_EXPECT_FALSE(test, memcmp(sector, other, BYTES));
}

static void test_table_bit_flips(struct kunit *test)
{
	struct corcache_super super;
	struct slot *slots = new_slots(test);
	u32 round, bit;

	for (round = 0; round < 40; round++) {
		u64 nr;

		corcache_make_random(test, &super);
		nr = round & 1 ? corcache_below(super.geo.table_sectors) : 0;
		random_sector(&super, slots, nr);
		for (bit = 0; bit < BITS; bit++) {
			sector[bit / 8] ^= 1 << bit % 8;
			KUNIT_ASSERT_EQ_MSG(test, corcache_table_check(&super, sector, nr),
					    CORCACHE_TABLE_CORRUPT, "round %u bit %u", round, bit);
			sector[bit / 8] ^= 1 << bit % 8;
		}
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_VALID);
	}
}

/* The head damaged by more than a bit, the entries not. */
static void test_table_head_damage(struct kunit *test)
{
	struct corcache_super super;
	struct slot *slots = new_slots(test);
	u32 round, i;

	for (round = 0; round < 2000; round++) {
		corcache_make_random(test, &super);
		random_sector(&super, slots, 5);

		memcpy(other, sector, BYTES);
		corcache_random_bytes(other + TS_ID + corcache_below(16), 1);
		i = memcmp(other, sector, BYTES) ? CORCACHE_TABLE_CORRUPT : CORCACHE_TABLE_VALID;
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, other, 5), i);

		corcache_random_bytes(other + TS_ID, 16);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, other, 5),
				CORCACHE_TABLE_CORRUPT);
		memset(other + TS_ID, 0, 16);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, other, 5),
				CORCACHE_TABLE_CORRUPT);
		corcache_random_bytes(other + TS_NUMBER, 24);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, other, 5),
				CORCACHE_TABLE_CORRUPT);
		/* Read from another place, there is nothing left to know it by. */
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, other, 6), CORCACHE_TABLE_EMPTY);

		memcpy(other, sector, BYTES);
		corcache_random_bytes(other + TS_NUMBER, 8);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, other, 5),
				CORCACHE_TABLE_CORRUPT);
		memcpy(other, sector, BYTES);
		corcache_random_bytes(other + TS_CRC, 4);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, other, 5),
				CORCACHE_TABLE_CORRUPT);
	}
}

/* An intact sector of ours, where another one should be. */
static void test_table_misplaced(struct kunit *test)
{
	struct corcache_super super;
	struct slot *slots = new_slots(test);
	u64 nr;

	corcache_make_usual(test, &super);
	random_sector(&super, slots, 77);
	for (nr = 0; nr < super.geo.table_sectors; nr++)
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				nr == 77 ? CORCACHE_TABLE_VALID : CORCACHE_TABLE_CORRUPT);
	KUNIT_EXPECT_EQ(test, corcache_table_check(&super, sector, 77 | 1ULL << 32),
			CORCACHE_TABLE_CORRUPT);
}

static void test_table_not_ours(struct kunit *test)
{
	struct corcache_super super, old;
	struct slot *slots = new_slots(test);
	u32 i;

	for (i = 0; i < 2000; i++) {
		u64 nr;

		corcache_make_random(test, &super);
		nr = corcache_below(super.geo.table_sectors);
		memset(sector, 0, BYTES);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);
		memset(sector, 0xff, BYTES);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);
		corcache_random_bytes(sector, BYTES);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);
		memset(sector, 0, TS_ENTRIES);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);
		/* Garbage with a checksum that holds. */
		corcache_random_bytes(sector, BYTES);
		corcache_seal(sector, TS_CRC);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);
		memset(sector, 0, BYTES);
		corcache_seal(sector, TS_CRC);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);

		/* An earlier formatting: intact, and rotten. */
		old = super;
		corcache_random_bytes(old.id, sizeof(old.id));
		random_sector(&old, slots, nr);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&old, sector, nr), CORCACHE_TABLE_VALID);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);
		sector[corcache_below(BYTES)] ^= 1 << corcache_below(8);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_EMPTY);

		/* Our id makes it ours. */
		corcache_random_bytes(sector, BYTES);
		memcpy(sector + TS_ID, super.id, 16);
		KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, nr),
				CORCACHE_TABLE_CORRUPT);
	}
}

/* Bytes without a meaning, in sectors whose checksum holds. */
static void test_table_reserved(struct kunit *test)
{
	struct corcache_super super;
	u32 i, round, end;

	for (round = 0; round < 200; round++) {
		corcache_make_random(test, &super);
		corcache_table_begin(&super, sector, 9);
		end = TS_ENTRIES + super.geo.sector_entries * super.geo.entry_bytes;
		for (i = TS_RESERVED; i < BYTES; i++) {
			enum corcache_table_state wanted = CORCACHE_TABLE_VALID;

			if (i < TS_ID || i >= end)
				wanted = CORCACHE_TABLE_CORRUPT;
			else if (i < TS_ENTRIES)
				wanted = CORCACHE_TABLE_EMPTY;
			sector[i] ^= 0x10;
			corcache_seal(sector, TS_CRC);
			KUNIT_ASSERT_EQ_MSG(test, corcache_table_check(&super, sector, 9), wanted,
					    "byte %u", i);
			sector[i] ^= 0x10;
		}
	}
}

struct bad_entry {
	u64 region, valid;
	u32 crc_bit;		/* which of the checksums is 1; 99: none */
	int ret;
};

/* Of corcache_make_usual(): 1001 regions, the last one of 3 blocks. */
static const struct bad_entry bad_entries[] = {
	{ 0, 0, 99, 0 },
	{ 1, 0, 99, -EINVAL },
	{ U64_MAX, 0, 99, -EINVAL },
	{ 0, 0, 0, -EINVAL },
	{ 0, 0, 15, -EINVAL },
	{ 1ULL << 32, 0, 99, -EINVAL },
	{ 1ULL << 63, 0, 99, -EINVAL },
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
	{ U32_MAX, 1, 99, -EINVAL },
	{ U64_MAX, 1, 99, -EINVAL },
	/* with hints */
	{ 1ULL << 32, 1, 99, 1 },
	{ 1ULL << 63, 1, 99, 1 },
	{ 0xffffffffULL << 32 | 1000, 7, 0, 1 },
	{ 0xffffffffULL << 32 | 1001, 1, 99, -EINVAL },
};

static void test_table_bad_entries(struct kunit *test)
{
	struct corcache_super super;
	u32 i, e;

	corcache_make_usual(test, &super);
	for (i = 0; i < ARRAY_SIZE(bad_entries); i++) {
		const struct bad_entry *b = &bad_entries[i];

		for (e = 0; e < 6; e++) {
			u8 *entry = sector + TS_ENTRIES + 80 * e;
			u64 region = 0x55, valid = 0x55;
			u32 crc[16] = { 0x55 }, hint = 0x55;
			int ret;

			corcache_table_begin(&super, sector, 0);
			corcache_put_le(entry, b->region, 8);
			corcache_put_le(entry + 8, b->valid, 8);
			if (b->crc_bit < 16)
				corcache_put_le(entry + 16 + 4 * b->crc_bit, 1, 4);
			corcache_seal(sector, TS_CRC);
			KUNIT_ASSERT_EQ(test, corcache_table_check(&super, sector, 0),
					CORCACHE_TABLE_VALID);
			ret = corcache_table_get(&super, sector, e, &region, &hint, &valid, crc);
			KUNIT_ASSERT_EQ_MSG(test, ret, b->ret, "case %u", i);
			if (b->ret == 1)
				KUNIT_ASSERT_TRUE(test, region == (u32)b->region &&
						  hint == b->region >> 32 && valid == b->valid);
			else
				KUNIT_ASSERT_TRUE(test, region == 0x55 && hint == 0x55 &&
						  valid == 0x55 && crc[0] == 0x55);
		}
	}
}

/* An entry of one block with its checksum is padded by four bytes. */
static void test_table_entry_padding(struct kunit *test)
{
	struct corcache_super super;
	u64 region, valid;
	u32 crc = 0x01020304, hint, i;

	corcache_make_super(test, &super, 1 << 20, 1 << 21, 8, 8, true, "");
	for (i = 0; i < 4; i++) {
		corcache_table_begin(&super, sector, 0);
		corcache_table_put(&super, sector, 19, 3, 0, 1, &crc);
		KUNIT_ASSERT_EQ(test, corcache_table_get(&super, sector, 19, &region, &hint,
							 &valid, NULL),
				1);
		sector[TS_ENTRIES + 24 * 19 + 20 + i] = 1;
		KUNIT_ASSERT_EQ(test, corcache_table_get(&super, sector, 19, &region, &hint,
							 &valid, NULL),
				-EINVAL);
		memset(sector + TS_ENTRIES + 24 * 19, 0, 20);
		KUNIT_ASSERT_EQ(test, corcache_table_get(&super, sector, 19, &region, &hint,
							 &valid, NULL),
				-EINVAL);
	}
}

static void forge_table(const struct corcache_geometry *geo, u8 *data)
{
	u8 *entry = data + TS_ENTRIES + geo->entry_bytes * corcache_below(geo->sector_entries);

	switch (corcache_below(6)) {
	case 0:
		corcache_put_le(entry, geo->nr_regions + corcache_below(5) - 2, 4);
		break;
	case 1:
		corcache_put_le(entry, corcache_magnitude(), 8);
		break;
	case 2:
		corcache_put_le(entry + 8, corcache_magnitude(), 8);
		break;
	case 3:
		corcache_put_le(entry + 8,
				corcache_get_le(entry + 8, 8) | 1ULL << corcache_below(64), 8);
		break;
	case 4:
		corcache_put_le(entry + 8, 0, 8);
		break;
	default:
		corcache_random_bytes(data + TS_ENTRIES + corcache_below(BYTES - TS_ENTRIES), 1);
	}
}

static void expect_entry_in_range(struct kunit *test, const struct corcache_super *super, u32 i)
{
	const struct corcache_geometry *geo = &super->geo;
	u64 region = 0x55, valid = 0x55;
	u32 *crc = kunit_kmalloc(test, geo->region_blocks * sizeof(*crc), GFP_KERNEL);
	u32 hint = 0x55;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, crc);
	ret = corcache_table_get(super, sector, i, &region, &hint, &valid, crc);
	if (ret == 1)
		KUNIT_ASSERT_TRUE(test, region < geo->nr_regions && valid &&
				  !(valid & ~naive_mask(geo, region)));
	else
		KUNIT_ASSERT_TRUE(test, (!ret || ret == -EINVAL) && region == 0x55 &&
				  hint == 0x55 && valid == 0x55);
	kunit_kfree(test, crc);
}

static void test_hostile_table_sectors(struct kunit *test)
{
	struct corcache_super super;
	struct slot *slots = new_slots(test);
	u32 round, i, times, seen[3] = { };

	for (round = 0; round < ROUNDS; round++) {
		enum corcache_table_state state;

		if (round % 16 == 0)
			corcache_make_random(test, &super);
		if (corcache_below(8)) {
			random_sector(&super, slots, 1);
			for (times = corcache_below(8); times; times--)
				forge_table(&super.geo, sector);
		} else {
			corcache_random_bytes(sector, BYTES);
			corcache_put_le(sector + TS_RESERVED, 0, 4);
			corcache_put_le(sector + TS_NUMBER, 1, 8);
			memcpy(sector + TS_ID, super.id, 16);
			i = TS_ENTRIES + super.geo.sector_entries * super.geo.entry_bytes;
			memset(sector + i, 0, BYTES - i);
		}
		corcache_seal(sector, TS_CRC);
		state = corcache_table_check(&super, sector, 1);
		KUNIT_ASSERT_LE(test, state, CORCACHE_TABLE_CORRUPT);
		seen[state]++;
		if (state == CORCACHE_TABLE_VALID)
			for (i = 0; i < super.geo.sector_entries; i++)
				expect_entry_in_range(test, &super, i);
	}
	KUNIT_EXPECT_GT_MSG(test, seen[CORCACHE_TABLE_VALID], ROUNDS / 2, "only %u",
			    seen[CORCACHE_TABLE_VALID]);
	KUNIT_EXPECT_EQ(test, seen[CORCACHE_TABLE_EMPTY], 0);
}

static int table_init(struct kunit *test)
{
	sector = corcache_test_sector(test);
	other = corcache_test_sector(test);
	return corcache_test_init(test);
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(test_golden_table_sector),
	KUNIT_CASE(test_golden_table_sector_without_checksums),
	KUNIT_CASE(test_table_round_trip),
	KUNIT_CASE(test_table_put_again),
	KUNIT_CASE(test_table_bit_flips),
	KUNIT_CASE(test_table_head_damage),
	KUNIT_CASE(test_table_misplaced),
	KUNIT_CASE(test_table_not_ours),
	KUNIT_CASE(test_table_reserved),
	KUNIT_CASE(test_table_bad_entries),
	KUNIT_CASE(test_table_entry_padding),
	KUNIT_CASE(test_hostile_table_sectors),
	{}
};

static struct kunit_suite table_suite = {
	.name = "dm_corcache_table",
	.suite_init = corcache_test_suite_init,
	.init = table_init,
	.test_cases = table_cases,
};

kunit_test_suite(table_suite);
