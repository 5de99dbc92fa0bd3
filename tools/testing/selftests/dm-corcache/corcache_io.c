// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_io - reads block devices with O_DIRECT and verifies every byte.
 *
 * The tool of the dm-corcache selftests and of the demo.  Every origin of a
 * test holds nbdkit's pattern: each 8 bytes are their own byte offset,
 * big-endian.  So a device of any size verifies itself, and a read that was
 * answered from the wrong place says where from.  --shift N expects the
 * pattern of offset + N, for origins with other content.
 *
 * Also changes and shows what stands on a cache device (flip, dump, super,
 * occupy, forge, restore) and checks all of it (offline), with the format code of the module
 * itself, and counts what an NBD server was asked for (nbdlog).  replay
 * --stepwise NAME lets target NAME finish, after each read, what it does behind
 * it, and commit.
 *
 * CORCACHE_LIMIT in the environment: SIGALRM ends it after so many seconds.
 *
 * Exit status: 0 fine; 1 wrong data; 2 a read failed; 3 an expected error did
 * not come; 64 usage; 70 something else went wrong.
 *
 * This file owns the command line: the options, the table of subcommands and the usage
 * text. The subcommands are in corcache_cmd_*.c, what they share in corcache_util.c and
 * corcache_verify.c. All random numbers come from one seed, which is printed; --seed
 * repeats a run (its reads, not their interleaving).
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "corcache_cmd.h"
#include "corcache_io.h"
#include "corcache_util.h"

struct options opt = {
	.align_mem = 4096, .threads = 1, .min_bs = SECTOR,
	.passes = 1, .per_size = 4, .block = 4096,
};

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	int least, most;	/* words, options not counted */
	const char *args;
	bool seeded;
} commands[] = {
	{ "stamp", cmd_stamp, 1, 3, "DEV [OFF LEN]", false },
	{ "read", cmd_read, 1, INT_MAX,
	  "DEV [OFF LEN]... [--bs N] [--align-mem N] [--passes N] [--pause US] [--expect-error] [--nowait] [--mmap]",
	  false },
	{ "sweep", cmd_sweep, 1, 1,
	  "DEV [--per-size N] [--min-bs N] [--max-bs N] [--block N] [--align-mem N]",
	  true },
	{ "random", cmd_random, 1, 1,
	  "DEV --count N|--seconds N [--threads N] [--min-bs N] [--max-bs N] [--start OFF] [--length LEN] [--pause US]",
	  true },
	{ "together", cmd_together, 3, 3,
	  "DEV OFF LEN [--threads N] [--bs N] [--expect-error]",
	  false },
	{ "scribble", cmd_scribble, 3, 3, "DEV OFF LEN [--bs N] [--passes N]", true },
	{ "replay", cmd_replay, 2, 2,
	  "TRACE.csv DEV [--threads N] [--buffered] [--trust] [--progress] [--json FILE] [--block N] [--stepwise NAME]",
	  false },
	{ "nbdlog", cmd_nbdlog, 1, 1, "LOGFILE [--start BYTE] [--progress]", false },
	{ "hash", cmd_hash, 1, 3, "DEV [OFF LEN]", false },
	{ "flip", cmd_flip, 3, 3, "DEV BYTEOFFSET BIT", false },
	{ "dump", cmd_dump, 1, 1, "DEV", false },
	{ "super", cmd_super, 4, 4, "DEV main|backup|both FIELD VALUE", false },
	{ "occupy", cmd_occupy, 2, 2, "DEV MASK", false },
	{ "forge", cmd_forge, 3, 3, "DEV SLOT checksum|entry|content|duplicate|hint=N", false },
	{ "restore", cmd_restore, 2, 2, "DEV FILE", false },
	{ "offline", cmd_offline, 1, INT_MAX,
	  "DEV... [--expect KINDS] [--allow KINDS] [--origin FILE]",
	  false },
	{ "change-fd", cmd_change_fd, 2, 2, "LOOPDEV FILE", false },
	{ "suspend", cmd_suspend, 1, 1, "NAME [--noflush] [--after US]", false },
	{ "timed", cmd_timed, 2, 5,
	  "NAME resume|remove|message WORDS|load TYPE SECTORS PARAMETERS",
	  false },
	{ "status", cmd_status, 1, INT_MAX, "NAME [FIELD]... [--seconds N]", false },
	{ "settle", cmd_settle, 1, 1, "NAME [--seconds N]", false },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void __attribute__((noreturn)) usage(void)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(stderr, "%s corcache_io %s %s\n", i ? "      " : "usage:",
			commands[i].name, commands[i].args);
	fprintf(stderr,
		"numbers: decimal, 0x..., suffix s (sectors) K M G T; all commands: --shift N --seed N\n");
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	enum { O_BS = 256, O_ALIGN, O_SHIFT, O_SEED, O_COUNT, O_SECONDS, O_THREADS, O_MAX, O_MIN,
	       O_START, O_LENGTH, O_PASSES, O_PER_SIZE, O_BLOCK, O_PAUSE, O_AFTER, O_JSON, O_EXPECT,
	       O_NOWAIT, O_MMAP, O_NOFLUSH, O_PROGRESS, O_BUFFERED, O_TRUST,
	       O_STEPWISE, O_KINDS, O_ALLOW, O_ORIGIN };
	static const struct option options[] = {
		{ "bs", 1, NULL, O_BS }, { "align-mem", 1, NULL, O_ALIGN },
		{ "shift", 1, NULL, O_SHIFT }, { "seed", 1, NULL, O_SEED },
		{ "count", 1, NULL, O_COUNT }, { "seconds", 1, NULL, O_SECONDS },
		{ "threads", 1, NULL, O_THREADS }, { "max-bs", 1, NULL, O_MAX },
		{ "min-bs", 1, NULL, O_MIN }, { "start", 1, NULL, O_START },
		{ "length", 1, NULL, O_LENGTH }, { "passes", 1, NULL, O_PASSES },
		{ "per-size", 1, NULL, O_PER_SIZE }, { "block", 1, NULL, O_BLOCK },
		{ "pause", 1, NULL, O_PAUSE }, { "after", 1, NULL, O_AFTER },
		{ "json", 1, NULL, O_JSON }, { "expect-error", 0, NULL, O_EXPECT },
		{ "nowait", 0, NULL, O_NOWAIT },
		{ "mmap", 0, NULL, O_MMAP }, { "noflush", 0, NULL, O_NOFLUSH },
		{ "progress", 0, NULL, O_PROGRESS },
		{ "buffered", 0, NULL, O_BUFFERED }, { "trust", 0, NULL, O_TRUST },
		{ "stepwise", 1, NULL, O_STEPWISE }, { "expect", 1, NULL, O_KINDS },
		{ "allow", 1, NULL, O_ALLOW }, { "origin", 1, NULL, O_ORIGIN },
		{ NULL, 0, NULL, 0 },
	};
	const char *limit = getenv("CORCACHE_LIMIT");
	int c;

	if (limit)
		alarm(number(limit));
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case O_BS: opt.bs = number(optarg); break;
		case O_ALIGN: opt.align_mem = number(optarg); break;
		case O_SHIFT: opt.shift = number(optarg); break;
		case O_SEED: opt.seed = number(optarg); opt.seed_given = true; break;
		case O_COUNT: opt.count = number(optarg); break;
		case O_SECONDS: opt.seconds = number(optarg); break;
		case O_THREADS: opt.threads = number(optarg); break;
		case O_MAX: opt.max_bs = number(optarg); break;
		case O_MIN: opt.min_bs = number(optarg); break;
		case O_START: opt.start = number(optarg); break;
		case O_LENGTH: opt.length = number(optarg); break;
		case O_PASSES: opt.passes = number(optarg); break;
		case O_PER_SIZE: opt.per_size = number(optarg); break;
		case O_BLOCK: opt.block = number(optarg); break;
		case O_PAUSE: opt.pause = number(optarg); break;
		case O_AFTER: opt.after = number(optarg); break;
		case O_MMAP: opt.mmap = true; break;
		case O_NOFLUSH: opt.noflush = true; break;
		case O_JSON: opt.json = optarg; break;
		case O_EXPECT: opt.expect_error = true; break;
		case O_NOWAIT: opt.nowait = true; break;
		case O_PROGRESS: opt.progress = true; break;
		case O_BUFFERED: opt.buffered = true; break;
		case O_TRUST: opt.trust = true; break;
		case O_STEPWISE: opt.stepwise = optarg; break;
		case O_KINDS: opt.expect = optarg; break;
		case O_ALLOW: opt.allow = optarg; break;
		case O_ORIGIN: opt.origin = optarg; break;
		default: usage();
		}
	}
	if (argc - optind < 2 || !opt.block || opt.block % SECTOR)
		usage();
	if (!opt.seed_given) {
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		opt.seed = (uint64_t)ts.tv_sec * 1000003 ^ ts.tv_nsec ^ getpid();
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (strcmp(argv[optind], commands[i].name))
			continue;
		if (argc - optind - 1 < commands[i].least || argc - optind - 1 > commands[i].most)
			die(EXIT_USAGE, "usage: corcache_io %s %s", commands[i].name,
			    commands[i].args);
		if (commands[i].seeded)
			printf("seed=%" PRIu64 "\n", opt.seed);
		fflush(stdout);
		return commands[i].run(argc - optind - 1, argv + optind + 1);
	}
	usage();
}
