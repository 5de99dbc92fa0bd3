// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache flight: the blocks that are read from the origin, or written to
 * the cache device, and the rounds in which they end.
 *
 * Owns struct corcache_flight, all under target->lock: the table of fills by
 * block, the transfers that wait for the origin, and the count of fills that
 * were delivered and have not ended.  A block is in the table from the first
 * question until its bit is published or given up, so that the origin is asked
 * once; and the bit is set before the block leaves the table, so that a reader
 * that finds it gone, and looks again under target->lock, finds the bit.
 *
 * Rounds let a message wait for the fills of before and not for those that come
 * while it waits: each fill counts for the round that was current when it was
 * delivered.
 *
 * Contexts: any, except where the header says otherwise.
 */
#include "flight.h"

static struct corcache_target *flight_target(struct corcache_flight *flight)
{
	return container_of(flight, struct corcache_target, flight);
}

/* -------- The table ---------------------------------------------------- */

/* The fill that covers @block, or else the first one after it. */
static struct corcache_xfer *__covering_or_next(struct corcache_flight *flight,
						corcache_block_t block)
{
	struct rb_node *n = flight->fills.rb_node;
	struct corcache_xfer *after = NULL;

	lockdep_assert_held(&flight_target(flight)->lock);
	while (n) {
		struct corcache_xfer *x = rb_entry(n, struct corcache_xfer, node);

		if (!block_before(block, block_add(x->block, x->nr_blocks))) {
			n = n->rb_right;
		} else {
			after = x;
			n = n->rb_left;
		}
	}
	return after;
}

struct corcache_xfer *__corcache_flight_find(struct corcache_flight *flight,
					     corcache_block_t block, u64 *gap)
{
	struct corcache_xfer *x;

	lockdep_assert_held(&flight_target(flight)->lock);
	x = __covering_or_next(flight, block);
	*gap = x ? block_distance(block, x->block) : U64_MAX;
	return x && !block_before(block, x->block) ? x : NULL;
}

static void __add_to_table(struct corcache_flight *flight, struct corcache_xfer *x)
{
	struct rb_node **p = &flight->fills.rb_node, *parent = NULL;

	lockdep_assert_held(&x->target->lock);
	while (*p) {
		parent = *p;
		if (block_before(x->block, rb_entry(parent, struct corcache_xfer, node)->block))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&x->node, parent, p);
	rb_insert_color(&x->node, &flight->fills);
}

void __corcache_flight_begin(struct corcache_xfer *x)
{
	struct corcache_flight *flight = &x->target->flight;

	lockdep_assert_held(&x->target->lock);
	x->started = jiffies;
	list_add_tail(&x->reading, &flight->reading);
	list_add_tail(&x->submit, &flight->submit);
	if (x->kind == CORCACHE_XFER_FILL)
		__add_to_table(flight, x);
	queue_work(x->target->origin_wq, &flight->submit_work);
}

u32 __corcache_flight_stalled_ms(struct corcache_flight *flight)
{
	struct corcache_xfer *oldest;

	lockdep_assert_held(&flight_target(flight)->lock);
	oldest = list_first_entry_or_null(&flight->reading, struct corcache_xfer, reading);
	return oldest ? jiffies_to_msecs(jiffies - oldest->started) : 0;
}

struct corcache_xfer *corcache_flight_next_to_submit(struct corcache_flight *flight)
{
	struct corcache_xfer *x;

	spin_lock_irq(&flight_target(flight)->lock);
	x = list_first_entry_or_null(&flight->submit, struct corcache_xfer, submit);
	if (x)
		list_del_init(&x->submit);
	spin_unlock_irq(&flight_target(flight)->lock);
	return x;
}

/* -------- Bios that wait ------------------------------------------------ */

void __corcache_flight_wait(struct corcache_xfer *x, struct bio *bio)
{
	lockdep_assert_held(&x->target->lock);
	bio_list_add(&x->waiters, bio);
	WRITE_ONCE(x->nr_waiters, x->nr_waiters + 1);
}

void __corcache_flight_unwait(struct corcache_flight *flight, struct bio_list *bios)
{
	struct corcache_xfer *x;

	lockdep_assert_held(&flight_target(flight)->lock);
	list_for_each_entry(x, &flight->reading, reading) {
		bio_list_merge(bios, &x->waiters);
		bio_list_init(&x->waiters);
	}
}

/* -------- Delivered, and the end ----------------------------------------- */

/* From here to the end it is one of those under way. */
static void __count_delivered(struct corcache_flight *flight, struct corcache_xfer *x)
{
	lockdep_assert_held(&x->target->lock);
	x->delivered = true;
	if (x->kind != CORCACHE_XFER_FILL)
		return;
	x->round = flight->round;
	/* read without the lock by wait_for_round() */
	WRITE_ONCE(flight->delivered[x->round], flight->delivered[x->round] + 1);
}

void __corcache_flight_deliver(struct corcache_xfer *x, struct bio_list *bios)
{
	struct corcache_flight *flight = &x->target->flight;

	lockdep_assert_held(&x->target->lock);
	list_del_init(&x->reading);
	bio_list_merge(bios, &x->waiters);
	bio_list_init(&x->waiters);
	if (!x->status)
		__count_delivered(flight, x);
	else if (x->kind == CORCACHE_XFER_FILL)
		rb_erase(&x->node, &flight->fills);
}

void __corcache_flight_end(struct corcache_xfer *x)
{
	struct corcache_target *target = x->target;
	struct corcache_flight *flight = &target->flight;
	unsigned int left;

	lockdep_assert_held(&target->lock);
	rb_erase(&x->node, &flight->fills);
	left = flight->delivered[x->round] - 1;
	WRITE_ONCE(flight->delivered[x->round], left);
	if (!left)
		wake_up_all(&target->wait);
}

void corcache_flight_put(struct corcache_xfer *x)
{
	if (refcount_dec_and_test(&x->refs))
		corcache_xfer_put(x);
}

/* -------- Rounds --------------------------------------------------------- */

static bool round_is_over(struct corcache_target *target, u8 round)
{
	return !READ_ONCE(target->flight.delivered[round]);
}

static void wait_for_round(struct corcache_target *target, u8 round)
{
	wait_event(target->wait, round_is_over(target, round));
	/* the last caller of __corcache_flight_end() has let go of the lock */
	spin_lock_irq(&target->lock);
	spin_unlock_irq(&target->lock);
}

/*
 * Fills that are delivered from now on count for the other round.  It is empty,
 * unless the call that made this round the current one was killed before it was.
 */
int corcache_flight_settle(struct corcache_target *target)
{
	u8 round;

	lockdep_assert_held(&target->control_mutex);
	spin_lock_irq(&target->lock);
	round = target->flight.round;
	spin_unlock_irq(&target->lock);
	if (wait_event_killable(target->wait, round_is_over(target, !round)))
		return -EINTR;

	spin_lock_irq(&target->lock);
	target->flight.round = !round;
	spin_unlock_irq(&target->lock);
	return wait_event_killable(target->wait, round_is_over(target, round)) ? -EINTR : 0;
}

void corcache_flight_drain(struct corcache_target *target)
{
	/* fills that wait for a commit see that it will not be theirs */
	corcache_kick_insert(target);
	wait_for_round(target, 0);
	wait_for_round(target, 1);
}

void corcache_flight_init(struct corcache_flight *flight)
{
	flight->fills = RB_ROOT;
	INIT_LIST_HEAD(&flight->reading);
	INIT_LIST_HEAD(&flight->submit);
}
