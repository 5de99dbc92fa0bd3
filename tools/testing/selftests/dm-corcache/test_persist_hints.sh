#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hints beside the entries of the region table: they outlive a restart, whatever
# they are does no harm, what is not known in them is kept, and none of them is
# reason enough for a commit.
. "$(dirname "$0")/lib.sh"

LEN=16384
KEPT=$((0x7f000000))

# 6 MiB cached, in the first two groups of eight table sectors, and committed
begin() {
	setup 8 16 128 0 2 commit_interval 50
	read_ok "$DEV" 0 6M
	settle cc
	message cc commit
	# the second region that comes later gets a slot in the third group
	expect_status cc used = 96
}
restart() { mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128 0 2 commit_interval 50; }

# hint_of REGION: as it is on the device
hint_of() { echo $((16#$("$IO" dump "$CACHE" | sed -n "s/^entry .* region=$1 .* hint=\([0-9a-f]*\)$/\1/p"))); }
slot_of() { "$IO" dump "$CACHE" | sed -n "s/^entry slot=\([0-9]*\) region=$1 .*/\1/p"; }
# set_hint REGION HINT: of a cache that is not in use
set_hint() { "$IO" forge "$CACHE" "$(slot_of "$1")" "hint=$2"; }

# what the policy knows is there after a restart, and not lost by one that knows less
hints_survive() {
	local first n

	begin
	first=$(hint_of 3)
	expect "hint" "$first" != 0
	expect "bits that are nobody's" $((first & KEPT)) = 0
	dmremove cc
	"$IO" dump "$CACHE" >"$T/dump"
	expect "entries" "$(grep -c '^entry ' "$T/dump")" = 96
	expect "entries without a hint" "$(grep -c ' hint=0$' "$T/dump" || true)" = 0
	for n in 1 2 3; do
		restart
		dmremove cc
	done
	expect "history after three restarts" $(($(hint_of 3) & 255)) = $((first & 255))
	restart
	expect_hits cc "$DEV" 0 6M
}

# no value of a hint is wrong
hints_of_any_value() {
	local hint n

	begin
	dmremove cc
	n=0
	for hint in 0xffffffff 0x00ffffff 0x80000000 0x00000001 0x7f0000ff 0x00003fff 0x0000ff00 0; do
		set_hint "$n" "$hint"
		n=$((n + 1))
	done
	for n in 8 9 10 11 12 13 14 15; do
		set_hint "$n" $((RANDOM << 17 ^ RANDOM << 8 ^ RANDOM))
	done
	restart
	expect_status cc used = 96
	expect_status cc checksum_errors = 0
	expect_hits cc "$DEV" 0 6M
	read_ok "$DEV"
	settle cc
	message cc evict 0 2048
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# what a later version may keep there stays while the region does, and ends with it
hints_unknown_are_kept() {
	begin
	dmremove cc
	set_hint 2 0x2a000000
	set_hint 3 0x55000000
	restart
	# another region of the same table sector, and a block of one of them
	message cc evict 128 128
	message cc evict 384 8
	expect "bits of region 2" $(($(hint_of 2) & KEPT)) = $((0x2a000000))
	expect "bits of region 3" $(($(hint_of 3) & KEPT)) = $((0x55000000))
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	expect "bits of region 3" $(($(hint_of 3) & KEPT)) = $((0x55000000))
	# a reload that lets another policy begin
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128 0 2 policy stop"
	dmsetup suspend cc
	dmsetup resume cc
	dmremove cc
	restart
	message cc evict 128 128
	expect "bits of region 2" $(($(hint_of 2) & KEPT)) = $((0x2a000000))
	message cc evict 256 128
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	expect "bits of region 2, which was evicted" $(($(hint_of 2) & KEPT)) = 0
	expect "bits of region 3" $(($(hint_of 3) & KEPT)) = $((0x55000000))
	expect_hits cc "$DEV" 0 6M
}

# written_sectors: what the cache device was given to write
written_sectors() { awk '{ print $7 }' "/sys/block/${CACHE##*/}/stat"; }

# a hint alone: no commit; beside a commit, and at the last one, it is written
hints_cost_no_commit() {
	local before

	begin
	dmremove cc
	set_hint 3 0
	restart
	before=$(written_sectors)
	expect_hits cc "$DEV" 0 6M
	# six intervals
	sleep 0.3
	expect_status cc commits = 0
	expect "sectors written" "$(written_sectors)" = "$before"
	expect "hint" "$(hint_of 3)" = 0
	# a commit for something else, in the third group
	read_ok "$DEV" 6M 128K
	settle cc
	wait_for 10 "a commit" commits_beyond 0
	message cc commit
	expect "hint" "$(hint_of 3)" != 0
	expect "regions" "$(slot_of 97)" -ge 96
	dmremove cc

	set_hint 3 0
	restart
	dmremove cc
	expect "hint after the last commit" "$(hint_of 3)" != 0

	# a suspend lets the cache go as well, until it is resumed
	set_hint 3 0
	restart
	dmsetup suspend cc
	expect "hint after a suspend" "$(hint_of 3)" != 0
	dmsetup resume cc
	expect_hits cc "$DEV" 0 6M
	read_ok "$DEV"
}
commits_beyond() { [ "$(status_get cc commits)" -gt "$1" ]; }

# without a policy that knows anything there are none, and nothing is written for them
hints_of_stop() {
	local before

	setup 8 16 128 0 4 policy stop commit_interval 50
	read_ok "$DEV" 0 6M
	settle cc
	message cc commit
	expect "hint" "$(hint_of 3)" = 0
	before=$(written_sectors)
	dmremove cc
	expect "sectors written" "$(written_sectors)" = "$before"
}

run_cases hints_survive hints_of_any_value hints_unknown_are_kept hints_cost_no_commit hints_of_stop
