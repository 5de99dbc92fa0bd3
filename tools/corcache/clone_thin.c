// SPDX-License-Identifier: GPL-2.0-only
/*
 * A clone that is a thin device whose external origin is the corcache device.
 *
 * lvm2 has external origins within a volume group only. So it makes the thin volume, and knows of it, of its space and of its
 * end; but it never activates it: what the volume does not have would be zeros then, where the image's blocks belong. The
 * device is made here, with the volume's number in the pool. A volume that is there, after a restart of the host, gets its
 * device again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clone.h"
#include "dm.h"
#include "lvm.h"
#include "run.h"
#include "size.h"

/* Each clone has both: one to be found by, one that says what it belongs to. */
#define TAG		"corcache_clone"
#define TAG_BASE	"corcache_base="

/* What lvm2 says of a volume. */
struct volume {
	char *vg, *pool, *tags;
	uint64_t id, bytes;
};

static void forget(struct volume *volume)
{
	free(volume->vg);
	free(volume->pool);
	free(volume->tags);
	*volume = (struct volume){ NULL };
}

/* "vg|pool|id|bytes|tags" */
static bool take(char *line, struct volume *volume)
{
	char *word[5];
	int n;

	for (n = 0; n < 5; n++)
		word[n] = strsep(&line, "|");
	if (!word[4] || line)
		return false;
	volume->vg = get_text("%s", word[0]);
	volume->pool = get_text("%s", word[1]);
	volume->tags = get_text(",%s,", word[4]);
	return number_parse(word[2], UINT64_MAX, &volume->id) && number_parse(word[3], UINT64_MAX, &volume->bytes);
}

/*
 * The clone of that name, in @vg, or in any group if that is NULL. @found: is there one? A volume of that name that is no
 * clone is none, and a host without lvm2 has no groups.
 */
static int look(const char *vg, const char *name, struct volume *volume, bool *found)
{
	char *select = get_text("lv_name=%s && lv_tags=" TAG, name), *said;
	int status = run_program((const char *const[]){ "lvs", LVM_COLUMNS, "-o", "vg_name,pool_lv,thin_id,lv_size,lv_tags", "-S",
				 select, vg, NULL }, &said);
	unsigned int rows = status ? 0 : lvm_rows(said);
	int end = END_OK;

	*volume = (struct volume){ NULL };
	*found = rows;
	if (status && (vg || status != 127))
		end = lvm_fail("look for", name, status, said);
	if (*found) {
		if (rows > 1)
			end = fail(END_DEVICE, "'%s' is a clone in several volume groups: remove one with lvremove", name);
		else if (!take(said, volume))
			end = fail(END_DEVICE, "what lvm2 says of '%s' is not understood: '%s'", name, said);
	}
	free(select);
	free(said);
	return end;
}

/* ---- making it ---- */

/* The pool to use: the only one of the group, if none is named. */
static int find_pool(const struct clone_store *store, char **pool)
{
	unsigned int rows;
	char *said;
	int end;

	if (store->pool) {
		*pool = get_text("%s", store->pool);
		return END_OK;
	}
	end = lvm_call("look for a thin pool in", store->vg, (const char *const[]){ "lvs", LVM_COLUMNS, "-o", "lv_name,vg_name", "-S",
		       "segtype=thin-pool", store->vg, NULL }, &said);
	if (end)
		return end;
	rows = lvm_rows(said);
	if (!rows)
		end = fail(END_DEVICE, "--store: '%s' has no thin pool: lvcreate --type thin-pool makes one", store->vg);
	else if (rows > 1)
		end = fail(END_ARGS, "--store: '%s' has several thin pools: give %s/POOL", store->vg, store->vg);
	else
		*pool = get_text("%.*s", (int)strcspn(said, "|"), said);
	free(said);
	return end;
}

static int make_volume(const char *vg, const char *pool, const struct clone *clone)
{
	char *full = get_text("%s/%s", vg, pool), *size = get_text("%" PRIu64 "b", clone->bytes);
	char *tag = get_text(TAG_BASE "%s", clone->base), *what = get_text("%s/%s", vg, clone->name);
	int end;

	/* -ky: no activation unless somebody insists */
	end = lvm_call("make", what, (const char *const[]){ "lvcreate", "-y", "-an", "-ky", "-Wn", "--addtag", TAG,
		       "--addtag", tag, "-n", clone->name, "-V", size, "--thinpool", full, NULL }, NULL);
	free(full);
	free(size);
	free(tag);
	free(what);
	return end;
}

static int remove_volume(const char *vg, const char *name)
{
	char *full = get_text("%s/%s", vg, name);
	int end = lvm_call("remove", full, (const char *const[]){ "lvremove", "-y", full, NULL }, NULL);

	free(full);
	return end;
}

/* As lvm2 has it in names of devices: hyphens of a name are doubled. */
static char *mangled(const char *name)
{
	char *text = get_memory(2 * strlen(name) + 1), *to = text;

	for (; *name; name++) {
		if (*name == '-')
			*to++ = '-';
		*to++ = *name;
	}
	*to = '\0';
	return text;
}

/* The device of an active pool, which lvm2 hides behind another one as soon as there are volumes. */
static int pool_device(const struct volume *volume, char **path)
{
	char *full = get_text("%s/%s", volume->vg, volume->pool), *vg = mangled(volume->vg), *pool = mangled(volume->pool);
	char *name = get_text("%s-%s-tpool", vg, pool);
	struct dm_device device;
	int end = lvm_call("activate", full, (const char *const[]){ "lvchange", "-ay", full, NULL }, NULL);

	if (!end)
		end = dm_look(name, false, &device);
	if (!end) {
		*path = get_text("%u:%u", device.major, device.minor);
		dm_forget(&device);
	}
	free(full);
	free(vg);
	free(pool);
	free(name);
	return end;
}

static int make_device(const struct volume *volume, struct clone *clone)
{
	char *uuid = get_text(CLONE_UUID_PREFIX "%s", clone->name), *pool = NULL, *params = NULL;
	struct dm_line line = { 0, volume->bytes / 512, "thin", NULL };
	struct dm_device device;
	int end = pool_device(volume, &pool);

	if (!end) {
		line.params = params = get_text("%s %" PRIu64 " /dev/mapper/%s", pool, volume->id, clone->base);
		end = dm_create(clone->name, uuid, false, &line, 1);
	}
	if (!end)
		end = dm_look(clone->name, false, &device);
	if (!end) {
		clone->path = get_text("/dev/mapper/%s", clone->name);
		clone->number = get_text("%u:%u", device.major, device.minor);
		clone->bytes = volume->bytes;
		dm_forget(&device);
	}
	free(uuid);
	free(pool);
	free(params);
	return end;
}

/* One that is there belongs to this image, or is left alone. */
static int check_volume(const struct volume *volume, const struct clone *clone)
{
	char *tag = get_text("," TAG_BASE "%s,", clone->base);
	int end = END_OK;

	if (!strstr(volume->tags, tag))
		end = fail(END_DEVICE, "'%s/%s' is a clone of another image: its tags are '%.*s'", volume->vg, clone->name,
			   (int)strlen(volume->tags) - 2, volume->tags + 1);
	free(tag);
	return end;
}

static int make_in(const char *pool, const struct clone_store *store, struct clone *clone)
{
	struct volume volume;
	bool found, made;
	int end = look(store->vg, clone->name, &volume, &found);

	made = !end && !found;
	if (!end && found)
		end = check_volume(&volume, clone);
	if (made) {
		end = make_volume(store->vg, pool, clone);
		made = !end;
		if (!end)
			end = look(store->vg, clone->name, &volume, &found);
	}
	if (!end)
		end = make_device(&volume, clone);
	if (end && made)
		remove_volume(store->vg, clone->name);
	forget(&volume);
	return end;
}

int clone_thin_make(const struct clone_store *store, struct clone *clone)
{
	char *pool = NULL;
	int end = find_pool(store, &pool);

	if (!lvm_is_name(clone->name))
		end = fail(END_ARGS, "'%s' is no name for a volume: A-Z a-z 0-9 + _ . -, no - in front", clone->name);
	if (!end)
		end = dm_need_target("thin");
	if (!end)
		end = make_in(pool, store, clone);
	free(pool);
	return end;
}

/* ---- removing it ---- */

/* The device, if there is one; a device of that name that is no clone stays. */
static int remove_device(const char *name, bool *found)
{
	char *uuid = get_text(CLONE_UUID_PREFIX "%s", name);
	struct dm_device device;
	int end = dm_look(name, true, &device);

	*found = false;
	if (end == END_DEVICE) {
		end = END_OK;
	} else if (!end) {
		*found = !strcmp(device.uuid, uuid);
		dm_forget(&device);
		if (*found)
			end = dm_remove(name, false);
	}
	free(uuid);
	return end;
}

int clone_thin_remove(const char *name, bool *found)
{
	struct volume volume;
	bool has_volume;
	int end = remove_device(name, found);

	if (end || !lvm_is_name(name))
		return end;
	end = look(NULL, name, &volume, &has_volume);
	*found |= has_volume;
	if (!end && has_volume)
		end = remove_volume(volume.vg, name);
	forget(&volume);
	return end;
}
