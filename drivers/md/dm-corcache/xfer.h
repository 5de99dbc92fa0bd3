/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache xfer: a read into pages of the target's own.
 *
 * A reader's bio never goes to the origin, and goes to the cache device only
 * when it can be sent as it is.  All else is a transfer:
 *
 *   fill	missing blocks, from the origin; shared; may be inserted
 *   private	exactly what one reader asked for, from the origin; not inserted.
 *		For readers whose fill failed, or for whom the cache device has no room
 *   bounce	valid blocks, from the cache device, for one reader
 *   check	one block, from the origin, to be compared with what is cached
 */
#ifndef DM_CORCACHE_XFER_H
#define DM_CORCACHE_XFER_H

#include <linux/refcount.h>

#include "corcache.h"

enum corcache_xfer_kind {
	CORCACHE_XFER_FILL,
	CORCACHE_XFER_PRIVATE,
	CORCACHE_XFER_BOUNCE,
	CORCACHE_XFER_CHECK,
};

/**
 * struct corcache_xfer - one transfer
 * @target: the target it belongs to
 * @kind: which sort
 * @reserve: the spare one this is, or CORCACHE_RESERVES
 * @memory: what its pages are held for; CORCACHE_MEMORIES: it is a spare one
 * @sector: first sector, of the target
 * @sectors: length
 * @done: called once when all bios have ended; any context
 * @pending: bios under way
 * @status: an error, if there was one
 * @bytes: size of the pages that are used, a multiple of the block size for
 *	fills and bounces; what lies beyond @sectors is zero
 * @held_bytes: size of the pages that it holds; what counts towards the budget
 * @nr_pages: pages allocated
 * @bios: one for every BIO_MAX_VECS pages
 * @vecs: one for every page, in order
 * @work: what goes on in process context
 *
 * Fills and private reads:
 * @reading: in target->flight.reading until the origin has answered
 * @waiters: bios to be answered, under target->lock
 * @nr_waiters: how many
 * @submit: in target->flight.submit
 * @started: in jiffies, when it came into flight.reading
 *
 * Fills:
 * @node: in target->flight.fills, from the start until published or given up
 * @block: first block
 * @nr_blocks: length
 * @refs: the fill's own way, and each bio that is copied from it meanwhile
 * @delivered: pages hold the origin's data; under target->lock
 * @round: in which of target->flight.delivered it counts
 * @waiting: in target->insert.waiting or again; a check: in target->check.answered
 * @insert: in target->insert.todo
 * @crc: per block
 * @slot: per region; CORCACHE_NO_SLOT: not inserted
 *
 * Checks:
 * @check_round: of target->check
 *
 * Bounces:
 * @bio: the reader
 */
struct corcache_xfer {
	struct corcache_target *target;
	enum corcache_xfer_kind kind;
	enum corcache_reserve reserve;
	enum corcache_memory memory;
	u64		sector;
	u32		sectors;
	void		(*done)(struct corcache_xfer *x);
	atomic_t	pending;
	blk_status_t	status;
	u32		bytes;
	u32		held_bytes;
	u32		nr_pages;
	struct bio	*bios;
	struct bio_vec	*vecs;
	struct work_struct work;

	struct list_head reading;
	struct list_head submit;
	unsigned long	started;
	struct bio_list	waiters;
	unsigned int	nr_waiters;

	struct rb_node	node;
	corcache_block_t block;
	u32		nr_blocks;
	refcount_t	refs;
	bool		delivered;
	u8		round;
	struct list_head waiting;
	struct llist_node insert;
	u32		*crc;
	corcache_slot_t	*slot;

	unsigned int	check_round;

	struct bio	*bio;
};

/*
 * Constructor's context, with target->cache.  Return: 0 or -ENOMEM; on failure
 * corcache_xfer_exit() frees what there is, as it does of zeroed memory.
 */
int corcache_xfer_init(struct corcache_target *target);
void corcache_xfer_exit(struct corcache_target *target);

/**
 * corcache_xfer_get() - a transfer of a number of blocks
 * @target: the target
 * @kind: the sort
 * @block: first block
 * @nr_blocks: in: wish, at least 1; not beyond the origin's end
 * @gfp: GFP_NOWAIT in map, GFP_NOIO in a worker.  With the latter the spare one
 *	is used if there is no memory, for fewer blocks if need be
 *
 * A worker that gets none is queued again when there is some: see xfer.c.
 *
 * Return: a transfer with block, nr_blocks, sector, sectors and bytes set; or
 * NULL: no memory, or the table holds as much as it may.
 */
struct corcache_xfer *corcache_xfer_get(struct corcache_target *target,
					enum corcache_xfer_kind kind,
					corcache_block_t block, u32 nr_blocks, gfp_t gfp);

/*
 * Can a worker start a bounce of any size, whatever memory there is?  With
 * target->lock held; when the answer turns to yes, corcache_xfer_put() queues the
 * work that starts deferred bounces.
 */
bool __corcache_xfer_may_bounce(struct corcache_target *target);

/*
 * A fill that was answered is to be inserted: its pages are held for that, and not
 * for reading, from now on.  With target->lock held.  Return: false: no more may be.
 */
bool __corcache_xfer_hold_for_insert(struct corcache_xfer *x);

/* Any context.  Queues the work of those that wait for memory or for the spare one. */
void corcache_xfer_put(struct corcache_xfer *x);

/* Make it shorter, before it is submitted. */
void corcache_xfer_trim(struct corcache_xfer *x, u32 nr_blocks);

/**
 * corcache_xfer_read() - submit it
 * @x: the transfer; may be gone when this returns
 * @bdev: to read from
 * @sector: first sector on @bdev
 *
 * map or process context.
 */
void corcache_xfer_read(struct corcache_xfer *x, struct block_device *bdev,
			u64 sector);

/**
 * corcache_xfer_write() - submit a write of part of a fill
 * @x: the transfer, with a reference in @x->pending for as long as this runs
 * @bdev: the cache device
 * @sector: first sector on @bdev
 * @offset: first byte in the transfer's pages
 * @bytes: length
 *
 * Process context.  @x->done is called when @x->pending drops to 0.
 *
 * Return: false if there is no memory; part of it may have been submitted.
 */
bool corcache_xfer_write(struct corcache_xfer *x, struct block_device *bdev,
			 u64 sector, u32 offset, u32 bytes);

/* Drop a reference in @x->pending. */
void corcache_xfer_put_pending(struct corcache_xfer *x);

/* Any context: copy @bytes from @offset of the pages to where the bio is. */
void corcache_xfer_copy(struct corcache_xfer *x, u32 offset, struct bio *bio,
			u32 bytes);

/* Any context: the checksum of @block, whose bytes are in a part of the pages. */
u32 corcache_xfer_crc(struct corcache_xfer *x, corcache_block_t block, u32 offset,
		      u32 bytes);

#endif /* DM_CORCACHE_XFER_H */
