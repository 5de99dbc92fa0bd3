// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache park: the bios that wait for their turn at the origin.
 *
 * Owns target->parked, the order in which they came, and target->parked_tree,
 * the same bios by their first sector but for those that read alone
 * (io->solo).  Both are under target->lock and linked through the per-bio
 * data, whose work item is not in use while a bio is parked.
 *
 * A parked bio is in nobody's list of waiters, and yet must not read what
 * another reader reads meanwhile, even if that is not kept.  This holds because
 *
 *   - while anything is parked, only the worker starts reads of the origin that
 *     are shared: who comes from map goes behind;
 *   - map cuts a bio that it parks: to blocks that are all missing, that no
 *     fill covers, and that one transfer may read together with any other such
 *     bio that overlaps (corcache_span_end());
 *   - the worker reads the whole span of bios that overlap at once, and all of
 *     them wait for that.
 *
 * Not covered is what was not parked in map, or not cut there: the rest of a bio
 * whose cached blocks were evicted, or found wrong, while it was reading them;
 * and what was held back by a no-flush suspend that was interrupted.
 */
#include "dm-corcache-park.h"
#include "dm-corcache-xfer.h"

static struct bio *bio_of(struct corcache_io *io)
{
	return dm_bio_from_per_bio_data(io, sizeof(*io));
}

static u64 first_sector(struct rb_node *n)
{
	return bio_of(rb_entry(n, struct corcache_io, node))->bi_iter.bi_sector;
}

static void insert(struct corcache_target *target, struct bio *bio)
{
	struct rb_node **p = &target->parked_tree.rb_node, *parent = NULL;
	struct corcache_io *io = corcache_io(bio);

	while (*p) {
		parent = *p;
		if (bio->bi_iter.bi_sector < first_sector(parent))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&io->node, parent, p);
	rb_insert_color(&io->node, &target->parked_tree);
}

/* The first in the tree that begins at @sector or later. */
static struct rb_node *find(struct corcache_target *target, u64 sector)
{
	struct rb_node *n = target->parked_tree.rb_node, *found = NULL;

	while (n) {
		if (first_sector(n) >= sector) {
			found = n;
			n = n->rb_left;
		} else {
			n = n->rb_right;
		}
	}
	return found;
}

void __corcache_park_kick(struct corcache_target *target)
{
	lockdep_assert_held(&target->lock);
	if (target->nr_parked)
		queue_work(target->origin_wq, &target->park_work);
}

void __corcache_park(struct corcache_target *target, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	lockdep_assert_held(&target->lock);
	list_add_tail(&io->parked, &target->parked);
	if (io->solo)
		RB_CLEAR_NODE(&io->node);
	else
		insert(target, bio);
	target->nr_parked++;
	__corcache_park_kick(target);
}

struct bio *__corcache_park_first(struct corcache_target *target)
{
	struct corcache_io *io;

	lockdep_assert_held(&target->lock);
	io = list_first_entry_or_null(&target->parked, struct corcache_io, parked);
	return io ? bio_of(io) : NULL;
}

struct bio *__corcache_park_within(struct corcache_target *target, u64 block,
				   u64 end)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	struct rb_node *n;

	lockdep_assert_held(&target->lock);
	n = find(target, corcache_block_to_sector(geo, block));
	if (!n || corcache_sector_to_block(geo, first_sector(n)) >= end)
		return NULL;
	return bio_of(rb_entry(n, struct corcache_io, node));
}

void __corcache_unpark(struct corcache_target *target, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	lockdep_assert_held(&target->lock);
	list_del(&io->parked);
	if (!RB_EMPTY_NODE(&io->node))
		rb_erase(&io->node, &target->parked_tree);
	target->nr_parked--;
}

/*
 * In the order of their beginnings, those that overlap follow one another: one
 * that begins where all before it have ended begins a new span.
 */
void __corcache_park_span(struct corcache_target *target, u64 floor, u64 *block,
			  u64 *end)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	u64 start = max(floor, corcache_span_start(geo, *block));
	u64 last = corcache_span_end(geo, *block);
	u64 from = 0, to = 0;
	struct rb_node *n;

	lockdep_assert_held(&target->lock);
	n = find(target, corcache_block_to_sector(geo, start));
	for (; n; n = rb_next(n)) {
		struct bio *bio = bio_of(rb_entry(n, struct corcache_io, node));
		u64 first = corcache_sector_to_block(geo, bio->bi_iter.bi_sector);

		if (first >= last)
			break;
		if (first >= to) {
			if (to > *block)
				break;
			from = first;
		}
		to = max(to, min(last, first + corcache_bio_blocks(geo, bio)));
	}
	*block = from;
	*end = to;
}

void corcache_park_init(struct corcache_target *target)
{
	INIT_LIST_HEAD(&target->parked);
	target->parked_tree = RB_ROOT;
}
