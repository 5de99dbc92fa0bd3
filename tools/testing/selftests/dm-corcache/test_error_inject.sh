#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Faults that the kernel injects: each single allocation of an activation, a
# message, a suspend, a resume and a reload fails once (ENOMEM, and nothing is
# left behind), small allocations fail while many read, and requests to the
# cache device fail at random.  No reader notices.  Needs the lab's debug kernel;
# its scan for leaks, when all is over, is a part of the test.
# timeout=900
. "$(dirname "$0")/lib.sh"

LEN=16384
DEBUGFS=/sys/kernel/debug
TIMES=1000000
FAIL=$ST_TOOLS/corcache_fail
# an allocation that fails may say so, with a backtrace
ST_SPLATS=${ST_SPLATS%|Call Trace:}

# need_faults NAME...: the kernel can inject these, and does not when the case ends
need_faults() {
	local what

	mountpoint -q "$DEBUGFS" || mount -t debugfs debugfs "$DEBUGFS" 2>/dev/null || true
	for what in "$@"; do
		[ -d "$DEBUGFS/$what" ] || skip "this kernel injects no faults of the kind $what"
	done
	INJECT=("$@")
	at_end end_faults
	for what in "$@"; do
		set_fault "$what" probability 0
		set_fault "$what" verbose 0
		set_fault "$what" interval 1
		set_fault "$what" space 0
		set_fault "$what" times "$TIMES"
		set_fault "$what" task-filter N
	done
}
set_fault() { echo "$3" >"$DEBUGFS/$1/$2"; }
no_faults() {
	local what

	for what in "${INJECT[@]}"; do
		set_fault "$what" probability 0
	done
}
end_faults() {
	no_faults
	[ -z "${FAULTY_DISK:-}" ] || echo 0 >"/sys/block/$FAULTY_DISK/make-it-fail"
}
# so many have come
faults() {
	local left

	read -r left <"$DEBUGFS/$1/times"
	echo $((TIMES - left))
}

# A detector that gave up for want of memory has detected nothing.
expect_detectors() {
	# not if the mark has left the log
	dmesg | has_line "$1" || fail "the kernel log does not reach back to '$1'"
	if log_since "$1" | grep -E 'leak detector disabled|ODEBUG disabled|turning off the locking'; then
		fail "a detector has given up"
	fi
}

# every allocation takes part, also such as may wait
need_fail_nth() {
	need_faults failslab fail_page_alloc
	[ -e /proc/self/fail-nth ] || skip "no /proc/self/fail-nth"
	[ -x "$FAIL" ] || fail "$FAIL is not built"
	set_fault failslab ignore-gfp-wait N
	set_fault failslab cache-filter N
	set_fault fail_page_alloc ignore-gfp-wait N
	set_fault fail_page_alloc ignore-gfp-highmem N
	set_fault fail_page_alloc min-order 0
}

# number DEV: as the table takes it, without the look-up of a path, which turns
# each of its errors into "no such device"
number() {
	local hex

	hex=$(stat -L -c '%t:%T' "$1")
	echo $((0x${hex%:*})):$((0x${hex#*:}))
}

# each OPERATION NAME [CACHE]: each STEP-th allocation of it fails
each() {
	timeout $((400 * SCALE)) "$FAIL" "$1" $((1 + SEED % STEP)) "$STEP" "$2" "$LEN" \
		"$(number "$CACHE") $(number "$ORIGIN") 128" "${@:3}" >"$T/fail.out" 2>&1 ||
		fail "$(cat "$T/fail.out")"
	cat "$T/fail.out"
}

# A blank device, then one that holds a cache, which survives all of it.  A part
# of all allocations is enough for a test that is run often.
inject_activate_some() { STEP=13 inject_activate; }
inject_activate() {
	local mark STEP=${STEP:-1}

	need_fail_nth
	mark=$ST_MARK
	remote_start origin 8M
	# while it is there, so are the slabs for bios of that size: 6.1 loses a name
	# when it cannot make one
	mkcache 8
	mkcorcache keeper "$CACHE" "$ORIGIN" "$LEN" 128
	mkcache 8
	record dm victim
	each activate victim "$CACHE"
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 1M --bs 1M
	settle cc
	dmremove cc
	each activate victim "$CACHE"
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
	expect_status cc checksum_errors = 0
	dmremove cc
	dmremove keeper
	expect_detectors "$mark"
}

inject_control_some() { STEP=7 inject_control; }
inject_control() {
	local mark STEP=${STEP:-1}

	need_fail_nth
	mark=$ST_MARK
	setup 8 8 128
	read_ok "$DEV" 0 1M --bs 1M
	settle cc
	each control cc
	expect_status cc mode = active
	expect_status cc cache_errors = 0
	expect_status cc origin_errors = 0
	read_ok "$DEV" 0 1M --bs 1M
	settle cc
	expect_hits cc "$DEV" 0 1M --bs 1M
	expect_detectors "$mark"
}

# Slab allocations of those who read fail: that is, of the target's map, which may
# not wait for memory.  (Pages, and workers: test_error_memory.)  Reads of more than
# four pages would fail in the block layer, which allocates for them before the
# target sees anything.
inject_slab() {
	local mark task

	need_faults failslab
	mark=$ST_MARK
	set_fault failslab ignore-gfp-wait N
	set_fault failslab cache-filter N
	set_fault failslab task-filter Y
	setup 8 16 128
	load load "$DEV" --threads 4 --max-bs 12K --seed "$SEED"
	wait_for 30 "reads" reads_beyond 20
	for task in "/proc/$(job_pid load)/task"/*/make-it-fail; do echo 1 >"$task"; done
	set_fault failslab probability 30
	for _ in 1 2 3; do
		message cc evict 0 8192
		wait_for 30 "reads under faults" reads_beyond $(($(status_get cc reads) + 50))
	done
	no_faults
	note "$(faults failslab) allocations failed"
	expect "allocations that failed" "$(faults failslab)" -ge 20
	expect_load load
	job_stop load
	cat "$T/load.out"
	read_ok "$DEV" --bs 1M
	settle cc
	expect_hits cc "$DEV" 0 8M --bs 1M
	expect_status cc cache_errors = 0
	expect_status cc origin_errors = 0
	expect_status cc checksum_errors = 0
	expect_status cc mode = active
	expect_detectors "$mark"
}
reads_beyond() {
	expect_load load
	[ "$(status_get cc reads)" -gt "$1" ]
}

# Requests to the cache device, and only to it: reads, data and table writes.  A
# commit that fails freezes the cache, and then only reads can fail any more, so it
# is looked at anew after each round.
inject_requests() {
	local n line events

	need_faults fail_make_request
	remote_start origin 8M
	mkcache 16
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128 0 4 max_errors 0 commit_interval 3600000
	read_ok "$DEV" 0 4M --bs 1M
	settle cc
	message cc commit
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	FAULTY_DISK=${CACHE##*/}
	echo 1 >"/sys/block/$FAULTY_DISK/make-it-fail"
	for n in 1 2; do
		message cc evict 8192 8192
		set_fault fail_make_request probability 20
		wait_for 60 "requests that fail" faults_beyond $(($(faults fail_make_request) + 25))
		no_faults
		# one status: between two it may have healed
		line=$(status_line cc)
		case $line in
		"mode=active "*" reason=none "*) ;;
		"mode=frozen "*" reason=commit "*) note "round $n: frozen" ;;
		*) fail "$line" ;;
		esac
		dmsetup suspend --noflush --nolockfs cc
		dmsetup resume cc
		expect_status cc mode = active
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	note "$(faults fail_make_request) requests failed, $(status_get cc cache_errors) errors counted"
	# a bad read of a hit is tried again before it counts, once for each block
	expect_status cc cache_errors -ge 1
	expect_status cc cache_errors -le "$(faults fail_make_request)"
	expect_status cc origin_errors = 0
	expect_status cc checksum_errors = 0
	read_ok "$DEV" --bs 1M
	settle cc
	expect_hits cc "$DEV" 0 8M --bs 1M
	# what it says of the origin is what the server says
	expect_read_of_origin cc origin = "$(status_get cc origin_bytes)"
	# all of them fail: no commit is possible, and then no hit
	events=$(events cc)
	set_fault fail_make_request probability 100
	expect_rc 1 timeout $((30 * SCALE)) dmsetup message cc 0 evict 0 128 2>"$T/err"
	expect_status cc mode = frozen
	expect_status cc reason = commit
	wait_for 10 "the event" events_are $((events + 1))
	read_ok "$DEV" --bs 1M
	no_faults
	dmsetup suspend cc
	dmsetup resume cc
	expect_status cc mode = active
	read_ok "$DEV" --bs 1M
}
faults_beyond() { [ "$(faults fail_make_request)" -ge "$1" ]; }
events_are() { [ "$(events cc)" = "$1" ]; }

run_cases inject_requests inject_slab inject_activate_some inject_control_some inject_activate \
	inject_control
