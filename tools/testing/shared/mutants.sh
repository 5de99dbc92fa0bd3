#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mutants.sh LIST SOURCES OUT "CHECKS" MAKE-ARGUMENT...: break a copy of SOURCES, one change at a time, and demand that
# a check notices.
#
# Each line of LIST is the checks that are to notice it, with commas between, or * for all of CHECKS in their order; a
# file; and a sed script that must change that file. A mutant that does not compile is none.
#
# The copy is OUT/src. The Makefile that MAKE-ARGUMENTs name, which are to make it use the copy, builds into
# CORCACHE_BUILD=OUT; its target build-CHECK builds what check CHECK runs, and try-CHECK runs it and fails if it notices
# something.
#
# In the environment: ONLY=TEXT: only the lines that contain TEXT; test_seed=NUMBER: another seed than 1.

list=$1
sources=$2
out=$3
checks=$4
shift 4
src=$out/src
export test_seed="${test_seed:-1}"

n=0
survivors=0

prepare()
{
	mkdir -p "$src"
	(cd "$sources" && find . -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name Makefile \)) |
	while IFS= read -r path; do
		cmp -s "$sources/$path" "$src/$path" && continue
		mkdir -p "$src/${path%/*}"
		cp "$sources/$path" "$src/$path"
	done
}

# Without the variables of a make that has started this.
target()
{
	goal=$1
	shift
	env -u MAKEFLAGS -u MFLAGS make -s "$@" CORCACHE_BUILD="$out" "$goal" >"$out/log" 2>&1
}

# What was noticed first, and by a fuzzer after how many inputs.
what()
{
	sed -n -e 's/^not ok [0-9]* - //p' \
		-e 's/^SUMMARY: AddressSanitizer: \([a-z-]*\) .*/\1/p' \
		-e 's/.*not so: //p' -e 's/.*runtime error: //p' "$out/log" | sed -n 1p
	sed -n 's/.*: \([0-9]*\) executions in.*/after \1 inputs/p' "$out/log" | sed -n 1p
}

# noticed CHECK,... MAKE-ARGUMENT...: sets remark
noticed()
{
	wanted=$1
	shift
	[ "$wanted" != '*' ] || wanted=$checks
	for check in $(printf '%s\n' "$wanted" | tr , ' '); do
		if ! target "build-$check" "$@"; then
			remark="nothing: it does not compile"
			return 1
		fi
		if ! target "try-$check" "$@"; then
			remark=$(what | paste -sd' ')
			remark="$check: ${remark:-it ended early, or took too long}"
			return 0
		fi
	done
	remark=nothing
	return 1
}

# mutate CHECKS FILE SCRIPT MAKE-ARGUMENT...
mutate()
{
	wanted=$1
	file=$2
	script=$3
	shift 3
	n=$((n + 1))
	prepare
	sed -i "$script" "$src/$file"
	verdict=ok
	if cmp -s "$src/$file" "$sources/$file"; then
		verdict="not ok"
		remark="nothing: it is no change"
	elif ! noticed "$wanted" "$@"; then
		verdict="not ok"
	fi
	[ "$verdict" = ok ] || survivors=$((survivors + 1))
	printf '%s %d - %s # %s\n' "$verdict" "$n" "$file: $script" "$remark"
}

echo "TAP version 13"
prepare
for check in $checks; do
	target "build-$check" "$@" || { cat "$out/log"; exit 2; }
done
while read -r wanted file script; do
	case $wanted in
	'' | '#'*) continue ;;
	esac
	case "$wanted $file $script" in
	*"$ONLY"*) mutate "$wanted" "$file" "$script" "$@" ;;
	esac
done <"$list"
echo "1..$n"
echo "# $survivors of $n mutants were not noticed"
[ $n -gt 0 ] && [ $survivors -eq 0 ]
