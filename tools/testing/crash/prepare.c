// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash: what a cache device holds before a run.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "crash.h"
#include "dm.h"

#define BEFORE	"crash-before"
#define OTHER	"crash-other"

static const unsigned int regions[] = { 8, 32, 128 };

void choose_setup(struct setup *s, uint64_t seed)
{
	/* the last: only by messages, reloads and the end */
	static const unsigned int intervals[] = { 5, 100, 3600000 };
	unsigned int interval;
	uint64_t random = seed;

	s->region = regions[below(&random, 3)];
	s->checksums = below(&random, 2);
	s->adaptive = below(&random, 2);
	/* the data area is 1 MiB, whatever the region size */
	s->quota = 2048 - s->region * below(&random, 4);
	interval = below(&random, 3);
	s->commit_interval = interval == 2 ? intervals[2] : 1 + below(&random, intervals[interval]);
	/* rounds have seeds in a row: each start has its turn, with discards and without */
	s->start = seed % STARTS;
	s->discard = (seed ^ seed / STARTS) % 2;
}

static void write_zeros(const char *path, off_t offset, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	void *buf = zalloc(bytes);

	if (fd < 0 || pwrite(fd, buf, bytes, offset) != (ssize_t)bytes || fsync(fd))
		die("prepare: cannot zero %s: %m", path);
	close(fd);
	free(buf);
}

void fill_cache(const char *cache, const struct setup *setup, const char *origin)
{
	size_t bytes = ORIGIN_SECTORS * SECTOR;
	struct setup stop = *setup;
	void *buf = zalloc(bytes);
	char params[1024];
	int fd;

	/* nothing that was there shall be replaced by what comes later */
	stop.adaptive = false;
	table_params(params, sizeof(params), &stop, cache, origin);
	if (dm_create(BEFORE, DM_READONLY, ORIGIN_SECTORS, "corcache", params))
		die("prepare: activation: %s", dm_error());
	fd = dm_open(BEFORE);
	if (fd < 0 || pread(fd, buf, bytes, 0) != (ssize_t)bytes)
		die("prepare: cannot read: %m");
	close(fd);
	if (dm_remove(BEFORE))
		die("prepare: remove: %s", dm_error());
	free(buf);
}

/* With the same table line, but for another image: one of zeros. */
static void fill_for_other(const char *cache, const struct setup *setup)
{
	if (dm_create(OTHER, DM_READONLY, ORIGIN_SECTORS, "zero", ""))
		die("prepare: " OTHER ": %s", dm_error());
	fill_cache(cache, setup, "/dev/mapper/" OTHER);
	if (dm_remove(OTHER))
		die("prepare: remove: %s", dm_error());
}

void prepare_cache(const char *cache, const struct setup *setup, const char *origin,
		   uint64_t *random)
{
	struct setup other = *setup;

	write_zeros(cache, 0, CACHE_BYTES);
	switch (setup->start) {
	case BLANK:
		break;
	case USED:
		fill_cache(cache, setup, origin);
		break;
	case WIPED:
		/* and the copy of the old superblock */
		fill_for_other(cache, setup);
		write_zeros(cache, 0, 4096);
		break;
	default:
		/* an old table, of another formatting, is in the way */
		other.region = regions[below(random, 3)];
		other.quota = 128;
		fill_cache(cache, &other, origin);
		write_zeros(cache, 0, 1 << 20);
		write_zeros(cache, CACHE_BYTES - (1 << 20), 1 << 20);
	}
}
