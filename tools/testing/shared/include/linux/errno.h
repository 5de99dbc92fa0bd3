/* SPDX-License-Identifier: GPL-2.0-only */
/* Shim for building the pure files in user space: only what they use. */
#ifndef CORCACHE_SHIM_LINUX_ERRNO_H
#define CORCACHE_SHIM_LINUX_ERRNO_H

/*
 * The C library's errno.h takes its numbers from a header of this name, too:
 * hence more of them than the pure files use.
 */
#define EPERM		1
#define ENOENT		2
#define EINTR		4
#define EIO		5
#define ENXIO		6
#define E2BIG		7
#define EBADF		9
#define EAGAIN		11
#define ENOMEM		12
#define EACCES		13
#define EFAULT		14
#define EBUSY		16
#define EEXIST		17
#define ENODEV		19
#define EINVAL		22
#define ENOTTY		25
#define EFBIG		27
#define ENOSPC		28
#define EROFS		30
#define EPIPE		32
#define EDOM		33
#define ERANGE		34
#define ENODATA		61
#define EOVERFLOW	75
#define EILSEQ		84
#define EOPNOTSUPP	95
#define ETIMEDOUT	110

#endif /* CORCACHE_SHIM_LINUX_ERRNO_H */
