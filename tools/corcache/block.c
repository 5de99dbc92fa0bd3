// SPDX-License-Identifier: GPL-2.0-only
#include "block.h"

#include <blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dm.h"
#include "holders.h"
#include "size.h"

/* ---- sysfs ---- */

/* The first line of a file of sysfs; NULL if there is none. The caller frees it. */
static char *read_line(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return NULL;
	if (getline(&line, &room, file) < 0) {
		free(line);
		line = NULL;
	}
	fclose(file);
	if (line)
		line[strcspn(line, "\n")] = '\0';
	return line;
}

static uint64_t read_number(const char *dir, const char *name)
{
	char *path = get_text("%s/%s", dir, name), *line = read_line(path);
	uint64_t number = 0;

	if (line)
		number_parse(line, UINT64_MAX, &number);
	free(path);
	free(line);
	return number;
}

static bool exists(const char *dir, const char *name)
{
	char *path = get_text("%s/%s", dir, name);
	bool is_there = !access(path, F_OK);

	free(path);
	return is_there;
}

/* A directory without its dots; NULL at the end. */
static const struct dirent *next(DIR *dir)
{
	const struct dirent *entry;

	do
		entry = dir ? readdir(dir) : NULL;
	while (entry && entry->d_name[0] == '.');
	return entry;
}

/* ---- who uses it ---- */

/* Keeps the first reason. */
static void used(struct block *block, char *reason)
{
	if (block->use)
		free(reason);
	else
		block->use = reason;
}

static void note_holder(struct block *block, const char *holders, const char *holder)
{
	char *dir = get_text("%s/%s/dm", holders, holder);
	char *name_path = get_text("%s/name", dir), *uuid_path = get_text("%s/uuid", dir);
	char *name = read_line(name_path), *uuid = read_line(uuid_path);

	if (name && uuid && !strncmp(uuid, DM_UUID_PREFIX, strlen(DM_UUID_PREFIX)) && !block->corcache) {
		used(block, get_text("in use by the corcache device %s", name));
		block->corcache = name;
		name = NULL;
	} else {
		used(block, get_text("held by %s", name ? name : holder));
	}
	free(name);
	free(uuid);
	free(name_path);
	free(uuid_path);
	free(dir);
}

static void note_holders(struct block *block, const char *dir)
{
	char *path = get_text("%s/holders", dir);
	DIR *holders = opendir(path);
	const struct dirent *holder;

	while ((holder = next(holders)))
		note_holder(block, path, holder->d_name);
	if (holders)
		closedir(holders);
	free(path);
}

static bool is_number(const char *path, dev_t number)
{
	struct stat st;

	return path[0] == '/' && !stat(path, &st) && S_ISBLK(st.st_mode) && st.st_rdev == number;
}

/* Fields of /proc/self/mountinfo: 3 is major:minor, 5 the mount point, the second behind "-" the source. */
static void note_mount(struct block *block, dev_t number, char *line)
{
	char *field[6] = { }, *save = NULL, *word, *source = NULL;
	unsigned int major, minor;
	int n;

	for (n = 0, word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save), n++) {
		if (n < 6)
			field[n] = word;
		if (!strcmp(word, "-") && strtok_r(NULL, " \n", &save)) {
			source = strtok_r(NULL, " \n", &save);
			break;
		}
	}
	if (!field[5] || sscanf(field[2], "%u:%u", &major, &minor) != 2)
		return;
	/* file systems over several devices have a number of their own */
	if (makedev(major, minor) == number || (source && is_number(source, number)))
		used(block, get_text("mounted on %s", field[4]));
}

static void note_mounts(struct block *block, dev_t number)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;

	while (mounts && getline(&line, &room, mounts) > 0)
		note_mount(block, number, line);
	free(line);
	if (mounts)
		fclose(mounts);
}

static bool same_file(const char *path, const struct stat *file)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	if (S_ISBLK(file->st_mode))
		return S_ISBLK(st.st_mode) && st.st_rdev == file->st_rdev;
	return st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

static void note_swap(struct block *block, const struct stat *file)
{
	FILE *swaps = fopen("/proc/swaps", "re");
	char *line = NULL;
	size_t room = 0;

	while (swaps && getline(&line, &room, swaps) > 0) {
		line[strcspn(line, " \t\n")] = '\0';
		if (line[0] == '/' && same_file(line, file))
			used(block, get_text("used as swap"));
	}
	free(line);
	if (swaps)
		fclose(swaps);
}

/* The loop devices over a file. */
static void note_loops(struct block *block, const struct stat *file)
{
	DIR *all = opendir("/sys/block");
	const struct dirent *device;

	while ((device = next(all))) {
		char *path, *backing;

		if (strncmp(device->d_name, "loop", 4))
			continue;
		path = get_text("/sys/block/%s/loop/backing_file", device->d_name);
		backing = read_line(path);
		if (backing && same_file(backing, file))
			used(block, get_text("attached to /dev/%s", device->d_name));
		free(backing);
		free(path);
	}
	if (all)
		closedir(all);
}

static void note_uses(struct block *block, const char *dir, dev_t number)
{
	struct stat device = { .st_mode = S_IFBLK, .st_rdev = number };

	note_holders(block, dir);
	note_mounts(block, number);
	note_swap(block, &device);
}

/* The partitions of a disk. */
static void note_partitions(struct block *block, const char *dir)
{
	DIR *parts = opendir(dir);
	const struct dirent *part;

	while ((part = next(parts))) {
		char *path = get_text("%s/%s", dir, part->d_name), *dev_path = get_text("%s/dev", path);
		char *line = exists(path, "partition") ? read_line(dev_path) : NULL;
		unsigned int major, minor;

		if (line && sscanf(line, "%u:%u", &major, &minor) == 2)
			note_uses(block, path, makedev(major, minor));
		free(line);
		free(dev_path);
		free(path);
	}
	if (parts)
		closedir(parts);
}

/* ---- what it is ---- */

static int look_file(struct block *block, const struct stat *st)
{
	block->kind = BLOCK_FILE;
	block->sectors = st->st_size / SECTOR_BYTES;
	block->unit = SECTOR_BYTES;
	note_loops(block, st);
	note_swap(block, st);
	return END_OK;
}

static int look_device(struct block *block, const struct stat *st)
{
	char *dir;

	block->major = major(st->st_rdev);
	block->minor = minor(st->st_rdev);
	dir = get_text("/sys/dev/block/%u:%u", block->major, block->minor);
	if (exists(dir, "partition"))
		block->kind = BLOCK_PARTITION;
	else
		block->kind = exists(dir, "dm") ? BLOCK_MAPPED : BLOCK_DISK;
	block->sectors = read_number(dir, "size");
	block->read_only = read_number(dir, "ro");
	block->unit = read_number(dir, block->kind == BLOCK_PARTITION ? "../queue/logical_block_size" :
								       "queue/logical_block_size");
	if (block->unit < SECTOR_BYTES)
		block->unit = SECTOR_BYTES;
	note_uses(block, dir, st->st_rdev);
	note_partitions(block, dir);
	free(dir);
	return END_OK;
}

int block_look(const char *path, struct block *block)
{
	struct stat st;

	*block = (struct block){ .path = path, .fd = -1 };
	if (stat(path, &st))
		return fail(end_of(errno), "'%s': %s", path, strerror(errno));
	if (S_ISREG(st.st_mode))
		return look_file(block, &st);
	if (S_ISBLK(st.st_mode))
		return look_device(block, &st);
	return fail(END_DEVICE, "'%s' is neither a block device nor a file", path);
}

void block_forget(struct block *block)
{
	if (block->fd >= 0)
		close(block->fd);
	free(block->use);
	free(block->corcache);
	*block = (struct block){ .fd = -1 };
}

/* ---- open ---- */

static int refuse_use(const struct block *block)
{
	if (block->corcache)
		return fail(END_BUSY, "'%s' is %s: 'corcache remove %s' first", block->path, block->use, block->corcache);
	return fail(END_BUSY, "'%s' is %s", block->path, block->use);
}

static int refuse_busy(const struct block *block)
{
	char *holders = holders_text(block->major, block->minor);
	int end = fail(END_BUSY, "'%s' is in use%s%s", block->path, holders ? ": " : ", by the kernel or part of a disk in use",
		       holders ? holders : "");

	free(holders);
	return end;
}

static int open_flags(const struct block *block, enum block_access access)
{
	int flags = O_CLOEXEC | (access == BLOCK_WRITE_ALONE ? O_RDWR : O_RDONLY);

	if (block->kind == BLOCK_FILE)
		return flags;
	if (access != BLOCK_READ)
		flags |= O_EXCL;
	/* the kernel's own reads and writes of a cache device do not go through the page cache either */
	return access == BLOCK_WRITE_ALONE ? flags : flags | O_DIRECT;
}

int block_open(const char *path, enum block_access access, struct block *block)
{
	int end = block_look(path, block);

	if (end)
		return end;
	if (access != BLOCK_READ && block->use)
		return refuse_use(block);
	if (access == BLOCK_WRITE_ALONE && block->read_only)
		return fail(END_DEVICE, "'%s' is read-only", path);
	block->fd = open(path, open_flags(block, access));
	if (block->fd < 0 && errno == EBUSY)
		return refuse_busy(block);
	if (block->fd < 0)
		return fail(end_of(errno), "'%s' cannot be opened: %s", path, strerror(errno));
	return END_OK;
}

/* ---- signatures ---- */

static char *append(char *list, const char *word, const char *rest)
{
	char *longer = list ? get_text("%s, %s%s", list, word, rest) : get_text("%s%s", word, rest);

	free(list);
	return longer;
}

static char *collect(blkid_probe probe)
{
	char *list = NULL;
	const char *type;

	/* each call goes on behind what the last one has found */
	while (!blkid_do_probe(probe)) {
		if (!blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
			list = append(list, type, "");
		else if (!blkid_probe_lookup_value(probe, "PTTYPE", &type, NULL))
			list = append(list, type, " partition table");
	}
	return list;
}

int block_signatures(const struct block *block, char **found)
{
	/* libblkid reads as it likes: not past the page cache */
	int fd = open(block->path, O_RDONLY | O_CLOEXEC);
	blkid_probe probe = blkid_new_probe();

	*found = NULL;
	if (fd < 0 || !probe || blkid_probe_set_device(probe, fd, 0, 0))
		return fail(END_DEVICE, "'%s': libblkid cannot look at it: %s", block->path, strerror(errno));
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	*found = collect(probe);
	blkid_free_probe(probe);
	close(fd);
	return END_OK;
}
