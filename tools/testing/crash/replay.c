// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash replay: activates the cache in one state after the other,
 * reads everything, and counts what must not be:
 *
 *   unreadable	activations that failed, and reads that failed with the origin there
 *   wrong	bytes that are not the origin's
 *   cold	blocks that were durable, by the journal, and are no hits
 *   corrupt	checksum errors: in no state may the table speak of data that is
 *		not durable, so these can only be torn table sectors, which there
 *		are none of: a sector is the smallest unit that is torn
 *
 * Where an old copy of a superblock was in the way of formatting, the first
 * superblock has rotted in half of the first states: it may be missed, but the
 * old copy must not speak for it.
 *
 * A state is read twice: with nothing but errors behind the cache, where what
 * can be read are the hits; and with the origin.  After some of them the cache
 * goes on: it is filled, committed and activated again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crash.h"
#include "dm.h"
#include "state.h"

#define CC	"crash-state"
#define AWAY	"crash-away"
#define GO_ON_EVERY	8
#define HIT_BLOCKS	16U
#define ROT_WINDOWS	6U

struct counts {
	unsigned int states, wrong, cold, unreadable, corrupt;
	unsigned long hits, must;
};

struct player {
	const struct devices *dev;
	struct history history;
	struct setup setup;
	uint8_t *scratch;	/* the scratch file, mapped */
	uint8_t *buf;		/* for all of the origin */
	struct counts counts;
	char name[128];		/* of the state, for messages */
};

static void __attribute__((format(printf, 3, 4)))
found(struct player *p, unsigned int *count, const char *fmt, ...)
{
	va_list ap;

	/* a fault shows in thousands of blocks */
	if (++*count > 10)
		return;
	printf("FOUND in %s: ", p->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- one activation ---- */

static int activate(struct player *p, const char *origin, bool reload)
{
	char params[1024];
	int r;

	table_params(params, sizeof(params), &p->setup, p->dev->scratch, origin);
	if (reload)
		r = dm_swap(CC, DM_READONLY, ORIGIN_SECTORS, "corcache", params);
	else
		r = dm_create(CC, DM_READONLY, ORIGIN_SECTORS, "corcache", params);
	if (r)
		found(p, &p->counts.unreadable, "activation failed: %s", dm_error());
	return r;
}

static int open_cache(struct player *p)
{
	int fd = dm_open(CC);

	if (fd < 0)
		die("%s: cannot open " CC ": %m", p->name);
	return fd;
}

static void check_bytes(struct player *p, const void *buf, uint64_t offset, size_t bytes)
{
	int64_t bad = pattern_check(buf, offset, bytes);

	if (bad >= 0)
		found(p, &p->counts.wrong, "wrong byte %" PRId64 " (block %" PRId64 ")", bad,
		      bad / (BLOCK_SECTORS * SECTOR));
}

/* A piece that cannot be read is read in halves, down to a block. */
static void read_hits_of(struct player *p, int fd, struct blocks *hits, unsigned int first,
			 unsigned int nr)
{
	size_t bytes = (nr - 1) * BLOCK_SECTORS * SECTOR + block_bytes(first + nr - 1);
	uint64_t offset = (uint64_t)first * BLOCK_SECTORS * SECTOR;
	ssize_t n = pread(fd, p->buf, bytes, offset);
	unsigned int i;

	if (n < 0 && errno != EIO)
		die("%s: block %u: %m", p->name, first);
	if (n < 0 && nr > 1) {
		read_hits_of(p, fd, hits, first, nr / 2);
		read_hits_of(p, fd, hits, first + nr / 2, nr - nr / 2);
		return;
	}
	for (i = 0; i < nr; i++)
		block_set(hits, first + i, n >= 0);
	if (n >= 0)
		check_bytes(p, p->buf, offset, n);
}

static void read_hits(struct player *p, struct blocks *hits)
{
	int fd = open_cache(p);
	unsigned int i;

	for (i = 0; i < BLOCKS; i += HIT_BLOCKS)
		read_hits_of(p, fd, hits, i, BLOCKS - i < HIT_BLOCKS ? BLOCKS - i : HIT_BLOCKS);
	close(fd);
}

static void read_all(struct player *p)
{
	const size_t piece = 64 << 10, all = ORIGIN_SECTORS * SECTOR;
	int fd = open_cache(p);
	size_t at, n;

	for (at = 0; at < all; at += n) {
		n = all - at < piece ? all - at : piece;
		if (pread(fd, p->buf, n, at) != (ssize_t)n)
			found(p, &p->counts.unreadable, "cannot read %zu bytes at %zu: %m", n, at);
		else
			check_bytes(p, p->buf, at, n);
	}
	close(fd);
}

static void check_errors(struct player *p)
{
	uint64_t n = status_of(CC, "checksum_errors");

	if (n)
		found(p, &p->counts.corrupt, "%" PRIu64 " checksum errors", n);
}

static void check_hits(struct player *p, const struct blocks *must, const struct blocks *hits)
{
	unsigned int i;

	for (i = 0; i < BLOCKS; i++)
		if (block_test(must, i) && !block_test(hits, i))
			found(p, &p->counts.cold, "block %u was durable and is cold", i);
	p->counts.hits += blocks_count(hits);
	p->counts.must += blocks_count(must);
}

/* What a cache that was in use since the crash holds, a commit later.  Return: is there still a device? */
static bool go_on(struct player *p)
{
	struct blocks hits = { };
	uint64_t valid;

	if (dm_message(CC, "commit")) {
		/* what is cached is not what the origin holds */
		if (!gave_up(CC))
			die("%s: commit: %s", p->name, dm_error());
		found(p, &p->counts.wrong, "the cache is bypassed");
		return true;
	}
	valid = status_of(CC, "valid");
	if (dm_remove(CC))
		die("%s: %s", p->name, dm_error());
	if (activate(p, "/dev/mapper/" AWAY, false)) {
		dm_remove(CC);
		return false;
	}
	read_hits(p, &hits);
	check_errors(p);
	if (blocks_count(&hits) < valid)
		found(p, &p->counts.cold, "%u blocks are hits, %" PRIu64 " were committed",
		      blocks_count(&hits), valid);
	return true;
}

static bool is_zero(const uint8_t *buf, size_t bytes)
{
	return !buf[0] && !memcmp(buf, buf + 1, bytes - 1);
}

/* Return: must the device be refused now? */
static bool rot_super(struct player *p, unsigned int window)
{
	uint64_t random = p->counts.states;

	if (p->setup.start != WIPED || window >= ROT_WINDOWS || p->counts.states % 2 ||
	    is_zero(p->scratch, SECTOR))
		return false;
	p->scratch[below(&random, SECTOR)] ^= 1 << below(&random, 8);
	return is_zero(p->scratch + CACHE_BYTES - 4096, 4096);
}

static void play_refused(struct player *p)
{
	char params[1024];

	table_params(params, sizeof(params), &p->setup, p->dev->scratch, "/dev/mapper/" AWAY);
	if (!dm_create(CC, DM_READONLY, ORIGIN_SECTORS, "corcache", params))
		found(p, &p->counts.wrong, "activated without a superblock");
	dm_remove(CC);
}

static void play(struct player *p, const struct state *s)
{
	struct blocks hits = { };

	memcpy(p->scratch, s->image, CACHE_BYTES);
	if (rot_super(p, s->window)) {
		play_refused(p);
		return;
	}
	if (activate(p, "/dev/mapper/" AWAY, false)) {
		dm_remove(CC);
		return;
	}
	read_hits(p, &hits);
	check_hits(p, &s->must, &hits);
	check_errors(p);
	if (!activate(p, p->dev->origin, true)) {
		read_all(p);
		if (!(p->counts.states % GO_ON_EVERY) && !go_on(p))
			return;
	}
	if (dm_remove(CC))
		die("%s: remove: %s", p->name, dm_error());
}

/* ---- all of them ---- */

/*
 * Each window has its exact state; the rest of @states falls evenly on the
 * windows, so that a window with many writes gets no less than another.
 */
static unsigned int states_of(const struct history *h, unsigned int states, unsigned int window)
{
	unsigned int extra = states > h->nr_windows ? states - h->nr_windows : 0;

	return 1 + extra / h->nr_windows + (window < extra % h->nr_windows);
}

static void play_windows(struct player *p, uint64_t seed, unsigned int states, long only)
{
	struct state s = { .image = zalloc(CACHE_BYTES) };
	unsigned int i, n;
	long number = 0;

	for (s.window = 0; s.window < p->history.nr_windows; s.window++) {
		history_advance(&p->history, s.window);
		n = states_of(&p->history, states, s.window);
		for (i = 0; i < n; i++, number++) {
			uint64_t random = seed * 1000003 + number;

			s.kind = i ? 1 + below(&random, STATE_KINDS - 1) : EXACT;
			if (only >= 0 && number != only)
				continue;
			state_make(&p->history, &s, random);
			snprintf(p->name, sizeof(p->name),
				 "state %ld (window %u, %s, %u writes of %zu entries)", number,
				 s.window, state_names[s.kind], s.applied, s.reached);
			still_alive("replay", p->counts.states);
			play(p, &s);
			p->counts.states++;
		}
	}
	free(s.image);
}

static uint8_t *map_scratch(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		die("%s: %m", path);
	p = mmap(NULL, CACHE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("%s: mmap: %m", path);
	close(fd);
	return p;
}

static unsigned int count_discards(const struct log *log)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < log->nr; i++)
		nr += !!(log->entry[i].flags & LOG_DISCARD);
	return nr;
}

int replay(const struct devices *dev, uint64_t seed, unsigned int states, long only)
{
	struct player p = { .dev = dev };
	struct counts *c = &p.counts;
	double since = now();

	load_setup(dev->dir, &p.setup);
	/* what was durable is to be found: nothing may be replaced before it is */
	p.setup.adaptive = false;
	history_load(&p.history, dev);
	p.scratch = map_scratch(dev->scratch_file);
	p.buf = zalloc(1 << 20);
	if (dm_create(AWAY, DM_READONLY, ORIGIN_SECTORS, "error", ""))
		die("replay: " AWAY ": %s", dm_error());
	play_windows(&p, seed, states, only);
	if (dm_remove(AWAY))
		die("replay: remove: %s", dm_error());
	printf("replayed: states=%u wrong=%u cold=%u unreadable=%u corrupt=%u"
	       " windows=%u entries=%zu discards=%u hits=%lu must=%lu region=%u checksums=%u discard=%u start=%s seconds=%.1f\n",
	       c->states, c->wrong, c->cold, c->unreadable, c->corrupt, p.history.nr_windows,
	       p.history.log.nr, count_discards(&p.history.log), c->hits, c->must, p.setup.region, p.setup.checksums,
	       p.setup.discard, start_names[p.setup.start], now() - since);
	munmap(p.scratch, CACHE_BYTES);
	history_free(&p.history);
	free(p.buf);
	return c->wrong || c->cold || c->unreadable || c->corrupt;
}
