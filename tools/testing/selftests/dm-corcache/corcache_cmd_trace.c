// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands of corcache_io about lists of extents: replay reads those of a
 * trace, nbdlog counts those that an NBD server was asked for.
 *
 * Owns the extent, how traces and logs are parsed to extents, and how many bytes
 * extents cover together.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corcache_cmd.h"
#include "corcache_io.h"
#include "corcache_target.h"
#include "corcache_util.h"
#include "corcache_verify.h"

#define SETTLE_SECONDS	30

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
		if (sscanf(line, "%" SCNu64 ",%" SCNu64 ",%" SCNu64,
			   &t_us, &offset, &length) != 3 ||
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

/* What follows from a read has happened, and is on the cache device. */
static void finish_step(const char *name)
{
	target_settle(name, SETTLE_SECONDS);
	target_message(name, "commit");
}

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
		if (opt.stepwise)
			finish_step(opt.stepwise);
		if (opt.progress && !w->nr)
			show_progress(i + 1, replay.nr, bytes, replay.since, i + 1 == replay.nr);
	}
	atomic_fetch_add(&replay.bytes, bytes);
	return NULL;
}

int cmd_replay(int argc, char **argv)
{
	struct extent *trace;
	size_t nr, i, reads, largest = 0;
	uint64_t distinct, size, bytes, errors, mismatches;
	double seconds;
	int fd;

	(void)argc;
	if (opt.stepwise && opt.threads != 1)
		die(EXIT_USAGE, "--stepwise is for one reader, not for %" PRIu64, opt.threads);
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
	printf("reads=%zu bytes=%" PRIu64 " distinct_bytes=%" PRIu64 " seconds=%.3f errors=%" PRIu64
	       " mismatches=%" PRIu64 "\n",
	       reads, bytes, distinct, seconds, errors, mismatches);
	if (opt.json) {
		FILE *json = fopen(opt.json, "w");

		if (!json)
			die(EXIT_OTHER, "%s: %s", opt.json, strerror(errno));
		fprintf(json,
			"{\"reads\": %zu, \"bytes\": %" PRIu64 ", \"distinct_bytes\": %" PRIu64
			", \"block\": %" PRIu64 ", \"seconds\": %.6f, \"errors\": %" PRIu64
			", \"mismatches\": %" PRIu64 "}\n",
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
int cmd_nbdlog(int argc, char **argv)
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
	printf("reads=%zu bytes=%" PRIu64 " distinct=%" PRIu64 " again=%" PRIu64 " largest=%" PRIu64
	       "\n",
	       nr, bytes, distinct, bytes - distinct, largest);
	free(e);
	return 0;
}
