/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands on a cache device, for corcache_io: the one place of the tool
 * that sees the module's own headers, so that kernel types and libc types do
 * not meet in one file.
 */
#ifndef CORCACHE_DISK_H
#define CORCACHE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Read or write, and say so if that fails.  @buf, @sector and @bytes are those of
 * O_DIRECT.  Return: 0 or -1.
 */
int corcache_disk_transfer(int fd, void *buf, uint64_t sector, size_t bytes, int write);

/* Where the second superblock is on a device of this size, if it has not grown. */
uint64_t corcache_disk_backup(uint64_t device_sectors);

/**
 * corcache_disk_dump() - print superblocks and occupied table entries
 * @fd: cache device, open for O_DIRECT reads
 * @device_sectors: its size
 *
 * One line per thing, words of the form name=value.
 *
 * Return: 0, or -1 if neither superblock can be used.
 */
int corcache_disk_dump(int fd, uint64_t device_sectors);

/**
 * corcache_disk_poke() - change one field of a superblock, with a fitting CRC
 * @fd: cache device, open for O_DIRECT reads and writes
 * @device_sectors: its size
 * @which: main, backup or both
 * @field: name of a field of struct corcache_superblock
 * @value: number
 *
 * Return: 0, or -1 after a message.
 */
int corcache_disk_poke(int fd, uint64_t device_sectors, const char *which,
		       const char *field, const char *value);

/**
 * corcache_disk_occupy() - give every slot a region, as if all had been filled
 * @fd: cache device, formatted and not in use, open for O_DIRECT reads and writes
 * @device_sectors: its size
 * @valid: which blocks of each region are valid, those of the first in bit 0
 *
 * Regions lie in mixed order, each in one slot; with more slots than regions the
 * last slots stay as they are.  The data area is not written, so the checksums,
 * if there are any, are wrong: this is for measuring what a large table costs.
 *
 * Return: 0, or -1 after a message.
 */
int corcache_disk_occupy(int fd, uint64_t device_sectors, uint64_t valid);

/*
 * What can be wrong with a cache device that is not in use.
 *
 *   blank	its first MiB is zero
 *   super	a superblock cannot be used, or the two differ
 *   table	a table sector is ours and damaged
 *   entry	an entry of a good table sector makes no sense
 *   duplicate	a region is named by two entries
 *   checksum	a valid block has another checksum than the table says
 *   content	a valid block is not what the origin holds
 *   unreadable	what should be read cannot be
 */
enum corcache_fault {
	CORCACHE_FAULT_BLANK, CORCACHE_FAULT_SUPER, CORCACHE_FAULT_TABLE, CORCACHE_FAULT_ENTRY,
	CORCACHE_FAULT_DUPLICATE, CORCACHE_FAULT_CHECKSUM, CORCACHE_FAULT_CONTENT,
	CORCACHE_FAULT_UNREADABLE, CORCACHE_FAULTS
};

extern const char *const corcache_fault_names[CORCACHE_FAULTS];

struct corcache_report {
	uint64_t entries, blocks;
	uint64_t faults[CORCACHE_FAULTS];
};

/* Is @buf what the origin holds from byte @offset on? */
typedef bool (*corcache_content_fn)(const void *buf, uint64_t offset, size_t bytes);

/**
 * corcache_disk_check() - check all that stands on a cache device
 * @fd: cache device, not in use, open for O_DIRECT reads
 * @device_sectors: its size
 * @content: compares with the origin
 * @report: filled in
 *
 * Prints a line for the first few faults of each kind.
 */
void corcache_disk_check(int fd, uint64_t device_sectors, corcache_content_fn content,
			 struct corcache_report *report);

/**
 * corcache_disk_forge() - make one thing wrong, and leave all the rest right
 * @fd: cache device, formatted and not in use, open for O_DIRECT reads and writes
 * @device_sectors: its size
 * @slot: an occupied one
 * @kind: checksum (of its first valid block), entry, content (with a checksum that
 *	fits) or duplicate (in another slot); or hint=N, with which nothing is wrong
 *
 * Return: 0, or -1 after a message.
 */
int corcache_disk_forge(int fd, uint64_t device_sectors, uint64_t slot, const char *kind);

/**
 * corcache_disk_restore() - make a device or a file of what `od -A x -t x1` printed
 * @fd: open for writes; holds nothing but zeros
 * @text: the lines; those that begin with # are comments
 *
 * Where there are zeros nothing is written.
 *
 * Return: 0, or -1 after a message.
 */
int corcache_disk_restore(int fd, FILE *text);

#endif /* CORCACHE_DISK_H */
