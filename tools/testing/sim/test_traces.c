// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces and workloads: what is built from accesses, and whether the generated
 * ones are what their names say.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "sim.h"
#include "expect.h"

/* ---- traces ----------------------------------------------------------------- */

static void dense_numbers(struct kunit *test)
{
	u64 id[2000], i, j;
	struct trace *trace = trace_new("test");

	for (i = 0; i < ARRAY_SIZE(id); i++) {
		/* small ones repeat, large ones have all their bits */
		id[i] = corcache_below(2) ? corcache_below(500) : corcache_random();
		trace_add(trace, id[i], 0);
	}
	trace_finish(trace);
	expect_u64(trace->nr, ARRAY_SIZE(id));
	for (i = 0; i < ARRAY_SIZE(id); i++)
		expect_u64(trace->id[trace->block[i]], id[i]);
	for (i = 0; i < trace->nr_blocks; i++) {
		u32 prev = NONE;

		for (j = 0; j < trace->nr_blocks; j++) {
			expect(i == j || trace->id[i] != trace->id[j]);
			if (trace->id[i] && trace->id[j] == trace->id[i] - 1)
				prev = j;
		}
		expect_u64(trace->prev[i], prev);
	}
	trace_free(trace);
}

static void repeated(struct kunit *test)
{
	struct trace *trace = trace_new("test");
	u32 i;

	for (i = 0; i < 5; i++)
		trace_add(trace, 100 + i % 4, 1ULL << i);
	trace_repeat(trace, 3);
	trace_finish(trace);
	expect_u64(trace->nr, 15);
	expect_u64(trace->nr_blocks, 4);
	expect_u64(trace->nr_phases, 3);
	for (i = 0; i < 15; i++) {
		expect_u64(trace->id[trace->block[i]], 100 + i % 5 % 4);
		expect_u64(trace->bits[i], 1ULL << i % 5);
	}
	for (i = 0; i < 3; i++)
		expect_u64(trace->phase[i].start, 5 * i);
	expect_string(trace->phase[2].name, "3");
	trace_free(trace);
}

static void next_ones(struct kunit *test)
{
	struct trace *trace = trace_new("test");
	u32 i, j, *next;

	for (i = 0; i < 1000; i++)
		trace_add(trace, corcache_below(100), 0);
	trace_finish(trace);
	next = next_accesses(trace);
	for (i = 0; i < 1000; i++) {
		for (j = i + 1; j < 1000 && trace->block[j] != trace->block[i]; j++)
			;
		expect_u64(next[i], j < 1000 ? j : NONE);
	}
	free(next);
	trace_free(trace);
}

static void sizes(struct kunit *test)
{
	struct trace *trace = trace_new("test");
	u32 i;

	for (i = 0; i < 2000; i++)
		trace_add(trace, i, 0);
	trace_finish(trace);
	expect_u64(share_slots(trace, 0.4), 800);
	/* 0.29 is a little less in binary */
	expect_u64(share_slots(trace, 0.29), 580);
	expect_u64(share_slots(trace, 0.0009), 1);
	expect_u64(share_slots(trace, 0.0000001), 1);
	expect_u64(share_slots(trace, 1), 2000);
	trace->base = 1000;
	expect_u64(share_slots(trace, 0.4), 400);
	trace->base = 4000;
	expect_u64(share_slots(trace, 1), 2000);
	trace_free(trace);
}

/* ---- workloads -------------------------------------------------------------- */

static struct trace *make(const char *what, u64 seed)
{
	struct trace *trace = synthesize(what, seed);

	trace_finish(trace);
	return trace;
}

static u64 id_of(const struct trace *trace, u64 access)
{
	return trace->id[trace->block[access]];
}

static u32 distinct(const struct trace *trace, u64 from, u64 to)
{
	bool *seen = get_memory(trace->nr_blocks, 1);
	u32 nr = 0;

	for (; from < to; from++) {
		nr += !seen[trace->block[from]];
		seen[trace->block[from]] = true;
	}
	free(seen);
	return nr;
}

static bool same(const struct trace *a, const struct trace *b)
{
	u64 i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if (id_of(a, i) != id_of(b, i))
			return false;
	return true;
}

/* The same seed gives the same, and another one another if there is any chance in it. */
static void seeds(struct kunit *test)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = workload_name(i)); i++) {
		u64 seed = corcache_random();
		struct trace *a = make(name, seed), *b = make(name, seed);
		struct trace *c = make(name, seed + 1);
		bool chance = strncmp(name, "loop", 4) && strncmp(name, "shift", 5) &&
			      strcmp(name, "beside") && strcmp(name, "neighbours");

		expectf(same(a, b), "%s: seed 0x%llx: not the same again", name, seed);
		expectf(same(a, c) != chance, "%s: seeds 0x%llx and + 1", name, seed);
		expectf(a->seed == seed && a->sizes, "%s", name);
		trace_free(a);
		trace_free(b);
		trace_free(c);
	}
}

static void loop(struct kunit *test)
{
	struct trace *trace = make("loop:n=7,loops=3", 1);
	u64 i;

	expect_u64(trace->nr, 21);
	expect_u64(trace->base, 7);
	for (i = 0; i < trace->nr; i++)
		expect_u64(id_of(trace, i), i % 7);
	trace_free(trace);
}

static void shift(struct kunit *test)
{
	struct trace *trace = make("shift:n=10,loops=2,to=1.5,then=3", 1);
	u64 i;

	expect_u64(trace->nr, 2 * 10 + 3 * 15);
	expect_u64(trace->nr_blocks, 25);
	expect_u64(trace->base, 10);
	expect_u64(trace->nr_phases, 4);
	for (i = 0; i < trace->nr; i++)
		expect_u64(id_of(trace, i), i < 20 ? i % 10 : 10 + (i - 20) % 15);
	for (i = 1; i < 4; i++)
		expect_u64(trace->phase[i].start, 20 + (i - 1) * 15);
	trace_free(trace);
}

static int by_size(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* How often each block is asked for from @from to @to, the most popular first. */
static u32 *popularity(const struct trace *trace, u64 from, u64 to)
{
	u32 *count = get_memory(trace->nr_blocks, sizeof(u32));

	for (; from < to; from++)
		count[trace->block[from]]++;
	qsort(count, trace->nr_blocks, sizeof(u32), by_size);
	return count;
}

/* Rank 1 and, summed up because single counts scatter, ranks 10 to 19, against the formula. */
static void check_zipf(const struct trace *trace, double first, double tens)
{
	u32 *count = popularity(trace, 0, trace->nr), sum = 0, i;

	for (i = 9; i < 19; i++)
		sum += count[i];
	expectf(count[0] > 0.94 * first * trace->nr && count[0] < 1.06 * first * trace->nr,
		"%s: rank 1: %u, wanted %g", trace->name, count[0], first * trace->nr);
	expectf(sum > 0.94 * tens * trace->nr && sum < 1.06 * tens * trace->nr,
		"%s: ranks 10 to 19: %u, wanted %g", trace->name, sum, tens * trace->nr);
	free(count);
}

/*
 * With n = 1000: the sum of r^-1 is 7.48547, of which 10 to 19 are 0.71877; that
 * of r^-0.5 is 61.8010, of which 10 to 19 are 2.66813.
 */
static void zipf(struct kunit *test)
{
	u64 seed = corcache_random();
	struct trace *trace = make("zipf:n=1000,alpha=1,accesses=200000", seed);

	expect_u64(trace->nr, 200000);
	expect_u64(trace->nr_blocks, 1000);
	check_zipf(trace, 1 / 7.48547, 0.71877 / 7.48547);
	trace_free(trace);
	trace = make("zipf:n=1000,alpha=0.5,accesses=200000", seed);
	check_zipf(trace, 1 / 61.8010, 2.66813 / 61.8010);
	trace_free(trace);
}

/* Of the @nr most popular blocks of the first part, how many are so in the last? */
static u32 still_popular(const struct trace *trace, u64 part, u32 nr)
{
	u32 *first = get_memory(trace->nr_blocks, sizeof(u32));
	u32 *last = get_memory(trace->nr_blocks, sizeof(u32));
	u32 *sorted_first = popularity(trace, 0, part);
	u32 *sorted_last = popularity(trace, trace->nr - part, trace->nr);
	u32 still = 0, block;
	u64 i;

	for (i = 0; i < part; i++) {
		first[trace->block[i]]++;
		last[trace->block[trace->nr - 1 - i]]++;
	}
	for (block = 0; block < trace->nr_blocks; block++)
		still += first[block] > sorted_first[nr] && last[block] > sorted_last[nr];
	free(first);
	free(last);
	free(sorted_first);
	free(sorted_last);
	return still;
}

/* Popularity stays, moves a little, moves far, or jumps. */
static void drifts(struct kunit *test)
{
	u64 seed = corcache_random();
	struct trace *stays = make("zipf:n=2000,alpha=1,accesses=200000", seed);
	struct trace *slow = make("drift:n=2000,alpha=1,accesses=200000,every=3000", seed);
	struct trace *fast = make("drift:n=2000,alpha=1,accesses=200000,every=50", seed);
	struct trace *jumps = make("jump:n=2000,alpha=1,accesses=200000,every=60000", seed);
	u32 a = still_popular(stays, 50000, 30), b = still_popular(slow, 50000, 30);
	u32 c = still_popular(fast, 50000, 30), d = still_popular(jumps, 50000, 30);

	expectf(a > 22 && b < a && b > 2 && c < 5 && d < 5,
		"of the 30 most popular blocks are so in the end: %u, slow %u, fast %u, jump %u",
		a, b, c, d);
	trace_free(stays);
	trace_free(slow);
	trace_free(fast);
	trace_free(jumps);
}

/* The hot set is alone until the first scan; then every second access is cold, each block once. */
static void scan(struct kunit *test)
{
	static const char what[] =
		"scan:hot=500,alpha=0.5,accesses=10000,cold=3000,length=1000,every=4000";
	struct trace *trace = make(what, corcache_random());
	u64 i, cold = 0;

	for (i = 0; i < 3999; i++)
		expect(id_of(trace, i) < 500);
	for (i = 3999; i < 6000; i++) {
		if (id_of(trace, i) < 500)
			continue;
		expect_u64(id_of(trace, i), 500 + cold++);
		expect(i % 2);
	}
	expect_u64(cold, 1000);
	expect(distinct(trace, 0, trace->nr) <= 500 + 3000);
	trace_free(trace);
}

/* Each image is read from its start to its end, but for the noise. */
static void images(struct kunit *test)
{
	struct trace *trace = make("images:n=200,boots=50,vms=1,noise=0", corcache_random());
	u32 boots[3] = { 0 }, at = 0;
	u64 i, image = 0;

	for (i = 0; i < trace->nr; i++) {
		u64 id = id_of(trace, i);

		if (!at)
			image = id >> 24;
		expect_u64(id, (image << 24) + at);
		if (image < 3 && ++at == 200 + 100 * image) {
			boots[image]++;
			at = 0;
		}
	}
	expect_u64(boots[0] + boots[1] + boots[2], 50);
	expectf(boots[0] > boots[2] && boots[0] > 15, "boots: %u, %u, %u", boots[0], boots[1],
		boots[2]);
	trace_free(trace);

	/* one boot in ten is of the last image: with so many, it is among them */
	trace = make("images:n=200,boots=500,vms=4,noise=0", corcache_random());
	expect_u64(trace->nr_blocks, 200 + 300 + 400);
	trace_free(trace);
}

/* As long as it should be; something is seen once, something often, and seeds differ in size. */
static void mix(struct kunit *test)
{
	u32 least = U32_MAX, most = 0, i;
	u64 seed = corcache_random();

	for (i = 0; i < 12; i++) {
		struct trace *trace = make("mix:accesses=60000,blocks=6000", seed + i);
		u32 *count = popularity(trace, 0, trace->nr), once = 0, j;

		for (j = 0; j < trace->nr_blocks; j++)
			once += count[j] == 1;
		expectf(trace->nr >= 60000 && trace->nr < 61000, "seed 0x%llx: %llu accesses",
			seed + i, trace->nr);
		expectf(once > trace->nr_blocks / 20 && once < trace->nr_blocks,
			"seed 0x%llx: %u of %u blocks are seen once", seed + i, once,
			trace->nr_blocks);
		expectf(count[0] > 20, "seed 0x%llx: at most %u times", seed + i, count[0]);
		least = min(least, trace->nr_blocks);
		most = max(most, trace->nr_blocks);
		free(count);
		trace_free(trace);
	}
	expectf(most > least + least / 4, "from %u to %u blocks", least, most);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(dense_numbers),
	KUNIT_CASE(repeated),
	KUNIT_CASE(next_ones),
	KUNIT_CASE(sizes),
	KUNIT_CASE(seeds),
	KUNIT_CASE(loop),
	KUNIT_CASE(shift),
	KUNIT_CASE(zipf),
	KUNIT_CASE(drifts),
	KUNIT_CASE(scan),
	KUNIT_CASE(images),
	KUNIT_CASE(mix),
	{}
};

static struct kunit_suite suite = {
	.name = "sim_traces",
	.suite_init = corcache_test_suite_init,
	.init = corcache_test_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
