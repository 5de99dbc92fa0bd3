// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame of the unit tests; see unit.h.
 */
#include <linux/string.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

/* A broken loop must not bury the first failure under a million others. */
#define SHOWN_FAILURES	5

static unsigned int failures;
static u64 state;

/* The step of a Weyl sequence, mixed: every seed gives a full period. */
u64 unit_random(void)
{
	u64 x = state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

u64 unit_below(u64 limit)
{
	return unit_random() % limit;
}

u64 unit_magnitude(void)
{
	u64 power = 1ULL << unit_below(64);

	switch (unit_below(4)) {
	case 0:
		return power;
	case 1:
		return power + unit_below(17) - 8;
	default:
		return power + (unit_random() & (power - 1));
	}
}

void unit_fill(void *data, size_t bytes)
{
	u8 *p = data;

	while (bytes--)
		*p++ = unit_random();
}

bool unit_same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

bool unit_is_line(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return i && i < 256;
}

void unit_fail(const char *file, int line, const char *what, const char *fmt, ...)
{
	const char *name = strrchr(file, '/');
	va_list ap;

	if (++failures > SHOWN_FAILURES)
		return;
	printf("# %s:%d: not so: %s\n# ", name ? name + 1 : file, line, what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static u64 first_seed(void)
{
	const char *given = getenv("SEED");
	struct timespec now;

	if (given && *given)
		return strtoull(given, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return (u64)now.tv_sec * 1000000007ULL ^ (u64)now.tv_nsec << 20 ^ getpid();
}

int unit_run(const struct unit_test *tests, unsigned int nr)
{
	unsigned int i, failed = 0;
	u64 seed = first_seed();
	bool stop = getenv("STOP");

	/* What a crash or a sanitizer cuts short must still be seen. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n# SEED=0x%llx\n", nr, seed);
	for (i = 0; i < nr && !(failed && stop); i++) {
		/* Each test on its own sequence: one alone repeats, too. */
		state = seed + i;
		failures = 0;
		tests[i].run();
		if (failures > SHOWN_FAILURES)
			printf("# and %u more\n", failures - SHOWN_FAILURES);
		printf("%sok %u - %s\n", failures ? "not " : "", i + 1, tests[i].name);
		failed += !!failures;
	}
	return failed ? 1 : 0;
}
