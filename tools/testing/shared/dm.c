// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of device-mapper, by libdevmapper; see dm.h.
 *
 * Owns the loaded library and the text of the last error.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "dm.h"

/* What is used of libdevmapper, without the dm_ in front. */
#define EACH_CALL(call)						\
	call(dir)						\
	call(get_next_target)					\
	call(log_with_errno_init)				\
	call(task_add_target)					\
	call(task_create)					\
	call(task_destroy)					\
	call(task_get_errno)					\
	call(task_get_info)					\
	call(task_no_flush)					\
	call(task_run)						\
	call(task_set_message)					\
	call(task_set_name)					\
	call(task_set_ro)					\
	call(task_set_sector)					\
	call(task_skip_lockfs)					\
	call(task_update_nodes)					\
	call(udev_set_sync_support)

static struct {
	bool ready;
#define MEMBER(call)	__typeof__(dm_##call) *call;
	EACH_CALL(MEMBER)
} lib;

static char last_error[512] = "no error";

const char *dm_error(void)
{
	return last_error;
}

static void __attribute__((format(printf, 2, 3))) set_error(int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	errno = error;
}

/* The library says here what was wrong; what is less than an error is not wanted. */
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

/* ---- the library ---- */

static int find_call(void *library, const char *name, void *to)
{
	void *address = dlsym(library, name);

	if (!address) {
		set_error(ENOSYS, "libdevmapper has no %s", name);
		return ENOSYS;
	}
	memcpy(to, &address, sizeof(address));
	return 0;
}

static int load_library(void)
{
	/* Debian's name, and that of all others */
	static const char *const names[] = { "libdevmapper.so.1.02.1", "libdevmapper.so.1.02" };
	void *library = NULL;
	int error = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !library; i++)
		library = dlopen(names[i], RTLD_NOW);
	if (!library) {
		set_error(ENOSYS, "%s", dlerror());
		return ENOSYS;
	}
#define FIND(call)	error = error ?: find_call(library, "dm_" #call, &lib.call);
	EACH_CALL(FIND)
	return error;
}

/* Ends @task.  @good: it was put together without an error. */
static int run(struct dm_task *task, bool good)
{
	int error = 0;

	if (!good || !lib.task_run(task))
		error = lib.task_get_errno(task) ?: EIO;
	lib.task_destroy(task);
	return error;
}

static int begin(int type, const char *name, struct dm_task **task)
{
	int error = dm_setup();

	if (error)
		return error;
	*task = lib.task_create(type);
	if (!*task)
		return ENOMEM;
	if (lib.task_set_name(*task, name))
		return 0;
	lib.task_destroy(*task);
	return EINVAL;
}

int dm_setup(void)
{
	struct dm_task *task;
	int error;

	if (lib.ready)
		return 0;
	error = load_library();
	if (error)
		return error;
	lib.log_with_errno_init(log_error);
	lib.udev_set_sync_support(0);
	/* the first call opens device-mapper and compares versions */
	task = lib.task_create(DM_DEVICE_VERSION);
	error = task ? run(task, true) : ENOMEM;
	lib.ready = !error;
	return error;
}

/* ---- devices and tables ---- */

static int simple(int type, const char *name)
{
	struct dm_task *task;

	return begin(type, name, &task) ?: run(task, true);
}

static int load(int type, const char *name, unsigned int flags, uint64_t sectors,
		const char *target, const char *params)
{
	struct dm_task *task;
	int error = begin(type, name, &task);
	bool good = true;

	if (error)
		return error;
	if (target)
		good = lib.task_add_target(task, 0, sectors, target, params);
	if (flags & DM_READONLY)
		good = good && lib.task_set_ro(task);
	return run(task, good);
}

int dm_create(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params)
{
	int error = load(DM_DEVICE_CREATE, name, flags, sectors, target, params);

	/* its node is there, or gone, when this returns */
	lib.task_update_nodes();
	return error;
}

int dm_reload(const char *name, unsigned int flags, uint64_t sectors,
	      const char *target, const char *params)
{
	return load(DM_DEVICE_RELOAD, name, flags, sectors, target, params);
}

int dm_clear(const char *name)
{
	return simple(DM_DEVICE_CLEAR, name);
}

int dm_suspend(const char *name, unsigned int flags)
{
	struct dm_task *task;
	int error = begin(DM_DEVICE_SUSPEND, name, &task);
	bool good = true;

	if (error)
		return error;
	if (flags & DM_NOLOCKFS)
		good = lib.task_skip_lockfs(task);
	if (flags & DM_NOFLUSH)
		good = good && lib.task_no_flush(task);
	return run(task, good);
}

int dm_resume(const char *name)
{
	return simple(DM_DEVICE_RESUME, name);
}

int dm_swap(const char *name, unsigned int flags, uint64_t sectors,
	    const char *target, const char *params)
{
	return dm_reload(name, flags, sectors, target, params) ?:
	       dm_suspend(name, flags | DM_NOLOCKFS) ?: dm_resume(name);
}

int dm_remove(const char *name)
{
	int error = simple(DM_DEVICE_REMOVE, name);

	lib.task_update_nodes();
	return error;
}

int dm_message(const char *name, const char *message)
{
	struct dm_task *task;

	return begin(DM_DEVICE_TARGET_MSG, name, &task) ?:
	       run(task, lib.task_set_sector(task, 0) && lib.task_set_message(task, message));
}

/* ---- what is there ---- */

static int words_of(int type, const char *name, char *buf, size_t len)
{
	char *target = NULL, *params = NULL;
	struct dm_task *task;
	uint64_t start, sectors;
	int error = begin(type, name, &task);

	if (error)
		return error;
	if (!lib.task_no_flush(task) || !lib.task_run(task)) {
		error = lib.task_get_errno(task) ?: EIO;
	} else {
		lib.get_next_target(task, NULL, &start, &sectors, &target, &params);
		if (!target) {
			set_error(ENXIO, "%s: no device, or it has no table", name);
			error = ENXIO;
		} else if ((size_t)snprintf(buf, len, "%s", params ?: "") >= len) {
			set_error(ENOSPC, "%s: %zu bytes are too few", name, len);
			error = ENOSPC;
		}
	}
	lib.task_destroy(task);
	return error;
}

int dm_status(const char *name, char *buf, size_t len)
{
	return words_of(DM_DEVICE_STATUS, name, buf, len);
}

int dm_table(const char *name, char *buf, size_t len)
{
	return words_of(DM_DEVICE_TABLE, name, buf, len);
}

int dm_device(const char *name, dev_t *device)
{
	struct dm_task *task;
	struct dm_info info;
	int error = begin(DM_DEVICE_INFO, name, &task);

	if (error)
		return error;
	if (!lib.task_run(task) || !lib.task_get_info(task, &info)) {
		error = lib.task_get_errno(task) ?: EIO;
	} else if (!info.exists) {
		set_error(ENXIO, "%s: no such device", name);
		error = ENXIO;
	} else {
		*device = makedev(info.major, info.minor);
	}
	lib.task_destroy(task);
	return error;
}

int dm_open(const char *name)
{
	char path[256];

	errno = dm_setup();
	if (errno)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", lib.dir(), name);
	return open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
}
