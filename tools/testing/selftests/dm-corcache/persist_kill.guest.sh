#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# persist_kill.guest.sh DISK - the part of test_persist_kill.host.sh that runs
# in the guest; CASES says which of its halves.
. "$(dirname "$0")/lib.sh"

DISK=$1
LEN=131072		# sectors: 64 MiB
TABLE="0 $LEN corcache $DISK"

# 8 MiB read and committed, said so, then reads and evicts until the power goes
kill_fill() {
	local n=0

	remote_start origin 64M
	mkcorcache cc "$DISK" "$ORIGIN" "$LEN" 128 0 2 commit_interval 50
	read_ok "$DEV" 0 8M
	settle cc
	message cc commit
	job load "$IO" random "$DEV" --start 8M --seconds 3000 --threads 6 --max-bs 256K --seed "$SEED"
	echo committed >"$LAB_OUT/ready"
	sync -f "$LAB_OUT"
	while job_running load; do
		message cc evict $((16384 + n % 100 * 1024)) 4096
		n=$((n + 1))
	done
	fail "the load ended: $(cat "$T/load.out")"
}

# The power goes at some moment around the formatting: most of this loop is
# formatting and zeroing.  A cut between the two writes of a format is rare all
# the same; that each combination of what of them arrives is fine is shown by
# test_persist_format (format_crash).
kill_format() {
	local n

	echo formats >"$LAB_OUT/ready"
	sync -f "$LAB_OUT"
	remote_start origin 64M
	for ((n = 0; ; n++)); do
		mkcorcache cc "$DISK" "$ORIGIN" "$LEN" 128 0 2 commit_interval 20
		[ $((n % 8)) != 0 ] || read_ok "$DEV" 0 8M
		dmremove cc
		dd if=/dev/zero of="$DISK" bs=1M count=1 oflag=direct conv=notrunc status=none
		dd if=/dev/zero of="$DISK" bs=1M count=1 oflag=direct conv=notrunc status=none \
			seek=$(($(sectors "$DISK") / 2048 - 1))
	done
}

# what had been committed is there, while there is no remote at all; then all
# of it is right
kill_check() {
	mkdm away "0 $LEN error"
	mkcorcache cc "$DISK" /dev/mapper/away "$LEN" 128
	note "after the restart: $(status_line cc)"
	expect_hits cc "$DEV" 0 8M
	expect_status cc checksum_errors = 0
	remote_start origin 64M
	dmsetup reload cc --readonly --table "$TABLE $ORIGIN 128"
	dmsetup resume cc
	remote_mark origin
	read_ok "$DEV" 0 8M
	expect_remote origin bytes = 0
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}

# whatever formatting and zeroing left: at least one superblock or none at all
kill_format_check() {
	remote_start origin 64M
	mkcorcache cc "$DISK" "$ORIGIN" "$LEN" 128
	note "after the restart: $(status_line cc)"
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}

run_cases kill_fill kill_format kill_check kill_format_check
