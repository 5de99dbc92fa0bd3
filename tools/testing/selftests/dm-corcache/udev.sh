# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# udev.sh - what the tests of udev's rules have in common: needs a guest started with `run.sh -u`; elsewhere the cases
# are skipped. The rules under test are put into /run/udev/rules.d. Sourced after lib.sh.

# Tests set this so that dmsetup makes nodes itself; here udev does.
unset DM_DISABLE_UDEV

# Generous: the first one may have to wait for all the drivers of a guest that has just started.
settle_udev() { udevadm settle --timeout=$((100 * SCALE)) || fail "udev does not settle"; }

need_udev() {
	# where one was asked for (run.sh -u), it has to be there
	if [ ! -e /run/udev/control ]; then
		[ "${LAB_UDEV:-0}" = 0 ] || fail "the udev daemon that the guest was to have does not run"
		skip "no udev daemon runs here"
	fi
	[ -e /lib/udev/rules.d/60-persistent-storage-dm.rules ] || skip "no device-mapper rules of udev are installed"
}

# use_rule SOURCE NAME: from now on; sed's ARGS change it
use_rule() { # SOURCE NAME [ARGS...]
	local source=$ST_TOP/tools/udev/$1 rule=/run/udev/rules.d/$2
	need_udev
	[ -e "$source" ] || skip "the udev rule is not at hand: $source"
	mkdir -p "${rule%/*}"
	sed -e '' "${@:3}" "$source" >"$rule"
	record rm "$rule"
	reload_rules
}

reload_rules() { udevadm control --reload; }

sysname() { basename "$(readlink -f "$1")"; }

# An event, as a package's installation or `udevadm trigger` by hand makes it
trigger() { # ACTION DEVICE...
	local action=$1 d
	shift
	for d in "$@"; do
		udevadm trigger --action="$action" "/sys/class/block/$(sysname "$d")"
	done
	settle_udev
}

property() { udevadm info --query=property --property="$2" --value "$1"; }

expect_property() { # DEVICE NAME VALUE
	local got
	got=$(property "$1" "$2")
	expect "udev's $2 of $1" "$got" = "$3"
}

reads_of() { awk '{ print $1 }' "/sys/class/block/$(sysname "$1")/stat"; }
