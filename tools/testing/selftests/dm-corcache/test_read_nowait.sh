#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reads that ask not to wait: RWF_NOWAIT, and io_uring, which tries so first.  A
# hit is served where it is submitted; whatever would have to wait is sent back
# at once, as a whole, and nobody is asked for it.  The word for that, EAGAIN,
# never becomes the answer to a reader who would have waited.
. "$(dirname "$0")/lib.sh"

LEN=32768

# nowait DEV OFF LEN [--bs N]: what could not be read without waiting, in reads
nowait() {
	timeout $((100 * SCALE)) "$IO" read "$@" --nowait >"$T/nowait.out" 2>&1 ||
		{ note "$(cat "$T/nowait.out")" >&2; fail "read without waiting: $*"; }
	sed -n 's/.* again=\([0-9]*\)$/\1/p' "$T/nowait.out"
}

# expect_nowait AGAIN DEV OFF LEN ...: and the origin is not asked for any of it
expect_nowait() {
	local want=$1 got

	shift
	remote_mark origin
	got=$(nowait "$@")
	expect "reads sent back ($*)" "$got" = "$want"
	expect_remote origin bytes = 0
}

nowait_hits_and_misses() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	settle cc
	expect_nowait 0 "$DEV" 0 1M --bs 4K
	expect_nowait 0 "$DEV" 0 1M --bs 64K
	# deferred verification, and several regions; not more than any device below takes in one piece
	expect_nowait 0 "$DEV" 0 1M --bs 256K
	expect_status cc would_block = 0
	expect_nowait 256 "$DEV" 8M 1M --bs 4K
	expect_status cc would_block = 256
	expect_status cc misses = "$(status_get cc origin_reads)"
	read_ok "$DEV" 8M 1M
	settle cc
	expect_nowait 0 "$DEV" 8M 1M --bs 4K
	expect_status cc would_block = 256
}

# nothing goes anywhere if not all of it can: parts would be answered later
nowait_not_in_parts() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	settle cc
	expect_nowait 1 "$DEV" 896K 256K --bs 256K
	expect_nowait 1 "$DEV" 960K 128K --bs 128K
	# not whole blocks: they would be bounced
	expect_nowait 8 "$DEV" 512 4K --bs 512
	expect_nowait 1 "$DEV" 2K 4K --bs 4K
	read_ok "$DEV" 512 4K --bs 512
	expect_status cc would_block = 11
}

nowait_modes() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	settle cc
	# suspended: device-mapper's own answer
	dmsetup suspend cc
	expect_nowait 16 "$DEV" 0 1M --bs 64K
	dmsetup resume cc
	expect_nowait 0 "$DEV" 0 1M --bs 64K
	# bypassed: every read is one of the origin, for which it would wait
	message cc evict_all
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	dmremove cc
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 0 2 max_errors 1
	read_ok "$DEV" 0 64K
	settle cc
	# it errs in the end
	offline_at /dev/mapper/below "$CACHE"
	reload_dm below "0 $(sectors "$CACHE") error"
	read_ok "$DEV" 0 64K
	wait_for 30 "bypass" status_is cc mode bypass
	expect_nowait 16 "$DEV" 0 1M --bs 64K
	expect_status cc would_block = 16
}

# A hit that was on its way when its region was evicted becomes a miss, which
# waits for the origin; a no-flush suspend hands it back to device-mapper, whose
# own thread submits it once more, as it was: asking not to wait.  Nobody is
# left who could try again; so it waits.
nowait_handed_back() {
	REMOTE_MEMORY=1 remote_start cache 32M
	CACHE=$ORIGIN
	remote_start origin 16M
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	remote_stall cache
	job reader "$IO" read "$DEV" 64K 64K --bs 64K --nowait
	wait_for 30 "hit on its way" job_waits reader 1
	job evict dmsetup message cc 0 evict 0 2048
	wait_for 30 "eviction" status_is cc valid 0
	remote_stall origin
	remote_continue cache
	job_end evict 60
	wait_for 30 "hit that has become a miss" status_is cc transfers 1
	timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
	timeout $((30 * SCALE)) dmsetup resume cc
	remote_continue origin
	job_end reader 60
	grep -q ' again=0$' "$T/reader.out" || fail "sent back to nobody: $(cat "$T/reader.out")"
}

# ---- io_uring -----------------------------------------------------------------

TRACE=/sys/kernel/tracing

uring() { # NAME OFFSET SIZE [fio arguments]: in the background
	local name=$1 offset=$2 size=$3

	shift 3
	command -v fio >/dev/null || skip "fio is not installed"
	job "$name" fio --name="$name" --filename="$DEV" --readonly --direct=1 --ioengine=io_uring \
		--iodepth=8 --rw=randread --bs=4k --offset="$offset" --size="$size" --randseed="$SEED" \
		--thread "$@"
}

trace_workers() { # 1|0
	mountpoint -q "$TRACE" || mount -t tracefs none "$TRACE"
	[ -e "$TRACE"/events/io_uring ] || skip "no io_uring, or no tracepoints of it"
	echo "$1" >"$TRACE"/events/io_uring/io_uring_queue_async_work/enable
}
workers() { grep -c io_uring_queue_async_work "$TRACE"/trace || true; }

# hits need no worker; what misses is handed to one, which waits
uring_workers() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	settle cc
	message cc reset_stats
	trace_workers 1
	echo >"$TRACE"/trace
	uring hits 0 1M
	job_end hits 120
	expect "reads handed to workers" "$(workers)" = 0
	expect_status cc hits -ge 256
	expect_status cc would_block = 0
	uring misses 8M 1M
	job_end misses 120
	expect "reads handed to workers" "$(workers)" -gt 0
	trace_workers 0
	expect_status cc would_block -gt 0
	expect_status cc origin_bytes = 1048576
	read_ok "$DEV" 8M 1M
}

# no reader sees EAGAIN: hits and misses, evicted under way, over suspends of all
# kinds and reloads
uring_suspend_and_reload() {
	local n

	setup 16 32 128
	uring load 0 16M --time_based --runtime=3600 --bsrange=512-256k --bs_unaligned=0 --iodepth=16
	load verify "$DEV" --threads 2 --max-bs 128K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 24; then break; fi
		message cc evict $((n % 8 * 4096)) 4096
		[ $((n % 3)) != 0 ] || dmsetup reload cc --readonly --table "$(dmsetup table cc)"
		if [ $((n % 2)) = 0 ]; then
			timeout $((30 * SCALE)) dmsetup suspend --noflush --nolockfs cc
		else
			timeout $((30 * SCALE)) dmsetup suspend cc
		fi
		timeout $((30 * SCALE)) dmsetup resume cc
	done
	expect_load verify load
	expect_status cc would_block -gt 0
	job_stop verify
	# fio ends with 128 when it is asked to stop, and with 1 for an error
	job_stop load 128
	! grep -qi 'error' "$T/load.out" || fail "$(cat "$T/load.out")"
}

run_cases nowait_hits_and_misses nowait_not_in_parts nowait_modes nowait_handed_back \
	uring_workers uring_suspend_and_reload
