/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache tracepoints.  dev is the cache device; sectors are the target's
 * unless they say otherwise.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dm_corcache

#if !defined(DM_CORCACHE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DM_CORCACHE_TRACE_H

/* first: kdev_t.h uses them */
#include <linux/types.h>
#include <linux/kdev_t.h>
#include <linux/tracepoint.h>

#include "corcache.h"

TRACE_DEFINE_ENUM(CORCACHE_BYPASS_QUOTA);
TRACE_DEFINE_ENUM(CORCACHE_BYPASS_WRITES);
TRACE_DEFINE_ENUM(CORCACHE_BYPASS_MEMORY);
TRACE_DEFINE_ENUM(CORCACHE_BYPASS_MODE);
TRACE_DEFINE_ENUM(CORCACHE_BYPASS_ERROR);
TRACE_DEFINE_ENUM(CORCACHE_BYPASS_EVICTED);
TRACE_DEFINE_ENUM(CORCACHE_BYPASS_CHECK);

#define corcache_show_reason(reason) __print_symbolic(reason,	\
	{ CORCACHE_BYPASS_QUOTA, "quota" },			\
	{ CORCACHE_BYPASS_WRITES, "writes" },			\
	{ CORCACHE_BYPASS_MEMORY, "memory" },			\
	{ CORCACHE_BYPASS_MODE, "mode" },			\
	{ CORCACHE_BYPASS_ERROR, "error" },			\
	{ CORCACHE_BYPASS_EVICTED, "evicted" },			\
	{ CORCACHE_BYPASS_CHECK, "check" })

TRACE_DEFINE_ENUM(CORCACHE_ADMIT);
TRACE_DEFINE_ENUM(CORCACHE_REJECT);
TRACE_DEFINE_ENUM(CORCACHE_FULL);

#define corcache_show_decision(decision) __print_symbolic(decision,	\
	{ CORCACHE_ADMIT, "admit" },					\
	{ CORCACHE_REJECT, "reject" },					\
	{ CORCACHE_FULL, "full" })

DECLARE_EVENT_CLASS(corcache_extent,
	TP_PROTO(dev_t dev, u64 sector, u32 sectors),
	TP_ARGS(dev, sector, sectors),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, sector)
		__field(u32, sectors)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->sector = sector;
		__entry->sectors = sectors;
	),
	TP_printk("%d:%d sector %llu + %u", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __entry->sector, __entry->sectors)
);

/* A read of the origin. */
DEFINE_EVENT(corcache_extent, corcache_miss,
	TP_PROTO(dev_t dev, u64 sector, u32 sectors),
	TP_ARGS(dev, sector, sectors)
);

/* A read that is answered by a read of the origin that is under way. */
DEFINE_EVENT(corcache_extent, corcache_join,
	TP_PROTO(dev_t dev, u64 sector, u32 sectors),
	TP_ARGS(dev, sector, sectors)
);

/* A region was emptied. */
DEFINE_EVENT(corcache_extent, corcache_evict,
	TP_PROTO(dev_t dev, u64 sector, u32 sectors),
	TP_ARGS(dev, sector, sectors)
);

/* The write of a fill to the cache device has ended; @inserted: bytes of it. */
TRACE_EVENT(corcache_fill_done,
	TP_PROTO(dev_t dev, u64 sector, u32 sectors, u64 inserted),
	TP_ARGS(dev, sector, sectors, inserted),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, sector)
		__field(u32, sectors)
		__field(u64, inserted)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->sector = sector;
		__entry->sectors = sectors;
		__entry->inserted = inserted;
	),
	TP_printk("%d:%d sector %llu + %u inserted %llu bytes", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __entry->sector, __entry->sectors,
		  __entry->inserted)
);

/* What was read from the origin is not inserted, or not all of it. */
TRACE_EVENT(corcache_bypass,
	TP_PROTO(dev_t dev, u64 sector, u32 sectors, u32 reason),
	TP_ARGS(dev, sector, sectors, reason),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, sector)
		__field(u32, sectors)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->sector = sector;
		__entry->sectors = sectors;
		__entry->reason = reason;
	),
	TP_printk("%d:%d sector %llu + %u reason %s", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __entry->sector, __entry->sectors,
		  corcache_show_reason(__entry->reason))
);

/* A region without a slot was read: the policy's answer. */
TRACE_EVENT(corcache_decision,
	TP_PROTO(dev_t dev, u64 sector, u32 sectors, u32 decision),
	TP_ARGS(dev, sector, sectors, decision),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, sector)
		__field(u32, sectors)
		__field(u32, decision)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->sector = sector;
		__entry->sectors = sectors;
		__entry->decision = decision;
	),
	TP_printk("%d:%d sector %llu + %u %s", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __entry->sector, __entry->sectors,
		  corcache_show_decision(__entry->decision))
);

/* Metadata is durable; @table_sectors were written. */
TRACE_EVENT(corcache_commit,
	TP_PROTO(dev_t dev, u64 table_sectors),
	TP_ARGS(dev, table_sectors),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, table_sectors)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->table_sectors = table_sectors;
	),
	TP_printk("%d:%d %llu table sectors", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __entry->table_sectors)
);

/* A block was wrong on the cache device; @cache_sector: where it was. */
TRACE_EVENT(corcache_checksum_error,
	TP_PROTO(dev_t dev, u64 sector, u64 cache_sector),
	TP_ARGS(dev, sector, cache_sector),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, sector)
		__field(u64, cache_sector)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->sector = sector;
		__entry->cache_sector = cache_sector;
	),
	TP_printk("%d:%d sector %llu at cache sector %llu",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->sector,
		  __entry->cache_sector)
);

#endif /* DM_CORCACHE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
