/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of a line, as device-mapper hands them to a target, and mutations
 * that take words as a whole.
 */
#ifndef CORCACHE_FUZZ_WORDS_H
#define CORCACHE_FUZZ_WORDS_H

#include <linux/types.h>

/**
 * struct fuzz_words - words, each in memory of exactly its size
 * @argc: number of words
 * @argv: the words
 */
struct fuzz_words {
	unsigned int argc;
	char **argv;
};

/*
 * Splits at each space and NUL: two of them make an empty word, and any other
 * byte may be in a word.  Nothing makes no word.
 */
void fuzz_split(struct fuzz_words *words, const char *text, size_t bytes);
void fuzz_release(struct fuzz_words *words);

/* The inverse, cut at @max_size; the number of bytes. */
size_t fuzz_join(const struct fuzz_words *words, u8 *data, size_t max_size);

void fuzz_set_number(struct fuzz_words *words, unsigned int i, u64 number);

/* One change of one word or of the order; new words from @known or numbers. */
void fuzz_mutate_words(struct fuzz_words *words, u64 *state,
		       const char * const *known, unsigned int nr_known);

/* Is @word what printf() makes of the rest? */
bool fuzz_is_word(const char *word, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* CORCACHE_FUZZ_WORDS_H */
