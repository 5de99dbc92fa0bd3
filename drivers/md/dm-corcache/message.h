/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache message: what `dmsetup message` can ask for.
 */
#ifndef DM_CORCACHE_MESSAGE_H
#define DM_CORCACHE_MESSAGE_H

#include "corcache.h"

/**
 * corcache_message() - the target's message method
 * @target: the target
 * @argc: number of words
 * @argv: the words
 *
 * Process context.  May wait for the cache device, never for the origin.
 *
 * Return: 0; -EINVAL for a malformed one, with a line in the log; -EBUSY while
 * suspended, -EIO in a mode that forbids it or if the device fails.
 */
int corcache_message(struct corcache_target *target, unsigned int argc,
		     char **argv);

#endif /* DM_CORCACHE_MESSAGE_H */
