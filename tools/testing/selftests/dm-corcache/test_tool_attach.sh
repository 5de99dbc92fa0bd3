#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_tool_attach - corcache attach and detach: what the device is made of when its origin, its
# cache device, or both are not there, and that a later attach adds what was missing, under
# readers that see no error.  Units and udev have no part in it; see test_activate_units.host.sh.
. "$(dirname "$0")/lib.sh"

STATE=/run/corcache/cc/state
DEV=/dev/mapper/cc

attach() { # [OPTIONS]
	timeout $((60 * SCALE)) "$TOOL" attach --no-wait cc "$ORIGIN" "$CACHE" "${1:--}" >"$T/said" 2>&1
}
detach() { "$TOOL" detach cc || fail "detach: status $?"; }
said() { grep -qE "$1" "$T/said" || fail "said '$(cat "$T/said")', expected $1"; }
state() { sed -n "s/^$1=//p" "$STATE"; }
target() { dmsetup table cc | cut -d ' ' -f 3; }
exists() { dmsetup info "$1" >/dev/null 2>&1; }
is_whole() {
	expect "target" "$(target)" = corcache
	[ ! -e "$STATE" ] || fail "something is missing: $(cat "$STATE")"
	! exists cc-origin || fail "the stand-in is still there"
}

begin() {
	[ -x "$TOOL" ] || skip "$TOOL is not built"
	remote_start origin 16M
	mkcache 24
	record cache "$CACHE"
	record dm cc-origin
	record dm cc
	record rm /run/corcache/cc
}

# what is cached, and the device is gone
warm() {
	attach || fail "attach: $(cat "$T/said")"
	is_whole
	read_ok "$DEV" 0 4M
	settle cc
	detach
	! exists cc || fail "the device is still there"
}

reader() { job reader "$IO" random "$DEV" --seconds 3600 --threads 2 --start 0 --length "$1" --pause 2000; }

attach_whole() {
	begin
	warm
	attach region-size=64K,quota=8M || fail "attach: $(cat "$T/said")"
	is_whole
	expect "UUID" "$(dmsetup info -c --noheadings -o uuid cc)" = CORCACHE-cc
	expect "read-only" "$(blockdev --getro "$DEV")" = 1
	expect_status cc quota = 128
	expect_hits cc "$DEV" 0 4M
	# once more changes nothing
	attach || fail "attach: $(cat "$T/said")"
	expect_status cc quota = 128
	detach
	detach
}

attach_without_origin() {
	local origin

	begin
	warm
	origin=$ORIGIN
	ORIGIN=/dev/corcache-nowhere
	attach || fail "attach: $(cat "$T/said")"
	said "origin is missing"
	expect "state" "$(state state)" = no-origin
	expect "missing" "$(state missing)" = origin
	expect_hits cc "$DEV" 0 4M
	read_fails "$DEV" 8M 64K
	reader 4M
	attach || fail "attach: $(cat "$T/said")"
	expect "state" "$(state state)" = no-origin
	ORIGIN=$origin
	attach || fail "attach: $(cat "$T/said")"
	is_whole
	read_ok "$DEV" 8M 1M
	job_stop reader
	expect_hits cc "$DEV" 0 4M
}

attach_without_cache() {
	local cache

	begin
	warm
	cache=$CACHE
	CACHE=/dev/corcache-nowhere
	expect_rc 4 attach cache-missing=fail
	said "cache device /dev/corcache-nowhere is not there"
	expect "state" "$(state state)" = failed
	! exists cc || fail "there is a device"
	attach || fail "attach: $(cat "$T/said")"
	expect "target" "$(target)" = linear
	expect "state" "$(state state)" = degraded
	expect "read-only" "$(blockdev --getro "$DEV")" = 1
	reader 16M
	CACHE=$cache
	attach || fail "attach: $(cat "$T/said")"
	is_whole
	job_stop reader
	expect_hits cc "$DEV" 0 4M
}

attach_refused() {
	begin
	attach origin-id=one || fail "attach: $(cat "$T/said")"
	detach
	expect_rc 4 attach origin-id=two,cache-missing=fail
	said "origin_id of the cache is one"
	! exists cc || fail "there is a device"
	attach origin-id=two || fail "attach: $(cat "$T/said")"
	expect "target" "$(target)" = linear
	expect "missing" "$(state missing)" = ''
	read_ok "$DEV" 0 1M
	detach
}

attach_nothing() {
	begin
	offline_skip "$CACHE" "it is blank"
	ORIGIN=/dev/corcache-nowhere
	expect_rc 4 attach
	said "nothing is cached on"
	CACHE=/dev/corcache-nowhere-else
	expect_rc 4 attach
	said "neither the origin"
	! exists cc || fail "there is a device"
	! exists cc-origin || fail "there is a stand-in"
	detach
}

run_cases attach_whole attach_without_origin attach_without_cache attach_refused attach_nothing
