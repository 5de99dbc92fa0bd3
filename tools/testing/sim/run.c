// SPDX-License-Identifier: GPL-2.0-only
/*
 * Playing a trace through a policy, and the list of policies.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "policies.h"
#include "sim.h"

const struct sim_policy *const sim_policies[] = {
	&policy_adaptive, &policy_stop, &policy_lru, &policy_fifo, &policy_clock, &policy_random,
	&policy_2q, &policy_arc, &policy_lirs, &policy_sieve, &policy_s3fifo, &policy_opt,
	NULL,
};

const struct sim_policy *find_policy(const char *name, size_t length)
{
	unsigned int i;

	for (i = 0; sim_policies[i]; i++)
		if (strlen(sim_policies[i]->name) == length &&
		    !memcmp(sim_policies[i]->name, name, length))
			return sim_policies[i];
	return NULL;
}

u32 share_slots(const struct trace *trace, double share)
{
	/* what a decimal fraction lacks in binary must not cost a slot */
	double slots = share * trace->base + 1e-6;

	return slots < 1 ? 1 : slots > trace->nr_blocks ? trace->nr_blocks : (u32)slots;
}

u32 *next_accesses(const struct trace *trace)
{
	u32 *next = get_memory(trace->nr, sizeof(u32));
	u32 *seen = get_memory(trace->nr_blocks, sizeof(u32));
	u64 i;

	memset(seen, 0xff, (size_t)trace->nr_blocks * sizeof(u32));
	for (i = trace->nr; i--;) {
		next[i] = seen[trace->block[i]];
		seen[trace->block[i]] = i;
	}
	free(seen);
	return next;
}

/* Of each block, what of it is in the cache, if it is there at all. */
static bool all_there(u64 *there, u32 block, u64 bits, bool resident)
{
	bool all = resident && (there[block] & bits) == bits;

	there[block] = resident ? there[block] | bits : bits;
	return all;
}

struct result *play(const struct sim_policy *policy, const struct setup *setup)
{
	const struct trace *trace = setup->trace;
	struct result *result = get_memory(1, sizeof(*result));
	u64 *there = setup->exact ? get_memory(trace->nr_blocks, sizeof(u64)) : NULL;
	void *state = policy->start(setup);
	u64 i = 0;
	u32 p;

	result->accesses = get_memory(trace->nr_phases, sizeof(u64));
	result->misses = get_memory(trace->nr_phases, sizeof(u64));
	for (p = 0; p < trace->nr_phases; p++) {
		u64 end = p + 1 < trace->nr_phases ? trace->phase[p + 1].start : trace->nr;
		u64 misses = 0;

		result->accesses[p] = end - i;
		for (; i < end; i++) {
			u64 bits = trace->bits ? trace->bits[i] : 0;
			bool hit = policy->access(state, trace->block[i], bits);

			if (there)
				hit = all_there(there, trace->block[i], bits, hit);
			misses += !hit;
		}
		result->misses[p] = misses;
	}
	if (policy->counts)
		policy->counts(state, &result->counts);
	policy->end(state);
	free(there);
	return result;
}

void result_free(struct result *result)
{
	free(result->accesses);
	free(result->misses);
	free(result);
}
