/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short forms of KUnit's expectations, for tests that run in user space only.
 */
#ifndef CORCACHE_SHARED_EXPECT_H
#define CORCACHE_SHARED_EXPECT_H

#include "test.h"

/* Notes a failure of the running test if @condition is false; goes on. */
#define expect(condition)	KUNIT_EXPECT_TRUE(kunit_get_current_test(), condition)

/* The same with a printf() format and its values. */
#define expectf(condition, ...) \
	KUNIT_EXPECT_TRUE_MSG(kunit_get_current_test(), condition, __VA_ARGS__)

#define expect_u64(value, wanted) \
	KUNIT_EXPECT_EQ(kunit_get_current_test(), (u64)(value), (u64)(wanted))

#define expect_int(value, wanted) \
	KUNIT_EXPECT_EQ(kunit_get_current_test(), (int)(value), (int)(wanted))

#define expect_string(value, wanted) \
	KUNIT_EXPECT_STREQ(kunit_get_current_test(), value, wanted)

#endif /* CORCACHE_SHARED_EXPECT_H */
