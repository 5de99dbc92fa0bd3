#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_report.sh - the unit test of report.c: built with sanitizers and run. Output: TAP.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../../.." && pwd)
SHARED=$TOP/tools/testing/shared
TOOL_SOURCE=$TOP/tools/corcache
OUT=${CORCACHE_BUILD:-$TOP/build}/tool
FLAGS=(-std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all)

mkdir -p "$OUT"
# the tool's files see the system's headers, the test sees those that stand in for the kernel's
gcc "${FLAGS[@]}" -c -o "$OUT/report.o" "$TOOL_SOURCE/report.c"
gcc "${FLAGS[@]}" -c -o "$OUT/size.o" "$TOOL_SOURCE/size.c"
gcc "${FLAGS[@]}" -c -o "$OUT/fail.o" "$TOOL_SOURCE/fail.c"
gcc "${FLAGS[@]}" -Wno-unused-parameter -Wno-missing-field-initializers -I"$SHARED/include" -I"$TOOL_SOURCE" \
	-o "$OUT/test_report" "$HERE/test_report.c" "$SHARED/kunit.c" "$OUT/report.o" "$OUT/size.o" "$OUT/fail.o"
exec "$OUT/test_report"
