#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test_sources.sh TOP: what the sources themselves must look like, so that the
# pure files stay pure and knowledge of kernel versions stays in one place.

md=$1/drivers/md
shims=$1/tools/testing/unit/include
pure=$(for name in geometry format args policy; do
	echo "$md/dm-corcache-$name.c" "$md/dm-corcache-$name.h"
done)

allowed='asm/byteorder linux/bitops linux/build_bug linux/crc32c linux/errno linux/kernel
	 linux/limits linux/log2 linux/math64 linux/minmax linux/stddef linux/string linux/types'

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

foreign_includes()
{
	# shellcheck disable=SC2086
	sed -n 's/^#[[:space:]]*include[[:space:]]*\([<"].*[>"]\).*/\1/p' $pure | sort -u |
	while read -r include; do
		name=${include#?}
		name=${name%.h?}
		case $include in
		'"'dm-corcache-geometry.h'"' | '"'dm-corcache-format.h'"') continue ;;
		'"'dm-corcache-args.h'"' | '"'dm-corcache-policy.h'"') continue ;;
		esac
		# shellcheck disable=SC2086
		printf '%s\n' $allowed | grep -qxF "$name" || echo "$include"
	done
}

missing_shims()
{
	for name in $allowed; do
		[ -f "$shims/$name.h" ] || echo "$name.h"
	done
}

# Conditional compilation, but for the guards of headers.
conditionals()
{
	# shellcheck disable=SC2086
	grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif|else)' $pure |
	grep -vE ':#ifndef DM_CORCACHE_[A-Z]+_H$'
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

echo "TAP version 13"
echo "1..6"
report "all pure files are there" "$(
	for file in $pure; do [ -f "$file" ] || echo "$file"; done)"
report "pure files include nothing but the short list" "$(foreign_includes)"
report "each header of the list has a shim" "$(missing_shims)"
report "pure files have no conditional compilation" "$(conditionals)"
report "pure files take no locks, allocate, log, or ask the time" "$(impure_calls)"
report "kernel versions are known in compat/ only" "$(versions)"
exit $failed
