// SPDX-License-Identifier: GPL-2.0-only
/*
 * Format: bytes against ones written down by hand, damage bit by bit, and
 * sectors whose checksum holds but whose values were made up by an enemy.
 *
 * Sectors live in blocks of malloc() of exactly their size, so that one byte
 * too far is an error.
 */
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "dm-corcache-format.h"
#include "unit.h"

#define BYTES	512
#define BITS	(BYTES * 8)
#define ROUNDS	120000

/* Offsets of the superblock, as in format.rst. */
enum {
	SB_CRC = 8, SB_VERSION = 12, SB_ID = 16, SB_FEATURES = 32, SB_TARGET = 40, SB_CACHE = 48,
	SB_REGION = 56, SB_BLOCK = 60, SB_SLOTS = 64, SB_TABLE_START = 72, SB_TABLE_SECTORS = 80,
	SB_DATA = 88, SB_BACKUP = 96, SB_ORIGIN_BYTES = 104, SB_RESERVED = 108, SB_ORIGIN = 112,
	SB_PADDING = 176,
};

/* Offsets of a table sector's head. */
enum { TS_CRC = 0, TS_RESERVED = 4, TS_NUMBER = 8, TS_ID = 16, TS_ENTRIES = 32 };

static char err[256];
static u8 *sector, *other;

/* CRC32C bit by bit, of a sector with the four bytes at @hole taken as 0. */
static u32 slow_crc(const u8 *data, u32 bytes, u32 hole)
{
	u32 crc = ~0U, i;
	int bit;

	for (i = 0; i < bytes; i++) {
		crc ^= i >= hole && i < hole + 4 ? 0 : data[i];
		for (bit = 0; bit < 8; bit++)
			crc = (crc & 1 ? 0x82f63b78U : 0) ^ crc >> 1;
	}
	return ~crc;
}

static void put(u8 *at, u64 value, u32 bytes)
{
	while (bytes--) {
		*at++ = value;
		value >>= 8;
	}
}

static u64 get(const u8 *at, u32 bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

/* With the target's CRC: slow_crc() is 20 times slower, and tested against it. */
static void seal(u8 *data, u32 hole)
{
	put(data + hole, 0, 4);
	put(data + hole, corcache_crc(data, BYTES), 4);
}

static void make(struct corcache_super *super, u64 target, u64 cache, u32 region, u32 block,
		 bool checksums, const char *origin_id)
{
	memset(super, 0, sizeof(*super));
	if (corcache_geometry_init(&super->geo, target, cache, region, block, checksums,
				   err, sizeof(err)))
		expectf(false, "%s", err);
	unit_fill(super->id, sizeof(super->id));
	strcpy(super->origin_id, origin_id);
}

/* 64 KiB regions of 4 KiB blocks on 1 GiB, the last region of 3 blocks. */
static void make_usual(struct corcache_super *super)
{
	u8 i;

	make(super, 128 * 1000 + 20, 1 << 21, 128, 8, true, "sha256:abc");
	for (i = 0; i < 16; i++)
		super->id[i] = 0xf0 + i;
}

static void make_random(struct corcache_super *super)
{
	static const char characters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-";
	u32 region = 8U << unit_below(11), ratio, i, bytes = unit_below(2) * unit_below(65);
	char name[65] = "";

	do {
		ratio = 1U << unit_below(7);
	} while (region / ratio < 8);
	for (i = 0; i < bytes; i++)
		name[i] = characters[unit_below(sizeof(characters) - 1)];
	make(super, 1 + unit_below(1ULL << unit_below(35)),
	     3 * 2048 + region + unit_below(1ULL << unit_below(50)),
	     region, region / ratio, unit_below(2), name);
}

static int decode(struct corcache_super *super, const u8 *data)
{
	memset(err, 0, sizeof(err));
	return corcache_super_decode(super, data, U64_MAX, err, sizeof(err));
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
	       !memcmp(a->id, b->id, sizeof(a->id)) && !strcmp(a->origin_id, b->origin_id);
}

/*---------------------------------------------------------------------------
 * Superblock
 */

static void checksum_of_anything(void)
{
	u32 i;

	expect_u64(corcache_crc("123456789", 9), 0xe3069283);
	expect_u64(corcache_crc("", 0), 0);
	for (i = 0; i < 2000; i++) {
		u32 bytes = unit_below(BYTES + 1);

		unit_fill(sector, BYTES);
		expect_u64(corcache_crc(sector, bytes), slow_crc(sector, bytes, BYTES));
	}
}

/* As Documentation/dm-corcache/format.rst says; and the place counts. */
static void checksum_of_a_block(void)
{
	u64 block = 0x123456789aULL;
	u32 i;

	expect_u64(corcache_block_seed(0), 0xffffffff);
	expect_u64(corcache_block_seed(256), 0xfffffeff);
	expect_u64(corcache_block_seed(block), ~(0x3456789aU ^ 0x12));
	memset(sector, 0, BYTES);
	for (i = 1; i < 5000; i++)
		expect(crc32c(corcache_block_seed(block), sector, BYTES) !=
		       crc32c(corcache_block_seed(block + i), sector, BYTES));
}

static void golden_superblock(void)
{
	struct corcache_super super;
	u8 wanted[BYTES] = { };
	u32 i;

	memcpy(wanted, "corcache", 8);
	put(wanted + SB_VERSION, 1, 4);
	for (i = 0; i < 16; i++)
		wanted[SB_ID + i] = 0xf0 + i;
	put(wanted + SB_FEATURES, 1, 8);
	put(wanted + SB_TARGET, 128020, 8);
	put(wanted + SB_CACHE, 2097152, 8);
	put(wanted + SB_REGION, 128, 4);
	put(wanted + SB_BLOCK, 8, 4);
	put(wanted + SB_SLOTS, 16320, 8);
	put(wanted + SB_TABLE_START, 2048, 8);
	put(wanted + SB_TABLE_SECTORS, 2720, 8);
	put(wanted + SB_DATA, 6144, 8);
	put(wanted + SB_BACKUP, 2097144, 8);
	put(wanted + SB_ORIGIN_BYTES, 10, 4);
	memcpy(wanted + SB_ORIGIN, "sha256:abc", 10);
	put(wanted + SB_CRC, slow_crc(wanted, BYTES, SB_CRC), 4);

	make_usual(&super);
	unit_fill(sector, BYTES);
	corcache_super_encode(&super, sector);
	for (i = 0; i < BYTES; i++)
		expectf(sector[i] == wanted[i], "byte %u is %#x, wanted %#x", i, sector[i],
			wanted[i]);

	/* Constants that can be checked without any of this code. */
	expect_u64(get(sector, 8), 0x6568636163726f63ULL);
	expect_u64(get(sector + SB_CRC, 4), slow_crc(sector, BYTES, SB_CRC));

	super.geo.checksums = false;
	super.origin_id[0] = '\0';
	corcache_super_encode(&super, sector);
	expect_u64(get(sector + SB_FEATURES, 8), 0);
	expect_u64(get(sector + SB_ORIGIN_BYTES, 4), 0);
	expect(!memchr_inv(sector + SB_ORIGIN, 0, 64));
}

static void superblock_round_trip(void)
{
	u32 i;

	for (i = 0; i < 20000; i++) {
		struct corcache_super super, found;

		make_random(&super);
		unit_fill(sector, BYTES);
		corcache_super_encode(&super, sector);
		memset(&found, 0x55, sizeof(found));
		if (!expectf(!decode(&found, sector), "%s", err))
			return;
		expect(same_super(&super, &found));
		corcache_super_encode(&found, other);
		expect(!memcmp(sector, other, BYTES));
	}
}

static void superblock_bit_flips(void)
{
	static const char *const names[] = { "", "v1",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" };
	struct corcache_super super, found, before;
	u32 round, bit;

	for (round = 0; round < 12; round++) {
		make(&super, 1 + unit_below(1 << 30), 1 << 21, 128, 8, round & 1, names[round % 3]);
		corcache_super_encode(&super, sector);
		for (bit = 0; bit < BITS; bit++) {
			int wanted = bit < SB_CRC * 8 ? -ENODATA : -EILSEQ;

			sector[bit / 8] ^= 1 << bit % 8;
			memset(&before, bit, sizeof(before));
			found = before;
			expectf(decode(&found, sector) == wanted, "bit %u: %s", bit, err);
			expect(!memcmp(&found, &before, sizeof(found)));
			expect(wanted == -ENODATA || unit_is_line(err));
			sector[bit / 8] ^= 1 << bit % 8;
		}
		expect_int(decode(&found, sector), 0);
	}
}

struct forgery {
	u32 offset, bytes;
	u64 value;
	int ret;
	const char *err;
};

/* Of make_usual(), with the checksum made to fit. */
static const struct forgery forgeries[] = {
	{ SB_VERSION, 4, 0, -EOPNOTSUPP,
	  "superblock: format version is 0, this target knows only 1" },
	{ SB_VERSION, 4, 2, -EOPNOTSUPP,
	  "superblock: format version is 2, this target knows only 1" },
	{ SB_VERSION, 4, U32_MAX, -EOPNOTSUPP,
	  "superblock: format version is 4294967295, this target knows only 1" },
	{ SB_FEATURES, 8, 3, -EOPNOTSUPP,
	  "superblock: features 0x2 are not known to this target" },
	{ SB_FEATURES, 8, U64_MAX, -EOPNOTSUPP,
	  "superblock: features 0xfffffffffffffffe are not known to this target" },
	{ SB_FEATURES, 8, 0, -EINVAL, "superblock: nr_slots is 16320, must be 16336" },
	{ SB_TARGET, 8, 0, -EINVAL,
	  "superblock: length 0 is not between 1 and 9223372036854775807 (sectors)" },
	{ SB_TARGET, 8, U64_MAX, -EINVAL,
	  "superblock: length 18446744073709551615 is not between 1 and 9223372036854775807 (sectors)" },
	{ SB_TARGET, 8, 1ULL << 39, -EINVAL,
	  "superblock: region size 128 makes 4294967296 regions of the origin, more than 4294967294: at least 256 is needed" },
	{ SB_CACHE, 8, 0, -EINVAL,
	  "superblock: cache device of 0 sectors is too small: at least 6272 are needed" },
	{ SB_CACHE, 8, 2097153, -EINVAL, "superblock: cache_sectors is 2097153, must be 2097152" },
	{ SB_CACHE, 8, 2097160, -EINVAL, "superblock: backup_start is 2097144, must be 2097152" },
	{ SB_CACHE, 8, U64_MAX - 7, -EINVAL, "superblock: nr_slots is 16320, must be 4294967294" },
	{ SB_REGION, 4, 0, -EINVAL,
	  "superblock: region size 0 is not a power of two between 8 and 8192 (sectors)" },
	{ SB_REGION, 4, 64, -EINVAL, "superblock: nr_slots is 16320, must be 32640" },
	{ SB_BLOCK, 4, 12, -EINVAL,
	  "superblock: block_size 12 is not a power of two between 8 and the region size 128 (sectors)" },
	{ SB_BLOCK, 4, 16, -EINVAL, "superblock: nr_slots is 16320, must be 16336" },
	{ SB_SLOTS, 8, 16321, -EINVAL, "superblock: nr_slots is 16321, must be 16320" },
	{ SB_SLOTS, 8, 1, -EINVAL, "superblock: nr_slots is 1, must be 16320" },
	{ SB_TABLE_START, 8, 0, -EINVAL, "superblock: table_start is 0, must be 2048" },
	{ SB_TABLE_SECTORS, 8, 2728, -EINVAL, "superblock: table_sectors is 2728, must be 2720" },
	{ SB_DATA, 8, 2048, -EINVAL, "superblock: data_start is 2048, must be 6144" },
	{ SB_BACKUP, 8, 0, -EINVAL, "superblock: backup_start is 0, must be 2097144" },
	{ SB_ORIGIN_BYTES, 4, 65, -EINVAL,
	  "superblock: origin_id of 65 bytes, at most 64 are allowed" },
	{ SB_ORIGIN_BYTES, 4, U32_MAX, -EINVAL,
	  "superblock: origin_id of 4294967295 bytes, at most 64 are allowed" },
	{ SB_ORIGIN_BYTES, 4, 9, -EINVAL, "superblock: bytes after the origin_id are not zero" },
	{ SB_ORIGIN_BYTES, 4, 0, -EINVAL, "superblock: bytes after the origin_id are not zero" },
	{ SB_ORIGIN_BYTES, 4, 11, -EINVAL,
	  "superblock: origin_id has a character that is not allowed" },
	{ SB_ORIGIN, 1, '\n', -EINVAL,
	  "superblock: origin_id has a character that is not allowed" },
	{ SB_ORIGIN + 3, 1, 0, -EINVAL,
	  "superblock: origin_id has a character that is not allowed" },
	{ SB_ORIGIN + 63, 1, 'a', -EINVAL,
	  "superblock: bytes after the origin_id are not zero" },
	{ SB_RESERVED, 4, 1, -EINVAL, "superblock: reserved bytes are not zero" },
	{ SB_RESERVED, 4, 0x80000000, -EINVAL, "superblock: reserved bytes are not zero" },
	{ SB_PADDING, 1, 1, -EINVAL, "superblock: reserved bytes are not zero" },
	{ BYTES - 1, 1, 0x80, -EINVAL, "superblock: reserved bytes are not zero" },
};

static void forged_superblocks(void)
{
	struct corcache_super super, found, before;
	u32 i;

	make_usual(&super);
	for (i = 0; i < ARRAY_SIZE(forgeries); i++) {
		const struct forgery *f = &forgeries[i];

		corcache_super_encode(&super, sector);
		put(sector + f->offset, f->value, f->bytes);
		seal(sector, SB_CRC);
		memset(&before, i, sizeof(before));
		found = before;
		expectf(decode(&found, sector) == f->ret, "case %u: %s", i, err);
		expect_string(err, f->err);
		expect(!memcmp(&found, &before, sizeof(found)));
	}
	for (i = SB_PADDING; i < BYTES; i++) {
		corcache_super_encode(&super, sector);
		sector[i] = 1;
		seal(sector, SB_CRC);
		expect_int(decode(&found, sector), -EINVAL);
	}
}

static void not_a_superblock(void)
{
	struct corcache_super super, found;
	u32 i;

	memset(sector, 0, BYTES);
	expect_int(decode(&found, sector), -ENODATA);
	memset(sector, 0xff, BYTES);
	expect_int(decode(&found, sector), -ENODATA);
	for (i = 0; i < 1000; i++) {
		unit_fill(sector, BYTES);
		expect_int(decode(&found, sector), -ENODATA);
		memcpy(sector, "corcache", 8);
		expect_int(decode(&found, sector), -EOPNOTSUPP);
		put(sector + SB_VERSION, 1, 4);
		expect_int(decode(&found, sector), -EILSEQ);
		expect_string(err, "superblock: checksum is wrong");
	}

	/* Another version may be anything behind its number. */
	make_usual(&super);
	corcache_super_encode(&super, sector);
	put(sector + SB_VERSION, 2, 4);
	sector[300] = 1;
	expect_int(decode(&found, sector), -EOPNOTSUPP);
}

static void size_of_the_device(void)
{
	struct corcache_super super, found;
	u64 i;

	make_usual(&super);
	corcache_super_encode(&super, sector);
	for (i = 2097152; i < 2097152 + 5000; i++)
		expect_int(corcache_super_decode(&found, sector, i, err, sizeof(err)), 0);
	expect_u64(found.geo.cache_sectors, 2097152);
	expect_int(corcache_super_decode(&found, sector, 2097151, err, sizeof(err)), -ENOSPC);
	expect_string(err, "cache device has 2097151 sectors, it had 2097152 when it was formatted");
	expect_int(corcache_super_decode(&found, sector, 0, err, sizeof(err)), -ENOSPC);
}

/* What a decoded superblock must be, whoever wrote it. */
static void expect_usable(const struct corcache_super *super)
{
	const struct corcache_geometry *geo = &super->geo;
	struct corcache_super again = *super;

	expect(!corcache_geometry_init(&again.geo, geo->target_sectors, geo->cache_sectors,
				       geo->region_sectors, geo->block_sectors, geo->checksums,
				       err, sizeof(err)));
	expect(same_super(&again, super));
	expect(geo->data_start + geo->nr_slots * geo->region_sectors <=
	       geo->cache_sectors - 2048);
	expect(geo->nr_slots <= CORCACHE_MAX_SLOTS && geo->nr_regions <= CORCACHE_MAX_REGIONS);
	expect(strlen(super->origin_id) <= 64);
	expect(corcache_origin_id_valid(super->origin_id, strlen(super->origin_id)));
}

/* Fields with values that are likely to be nearly right. */
static void forge(u8 *data)
{
	static const u8 fields[][2] = {
		{ SB_FEATURES, 8 }, { SB_TARGET, 8 }, { SB_CACHE, 8 }, { SB_REGION, 4 },
		{ SB_BLOCK, 4 }, { SB_SLOTS, 8 }, { SB_TABLE_START, 8 }, { SB_TABLE_SECTORS, 8 },
		{ SB_DATA, 8 }, { SB_BACKUP, 8 }, { SB_ORIGIN_BYTES, 4 }, { SB_RESERVED, 4 },
	};
	const u8 *field = fields[unit_below(ARRAY_SIZE(fields))];
	u64 old = get(data + field[0], field[1]);

	switch (unit_below(6)) {
	case 0:
		put(data + field[0], old + unit_below(17) - 8, field[1]);
		break;
	case 1:
		put(data + field[0], old << 1, field[1]);
		break;
	case 2:
		put(data + field[0], old >> 1, field[1]);
		break;
	case 3:
		put(data + field[0], unit_magnitude(), field[1]);
		break;
	case 4:
		data[SB_ORIGIN + unit_below(64)] = unit_random();
		break;
	default:
		data[SB_ID + unit_below(BYTES - SB_ID)] = unit_random();
	}
}

static void hostile_superblocks(void)
{
	struct corcache_super super, found;
	u32 i, times, accepted = 0;

	for (i = 0; i < ROUNDS; i++) {
		u64 device = unit_below(4) ? U64_MAX : unit_magnitude();
		int ret;

		if (i % 16 == 0)
			make_random(&super);
		corcache_super_encode(&super, sector);
		for (times = 1 + unit_below(3); times; times--)
			forge(sector);
		seal(sector, SB_CRC);
		memset(err, 0, sizeof(err));
		ret = corcache_super_decode(&found, sector, device, err, sizeof(err));
		if (ret) {
			expect(ret == -EINVAL || ret == -EOPNOTSUPP || ret == -ENOSPC);
			expect(unit_is_line(err));
			continue;
		}
		accepted++;
		expect(found.geo.cache_sectors <= device);
		expect_usable(&found);
		corcache_super_encode(&found, other);
		expect(!memcmp(sector, other, BYTES));
	}
	expectf(accepted > ROUNDS / 100, "only %u", accepted);
}

static void origin_id_characters(void)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-";
	u32 c;

	expect(corcache_origin_id_valid("", 0));
	for (c = 0; c < 256; c++) {
		char text[3] = { 'a', c, 'b' };
		bool good = memchr(allowed, c, sizeof(allowed) - 1);

		expectf(corcache_origin_id_valid(text, 3) == good, "%u", c);
		expectf(corcache_origin_id_valid(text + 1, 1) == good, "%u", c);
	}
	expect(corcache_origin_id_valid("a\n", 1));
	expect(!corcache_origin_id_valid("a\n", 2));
}

static void expect_mismatch(const struct corcache_super *disk, const struct corcache_super *want,
			    const char *text)
{
	memset(err, 0, sizeof(err));
	expect_int(corcache_super_match(disk, want, err, sizeof(err)), -EINVAL);
	expect_string(err, text);
}

static void matching(void)
{
	static const char long_id[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct corcache_super disk, want;
	char text[256];

	make_usual(&disk);
	want = disk;
	memset(want.id, 0, sizeof(want.id));
	want.geo.cache_sectors += 8000;
	want.geo.nr_slots = 0;
	memset(err, 0, sizeof(err));
	expect_int(corcache_super_match(&disk, &want, err, sizeof(err)), 0);
	expect(!err[0]);

	want.geo.target_sectors = 128021;
	expect_mismatch(&disk, &want, "length of the cache is 128020 sectors, the table says 128021");
	want = disk;
	want.geo.region_sectors = 64;
	expect_mismatch(&disk, &want, "region size of the cache is 128 sectors, the table says 64");
	want = disk;
	want.geo.block_sectors = 16;
	expect_mismatch(&disk, &want, "block_size of the cache is 8 sectors, the table says 16");
	want = disk;
	want.geo.checksums = false;
	expect_mismatch(&disk, &want,
			"the cache was formatted with checksums, the table says with no_checksums");
	expect_mismatch(&want, &disk,
			"the cache was formatted with no_checksums, the table says with checksums");
	want = disk;
	strcpy(want.origin_id, "sha256:abd");
	expect_mismatch(&disk, &want,
			"origin_id of the cache is sha256:abc, the table says sha256:abd");
	want.origin_id[0] = '\0';
	expect_mismatch(&disk, &want, "origin_id of the cache is sha256:abc, the table says (none)");
	expect_mismatch(&want, &disk, "origin_id of the cache is (none), the table says sha256:abc");
	strcpy(want.origin_id, long_id);
	strcpy(disk.origin_id, long_id);
	expect_int(corcache_super_match(&disk, &want, err, sizeof(err)), 0);
	disk.origin_id[63] = 'x';
	snprintf(text, sizeof(text), "origin_id of the cache is %.63sx, the table says %s", long_id,
		 long_id);
	expect_mismatch(&disk, &want, text);
	disk.origin_id[63] = '\0';
	snprintf(text, sizeof(text), "origin_id of the cache is %.63s, the table says %s", long_id,
		 long_id);
	expect_mismatch(&disk, &want, text);
}

static void short_error_buffers(void)
{
	struct corcache_super super, found, want;
	char small[100];
	u32 i, kind;

	make_usual(&super);
	want = super;
	want.geo.region_sectors = 64;
	corcache_super_encode(&super, sector);
	put(sector + SB_REGION, 100, 4);
	seal(sector, SB_CRC);
	for (i = 0; i < sizeof(small); i++) {
		for (kind = 0; kind < 2; kind++) {
			memset(small, '#', sizeof(small));
			expect_int(kind ? corcache_super_match(&super, &want, small, i) :
				   corcache_super_decode(&found, sector, U64_MAX, small, i),
				   -EINVAL);
			expect(small[i] == '#' && (!i || strlen(small) < i));
		}
	}
}

/*---------------------------------------------------------------------------
 * Region table
 */

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
	{ "checksum", checksum_of_anything },
	{ "checksum of a block, with its place", checksum_of_a_block },
	{ "superblock: golden bytes", golden_superblock },
	{ "superblock: round trip", superblock_round_trip },
	{ "superblock: every bit flip is refused", superblock_bit_flips },
	{ "superblock: forgeries and their messages", forged_superblocks },
	{ "superblock: not one at all", not_a_superblock },
	{ "superblock: size of the device", size_of_the_device },
	{ "superblock: hostile ones", hostile_superblocks },
	{ "superblock: match and its messages", matching },
	{ "superblock: characters of an origin_id", origin_id_characters },
	{ "superblock: short error buffers", short_error_buffers },
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
	int ret;

	sector = malloc(BYTES);
	other = malloc(BYTES);
	if (!sector || !other)
		return 2;
	ret = unit_run(tests, ARRAY_SIZE(tests));
	free(sector);
	free(other);
	return ret;
}
