/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache policy: what is kept when the quota is full.
 *
 * Decides and does nothing: no I/O, no locks (the caller serialises; in the
 * kernel that is the cache's lock), no time, no allocation.  Compiles
 * unchanged in user space.
 */
#ifndef DM_CORCACHE_POLICY_H
#define DM_CORCACHE_POLICY_H

#include <linux/limits.h>
#include <linux/types.h>

enum corcache_policy_kind {
	CORCACHE_POLICY_STOP,	/* keep what is there, read the rest uncached */
};

#define CORCACHE_POLICY_NO_SLOT		U32_MAX

/* Most slots that are looked at in one go: the caller holds a lock. */
#define CORCACHE_POLICY_STEPS		1024U

/**
 * struct corcache_policy - the state of a policy
 * @kind: which one
 * @nr_slots: slots of the cache
 * @hand: where the search for the next victim starts
 */
struct corcache_policy {
	enum corcache_policy_kind kind;
	u32	nr_slots;
	u32	hand;
};

void corcache_policy_init(struct corcache_policy *policy,
			  enum corcache_policy_kind kind, u32 nr_slots);

/* The name in table lines; NULL for a kind that does not exist. */
const char *corcache_policy_name(enum corcache_policy_kind kind);

/**
 * corcache_policy_admit() - may a region that has no slot get one?
 * @policy: the policy
 * @used: slots that hold data or are on their way to be free
 * @quota: how many may
 */
bool corcache_policy_admit(const struct corcache_policy *policy, u64 used,
			   u64 quota);

/**
 * corcache_policy_victim() - which slot to empty when the quota was lowered
 * @policy: the policy
 * @evictable: may this slot be emptied?
 * @context: passed to @evictable
 * @left: in: slots to look at, nr_slots for all; out: those not looked at yet
 *
 * `stop` has no evidence of use; it goes from the highest slot down, which
 * takes what was filled last and leaves the rest contiguous.
 *
 * Return: a slot; or CORCACHE_POLICY_NO_SLOT after CORCACHE_POLICY_STEPS slots
 * or when none is left.
 */
u32 corcache_policy_victim(struct corcache_policy *policy,
			   bool (*evictable)(void *context, u32 slot),
			   void *context, u32 *left);

#endif /* DM_CORCACHE_POLICY_H */
