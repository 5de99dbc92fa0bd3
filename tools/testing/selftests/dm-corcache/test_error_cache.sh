#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The cache device errs, stalls or is gone: no reader notices.  Read errors
# drop the block, write errors leave the region uncached, a commit that fails
# freezes the cache, max_errors bypasses it, each change of mode is a dm
# event.  The errors are made by a device-mapper table under the cache.
. "$(dirname "$0")/lib.sh"

LEN=16384

# the cache device `below`, all of it good
begin() {
	remote_start origin 8M
	mkcache 16
	SIZE=$(sectors "$CACHE")
	mkdm below "0 $SIZE linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 "$@"
	"$IO" dump "$CACHE" >"$T/dump"
	DATA_START=$(sed -n 's/^super copy=main .* data_start=\([0-9]*\) .*/\1/p' "$T/dump")
}
all_good() { reload_dm below "0 $SIZE linear $CACHE 0"; }
all_gone() { reload_dm below "0 $SIZE error"; }
# errors [START, START + LENGTH) err, reads and writes
errors() {
	local table="0 $1 linear $CACHE 0
$1 $2 error"

	[ $(($1 + $2)) -ge "$SIZE" ] || table+="
$(($1 + $2)) $((SIZE - $1 - $2)) linear $CACHE $(($1 + $2))"
	reload_dm below "$table"
}
data_errors() { errors "$DATA_START" $((SIZE - DATA_START)); }
table_errors() { errors 2048 $((DATA_START - 2048)); }
mode_is() { [ "$(status_get cc mode)" = "$1" ]; }

cache_read_error() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	# one block of the first slot
	errors "$DATA_START" 8
	read_ok "$DEV" 0 1M
	settle cc
	expect_status cc cache_errors -ge 1
	expect_status cc mode = active
	# dropped: the others are hits
	expect_hits cc "$DEV" 64K 960K
	all_good
	read_ok "$DEV" 0 1M
	settle cc
	expect_hits cc "$DEV" 0 1M
}

cache_write_error() {
	begin
	data_errors
	read_ok "$DEV" 0 64K --bs 64K
	settle cc
	expect_status cc cache_errors -ge 1
	expect_status cc valid = 0
	expect_status cc mode = active
	all_good
	read_ok "$DEV" 0 64K
	settle cc
	expect_status cc valid = 16
	expect_hits cc "$DEV" 0 64K
}

# writes fail, reads do not
cache_write_error_flakey() {
	modprobe -q dm-flakey
	dmsetup targets | grep -q '^flakey ' || skip "no dm-flakey"
	begin
	read_ok "$DEV" 0 512K
	settle cc
	message cc commit
	reload_dm below "0 $SIZE flakey $CACHE 0 0 60 1 error_writes"
	read_ok "$DEV" 1M 64K
	settle cc
	expect_hits cc "$DEV" 0 512K
	expect_status cc cache_errors -ge 1
	all_good
	read_ok "$DEV"
}

# after max_errors: bypass, with an event, and still every byte right
cache_max_errors() {
	local before

	begin 0 2 max_errors 5
	read_ok "$DEV" 0 1M
	settle cc
	before=$(events cc)
	data_errors
	read_ok "$DEV" --bs 4K
	wait_for 10 "mode bypass" mode_is bypass
	expect_status cc cache_errors -ge 5
	expect "events" "$(events cc)" -gt "$before"
	expect_status cc bypasses -ge 0
	read_ok "$DEV"
	remote_mark origin
	read_ok "$DEV" 0 1M
	expect_remote origin bytes = 1048576
	# the origin's errors are still the origin's
	remote_errors origin on
	read_fails "$DEV" 0 64K
	remote_errors origin off
	timeout $((60 * SCALE)) "$IO" random "$DEV" --count 200 --threads 4 --seed "$SEED"
	expect_status cc mode = bypass
	# a new start with a good device is a new chance, and what it holds is right
	dmremove cc
	all_good
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_status cc mode = active
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# 0: never
cache_max_errors_never() {
	begin 0 2 max_errors 0
	data_errors
	read_ok "$DEV" --bs 4K
	settle cc
	expect_status cc cache_errors -gt 100
	expect_status cc mode = active
	all_good
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# no commit succeeds: frozen
cache_commit_fails() {
	local before rc=0 valid words

	begin 0 2 commit_interval 100
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	before=$(events cc)
	table_errors
	read_ok "$DEV" 1M 64K
	wait_for 10 "mode frozen" mode_is frozen
	expect "events" "$(events cc)" -gt "$before"
	settle cc
	expect_hits cc "$DEV" 0 1M
	valid=$(status_get cc valid)
	read_ok "$DEV" 4M 256K
	settle cc
	# nothing is filled or evicted
	expect_status cc valid = "$valid"
	remote_mark origin
	read_ok "$DEV" 4M 256K
	expect_remote origin bytes = 262144
	for words in "evict 0 128" "quota 128"; do
		rc=0
		# shellcheck disable=SC2086 # words are meant
		timeout $((20 * SCALE)) dmsetup message cc 0 $words >"$T/err" 2>&1 || rc=$?
		expect "status of message $words" "$rc" != 0
		grep -qi "input/output error" "$T/err" || fail "message $words: $(cat "$T/err")"
	done
	expect_hits cc "$DEV" 0 1M
	# single flight is kept, too
	remote_stall origin
	remote_mark origin
	job readers "$IO" together "$DEV" 6M 4096 --threads 64
	wait_for 30 "readers that wait" job_waits readers 64
	remote_continue origin
	job_end readers 60
	expect_remote origin bytes = 4096
	# what was committed before is there after a restart
	dmremove cc
	all_good
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
}

# vanished under load
cache_gone() {
	begin 0 2 max_errors 20
	read_ok "$DEV" 0 4M
	settle cc
	load load "$DEV" --threads 6 --max-bs 128K --seed "$SEED"
	all_gone
	wait_for 30 "another mode than active" mode_is_not active
	read_ok "$DEV"
	expect_load load
	job_stop load
	cat "$T/load.out"
	# still removable, and the new start of a device that is gone is refused
	dmremove cc
	rc=0
	record dm cc
	dmsetup create cc --readonly --table "0 $LEN corcache /dev/mapper/below $ORIGIN 128" 2>"$T/err" || rc=$?
	expect "status of the creation on a dead device" "$rc" != 0
	all_good
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	read_ok "$DEV"
}
mode_is_not() { [ "$(status_get cc mode)" != "$1" ]; }

# the cache device flaps under load: errors, good, errors
cache_flapping() {
	local n

	begin 0 2 max_errors 0
	load load "$DEV" --threads 6 --max-bs 128K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 10; then break; fi
		errors $((DATA_START + n * 128)) 4096
		read_ok "$DEV" 0 2M
		all_good
		read_ok "$DEV" 2M 2M
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	expect_status cc checksum_errors = 0
	read_ok "$DEV"
	settle cc
	read_ok "$DEV"
}

# it stalls: its hits wait, misses are answered from the origin
cache_stalls() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	dmsetup suspend --noflush --nolockfs below
	job hits "$IO" together "$DEV" 0 64K --threads 8
	wait_for 30 "hits that wait" job_waits hits 8
	read_ok "$DEV" 1M 4M
	status_line cc
	expect_load hits
	dmsetup resume below
	job_end hits 60
	settle cc
	expect_status cc cache_errors = 0
	read_ok "$DEV"
}

# both at once: the origin's error, then all right again
both_err() {
	begin 0 2 max_errors 0
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	data_errors
	remote_errors origin on
	read_fails "$DEV" 0 64K --bs 4K
	read_fails "$DEV" 4M 64K --bs 64K
	all_good
	read_fails "$DEV" 4M 64K --bs 64K
	remote_errors origin off
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc mode = active
	expect_status cc checksum_errors = 0
}

run_cases cache_read_error cache_write_error cache_write_error_flakey cache_max_errors \
	cache_max_errors_never cache_commit_fails cache_gone cache_flapping cache_stalls both_err
