// SPDX-License-Identifier: GPL-2.0-only
#include "verb.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

static const struct verb_option help_option = { "help", 'h', NULL, "show this help", WORD_NONE, NULL, false };

static int nr_options(const struct verb *verb)
{
	int n = 0;

	if (!verb->options)
		return 0;
	while (verb->options[n].name)
		n++;
	return n;
}

static int option_index(const struct verb *verb, const char *name)
{
	int i;

	for (i = 0; i < nr_options(verb); i++) {
		if (!strcmp(verb->options[i].name, name))
			return i;
	}
	say("bug: %s has no option --%s", verb->name, name);
	abort();
}

bool given(const struct invocation *call, const char *option)
{
	return call->times[option_index(call->verb, option)];
}

const char *value_of(const struct invocation *call, const char *option)
{
	return call->values[option_index(call->verb, option)];
}

const char *value_number(const struct invocation *call, const char *option, int i)
{
	const char *name = call->verb->options[option_index(call->verb, option)].name;
	int n;

	for (n = 0; n < call->nr_all; n++) {
		if (call->all[2 * n] == name && !i--)
			return call->all[2 * n + 1];
	}
	return NULL;
}

int size_option(const struct invocation *call, const char *option, uint64_t *bytes)
{
	const char *text = value_of(call, option);

	if (text && !size_parse(text, bytes))
		return fail(END_ARGS, "--%s: '%s' is no size: a number, with K, M, G or T behind it, such as 100M",
			    option, text);
	return END_OK;
}

int number_option(const struct invocation *call, const char *option, uint64_t most, uint64_t *number)
{
	const char *text = value_of(call, option);

	if (text && !number_parse(text, most, number))
		return fail(END_ARGS, "--%s: '%s' is no whole number from 0 to %llu", option, text,
			    (unsigned long long)most);
	return END_OK;
}

/* ---- help ---- */

static void option_help(const struct verb_option *option, FILE *to)
{
	char left[64];

	if (!option->value)
		snprintf(left, sizeof(left), "--%s", option->name);
	else if (option->value[0] == '[')
		snprintf(left, sizeof(left), "--%s[=%.*s]", option->name, (int)strlen(option->value) - 2,
			 option->value + 1);
	else
		snprintf(left, sizeof(left), "--%s %s", option->name, option->value);
	if (option->letter)
		fprintf(to, "  -%c, %-24s %s\n", option->letter, left, option->help);
	else
		fprintf(to, "      %-24s %s\n", left, option->help);
}

void verb_help(const struct verb *verb, FILE *to)
{
	int i;

	fprintf(to, "Usage: corcache %s%s%s%s\n\n%s.\n", verb->name, nr_options(verb) ? " [OPTION...]" : "",
		*verb->words ? " " : "", verb->words, verb->summary);
	if (verb->more)
		fprintf(to, "\n%s", verb->more);
	fputs("\nOptions:\n", to);
	for (i = 0; i < nr_options(verb); i++)
		option_help(&verb->options[i], to);
	option_help(&help_option, to);
}

/* ---- words ---- */

struct getopt_tables {
	struct option *longs;
	char *shorts;
};

#define HELP_VALUE	1000	/* beyond all letters; options without a letter follow */

static int has_argument(const struct verb_option *option)
{
	if (!option->value)
		return no_argument;
	return option->value[0] == '[' ? optional_argument : required_argument;
}

static struct getopt_tables make_tables(const struct verb *verb)
{
	int n = nr_options(verb), i;
	struct getopt_tables tables = {
		get_memory((n + 2) * sizeof(struct option)),
		/* ":" tells a missing value from an unknown option; a letter may have two */
		get_memory(3 * n + 3),
	};
	char *s = tables.shorts;

	*s++ = ':';
	*s++ = 'h';
	for (i = 0; i < n; i++) {
		const struct verb_option *option = &verb->options[i];

		tables.longs[i] = (struct option){ option->name, has_argument(option), NULL, HELP_VALUE + 1 + i };
		if (!option->letter)
			continue;
		*s++ = option->letter;
		if (has_argument(option) == required_argument)
			*s++ = ':';
	}
	tables.longs[n] = (struct option){ "help", no_argument, NULL, HELP_VALUE };
	return tables;
}

static int letter_index(const struct verb *verb, int letter)
{
	int i;

	for (i = 0; i < nr_options(verb); i++) {
		if (verb->options[i].letter == letter)
			return i;
	}
	return -1;
}

static int bad_option(const struct verb *verb, int kind, char **argv)
{
	/* getopt_long() has gone on to the next word where it had a value to look for */
	const char *word = argv[optind - 1];

	if (kind == ':')
		return fail(END_ARGS, "%s: option '%s' needs a value; see 'corcache %s --help'", verb->name, word,
			    verb->name);
	if (!strncmp(word, "--", 2) && strchr(word, '=') && optopt > HELP_VALUE)
		return fail(END_ARGS, "%s: option '%s' takes no value; see 'corcache %s --help'", verb->name, word,
			    verb->name);
	if (!strncmp(word, "--", 2))
		return fail(END_ARGS, "%s: unknown option '%s'; see 'corcache %s --help'", verb->name, word, verb->name);
	return fail(END_ARGS, "%s: unknown option '-%c'; see 'corcache %s --help'", verb->name, optopt, verb->name);
}

/* Has an option a value that its table allows? */
static int check_value(const struct verb *verb, const struct verb_option *option, const char *value)
{
	size_t length = value ? strlen(value) : 0;
	const char *at;

	if (option->kind != WORD_CHOICE || !value)
		return END_OK;
	for (at = option->choices; *at; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (word == length && !strncmp(at, value, word))
			return END_OK;
		at += word;
	}
	return fail(END_ARGS, "%s: --%s: '%s' is none of: %s", verb->name, option->name, value, option->choices);
}

static int take_option(struct invocation *call, int i, char *value)
{
	const struct verb_option *option = &call->verb->options[i];

	if (call->times[i]++ && !option->many)
		return fail(END_ARGS, "%s: option --%s is given twice", call->verb->name, option->name);
	call->values[i] = value;
	call->all[2 * call->nr_all] = (char *)option->name;
	call->all[2 * call->nr_all++ + 1] = value;
	return check_value(call->verb, option, value);
}

static int check_words(const struct invocation *call)
{
	const struct verb *verb = call->verb;

	if (call->words < verb->least)
		return fail(END_ARGS, "%s: a word is missing: corcache %s %s", verb->name, verb->name, verb->words);
	if (verb->most >= 0 && call->words > verb->most)
		return fail(END_ARGS, "%s: '%s' is one word too many; see 'corcache %s --help'", verb->name,
			    call->word[verb->most], verb->name);
	return END_OK;
}

static int run_words(const struct verb *verb, int argc, char **argv)
{
	struct getopt_tables tables = make_tables(verb);
	int n = nr_options(verb), kind, end;
	struct invocation call = {
		.verb = verb,
		.values = get_memory(n * sizeof(char *)),
		.times = get_memory(n * sizeof(unsigned int)),
		.all = get_memory(2 * argc * sizeof(char *)),
	};

	opterr = 0;
	optind = 1;
	while ((kind = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		if (kind == 'h' || kind == HELP_VALUE) {
			verb_help(verb, stdout);
			return END_OK;
		}
		if (kind == '?' || kind == ':')
			return bad_option(verb, kind, argv);
		end = take_option(&call, kind > HELP_VALUE ? kind - HELP_VALUE - 1 : letter_index(verb, kind), optarg);
		if (end)
			return end;
	}
	call.words = argc - optind;
	call.word = argv + optind;
	end = check_words(&call);
	return end ? end : verb->run(&call);
}

int verb_run(const struct verb *verb, int argc, char **argv)
{
	int end = run_words(verb, argc, argv);

	return end == END_ARGS && verb->args_end ? verb->args_end : end;
}
