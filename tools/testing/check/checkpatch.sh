#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# checkpatch.sh - the kernel's own style checker, strict, on the module's sources. It comes with the kernel source that
# the lab unpacks for its debug kernel. Exit status: 0 clean, 1 findings, 4 the checker is not there.
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

# Findings that do not apply: new files need no MAINTAINERS entry here; the kernel's version is looked at in compat/
# only, which another rule sees to; a message stays in one piece however long; lists of counters and of tracepoints
# are macros of another kind than these rules are about; kzalloc_obj() is not in the older kernels.
IGNORE=ALLOC_WITH_SIZEOF,FILE_PATH_CHANGES,LINUX_VERSION_CODE,LONG_LINE_STRING,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE
IGNORE_IN_TRACE=$IGNORE,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,SPACING

cache=${CORCACHE_LAB:-/var/cache/dm-corcache}
checker=$(find "$cache/source" -maxdepth 6 -path '*/scripts/checkpatch.pl' ! -path '*/.new.*' 2> /dev/null | sort -V | tail -n 1)
[ -n "$checker" ] || {
	echo "no checkpatch.pl: the kernel source is not in $cache"
	exit 4
}

# It leaves a file with the names it has seen where it runs.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ln -s "$TOP/drivers" "$tmp/drivers"
mapfile -t sources < <(project_files | tr '\0' '\n' | grep -E '^drivers/.*\.[ch]$')
[ ${#sources[@]} -gt 0 ] || fail "no sources in drivers/"

cd "$tmp"
check() { # TYPES-TO-IGNORE FILE...
	local ignore=$1
	shift
	perl "$checker" --no-tree --strict --terse --show-types --no-summary --ignore "$ignore" -f "$@"
}

bad=0
for f in "${sources[@]}"; do
	case $f in
	*/trace.h) check "$IGNORE_IN_TRACE" "$f" || bad=$((bad + 1)) ;;
	*) check "$IGNORE" "$f" || bad=$((bad + 1)) ;;
	esac
done
echo "${#sources[@]} files, $bad with findings"
[ $bad = 0 ]
