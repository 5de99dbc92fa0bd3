#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The cache device has no room or memory for a request at the moment: that is no error
# of the device.  Nothing is dropped, nothing is counted, no reader notices.
# Needs the module dm-corcache-noroom, built for this kernel: NOROOM_KO, its path.
. "$(dirname "$0")/lib.sh"

LEN=16384

begin() {
	[ -n "${NOROOM_KO:-}" ] || skip "no NOROOM_KO"
	dmsetup targets | has_line '^noroom ' || insmod "$NOROOM_KO"
	no_room reads 0
	no_room writes 0
	remote_start origin 8M
	mkcache 16
	mkdm below "0 $(sectors "$CACHE") noroom $CACHE"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 0 4 max_errors 1 commit_interval 3600000
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
}
# no_room reads|writes NUMBER
no_room() { echo "$2" >"/sys/module/dm_corcache_noroom/parameters/$1"; }
room_left() { cat "/sys/module/dm_corcache_noroom/parameters/$1"; }
# nothing was dropped, or counted as an error of the device
unharmed() {
	expect_status cc mode = active
	expect_status cc cache_errors = 0
	expect_status cc checksum_errors = 0
	expect_status cc errors_left = 1
	expect_status cc valid = "$1"
}

# a read that finds room in the end is a hit
room_for_reads_comes() {
	begin
	no_room reads 6
	expect_hits cc "$DEV" 0 64K
	expect "reads left to refuse" "$(room_left reads)" = 0
	# not whole blocks: bounced
	no_room reads 3
	expect_hits cc "$DEV" 64512 2048
	expect "reads left to refuse" "$(room_left reads)" = 0
	unharmed 256
}

# one that never does gets what the origin has, and what is cached stays
room_for_reads_never_comes() {
	begin
	no_room reads 1000000
	remote_mark origin
	read_ok "$DEV" 0 128K --bs 64K
	expect_remote origin bytes = 131072
	unharmed 256
	no_room reads 0
	expect_hits cc "$DEV" 0 1M
	# nor does the origin's error make it forget
	no_room reads 1000000
	remote_errors origin on
	read_fails "$DEV" 0 64K --bs 64K
	remote_errors origin off
	no_room reads 0
	expect_hits cc "$DEV" 0 1M
	unharmed 256
}

# under load, again and again
room_for_reads_under_load() {
	local n

	begin
	load load "$DEV" --threads 6 --max-bs 128K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 20; then break; fi
		no_room reads $((1 + RANDOM % 100))
		sleep 0.1
	done
	no_room reads 0
	expect_load load
	job_stop load
	expect_status cc mode = active
	expect_status cc cache_errors = 0
	expect_hits cc "$DEV" 0 1M
}

room_for_fills() {
	begin
	no_room writes 1000000
	read_ok "$DEV" 1M 1M
	settle cc
	unharmed 256
	expect_status cc bypass_memory -ge 1
	expect_status cc bypass_error = 0
	no_room writes 0
	read_ok "$DEV" 1M 1M
	settle cc
	unharmed 512
}

# what it could not write is in the next one
room_for_a_commit() {
	begin
	read_ok "$DEV" 1M 1M
	settle cc
	no_room writes 1000000
	expect_rc 1 timeout $((20 * SCALE)) dmsetup message cc 0 commit 2>"$T/err"
	grep -qi "cannot allocate memory" "$T/err" || fail "message commit: $(cat "$T/err")"
	unharmed 512
	no_room writes 0
	message cc commit
	dmremove cc
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 2M
}

run_cases room_for_reads_comes room_for_reads_never_comes room_for_reads_under_load room_for_fills \
	room_for_a_commit
