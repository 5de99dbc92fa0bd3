/* SPDX-License-Identifier: GPL-2.0-only */
/* run: other programs, such as modprobe and lvcreate. */
#ifndef CORCACHE_RUN_H
#define CORCACHE_RUN_H

/*
 * Runs @argv, ends with NULL, found in PATH or the folders of system programs, in the C locale, with nothing on its
 * stdin, and waits for it. @said: what it has written, to stdout and stderr, without the newline at the end; the
 * caller frees it. Returns its exit status, 127 if there is no such program, 128 if a signal ended it.
 */
int run_program(const char *const *argv, char **said);

#endif /* CORCACHE_RUN_H */
