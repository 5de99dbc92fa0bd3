/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * disk: what stands on a cache device: superblocks, region table, slots.
 *
 * Decided by the module's own format code, so what is said here of a device is what the
 * kernel would say. Only disk.c sees the module's headers; this one is plain. What is read
 * is treated as hostile. Nothing is written.
 */
#ifndef CORCACHE_DISK_H
#define CORCACHE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_SECTOR		512U
#define DISK_SUPER_BYTES	4096U	/* what is written for a superblock */
#define DISK_ID_BYTES		16
#define DISK_ID_TEXT		37	/* as a UUID, with the NUL */
#define DISK_ORIGIN_ID_MOST	128
#define DISK_BLOCKS_MOST	64	/* of a region */
#define DISK_END_SECTORS	2048U	/* the MiB at each end that is reserved */
#define DISK_WHY_BYTES		400

enum disk_super_state {
	SUPER_GOOD,
	SUPER_ZERO,		/* 4 KiB of zeros */
	SUPER_NONE,		/* no magic */
	SUPER_DAMAGED,		/* its checksum does not hold */
	SUPER_UNKNOWN,		/* of a version, or with features, that are not known */
	SUPER_WRONG,		/* whole, and makes no sense */
	SUPER_SHRUNK,		/* whole, but the device is smaller than it was */
	SUPER_UNREADABLE,
};

struct disk_super {
	enum disk_super_state state;
	uint64_t sector;
	char why[DISK_WHY_BYTES];	/* "": good */
	bool magic;
	uint32_t version;		/* with magic */
	unsigned char sector_bytes[DISK_SECTOR];	/* as read */
};

/* What the kernel would make of it. */
enum disk_state {
	DISK_GOOD,		/* the first superblock is good */
	DISK_COPY,		/* it is damaged, and its copy speaks for it */
	DISK_WIPED,		/* sector 0 is zero */
	DISK_REFUSED,		/* there is a superblock, and it would be refused */
	DISK_FOREIGN,		/* no superblock of ours */
};

/* Of the superblock in use. Sectors are of 512 bytes. */
struct disk_layout {
	unsigned char id[DISK_ID_BYTES];
	char origin_id[DISK_ORIGIN_ID_MOST + 1];	/* "": none */
	uint64_t incompat, compat;
	bool checksums;
	uint64_t length, cache_sectors;
	uint32_t region_sectors, block_sectors, region_blocks, sector_entries;
	uint64_t nr_regions, nr_slots;
	uint64_t table_start, table_sectors, data_start, copy_start;
};

struct disk {
	int fd;
	uint64_t sectors;
	uint32_t unit;			/* bytes: what can be read alone */
	enum disk_state state;
	struct disk_super first, copy;
	const struct disk_super *used;	/* whose table is read; NULL: there is none to use */
	struct disk_layout layout;	/* if there is */
	void *format;			/* disk.c's */
	unsigned char *chunk;		/* of the table */
};

/*
 * @fd: open for reading, stays the caller's. @sectors: its size. @unit: its logical block.
 * Returns 0 or -ENOMEM; what cannot be read is a state.
 */
int disk_attach(struct disk *disk, int fd, uint64_t sectors, uint32_t unit);
void disk_detach(struct disk *disk);

/* The first superblock alone, from @bytes, DISK_SUPER_BYTES of the beginning of a device. */
void disk_probe(const void *bytes, uint64_t sectors, struct disk_super *super, struct disk_layout *layout);

/* "good", "zero", ... and "good", "copy", ...: words of the output, which never change. */
const char *disk_super_word(enum disk_super_state state);
const char *disk_state_word(enum disk_state state);

/* As a UUID is written; @text has room for DISK_ID_TEXT. */
char *disk_id_text(const unsigned char *id, char *text);

/* @buffer, @sector and @bytes are aligned to 4096 bytes, or to the unit. Returns 0 or -errno. */
int disk_read(const struct disk *disk, void *buffer, uint64_t sector, size_t bytes);

struct disk_entry {
	uint64_t slot, region;
	uint64_t valid;			/* bit i: block i of the region */
	uint32_t hint;
	uint32_t crc[DISK_BLOCKS_MOST];	/* zero without checksums, and where not valid */
};

#define DISK_HINT_PINNED	0x80000000U

enum disk_damage {
	DAMAGE_SECTOR,		/* a table sector of this cache whose checksum does not hold, or that is misplaced */
	DAMAGE_UNREADABLE,	/* a table sector that cannot be read */
	DAMAGE_ENTRY,		/* an entry of a good sector that makes no sense */
};

/* Each returns not 0 to end the walk, which then returns that. */
struct disk_visitor {
	int (*entry)(void *data, const struct disk_entry *entry);
	/* @nr: of the table sector; @slot: of the entry, or the first of the sector */
	int (*damage)(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot);
};

/* All occupied entries, by slot. A sector that cannot be read costs its own entries only. */
int disk_walk(struct disk *disk, const struct disk_visitor *visitor, void *data);

/* The entry of one slot, read now: 1, 0 if the slot is empty, or -errno (-EILSEQ: damaged). */
int disk_entry_now(const struct disk *disk, uint64_t slot, struct disk_entry *entry);

/* Number of block @bit of a region on the origin, and its place in sectors there, cut at the end of the origin. */
uint64_t disk_block(const struct disk *disk, uint64_t region, uint32_t bit);
uint64_t disk_block_start(const struct disk *disk, uint64_t block);
uint32_t disk_block_sectors(const struct disk *disk, uint64_t block);
/* The sector on the cache device of block @bit of a slot. */
uint64_t disk_slot_sector(const struct disk *disk, uint64_t slot, uint32_t bit);
uint32_t disk_block_crc(uint64_t block, const void *data, size_t bytes);

#endif /* CORCACHE_DISK_H */
