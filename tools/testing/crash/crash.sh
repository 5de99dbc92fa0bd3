#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# crash.sh [OPTION...] [run|check|again DIR STATE|hostile] - plays what a crash may leave of a cache, at every write.
#
# A busy run (fills, evictions and slots that are used again, quota changes, commits, reloads; formatting before) goes
# over a cache device that stands on dm-log-writes. Afterwards each flush of the log, and random parts of what had not
# been flushed, whole writes or single sectors of them, makes a state of the device; it is activated, all of it is
# read and compared with the origin, and what was durable by the test's own journal must be a hit.
#
#   run      play STATES states (default); what was found is kept, with the command that plays it again
#   check    the same as KTAP, and the proof that it would find something: with each of the faults of
#            drivers/md/dm-corcache/break.h built in on purpose, it must
#   again    play one state that a run has kept; DIR is what it named
#   hostile  no crashes: STATES good cache devices get hostile superblocks and table sectors, most with checksums that
#            fit, and are activated, read and used
#
#   -k KERNEL  a kernel of the lab, default uml
#   -n STATES  how many, default 2000
#   -s SEED    default: a random one, which is printed. It repeats the choices, not the order in which the writes of a
#              recording happen to complete
#   -b FAULT   with this fault built in
#   -o DIR     for the guest's logs and what was found, default build/crash/out
#
# ONLY=n in the environment: only the device of that number (hostile).
# Exit status: 0 nothing found (check: all as it should be), 1 something found, 2 it could not be tried, 4 the kernel
# cannot be had.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../vm
top=$(cd "$here/../../.." && pwd)
export CORCACHE_BUILD=${CORCACHE_BUILD:-$top/build}

kernel=uml states=2000 seed=$((RANDOM * 32768 + RANDOM)) fault='' out=''
only=${ONLY:-}

usage() {
	sed -n '3,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
}

# guest KO OUTDIR VAR=VALUE...: crash.guest.sh in a guest
guest() {
	local ko=$1 out=$2 options=() v
	shift 2
	for v in "CORCACHE_KO=$ko" "CRASH_TOOL=$CORCACHE_BUILD/crash/corcache_crash" "$@"; do
		options+=(-e "$v")
	done
	# The tool says every ten seconds how far it has come: silence is what ends a guest, and slow it may be. Beside others
	# an emulated one has taken ten times as long as alone.
	"$vm/run.sh" -k "$kernel" -q 180 -t $((3600 + states)) -o "$out" "${options[@]}" -- "$here/crash.guest.sh"
}

build() { # FAULT|''
	"$vm/build.sh" -k "$kernel" ${1:+-b "$1"} | tail -n 1
}

# Plays, prints what the guest prints. Status: as above.
play() { # FAULT|'' VAR=VALUE...
	local ko status=0 dir=${out:-$CORCACHE_BUILD/crash/out}${1:+-$1}
	ko=$(build "$1") || status=$?
	# whatever a build ends with, nothing was found by it
	[ $status = 0 ] || return $((status == 4 ? 4 : 2))
	rm -rf "$dir"
	guest "$ko" "$dir" "SEED=$seed" "STATES=$states" "${@:2}" || status=$?
	case $status in
	0 | 1 | 4) return $status ;;
	*) return 2 ;;
	esac
}

hostile() {
	play "$fault" "HOSTILE=$states" ${only:+"ONLY=$only"}
}

cases=0 failed=0
verdict() { # STATUS DESCRIPTION
	cases=$((cases + 1))
	if [ "$1" = 0 ]; then
		echo "ok $cases $2"
	else
		echo "not ok $cases $2"
		failed=1
	fi
}

check() {
	local status=0 name nr every=''
	echo "KTAP version 1"
	echo "# SEED=$seed kernel $kernel"
	play '' | sed 's/^/# /' || status=$?
	[ "$status" != 4 ] || exit 4
	verdict "$status" crash_replay
	# A fault that needs a rare turn may not show in as many states. It ends with the first one that shows it. A commit fails
	# in every third recording only, see record.c: the others cannot show what that does.
	states=$((states * 4))
	while read -r name nr; do
		status=0
		if [ "$name" = again ]; then every=3; else every=""; fi
		play "$nr" STOP=1 ${every:+"EVERY=$every"} < /dev/null | sed 's/^/# /' || status=$?
		# found: as it should be
		verdict $((status == 1 ? 0 : 1)) "crash_replay_finds_$name"
	done < <(sed -n 's/^#define CORCACHE_BREAK_\([A-Z]*\)[[:space:]]*\([0-9]\).*/\L\1 \2/p' \
		"$top/drivers/md/dm-corcache/break.h")
	echo "1..$cases"
	[ $cases -ge 4 ] || failed=1
	return $failed
}

main() {
	local o
	while getopts k:n:s:b:o:h o; do
		case $o in
		k) kernel=$OPTARG ;;
		n) states=$OPTARG ;;
		s) seed=$OPTARG ;;
		b) fault=$OPTARG ;;
		o) out=$OPTARG ;;
		h) usage; exit 0 ;;
		*) usage >&2; exit 2 ;;
		esac
	done
	shift $((OPTIND - 1))
	for o in "$states" "$seed"; do
		[[ $o =~ ^[0-9]+$ ]] || { echo "crash.sh: '$o' is not a number (-n, -s)" >&2; exit 2; }
	done
	"$vm/deps.sh" test crash >&2
	make -s -C "$here"
	case ${1:-run} in
	run)
		echo "SEED=$seed kernel $kernel"
		play "$fault"
		;;
	check) check ;;
	hostile)
		echo "SEED=$seed kernel $kernel"
		hostile
		;;
	again)
		[ $# = 3 ] || { usage >&2; exit 2; }
		rm -rf "$CORCACHE_BUILD/crash/again"
		cp -r "$2" "$CORCACHE_BUILD/crash/again"
		play "$fault" "AGAIN=$CORCACHE_BUILD/crash/again" "ONLY=$3"
		;;
	*) usage >&2; exit 2 ;;
	esac
}

main "$@"
