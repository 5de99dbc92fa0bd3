/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A corcache target that is at work, for corcache_io: its messages and its status.
 *
 * None of these returns an error: they end the program with a message.
 */
#ifndef CORCACHE_TARGET_H
#define CORCACHE_TARGET_H

#include "status.h"

void target_message(const char *name, const char *text);

void target_status(const char *name, struct status *status);

/* Wait until the fills of target @name are over; @seconds at most. */
void target_settle(const char *name, double seconds);

#endif /* CORCACHE_TARGET_H */
