// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands of corcache_io that show and change what stands on a cache device:
 * hash, flip, dump, super and occupy.
 *
 * Bytes and bits are handled here; what they mean as a superblock or as a table of
 * regions is known in corcache_disk.c only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corcache_cmd.h"
#include "corcache_disk.h"
#include "corcache_io.h"
#include "corcache_util.h"

/* A fingerprint of a device or a part of it, to see that nothing changed. */
int cmd_hash(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);
	uint64_t hash = 0xcbf29ce484222325ULL, done, n;
	void *raw, *buf = buffer(MIB, 4096, &raw);

	parse_extent(argc, argv, 1, device_bytes(fd));
	for (done = 0; done < opt.length; done += n) {
		const uint64_t *word = buf;

		n = opt.length - done < MIB ? opt.length - done : MIB;
		if (pread(fd, buf, n, opt.start + done) != (ssize_t)n)
			die(EXIT_READ, "read at %" PRIu64 ": %s", opt.start + done, strerror(errno));
		for (size_t i = 0; i < n / 8; i++)
			hash = (hash ^ word[i] ^ (word[i] >> 29)) * 0x100000001b3ULL;
	}
	printf("%016" PRIx64 "\n", hash);
	free(raw);
	return 0;
}

int cmd_flip(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);
	void *raw;
	unsigned char *buf = buffer(4096, 4096, &raw);
	uint64_t byte, bit, base;
	uint64_t unit;

	(void)argc;
	byte = number(argv[1]);
	bit = number(argv[2]);
	if (bit > 7)
		die(EXIT_USAGE, "bit: 0 to 7");
	/* 4096 suits any sector size, but the device may end within */
	base = byte / 4096 * 4096;
	unit = device_bytes(fd) - base < 4096 ? SECTOR : 4096;
	base = byte / unit * unit;
	if (pread(fd, buf, unit, base) != (ssize_t)unit)
		die(EXIT_READ, "read at %" PRIu64 ": %s", base, strerror(errno));
	buf[byte - base] ^= 1U << bit;
	if (pwrite(fd, buf, unit, base) != (ssize_t)unit)
		die(EXIT_OTHER, "write at %" PRIu64 ": %s", base, strerror(errno));
	if (fsync(fd))
		die(EXIT_OTHER, "fsync: %s", strerror(errno));
	free(raw);
	return 0;
}

int cmd_dump(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);

	(void)argc;
	return corcache_disk_dump(fd, device_bytes(fd) / SECTOR) ? EXIT_DATA : 0;
}

/* super DEV main|backup|both FIELD VALUE: change a field, make the CRC fit */
int cmd_super(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);

	(void)argc;
	return corcache_disk_poke(fd, device_bytes(fd) / SECTOR, argv[1], argv[2], argv[3]) ?
		EXIT_OTHER : 0;
}

/* occupy DEV MASK: all slots of a formatted cache hold regions, of which those blocks are valid */
int cmd_occupy(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);

	(void)argc;
	return corcache_disk_occupy(fd, device_bytes(fd) / SECTOR, strtoull(argv[1], NULL, 0)) ?
		EXIT_OTHER : 0;
}
