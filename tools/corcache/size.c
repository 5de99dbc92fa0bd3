// SPDX-License-Identifier: GPL-2.0-only
#include "size.h"

#include <stdio.h>
#include <string.h>

#define UNITS "KMGTPE"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool number_parse(const char *text, uint64_t most, uint64_t *number)
{
	uint64_t sum = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (!is_digit(*text) || __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, *text - '0', &sum))
			return false;
	}
	if (sum > most)
		return false;
	*number = sum;
	return true;
}

/* The factor of a unit; 0: there is no such unit. */
static uint64_t unit_factor(const char *unit)
{
	const char *known;

	if (!*unit || !strcmp(unit, "B"))
		return 1;
	if (!strcmp(unit, "s"))
		return SECTOR_BYTES;
	/* k as well: there is no other meaning that it could have */
	known = strchr(UNITS, *unit == 'k' ? 'K' : *unit);
	if (!known || (unit[1] && strcmp(unit + 1, "B") && strcmp(unit + 1, "iB")))
		return 0;
	return 1ULL << (10 * (known - UNITS + 1));
}

bool size_parse(const char *text, uint64_t *bytes)
{
	uint64_t whole = 0, part = 0, scale = 1, factor, sum;
	unsigned __int128 of_part;

	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++) {
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *text - '0', &whole))
			return false;
	}
	if (*text == '.') {
		if (!is_digit(*++text))
			return false;
		for (; is_digit(*text); text++) {
			/* more digits than any unit has bytes for */
			if (scale > 1000000000000000ULL)
				return false;
			scale *= 10;
			part = part * 10 + *text - '0';
		}
	}
	factor = unit_factor(text);
	if (!factor || __builtin_mul_overflow(whole, factor, &sum))
		return false;
	/* "1.3K" is no whole number of bytes; what people mean by it is near enough. */
	of_part = (unsigned __int128)part * factor / scale;
	if (part && (factor == 1 || __builtin_add_overflow(sum, (uint64_t)of_part, &sum)))
		return false;
	*bytes = sum;
	return true;
}

char *size_text(uint64_t bytes, char *text, size_t room)
{
	unsigned int unit = 0;
	uint64_t tenths = bytes;

	if (bytes < 1024) {
		snprintf(text, room, "%u B", (unsigned int)bytes);
		return text;
	}
	while (tenths >= 1024 * 1024) {
		tenths >>= 10;
		unit++;
	}
	tenths = (tenths * 10 + 512) / 1024;
	if (tenths >= 10240 && unit + 1 < sizeof(UNITS) - 1) {
		tenths = 10;
		unit++;
	}
	if (tenths % 10)
		snprintf(text, room, "%u.%u %ciB", (unsigned int)tenths / 10,
			 (unsigned int)tenths % 10, UNITS[unit]);
	else
		snprintf(text, room, "%u %ciB", (unsigned int)tenths / 10, UNITS[unit]);
	return text;
}
