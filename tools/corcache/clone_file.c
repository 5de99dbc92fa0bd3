// SPDX-License-Identifier: GPL-2.0-only
/*
 * A clone that is a qcow2 file. Extended L2 entries let a guest write 4 KiB without reading the rest of a cluster of
 * 128 KiB from the image below.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clone.h"
#include "fail.h"
#include "lvm.h"
#include "run.h"

#define BELOW	"/dev/mapper/"

static int fail_qemu_img(const char *what, const char *path, int status, char *said)
{
	if (status == 127)
		return fail(END_DEVICE, "cannot %s '%s': qemu-img is not installed (Debian: qemu-utils)", what, path);
	if (strstr(said, "Failed to get ") && strstr(said, " lock"))
		return fail(END_BUSY, "cannot %s '%s': a VM uses it", what, path);
	return fail(END_DEVICE, "cannot %s '%s': %s", what, path, lvm_last_line(said));
}

static char *path_of(const struct clone_store *store, const char *name)
{
	return get_text("%s/%s.qcow2", store->directory, name);
}

/* The default directory is made; another one has to be there, since it may be a mount point. */
static int need_directory(const char *directory)
{
	if (!strcmp(directory, CLONE_DIRECTORY)) {
		mkdir("/var/lib/corcache", 0755);
		mkdir(CLONE_DIRECTORY, 0755);
	}
	if (access(directory, W_OK))
		return fail(end_of(errno), "--store: cannot write in '%s': %s", directory, strerror(errno));
	return END_OK;
}

/* qemu-img overwrites what is there: the name is taken first. */
static int take_name(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd >= 0) {
		close(fd);
		return END_OK;
	}
	if (errno == EEXIST)
		return fail(END_BUSY, "'%s' exists already", path);
	return fail(end_of(errno), "cannot make '%s': %s", path, strerror(errno));
}

static int create(const struct clone *clone, const char *path)
{
	char *base = get_text(BELOW "%s", clone->base), *size = get_text("%" PRIu64, clone->bytes), *said;
	int status = run_program((const char *const[]){ "qemu-img", "create", "-q", "-f", "qcow2", "-o",
							"extended_l2=on,cluster_size=128k", "-b", base, "-F", "raw", path,
							size, NULL }, &said);
	int end = status ? fail_qemu_img("make", path, status, said) : END_OK;

	free(said);
	free(size);
	free(base);
	return end;
}

int clone_file_make(const struct clone_store *store, struct clone *clone)
{
	char *path = path_of(store, clone->name);
	int end = need_directory(store->directory);

	if (!end)
		end = take_name(path);
	if (!end) {
		end = create(clone, path);
		if (end)
			unlink(path);
		else
			clone->path = realpath(path, NULL);
	}
	free(path);
	return end;
}

static bool is_clone(const char *info)
{
	json_object *all = json_tokener_parse(info), *format, *below;
	bool is = json_object_object_get_ex(all, "format", &format) &&
		  json_object_object_get_ex(all, "backing-filename", &below) &&
		  !strcmp(json_object_get_string(format), "qcow2") &&
		  !strncmp(json_object_get_string(below), BELOW, strlen(BELOW));

	json_object_put(all);
	return is;
}

int clone_file_remove(const struct clone_store *store, const char *name, bool *found)
{
	char *path = path_of(store, name), *said = NULL;
	int status, end = END_OK;

	*found = !access(path, F_OK);
	if (*found) {
		status = run_program((const char *const[]){ "qemu-img", "info", "--output=json", path, NULL }, &said);
		if (status)
			end = fail_qemu_img("remove", path, status, said);
		else if (!is_clone(said))
			end = fail(END_DEVICE, "'%s' is no clone of a corcache device: it is left alone", path);
		else if (unlink(path))
			end = fail(end_of(errno), "cannot remove '%s': %s", path, strerror(errno));
	}
	free(said);
	free(path);
	return end;
}
