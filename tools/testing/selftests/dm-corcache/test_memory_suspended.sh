#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# While a device is suspended nothing waits for memory in a way that may need the
# device itself: what is to be written out first may lie above it.  lockdep knows
# what was allocated, and how, with which locks held: the step to SUSPENDED and the
# activation hold a lock of their own.  Needs the lab's debug kernel.
. "$(dirname "$0")/lib.sh"

# under NAME: the locks that were ever taken with NAME held
under() {
	awk -v name="$1" '/^[0-9a-f]+ / { inside = index($0, name) > 0; found += inside }
		inside && /->/ { print }
		END { exit !found }' /proc/lockdep
}

LEN=16384

suspended_without_io() {
	local i

	[ -r /proc/lockdep ] || skip "this kernel has no lockdep"
	setup 8 16 128 0 2 commit_interval 3600000
	# out of activation, with a cache that is formatted, and one that is loaded
	for i in 1 2; do
		read_ok "$DEV" $((i - 1))M 1M
		settle cc
		dmsetup suspend cc
		dmsetup resume cc
		dmremove cc
		mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	done
	# what lockdep has seen is to be had at all: a lock under which memory is
	# allocated that waits for I/O, and one that is taken in activation
	under corcache_registry_mutex >"$T/registry" || fail "lockdep does not know our mutexes"
	under control_mutex >"$T/control" || fail "lockdep does not know control_mutex"
	grep -q 'lock' "$T/control" || fail "nothing was taken under control_mutex: $(cat "$T/control")"
	if grep fs_reclaim "$T/control"; then
		fail "memory was allocated under control_mutex that may wait for I/O"
	fi
	expect_hits cc "$DEV" 0 2M
}

run_cases suspended_without_io
