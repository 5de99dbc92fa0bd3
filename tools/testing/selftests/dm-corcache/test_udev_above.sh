#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_udev_above - what lies above a corcache device, a snapshot or a partition of the image, is
# scanned no more than the device itself: its content is the guest's, and comes from the remote.
#
# Each claim has its negative control: without the rule the scanners do read.
# timeout=900

. "$(dirname "$0")/lib.sh"
. "$ST_HERE/udev.sh"

UUID=7c6d4f3e-5a1b-4c2d-9e8f-0a1b2c3d4e5f
LEN=131072

with_rule() { use_rule dm-corcache.rules 58-dm-corcache.rules; }

without_rule() {
	need_udev
	rm -f /run/udev/rules.d/58-dm-corcache.rules
	reload_rules
}

has() { type -P "$1" >/dev/null || skip "$1 is not installed"; }

# image COMMAND...: 64 MiB, filled in by the command, which gets the device as its last word
image() {
	mkloop "$T/image" $((LEN * 512))
	ORIGIN=$LOOP
	"$@" "$ORIGIN" >"$T/image.out" 2>&1 || fail "$*: $(cat "$T/image.out")"
	blockdev --flushbufs "$ORIGIN"
	settle_udev
}

# Device cc, nothing of it read, and room for what a guest writes.
host() {
	mkcache 32
	offline_skip "$CACHE" "the image is a guest's, not the pattern"
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	mkloop "$T/cow" 8M
	COW=$LOOP
	settle_udev
}

snapshot() { # [DMSETUP ARGS...]
	need_target snapshot dm-snapshot
	mkdm vm1 "0 $LEN snapshot /dev/mapper/cc $COW P 8" "$@"
	settle_udev
}

expect_nothing_read() { expect_status cc origin_bytes = 0; }

expect_unknown() { # DEVICE: udev does not know what is on it, and nothing leads to it
	expect_property "$1" ID_FS_TYPE ''
	expect_property "$1" ID_FS_UUID ''
	expect_property "$1" UDISKS_IGNORE 1
	expect "link" "$(readlink -f "/dev/disk/by-uuid/$UUID")" != "$(readlink -f "$1")"
}

ext4() { mkfs.ext4 -q -F -U "$UUID" "$@"; }

# the line of the guide, and one without a UUID
snapshot_reads_nothing() {
	with_rule
	image ext4
	host
	snapshot
	expect_nothing_read
	expect_unknown /dev/mapper/vm1
	trigger change /dev/mapper/vm1
	trigger add /dev/mapper/vm1
	expect_nothing_read
	dmremove vm1
	snapshot --uuid clone-CORCACHE-vm1
	expect_nothing_read
	expect_unknown /dev/mapper/vm1
	trigger add /dev/mapper/vm1
	expect_nothing_read
	# it is there for units and for people all the same
	expect_property /dev/mapper/vm1 SYSTEMD_READY 1
	expect "by-id link" "$(sysname /dev/disk/by-id/dm-name-vm1)" = "$(sysname /dev/mapper/vm1)"
}

without_the_rule_a_snapshot_is_read() {
	without_rule
	image ext4
	host
	snapshot
	expect_status cc origin_bytes -gt 0
	expect_property /dev/mapper/vm1 ID_FS_UUID "$UUID"
}

volume_group() {
	pvcreate -q -f "$1" && vgcreate -q guestvg "$1" && lvcreate -q -an -Zn -n root -l 50%VG guestvg &&
		vgchange -q -an guestvg
}

# udev's rules activate what they find on a loop device, as the origin is one here; with
# an NBD device they would not.  That is over, and forgotten, before cc is made.
forget_origin() {
	[ ! -e /dev/mapper/guestvg-root ] || dmsetup remove guestvg-root
	rm -f /run/lvm/pvs_online/* /run/lvm/vgs_online/*
	settle_udev
}

# not known as a physical volume, so nothing activates what is in it, and it can be removed
volume_group_of_the_guest() {
	has vgcreate
	with_rule
	image volume_group
	forget_origin
	host
	snapshot
	expect_nothing_read
	expect_unknown /dev/mapper/vm1
	expect "volumes of the guest" "$(dmsetup ls | grep -c '^guestvg-')" = 0
	dmremove vm1
}

# an MBR with one partition, from the first MiB to the end, and an ext4 in it
partition_table() {
	printf '\0\0\0\0\x83\0\0\0\0\x08\0\0\0\xf8\x01\0' | dd of="$1" bs=1 seek=446 conv=notrunc status=none &&
		printf '\x55\xaa' | dd of="$1" bs=1 seek=510 conv=notrunc status=none &&
		ext4 -E offset=1048576 "$1" $(((LEN - 2048) / 2))
}

# kpartx -r, as the guide says, and without -r, as people type it
partition_by_kpartx() {
	local part=/dev/mapper/cc1

	has kpartx
	with_rule
	image partition_table
	host
	record dm cc1
	for how in -r ''; do
		# shellcheck disable=SC2086 # may be nothing
		kpartx -a $how "$DEV"
		wait_for 20 "partition" test -e "$part"
		settle_udev
		expect "UUID" "$(dmsetup info -c --noheadings -o uuid cc1)" = part1-CORCACHE-cc
		# the table of partitions, which kpartx has read
		expect_status cc origin_bytes -le 65536
		expect_unknown "$part"
		expect "read-only" "$(blockdev --getro "$part")" = 1
		mkdir -p "$T/mnt"
		mount -o ro,noload "$part" "$T/mnt" || fail "mount -o ro,noload"
		umount "$T/mnt"
		dmremove cc1
		message cc evict_all
		message cc reset_stats
	done
}

# a partition of a snapshot is the guest's, two layers above
partition_of_a_snapshot() {
	has kpartx
	with_rule
	image partition_table
	host
	snapshot --uuid clone-CORCACHE-vm1
	record dm vm1-1
	kpartx -a -p - /dev/mapper/vm1
	wait_for 20 "partition" test -e /dev/mapper/vm1-1
	settle_udev
	expect_status cc origin_bytes -le 65536
	expect_unknown /dev/mapper/vm1-1
	# it may be written
	expect "read-only" "$(blockdev --getro /dev/mapper/vm1-1)" = 0
	dmremove vm1-1
	mkdm part "0 1000 linear /dev/mapper/vm1 2048"
	settle_udev
	expect_unknown /dev/mapper/part
}

run_cases snapshot_reads_nothing without_the_rule_a_snapshot_is_read volume_group_of_the_guest \
	partition_by_kpartx partition_of_a_snapshot
