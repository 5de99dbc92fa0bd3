// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of device-mapper: requests, messages and the status of a target.
 *
 * Owns the descriptor of /dev/mapper/control, opened with the first call. One
 * thread at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corcache_dm.h"
#include "corcache_io.h"
#include "corcache_util.h"

#define SETTLE_SECONDS	30
#define LOOK_AGAIN_US	200

static int control = -1;

void dm_prepare(union dm_request *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = sizeof(*request);
	request->head.data_start = sizeof(request->head);
	snprintf(request->head.name, sizeof(request->head.name), "%s", name);
}

void dm_put_message(union dm_request *request, const char *text)
{
	size_t where = sizeof(request->head) + offsetof(struct dm_target_msg, message);

	if (strlen(text) >= sizeof(*request) - where)
		die(EXIT_USAGE, "too long: %s", text);
	strcpy(request->bytes + where, text);
}

int dm_call(unsigned long what, union dm_request *request)
{
	if (control < 0)
		control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		die(EXIT_OTHER, "/dev/mapper/control: %s", strerror(errno));
	return ioctl(control, what, request);
}

void dm_message(const char *name, const char *text)
{
	union dm_request request;

	dm_prepare(&request, name);
	dm_put_message(&request, text);
	if (dm_call(DM_TARGET_MSG, &request))
		die(EXIT_OTHER, "message %s to %s: %s", text, name, strerror(errno));
}

static bool settled(const char *name)
{
	union dm_request request;
	const char *status, *transfers;

	dm_prepare(&request, name);
	request.head.flags = DM_NOFLUSH_FLAG;
	if (dm_call(DM_TABLE_STATUS, &request))
		die(EXIT_OTHER, "status of %s: %s", name, strerror(errno));
	status = request.bytes + request.head.data_start + sizeof(struct dm_target_spec);
	transfers = strstr(status, " transfers ");
	if (!transfers)
		die(EXIT_OTHER, "status of %s names no transfers: %s", name, status);
	return !strtoull(transfers + strlen(" transfers "), NULL, 10);
}

void dm_settle(const char *name)
{
	double end = now() + SETTLE_SECONDS;

	while (!settled(name)) {
		if (now() > end)
			die(EXIT_OTHER, "the fills of %s do not end", name);
		usleep(LOOK_AGAIN_US);
	}
}
