/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache stats: per-CPU counters, one list for code and status line.
 *
 * A name, once released, keeps its meaning; new ones go to the end.  Counting
 * is this_cpu_add(): any context, no shared cache line.  Reading sums over all
 * CPUs and may miss what is being counted at that moment.
 */
#ifndef DM_CORCACHE_STATS_H
#define DM_CORCACHE_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

/*
 * A "read" is a bio after it was cut where hits, misses and fills under way
 * meet.  As a rule a read is one of hit, miss and join.  One that was routed
 * again, because a cached block was wrong, an origin read it shared failed, or it
 * was deferred, may count as several of them.
 *
 * reads		reads that reached the target
 * hits			ended by an answer from the cache device, verified
 * misses		reads of the origin, started for a reader
 * joins		times that a reader waited for, or took from, a read of
 *			the origin that was under way
 * fills		reads of the origin whose blocks were inserted
 * fill_bytes		bytes so inserted, in whole blocks
 * origin_reads		reads of the origin; of more than a MiB (large blocks),
 *			each takes several bios
 * origin_bytes		bytes they asked for
 * bypasses		times that what was read from the origin, or some of it,
 *			was not inserted
 * evictions		slots emptied by messages, a lower quota, or the policy
 * prefetched		0: there is no prefetching yet
 * prefetch_left	0: there is no prefetching yet
 * cache_errors		errors of the cache device
 * origin_errors	reads of the origin that failed
 * checksum_errors	blocks dropped, and table sectors, for a wrong CRC32C
 * commits		commits of metadata that wrote something
 * reverified		times that a valid block was read into own pages after
 *			the first attempt at the reader's bio
 * would_block		reads that were not to wait (RWF_NOWAIT, io_uring) and
 *			were sent back, to be tried again by their submitter
 * read_bytes		bytes of "reads"
 * hit_bytes		bytes that were answered from the cache device, verified
 * bypass_quota		of "bypasses": quota full, or the policy prefers what is cached
 * bypass_writes	of "bypasses": too many writes to the cache under way
 * bypass_memory	of "bypasses": no memory for the write
 * bypass_mode		of "bypasses": frozen, bypass, or suspended
 * bypass_error		of "bypasses": the write failed
 * bypass_evicted	of "bypasses": the region was evicted meanwhile
 * bypass_check	of "bypasses": it was not known whether the origin is the image
 *			that was cached
 * full			times that a region was worth a slot and none was free
 * ghost_hits		misses of a region without a slot that the policy knew from
 *			before
 * origin_check_bytes	bytes that the origin check has asked the origin for: they
 *			count as nothing else
 * discards		slots that were discarded on the cache device
 */
#define CORCACHE_STATS(X)	\
	X(reads)		\
	X(hits)			\
	X(misses)		\
	X(joins)		\
	X(fills)		\
	X(fill_bytes)		\
	X(origin_reads)		\
	X(origin_bytes)		\
	X(bypasses)		\
	X(evictions)		\
	X(prefetched)		\
	X(prefetch_left)	\
	X(cache_errors)		\
	X(origin_errors)	\
	X(checksum_errors)	\
	X(commits)		\
	X(reverified)		\
	X(would_block)		\
	X(read_bytes)		\
	X(hit_bytes)		\
	X(bypass_quota)		\
	X(bypass_writes)	\
	X(bypass_memory)	\
	X(bypass_mode)		\
	X(bypass_error)		\
	X(bypass_evicted)	\
	X(bypass_check)		\
	X(full)			\
	X(ghost_hits)		\
	X(origin_check_bytes)	\
	X(discards)

#define CORCACHE_STAT_INDEX(name) CORCACHE_STAT_##name,
enum corcache_stat {
	CORCACHE_STATS(CORCACHE_STAT_INDEX)
	CORCACHE_STATS_NR
};

struct corcache_stats {
	u64	count[CORCACHE_STATS_NR];
};

#define corcache_stat_add(cache, name, n) \
	this_cpu_add((cache)->stats->count[CORCACHE_STAT_##name], n)
#define corcache_stat_inc(cache, name) corcache_stat_add(cache, name, 1)

#endif /* DM_CORCACHE_STATS_H */
