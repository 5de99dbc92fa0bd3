// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash record: a busy run over a cache device that stands on
 * dm-log-writes.
 *
 * Readers, each a thread, read anything and verify it; this thread controls:
 * evictions, which let slots be used again, quota changes, commits, reloads, and
 * errors of the device, after which the cache becomes active again.
 * Readers pause while it finds out what the cache holds: with nothing but
 * errors behind the cache, what can be read is in it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash.h"
#include "dm.h"
#include "journal.h"

#define READERS		5
#define CC		"crash-cc"
#define LOGGED		"crash-log"
#define BELOW		"crash-below"
#define REMOTE		"crash-origin"
#define MOST_BLOCKS	32U

struct recorder {
	const struct devices *dev;
	struct setup setup;
	struct journal journal;
	uint64_t random;
	int fd;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool failing;		/* the device errs now and then */
	unsigned int reading;	/* readers with a read under way */
	bool pause, stop;
};

struct reader {
	struct recorder *r;
	uint64_t random;
};

/* Something is wrong before any crash. */
static void __attribute__((noreturn, format(printf, 1, 2))) wrong_before_crash(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(1);
}

/* ---- devices ---- */

static void need(int r, const char *what)
{
	if (r)
		die("record: %s: %s", what, dm_error());
}

static void remote_table(struct recorder *r, bool up, bool create)
{
	char params[256];

	snprintf(params, sizeof(params), "%s 0", r->dev->origin);
	if (create)
		need(dm_create(REMOTE, DM_READONLY, ORIGIN_SECTORS, "linear", params), "origin");
	else
		need(dm_swap(REMOTE, DM_READONLY | DM_NOFLUSH, ORIGIN_SECTORS,
			     up ? "linear" : "error", up ? params : ""), "origin");
}

/* What the cache stands on: all of the logged device, or errors. */
static void below_table(const char *target, bool create)
{
	char params[256];

	snprintf(params, sizeof(params), !strcmp(target, "error") ? "" :
		 !strcmp(target, "flakey") ? "/dev/mapper/" LOGGED " 0 0 60 1 error_writes" :
					     "/dev/mapper/" LOGGED " 0");
	if (create)
		need(dm_create(BELOW, 0, CACHE_BYTES / SECTOR, target, params), "below");
	else
		need(dm_swap(BELOW, DM_NOFLUSH, CACHE_BYTES / SECTOR, target, params), "below");
}

static void params_on(struct recorder *r, char *params, size_t len, const char *cache)
{
	table_params(params, len, &r->setup, cache, "/dev/mapper/" REMOTE);
}

static void message(const char *text)
{
	if (dm_message(CC, text))
		die("record: message '%s': %s", text, dm_error());
}

static void mark(unsigned int nr)
{
	char text[32];

	snprintf(text, sizeof(text), "mark %u", nr);
	need(dm_message(LOGGED, text), "mark");
}

/* ---- readers ---- */

static void read_some(struct reader *reader, void *buf)
{
	unsigned int block = below(&reader->random, BLOCKS);
	unsigned int nr = 1 + below(&reader->random, MOST_BLOCKS);
	size_t offset = (size_t)block * BLOCK_SECTORS * SECTOR;
	size_t bytes = (size_t)nr * BLOCK_SECTORS * SECTOR, all = ORIGIN_SECTORS * SECTOR;

	if (bytes > all - offset)
		bytes = all - offset;
	if (pread(reader->r->fd, buf, bytes, offset) != (ssize_t)bytes)
		die("record: a reader got an error at byte %zu: %m", offset);
	if (pattern_check(buf, offset, bytes) >= 0)
		wrong_before_crash("record: a reader got wrong bytes, read at byte %zu", offset);
}

static bool may_read(struct recorder *r)
{
	bool go;

	pthread_mutex_lock(&r->lock);
	while (r->pause && !r->stop)
		pthread_cond_wait(&r->cond, &r->lock);
	go = !r->stop;
	r->reading += go;
	pthread_mutex_unlock(&r->lock);
	return go;
}

static void *read_on(void *arg)
{
	struct reader *reader = arg;
	struct recorder *r = reader->r;
	void *buf = zalloc(MOST_BLOCKS * BLOCK_SECTORS * SECTOR);

	while (may_read(r)) {
		read_some(reader, buf);
		pthread_mutex_lock(&r->lock);
		r->reading--;
		pthread_cond_broadcast(&r->cond);
		pthread_mutex_unlock(&r->lock);
		if (!below(&reader->random, 4))
			usleep(below(&reader->random, 3000));
	}
	free(buf);
	return NULL;
}

static void pause_readers(struct recorder *r, bool pause)
{
	pthread_mutex_lock(&r->lock);
	r->pause = pause;
	pthread_cond_broadcast(&r->cond);
	while (pause && r->reading)
		pthread_cond_wait(&r->cond, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

/* ---- control ---- */

/*
 * Nobody reads: until all that was read is on the cache device, or not inserted. What
 * a reader was given is given to the next one until then, cached or not.
 */
static void settle(void)
{
	while (status_of(CC, "transfers"))
		usleep(1000);
}

static void check_quota(const struct recorder *r, const struct blocks *found)
{
	unsigned int block, regions = 0, last = BLOCKS;

	for (block = 0; block < BLOCKS; block++) {
		unsigned int region = block * BLOCK_SECTORS / r->setup.region;

		if (block_test(found, block) && region != last) {
			regions++;
			last = region;
		}
	}
	if (regions > r->setup.quota / r->setup.region)
		wrong_before_crash("record: %u regions are hits, with a quota of %u sectors, %u a region",
				   regions, r->setup.quota, r->setup.region);
}

static void probe(struct recorder *r, struct blocks *found)
{
	void *buf = zalloc(BLOCK_SECTORS * SECTOR);
	unsigned int i;

	remote_table(r, false, false);
	for (i = 0; i < BLOCKS; i++) {
		off_t offset = (off_t)i * BLOCK_SECTORS * SECTOR;
		ssize_t n = pread(r->fd, buf, block_bytes(i), offset);

		if (n < 0 && errno != EIO)
			die("record: block %u: %m", i);
		block_set(found, i, n >= 0);
		if (n >= 0 && pattern_check(buf, offset, n) >= 0)
			wrong_before_crash("record: block %u is a wrong hit", i);
	}
	remote_table(r, true, false);
	free(buf);
	check_quota(r, found);
}

/*
 * Nothing is replaced while nobody reads, once a commit has freed what was
 * chosen before.  From then on anything may be.
 */
static void probe_and_commit_adaptive(struct recorder *r)
{
	struct blocks found = { };

	pause_readers(r, true);
	message("commit");
	probe(r, &found);
	message("commit");
	mark(journal_commit(&r->journal, &found));
	usleep(below(&r->random, 10000));
	mark(journal_quota(&r->journal));
	pause_readers(r, false);
}

/* The commit itself runs beside readers, who fill. */
static void probe_and_commit(struct recorder *r)
{
	struct blocks found = { };

	if (r->setup.adaptive) {
		probe_and_commit_adaptive(r);
		return;
	}
	pause_readers(r, true);
	settle();
	probe(r, &found);
	pause_readers(r, false);
	message("commit");
	mark(journal_commit(&r->journal, &found));
}

static void evict(struct recorder *r)
{
	unsigned int block = below(&r->random, BLOCKS);
	unsigned int nr = 1 + below(&r->random, 4 * MOST_BLOCKS);
	unsigned int sectors;
	char text[64];

	if (nr > BLOCKS - block)
		nr = BLOCKS - block;
	sectors = nr * BLOCK_SECTORS;
	if (sectors > ORIGIN_SECTORS - block * BLOCK_SECTORS)
		sectors = ORIGIN_SECTORS - block * BLOCK_SECTORS;
	mark(journal_evict(&r->journal, block, nr));
	snprintf(text, sizeof(text), "evict %u %u", block * BLOCK_SECTORS, sectors);
	message(text);
}

static void evict_all(struct recorder *r)
{
	mark(journal_evict(&r->journal, 0, BLOCKS));
	message("evict_all");
}

static void set_quota(struct recorder *r)
{
	unsigned int most = r->setup.quota / r->setup.region;
	char text[64];

	mark(journal_quota(&r->journal));
	snprintf(text, sizeof(text), "quota %u",
		 (unsigned int)(1 + below(&r->random, most)) * r->setup.region);
	message(text);
	usleep(below(&r->random, 4000));
	snprintf(text, sizeof(text), "quota %u", r->setup.quota);
	message(text);
}

static void reload(struct recorder *r)
{
	char params[1024];

	params_on(r, params, sizeof(params), "/dev/mapper/" BELOW);
	need(dm_swap(CC, DM_READONLY | (below(&r->random, 2) ? DM_NOFLUSH : 0),
		     ORIGIN_SECTORS, "corcache", params), "reload");
}

/*
 * The device errs for a moment, writes or everything, and a commit fails: the cache is
 * frozen, or bypassed, and made active again.  Blocks that could not be read are gone
 * for good, which says the mark of an eviction.
 */
static void fail(struct recorder *r)
{
	bool quiet = below(&r->random, 2);

	/* what the commit had taken stays as it is until one succeeds */
	if (quiet) {
		pause_readers(r, true);
		settle();
	}
	mark(journal_evict(&r->journal, 0, BLOCKS));
	below_table(below(&r->random, 2) ? "error" : "flakey", false);
	if (quiet || below(&r->random, 2))
		dm_message(CC, below(&r->random, 2) ? "commit" : "evict 0 512");
	usleep(below(&r->random, 20000));
	below_table("linear", false);
	/* an error may still be on its way to the mode */
	do {
		if (below(&r->random, 3))
			dm_message(CC, "recover");
		else
			reload(r);
		usleep(20000);
	} while (!is_active(CC));
	if (quiet)
		probe_and_commit(r);
}

static void wait_some(struct recorder *r)
{
	usleep(below(&r->random, 10000));
}

static void commit(struct recorder *r)
{
	(void)r;
	message("commit");
}

static const struct {
	void (*action)(struct recorder *r);
	unsigned int weight;
} choices[] = {
	{ evict, 10 }, { evict_all, 1 }, { set_quota, 2 }, { reload, 1 },
	{ wait_some, 8 }, { commit, 2 }, { probe_and_commit, 4 },
};

static void act(struct recorder *r)
{
	unsigned int i, n = 0, choice;

	if (r->failing && !below(&r->random, 8)) {
		fail(r);
		return;
	}
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		n += choices[i].weight;
	choice = below(&r->random, n);
	for (i = 0; choice >= choices[i].weight; i++)
		choice -= choices[i].weight;
	choices[i].action(r);
}

static void run(struct recorder *r, unsigned int actions)
{
	struct reader reader[READERS];
	pthread_t thread[READERS];
	unsigned int i;

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->cond, NULL);
	r->fd = dm_open(CC);
	if (r->fd < 0)
		die("record: cannot open " CC ": %m");
	for (i = 0; i < READERS; i++) {
		reader[i] = (struct reader){ .r = r, .random = random64(&r->random) };
		if (pthread_create(&thread[i], NULL, read_on, &reader[i]))
			die("record: no thread");
	}
	for (i = 0; i < actions; i++) {
		still_alive("record", i);
		act(r);
	}
	probe_and_commit(r);
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->lock);
	for (i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	close(r->fd);
	if (!is_active(CC))
		die("record: the cache is not active any more");
}

/* ---- all of it ---- */

static void save_base(struct recorder *r)
{
	int in = open(r->dev->cache, O_RDONLY | O_DIRECT | O_CLOEXEC), out;
	void *buf = zalloc(CACHE_BYTES);
	char path[4096];

	snprintf(path, sizeof(path), "%s/base", r->dev->dir);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || pread(in, buf, CACHE_BYTES, 0) != CACHE_BYTES ||
	    pwrite(out, buf, CACHE_BYTES, 0) != CACHE_BYTES)
		die("record: cannot copy %s to %s: %m", r->dev->cache, path);
	close(in);
	close(out);
	free(buf);
}

int record(const struct devices *dev, uint64_t seed, unsigned int actions)
{
	struct recorder r = { .dev = dev, .random = seed + 1 };
	char params[1024];

	if (mkdir(dev->dir, 0700) && errno != EEXIST)
		die("record: %s: %m", dev->dir);
	choose_setup(&r.setup, seed);
	r.failing = seed % 3 == 0;
	remote_table(&r, true, true);
	prepare_cache(dev->cache, &r.setup, "/dev/mapper/" REMOTE, &r.random);
	save_base(&r);
	save_setup(dev->dir, &r.setup);
	journal_create(&r.journal, dev->dir);

	snprintf(params, sizeof(params), "%s %s", dev->cache, dev->log);
	need(dm_create(LOGGED, 0, CACHE_BYTES / SECTOR, "log-writes", params), "log-writes");
	below_table("linear", true);
	params_on(&r, params, sizeof(params), "/dev/mapper/" BELOW);
	need(dm_create(CC, DM_READONLY, ORIGIN_SECTORS, "corcache", params), "corcache");
	run(&r, actions);
	need(dm_remove(CC), "remove");
	need(dm_remove(BELOW), "remove");
	need(dm_remove(LOGGED), "remove");
	need(dm_remove(REMOTE), "remove");
	journal_close(&r.journal);
	return 0;
}
