// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dm.h"
#include "pool.h"
#include "report.h"
#include "size.h"
#include "table.h"
#include "verbs.h"

static int check_pool(const struct dm_device *device, uint64_t bytes)
{
	struct table table;
	int end = END_OK;
	dev_t cache;

	if (!table_split(device->table, &table))
		return END_OK;
	if (pool_number(table.cache, &cache))
		end = pool_check(device->name, cache, bytes);
	table_forget(&table);
	return end;
}

/* The kernel rounds down to regions and knows the data area; a lower quota is no matter for the pool. */
static int set(const struct dm_device *device, const struct report *report, const char *text)
{
	uint64_t now = report->quota * report->region_sectors * SECTOR_BYTES, bytes;
	char *message;
	int end = END_OK;

	if (!size_parse(text, &bytes))
		return fail(END_ARGS, "quota: '%s' is no size: a number, with K, M, G or T behind it, such as 100M", text);
	if (bytes < report->region_sectors * SECTOR_BYTES)
		return fail(END_ARGS, "quota: '%s' is less than one region, %" PRIu64 " bytes", text,
			    report->region_sectors * SECTOR_BYTES);
	if (bytes > now)
		end = check_pool(device, bytes);
	if (end)
		return end;
	message = get_text("quota %" PRIu64, bytes / SECTOR_BYTES);
	end = dm_message(device->name, message, NULL);
	free(message);
	return end;
}

static int run(const struct invocation *call)
{
	struct dm_device device;
	struct report report;
	int end = dm_look_corcache(call->word[0], &device);

	if (end)
		return end;
	if (!device.status || !report_parse(device.status, &report)) {
		end = fail(END_DEVICE, "'%s': its status is not understood: '%s'; is the module newer than this tool?",
			   device.name, device.status ? device.status : "");
	} else {
		if (call->words == 2)
			end = set(&device, &report, call->word[1]);
		else
			printf("%" PRIu64 "\n", report.quota * report.region_sectors * SECTOR_BYTES);
		report_free(&report);
	}
	dm_forget(&device);
	return end;
}

const struct verb verb_quota = {
	.name = "quota",
	.words = "NAME [SIZE]",
	.summary = "show the quota of a device in bytes, or set it",
	.more = "It holds until the device is made anew: change the line that makes it at boot as well.\n",
	.least = 1, .most = 2,
	.first = WORD_NAME,
	.run = run,
};
