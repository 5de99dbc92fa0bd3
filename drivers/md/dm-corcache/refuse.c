// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache refuse: the one line that says why something is refused.
 *
 * Owns nothing.  Callable from any context.  Compiles unchanged in user space.
 */
#include <linux/kernel.h>

#include "refuse.h"

int corcache_refuse(struct corcache_refusal *why, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return error;
}
