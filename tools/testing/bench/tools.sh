#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools.sh bcache|clone - what the benchmarks need of others and Debian's kernel 6.1, or the machine, does not have.
#
#   bcache  the programs of Debian's bcache-tools, unpacked, not installed: its udev rules would take hold of devices
#   clone   dm-clone for kernel 6.1, which Debian leaves out, built from Debian's own source of that kernel
#
# Output: the directory, or the path of the .ko. Exit status: 0, or 4 when it cannot be had, with a word why.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../vm/lib.sh
. "$HERE/../vm/lib.sh"
# shellcheck source=../vm/apt.sh
. "$LAB_DIR/apt.sh"

unpack_bcache() { # TMP: called by lab_entry
	apt_fetch "$1/root" bcache-tools
}

bcache() {
	local version entry
	apt_use bookworm || lab_die "$LAB_SKIP" "bcache-tools: suite bookworm cannot be had from this machine's mirror"
	version=$(apt_version bcache-tools)
	[ -n "$version" ] || lab_die "$LAB_SKIP" "suite bookworm has no package 'bcache-tools'"
	entry=$LAB_CACHE/tools/bcache-tools_${version//:/.}
	lab_entry "$entry" unpack_bcache
	echo "$entry/root"
}

# The kernel's own files, as they are, with a Kbuild of their own.
clone() {
	local source stage=$LAB_BUILD/bench/clone/dm-clone
	source=$(find "$LAB_CACHE/source" -maxdepth 2 -path '*/linux-source-6.1_*/linux' -printf '%T@ %p\n' 2> /dev/null |
		sort -n | tail -n 1 | cut -d' ' -f2-)
	[ -n "$source" ] || lab_die "$LAB_SKIP" "dm-clone: no source of kernel 6.1: '$LAB_DIR/kernel.sh uml' fetches it"
	mkdir -p "$stage/persistent-data"
	cp -u "$source"/drivers/md/dm-clone-{target,metadata}.c "$source"/drivers/md/{dm-clone-metadata,dm,dm-stats}.h "$stage"
	cp -u "$source"/drivers/md/persistent-data/*.h "$stage/persistent-data"
	cat > "$stage/Kbuild.new" <<- 'E'
		obj-m := dm-clone.o
		dm-clone-y := dm-clone-target.o dm-clone-metadata.o
		ccflags-y := -I$(src)
	E
	cmp -s "$stage/Kbuild.new" "$stage/Kbuild" || mv "$stage/Kbuild.new" "$stage/Kbuild"
	"$LAB_DIR/build.sh" -k 6.1 -S "$stage" | tail -n 1
}

case ${1:-} in
bcache | clone) "$1" ;;
-h | --help) lab_usage ;;
*) lab_usage >&2; exit 1 ;;
esac
