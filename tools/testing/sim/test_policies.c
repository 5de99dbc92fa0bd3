// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference policies: short cases that were worked out by hand from the
 * papers; LRU, FIFO and the optimum against independent computations; and what
 * holds for every policy.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "driver.h"
#include "sim.h"
#include "expect.h"

#define MOST_ACCESSES	4000

/* ---- playing, access by access ------------------------------------------- */

static struct trace *trace_of(const u32 *id, u32 nr)
{
	struct trace *trace = trace_new("test");
	u32 i;

	for (i = 0; i < nr; i++)
		trace_add(trace, id[i], 0);
	trace_finish(trace);
	return trace;
}

/* hit[i]: was access i one? */
static void play_into(const char *name, const struct trace *trace, u32 slots, bool *hit)
{
	const struct sim_policy *policy = find_policy(name, strlen(name));
	u32 *next = next_accesses(trace);
	struct setup setup = { .slots = slots, .seed = 1, .trace = trace, .next = next };
	void *state = policy->start(&setup);
	u64 i;

	for (i = 0; i < trace->nr; i++)
		hit[i] = policy->access(state, trace->block[i], 0);
	policy->end(state);
	free(next);
}

static u32 count(const bool *hit, u32 nr)
{
	u32 hits = 0;

	while (nr--)
		hits += hit[nr];
	return hits;
}

/* A letter of @text is a block; of @wanted, h is a hit and m a miss. */
static void check_text(const char *name, u32 slots, const char *text, const char *wanted)
{
	u32 nr = strlen(text), id[64] = { 0 }, i;
	struct trace *trace;
	char got[65] = "";
	bool hit[64];

	for (i = 0; i < nr; i++)
		id[i] = text[i];
	trace = trace_of(id, nr);
	play_into(name, trace, slots, hit);
	for (i = 0; i < nr; i++)
		got[i] = hit[i] ? 'h' : 'm';
	expectf(!strcmp(got, wanted), "%s, %u slots: %s\n#   is %s\n# want %s", name, slots, text,
		got, wanted);
	trace_free(trace);
}

/*
 * ---- by hand ---------------------------------------------------------------
 *
 * Queues are written with the oldest block first.
 */

/* D pushes B out, because A was used after it: C A D; B pushes out C: A D B. */
static void lru_by_hand(struct kunit *test)
{
	check_text("lru", 3, "ABCADBDA",
			     "mmmhmmhh");
	check_text("lru", 1, "AABBA",
			     "mhmhm");
}

/* D pushes A out, although it was used: B C D; A pushes B out: C D A. */
static void fifo_by_hand(struct kunit *test)
{
	check_text("fifo", 3, "ABCADBDAB",
			      "mmmhmhhmm");
	check_text("fifo", 1, "AABBA",
			      "mhmhm");
}

/*
 * A is used.  D: A is spared, B goes: C A D.  B: C goes: A D B.  D and A are
 * used.  C: A and D are spared, B goes: A D C.  B: A goes, it was spared once
 * for one use: D C B.
 */
static void clock_by_hand(struct kunit *test)
{
	check_text("clock", 3, "ABCADBDACBDA",
			       "mmmhmmhhmmhm");
}

/*
 * Kin is 1, Kout 2.  A B C D fill A1in, for slots are free.  E: A1in is above
 * Kin, so A leaves to A1out.  A: remembered, goes to Am; B leaves: A1in C D E,
 * A1out B, Am A.  B: likewise, C leaves: A1in D E, A1out C, Am A B.  D is a hit
 * in A1in and stays where it is, A one in Am: B A.  F: D leaves: A1in E F, A1out
 * C D.  D: remembered, E leaves: A1in F, A1out C E, Am B A D.  G: A1in is not
 * above Kin, so the oldest of Am, B, goes and is forgotten: A1in F G.  B: F
 * leaves, A1out is full and forgets C: A1in G B, A1out E F.  C: G leaves: A1in
 * B C, A1out F G.  A and D are in Am.  C and B are hits in A1in.  H: B leaves,
 * A1in C H, A1out G B.  B: remembered.
 */
static void twoq_by_hand(struct kunit *test)
{
	check_text("2q", 4, "ABCDEABDAFDGBCADCBHBAB",
			    "mmmmmmmhhmmmmmhhhhmmhh");
	check_text("2q", 1, "AABBABA",
			    "mhmhmmm");
}

/*
 * T1 A B.  A: T2 A.  C: T1 is above p = 0, so B leaves to B1.  B: p is 1 now;
 * T1, C, is not above it, so A leaves T2 to B2, and B enters T2.  D: B leaves to
 * B2: T1 C D, B2 A B.  C: T2 C.  E: both directories are full, B2 forgets A; C
 * leaves to it: T1 D E, B2 B C.  B: p is 0; D leaves to B1: T1 E, T2 B, B1 D, B2
 * C.  D: p is 1; B leaves to B2: T1 E, T2 D, B2 C B.  E: T2 D E.  A: forgotten;
 * B2 forgets C, T1 is empty, so D leaves to B2: T1 A, T2 E, B2 B D.  E: hit.  C:
 * forgotten; B2 forgets B; T1 is not above p, so E leaves: T1 A C.  A: hit.
 */
static void arc_by_hand(struct kunit *test)
{
	check_text("arc", 2, "ABACBDCEBDEAECA",
			     "mmhmmmhmmmhmhmh");
	/* T1 holds c and B1 nothing: A goes and is forgotten */
	check_text("arc", 2, "ABCAB",
			     "mmmmm");
}

/*
 * Two LIR slots and one for HIR; S has its top last.  A, B are LIR.  C passes:
 * S A B C, Q C.  D: C leaves, but S remembers it: S A B C D, Q D.  C: D leaves;
 * C becomes LIR, the oldest LIR block, A, HIR: S B D C, Q A.  D: A leaves; D
 * becomes LIR, B HIR: S C D, Q B.  B: HIR, not in S: S C D B.  B again: now it is
 * in S: it becomes LIR, C HIR: S D B, Q C.  A: C leaves; S D B A, Q A.  C: A
 * leaves: S D B A C, Q C.  D: to the top; B is the oldest now: S B A C D.  B: to
 * the top; A and C are pruned: S D B, Q C.  C: hit, HIR: S D B C.  A: C leaves: S
 * D B C A, Q A.  C: A leaves, C is remembered, becomes LIR, D HIR: S B A C, Q D.
 * D: hit.
 */
static void lirs_by_hand(struct kunit *test)
{
	check_text("lirs", 3, "ABCDCDBBACDBCACD",
			      "mmmmmmhhmmhhhmmh");
	/* no LIR slot at all */
	check_text("lirs", 1, "AABBA",
			      "mhmhm");
}

/*
 * 297 LIR slots and 3 for HIR.  When all LIR blocks are used again, 1000 to 1002
 * are pruned from S but stay in Q.  A hit makes 1000 the newest of Q, so it is
 * 1001 that leaves for 1003.
 */
static void lirs_queue_by_hand(struct kunit *test)
{
	u32 id[600], nr = 0, i;
	struct trace *trace;
	bool hit[600];

	for (i = 0; i < 297; i++)
		id[nr++] = i;
	for (i = 1000; i < 1003; i++)
		id[nr++] = i;
	for (i = 0; i < 297; i++)
		id[nr++] = i;
	id[nr++] = 1000;
	id[nr++] = 1003;
	id[nr++] = 1001;
	trace = trace_of(id, nr);
	play_into("lirs", trace, 300, hit);
	expect_u64(count(hit, nr), 297 + 1);
	expect(hit[nr - 3] && !hit[nr - 2] && !hit[nr - 1]);
	trace_free(trace);
}

/*
 * A and B are used.  D: both are spared, C goes; it was the newest, so the hand
 * starts over: A B D.  E: A goes, the hand is at B: B D E.  D is used.  F: B goes,
 * the hand at D: D E F.  G: D is spared, E goes, the hand at F: D F G.  D is used.
 * E: F goes, hand at G: D G E.  D is used.  A: G goes, hand at E: D E A.  F: E
 * goes, hand at A: D A F.  A is used.  B: A is spared, F goes, the hand starts
 * over: D A B.  G: D is spared, A goes: D B G.
 */
static void sieve_by_hand(struct kunit *test)
{
	check_text("sieve", 3, "ABCABDEDFGDEDAFABGDA",
			       "mmmhhmmhmmhmhmmhmmhm");
}

/*
 * Small is 1, main and ghost 3.  A B C D fill small; A is hit twice.  E: A moves
 * to main, its hits forgotten; B leaves to the ghosts: S C D E, M A, G B.  B: a
 * ghost, enters main; C leaves: S D E, M A B, G C.  F: D leaves: S E F, G C D.
 * C: E leaves: S F, M A B C, G D E.  G: F leaves: S G, G D E F.  A: its first hit
 * in main.  D: G leaves; S is empty, M A B C D, G E F G.  H: small is below its
 * size; A goes round once more for its hit, B goes and is no ghost: S H, M C D A.
 * B: H leaves and E is forgotten: S B, G F G H.  A: hit.  E: B leaves: S E, G G H
 * B.  I: E leaves: S I, G H B E.  E: was a ghost only just now.
 */
static void s3fifo_by_hand(struct kunit *test)
{
	check_text("s3fifo", 4, "ABCDAAEBFCGADHBAEIE",
				"mmmmhhmmmmmhmmmhmmm");
	/* one hit does not move A to main: it is a ghost when C comes, and enters main then */
	check_text("s3fifo", 2, "ABACAA",
				"mmhmmh");
	check_text("s3fifo", 1, "AAABBA",
				"mhhmhm");
}

/* C never comes again, so it is not kept; B comes before A, so it is. */
static void opt_by_hand(struct kunit *test)
{
	check_text("opt", 2, "ABCAB",
			     "mmmhh");
	check_text("opt", 1, "ABBA",
			     "mmhm");
}

static void stop_by_hand(struct kunit *test)
{
	check_text("stop", 2, "ABCACB",
			      "mmmhmh");
}

/* ---- independent computations --------------------------------------------- */

/* Of the kind that makes policies differ: skewed, with runs. */
static u32 random_ids(u32 *id, u32 nr, u32 blocks)
{
	u32 i, run = 0, at = 0;

	for (i = 0; i < nr; i++) {
		if (run) {
			run--;
			at = (at + 1) % blocks;
			id[i] = at;
			continue;
		}
		if (!corcache_below(20)) {
			run = corcache_below(blocks);
			at = corcache_below(blocks);
		}
		id[i] = corcache_below(corcache_below(blocks) + 1);
	}
	return nr;
}

/* Distinct blocks since the access before to the same one; U32_MAX: there is none. */
static u32 stack_distance(const u32 *id, u32 at)
{
	u32 i, j, distinct = 0;

	for (i = at; i-- && id[i] != id[at];) {
		for (j = i + 1; j < at && id[j] != id[i]; j++)
			;
		distinct += j == at;
	}
	return i == U32_MAX ? U32_MAX : distinct;
}

/* LRU hits what is at most as far down its stack as it has slots. */
static void lru_stack_distances(struct kunit *test)
{
	u32 id[400], nr = ARRAY_SIZE(id), slots, round, i;
	bool hit[400];

	for (round = 0; round < 10; round++) {
		struct trace *trace;

		random_ids(id, nr, 2 + corcache_below(60));
		trace = trace_of(id, nr);
		for (slots = 1; slots < 64; slots += 1 + corcache_below(6)) {
			play_into("lru", trace, slots, hit);
			for (i = 0; i < nr; i++)
				expectf(hit[i] == (stack_distance(id, i) < slots),
					"%u slots, access %u", slots, i);
		}
		trace_free(trace);
	}
}

static void fifo_naive_queue(struct kunit *test)
{
	u32 id[MOST_ACCESSES], nr = MOST_ACCESSES, round, i, j;
	bool hit[MOST_ACCESSES];

	for (round = 0; round < 10; round++) {
		u32 slots = 1 + corcache_below(50), queue[50], used = 0;
		struct trace *trace;

		random_ids(id, nr, 2 + corcache_below(100));
		trace = trace_of(id, nr);
		play_into("fifo", trace, slots, hit);
		for (i = 0; i < nr; i++) {
			for (j = 0; j < used && queue[j] != id[i]; j++)
				;
			expectf(hit[i] == (j < used), "%u slots, access %u", slots, i);
			if (j < used)
				continue;
			if (used == slots)
				memmove(queue, queue + 1, --used * sizeof(u32));
			queue[used++] = id[i];
		}
		trace_free(trace);
	}
}

/* The fewest misses from access @at on with the blocks of @set in the cache. */
static u32 fewest(const u32 *id, u32 nr, u32 at, u32 set, u32 slots, s8 (*known)[64])
{
	u32 self, best, victim;

	if (at == nr)
		return 0;
	self = 1 << id[at];
	if (set & self)
		return fewest(id, nr, at + 1, set, slots, known);
	if (known[at][set] >= 0)
		return known[at][set];
	best = fewest(id, nr, at + 1, set, slots, known);
	if (__builtin_popcount(set) < (int)slots)
		best = min(best, fewest(id, nr, at + 1, set | self, slots, known));
	for (victim = 1; victim < 64; victim <<= 1)
		if (set & victim)
			best = min(best, fewest(id, nr, at + 1, (set & ~victim) | self, slots,
						known));
	known[at][set] = best + 1;
	return best + 1;
}

/* Every choice that there is, on traces of up to 6 blocks. */
static void opt_brute_force(struct kunit *test)
{
	u32 id[30], nr = ARRAY_SIZE(id), round;
	s8 known[30][64];
	bool hit[30];

	for (round = 0; round < 300; round++) {
		u32 slots = 1 + corcache_below(5), wanted;
		struct trace *trace;

		random_ids(id, nr, 2 + corcache_below(5));
		memset(known, -1, sizeof(known));
		wanted = fewest(id, nr, 0, 0, slots, known);
		trace = trace_of(id, nr);
		play_into("opt", trace, slots, hit);
		expectf(nr - count(hit, nr) == wanted, "%u slots: %u misses, possible are %u",
			slots, nr - count(hit, nr), wanted);
		trace_free(trace);
	}
}

static u32 next_use(const u32 *id, u32 nr, u32 block, u32 from)
{
	while (from < nr && id[from] != block)
		from++;
	return from;
}

/* Misses of Belady's rule, looking ahead through the trace each time. */
static u32 belady(const u32 *id, u32 nr, u32 slots)
{
	u32 cache[64], used = 0, misses = 0, i, j;

	for (i = 0; i < nr; i++) {
		u32 last = 0;

		for (j = 0; j < used && cache[j] != id[i]; j++)
			;
		if (j < used)
			continue;
		misses++;
		cache[used++] = id[i];
		if (used <= slots)
			continue;
		for (j = 1; j < used; j++)
			if (next_use(id, nr, cache[j], i + 1) >
			    next_use(id, nr, cache[last], i + 1))
				last = j;
		cache[last] = cache[--used];
	}
	return misses;
}

static void opt_naive(struct kunit *test)
{
	u32 id[1500], nr = ARRAY_SIZE(id), round;
	bool hit[1500];

	for (round = 0; round < 10; round++) {
		u32 slots = 1 + corcache_below(60), wanted;
		struct trace *trace;

		random_ids(id, nr, 2 + corcache_below(100));
		wanted = belady(id, nr, slots);
		trace = trace_of(id, nr);
		play_into("opt", trace, slots, hit);
		expectf(nr - count(hit, nr) == wanted, "%u slots: %u misses, Belady %u",
			slots, nr - count(hit, nr), wanted);
		trace_free(trace);
	}
}

/* ---- what holds for each of them ------------------------------------------ */

static void check_laws(const char *name, const struct trace *trace, u32 slots)
{
	bool hit[MOST_ACCESSES], again[MOST_ACCESSES], best[MOST_ACCESSES];
	bool *seen = get_memory(trace->nr_blocks, 1);
	u32 i;

	play_into(name, trace, slots, hit);
	play_into(name, trace, slots, again);
	expectf(!memcmp(hit, again, trace->nr), "%s, %u slots: not the same again", name, slots);
	play_into("opt", trace, slots, best);
	expectf(count(hit, trace->nr) <= count(best, trace->nr), "%s, %u slots: better than opt",
		name, slots);
	for (i = 0; i < trace->nr; i++) {
		u32 block = trace->block[i];

		expectf(!hit[i] || seen[block], "%s: a hit of what was never there", name);
		seen[block] = true;
	}
	free(seen);
}

static void laws(struct kunit *test)
{
	u32 id[MOST_ACCESSES], round, i;

	for (round = 0; round < 20; round++) {
		u32 slots = 1 + corcache_below(round < 10 ? 6 : 120);
		struct trace *trace;

		random_ids(id, MOST_ACCESSES, 2 + corcache_below(200));
		trace = trace_of(id, MOST_ACCESSES);
		for (i = 0; sim_policies[i]; i++)
			check_laws(sim_policies[i]->name, trace, slots);
		trace_free(trace);
	}
}

/*
 * What everything fits into misses each block once.  Ours keeps slots ready and
 * need not hold everything, nor do those that hand a part of it to newcomers.
 */
static void all_fits(struct kunit *test)
{
	static const char *const names[] = {
		"stop", "lru", "fifo", "clock", "random", "2q", "arc", "lirs", "sieve", "s3fifo",
		"opt",
	};
	u32 id[1000], i;
	bool hit[1000];
	struct trace *trace;

	random_ids(id, ARRAY_SIZE(id), 50);
	trace = trace_of(id, ARRAY_SIZE(id));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		play_into(names[i], trace, trace->nr_blocks, hit);
		expectf(1000 - count(hit, 1000) == trace->nr_blocks,
			"%s: %u misses, %u blocks", names[i], 1000 - count(hit, 1000),
			trace->nr_blocks);
	}
	trace_free(trace);
}

/* All slots are as likely to be emptied: the mean time of stay is the number of slots. */
static void random_is_fair(struct kunit *test)
{
	u32 slots = 8, nr = MOST_ACCESSES, id[MOST_ACCESSES], i, hits;
	bool hit[MOST_ACCESSES];
	struct trace *trace;

	/* block 0 after each other one: it stays with probability 7/8 */
	for (i = 0; i < nr; i++)
		id[i] = i % 2 ? i : 0;
	trace = trace_of(id, nr);
	play_into("random", trace, slots, hit);
	hits = count(hit, nr);
	expectf(hits > nr / 2 * 0.83 && hits < nr / 2 * 0.91, "%u hits of %u", hits, nr / 2);
	trace_free(trace);
}

/* ---- our driver ------------------------------------------------------------ */

static void driver_release(struct driver *d, u32 slot)
{
	driver_retire(d, slot);
	driver_free_retired(d);
}

/* As find_free() of the index: beside the region before, else on from the last. */
static void free_slots(struct kunit *test)
{
	/* dense numbers: 0 is region 10, 1 is 20, 2 is 11, 3 is 21, 4 is 30, 5 is 12 */
	static const u32 id[] = { 10, 20, 11, 21, 30, 12 };
	struct trace *trace = trace_of(id, ARRAY_SIZE(id));
	struct setup setup = { .slots = 5, .trace = trace };
	struct driver d;

	driver_init(&d, &setup);
	expect_int(driver_take(&d, 0), 0);
	expect_int(driver_take(&d, 1), 1);
	/* 11 would go to slot 1, which is taken; the hand is at 2 */
	expect_int(driver_take(&d, 2), 2);
	expect_int(driver_take(&d, 4), 3);
	driver_release(&d, 2);
	driver_release(&d, 0);
	/* 21 beside 20, although the hand is at 4 */
	expect_int(driver_take(&d, 3), 2);
	/* the hand is at 3: 4 is free, then round to 0, then none */
	expect_int(driver_take(&d, 2), 4);
	expect_int(driver_region(&d, 4), 11);
	/* 12 has no slot 5 to go to */
	expect_int(driver_take(&d, 5), 0);
	expect_int(d.used, 5);
	expect_int(driver_take(&d, 0), NONE);
	driver_release(&d, 3);
	expect(!driver_used(&d, 3) && driver_used(&d, 2));
	/* what is retired has no region, and is not free either */
	driver_retire(&d, 2);
	expect(!driver_used(&d, 2) && !driver_free_slot(&d, 2));
	expect_int(d.retired, 1);
	expect_int(d.used, 4);
	driver_free_retired(&d);
	expect(!driver_used(&d, 2) && driver_free_slot(&d, 2));
	expect_int(d.used, 3);
	expect_int(driver_take(&d, 3), 2);
	/* what was just taken comes last, when it is free again */
	driver_release(&d, 0);
	expect_int(driver_take(&d, 0), 3);
	driver_free(&d);
	trace_free(trace);
}

/* Numbers that 32 bits do not hold are replaced by dense ones, all or none. */
static void regions(struct kunit *test)
{
	struct trace *trace = trace_new("test");

	trace_add(trace, U32_MAX - 1, 0);
	trace_add(trace, 7, 0);
	trace_finish(trace);
	expect_u64(trace_region(trace, 0), U32_MAX - 1);
	expect_u64(trace_region(trace, 1), 7);
	trace_free(trace);
	trace = trace_new("test");
	trace_add(trace, U32_MAX, 0);
	trace_add(trace, 7, 0);
	trace_finish(trace);
	expect_u64(trace_region(trace, 0), 0);
	expect_u64(trace_region(trace, 1), 1);
	trace_free(trace);
}

static void partial_regions(struct kunit *test)
{
	struct trace *trace = trace_new("test");
	struct setup setup = { .slots = 1 };
	struct result *result;
	struct driver d;

	trace_add(trace, 5, 0x3);
	trace_add(trace, 5, 0x6);
	trace_add(trace, 5, 0x7);
	trace_add(trace, 6, 0x1);
	trace_add(trace, 6, 0x1);
	/* not what was there before it was evicted */
	trace_add(trace, 5, 0x1);
	trace_add(trace, 5, 0x2);
	trace_finish(trace);
	setup.trace = trace;

	driver_init(&d, &setup);
	driver_take(&d, 0);
	expect(!driver_fill(&d, 0, 0x3));
	expect(!driver_fill(&d, 0, 0x6));
	expect(driver_fill(&d, 0, 0x7));
	driver_release(&d, 0);
	driver_take(&d, 1);
	expect(!driver_fill(&d, 0, 0x1));
	driver_free(&d);

	result = play(find_policy("lru", 3), &setup);
	expect_u64(result->misses[0], 3);
	result_free(result);
	setup.exact = true;
	result = play(find_policy("lru", 3), &setup);
	expect_u64(result->misses[0], 5);
	expect_u64(result->accesses[0], 7);
	result_free(result);
	trace_free(trace);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(lru_by_hand),
	KUNIT_CASE(fifo_by_hand),
	KUNIT_CASE(clock_by_hand),
	KUNIT_CASE(twoq_by_hand),
	KUNIT_CASE(arc_by_hand),
	KUNIT_CASE(lirs_by_hand),
	KUNIT_CASE(lirs_queue_by_hand),
	KUNIT_CASE(sieve_by_hand),
	KUNIT_CASE(s3fifo_by_hand),
	KUNIT_CASE(opt_by_hand),
	KUNIT_CASE(stop_by_hand),
	KUNIT_CASE(lru_stack_distances),
	KUNIT_CASE(fifo_naive_queue),
	KUNIT_CASE(opt_brute_force),
	KUNIT_CASE(opt_naive),
	KUNIT_CASE(laws),
	KUNIT_CASE(all_fits),
	KUNIT_CASE(random_is_fair),
	KUNIT_CASE(free_slots),
	KUNIT_CASE(regions),
	KUNIT_CASE(partial_regions),
	{}
};

static struct kunit_suite suite = {
	.name = "sim_policies",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
