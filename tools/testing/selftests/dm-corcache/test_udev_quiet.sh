#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_udev_quiet - with the udev rule nobody reads a corcache device, or what lies below it, unasked.
#
# Each claim has its negative control: without the rule the scanners do read.
# timeout=900

. "$(dirname "$0")/lib.sh"
. "$ST_HERE/udev.sh"

with_rule() { use_rule dm-corcache.rules 58-dm-corcache.rules; }

without_rule() {
	need_udev
	rm -f /run/udev/rules.d/58-dm-corcache.rules
	reload_rules
}

# Remote and cache device, with all events of their own behind them.
below() {
	remote_start origin $((64 << 20))
	mkcache 32
	settle_udev
	remote_mark origin
}

create() {
	mkcorcache cc "$CACHE" "$ORIGIN" $((64 << 11)) 128
	settle_udev
}

# ---- the device itself ---------------------------------------------------------

creating_reads_nothing() {
	with_rule
	below
	create
	expect_remote origin reads = 0
	expect "reads of the device" "$(reads_of "$DEV")" = 0
	trigger change "$DEV"
	trigger add "$DEV"
	expect_remote origin reads = 0
	expect "reads of the device" "$(reads_of "$DEV")" = 0
}

without_the_rule_creating_reads() {
	without_rule
	below
	create
	expect "reads of the device" "$(reads_of "$DEV")" -gt 0
	expect_remote origin reads -gt 0
}

device_is_hidden_but_ready() {
	with_rule
	below
	create
	expect_property "$DEV" UDISKS_IGNORE 1
	expect_property "$DEV" ID_FS_TYPE ''
	expect_property "$DEV" SYSTEMD_READY 1
	expect "by-id link" "$(sysname /dev/disk/by-id/dm-uuid-CORCACHE-cc)" = "$(sysname "$DEV")"
	# an event of coldplug must not take the unit of an active device away
	trigger add "$DEV"
	expect_property "$DEV" SYSTEMD_READY 1
	expect_property "$DEV" UDISKS_IGNORE 1
}

stalled_remote_does_not_hang_udev() {
	with_rule
	below
	remote_stall origin
	create
	trigger change "$DEV" "$ORIGIN" "$CACHE"
	trigger add "$DEV" "$ORIGIN" "$CACHE"
	remote_continue origin
	expect_remote origin reads = 0
}

# ---- what lies below -------------------------------------------------------------

members_are_left_alone() {
	local before
	with_rule
	below
	create
	# known as members by the event that creating the device has sent them
	expect_property "$CACHE" ID_FS_TYPE corcache_member
	expect_property "$CACHE" UDISKS_IGNORE 1
	expect_property "$ORIGIN" ID_FS_TYPE corcache_member
	expect_property "$ORIGIN" UDISKS_IGNORE 1
	before=$(reads_of "$CACHE")
	trigger change "$CACHE" "$ORIGIN"
	trigger add "$CACHE" "$ORIGIN"
	expect "reads of the cache device" "$(($(reads_of "$CACHE") - before))" = 0
	expect_remote origin reads = 0
}

without_the_rule_members_are_read() {
	local before
	without_rule
	below
	create
	before=$(reads_of "$CACHE")
	remote_mark origin
	# blkid probes through the page cache, which may still hold what the events before have read
	blockdev --flushbufs "$CACHE" "$ORIGIN"
	trigger change "$CACHE" "$ORIGIN"
	expect "reads of the cache device" "$(($(reads_of "$CACHE") - before))" -gt 0
	expect_remote origin reads -gt 0
}

member_that_is_a_dm_device() {
	local before
	with_rule
	below
	mkdm lv "0 $((32 << 11)) linear $CACHE 0" --uuid CRYPT-PLAIN-lv
	CACHE=/dev/mapper/lv
	settle_udev
	create
	expect_property "$CACHE" ID_FS_TYPE corcache_member
	before=$(reads_of "$CACHE")
	trigger change "$CACHE"
	expect "reads of the cache device" "$(($(reads_of "$CACHE") - before))" = 0
	# the device below that one belongs to nobody of ours
	expect_property "$LOOP" ID_FS_TYPE ''
}

partition_of_the_origin() {
	with_rule
	mkloop "$T/image" $((64 << 20)) -P
	ORIGIN=$LOOP
	mkcache 32
	addpart "$ORIGIN" 1 2048 65536 || skip "this kernel makes no partitions on loop devices"
	settle_udev
	create
	trigger change "${ORIGIN}p1"
	expect_property "${ORIGIN}p1" UDISKS_IGNORE 1
}

released_member_is_probed_again() {
	with_rule
	below
	create
	dmremove cc
	offline_skip "$CACHE" "there is a file system on it"
	mkfs.ext4 -q -F "$CACHE"
	trigger change "$CACHE"
	expect_property "$CACHE" ID_FS_TYPE ext4
	expect_property "$CACHE" UDISKS_IGNORE ''
}

other_devices_are_none_of_our_business() {
	with_rule
	mkcache 32
	mkfs.ext4 -q -F "$CACHE"
	mkdm plain "0 $((32 << 11)) linear $CACHE 0"
	settle_udev
	expect_property /dev/mapper/plain ID_FS_TYPE ext4
	expect_property /dev/mapper/plain UDISKS_IGNORE ''
	trigger change "$CACHE"
	expect_property "$CACHE" ID_FS_TYPE ext4
}

told() { grep -q "^CORCACHE_$1\$" "$T/monitor.out"; }

# A change of mode is a uevent of the device, which makes nobody read it.
change_of_mode_is_told() {
	local table

	with_rule
	below
	table="0 $(sectors "$CACHE") linear $CACHE 0"
	mkdm low "$table"
	mkcorcache cc /dev/mapper/low "$ORIGIN" $((64 << 11)) 128 0 2 max_errors 1
	settle_udev
	read_ok "$DEV" 0 64K
	settle cc
	job monitor udevadm monitor --kernel --property --subsystem-match=block
	wait_for 20 "udevadm monitor" grep -q KERNEL "$T/monitor.out"
	remote_mark origin
	reload_dm low "0 $(sectors "$CACHE") error"
	read_ok "$DEV" 0 64K
	wait_for 20 "a uevent" told MODE=bypass
	told REASON=errors || fail "the uevent does not say why"
	settle_udev
	expect_remote origin bytes = 65536
	reload_dm low "$table"
	message cc recover
	wait_for 20 "a uevent" told MODE=active
	settle_udev
	job_stop monitor
	# and what the check of the origin has read
	expect_remote origin bytes -le 131072
}

run_cases creating_reads_nothing without_the_rule_creating_reads device_is_hidden_but_ready \
	stalled_remote_does_not_hang_udev members_are_left_alone without_the_rule_members_are_read \
	member_that_is_a_dm_device partition_of_the_origin released_member_is_probed_again \
	other_devices_are_none_of_our_business change_of_mode_is_told
