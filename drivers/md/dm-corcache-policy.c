// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache policy: decisions about what is kept.
 *
 * Owns nothing but struct corcache_policy.  It is asked and answers; whoever
 * asks holds the lock and does the work, so that the same code can be run by
 * the kernel, the unit tests and a simulator, and decide the same.
 *
 * Callable from any context that @evictable may be called from: no locks of
 * its own, no allocation, no I/O, no time.  Compiles unchanged in user space.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "dm-corcache-policy.h"

static u32 last_slot(const struct corcache_policy *policy)
{
	return policy->nr_slots ? policy->nr_slots - 1 : 0;
}

void corcache_policy_init(struct corcache_policy *policy,
			  enum corcache_policy_kind kind, u32 nr_slots)
{
	policy->kind = kind;
	policy->nr_slots = nr_slots;
	policy->hand = last_slot(policy);
}

const char *corcache_policy_name(enum corcache_policy_kind kind)
{
	switch (kind) {
	case CORCACHE_POLICY_STOP:
		return "stop";
	}
	return NULL;
}

bool corcache_policy_admit(const struct corcache_policy *policy, u64 used, u64 quota)
{
	return used < quota;
}

u32 corcache_policy_victim(struct corcache_policy *policy,
			   bool (*evictable)(void *context, u32 slot),
			   void *context, u32 *left)
{
	u32 steps = min(*left, CORCACHE_POLICY_STEPS);

	for (; steps; steps--) {
		u32 slot = policy->hand;

		policy->hand = slot ? slot - 1 : last_slot(policy);
		(*left)--;
		if (evictable(context, slot))
			return slot;
	}
	return CORCACHE_POLICY_NO_SLOT;
}
