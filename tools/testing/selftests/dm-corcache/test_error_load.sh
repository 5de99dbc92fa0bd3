#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A region table that cannot be read is given up in time: a read that fails may take
# its driver minutes, so there are few of them.  They are counted.
. "$(dirname "$0")/lib.sh"

LEN=65536	# 32 MiB in regions of 4 KiB: 8192 slots, some hundred table sectors

# layout: of the cache device; sets TABLE and TABLE_END, in sectors
layout() {
	local dump

	dump=$("$IO" dump "$CACHE")
	TABLE=$(sed -n 's/^super copy=main .* table_start=\([0-9]*\) .*/\1/p' <<<"$dump")
	TABLE_END=$((TABLE + $(sed -n 's/^super copy=main .* table_sectors=\([0-9]*\) .*/\1/p' <<<"$dump")))
	expect "table sectors" $((TABLE_END - TABLE)) -gt 300
}

# bad_from SECTOR: the cache device errs from there to the end of the table.  What goes
# to an error target is not counted; what goes to a linear one above it is.
bad_from() {
	local all

	all=$(sectors "$CACHE")
	reload_dm below "0 $1 linear $CACHE 0
		$1 $((TABLE_END - $1)) linear /dev/mapper/bad 0
		$TABLE_END $((all - TABLE_END)) linear $CACHE $TABLE_END"
}
all_good() { reload_dm below "0 $(sectors "$CACHE") linear $CACHE 0"; }

# reads that the cache device was asked for, with those that failed
reads_below() {
	local reads

	read -r reads _ <"/sys/block/$(dmsetup info -c --noheadings -o blkdevname below)/stat"
	echo "$reads"
}

# begin [core args]: 4 MiB cached, committed, not in use
begin() {
	remote_start origin 32M
	mkcache 40
	mkdm bad "0 65536 error"
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 8 "$@"
	read_ok "$DEV" 0 4M --bs 64K
	settle cc
	message cc commit
	layout
}

# expect_few_reads BEFORE MOST
expect_few_reads() {
	local now

	now=$(reads_below)
	note "reads: $((now - $1))"
	expect "reads of the cache device" $((now - $1)) -le "$2"
}

# what comes before is warm, the rest is cold
load_the_first_part() {
	local before

	begin
	dmremove cc
	bad_from $((TABLE + 40))
	before=$(reads_below)
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 8
	# the superblock, one large read, 40 that are good, and a hundred that are not
	expect_few_reads "$before" 150
	expect_status cc cache_errors -le 101
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	dmremove cc
	all_good
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 8
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# max_errors bounds it; 0 does not mean without end
load_max_errors() {
	local before

	begin
	dmremove cc
	bad_from $((TABLE + 40))
	before=$(reads_below)
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 8 0 2 max_errors 20
	expect_few_reads "$before" 70
	expect_hits cc "$DEV" 0 1M
	dmremove cc
	before=$(reads_below)
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 8 0 2 max_errors 0
	expect_few_reads "$before" 150
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	dmremove cc
	all_good
}

# nothing at all can be read: refused, or, if it has served before, bypassed
load_nothing() {
	local before rc=0

	begin 0 2 max_errors 1
	# it is given up, and loaded anew when it is resumed
	reload_dm below "0 $(sectors "$CACHE") error"
	read_ok "$DEV" 0 64K
	wait_for 30 "bypass mode" status_is cc mode bypass
	bad_from "$TABLE"
	before=$(reads_below)
	dmsetup suspend cc
	dmsetup resume cc
	expect_few_reads "$before" 110
	expect_status cc mode = bypass
	read_ok "$DEV"
	dmremove cc
	before=$(reads_below)
	log_mark
	dmsetup create cc --readonly --table "0 $LEN corcache /dev/mapper/below $ORIGIN 8" 2>"$T/err" || rc=$?
	expect "exit status" "$rc" != 0
	expect_log "corcache: .*cannot activate: cannot read the region table"
	expect_few_reads "$before" 115
	dmsetup remove cc 2>/dev/null || true
	all_good
}

run_cases load_the_first_part load_max_errors load_nothing
