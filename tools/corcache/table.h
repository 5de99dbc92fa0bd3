/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table: the parameters of the target, as options of people and as words of a table line.
 *
 *   <cache> <origin> <region> [<#features> <feature>* [<#core args> [<key> <value>]*]]
 *
 * table_text() makes a line from options; table_split() takes one apart, such as `dmsetup
 * table` prints. All sizes are bytes. What only the kernel can know, such as the size of the
 * data area, the kernel checks.
 */
#ifndef CORCACHE_TABLE_H
#define CORCACHE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define TABLE_REGION_BYTES	65536
#define TABLE_BLOCK_BYTES	4096
#define TABLE_REGION_LEAST	4096
#define TABLE_REGION_MOST	4194304
#define TABLE_REGION_BLOCKS	64
#define TABLE_INTERVAL_MOST	3600000
#define TABLE_ORIGIN_ID_MOST	128

/* Strings belong to whoever has set them; those of table_split() are freed by table_forget(). */
struct table {
	char *cache, *origin;		/* paths, or "7:0" */
	uint64_t region;		/* bytes */
	uint64_t block;			/* bytes; 0: 4 KiB, or a 64th of the region if that is more */
	bool no_checksums, discard;
	uint64_t quota;			/* bytes; 0: all of the data area */
	char *policy;			/* NULL: the kernel's default */
	uint64_t commit_interval;	/* ms; 0: the kernel's default */
	int64_t max_errors;		/* -1: the kernel's default */
	char *origin_id;		/* NULL: none */
};

/* Default values, no devices. */
void table_init(struct table *table);

/*
 * What is wrong with the sizes, the policy and the id, in the words of people: NULL, or a text that the caller frees.
 * @prefix: stands in front of an option's name in it: "--" for a command, "" for a file.
 */
char *table_check(const struct table *table, const char *prefix);

uint64_t table_block(const struct table *table);

/* The parameters, without start, length and target; the caller frees them. */
char *table_text(const struct table *table);

/* False, and nothing to forget: that is no line of the target. Words that are not known to this tool are such, too. */
bool table_split(const char *params, struct table *table);
void table_forget(struct table *table);

/*
 * @params with another word number @i, 0 for the cache device, 1 for the origin; all others stay as they are, word by
 * word, known or not. The caller frees it.
 */
char *table_replace(const char *params, unsigned int i, const char *word);

#endif /* CORCACHE_TABLE_H */
