#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A remote that comes and goes in the midst of reads: its server is stopped and
# continued, killed and started again, and given up by its driver after a time.
# Hits never stop, no reader gets a wrong byte, only those who wait for the remote
# get its errors, and who asks again when it is back is served.
. "$(dirname "$0")/lib.sh"

LEN=32768
BYTES=$((LEN * 512))

# begin [ARGS]: 2 MiB cached, and read all the time; a second load over most of the
# rest, with --expect-error one that puts up with errors, but not with wrong data
begin() {
	setup 16 32 128
	start_loads "$@"
}
start_loads() {
	read_ok "$DEV" 0 2M
	settle cc
	message cc commit
	load hits "$DEV" --length 2M --threads 2 --max-bs 64K --seed "$SEED"
	load misses "$DEV" --start 2M --length 12M --threads 8 --max-bs 128K --seed "$SEED" "$@"
}
# hits are served while COUNT of them come
hits_go_on() {
	wait_for 20 "$1 hits" hits_beyond $(($(status_get cc hits) + $1))
	expect_load hits
}
hits_beyond() { [ "$(status_get cc hits)" -gt "$1" ]; }
forget() { message cc evict 4096 $((LEN - 4096)); }
origin_reads_beyond() { [ "$(status_get cc origin_reads)" -gt "$1" ]; }
expect_all_right() {
	job_stop hits
	job_stop misses
	cat "$T/misses.out"
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
	expect_status cc cache_errors = 0
	expect_status cc mode = active
}

# stopped with many reads under way, and continued, again and again: no error
remote_stalls() {
	local n errors

	begin
	errors=$(status_get cc origin_errors)
	for ((n = 0; ; n++)); do
		if enough "$n" 3; then break; fi
		forget
		wait_for 20 "reads of the origin" origin_reads_beyond "$(status_get cc origin_reads)"
		remote_stall origin
		wait_for 20 "misses that wait" job_waits misses 4
		hits_go_on 10
		remote_continue origin
		wait_for 20 "reads of the origin" origin_reads_beyond "$(status_get cc origin_reads)"
	done
	expect_status cc origin_errors = "$errors"
	expect_all_right
	expect "bytes of the origin" "$(status_get cc origin_bytes)" = "$(remote_bytes origin)"
}

# Killed with reads under way.  The driver errs from then on.  The way back is by
# an error target, which frees the block device for a new connection.
remote_dies_and_returns() {
	begin --expect-error
	mkdm away "0 $LEN error"
	forget
	wait_for 20 "reads of the origin" origin_reads_beyond "$(status_get cc origin_reads)"
	remote_stall origin
	wait_for 20 "misses that wait" job_waits misses 4
	remote_kill origin
	# the driver does not notice before it is told, or has to send
	remote_disconnect origin
	hits_go_on 10
	read_fails "$DEV" 15M 64K --bs 16K
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE /dev/mapper/away 128"
	timeout $((60 * SCALE)) dmsetup resume cc
	hits_go_on 10
	remote_return origin "$BYTES"
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	timeout $((60 * SCALE)) dmsetup resume cc
	hits_go_on 10
	expect_status cc origin_errors -ge 1
	read_ok "$DEV" 14M 2M
	expect_load misses
	expect_all_right
}

# connect NAME, reconnect NAME: its block device and its server, by the driver's own
# interface, so that requests wait for a new connection when there is none.  Those
# that were sent already are sent again only when they time out.
NBD=$ST_TOOLS/corcache_nbd
connect() {
	"$NBD" connect "$(sed 's/.*nbd//' "$T/$1.dev")" "$(cat "$T/$1.port")" "$BYTES" 4 600
	wait_for 10 "size of $(cat "$T/$1.dev")" st_has_size "$(basename "$(cat "$T/$1.dev")")"
}
reconnect() { "$NBD" reconnect "$(sed 's/.*nbd//' "$T/$1.dev")" "$(cat "$T/$1.port")"; }

# A server that is killed and started again, whose client connects anew: those
# who wait go on waiting, and get their data; no error at all.
remote_restarts() {
	local n

	[ -x "$NBD" ] || fail "$NBD is not built"
	remote_start origin "$BYTES"
	remote_disconnect origin
	st_until_free "$ORIGIN" || fail "$ORIGIN stays connected"
	connect origin
	mkcache 32
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	start_loads
	for ((n = 0; ; n++)); do
		if enough "$n" 2; then break; fi
		forget
		wait_for 20 "reads of the origin" origin_reads_beyond "$(status_get cc origin_reads)"
		remote_stall origin
		wait_for 20 "misses that wait" job_waits misses 4
		remote_kill origin
		hits_go_on 10
		expect_load misses
		st_serve origin "$BYTES"
		reconnect origin
		wait_for 20 "reads of the origin" origin_reads_beyond "$(status_get cc origin_reads)"
		read_ok "$DEV" 14M 2M
	done
	expect_status cc origin_errors = 0
	expect_all_right
}

# The driver's -timeout ends a stall: those who waited get errors, others do not;
# nothing of it is cached.
remote_timeout() {
	local started

	REMOTE_TIMEOUT=3 setup 16 32 128
	read_ok "$DEV" 0 2M
	settle cc
	message cc commit
	load hits "$DEV" --length 2M --threads 2 --max-bs 64K --seed "$SEED"
	remote_stall origin
	started=$(now_ms)
	job readers "$IO" together "$DEV" 8M 64K --threads 16 --expect-error
	hits_go_on 10
	job_end readers 60
	note "the readers had waited for $(($(now_ms) - started)) ms"
	expect "milliseconds that they waited" $(($(now_ms) - started)) -ge 2500
	hits_go_on 10
	job_stop hits
	expect_status cc origin_errors -ge 1
	expect_status cc valid = 512
	expect_status cc mode = active
	# suspend does not wait for anything any more, not even a plain one
	timeout $((30 * SCALE)) dmsetup suspend cc
	dmsetup resume cc
	remote_start second "$BYTES"
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	timeout $((60 * SCALE)) dmsetup resume cc
	expect_hits cc "$DEV" 0 2M
	read_ok "$DEV"
	expect_read_of_origin cc second = $((14 * 1048576))
}

run_cases remote_stalls remote_dies_and_returns remote_restarts remote_timeout
