#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every sector of the origin holds its own number; every sector that is read
# through the target, cold or warm, at any alignment and of any size from
# 512 bytes to 4 MiB, has to say so.  Over all kinds of geometry: smallest and
# largest regions, blocks of one and of many sectors, without checksums, a
# last region and a last block that are partial, cache devices with sectors of
# 4096 bytes under an origin with 512.
# timeout=600
. "$(dirname "$0")/lib.sh"

# 7 sectors beyond a block, 3 blocks beyond a region
ODD=$((6 * 1048576 + 3 * 4096 + 7 * 512))

# sweep SEED [args]: of all sizes at all alignments, as many as there is room for
# in blocks of their own, the others anywhere; the blocks that it asked for come
# from the server, each of them once, unless they are cached
sweep() {
	remote_mark origin
	timeout $((100 * SCALE)) "$IO" sweep "$DEV" --seed "$@" >"$T/sweep.out" 2>&1 ||
		fail "sweep $*: $(cat "$T/sweep.out")"
	settle cc
	note "sweep ${*:2}: $(grep '^cold=' "$T/sweep.out")"
}
sweep_said() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$T/sweep.out"; }

# whole BLOCK_BYTES ORIGIN_BYTES CACHE_MIB REGION [args]: all of it cold, then warm
whole() {
	local block=$1 bytes=$2 mib=$3 region=$4 per_size=$(((4 + SCALE - 1) / SCALE))

	shift 4
	remote_start origin "$bytes"
	mkcache "$mib" -b "${CACHE_SECTOR:-512}"
	mkcorcache cc "$CACHE" "$ORIGIN" $((bytes / 512)) "$region" "$@"
	# small ones, then large ones, each time from a cold cache
	sweep "$SEED" --per-size "$per_size" --block "$block" --max-bs 8704
	expect "cold reads" "$(sweep_said cold)" -ge $((bytes / block / 4))
	expect_remote origin again = 0
	expect_remote origin bytes = "$(sweep_said distinct)"
	message cc evict_all
	sweep "$SEED" --per-size "$per_size" --block "$block" --min-bs 9216
	expect_remote origin again = 0
	expect_remote origin bytes = "$(sweep_said distinct)"
	# the rest, between what is there already
	read_ok "$DEV" --bs 1M
	settle cc
	expect_remote origin again = 0
	expect_remote origin bytes = "$bytes"
	expect_hits cc "$DEV" 0 "$bytes" --bs 1M
	expect_hits cc "$DEV" 0 "$bytes" --bs 4608
	sweep $((SEED + 1)) --per-size 1 --block "$block"
	expect_remote origin bytes = 0
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
	expect_status cc origin_errors = 0
	expect_status cc valid = $(((bytes + block - 1) / block))
}

read_64k() { whole 4096 "$ODD" 16 128; }
read_4k_regions() { whole 4096 "$ODD" 16 8; }
read_4m_regions() { whole 65536 $((ODD + 4194304)) 32 8192 0 2 block_size 128; }
read_block_is_region() { whole 65536 "$ODD" 16 128 0 2 block_size 128; }
# large_blocks BLOCK_BYTES BYTES: blocks of several bios, and a last one of which
# the origin has less than the first of them; few reads, because each hit within
# a block is a read of all of it
large_blocks() {
	remote_start origin "$2"
	mkcache 32
	mkcorcache cc "$CACHE" "$ORIGIN" $(($2 / 512)) 8192 0 2 block_size $(($1 / 512))
	read_ok "$DEV" $(($2 - 512)) 512
	settle cc
	expect_remote origin bytes = $(($2 % $1))
	expect_hits cc "$DEV" $(($2 - 1024)) 1024
	read_ok "$DEV" 0 "$2" --bs 3M
	settle cc
	expect_hits cc "$DEV" 0 "$2" --bs 4M
	expect_hits cc "$DEV" 1536 3M --bs 1537K
	expect_status cc checksum_errors = 0
	expect_remote origin bytes = "$2"
	expect_remote origin again = 0
}

read_4m_blocks() { large_blocks 4194304 $((8 * 1048576 + 512 * 1024)); }
read_2m_blocks() { large_blocks 2097152 $((6 * 1048576 + 7 * 512)); }
# Large reads are taken in parts: each byte is counted once, as a hit or not.
read_bytes_are_counted() {
	local args

	remote_start origin 16M
	for args in 0 "1 no_checksums"; do
		mkcache 16
		# shellcheck disable=SC2086 # words are meant
		mkcorcache cc "$CACHE" "$ORIGIN" 32768 128 $args
		read_ok "$DEV" 0 4M --bs 4M
		settle cc
		expect_status cc read_bytes = $((4 << 20))
		expect_status cc hit_bytes = 0
		# 1 MiB is there, 2 MiB are not
		read_ok "$DEV" 3M 3M --bs 3M
		settle cc
		expect_status cc read_bytes = $((7 << 20))
		expect_status cc hit_bytes = $((1 << 20))
		read_ok "$DEV" 1536 3M --bs 1537K
		expect_status cc read_bytes = $((10 << 20))
		expect_status cc hit_bytes = $((4 << 20))
		expect_status cc origin_bytes = $((6 << 20))
		dmremove cc
	done
}
read_no_checksums() { whole 4096 "$ODD" 16 128 1 no_checksums; }
read_4kn_cache() { CACHE_SECTOR=4096 whole 4096 "$ODD" 16 128; }
read_4kn_cache_no_checksums() { CACHE_SECTOR=4096 whole 4096 "$ODD" 16 128 1 no_checksums; }
read_one_sector_origin() {
	remote_start origin 512
	mkcache 8
	mkcorcache cc "$CACHE" "$ORIGIN" 1 128
	read_ok "$DEV" 0 512
	settle cc
	expect_hits cc "$DEV" 0 512
	expect_remote origin bytes = 512
}

# the last sectors one by one, cold, each of them the first that is asked for
read_tail() {
	local sector last=$((ODD / 512))

	remote_start origin "$ODD"
	mkcache 16
	mkcorcache cc "$CACHE" "$ORIGIN" "$last" 128
	for sector in 1 2 7 8 9 31; do
		read_ok "$DEV" $(((last - sector) * 512)) 512
		settle cc
		expect_hits cc "$DEV" $(((last - sector) * 512)) 512
		message cc evict_all
	done
	expect_rc 2 "$IO" read "$DEV" "$ODD" 512
	expect_status cc origin_errors = 0
}

# buffers that are aligned to one sector only, cold, warm, and shifted hits
read_memory_alignment() {
	local align

	setup 8 16 128
	for align in 512 1024 2048 4096; do
		read_ok "$DEV" 0 2M --bs 70K --align-mem "$align"
		settle cc
		expect_hits cc "$DEV" 0 2M --bs 70K --align-mem "$align"
		expect_hits cc "$DEV" 512 1M --bs 35K --align-mem "$align"
		message cc evict_all
	done
}

# An encrypted cache device with sectors of 4096 bytes wants buffers that lie as
# such sectors do; readers of the target need not know.
read_memory_alignment_encrypted() {
	local align key

	modprobe -q dm-crypt || skip "this kernel has no dm-crypt"
	key=$(printf '%064x' "$SEED")
	remote_start origin 8M
	mkcache 16
	mkdm crypt "0 $(sectors "$CACHE") crypt aes-cbc-plain64 $key 0 $CACHE 0 1 sector_size:4096"
	# what was never written is noise behind encryption
	dd if=/dev/zero of=/dev/mapper/crypt bs=1M oflag=direct status=none 2>/dev/null || true
	mkcorcache cc /dev/mapper/crypt "$ORIGIN" 16384 128
	expect "logical block size" "$(blockdev --getss "$DEV")" = 512
	for align in 512 1024 4096; do
		read_ok "$DEV" 0 2M --bs 70K --align-mem "$align"
		settle cc
		expect_hits cc "$DEV" 0 2M --bs 64K --align-mem "$align"
		expect_hits cc "$DEV" 512 1M --bs 35K --align-mem "$align"
		message cc evict_all
	done
	expect_status cc cache_errors = 0
	expect_status cc checksum_errors = 0
}

# the target shows the origin's sector size, not the cache device's
read_512_over_4kn() {
	remote_start origin $((8 * 1048576))
	mkcache 16 -b 4096
	mkcorcache cc "$CACHE" "$ORIGIN" 16384 128
	expect "logical block size" "$(blockdev --getss "$DEV")" = 512
	read_ok "$DEV" 0 1M
	settle cc
	expect_hits cc "$DEV" 1536 512
	expect_hits cc "$DEV" 3584 1024
	expect_hits cc "$DEV" 4608 65536
}

# the part of the origin that the table names, when the origin is larger
read_part_of_origin() {
	setup 8 16 128
	dmremove cc
	mkcache 16
	mkcorcache cc2 "$CACHE" "$ORIGIN" 8001 128
	expect "size" "$(sectors "$DEV")" = 8001
	remote_mark origin
	read_ok "$DEV"
	settle cc2
	# only the bytes of the target, though the last block goes on
	expect_remote origin bytes = $((8001 * 512))
}

run_cases read_64k read_bytes_are_counted read_4k_regions read_4m_regions read_block_is_region \
	read_4m_blocks read_2m_blocks read_no_checksums \
	read_4kn_cache read_4kn_cache_no_checksums read_one_sector_origin read_tail \
	read_memory_alignment read_memory_alignment_encrypted read_512_over_4kn read_part_of_origin
