// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a cache device of the text that it was saved as, for corcache_io: what
 * `od -A x -t x1` prints, that is, an offset and up to 16 bytes a line, in hex; a
 * line of one * repeats the line before it up to the next offset; the last offset
 * stands alone and is the size.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corcache_disk.h"

#define LINE_BYTES	16
#define CHUNK		4096		/* what is written at once; one that is zero is not */

struct restore {
	int fd;
	unsigned char line[LINE_BYTES];	/* the last one */
	unsigned char chunk[CHUNK] __attribute__((aligned(CHUNK)));
	uint64_t at;			/* where the next line begins */
	bool failed;
};

static bool is_zero(const unsigned char *buf, size_t bytes)
{
	return !buf[0] && !memcmp(buf, buf + 1, bytes - 1);
}

static void flush_chunk(struct restore *r, size_t bytes)
{
	uint64_t start = r->at - bytes;

	if (bytes && !is_zero(r->chunk, bytes) &&
	    pwrite(r->fd, r->chunk, bytes, start) != (ssize_t)bytes)
		r->failed = true;
	memset(r->chunk, 0, sizeof(r->chunk));
}

static void put_line(struct restore *r, const unsigned char *bytes)
{
	memcpy(r->chunk + r->at % CHUNK, bytes, LINE_BYTES);
	r->at += LINE_BYTES;
	if (!(r->at % CHUNK))
		flush_chunk(r, CHUNK);
}

/* Up to 16 bytes.  Return: how many, -1 for anything else. */
static int parse_bytes(const char *text, unsigned char *bytes)
{
	int n = 0, length;
	unsigned int byte;

	while (n < LINE_BYTES && sscanf(text, "%2x%n", &byte, &length) == 1) {
		bytes[n++] = byte;
		text += length;
	}
	while (isspace((unsigned char)*text))
		text++;
	return *text ? -1 : n;
}

/* Return: 1 at the end, 0 to go on, -1 for a line that makes no sense. */
static int restore_line(struct restore *r, char *text, bool *star)
{
	char *rest;
	uint64_t offset;
	int n;

	if (*text == '#' || *text == '\n')
		return 0;
	if (*text == '*') {
		*star = true;
		return 0;
	}
	offset = strtoull(text, &rest, 16);
	if (rest == text || offset % LINE_BYTES || (!*star && offset != r->at))
		return -1;
	while (r->at < offset)
		put_line(r, r->line);
	*star = false;
	n = parse_bytes(rest, r->line);
	if (n == LINE_BYTES)
		put_line(r, r->line);
	return n == LINE_BYTES ? 0 : n ? -1 : 1;
}

int corcache_disk_restore(int fd, FILE *text)
{
	struct restore r = { .fd = fd };
	char *line = NULL;
	bool star = false;
	size_t room = 0;
	int ret = -1, nr = 0;

	while (getline(&line, &room, text) > 0) {
		nr++;
		ret = restore_line(&r, line, &star);
		if (ret)
			break;
	}
	free(line);
	if (ret != 1) {
		fprintf(stderr, "restore: line %d makes no sense, or the end is missing\n", nr);
		return -1;
	}
	flush_chunk(&r, r.at % CHUNK);
	if (r.failed || fsync(fd)) {
		perror("restore");
		return -1;
	}
	return 0;
}
