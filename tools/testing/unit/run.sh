#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh COMMAND...: run each and nest its TAP lines in one KTAP report.
# Exit status 1 if one of them failed.

failed=0
n=0
echo "KTAP version 1"
echo "1..$#"
for command; do
	n=$((n + 1))
	name=${command#sh }
	name=$(basename "${name%% *}")
	echo "    # Subtest: $name"
	# Words of a command are split on purpose: a script and its argument.
	# shellcheck disable=SC2086
	if lines=$($command 2>&1); then verdict=ok; else verdict="not ok" failed=1; fi
	printf '%s\n' "$lines" | sed -e '/^TAP version/d' -e 's/^/    /'
	echo "$verdict $n - $name"
done
exit $failed
