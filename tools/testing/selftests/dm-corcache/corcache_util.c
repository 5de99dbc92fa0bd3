// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small helpers of corcache_io; see corcache_util.h.
 *
 * Owns nothing: what a function needs comes as a parameter, but for parse_extent(),
 * which sets the options --start and --length.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "corcache_io.h"
#include "corcache_util.h"

void die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

uint64_t number(const char *word)
{
	uint64_t value, unit = 1;
	char *end;

	errno = 0;
	value = strtoull(word, &end, 0);
	if (end == word || *word == '-' || errno)
		die(EXIT_USAGE, "not a number: '%s'", word);
	switch (*end) {
	case 's': unit = SECTOR; end++; break;
	case 'K': unit = 1ULL << 10; end++; break;
	case 'M': unit = 1ULL << 20; end++; break;
	case 'G': unit = 1ULL << 30; end++; break;
	case 'T': unit = 1ULL << 40; end++; break;
	}
	if (*end || value > UINT64_MAX / unit)
		die(EXIT_USAGE, "not a number: '%s'", word);
	return value * unit;
}

/* splitmix64: any seed is a good seed, also 0 and neighbours. */
uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t below(uint64_t *state, uint64_t limit)
{
	return limit ? next_random(state) % limit : 0;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void *grow(void *array, size_t nr, size_t *room, size_t each)
{
	if (nr < *room)
		return array;
	*room = *room ? 2 * *room : 1024;
	array = realloc(array, *room * each);
	if (!array)
		die(EXIT_OTHER, "no memory for %zu entries", *room);
	return array;
}

int open_device(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	struct stat st;

	/* tmpfs before 6.6: a copy of a cache device in a file; never a device */
	if (fd < 0 && errno == EINVAL && !stat(path, &st) && S_ISREG(st.st_mode))
		fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die(EXIT_OTHER, "%s: open: %s", path, strerror(errno));
	return fd;
}

uint64_t device_bytes(int fd)
{
	struct stat st;
	uint64_t bytes;

	if (fstat(fd, &st))
		die(EXIT_OTHER, "fstat: %s", strerror(errno));
	if (S_ISREG(st.st_mode))
		return st.st_size;
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		die(EXIT_OTHER, "BLKGETSIZE64: %s", strerror(errno));
	return bytes;
}

void *buffer(size_t bytes, size_t align, void **raw)
{
	if (align < SECTOR || (align & (align - 1)))
		die(EXIT_USAGE, "not an alignment: %zu", align);
	if (posix_memalign(raw, 2 * align, bytes + 2 * align))
		die(EXIT_OTHER, "no memory for %zu bytes", bytes);
	return (char *)*raw + align;
}

void parse_extent(int argc, char **argv, int first, uint64_t size)
{
	if (argc == first + 1)
		die(EXIT_USAGE, "extent: '%s' has no length", argv[first]);
	opt.start = argc > first ? number(argv[first]) : opt.start;
	opt.length = argc > first + 1 ? number(argv[first + 1]) : opt.length;
	if (!opt.length && opt.start < size)
		opt.length = size - opt.start;
	if (opt.start % SECTOR || opt.length % SECTOR || !opt.length)
		die(EXIT_USAGE, "extent: whole sectors and not empty");
}
