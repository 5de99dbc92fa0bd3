// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows and changes what stands on a cache device, for corcache_io.
 *
 * Linked with the module's own format and geometry code, so that a change of
 * the format changes this tool with it; the headers under
 * tools/testing/shared/include stand in for the kernel's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#include "format.h"
#include "geometry.h"

#include "corcache_disk.h"

#define UNIT 4096		/* suits devices with either sector size */

int corcache_disk_transfer(int fd, void *buf, uint64_t sector, size_t bytes, int write)
{
	ssize_t n = write ? pwrite(fd, buf, bytes, sector * 512) :
			    pread(fd, buf, bytes, sector * 512);

	if (n == (ssize_t)bytes)
		return 0;
	fprintf(stderr, "%s of sector %llu failed\n", write ? "write" : "read",
		(unsigned long long)sector);
	return -1;
}

uint64_t corcache_disk_backup(uint64_t device_sectors)
{
	return device_sectors / CORCACHE_META_ALIGN_SECTORS * CORCACHE_META_ALIGN_SECTORS -
	       CORCACHE_META_ALIGN_SECTORS;
}

static void print_super(const char *which, u64 sector, const struct corcache_super *super)
{
	const struct corcache_geometry *geo = &super->geo;

	printf("super copy=%s sector=%llu id=", which, (unsigned long long)sector);
	for (unsigned int i = 0; i < CORCACHE_ID_BYTES; i++)
		printf("%02x", super->id[i]);
	printf(" version=%u length=%llu cache_sectors=%llu region=%u block=%u checksums=%d slots=%llu"
	       " table_start=%llu table_sectors=%llu data_start=%llu backup_start=%llu"
	       " sector_entries=%u entry_bytes=%u compat=%llx origin_id=%s\n",
	       CORCACHE_FORMAT_VERSION, (unsigned long long)geo->target_sectors,
	       (unsigned long long)geo->cache_sectors, geo->region_sectors, geo->block_sectors,
	       geo->checksums, (unsigned long long)geo->nr_slots,
	       (unsigned long long)geo->table_start, (unsigned long long)geo->table_sectors,
	       (unsigned long long)geo->data_start, (unsigned long long)geo->backup_start,
	       geo->sector_entries, geo->entry_bytes, (unsigned long long)super->compat,
	       super->origin_id);
}

static int load_super(int fd, void *buf, const char *which, u64 sector, u64 device_sectors,
		      struct corcache_super *super)
{
	struct corcache_refusal why = { "no magic" };

	if (corcache_disk_transfer(fd, buf, sector, UNIT, 0))
		return -1;
	if (corcache_super_decode(super, buf, device_sectors, &why)) {
		printf("bad copy=%s sector=%llu reason=\"%s\"\n", which,
		       (unsigned long long)sector, why.text);
		return -1;
	}
	print_super(which, sector, super);
	return 0;
}

static void dump_table_sector(const struct corcache_super *super, const void *sector, u64 nr)
{
	const struct corcache_geometry *geo = &super->geo;
	u32 i;

	for (i = 0; i < geo->sector_entries; i++) {
		u64 slot = nr * geo->sector_entries + i, region, valid;
		u32 hint;
		int ret = corcache_table_get(super, sector, i, &region, &hint, &valid, NULL);

		if (!ret || slot >= geo->nr_slots)
			continue;
		if (ret < 0) {
			printf("senseless slot=%llu table_sector=%llu\n",
			       (unsigned long long)slot, (unsigned long long)nr);
			continue;
		}
		printf("entry slot=%llu region=%llu valid=%llx data=%llu table_sector=%llu entry_byte=%llu hint=%x\n",
		       (unsigned long long)slot, (unsigned long long)region,
		       (unsigned long long)valid,
		       (unsigned long long)corcache_slot_to_sector(geo, slot, 0),
		       (unsigned long long)(geo->table_start + nr),
		       (unsigned long long)((geo->table_start + nr) * 512 +
					    sizeof(struct corcache_table_header) +
					    i * geo->entry_bytes), hint);
	}
}

int corcache_disk_dump(int fd, uint64_t device_sectors)
{
	const size_t chunk = 256 * UNIT;
	struct corcache_super main_copy, backup;
	const struct corcache_super *super;
	int have_main, have_backup;
	u64 nr, backup_at = corcache_disk_backup(device_sectors);
	unsigned char *buf;

	if (posix_memalign((void **)&buf, UNIT, chunk))
		return -1;
	have_main = !load_super(fd, buf, "main", 0, device_sectors, &main_copy);
	/* on a device that has grown, the copy is where the format says */
	if (have_main)
		backup_at = main_copy.geo.backup_start;
	have_backup = !load_super(fd, buf, "backup", backup_at, device_sectors, &backup);
	if (!have_main && !have_backup) {
		free(buf);
		return -1;
	}
	super = have_main ? &main_copy : &backup;
	for (nr = 0; nr < super->geo.table_sectors; ) {
		u64 left = (super->geo.table_sectors - nr) * 512;
		size_t bytes = left < chunk ? left : chunk;

		if (corcache_disk_transfer(fd, buf, super->geo.table_start + nr, bytes, 0)) {
			free(buf);
			return -1;
		}
		for (size_t at = 0; at < bytes; at += 512, nr++) {
			enum corcache_table_state state = corcache_table_check(super, buf + at, nr);

			if (state == CORCACHE_TABLE_VALID)
				dump_table_sector(super, buf + at, nr);
			else if (state == CORCACHE_TABLE_CORRUPT)
				printf("corrupt table_sector=%llu\n",
				       (unsigned long long)(super->geo.table_start + nr));
		}
	}
	free(buf);
	return 0;
}

/*
 * A prime, so that no two slots get the same region, and 2^32 times the golden
 * ratio, so that neighbours get distant ones.
 */
#define MIX	2654435761ULL

static void occupy_sector(const struct corcache_super *super, void *sector, u64 nr, u64 valid)
{
	const struct corcache_geometry *geo = &super->geo;
	u64 last = geo->nr_slots < geo->nr_regions ? geo->nr_slots : geo->nr_regions;
	u64 slot = nr * geo->sector_entries;
	u32 crc[64], i;

	for (i = 0; i < geo->region_blocks; i++)
		crc[i] = (u32)nr + i + 1;
	corcache_table_begin(super, sector, nr);
	for (i = 0; i < geo->sector_entries && slot < last; i++, slot++)
		corcache_table_put(super, sector, i, slot * MIX % geo->nr_regions, 0, valid,
				   geo->checksums ? crc : NULL);
	corcache_table_seal(sector);
}

int corcache_disk_occupy(int fd, uint64_t device_sectors, uint64_t valid)
{
	const size_t chunk = 256 * UNIT;
	struct corcache_super super;
	unsigned char *buf;
	u64 nr = 0;

	if (posix_memalign((void **)&buf, UNIT, chunk))
		return -1;
	if (load_super(fd, buf, "main", 0, device_sectors, &super)) {
		free(buf);
		return -1;
	}
	while (nr < super.geo.table_sectors) {
		u64 start = nr, left = (super.geo.table_sectors - nr) * 512;
		size_t bytes = left < chunk ? left : chunk;

		for (size_t at = 0; at < bytes; at += 512, nr++)
			occupy_sector(&super, buf + at, nr, valid);
		if (corcache_disk_transfer(fd, buf, super.geo.table_start + start, bytes, 1)) {
			free(buf);
			return -1;
		}
	}
	free(buf);
	return fsync(fd);
}

#define FIELD(name) \
	{ #name, offsetof(struct corcache_superblock, name), \
	  sizeof(((struct corcache_superblock *)0)->name) }

static const struct {
	const char *name;
	size_t offset, bytes;
} fields[] = {
	FIELD(version), FIELD(incompat), FIELD(compat), FIELD(target_sectors), FIELD(cache_sectors),
	FIELD(region_sectors), FIELD(block_sectors), FIELD(nr_slots), FIELD(table_start),
	FIELD(table_sectors), FIELD(data_start), FIELD(backup_start), FIELD(origin_id_bytes),
	FIELD(reserved),
};

static int poke_one(int fd, void *buf, u64 sector, size_t offset, size_t bytes, u64 value)
{
	struct corcache_superblock *disk = buf;

	if (corcache_disk_transfer(fd, buf, sector, UNIT, 0))
		return -1;
	if (bytes == 4) {
		__le32 word = cpu_to_le32((u32)value);

		memcpy((char *)buf + offset, &word, sizeof(word));
	} else {
		__le64 word = cpu_to_le64(value);

		memcpy((char *)buf + offset, &word, sizeof(word));
	}
	disk->crc = 0;
	disk->crc = cpu_to_le32(corcache_crc(buf, CORCACHE_SECTOR_BYTES));
	return corcache_disk_transfer(fd, buf, sector, UNIT, 1);
}

int corcache_disk_poke(int fd, uint64_t device_sectors, const char *which,
		       const char *field, const char *value)
{
	u64 number = strtoull(value, NULL, 0);
	int ret = -1;
	size_t i;
	void *buf;

	if (posix_memalign(&buf, UNIT, UNIT))
		return -1;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].name, field))
			continue;
		ret = 0;
		if (strcmp(which, "backup"))
			ret = poke_one(fd, buf, 0, fields[i].offset, fields[i].bytes, number);
		if (!ret && strcmp(which, "main"))
			ret = poke_one(fd, buf, corcache_disk_backup(device_sectors),
				       fields[i].offset, fields[i].bytes, number);
		break;
	}
	if (i == sizeof(fields) / sizeof(fields[0]))
		fprintf(stderr, "no such field: %s\n", field);
	if (!ret && fsync(fd))
		ret = -1;
	free(buf);
	return ret;
}
