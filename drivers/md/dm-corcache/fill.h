/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache fill: reads of the origin, shared by all bios that wait for them.
 */
#ifndef DM_CORCACHE_FILL_H
#define DM_CORCACHE_FILL_H

#include "xfer.h"

/**
 * corcache_fill_map() - join a fill under way, begin one, or defer
 * @target: the target
 * @bio: being mapped; its first block is missing
 *
 * The bio is cut to what the fill covers.
 *
 * Return: false if its first block has become valid: look again.
 */
bool corcache_fill_map(struct corcache_target *target, struct bio *bio);

/**
 * corcache_fill_join() - join a fill under way, or defer
 * @target: the target
 * @bio: owned by the target; its first block is missing
 *
 * Any context.
 *
 * Return: false if its first block has become valid.
 */
bool corcache_fill_join(struct corcache_target *target, struct bio *bio);

void corcache_fill_init(struct corcache_target *target);

#endif /* DM_CORCACHE_FILL_H */
