#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reads through the page cache, as file systems and QEMU with cache=writeback
# make them: with read-ahead, by page faults, up to a last page that is partial,
# and beside reads with O_DIRECT.  What is read is verified, and the origin is
# asked for each block once.
. "$(dirname "$0")/lib.sh"

ODD=$((8 * 1048576 + 3 * 512))

begin() {
	remote_start origin "$ODD"
	mkcache 16
	mkcorcache cc "$CACHE" "$ORIGIN" $((ODD / 512)) 128
	blockdev --setra "$1" "$DEV"
}

# forget what the page cache has of the device, not what the cache has
flush() { blockdev --flushbufs "$DEV"; }

# copied NAME BYTES: by read(2); a file is verified as a device is
copied() {
	dd if="$DEV" of="$T/$1" bs="$2" status=none
	expect "bytes of $1" "$(stat -c %s "$T/$1")" = "$ODD"
	"$IO" read "$T/$1" >"$T/out" 2>&1 || fail "$(cat "$T/out")"
	rm "$T/$1"
}

buffered_read_ahead() {
	local ra

	begin 0
	for ra in 0 8 256 8192; do
		blockdev --setra "$ra" "$DEV"
		remote_mark origin
		copied cold 64K
		settle cc
		expect_remote origin bytes = "$ODD"
		expect_remote origin again = 0
		flush
		copied warm 1M
		expect_remote origin bytes = "$ODD"
		expect_status cc origin_errors = 0
		expect_status cc checksum_errors = 0
		message cc evict_all
		flush
	done
}

buffered_mmap() {
	begin 256
	"$IO" read "$DEV" --mmap >"$T/out" 2>&1 || fail "$(cat "$T/out")"
	settle cc
	expect_remote origin bytes = "$ODD"
	expect_remote origin again = 0
	flush
	message cc reset_stats
	expect_hits cc "$DEV" --mmap
	# of the cache, not of the page cache
	expect_status cc hits -gt 0
}

# both kinds of readers of the same blocks, from a cold cache
buffered_beside_direct() {
	local n

	begin 256
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	for ((n = 0; n < 3; n++)); do
		job mapped "$IO" read "$DEV" --mmap
		copied "copy$n" 256K
		job_end mapped 60
		flush
	done
	expect_load load
	job_stop load
	settle cc
	expect_remote origin bytes = "$ODD"
	expect_remote origin again = 0
	expect_status cc checksum_errors = 0
}

run_cases buffered_read_ahead buffered_mmap buffered_beside_direct
