/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tab: the lines of /etc/corcachetab.
 *
 *   name origin-device cache-device [option,option=value,...]
 *
 * A line is right or it is not used: an option that is not known may be a misspelt origin-id, and
 * without that word another image would go unnoticed. The other lines are used all the same.
 *
 * The generator links this file: it needs nothing but libc.
 */
#ifndef CORCACHE_TAB_H
#define CORCACHE_TAB_H

#include <stdbool.h>
#include <stdint.h>

#define TAB_PATH	"/etc/corcachetab"
#define TAB_FOREVER	UINT64_MAX

/* Sizes are in bytes and times in milliseconds; 0, or NULL: not given, unless something else is said. */
struct tab_options {
	bool netdev, nofail, noauto, initrd;
	bool no_checksums, discard, pin;
	bool missing_fails;		/* cache-missing=fail */
	uint64_t quota, region_size, block_size;
	uint64_t commit_interval;
	const char *policy;
	const char *max_errors;		/* a number; 0 has a meaning of its own */
	const char *origin_id;
	uint64_t origin_timeout;	/* TAB_FOREVER: without end; set if not given, too */
	uint64_t device_timeout;
	bool has_device_timeout;
};

/* Strings belong to the line. */
struct tab_line {
	unsigned int number;		/* in its file, 0: from somewhere else */
	char *name;
	char *origin, *cache;		/* paths below /dev */
	char *words;			/* the options as written; "": none */
	struct tab_options options;
	char *text;			/* what strings of @options point into */
};

struct tab_error {
	unsigned int number;
	char *text;
};

struct tab {
	struct tab_line *lines;
	unsigned int nr_lines;
	struct tab_error *errors;
	unsigned int nr_errors;
};

/* 0, or an errno value if the file cannot be read; @tab is to be freed only after 0. */
int tab_read(const char *path, struct tab *tab);
void tab_free(struct tab *tab);

/* The line of that name, or NULL. */
const struct tab_line *tab_find(const struct tab *tab, const char *name);

/* One line from its words; @options may be NULL. NULL, or what is wrong, to be freed. */
char *tab_line_make(struct tab_line *line, const char *name, const char *origin, const char *cache,
		    const char *options);
void tab_line_free(struct tab_line *line);

#endif /* CORCACHE_TAB_H */
