/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * size: amounts of bytes as people write them.
 *
 * "100M", "1.5G", "4096": a number and K, M, G or T for powers of 1024, "B" or "iB" behind
 * them allowed. "8s" are sectors of 512 bytes, as lvm2 and dmsetup count. No locale has a
 * say in any of it.
 */
#ifndef CORCACHE_SIZE_H
#define CORCACHE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR_BYTES	512U

/* True and @bytes set, or false: no number, a sign, a fraction of a byte, too large. */
bool size_parse(const char *text, uint64_t *bytes);

/* A whole number, decimal, without a sign; false if it is none or above @most. */
bool number_parse(const char *text, uint64_t most, uint64_t *number);

/* "1.5 GiB" into @text, at least 16 characters; returns @text. */
char *size_text(uint64_t bytes, char *text, size_t room);

#endif /* CORCACHE_SIZE_H */
