#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What takes long on a large cache, evict_all and a lower quota, keeps nobody waiting:
# a suspend is let through, and then the message says so, and can be given again.
# The cache has 1.6 million slots, all of them in use, on a device that takes 10 ms
# for a flush.  -e GIB=1024 of the lab's run.sh makes it ten times as large: the guest
# needs 8 GiB of memory then.
# timeout=600
. "$(dirname "$0")/lib.sh"

REGION=128
GIB=${GIB:-100}
CACHE_LEN=$((GIB << 21)) ORIGIN_LEN=$((GIB * 12 / 5 << 21))

# begin [core args]: device cc; what it has cached are zeros, not the pattern
begin() {
	need_target delay dm-delay
	need_target zero dm-zero
	mkloop "$T/big" "${GIB}G"
	mkdm origin "0 $ORIGIN_LEN zero"
	mkdm below "0 $CACHE_LEN linear $LOOP 0"
	offline_skip /dev/mapper/below "its blocks are not the pattern"
	make_cc
	dmremove cc
	"$IO" occupy /dev/mapper/below 0xffff >"$T/occupy"
	reload_dm below "0 $CACHE_LEN delay $LOOP 0 0 $LOOP 0 0 $LOOP 0 10"
	make_cc "$@"
	TOTAL=$(status_get cc total)
	expect_status cc used = "$TOTAL"
}
make_cc() { mkcorcache cc /dev/mapper/below /dev/mapper/origin "$ORIGIN_LEN" "$REGION" 1 no_checksums "$#" "$@"; }

# pause: suspend and resume; sets MS, how long all I/O was held
pause() {
	local suspended resumed

	suspended=$("$IO" suspend cc --noflush)
	resumed=$("$IO" timed cc resume)
	suspended=${suspended##*ms=}
	MS=$((suspended + ${resumed#us=} / 1000))
}

used() { status_get cc used; }
has_begun() { [ "$(used)" -lt "$TOTAL" ]; }

# was_busy JOB: it was interrupted, and has said so; else it has done all of it
was_busy() {
	local rc=0

	wait_for 60 "end of job $1" job_over "$1"
	wait "$(job_pid "$1")" || rc=$?
	[ "$rc" != 0 ] || return 1
	grep -qi busy "$T/$1.out" || fail "job $1: $(cat "$T/$1.out")"
}

# interrupted LEFT MESSAGE: rounds of it, each interrupted by a suspend, until no more than
# LEFT slots are in use: there have to be pieces left for let_through.  Sets ROUNDS, BEST,
# the shortest time with all I/O held, and MOST, the most commits in one suspend.
interrupted() {
	local commits left=$1

	shift
	ROUNDS=0 BEST=1000000 MOST=0
	while [ "$ROUNDS" -lt 3 ] || { [ "$BEST" -gt $((100 * SCALE)) ] && [ "$ROUNDS" -lt 8 ]; }; do
		TOTAL=$(used)
		[ "$TOTAL" -gt "$left" ] || break
		job message dmsetup message cc 0 "$@"
		wait_for 60 "effect of $1" has_begun
		commits=$(status_get cc commits)
		pause
		commits=$(($(status_get cc commits) - commits))
		was_busy message || break
		[ "$MS" -ge "$BEST" ] || BEST=$MS
		[ "$commits" -le "$MOST" ] || MOST=$commits
		ROUNDS=$((ROUNDS + 1))
	done
}

# let_through MESSAGE: it is left alone now, and its pieces are timed: what is looked for,
# evicted and written for one commit, and that commit.  What holds I/O are flushes, so the
# commits of a suspend are counted.  Time is bounded as well, since a walk over all slots
# makes no commit.  The machine may be busy or slow: then it is half of a piece, since a
# suspend lets that which is under way look for no more, and commit.
let_through() {
	local commits ms piece

	commits=$(status_get cc commits)
	ms=$(date +%s%3N)
	message cc "$@"
	ms=$(($(date +%s%3N) - ms))
	commits=$(($(status_get cc commits) - commits))
	expect "commits of $1 when it is left alone" "$commits" -ge 1
	piece=$((ms / commits))
	note "$1: $ROUNDS suspends, at least $BEST ms with I/O held, at most $MOST commits;" \
		"$piece ms a piece"
	expect "rounds" "$ROUNDS" -ge 1
	[ "$BEST" -le $((100 * SCALE)) ] || expect "ms with I/O held" "$BEST" -le $((piece / 2))
	# that which was under way, that of the suspend, and one more that has just begun
	expect "commits during a suspend" "$MOST" -le 3
}

long_evict_all() {
	begin commit_interval 3600000
	interrupted $((TOTAL / 2)) evict_all
	let_through evict_all
	expect_status cc used = 0
	# durably so
	dmremove cc
	make_cc
	expect_status cc used = 0
}

long_quota_message() {
	local quota lower

	begin commit_interval 3600000
	quota=$(status_get cc quota)
	lower=$((quota - 300000))
	interrupted $((TOTAL - 150000)) quota $((lower * REGION))
	# not what it was to be, as it does not hold
	expect_status cc quota = "$quota"
	[ "$(used)" -gt "$lower" ] || fail "it holds, though it was interrupted"
	let_through quota $((lower * REGION))
	expect_status cc used = "$lower"
	expect_status cc quota = "$lower"
}

# A table with a lower quota: the resume does not wait for it, nor does the next one.
long_quota_of_a_table() {
	local lower

	begin
	lower=$((TOTAL - 100000))
	dmremove cc
	make_cc quota $((lower * REGION))
	expect_status cc quota = "$lower"
	TOTAL=$(used)
	expect "slots in use after the resume" "$TOTAL" -gt "$lower"
	wait_for 60 "eviction" has_begun
	pause
	note "suspend while a quota is made to hold: $MS ms"
	TOTAL=$(used)
	expect "slots in use after another" "$TOTAL" -gt "$lower"
	# and it is gone on with
	wait_for 100 "quota" status_is cc used "$lower"
	expect_status cc quota = "$lower"
}

# Whoever waits for a message can be killed, and nothing comes of it.
long_killed() {
	begin commit_interval 3600000
	dmsetup suspend --noflush --nolockfs below
	job first dmsetup message cc 0 evict 0 128
	wait_for 30 "message that waits for the cache" job_inside first blkdev_issue_flush
	job second dmsetup message cc 0 evict_all
	wait_for 30 "message that waits for the first" job_inside second corcache_message
	kill -KILL "$(job_pid second)"
	job_end second 20 137
	dmsetup resume below
	job_end first 60
	expect_status cc used = $((TOTAL - 1))
}

run_cases long_evict_all long_quota_message long_quota_of_a_table long_killed
