#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh [TEST...] - runs selftests of dm-corcache on this machine, one after
# the other; all of them without names.  A name may be shortened: `read`,
# `test_read_pattern`, `read_pattern`, `test_read_pattern.sh` all work.
#
# Meant for the guests of tools/testing/vm, where it may load the module
# ($CORCACHE_KO) and break devices; see lib.sh for the environment.  Tests
# named *.host.sh start guests themselves and are not run here.
#
# Environment, beside lib.sh's: TEST_LIMIT, the seconds that each test may take,
# instead of those it names;
# TOOLS, a directory that collect_tools of lib.sh has filled on the host.
#
# A word in $CASES that is the name of no case of any of them is an error.
#
# Output: KTAP, one line per test, the test's own lines indented below it:
#   ok 1 test_table_refusals.sh
# Exit status: 0 all passed or skipped, 1 a test failed, 2 usage.
set -u

cd "$(dirname "$0")" || exit 2
# for SCALE and SEED; the functions are for the tests
. ./lib.sh

tests=()
timeout=$(sed -n 's/^timeout=//p' settings)

find_tests() {
	local all=() word t found

	for t in test_*.sh; do
		case $t in *.host.sh) ;; *) all+=("$t") ;; esac
	done
	if [ $# = 0 ]; then
		tests=("${all[@]}")
		return
	fi
	for word in "$@"; do
		found=0
		for t in "${all[@]}"; do
			case $t in
			"$word" | "$word.sh" | "test_$word.sh" | "test_${word}_"*)
				tests+=("$t")
				found=1
				;;
			esac
		done
		if [ $found = 0 ]; then
			echo "no such test: $word" >&2
			exit 2
		fi
	done
}

# What was asked for by name and does not exist would pass unseen.
check_cases() {
	local word known

	[ -n "${CASES:-}" ] || return 0
	# as they are written: to start each test in a slow guest takes a minute
	known=$(sed -n '/^run_cases /,$p' "${tests[@]}" | tr -s '[:space:]' ' ')
	for word in $CASES; do
		[[ $known = *" $word "* ]] ||
			{ echo "no such case in ${tests[*]}: $word" >&2; exit 2; }
	done
}

run_test() {
	local limit=$((timeout * SCALE)) own status pid

	own=$(sed -n 's/^# timeout=\([0-9]*\)$/\1/p' "$1")
	[ -z "$own" ] || limit=$((own * SCALE))
	limit=${TEST_LIMIT:-$limit}
	# through a file: a daemon that is left behind would hold a pipe open
	: >"$run_dir/out"
	timeout -k 20 "$limit" bash "$1" >"$run_dir/out" 2>&1 &
	pid=$!
	tail -n +1 -s 0.2 -f --pid=$pid "$run_dir/out" | sed -u 's/^/    /'
	wait $pid
	status=$?
	if [ $status -ge 124 ]; then
		echo "# $1: not finished within $limit s (status $status); tasks that hang:"
		echo w >/proc/sysrq-trigger
		dmesg | tail -n 80 | sed 's/^/# /'
	fi
	return $status
}

find_tests "$@"
run_dir=$(mktemp -d /tmp/corcache-run.XXXXXX)
trap 'rm -rf "$run_dir"' EXIT
if [ -n "${LAB_OUT:-}" ]; then
	if [ -n "${TOOLS:-}" ]; then
		cp -r "$TOOLS" "$run_dir/tools"
	else
		collect_tools "$run_dir/tools"
	fi
	use_tools "$run_dir/tools"
fi
check_cases
passed=0 failed=0 skipped=0 nr=0
: >"$run_dir/offline"
echo "KTAP version 1"
echo "1..${#tests[@]}"
for t in "${tests[@]}"; do
	nr=$((nr + 1))
	started=$(now_ms)
	run_test "$t"
	rc=$?
	echo "# $t: $((($(now_ms) - started) / 1000)) s"
	sed -n 's/^# offline: \([0-9]*\) cache devices checked, \([0-9]*\) left out.*/\1 \2/p' "$run_dir/out" \
		>>"$run_dir/offline"
	case $rc in
	0)
		echo "ok $nr $t"
		passed=$((passed + 1))
		;;
	4)
		echo "ok $nr $t # SKIP $(sed -n 's/.*# SKIP //p' "$run_dir/out" | sort -u | sed -n 1p)"
		skipped=$((skipped + 1))
		;;
	*)
		echo "not ok $nr $t"
		failed=$((failed + 1))
		;;
	esac
done
awk '{ checked += $1; left += $2 } END {
	printf "# offline: %d cache devices checked in all, %d left out\n", checked, left }' "$run_dir/offline"
echo "# Totals: pass:$passed fail:$failed skip:$skipped"
[ $failed = 0 ]
