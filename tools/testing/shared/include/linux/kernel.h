/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_KERNEL_H
#define CORCACHE_SHIM_LINUX_KERNEL_H

#include <linux/build_bug.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include <stdarg.h>
#include <stdio.h>

#define __printf(fmt, args)	__attribute__((format(printf, fmt, args)))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* To a multiple of @m, a power of two. */
#define round_down(x, m)	((x) & ~((__typeof__(x))(m) - 1))
#define round_up(x, m)		((((x) - 1) | ((__typeof__(x))(m) - 1)) + 1)

/* What was printed, not what would have been. */
static inline __printf(3, 4) int scnprintf(char *buf, size_t bytes, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!bytes)
		return 0;
	va_start(ap, fmt);
	n = vsnprintf(buf, bytes, fmt, ap);
	va_end(ap);
	return (size_t)n < bytes ? n : (int)bytes - 1;
}

#endif /* CORCACHE_SHIM_LINUX_KERNEL_H */
