/* SPDX-License-Identifier: GPL-2.0-only */
/* view_text: a device's view, for people. */
#ifndef CORCACHE_VIEW_TEXT_H
#define CORCACHE_VIEW_TEXT_H

#include <stdio.h>

#include "view.h"

/* Some lines for each device, an empty one between two. */
void view_text_print(const struct views *views, FILE *to);
/* A line for each device, for logs. */
void view_text_print_lines(const struct views *views, FILE *to);

#endif /* CORCACHE_VIEW_TEXT_H */
