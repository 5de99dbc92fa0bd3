/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * corcache_crash: what its parts share.
 *
 * Words: a recording is a directory with what a busy run has left, by which a
 * crash at any moment of it can be played: the log of dm-log-writes, the
 * content of the cache device before it, and a journal (journal.h).  A state is
 * one content that the cache device may have after a crash.
 */
#ifndef CORCACHE_CRASH_H
#define CORCACHE_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTOR		512U
/*
 * Small, so that a state is built and read in milliseconds; the last block is a
 * partial one.  The data area of the cache holds half of the origin.
 */
#define ORIGIN_SECTORS	4091U
#define CACHE_BYTES	(4U << 20)
#define BLOCK_SECTORS	8U
#define BLOCKS		((ORIGIN_SECTORS + BLOCK_SECTORS - 1) / BLOCK_SECTORS)

/**
 * struct setup - the cache of a recording
 * @region: its region size, in sectors
 * @checksums: it was formatted with them
 * @discard: slots that were emptied are discarded
 * @adaptive: the policy is, so that slots are emptied and used again all the time
 * @quota: in sectors
 * @commit_interval: in milliseconds
 * @start: what was on the cache device before
 */
struct setup {
	unsigned int region;
	bool checksums;
	bool discard;
	bool adaptive;
	unsigned int quota;
	unsigned int commit_interval;
	enum start { BLANK, REFORMATTED, USED, WIPED, STARTS } start;
};

extern const char *const start_names[STARTS];

/* Which blocks of the origin. */
struct blocks {
	uint8_t bits[(BLOCKS + 7) / 8];
};

static inline bool block_test(const struct blocks *b, unsigned int i)
{
	return b->bits[i / 8] >> (i % 8) & 1;
}

static inline void block_set(struct blocks *b, unsigned int i, bool on)
{
	b->bits[i / 8] = (b->bits[i / 8] & ~(1 << (i % 8))) | on << (i % 8);
}

unsigned int blocks_count(const struct blocks *b);
/* Bytes of a block that exist. */
static inline size_t block_bytes(unsigned int i)
{
	unsigned int left = ORIGIN_SECTORS - i * BLOCK_SECTORS;

	return (left < BLOCK_SECTORS ? left : BLOCK_SECTORS) * SECTOR;
}

void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...);
double now(void);
/* Says on stderr how far it has come, every ten seconds at most: silence then means that all stands still. */
void still_alive(const char *what, unsigned long done);
void *zalloc(size_t bytes);

/* splitmix64: any seed is a good seed. */
uint64_t random64(uint64_t *state);
uint64_t below(uint64_t *state, uint64_t limit);

/*
 * The origin holds nbdkit's pattern, as everywhere in the selftests: each 8
 * bytes are their own byte offset, big-endian.
 */
void pattern_make(void *buf, uint64_t offset, size_t bytes);
/* Return: byte offset of the first difference, or -1. */
int64_t pattern_check(const void *buf, uint64_t offset, size_t bytes);

/* Device nodes and files of a run. */
struct devices {
	const char *dir;	/* of the recording */
	const char *cache;	/* recorded on; CACHE_BYTES */
	const char *log;	/* for dm-log-writes */
	const char *origin;	/* the pattern */
	const char *scratch;	/* states are activated on it; CACHE_BYTES */
	const char *scratch_file; /* what @scratch is a loop device of */
};

void save_setup(const char *dir, const struct setup *setup);
void load_setup(const char *dir, struct setup *setup);
/* The table's parameters, for this cache and this origin. */
void table_params(char *buf, size_t len, const struct setup *setup,
		  const char *cache, const char *origin);

/* The status of a corcache device: the value of a field, or ends with a message. */
uint64_t status_of(const char *name, const char *field);
bool is_active(const char *name);
/* Is it bypassed, because what is cached is not what the origin holds? */
bool gave_up(const char *name);

void choose_setup(struct setup *setup, uint64_t seed);
/* Read all of the origin once through a cache. */
void fill_cache(const char *cache, const struct setup *setup, const char *origin);
/* As @setup->start says. */
void prepare_cache(const char *cache, const struct setup *setup, const char *origin,
		   uint64_t *random);

int record(const struct devices *dev, uint64_t seed, unsigned int actions);
/* @only: number of the one state to play, or -1 for @states of them */
int replay(const struct devices *dev, uint64_t seed, unsigned int states, long only);
/* @only: as above, of @count devices */
int mutate(const struct devices *dev, uint64_t seed, unsigned int count, long only);

#endif /* CORCACHE_CRASH_H */
