#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# soak.sh - everything at once, for long, on the debug kernel: `make soak MINUTES=n`.
#
# Readers that verify, evictions, quota changes, reloads, suspends, faults of cache device, remote and memory, the remote
# coming and going, in an order that follows from a seed; see selftests/dm-corcache/soak.guest.sh.
#
# Environment: MINUTES (10), SEED (a random one, printed; it repeats the choices), KERNEL of the lab (debug).
# Output: KTAP. Exit status: 0 passed, 1 failed, 4 the kernel cannot be had.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
selftests=$here/selftests/dm-corcache
export CORCACHE_BUILD=${CORCACHE_BUILD:-$top/build}
MINUTES=${MINUTES:-10} KERNEL=${KERNEL:-debug} SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}

for v in "$MINUTES" "$SEED"; do
	[[ $v =~ ^[0-9]+$ ]] || { echo "soak.sh: '$v' is not a number (MINUTES, SEED)" >&2; exit 1; }
done
echo "# SEED=$SEED MINUTES=$MINUTES kernel $KERNEL"
"$here/vm/build.sh" -k "$KERNEL" > /dev/null
make -s -C "$selftests"
# a round that has begun is ended, there are five at least, and teardown and the search for leaks take their time
"$here/vm/run.sh" -k "$KERNEL" -t $((MINUTES * 60 + 2400)) -o "$CORCACHE_BUILD/soak" -e MINUTES="$MINUTES" -e SEED="$SEED" -- \
	"$selftests/soak.guest.sh" && exit 0
status=$?
[ $status != 4 ] || exit 4
exit 1
