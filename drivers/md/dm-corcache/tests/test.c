// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache tests: what the suites share; see test.h.
 */
#include <linux/moduleparam.h>

#include "test.h"

static unsigned long long test_seed = 1;
module_param(test_seed, ullong, 0444);
MODULE_PARM_DESC(test_seed, "Seed of the random numbers of the KUnit tests");

static u64 state;

int corcache_test_suite_init(struct kunit_suite *suite)
{
	kunit_info(suite, "test_seed=%#llx\n", test_seed);
	return 0;
}

int corcache_test_init(struct kunit *test)
{
	const char *c;

	state = test_seed;
	for (c = test->name; *c; c++)
		state = (state ^ (u8)*c) * 0x100000001b3ULL;
	return 0;
}

/* The step of a Weyl sequence, mixed: every seed gives a full period. */
u64 corcache_random(void)
{
	u64 x = state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

u64 corcache_below(u64 limit)
{
	return corcache_random() % limit;
}

u64 corcache_magnitude(void)
{
	u64 power = 1ULL << corcache_below(64);

	switch (corcache_below(4)) {
	case 0:
		return power;
	case 1:
		return power + corcache_below(17) - 8;
	default:
		return power + (corcache_random() & (power - 1));
	}
}

void corcache_random_bytes(void *data, size_t bytes)
{
	u8 *p = data;

	while (bytes--)
		*p++ = corcache_random();
}

bool corcache_is_line(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return i && i < 256;
}
