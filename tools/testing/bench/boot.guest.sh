#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.guest.sh - a recorded boot, read again through plain NBD and through corcache, cold, warm and 64 at once.
#
# The remote is nbdkit's pattern (remote.guest.sh) as large as the image that was booted, so what is read is verified;
# of several readers, the first one's.
# Reads follow one another as fast as they are answered, with O_DIRECT: what a guest with cache=none would do.
#
# Environment (beyond lib.guest.sh's):
#   BENCH_IO     corcache_io, the reading tool of the selftests
#   BENCH_TRACE  the trace
#   CONTENDERS   nbd corcache corcache-crc, or some of them
#   DELAYS       of the remote, words; default "0.2ms 1ms 5ms 20ms"
#   TESTS        boot many, or one of them
#   READERS      default 64
#   MANY_DELAY   for them; default 5ms: the readers share this machine's processors, and a nearer remote would have
#                answered before these are done
#
# Figures: "s" and, when cold, "bytes", read of the remote.
#   boot-cold-DELAY        in each round, for 5 ms and more in the first one only
#   boot-warm-CONTENDER    corcache again, after the cold boot at the first delay, in turns with "local": dm-linear on
#                          a RAM disk with the same data
#   boot-MANY_DELAY-1, boot-MANY_DELAY-READERS  cold, one reader, and so many threads that start at the same moment;
#                          nbd-cached: plain NBD with the page cache between
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.guest.sh
. "$here/lib.guest.sh"
# shellcheck source=peers.guest.sh
. "$here/peers.guest.sh"
# shellcheck source=remote.guest.sh
. "$here/remote.guest.sh"

: "${BENCH_IO:?}" "${BENCH_TRACE:?}"
CONTENDERS=${CONTENDERS:-nbd corcache corcache-crc}
DELAYS=${DELAYS:-0.2ms 1ms 5ms 20ms} TESTS=${TESTS:-boot many} READERS=${READERS:-64} MANY_DELAY=${MANY_DELAY:-5ms}
IMAGE_BYTES=$((8 << 30))
# Also of the RAM disk that is as large as the image; of all of them only what is used takes memory.
CACHE_MIB=$((IMAGE_BYTES >> 20))
# How the boot is read.
readers=1 how=()
# A warm boot takes a fraction of a second: the median of this many.
WARM=7

value() { sed -n "s/.*\b$2=\([0-9.]*\).*/\1/p" <<< "$1"; }

# replay DEVICE: sets taken, seconds
replay() {
	local said
	said=$("$BENCH_IO" replay "$BENCH_TRACE" "$1" --threads "$readers" --trust "${how[@]}") || die "the boot from $1 went wrong: $said"
	taken=$(value "$said" seconds)
	distinct=$(value "$said" distinct_bytes)
}

# Extents that the trace touches, in whole pieces of 64 KiB: lines "OFFSET LENGTH", in that unit.
touched() {
	awk -F, 'NR > 1 { for (p = int($2 / 65536); p * 65536 < $2 + $3; p++) print p }' "$BENCH_TRACE" | sort -nu |
		awk 'NR > 1 && $1 == from + n { n++; next } NR > 1 { print from, n } { from = $1; n = 1 } END { print from, n }'
}

make_local() {
	local from n
	ram_next
	while read -r from n; do
		dd if="$REMOTE" of="$RAM" bs=64k skip="$from" seek="$from" count="$n" iflag=direct oflag=direct status=none
	done < <(touched)
	front_dm local "0 $REMOTE_SECTORS linear $RAM 0"
}

up() { # CONTENDER DELAY
	remote_up "$2" $IMAGE_BYTES 512 "$1"
	front_up "$1"
	echo 3 > /proc/sys/vm/drop_caches
	sleep 0.2
}

# What the remote's device and the target count must be one boot.
check_boot() { # CONTENDER BYTES
	case $1 in corcache*) ;; *) return 0 ;; esac
	[ "$2" = "$distinct" ] || die "$1 has read $2 bytes of the remote for a boot of $distinct"
	[ "$(corcache_stat "$1" origin_bytes)" = "$2" ] || die "$1 says that it has read $(corcache_stat "$1" origin_bytes), not $2"
}

cold() { # TEST CONTENDER ROUND
	local bytes
	bytes=$(remote_bytes)
	replay "$DEVICE"
	bytes=$(($(remote_bytes) - bytes))
	result boot "$1" "$2" "$3" s "$taken"
	result boot "$1" "$2" "$3" bytes "$bytes"
	check_boot "$2" "$bytes"
}

warm() { # CONTENDER ROUND
	local cached=$DEVICE i
	corcache_settle "$1"
	make_local
	for ((i = 0; i < WARM; i++)); do
		replay "$DEVICE"
		result boot "boot-warm-$1" local "$2" s "$taken"
		replay "$cached"
		result boot "boot-warm-$1" "$1" "$2" s "$taken"
	done
}

test_boot() { # DELAY ROUND
	local c
	case $1 in 5ms | 20ms) [ "$2" = 1 ] || return 0 ;; esac
	for c in $CONTENDERS; do
		up "$c" "$1"
		cold "boot-cold-$1" "$c" "$2"
		case $c in corcache*) [ "$1" != "${DELAYS%% *}" ] || warm "$c" "$2" ;; esac
		front_down
	done
}

test_many() { # ROUND
	local c
	for c in $CONTENDERS nbd-cached; do
		how=()
		[ "$c" != nbd-cached ] || how=(--buffered)
		for readers in 1 "$READERS"; do
			up "${c%-cached}" "$MANY_DELAY"
			cold "boot-$MANY_DELAY-$readers" "$c" "$1"
			front_down
		done
	done
	how=() readers=1
}

main() {
	local r d
	load_modules
	touch_memory
	for ((r = 1; r <= ROUNDS; r++)); do
		if [[ " $TESTS " = *' boot '* ]]; then
			for d in $DELAYS; do
				note "round $r of $ROUNDS: a boot at $d"
				test_boot "$d" "$r"
			done
		fi
		if [[ " $TESTS " = *' many '* ]]; then
			note "round $r of $ROUNDS: $READERS boots at $MANY_DELAY"
			test_many "$r"
		fi
	done
}

main
