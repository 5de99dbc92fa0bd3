#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check.sh [TEST...] - builds the tool and runs its tests that need no device: all test_*.sh here, or those named.
#
# Output: KTAP, a line for each case of each test. Exit status: 0 all passed, 1 not.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../../.." && pwd)
export CORCACHE_BUILD=${CORCACHE_BUILD:-$TOP/build}
nr=0 failed=0

verdict() { # "ok"|"not ok" NAME
	nr=$((nr + 1))
	echo "$1 $nr $2"
	[ "$1" = ok ] || failed=1
}

# The lines of a test with numbers that go on, and a verdict of its own for what it has not reported.
run_test() { # FILE
	local name line rc=0 cases=0 plan='' bad=0 said
	name=$(basename "$1" .sh)
	said=$(bash "$1" 2>&1) || rc=$?
	while IFS= read -r line; do
		case $line in
		1..*) plan=${line#1..} ;;
		'ok '* | 'not ok '*)
			[[ $line = ok* ]] || bad=1
			cases=$((cases + 1))
			verdict "${line%%ok *}ok" "$name/$(sed -E 's/^(not )?ok [0-9]+ (- )?//' <<< "$line")"
			;;
		KTAP*) ;;
		*) echo "# ${line#\# }" ;;
		esac
	done <<< "$said"
	if [ "$plan" != "$cases" ] || [ "$cases" = 0 ] || { [ "$rc" != 0 ] && [ "$bad" = 0 ]; }; then
		verdict "not ok" "$name ($cases cases of '$plan', status $rc)"
	fi
}

make -s -C "$TOP/tools/corcache" CORCACHE_BUILD="$CORCACHE_BUILD" >&2
echo "KTAP version 1"
[ $# -gt 0 ] || set -- "$HERE"/test_*.sh
for test; do
	[[ $test = */* ]] || test=$HERE/$test
	run_test "${test%.sh}.sh"
done
echo "1..$nr"
exit $failed
