/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report: the status line of the target, read.
 *
 *   <mode> <version> <region> <block> <used>/<quota>/<total> <valid> <#pairs> [<name> <value>]*
 *
 * Pairs that this tool does not know are kept: a newer kernel may have more.
 */
#ifndef CORCACHE_REPORT_H
#define CORCACHE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define REPORT_PAIRS_MOST	256

struct report_pair {
	const char *name, *value;
};

/* Strings point into @text, a copy that report_free() frees. Regions are counted, not bytes. */
struct report {
	char *text;
	const char *mode;
	uint64_t version;
	uint64_t region_sectors, block_sectors;
	uint64_t used, quota, total;
	uint64_t valid;			/* blocks */
	unsigned int nr_pairs;
	struct report_pair pairs[REPORT_PAIRS_MOST];
};

/* False, and nothing to free, for what is no such line. */
bool report_parse(const char *params, struct report *report);
void report_free(struct report *report);

/* NULL: there is no such pair. */
const char *report_word(const struct report *report, const char *name);
/* 0 if there is no such pair, or it is no number. */
uint64_t report_number(const struct report *report, const char *name);

#endif /* CORCACHE_REPORT_H */
