#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `evict` and `evict_all`: forget exactly that part, durably, before they
# return; also while the part is being read, and while its fill is in flight.
. "$(dirname "$0")/lib.sh"

# misses OFF LEN BYTES: so many bytes of it are read from the origin again
misses() {
	remote_mark origin
	read_ok "$DEV" "$1" "$2"
	expect_remote origin bytes = "$3"
	settle cc
}

evict_part() {
	setup 8 16 128
	read_ok "$DEV" 0 1M
	settle cc
	# one region
	message cc evict 128 128
	expect_status cc used = 15
	expect_hits cc "$DEV" 0 64K
	expect_hits cc "$DEV" 128K $((1048576 - 131072))
	misses 64K 64K 65536
	# of a block, any sector forgets all of the block
	message cc evict 9 1
	misses 0 64K 4096
	# from the last sector of one block to the first of another
	message cc evict 263 2
	misses 128K 64K 8192
	# nothing there
	message cc evict 8192 8192
	expect_hits cc "$DEV" 0 1M
	# beyond any region border
	message cc evict 100 1000
	# sectors 96 to 1103
	misses 0 1M $(((1104 - 96) * 512))
}

# durable when it returns: a copy of the device at that moment has it not
evict_is_durable() {
	local n

	setup 8 16 128
	read_ok "$DEV" 0 2M
	settle cc
	message cc commit
	"$IO" dump "$CACHE" >"$T/dump"
	expect "regions on the device" "$(grep -c '^entry ' "$T/dump")" = 32
	for n in 0 5 31; do
		message cc evict $((n * 128)) 128
		cp "$CACHE_FILE" "$T/copy"
		"$IO" dump "$T/copy" >"$T/dump"
		if grep -q "^entry .*region=$n " "$T/dump"; then fail "region $n is still on the device"; fi
	done
	expect "regions on the device" "$(grep -c '^entry ' "$T/dump")" = 29
	# a part of a region
	message cc evict 128 64
	cp "$CACHE_FILE" "$T/copy"
	"$IO" dump "$T/copy" >"$T/dump"
	grep -q "^entry .*region=1 valid=ff00 " "$T/dump" || fail "region 1: $(grep 'region=1 ' "$T/dump")"
	message cc evict_all
	cp "$CACHE_FILE" "$T/copy"
	"$IO" dump "$T/copy" >"$T/dump"
	expect "regions on the device" "$(grep -c '^entry ' "$T/dump" || true)" = 0
	expect_status cc used = 0
	expect_status cc valid = 0
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" 16384 128
	expect_status cc valid = 0
	misses 0 2M 2097152
}

# no message waits for the origin
evict_while_origin_stalls() {
	local start

	setup 8 16 128
	read_ok "$DEV" 0 1M
	settle cc
	remote_stall origin
	job readers "$IO" together "$DEV" 4M 64K --threads 8
	wait_for 30 "readers that wait" job_waits readers 8
	start=$(now_ms)
	message cc evict 8192 128
	message cc evict 0 128
	message cc quota 1280
	message cc commit
	message cc evict_all
	note "5 messages took $(($(now_ms) - start)) ms"
	expect "milliseconds for 5 messages" $(($(now_ms) - start)) -le $((10000 * SCALE))
	expect_status cc valid = 0
	job_running readers || fail "the readers did not wait"
	remote_continue origin
	job_end readers 60
	settle cc
	read_ok "$DEV"
}

evict_under_load() {
	local n

	setup 16 32 128
	load load "$DEV" --threads 6 --max-bs 256K --seed "$SEED"
	RANDOM=$((SEED % 32768))
	for ((n = 0; ; n++)); do
		if enough "$n" 60; then break; fi
		if [ $((n % 10)) = 9 ]; then
			message cc evict_all
		else
			message cc evict $((RANDOM % 32000)) $((1 + RANDOM % 700))
		fi
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	settle cc
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV" 0 16M
}

# What a reader has been given is forgotten as well when it is still on its way to
# the cache, which does not answer meanwhile.
evict_what_was_just_read() {
	remote_start origin 8M
	mkcache 16
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" 16384 128 0 2 commit_interval 3600000
	evict_under_way 0 1M evict_all
	expect_status cc used = 0
	expect_status cc valid = 0
	# half of a region
	evict_under_way 2M 64K evict 4096 64
	expect_status cc used = 1
	expect_status cc valid = 8
	misses 2M 64K 32768
}
evict_under_way() { # OFF LEN MESSAGE...
	dmsetup suspend --noflush --nolockfs below
	read_ok "$DEV" "$1" "$2" --bs 64K
	expect "fills under way" "$(status_get cc transfers)" -ge 1
	job evict timeout $((60 * SCALE)) dmsetup message cc 0 "${@:3}"
	sleep 0.5
	dmsetup resume below
	job_end evict 60
	settle cc
}

# The same of what has no slot yet: a driver without room blocks the one that
# writes fills, so that the others wait behind it.
evict_what_waits_for_a_slot() {
	REMOTE_MEMORY=1 remote_start store 64M
	CACHE=$ORIGIN
	echo 8 >"/sys/block/${CACHE##*/}/queue/nr_requests"
	remote_start origin 16M
	mkcorcache cc "$CACHE" "$ORIGIN" 32768 128 0 2 commit_interval 3600000
	remote_stall store
	read_ok "$DEV" 0 8M --bs 64K
	expect_status cc transfers -ge 100
	job evict timeout $((60 * SCALE)) dmsetup message cc 0 evict_all
	sleep 0.5
	remote_continue store
	job_end evict 60
	settle cc
	expect_status cc used = 0
	expect_status cc valid = 0
	misses 0 8M 8388608
}

run_cases evict_part evict_is_durable evict_while_origin_stalls evict_under_load evict_what_was_just_read \
	evict_what_waits_for_a_slot
