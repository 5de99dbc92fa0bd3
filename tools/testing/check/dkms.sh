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
# shellcheck source=tools/testing/check/view.sh
. "$CHECK_DIR/view.sh"

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
	# shellcheck disable=SC2153 # from kernel.sh
	KVER=$KVER MODROOT=$MODROOT DKMS_ROOT=$dkms_root DKMS_TMP=$tmp in_view "$CHECK_DIR/dkms.sh" inside
	"$VM/run.sh" -k 6.1 -T -t 300 -e "DKMS_OUT=$tmp/out" -- "$CHECK_DIR/dkms.sh" guest || status=$?
	[ "$status" = 0 ] || fail "in the guest, status $status"
	echo "dkms: fine"
}

# ---- in the namespace ----------------------------------------------------------

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
	prepare_view "$DKMS_TMP/scratch" "$KVER" "$MODROOT" "$DKMS_ROOT"
	dkms --version
	dkms add "$DKMS_TMP/src"
	expect_status added
	dkms_build
	expect_status built
	dkms install "$PACKAGE" -k "$KVER"
	expect_status installed
	# What has changed for this kernel is what dkms and depmod have made.
	cp -a "$DKMS_TMP/scratch/usr/lib/modules/$KVER/upper/." "$DKMS_TMP/out/"
	install_again
}

make_dkms() { make -C "$DKMS_TMP/src" "dkms-$1" KVER="$KVER"; }

described() { modinfo -k "$KVER" -F description dm-corcache; }

describe() { sed -i "s/^MODULE_DESCRIPTION(.*/MODULE_DESCRIPTION(\"$1\");/" "$DKMS_TMP/src/drivers/md/dm-corcache/target.c"; }

# `make dkms-install` where DKMS has the module: the same version with other sources; sources that do not compile; another version; a package's sources.
install_again() {
	describe 'the second time'
	make_dkms install
	expect_status installed
	[ -e /lib/udev/rules.d/58-dm-corcache.rules ] || fail "make dkms-install has not installed the udev rule"
	[ "$(described)" = 'the second time' ] || fail "make dkms-install has kept the old module: '$(described)'"
	[ "$(dkms status dm-corcache | wc -l)" = 1 ] || fail "DKMS has more than one: $(dkms status dm-corcache)"

	describe 'broken'
	echo '#error on purpose' >> "$DKMS_TMP/src/drivers/md/dm-corcache/target.c"
	make_dkms install > "$DKMS_TMP/log" 2>&1 && fail "sources that do not compile were installed"
	grep -q 'on purpose' "$DKMS_TMP/log" || fail "nothing is said of the compiler's error: $(cat "$DKMS_TMP/log")"
	[ "$(described)" = 'the second time' ] || fail "a failed build has taken the module away"
	sed -i '/on purpose/d' "$DKMS_TMP/src/drivers/md/dm-corcache/target.c"

	describe 'another version'
	sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="9.8.7"/' "$DKMS_TMP/src/dkms.conf"
	make_dkms install
	[ "$(described)" = 'another version' ] || fail "make dkms-install of another version has kept the old module"
	[[ $(dkms status dm-corcache) == dm-corcache/9.8.7,*installed* ]] || fail "not one version: $(dkms status dm-corcache)"
	[ ! -e "/usr/src/dm-corcache-$VERSION" ] || fail "the old version's sources are still there"

	printf 'Package: dm-corcache-dkms\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n\n' \
		>> /var/lib/dpkg/status
	echo /usr/src/dm-corcache-9.8.7/dkms.conf > /var/lib/dpkg/info/dm-corcache-dkms.list
	make_dkms install > "$DKMS_TMP/log" 2>&1 && fail "a package's sources were overwritten"
	grep -q 'belong to a package (dm-corcache-dkms)' "$DKMS_TMP/log" || fail "no word about the package: $(cat "$DKMS_TMP/log")"
	rm /var/lib/dpkg/info/dm-corcache-dkms.list

	make_dkms remove
	[ -z "$(dkms status dm-corcache)" ] || fail "make dkms-remove leaves something behind: $(dkms status dm-corcache)"
	[ -z "$(find /usr/src "/lib/modules/$KVER" /lib/udev/rules.d -name '*corcache*')" ] || fail "make dkms-remove leaves files behind"
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

# From now on this kernel takes only modules that are signed with a key it knows, as with module.sig_enforce=1 on its command
# line. That which DKMS has made is none: what is said then is what the guide says.
enforced() {
	echo 1 > /sys/module/module/parameters/sig_enforce
	[ -n "$(modinfo -b /run/dkms -F signer dm-corcache)" ] || fail "DKMS has not signed the module"
	modprobe -d /run/dkms dm-corcache 2> /run/err && fail "the module was loaded"
	cat /run/err
	grep "could not insert 'dm_corcache': Key was rejected by service" /run/err || fail "modprobe says something else"
	dmesg | grep 'Loading of module with unavailable key is rejected' || fail "the kernel says something else: $(dmesg | tail -n 5)"
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
	enforced
	echo "modprobe, read, rmmod, refused where signatures are enforced: fine"
}

case ${1:-} in
'') outside ;;
inside) inside ;;
guest) guest ;;
*) fail "unknown part '$1'" ;;
esac
