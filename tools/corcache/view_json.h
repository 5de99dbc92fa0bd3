/* SPDX-License-Identifier: GPL-2.0-only */
/* view_json: views of devices, for programs. Keys never change their meaning. */
#ifndef CORCACHE_VIEW_JSON_H
#define CORCACHE_VIEW_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "view.h"

/* @one_line: for a stream of them. */
void view_json_print(const struct views *views, bool one_line, FILE *to);

#endif /* CORCACHE_VIEW_JSON_H */
