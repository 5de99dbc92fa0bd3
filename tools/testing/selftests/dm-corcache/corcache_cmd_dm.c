// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands of corcache_io that call device-mapper: suspend, timed, status
 * and settle.
 *
 * The first two are what dmsetup does, with the time that device-mapper took for it
 * and without that of starting a program; the others read the status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "corcache_cmd.h"
#include "corcache_io.h"
#include "corcache_target.h"
#include "corcache_util.h"
#include "dm.h"

/* The library is loaded before the time is taken. */
static void need_dm(void)
{
	if (dm_setup())
		die(EXIT_OTHER, "device-mapper: %s", dm_error());
}

static void interrupt(int sig)
{
	(void)sig;
}

/* A signal in so many microseconds, which ends a system call early. */
static void arm_interrupt(uint64_t us)
{
	struct sigaction act = { .sa_handler = interrupt };	/* no SA_RESTART */
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct itimerspec when = { .it_value = { us / 1000000, us % 1000000 * 1000 } };
	timer_t timer;

	if (sigaction(SIGALRM, &act, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &when, NULL))
		die(EXIT_OTHER, "timer: %s", strerror(errno));
}

/*
 * What `dmsetup suspend --nolockfs` does, with a signal that arrives so many
 * microseconds after device-mapper was called (--after), and not before; and
 * with the time that device-mapper took, without that of starting a program.
 */
int cmd_suspend(int argc, char **argv)
{
	double since;
	int error;

	(void)argc;
	need_dm();
	since = now();
	if (opt.after)
		arm_interrupt(opt.after);
	error = dm_suspend(argv[0], DM_NOLOCKFS | (opt.noflush ? DM_NOFLUSH : 0));
	if (error && error != EINTR)
		die(EXIT_OTHER, "suspend of %s: %s", argv[0], dm_error());
	printf("%s ms=%.0f\n", error ? "interrupted" : "suspended", (now() - since) * 1e3);
	return 0;
}

static int timed_call(int argc, char **argv)
{
	const char *name = argv[0], *verb = argv[1];

	if (argc == 2 && !strcmp(verb, "resume"))
		return dm_resume(name);
	if (argc == 2 && !strcmp(verb, "remove"))
		return dm_remove(name);
	if (argc == 3 && !strcmp(verb, "message"))
		return dm_message(name, argv[2]);
	if (argc != 5 || strcmp(verb, "load"))
		die(EXIT_USAGE,
		    "timed NAME resume|remove|message WORDS|load TYPE SECTORS PARAMETERS");
	return dm_reload(name, DM_READONLY, number(argv[3]), argv[2], argv[4]);
}

/*
 * What dmsetup does, with the time that device-mapper took for it, without that
 * of starting a program.
 */
int cmd_timed(int argc, char **argv)
{
	double since;

	need_dm();
	since = now();
	if (timed_call(argc, argv))
		die(EXIT_OTHER, "%s of %s: %s", argv[1], argv[0], dm_error());
	printf("us=%.0f\n", (now() - since) * 1e6);
	return 0;
}

/* ---- status and settle ---- */

/* The values of the fields that are named, one a line; or all that there is. */
int cmd_status(int argc, char **argv)
{
	struct status status;

	/* one that hangs is a fault of the target: SIGALRM ends this program then */
	alarm(opt.seconds);
	target_status(argv[0], &status);
	for (int i = 1; i < argc; i++) {
		const char *value = status_word(&status, argv[i]);

		if (!value)
			die(EXIT_OTHER, "status of %s has no field %s", argv[0], argv[i]);
		puts(value);
	}
	for (size_t i = 0; i < status.nr && argc == 1; i++)
		printf("%s%s=%s", i ? " " : "", status.field[i].name, status.field[i].value);
	if (argc == 1)
		putchar('\n');
	return 0;
}

/* Until the copies behind the reads are on the cache device. */
int cmd_settle(int argc, char **argv)
{
	(void)argc;
	target_settle(argv[0], opt.seconds ?: 30);
	return 0;
}
