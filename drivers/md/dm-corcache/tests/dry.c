// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/string.h>

#include "dry.h"

#define GUARD_BYTES	64
#define GUARD		0xa5

void *corcache_dry_zeroed(struct kunit *test, u64 bytes)
{
	void *p = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

struct corcache_dry *corcache_dry_start(struct kunit *test, enum corcache_policy_kind kind,
					u32 nr_slots, u32 quota, u32 nr_regions)
{
	u64 bytes = corcache_policy_bytes(kind, nr_slots);
	struct corcache_dry *c = corcache_dry_zeroed(test, sizeof(*c));

	c->test = test;
	c->memory = corcache_dry_zeroed(test, bytes + GUARD_BYTES);
	c->guard = (u8 *)c->memory + bytes;
	memset(c->guard, GUARD, GUARD_BYTES);
	c->nr_slots = nr_slots;
	c->quota = quota;
	c->nr_regions = nr_regions;
	c->region = corcache_dry_zeroed(test, nr_slots * sizeof(u32));
	c->slot = corcache_dry_zeroed(test, nr_regions * sizeof(u32));
	c->pinned = corcache_dry_zeroed(test, nr_slots);
	memset(c->region, 0xff, nr_slots * sizeof(u32));
	memset(c->slot, 0xff, nr_regions * sizeof(u32));
	corcache_policy_init(&c->policy, kind, nr_slots, c->memory);
	corcache_policy_set_quota(&c->policy, quota);
	return c;
}

void corcache_dry_end(struct corcache_dry *c)
{
	KUNIT_ASSERT_FALSE(c->test, memchr_inv(c->guard, GUARD, GUARD_BYTES));
	kunit_kfree(c->test, c->memory);
	kunit_kfree(c->test, c->region);
	kunit_kfree(c->test, c->slot);
	kunit_kfree(c->test, c->pinned);
	kunit_kfree(c->test, c);
}

static void note(struct corcache_dry *c, u32 what, u32 region)
{
	c->decisions = (c->decisions ^ (((u64)what << 32) + region)) * 0x100000001b3ULL;
}

static bool evictable(void *context, u32 slot)
{
	struct corcache_dry *c = context;

	KUNIT_ASSERT_LT_MSG(c->test, slot, c->nr_slots, "asked for slot %u", slot);
	c->asked++;
	return c->region[slot] != NO_REGION && !c->pinned[slot];
}

static u32 region_in(void *context, u32 slot)
{
	struct corcache_dry *c = context;

	KUNIT_ASSERT_TRUE(c->test, slot < c->nr_slots && c->region[slot] != NO_REGION);
	return c->region[slot];
}

const struct corcache_policy_ops corcache_dry_ops = {
	.evictable = evictable,
	.region = region_in,
};

void corcache_dry_put(struct corcache_dry *c, u32 slot, u32 region)
{
	c->region[slot] = region;
	c->slot[region] = slot;
	c->used++;
	corcache_policy_insert(&c->policy, slot, region);
}

void corcache_dry_put_restored(struct corcache_dry *c, u32 slot, u32 region, u32 hint)
{
	c->region[slot] = region;
	c->slot[region] = slot;
	c->used++;
	corcache_policy_restore(&c->policy, slot, region, hint);
}

struct corcache_dry *corcache_dry_restarted(const struct corcache_dry *c, bool hints)
{
	struct corcache_dry *again = corcache_dry_start(c->test, c->policy.kind, c->nr_slots,
							c->quota, c->nr_regions);
	u32 slot;

	for (slot = 0; slot < c->nr_slots; slot++)
		if (c->region[slot] != NO_REGION)
			corcache_dry_put_restored(again, slot, c->region[slot], !hints ? 0 :
						  corcache_policy_hint(&c->policy, slot));
	corcache_policy_set_quota(&again->policy, c->quota);
	return again;
}

void corcache_dry_drop(struct corcache_dry *c, u32 slot, bool victim)
{
	u32 region = c->region[slot];

	c->region[slot] = NO_REGION;
	c->slot[region] = U32_MAX;
	c->free = min(c->free, slot);
	c->used--;
	corcache_policy_remove(&c->policy, slot, region, victim);
}

u32 corcache_dry_victim(struct corcache_dry *c)
{
	u32 left = c->nr_slots, before, asked, slot;

	while (left) {
		before = left;
		asked = c->asked;
		slot = corcache_policy_victim(&c->policy, &corcache_dry_ops, c, &left);
		KUNIT_ASSERT_LE(c->test, c->asked - asked,
				CORCACHE_POLICY_STEPS + 3 * CORCACHE_POLICY_CANDIDATES);
		KUNIT_ASSERT_TRUE(c->test, left <= before &&
				  before - left <= CORCACHE_POLICY_STEPS);
		if (slot != CORCACHE_POLICY_NO_SLOT) {
			KUNIT_ASSERT_TRUE(c->test, evictable(c, slot));
			return slot;
		}
		KUNIT_ASSERT_LT(c->test, left, before);
	}
	KUNIT_ASSERT_EQ(c->test, corcache_policy_victim(&c->policy, &corcache_dry_ops, c, &left),
			CORCACHE_POLICY_NO_SLOT);
	return CORCACHE_POLICY_NO_SLOT;
}

void corcache_dry_make_room(struct corcache_dry *c)
{
	while (corcache_policy_wanted(&c->policy, c->used)) {
		u32 slot = corcache_dry_victim(c);

		if (slot == CORCACHE_POLICY_NO_SLOT)
			break;
		note(c, 'e', c->region[slot]);
		corcache_dry_drop(c, slot, true);
	}
	corcache_policy_cycle(&c->policy);
}

u32 corcache_dry_free(struct corcache_dry *c)
{
	while (c->region[c->free] != NO_REGION)
		c->free++;
	return c->free;
}

bool corcache_dry_access(struct corcache_dry *c, u32 region)
{
	bool admit;

	if (c->slot[region] != U32_MAX) {
		corcache_policy_touch(c->policy.visited, c->slot[region], 1);
		return true;
	}
	admit = corcache_policy_miss(&c->policy, region, ALL);
	note(c, admit ? 'a' : 'r', region);
	if (admit && c->used < c->quota) {
		corcache_dry_put(c, corcache_dry_free(c), region);
		c->admitted++;
	}
	corcache_dry_make_room(c);
	return false;
}

u32 corcache_dry_loop(struct corcache_dry *c, u32 from, u32 length, u32 n)
{
	u32 i, hits = 0;

	for (i = 0; i < n; i++)
		hits += corcache_dry_access(c, from + i % length);
	return hits;
}

void corcache_dry_check(const struct corcache_dry *c)
{
	const struct corcache_policy *policy = &c->policy;
	u32 i, j, used = 0;

	for (i = 0; i < c->nr_slots; i++) {
		KUNIT_ASSERT_TRUE(c->test, !policy->history[i] == (c->region[i] == NO_REGION));
		used += !!policy->history[i];
	}
	KUNIT_ASSERT_EQ(c->test, used, policy->used);
	KUNIT_ASSERT_EQ(c->test, used, c->used);
	KUNIT_ASSERT_LE(c->test, policy->hand, c->nr_slots);
	KUNIT_ASSERT_LE(c->test, policy->nr_candidates, CORCACHE_POLICY_CANDIDATES);
	for (i = 0; i < policy->nr_candidates; i++) {
		KUNIT_ASSERT_LT(c->test, policy->candidate[i], c->nr_slots);
		for (j = 0; j < i; j++)
			KUNIT_ASSERT_NE(c->test, policy->candidate[i], policy->candidate[j]);
	}
	KUNIT_ASSERT_FALSE(c->test, memchr_inv(c->guard, GUARD, GUARD_BYTES));
}
