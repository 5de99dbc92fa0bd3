#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# activate_units.guest.sh - the part of test_activate_units.host.sh that runs in the
# guest, under systemd, while that boots.  Each thing that was found as it should be is a
# line in the file found.  Environment: HOST_FILES, ROUND.
. "$(dirname "$0")/lib.sh"
cp -r "$HOST_FILES/tools" /tmp/tools
use_tools /tmp/tools
unset DM_DISABLE_UDEV

DEV=/dev/mapper/img
STATE=/run/corcache/img/state
T=/run/corcache-test
mkdir -p $T
: >$T/record
set -e

found() { echo "$1" >>"$LAB_OUT/found"; }
is_active() { [ "$(systemctl show -P ActiveState "$1")" = active ]; }
has_failed() { [ "$(systemctl show -P ActiveState "$1")" = failed ]; }
# its service has been started once, and never been stopped
never_stopped() {
	expect "state of the service" "$(systemctl show -P ActiveState corcache@img.service)" = active
	expect "the service was stopped at" "$(systemctl show -P ActiveExitTimestampMonotonic corcache@img.service)" = 0
}
state() { sed -n "s/^$1=//p" "$STATE"; }
state_is() { [ "$(state state 2>/dev/null)" = "$1" ]; }
whole() { [ ! -e "$STATE" ]; }
target() { dmsetup table img | cut -d ' ' -f 3; }

# verified reads of what is named, as long as it takes; an error ends them
reader() { # START LENGTH
	"$IO" random "$DEV" --seconds 3600 --threads 2 --start "$1" --length "$2" --pause 4000 >$T/reader.out 2>&1 &
	READER=$!
	wait_for 200 "reader" in_use
}
in_use() { [ "$(dmsetup info -c --noheadings -o open img)" -gt 0 ]; }
reader_goes_on() { kill -0 $READER || { note "$(cat $T/reader.out)"; fail "the reader has ended: $1"; }; }
reader_ends() {
	kill -TERM $READER
	wait $READER || { note "$(cat $T/reader.out)"; fail "the reader has seen an error"; }
}

# one that systemd does not kill, as the daemons that serve the root: the device is open to the end
hold_open() {
	systemd-run --quiet --unit=holder -p DefaultDependencies=no -p KillMode=none -p SendSIGKILL=no \
		-E LD_LIBRARY_PATH="$LD_LIBRARY_PATH" bash -c 'exec -a @holder "$@"' sh \
		"$IO" random "$DEV" --seconds 3600 --start 0 --length 1M --pause 4000
	wait_for 200 "holder" in_use
}

# ---- 1: all is there ----

boot_attaches() {
	wait_for 300 "service" is_active corcache@img.service
	wait_for 300 "remote-fs.target" is_active remote-fs.target
	expect "target" "$(target)" = corcache
	whole || fail "something is missing: $(cat "$STATE")"
	read_ok "$DEV" 0 4M
	settle img
	found boot_attaches
}

failing_line_does_not_fail_the_boot() {
	wait_for 300 "failure of the line without a cache device" has_failed corcache@broken.service
	is_active remote-corcache.target || fail "remote-corcache.target is not active"
	expect "state of the line" "$(sed -n 's/^state=//p' /run/corcache/broken/state)" = failed
	expect "state of the line with noauto" "$(systemctl show -P ActiveState corcache@later.service)" = inactive
	expect "the line with a mistake" "$(systemctl show -P LoadState corcache@wrong.service)" = not-found
	dmesg | has_line "corcache-generator: /etc/corcachetab:5: unknown option 'orgin-id'" ||
		fail "the kernel's log does not name the mistake"
	found failing_line_does_not_fail_the_boot
}

isolate_keeps_it() {
	systemctl isolate other.target
	wait_for 200 "end of remote-fs.target" has_stopped remote-fs.target
	never_stopped
	expect_hits img "$DEV" 0 4M
	systemctl isolate lab.target
	wait_for 300 "remote-fs.target" is_active remote-fs.target
	never_stopped
	found isolate_keeps_it
}
has_stopped() { [ "$(systemctl show -P ActiveState "$1")" = inactive ]; }

reads_wait() { [ "$(status_get img stalled_ms)" -gt 0 ]; }

# A read of what is not cached waits for the next connection, and is answered.
server_dies() {
	reader 0 4M
	systemctl stop server.service
	touch /run/nbd0-not-ready
	udevadm trigger --action=change /sys/block/nbd0
	wait_for 200 "unit of the NBD device that has stopped" has_stopped dev-nbd0.device
	expect_hits img "$DEV" 0 4M
	read_ok "$DEV" 4M 2M &
	wait_for 200 "read of the origin that waits" reads_wait
	read_ok "$DEV" 0 4M
	never_stopped
	systemctl start server.service
	wait_for 300 "connection" "$HOST_FILES/corcache_nbd" reconnect 0 10810
	wait $! || fail "the read that has waited"
	rm /run/nbd0-not-ready
	udevadm trigger --action=change /sys/block/nbd0
	read_ok "$DEV" 6M 1M
	reader_goes_on "the server has died and come back"
	reader_ends
	never_stopped
	found server_dies
}

# no timer commits it
last_second() {
	hold_open
	read_ok "$DEV" 7M 1M
	settle img
	never_stopped
	echo "$1" >/run/lab-shutdown
}

# ---- 2: the remote is dead ----

remote_is_dead() {
	wait_for 300 "service" is_active corcache@img.service
	state_is no-origin || fail "state: $(cat "$STATE")"
	expect "what is missing" "$(state missing)" = origin
	expect_hits img "$DEV" 0 8M
	read_fails "$DEV" 30M 64K
	found remote_is_dead
}

remote_comes() {
	local since

	reader 0 8M
	systemctl --no-block start client.service
	wait_for 300 "connection" connected
	since=$(date +%s%3N)
	wait_for 300 "attached remote" whole
	note "the remote is in use $(($(date +%s%3N) - since)) ms after it is connected"
	expect "target" "$(target)" = corcache
	expect "stand-in" "$(dmsetup info -c --noheadings -o name img-origin 2>/dev/null)" = ''
	read_ok "$DEV" 8M 2M
	reader_goes_on "the remote has come"
	reader_ends
	expect_hits img "$DEV" 0 8M
	never_stopped
	found remote_comes
}

connected() { [ "$(cat /sys/block/nbd0/size)" != 0 ]; }

# ---- 3: the cache device is not there ----

cache_is_missing() {
	wait_for 300 "service" is_active corcache@img.service
	state_is degraded || fail "state: $(cat "$STATE")"
	expect "what is missing" "$(state missing)" = cache
	expect "target" "$(target)" = linear
	expect "read-only" "$(blockdev --getro "$DEV")" = 1
	expect "UUID" "$(dmsetup info -c --noheadings -o uuid img)" = CORCACHE-img
	read_ok "$DEV" 0 2M
	found cache_is_missing
}

cache_comes() {
	local device

	reader 0 32M
	for device in /sys/bus/virtio/devices/*; do
		[ -e "$device/driver" ] || basename "$device" >/sys/bus/virtio/drivers/virtio_blk/bind 2>/dev/null || true
	done
	wait_for 300 "cache device" whole
	expect "target" "$(target)" = corcache
	reader_goes_on "the cache device has come"
	reader_ends
	expect_hits img "$DEV" 0 10M
	never_stopped
	found cache_comes
}

case $ROUND in
1)
	boot_attaches
	failing_line_does_not_fail_the_boot
	isolate_keeps_it
	server_dies
	last_second reboot
	;;
2)
	remote_is_dead
	remote_comes
	last_second poweroff
	;;
3)
	cache_is_missing
	cache_comes
	;;
esac
