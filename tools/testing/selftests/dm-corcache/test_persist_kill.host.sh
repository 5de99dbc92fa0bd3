#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_persist_kill.host.sh [KERNEL] - power cuts, on the host: a guest that
# fills and evicts is killed (SIGKILL to the VM) at a random moment, and started
# again on what its disks are then.  They are volatile: of what was not flushed
# each sector is lost or stays at random.
#
# One boot per cut: the guest looks at what the cut before has left (what had
# been committed is served without a remote, every byte is right, no checksum is
# wrong), and then goes on filling, evicting, changing the quota, committing and
# reloading, until it is killed.  With checksums in the first half of the cuts,
# without in the second.  A last round is the same around the formatting.
#
# A second disk is the control: the test fails if a cut loses nothing of it, or
# anything that was flushed.
#
# Output: KTAP.  Exit status: 0 passed, 1 failed, 4 the kernel cannot be had.
# Environment: KILLS, how many cuts (5); SEED repeats the choice of the moments,
# of what the guests do, and of what is lost.
set -u

here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../../vm/run.sh
kernel=${1:-6.1}
KILLS=${KILLS:-5}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
work=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-kill.XXXXXX")
out=$work/out
verified=0
features=0
# shellcheck source=tools/testing/selftests/dm-corcache/host.sh
. "$here/host.sh"

# shellcheck disable=SC2317 # called by trap
cleanup() {
	[ ! -s "$work/pid" ] || kill -KILL "$(cat "$work/pid")" 2>/dev/null
	if [ "$failed" = 0 ]; then
		rm -rf "$work"
	else
		echo "# disks, and disks before the last boot (*.before), are in $work"
	fi
}
trap cleanup EXIT
trap 'failed=0; exit 143' TERM INT

sectors_of() { # TEXT NUMBER: sectors that begin with the text
	local i

	for ((i = 0; i < $2; i++)); do
		printf '%s' "$1"
		head -c $((512 - ${#1})) /dev/zero
	done
}
count_sectors() { tr '\0' '\n' <"$work/control" | grep -cx "$1"; }

# guest CASE [run.sh arguments]: the output is in $work/log
guest() {
	local name=$1 seed=$((SEED * 1000 + number)) disk

	shift
	rm -f "$work/control" "$work/pid"
	for disk in disk blank; do
		[ ! -e "$work/$disk" ] || cp --sparse=always "$work/$disk" "$work/$disk.before"
	done
	"$vm" -k "$kernel" -t 600 -o "$out" -d "$work/disk:40M:volatile=$seed" -d "$work/control:8M:volatile=$seed" \
		-d "$work/blank:72M:volatile=$seed" -e CASES="$name" -e SEED=$seed -e FEATURES="$features" \
		-e HOST_FILES="$work" "$@" -- "$here/persist_kill.guest.sh" >"$work/log" 2>&1
}

# Has the cut lost some of what was not flushed, and nothing of what was?
check_control() {
	local old new

	old=$(count_sectors old)
	new=$(count_sectors new)
	echo "# control: $old of 8 sectors that were flushed are there, and $new of 1024 that were not"
	[ "$old" = 8 ] && [ "$new" -lt 1024 ]
}

say_log() {
	echo "# $1"
	sed 's/^/# /' "$work/log"
}

# cut_power CASE MILLISECONDS: start, wait until it is under way, kill so much later
cut_power() {
	local name=$1 ms=$2 job rc=0

	rm -f "$out/ready" "$out/verified"
	guest "$name" -p "$work/pid" -L &
	job=$!
	# its time limit ends a guest that does not come up
	while [ ! -s "$out/ready" ] && kill -0 $job 2>/dev/null; do
		sleep 0.1
	done
	if [ -s "$out/ready" ]; then
		sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
		kill -KILL "$(cat "$work/pid")"
	fi
	wait $job || rc=$?
	: >"$work/pid"
	[ $rc != 4 ] || exit 4
	grep '^# after the restart' "$work/log"
	[ ! -s "$out/verified" ] || verified=$((verified + $(cat "$out/verified")))
	[ $rc = 96 ] || { say_log "the guest ended by itself (status $rc)"; return 1; }
	check_control
}

check_format() {
	local rc=0

	guest kill_format_check || rc=$?
	grep '^# after the restart' "$work/log"
	[ $rc = 0 ] || { say_log "status $rc"; return 1; }
}

# After a failure nothing more can be learned from these disks.
keep_disks() {
	mkdir -p "$work/failed-$number"
	mv "$work"/disk* "$work"/blank* "$out" "$work/log" "$work/failed-$number" 2>/dev/null
}

boot() { # NAME CASE MILLISECONDS
	echo "# $1: killed after $3 ms"
	if cut_power "$2" "$3"; then
		result 0 "$1"
	else
		result 1 "$1"
		keep_disks
	fi
}

echo "KTAP version 1"
echo "1..$((KILLS + 3))"
echo "# SEED=$SEED KILLS=$KILLS kernel $kernel"
(
	# shellcheck source=tools/testing/selftests/dm-corcache/lib.sh
	. "$here/lib.sh"
	collect_tools "$work/tools"
)
sectors_of old 8 >"$work/old"
sectors_of new 1024 >"$work/new"
for ((n = 1; n <= KILLS; n++)); do
	if [ $n = $((KILLS / 2 + 1)) ]; then
		rm -rf "$work/disk" "$out/claims"
		features="1 no_checksums"
	fi
	boot persist_kill_$n kill_boot $((RANDOM % 4000))
done
boot persist_kill_formatting kill_format $((500 + RANDOM % 4000))
check_format
result $? persist_kill_format_check
echo "# $verified MiB were claimed, and verified"
[ "$verified" -ge "$KILLS" ]
result $? persist_kill_claims
exit $failed
