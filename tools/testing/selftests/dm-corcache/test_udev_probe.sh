#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_udev_probe - a cache device that is not in use is shown as what it is, and nothing else is looked at for it.
# timeout=300

. "$(dirname "$0")/lib.sh"
. "$ST_HERE/udev.sh"

TOOL=$CORCACHE_BUILD/corcache/corcache

# Both rules; the tool is called through a script that writes down for which device.
with_rules() {
	[ -x "$TOOL" ] || skip "the tool is not built"
	cat >"$T/probe" <<-END
		#!/bin/sh
		echo "\$*" >>"$T/calls"
		exec "$TOOL" "\$@"
	END
	chmod +x "$T/probe"
	: >"$T/calls"
	use_rule dm-corcache.rules 58-dm-corcache.rules
	use_rule dm-corcache-probe.rules 61-dm-corcache-probe.rules -e "s|/usr/sbin/corcache|$T/probe|"
}

# expect_calls NUMBER [DEVICE]: since the last time that this was asked
expect_calls() {
	local n
	n=$(grep -c "^probe --export ${2:-/dev/}" "$T/calls") || true
	expect "calls of the tool: $(cat "$T/calls")" "$n" = "$1"
	: >"$T/calls"
}

# A cache device with content that is not in use.
inactive() {
	remote_start origin $((16 << 20))
	mkcache 32
	mkcorcache cc "$CACHE" "$ORIGIN" $((16 << 11)) 128 0 2 origin_id image:1
	settle_udev
	read_ok "$DEV" 0 1M
	settle cc
	: >"$T/calls"
	trigger change "$CACHE"
	expect_property "$CACHE" ID_FS_TYPE corcache_member
	expect_calls 0
	dmremove cc
	settle_udev
	: >"$T/calls"
}

uuid_of() { "$TOOL" dump "$1" | sed -n 's/^id: *//p'; }

is_shown() { # DEVICE
	local uuid
	uuid=$(uuid_of "$1")
	[ -n "$uuid" ] || fail "no id of $1"
	expect_property "$1" ID_FS_TYPE corcache
	expect_property "$1" ID_FS_USAGE other
	expect_property "$1" ID_FS_UUID "$uuid"
	expect_property "$1" ID_CORCACHE_UUID "$uuid"
	expect_property "$1" ID_CORCACHE_ORIGIN_ID image:1
	expect "lsblk" "$(lsblk -dno FSTYPE,UUID "$1" | tr -s ' ')" = "corcache $uuid"
	expect "by-uuid" "$(sysname "/dev/disk/by-uuid/$uuid")" = "$(sysname "$1")"
}

inactive_cache_is_shown() {
	with_rules
	inactive
	trigger change "$CACHE"
	expect_calls 1 "$CACHE"
	is_shown "$CACHE"
	trigger add "$CACHE"
	expect_calls 1 "$CACHE"
	is_shown "$CACHE"
}

# in use again, wiped, and put to another use: what is shown is what is there
shown_as_long_as_it_is_there() {
	with_rules
	inactive
	trigger change "$CACHE"
	is_shown "$CACHE"
	mkcorcache cc "$CACHE" "$ORIGIN" $((16 << 11)) 128 0 2 origin_id image:1
	settle_udev
	expect_property "$CACHE" ID_FS_TYPE corcache_member
	dmremove cc
	offline_now "$CACHE"
	"$TOOL" wipe "$CACHE"
	trigger change "$CACHE"
	expect_property "$CACHE" ID_FS_TYPE ''
	mkfs.ext4 -q -F "$CACHE"
	trigger change "$CACHE"
	expect_property "$CACHE" ID_FS_TYPE ext4
	offline_skip "$CACHE" "there is a file system on it"
}

# a process for what blkid does not know, and for nothing else
only_what_nobody_knows() {
	with_rules
	mkloop "$T/ext4" 32M
	mkfs.ext4 -q -F "$LOOP"
	settle_udev
	: >"$T/calls"
	trigger change "$LOOP"
	trigger add "$LOOP"
	expect_calls 0
	expect_property "$LOOP" ID_FS_TYPE ext4
	remote_start origin $((16 << 20))
	trigger change "$ORIGIN"
	expect_calls 0
	mkloop "$T/blank" 32M
	settle_udev
	: >"$T/calls"
	trigger change "$LOOP"
	expect_calls 1 "$LOOP"
	expect_property "$LOOP" ID_FS_TYPE ''
}

# on a dm device: that is shown, and what lies below it belongs to it; while it is suspended nothing reads it
mapped_cache_device() {
	with_rules
	inactive
	mkdm lv "0 $((32 << 11)) linear $CACHE 0"
	settle_udev
	is_shown /dev/mapper/lv
	: >"$T/calls"
	trigger change "$CACHE"
	expect_calls 0
	dmsetup suspend lv
	trigger change /dev/mapper/lv
	expect_calls 0
	dmsetup resume lv
	settle_udev
	trigger change /dev/mapper/lv
	is_shown /dev/mapper/lv
}

# without the tool the rule does nothing, and says nothing
tool_is_not_installed() {
	with_rules
	inactive
	rm "$T/probe"
	trigger change "$CACHE"
	expect_property "$CACHE" ID_FS_TYPE ''
	udevadm test --action=change "/sys/class/block/$(sysname "$CACHE")" >"$T/test" 2>&1 || fail "$(cat "$T/test")"
	if grep -i 'corcache.*\(fail\|no such file\)' "$T/test"; then fail "it is missed"; fi
}

# 4 KiB, once
probe_is_cheap() {
	local before
	with_rules
	inactive
	before=$(awk '{ print $3 }' "/sys/class/block/$(sysname "$CACHE")/stat")
	"$TOOL" probe --export "$CACHE" >"$T/export"
	expect "sectors read" $(($(awk '{ print $3 }' "/sys/class/block/$(sysname "$CACHE")/stat") - before)) = 8
}

run_cases inactive_cache_is_shown shown_as_long_as_it_is_there only_what_nobody_knows mapped_cache_device \
	tool_is_not_installed probe_is_cheap
