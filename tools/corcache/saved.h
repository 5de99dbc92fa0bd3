/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * saved: what dmsetup has printed on another machine, or earlier.
 *
 * Lines of `dmsetup status` and, if they are there too, of `dmsetup table`, in any order:
 * "NAME: START LENGTH TARGET PARAMETER...". Those of other targets are left out.
 */
#ifndef CORCACHE_SAVED_H
#define CORCACHE_SAVED_H

#include "view.h"

/* @file: "-" is standard input. Returns an exit status. */
int saved_read(const char *file, struct views *views);

#endif /* CORCACHE_SAVED_H */
