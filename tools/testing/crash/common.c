// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash: random numbers, the pattern, the setup of a recording.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crash.h"
#include "dm.h"
#include "status.h"

const char *const start_names[STARTS] = { "blank", "reformatted", "used", "wiped" };

void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(70);
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void still_alive(const char *what, unsigned long done)
{
	static double said;

	if (now() - said < 10)
		return;
	said = now();
	fprintf(stderr, "%s: %lu so far\n", what, done);
}

void *zalloc(size_t bytes)
{
	void *p;

	if (posix_memalign(&p, 4096, bytes))
		die("no memory for %zu bytes", bytes);
	return memset(p, 0, bytes);
}

uint64_t random64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t below(uint64_t *state, uint64_t limit)
{
	return random64(state) % limit;
}

void pattern_make(void *buf, uint64_t offset, size_t bytes)
{
	uint64_t *word = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		word[i] = htobe64(offset + i * 8);
}

int64_t pattern_check(const void *buf, uint64_t offset, size_t bytes)
{
	const uint64_t *word = buf;
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		if (word[i] != htobe64(offset + i * 8))
			return offset + i * 8;
	return -1;
}

unsigned int blocks_count(const struct blocks *b)
{
	unsigned int i, n = 0;

	for (i = 0; i < BLOCKS; i++)
		n += block_test(b, i);
	return n;
}

static FILE *open_setup(const char *dir, const char *mode)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/setup", dir);
	f = fopen(path, mode);
	if (!f)
		die("%s: %m", path);
	return f;
}

#define SETUP_FORMAT "region=%u checksums=%u adaptive=%u quota=%u commit_interval=%u start=%u discard=%u\n"

void save_setup(const char *dir, const struct setup *s)
{
	FILE *f = open_setup(dir, "w");

	if (fprintf(f, SETUP_FORMAT, s->region, s->checksums, s->adaptive, s->quota,
		    s->commit_interval, s->start, s->discard) < 0 || fclose(f))
		die("%s/setup: %m", dir);
}

void load_setup(const char *dir, struct setup *s)
{
	FILE *f = open_setup(dir, "r");
	unsigned int checksums, adaptive, start, discard;

	if (fscanf(f, SETUP_FORMAT, &s->region, &checksums, &adaptive, &s->quota,
		   &s->commit_interval, &start, &discard) != 7 || start >= STARTS)
		die("%s/setup makes no sense", dir);
	fclose(f);
	s->checksums = checksums;
	s->adaptive = adaptive;
	s->start = start;
	s->discard = discard;
}

void table_params(char *buf, size_t len, const struct setup *s,
		  const char *cache, const char *origin)
{
	snprintf(buf, len,
		 "%s %s %u %u%s%s 10 block_size %u policy %s quota %u commit_interval %u max_errors 6",
		 cache, origin, s->region, !s->checksums + s->discard,
		 s->checksums ? "" : " no_checksums", s->discard ? " discard" : "",
		 BLOCK_SECTORS, s->adaptive ? "adaptive" : "stop", s->quota, s->commit_interval);
}

static void get_status(const char *name, struct status *status)
{
	char words[STATUS_MAX];
	const char *wrong;

	if (dm_status(name, words, sizeof(words)))
		die("%s: status: %s", name, dm_error());
	wrong = status_parse(status, words);
	if (wrong)
		die("%s: status: %s: %s", name, wrong, words);
}

uint64_t status_of(const char *name, const char *field)
{
	struct status status;
	uint64_t value;

	get_status(name, &status);
	if (status_number(&status, field, &value))
		die("%s: status has no number %s", name, field);
	return value;
}

bool gave_up(const char *name)
{
	struct status status;
	const char *reason;

	get_status(name, &status);
	reason = status_word(&status, "reason");
	return !strcmp(reason, "origin") || !strcmp(reason, "checksums");
}

bool is_active(const char *name)
{
	struct status status;

	get_status(name, &status);
	return !strcmp(status_word(&status, "mode"), "active");
}
