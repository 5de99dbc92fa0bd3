// SPDX-License-Identifier: GPL-2.0-only
#include "absence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

#define FOLDER	"/run/corcache"

static int fail_file(const char *path)
{
	return fail(end_of(errno), "cannot write %s: %s", path, strerror(errno));
}

int absence_lock(const char *name)
{
	char *folder = get_text(FOLDER "/%s", name), *path = get_text(FOLDER "/%s/lock", name);
	int fd, end = END_OK;

	if ((mkdir(FOLDER, 0755) && errno != EEXIST) || (mkdir(folder, 0755) && errno != EEXIST)) {
		end = fail_file(folder);
	} else {
		/* open until the end, and not for programs that this one starts */
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || flock(fd, LOCK_EX))
			end = fail_file(path);
	}
	free(folder);
	free(path);
	return end;
}

int absence_write(const char *name, const struct absence *absence)
{
	char *path = get_text(FOLDER "/%s/state", name), *new = get_text(FOLDER "/%s/state.new", name);
	FILE *file = fopen(new, "we");
	int bad = !file, end = END_OK;

	if (file) {
		fprintf(file, "state=%s\nmissing=%s%s%s\nreason=%s\n", absence->state,
			absence->origin ? "origin" : "", absence->origin && absence->cache ? " " : "",
			absence->cache ? "cache" : "", absence->reason);
		bad = ferror(file);
		bad |= fclose(file);
	}
	if (bad || rename(new, path))
		end = fail_file(path);
	free(path);
	free(new);
	return end;
}

void absence_end(const char *name)
{
	char *path = get_text(FOLDER "/%s/state", name);

	unlink(path);
	free(path);
}

bool absence_read(const char *name, struct absence *absence)
{
	char *path = get_text(FOLDER "/%s/state", name), line[64];
	FILE *file = fopen(path, "re");

	free(path);
	*absence = (struct absence){ NULL };
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "missing=", strlen("missing=")))
			continue;
		absence->origin = strstr(line, "origin");
		absence->cache = strstr(line, "cache");
	}
	fclose(file);
	/* both are there, and were refused: whichever changes is worth another attempt */
	if (!absence->origin && !absence->cache)
		absence->origin = absence->cache = true;
	return true;
}
