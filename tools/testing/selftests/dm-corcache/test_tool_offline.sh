#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The verbs of the tool for cache devices, on devices: what is in use is not wiped, a sector that cannot be read costs
# itself only, and the scrub of a device in use finds what has rotted, heals it, and raises no false alarm.
# timeout=900
. "$(dirname "$0")/lib.sh"


need_tool() { [ -x "$TOOL" ] || skip "the tool is not built"; }

# ends STATUS WORD...: it ends with that status; output in $T/out and $T/err
ends() {
	local want=$1 rc=0
	shift
	timeout $((200 * SCALE)) "$TOOL" "$@" >"$T/out" 2>"$T/err" || rc=$?
	[ "$rc" = "$want" ] || fail "corcache $*: status $rc, expected $want: $(cat "$T/out" "$T/err")"
}

# said FILE REGEX
said() { grep -qE -- "$2" "$T/$1" || fail "no line '$2': $(cat "$T/out" "$T/err")"; }

# never_wiped DEVICE REGEX: not with --force either, and why
never_wiped() {
	local option
	for option in --force --discard; do
		ends 5 wipe "$option" "$1"
		said err "$2"
	done
}

# slot_sector REGION: where on CACHE its data begins
slot_sector() {
	"$TOOL" dump --json --entries "$CACHE" 2>/dev/null |
		python3 -c "import json, sys
print(*(e['data_sector'] for e in json.load(sys.stdin)['entries'] if e['region'] == $1))"
}

# rot REGION BYTE: one bit
rot() {
	local at
	at=$(slot_sector "$1")
	[ -n "$at" ] || fail "region $1 has no slot"
	"$IO" flip "$CACHE" $((at * 512 + $2)) 3
}

# number KEY: of the JSON in $T/out
number() { python3 -c "import json, sys; print(json.load(open('$T/out'))['$1'])"; }

wipe_refuses_what_is_in_use() {
	local swap
	need_tool
	setup 8 16 128
	read_ok "$DEV" 0 1M
	settle cc
	never_wiped "$CACHE" "in use by the corcache device cc: 'corcache remove cc' first"
	never_wiped "$CACHE_FILE" "attached to $CACHE"
	ends 5 verify "$CACHE"
	said err "'corcache verify cc'"
	ends 8 check "$CACHE"
	ends 0 dump "$CACHE"
	said err "its table changes"
	expect_hits cc "$DEV" 0 1M
	# the superblock of the device in use was not touched
	dmremove cc
	ends 0 check --blocks "$CACHE"

	mkloop "$T/fs" 32M
	mkfs.ext4 -q -F "$LOOP"
	mkdir "$T/mnt"
	mount "$LOOP" "$T/mnt"
	( never_wiped "$LOOP" "mounted on $T/mnt" ) || { umount "$T/mnt"; fail "mounted"; }
	umount "$T/mnt"
	mkdm plain "0 65536 linear $LOOP 0"
	never_wiped "$LOOP" "held by plain"
	dmremove plain
	mkswap "$LOOP" >/dev/null 2>&1
	swapon "$LOOP" || skip "no swap here"
	swap=0
	( never_wiped "$LOOP" "used as swap" ) || swap=1
	swapoff "$LOOP"
	[ "$swap" = 0 ] || fail "swap"
	ends 4 wipe "$LOOP"
	said err 'holds swap'
	# its content is what it was
	blkid -p "$LOOP" | has_line 'TYPE="swap"' || fail "the swap area is damaged"
	mkloop "$T/readonly" 32M -r
	ends 4 wipe --force "$LOOP"
	said err 'read-only'
}

# a partition that is mounted holds its disk
wipe_refuses_a_disk_with_a_mounted_partition() {
	local bad=0
	need_tool
	mkloop "$T/disk" 64M -P
	addpart "$LOOP" 1 2048 65536 || skip "this kernel makes no partitions on loop devices"
	wait_for 20 "the partition" test -b "${LOOP}p1"
	mkfs.ext4 -q -F "${LOOP}p1"
	mkdir "$T/mnt"
	mount "${LOOP}p1" "$T/mnt"
	( never_wiped "$LOOP" "mounted on $T/mnt" && never_wiped "${LOOP}p1" "mounted on $T/mnt" ) || bad=1
	umount "$T/mnt"
	[ "$bad" = 0 ] || fail "mounted partition"
	mkdm plain "0 1024 linear ${LOOP}p1 0"
	never_wiped "$LOOP" "held by plain"
}

# what was wiped can be formatted, for another image and with another geometry
wipe_for_another_image() {
	need_tool
	setup 8 16 128 0 2 origin_id first
	read_ok "$DEV" 0 1M
	settle cc
	dmremove cc
	ends 0 wipe --discard "$CACHE"
	said out 'wiped, was a corcache cache device .*origin id first'
	ends 8 check "$CACHE"
	mkcorcache cc "$CACHE" "$ORIGIN" 16384 64 0 2 origin_id second
	expect_status cc used = 0
	read_ok "$DEV" 0 1M
	settle cc
	dmremove cc
	ends 0 check --blocks "$CACHE"
}

# one sector of the table and one of the data cannot be read: nothing else is lost
one_sector_cannot_be_read() {
	local size table data
	need_tool
	setup 8 16 128
	read_ok "$DEV" 0 4M
	settle cc
	dmremove cc
	size=$(sectors "$CACHE")
	table=2051
	data=$(($(slot_sector 40) + 9))
	mkdm broken "0 $table linear $CACHE 0
$table 1 error
$((table + 1)) $((data - table - 1)) linear $CACHE $((table + 1))
$data 1 error
$((data + 1)) $((size - data - 1)) linear $CACHE $((data + 1))"
	ends 0 dump --json /dev/mapper/broken
	python3 - "$T/out" <<-END
		import json, sys
		dump = json.load(open(sys.argv[1]))
		assert dump["counts"]["unreadable_sectors"] == 1, dump["counts"]
		assert dump["damage"] == [{"kind": "unreadable", "table_sector": 3, "slot": 18}], dump["damage"]
		assert dump["counts"]["used_slots"] == 64 - 6, dump["counts"]
	END
	ends 4 check /dev/mapper/broken
	said out 'table sector 3 \(slots from 18 on\) cannot be read'
	said out ' 1 errors$'
	ends 4 verify --json /dev/mapper/broken
	expect "unreadable blocks" "$(number unreadable_blocks)" = 1
	expect "wrong blocks" "$(number wrong_blocks)" = 0
	expect "blocks" "$(number blocks)" = $((58 * 16 - 1))
	dmremove broken
}

verify_with_the_origin() {
	need_tool
	setup 8 16 128
	read_ok "$DEV" 0 4M
	settle cc
	ends 0 verify cc --origin "$ORIGIN"
	dmremove cc
	ends 0 verify "$CACHE" --origin "$ORIGIN" --json
	expect "bytes" "$(number bytes)" = $((4 << 20))
	"$IO" forge "$CACHE" 3 content
	ends 0 verify "$CACHE"
	ends 4 verify "$CACHE" --origin "$ORIGIN" --json
	expect "wrong blocks" "$(number wrong_blocks)" = 1
	offline_expect content
	# an origin that fails: what could not be compared is told
	remote_errors origin on
	ends 4 verify "$CACHE" --origin "$ORIGIN" --json
	expect "wrong blocks" "$(number wrong_blocks)" = 0
	expect "blocks not compared" "$(number origin_errors)" = 1024
}

# slots are emptied and used again all the time, and table sectors are written, while it is read
no_false_alarm_under_load() {
	local n
	need_tool
	setup 16 16 128 0 4 quota 8192 commit_interval 5
	load reader "$DEV" --pause 0 --threads 2
	for ((n = 0; n < 8; n++)); do
		ends 0 verify cc --json
		expect "wrong blocks" "$(number wrong_blocks)" = 0
		expect "damage" "$(number damaged_table)" = 0
		message cc evict "$((n * 1024))" 4096
	done
	note "$(cat "$T/out")"
	expect_status cc evictions -gt 0
	expect_load reader
	job_stop reader
	expect_status cc checksum_errors = 0
}

# in a part that the load does not read; nothing but a second reading by the device heals it
rot_is_found_and_healed_under_load() {
	local errors
	need_tool
	setup 16 32 128
	read_ok "$DEV" 0 16M
	settle cc
	message cc commit
	load reader "$DEV" --start 8M --length 8M
	ends 0 verify cc
	rot 5 $((3 * 4096 + 17))
	rot 9 0
	rot 9 65535
	ends 4 verify cc --json
	expect "wrong blocks" "$(number wrong_blocks)" = 3
	python3 - "$T/out" <<-END
		import json, sys
		where = sorted(fault["origin_sector"] for fault in json.load(open(sys.argv[1]))["faults"])
		assert where == [5 * 128 + 24, 9 * 128, 9 * 128 + 120], where
	END
	# to look at it has changed nothing
	expect_status cc checksum_errors = 0
	ends 4 verify cc
	said out '^checksum: origin sector 664, 8 sectors '
	ends 0 verify cc --heal --json
	expect "healed" "$(number healed_blocks)" = 3
	expect "wrong blocks" "$(number wrong_blocks)" = 3
	expect_status cc checksum_errors = 3
	settle cc
	message cc commit
	ends 0 verify cc --origin "$ORIGIN" --json
	expect "wrong blocks" "$(number wrong_blocks)" = 0
	errors=$(status_get cc checksum_errors)
	expect_load reader
	job_stop reader
	expect_hits cc "$DEV" 0 16M
	expect_status cc checksum_errors = "$errors"
	expect_status cc mode = active
}

# an origin that is gone heals nothing, and that is told
no_healing_without_the_origin() {
	need_tool
	setup 8 16 128
	read_ok "$DEV" 0 2M
	settle cc
	message cc commit
	rot 2 4096
	checked cc
	remote_errors origin on
	ends 4 verify cc --heal
	said err 'could not be read through cc'
	said out '1 wrong'
	remote_errors origin off
	read_ok "$DEV" 0 2M
	settle cc
	message cc commit
	ends 0 verify cc
}

bad_names() {
	need_tool
	ends 4 verify no-such-device
	mkdm plain "0 8192 error"
	ends 4 verify plain
	said err "'plain' is no corcache device: its target is 'error'"
	ends 1 verify --heal /dev/mapper/plain
}

run_cases wipe_refuses_what_is_in_use wipe_refuses_a_disk_with_a_mounted_partition wipe_for_another_image \
	one_sector_cannot_be_read verify_with_the_origin no_false_alarm_under_load rot_is_found_and_healed_under_load \
	no_healing_without_the_origin bad_names
