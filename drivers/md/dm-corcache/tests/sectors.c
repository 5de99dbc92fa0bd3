// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sectors to test the format with; see sectors.h.
 */
#include <linux/string.h>

#include "sectors.h"

u8 *corcache_test_sector(struct kunit *test)
{
	u8 *sector = kunit_kmalloc(test, BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sector);
	return sector;
}

/* CRC32C bit by bit, of a sector with the four bytes at @hole taken as 0. */
u32 corcache_slow_crc(const u8 *data, u32 bytes, u32 hole)
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

void corcache_put_le(u8 *at, u64 value, u32 bytes)
{
	while (bytes--) {
		*at++ = value;
		value >>= 8;
	}
}

u64 corcache_get_le(const u8 *at, u32 bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

/* With the target's CRC: corcache_slow_crc() is 20 times slower, and tested against it. */
void corcache_seal(u8 *data, u32 hole)
{
	corcache_put_le(data + hole, 0, 4);
	corcache_put_le(data + hole, corcache_crc(data, BYTES), 4);
}

void corcache_make_super(struct kunit *test, struct corcache_super *super, u64 target, u64 cache,
			 u32 region, u32 block, bool checksums, const char *origin_id)
{
	struct corcache_refusal why = { };
	int ret;

	memset(super, 0, sizeof(*super));
	ret = corcache_geometry_init(&super->geo, target, cache, region, block, checksums, &why);
	KUNIT_ASSERT_EQ_MSG(test, ret, 0, "%s", why.text);
	corcache_random_bytes(super->id, sizeof(super->id));
	strscpy(super->origin_id, origin_id, sizeof(super->origin_id));
}

/* 64 KiB regions of 4 KiB blocks on 1 GiB, the last region of 3 blocks. */
void corcache_make_usual(struct kunit *test, struct corcache_super *super)
{
	u8 i;

	corcache_make_super(test, super, 128 * 1000 + 20, 1 << 21, 128, 8, true, "sha256:abc");
	for (i = 0; i < 16; i++)
		super->id[i] = 0xf0 + i;
}

void corcache_make_random(struct kunit *test, struct corcache_super *super)
{
	static const char characters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-";
	u32 bytes = corcache_below(2) * corcache_below(CORCACHE_ORIGIN_ID_MAX + 1);
	u32 region = 8U << corcache_below(11), ratio, i;
	char name[CORCACHE_ORIGIN_ID_MAX + 1] = "";

	do {
		ratio = 1U << corcache_below(7);
	} while (region / ratio < 8);
	for (i = 0; i < bytes; i++)
		name[i] = characters[corcache_below(sizeof(characters) - 1)];
	corcache_make_super(test, super, 1 + corcache_below(1ULL << corcache_below(35)),
			    3 * 2048 + region + corcache_below(1ULL << corcache_below(50)),
			    region, region / ratio, corcache_below(2), name);
}
