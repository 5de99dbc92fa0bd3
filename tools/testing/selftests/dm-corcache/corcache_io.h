/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all files of corcache_io agree on: units, exit statuses, and the options.
 */
#ifndef CORCACHE_IO_H
#define CORCACHE_IO_H

#include <stdbool.h>
#include <stdint.h>

#define SECTOR		512U
#define MIB		(1024U * 1024U)
#define MAX_IO		(16U * MIB)

enum { EXIT_DATA = 1, EXIT_READ = 2, EXIT_NO_ERROR = 3, EXIT_USAGE = 64, EXIT_OTHER = 70 };

/*
 * From the command line, with the defaults that are common to all subcommands.
 * A subcommand fills in what is left to it, before it starts threads.
 */
extern struct options {
	uint64_t bs;
	uint64_t align_mem;
	uint64_t shift;
	uint64_t seed;
	uint64_t count;
	uint64_t seconds;
	uint64_t threads;
	uint64_t max_bs;
	uint64_t min_bs;
	uint64_t start;
	uint64_t length;
	uint64_t passes;
	uint64_t per_size;
	uint64_t block;
	uint64_t pause;
	uint64_t after;
	const char *json;
	const char *stepwise;
	const char *expect;
	const char *allow;
	const char *origin;
	bool seed_given;
	bool expect_error;
	bool nowait;
	bool mmap;
	bool noflush;
	bool progress;
	bool buffered;
	bool trust;
} opt;

#endif /* CORCACHE_IO_H */
