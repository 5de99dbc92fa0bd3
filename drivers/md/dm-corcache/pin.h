/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache pin: parts of the origin that the policy is not to replace.
 */
#ifndef DM_CORCACHE_PIN_H
#define DM_CORCACHE_PIN_H

#include "corcache.h"

/**
 * corcache_pin() - keep what is cached of a range, or comes later, from the policy
 * @cache: the cache
 * @first: first block
 * @last: last block, within the origin
 * @why: on failure receives one line
 *
 * A region is pinned if any of its blocks is in the range.  Process context; what is
 * cached is pinned durably by the next commit.  A failure has changed nothing.
 *
 * Return: 0; -ENOMEM; -ENOSPC if more regions would be pinned than may be.
 */
int corcache_pin(struct corcache_cache *cache, corcache_block_t first, corcache_block_t last,
		 struct corcache_refusal *why);

/* The opposite.  Regions of which a part is in the range are not pinned any more. */
void corcache_unpin(struct corcache_cache *cache, corcache_block_t first,
		    corcache_block_t last);

#endif /* DM_CORCACHE_PIN_H */
