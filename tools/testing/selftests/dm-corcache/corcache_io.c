// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_io - reads block devices with O_DIRECT and verifies every byte.
 *
 * The tool of the dm-corcache selftests and of the demo.  Every origin of a
 * test holds nbdkit's pattern: each 8 bytes are their own byte offset,
 * big-endian.  So a device of any size verifies itself, and a read that was
 * answered from the wrong place says where from.  --shift N expects the
 * pattern of offset + N, for origins with other content.
 *
 * Also changes and shows what stands on a cache device (flip, dump, super,
 * occupy), with the format code of the module itself, and counts what an NBD
 * server was asked for (nbdlog).
 *
 * Exit status: 0 fine; 1 wrong data; 2 a read failed; 3 an expected error did
 * not come; 64 usage; 70 something else went wrong.
 *
 * Threads share nothing but the options, which are read-only once they run,
 * and the atomic counters below.  All random numbers come from one seed,
 * which is printed; --seed repeats a run (its reads, not their interleaving).
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "corcache_disk.h"

#define SECTOR		512U
#define MIB		(1024U * 1024U)
#define MAX_IO		(16U * MIB)
#define MAX_THREADS	1024U

enum { EXIT_DATA = 1, EXIT_READ = 2, EXIT_NO_ERROR = 3, EXIT_USAGE = 64, EXIT_OTHER = 70 };

static struct {
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
	bool seed_given;
	bool expect_error;
	bool nowait;
	bool mmap;
	bool noflush;
	bool progress;
	bool buffered;
	bool trust;
} opt = {
	.align_mem = 4096, .threads = 1, .min_bs = SECTOR,
	.passes = 1, .per_size = 4, .block = 4096,
};

static atomic_bool stop_now;
static atomic_int worst;		/* highest priority exit status so far */
static atomic_uint_fast64_t total_reads, total_bytes, total_errors;
static atomic_uint_fast64_t total_again;	/* with --nowait: would have had to wait */

/* ---- small helpers ---- */

static void __attribute__((noreturn, format(printf, 2, 3)))
die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

/* Decimal, 0x hex, and the suffixes s (sectors), K, M, G, T. */
static uint64_t number(const char *word)
{
	uint64_t value, unit = 1;
	char *end;

	errno = 0;
	value = strtoull(word, &end, 0);
	if (end == word || *word == '-' || errno)
		die(EXIT_USAGE, "not a number: '%s'", word);
	switch (*end) {
	case 's': unit = SECTOR; end++; break;
	case 'K': unit = 1ULL << 10; end++; break;
	case 'M': unit = 1ULL << 20; end++; break;
	case 'G': unit = 1ULL << 30; end++; break;
	case 'T': unit = 1ULL << 40; end++; break;
	}
	if (*end || value > UINT64_MAX / unit)
		die(EXIT_USAGE, "not a number: '%s'", word);
	return value * unit;
}

/* splitmix64: any seed is a good seed, also 0 and neighbours. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t limit)
{
	return limit ? next_random(state) % limit : 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* A data mismatch is worse than a failed read; both are kept. */
static void set_worst(int status)
{
	int old = atomic_load(&worst);

	while (!old || (status == EXIT_DATA && old != EXIT_DATA))
		if (atomic_compare_exchange_weak(&worst, &old, status))
			break;
}

static void *grow(void *array, size_t nr, size_t *room, size_t each)
{
	if (nr < *room)
		return array;
	*room = *room ? 2 * *room : 1024;
	array = realloc(array, *room * each);
	if (!array)
		die(EXIT_OTHER, "no memory for %zu entries", *room);
	return array;
}

static int open_device(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	struct stat st;

	/* tmpfs before 6.6: a copy of a cache device in a file; never a device */
	if (fd < 0 && errno == EINVAL && !stat(path, &st) && S_ISREG(st.st_mode))
		fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		die(EXIT_OTHER, "%s: open: %s", path, strerror(errno));
	return fd;
}

static uint64_t device_bytes(int fd)
{
	struct stat st;
	uint64_t bytes;

	if (fstat(fd, &st))
		die(EXIT_OTHER, "fstat: %s", strerror(errno));
	if (S_ISREG(st.st_mode))
		return st.st_size;
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		die(EXIT_OTHER, "BLKGETSIZE64: %s", strerror(errno));
	return bytes;
}

/*
 * A buffer for O_DIRECT whose address is a multiple of @align and of no higher
 * power of two.  @raw receives what to free.
 */
static void *buffer(size_t bytes, size_t align, void **raw)
{
	if (align < SECTOR || (align & (align - 1)))
		die(EXIT_USAGE, "not an alignment: %zu", align);
	if (posix_memalign(raw, 2 * align, bytes + 2 * align))
		die(EXIT_OTHER, "no memory for %zu bytes", bytes);
	return (char *)*raw + align;
}

/* ---- the pattern ---- */

static void pattern_make(void *buf, uint64_t offset, size_t bytes)
{
	uint64_t *word = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		word[i] = htobe64(offset + opt.shift + i * 8);
}

static bool pattern_check(const void *buf, uint64_t offset, size_t bytes)
{
	const uint64_t *word = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++) {
		uint64_t want = offset + opt.shift + i * 8;

		if (word[i] == htobe64(want))
			continue;
		fprintf(stderr,
			"MISMATCH sector %" PRIu64 " byte %" PRIu64 " expected %016" PRIx64 " got %016" PRIx64
			" (read of %zu bytes at sector %" PRIu64 ")\n",
			(offset + i * 8) / SECTOR, offset + i * 8, want, be64toh(word[i]),
			bytes, offset / SECTOR);
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

/*
 * One read, continued if it comes back short; verified if @verify.  Returns
 * 0, EXIT_DATA or EXIT_READ and accounts for it.
 */
static int read_one(int fd, void *buf, uint64_t offset, size_t bytes, bool verify)
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

static int summary(double since)
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

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	unsigned int nr;
	int fd;
	uint64_t start, length;	/* bytes of the device to read in */
	uint64_t random;
	void *buf, *raw;
	pthread_barrier_t *barrier;
};

static void run_workers(void *(*fn)(void *), int fd, uint64_t start, uint64_t length,
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

static void on_signal(int sig)
{
	(void)sig;
	atomic_store(&stop_now, true);
}

/* ---- subcommands that read ---- */

static void parse_extent(int argc, char **argv, int first, uint64_t size)
{
	opt.start = argc > first ? number(argv[first]) : opt.start;
	opt.length = argc > first + 1 ? number(argv[first + 1]) : opt.length;
	if (!opt.length && opt.start < size)
		opt.length = size - opt.start;
	if (opt.start % SECTOR || opt.length % SECTOR || !opt.length)
		die(EXIT_USAGE, "extent: whole sectors and not empty");
}

static int cmd_stamp(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);
	void *raw, *buf = buffer(MIB, 4096, &raw);
	uint64_t done, n;

	parse_extent(argc, argv, 1, device_bytes(fd));
	for (done = 0; done < opt.length; done += n) {
		n = opt.length - done < MIB ? opt.length - done : MIB;
		pattern_make(buf, opt.start + done, n);
		if (pwrite(fd, buf, n, opt.start + done) != (ssize_t)n)
			die(EXIT_OTHER, "write at %" PRIu64 ": %s", opt.start + done, strerror(errno));
	}
	if (fsync(fd))
		die(EXIT_OTHER, "fsync: %s", strerror(errno));
	free(raw);
	close(fd);
	return 0;
}

/* The same through the page cache, by page faults; an error ends with SIGBUS. */
static int read_mapped(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), status;
	size_t past;
	char *map;

	if (fd < 0)
		die(EXIT_OTHER, "%s: open: %s", path, strerror(errno));
	past = opt.start % 4096;
	map = mmap(NULL, past + opt.length, PROT_READ, MAP_SHARED, fd, opt.start - past);
	if (map == MAP_FAILED)
		die(EXIT_OTHER, "%s: mmap: %s", path, strerror(errno));
	status = pattern_check(map + past, opt.start, opt.length) ? 0 : EXIT_DATA;
	munmap(map, past + opt.length);
	close(fd);
	return status;
}

static int cmd_read(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);
	double since = now();
	uint64_t done, n, pass;
	void *raw, *buf;

	parse_extent(argc, argv, 1, device_bytes(fd));
	if (opt.mmap)
		return read_mapped(argv[0]);
	if (!opt.bs)
		opt.bs = opt.length < MAX_IO ? opt.length : MIB;
	if (opt.bs > MAX_IO || opt.bs % SECTOR)
		die(EXIT_USAGE, "--bs: whole sectors, at most %u", MAX_IO);
	buf = buffer(opt.bs, opt.align_mem, &raw);
	for (pass = 0; pass < opt.passes; pass++) {
		for (done = 0; done < opt.length; done += n) {
			int status;

			n = opt.length - done < opt.bs ? opt.length - done : opt.bs;
			status = read_one(fd, buf, opt.start + done, n, true);
			if (status)
				set_worst(status);
			if (status == EXIT_DATA || (status && !opt.expect_error))
				return summary(since);
			/* with --expect-error each single read has to fail */
			if (opt.expect_error && !status) {
				fprintf(stderr, "no error at sector %" PRIu64 "\n",
					(opt.start + done) / SECTOR);
				summary(since);
				return EXIT_NO_ERROR;
			}
		}
	}
	free(raw);
	return summary(since);
}

/* A read of a sweep: so many bytes, so many sectors beyond a multiple of unit. */
struct piece {
	uint32_t bytes;
	uint32_t lead;
	uint32_t unit;
};

struct sweep {
	int fd;
	uint64_t length;	/* of the device */
	uint64_t random;
	uint64_t cold, mixed;	/* reads */
	uint8_t *touched;	/* blocks that were asked for */
	void *buf;
};

static void add_piece(struct piece **list, size_t *nr, size_t *room, struct piece p)
{
	if (p.bytes < opt.min_bs || (opt.max_bs && p.bytes > opt.max_bs))
		return;
	*list = grow(*list, *nr, room, sizeof(**list));
	(*list)[(*nr)++] = p;
}

/*
 * Every size from 1 to 17 sectors (two blocks and a bit) at every alignment
 * within 64 KiB; then around each power of two from 16 KiB to 4 MiB,
 * --per-size of the 64 ways to start and to end within a block of 4 KiB.
 */
static struct piece *sweep_pieces(size_t *nr, uint64_t *random)
{
	struct piece *list = NULL;
	size_t room = 0, i;
	uint32_t sectors, lead, way;

	*nr = 0;
	for (sectors = 1; sectors <= 17; sectors++)
		for (lead = 0; lead < 128; lead++)
			/* --per-size 1: every fourth, for slow machines */
			if (opt.per_size > 1 || (lead + sectors) % 4 == 0)
				add_piece(&list, nr, &room,
					  (struct piece){ sectors * SECTOR, lead, 128 });
	for (sectors = 32; sectors <= 8192; sectors *= 2) {
		/* 13 and 64 have no divisor in common: all ways, from anywhere */
		way = below(random, 64);
		for (i = 0; i < opt.per_size && i < 64; i++, way = (way + 13) % 64) {
			/* starts at way % 8, ends at way / 8 */
			uint32_t less = (way - way / 8) % 8;

			add_piece(&list, nr, &room, (struct piece){
				  (sectors - less) * SECTOR, way % 8, opt.block / SECTOR });
		}
	}
	for (i = *nr; i > 1; i--) {
		size_t other = below(random, i);
		struct piece p = list[other];

		list[other] = list[i - 1];
		list[i - 1] = p;
	}
	return list;
}

static bool sweep_untouched(const struct sweep *s, uint64_t offset, uint64_t bytes)
{
	uint64_t block, last = (offset + bytes - 1) / opt.block;

	for (block = offset / opt.block; block <= last; block++)
		if (s->touched[block])
			return false;
	return true;
}

/* A place whose blocks nobody has asked for yet, if there is one, else any. */
static uint64_t sweep_place(struct sweep *s, const struct piece *p)
{
	uint64_t lead = p->lead * SECTOR, unit = p->unit * SECTOR;
	uint64_t places, first, i;

	if (s->length < lead + p->bytes)
		return s->length - p->bytes;
	places = (s->length - lead - p->bytes) / unit + 1;
	first = below(&s->random, places);
	for (i = 0; i < places; i++) {
		uint64_t offset = (first + i) % places * unit + lead;

		if (sweep_untouched(s, offset, p->bytes))
			return offset;
	}
	return first * unit + lead;
}

static int sweep_read(struct sweep *s, uint64_t offset, uint64_t bytes)
{
	uint64_t block, last = (offset + bytes - 1) / opt.block;

	if (sweep_untouched(s, offset, bytes))
		s->cold++;
	else
		s->mixed++;
	for (block = offset / opt.block; block <= last; block++)
		s->touched[block] = 1;
	return read_one(s->fd, s->buf, offset, bytes, true);
}

static int sweep_all(struct sweep *s)
{
	struct piece *list;
	size_t nr, i;
	int status = 0;

	list = sweep_pieces(&nr, &s->random);
	for (i = 0; i < nr && !status; i++)
		if (list[i].bytes <= s->length)
			status = sweep_read(s, sweep_place(s, &list[i]), list[i].bytes);
	/* some of them once more, up to the very end of the device */
	for (i = 0; i < nr && i < 32 && !status; i++)
		if (list[i].bytes <= s->length)
			status = sweep_read(s, s->length - list[i].bytes, list[i].bytes);
	free(list);
	return status;
}

/*
 * Reads of all sizes at all alignments, in random order, those of --min-bs to
 * --max-bs; each of them, as long as the device is large enough, in blocks of
 * its own (of --block bytes), that is, cold if the device was.  The same seed
 * makes the same reads.  Says how many were of blocks that no other had asked
 * for, and how many bytes in blocks all of them together have asked for.
 */
static int cmd_sweep(int argc, char **argv)
{
	struct sweep s = { .fd = open_device(argv[0], O_RDONLY), .random = opt.seed };
	uint64_t block, blocks, distinct = 0;
	double since = now();
	void *raw;
	int status;

	(void)argc;
	s.length = device_bytes(s.fd);
	blocks = (s.length + opt.block - 1) / opt.block;
	s.touched = calloc(blocks, 1);
	if (!s.touched)
		die(EXIT_OTHER, "no memory for %" PRIu64 " blocks", blocks);
	s.buf = buffer(4 * MIB, opt.align_mem, &raw);
	status = sweep_all(&s);
	if (status)
		set_worst(status);
	for (block = 0; block < blocks; block++)
		if (s.touched[block])
			distinct += block == blocks - 1 ? s.length - block * opt.block : opt.block;
	printf("cold=%" PRIu64 " mixed=%" PRIu64 " distinct=%" PRIu64 "\n", s.cold, s.mixed, distinct);
	free(s.touched);
	free(raw);
	return summary(since);
}

static double deadline;
static atomic_uint_fast64_t reads_left;

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

static int cmd_random(int argc, char **argv)
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

static int cmd_together(int argc, char **argv)
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
	if (opt.expect_error && !status && atomic_load(&total_errors) != opt.threads)
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
static int cmd_scribble(int argc, char **argv)
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
	for (pass = 0; pass < opt.passes && !atomic_load(&worst); pass++) {
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

/* ---- replay ---- */

struct extent {
	uint64_t offset, length;
};

static int extent_cmp(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Sorts; returns the bytes of the union. */
static uint64_t distinct_bytes(struct extent *e, size_t nr)
{
	uint64_t sum = 0, end = 0;
	size_t i;

	qsort(e, nr, sizeof(*e), extent_cmp);
	for (i = 0; i < nr; i++) {
		uint64_t from = e[i].offset > end ? e[i].offset : end;
		uint64_t to = e[i].offset + e[i].length;

		if (to > from) {
			sum += to - from;
			end = to;
		}
	}
	return sum;
}

static void show_progress(size_t i, size_t nr, uint64_t bytes, double since, bool last)
{
	static int shown = -1;
	int percent = i * 100 / nr, bar = percent * 30 / 100;

	if (percent == shown && !last)
		return;
	shown = percent;
	fprintf(stderr, "\r  [%.*s%.*s] %3d %%  %zu reads, %.1f MB, %.1f s%s", bar,
		"##############################", 30 - bar, "..............................",
		percent, i, bytes / 1e6, now() - since, last ? "\n" : "");
	fflush(stderr);
}

static struct extent *load_trace(const char *path, size_t *nr)
{
	FILE *file = fopen(path, "r");
	struct extent *trace = NULL;
	size_t room = 0, line_nr = 0;
	char line[256];

	if (!file)
		die(EXIT_OTHER, "%s: %s", path, strerror(errno));
	for (*nr = 0; fgets(line, sizeof(line), file); (*nr)++) {
		uint64_t t_us, offset, length;

		if (++line_nr == 1 && line[0] == 't') {
			(*nr)--;
			continue;
		}
		if (sscanf(line, "%" SCNu64 ",%" SCNu64 ",%" SCNu64, &t_us, &offset, &length) != 3 ||
		    offset % SECTOR || length % SECTOR || !length || length > MAX_IO)
			die(EXIT_OTHER, "%s:%zu: not t_us,offset,length in whole sectors: %s",
			    path, line_nr, line);
		trace = grow(trace, *nr, &room, sizeof(*trace));
		trace[*nr] = (struct extent){ offset, length };
	}
	fclose(file);
	if (!*nr)
		die(EXIT_OTHER, "%s: no reads", path);
	return trace;
}

/* The same for all readers; the counts are of all of them together. */
static struct {
	const struct extent *trace;
	size_t nr;
	double since;
	atomic_uint_fast64_t bytes, errors, mismatches;
} replay;

/* With --trust the first reader verifies for all. */
static void *replay_worker(void *arg)
{
	struct worker *w = arg;
	bool verify = !w->nr || !opt.trust;
	uint64_t bytes = 0;
	size_t i;

	pthread_barrier_wait(w->barrier);
	for (i = 0; i < replay.nr; i++) {
		const struct extent *e = &replay.trace[i];
		int status = read_one(w->fd, w->buf, e->offset, e->length, verify);

		if (status == EXIT_READ)
			atomic_fetch_add(&replay.errors, 1);
		else if (status)
			atomic_fetch_add(&replay.mismatches, 1);
		else
			bytes += e->length;
		if (opt.progress && !w->nr)
			show_progress(i + 1, replay.nr, bytes, replay.since, i + 1 == replay.nr);
	}
	atomic_fetch_add(&replay.bytes, bytes);
	return NULL;
}

static int cmd_replay(int argc, char **argv)
{
	struct extent *trace;
	size_t nr, i, reads, largest = 0;
	uint64_t distinct, size, bytes, errors, mismatches;
	double seconds;
	int fd;

	if (argc < 2)
		die(EXIT_USAGE, "replay TRACE.csv DEV");
	trace = load_trace(argv[0], &nr);
	for (i = 0; i < nr; i++)
		largest = trace[i].length > largest ? trace[i].length : largest;
	fd = opt.buffered ? open(argv[1], O_RDONLY | O_CLOEXEC) : open_device(argv[1], O_RDONLY);
	if (fd < 0)
		die(EXIT_OTHER, "%s: open: %s", argv[1], strerror(errno));
	replay.trace = trace;
	replay.nr = nr;
	replay.since = now();
	run_workers(replay_worker, fd, 0, 0, largest, true);
	seconds = now() - replay.since;
	reads = nr * opt.threads;
	bytes = atomic_load(&replay.bytes);
	errors = atomic_load(&replay.errors);
	mismatches = atomic_load(&replay.mismatches);
	size = device_bytes(fd);
	for (i = 0; i < nr; i++) {
		uint64_t end = trace[i].offset + trace[i].length;

		trace[i].offset = trace[i].offset / opt.block * opt.block;
		end = (end + opt.block - 1) / opt.block * opt.block;
		trace[i].length = (end < size ? end : size) - trace[i].offset;
	}
	distinct = distinct_bytes(trace, nr);
	printf("reads=%zu bytes=%" PRIu64 " distinct_bytes=%" PRIu64 " seconds=%.3f errors=%" PRIu64 " mismatches=%" PRIu64 "\n",
	       reads, bytes, distinct, seconds, errors, mismatches);
	if (opt.json) {
		FILE *json = fopen(opt.json, "w");

		if (!json)
			die(EXIT_OTHER, "%s: %s", opt.json, strerror(errno));
		fprintf(json, "{\"reads\": %zu, \"bytes\": %" PRIu64 ", \"distinct_bytes\": %" PRIu64
			", \"block\": %" PRIu64 ", \"seconds\": %.6f, \"errors\": %" PRIu64 ", \"mismatches\": %" PRIu64 "}\n",
			reads, bytes, distinct, opt.block, seconds, errors, mismatches);
		if (fclose(json))
			die(EXIT_OTHER, "%s: %s", opt.json, strerror(errno));
	}
	free(trace);
	return mismatches ? EXIT_DATA : errors ? EXIT_READ : 0;
}

/* ---- what the server was asked for ---- */

/*
 * nbdkit's log filter, one line per request: "... Read id=3 offset=0x1000
 * count=0x2000 ...".  From byte --start of the file on (what `wc -c` gave at
 * an earlier time).  again: bytes that were read more than once.
 */
static int cmd_nbdlog(int argc, char **argv)
{
	FILE *file = fopen(argv[0], "r");
	struct extent *e = NULL;
	size_t nr = 0, room = 0, i;
	uint64_t bytes = 0, distinct, largest = 0;
	char line[4096];

	(void)argc;
	if (!file || fseek(file, opt.start, SEEK_SET))
		die(EXIT_OTHER, "%s: %s", argv[0], strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		const char *read = strstr(line, " Read id="), *offset, *count;

		if (!read)
			continue;
		offset = strstr(read, " offset=");
		count = strstr(read, " count=");
		if (!offset || !count)
			continue;
		e = grow(e, nr, &room, sizeof(*e));
		e[nr].offset = strtoull(offset + 8, NULL, 0);
		e[nr].length = strtoull(count + 7, NULL, 0);
		bytes += e[nr].length;
		largest = e[nr].length > largest ? e[nr].length : largest;
		nr++;
	}
	fclose(file);
	if (opt.progress)
		for (i = 0; i < nr; i++)
			printf("%" PRIu64 " %" PRIu64 "\n", e[i].offset, e[i].length);
	distinct = distinct_bytes(e, nr);
	printf("reads=%zu bytes=%" PRIu64 " distinct=%" PRIu64 " again=%" PRIu64 " largest=%" PRIu64 "\n",
	       nr, bytes, distinct, bytes - distinct, largest);
	free(e);
	return 0;
}

/* ---- cache devices ---- */

/* A fingerprint of a device or a part of it, to see that nothing changed. */
static int cmd_hash(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);
	uint64_t hash = 0xcbf29ce484222325ULL, done, n;
	void *raw, *buf = buffer(MIB, 4096, &raw);

	parse_extent(argc, argv, 1, device_bytes(fd));
	for (done = 0; done < opt.length; done += n) {
		const uint64_t *word = buf;

		n = opt.length - done < MIB ? opt.length - done : MIB;
		if (pread(fd, buf, n, opt.start + done) != (ssize_t)n)
			die(EXIT_READ, "read at %" PRIu64 ": %s", opt.start + done, strerror(errno));
		for (size_t i = 0; i < n / 8; i++)
			hash = (hash ^ word[i] ^ (word[i] >> 29)) * 0x100000001b3ULL;
	}
	printf("%016" PRIx64 "\n", hash);
	free(raw);
	return 0;
}

static int cmd_flip(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);
	void *raw;
	unsigned char *buf = buffer(4096, 4096, &raw);
	uint64_t byte, bit, base;
	uint64_t unit;

	if (argc < 3)
		die(EXIT_USAGE, "flip DEV BYTEOFFSET BIT");
	byte = number(argv[1]);
	bit = number(argv[2]);
	if (bit > 7)
		die(EXIT_USAGE, "bit: 0 to 7");
	/* 4096 suits any sector size, but the device may end within */
	base = byte / 4096 * 4096;
	unit = device_bytes(fd) - base < 4096 ? SECTOR : 4096;
	base = byte / unit * unit;
	if (pread(fd, buf, unit, base) != (ssize_t)unit)
		die(EXIT_READ, "read at %" PRIu64 ": %s", base, strerror(errno));
	buf[byte - base] ^= 1U << bit;
	if (pwrite(fd, buf, unit, base) != (ssize_t)unit)
		die(EXIT_OTHER, "write at %" PRIu64 ": %s", base, strerror(errno));
	if (fsync(fd))
		die(EXIT_OTHER, "fsync: %s", strerror(errno));
	free(raw);
	return 0;
}

static int cmd_dump(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDONLY);

	(void)argc;
	return corcache_disk_dump(fd, device_bytes(fd) / SECTOR) ? EXIT_DATA : 0;
}

/* super DEV main|backup|both FIELD VALUE: change a field, make the CRC fit */
static int cmd_super(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);

	if (argc < 4)
		die(EXIT_USAGE, "super DEV main|backup|both FIELD VALUE");
	return corcache_disk_poke(fd, device_bytes(fd) / SECTOR, argv[1], argv[2], argv[3]) ?
		EXIT_OTHER : 0;
}

/* occupy DEV MASK: all slots of a formatted cache hold regions, of which those blocks are valid */
static int cmd_occupy(int argc, char **argv)
{
	int fd = open_device(argv[0], O_RDWR);

	if (argc < 2)
		die(EXIT_USAGE, "occupy DEV MASK");
	return corcache_disk_occupy(fd, device_bytes(fd) / SECTOR, strtoull(argv[1], NULL, 0)) ?
		EXIT_OTHER : 0;
}

/* ---- suspend ---- */

static void interrupt(int sig)
{
	(void)sig;
}

/* A signal in so many microseconds, which ends a system call early. */
static void arm_interrupt(uint64_t us)
{
	struct sigaction act = { .sa_handler = interrupt };	/* no SA_RESTART */
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec when = { .it_value = { us / 1000000, us % 1000000 * 1000 } };
	timer_t timer;

	if (sigaction(SIGALRM, &act, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &when, NULL))
		die(EXIT_OTHER, "timer: %s", strerror(errno));
}

/*
 * What `dmsetup suspend --nolockfs` does, with a signal that arrives so many
 * microseconds after device-mapper was called (--after), and not before; and
 * with the time that device-mapper took, without that of starting a program.
 */
static int cmd_suspend(int argc, char **argv)
{
	struct dm_ioctl dmi = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(dmi),
		.flags = DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | (opt.noflush ? DM_NOFLUSH_FLAG : 0),
	};
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), r, error;
	double since;

	(void)argc;
	if (fd < 0)
		die(EXIT_OTHER, "/dev/mapper/control: %s", strerror(errno));
	snprintf(dmi.name, sizeof(dmi.name), "%s", argv[0]);
	since = now();
	if (opt.after)
		arm_interrupt(opt.after);
	r = ioctl(fd, DM_DEV_SUSPEND, &dmi);
	error = errno;
	if (r && error != EINTR)
		die(EXIT_OTHER, "suspend of %s: %s", argv[0], strerror(error));
	printf("%s ms=%.0f\n", r ? "interrupted" : "suspended", (now() - since) * 1e3);
	close(fd);
	return 0;
}

/* ---- timed ---- */

static void put_target(struct dm_ioctl *dmi, const char *type, uint64_t sectors, const char *params)
{
	struct dm_target_spec *spec = (void *)(dmi + 1);

	spec->length = sectors;
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", type);
	strcpy((char *)(spec + 1), params);
	dmi->target_count = 1;
	dmi->flags |= DM_READONLY_FLAG;
}

/* Returns the request that the words stand for, with what belongs to it in @dmi. */
static unsigned long put_request(struct dm_ioctl *dmi, size_t room, int argc, char **argv)
{
	struct dm_target_msg *msg = (void *)(dmi + 1);
	const char *verb = argv[1], *text = argc > 2 ? argv[argc - 1] : "";

	if (strlen(text) >= room)
		die(EXIT_USAGE, "too long: %s", text);
	if (argc == 2 && !strcmp(verb, "resume"))
		return DM_DEV_SUSPEND;
	if (argc == 2 && !strcmp(verb, "remove"))
		return DM_DEV_REMOVE;
	if (argc == 3 && !strcmp(verb, "message")) {
		strcpy(msg->message, text);
		return DM_TARGET_MSG;
	}
	if (argc != 5 || strcmp(verb, "load"))
		die(EXIT_USAGE, "timed NAME resume|remove|message WORDS|load TYPE SECTORS PARAMETERS");
	put_target(dmi, argv[2], number(argv[3]), text);
	return DM_TABLE_LOAD;
}

/*
 * What dmsetup does, with the time that device-mapper took for it, without that
 * of starting a program.
 */
static int cmd_timed(int argc, char **argv)
{
	static union {
		struct dm_ioctl dmi;
		char bytes[16384];
	} u;
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	unsigned long request;
	double since;

	if (fd < 0)
		die(EXIT_OTHER, "/dev/mapper/control: %s", strerror(errno));
	if (argc < 2)
		die(EXIT_USAGE, "timed NAME what");
	u.dmi.version[0] = DM_VERSION_MAJOR;
	u.dmi.data_size = sizeof(u);
	u.dmi.data_start = sizeof(u.dmi);
	snprintf(u.dmi.name, sizeof(u.dmi.name), "%s", argv[0]);
	request = put_request(&u.dmi, sizeof(u) - sizeof(u.dmi) - sizeof(struct dm_target_spec),
			      argc, argv);
	since = now();
	if (ioctl(fd, request, &u))
		die(EXIT_OTHER, "%s of %s: %s", argv[1], argv[0], strerror(errno));
	printf("us=%.0f\n", (now() - since) * 1e6);
	close(fd);
	return 0;
}

/* ---- main ---- */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;
	bool seeded;
} commands[] = {
	{ "stamp", cmd_stamp, "DEV [OFF LEN]", false },
	{ "read", cmd_read, "DEV [OFF LEN] [--bs N] [--align-mem N] [--passes N] [--expect-error] [--nowait] [--mmap]", false },
	{ "sweep", cmd_sweep, "DEV [--per-size N] [--min-bs N] [--max-bs N] [--block N] [--align-mem N]", true },
	{ "random", cmd_random, "DEV --count N|--seconds N [--threads N] [--min-bs N] [--max-bs N] [--start OFF] [--length LEN] [--pause US]", true },
	{ "together", cmd_together, "DEV OFF LEN [--threads N] [--bs N] [--expect-error]", false },
	{ "scribble", cmd_scribble, "DEV OFF LEN [--bs N] [--passes N]", true },
	{ "replay", cmd_replay, "TRACE.csv DEV [--threads N] [--buffered] [--trust] [--progress] [--json FILE] [--block N]", false },
	{ "nbdlog", cmd_nbdlog, "LOGFILE [--start BYTE] [--progress]", false },
	{ "hash", cmd_hash, "DEV [OFF LEN]", false },
	{ "flip", cmd_flip, "DEV BYTEOFFSET BIT", false },
	{ "dump", cmd_dump, "DEV", false },
	{ "super", cmd_super, "DEV main|backup|both FIELD VALUE", false },
	{ "occupy", cmd_occupy, "DEV MASK", false },
	{ "suspend", cmd_suspend, "NAME [--noflush] [--after US]", false },
	{ "timed", cmd_timed, "NAME resume|remove|message WORDS|load TYPE SECTORS PARAMETERS", false },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void __attribute__((noreturn)) usage(void)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(stderr, "%s corcache_io %s %s\n", i ? "      " : "usage:",
			commands[i].name, commands[i].args);
	fprintf(stderr, "numbers: decimal, 0x..., suffix s (sectors) K M G T; all commands: --shift N --seed N\n");
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	enum { O_BS = 256, O_ALIGN, O_SHIFT, O_SEED, O_COUNT, O_SECONDS, O_THREADS, O_MAX, O_MIN,
	       O_START, O_LENGTH, O_PASSES, O_PER_SIZE, O_BLOCK, O_PAUSE, O_AFTER, O_JSON, O_EXPECT,
	       O_NOWAIT, O_MMAP, O_NOFLUSH, O_PROGRESS, O_BUFFERED, O_TRUST };
	static const struct option options[] = {
		{ "bs", 1, NULL, O_BS }, { "align-mem", 1, NULL, O_ALIGN },
		{ "shift", 1, NULL, O_SHIFT }, { "seed", 1, NULL, O_SEED },
		{ "count", 1, NULL, O_COUNT }, { "seconds", 1, NULL, O_SECONDS },
		{ "threads", 1, NULL, O_THREADS }, { "max-bs", 1, NULL, O_MAX },
		{ "min-bs", 1, NULL, O_MIN }, { "start", 1, NULL, O_START },
		{ "length", 1, NULL, O_LENGTH }, { "passes", 1, NULL, O_PASSES },
		{ "per-size", 1, NULL, O_PER_SIZE }, { "block", 1, NULL, O_BLOCK },
		{ "pause", 1, NULL, O_PAUSE }, { "after", 1, NULL, O_AFTER },
		{ "json", 1, NULL, O_JSON }, { "expect-error", 0, NULL, O_EXPECT },
		{ "nowait", 0, NULL, O_NOWAIT },
		{ "mmap", 0, NULL, O_MMAP }, { "noflush", 0, NULL, O_NOFLUSH }, { "progress", 0, NULL, O_PROGRESS },
		{ "buffered", 0, NULL, O_BUFFERED }, { "trust", 0, NULL, O_TRUST },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case O_BS: opt.bs = number(optarg); break;
		case O_ALIGN: opt.align_mem = number(optarg); break;
		case O_SHIFT: opt.shift = number(optarg); break;
		case O_SEED: opt.seed = number(optarg); opt.seed_given = true; break;
		case O_COUNT: opt.count = number(optarg); break;
		case O_SECONDS: opt.seconds = number(optarg); break;
		case O_THREADS: opt.threads = number(optarg); break;
		case O_MAX: opt.max_bs = number(optarg); break;
		case O_MIN: opt.min_bs = number(optarg); break;
		case O_START: opt.start = number(optarg); break;
		case O_LENGTH: opt.length = number(optarg); break;
		case O_PASSES: opt.passes = number(optarg); break;
		case O_PER_SIZE: opt.per_size = number(optarg); break;
		case O_BLOCK: opt.block = number(optarg); break;
		case O_PAUSE: opt.pause = number(optarg); break;
		case O_AFTER: opt.after = number(optarg); break;
		case O_MMAP: opt.mmap = true; break;
		case O_NOFLUSH: opt.noflush = true; break;
		case O_JSON: opt.json = optarg; break;
		case O_EXPECT: opt.expect_error = true; break;
		case O_NOWAIT: opt.nowait = true; break;
		case O_PROGRESS: opt.progress = true; break;
		case O_BUFFERED: opt.buffered = true; break;
		case O_TRUST: opt.trust = true; break;
		default: usage();
		}
	}
	if (argc - optind < 2 || !opt.block || opt.block % SECTOR)
		usage();
	if (!opt.seed_given) {
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		opt.seed = (uint64_t)ts.tv_sec * 1000003 ^ ts.tv_nsec ^ getpid();
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[optind], commands[i].name))
			continue;
		if (commands[i].seeded)
			printf("seed=%" PRIu64 "\n", opt.seed);
		fflush(stdout);
		return commands[i].run(argc - optind - 1, argv + optind + 1);
	}
	usage();
}
