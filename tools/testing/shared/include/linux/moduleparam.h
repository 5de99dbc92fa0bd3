/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim of module parameters: the environment has their values. */
#ifndef CORCACHE_SHIM_LINUX_MODULEPARAM_H
#define CORCACHE_SHIM_LINUX_MODULEPARAM_H

#include <linux/build_bug.h>

#include <stdlib.h>

#define module_param(name, type, mode)					\
	static void __attribute__((constructor)) shim_param_##name(void)	\
	{								\
		shim_param_##type(#name, &name);			\
	}								\
	static_assert(1)

#define MODULE_PARM_DESC(name, text)	static_assert(1)

static inline void shim_param_ullong(const char *name, unsigned long long *value)
{
	const char *given = getenv(name);

	if (given && *given)
		*value = strtoull(given, NULL, 0);
}

#endif /* CORCACHE_SHIM_LINUX_MODULEPARAM_H */
