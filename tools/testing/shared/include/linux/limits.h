/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_LIMITS_H
#define CORCACHE_SHIM_LINUX_LIMITS_H

#include <linux/types.h>

#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define S32_MAX		((s32)(U32_MAX >> 1))
#define U64_MAX		((u64)~0ULL)
#define S64_MAX		((s64)(U64_MAX >> 1))

#endif /* CORCACHE_SHIM_LINUX_LIMITS_H */
