/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_BUILD_BUG_H
#define CORCACHE_SHIM_LINUX_BUILD_BUG_H

#define __shim_assert(expr, text, ...)	_Static_assert(expr, text)

/* The text is optional. */
#undef static_assert
#define static_assert(expr, ...) \
	__shim_assert(expr, ##__VA_ARGS__, #expr)

#endif /* CORCACHE_SHIM_LINUX_BUILD_BUG_H */
