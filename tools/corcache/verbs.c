// SPDX-License-Identifier: GPL-2.0-only
#include "verb.h"
#include "verbs.h"

#include <string.h>

const struct verb *const verbs[] = {
	&verb_attach,
	&verb_detach,
	&verb_tab,
	&verb_create,
	&verb_remove,
	&verb_list,
	&verb_clone,
	&verb_unclone,
	&verb_status,
	&verb_quota,
	&verb_evict,
	&verb_pin,
	&verb_unpin,
	&verb_commit,
	&verb_recover,
	&verb_reset_stats,
	&verb_switch_origin,
	&verb_dump,
	&verb_check,
	&verb_verify,
	&verb_wipe,
	&verb_probe,
	&verb_version,
	NULL
};

const struct verb *verb_find(const char *name)
{
	const struct verb *const *verb;

	for (verb = verbs; *verb; verb++) {
		if (!strcmp((*verb)->name, name))
			return *verb;
	}
	return NULL;
}
