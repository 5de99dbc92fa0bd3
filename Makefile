# SPDX-License-Identifier: GPL-2.0-only
#
# dm-corcache: a copy-on-read cache as a device-mapper target. `make help` lists the targets.
#
# This file is for people and packagers. The kernel's build system reads Kbuild, or, in its own tree,
# drivers/md/dm-corcache/Makefile: nothing here needs to work in both roles.

# The version stands in dkms.conf, because dkms wants a plain value there.
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# DESTDIR is a packager's staging directory; INSTALL_MOD_PATH is the kernel's own word for the same.
DESTDIR ?=
INSTALL_MOD_PATH ?= $(DESTDIR)
# Debian's device-mapper rules are 55- to 60-; where they are 10- to 13- (Fedora and others), use UDEV_PRIORITY=12.
UDEV_DIR ?= /lib/udev/rules.d
UDEV_PRIORITY ?= 58
UDEV_RULE := $(DESTDIR)$(UDEV_DIR)/$(UDEV_PRIORITY)-dm-corcache.rules

# What the module is built from: the content of the package that DKMS gets.
DKMS_FILES := Kbuild Makefile dkms.conf COPYING README.md CHANGELOG.md drivers tools/udev
DKMS_STAGE := build/dkms/dm-corcache-$(VERSION)

KBUILD = $(MAKE) -C $(KDIR) M=$(CURDIR)

# The kernel's own step does it only where System.map lies beside the headers, which is so in no package of Debian's. In
# a staging directory it is the package manager's work.
DEPMOD = [ -n "$(INSTALL_MOD_PATH)" ] || { PATH="$$PATH:/usr/sbin:/sbin" && set -x && depmod $(KVER); }

.DEFAULT_GOAL := modules
.PHONY: modules modules_install udev_install install uninstall clean check demo kcsan unit sim model fuzz soak torture bench bench-check version help
.PHONY: deb check-deb dist set-version release check-kernels
.PHONY: kernel-patch dkms-stage dkms-install dkms-remove tools install-tools

modules: $(KDIR)/Makefile
	+$(KBUILD) modules

$(KDIR)/Makefile:
	@echo "no kernel headers in $(KDIR): install linux-headers-$(KVER), or give KDIR=<kernel build directory>" >&2; exit 1

modules_install: $(KDIR)/Makefile
	@[ -e drivers/md/dm-corcache/dm-corcache.ko ] || { echo "drivers/md/dm-corcache/dm-corcache.ko is not built: run 'make' first" >&2; exit 1; }
	+$(KBUILD) INSTALL_MOD_PATH=$(INSTALL_MOD_PATH) modules_install
	@$(DEPMOD)

udev_install:
	install -D -m 644 tools/udev/dm-corcache.rules $(UDEV_RULE)

install: modules_install udev_install

uninstall:
	rm -f $(UDEV_RULE)
	find $(INSTALL_MOD_PATH)/lib/modules/$(KVER) -name 'dm-corcache.ko*' -delete
	@$(DEPMOD)

clean: $(KDIR)/Makefile
	+$(KBUILD) clean
	rm -rf $(DKMS_STAGE)

# A tree of the module's sources alone: `dkms add` copies everything that it finds.
dkms-stage:
	rm -rf $(DKMS_STAGE)
	mkdir -p $(DKMS_STAGE)
	tar -c --exclude='*.o' --exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' --exclude='.*.cmd' $(DKMS_FILES) | tar -x -C $(DKMS_STAGE)

# What DKMS has of an earlier state of the sources, or of another version, is replaced.
dkms-install: dkms-stage
	@tools/package/dkms-install.sh $(DKMS_STAGE) $(KVER)
	+$(MAKE) udev_install

dkms-remove:
	@tools/package/dkms-install.sh --remove
	rm -f $(UDEV_RULE)

# Debian packages in build/deb/
deb:
	@tools/package/deb.sh

# Installed, upgraded and purged in a chroot; make check builds and reads them only.
check-deb:
	@tools/testing/check/deb.sh full

# The module for every kernel that Debian has headers of: ROWS=pattern
check-kernels:
	@tools/testing/check/kernels.sh $(ROWS)

# The corcache tool, its man pages and completions, in build/corcache.
tools:
	+$(MAKE) -C tools/corcache

install-tools:
	+$(MAKE) -C tools/corcache install DESTDIR=$(DESTDIR)

unit:
	+$(MAKE) -C tools/testing/unit check

# The simulator of policies: build/sim/corcache-sim --help
sim:
	+$(MAKE) -C tools/testing/sim

# SECONDS, SEED and FUZZ are passed on.
fuzz:
	+$(MAKE) -C tools/testing/fuzz run

model:
	@tools/testing/model/check.sh

check:
	@tools/testing/check.sh

# A series for a kernel's tree: KSRC=, and OUT= for one mbox beside the mails in build/kernel-patch/.
kernel-patch:
	@[ -n "$(KSRC)" ] || { echo "usage: make kernel-patch KSRC=<kernel source> [OUT=<mbox>]" >&2; exit 1; }
	@tools/kernel-patch/kernel-patch.sh "$(KSRC)" $(if $(OUT),"$(OUT)")

# MINUTES=, SEED=, KERNEL=
soak:
	@tools/testing/soak.sh

# STATES=, KILLS=, DEVICES=, FUZZ_SECONDS=, SEED=, ONLY=
torture:
	@tools/testing/torture.sh

# ONLY=regex of parts, ROUNDS=, CONTENDERS=, TESTS=, HOST=1, RECORD=1
bench:
	@tools/testing/bench/bench.sh run

bench-check:
	@tools/testing/bench/bench.sh check

demo:
	@tools/testing/demo/demo.sh

kcsan:
	@tools/testing/kcsan.sh

# V=X.Y.Z
set-version:
	@tools/package/version.sh set "$(V)"

release:
	@tools/package/version.sh release

# The sources of the last commit, as contrib/ and other packagers take them.
dist:
	mkdir -p build
	git archive --format=tar.gz --prefix=dm-corcache-$(VERSION)/ -o build/dm-corcache-$(VERSION).tar.gz HEAD

version:
	@echo $(VERSION)

help:
	@echo 'dm-corcache $(VERSION)'
	@echo
	@echo '  modules          build the module for KDIR (default; KDIR=$(KDIR))'
	@echo '  install          install the module and the udev rule (DESTDIR=, INSTALL_MOD_PATH=, UDEV_PRIORITY=)'
	@echo '  modules_install  the module alone'
	@echo '  udev_install     the udev rule alone'
	@echo '  uninstall        remove both'
	@echo '  dkms-install     hand the sources to DKMS: rebuilt for each new kernel; and install the udev rule'
	@echo '  dkms-remove      take them back'
	@echo '  tools            build the corcache tool, its man pages and completions'
	@echo '  install-tools    install them (DESTDIR=, PREFIX=)'
	@echo '  clean            remove what was built'
	@echo '  deb              Debian packages, in build/deb/'
	@echo '  check-kernels    build the module for every kernel that Debian has headers of (ROWS=pattern)'
	@echo '  check-deb        install, upgrade and purge them in a chroot'
	@echo '  dist             the sources of the last commit, in build/dm-corcache-$(VERSION).tar.gz'
	@echo '  set-version      V=X.Y.Z: make that the version'
	@echo '  release          tag this commit as the version that it is'
	@echo '  kernel-patch     the target as a series of patches for a kernel tree (KSRC=, OUT=)'
	@echo '  unit             unit tests in user space'
	@echo '  sim              the simulator of cache policies: build/sim/corcache-sim --help'
	@echo '  fuzz             fuzzing of what reads sectors and words (SECONDS=300 each, SEED=, FUZZ="super table args message")'
	@echo '  model            search all states of the models in tools/testing/model, with spin and herd7'
	@echo '  check            all tests, in virtual machines (T=pattern: those whose name matches; QUICK=1: 10 minutes)'
	@echo '  soak             everything at once on the debug kernel (MINUTES=10, SEED=)'
	@echo '  torture          crashes at 100000 moments, power cuts, hostile devices: hours (STATES=, KILLS=, DEVICES=, SEED=)'
	@echo '  bench            hits, misses, boots, beside dm-linear, dm-cache, dm-clone, bcache, nbdkit, qcow2 (ONLY=part, ROUNDS=, HOST=1)'
	@echo '  bench-check      instructions per hit against those on record, fails above +3 %'
	@echo '  demo             a real boot read through the cache, in a virtual machine (HOST=1: on this kernel)'
	@echo '  kcsan            look for data races: the stress test on a kernel with KCSAN (MINUTES=5, SEED=)'
