#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Single flight: for any number of readers of the same missing block at the
# same time the origin sees one read of it.  The readers are made simultaneous
# by a server that does not answer until all of them wait.
. "$(dirname "$0")/lib.sh"

# at_once THREADS OFF LEN [args]: all of them (or WAITERS, where the others are
# hits) wait before the server answers
at_once() {
	remote_mark origin
	remote_stall origin
	job readers "$IO" together "$DEV" "$2" "$3" --threads "$1" "${@:4}"
	wait_for 30 "$1 readers that wait" job_waits readers "${WAITERS:-$1}"
	# the status answers while the origin does not
	status_line cc >/dev/null
	remote_continue origin
	job_end readers 60
	remote_count origin
}

flight_one_block() {
	setup 8 16 128
	at_once 64 0 4096
	expect_remote origin reads = 1
	expect_remote origin bytes = 4096
	expect_status cc joins = 63
	expect_status cc origin_reads = 1
	settle cc
	expect_hits cc "$DEV" 0 4096
}

# each reader another sector of the block
flight_sectors_of_one_block() {
	setup 8 16 128
	at_once 64 4096 4096 --bs 512
	expect_remote origin reads = 1
	expect_remote origin bytes = 4096
	settle cc
	expect_status cc valid = 1
}

# all over each other: 1 MiB each from all of them
flight_large() {
	setup 8 16 128
	at_once 64 512K 1M
	expect_remote origin bytes = 1048576
	expect_remote origin again = 0
	settle cc
	expect_hits cc "$DEV" 512K 1M
}

# unaligned pieces of 10 sectors over 16 blocks, some of which are valid
flight_pieces() {
	setup 8 16 128
	read_ok "$DEV" 8K 8K
	read_ok "$DEV" 40K 4K
	settle cc
	# four of the pieces lie in what is valid
	WAITERS=60 at_once 64 0 65536 --bs 5120
	expect_remote origin bytes = $((65536 - 8192 - 4096))
	expect_remote origin again = 0
	settle cc
	expect_hits cc "$DEV" 0 64K
}

flight_no_checksums() {
	setup 8 16 128 1 no_checksums
	at_once 64 0 4096
	expect_remote origin bytes = 4096
	settle cc
	expect_hits cc "$DEV" 0 4096
}

# it is not inserted: the quota is full
flight_quota_full() {
	setup 8 16 128 0 4 quota 512 policy stop
	read_ok "$DEV" 0 256K
	settle cc
	expect_status cc used = 4
	at_once 64 1M 4096
	expect_remote origin reads = 1
	expect_remote origin bytes = 4096
	at_once 64 2M 256K
	expect_remote origin bytes = 262144
	expect_remote origin again = 0
	expect_status cc used = 4
	expect_hits cc "$DEV" 0 256K
}

# Readers beyond the bound on memory wait in the target; none reads twice, and
# none is lost.
flight_beyond_the_memory_bound() {
	setup 256 300 128
	remote_mark origin
	remote_stall origin
	job readers "$IO" together "$DEV" 0 16M --threads 64 --bs 1M
	# each of them one read, some of the same
	job more "$IO" random "$DEV" --start 16M --count "$(scaled 128)" \
		--threads "$(scaled 128)" --min-bs 1M --max-bs 1M --seed "$SEED"
	wait_for 60 "readers that wait" job_waits readers 64
	wait_for 60 "readers that wait" job_waits more "$(scaled 128)"
	status_line cc
	remote_continue origin
	job_end readers 100
	job_end more 100
	settle cc
	remote_count origin
	expect_remote origin again = 0
	expect_remote origin bytes = "$(status_get cc origin_bytes)"
}

# The same for those who overlap in any way while nothing is inserted: the first part
# of one, the middle of another.  `far` takes all the room, so that all others
# are deferred.
flight_deferred_overlap() {
	local far threads

	threads=$(scaled 96)
	setup 96 16 128 0 4 quota 512 policy stop
	read_ok "$DEV" 0 256K
	settle cc
	expect_status cc used = 4
	expect_hits cc "$DEV" 0 256K
	message cc reset_stats
	remote_mark origin
	remote_stall origin
	for far in 32M 48M 64M; do
		job "far$far" "$IO" together "$DEV" "$far" 16M --threads 16 --bs 1M
		wait_for 60 "far readers that wait" job_waits "far$far" 16
	done
	job near "$IO" random "$DEV" --start 1M --length 6M --count "$threads" \
		--threads "$threads" --min-bs 512 --max-bs 1500K --seed "$SEED"
	wait_for 60 "near readers that wait" job_waits near "$threads"
	remote_continue origin
	for far in 32M 48M 64M; do
		job_end "far$far" 100
	done
	job_end near 100
	settle cc
	remote_count origin
	expect_remote origin again = 0
	expect_remote origin bytes = "$(status_get cc origin_bytes)"
	expect_status cc used = 4
}

# hits do not wait behind misses that do
flight_hits_pass() {
	setup 8 16 128
	read_ok "$DEV" 0 1M
	settle cc
	remote_stall origin
	job readers "$IO" together "$DEV" 4M 1M --threads 16
	wait_for 30 "readers that wait" job_waits readers 16
	expect_hits cc "$DEV" 0 1M --bs 64K
	dmsetup table cc >/dev/null
	message cc commit
	message cc reset_stats
	job_running readers || fail "the readers did not wait"
	remote_continue origin
	job_end readers 60
}

run_cases flight_one_block flight_sectors_of_one_block flight_large flight_pieces \
	flight_no_checksums flight_quota_full flight_beyond_the_memory_bound flight_deferred_overlap \
	flight_hits_pass
