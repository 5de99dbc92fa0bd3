/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy that does as it is told and writes down how it is called: in place
 * of drivers/md/dm-corcache/policy.h for test_driver.c.
 */
#ifndef DM_CORCACHE_POLICY_H
#define DM_CORCACHE_POLICY_H

#include <linux/kernel.h>
#include <linux/types.h>

enum corcache_policy_kind {
	CORCACHE_POLICY_STOP,
	CORCACHE_POLICY_ADAPTIVE,
};

#define CORCACHE_POLICY_NO_SLOT	U32_MAX

struct corcache_policy {
	enum corcache_policy_kind kind;
	void	*memory;
	unsigned long *visited;
};

struct corcache_policy_ops {
	bool	(*evictable)(void *context, u32 slot);
	u32	(*region)(void *context, u32 slot);
};

u64 corcache_policy_bytes(enum corcache_policy_kind kind, u32 nr_slots);
void corcache_policy_init(struct corcache_policy *policy, enum corcache_policy_kind kind,
			  u32 nr_slots, void *memory);
void corcache_policy_set_quota(struct corcache_policy *policy, u32 quota);
void corcache_policy_touch(unsigned long *visited, u32 slot, u32 nr);
bool corcache_policy_miss(struct corcache_policy *policy, u32 region, u64 blocks);
void corcache_policy_insert(struct corcache_policy *policy, u32 slot, u32 region);
u32 corcache_policy_hint(const struct corcache_policy *policy, u32 slot);
void corcache_policy_restore(struct corcache_policy *policy, u32 slot, u32 region, u32 hint);
void corcache_policy_remove(struct corcache_policy *policy, u32 slot, u32 region, bool victim);
u32 corcache_policy_wanted(struct corcache_policy *policy, u32 used);
u32 corcache_policy_delay(const struct corcache_policy *policy, u32 used, u32 commit);
void corcache_policy_cycle(struct corcache_policy *policy);
u32 corcache_policy_victim(struct corcache_policy *policy, const struct corcache_policy_ops *ops,
			   void *context, u32 *left);

#endif /* DM_CORCACHE_POLICY_H */
