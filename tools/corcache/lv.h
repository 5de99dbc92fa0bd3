/* SPDX-License-Identifier: GPL-2.0-only */
/* lv: a cache device that is a logical volume, made on demand. */
#ifndef CORCACHE_LV_H
#define CORCACHE_LV_H

#include <stdbool.h>
#include <stdint.h>

struct lv {
	char *vg;
	char *pool;		/* NULL: no thin volume */
	char *name;
	uint64_t bytes;
	char *path;		/* below /dev */
	bool made;		/* by lv_make(): it was not there */
};

/* Does @text say that a logical volume is meant? */
bool lv_is_meant(const char *text);

/* "LV:VG/NAME:SIZE" or "LV:VG/POOL/NAME:SIZE". Returns an exit status; lv_forget() is due in any case. */
int lv_parse(const char *text, struct lv *lv);
void lv_forget(struct lv *lv);

/*
 * Makes it, blank, or takes the one that there is, if that is large enough. Returns an exit status; if it fails,
 * nothing was made.
 */
int lv_make(struct lv *lv);
/* Removes what lv_make() has made. */
void lv_undo(const struct lv *lv);

#endif /* CORCACHE_LV_H */
