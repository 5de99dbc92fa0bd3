// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "block.h"
#include "dm.h"
#include "lv.h"
#include "pool.h"
#include "size.h"
#include "table.h"
#include "verbs.h"

/* A UUID of device-mapper has at most 128 characters. */
#define NAME_MOST	(128 - (int)strlen(DM_UUID_PREFIX))
/* What libdevmapper takes as it is. */
#define NAME_CHARACTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#+-.:=@_"

/* What is to be made. */
struct plan {
	const char *name;
	struct table table;
	uint64_t sectors;
	dev_t cache;
	uint64_t cache_sectors;
	struct lv lv;
};

/* ---- words ---- */

static int check_name(const char *name)
{
	size_t length = strlen(name);

	if (length && (int)length <= NAME_MOST && strspn(name, NAME_CHARACTERS) == length && *name != '-' &&
	    strcmp(name, ".") && strcmp(name, ".."))
		return END_OK;
	return fail(END_ARGS, "'%s' is no name for a device: 1 to %d of A-Z a-z 0-9 # + - . : = @ _, none of them - in front",
		    name, NAME_MOST);
}

static int need(const struct invocation *call, const char *option)
{
	const char *value = value_of(call, option);

	if (value && *value)
		return END_OK;
	return fail(END_ARGS, "create: --%s is missing: corcache create NAME --origin DEVICE --cache DEVICE", option);
}

static int take_sizes(const struct invocation *call, struct plan *plan)
{
	uint64_t size = 0;
	int end = size_option(call, "size", &size);

	if (!end)
		end = size_option(call, "quota", &plan->table.quota);
	if (!end)
		end = size_option(call, "region", &plan->table.region);
	if (!end)
		end = size_option(call, "block", &plan->table.block);
	if (end)
		return end;
	if (given(call, "size") && (!size || size % SECTOR_BYTES))
		return fail(END_ARGS, "--size: '%s' is no multiple of %u bytes above 0", value_of(call, "size"), SECTOR_BYTES);
	if (given(call, "quota") && !plan->table.quota)
		return fail(END_ARGS, "--quota: '%s' is less than one region", value_of(call, "quota"));
	/* 0 stands for the default there */
	if (given(call, "block") && !plan->table.block)
		return fail(END_ARGS, "--block: '%s' is no power of two from 4K to the region size", value_of(call, "block"));
	plan->sectors = size / SECTOR_BYTES;
	return END_OK;
}

static int take_numbers(const struct invocation *call, struct plan *plan)
{
	uint64_t errors;
	int end = number_option(call, "commit-interval", TABLE_INTERVAL_MOST, &plan->table.commit_interval);

	if (!end && given(call, "commit-interval") && !plan->table.commit_interval)
		end = fail(END_ARGS, "--commit-interval: '0' is no number of milliseconds from 1 on");
	if (!end)
		end = number_option(call, "max-errors", UINT32_MAX, &errors);
	if (!end && given(call, "max-errors"))
		plan->table.max_errors = errors;
	return end;
}

static int take_words(const struct invocation *call, struct plan *plan)
{
	struct table *table = &plan->table;
	char *wrong;
	int end = take_sizes(call, plan);

	if (!end)
		end = take_numbers(call, plan);
	if (end)
		return end;
	table->policy = (char *)value_of(call, "policy");
	table->origin_id = (char *)value_of(call, "origin-id");
	table->no_checksums = given(call, "no-checksums");
	table->discard = given(call, "discard");
	table->origin = (char *)value_of(call, "origin");
	table->cache = (char *)value_of(call, "cache");
	if (lv_is_meant(table->cache)) {
		end = lv_parse(table->cache, &plan->lv);
		table->cache = plan->lv.path;
	}
	wrong = end ? NULL : table_check(table, "--");
	if (wrong)
		end = fail(END_ARGS, "%s", wrong);
	free(wrong);
	return end;
}

/* ---- devices ---- */

static int look_at(const char *option, const char *path, struct block *block)
{
	int end = block_look(path, block);

	if (!end && block->kind == BLOCK_FILE)
		end = fail(END_DEVICE, "--%s: '%s' is a file, no device: 'losetup --find --show%s %s' makes one of it", option,
			   path, strcmp(option, "origin") ? "" : " --read-only", path);
	return end;
}

static int look_at_origin(struct plan *plan)
{
	struct block block;
	int end = look_at("origin", plan->table.origin, &block);

	if (!end && !block.sectors && !plan->sectors)
		end = fail(END_DEVICE, "--origin: '%s' has no size: connect it, or give --size", plan->table.origin);
	if (!end && block.sectors && plan->sectors > block.sectors)
		end = fail(END_DEVICE, "--size: '%s' has %llu bytes only", plan->table.origin,
			   (unsigned long long)block.sectors * SECTOR_BYTES);
	if (!end && !plan->sectors)
		plan->sectors = block.sectors;
	block_forget(&block);
	return end;
}

static int look_at_cache(struct plan *plan)
{
	struct block block;
	int end = look_at("cache", plan->table.cache, &block);

	if (!end && block.use)
		end = fail(END_BUSY, "--cache: '%s' is %s: each image needs a cache device of its own", plan->table.cache,
			   block.use);
	plan->cache = makedev(block.major, block.minor);
	plan->cache_sectors = block.sectors;
	block_forget(&block);
	return end;
}

/* All that can be known before anything is made. */
static int check(struct plan *plan)
{
	int end = look_at_origin(plan);

	if (!end && !plan->lv.name)
		end = look_at_cache(plan);
	if (!end)
		end = dm_need_target(DM_TARGET);
	return end ? end : dm_check_free(plan->name);
}

/* ---- making it ---- */

static int make_device(const struct plan *plan)
{
	char *params = table_text(&plan->table), *uuid = get_text(DM_UUID_PREFIX "%s", plan->name);
	struct dm_line line = { 0, plan->sectors, DM_TARGET, params };
	int end = dm_create(plan->name, uuid, true, &line, 1);

	free(params);
	free(uuid);
	return end;
}

/* Without a quota it is the data area, which is most of the device. */
static int make_on_cache(struct plan *plan)
{
	int end = look_at_cache(plan);

	if (!end)
		end = pool_check(plan->name, plan->cache,
				 plan->table.quota ? plan->table.quota : plan->cache_sectors * SECTOR_BYTES);
	return end ? end : make_device(plan);
}

static int make(struct plan *plan)
{
	int end = plan->lv.name ? lv_make(&plan->lv) : END_OK;

	if (end)
		return end;
	end = make_on_cache(plan);
	if (end)
		lv_undo(&plan->lv);
	return end;
}

static int run(const struct invocation *call)
{
	struct plan plan = { .name = call->word[0] };
	int end;

	table_init(&plan.table);
	end = check_name(plan.name);
	if (!end)
		end = need(call, "origin");
	if (!end)
		end = need(call, "cache");
	if (!end)
		end = take_words(call, &plan);
	if (!end)
		end = check(&plan);
	if (!end)
		end = make(&plan);
	lv_forget(&plan.lv);
	return end;
}

static const struct verb_option options[] = {
	{ .name = "origin", .letter = 'o', .value = "DEVICE", .help = "the image", .kind = WORD_DEVICE },
	{ .name = "cache", .letter = 'c', .value = "DEVICE", .kind = WORD_DEVICE,
	  .help = "the cache device, or LV:VG/NAME:SIZE, or LV:VG/POOL/NAME:SIZE" },
	{ .name = "size", .letter = 's', .value = "SIZE", .help = "of the device; default: the origin's" },
	{ .name = "quota", .letter = 'q', .value = "SIZE", .help = "how much may be cached; default: what there is room for" },
	{ .name = "region", .letter = 'r', .value = "SIZE", .help = "unit of allocation, 4K to 4M; default: 64K" },
	{ .name = "block", .letter = 'b', .value = "SIZE", .help = "unit of filling; default: 4K, 64 a region at most" },
	{ .name = "policy", .letter = 'p', .value = "POLICY", .help = "when the quota is full: adaptive (default) or stop",
	  .kind = WORD_POLICY },
	{ .name = "commit-interval", .value = "MS", .help = "time between commits of metadata; default: 1000" },
	{ .name = "max-errors", .value = "N", .help = "regions with errors after which the cache is bypassed; default: 100" },
	{ .name = "origin-id", .letter = 'i', .value = "ID", .help = "names the content of the image: a digest, a version" },
	{ .name = "no-checksums", .help = "do not verify what is read from the cache device" },
	{ .name = "discard", .letter = 'd', .help = "discard on the cache device what was evicted" },
	{ }
};

const struct verb verb_create = {
	.name = "create",
	.words = "NAME",
	.summary = "make a device: an image with a cache in front of it",
	.more = "The device is /dev/mapper/NAME and read-only. A cache device that is blank is formatted; one that holds\n"
		"the cache of this image is used as it is: warm.\n",
	.least = 1, .most = 1,
	.options = options,
	.run = run,
};
