/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache: the target's central structures.  Read this first.
 *
 * The way of a reader's bio, and the file that owns each step:
 *
 *   map      dm-corcache-route.c   cut the bio to what can be treated as one,
 *                                  decide: hit, miss, join, or park
 *   hit      dm-corcache-hit.c     send it to the cache device; verify; what
 *                                  cannot be trusted is read again privately
 *   miss     dm-corcache-fill.c    read the origin into pages of our own, once
 *   park     dm-corcache-park.c    wait for a turn at the origin
 *   answer   dm-corcache-fill.c    copy to all who wait, complete them
 *   fill     dm-corcache-keep.c    write the pages to the cache device
 *   publish  dm-corcache-index.c   set the bits: from here on it is a hit
 *   commit   dm-corcache-metadata.c  make what was published durable
 *
 * Two objects:
 *
 *   struct corcache_target  one table of one mapped device.  Owns the devices,
 *	the transfers under way and the parked bios.  Lives from ctr to dtr;
 *	dtr waits for its transfers, which may mean: for the origin.
 *   struct corcache_cache   one cache device in use.  Owns index, slots and
 *	metadata.  Shared by the tables of one mapped device, so that a reload
 *	hands the cache over warm; counted.  At most one table, the owner, is
 *	between preresume and postsuspend, and only the owner writes to it.
 *
 * Locks.  None is held while another is taken, but for those listed inside
 * one another:
 *
 *   target->control_mutex	a message, activation, or the step to SUSPENDED;
 *     cache->commit_mutex	process context, held across I/O to the cache
 *       cache->lock
 *   corcache_registry_mutex	list of caches; process context; held for up to
 *     cache->lock		CORCACHE_SHUTDOWN_SECONDS at shutdown
 *   cache->commit_mutex	one commit at a time; process context, held
 *     cache->lock		across I/O to the cache device
 *   cache->lock		all writing to index and slots; irq-safe
 *   target->lock		transfers, parked bios; irq-safe
 *
 * A hit takes none of them.  Documentation/dm-corcache/locking.rst has the
 * memory ordering and the lifetimes.
 */
#ifndef DM_CORCACHE_H
#define DM_CORCACHE_H

#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dm-corcache-args.h"
#include "dm-corcache-format.h"
#include "dm-corcache-geometry.h"
#include "dm-corcache-pages.h"
#include "dm-corcache-policy.h"
#include "dm-corcache-stats.h"

#define DM_MSG_PREFIX "corcache"

#define CORCACHE_ERR_LEN	256

/*
 * Modes only ever get worse while a cache is loaded; a resume, of the same
 * table or of another, loads a cache that is not active anew from its device.
 */
enum corcache_mode {
	CORCACHE_ACTIVE,
	CORCACHE_FROZEN,	/* a commit failed: hits only, nothing changes */
	CORCACHE_BYPASS,	/* cache device given up: all from the origin */
};

/* Why the mode is what it is; the word in the status line. */
enum corcache_reason {
	CORCACHE_REASON_NONE,
	CORCACHE_REASON_COMMIT,	/* metadata could not be written */
	CORCACHE_REASON_ERRORS,	/* max_errors was reached */
	CORCACHE_REASON_NOSPC,	/* the cache device has no space left */
	CORCACHE_REASON_GONE,	/* the cache device has vanished */
	CORCACHE_REASON_READONLY, /* the cache device has become read-only */
};

/* Why what was read from the origin is not kept; also in the tracepoint. */
enum corcache_bypass {
	CORCACHE_BYPASS_QUOTA,	/* quota full, or the policy keeps what is there */
	CORCACHE_BYPASS_WRITES,	/* too many writes to the cache under way */
	CORCACHE_BYPASS_MEMORY,	/* no memory for the write */
	CORCACHE_BYPASS_MODE,	/* frozen, bypass, or not the owner any more */
	CORCACHE_BYPASS_ERROR,	/* the write failed */
	CORCACHE_BYPASS_EVICTED, /* the region was evicted meanwhile */
};

/* What becomes of a region that was read from the origin and has no slot. */
enum corcache_decision {
	CORCACHE_ADMIT,		/* it gets one */
	CORCACHE_REJECT,	/* what is there is worth more, says the policy */
	CORCACHE_FULL,		/* it should, but none is free */
};

/* Slot flags */
#define CORCACHE_SLOT_USED	0x1	/* belongs to slot->region */
#define CORCACHE_SLOT_RETIRED	0x2	/* emptied, not yet free */

/**
 * struct corcache_slot - one slot of the cache device
 * @valid: which blocks are hits.  Set with release after the block and its
 *	CRC are in place, read with acquire by hits without a lock
 * @stamp: value that the retire sequence took when the slot was last retired
 * @region: the region in it; meaningful while USED
 * @writers: fills that are writing into it; it is not free before they end
 * @flags: CORCACHE_SLOT_*
 *
 * Written under cache->lock.  24 bytes; the free, held and dirty bitmaps add
 * less than half a byte to a slot.
 */
struct corcache_slot {
	u64	valid;
	u64	stamp;
	u32	region;
	u16	writers;
	u16	flags;
};

struct corcache_batch;
struct corcache_target;

/**
 * struct corcache_cache - a cache device in use
 *
 * The first group is read by hits and next to never written.  retire_seq
 * counts retired slots: see dm-corcache-index.h.
 */
struct corcache_cache {
	struct corcache_geometry geo;
	u32		*index;		/* region -> slot + 1, 0: none */
	struct corcache_slot *slots;
	u32		*crc;		/* per block of the cache device, or NULL */
	unsigned long	*visited;	/* per slot: read lately; NULL: nobody asks */
	struct corcache_stats __percpu *stats;
	enum corcache_mode mode;	/* READ_ONCE/WRITE_ONCE */
	u64		retire_seq;

	spinlock_t	lock ____cacheline_aligned_in_smp;
	unsigned long	*free_map;	/* bit set: slot is free, durably so */
	unsigned long	*hold_map;	/* removals that no commit has started on */
	unsigned long	*hold_commit_map; /* removals in the commit under way */
	unsigned long	*dirty_map;	/* table sectors that differ from the disk */
	u64		held;		/* bits in hold_map */
	u64		dirty;		/* bits in dirty_map */
	u64		used;		/* slots that are not free */
	u64		retired;	/* of them, those on the way to be free */
	u64		quota;		/* slots that may be used, at any instant */
	u64		admit_quota;	/* the same, or less while it is lowered */
	u64		valid_blocks;
	u32		hand;		/* where the search for a free slot starts */
	struct corcache_policy policy;
	void		*policy_memory;
	bool		policy_started;	/* it knows what is in the slots */
	struct list_head held_fills;	/* wait for a commit to write */
	struct corcache_target *owner;	/* between preresume and postsuspend */
	enum corcache_reason reason;
	u32		max_errors;
	u32		errors;		/* towards max_errors */

	struct mutex	commit_mutex;	/* one commit at a time; held across its I/O */
	struct delayed_work commit_work;
	struct delayed_work reclaim_work;
	u64		commits_begun;
	u64		commits_ended;
	u64		commit_awaited;	/* by a shutdown: the end of this one */
	unsigned int	commit_interval_ms;
	void		*image;		/* CORCACHE_IMAGE_BYTES, vmalloc */
	struct corcache_batch *batch;	/* of the commit under way */
	wait_queue_head_t wait;		/* slots became free, a commit ended */
	struct block_device *bdev;	/* the owner's */
	struct bio_set	bios;		/* writes: data and metadata */

	struct corcache_super super;
	bool		loaded;		/* index and slots reflect the device */
	bool		served;		/* has been loaded at least once */

	struct list_head list;		/* corcache_registry */
	unsigned int	refs;		/* corcache_registry_mutex */
	struct block_device *key;	/* identity only */
	struct mapped_device *md;	/* identity only */
};

/* What a target does with the cache; under target->lock, read without. */
enum corcache_state {
	CORCACHE_SUSPENDED,	/* before resume, after postsuspend */
	CORCACHE_RUNNING,
	CORCACHE_SUSPENDING,	/* between presuspend and postsuspend or undo */
};

/* One spare transfer each for reads of origin and cache when memory is short. */
enum corcache_reserve {
	CORCACHE_RESERVE_ORIGIN,
	CORCACHE_RESERVE_CACHE,
	CORCACHE_RESERVES,
};

struct corcache_xfer;

/**
 * struct corcache_target - one table
 */
struct corcache_target {
	struct dm_target *ti;
	struct corcache_cache *cache;
	struct dm_dev	*cache_dev;
	struct dm_dev	*origin_dev;
	u32		cache_lbs;	/* cache device's logical block, in sectors */
	u32		direct_sectors;	/* unit in which hits may go down as they are */
	u32		simple_mask;	/* of sector and length: for a simple hit all are 0 */
	bool		tail_direct;	/* so may the end of the origin */
	bool		check_vectors;	/* a hit's memory may not suit the cache device */
	bool		holding;	/* map holds all bios back: see route.c */
	u32		vector_mask;	/* bits of it that must be 0 */
	struct corcache_args args;

	/*
	 * Work that submits to a device, and blocks in that when the device
	 * stalls: reads of the origin (suspend never waits for this one), reads
	 * of the cache device, and writes to it, behind which no reader waits.
	 */
	struct workqueue_struct *origin_wq;
	struct workqueue_struct *cache_wq;
	struct workqueue_struct *keep_wq;

	spinlock_t	lock ____cacheline_aligned_in_smp;
	enum corcache_state state;
	struct rb_root	fills;		/* by block, never overlapping */
	struct list_head reading;	/* transfers that wait for the origin */
	struct list_head to_submit;	/* of them, those not yet sent there */
	u64		reading_bytes;
	u64		bouncing_bytes;	/* being read from the cache device */
	u64		keeping_bytes;	/* answered, being written to the cache */
	unsigned int	delivered[2];	/* fills answered and not ended, by round */
	u8		round;		/* which of them the next one counts for */
	unsigned int	xfers;		/* all transfers, for dtr */
	struct list_head parked;	/* bios that wait for their turn */
	struct rb_root	parked_tree;	/* those of them that share a read */
	unsigned int	nr_parked;
	struct bio_list	starved;	/* wait for room for a bounce */
	struct bio_list	held_back;	/* came while a no-flush suspend was pending */
	struct corcache_xfer *reserve[CORCACHE_RESERVES];
	wait_queue_head_t wait;
	struct llist_head to_keep;	/* fills that are to be written to the cache */
	struct llist_node *keep_next;	/* those of them that keep_work has taken off */
	struct corcache_pages pages;

	/* A message runs, or the target gets suspended. */
	struct mutex	control_mutex;

	struct work_struct park_work;
	struct work_struct submit_work;
	struct work_struct keep_work;
	struct delayed_work sweep_work;
	struct work_struct event_work;
};

/* What end_io has to do with a bio. */
enum corcache_stage {
	CORCACHE_STAGE_PASS,	/* nothing: it is answered */
	CORCACHE_STAGE_HIT,	/* it went to the cache device: verify */
	CORCACHE_STAGE_ORIGIN,	/* it went to the origin, in bypass mode: count */
};

/**
 * struct corcache_io - per-bio data
 * @iter: the bio's range when it was mapped, cut, in sectors of the target
 * @retire_seq: cache->retire_seq before the lookup
 * @slot: the slot of its first block; the next regions are in the next slots
 * @stage: for end_io
 * @solo: the origin failed a read that others shared; read for this one alone
 * @single: the cache failed a read of several blocks; read block by block
 * @target: for the worker
 * @xfer: the fill that it is to be answered from, with a reference
 * @work: verification, a bounce, or an answer, by whoever owns the bio
 * @parked: in target->parked; then @work is not in use
 * @node: in target->parked_tree
 *
 * While the target owns the bio, bio->bi_iter is what is still to be answered,
 * in sectors of the target.
 */
struct corcache_io {
	struct bvec_iter iter;
	u64		retire_seq;
	u32		slot;
	u8		stage;
	bool		solo;
	bool		single;
	struct corcache_target *target;
	struct corcache_xfer *xfer;
	union {
		struct work_struct work;
		struct {
			struct list_head parked;
			struct rb_node	node;
		};
	};
};

/*
 * All work that waits for no device: answering, verification, the sweep, dm
 * events.  Work that submits to a device, and may block there, has a queue of
 * its target's: one stalled device must not stop the others.
 */
extern struct workqueue_struct *corcache_wq;
/* Commits, of which there is one at a time for a cache; they wait for it. */
extern struct workqueue_struct *corcache_commit_wq;

static inline struct corcache_io *corcache_io(struct bio *bio)
{
	return dm_per_bio_data(bio, sizeof(struct corcache_io));
}

static inline const char *corcache_name(struct corcache_target *target)
{
	return dm_device_name(dm_table_get_md(target->ti->table));
}

static inline u64 corcache_bio_end(struct bio *bio)
{
	return bio->bi_iter.bi_sector + bio_sectors(bio);
}

/* Blocks that what is left of a bio touches. */
static inline u32 corcache_bio_blocks(const struct corcache_geometry *geo,
				      struct bio *bio)
{
	return corcache_blocks_touched(geo, bio->bi_iter.bi_sector,
				       corcache_bio_end(bio));
}

#endif /* DM_CORCACHE_H */
