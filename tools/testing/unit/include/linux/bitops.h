/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_BITOPS_H
#define CORCACHE_SHIM_LINUX_BITOPS_H

#include <linux/types.h>

#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))

/* Number of the lowest bit that is set; undefined for 0. */
static inline unsigned int __ffs64(u64 word)
{
	return __builtin_ctzll(word);
}

#endif /* CORCACHE_SHIM_LINUX_BITOPS_H */
