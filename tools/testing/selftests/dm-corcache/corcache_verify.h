/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads that are verified and counted, for the subcommands of corcache_io.
 *
 * Every origin of a test holds a pattern: each 8 bytes are their own byte offset,
 * plus --shift, big-endian.
 */
#ifndef CORCACHE_VERIFY_H
#define CORCACHE_VERIFY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void pattern_make(void *buf, uint64_t offset, size_t bytes);

/* Says on standard error what was wrong first. */
bool pattern_check(const void *buf, uint64_t offset, size_t bytes);

/*
 * One read, continued if it comes back short; verified if @verify.  Returns
 * 0, EXIT_DATA or EXIT_READ and accounts for it.
 */
int read_one(int fd, void *buf, uint64_t offset, size_t bytes, bool verify);

/* A data mismatch is worse than a failed read; both are kept. */
void set_worst(int status);

/* The highest priority exit status so far. */
int worst_status(void);

uint64_t failed_reads(void);

/* Prints the counts; returns the exit status for all reads. */
int summary(double since);

struct worker {
	pthread_t thread;
	unsigned int nr;
	int fd;
	uint64_t start, length;	/* bytes of the device to read in */
	uint64_t random;
	void *buf, *raw;
	pthread_barrier_t *barrier;
};

/*
 * opt.threads threads of @fn, each with a buffer of @bytes, a seed of its own
 * and, if @barrier, a barrier where they meet; returns when all have ended.
 */
void run_workers(void *(*fn)(void *), int fd, uint64_t start, uint64_t length,
		 size_t bytes, bool barrier);

#endif /* CORCACHE_VERIFY_H */
