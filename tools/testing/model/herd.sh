#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# herd.sh FILE.litmus... - run litmus tests with herd7 under the kernel's memory model; prints what herd7 says.
#
# Debian has herdtools7 in its newest suites only, so it is unpacked in the lab's cache together with the C library that
# it was built for; nothing is installed. The model comes with the kernel's source, tools/memory-model.
# Exit status: 0; 1 with a message.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/testing/vm/lib.sh
. "$here/../vm/lib.sh"
# shellcheck source=tools/testing/vm/apt.sh
. "$LAB_DIR/apt.sh"

LIBDIR=usr/lib/x86_64-linux-gnu

unpack_herd() { # TMP: called by lab_entry
	apt_fetch "$1/all" herdtools7 libc6 libgmp10
	mkdir -p "$1/usr/bin" "$1/usr/share/herdtools7" "$1/$LIBDIR"
	mv "$1/all/usr/bin/herd7" "$1/usr/bin/"
	mv "$1/all/usr/share/herdtools7/herd" "$1/usr/share/herdtools7/"
	cp -a "$1/all/$LIBDIR"/{ld-linux-x86-64.so.2,libc.so.6,libm.so.6,libgmp.so.10*} "$1/$LIBDIR/"
	rm -rf "${1:?}/all"
}

unpack_model() { # TMP PACKAGE: called by lab_entry
	apt_fetch "$1" "$2"
	tar -xJf "$1/usr/src/$2.tar.xz" -C "$1" --strip-components=2 "$2/tools/memory-model"
	rm -rf "${1:?}/usr"
}

# The newest entry of the cache that begins with PREFIX.
last_entry() { # PREFIX
	find "$LAB_CACHE/tools" -maxdepth 1 -name "$1*" 2> /dev/null | sort -V | tail -n 1
}

# Sets entry: PACKAGE in the first of the SUITEs that has it; without a mirror what the cache has.
find_entry() { # NAME PACKAGE MAKER SUITE...
	local name=$1 package=$2 maker=$3 suite version
	shift 3
	for suite; do
		apt_use "$suite" || continue
		version=$(apt_version "$package")
		[ -n "$version" ] || continue
		entry=$LAB_CACHE/tools/${name}_${version//:/.}
		lab_entry "$entry" "$maker" "$package"
		return
	done
	entry=$(last_entry "${name}_")
	[ -n "$entry" ] || lab_die 1 "package $package cannot be had from this machine's mirror (suites: $*)"
}

case ${1:-} in
-h | --help) lab_usage; exit 0 ;;
'') lab_usage >&2; exit 1 ;;
esac
lab_need_root
find_entry herdtools7 herdtools7 unpack_herd sid forky
herd=$entry
find_entry memory-model linux-source-6.1 unpack_model bookworm
model=$entry/memory-model
for file; do
	file=$(realpath "$file")
	# The configuration names its files without a directory.
	(cd "$model" && "$herd/$LIBDIR/ld-linux-x86-64.so.2" --library-path "$herd/$LIBDIR" "$herd/usr/bin/herd7" \
		-set-libdir "$herd/usr/share/herdtools7/herd" -conf linux-kernel.cfg "$file")
done
