// SPDX-License-Identifier: GPL-2.0-only
#include "saved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

struct place {
	const char *file;
	unsigned int line;
};

static int bad_line(const struct place *place, const char *text, const char *what)
{
	return fail(END_ARGS, "%s: line %u: %s: '%.60s%s'", place->file, place->line, what, text,
		    strlen(text) > 60 ? "..." : "");
}

/* A plain line of text: names and values go into JSON and to terminals. */
static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			return false;
	}
	return true;
}

/* "START LENGTH TARGET PARAMETER...", whose parameters are returned if the target is ours; else NULL. */
static const char *our_params(const char *text, uint64_t *sectors)
{
	char start[24], length[24], target[32];
	uint64_t first;
	int params = 0;

	if (sscanf(text, "%23s %23s %31s %n", start, length, target, &params) != 3 || strcmp(target, DM_TARGET) ||
	    !number_parse(start, UINT64_MAX, &first) || !number_parse(length, UINT64_MAX / SECTOR_BYTES, sectors))
		return NULL;
	return text + params;
}

static struct view *find_or_add(struct views *views, const char *name)
{
	struct view *view = views_find(views, name);

	return view ? view : views_add(views, name);
}

/* Of a status the first word is a mode, of a table a device: they cannot be mixed up. */
static int take_params(struct view *view, const char *params, const struct place *place, const char *line)
{
	struct report report;

	if (report_parse(params, &report)) {
		if (view->has_report) {
			report_free(&report);
			return bad_line(place, line, "a second status of the same device");
		}
		view->has_report = true;
		view->report = report;
		return END_OK;
	}
	if (view->cache)
		return bad_line(place, line, "no status, and a table of this device is there already");
	if (!view_take_table(view, params))
		return bad_line(place, line, "neither a status nor a table of a corcache device");
	return END_OK;
}

static int take_line(struct views *views, char *line, const struct place *place)
{
	char *colon = strstr(line, ": ");
	const char *params;
	struct view *view;
	uint64_t sectors;
	int end;

	if (our_params(line, &sectors))
		return bad_line(place, line, "no name before it: save 'dmsetup status --target corcache' without a name");
	params = colon ? our_params(colon + 2, &sectors) : NULL;
	if (!params)
		return END_OK;
	if (!is_printable(line))
		return bad_line(place, "", "characters that dmsetup does not print");
	*colon = '\0';
	view = find_or_add(views, line);
	*colon = ':';
	view->sectors = sectors;
	end = take_params(view, params, place, line);
	return end;
}

static int read_lines(FILE *from, struct views *views, struct place *place)
{
	char *line = NULL;
	size_t room = 0;
	int end = END_OK;

	while (!end && getline(&line, &room, from) >= 0) {
		place->line++;
		line[strcspn(line, "\r\n")] = '\0';
		end = take_line(views, line, place);
	}
	free(line);
	if (!end && ferror(from))
		end = fail(end_of(errno), "%s: cannot read it: %s", place->file, strerror(errno));
	return end;
}

int saved_read(const char *file, struct views *views)
{
	bool standard = !strcmp(file, "-");
	struct place place = { standard ? "standard input" : file, 0 };
	FILE *from = standard ? stdin : fopen(file, "re");
	int end;

	if (!from)
		return fail(end_of(errno), "--from: cannot open '%s': %s", file, strerror(errno));
	end = read_lines(from, views, &place);
	if (!standard)
		fclose(from);
	if (!end && !views->nr)
		end = fail(END_ARGS, "%s: no line of a corcache device in it: save 'dmsetup status --target corcache'",
			   place.file);
	views_sort(views);
	return end;
}
