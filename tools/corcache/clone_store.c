// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "clone.h"
#include "fail.h"
#include "lvm.h"

int clone_store_parse(const char *text, struct clone_store *store)
{
	char *copy, *pool;
	bool ok;

	*store = (struct clone_store){ NULL };
	if (!text || *text == '/' || *text == '.') {
		store->directory = get_text("%s", text ? text : CLONE_DIRECTORY);
		return END_OK;
	}
	copy = pool = get_text("%s", text);
	store->vg = get_text("%s", strsep(&pool, "/"));
	store->pool = pool ? get_text("%s", pool) : NULL;
	ok = lvm_is_name(store->vg) && (!pool || lvm_is_name(pool));
	free(copy);
	return ok ? END_OK : fail(END_ARGS, "--store: '%s' is neither a directory, with / or . in front, nor VG or VG/POOL of lvm2",
				  text);
}

void clone_store_forget(struct clone_store *store)
{
	free(store->directory);
	free(store->vg);
	free(store->pool);
	*store = (struct clone_store){ NULL };
}
