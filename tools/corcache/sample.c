// SPDX-License-Identifier: GPL-2.0-only
#include "sample.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "cache.h"

#define ALIGNMENT	4096

struct block_sum {
	uint64_t block;
	uint32_t crc;
};

/* A fair choice of blocks among any number. */
struct sample {
	struct disk *disk;
	struct block_sum chosen[SAMPLE_BLOCKS];
	uint64_t seen;
	unsigned int seed;
};

static void take(struct sample *sample, const struct block_sum *one)
{
	uint64_t nr = sample->seen++, at = nr;

	if (nr >= SAMPLE_BLOCKS)
		at = ((uint64_t)rand_r(&sample->seed) << 31 | rand_r(&sample->seed)) % (nr + 1);
	/* the first stays: what differs at all, differs where the partition table is */
	if (at < SAMPLE_BLOCKS && (at || !nr))
		sample->chosen[at] = *one;
	if (nr && one->block < sample->chosen[0].block)
		sample->chosen[0] = *one;
}

static int take_entry(void *data, const struct disk_entry *entry)
{
	struct sample *sample = data;
	uint32_t bit;

	for (bit = 0; bit < sample->disk->layout.region_blocks; bit++) {
		if (entry->valid >> bit & 1)
			take(sample, &(struct block_sum){ disk_block(sample->disk, entry->region, bit), entry->crc[bit] });
	}
	return 0;
}

/* Its blocks are cold, no more. */
static int skip_damage(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot)
{
	(void)data;
	(void)damage;
	(void)nr;
	(void)slot;
	return 0;
}

static int compare(const struct sample *sample, const struct block *origin)
{
	uint64_t nr = sample->seen < SAMPLE_BLOCKS ? sample->seen : SAMPLE_BLOCKS, i, start;
	void *data = NULL;
	int end = END_OK;
	ssize_t bytes;

	if (posix_memalign(&data, ALIGNMENT, (size_t)sample->disk->layout.block_sectors * DISK_SECTOR))
		return fail(END_MEMORY, "out of memory");
	for (i = 0; i < nr && !end; i++) {
		start = disk_block_start(sample->disk, sample->chosen[i].block);
		bytes = (ssize_t)disk_block_sectors(sample->disk, sample->chosen[i].block) * DISK_SECTOR;
		if (pread(origin->fd, data, bytes, start * DISK_SECTOR) != bytes)
			end = fail(END_DEVICE, "'%s': cannot read sector %" PRIu64 ": is it connected?", origin->path, start);
		else if (disk_block_crc(sample->chosen[i].block, data, bytes) != sample->chosen[i].crc)
			end = fail(END_DEVICE, "'%s' is another image than was cached: sector %" PRIu64 " differs; nothing was "
				   "changed; another image needs a cache device of its own", origin->path, start);
	}
	free(data);
	return end;
}

int sample_origin(const char *cache_path, const char *origin_path)
{
	static const struct disk_visitor visitor = { take_entry, skip_damage };
	struct sample sample = { 0 };
	struct block origin = { .fd = -1 };
	struct cache cache;
	int end = cache_open(cache_path, BLOCK_READ, &cache);

	if (!end)
		end = block_open(origin_path, BLOCK_READ, &origin);
	if (!end && cache.disk.used && cache.disk.layout.checksums) {
		sample.disk = &cache.disk;
		if (getrandom(&sample.seed, sizeof(sample.seed), 0) < 0)
			sample.seed = getpid();
		if (disk_walk(&cache.disk, &visitor, &sample))
			end = fail(END_MEMORY, "out of memory");
		else
			end = compare(&sample, &origin);
	}
	block_forget(&origin);
	cache_close(&cache);
	return end;
}
