// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash mutate: activates cache devices with hostile metadata.
 *
 * Each device was a good one; then fields of its superblocks and table sectors
 * were given other values, most of them with checksums that fit, so that what
 * is behind the checksums gets to see them.  What must not be:
 *
 *   wrong	bytes that are not the origin's; a cache without data checksums is
 *		excepted, as it can know nothing
 *   unreadable	reads that fail with the origin at hand; refusals, if only the
 *		table is hostile
 *
 * and an oops, for which the lab looks.  The structures are the module's own,
 * from its format code, which is linked in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#include "format.h"

#include "crash.h"
#include "dm.h"

#define CC		"crash-hostile"
#define PER_BASE	100

struct mutator {
	const struct devices *dev;
	struct setup setup;
	struct corcache_super super;
	u8 *base, *image;
	uint64_t random;
	bool super_changed;	/* a refusal is fine */
	bool content_changed;	/* of a cache without checksums, in a way that it cannot know */
	unsigned int devices, refused, bypassed, wrong, unreadable;
	char name[160];
};

static void __attribute__((format(printf, 3, 4)))
found(struct mutator *m, unsigned int *count, const char *fmt, ...)
{
	va_list ap;

	if (++*count > 10)
		return;
	printf("FOUND in %s: ", m->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* A number that is somehow special, or any. */
static u64 odd_number(struct mutator *m, u64 near)
{
	switch (below(&m->random, 8)) {
	case 0: return 0;
	case 1: return ~0ULL;
	case 2: return near + 1;
	case 3: return near - 1;
	case 4: return 1ULL << below(&m->random, 64);
	case 5: return near ^ 1ULL << below(&m->random, 64);
	case 6: return below(&m->random, 1024);
	default: return random64(&m->random);
	}
}

static void put_number(void *at, size_t bytes, u64 value)
{
	__le64 word = cpu_to_le64(value);

	memcpy(at, &word, bytes);
}

static u64 get_number(const void *at, size_t bytes)
{
	__le64 word = 0;

	memcpy(&word, at, bytes);
	return le64_to_cpu(word);
}

/* ---- superblocks ---- */

static void seal_super(void *sector)
{
	struct corcache_superblock *disk = sector;

	disk->crc = 0;
	disk->crc = cpu_to_le32(corcache_crc(disk, CORCACHE_SECTOR_BYTES));
}

/* A field of one superblock or of both. */
static void change_super(struct mutator *m)
{
	static const struct {
		u16 offset, bytes;
	} fields[] = {
#define FIELD(name)	{ offsetof(struct corcache_superblock, name), \
			  sizeof(((struct corcache_superblock *)0)->name) }
		FIELD(version), FIELD(incompat), FIELD(compat), FIELD(target_sectors), FIELD(cache_sectors),
		FIELD(region_sectors), FIELD(block_sectors), FIELD(nr_slots), FIELD(table_start),
		FIELD(table_sectors), FIELD(data_start), FIELD(backup_start),
		FIELD(origin_id_bytes), FIELD(reserved),
	};
	unsigned int i = below(&m->random, ARRAY_SIZE(fields) + 1);
	unsigned int which = 1 + below(&m->random, 3);
	u8 *copies[] = { m->image, m->image + m->super.geo.backup_start * SECTOR };
	unsigned int offset = below(&m->random, CORCACHE_SECTOR_BYTES), c;
	u64 value = random64(&m->random);

	if (i < ARRAY_SIZE(fields)) {
		offset = fields[i].offset;
		value = odd_number(m, get_number(m->image + offset, fields[i].bytes));
	}
	for (c = 0; c < 2; c++) {
		if (!(which & (1 << c)))
			continue;
		put_number(copies[c] + offset, i < ARRAY_SIZE(fields) ? fields[i].bytes : 1, value);
		if (below(&m->random, 8))
			seal_super(copies[c]);
	}
	m->super_changed = true;
}

/* ---- table sectors ---- */

static u8 *table_sector(struct mutator *m, u64 *nr)
{
	const struct corcache_geometry *geo = &m->super.geo;

	/* those that hold something, most of the time */
	*nr = below(&m->random, below(&m->random, 8) ?
		    (geo->nr_slots + geo->sector_entries - 1) / geo->sector_entries :
		    geo->table_sectors);
	return m->image + (geo->table_start + *nr) * SECTOR;
}

static u8 *entry_of(struct mutator *m, u8 *sector)
{
	return sector + sizeof(struct corcache_table_header) +
	       below(&m->random, m->super.geo.sector_entries) * m->super.geo.entry_bytes;
}

/* What a sector holds now is believed, unless it was not sealed. */
static void seal(struct mutator *m, u8 *sector)
{
	if (!below(&m->random, 16))
		return;
	corcache_table_seal(sector);
	m->content_changed = true;
}

static void change_region(struct mutator *m)
{
	u64 nr;
	u8 *sector = table_sector(m, &nr), *entry = entry_of(m, sector);
	u64 region = below(&m->random, 2) ? below(&m->random, m->super.geo.nr_regions) :
					    odd_number(m, m->super.geo.nr_regions);

	put_number(entry, 8, region);
	seal(m, sector);
}

static void change_valid(struct mutator *m)
{
	u64 nr;
	u8 *sector = table_sector(m, &nr), *entry = entry_of(m, sector);

	put_number(entry + 8, 8, odd_number(m, get_number(entry + 8, 8)));
	seal(m, sector);
}

static void change_bytes(struct mutator *m)
{
	u64 nr, n = 1 + below(&m->random, 8);
	u8 *sector = table_sector(m, &nr);

	while (n--)
		sector[below(&m->random, SECTOR)] = random64(&m->random);
	seal(m, sector);
}

static void change_head(struct mutator *m)
{
	u64 nr;
	u8 *sector = table_sector(m, &nr);
	struct corcache_table_header *head = (void *)sector;

	switch (below(&m->random, 3)) {
	case 0:
		head->sector = cpu_to_le64(odd_number(m, nr));
		break;
	case 1:
		head->reserved = cpu_to_le32(random64(&m->random));
		break;
	default:
		head->id[below(&m->random, CORCACHE_ID_BYTES)] ^= 1 << below(&m->random, 8);
	}
	seal(m, sector);
}

/* Two entries of the same sector change places, or one is there twice. */
static void move_entry(struct mutator *m)
{
	size_t bytes = m->super.geo.entry_bytes;
	u64 nr;
	u8 *sector = table_sector(m, &nr);
	u8 *a = entry_of(m, sector), *b = entry_of(m, sector);
	u8 tmp[SECTOR];

	memcpy(tmp, a, bytes);
	memmove(a, b, bytes);
	if (below(&m->random, 2))
		memcpy(b, tmp, bytes);
	seal(m, sector);
}

/* A sector in another's place, with its number or the right one. */
static void move_sector(struct mutator *m)
{
	u64 from_nr, to_nr;
	u8 *from = table_sector(m, &from_nr), *to = table_sector(m, &to_nr);

	memmove(to, from, SECTOR);
	if (below(&m->random, 2))
		((struct corcache_table_header *)to)->sector = cpu_to_le64(to_nr);
	seal(m, to);
}

static void random_sector(struct mutator *m)
{
	struct corcache_table_header *head;
	u64 nr;
	u8 *sector = table_sector(m, &nr);
	unsigned int i;

	head = (void *)sector;
	for (i = sizeof(*head); i < SECTOR; i++)
		sector[i] = random64(&m->random);
	head->sector = cpu_to_le64(nr);
	head->reserved = 0;
	memcpy(head->id, m->super.id, CORCACHE_ID_BYTES);
	seal(m, sector);
}

static void rot_data(struct mutator *m)
{
	u64 start = m->super.geo.data_start * SECTOR;

	m->image[start + below(&m->random, m->super.geo.backup_start * SECTOR - start)] ^=
		1 << below(&m->random, 8);
	m->content_changed = true;
}

static const struct {
	const char *name;
	void (*change)(struct mutator *m);
	unsigned int weight;
} changes[] = {
	{ "super", change_super, 2 }, { "region", change_region, 4 },
	{ "valid", change_valid, 3 }, { "bytes", change_bytes, 2 }, { "head", change_head, 2 },
	{ "move-entry", move_entry, 2 }, { "move-sector", move_sector, 2 },
	{ "random-sector", random_sector, 1 }, { "data", rot_data, 1 },
};

static void change(struct mutator *m)
{
	unsigned int n = 1 + below(&m->random, 4), i, choice, sum = 0;

	for (i = 0; i < ARRAY_SIZE(changes); i++)
		sum += changes[i].weight;
	m->super_changed = false;
	m->content_changed = false;
	while (n--) {
		choice = below(&m->random, sum);
		for (i = 0; choice >= changes[i].weight; i++)
			choice -= changes[i].weight;
		changes[i].change(m);
		snprintf(m->name + strlen(m->name), sizeof(m->name) - strlen(m->name), " %s",
			 changes[i].name);
	}
}

/* ---- one device ---- */

static void write_image(struct mutator *m, const u8 *image)
{
	int fd = open(m->dev->scratch_file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, image, CACHE_BYTES, 0) != CACHE_BYTES)
		die("%s: %m", m->dev->scratch_file);
	close(fd);
}

static void read_image(struct mutator *m, u8 *image)
{
	int fd = open(m->dev->scratch_file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, image, CACHE_BYTES, 0) != CACHE_BYTES)
		die("%s: %m", m->dev->scratch_file);
	close(fd);
}

static int activate(struct mutator *m)
{
	char params[1024];

	table_params(params, sizeof(params), &m->setup, m->dev->scratch, m->dev->origin);
	if (!dm_create(CC, DM_READONLY, ORIGIN_SECTORS, "corcache", params))
		return 0;
	/* what has no table is left by a resume that was refused */
	dm_remove(CC);
	if (m->super_changed)
		m->refused++;
	else
		found(m, &m->unreadable, "activation failed: %s", dm_error());
	return -1;
}

static void read_all(struct mutator *m, u8 *buf)
{
	const size_t piece = 256 << 10, all = ORIGIN_SECTORS * SECTOR;
	int fd = dm_open(CC);
	size_t at, n;
	s64 bad;

	if (fd < 0)
		die("%s: cannot open " CC ": %m", m->name);
	for (at = 0; at < all; at += n) {
		n = all - at < piece ? all - at : piece;
		if (pread(fd, buf, n, at) != (ssize_t)n) {
			found(m, &m->unreadable, "cannot read %zu bytes at %zu: %m", n, at);
			continue;
		}
		bad = pattern_check(buf, at, n);
		if (bad >= 0 && (m->setup.checksums || !m->content_changed))
			found(m, &m->wrong, "wrong byte %lld (block %lld)", (long long)bad,
			      (long long)bad / (BLOCK_SECTORS * SECTOR));
	}
	close(fd);
}

static void try(struct mutator *m, u8 *buf)
{
	char text[64];

	write_image(m, m->image);
	m->devices++;
	if (activate(m))
		return;
	read_all(m, buf);
	/* slots that the table has made doubtful are used again */
	snprintf(text, sizeof(text), "evict %u 1024", (unsigned int)below(&m->random, 3000));
	if (dm_message(CC, text) || dm_message(CC, "commit")) {
		/* a table that says of a block what is another's is one of another image */
		if (gave_up(CC))
			m->bypassed++;
		else
			found(m, &m->unreadable, "message failed: %s", dm_error());
	}
	read_all(m, buf);
	if (dm_remove(CC))
		die("%s: remove: %s", m->name, dm_error());
	if (!below(&m->random, 4) && !activate(m)) {
		read_all(m, buf);
		if (dm_remove(CC))
			die("%s: remove: %s", m->name, dm_error());
	}
}

/* ---- all of them ---- */

static void new_base(struct mutator *m, u64 seed)
{
	struct corcache_refusal why;

	choose_setup(&m->setup, seed);
	m->setup.start = USED;
	m->setup.checksums = seed % 4;
	prepare_cache(m->dev->scratch, &m->setup, m->dev->origin, &m->random);
	read_image(m, m->base);
	if (corcache_super_decode(&m->super, m->base, CACHE_BYTES / SECTOR, &why))
		die("mutate: a good superblock is not: %s", why.text);
}

int mutate(const struct devices *dev, uint64_t seed, unsigned int count, long only)
{
	struct mutator m = { .dev = dev };
	u8 *buf = zalloc(1 << 20);
	double since = now();
	unsigned int i;

	m.base = zalloc(CACHE_BYTES);
	m.image = zalloc(CACHE_BYTES);
	for (i = 0; i < count; i++) {
		m.random = seed * 1000003 + i;
		if (only >= 0 && i != only && i % PER_BASE)
			continue;
		if (!(i % PER_BASE))
			new_base(&m, seed + i / PER_BASE);
		if (only >= 0 && i != only)
			continue;
		m.random = seed * 1000003 + i;
		memcpy(m.image, m.base, CACHE_BYTES);
		snprintf(m.name, sizeof(m.name), "device %u (region %u, checksums %d):", i,
			 m.setup.region, m.setup.checksums);
		change(&m);
		still_alive("mutate", i);
		try(&m, buf);
	}
	printf("mutated: devices=%u refused=%u bypassed=%u wrong=%u unreadable=%u seconds=%.1f\n",
	       m.devices, m.refused, m.bypassed, m.wrong, m.unreadable, now() - since);
	free(m.base);
	free(m.image);
	free(buf);
	return m.wrong || m.unreadable;
}
