#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_activate_units.host.sh [KERNEL] - a host with a corcachetab, from power-on to
# power-off, three times on the same cache device, under systemd: all is there; the remote
# is dead, and comes; the cache device is not there, and comes.  What was cached stays
# cached, no reader sees an error, and the service of the device is never stopped.
#
# Output: KTAP.  Exit status: 0 passed, 1 failed, 4 the kernel cannot be had.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../../.." && pwd)
vm=$top/tools/testing/vm/run.sh
kernel=${1:-6.1}
build=${CORCACHE_BUILD:-$top/build}
# power-off with the device open: it takes a few seconds here
shutdown_most=60

# shellcheck source=tools/testing/selftests/dm-corcache/host.sh
. "$here/host.sh"
host_work activate

guest() { # ROUND NAME...: what it has to find
	local rc=0 name

	out=$work/guest$1
	"$vm" -k "$kernel" -s -T -L -t 1200 -o "$out" -d "$work/ssd:48M" -e ROUND="$1" -e HOST_FILES="$work" \
		-e LAB_PREPARE="$here/activate_units.prepare.sh" -- "$here/activate_units.guest.sh" >"$work/log" 2>&1 || rc=$?
	[ $rc != 4 ] || exit 4
	grep '^# the remote is in use' "$work/log"
	[ $rc = 0 ] || { echo "# status $rc"; sed 's/^/# /' "$work/log"; tail -n 60 "$out/dmesg.txt" | sed 's/^/# /'; }
	for name in "${@:2}"; do
		grep -qx "$name" "$out/found"
		result $? "activate_$name"
	done
}

# stamp REGEX: the second in which the kernel has said so
stamp() { tr -d '\r' <"$out/console.txt" | sed -n "s/^\[ *\([0-9]*\)\.[0-9]*\] $1.*/\1/p" | tail -n 1; }

ends_in_time() { # NAME
	local start end

	start=$(stamp 'corcache-lab: shutdown starts')
	end=$(stamp 'reboot: \(Restarting system\|Power down\)')
	echo "# shutdown from ${start:-none} to ${end:-none} s"
	[ -n "$start" ] && [ -n "$end" ] && [ $((end - start)) -le $shutdown_most ]
	result $? "activate_$1"
}

echo "KTAP version 1"
echo "1..10"
make -s -C "$top/tools/corcache" CORCACHE_BUILD="$build" program >"$work/log" 2>&1 ||
	{ cat "$work/log"; echo "Bail out! the tool cannot be built"; failed=1; exit 1; }
cp "$build"/corcache/{corcache,corcache-generator} "$build/selftests/corcache_nbd" "$work/"
(
	# shellcheck source=tools/testing/selftests/dm-corcache/lib.sh
	. "$here/lib.sh"
	collect_tools "$work/tools"
)
guest 1 boot_attaches failing_line_does_not_fail_the_boot isolate_keeps_it server_dies
ends_in_time reboot_with_the_device_open
guest 2 remote_is_dead remote_comes
ends_in_time poweroff_with_the_device_open
guest 3 cache_is_missing cache_comes
exit $failed
