// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache name: what a mapped device is called in the log.
 *
 * Owns nothing.  Process context.
 */
#include "name.h"

const char *corcache_md_name(struct mapped_device *md, struct corcache_md_name *name)
{
	if (dm_copy_name_and_uuid(md, name->text, NULL))
		strscpy(name->text, dm_device_name(md), sizeof(name->text));
	return name->text;
}

const char *corcache_target_name(struct corcache_target *target, struct corcache_md_name *name)
{
	return corcache_md_name(dm_table_get_md(target->ti->table), name);
}
