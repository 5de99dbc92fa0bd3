#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# miss.guest.sh - what a read costs that the cache cannot answer, and how often the remote is read: all contenders
# before the same remote (remote.guest.sh), each cold at the start of each test, in turns.
#
# Environment (beyond lib.guest.sh's):
#   CONTENDERS TESTS   words, a choice of those below
#   DELAY_MS           of the remote; default 1
#   PEERS              rounds in which the others than nbd and corcache take part in the tests of time; default 1
#
# Tests of time, with figures "s" and, where each read is timed, "p50_ns" and "p99_ns":
#   dense-qd1 dense-qd16     4 KiB blocks that fill 64 MiB, each once, in a mixed order
#   sparse-qd1 sparse-qd16   as many of those of 1 GiB
#   seq-buffered             128 MiB through the page cache, read ahead as far as the device does by default
#   seq-far                  the same, but as far as SEQ_READAHEAD_KB
#   seq-1m                   128 MiB in direct reads of 1 MiB, one after another
#   timer-qd1 timer-qd16 timer-seq-far timer-seq-1m  as sparse and seq, but the remote is one that takes no time of this
#                            machine's processors; "raw" is the remote itself
# With two figures more, of the last run of each contender, "ratio": bytes read of the remote per byte asked for.
#
# bytes: 16384 blocks of 4 KiB that lie over 1 GiB, in a mixed order; once only, as nothing in it is left to chance but
# the peers' policies. Figures "s" and "ratio", per distinct byte asked for, of bytes-first and bytes-second, the first
# and the second pass, and of bytes-crash: a second pass after an unclean restart. For this the caches' devices are
# copied while they are in use, more than any commit interval after the first pass; all is removed then and set up on
# the copies (clients of their own: the file is copied, the program killed). The copy is what a power cut at that moment
# would have left. No read is under way then, so this is the friendly case.
# bytes-same: eight readers that want the same 2048 blocks at the same moment.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.guest.sh
. "$here/lib.guest.sh"
# shellcheck source=peers.guest.sh
. "$here/peers.guest.sh"
# shellcheck source=remote.guest.sh
. "$here/remote.guest.sh"

CONTENDERS=${CONTENDERS:-nbd corcache corcache-crc corcache-delay corcache-busy dm-cache dm-clone-4k dm-clone-64k bcache nbdkit-cache qcow2-4k qcow2-64k}
TESTS=${TESTS:-dense-qd1 dense-qd16 sparse-qd1 sparse-qd16 seq-buffered seq-far seq-1m bytes bytes-same}
DELAY_MS=${DELAY_MS:-1} PEERS=${PEERS:-1}
SEQ_MIB=128 SEQ_READAHEAD_KB=1024
REMOTE_BYTES=$((1 << 30))
# depth count span
declare -A scattered=(
	[dense-qd1]='1 1500 67108864' [dense-qd16]='16 10000 67108864'
	[timer-qd1]='1 1500 1073741824' [timer-qd16]='16 5000 1073741824'
	[sparse-qd1]='1 1500 1073741824' [sparse-qd16]='16 5000 1073741824')
pattern=''
BYTES_COUNT=16384 SAME_COUNT=2048 SAME_JOBS=8

seconds() { awk -v ns="$1" 'BEGIN { printf "%.4f", ns / 1e9 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f", a / b }'; }
now_ns() { date +%s%N; }
is_peer() { case $1 in nbd | corcache*) return 1 ;; esac }

# The remote's own count must be what the target says.
check_count() { # CONTENDER SINCE
	local said
	case $1 in corcache*) ;; *) return 0 ;; esac
	said=$(corcache_stat "$1" origin_bytes)
	[ "$said" = $(($(remote_bytes) - $2)) ] ||
		die "$1 says that it has read $said bytes, the remote's device $(($(remote_bytes) - $2))"
}

up() { # TEST CONTENDER
	case $1 in
	timer*)
		! is_own_client "$2" || return 1
		timer_up $((DELAY_MS * 1000000)) $REMOTE_BYTES || return 1
		;;
	*) remote_up "${DELAY_MS}ms" $REMOTE_BYTES 4096 "$2" ;;
	esac
	shift
	if front_up "$1"; then
		[ -b "$DEVICE" ] || die "$1 has no device"
		echo 3 > /proc/sys/vm/drop_caches
		sleep 0.2
		return 0
	fi
	front_down
	return 1
}

# Blocks once each; sets ns, p50_ns and p99_ns.
run_scattered() { # TEST
	# shellcheck disable=SC2086 # words
	set -- ${scattered[$1]}
	reads "$DEVICE" "$2" "$1" 4096 scattered "$3" 1 1
	asked=$(($2 * 4096))
}

run_buffered() { # KB
	local start
	echo "$1" > "/sys/dev/block/$(stat -L -c '%Hr:%Lr' "$DEVICE")/queue/read_ahead_kb"
	start=$(now_ns)
	dd if="$DEVICE" of=/dev/null bs=1M count=$SEQ_MIB status=none
	ns=$(($(now_ns) - start))
	asked=$((SEQ_MIB << 20))
}

run_1m() {
	reads "$DEVICE" $SEQ_MIB 1 $((1 << 20)) sequential $REMOTE_BYTES 1
	asked=$((SEQ_MIB << 20))
}

test_time() { # TEST CONTENDER ROUND
	local before name=$2
	p50_ns='' p99_ns=''
	case $1$2 in timer*nbd) name=raw ;; esac
	before=$(remote_bytes)
	case $1 in
	seq-buffered) run_buffered 128 ;;
	*seq-far) run_buffered $SEQ_READAHEAD_KB ;;
	*seq-1m) run_1m ;;
	*) run_scattered "$1" ;;
	esac
	result miss "$1" "$name" "$3" s "$(seconds "$ns")"
	if [ -n "$p50_ns" ]; then
		result miss "$1" "$name" "$3" p50_ns "$p50_ns"
		result miss "$1" "$name" "$3" p99_ns "$p99_ns"
	fi
	front_settle "$2"
	result miss "$1" "$name" "$3" ratio "$(ratio $(($(remote_bytes) - before)) "$asked")"
	check_count "$2" "$before"
}

# What is read in the time after it counts as well.
pass() { # TEST CONTENDER COUNT JOBS ORDER [SECONDS]
	local before
	before=$(remote_bytes)
	reads "$DEVICE" "$3" 16 4096 "$5" $REMOTE_BYTES "$4"
	front_settle "$2"
	sleep "${6:-0}"
	result miss "$1" "$2" 1 s "$(seconds "$ns")"
	result miss "$1" "$2" 1 ratio "$(ratio $(($(remote_bytes) - before)) $(($3 * 4096)))"
}

test_bytes() { # CONTENDER
	local start
	start=$(remote_bytes)
	# longer than corcache's second, and than dm-cache's and dm-clone's
	pass bytes-first "$1" $BYTES_COUNT 1 scattered 3
	check_count "$1" "$start"
	if [ "$1" = nbd ]; then
		pass bytes-second "$1" $BYTES_COUNT 1 scattered
		return 0
	fi
	front_snapshot "$1"
	pass bytes-second "$1" $BYTES_COUNT 1 scattered
	front_restart "$1" || die "$1 cannot be set up again"
	pass bytes-crash "$1" $BYTES_COUNT 1 scattered
}

test_same() { pass bytes-same "$1" $SAME_COUNT $SAME_JOBS same; }

# Nobody is measured who answers wrong. The pattern of an earlier contender serves those that have no device of it.
check_content() { # TEST CONTENDER
	local sum want=$pattern
	[ -z "$REMOTE" ] || want=$(dd if="$REMOTE" bs=1M count=4 skip=32 iflag=direct status=none | cksum)
	case $1 in timer*) ;; *) pattern=$want ;; esac
	sum=$(dd if="$DEVICE" bs=1M count=4 skip=32 iflag=direct status=none | cksum)
	[ -z "$want" ] || [ "$sum" = "$want" ] || die "$2 does not hold what the remote holds"
}

one() { # TEST CONTENDER ROUND
	case $1 in
	bytes*) [ "$3" = 1 ] || return 0 ;;
	*) ! is_peer "$2" || [ "$3" -le "$PEERS" ] || return 0 ;;
	esac
	up "$1" "$2" || return 0
	case $1 in
	bytes) test_bytes "$2" ;;
	bytes-same) test_same "$2" ;;
	*) test_time "$1" "$2" "$3" ;;
	esac
	check_content "$1" "$2"
	front_down
}

main() {
	local c t r
	load_modules
	touch_memory
	for ((r = 1; r <= ROUNDS; r++)); do
		for t in $TESTS; do
			note "round $r of $ROUNDS: $t"
			for c in $CONTENDERS; do one "$t" "$c" "$r"; done
		done
	done
}

main
