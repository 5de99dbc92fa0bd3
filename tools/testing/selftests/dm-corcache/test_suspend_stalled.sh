#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Suspend while the origin neither answers nor errs: no-flush answers within
# 2 s, and the waiting readers return at resume; a plain suspend waits, and
# interrupting it, with any signal, restores service and fails no reader; a
# device whose origin stalls can be reloaded away to another one, and back.
. "$(dirname "$0")/lib.sh"

LEN=32768
# what the contract says; SCALE is 1 on all but debug kernels
LIMIT=$((2000 * SCALE))

# 1 MiB cached, then THREADS readers that wait for an origin that stalls
begin() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	remote_stall origin
	readers_wait readers 8M
}
readers_wait() {
	job "$1" "$IO" together "$DEV" "$2" 256K --threads 16
	wait_for 30 "readers that wait" job_waits "$1" 16
}
still_waiting() { job_running "$1" || fail "job $1 ended: $(cat "$T/$1.out")"; }
later() { [ $(($(now_ms) - $1)) -ge "$2" ]; }
state() { dmsetup info -c --noheadings -o suspended "$1"; }

# A no-flush suspend, measured from the call of device-mapper on.  The machine may
# be busy with something else just then: the best of five counts.
suspend_in_time() {
	local try took

	for ((try = 1; try <= 5; try++)); do
		[ "$try" = 1 ] || dmsetup resume cc
		timeout $((60 * SCALE)) "$IO" suspend cc --noflush >"$T/suspend" 2>&1 ||
			fail "suspend: $(cat "$T/suspend")"
		took=$(sed -n 's/^suspended ms=//p' "$T/suspend")
		note "no-flush suspend: $took ms"
		[ "$took" -gt "$LIMIT" ] || break
	done
	expect "milliseconds for a no-flush suspend" "$took" -le "$LIMIT"
	expect "state" "$(state cc)" = Suspended
	still_waiting readers
}

noflush_then_continue() {
	begin
	suspend_in_time
	dmsetup resume cc
	still_waiting readers
	expect_hits cc "$DEV" 0 1M
	# again, with more of them
	readers_wait more 12M
	suspend_in_time
	still_waiting more
	dmsetup resume cc
	expect_hits cc "$DEV" 0 1M
	remote_continue origin
	job_end readers 60
	job_end more 60
	settle cc
	# late answers and new reads together: all of it arrived once, and is cached
	expect_hits cc "$DEV" 8M 256K
	read_ok "$DEV"
}

# the answers come while it is suspended
noflush_answer_while_suspended() {
	begin
	suspend_in_time
	remote_continue origin
	wait_for 10 "time for the late answers" later "$(now_ms)" 300
	still_waiting readers
	dmsetup resume cc
	job_end readers 60
	read_ok "$DEV"
	expect_status cc checksum_errors = 0
}

noflush_many_times() {
	local n

	begin
	for ((n = 0; ; n++)); do
		if enough "$n" 8; then break; fi
		suspend_in_time
		dmsetup resume cc
	done
	remote_continue origin
	job_end readers 60
	read_ok "$DEV"
}

# a suspend that is stuck: it sleeps in device-mapper until no bio is under way
suspend_waits() {
	job suspend dmsetup suspend "$@" cc
	wait_for 30 "suspend that waits" job_inside suspend dm_wait_for_completion
	# presuspend is over, and only the end of the bios ends this
	wait_for 10 "time for a suspend that gives up" later "$(now_ms)" 300
	job_inside suspend dm_wait_for_completion || fail "the suspend did not wait: $(cat "$T/suspend.out")"
}

# interrupted SIGNAL FLAGS...: a suspend that is stuck is ended by a signal
interrupted() {
	local signal=$1 rc=0

	shift
	suspend_waits "$@"
	kill "-$signal" "$(job_pid suspend)"
	wait_for 20 "end of the suspend after SIG$signal" job_over suspend
	wait "$(job_pid suspend)" || rc=$?
	expect "status of an interrupted suspend" "$rc" != 0
	expect "state" "$(state cc)" = Active
}

plain_interrupted() {
	local signal

	begin
	for signal in INT KILL TERM; do
		interrupted "$signal"
		still_waiting readers
		# service is restored: hits are served
		expect_hits cc "$DEV" 0 1M
	done
	remote_continue origin
	job_end readers 60
	timeout $((30 * SCALE)) dmsetup suspend cc
	dmsetup resume cc
	read_ok "$DEV"
}

# answer_of WORDS: asks, leaves the status in ST_RC, and how long it took in TOOK
answer_of() {
	local started

	ST_RC=0
	started=$(now_ms)
	# shellcheck disable=SC2086 # words are meant
	case $1 in
	status | table) timeout $((60 * SCALE)) dmsetup $1 cc >/dev/null ;;
	*) timeout $((60 * SCALE)) dmsetup message cc 0 $1 2>"$T/err" ;;
	esac || ST_RC=$?
	TOOK=$(($(now_ms) - started))
}

# expect_answers: status, table and every message, each within 2 s.  The machine may be
# busy with something else just then: the best of five counts.
expect_answers() {
	local words try

	for words in status table commit "quota 4096" "quota 32768" "evict 2048 128" \
		"evict 16384 512" evict_all reset_stats "surprise"; do
		for ((try = 1; try <= 5; try++)); do
			answer_of "$words"
			[ "$TOOK" -gt "$LIMIT" ] || break
		done
		expect "milliseconds for the answer to $words" "$TOOK" -le "$LIMIT"
		if [ "$words" = surprise ]; then
			grep -q "Invalid argument" "$T/err" || fail "$words: $(cat "$T/err")"
			ST_RC=0
		fi
		expect "status of $words" "$ST_RC" = 0
	done
}

# Answers while the origin is silent: with a few readers, with so many that its
# driver blocks whoever submits, and while a plain suspend is pending.
stalled_answers() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	# more reads than the driver takes
	echo 4 >"/sys/block/${ORIGIN##*/}/queue/nr_requests"
	remote_stall origin
	readers_wait readers 8M
	expect_answers
	job more "$IO" random "$DEV" --start 10M --count 64 --threads 64 --min-bs 4096 --max-bs 64K --seed "$SEED"
	wait_for 30 "readers that wait" job_waits more 64
	expect_answers
	still_waiting readers
	still_waiting more
	suspend_waits
	expect_answers
	job_inside suspend dm_wait_for_completion || fail "the suspend did not wait"
	remote_continue origin
	job_end suspend 60
	dmsetup resume cc
	job_end readers 60
	job_end more 60
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# A plain suspend that waits for the origin holds all I/O, hits, too; when it is
# interrupted they are served, and the others go on waiting.
plain_holds_all() {
	begin
	suspend_waits
	job hits "$IO" together "$DEV" 0 64K --threads 4
	wait_for 30 "hits that wait" job_waits hits 4
	wait_for 10 "time for hits that do not wait" later "$(now_ms)" 300
	still_waiting hits
	kill -INT "$(job_pid suspend)"
	wait_for 20 "end of the suspend" job_over suspend
	job_end hits 60
	still_waiting readers
	remote_continue origin
	job_end readers 60
	read_ok "$DEV"
}

# a plain suspend that waits goes on by itself when the origin answers
plain_waits() {
	begin
	suspend_waits
	status_line cc
	remote_continue origin
	job_end suspend 60
	job_end readers 60
	expect "state" "$(state cc)" = Suspended
	dmsetup resume cc
	settle cc
	expect_hits cc "$DEV" 8M 256K
}

# A no-flush suspend gets stuck when the cache device stalls with hits
# outstanding.  Interrupting it must not turn what was deferred into errors.
noflush_interrupted() {
	local signal

	remote_start origin 16M
	mkcache 32
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 1M
	settle cc
	for signal in INT KILL; do
		remote_stall origin
		readers_wait "readers$signal" 8M
		dmsetup suspend --noflush --nolockfs below
		job "hits$signal" "$IO" together "$DEV" 0 64K --threads 8
		wait_for 30 "hits that wait" job_waits "hits$signal" 8
		interrupted "$signal" --noflush --nolockfs
		still_waiting "hits$signal"
		still_waiting "readers$signal"
		dmsetup resume below
		job_end "hits$signal" 60
		still_waiting "readers$signal"
		expect_hits cc "$DEV" 0 1M
		remote_continue origin
		job_end "readers$signal" 60
		message cc evict 16384 16384
	done
	read_ok "$DEV"
}

# No-flush suspends interrupted at any moment, with readers that are deferred,
# swept and come back, and with hits that take a while, for which such a suspend
# has to wait: whatever wins, no reader fails.  Goes on until there were several
# of each kind.
noflush_interrupted_race() {
	local n done=0 interrupted=0

	need_target delay dm-delay
	remote_start origin 16M
	mkcache 32
	mkdm below "0 $(sectors "$CACHE") delay $CACHE 0 40"
	# the same without the delay
	offline_at /dev/mapper/below "$CACHE"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 1M
	settle cc
	remote_stall origin
	readers_wait readers 8M
	load load "$DEV" --length 1M --threads 4 --max-bs 64K --seed "$SEED"
	for ((n = 0; n < 200; n++)); do
		if [ "$done" -ge 8 ] && [ "$interrupted" -ge 8 ]; then break; fi
		timeout $((60 * SCALE)) "$IO" suspend cc --noflush --after $((SCALE * (100 + n * 7919 % 45000))) \
			>"$T/suspend" 2>&1 || fail "suspend: $(cat "$T/suspend")"
		case $(cat "$T/suspend") in
		suspended*)
			done=$((done + 1))
			dmsetup resume cc
			;;
		interrupted*)
			interrupted=$((interrupted + 1))
			expect "state" "$(state cc)" = Active
			;;
		esac
		still_waiting readers
		expect_load load
	done
	note "$done suspends, $interrupted interrupted"
	expect "suspends" "$done" -ge 8
	expect "suspends that were interrupted" "$interrupted" -ge 8
	remote_continue origin
	job_end readers 60
	job_stop load
	read_ok "$DEV"
	expect_status cc checksum_errors = 0
}

# Away to an error target while the origin stalls: what waits comes back with
# the error of the new origin, hits go on, the end of the resume waits for the
# old reads; then back, and all is warm.
reload_away_and_back() {
	begin
	mkdm away "0 $LEN error"
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE /dev/mapper/away 128"
	suspend_in_time
	job resume dmsetup resume cc
	job_end readers 60 2
	grep -q "READ ERROR 5" "$T/readers.out" || fail "$(cat "$T/readers.out")"
	if grep -q "MISMATCH" "$T/readers.out"; then fail "$(cat "$T/readers.out")"; fi
	expect_hits cc "$DEV" 0 1M
	read_fails "$DEV" 12M 64K --bs 4K
	remote_continue origin
	job_end resume 60
	expect_hits cc "$DEV" 0 1M
	# late answers were given to nobody, and cached by nobody
	read_fails "$DEV" 8M 256K --bs 4K
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	timeout $((60 * SCALE)) dmsetup resume cc
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc mode = active
}

# the same to another remote: the readers finish there, while the old one is
# still silent
reload_to_second_remote() {
	begin
	remote_start second 16M
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	suspend_in_time
	job resume dmsetup resume cc
	job_end readers 60
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV" 8M 256K
	still_waiting resume
	remote_continue origin
	job_end resume 60
	expect_hits cc "$DEV" 8M 256K
	expect_status cc checksum_errors = 0
}

# Removed while reads are outstanding at the origin.  Their readers hold the
# device open as long as they wait, so they are sent away first, to a table that
# errs.  Then nobody has it open: the removal is accepted, the name is free, and
# it ends when the origin has answered.
remove_while_stalled() {
	begin
	expect_rc 1 dmsetup remove cc 2>"$T/err"
	grep -qi "busy" "$T/err" || fail "$(cat "$T/err")"
	mkdm away "0 $LEN error"
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE /dev/mapper/away 128"
	suspend_in_time
	job resume dmsetup resume cc
	job_end readers 60 2
	wait_for 30 "resume that waits for the reads" job_inside resume dm_table_destroy
	job remove dmsetup remove cc
	wait_for 30 "removal that waits for the reads" job_inside remove dm_destroy
	wait_for 10 "time for a removal that gives up" later "$(now_ms)" 300
	job_inside remove dm_destroy || fail "the removal did not wait: $(cat "$T/remove.out")"
	job_inside resume dm_table_destroy || fail "the resume did not wait: $(cat "$T/resume.out")"
	expect_rc 1 dmsetup info cc 2>/dev/null
	remote_continue origin
	job_end remove 60
	job_end resume 60
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 1M
	read_ok "$DEV"
}

run_cases noflush_then_continue noflush_answer_while_suspended noflush_many_times \
	stalled_answers plain_holds_all plain_interrupted plain_waits noflush_interrupted noflush_interrupted_race \
	reload_away_and_back reload_to_second_remote remove_while_stalled
