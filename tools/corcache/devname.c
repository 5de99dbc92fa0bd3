// SPDX-License-Identifier: GPL-2.0-only
#include "devname.h"

#include <libdevmapper.h>
#include <limits.h>
#include <stdio.h>

#include "fail.h"

char *device_name(const char *word)
{
	char name[NAME_MAX + 1], more;
	unsigned int major, minor;

	if (sscanf(word, "%u:%u%c", &major, &minor, &more) != 2 ||
	    !dm_device_get_name(major, minor, 0, name, sizeof(name)))
		return get_text("%s", word);
	return get_text("/dev/%s%s", dm_is_dm_major(major) ? "mapper/" : "", name);
}
