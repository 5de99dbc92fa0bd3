#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel-intree.sh - the newest kernel source that Debian has, to try the target in a kernel's own tree; to be sourced.
#
# Its entry in the cache is a source tree, linux/, in which all of the kernel but the target has been compiled as User
# Mode Linux with config/intree.config. There are no paths in what the compiler made, so that a copy of the tree has only
# to compile what is added to it. The copy, with the target in it, is made and built by ../check/kernel-patch.sh.
#
# Functions: intree_source  prints the entry's directory, making it when missing
#            intree_kernel  prints the directory of the kernel that kernel-patch.sh has built in this checkout
# Needs lib.sh, apt.sh, kernel-own.sh.

INTREE_SUITES='trixie-backports sid'

# The suite with the newest source; prints "SUITE PACKAGE VERSION".
intree_newest() {
	local suite version package newest='' best=''
	for suite in $INTREE_SUITES; do
		apt_use "$suite" || continue
		version=$(apt_version linux-source)
		package=$(apt_depends linux-source | grep '^linux-source-[0-9]' | sed -n 1p)
		if [ -z "$version" ] || [ -z "$package" ]; then continue; fi
		if [ -z "$newest" ] || dpkg --compare-versions "$version" gt "$newest"; then
			newest=$version best="$suite $package $version"
		fi
	done
	echo "$best"
}

# Left out: what UML does not compile, but for Kconfig files and makefiles, and most documents and tests.
intree_unpack() { # TMP PACKAGE
	local p=$2 d excluded=()
	for d in accel comedi crypto gpu hid hwmon iio infiniband media mtd net/ethernet net/wireless pinctrl scsi staging usb \
		video; do
		excluded+=(--exclude="$p/drivers/$d/*.[chS]")
	done
	for d in btrfs ceph ext4 f2fs gfs2 nfs nfsd ocfs2 smb xfs; do excluded+=(--exclude="$p/fs/$d/*.[ch]"); done
	excluded+=(
		--exclude="$p/arch/[a-tvwyz]*/*.[chS]" --exclude="$p/arch/*/boot/dts" --exclude="$p/arch/*/configs/*_defconfig"
		--exclude="$p/sound/*.[ch]"
		--exclude="$p/Documentation/[b-z]*" --exclude="$p/rust/*.rs" --exclude="$p/samples/*.[ch]"
		--exclude="$p/tools/perf" --exclude="$p/tools/testing/[a-rt-z]*"
		--exclude="$p/tools/testing/selftests/[a-jl-z]*/*"
	)
	LC_ALL=C tar -xJf "$1/usr/src/$p.tar.xz" -C "$1" "${excluded[@]}"
	mv "$1/$p" "$1/linux"
	rm -rf "${1:?}/usr"
}

# Without W=1, which would tell of the kernel's own code, and take longer.
intree_make_source() { # TMP PACKAGE
	local log=$LAB_CACHE/log/intree.log start=$SECONDS
	mkdir -p "$LAB_CACHE/log"
	apt_fetch "$1" "$2"
	lab_say "unpacking $2"
	intree_unpack "$1" "$2"
	lab_say "compiling the newest kernel as UML, some minutes; log in $log"
	own_configure "$1/linux" "$1/linux" um "$LAB_DIR/config/intree.config"
	nice make -C "$1/linux" ARCH=um -j"${JOBS:-$(nproc)}" linux > "$log" 2>&1 || {
		tail -n 30 "$log"
		return 1
	}
	lab_say "compiled $2 in $((SECONDS - start)) s"
}

intree_source() {
	local suite package version sum entry
	"$LAB_DIR/deps.sh" kernel-source >&2
	read -r suite package version <<< "$(intree_newest)"
	if [ -z "$version" ]; then
		entry=$(find "$LAB_CACHE/source" -maxdepth 1 -name 'intree_*' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
		[ -n "$entry" ] || lab_die "$LAB_SKIP" "none of $INTREE_SUITES offers a kernel source on this machine's mirror"
		lab_say "the mirror offers no kernel source now, using ${entry##*/}"
		echo "$entry"
		return
	fi
	apt_use "$suite"
	sum=$({ grep '^CONFIG_' "$LAB_DIR/config/intree.config" | sort; declare -f intree_unpack; } | sha256sum | cut -c1-8)
	entry=$LAB_CACHE/source/intree_${version//:/.}_$sum
	lab_entry "$entry" intree_make_source "$package"
	echo "$entry"
}

intree_kernel() {
	[ -e "$LAB_BUILD/intree/env" ] ||
		lab_die 1 "kernel intree is made of this checkout by tools/testing/check/kernel-patch.sh (make check T=intree)"
	echo "$LAB_BUILD/intree"
}
