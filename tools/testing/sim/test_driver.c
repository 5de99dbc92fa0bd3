// SPDX-License-Identifier: GPL-2.0-only
/*
 * How policy-corcache.c drives a policy: call by call, with a policy that does
 * as it is told (stub/policy.h).
 */
#include <linux/string.h>

#include <stdlib.h>
#include <unistd.h>

#include "policy.h"
#include "policies.h"
#include "sim.h"
#include "expect.h"

/* What was called, and what is answered. */
static struct {
	char	log[4096];
	u32	refuse;		/* region that is not admitted */
	u32	wanted_from;	/* so many in use are too many */
	u32	victim;		/* slot; NO_SLOT: none is found */
	u32	blind_calls;	/* calls that find none, before one that does */
	u32	patience;	/* how many commits long it waits */
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
	policy->kind = kind;
}

void corcache_policy_set_quota(struct corcache_policy *policy, u32 quota)
{
	note("quota %u; ", quota);
}

void corcache_policy_touch(unsigned long *visited, u32 slot, u32 nr)
{
	note(nr == 1 ? "touch %u; " : "touch %u and more; ", slot);
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

u32 corcache_policy_hint(const struct corcache_policy *policy, u32 slot)
{
	return 100 + slot;
}

void corcache_policy_restore(struct corcache_policy *policy, u32 slot, u32 region, u32 hint)
{
	note("restore %u %u %u; ", slot, region, hint);
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

u32 corcache_policy_delay(const struct corcache_policy *policy, u32 used, u32 commit)
{
	note("delay %u; ", used);
	return told.patience * commit;
}

void corcache_policy_cycle(struct corcache_policy *policy)
{
	note("cycle; ");
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
	u32	victim, blind_calls, patience;
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
static void call_by_call(struct kunit *test)
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
		  "miss 80:1; insert 1 80; wanted 2; delay 2; wanted 2; victim 0, region 70; remove 0 70; wanted 1; cycle; ",
		  "admit 80\nevict 70\n" },
		/* what was evicted is forgotten: 7 is not there any more */
		{ 70, 1, false,
		  "miss 70:1; insert 0 70; wanted 2; delay 2; wanted 2; blind; blind; victim 1, region 80; remove 1 80; wanted 1; cycle; ",
		  "admit 70\nevict 80\n", 1, 2 },
		{ 70, 2, true, "", "" },
		/* no victim is found, in several rounds */
		{ 80, 1, false, "miss 80:1; insert 1 80; wanted 2; delay 2; wanted 2; none; none; none; none; ",
		  "admit 80\n", CORCACHE_POLICY_NO_SLOT },
		/* so the quota is full: admitted, but not inserted, and a victim is found now */
		{ 90, 1, false, "miss 90:1; wanted 2; delay 2; wanted 2; victim 0, region 70; remove 0 70; wanted 1; cycle; ",
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

/* The same, but a commit takes two accesses. */
static void evictions_take_time(struct kunit *test)
{
	static const struct step steps[] = {
		{ 70, 0, false, "miss 70; insert 0 70; wanted 1; ", "admit 70\n" },
		/* one has to go, three commits later */
		{ 80, 0, false, "miss 80; insert 1 80; wanted 2; delay 2; ", "admit 80\n", 0, 0, 3 },
		/* a shorter answer counts, a longer one does not */
		{ 70, 0, true, "wanted 2; delay 2; touch 0; ", "", 0, 0, 1 },
		{ 70, 0, true, "wanted 2; delay 2; touch 0; ", "", 0, 0, 3 },
		/* it goes; it is not there any more, and its slot is not free yet */
		{ 70, 0, false,
		  "wanted 2; delay 2; wanted 2; victim 0, region 70; remove 0 70; wanted 1; miss 70; wanted 1; ",
		  "evict 70\nfull 70\n", 0, 0, 3 },
		{ 80, 0, true, "wanted 1; touch 1; ", "" },
		/* it is free */
		{ 70, 0, false, "cycle; wanted 1; miss 70; insert 0 70; wanted 2; delay 2; ", "admit 70\n", 0, 0, 1 },
		/* another one, and more are wanted while its commit lasts */
		{ 70, 0, true, "wanted 2; delay 2; touch 0; ", "", 0, 0, 1 },
		{ 80, 0, false,
		  "wanted 2; delay 2; wanted 2; victim 1, region 80; remove 1 80; wanted 1; miss 80; wanted 1; ",
		  "evict 80\nfull 80\n", 1, 0, 1 },
	};
	struct trace *trace = trace_of(steps, ARRAY_SIZE(steps));
	struct setup setup = {
		.slots = 2,
		.trace = trace,
		.evict_delay = 2,
		.decisions = tmpfile(),
	};
	struct counts counts;
	void *state;
	u32 i;

	if (!setup.decisions)
		die("no temporary file");
	told.refuse = 99;
	told.wanted_from = 2;
	state = start_policy(&policy_adaptive, &setup, "bytes 1 2; init 1 2; quota 2; ");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		told.victim = steps[i].victim;
		told.patience = steps[i].patience;
		play_step(state, trace->block[i], &steps[i], setup.decisions);
	}
	policy_adaptive.counts(state, &counts);
	expect_u64(counts.admitted, 5);
	expect_u64(counts.full, 2);
	expect_u64(counts.commits, 2);
	policy_adaptive.end(state);
	fclose(setup.decisions);
	trace_free(trace);
}

/* What is in a slot is there afterwards, what was retired is not. */
static void starts_anew(struct kunit *test)
{
	static const struct step steps[] = {
		{ 70, 0, false, "miss 70; insert 0 70; wanted 1; ", "admit 70\n" },
		{ 80, 0, false,
		  "miss 80; insert 1 80; wanted 2; delay 2; wanted 2; victim 0, region 70; remove 0 70; wanted 1; ",
		  "admit 80\nevict 70\n" },
		/* one more is wanted, when the commit has ended */
		{ 90, 0, false, "wanted 1; miss 90; insert 2 90; wanted 2; delay 2; ", "admit 90\n" },
		{ 80, 0, true,
		  "bytes 1 3; init 1 3; restore 1 80 101; restore 2 90 102; quota 3; touch 1; ", "" },
		{ 70, 0, false, "miss 70; insert 0 70; wanted 3; delay 3; ", "admit 70\n", 0, 0, 1 },
	};
	struct trace *trace = trace_of(steps, ARRAY_SIZE(steps));
	struct setup setup = {
		.slots = 3,
		.trace = trace,
		.evict_delay = 9,
		.restart = 3,
		.decisions = tmpfile(),
	};
	void *state;
	u32 i;

	if (!setup.decisions)
		die("no temporary file");
	told.refuse = 99;
	told.wanted_from = 2;
	state = start_policy(&policy_adaptive, &setup, "bytes 1 3; init 1 3; quota 3; ");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		told.victim = steps[i].victim;
		told.patience = steps[i].patience;
		play_step(state, trace->block[i], &steps[i], setup.decisions);
	}
	policy_adaptive.end(state);
	fclose(setup.decisions);
	trace_free(trace);
}

/* `stop` is the same driver and another kind; without parts every hit is told. */
static void stop_is_a_kind(struct kunit *test)
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

static struct kunit_case cases[] = {
	KUNIT_CASE(call_by_call),
	KUNIT_CASE(evictions_take_time),
	KUNIT_CASE(starts_anew),
	KUNIT_CASE(stop_is_a_kind),
	{}
};

static struct kunit_suite suite = {
	.name = "sim_driver",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
