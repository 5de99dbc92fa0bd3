#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader does not wait for the cache: misses are answered while the cache
# device answers nothing, and what could not be inserted is only not cached.  The
# cache device is a linear device that is suspended to stall.
. "$(dirname "$0")/lib.sh"

# begin [MIB]: of the origin
begin() {
	LEN=$((${1:-16} * 2048))
	remote_start origin $((LEN * 512))
	mkcache $((${1:-16} + 16))
	mkdm slow "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/slow "$ORIGIN" "$LEN" 128
}
stall_cache() { dmsetup suspend --noflush --nolockfs slow; }

async_one() {
	begin
	stall_cache
	read_ok "$DEV" 0 64K --bs 4K
	# not inserted yet, and not a hit before it is
	expect_status cc valid = 0
	expect_remote origin bytes = 65536
	dmsetup resume slow
	settle cc
	expect_status cc valid = 16
	expect_hits cc "$DEV" 0 64K
}

# more than may be in memory for the cache device, which is 32 MiB: answered, then
# dropped
async_flood() {
	begin 64
	stall_cache
	timeout $((60 * SCALE)) "$IO" random "$DEV" --count "$(scaled 1000)" --threads 16 --max-bs 256K --seed "$SEED"
	read_ok "$DEV" --bs 1M
	expect_status cc bypasses -gt 0
	dmsetup resume slow
	settle cc
	expect_status cc valid -ge 2048
	expect_status cc valid -le $((12288))
	read_ok "$DEV" 0 16M
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

# A cache device whose driver has no room left blocks whoever submits, which a
# suspended mapped device does not: more fills than a workqueue has workers wait
# in it, and yet misses are answered, also those that have to wait for their turn.
async_blocking_driver() {
	local far

	REMOTE_MEMORY=1 remote_start store 64M
	CACHE=$ORIGIN
	echo 8 >"/sys/block/${CACHE##*/}/queue/nr_requests"
	remote_start origin 96M
	mkcorcache cc "$CACHE" "$ORIGIN" 196608 128
	read_ok "$DEV" 0 64K
	settle cc
	remote_stall store
	timeout $((60 * SCALE)) "$IO" random "$DEV" --start 1M --length 24M --count 1200 \
		--threads 8 --min-bs 512 --max-bs 4096 --seed "$SEED"
	expect_status cc valid = 16
	expect_status cc transfers -ge 512
	# and beyond the bound on reads of the origin, in overlapping pieces
	remote_stall origin
	for far in 32M 48M 64M; do
		job "far$far" "$IO" together "$DEV" "$far" 16M --threads 16 --bs 1M
		wait_for 60 "readers that wait" job_waits "far$far" 16
	done
	job near "$IO" random "$DEV" --start 26M --length 4M --count 32 --threads 32 \
		--min-bs 4096 --max-bs 1500K --seed "$SEED"
	wait_for 60 "readers that wait" job_waits near 32
	remote_continue origin
	for far in 32M 48M 64M; do
		job_end "far$far" 100
	done
	job_end near 100
	status_line cc
	# all that was read is more than may wait for the cache device
	expect_status cc bypasses -gt 0
	expect_status cc valid = 16
	remote_continue store
	settle cc
	read_ok "$DEV" 0 32M
	settle cc
	expect_hits cc "$DEV" 0 32M
	expect_status cc cache_errors = 0
	expect_status cc checksum_errors = 0
}

run_cases async_one async_flood async_same_block async_status async_blocking_driver
