// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash: mapped devices, by libdevmapper.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "dm.h"

static char last_error[512] = "no error";

const char *dm_error(void)
{
	return last_error;
}

static void __attribute__((format(printf, 5, 6)))
log_error(int level, const char *file, int line, int number, const char *fmt, ...)
{
	va_list ap;

	(void)file;
	(void)line;
	(void)number;
	if ((level & 0x7) > 3)
		return;
	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
}

void dm_setup(void)
{
	dm_log_with_errno_init(log_error);
	dm_udev_set_sync_support(0);
}

/* Ends a task, whose nodes in /dev/mapper are made at once. */
static int run(struct dm_task *task, bool good)
{
	good = good && dm_task_run(task);
	dm_task_destroy(task);
	dm_task_update_nodes();
	return good ? 0 : -1;
}

static struct dm_task *task_for(int type, const char *name)
{
	struct dm_task *task = dm_task_create(type);

	if (!task || !dm_task_set_name(task, name))
		die("libdevmapper: %s", last_error);
	return task;
}

static int load(int type, const char *name, unsigned int flags, uint64_t sectors,
		const char *target, const char *params)
{
	struct dm_task *task = task_for(type, name);
	bool good = dm_task_add_target(task, 0, sectors, target, params);

	if (good && (flags & DM_READONLY))
		good = dm_task_set_ro(task);
	return run(task, good);
}

int dm_create(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params)
{
	return load(DM_DEVICE_CREATE, name, flags, sectors, target, params);
}

int dm_reload(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params)
{
	return load(DM_DEVICE_RELOAD, name, flags, sectors, target, params);
}

int dm_suspend(const char *name, unsigned int flags)
{
	struct dm_task *task = task_for(DM_DEVICE_SUSPEND, name);
	bool good = dm_task_skip_lockfs(task);

	if (flags & DM_NOFLUSH)
		good = good && dm_task_no_flush(task);
	return run(task, good);
}

int dm_resume(const char *name)
{
	return run(task_for(DM_DEVICE_RESUME, name), true);
}

int dm_swap(const char *name, unsigned int flags, uint64_t sectors,
	    const char *target, const char *params)
{
	if (dm_reload(name, flags, sectors, target, params) || dm_suspend(name, flags))
		return -1;
	return dm_resume(name);
}

int dm_remove(const char *name)
{
	return run(task_for(DM_DEVICE_REMOVE, name), true);
}

int dm_message(const char *name, const char *message)
{
	struct dm_task *task = task_for(DM_DEVICE_TARGET_MSG, name);

	return run(task, dm_task_set_sector(task, 0) && dm_task_set_message(task, message));
}

int dm_status(const char *name, char *buf, size_t len)
{
	struct dm_task *task = task_for(DM_DEVICE_STATUS, name);
	uint64_t start, sectors;
	char *target, *params;

	if (!dm_task_no_flush(task) || !dm_task_run(task)) {
		dm_task_destroy(task);
		return -1;
	}
	dm_get_next_target(task, NULL, &start, &sectors, &target, &params);
	snprintf(buf, len, "%s", params ? params : "");
	dm_task_destroy(task);
	return 0;
}

int dm_status_number(const char *name, const char *field, uint64_t *value)
{
	char status[4096], mode[32], *pairs, *word, *save;
	unsigned long long used, quota, valid;
	int at;

	if (dm_status(name, status, sizeof(status)))
		return -1;
	if (sscanf(status, "%31s %*u %*u %*u %llu/%llu/%*u %llu %*u %n", mode, &used, &quota,
		   &valid, &at) != 4)
		die("%s: status '%s' makes no sense", name, status);
	if (!strcmp(field, "used") || !strcmp(field, "quota") || !strcmp(field, "valid")) {
		*value = *field == 'u' ? used : *field == 'q' ? quota : valid;
		return 0;
	}
	if (!strcmp(field, "active")) {
		*value = !strcmp(mode, "active");
		return 0;
	}
	pairs = status + at;
	for (word = strtok_r(pairs, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *number = strtok_r(NULL, " ", &save);
		unsigned long long v;

		if (!strcmp(word, field) && number && sscanf(number, "%llu", &v) == 1) {
			*value = v;
			return 0;
		}
	}
	die("%s: status has no field %s", name, field);
}

int dm_open(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dm_dir(), name);
	return open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
}
