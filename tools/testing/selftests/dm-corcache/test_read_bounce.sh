#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hits that are not aligned to blocks are read whole into pages of the target
# (bounced), within a bound on memory.  Blocks are of 1 MiB here, the bound of
# 32 MiB is 32 of them, and a spare one.  The cache device stalls when the linear device
# `slow` is suspended.
. "$(dirname "$0")/lib.sh"

BLOCK=2048
BOUND=33

# begin ORIGIN_MIB [core args]: the first 32 MiB are cached, in the first slots
begin() {
	local mib=$1

	shift
	remote_start origin "${mib}M"
	mkcache 64
	mkdm slow "0 $(sectors "$CACHE") linear $CACHE 0"
	mkdm below "0 $(sectors "$CACHE") linear /dev/mapper/slow 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" $((mib * 2048)) "$BLOCK" 0 $((2 + $#)) block_size "$BLOCK" "$@"
	read_ok "$DEV" 0 32M
	settle cc
	message cc commit
	remote_mark origin
}

# readers N: so many hits of one sector each that wait
readers() {
	job readers "$IO" random "$DEV" --length 32M --count "$1" --threads "$1" \
		--min-bs 512 --max-bs 512 --seed "$SEED"
	wait_for 60 "$1 readers that wait" job_waits readers "$1"
}

bounce_bound() {
	begin 32
	dmsetup suspend --noflush --nolockfs slow
	readers 48
	expect_status cc transfers = "$BOUND"
	dmsetup resume slow
	job_end readers 60
	settle cc
	expect_remote origin bytes = 0
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 32M
}

# who waits for room must not wait for a device that has been given up
bounce_released_by_bypass() {
	local data below

	begin 36 max_errors 1
	"$IO" dump "$CACHE" >"$T/dump"
	expect "slots in use" "$(grep -c '^entry slot=\([0-9]\|[12][0-9]\|3[01]\) ' "$T/dump")" = 32
	data=$(sed -n 's/^entry slot=31 .* data=\([0-9]*\) .*/\1/p' "$T/dump")
	# what is cached stalls, what is not cannot be written
	below=$((data + BLOCK))
	# what lies behind it, the second superblock too, is not to be had
	offline_allow unreadable
	reload_dm below "0 $below linear /dev/mapper/slow 0
$below $(($(sectors "$CACHE") - below)) error"
	dmsetup suspend --noflush --nolockfs slow
	readers 48
	expect_status cc transfers = "$BOUND"
	# one that is read-only is given up at its first error
	blockdev --setro /dev/mapper/below
	read_ok "$DEV" 32M 512
	wait_for 10 "mode bypass" status_is cc mode bypass
	wait_for 30 "readers that the origin answers" job_waits_for readers "$BOUND"
	job_running readers || fail "those that were being bounced did not wait"
	dmsetup resume slow
	job_end readers 60
	read_ok "$DEV"
}
# no more than so many threads of it wait
job_waits_for() { ! job_waits "$1" $(($2 + 1)); }

run_cases bounce_bound bounce_released_by_bypass
