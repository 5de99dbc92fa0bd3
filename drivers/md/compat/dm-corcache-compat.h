/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache compat: the only file that knows one kernel from another.
 *
 * The target is written against the newest interface; each entry adapts an
 * older kernel to it and says since when it is needed no more.  Features are
 * probed (macros, headers), versions are not compared.
 */
#ifndef DM_CORCACHE_COMPAT_H
#define DM_CORCACHE_COMPAT_H

#include <linux/blkdev.h>

/*
 * 6.5: opening a block device takes a blk_mode_t and BLK_OPEN_*, before it
 * was fmode_t and FMODE_*.  Remove when the oldest supported kernel is >= 6.5.
 */
#ifndef BLK_OPEN_READ
#define BLK_OPEN_READ	FMODE_READ
#define BLK_OPEN_WRITE	FMODE_WRITE
#endif

#endif /* DM_CORCACHE_COMPAT_H */
