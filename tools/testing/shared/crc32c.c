// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC32C (Castagnoli, reflected), a byte at a time.
 */
#include <linux/crc32c.h>

#define POLYNOMIAL	0x82f63b78U

static u32 table[256];

static void __attribute__((constructor)) fill_table(void)
{
	u32 byte, crc;
	int bit;

	for (byte = 0; byte < 256; byte++) {
		crc = byte;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		table[byte] = crc;
	}
}

u32 crc32c(u32 crc, const void *address, unsigned int bytes)
{
	const u8 *p = address;

	while (bytes--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}
