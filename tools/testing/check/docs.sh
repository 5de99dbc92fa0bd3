#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs.sh [CASE...] - the documents and the comments that are documents. Prints KTAP, with a case for each:
#
#   kernel_doc  the kernel's scripts/kernel-doc has nothing to say of headers and sources
#   sphinx      Documentation/ builds with warnings as errors, dead links and anchors among them; the calls of each
#               header that has kernel-doc comments are in it. The pages are left in $BUILD/docs
#   codespell   no word of the tree is a known misspelling
#
# kernel-doc comes with Debian's kernel headers in the lab's cache; KERNELDOC names another one.
# shellcheck disable=SC2317 # the cases are called by name
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

API=Documentation/dm-corcache/api.rst
# No misspellings: a policy that does not exist, for the parser to refuse; a variant of mmdebstrap.
IGNORE_WORDS=stopp,buildd

cd "$TOP"
mapfile -d '' -t files < <(project_files)

named() { printf '%s\n' "${files[@]}" | grep -E "$1" || true; }

find_kernel_doc() {
	local vars MODROOT=''
	[ -z "${KERNELDOC:-}" ] || return 0
	vars=$("$VM/kernel.sh" 6.1)
	eval "$vars"
	KERNELDOC=$(find "$MODROOT/usr/lib" -path '*/scripts/kernel-doc')
	[ -n "$KERNELDOC" ] || fail "no scripts/kernel-doc below $MODROOT"
}

kernel_doc() {
	local sources
	mapfile -t sources < <(named '^drivers/.*\.[ch]$')
	[ ${#sources[@]} -gt 0 ] || fail "no sources in drivers/"
	# -v also misses a description of what is returned; the names of what is scanned are of no use
	"$KERNELDOC" -v -none -Werror "${sources[@]}" 2>&1 | { grep -v ': info: ' || true; }
	echo "${#sources[@]} files"
}

sphinx() {
	local header missing=''
	while IFS= read -r header; do
		if [ -n "$header" ] && ! grep -qxF ".. kernel-doc:: $header" "$API"; then missing+=" $header"; fi
	done < <(named '^drivers/.*\.h$' | xargs grep -lE '^/\*\*$')
	[ -z "$missing" ] || fail "not in $API:$missing"
	rm -rf "$BUILD/docs"
	mkdir -p "$BUILD"
	sphinx-build -q -W --keep-going -E -d "$BUILD/docs/doctrees" -b html Documentation "$BUILD/docs/html"
	[ -s "$BUILD/docs/html/admin-guide/device-mapper/dm-corcache.html" ] || fail "the guide was not built"
	echo "$(find "$BUILD/docs/html" -name '*.html' | wc -l) pages in $BUILD/docs/html"
}

# Plots are numbers; figures of a recording likewise.
codespell_() {
	local texts
	mapfile -t texts < <(named . | grep -vE '\.(svg|hex|csv|json)$')
	codespell --ignore-words-list "$IGNORE_WORDS" "${texts[@]}"
	echo "${#texts[@]} files"
}

cases=("$@")
[ $# -gt 0 ] || cases=(kernel_doc sphinx codespell)
for name in "${cases[@]}"; do
	case $name in kernel_doc | sphinx | codespell) ;; *) fail "no case '$name'" ;; esac
done
find_kernel_doc
export KERNELDOC

echo "KTAP version 1"
echo "1..${#cases[@]}"
n=0 bad=0
for name in "${cases[@]}"; do
	n=$((n + 1))
	call=$name
	[ "$name" != codespell ] || call=codespell_
	# Not as a condition: bash would run it without "set -e".
	set +e
	output=$(
		set -e
		"$call" 2>&1
	)
	status=$?
	set -e
	[ -z "$output" ] || printf '%s\n' "$output" | sed -n 1,300p | sed 's/^/    /'
	if [ $status = 0 ]; then verdict=ok; else verdict="not ok" bad=1; fi
	echo "$verdict $n $name"
done
exit $bad
