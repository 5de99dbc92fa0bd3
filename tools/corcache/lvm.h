/* SPDX-License-Identifier: GPL-2.0-only */
/* lvm: how the programs of lvm2 are asked, and what they say. */
#ifndef CORCACHE_LVM_H
#define CORCACHE_LVM_H

#include <stdbool.h>

/* Is it a name that lvm2 allows, of a volume group or a volume? */
bool lvm_is_name(const char *name);

/* The last line of what a program has said, but for a hint to its help: what comes before are warnings. */
const char *lvm_last_line(char *said);

/* One line about a program that has failed: "cannot WHAT 'ON': its last line". Returns END_DEVICE. */
int lvm_fail(const char *what, const char *on, int status, char *said);

/* Runs @argv, and says it if it fails. @said: its output, which the caller frees, or NULL. Returns an exit status. */
int lvm_call(const char *what, const char *on, const char *const *argv, char **said);

/*
 * What lvs has said with LVM_COLUMNS: the rows alone, without warnings, one a line, no blanks in front. In place. Returns
 * their number.
 */
unsigned int lvm_rows(char *said);

#define LVM_COLUMNS	"--noheadings", "--nosuffix", "--units", "b", "--separator", "|"

#endif /* CORCACHE_LVM_H */
