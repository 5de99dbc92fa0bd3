// SPDX-License-Identifier: GPL-2.0-only
#include "lvm.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "run.h"

#define NAME_CHARACTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_.-"

bool lvm_is_name(const char *name)
{
	return name && *name && *name != '-' && strspn(name, NAME_CHARACTERS) == strlen(name);
}

static const char *line_before(const char *said, const char *end)
{
	while (end > said && end[-1] != '\n')
		end--;
	return end;
}

const char *lvm_last_line(char *said)
{
	static const char hint[] = "  Run `";
	char *end = said + strlen(said);
	const char *line = line_before(said, end);

	/* the help that is named there tells less than the line before */
	if (line != said && !strncmp(line, hint, strlen(hint))) {
		said[line - 1 - said] = '\0';
		line = line_before(said, line - 1);
	}
	return line + strspn(line, " ");
}

int lvm_fail(const char *what, const char *on, int status, char *said)
{
	if (status == 127)
		return fail(END_DEVICE, "cannot %s '%s': lvm2 is not installed", what, on);
	return fail(END_DEVICE, "cannot %s '%s': %s", what, on, lvm_last_line(said));
}

int lvm_call(const char *what, const char *on, const char *const *argv, char **said)
{
	char *text;
	int status = run_program(argv, &text);
	int end = status ? lvm_fail(what, on, status, text) : END_OK;

	if (said && !end)
		*said = text;
	else
		free(text);
	return end;
}

unsigned int lvm_rows(char *said)
{
	char *to = said, *line;
	unsigned int rows = 0;
	size_t length;

	while ((line = strsep(&said, "\n"))) {
		if (!strchr(line, '|'))
			continue;
		line += strspn(line, " ");
		length = strlen(line);
		if (rows++)
			*to++ = '\n';
		memmove(to, line, length);
		to += length;
	}
	*to = '\0';
	return rows;
}
