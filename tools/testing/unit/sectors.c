// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sectors to test the format with; see sectors.h.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "sectors.h"

u8 *sector, *other;

/* CRC32C bit by bit, of a sector with the four bytes at @hole taken as 0. */
u32 slow_crc(const u8 *data, u32 bytes, u32 hole)
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

void put(u8 *at, u64 value, u32 bytes)
{
	while (bytes--) {
		*at++ = value;
		value >>= 8;
	}
}

u64 get(const u8 *at, u32 bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

/* With the target's CRC: slow_crc() is 20 times slower, and tested against it. */
void seal(u8 *data, u32 hole)
{
	put(data + hole, 0, 4);
	put(data + hole, corcache_crc(data, BYTES), 4);
}

void make(struct corcache_super *super, u64 target, u64 cache, u32 region, u32 block,
	  bool checksums, const char *origin_id)
{
	char err[256];

	memset(super, 0, sizeof(*super));
	if (corcache_geometry_init(&super->geo, target, cache, region, block, checksums,
				   err, sizeof(err)))
		expectf(false, "%s", err);
	unit_fill(super->id, sizeof(super->id));
	strcpy(super->origin_id, origin_id);
}

/* 64 KiB regions of 4 KiB blocks on 1 GiB, the last region of 3 blocks. */
void make_usual(struct corcache_super *super)
{
	u8 i;

	make(super, 128 * 1000 + 20, 1 << 21, 128, 8, true, "sha256:abc");
	for (i = 0; i < 16; i++)
		super->id[i] = 0xf0 + i;
}

void make_random(struct corcache_super *super)
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

int sectors_run(const struct unit_test *tests, unsigned int nr)
{
	int ret;

	sector = malloc(BYTES);
	other = malloc(BYTES);
	if (!sector || !other)
		return 2;
	ret = unit_run(tests, nr);
	free(sector);
	free(other);
	return ret;
}
