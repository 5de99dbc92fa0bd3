#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_status.sh - what `corcache status` makes of saved outputs of dmsetup: text, JSON and metrics as they are kept in
# status/, in each locale; and what it refuses.
# `test_status.sh record` makes those files anew; look at the difference.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

GOLDEN=$TOOL_HERE/status
INPUTS=(hosts fresh modes)

# The version of the tool is nothing that these files are about.
metrics_of() { "$TOOL" status --from "$1" --prometheus | sed '/^corcache_tool_info/d'; }
json_of() { "$TOOL" status --from "$1" --json | jq -S .; }
text_of() { "$TOOL" status --from "$1"; }

record() {
	local input
	for input in "${INPUTS[@]}"; do
		text_of "$GOLDEN/$input.in" > "$GOLDEN/$input.txt"
		json_of "$GOLDEN/$input.in" > "$GOLDEN/$input.json"
		metrics_of "$GOLDEN/$input.in" > "$GOLDEN/$input.prom"
	done
}

# compare KIND SUFFIX
compare() {
	local input
	for input in "${INPUTS[@]}"; do
		"$1" "$GOLDEN/$input.in" > got 2> said || fail "$input: $(cat said)"
		[ ! -s said ] || fail "$input: said $(cat said)"
		diff -u "$GOLDEN/$input.$2" got || fail "$input.$2 is something else"
	done
}

text() { compare text_of txt; }
json() { compare json_of json; }
metrics() { compare metrics_of prom; }

# A locale with a comma where others have a point.
german() {
	if [ "$(locale -a 2> /dev/null | grep -ci '^de_DE\.utf-*8$')" = 0 ]; then
		export LOCPATH=$CORCACHE_BUILD/tool/locale
		mkdir -p "$LOCPATH"
		[ -d "$LOCPATH/de_DE.UTF-8" ] || localedef -i de_DE -f UTF-8 "$LOCPATH/de_DE.UTF-8" ||
			skip "no locale de_DE, and localedef cannot make it: install the package locales"
	fi
	export LC_ALL=de_DE.UTF-8
	expect "the point of this locale" "$(locale decimal_point)" ,
}

same_in_german() {
	german
	text
	json
	metrics
}

# Numbers are numbers, whatever the device is; null only where nothing is known.
json_types() {
	local input wrong
	for input in "${INPUTS[@]}"; do
		"$TOOL" status --from "$GOLDEN/$input.in" --json > got
		expect "version" "$(jq '.version' got)" 1
		wrong=$(jq -r '.devices[].pairs | to_entries[] | select(.key != "reason" and .key != "new_word")
			| select(.value | type != "number") | .key' got)
		expect "pairs that are no numbers" "$wrong" ""
		wrong=$(jq -r '.devices[] | select(.pairs != {}) | to_entries[] | select(.key | test("^[a-z]*_bytes$|format_version"))
			| select(.value | type != "number") | .key' got)
		expect "amounts that are no numbers" "$wrong" ""
	done
}

# Each pair of the line is there, with its value.
json_has_all_pairs() {
	local line
	"$TOOL" status --from "$GOLDEN/hosts.in" --json > got
	line=$(sed -n 's|^base: .* corcache active .* [0-9]*/[0-9]*/[0-9]* [0-9]* [0-9]* reason|reason|p' "$GOLDEN/hosts.in")
	expect "pairs" "$(jq -r '.devices[] | select(.name == "base").pairs | to_entries[] | "\(.key) \(.value)"' got | paste -sd' ')" \
		"$line"
}

ratio_of_nothing_is_null() {
	"$TOOL" status --from "$GOLDEN/fresh.in" --json new > got
	expect "ratios" "$(jq -c '.devices[0] | [.hit_ratio_reads, .hit_ratio_bytes, .used_ratio]' got)" "[null,null,0]"
}

one_device() {
	expect_end 0 status --from "$GOLDEN/hosts.in" web
	expect "devices" "$(grep -c '^[^ ]' out)" 1
	grep -q '^web: frozen' out || fail "not that of web: $(cat out)"
	expect_end 0 status --from "$GOLDEN/hosts.in" base --json
	expect "devices" "$(jq -c '[.devices[].name]' out)" '["base"]'
	expect_fails 4 "hosts.in: no device 'vm1-snap'" status --from "$GOLDEN/hosts.in" vm1-snap
	expect_fails 4 "no device 'ase'" status --from "$GOLDEN/hosts.in" ase
}

standard_input() {
	"$TOOL" status --from - --json < "$GOLDEN/hosts.in" | jq -S . > got
	cmp got "$GOLDEN/hosts.json" || fail "another result"
	"$TOOL" status --from - < /dev/null 2> err && fail "took nothing for something"
	grep -q '^corcache: standard input: no line of a corcache device' err || fail "said $(cat err)"
}

# refuses REGEX LINE...: a file of these lines, and nothing is printed of its good ones
refuses() {
	local regex=$1
	shift
	printf '%s\n' "$@" > file
	expect_fails 1 "^corcache: file: $regex" status --from file
	expect_fails 1 "^corcache: file: $regex" status --from file --json
	expect_fails 1 "^corcache: file: $regex" status --from file --prometheus
}

bad_files() {
	local line table
	line=$(grep '^base.*active' "$GOLDEN/hosts.in")
	table=$(grep '^base.*policy' "$GOLDEN/hosts.in")
	refuses "no line of a corcache device" ""
	refuses "no line of a corcache device" "No devices found"
	refuses "no line of a corcache device" "a: 0 8 linear 7:0 0"
	refuses "line 2: no name before it: .*--target corcache" "$line" "${line#base: }"
	refuses "line 3: a second status of the same device: 'base: 0 " "$line" "$table" "$line"
	refuses "line 2: no status, and a table of this device is there already" "$table" "$table"
	refuses "line 1: neither a status nor a table .*'a: 0 8 corcache active 1" "a: 0 8 corcache active 1"
	refuses "line 1: neither a status nor a table" "${line% *}"
	refuses "line 1: neither a status nor a table" "$line 1"
	refuses "line 1: neither a status nor a table" "a: 0 8 corcache"
	refuses "line 1: neither a status nor a table" "a: 0 8 corcache 7:0 43:0 128 2 discard"
	refuses "line 1: neither a status nor a table" "a: 0 8 corcache 7:0 43:0 big"
	refuses "line 1: characters that dmsetup does not print" "$(printf 'a\033[2J: 0 8 corcache active')"
	refuses "line 1: characters" "$(printf 'a: 0 8 corcache active\0011')"
	expect_fails 4 "cannot open 'absent': No such file" status --from absent
	expect_fails 4 "cannot read it: Is a directory" status --from .
}

# bad REGEX OPTION...
bad() {
	local regex=$1
	shift
	expect_fails 1 "$regex" status "$@"
}

bad_options() {
	bad "'b' is one word too many" a b
	bad "--prometheus and --json do not go together" --json --prometheus
	bad "--prometheus and --watch do not go together" --watch --prometheus
	bad "--prometheus and --latency do not go together" --latency --prometheus
	bad "--from and --watch do not go together" --from "$GOLDEN/hosts.in" --watch
	bad "--from and --latency do not go together" --from "$GOLDEN/hosts.in" --latency
	bad "--latency and --json do not go together" --latency=stop --json
	bad "--latency: 'go' is none of: stop" --latency=go
	bad "--watch: 'soon' is no whole number" --watch=soon
	bad "--watch: '0' is no number of seconds" --watch=0
	bad "--watch: '86401' is no whole number from 0 to 86400" --watch=86401
	bad "'--from' needs a value" --from
	bad "--json is given twice" --json --json
}

# Whoever reads the file has the old one or the new one, whole.
metrics_file() {
	echo old > m.prom
	ln m.prom old
	chmod 600 m.prom
	(umask 077 && "$TOOL" status --from "$GOLDEN/hosts.in" --prometheus=m.prom) > out || fail "status $?"
	[ ! -s out ] || fail "wrote to stdout, too"
	expect "old file" "$(cat old)" old
	expect "mode" "$(stat -c %a m.prom)" 644
	sed '/^corcache_tool_info/d' m.prom | cmp - "$GOLDEN/hosts.prom" || fail "another content"
	expect "files" "$(ls)" "$(printf 'm.prom\nold\nout')"
}

# What cannot be written leaves all as it was.
metrics_file_fails() {
	mkdir folder
	expect_fails 4 "cannot write 'folder': Is a directory" status --from "$GOLDEN/hosts.in" --prometheus=folder
	expect "files" "$(ls)" "$(printf 'err\nfolder\nout')"
	expect_fails 4 "cannot write beside 'no/m.prom': No such file" status --from "$GOLDEN/hosts.in" --prometheus=no/m.prom
	echo old > m.prom
	expect_fails 1 "no line of a corcache device" status --from /dev/null --prometheus=m.prom
	expect "old file" "$(cat m.prom)" old
	expect "files" "$(ls)" "$(printf 'err\nfolder\nm.prom\nout')"
}

full_disk() {
	[ -w /dev/full ] || skip "there is no /dev/full here"
	status=0
	"$TOOL" status --from "$GOLDEN/hosts.in" --json > /dev/full 2> err || status=$?
	expect "status" "$status" 4
	grep -q "cannot write the output: No space left" err || fail "said $(cat err)"
}

if [ "${1:-}" = record ]; then
	record
	exit
fi
run_cases text json metrics same_in_german json_types json_has_all_pairs ratio_of_nothing_is_null one_device standard_input \
	bad_files bad_options metrics_file metrics_file_fails full_disk
