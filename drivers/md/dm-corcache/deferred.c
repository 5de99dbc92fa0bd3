// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache deferred: bios that wait for their turn.
 *
 * Owns struct corcache_deferred: the bios that wait for a read of the origin, in
 * the order in which they came, and by their first sector those of them that
 * share a read (all but those of a private read); those that wait for a read of
 * the cache device into own pages; those that came while a no-flush suspend was
 * pending; and hits that wait for the origin check.  All of it is under
 * target->lock.  The first sort is linked
 * through the per-bio data, whose work item is not in use while a bio is
 * deferred, the others through bio->bi_next.
 *
 * A bio that waits for the origin waits in no fill, and yet must not read what
 * another reader reads meanwhile, even if that is not inserted.  This holds
 * because
 *
 *   - while any bio waits here, only the worker starts reads of the origin that
 *     are shared: a bio that comes from map goes behind;
 *   - map cuts a bio that it defers: to blocks that are all missing, that no
 *     fill covers, and that one transfer may read together with any other such
 *     bio that overlaps (corcache_span_end());
 *   - the worker reads the whole span of bios that overlap at once, and all of
 *     them wait for that.
 *
 * Not covered is what was not deferred in map, or not cut there: the rest of a
 * bio whose cached blocks were evicted, or found wrong, while it was reading
 * them; and what was deferred for a no-flush suspend that was interrupted.
 *
 * Contexts: any.  Calls nothing but queue_work().
 */
#include "deferred.h"

static struct corcache_target *deferred_target(struct corcache_deferred *deferred)
{
	return container_of(deferred, struct corcache_target, deferred);
}

static u64 first_sector(struct rb_node *n)
{
	return corcache_io_bio(rb_entry(n, struct corcache_io, node))->bi_iter.bi_sector;
}

static void __link_by_sector(struct corcache_deferred *deferred, struct bio *bio)
{
	struct rb_node **p = &deferred->origin_tree.rb_node, *parent = NULL;
	struct corcache_io *io = corcache_io(bio);

	lockdep_assert_held(&deferred_target(deferred)->lock);
	while (*p) {
		parent = *p;
		if (bio->bi_iter.bi_sector < first_sector(parent))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&io->node, parent, p);
	rb_insert_color(&io->node, &deferred->origin_tree);
}

/* The first in the tree that begins at @sector or later. */
static struct rb_node *__first_from(struct corcache_deferred *deferred, u64 sector)
{
	struct rb_node *n = deferred->origin_tree.rb_node, *found = NULL;

	lockdep_assert_held(&deferred_target(deferred)->lock);
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

void __corcache_deferred_kick_origin(struct corcache_target *target)
{
	lockdep_assert_held(&target->lock);
	if (target->deferred.nr_origin)
		queue_work(target->origin_wq, &target->deferred.origin_work);
}

void __corcache_deferred_kick_bounce(struct corcache_target *target)
{
	lockdep_assert_held(&target->lock);
	if (!bio_list_empty(&target->deferred.bounce))
		queue_work(target->cache_wq, &target->deferred.bounce_work);
}

void __corcache_deferred_kick_check(struct corcache_target *target)
{
	lockdep_assert_held(&target->lock);
	if (!bio_list_empty(&target->deferred.check))
		queue_work(corcache_wq, &target->deferred.check_work);
}

static void __add_origin(struct corcache_deferred *deferred, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	lockdep_assert_held(&deferred_target(deferred)->lock);
	list_add_tail(&io->deferred, &deferred->origin);
	if (io->private)
		RB_CLEAR_NODE(&io->node);
	else
		__link_by_sector(deferred, bio);
	deferred->nr_origin++;
}

void __corcache_defer(struct corcache_target *target, struct bio *bio,
		      enum corcache_deferral reason)
{
	lockdep_assert_held(&target->lock);
	switch (reason) {
	case CORCACHE_DEFER_ORIGIN:
		__add_origin(&target->deferred, bio);
		__corcache_deferred_kick_origin(target);
		break;
	case CORCACHE_DEFER_BOUNCE:
		bio_list_add(&target->deferred.bounce, bio);
		target->deferred.nr_bounce++;
		__corcache_deferred_kick_bounce(target);
		break;
	case CORCACHE_DEFER_SUSPEND:
		bio_list_add(&target->deferred.suspend, bio);
		target->deferred.nr_suspend++;
		break;
	case CORCACHE_DEFER_CHECK:
		bio_list_add(&target->deferred.check, bio);
		target->deferred.nr_check++;
		break;
	}
}

struct bio *__corcache_deferred_first(struct corcache_deferred *deferred)
{
	struct corcache_io *io;

	lockdep_assert_held(&deferred_target(deferred)->lock);
	io = list_first_entry_or_null(&deferred->origin, struct corcache_io, deferred);
	return io ? corcache_io_bio(io) : NULL;
}

struct bio *__corcache_deferred_within(struct corcache_target *target, corcache_block_t block,
				       corcache_block_t end)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	struct rb_node *n;

	lockdep_assert_held(&target->lock);
	n = __first_from(&target->deferred, corcache_block_to_sector(geo, block));
	if (!n || !block_before(corcache_sector_to_block(geo, first_sector(n)), end))
		return NULL;
	return corcache_io_bio(rb_entry(n, struct corcache_io, node));
}

void __corcache_deferred_remove(struct corcache_deferred *deferred, struct bio *bio)
{
	struct corcache_io *io = corcache_io(bio);

	lockdep_assert_held(&deferred_target(deferred)->lock);
	list_del(&io->deferred);
	if (!RB_EMPTY_NODE(&io->node))
		rb_erase(&io->node, &deferred->origin_tree);
	deferred->nr_origin--;
}

void __corcache_deferred_take_origin(struct corcache_deferred *deferred,
				     struct bio_list *bios)
{
	struct bio *bio;

	lockdep_assert_held(&deferred_target(deferred)->lock);
	while ((bio = __corcache_deferred_first(deferred))) {
		__corcache_deferred_remove(deferred, bio);
		bio_list_add(bios, bio);
	}
}

void __corcache_deferred_take_suspend(struct corcache_deferred *deferred,
				      struct bio_list *bios)
{
	lockdep_assert_held(&deferred_target(deferred)->lock);
	bio_list_merge(bios, &deferred->suspend);
	bio_list_init(&deferred->suspend);
	deferred->nr_suspend = 0;
}

struct bio *__corcache_deferred_pop_bounce(struct corcache_deferred *deferred)
{
	struct bio *bio = bio_list_pop(&deferred->bounce);

	lockdep_assert_held(&deferred_target(deferred)->lock);
	if (bio)
		deferred->nr_bounce--;
	return bio;
}

void __corcache_deferred_push_bounce(struct corcache_deferred *deferred, struct bio *bio)
{
	lockdep_assert_held(&deferred_target(deferred)->lock);
	bio_list_add_head(&deferred->bounce, bio);
	deferred->nr_bounce++;
}

u32 __corcache_deferred_count(const struct corcache_deferred *deferred)
{
	lockdep_assert_held(&container_of(deferred, struct corcache_target, deferred)->lock);
	return deferred->nr_origin + deferred->nr_bounce + deferred->nr_suspend +
	       deferred->nr_check;
}

void __corcache_deferred_take_check(struct corcache_deferred *deferred,
				    struct bio_list *bios)
{
	lockdep_assert_held(&deferred_target(deferred)->lock);
	bio_list_merge(bios, &deferred->check);
	bio_list_init(&deferred->check);
	deferred->nr_check = 0;
}

/*
 * In the order of their beginnings, those that overlap follow one another: one
 * that begins where all before it have ended begins a new span.
 */
void __corcache_deferred_span(struct corcache_target *target, corcache_block_t floor,
			      corcache_block_t *block, corcache_block_t *end)
{
	const struct corcache_geometry *geo = &target->cache->geo;
	corcache_block_t start = block_max(floor, corcache_span_start(geo, *block));
	corcache_block_t last = corcache_span_end(geo, *block);
	corcache_block_t from = to_block(0), to = to_block(0);
	struct rb_node *n;

	lockdep_assert_held(&target->lock);
	n = __first_from(&target->deferred, corcache_block_to_sector(geo, start));
	for (; n; n = rb_next(n)) {
		struct bio *bio = corcache_io_bio(rb_entry(n, struct corcache_io, node));
		corcache_block_t first = corcache_sector_to_block(geo, bio->bi_iter.bi_sector);
		corcache_block_t after;

		if (!block_before(first, last))
			break;
		if (!block_before(first, to)) {
			if (block_before(*block, to))
				break;
			from = first;
		}
		after = block_add(first, corcache_bio_blocks(geo, bio));
		to = block_max(to, block_min(last, after));
	}
	*block = from;
	*end = to;
}

void corcache_deferred_init(struct corcache_deferred *deferred)
{
	INIT_LIST_HEAD(&deferred->origin);
	deferred->origin_tree = RB_ROOT;
	bio_list_init(&deferred->check);
	bio_list_init(&deferred->bounce);
	bio_list_init(&deferred->suspend);
}
