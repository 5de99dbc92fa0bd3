#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_units.sh - unit tests of the tool's files that need no device: built with sanitizers and run. Output: KTAP, a line
# for each file.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../../.." && pwd)
SHARED=$TOP/tools/testing/shared
TOOL_SOURCE=$TOP/tools/corcache
OUT=${CORCACHE_BUILD:-$TOP/build}/tool
FLAGS=(-std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all)
export ASAN_OPTIONS=detect_leaks=1

mkdir -p "$OUT"
# the tool's files see the system's headers, a test sees those that stand in for the kernel's
for file in size table remedy devname fail; do
	gcc "${FLAGS[@]}" -c -o "$OUT/$file.o" "$TOOL_SOURCE/$file.c"
done
for unit in size table remedy; do
	gcc "${FLAGS[@]}" -Wno-unused-parameter -Wno-missing-field-initializers -I"$SHARED/include" -I"$TOOL_SOURCE" \
		-o "$OUT/unit_$unit" "$HERE/unit_$unit.c" "$SHARED/kunit.c" "$OUT"/{size,table,remedy,devname,fail}.o -ldevmapper
done

# All that the module can refuse a table or a message with, by its sources: the formats, with a number for each value.
# Two of them have values that are words, and some are a part of a line that begins with another format.
refusals() {
	cat "$TOP"/drivers/md/dm-corcache/*.c | tr '\n\t' '  ' |
		grep -oE 'corcache_refuse\([^"]*("([^"\\]|\\.)*" *(KNOWN_[A-Z]+ *|TABLE_LINE *|ORIGIN_ID_CHARS *)?)+|DMERR\("%s: message[^"]*' |
		sed -E 's/^[^"]*"//; s/"[^"]*"//g; s/".*//; s/^%s: (message)/\1/; s/%p[a-z]|%[a-z]*[udsx]/7/g
			s/^7 of the cache/length of the cache/; s/with7/with checksums/g; s/^(interrupted|nothing is)/message recover: \1/
			s/^/device-mapper: corcache: vm: /' | grep -v 'vm: cache\.h$' | grep -vE 'vm: (message recover: )?[7: ]*$'
}

export REMEDY_LINES=$OUT/refusals
refusals > "$REMEDY_LINES"
sh "$SHARED/ktap.sh" "$OUT/unit_size" "$OUT/unit_table" "$OUT/unit_remedy"
