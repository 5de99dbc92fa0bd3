/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache heal: a cache that was frozen or bypassed becomes active again.
 */
#ifndef DM_CORCACHE_HEAL_H
#define DM_CORCACHE_HEAL_H

#include "corcache.h"

/**
 * corcache_heal_begin() - the mode of the cache has changed
 * @target: the owner of the cache
 *
 * If it is one that may end by itself, it is tried again later.
 *
 * Context: process.
 */
void corcache_heal_begin(struct corcache_target *target);

/**
 * corcache_heal_now() - message `recover`
 * @target: the target, with control_mutex held
 * @why: on failure receives one line
 *
 * Whatever the reason is.  Nothing is done to a cache that is active.
 *
 * Context: process; waits for the cache device, not for the origin.
 *
 * Return: 0: it is active; or an error.
 */
int corcache_heal_now(struct corcache_target *target, struct corcache_refusal *why);

/* One try for a frozen cache that is taken over.  preresume's context, with control_mutex. */
void corcache_heal_frozen(struct corcache_target *target);

/* No try is under way or to come, unless the mode changes. */
void corcache_heal_stop(struct corcache_target *target);

void corcache_heal_init(struct corcache_target *target);

#endif /* DM_CORCACHE_HEAL_H */
