// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subcommands of corcache_io that call device-mapper: suspend and timed.
 *
 * They are what dmsetup does, with the time that device-mapper took for it and
 * without that of starting a program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "corcache_cmd.h"
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
	struct dm_ioctl dmi = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(dmi),
		.flags = DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | (opt.noflush ? DM_NOFLUSH_FLAG : 0),
	};
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), r, error;
	double since;

	(void)argc;
	if (fd < 0)
		die(EXIT_OTHER, "/dev/mapper/control: %s", strerror(errno));
	snprintf(dmi.name, sizeof(dmi.name), "%s", argv[0]);
	since = now();
	if (opt.after)
		arm_interrupt(opt.after);
	r = ioctl(fd, DM_DEV_SUSPEND, &dmi);
	error = errno;
	if (r && error != EINTR)
		die(EXIT_OTHER, "suspend of %s: %s", argv[0], strerror(error));
	printf("%s ms=%.0f\n", r ? "interrupted" : "suspended", (now() - since) * 1e3);
	close(fd);
	return 0;
}

/* ---- timed ---- */

static void put_target(struct dm_ioctl *dmi, const char *type, uint64_t sectors, const char *params)
{
	struct dm_target_spec *spec = (void *)(dmi + 1);

	spec->length = sectors;
	snprintf(spec->target_type, sizeof(spec->target_type), "%s", type);
	strcpy((char *)(spec + 1), params);
	dmi->target_count = 1;
	dmi->flags |= DM_READONLY_FLAG;
}

/* Returns the request that the words stand for, with what belongs to it in @dmi. */
static unsigned long put_request(struct dm_ioctl *dmi, size_t room, int argc, char **argv)
{
	struct dm_target_msg *msg = (void *)(dmi + 1);
	const char *verb = argv[1], *text = argc > 2 ? argv[argc - 1] : "";

	if (strlen(text) >= room)
		die(EXIT_USAGE, "too long: %s", text);
	if (argc == 2 && !strcmp(verb, "resume"))
		return DM_DEV_SUSPEND;
	if (argc == 2 && !strcmp(verb, "remove"))
		return DM_DEV_REMOVE;
	if (argc == 3 && !strcmp(verb, "message")) {
		strcpy(msg->message, text);
		return DM_TARGET_MSG;
	}
	if (argc != 5 || strcmp(verb, "load"))
		die(EXIT_USAGE, "timed NAME resume|remove|message WORDS|load TYPE SECTORS PARAMETERS");
	put_target(dmi, argv[2], number(argv[3]), text);
	return DM_TABLE_LOAD;
}

/*
 * What dmsetup does, with the time that device-mapper took for it, without that
 * of starting a program.
 */
int cmd_timed(int argc, char **argv)
{
	static union {
		struct dm_ioctl dmi;
		char bytes[16384];
	} u;
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	unsigned long request;
	double since;

	if (fd < 0)
		die(EXIT_OTHER, "/dev/mapper/control: %s", strerror(errno));
	u.dmi.version[0] = DM_VERSION_MAJOR;
	u.dmi.data_size = sizeof(u);
	u.dmi.data_start = sizeof(u.dmi);
	snprintf(u.dmi.name, sizeof(u.dmi.name), "%s", argv[0]);
	request = put_request(&u.dmi, sizeof(u) - sizeof(u.dmi) - sizeof(struct dm_target_spec),
			      argc, argv);
	since = now();
	if (ioctl(fd, request, &u))
		die(EXIT_OTHER, "%s of %s: %s", argv[1], argv[0], strerror(errno));
	printf("us=%.0f\n", (now() - since) * 1e6);
	close(fd);
	return 0;
}
