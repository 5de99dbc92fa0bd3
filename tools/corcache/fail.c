// SPDX-License-Identifier: GPL-2.0-only
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void say_list(const char *format, va_list list)
{
	/* One write for each line: what several processes say does not mix. */
	char *text;

	if (vasprintf(&text, format, list) < 0)
		return;
	fprintf(stderr, "corcache: %s\n", text);
	free(text);
}

void say(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say_list(format, list);
	va_end(list);
}

int fail(enum ends end, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say_list(format, list);
	va_end(list);
	return end;
}

enum ends end_of(int error)
{
	switch (error) {
	case 0:
		return END_OK;
	case EPERM:
	case EACCES:
	case EKEYREJECTED:
		return END_DENIED;
	case ENOMEM:
		return END_MEMORY;
	case EINVAL:
	case ERANGE:
	case ENAMETOOLONG:
		return END_ARGS;
	case EBUSY:
	case EEXIST:
	case EAGAIN:
		return END_BUSY;
	default:
		return END_DEVICE;
	}
}

static void no_memory(void)
{
	say("out of memory");
	exit(END_MEMORY);
}

void *get_memory(size_t bytes)
{
	void *memory = calloc(1, bytes ? bytes : 1);

	if (!memory)
		no_memory();
	return memory;
}

void *get_more_memory(void *old, size_t bytes)
{
	void *memory = realloc(old, bytes ? bytes : 1);

	if (!memory)
		no_memory();
	return memory;
}

char *get_text(const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		no_memory();
	va_end(list);
	return text;
}
