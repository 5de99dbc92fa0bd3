/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache refuse: the one line that says why something is refused.
 *
 * The caller hands a struct corcache_refusal down; the function that refuses
 * writes the line into it.  No locks, no allocation, no I/O.  Compiles unchanged in user
 * space.
 */
#ifndef DM_CORCACHE_REFUSE_H
#define DM_CORCACHE_REFUSE_H

#include <linux/kernel.h>

/* A longer line is cut; that two origin ids differ has to fit. */
#define CORCACHE_REFUSAL_BYTES	384

/**
 * struct corcache_refusal - why something is refused
 * @text: one line without a line feed, NUL-terminated; "" if there is nothing
 *	to say
 */
struct corcache_refusal {
	char text[CORCACHE_REFUSAL_BYTES];
};

/**
 * corcache_refuse() - say why, and return the error
 * @why: receives the line
 * @error: negative error number
 * @fmt: the line, as for printf(); names the offending value
 *
 * Context: any.
 *
 * Return: @error.
 */
__printf(3, 4)
int corcache_refuse(struct corcache_refusal *why, int error, const char *fmt, ...);

#endif /* DM_CORCACHE_REFUSE_H */
