/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * corcache-sim: traces, policies and what happens when one is played through
 * the other.
 *
 * A trace is kept as a list of dense numbers: its distinct blocks count from 0
 * in the order of their first access.  So a policy finds what it knows of a
 * block in an array, and no policy needs a hash table.
 */
#ifndef CORCACHE_SIM_H
#define CORCACHE_SIM_H

#include <linux/kernel.h>
#include <linux/types.h>

#include <stdio.h>

#define NONE	U32_MAX

/**
 * struct trace - accesses in order, and what is known about them
 * @name: for the tables
 * @seed: what it was generated from; 0: it was read
 * @block: of each access, its block's dense number
 * @bits: of each access, which fill blocks of the region; NULL: all of them
 * @nr: accesses
 * @id: of each distinct block, its number in the trace
 * @prev: of each distinct block, the dense number of block id - 1, or NONE
 * @nr_blocks: distinct blocks, the footprint
 * @base: what a share as the cache size is a share of
 * @sizes: shares that make sense for this one; NULL: no preference
 * @phase: where phases begin
 * @nr_phases: at least 1 after trace_finish()
 * @wide: an id does not fit in 32 bits
 * @map: private, from id to dense number
 */
struct trace {
	char	*name;
	u64	seed;
	u32	*block;
	u64	*bits;
	u64	nr;
	u64	*id;
	u32	*prev;
	u32	nr_blocks;
	u32	base;
	const char *sizes;
	struct phase {
		char	*name;
		u64	start;
	} *phase;
	u32	nr_phases;
	bool	wide;
	struct map *map;
	/* private: room in the arrays */
	u64	room, id_room;
};

struct trace *trace_new(const char *name);
void trace_free(struct trace *trace);
/* Append an access to block @id, with @bits if the trace has any. */
void trace_add(struct trace *trace, u64 id, u64 bits);
/* What follows is another phase. */
__printf(2, 3)
void trace_phase(struct trace *trace, const char *fmt, ...);
/* The whole again, until it is there @times times; each time is a phase. */
void trace_repeat(struct trace *trace, u32 times);
/* All accesses are in. */
void trace_finish(struct trace *trace);
/*
 * The number that our policy gets for a block: its own, if all of the trace
 * fit in 32 bits, else the dense one.
 */
u32 trace_region(const struct trace *trace, u32 block);

/**
 * struct read_options - how to read a trace
 * @format: name of a format
 * @block: bytes, of csv
 * @fill: bytes of a block of the validity bitmap, of csv; 0: no partial regions
 * @columns: of lcscsv, which are what; NULL: by the header, or 1, 2, 3
 */
struct read_options {
	const char *format;
	u64	block;
	u64	fill;
	const char *columns;
};

/* Does not return if @file is not as it should be.  "-": standard input. */
struct trace *read_trace(const char *file, const struct read_options *options);
extern const char read_formats[];

/* From NAME or NAME:key=value,...; does not return if there is no such thing. */
struct trace *synthesize(const char *what, u64 seed);
void list_workloads(FILE *to);
/* The name of workload @n, or NULL. */
const char *workload_name(unsigned int n);

/**
 * struct setup - what a policy is started with
 * @slots: blocks that the cache holds, at least 1
 * @device_slots: of our driver: slots on the device, at least @slots
 * @seed: for policies that draw lots
 * @trace: what will be played
 * @next: of each access, that of the next one to the same block or NONE; only
 *	for policies that want it
 * @exact: an access is a hit only if all of its fill blocks are there
 * @evict_delay: of our driver: accesses until what was evicted is free
 * @restart: of our driver: accesses until it starts anew; 0: never
 * @no_hints: what is stored with the slots is not found then
 * @decisions: where our policy's decisions are printed; NULL: nowhere
 */
struct setup {
	u32	slots;
	u32	device_slots;
	u64	seed;
	const struct trace *trace;
	const u32 *next;
	bool	exact;
	u32	evict_delay;
	u64	restart;
	bool	no_hints;
	FILE	*decisions;
};

/**
 * struct counts - what our driver did
 * @admitted: misses that were to get a slot
 * @full: of them, those that found none free
 * @commits: times that slots were emptied
 */
struct counts {
	u64	admitted;
	u64	full;
	u64	commits;
};

/**
 * struct sim_policy - one way of deciding what is kept
 * @name: on the command line
 * @about: where it comes from, which variant
 * @clairvoyant: wants setup->next
 * @start: returns the state, with an empty cache
 * @access: access to @block, whose fill blocks @bits are asked for; true: hit
 * @counts: what was counted; NULL: nothing
 * @end: frees the state
 */
struct sim_policy {
	const char *name;
	const char *about;
	bool	clairvoyant;
	void	*(*start)(const struct setup *setup);
	bool	(*access)(void *state, u32 block, u64 bits);
	void	(*counts)(void *state, struct counts *counts);
	void	(*end)(void *state);
};

/* In the order of the tables; ends with NULL. */
extern const struct sim_policy *const sim_policies[];

const struct sim_policy *find_policy(const char *name, size_t length);

/**
 * struct result - of a trace, a policy and a size
 * @accesses: by phase
 * @misses: by phase
 * @counts: over all phases
 */
struct result {
	u64	*accesses;
	u64	*misses;
	struct counts counts;
};

struct result *play(const struct sim_policy *policy, const struct setup *setup);
void result_free(struct result *result);

/* For each access the next to the same block, or NONE. */
u32 *next_accesses(const struct trace *trace);

/* Slots for @share of the trace's base, at least 1. */
u32 share_slots(const struct trace *trace, double share);

/* "corcache-sim: ...", exit status 1. */
__printf(1, 2) __attribute__((__noreturn__))
void die(const char *fmt, ...);
/* These do not fail; memory is zeroed. */
void *get_memory(u64 n, size_t size);
void *grow_memory(void *memory, u64 n, size_t size);
__printf(1, 2)
char *format_text(const char *fmt, ...);

struct random {
	u64 state;
};

u64 random_u64(struct random *random);
/* Below @limit, which is not 0. */
u64 random_below(struct random *random, u64 limit);
/* From 0 to below 1. */
double random_unit(struct random *random);

#endif /* CORCACHE_SIM_H */
