#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_scrub.sh - the units of the scrub, as they are installed: systemd reads them, and what they call is there.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

UNITS=$TOP/tools/corcache/systemd

# The units with the tool that was built; of the instance "debian-12".
stage() {
	local unit
	command -v systemd-analyze > /dev/null || skip "systemd-analyze is not installed"
	for unit in corcache-scrub@.service corcache-scrub@.timer; do
		sed "s|/usr/sbin/corcache|$TOOL|" "$UNITS/$unit" > "$unit"
	done
}

# verify UNIT...: what systemd objects to, in the file said
verify() { systemd-analyze verify --man=no "$@" > said 2>&1 && [ ! -s said ]; }

systemd_reads_them() {
	local name
	stage
	name=$(systemd-escape debian-12)
	cp corcache-scrub@.service "corcache-scrub@$name.service"
	cp corcache-scrub@.timer "corcache-scrub@$name.timer"
	verify "./corcache-scrub@$name.service" "./corcache-scrub@$name.timer" || fail "$(cat said)"
	# it would see a mistake
	echo 'NoSuchWord=1' >> "corcache-scrub@$name.timer"
	if verify "./corcache-scrub@$name.timer"; then fail "a word that does not exist was not noticed"; fi
}

# the words of the command line are the verb's: it is the device that is missing
command_is_right() {
	local line words
	line=$(sed -n 's|^ExecStart=/usr/sbin/corcache ||p' "$UNITS/corcache-scrub@.service")
	read -ra words <<< "${line//%I/no-such-device}"
	[ "${words[0]}" = verify ] || fail "ExecStart is no verify: $line"
	tool "${words[@]}"
	[ "$status" != 0 ] || fail "it has verified what is not there"
	grep -q "'no-such-device'" err || fail "status $status: $(cat err)"
}

timer_is_monthly() {
	local next
	stage
	next=$(systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' corcache-scrub@.timer)")
	grep -q 'Normalized form: \*-\*-01 00:00:00' <<< "$next" || fail "not monthly: $next"
	grep -q '^RandomizedDelaySec=[1-9]' corcache-scrub@.timer || fail "all at once"
	grep -q '^IOSchedulingClass=idle' corcache-scrub@.service || fail "not in the background"
}

run_cases systemd_reads_them command_is_right timer_is_monthly
