// SPDX-License-Identifier: GPL-2.0-only
/*
 * Geometry: the layout rule against one written down a second time in wide
 * arithmetic, its properties, its refusals, and the conversions.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "dm-corcache-format.h"
#include "dm-corcache-geometry.h"
#include "unit.h"

#define MIB	2048ULL
#define ROUNDS	200000

typedef unsigned __int128 u128;

static char err[256];

static int init(struct corcache_geometry *geo, u64 target, u64 cache,
		u32 region, u32 block, bool checksums)
{
	memset(err, 0, sizeof(err));
	return corcache_geometry_init(geo, target, cache, region, block, checksums,
				      err, sizeof(err));
}

static void random_sizes(u32 *region, u32 *block)
{
	u32 ratio;

	*region = 8U << unit_below(11);
	do {
		ratio = 1U << unit_below(7);
	} while (*region / ratio < 8);
	*block = *region / ratio;
}

/* All pairs of sizes that are allowed; false at the end.  Start with *i = 0. */
static bool next_sizes(u32 *i, u32 *region, u32 *block)
{
	for (; *i < 11 * 7; ++*i) {
		*region = 8U << *i / 7;
		*block = *region >> *i % 7;
		if (*block >= 8)
			return ++*i;
	}
	return false;
}

static u128 up(u128 x, u128 m)
{
	return (x + m - 1) / m * m;
}

/* The layout rule of format.rst, once more, where nothing can wrap. */
static void expect_layout(const struct corcache_geometry *geo, u64 target, u64 cache,
			  u32 region, u32 block, bool checksums)
{
	u128 usable = cache / 8 * 8;
	u32 entry = up(16 + (checksums ? 4 * (region / block) : 0), 8);
	u32 eps = 480 / entry;
	u128 n0 = usable < 2 * MIB ? 0 : (usable - 2 * MIB) / region;
	u128 data = up(MIB + up(up(n0, eps) / eps, 8), MIB);
	u128 slots = usable < MIB + data ? 0 : (usable - MIB - data) / region;

	if (slots > 0xfffffffeU)
		slots = 0xfffffffeU;
	expect_u64(geo->target_sectors, target);
	expect_u64(geo->cache_sectors, usable);
	expect_u64(geo->region_sectors, region);
	expect_u64(geo->block_sectors, block);
	expect_u64(geo->checksums, checksums);
	expect_u64(1ULL << geo->region_shift, region);
	expect_u64(1ULL << geo->block_shift, block);
	expect_u64(geo->region_blocks, region / block);
	expect_u64(geo->entry_bytes, entry);
	expect_u64(geo->sector_entries, eps);
	expect_u64(geo->nr_regions, up(target, region) / region);
	expect_u64(geo->nr_slots, slots);
	expect_u64(geo->table_start, MIB);
	expect_u64(geo->table_sectors, up(up(slots, eps) / eps, 8));
	expect_u64(geo->data_start, data);
	expect_u64(geo->backup_start, usable - 8);
}

/* What must hold whatever the rule is. */
static void expect_sane(const struct corcache_geometry *geo)
{
	u64 last = geo->nr_slots - 1;
	u128 end = (u128)corcache_slot_to_sector(geo, last, 0) + geo->region_sectors;

	expect(geo->nr_slots >= 1 && geo->nr_slots <= CORCACHE_MAX_SLOTS);
	expect(geo->nr_regions >= 1 && geo->nr_regions <= CORCACHE_MAX_REGIONS);
	expect(geo->table_start >= MIB);
	expect((u128)geo->table_start + geo->table_sectors <= geo->data_start);
	expect((u128)geo->data_start + (u128)geo->nr_slots * geo->region_sectors == end);
	expect(end <= (u128)geo->cache_sectors - MIB);
	expect(geo->backup_start + 8 == geo->cache_sectors);
	expect((u128)geo->table_sectors * geo->sector_entries >= geo->nr_slots);
	expect(geo->sector_entries * geo->entry_bytes + 32 <= 512);
	expect(geo->data_start % MIB == 0);
	expect(geo->table_start % 8 == 0 && geo->table_sectors % 8 == 0);
	expect(geo->backup_start % 8 == 0);
}

static void random_layouts(void)
{
	u32 i, region, block, made = 0;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_geometry geo;
		bool checksums = unit_below(2);
		u64 target = unit_magnitude(), cache = unit_magnitude();
		int ret;

		random_sizes(&region, &block);
		ret = init(&geo, target, cache, region, block, checksums);
		if (!target || target > S64_MAX)
			expect_int(ret, -EINVAL);
		else if (up(target, region) / region > 0xfffffffeU)
			expect_int(ret, -E2BIG);
		else if (cache / 8 * 8 < 3 * MIB + region)
			expect_int(ret, -ENOSPC);
		else
			expect_int(ret, 0);
		if (ret) {
			expect(unit_is_line(err));
			continue;
		}
		made++;
		expect_layout(&geo, target, cache, region, block, checksums);
		expect_sane(&geo);
	}
	expectf(made > ROUNDS / 20, "only %u layouts", made);
}

static void largest_sizes(void)
{
	struct corcache_geometry geo;
	u32 i = 0, region, block;
	u64 cache, target;

	while (next_sizes(&i, &region, &block)) {
		target = CORCACHE_MAX_REGIONS * region;
		for (cache = U64_MAX; cache > U64_MAX - 20; cache--) {
			expect_int(init(&geo, target, cache, region, block, i & 1), 0);
			expect_layout(&geo, target, cache, region, block, i & 1);
			expect_sane(&geo);
		}
		/* Around the size from which on slots are not numbered. */
		for (cache = (CORCACHE_MAX_SLOTS - 3) * region;
		     cache < (CORCACHE_MAX_SLOTS + 5000000) * region; cache += 100001ULL * region) {
			expect_int(init(&geo, target, cache, region, block, i & 1), 0);
			expect_layout(&geo, target, cache, region, block, i & 1);
			expect_sane(&geo);
		}
	}
}

/* A layout as numbers on paper. */
struct golden {
	const char *name;
	u64 target, cache;
	u32 region, block;
	bool checksums;
	u32 region_blocks, entry_bytes, sector_entries;
	u64 nr_regions, nr_slots, table_sectors, data_start, backup_start;
};

static const struct golden goldens[] = {
	{ "1 GiB, 64 KiB regions of 4 KiB blocks", 1 << 24, 1 << 21, 128, 8, true,
	  16, 80, 6, 131072, 16320, 2720, 6144, 2097144 },
	{ "the same without checksums", 1 << 24, 1 << 21, 128, 8, false,
	  16, 16, 30, 131072, 16336, 552, 4096, 2097144 },
	{ "odd sizes", 1000003, 2097159, 128, 8, true,
	  16, 80, 6, 7813, 16320, 2720, 6144, 2097144 },
	{ "4 KiB regions: entries are padded", 1 << 24, 1 << 21, 8, 8, true,
	  1, 24, 20, 2097152, 259840, 12992, 16384, 2097144 },
	{ "64 TiB origin, 100 GiB, 4 MiB regions of 64 KiB blocks", 1ULL << 37, 209715200, 8192,
	  128, true, 64, 272, 1, 16777216, 25596, 25600, 28672, 209715192 },
	{ "64 TiB origin, 100 GiB, 4 MiB regions of one block", 1ULL << 37, 209715200, 8192,
	  8192, true, 1, 24, 20, 16777216, 25599, 1280, 4096, 209715192 },
	{ "the smallest", 1, 3 * 2048 + 8, 8, 8, true, 1, 24, 20, 1, 1, 8, 4096, 6144 },
};

static void golden_layouts(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(goldens); i++) {
		const struct golden *g = &goldens[i];
		struct corcache_geometry geo;

		expect_int(init(&geo, g->target, g->cache, g->region, g->block, g->checksums), 0);
		expectf(geo.region_blocks == g->region_blocks &&
			geo.entry_bytes == g->entry_bytes &&
			geo.sector_entries == g->sector_entries &&
			geo.nr_regions == g->nr_regions && geo.nr_slots == g->nr_slots &&
			geo.table_start == 2048 && geo.table_sectors == g->table_sectors &&
			geo.data_start == g->data_start && geo.backup_start == g->backup_start,
			"%s: %u %u %u, %llu regions, %llu slots, table %llu, data %llu, backup %llu",
			g->name, geo.region_blocks, geo.entry_bytes, geo.sector_entries,
			geo.nr_regions, geo.nr_slots, geo.table_sectors, geo.data_start,
			geo.backup_start);
	}
}

static void smallest_cache(void)
{
	struct corcache_geometry geo;
	u32 i = 0, region, block;
	char wanted[256];

	while (next_sizes(&i, &region, &block)) {
		u64 enough = 3 * MIB + region;

		expect_int(init(&geo, 1, enough, region, block, i & 1), 0);
		expect_u64(geo.nr_slots, 1);
		expect_int(init(&geo, 1, enough - 1, region, block, i & 1), -ENOSPC);
		snprintf(wanted, sizeof(wanted),
			 "cache device of %llu sectors is too small: at least %llu are needed",
			 enough - 1, enough);
		expect_string(err, wanted);
	}
	for (i = 0; i < 3 * MIB + 8; i++)
		expect_int(init(&geo, 1, i, 8, 8, i & 1), -ENOSPC);
	init(&geo, 1, 0, 8, 8, true);
	expect_string(err, "cache device of 0 sectors is too small: at least 6152 are needed");
}

/*
 * A larger device has at least as many slots, but where its table reaches
 * into one MiB more: that MiB is what it may have less.
 */
static void larger_is_not_smaller(void)
{
	struct corcache_geometry a, b;
	u32 i, region, block;

	for (i = 0; i < ROUNDS; i++) {
		u64 cache = 3 * MIB + 8192 + unit_below(1ULL << (20 + unit_below(30)));
		u64 more = unit_below(1ULL << unit_below(30));
		bool checksums = unit_below(2);
		u64 lost;

		random_sizes(&region, &block);
		expect_int(init(&a, 1, cache, region, block, checksums), 0);
		expect_int(init(&b, 1, cache + more, region, block, checksums), 0);
		expect(b.data_start >= a.data_start);
		expect(b.backup_start >= a.backup_start);
		lost = (b.data_start - a.data_start + region - 1) / region;
		expect(b.nr_slots + lost >= a.nr_slots);
		if (a.data_start == b.data_start)
			expect(b.table_sectors >= a.table_sectors);
	}
}

struct refusal {
	u64 target, cache;
	u32 region, block;
	int ret;
	const char *err;
};

static const struct refusal refusals[] = {
	{ 1, 1 << 20, 0, 8, -EINVAL,
	  "region size 0 is not a power of two between 8 and 8192 (sectors)" },
	{ 1, 1 << 20, 4, 8, -EINVAL,
	  "region size 4 is not a power of two between 8 and 8192 (sectors)" },
	{ 1, 1 << 20, 100, 8, -EINVAL,
	  "region size 100 is not a power of two between 8 and 8192 (sectors)" },
	{ 1, 1 << 20, 16384, 8, -EINVAL,
	  "region size 16384 is not a power of two between 8 and 8192 (sectors)" },
	{ 1, 1 << 20, 0x80000000, 8, -EINVAL,
	  "region size 2147483648 is not a power of two between 8 and 8192 (sectors)" },
	{ 1, 1 << 20, 128, 0, -EINVAL,
	  "block_size 0 is not a power of two between 8 and the region size 128 (sectors)" },
	{ 1, 1 << 20, 128, 4, -EINVAL,
	  "block_size 4 is not a power of two between 8 and the region size 128 (sectors)" },
	{ 1, 1 << 20, 128, 12, -EINVAL,
	  "block_size 12 is not a power of two between 8 and the region size 128 (sectors)" },
	{ 1, 1 << 20, 128, 256, -EINVAL,
	  "block_size 256 is not a power of two between 8 and the region size 128 (sectors)" },
	{ 1, 1 << 20, 1024, 8, -EINVAL,
	  "block_size 8 is less than 1/64 of the region size 1024: at least 16 is needed" },
	{ 1, 1 << 20, 8192, 64, -EINVAL,
	  "block_size 64 is less than 1/64 of the region size 8192: at least 128 is needed" },
	{ 0, 1 << 20, 128, 8, -EINVAL,
	  "length 0 is not between 1 and 9223372036854775807 (sectors)" },
	{ 1ULL << 63, 1 << 20, 128, 8, -EINVAL,
	  "length 9223372036854775808 is not between 1 and 9223372036854775807 (sectors)" },
	{ U64_MAX, 1 << 20, 128, 8, -EINVAL,
	  "length 18446744073709551615 is not between 1 and 9223372036854775807 (sectors)" },
	{ 0xfffffffeULL * 8 + 1, 1 << 20, 8, 8, -E2BIG,
	  "region size 8 makes 4294967295 regions of the origin, more than 4294967294: at least 16 is needed" },
	{ 0xfffffffeULL * 16, 1 << 20, 8, 8, -E2BIG,
	  "region size 8 makes 8589934588 regions of the origin, more than 4294967294: at least 16 is needed" },
	{ 0xfffffffeULL * 4096 + 1, 1 << 20, 8, 8, -E2BIG,
	  "region size 8 makes 2199023254529 regions of the origin, more than 4294967294: at least 8192 is needed" },
	{ 0xfffffffeULL * 8192 + 1, 1 << 20, 8192, 128, -E2BIG,
	  "region size 8192 makes 4294967295 regions of the origin, more than 4294967294: no region size is large enough" },
	{ S64_MAX, 1 << 20, 8, 8, -E2BIG,
	  "region size 8 makes 1152921504606846976 regions of the origin, more than 4294967294: no region size is large enough" },
};

static void refused_sizes(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct corcache_geometry geo;

		expect_int(init(&geo, r->target, r->cache, r->region, r->block, true), r->ret);
		expect_string(err, r->err);
	}
}

static void all_sizes(void)
{
	struct corcache_geometry geo;
	u32 region, block;

	for (region = 0; region <= 8300; region++) {
		bool good_region = region >= 8 && region <= 8192 && !(region & (region - 1));

		for (block = 0; block <= 8300; block += good_region ? 1 : 83) {
			bool good = good_region && block >= 8 && block <= region &&
				    !(block & (block - 1)) && region / block <= 64;

			expectf(!corcache_sizes_check(region, block, err, sizeof(err)) == good,
				"%u %u", region, block);
			if (good)
				expect_int(init(&geo, 1, 1 << 20, region, block, true), 0);
		}
	}
}

/* The region size that a refusal suggests is enough, and half is not. */
static void suggested_region_size(void)
{
	struct corcache_geometry geo;
	u32 i, region, suggested, seen = 0;

	for (i = 0; i < ROUNDS; i++) {
		u64 target = (1ULL << 34) + unit_below(1ULL << (34 + unit_below(14)));
		const char *text;

		region = 8U << unit_below(11);
		if (init(&geo, target, 1 << 20, region, region, true) != -E2BIG)
			continue;
		text = strstr(err, "at least ");
		if (!text) {
			expect(strstr(err, "no region size"));
			expect_int(init(&geo, target, 1 << 20, 8192, 8192, true), -E2BIG);
			continue;
		}
		seen++;
		expect_int(sscanf(text, "at least %u is needed", &suggested), 1);
		expect_int(init(&geo, target, 1 << 20, suggested, suggested, true), 0);
		expect_int(init(&geo, target, 1 << 20, suggested / 2, suggested / 2, true),
			   -E2BIG);
	}
	expectf(seen > 1000, "only %u", seen);
}

static void short_error_buffers(void)
{
	struct corcache_geometry geo;
	char small[16];
	u32 i;

	for (i = 0; i <= sizeof(small); i++) {
		memset(small, '#', sizeof(small));
		expect_int(corcache_geometry_init(&geo, 1, 0, 8, 8, true, small, i), -ENOSPC);
		expect(i == 0 || strlen(small) == i - 1);
		expect(i == sizeof(small) || small[i] == '#');
	}
}

static void conversions(void)
{
	u32 i, region, block;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_geometry geo;
		u64 target, sector, b, slot, nr;
		u32 bit;

		random_sizes(&region, &block);
		target = 1 + unit_below(CORCACHE_MAX_REGIONS * region);
		if (!expect_int(init(&geo, target, (1 << 20) + unit_below(1ULL << 40), region,
				     block, i & 1), 0))
			return;

		sector = unit_below(target);
		b = corcache_sector_to_block(&geo, sector);
		bit = corcache_block_bit(&geo, b);
		expect_u64(b, sector / block);
		expect_u64(corcache_block_to_sector(&geo, b), sector / block * block);
		expect_u64(corcache_block_to_region(&geo, b), sector / region);
		expect_u64(bit, sector / block % (region / block));
		expect_u64(corcache_region_to_block(&geo, sector / region) + bit, b);
		expect_u64(corcache_nr_blocks(&geo), up(target, block) / block);

		slot = unit_below(geo.nr_slots);
		expect_u64(corcache_slot_to_sector(&geo, slot, bit),
			   geo.data_start + slot * region + bit * block);

		nr = 1 + unit_below(corcache_nr_blocks(&geo) - b);
		expect_u64(corcache_blocks_sectors(&geo, b, nr),
			   (b + nr) * block > target ? target - b * block : nr * block);
	}
}

static void last_region(void)
{
	struct corcache_geometry geo;
	u32 i = 0, region, block;
	u64 tail;

	while (next_sizes(&i, &region, &block)) {
		u64 all = region / block == 64 ? U64_MAX : (1ULL << region / block) - 1;

		for (tail = 1; tail <= region; tail += region > 1024 ? 7 : 1) {
			u64 wanted = 0, b;

			expect_int(init(&geo, 3 * region + tail, 1 << 20, region, block, true), 0);
			expect_u64(geo.nr_regions, 4);
			for (b = 0; b * block < tail; b++)
				wanted |= 1ULL << b;
			expect_u64(corcache_region_mask(&geo, 3), wanted);
			expect_u64(corcache_region_mask(&geo, 0), all);
			expect_u64(corcache_region_mask(&geo, 2), all);
			b = corcache_nr_blocks(&geo) - 1;
			expect_u64(corcache_blocks_sectors(&geo, b, 1), tail % block ?: block);
		}
	}
	/* A target at the end of what 63 bits can say. */
	expect_int(init(&geo, CORCACHE_MAX_REGIONS * 8192 - 1, U64_MAX, 8192, 128, true), 0);
	expect_u64(corcache_region_mask(&geo, geo.nr_regions - 1), U64_MAX);
	expect_u64(corcache_blocks_sectors(&geo, corcache_nr_blocks(&geo) - 1, 1), 127);
}

static u32 naive_run(u64 word, u32 bit, bool one)
{
	u32 run = 0;

	while (bit < 64 && (word >> bit & 1) == one) {
		run++;
		bit++;
	}
	return run;
}

static u64 ragged_word(void)
{
	u64 word = unit_random();

	switch (unit_below(6)) {
	case 0:
		return word & unit_random() & unit_random();
	case 1:
		return word | unit_random() | unit_random();
	case 2:
		return U64_MAX << unit_below(64);
	case 3:
		return U64_MAX >> unit_below(64);
	case 4:
		return unit_below(2) ? U64_MAX : 0;
	default:
		return word;
	}
}

static void runs_of_bits(void)
{
	u32 i, bit;

	for (i = 0; i < ROUNDS / 10; i++) {
		u64 word = ragged_word();

		for (bit = 0; bit < 64; bit++) {
			expect_u64(corcache_run_of_ones(word, bit), naive_run(word, bit, true));
			expect_u64(corcache_run_of_zeros(word, bit), naive_run(word, bit, false));
		}
	}
}

static void ranges_of_bits(void)
{
	u32 bit, nr, i;

	for (bit = 0; bit < 64; bit++) {
		for (nr = 1; nr <= 64 - bit; nr++) {
			u64 wanted = 0;

			for (i = bit; i < bit + nr; i++)
				wanted |= 1ULL << i;
			expect_u64(corcache_bit_range(bit, nr), wanted);
		}
	}
}

static const struct unit_test tests[] = {
	{ "refused sizes and their messages", refused_sizes },
	{ "every pair of sizes", all_sizes },
	{ "golden layouts", golden_layouts },
	{ "random layouts", random_layouts },
	{ "largest sizes", largest_sizes },
	{ "smallest cache device", smallest_cache },
	{ "a larger device has no fewer slots", larger_is_not_smaller },
	{ "suggested region size", suggested_region_size },
	{ "short error buffers", short_error_buffers },
	{ "conversions", conversions },
	{ "last region", last_region },
	{ "runs of bits", runs_of_bits },
	{ "ranges of bits", ranges_of_bits },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
