// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache budget: how much memory each table may hold of what all of them share.
 *
 * Owns the rule that budget.h explains.
 */
#include "budget.h"

/* A table may hold so many times what is left for others. */
#define TIMES_FREE	4

static u64 beyond_own(const struct corcache_share *share, u64 bytes)
{
	return bytes > share->own ? bytes - share->own : 0;
}

bool corcache_budget_take(struct corcache_budget *budget, struct corcache_share *share,
			  u64 bytes)
{
	u64 all = share->bytes + bytes;
	u64 beyond = beyond_own(share, all);
	u64 shared = budget->shared + beyond - beyond_own(share, share->bytes);

	if (all > CORCACHE_SHARE_MOST || budget->used + bytes > budget->most)
		return false;
	if (beyond && (shared > budget->shared_most ||
		       beyond > TIMES_FREE * (budget->shared_most - shared)))
		return false;
	share->bytes = all;
	budget->used += bytes;
	budget->shared = shared;
	return true;
}

void corcache_budget_give(struct corcache_budget *budget, struct corcache_share *share,
			  u64 bytes)
{
	u64 left = share->bytes - bytes;

	budget->shared -= beyond_own(share, share->bytes) - beyond_own(share, left);
	budget->used -= bytes;
	share->bytes = left;
}
