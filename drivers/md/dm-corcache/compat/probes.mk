# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel's headers have that no macro tells: flags for compat.h.  Read by the Kbuild at the top only.

corcache-has = $(shell grep -qsE '$(1)' $(srctree)/include/linux/$(2) && echo y)

corcache-compat-flags := $(if $(call corcache-has,bio_add_vmalloc,bio.h),-DCORCACHE_HAVE_BIO_ADD_VMALLOC)
