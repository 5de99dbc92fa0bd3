#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh - do `make`, `make install`, `make uninstall` and `make clean` do what they say? On a copy of the sources,
# against the headers of Debian's kernel 6.1 in the lab's cache: with DESTDIR, and without it in a view of the machine
# (view.sh) that has this kernel. Nothing of the machine is touched.
#
#   install.sh        everything
#   install.sh inside TMP KVER MODROOT   the part that runs in the view
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/testing/check/view.sh
. "$CHECK_DIR/view.sh"

# As a person types it, with the kernel's own headers where a package puts them: modprobe has to know the module afterwards.
inside() { # TMP KVER MODROOT
	local tmp=$1 kver=$2
	mkdir "$tmp/scratch"
	prepare_view "$tmp/scratch" "$kver" "$3"
	[ ! -e "/lib/modules/$kver/build/System.map" ] || fail "these headers have a System.map, which Debian's have not"
	make -C "$tmp/src" install KVER="$kver"
	modprobe -S "$kver" --show-depends dm-corcache
	[[ $(modprobe -S "$kver" --show-depends dm-corcache) == *"/dm-corcache.ko"* ]] || fail "modprobe does not know the module"
	[ -e /lib/udev/rules.d/58-dm-corcache.rules ] || fail "make install has not installed the udev rule"
	make -C "$tmp/src" uninstall KVER="$kver"
	modprobe -S "$kver" -n dm-corcache 2> /dev/null && fail "modprobe still knows the module after make uninstall"
	[ ! -e /lib/udev/rules.d/58-dm-corcache.rules ] || fail "make uninstall leaves the udev rule behind"
}

if [ "${1:-}" = inside ]; then
	inside "${@:2}"
	exit 0
fi

tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-install.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

vars=$("$VM/kernel.sh" 6.1)
eval "$vars"
: "${KDIR:?}" "${KVER:?}" "${MODROOT:?}"

project_make() { make -C "$tmp/src" KDIR="$KDIR" KVER="$KVER" "$@"; }

files_in() { (cd "$1" && find . -type f | sort); }

copy_project "$tmp/src"
files_in "$tmp/src" > "$tmp/before"

project_make install DESTDIR="$tmp/none" > "$tmp/log" 2>&1 && fail "make install without a module should be refused"
grep -q "run 'make' first" "$tmp/log" || fail "make install without a module does not say what to do: $(cat "$tmp/log")"

make -C "$tmp/src" KDIR="$tmp/nowhere" > "$tmp/log" 2>&1 && fail "make without kernel headers should be refused"
grep -q "no kernel headers in $tmp/nowhere" "$tmp/log" || fail "no word about missing headers: $(cat "$tmp/log")"

project_make
project_make install DESTDIR="$tmp/dest" UDEV_PRIORITY=12
files_in "$tmp/dest"
[ -z "$(find "$tmp/dest" -name 'modules.*')" ] || fail "make install with DESTDIR has run depmod"
[ "$(find "$tmp/dest/lib/modules/$KVER" -name 'dm-corcache.ko*' | wc -l)" = 1 ] || fail "the module is not installed"
cmp "$tmp/src/tools/udev/dm-corcache.rules" "$tmp/dest/lib/udev/rules.d/12-dm-corcache.rules"
ko=$(find "$tmp/dest" -name 'dm-corcache.ko*')
[ "$(modinfo -F vermagic "$ko" | cut -d' ' -f1)" = "$KVER" ] || fail "vermagic of $ko is not $KVER"
module_version=$(modinfo -F version "$ko")
[ "$module_version" = "$VERSION" ] || fail "the module says version '$module_version', dkms.conf $VERSION"

project_make uninstall DESTDIR="$tmp/dest" UDEV_PRIORITY=12
[ -z "$(find "$tmp/dest" -name '*corcache*' -type f)" ] || fail "uninstall leaves files behind"

in_view "$CHECK_DIR/install.sh" inside "$tmp" "$KVER" "$MODROOT"

project_make clean
files_in "$tmp/src" | diff "$tmp/before" - || fail "make clean leaves files behind"
[[ $(project_make help) == *"dm-corcache $VERSION"* ]] || fail "make help does not show the version"
echo "make, install, uninstall, clean: fine"
