/* SPDX-License-Identifier: GPL-2.0-only */
/* pool: cache devices that are thin volumes share the space of their pool. */
#ifndef CORCACHE_POOL_H
#define CORCACHE_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * May the corcache device @name, whose cache device has this number, have @quota bytes? If that is a thin volume, the
 * quotas of all corcache devices on its pool may add up to no more than the pool. @name need not exist. Returns an exit
 * status.
 */
int pool_check(const char *name, dev_t cache, uint64_t quota);

/* "253:4", at the beginning of a word of a table line; false: it is no number. */
bool pool_number(const char *word, dev_t *number);

#endif /* CORCACHE_POOL_H */
