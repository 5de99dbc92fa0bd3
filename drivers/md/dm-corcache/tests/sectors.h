/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache tests: sectors to test the format with; their bytes and their
 * checksum without the code under test, and superblocks to make them from.
 */
#ifndef DM_CORCACHE_TEST_SECTORS_H
#define DM_CORCACHE_TEST_SECTORS_H

#include "../format.h"
#include "test.h"

#define BYTES	512
#define BITS	(BYTES * 8)

/* Of hostile sectors. */
#define ROUNDS	120000

/* Memory of exactly the size of a sector: one byte too far is an error. */
u8 *corcache_test_sector(struct kunit *test);

/* CRC32C bit by bit, of a sector with the four bytes at @hole taken as 0. */
u32 corcache_slow_crc(const u8 *data, u32 bytes, u32 hole);

/* Numbers of so many bytes, the lowest first. */
void corcache_put_le(u8 *at, u64 value, u32 bytes);
u64 corcache_get_le(const u8 *at, u32 bytes);

/* Puts the checksum of a sector at @hole. */
void corcache_seal(u8 *data, u32 hole);

/* With a random id. */
void corcache_make_super(struct kunit *test, struct corcache_super *super, u64 target, u64 cache,
			 u32 region, u32 block, bool checksums, const char *origin_id);

/* 64 KiB regions of 4 KiB blocks on 1 GiB, the last region of 3 blocks. */
void corcache_make_usual(struct kunit *test, struct corcache_super *super);

/* Any that may be. */
void corcache_make_random(struct kunit *test, struct corcache_super *super);

#endif /* DM_CORCACHE_TEST_SECTORS_H */
