// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands of corcache_io that call device-mapper: suspend and timed.
 *
 * They are what dmsetup does, with the time that device-mapper took for it and
 * without that of starting a program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "corcache_cmd.h"
#include "corcache_dm.h"
#include "corcache_io.h"
#include "corcache_util.h"

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
	union dm_request request;
	double since;
	int r, error;

	(void)argc;
	dm_prepare(&request, argv[0]);
	request.head.flags = DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | (opt.noflush ? DM_NOFLUSH_FLAG : 0);
	since = now();
	if (opt.after)
		arm_interrupt(opt.after);
	r = dm_call(DM_DEV_SUSPEND, &request);
	error = errno;
	if (r && error != EINTR)
		die(EXIT_OTHER, "suspend of %s: %s", argv[0], strerror(error));
	printf("%s ms=%.0f\n", r ? "interrupted" : "suspended", (now() - since) * 1e3);
	return 0;
}

/* ---- timed ---- */

static void put_target(union dm_request *request, const char *type, uint64_t sectors, const char *params)
{
	struct dm_target_spec *spec = (void *)(&request->head + 1);

	if (strlen(params) >= sizeof(*request) - sizeof(request->head) - sizeof(*spec))
		die(EXIT_USAGE, "too long: %s", params);
	spec->length = sectors;
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", type);
	strcpy(request->bytes + sizeof(request->head) + sizeof(*spec), params);
	request->head.target_count = 1;
	request->head.flags |= DM_READONLY_FLAG;
}

/* Returns what the words ask for, with what belongs to it in @request. */
static unsigned long put_request(union dm_request *request, int argc, char **argv)
{
	const char *verb = argv[1];

	if (argc == 2 && !strcmp(verb, "resume"))
		return DM_DEV_SUSPEND;
	if (argc == 2 && !strcmp(verb, "remove"))
		return DM_DEV_REMOVE;
	if (argc == 3 && !strcmp(verb, "message")) {
		dm_put_message(request, argv[2]);
		return DM_TARGET_MSG;
	}
	if (argc != 5 || strcmp(verb, "load"))
		die(EXIT_USAGE, "timed NAME resume|remove|message WORDS|load TYPE SECTORS PARAMETERS");
	put_target(request, argv[2], number(argv[3]), argv[4]);
	return DM_TABLE_LOAD;
}

/*
 * What dmsetup does, with the time that device-mapper took for it, without that
 * of starting a program.
 */
int cmd_timed(int argc, char **argv)
{
	union dm_request request;
	unsigned long what;
	double since;

	dm_prepare(&request, argv[0]);
	what = put_request(&request, argc, argv);
	since = now();
	if (dm_call(what, &request))
		die(EXIT_OTHER, "%s of %s: %s", argv[1], argv[0], strerror(errno));
	printf("us=%.0f\n", (now() - since) * 1e6);
	return 0;
}
