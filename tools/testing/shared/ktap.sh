#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# ktap.sh COMMAND...: run each and nest its TAP lines in one KTAP report.
# Exit status 1 if one of them failed.
#
# SEED=NUMBER in the environment: of the random numbers; else one is chosen.
# Each suite prints it.

export test_seed="${SEED:-0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}"

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
