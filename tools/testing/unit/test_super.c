// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superblocks: bytes against ones written down by hand, damage bit by bit,
 * sectors whose checksum holds but whose values were made up by an enemy, and
 * whether what is on a device suits what a table line says.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "sectors.h"

/* Offsets of the superblock, as in format.rst. */
enum {
	SB_CRC = 8, SB_VERSION = 12, SB_ID = 16, SB_FEATURES = 32, SB_TARGET = 40, SB_CACHE = 48,
	SB_REGION = 56, SB_BLOCK = 60, SB_SLOTS = 64, SB_TABLE_START = 72, SB_TABLE_SECTORS = 80,
	SB_DATA = 88, SB_BACKUP = 96, SB_ORIGIN_BYTES = 104, SB_RESERVED = 108, SB_ORIGIN = 112,
	SB_PADDING = 176,
};

static char err[256];

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

static const struct unit_test tests[] = {
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
};

int main(void)
{
	return sectors_run(tests, ARRAY_SIZE(tests));
}
