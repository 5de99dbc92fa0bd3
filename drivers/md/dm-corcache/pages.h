/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache pages: pages of ended transfers, for the next ones.
 */
#ifndef DM_CORCACHE_PAGES_H
#define DM_CORCACHE_PAGES_H

#include <linux/bvec.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/* When the module is loaded; @wq is for freeing pages. */
void corcache_pages_init(struct workqueue_struct *wq);

/* When it is unloaded: there are no transfers any more. */
void corcache_pages_exit(void);

/**
 * corcache_pages_take() - take pages, as far as there are any
 * @vecs: bv_page is set in the first ones
 * @nr: how many are wanted
 *
 * Any context.  What is in them is what was read into them last.
 *
 * Return: how many there were.
 */
u32 corcache_pages_take(struct bio_vec *vecs, u32 nr);

/* Any context: give pages back; what does not fit is freed. */
void corcache_pages_give(struct bio_vec *vecs, u32 nr);

#endif /* DM_CORCACHE_PAGES_H */
