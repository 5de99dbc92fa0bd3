/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache flight: the blocks that are read from the origin, or written to
 * the cache device, and the rounds in which they end.
 *
 * Functions with a leading __ want target->lock held.
 */
#ifndef DM_CORCACHE_FLIGHT_H
#define DM_CORCACHE_FLIGHT_H

#include "xfer.h"

void corcache_flight_init(struct corcache_flight *flight);

/**
 * __corcache_flight_find() - the fill that covers a block
 * @flight: the table
 * @block: the block
 * @gap: out: blocks from @block to the next fill; U64_MAX if there is none
 *
 * Return: the fill, or NULL.
 */
struct corcache_xfer *__corcache_flight_find(struct corcache_flight *flight,
					     corcache_block_t block, u64 *gap);

/*
 * A transfer waits for the origin from now on, and is to be sent there.  If it is
 * a fill, its blocks are in the table; they must not be in another's.
 */
void __corcache_flight_begin(struct corcache_xfer *x);

/**
 * __corcache_flight_deliver() - the origin has answered
 * @x: the transfer; its status says what
 * @bios: receives the bios that waited for it
 *
 * A fill without an error stays in the table, and counts for the current round,
 * until __corcache_flight_end().
 */
void __corcache_flight_deliver(struct corcache_xfer *x, struct bio_list *bios);

/*
 * The end of a delivered fill: out of the table.  What waits for the round is
 * woken: once the lock is let go, the target waits for nothing but @x itself,
 * which is put last (corcache_flight_put()).
 */
void __corcache_flight_end(struct corcache_xfer *x);

/* Drop a reference of a fill, or the only one of a private read.  Any context. */
void corcache_flight_put(struct corcache_xfer *x);

/* Let a bio wait for a transfer that has not been delivered. */
void __corcache_flight_wait(struct corcache_xfer *x, struct bio *bio);

/* Take all bios that wait for the origin off their transfers. */
void __corcache_flight_unwait(struct corcache_flight *flight, struct bio_list *bios);

/* The age of the oldest read that the origin has not answered; 0 if there is none. */
u32 __corcache_flight_stalled_ms(struct corcache_flight *flight);

/* The next transfer to be sent to the origin, or NULL.  Process context. */
struct corcache_xfer *corcache_flight_next_to_submit(struct corcache_flight *flight);

/*
 * Wait for what becomes of all fills that the origin has answered by now: what
 * readers were given before, if it is inserted at all, is published.  With
 * target->control_mutex held; waits for the cache device, perhaps for a commit.
 * Return: 0; -EINTR if the task is to die.
 */
int corcache_flight_settle(struct corcache_target *target);

/* Wait for all writes of fills to the cache device; the target is SUSPENDED. */
void corcache_flight_drain(struct corcache_target *target);

#endif /* DM_CORCACHE_FLIGHT_H */
