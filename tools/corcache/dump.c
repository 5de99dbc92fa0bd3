// SPDX-License-Identifier: GPL-2.0-only
/* dump: the metadata of a cache device, as text or JSON. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "size.h"
#include "verbs.h"

struct dump {
	struct cache cache;
	bool json, entries;
	unsigned long long nr_entries, valid, pinned;
	unsigned long long damaged_sectors, unreadable_sectors, damaged_entries;
	struct json_object *damage;	/* what is damaged, when JSON is asked for */
};

static const char *const damage_words[] = {
	[DAMAGE_SECTOR] = "sector",
	[DAMAGE_UNREADABLE] = "unreadable",
	[DAMAGE_ENTRY] = "entry",
};

static const char *const damage_texts[] = {
	[DAMAGE_SECTOR] = "its checksum does not hold: what it describes is cold",
	[DAMAGE_UNREADABLE] = "it cannot be read: what it describes is cold",
	[DAMAGE_ENTRY] = "makes no sense: the slot is cold",
};

static void add(struct json_object *object, const char *name, struct json_object *value)
{
	json_object_object_add(object, name, value);
}

static void add_number(struct json_object *object, const char *name, uint64_t number)
{
	add(object, name, json_object_new_uint64(number));
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
	add(object, name, text ? json_object_new_string(text) : NULL);
}

static void print_json(struct json_object *object)
{
	fputs(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
}

/* ---- what stands before the table ---- */

static struct json_object *super_json(const struct disk_super *super)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "sector", super->sector);
	add_text(object, "state", disk_super_word(super->state));
	add_text(object, "reason", super->why[0] ? super->why : NULL);
	return object;
}

static struct json_object *layout_json(const struct disk_layout *layout)
{
	struct json_object *object = json_object_new_object();
	char id[DISK_ID_TEXT];

	add_text(object, "id", disk_id_text(layout->id, id));
	add_text(object, "origin_id", layout->origin_id[0] ? layout->origin_id : NULL);
	add_number(object, "incompat", layout->incompat);
	add_number(object, "compat", layout->compat);
	add(object, "checksums", json_object_new_boolean(layout->checksums));
	add_number(object, "length_sectors", layout->length);
	add_number(object, "cache_sectors", layout->cache_sectors);
	add_number(object, "region_sectors", layout->region_sectors);
	add_number(object, "block_sectors", layout->block_sectors);
	add_number(object, "regions", layout->nr_regions);
	add_number(object, "slots", layout->nr_slots);
	add_number(object, "table_start", layout->table_start);
	add_number(object, "table_sectors", layout->table_sectors);
	add_number(object, "entries_per_sector", layout->sector_entries);
	add_number(object, "data_start", layout->data_start);
	add_number(object, "copy_start", layout->copy_start);
	return object;
}

/* Left open: entries may be too many to be held in memory. */
static void begin_json(const struct dump *dump)
{
	const struct disk *disk = &dump->cache.disk;
	struct json_object *object = json_object_new_object(), *supers = json_object_new_object();
	const char *text;

	add_number(object, "version", 1);
	add_text(object, "device", dump->cache.block.path);
	add_text(object, "state", disk_state_word(disk->state));
	add_text(object, "in_use", dump->cache.block.use);
	add_number(object, "format", disk->used->version);
	add(supers, "first", super_json(&disk->first));
	add(supers, "copy", super_json(&disk->copy));
	add(object, "superblocks", supers);
	add(object, "layout", layout_json(&disk->layout));
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	fwrite(text, strlen(text) - 1, 1, stdout);
	fputs(dump->entries ? ",\"entries\":[" : ",", stdout);
	json_object_put(object);
}

static void print_super(const char *name, const struct disk_super *super)
{
	printf("%-15s %s, sector %" PRIu64 "%s%s\n", name, disk_super_word(super->state), super->sector,
	       super->why[0] ? ": " : "", super->why);
}

static void print_sectors(const char *name, uint64_t sectors)
{
	char text[32];

	printf("%-15s %" PRIu64 " sectors (%s)\n", name, sectors,
	       sectors < UINT64_MAX / SECTOR_BYTES ? size_text(sectors * SECTOR_BYTES, text, sizeof(text)) : "...");
}

static void begin_text(const struct dump *dump)
{
	const struct disk_layout *layout = &dump->cache.disk.layout;
	char id[DISK_ID_TEXT], *state = cache_state_text(&dump->cache);

	printf("%-15s %s\n", "device:", dump->cache.block.path);
	printf("%-15s %s, %s\n", "state:", disk_state_word(dump->cache.disk.state), state);
	print_super("superblock:", &dump->cache.disk.first);
	print_super("its copy:", &dump->cache.disk.copy);
	printf("%-15s %" PRIu32 "\n", "format:", dump->cache.disk.used->version);
	printf("%-15s %s\n", "id:", disk_id_text(layout->id, id));
	printf("%-15s %s\n", "origin id:", layout->origin_id[0] ? layout->origin_id : "none");
	printf("%-15s incompat %#" PRIx64 ", compat %#" PRIx64 "%s\n", "features:", layout->incompat, layout->compat,
	       layout->checksums ? ": checksums" : "");
	print_sectors("length:", layout->length);
	print_sectors("region size:", layout->region_sectors);
	print_sectors("block size:", layout->block_sectors);
	print_sectors("cache device:", layout->cache_sectors);
	printf("%-15s sector %" PRIu64 ", %" PRIu64 " sectors of %" PRIu32 " entries\n", "table:", layout->table_start,
	       layout->table_sectors, layout->sector_entries);
	printf("%-15s sector %" PRIu64 ", %" PRIu64 " slots\n", "data:", layout->data_start, layout->nr_slots);
	free(state);
}

/* ---- the table ---- */

static void entry_json(const struct dump *dump, const struct disk_entry *entry)
{
	struct json_object *object = json_object_new_object(), *crcs = json_object_new_array();
	char valid[17];
	uint32_t i;

	add_number(object, "slot", entry->slot);
	add_number(object, "region", entry->region);
	/* a bitmap: the highest bit would be lost by who reads numbers as floating point */
	snprintf(valid, sizeof(valid), "%" PRIx64, entry->valid);
	add_text(object, "valid", valid);
	add_number(object, "hint", entry->hint);
	add(object, "pinned", json_object_new_boolean(entry->hint & DISK_HINT_PINNED));
	add_number(object, "data_sector", disk_slot_sector(&dump->cache.disk, entry->slot, 0));
	for (i = 0; i < dump->cache.disk.layout.region_blocks && dump->cache.disk.layout.checksums; i++)
		json_object_array_add(crcs, entry->valid >> i & 1 ? json_object_new_uint64(entry->crc[i]) : NULL);
	add(object, "checksums", crcs);
	fputs(dump->nr_entries > 1 ? "," : "", stdout);
	print_json(object);
	json_object_put(object);
}

static void entry_text(const struct dump *dump, const struct disk_entry *entry)
{
	const struct disk *disk = &dump->cache.disk;
	uint32_t i;

	printf("slot %" PRIu64 ": region %" PRIu64 " valid %" PRIx64 " hint %08" PRIx32 "%s data %" PRIu64, entry->slot,
	       entry->region, entry->valid, entry->hint, entry->hint & DISK_HINT_PINNED ? " pinned" : "",
	       disk_slot_sector(disk, entry->slot, 0));
	for (i = 0; i < disk->layout.region_blocks && disk->layout.checksums; i++) {
		if (entry->valid >> i & 1)
			printf(" %" PRIu32 ":%08" PRIx32, i, entry->crc[i]);
	}
	putchar('\n');
}

static int see_entry(void *data, const struct disk_entry *entry)
{
	struct dump *dump = data;

	dump->nr_entries++;
	dump->valid += __builtin_popcountll(entry->valid);
	dump->pinned += !!(entry->hint & DISK_HINT_PINNED);
	if (dump->entries && dump->json)
		entry_json(dump, entry);
	else if (dump->entries)
		entry_text(dump, entry);
	return 0;
}

#define DAMAGE_MOST	1000	/* that are listed; all are counted */

static void damage_json(struct dump *dump, enum disk_damage damage, uint64_t nr, uint64_t slot)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "kind", damage_words[damage]);
	add_number(object, "table_sector", nr);
	add_number(object, "slot", slot);
	json_object_array_add(dump->damage, object);
}

static int see_damage(void *data, enum disk_damage damage, uint64_t nr, uint64_t slot)
{
	struct dump *dump = data;

	dump->damaged_sectors += damage == DAMAGE_SECTOR;
	dump->unreadable_sectors += damage == DAMAGE_UNREADABLE;
	dump->damaged_entries += damage == DAMAGE_ENTRY;
	if (dump->damaged_sectors + dump->unreadable_sectors + dump->damaged_entries > DAMAGE_MOST)
		return 0;
	if (dump->json)
		damage_json(dump, damage, nr, slot);
	else if (damage == DAMAGE_ENTRY)
		printf("damaged: entry of slot %" PRIu64 " %s\n", slot, damage_texts[damage]);
	else
		printf("damaged: table sector %" PRIu64 " (slots from %" PRIu64 " on): %s\n", nr, slot,
		       damage_texts[damage]);
	return 0;
}

/* ---- what is known when it has been read ---- */

static void end_json(const struct dump *dump)
{
	struct json_object *object = json_object_new_object(), *counts = json_object_new_object();

	add_number(counts, "used_slots", dump->nr_entries);
	add_number(counts, "valid_blocks", dump->valid);
	add_number(counts, "pinned_regions", dump->pinned);
	add_number(counts, "damaged_sectors", dump->damaged_sectors);
	add_number(counts, "unreadable_sectors", dump->unreadable_sectors);
	add_number(counts, "damaged_entries", dump->damaged_entries);
	add(object, "counts", counts);
	add(object, "damage", dump->damage);
	fputs(dump->entries ? "]," : "", stdout);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) + 1);
	json_object_put(object);
}

static void end_text(const struct dump *dump)
{
	printf("%-15s %llu of %" PRIu64 " slots, %llu valid blocks, %llu pinned regions\n", "used:", dump->nr_entries,
	       dump->cache.disk.layout.nr_slots, dump->valid, dump->pinned);
	printf("%-15s %llu table sectors, %llu more cannot be read, %llu entries\n", "damaged:", dump->damaged_sectors,
	       dump->unreadable_sectors, dump->damaged_entries);
}

static int dump_table(struct dump *dump)
{
	static const struct disk_visitor visitor = { see_entry, see_damage };

	if (dump->json) {
		dump->damage = json_object_new_array();
		begin_json(dump);
	} else {
		begin_text(dump);
	}
	disk_walk(&dump->cache.disk, &visitor, dump);
	if (dump->json)
		end_json(dump);
	else
		end_text(dump);
	return fflush(stdout) ? fail(END_DEVICE, "the output cannot be written") : END_OK;
}

static int run(const struct invocation *call)
{
	struct dump dump = { .json = given(call, "json"), .entries = given(call, "entries") };
	int end = cache_open(call->word[0], BLOCK_READ, &dump.cache);

	if (!end)
		end = cache_need(&dump.cache);
	if (!end && dump.cache.block.use)
		say("'%s' is %s: its table changes while it is read", dump.cache.block.path, dump.cache.block.use);
	if (!end)
		end = dump_table(&dump);
	cache_close(&dump.cache);
	return end;
}

static const struct verb_option options[] = {
	{ .name = "json", .letter = 'j', .help = "print JSON" },
	{ .name = "entries", .letter = 'e', .help = "also each slot that is in use, with its checksums" },
	{ }
};

const struct verb verb_dump = {
	.name = "dump",
	.words = "DEVICE",
	.summary = "show the metadata of a cache device",
	.more = "What is damaged is shown as such. Nothing is written.\n",
	.least = 1, .most = 1,
	.first = WORD_DEVICE, .rest = WORD_NONE,
	.options = options,
	.run = run,
};
