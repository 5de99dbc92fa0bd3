/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_CRC32C_H
#define CORCACHE_SHIM_LINUX_CRC32C_H

#include <linux/types.h>

/* As in the kernel: neither the seed nor the result is inverted. */
u32 crc32c(u32 crc, const void *address, unsigned int bytes);

#endif /* CORCACHE_SHIM_LINUX_CRC32C_H */
