/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small frame for unit tests: TAP lines, expectations, seeded randomness.
 *
 * A program lists its tests in a table and calls unit_run() from main().
 */
#ifndef CORCACHE_UNIT_H
#define CORCACHE_UNIT_H

#include <linux/kernel.h>
#include <linux/types.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

/*
 * Runs @nr @tests, with STOP in the environment until one fails; the exit
 * status of the program.
 */
int unit_run(const struct unit_test *tests, unsigned int nr);

__printf(4, 5)
void unit_fail(const char *file, int line, const char *what, const char *fmt, ...);

/* Notes a failure of the running test if @condition is false; goes on. */
#define expect(condition)	expectf(condition, "%s", "")

/* The same with a printf() format and its values. */
#define expectf(condition, ...) ({					\
	bool _holds = (condition);					\
	if (!_holds)							\
		unit_fail(__FILE__, __LINE__, #condition, __VA_ARGS__);	\
	_holds;								\
})

#define expect_u64(value, wanted) ({					\
	u64 _value = (value), _wanted = (wanted);			\
	expectf(_value == _wanted, "%s is %llu, wanted %llu", #value,	\
		_value, _wanted);					\
})

#define expect_int(value, wanted) ({					\
	int _value = (value), _wanted = (wanted);			\
	expectf(_value == _wanted, "%s is %d, wanted %d", #value,	\
		_value, _wanted);					\
})

#define expect_string(value, wanted) ({					\
	const char *_value = (value), *_wanted = (wanted);		\
	expectf(unit_same(_value, _wanted), "is     \"%s\"\n# wanted \"%s\"", \
		_value, _wanted);					\
})

bool unit_same(const char *a, const char *b);

/* One line that can go into a log: printable, not empty, below 256 bytes. */
bool unit_is_line(const char *text);

/* Random numbers that SEED=... in the environment repeats. */
u64 unit_random(void);

/* Below @limit, which is not 0. */
u64 unit_below(u64 limit);

/* All magnitudes are equally likely, and often next to a power of two. */
u64 unit_magnitude(void);

void unit_fill(void *data, size_t bytes);

#endif /* CORCACHE_UNIT_H */
