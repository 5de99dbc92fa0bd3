/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands on a cache device, for corcache_io: the one place of the tool
 * that sees the module's own headers, so that kernel types and libc types do
 * not meet in one file.
 */
#ifndef CORCACHE_DISK_H
#define CORCACHE_DISK_H

#include <stdint.h>

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

#endif /* CORCACHE_DISK_H */
