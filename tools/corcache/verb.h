/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verb: what a command is, and how its words are read.
 *
 * Each verb is one constant: its words, its options and the function that does it. Help,
 * the completions and the test that the man page knows every option are made from these
 * tables, so nothing is written twice.
 */
#ifndef CORCACHE_VERB_H
#define CORCACHE_VERB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fail.h"

/* What a word or value is, for completion. */
enum word_kind {
	WORD_NONE,		/* free text or a number */
	WORD_NAME,		/* a corcache device that exists */
	WORD_DEVICE,		/* a block device */
	WORD_FILE,
	WORD_POLICY,		/* adaptive or stop */
	WORD_CHOICE,		/* one of option->choices, separated by spaces */
};

/* The last one of a table has no name. */
struct verb_option {
	const char *name;	/* "quota" for --quota */
	char letter;		/* 'q' for -q, 0: none */
	const char *value;	/* "SIZE"; NULL: a flag; "[FILE]": may be left out, then after = only */
	const char *help;	/* no full stop */
	enum word_kind kind;
	const char *choices;
	bool many;		/* may be given several times */
};

struct invocation;

struct verb {
	const char *name;
	const char *words;	/* "NAME" or "NAME START LENGTH" or "[NAME]", for help */
	const char *summary;	/* one line, no full stop */
	const char *more;	/* further lines of help, each ends with a newline; or NULL */
	int least, most;	/* how many words; most -1: any number */
	enum word_kind first, rest;
	const struct verb_option *options;	/* NULL: none but --help */
	int args_end;		/* exit status instead of END_ARGS, for a verb whose statuses another tool has set; or 0 */
	/* Returns an exit status. */
	int (*run)(const struct invocation *call);
};

/* A verb as it was called. The functions below take an option's name; one that the verb does not have ends the
 * program: that is a bug.
 */
struct invocation {
	const struct verb *verb;
	int words;
	char **word;
	char **values;		/* by option, NULL: not given */
	unsigned int *times;	/* by option: how often it was given */
	char **all;		/* pairs, in order: option name, value or NULL */
	int nr_all;
};

bool given(const struct invocation *call, const char *option);
/* The value, the last if there were several; NULL: not given, or without a value. */
const char *value_of(const struct invocation *call, const char *option);
/* Of an option with `many`: value number @i in the order given; NULL: no more. */
const char *value_number(const struct invocation *call, const char *option, int i);

/*
 * The values of options, parsed: they return END_OK and leave @value alone when the option
 * was not given, or say what is wrong and return END_ARGS.
 */
int size_option(const struct invocation *call, const char *option, uint64_t *bytes);
int number_option(const struct invocation *call, const char *option, uint64_t most, uint64_t *number);

/* Parses the words behind the verb's name and runs it. @argv[0] is the verb's name. */
int verb_run(const struct verb *verb, int argc, char **argv);

void verb_help(const struct verb *verb, FILE *to);

/* verbs.c: all of them, in the order of help; NULL at the end. */
extern const struct verb *const verbs[];
const struct verb *verb_find(const char *name);

#endif /* CORCACHE_VERB_H */
