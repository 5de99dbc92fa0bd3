#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# evict.guest.sh - free slots in time, on a cache device whose flushes take time: a loop over 2,000 regions, then one over
# as many others, with a quota of 1,600. Until what was evicted is durable it is not free.
#
# The cache lies on a RAM disk whose flushes dm-delay holds back for 0 or 5 ms (a commit has two); one MiB of it is on a
# loop device, as without a volatile cache below there are no flushes at all. The origin is a RAM disk whose reads take
# 4 ms. The part runs where instructions are counted, so that these times are exact whatever else the host does.
#
# Figures, of the five loops after the shift, in percent: "hits" of all reads, "full", admissions that found no free slot;
# and in a second: "admissions", "flushes". Decisions and flushes are traced.
#
# Environment (beyond lib.guest.sh's): DELAYS: words, ms; TESTS: words, reads at a time
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.guest.sh
. "$here/lib.guest.sh"

DELAYS=${DELAYS:-0 5} TESTS=${TESTS:-8}
TRACING=/sys/kernel/tracing
# Small regions and no checksums: it is about slots and commits, not about bytes.
REGION=32 LOOP=2000 QUOTA=1600
CACHE_SECTORS=$((40 << 11)) ORIGIN_SECTORS=$((2 * LOOP * REGION))

number_of() { dmsetup info -c --noheadings --separator : -o major,minor "$1"; }

# The device "slow", whose flushes take MS.
make_slow() { # MS
	local loop
	truncate -s 1M "$BENCH_TMP/last"
	loop=$(losetup -f --show "$BENCH_TMP/last")
	make_dm below "0 $((CACHE_SECTORS - 2048)) linear /dev/ram0 0
$((CACHE_SECTORS - 2048)) 2048 linear $loop 0"
	echo "write back" > "/sys/dev/block/$(number_of below)/queue/write_cache"
	make_dm slow "0 $CACHE_SECTORS delay /dev/mapper/below 0 0 /dev/mapper/below 0 0 /dev/mapper/below 0 $1"
	LOOP_DEVICE=$loop
}

remove_all() {
	local name
	for name in before after cc slow below; do dmsetup remove --retry $name; done
	losetup -d "$LOOP_DEVICE"
}

start_trace() {
	local major minor
	[ -e $TRACING/trace ] || mount -t tracefs tracefs $TRACING
	IFS=: read -r major minor <<< "$(number_of slow)"
	echo 16384 > $TRACING/buffer_size_kb
	echo "dev == $((major << 20 | minor)) && nr_sector == 0" > $TRACING/events/block/block_bio_queue/filter
	echo 1 > $TRACING/events/block/block_bio_queue/enable
	echo 1 > $TRACING/events/dm_corcache/corcache_decision/enable
	echo > $TRACING/trace
}

# Sets FLUSHES, ADMITTED and FULL.
end_trace() {
	echo 0 > $TRACING/events/enable
	FLUSHES=$(grep -c block_bio_queue: $TRACING/trace || true)
	ADMITTED=$(grep -c "corcache_decision:.* admit" $TRACING/trace || true)
	FULL=$(grep -c "corcache_decision:.* full" $TRACING/trace || true)
	! grep -q "LOST" $TRACING/trace || die "the trace has lost events"
}

ratio() { awk -v a="$1" -v b="$2" -v unit="$3" 'BEGIN { printf "%.1f", b ? unit * a / b : 0 }'; }

loops() { reads "/dev/mapper/$1" $(($2 * LOOP)) "$3" $((REGION << 9)) sequential $((LOOP * REGION << 9)) 1; } # DEVICE LOOPS DEPTH

shift_case() { # MS DEPTH ROUND
	local test=flush-$1ms-qd$2 hits
	dd if=/dev/zero of=/dev/ram0 bs=1M count=1 oflag=direct status=none
	make_slow "$1"
	make_corcache cc /dev/mapper/slow /dev/mapper/remote $ORIGIN_SECTORS $REGION 1 no_checksums 2 quota $((QUOTA * REGION))
	make_dm before "0 $((LOOP * REGION)) linear /dev/mapper/cc 0"
	make_dm after "0 $((LOOP * REGION)) linear /dev/mapper/cc $((LOOP * REGION))"
	loops before 6 "$2"
	corcache_settle cc
	hits=$(corcache_stat cc hits)
	start_trace
	loops after 5 "$2"
	end_trace
	hits=$(($(corcache_stat cc hits) - hits))
	result evict "$test" corcache "$3" hits "$(ratio "$hits" "$ios" 100)"
	result evict "$test" corcache "$3" full "$(ratio "$FULL" $((ADMITTED + FULL)) 100)"
	result evict "$test" corcache "$3" admissions "$(ratio $((ADMITTED + FULL)) "$ns" 1000000000)"
	result evict "$test" corcache "$3" flushes "$(ratio "$FLUSHES" "$ns" 1000000000)"
	note "$test: $hits hits of $ios, $ADMITTED admitted, $FULL found no slot, $FLUSHES flushes in $((ns / 1000000)) ms"
	remove_all
}

main() {
	local delay depth r
	load_modules
	ram_disks 2 72
	fill_origin /dev/ram1 64
	make_dm remote "0 $ORIGIN_SECTORS delay /dev/ram1 0 4"
	for delay in $DELAYS; do
		for depth in $TESTS; do
			for ((r = 1; r <= ROUNDS; r++)); do
				shift_case "$delay" "$depth" "$r"
			done
		done
	done
}

main
