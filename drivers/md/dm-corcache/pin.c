// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache pin: parts of the origin that the policy is not to replace.
 *
 * Owns the rule how much may be pinned: nine tenths of the quota's slots, counted in
 * regions of the ranges, whether they are cached or not.  index.c keeps the bits; the
 * hint of a slot makes them outlive a restart.  Process context; messages run one at
 * a time, so nobody pins beside.  cache->lock is taken for one region at a time.
 */
#include "index.h"
#include "pin.h"

/* Regions of @start to @end that are not pinned yet.  No more than may be. */
static u64 count_new(const struct corcache_cache *cache, u64 start, u64 end)
{
	u64 nr = 0;

	for (; start <= end; start++)
		nr += !test_bit(start, cache->pins.regions);
	return nr;
}

int corcache_pin(struct corcache_cache *cache, corcache_block_t first, corcache_block_t last,
		 struct corcache_refusal *why)
{
	u64 start = from_region(corcache_block_to_region(&cache->geo, first));
	u64 end = from_region(corcache_block_to_region(&cache->geo, last));
	u64 most = corcache_pins_most(cache->quota), nr = end - start + 1;

	if (corcache_index_alloc_pins(cache))
		return corcache_refuse(why, -ENOMEM, "message pin: no memory");
	if (nr <= most)
		nr = cache->pins.nr + count_new(cache, start, end);
	if (nr > most)
		return corcache_refuse(why, -ENOSPC,
				       "message pin: %llu regions would be pinned, at most %llu of the quota's %llu can be",
				       nr, most, cache->quota);
	for (; start <= end; start++) {
		corcache_index_pin(cache, to_region(start), true);
		cond_resched();
	}
	return 0;
}

void corcache_unpin(struct corcache_cache *cache, corcache_block_t first,
		    corcache_block_t last)
{
	u64 region = from_region(corcache_block_to_region(&cache->geo, first));
	u64 end = from_region(corcache_block_to_region(&cache->geo, last)) + 1;

	if (!cache->pins.regions)
		return;
	while ((region = find_next_bit(cache->pins.regions, end, region)) < end) {
		corcache_index_pin(cache, to_region(region), false);
		cond_resched();
	}
}
