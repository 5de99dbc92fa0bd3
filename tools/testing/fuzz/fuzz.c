// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the fuzzers share; see fuzz.h.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "fuzz.h"

static u64 nr_inputs, nr_accepted;

void fuzz_die(const char *file, int line, const char *what)
{
	const char *name = strrchr(file, '/');

	fprintf(stderr, "%s:%d: not so: %s\n", name ? name + 1 : file, line, what);
	abort();
}

static void *need(void *memory)
{
	must(memory);
	return memory;
}

u8 *fuzz_copy(const u8 *data, size_t size, size_t from, size_t bytes)
{
	u8 *copy = need(calloc(1, bytes));

	if (size > from)
		memcpy(copy, data + from, min(size - from, bytes));
	return copy;
}

u64 fuzz_get(const u8 *at, u32 bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

void fuzz_put(u8 *at, u64 value, u32 bytes)
{
	while (bytes--) {
		*at++ = value;
		value >>= 8;
	}
}

u64 fuzz_hash(const u8 *data, size_t size)
{
	u64 hash = 0xcbf29ce484222325ULL;

	while (size--)
		hash = (hash ^ *data++) * 0x100000001b3ULL;
	return hash ^ hash >> 29;
}

u64 fuzz_random(u64 *state)
{
	u64 x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

bool fuzz_one_in(u64 *state, u32 n)
{
	return !(fuzz_random(state) % n);
}

u64 fuzz_odd_number(u64 *state)
{
	u64 r = fuzz_random(state);
	u64 power = 1ULL << (r >> 8) % 64;

	switch (r % 4) {
	case 0:
		return power;
	case 1:
		return power + (r >> 16) % 17 - 8;
	case 2:
		return (r >> 16) % 32;
	default:
		return power + (fuzz_random(state) & (power - 1));
	}
}

bool fuzz_is_line(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return i;
}

static struct corcache_refusal *filled(u8 with)
{
	return memset(need(malloc(sizeof(struct corcache_refusal))), with, sizeof(struct corcache_refusal));
}

/* A line that was cut fills all of it. */
static void check_text(const struct corcache_refusal *why)
{
	must(strnlen(why->text, sizeof(why->text)) < sizeof(why->text) - 1);
	must(fuzz_is_line(why->text));
}

int fuzz_verdict(int (*parse)(void *context, struct corcache_refusal *why), void *context)
{
	struct corcache_refusal *why = filled(0xa5), *again = filled(0x5a);
	int ret;

	ret = parse(context, why);
	must(parse(context, again) == ret);
	if (ret && ret != -ENODATA) {
		check_text(why);
		must(!strcmp(why->text, again->text));
	}
	free(why);
	free(again);
	return ret;
}

static void print_count(void)
{
	if (getenv("FUZZ_COUNT"))
		fprintf(stderr, "fuzz: accepted %llu of %llu\n", nr_accepted, nr_inputs);
}

void fuzz_count(bool accepted)
{
	if (!nr_inputs++)
		atexit(print_count);
	nr_accepted += accepted;
}
