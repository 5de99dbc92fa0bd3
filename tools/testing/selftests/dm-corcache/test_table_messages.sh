#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Messages: those that are unknown or malformed are refused with -EINVAL and
# one line in the kernel log that says which word was wrong, and change
# nothing; while suspended, those that need I/O are -EBUSY; reset_stats.
. "$(dirname "$0")/lib.sh"

# wrong MESSAGE REGEX: one line, of the target, that matches; status, cache device
# and cached data stay as they are
wrong() {
	local words before after rc=0

	read -r -a words <<<"$1"
	before=$(status_line cc)
	log_mark
	timeout $((20 * SCALE)) dmsetup message -- cc 0 "${words[@]}" >"$T/err" 2>&1 || rc=$?
	[ "$rc" != 0 ] || fail "accepted: message $1"
	grep -q "Invalid argument" "$T/err" || fail "message $1: $(cat "$T/err")"
	st_expect_said "$2"
	after=$(status_line cc)
	expect "status after message $1" "$after" = "$before"
	st_say_refused "$1"
}

message_wrong() {
	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	message cc commit
	settle cc
	HASH=$("$IO" hash "$CACHE")
	wrong "flush" "message flush "
	wrong "COMMIT" "message COMMIT .*unknown"
	wrong "commit now" "word now .*: commit"
	wrong "quota" "too few words.*: quota <"
	wrong "quota 0" "quota 0 "
	wrong "quota 127" "quota: 127 .*[(]128[)]"
	wrong "quota -5" "quota -5 "
	wrong "quota 1M" "quota 1M "
	wrong "quota 99999999" "quota: 99999999 .*[(]26624 "
	wrong "quota 99999999999999999999" "quota 99999999999999999999 "
	wrong "quota 1024 2048" "word 2048 .*: quota <"
	wrong "evict" "too few words.*: evict <"
	wrong "evict 0" "too few words.*: evict <"
	wrong "evict 0 0" "evict: length 0 "
	wrong "evict a 8" "evict: start a "
	wrong "evict 0 8b" "evict: length 8b "
	wrong "evict 16384 8" "evict: sectors 16384 to 16391 .*[^0-9]16384 "
	wrong "evict 0 16385" "evict: sectors 0 to 16384 .*[^0-9]16384 "
	wrong "evict 8 18446744073709551615" "evict: length 18446744073709551615 "
	wrong "evict_all 1" "word 1 .*: evict_all"
	wrong "reset_stats x" "word x .*: reset_stats"
	wrong "prefetch 0 128" "message prefetch "
	wrong "hydrate" "message hydrate "
	expect "bytes of the cache device" "$("$IO" hash "$CACHE")" = "$HASH"
	expect_hits cc "$DEV" 0 512K
}

message_while_suspended() {
	local words rc

	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	message cc commit
	dmsetup suspend cc
	for words in commit "quota 512" "evict 0 8" evict_all; do
		rc=0
		# shellcheck disable=SC2086 # words are meant
		timeout $((20 * SCALE)) dmsetup message cc 0 $words >"$T/err" 2>&1 || rc=$?
		[ "$rc" != 0 ] || fail "accepted while suspended: $words"
		grep -q "busy" "$T/err" || fail "message $words: $(cat "$T/err")"
	done
	# these do no I/O
	message cc reset_stats
	status_line cc >/dev/null
	dmsetup table cc >/dev/null
	dmsetup resume cc
	expect "quota" "$(status_get cc quota)" = "$(status_get cc total)"
	expect_hits cc "$DEV" 0 512K
	message cc commit
}

message_reset_stats() {
	local name

	setup 8 16 128
	read_ok "$DEV" 0 512K
	settle cc
	expect_status cc origin_bytes = 524288
	expect_status cc fill_bytes = 524288
	expect_status cc misses -gt 0
	expect_status cc reads -gt 0
	message cc reset_stats
	for name in reads hits misses joins fills fill_bytes origin_reads origin_bytes bypasses evictions; do
		expect_status cc "$name" = 0
	done
	expect_status cc used = 8
	expect_status cc valid = 128
	expect_hits cc "$DEV" 0 512K
	expect_status cc hits -gt 0
	expect_status cc misses = 0
}

# the figures are those that the devices and the server count
message_status_tells_the_truth() {
	local stat before after reads

	setup 8 16 128
	stat=/sys/block/${CACHE##*/}/stat
	timeout $((60 * SCALE)) "$IO" random "$DEV" --count "$(scaled 400)" --threads 4 --seed "$SEED" >"$T/out"
	cat "$T/out"
	settle cc
	expect_remote origin bytes = "$(status_get cc origin_bytes)"
	expect_status cc fill_bytes = "$(status_get cc origin_bytes)"
	expect "valid blocks" "$(($(status_get cc valid) * 4096))" = "$(status_get cc origin_bytes)"
	message cc commit
	# all warm now: the cache device reads what is asked for, rounded to blocks
	read_ok "$DEV"
	settle cc
	message cc reset_stats
	before=$(awk '{ print $3 }' "$stat")
	reads=$(read_ok "$DEV" --bs 64K && sed -n 's/^reads=\([0-9]*\).*/\1/p' "$T/read.out")
	after=$(awk '{ print $3 }' "$stat")
	expect "sectors read from the cache device" $((after - before)) = 16384
	expect_status cc reads = "$reads"
	expect_status cc hits = "$reads"
	expect_status cc misses = 0
	expect_status cc origin_bytes = 0
}

run_cases message_wrong message_while_suspended message_reset_stats message_status_tells_the_truth
