// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_crash - plays crashes of a corcache device, those that the log
 * of dm-log-writes allows, and activates devices with hostile metadata.  See crash.sh for how it is run.
 *
 * Exit status: 0 nothing found; 1 something found; 64 usage; 70 it could not be
 * tried.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "dm.h"

static void __attribute__((noreturn)) usage(void)
{
	fputs("usage: corcache_crash record --dir DIR --seed N --actions N --cache DEV --log DEV --origin DEV\n"
	      "       corcache_crash replay --dir DIR --seed N --states N [--only STATE] --log DEV --origin DEV\n"
	      "                             --scratch DEV --scratch-file FILE\n"
	      "       corcache_crash mutate --seed N --states N [--only DEVICE] --origin DEV\n"
	      "                             --scratch DEV --scratch-file FILE\n"
	      "       corcache_crash origin FILE\n", stderr);
	exit(64);
}

static uint64_t number(const char *word)
{
	char *end;
	uint64_t n = strtoull(word, &end, 0);

	if (!*word || *end) {
		fprintf(stderr, "not a number: '%s'\n", word);
		usage();
	}
	return n;
}

static int make_origin(const char *path)
{
	size_t bytes = ORIGIN_SECTORS * SECTOR;
	void *buf = zalloc(bytes);
	FILE *f = fopen(path, "w");

	pattern_make(buf, 0, bytes);
	if (!f || fwrite(buf, bytes, 1, f) != 1 || fclose(f))
		die("%s: %m", path);
	free(buf);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", 1, NULL, 'd' }, { "seed", 1, NULL, 's' }, { "actions", 1, NULL, 'a' },
		{ "states", 1, NULL, 'n' }, { "only", 1, NULL, 'o' }, { "cache", 1, NULL, 'c' },
		{ "log", 1, NULL, 'l' }, { "origin", 1, NULL, 'r' }, { "scratch", 1, NULL, 'x' },
		{ "scratch-file", 1, NULL, 'f' }, { }
	};
	struct devices dev = { };
	uint64_t seed = 0, actions = 60, states = 250;
	long only = -1;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'd': dev.dir = optarg; break;
		case 's': seed = number(optarg); break;
		case 'a': actions = number(optarg); break;
		case 'n': states = number(optarg); break;
		case 'o': only = number(optarg); break;
		case 'c': dev.cache = optarg; break;
		case 'l': dev.log = optarg; break;
		case 'r': dev.origin = optarg; break;
		case 'x': dev.scratch = optarg; break;
		case 'f': dev.scratch_file = optarg; break;
		default: usage();
		}
	}
	argv += optind;
	if (argc - optind == 2 && !strcmp(argv[0], "origin"))
		return make_origin(argv[1]);
	if (argc - optind != 1 || !dev.origin)
		usage();
	if (dm_setup())
		die("device-mapper: %s", dm_error());
	if (!strcmp(argv[0], "mutate") && dev.scratch && dev.scratch_file)
		return mutate(&dev, seed, states, only);
	if (!dev.dir || !dev.log)
		usage();
	if (!strcmp(argv[0], "record") && dev.cache)
		return record(&dev, seed, actions);
	if (!strcmp(argv[0], "replay") && dev.scratch && dev.scratch_file)
		return replay(&dev, seed, states, only);
	usage();
}
