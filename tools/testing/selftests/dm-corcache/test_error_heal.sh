#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A cache that was frozen or bypassed becomes active again, without a command when
# what was wrong is over, or by the message `recover`; no reader notices, and nothing
# is lost that a crash would have left.
# timeout=900
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/below.sh"

expect_mode() {
	wait_for 10 "mode $1" mode_is "$1"
	expect_status cc reason = "$2"
}
message_fails() {
	expect_rc 1 timeout $((20 * SCALE)) dmsetup message cc 0 "$@" 2>"$T/err"
	grep -qi "$MESSAGE_ERROR" "$T/err" || fail "message $*: $(cat "$T/err")"
}
MESSAGE_ERROR="input/output error"

# One commit fails: active again by itself, with all that was there; removals that
# were not durable are.
commit_again() {
	need_target flakey dm-flakey
	begin "$@"
	read_ok "$DEV" 0 4M
	settle cc
	message cc commit
	write_errors
	message_fails evict 6144 1024
	expect_mode frozen commit
	VALID=$(status_get cc valid)
	expect_hits cc "$DEV" 0 3M
	all_good
	wait_for 90 "mode active" mode_is active
	expect_status cc reason = none
	expect_hits cc "$DEV" 0 3M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	message cc commit
	dmremove cc
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 "$@"
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}
heal_commit() {
	commit_again 0 2 commit_interval 3600000
	expect "valid blocks while frozen" "$VALID" = 896
}
heal_commit_no_checksums() {
	commit_again 1 no_checksums 2 commit_interval 3600000
}

# What was published and not durable when the commit failed is not lost with
# checksums; without, only what the table on the device says stays.
heal_keeps() {
	need_target flakey dm-flakey
	begin "$@"
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	read_ok "$DEV" 1M 1M
	settle cc
	write_errors
	message_fails evict 0 128
	expect_mode frozen commit
	expect_hits cc "$DEV" 64K 1984K
	all_good
	wait_for 90 "mode active" mode_is active
}
heal_keeps_published() {
	heal_keeps 0 2 commit_interval 3600000
	expect_hits cc "$DEV" 64K 1984K
	expect_status cc valid = 496
}
heal_keeps_durable() {
	heal_keeps 1 no_checksums 2 commit_interval 3600000
	# of the sectors that the commit was to write, what was durable: 64K to 1M
	expect_status cc valid = 240
	expect_hits cc "$DEV" 64K 960K
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# The cache device is a file, and the filesystem is full: its driver says EIO for
# what it cannot write.  What is cached is read also when the remote fails.  `stop`, as
# in the end more is read than fits.
heal_full_file() {
	remote_start origin 16M
	mkdir "$T/small"
	mount -t tmpfs -o size=4M tmpfs "$T/small"
	at_end full_end
	truncate -s 16M "$T/small/cache"
	FULL=$(losetup --show -f "$T/small/cache")
	# its content is lost when the file is
	offline_skip "$FULL" "some of it could not be written"
	mkcorcache cc "$FULL" "$ORIGIN" 32768 128 0 6 commit_interval 100 max_errors 20 policy stop
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	log_mark
	read_ok "$DEV" --bs 64K
	wait_for 60 "line that it is frozen" was_frozen
	expect_hits cc "$DEV" 0 1M
	remote_errors origin on
	read_ok "$DEV" 0 1M
	read_fails "$DEV" 15M 64K --bs 64K
	# tried again now and then, as the table can be written
	mode_is_not bypass || fail "it is bypassed: $(status_get cc reason)"
	remote_errors origin off
	mount -o remount,size=64M "$T/small"
	wait_for 150 "mode active" mode_is active
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV" 0 1M
	expect_status cc mode = active
}
was_frozen() { log_since "$ST_MARK" | has_line "cc: cache is frozen now"; }
mode_is_not() { [ "$(status_get cc mode)" != "$1" ]; }
full_end() {
	dmsetup remove cc
	losetup -d "$FULL"
	umount "$T/small"
}

# A pool that is full is grown: active again without a command, and filled.
heal_thin_pool() {
	local meta pool

	need_target thin-pool dm-thin-pool
	remote_start origin 8M
	mkloop "$T/meta" 4M
	meta=$LOOP
	mkloop "$T/data" 32M
	pool="thin-pool $meta $LOOP 128 0 1 error_if_no_space"
	mkdm pool "0 8192 $pool"
	dmsetup message pool 0 create_thin 0
	mkdm thin "0 32768 thin /dev/mapper/pool 0"
	mkcorcache cc /dev/mapper/thin "$ORIGIN" "$LEN" 128 0 2 max_errors 0
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	read_ok "$DEV" --bs 64K
	expect_mode frozen nospc
	# tried in vain meanwhile
	sleep 2
	expect_hits cc "$DEV" 0 1M
	reload_dm pool "0 65536 $pool"
	wait_for 150 "mode active" mode_is active
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}

# Bypassed for read errors: loaded again by itself, under load.
heal_bypass() {
	local before

	begin 0 4 max_errors 5 commit_interval 100
	read_ok "$DEV" 0 4M
	settle cc
	message cc commit
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	errors "$DATA_START" $((SIZE - DATA_START))
	wait_for 30 "mode bypass" mode_is bypass
	expect_status cc reason = errors
	before=$(events cc)
	all_good
	wait_for 120 "mode active" mode_is active
	expect_load load
	job_stop load
	[ "$(events cc)" -gt "$before" ] || fail "no dm event"
	expect_status cc checksum_errors = 0
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# The same by message, again and again, while readers hit, miss and join.
heal_recover() {
	local n

	begin 0 4 max_errors 3 commit_interval 50
	read_ok "$DEV" 0 4M
	settle cc
	message cc commit
	# nothing is done to a cache that is active
	message cc recover
	expect_hits cc "$DEV" 0 4M
	load load "$DEV" --threads 6 --max-bs 128K --seed "$SEED"
	for ((n = 0; n < $(scaled 6); n++)); do
		errors "$DATA_START" $((SIZE - DATA_START))
		wait_for 30 "mode bypass" mode_is bypass
		read_ok "$DEV" 0 1M
		all_good
		message cc recover
		expect_status cc mode = active
		expect_status cc reason = none
	done
	expect_load load
	job_stop load
	expect_status cc checksum_errors = 0
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# In vain: the message says so, and why stands in the log; and it does nothing to a
# cache that is suspended.
heal_recover_fails() {
	begin 0 2 max_errors 3
	read_ok "$DEV" 0 1M
	settle cc
	all_gone
	read_ok "$DEV" 0 1M
	wait_for 30 "mode bypass" mode_is bypass
	log_mark
	message_fails recover
	expect_log "cc: message recover: .*cannot read"
	read_ok "$DEV"
	expect_status cc mode = bypass
	dmsetup suspend cc
	MESSAGE_ERROR="busy" message_fails recover
	dmsetup resume cc
	all_good
	message cc recover
	expect_status cc mode = active
	read_ok "$DEV"
}

# One bad spot that is read again and again is one error; so many spots are too many.
errors_by_place() {
	local n

	begin 0 4 max_errors 3 commit_interval 50
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	# two regions: 32 blocks, each with an error of its own, and none can be filled again
	errors "$DATA_START" 256
	for ((n = 0; n < 5; n++)); do
		read_ok "$DEV" 0 1M --bs 4K
		settle cc
	done
	expect_status cc cache_errors -ge 32
	expect_status cc mode = active
	expect_status cc errors_left = 1
	all_good
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	errors $((DATA_START + 384)) 128
	read_ok "$DEV" 0 1M --bs 4K
	expect_mode bypass errors
	expect_status cc errors_left = 0
	all_good
}

# place REGION: first byte of its slot on the cache device
place() {
	local sector

	sector=$("$IO" dump "$CACHE" | sed -n "s/^entry slot=[0-9]* region=$1 .* data=\([0-9]*\) .*/\1/p")
	[ -n "$sector" ] || fail "region $1 has no slot"
	echo $((sector * 512))
}

# A device that returns garbage: the first ones are logged with their place, then it
# is bypassed; and used again later.
wrong_checksums() {
	local region

	begin 0 4 max_errors 4 commit_interval 3600000
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	for ((region = 0; region < 4; region++)); do
		"$IO" flip "$CACHE" $(($(place "$region") + 5000)) 3
	done
	log_mark
	read_ok "$DEV" 0 64K
	settle cc
	expect_log "cc: wrong checksum of sector 8, at sector [0-9]* of cache device"
	expect_status cc errors_left = 3
	read_ok "$DEV" 64K 128K
	expect_status cc mode = active
	expect_status cc errors_left = 1
	read_ok "$DEV" 192K 64K
	expect_mode bypass checksums
	expect_status cc checksum_errors = 4
	read_ok "$DEV"
	# what was healed in memory only is found wrong once more, and healed
	message cc recover
	expect_status cc mode = active
	read_ok "$DEV" 0 192K
	settle cc
	message cc commit
	expect_status cc mode = active
	# of the last region
	offline_allow checksum content
}

# Nobody waits for a healed block: no commit of its own at once for each.  What comes
# in some milliseconds shares one, and the machine may be busy: the best of six counts.
healed_shares_commits() {
	local round commits least=1000

	begin 0 4 max_errors 0 commit_interval 3600000
	for ((round = 1; round <= 6 && least > 8; round++)); do
		commits=$(heal_all "$round")
		[ "$commits" -ge "$least" ] || least=$commits
	done
	expect "commits for 16 healed blocks" "$least" -le 8
	expect_hits cc "$DEV" 0 1M
}
# heal_all ROUND: a wrong block in each of 16 regions is found; how many commits for that
heal_all() {
	local before region

	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	before=$(status_get cc commits)
	for ((region = 0; region < 16; region++)); do
		"$IO" flip "$CACHE" $(($(place "$region") + 100)) 3 >&2
	done
	read_ok "$DEV" 0 1M --bs 1M
	settle cc
	expect_status cc checksum_errors = $((16 * $1))
	echo $(($(status_get cc commits) - before))
}

# Bypassed: equal reads that are under way share one read of the origin, and a no-flush
# suspend need not wait for it.
bypass_is_a_miss() {
	begin 0 2 max_errors 1
	read_ok "$DEV" 0 1M
	settle cc
	all_gone
	read_ok "$DEV" 0 64K
	wait_for 30 "mode bypass" mode_is bypass
	remote_stall origin
	remote_mark origin
	job readers "$IO" together "$DEV" 2M 4096 --threads 64
	wait_for 30 "readers that wait" job_waits readers 64
	expect_status cc stalled_ms -ge 1
	timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
	timeout $((30 * SCALE)) dmsetup resume cc
	wait_for 30 "readers that wait" job_waits readers 64
	remote_continue origin
	job_end readers 60
	# one before the suspend, one after it
	expect_remote origin bytes -le 8192
	expect_status cc stalled_ms = 0
	expect_status cc deferred = 0
	all_good
}

run_cases heal_commit heal_commit_no_checksums heal_keeps_published heal_keeps_durable \
	heal_full_file heal_thin_pool heal_bypass heal_recover heal_recover_fails \
	errors_by_place wrong_checksums healed_shares_commits bypass_is_a_miss
