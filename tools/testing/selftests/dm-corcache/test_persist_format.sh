#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Formatting: what a crash in the midst of it leaves behind works or is
# formatted, and a used device whose first and last MiB alone were zeroed
# starts empty, whatever its old table says.  The second origin has other
# content, so that a hit from the old cache would be noticed.
. "$(dirname "$0")/lib.sh"

LEN=16384
LAST=$((16 * 1048576 - 4096))	# the copy of the superblock

zero() { dd if=/dev/zero of="$CACHE" bs=4096 seek=$(($1 / 4096)) count=$(($2 / 4096)) oflag=direct conv=notrunc status=none; }

# OTHER: a device with the pattern shifted by 1 MiB
begin() {
	remote_start origin 16M
	mkcache 16
	mkdm other "0 $LEN linear $ORIGIN 2048" --readonly
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
}

# works: activates, reads right, caches, and does so again after a restart
works() {
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 4M
	settle cc
	expect_hits cc "$DEV" 0 4M
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 4M
	dmremove cc
}

# each combination of what of the two superblocks has arrived
format_crash() {
	begin
	dmremove cc
	cp "$CACHE_FILE" "$T/fresh"
	for lost in first last both; do
		cat "$T/fresh" >"$CACHE_FILE"
		blockdev --flushbufs "$CACHE"
		case $lost in
		first) zero 0 4096 ;;
		last) zero "$LAST" 4096 ;;
		both)
			zero 0 4096
			zero "$LAST" 4096
			;;
		esac
		note "lost: $lost"
		works
	done
}

# The device was in use before, and was zeroed at both ends: its old table and
# its old data are still there, and mean nothing.
format_again() {
	begin
	read_ok "$DEV"
	settle cc
	dmremove cc
	zero 0 1048576
	zero $((15 * 1048576)) 1048576
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	expect_status cc valid = 0
	expect_status cc used = 0
	read_ok "$DEV" --shift 1M
	settle cc
	expect_hits cc "$DEV" 0 8M --shift 1M
	dmremove cc
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	expect_hits cc "$DEV" 0 8M --shift 1M
}

# the same, but with only a part of it filled again before the restart
format_again_partly_filled() {
	begin
	read_ok "$DEV"
	settle cc
	dmremove cc
	zero 0 1048576
	zero $((15 * 1048576)) 1048576
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	timeout $((60 * SCALE)) "$IO" random "$DEV" --shift 1M --count 50 --max-bs 32K --seed "$SEED"
	settle cc
	message cc commit
	dmremove cc
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	read_ok "$DEV" --shift 1M
	expect_status cc checksum_errors = 0
}

# formatting writes the superblocks and nothing else
format_writes_little() {
	local stat before after

	remote_start origin 8M
	mkcache 16
	stat=/sys/block/${CACHE##*/}/stat
	before=$(awk '{ print $7 }' "$stat")
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	after=$(awk '{ print $7 }' "$stat")
	expect "sectors written by formatting" $((after - before)) -le 16
	dmremove cc
	"$IO" dump "$CACHE" >"$T/dump"
	expect "superblocks" "$(grep -c '^super' "$T/dump")" = 2
	# and has not asked the origin for anything
	expect_remote origin bytes = 0
}

format_4kn() {
	remote_start origin 8M
	mkcache 16 -b 4096
	works
}

# a device whose size is no multiple of anything
format_odd_size() {
	remote_start origin 8M
	mkloop "$T/odd" $((16 * 1048576 + 7 * 512))
	CACHE=$LOOP
	works
}

# what stands in the very last sectors, which the format does not use, is
# somebody's all the same: a backup partition table, the mark of a fake RAID
format_odd_tail_is_not_ours() {
	local before

	remote_start origin 8M
	mkloop "$T/odd" $((16 * 1048576 + 7 * 512))
	CACHE=$LOOP
	echo somebody | dd of="$T/odd" bs=512 seek=$((32768 + 6)) conv=notrunc status=none
	before=$(md5sum <"$T/odd")
	expect_refused "0 $LEN corcache $CACHE $ORIGIN 128" 'holds data .sector 32774.*0-2047, 30720-32774'
	expect "the device's content" "$(md5sum <"$T/odd")" = "$before"
	# as the message says
	dd if=/dev/zero of="$T/odd" bs=512 seek=30720 count=2055 conv=notrunc status=none
	works
}

run_cases format_crash format_again format_again_partly_filled format_writes_little format_4kn \
	format_odd_size format_odd_tail_is_not_ours
