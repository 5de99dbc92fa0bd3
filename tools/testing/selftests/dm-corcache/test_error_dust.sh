#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Sectors of the cache device that go bad while it is in use, as on a disk: they
# cannot be read until they are written to, and some cannot be written to at
# first.  Bad data costs a read of the origin and a write that mends it; a bad
# sector of the region table costs its own regions; a bad superblock nothing.
# Needs dm-dust, which the lab's own kernels have.
# timeout=600
. "$(dirname "$0")/lib.sh"

LEN=16384

# a cache device `below` whose 4 KiB blocks can go bad
begin() {
	need_target dust dm-dust
	remote_start origin 8M
	mkcache 16
	mkdm below "0 $(sectors "$CACHE") dust $CACHE 0 4096"
	dmsetup message below 0 quiet
	dmsetup message below 0 enable
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 "$@"
}
# bad BLOCK [WRITES]: it cannot be read any more, and the next WRITES fail, too
bad() { dmsetup message below 0 addbadblock "$@"; }
expect_bad() {
	local answer

	answer=$(dmsetup message below 0 countbadblocks)
	expect "bad blocks" "${answer//[^0-9]/}" = "$1"
}
warm() {
	begin "$@"
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	"$IO" dump "$CACHE" >"$T/dump"
}
# block REGION: the first 4 KiB block of its slot on the cache device
block() { sed -n "s/^entry slot=[0-9]* region=$1 .* data=\([0-9]*\) .*/\1/p" "$T/dump" | awk '{ print $1 / 8 }'; }

# in place, and counted once each; nobody else's blocks are lost
dust_data() {
	local n

	warm
	for n in 0 3 7; do bad $(($(block 2) + n)); done
	bad $(($(block 9) + 15))
	expect_bad 4
	remote_mark origin
	read_ok "$DEV" 0 1M --bs 1M
	settle cc
	expect_status cc cache_errors = 4
	expect_remote origin bytes = $((4 * 4096))
	# written again, where they were
	expect_bad 0
	expect_status cc valid = 256
	expect_status cc used = 16
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 1M
	expect_status cc cache_errors = 4
	dmremove cc
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
}

# in small reads, and in such as do not begin or end with a block
dust_data_unaligned() {
	warm
	bad $(($(block 1) + 1))
	bad $(($(block 1) + 4))
	bad "$(block 5)"
	remote_mark origin
	read_ok "$DEV" $((65536 + 4096 + 512)) 1024
	read_ok "$DEV" $((65536 + 3 * 4096 + 2048)) 8192
	read_ok "$DEV" $((5 * 65536 - 512)) 5120
	settle cc
	expect_status cc cache_errors = 3
	expect_remote origin bytes = $((3 * 4096))
	expect_bad 0
	expect_hits cc "$DEV" 0 1M
}

# A block that cannot be written to either, at first: not recorded, counted,
# and a later reader's fill is what mends it.
dust_data_write_fails() {
	warm
	bad $(($(block 4) + 2)) 2
	for _ in 1 2; do
		remote_mark origin
		read_ok "$DEV" $((4 * 65536)) 64K
		settle cc
		expect_remote origin bytes = 4096
		expect_status cc valid = 255
		expect_bad 1
	done
	read_ok "$DEV" $((4 * 65536)) 64K
	settle cc
	expect_bad 0
	expect_hits cc "$DEV" 0 1M
	# one read, two writes
	expect_status cc cache_errors = 3
	expect_status cc mode = active
}

# Many who read the same bad block at once have found one error, not one each:
# a single bad sector under a popular image must not end the cache.
dust_many_readers() {
	need_target dust dm-dust
	remote_start origin 8M
	mkcache 16
	mkdm below "0 $(sectors "$CACHE") dust $CACHE 0 4096"
	dmsetup message below 0 quiet
	dmsetup message below 0 enable
	mkdm gate "0 $(sectors "$CACHE") linear /dev/mapper/below 0"
	mkcorcache cc /dev/mapper/gate "$ORIGIN" "$LEN" 128 0 2 max_errors 20
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	"$IO" dump "$CACHE" >"$T/dump"
	bad $(($(block 3) + 3))
	dmsetup suspend --noflush --nolockfs gate
	remote_mark origin
	job readers "$IO" together "$DEV" $((3 * 65536)) 64K --threads 64
	wait_for 30 "readers that wait" job_waits readers 64
	dmsetup resume gate
	job_end readers 60
	settle cc
	expect_status cc mode = active
	expect_status cc cache_errors = 1
	expect_remote origin bytes = 4096
	expect_bad 0
	expect_hits cc "$DEV" 0 1M
}

# new ones all the time, under load
dust_under_load() {
	local n at

	warm 0 2 max_errors 0
	load load "$DEV" --length 1M --threads 4 --max-bs 128K --seed "$SEED"
	RANDOM=$((SEED % 32768))
	for ((n = 0; ; n++)); do
		if enough "$n" 30; then break; fi
		at=$(($(block 0) + RANDOM % 256))
		# it may be bad already
		dmsetup message below 0 addbadblock "$at" $((RANDOM % 3)) || true
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	# of each that cannot be written to twice, the third fill succeeds
	for _ in 1 2 3; do
		read_ok "$DEV" 0 1M
		settle cc
	done
	expect_status cc cache_errors -ge 1
	expect_status cc checksum_errors = 0
	expect_status cc mode = active
	expect_bad 0
	expect_hits cc "$DEV" 0 1M
}

# a bad block of the region table: its regions are cold, and the next commits
# mend it; the others are warm
dust_table() {
	local sector cold

	warm
	dmremove cc
	# eight sectors, of six regions each
	sector=$(sed -n 's/^entry .* table_sector=\([0-9]*\) .*/\1/p' "$T/dump" | sort -n | tail -n 1)
	cold=$(awk -v b=$((sector / 8)) '/^entry / && match($0, /table_sector=[0-9]+/) {
		if (int(substr($0, RSTART + 13, RLENGTH - 13) / 8) == b) n++ } END { print n + 0 }' "$T/dump")
	expect "regions that will be cold" "$cold" -ge 4
	bad $((sector / 8))
	log_mark
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_log "table sectors corrupt or unreadable"
	expect_status cc cache_errors -ge 1
	expect_status cc used = $((16 - cold))
	checked cc
	remote_mark origin
	read_ok "$DEV" 0 1M
	expect_remote origin bytes = $((cold * 65536))
	settle cc
	message cc commit
	expect_bad 0
	expect_hits cc "$DEV" 0 1M
	dmremove cc
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
}

# one superblock that cannot be read is no loss, and is not formatted over
dust_super() {
	local block

	warm
	dmremove cc
	for block in 0 $((16 * 256 - 1)); do
		bad "$block"
		mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
		expect_hits cc "$DEV" 0 1M
		dmremove cc
		# dm-dust takes a flush for a write to block 0
		[ "$block" = 0 ] || expect_bad 1
		dmsetup message below 0 clearbadblocks >/dev/null
	done
	# both: refused
	bad 0
	bad $((16 * 256 - 1))
	expect_refused "0 $LEN corcache /dev/mapper/below $ORIGIN 128" "cannot read sector 0"
	expect_bad 2
	dmsetup message below 0 clearbadblocks >/dev/null
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
}

run_cases dust_data dust_data_unaligned dust_data_write_fails dust_many_readers dust_under_load \
	dust_table dust_super
