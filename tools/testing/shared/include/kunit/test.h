/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shim of KUnit: the suites of the module run in user space as they are.
 *
 * A program is one suite; main() is in shared/kunit.c.  Its output is TAP, to be nested by shared/ktap.sh.
 */
#ifndef CORCACHE_SHIM_KUNIT_TEST_H
#define CORCACHE_SHIM_KUNIT_TEST_H

#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

struct kunit {
	const char *name;
	void *priv;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char name[256];
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(function)	{ .run_case = function, .name = #function }

#define kunit_test_suite(suite)						\
	static void __attribute__((constructor)) shim_kunit_register(void) \
	{								\
		shim_kunit_suite(&suite);				\
	}								\
	static_assert(1)

void shim_kunit_suite(struct kunit_suite *suite);

/* The test that runs, for helpers without one at hand. */
struct kunit *kunit_get_current_test(void);

#define kunit_info(test_or_suite, fmt, ...) \
	printf("# %s: " fmt, (test_or_suite)->name, ##__VA_ARGS__)

/* Of exactly their size: one byte too far is an error.  Freed at the end of the test. */
#define GFP_KERNEL	0
void *kunit_kmalloc(struct kunit *test, size_t bytes, int gfp);
void *kunit_kzalloc(struct kunit *test, size_t bytes, int gfp);
void kunit_kfree(struct kunit *test, const void *p);

/* Notes what is not as expected; says whether to print more of it. */
bool shim_kunit_failed(struct kunit *test, const char *file, int line, const char *what);
void __attribute__((noreturn)) shim_kunit_abort(struct kunit *test);

#define SHIM_KUNIT(test, end, holds, what, show, ...) do {		\
	if (holds)							\
		break;							\
	if (shim_kunit_failed(test, __FILE__, __LINE__, what)) {	\
		show;							\
		printf("# " __VA_ARGS__);				\
		printf("\n");						\
	}								\
	end;								\
} while (0)

#define SHIM_KUNIT_BINARY(test, end, left, op, right, ...) do {		\
	const __typeof__(left) _left = (left);				\
	const __typeof__(right) _right = (right);			\
	SHIM_KUNIT(test, end, _left op _right, #left " " #op " " #right, \
		   printf("# left is %lld, right is %lld\n", (long long)_left, \
			  (long long)_right), __VA_ARGS__);		\
} while (0)

#define SHIM_KUNIT_STRING(test, end, left, right, ...) do {		\
	const char *_left = (left), *_right = (right);			\
	SHIM_KUNIT(test, end, !strcmp(_left, _right), #left " is " #right, \
		   printf("#  left is \"%s\"\n# right is \"%s\"\n", _left, _right), \
		   __VA_ARGS__);					\
} while (0)

#define KUNIT_EXPECT_TRUE_MSG(test, c, ...)	SHIM_KUNIT(test, , c, #c, , __VA_ARGS__)
#define KUNIT_ASSERT_TRUE_MSG(test, c, ...) \
	SHIM_KUNIT(test, shim_kunit_abort(test), c, #c, , __VA_ARGS__)
#define KUNIT_EXPECT_TRUE(test, c)	SHIM_KUNIT(test, , c, #c, , "")
#define KUNIT_ASSERT_TRUE(test, c)	SHIM_KUNIT(test, shim_kunit_abort(test), c, #c, , "")
#define KUNIT_EXPECT_FALSE(test, c)	SHIM_KUNIT(test, , !(c), "!(" #c ")", , "")
#define KUNIT_ASSERT_FALSE(test, c) \
	SHIM_KUNIT(test, shim_kunit_abort(test), !(c), "!(" #c ")", , "")
#define KUNIT_ASSERT_NOT_NULL(test, p)	KUNIT_ASSERT_TRUE(test, p)
#define KUNIT_EXPECT_STREQ(test, a, b)	SHIM_KUNIT_STRING(test, , a, b, "")
#define KUNIT_ASSERT_STREQ(test, a, b) \
	SHIM_KUNIT_STRING(test, shim_kunit_abort(test), a, b, "")

#define SHIM_KUNIT_EXPECT(test, a, op, b, ...)	SHIM_KUNIT_BINARY(test, , a, op, b, __VA_ARGS__)
#define SHIM_KUNIT_ASSERT(test, a, op, b, ...) \
	SHIM_KUNIT_BINARY(test, shim_kunit_abort(test), a, op, b, __VA_ARGS__)

#define KUNIT_EXPECT_EQ(test, a, b)		SHIM_KUNIT_EXPECT(test, a, ==, b, "")
#define KUNIT_EXPECT_NE(test, a, b)		SHIM_KUNIT_EXPECT(test, a, !=, b, "")
#define KUNIT_EXPECT_LT(test, a, b)		SHIM_KUNIT_EXPECT(test, a, <, b, "")
#define KUNIT_EXPECT_LE(test, a, b)		SHIM_KUNIT_EXPECT(test, a, <=, b, "")
#define KUNIT_EXPECT_GT(test, a, b)		SHIM_KUNIT_EXPECT(test, a, >, b, "")
#define KUNIT_EXPECT_GE(test, a, b)		SHIM_KUNIT_EXPECT(test, a, >=, b, "")
#define KUNIT_EXPECT_EQ_MSG(test, a, b, ...)	SHIM_KUNIT_EXPECT(test, a, ==, b, __VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, a, b, ...)	SHIM_KUNIT_EXPECT(test, a, <, b, __VA_ARGS__)
#define KUNIT_EXPECT_LE_MSG(test, a, b, ...)	SHIM_KUNIT_EXPECT(test, a, <=, b, __VA_ARGS__)
#define KUNIT_EXPECT_GT_MSG(test, a, b, ...)	SHIM_KUNIT_EXPECT(test, a, >, b, __VA_ARGS__)
#define KUNIT_EXPECT_GE_MSG(test, a, b, ...)	SHIM_KUNIT_EXPECT(test, a, >=, b, __VA_ARGS__)
#define KUNIT_ASSERT_EQ(test, a, b)		SHIM_KUNIT_ASSERT(test, a, ==, b, "")
#define KUNIT_ASSERT_NE(test, a, b)		SHIM_KUNIT_ASSERT(test, a, !=, b, "")
#define KUNIT_ASSERT_LT(test, a, b)		SHIM_KUNIT_ASSERT(test, a, <, b, "")
#define KUNIT_ASSERT_LE(test, a, b)		SHIM_KUNIT_ASSERT(test, a, <=, b, "")
#define KUNIT_ASSERT_GT(test, a, b)		SHIM_KUNIT_ASSERT(test, a, >, b, "")
#define KUNIT_ASSERT_GE(test, a, b)		SHIM_KUNIT_ASSERT(test, a, >=, b, "")
#define KUNIT_ASSERT_EQ_MSG(test, a, b, ...)	SHIM_KUNIT_ASSERT(test, a, ==, b, __VA_ARGS__)
#define KUNIT_ASSERT_LT_MSG(test, a, b, ...)	SHIM_KUNIT_ASSERT(test, a, <, b, __VA_ARGS__)
#define KUNIT_ASSERT_LE_MSG(test, a, b, ...)	SHIM_KUNIT_ASSERT(test, a, <=, b, __VA_ARGS__)
#define KUNIT_ASSERT_GT_MSG(test, a, b, ...)	SHIM_KUNIT_ASSERT(test, a, >, b, __VA_ARGS__)
#define KUNIT_ASSERT_GE_MSG(test, a, b, ...)	SHIM_KUNIT_ASSERT(test, a, >=, b, __VA_ARGS__)

#endif /* CORCACHE_SHIM_KUNIT_TEST_H */
