# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lib.sh - small helpers of the steps in this directory; to be sourced. The variables that check.sh exports get their
# defaults here, so that each step can be run by hand.

CHECK_DIR=${CHECK_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
TOP=${TOP:-$(cd "$CHECK_DIR/../../.." && pwd)}
VM=${VM:-$TOP/tools/testing/vm}
BUILD=${BUILD:-$TOP/build}
VERSION=$(make -s -C "$TOP" version)
export CHECK_DIR TOP VM BUILD VERSION
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# The files of the checkout that belong to it, NUL-separated: tracked ones and new ones that are not ignored. Outside
# of git (a release tarball) everything but build products.
project_files() {
	if git -C "$TOP" rev-parse --is-inside-work-tree > /dev/null 2>&1; then
		(cd "$TOP" && git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do
			if [ -e "$f" ]; then printf '%s\0' "$f"; fi
		done)
	else
		(cd "$TOP" && find . -path ./build -prune -o -type f ! -name '*.o' ! -name '*.ko' -printf '%P\0')
	fi
}

# A clean copy of the sources, as a fresh clone would have them.
copy_project() { # DIR
	mkdir -p "$1"
	project_files | tar -C "$TOP" --null -T - -c | tar -C "$1" -x
}
