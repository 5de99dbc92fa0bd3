#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# chroot.sh - small chroots of newer Debian releases, to build modules for kernels whose build tools need a newer
# libc and compiler than this machine has; to be sourced.
#
# Functions: chroot_get SUITE GCC  prints the chroot's directory, making it when missing
#            chroot_run DIR BIND... -- COMMAND...  runs COMMAND in it, with the directories BIND at their own paths
# Needs lib.sh, apt.sh.

chroot_make() { # TMP SUITE GCC
	local tmp=$1 suite=$2 gcc=$3
	command -v mmdebstrap > /dev/null || "$LAB_DIR/deps.sh" chroot
	lab_say "making a chroot of $suite with $gcc, clang, sparse"
	apt_use "$suite"
	mmdebstrap --quiet --mode=root --variant=essential --architectures=amd64 \
		--include="$gcc,make,clang,lld,llvm,sparse,libelf-dev,libc6-dev,kmod,bc,perl-base" \
		--aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$tmp/root" "$LAB_CACHE/apt/$suite/sources.list" || {
		lab_say "cannot make a chroot of $suite"
		return "$LAB_SKIP"
	}
}

chroot_get() { # SUITE GCC
	local version entry
	apt_use "$1" || lab_die "$LAB_SKIP" "suite $1 cannot be had from this machine's mirror"
	version=$(apt_version "$2")
	[ -n "$version" ] || lab_die "$LAB_SKIP" "suite $1 has no package '$2'"
	entry=$LAB_CACHE/chroot/$1_$2_${version//:/.}
	lab_entry "$entry" chroot_make "$1" "$2"
	echo "$entry/root"
}

# In a mount namespace of its own: nothing stays mounted, whatever happens.
chroot_run() { # DIR BIND... -- COMMAND...
	local dir=$1 binds=()
	shift
	while [ "$1" != -- ]; do
		binds+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private bash -euc '
		dir=$1 n=$2
		shift 2
		mount --bind "$dir" "$dir"
		mount -t proc proc "$dir/proc"
		mount --rbind /dev "$dir/dev"
		for ((i = 0; i < n; i++)); do
			mkdir -p "$dir$1"
			mount --bind "$1" "$dir$1"
			shift
		done
		exec chroot "$dir" "$@"
	' chroot_run "$dir" ${#binds[@]} "${binds[@]}" "$@"
}
