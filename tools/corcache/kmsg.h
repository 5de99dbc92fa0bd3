/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kmsg: what device-mapper has written to the kernel's log about a device.
 *
 * An ioctl of device-mapper only fails with a number; the reason is one line in the log.
 */
#ifndef CORCACHE_KMSG_H
#define CORCACHE_KMSG_H

/* From here on. Returns a mark for kmsg_read(), -1 if the log cannot be read; -1 is a mark like others. */
int kmsg_mark(void);

/*
 * The last line since @mark about device @name, or about tables of number @major:@minor; NULL: there is none.
 * The mark is used up. The caller frees the line.
 */
char *kmsg_read(int mark, const char *name, unsigned int major, unsigned int minor);

#endif /* CORCACHE_KMSG_H */
