// SPDX-License-Identifier: GPL-2.0-only
/*
 * Geometry: the layout rule against one written down a second time in wide
 * arithmetic, its properties, its refusals, and the conversions.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "../format.h"
#include "../geometry.h"
#include "test.h"

#define MIB	2048ULL
#define ROUNDS	200000

/* Some kernels have a type of this name. */
#define U128	unsigned __int128

static struct corcache_refusal why;

static int derive(struct corcache_geometry *geo, u64 target, u64 cache, u32 region, u32 block,
		  bool checksums)
{
	memset(&why, 0, sizeof(why));
	return corcache_geometry_init(geo, target, cache, region, block, checksums, &why);
}

static void random_sizes(u32 *region, u32 *block)
{
	u32 ratio;

	*region = 8U << corcache_below(11);
	do {
		ratio = 1U << corcache_below(7);
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

/* By digits of 32 bits, as on paper: a kernel has no division of such numbers. */
static U128 divide(U128 x, u32 by)
{
	U128 result = 0;
	u64 rest = 0;
	int i;

	for (i = 0; i < 4; i++) {
		rest = rest << 32 | (u32)(x >> 96);
		result = result << 32 | rest / by;
		rest %= by;
		x <<= 32;
	}
	return result;
}

static U128 rounded(U128 x, u32 m)
{
	return divide(x + m - 1, m) * m;
}

/* The layout rule of format.rst, once more, where nothing can wrap. */
static void expect_layout(struct kunit *test, const struct corcache_geometry *geo, u64 target,
			  u64 cache, u32 region, u32 block, bool checksums)
{
	U128 usable = cache / 8 * 8;
	u32 entry = rounded(16 + (checksums ? 4 * (region / block) : 0), 8);
	u32 eps = 480 / entry;
	U128 n0 = usable < 2 * MIB ? 0 : divide(usable - 2 * MIB, region);
	U128 data = rounded(MIB + rounded(divide(rounded(n0, eps), eps), 8), MIB);
	U128 slots = usable < MIB + data ? 0 : divide(usable - MIB - data, region);

	if (slots > 0xfffffffeU)
		slots = 0xfffffffeU;
	KUNIT_ASSERT_EQ(test, geo->target_sectors, target);
	KUNIT_ASSERT_EQ(test, geo->cache_sectors, usable);
	KUNIT_ASSERT_EQ(test, geo->region_sectors, region);
	KUNIT_ASSERT_EQ(test, geo->block_sectors, block);
	KUNIT_ASSERT_EQ(test, geo->checksums, checksums);
	KUNIT_ASSERT_EQ(test, 1ULL << geo->region_shift, region);
	KUNIT_ASSERT_EQ(test, 1ULL << geo->block_shift, block);
	KUNIT_ASSERT_EQ(test, geo->region_blocks, region / block);
	KUNIT_ASSERT_EQ(test, geo->entry_bytes, entry);
	KUNIT_ASSERT_EQ(test, geo->sector_entries, eps);
	KUNIT_ASSERT_EQ(test, geo->nr_regions, divide(rounded(target, region), region));
	KUNIT_ASSERT_EQ(test, geo->nr_slots, slots);
	KUNIT_ASSERT_EQ(test, geo->table_start, MIB);
	KUNIT_ASSERT_EQ(test, geo->table_sectors, rounded(divide(rounded(slots, eps), eps), 8));
	KUNIT_ASSERT_EQ(test, geo->data_start, data);
	KUNIT_ASSERT_EQ(test, geo->backup_start, usable - 8);
}

/* What must hold whatever the rule is. */
static void expect_sane(struct kunit *test, const struct corcache_geometry *geo)
{
	u64 last = geo->nr_slots - 1;
	U128 end = (U128)corcache_slot_to_sector(geo, to_slot(last), 0) + geo->region_sectors;

	KUNIT_ASSERT_TRUE(test, geo->nr_slots >= 1 && geo->nr_slots <= CORCACHE_MAX_SLOTS);
	KUNIT_ASSERT_TRUE(test, geo->nr_regions >= 1 && geo->nr_regions <= CORCACHE_MAX_REGIONS);
	KUNIT_ASSERT_GE(test, geo->table_start, MIB);
	KUNIT_ASSERT_LE(test, (U128)geo->table_start + geo->table_sectors, geo->data_start);
	KUNIT_ASSERT_EQ(test, (U128)geo->data_start + (U128)geo->nr_slots * geo->region_sectors,
			end);
	KUNIT_ASSERT_LE(test, end, (U128)geo->cache_sectors - MIB);
	KUNIT_ASSERT_EQ(test, geo->backup_start + 8, geo->cache_sectors);
	KUNIT_ASSERT_GE(test, (U128)geo->table_sectors * geo->sector_entries, geo->nr_slots);
	KUNIT_ASSERT_LE(test, geo->sector_entries * geo->entry_bytes + 32, 512);
	KUNIT_ASSERT_EQ(test, geo->data_start % MIB, 0);
	KUNIT_ASSERT_TRUE(test, geo->table_start % 8 == 0 && geo->table_sectors % 8 == 0);
	KUNIT_ASSERT_EQ(test, geo->backup_start % 8, 0);
}

static void test_random_layouts(struct kunit *test)
{
	u32 i, region, block, made = 0;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_geometry geo;
		bool checksums = corcache_below(2);
		u64 target = corcache_magnitude(), cache = corcache_magnitude();
		int ret;

		random_sizes(&region, &block);
		ret = derive(&geo, target, cache, region, block, checksums);
		if (!target || target > S64_MAX)
			KUNIT_ASSERT_EQ(test, ret, -EINVAL);
		else if (divide(rounded(target, region), region) > 0xfffffffeU)
			KUNIT_ASSERT_EQ(test, ret, -E2BIG);
		else if (cache / 8 * 8 < 3 * MIB + region)
			KUNIT_ASSERT_EQ(test, ret, -ENOSPC);
		else
			KUNIT_ASSERT_EQ(test, ret, 0);
		if (ret) {
			KUNIT_ASSERT_TRUE(test, corcache_is_line(why.text));
			continue;
		}
		made++;
		expect_layout(test, &geo, target, cache, region, block, checksums);
		expect_sane(test, &geo);
	}
	KUNIT_EXPECT_GT_MSG(test, made, ROUNDS / 20, "only %u layouts", made);
}

static void test_largest_sizes(struct kunit *test)
{
	struct corcache_geometry geo;
	u32 i = 0, region, block;
	u64 cache, target;

	while (next_sizes(&i, &region, &block)) {
		target = CORCACHE_MAX_REGIONS * region;
		for (cache = U64_MAX; cache > U64_MAX - 20; cache--) {
			KUNIT_ASSERT_EQ(test, derive(&geo, target, cache, region, block, i & 1), 0);
			expect_layout(test, &geo, target, cache, region, block, i & 1);
			expect_sane(test, &geo);
		}
		/* Around the size from which on slots are not numbered. */
		for (cache = (CORCACHE_MAX_SLOTS - 3) * region;
		     cache < (CORCACHE_MAX_SLOTS + 5000000) * region; cache += 100001ULL * region) {
			KUNIT_ASSERT_EQ(test, derive(&geo, target, cache, region, block, i & 1), 0);
			expect_layout(test, &geo, target, cache, region, block, i & 1);
			expect_sane(test, &geo);
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

static void test_golden_layouts(struct kunit *test)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(goldens); i++) {
		const struct golden *g = &goldens[i];
		struct corcache_geometry geo;
		int ret;

		ret = derive(&geo, g->target, g->cache, g->region, g->block, g->checksums);
		KUNIT_ASSERT_EQ(test, ret, 0);
		KUNIT_ASSERT_TRUE_MSG(test, geo.region_blocks == g->region_blocks &&
				      geo.entry_bytes == g->entry_bytes &&
				      geo.sector_entries == g->sector_entries &&
				      geo.nr_regions == g->nr_regions &&
				      geo.nr_slots == g->nr_slots && geo.table_start == 2048 &&
				      geo.table_sectors == g->table_sectors &&
				      geo.data_start == g->data_start &&
				      geo.backup_start == g->backup_start,
				      "%s: %u %u %u, %llu regions, %llu slots, table %llu, data %llu, backup %llu",
				      g->name, geo.region_blocks, geo.entry_bytes,
				      geo.sector_entries, geo.nr_regions, geo.nr_slots,
				      geo.table_sectors, geo.data_start, geo.backup_start);
	}
}

static void test_smallest_cache(struct kunit *test)
{
	struct corcache_geometry geo;
	u32 i = 0, region, block;
	char wanted[256];

	while (next_sizes(&i, &region, &block)) {
		u64 enough = 3 * MIB + region;

		KUNIT_ASSERT_EQ(test, derive(&geo, 1, enough, region, block, i & 1), 0);
		KUNIT_ASSERT_EQ(test, geo.nr_slots, 1);
		KUNIT_ASSERT_EQ(test, derive(&geo, 1, enough - 1, region, block, i & 1), -ENOSPC);
		snprintf(wanted, sizeof(wanted),
			 "cache device of %llu sectors is too small: at least %llu are needed",
			 enough - 1, enough);
		KUNIT_ASSERT_STREQ(test, why.text, wanted);
	}
	for (i = 0; i < 3 * MIB + 8; i++)
		KUNIT_ASSERT_EQ(test, derive(&geo, 1, i, 8, 8, i & 1), -ENOSPC);
	derive(&geo, 1, 0, 8, 8, true);
	KUNIT_EXPECT_STREQ(test, why.text,
			   "cache device of 0 sectors is too small: at least 6152 are needed");
}

/*
 * A larger device has at least as many slots, but where its table reaches
 * into one MiB more: that MiB is what it may have less.
 */
static void test_larger_is_not_smaller(struct kunit *test)
{
	struct corcache_geometry a, b;
	u32 i, region, block;

	for (i = 0; i < ROUNDS; i++) {
		u64 cache = 3 * MIB + 8192 + corcache_below(1ULL << (20 + corcache_below(30)));
		u64 more = corcache_below(1ULL << corcache_below(30));
		bool checksums = corcache_below(2);
		u64 lost;

		random_sizes(&region, &block);
		KUNIT_ASSERT_EQ(test, derive(&a, 1, cache, region, block, checksums), 0);
		KUNIT_ASSERT_EQ(test, derive(&b, 1, cache + more, region, block, checksums), 0);
		KUNIT_ASSERT_GE(test, b.data_start, a.data_start);
		KUNIT_ASSERT_GE(test, b.backup_start, a.backup_start);
		lost = (b.data_start - a.data_start + region - 1) / region;
		KUNIT_ASSERT_GE(test, b.nr_slots + lost, a.nr_slots);
		if (a.data_start == b.data_start)
			KUNIT_ASSERT_GE(test, b.table_sectors, a.table_sectors);
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
	  "region size 8 makes 4294967295 regions of the origin, more than 4294967294: at least 16 is needed",
	},
	{ 0xfffffffeULL * 16, 1 << 20, 8, 8, -E2BIG,
	  "region size 8 makes 8589934588 regions of the origin, more than 4294967294: at least 16 is needed",
	},
	{ 0xfffffffeULL * 4096 + 1, 1 << 20, 8, 8, -E2BIG,
	  "region size 8 makes 2199023254529 regions of the origin, more than 4294967294: at least 8192 is needed",
	},
	{ 0xfffffffeULL * 8192 + 1, 1 << 20, 8192, 128, -E2BIG,
	  "region size 8192 makes 4294967295 regions of the origin, more than 4294967294: no region size is large enough",
	},
	{ S64_MAX, 1 << 20, 8, 8, -E2BIG,
	  "region size 8 makes 1152921504606846976 regions of the origin, more than 4294967294: no region size is large enough",
	},
};

static void test_refused_sizes(struct kunit *test)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct corcache_geometry geo;

		KUNIT_ASSERT_EQ(test, derive(&geo, r->target, r->cache, r->region, r->block, true),
				r->ret);
		KUNIT_ASSERT_STREQ(test, why.text, r->err);
	}
}

static void test_all_sizes(struct kunit *test)
{
	struct corcache_geometry geo;
	u32 region, block;

	for (region = 0; region <= 8300; region++) {
		bool good_region = region >= 8 && region <= 8192 && !(region & (region - 1));

		for (block = 0; block <= 8300; block += good_region ? 1 : 83) {
			bool good = good_region && block >= 8 && block <= region &&
				    !(block & (block - 1)) && region / block <= 64;

			KUNIT_ASSERT_EQ_MSG(test, !corcache_sizes_check(region, block, &why), good,
					    "%u %u", region, block);
			if (good)
				KUNIT_ASSERT_EQ(test, derive(&geo, 1, 1 << 20, region, block, true),
						0);
		}
	}
}

/* The region size that a refusal suggests is enough, and half is not. */
static void test_suggested_region_size(struct kunit *test)
{
	struct corcache_geometry geo;
	u32 i, region, suggested, seen = 0;

	for (i = 0; i < ROUNDS; i++) {
		u64 target = (1ULL << 34) + corcache_below(1ULL << (34 + corcache_below(14)));
		const char *text;

		region = 8U << corcache_below(11);
		if (derive(&geo, target, 1 << 20, region, region, true) != -E2BIG)
			continue;
		text = strstr(why.text, "at least ");
		if (!text) {
			KUNIT_ASSERT_TRUE(test, strstr(why.text, "no region size"));
			KUNIT_ASSERT_EQ(test, derive(&geo, target, 1 << 20, 8192, 8192, true),
					-E2BIG);
			continue;
		}
		seen++;
		suggested = 0;
		for (text += strlen("at least "); *text >= '0' && *text <= '9'; text++)
			suggested = 10 * suggested + *text - '0';
		KUNIT_ASSERT_STREQ(test, text, " is needed");
		KUNIT_ASSERT_EQ(test, derive(&geo, target, 1 << 20, suggested, suggested, true), 0);
		KUNIT_ASSERT_EQ(test,
				derive(&geo, target, 1 << 20, suggested / 2, suggested / 2, true),
				-E2BIG);
	}
	KUNIT_EXPECT_GT_MSG(test, seen, 1000, "only %u", seen);
}

static void test_conversions(struct kunit *test)
{
	u32 i, region, block;

	for (i = 0; i < ROUNDS; i++) {
		struct corcache_geometry geo;
		u64 target, cache, sector, slot, nr, first;
		corcache_region_t r;
		corcache_block_t b;
		u32 bit;

		random_sizes(&region, &block);
		target = 1 + corcache_below(CORCACHE_MAX_REGIONS * region);
		cache = (1 << 20) + corcache_below(1ULL << 40);
		KUNIT_ASSERT_EQ(test, derive(&geo, target, cache, region, block, i & 1), 0);

		sector = corcache_below(target);
		b = corcache_sector_to_block(&geo, sector);
		r = corcache_block_to_region(&geo, b);
		bit = corcache_block_bit(&geo, b);
		first = from_block(corcache_region_to_block(&geo, r));
		KUNIT_ASSERT_EQ(test, from_block(b), sector / block);
		KUNIT_ASSERT_EQ(test, corcache_block_to_sector(&geo, b), sector / block * block);
		KUNIT_ASSERT_EQ(test, from_region(r), sector / region);
		KUNIT_ASSERT_TRUE(test, corcache_sector_to_region(&geo, sector) == r);
		KUNIT_ASSERT_EQ(test, corcache_region_to_sector(&geo, r),
				sector / region * region);
		KUNIT_ASSERT_EQ(test, bit, sector / block % (region / block));
		KUNIT_ASSERT_EQ(test, first + bit, from_block(b));
		KUNIT_ASSERT_EQ(test, corcache_nr_blocks(&geo),
				divide(rounded(target, block), block));

		slot = corcache_below(geo.nr_slots);
		KUNIT_ASSERT_EQ(test, corcache_slot_to_sector(&geo, to_slot(slot), bit),
				geo.data_start + slot * region + bit * block);

		nr = 1 + corcache_below(corcache_nr_blocks(&geo) - from_block(b));
		KUNIT_ASSERT_EQ(test, corcache_whole_sectors(&geo, nr), nr * block);
		KUNIT_ASSERT_EQ(test, corcache_blocks_sectors(&geo, b, nr),
				from_block(block_add(b, nr)) * block > target ?
				target - from_block(b) * block : nr * block);
	}
}

static void test_last_region(struct kunit *test)
{
	struct corcache_geometry geo;
	u32 i = 0, region, block;
	corcache_region_t final;
	corcache_block_t end;
	u64 tail;
	int ret;

	while (next_sizes(&i, &region, &block)) {
		u64 all = region / block == 64 ? U64_MAX : (1ULL << region / block) - 1;

		for (tail = 1; tail <= region; tail += region > 1024 ? 7 : 1) {
			corcache_block_t last;
			u64 wanted = 0, b;

			ret = derive(&geo, 3 * region + tail, 1 << 20, region, block, true);
			KUNIT_ASSERT_EQ(test, ret, 0);
			KUNIT_ASSERT_EQ(test, geo.nr_regions, 4);
			for (b = 0; b * block < tail; b++)
				wanted |= 1ULL << b;
			KUNIT_ASSERT_EQ(test, corcache_region_mask(&geo, to_region(3)), wanted);
			KUNIT_ASSERT_EQ(test, corcache_region_mask(&geo, to_region(0)), all);
			KUNIT_ASSERT_EQ(test, corcache_region_mask(&geo, to_region(2)), all);
			last = to_block(corcache_nr_blocks(&geo) - 1);
			KUNIT_ASSERT_EQ(test, corcache_blocks_sectors(&geo, last, 1),
					tail % block ?: block);
		}
	}
	/* A target at the end of what 63 bits can say. */
	ret = derive(&geo, CORCACHE_MAX_REGIONS * 8192 - 1, U64_MAX, 8192, 128, true);
	KUNIT_EXPECT_EQ(test, ret, 0);
	final = to_region(geo.nr_regions - 1);
	end = to_block(corcache_nr_blocks(&geo) - 1);
	KUNIT_EXPECT_EQ(test, corcache_region_mask(&geo, final), U64_MAX);
	KUNIT_EXPECT_EQ(test, corcache_blocks_sectors(&geo, end, 1), 127);
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
	u64 word = corcache_random();

	switch (corcache_below(6)) {
	case 0:
		return word & corcache_random() & corcache_random();
	case 1:
		return word | corcache_random() | corcache_random();
	case 2:
		return U64_MAX << corcache_below(64);
	case 3:
		return U64_MAX >> corcache_below(64);
	case 4:
		return corcache_below(2) ? U64_MAX : 0;
	default:
		return word;
	}
}

static void test_runs_of_bits(struct kunit *test)
{
	u32 i, bit;

	for (i = 0; i < ROUNDS / 10; i++) {
		u64 word = ragged_word();

		for (bit = 0; bit < 64; bit++) {
			KUNIT_ASSERT_EQ(test, corcache_run_of_ones(word, bit),
					naive_run(word, bit, true));
			KUNIT_ASSERT_EQ(test, corcache_run_of_zeros(word, bit),
					naive_run(word, bit, false));
		}
	}
}

static void test_ranges_of_bits(struct kunit *test)
{
	u32 bit, nr, i;

	for (bit = 0; bit < 64; bit++) {
		for (nr = 1; nr <= 64 - bit; nr++) {
			u64 wanted = 0;

			for (i = bit; i < bit + nr; i++)
				wanted |= 1ULL << i;
			KUNIT_ASSERT_EQ(test, corcache_bit_range(bit, nr), wanted);
		}
	}
}

/* A transfer reads 1 MiB at most, or a block, and its span begins at a multiple. */
static void test_spans(struct kunit *test)
{
	struct corcache_geometry geo = { };
	u64 block, start, end, most;

	for (geo.block_shift = 3; geo.block_shift <= 13; geo.block_shift++) {
		most = corcache_xfer_most(&geo);
		KUNIT_ASSERT_EQ(test, most, geo.block_shift < 11 ? 2048ULL >> geo.block_shift : 1);
		for (block = 0; block < 1000; block++) {
			start = from_block(corcache_span_start(&geo, to_block(block)));
			end = from_block(corcache_span_end(&geo, to_block(block)));
			KUNIT_ASSERT_EQ(test, start % most, 0);
			KUNIT_ASSERT_LE(test, start, block);
			KUNIT_ASSERT_EQ(test, end, start + most);
			KUNIT_ASSERT_GT(test, start + most, block);
		}
	}
}

static struct kunit_case geometry_cases[] = {
	KUNIT_CASE(test_refused_sizes),
	KUNIT_CASE(test_all_sizes),
	KUNIT_CASE(test_golden_layouts),
	KUNIT_CASE(test_random_layouts),
	KUNIT_CASE(test_largest_sizes),
	KUNIT_CASE(test_smallest_cache),
	KUNIT_CASE(test_larger_is_not_smaller),
	KUNIT_CASE(test_suggested_region_size),
	KUNIT_CASE(test_conversions),
	KUNIT_CASE(test_last_region),
	KUNIT_CASE(test_runs_of_bits),
	KUNIT_CASE(test_ranges_of_bits),
	KUNIT_CASE(test_spans),
	{}
};

static struct kunit_suite geometry_suite = {
	.name = "dm_corcache_geometry",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = geometry_cases,
};

kunit_test_suite(geometry_suite);
