/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small helpers of corcache_io: messages, numbers, time, memory and devices.
 *
 * None of them returns an error: they end the program with a message.
 */
#ifndef CORCACHE_UTIL_H
#define CORCACHE_UTIL_H

#include <stddef.h>
#include <stdint.h>

/* Prints a line to standard error and exits. */
void __attribute__((noreturn, format(printf, 2, 3))) die(int status, const char *fmt, ...);

/* Decimal, 0x hex, and the suffixes s (sectors), K, M, G, T. */
uint64_t number(const char *word);

/* Any seed is a good seed, also 0 and neighbours. */
uint64_t next_random(uint64_t *state);

/* 0 if @limit is 0. */
uint64_t below(uint64_t *state, uint64_t limit);

/* Seconds, from some moment in the past. */
double now(void);

/* Room in @array for one more than @nr entries of @each bytes; where it is then. */
void *grow(void *array, size_t nr, size_t *room, size_t each);

/* With O_DIRECT, but for a file that cannot. */
int open_device(const char *path, int flags);

/* Also of a file. */
uint64_t device_bytes(int fd);

/*
 * A buffer for O_DIRECT whose address is a multiple of @align and of no higher
 * power of two.  @raw receives what to free.
 */
void *buffer(size_t bytes, size_t align, void **raw);

/*
 * The words OFF and LEN from @first on to opt.start and opt.length; without them
 * what the options say, or else all of a device of @size bytes.
 */
void parse_extent(int argc, char **argv, int first, uint64_t size);

#endif /* CORCACHE_UTIL_H */
