// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a suite of KUnit in user space; see include/kunit/test.h.
 *
 * With STOP in the environment it ends after the first test that fails.
 */
#include <kunit/test.h>

#include <setjmp.h>
#include <stdlib.h>

/* A broken loop must not bury the first failure under a million others. */
#define SHOWN_FAILURES	5

/* Apart from what it points to, so that a sanitizer sees its ends. */
struct memory {
	struct memory *next;
	void *p;
};

static struct kunit_suite *the_suite;
static struct kunit running;
static struct memory *memories;
static unsigned int failures;
static jmp_buf end_of_test;

void shim_kunit_suite(struct kunit_suite *suite)
{
	if (the_suite)
		abort();
	the_suite = suite;
}

struct kunit *kunit_get_current_test(void)
{
	return &running;
}

bool shim_kunit_failed(struct kunit *test, const char *file, int line, const char *what)
{
	const char *name = strrchr(file, '/');

	if (++failures > SHOWN_FAILURES)
		return false;
	printf("# %s: %s:%d: not so: %s\n", test->name, name ? name + 1 : file, line, what);
	return true;
}

void shim_kunit_abort(struct kunit *test)
{
	longjmp(end_of_test, 1);
}

void *kunit_kmalloc(struct kunit *test, size_t bytes, int gfp)
{
	struct memory *memory = malloc(sizeof(*memory));

	if (!memory)
		return NULL;
	memory->p = malloc(bytes);
	memory->next = memories;
	memories = memory;
	return memory->p;
}

void *kunit_kzalloc(struct kunit *test, size_t bytes, int gfp)
{
	void *p = kunit_kmalloc(test, bytes, gfp);

	return p ? memset(p, 0, bytes) : NULL;
}

void kunit_kfree(struct kunit *test, const void *p)
{
	struct memory **at = &memories, *memory;

	while (*at && (*at)->p != p)
		at = &(*at)->next;
	memory = *at;
	if (!memory)
		abort();
	*at = memory->next;
	free(memory->p);
	free(memory);
}

static void run(const struct kunit_case *this)
{
	running = (struct kunit){ .name = this->name };
	failures = 0;
	if (!setjmp(end_of_test)) {
		if (the_suite->init && the_suite->init(&running))
			failures++;
		else
			this->run_case(&running);
	}
	if (the_suite->exit)
		the_suite->exit(&running);
	while (memories)
		kunit_kfree(&running, memories->p);
	if (failures > SHOWN_FAILURES)
		printf("# and %u more\n", failures - SHOWN_FAILURES);
}

int main(void)
{
	const struct kunit_case *this;
	unsigned int nr = 0, failed = 0;
	bool stop = getenv("STOP");

	if (!the_suite)
		return 2;
	/* What a crash or a sanitizer cuts short must still be seen. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (this = the_suite->test_cases; this->run_case; this++)
		nr++;
	printf("TAP version 13\n1..%u\n", nr);
	if (the_suite->suite_init && the_suite->suite_init(the_suite))
		return 2;
	for (this = the_suite->test_cases, nr = 0; this->run_case && !(failed && stop); this++) {
		run(this);
		printf("%sok %u - %s\n", failures ? "not " : "", ++nr, this->name);
		failed += !!failures;
	}
	if (the_suite->suite_exit)
		the_suite->suite_exit(the_suite);
	return failed ? 1 : 0;
}
