/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clone: a writable disk for a VM, on top of a corcache device that stays as it is.
 *
 * Where it stands is said by --store: a directory, then it is a qcow2 file (clone_file.c); or a thin pool of
 * lvm2, then a device of the target thin with the corcache device as its external origin (clone_thin.c).
 */
#ifndef CORCACHE_CLONE_H
#define CORCACHE_CLONE_H

#include <stdbool.h>
#include <stdint.h>

/* Its UUID ends like that of the device below, so that the udev rule keeps scanners off it, too. */
#define CLONE_UUID_PREFIX	"clone-CORCACHE-"
#define CLONE_DIRECTORY		"/var/lib/corcache/clones"

struct clone_store {
	char *directory;	/* or NULL, and */
	char *vg, *pool;	/* @pool NULL: the only one of the group */
};

struct clone {
	const char *name;
	const char *base;	/* the corcache device's name */
	uint64_t bytes;
	/* what was made: */
	char *path;		/* the file, or the device */
	char *number;		/* "253:4", NULL: a file */
};

/* @text: what --store has said, or NULL. Returns an exit status; clone_store_forget() is due in any case. */
int clone_store_parse(const char *text, struct clone_store *store);
void clone_store_forget(struct clone_store *store);

/* They return exit statuses. If one fails, nothing was made. */
int clone_file_make(const struct clone_store *store, struct clone *clone);
int clone_thin_make(const struct clone_store *store, struct clone *clone);

/* Remove a clone of that name. @found: false, and END_OK, if there is none. */
int clone_file_remove(const struct clone_store *store, const char *name, bool *found);
int clone_thin_remove(const char *name, bool *found);

#endif /* CORCACHE_CLONE_H */
