/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail: how this tool ends, and what it says then.
 *
 * One line on stderr for each error: which word or device is wrong, and what to do.
 * Nothing but results goes to stdout.
 */
#ifndef CORCACHE_FAIL_H
#define CORCACHE_FAIL_H

#include <stddef.h>

/* Exit statuses, those of cryptsetup(8). They never change meaning. */
enum ends {
	END_OK = 0,
	END_ARGS = 1,		/* a wrong word, or a value out of range */
	END_DENIED = 2,		/* not permitted: not root, a module that is not signed */
	END_MEMORY = 3,
	END_DEVICE = 4,		/* a device that is not there, or is not what it should be */
	END_BUSY = 5,		/* it exists already, or is in use */
};

/* "corcache: " and one line, on stderr. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As say(), and returns @end, so that a caller can return it. */
int fail(enum ends end, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The end that an errno value stands for. */
enum ends end_of(int error);

/* malloc() and friends that end the program with END_MEMORY instead of failing. */
void *get_memory(size_t bytes);
void *get_more_memory(void *old, size_t bytes);
char *get_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* CORCACHE_FAIL_H */
