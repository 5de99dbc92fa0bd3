#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Table lines that work: defaults, what `dmsetup table` prints fed back, a
# quota changed by message, a cache device that has grown, origins that are
# not there (size 0, or an error target); and the shape of the status line.
. "$(dirname "$0")/lib.sh"

LEN=16384

line_minimal() {
	local pair

	setup 8 16 128
	expect_status cc mode = active
	expect_status cc version = 1
	expect_status cc region = 128
	expect_status cc block = 8
	expect_status cc used = 0
	expect_status cc valid = 0
	expect "quota" "$(status_get cc quota)" = "$(status_get cc total)"
	# 16 MiB less two MiB less the table, in 64 KiB
	expect_status cc total -ge 200
	expect_status cc total -le 224
	for pair in reads hits misses joins fills fill_bytes origin_reads origin_bytes bypasses \
		evictions prefetched prefetch_left cache_errors origin_errors checksum_errors commits; do
		expect "$pair" "$(status_get cc "$pair")" -ge 0
	done
	# that there are as many as it says is seen to by whoever reads it, each time
	expect_status cc pairs -ge 16
	expect "read-only" "$(blockdev --getro "$DEV")" = 1
	expect "table" "$(dmsetup table cc | cut -d' ' -f1-3,6)" = "0 $LEN corcache 128"
}

# the printed line is accepted, means the same, and is printed again
fed_back() {
	local line again

	line=$(dmsetup table cc)
	note "$line"
	dmsetup reload cc --readonly --table "$line"
	dmsetup resume cc
	again=$(dmsetup table cc)
	expect "table after a reload with itself" "$again" = "$line"
	expect_hits cc "$DEV" 0 512K
	dmremove cc
	mkdm cc "$line" --readonly
	again=$(dmsetup table cc)
	expect "table after remove and create" "$again" = "$line"
	expect_hits cc "$DEV" 0 512K
}

line_fed_back_defaults() {
	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	fed_back
}

line_fed_back_all_args() {
	setup 8 16 256 1 no_checksums 12 block_size 16 quota 8192 policy stop commit_interval 250 \
		max_errors 7 origin_id sha256:0a/b+c=.d_e-f@g
	read_ok "$DEV" 0 512K
	settle cc
	expect_status cc region = 256
	expect_status cc block = 16
	expect_status cc quota = 32
	fed_back
	dmsetup table cc >"$T/line"
	for word in no_checksums "block_size 16" "quota 8192" "policy stop" "commit_interval 250" \
		"max_errors 7" "origin_id sha256:0a/b+c=.d_e-f@g"; do
		grep -q -- "$word" "$T/line" || fail "table line without $word: $(cat "$T/line")"
	done
}

line_shows_current_quota() {
	setup 8 16 128 0 2 quota 8192
	read_ok "$DEV" 0 512K
	settle cc
	message cc quota 4096
	expect_status cc quota = 32
	dmsetup table cc | has_line "quota 4096" || fail "$(dmsetup table cc)"
	fed_back
	expect_status cc quota = 32
	# rounded down to regions
	message cc quota 4200
	expect_status cc quota = 32
}

line_device_grown() {
	local total

	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	total=$(status_get cc total)
	dmremove cc
	truncate -s 24M "$CACHE_FILE"
	losetup -c "$CACHE"
	expect "cache size" "$(sectors "$CACHE")" = 49152
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_status cc total = "$total"
	expect_hits cc "$DEV" 0 512K
	read_ok "$DEV"
	settle cc
	dmremove cc
	# what lies beyond is not ours to write
	expect "surplus" "$(tail -c 8M "$CACHE_FILE" | tr -d '\0' | wc -c)" = 0
}

# the origin is disconnected: what is cached is served, the rest errs
line_origin_of_size_0() {
	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	dmremove cc
	remote_disconnect origin
	blockdev --flushbufs "$ORIGIN" || true
	wait_for 10 "size 0 of $ORIGIN" origin_is_empty
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 512K
	read_fails "$DEV" 1M 64K --bs 4K
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 512K
}
origin_is_empty() { [ "$(cat "/sys/block/${ORIGIN##*/}/size")" = 0 ]; }

line_error_origin() {
	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	dmremove cc
	mkdm away "0 $LEN error"
	mkcorcache cc "$CACHE" /dev/mapper/away "$LEN" 128
	expect_hits cc "$DEV" 0 512K
	read_fails "$DEV" 1M 64K --bs 4K
	# the remote is back: reloaded while it runs
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	dmsetup resume cc
	expect_hits cc "$DEV" 0 512K
	read_ok "$DEV" 1M 64K
	checked cc
	remote_mark origin
	settle cc
	expect_hits cc "$DEV" 1M 64K
	expect_remote origin bytes = 0
}

# a reload that changes what may be changed
line_reload_changes() {
	setup 8 16 128 0 4 quota 8192 max_errors 5
	read_ok "$DEV" 0 2M
	settle cc
	expect_status cc used = 32
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128 0 2 quota 16384"
	expect_status cc quota = 64
	dmsetup resume cc
	expect_status cc quota = 128
	expect_hits cc "$DEV" 0 2M
	# a lower quota in the table holds as one by message does
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128 0 2 quota 1024"
	dmsetup resume cc
	expect_status cc quota = 8
	wait_for 10 "used within the quota" used_at_most 8
	read_ok "$DEV"
	settle cc
	expect_status cc used -le 8
}
used_at_most() { [ "$(status_get cc used)" -le "$1" ]; }

# a table that is loaded and cleared, or never resumed, changes nothing
line_load_and_clear() {
	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	for _ in 1 2 3; do
		dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128 0 2 quota 1024"
		dmsetup clear cc
	done
	expect "quota" "$(status_get cc quota)" = "$(status_get cc total)"
	expect_hits cc "$DEV" 0 512K
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	expect_hits cc "$DEV" 0 512K
	dmremove cc
	# loaded for the first time, never resumed: not even formatted
	mkcache 16
	record dm never
	dmsetup create never --notable
	dmsetup reload never --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	dmremove never
	expect "bytes written" "$(tr -d '\0' <"$CACHE_FILE" | wc -c)" = 0
}

run_cases line_minimal line_fed_back_defaults line_fed_back_all_args line_shows_current_quota \
	line_device_grown line_origin_of_size_0 line_error_origin line_reload_changes \
	line_load_and_clear
