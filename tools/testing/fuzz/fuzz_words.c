// SPDX-License-Identifier: GPL-2.0-only
/*
 * The words of a line; see fuzz_words.h.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "fuzz.h"
#include "fuzz_words.h"

static size_t word_length(const char *text, size_t bytes)
{
	size_t n = 0;

	while (n < bytes && text[n] && text[n] != ' ')
		n++;
	return n;
}

static unsigned int count_words(const char *text, size_t bytes)
{
	unsigned int nr = !!bytes;

	for (; bytes; text++, bytes--)
		nr += !*text || *text == ' ';
	return nr;
}

void fuzz_split(struct fuzz_words *words, const char *text, size_t bytes)
{
	unsigned int i;

	words->argc = count_words(text, bytes);
	words->argv = calloc(words->argc, sizeof(*words->argv));
	must(words->argv);
	for (i = 0; i < words->argc; i++) {
		size_t n = word_length(text, bytes);

		words->argv[i] = malloc(n + 1);
		must(words->argv[i]);
		memcpy(words->argv[i], text, n);
		words->argv[i][n] = '\0';
		/* The last word has no separator after it. */
		if (n == bytes)
			break;
		text += n + 1;
		bytes -= n + 1;
	}
}

void fuzz_release(struct fuzz_words *words)
{
	unsigned int i;

	for (i = 0; i < words->argc; i++)
		free(words->argv[i]);
	free(words->argv);
}

size_t fuzz_join(const struct fuzz_words *words, u8 *data, size_t max_size)
{
	size_t at = 0;
	unsigned int i;

	for (i = 0; i < words->argc; i++) {
		size_t n = strlen(words->argv[i]);

		if (at + n + 1 > max_size)
			break;
		if (i)
			data[at++] = ' ';
		memcpy(data + at, words->argv[i], n);
		at += n;
	}
	return at;
}

/* @word comes from malloc(). */
static void set_word(struct fuzz_words *words, unsigned int i, char *word)
{
	must(word);
	free(words->argv[i]);
	words->argv[i] = word;
}

static char *number_word(u64 number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", number);
	return strdup(text);
}

void fuzz_set_number(struct fuzz_words *words, unsigned int i, u64 number)
{
	set_word(words, i, number_word(number));
}

/* The limits are where the mistakes are. */
static char *new_word(u64 *state, const char * const *known, unsigned int nr_known)
{
	switch (fuzz_random(state) % 4) {
	case 0:
		return number_word(fuzz_odd_number(state));
	case 1:
		return number_word(U64_MAX - fuzz_random(state) % 4);
	default:
		return strdup(known[fuzz_random(state) % nr_known]);
	}
}

static void insert_word(struct fuzz_words *words, unsigned int i, char *word)
{
	words->argv = realloc(words->argv, (words->argc + 1) * sizeof(*words->argv));
	must(words->argv);
	memmove(words->argv + i + 1, words->argv + i, (words->argc - i) * sizeof(*words->argv));
	words->argv[i] = NULL;
	words->argc++;
	set_word(words, i, word);
}

static void remove_word(struct fuzz_words *words, unsigned int i)
{
	free(words->argv[i]);
	words->argc--;
	memmove(words->argv + i, words->argv + i + 1, (words->argc - i) * sizeof(*words->argv));
}

static void swap_words(struct fuzz_words *words, unsigned int i, unsigned int j)
{
	char *word = words->argv[i];

	words->argv[i] = words->argv[j];
	words->argv[j] = word;
}

void fuzz_mutate_words(struct fuzz_words *words, u64 *state,
		       const char * const *known, unsigned int nr_known)
{
	unsigned int i;

	if (!words->argc || fuzz_one_in(state, 4)) {
		i = fuzz_random(state) % (words->argc + 1);
		insert_word(words, i, new_word(state, known, nr_known));
		return;
	}
	i = fuzz_random(state) % words->argc;
	switch (fuzz_random(state) % 4) {
	case 0:
		remove_word(words, i);
		break;
	case 1:
		swap_words(words, i, fuzz_random(state) % words->argc);
		break;
	case 2:
		fuzz_set_number(words, i, strtoull(words->argv[i], NULL, 10) +
				fuzz_random(state) % 9 - 4);
		break;
	default:
		set_word(words, i, new_word(state, known, nr_known));
	}
}

bool fuzz_is_word(const char *word, const char *fmt, ...)
{
	char wanted[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(wanted, sizeof(wanted), fmt, ap);
	va_end(ap);
	must(n >= 0 && n < (int)sizeof(wanted));
	return !strcmp(word, wanted);
}
