// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache format: encoding, and distrust of what was encoded.
 *
 * Owns the byte order, the checksums and every range check of the on-disk
 * structures.  A sector has exactly one encoding: what is reserved, padding
 * or without meaning is zero, and is refused if it is not, so that it can be
 * given a meaning later.  That is so in a superblock with a compatible feature
 * that is not known: then it is not looked at.  Whatever passes the checks here can be used as an
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

#include "format.h"

static_assert(sizeof(struct corcache_superblock) == CORCACHE_SECTOR_BYTES);
static_assert(offsetof(struct corcache_superblock, crc) == 8);
static_assert(offsetof(struct corcache_superblock, version) == 12);
static_assert(offsetof(struct corcache_superblock, id) == 16);
static_assert(offsetof(struct corcache_superblock, incompat) == 32);
static_assert(offsetof(struct corcache_superblock, compat) == 40);
static_assert(offsetof(struct corcache_superblock, target_sectors) == 48);
static_assert(offsetof(struct corcache_superblock, region_sectors) == 64);
static_assert(offsetof(struct corcache_superblock, nr_slots) == 72);
static_assert(offsetof(struct corcache_superblock, backup_start) == 104);
static_assert(offsetof(struct corcache_superblock, origin_id_bytes) == 112);
static_assert(offsetof(struct corcache_superblock, origin_id) == 120);
static_assert(offsetof(struct corcache_superblock, padding) == 248);
static_assert(sizeof(struct corcache_table_header) == 32);
static_assert(sizeof(struct corcache_table_entry) == 16);
static_assert(offsetof(struct corcache_table_entry, hint) == 4);
static_assert(offsetof(struct corcache_table_entry, valid) == 8);

/* So many bytes of a superblock differ after damage; more: it is another one. */
#define DAMAGED_BYTES_MAX	(CORCACHE_SECTOR_BYTES / 16)
#define DAMAGED_ID_BYTES_MAX	(CORCACHE_ID_BYTES / 2)

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
	disk->incompat = cpu_to_le64(geo->checksums ? CORCACHE_INCOMPAT_CHECKSUMS : 0);
	disk->compat = cpu_to_le64(super->compat);
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

bool corcache_super_has_magic(const void *sector)
{
	const struct corcache_superblock *disk = sector;

	return !memcmp(disk->magic, CORCACHE_MAGIC, sizeof(disk->magic));
}

static u32 differing_bytes(const u8 *a, const u8 *b, size_t bytes)
{
	u32 differ = 0;

	while (bytes--)
		differ += *a++ != *b++;
	return differ;
}

bool corcache_super_is_damaged(const void *sector, const void *copy)
{
	const struct corcache_superblock *a = sector, *b = copy;

	return memchr_inv(sector, 0, CORCACHE_SECTOR_BYTES) &&
	       differing_bytes(sector, copy, CORCACHE_SECTOR_BYTES) <= DAMAGED_BYTES_MAX &&
	       differing_bytes(a->id, b->id, sizeof(a->id)) <= DAMAGED_ID_BYTES_MAX;
}

/* Magic, version and checksum: is this ours to interpret at all? */
static int check_magic(const struct corcache_superblock *disk, struct corcache_refusal *why)
{
	const __le32 known = cpu_to_le32(CORCACHE_FORMAT_VERSION);

	if (!corcache_super_has_magic(disk))
		return -ENODATA;

	/*
	 * Another version may keep its checksum elsewhere, so the version must
	 * be looked at first; unless all is well but for the version, which
	 * then is the damage.
	 */
	if (disk->version != known && disk->crc != super_crc(disk, known))
		return corcache_refuse(why, -EOPNOTSUPP,
				       "superblock: format version is %u, this target knows only %u",
				       le32_to_cpu(disk->version), CORCACHE_FORMAT_VERSION);
	if (disk->version != known || disk->crc != super_crc(disk, known))
		return corcache_refuse(why, -EILSEQ, "superblock: checksum is wrong");
	return 0;
}

static int check_features(const struct corcache_superblock *disk, struct corcache_refusal *why)
{
	u64 unknown = le64_to_cpu(disk->incompat) & ~CORCACHE_INCOMPAT_KNOWN;

	if (unknown)
		return corcache_refuse(why, -EOPNOTSUPP,
				       "superblock: incompatible features 0x%llx are not known to this target",
				       unknown);
	/* what is reserved may be where an unknown feature keeps what it needs */
	if (le64_to_cpu(disk->compat) & ~CORCACHE_COMPAT_KNOWN)
		return 0;
	if (disk->reserved || memchr_inv(disk->padding, 0, sizeof(disk->padding)))
		return corcache_refuse(why, -EINVAL, "superblock: reserved bytes are not zero");
	return 0;
}

static int decode_origin_id(struct corcache_super *super, const struct corcache_superblock *disk,
			    struct corcache_refusal *why)
{
	u32 bytes = le32_to_cpu(disk->origin_id_bytes);

	if (bytes > CORCACHE_ORIGIN_ID_MAX)
		return corcache_refuse(why, -EINVAL,
				       "superblock: origin_id of %u bytes, at most %u are allowed",
				       bytes, CORCACHE_ORIGIN_ID_MAX);
	if (memchr_inv(disk->origin_id + bytes, 0, CORCACHE_ORIGIN_ID_MAX - bytes))
		return corcache_refuse(why, -EINVAL,
				       "superblock: bytes after the origin_id are not zero");
	memcpy(super->origin_id, disk->origin_id, bytes);
	if (!corcache_origin_id_valid(super->origin_id, bytes))
		return corcache_refuse(why, -EINVAL,
				       "superblock: origin_id has a character that is not allowed");
	return 0;
}

static bool differs(const char *name, u64 disk, u64 derived, struct corcache_refusal *why)
{
	if (disk == derived)
		return false;
	corcache_refuse(why, -EINVAL, "superblock: %s is %llu, must be %llu", name, disk, derived);
	return true;
}

static int decode_geometry(struct corcache_geometry *geo, const struct corcache_superblock *disk,
			   struct corcache_refusal *why)
{
	u64 cache_sectors = le64_to_cpu(disk->cache_sectors);
	struct corcache_refusal layout;

	if (corcache_geometry_init(geo, le64_to_cpu(disk->target_sectors), cache_sectors,
				   le32_to_cpu(disk->region_sectors),
				   le32_to_cpu(disk->block_sectors),
				   disk->incompat & cpu_to_le64(CORCACHE_INCOMPAT_CHECKSUMS),
				   &layout))
		return corcache_refuse(why, -EINVAL, "superblock: %s", layout.text);

	if (differs("cache_sectors", cache_sectors, geo->cache_sectors, why) ||
	    differs("nr_slots", le64_to_cpu(disk->nr_slots), geo->nr_slots, why) ||
	    differs("table_start", le64_to_cpu(disk->table_start), geo->table_start, why) ||
	    differs("table_sectors", le64_to_cpu(disk->table_sectors), geo->table_sectors, why) ||
	    differs("data_start", le64_to_cpu(disk->data_start), geo->data_start, why) ||
	    differs("backup_start", le64_to_cpu(disk->backup_start), geo->backup_start, why))
		return -EINVAL;
	return 0;
}

int corcache_super_decode(struct corcache_super *super, const void *sector, u64 device_sectors,
			  struct corcache_refusal *why)
{
	const struct corcache_superblock *disk = sector;
	struct corcache_super found = { };
	int ret;

	ret = check_magic(disk, why);
	if (ret)
		return ret;
	ret = check_features(disk, why);
	if (ret)
		return ret;
	ret = decode_origin_id(&found, disk, why);
	if (ret)
		return ret;
	ret = decode_geometry(&found.geo, disk, why);
	if (ret)
		return ret;

	if (device_sectors < found.geo.cache_sectors)
		return corcache_refuse(why, -ENOSPC,
				       "cache device has %llu sectors, it had %llu when it was formatted",
				       device_sectors, found.geo.cache_sectors);
	found.compat = le64_to_cpu(disk->compat);
	memcpy(found.id, disk->id, sizeof(found.id));
	*super = found;
	return 0;
}

static const char *shown_id(const struct corcache_super *super)
{
	return super->origin_id[0] ? super->origin_id : "(none)";
}

static bool sizes_match(const char *name, u64 disk, u64 want, struct corcache_refusal *why)
{
	if (disk == want)
		return true;
	corcache_refuse(why, -EINVAL, "%s of the cache is %llu sectors, the table says %llu", name,
			disk, want);
	return false;
}

int corcache_super_match(const struct corcache_super *disk, const struct corcache_super *want,
			 struct corcache_refusal *why)
{
	if (!sizes_match("length", disk->geo.target_sectors, want->geo.target_sectors, why) ||
	    !sizes_match("region size", disk->geo.region_sectors, want->geo.region_sectors, why) ||
	    !sizes_match("block_size", disk->geo.block_sectors, want->geo.block_sectors, why))
		return -EINVAL;
	if (disk->geo.checksums != want->geo.checksums)
		return corcache_refuse(why, -EINVAL,
				       "the cache was formatted with%s, the table says with%s",
				       disk->geo.checksums ? " checksums" : " no_checksums",
				       want->geo.checksums ? " checksums" : " no_checksums");
	if (strcmp(disk->origin_id, want->origin_id))
		return corcache_refuse(why, -EINVAL,
				       "origin_id of the cache is %s, the table says %s",
				       shown_id(disk), shown_id(want));
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
			u32 i, u64 region, u32 hint, u64 valid, const u32 *crc)
{
	const struct corcache_geometry *geo = &super->geo;
	struct corcache_table_entry *entry = sector + entry_offset(geo, i);
	u32 bit;

	entry->region = cpu_to_le32(valid ? region : 0);
	entry->hint = cpu_to_le32(valid ? hint : 0);
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
		       u32 i, u64 *region, u32 *hint, u64 *valid, u32 *crc)
{
	const struct corcache_geometry *geo = &super->geo;
	const struct corcache_table_entry *entry = sector + entry_offset(geo, i);
	u64 number = le32_to_cpu(entry->region);
	u64 bits = le64_to_cpu(entry->valid);
	u32 bit;

	if (!bits)
		return memchr_inv(entry, 0, geo->entry_bytes) ? -EINVAL : 0;
	if (number >= geo->nr_regions || bits & ~corcache_region_mask(geo, to_region(number)) ||
	    !rest_is_zero(geo, entry, bits))
		return -EINVAL;

	*region = number;
	*hint = le32_to_cpu(entry->hint);
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
