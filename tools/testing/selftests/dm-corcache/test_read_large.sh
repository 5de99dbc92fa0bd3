#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Sizes: an origin of 64 TiB (nbdkit makes up its content), and reads that
# are not cut into more pieces than they have to be.
. "$(dirname "$0")/lib.sh"

TIB=$((1 << 40))

# 16 Mi regions of 4 MiB: numbers beyond 32 bits in sectors and in bytes
large_64tib() {
	local off

	remote_start origin $((64 * TIB))
	mkcache 64
	# there is room for 14 regions or so: what is read first is to stay
	mkcorcache cc "$CACHE" "$ORIGIN" $((128 * TIB / 1024)) 8192 0 4 block_size 128 policy stop
	read_ok "$DEV" $((64 * TIB - 512)) 512
	read_ok "$DEV" $((64 * TIB - 1048576)) 1M
	for off in $((2 * TIB - 65536)) $((4 * TIB)) $((16 * TIB - 512)) $((32 * TIB + 4194304)); do
		read_ok "$DEV" "$off" 128K
	done
	settle cc
	timeout $((100 * SCALE)) "$IO" random "$DEV" --count "$(scaled 200)" --threads 4 --max-bs 64K --seed "$SEED"
	settle cc
	expect_hits cc "$DEV" $((64 * TIB - 512)) 512
	expect_hits cc "$DEV" $((4 * TIB)) 128K
	message cc commit
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" $((128 * TIB / 1024)) 8192 0 2 block_size 128
	expect_hits cc "$DEV" $((64 * TIB - 512)) 512
	expect_hits cc "$DEV" $((4 * TIB)) 128K
}

# Regions beside each other on the cache device: 1 MiB of hits is one bio, or
# as few as the devices' own limits allow.
large_hit_is_one_bio() {
	local stat ios before after

	setup 32 64 128
	# one reader, in order: the slots are given out in order
	read_ok "$DEV" 0 8M --bs 64K
	settle cc
	stat=/sys/block/${CACHE##*/}/stat
	before=$(awk '{ print $1 + $2, $3 }' "$stat")
	read_ok "$DEV" 0 8M --bs 1M
	after=$(awk '{ print $1 + $2, $3 }' "$stat")
	ios=$((${after% *} - ${before% *}))
	note "8 reads of 1 MiB, cached: $ios reads of the cache device"
	expect "bios for 8 x 1 MiB of hits (16 regions each)" "$ios" -le 24
	expect "sectors read from the cache device" $((${after#* } - ${before#* })) = 16384
}

# A cold read of 1 MiB is one fill as far as the limits of the devices allow,
# and not one per region.
large_miss_is_few_reads() {
	local requests

	setup 32 64 128
	remote_mark origin
	read_ok "$DEV" 0 8M --bs 1M
	requests=$(remote_reads origin)
	note "8 reads of 1 MiB, cold: $requests requests"
	expect_remote origin bytes = 8388608
	expect "requests for 8 x 1 MiB" "$requests" -le 72
	expect "origin reads for 8 x 1 MiB" "$(status_get cc origin_reads)" -le 72
}

run_cases large_64tib large_hit_is_one_bio large_miss_is_few_reads
