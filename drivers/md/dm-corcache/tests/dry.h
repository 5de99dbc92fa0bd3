/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache tests: a cache without data, to run a policy dry.
 */
#ifndef DM_CORCACHE_TEST_DRY_H
#define DM_CORCACHE_TEST_DRY_H

#include "../policy.h"
#include "test.h"

/* Blocks: the whole region. */
#define ALL		(~0ULL)

#define NO_REGION	U32_MAX

/*
 * A cache without data: who has which slot.  Slots are given from the lowest
 * free one up, as in the kernel.
 */
struct corcache_dry {
	struct kunit *test;
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

extern const struct corcache_policy_ops corcache_dry_ops;

/* Memory of zeros, which the end of the test frees. */
void *corcache_dry_zeroed(struct kunit *test, u64 bytes);

struct corcache_dry *corcache_dry_start(struct kunit *test, enum corcache_policy_kind kind,
					u32 nr_slots, u32 quota, u32 nr_regions);
void corcache_dry_end(struct corcache_dry *c);

/* A region comes into a slot; likewise at a start, with a hint. */
void corcache_dry_put(struct corcache_dry *c, u32 slot, u32 region);
void corcache_dry_put_restored(struct corcache_dry *c, u32 slot, u32 region, u32 hint);

/* The same cache at its next start, with or without what was stored. */
struct corcache_dry *corcache_dry_restarted(const struct corcache_dry *c, bool hints);

/* A slot is emptied. */
void corcache_dry_drop(struct corcache_dry *c, u32 slot, bool victim);

/* As who frees slots asks: until a full turn has found nothing. */
u32 corcache_dry_victim(struct corcache_dry *c);

/* Victims go until as many slots are free as the policy wants. */
void corcache_dry_make_room(struct corcache_dry *c);

/* The lowest slot that is free. */
u32 corcache_dry_free(struct corcache_dry *c);

/* Return: was it a hit? */
bool corcache_dry_access(struct corcache_dry *c, u32 region);

/* @n accesses to regions @from, @from + 1, ... of a loop of @length: hits. */
u32 corcache_dry_loop(struct corcache_dry *c, u32 from, u32 length, u32 n);

/* What can be seen from outside of what `adaptive` keeps. */
void corcache_dry_check(const struct corcache_dry *c);

#endif /* DM_CORCACHE_TEST_DRY_H */
