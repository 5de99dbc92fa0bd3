/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache compat: the only place that knows one kernel from another.
 *
 * The target is written against the newest interface; each entry adapts an
 * older kernel to it and says since when it is needed no more.  Features are
 * probed (macros here, headers in probes.mk), versions are not compared.  The
 * Kbuild outside of a kernel's tree includes this before everything else; the
 * sources do not mention it.
 */
#ifndef DM_CORCACHE_COMPAT_H
#define DM_CORCACHE_COMPAT_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

/*
 * 6.5: opening a block device takes a blk_mode_t and BLK_OPEN_*, before it
 * was fmode_t and FMODE_*.  Remove when the oldest supported kernel is >= 6.5.
 */
#ifndef BLK_OPEN_READ
#define BLK_OPEN_READ	FMODE_READ
#define BLK_OPEN_WRITE	FMODE_WRITE
#endif

/*
 * 7.0: kzalloc_obj(), zeroed memory for one object, GFP_KERNEL if not told
 * otherwise.  Remove when the oldest supported kernel is >= 7.0.
 */
#ifndef kzalloc_obj
#define kzalloc_obj(object)	kzalloc(sizeof(object), GFP_KERNEL)
#endif

/*
 * 6.16: bio_add_vmalloc().  Remove when the oldest supported kernel is >= 6.16.
 * As there: the pages of a vmalloc buffer are added to a bio, all of them or
 * false; what is to be written is written back from the caches first.
 */
#ifndef CORCACHE_HAVE_BIO_ADD_VMALLOC
static inline bool bio_add_vmalloc(struct bio *bio, void *vaddr, unsigned int len)
{
	if (op_is_write(bio_op(bio)))
		flush_kernel_vmap_range(vaddr, len);
	while (len) {
		unsigned int n = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(vaddr));

		if (bio_add_page(bio, vmalloc_to_page(vaddr), n, offset_in_page(vaddr)) < n)
			return false;
		vaddr += n;
		len -= n;
	}
	return true;
}
#endif

#endif /* DM_CORCACHE_COMPAT_H */
