#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kcsan.sh - look for data races: the stress test on a kernel with KCSAN. What `make kcsan` runs.
#
# Environment:
#   MINUTES=n, SECONDS=n  how long the stress goes on, both cases of the test together; default: 5 minutes
#   SEED=s                repeats the random choices of an earlier run; it is printed. What races with what is chance
#                         all the same
#   OUT=dir               where the guest's logs go; default build/kcsan/out
#
# Gets the kernel (7 minutes the first time), builds the module and the test tool, boots, runs.
# Output: the test's KTAP; last, the verdict, with the number of accesses that were watched.
# Exit status: 0 no race, no other complaint, all data right; 1 something was found; 4 the kernel cannot be had.

# Before anything else: bash counts up from the value that it is given, and from 0 without.
seconds=$SECONDS
export -n SECONDS
set -euo pipefail

TOP=$(cd "$(dirname "$0")/../.." && pwd)
VM=$TOP/tools/testing/vm
SELFTESTS=$TOP/tools/testing/selftests/dm-corcache
export CORCACHE_BUILD=${CORCACHE_BUILD:-$TOP/build}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
OUT=${OUT:-$CORCACHE_BUILD/kcsan/out}

usage() { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; }

die() {
	echo "kcsan.sh: $*" >&2
	exit 1
}

options() {
	case ${1:-} in
	'') ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; exit 1 ;;
	esac
	[[ $SEED =~ ^[0-9]+$ ]] || die "SEED='$SEED' is not a number"
	if [ -n "${MINUTES:-}" ]; then
		[[ $MINUTES =~ ^[1-9][0-9]*$ ]] || die "MINUTES='$MINUTES' is not a positive number"
		seconds=$((MINUTES * 60))
	elif [ "$seconds" = 0 ]; then
		seconds=300
	fi
	[ "$seconds" -ge 3 ] || die "SECONDS=$seconds is too short"
}

# In the guest: the test, and then what the detector says of itself. Strange values only show that it did not work.
guest_script() {
	cat <<- 'EOF'
		"$@"
		status=$?
		mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
		cp /sys/kernel/debug/kcsan "$LAB_OUT/kcsan.txt"
		exit $status
	EOF
}

run_guest() { # SECONDS-OF-THE-FIRST-CASE
	# the test's own time is for making, settling and comparing
	local limit=$((seconds * 2 + 900))
	"$VM/run.sh" -k kcsan -t $((limit + 120)) -o "$OUT" -e "SEED=$SEED" -e "STRESS_SECONDS=$1" -e "TEST_LIMIT=$limit" \
		-- /bin/bash -c "$(guest_script)" stress "$SELFTESTS/run.sh" test_stress_all
}

counter() { sed -n "s/^$1: //p" "$OUT/kcsan.txt" 2> /dev/null | grep . || echo 0; }

verdict() { # STATUS OF THE GUEST
	local watched foreign
	watched=$(counter setup_watchpoints)
	foreign=$(($(counter data_races)))
	if [ "$1" != 0 ]; then
		echo "kcsan: FAILED with status $1; SEED=$SEED repeats its choices; logs in $OUT"
		return 1
	fi
	if [ "$(counter enabled)" != 1 ] || [ "$watched" -lt $((seconds * 10)) ]; then
		echo "kcsan: FAILED: the detector did not work: $(tr '\n' ' ' < "$OUT/kcsan.txt")"
		return 1
	fi
	echo "kcsan: no race of the module in $seconds s of stress, SEED=$SEED:" \
		"$watched accesses watched, $foreign races in which it has no part"
}

main() {
	local status=0
	options "$@"
	"$VM/kernel.sh" kcsan > /dev/null || { status=$?; [ "$status" = 4 ] && exit 4; die "no kernel"; }
	"$VM/build.sh" -k kcsan > /dev/null
	make -s -C "$SELFTESTS" CORCACHE_BUILD="$CORCACHE_BUILD"
	echo "# $seconds s of stress, SEED=$SEED"
	# the second case takes half as long as the first
	run_guest $(((seconds * 2 + 2) / 3)) || status=$?
	[ "$status" != 4 ] || exit 4
	verdict "$status"
}

main "$@"
