# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# host.sh - what the tests that start guests themselves (*.host.sh) have in common; sourced by them.
#
#   host_work NAME        a folder, in $work; it stays, and is named, if a case has failed
#   result STATUS NAME    a case of the test: 0, it has passed
#
# Sets failed, number.

failed=0 number=0

# shellcheck disable=SC2317 # called by trap
host_cleanup() {
	if [ "$failed" = 0 ]; then
		rm -rf "$work"
	else
		echo "# what the guests have left is in $work"
	fi
}

host_work() {
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-$1.XXXXXX")
	trap host_cleanup EXIT
	trap 'failed=0; exit 143' TERM INT
}

result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failed=1
	fi
}
