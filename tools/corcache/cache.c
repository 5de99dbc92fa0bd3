// SPDX-License-Identifier: GPL-2.0-only
#include "cache.h"

#include <stdlib.h>

int cache_open(const char *path, enum block_access access, struct cache *cache)
{
	int end;

	*cache = (struct cache){ .block.fd = -1 };
	end = block_open(path, access, &cache->block);
	if (!end && disk_attach(&cache->disk, cache->block.fd, cache->block.sectors, cache->block.unit))
		end = fail(END_MEMORY, "out of memory");
	return end;
}

void cache_close(struct cache *cache)
{
	disk_detach(&cache->disk);
	block_forget(&cache->block);
}

char *cache_state_text(const struct cache *cache)
{
	const struct disk *disk = &cache->disk;

	switch (disk->state) {
	case DISK_GOOD:
		return get_text("a cache device of corcache");
	case DISK_COPY:
		return get_text("its first superblock is %s: the copy in sector %llu speaks for it",
				disk_super_word(disk->first.state), (unsigned long long)disk->copy.sector);
	case DISK_WIPED:
		return get_text("its first sector is zero: it is new, or was wiped%s",
				disk->copy.magic ? ", and only a copy of a superblock is left at its end" : "");
	case DISK_REFUSED:
		if (disk->first.magic)
			return get_text("the kernel refuses it: %s", disk->first.why);
		return get_text("it holds something else, with %s superblock of corcache at its end",
				disk->copy.state == SUPER_GOOD ? "a" : "a damaged");
	default:
		return get_text("it has no superblock of corcache");
	}
}

int cache_need(const struct cache *cache)
{
	char *text;
	int end;

	if (cache->disk.used)
		return END_OK;
	text = cache_state_text(cache);
	end = fail(END_DEVICE, "'%s' is no cache device: %s", cache->block.path, text);
	free(text);
	return end;
}
