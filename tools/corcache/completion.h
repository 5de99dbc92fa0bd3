/* SPDX-License-Identifier: GPL-2.0-only */
/* completion: scripts for shells, made from the tables of verbs when the tool is built. */
#ifndef CORCACHE_COMPLETION_H
#define CORCACHE_COMPLETION_H

/*
 * @what: "bash", "zsh" or "fish", or "list": a line "verb", or "verb --option", for each that there is, for tests.
 * Returns an exit status.
 */
int completion_print(const char *what);

#endif /* CORCACHE_COMPLETION_H */
