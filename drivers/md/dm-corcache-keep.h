/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache keep: what the origin has answered is copied to the cache device.
 */
#ifndef DM_CORCACHE_KEEP_H
#define DM_CORCACHE_KEEP_H

#include "dm-corcache-xfer.h"

/**
 * corcache_keep() - copy a fill to the cache device, if that may be
 * @x: delivered; all who waited for it are answered
 *
 * Any context.  Return: true if it will be its turn at some time; then it is not
 * the caller's any more.  False if the target or the cache does not write, or
 * too much is being written: then the caller finishes it.
 */
bool corcache_keep(struct corcache_xfer *x);

/*
 * Look again whether a fill can be kept now that waited for a commit.  Any
 * context, with cache->lock held; the fill is not the caller's any more.
 */
void corcache_keep_again(struct corcache_xfer *x);

void corcache_keep_init(struct corcache_target *target);

#endif /* DM_CORCACHE_KEEP_H */
