#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initrd.sh ENTRY - make the initramfs of the lab for the kernel in the cache entry ENTRY, print its path.
#
# It holds busybox, initrd-init as /init and, for kernels that have them as modules, what is needed to mount the
# host's root, and for mounts that guests expect: virtio, 9p, overlay, configfs. Cached in ENTRY under a checksum of its ingredients.
# Exit status: 0, or 1 with a message.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

BUSYBOX=${BUSYBOX:-/bin/busybox}
MODULES=(virtio_pci virtio_blk 9pnet_virtio 9p overlay configfs)

unpack_module() { # FILE DIR: copy a module, uncompressed; print its name there
	local b=${1##*/}
	case $b in
	*.xz) b=${b%.xz} && xz -dc "$1" > "$2/$b" ;;
	*.zst) b=${b%.zst} && zstd -qdc "$1" > "$2/$b" ;;
	*) cp "$1" "$2/$b" ;;
	esac
	echo "$b"
}

add_modules() { # DIR MODROOT KVER: modules in the order in which they must be loaded
	local m file
	for m in "${MODULES[@]}"; do
		# A built-in one is reported as "builtin NAME"; one that does not exist is an error of the kernel's config
		# and shows as a failed mount.
		modprobe -d "$2" -S "$3" --show-depends "$m" 2> /dev/null || true
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		unpack_module "$file" "$1/mods"
	done > "$1/mods/order"
}

make_initrd() { # OUT MODROOT KVER
	local d
	d=$(mktemp -d "$LAB_CACHE/.initrd.XXXXXX")
	mkdir -p "$d"/{bin,dev,proc,sys,mods,lower,rw,new}
	cp "$BUSYBOX" "$d/bin/busybox"
	cp "$LAB_DIR/initrd-init" "$d/init"
	chmod 755 "$d/init"
	add_modules "$d" "$2" "$3"
	(cd "$d" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) > "$1.tmp.$$"
	mv "$1.tmp.$$" "$1"
	rm -rf "$d"
}

main() {
	[ $# = 1 ] || lab_die 1 "usage: initrd.sh CACHE-ENTRY"
	local entry=$1 sum out
	[ -x "$BUSYBOX" ] || "$LAB_DIR/deps.sh" vm >&2
	sum=$(cat "$LAB_DIR/initrd-init" "$LAB_DIR/initrd.sh" "$BUSYBOX" | sha256sum | cut -c1-12)
	out=$entry/initrd-$sum.gz
	if [ ! -e "$out" ]; then
		# shellcheck source=/dev/null
		. "$entry/env"
		make_initrd "$out" "$entry/$MODROOT" "$KVER"
	fi
	echo "$out"
}

main "$@"
