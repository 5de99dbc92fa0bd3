#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scan-log.sh OUTDIR - print what the kernel complained about during a run, from dmesg.txt, console.txt, kmemleak.txt and
# .lab/vm.log in OUTDIR (a panic of UML is dumped on its standard error, which the last one holds).
#
# Of KCSAN's reports only those count in which our module has a part: see foreign-races.awk.
#
# The pattern is anchored behind the time stamp: what a test writes to /dev/kmsg about itself does not match.
# Environment: LAB_ALLOW, a regular expression of lines to forgive.
# Output: each complaint once, then the report that follows the first. Exit status: 0 = clean, 1 = complaints.
set -euo pipefail

STAMP='^(<[0-9]+>)?(\[ *[0-9]+\.[0-9]+\])?(\[ *[TC][0-9]+\])? *'
COMPLAINTS=(
	'BUG: ' 'WARNING: ' 'Oops' 'kernel BUG at' 'Kernel panic' 'general protection fault' 'invalid opcode'
	'KASAN: ' 'KCSAN: ' 'UBSAN: ' 'ODEBUG: ' 'INFO: task ' 'INFO: possible ' 'INFO: trying to register'
	'rcu: INFO: ' 'INFO: rcu' 'watchdog: BUG' 'refcount_t: ' 'list_add corruption' 'list_del corruption'
	'workqueue: WQ_MEM_RECLAIM' 'DEBUG_LOCKS_WARN_ON' 'Voluntary context switch within RCU' 'unable to handle'
	'\[ BUG: ' 'Internal error'
)

complaints() { # FILE
	local pattern
	pattern=$(IFS='|' && echo "${COMPLAINTS[*]}")
	[ -e "$1" ] || return 0
	tr -d '\r' < "$1" | awk -f "${0%/*}/foreign-races.awk" | grep -aE "$STAMP($pattern)" | grep -av 'corcache-lab: ' || true
}

forgive() {
	if [ -n "${LAB_ALLOW:-}" ]; then grep -aEv -- "$LAB_ALLOW" || true; else cat; fi
}

# Leaks whose backtrace names our module, or has a frame without a name: after rmmod nothing can be named any more,
# and hardly anything else in the lab's kernels is unloaded.
leaks() { # FILE
	[ -e "$1" ] || return 0
	awk '
		function flush() { if (ours) print report; report = ""; ours = 0 }
		/^unreferenced object/ { flush() }
		{ report = report (report == "" ? "" : "\n") $0 }
		/corcache/ || /^ *\[<[0-9a-fx]*>\] 0x[0-9a-f]+/ { ours = 1 }
		END { flush() }
	' "$1"
}

# What follows the first complaint in the log that has it: call trace, lock chains, allocation and free.
report() { # OUTDIR COMPLAINTS
	local first=${2%%$'\n'*}
	[ -n "$first" ] || return 0
	echo "--- the report of the first:"
	cat "$1/dmesg.txt" "$1/console.txt" "$1/.lab/vm.log" 2> /dev/null | tr -d '\r' | grep -a -m 1 -F -A 40 -- "$first" || true
	echo "--- end"
}

main() {
	local out=$1 found
	found=$({
		complaints "$out/dmesg.txt"
		complaints "$out/console.txt"
		complaints "$out/.lab/vm.log"
	} | sort -u | sort -t'[' -k2 -n | forgive)
	found+=$(leaks "$out/kmemleak.txt" | sed '1s/^/\n/')
	[ -n "$found" ] || return 0
	printf '%s\n' "$found"
	report "$out" "$found"
	return 1
}

main "$@"
