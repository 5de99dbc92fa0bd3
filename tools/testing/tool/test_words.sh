#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_words.sh - wrong words and values of the verbs for live devices: status 1, one line that names the word, nothing
# on stdout. All of it is said before device-mapper is asked for anything, so that no device is needed.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

LIVE='create remove list quota evict pin unpin commit recover reset-stats switch-origin'

# The words that a verb needs, so that only what is added to them is wrong.
words_of() {
	case $1 in
	create) echo vm --origin /dev/null --cache /dev/zero ;;
	list) ;;
	evict) echo vm --all ;;
	pin | unpin) echo vm 0 1M ;;
	switch-origin) echo vm /dev/null ;;
	*) echo vm ;;
	esac
}

# Words are split on purpose.
# shellcheck disable=SC2046
words_missing() {
	local verb
	for verb in $LIVE; do
		[ "$verb" != list ] || continue
		expect_fails 1 "^corcache: $verb: a word is missing: corcache $verb [A-Z]" "$verb"
	done
	for verb in pin unpin evict; do
		expect_fails 1 "a word is missing" "$verb" vm 0
	done
	expect_fails 1 "a word is missing" evict vm
	expect_fails 1 "a word is missing" switch-origin vm
	expect_fails 1 "--origin is missing" create vm --cache /dev/null
	expect_fails 1 "--cache is missing" create vm --origin /dev/null
	expect_fails 1 "--cache is missing" create vm --origin /dev/null --cache ''
}

# shellcheck disable=SC2046
words_too_many() {
	local verb
	for verb in $LIVE; do
		case $verb in remove | evict | quota) continue ;; esac
		expect_fails 1 "$verb: 'surplus' is one word too many" "$verb" $(words_of "$verb") surplus
	done
	expect_fails 1 "'surplus' is one word too many" quota vm 1M surplus
	expect_fails 1 "'surplus' is one word too many" evict vm 0 1M surplus
	expect_fails 1 "'0' is one word too many: --all" evict vm 0 1M --all
}

# Each option of each verb: given twice, without its value, with one that it does not take.
# shellcheck disable=SC2046
options_misused() {
	local verb option
	while read -r verb option; do
		if [[ " $LIVE " != *" $verb "* ]] || [ -z "$option" ]; then continue; fi
		if "$TOOL" "$verb" --help | grep -qE "^ .*$option [A-Z]"; then
			expect_fails 1 "option '$option' needs a value" "$verb" $(words_of "$verb") "$option"
			case $option in --origin | --cache) continue ;; esac
			expect_fails 1 "$option is given twice" "$verb" $(words_of "$verb") "$option" 1 "$option" 1
		else
			expect_fails 1 "option '$option=1' takes no value" "$verb" $(words_of "$verb") "$option=1"
			[ "$verb $option" != "evict --all" ] || continue
			expect_fails 1 "$option is given twice" "$verb" $(words_of "$verb") "$option" "$option"
		fi
	done < <("$TOOL" --completion list)
	expect_fails 1 "--origin is given twice" create $(words_of create) --origin /dev/null
	expect_fails 1 "--cache is given twice" create $(words_of create) --cache /dev/null
	expect_fails 1 "--all is given twice" evict vm --all --all
}

# wrong OPTION REGEX VALUE...: create refuses each of them and names it
wrong() {
	local option=$1 regex=$2 value
	shift 2
	for value; do
		# shellcheck disable=SC2046
		expect_fails 1 "^corcache: (create: )?$option: $regex" create $(words_of create) "$option=$value"
	done
}

create_values() {
	local option
	for option in --size --quota --region --block; do
		wrong "$option" "'.*' is no size" '' -1 x 1X 1,5G ' 1M' 99999999999999999999T
	done
	wrong --size "'.*' is no multiple of 512 bytes" 0 1000
	wrong --quota "'0' is less than one region" 0
	wrong --quota "[0-9]+ bytes are less than one region" 1 32K
	wrong --region "[0-9]+ bytes are no power of two from 4K to 4M" 0 2K 8M 100K
	wrong --block "'0' is no power of two" 0
	wrong --block "[0-9]+ bytes are no power of two from 4K to the region size, 65536" 2K 12K 128K
	wrong --policy "'.*' is none of: adaptive stop" '' lru ADAPTIVE
	wrong --commit-interval "'.*' is no whole number from 0 to 3600000" '' -1 x 1.5 3600001
	wrong --commit-interval "'0' is no number of milliseconds" 0
	wrong --max-errors "'.*' is no whole number from 0 to 4294967295" '' -1 x 4294967296
	wrong --origin-id "'.*' is not 1 to 128 of" '' 'a b' 'ä' "$(printf 'x%.0s' {1..129})"
	expect_fails 1 "--block: a region of 1048576 bytes has at most 64 blocks: give at least 16384" \
		create vm --origin /dev/null --cache /dev/null --region 1M --block 4K
	expect_fails 1 "--cache: '/dev/a b' has a blank" create vm --origin /dev/null --cache '/dev/a b'
	expect_fails 1 "--origin: '/dev/a b' has a blank" create vm --origin '/dev/a b' --cache /dev/null
}

create_names() {
	local name
	for name in '' . .. a/b 'a b' 'ä' "$(printf 'x%.0s' {1..120})"; do
		expect_fails 1 "^corcache: '$name' is no name for a device: 1 to 119 of" \
			create --origin /dev/null --cache /dev/null -- "$name"
	done
	expect_fails 1 "'-x' is no name" create --origin /dev/null --cache /dev/null -- -x
}

create_lv() {
	local spec
	for spec in LV: LV:vg LV:vg/lv LV:vg/lv: LV:vg/lv:0 LV:vg/lv:big LV:/lv:1G LV:vg/:1G LV:vg/a/b/c:1G LV:vg/-a:1G 'LV:vg/a b:1G'; do
		expect_fails 1 "^corcache: --cache: '$spec' is neither LV:VG/NAME:SIZE nor LV:VG/POOL/NAME:SIZE" \
			create vm --origin /dev/null --cache "$spec"
	done
}

devices() {
	expect_fails 4 "'/dev/nothing': No such file" create vm --origin /dev/nothing --cache /dev/null
	: > image
	expect_fails 4 "--origin: 'image' is a file, no device: 'losetup --find --show --read-only image'" \
		create vm --origin image --cache /dev/null
	expect_fails 4 "'/dev/null' is neither a block device nor a file" create vm --origin /dev/null --cache /dev/null
}

ranges() {
	local verb
	for verb in evict pin unpin; do
		expect_fails 1 "^corcache: $verb: START: '-1' is no size" "$verb" -- vm -1 4K
		expect_fails 1 "^corcache: $verb: START: 'x' is no size" "$verb" vm x 4K
		expect_fails 1 "^corcache: $verb: LENGTH: 'x' is no size" "$verb" vm 0 x
		expect_fails 1 "^corcache: $verb: LENGTH: '1000' is no multiple of 512 bytes" "$verb" vm 0 1000
		expect_fails 1 "^corcache: $verb: LENGTH: '0' is nothing" "$verb" vm 0 0
	done
	expect_fails 1 "--names and --json do not go together" list --names --json
	expect_fails 1 "--timeout: '0' is no number" switch-origin vm /dev/null --timeout 0
	expect_fails 1 "--timeout: 'x' is no whole number" switch-origin vm /dev/null --timeout x
}

# The numbers of a user's language are not those of the tool.
locales() {
	LC_ALL=de_DE.UTF-8 expect_fails 1 "--size: '1,5G' is no size" create vm --origin /dev/null --cache /dev/null --size 1,5G
}

run_cases words_missing words_too_many options_misused create_values create_names create_lv devices ranges locales
