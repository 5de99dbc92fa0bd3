#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything at once for a minute: random reads from many threads, all of them
# verified, while parts are evicted, the quota goes up and down, metadata is
# committed, the device is suspended in all forms, reloaded, its origin stalls
# and its cache device rots and errs.
#
# Environment: STRESS_SECONDS, how long stress_healthy goes on; the other case
# takes half of that.  Default: 40, on a slow kernel 20.
# timeout=600
. "$(dirname "$0")/lib.sh"

STRESS_SECONDS=${STRESS_SECONDS:-$((40 / (SCALE > 1 ? 2 : 1)))}
LEN=65536		# sectors: 32 MiB over a cache of 24 MiB

# stress SECONDS ACTIONS: what ACTIONS does, in random order, beside the load
stress() {
	local seconds=$1 end n=0

	shift
	load load "$DEV" --threads 6 --max-bs 256K --seed "$SEED"
	load small "$DEV" --threads 4 --max-bs 4K --seed $((SEED + 1))
	# who asks for it is answered, whatever goes on
	job watch bash -c 'while sleep 0.3; do dmsetup status --noflush cc; dmsetup table cc; done >/dev/null'
	RANDOM=$((SEED % 32768))
	end=$((SECONDS + seconds))
	while [ "$SECONDS" -lt "$end" ]; do
		n=$((n + 1))
		# not in a subshell: that would draw from another sequence
		"action_${*:1 + RANDOM % $#:1}"
		expect_status cc used -le "$(status_get cc quota)"
	done
	expect_load load
	expect_load small
	expect_load watch
	job_stop watch 143
	job_stop load
	job_stop small
	note "$n actions; $(tail -n 1 "$T/load.out"); $(tail -n 1 "$T/small.out")"
	status_line cc
	read_ok "$DEV" --bs 1M
	settle cc
}

# errors that must not be, before they are forgotten
no_errors() {
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
	expect_status cc origin_errors = 0
}

action_evict() { message cc evict $((RANDOM % 60000)) $((1 + RANDOM % 5000)); }
action_evict_all() { message cc evict_all; }
action_quota() { message cc quota $((128 * (1 + RANDOM % 300))); }
action_commit() { message cc commit; }
action_reset() {
	no_errors
	message cc reset_stats
}
action_suspend() {
	timeout $((30 * SCALE)) dmsetup suspend cc
	timeout $((30 * SCALE)) dmsetup resume cc
}
action_noflush() {
	timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
	timeout $((30 * SCALE)) dmsetup resume cc
}
action_reload() {
	dmsetup reload cc --readonly --table \
		"0 $LEN corcache /dev/mapper/below $ORIGIN 128 0 6 quota $((128 * (1 + RANDOM % 300))) commit_interval $((1 + RANDOM % 300)) max_errors 0"
	timeout $((60 * SCALE)) dmsetup resume cc
}
action_stall() {
	remote_stall origin
	timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
	timeout $((30 * SCALE)) dmsetup resume cc
	remote_continue origin
}
action_rot() {
	"$IO" flip "$CACHE" $((DATA_START * 512 + (RANDOM * 32768 + RANDOM) % 20000000)) $((RANDOM % 8))
}
action_errors() {
	local at=$((DATA_START + RANDOM % 30000))

	reload_dm below "0 $at linear $CACHE 0
$at 2048 error
$((at + 2048)) $((SIZE - at - 2048)) linear $CACHE $((at + 2048))"
	reload_dm below "0 $SIZE linear $CACHE 0"
}

begin() {
	remote_start origin 32M
	mkcache 24
	SIZE=$(sectors "$CACHE")
	mkdm below "0 $SIZE linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 0 2 max_errors 0
	"$IO" dump "$CACHE" >"$T/dump"
	DATA_START=$(sed -n 's/^super copy=main .* data_start=\([0-9]*\) .*/\1/p' "$T/dump")
}

stress_healthy() {
	begin
	stress "$STRESS_SECONDS" evict evict evict_all quota commit reset suspend noflush reload stall
	no_errors
	message cc quota $((128 * 300))
	dmremove cc
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	read_ok "$DEV"
}

stress_with_a_bad_cache() {
	begin
	stress $((STRESS_SECONDS / 2)) evict quota commit noflush reload rot rot errors
	expect_status cc origin_errors = 0
	expect_status cc mode = active
	dmremove cc
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	read_ok "$DEV"
}

run_cases stress_healthy stress_with_a_bad_cache
