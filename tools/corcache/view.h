/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * view: a corcache device as `corcache status` tells of it.
 *
 * It comes from the kernel, or from what dmsetup has printed elsewhere (saved.h). What the
 * table and the status say is taken apart here; view_text.h, view_json.h and metrics.h show
 * it.
 */
#ifndef CORCACHE_VIEW_H
#define CORCACHE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "dm.h"
#include "latency.h"
#include "report.h"

/* What stands for the mode of a device without a corcache target: served by the origin alone, or not at all. */
#define MODE_DEGRADED	"degraded"
#define MODE_NONE	"none"

/* Strings are NULL where they are not known; view_forget() frees them. */
struct view {
	char *name, *uuid;
	bool live;			/* from the kernel: what follows up to @open_count is known */
	unsigned int major, minor;
	bool suspended, read_only;
	unsigned int open_count;
	uint64_t sectors;
	char *cache, *origin;		/* words of the table: "MAJOR:MINOR" or a path */
	char *cache_name, *origin_name;	/* what the kernel calls these devices */
	char *policy, *origin_id;
	bool degraded;
	bool has_report;
	struct report report;
	bool has_latency;
	struct latency latency;
};

struct views {
	struct view *view;
	int nr;
};

/* A new one at the end, empty but for the name. */
struct view *views_add(struct views *views, const char *name);
struct view *views_find(const struct views *views, const char *name);
void views_sort(struct views *views);
void views_drop_last(struct views *views);
void views_forget(struct views *views);

/* All devices that there are, or @name alone. Returns an exit status. */
int views_collect(const char *name, struct views *views);

/* Takes the parameters of a corcache table apart; false and nothing changed: it is none. */
bool view_take_table(struct view *view, const char *params);
bool view_take_status(struct view *view, const char *params);

/* "active", "frozen", "bypass", MODE_DEGRADED or MODE_NONE. */
const char *view_mode(const struct view *view);
/* Why; "none" if there is nothing to say. */
const char *view_reason(const struct view *view);

uint64_t view_region_bytes(const struct view *view);
uint64_t view_cached_bytes(const struct view *view);

#endif /* CORCACHE_VIEW_H */
