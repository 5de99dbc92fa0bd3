#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# nowait.guest.sh - reads through io_uring, which first asks not to wait: all hits, then all misses.
#
# A target without DM_TARGET_NOWAIT makes io_uring hand each read to a worker; dm-cache is one, and shows what that costs.
# Figures: "iops" and "worker_share", the part of the reads that went to a worker (io_uring's tracepoint).
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.guest.sh
. "$here/lib.guest.sh"
# shellcheck source=peers.guest.sh
. "$here/peers.guest.sh"

CONTENDERS=${CONTENDERS:-raw linear corcache corcache-crc dm-cache}
declare -A makers=([raw]=make_raw [linear]=make_linear [corcache]=make_corcache_plain [corcache-crc]=make_corcache_crc
	[dm-cache]=make_dm_cache)
TRACING=/sys/kernel/tracing
SECONDS_EACH=3

declare -A devices=()
measured=()

# fio_field JSON FIELD: of the one job's reads
fio_field() { sed -n "s/^ *\"$2\" : \([0-9.]*\),\{0,1\}$/\1/p" "$1" | sed -n 1p; }

# Once and for all: under emulation with several processors, kernel code that is patched while it runs can kill the guest.
start_counting() {
	mountpoint -q $TRACING || mount -t tracefs none $TRACING
	[ -e $TRACING/events/io_uring ] || die "this kernel has no tracepoints of io_uring"
	# else the scheduler's tracepoints are enabled as well
	echo 0 > $TRACING/options/record-cmd
	echo 1 > $TRACING/events/io_uring/io_uring_queue_async_work/enable
	at_end eval "echo 0 > $TRACING/events/io_uring/io_uring_queue_async_work/enable"
}

# Events so far, those included that the buffer has no room for any more.
handed_over() { awk '/^(entries|overrun):/ { n += $2 } END { print n + 0 }' $TRACING/per_cpu/cpu*/stats; }

uring() { # DEVICE DEPTH [fio arguments]: sets iops and share
	local device=$1 depth=$2 json=$BENCH_TMP/fio.json reads before
	shift 2
	before=$(handed_over)
	fio --name=uring --filename="$device" --readonly --direct=1 --ioengine=io_uring --iodepth="$depth" --rw=randread \
		--bs=4k --size="${SIZE_MIB}M" --randseed="$SEED" --thread --output-format=json --output="$json" "$@" ||
		die "fio fails on $device: $(head -c 2000 "$json")"
	iops=$(fio_field "$json" iops)
	reads=$(fio_field "$json" total_ios)
	share=$(awk -v n="$(($(handed_over) - before))" -v all="$reads" 'BEGIN { printf "%.4f", n / all }')
}

measure_hits() {
	local r c depth
	for ((r = 1; r <= ROUNDS; r++)); do
		for depth in 1 32; do
			for c in "${measured[@]}"; do
				uring "${devices[$c]}" $depth --time_based --runtime=$SECONDS_EACH
				result nowait "hit-qd$depth" "$c" "$r" iops "$iops"
				result nowait "hit-qd$depth" "$c" "$r" worker_share "$share"
			done
		done
	done
}

# Each block once: all of them are misses, which go to a worker and are answered there.
measure_misses() {
	local r
	for ((r = 1; r <= ROUNDS; r++)); do
		dmsetup message corcache 0 evict_all
		uring "${devices[corcache]}" 16 --io_size=16M
		result nowait miss-qd16 corcache "$r" iops "$iops"
		result nowait miss-qd16 corcache "$r" worker_share "$share"
		corcache_settle corcache
	done
}

main() {
	local c
	command -v fio > /dev/null || die "fio is not installed"
	load_modules
	start_counting
	ram_disks 20 $((SIZE_MIB * 2))
	fill_origin /dev/ram0 "$SIZE_MIB"
	for c in $CONTENDERS; do
		DEVICE=''
		${makers[$c]} || continue
		devices[$c]=$DEVICE
		measured+=("$c")
	done
	measure_hits
	[[ " $CONTENDERS " != *" corcache "* ]] || measure_misses
}

main
