// SPDX-License-Identifier: GPL-2.0-only
/* corcache unclone: removes what clone has made, with all that the VM has written. */
#include "clone.h"
#include "fail.h"
#include "verbs.h"

#include <string.h>

static int run(const struct invocation *call)
{
	const char *name = call->word[0];
	struct clone_store store;
	bool found = false;
	int end = clone_store_parse(value_of(call, "store"), &store);

	if (!end && (!*name || strchr(name, '/')))
		end = fail(END_ARGS, "'%s' is no name of a clone", name);
	/* without --store it may be either */
	if (!end && (store.vg || !given(call, "store")))
		end = clone_thin_remove(name, &found);
	if (!end && !found && store.directory)
		end = clone_file_remove(&store, name, &found);
	if (!end && !found)
		end = fail(END_DEVICE, "there is no clone '%s'%s%s", name, given(call, "store") ? " in " : "",
			   given(call, "store") ? value_of(call, "store") : ": if it stands elsewhere, give --store");
	clone_store_forget(&store);
	return end;
}

static const struct verb_option options[] = {
	{ "store", 0, "STORE", "the directory or volume group that it was made in", WORD_FILE },
	{ NULL }
};

const struct verb verb_unclone = {
	.name = "unclone",
	.words = "NAME",
	.summary = "remove a VM's disk that clone has made, with all that was written to it",
	.least = 1, .most = 1,
	.first = WORD_NONE,
	.options = options,
	.run = run,
};
