#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh NAME - make a kernel available in the lab's cache and say where its parts are.
#
#   6.1    Debian 12's own kernel
#   6.12   the newest of bookworm-backports
#   7.x    the newest of trixie-backports, else of sid; its modules are built in a chroot of that release
#   debug  x86_64 SMP, built here from Debian's linux-source-6.1: KASAN, lockdep, kmemleak, fault injection, KUnit
#   kcsan  x86_64 SMP, built here from the same source: KCSAN (data races), lockdep
#   uml    User Mode Linux, built here from the same source: starts in a second, runs at near-native speed
#   uml-debug  the same with KASAN, lockdep, kmemleak, fault injection; slower, and much faster than debug
#   intree  the newest kernel as User Mode Linux, with this checkout's target built in: check/kernel-patch.sh makes it
#
# Output: lines for the shell's eval:
#   KNAME    NAME
#   KVER     release (uname -r)
#   ARCH     x86 or um
#   KIMAGE   bzImage, or UML's executable
#   INITRD   initramfs of the lab for this kernel
#   KDIR     build directory for "make -C"
#   MODROOT  directory with lib/modules/KVER
#   KCONFIG  its configuration
#   KCC      compiler its modules are built with
#   KCHROOT  chroot in which they must be built; empty: none needed
# Exit status: 0; 4 = this kernel cannot be had at the moment (the reason is the last line on stderr); 1 = any
# other failure.
#
# Environment: CORCACHE_LAB (cache directory), CORCACHE_LAB_REFRESH (hours after which Debian is asked for a newer
# version, 12), JOBS (parallel compilations), LAB_ONLY_CACHED=1 (status 4 when it would have to be fetched or built). The cache key has the package version and, for kernels built here, a
# checksum of configuration and patches: a new version or a changed configuration makes a new entry; old ones may be removed
# by hand at any time when no guest runs.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=apt.sh
. "$LAB_DIR/apt.sh"
# shellcheck source=kernel-debian.sh
. "$LAB_DIR/kernel-debian.sh"
# shellcheck source=kernel-own.sh
. "$LAB_DIR/kernel-own.sh"
# shellcheck source=kernel-intree.sh
. "$LAB_DIR/kernel-intree.sh"

print_kernel() { # NAME ENTRY
	local name=$1 d=$2
	# The initramfs depends on the lab's scripts too, hence its own cache key.
	local initrd
	initrd=$("$LAB_DIR/initrd.sh" "$d") || return 1
	(
		# shellcheck source=/dev/null
		. "$d/env"
		# shellcheck disable=SC2153 # set by that file
		printf '%s=%q\n' KNAME "$name" KVER "$KVER" ARCH "$ARCH" KIMAGE "$d/$KIMAGE" INITRD "$initrd" KDIR "$d/$KDIR" \
			MODROOT "$d/$MODROOT" KCONFIG "$d/$KDIR/.config" KCC "$KCC" KCHROOT "$KCHROOT"
	)
}

find_kernel() { # NAME: its entry in the cache, made when missing
	case $1 in
	6.1) debian_kernel 6.1 bookworm '' ;;
	6.12) debian_kernel 6.12 bookworm-backports '' ;;
	7.x) debian_kernel_7 ;;
	debug) own_kernel debug x86 ;;
	kcsan) own_kernel kcsan x86 ;;
	uml) own_kernel uml um ;;
	uml-debug) own_kernel uml-debug um ;;
	intree) intree_kernel ;;
	*) lab_die 1 "no kernel '$1': use one of 6.1 6.12 7.x debug kcsan uml uml-debug intree" ;;
	esac
}

# Asking apt takes half a second, and a test run asks a hundred times: the answer is good as long as apt's lists are.
# A changed configuration or changed scripts ask again. The kernel that is made of this checkout is not looked for.
memo_of() { # NAME
	[ "$1" != intree ] || { echo "$LAB_BUILD/intree/entry"; return; }
	echo "$LAB_CACHE/kernel/.$1-$(cat "$LAB_DIR"/kernel*.sh "$LAB_DIR"/config/* "$LAB_DIR"/patches/*.patch "$LAB_DIR"/patches/*/*.patch | sha256sum | cut -c1-12)"
}

main() {
	[ $# = 1 ] || { lab_usage >&2; exit 1; }
	case $1 in -h | --help) lab_usage; exit 0 ;; esac
	local name=$1 memo entry=''
	lab_need_root
	mkdir -p "$LAB_CACHE/kernel"
	memo=$(memo_of "$name")
	! lab_fresh "$memo" "$APT_REFRESH" || entry=$(< "$memo")
	if [ ! -e "${entry:-/nonexistent}/env" ]; then
		"$LAB_DIR/deps.sh" kernel >&2
		entry=$(find_kernel "$name")
		echo "$entry" > "$memo.$$"
		mv "$memo.$$" "$memo"
	fi
	print_kernel "$name" "$entry"
}

main "$@"
