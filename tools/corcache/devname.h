/* SPDX-License-Identifier: GPL-2.0-only */
/* devname: the name below /dev of a device that a table line names by number. */
#ifndef CORCACHE_DEVNAME_H
#define CORCACHE_DEVNAME_H

/*
 * "7:0" is "/dev/loop0", "253:1" is "/dev/mapper/vm"; other words, and numbers of no device, stay. The caller frees it.
 */
char *device_name(const char *word);

#endif /* CORCACHE_DEVNAME_H */
