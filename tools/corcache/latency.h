/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * latency: how long reads of a mapped device take, counted by dm-stats of the kernel.
 *
 * It is counted only from when it was asked for first, because each read pays for it. What
 * counts belongs to the device and goes with it.
 */
#ifndef CORCACHE_LATENCY_H
#define CORCACHE_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#define LATENCY_BINS_MOST	32

struct latency_bin {
	uint64_t below;		/* nanoseconds, and not below the one before; UINT64_MAX: no bound */
	uint64_t reads;
};

struct latency {
	uint64_t reads;
	uint64_t nanoseconds;	/* all of them together */
	int nr_bins;
	struct latency_bin bin[LATENCY_BINS_MOST];
};

/* @counted: false if it was not counted before; it is from now on. Returns an exit status. */
int latency_get(const char *name, bool *counted, struct latency *latency);
/* @counted: whether it was counted before. */
int latency_stop(const char *name, bool *counted);

#endif /* CORCACHE_LATENCY_H */
