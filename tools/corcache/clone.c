// SPDX-License-Identifier: GPL-2.0-only
/* corcache clone: a VM's disk, and the words that give it to the VM. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clone.h"
#include "dm.h"
#include "verbs.h"

#define SECTOR_BYTES	512

/* ---- what the VM is told ---- */

/* @text with each of @special written as @as has it, in the same order. The caller frees it. */
static char *escaped(const char *text, const char *special, const char *const *as)
{
	const char *found;
	char *copy = NULL;
	size_t length;
	FILE *to = open_memstream(&copy, &length);

	if (!to)
		exit(fail(END_MEMORY, "out of memory"));
	for (; *text; text++) {
		found = strchr(special, *text);
		if (found)
			fputs(as[found - special], to);
		else
			fputc(*text, to);
	}
	fclose(to);
	return copy;
}

static char *qemu_words(const struct clone *clone)
{
	char *path = escaped(clone->path, ",", (const char *const[]){ ",," });
	char *words = get_text("-drive file=%s,format=%s,if=virtio,discard=unmap", path, clone->number ? "raw" : "qcow2");

	free(path);
	return words;
}

static char *libvirt_words(const struct clone *clone)
{
	char *path = escaped(clone->path, "&<>'", (const char *const[]){ "&amp;", "&lt;", "&gt;", "&apos;" });
	char *words = get_text("<disk type='%s' device='disk'>\n"
			       "  <driver name='qemu' type='%s' discard='unmap'/>\n"
			       "  <source %s='%s'/>\n"
			       "  <target dev='vda' bus='virtio'/>\n"
			       "</disk>", clone->number ? "block" : "file", clone->number ? "raw" : "qcow2",
			       clone->number ? "dev" : "file", path);

	free(path);
	return words;
}

static void add_text(json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, text ? json_object_new_string(text) : NULL);
}

static void print_json(const struct clone *clone, const char *qemu, const char *libvirt)
{
	json_object *all = json_object_new_object();

	json_object_object_add(all, "version", json_object_new_int(1));
	add_text(all, "name", clone->name);
	add_text(all, "base", clone->base);
	add_text(all, "format", clone->number ? "raw" : "qcow2");
	add_text(all, "path", clone->path);
	add_text(all, "number", clone->number);
	json_object_object_add(all, "bytes", json_object_new_uint64(clone->bytes));
	add_text(all, "qemu", qemu);
	add_text(all, "libvirt", libvirt);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static void print(const struct invocation *call, const struct clone *clone)
{
	char *qemu = qemu_words(clone), *libvirt = libvirt_words(clone);

	if (given(call, "json"))
		print_json(clone, qemu, libvirt);
	else
		printf("%s\n\nfor QEMU:\n%s\n\nfor libvirt:\n%s\n", clone->path, qemu, libvirt);
	free(qemu);
	free(libvirt);
}

/* ---- making it ---- */

static int look_at_base(struct clone *clone, uint64_t *bytes)
{
	struct dm_device device;
	int end = dm_look(clone->base, false, &device);

	if (end)
		return end;
	if (!dm_is_ours(&device))
		end = fail(END_DEVICE, "'%s' is no corcache device: its target is '%s'", clone->base,
			   device.target ? device.target : "none");
	else if (!device.sectors)
		end = fail(END_DEVICE, "'%s' has no table", clone->base);
	*bytes = device.sectors * SECTOR_BYTES;
	dm_forget(&device);
	return end;
}

static int take_size(const struct invocation *call, struct clone *clone, uint64_t base)
{
	int end = size_option(call, "size", &clone->bytes);

	if (end)
		return end;
	if (!given(call, "size"))
		clone->bytes = base;
	if (clone->bytes < base)
		return fail(END_ARGS, "--size: '%s' is less than '%s' has, %llu bytes", value_of(call, "size"), clone->base,
			    (unsigned long long)base);
	if (clone->bytes % SECTOR_BYTES)
		return fail(END_ARGS, "--size: '%s' is no multiple of %d bytes", value_of(call, "size"), SECTOR_BYTES);
	return END_OK;
}

/* It is part of a path, of a UUID and of a line for QEMU. */
static int check_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_.-";
	size_t length = strlen(name);

	if (length && length <= 100 && strspn(name, allowed) == length && *name != '-' && *name != '.')
		return END_OK;
	return fail(END_ARGS, "'%s' is no name for a clone: 1 to 100 of A-Z a-z 0-9 + _ . -, no - or . in front", name);
}

static int run(const struct invocation *call)
{
	struct clone clone = { .base = call->word[0], .name = call->word[1] };
	struct clone_store store;
	uint64_t base = 0;
	int end = clone_store_parse(value_of(call, "store"), &store);

	if (!end)
		end = check_name(clone.name);
	if (!end)
		end = look_at_base(&clone, &base);
	if (!end)
		end = take_size(call, &clone, base);
	if (!end && store.vg)
		end = dm_check_free(clone.name);
	if (!end)
		end = store.vg ? clone_thin_make(&store, &clone) : clone_file_make(&store, &clone);
	if (!end)
		print(call, &clone);
	clone_store_forget(&store);
	free(clone.path);
	free(clone.number);
	return end;
}

static const struct verb_option options[] = {
	{ "size", 's', "SIZE", "of the disk, if it is to be larger than the image" },
	{ "store", 0, "STORE", "a directory, for a qcow2 file; VG or VG/POOL, for a thin device; " CLONE_DIRECTORY, WORD_FILE },
	{ "json", 'j', NULL, "print JSON" },
	{ NULL }
};

const struct verb verb_clone = {
	.name = "clone",
	.words = "BASE NAME",
	.summary = "make a writable disk for a VM, on top of a corcache device",
	.more = "The corcache device stays as it is. Prints the path, and the words for QEMU and for libvirt.\n",
	.least = 2, .most = 2,
	.first = WORD_NAME, .rest = WORD_NONE,
	.options = options,
	.run = run,
};
