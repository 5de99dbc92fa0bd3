#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bits that have rotted in the region table and in the superblocks: right
# data, and only the regions of the damaged 512-byte sector are cold; counted
# and logged.  One good superblock is enough, none is refused.
. "$(dirname "$0")/lib.sh"

LEN=16384

# 8 MiB cached, committed, stopped; DUMP is its table, ENTRIES per sector
begin() {
	setup 8 16 128
	read_ok "$DEV"
	settle cc
	message cc commit
	dmremove cc
	DUMP=$T/dump
	"$IO" dump "$CACHE" >"$DUMP"
	expect "regions in the table" "$(grep -c '^entry ' "$DUMP")" = 128
}

field() { sed -n "s/.* $2=\([0-9]*\).*/\1/p" <<<"$1"; }

# damaged BYTE BIT REGIONS: so many regions are cold, the rest is warm
damaged() {
	local cold=$3

	"$IO" flip "$CACHE" "$1" "$2"
	remote_mark origin
	log_mark
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_status cc used = $((128 - cold))
	expect "errors counted" $(($(status_get cc checksum_errors) + $(status_get cc cache_errors))) -ge 1
	expect_log "table sectors corrupt or unreadable"
	read_ok "$DEV"
	settle cc
	expect_read_of_origin cc origin = $((cold * 65536))
	expect_hits cc "$DEV"
	message cc commit
	dmremove cc
	# healed on the device as well
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_status cc checksum_errors = 0
	expect_hits cc "$DEV"
	dmremove cc
}

table_bits() {
	local entry sector regions at

	begin
	entry=$(grep '^entry ' "$DUMP" | sed -n 20p)
	sector=$(field "$entry" table_sector)
	regions=$(grep -c " table_sector=$sector " "$DUMP")
	expect "regions per table sector" "$regions" -le 6
	# region, valid, the checksums; the head: checksum, number, format id
	for at in $(($(field "$entry" entry_byte) + 1)) $(($(field "$entry" entry_byte) + 9)) \
		$(($(field "$entry" entry_byte) + 20)) $((sector * 512)) $((sector * 512 + 9)) \
		$((sector * 512 + 20)) $((sector * 512 + 511)); do
		note "byte $((at - sector * 512)) of table sector $sector"
		damaged "$at" 2 "$regions"
	done
}

# two sectors damaged, first and last in use
table_two_sectors() {
	local first last

	begin
	first=$(field "$(grep -m 1 '^entry ' "$DUMP")" table_sector)
	last=$(field "$(grep '^entry ' "$DUMP" | tail -n 1)" table_sector)
	"$IO" flip "$CACHE" $((first * 512 + 100)) 0
	damaged $((last * 512 + 100)) 0 \
		$(($(grep -c " table_sector=$first " "$DUMP") + $(grep -c " table_sector=$last " "$DUMP")))
}

# damage of a table that is in use: memory knows better
table_while_running() {
	# no commit has a reason to write this sector again
	offline_allow table
	begin
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	"$IO" flip "$CACHE" $(($(field "$(grep -m 1 '^entry ' "$DUMP")" entry_byte) + 9)) 3
	expect_hits cc "$DEV"
	message cc evict 0 8
	expect_hits cc "$DEV" 64K 4M
	read_ok "$DEV"
}

# a sector of the table that was written to another place
table_misplaced_sector() {
	local first

	begin
	first=$(field "$(grep -m 1 '^entry ' "$DUMP")" table_sector)
	dd if="$CACHE" of="$CACHE" bs=512 skip="$first" seek=$((first + 1)) count=1 \
		iflag=direct oflag=direct conv=notrunc status=none
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	read_ok "$DEV"
	settle cc
	expect_status cc used = 128
	expect_hits cc "$DEV"
}

super_one_copy() {
	local which byte

	begin
	for which in main backup; do
		for byte in 3 9 13 20 60 100 511; do
			local at=$byte

			[ "$which" = main ] || at=$((16 * 1048576 - 4096 + byte))
			"$IO" flip "$CACHE" "$at" 4
			note "byte $byte of the $which superblock"
			"$IO" dump "$CACHE" >"$T/damaged" || true
			grep -q "^bad copy=$which" "$T/damaged" || fail "the dump finds no damage"
			log_mark
			mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
			[ "$which" = backup ] || expect_log "first superblock is .*, using its copy"
			expect_hits cc "$DEV"
			dmremove cc
			"$IO" dump "$CACHE" >"$T/after" || fail "no superblock is left"
			# whether or not the good copy was written over it
			[ "$(grep -c '^super' "$T/after")" = 2 ] || "$IO" flip "$CACHE" "$at" 4
		done
	done
}

super_both_copies() {
	local hash

	# the second one is not mended
	offline_expect super
	begin
	"$IO" flip "$CACHE" 100 4
	"$IO" flip "$CACHE" $((16 * 1048576 - 4096 + 100)) 4
	hash=$("$IO" hash "$CACHE")
	expect_refused "0 $LEN corcache $CACHE $ORIGIN 128" "superblock"
	expect "bytes of the cache device" "$("$IO" hash "$CACHE")" = "$hash"
	"$IO" flip "$CACHE" 100 4
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV"
}

run_cases table_bits table_two_sectors table_while_running table_misplaced_sector \
	super_one_copy super_both_copies
