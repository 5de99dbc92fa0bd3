// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommand sweep of corcache_io: reads of all sizes at all alignments.
 *
 * Owns the plan of a sweep (which pieces, in what order) and the places where they
 * are read, so that each finds blocks that no other has asked for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "corcache_cmd.h"
#include "corcache_io.h"
#include "corcache_util.h"
#include "corcache_verify.h"

/* A read of a sweep: so many bytes, so many sectors beyond a multiple of unit. */
struct piece {
	uint32_t bytes;
	uint32_t lead;
	uint32_t unit;
};

struct sweep {
	int fd;
	uint64_t length;	/* of the device */
	uint64_t random;
	uint64_t cold, mixed;	/* reads */
	uint8_t *touched;	/* blocks that were asked for */
	void *buf;
};

static void add_piece(struct piece **list, size_t *nr, size_t *room, struct piece p)
{
	if (p.bytes < opt.min_bs || (opt.max_bs && p.bytes > opt.max_bs))
		return;
	*list = grow(*list, *nr, room, sizeof(**list));
	(*list)[(*nr)++] = p;
}

/*
 * Every size from 1 to 17 sectors (two blocks and a bit) at every alignment
 * within 64 KiB; then around each power of two from 16 KiB to 4 MiB,
 * --per-size of the 64 ways to start and to end within a block of 4 KiB.
 */
static struct piece *sweep_pieces(size_t *nr, uint64_t *random)
{
	struct piece *list = NULL;
	size_t room = 0, i;
	uint32_t sectors, lead, way;

	*nr = 0;
	for (sectors = 1; sectors <= 17; sectors++)
		for (lead = 0; lead < 128; lead++)
			/* --per-size 1: every fourth, for slow machines */
			if (opt.per_size > 1 || (lead + sectors) % 4 == 0)
				add_piece(&list, nr, &room,
					  (struct piece){ sectors * SECTOR, lead, 128 });
	for (sectors = 32; sectors <= 8192; sectors *= 2) {
		/* 13 and 64 have no divisor in common: all ways, from anywhere */
		way = below(random, 64);
		for (i = 0; i < opt.per_size && i < 64; i++, way = (way + 13) % 64) {
			/* starts at way % 8, ends at way / 8 */
			uint32_t less = (way - way / 8) % 8;

			add_piece(&list, nr, &room, (struct piece){
				  (sectors - less) * SECTOR, way % 8, opt.block / SECTOR });
		}
	}
	for (i = *nr; i > 1; i--) {
		size_t other = below(random, i);
		struct piece p = list[other];

		list[other] = list[i - 1];
		list[i - 1] = p;
	}
	return list;
}

static bool sweep_untouched(const struct sweep *s, uint64_t offset, uint64_t bytes)
{
	uint64_t block, last = (offset + bytes - 1) / opt.block;

	for (block = offset / opt.block; block <= last; block++)
		if (s->touched[block])
			return false;
	return true;
}

/* A place whose blocks nobody has asked for yet, if there is one, else any. */
static uint64_t sweep_place(struct sweep *s, const struct piece *p)
{
	uint64_t lead = p->lead * SECTOR, unit = p->unit * SECTOR;
	uint64_t places, first, i;

	if (s->length < lead + p->bytes)
		return s->length - p->bytes;
	places = (s->length - lead - p->bytes) / unit + 1;
	first = below(&s->random, places);
	for (i = 0; i < places; i++) {
		uint64_t offset = (first + i) % places * unit + lead;

		if (sweep_untouched(s, offset, p->bytes))
			return offset;
	}
	return first * unit + lead;
}

static int sweep_read(struct sweep *s, uint64_t offset, uint64_t bytes)
{
	uint64_t block, last = (offset + bytes - 1) / opt.block;

	if (sweep_untouched(s, offset, bytes))
		s->cold++;
	else
		s->mixed++;
	for (block = offset / opt.block; block <= last; block++)
		s->touched[block] = 1;
	return read_one(s->fd, s->buf, offset, bytes, true);
}

static int sweep_all(struct sweep *s)
{
	struct piece *list;
	size_t nr, i;
	int status = 0;

	list = sweep_pieces(&nr, &s->random);
	for (i = 0; i < nr && !status; i++)
		if (list[i].bytes <= s->length)
			status = sweep_read(s, sweep_place(s, &list[i]), list[i].bytes);
	/* some of them once more, up to the very end of the device */
	for (i = 0; i < nr && i < 32 && !status; i++)
		if (list[i].bytes <= s->length)
			status = sweep_read(s, s->length - list[i].bytes, list[i].bytes);
	free(list);
	return status;
}

/*
 * Reads of all sizes at all alignments, in random order, those of --min-bs to
 * --max-bs; each of them, as long as the device is large enough, in blocks of
 * its own (of --block bytes), that is, cold if the device was.  The same seed
 * makes the same reads.  Says how many were of blocks that no other had asked
 * for, and how many bytes in blocks all of them together have asked for.
 */
int cmd_sweep(int argc, char **argv)
{
	struct sweep s = { .fd = open_device(argv[0], O_RDONLY), .random = opt.seed };
	uint64_t block, blocks, distinct = 0;
	double since = now();
	void *raw;
	int status;

	(void)argc;
	s.length = device_bytes(s.fd);
	blocks = (s.length + opt.block - 1) / opt.block;
	s.touched = calloc(blocks, 1);
	if (!s.touched)
		die(EXIT_OTHER, "no memory for %" PRIu64 " blocks", blocks);
	s.buf = buffer(4 * MIB, opt.align_mem, &raw);
	status = sweep_all(&s);
	if (status)
		set_worst(status);
	for (block = 0; block < blocks; block++)
		if (s.touched[block])
			distinct += block == blocks - 1 ? s.length - block * opt.block : opt.block;
	printf("cold=%" PRIu64 " mixed=%" PRIu64 " distinct=%" PRIu64 "\n", s.cold, s.mixed,
	       distinct);
	free(s.touched);
	free(raw);
	return summary(since);
}
