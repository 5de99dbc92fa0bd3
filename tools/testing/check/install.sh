#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# install.sh - do `make`, `make install DESTDIR=`, `make uninstall` and `make clean` do what they say? On a copy of the
# sources, against the headers of Debian's kernel 6.1 in the lab's cache; nothing of the machine is touched.
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-install.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

vars=$("$VM/kernel.sh" 6.1)
eval "$vars"
: "${KDIR:?}" "${KVER:?}"

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
[ "$(find "$tmp/dest/lib/modules/$KVER" -name 'dm-corcache.ko*' | wc -l)" = 1 ] || fail "the module is not installed"
cmp "$tmp/src/tools/udev/dm-corcache.rules" "$tmp/dest/lib/udev/rules.d/12-dm-corcache.rules"
ko=$(find "$tmp/dest" -name 'dm-corcache.ko*')
[ "$(modinfo -F vermagic "$ko" | cut -d' ' -f1)" = "$KVER" ] || fail "vermagic of $ko is not $KVER"
module_version=$(modinfo -F version "$ko")
[ "$module_version" = "$VERSION" ] || fail "the module says version '$module_version', dkms.conf $VERSION"

project_make uninstall DESTDIR="$tmp/dest" UDEV_PRIORITY=12
[ -z "$(find "$tmp/dest" -name '*corcache*' -type f)" ] || fail "uninstall leaves files behind"

project_make clean
files_in "$tmp/src" | diff "$tmp/before" - || fail "make clean leaves files behind"
[[ $(project_make help) == *"dm-corcache $VERSION"* ]] || fail "make help does not show the version"
echo "make, install, uninstall, clean: fine"
