// SPDX-License-Identifier: GPL-2.0-only
/* verify: each cached block against its checksum and, if wanted, the origin; also the scrub of a device in use. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "devname.h"
#include "dm.h"
#include "scrub.h"
#include "size.h"
#include "verbs.h"

#define LIST_MOST	10000	/* wrong blocks that are named; all are counted */
#define ALIGNMENT	4096

struct verify {
	struct cache cache;
	struct scrub scrub;
	struct dm_device live;		/* name NULL: the device is not in use */
	struct block origin;
	bool json, heal;
	uint64_t damaged;		/* table sectors and entries */
	struct scrub_fault *faults;
	uint64_t listed, healed;
};

static void see_block(void *data, const struct scrub_fault *fault)
{
	struct verify *verify = data;

	if (verify->listed == LIST_MOST)
		return;
	verify->faults = get_more_memory(verify->faults, (verify->listed + 1) * sizeof(*fault));
	verify->faults[verify->listed++] = *fault;
	if (!verify->json)
		printf("%s: origin sector %" PRIu64 ", %" PRIu32 " sectors (slot %" PRIu64 ", cache sector %" PRIu64 ")\n",
		       scrub_word(fault->kind), fault->origin_sector, fault->sectors, fault->slot, fault->cache_sector);
}

static void see_damage(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot)
{
	struct verify *verify = data;

	(void)damage;
	if (verify->damaged++ < LIST_MOST && !verify->json)
		printf("table: sector %" PRIu64 " is damaged (slots from %" PRIu64 " on)\n", nr, slot);
}

/* ---- heal ---- */

/* The target finds it wrong as well, drops it, and answers from the origin. */
static bool read_through(int fd, const struct scrub_fault *fault, void *buffer)
{
	size_t bytes = fault->sectors * (size_t)SECTOR_BYTES;

	return pread(fd, buffer, bytes, fault->origin_sector * SECTOR_BYTES) == (ssize_t)bytes;
}

static int open_mapped(const struct verify *verify)
{
	char *path = get_text("/dev/mapper/%s", verify->live.name);
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		say("'%s' cannot be opened: %s: nothing is healed", path, strerror(errno));
	free(path);
	return fd;
}

/* Healed is what was read right, and after a commit is right on the device, or not there any more. */
static void heal(struct verify *verify)
{
	size_t most = verify->cache.disk.layout.block_sectors * (size_t)SECTOR_BYTES;
	bool *was_read = get_memory(verify->listed * sizeof(*was_read));
	int fd = open_mapped(verify);
	void *buffer = NULL;
	uint64_t i, failed = 0;

	if (fd >= 0 && !posix_memalign(&buffer, ALIGNMENT, most)) {
		for (i = 0; i < verify->listed; i++) {
			was_read[i] = read_through(fd, &verify->faults[i], buffer);
			failed += !was_read[i];
		}
		if (failed)
			say("%" PRIu64 " of the wrong blocks could not be read through %s: its origin fails", failed,
			    verify->live.name);
		if (!dm_message(verify->live.name, "commit", NULL)) {
			for (i = 0; i < verify->listed; i++)
				verify->healed += was_read[i] && !scrub_still_wrong(&verify->scrub, &verify->faults[i]);
		}
	}
	free(buffer);
	free(was_read);
	if (fd >= 0)
		close(fd);
}

/* ---- results ---- */

static void add_number(struct json_object *object, const char *name, uint64_t number)
{
	json_object_object_add(object, name, json_object_new_uint64(number));
}

static struct json_object *fault_json(const struct scrub_fault *fault)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "kind", json_object_new_string(scrub_word(fault->kind)));
	add_number(object, "origin_sector", fault->origin_sector);
	add_number(object, "sectors", fault->sectors);
	add_number(object, "region", fault->region);
	add_number(object, "slot", fault->slot);
	add_number(object, "cache_sector", fault->cache_sector);
	return object;
}

static void print_json(const struct verify *verify)
{
	const struct scrub *scrub = &verify->scrub;
	struct json_object *object = json_object_new_object(), *faults = json_object_new_array();
	uint64_t i;

	for (i = 0; i < verify->listed; i++)
		json_object_array_add(faults, fault_json(&verify->faults[i]));
	add_number(object, "version", 1);
	json_object_object_add(object, "device", json_object_new_string(verify->cache.block.path));
	json_object_object_add(object, "name", verify->live.name ? json_object_new_string(verify->live.name) : NULL);
	json_object_object_add(object, "origin", verify->origin.path ? json_object_new_string(verify->origin.path) : NULL);
	add_number(object, "blocks", scrub->blocks);
	add_number(object, "bytes", scrub->bytes);
	add_number(object, "wrong_blocks", scrub->wrong);
	add_number(object, "unreadable_blocks", scrub->unreadable);
	add_number(object, "changed_blocks", scrub->changed);
	add_number(object, "damaged_table", verify->damaged);
	add_number(object, "origin_errors", scrub->origin_errors);
	add_number(object, "healed_blocks", verify->healed);
	json_object_object_add(object, "faults", faults);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void print_text(const struct verify *verify)
{
	const struct scrub *scrub = &verify->scrub;
	char size[32];

	printf("%" PRIu64 " blocks (%s) checked: %" PRIu64 " wrong, %" PRIu64 " cannot be read", scrub->blocks,
	       size_text(scrub->bytes, size, sizeof(size)), scrub->wrong, scrub->unreadable);
	if (verify->damaged)
		printf(", %" PRIu64 " places of the table are damaged", verify->damaged);
	if (scrub->changed)
		printf(", %" PRIu64 " changed meanwhile", scrub->changed);
	if (scrub->origin_errors)
		printf(", %" PRIu64 " not compared, the origin fails", scrub->origin_errors);
	if (verify->heal)
		printf(", %" PRIu64 " healed", verify->healed);
	putchar('\n');
}

/* ---- the devices ---- */

static int open_origin(struct verify *verify, const char *path)
{
	const uint64_t length = verify->cache.disk.layout.length;
	int end;

	if (!path)
		return END_OK;
	end = block_open(path, BLOCK_READ, &verify->origin);
	if (!end && verify->origin.sectors < length)
		return fail(END_DEVICE, "--origin: '%s' has %" PRIu64 " sectors, the cache is of an image of %" PRIu64,
			    path, verify->origin.sectors, length);
	verify->scrub.origin = verify->origin.fd;
	return end;
}

/* The first word of the table's parameters: a path, or MAJOR:MINOR. */
static char *cache_of(const struct dm_device *live)
{
	char *word = get_text("%.*s", (int)strcspn(live->table, " "), live->table), *name = device_name(word);

	free(word);
	return name;
}

static int open_live(struct verify *verify, const char *name, char **path)
{
	int end = dm_look_corcache(name, &verify->live);

	if (end && !access(name, F_OK))
		say("a file needs a slash in its name: './%s'", name);
	if (end)
		return end;
	*path = cache_of(&verify->live);
	return cache_open(*path, BLOCK_READ, &verify->cache);
}

/* A word with a slash is a device, unless it is that of a corcache device itself. */
static const char *live_name(const char *word)
{
	if (!strncmp(word, "/dev/mapper/", 12)) {
		struct dm_device device;
		bool live = !dm_look(word + 12, true, &device) && device.target && !strcmp(device.target, DM_TARGET);

		dm_forget(&device);
		return live ? word + 12 : NULL;
	}
	return strchr(word, '/') ? NULL : word;
}

static int open_all(struct verify *verify, const struct invocation *call, char **path)
{
	const char *word = call->word[0], *name = live_name(word);
	int end;

	if (verify->heal && !name)
		return fail(END_ARGS, "--heal: '%s' is no corcache device in use: a block heals when it is read through one",
			    word);
	if (name) {
		verify->scrub.live = true;
		end = open_live(verify, name, path);
	} else {
		end = cache_open(word, BLOCK_READ_ALONE, &verify->cache);
		if (end == END_BUSY && verify->cache.block.corcache)
			say("'corcache verify %s' verifies it while it is in use", verify->cache.block.corcache);
	}
	if (!end)
		end = cache_need(&verify->cache);
	if (!end)
		end = open_origin(verify, value_of(call, "origin"));
	if (!end && !verify->cache.disk.layout.checksums && !verify->origin.path)
		end = fail(END_DEVICE, "'%s' was formatted with no_checksums: give --origin to compare it with",
			   verify->cache.block.path);
	return end;
}

static int verify_all(struct verify *verify)
{
	struct scrub *scrub = &verify->scrub;

	scrub->disk = &verify->cache.disk;
	scrub->fault = see_block;
	scrub->damage = see_damage;
	scrub->data = verify;
	if (scrub_run(scrub))
		return fail(END_MEMORY, "out of memory");
	if (verify->heal && verify->listed)
		heal(verify);
	if (verify->json)
		print_json(verify);
	else
		print_text(verify);
	if (scrub->wrong + scrub->unreadable > verify->healed || verify->damaged || scrub->origin_errors)
		return END_DEVICE;
	return END_OK;
}

/* "50M" or "50M/s" */
static int get_rate(const struct invocation *call, uint64_t *rate)
{
	const char *text = value_of(call, "rate");
	char *size;
	bool good;

	if (!text)
		return END_OK;
	size = get_text("%s", text);
	if (strlen(size) > 2 && !strcmp(size + strlen(size) - 2, "/s"))
		size[strlen(size) - 2] = '\0';
	good = size_parse(size, rate) && *rate;
	free(size);
	return good ? END_OK : fail(END_ARGS, "--rate: '%s' is no size per second, such as 50M/s", text);
}

static int run(const struct invocation *call)
{
	struct verify verify = {
		.cache.block.fd = -1, .origin.fd = -1, .scrub.origin = -1,
		.json = given(call, "json"), .heal = given(call, "heal"),
	};
	char *path = NULL;
	int end = get_rate(call, &verify.scrub.rate);

	if (!end)
		end = open_all(&verify, call, &path);
	if (!end)
		end = verify_all(&verify);
	cache_close(&verify.cache);
	block_forget(&verify.origin);
	dm_forget(&verify.live);
	free(verify.faults);
	free(path);
	return end;
}

static const struct verb_option options[] = {
	{ .name = "origin", .letter = 'o', .value = "DEVICE", .help = "also compare with the origin",
	  .kind = WORD_DEVICE },
	{ .name = "rate", .letter = 'r', .value = "SIZE/s", .help = "read no faster, for example 50M/s" },
	{ .name = "heal", .help = "read wrong blocks through the device in use, which then drops and refills them" },
	{ .name = "json", .letter = 'j', .help = "print JSON" },
	{ }
};

const struct verb verb_verify = {
	.name = "verify",
	.words = "NAME|DEVICE",
	.summary = "verify each cached block",
	.more = "NAME: a corcache device in use; its cache device is read beside it, and what looks wrong is\n"
		"looked at again before it is called wrong. DEVICE: a cache device that is not in use.\n"
		"Exit status 4: there are wrong blocks, or damage, that were not healed.\n",
	.least = 1, .most = 1,
	.first = WORD_NAME, .rest = WORD_NONE,
	.options = options,
	.run = run,
};
