#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# coverage.sh OUT LINES SRC FUZZER...: which lines of the files under test do
# the inputs in OUT (the corpus, and the new ones of the last run) reach? LINES
# holds the programs built to count. Prints a table, and each line of the files
# in SRC that no input of any of the fuzzers reached.

out=$1
lines=$2
src=$3
shift 3

objects=
for name; do
	LLVM_PROFILE_FILE="$lines/$name.profraw" "$lines/fuzz_$name" -runs=0 \
		"$out/corpus/$name" "$out/new/$name" >"$lines/$name.log" 2>&1 || {
		tail -n 20 "$lines/$name.log" >&2
		exit 1
	}
	objects="$objects ${objects:+-object }$lines/fuzz_$name"
	set -- "$@" "$lines/$name.profraw"
	shift
done
llvm-profdata merge -o "$lines/all.profdata" "$@" || exit 1

files=
# The inline functions of the header would be counted once per file that includes it.
for name in geometry.c format.c args.c; do
	files="$files $src/$name"
done
# shellcheck disable=SC2086 # words are meant
llvm-cov report $objects -instr-profile "$lines/all.profdata" $files |
	sed "s|^$src/||"
echo
echo "Lines that were not reached:"
# shellcheck disable=SC2086
llvm-cov show $objects -instr-profile "$lines/all.profdata" $files |
	awk -F'|' '/^\// { file = $0 } $2 ~ /^ *0$/ { print file $1 ":" $3 }' | sed 's|.*/||'
