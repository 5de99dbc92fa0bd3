/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache budget: how much memory each table may hold of what all of them share.
 *
 * Arithmetic alone: no lock, no allocation, any context.  Compiles in user space
 * as well.  The lock, and what is waiting for memory, are xfer.c's.
 *
 * A table has a part of each budget that nobody else can take, its own, which is
 * enough for one transfer.  Beyond that it may hold four times as much as is
 * left for the others:
 *
 *   alone	four fifths of what is shared
 *   with n more	4 / (4 n + 5) of it each, and 1 / (4 n + 5) stays free
 *
 * so whoever comes finds something, whatever those before hold, and however long:
 * their devices may have stalled for good.
 */
#ifndef DM_CORCACHE_BUDGET_H
#define DM_CORCACHE_BUDGET_H

#include <linux/types.h>

/* Most that one table may hold of one budget. */
#define CORCACHE_SHARE_MOST	(32ULL << 20)

/**
 * struct corcache_budget - memory for one purpose, of all tables
 * @most: bytes that all of them may hold
 * @shared_most: of these, what tables may hold beyond their own; the rest is
 *	for what is their own
 * @used: bytes that they hold
 * @shared: of these, what lies beyond their own
 */
struct corcache_budget {
	u64	most;
	u64	shared_most;
	u64	used;
	u64	shared;
};

/**
 * struct corcache_share - a table's part of a budget
 * @own: bytes that others cannot take from it
 * @bytes: what it holds
 *
 * @own does not change while @bytes is not 0.
 */
struct corcache_share {
	u64	own;
	u64	bytes;
};

/**
 * corcache_budget_take() - may a table hold @bytes more?
 * @budget: the budget
 * @share: the table's part of it
 * @bytes: at most CORCACHE_SHARE_MOST
 *
 * Return: true if it does from now on; false: nothing has changed.
 */
bool corcache_budget_take(struct corcache_budget *budget, struct corcache_share *share,
			  u64 bytes);

/* It does not hold them any more. */
void corcache_budget_give(struct corcache_budget *budget, struct corcache_share *share,
			  u64 bytes);

#endif /* DM_CORCACHE_BUDGET_H */
