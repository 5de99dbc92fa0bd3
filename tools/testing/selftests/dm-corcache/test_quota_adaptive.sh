#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Policy `adaptive`: what is replaced is replaced behind the readers' backs, a
# batch at a time, within the quota, and no slot is used again too early; loops
# keep what is there, and a workload that moves on is followed; what was decided
# is what the simulator decides.
# timeout=600
. "$(dirname "$0")/lib.sh"

SIM=$CORCACHE_BUILD/sim/corcache-sim
TRACING=/sys/kernel/tracing

# loops COUNT FIRST REGIONS: read so many regions of 64 KiB from that one on, again
# and again; prints the share that came from the cache, in percent.  Not faster than
# slots are made free: readers do not wait for that.
loops() {
	local before asked=$(($1 * $3 * 65536))

	before=$(status_get cc origin_bytes)
	read_ok "$DEV" $(($2 * 65536)) $(($3 * 65536)) --bs 64K --passes "$1" --pause 8000
	settle cc
	echo $((100 - 100 * ($(status_get cc origin_bytes) - before) / asked))
}

adaptive_is_default() {
	setup 8 16 128
	dmsetup table cc >"$T/table"
	grep -q " policy adaptive " "$T/table" || fail "$(cat "$T/table")"
}

# 64 of 160 regions: to keep what is there gives 40 % from the second loop on, of
# which the slots that are kept free cost up to 3
adaptive_loop() {
	local share

	setup 16 16 128 0 2 quota $((64 * 128))
	share=$(loops 2 0 160)
	share=$(loops 6 0 160)
	note "$share % of the loops 3 to 8 from the cache"
	expect "percent of a loop" "$share" -ge 30
	expect_status cc used -le 64
}

# ... and when another loop takes its place, so does what is kept
adaptive_shift() {
	local share

	setup 32 16 128 0 2 quota $((64 * 128))
	share=$(loops 6 0 160)
	share=$(loops 4 200 160)
	note "first 4 loops after the shift: $share %"
	share=$(loops 3 200 160)
	note "the next 3: $share %"
	expect "percent of the new loop" "$share" -ge 28
}

# LRU's case: each set is used some times, and never again
adaptive_moves_on() {
	local share n

	setup 32 16 128 0 2 quota $((64 * 128))
	for ((n = 0; n < 6; n++)); do
		share=$(loops 4 $((n * 40)) 40)
	done
	note "the last set of 40 regions: $share %"
	expect "percent of a set that fits" "$share" -ge 60
}

# what was read is right, and the quota holds, while slots are used again and again
adaptive_under_load() {
	local n

	setup 32 32 128 0 4 quota $((100 * 128)) commit_interval 3600000
	load load "$DEV" --threads 6 --max-bs 256K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 60 20; then break; fi
		sleep 0.2
		expect_status cc used -le 100
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	settle cc
	expect_status cc evictions -ge 100
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
	# the timer never did: all commits were for batches of victims
	note "$(status_get cc evictions) evictions, $(status_get cc commits) commits, $(status_get cc fills) fills"
	expect "evictions for a commit" $(($(status_get cc evictions) / $(status_get cc commits))) -ge 2
	read_ok "$DEV"
}

# The cache device answers nothing, not the commit either that would free slots:
# readers get everything from the origin, in as many reads as it takes without.
adaptive_never_waits() {
	remote_start origin 32M
	mkcache 32
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" 65536 128 0 2 quota $((32 * 128))
	read_ok "$DEV" 0 4M
	settle cc
	dmsetup suspend --noflush --nolockfs below
	remote_mark origin
	read_ok "$DEV" 8M 16M --bs 64K
	expect_remote origin bytes = $((16 << 20))
	expect_remote origin reads -le 256
	dmsetup resume below
	settle cc
	expect_status cc used -le 32
	expect_status cc cache_errors = 0
	read_ok "$DEV"
}

# What fits exactly is all there: no slot is kept free for what will never come.
adaptive_holds_all() {
	setup 8 16 128 0 2 quota 16384
	read_ok "$DEV" --bs 64K
	settle cc
	expect_status cc used = 128
	message cc commit
	expect_hits cc "$DEV"
	expect_status cc used = 128
	expect_status cc evictions = 0
}

# A cache that `stop` has filled is full: it stays so while all reads are hits.
adaptive_full_stays() {
	setup 16 16 128 0 4 quota $((64 * 128)) policy stop
	read_ok "$DEV"
	settle cc
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" 32768 128 0 2 quota $((64 * 128))
	expect_hits cc "$DEV" 0 4M
	sleep 0.3
	message cc commit
	expect_status cc used = 64
	expect_status cc evictions = 0
	expect_hits cc "$DEV" 0 4M
}

# A restart keeps what is there, whatever the policy was.
adaptive_restart() {
	local used

	setup 16 16 128 0 2 quota $((64 * 128))
	loops 3 0 160 >/dev/null
	message cc commit
	used=$(status_get cc used)
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" 32768 128 0 4 quota $((64 * 128)) policy stop
	expect_status cc used = "$used"
	expect_status cc evictions = 0
	dmsetup reload cc --readonly --table \
		"0 32768 corcache $CACHE $ORIGIN 128 0 4 quota $((64 * 128)) policy adaptive"
	dmsetup resume cc
	expect_status cc used = "$used"
	loops 2 160 80 >/dev/null
	expect_status cc used -le 64
	read_ok "$DEV"
}

adaptive_quota_moves() {
	local n quota used=0

	setup 32 32 128
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	RANDOM=$((SEED % 32768))
	for ((n = 0; ; n++)); do
		if enough "$n" 40; then break; fi
		quota=$((1 + RANDOM % 64))
		message cc quota $((quota * 128))
		expect_status cc used -le "$quota"
		sleep 0.1
		expect_status cc used -le "$quota"
		used=$((used + $(status_get cc used)))
	done
	expect "regions in use, in all rounds together" "$used" -ge "$n"
	expect_status cc evictions -ge 1
	message cc evict_all
	expect_load load
	job_stop load
	settle cc
	expect_status cc used -le "$quota"
	expect_status cc checksum_errors = 0
	read_ok "$DEV"
}

# A loop, hot regions and newcomers, in turns; 4 KiB each, from RANDOM's seed.
golden_trace() { # STEPS
	local n region

	for ((n = 0; n < $1; n++)); do
		case $((n / 150 % 3)) in
		0) region=$((n % 100)) ;;
		1) region=$((RANDOM % (1 + RANDOM % 200))) ;;
		2) region=$((200 + RANDOM % 30 + n / 10)) ;;
		esac
		echo "$n,$((region * 4096)),4096"
	done
}

adaptive_golden() {
	# in a kernel tree there is none
	[ -x "$SIM" ] || [ "$ST_TOOLS" != "$ST_HERE" ] || skip "no simulator"
	[ -x "$SIM" ] || fail "no simulator: make sim"
	mountpoint -q "$TRACING" || mount -t tracefs tracefs "$TRACING" || skip "no tracefs in this kernel"
	setup 8 16 8 0 4 quota $((40 * 8)) commit_interval 3600000
	RANDOM=$((SEED % 32768))
	golden_trace 600 >"$T/trace.csv"
	echo 4096 >"$TRACING/buffer_size_kb"
	echo >"$TRACING/trace"
	echo 1 >"$TRACING/events/dm_corcache/corcache_decision/enable"
	echo 1 >"$TRACING/events/dm_corcache/corcache_evict/enable"
	# one read after the other, and after each all that follows from it
	"$IO" replay "$T/trace.csv" "$DEV" --stepwise cc || fail "replay: status $?"
	echo 0 >"$TRACING/events/dm_corcache/enable"
	# "... corcache_decision: 7:0 sector 88 + 8 admit", "... corcache_evict: 7:0 sector 80 + 8"
	sed -nE 's/.*corcache_decision: .* sector ([0-9]+) \+ 8 ([a-z]+)$/\2 \1/p
		s/.*corcache_evict: .* sector ([0-9]+) \+ 8$/evict \1/p' "$TRACING/trace" |
		awk '{ print $1, $2 / 8 }' >"$T/kernel"
	"$SIM" --trace "$T/trace.csv" --block 4096 --sizes 40 --slots "$(status_get cc total)" \
		--policies adaptive --decisions >"$T/simulator"
	note "$(grep -c admit "$T/kernel") admitted, $(grep -c reject "$T/kernel") rejected, $(grep -c evict "$T/kernel") evicted"
	expect "victims" "$(grep -c evict "$T/kernel")" -ge 10
	expect "turned away" "$(grep -c reject "$T/kernel")" -ge 10
	diff "$T/kernel" "$T/simulator" >"$T/diff" || fail "kernel and simulator differ: $(head -n 20 "$T/diff")"
}

run_cases adaptive_is_default adaptive_loop adaptive_shift adaptive_moves_on adaptive_under_load \
	adaptive_never_waits \
	adaptive_holds_all adaptive_full_stays adaptive_restart adaptive_quota_moves adaptive_golden
