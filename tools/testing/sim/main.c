// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache-sim: plays traces through replacement policies at a list of cache
 * sizes, and says how much each one missed.
 */
#include <linux/string.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "sim.h"

#define MAX_SIZES	64
#define MAX_POLICIES	32
#define DEFAULT_SIZES	"0.01,0.1,0.4"

/* @share of the trace's base, or, if that is 0, @blocks. */
struct size {
	char	*text;
	double	share;
	u32	blocks;
};

struct sizes {
	struct size size[MAX_SIZES];
	u32	nr;
};

/* Over all traces, of one size and one policy. */
struct total {
	char	*size;
	const struct sim_policy *policy;
	u32	traces;
	double	ratio, cut, worst;
};

static struct options {
	struct read_options read;
	const char *sizes;
	u64	seed, seeds, repeat, every, restart;
	u32	slots;
	u32	evict_delay;
	bool	exact, csv, phases, summary, decisions, counts, no_hints;
	const struct sim_policy *policy[MAX_POLICIES];
	u32	nr_policies;
	int	name_width;
} options = {
	.read = { .format = "csv", .block = 65536 },
	.seed = 1,
	.seeds = 1,
	.repeat = 1,
};

static struct total *totals;
static u32 nr_totals;

/* ---- the command line ---------------------------------------------------- */

static const char usage[] =
	"corcache-sim (--trace FILE | --synthetic WORKLOAD)... [OPTION]...\n"
	"\n"
	"Plays traces of block accesses through dm-corcache's policy and others, and prints how many accesses miss, and how\n"
	"many fewer than with LRU (cut).\n"
	"\n"
	"  --trace FILE           a trace; - is standard input. Can be given several times, as can --synthetic\n"
	"  --format FORMAT        of the traces: csv (default), oracle, lcscsv or blocks; see below\n"
	"  --block SIZE           bytes of a block (a region of the cache) for csv, a power of two: 64K (default), 4096, 1M\n"
	"  --fill SIZE            csv: a region is filled in blocks of this size, as in the kernel. A read of a region that is\n"
	"                         cached counts as a hit, for all policies; but ours learns only of those reads that find\n"
	"                         everything. Without it a region is filled whole\n"
	"  --exact                with --fill: a read counts as a hit only if all that it asks for is there, for all policies;\n"
	"                         the optimum, which is that of whole regions, is no bound then\n"
	"  --columns SPEC         lcscsv: which field is the object, as in obj-id-col=2\n"
	"  --repeat N             the trace N times, one after the other; each is a phase\n"
	"  --every N              a phase is N accesses long\n"
	"  --synthetic NAME[:KEY=VALUE,...]\n"
	"                         a generated workload; --list shows them\n"
	"  --seed N               what it is generated from (default 1)\n"
	"  --seeds N              N times, with N seeds from --seed on\n"
	"  --sizes LIST           of the cache: shares of the trace's distinct blocks up to 1, or a number of blocks above 1;\n"
	"                         default: what suits the workload, or " DEFAULT_SIZES ". At least 1 block\n"
	"  --policies LIST        default: all; --list shows them\n"
	"  --slots N              our policies: slots on the cache device; default: as many as --sizes says\n"
	"  --evict-delay N        our policies: a slot that is emptied is free N accesses later, as with a commit of that length;\n"
	"                         default: 0. How many misses were to get a slot (admitted), how many of them found none free\n"
	"                         (full), and how many commits freed slots is shown as well\n"
	"  --restart N            our policies: after N accesses what they know is lost, but for the hints that are stored\n"
	"                         with the slots\n"
	"  --no-hints             with --restart: without them\n"
	"  --phases               a line per phase, too\n"
	"  --summary              mean and worst case over all traces, and nothing else\n"
	"  --csv                  comma-separated values with a header, for plot.py and others\n"
	"  --decisions            no table: what our policy decides, in order: 'admit', 'reject', 'full' (admitted, but no slot\n"
	"                         was free) or 'evict', and the block; wants one trace, one size and one policy\n"
	"  --list                 the workloads, with parameters and their defaults, and the policies\n"
	"  --help                 this\n"
	"\n"
	"Formats:\n";

static u64 number(const char *option, const char *text, u64 least, u64 most)
{
	u64 value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end || errno || value < least || value > most)
		die("--%s '%s' is not a whole number from %llu to %llu", option, text, least, most);
	return value;
}

static u64 byte_size(const char *option, const char *text)
{
	u64 value, unit = 1;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end == 'k' || *end == 'K')
		unit = 1 << 10;
	else if (*end == 'm' || *end == 'M')
		unit = 1 << 20;
	if (unit > 1)
		end++;
	if (!isdigit((unsigned char)*text) || *end || errno || !value || value & (value - 1) ||
	    value > (1ULL << 30) / unit)
		die("--%s '%s' is not a power of two up to 1 GiB, as in 4096, 64K or 1M", option,
		    text);
	return value * unit;
}

static void add_size(struct sizes *sizes, const char *text, size_t length)
{
	struct size *size = &sizes->size[sizes->nr];
	char *end;
	double value;

	if (sizes->nr++ == MAX_SIZES)
		die("--sizes has more than %u sizes", MAX_SIZES);
	size->text = format_text("%.*s", (int)length, text);
	value = strtod(size->text, &end);
	if (!*size->text || *end || !(value > 0) || value > NONE - 64 ||
	    (value > 1 && value != (u32)value))
		die("--sizes: '%s' is neither a share above 0 up to 1 nor a whole number of blocks",
		    size->text);
	size->share = value <= 1 ? value : 0;
	size->blocks = value <= 1 ? 0 : value;
}

static void parse_sizes(struct sizes *sizes, const char *text)
{
	sizes->nr = 0;
	for (;;) {
		size_t length = strcspn(text, ",");

		add_size(sizes, text, length);
		if (!text[length])
			return;
		text += length + 1;
	}
}

static void free_sizes(struct sizes *sizes)
{
	while (sizes->nr)
		free(sizes->size[--sizes->nr].text);
}

static void parse_policies(const char *text)
{
	options.nr_policies = 0;
	for (;;) {
		size_t length = strcspn(text, ",");
		const struct sim_policy *policy = find_policy(text, length);

		if (!policy)
			die("--policies: '%.*s' is not known: see --list", (int)length, text);
		if (options.nr_policies == MAX_POLICIES)
			die("--policies has more than %u policies", MAX_POLICIES);
		options.policy[options.nr_policies++] = policy;
		if (!text[length])
			return;
		text += length + 1;
	}
}

static void all_policies(void)
{
	for (; sim_policies[options.nr_policies]; options.nr_policies++)
		options.policy[options.nr_policies] = sim_policies[options.nr_policies];
}

static void list(void)
{
	unsigned int i;

	printf("Workloads for --synthetic:\n");
	list_workloads(stdout);
	printf("\nPolicies:\n");
	for (i = 0; sim_policies[i]; i++)
		printf("  %-14s %s\n", sim_policies[i]->name, sim_policies[i]->about);
}

/* ---- output ---------------------------------------------------------------- */

static void print_header(void)
{
	if (options.csv)
		printf("trace,seed,phase,size,slots,policy,accesses,misses,miss_ratio,cut%s\n",
		       options.counts ? ",admitted,full,commits" : "");
	else
		printf("%-*s %5s%s %6s %8s %-8s %10s %10s %10s %8s%s\n", options.name_width, "trace",
		       "seed", options.phases ? " phase     " : "", "size", "slots", "policy",
		       "accesses", "misses", "miss ratio", "cut",
		       options.counts ? "   admitted       full    commits" : "");
}

static void print_name(const char *name)
{
	if (!options.csv)
		printf("%-*s", options.name_width, name);
	else if (strpbrk(name, ",\""))
		printf("\"%s\"", name);
	else
		printf("%s", name);
}

static double ratio_of(u64 misses, u64 accesses)
{
	return accesses ? (double)misses / accesses : 0;
}

static double cut_of(u64 misses, u64 lru)
{
	return lru ? ((double)lru - misses) / lru : 0;
}

struct row {
	const struct trace *trace;
	const struct size *size;
	u32	slots;
	const struct sim_policy *policy;
};

/* The end of a line; NULL: of a phase, for which nothing was counted. */
static void print_counts(const struct counts *counts)
{
	const char *format = options.csv ? ",%llu,%llu,%llu\n" : " %10llu %10llu %10llu\n";

	if (options.counts && counts)
		printf(format, counts->admitted, counts->full, counts->commits);
	else
		printf(options.counts && options.csv ? ",,,\n" : "\n");
}

static void print_row(const struct row *row, const char *phase, u64 accesses, u64 misses, u64 lru,
		      const struct counts *counts)
{
	print_name(row->trace->name);
	if (options.csv) {
		printf(",%llu,%s,%s,%u,%s,%llu,%llu,%.6f,%.6f", row->trace->seed, phase,
		       row->size->text, row->slots, row->policy->name, accesses, misses,
		       ratio_of(misses, accesses), cut_of(misses, lru));
		print_counts(counts);
		return;
	}
	if (row->trace->seed)
		printf(" %5llu", row->trace->seed);
	else
		printf(" %5s", "-");
	if (options.phases)
		printf(" %-10s", phase);
	printf(" %6s %8u %-8s %10llu %10llu %10.4f %7.2f%%", row->size->text, row->slots,
	       row->policy->name, accesses, misses, ratio_of(misses, accesses),
	       100 * cut_of(misses, lru));
	print_counts(counts);
}

static u64 sum(const u64 *values, u32 nr)
{
	u64 total = 0;

	while (nr)
		total += values[--nr];
	return total;
}

static void add_total(const struct row *row, double ratio, double cut)
{
	struct total *t;
	u32 i;

	for (i = 0; i < nr_totals; i++)
		if (totals[i].policy == row->policy && !strcmp(totals[i].size, row->size->text))
			break;
	if (i == nr_totals) {
		totals = grow_memory(totals, ++nr_totals, sizeof(*totals));
		totals[i] = (struct total){
			.size = format_text("%s", row->size->text),
			.policy = row->policy,
			.worst = cut,
		};
	}
	t = &totals[i];
	t->traces++;
	t->ratio += ratio;
	t->cut += cut;
	t->worst = min(t->worst, cut);
}

static void report(const struct row *row, const struct result *result, const struct result *lru)
{
	u32 nr = row->trace->nr_phases, p;
	u64 accesses = sum(result->accesses, nr);
	u64 misses = sum(result->misses, nr), lru_misses = sum(lru->misses, nr);

	add_total(row, ratio_of(misses, accesses), cut_of(misses, lru_misses));
	if (options.summary)
		return;
	if (options.phases && nr > 1)
		for (p = 0; p < nr; p++)
			print_row(row, row->trace->phase[p].name, result->accesses[p],
				  result->misses[p], lru->misses[p], NULL);
	print_row(row, "all", accesses, misses, lru_misses, &result->counts);
}

static void print_totals(void)
{
	u32 i;

	if (options.csv)
		printf("size,policy,traces,mean_miss_ratio,mean_cut,worst_cut\n");
	else
		printf("%6s %-8s %6s %15s %9s %9s\n", "size", "policy", "traces", "mean miss ratio",
		       "mean cut", "worst cut");
	for (i = 0; i < nr_totals; i++) {
		const struct total *t = &totals[i];
		const char *format = options.csv ? "%s,%s,%u,%.6f,%.6f,%.6f\n" :
					"%6s %-8s %6u %15.4f %8.2f%% %8.2f%%\n";
		double unit = options.csv ? 1 : 100;

		printf(format, t->size, t->policy->name, t->traces, t->ratio / t->traces,
		       unit * t->cut / t->traces, unit * t->worst);
	}
}

/* ---- running ---------------------------------------------------------------- */

/* LRU, the measure, is played first, whether it is asked for or not. */
static void run_size(struct setup *setup, const struct size *size)
{
	const struct sim_policy *measure = find_policy("lru", 3);
	struct row row = { .trace = setup->trace, .size = size };
	struct result *lru, *result;
	u32 i;

	row.slots = setup->slots = size->share ? share_slots(setup->trace, size->share) :
						 size->blocks;
	setup->device_slots = options.slots;
	if (options.slots && options.slots < setup->slots)
		die("--slots %u: the cache of %u blocks (--sizes %s) does not fit", options.slots,
		    setup->slots, size->text);
	if (setup->decisions) {
		result_free(play(options.policy[0], setup));
		return;
	}
	lru = play(measure, setup);
	for (i = 0; i < options.nr_policies; i++) {
		row.policy = options.policy[i];
		result = row.policy == measure ? lru : play(row.policy, setup);
		report(&row, result, lru);
		if (result != lru)
			result_free(result);
	}
	result_free(lru);
	fflush(stdout);
}

static void add_phases(struct trace *trace, u64 every)
{
	u64 nr = trace->nr, i;

	for (i = 0; i * every < nr; i++) {
		trace->nr = i * every;
		trace_phase(trace, "%llu", i + 1);
	}
	trace->nr = nr;
}

static void run_trace(struct trace *trace)
{
	const char *text = options.sizes ?: trace->sizes ?: DEFAULT_SIZES;
	struct setup setup = {
		.seed = options.seed,
		.trace = trace,
		.exact = options.exact,
		.evict_delay = options.evict_delay,
		.restart = options.restart,
		.no_hints = options.no_hints,
	};
	u32 *next = NULL;
	struct sizes sizes;
	u32 i;

	if (options.every && trace->nr_phases)
		die("--every: %s has phases of its own", trace->name);
	if (options.every)
		add_phases(trace, options.every);
	trace_finish(trace);
	parse_sizes(&sizes, text);
	if (options.decisions) {
		setup.decisions = stdout;
		if (sizes.nr > 1)
			die("--decisions: %u sizes; one is wanted", sizes.nr);
	}
	for (i = 0; i < options.nr_policies && !next; i++)
		if (options.policy[i]->clairvoyant)
			next = next_accesses(trace);
	setup.next = next;
	for (i = 0; i < sizes.nr; i++)
		run_size(&setup, &sizes.size[i]);
	free_sizes(&sizes);
	free(next);
	trace_free(trace);
}

static void run_source(bool synthetic, const char *name)
{
	struct trace *trace;
	u64 i;

	if (!synthetic) {
		trace = read_trace(name, &options.read);
		trace_repeat(trace, options.repeat);
		run_trace(trace);
		return;
	}
	for (i = 0; i < options.seeds; i++) {
		trace = synthesize(name, options.seed + i);
		if (options.repeat > 1 && trace->nr_phases)
			die("--repeat: %s has phases of its own", name);
		trace_repeat(trace, options.repeat);
		run_trace(trace);
	}
}

struct source {
	bool	synthetic;
	const char *name;
};

static struct source *sources;
static u32 nr_sources;

static void add_source(bool synthetic, const char *name)
{
	const char *base = synthetic ? NULL : strrchr(name, '/');

	sources = grow_memory(sources, nr_sources + 1, sizeof(*sources));
	sources[nr_sources++] = (struct source){ synthetic, name };
	options.name_width = max(options.name_width, (int)strlen(base ? base + 1 : name));
}

enum { TRACE, FORMAT, BLOCK, FILL, COLUMNS, REPEAT, EVERY, EXACT, SYNTHETIC, SEED, SEEDS, SIZES,
	POLICIES, SLOTS, EVICT_DELAY, RESTART, NO_HINTS, PHASES, SUMMARY, CSV, DECISIONS, LIST, HELP };

static const struct option long_options[] = {
	{ "trace", required_argument, NULL, TRACE },
	{ "format", required_argument, NULL, FORMAT },
	{ "block", required_argument, NULL, BLOCK },
	{ "fill", required_argument, NULL, FILL },
	{ "columns", required_argument, NULL, COLUMNS },
	{ "repeat", required_argument, NULL, REPEAT },
	{ "every", required_argument, NULL, EVERY },
	{ "exact", no_argument, NULL, EXACT },
	{ "synthetic", required_argument, NULL, SYNTHETIC },
	{ "seed", required_argument, NULL, SEED },
	{ "seeds", required_argument, NULL, SEEDS },
	{ "sizes", required_argument, NULL, SIZES },
	{ "policies", required_argument, NULL, POLICIES },
	{ "slots", required_argument, NULL, SLOTS },
	{ "evict-delay", required_argument, NULL, EVICT_DELAY },
	{ "restart", required_argument, NULL, RESTART },
	{ "no-hints", no_argument, NULL, NO_HINTS },
	{ "phases", no_argument, NULL, PHASES },
	{ "summary", no_argument, NULL, SUMMARY },
	{ "csv", no_argument, NULL, CSV },
	{ "decisions", no_argument, NULL, DECISIONS },
	{ "list", no_argument, NULL, LIST },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 }
};

static void parse_option(int option)
{
	switch (option) {
	case TRACE:
		add_source(false, optarg);
		break;
	case FORMAT:
		options.read.format = optarg;
		break;
	case BLOCK:
		options.read.block = byte_size("block", optarg);
		break;
	case FILL:
		options.read.fill = byte_size("fill", optarg);
		break;
	case COLUMNS:
		options.read.columns = optarg;
		break;
	case REPEAT:
		options.repeat = number("repeat", optarg, 1, 1000000);
		break;
	case EVERY:
		options.every = number("every", optarg, 1, U32_MAX);
		break;
	case EXACT:
		options.exact = true;
		break;
	case SYNTHETIC:
		add_source(true, optarg);
		break;
	case SEED:
		options.seed = number("seed", optarg, 1, U64_MAX);
		break;
	case SEEDS:
		options.seeds = number("seeds", optarg, 1, 1000000);
		break;
	case SIZES:
		options.sizes = optarg;
		break;
	case POLICIES:
		parse_policies(optarg);
		break;
	case SLOTS:
		options.slots = number("slots", optarg, 1, NONE - 64);
		break;
	case EVICT_DELAY:
		options.evict_delay = number("evict-delay", optarg, 0, 1000000);
		options.counts = true;
		break;
	case RESTART:
		options.restart = number("restart", optarg, 1, U32_MAX);
		break;
	case NO_HINTS:
		options.no_hints = true;
		break;
	case PHASES:
		options.phases = true;
		break;
	case SUMMARY:
		options.summary = true;
		break;
	case CSV:
		options.csv = true;
		break;
	case DECISIONS:
		options.decisions = true;
		break;
	case LIST:
		list();
		exit(0);
	case HELP:
		printf("%s%s", usage, read_formats);
		exit(0);
	default:
		die("see --help");
	}
}

static bool is_ours(const struct sim_policy *policy)
{
	return !strcmp(policy->name, "stop") || !strcmp(policy->name, "adaptive");
}

static void check_options(void)
{
	const struct read_options *read = &options.read;

	if (!nr_sources)
		die("no trace: give --trace FILE or --synthetic WORKLOAD; see --help");
	if (read->fill > read->block || read->fill * 64 < read->block)
		if (read->fill)
			die("--fill %llu: a block of %llu bytes (--block) has 1 to 64 of them",
			    read->fill, read->block);
	if (read->fill && strcmp(read->format, "csv"))
		die("--fill: only --format csv says which part of a block is read");
	if (options.exact && !read->fill)
		die("--exact: without --fill a region is there or not, so all hits are exact");
	if (options.no_hints && !options.restart)
		die("--no-hints: without --restart there is nothing that needs them");
	if (options.decisions && (nr_sources > 1 || options.seeds > 1))
		die("--decisions: %s; one trace is wanted",
		    nr_sources > 1 ? "several traces" : "several seeds");
	if (options.decisions && (options.nr_policies != 1 || !is_ours(options.policy[0])))
		die("--decisions: one policy of ours is wanted, as in --policies stop");
	if (!options.nr_policies)
		all_policies();
}

int main(int argc, char **argv)
{
	int option;
	u32 i;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_option(option);
	if (optind < argc)
		die("'%s' is not an option: traces are given as --trace FILE", argv[optind]);
	check_options();
	options.name_width = max(options.name_width, 5);
	if (!options.summary && !options.decisions)
		print_header();
	for (i = 0; i < nr_sources; i++)
		run_source(sources[i].synthetic, sources[i].name);
	if (options.summary)
		print_totals();
	for (i = 0; i < nr_totals; i++)
		free(totals[i].size);
	free(totals);
	free(sources);
	if (fflush(stdout) || ferror(stdout))
		die("standard output: %s", strerror(errno));
	return 0;
}
