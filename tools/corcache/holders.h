/* SPDX-License-Identifier: GPL-2.0-only */
/* holders: who has a block device open. */
#ifndef CORCACHE_HOLDERS_H
#define CORCACHE_HOLDERS_H

/*
 * "device vm1, mounted on /mnt, process 123 (qemu)", or NULL if nobody is found: whoever had it may be gone, or may
 * be the kernel itself. The caller frees it.
 */
char *holders_text(unsigned int major, unsigned int minor);

#endif /* CORCACHE_HOLDERS_H */
