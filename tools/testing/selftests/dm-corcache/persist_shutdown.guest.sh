#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# persist_shutdown.guest.sh CACHES... - the part of test_persist_shutdown.host.sh
# that runs in the guest, under systemd.  CACHES are as many as there are PLACES.
#
# Says in the file warm for each place in which all that the rounds before have
# cached is a hit, without an origin.  Then it sets up the devices, has something
# cached by each, and leaves them in use; systemd shuts down when it returns.
# Environment: TARGET (corcache, or linear for comparison), ROUND (1...; 0: only
# look), SEEN (the first round that has not been yet), HOW (poweroff, reboot).
#
# Places:
#   busy     open by a reader and an origin's server that systemd does not kill
#            (their names begin with @, as those of daemons that serve the root do)
#   stacked  idle; a dm-linear on it, and a dm-snapshot, which is mounted
#   killed   the server of its origin is gone before its reader is stopped
#   stopped  the server of its origin is stopped, readers wait
#   stalled  its origin never answers again, readers wait
#   frozen   (in round 2) its cache device never answers again, open as with busy
. "$(dirname "$0")/lib.sh"
cp -r "$HOST_FILES/tools" /tmp/tools
use_tools /tmp/tools

PLACES=(busy stacked killed stopped stalled frozen)
CACHES=("$@")
LEN=65536		# sectors: 32 MiB
T=/run/corcache-test
mkdir -p $T
: >$T/record

# unit NAME [-p PROPERTY...] COMMAND...: a service with no dependencies, that
# outlives everything; ended() makes one that is stopped at shutdown
unit() { systemd-run --quiet --unit="$1" -p DefaultDependencies=no -p StandardOutput=null -E LD_LIBRARY_PATH="$LD_LIBRARY_PATH" "${@:2}"; }
lasting() { unit "$1" -p KillMode=none -p SendSIGKILL=no bash -c "exec -a @$1 \"\$@\"" sh "${@:2}"; }
ended() { unit "$1" -p Conflicts=shutdown.target -p Before=shutdown.target "${@:2}"; }

# connect PORT N: as /dev/nbdN
connect() {
	wait_for 30 "server at port $1" nbd-client 127.0.0.1 "$1" "/dev/nbd$2" -N "" -b 512 -C 1 >"$T/nbd$2" 2>&1
	wait_for 10 "size of nbd$2" st_has_size "nbd$2"
	echo 0 >"/sys/block/nbd$2/queue/read_ahead_kb"
}
server() { echo nbdkit -f -i 127.0.0.1 -p "$1" -r pattern size=32M; }

servers() {
	local cmd

	read -ra cmd <<<"$(server 10810)"
	lasting server "${cmd[@]}"
	read -ra cmd <<<"$(server 10811)"
	# what is started after something is stopped before it
	ended killed-server -p After=killed-reader.service "${cmd[@]}"
	read -ra cmd <<<"$(server 10812)"
	ended stopped-server "${cmd[@]}"
	connect 10810 0
	connect 10811 1
	connect 10812 2
	mkdm stall "0 $LEN linear /dev/nbd0 0"
}

# systemd, which takes down all mapped devices in the end, knows only those that
# udevd has seen; and what udevd reads for that it must have read before anything
# stalls.
start_udev() {
	mkdir -p /run/udev/rules.d
	cp "$ST_TOP/tools/udev/dm-corcache.rules" /run/udev/rules.d/58-dm-corcache.rules
	ended udevd /lib/systemd/systemd-udevd
	wait_for 30 "udevd" test -S /run/udev/control
}
known() { udevadm settle --timeout=60 || fail "udevd does not settle"; }

cache_of() { # PLACE
	local i

	for i in "${!PLACES[@]}"; do
		[ "${PLACES[i]}" != "$1" ] || echo "${CACHES[i]}"
	done
}

# device PLACE ORIGIN: it, with something cached that no timer commits
device() {
	local cache

	cache=$(cache_of "$1")
	# shellcheck disable=SC2153 # the test that starts this guest sets it
	if [ "$TARGET" = linear ]; then
		mkdm "$1" "0 $LEN linear $2 0" --readonly
		read_ok "/dev/mapper/$1" "$((ROUND * 4))M" 4M
		known
		return
	fi
	if [ "$1" = frozen ]; then
		mkdm disk "0 $(sectors "$cache") linear $cache 0"
		cache=/dev/mapper/disk
	fi
	mkcorcache "$1" "$cache" "$2" "$LEN" 128 0 2 commit_interval 3600000
	read_ok "$DEV" "$((ROUND * 4))M" 4M
	settle "$1"
	known
	expect_status "$1" commits = 0
	echo "$1" >>"$LAB_OUT/cached"
}

waits() { # PID: for a device
	grep -q '^State:.*D' "/proc/$1/task/"*/status 2>/dev/null
}

# reader PLACE: one that waits for what is not there. It may get it in the end: a
# server that was stopped goes on for a moment when systemd ends it.
reader() {
	"$IO" read "/dev/mapper/$1" "$((24 + ROUND))M" 1M >/dev/null 2>&1 &
	wait_for 30 "reader of $1 that waits" waits $!
}

place_busy() {
	device busy /dev/nbd0
	lasting busy-reader "$IO" random /dev/mapper/busy --seconds 3600 --threads 2 --start 16M --length 8M --pause 4000
	wait_for 10 "opener of busy" is_open busy
}

place_stacked() {
	device stacked /dev/nbd0
	mkdm top "0 $LEN linear /dev/mapper/stacked 0" --readonly
	truncate -s 8M $T/cow
	losetup /dev/loop0 $T/cow
	mkdm snap "0 $LEN snapshot /dev/mapper/stacked /dev/loop0 N 8"
	mkfs.ext4 -q -E nodiscard /dev/mapper/snap
	mkdir -p /mnt
	known
	mount /dev/mapper/snap /mnt
	echo data >/mnt/file
}

place_killed() {
	device killed /dev/nbd1
	ended killed-reader "$IO" random /dev/mapper/killed --seconds 3600 --threads 2 --start 16M --length 8M --pause 4000
	wait_for 10 "opener of killed" is_open killed
}

place_stopped() {
	local pid

	device stopped /dev/nbd2
	pid=$(systemctl show -P MainPID stopped-server.service)
	kill -STOP "$pid"
	reader stopped
}

place_stalled() {
	device stalled /dev/mapper/stall
	dmsetup suspend --nolockfs stall
	reader stalled
}

place_frozen() {
	[ "$ROUND-$TARGET" = 2-corcache ] || return 0
	device frozen /dev/nbd0
	lasting frozen-holder bash -c 'exec </dev/mapper/frozen; exec -a @holder sleep 3600'
	# not before it is open: that may read
	wait_for 10 "opener of frozen" is_open frozen
	dmsetup suspend --nolockfs disk
}
is_open() { [ "$(dmsetup info -c --noheadings -o open "$1")" -gt 0 ]; }

# What all rounds so far have cached; frozen has lost what it could not write.
look() { # PLACE
	local cache ranges=() r

	cache=$(cache_of "$1")
	for ((r = 1; r < ${SEEN:-1}; r++)); do
		[ "$1" = frozen ] || ranges+=("$((r * 4))M" 4M)
	done
	mkcorcache "old-$1" "$cache" /dev/mapper/away "$LEN" 128
	note "$1: $(status_line "old-$1")"
	[ ${#ranges[@]} = 0 ] || expect_hits "old-$1" "$DEV" "${ranges[@]}"
	expect_status "old-$1" checksum_errors = 0
	expect_status "old-$1" cache_errors = 0
	dmremove "old-$1"
	echo "$1" >>"$LAB_OUT/warm"
}

main() {
	local place

	st_load
	modprobe -q dm-snapshot
	modprobe -q ext4
	mkdm away "0 $LEN error"
	for place in "${PLACES[@]}"; do
		# each for itself: one that is cold does not hide the others
		[ "$SEEN" = 1 ] && continue
		(set -e; look "$place")
		dmsetup remove "old-$place" 2>/dev/null
	done
	[ "$ROUND" -gt 0 ] || exit 0
	set -e
	start_udev
	servers
	for place in "${PLACES[@]}"; do
		"place_$place"
	done
	# they go on until the shutdown ends them
	if ! is_open busy || ! is_open killed; then fail "a reader has ended"; fi
	[ "$TARGET" = linear ] || systemctl -q is-active busy-reader killed-reader
	echo "$HOW" >/run/lab-shutdown
}

main
