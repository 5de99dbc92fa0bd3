// SPDX-License-Identifier: GPL-2.0-only
#include "lv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "fail.h"
#include "lvm.h"
#include "run.h"
#include "size.h"

#define PREFIX		"LV:"
#define END_BYTES	1048576		/* at each end, which the target wants blank */

bool lv_is_meant(const char *text)
{
	return !strncmp(text, PREFIX, strlen(PREFIX));
}

/* Two or three names between slashes. */
static bool take_names(struct lv *lv, char *names)
{
	char *word[3], *more;
	int n;

	for (n = 0; n < 3; n++)
		word[n] = strsep(&names, "/");
	more = names;
	lv->vg = get_text("%s", word[0]);
	lv->pool = word[2] ? get_text("%s", word[1]) : NULL;
	lv->name = get_text("%s", word[2] ? word[2] : word[1] ? word[1] : "");
	lv->path = get_text("/dev/%s/%s", lv->vg, lv->name);
	return !more && lvm_is_name(lv->vg) && lvm_is_name(lv->name) && (!lv->pool || lvm_is_name(lv->pool));
}

int lv_parse(const char *text, struct lv *lv)
{
	char *copy = get_text("%s", text + strlen(PREFIX)), *size = strrchr(copy, ':');
	bool ok;

	*lv = (struct lv){ 0 };
	if (size)
		*size++ = '\0';
	ok = take_names(lv, copy) && size && size_parse(size, &lv->bytes) && lv->bytes;
	free(copy);
	return ok ? END_OK : fail(END_ARGS, "--cache: '%s' is neither LV:VG/NAME:SIZE nor LV:VG/POOL/NAME:SIZE", text);
}

void lv_forget(struct lv *lv)
{
	free(lv->vg);
	free(lv->pool);
	free(lv->name);
	free(lv->path);
	*lv = (struct lv){ 0 };
}

/* @found: whether it is there; then it is made active. */
static int look(struct lv *lv, bool *found)
{
	char *full = get_text("%s/%s", lv->vg, lv->name), *said, size[16], wanted[16];
	uint64_t bytes;
	int status, end = END_OK;

	status = run_program((const char *const[]){ "lvs", "--noheadings", "--nosuffix", "--units", "b", "-o", "lv_size",
						    full, NULL }, &said);
	*found = !status;
	if (status && !strstr(said, "Failed to find logical volume"))
		end = lvm_fail("look at", full, status, said);
	else if (!status && !number_parse(lvm_last_line(said), UINT64_MAX, &bytes))
		end = fail(END_DEVICE, "the size of '%s' is not understood: '%s'", full, said);
	else if (!status && bytes < lv->bytes)
		end = fail(END_DEVICE, "'%s' exists and has %s, less than %s: enlarge it, or give that size", full,
			   size_text(bytes, size, sizeof(size)), size_text(lv->bytes, wanted, sizeof(wanted)));
	free(said);
	if (!end && *found)
		end = lvm_call("activate", full, (const char *const[]){ "lvchange", "-ay", full, NULL }, NULL);
	free(full);
	return end;
}

static bool zero(int fd, uint64_t from, uint64_t bytes)
{
	char *zeros = get_memory(END_BYTES);
	bool ok = pwrite(fd, zeros, bytes, from) == (ssize_t)bytes;

	free(zeros);
	return ok;
}

/* What was on these extents before may be at its ends still. */
static int blank(const struct lv *lv)
{
	int fd = open(lv->path, O_WRONLY | O_EXCL | O_CLOEXEC), end = END_OK;
	uint64_t bytes;

	if (fd < 0)
		return fail(END_DEVICE, "cannot open '%s': %s", lv->path, strerror(errno));
	if (ioctl(fd, BLKGETSIZE64, &bytes) || bytes < 2 * END_BYTES)
		end = fail(END_DEVICE, "'%s' is too small for a cache: give a larger size", lv->path);
	else if (!zero(fd, 0, END_BYTES) || !zero(fd, bytes - END_BYTES, END_BYTES) || fsync(fd))
		end = fail(END_DEVICE, "cannot write '%s': %s", lv->path, strerror(errno));
	close(fd);
	return end;
}

static int make(struct lv *lv)
{
	char *size = get_text("%" PRIu64 "b", lv->bytes), *in, *full = get_text("%s/%s", lv->vg, lv->name);
	int end;

	in = lv->pool ? get_text("%s/%s", lv->vg, lv->pool) : get_text("%s", lv->vg);
	/* -W: signatures of what was there before are wiped; -y: without asking */
	if (lv->pool)
		end = lvm_call("make", full, (const char *const[]){ "lvcreate", "-y", "-Wy", "-n", lv->name, "-V", size,
								    "--thinpool", in, NULL }, NULL);
	else
		end = lvm_call("make", full, (const char *const[]){ "lvcreate", "-y", "-Wy", "-n", lv->name, "-L", size, in,
								    NULL }, NULL);
	lv->made = !end;
	free(size);
	free(full);
	free(in);
	return end;
}

int lv_make(struct lv *lv)
{
	bool found;
	int end = look(lv, &found);

	if (end || found)
		return end;
	end = make(lv);
	if (!end)
		end = blank(lv);
	if (end)
		lv_undo(lv);
	return end;
}

void lv_undo(const struct lv *lv)
{
	char *full;

	if (!lv->made)
		return;
	full = get_text("%s/%s", lv->vg, lv->name);
	lvm_call("remove", full, (const char *const[]){ "lvremove", "-y", full, NULL }, NULL);
	free(full);
}
