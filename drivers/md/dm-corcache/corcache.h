/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache: the target's central structures.  Read this first.
 *
 * The way of a reader's bio, and the file that owns each step:
 *
 *   map      route.c     cut the bio to what can be treated as one and decide:
 *                        hit, miss, join, or defer
 *   hit      hit.c       send it to the cache device and verify what comes back;
 *                        what cannot be trusted is read again into own pages
 *   miss     fill.c      read the origin into own pages, once
 *   defer    deferred.c  wait for room or memory for a read
 *   answer   fill.c      copy to all bios that wait
 *   insert   insert.c    write the pages to the cache device
 *   publish  index.c     set the bits: from here on it is a hit
 *   commit   commit.c    make what was published durable
 *
 * Whether the origin is the image that was cached is compared in the background:
 * check.c.
 *
 * The layers, bottom to top.  A file calls those to the left of it in its own
 * row and those in the rows above:
 *
 *   refuse disk numbers geometry format figures ghosts policy args places budget slotmap   pure
 *   break stats pages corcache name trace deferred mode   structures and objects
 *   index                                       which region is where
 *   metadata xfer                               table on disk; own pages
 *   commit flight hit                           durable; in flight; verified
 *   discard evict pin check fill                make room, or not; compare, read the origin
 *   insert cache heal                           copy; hand-over, quota; active again
 *   route message                               every bio; every message
 *   target                                      device-mapper's methods
 *
 * What has to come up comes as a work item that the upper layer has
 * initialised, or as an end function that it has handed down.  The one
 * exception is the loop of the problem: hit and fill give a bio back to the
 * router with corcache_route_again().  tools/testing/check/layers.sh holds the
 * objects of a build against this list.
 *
 * Two objects:
 *
 *   struct corcache_target  one table of one mapped device.  Owns the devices,
 *	the transfers under way and the deferred bios.  Lives from ctr to dtr;
 *	dtr waits for its transfers, which may mean: for the origin.
 *   struct corcache_cache   one cache device in use.  Owns index, slots and
 *	metadata.  Shared by the tables of one mapped device, so that a reload
 *	hands the cache over warm; counted.  At most one table, the owner, is
 *	between preresume and postsuspend, and only the owner writes to it.
 *
 * Locks.  None is held while another is taken, except for those listed inside
 * one another:
 *
 *   target->control_mutex	a message, activation, or the step to SUSPENDED;
 *     cache->commit.mutex	process context, held across I/O to the cache
 *       cache->lock
 *   corcache_registry_mutex	list of caches; process context; held for up to
 *     cache->lock		CORCACHE_SHUTDOWN_SECONDS at shutdown
 *   cache->commit.mutex	one commit at a time; process context, held
 *     cache->lock		across I/O to the cache device
 *   cache->lock		all writing to index and slots; irq-safe
 *   target->lock		transfers, deferred bios; irq-safe
 *
 * A hit takes none of them.  The memory ordering and the lifetimes are in
 * Documentation/dm-corcache/locking.rst.
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
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "args.h"
#include "budget.h"
#include "format.h"
#include "geometry.h"
#include "numbers.h"
#include "places.h"
#include "policy.h"
#include "slotmap.h"
#include "stats.h"

#define DM_MSG_PREFIX "corcache"

/*
 * Errors make a mode worse.  heal.c makes it active again, as does a resume, of the
 * same table or of another, which loads a cache that is bypassed from its device.
 */
enum corcache_mode {
	CORCACHE_ACTIVE,
	CORCACHE_FROZEN,	/* it cannot be written: hits only, nothing changes */
	CORCACHE_BYPASS,	/* cache device given up: all from the origin */
};

/* Why the mode is what it is; the word in the status line. */
enum corcache_reason {
	CORCACHE_REASON_NONE,
	CORCACHE_REASON_UNLOADED, /* bypass: no table with it was resumed yet */
	CORCACHE_REASON_COMMIT,	/* frozen: metadata could not be written */
	CORCACHE_REASON_WRITES,	/* frozen: data could not be written, max_errors times */
	CORCACHE_REASON_NOSPC,	/* frozen: the cache device has no space left */
	CORCACHE_REASON_ERRORS,	/* bypass: data could not be read, max_errors times */
	CORCACHE_REASON_CHECKSUMS, /* bypass: wrong checksums, max_errors times */
	CORCACHE_REASON_GONE,	/* bypass: the cache device has vanished */
	CORCACHE_REASON_READONLY, /* bypass: the cache device has become read-only */
	CORCACHE_REASON_ORIGIN,	/* bypass: the origin is another image */
};

/* What of the cache device went wrong; each kind is counted by itself. */
enum corcache_error {
	CORCACHE_ERROR_READ,
	CORCACHE_ERROR_WRITE,	/* of data */
	CORCACHE_ERROR_CHECKSUM,
	CORCACHE_ERRORS,
};

/* Why what was read from the origin is not inserted; also in the tracepoint. */
enum corcache_bypass {
	CORCACHE_BYPASS_QUOTA,	/* quota full, or the policy prefers what is cached */
	CORCACHE_BYPASS_WRITES,	/* too many writes to the cache under way */
	CORCACHE_BYPASS_MEMORY,	/* no memory for the write */
	CORCACHE_BYPASS_MODE,	/* frozen, bypass, or not the owner any more */
	CORCACHE_BYPASS_ERROR,	/* the write failed */
	CORCACHE_BYPASS_EVICTED, /* the region was evicted meanwhile */
	CORCACHE_BYPASS_CHECK,	/* the origin may be another image */
};

/* Is the origin the image that was cached? */
enum corcache_verdict {
	CORCACHE_ORIGIN_WANTED,	/* not known; hits and fills wait for a second */
	CORCACHE_ORIGIN_LATE,	/* not known; hits are served, nothing is inserted */
	CORCACHE_ORIGIN_EQUAL,
	CORCACHE_ORIGIN_WRONG,
};

/* The policy's answer for a region that was read from the origin and has no slot. */
enum corcache_decision {
	CORCACHE_ADMIT,		/* it gets one */
	CORCACHE_REJECT,	/* what is cached is worth more */
	CORCACHE_FULL,		/* it should get one, but none is free */
};

/* Slot flags */
#define CORCACHE_SLOT_USED	0x1	/* belongs to slot->region */
#define CORCACHE_SLOT_RETIRED	0x2	/* emptied, not yet free */
/* CORCACHE_HINT_KEPT, shifted down: what the device says and nobody here knows */
#define CORCACHE_SLOT_KEPT	0x7f00
#define CORCACHE_SLOT_KEPT_SHIFT 16

/**
 * struct corcache_slot - one slot of the cache device
 * @valid: which blocks are hits.  Set with release after the block and its
 *	CRC are in place, read with acquire by hits without a lock
 * @stamp: value that the retire sequence took when the slot was last retired
 * @region: the region in it; meaningful while USED.  A number of 32 bits: see
 *	corcache_slot_region()
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

/**
 * struct corcache_pins - what the policy is not to replace; index.c's
 * @regions: bit per region: pinned.  NULL until the first one is
 * @slots: bit per slot: it holds such a region; the policy reads it
 * @nr: bits in @regions
 * @in_force: the policy knows of @slots
 * @lost: there was no memory for what the device says
 *
 * Under cache->lock.
 */
struct corcache_pins {
	unsigned long	*regions;
	unsigned long	*slots;
	u64		nr;
	bool		in_force;
	bool		lost;
};

/**
 * struct corcache_discard - slots that the device need not keep; index.c's and discard.c's
 * @work: discards some; queued by index.c
 * @map: bit per slot: free, and not discarded since; NULL if that is off, or was never
 *	on
 * @hand: where the search for the next ones goes on; the work's own
 * @on: slots that become free are remembered
 *
 * Under cache->lock, but for @work and @hand.
 */
struct corcache_discard {
	struct delayed_work work;
	unsigned long	*map;
	u64		hand;
	bool		on;
};

struct corcache_batch;
struct corcache_target;
struct corcache_xfer;

/**
 * struct corcache_commit - the commits of a cache, commit.c's
 * @mutex: one commit at a time; held across its I/O
 * @work: the commit every @interval_ms; queued by index.c
 * @interval_ms: as in the owner's table line
 * @begun: commits begun; under cache->lock, as @ended and @awaited
 * @ended: commits ended
 * @awaited: a shutdown waits until @ended has reached this
 * @soon: the timer was brought forward since the last one began; under cache->lock
 * @hint_hand: where the search for hints that differ from the disk goes on, in
 *	groups of table sectors; under @mutex
 * @image: table sectors of @batch, vmalloc
 * @batch: of the commit under way
 */
struct corcache_commit {
	struct mutex	mutex;	/* see above */
	struct delayed_work work;
	unsigned int	interval_ms;
	u64		begun;
	u64		ended;
	u64		awaited;
	bool		soon;
	u64		hint_hand;
	void		*image;
	struct corcache_batch *batch;
};

/*
 * struct corcache_cache - a cache device in use
 *
 * The first group is read by hits and next to never written.  retire_seq
 * counts retired slots: see index.h.
 */
struct corcache_cache {
	struct corcache_geometry geo;
	corcache_entry_t *index;	/* by region */
	struct corcache_slot *slots;
	u32		*crc;		/* per block of the cache device, or NULL */
	unsigned long	*visited;	/* per slot: read lately; NULL: not used */
	struct corcache_stats __percpu *stats;
	enum corcache_mode mode;	/* READ_ONCE/WRITE_ONCE */
	u64		retire_seq;

	spinlock_t	lock ____cacheline_aligned_in_smp;
	struct corcache_slotmap free;	/* slots that are free, durably so */
	void		*free_memory;
	unsigned long	*hold_map;	/* removals that no commit has started on */
	unsigned long	*hold_commit_map; /* removals in the commit under way */
	unsigned long	*dirty_map;	/* table sectors that differ from the disk */
	unsigned long	*dirty_commit_map; /* those of the commit under way */
	u16		*hint_sums;	/* hints as they were written: see index.c */
	u64		held;		/* bits in hold_map */
	u64		dirty;		/* bits in dirty_map */
	u64		used;		/* slots that are not free */
	u64		retired;	/* of them, those on the way to be free */
	u64		writing;	/* sum of all slots' writers */
	u64		quota;		/* slots that may be used, at any instant */
	u64		admit_quota;	/* the same, or less while it is lowered */
	u64		valid_blocks;
	u64		pinned;		/* slots with a pinned region */
	struct corcache_pins pins;
	corcache_slot_t	hand;		/* where the search for a free slot starts */
	struct corcache_policy policy;
	void		*policy_memory;
	bool		policy_started;	/* it knows what is in the slots */
	enum corcache_policy_kind load_policy; /* with which the next load begins */
	struct corcache_target *owner;	/* between preresume and postsuspend */
	enum corcache_reason reason;
	u32		max_errors;
	struct corcache_places errors[CORCACHE_ERRORS]; /* mode.c's, by slot */

	struct corcache_commit commit;
	struct delayed_work reclaim_work; /* evict.c's, as the next two */
	unsigned long	reclaim_at;	/* while it is pending: when, in jiffies */
	u32		reclaim_us;	/* what its commits take, in the mean */
	struct corcache_discard discard;
	wait_queue_head_t wait;		/* slots became free, a commit ended */
	struct block_device *bdev;	/* the owner's */
	struct bio_set	bios;		/* writes: data and metadata */

	struct corcache_super super;
	bool		loaded;		/* index and slots reflect the device */
	bool		served;		/* has been loaded at least once */
	enum corcache_verdict verdict;	/* what the next owner's check starts with */
	dev_t		origin_dev;	/* of which this is true; with the next word it */
	u64		origin_seq;	/* names a device, and the medium in it */

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

/* What a deferred bio waits for. */
enum corcache_deferral {
	CORCACHE_DEFER_ORIGIN,	/* room or memory for a read of the origin */
	CORCACHE_DEFER_BOUNCE,	/* room or memory for a read into own pages */
	CORCACHE_DEFER_SUSPEND,	/* the end of a no-flush suspend */
	CORCACHE_DEFER_CHECK,	/* the verdict of the origin check, or its lateness */
};

/**
 * struct corcache_heal - the way back to active, heal.c's
 * @work: tries it
 * @delay_ms: before the next try; 0: none was needed yet
 * @since: in jiffies, when it was active again
 *
 * Under target->lock.
 */
struct corcache_heal {
	struct delayed_work work;
	unsigned int	delay_ms;
	unsigned long	since;
};

/**
 * struct corcache_deferred - bios that wait for their turn, deferred.c's
 * @origin: CORCACHE_DEFER_ORIGIN, in the order in which they came
 * @origin_tree: those of them that share a read, by their first sector
 * @nr_origin: how many wait in @origin
 * @bounce: CORCACHE_DEFER_BOUNCE
 * @suspend: CORCACHE_DEFER_SUSPEND
 * @check: CORCACHE_DEFER_CHECK
 * @nr_bounce: how many wait in @bounce
 * @nr_suspend: how many wait in @suspend
 * @nr_check: how many wait in @check
 * @origin_work: starts reads for @origin; fill.c's, in target->origin_wq
 * @bounce_work: starts reads for @bounce; route.c's, in target->cache_wq
 * @bounce_later: queues @bounce_work; route.c's
 * @check_work: routes @check again; route.c's, in corcache_wq
 *
 * Under target->lock, except for the work items.
 */
struct corcache_deferred {
	struct list_head origin;
	struct rb_root	origin_tree;
	unsigned int	nr_origin;
	struct bio_list	bounce;
	struct bio_list	suspend;
	struct bio_list	check;
	unsigned int	nr_bounce;
	unsigned int	nr_suspend;
	unsigned int	nr_check;
	struct work_struct origin_work;
	struct work_struct bounce_work;
	struct delayed_work bounce_later;
	struct work_struct check_work;
};

/*
 * What the pages of a transfer are held for.  Each has a budget of its own, which
 * all tables share: what waits for one device must not take what the other's need.
 */
enum corcache_memory {
	CORCACHE_MEMORY_READ,	/* the origin, until the answer is handed on */
	CORCACHE_MEMORY_INSERT,	/* a fill that is being written */
	CORCACHE_MEMORY_BOUNCE,	/* the cache device */
	CORCACHE_MEMORIES,	/* none of them: a spare transfer */
};

/**
 * struct corcache_xfers - the transfers of a target, xfer.c's
 * @nr: transfers that exist; the destructor waits until it is 0.  Written under
 *	target->lock, as @reserve
 * @reserve: the spare ones; NULL while in use
 * @share: what the others hold; under a lock of xfer.c's
 */
struct corcache_xfers {
	unsigned int	nr;
	struct corcache_xfer *reserve[CORCACHE_RESERVES];
	struct corcache_share share[CORCACHE_MEMORIES];
};

/**
 * struct corcache_flight - blocks that are read from the origin, flight.c's
 * @fills: fills by block; they never overlap
 * @reading: transfers that wait for the origin
 * @submit: of them, those not yet sent there
 * @delivered: fills that were answered and have not ended, by round
 * @round: which of the two the next one counts for
 * @submit_work: sends what is in @submit; fill.c's, in target->origin_wq
 * @answered: takes over a fill whose waiters are answered, from any context, and
 *	sees to it that it ends; handed down by insert.c
 *
 * Under target->lock, except for the last two.
 */
struct corcache_flight {
	struct rb_root	fills;
	struct list_head reading;
	struct list_head submit;
	unsigned int	delivered[2];
	u8		round;
	struct work_struct submit_work;
	void		(*answered)(struct corcache_xfer *x);
};

/**
 * struct corcache_insert - the writer of fills to the cache device, insert.c's
 * @todo: fills to be inserted; any context adds, under target->lock
 * @taken: those of them that @work has taken off, oldest first
 * @waiting: fills that wait for a commit, or for the origin check; @work's own
 * @again: those of them that are looked at again; @work's own
 * @look_again: what they wait for may have come since @work looked; set by
 *	corcache_kick_insert()
 * @work: in target->insert_wq
 */
struct corcache_insert {
	struct llist_head todo;
	struct llist_node *taken;
	struct list_head waiting;
	struct list_head again;
	bool		look_again;
	struct work_struct work;
};

enum corcache_check_phase {
	CORCACHE_CHECK_IDLE,
	CORCACHE_CHECK_READING,	/* a round is under way */
	CORCACHE_CHECK_RESTING,	/* one has ended without a verdict */
};

/**
 * struct corcache_sampler - which blocks the origin check compares
 * @round: for which round the following holds
 * @nr: blocks chosen in it
 * @found: there is a cached block; the lowest is
 * @lowest: this one,
 * @lowest_slot: in this slot
 * @others: how many blocks are cached besides
 * @slot: the search for one of them by its rank goes on here
 * @before: valid blocks in the slots before @slot, without the lowest
 *
 * check.c's work that sends the reads alone uses it.
 */
struct corcache_sampler {
	unsigned int	round;
	unsigned int	nr;
	bool		found;
	corcache_block_t lowest;
	corcache_slot_t	lowest_slot;
	u64		others;
	u64		slot;
	u64		before;
};

/**
 * struct corcache_check - is the origin the image that was cached?  check.c's
 * @verdict: read without the lock
 * @running: between resume and postsuspend
 * @present: had the origin a size when it was last looked at?  Read without
 * @seq: diskseq of the origin's disk at that time, likewise
 * @round: the reads of an earlier one tell nothing
 * @left: blocks that are still to be chosen in this round
 * @equal: blocks of this round that were equal
 * @failed: that could not be read
 * @gone: that were not in the cache any more when they had been read
 * @reading: reads under way, of all rounds
 * @phase: what @read_work has to do; read without
 * @delay: the next rest, in jiffies
 * @rested: when the last one began
 * @sampler: chooses
 * @answered: reads of the origin that have ended
 * @cached_read: the block that @compare_work reads from the cache device is there
 * @read_work: chooses blocks, and sends reads; in target->origin_wq
 * @compare_work: compares what was read; in target->cache_wq
 * @late_work: a second is over; in corcache_wq
 * @watch_work: looks at the origin once a second; in corcache_wq
 *
 * Under target->lock, except for @sampler and the work items.
 */
struct corcache_check {
	enum corcache_verdict verdict;
	bool		running;
	bool		present;
	u64		seq;
	unsigned int	round;
	unsigned int	left;
	unsigned int	equal;
	unsigned int	failed;
	unsigned int	gone;
	unsigned int	reading;
	enum corcache_check_phase phase;
	unsigned long	delay;
	unsigned long	rested;
	struct corcache_sampler sampler;
	struct list_head answered;
	bool		cached_read;
	struct delayed_work read_work;
	struct work_struct compare_work;
	struct delayed_work late_work;
	struct delayed_work watch_work;
};

/* Which bios map defers, and why: target->holding. */
#define CORCACHE_HOLD_SUSPEND	0x1	/* all: a no-flush suspend is pending */
#define CORCACHE_HOLD_CHECK	0x2	/* hits: the origin check has no verdict */

/*
 * struct corcache_target - one table
 *
 * The first group is set by the constructor and read by hits.
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
	u8		holding;	/* CORCACHE_HOLD_*; under lock, read without */
	u32		vector_mask;	/* bits of it that must be 0 */
	struct corcache_args args;

	/*
	 * Work that submits to a device, and blocks there when the device
	 * stalls: reads of the origin (suspend never waits for this one), reads
	 * of the cache device, and writes to it, behind which no reader waits.
	 */
	struct workqueue_struct *origin_wq;
	struct workqueue_struct *cache_wq;
	struct workqueue_struct *insert_wq;

	spinlock_t	lock ____cacheline_aligned_in_smp;
	enum corcache_state state;
	struct corcache_flight flight;
	struct corcache_deferred deferred;
	struct corcache_xfers xfers;
	struct corcache_insert insert;
	struct corcache_check check;
	wait_queue_head_t wait;		/* a round of fills or the last transfer ended */

	struct mutex	control_mutex;	/* a message, or the step to SUSPENDED */
	bool		noflush;	/* so the last suspend began; presuspend to postsuspend */
	struct corcache_heal heal;
	struct delayed_work sweep_work;	/* route.c's */
	struct work_struct event_work;	/* target.c's: the mode has changed */
};

/* What end_io has to do with a bio. */
enum corcache_stage {
	CORCACHE_STAGE_PASS,	/* nothing: it is answered */
	CORCACHE_STAGE_HIT,	/* it went to the cache device: verify */
};

/* How often a read is sent to the cache device that has no room or memory for it. */
#define CORCACHE_NO_ROOM_TIMES	8

/**
 * struct corcache_io - per-bio data
 * @iter: the bio's range when it was mapped, cut, in sectors of the target
 * @retire_seq: cache->retire_seq before the lookup
 * @slot: the slot of its first block; the next regions are in the next slots
 * @stage: for end_io
 * @private: the origin failed a read that others shared: read for this one alone
 * @single: the cache failed a read of several blocks: read block by block
 * @no_room: times that the cache device had no room or memory for a read
 * @target: for the worker
 * @xfer: the fill that it is to be answered from, with a reference
 * @work: verification or an answer; used by the owner of the bio
 * @deferred: in target->deferred.origin; then @work is not in use
 * @node: in target->deferred.origin_tree
 *
 * While the target owns the bio, bio->bi_iter is what is still to be answered,
 * in sectors of the target.
 */
struct corcache_io {
	struct bvec_iter iter;
	u64		retire_seq;
	corcache_slot_t	slot;
	u8		stage;
	bool		private;
	bool		single;
	u8		no_room;
	struct corcache_target *target;
	struct corcache_xfer *xfer;
	union {
		struct work_struct work;
		struct {
			struct list_head deferred;
			struct rb_node	node;
		};
	};
};

/*
 * All work that waits for no device: answering, verification, the sweep, timers of
 * the origin check, dm events.  Work that submits to a device, and may block there, has a queue of
 * its target's: one stalled device must not stop the others.
 */
extern struct workqueue_struct *corcache_wq;
/* Commits, of which there is one at a time for a cache; they wait for it. */
extern struct workqueue_struct *corcache_commit_wq;

static inline struct corcache_io *corcache_io(struct bio *bio)
{
	return dm_per_bio_data(bio, sizeof(struct corcache_io));
}

static inline struct bio *corcache_io_bio(struct corcache_io *io)
{
	return dm_bio_from_per_bio_data(io, sizeof(*io));
}

/* Of a bio that the target takes: all of it but what a lookup sets. */
static inline void corcache_io_init(struct corcache_target *target, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	io->target = target;
	io->stage = CORCACHE_STAGE_PASS;
	io->private = false;
	io->single = false;
	io->no_room = 0;
}

/* The region in a slot that is in use. */
static inline corcache_region_t corcache_slot_region(const struct corcache_slot *s)
{
	return to_region(s->region);
}

/* The checksums of the blocks of a slot, in a cache that has them. */
static inline u32 *corcache_slot_crcs(const struct corcache_cache *cache, corcache_slot_t slot)
{
	return cache->crc + (u64)from_slot(slot) * cache->geo.region_blocks;
}

static inline u64 corcache_bio_end(struct bio *bio)
{
	return bio->bi_iter.bi_sector + bio_sectors(bio);
}

/*
 * Cut a bio that is being mapped: the first @sectors of it are taken.  The rest is
 * mapped, and counted, as a bio of its own.
 */
static inline void corcache_bio_cut(struct corcache_target *target, struct bio *bio, u32 sectors)
{
	u64 rest = (u64)(bio_sectors(bio) - sectors) << SECTOR_SHIFT;

	corcache_stat_add(target->cache, read_bytes, -rest);
	dm_accept_partial_bio(bio, sectors);
}

/* Blocks that what is left of a bio touches. */
static inline u32 corcache_bio_blocks(const struct corcache_geometry *geo,
				      struct bio *bio)
{
	return corcache_blocks_touched(geo, bio->bi_iter.bi_sector,
				       corcache_bio_end(bio));
}

/*
 * Is the submitter of a bio that is no hit to be told so, instead of waiting?
 * Not if it is a kernel thread: then the task that would try again may be gone.
 * Device-mapper's own thread, after a suspend, and those of drivers above hand
 * on a reader's bio as it was once submitted.  As map never blocks, that bio can
 * be taken like any other.
 */
static inline bool corcache_bio_nowait(const struct bio *bio)
{
	return (bio->bi_opf & REQ_NOWAIT) && !(current->flags & PF_KTHREAD);
}

/*
 * Fills that wait, for a commit or for the origin check, are looked at again.  Any
 * context.  A target that
 * is the cache's owner under cache->lock, or the caller's own, is not freed.
 */
static inline void corcache_kick_insert(struct corcache_target *target)
{
	/* queue_work() orders the flag before the work that reads it */
	WRITE_ONCE(target->insert.look_again, true);
	queue_work(target->insert_wq, &target->insert.work);
}

#endif /* DM_CORCACHE_H */
