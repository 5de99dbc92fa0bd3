#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# hit.guest.sh - what a read costs that the cache answers: all contenders on RAM disks, in turns.
#
# Environment (beyond lib.guest.sh's): CONTENDERS, TESTS: words, a choice of those below. WARM_UP=1: a round before the
# others that does not count; in UML the first one takes up to ten times as long as the next, for everybody.
# Figures: "ns", per read; with BENCH_KIND=icount that is instructions. On several processors also with one and two
# jobs, whose ratio tells how the contender scales.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.guest.sh
. "$here/lib.guest.sh"
# shellcheck source=peers.guest.sh
. "$here/peers.guest.sh"

CONTENDERS=${CONTENDERS:-raw linear corcache corcache-crc corcache-run4 corcache-run1 dm-cache dm-clone dm-clone-half
	bcache nbdkit-cache qcow2 nbd}
declare -A makers=(
	[raw]=make_raw [linear]=make_linear [corcache]=make_corcache_plain [corcache-crc]=make_corcache_crc
	[corcache-run4]=make_corcache_run4 [corcache-run1]=make_corcache_run1
	[dm-cache]=make_dm_cache [dm-clone]='make_dm_clone clone 100' [dm-clone-half]='make_dm_clone clonehalf 50'
	[bcache]=make_bcache [nbdkit-cache]=make_nbdkit_cache [qcow2]=make_qcow2 [nbd]=make_nbd)
# depth bytes order jobs
declare -A tests=(
	[4k-qd1]='1 4096 random 1' [4k-qd32]='32 4096 random 1' [64k-qd1]='1 65536 random 1'
	[512-qd1]='1 512 random 1' [512-qd32]='32 512 random 1'
	[1m-qd1]='1 1048576 sequential 1' [1m-qd4]='4 1048576 sequential 1'
	[4k-qd32-1job]='32 4096 random 1' [4k-qd32-2jobs]='32 4096 random 2')
# Reads of 512 bytes are no whole blocks: with checksums they are bounced.
TESTS=${TESTS:-4k-qd1 4k-qd32 64k-qd1 1m-qd1 512-qd1 512-qd32}

declare -A devices=()
measured=()

# All of them hold the same bytes; the tests proper are elsewhere, this is to notice a contender that is not set up.
check_content() { # NAME
	local sum
	sum=$(dd if="${devices[$1]}" bs=1M count=16 iflag=direct status=none | cksum)
	: "${content:=$sum}"
	[ "$sum" = "$content" ] || die "$1 does not hold what the origin holds"
}

main() {
	local c t r span ns
	load_modules
	ram_disks 20 $((SIZE_MIB * 2))
	fill_origin /dev/ram0 "$SIZE_MIB"
	for c in $CONTENDERS; do
		note "making $c"
		DEVICE=''
		${makers[$c]} || continue
		devices[$c]=$DEVICE
		measured+=("$c")
		check_content "$c"
	done
	# Not the last MiB, of which bcache has taken some for itself.
	span=$(((SIZE_MIB - 1) << 20))
	for ((r = 1 - ${WARM_UP:-0}; r <= ROUNDS; r++)); do
		note "round $r of $ROUNDS"
		for t in $TESTS; do
			for c in "${measured[@]}"; do
				# shellcheck disable=SC2086 # words
				set -- ${tests[$t]}
				ns=$(ns_per_io "${devices[$c]}" "$1" "$2" "$3" "$span" "$4")
				[ "$r" = 0 ] || result hit "$t" "$c" "$r" ns "$ns"
			done
		done
	done
}

main
