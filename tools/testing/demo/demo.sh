#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# demo.sh - a real boot reads its remote image through a corcache device: `make demo`.
#
# Prepares everything on the host, then runs workload.sh: in a virtual machine with Debian's own kernel 6.1 or, with
# HOST=1, on the running kernel, which must be able to load modules. Needs root. What is missing of Debian packages
# is installed. Results stay in build/demo. Exit status: 0 = every promise held.
#
# The remote image is a sparse file of 8 GiB. Where the recorded boot reads, and only there, it holds a pattern: each
# 8 bytes are their own byte offset (big-endian). So every read can be verified, whoever answered it.
#
# Environment: HOST=1 no virtual machine; TRACE=file another trace; PROGRESS=1 or 0: with progress bars or without; by
# default with, if the output goes to a terminal.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
vm=$top/tools/testing/vm
build=${CORCACHE_BUILD:-$top/build}
out=$build/demo
trace=$(realpath "${TRACE:-$top/tools/testing/traces/debian12-boot.csv}")
image=$out/image.raw cache=$out/cache.raw
io=$build/selftests/corcache_io
tool=$build/corcache/corcache

PROGRESS=${PROGRESS:-$([ -t 1 ] && echo 1 || echo 0)}

IMAGE_BYTES=$((8 << 30))
CACHE_BYTES=$((256 << 20))
TIME_LIMIT=600

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "must run as root: sudo make demo"
}

# The extents that the trace touches, in whole blocks of 4 KiB, merged: lines "OFFSET LENGTH".
touched() {
	awk -F, 'NR > 1 {
		from = $2 - $2 % 4096; to = $2 + $3; to += (4096 - to % 4096) % 4096
		printf "%.0f %.0f\n", from, to
	}' "$trace" | sort -n | awk '
		NR == 1 { from = $1; to = $2; next }
		$1 <= to { if ($2 > to) to = $2; next }
		{ printf "%.0f %.0f\n", from, to - from; from = $1; to = $2 }
		END { printf "%.0f %.0f\n", from, to - from }'
}

# Write the pattern into the extents that are read from stdin.
stamp() { # FILE
	perl -we '
		open(my $file, "+<", $ARGV[0]) or die "$ARGV[0]: $!\n";
		while (<STDIN>) {
			my ($from, $bytes) = split;
			for (my $block = $from; $block < $from + $bytes; $block += 4096) {
				seek($file, $block, 0);
				print $file pack("Q>512", map { $block + 8 * $_ } 0 .. 511);
			}
		}
		close($file) or die "$ARGV[0]: $!\n";' "$1"
}

# Made once per trace; the name of what is in it lies beside it.
make_image() {
	local made_from
	made_from="$(sha256sum < "$trace" | cut -d' ' -f1) $IMAGE_BYTES"
	[ ! -e "$image.from" ] || [ "$(cat "$image.from")" != "$made_from" ] || [ ! -e "$image" ] || return 0
	rm -f "$image" "$image.from"
	truncate -s "$IMAGE_BYTES" "$image"
	touched | stamp "$image"
	echo "$made_from" > "$image.from"
}

# The lines workload.sh gets its parameters from, as arguments of env(1) or of the VM runner's -e.
parameters() { # IMAGE CACHE
	printf '%s\n' "DEMO_IMAGE=$1" "DEMO_CACHE=$2" "DEMO_TRACE=$trace" "DEMO_IO=$io" "DEMO_TOOL=$tool" \
		"DEMO_RULE=$top/tools/udev/dm-corcache.rules" "DEMO_PROGRESS=$PROGRESS"
}

in_vm() {
	local environment=() p status=0
	say "Building the module for Debian's kernel 6.1"
	"$vm/build.sh" -k 6.1 > "$out/build.log" 2>&1 || {
		status=$?
		tail -n 20 "$out/build.log" >&2
		[ "$status" != 4 ] || die "Debian's kernel 6.1 cannot be had at the moment"
		die "the module does not build; log in $out/build.log"
	}
	# In the VM image and cache are disks: /dev/vda (read-only) and /dev/vdb.
	while IFS= read -r p; do environment+=(-e "$p"); done < <(parameters /dev/vda /dev/vdb)
	say "Booting a virtual machine with it"
	"$vm/run.sh" -k 6.1 -c 2 -t "$TIME_LIMIT" -o "$out/vm" -d "$image::ro" -d "$cache" "${environment[@]}" \
		-- "$here/workload.sh"
}

# Can this kernel load the module at all? Say which part is missing.
check_host() {
	local release
	release=$(uname -r)
	[ -e /proc/modules ] || die "HOST=1: this machine's kernel ($release) cannot load modules (it is built without" \
		"CONFIG_MODULES); run 'make demo' without HOST=1"
	[ "$(cat /proc/sys/kernel/modules_disabled 2> /dev/null || echo 0)" = 0 ] ||
		die "HOST=1: loading of modules is switched off on this machine (kernel.modules_disabled)"
	[ -e "/lib/modules/$release/build/Makefile" ] || die "HOST=1: no headers for kernel $release:" \
		"apt-get install linux-headers-$release"
	! dmsetup info corcache-demo > /dev/null 2>&1 || die "HOST=1: a device 'corcache-demo' exists already"
}

on_host() {
	local environment=()
	check_host
	say "Building the module for this kernel, $(uname -r)"
	make -C "$top" modules > "$out/build.log" 2>&1 || {
		tail -n 20 "$out/build.log" >&2
		die "the module does not build; log in $out/build.log"
	}
	mapfile -t environment < <(parameters "$image" "$cache")
	env "${environment[@]}" CORCACHE_KO="$top/drivers/md/dm-corcache/dm-corcache.ko" LAB_OUT="$out/host" "$here/workload.sh"
}

main() {
	need_root
	[ "${HOST:-0}" != 1 ] || check_host
	"$vm/deps.sh" kernel vm build test
	mkdir -p "$out" "$out/vm" "$out/host"
	exec {lock}> "$out/lock"
	flock -n "$lock" || die "another demo is running from this checkout"
	make -s -C "$top/tools/testing/selftests/dm-corcache" CORCACHE_BUILD="$build" > /dev/null
	make -s -C "$top/tools/corcache" CORCACHE_BUILD="$build" program > /dev/null
	say "Making the remote image: 8 GiB sparse, stamped where the boot reads"
	make_image
	# An empty cache device each time: the first run has to be cold.
	rm -f "$cache"
	truncate -s "$CACHE_BYTES" "$cache"
	if [ "${HOST:-0}" = 1 ]; then on_host; else in_vm; fi
}

main "$@"
