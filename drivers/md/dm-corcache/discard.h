/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache discard: slots that were emptied are discarded on the cache device.
 */
#ifndef DM_CORCACHE_DISCARD_H
#define DM_CORCACHE_DISCARD_H

#include "corcache.h"

void corcache_discard_init(struct corcache_cache *cache);

/**
 * corcache_discard_start() - slots that are free from now on are discarded, or not
 * @cache: loaded, with its device
 * @on: what the table line says
 *
 * Process context, when a table takes over.  A device that cannot discard, or too
 * little memory, makes a line in the log and nothing else.
 */
void corcache_discard_start(struct corcache_cache *cache, bool on);

/*
 * None is under way when it returns, nor begins before another slot becomes free or
 * the next start.  What is left is done after that.
 */
void corcache_discard_stop(struct corcache_cache *cache);

/* There may be something to discard: look, in a moment.  Process context. */
void corcache_discard_kick(struct corcache_cache *cache);

#endif /* DM_CORCACHE_DISCARD_H */
