// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic workloads: what a cache of images meets, each kind pure, and
 * mixtures of everything.  The same name, parameters and seed give the same
 * accesses.
 */
#include <linux/string.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "sim.h"

#define MAX_PARAMS	8

struct synth {
	struct trace *trace;
	struct random random;
	double	value[MAX_PARAMS];
};

/* From @low to @high, both included. */
static u64 between(struct synth *s, u64 low, u64 high)
{
	return low + random_below(&s->random, high - low + 1);
}

static double uniform(struct synth *s, double low, double high)
{
	return low + random_unit(&s->random) * (high - low);
}

static void swap_numbers(u32 *a, u32 *b)
{
	u32 was = *a;

	*a = *b;
	*b = was;
}

/* All magnitudes from @low to @high alike. */
static double log_uniform(struct synth *s, double low, double high)
{
	return low * exp(random_unit(&s->random) * log(high / low));
}

static bool chance(struct synth *s, double probability)
{
	return random_unit(&s->random) < probability;
}

static void access_block(struct synth *s, u64 id)
{
	trace_add(s->trace, id, 0);
}

/* ---- loops --------------------------------------------------------------- */

/* n, loops */
static void make_loop(struct synth *s)
{
	u64 n = s->value[0], loops = s->value[1], i, j;

	for (i = 0; i < loops; i++)
		for (j = 0; j < n; j++)
			access_block(s, j);
}

/* n, loops, to, then */
static void make_shift(struct synth *s)
{
	u64 n = s->value[0], loops = s->value[1], then = s->value[3], i, j;
	u64 second = n * s->value[2];

	s->trace->base = n;
	trace_phase(s->trace, "before");
	for (i = 0; i < loops; i++)
		for (j = 0; j < n; j++)
			access_block(s, j);
	for (i = 1; i <= then; i++) {
		trace_phase(s->trace, "after %llu", i);
		for (j = 0; j < second; j++)
			access_block(s, n + j);
	}
}

/* ---- Zipf ---------------------------------------------------------------- */

/* Blocks 0 to n - 1; that of rank r is asked for in proportion to 1 / r^alpha. */
struct zipf {
	double	*sum;
	u32	*block;
	u32	n;
};

static void zipf_shuffle(struct synth *s, struct zipf *z)
{
	u32 i;

	for (i = z->n - 1; i; i--) {
		u32 j = random_below(&s->random, i + 1);

		swap_numbers(&z->block[i], &z->block[j]);
	}
}

static void zipf_init(struct synth *s, struct zipf *z, u32 n, double alpha)
{
	double sum = 0;
	u32 i;

	z->n = n;
	z->sum = get_memory(n, sizeof(double));
	z->block = get_memory(n, sizeof(u32));
	for (i = 0; i < n; i++) {
		sum += pow(i + 1, -alpha);
		z->sum[i] = sum;
		z->block[i] = i;
	}
	zipf_shuffle(s, z);
}

static void zipf_free(struct zipf *z)
{
	free(z->sum);
	free(z->block);
}

static u32 zipf_next(struct synth *s, const struct zipf *z)
{
	double where = random_unit(&s->random) * z->sum[z->n - 1];
	u32 low = 0, high = z->n - 1;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (z->sum[middle] > where)
			high = middle;
		else
			low = middle + 1;
	}
	return z->block[low];
}

/* One block becomes about as popular as any other, hot ranks as often as cold ones. */
static void zipf_drift(struct synth *s, struct zipf *z)
{
	u32 i = log_uniform(s, 1, z->n + 1) - 1;
	u32 j = random_below(&s->random, z->n);

	i = min(i, z->n - 1);
	swap_numbers(&z->block[i], &z->block[j]);
}

/* n, alpha, accesses */
static void make_zipf(struct synth *s)
{
	u64 accesses = s->value[2], i;
	struct zipf z;

	zipf_init(s, &z, s->value[0], s->value[1]);
	for (i = 0; i < accesses; i++)
		access_block(s, zipf_next(s, &z));
	zipf_free(&z);
}

/* n, alpha, accesses, every */
static void make_drift(struct synth *s)
{
	u64 accesses = s->value[2], every = s->value[3], i;
	struct zipf z;

	zipf_init(s, &z, s->value[0], s->value[1]);
	for (i = 0; i < accesses; i++) {
		if (i % every == every - 1)
			zipf_drift(s, &z);
		access_block(s, zipf_next(s, &z));
	}
	zipf_free(&z);
}

/* n, alpha, accesses, every */
static void make_jump(struct synth *s)
{
	u64 accesses = s->value[2], every = s->value[3], i;
	struct zipf z;

	zipf_init(s, &z, s->value[0], s->value[1]);
	for (i = 0; i < accesses; i++) {
		if (i % every == every - 1)
			zipf_shuffle(s, &z);
		access_block(s, zipf_next(s, &z));
	}
	zipf_free(&z);
}

/* ---- scans over a hot set ------------------------------------------------ */

/*
 * hot, alpha, accesses, cold, length, every.  While a scan runs, every second
 * access is its; the scans go on through the cold part, round and round.
 */
static void make_scan(struct synth *s)
{
	u64 hot = s->value[0], accesses = s->value[2], cold = s->value[3];
	u64 length = s->value[4], every = s->value[5], at = 0, left = 0, i;
	struct zipf z;

	zipf_init(s, &z, hot, s->value[1]);
	for (i = 0; i < accesses; i++) {
		if (i % every == every - 1)
			left = length;
		if (left && i % 2) {
			access_block(s, hot + at);
			at = (at + 1) % cold;
			left--;
		} else {
			access_block(s, zipf_next(s, &z));
		}
	}
	zipf_free(&z);
}

/* ---- images that boot on one host ---------------------------------------- */

struct boot {
	u64	image, at;	/* at: what is read next */
	u64	pause;		/* accesses of others until it begins */
};

static void next_boot(struct synth *s, struct boot *boot)
{
	double lot = random_unit(&s->random);
	u64 n = s->value[0];

	boot->image = lot < 0.6 ? 0 : lot < 0.9 ? 1 : 2;
	boot->at = 0;
	boot->pause = random_below(&s->random, n);
}

/*
 * n, boots, vms, chunk, noise.  The images read n, 1.5 n and 2 n blocks; they
 * boot 6 : 3 : 1 times; several machines at a time take turns in chunks.
 */
static void make_images(struct synth *s)
{
	u64 n = s->value[0], boots = s->value[1], chunk = s->value[3], done = 0, i;
	u32 vms = s->value[2], vm;
	struct boot *boot = get_memory(vms, sizeof(*boot));

	for (vm = 0; vm < vms; vm++)
		next_boot(s, &boot[vm]);
	while (done < boots) {
		struct boot *b = &boot[random_below(&s->random, vms)];
		u64 length = n + b->image * n / 2;
		u64 take = between(s, 1, chunk);

		if (b->pause) {
			b->pause -= min(b->pause, take);
			continue;
		}
		for (i = 0; i < take && b->at < length; i++, b->at++)
			if (!chance(s, s->value[4]))
				access_block(s, (b->image << 24) + b->at);
		if (b->at == length) {
			done++;
			next_boot(s, b);
		}
	}
	free(boot);
}

/* ---- a boot beside a scan -------------------------------------------------- */

/*
 * hot, alone, rate, then.  Boots of the hot blocks, some alone, then beside a scan
 * that reads 'rate' new ones for each of them.
 */
static void make_beside(struct synth *s)
{
	u64 hot = s->value[0], alone = s->value[1], rate = s->value[2], then = s->value[3];
	u64 next = hot, i, j, k;

	trace_phase(s->trace, "alone");
	for (i = 0; i < alone; i++)
		for (j = 0; j < hot; j++)
			access_block(s, j);
	for (i = 1; i <= then; i++) {
		trace_phase(s->trace, "beside %llu", i);
		for (j = 0; j < hot; j++) {
			access_block(s, j);
			for (k = 0; k < rate; k++)
				access_block(s, next++);
		}
	}
}

/* ---- readers beside one that reads more -------------------------------------- */

/* One access of each reader in turn; those read loops over 'hot' blocks, each its own. */
static void read_quiet(struct synth *s, u64 vms, u64 hot, u64 i)
{
	u64 vm;

	for (vm = 0; vm < vms; vm++)
		access_block(s, (vm << 24) + i % hot);
}

/*
 * vms, hot, alone, rate, noisy, then.  After some loops of the readers there is one
 * more, which reads 'rate' blocks of a loop over 'noisy' while each of them reads
 * one.  They take turns, five blocks each, in phases of their own: all those that
 * have the same name make one figure.
 */
static void make_neighbours(struct synth *s)
{
	u64 vms = s->value[0], hot = s->value[1], alone = s->value[2], rate = s->value[3];
	u64 noisy = s->value[4], then = s->value[5], loud = 0, i, j, n;

	trace_phase(s->trace, "alone");
	for (i = 0; i < alone * hot; i++)
		read_quiet(s, vms, hot, i);
	for (i = 1; i <= then; i++) {
		for (j = 0; j < hot; j += 5) {
			trace_phase(s->trace, "others %llu", i);
			for (n = j; n < hot && n < j + 5; n++)
				read_quiet(s, vms, hot, n);
			trace_phase(s->trace, "noisy %llu", i);
			for (n = 0; n < 5 * rate; n++)
				access_block(s, (vms << 24) + loud++ % noisy);
		}
	}
}

/* ---- mixtures, as disks of virtual machines see them ---------------------- */

#define MAX_AGAIN	64
#define MAX_LOOPS	2
#define AREA		(1ULL << 26)

/* A nightly backup, a report, a log that is read back. */
struct periodic {
	u64	start, length, period, due, left;
};

struct machine {
	u64	base;		/* of its disk */
	u64	now;		/* its accesses so far */
	double	weight;
	struct zipf zipf;
	double	zipf_share, seq_share;	/* the rest is seen for the first time */
	struct change {
		u64	every, due;	/* accesses; every 0: never */
	} drift, jump, phase;
	u64	seq_area, seq_at, seq_left, seq_run;
	u64	fresh;
	double	again_share;		/* of accesses that are repeated soon */
	double	again_delay;
	u32	nr_again;
	struct again {
		u64	due, id;
	} again[MAX_AGAIN];
	u32	nr_loops;
	struct periodic loop[MAX_LOOPS];
};

static void draw_shares(struct synth *s, struct machine *m)
{
	double zipf = uniform(s, 0.2, 1), seq = uniform(s, 0, 0.6), once = uniform(s, 0.02, 0.35);
	double sum = zipf + seq + once;

	m->zipf_share = zipf / sum;
	m->seq_share = seq / sum;
}

static void draw_loop(struct synth *s, struct periodic *loop, double blocks)
{
	loop->start = 3 * AREA / 4 + random_below(&s->random, AREA / 8);
	loop->length = log_uniform(s, 0.02, 0.6) * blocks;
	loop->period = loop->length * uniform(s, 1.5, 8);
	loop->due = random_below(&s->random, loop->period + 1);
}

static void draw_change(struct synth *s, struct change *change, double probability, double low,
			double high)
{
	if (chance(s, probability))
		change->every = log_uniform(s, low, high);
	change->due = change->every;
}

/* Is it time? */
static bool changes(const struct machine *m, struct change *change)
{
	if (!change->every || m->now < change->due)
		return false;
	change->due = m->now + change->every;
	return true;
}

static void draw_machine(struct synth *s, struct machine *m, u32 number, double blocks)
{
	u32 i;

	m->base = number * AREA;
	m->weight = log_uniform(s, 0.2, 1);
	draw_shares(s, m);
	zipf_init(s, &m->zipf, blocks * log_uniform(s, 0.05, 0.5) + 1, uniform(s, 0.6, 1.2));
	draw_change(s, &m->drift, 0.5, 5, 500);
	draw_change(s, &m->jump, 0.3, blocks, 10 * blocks);
	draw_change(s, &m->phase, 0.5, 0.5 * blocks, 5 * blocks);
	m->seq_area = blocks * log_uniform(s, 0.1, 1) + 1;
	m->seq_run = log_uniform(s, 2, 500);
	m->again_share = chance(s, 0.7) ? uniform(s, 0, 0.5) : 0;
	m->again_delay = log_uniform(s, 1, 300);
	m->nr_loops = chance(s, 0.3) ? between(s, 1, MAX_LOOPS) : 0;
	for (i = 0; i < m->nr_loops; i++)
		draw_loop(s, &m->loop[i], blocks);
}

static void emit(struct synth *s, struct machine *m, u64 id)
{
	access_block(s, m->base + id);
	m->now++;
}

/* It may be asked for again before long. */
static void emit_first(struct synth *s, struct machine *m, u64 id)
{
	emit(s, m, id);
	if (m->nr_again < MAX_AGAIN && chance(s, m->again_share)) {
		struct again *again = &m->again[m->nr_again++];

		again->id = id;
		again->due = m->now + 1 - m->again_delay * log(1 - random_unit(&s->random));
	}
}

static void emit_again(struct synth *s, struct machine *m)
{
	u32 i = 0;

	while (i < m->nr_again) {
		struct again again = m->again[i];

		if (again.due > m->now) {
			i++;
			continue;
		}
		m->again[i] = m->again[--m->nr_again];
		/* and perhaps once more */
		emit_first(s, m, again.id);
	}
}

static void emit_loops(struct synth *s, struct machine *m)
{
	u32 i;

	for (i = 0; i < m->nr_loops; i++) {
		struct periodic *loop = &m->loop[i];
		u64 n;

		if (!loop->left && m->now >= loop->due) {
			loop->left = loop->length;
			loop->due = m->now + loop->period;
		}
		for (n = min(loop->left, between(s, 1, 4)); n; n--)
			emit(s, m, loop->start + loop->length - loop->left--);
	}
}

static void emit_seq(struct synth *s, struct machine *m)
{
	u64 n;

	if (!m->seq_left) {
		m->seq_left = 1 - (double)m->seq_run * log(1 - random_unit(&s->random));
		m->seq_at = random_below(&s->random, m->seq_area);
	}
	n = min(m->seq_left, 8ULL);
	for (; n; n--, m->seq_left--)
		emit_first(s, m, AREA / 4 + m->seq_at++ % m->seq_area);
}

static void emit_some(struct synth *s, struct machine *m)
{
	double lot = random_unit(&s->random);

	if (changes(m, &m->drift))
		zipf_drift(s, &m->zipf);
	if (changes(m, &m->jump))
		zipf_shuffle(s, &m->zipf);
	if (changes(m, &m->phase))
		draw_shares(s, m);
	if (lot < m->zipf_share)
		emit_first(s, m, zipf_next(s, &m->zipf));
	else if (lot < m->zipf_share + m->seq_share / 8)
		emit_seq(s, m);
	else if (lot >= m->zipf_share + m->seq_share)
		emit_first(s, m, AREA / 2 + m->fresh++);
	emit_loops(s, m);
	emit_again(s, m);
}

static struct machine *draw_turn(struct synth *s, struct machine *machine, u32 nr, double weights)
{
	double lot = random_unit(&s->random) * weights;
	u32 i;

	for (i = 0; i + 1 < nr; i++) {
		lot -= machine[i].weight;
		if (lot < 0)
			break;
	}
	return &machine[i];
}

/* accesses, blocks */
static void make_mix(struct synth *s)
{
	u64 accesses = s->value[0];
	u32 nr = between(s, 1, 4), i;
	struct machine *machine = get_memory(nr, sizeof(*machine));
	double weights = 0;

	for (i = 0; i < nr; i++) {
		draw_machine(s, &machine[i], i, s->value[1] / nr);
		weights += machine[i].weight;
	}
	while (s->trace->nr < accesses) {
		struct machine *m = draw_turn(s, machine, nr, weights);
		u64 turns = between(s, 1, 32);

		while (turns--)
			emit_some(s, m);
	}
	for (i = 0; i < nr; i++)
		zipf_free(&machine[i].zipf);
	free(machine);
}

/* ---- by name --------------------------------------------------------------- */

struct param {
	const char *key;
	double	value, least;
};

static const struct workload {
	const char *name;
	const char *about;
	const char *sizes;
	void	(*make)(struct synth *synth);
	struct param param[MAX_PARAMS];
} workloads[] = {
	{ "loop", "the same n blocks in the same order, time and again",
	  "0.1,0.4,0.8,0.99", make_loop,
	  { { "n", 2000, 1 }, { "loops", 20, 1 } } },
	{ "shift", "a loop over n blocks, then one over as many others; sizes are shares of n",
	  "0.1,0.4,0.8,0.99", make_shift,
	  { { "n", 2000, 1 }, { "loops", 20, 1 }, { "to", 1, 0.001 }, { "then", 10, 1 } } },
	{ "shift-longer", "the same, then a longer loop, of n times 'to'",
	  "0.1,0.4,0.8,0.99", make_shift,
	  { { "n", 2000, 1 }, { "loops", 20, 1 }, { "to", 1.6, 0.001 }, { "then", 10, 1 } } },
	{ "shift-shorter", "the same, then a shorter loop",
	  "0.1,0.4,0.8,0.99", make_shift,
	  { { "n", 2000, 1 }, { "loops", 20, 1 }, { "to", 0.6, 0.001 }, { "then", 10, 1 } } },
	{ "zipf", "n blocks, the one of rank r in proportion to r to the power of -alpha",
	  "0.01,0.1,0.4", make_zipf,
	  { { "n", 20000, 1 }, { "alpha", 0.9, 0 }, { "accesses", 400000, 1 } } },
	{ "drift", "the same, but every 'every' accesses two blocks change their ranks",
	  "0.01,0.1,0.4", make_drift,
	  { { "n", 20000, 1 }, { "alpha", 0.9, 0 }, { "accesses", 400000, 1 },
	    { "every", 20, 1 } } },
	{ "jump", "the same, but every 'every' accesses all ranks are drawn anew",
	  "0.01,0.1,0.4", make_jump,
	  { { "n", 20000, 1 }, { "alpha", 0.9, 0 }, { "accesses", 400000, 1 },
	    { "every", 80000, 1 } } },
	{ "scan", "Zipf over 'hot' blocks; every 'every' accesses a scan of 'length' of 'cold' others",
	  "0.01,0.1,0.4", make_scan,
	  { { "hot", 5000, 1 }, { "alpha", 0.8, 0 }, { "accesses", 400000, 1 },
	    { "cold", 20000, 1 }, { "length", 4000, 1 }, { "every", 20000, 1 } } },
	{ "beside", "boots of 'hot' blocks, then beside a scan that reads 'rate' new blocks for each of them",
	  "2000", make_beside,
	  { { "hot", 1900, 1 }, { "alone", 5, 0 }, { "rate", 4, 0 }, { "then", 6, 1 } } },
	{ "neighbours", "readers that each loop over 'hot' blocks, then one more that loops over 'noisy', 'rate' times\n"
	  "                 as fast as each of them",
	  "2000", make_neighbours,
	  { { "vms", 4, 1 }, { "hot", 450, 1 }, { "alone", 8, 0 }, { "rate", 16, 0 },
	    { "noisy", 2000, 1 }, { "then", 20, 1 } } },
	{ "images", "three images of n, 1.5 n and 2 n blocks boot at random times, 6 : 3 : 1",
	  "0.1,0.25,0.4,0.6,0.8", make_images,
	  { { "n", 1000, 1 }, { "boots", 100, 1 }, { "vms", 3, 1 }, { "chunk", 64, 1 },
	    { "noise", 0.02, 0 } } },
	{ "mix", "disks of 1 to 4 machines, drawn from the seed: Zipf that may drift or jump, runs,\n"
	  "                 blocks seen once, repeated soon, backups; how much of each changes",
	  "0.01,0.1,0.4", make_mix,
	  { { "accesses", 400000, 1 }, { "blocks", 40000, 100 } } },
};

const char *workload_name(unsigned int n)
{
	return n < ARRAY_SIZE(workloads) ? workloads[n].name : NULL;
}

void list_workloads(FILE *to)
{
	const struct param *p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(workloads); i++) {
		fprintf(to, "  %-14s %s\n                 ", workloads[i].name, workloads[i].about);
		for (p = workloads[i].param; p < workloads[i].param + MAX_PARAMS && p->key; p++)
			fprintf(to, "%s%s=%g", p == workloads[i].param ? "" : ",", p->key, p->value);
		fprintf(to, "; sizes %s\n", workloads[i].sizes);
	}
}

static const struct workload *find_workload(const char *name, size_t length)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		if (strlen(workloads[i].name) == length && !memcmp(workloads[i].name, name, length))
			return &workloads[i];
	die("--synthetic '%.*s' is not known: see --list", (int)length, name);
}

static int find_param(const struct workload *w, const char *key, size_t length)
{
	int i;

	for (i = 0; i < MAX_PARAMS && w->param[i].key; i++)
		if (strlen(w->param[i].key) == length && !memcmp(w->param[i].key, key, length))
			return i;
	die("--synthetic %s: it has no '%.*s': see --list", w->name, (int)length, key);
}

/* key=value,key=value */
static void parse_params(const struct workload *w, const char *text, double *value)
{
	while (*text) {
		size_t length = strcspn(text, "=,");
		int i = find_param(w, text, length);
		char *end;

		if (text[length] != '=')
			die("--synthetic %s: '%s' needs a value, as in %s=%g", w->name,
			    text, w->param[i].key, w->param[i].value);
		text += length + 1;
		errno = 0;
		value[i] = strtod(text, &end);
		/* numbers above this are not exact, and nothing has so many of anything */
		if (end == text || (*end && *end != ',') || errno ||
		    !(value[i] >= w->param[i].least && value[i] <= 4e9))
			die("--synthetic %s: %s '%.*s' is not a number from %g to 4e9", w->name,
			    w->param[i].key, (int)strcspn(text, ","), text, w->param[i].least);
		text = *end ? end + 1 : end;
	}
}

struct trace *synthesize(const char *what, u64 seed)
{
	size_t length = strcspn(what, ":");
	const struct workload *w = find_workload(what, length);
	struct synth s = { .trace = trace_new(what), .random = { seed } };
	int i;

	for (i = 0; i < MAX_PARAMS; i++)
		s.value[i] = w->param[i].value;
	if (what[length])
		parse_params(w, what + length + 1, s.value);
	s.trace->seed = seed;
	s.trace->sizes = w->sizes;
	w->make(&s);
	return s.trace;
}
