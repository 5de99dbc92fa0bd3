// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands of corcache_io that write the pattern and read it: stamp, read,
 * random, together and scribble. Sweeps, which plan their reads, have a file of their
 * own, corcache_cmd_sweep.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "corcache_cmd.h"
#include "corcache_io.h"
#include "corcache_util.h"
#include "corcache_verify.h"

int cmd_stamp(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);
	void *raw, *buf = buffer(MIB, 4096, &raw);
	uint64_t done, n;

	parse_extent(argc, argv, 1, device_bytes(fd));
	for (done = 0; done < opt.length; done += n) {
		n = opt.length - done < MIB ? opt.length - done : MIB;
		pattern_make(buf, opt.start + done, n);
		if (pwrite(fd, buf, n, opt.start + done) != (ssize_t)n)
			die(EXIT_OTHER, "write at %" PRIu64 ": %s", opt.start + done,
			    strerror(errno));
	}
	if (fsync(fd))
		die(EXIT_OTHER, "fsync: %s", strerror(errno));
	free(raw);
	close(fd);
	return 0;
}

/* An extent through the page cache, by page faults; an error ends with SIGBUS. */
static int read_mapped(int fd, const char *path)
{
	size_t past;
	char *map;
	bool fine;

	past = opt.start % 4096;
	map = mmap(NULL, past + opt.length, PROT_READ, MAP_SHARED, fd, opt.start - past);
	if (map == MAP_FAILED)
		die(EXIT_OTHER, "%s: mmap: %s", path, strerror(errno));
	fine = pattern_check(map + past, opt.start, opt.length);
	munmap(map, past + opt.length);
	return fine ? 0 : EXIT_DATA;
}

/* An extent in reads of @bs bytes.  Return: EXIT_NO_ERROR, or the worst so far. */
static int read_direct(int fd, void *buf, uint64_t bs)
{
	uint64_t done, n;

	for (done = 0; done < opt.length; done += n) {
		int status;

		n = opt.length - done < bs ? opt.length - done : bs;
		status = read_one(fd, buf, opt.start + done, n, true);
		if (status)
			set_worst(status);
		if (status == EXIT_DATA || (status && !opt.expect_error))
			return status;
		/* with --expect-error each single read has to fail */
		if (opt.expect_error && !status) {
			fprintf(stderr, "no error at sector %" PRIu64 "\n",
				(opt.start + done) / SECTOR);
			return EXIT_NO_ERROR;
		}
		if (opt.pause)
			usleep(opt.pause);
	}
	return 0;
}

static int read_extent(int fd, const char *path)
{
	uint64_t bs = opt.bs ? opt.bs : opt.length < MAX_IO ? opt.length : MIB;
	void *raw, *buf;
	int status;

	if (opt.mmap)
		return read_mapped(fd, path);
	if (bs > MAX_IO || bs % SECTOR)
		die(EXIT_USAGE, "--bs: whole sectors, at most %u", MAX_IO);
	buf = buffer(bs, opt.align_mem, &raw);
	status = read_direct(fd, buf, bs);
	free(raw);
	return status;
}

int cmd_read(int argc, char **argv)
{
	int fd = opt.mmap ? open(argv[0], O_RDONLY | O_CLOEXEC) : open_device(argv[0], O_RDONLY);
	int first, worst, status = 0;
	double since = now();
	uint64_t size, pass;

	if (fd < 0)
		die(EXIT_OTHER, "%s: open: %s", argv[0], strerror(errno));
	size = device_bytes(fd);
	for (pass = 0; pass < opt.passes && !status; pass++) {
		first = 1;
		do {
			parse_extent(argc, argv, first, size);
			status = read_extent(fd, argv[0]);
			first += 2;
		} while (first < argc && !status);
	}
	close(fd);
	if (opt.mmap)
		return status;
	/* what it says is the worst, and with --expect-error 0 if all failed */
	worst = summary(since);
	return status == EXIT_NO_ERROR ? status : worst;
}

static double deadline;
static atomic_uint_fast64_t reads_left;
static atomic_bool stop_now;

static void on_signal(int sig)
{
	(void)sig;
	atomic_store(&stop_now, true);
}

static void *random_worker(void *arg)
{
	struct worker *w = arg;
	uint64_t sizes = opt.max_bs / SECTOR;

	while (!atomic_load(&stop_now)) {
		uint64_t sectors, bytes, offset;
		int status;

		if (opt.count) {
			uint_fast64_t left = atomic_load(&reads_left);

			do {
				if (!left)
					return NULL;
			} while (!atomic_compare_exchange_weak(&reads_left, &left, left - 1));
		}
		if (opt.seconds && now() >= deadline)
			break;
		/* half of the sizes from all, half of them small */
		sectors = 1 + below(&w->random, below(&w->random, 2) ? sizes : sizes / 8 + 1);
		bytes = sectors * SECTOR;
		if (bytes < opt.min_bs)
			bytes = opt.min_bs;
		if (bytes > opt.max_bs)
			bytes = opt.max_bs;
		if (bytes > w->length)
			bytes = w->length;
		offset = below(&w->random, (w->length - bytes) / SECTOR + 1) * SECTOR;
		if (opt.min_bs == opt.max_bs)
			offset = offset / opt.min_bs * opt.min_bs;
		status = read_one(w->fd, w->buf, w->start + offset, bytes, true);
		if (opt.pause)
			usleep(opt.pause);
		if (status) {
			set_worst(status);
			if (!opt.expect_error || status == EXIT_DATA)
				atomic_store(&stop_now, true);
		}
	}
	return NULL;
}

int cmd_random(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);
	uint64_t size = device_bytes(fd);
	double since = now();

	(void)argc;
	if (!opt.length && opt.start < size)
		opt.length = size - opt.start;
	if (!opt.max_bs)
		opt.max_bs = 256 * 1024;
	if (!opt.length || opt.start % SECTOR || opt.length % SECTOR || opt.max_bs % SECTOR ||
	    opt.min_bs % SECTOR || !opt.min_bs || opt.max_bs < opt.min_bs || opt.max_bs > MAX_IO)
		die(EXIT_USAGE, "random: sizes in whole sectors, at most %u", MAX_IO);
	if (!opt.count && !opt.seconds)
		die(EXIT_USAGE, "random: --count or --seconds");
	/* SIGTERM ends the run and keeps its verdict */
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	deadline = since + opt.seconds;
	atomic_store(&reads_left, opt.count);
	run_workers(random_worker, fd, opt.start, opt.length, opt.max_bs, false);
	return summary(since);
}

static void *together_worker(void *arg)
{
	struct worker *w = arg;
	uint64_t bytes = w->length, offset = w->start;
	int status;

	if (opt.bs) {
		/* each reader another piece of the extent */
		offset += w->nr * opt.bs % w->length;
		bytes = opt.bs;
		if (offset + bytes > w->start + w->length)
			bytes = w->start + w->length - offset;
	}
	pthread_barrier_wait(w->barrier);
	status = read_one(w->fd, w->buf, offset, bytes, true);
	if (status)
		set_worst(status);
	return NULL;
}

int cmd_together(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);
	double since = now();
	int status;

	parse_extent(argc, argv, 1, device_bytes(fd));
	if (opt.length > MAX_IO || opt.bs > opt.length)
		die(EXIT_USAGE, "together: at most %u bytes, --bs within", MAX_IO);
	run_workers(together_worker, fd, opt.start, opt.length, opt.length, true);
	status = summary(since);
	/* all of them or none: an error must reach each reader */
	if (opt.expect_error && !status && failed_reads() != opt.threads)
		return EXIT_NO_ERROR;
	return status;
}

struct scribbler {
	volatile uint64_t *buf;
	size_t words;
	uint64_t random;
	atomic_bool stop;
};

static void *scribble_thread(void *arg)
{
	struct scribbler *s = arg;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint64_t r = next_random(&s->random);

		/* every 4 KiB of the buffer changes in each round */
		for (size_t i = r % 512; i < s->words; i += 512)
			s->buf[i] = r;
	}
	return NULL;
}

/* What a guest may do to its buffer while the device fills it. */
int cmd_scribble(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);
	struct scribbler s = { .random = opt.seed };
	double since = now();
	pthread_t thread;
	uint64_t pass, done, n;
	void *raw, *buf;

	parse_extent(argc, argv, 1, device_bytes(fd));
	if (!opt.bs)
		opt.bs = opt.length < MAX_IO ? opt.length : MIB;
	if (opt.bs > MAX_IO || opt.bs % SECTOR)
		die(EXIT_USAGE, "--bs: whole sectors, at most %u", MAX_IO);
	buf = buffer(opt.bs, opt.align_mem, &raw);
	s.buf = buf;
	s.words = opt.bs / 8;
	if (pthread_create(&thread, NULL, scribble_thread, &s))
		die(EXIT_OTHER, "pthread_create");
	for (pass = 0; pass < opt.passes && !worst_status(); pass++) {
		for (done = 0; done < opt.length; done += n) {
			int status;

			n = opt.length - done < opt.bs ? opt.length - done : opt.bs;
			status = read_one(fd, buf, opt.start + done, n, false);
			if (status) {
				set_worst(status);
				break;
			}
		}
	}
	atomic_store(&s.stop, true);
	pthread_join(thread, NULL);
	free(raw);
	return summary(since);
}
