#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The cache device errs, stalls or is gone: no reader notices.  Read errors
# drop the block, write errors leave the region uncached, a commit that fails
# freezes the cache, max_errors bypasses it, each change of mode is a dm
# event.  The errors are made by a device-mapper table under the cache.
# timeout=600
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/below.sh"

data_errors() { errors "$DATA_START" $((SIZE - DATA_START)); }
table_errors() { errors 2048 $((DATA_START - 2048)); }
# expect_mode MODE REASON EVENTS: what it is now, and so many dm events so far;
# the event follows the mode
expect_mode() {
	wait_for 10 "mode $1" mode_is "$1"
	expect_status cc reason = "$2"
	wait_for 10 "$3 dm events" events_are "$3"
}
events_are() { [ "$(events cc)" = "$1" ]; }
events_beyond() { [ "$(events cc)" -gt "$1" ]; }
# suspend and resume: a cache that is not active is loaded anew
again() {
	timeout $((30 * SCALE)) dmsetup suspend "$@" cc
	timeout $((30 * SCALE)) dmsetup resume cc
}

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
	need_target flakey dm-flakey
	begin
	read_ok "$DEV" 0 512K
	settle cc
	message cc commit
	write_errors
	read_ok "$DEV" 1M 64K
	settle cc
	expect_hits cc "$DEV" 0 512K
	expect_status cc cache_errors -ge 1
	all_good
	read_ok "$DEV"
}

# after max_errors: bypass, with an event, and still every byte right
cache_max_errors() {
	local before bypasses

	begin 0 2 max_errors 5
	read_ok "$DEV" 0 1M
	settle cc
	before=$(events cc)
	data_errors
	read_ok "$DEV" 0 1M --bs 4K
	wait_for 10 "mode bypass" mode_is bypass
	# it is looked at again after ten seconds: that is to find nothing better
	all_gone
	expect_status cc reason = errors
	# it may have been frozen before, as writes fail as well
	wait_for 10 "a dm event" events_beyond "$before"
	expect_status cc cache_errors -ge 5
	read_ok "$DEV" --bs 4K
	# nothing of it is inserted
	bypasses=$(status_get cc bypasses)
	remote_mark origin
	read_ok "$DEV" 0 1M --bs 64K
	expect_remote origin bytes = 1048576
	expect_status cc bypasses = $((bypasses + 16))
	# the origin's errors are still the origin's
	remote_errors origin on
	read_fails "$DEV" 0 64K
	remote_errors origin off
	timeout $((60 * SCALE)) "$IO" random "$DEV" --count 200 --threads 4 --seed "$SEED"
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

message_fails() {
	expect_rc 1 timeout $((20 * SCALE)) dmsetup message cc 0 "$@" 2>"$T/err"
	grep -qi "input/output error" "$T/err" || fail "message $*: $(cat "$T/err")"
}

# no commit succeeds: frozen
cache_commit_fails() {
	local before valid

	begin 0 2 commit_interval 100
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	before=$(events cc)
	table_errors
	read_ok "$DEV" 1M 64K
	expect_mode frozen commit $((before + 1))
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
	message_fails evict 0 128
	message_fails quota 128
	expect_hits cc "$DEV" 0 1M
	# and still one read of the origin for all readers
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

# Writes fail at run time, reads do not: after max_errors nothing is inserted any
# more, and what it holds is read, also after a suspend, and when it is writable again.
cache_turns_readonly() {
	local before

	need_target flakey dm-flakey
	begin 0 4 max_errors 5 commit_interval 3600000
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	before=$(events cc)
	write_errors
	read_ok "$DEV" 1M 1M --bs 64K
	expect_mode frozen writes $((before + 1))
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	# suspended: service goes on, while the device is as bad
	again
	read_ok "$DEV"
	again --noflush --nolockfs
	read_ok "$DEV"
	expect_hits cc "$DEV" 0 1M
	all_good
	again
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# The block layer's own read-only flag, set while the device is in use: what is
# under way with such a device is the kernel's business, and differs; a reader
# does not notice.
cache_setro() {
	begin 0 2 commit_interval 50
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	blockdev --setro "$CACHE"
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	read_ok "$DEV"
	# what becomes of a commit is not said
	timeout $((60 * SCALE)) dmsetup message cc 0 evict 4096 1024 || note "evict: refused"
	read_ok "$DEV"
	expect_load load
	job_stop load
	expect_status cc checksum_errors = 0
	dmremove cc
	blockdev --setrw "$CACHE"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
}

# No space left under a device that is provisioned thinly: frozen at once,
# whatever max_errors says, and what it holds is read; active again when there is
# space.
cache_no_space() {
	local meta pool events

	need_target thin-pool dm-thin-pool
	remote_start origin 8M
	mkloop "$T/meta" 4M
	meta=$LOOP
	mkloop "$T/data" 32M
	pool="thin-pool $meta $LOOP 128 0 1 error_if_no_space"
	# room for 4 MiB
	mkdm pool "0 8192 $pool"
	dmsetup message pool 0 create_thin 0
	mkdm thin "0 32768 thin /dev/mapper/pool 0"
	mkcorcache cc /dev/mapper/thin "$ORIGIN" "$LEN" 128 0 2 max_errors 0
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	events=$(events cc)
	read_ok "$DEV" --bs 64K
	expect_mode frozen nospc $((events + 1))
	expect_status cc cache_errors -ge 1
	expect_hits cc "$DEV" 0 1M
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	read_ok "$DEV"
	expect_load load
	job_stop load
	reload_dm pool "0 65536 $pool"
	again --noflush --nolockfs
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc mode = active
	expect_status cc checksum_errors = 0
}

# The same for a commit: the first write to a part of the region table, all of
# the pool's room being taken by somebody else.
cache_no_space_for_commit() {
	local meta events

	need_target thin-pool dm-thin-pool
	remote_start origin 8M
	mkloop "$T/meta" 4M
	meta=$LOOP
	mkloop "$T/data" 8M
	mkdm pool "0 16384 thin-pool $meta $LOOP 128 0 1 error_if_no_space"
	dmsetup message pool 0 create_thin 0
	dmsetup message pool 0 create_thin 1
	mkdm thin "0 32768 thin /dev/mapper/pool 0"
	mkdm other "0 32768 thin /dev/mapper/pool 1"
	mkcorcache cc /dev/mapper/thin "$ORIGIN" "$LEN" 128 0 4 max_errors 0 commit_interval 3600000
	read_ok "$DEV" 0 1M
	settle cc
	events=$(events cc)
	dd if=/dev/zero of=/dev/mapper/other bs=64K oflag=direct status=none 2>"$T/dd" || true
	grep -qi "no space" "$T/dd" || fail "the pool is not full: $(cat "$T/dd")"
	expect_rc 1 timeout $((30 * SCALE)) dmsetup message cc 0 commit 2>"$T/err"
	expect_mode frozen nospc $((events + 1))
	expect_status cc cache_errors = 1
	read_ok "$DEV"
	expect_hits cc "$DEV" 0 1M
	expect_status cc bypasses -ge 1
}

test_disk() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*/block/*'; }

# A disk that can be pulled out; its name in DISK.  The module stays loaded when
# the case fails, which does no harm.
need_disk() {
	modprobe -q sd_mod
	modprobe -q -r scsi_debug || true
	modprobe -q scsi_debug dev_size_mb=32 || skip "no scsi_debug"
	wait_for 20 "a disk of scsi_debug" test_disk >/dev/null
	DISK=$(basename "$(test_disk)")
	wait_for 20 "its device node" test -b "/dev/$DISK"
}

# The disk becomes write-protected, and the kernel knows: given up at its first
# error.  When the protection is gone, what it holds is there.
cache_write_protected() {
	local before

	need_disk
	remote_start origin 8M
	mkcorcache cc "/dev/$DISK" "$ORIGIN" "$LEN" 128 0 4 max_errors 0 commit_interval 3600000
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	before=$(events cc)
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	protect 1
	read_ok "$DEV"
	expect_mode bypass readonly $((before + 1))
	# suspended and resumed: tried again, which no reader notices
	again
	read_ok "$DEV"
	expect_mode bypass readonly $((before + 3))
	protect 0
	again --noflush --nolockfs
	expect_mode active none $((before + 4))
	expect_load load
	job_stop load
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
	expect_status cc origin_errors = 0
	dmremove cc
	offline_now "/dev/$DISK"
	modprobe -r scsi_debug
}
protect() {
	echo "$1" >/sys/module/scsi_debug/parameters/wp
	echo 1 >"/sys/block/$DISK/device/rescan"
	expect "read-only flag of /dev/$DISK" "$(cat "/sys/block/$DISK/ro")" = "$1"
}

# Pulled out: given up at its first error, whatever max_errors says, also if that is a
# commit's, in the moment in which the driver refuses already and the disk is
# not yet marked as dead.
cache_unplugged() {
	local before disk

	need_disk
	disk=$DISK
	offline_skip "/dev/$disk" "it is pulled out"
	remote_start origin 8M
	mkcorcache cc "/dev/$disk" "$ORIGIN" "$LEN" 128 0 4 max_errors 0 commit_interval 3600000
	read_ok "$DEV" 0 1M
	settle cc
	before=$(events cc)
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	: >"$T/go"
	job commits bash -c 'while [ -e go ] && dmsetup message cc 0 evict 0 1024; do :; done; exit 0'
	wait_for 10 "commits" commits_beyond 2
	echo 1 >"/sys/block/$disk/device/delete"
	read_ok "$DEV"
	expect_mode bypass gone $((before + 1))
	rm "$T/go"
	job_end commits 30 0
	expect_load load
	# suspend and resume look at it anew: it has still gone, which is no news
	again
	expect_mode bypass gone $((before + 1))
	expect_load load
	job_stop load
	dmremove cc
	modprobe -r scsi_debug
}
commits_beyond() { [ "$(status_get cc commits)" -gt "$1" ]; }

# frozen, suspended and resumed under load, while the device is as bad as before;
# what the table holds outlives it
cache_frozen_suspend() {
	begin 0 4 commit_interval 50 max_errors 0
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	table_errors
	read_ok "$DEV" 1M 64K
	wait_for 10 "mode frozen" mode_is frozen
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	again
	read_ok "$DEV"
	again --noflush --nolockfs
	read_ok "$DEV"
	expect_load load
	job_stop load
	all_good
	again
	wait_for 10 "mode active" mode_is active
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}

# frozen by a message, active again by suspend and resume
cache_thaws() {
	local before

	need_target flakey dm-flakey
	begin 0 2 commit_interval 3600000
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	before=$(events cc)
	write_errors
	message_fails evict 1920 128
	expect_mode frozen commit $((before + 1))
	expect_hits cc "$DEV" 0 960K
	all_good
	again
	expect_status cc mode = active
	# what the message could not do durably has been done since
	expect_hits cc "$DEV" 0 960K
	remote_mark origin
	read_ok "$DEV" 960K 64K
	expect_remote origin bytes = 65536
	message cc evict 1920 128
	expect_status cc mode = active
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
	expect_status cc cache_errors -ge 1
	expect_status cc checksum_errors = 0
	expect_status cc mode = active
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
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
	cache_max_errors_never cache_turns_readonly cache_setro cache_no_space \
	cache_no_space_for_commit cache_write_protected cache_unplugged cache_commit_fails \
	cache_frozen_suspend cache_thaws cache_gone cache_flapping cache_stalls both_err
