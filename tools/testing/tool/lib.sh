# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lib.sh - of the tests of the tool that need no device; sourced by each test_<what>.sh.
#
# A test is a set of shell functions, each a case, handed to run_cases on its last line. Each runs in a subshell with
# `set -e`, in a folder of its own that is removed afterwards; what it prints is shown when it fails. Output is KTAP, a
# line for each case. Exit status: 0 all passed, 1 not.
#
# Environment: CORCACHE_BUILD, where the tool was built (default <top>/build), or CORCACHE_TOOL, the tool itself; CASES,
# words: run only these.
set -u -o pipefail
shopt -s inherit_errexit

TOOL_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$TOOL_HERE/../../.." && pwd)
CORCACHE_BUILD=${CORCACHE_BUILD:-$TOP/build}
TOOL=${CORCACHE_TOOL:-$CORCACHE_BUILD/corcache/corcache}
export TOP CORCACHE_BUILD TOOL

fail() {
	echo "FAILED: $*"
	exit 1
}

# A case that cannot be run here, in front of anything else that it does.
skip() {
	echo "$*" > "$TOOL_SKIP"
	exit 4
}

# tool WORD...: runs it. Its exit status is in status, what it wrote in the files out and err.
tool() {
	status=0
	"$TOOL" "$@" > out 2> err || status=$?
}

# expect_end STATUS WORD...: it ends with that status
expect_end() {
	local want=$1
	shift
	tool "$@"
	[ "$status" = "$want" ] || fail "corcache $*: status $status, expected $want; $(cat out err)"
}

# expect_fails STATUS REGEX WORD...: with that status, one line on stderr that matches, and nothing on stdout
expect_fails() {
	local want=$1 regex=$2
	shift 2
	expect_end "$want" "$@"
	[ ! -s out ] || fail "corcache $*: wrote to stdout: $(cat out)"
	[ "$(wc -l < err)" = 1 ] || fail "corcache $*: wrote $(wc -l < err) lines to stderr: $(cat err)"
	grep -qE -- "$regex" err || fail "corcache $*: said '$(cat err)', expected $regex"
}

# expect WHAT GOT WANT
expect() {
	[ "$2" = "$3" ] || fail "$1: is '$2', expected '$3'"
}

tool_case() { # NAME
	local rc=0 folder
	folder=$(mktemp -d "${TMPDIR:-/tmp}/corcache-tool.XXXXXX")
	TOOL_SKIP=$folder/skip
	mkdir "$folder/case"
	(
		set -e
		cd "$folder/case"
		"$1"
	) > "$folder/said" 2>&1 || rc=$?
	if [ "$rc" = 4 ] && [ -s "$TOOL_SKIP" ]; then
		echo "ok $TOOL_NR $1 # SKIP $(cat "$TOOL_SKIP")"
	elif [ "$rc" = 0 ]; then
		echo "ok $TOOL_NR $1"
	else
		sed 's/^/# /' "$folder/said"
		echo "not ok $TOOL_NR $1"
		TOOL_FAILED=1
	fi
	rm -rf "$folder"
}

# run_cases NAME...
run_cases() {
	local name todo=()
	for name in "$@"; do
		if [ -z "${CASES:-}" ] || [[ " $CASES " = *" $name "* ]]; then todo+=("$name"); fi
	done
	TOOL_NR=0 TOOL_FAILED=0
	echo "KTAP version 1"
	echo "1..${#todo[@]}"
	for name in "${todo[@]}"; do
		TOOL_NR=$((TOOL_NR + 1))
		tool_case "$name"
	done
	exit "$TOOL_FAILED"
}
