/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache name: what a mapped device is called in the log.
 */
#ifndef DM_CORCACHE_NAME_H
#define DM_CORCACHE_NAME_H

#include <linux/dm-ioctl.h>

#include "corcache.h"

/* Room for a name. */
struct corcache_md_name {
	char text[DM_NAME_LEN];
};

/**
 * corcache_md_name() - the name by which users know a mapped device
 * @md: the mapped device
 * @name: receives it
 *
 * It may be renamed at any time; one that is being removed has no name any more,
 * then it is its number.
 *
 * Context: process; takes a mutex of device-mapper's.
 *
 * Return: the name.
 */
const char *corcache_md_name(struct mapped_device *md, struct corcache_md_name *name);

/* That of the mapped device of a target. */
const char *corcache_target_name(struct corcache_target *target, struct corcache_md_name *name);

#endif /* DM_CORCACHE_NAME_H */
