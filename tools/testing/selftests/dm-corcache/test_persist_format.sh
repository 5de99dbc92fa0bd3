#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Formatting: what a crash in the midst of it leaves behind works or is
# formatted, and a used device whose first MiB was zeroed starts empty, whatever
# its old table and the old copy of the superblock say.  The second origin has
# other content, so that a hit from the old cache would be noticed.
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

# super_ids DEVICE: the format ids of its superblocks
super_ids() { "$IO" dump "$1" | sed -n 's/^super copy=\([a-z]*\) .* id=\([0-9a-f]*\) .*/\1 \2/p'; }

# each combination of what of the two superblocks has arrived
format_crash() {
	local lost

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

# A crash between the two: the first one is what there is, with all that it names;
# the activation writes the copy, bit by bit the same.
format_writes_lost_copy() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	dmremove cc
	zero "$LAST" 4096
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
	dmremove cc
	cmp -n 4096 -i "0:$LAST" "$CACHE_FILE" "$CACHE_FILE" || fail "the copy differs"
	# for which it serves
	"$IO" flip "$CACHE" 20 4
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
	dmremove cc
	"$IO" flip "$CACHE" 20 4
}

# An origin id of the most characters there may be; a digest is shorter.
format_long_origin_id() {
	local id digest

	digest=sha256:$(sha256sum </dev/null | cut -c 1-64)
	id=$digest.$(printf '%056d' 7)
	expect "characters" ${#id} = 128
	begin
	dmremove cc
	zero 0 4096
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128 0 2 origin_id "$id"
	read_ok "$DEV" 0 1M
	settle cc
	dmsetup table cc | has_line " 12 .* origin_id $id\$" || fail "$(dmsetup table cc)"
	dmremove cc
	expect_refused "0 $LEN corcache $CACHE $ORIGIN 128 0 2 origin_id ${id%?}8" \
		"origin_id of the cache is $id, the table says ${id%?}8"
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128 0 2 origin_id "$id"
	expect_hits cc "$DEV" 0 1M
}

# Compatible features of a later version, and what they keep in bytes that are zero
# in this one: ignored, and kept, in the copy too.
format_unknown_compatible() {
	begin
	read_ok "$DEV" 0 1M
	settle cc
	dmremove cc
	"$IO" super "$CACHE" main compat 0x8000000000000001
	"$IO" super "$CACHE" main reserved 0x12345678
	zero "$LAST" 4096
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV" 0 2M
	settle cc
	dmremove cc
	"$IO" dump "$CACHE" | grep '^super' >"$T/supers"
	expect "superblocks with them" "$(grep -c ' compat=8000000000000001 ' "$T/supers")" = 2
	cmp -n 4096 -i "0:$LAST" "$CACHE_FILE" "$CACHE_FILE" || fail "the copy differs"
	# the bytes may be anything only if there is such a feature
	"$IO" super "$CACHE" both compat 0
	expect_refused "0 $LEN corcache $CACHE $ORIGIN 128" "reserved bytes are not zero"
	"$IO" super "$CACHE" both reserved 0
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 2M
}

# A copy that is neither the first one's nor lost is left as it is.
format_keeps_strange_copy() {
	local hash

	offline_expect super
	begin
	read_ok "$DEV" 0 1M
	settle cc
	dmremove cc
	"$IO" flip "$CACHE" $((LAST + 20)) 4
	hash=$(tail -c 4096 "$CACHE_FILE" | md5sum)
	log_mark
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_log "copy of the superblock .*sector 32760.* is damaged"
	expect_hits cc "$DEV" 0 1M
	dmremove cc
	expect "the copy" "$(tail -c 4096 "$CACHE_FILE" | md5sum)" = "$hash"
}

# The copy of another formatting never speaks for a first superblock that is
# damaged, as it may not if both caches look alike.
format_distrusts_other_copy() {
	local byte

	begin
	offline_skip "$CACHE" "two halves of two caches"
	read_ok "$DEV"
	settle cc
	dmremove cc
	tail -c 4096 "$CACHE_FILE" >"$T/old"
	zero 0 4096
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	dmremove cc
	dd if="$T/old" of="$CACHE" bs=4096 seek=$((LAST / 4096)) oflag=direct conv=notrunc status=none
	for byte in 3 9 20 60; do
		"$IO" flip "$CACHE" "$byte" 4
		expect_refused "0 $LEN corcache $CACHE /dev/mapper/other 128" "holds other data now"
		"$IO" flip "$CACHE" "$byte" 4
	done
	log_mark
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	expect_log "copy of the superblock .*sector 32760.* is of another formatting"
	read_ok "$DEV" --shift 1M
}

# wiped BYTES: a device whose beginning was zeroed, and nothing else (as
# lvcreate does), is empty: the second image's bytes, never the first one's
wiped() {
	local bytes=$1 ids

	begin
	offline_args --shift 1M
	read_ok "$DEV"
	settle cc
	dmremove cc
	ids=$(super_ids "$CACHE")
	zero 0 "$bytes"
	log_mark
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	expect_log "first MiB is zero.* formatted anew"
	expect_status cc mode = active
	expect_status cc valid = 0
	read_ok "$DEV" --shift 1M
	settle cc
	expect_hits cc "$DEV" 0 8M --shift 1M
	dmremove cc
	super_ids "$CACHE" >"$T/ids"
	expect "superblocks" "$(wc -l <"$T/ids")" = 2
	expect "format ids" "$(cut -d ' ' -f 2 "$T/ids" | uniq | wc -l)" = 1
	! grep -qF "${ids##* }" "$T/ids" || fail "the old format id is in use"
	mkcorcache cc "$CACHE" /dev/mapper/other "$LEN" 128
	expect_hits cc "$DEV" 0 8M --shift 1M
}
format_wiped_sector() { wiped 4096; }
format_wiped_mib() { wiped 1048576; }
# with the table
format_wiped_10_mib() { wiped 10485760; }

# whatever the copy is: damaged, of another version, of another length
format_wiped_any_copy() {
	local change

	begin
	dmremove cc
	for change in "version 2" "target_sectors 8" "region_sectors 3" "origin_id_bytes 9"; do
		# shellcheck disable=SC2086 # two words
		"$IO" super "$CACHE" backup $change
		zero 0 4096
		note "copy: $change"
		works
	done
	"$IO" flip "$CACHE" $((LAST + 100)) 3
	zero 0 4096
	works
}

# but for the copy the last MiB is to be zero, and so is all behind it in its block
format_wiped_other_data() {
	local at before

	begin
	dmremove cc
	zero 0 4096
	for at in $((15 * 1048576)) $((LAST - 1)) $((LAST + 3)) $((LAST + 512)) $((LAST + 4095)); do
		"$IO" flip "$CACHE" "$at" 1
		before=$(md5sum <"$CACHE_FILE")
		expect_refused "0 $LEN corcache $CACHE $ORIGIN 128" "holds data .sector [0-9]*"
		expect "the device's content" "$(md5sum <"$CACHE_FILE")" = "$before"
		"$IO" flip "$CACHE" "$at" 1
	done
	works
}

# The device was in use before, and was zeroed at both ends: its old table and
# its old data are still there, and mean nothing.
format_again() {
	begin
	offline_args --shift 1M
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
	offline_args --shift 1M
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

run_cases format_crash format_writes_lost_copy format_long_origin_id \
	format_unknown_compatible format_keeps_strange_copy format_distrusts_other_copy \
	format_wiped_sector format_wiped_mib format_wiped_10_mib format_wiped_any_copy \
	format_wiped_other_data format_again format_again_partly_filled format_writes_little format_4kn \
	format_odd_size format_odd_tail_is_not_ours
