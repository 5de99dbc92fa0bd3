// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_fail - makes each allocation of an operation fail, one after the
 * other.
 *
 *   corcache_fail activate FIRST STEP NAME SECTORS PARAMS CACHE	create NAME with
 *		the table "0 SECTORS corcache PARAMS" and remove it again
 *   corcache_fail control FIRST STEP NAME SECTORS PARAMS	messages, suspend, resume
 *		and reload of the device NAME, which is there
 *
 * The kernel counts the allocations of this process and fails the n-th
 * (/proc/self/fail-nth; CONFIG_FAULT_INJECTION).  An operation is repeated with
 * n = FIRST, FIRST + STEP, ... until n is more than it makes; a STEP of 1 takes all
 * of them, as is done with those of a message, a suspend or a resume.  Each time
 * it has either worked, or has failed with ENOMEM, and then has left nothing
 * behind; after each the device, if there is one, returns the right data (nbdkit's
 * pattern: each 8 bytes are their own offset, big-endian).  "Nothing behind" is, for activate:
 * no mapped device, and the first and last MiB of CACHE as they were.  CACHE is
 * blank or formatted; a blank one is blank again in the end.
 *
 * One process for all of it, because starting one costs a second where this
 * runs.  Which allocations take part is set by the caller, in debugfs.
 *
 * Exit status: 0 fine; 1 something was wrong, it says what; 64 usage; 70 the
 * surroundings are not as they should be.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dm.h"

#define MIB		(1024U * 1024U)
#define READ_BYTES	65536U
#define MAX_FAULTS	20000U

enum { EXIT_WRONG = 1, EXIT_USAGE = 64, EXIT_OTHER = 70 };

static const char *name, *params;
static uint64_t sectors;
static unsigned int first, step;
static int fault;			/* fail-nth */
static char words[16384];		/* of a status or a table */
static char *read_buf;			/* for O_DIRECT */
static unsigned int failed, survived;	/* operations with a fault */

static void __attribute__((noreturn, format(printf, 2, 3)))
die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(status);
}

static void *aligned(size_t bytes)
{
	void *p = aligned_alloc(4096, bytes);

	if (!p)
		die(EXIT_OTHER, "no memory");
	return p;
}

/* ---- one fault ---- */

/* The @n-th allocation from now on fails; 0: none does. */
static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fault, text, len, 0) != len)
		die(EXIT_OTHER, "fail-nth: %s", strerror(errno));
}

/* No fault any more.  Return: had it come? */
static bool disarm(void)
{
	char text[16] = "";

	if (pread(fault, text, sizeof(text) - 1, 0) < 0)
		die(EXIT_OTHER, "fail-nth: %s", strerror(errno));
	arm(0);
	return atoi(text) == 0;
}

/* ---- device-mapper ---- */

static int load(void)
{
	return dm_reload(name, DM_READONLY, sectors, "corcache", params);
}

static void must(int error, const char *what, unsigned int n)
{
	if (error)
		die(EXIT_WRONG, "%s, without a fault (after %u): %s", what, n, strerror(error));
}

/* ---- what has to hold ---- */

static void check_data(uint64_t offset, unsigned int n)
{
	char path[64];
	dev_t device;
	uint64_t i;
	int fd;

	if (dm_device(name, &device))
		die(EXIT_WRONG, "%s is not there: %s", name, dm_error());
	snprintf(path, sizeof(path), "/dev/dm-%u", minor(device));
	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		die(EXIT_OTHER, "%s: %s", path, strerror(errno));
	if (pread(fd, read_buf, READ_BYTES, offset) != READ_BYTES)
		die(EXIT_WRONG, "fault %u: read at %ju: %s", n, (uintmax_t)offset, strerror(errno));
	for (i = 0; i < READ_BYTES; i += 8)
		if (be64toh(*(uint64_t *)(read_buf + i)) != offset + i)
			die(EXIT_WRONG, "fault %u: wrong data at %ju", n, (uintmax_t)(offset + i));
	close(fd);
}

struct ends {
	int fd;
	uint64_t last;		/* where the last MiB begins */
	char *before, *now;	/* first and last MiB */
};

static void read_ends(struct ends *e, char *to)
{
	if (pread(e->fd, to, MIB, 0) != MIB || pread(e->fd, to + MIB, MIB, e->last) != MIB)
		die(EXIT_OTHER, "cache device: %s", strerror(errno));
}

static void open_ends(struct ends *e, const char *path)
{
	uint64_t bytes;

	e->fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (e->fd < 0 || ioctl(e->fd, BLKGETSIZE64, &bytes))
		die(EXIT_OTHER, "%s: %s", path, strerror(errno));
	e->last = bytes - MIB;
	e->before = aligned(2 * MIB);
	e->now = aligned(2 * MIB);
	read_ends(e, e->before);
}

static void write_ends(struct ends *e)
{
	if (pwrite(e->fd, e->before, MIB, 0) != MIB ||
	    pwrite(e->fd, e->before + MIB, MIB, e->last) != MIB)
		die(EXIT_OTHER, "cache device: %s", strerror(errno));
}

static void check_ends(struct ends *e, unsigned int n)
{
	read_ends(e, e->now);
	if (memcmp(e->before, e->now, 2 * MIB))
		die(EXIT_WRONG, "fault %u: the activation failed, and has changed the cache device",
		    n);
}

/* A fault has come, or not: what may the operation return? */
static void check_result(const char *what, unsigned int n, bool came, int error)
{
	if (error && (!came || error != ENOMEM))
		die(EXIT_WRONG, "%s, fault %u%s: %s", what, n, came ? "" : " (not reached)",
		    strerror(error));
	failed += came && error;
	survived += came && !error;
}

static void report(const char *what, unsigned int n)
{
	printf("%s: faults=%u of about %u, failed=%u survived=%u\n", what, failed + survived, n,
	       failed, survived);
	fflush(stdout);
	failed = 0;
	survived = 0;
}

/* ---- activate ---- */

/*
 * A mapped device that had a table loaded and cleared: with the first one
 * device-mapper makes the disk, by hundreds of allocations that are not ours.
 */
static void make_device(unsigned int n)
{
	must(dm_create(name, DM_READONLY, 0, NULL, NULL), "create", n);
	must(load(), "load", n);
	must(dm_clear(name), "clear", n);
}

/* Return: did the fault come? */
static bool activate_once(struct ends *e, unsigned int n)
{
	bool came, loaded;
	int error;

	arm(n);
	error = load();
	loaded = !error;
	if (!error)
		error = dm_resume(name);
	came = disarm();
	check_result("activate", n, came, error);
	if (!error)
		check_data(n % 8 * READ_BYTES, n);
	if (loaded)
		must(dm_remove(name), "remove", n);
	if (error)
		check_ends(e, n);
	else
		write_ends(e);
	if (loaded)
		make_device(n);
	return came;
}

static int cmd_activate(const char *cache)
{
	unsigned int n = first;
	struct ends e;

	open_ends(&e, cache);
	make_device(0);
	while (activate_once(&e, n) && n < MAX_FAULTS)
		n += step;
	if (n < 20 || n >= MAX_FAULTS || !failed)
		die(EXIT_WRONG, "activate: %u allocations, %u failures: hardly", n, failed);
	report("activate", n);
	must(dm_remove(name), "remove", n);
	return 0;
}

/* ---- control ---- */

static int op_commit(void) { return dm_message(name, "commit"); }
static int op_quota_less(void) { return dm_message(name, "quota 512"); }
static int op_quota_more(void) { return dm_message(name, "quota 2048"); }
static int op_evict(void) { return dm_message(name, "evict 0 128"); }
static int op_evict_all(void) { return dm_message(name, "evict_all"); }
static int op_reset(void) { return dm_message(name, "reset_stats"); }
/* that it is refused is what it is to do */
static int op_wrong(void)
{
	int error = dm_message(name, "surprise");

	return error == EINVAL ? 0 : error ?: EPROTO;
}

static int op_status(void) { return dm_status(name, words, sizeof(words)); }
static int op_table(void) { return dm_table(name, words, sizeof(words)); }
static int op_suspend(void) { return dm_suspend(name, 0); }
static int op_suspend_noflush(void)
{
	return dm_suspend(name, DM_NOLOCKFS | DM_NOFLUSH);
}

static int op_resume(void) { return dm_resume(name); }
static int op_reload(void) { return load() ?: op_suspend_noflush() ?: op_resume(); }

static const struct {
	const char *what;
	int (*run)(void);
	int (*first)(void);	/* before it, without a fault */
} ops[] = {
	{ "status", op_status, NULL },
	{ "table", op_table, NULL },
	{ "message commit", op_commit, NULL },
	{ "message quota, less", op_quota_less, op_quota_more },
	{ "message quota, more", op_quota_more, op_quota_less },
	{ "message evict", op_evict, NULL },
	{ "message evict_all", op_evict_all, NULL },
	{ "message reset_stats", op_reset, NULL },
	{ "message of an unknown word", op_wrong, NULL },
	{ "suspend", op_suspend, op_resume },
	{ "suspend --noflush", op_suspend_noflush, op_resume },
	{ "resume", op_resume, op_suspend },
	{ "reload", op_reload, op_resume },
};

/* @n != 0: that allocation fails.  Afterwards it is as good as before. */
static bool control_once(unsigned int i, unsigned int n)
{
	bool came;
	int error;

	if (ops[i].first)
		must(ops[i].first(), "before", n);
	arm(n);
	error = ops[i].run();
	came = disarm();
	check_result(ops[i].what, n, came, error);
	/* whatever it has left: a table that was loaded, a suspended device */
	must(dm_clear(name), "clear", n);
	must(op_resume(), "resume", n);
	check_data(n % 8 * READ_BYTES, n);
	return came;
}

static int cmd_control(void)
{
	unsigned int i, n;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		/* a handful of allocations, but for a reload: all of them */
		unsigned int each = ops[i].run == op_reload ? step : 1;

		for (n = each == 1 ? 1 : first; control_once(i, n) && n < MAX_FAULTS; n += each)
			;
		if (n >= MAX_FAULTS)
			die(EXIT_WRONG, "%s: no end", ops[i].what);
		/* a table takes many allocations, and is not made without one of them */
		if (ops[i].run == op_reload && !failed)
			die(EXIT_WRONG, "%s: about %u allocations, no failure: hardly",
			    ops[i].what, n);
		report(ops[i].what, n);
	}
	return 0;
}

/* ---- main ---- */

/* Buffers of libdevmapper shall cost no system call, which might be what fails. */
static void hoard_memory(void)
{
	void *p;

	if (!mallopt(M_MMAP_MAX, 0) || !mallopt(M_TRIM_THRESHOLD, INT_MAX))
		die(EXIT_OTHER, "mallopt");
	p = malloc(MIB);
	if (!p)
		die(EXIT_OTHER, "no memory");
	free(p);
}

static int usage(void)
{
	fprintf(stderr, "usage: corcache_fail activate FIRST STEP NAME SECTORS PARAMS CACHE\n"
		"       corcache_fail control FIRST STEP NAME SECTORS PARAMS\n");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	bool activate = argc == 8 && !strcmp(argv[1], "activate");

	if (!activate && (argc != 7 || strcmp(argv[1], "control")))
		return usage();
	first = atoi(argv[2]);
	step = atoi(argv[3]);
	name = argv[4];
	sectors = strtoull(argv[5], NULL, 10);
	params = argv[6];
	if (!first || !step)
		return usage();
	if (dm_setup())
		die(EXIT_OTHER, "device-mapper: %s", dm_error());
	fault = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fault < 0)
		die(EXIT_OTHER, "fail-nth: %s", strerror(errno));
	read_buf = aligned(READ_BYTES);
	hoard_memory();
	/* no page fault of ours shall be the allocation that fails */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die(EXIT_OTHER, "mlockall: %s", strerror(errno));
	return activate ? cmd_activate(argv[7]) : cmd_control();
}
