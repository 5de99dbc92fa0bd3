// SPDX-License-Identifier: GPL-2.0-only
#include "scrub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READ_SECTORS	2048U			/* at a time, or a block if that is larger */
#define PAUSE_NS	(50 * 1000 * 1000)	/* between tries */
#define NS		1000000000ULL
#define ALIGNMENT	4096

/* What is at work in one run. */
struct pass {
	struct scrub *scrub;
	unsigned char *data, *origin;
	struct timespec start;
};

static const char *const words[] = {
	[SCRUB_CHECKSUM] = "checksum",
	[SCRUB_CONTENT] = "content",
	[SCRUB_UNREADABLE] = "unreadable",
};

const char *scrub_word(enum scrub_kind kind)
{
	return words[kind];
}

static int read_origin(const struct scrub *scrub, void *buffer, uint64_t sector, size_t bytes)
{
	ssize_t n;

	do
		n = pread(scrub->origin, buffer, bytes, sector * DISK_SECTOR);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)bytes ? 0 : -EIO;
}

/* True if @data is not block @block; @kind says how. */
static bool is_wrong(const struct scrub *scrub, const struct disk_entry *entry, uint32_t bit, const void *data,
		     const void *origin, enum scrub_kind *kind)
{
	uint64_t block = disk_block(scrub->disk, entry->region, bit);
	size_t bytes = disk_block_sectors(scrub->disk, block) * DISK_SECTOR;

	*kind = SCRUB_CHECKSUM;
	if (scrub->disk->layout.checksums && disk_block_crc(block, data, bytes) != entry->crc[bit])
		return true;
	*kind = SCRUB_CONTENT;
	return origin && memcmp(data, origin, bytes);
}

static struct scrub_fault fault_of(const struct scrub *scrub, const struct disk_entry *entry, uint32_t bit,
				   enum scrub_kind kind)
{
	uint64_t block = disk_block(scrub->disk, entry->region, bit);

	return (struct scrub_fault){
		.kind = kind, .block = block, .region = entry->region, .slot = entry->slot,
		.origin_sector = disk_block_start(scrub->disk, block),
		.cache_sector = disk_slot_sector(scrub->disk, entry->slot, bit),
		.sectors = disk_block_sectors(scrub->disk, block),
	};
}

/* ---- once more ---- */

static uint32_t bit_of(const struct scrub *scrub, const struct scrub_fault *fault)
{
	return fault->block - disk_block(scrub->disk, fault->region, 0);
}

static bool names(const struct disk_entry *entry, const struct scrub_fault *fault, uint32_t bit)
{
	return entry->region == fault->region && (entry->valid >> bit & 1);
}

/* One try: the table, the data, the table again. */
static bool wrong_again(struct scrub *scrub, const struct scrub_fault *fault, unsigned char *data,
			unsigned char *origin)
{
	size_t bytes = scrub->disk->layout.block_sectors * DISK_SECTOR;
	uint32_t bit = bit_of(scrub, fault);
	struct disk_entry before, after;
	enum scrub_kind kind;

	if (disk_entry_now(scrub->disk, fault->slot, &before) <= 0 || !names(&before, fault, bit))
		return false;
	if (!disk_read(scrub->disk, data, fault->cache_sector, bytes)) {
		bool compare = scrub->origin >= 0 &&
			!read_origin(scrub, origin, fault->origin_sector, fault->sectors * DISK_SECTOR);

		if (!is_wrong(scrub, &before, bit, data, compare ? origin : NULL, &kind))
			return false;
	}
	return disk_entry_now(scrub->disk, fault->slot, &after) > 0 && names(&after, fault, bit) &&
	       before.crc[bit] == after.crc[bit];
}

bool scrub_still_wrong(struct scrub *scrub, const struct scrub_fault *fault)
{
	size_t bytes = scrub->disk->layout.block_sectors * DISK_SECTOR;
	unsigned char *both = NULL;
	bool wrong = true;
	int i;

	/* without memory nothing can be said against it */
	if (posix_memalign((void **)&both, ALIGNMENT, 2 * bytes))
		return true;
	for (i = 0; i < SCRUB_TRIES && wrong; i++) {
		if (i)
			nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
		wrong = wrong_again(scrub, fault, both, both + bytes);
	}
	free(both);
	return wrong;
}

/* ---- the blocks of a slot ---- */

static void found(struct scrub *scrub, const struct disk_entry *entry, uint32_t bit, enum scrub_kind kind)
{
	struct scrub_fault fault = fault_of(scrub, entry, bit, kind);

	if (scrub->live && !scrub_still_wrong(scrub, &fault)) {
		scrub->changed++;
		return;
	}
	if (kind == SCRUB_UNREADABLE)
		scrub->unreadable++;
	else
		scrub->wrong++;
	scrub->fault(scrub->data, &fault);
}

/* The origin's bytes of block @bit; NULL: not to be had, or not wanted. */
static const void *origin_of(struct pass *pass, const struct disk_entry *entry, uint32_t bit)
{
	struct scrub *scrub = pass->scrub;
	uint64_t block = disk_block(scrub->disk, entry->region, bit);

	if (scrub->origin < 0)
		return NULL;
	if (!read_origin(scrub, pass->origin, disk_block_start(scrub->disk, block),
			 disk_block_sectors(scrub->disk, block) * DISK_SECTOR))
		return pass->origin;
	scrub->origin_errors++;
	return NULL;
}

static void check_block(struct pass *pass, const struct disk_entry *entry, uint32_t bit, const void *data)
{
	struct scrub *scrub = pass->scrub;
	uint32_t sectors = disk_block_sectors(scrub->disk, disk_block(scrub->disk, entry->region, bit));
	const void *origin = origin_of(pass, entry, bit);
	enum scrub_kind kind;

	scrub->blocks++;
	scrub->bytes += (uint64_t)sectors * DISK_SECTOR;
	if (is_wrong(scrub, entry, bit, data, origin, &kind))
		found(scrub, entry, bit, kind);
}

/* @nr valid blocks side by side: at once, and if that fails, one by one. */
static void check_run(struct pass *pass, const struct disk_entry *entry, uint32_t bit, uint32_t nr)
{
	const struct disk *disk = pass->scrub->disk;
	size_t bytes = disk->layout.block_sectors * DISK_SECTOR;
	bool together = !disk_read(disk, pass->data, disk_slot_sector(disk, entry->slot, bit), nr * bytes);
	uint32_t i;

	for (i = bit; i < bit + nr; i++) {
		if (together)
			check_block(pass, entry, i, pass->data + (i - bit) * bytes);
		else if (!disk_read(disk, pass->data, disk_slot_sector(disk, entry->slot, i), bytes))
			check_block(pass, entry, i, pass->data);
		else
			found(pass->scrub, entry, i, SCRUB_UNREADABLE);
	}
}

/* Not faster than asked for: waits until what was read may have been. */
static void keep_rate(const struct pass *pass)
{
	const struct scrub *scrub = pass->scrub;
	struct timespec now, left;
	uint64_t passed, due;

	if (!scrub->rate)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	passed = (now.tv_sec - pass->start.tv_sec) * NS + now.tv_nsec - pass->start.tv_nsec;
	due = (double)scrub->bytes / scrub->rate * NS;
	if (due <= passed)
		return;
	left.tv_sec = (due - passed) / NS;
	left.tv_nsec = (due - passed) % NS;
	nanosleep(&left, NULL);
}

static int see_entry(void *data, const struct disk_entry *entry)
{
	struct pass *pass = data;
	const struct disk_layout *layout = &pass->scrub->disk->layout;
	uint32_t most = READ_SECTORS / layout->block_sectors ?: 1, bit, nr;

	for (bit = 0; bit < layout->region_blocks; bit += nr) {
		for (nr = 0; nr < most && bit + nr < layout->region_blocks && (entry->valid >> (bit + nr) & 1); nr++)
			;
		if (nr)
			check_run(pass, entry, bit, nr);
		else
			nr = 1;
	}
	keep_rate(pass);
	return 0;
}

static int see_damage(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot)
{
	struct scrub *scrub = ((struct pass *)data)->scrub;
	struct disk_entry entry;

	/* it may just be being written */
	if (scrub->live && disk_entry_now(scrub->disk, slot, &entry) >= 0)
		return 0;
	scrub->damage(scrub->data, damage, nr, slot);
	return 0;
}

int scrub_run(struct scrub *scrub)
{
	static const struct disk_visitor visitor = { see_entry, see_damage };
	uint32_t block = scrub->disk->layout.block_sectors;
	size_t bytes = (block > READ_SECTORS ? block : READ_SECTORS) * (size_t)DISK_SECTOR;
	struct pass pass = { .scrub = scrub };
	int error = 0;

	if (posix_memalign((void **)&pass.data, ALIGNMENT, bytes) ||
	    posix_memalign((void **)&pass.origin, ALIGNMENT, bytes))
		error = -ENOMEM;
	clock_gettime(CLOCK_MONOTONIC, &pass.start);
	if (!error)
		disk_walk(scrub->disk, &visitor, &pass);
	free(pass.data);
	free(pass.origin);
	return error;
}
