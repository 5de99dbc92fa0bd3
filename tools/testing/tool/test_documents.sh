#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_documents.sh - each verb and each option is in the help, in the man page and in the completions.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

PAGE=$TOP/tools/corcache/man/corcache.8.rst

# The section of a verb in the man page: between its title and the next one.
section() { # VERB
	awk -v verb="$1" '
		/^(---|===)/ && last != "" { inside = (last == verb); if (!inside) held = "" }
		inside { if (held != "") print held; held = $0 }
		{ last = $0 }' "$PAGE"
}

# each FUNCTION: for every "VERB --OPTION", or "VERB" alone
each() {
	local verb option nr=0
	while read -r verb option; do
		"$1" "$verb" "$option"
		nr=$((nr + 1))
	done < <("$TOOL" --completion list)
	[ "$nr" -ge 30 ] || fail "$nr verbs and options only"
}

in_help() {
	local text
	text=$("$TOOL" "$1" --help)
	[ -z "$2" ] || grep -qE -- "^ .* ${2}( |\[|$)" <<< "$text" || fail "$1 --help does not have $2"
	grep -qE "^  $1 " <("$TOOL" --help) || fail "--help does not have $1"
}

in_page() {
	local text
	text=$(section "$1")
	[ -n "$text" ] || fail "the man page has no section $1"
	grep -q "^\*\*corcache $1\*\*" <<< "$text" || fail "the man page has no synopsis of $1"
	[ -z "$2" ] || grep -qE -- "^(-., )?$2( |$)" <<< "$text" || fail "the man page does not have $1 $2"
}

in_bash() {
	grep -qF " $1 " bash.words || fail "bash does not complete $1"
	[ -z "$2" ] || grep -qE -- "^[[:space:]]$1,-\*\) words='--help.* $2[ ']" <(tr -s '\t' '\t' < bash) ||
		fail "bash does not complete $1 $2"
}

in_zsh() {
	grep -qE "^[[:space:]]'$1:" zsh || fail "zsh does not complete $1"
	[ -z "$2" ] || awk -v verb="$1)" '$1 == verb { inside = 1 } /^\t;;/ { inside = 0 } inside' zsh |
		grep -E -- "^[[:space:]]+'\*?$2(=-?)?\[" > /dev/null || fail "zsh does not complete $1 $2"
}

in_fish() {
	grep -qF -- "-a $1 -d" fish || fail "fish does not complete $1"
	[ -z "$2" ] || grep -qF -- "'__fish_seen_subcommand_from $1' -l ${2#--} " fish || fail "fish does not complete $1 $2"
}

help() { each in_help; }
man_page() { each in_page; }

# The page has nothing that the tool does not have.
man_page_has_no_more() {
	local verb option
	"$TOOL" --completion list > known
	while read -r verb; do
		grep -qx -- "$verb" known || fail "the man page has the verb $verb, the tool does not"
		for option in $(section "$verb" | grep -oE '^(-., )?--[a-z][a-z-]*' | grep -oE -- '--[a-z][a-z-]*'); do
			grep -qx -- "$verb $option" known || fail "the man page has $verb $option, the tool does not"
		done
	done < <(awk '/^---/ { print last } { last = $0 }' "$PAGE" | grep -E '^[a-z-]+$' | grep -v '^---')
}

man_pages_are_strict() {
	local page tool=rst2man
	command -v rst2man > /dev/null || tool=rst2man.py
	for page in "$TOP"/tools/corcache/man/*.rst; do
		"$tool" --strict "$page" > made 2> said || fail "$page: $(cat said)"
		[ -s made ] || fail "$page is empty"
	done
}

completion() { # SHELL
	expect_end 0 --completion "$1"
	mv out "$1"
	[ -s "$1" ] || fail "nothing for $1"
}

bash_completion() {
	completion bash
	bash -n bash || fail "bash does not read it"
	sed -n "s/.*compgen -W '\(.*\)' --.*/ \1 /p" bash > bash.words
	each in_bash
}

# What bash itself makes of it.
bash_completes() {
	completion bash
	# shellcheck disable=SC1091 # it was written just now
	. ./bash
	COMP_WORDS=(corcache cr) COMP_CWORD=1 COMPREPLY=()
	_corcache
	expect "verbs" "${COMPREPLY[*]}" create
	COMP_WORDS=(corcache create --pol) COMP_CWORD=2 COMPREPLY=()
	_corcache
	expect "options" "${COMPREPLY[*]}" --policy
	COMP_WORDS=(corcache create --policy st) COMP_CWORD=3 COMPREPLY=()
	_corcache
	expect "values" "${COMPREPLY[*]}" stop
}

zsh_completion() {
	completion zsh
	each in_zsh
	if command -v zsh > /dev/null; then zsh -n zsh || fail "zsh does not read it"; fi
}

fish_completion() {
	completion fish
	each in_fish
	if command -v fish > /dev/null; then fish -n fish || fail "fish does not read it"; fi
}

unknown_completion() {
	expect_fails 1 "--completion: 'csh' is none of: bash zsh fish list" --completion csh
}

run_cases help man_page man_page_has_no_more man_pages_are_strict bash_completion bash_completes zsh_completion \
	fish_completion unknown_completion
