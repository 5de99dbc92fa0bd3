#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tracepoints: each of them appears when what it stands for happens, as
# often, and with the right numbers.
. "$(dirname "$0")/lib.sh"

TRACING=/sys/kernel/tracing

begin() {
	mountpoint -q "$TRACING" || mount -t tracefs tracefs "$TRACING" || skip "no tracefs in this kernel"
	[ -e "$TRACING/events/dm_corcache/enable" ] || fail "the module has no tracepoints"
	# two regions, and no commit unless asked for
	setup 8 16 128 0 6 quota 256 policy stop commit_interval 3600000
	NR=$(mountpoint -x "$CACHE")
	echo >"$TRACING/trace"
	echo 1 >"$TRACING/events/dm_corcache/enable"
}

# seen COUNT EVENT TEXT: so many of them since the last `forget`, all of this text
seen() {
	grep -o "corcache_$2: .*" "$TRACING/trace" >"$T/seen" || true
	expect "events $2" "$(wc -l <"$T/seen")" = "$1"
	expect "events $2: $NR $3" "$(grep -cxF "corcache_$2: $NR $3" "$T/seen" || true)" = "$1"
}
none() {
	local event

	for event in "$@"; do
		expect "events $event" "$(grep -c "corcache_$event: " "$TRACING/trace" || true)" = 0
	done
}
forget() { echo >"$TRACING/trace"; }

trace_events() {
	local at

	begin
	read_ok "$DEV" 0 64K
	settle cc
	seen 1 miss "sector 0 + 128"
	seen 1 fill_done "sector 0 + 128 inserted 65536 bytes"
	none join bypass commit evict checksum_error

	# eight readers of a block, one read
	forget
	remote_stall origin
	job readers "$IO" together "$DEV" 64K 4096 --threads 8
	wait_for 30 "readers that wait" job_waits readers 8
	remote_continue origin
	job_end readers 60
	settle cc
	seen 1 miss "sector 128 + 8"
	seen 7 join "sector 128 + 8"
	seen 1 fill_done "sector 128 + 8 inserted 4096 bytes"
	expect_status cc joins = 7
	none bypass commit evict checksum_error

	# the quota is full
	forget
	read_ok "$DEV" 1M 64K
	settle cc
	seen 1 miss "sector 2048 + 128"
	seen 1 bypass "sector 2048 + 128 reason quota"
	none join fill_done commit evict checksum_error
	expect_status cc bypasses = 1

	# hits are not traced
	forget
	read_ok "$DEV" 0 64K
	none miss join fill_done bypass commit evict checksum_error

	# both regions are in the same sector of the table
	message cc commit
	seen 1 commit "1 table sectors"
	none miss join fill_done bypass evict checksum_error

	forget
	at=$("$IO" dump "$CACHE" | sed -n 's/^entry .*region=1 .* data=\([0-9]*\) .*/\1/p')
	"$IO" flip "$CACHE" $((at * 512 + 100)) 3
	read_ok "$DEV" 64K 4K
	settle cc
	seen 1 checksum_error "sector 128 at cache sector $at"
	seen 1 miss "sector 128 + 8"
	seen 1 fill_done "sector 128 + 8 inserted 4096 bytes"

	forget
	message cc evict 0 128
	seen 1 evict "sector 0 + 128"
	seen 1 commit "1 table sectors"
	none miss join fill_done bypass checksum_error

	# off again: nothing
	forget
	echo 0 >"$TRACING/events/dm_corcache/enable"
	read_ok "$DEV" 4M 64K
	settle cc
	none miss join fill_done bypass commit evict checksum_error
	expect_status cc misses = 5
}

run_cases trace_events
