#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test_fixtures.sh TOP BUILD: the cache devices that version 1 of the format has left
# are what the format code takes them for: superblocks, each sector of the table, each
# entry and each block, with checksum and content.  The selftest persist_fixtures
# activates them.
set -u

here=$1/tools/testing/selftests/dm-corcache
io=$2/selftests/corcache_io
# shellcheck source=tools/testing/selftests/dm-corcache/fixtures.sh
. "$here/fixtures.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# decodes FILE
decodes() {
	rm -f "$tmp/cache"
	fixture_image "$(fixture_field "$1" length)" "$tmp/image" &&
		truncate -s "$(fixture_bytes "$1")" "$tmp/cache" &&
		"$io" restore "$tmp/cache" "$1" &&
		"$io" offline "$tmp/cache" --origin "$tmp/image" >"$tmp/out" || return 1
	echo "checked $tmp/cache: $(fixture_field "$1" found)" | cmp -s - "$tmp/out"
}

n=0
failed=0
set -- "$here"/fixtures/v1-*.hex
echo "TAP version 13"
echo "1..$#"
for file; do
	n=$((n + 1))
	: >"$tmp/out"
	if decodes "$file" 2>"$tmp/err"; then
		echo "ok $n - $(basename "$file" .hex)"
	else
		sed 's/^/# /' "$tmp/out" "$tmp/err"
		echo "not ok $n - $(basename "$file" .hex)"
		failed=1
	fi
done
[ $n -ge 7 ] || failed=1
exit $failed
