// SPDX-License-Identifier: GPL-2.0-only
/*
 * How policy-corcache.c drives a policy: call by call, with a policy that does
 * as it is told (stub/dm-corcache-policy.h).
 */
#include <linux/string.h>

#include <stdlib.h>
#include <unistd.h>

#include "dm-corcache-policy.h"
#include "policies.h"
#include "sim.h"
#include "unit.h"

/* What was called, and what is answered. */
static struct {
	char	log[4096];
	u32	refuse;		/* region that is not admitted */
	u32	wanted_from;	/* so many in use are too many */
	u32	victim;		/* slot; NO_SLOT: none is found */
	u32	blind_calls;	/* calls that find none, before one that does */
} told;

__printf(1, 2)
static void note(const char *fmt, ...)
{
	size_t n = strlen(told.log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(told.log + n, sizeof(told.log) - n, fmt, ap);
	va_end(ap);
}

u64 corcache_policy_bytes(enum corcache_policy_kind kind, u32 nr_slots)
{
	note("bytes %u %u; ", kind, nr_slots);
	return 8;
}

/* Zeroed, and all of it ours: the sanitizer sees to that. */
void corcache_policy_init(struct corcache_policy *policy, enum corcache_policy_kind kind,
			  u32 nr_slots, void *memory)
{
	static const char zeros[8];

	note("init %u %u%s; ", kind, nr_slots, memcmp(memory, zeros, 8) ? " dirty" : "");
	memset(memory, 0xff, 8);
}

void corcache_policy_set_quota(struct corcache_policy *policy, u32 quota)
{
	note("quota %u; ", quota);
}

void corcache_policy_touch(struct corcache_policy *policy, u32 slot)
{
	note("touch %u; ", slot);
}

bool corcache_policy_miss(struct corcache_policy *policy, u32 region, u64 blocks)
{
	if (blocks == ~0ULL)
		note("miss %u; ", region);
	else
		note("miss %u:%llx; ", region, blocks);
	return region != told.refuse;
}

void corcache_policy_insert(struct corcache_policy *policy, u32 slot, u32 region)
{
	note("insert %u %u; ", slot, region);
}

void corcache_policy_remove(struct corcache_policy *policy, u32 slot, u32 region, bool victim)
{
	note("remove %u %u%s; ", slot, region, victim ? "" : " not a victim");
}

u32 corcache_policy_wanted(struct corcache_policy *policy, u32 used)
{
	note("wanted %u; ", used);
	return used >= told.wanted_from ? used - told.wanted_from + 1 : 0;
}

u32 corcache_policy_victim(struct corcache_policy *policy, const struct corcache_policy_ops *ops,
			   void *context, u32 *left)
{
	if (told.blind_calls) {
		told.blind_calls--;
		(*left)--;
		note("blind; ");
		return CORCACHE_POLICY_NO_SLOT;
	}
	if (told.victim == CORCACHE_POLICY_NO_SLOT) {
		*left = 0;
		note("none; ");
		return told.victim;
	}
	note("victim %u, region %u%s; ", told.victim, ops->region(context, told.victim),
	     ops->evictable(context, told.victim) ? "" : ", not evictable");
	return told.victim;
}

/* ---- the tests ------------------------------------------------------------- */

struct step {
	u64	id, bits;
	bool	hit;
	const char *calls;
	const char *decisions;
	u32	victim, blind_calls;
};

static void *start_policy(const struct sim_policy *policy, const struct setup *setup,
			  const char *calls)
{
	void *state;

	told.log[0] = 0;
	state = policy->start(setup);
	expect_string(told.log, calls);
	return state;
}

/* @decisions: where the driver prints them. */
static void play_step(void *state, u32 block, const struct step *step, FILE *decisions)
{
	char text[200];
	size_t n;

	told.log[0] = 0;
	rewind(decisions);
	if (ftruncate(fileno(decisions), 0))
		die("a temporary file cannot be truncated");
	expectf(policy_adaptive.access(state, block, step->bits) == step->hit, "region %llu, %s",
		step->id, step->calls);
	fflush(decisions);
	rewind(decisions);
	n = fread(text, 1, sizeof(text) - 1, decisions);
	text[n] = 0;
	expect_string(told.log, step->calls);
	expect_string(text, step->decisions);
}

static struct trace *trace_of(const struct step *steps, u32 nr)
{
	struct trace *trace = trace_new("test");
	u32 i;

	for (i = 0; i < nr; i++)
		trace_add(trace, steps[i].id, steps[i].bits);
	trace_finish(trace);
	return trace;
}

/* Two slots of three may be used, the first two; the policy keeps one of them free. */
static void call_by_call(void)
{
	static const struct step steps[] = {
		/* nothing is wanted yet */
		{ 70, 1, false, "miss 70:1; insert 0 70; wanted 1; ", "admit 70\n" },
		/* a part that was not there: the policy hears nothing, until all was there */
		{ 70, 6, true, "", "" },
		{ 70, 7, true, "touch 0; ", "" },
		/* refused, but asked for victims all the same */
		{ 99, 1, false, "miss 99:1; wanted 1; ", "reject 99\n" },
		/* the second: one has to go, and goes */
		{ 80, 1, false,
		  "miss 80:1; insert 1 80; wanted 2; victim 0, region 70; remove 0 70; wanted 1; ",
		  "admit 80\nevict 70\n" },
		/* what was evicted is forgotten: 7 is not there any more */
		{ 70, 1, false,
		  "miss 70:1; insert 0 70; wanted 2; blind; blind; victim 1, region 80; remove 1 80; wanted 1; ",
		  "admit 70\nevict 80\n", 1, 2 },
		{ 70, 2, true, "", "" },
		/* no victim is found, in several rounds */
		{ 80, 1, false, "miss 80:1; insert 1 80; wanted 2; none; none; none; none; ",
		  "admit 80\n", CORCACHE_POLICY_NO_SLOT },
		/* so the quota is full: admitted, but not inserted, and a victim is found now */
		{ 90, 1, false, "miss 90:1; wanted 2; victim 0, region 70; remove 0 70; wanted 1; ",
		  "full 90\nevict 70\n" },
	};
	struct trace *trace = trace_of(steps, ARRAY_SIZE(steps));
	struct setup setup = {
		.slots = 2,
		.device_slots = 3,
		.trace = trace,
		.decisions = tmpfile(),
	};
	void *state;
	u32 i;

	if (!setup.decisions)
		die("no temporary file");
	told.refuse = 99;
	told.wanted_from = 2;
	state = start_policy(&policy_adaptive, &setup, "bytes 1 3; init 1 3; quota 2; ");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		told.victim = steps[i].victim;
		told.blind_calls = steps[i].blind_calls;
		play_step(state, trace->block[i], &steps[i], setup.decisions);
	}
	policy_adaptive.end(state);
	fclose(setup.decisions);
	trace_free(trace);
}

/* `stop` is the same driver and another kind; without parts every hit is told. */
static void stop_is_a_kind(void)
{
	static const struct step steps[] = {
		{ 5, 0, false, "miss 5; insert 0 5; wanted 1; ", "" },
		{ 5, 0, true, "touch 0; ", "" },
	};
	struct trace *trace = trace_of(steps, ARRAY_SIZE(steps));
	struct setup setup = { .slots = 4, .trace = trace };
	void *state;
	u32 i;

	told.wanted_from = 5;
	state = start_policy(&policy_stop, &setup, "bytes 0 4; init 0 4; quota 4; ");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		told.log[0] = 0;
		expect(policy_stop.access(state, trace->block[i], 0) == steps[i].hit);
		expect_string(told.log, steps[i].calls);
	}
	policy_stop.end(state);
	trace_free(trace);
}

static const struct unit_test tests[] = {
	{ "call by call", call_by_call },
	{ "stop is a kind", stop_is_a_kind },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
