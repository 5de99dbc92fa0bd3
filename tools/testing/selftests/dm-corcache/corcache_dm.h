/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of device-mapper, without that a program is started for each.
 *
 * Except for dm_call() none returns an error: they end the program with a message.
 */
#ifndef CORCACHE_DM_H
#define CORCACHE_DM_H

#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>

/* What goes with a request and comes back: the head, and whatever follows it. */
union dm_request {
	struct dm_ioctl head;
	char bytes[16384];
};

/* A request for device @name with nothing behind the head yet. */
void dm_prepare(union dm_request *request, const char *name);

/* Put a message for a target behind the head of @request. */
void dm_put_message(union dm_request *request, const char *text);

/* As ioctl(2): 0, or -1 and errno. Opens device-mapper once, for all calls. */
int dm_call(unsigned long what, union dm_request *request);

void dm_message(const char *name, const char *text);

/* Wait until the fills of target @name are over; half a minute at most. */
void dm_settle(const char *name);

#endif /* CORCACHE_DM_H */
