#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The quota is a hard limit, with either policy.  `stop`: what is there stays,
# the rest is read from the origin; reached in the middle of a read; lowered and
# raised by message, at rest and under load; what is evicted is gone on the cache
# device when the message returns.
. "$(dirname "$0")/lib.sh"

# 16 regions of 64 KiB
quota_full() {
	local n

	setup 8 16 128 0 4 quota 2048 policy stop
	for ((n = 0; n < 32; n++)); do
		read_ok "$DEV" $((n * 65536)) 64K
		expect_status cc used -le 16
	done
	settle cc
	expect_status cc used = 16
	expect_status cc valid = 256
	# what came first is there, the rest is read again
	expect_hits cc "$DEV" 0 1M
	remote_mark origin
	read_ok "$DEV" 1M 1M --bs 64K
	expect_remote origin bytes = 1048576
	expect_hits cc "$DEV" 0 1M
	settle cc
	expect_status cc used = 16
	expect_status cc evictions = 0
}

quota_region_completed_when_full() {
	setup 8 16 128 0 4 quota 256 policy stop
	read_ok "$DEV" 0 4K
	read_ok "$DEV" 64K 4K
	settle cc
	expect_status cc used = 2
	read_ok "$DEV" 0 128K
	settle cc
	expect_status cc used = 2
	expect_hits cc "$DEV" 0 128K
	expect_remote origin bytes = 131072
}

quota_reached_mid_read() {
	local used

	setup 8 16 128 0 4 quota 640 policy stop
	read_ok "$DEV" 0 1M --bs 1M
	settle cc
	expect_status cc used = 5
	expect_remote origin bytes = 1048576
	read_ok "$DEV" 0 1M --bs 1M
	expect_remote origin bytes = $((1048576 + 11 * 65536))
	used=$(status_get cc used)
	expect "regions" "$used" = 5
}

quota_one_region() {
	setup 8 16 128 0 4 quota 128 policy stop
	timeout $((60 * SCALE)) "$IO" random "$DEV" --count "$(scaled 200)" --threads 4 --seed "$SEED"
	settle cc
	expect_status cc used = 1
}

quota_lowered_and_raised() {
	local before

	setup 8 16 128 0 2 policy stop
	read_ok "$DEV" 0 2M
	settle cc
	expect_status cc used = 32
	message cc quota 1280
	expect_status cc used = 10
	expect_status cc quota = 10
	expect_status cc valid = 160
	expect_status cc evictions = 22
	# durably: gone from the table on the device, not only from memory
	"$IO" dump "$CACHE" >"$T/dump"
	expect "regions in the table on the device" "$(grep -c '^entry ' "$T/dump")" -le 10
	before=$(status_get cc origin_bytes)
	read_ok "$DEV" 0 2M --bs 64K
	settle cc
	expect "origin bytes" $(($(status_get cc origin_bytes) - before)) = $((22 * 65536))
	expect_status cc used = 10
	message cc quota 5120
	expect_status cc quota = 40
	read_ok "$DEV" 0 2M --bs 64K
	settle cc
	expect_status cc used = 32
	expect_hits cc "$DEV" 0 2M
	# after a restart with the lower quota no more than that either
	message cc quota 256
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" 16384 128 0 4 quota 256 policy stop
	expect_status cc used -le 2
}

quota_changed_under_load() {
	local n quota

	setup 16 32 128
	load load "$DEV" --threads 6 --max-bs 256K --seed "$SEED"
	RANDOM=$((SEED % 32768))
	for ((n = 0; ; n++)); do
		if enough "$n" 40; then break; fi
		quota=$((1 + RANDOM % 256))
		message cc quota $((quota * 128))
		expect_status cc used -le "$quota"
		expect_status cc quota = "$quota"
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	settle cc
	expect_status cc used -le "$quota"
	expect_status cc checksum_errors = 0
	# room for all, and for the free slots that `adaptive` keeps ready
	message cc quota 40960
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV" 0 16M
}

# also counted on the device: a slot is not used again before its removal is
# durable, so the table never holds more than the quota
quota_on_disk_under_load() {
	local n entries most=0

	remote_start origin 16M
	mkcache 32
	# held for a moment while it is copied: an image of one instant
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" 32768 128 0 4 quota 4096 commit_interval 20
	load load "$DEV" --threads 4 --max-bs 256K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 16; then break; fi
		message cc evict $((n * 2048)) 1024
		message cc commit
		dmsetup suspend --noflush --nolockfs below
		cp "$CACHE_FILE" "$T/copy"
		dmsetup resume below
		"$IO" dump "$T/copy" >"$T/dump"
		entries=$(grep -c '^entry ' "$T/dump" || true)
		expect "regions in the table on the device" "$entries" -le 32
		[ "$entries" -le "$most" ] || most=$entries
	done
	job_stop load
	expect "most regions in the table on the device" "$most" -ge 16
	expect_status cc evictions -ge 1
}

run_cases quota_full quota_region_completed_when_full quota_reached_mid_read quota_one_region \
	quota_lowered_and_raised quota_changed_under_load quota_on_disk_under_load
