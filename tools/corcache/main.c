// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache - everything around the device-mapper target of this name.
 *
 * main.c finds the verb; verb.c reads its words; a file of its own does it. What they share
 * lies below them: dm.c (device-mapper), report.c (a status line), disk.c (a cache device that
 * is not in use), block.c (what a block device is), size.c, fail.c.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "completion.h"
#include "verb.h"

static void help(FILE *to)
{
	const struct verb *const *verb;

	fputs("Usage: corcache VERB [OPTION...] [WORD...]\n\n"
	      "A copy-on-read cache for remote images of virtual machines, shared by all of a host.\n\n"
	      "Verbs:\n", to);
	for (verb = verbs; *verb; verb++)
		fprintf(to, "  %-14s %s\n", (*verb)->name, (*verb)->summary);
	fputs("\n'corcache VERB --help' tells a verb's options. Exit status: 0 done, 1 a wrong word,\n"
	      "2 not permitted, 3 out of memory, 4 a wrong device, 5 busy or exists already.\n", to);
}

/* The man page and the completions are made from, and checked against, what this prints. */
static int is_plumbing(int argc, char **argv)
{
	return argc == 3 && !strcmp(argv[1], "--completion");
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	/* Numbers are read and written alike everywhere; only file names are the user's. */
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		help(stderr);
		return END_ARGS;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return END_OK;
	}
	if (is_plumbing(argc, argv))
		return completion_print(argv[2]);
	verb = verb_find(!strcmp(argv[1], "--version") ? "version" : argv[1]);
	if (!verb)
		return fail(END_ARGS, "unknown verb '%s'; 'corcache --help' lists them", argv[1]);
	return verb_run(verb, argc - 1, argv + 1);
}
