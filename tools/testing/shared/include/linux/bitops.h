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

#define BITS_PER_LONG	(8 * (unsigned int)sizeof(long))

static inline bool test_bit(unsigned long nr, const unsigned long *bits)
{
	return __atomic_load_n(bits + nr / BITS_PER_LONG, __ATOMIC_RELAXED) >>
	       nr % BITS_PER_LONG & 1;
}

static inline void set_bit(unsigned long nr, unsigned long *bits)
{
	__atomic_fetch_or(bits + nr / BITS_PER_LONG, BIT(nr % BITS_PER_LONG), __ATOMIC_RELAXED);
}

static inline void clear_bit(unsigned long nr, unsigned long *bits)
{
	__atomic_fetch_and(bits + nr / BITS_PER_LONG, ~BIT(nr % BITS_PER_LONG), __ATOMIC_RELAXED);
}

#endif /* CORCACHE_SHIM_LINUX_BITOPS_H */
