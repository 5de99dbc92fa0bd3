// SPDX-License-Identifier: GPL-2.0-only
#include "completion.h"

#include <stdio.h>
#include <string.h>

#include "verb.h"

static const struct verb_option no_options[] = { { 0 } };

static const struct verb_option *options_of(const struct verb *verb)
{
	return verb->options ? verb->options : no_options;
}

static void print_list(void)
{
	const struct verb *const *verb;
	const struct verb_option *option;

	for (verb = verbs; *verb; verb++) {
		printf("%s\n", (*verb)->name);
		for (option = options_of(*verb); option->name; option++)
			printf("%s --%s\n", (*verb)->name, option->name);
	}
}

/* ---- bash ---- */

static const char *bash_words(enum word_kind kind)
{
	switch (kind) {
	case WORD_NAME:
		return "$(_corcache_names)";
	case WORD_DEVICE:
		return "$(compgen -f -- \"$word\" | grep ^/dev/)";
	case WORD_FILE:
		return "$(compgen -f -- \"$word\")";
	case WORD_POLICY:
		return "adaptive stop";
	default:
		return "";
	}
}

static void bash_values(const struct verb *verb)
{
	const struct verb_option *option;

	for (option = options_of(verb); option->name; option++) {
		if (!option->value || option->value[0] == '[')
			continue;
		printf("\t%s,--%s", verb->name, option->name);
		if (option->letter)
			printf(" | %s,-%c", verb->name, option->letter);
		printf(") words=\"%s\" ;;\n", option->kind == WORD_CHOICE ? option->choices : bash_words(option->kind));
	}
}

static void print_bash(void)
{
	const struct verb *const *verb;
	const struct verb_option *option;

	puts("# bash completion for corcache(8); made by 'corcache --completion bash'\n"
	     "_corcache_names() { corcache list --names 2>/dev/null; }\n"
	     "_corcache() {\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} words=\n"
	     "\tif [ \"$COMP_CWORD\" = 1 ]; then");
	fputs("\t\tmapfile -t COMPREPLY < <(compgen -W '--help --version", stdout);
	for (verb = verbs; *verb; verb++)
		printf(" %s", (*verb)->name);
	puts("' -- \"$word\")\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcase $verb,$before in");
	for (verb = verbs; *verb; verb++)
		bash_values(*verb);
	puts("\t*)\n"
	     "\t\tcase $verb,$word in");
	for (verb = verbs; *verb; verb++) {
		printf("\t\t%s,-*) words='--help", (*verb)->name);
		for (option = options_of(*verb); option->name; option++)
			printf(" --%s", option->name);
		printf("' ;;\n");
		printf("\t\t%s,*) if [ \"$COMP_CWORD\" = 2 ]; then words=\"%s\"; else words=\"%s\"; fi ;;\n",
		       (*verb)->name, bash_words((*verb)->first), bash_words((*verb)->rest));
	}
	puts("\t\tesac ;;\n"
	     "\tesac\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	     "}\n"
	     "complete -F _corcache corcache");
}

/* ---- zsh ---- */

static const char *zsh_words(enum word_kind kind)
{
	switch (kind) {
	case WORD_NAME:
		return "($(corcache list --names 2>/dev/null))";
	case WORD_DEVICE:
		return "_files -g \"/dev/*\"";
	case WORD_FILE:
		return "_files";
	case WORD_POLICY:
		return "(adaptive stop)";
	default:
		return " ";
	}
}

/* A text in single quotes of zsh, in which brackets and colons mean something. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (strchr("[]:\\", *text))
			putchar('\\');
		if (*text == '\'')
			fputs("'\\'", stdout);
		putchar(*text);
	}
}

static void print_zsh(void)
{
	const struct verb *const *verb;
	const struct verb_option *option;

	puts("#compdef corcache\n"
	     "# made by 'corcache --completion zsh'\n"
	     "local -a verbs=(");
	for (verb = verbs; *verb; verb++) {
		printf("\t'%s:", (*verb)->name);
		zsh_text((*verb)->summary);
		puts("'");
	}
	puts(")\n"
	     "if (( CURRENT == 2 )); then _describe verb verbs; return; fi\n"
	     "case $words[2] in");
	for (verb = verbs; *verb; verb++) {
		printf("%s)\n\tshift words; (( CURRENT-- ))\n\t_arguments", (*verb)->name);
		for (option = options_of(*verb); option->name; option++) {
			printf(" \\\n\t\t'%s--%s%s[", option->many ? "*" : "", option->name,
			       !option->value ? "" : option->value[0] == '[' ? "=-" : "=");
			zsh_text(option->help);
			putchar(']');
			if (option->value)
				printf("%s:%s:", option->value[0] == '[' ? ":" : "", option->name);
			if (option->value && option->kind == WORD_CHOICE)
				printf("(%s)", option->choices);
			else if (option->value)
				fputs(zsh_words(option->kind), stdout);
			putchar('\'');
		}
		if ((*verb)->most)
			printf(" \\\n\t\t'1:word:%s'", zsh_words((*verb)->first));
		if ((*verb)->most < 0 || (*verb)->most > 1)
			printf(" \\\n\t\t'*:word:%s'", zsh_words((*verb)->rest));
		puts("\n\t;;");
	}
	puts("esac");
}

/* ---- fish ---- */

static const char *fish_words(enum word_kind kind)
{
	switch (kind) {
	case WORD_NAME:
		return "(corcache list --names 2>/dev/null)";
	case WORD_POLICY:
		return "adaptive stop";
	default:
		return NULL;
	}
}

static void fish_text(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

static void print_fish(void)
{
	const struct verb *const *verb;
	const struct verb_option *option;
	const char *words;

	puts("# fish completion for corcache(8); made by 'corcache --completion fish'");
	for (verb = verbs; *verb; verb++) {
		printf("complete -c corcache -f -n __fish_use_subcommand -a %s -d ", (*verb)->name);
		fish_text((*verb)->summary);
		putchar('\n');
		words = fish_words((*verb)->first);
		if (words)
			printf("complete -c corcache -f -n '__fish_seen_subcommand_from %s' -a '%s'\n", (*verb)->name,
			       words);
		else if ((*verb)->first == WORD_DEVICE || (*verb)->first == WORD_FILE)
			printf("complete -c corcache -F -n '__fish_seen_subcommand_from %s'\n", (*verb)->name);
		for (option = options_of(*verb); option->name; option++) {
			printf("complete -c corcache -n '__fish_seen_subcommand_from %s' -l %s", (*verb)->name,
			       option->name);
			if (option->letter)
				printf(" -s %c", option->letter);
			words = option->kind == WORD_CHOICE ? option->choices : fish_words(option->kind);
			if (option->value && option->value[0] != '[')
				fputs(words ? " -x" : " -r", stdout);
			if (option->value && words)
				printf(" -a '%s'", words);
			fputs(" -d ", stdout);
			fish_text(option->help);
			putchar('\n');
		}
	}
}

int completion_print(const char *what)
{
	if (!strcmp(what, "bash"))
		print_bash();
	else if (!strcmp(what, "zsh"))
		print_zsh();
	else if (!strcmp(what, "fish"))
		print_fish();
	else if (!strcmp(what, "list"))
		print_list();
	else
		return fail(END_ARGS, "--completion: '%s' is none of: bash zsh fish list", what);
	return END_OK;
}
