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
# timeout=1200
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
		refused "$size" "region size $size "
	done
	# 128 blocks of 8 sectors
	refused "1024" "block_size 8 .*region size 1024"
	refused "8192 0 2 block_size 64" "block_size 64 .*region size 8192"
	untouched
	unharmed
}

refuse_block_size() {
	local size

	begin
	for size in 0 4 12 256 -8 8k; do
		refused "128 0 2 block_size $size" "block_size $size "
	done
	untouched
	unharmed
}

refuse_quota() {
	local size

	begin
	# 127: less than one region is nothing
	for size in 0 127 -1 99999999 99999999999999999999 1M; do
		refused "128 0 2 quota $size" "quota $size "
	done
	# as much as there is, and not a sector or a region more
	size=$(($(status_get run total) * 128))
	refused "128 0 2 quota $((size + 1))" "quota $((size + 1)) .*[^0-9]$size "
	refused "128 0 2 quota $((size + 128))" "quota $((size + 128)) .*[^0-9]$size "
	untouched
	mkcorcache all "$CAND" "$ORIGIN" "$LEN" 128 0 2 quota "$size"
	expect_status all quota = $((size / 128))
	unharmed
}

refuse_words() {
	begin
	refused "" "2 words are too few"
	refused "128 x" "feature args x "
	refused "128 1" "feature args 1 "
	refused "128 1 fast" "feature fast "
	refused "128 2 no_checksums" "feature args 2 "
	refused "128 2 no_checksums no_checksums" "no_checksums .*twice"
	refused "128 1 NO_CHECKSUMS" "feature NO_CHECKSUMS .*unknown"
	refused "128 0 1 quota" "core args 1 "
	refused "128 0 2 speed 9" "core arg speed "
	refused "128 0 4 block_size 8 block_size 8" "block_size .*twice"
	refused "128 0 2 block_size 8 surplus" "word surplus "
	refused "128 0 0 surplus" "word surplus "
	refused "128 0 -2 quota 128" "core args -2 "
	refused "128 0 99 quota 128" "core args 99 "
	refused "128 0 2 policy lru" "policy lru "
	refused "128 0 2 policy Adaptive" "policy Adaptive is unknown, known: adaptive, stop"
	refused "128 0 2 commit_interval 0" "commit_interval 0 "
	refused "128 0 2 commit_interval soon" "commit_interval soon "
	refused "128 0 2 commit_interval 99999999999" "commit_interval 99999999999 "
	refused "128 0 2 max_errors -1" "max_errors -1 "
	refused "128 0 2 max_errors some" "max_errors some "
	refused "128 0 2 origin_id a,b" "origin_id a,b "
	refused "128 0 2 origin_id $(printf '%0129d' 7)" "origin_id 00000000.* 129 "
	untouched
	unharmed
}

refuse_devices() {
	local part

	begin
	refused_devices /dev/nonexistent "$ORIGIN" "cache device /dev/nonexistent"
	refused_devices "$CAND" /dev/nonexistent "origin device /dev/nonexistent"
	refused_devices "$CAND" "$CAND" "same device.* $(mountpoint -x "$CAND")"
	refused_devices "$ORIGIN" "$ORIGIN" "same device.* $(mountpoint -x "$ORIGIN")"
	# A disk and its own partition, both ways round.  The kernel's claims see to
	# it before the target can: -16 is EBUSY.
	mkloop "$T/disk" 32M -P
	addpart "$LOOP" 1 2048 32768
	part=${LOOP}p1
	wait_for 10 "node $part" test -b "$part"
	refused_devices "$part" "$LOOP" "own partition|device $LOOP: error -16"
	refused_devices "$LOOP" "$part" "own partition|device $part: error -16"
	delpart "$LOOP" 1
	expect "bytes written to the disk" "$(tr -d '\0' <"$T/disk" | wc -c)" = 0
	untouched
	unharmed
}

refuse_self() {
	begin
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $RUN 128" "origin $(mountpoint -x "$RUN") .*very device"
	expect_reload_refused run "0 $LEN corcache $RUN $ORIGIN 128" "cache $(mountpoint -x "$RUN") .*very device"
	expect_hits run "$RUN" 0 1M
	unharmed
}

# a cache belongs to one mapped device
refuse_cache_in_use() {
	begin
	refused_devices "$RUN_CACHE" "$ORIGIN" "cache device $(mountpoint -x "$RUN_CACHE") is in use"
	# nor can it be somebody else's, of another kind
	mkcache 16
	mkdm holder "0 32768 linear $CACHE 0"
	refused_devices "$CACHE" "$ORIGIN" "cache device $(mountpoint -x "$CACHE") is in use"
	expect "bytes written to it" "$(tr -d '\0' <"$CACHE_FILE" | wc -c)" = 0
	# the origin can be shared: that is what it is for
	mkcorcache other "$CAND" "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 1M
	expect_hits run "$RUN" 0 1M
	unharmed
}

refuse_readonly_cache() {
	begin
	blockdev --setro "$CAND"
	refused "128" "cache device $(mountpoint -x "$CAND") is read-only"
	blockdev --setrw "$CAND"
	mkcache 16 --read-only
	refused_devices "$CACHE" "$ORIGIN" "cache device $(mountpoint -x "$CACHE") is read-only"
	untouched
	unharmed
}

refuse_read_write_table() {
	begin
	RELOAD_MODE=rw refused 128 "writable.*read-only"
	RELOAD_MODE=rw expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128" "writable.*read-only"
	# what is written all the same is stopped by the block layer, as a rule
	expect_rc 1 dd if=/dev/zero of="$RUN" bs=4096 count=1 oflag=direct status=none 2>"$T/err"
	blockdev --setrw "$RUN" 2>"$T/err" || note "BLKROSET: $(cat "$T/err")"
	expect_rc 1 dd if=/dev/zero of="$RUN" bs=4096 count=1 oflag=direct status=none 2>"$T/err"
	expect_rc 1 blkdiscard -f -o 0 -l 65536 "$RUN" 2>"$T/err"
	# A device that is stacked on top is writable.  What it sends down reaches
	# the target, which fails it, and goes on.
	mkdm top "0 $LEN linear $RUN 0"
	expect "read-only" "$(blockdev --getro /dev/mapper/top)" = 0
	expect_rc 1 dd if=/dev/zero of=/dev/mapper/top bs=4096 count=1 seek=3 oflag=direct status=none 2>"$T/err"
	grep -qi "input/output error" "$T/err" || fail "$(cat "$T/err")"
	# where nothing is cached
	expect_rc 1 dd if=/dev/zero of=/dev/mapper/top bs=65536 count=1 seek=64 oflag=direct status=none 2>"$T/err"
	grep -qi "input/output error" "$T/err" || fail "$(cat "$T/err")"
	# -f: without it what is there would be read
	expect_rc 1 blkdiscard -f -z -o 0 -l 65536 /dev/mapper/top 2>"$T/err"
	grep -qi "input/output error" "$T/err" || fail "$(cat "$T/err")"
	untouched
	unharmed
	read_ok /dev/mapper/top
}

# a table that device-mapper itself refuses
refused_by_dm() {
	record dm "several$((SEVERAL = ${SEVERAL:-0} + 1))"
	dmsetup create "several$SEVERAL" --notable
	st_try_load "several$SEVERAL" "$1"
	expect_log "must appear alone in table"
	st_say_refused "$1"
	expect "tables" "$(dmsetup info -c --noheadings -o tables_loaded "several$SEVERAL")" = None
}

refuse_other_targets_in_table() {
	local table

	begin
	table="0 $LEN corcache $CAND $ORIGIN 128"
	refused_by_dm "$table
$LEN 8 error"
	mkcache 16
	refused_by_dm "$table
$LEN $LEN corcache $CACHE $ORIGIN 128"
	refused_by_dm "0 8 error
8 $LEN corcache $CAND $ORIGIN 128"
	untouched
	unharmed
}

refuse_short_origin() {
	begin
	LENGTH=16385 refused 128 "origin device $(mountpoint -x "$ORIGIN") has 16384 sectors.* 16385"
	LENGTH=9999999999 refused 128 "has 16384 sectors.* 9999999999"
	untouched
	unharmed
}

# A running device is told so at the load: device-mapper itself would find out in
# the middle of the resume, and leave it suspended, without its old table.
refuse_origin_sectors() {
	local image

	begin
	mkloop "$T/image" 8M -b 4096
	image=$LOOP
	LENGTH=$((LEN - 1)) ORIGIN=$image refused 128 "length $((LEN - 1)) .*multiple of the 8 sectors"
	mkcache 16
	mkcorcache odd "$CACHE" "$ORIGIN" $((LEN - 1)) 128
	read_ok /dev/mapper/odd 0 1M
	expect_reload_refused odd "0 $((LEN - 1)) corcache $CACHE $image 128" \
		"length $((LEN - 1)) .*multiple of the 8 sectors"
	dmsetup suspend odd
	dmsetup resume odd
	expect_hits odd /dev/mapper/odd 0 1M
	untouched
	unharmed
}

refuse_small_cache() {
	local kib

	begin
	for kib in 4 1024 2048 3072; do
		mkloop "$T/small$kib" "${kib}K"
		refused_devices "$LOOP" "$ORIGIN" "[^0-9]$((kib * 2)) sectors"
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
	refused_devices "$disk" "$ORIGIN" "cache device $(mountpoint -x "$disk") is zoned"
	refused_devices "$CAND" "$disk" "origin device $(mountpoint -x "$disk") is zoned"
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
		refused 128 "sector $((byte / 512))[^0-9].*zero its first and last MiB"
		untouched
		"$IO" flip "$CAND" "$byte" 5
	done
	# between them anything may lie
	"$IO" flip "$CAND" 1048576 5
	"$IO" flip "$CAND" $((15 * 1048576 - 1)) 5
	mkcorcache ok "$CAND" "$ORIGIN" "$LEN" 128
	unharmed
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
	refused "256 0 2 origin_id sha256:abc" "region size .*[^0-9]128 .*[^0-9]256"
	refused "128 0 4 origin_id sha256:abc block_size 16" "block_size .*[^0-9]8 .*[^0-9]16"
	LENGTH=16376 refused "128 0 2 origin_id sha256:abc" "length .*16384 .*16376"
	refused "128 1 no_checksums 2 origin_id sha256:abc" "with checksums.*with no_checksums"
	refused "128 0 2 origin_id sha256:abd" "origin_id .*sha256:abc.*sha256:abd"
	refused "128" "origin_id .*sha256:abc.*none"
	untouched
	# and against the superblock in use, by the device itself
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 256" "region size .*[^0-9]128 .*[^0-9]256"
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128 0 2 block_size 16" "block_size .*[^0-9]8 .*[^0-9]16"
	expect_reload_refused run "0 16376 corcache $RUN_CACHE $ORIGIN 128" "length .*16384 .*16376"
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128 1 no_checksums" "with checksums.*with no_checksums"
	expect_reload_refused run "0 $LEN corcache $RUN_CACHE $ORIGIN 128 0 2 origin_id other" "origin_id .*none.*other"
	unharmed
	# what was right is still right
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" 128 0 2 origin_id sha256:abc
	expect_hits was "$DEV" 0 256K
}

refuse_no_checksums_to_checksums() {
	begin
	formatted 128 1 no_checksums
	refused 128 "with no_checksums.*with checksums"
	untouched
	unharmed
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" 128 1 no_checksums
	expect_hits was "$DEV" 0 256K
}

# superblocks with a checksum that fits and values that do not
refuse_superblock() {
	local field value regex was

	begin
	formatted 128
	cp "$T/cache2" "$T/good"
	while read -r field value regex; do
		"$IO" super "$CAND" both "$field" "$value"
		remember
		refused 128 "superblock: .*$regex"
		untouched
		cat "$T/good" >"$T/cache2"
		blockdev --flushbufs "$CAND"
	done <<-END
	version 2 version is 2, .*only 1
	incompat 0x8001 incompatible features 0x8000
	cache_sectors 65536 nr_slots is 208, must be 464
	region_sectors 3 region size 3
	region_sectors 0 region size 0
	block_sectors 0 block_size 0
	block_sectors 4096 block_size 4096 .*128
	nr_slots 4294967295 nr_slots is 4294967295, must be 208
	nr_slots 0 nr_slots is 0, must be 208
	table_start 0 table_start is 0, must be 2048
	table_start 18446744073709551608 table_start is 18446744073709551608, must be 2048
	table_sectors 18446744073709551608 table_sectors is 18446744073709551608, must be 40
	data_start 9223372036854775808 data_start is 9223372036854775808, must be 4096
	data_start 2048 data_start is 2048, must be 4096
	backup_start 8 backup_start is 8, must be 32760
	origin_id_bytes 4294967295 origin_id of 4294967295 bytes, .*128
	origin_id_bytes 129 origin_id of 129 bytes, .*128
	reserved 1 reserved bytes
	END
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" 128
	expect_hits was "$DEV" 0 256K
	was=$(status_get was valid)
	expect "valid blocks" "$was" = 64
	unharmed
}

refuse_shrunk_cache() {
	begin
	formatted 128
	head -c 12M "$T/cache2" >"$T/shrunk"
	mkloop "$T/shrunk" 12M
	CAND=$LOOP
	remember
	refused 128 "has 24576 sectors.* 32768"
	untouched
	unharmed
}

# resume_refused REGEX: what was fine when the table was loaded is not any more;
# nothing is written
resume_refused() {
	remember
	log_mark
	expect_rc 1 timeout $((20 * SCALE)) dmsetup resume late 2>"$T/err"
	expect_log "corcache: .*$1"
	st_say_refused "at resume"
	expect_status late mode = bypass
	expect_status late reason = unloaded
	untouched
	dmremove late
}
load_late() {
	record dm late
	dmsetup create late --notable
	dmsetup reload late --readonly --table "0 $LEN corcache $CAND $ORIGIN 128"
}

# the device is looked at again when it is activated
refuse_at_resume() {
	begin
	load_late
	"$IO" flip "$CAND" 70000 5
	resume_refused "cannot activate: .*sector 136[^0-9].*zero its first and last MiB"
	"$IO" flip "$CAND" 70000 5
	formatted 128
	load_late
	"$IO" super "$CAND" both version 2
	resume_refused "cannot activate: .*version is 2, .*only 1"
	"$IO" super "$CAND" both version 1
	load_late
	"$IO" super "$CAND" both target_sectors 16376
	resume_refused "cannot activate: .*length .*16376 .*16384"
	"$IO" super "$CAND" both target_sectors 16384
	mkcorcache was "$CAND" "$ORIGIN" "$LEN" 128
	expect_hits was "$DEV" 0 256K
	unharmed
}

run_cases refuse_region_size refuse_block_size refuse_quota refuse_words refuse_devices \
	refuse_self refuse_cache_in_use refuse_readonly_cache refuse_read_write_table \
	refuse_other_targets_in_table refuse_short_origin refuse_origin_sectors refuse_small_cache refuse_zoned \
	refuse_content refuse_other_parameters refuse_no_checksums_to_checksums \
	refuse_superblock refuse_shrunk_cache refuse_at_resume
