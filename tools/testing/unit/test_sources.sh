#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test_sources.sh TOP: what the sources themselves must look like, so that the
# pure files stay pure, the suites run in user space as in the kernel, and
# knowledge of kernel versions stays in one place.

md=$1/drivers/md/dm-corcache
shims=$1/tools/testing/shared/include
pure="$(for name in refuse geometry format args figures ghosts policy places budget slotmap; do
	echo "$md/$name.c" "$md/$name.h"
done) $md/disk.h $md/numbers.h"

allowed='asm/byteorder linux/bitops linux/build_bug linux/crc32c linux/errno linux/kernel
	 linux/limits linux/log2 linux/math64 linux/minmax linux/stddef linux/string linux/types'

suites=$(ls "$md"/tests/*.[ch])
of_suites='kunit/test linux/moduleparam'
# Our own, in quotes.
own='"refuse "disk "numbers "geometry "format "args "figures "ghosts "policy "places "budget "slotmap'
own_of_suites='"../refuse "../disk "../geometry "../format "../args "../figures "../ghosts "../policy "../places "../budget "../slotmap "test "sectors "dry'

n=0
failed=0

# report NAME LINES: ok if there are none
report()
{
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		printf '%s\n' "$2" | sed 's/^/# /'
		echo "not ok $n - $1"
		failed=1
	fi
}

# foreign_includes "ALLOWED" FILE...: includes of others
foreign_includes()
{
	list=$1
	shift
	sed -n 's/^#[[:space:]]*include[[:space:]]*\([<"].*[>"]\).*/\1/p' "$@" | sort -u |
	while read -r include; do
		name=${include#<}
		# shellcheck disable=SC2086
		printf '%s\n' $list | grep -qxF "${name%.h?}" || echo "$include"
	done
}

missing_shims()
{
	for name in $allowed $of_suites; do
		[ -f "$shims/$name.h" ] || echo "$name.h"
	done
}

# Conditional compilation, but for the guards of headers.
conditionals()
{
	# shellcheck disable=SC2086
	grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif|else)' $pure $suites |
	grep -vE ':#ifndef DM_CORCACHE_[A-Z_]+_H$'
}

impure_calls()
{
	# shellcheck disable=SC2086
	grep -nE '\<(printk|pr_[a-z]+|DM(ERR|WARN|INFO)[A-Z_]*|k[a-z]*alloc[a-z_]*|kfree|(spin|mutex|rcu)_[a-z_]+|jiffies|get_random[a-z0-9_]*)\>[[:space:]]*\(?' $pure
}

versions()
{
	grep -rnIE 'LINUX_VERSION_CODE|KERNEL_VERSION|linux/version\.h' "$md" |
	grep -v "^$md/compat/"
}

# mutants_without_effect LIST SOURCES: lines whose script changes nothing, since the source was changed
mutants_without_effect()
{
	while read -r checks file script; do
		case $checks in
		'' | '#'*) continue ;;
		esac
		! sed "$script" "$2/$file" | cmp -s - "$2/$file" || echo "$1: $file: $script"
	done <"$1"
}

echo "TAP version 13"
echo "1..8"
report "all pure files are there" "$(
	for file in $pure; do [ -f "$file" ] || echo "$file"; done)"
# shellcheck disable=SC2086
report "pure files include nothing but the short list" "$(foreign_includes "$allowed $own" $pure)"
# shellcheck disable=SC2086
report "suites include nothing but that and KUnit" "$(foreign_includes "$allowed $of_suites $own_of_suites" $suites)"
report "each header of the list has a shim" "$(missing_shims)"
report "pure files and suites have no conditional compilation" "$(conditionals)"
report "pure files take no locks, allocate, log, or ask the time" "$(impure_calls)"
report "kernel versions are known in compat/ only" "$(versions)"
report "each mutant changes its file" "$(
	mutants_without_effect "$1/tools/testing/unit/mutants" "$md"
	mutants_without_effect "$1/tools/testing/fuzz/mutants" "$md"
	mutants_without_effect "$1/tools/testing/sim/mutants" "$1/tools/testing/sim")"
exit $failed
