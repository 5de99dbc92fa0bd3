/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache tests: what the suites share.
 *
 * The suites test the files that compile in user space as well, and so do
 * they: tools/testing/unit runs them there, with sanitizers.
 */
#ifndef DM_CORCACHE_TEST_H
#define DM_CORCACHE_TEST_H

#include <kunit/test.h>

/* Of each suite: prints the seed. */
int corcache_test_suite_init(struct kunit_suite *suite);

/*
 * Of each suite, or called by its own: each test has a sequence of its own, by
 * seed and name, so that one alone repeats, too.
 */
int corcache_test_init(struct kunit *test);

/* Random numbers that the same seed repeats. */
u64 corcache_random(void);

/* Below @limit, which is not 0. */
u64 corcache_below(u64 limit);

/* All magnitudes are equally likely, and often next to a power of two. */
u64 corcache_magnitude(void);

void corcache_random_bytes(void *data, size_t bytes);

/* One line that can go into a log: printable, not empty, below 256 bytes. */
bool corcache_is_line(const char *text);

#endif /* DM_CORCACHE_TEST_H */
