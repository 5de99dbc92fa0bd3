# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lib.guest.sh - what the guest scripts of the benchmarks share; sourced by them.
#
# They run as root, in a guest of the lab or (make bench HOST=1) on the machine itself, started by bench.sh, which sets
#   LAB_OUT      where results go
#   LAB_KIND     qemu, uml or host
#   BENCH_KIND   icount: times are instructions; uml, smp, host: nanoseconds
#   BENCH_KO     corcache-biobench.ko; CORCACHE_KO the module itself; CLONE_KO dm-clone, where the kernel has none
#   BENCH_TOOLS  a directory with what Debian's bcache-tools holds
#   ROUNDS       how often each figure is taken; contenders take turns in each
#   SEED         for random choices
#   CORCACHE_IO  the selftests' tool, which reads the status line and writes full tables
#
# Results are lines of JSON in $LAB_OUT/results.jsonl, one per figure: part, kind, test, contender, round, unit, value.
# RAM disks: /dev/ram0 is the origin where it is local, filled with random bytes; ram_next gives out the others.
set -euo pipefail
shopt -s inherit_errexit

BENCH_RUN=/sys/module/corcache_biobench/parameters/run
BENCH_TMP=$(mktemp -d /tmp/corcache-bench.XXXXXX)
: "${CORCACHE_IO:?}"
ROUNDS=${ROUNDS:-3} SEED=${SEED:-1}
# Of the local origin; each RAM disk is twice as large.
SIZE_MIB=${SIZE_MIB:-128}
# shellcheck disable=SC2034 # for the scripts
SECTORS=$((SIZE_MIB * 2048))
export DM_DISABLE_UDEV=1 PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:${BENCH_TOOLS:-/nonexistent}/sbin:${BENCH_TOOLS:-/nonexistent}/usr/sbin

ram_used=0

note() { printf '[%s] %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$*"; }
die() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

# result PART TEST CONTENDER ROUND UNIT VALUE
result() {
	printf '{"part": "%s", "kind": "%s", "test": "%s", "contender": "%s", "round": %d, "unit": "%s", "value": %s}\n' \
		"$1" "$BENCH_KIND" "$2" "$3" "$4" "$5" "$6" >> "$LAB_OUT/results.jsonl"
}

# ---- the end ---------------------------------------------------------------------

# at_end COMMAND...: a guest is thrown away as it is; on a machine that goes on, whatever was made goes, the last first.
undo=()
at_end() { undo+=("$(printf '%q ' "$@")"); }

# shellcheck disable=SC2317 # called by trap
cleanup() {
	local i
	set +e
	if [ "${LAB_KIND:-}" = host ]; then
		for ((i = ${#undo[@]} - 1; i >= 0; i--)); do eval "${undo[i]}"; done > /dev/null 2>&1
	fi
	rm -rf "$BENCH_TMP"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# ---- modules and devices -----------------------------------------------------

has_target() { [ "$(dmsetup targets | grep -c "^$1 ")" != 0 ]; }

load_modules() {
	local m
	# The checksum's fast version is a module of its own, which who asks for "crc32c" first does not wait for.
	modprobe -q crc32c_intel || true
	for m in libcrc32c dm-mod dm-cache dm-cache-smq dm-clone dm-delay dm-flakey loop; do
		modprobe -q "$m" || true
	done
	modprobe -q nbd nbds_max=16 max_part=0 || true
	mkdir -p /dev/mapper
	has_target clone || [ -z "${CLONE_KO:-}" ] || insmod "$CLONE_KO"
	if ! has_target corcache; then
		insmod "$CORCACHE_KO"
		at_end rmmod dm_corcache
	fi
	insmod "$BENCH_KO"
	at_end rmmod corcache_biobench
}

# ram_disks NUMBER MIB: all that were there are gone, with what was in them
ram_disks() {
	if [ "$ram_used" != 0 ]; then
		! grep -q '^brd ' /proc/modules || rmmod brd
	elif grep -q '^brd ' /proc/modules; then
		die "brd is loaded already: somebody may have something on the RAM disks"
	else
		at_end rmmod brd
	fi
	modprobe brd rd_nr="$1" rd_size=$(($2 * 1024)) max_part=1
	ram_used=1
}

# The next RAM disk that nobody has; its name in RAM.
ram_next() {
	RAM=/dev/ram$ram_used
	[ -b "$RAM" ] || die "no RAM disk is left: $ram_used are in use"
	ram_used=$((ram_used + 1))
}

# 8 MiB of random bytes, again and again: the content does not matter, but that it is not zero does.
fill_origin() { # DEVICE MIB
	head -c $((8 << 20)) /dev/urandom > "$BENCH_TMP/random"
	for ((i = 0; i < $2; i += 8)); do cat "$BENCH_TMP/random"; done |
		dd of="$1" bs=1M iflag=fullblock oflag=direct count="$2" status=none
}

copy_device() { dd if="$1" of="$2" bs=1M count="$SIZE_MIB" iflag=direct oflag=direct status=none; }

make_dm() { # NAME TABLE [dmsetup arguments]
	local name=$1 table=$2
	shift 2
	dmsetup create "$name" "$@" --table "$table"
	at_end dmsetup remove --retry "$name"
	dmsetup mknodes "$name"
}

# ---- biobench ----------------------------------------------------------------

# reads DEVICE COUNT DEPTH BYTES ORDER SPAN JOBS [LATENCY]: sets ios, ns and errors, or also p50_ns and p99_ns
reads() {
	local answer
	echo "$1 $2 $3 $4 $5 $6 $7 ${8:-0}" > $BENCH_RUN
	answer=$(< $BENCH_RUN)
	eval "$answer"
	# shellcheck disable=SC2154 # set by that
	[ "$errors" = 0 ] || die "$errors of $ios reads of $1 failed"
}

# ns_per_io DEVICE DEPTH BYTES ORDER SPAN JOBS: prints it, with two decimals. A short run tells how many fill TARGET_NS.
ns_per_io() {
	local device=$1 depth=$2 bytes=$3 order=$4 span=$5 jobs=$6 target=${TARGET_NS:-200000000} count ios=0 ns=0
	reads "$device" 200 "$depth" "$bytes" "$order" "$span" "$jobs"
	count=$((target / (ns / ios + 1) / jobs + 1))
	reads "$device" "$count" "$depth" "$bytes" "$order" "$span" "$jobs"
	printf '%d.%02d' $((ns / ios)) $((ns * 100 / ios % 100))
}

# ---- corcache ----------------------------------------------------------------

# make_corcache NAME CACHE ORIGIN SECTORS REGION [features and core arguments]
make_corcache() {
	local name=$1 cache=$2 origin=$3 sectors=$4 region=$5
	shift 5
	make_dm "$name" "0 $sectors corcache $cache $origin $region $*" --readonly --uuid "CORCACHE-$name"
}

# corcache_stat NAME [FIELD]: a value of the status line, by the names that the selftests' tool has; without FIELD all
corcache_stat() { "$CORCACHE_IO" status "$@" || die "no ${2:-status} of $1"; }

# Until all that was read is in the cache.
corcache_settle() { "$CORCACHE_IO" settle "$1" --seconds 60 || die "the fills of $1 do not end"; } # NAME
