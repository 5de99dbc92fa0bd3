// SPDX-License-Identifier: GPL-2.0-only
/* wipe: makes a device blank, so that it can be formatted as a cache device again. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cache.h"
#include "size.h"
#include "verbs.h"

#define END_BYTES	(DISK_END_SECTORS * SECTOR_BYTES)
#define ALIGN_SECTORS	8U	/* the format counts the last MiB from here, rounded down */

/* Parts of the device, in sectors: the two ends, and the copy of the superblock on one that has grown. */
struct part {
	uint64_t start, end;
};

#define PARTS	3

static int find_parts(const struct disk *disk, struct part *parts)
{
	uint64_t last = disk->sectors / ALIGN_SECTORS * ALIGN_SECTORS, copy = disk->copy.sector;
	int nr = 0;

	if (disk->sectors <= 2 * DISK_END_SECTORS + ALIGN_SECTORS) {
		parts[nr++] = (struct part){ 0, disk->sectors };
		return nr;
	}
	parts[nr++] = (struct part){ 0, DISK_END_SECTORS };
	parts[nr++] = (struct part){ last - DISK_END_SECTORS, disk->sectors };
	if (disk->copy.magic && copy >= DISK_END_SECTORS && copy + ALIGN_SECTORS <= last - DISK_END_SECTORS)
		parts[nr++] = (struct part){ copy, copy + ALIGN_SECTORS };
	return nr;
}

static int write_zeros(const struct block *block, const struct part *part)
{
	static const char zeros[1 << 16];
	uint64_t at = part->start * SECTOR_BYTES, end = part->end * SECTOR_BYTES;

	while (at < end) {
		size_t bytes = end - at < sizeof(zeros) ? end - at : sizeof(zeros);
		ssize_t n = pwrite(block->fd, zeros, bytes, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(END_DEVICE, "'%s' cannot be written at byte %llu: %s", block->path,
				    (unsigned long long)at, n ? strerror(errno) : "it has ended");
		at += n;
	}
	return END_OK;
}

static bool is_zero(const struct block *block, const struct part *part)
{
	uint64_t at = part->start * SECTOR_BYTES, end = part->end * SECTOR_BYTES;
	char buffer[1 << 16];

	while (at < end) {
		size_t bytes = end - at < sizeof(buffer) ? end - at : sizeof(buffer);

		if (pread(block->fd, buffer, bytes, at) != (ssize_t)bytes || buffer[0] ||
		    memcmp(buffer, buffer + 1, bytes - 1))
			return false;
		at += bytes;
	}
	return true;
}

static bool all_zero(const struct block *block, const struct part *parts, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (!is_zero(block, &parts[i]))
			return false;
	}
	return true;
}

static int discard(const struct block *block)
{
	uint64_t range[2] = { 0, block->sectors * SECTOR_BYTES };
	int failed;

	if (block->kind == BLOCK_FILE)
		failed = fallocate(block->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, range[1]);
	else
		failed = ioctl(block->fd, BLKDISCARD, range);
	return failed ? fail(END_DEVICE, "'%s' cannot discard: %s; without --discard it is wiped all the same",
			     block->path, strerror(errno)) : END_OK;
}

/* What there is: of ours, what libblkid knows, or bytes that nobody knows. The caller frees it; NULL: nothing. */
static int describe(const struct cache *cache, const struct part *parts, int nr, char **text)
{
	const struct disk *disk = &cache->disk;
	char *others, id[DISK_ID_TEXT];
	int end = block_signatures(&cache->block, &others);

	*text = NULL;
	if (end)
		return end;
	if (disk->used && disk->state != DISK_FOREIGN)
		*text = get_text("a corcache cache device (id %s%s%s)%s%s", disk_id_text(disk->layout.id, id),
				 disk->layout.origin_id[0] ? ", origin id " : "", disk->layout.origin_id,
				 others ? " and " : "", others ? others : "");
	else if (others)
		*text = get_text("%s", others);
	else if (disk->first.magic)
		*text = get_text("a damaged superblock of corcache");
	else if (!all_zero(&cache->block, parts, nr))
		*text = get_text("data that no signature tells of");
	free(others);
	return END_OK;
}

/*
 * Is it ours alone? Not if there is a signature of somebody else's, nor if only the copy at the
 * end is ours: such a device serves somebody else by now.
 */
static bool is_ours(const struct cache *cache, const char *others)
{
	const struct disk *disk = &cache->disk;

	return !others && (disk->first.magic || disk->state == DISK_COPY ||
			   (disk->state == DISK_WIPED && disk->copy.magic));
}

static int may_wipe(const struct cache *cache, const char *what, bool force)
{
	char *others;
	int end = block_signatures(&cache->block, &others);
	bool ours = is_ours(cache, others);

	free(others);
	if (end || ours || force)
		return end;
	return fail(END_DEVICE, "'%s' holds %s, and is no cache device of corcache: --force wipes it all the same",
		    cache->block.path, what);
}

/* Not even a signature beyond the ends may be left: it would be found again. */
static int check_blank(const struct cache *cache, const struct part *parts, int nr)
{
	char *left;
	int end = block_signatures(&cache->block, &left);

	if (!end && !all_zero(&cache->block, parts, nr))
		end = fail(END_DEVICE, "'%s' was written, but does not read back as zeros", cache->block.path);
	else if (!end && left)
		end = fail(END_DEVICE, "'%s' still holds %s beyond its ends: 'wipefs --all' knows where", cache->block.path,
			   left);
	free(left);
	return end;
}

static int wipe_parts(const struct cache *cache, const struct part *parts, int nr, bool with_discard)
{
	int end = with_discard ? discard(&cache->block) : END_OK, i;

	for (i = 0; i < nr && !end; i++)
		end = write_zeros(&cache->block, &parts[i]);
	if (!end && fsync(cache->block.fd))
		end = fail(END_DEVICE, "'%s' cannot be written: %s", cache->block.path, strerror(errno));
	return end ? end : check_blank(cache, parts, nr);
}

static int wipe(const struct cache *cache, bool force, bool with_discard)
{
	struct part parts[PARTS];
	int nr = find_parts(&cache->disk, parts);
	char *what;
	int end = describe(cache, parts, nr, &what);

	if (!end && !what && !with_discard) {
		printf("%s: blank already\n", cache->block.path);
		return END_OK;
	}
	if (!end && what)
		end = may_wipe(cache, what, force);
	if (!end)
		end = wipe_parts(cache, parts, nr, with_discard);
	if (!end)
		printf("%s: wiped, was %s\n", cache->block.path, what ? what : "blank");
	free(what);
	return end;
}

static int run(const struct invocation *call)
{
	struct cache cache;
	int end = cache_open(call->word[0], BLOCK_WRITE_ALONE, &cache);

	if (!end)
		end = wipe(&cache, given(call, "force"), given(call, "discard"));
	cache_close(&cache);
	return end;
}

static const struct verb_option options[] = {
	{ .name = "force", .letter = 'f', .help = "also what is no cache device of corcache" },
	{ .name = "discard", .letter = 'd', .help = "discard all of it as well" },
	{ }
};

const struct verb verb_wipe = {
	.name = "wipe",
	.words = "DEVICE",
	.summary = "make a cache device blank, for another image",
	.more = "Its first and last MiB are zeroed. What is mounted, held or in use is never wiped.\n",
	.least = 1, .most = 1,
	.first = WORD_DEVICE, .rest = WORD_NONE,
	.options = options,
	.run = run,
};
