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

#endif /* CORCACHE_DISK_H */
