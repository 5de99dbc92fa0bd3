// SPDX-License-Identifier: GPL-2.0-only
/* corcache detach: removes what attach has made. */
#include <string.h>

#include "absence.h"
#include "dm.h"
#include "report.h"
#include "standin.h"
#include "verbs.h"

/* A read of the origin that is that old may never be answered, and the removal would wait for it. */
#define STALLED_MS	1000

static bool is_stalled(const struct dm_device *device)
{
	struct report report;
	bool stalled;

	if (!device->status || !report_parse(device->status, &report))
		return false;
	stalled = report_number(&report, "stalled_ms") >= STALLED_MS;
	report_free(&report);
	return stalled;
}

static int check(const char *name, const struct dm_device *device)
{
	if (strncmp(device->uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX)))
		return fail(END_DEVICE, "'%s' was not made by corcache: its UUID '%s' does not begin with "
			    DM_UUID_PREFIX, name, device->uuid);
	if (is_stalled(device))
		return fail(END_BUSY, "'%s' stays: its origin does not answer, and a read waits for it; "
			    "disconnect the origin first", name);
	return END_OK;
}

static int detach(const struct invocation *call)
{
	const char *name = call->word[0];
	struct dm_device device;
	int end = strchr(name, '/') ? fail(END_ARGS, "'%s' is no name of a device", name) : absence_lock(name);

	if (end)
		return end;
	end = dm_look(name, true, &device);
	if (!end) {
		end = check(name, &device);
		if (!end)
			end = dm_remove(name, false);
		dm_forget(&device);
	} else if (end == END_DEVICE) {
		end = END_OK;
	}
	if (!end)
		end = standin_remove(name);
	if (!end)
		absence_end(name);
	return end;
}

const struct verb verb_detach = {
	.name = "detach",
	.words = "NAME",
	.summary = "remove a device that attach has made",
	.more = "What is cached stays. A device that is not there is no error.\n",
	.least = 1, .most = 1,
	.first = WORD_NAME,
	.run = detach,
};
