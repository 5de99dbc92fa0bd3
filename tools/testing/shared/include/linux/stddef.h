/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_STDDEF_H
#define CORCACHE_SHIM_LINUX_STDDEF_H

#include <stddef.h>

#endif /* CORCACHE_SHIM_LINUX_STDDEF_H */
