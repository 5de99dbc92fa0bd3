/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache xfer: a read into pages of our own.
 *
 * A reader's bio never goes to the origin, and goes to the cache device only
 * when it can be sent as it is.  All else is a transfer:
 *
 *   fill	missing blocks, from the origin; shared; may be kept
 *   solo	exactly what one reader asked for, from the origin; not kept.
 *		For readers whose fill failed, and for bypass mode
 *   bounce	valid blocks, from the cache device, for one reader
 */
#ifndef DM_CORCACHE_XFER_H
#define DM_CORCACHE_XFER_H

#include <linux/refcount.h>

#include "dm-corcache.h"

/* Most that one transfer reads, if a block is not larger. */
#define CORCACHE_XFER_SECTORS	2048U

/* The same in blocks: a power of two. */
static inline u32 corcache_xfer_most(const struct corcache_geometry *geo)
{
	return max(CORCACHE_XFER_SECTORS >> geo->block_shift, 1U);
}

/*
 * The blocks that one transfer may read together with @block, wherever it
 * begins: from corcache_span_start() to before corcache_span_end().
 */
static inline u64 corcache_span_start(const struct corcache_geometry *geo,
				      u64 block)
{
	return round_down(block, (u64)corcache_xfer_most(geo));
}

static inline u64 corcache_span_end(const struct corcache_geometry *geo,
				    u64 block)
{
	return corcache_span_start(geo, block) + corcache_xfer_most(geo);
}

enum corcache_xfer_kind {
	CORCACHE_XFER_FILL,
	CORCACHE_XFER_SOLO,
	CORCACHE_XFER_BOUNCE,
};

/**
 * struct corcache_xfer - one transfer
 * @target: whose
 * @kind: which sort
 * @reserve: the spare one this is, or CORCACHE_RESERVES
 * @sector: first sector, of the target
 * @sectors: length
 * @done: called once when all bios have ended; any context
 * @pending: bios under way
 * @status: an error, if there was one
 * @bytes: size of the pages that are used, a multiple of the block size for
 *	fills and bounces; what lies beyond @sectors is zero
 * @held_bytes: size of the pages that it holds; what counts towards bounds
 * @nr_pages: pages allocated
 * @bios: one for every BIO_MAX_VECS pages
 * @vecs: one for every page, in order
 * @work: what goes on in process context
 *
 * Fills and solos:
 * @reading: in target->reading until the origin has answered
 * @waiters: bios to be answered, under target->lock
 * @nr_waiters: how many
 * @submit: in target->to_submit
 *
 * Fills:
 * @node: in target->fills, from the start until published or given up
 * @block: first block
 * @nr_blocks: length
 * @refs: the fill's own way, and everybody who copies from it meanwhile
 * @delivered: pages hold the origin's data; under target->lock
 * @round: in which of target->delivered it counts
 * @held: in cache->held_fills
 * @keep: in target->to_keep
 * @crc: per block
 * @slot: per region, CORCACHE_NO_SLOT: not kept
 *
 * Bounces:
 * @bio: the reader
 * @bounce_bytes: what it counts for in target->bouncing_bytes; 0 for others
 */
struct corcache_xfer {
	struct corcache_target *target;
	enum corcache_xfer_kind kind;
	enum corcache_reserve reserve;
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
	struct bio_list	waiters;
	unsigned int	nr_waiters;

	struct rb_node	node;
	u64		block;
	u32		nr_blocks;
	refcount_t	refs;
	bool		delivered;
	u8		round;
	struct list_head held;
	struct llist_node keep;
	u32		*crc;
	u32		*slot;

	struct bio	*bio;
	u32		bounce_bytes;
};

/* Constructor's and destructor's context. */
int corcache_xfer_alloc_reserves(struct corcache_target *target);
void corcache_xfer_free_reserves(struct corcache_target *target);

/* Bytes that every reserve can hold. */
u32 corcache_xfer_reserve_bytes(const struct corcache_geometry *geo);

/**
 * corcache_xfer_get() - a transfer of a number of blocks
 * @target: the target
 * @kind: the sort
 * @block: first block
 * @nr_blocks: in: wish, at least 1; not beyond the origin's end
 * @gfp: GFP_NOWAIT in map, GFP_NOIO in a worker.  With the latter the reserve
 *	is used if there is no memory, for fewer blocks if need be
 *
 * Return: a transfer with block, nr_blocks, sector, sectors and bytes set; or
 * NULL: no memory, or too many bounces.
 */
struct corcache_xfer *corcache_xfer_get(struct corcache_target *target,
					enum corcache_xfer_kind kind, u64 block,
					u32 nr_blocks, gfp_t gfp);

/*
 * Would a bounce be let through?  With target->lock held; when the answer turns
 * to yes, corcache_xfer_put() kicks.
 */
bool __corcache_xfer_may_bounce(struct corcache_target *target);

/*
 * With target->lock held: is there room for one of any size, besides those
 * under way and @granted others?
 */
bool __corcache_xfer_room_for_bounce(struct corcache_target *target, u32 granted);

/* Any context.  What waited for room or for the reserve is set going. */
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
u32 corcache_xfer_crc(struct corcache_xfer *x, u64 block, u32 offset, u32 bytes);

#endif /* DM_CORCACHE_XFER_H */
