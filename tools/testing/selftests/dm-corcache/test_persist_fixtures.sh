#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Cache devices that version 1 of the format has left: all that was cached is served
# from them with nothing but errors behind, and they work on.  fixtures.sh tells what
# they are.
. "$(dirname "$0")/lib.sh"
. "$ST_HERE/fixtures.sh"

# extents COMMAND: of the fixture's, COMMAND START LENGTH
extents() {
	local at nr

	while read -r at nr; do
		"$2" "$at" "$nr"
	done < <(fixture_field "$FIXTURE" "$1")
}

part() { dd if="$1" bs=512 skip="$2" count="$3" status=none "${@:4}"; }
is_right() {
	part "$DEV" "$1" "$2" iflag=direct >"$T/read" || fail "sectors $1 + $2 cannot be read"
	part "$T/image" "$1" "$2" | cmp - "$T/read" || fail "sectors $1 + $2 are wrong"
}
is_cold() { ! part "$DEV" "$1" "$2" iflag=direct >"$T/read" 2>"$T/err" || fail "sectors $1 + $2 are cached"; }

warm() { # NAME
	local length table loop found region hint

	FIXTURE=$ST_HERE/fixtures/v1-$1.hex
	length=$(fixture_field "$FIXTURE" length)
	table=$(fixture_field "$FIXTURE" table)
	loop=$(fixture_field "$FIXTURE" loop)
	found=$(fixture_field "$FIXTURE" found)
	fixture_image "$length" "$T/image"
	offline_args --origin "$T/image"
	truncate -s "$(fixture_bytes "$FIXTURE")" "$T/cache"
	"$IO" restore "$T/cache" "$FIXTURE"
	# shellcheck disable=SC2086 # words
	mkloop "$T/cache" 0 $loop
	CACHE=$LOOP
	mkloop "$T/image" 0 -r
	ORIGIN=$LOOP
	expect "what is on the device" "$("$IO" offline "$CACHE" --origin "$T/image")" = "checked $CACHE: $found"
	while read -r region hint; do
		"$IO" dump "$CACHE" | has_line "^entry .* region=$region .* hint=$hint\$" ||
			fail "region $region has not the hint $hint"
	done < <(fixture_field "$FIXTURE" hint)

	mkdm gone "0 $length error" --readonly
	# shellcheck disable=SC2086 # words
	mkcorcache cc "$CACHE" /dev/mapper/gone "$length" $table
	expect_status cc mode = active
	expect_status cc version = 1
	expect_status cc checksum_errors = 0
	found=${found#entries=}
	expect_status cc used = "${found% *}"
	expect_status cc valid = "${found#*blocks=}"
	extents cached is_right
	extents cold is_cold

	# with its origin, it fills, evicts and commits
	dmsetup reload cc --readonly --table "0 $length corcache $CACHE $ORIGIN $table"
	dmsetup suspend cc
	dmsetup resume cc
	is_right 0 "$length"
	settle cc
	message cc evict 0 300
	is_right 0 "$length"
	settle cc
	dmremove cc
	# shellcheck disable=SC2086 # words
	mkcorcache cc "$CACHE" /dev/mapper/gone "$length" $table
	is_right 0 "$length"
	expect_status cc checksum_errors = 0
}

fixture_region_4k() { warm region-4k; }
fixture_region_64k() { warm region-64k; }
fixture_region_256k() { warm region-256k; }
fixture_no_checksums() { warm no-checksums; }
fixture_4kn() { warm 4kn; }
fixture_origin_id() { warm origin-id; }
fixture_hints() { warm hints; }

# none is left out
fixtures_all() {
	local file name

	for file in "$ST_HERE"/fixtures/*.hex; do
		name=${file##*/v1-}
		name=${name%.hex}
		grep -q "^fixture_.*{ warm $name; }" "$ST_HERE/test_persist_fixtures.sh" || fail "$file has no case"
	done
}

run_cases fixture_region_4k fixture_region_64k fixture_region_256k fixture_no_checksums fixture_4kn \
	fixture_origin_id fixture_hints fixtures_all
