// SPDX-License-Identifier: GPL-2.0-only
#include "dm.h"

#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "holders.h"
#include "kmsg.h"
#include "remedy.h"
#include "run.h"

/* ---- tasks ---- */

/* What the library has said first: it is told if the kernel has given no error. */
static char first_said[256];

static void keep_said(int level, const char *file, int line, int error, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static void keep_said(int level, const char *file, int line, int error, const char *format, ...)
{
	va_list list;

	(void)file;
	(void)line;
	(void)error;
	/* the level may carry flags; errors are 3 and less */
	if ((level & 7) > 3 || first_said[0])
		return;
	va_start(list, format);
	vsnprintf(first_said, sizeof(first_said), format, list);
	va_end(list);
}

#define BAD_NAME	ENAMETOOLONG	/* the name cannot be one */
#define NO_DM		ENODEV		/* the kernel has no device-mapper, or it is not loaded */

/* What keeps the library from the kernel: it has no errno for that. */
static int control_error(void)
{
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), error = errno;

	if (fd >= 0) {
		close(fd);
		return EIO;
	}
	return error == ENOENT || error == ENXIO ? NO_DM : error;
}

/* NULL, and @error: an errno value. The library asks the kernel for its version first. */
static struct dm_task *new_task(int type, const char *name, int *error)
{
	struct dm_task *task;

	dm_log_with_errno_init(keep_said);
	first_said[0] = '\0';
	*error = 0;
	task = dm_task_create(type);
	if (!task)
		*error = control_error();
	if (!task || !name || dm_task_set_name(task, name))
		return task;
	*error = BAD_NAME;
	dm_task_destroy(task);
	return NULL;
}

static int task_error(struct dm_task *task)
{
	int error = dm_task_get_errno(task);

	return error ? error : control_error();
}

static int fail_absent(const char *name)
{
	return fail(END_DEVICE, "there is no device '%s'; 'corcache list' shows those there are", name);
}

static const char *error_words(int error)
{
	return error == EIO && first_said[0] ? first_said : strerror(error);
}

/* What the kernel has given no reason for. */
static int fail_plain(const char *what, const char *name, int error)
{
	if (error == BAD_NAME)
		return fail(END_ARGS, "'%s' is no name that a device of device-mapper can have", name);
	if (error == ENXIO)
		return fail_absent(name);
	if (error == EACCES || error == EPERM)
		return fail(END_DENIED, "cannot %s '%s': %s; this needs root", what, name, strerror(error));
	if (error == NO_DM)
		return fail(END_DEVICE, "cannot %s '%s': the kernel has no device-mapper: modprobe dm-mod", what, name);
	return fail(end_of(error), "cannot %s '%s': %s", what, name, error_words(error));
}

/* Tasks whose end udev's rules tell: the others have no event, and a cookie of theirs would be waited for forever. */
static bool has_event(int type)
{
	return type == DM_DEVICE_RESUME || type == DM_DEVICE_REMOVE;
}

/* Runs a task of this type, and waits for udev to have made or removed the nodes. 0 or an errno value. */
static int run_task(struct dm_task *task, int type)
{
	uint32_t cookie = 0;
	int error = 0;

	if (has_event(type) && dm_udev_get_sync_support() && !dm_task_set_cookie(task, &cookie, 0))
		return ENOSPC;
	if (!dm_task_run(task))
		error = task_error(task);
	if (cookie)
		dm_udev_wait(cookie);
	dm_task_update_nodes();
	return error;
}

/* A task that has no more than a type, a name and whether it flushes. 0 or an errno value. */
static int run_simple(int type, const char *name, bool noflush)
{
	int error;
	struct dm_task *task = new_task(type, name, &error);

	if (!task)
		return error;
	if (noflush) {
		dm_task_no_flush(task);
		dm_task_skip_lockfs(task);
	}
	error = run_task(task, type);
	dm_task_destroy(task);
	return error;
}

/* ---- refusals ---- */

/* A device in the making or in use, about which the kernel may have to say something. */
struct subject {
	const char *what;	/* "create" */
	const char *name;
	const char *params;	/* of its table line, or NULL */
	unsigned int major, minor;
	int mark;		/* of the kernel's log */
};

/* Says what the kernel has said since the mark, and returns the exit status that it stands for; -1: it was silent. */
static int say_refusal(struct subject *subject, int error)
{
	char *line = kmsg_read(subject->mark, subject->name, subject->major, subject->minor), *text = NULL;
	const struct remedy *remedy = line ? remedy_find(line) : NULL;

	subject->mark = -1;
	if (!line)
		return -1;
	if (remedy)
		text = remedy_text(remedy, subject->name, subject->params);
	say("cannot %s '%s': %s%s%s", subject->what, subject->name, line, text && *text ? "; " : "", text ? text : "");
	free(text);
	free(line);
	return remedy ? remedy->end : end_of(error);
}

/* The mark is used up, whatever has happened. */
static int end_subject(struct subject *subject, int error)
{
	int end;

	if (!error) {
		close(subject->mark);
		return END_OK;
	}
	end = say_refusal(subject, error);
	return end < 0 ? fail_plain(subject->what, subject->name, error) : end;
}

/* ---- looking ---- */

void dm_forget(struct dm_device *device)
{
	free(device->name);
	free(device->uuid);
	free(device->target);
	free(device->table);
	free(device->status);
	memset(device, 0, sizeof(*device));
}

/* Runs a task that changes nothing. 0 or an errno value; without an error, NULL for @task: there is no such device. */
static int ask(int type, const char *name, struct dm_task **task, struct dm_info *info)
{
	int error;

	*task = new_task(type, name, &error);
	if (!*task)
		return error;
	/* a status that flushes waits for I/O */
	dm_task_no_flush(*task);
	memset(info, 0, sizeof(*info));
	if (!dm_task_run(*task))
		error = task_error(*task);
	else if (!dm_task_get_info(*task, info))
		error = EIO;
	if (error == ENXIO)
		error = 0;
	if (!error && info->exists)
		return 0;
	dm_task_destroy(*task);
	*task = NULL;
	return error;
}

static void take_info(struct dm_device *device, struct dm_task *task, const struct dm_info *info)
{
	const char *uuid = dm_task_get_uuid(task);

	device->name = get_text("%s", dm_task_get_name(task));
	device->uuid = get_text("%s", uuid ? uuid : "");
	device->major = info->major;
	device->minor = info->minor;
	device->open_count = info->open_count;
	device->suspended = info->suspended;
	device->read_only = info->read_only;
}

static void take_table(struct dm_device *device, struct dm_task *task)
{
	uint64_t start, sectors;
	char *target, *params;
	void *next = NULL;

	do {
		next = dm_get_next_target(task, next, &start, &sectors, &target, &params);
		if (!target)
			continue;
		device->sectors += sectors;
		if (!device->target) {
			device->target = get_text("%s", target);
			device->table = get_text("%s", params ? params : "");
		}
	} while (next);
}

static void take_status(struct dm_device *device, struct dm_task *task)
{
	uint64_t start, sectors;
	char *target, *params;

	dm_get_next_target(task, NULL, &start, &sectors, &target, &params);
	if (target)
		device->status = get_text("%s", params ? params : "");
}

int dm_look(const char *name, bool quiet, struct dm_device *device)
{
	static const int types[] = { DM_DEVICE_INFO, DM_DEVICE_TABLE, DM_DEVICE_STATUS };
	struct dm_task *task;
	struct dm_info info;
	unsigned int i;
	int error;

	memset(device, 0, sizeof(*device));
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		error = ask(types[i], name, &task, &info);
		if (!task) {
			dm_forget(device);
			if (quiet && (!error || error == NO_DM))
				return END_DEVICE;
			return fail_plain("look at", name, error ? error : ENXIO);
		}
		if (types[i] == DM_DEVICE_INFO)
			take_info(device, task, &info);
		else if (types[i] == DM_DEVICE_TABLE)
			take_table(device, task);
		else
			take_status(device, task);
		dm_task_destroy(task);
	}
	return END_OK;
}

int dm_look_corcache(const char *name, struct dm_device *device)
{
	int end = dm_look(name, false, device);

	if (end || (device->target && !strcmp(device->target, DM_TARGET)))
		return end;
	if (device->target)
		fail(END_DEVICE, "'%s' is no corcache device: its target is '%s'", name, device->target);
	else
		fail(END_DEVICE, "'%s' is no corcache device: it has no table", name);
	dm_forget(device);
	return END_DEVICE;
}

/* ---- all of them ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t take_names(struct dm_task *task, char ***names)
{
	struct dm_names *at = dm_task_get_names(task);
	size_t nr = 0;

	*names = NULL;
	if (!at || !at->dev)
		return 0;
	for (;; at = (struct dm_names *)((char *)at + at->next)) {
		*names = get_more_memory(*names, (nr + 1) * sizeof(char *));
		(*names)[nr++] = get_text("%s", at->name);
		if (!at->next)
			break;
	}
	qsort(*names, nr, sizeof(char *), by_name);
	return nr;
}

int dm_check_free(const char *name)
{
	struct dm_device device;
	int end = dm_look(name, true, &device);

	if (end)
		return end == END_DEVICE ? END_OK : end;
	dm_forget(&device);
	return fail(END_BUSY, "device '%s' exists already", name);
}

bool dm_is_ours(const struct dm_device *device)
{
	return !strncmp(device->uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX)) ||
	       (device->target && !strcmp(device->target, DM_TARGET));
}

static int call_each(char *name, int (*each)(const struct dm_device *device, void *data), void *data)
{
	struct dm_device device;
	int end;

	/* one that was removed meanwhile is not there; all else was said */
	end = dm_look(name, true, &device);
	if (end)
		return end == END_DEVICE ? END_OK : end;
	if (dm_is_ours(&device))
		end = each(&device, data);
	dm_forget(&device);
	return end;
}

int dm_each(int (*each)(const struct dm_device *device, void *data), void *data)
{
	int end = END_OK, error;
	struct dm_task *task = new_task(DM_DEVICE_LIST, NULL, &error);
	char **names = NULL;
	size_t nr = 0, i;

	if (task && !dm_task_run(task))
		error = task_error(task);
	else if (task)
		nr = take_names(task, &names);
	if (task)
		dm_task_destroy(task);
	/* no device-mapper, no devices */
	if (error && error != NO_DM)
		return fail_plain("list", "devices", error);
	for (i = 0; i < nr; i++) {
		if (!end)
			end = call_each(names[i], each, data);
		free(names[i]);
	}
	free(names);
	return end;
}

/* ---- the module ---- */

static bool has_target(const char *target)
{
	int error;
	struct dm_task *task = new_task(DM_DEVICE_LIST_VERSIONS, NULL, &error);
	struct dm_versions *at;
	bool found = false;

	if (task && dm_task_run(task)) {
		for (at = dm_task_get_versions(task); at; at = (struct dm_versions *)((char *)at + at->next)) {
			found = found || !strcmp(at->name, target);
			if (!at->next)
				break;
		}
	}
	if (task)
		dm_task_destroy(task);
	return found;
}

/* What modprobe says, and what that means. */
static const struct {
	const char *said;
	enum ends end;
	const char *remedy;
} load_failures[] = {
	{ "not found in directory", END_DEVICE,
	  "it is not installed for this kernel: install the package dm-corcache-dkms, or run 'make install'" },
	{ "Key was rejected", END_DENIED,
	  "Secure Boot is on, and the module is not signed with a key that this machine knows: enroll the key that "
	  "dkms signs with, 'mokutil --import /var/lib/dkms/mok.pub', and boot again" },
	{ "Required key not available", END_DENIED,
	  "Secure Boot is on, and the module is not signed with a key that this machine knows: enroll the key that "
	  "dkms signs with, 'mokutil --import /var/lib/dkms/mok.pub', and boot again" },
	{ "Operation not permitted", END_DENIED,
	  "this needs root, and a kernel that is not locked down ('mokutil --sb-state' tells whether Secure Boot is on)" },
	{ "Exec format error", END_DEVICE, "it was built for another kernel: 'dkms autoinstall' builds it for this one" },
	{ "Invalid argument", END_DEVICE, "it was built for another kernel: 'dkms autoinstall' builds it for this one" },
};

static int fail_load(const char *target, int status, const char *said)
{
	struct utsname kernel = { 0 };
	unsigned int i;

	uname(&kernel);
	for (i = 0; i < sizeof(load_failures) / sizeof(*load_failures); i++) {
		if (strstr(said, load_failures[i].said))
			return fail(load_failures[i].end, "kernel %s cannot load module dm-%s: %s; %s", kernel.release,
				    target, said, load_failures[i].remedy);
	}
	if (geteuid())
		return fail(END_DENIED, "kernel %s has no target '%s', and to load module dm-%s needs root",
			    kernel.release, target, target);
	return fail(END_DEVICE, "kernel %s cannot load module dm-%s: %s; 'modprobe -v dm-%s' shows more", kernel.release,
		    target, *said ? said : status == 127 ? "there is no modprobe" : "modprobe failed", target);
}

int dm_need_target(const char *target)
{
	char *module, *said;
	int status, end = END_OK;

	if (has_target(target))
		return END_OK;
	module = get_text("dm-%s", target);
	status = run_program((const char *const[]){ "modprobe", module, NULL }, &said);
	said[strcspn(said, "\n")] = '\0';
	if (status)
		end = fail_load(target, status, said);
	else if (!has_target(target))
		end = fail(END_DEVICE, "module %s is loaded, and the kernel has no target '%s' all the same: update the "
			   "module", module, target);
	free(said);
	free(module);
	return end;
}

/* ---- making and changing ---- */

static int load_table(struct subject *subject, bool read_only, const struct dm_line *lines, int nr_lines)
{
	int i, error;
	struct dm_task *task = new_task(DM_DEVICE_RELOAD, subject->name, &error);

	if (!task)
		return error;
	if (read_only)
		dm_task_set_ro(task);
	for (i = 0; i < nr_lines && !error; i++) {
		if (!dm_task_add_target(task, lines[i].start, lines[i].sectors, lines[i].target, lines[i].params))
			error = ENOMEM;
	}
	if (!error && !dm_task_run(task))
		error = task_error(task);
	dm_task_destroy(task);
	return error;
}

/* A device without a table. */
static int make_empty(struct subject *subject, const char *uuid)
{
	int error, end = END_OK;
	struct dm_task *task = new_task(DM_DEVICE_CREATE, subject->name, &error);
	struct dm_info info;

	if (!task)
		return fail_plain("create", subject->name, error);
	if (uuid && !dm_task_set_uuid(task, uuid))
		end = fail(END_ARGS, "'%s' is no UUID that a device of device-mapper can have", uuid);
	else if (!dm_task_run(task))
		end = (error = task_error(task)) == EBUSY ?
			fail(END_BUSY, "device '%s' exists already, or another has its UUID '%s'", subject->name,
			     uuid ? uuid : "") :
			fail_plain("create", subject->name, error);
	else if (!dm_task_get_info(task, &info))
		end = fail_plain("create", subject->name, EIO);
	if (!end) {
		subject->major = info.major;
		subject->minor = info.minor;
	}
	dm_task_destroy(task);
	return end;
}

int dm_create(const char *name, const char *uuid, bool read_only, const struct dm_line *lines, int nr_lines)
{
	struct subject subject = { .what = "create", .name = name, .params = lines[0].params, .mark = kmsg_mark() };
	int end = make_empty(&subject, uuid), error;

	if (end) {
		close(subject.mark);
		return end;
	}
	error = load_table(&subject, read_only, lines, nr_lines);
	if (!error)
		error = run_simple(DM_DEVICE_RESUME, name, false);
	end = end_subject(&subject, error);
	if (end)
		run_simple(DM_DEVICE_REMOVE, name, true);
	return end;
}

/* A table, all lines of it, as it is in use; NULL: there is none. */
static struct dm_line *keep_table(const char *name, int *nr_lines)
{
	struct dm_line *lines = NULL;
	uint64_t start, sectors;
	struct dm_task *task;
	char *target, *params;
	struct dm_info info;
	void *next = NULL;

	*nr_lines = 0;
	if (ask(DM_DEVICE_TABLE, name, &task, &info) || !task)
		return NULL;
	do {
		next = dm_get_next_target(task, next, &start, &sectors, &target, &params);
		if (!target)
			continue;
		lines = get_more_memory(lines, (*nr_lines + 1) * sizeof(*lines));
		lines[(*nr_lines)++] = (struct dm_line){ start, sectors, get_text("%s", target),
							 get_text("%s", params ? params : "") };
	} while (next);
	dm_task_destroy(task);
	return lines;
}

static void forget_table(struct dm_line *lines, int nr_lines)
{
	int i;

	for (i = 0; i < nr_lines; i++) {
		free((char *)lines[i].target);
		free((char *)lines[i].params);
	}
	free(lines);
}

/*
 * A table that was refused when it was to come into use has taken the place of the old one, and has left the device
 * suspended; one whose turn has not come, because the suspend failed, waits.
 */
static void put_back(struct subject *subject, bool read_only, const struct dm_line *lines, int nr_lines)
{
	struct dm_device device;
	int error = 0;

	run_simple(DM_DEVICE_CLEAR, subject->name, true);
	if (dm_look(subject->name, true, &device))
		return;
	if (device.suspended && nr_lines)
		error = load_table(subject, read_only, lines, nr_lines);
	if (device.suspended && nr_lines && !error)
		error = run_simple(DM_DEVICE_RESUME, subject->name, true);
	dm_forget(&device);
	if (error)
		say("'%s' is suspended, and its old table cannot be put back: %s", subject->name, strerror(error));
}

int dm_reload(const char *name, bool read_only, bool noflush, const struct dm_line *lines, int nr_lines)
{
	struct subject subject = { .what = "reload", .name = name, .params = lines[0].params };
	int nr_old, end, error;
	struct dm_device device;
	struct dm_line *old;

	end = dm_look(name, false, &device);
	if (end)
		return end;
	subject.major = device.major;
	subject.minor = device.minor;
	old = keep_table(name, &nr_old);
	subject.mark = kmsg_mark();
	error = load_table(&subject, read_only, lines, nr_lines);
	if (!error)
		error = run_simple(DM_DEVICE_RESUME, name, noflush);
	end = end_subject(&subject, error);
	if (end)
		put_back(&subject, device.read_only, old, nr_old);
	forget_table(old, nr_old);
	dm_forget(&device);
	return end;
}

int dm_suspend(const char *name, bool noflush)
{
	int error = run_simple(DM_DEVICE_SUSPEND, name, noflush);

	return error ? fail_plain("suspend", name, error) : END_OK;
}

int dm_resume(const char *name)
{
	struct subject subject = { .what = "resume", .name = name };
	struct dm_device device;
	int end = dm_look(name, false, &device);

	if (end)
		return end;
	subject.major = device.major;
	subject.minor = device.minor;
	subject.params = device.table;
	subject.mark = kmsg_mark();
	end = end_subject(&subject, run_simple(DM_DEVICE_RESUME, name, false));
	dm_forget(&device);
	return end;
}

/* ---- removing ---- */

static int remove_once(const char *name, bool deferred, bool retry)
{
	int error;
	struct dm_task *task = new_task(DM_DEVICE_REMOVE, name, &error);

	if (!task)
		return error;
	if (deferred)
		dm_task_deferred_remove(task);
	if (retry)
		dm_task_retry_remove(task);
	error = run_task(task, DM_DEVICE_REMOVE);
	dm_task_destroy(task);
	return error;
}

static int fail_busy(const struct dm_device *device, const char *holders)
{
	return fail(END_BUSY, "cannot remove '%s': it is in use%s%s%s", device->name, holders ? ": " : "",
		    holders ? holders : "",
		    dm_is_ours(device) ? "; remove --deferred removes it when it is not any more" : "");
}

int dm_remove(const char *name, bool deferred)
{
	struct dm_device device;
	char *holders;
	int end, error;

	end = dm_look(name, false, &device);
	if (end)
		return end;
	error = remove_once(name, deferred, false);
	if (error == EBUSY) {
		holders = holders_text(device.major, device.minor);
		/* what nobody is seen to have open is looked at by udev, say, and free in a moment */
		if (!holders)
			error = remove_once(name, deferred, true);
		if (error == EBUSY)
			end = fail_busy(&device, holders);
		free(holders);
	}
	if (!end && error)
		end = fail_plain("remove", name, error);
	dm_forget(&device);
	return end;
}

/* ---- messages ---- */

/* What the target gives no reason for in the log. */
static int fail_message(struct subject *subject, const char *message, const struct dm_device *device, int error)
{
	if (error == EBUSY && device->suspended)
		return fail(END_BUSY, "'%s' is suspended: '%s' has to wait for the resume", subject->name, message);
	if (error == EBUSY)
		return fail(END_BUSY, "'%s': a suspend has interrupted '%s': give the command again", subject->name, message);
	if (error == EIO && device->target && !strcmp(device->target, DM_TARGET))
		return fail(END_DEVICE, "'%s': '%s' failed: the cache is frozen or bypassed, or its device fails; "
			    "'corcache status %s' tells why, and 'corcache recover %s' tries it again", subject->name,
			    message, subject->name, subject->name);
	return fail(end_of(error), "'%s': '%s' failed: %s", subject->name, message, error_words(error));
}

static int run_message(struct subject *subject, const char *message, char **answer)
{
	int error;
	struct dm_task *task = new_task(DM_DEVICE_TARGET_MSG, subject->name, &error);
	const char *said;

	if (!task)
		return error;
	if (!dm_task_set_sector(task, 0) || !dm_task_set_message(task, message))
		error = ENOMEM;
	else if (!dm_task_run(task))
		error = task_error(task);
	said = error ? NULL : dm_task_get_message_response(task);
	if (answer)
		*answer = said ? get_text("%s", said) : NULL;
	dm_task_destroy(task);
	return error;
}

int dm_message(const char *name, const char *message, char **answer)
{
	struct subject subject = { .what = "change", .name = name };
	struct dm_device device;
	int end, error;

	if (answer)
		*answer = NULL;
	end = dm_look(name, false, &device);
	if (end)
		return end;
	subject.major = device.major;
	subject.minor = device.minor;
	subject.params = device.table;
	subject.mark = kmsg_mark();
	error = run_message(&subject, message, answer);
	end = error ? say_refusal(&subject, error) : END_OK;
	if (end < 0)
		end = fail_message(&subject, message, &device, error);
	close(subject.mark);
	dm_forget(&device);
	return end;
}
