#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# soak.guest.sh - the part of tools/testing/soak.sh that runs in the guest.
#
# Rounds, of a minute or so each, until MINUTES are over.  In each the readers
# verify everything they read while what stress_actions.sh has, and faults, come
# in random order.  A quiet round has no faults, and its readers get no error; a
# round of faults is chosen by the seed: the cache device rots and errs, the
# remote errs, or dies and is replaced, allocations and requests fail (on kernels
# with fault injection).  After each all of it is read and right, the counters
# add up, and the device is removed: then the kernel's memory is what it was.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stress_actions.sh"

MINUTES=${MINUTES:-10}
ROUND=${ROUND:-$((40 * (SCALE > 1 ? 2 : 1)))}	# seconds
FAULTS=/sys/kernel/debug

action_remote_errors() {
	remote_errors origin on
	sleep 0.2
	remote_errors origin off
}

# The server dies with reads under way; another takes its place by a reload.
action_remote_dies() {
	local old=$ORIGIN

	remote_kill origin
	# what the driver has sent already ends only with the connection
	nbd-client -d "$old" >/dev/null || true
	remote_start origin $((LEN * 512))
	action_reload
	# the old table was the last to have it open
	st_until_free "$old" || fail "$old stays connected"
}

TIMES=1000000000
# fault NAME PERCENT: of fail_page_alloc, failslab or fail_make_request; those that
# have come so far are counted in INJECTED
fault() {
	local dir=$FAULTS/$1 left

	[ -d "$dir" ] || return 0
	read -r left <"$dir/times"
	[ "$left" = 1 ] || INJECTED=$((INJECTED + TIMES - left))
	echo 1 >"$dir/interval"
	echo "$TIMES" >"$dir/times"
	echo 0 >"$dir/space"
	echo 0 >"$dir/verbose"
	echo "$2" >"$dir/probability"
}
# only allocations that may not wait: others are anybody's
memory_faults() {
	[ -d "$FAULTS/fail_page_alloc" ] || return 0
	echo 0 >"$FAULTS/fail_page_alloc/min-order"
	echo Y >"$FAULTS/fail_page_alloc/ignore-gfp-wait"
	echo Y >"$FAULTS/failslab/ignore-gfp-wait"
	fault fail_page_alloc "$1"
	fault failslab "$1"
}
can_inject() { # KIND of round
	case $1 in
	memory) [ -d "$FAULTS/fail_page_alloc" ] ;;
	requests) [ -e "/sys/block/${CACHE##*/}/make-it-fail" ] ;;
	*) false ;;
	esac
}
no_faults() {
	memory_faults 0
	fault fail_make_request 0
}

action_memory() {
	memory_faults 20
	sleep 0.5
	memory_faults 0
}
action_requests() {
	local attribute=/sys/block/${CACHE##*/}/make-it-fail

	[ -e "$attribute" ] || return 0
	echo 1 >"$attribute"
	fault fail_make_request 20
	sleep 0.3
	fault fail_make_request 0
	echo 0 >"$attribute"
}

# A request that fails may be a commit's.  Then the cache is frozen, and so are the
# messages that would write, until a resume; nothing else may make one fail.
message() {
	timeout $((60 * SCALE)) dmsetup message "$1" 0 "${@:2}" && return
	[ "$KIND" = requests ] || fail "message $*"
	expect_status cc mode = frozen
	FROZEN=$((FROZEN + 1))
	action_suspend
}

# round_actions KIND: in ACTIONS what may happen; in READERS their options
round_actions() {
	ACTIONS=(evict evict evict_all quota commit suspend noflush reload)
	READERS=()
	case $1 in
	quiet) ACTIONS+=(reset stall stall) ;;
	cache) ACTIONS+=(rot rot errors errors) ;;
	memory) ACTIONS+=(memory memory memory stall) ;;
	requests) ACTIONS+=(requests requests rot) ;;
	remote)
		ACTIONS+=(remote_errors remote_errors remote_dies stall)
		READERS=(--expect-error)
		;;
	esac
}

# stop_load NAME KIND: it may end without having met the errors that it expects
stop_load() {
	local rc=0

	kill -TERM "$(job_pid "$1")"
	wait_for 60 "end of job $1" job_over "$1"
	wait "$(job_pid "$1")" || rc=$?
	[ "$2:$rc" != remote:3 ] || rc=0
	[ "$rc" = 0 ] || note "$(tail -n 20 "$T/$1.out")" >&2
	expect "status of job $1" "$rc" = 0
}

# What is in use in kernel memory, in KiB, when nothing of ours is
kernel_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 0.5
	awk '/^(SUnreclaim|VmallocUsed|Percpu|KernelStack):/ { sum += $2 } END { print sum }' /proc/meminfo
}
workers() { pgrep -c '^corcache' || true; }

soak_round() { # KIND
	local end=$((SECONDS + ROUND)) n=0 came=0 action

	KIND=$1 INJECTED=0
	round_actions "$1"
	stress_activate 0 4 max_errors 0 commit_interval $((1 + RANDOM % 500))
	load load "$DEV" --threads 6 --max-bs 256K --seed $((SEED + SECONDS)) "${READERS[@]}"
	load small "$DEV" --threads 4 --max-bs 4K --seed $((SEED + SECONDS + 1)) "${READERS[@]}"
	while [ "$SECONDS" -lt "$end" ]; do
		n=$((n + 1))
		action=${ACTIONS[RANDOM % ${#ACTIONS[@]}]}
		"action_$action"
		[ "$action" != "$1" ] || came=$((came + 1))
		COUNT[$action]=$((${COUNT[$action]:-0} + 1))
		expect_status cc used -le "$(status_get cc quota)"
	done
	expect_load load small
	stop_load load "$1"
	stop_load small "$1"
	# what fell into the last fault may have been dropped, or frozen the cache
	action_suspend
	read_ok "$DEV" --bs 1M
	settle cc
	expect_status cc mode = active
	if [ "$1" = quiet ]; then no_errors; fi
	if [ "$1" != remote ]; then expect_status cc origin_errors = 0; fi
	# a round may be without them, by chance
	if [ "$came" -gt 0 ] && can_inject "$1"; then expect "faults that came" "$INJECTED" -ge 1; fi
	note "round $1: $n actions, $INJECTED faults; $(tail -n 1 "$T/load.out"); $(tail -n 1 "$T/small.out")"
	dmremove cc
}

soak() {
	local kinds=(quiet cache memory requests remote) end=$((SECONDS + MINUTES * 60)) rounds=0
	local kind before='' now threads=''
	declare -A COUNT=()
	FROZEN=0 INJECTED=0

	RANDOM=$((SEED % 32768))
	mountpoint -q "$FAULTS" || mount -t debugfs debugfs "$FAULTS" 2>/dev/null || true
	at_end no_faults
	stress_setup
	dmremove cc
	# each kind once, in any order, before any comes again
	while [ "$SECONDS" -lt "$end" ] || [ "$rounds" -lt ${#kinds[@]} ]; do
		[ $((rounds % ${#kinds[@]})) != 0 ] || mapfile -t kinds < <(shuffle "${kinds[@]}")
		kind=${kinds[rounds % ${#kinds[@]}]}
		soak_round "$kind"
		rounds=$((rounds + 1))
		now=$(kernel_memory)
		note "kernel memory after round $rounds: $now KiB"
		# the first rounds fill what the kernel keeps for later
		[ "$rounds" != 2 ] || before=$now threads=$(workers)
	done
	for kind in "${!COUNT[@]}"; do note "action $kind: ${COUNT[$kind]}"; done
	note "messages to a frozen cache: $FROZEN"
	note "soak: $rounds rounds, $SECONDS s; kernel memory $before KiB after two rounds, $now KiB at the end"
	expect "growth of kernel memory, KiB" $((now - before)) -le 8192
	expect "kernel threads of the target" "$(workers)" = "$threads"
}

# shuffle WORD...: in another order, by RANDOM
shuffle() {
	local words=("$@") i j tmp

	for ((i = ${#words[@]} - 1; i > 0; i--)); do
		j=$((RANDOM % (i + 1)))
		tmp=${words[i]} words[i]=${words[j]} words[j]=$tmp
	done
	printf '%s\n' "${words[@]}"
}

if [ -n "${LAB_OUT:-}" ]; then
	collect_tools /tmp/corcache-tools
	use_tools /tmp/corcache-tools
fi
run_cases soak
