/* SPDX-License-Identifier: GPL-2.0-only */
/* lower: a block device that may not be there yet. Nothing is opened: that could wait for a remote. */
#ifndef CORCACHE_LOWER_H
#define CORCACHE_LOWER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Sectors of 512 bytes; 0: it is not there, or is an NBD device, say, that is not connected. */
uint64_t lower_sectors(const char *path);
/* The device number; false: there is no block device. */
bool lower_number(const char *path, dev_t *number);

/* Until both have a size, or for @ms at most; UINT64_MAX: without end. */
void lower_wait(const char *one, const char *other, uint64_t ms);

#endif /* CORCACHE_LOWER_H */
