// SPDX-License-Identifier: GPL-2.0-only
/*
 * Superblocks by an enemy, on devices of any size.
 *
 * Input: 8 bytes, the size of the device in sectors; 512 bytes, the sector.
 *
 * A superblock is accepted if, and only if, it is what the encoder makes of
 * the sizes, the ids and the features that it holds; whatever else is in it
 * follows from these.  The geometry is tried a second time with the size of
 * the device alone, as when formatting, which needs no superblock.
 */
#include <linux/errno.h>
#include <linux/string.h>

#include <stdlib.h>

#include "check_geometry.h"
#include "format.h"
#include "fuzz.h"

#define DEVICE_BYTES	8
#define SECTOR_BYTES	512
#define INPUT_BYTES	(DEVICE_BYTES + SECTOR_BYTES)

#define ID_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:+/=@-"

/* Offsets of the superblock, as in format.rst. */
enum {
	SB_CRC = 8, SB_VERSION = 12, SB_ID = 16, SB_INCOMPAT = 32, SB_COMPAT = 40, SB_TARGET = 48,
	SB_CACHE = 56, SB_REGION = 64, SB_BLOCK = 68, SB_SLOTS = 72, SB_TABLE_START = 80,
	SB_TABLE_SECTORS = 88, SB_DATA = 96, SB_BACKUP = 104, SB_ORIGIN_BYTES = 112,
	SB_RESERVED = 116, SB_ORIGIN = 120, SB_PADDING = 248,
};

static const struct field {
	u32 offset;
	u32 bytes;
} fields[] = {
	{ SB_VERSION, 4 }, { SB_INCOMPAT, 8 }, { SB_COMPAT, 8 }, { SB_TARGET, 8 }, { SB_CACHE, 8 },
	{ SB_REGION, 4 }, { SB_BLOCK, 4 }, { SB_SLOTS, 8 }, { SB_TABLE_START, 8 },
	{ SB_TABLE_SECTORS, 8 }, { SB_DATA, 8 }, { SB_BACKUP, 8 },
	{ SB_ORIGIN_BYTES, 4 }, { SB_RESERVED, 4 },
};

/*---------------------------------------------------------------------------
 * Calls, for fuzz_verdict()
 */

struct decode_call {
	struct corcache_super super;
	const u8 *sector;
	u64 device;
};

static int decode(void *context, struct corcache_refusal *why)
{
	struct decode_call *call = context;

	return corcache_super_decode(&call->super, call->sector, call->device, why);
}

struct match_call {
	const struct corcache_super *disk;
	struct corcache_super want;
};

static int match(void *context, struct corcache_refusal *why)
{
	struct match_call *call = context;

	return corcache_super_match(call->disk, &call->want, why);
}

struct init_call {
	struct corcache_geometry geo;
	const u8 *sector;
	u64 cache;
};

static int init(void *context, struct corcache_refusal *why)
{
	struct init_call *call = context;
	const u8 *sector = call->sector;

	return corcache_geometry_init(&call->geo, fuzz_get(sector + SB_TARGET, 8), call->cache,
				      fuzz_get(sector + SB_REGION, 4),
				      fuzz_get(sector + SB_BLOCK, 4), sector[SB_INCOMPAT] & 1,
				      why);
}

/*---------------------------------------------------------------------------
 * What must be true
 */

/* What an unknown compatible feature keeps where version 1 has zeros. */
static void keep_reserved(u8 *to, const u8 *from)
{
	memcpy(to + SB_RESERVED, from + SB_RESERVED, 4);
	memcpy(to + SB_PADDING, from + SB_PADDING, SECTOR_BYTES - SB_PADDING);
	fuzz_put(to + SB_CRC, 0, 4);
	fuzz_put(to + SB_CRC, corcache_crc(to, SECTOR_BYTES), 4);
}

static void check_encoding(const struct corcache_super *super, const u8 *sector)
{
	u8 *again = malloc(SECTOR_BYTES);

	must(again);
	memset(again, 0xa5, SECTOR_BYTES);
	corcache_super_encode(super, again);
	if (super->compat)
		keep_reserved(again, sector);
	must(!memcmp(again, sector, SECTOR_BYTES));
	free(again);
}

/* Is the sector what the encoder makes of the little that it has to hold? */
static bool is_encoded(const u8 *sector, u64 device)
{
	struct corcache_super super = { .compat = fuzz_get(sector + SB_COMPAT, 8) };
	u32 bytes = fuzz_get(sector + SB_ORIGIN_BYTES, 4);
	u8 again[SECTOR_BYTES] __attribute__((aligned(8)));
	struct init_call call = {
		.sector = sector, .cache = fuzz_get(sector + SB_CACHE, 8),
	};
	struct corcache_refusal why;

	if (bytes > 128 || device < call.cache || init(&call, &why))
		return false;
	super.geo = call.geo;
	memcpy(super.id, sector + SB_ID, sizeof(super.id));
	memcpy(super.origin_id, sector + SB_ORIGIN, bytes);
	if (strspn(super.origin_id, ID_CHARS) != bytes)
		return false;
	corcache_super_encode(&super, again);
	if (super.compat)
		keep_reserved(again, sector);
	return !memcmp(again, sector, SECTOR_BYTES);
}

static void must_differ(struct match_call *call)
{
	must(fuzz_verdict(match, call) == -EINVAL);
	call->want = *call->disk;
}

static void check_match(const struct corcache_super *disk)
{
	struct match_call call = { .disk = disk, .want = *disk };
	char *last = call.want.origin_id + strlen(disk->origin_id);

	must(fuzz_verdict(match, &call) == 0);
	call.want.geo.target_sectors++;
	must_differ(&call);
	call.want.geo.region_sectors *= 2;
	must_differ(&call);
	call.want.geo.block_sectors /= 2;
	must_differ(&call);
	call.want.geo.checksums = !disk->geo.checksums;
	must_differ(&call);
	if (last == call.want.origin_id + CORCACHE_ORIGIN_ID_MAX)
		last[-1] = '\0';
	else
		last[0] = 'x';
	must_differ(&call);
	/* What is derived, or made when formatting, is not the table line's to say. */
	call.want.geo.nr_slots++;
	call.want.id[0]++;
	must(fuzz_verdict(match, &call) == 0);
}

static void check_accepted(const struct decode_call *call, u64 probe)
{
	const struct corcache_super *super = &call->super;
	u64 cache = super->geo.cache_sectors;
	struct decode_call other = *call;

	must(memchr(super->origin_id, '\0', sizeof(super->origin_id)));
	must(strspn(super->origin_id, ID_CHARS) == strlen(super->origin_id));
	check_geometry(&super->geo, probe);
	check_encoding(super, call->sector);
	check_match(super);

	must(cache <= call->device);
	other.device = cache;
	must(fuzz_verdict(decode, &other) == 0);
	other.device = cache - 1;
	must(fuzz_verdict(decode, &other) == -ENOSPC);
}

static void check_decode(const u8 *sector, u64 device, u64 hash)
{
	struct decode_call call = { .sector = sector, .device = device }, before;
	u8 kept[SECTOR_BYTES];
	int ret;

	memcpy(kept, sector, SECTOR_BYTES);
	memset(&call.super, 0xa5, sizeof(call.super));
	before = call;
	ret = fuzz_verdict(decode, &call);
	must(!memcmp(kept, sector, SECTOR_BYTES));
	must(is_encoded(sector, device) == !ret);
	if (!ret) {
		check_accepted(&call, hash);
	} else {
		must(ret == -ENODATA || ret == -EILSEQ || ret == -EOPNOTSUPP ||
		     ret == -EINVAL || ret == -ENOSPC);
		must((ret == -ENODATA) == !!memcmp(sector, "corcache", 8));
		must(!memcmp(&call.super, &before.super, sizeof(call.super)));
	}
	fuzz_count(!ret);
}

/* As when formatting: the sizes of a table line, and whatever device there is. */
static void check_format(const u8 *sector, u64 device, u64 hash)
{
	struct init_call call = { .sector = sector, .cache = device };
	struct decode_call back = { .device = device };
	u8 *made;
	int ret;

	ret = fuzz_verdict(init, &call);
	if (ret) {
		must(ret == -EINVAL || ret == -ENOSPC || ret == -E2BIG);
		return;
	}
	check_geometry(&call.geo, hash);
	must(call.geo.cache_sectors == device - device % 8);

	back.super.geo = call.geo;
	made = malloc(SECTOR_BYTES);
	must(made);
	corcache_super_encode(&back.super, made);
	back.sector = made;
	must(fuzz_verdict(decode, &back) == 0);
	check_encoding(&back.super, made);
	free(made);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *device = fuzz_copy(data, size, 0, DEVICE_BYTES);
	u8 *sector = fuzz_copy(data, size, DEVICE_BYTES, SECTOR_BYTES);
	u64 sectors = fuzz_get(device, DEVICE_BYTES), hash = fuzz_hash(data, size);

	check_decode(sector, sectors, hash);
	check_format(sector, sectors, hash);
	free(device);
	free(sector);
	return 0;
}

/*---------------------------------------------------------------------------
 * Mutations that get behind the checksum
 */

static void mutate_field(u8 *sector, u64 *state)
{
	const struct field *field = &fields[fuzz_random(state) % ARRAY_SIZE(fields)];
	const struct field *other = &fields[fuzz_random(state) % ARRAY_SIZE(fields)];
	u64 value = fuzz_get(sector + field->offset, field->bytes);

	switch (fuzz_random(state) % 4) {
	case 0:
		value = fuzz_odd_number(state);
		break;
	case 1:
		value = fuzz_get(sector + other->offset, other->bytes);
		break;
	case 2:
		value ^= 1ULL << fuzz_random(state) % (8 * field->bytes);
		break;
	default:
		value += fuzz_random(state) % 17 - 8;
	}
	fuzz_put(sector + field->offset, value, field->bytes);
}

/* Sizes that a table line may have, for an origin and a device of any size. */
static void new_sizes(u8 *sector, u64 *state)
{
	u32 region = 3 + fuzz_random(state) % 11;
	u32 ratio = fuzz_random(state) % (min(region - 3, 6U) + 1);

	fuzz_put(sector + SB_REGION, 1U << region, 4);
	fuzz_put(sector + SB_BLOCK, 1U << (region - ratio), 4);
	fuzz_put(sector + SB_INCOMPAT, fuzz_random(state) % 2, 8);
	fuzz_put(sector + SB_COMPAT, fuzz_one_in(state, 4) ? fuzz_odd_number(state) : 0, 8);
	fuzz_put(sector + SB_TARGET, fuzz_odd_number(state), 8);
	fuzz_put(sector + SB_CACHE, fuzz_odd_number(state), 8);
}

/* What follows from the sizes. */
static void derive(u8 *sector)
{
	struct init_call call = { .sector = sector, .cache = fuzz_get(sector + SB_CACHE, 8) };
	struct corcache_refusal why;

	if (init(&call, &why))
		return;
	fuzz_put(sector + SB_CACHE, call.geo.cache_sectors, 8);
	fuzz_put(sector + SB_SLOTS, call.geo.nr_slots, 8);
	fuzz_put(sector + SB_TABLE_START, call.geo.table_start, 8);
	fuzz_put(sector + SB_TABLE_SECTORS, call.geo.table_sectors, 8);
	fuzz_put(sector + SB_DATA, call.geo.data_start, 8);
	fuzz_put(sector + SB_BACKUP, call.geo.backup_start, 8);
}

static void new_origin_id(u8 *sector, u64 *state)
{
	u32 bytes = fuzz_random(state) % 129, i;

	memset(sector + SB_ORIGIN, 0, 128);
	for (i = 0; i < bytes; i++)
		sector[SB_ORIGIN + i] = ID_CHARS[fuzz_random(state) % strlen(ID_CHARS)];
	fuzz_put(sector + SB_ORIGIN_BYTES, bytes, 4);
	/* A name that has one character, or one byte, that does not fit. */
	if (fuzz_one_in(state, 4))
		sector[SB_ORIGIN + fuzz_random(state) % 128] = fuzz_random(state);
	if (fuzz_one_in(state, 4))
		fuzz_put(sector + SB_ORIGIN_BYTES, bytes + fuzz_random(state) % 3 - 1, 4);
}

static void new_device(u8 *device, const u8 *sector, u64 *state)
{
	u64 cache = fuzz_get(sector + SB_CACHE, 8);

	switch (fuzz_random(state) % 4) {
	case 0:
		cache = fuzz_odd_number(state);
		break;
	case 1:
		cache += fuzz_random(state) % 17 - 8;
		break;
	case 2:
		cache = U64_MAX;
		break;
	}
	fuzz_put(device, cache, DEVICE_BYTES);
}

/* Put right most of what would hide the change from all but the first checks. */
static void repair(u8 *sector, u64 *state)
{
	if (!fuzz_one_in(state, 16))
		memcpy(sector, "corcache", 8);
	if (!fuzz_one_in(state, 16))
		fuzz_put(sector + SB_VERSION, 1, 4);
	if (!fuzz_one_in(state, 8))
		memset(sector + SB_PADDING, 0, SECTOR_BYTES - SB_PADDING);
	if (!fuzz_one_in(state, 8))
		memset(sector + SB_RESERVED, 0, 4);
	if (fuzz_one_in(state, 16))
		return;
	fuzz_put(sector + SB_CRC, 0, 4);
	fuzz_put(sector + SB_CRC, corcache_crc(sector, SECTOR_BYTES), 4);
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	u8 *sector = data + DEVICE_BYTES;
	u64 state = seed;

	if (max_size < INPUT_BYTES)
		return LLVMFuzzerMutate(data, size, max_size);
	if (size < INPUT_BYTES)
		memset(data + size, 0, INPUT_BYTES - size);

	switch (fuzz_random(&state) % 8) {
	case 0:
		size = LLVMFuzzerMutate(data, INPUT_BYTES, INPUT_BYTES);
		memset(data + size, 0, INPUT_BYTES - size);
		break;
	case 1:
		LLVMFuzzerMutate(sector, SB_PADDING, SB_PADDING);
		break;
	case 2:
		new_sizes(sector, &state);
		break;
	case 3:
		new_origin_id(sector, &state);
		break;
	case 4:
		new_device(data, sector, &state);
		break;
	default:
		mutate_field(sector, &state);
	}
	if (!fuzz_one_in(&state, 3))
		derive(sector);
	if (fuzz_one_in(&state, 3))
		mutate_field(sector, &state);
	if (!fuzz_one_in(&state, 4) &&
	    fuzz_get(data, DEVICE_BYTES) < fuzz_get(sector + SB_CACHE, 8))
		memcpy(data, sector + SB_CACHE, DEVICE_BYTES);
	repair(sector, &state);
	return INPUT_BYTES;
}
