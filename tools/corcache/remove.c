// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "dm.h"
#include "verbs.h"

/* What create makes, or activation when a lower device is missing. */
static bool is_ours(const struct dm_device *device)
{
	return (device->target && !strcmp(device->target, DM_TARGET)) ||
	       (!strncmp(device->uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX)) &&
		!strcmp(device->uuid + strlen(DM_UUID_PREFIX), device->name));
}

static int remove_one(const char *name, bool deferred)
{
	struct dm_device device;
	int end = dm_look(name, false, &device);

	if (end)
		return end;
	if (is_ours(&device))
		end = dm_remove(device.name, deferred);
	else
		end = fail(END_DEVICE, "'%s' is no corcache device: its target is '%s', its UUID '%s'", name,
			   device.target ? device.target : "none", device.uuid);
	dm_forget(&device);
	return end;
}

static int run(const struct invocation *call)
{
	int first = END_OK, end, i;

	for (i = 0; i < call->words; i++) {
		end = remove_one(call->word[i], given(call, "deferred"));
		if (!first)
			first = end;
	}
	return first;
}

static const struct verb_option options[] = {
	{ .name = "deferred", .letter = 'd', .help = "a device that is in use goes when it is not any more" },
	{ }
};

const struct verb verb_remove = {
	.name = "remove",
	.words = "NAME...",
	.summary = "remove devices; what is cached stays on their cache devices",
	.least = 1, .most = -1,
	.first = WORD_NAME, .rest = WORD_NAME,
	.options = options,
	.run = run,
};
