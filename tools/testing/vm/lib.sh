#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lib.sh - functions shared by the scripts of the lab; to be sourced.
#
# Sets:   LAB_DIR    this directory
#         LAB_TOP    top of the checkout
#         LAB_CACHE  everything heavy: kernels, sources, chroots; survives checkouts (CORCACHE_LAB)
#         LAB_BUILD  build products of this checkout (CORCACHE_BUILD)
#
# An entry of the cache is a directory whose name holds the version of what is in it. It is made in a temporary
# directory beside its final place and renamed when complete, under a lock: an entry that exists is complete, and
# two runs at once make it once.

# Command substitutions shall stop at errors too.
shopt -s inherit_errexit

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_TOP=$(cd "$LAB_DIR/../../.." && pwd)
LAB_CACHE=${CORCACHE_LAB:-/var/cache/dm-corcache}
LAB_BUILD=${CORCACHE_BUILD:-$LAB_TOP/build}
export LAB_DIR LAB_TOP LAB_CACHE LAB_BUILD

# Some root shells (su without -l, cron) lack the sbin directories, where modprobe and depmod live.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Exit status of "cannot be had here and now"; callers report it as a skipped test.
# shellcheck disable=SC2034 # used by the scripts that source this file
LAB_SKIP=4

lab_say() { echo "${0##*/}: $*" >&2; }

lab_die() { # STATUS MESSAGE...
	local status=$1
	shift
	lab_say "$*"
	exit "$status"
}

# The text at the head of a script is its help: print the comment block that follows the licence line.
lab_usage() { sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; }

lab_need_root() {
	[ "$(id -u)" = 0 ] || lab_die 1 "must run as root (mounts, packages, the cache in $LAB_CACHE)"
}

# Hold the lock NAME until the calling shell (or subshell) ends. The descriptor is closed for children by those
# that start something long-lived.
lab_lock() { # NAME
	mkdir -p "$LAB_CACHE/lock"
	exec {LAB_LOCK_FD}> "$LAB_CACHE/lock/$1"
	if ! flock -n "$LAB_LOCK_FD"; then
		lab_say "waiting for another run to finish with '$1'"
		flock "$LAB_LOCK_FD"
	fi
}

# Make the cache entry DIR with "MAKER TMPDIR [ARGS...]" unless it exists. Runs in a subshell so that the lock and
# the clean-up end with it. MAKER's own output goes to stderr: stdout belongs to the caller. Do not call it in a
# condition (if, ||): bash would then run MAKER without "set -e".
lab_entry() { # DIR MAKER [ARGS...]
	local dir=$1 maker=$2
	shift 2
	[ -e "$dir" ] && return 0
	[ -z "${LAB_ONLY_CACHED:-}" ] || lab_die "$LAB_SKIP" "${dir##*/} is not in the cache"
	(
		set -euo pipefail
		lab_lock "${dir##*/}"
		[ -e "$dir" ] && exit 0
		mkdir -p "${dir%/*}"
		tmp=$(mktemp -d "${dir%/*}/.new.XXXXXX")
		# shellcheck disable=SC2064 # the value of now is meant
		trap "rm -rf --one-file-system '$tmp'" EXIT
		chmod 755 "$tmp"
		"$maker" "$tmp" "$@" >&2
		mv -T "$tmp" "$dir"
	)
}

# Is FILE younger than HOURS?
lab_fresh() { # FILE HOURS
	[ -e "$1" ] && [ -n "$(find "$1" -mmin "-$(($2 * 60))" -print)" ]
}
