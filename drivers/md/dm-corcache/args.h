/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache args: the words of table lines and messages.
 *
 * Owns the parsing of both and the inverse, printing a table line.  Strings
 * and numbers only: whether devices exist and fit is not known here.  No
 * locks, no allocation, no I/O.  Compiles unchanged in user space.
 */
#ifndef DM_CORCACHE_ARGS_H
#define DM_CORCACHE_ARGS_H

#include <linux/types.h>

#include "format.h"
#include "policy.h"
#include "refuse.h"

#define CORCACHE_COMMIT_INTERVAL_DEFAULT_MS	1000U
#define CORCACHE_COMMIT_INTERVAL_MIN_MS		1U
#define CORCACHE_COMMIT_INTERVAL_MAX_MS		3600000U
#define CORCACHE_MAX_ERRORS_DEFAULT		100U

/**
 * struct corcache_args - a table line, parsed
 * @cache_path: first word, points into argv
 * @origin_path: second word, points into argv
 * @region_sectors: power of two, 8 to 8192
 * @block_sectors: power of two, 8 to @region_sectors, at least 1/64 of it
 * @no_checksums: feature
 * @discard: feature
 * @policy: core arg
 * @quota_sectors: as given, not 0; U64_MAX if not given
 * @commit_interval_ms: core arg
 * @max_errors: core arg, 0: never bypass
 * @origin_id: core arg, "" if not given
 */
struct corcache_args {
	const char *cache_path;
	const char *origin_path;
	u32	region_sectors;
	u32	block_sectors;
	bool	no_checksums;
	bool	discard;
	enum corcache_policy_kind policy;
	u64	quota_sectors;
	u32	commit_interval_ms;
	u32	max_errors;
	char	origin_id[CORCACHE_ORIGIN_ID_MAX + 1];
};

/**
 * corcache_args_parse() - parse what follows the target's name
 * @args: filled in
 * @argc: number of words
 * @argv: the words
 * @why: on failure receives one line: offending word, what is allowed
 *
 * A key given twice is refused, as are surplus words, signs, empty words and
 * numbers that are not plain decimal.
 *
 * Return: 0 or -EINVAL.
 */
int corcache_args_parse(struct corcache_args *args, unsigned int argc, char **argv,
			struct corcache_refusal *why);

/**
 * corcache_args_emit() - the inverse of corcache_args_parse()
 * @args: quota_sectors must be set; paths are printed as they are
 * @buf: receives the words, separated by one space, NUL-terminated
 * @buf_len: size of @buf
 *
 * Every core arg is printed, defaults too: a default that changes with a
 * later version must not change a device whose line was saved.
 *
 * Return: the number of characters that the whole line takes, as snprintf().
 */
int corcache_args_emit(const struct corcache_args *args, char *buf,
		       size_t buf_len);

enum corcache_message_kind {
	CORCACHE_MESSAGE_COMMIT,
	CORCACHE_MESSAGE_QUOTA,		/* sectors */
	CORCACHE_MESSAGE_EVICT,		/* start, length */
	CORCACHE_MESSAGE_EVICT_ALL,
	CORCACHE_MESSAGE_RECOVER,
	CORCACHE_MESSAGE_PIN,		/* start, length */
	CORCACHE_MESSAGE_UNPIN,		/* start, length */
	CORCACHE_MESSAGE_RESET_STATS,
};

/**
 * struct corcache_message - a message, parsed
 * @kind: which one
 * @start: for EVICT, PIN, UNPIN: first sector
 * @sectors: for these: length, not 0, @start + @sectors does not wrap; for
 *	QUOTA: the quota, not 0
 */
struct corcache_message {
	enum corcache_message_kind kind;
	u64	start;
	u64	sectors;
};

/**
 * corcache_message_parse() - parse a message
 * @msg: filled in
 * @argc: number of words
 * @argv: the words
 * @why: on failure receives one line that names the wrong word
 *
 * Whether an extent lies within the target is the caller's to check.
 *
 * Return: 0 or -EINVAL.
 */
int corcache_message_parse(struct corcache_message *msg, unsigned int argc, char **argv,
			   struct corcache_refusal *why);

#endif /* DM_CORCACHE_ARGS_H */
