#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kunit.sh [KERNEL] - run the module's KUnit suites in a kernel of the lab (default uml), and judge what it reports.
#
# The module is built with CONFIG_DM_CORCACHE_KUNIT_TEST, and sparse run on it, in a place of its own, $BUILD/kunit, so
# that no other step loads it. The suites run when it is loaded. In kernel intree it is built in with them, and they run
# at boot. KUnit reports into the kernel's log; each suite must be there with each of its cases, none failed and none left
# out.
#
# SEED=NUMBER in the environment: of the random numbers; else one is chosen. It is printed.
# Output: KTAP, a case per suite. Exit status: 0 all passed, 1 not, 4 the kernel cannot be had at the moment.
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

kernel=${1:-uml}
suites=("$TOP"/drivers/md/dm-corcache/tests/*_kunit.c)
seed=${SEED:-0x$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')}
[ "$kernel" = intree ] || export CORCACHE_BUILD=$BUILD/kunit

# A line each, without time stamps.
kernel_log() { sed -E 's/^(<[0-9]+>)?(\[ *[0-9]+\.[0-9]+\])?(\[ *[TC][0-9]+\])? ?//' "$1/dmesg.txt"; }

# What the log says of one suite, and whether that is all well.
judge() { # SUITE CASES LOG
	awk -v suite="$1" -v cases="$2" '
		$0 ~ "^ *# Subtest: " suite "$" { inside = 1 }
		inside { print "    " $0 }
		inside && /^ *1\.\.[0-9]+$/ { sub(/^ *1\.\./, ""); plan = $0 }
		inside && /^ +ok [0-9]+ / { good++ }
		inside && /^ +not ok / { bad++ }
		inside && /# SKIP/ { bad++ }
		$0 ~ "^ok [0-9]+ (- )?" suite "$" { verdict = "ok" }
		$0 ~ "^(not )?ok [0-9]+ (- )?" suite { inside = 0 }
		END {
			if (verdict != "ok" || plan != cases || good != cases || bad) {
				print "# " cases " cases are to pass; the plan has " plan + 0 ", " good + 0 " passed"
				exit 1
			}
		}' "$3"
}

status=0
# shellcheck disable=SC2016 # for the guest's shell
guest=(/bin/sh -c 'insmod "$CORCACHE_KO" "test_seed=$1" && rmmod dm_corcache' sh "$seed")
options=()
if [ "$kernel" = intree ]; then
	guest=(/bin/sh -c 'test -d /sys/module/dm_corcache')
	options=(-a "dm_corcache.test_seed=$seed")
else
	"$VM/build.sh" -k "$kernel" -s -- CONFIG_DM_CORCACHE_KUNIT_TEST=y || status=$?
	[ "$status" = 0 ] || exit "$status"
fi

out=${STEP_OUT:-$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-kunit.XXXXXX")}
[ -n "${STEP_OUT:-}" ] || trap 'rm -rf "$out"' EXIT
# Newer kernels want to be asked for tests of modules, too; 6.1 says that it does not know the parameter.
"$VM/run.sh" -k "$kernel" -t "${LIMIT:-600}" -a kunit.enable=1 -a kunit.autorun=1 "${options[@]}" -o "$out" -- \
	"${guest[@]}" || status=$?
kernel_log "$out" > "$out/log.txt"

echo "KTAP version 1"
echo "1..${#suites[@]}"
echo "# test_seed=$seed"
n=0
for file in "${suites[@]}"; do
	n=$((n + 1))
	name=$(sed -n 's/^\t\.name = "\(.*\)",$/\1/p' "$file")
	cases=$(grep -c '^[[:space:]]KUNIT_CASE(' "$file")
	if judge "$name" "$cases" "$out/log.txt"; then verdict=ok; else verdict="not ok" status=1; fi
	echo "$verdict $n $name"
done
exit $status
