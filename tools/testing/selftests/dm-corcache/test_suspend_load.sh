#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Suspend and resume of a working device, in all its forms, under load: no
# reader fails, nothing is lost; removal with fills in flight; and an old
# table that does not write to the cache any more once it was replaced.
. "$(dirname "$0")/lib.sh"

LEN=32768

suspend_under_load() {
	local n flags

	setup 16 32 128
	load load "$DEV" --threads 6 --max-bs 256K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 24; then break; fi
		case $((n % 4)) in
		0) flags="" ;;
		1) flags="--noflush" ;;
		2) flags="--nolockfs" ;;
		3) flags="--noflush --nolockfs" ;;
		esac
		message cc evict 0 "$LEN"
		# shellcheck disable=SC2086 # words are meant
		timeout $((30 * SCALE)) dmsetup suspend $flags cc
		expect "state" "$(dmsetup info -c --noheadings -o suspended cc)" = Suspended
		status_line cc >/dev/null
		dmsetup table cc >/dev/null
		timeout $((30 * SCALE)) dmsetup resume cc
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
}

# suspended: nothing is written to the cache device, all that was readable from
# the cache is on it
suspend_is_quiet() {
	local hash

	setup 16 32 128 0 2 commit_interval 50
	read_ok "$DEV" 0 2M
	dmsetup suspend cc
	hash=$("$IO" hash "$CACHE")
	"$IO" dump "$CACHE" >"$T/dump"
	expect "regions on the device" "$(grep -c '^entry .*valid=ffff ' "$T/dump")" = 32
	wait_for 10 "time for six commits" later "$(now_ms)" 300
	expect "bytes of the cache device" "$("$IO" hash "$CACHE")" = "$hash"
	dmsetup resume cc
	expect_hits cc "$DEV" 0 2M
}
later() { [ $(($(now_ms) - $1)) -ge "$2" ]; }

# suspended for long with readers that queue up
suspend_readers_queue() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	dmsetup suspend cc
	job hits "$IO" together "$DEV" 0 64K --threads 16
	job misses "$IO" together "$DEV" 8M 64K --threads 16
	wait_for 30 "readers that wait" job_waits hits 16
	wait_for 30 "readers that wait" job_waits misses 16
	remote_mark origin
	dmsetup resume cc
	job_end hits 60
	job_end misses 60
	expect_remote origin bytes = 65536
}

# removed while fills are in flight, again and again
remove_with_fills_in_flight() {
	local n flying=0

	need_target delay dm-delay
	remote_start origin 16M
	mkcache 32
	# each write to the cache takes a while
	mkdm below "0 $(sectors "$CACHE") delay $CACHE 0 0 $CACHE 0 1500"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	for ((n = 0; ; n++)); do
		if enough "$n" 20; then break; fi
		timeout $((60 * SCALE)) "$IO" random "$DEV" --count 40 --threads 4 --max-bs 256K --seed $((SEED + n)) >/dev/null
		[ "$(status_get cc transfers)" = 0 ] || flying=$((flying + 1))
		dmremove cc
		mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
		[ $((n % 5)) != 4 ] || message cc evict_all
	done
	expect "removals with fills in flight" "$flying" -ge 1
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}

# Removal waits for a cache device that stalls, and no longer than that; what
# it has waited for is cached.
remove_waits_for_the_cache() {
	remote_start origin 16M
	mkcache 32
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	dmsetup suspend --noflush --nolockfs below
	read_ok "$DEV" 0 1M
	job remove dmsetup remove cc
	# its end would need all of the writes: there is no more to wait for
	wait_for 30 "removal that waits for the writes" job_inside remove corcache_flight_drain
	wait_for 10 "time for a removal that gives up" later "$(now_ms)" 300
	job_inside remove corcache_flight_drain || fail "the removal did not wait: $(cat "$T/remove.out")"
	dmsetup resume below
	job_end remove 60
	remote_mark origin
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
	expect_read_of_origin cc origin = 0
	read_ok "$DEV"
}

# a device in use cannot be removed
remove_open_device() {
	setup 16 32 128
	exec 9<"$DEV"
	if dmsetup remove cc 2>"$T/err"; then fail "removed while it was open"; fi
	grep -qi busy "$T/err" || fail "$(cat "$T/err")"
	exec 9<&-
	read_ok "$DEV" 0 1M
}

# Replaced by a table without corcache while origin reads are outstanding: the
# new table serves, the old one writes nothing to the cache device any more.
replaced_writes_nothing() {
	local hash

	setup 16 32 128
	read_ok "$DEV" 0 1M
	settle cc
	remote_start second 16M
	remote_stall origin
	job readers "$IO" together "$DEV" 8M 64K --threads 16
	wait_for 30 "readers that wait" job_waits readers 16
	dmsetup reload cc --readonly --table "0 $LEN linear $ORIGIN 0"
	timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
	hash=$("$IO" hash "$CACHE")
	job resume dmsetup resume cc
	# they come back to the new table, and are served by it
	job_end readers 60
	read_ok "$DEV" 8M 64K
	expect "bytes of the cache device" "$("$IO" hash "$CACHE")" = "$hash"
	remote_continue origin
	job_end resume 60
	expect "bytes of the cache device" "$("$IO" hash "$CACHE")" = "$hash"
	read_ok "$DEV"
	expect "bytes of the cache device" "$("$IO" hash "$CACHE")" = "$hash"
}

run_cases suspend_under_load suspend_is_quiet suspend_readers_queue remove_with_fills_in_flight \
	remove_waits_for_the_cache remove_open_device replaced_writes_nothing
