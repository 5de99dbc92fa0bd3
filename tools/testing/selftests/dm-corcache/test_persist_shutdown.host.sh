#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_persist_shutdown.host.sh [KERNEL] - poweroff and reboot by systemd with
# the devices in use: guests on the same disks, one after the other.  Nothing
# that was cached when the shutdown began is lost, although no timer commits it
# and some devices are busy to the end; the shutdown takes no longer than that
# of the same with dm-linear; nothing complains.  persist_shutdown.guest.sh lists
# the states in which devices are caught.
#
# Output: KTAP.  Exit status: 0 passed, 1 failed, 4 the kernel cannot be had.
set -u

here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../../vm/run.sh
kernel=${1:-6.1}
places="busy stacked killed stopped stalled frozen"
guests=0 took=none

# shellcheck source=tools/testing/selftests/dm-corcache/host.sh
. "$here/host.sh"
host_work shutdown

# guest TARGET ROUND HOW SEEN [run.sh options]: $out is what it has left there
guest() {
	local rc=0 place disks=()

	for place in $places; do
		disks+=(-d "$work/$place:48M")
	done
	# systemd flushes mapped devices, and would wait for the one that this is
	# under, if there was anything to flush
	disks[-1]+=:write-cache=off
	guests=$((guests + 1))
	out=$work/guest$guests
	"$vm" -k "$kernel" -t 600 -o "$out" "${disks[@]}" -e TARGET="$1" -e ROUND="$2" -e HOW="$3" -e SEEN="$4" \
		-e HOST_FILES="$work" "${@:5}" -L -- bash -c "exec \"$here/persist_shutdown.guest.sh\" \$LAB_DISKS" \
		>"$work/log" 2>&1 || rc=$?
	[ $rc != 4 ] || exit 4
	[ $rc = 0 ] && return 0
	echo "# status $rc"
	grep -v '^Udev is running' "$work/log" | sed 's/^/# /'
	return 1
}

# stamp REGEX: the second in which the kernel has said so
stamp() { tr -d '\r' <"$out/console.txt" | sed -n "s/^\[ *\([0-9]*\)\.[0-9]*\] $1.*/\1/p" | tail -n 1; }

# Sets took: seconds from the start of the shutdown to its end.
shutdown_time() {
	local start end

	start=$(stamp 'corcache-lab: shutdown starts')
	end=$(stamp 'reboot: \(Restarting system\|Power down\)')
	took=none
	[ -n "$start" ] && [ -n "$end" ] || return 1
	took=$((end - start))
}

# in_time SECONDS-MORE: a shutdown with dm-linear took $linear
in_time() {
	shutdown_time
	echo "# shutdown took $took s, with dm-linear $linear s"
	[ "$took" != none ] && [ "$linear" != none ] && [ "$took" -le $((linear + linear / 2 + 5 + $1)) ]
}

# What the guest has found: all of the places.
warm() { # NAME
	local place

	grep -o '^# [a-z]*: 0 .* corcache [a-z]* [0-9 /]*' "$work/log"
	grep '^# FAILED' "$work/log"
	for place in $places; do
		grep -qx "$place" "$out/warm"
		result $? "$1_$place"
	done
}

echo "KTAP version 1"
echo "1..17"
(
	# shellcheck source=tools/testing/selftests/dm-corcache/lib.sh
	. "$here/lib.sh"
	collect_tools "$work/tools"
)

guest linear 1 poweroff 1 -s && shutdown_time
result $? persist_shutdown_linear
linear=$took

guest corcache 1 poweroff 1 -s && in_time 0
result $? persist_shutdown_poweroff

guest corcache 2 reboot 2 -s && in_time 15
result $? persist_shutdown_reboot
warm persist_shutdown_poweroff
# the device whose cache device did not answer is named, and no other
said=$(tr -d '\r' <"$out/console.txt" | grep 'corcache: .*not committed')
echo "# ${said:-nothing was said}"
[[ $said = *' corcache: frozen: not committed: '* && $said != *$'\n'* ]]
result $? persist_shutdown_reboot_frozen_is_named

guest corcache 0 none 3
result $? persist_shutdown_look
warm persist_shutdown_reboot
exit $failed
