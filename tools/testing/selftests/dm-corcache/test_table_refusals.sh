#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each table line, device and superblock that has to be refused is refused
# when the table is loaded, with a line in the kernel log that holds the
# offending value.  After them: no byte of the cache device has
# changed, and a device that runs beside it serves what it has cached, and has
# not changed on its cache device either.
#
# (What has not changed is looked at once per group of refusals.)
# timeout=600
. "$(dirname "$0")/lib.sh"

LEN=16384		# sectors: 8 MiB

# A running device `run` with 1 MiB cached, and CAND, a cache device to be
# refused (or to be refused on).
begin() {
	setup 8 16 128
	dmremove cc
	RUN_CACHE=$CACHE
	mkcorcache run "$RUN_CACHE" "$ORIGIN" "$LEN" 128
	RUN=$DEV
	read_ok "$RUN" 0 1M
	settle run
	message run commit
	RUN_HASH=$("$IO" hash "$RUN_CACHE")
	mkcache 16
	CAND=$CACHE
	remember
}

# Nothing was changed, and `run` runs; at the end of each case, and the bytes
# of the device that was refused whenever it becomes another.
unharmed() {
	[ ! -e "$T/refused" ] || expect_nothing_loaded
	expect "bytes of the running cache" "$("$IO" hash "$RUN_CACHE")" = "$RUN_HASH"
	expect_hits run "$RUN" 0 1M
}
untouched() { expect "bytes of $CAND" "$("$IO" hash "$CAND")" = "$CAND_HASH"; }
remember() { CAND_HASH=$("$IO" hash "$CAND"); }

# refused ARGS REGEX...: what follows the origin in the table line
refused() {
	local args=$1

	shift
	expect_refused "0 ${LENGTH:-$LEN} corcache $CAND $ORIGIN $args" "$@"
}

# refused_devices CACHE ORIGIN REGEX...
refused_devices() {
	local cache=$1 origin=$2

	shift 2
	expect_refused "0 $LEN corcache $cache $origin 128" "$@"
	expect "bytes of the running cache" "$("$IO" hash "$RUN_CACHE")" = "$RUN_HASH"
}

refuse_region_size() {
	local size

	begin
	for size in 0 4 7 100 16384 4294967424 -128 128x 0x80 abc; do
		refused "$size" "corcache.*[^0-9a-z]$size"
	done
	# 128 blocks of 8 sectors
	refused "1024" "1024"
	refused "8192 0 2 block_size 64" "8192" "64"
	untouched
	unharmed
}

refuse_block_size() {
	local size

	begin
	for size in 0 4 12 256 -8 8k; do
		refused "128 0 2 block_size $size" "block.size.*[^0-9a-z]$size"
	done
	untouched
	unharmed
}

refuse_quota() {
	local size

	begin
	# 127: less than one region is nothing
	for size in 0 127 -1 99999999 99999999999999999999 1M; do
		refused "128 0 2 quota $size" "quota.*[^0-9a-z]$size"
	done
	untouched
	unharmed
}

refuse_words() {
	begin
	refused "" "corcache"
	refused "128 x" "corcache.*x"
	refused "128 1" "corcache"
	refused "128 1 fast" "fast"
	refused "128 2 no_checksums" "corcache"
	refused "128 2 no_checksums no_checksums" "no_checksums"
	refused "128 1 NO_CHECKSUMS" "NO_CHECKSUMS"
	refused "128 0 1 quota" "quota|core"
	refused "128 0 2 speed 9" "speed"
	refused "128 0 4 block_size 8 block_size 8" "block_size.*twice|twice.*block_size"
	refused "128 0 2 block_size 8 surplus" "surplus"
	refused "128 0 0 surplus" "surplus"
	refused "128 0 -2 quota 128" "[-]2"
	refused "128 0 99 quota 128" "99"
	refused "128 0 2 policy lru" "lru"
	refused "128 0 2 policy adaptive" "adaptive.*not.*supported"
	refused "128 0 2 commit_interval 0" "commit_interval.*0"
	refused "128 0 2 commit_interval soon" "commit_interval.*soon"
	refused "128 0 2 commit_interval 99999999999" "commit_interval.*99999999999"
	refused "128 0 2 max_errors -1" "max_errors.*-1"
	refused "128 0 2 max_errors some" "max_errors.*some"
	refused "128 0 2 origin_id a,b" "origin_id.*a,b"
	refused "128 0 2 origin_id $(printf '%065d' 7)" "origin_id.*65"
	untouched
	unharmed
}

refuse_devices() {
	local part

	begin
	refused_devices /dev/nonexistent "$ORIGIN" "nonexistent"
	refused_devices "$CAND" /dev/nonexistent "nonexistent"
	refused_devices "$CAND" "$CAND" "same device"
	refused_devices "$ORIGIN" "$ORIGIN" "same device|read-only"
	# a disk and its own partition, both ways round
	mkloop "$T/disk" 32M -P
	addpart "$LOOP" 1 2048 32768
	part=${LOOP}p1
	wait_for 10 "node $part" test -b "$part"
	refused_devices "$part" "$LOOP" "partition|same|${LOOP##*/}.*busy"
	refused_devices "$LOOP" "$part" "partition|same|${LOOP##*/}.*busy"
	delpart "$LOOP" 1
	expect "bytes written to the disk" "$(tr -d '\0' <"$T/disk" | wc -c)" = 0
	untouched
	unharmed
}

refuse_self() {
	begin
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $RUN 128" "itself|same|very device|loop|self"
	expect_reload_refused run "0 $LEN corcache $RUN $ORIGIN 128" "itself|same|very device|read-only|self"
	expect_hits run "$RUN" 0 1M
	unharmed
}

# a cache belongs to one mapped device
refuse_cache_in_use() {
	begin
	refused_devices "$RUN_CACHE" "$ORIGIN" "${RUN_CACHE##*/}|$(mountpoint -x "$RUN_CACHE")|in use|active|another"
	# the origin can be shared: that is what it is for
	mkcorcache other "$CAND" "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 1M
	expect_hits run "$RUN" 0 1M
	unharmed
}

refuse_readonly_cache() {
	begin
	blockdev --setro "$CAND"
	refused "128" "read-only"
	blockdev --setrw "$CAND"
	mkcache 16 --read-only
	refused_devices "$CACHE" "$ORIGIN" "read-only"
	untouched
	unharmed
}

refuse_read_write_table() {
	begin
	RELOAD_MODE=rw refused 128 "read-only|readonly"
	RELOAD_MODE=rw expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128" "read-only|readonly"
	# and what is written all the same does not arrive
	expect_rc 1 dd if=/dev/zero of="$RUN" bs=4096 count=1 oflag=direct status=none 2>"$T/err"
	blockdev --setrw "$RUN" 2>"$T/err" || note "BLKROSET: $(cat "$T/err")"
	expect_rc 1 dd if=/dev/zero of="$RUN" bs=4096 count=1 oflag=direct status=none 2>"$T/err"
	expect_rc 1 blkdiscard -f -o 0 -l 65536 "$RUN" 2>"$T/err"
	untouched
	unharmed
}

refuse_other_targets_in_table() {
	local table

	begin
	table="0 $LEN corcache $CAND $ORIGIN 128"
	expect_refused "$table
$LEN 8 error" "singleton|only|one"
	mkcache 16
	expect_refused "$table
$LEN $LEN corcache $CACHE $ORIGIN 128" "singleton|only|one"
	untouched
	unharmed
}

refuse_short_origin() {
	begin
	LENGTH=16385 refused 128 "16384" "16385"
	LENGTH=9999999999 refused 128 "16384" "9999999999"
	untouched
	unharmed
}

refuse_small_cache() {
	local kib

	begin
	for kib in 4 1024 2048 3072; do
		mkloop "$T/small$kib" "${kib}K"
		refused_devices "$LOOP" "$ORIGIN" "$((kib * 2))"
		expect "bytes" "$(tr -d '\0' <"$T/small$kib" | wc -c)" = 0
	done
	unharmed
}

refuse_zoned() {
	local dir=/sys/kernel/config/nullb/corcache disk

	modprobe -q null_blk nr_devices=0
	[ -d /sys/kernel/config/nullb ] || skip "no null_blk with configfs"
	begin
	mkdir "$dir"
	record null_blk "$dir"
	echo 64 >"$dir/size"
	echo 1 >"$dir/memory_backed"
	echo 1 >"$dir/zoned" || skip "null_blk without zones"
	echo 4 >"$dir/zone_size"
	echo 1 >"$dir/power" || skip "null_blk without zones"
	# the name of the disk depends on the kernel
	disk=/dev/corcache
	[ -b "$disk" ] || disk=/dev/nullb$(cat "$dir/index")
	wait_for 10 "node $disk" test -b "$disk"
	refused_devices "$disk" "$ORIGIN" "zone"
	refused_devices "$CAND" "$disk" "zone"
	untouched
	unharmed
}

# anything in the first or the last MiB that is not ours
refuse_content() {
	local byte

	begin
	for byte in 0 4096 65600 1048575 $((15 * 1048576)) $((16 * 1048576 - 512)) $((16 * 1048576 - 1)); do
		"$IO" flip "$CAND" "$byte" 5
		remember
		refused 128 "zero"
		untouched
		"$IO" flip "$CAND" "$byte" 5
	done
	# between them anything may lie
	"$IO" flip "$CAND" 1048576 5
	"$IO" flip "$CAND" $((15 * 1048576 - 1)) 5
	mkcorcache ok "$CAND" "$ORIGIN" "$LEN" 128
}

# format CAND with these arguments and fill something
formatted() {
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" "$@"
	read_ok "$DEV" 0 256K
	settle was
	dmremove was
	remember
}

refuse_other_parameters() {
	begin
	formatted 128 0 2 origin_id sha256:abc
	refused "256 0 2 origin_id sha256:abc" "region.size.*128" "region.size.*256"
	refused "128 0 4 origin_id sha256:abc block_size 16" "block.size.*[^0-9]8" "block.size.*16"
	LENGTH=16376 refused "128 0 2 origin_id sha256:abc" "length.*16384" "length.*16376"
	refused "128 1 no_checksums 2 origin_id sha256:abc" "checksums"
	refused "128 0 2 origin_id sha256:abd" "sha256:abc" "sha256:abd"
	refused "128" "sha256:abc"
	untouched
	# and against the superblock in use, by the device itself
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 256" "128" "256"
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128 0 2 block_size 16" "16"
	expect_reload_refused run "0 16376 corcache $RUN_CACHE $ORIGIN 128" "16384" "16376"
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128 1 no_checksums" "checksums"
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128 0 2 origin_id other" "other"
	expect_hits run "$RUN" 0 1M
	# what was right is still right
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" 128 0 2 origin_id sha256:abc
	expect_hits was "$DEV" 0 256K
}

refuse_no_checksums_to_checksums() {
	begin
	formatted 128 1 no_checksums
	refused 128 "checksums"
	untouched
	unharmed
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" 128 1 no_checksums
	expect_hits was "$DEV" 0 256K
}

# superblocks with a checksum that fits and values that do not
refuse_superblock() {
	local field value was

	begin
	formatted 128
	cp "$T/cache2" "$T/good"
	while read -r field value; do
		"$IO" super "$CAND" both "$field" "$value"
		remember
		refused 128 "superblock|$value"
		untouched
		cat "$T/good" >"$T/cache2"
		blockdev --flushbufs "$CAND"
	done <<-END
	version 2
	features 0x8001
	cache_sectors 65536
	region_sectors 3
	region_sectors 0
	block_sectors 0
	block_sectors 4096
	nr_slots 4294967295
	nr_slots 0
	table_start 0
	table_start 18446744073709551608
	table_sectors 18446744073709551608
	data_start 9223372036854775808
	data_start 2048
	backup_start 8
	origin_id_bytes 4294967295
	origin_id_bytes 65
	reserved 1
	END
	"$IO" super "$CAND" both version 2
	refused 128 "version.*2"
	"$IO" super "$CAND" both version 1
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" 128
	expect_hits was "$DEV" 0 256K
	was=$(status_get was valid)
	expect "valid blocks" "$was" = 64
}

refuse_shrunk_cache() {
	begin
	formatted 128
	head -c 12M "$T/cache2" >"$T/shrunk"
	mkloop "$T/shrunk" 12M
	CAND=$LOOP
	remember
	refused 128 "32768" "24576"
	untouched
	unharmed
}

run_cases refuse_region_size refuse_block_size refuse_quota refuse_words refuse_devices \
	refuse_self refuse_cache_in_use refuse_readonly_cache refuse_read_write_table \
	refuse_other_targets_in_table refuse_short_origin refuse_small_cache refuse_zoned \
	refuse_content refuse_other_parameters refuse_no_checksums_to_checksums \
	refuse_superblock refuse_shrunk_cache
