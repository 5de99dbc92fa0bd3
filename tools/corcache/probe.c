// SPDX-License-Identifier: GPL-2.0-only
/* probe: does a device begin as a cache device does? For udev, as `blkid -o udev` tells of others. */
#include <blkid.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "block.h"
#include "disk.h"
#include "verbs.h"

#define PROBE_NOTHING	2	/* as blkid's */

/* A value that is safe as part of a name below /dev and in a shell: others than a few characters as \xHH. */
static void print_escaped(const char *key, const char *value)
{
	char escaped[4 * DISK_ORIGIN_ID_MOST + 1];

	if (!blkid_encode_string(value, escaped, sizeof(escaped)))
		printf("%s=%s\n", key, escaped);
}

static void print_layout(const struct disk_layout *layout)
{
	char id[DISK_ID_TEXT];

	disk_id_text(layout->id, id);
	print_escaped("ID_FS_UUID", id);
	print_escaped("ID_FS_UUID_ENC", id);
	print_escaped("ID_CORCACHE_UUID", id);
	if (layout->origin_id[0])
		print_escaped("ID_CORCACHE_ORIGIN_ID", layout->origin_id);
	printf("ID_CORCACHE_LENGTH=%" PRIu64 "\n", layout->length);
	printf("ID_CORCACHE_REGION=%" PRIu32 "\n", layout->region_sectors);
}

/*
 * ID_FS_TYPE makes it no blank device for lsblk, udisks and installers; the usage "other", as
 * of swap and bcache, says that nothing can be mounted.
 */
static void print_export(const struct disk_super *super, const struct disk_layout *layout)
{
	printf("ID_FS_TYPE=corcache\nID_FS_USAGE=other\nID_FS_VERSION=%" PRIu32 "\n", super->version);
	printf("ID_CORCACHE_STATE=%s\n", disk_super_word(super->state));
	if (super->state == SUPER_GOOD)
		print_layout(layout);
}

static int probe(const struct block *block)
{
	unsigned char bytes[DISK_SUPER_BYTES] __attribute__((aligned(DISK_SUPER_BYTES)));
	struct disk_layout layout;
	struct disk_super super;

	if (pread(block->fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return PROBE_NOTHING;
	disk_probe(bytes, block->sectors, &super, &layout);
	if (!super.magic)
		return PROBE_NOTHING;
	print_export(&super, &layout);
	return END_OK;
}

static int run(const struct invocation *call)
{
	struct block block;
	int end = block_open(call->word[0], BLOCK_READ, &block);

	if (!end)
		end = probe(&block);
	block_forget(&block);
	return end;
}

static const struct verb_option options[] = {
	{ .name = "export", .letter = 'x', .help = "print KEY=value lines, the only form there is" },
	{ }
};

const struct verb verb_probe = {
	.name = "probe",
	.words = "DEVICE",
	.summary = "tell udev whether a device is a cache device",
	.more = "Reads 4 KiB. Exit status 2: it is none, or cannot be read.\n",
	.least = 1, .most = 1,
	.first = WORD_DEVICE, .rest = WORD_NONE,
	.options = options,
	.run = run,
};
