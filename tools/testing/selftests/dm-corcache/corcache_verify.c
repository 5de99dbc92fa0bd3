// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads that are verified and counted, in one thread or many; see corcache_verify.h.
 *
 * Owns the pattern, the counters of all reads, and the worst status of them. Threads
 * share nothing but the options, which are read-only once they run, and these counters,
 * which are atomic.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "corcache_io.h"
#include "corcache_util.h"
#include "corcache_verify.h"

#define MAX_THREADS	1024U

static atomic_int worst;		/* highest priority exit status so far */
static atomic_uint_fast64_t total_reads, total_bytes, total_errors;
static atomic_uint_fast64_t total_again;	/* with --nowait: would have had to wait */

void set_worst(int status)
{
	int old = atomic_load(&worst);

	while (!old || (status == EXIT_DATA && old != EXIT_DATA))
		if (atomic_compare_exchange_weak(&worst, &old, status))
			break;
}

int worst_status(void)
{
	return atomic_load(&worst);
}

uint64_t failed_reads(void)
{
	return atomic_load(&total_errors);
}

void pattern_make(void *buf, uint64_t offset, size_t bytes)
{
	uint64_t *word = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		word[i] = htobe64(offset + opt.shift + i * 8);
}

bool pattern_check(const void *buf, uint64_t offset, size_t bytes)
{
	const uint64_t *word = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++) {
		uint64_t want = offset + opt.shift + i * 8;

		if (word[i] == htobe64(want))
			continue;
		fprintf(stderr,
			"MISMATCH sector %" PRIu64 " byte %" PRIu64 " expected %016" PRIx64
			" got %016" PRIx64 " (read of %zu bytes at sector %" PRIu64 ")\n",
			(offset + i * 8) / SECTOR, offset + i * 8, want, be64toh(word[i]), bytes,
			offset / SECTOR);
		return false;
	}
	return true;
}

static ssize_t read_some(int fd, void *buf, size_t bytes, uint64_t offset)
{
	struct iovec iov = { .iov_base = buf, .iov_len = bytes };

	if (opt.nowait)
		return preadv2(fd, &iov, 1, offset, RWF_NOWAIT);
	return pread(fd, buf, bytes, offset);
}

int read_one(int fd, void *buf, uint64_t offset, size_t bytes, bool verify)
{
	size_t done = 0;

	atomic_fetch_add(&total_reads, 1);
	while (done < bytes) {
		ssize_t n = read_some(fd, (char *)buf + done, bytes - done, offset + done);

		if (n > 0) {
			done += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && opt.nowait) {
			atomic_fetch_add(&total_again, 1);
			return 0;
		}
		atomic_fetch_add(&total_errors, 1);
		if (!opt.expect_error)
			fprintf(stderr, "READ ERROR %d (%s) at sector %" PRIu64 ", %zu bytes\n",
				n ? errno : 0, n ? strerror(errno) : "end of device",
				(offset + done) / SECTOR, bytes - done);
		return EXIT_READ;
	}
	atomic_fetch_add(&total_bytes, bytes);
	if (verify && !pattern_check(buf, offset, bytes))
		return EXIT_DATA;
	return 0;
}

int summary(double since)
{
	int status = atomic_load(&worst);

	printf("reads=%" PRIuFAST64 " bytes=%" PRIuFAST64 " errors=%" PRIuFAST64 " seconds=%.3f",
	       atomic_load(&total_reads), atomic_load(&total_bytes),
	       atomic_load(&total_errors), now() - since);
	if (opt.nowait)
		printf(" again=%" PRIuFAST64, atomic_load(&total_again));
	printf("\n");
	if (opt.expect_error && status != EXIT_DATA)
		return status == EXIT_READ ? 0 : EXIT_NO_ERROR;
	return status;
}

void run_workers(void *(*fn)(void *), int fd, uint64_t start, uint64_t length,
		 size_t bytes, bool barrier)
{
	struct worker *w = calloc(opt.threads, sizeof(*w));
	pthread_barrier_t gate;
	pthread_attr_t attr;
	unsigned int i;

	if (!w || !opt.threads || opt.threads > MAX_THREADS)
		die(EXIT_USAGE, "threads: 1 to %u", MAX_THREADS);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	pthread_barrier_init(&gate, NULL, opt.threads);
	for (i = 0; i < opt.threads; i++) {
		uint64_t state = opt.seed + i;

		w[i] = (struct worker){
			.nr = i, .fd = fd, .start = start, .length = length,
			.random = next_random(&state), .barrier = barrier ? &gate : NULL,
		};
		w[i].buf = buffer(bytes, opt.align_mem, &w[i].raw);
		if (pthread_create(&w[i].thread, &attr, fn, &w[i]))
			die(EXIT_OTHER, "pthread_create: thread %u", i);
	}
	for (i = 0; i < opt.threads; i++) {
		pthread_join(w[i].thread, NULL);
		free(w[i].raw);
	}
	pthread_barrier_destroy(&gate);
	free(w);
}
