/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_ASM_BYTEORDER_H
#define CORCACHE_SHIM_ASM_BYTEORDER_H

#include <linux/types.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define __shim_le(bits, x)	(x)
#else
#define __shim_le(bits, x)	__builtin_bswap##bits(x)
#endif

static inline __le32 __shim_cpu_to_le32(u32 x)
{
	return (__force __le32)__shim_le(32, x);
}

static inline u32 __shim_le32_to_cpu(__le32 x)
{
	return __shim_le(32, (__force u32)x);
}

static inline __le64 __shim_cpu_to_le64(u64 x)
{
	return (__force __le64)__shim_le(64, x);
}

static inline u64 __shim_le64_to_cpu(__le64 x)
{
	return __shim_le(64, (__force u64)x);
}

/* Macros, so that a C library header that has them, too, can come first. */
#undef cpu_to_le32
#undef le32_to_cpu
#undef cpu_to_le64
#undef le64_to_cpu
#define cpu_to_le32(x)	__shim_cpu_to_le32(x)
#define le32_to_cpu(x)	__shim_le32_to_cpu(x)
#define cpu_to_le64(x)	__shim_cpu_to_le64(x)
#define le64_to_cpu(x)	__shim_le64_to_cpu(x)

#endif /* CORCACHE_SHIM_ASM_BYTEORDER_H */
