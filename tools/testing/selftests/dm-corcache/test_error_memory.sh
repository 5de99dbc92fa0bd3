#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory is short: reads come later, and never with an error.  The kernel's
# fault injection makes page allocations fail: those that may not wait, which
# are map's (reads are deferred or left to a worker), and then also those of the
# workers (one spare transfer for each device goes round).  Needs a kernel with
# CONFIG_FAIL_PAGE_ALLOC: the lab's debug kernel.
. "$(dirname "$0")/lib.sh"

FAULTS=/sys/kernel/debug/fail_page_alloc
TIMES=1000000

need_faults() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null || true
	[ -d "$FAULTS" ] || skip "this kernel injects no faults into page allocations"
	at_end no_faults
}
no_faults() { echo 0 >"$FAULTS"/probability; }

# faults PERCENT WAITING-ALSO: from now on
faults() {
	echo 0 >"$FAULTS"/min-order
	echo 0 >"$FAULTS"/verbose
	echo 1 >"$FAULTS"/interval
	echo 0 >"$FAULTS"/space
	echo Y >"$FAULTS"/ignore-gfp-highmem
	echo "$TIMES" >"$FAULTS"/times
	echo "$2" >"$FAULTS"/task-filter
	if [ "$2" = Y ]; then echo N; else echo Y; fi >"$FAULTS"/ignore-gfp-wait
	echo "$1" >"$FAULTS"/probability
}

# so many allocations have failed, at least
expect_faults() { expect "allocations that failed" $((TIMES - $(cat "$FAULTS"/times))) -ge "$1"; }

# What is read under faults: cold, of 64 KiB each, 16 pages; then hits that are
# bounced; all at once.
read_all() {
	timeout $((100 * SCALE)) "$IO" random "$DEV" --length 6M --count "$(scaled 400)" --threads 8 \
		--max-bs 128K --seed "$SEED"
	read_ok "$DEV" 0 6M --bs 64K
}

memory_not_in_map() {
	need_faults
	setup 8 16 128
	faults 30 N
	read_all
	no_faults
	expect_faults "$(scaled 100)"
	settle cc
	expect_remote origin again = 0
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc cache_errors = 0
	expect_status cc origin_errors = 0
	expect_status cc mode = active
}

memory_not_in_workers() {
	local task

	need_faults
	setup 8 16 128
	# threads that are made later are not marked; there are some at all times
	for task in $(pgrep '^kworker/u'); do
		echo 1 >"/proc/$task/make-it-fail" || true
	done
	faults 90 Y
	read_all
	no_faults
	expect_faults 20
	for task in $(pgrep '^kworker/u'); do
		echo 0 >"/proc/$task/make-it-fail" || true
	done
	settle cc
	read_ok "$DEV"
	settle cc
	expect_status cc cache_errors = 0
	expect_status cc origin_errors = 0
	expect_status cc mode = active
}

run_cases memory_not_in_map memory_not_in_workers
