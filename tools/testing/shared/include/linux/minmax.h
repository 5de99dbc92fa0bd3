/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_MINMAX_H
#define CORCACHE_SHIM_LINUX_MINMAX_H

/* Refuses operands of different types, as the strictest kernel does. */
#define __shim_compare(a, op, b) ({			\
	__typeof__(a) _a = (a);				\
	__typeof__(b) _b = (b);				\
	(void)(&_a == &_b);				\
	_a op _b ? _a : _b;				\
})

#define min(a, b)	__shim_compare(a, <, b)
#define max(a, b)	__shim_compare(a, >, b)

#define min_t(type, a, b) ({				\
	type _t = (a);					\
	type _u = (b);					\
	_t < _u ? _t : _u;				\
})

#define max_t(type, a, b) ({				\
	type _t = (a);					\
	type _u = (b);					\
	_t > _u ? _t : _u;				\
})

#endif /* CORCACHE_SHIM_LINUX_MINMAX_H */
