/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics: views of devices in the text format of Prometheus.
 *
 * Base units, bytes and seconds; no timestamps. Documentation/dm-corcache/metrics.rst
 * explains each; their names never change their meaning.
 */
#ifndef CORCACHE_METRICS_H
#define CORCACHE_METRICS_H

#include <stdio.h>

#include "view.h"

void metrics_print(const struct views *views, FILE *to);
/* To a file that others read at any time: it is there whole, or as it was. Returns an exit status. */
int metrics_write(const struct views *views, const char *file);

#endif /* CORCACHE_METRICS_H */
