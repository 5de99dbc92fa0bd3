#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Sizes and alignments, each cold and warm: 1 to 17 sectors at every alignment
# within a region, and, from 16 KiB to 4 MiB, each of the 64 ways to start and
# to end within a block of 4 KiB.  The origin is large enough that every read
# is of blocks that no other read has asked for.
# timeout=600
. "$(dirname "$0")/lib.sh"

# sweep SEED [args]: reads that are the same for the same seed
sweep() {
	remote_mark origin
	message cc reset_stats
	timeout $((200 * SCALE)) "$IO" sweep "$DEV" --seed "$@" >"$T/sweep.out" 2>&1 ||
		fail "sweep $*: $(cat "$T/sweep.out")"
	settle cc
	note "sweep ${*:2}: $(grep '^cold=' "$T/sweep.out")"
}
sweep_said() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$T/sweep.out"; }

# cold_and_warm READS [args]: so many cold reads, at least, and then the same
cold_and_warm() {
	local reads=$1 n

	shift
	sweep "$SEED" "$@"
	expect "cold reads" "$(sweep_said cold)" -ge "$reads"
	expect "distinct bytes" $(($(remote_bytes origin) - $(remote_again origin))) = "$(sweep_said distinct)"
	expect_status cc misses -ge "$reads"
	# Nothing is read twice, unless it could not be inserted: beyond what may wait for
	# a cache device that is slower than the origin.  Then the rest is read now.
	[ "$(status_get cc bypasses)" != 0 ] || expect_remote origin again = 0
	for ((n = 0; n < 5; n++)); do
		[ "$(status_get cc bypasses)" != 0 ] || break
		sweep "$SEED" "$@"
	done
	sweep "$SEED" "$@"
	expect_remote origin bytes = 0
	expect_status cc misses = 0
	expect_status cc joins = 0
	expect_status cc hits -ge "$reads"
	expect_status cc checksum_errors = 0
	message cc evict_all
}

align_small() {
	setup 200 240 128
	cold_and_warm $((17 * 128 / (SCALE > 1 ? 4 : 1))) --per-size $((SCALE > 1 ? 1 : 4)) --max-bs 8704
}

# per size: all ways on the stock kernel, every eighth or so where it is slow
align_powers() {
	local size per_size=$((SCALE > 1 ? 8 : 64))

	setup 600 320 128
	for size in 16 32 64 128 256 512 1024 2048 4096; do
		cold_and_warm "$per_size" --per-size "$per_size" --min-bs $((size * 1024 - 3584)) --max-bs "${size}K"
	done
}

run_cases align_small align_powers
