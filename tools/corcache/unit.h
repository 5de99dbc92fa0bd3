/* SPDX-License-Identifier: GPL-2.0-only */
/* unit: names of systemd's units, escaped as systemd-escape(1) does. It needs nothing but libc. */
#ifndef CORCACHE_UNIT_H
#define CORCACHE_UNIT_H

/* "my-image" is "my\x2dimage"; to be freed. */
char *unit_escape(const char *text);
/* "/dev/nbd0" is "dev-nbd0": @path is absolute and has no detours; to be freed. */
char *unit_escape_path(const char *path);

#endif /* CORCACHE_UNIT_H */
