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
. "$(dirname "$0")/stress_actions.sh"

STRESS_SECONDS=${STRESS_SECONDS:-$((40 / (SCALE > 1 ? 2 : 1)))}

# stress SECONDS ACTIONS: what ACTIONS does, in random order, beside the load
stress() {
	local seconds=$1 end n=0

	shift
	load load "$DEV" --threads 6 --max-bs 256K --seed "$SEED"
	load small "$DEV" --threads 4 --max-bs 4K --seed $((SEED + 1))
	# who asks for it is answered, whatever goes on
	job watch bash -c "set -e; while sleep 0.3; do
		timeout $((20 * SCALE)) dmsetup status --noflush cc; timeout $((20 * SCALE)) dmsetup table cc; done >/dev/null"
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

stress_healthy() {
	stress_setup
	stress "$STRESS_SECONDS" evict evict evict_all quota commit reset suspend noflush reload stall
	no_errors
	message cc quota $((128 * REGIONS))
	dmremove cc
	stress_activate
	read_ok "$DEV"
}

# Bits of much of what is in the cache, and errors for some of it, while it is read.
stress_corrupt() {
	local n

	for ((n = 0; n < 64; n++)); do
		"$IO" flip "$CACHE" $((DATA_START * 512 + n * 65536 + 4096 * (n % 16) + 77)) $((n % 8))
	done
	read_ok "$DEV" --bs 1M
	reload_dm below "0 $((DATA_START + 16384)) linear $CACHE 0
$((DATA_START + 16384)) 2048 error
$((DATA_START + 18432)) $((SIZE - DATA_START - 18432)) linear $CACHE $((DATA_START + 18432))"
	read_ok "$DEV" --bs 1M
	reload_dm below "0 $SIZE linear $CACHE 0"
}

stress_with_a_bad_cache() {
	stress_setup
	message cc quota $((128 * REGIONS))
	stress $((STRESS_SECONDS / 2)) evict commit noflush rot rot errors quota reload
	# that both have come: with what is there now
	message cc quota $((128 * REGIONS))
	read_ok "$DEV" --bs 1M
	settle cc
	message cc commit
	stress_corrupt
	expect_status cc checksum_errors -ge 1
	expect_status cc cache_errors -ge 1
	expect_status cc origin_errors = 0
	expect_status cc mode = active
	dmremove cc
	stress_activate
	read_ok "$DEV"
}

run_cases stress_healthy stress_with_a_bad_cache
