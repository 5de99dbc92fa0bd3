#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# torture.sh - what takes too long for every `make check`: `make torture`.
#
#   crash replay    STATES states of crashes (100000), on UML; of them a fiftieth on Debian's kernel with two processors
#   power cuts      KILLS kills of a virtual machine (50)
#   hostile         DEVICES cache devices with hostile metadata (10000), on the debug kernel that is UML
#   fuzz            the parsers, FUZZ_SECONDS each (300)
#
# Environment: these figures; SEED (a random one, printed) repeats the choices; ONLY='crash kills hostile fuzz', a choice
# of the parts. Two parts run at a time.
# Output: KTAP; logs are in build/torture. Exit status: 0 all passed, 1 not.
# shellcheck disable=SC2317 # parts are run by name
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
export CORCACHE_BUILD=${CORCACHE_BUILD:-$top/build}
logs=$CORCACHE_BUILD/torture
STATES=${STATES:-100000} KILLS=${KILLS:-50} DEVICES=${DEVICES:-10000} FUZZ_SECONDS=${FUZZ_SECONDS:-300}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))} ONLY=${ONLY:-crash kills hostile fuzz}

number=0 failed=0
mkdir -p "$logs"

# part NAME COMMAND...: its output goes to a log, the lines that say how much was done are shown
part() {
	local name=$1 status=0 log=$logs/$1.log start=$SECONDS
	shift
	"$@" > "$log" 2>&1 < /dev/null || status=$?
	grep -E '^(total|mutated):|MiB were claimed|FOUND|^not ok| executions in ' "$log" | sed -n 1,20p | sed 's/^\(# \)\{0,1\}/# /' || true
	echo "$name $status $((SECONDS - start))" >> "$logs/results"
	echo "# $name: status $status after $((SECONDS - start)) s, log in $log"
}

smp_share=$(((STATES + 49) / 50))
crash() { part crash "$here/crash/crash.sh" -k uml -n $((STATES - smp_share)) -s "$SEED" -o "$logs/crash.out"; }
crash_smp() { part crash_smp "$here/crash/crash.sh" -k 6.1 -n "$smp_share" -s $((SEED + 1)) -o "$logs/crash_smp.out"; }
# The test takes the module and the tools as they are; in a fresh clone there are none.
power_cuts() {
	"$here/vm/build.sh" -k 6.1 && make -s -C "$here/selftests/dm-corcache" &&
		env KILLS="$KILLS" SEED="$SEED" "$here/selftests/dm-corcache/test_persist_kill.host.sh"
}
kills() { part kills power_cuts; }
hostile() { part hostile "$here/crash/crash.sh" -k uml-debug -n "$DEVICES" -s "$SEED" -o "$logs/hostile.out" hostile; }
fuzz() { part fuzz make -s -C "$here/fuzz" run SECONDS="$FUZZ_SECONDS" SEED="$SEED"; }

lane() {
	local p
	for p in "$@"; do
		case " $ONLY " in *" ${p%_smp} "*) "$p" ;; esac
	done
}

for v in "$STATES" "$KILLS" "$DEVICES" "$FUZZ_SECONDS" "$SEED"; do
	[[ $v =~ ^[0-9]+$ ]] || { echo "torture.sh: '$v' is not a number" >&2; exit 1; }
done
for v in $ONLY; do
	case $v in crash | kills | hostile | fuzz) ;; *) echo "torture.sh: no part '$v' (ONLY)" >&2; exit 1 ;; esac
done
echo "KTAP version 1"
echo "# SEED=$SEED STATES=$STATES KILLS=$KILLS DEVICES=$DEVICES"
: > "$logs/results"
lane crash &
lane hostile kills crash_smp fuzz
wait
while read -r name status seconds; do
	number=$((number + 1))
	if [ "$status" = 0 ]; then
		echo "ok $number $name ($seconds s)"
	else
		echo "not ok $number $name (status $status)"
		failed=1
	fi
done < "$logs/results"
echo "1..$number"
[ $number -gt 0 ] || failed=1
exit $failed
