// SPDX-License-Identifier: GPL-2.0-only
#include "holders.h"

#include <dirent.h>
#include <libdevmapper.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fail.h"

#define MOST	6	/* more names do not help */

struct holders {
	char *text;
	int nr;
};

static void add(struct holders *holders, char *one)
{
	char *text;

	if (holders->nr++ < MOST) {
		text = get_text("%s%s%s", holders->text ? holders->text : "", holders->text ? ", " : "", one);
		free(holders->text);
		holders->text = text;
	}
	free(one);
}

/* The first line of a file, or "". */
static const char *first_line(const char *path, char *line, size_t room)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(line, room, file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (file)
		fclose(file);
	return line;
}

/* Devices that lie on it: device-mapper's, MD's. */
static void add_devices(struct holders *holders, unsigned int major, unsigned int minor)
{
	char *path = get_text("/sys/dev/block/%u:%u/holders", major, minor), name[256];
	DIR *dir = opendir(path);
	struct dirent *entry;
	char *file;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		file = get_text("%s/%s/dm/name", path, entry->d_name);
		if (!*first_line(file, name, sizeof(name)))
			snprintf(name, sizeof(name), "%s", entry->d_name);
		add(holders, get_text("device %s", name));
		free(file);
	}
	if (dir)
		closedir(dir);
	free(path);
}

static void add_mounts(struct holders *holders, unsigned int major, unsigned int minor)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	unsigned int its_major, its_minor;
	char *line = NULL, where[256];
	size_t room = 0;

	while (mounts && getline(&line, &room, mounts) > 0) {
		if (sscanf(line, "%*u %*u %u:%u %*s %255s", &its_major, &its_minor, where) == 3 &&
		    its_major == major && its_minor == minor)
			add(holders, get_text("mounted on %s", where));
	}
	free(line);
	if (mounts)
		fclose(mounts);
}

static bool has_open(const char *pid, dev_t device)
{
	char *path = get_text("/proc/%s/fd", pid), *file;
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;
	bool found = false;

	while (!found && dir && (entry = readdir(dir))) {
		file = get_text("%s/%s", path, entry->d_name);
		found = !stat(file, &st) && S_ISBLK(st.st_mode) && st.st_rdev == device;
		free(file);
	}
	if (dir)
		closedir(dir);
	free(path);
	return found;
}

static void add_processes(struct holders *holders, dev_t device)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char name[64], *file;

	while (dir && (entry = readdir(dir))) {
		if (atoi(entry->d_name) <= 0 || atoi(entry->d_name) == getpid() || !has_open(entry->d_name, device))
			continue;
		file = get_text("/proc/%s/comm", entry->d_name);
		add(holders, get_text("process %s (%s)", entry->d_name, first_line(file, name, sizeof(name))));
		free(file);
	}
	if (dir)
		closedir(dir);
}

/* A loop device on it, or swap on it, holds it in the kernel. */
static void add_loops(struct holders *holders, const char *path)
{
	DIR *dir = opendir("/sys/block");
	char behind[512], *file;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "loop", 4))
			continue;
		file = get_text("/sys/block/%s/loop/backing_file", entry->d_name);
		if (!strcmp(first_line(file, behind, sizeof(behind)), path))
			add(holders, get_text("loop device /dev/%s", entry->d_name));
		free(file);
	}
	if (dir)
		closedir(dir);
}

char *holders_text(unsigned int major, unsigned int minor)
{
	struct holders holders = { 0 };
	char name[256], *path;

	add_devices(&holders, major, minor);
	add_mounts(&holders, major, minor);
	add_processes(&holders, makedev(major, minor));
	if (dm_device_get_name(major, minor, 1, name, sizeof(name))) {
		path = get_text("/dev/%s", name);
		add_loops(&holders, path);
		free(path);
	}
	if (dm_device_get_name(major, minor, 0, name, sizeof(name))) {
		path = get_text("/dev/mapper/%s", name);
		add_loops(&holders, path);
		free(path);
	}
	if (holders.nr > MOST)
		add(&holders, get_text("more"));
	return holders.text;
}
