// SPDX-License-Identifier: GPL-2.0-only
#include "pool.h"

#include <libdevmapper.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "dm.h"
#include "report.h"
#include "size.h"
#include "table.h"

bool pool_number(const char *word, dev_t *number)
{
	unsigned int its_major, its_minor;

	if (sscanf(word, "%u:%u", &its_major, &its_minor) != 2)
		return false;
	*number = makedev(its_major, its_minor);
	return true;
}

/* The device with a number, if it is one of device-mapper with target @target; false: it is not. */
static bool find(dev_t number, const char *target, struct dm_device *device)
{
	char name[NAME_MAX + 1];

	if (!dm_is_dm_major(major(number)) ||
	    !dm_device_get_name(major(number), minor(number), 0, name, sizeof(name)) ||
	    dm_look(name, true, device))
		return false;
	if (device->target && !strcmp(device->target, target))
		return true;
	dm_forget(device);
	return false;
}

/* Of a thin volume: the number of its pool. */
static bool find_pool(dev_t number, dev_t *pool)
{
	struct dm_device thin;
	bool is_thin;

	if (!find(number, "thin", &thin))
		return false;
	is_thin = pool_number(thin.table, pool);
	dm_forget(&thin);
	return is_thin;
}

struct sum {
	const char *except;
	dev_t pool;
	uint64_t bytes;
	unsigned int devices;
};

static bool lies_on(const struct dm_device *device, dev_t pool)
{
	dev_t number, its_pool;
	struct table table;
	bool does;

	if (!device->target || strcmp(device->target, DM_TARGET) || !table_split(device->table, &table))
		return false;
	does = pool_number(table.cache, &number) && find_pool(number, &its_pool) &&
	       its_pool == pool;
	table_forget(&table);
	return does;
}

static int add_quota(const struct dm_device *device, void *data)
{
	struct sum *sum = data;
	struct report report;

	if (!strcmp(device->name, sum->except) || !lies_on(device, sum->pool) || !device->status ||
	    !report_parse(device->status, &report))
		return END_OK;
	sum->bytes += report.quota * report.region_sectors * SECTOR_BYTES;
	sum->devices++;
	report_free(&report);
	return END_OK;
}

static int fail_full(const struct dm_device *pool, const struct sum *sum, uint64_t quota)
{
	uint64_t room = pool->sectors * SECTOR_BYTES;
	char has[16], taken[16], wanted[16];

	return fail(END_DEVICE, "thin pool '%s' has %s, of which the quotas of %u other devices are %s: %s are too much; "
		    "give at most %llu bytes, or lower another quota", pool->name, size_text(room, has, sizeof(has)),
		    sum->devices, size_text(sum->bytes, taken, sizeof(taken)), size_text(quota, wanted, sizeof(wanted)),
		    (unsigned long long)(room > sum->bytes ? room - sum->bytes : 0));
}

int pool_check(const char *name, dev_t cache, uint64_t quota)
{
	struct sum sum = { .except = name };
	struct dm_device pool;
	int end;

	if (!find_pool(cache, &sum.pool) || !find(sum.pool, "thin-pool", &pool))
		return END_OK;
	end = dm_each(add_quota, &sum);
	if (!end && (sum.bytes > pool.sectors * SECTOR_BYTES || quota > pool.sectors * SECTOR_BYTES - sum.bytes))
		end = fail_full(&pool, &sum, quota);
	dm_forget(&pool);
	return end;
}
