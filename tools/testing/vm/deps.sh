#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh [GROUP...] - install the Debian packages that the named groups need and that are missing.
#
#   kernel         to prepare any kernel of the lab (kernel.sh)
#   build          to build the module
#   kernel-source  to build a kernel (debug, uml)
#   vm             to run guests
#   test           what the tests use, on the host or in the guest (which sees the host's programs)
#   check          shellcheck, sparse
#   model          spin, for the models; herd7 is unpacked in the cache (../model/herd.sh)
#   docs           Sphinx, for the documents; codespell
#   clang          clang with its sanitizer run-time
#   crash          the crash replay
#   bench          the benchmarks: their contenders and their plots
#   chroot         to make chroots of newer Debian releases (kernel 7.x, tests of a clean machine)
#   deb            to build the Debian packages; lintian
#   rpm            rpmbuild, to read the spec file
#   dkms           dkms and the headers of Debian's own kernel, installed. The kernel image itself is never installed:
#                  the lab unpacks it in its cache, and boot loader and initramfs of the machine stay as they are
#   gcc-N...       that compiler, such as gcc-12-aarch64-linux-gnu
# Without a group: all but bench and dkms.
#
# Says what it installs, is quiet when nothing is missing. Package lists are refreshed only when a package has no
# candidate or cannot be downloaded. Recommended packages are left out.
# Exit status: 0; 1 with a message.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

export DEBIAN_FRONTEND=noninteractive

packages_of() { # GROUP
	case $1 in
	kernel) echo kmod cpio busybox-static xz-utils zstd util-linux ;;
	build) echo gcc make libc6-dev libelf-dev bc kmod rsync ;;
	kernel-source) echo gcc make libc6-dev bc bison flex libelf-dev libssl-dev perl patch cpio kmod rsync xz-utils python3 ;;
	vm) echo qemu-system-x86 busybox-static kmod util-linux procps iproute2 udev systemd nbdkit python3 ;;
	test) echo dmsetup nbdkit nbd-client nbd-server fio udev e2fsprogs util-linux kmod python3 thin-provisioning-tools lvm2 kpartx \
		qemu-utils xz-utils libdevmapper-dev libjson-c-dev libblkid-dev pkgconf python3-docutils jq gcc make libc6-dev ;;
	check) echo shellcheck sparse ;;
	model) echo spin gcc libc6-dev xz-utils ;;
	docs) echo python3-sphinx codespell ;;
	clang) echo clang lld llvm libclang-rt-14-dev ;;
	crash) echo libdevmapper-dev gcc make libc6-dev ;;
	bench) echo fio nbdkit nbd-client qemu-utils thin-provisioning-tools python3 python3-matplotlib ;;
	chroot) echo mmdebstrap ;;
	rpm) echo rpm ;;
	deb) echo build-essential debhelper dh-dkms lintian python3-docutils libdevmapper-dev libjson-c-dev libblkid-dev pkg-config ;;
	gcc-[0-9]*) echo "$1" ;;
	dkms) echo dkms linux-headers-amd64 ;;
	*) lab_die 1 "no group '$1': use kernel build kernel-source vm test check model docs clang crash bench chroot deb rpm dkms" ;;
	esac
}

# Of the given packages those that are not installed.
missing() {
	local installed
	# A package that dpkg has never heard of makes dpkg-query fail; the others are listed all the same.
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null | sed -n 's/^installed //p' || true)
	printf '%s\n' "$@" | sort -u | grep -vxF "$installed" || true
}

have_candidates() {
	local p
	for p in "$@"; do
		apt-cache policy "$p" | grep '^  Candidate: [^(]' > /dev/null || return 1
	done
}

update_lists() {
	lab_say "apt-get update"
	apt-get -qq update > /dev/null || lab_say "apt-get update failed, going on with the package lists there are"
}

install_packages() {
	apt-get -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" > "$log" 2>&1
}

main() {
	local groups=("$@") packages=() wanted=() g names
	case ${1:-} in -h | --help) lab_usage; exit 0 ;; esac
	[ $# -gt 0 ] || groups=(kernel build kernel-source vm test check model docs clang crash chroot deb rpm)
	for g in "${groups[@]}"; do
		names=$(packages_of "$g")
		# shellcheck disable=SC2206 # words are meant
		packages+=($names)
	done
	mapfile -t wanted < <(missing "${packages[@]}")
	[ ${#wanted[@]} -gt 0 ] || exit 0
	lab_need_root
	lab_say "installing ${wanted[*]}"
	lab_lock deps
	log=$(mktemp)
	# shellcheck disable=SC2064 # the value of now is meant
	trap "rm -f '$log'" EXIT
	have_candidates "${wanted[@]}" || update_lists
	if ! install_packages "${wanted[@]}"; then
		update_lists
		install_packages "${wanted[@]}" || {
			tail -n 20 "$log" >&2
			lab_die 1 "apt-get cannot install: ${wanted[*]}"
		}
	fi
}

main "$@"
