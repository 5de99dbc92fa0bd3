// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands of corcache_io that show, change and check what stands on a cache
 * device: hash, flip, dump, super, occupy, forge, restore and offline.
 *
 * Bytes and bits are handled here; what they mean as a superblock or as a table of
 * regions is known in corcache_disk.c, corcache_forge.c and corcache_offline.c only, and
 * what a saved one looks like in corcache_restore.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "corcache_cmd.h"
#include "corcache_disk.h"
#include "corcache_io.h"
#include "corcache_util.h"
#include "corcache_verify.h"

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
			die(EXIT_READ, "read at %" PRIu64 ": %s", opt.start + done,
			    strerror(errno));
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

/* forge DEV SLOT KIND: one thing is wrong with it, for the offline check to find */
int cmd_forge(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);

	(void)argc;
	return corcache_disk_forge(fd, device_bytes(fd) / SECTOR, number(argv[1]), argv[2]) ?
		EXIT_OTHER : 0;
}

/* restore DEV FILE: what was saved as FILE; DEV holds zeros */
int cmd_restore(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);
	FILE *text = fopen(argv[1], "re");

	(void)argc;
	if (!text)
		die(EXIT_OTHER, "%s: %s", argv[1], strerror(errno));
	return corcache_disk_restore(fd, text) ? EXIT_OTHER : 0;
}

/* ---- offline ---- */

static int origin = -1;			/* with --origin; else the pattern */
static unsigned char *want;		/* room for the largest block */

static bool is_content(const void *buf, uint64_t offset, size_t bytes)
{
	if (origin < 0)
		pattern_make(want, offset, bytes);
	else if (pread(origin, want, bytes, offset) != (ssize_t)bytes)
		die(EXIT_READ, "%s: read at %" PRIu64 ": %s", opt.origin, offset, strerror(errno));
	return !memcmp(buf, want, bytes);
}

/* Is @name one of the words of @list, which has commas between? */
static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, name, n) && (!list[n] || list[n] == ','))
			return true;
	}
	return false;
}

static void need_kinds(const char *list)
{
	char *words = strdup(list ?: ""), *rest = words, *word;

	while ((word = strsep(&rest, ",")) && *word) {
		int i = 0;

		while (i < CORCACHE_FAULTS && strcmp(word, corcache_fault_names[i]))
			i++;
		if (i == CORCACHE_FAULTS)
			die(EXIT_USAGE, "offline: no such kind: %s", word);
	}
	free(words);
}

/* Adds to @total, and says on one line what there was. */
static void check_device(const char *path, struct corcache_report *total)
{
	int fd = open_device(path, O_RDONLY);
	struct corcache_report report;

	corcache_disk_check(fd, device_bytes(fd) / SECTOR, is_content, &report);
	close(fd);
	printf("checked %s: entries=%" PRIu64 " blocks=%" PRIu64, path, report.entries,
	       report.blocks);
	for (int i = 0; i < CORCACHE_FAULTS; i++) {
		total->faults[i] += report.faults[i];
		if (report.faults[i])
			printf(" %s=%" PRIu64, corcache_fault_names[i], report.faults[i]);
	}
	putchar('\n');
}

/*
 * All that stands on cache devices that are not in use: the format, each valid
 * block's checksum, and its content, which is the pattern or that of --origin.
 * --expect: kinds of faults, with commas between, that have to be found; --allow:
 * that may be.  Any other one is an error.
 */
int cmd_offline(int argc, char **argv)
{
	struct corcache_report total = { };
	int status = 0;

	need_kinds(opt.expect);
	need_kinds(opt.allow);
	if (opt.origin) {
		origin = open(opt.origin, O_RDONLY | O_CLOEXEC);
		if (origin < 0)
			die(EXIT_OTHER, "%s: %s", opt.origin, strerror(errno));
	}
	want = malloc(4 * MIB);
	if (!want)
		die(EXIT_OTHER, "no memory");
	for (int i = 0; i < argc; i++)
		check_device(argv[i], &total);
	for (int i = 0; i < CORCACHE_FAULTS; i++) {
		const char *name = corcache_fault_names[i];
		bool expected = listed(opt.expect, name);

		if (expected && !total.faults[i])
			printf("nothing wrong of this kind, but it was expected: %s\n", name);
		if (total.faults[i] ? !expected && !listed(opt.allow, name) : expected)
			status = EXIT_DATA;
	}
	free(want);
	return status;
}

/* A read-only loop device gets another file of the same size: a change of the medium. */
int cmd_change_fd(int argc, char **argv)
{
	int loop = open_device(argv[0], O_RDONLY), file = open(argv[1], O_RDONLY);

	(void)argc;
	if (file < 0)
		die(EXIT_OTHER, "%s: %s", argv[1], strerror(errno));
	if (ioctl(loop, LOOP_CHANGE_FD, file))
		die(EXIT_OTHER, "LOOP_CHANGE_FD of %s: %s", argv[0], strerror(errno));
	return 0;
}
