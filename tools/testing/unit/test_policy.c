// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy: admission at the quota, and whom `stop` sends away.
 */
#include <linux/string.h>

#include "dm-corcache-policy.h"
#include "unit.h"

#define SLOTS	100

struct slots {
	bool evictable[SLOTS];
	u32 asked;
};

static bool evictable(void *context, u32 slot)
{
	struct slots *slots = context;

	expectf(slot < SLOTS, "asked for slot %u", slot);
	slots->asked++;
	return slots->evictable[slot];
}

static void names(void)
{
	unsigned int kind;

	expect_string(corcache_policy_name(CORCACHE_POLICY_STOP), "stop");
	for (kind = CORCACHE_POLICY_STOP + 1; kind < 100; kind++)
		expect(!corcache_policy_name(kind));
}

static void admission(void)
{
	struct corcache_policy policy;
	u32 i;

	corcache_policy_init(&policy, CORCACHE_POLICY_STOP, SLOTS);
	expect(policy.kind == CORCACHE_POLICY_STOP && policy.nr_slots == SLOTS);
	expect(!corcache_policy_admit(&policy, 0, 0));
	expect(corcache_policy_admit(&policy, 0, 1));
	expect(!corcache_policy_admit(&policy, 1, 1));
	expect(!corcache_policy_admit(&policy, 2, 1));
	expect(corcache_policy_admit(&policy, U64_MAX - 1, U64_MAX));
	expect(!corcache_policy_admit(&policy, U64_MAX, U64_MAX));
	for (i = 0; i < 10000; i++) {
		u64 used = unit_magnitude(), quota = unit_magnitude();

		expect(corcache_policy_admit(&policy, used, quota) == (used < quota));
	}
}

/* As whoever shrinks a cache asks: until a full turn has found nothing. */
static u32 find_victim(struct corcache_policy *policy,
		       bool (*evictable_slot)(void *context, u32 slot), void *context)
{
	u32 left = policy->nr_slots, before, slot;

	while (left) {
		before = left;
		slot = corcache_policy_victim(policy, evictable_slot, context, &left);
		if (!expect(left < before && before - left <= CORCACHE_POLICY_STEPS))
			break;
		if (slot != CORCACHE_POLICY_NO_SLOT)
			return slot;
	}
	left = 0;
	expect_u64(corcache_policy_victim(policy, evictable_slot, context, &left),
		   CORCACHE_POLICY_NO_SLOT);
	return CORCACHE_POLICY_NO_SLOT;
}

static void victims_from_the_top(void)
{
	struct corcache_policy policy;
	struct slots slots;
	u32 i;

	memset(&slots, 1, sizeof(slots.evictable));
	corcache_policy_init(&policy, CORCACHE_POLICY_STOP, SLOTS);
	for (i = SLOTS; i--; )
		expect_u64(find_victim(&policy, evictable, &slots), i);
	expect_u64(find_victim(&policy, evictable, &slots), SLOTS - 1);
}

static void no_victim(void)
{
	struct corcache_policy policy;
	struct slots slots = { };
	u32 hand;

	for (hand = 0; hand < SLOTS; hand++) {
		corcache_policy_init(&policy, CORCACHE_POLICY_STOP, SLOTS);
		policy.hand = hand;
		slots.asked = 0;
		expect_u64(find_victim(&policy, evictable, &slots),
			   CORCACHE_POLICY_NO_SLOT);
		expect_u64(slots.asked, SLOTS);
		expect_u64(policy.hand, hand);
	}

	corcache_policy_init(&policy, CORCACHE_POLICY_STOP, 0);
	slots.asked = 0;
	expect_u64(find_victim(&policy, evictable, &slots), CORCACHE_POLICY_NO_SLOT);
	expect_u64(slots.asked, 0);
}

/* Each is found once, next below the one before, however few there are. */
static void some_victims(void)
{
	u32 round, i, nr, left;

	for (round = 0; round < 2000; round++) {
		struct corcache_policy policy;
		struct slots slots = { };
		u32 last = U32_MAX;

		nr = 1 + unit_below(SLOTS);
		for (i = 0, left = 0; i < nr; i++)
			left += slots.evictable[i] = !unit_below(1 + unit_below(20));
		corcache_policy_init(&policy, CORCACHE_POLICY_STOP, nr);
		for (; left; left--) {
			u32 slot = find_victim(&policy, evictable, &slots);

			if (!expect(slot < nr && slot < last && slots.evictable[slot]))
				return;
			slots.evictable[slot] = false;
			last = slot;
		}
		expect_u64(find_victim(&policy, evictable, &slots),
			   CORCACHE_POLICY_NO_SLOT);
	}
}

/* The largest number of slots, the only evictable one at the other end. */
static bool only_zero(void *context, u32 slot)
{
	return slot == 0;
}

/* Nobody holds a lock for longer than a few slots take. */
static void bounded(void)
{
	struct corcache_policy policy;
	struct slots slots = { };
	u32 left = 1000000;

	corcache_policy_init(&policy, CORCACHE_POLICY_STOP, 1000000);
	expect_u64(corcache_policy_victim(&policy, only_zero, &slots, &left),
		   CORCACHE_POLICY_NO_SLOT);
	expect_u64(left, 1000000 - CORCACHE_POLICY_STEPS);
	expect_u64(policy.hand, 999999 - CORCACHE_POLICY_STEPS);
}

static void many_slots(void)
{
	struct corcache_policy policy;

	corcache_policy_init(&policy, CORCACHE_POLICY_STOP, U32_MAX - 1);
	expect_u64(policy.hand, U32_MAX - 2);
	policy.hand = 10000;
	expect_u64(find_victim(&policy, only_zero, NULL), 0);
	expect_u64(policy.hand, U32_MAX - 2);
}

static const struct unit_test tests[] = {
	{ "names", names },
	{ "admission", admission },
	{ "victims from the top", victims_from_the_top },
	{ "no victim after one turn", no_victim },
	{ "some victims", some_victims },
	{ "bounded search", bounded },
	{ "many slots", many_slots },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
