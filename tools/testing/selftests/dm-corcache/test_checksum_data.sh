#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bits that have rotted in the data area: the reader sees the right data, the
# counters say so, the block is dropped and filled again; and a reader that
# scribbles on its own buffer during the read costs nobody a block.
. "$(dirname "$0")/lib.sh"

# place REGION: first byte of its slot on the cache device, from the table; looks
# more than once, as a table that is written to at the moment may be read torn
place() {
	local sector='' n

	for ((n = 0; n < 5; n++)); do
		sector=$("$IO" dump "$CACHE" | sed -n "s/^entry slot=[0-9]* region=$1 .* data=\([0-9]*\) .*/\1/p")
		[ -z "$sector" ] || break
	done
	[ -n "$sector" ] || fail "region $1 has no slot"
	echo $((sector * 512))
}

# rot REGION BYTE BIT: in the slot of the region
rot() {
	local at

	at=$(place "$1")
	"$IO" flip "$CACHE" $((at + $2)) "$3"
}

# healed OFF LEN ERRORS BLOCKS: right data; so many checksum errors more, and
# so many blocks read from the origin again; then all hits
healed() {
	local errors

	errors=$(status_get cc checksum_errors)
	checked cc
	remote_mark origin
	read_ok "$DEV" "$1" "$2"
	settle cc
	expect "checksum errors" $(($(status_get cc checksum_errors) - errors)) = "$3"
	expect_remote origin bytes = $(($4 * 4096))
	expect_hits cc "$DEV" "$1" "$2"
}

warm() {
	setup 8 16 128
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
}

checksum_one_bit() {
	local byte

	warm
	for byte in 0 511 512 4095; do
		rot 0 "$byte" 3
		healed 0 4K 1 1
	done
	# the last block of a region, of a large read over many
	rot 3 65535 7
	healed 0 1M 1 1
	# several in one read
	rot 1 0 0
	rot 1 8192 1
	rot 5 40000 2
	healed 0 1M 3 3
	expect_status cc mode = active
}

# the damage lies outside of the sectors that are asked for
checksum_beside_what_is_read() {
	warm
	rot 0 4000 1
	read_ok "$DEV" 0 512
	settle cc
	expect_status cc checksum_errors = 1
	expect_hits cc "$DEV" 0 4K
}

checksum_partial_last_block() {
	local bytes=$((1048576 + 3 * 512))

	remote_start origin "$bytes"
	mkcache 16
	mkcorcache cc "$CACHE" "$ORIGIN" $((bytes / 512)) 128
	read_ok "$DEV"
	settle cc
	message cc commit
	rot 16 1535 6
	read_ok "$DEV" $((bytes - 512)) 512
	settle cc
	expect_status cc checksum_errors = 1
	# what lies behind the end in the slot is nobody's; the one block of the
	# region was dropped and filled again: back in the table with a commit
	message cc commit
	rot 16 2000 6
	expect_hits cc "$DEV" 1M 1536
	expect_status cc checksum_errors = 1
}

checksum_4kn() {
	remote_start origin 8M
	mkcache 16 -b 4096
	mkcorcache cc "$CACHE" "$ORIGIN" 16384 128
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	rot 2 5000 0
	read_ok "$DEV" $((131072 + 4096 + 512)) 1024
	settle cc
	expect_status cc checksum_errors = 1
	expect_hits cc "$DEV" 0 1M
}

# rot survives a restart, healing too
checksum_over_restart() {
	warm
	rot 4 100 5
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" 16384 128
	healed 0 1M 1 1
	message cc commit
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" 16384 128
	expect_hits cc "$DEV" 0 1M
	expect_status cc checksum_errors = 0
}

# the whole slot is another region's data: stale, or misdirected by the device
checksum_swapped_slots() {
	local a b

	warm
	a=$(place 0)
	b=$(place 1)
	dd if="$CACHE" of="$CACHE" bs=4096 skip=$((a / 4096)) seek=$((b / 4096)) count=16 \
		iflag=direct oflag=direct conv=notrunc status=none
	healed 64K 64K 16 16
}

# the origin is away: its error is what the reader gets, and never wrong data
checksum_without_origin() {
	warm
	rot 2 100 5
	remote_errors origin on
	read_fails "$DEV" 128K 4K
	expect_hits cc "$DEV" 0 128K
	remote_errors origin off
	read_ok "$DEV" 128K 64K
	settle cc
	expect_hits cc "$DEV" 0 1M
}

# damage while many read
checksum_under_load() {
	local n

	warm
	load load "$DEV" --length 1M --threads 6 --max-bs 128K --seed "$SEED"
	RANDOM=$((SEED % 32768))
	for ((n = 0; ; n++)); do
		if enough "$n" 40; then break; fi
		rot $((RANDOM % 16)) $((RANDOM % 65536)) $((RANDOM % 8))
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	read_ok "$DEV" 0 1M
	settle cc
	expect_status cc checksum_errors -ge 1
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 1M
}

# scribble OFF LEN BS PASSES: a reader whose buffer is written to while it reads
scribble() {
	timeout $((100 * SCALE)) "$IO" scribble "$DEV" "$1" "$2" --bs "$3" --passes "$4" --seed "$SEED" \
		>"$T/scribble.out" 2>&1 || fail "scribble: $(cat "$T/scribble.out")"
}

# What a guest does to its own buffer is no error of the cache.  Reads of whole
# blocks are judged in the reader's pages: each one that was scribbled on
# between copy and checksum is read again, and nothing else is.
checksum_scribbler() {
	local size n

	warm
	message cc reset_stats
	for ((n = 0; n < 40; n++)); do
		for size in 4K 64K 1M; do
			scribble 0 1M "$size" "$(scaled 10)"
		done
		[ "$n" -lt 2 ] || [ "$(status_get cc reverified)" = 0 ] || break
	done
	note "$n rounds, $(status_get cc reverified) reads verified again"
	expect_status cc reverified -gt 0
	settle cc
	expect_status cc checksum_errors = 0
	expect_status cc valid = 256
	expect_status cc origin_bytes = 0
	expect_hits cc "$DEV" 0 1M
	# unaligned, and while others read the same blocks
	load load "$DEV" --length 1M --threads 2 --seed "$SEED"
	scribble 512 512K 37K "$(scaled 40)"
	job_stop load
	expect_status cc checksum_errors = 0
	expect_status cc valid = 256
	expect_hits cc "$DEV" 0 1M
}

# a scribbler while the block is being fetched must not spoil what is cached
checksum_scribbler_cold() {
	setup 8 16 128
	scribble 0 2M 256K 1
	settle cc
	expect_hits cc "$DEV" 0 2M
	expect_status cc checksum_errors = 0
}

run_cases checksum_one_bit checksum_beside_what_is_read checksum_partial_last_block checksum_4kn \
	checksum_over_restart checksum_swapped_slots checksum_without_origin checksum_under_load \
	checksum_scribbler checksum_scribbler_cold
