/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache pages: pages of finished transfers, kept for the next ones.
 */
#ifndef DM_CORCACHE_PAGES_H
#define DM_CORCACHE_PAGES_H

#include <linux/bvec.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/* Most memory that lies here unused, and how long it may. */
#define CORCACHE_PAGES_BYTES	(8U << 20)
#define CORCACHE_PAGES_KEEP_MS	1000

/* More pages than that do not fit; with large pages, half a dozen do. */
#define CORCACHE_PAGES_MOST	(CORCACHE_PAGES_BYTES >> PAGE_SHIFT)

/**
 * struct corcache_pages - a stack of pages that nobody uses
 * @lock: guards all but @trim_work; nothing is taken inside it
 * @nr: pages in @page
 * @idle: as few as there were at any moment since the last trim
 * @page: CORCACHE_PAGES_MOST of them, the one used last on top
 * @trim_work: gives back those that were not needed
 */
struct corcache_pages {
	spinlock_t	lock;	/* nr, idle, page */
	u32		nr;
	u32		idle;
	struct page	**page;
	struct delayed_work trim_work;
};

/* Constructor's context.  Return: 0 or -ENOMEM. */
int corcache_pages_init(struct corcache_pages *pages);

/* Destructor's context; also after a failed init, and of zeroed memory. */
void corcache_pages_exit(struct corcache_pages *pages);

/**
 * corcache_pages_take() - take pages, as far as there are any
 * @pages: the stack
 * @vecs: bv_page is set in the first ones
 * @nr: how many are wanted
 *
 * Any context.  What is in them is what was read into them last.
 *
 * Return: how many there were.
 */
u32 corcache_pages_take(struct corcache_pages *pages, struct bio_vec *vecs, u32 nr);

/* Any context: give pages back; what does not fit is freed. */
void corcache_pages_give(struct corcache_pages *pages, struct bio_vec *vecs, u32 nr);

#endif /* DM_CORCACHE_PAGES_H */
