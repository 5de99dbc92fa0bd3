// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache format: encoding, and distrust of what was encoded.
 *
 * Owns the byte order, the checksums and every range check of the on-disk
 * structures.  A sector has exactly one encoding: what is reserved, padding
 * or without meaning is zero, and is refused if it is not, so that it can be
 * given a meaning later.  Whatever passes the checks here can be used as an
 * index without another look.
 *
 * Callable from any context: no locks, no allocation, no I/O, no state.
 * Compiles unchanged in user space.
 */
#include <linux/build_bug.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include <asm/byteorder.h>

#include "dm-corcache-format.h"

static_assert(sizeof(struct corcache_superblock) == CORCACHE_SECTOR_BYTES);
static_assert(offsetof(struct corcache_superblock, features) == 32);
static_assert(offsetof(struct corcache_superblock, nr_slots) == 64);
static_assert(offsetof(struct corcache_superblock, origin_id) == 112);
static_assert(sizeof(struct corcache_table_header) == 32);
static_assert(sizeof(struct corcache_table_entry) == 16);

u32 corcache_crc(const void *data, size_t bytes)
{
	return ~crc32c(~0U, data, bytes);
}

/*---------------------------------------------------------------------------
 * Superblock
 */

/* The checksum that @disk must carry if its version is @version. */
static __le32 super_crc(const struct corcache_superblock *disk, __le32 version)
{
	const size_t rest = offsetof(struct corcache_superblock, id);
	const __le32 no_crc = 0;
	u32 crc = ~0U;

	crc = crc32c(crc, disk->magic, sizeof(disk->magic));
	crc = crc32c(crc, &no_crc, sizeof(no_crc));
	crc = crc32c(crc, &version, sizeof(version));
	crc = crc32c(crc, (const u8 *)disk + rest, sizeof(*disk) - rest);
	return cpu_to_le32(~crc);
}

bool corcache_origin_id_valid(const char *id, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++) {
		char c = id[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		/* Not strchr(): it finds the NUL, too. */
		if (!memchr(".-_:+/=@", c, 8))
			return false;
	}
	return true;
}

void corcache_super_encode(const struct corcache_super *super, void *sector)
{
	const struct corcache_geometry *geo = &super->geo;
	struct corcache_superblock *disk = sector;
	size_t bytes = strnlen(super->origin_id, CORCACHE_ORIGIN_ID_MAX);

	memset(disk, 0, sizeof(*disk));
	memcpy(disk->magic, CORCACHE_MAGIC, sizeof(disk->magic));
	disk->version = cpu_to_le32(CORCACHE_FORMAT_VERSION);
	memcpy(disk->id, super->id, sizeof(disk->id));
	disk->features = cpu_to_le64(geo->checksums ? CORCACHE_FEATURE_CHECKSUMS : 0);
	disk->target_sectors = cpu_to_le64(geo->target_sectors);
	disk->cache_sectors = cpu_to_le64(geo->cache_sectors);
	disk->region_sectors = cpu_to_le32(geo->region_sectors);
	disk->block_sectors = cpu_to_le32(geo->block_sectors);
	disk->nr_slots = cpu_to_le64(geo->nr_slots);
	disk->table_start = cpu_to_le64(geo->table_start);
	disk->table_sectors = cpu_to_le64(geo->table_sectors);
	disk->data_start = cpu_to_le64(geo->data_start);
	disk->backup_start = cpu_to_le64(geo->backup_start);
	disk->origin_id_bytes = cpu_to_le32(bytes);
	memcpy(disk->origin_id, super->origin_id, bytes);
	disk->crc = super_crc(disk, disk->version);
}

/* Magic, version and checksum: is this ours to interpret at all? */
static int check_identity(const struct corcache_superblock *disk, char *err, size_t err_len)
{
	const __le32 known = cpu_to_le32(CORCACHE_FORMAT_VERSION);

	if (memcmp(disk->magic, CORCACHE_MAGIC, sizeof(disk->magic)))
		return -ENODATA;

	/*
	 * Another version may keep its checksum elsewhere, so the version must
	 * be looked at first; unless all is well but for the version, which
	 * then is the damage.
	 */
	if (disk->version != known && disk->crc != super_crc(disk, known)) {
		snprintf(err, err_len,
			 "superblock: format version is %u, this target knows only %u",
			 le32_to_cpu(disk->version), CORCACHE_FORMAT_VERSION);
		return -EOPNOTSUPP;
	}
	if (disk->version != known || disk->crc != super_crc(disk, known)) {
		snprintf(err, err_len, "superblock: checksum is wrong");
		return -EILSEQ;
	}
	return 0;
}

static int check_features(const struct corcache_superblock *disk, char *err, size_t err_len)
{
	u64 unknown = le64_to_cpu(disk->features) & ~CORCACHE_FEATURES_KNOWN;

	if (unknown) {
		snprintf(err, err_len, "superblock: features 0x%llx are not known to this target",
			 unknown);
		return -EOPNOTSUPP;
	}
	if (disk->reserved || memchr_inv(disk->padding, 0, sizeof(disk->padding))) {
		snprintf(err, err_len, "superblock: reserved bytes are not zero");
		return -EINVAL;
	}
	return 0;
}

static int decode_origin_id(struct corcache_super *super,
			    const struct corcache_superblock *disk,
			    char *err, size_t err_len)
{
	u32 bytes = le32_to_cpu(disk->origin_id_bytes);

	if (bytes > CORCACHE_ORIGIN_ID_MAX) {
		snprintf(err, err_len, "superblock: origin_id of %u bytes, at most %u are allowed",
			 bytes, CORCACHE_ORIGIN_ID_MAX);
		return -EINVAL;
	}
	if (memchr_inv(disk->origin_id + bytes, 0, CORCACHE_ORIGIN_ID_MAX - bytes)) {
		snprintf(err, err_len, "superblock: bytes after the origin_id are not zero");
		return -EINVAL;
	}
	memcpy(super->origin_id, disk->origin_id, bytes);
	if (!corcache_origin_id_valid(super->origin_id, bytes)) {
		snprintf(err, err_len, "superblock: origin_id has a character that is not allowed");
		return -EINVAL;
	}
	return 0;
}

static bool differs(const char *name, u64 disk, u64 derived, char *err, size_t err_len)
{
	if (disk == derived)
		return false;
	snprintf(err, err_len, "superblock: %s is %llu, must be %llu", name, disk, derived);
	return true;
}

static int decode_geometry(struct corcache_geometry *geo,
			   const struct corcache_superblock *disk,
			   char *err, size_t err_len)
{
	u64 cache_sectors = le64_to_cpu(disk->cache_sectors);
	int prefix = scnprintf(err, err_len, "superblock: ");

	if (corcache_geometry_init(geo, le64_to_cpu(disk->target_sectors), cache_sectors,
				   le32_to_cpu(disk->region_sectors),
				   le32_to_cpu(disk->block_sectors),
				   disk->features & cpu_to_le64(CORCACHE_FEATURE_CHECKSUMS),
				   err + prefix, err_len - prefix))
		return -EINVAL;

	if (differs("cache_sectors", cache_sectors, geo->cache_sectors, err, err_len) ||
	    differs("nr_slots", le64_to_cpu(disk->nr_slots), geo->nr_slots, err, err_len) ||
	    differs("table_start", le64_to_cpu(disk->table_start), geo->table_start,
		    err, err_len) ||
	    differs("table_sectors", le64_to_cpu(disk->table_sectors), geo->table_sectors,
		    err, err_len) ||
	    differs("data_start", le64_to_cpu(disk->data_start), geo->data_start, err, err_len) ||
	    differs("backup_start", le64_to_cpu(disk->backup_start), geo->backup_start,
		    err, err_len))
		return -EINVAL;
	return 0;
}

int corcache_super_decode(struct corcache_super *super, const void *sector,
			  u64 device_sectors, char *err, size_t err_len)
{
	const struct corcache_superblock *disk = sector;
	struct corcache_super found = { };
	int ret;

	ret = check_identity(disk, err, err_len);
	if (ret)
		return ret;
	ret = check_features(disk, err, err_len);
	if (ret)
		return ret;
	ret = decode_origin_id(&found, disk, err, err_len);
	if (ret)
		return ret;
	ret = decode_geometry(&found.geo, disk, err, err_len);
	if (ret)
		return ret;

	if (device_sectors < found.geo.cache_sectors) {
		snprintf(err, err_len,
			 "cache device has %llu sectors, it had %llu when it was formatted",
			 device_sectors, found.geo.cache_sectors);
		return -ENOSPC;
	}
	memcpy(found.id, disk->id, sizeof(found.id));
	*super = found;
	return 0;
}

static const char *shown_id(const struct corcache_super *super)
{
	return super->origin_id[0] ? super->origin_id : "(none)";
}

static bool sizes_match(const char *name, u64 disk, u64 want, char *err, size_t err_len)
{
	if (disk == want)
		return true;
	snprintf(err, err_len, "%s of the cache is %llu sectors, the table says %llu",
		 name, disk, want);
	return false;
}

int corcache_super_match(const struct corcache_super *disk,
			 const struct corcache_super *want,
			 char *err, size_t err_len)
{
	if (!sizes_match("length", disk->geo.target_sectors, want->geo.target_sectors,
			 err, err_len) ||
	    !sizes_match("region size", disk->geo.region_sectors, want->geo.region_sectors,
			 err, err_len) ||
	    !sizes_match("block_size", disk->geo.block_sectors, want->geo.block_sectors,
			 err, err_len))
		return -EINVAL;
	if (disk->geo.checksums != want->geo.checksums) {
		snprintf(err, err_len, "the cache was formatted with%s, the table says with%s",
			 disk->geo.checksums ? " checksums" : " no_checksums",
			 want->geo.checksums ? " checksums" : " no_checksums");
		return -EINVAL;
	}
	if (strcmp(disk->origin_id, want->origin_id)) {
		snprintf(err, err_len, "origin_id of the cache is %s, the table says %s",
			 shown_id(disk), shown_id(want));
		return -EINVAL;
	}
	return 0;
}

/*---------------------------------------------------------------------------
 * Region table
 */

/* The checksum of @sector with @head, whose crc must be 0, for its head. */
static __le32 table_crc(const struct corcache_table_header *head, const void *sector)
{
	u32 crc = crc32c(~0U, head, sizeof(*head));

	crc = crc32c(crc, sector + sizeof(*head), CORCACHE_SECTOR_BYTES - sizeof(*head));
	return cpu_to_le32(~crc);
}

static size_t entry_offset(const struct corcache_geometry *geo, u32 i)
{
	return sizeof(struct corcache_table_header) + i * geo->entry_bytes;
}

void corcache_table_begin(const struct corcache_super *super, void *sector, u64 nr)
{
	struct corcache_table_header *head = sector;

	memset(sector, 0, CORCACHE_SECTOR_BYTES);
	head->sector = cpu_to_le64(nr);
	memcpy(head->id, super->id, sizeof(head->id));
}

void corcache_table_put(const struct corcache_super *super, void *sector,
			u32 i, u64 region, u64 valid, const u32 *crc)
{
	const struct corcache_geometry *geo = &super->geo;
	struct corcache_table_entry *entry = sector + entry_offset(geo, i);
	u32 bit;

	entry->region = cpu_to_le64(valid ? region : 0);
	entry->valid = cpu_to_le64(valid);
	if (!geo->checksums)
		return;
	for (bit = 0; bit < geo->region_blocks; bit++)
		entry->crc[bit] = cpu_to_le32((valid >> bit) & 1 ? crc[bit] : 0);
}

void corcache_table_seal(void *sector)
{
	struct corcache_table_header *head = sector;

	head->crc = 0;
	head->crc = table_crc(head, sector);
}

/*
 * Is @sector, whose checksum does not hold, one of ours that had its id, and
 * perhaps its number, damaged?  @head: its head with crc 0, is overwritten.
 */
static bool head_damaged(const struct corcache_super *super, const void *sector,
			 u64 nr, struct corcache_table_header *head)
{
	const struct corcache_table_header *disk = sector;

	memcpy(head->id, super->id, sizeof(head->id));
	if (disk->crc == table_crc(head, sector))
		return true;
	head->sector = cpu_to_le64(nr);
	return disk->crc == table_crc(head, sector);
}

/* An intact sector of ours: does it have the one form that it may have? */
static bool table_well_formed(const struct corcache_super *super, const void *sector, u64 nr)
{
	const struct corcache_table_header *disk = sector;
	size_t end = entry_offset(&super->geo, super->geo.sector_entries);

	return disk->sector == cpu_to_le64(nr) && !disk->reserved &&
	       !memchr_inv(sector + end, 0, CORCACHE_SECTOR_BYTES - end);
}

enum corcache_table_state
corcache_table_check(const struct corcache_super *super, const void *sector, u64 nr)
{
	const struct corcache_table_header *disk = sector;
	struct corcache_table_header head = *disk;
	bool ours = !memcmp(disk->id, super->id, sizeof(disk->id));

	/* A new device is full of these: not worth three checksums each. */
	if (!ours && !memchr_inv(disk, 0, sizeof(*disk)))
		return CORCACHE_TABLE_EMPTY;

	head.crc = 0;
	if (disk->crc == table_crc(&head, sector)) {
		if (!ours)
			return CORCACHE_TABLE_EMPTY;
		return table_well_formed(super, sector, nr) ?
		       CORCACHE_TABLE_VALID : CORCACHE_TABLE_CORRUPT;
	}
	if (ours || head_damaged(super, sector, nr, &head))
		return CORCACHE_TABLE_CORRUPT;
	return CORCACHE_TABLE_EMPTY;
}

/* Checksums of blocks that are not valid, and what follows, must be zero. */
static bool rest_is_zero(const struct corcache_geometry *geo,
			 const struct corcache_table_entry *entry, u64 valid)
{
	u64 rest = ~valid & corcache_bit_range(0, geo->region_blocks);
	size_t used = sizeof(*entry);

	if (geo->checksums) {
		/* mostly there are none: this is done for every slot of a device */
		for (; rest; rest &= rest - 1)
			if (entry->crc[__ffs64(rest)])
				return false;
		used += geo->region_blocks * sizeof(__le32);
	}
	return !memchr_inv((const u8 *)entry + used, 0, geo->entry_bytes - used);
}

int corcache_table_get(const struct corcache_super *super, const void *sector,
		       u32 i, u64 *region, u64 *valid, u32 *crc)
{
	const struct corcache_geometry *geo = &super->geo;
	const struct corcache_table_entry *entry = sector + entry_offset(geo, i);
	u64 number = le64_to_cpu(entry->region);
	u64 bits = le64_to_cpu(entry->valid);
	u32 bit;

	if (!bits)
		return memchr_inv(entry, 0, geo->entry_bytes) ? -EINVAL : 0;
	if (number >= geo->nr_regions || bits & ~corcache_region_mask(geo, number) ||
	    !rest_is_zero(geo, entry, bits))
		return -EINVAL;

	*region = number;
	*valid = bits;
	if (!crc)
		return 1;
	if (!geo->checksums) {
		memset(crc, 0, geo->region_blocks * sizeof(*crc));
		return 1;
	}
	for (bit = 0; bit < geo->region_blocks; bit++)
		crc[bit] = le32_to_cpu(entry->crc[bit]);
	return 1;
}
