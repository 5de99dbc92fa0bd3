/* SPDX-License-Identifier: GPL-2.0-only */
/* cache: a cache device, or a file in its place, as it is named on the command line. */
#ifndef CORCACHE_CACHE_H
#define CORCACHE_CACHE_H

#include "block.h"
#include "disk.h"

struct cache {
	struct block block;
	struct disk disk;
};

/* Opens it and reads its superblocks. cache_close() is due in any case. Returns an exit status. */
int cache_open(const char *path, enum block_access access, struct cache *cache);
void cache_close(struct cache *cache);

/* END_DEVICE, and says what is there instead, unless there is a superblock whose table can be read. */
int cache_need(const struct cache *cache);

/* "its first superblock is damaged: its copy is used": one line about the state. The caller frees it. */
char *cache_state_text(const struct cache *cache);

#endif /* CORCACHE_CACHE_H */
