#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# crash.guest.sh - the part of crash.sh that runs in the guest: records and
# replays until enough states have been played.
#
# Environment: CRASH_TOOL, STATES, SEED, AGAIN (a directory that a run has left:
# play that one) and ONLY (the number of the state); EVERY: only seeds that are
# multiples of it; HOSTILE: no crashes, so many
# devices with hostile metadata (ONLY: this one); LAB_OUT, CORCACHE_KO.
# Output: a line per recording, last line "total: ..."; exit status: 0 nothing
# found, 1 something found, 2 it could not be tried.
# shellcheck disable=SC2153 # SEED and STATES are not seed and states
set -eEu
# What fails here was not tried: 1 is for what is found.
trap 'exit 2' ERR

PER_ROUND=250
ACTIONS=40
dir=/tmp/crash
export DM_DISABLE_UDEV=1

prepare() {
	modprobe -q -a dm-mod loop dm-log-writes dm-flakey libcrc32c || true
	insmod "$CORCACHE_KO"
	mkdir -p $dir /dev/mapper
	"$CRASH_TOOL" origin $dir/origin.img
	truncate -s 4M $dir/cache.img $dir/scratch.img
	origin=$(losetup -r -f --show $dir/origin.img)
	cache=$(losetup -f --show $dir/cache.img)
	scratch=$(losetup -f --show $dir/scratch.img)
}

# replay DIR LOG SEED STATES [OPTION...]
replay() {
	"$CRASH_TOOL" replay --dir "$1" --log "$2" --seed "$3" --states "$4" --origin "$origin" \
		--scratch "$scratch" --scratch-file $dir/scratch.img "${@:5}"
}

# What was found is kept, so that it can be played again.
keep() { # ROUND SEED
	local to=$LAB_OUT/round-$1

	[ ! -e "$to" ] || return 0
	mkdir "$to"
	cp $dir/recording/* "$to"
	cp --sparse=always $dir/log.img "$to/log"
	echo "$2 $PER_ROUND" >"$to/seed"
	echo "kept: AGAIN=$to ONLY=<number of the state>"
}

round() { # NUMBER SEED
	local log status=0

	rm -rf $dir/recording $dir/log.img
	truncate -s 1G $dir/log.img
	log=$(losetup -f --show $dir/log.img)
	"$CRASH_TOOL" record --dir $dir/recording --seed "$2" --actions $ACTIONS \
		--cache "$cache" --log "$log" --origin "$origin" || exit $(($? == 1 ? 1 : 2))
	replay $dir/recording "$log" "$2" $PER_ROUND >$dir/out || status=$?
	sed "s/^/round $1 seed $2: /" $dir/out
	losetup -d "$log"
	case $status in
	0) ;;
	1) keep "$1" "$2"; found=1 ;;
	*) exit 2 ;;
	esac
	played=$((played + $(sed -n 's/^replayed: states=\([0-9]*\).*/\1/p' $dir/out)))
	cat $dir/out >>$dir/all
}

# Sums of all rounds.
totals() {
	awk '/^replayed:/ { n++
		for (i = 2; i <= NF; i++) { split($i, f, "="); if (f[2] + 0 == f[2]) sum[f[1]] += f[2] }
	} END {
		printf "total: rounds=%d states=%d wrong=%d cold=%d unreadable=%d corrupt=%d windows=%d hits=%d must=%d\n",
			n, sum["states"], sum["wrong"], sum["cold"], sum["unreadable"], sum["corrupt"],
			sum["windows"], sum["hits"], sum["must"]
	}' $dir/all
}

prepare
if [ -n "${HOSTILE:-}" ]; then
	"$CRASH_TOOL" mutate --seed "$SEED" --states "$HOSTILE" --origin "$origin" \
		--scratch "$scratch" --scratch-file $dir/scratch.img ${ONLY:+--only "$ONLY"} || exit $(($? == 1 ? 1 : 2))
	exit 0
fi
if [ -n "${AGAIN:-}" ]; then
	read -r seed states <"$AGAIN/seed"
	replay "$AGAIN" "$AGAIN/log" "$seed" "$states" ${ONLY:+--only "$ONLY"} || exit
	exit 0
fi
played=0 found=0 n=0 EVERY=${EVERY:-1}
: >$dir/all
while [ $played -lt "$STATES" ] && { [ -z "${STOP:-}" ] || [ $found = 0 ]; }; do
	round $n $(((SEED * 1000 / EVERY + n) * EVERY))
	n=$((n + 1))
done
totals
exit $found
