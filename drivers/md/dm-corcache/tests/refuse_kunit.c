// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refuse: the error comes back, and a line of any length fits.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include "../refuse.h"
#include "test.h"

static void test_error_and_line(struct kunit *test)
{
	struct corcache_refusal why;

	KUNIT_EXPECT_EQ(test, corcache_refuse(&why, -EINVAL, "%s is %d", "x", 5), -EINVAL);
	KUNIT_EXPECT_STREQ(test, why.text, "x is 5");
	KUNIT_EXPECT_EQ(test, corcache_refuse(&why, -EBUSY, "y"), -EBUSY);
	KUNIT_EXPECT_STREQ(test, why.text, "y");
}

/* Memory of exactly its size: one byte too far is an error. */
static void test_long_lines(struct kunit *test)
{
	struct corcache_refusal *why = kunit_kmalloc(test, sizeof(*why), GFP_KERNEL);
	char text[2 * CORCACHE_REFUSAL_BYTES] = "";
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, why);
	for (i = 0; i < sizeof(text) - 1; i++) {
		u32 fits = min_t(u32, i, CORCACHE_REFUSAL_BYTES - 1);

		memset(why, '#', sizeof(*why));
		KUNIT_ASSERT_EQ(test, corcache_refuse(why, -E2BIG, "%s", text), -E2BIG);
		KUNIT_ASSERT_EQ(test, strlen(why->text), fits);
		KUNIT_ASSERT_FALSE(test, memcmp(why->text, text, fits));
		text[i] = 'a' + i % 26;
	}
}

static struct kunit_case refuse_cases[] = {
	KUNIT_CASE(test_error_and_line),
	KUNIT_CASE(test_long_lines),
	{}
};

static struct kunit_suite refuse_suite = {
	.name = "dm_corcache_refuse",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = refuse_cases,
};

kunit_test_suite(refuse_suite);
