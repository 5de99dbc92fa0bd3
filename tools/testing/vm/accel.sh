#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# accel.sh KIMAGE INITRD - print the QEMU options for the fastest accelerator that works on this machine.
#
# That /dev/kvm exists says little (nested virtualisation may be missing or broken), so KVM is tried once by booting
# the lab's initramfs, which prints a token; the answer is kept in the cache for this host kernel.
# CORCACHE_ACCEL=kvm|tcg overrides. Emulation copies byte by byte where a processor says that it copies fast so, and takes
# the longer for a miss in its TLB the more levels page tables have: hence the features that are left out.
# Exit status: 0; 1 with a message for a wrong override.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

kvm_boots() { # KIMAGE INITRD
	[ -w /dev/kvm ] || return 1
	timeout -k 1 20 qemu-system-x86_64 -M q35 -accel kvm -cpu host -m 512M -nodefaults -no-user-config -display none \
		-no-reboot -serial stdio -kernel "$1" -initrd "$2" \
		-append "console=ttyS0 quiet panic=-1 LAB_PROBE=corcache-lab-works" < /dev/null 2> /dev/null |
		grep -q 'probe corcache-lab-works'
}

probe() { # KIMAGE INITRD
	local memo
	memo=$LAB_CACHE/accel-$(uname -r)
	if [ ! -e "$memo" ]; then
		if kvm_boots "$1" "$2"; then echo kvm; else echo tcg; fi > "$memo.$$"
		mv "$memo.$$" "$memo"
	fi
	cat "$memo"
}

main() {
	[ $# = 2 ] || lab_die 1 "usage: accel.sh KIMAGE INITRD"
	local accel=${CORCACHE_ACCEL:-}
	[ -n "$accel" ] || accel=$(probe "$@")
	case $accel in
	kvm) echo "-accel kvm -cpu host" ;;
	tcg) echo "-accel tcg,thread=multi -cpu max,erms=off,fsrm=off,la57=off" ;;
	*) lab_die 1 "CORCACHE_ACCEL='$accel' is neither kvm nor tcg" ;;
	esac
}

main "$@"
