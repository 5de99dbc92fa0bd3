/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers share: an assertion, the bytes of an input, refusals and
 * their texts, and the count of inputs that were accepted.
 */
#ifndef CORCACHE_FUZZ_H
#define CORCACHE_FUZZ_H

#include <linux/kernel.h>
#include <linux/types.h>

#include "refuse.h"

/* Ends the process if @condition is false; libFuzzer then keeps the input. */
#define must(condition) do {						\
	if (!(condition))						\
		fuzz_die(__FILE__, __LINE__, #condition);		\
} while (0)

void __attribute__((noreturn)) fuzz_die(const char *file, int line, const char *what);

/* Called by libFuzzer. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed);
/* Provided by libFuzzer: its own mutations, in place; the new size. */
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);

/*
 * A copy of @bytes of the input from @from on, zeros where the input has
 * ended, in memory of exactly that size: one byte too far is an error.
 */
u8 *fuzz_copy(const u8 *data, size_t size, size_t from, size_t bytes);

/* Little-endian numbers of @bytes bytes. */
u64 fuzz_get(const u8 *at, u32 bytes);
void fuzz_put(u8 *at, u64 value, u32 bytes);

/* A number that depends on the whole input. */
u64 fuzz_hash(const u8 *data, size_t size);

/* The next number of a sequence; for mutators, which must repeat by seed. */
u64 fuzz_random(u64 *state);
/* Once in @n. */
bool fuzz_one_in(u64 *state, u32 n);
/* Next to a power of two, a small number, or anything. */
u64 fuzz_odd_number(u64 *state);

/* One line that can go into a log: printable, not empty. */
bool fuzz_is_line(const char *text);

/**
 * fuzz_verdict() - what a parser says, and that it says it well
 * @parse: the call of the parser
 * @context: passed to @parse
 *
 * Calls the parser twice: same verdict, same line.  A refusal, but for
 * -ENODATA, is one whole line.
 */
int fuzz_verdict(int (*parse)(void *context, struct corcache_refusal *why), void *context);

/* How many inputs are accepted is printed at the end, with FUZZ_COUNT set. */
void fuzz_count(bool accepted);

#endif /* CORCACHE_FUZZ_H */
