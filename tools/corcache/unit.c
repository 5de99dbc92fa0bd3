// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"

#define PLAIN	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_."

char *unit_escape(const char *text)
{
	char *escaped = get_memory(4 * strlen(text) + 1), *at = escaped;
	const char *from;

	for (from = text; *from; from++) {
		/* a name that begins with a dot is that of a hidden file */
		if (*from == '/')
			*at++ = '-';
		else if (strchr(PLAIN, *from) && (*from != '.' || from != text))
			*at++ = *from;
		else
			at += sprintf(at, "\\x%02x", (unsigned char)*from);
	}
	return escaped;
}

char *unit_escape_path(const char *path)
{
	return unit_escape(path + strspn(path, "/"));
}
