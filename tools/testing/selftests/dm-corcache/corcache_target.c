// SPDX-License-Identifier: GPL-2.0-only
/*
 * A corcache target that is at work: its messages and its status; see corcache_target.h.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "corcache_io.h"
#include "corcache_target.h"
#include "corcache_util.h"
#include "dm.h"

#define LOOK_AGAIN_US	200

void target_message(const char *name, const char *text)
{
	if (dm_message(name, text))
		die(EXIT_OTHER, "message %s to %s: %s", text, name, dm_error());
}

void target_status(const char *name, struct status *status)
{
	char words[STATUS_MAX];
	const char *wrong;

	if (dm_status(name, words, sizeof(words)))
		die(EXIT_OTHER, "status of %s: %s", name, dm_error());
	wrong = status_parse(status, words);
	if (wrong)
		die(EXIT_OTHER, "status of %s: %s: %s", name, wrong, words);
}

static bool settled(const char *name)
{
	struct status status;
	uint64_t transfers;

	target_status(name, &status);
	if (status_number(&status, "transfers", &transfers))
		die(EXIT_OTHER, "status of %s names no transfers", name);
	return !transfers;
}

void target_settle(const char *name, double seconds)
{
	double end = now() + seconds;

	while (!settled(name)) {
		if (now() > end)
			die(EXIT_OTHER, "the fills of %s do not end within %.0f s", name, seconds);
		usleep(LOOK_AGAIN_US);
	}
}
