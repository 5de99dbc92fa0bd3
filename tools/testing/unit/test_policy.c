// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies: what is let in and who goes, at any quota; and what `adaptive`
 * makes of workloads of which the best is known.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <stdlib.h>

#include "dm-corcache-policy.h"
#include "unit.h"

/* Blocks: the whole region. */
#define ALL		(~0ULL)

#define SLOTS		100
#define GUARD_BYTES	64
#define GUARD		0xa5
#define NO_REGION	U32_MAX

/*
 * A cache without data: who has which slot.  Slots are given from the lowest
 * free one up, as in the kernel.
 */
struct cache {
	struct corcache_policy policy;
	void	*memory;
	u8	*guard;
	u32	nr_slots;
	u32	quota;
	u32	used;
	u32	nr_regions;
	u32	*region;	/* by slot */
	u32	*slot;		/* by region */
	u32	free;		/* none is free below */
	bool	*pinned;	/* by slot: not evictable */
	u32	asked;
	u64	admitted;
	u64	decisions;	/* a hash of all of them */
};

static void *zeroed(u64 bytes)
{
	void *p = calloc(1, bytes + 1);

	if (!p)
		abort();
	return p;
}

static void start(struct cache *c, enum corcache_policy_kind kind, u32 nr_slots,
		  u32 quota, u32 nr_regions)
{
	u64 bytes = corcache_policy_bytes(kind, nr_slots);

	memset(c, 0, sizeof(*c));
	c->memory = zeroed(bytes + GUARD_BYTES);
	c->guard = (u8 *)c->memory + bytes;
	memset(c->guard, GUARD, GUARD_BYTES);
	c->nr_slots = nr_slots;
	c->quota = quota;
	c->nr_regions = nr_regions;
	c->region = zeroed(nr_slots * sizeof(u32));
	c->slot = zeroed(nr_regions * sizeof(u32));
	c->pinned = zeroed(nr_slots);
	memset(c->region, 0xff, nr_slots * sizeof(u32));
	memset(c->slot, 0xff, nr_regions * sizeof(u32));
	corcache_policy_init(&c->policy, kind, nr_slots, c->memory);
	corcache_policy_set_quota(&c->policy, quota);
}

static void end(struct cache *c)
{
	expect(!memchr_inv(c->guard, GUARD, GUARD_BYTES));
	free(c->memory);
	free(c->region);
	free(c->slot);
	free(c->pinned);
}

static void note(struct cache *c, u32 what, u32 region)
{
	c->decisions = (c->decisions ^ (((u64)what << 32) + region)) * 0x100000001b3ULL;
}

static bool evictable(void *context, u32 slot)
{
	struct cache *c = context;

	if (!expectf(slot < c->nr_slots, "asked for slot %u", slot))
		return false;
	c->asked++;
	return c->region[slot] != NO_REGION && !c->pinned[slot];
}

static u32 region_of(void *context, u32 slot)
{
	struct cache *c = context;

	expect(slot < c->nr_slots && c->region[slot] != NO_REGION);
	return c->region[slot];
}

static const struct corcache_policy_ops ops = {
	.evictable = evictable,
	.region = region_of,
};

static void put(struct cache *c, u32 slot, u32 region)
{
	c->region[slot] = region;
	c->slot[region] = slot;
	c->used++;
	corcache_policy_insert(&c->policy, slot, region);
}

static void drop(struct cache *c, u32 slot, bool victim)
{
	u32 region = c->region[slot];

	c->region[slot] = NO_REGION;
	c->slot[region] = U32_MAX;
	c->free = min(c->free, slot);
	c->used--;
	corcache_policy_remove(&c->policy, slot, region, victim);
}

/* As who frees slots asks: until a full turn has found nothing. */
static u32 find_victim(struct cache *c)
{
	u32 left = c->nr_slots, before, asked, slot;

	while (left) {
		before = left;
		asked = c->asked;
		slot = corcache_policy_victim(&c->policy, &ops, c, &left);
		expect(c->asked - asked <= CORCACHE_POLICY_STEPS +
		       3 * CORCACHE_POLICY_CANDIDATES);
		if (!expect(left <= before && before - left <= CORCACHE_POLICY_STEPS))
			break;
		if (slot != CORCACHE_POLICY_NO_SLOT) {
			expect(evictable(c, slot));
			return slot;
		}
		if (!expect(left < before))
			break;
	}
	expect_u64(corcache_policy_victim(&c->policy, &ops, c, &left),
		   CORCACHE_POLICY_NO_SLOT);
	return CORCACHE_POLICY_NO_SLOT;
}

static void make_room(struct cache *c)
{
	while (corcache_policy_wanted(&c->policy, c->used)) {
		u32 slot = find_victim(c);

		if (slot == CORCACHE_POLICY_NO_SLOT)
			break;
		note(c, 'e', c->region[slot]);
		drop(c, slot, true);
	}
}

static bool access_region(struct cache *c, u32 region)
{
	bool admit;

	if (c->slot[region] != U32_MAX) {
		corcache_policy_touch(&c->policy, c->slot[region]);
		return true;
	}
	admit = corcache_policy_miss(&c->policy, region, ALL);
	note(c, admit ? 'a' : 'r', region);
	if (admit && c->used < c->quota) {
		while (c->region[c->free] != NO_REGION)
			c->free++;
		put(c, c->free, region);
		c->admitted++;
	}
	make_room(c);
	return false;
}

/* @n accesses to regions @from, @from + 1, ... of a loop of @length: hits. */
static u32 loop(struct cache *c, u32 from, u32 length, u32 n)
{
	u32 i, hits = 0;

	for (i = 0; i < n; i++)
		hits += access_region(c, from + i % length);
	return hits;
}

/* What can be seen from outside of what `adaptive` keeps. */
static void check_adaptive(const struct cache *c)
{
	const struct corcache_policy *policy = &c->policy;
	u32 i, j, used = 0;

	for (i = 0; i < c->nr_slots; i++) {
		expect(!policy->history[i] == (c->region[i] == NO_REGION));
		used += !!policy->history[i];
	}
	expect_u64(used, policy->used);
	expect_u64(used, c->used);
	expect(policy->hand <= c->nr_slots);
	expect(policy->nr_candidates <= CORCACHE_POLICY_CANDIDATES);
	for (i = 0; i < policy->nr_candidates; i++) {
		expect(policy->candidate[i] < c->nr_slots);
		for (j = 0; j < i; j++)
			expect(policy->candidate[i] != policy->candidate[j]);
	}
	expect(!memchr_inv(c->guard, GUARD, GUARD_BYTES));
}

static void names(void)
{
	unsigned int kind;

	expect_string(corcache_policy_name(CORCACHE_POLICY_STOP), "stop");
	expect_string(corcache_policy_name(CORCACHE_POLICY_ADAPTIVE), "adaptive");
	for (kind = CORCACHE_POLICY_ADAPTIVE + 1; kind < 100; kind++)
		expect(!corcache_policy_name(kind));
}

static void memory(void)
{
	u32 i;

	expect(sizeof(struct corcache_policy) <= 5632);
	expect_u64(corcache_policy_bytes(CORCACHE_POLICY_STOP, U32_MAX), 0);
	for (i = 0; i < 10000; i++) {
		u32 nr_slots = 1 + (u32)unit_magnitude() % (U32_MAX - 1);
		u64 bytes = corcache_policy_bytes(CORCACHE_POLICY_ADAPTIVE, nr_slots);

		expectf(bytes <= 15ULL * nr_slots / 2 + 100, "%llu bytes for %u slots",
			bytes, nr_slots);
		expect(bytes >= 3ULL * nr_slots + nr_slots / 8);
	}
}

static void stop_admits(void)
{
	struct cache c;
	u32 i;

	start(&c, CORCACHE_POLICY_STOP, SLOTS, 40, 1000);
	expect_u64(loop(&c, 0, 100, 2000), 19 * 40);
	for (i = 0; i < 1000; i++)
		expect(c.slot[i] == (i < 40 ? i : U32_MAX));
	expect_u64(corcache_policy_wanted(&c.policy, 40), 0);
	expect_u64(corcache_policy_wanted(&c.policy, 41), 1);
	expect(!corcache_policy_miss(&c.policy, 500, ALL));
	drop(&c, 7, false);
	expect(corcache_policy_miss(&c.policy, 500, ALL));
	end(&c);
}

static void stop_victims_from_the_top(void)
{
	struct cache c;
	u32 i;

	start(&c, CORCACHE_POLICY_STOP, SLOTS, SLOTS, 1000);
	loop(&c, 0, SLOTS, SLOTS);
	c.quota = 30;
	corcache_policy_set_quota(&c.policy, 30);
	expect_u64(corcache_policy_wanted(&c.policy, c.used), SLOTS - 30);
	for (i = 1; i < SLOTS; i += 3)
		c.pinned[i] = true;
	for (i = SLOTS; i--; )
		if (!c.pinned[i])
			expect_u64(find_victim(&c), i);
	memset(c.pinned, 1, SLOTS);
	c.asked = 0;
	expect_u64(find_victim(&c), CORCACHE_POLICY_NO_SLOT);
	expect_u64(c.asked, SLOTS);
	end(&c);
}

/* The only one that may go is at the other end of many slots. */
static void few_steps(void)
{
	static const enum corcache_policy_kind kinds[] = {
		CORCACHE_POLICY_STOP, CORCACHE_POLICY_ADAPTIVE,
	};
	const u32 n = 10 * CORCACHE_POLICY_STEPS;
	struct cache c;
	u32 k, i;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		start(&c, kinds[k], n, n, n);
		for (i = 0; i < n; i++)
			put(&c, i, i);
		memset(c.pinned, 1, n);
		i = kinds[k] == CORCACHE_POLICY_STOP ? 0 : n - 1;
		c.pinned[i] = false;
		expect_u64(find_victim(&c), i);
		c.pinned[i] = true;
		expect_u64(find_victim(&c), CORCACHE_POLICY_NO_SLOT);
		end(&c);
	}
}

/* Whatever the quota: all that may go is found, each once. */
static void adaptive_empties(void)
{
	struct cache c;
	u32 round, i, rest;

	for (round = 0; round < 200; round++) {
		u32 n = 1 + unit_below(300);

		start(&c, CORCACHE_POLICY_ADAPTIVE, n, n, n);
		for (i = 0, rest = 0; i < n; i++) {
			if (unit_below(3))
				put(&c, i, i);
			c.pinned[i] = !unit_below(4);
			rest += c.region[i] != NO_REGION && !c.pinned[i];
		}
		for (; rest; rest--) {
			u32 slot = find_victim(&c);

			if (!expect(slot < n))
				break;
			drop(&c, slot, true);
		}
		expect_u64(find_victim(&c), CORCACHE_POLICY_NO_SLOT);
		check_adaptive(&c);
		end(&c);
	}
}

static void quota_of_one(void)
{
	struct cache c;
	u32 i, hits = 0;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 1, 1, 10);
	expect_u64(corcache_policy_wanted(&c.policy, 0), 0);
	expect(!access_region(&c, 3));
	for (i = 0; i < 1000; i++)
		hits += access_region(&c, 3);
	expect_u64(hits, 1000);
	expect(c.used <= 1);
	/* another one, for good: it gets the slot some time */
	for (i = 0, hits = 0; i < 1000; i++)
		hits += access_region(&c, 4);
	expectf(hits > 900, "%u hits", hits);
	end(&c);
}

static void reserve_is_kept(void)
{
	static const u32 quotas[][2] = {
		{ 2, 1 }, { 31, 1 }, { 32, 2 }, { 64, 4 }, { 512, 4 }, { 1024, 8 },
		{ 12800, 100 }, { 40000, 256 },
	};
	struct cache c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(quotas); i++) {
		u32 quota = quotas[i][0], reserve = quotas[i][1];

		start(&c, CORCACHE_POLICY_ADAPTIVE, quota, quota, 3 * quota);
		/* what fits has all of it */
		expect_u64(loop(&c, 0, quota, 3 * quota), 2 * quota);
		expect_u64(c.used, quota);
		expect_u64(corcache_policy_wanted(&c.policy, quota), 0);
		/* another set that is used again and again: something has to go */
		loop(&c, quota, quota, 20 * quota);
		expect(c.policy.replacing);
		expectf(c.used == quota - reserve, "%u of %u", c.used, quota);
		expect_u64(corcache_policy_wanted(&c.policy, quota), reserve);
		expect_u64(corcache_policy_wanted(&c.policy, quota - reserve), 0);
		expect_u64(corcache_policy_wanted(&c.policy, 0), 0);
		/* a new quota is a new start */
		corcache_policy_set_quota(&c.policy, quota);
		expect_u64(corcache_policy_wanted(&c.policy, quota), 0);
		end(&c);
	}
}

/*
 * A region that was turned away and is read piece by piece is one that was read
 * once; read again, it is one that was read again.
 */
static void pieces(void)
{
	struct corcache_policy before;
	struct cache c;
	u32 i, admitted = 0;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 100, 100, 2000);
	loop(&c, 0, 300, 6000);
	expect(!corcache_policy_miss(&c.policy, 1000, 1));
	before = c.policy;
	for (i = 1; i < 64; i++)
		expect(!corcache_policy_miss(&c.policy, 1000, 1ULL << i));
	expect_u64(c.policy.tick, before.tick);
	expect_u64(c.policy.misses, before.misses);
	expect_u64(c.policy.hand, before.hand);
	/* one of them again is another use of the region */
	expect(!corcache_policy_miss(&c.policy, 1001, 1));
	expect(!corcache_policy_miss(&c.policy, 1001, 2));
	before = c.policy;
	corcache_policy_miss(&c.policy, 1001, 2);
	expect(c.policy.misses + c.policy.tick * c.policy.unit ==
	       before.misses + before.tick * before.unit + 1);
	/* all of it again, soon, some times: in a loop's cache that is worth a slot */
	for (i = 0; i < 20 && !admitted; i++)
		admitted = corcache_policy_miss(&c.policy, 1000, ALL);
	expect(admitted && c.policy.misses + c.policy.tick * c.policy.unit !=
	       before.misses + before.tick * before.unit);
	end(&c);
}

/* Nor is the rest of it turned away when there is room, however that came. */
static void piece_and_room(void)
{
	struct cache c;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 200, 100, 2000);
	loop(&c, 0, 300, 6000);
	expect(!corcache_policy_miss(&c.policy, 1000, 1));
	expect(!corcache_policy_miss(&c.policy, 1000, 2));
	corcache_policy_set_quota(&c.policy, 200);
	expect(corcache_policy_miss(&c.policy, 1000, 4));
	end(&c);
}

/* Hits nearly all that is to be had, in per cent of what `stop` gets. */
static void expect_loop(u32 length, u32 quota, u32 per_cent)
{
	struct cache c;
	u32 hits;

	start(&c, CORCACHE_POLICY_ADAPTIVE, quota, quota, length);
	hits = loop(&c, 0, length, 20 * length);
	expectf(100ULL * hits >= 19ULL * quota * per_cent, "%u of %u: %u hits, stop %u",
		quota, length, hits, 19 * quota);
	/* and it does not write what it soon throws away */
	expectf(c.admitted <= quota + (20 * length - hits) / 5, "%u of %u: %llu fills",
		quota, length, c.admitted);
	end(&c);
}

static void loops(void)
{
	expect_loop(5000, 500, 90);
	expect_loop(5000, 2000, 93);
	expect_loop(5000, 4000, 93);
	expect_loop(5000, 4950, 93);
	expect_loop(500, 200, 93);
	expect_loop(40, 16, 85);
}

/* In the five loops after a change: those of a fresh `stop` are 4 * quota. */
static void expect_shift(u32 from, u32 to, u32 quota)
{
	struct cache c;
	u32 hits, last;

	start(&c, CORCACHE_POLICY_ADAPTIVE, quota, quota, from + to);
	loop(&c, 0, from, 10 * from);
	hits = loop(&c, from, to, 4 * to);
	last = loop(&c, from, to, to);
	expectf(hits + last >= 80 * 4 * quota / 100, "%u to %u, quota %u: %u hits", from, to,
		quota, hits + last);
	expectf(last >= 80 * quota / 100, "%u to %u, quota %u: %u hits in the last loop", from,
		to, quota, last);
	end(&c);
}

static void shifts(void)
{
	expect_shift(5000, 5000, 500);
	expect_shift(5000, 5000, 2000);
	expect_shift(5000, 5000, 4000);
	expect_shift(5000, 5000, 4950);
	/* intervals that are many times the quota are told apart, too */
	expect_shift(2000, 3200, 200);
	expect_shift(2000, 4000, 200);
}

/* A hot set is in the cache and stays there while others are read once. */
static void scan(void)
{
	struct cache c;
	u32 i, hits = 0, n = 0, next = 400;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 500, 500, 200000);
	for (i = 0; i < 40000; i++)
		access_region(&c, unit_below(400));
	for (i = 0; i < 100000; i++) {
		if (i % 2) {
			access_region(&c, next++);
		} else {
			hits += access_region(&c, unit_below(400));
			n++;
		}
	}
	expectf(hits >= n * 98ULL / 100, "%u hits of %u", hits, n);
	end(&c);
}

/* All is read twice, soon after: LRU hits each second time. */
static void recency(void)
{
	struct cache c;
	u32 i, hits = 0, n = 50000;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 500, 500, n + 1000);
	for (i = 0; i < n; i++) {
		access_region(&c, i + 1000);
		hits += access_region(&c, i + 1000 - unit_below(300));
	}
	expectf(hits >= n * 95 / 100, "%u hits of %u", hits, n);
	end(&c);
}

/* It lets the hot ones in though the cache came up full of others. */
static void start_full(void)
{
	struct cache c;
	u32 i, hits = 0;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 3000);
	for (i = 0; i < 1000; i++)
		put(&c, i, 2000 + i);
	make_room(&c);
	for (i = 0; i < 20000; i++)
		access_region(&c, unit_below(900));
	for (i = 0; i < 10000; i++)
		hits += access_region(&c, unit_below(900));
	expectf(hits > 9500, "%u hits of 10000", hits);
	end(&c);
}

/* A cache that came up full of the loop hits as if it had never been off. */
static void restart_in_a_loop(void)
{
	struct cache c;
	u32 i, hits;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 2000, 2000, 5000);
	for (i = 0; i < 2000; i++)
		put(&c, i, 2 * i);
	make_room(&c);
	hits = loop(&c, 0, 5000, 25000);
	expectf(hits >= 85 * 5 * 2000 / 100, "%u hits", hits);
	end(&c);
}

static void quota_at_run_time(void)
{
	struct cache c;
	u32 i;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 3000);
	for (i = 0; i < 300; i++) {
		c.quota = 1 + unit_below(unit_below(4) ? 1000 : 3);
		corcache_policy_set_quota(&c.policy, c.quota);
		make_room(&c);
		expectf(c.used <= c.quota, "%u of %u", c.used, c.quota);
		loop(&c, unit_below(2000), 1 + unit_below(900), unit_below(2000));
		expectf(c.used <= c.quota, "%u of %u", c.used, c.quota);
		check_adaptive(&c);
	}
	end(&c);
}

/* The hot region of the lowered quota stays. */
static void lowered_quota_keeps_the_hot(void)
{
	struct cache c;
	u32 i, hits = 0;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 1000, 1000, 100000);
	for (i = 0; i < 60000; i++)
		access_region(&c, i % 4 ? unit_below(100) : 100 + unit_below(3000));
	c.quota = 200;
	corcache_policy_set_quota(&c.policy, 200);
	make_room(&c);
	for (i = 0; i < 100; i++)
		hits += c.slot[i] != U32_MAX;
	expectf(hits >= 90, "%u of the 100 hot ones", hits);
	end(&c);
}

/* A random mix of everything that may happen, in any order. */
static u64 random_events(u32 nr_slots, u32 nr_regions, u32 n)
{
	struct cache c;
	u64 decisions;
	u32 i, slot;

	start(&c, CORCACHE_POLICY_ADAPTIVE, nr_slots, nr_slots, nr_regions);
	for (i = 0; i < n; i++) {
		slot = unit_below(nr_slots);
		switch (unit_below(200)) {
		case 0:
			c.quota = 1 + unit_below(nr_slots);
			corcache_policy_set_quota(&c.policy, c.quota);
			make_room(&c);
			break;
		case 1 ... 5:
			if (c.region[slot] != NO_REGION)
				drop(&c, slot, false);
			break;
		case 6 ... 10:
			c.pinned[slot] = !c.pinned[slot];
			break;
		case 11 ... 15:	/* a miss that gets no slot, whatever is said */
			corcache_policy_miss(&c.policy, unit_below(nr_regions), ALL);
			break;
		case 16:
			corcache_policy_touch(&c.policy, slot);
			break;
		case 17:	/* a victim that is not emptied after all */
			find_victim(&c);
			break;
		case 18:
			loop(&c, unit_below(nr_regions / 2), nr_regions / 2, nr_regions);
			break;
		default:
			access_region(&c, unit_below(1 + unit_below(nr_regions)));
		}
		if (i % 64 == 0)
			check_adaptive(&c);
	}
	memset(c.pinned, 0, nr_slots);
	make_room(&c);
	expect(!corcache_policy_wanted(&c.policy, c.used));
	check_adaptive(&c);
	decisions = c.decisions;
	end(&c);
	return decisions;
}

static void anything(void)
{
	u32 i;

	for (i = 0; i < 60; i++) {
		u32 nr_slots = 1 + unit_below(1 + unit_below(400));

		random_events(nr_slots, 2 + unit_below(4 * nr_slots), 2000);
	}
}

/*
 * The same accesses are decided in the same way, on any machine.  If this
 * fails after a change of the policy that was meant, run the simulator's
 * workloads and take the new value.
 */
#define DECISIONS_LARGE		0xbfc850d3a725e121ULL
#define DECISIONS_SMALL	0x2bd0e0976e0d19e7ULL

static u64 play(u32 nr_slots, u32 quota)
{
	struct cache c;
	u64 decisions;
	u32 i, region, state = 1;

	start(&c, CORCACHE_POLICY_ADAPTIVE, nr_slots, quota, 2000);
	for (i = 0; i < 100000; i++) {
		state = state * 1664525U + 1013904223U;
		region = (state >> 8) % (1 + (state >> 20) % (7 * quota));
		access_region(&c, region);
		region = (state >> 16) % nr_slots;
		if (i % 64 == 0 && c.region[region] != NO_REGION)
			drop(&c, region, false);
	}
	decisions = c.decisions;
	end(&c);
	return decisions;
}

static void repeats(void)
{
	u64 large = play(300, 250), small = play(10, 6);

	expect(play(300, 250) == large);
	expect(play(10, 6) == small);
	expectf(large == DECISIONS_LARGE, "%#llx", large);
	expectf(small == DECISIONS_SMALL, "%#llx", small);
}

/* Time goes on for longer than any counter lasts; what cannot go gets old. */
static void long_time(void)
{
	struct cache c;
	u32 i;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 8, 8, 400);
	c.policy.tick = U32_MAX - 100000;
	memset(c.pinned, 1, 8);
	for (i = 0; i < 8; i++)
		put(&c, i, i);
	loop(&c, 8, 392, 200000);
	check_adaptive(&c);
	for (i = 0; i < c.nr_slots; i++)
		expectf((u16)(c.policy.tick - c.policy.stamp[i]) >= 59000 &&
			(u16)(c.policy.tick - c.policy.stamp[i]) <= 61000, "%u ticks",
			(u16)(c.policy.tick - c.policy.stamp[i]));
	end(&c);
}

/* One region is missed again and again: its figures grow and do not wrap. */
static void many_hits(void)
{
	struct cache c;
	u32 i, class, most = 0;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 64, 64, 400);
	for (i = 0; i < 5000; i++) {
		u32 now = 0;

		corcache_policy_miss(&c.policy, 100, ALL);
		for (class = 0; class < CORCACHE_POLICY_HISTORIES; class++)
			now = max(now, (u32)c.policy.class[class].hits[1]);
		if (!expectf(now >= most / 2, "%u after %u", now, most))
			break;
		most = max(most, now);
	}
	expectf(most > U16_MAX / 2, "%u", most);
	end(&c);
}

/* A ghost's time is shorter than a slot's; what is older is not taken for new. */
static void old_victim(void)
{
	struct cache c;
	u32 i;

	start(&c, CORCACHE_POLICY_ADAPTIVE, 8, 8, 400);
	memset(c.pinned, 1, 8);
	for (i = 0; i < 8; i++)
		put(&c, i, i);
	loop(&c, 8, 392, 4110);
	drop(&c, 0, true);
	corcache_policy_miss(&c.policy, 0, ALL);
	put(&c, 0, 0);
	/* one interval of the most that there is */
	expectf(c.policy.history[0] == 0x69, "%#x", c.policy.history[0]);
	end(&c);
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "names", names },
		{ "memory", memory },
		{ "stop: admits up to the quota", stop_admits },
		{ "stop: victims from the top", stop_victims_from_the_top },
		{ "a bounded number of steps", few_steps },
		{ "adaptive: all that may go is found", adaptive_empties },
		{ "adaptive: a quota of one slot", quota_of_one },
		{ "adaptive: free slots in reserve", reserve_is_kept },
		{ "adaptive: pieces of a region", pieces },
		{ "adaptive: pieces of a region, and room", piece_and_room },
		{ "adaptive: loops", loops },
		{ "adaptive: another loop", shifts },
		{ "adaptive: a scan", scan },
		{ "adaptive: recency", recency },
		{ "adaptive: starts full", start_full },
		{ "adaptive: restart in a loop", restart_in_a_loop },
		{ "adaptive: the quota changes", quota_at_run_time },
		{ "adaptive: a lower quota keeps the hot", lowered_quota_keeps_the_hot },
		{ "adaptive: anything", anything },
		{ "adaptive: decides the same again", repeats },
		{ "adaptive: a long time", long_time },
		{ "adaptive: an old victim", old_victim },
		{ "adaptive: many hits", many_hits },
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
