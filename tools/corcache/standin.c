// SPDX-License-Identifier: GPL-2.0-only
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* Its UUID has the prefix so that the udev rule keeps scanners off it: all that they would get is errors. */
#define STANDIN_NAME	"%s-origin"
#define STANDIN_UUID	DM_UUID_PREFIX "%s-origin"

static bool is_standin(const struct dm_device *device)
{
	return device->target && !strcmp(device->target, "error") &&
	       !strncmp(device->uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX));
}

int standin_make(const char *name, uint64_t sectors, char **path)
{
	char *device = get_text(STANDIN_NAME, name), *uuid = get_text(STANDIN_UUID, name);
	struct dm_line line = { 0, sectors, "error", "" };
	int end;

	/* one that was left behind may have another length */
	end = standin_remove(name);
	if (!end)
		end = dm_create(device, uuid, true, &line, 1);
	*path = end ? NULL : get_text("/dev/mapper/%s", device);
	free(device);
	free(uuid);
	return end;
}

int standin_remove(const char *name)
{
	char *path = get_text(STANDIN_NAME, name);
	struct dm_device device;
	int end = dm_look(path, true, &device);

	if (!end) {
		if (is_standin(&device))
			end = dm_remove(path, false);
		dm_forget(&device);
	} else if (end == END_DEVICE) {
		end = END_OK;
	}
	free(path);
	return end;
}

bool standin_is_below(const struct dm_device *device)
{
	char *name = get_text(STANDIN_NAME, device->name), *number;
	struct dm_device standin;
	struct table table;
	bool below = false;

	if (table_split(device->table, &table)) {
		if (!dm_look(name, true, &standin)) {
			number = get_text("%u:%u", standin.major, standin.minor);
			below = is_standin(&standin) && !strcmp(table.origin, number);
			free(number);
			dm_forget(&standin);
		}
		table_forget(&table);
	}
	free(name);
	return below;
}
