#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_frame.sh - help, versions, exit statuses: what all verbs have in common.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

verbs() { "$TOOL" --completion list | sed '/ /d'; }

no_words() {
	expect_end 1
	[ ! -s out ] || fail "help went to stdout"
	grep -q '^Usage: corcache VERB' err || fail "no usage"
}

help_of_all() {
	local verb
	expect_end 0 --help
	[ ! -s err ] || fail "wrote to stderr"
	for verb in $(verbs); do
		grep -qE "^  $verb +[a-z]" out || fail "$verb is not in the help"
	done
}

help_of_each() {
	local verb
	for verb in $(verbs); do
		expect_end 0 "$verb" --help
		[ ! -s err ] || fail "$verb --help wrote to stderr"
		grep -q "^Usage: corcache $verb" out || fail "$verb --help has no usage"
		cp out long
		expect_end 0 "$verb" -h
		cmp -s out long || fail "$verb -h differs from --help"
	done
}

unknown_verb() { expect_fails 1 "unknown verb 'maek'.*--help" maek; }

unknown_option() {
	local verb want
	for verb in $(verbs); do
		want=1
		# its exit status is fsck's
		[ "$verb" != check ] || want=16
		expect_fails "$want" "unknown option '--no-such-option'" "$verb" --no-such-option
		expect_fails "$want" "unknown option '-!'" "$verb" -!
	done
}

version() {
	local want
	want=$(make -s -C "$TOP" version)
	expect_end 0 version
	expect version "$(cat out)" "corcache $want"
	expect_end 0 --version
	expect --version "$(cat out)" "corcache $want"
}

run_cases no_words help_of_all help_of_each unknown_verb unknown_option version
