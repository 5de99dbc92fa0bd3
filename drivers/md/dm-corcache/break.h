/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache break: faults to build in on purpose, to show that the crash
 * replay (tools/testing/crash) would find them.
 *
 * A module that is built without -DCORCACHE_BREAK=..., as all are but the
 * replay's, has none of this: the conditions are constant.  One that has says so
 * when it is loaded.
 */
#ifndef DM_CORCACHE_BREAK_H
#define DM_CORCACHE_BREAK_H

#include <linux/types.h>

#define CORCACHE_BREAK_FLUSH	1	/* no flush of the data before the table is written */
#define CORCACHE_BREAK_IMAGES	2	/* images of table sectors are built after it */
#define CORCACHE_BREAK_REUSE	3	/* a slot is written again before its removal is durable */
#define CORCACHE_BREAK_COMMIT	4	/* a commit does not wait until the table is durable */
#define CORCACHE_BREAK_FORMAT	5	/* an old copy of a superblock is not removed first */
#define CORCACHE_BREAK_DISCARD	6	/* a slot is discarded before its removal is durable */
#define CORCACHE_BREAK_AGAIN	7	/* what a failed commit had taken is forgotten */

#ifndef CORCACHE_BREAK
#define CORCACHE_BREAK		0
#endif

static inline bool corcache_breaks(int what)
{
	return what == CORCACHE_BREAK;
}

#endif /* DM_CORCACHE_BREAK_H */
