#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How the fixtures were made: see fixtures.sh.  To be run in a guest, for one of a new
# geometry; what is in the tree stays as it is, whatever this makes:
#
#   tools/testing/vm/run.sh -k 6.1 -o DIR -- .../fixtures.guest.sh
#
# They are then in DIR/fixtures.
. "$(dirname "$0")/lib.sh"
. "$ST_HERE/fixtures.sh"

# Neither the last region nor its last block is whole.
LEN=1995

# read_extents START LENGTH...
read_extents() {
	while [ $# -gt 0 ]; do
		dd if="$DEV" of=/dev/null bs=512 skip="$1" count="$2" iflag=direct status=none
		shift 2
	done
}

# begin CACHE-BYTES LOOP-ARGS TABLE: cc, on CACHE
begin() {
	LOOP_ARGS=$2 TABLE=$3
	fixture_image "$LEN" "$T/image"
	offline_args --origin "$T/image"
	mkloop "$T/image" 0 -r
	ORIGIN=$LOOP
	# shellcheck disable=SC2086 # words
	mkloop "$T/cache" "$1" $LOOP_ARGS
	CACHE=$LOOP
	activate
}

activate() {
	# shellcheck disable=SC2086 # words
	mkcorcache cc "$CACHE" "$ORIGIN" $LEN $TABLE
}

# save NAME LINE...: what is on CACHE
save() {
	local out=$LAB_OUT/fixtures/$1.hex

	mkdir -p "$LAB_OUT/fixtures"
	{
		echo "# SPDX-License-Identifier: GPL-2.0-only"
		echo "# length $LEN"
		[ -z "$LOOP_ARGS" ] || echo "# loop $LOOP_ARGS"
		echo "# table $TABLE"
		printf '# %s\n' "${@:2}"
		"$IO" offline "$CACHE" --origin "$T/image" | sed -n 's/^checked .*: /# found /p'
		od -A x -t x1 "$T/cache"
	} >"$out"
	note "$1: $(wc -c <"$out") bytes"
}

# usual NAME CACHE-BYTES LOOP-ARGS TABLE: some regions whole, some in part, the last block
usual() {
	local at=$((${4%% *}))

	begin "$2" "$3" "$4"
	read_extents 0 64 "$at" 8 $((3 * at)) $((2 * at < 256 ? 2 * at : 256)) $((LEN - 11)) 11
	settle cc
	dmremove cc
	save "$1" "cached 0 64" "cached $at 8" "cached $((3 * at)) $((2 * at < 256 ? 2 * at : 256))" \
		"cached 1984 11" "cold 1960 8" "cold 1000 8"
}

region_4k() { usual v1-region-4k 4194304 "" "8 0 0"; }
region_64k() { usual v1-region-64k 4194304 "" "128 0 2 origin_id sha256:$(sha256sum </dev/null | cut -c 1-64)"; }
region_256k() { usual v1-region-256k 6291456 "" "512 0 0"; }
no_checksums() { usual v1-no-checksums 4194304 "" "128 1 no_checksums 0"; }
cache_4kn() { usual v1-4kn 4194304 "-b 4096" "128 0 0"; }

# the longest name there is, blocks of 8 KiB, and a device of an odd size
origin_id() {
	usual v1-origin-id $((4194304 + 5 * 512)) "" "128 0 4 block_size 16 origin_id $(printf 'sha512:%0121d' 1)"
}

# slots that are empty again, blocks that were dropped, and hints of each kind
hints() {
	local region

	begin 4194304 "" "128 0 0"
	read_extents 0 1024
	settle cc
	message cc evict 128 128
	message cc evict 520 16
	dmremove cc
	for region in "0 80000001" "2 ffffffff" "3 2a000000" "5 00ffffff" "6 00000000"; do
		"$IO" forge "$CACHE" "$("$IO" dump "$CACHE" | sed -n "s/^entry slot=\([0-9]*\) region=${region% *} .*/\1/p")" \
			"hint=0x${region#* }"
	done
	save v1-hints "cached 0 128" "cached 256 264" "cached 536 488" "cold 128 128" "cold 520 16" \
		"hint 0 80000001" "hint 2 ffffffff" "hint 3 2a000000" "hint 5 ffffff"
}

run_cases region_4k region_64k region_256k no_checksums cache_4kn origin_id hints
