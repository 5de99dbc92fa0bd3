/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sectors to test the format with: two of them in memory, their bytes and their
 * checksum without the code under test, and superblocks to make them from.
 *
 * Sectors live in blocks of malloc() of exactly their size, so that one byte
 * too far is an error.
 */
#ifndef CORCACHE_SECTORS_H
#define CORCACHE_SECTORS_H

#include "dm-corcache-format.h"
#include "unit.h"

#define BYTES	512
#define BITS	(BYTES * 8)

/* Of hostile sectors. */
#define ROUNDS	120000

/* Only while sectors_run() runs. */
extern u8 *sector, *other;

/* unit_run() with the two sectors. */
int sectors_run(const struct unit_test *tests, unsigned int nr);

/* CRC32C bit by bit, of a sector with the four bytes at @hole taken as 0. */
u32 slow_crc(const u8 *data, u32 bytes, u32 hole);

/* Numbers of so many bytes, the lowest first. */
void put(u8 *at, u64 value, u32 bytes);
u64 get(const u8 *at, u32 bytes);

/* Puts the checksum of a sector at @hole. */
void seal(u8 *data, u32 hole);

/* With a random id. */
void make(struct corcache_super *super, u64 target, u64 cache, u32 region, u32 block,
	  bool checksums, const char *origin_id);

/* 64 KiB regions of 4 KiB blocks on 1 GiB, the last region of 3 blocks. */
void make_usual(struct corcache_super *super);

/* Any that may be. */
void make_random(struct corcache_super *super);

#endif /* CORCACHE_SECTORS_H */
