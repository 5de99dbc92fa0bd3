#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader does not wait for the cache: misses are answered while the cache
# device answers nothing, and what could not be kept is only not cached.  The
# cache device is a linear device that is suspended to stall.
. "$(dirname "$0")/lib.sh"

LEN=32768

begin() {
	remote_start origin 16M
	mkcache 32
	mkdm slow "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/slow "$ORIGIN" "$LEN" 128
}
stall_cache() { dmsetup suspend --noflush --nolockfs slow; }

async_one() {
	begin
	stall_cache
	read_ok "$DEV" 0 64K --bs 4K
	# not kept yet, and not a hit before it is
	expect_status cc valid = 0
	expect_remote origin bytes = 65536
	dmsetup resume slow
	settle cc
	expect_status cc valid = 16
	expect_hits cc "$DEV" 0 64K
}

# more than may be in memory for the cache device: answered, then dropped
async_flood() {
	begin
	stall_cache
	timeout $((60 * SCALE)) "$IO" random "$DEV" --count "$(scaled 1000)" --threads 16 --max-bs 256K --seed "$SEED"
	read_ok "$DEV" --bs 1M
	dmsetup resume slow
	settle cc
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV" 0 16M
	expect_status cc cache_errors = 0
}

# the same block again and again before it is written: right, whatever it costs
async_same_block() {
	begin
	stall_cache
	for _ in 1 2 3 4 5; do
		read_ok "$DEV" 128K 4K
	done
	timeout $((60 * SCALE)) "$IO" together "$DEV" 128K 4096 --threads 16
	dmsetup resume slow
	settle cc
	expect_hits cc "$DEV" 128K 4K
}

# messages of other parts and the status are not held by it either
async_status() {
	begin
	stall_cache
	read_ok "$DEV" 0 64K
	status_line cc
	dmsetup table cc
	message cc reset_stats
	dmsetup resume slow
	settle cc
	message cc commit
	expect_hits cc "$DEV" 0 64K
}

run_cases async_one async_flood async_same_block async_status
