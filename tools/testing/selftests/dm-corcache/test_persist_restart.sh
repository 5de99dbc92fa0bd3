#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Warm stays warm: after remove and create, after a reload, also under load,
# with the remote absent, and after a crash at any moment (a copy of the cache
# device, taken while it is written to, is what a crash would have left).
# timeout=600
. "$(dirname "$0")/lib.sh"

LEN=32768

persist_remove_create() {
	local id valid

	setup 16 32 128
	timeout $((60 * SCALE)) "$IO" random "$DEV" --count "$(scaled 300)" --threads 4 --length 8M --seed "$SEED"
	read_ok "$DEV" 0 8M
	settle cc
	valid=$(status_get cc valid)
	"$IO" dump "$CACHE" | grep '^super' >"$T/super1"
	for _ in 1 2 3; do
		dmremove cc
		remote_mark origin
		mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
		expect_status cc valid = "$valid"
		expect_status cc used = 128
		expect_hits cc "$DEV" 0 8M
		expect_read_of_origin cc origin = 0
	done
	"$IO" dump "$CACHE" | grep '^super' >"$T/super2"
	cmp "$T/super1" "$T/super2" || fail "the superblock was written again"
	id=$(sed -n 's/.* id=\([0-9a-f]*\) .*/\1/p' "$T/super1" | sort -u)
	expect "one id in both copies: $id" "$(wc -l <<<"$id")" = 1
	expect "copies of the superblock" "$(wc -l <"$T/super1")" = 2
}

# removed at once after the last read: what is behind it still arrives
persist_remove_at_once() {
	local n

	setup 16 32 128
	for ((n = 0; ; n++)); do
		if enough "$n" 12; then break; fi
		read_ok "$DEV" $((n * 1048576)) 1M
		dmremove cc
		mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
		expect_hits cc "$DEV" $((n * 1048576)) 1M
	done
}

persist_reload_under_load() {
	local n bytes

	setup 16 32 128
	read_ok "$DEV"
	settle cc
	bytes=$(remote_bytes origin)
	load load "$DEV" --threads 6 --max-bs 256K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 20; then break; fi
		dmsetup reload cc --readonly --table \
			"0 $LEN corcache $CACHE $ORIGIN 128 0 2 commit_interval $((n + 50))"
		timeout $((60 * SCALE)) dmsetup resume cc
		dmsetup table cc | has_line "commit_interval $((n + 50))" || fail "table: $(dmsetup table cc)"
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	# no reload cost the origin a byte
	expect_remote origin bytes = "$bytes"
	expect_hits cc "$DEV"
}

# The same while it is being filled.  A plain suspend waits for the readers; what
# they have been answered with, and what no insert was begun for by then, is not cached.
# So what may be read twice is what was under way at a reload, and no more.
persist_reload_while_filling() {
	local n

	setup 64 100 128
	load load "$DEV" --threads 6 --max-bs 128K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 15; then break; fi
		dmsetup reload cc --readonly --table "0 131072 corcache $CACHE $ORIGIN 128"
		timeout $((60 * SCALE)) dmsetup resume cc
	done
	expect_load load
	job_stop load
	cat "$T/load.out"
	settle cc
	read_ok "$DEV"
	settle cc
	remote_count origin
	# six readers, each of 128 KiB and the rest of the blocks at its ends
	expect_remote origin again -le $((n * 6 * (131072 + 8192)))
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}

persist_remote_absent() {
	setup 16 32 128
	read_ok "$DEV" 0 4M
	settle cc
	dmremove cc
	remote_kill origin
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
	expect_hits cc "$DEV" 0 4M --bs 64K
	expect_hits cc "$DEV" 512 1M --bs 1536
	read_fails "$DEV" 8M 64K --bs 4K
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 4M
}

commit_on_disk() {
	"$IO" dump "$CACHE" >"$T/dump"
	[ "$(grep -c '^entry ' "$T/dump")" = 32 ]
}

# by message: durable when it returns; by the timer: within its interval
persist_commit() {
	setup 16 32 128 0 2 commit_interval 3600000
	read_ok "$DEV" 0 2M
	settle cc
	# nothing yet: the interval is an hour
	"$IO" dump "$CACHE" >"$T/dump"
	expect "regions on the device" "$(grep -c '^entry ' "$T/dump" || true)" = 0
	message cc commit
	commit_on_disk || fail "not on the device after commit: $(grep -c '^entry ' "$T/dump" || true)"
	expect "regions that are not whole" "$(grep '^entry' "$T/dump" | grep -v 'valid=ffff ' || true)" = ""
	cp "$CACHE_FILE" "$T/copy"
	mkloop "$T/copy" 32M
	mkcorcache cc2 "$LOOP" "$ORIGIN" "$LEN" 128
	expect_hits cc2 "$DEV" 0 2M
}

# What a reader was given before the message, and is still on its way to the cache
# device, is durable as well; with the other fills of its time, and those before.
persist_commit_under_way() {
	local n dev=/dev/mapper/cc

	remote_start origin 16M
	mkcache 32
	mkdm slow "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/slow "$ORIGIN" "$LEN" 128 0 2 commit_interval 3600000
	for n in 0 1 2; do
		dmsetup suspend --noflush --nolockfs slow
		read_ok "$dev" "${n}M" 512K --bs 64K
		job "commit$n" dmsetup message cc 0 commit
		wait_for 30 "a commit that waits" job_waits "commit$n" 1
		# whoever comes after it is not waited for, and does not wait either
		read_ok "$dev" $((n * 1024 + 512))K 512K --bs 64K
		dmsetup resume slow
		job_end "commit$n" 30
		cp "$CACHE_FILE" "$T/copy$n"
		mkloop "$T/copy$n" 32M
		mkcorcache "copy$n" "$LOOP" "$ORIGIN" "$LEN" 128
		expect_hits "copy$n" "/dev/mapper/copy$n" 0 $((n * 1024 + 512))K
		dmremove "copy$n"
		settle cc
	done
}

persist_commit_interval() {
	local start took round best=1000000

	setup 16 32 128 0 2 commit_interval 300
	# the machine may be busy: the best of five counts
	for ((round = 0; round < 5 && best > 3000 * SCALE; round++)); do
		message cc evict_all
		read_ok "$DEV" 0 2M
		start=$(now_ms)
		wait_for 10 "commit by the timer" commit_on_disk
		took=$(($(now_ms) - start))
		note "on the device after $took ms"
		[ "$took" -ge "$best" ] || best=$took
	done
	expect "milliseconds to the commit" "$best" -le $((3000 * SCALE))
	expect_status cc commits -ge 1
}

# A crash at any moment: copies of the cache device while it is filled and
# evicted from.  Each starts as a cache that says nothing wrong, and has what
# had been committed before the copy was begun.
persist_crash_images() {
	local n copies

	# a region that was on its way to another slot
	offline_allow duplicate
	remote_start origin 16M
	mkcache 24
	# held for a moment while it is copied: an image of one instant
	mkdm below "0 $(sectors "$CACHE") linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 0 2 commit_interval 20
	read_ok "$DEV" 0 1M
	settle cc
	message cc commit
	load load "$DEV" --start 1M --threads 6 --max-bs 128K --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 10; then break; fi
		message cc evict $((2048 + n * 1024)) 8192
		dmsetup suspend --noflush --nolockfs below
		cp "$CACHE_FILE" "$T/copy$n"
		dmsetup resume below
	done
	copies=$n
	job_stop load
	for ((n = 0; n < copies; n++)); do
		mkloop "$T/copy$n" 24M
		mkcorcache cc2 "$LOOP" "$ORIGIN" "$LEN" 128
		note "copy $n: $(status_get cc2 valid) blocks in $(status_get cc2 used) regions"
		expect_hits cc2 "$DEV" 0 1M
		read_ok "$DEV"
		expect_status cc2 checksum_errors = 0
		dmremove cc2
		offline_now "$LOOP"
		losetup -d "$LOOP"
		sed -i "\\,^loop $LOOP\$,d" "$T/record"
		rm "$T/copy$n"
	done
}

run_cases persist_remove_create persist_remove_at_once persist_reload_under_load \
	persist_reload_while_filling persist_remote_absent persist_commit \
	persist_commit_under_way persist_commit_interval persist_crash_images
