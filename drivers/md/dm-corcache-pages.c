// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache pages: pages of finished transfers, kept for the next ones.
 *
 * Owns the pages that lie in a target's stack.  A page that is allocated is
 * cleared first on many systems (init_on_alloc), and one that was used a moment
 * ago is still in the processor's caches; to a cold read of 1 MiB either is
 * worth as much as a copy of it.
 *
 * It is bounded, and it empties itself: pages that were in nobody's hands for
 * the whole of an interval are given back, so that an idle target holds none.
 * No read depends on it.  What a page holds never leaves the target: a transfer
 * is given to a reader as far as a device has filled it, and zeroed behind.
 *
 * @lock is taken in any context, irq-safe, inside no other lock.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "dm-corcache.h"

static void trim_later(struct corcache_pages *pages)
{
	queue_delayed_work(corcache_wq, &pages->trim_work,
			   msecs_to_jiffies(CORCACHE_PAGES_KEEP_MS));
}

static struct page *take_idle(struct corcache_pages *pages)
{
	struct page *page = NULL;

	spin_lock_irq(&pages->lock);
	if (pages->idle) {
		pages->idle--;
		page = pages->page[--pages->nr];
	}
	spin_unlock_irq(&pages->lock);
	return page;
}

static void trim_work(struct work_struct *work)
{
	struct corcache_pages *pages = container_of(to_delayed_work(work),
						    struct corcache_pages, trim_work);
	struct page *page;
	bool more;

	while ((page = take_idle(pages))) {
		__free_page(page);
		cond_resched();
	}
	spin_lock_irq(&pages->lock);
	pages->idle = pages->nr;
	more = pages->nr;
	spin_unlock_irq(&pages->lock);
	if (more)
		trim_later(pages);
}

int corcache_pages_init(struct corcache_pages *pages)
{
	spin_lock_init(&pages->lock);
	INIT_DELAYED_WORK(&pages->trim_work, trim_work);
	pages->nr = 0;
	pages->idle = 0;
	pages->page = kvcalloc(CORCACHE_PAGES_MOST, sizeof(*pages->page), GFP_KERNEL);
	return pages->page ? 0 : -ENOMEM;
}

void corcache_pages_exit(struct corcache_pages *pages)
{
	if (!pages->page)
		return;
	cancel_delayed_work_sync(&pages->trim_work);
	while (pages->nr)
		__free_page(pages->page[--pages->nr]);
	kvfree(pages->page);
	pages->page = NULL;
}

u32 corcache_pages_take(struct corcache_pages *pages, struct bio_vec *vecs, u32 nr)
{
	unsigned long flags;
	u32 i, taken;

	spin_lock_irqsave(&pages->lock, flags);
	taken = min(nr, pages->nr);
	for (i = 0; i < taken; i++)
		vecs[i].bv_page = pages->page[--pages->nr];
	pages->idle = min(pages->idle, pages->nr);
	spin_unlock_irqrestore(&pages->lock, flags);
	return taken;
}

void corcache_pages_give(struct corcache_pages *pages, struct bio_vec *vecs, u32 nr)
{
	unsigned long flags;
	bool first;
	u32 i, given;

	spin_lock_irqsave(&pages->lock, flags);
	first = !pages->nr;
	given = min(nr, CORCACHE_PAGES_MOST - pages->nr);
	for (i = 0; i < given; i++)
		pages->page[pages->nr++] = vecs[i].bv_page;
	spin_unlock_irqrestore(&pages->lock, flags);

	if (first && given)
		trim_later(pages);
	for (i = given; i < nr; i++)
		__free_page(vecs[i].bv_page);
}
