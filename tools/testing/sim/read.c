// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers of traces.  What is wrong with a file is said with its name, the
 * line or record, the value, and what to do about it; then the program ends.
 */
#include <linux/string.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "sim.h"

/* More than this in one access is a wrong unit, not a read. */
#define MOST_BLOCKS	(1U << 24)
#define MAX_FIELDS	32

struct reader {
	const char *file;
	FILE	*from;
	const struct read_options *options;
	struct trace *trace;
	char	*line;
	size_t	line_room;
	u64	line_nr;
	char	*field[MAX_FIELDS];
	u32	nr_fields;
};

const char read_formats[] =
	"  csv     time,byte offset,length in bytes on each line; a first line of names, fields behind the\n"
	"          third, empty lines and lines with # are passed over; the time is not looked at. An access\n"
	"          touches every block (--block) of its range, in order; one of length 0 touches none.\n"
	"  oracle  libCacheSim's oracleGeneral: little-endian records of 24 bytes without padding: u32 time,\n"
	"          u64 object, u32 size, s64 next access. Every object is one block, whatever its size.\n"
	"  lcscsv  libCacheSim's csv: a line per access with time, object and size, and commas, semicolons,\n"
	"          tabs or blanks between. A first line of names says where the object is (object, obj, obj_id,\n"
	"          objid, id, key, block, lbn or lba); without it the object is in field 2, or where\n"
	"          --columns says, in libCacheSim's words: 'time-col=1, obj-id-col=2, obj-size-col=3'. Objects\n"
	"          that are not numbers are hashed. Every object is one block, whatever its size.\n"
	"  blocks  a block number, decimal or 0x..., on each line.\n";

static bool is_compressed(const unsigned char *head, size_t n)
{
	/* zstd, gzip, xz */
	return n >= 4 && (!memcmp(head, "\x28\xb5\x2f\xfd", 4) || !memcmp(head, "\x1f\x8b", 2) ||
			  !memcmp(head, "\xfd\x37\x7a\x58", 4));
}

static void refuse_compressed(const struct reader *r, const void *head, size_t n)
{
	if (is_compressed(head, n))
		die("%s is compressed: pipe it in, as in 'zstd -dc %s | corcache-sim --trace - --format %s'",
		    r->file, r->file, r->options->format);
}

/* ---- lines -------------------------------------------------------------- */

/* The next line that says something, without the blanks around it. */
static char *next_line(struct reader *r)
{
	for (;;) {
		ssize_t n = getline(&r->line, &r->line_room, r->from);
		char *start = r->line;

		if (n < 0) {
			if (ferror(r->from))
				die("%s: %s", r->file, strerror(errno));
			return NULL;
		}
		if (!r->line_nr++)
			refuse_compressed(r, start, n);
		if (memchr(start, 0, n))
			die("%s:%llu: a byte of 0: this is not text; is it of --format oracle?",
			    r->file, r->line_nr);
		while (n && isspace((unsigned char)start[n - 1]))
			start[--n] = 0;
		while (isspace((unsigned char)*start))
			start++;
		if (*start && *start != '#')
			return start;
	}
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && (isspace((unsigned char)end[-1]) || end[-1] == '"'))
		*--end = 0;
	while (isspace((unsigned char)*text) || *text == '"')
		text++;
	return text;
}

/* Runs of blanks separate once. */
static void split(struct reader *r, char *line, char separator)
{
	r->nr_fields = 0;
	while (line && r->nr_fields < MAX_FIELDS) {
		char *end = strchr(line, separator);

		if (end)
			*end++ = 0;
		while (separator == ' ' && end && *end == ' ')
			end++;
		r->field[r->nr_fields++] = trim(line);
		line = end;
	}
}

static bool parse_u64(const char *text, u64 *value)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	return !*end && !errno;
}

/* ---- csv ---------------------------------------------------------------- */

/* From bit @first to bit @last. */
static u64 bit_range(u32 first, u32 last)
{
	return (~0ULL >> (63 - (last - first))) << first;
}

static void add_range(struct trace *trace, const struct read_options *o, u64 offset, u64 length)
{
	u64 last = (offset + length - 1) / o->block;
	u64 block;

	for (block = offset / o->block; block <= last; block++) {
		u64 start = block * o->block;
		u64 from = max(offset, start) - start;
		u64 to = min(offset + length - 1 - start, o->block - 1);

		trace_add(trace, block,
			  o->fill ? bit_range(from / o->fill, to / o->fill) : 0);
	}
}

static void csv_number(const struct reader *r, u32 field, const char *what, u64 *value)
{
	if (!parse_u64(r->field[field], value))
		die("%s:%llu: %s '%s' is not a number of bytes: lines are time,offset,length with whole numbers",
		    r->file, r->line_nr, what, r->field[field]);
}

static void read_csv(struct reader *r)
{
	bool first = true;
	u64 offset, length;
	char *line;

	for (; (line = next_line(r)); first = false) {
		split(r, line, ',');
		if (r->nr_fields < 3)
			die("%s:%llu: '%s' has %u field%s: lines are time,offset,length",
			    r->file, r->line_nr, r->field[0], r->nr_fields,
			    r->nr_fields == 1 ? "" : "s");
		if (first && isalpha((unsigned char)*r->field[1]) &&
		    isalpha((unsigned char)*r->field[2]))
			continue;
		csv_number(r, 1, "offset", &offset);
		csv_number(r, 2, "length", &length);
		if (!length)
			continue;
		if (offset + length < offset || length / r->options->block >= MOST_BLOCKS)
			die("%s:%llu: length %llu at offset %llu is too much for one access: are both in bytes?",
			    r->file, r->line_nr, length, offset);
		add_range(r->trace, r->options, offset, length);
	}
}

/* ---- plain numbers ------------------------------------------------------- */

static void read_blocks(struct reader *r)
{
	char *line;
	u64 id;

	while ((line = next_line(r))) {
		if (!parse_u64(line, &id))
			die("%s:%llu: '%s' is not a block number: a line is one whole number",
			    r->file, r->line_nr, line);
		trace_add(r->trace, id, 0);
	}
}

/* ---- libCacheSim's csv --------------------------------------------------- */

static char find_separator(const char *line)
{
	static const char separators[] = ",;\t ";
	const char *s;

	for (s = separators; *s; s++)
		if (strchr(line, *s))
			return *s;
	return ',';
}

static bool is_object(const char *name)
{
	static const char *const names[] = {
		"object", "obj", "obj_id", "objid", "object_id", "id", "key", "block", "lbn", "lba",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcasecmp(name, names[i]))
			return true;
	return false;
}

static u64 hash_text(const char *text)
{
	u64 hash = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	return hash;
}

/* The number behind "obj-id-col=", from 1; 0: not there. */
static u32 column_option(const char *columns)
{
	static const char key[] = "obj-id-col=";
	const char *at = columns ? strstr(columns, key) : NULL;
	long column = at ? strtol(at + sizeof(key) - 1, NULL, 10) : 0;

	if (columns && (column < 1 || column > MAX_FIELDS))
		die("--columns '%s' does not say which field is the object: 'obj-id-col=2' does, from 1 to %u",
		    columns, MAX_FIELDS);
	return column;
}

/* Is this a line of names?  If so, and nothing else was said, where is the object? */
static bool read_header(struct reader *r, u32 *column)
{
	u32 i;
	u64 value;

	for (i = 0; i < r->nr_fields; i++)
		if (parse_u64(r->field[i], &value))
			return false;
	for (i = 0; i < r->nr_fields && !*column; i++)
		if (is_object(r->field[i]))
			*column = i + 1;
	if (!*column)
		die("%s:%llu: no field is named object or obj_id: name it, or say which it is, as in --columns obj-id-col=2",
		    r->file, r->line_nr);
	return true;
}

static void read_lcscsv(struct reader *r)
{
	u32 column = column_option(r->options->columns);
	char separator = 0;
	char *line;
	u64 id;

	while ((line = next_line(r))) {
		bool first = !separator;

		if (first)
			separator = find_separator(line);
		split(r, line, separator);
		if (first && read_header(r, &column))
			continue;
		if (!column)
			column = 2;
		if (r->nr_fields < column)
			die("%s:%llu: '%s' has %u field%s, the object is in field %u: see --columns",
			    r->file, r->line_nr, r->field[0], r->nr_fields,
			    r->nr_fields == 1 ? "" : "s", column);
		if (!*r->field[column - 1])
			die("%s:%llu: field %u, the object, is '': see --columns",
			    r->file, r->line_nr, column);
		if (!parse_u64(r->field[column - 1], &id))
			id = hash_text(r->field[column - 1]);
		trace_add(r->trace, id, 0);
	}
}

/* ---- oracleGeneral ------------------------------------------------------- */

#define ORACLE_BYTES	24

static u64 get_le64(const unsigned char *p)
{
	u64 value = 0;
	int i;

	for (i = 7; i >= 0; i--)
		value = value << 8 | p[i];
	return value;
}

/* What is not in this format is most often text.  Nothing in a record is wrong by itself. */
static void check_first(const struct reader *r, const unsigned char *record)
{
	u32 i = 0;

	refuse_compressed(r, record, ORACLE_BYTES);
	while (i < ORACLE_BYTES && (isprint(record[i]) || isspace(record[i])))
		i++;
	if (i == ORACLE_BYTES)
		die("%s: record 0 is text, '%.12s...': is it of --format csv, lcscsv or blocks?",
		    r->file, (const char *)record);
}

static void read_oracle(struct reader *r)
{
	unsigned char record[ORACLE_BYTES];
	u64 nr = 0;
	size_t n;

	while ((n = fread(record, 1, sizeof(record), r->from)) == sizeof(record)) {
		if (!nr++)
			check_first(r, record);
		trace_add(r->trace, get_le64(record + 4), 0);
	}
	if (ferror(r->from))
		die("%s: %s", r->file, strerror(errno));
	if (n)
		die("%s: record %llu has %zu of its 24 bytes: is the file cut short, or not oracleGeneral?",
		    r->file, nr, n);
}

/* ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*read)(struct reader *r);
} formats[] = {
	{ "csv", read_csv },
	{ "oracle", read_oracle },
	{ "lcscsv", read_lcscsv },
	{ "blocks", read_blocks },
};

static void read_as(struct reader *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(r->options->format, formats[i].name))
			break;
	if (i == ARRAY_SIZE(formats))
		die("--format '%s' is not known: csv, oracle, lcscsv and blocks are",
		    r->options->format);
	formats[i].read(r);
}

struct trace *read_trace(const char *file, const struct read_options *options)
{
	struct reader r = { .file = file, .options = options };
	const char *name = strrchr(file, '/');

	r.from = strcmp(file, "-") ? fopen(file, "rb") : stdin;
	if (!r.from)
		die("%s: %s", file, strerror(errno));
	r.trace = trace_new(name ? name + 1 : file);
	read_as(&r);
	if (r.from != stdin)
		fclose(r.from);
	free(r.line);
	return r.trace;
}
