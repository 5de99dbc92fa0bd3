/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_STRING_H
#define CORCACHE_SHIM_LINUX_STRING_H

#include <linux/errno.h>
#include <linux/types.h>

#include <string.h>

/* First byte that is not @c, or NULL. */
static inline void *memchr_inv(const void *start, int c, size_t bytes)
{
	const u8 *p = start;

	for (; bytes; bytes--, p++)
		if (*p != (u8)c)
			return (void *)p;
	return NULL;
}

/* At most @bytes with the NUL; its length, or -E2BIG if it was cut. */
static inline long strscpy(char *to, const char *from, size_t bytes)
{
	size_t n;

	for (n = 0; n < bytes; n++) {
		to[n] = from[n];
		if (!from[n])
			return n;
	}
	if (bytes)
		to[bytes - 1] = '\0';
	return -E2BIG;
}

#endif /* CORCACHE_SHIM_LINUX_STRING_H */
