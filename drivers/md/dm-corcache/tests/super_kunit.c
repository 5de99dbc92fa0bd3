// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superblocks: bytes against ones written down by hand, damage bit by bit,
 * sectors whose checksum holds but whose values were made up by an enemy, and
 * whether what is on a device suits what a table line says.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "sectors.h"

#define HEX_32		"0123456789abcdef0123456789abcdef"
#define LONG_ID		HEX_32 HEX_32 HEX_32 HEX_32

static u8 *sector, *other;

/* Offsets of the superblock, as in format.rst. */
enum {
	SB_CRC = 8, SB_VERSION = 12, SB_ID = 16, SB_INCOMPAT = 32, SB_COMPAT = 40, SB_TARGET = 48,
	SB_CACHE = 56, SB_REGION = 64, SB_BLOCK = 68, SB_SLOTS = 72, SB_TABLE_START = 80,
	SB_TABLE_SECTORS = 88, SB_DATA = 96, SB_BACKUP = 104, SB_ORIGIN_BYTES = 112,
	SB_RESERVED = 116, SB_ORIGIN = 120, SB_PADDING = 248,
};

static struct corcache_refusal why;

static int decode(struct corcache_super *super, const u8 *data)
{
	memset(&why, 0, sizeof(why));
	return corcache_super_decode(super, data, U64_MAX, &why);
}

static bool same_super(const struct corcache_super *a, const struct corcache_super *b)
{
	const struct corcache_geometry *x = &a->geo, *y = &b->geo;

	return x->target_sectors == y->target_sectors && x->cache_sectors == y->cache_sectors &&
	       x->region_sectors == y->region_sectors && x->block_sectors == y->block_sectors &&
	       x->checksums == y->checksums && x->region_shift == y->region_shift &&
	       x->block_shift == y->block_shift && x->region_blocks == y->region_blocks &&
	       x->entry_bytes == y->entry_bytes && x->sector_entries == y->sector_entries &&
	       x->nr_regions == y->nr_regions && x->nr_slots == y->nr_slots &&
	       x->table_start == y->table_start && x->table_sectors == y->table_sectors &&
	       x->data_start == y->data_start && x->backup_start == y->backup_start &&
	       a->compat == b->compat && !memcmp(a->id, b->id, sizeof(a->id)) &&
	       !strcmp(a->origin_id, b->origin_id);
}

static void test_golden_superblock(struct kunit *test)
{
	struct corcache_super super;
	u8 wanted[BYTES] = { };
	u32 i;

	memcpy(wanted, "corcache", 8);
	corcache_put_le(wanted + SB_VERSION, 1, 4);
	for (i = 0; i < 16; i++)
		wanted[SB_ID + i] = 0xf0 + i;
	corcache_put_le(wanted + SB_INCOMPAT, 1, 8);
	corcache_put_le(wanted + SB_TARGET, 128020, 8);
	corcache_put_le(wanted + SB_CACHE, 2097152, 8);
	corcache_put_le(wanted + SB_REGION, 128, 4);
	corcache_put_le(wanted + SB_BLOCK, 8, 4);
	corcache_put_le(wanted + SB_SLOTS, 16320, 8);
	corcache_put_le(wanted + SB_TABLE_START, 2048, 8);
	corcache_put_le(wanted + SB_TABLE_SECTORS, 2720, 8);
	corcache_put_le(wanted + SB_DATA, 6144, 8);
	corcache_put_le(wanted + SB_BACKUP, 2097144, 8);
	corcache_put_le(wanted + SB_ORIGIN_BYTES, 10, 4);
	memcpy(wanted + SB_ORIGIN, "sha256:abc", 10);
	corcache_put_le(wanted + SB_CRC, corcache_slow_crc(wanted, BYTES, SB_CRC), 4);

	corcache_make_usual(test, &super);
	corcache_random_bytes(sector, BYTES);
	corcache_super_encode(&super, sector);
	for (i = 0; i < BYTES; i++)
		KUNIT_ASSERT_EQ_MSG(test, sector[i], wanted[i], "byte %u is %#x, wanted %#x", i,
				    sector[i], wanted[i]);

	/* Constants that can be checked without any of this code. */
	KUNIT_EXPECT_EQ(test, corcache_get_le(sector, 8), 0x6568636163726f63ULL);
	KUNIT_EXPECT_EQ(test, corcache_get_le(sector + SB_CRC, 4),
			corcache_slow_crc(sector, BYTES, SB_CRC));

	super.geo.checksums = false;
	super.origin_id[0] = '\0';
	corcache_super_encode(&super, sector);
	KUNIT_EXPECT_EQ(test, corcache_get_le(sector + SB_INCOMPAT, 8), 0);
	KUNIT_EXPECT_EQ(test, corcache_get_le(sector + SB_ORIGIN_BYTES, 4), 0);
	KUNIT_EXPECT_FALSE(test, memchr_inv(sector + SB_ORIGIN, 0, 128));
}

static void test_superblock_round_trip(struct kunit *test)
{
	u32 i;

	for (i = 0; i < 20000; i++) {
		struct corcache_super super, found;

		corcache_make_random(test, &super);
		corcache_random_bytes(sector, BYTES);
		corcache_super_encode(&super, sector);
		memset(&found, 0x55, sizeof(found));
		KUNIT_ASSERT_EQ_MSG(test, decode(&found, sector), 0, "%s", why.text);
		KUNIT_ASSERT_TRUE(test, same_super(&super, &found));
		corcache_super_encode(&found, other);
		KUNIT_ASSERT_FALSE(test, memcmp(sector, other, BYTES));
	}
}

static void test_superblock_bit_flips(struct kunit *test)
{
	static const char *const names[] = { "", "v1", LONG_ID };
	struct corcache_super super, found, before;
	u32 round, bit;

	for (round = 0; round < 12; round++) {
		corcache_make_super(test, &super, 1 + corcache_below(1 << 30), 1 << 21, 128, 8,
				    round & 1, names[round % 3]);
		corcache_super_encode(&super, sector);
		for (bit = 0; bit < BITS; bit++) {
			int wanted = bit < SB_CRC * 8 ? -ENODATA : -EILSEQ;

			sector[bit / 8] ^= 1 << bit % 8;
			memset(&before, bit, sizeof(before));
			found = before;
			KUNIT_ASSERT_EQ_MSG(test, decode(&found, sector), wanted, "bit %u: %s", bit,
					    why.text);
			KUNIT_ASSERT_FALSE(test, memcmp(&found, &before, sizeof(found)));
			KUNIT_ASSERT_TRUE(test, wanted == -ENODATA || corcache_is_line(why.text));
			sector[bit / 8] ^= 1 << bit % 8;
		}
		KUNIT_ASSERT_EQ(test, decode(&found, sector), 0);
	}
}

struct forgery {
	u32 offset, bytes;
	u64 value;
	int ret;
	const char *err;
};

/* Of corcache_make_usual(), with the checksum made to fit. */
static const struct forgery forgeries[] = {
	{ SB_VERSION, 4, 0, -EOPNOTSUPP,
	  "superblock: format version is 0, this target knows only 1" },
	{ SB_VERSION, 4, 2, -EOPNOTSUPP,
	  "superblock: format version is 2, this target knows only 1" },
	{ SB_VERSION, 4, U32_MAX, -EOPNOTSUPP,
	  "superblock: format version is 4294967295, this target knows only 1" },
	{ SB_INCOMPAT, 8, 3, -EOPNOTSUPP,
	  "superblock: incompatible features 0x2 are not known to this target" },
	{ SB_INCOMPAT, 8, U64_MAX, -EOPNOTSUPP,
	  "superblock: incompatible features 0xfffffffffffffffe are not known to this target" },
	{ SB_INCOMPAT, 8, 0, -EINVAL, "superblock: nr_slots is 16320, must be 16336" },
	{ SB_TARGET, 8, 0, -EINVAL,
	  "superblock: length 0 is not between 1 and 9223372036854775807 (sectors)" },
	{ SB_TARGET, 8, U64_MAX, -EINVAL,
	  "superblock: length 18446744073709551615 is not between 1 and 9223372036854775807 (sectors)",
	},
	{ SB_TARGET, 8, 1ULL << 39, -EINVAL,
	  "superblock: region size 128 makes 4294967296 regions of the origin, more than 4294967294: at least 256 is needed",
	},
	{ SB_CACHE, 8, 0, -EINVAL,
	  "superblock: cache device of 0 sectors is too small: at least 6272 are needed" },
	{ SB_CACHE, 8, 2097153, -EINVAL, "superblock: cache_sectors is 2097153, must be 2097152" },
	{ SB_CACHE, 8, 2097160, -EINVAL, "superblock: backup_start is 2097144, must be 2097152" },
	{ SB_CACHE, 8, U64_MAX - 7, -EINVAL, "superblock: nr_slots is 16320, must be 4294967294" },
	{ SB_REGION, 4, 0, -EINVAL,
	  "superblock: region size 0 is not a power of two between 8 and 8192 (sectors)" },
	{ SB_REGION, 4, 64, -EINVAL, "superblock: nr_slots is 16320, must be 32640" },
	{ SB_BLOCK, 4, 12, -EINVAL,
	  "superblock: block_size 12 is not a power of two between 8 and the region size 128 (sectors)",
	},
	{ SB_BLOCK, 4, 16, -EINVAL, "superblock: nr_slots is 16320, must be 16336" },
	{ SB_SLOTS, 8, 16321, -EINVAL, "superblock: nr_slots is 16321, must be 16320" },
	{ SB_SLOTS, 8, 1, -EINVAL, "superblock: nr_slots is 1, must be 16320" },
	{ SB_TABLE_START, 8, 0, -EINVAL, "superblock: table_start is 0, must be 2048" },
	{ SB_TABLE_SECTORS, 8, 2728, -EINVAL, "superblock: table_sectors is 2728, must be 2720" },
	{ SB_DATA, 8, 2048, -EINVAL, "superblock: data_start is 2048, must be 6144" },
	{ SB_BACKUP, 8, 0, -EINVAL, "superblock: backup_start is 0, must be 2097144" },
	{ SB_ORIGIN_BYTES, 4, 129, -EINVAL,
	  "superblock: origin_id of 129 bytes, at most 128 are allowed" },
	{ SB_ORIGIN_BYTES, 4, U32_MAX, -EINVAL,
	  "superblock: origin_id of 4294967295 bytes, at most 128 are allowed" },
	{ SB_ORIGIN_BYTES, 4, 9, -EINVAL, "superblock: bytes after the origin_id are not zero" },
	{ SB_ORIGIN_BYTES, 4, 0, -EINVAL, "superblock: bytes after the origin_id are not zero" },
	{ SB_ORIGIN_BYTES, 4, 11, -EINVAL,
	  "superblock: origin_id has a character that is not allowed" },
	{ SB_ORIGIN, 1, '\n', -EINVAL,
	  "superblock: origin_id has a character that is not allowed" },
	{ SB_ORIGIN + 3, 1, 0, -EINVAL,
	  "superblock: origin_id has a character that is not allowed" },
	{ SB_ORIGIN + 127, 1, 'a', -EINVAL,
	  "superblock: bytes after the origin_id are not zero" },
	{ SB_RESERVED, 4, 1, -EINVAL, "superblock: reserved bytes are not zero" },
	{ SB_RESERVED, 4, 0x80000000, -EINVAL, "superblock: reserved bytes are not zero" },
	{ SB_PADDING, 1, 1, -EINVAL, "superblock: reserved bytes are not zero" },
	{ BYTES - 1, 1, 0x80, -EINVAL, "superblock: reserved bytes are not zero" },
};

static void test_forged_superblocks(struct kunit *test)
{
	struct corcache_super super, found, before;
	u32 i;

	corcache_make_usual(test, &super);
	for (i = 0; i < ARRAY_SIZE(forgeries); i++) {
		const struct forgery *f = &forgeries[i];

		corcache_super_encode(&super, sector);
		corcache_put_le(sector + f->offset, f->value, f->bytes);
		corcache_seal(sector, SB_CRC);
		memset(&before, i, sizeof(before));
		found = before;
		KUNIT_ASSERT_EQ_MSG(test, decode(&found, sector), f->ret, "case %u: %s", i,
				    why.text);
		KUNIT_ASSERT_STREQ(test, why.text, f->err);
		KUNIT_ASSERT_FALSE(test, memcmp(&found, &before, sizeof(found)));
	}
	for (i = SB_PADDING; i < BYTES; i++) {
		corcache_super_encode(&super, sector);
		sector[i] = 1;
		corcache_seal(sector, SB_CRC);
		KUNIT_ASSERT_EQ(test, decode(&found, sector), -EINVAL);
	}
}

static void test_not_a_superblock(struct kunit *test)
{
	struct corcache_super super, found;
	u32 i;

	memset(sector, 0, BYTES);
	KUNIT_EXPECT_EQ(test, decode(&found, sector), -ENODATA);
	memset(sector, 0xff, BYTES);
	KUNIT_EXPECT_EQ(test, decode(&found, sector), -ENODATA);
	for (i = 0; i < 1000; i++) {
		corcache_random_bytes(sector, BYTES);
		KUNIT_ASSERT_EQ(test, decode(&found, sector), -ENODATA);
		memcpy(sector, "corcache", 8);
		KUNIT_ASSERT_EQ(test, decode(&found, sector), -EOPNOTSUPP);
		corcache_put_le(sector + SB_VERSION, 1, 4);
		KUNIT_ASSERT_EQ(test, decode(&found, sector), -EILSEQ);
		KUNIT_ASSERT_STREQ(test, why.text, "superblock: checksum is wrong");
	}

	/* Another version may be anything behind its number. */
	corcache_make_usual(test, &super);
	corcache_super_encode(&super, sector);
	corcache_put_le(sector + SB_VERSION, 2, 4);
	sector[300] = 1;
	KUNIT_EXPECT_EQ(test, decode(&found, sector), -EOPNOTSUPP);
}

/* What the copy at the end of a device may speak for. */
static void test_damage(struct kunit *test)
{
	struct corcache_super super;
	u32 i, n;

	corcache_make_usual(test, &super);
	corcache_super_encode(&super, sector);
	for (i = 0; i < BITS; i++) {
		memcpy(other, sector, BYTES);
		other[i / 8] ^= 1 << i % 8;
		KUNIT_ASSERT_TRUE(test, corcache_super_is_damaged(other, sector));
	}
	/* the first n bytes behind the id, then as many of the id */
	for (n = 0; n <= 64; n++) {
		memcpy(other, sector, BYTES);
		for (i = 0; i < n; i++)
			other[SB_INCOMPAT + i] ^= 0x80;
		KUNIT_ASSERT_EQ_MSG(test, corcache_super_is_damaged(other, sector), n <= 32,
				    "%u bytes", n);
	}
	for (n = 0; n <= CORCACHE_ID_BYTES; n++) {
		memcpy(other, sector, BYTES);
		for (i = 0; i < n; i++)
			other[SB_ID + i] ^= 1;
		KUNIT_ASSERT_EQ_MSG(test, corcache_super_is_damaged(other, sector), n <= 8,
				    "%u bytes of the id", n);
	}
	/* a wiped sector is not damaged, however little there was in it */
	memset(other, 0, BYTES);
	KUNIT_EXPECT_FALSE(test, corcache_super_is_damaged(other, sector));
	memset(sector, 0, BYTES);
	sector[100] = 1;
	KUNIT_EXPECT_FALSE(test, corcache_super_is_damaged(other, sector));
	KUNIT_EXPECT_TRUE(test, corcache_super_is_damaged(sector, other));
}

/* A device of one size, formatted twice for the same table line. */
static void test_another_formatting_is_no_damage(struct kunit *test)
{
	struct corcache_super super;
	u32 i;

	corcache_make_usual(test, &super);
	corcache_super_encode(&super, sector);
	for (i = 0; i < 10000; i++) {
		corcache_random_bytes(super.id, CORCACHE_ID_BYTES);
		corcache_super_encode(&super, other);
		KUNIT_ASSERT_FALSE(test, corcache_super_is_damaged(sector, other));
	}
}

static void test_magic(struct kunit *test)
{
	struct corcache_super super;
	u32 bit;

	corcache_make_usual(test, &super);
	corcache_super_encode(&super, sector);
	for (bit = 0; bit < BITS; bit++) {
		sector[bit / 8] ^= 1 << bit % 8;
		KUNIT_ASSERT_EQ(test, corcache_super_has_magic(sector), bit >= SB_CRC * 8);
		sector[bit / 8] ^= 1 << bit % 8;
	}
}

static void test_size_of_the_device(struct kunit *test)
{
	struct corcache_super super, found;
	u64 i;

	corcache_make_usual(test, &super);
	corcache_super_encode(&super, sector);
	for (i = 2097152; i < 2097152 + 5000; i++)
		KUNIT_ASSERT_EQ(test, corcache_super_decode(&found, sector, i, &why), 0);
	KUNIT_EXPECT_EQ(test, found.geo.cache_sectors, 2097152);
	KUNIT_EXPECT_EQ(test, corcache_super_decode(&found, sector, 2097151, &why), -ENOSPC);
	KUNIT_EXPECT_STREQ(test, why.text,
			   "cache device has 2097151 sectors, it had 2097152 when it was formatted");
	KUNIT_EXPECT_EQ(test, corcache_super_decode(&found, sector, 0, &why), -ENOSPC);
}

/* What an unknown compatible feature keeps where version 1 has zeros. */
static void keep_reserved(u8 *to, const u8 *from)
{
	memcpy(to + SB_RESERVED, from + SB_RESERVED, 4);
	memcpy(to + SB_PADDING, from + SB_PADDING, BYTES - SB_PADDING);
	corcache_seal(to, SB_CRC);
}

/*
 * A later version's superblock, with a compatible feature and what belongs to it: it
 * is read as if these were not there, and nothing else may be wrong.
 */
static void test_unknown_compatible_features(struct kunit *test)
{
	struct corcache_super super, found;
	u32 bit, i;

	corcache_make_usual(test, &super);
	for (bit = 0; bit < 64; bit++) {
		corcache_super_encode(&super, sector);
		corcache_put_le(sector + SB_COMPAT, 1ULL << bit, 8);
		corcache_put_le(sector + SB_RESERVED, bit + 1, 4);
		corcache_random_bytes(sector + SB_PADDING, BYTES - SB_PADDING);
		corcache_seal(sector, SB_CRC);
		KUNIT_ASSERT_EQ_MSG(test, decode(&found, sector), 0, "%s", why.text);
		KUNIT_ASSERT_EQ(test, found.compat, 1ULL << bit);
		KUNIT_ASSERT_EQ(test, corcache_super_match(&found, &super, &why), 0);
		corcache_super_encode(&found, other);
		keep_reserved(other, sector);
		KUNIT_ASSERT_FALSE(test, memcmp(sector, other, BYTES));
		found.compat = 0;
		KUNIT_ASSERT_TRUE(test, same_super(&found, &super));
	}
	for (i = 0; i < ARRAY_SIZE(forgeries); i++) {
		const struct forgery *f = &forgeries[i];
		int wanted = f->ret;

		corcache_super_encode(&super, sector);
		corcache_put_le(sector + SB_COMPAT, 1, 8);
		corcache_put_le(sector + f->offset, f->value, f->bytes);
		corcache_seal(sector, SB_CRC);
		/* these are not looked at now */
		if (f->offset == SB_RESERVED || f->offset >= SB_PADDING)
			wanted = 0;
		KUNIT_ASSERT_EQ_MSG(test, decode(&found, sector), wanted, "case %u: %s", i,
				    why.text);
	}
}

/* What a decoded superblock must be, whoever wrote it. */
static void expect_usable(struct kunit *test, const struct corcache_super *super)
{
	const struct corcache_geometry *geo = &super->geo;
	struct corcache_super again = *super;
	int ret;

	ret = corcache_geometry_init(&again.geo, geo->target_sectors, geo->cache_sectors,
				     geo->region_sectors, geo->block_sectors, geo->checksums,
				     &why);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_ASSERT_TRUE(test, same_super(&again, super));
	KUNIT_ASSERT_LE(test, geo->data_start + geo->nr_slots * geo->region_sectors,
			geo->cache_sectors - 2048);
	KUNIT_ASSERT_LE(test, geo->nr_slots, CORCACHE_MAX_SLOTS);
	KUNIT_ASSERT_LE(test, geo->nr_regions, CORCACHE_MAX_REGIONS);
	KUNIT_ASSERT_LE(test, strlen(super->origin_id), 128);
	KUNIT_ASSERT_TRUE(test,
			  corcache_origin_id_valid(super->origin_id, strlen(super->origin_id)));
}

/* Fields with values that are likely to be nearly right. */
static void forge(u8 *data)
{
	static const u8 fields[][2] = {
		{ SB_INCOMPAT, 8 }, { SB_COMPAT, 8 }, { SB_TARGET, 8 }, { SB_CACHE, 8 },
		{ SB_REGION, 4 }, { SB_BLOCK, 4 }, { SB_SLOTS, 8 }, { SB_TABLE_START, 8 },
		{ SB_TABLE_SECTORS, 8 }, { SB_DATA, 8 }, { SB_BACKUP, 8 }, { SB_ORIGIN_BYTES, 4 },
		{ SB_RESERVED, 4 },
	};
	const u8 *field = fields[corcache_below(ARRAY_SIZE(fields))];
	u64 old = corcache_get_le(data + field[0], field[1]);

	switch (corcache_below(6)) {
	case 0:
		corcache_put_le(data + field[0], old + corcache_below(17) - 8, field[1]);
		break;
	case 1:
		corcache_put_le(data + field[0], old << 1, field[1]);
		break;
	case 2:
		corcache_put_le(data + field[0], old >> 1, field[1]);
		break;
	case 3:
		corcache_put_le(data + field[0], corcache_magnitude(), field[1]);
		break;
	case 4:
		data[SB_ORIGIN + corcache_below(128)] = corcache_random();
		break;
	default:
		data[SB_ID + corcache_below(BYTES - SB_ID)] = corcache_random();
	}
}

static void test_hostile_superblocks(struct kunit *test)
{
	struct corcache_super super, found;
	u32 i, times, accepted = 0, compatible = 0;

	for (i = 0; i < ROUNDS; i++) {
		u64 device = corcache_below(4) ? U64_MAX : corcache_magnitude();
		int ret;

		if (i % 16 == 0)
			corcache_make_random(test, &super);
		corcache_super_encode(&super, sector);
		for (times = 1 + corcache_below(3); times; times--)
			forge(sector);
		corcache_seal(sector, SB_CRC);
		memset(&why, 0, sizeof(why));
		ret = corcache_super_decode(&found, sector, device, &why);
		if (ret) {
			KUNIT_ASSERT_TRUE(test,
					  ret == -EINVAL || ret == -EOPNOTSUPP || ret == -ENOSPC);
			KUNIT_ASSERT_TRUE(test, corcache_is_line(why.text));
			continue;
		}
		accepted++;
		KUNIT_ASSERT_LE(test, found.geo.cache_sectors, device);
		expect_usable(test, &found);
		corcache_super_encode(&found, other);
		if (found.compat) {
			keep_reserved(other, sector);
			compatible++;
		}
		KUNIT_ASSERT_FALSE(test, memcmp(sector, other, BYTES));
	}
	KUNIT_EXPECT_GT_MSG(test, accepted, ROUNDS / 100, "only %u", accepted);
	KUNIT_EXPECT_GT_MSG(test, compatible, ROUNDS / 1000, "only %u", compatible);
}

static void test_origin_id_characters(struct kunit *test)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-";
	u32 c;

	KUNIT_EXPECT_TRUE(test, corcache_origin_id_valid("", 0));
	for (c = 0; c < 256; c++) {
		char text[3] = { 'a', c, 'b' };
		bool good = memchr(allowed, c, sizeof(allowed) - 1);

		KUNIT_ASSERT_EQ_MSG(test, corcache_origin_id_valid(text, 3), good, "%u", c);
		KUNIT_ASSERT_EQ_MSG(test, corcache_origin_id_valid(text + 1, 1), good, "%u", c);
	}
	KUNIT_EXPECT_TRUE(test, corcache_origin_id_valid("a\n", 1));
	KUNIT_EXPECT_FALSE(test, corcache_origin_id_valid("a\n", 2));
}

static void expect_mismatch(struct kunit *test, const struct corcache_super *disk,
			    const struct corcache_super *want, const char *text)
{
	memset(&why, 0, sizeof(why));
	KUNIT_ASSERT_EQ(test, corcache_super_match(disk, want, &why), -EINVAL);
	KUNIT_ASSERT_STREQ(test, why.text, text);
}

static void test_matching(struct kunit *test)
{
	static const char long_id[] = LONG_ID;
	struct corcache_super disk, want;
	char text[CORCACHE_REFUSAL_BYTES];

	corcache_make_usual(test, &disk);
	want = disk;
	memset(want.id, 0, sizeof(want.id));
	want.geo.cache_sectors += 8000;
	want.geo.nr_slots = 0;
	memset(&why, 0, sizeof(why));
	KUNIT_EXPECT_EQ(test, corcache_super_match(&disk, &want, &why), 0);
	KUNIT_EXPECT_FALSE(test, why.text[0]);

	want.geo.target_sectors = 128021;
	expect_mismatch(test, &disk, &want,
			"length of the cache is 128020 sectors, the table says 128021");
	want = disk;
	want.geo.region_sectors = 64;
	expect_mismatch(test, &disk, &want,
			"region size of the cache is 128 sectors, the table says 64");
	want = disk;
	want.geo.block_sectors = 16;
	expect_mismatch(test, &disk, &want,
			"block_size of the cache is 8 sectors, the table says 16");
	want = disk;
	want.geo.checksums = false;
	expect_mismatch(test, &disk, &want,
			"the cache was formatted with checksums, the table says with no_checksums");
	expect_mismatch(test, &want, &disk,
			"the cache was formatted with no_checksums, the table says with checksums");
	want = disk;
	strscpy(want.origin_id, "sha256:abd", sizeof(want.origin_id));
	expect_mismatch(test, &disk, &want,
			"origin_id of the cache is sha256:abc, the table says sha256:abd");
	want.origin_id[0] = '\0';
	expect_mismatch(test, &disk, &want,
			"origin_id of the cache is sha256:abc, the table says (none)");
	expect_mismatch(test, &want, &disk,
			"origin_id of the cache is (none), the table says sha256:abc");
	strscpy(want.origin_id, long_id, sizeof(want.origin_id));
	strscpy(disk.origin_id, long_id, sizeof(disk.origin_id));
	KUNIT_EXPECT_EQ(test, corcache_super_match(&disk, &want, &why), 0);
	disk.origin_id[127] = 'x';
	snprintf(text, sizeof(text), "origin_id of the cache is %.127sx, the table says %s",
		 long_id, long_id);
	expect_mismatch(test, &disk, &want, text);
	disk.origin_id[127] = '\0';
	snprintf(text, sizeof(text), "origin_id of the cache is %.127s, the table says %s", long_id,
		 long_id);
	expect_mismatch(test, &disk, &want, text);
}

static int super_init(struct kunit *test)
{
	sector = corcache_test_sector(test);
	other = corcache_test_sector(test);
	return corcache_test_init(test);
}

static struct kunit_case super_cases[] = {
	KUNIT_CASE(test_golden_superblock),
	KUNIT_CASE(test_superblock_round_trip),
	KUNIT_CASE(test_superblock_bit_flips),
	KUNIT_CASE(test_forged_superblocks),
	KUNIT_CASE(test_not_a_superblock),
	KUNIT_CASE(test_unknown_compatible_features),
	KUNIT_CASE(test_damage),
	KUNIT_CASE(test_another_formatting_is_no_damage),
	KUNIT_CASE(test_magic),
	KUNIT_CASE(test_size_of_the_device),
	KUNIT_CASE(test_hostile_superblocks),
	KUNIT_CASE(test_matching),
	KUNIT_CASE(test_origin_id_characters),
	{}
};

static struct kunit_suite super_suite = {
	.name = "dm_corcache_super",
	.suite_init = corcache_test_suite_init,
	.init = super_init,
	.test_cases = super_cases,
};

kunit_test_suite(super_suite);
