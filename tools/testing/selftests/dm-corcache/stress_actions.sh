# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What can be done to a corcache device that is being read: for the stress test
# and the soak, which choose from it at random.  Sourced after lib.sh.
#
# The stack: remote `origin` (its NBD device in ORIGIN) and cache device CACHE,
# below a linear device `below` that can be given holes; corcache device `cc`.

LEN=65536		# sectors: 32 MiB over a cache of 24 MiB
REGIONS=300		# regions of the largest quota

stress_setup() {
	remote_start origin $((LEN * 512))
	mkcache 24
	SIZE=$(sectors "$CACHE")
	mkdm below "0 $SIZE linear $CACHE 0"
	stress_activate 0 2 max_errors 0
	"$IO" dump "$CACHE" >"$T/dump"
	DATA_START=$(sed -n 's/^super copy=main .* data_start=\([0-9]*\) .*/\1/p' "$T/dump")
}

stress_activate() { mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 "$@"; }

# errors that must not be, before they are forgotten
no_errors() {
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
	expect_status cc origin_errors = 0
}

action_evict() { message cc evict $((RANDOM % 60000)) $((1 + RANDOM % 5000)); }
action_evict_all() { message cc evict_all; }
action_quota() { message cc quota $((128 * (1 + RANDOM % REGIONS))); }
action_commit() { message cc commit; }
action_reset() {
	no_errors
	message cc reset_stats
}
action_suspend() {
	timeout $((30 * SCALE)) dmsetup suspend cc
	timeout $((30 * SCALE)) dmsetup resume cc
}
action_noflush() {
	timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
	timeout $((30 * SCALE)) dmsetup resume cc
}
action_reload() {
	dmsetup reload cc --readonly --table \
		"0 $LEN corcache /dev/mapper/below $ORIGIN 128 0 6 quota $((128 * (1 + RANDOM % REGIONS))) commit_interval $((1 + RANDOM % 300)) max_errors 0"
	timeout $((60 * SCALE)) dmsetup resume cc
}
action_stall() {
	remote_stall origin
	timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
	timeout $((30 * SCALE)) dmsetup resume cc
	remote_continue origin
}
action_rot() {
	"$IO" flip "$CACHE" $((DATA_START * 512 + (RANDOM * 32768 + RANDOM) % 20000000)) $((RANDOM % 8))
}
action_errors() {
	local at=$((DATA_START + RANDOM % 30000))

	reload_dm below "0 $at linear $CACHE 0
$at 2048 error
$((at + 2048)) $((SIZE - at - 2048)) linear $CACHE $((at + 2048))"
	reload_dm below "0 $SIZE linear $CACHE 0"
}
