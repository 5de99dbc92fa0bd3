#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bench.sh [run|check|record] - what reads through corcache cost, beside everybody else: `make bench`, `make bench-check`.
#
#   run     all parts, each in a guest of its own, all contenders of a part in the same boot and in turns; then the
#           table of what was promised and what was measured, and plots
#   check   instructions per hit, in a minute, against those in instructions.json: KTAP, fails above +3 %
#   record  measure them anew, and write that file
#
# Parts, and where they run: QEMU that counts instructions (icount, figures repeat to the digit), QEMU with two
# processors (smp), User Mode Linux (uml: near native, one processor; times are noisy, so ratios within a boot count):
#
#   hit-icount hit-uml hit-smp   reads that the cache answers
#   nowait-smp                   the same through io_uring, which asks not to wait
#   miss-icount                  cold reads of a remote that takes no processor time
#   miss-smp miss-uml            reads of a remote over NBD, cold; miss-uml also again, and of all contenders
#   boot-uml                     a real boot, at four distances; 64 readers of it
#   grow-icount grow-uml         size of cache and origin; activation, memory, commits
#   evict-icount                 free slots in time, with flushes that take 0 and 5 ms
#
# Environment: ONLY=REGEX, the parts whose name matches; ROUNDS (3; 5 for hit-uml, 9 for hit-smp, 1 for grow), how often;
# CONTENDERS, TESTS: words, passed to the parts; SEED; HOST=1: no guests, on this machine's kernel, which must be able to
# load modules (the parts run as hit, nowait, miss, boot); RECORD=1: `run` writes table and plots into
# Documentation/dm-corcache.
#
# Results: build/bench/results.json, and each part's raw lines in build/bench/PART/results.jsonl. A part that is not run
# keeps what it had. Exit status: 0, 1 on failure (check: a figure is too high), 4 the kernel cannot be had.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
vm=$top/tools/testing/vm
export CORCACHE_BUILD=${CORCACHE_BUILD:-$top/build}
out=$CORCACHE_BUILD/bench
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

PARTS='hit-icount hit-uml hit-smp nowait-smp miss-icount miss-smp miss-uml boot-uml grow-icount grow-uml evict-icount'
HOST_PARTS='hit-host nowait-host miss-host boot-host'
SMP_CONTENDERS='raw linear corcache corcache-crc dm-cache dm-clone bcache'
# No servers where instructions are counted: theirs would be counted, too.
ICOUNT_CONTENDERS='raw linear corcache corcache-crc corcache-run4 corcache-run1 dm-cache dm-clone dm-clone-half bcache'
CHECK_CONTENDERS='linear corcache corcache-crc corcache-run1'
TIME_LIMIT=3000

ONLY=${ONLY:-.} SEED=${SEED:-1}
check_settings=()

say() { echo "# $*"; }
die() {
	echo "bench.sh: $*" >&2
	exit 1
}
usage() { sed -n '3,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; }

# ---- one part ------------------------------------------------------------------

# What the guest of PART is told, besides what the user says: lines for the arrays of run_part.
part_options() { # PART
	case $1 in
	hit-icount) options=(-I -m 4G) settings=(CONTENDERS="${CONTENDERS:-$ICOUNT_CONTENDERS}") ;;
	hit-uml) options=(-m 4G) settings=(ROUNDS="${ROUNDS:-5}" TARGET_NS=500000000 WARM_UP=1) ;;
	hit-smp) options=(-c 2 -m 4G)
		settings=(ROUNDS="${ROUNDS:-9}" CONTENDERS="${CONTENDERS:-$SMP_CONTENDERS}" TESTS="${TESTS:-4k-qd32-1job 4k-qd32-2jobs}") ;;
	miss-icount) options=(-I -I -m 4G) settings=(ROUNDS="${ROUNDS:-1}" TESTS="${TESTS:-timer-qd1 timer-qd16}"
		CONTENDERS="${CONTENDERS:-nbd corcache corcache-crc corcache-delay corcache-busy}") ;;
	miss-smp) options=(-c 2 -m 4G) settings=(CONTENDERS="${CONTENDERS:-nbd corcache corcache-crc}"
		TESTS="${TESTS:-sparse-qd1 sparse-qd16 seq-buffered seq-far seq-1m}") ;;
	evict-icount) options=(-I -I -m 2G) settings=(ROUNDS="${ROUNDS:-1}") ;;
	grow-icount) options=(-I -m 4G) settings=(ROUNDS="${ROUNDS:-1}") ;;
	grow-uml) options=(-m 4G) settings=(ROUNDS="${ROUNDS:-1}") ;;
	*-smp) options=(-c 2 -m 4G) settings=() ;;
	*) options=(-m 4G) settings=() ;;
	esac
}

# The commands that a part's kernel needs to have built, and where they are: BENCH_KO, CORCACHE_KO, CLONE_KO.
prepare() { # KERNEL
	BENCH_KO=$("$vm/build.sh" -k "$1" -S "$here/biobench" | tail -n 1) || return
	"$vm/build.sh" -k "$1" > /dev/null || return
	CLONE_KO=''
	[[ $1 != 6.1 || ${CONTENDERS:-dm-clone} != *dm-clone* ]] || CLONE_KO=$("$here/tools.sh" clone) || CLONE_KO=''
}

# Environment of a guest script, one VAR=VALUE a line.
settings_of() { # KIND
	printf '%s\n' BENCH_KIND="$1" BENCH_KO="$BENCH_KO" CLONE_KO="$CLONE_KO" BENCH_TOOLS="$tools" SEED="$SEED" \
		CORCACHE_IO="$CORCACHE_BUILD/selftests/corcache_io" BENCH_IO="$CORCACHE_BUILD/selftests/corcache_io" \
		BENCH_TRACE="$top/tools/testing/traces/debian12-boot.csv"
	[ -z "${ROUNDS:-}" ] || echo ROUNDS="$ROUNDS"
	[ -z "${CONTENDERS:-}" ] || echo CONTENDERS="$CONTENDERS"
	[ -z "${TESTS:-}" ] || echo TESTS="$TESTS"
	printf '%s\n' "${settings[@]}" "${check_settings[@]}"
}

run_part() { # PART [DIR]
	local part=$1 dir=${2:-$out/$1} kernel=6.1 options=() settings=() environment=() line status=0
	local kind=${part##*-} script=$here/${part%-*}.guest.sh
	[ "$kind" != uml ] || kernel=uml
	# some callers look at the status: then nothing ends by itself
	prepare "$kernel" || return
	part_options "$part"
	rm -rf "$dir"
	mkdir -p "$dir"
	while IFS= read -r line; do
		[ -z "$line" ] || environment+=(-e "$line")
	done < <(settings_of "$kind")
	"$vm/run.sh" -k "$kernel" "${options[@]}" -L -t $TIME_LIMIT -o "$dir" "${environment[@]}" -- "$script" \
		> "$dir/log" 2>&1 || status=$?
	[ "$status" = 0 ] || { tail -n 20 "$dir/log" >&2; return "$status"; }
}

run_part_on_host() { # PART
	local part=$1 dir=$out/$1 settings=() environment=() line
	rm -rf "$dir"
	mkdir -p "$dir"
	while IFS= read -r line; do
		[ -z "$line" ] || environment+=("$line")
	done < <(settings_of host)
	env "${environment[@]}" LAB_OUT="$dir" LAB_KIND=host CORCACHE_KO="$CORCACHE_KO" \
		"$here/${part%-*}.guest.sh" > "$dir/log" 2>&1 || { tail -n 20 "$dir/log" >&2; return 1; }
}

# ---- run -------------------------------------------------------------------------

check_host() {
	local release
	release=$(uname -r)
	[ -e /proc/modules ] || die "HOST=1: this machine's kernel ($release) cannot load modules; run without HOST=1"
	KDIR=${KDIR:-/lib/modules/$release/build}
	[ -e "$KDIR/Makefile" ] || die "HOST=1: no headers for kernel $release in $KDIR: apt-get install linux-headers-$release"
	make -s -C "$top" modules KDIR="$KDIR" > "$out/build.log" 2>&1 || die "the module does not build; log in $out/build.log"
	rm -rf "$out/biobench"
	cp -r "$here/biobench" "$out/biobench"
	make -s -C "$KDIR" M="$out/biobench" modules > "$out/build.log" 2>&1 ||
		die "biobench does not build; log in $out/build.log"
	CORCACHE_KO=$top/drivers/md/dm-corcache/dm-corcache.ko BENCH_KO=$out/biobench/corcache-biobench.ko CLONE_KO=''
}

# What the figures were taken on: of no use without.
machine() {
	local cpu
	cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | sed -n 1p)
	cat <<- E
		{"cpu": "${cpu:-unknown}", "processors": $(nproc), "memory_mib": $(($(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo) / 1024)),
		 "host_kernel": "$(uname -r)", "qemu": "$(qemu-system-x86_64 --version 2> /dev/null | sed -n '1s/.*version \([0-9.]*\).*/\1/p')",
		 "accelerator": "${accelerator:-none}", "commit": "$(git -C "$top" describe --always --dirty 2> /dev/null || echo unknown)",
		 "date": "$(date -u +%F)", "seed": $SEED}
	E
}

run() {
	local part failed=0 start parts=$PARTS
	mkdir -p "$out"
	"$vm/deps.sh" kernel vm build test bench >&2
	make -s -C "$top/tools/testing/selftests/dm-corcache" > /dev/null
	tools=$("$here/tools.sh" bcache) || tools=''
	if [ "${HOST:-0}" = 1 ]; then
		parts=$HOST_PARTS
		check_host
	else
		eval "$("$vm/kernel.sh" 6.1)"
		accelerator=$("$vm/accel.sh" "$KIMAGE" "$INITRD")
		# also brings the source of dm-clone
		"$vm/kernel.sh" uml > /dev/null
	fi
	for part in $parts; do
		[[ $part =~ $ONLY ]] || continue
		start=$SECONDS
		if [ "${HOST:-0}" = 1 ]; then run_part_on_host "$part"; else run_part "$part"; fi || failed=1
		say "$part: $((SECONDS - start)) s"
	done
	machine > "$out/machine.json"
	"$here/report.py" --dir "$out" ${RECORD:+--record "$top/Documentation/dm-corcache"} || failed=1
	exit $failed
}

# ---- check -----------------------------------------------------------------------

# Guests of this size, and a short run of each: the count of one read does not depend on it.
count_instructions() {
	local tools=''
	"$vm/deps.sh" kernel vm build test >&2
	make -s -C "$top/tools/testing/selftests/dm-corcache" > /dev/null
	# shellcheck disable=SC2034 # settings of the part
	CONTENDERS=${CONTENDERS:-$CHECK_CONTENDERS} ROUNDS=1 TESTS=${TESTS:-4k-qd1 4k-qd32 64k-qd1 1m-qd1 512-qd1 512-qd32}
	check_settings=(TARGET_NS=50000000 SIZE_MIB=32)
	run_part hit-icount "$out/check"
}

case ${1:-run} in
run) run ;;
check)
	count_instructions || exit $?
	exec "$here/report.py" --dir "$out/check" --check "$here/instructions.json"
	;;
record)
	count_instructions || exit $?
	exec "$here/report.py" --dir "$out/check" --write "$here/instructions.json"
	;;
-h | --help) usage ;;
*) usage >&2; exit 1 ;;
esac
