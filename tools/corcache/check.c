// SPDX-License-Identifier: GPL-2.0-only
/* check: is what stands on a cache device that is not in use in order? */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "scrub.h"
#include "verbs.h"

/* fsck(8)'s exit bits; this never mends anything. */
enum fsck_end {
	FSCK_FINE = 0,
	FSCK_ERRORS_LEFT = 4,
	FSCK_FAILED = 8,
	FSCK_USAGE = 16,
};

#define SAY_MOST	100	/* lines of one kind; all are counted */

struct named {
	uint64_t region, slot;
};

struct check {
	struct cache cache;
	uint64_t errors;
	uint64_t entries, valid;
	uint64_t table_lines, block_lines, duplicates;
	struct named *named;		/* who names a region */
	uint64_t room;
};

#define error(check, format, ...)	\
do {					\
	(check)->errors++;		\
	printf("%s: " format "\n", (check)->cache.block.path, ##__VA_ARGS__); \
} while (0)

/* ---- superblocks ---- */

static void check_copy(struct check *check)
{
	const struct disk_super *first = &check->cache.disk.first, *copy = &check->cache.disk.copy;

	if (copy->state == SUPER_ZERO)
		error(check, "the copy of the superblock, sector %" PRIu64 ", is missing: the next activation writes it",
		      copy->sector);
	else if (copy->state != SUPER_GOOD)
		error(check, "the copy of the superblock, sector %" PRIu64 ", is %s: %s", copy->sector,
		      disk_super_word(copy->state), copy->why);
	else if (memcmp(first->sector_bytes, copy->sector_bytes, DISK_SECTOR))
		error(check, "the two superblocks differ: that in sector %" PRIu64 " is of another formatting",
		      copy->sector);
}

static int check_supers(struct check *check)
{
	const struct disk *disk = &check->cache.disk;
	char *text;

	if (disk->state == DISK_GOOD) {
		check_copy(check);
		return FSCK_FINE;
	}
	if (!disk->first.magic && !disk->copy.magic) {
		cache_need(&check->cache);
		return FSCK_FAILED;
	}
	text = cache_state_text(&check->cache);
	error(check, "%s", text);
	free(text);
	if (disk->used == &disk->copy || disk->state == DISK_WIPED)
		return FSCK_FINE;
	/* neither can be used */
	if (!disk->used)
		error(check, "the copy of the superblock, sector %" PRIu64 ": %s", disk->copy.sector,
		      disk->copy.why[0] ? disk->copy.why : "good");
	return disk->first.state == SUPER_UNKNOWN ? FSCK_FAILED : FSCK_FINE;
}

/* ---- table ---- */

static int see_entry(void *data, const struct disk_entry *entry)
{
	struct check *check = data;

	if (check->entries == check->room) {
		check->room = check->room ? 2 * check->room : 1024;
		check->named = get_more_memory(check->named, check->room * sizeof(*check->named));
	}
	check->named[check->entries++] = (struct named){ entry->region, entry->slot };
	check->valid += __builtin_popcountll(entry->valid);
	return 0;
}

static int see_damage(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot)
{
	struct check *check = data;

	if (check->table_lines++ >= SAY_MOST)
		check->errors++;
	else if (damage == DAMAGE_ENTRY)
		error(check, "the entry of slot %" PRIu64 " (table sector %" PRIu64 ") makes no sense", slot, nr);
	else if (damage == DAMAGE_SECTOR)
		error(check, "table sector %" PRIu64 " (slots from %" PRIu64 " on): its checksum does not hold", nr, slot);
	else
		error(check, "table sector %" PRIu64 " (slots from %" PRIu64 " on) cannot be read", nr, slot);
	return 0;
}

static int by_region(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->region != y->region)
		return x->region < y->region ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* No error: a crash within a commit may leave a region in its old slot and in its new one, and both are true. */
static void check_duplicates(struct check *check)
{
	uint64_t i;

	if (check->entries)
		qsort(check->named, check->entries, sizeof(*check->named), by_region);
	for (i = 1; i < check->entries; i++) {
		if (check->named[i].region != check->named[i - 1].region)
			continue;
		if (check->duplicates++ < SAY_MOST)
			printf("%s: region %" PRIu64 " is in slots %" PRIu64 " and %" PRIu64
			       ", as after a crash: the second counts as empty\n", check->cache.block.path,
			       check->named[i].region, check->named[i - 1].slot, check->named[i].slot);
	}
}

static void check_table(struct check *check)
{
	static const struct disk_visitor visitor = { see_entry, see_damage };

	disk_walk(&check->cache.disk, &visitor, check);
	check_duplicates(check);
}

/* ---- blocks ---- */

static void see_block(void *data, const struct scrub_fault *fault)
{
	struct check *check = data;

	if (check->block_lines++ >= SAY_MOST)
		check->errors++;
	else
		error(check, "block %" PRIu64 " (sector %" PRIu64 " of the origin, slot %" PRIu64 ", sector %" PRIu64 "): %s",
		      fault->block, fault->origin_sector, fault->slot, fault->cache_sector,
		      fault->kind == SCRUB_UNREADABLE ? "cannot be read" : "its checksum does not hold");
}

/* The table has been reported already. */
static void seen_damage(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot)
{
	(void)data, (void)damage, (void)nr, (void)slot;
}

static int check_blocks(struct check *check)
{
	struct scrub scrub = {
		.disk = &check->cache.disk, .origin = -1, .fault = see_block, .damage = seen_damage, .data = check,
	};

	if (!check->cache.disk.layout.checksums) {
		say("'%s' has no checksums: 'corcache verify --origin' can compare its blocks", check->cache.block.path);
		return FSCK_FAILED;
	}
	if (scrub_run(&scrub)) {
		say("out of memory");
		return FSCK_FAILED;
	}
	printf("%s: %" PRIu64 " blocks read\n", check->cache.block.path, scrub.blocks);
	return FSCK_FINE;
}

static int check_all(struct check *check, bool blocks)
{
	const struct disk *disk = &check->cache.disk;
	int end = check_supers(check);

	if (!end && disk->used && disk->state != DISK_WIPED) {
		check_table(check);
		if (blocks)
			end = check_blocks(check);
		printf("%s: %" PRIu64 " of %" PRIu64 " slots used, %" PRIu64 " valid blocks, %" PRIu64 " errors\n",
		       check->cache.block.path, check->entries, disk->layout.nr_slots, check->valid, check->errors);
	}
	return end | (check->errors ? FSCK_ERRORS_LEFT : FSCK_FINE);
}

static int run(const struct invocation *call)
{
	struct check check = { };
	int end;

	if (cache_open(call->word[0], BLOCK_READ_ALONE, &check.cache))
		end = FSCK_FAILED;
	else
		end = check_all(&check, given(call, "blocks"));
	cache_close(&check.cache);
	free(check.named);
	return end;
}

static const struct verb_option options[] = {
	{ .name = "blocks", .letter = 'b', .help = "also read the blocks, and compare them with their checksums" },
	{ }
};

const struct verb verb_check = {
	.name = "check",
	.words = "DEVICE",
	.summary = "check a cache device that is not in use",
	.more = "Reads the superblocks and the table; nothing is written, nothing mended. What is damaged\n"
		"is cold when the device is used again. Exit status, as fsck's: 0 no errors, 4 errors\n"
		"are there, 8 it could not be checked, 16 a wrong word; 12 is 4 and 8.\n",
	.least = 1, .most = 1,
	.first = WORD_DEVICE, .rest = WORD_NONE,
	.options = options,
	.args_end = FSCK_USAGE,
	.run = run,
};
