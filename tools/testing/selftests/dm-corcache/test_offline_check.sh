#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The check that each case of all tests ends with sees what it is there for: each
# kind of fault is made on purpose, alone, and it is found, and nothing else.
. "$(dirname "$0")/lib.sh"

LEN=16384

# a cache with 1 MiB, and the last block, that is not in use
begin() {
	setup 8 16 128 "$@"
	read_ok "$DEV" 0 1M
	read_ok "$DEV" $(((LEN - 1) * 512)) 512
	settle cc
	dmremove cc
	"$IO" offline "$CACHE" >"$T/good" || fail "before anything is wrong: $(cat "$T/good")"
	expect "what is found" "$(cat "$T/good")" = "checked $CACHE: entries=17 blocks=257"
}

# found KIND NUMBER: so many of it, and nothing else is wrong
found() {
	expect_rc 1 "$IO" offline "$CACHE" >"$T/found"
	expect "what is found" "$(sed -n 's/^checked .* blocks=[0-9]* //p' "$T/found")" = "$1=$2"
	# as it is with a waiver, of that kind and of another
	"$IO" offline "$CACHE" --allow "super,$1" >"$T/found" || fail "allowed: $(cat "$T/found")"
	"$IO" offline "$CACHE" --expect "$1" >"$T/found" || fail "expected: $(cat "$T/found")"
	[ "$1" = table ] || expect_rc 1 "$IO" offline "$CACHE" --allow table >"$T/found"
	# and for the check at the end of this case
	offline_expect "$1"
}

# slot_of REGION
slot_of() { "$IO" dump "$CACHE" | sed -n "s/^entry slot=\([0-9]*\) region=$1 .*/\1/p"; }

forged() { # KIND
	local slot

	begin
	slot=$(slot_of 3)
	"$IO" forge "$CACHE" "$slot" "$1"
	found "$1" 1
}

offline_checksum() { forged checksum; }
offline_content() { forged content; }
offline_entry() { forged entry; }
offline_duplicate() { forged duplicate; }

# rot of the data: neither the checksum nor the content is right
offline_rot() {
	local at

	begin
	at=$("$IO" dump "$CACHE" | sed -n 's/^entry .* region=5 .* data=\([0-9]*\) .*/\1/p')
	"$IO" flip "$CACHE" $((at * 512 + 8192)) 3
	expect_rc 1 "$IO" offline "$CACHE" >"$T/found"
	expect "what is found" "$(sed -n 's/^checked .* blocks=257 //p' "$T/found")" = "checksum=1 content=1"
	expect_rc 1 "$IO" offline "$CACHE" --allow checksum >"$T/found"
	offline_expect checksum content
}

# without checksums the content is what tells
offline_content_without_checksums() {
	local slot

	begin 1 no_checksums
	slot=$(slot_of 16)
	expect "slot of a region that is not cached" "$slot" = ''
	slot=$(slot_of 15)
	"$IO" forge "$CACHE" "$slot" content
	found content 1
}

offline_table() {
	local sector

	begin
	sector=$("$IO" dump "$CACHE" | sed -n 's/^entry .* region=3 .* table_sector=\([0-9]*\) .*/\1/p')
	"$IO" flip "$CACHE" $((sector * 512 + 100)) 2
	found table 1
}

offline_super() {
	begin
	"$IO" flip "$CACHE" 20 1
	found super 1
	# the other copy, with a checksum that fits
	"$IO" flip "$CACHE" 20 1
	"$IO" super "$CACHE" backup origin_id_bytes 1
	found super 1
}

offline_blank() {
	begin
	dd if=/dev/zero of="$CACHE" bs=1M count=1 oflag=direct conv=notrunc status=none
	found blank 1
}

# another image, of the same length
offline_other_origin() {
	begin
	expect_rc 1 "$IO" offline "$CACHE" --shift 512 >"$T/found"
	expect "what is found" "$(sed -n 's/^checked .* blocks=257 //p' "$T/found")" = "content=257"
	# with the origin's own bytes for comparison
	"$IO" offline "$CACHE" --origin "$ORIGIN" >"$T/found" || fail "$(cat "$T/found")"
}

# a cache device that cannot be read is no cache device that is right
offline_unreadable() {
	local size

	begin
	size=$(sectors "$CACHE")
	mkdm broken "0 4096 linear $CACHE 0
4096 8 error
4104 $((size - 4104)) linear $CACHE 4104"
	expect_rc 1 "$IO" offline /dev/mapper/broken >"$T/found" 2>&1
	grep -q ' unreadable=1$' "$T/found" || fail "$(cat "$T/found")"
	expect_rc 70 "$IO" offline "$T/nothing" 2>"$T/err"
}

run_cases offline_checksum offline_content offline_entry offline_duplicate offline_rot \
	offline_content_without_checksums offline_table offline_super offline_blank offline_other_origin \
	offline_unreadable
