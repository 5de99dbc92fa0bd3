#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hibernation: from before the snapshot of memory on, nothing is written to a cache
# device, so that memory and device agree when it comes back; reads go on.  The
# kernel's own test mode is used, which goes all the way to frozen tasks, waits there
# for five seconds, and comes back.  (The root of the lab's guests would not survive
# that its device is suspended.)
# timeout=300
. "$(dirname "$0")/lib.sh"

LEN=32768

need_hibernation() {
	if [ ! -e /sys/power/pm_test ] || ! grep -qw disk /sys/power/state; then
		skip "this kernel cannot hibernate, or not in test mode"
	fi
	echo freezer >/sys/power/pm_test
	at_end no_test_mode
}
no_test_mode() {
	echo none >/sys/power/pm_test
	modprobe -q -r brd || true
}
hibernate() { echo disk >/sys/power/state; }

# sectors written to the cache device
written() {
	local fields

	read -r -a fields <"/sys/block/${CACHE##*/}/stat"
	echo "${fields[6]}"
}

# begin: a device whose origin, when it is slow, answers after four seconds.  It is a
# RAM disk: a remote's server is frozen with all other tasks, and so are loop devices.
begin() {
	need_target delay dm-delay
	remote_start origin 16M
	modprobe -q brd rd_nr=1 rd_size=16384 || skip "no RAM disks"
	REMOTE=/dev/ram0
	timeout $((60 * SCALE)) dd if="$ORIGIN" of="$REMOTE" bs=1M iflag=direct oflag=direct status=none
	mkdm slow "0 $LEN linear $REMOTE 0"
	mkcache 32
	mkcorcache cc "$CACHE" /dev/mapper/slow "$LEN" 128 "$@"
	read_ok "$DEV" 0 4M
	settle cc
}

# start_reading OFF LEN: ask for it, and do not wait for it, nor close the device, which
# would wait, too: who waits for a remote whose server is frozen cannot be frozen
start_reading() {
	job reader python3 -c 'import os, signal, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(fd, int(sys.argv[2]), int(sys.argv[3]), os.POSIX_FADV_WILLNEED)
signal.pause()' "$DEV" "$1" "$2"
}
under_way() { [ "$(status_get cc transfers)" -ge 1 ]; }

# What is answered while all tasks are frozen is not inserted.  When it is answered is up
# to the machine: it is tried until one comes then.
hibernate_inserts_nothing() {
	local valid before n at

	need_hibernation
	command -v python3 >/dev/null || skip "no python3"
	begin "$@"
	valid=$(status_get cc valid)
	expect_status cc commits = 0
	for ((n = 0; n < 6; n++)); do
		at=$((8 + n))
		reload_dm slow "0 $LEN delay $REMOTE 0 4000"
		start_reading $((at << 20)) 65536
		wait_for 60 "read of the origin" under_way
		hibernate
		# what was cached was committed before
		[ "$n" != 0 ] || expect_status cc commits -ge 1
		wait_for 10 "end of the read" status_is cc transfers 0
		job_stop reader 143
		settle cc
		reload_dm slow "0 $LEN linear $REMOTE 0"
		[ "$(status_get cc bypasses)" = 0 ] || break
		note "answered before it, or after it: again"
		message cc evict $((at << 11)) 128
	done
	expect_status cc bypasses -ge 1
	expect_status cc valid = "$valid"
	before=$(written)
	# and it goes on
	read_ok "$DEV" "${at}M" 1M
	settle cc
	expect_status cc valid = $((valid + 256))
	message cc commit
	expect "sectors written" "$(written)" -gt "$before"
	expect_hits cc "$DEV" 0 4M
	expect_hits cc "$DEV" "${at}M" 1M
	message cc evict 0 2048
	dmremove cc
	mkcorcache cc "$CACHE" /dev/mapper/slow "$LEN" 128 "$@"
	expect_status cc used = $((16 * 5 - 16))
	expect_hits cc "$DEV" "${at}M" 1M
}

hibernate_with_checksums() { hibernate_inserts_nothing 0 2 commit_interval 3600000; }
hibernate_without_checksums() { hibernate_inserts_nothing 1 no_checksums 2 commit_interval 3600000; }

# A cache device that does not answer: the system does not hibernate, and all goes on.
hibernate_is_refused() {
	local start

	need_hibernation
	remote_start origin 16M
	mkcache 32
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 1M
	settle cc
	dmsetup suspend --noflush --nolockfs below
	read_ok "$DEV" 1M 64K
	log_mark
	start=$(now_ms)
	expect_rc 1 hibernate 2>"$T/err"
	grep -qi busy "$T/err" || fail "$(cat "$T/err")"
	note "refused after $(($(now_ms) - start)) ms"
	expect_log "cannot be paused: cache device"
	dmsetup resume below
	read_ok "$DEV" 2M 1M
	settle cc
	expect_hits cc "$DEV" 1M 64K
	expect_hits cc "$DEV" 2M 1M
	message cc commit
}

run_cases hibernate_with_checksums hibernate_without_checksums hibernate_is_refused
