#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_persist_kill.host.sh [KERNEL [ROUNDS]] - power cuts, on the host: a guest
# that fills its cache is killed (SIGKILL to the VM) at a random moment, and
# started again on the same disk.  What had been committed is served without a
# remote, every byte is right.  In the same way around the formatting.
#
# Output: KTAP.  Exit status: 0 passed, 1 failed, 4 the kernel cannot be had.
# SEED repeats the choice of the moments.
set -u

here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../../vm/run.sh
kernel=${1:-6.1}
rounds=${2:-2}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
work=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-kill.XXXXXX")
failed=0

# shellcheck disable=SC2317 # called by trap
cleanup() {
	[ ! -s "$work/pid" ] || kill -KILL "$(cat "$work/pid")" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 143' TERM INT

# guest CASE [run.sh arguments]: the output is in $work/out/output.txt
guest() {
	local name=$1

	shift
	rm -rf "$work/out"
	"$vm" -k "$kernel" -t 600 -o "$work/out" -d "$work/disk:128M" -e CASES="$name" -e SEED="$SEED" \
		"$@" -- "$here/persist_kill.guest.sh" "$(disk_name)" >"$work/log" 2>&1
}
disk_name() {
	case $kernel in
	*uml*) echo /dev/ubda ;;
	*) echo /dev/vda ;;
	esac
}

# cut CASE MILLISECONDS: start, wait until it is under way, kill so much later
cut_power() {
	local name=$1 ms=$2 i job rc=0

	rm -f "$work/pid"
	guest "$name" -p "$work/pid" -L &
	job=$!
	for ((i = 0; i < 4000; i++)); do
		[ ! -s "$work/out/ready" ] || break
		kill -0 $job 2>/dev/null || break
		sleep 0.1
	done
	if [ ! -s "$work/out/ready" ]; then
		wait $job || rc=$?
		[ $rc != 4 ] || exit 4
		echo "# the guest did not get under way (status $rc)"
		sed 's/^/# /' "$work/log"
		return 1
	fi
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	kill -KILL "$(cat "$work/pid")"
	wait $job || rc=$?
	: >"$work/pid"
	[ $rc = 96 ] && return 0
	echo "# the guest ended by itself (status $rc)"
	sed 's/^/# /' "$work/log"
	return 1
}

verify() {
	local rc=0

	guest "$1" || rc=$?
	grep '^# after the restart' "$work/log"
	[ $rc = 0 ] && return 0
	echo "# status $rc"
	sed 's/^/# /' "$work/log"
	return 1
}

round() { # NUMBER NAME CASE-TO-KILL CASE-TO-CHECK MILLISECONDS
	echo "# $2: killed after $5 ms"
	if cut_power "$3" "$5" && verify "$4"; then
		echo "ok $1 $2"
	else
		echo "not ok $1 $2"
		failed=1
	fi
	rm -f "$work/disk"
}

echo "KTAP version 1"
echo "1..$((rounds + 1))"
echo "# SEED=$SEED kernel $kernel"
for ((n = 1; n <= rounds; n++)); do
	round $n persist_kill_$n kill_fill kill_check $((RANDOM % 6000))
done
round $n persist_kill_formatting kill_format kill_format_check $((500 + RANDOM % 5000))
exit $failed
