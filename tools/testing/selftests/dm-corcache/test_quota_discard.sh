#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Feature `discard`: what was evicted is discarded on the cache device, so that a
# sparse file, a thin volume or an SSD has its space back; what is cached is not.  A
# table switches it on and off, whatever the device was formatted with.
. "$(dirname "$0")/lib.sh"

LEN=32768

begin() { # TABLE
	remote_start origin 16M
	mkcache 24
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" "${@:-128 1 discard 2 commit_interval 50}"
}

kib() { du -k "$CACHE_FILE" | cut -f 1; }
discarded() { [ "$(status_get cc discards)" -ge "$1" ]; }

discard_gives_back() {
	begin
	read_ok "$DEV"
	settle cc
	message cc commit
	expect "KiB when all is cached" "$(kib)" -ge 16384
	expect_status cc discards = 0
	message cc evict_all
	wait_for 20 "discards" discarded 256
	expect_status cc discards = 256
	expect "KiB when nothing is" "$(kib)" -le 1024
	expect_status cc cache_errors = 0
	# and again, with what is read meanwhile
	read_ok "$DEV"
	settle cc
	message cc evict 0 16384
	read_ok "$DEV" 8M 8M
	wait_for 20 "discards" discarded 384
	expect_hits cc "$DEV" 8M 8M
	expect "KiB when half is cached" "$(kib)" -ge 8192
	expect "KiB when half is cached" "$(kib)" -le 9216
	read_ok "$DEV"
	settle cc
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128 1 discard
	expect_hits cc "$DEV"
}

# without the feature nothing is; a reload switches it on, and off again
discard_is_off() {
	begin 128
	read_ok "$DEV"
	settle cc
	message cc evict_all
	sleep 1
	expect_status cc discards = 0
	expect "KiB" "$(kib)" -ge 16384
	reload_cc "128 1 discard"
	read_ok "$DEV" 0 4M
	settle cc
	message cc evict_all
	wait_for 20 "discards" discarded 64
	reload_cc 128
	read_ok "$DEV" 0 4M
	settle cc
	message cc evict_all
	sleep 1
	expect_status cc discards = 64
}
reload_cc() {
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN $1"
	dmsetup suspend cc
	dmsetup resume cc
	dmsetup table cc | has_line "$1 " || fail "$(dmsetup table cc)"
}

# readers, evictions and discards beside one another: no byte is wrong
discard_under_load() {
	local n

	begin 128 1 discard 4 commit_interval 20 quota 8192
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	for ((n = 0; n < $(scaled 60); n++)); do
		message cc evict $((RANDOM % 200 * 128)) $((128 * (1 + RANDOM % 32)))
		[ $((n % 10)) != 0 ] || message cc evict_all
		sleep 0.15
		expect_load load
	done
	job_stop load
	note "$(status_get cc discards) discards, $(status_get cc evictions) evictions"
	expect_status cc discards -ge 1
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
	read_ok "$DEV"
}

# a device that cannot: one line, and all else works
discard_not_supported() {
	remote_start origin 16M
	mkcache 24
	# which passes none on unless it is told to
	need_target crypt dm-crypt
	mkdm below "0 $(sectors "$CACHE") crypt cipher_null-ecb - 0 $CACHE 0" || skip "no null cipher"
	log_mark
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 1 discard
	expect_log "cannot discard: feature discard does nothing"
	read_ok "$DEV"
	settle cc
	message cc evict_all
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc discards = 0
	expect_status cc cache_errors = 0
	expect "lines" "$(log_since "$ST_MARK" | grep -c 'cannot discard')" = 1
}

run_cases discard_gives_back discard_is_off discard_under_load discard_not_supported
