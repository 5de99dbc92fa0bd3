// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is there or ends the program, messages, random numbers, queues.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "queues.h"
#include "sim.h"

void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "corcache-sim: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

void *get_memory(u64 n, size_t size)
{
	void *memory = calloc(n ? n : 1, size);

	if (!memory)
		die("no memory for %llu times %zu bytes", n, size);
	return memory;
}

void *grow_memory(void *memory, u64 n, size_t size)
{
	u64 bytes;

	if (__builtin_mul_overflow(n, (u64)size, &bytes) || bytes > (size_t)-1)
		die("no memory for %llu times %zu bytes", n, size);
	memory = realloc(memory, bytes);
	if (!memory)
		die("no memory for %llu times %zu bytes", n, size);
	return memory;
}

char *format_text(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("no memory");
	va_end(ap);
	return text;
}

/* The step of a Weyl sequence, mixed: every seed gives a full period. */
u64 random_u64(struct random *random)
{
	u64 x = random->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

u64 random_below(struct random *random, u64 limit)
{
	return (unsigned __int128)random_u64(random) * limit >> 64;
}

double random_unit(struct random *random)
{
	return (random_u64(random) >> 11) * 0x1p-53;
}

void queues_init(struct queues *queues, u32 nr_blocks)
{
	u32 i;

	memset(queues, 0, sizeof(*queues));
	queues->nr_blocks = nr_blocks;
	queues->link = get_memory((u64)nr_blocks + MAX_QUEUES, sizeof(*queues->link));
	queues->in = get_memory(nr_blocks, 1);
	for (i = nr_blocks; i < nr_blocks + MAX_QUEUES; i++)
		queues->link[i] = (struct link){ i, i };
}

void queues_free(struct queues *queues)
{
	free(queues->link);
	free(queues->in);
}
