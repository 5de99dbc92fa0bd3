#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is pinned is no victim of the policy, whether it was cached before or came
# later, and also after a restart; a message and a lower quota win over it; no more
# than nine tenths of the quota can be pinned.
. "$(dirname "$0")/lib.sh"

# 32 MiB, of which 40 regions fit, 2.5 MiB
LEN=65536
TABLE="128 0 6 quota 5120 commit_interval 50 policy adaptive"

begin() {
	# shellcheck disable=SC2086 # words
	setup 32 16 $TABLE
}
restart() {
	# shellcheck disable=SC2086 # words
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" $TABLE
}

# pressure: 32 regions that are read again and again, while nobody reads the first MiB
pressure() {
	local n

	for ((n = 0; n < 8; n++)); do
		read_ok "$DEV" 16M 2M
		settle cc
	done
}

# pinned_on_device: regions whose entry says that they are pinned
pinned_on_device() { "$IO" dump "$CACHE" | grep -c '^entry .* hint=[89a-f][0-9a-f]\{7\}$' || true; }

# how many blocks of the first MiB are cached
cached() {
	local before

	before=$(status_get cc origin_bytes)
	read_ok "$DEV" 0 1M
	echo $((256 - ($(status_get cc origin_bytes) - before) / 4096))
}

# without a pin the first MiB goes, or this test shows nothing
pin_control() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	pressure
	expect "blocks left without a pin" "$(cached)" -lt 200
}

pin_keeps() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	message cc pin 0 2048
	expect "pinned on the device" "$(pinned_on_device)" = 16
	pressure
	expect_hits cc "$DEV" 0 1M
	expect_status cc used -le 40
	# unpinned they go
	message cc unpin 0 2048
	expect "pinned on the device" "$(pinned_on_device)" = 0
	pressure
	pressure
	expect "blocks left without a pin" "$(cached)" -lt 200
}

# a range of which nothing is cached; any block of a region is enough
pin_before_it_comes() {
	begin
	message cc pin 127 1922
	read_ok "$DEV" 16M 3M
	settle cc
	wait_for 20 "room" read_until_cached
	pressure
	expect_hits cc "$DEV" 0 1M
	message cc commit
	expect "pinned on the device" "$(pinned_on_device)" = 16
	# sector 2049 was not in the range, its region was not either
	message cc unpin 2048 1
	message cc commit
	expect "pinned on the device" "$(pinned_on_device)" = 16
}
read_until_cached() {
	read_ok "$DEV" 0 1M
	settle cc
	[ "$(cached)" = 256 ]
}

# with everything on the device as it was left, and after a crash
pin_survives() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	message cc pin 0 2048
	# what a power cut would leave: the pins are durable when the message returns
	cp "$CACHE_FILE" "$T/copy"
	expect "pinned on a copy" "$("$IO" dump "$T/copy" | grep -c '^entry .* hint=[89a-f][0-9a-f]\{7\}$')" = 16
	dmremove cc
	restart
	pressure
	expect_hits cc "$DEV" 0 1M
	# loaded anew, and with another policy
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN ${TABLE/adaptive/stop}"
	dmsetup suspend cc
	dmsetup resume cc
	message cc commit
	dmremove cc
	expect "pinned on the device" "$(pinned_on_device)" = 16
	restart
	pressure
	expect_hits cc "$DEV" 0 1M
	message cc unpin 0 65536
	dmremove cc
	expect "pinned on the device" "$(pinned_on_device)" = 0
}

# messages win; what is evicted and comes back is pinned again
pin_evict_wins() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	message cc pin 0 2048
	message cc evict 0 512
	expect "pinned on the device" "$(pinned_on_device)" = 12
	expect "blocks left" "$(cached)" = 192
	settle cc
	message cc commit
	expect "pinned on the device" "$(pinned_on_device)" = 16
	message cc evict_all
	expect_status cc used = 0
	expect "pinned on the device" "$(pinned_on_device)" = 0
}

# a lower quota takes what is not pinned first, and then what is
pin_lower_quota_wins() {
	begin
	read_ok "$DEV" 0 1M
	read_ok "$DEV" 16M 1M
	settle cc
	message cc pin 0 2048
	message cc quota 2560
	expect_status cc used -le 20
	expect_hits cc "$DEV" 0 1M
	message cc quota 1024
	expect_status cc used -le 8
	expect "pinned on the device" "$(pinned_on_device)" -le 8
	# the policy finds victims all the same
	pressure
	expect_status cc used -le 8
	read_ok "$DEV"
	message cc quota 5120
	read_ok "$DEV" 0 1M
	settle cc
	pressure
}

# too much is refused, with both numbers, and changes nothing
pin_bounds() {
	local words

	begin
	read_ok "$DEV" 0 2560K
	settle cc
	message cc pin 0 2048
	while read -r words; do
		log_mark
		# shellcheck disable=SC2086 # words
		! dmsetup message cc 0 $words 2>"$T/err" || fail "accepted: $words"
		expect_log "${EXPECT:-37 regions would be pinned, at most 36 of the quota.s 40}"
		expect "pinned on the device" "$(pinned_on_device)" = 16
	done <<-END
	pin 0 4736
	pin 2048 2688
	END
	EXPECT="512 regions would be pinned, at most 36"
	log_mark
	! dmsetup message cc 0 pin 0 65536 2>"$T/err" || fail "accepted: all"
	expect_log "$EXPECT"
	log_mark
	! dmsetup message cc 0 pin 65535 2 2>"$T/err" || fail "accepted: beyond the end"
	expect_log "message pin: sectors 65535 to 65536 are not within the 65536"
	log_mark
	! dmsetup message cc 0 unpin 65536 1 2>"$T/err" || fail "accepted: beyond the end"
	expect_log "message unpin: sectors"
	expect "pinned on the device" "$(pinned_on_device)" = 16
	# so many may be: what is pinned already counts once
	message cc pin 0 4608
	expect "pinned on the device" "$(pinned_on_device)" = 36
	pressure
	expect_hits cc "$DEV" 0 2304K
	message cc unpin 0 65536
	expect "pinned on the device" "$(pinned_on_device)" = 0
	# suspended: not now
	dmsetup suspend cc
	! dmsetup message cc 0 pin 0 8 2>"$T/err" || fail "accepted: suspended"
	dmsetup resume cc
}

run_cases pin_control pin_keeps pin_before_it_comes pin_survives pin_evict_wins pin_lower_quota_wins \
	pin_bounds
