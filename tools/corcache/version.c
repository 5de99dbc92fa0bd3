// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "verbs.h"

static int version(const struct invocation *call)
{
	(void)call;
	printf("corcache %s\n", CORCACHE_VERSION);
	return END_OK;
}

const struct verb verb_version = {
	.name = "version",
	.words = "",
	.summary = "print the version of this tool",
	.run = version,
};
