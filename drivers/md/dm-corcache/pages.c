// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache pages: pages of ended transfers, for the next ones.
 *
 * Owns the pages in the module's one stack.  A page that is allocated is cleared first
 * on many systems (init_on_alloc), and one that was used a moment ago is still
 * in the processor's caches; to a cold read of 1 MiB either is worth as much as
 * a copy of it.
 *
 * The stack is bounded, and it empties itself: pages that were unused for the
 * whole of an interval are freed, so that idle targets hold none.  No read depends
 * on it.  It is one for all targets, so that its bound is one, too; they come to it
 * once for each transfer.  What a page holds never leaves the module: a reader gets
 * of a transfer what a device has filled, and the rest is zeroed.
 *
 * pages_lock is taken in any context, irq-safe, inside no other lock.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "pages.h"

/* Most memory that may be unused here, and for how long. */
#define UNUSED_BYTES	(8U << 20)
#define UNUSED_MS	1000

/* The same in pages. */
#define UNUSED_MOST	(UNUSED_BYTES >> PAGE_SHIFT)

static DEFINE_SPINLOCK(pages_lock);
/* The one used last on top; all of it under the lock. */
static struct page *stack[UNUSED_MOST];
static u32 nr_unused;
/* As few as there were at any moment since the last trim. */
static u32 nr_idle;

static struct delayed_work trim;
static struct workqueue_struct *trim_wq;

static void trim_later(void)
{
	queue_delayed_work(trim_wq, &trim, msecs_to_jiffies(UNUSED_MS));
}

static struct page *take_idle(void)
{
	struct page *page = NULL;

	spin_lock_irq(&pages_lock);
	if (nr_idle) {
		nr_idle--;
		page = stack[--nr_unused];
	}
	spin_unlock_irq(&pages_lock);
	return page;
}

static void trim_work(struct work_struct *work)
{
	struct page *page;
	bool more;

	while ((page = take_idle())) {
		__free_page(page);
		cond_resched();
	}
	spin_lock_irq(&pages_lock);
	nr_idle = nr_unused;
	more = nr_unused;
	spin_unlock_irq(&pages_lock);
	if (more)
		trim_later();
}

void corcache_pages_init(struct workqueue_struct *wq)
{
	INIT_DELAYED_WORK(&trim, trim_work);
	trim_wq = wq;
}

void corcache_pages_exit(void)
{
	cancel_delayed_work_sync(&trim);
	while (nr_unused)
		__free_page(stack[--nr_unused]);
}

u32 corcache_pages_take(struct bio_vec *vecs, u32 nr)
{
	unsigned long flags;
	u32 i, taken;

	spin_lock_irqsave(&pages_lock, flags);
	taken = min(nr, nr_unused);
	for (i = 0; i < taken; i++)
		vecs[i].bv_page = stack[--nr_unused];
	nr_idle = min(nr_idle, nr_unused);
	spin_unlock_irqrestore(&pages_lock, flags);
	return taken;
}

void corcache_pages_give(struct bio_vec *vecs, u32 nr)
{
	unsigned long flags;
	bool first;
	u32 i, given;

	spin_lock_irqsave(&pages_lock, flags);
	first = !nr_unused;
	given = min_t(u32, nr, UNUSED_MOST - nr_unused);
	for (i = 0; i < given; i++)
		stack[nr_unused++] = vecs[i].bv_page;
	spin_unlock_irqrestore(&pages_lock, flags);

	if (first && given)
		trim_later();
	for (i = given; i < nr; i++)
		__free_page(vecs[i].bv_page);
}
