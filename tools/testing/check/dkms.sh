#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms.sh - `dkms add`, `build`, `install` with bookworm's dkms 3.0, then modprobe and a first read in a guest; and
# `make dkms-install`, `make dkms-remove`.
#
# The machine keeps out of it. dkms runs in a private mount namespace, in which /usr, /var/lib/dkms, /etc/dkms and
# /lib/modules are replaced by throw-away views: the machine's own /usr, with the unpacked Debian packages of dkms, of
# the kernel and of its headers on top, as if they were installed. What dkms installs there is taken to the guest.
#
#   dkms.sh          everything
#   dkms.sh inside   the part that runs in the namespace
#   dkms.sh guest    the part that runs in the guest
# Exit status: 0, 1 with a message, 4 when a package cannot be had.
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

PACKAGE=dm-corcache/$VERSION

# ---- on the host -------------------------------------------------------------

unpack_dkms() { # TMP: called by lab_entry
	apt_fetch "$1/root" dkms
}

# The entry of the lab's cache that holds bookworm's dkms, unpacked.
get_dkms() {
	local version
	apt_use bookworm || lab_die "$LAB_SKIP" "suite bookworm cannot be had from this machine's mirror"
	version=$(apt_version dkms)
	[ -n "$version" ] || lab_die "$LAB_SKIP" "suite bookworm has no package 'dkms'"
	dkms_root=$LAB_CACHE/tools/dkms_${version//:/.}
	lab_entry "$dkms_root" unpack_dkms
	dkms_root+=/root
}

outside() {
	# shellcheck source=tools/testing/vm/lib.sh
	. "$VM/lib.sh"
	# shellcheck source=tools/testing/vm/apt.sh
	. "$VM/apt.sh"
	local vars status=0 dkms_root
	vars=$("$VM/kernel.sh" 6.1) || exit $?
	eval "$vars"
	get_dkms
	tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-dkms.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	copy_project "$tmp/src"
	mkdir "$tmp/scratch" "$tmp/out"
	KVER=$KVER MODROOT=$MODROOT DKMS_ROOT=$dkms_root DKMS_TMP=$tmp \
		unshare --mount --propagation private "$CHECK_DIR/dkms.sh" inside
	"$VM/run.sh" -k 6.1 -T -t 300 -e "DKMS_OUT=$tmp/out" -- "$CHECK_DIR/dkms.sh" guest || status=$?
	[ "$status" = 0 ] || fail "in the guest, status $status"
	echo "dkms: fine"
}

# ---- in the namespace ----------------------------------------------------------

# Lay DIRs over the directory MOUNTPOINT, and on top a place for changes.
overlay() { # MOUNTPOINT [DIR...]
	local scratch=$DKMS_TMP/scratch$1 lower='' d
	for d in "${@:2}" "$1"; do lower+=${lower:+:}$d; done
	mkdir -p "$scratch/upper" "$scratch/work"
	mount -t overlay overlay -o "lowerdir=$lower,upperdir=$scratch/upper,workdir=$scratch/work" "$1"
}

prepare_view() {
	[ "$(realpath /lib)" = /usr/lib ] || fail "/lib is not /usr/lib on this machine"
	mount -t tmpfs -o size=1g tmpfs "$DKMS_TMP/scratch"
	# shellcheck disable=SC2153 # comes from outside()
	overlay /etc "$DKMS_ROOT/etc"
	overlay /var/lib
	rm -rf /var/lib/dkms && mkdir /var/lib/dkms
	overlay /usr "$DKMS_ROOT/usr" "$MODROOT/usr"
	rm -rf /usr/lib/modules /usr/src/dm-corcache-* && mkdir -p "/usr/lib/modules/$KVER"
	overlay "/usr/lib/modules/$KVER" "$MODROOT/lib/modules/$KVER"
	[ -e "/lib/modules/$KVER/build/Makefile" ] || fail "no headers for $KVER in the view"
}

expect_status() { # STATE
	local status
	status=$(dkms status "$PACKAGE" -k "$KVER")
	echo "$status"
	[[ $status == *": $1"* ]] || fail "dkms status does not say '$1'"
}

# On failure dkms only names the log of the compiler.
dkms_build() {
	dkms build "$PACKAGE" -k "$KVER" || {
		cat "/var/lib/dkms/$PACKAGE/build/make.log"
		fail "dkms build"
	}
}

inside() {
	: "${KVER:?}" "${MODROOT:?}" "${DKMS_ROOT:?}" "${DKMS_TMP:?}"
	prepare_view
	dkms --version
	dkms add "$DKMS_TMP/src"
	expect_status added
	dkms_build
	expect_status built
	dkms install "$PACKAGE" -k "$KVER"
	expect_status installed
	# What has changed for this kernel is what dkms and depmod have made.
	cp -a "$DKMS_TMP/scratch/usr/lib/modules/$KVER/upper/." "$DKMS_TMP/out/"
	make -C "$DKMS_TMP/src" dkms-remove
	[ -z "$(dkms status "$PACKAGE")" ] || fail "make dkms-remove leaves the package behind"
	[ -z "$(find "/lib/modules/$KVER" -name '*corcache*')" ] || fail "make dkms-remove leaves the module behind"
	make -C "$DKMS_TMP/src" dkms-install KVER="$KVER"
	expect_status installed
	[ -e /lib/udev/rules.d/58-dm-corcache.rules ] || fail "make dkms-install has not installed the udev rule"
}

# ---- in the guest ----------------------------------------------------------------

# The modules of this kernel with the result of dkms over them, for modprobe -d.
guest_modules() { # DIR
	local dir=$1/lib/modules f
	dir+=/$(uname -r)
	mkdir -p "$dir"
	cp -r "$DKMS_OUT/." "$dir/"
	for f in "/lib/modules/$(uname -r)"/*; do
		[ -e "$dir/${f##*/}" ] || ln -s "$f" "$dir/"
	done
}

guest() {
	local origin cache
	guest_modules /run/dkms
	modinfo -b /run/dkms dm-corcache
	[ "$(modinfo -b /run/dkms -F version dm-corcache)" = "$VERSION" ] || fail "the module's version is not $VERSION"
	modprobe -d /run/dkms dm-corcache
	dmsetup targets | grep "^corcache *v$VERSION\$" || fail "no target corcache v$VERSION: $(dmsetup targets | tr '\n' ' ')"
	modprobe loop
	mkdir -p /dev/mapper
	head -c 8M /dev/urandom > /run/origin
	truncate -s 16M /run/cache
	origin=$(losetup -f --show /run/origin)
	cache=$(losetup -f --show /run/cache)
	dmsetup create cc --readonly --uuid CORCACHE-dkms --table "0 16384 corcache $cache $origin 128"
	dmsetup mknodes
	cmp /dev/mapper/cc /run/origin
	dmsetup status cc
	dmsetup remove cc
	rmmod dm_corcache
	echo "modprobe, read, rmmod: fine"
}

case ${1:-} in
'') outside ;;
inside) inside ;;
guest) guest ;;
*) fail "unknown part '$1'" ;;
esac
