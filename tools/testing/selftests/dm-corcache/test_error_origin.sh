#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The origin errs: exactly the readers of those blocks get the error, nothing
# of it is cached, the next reader tries again, hits and everything else work.
. "$(dirname "$0")/lib.sh"

LEN=16384

origin_all_of_it() {
	setup 8 16 128
	read_ok "$DEV" 0 1M
	settle cc
	remote_errors origin on
	read_fails "$DEV" 2M 64K --bs 4K
	read_fails "$DEV" 2M 1M --bs 1M
	expect_hits cc "$DEV" 0 1M
	expect_status cc origin_errors -ge 1
	expect_status cc cache_errors = 0
	expect_status cc valid = 256
	expect_status cc mode = active
	remote_errors origin off
	# nothing of it was inserted, and those blocks are tried again
	read_ok "$DEV" 2M 1M
	settle cc
	expect_hits cc "$DEV" 2M 1M
}

# one bad sector in an origin: its block errs, alone
origin_bad_sector() {
	local bad=3000 block=$((3000 / 8)) at

	at=$((block * 4096))
	remote_start origin 8M
	mkcache 16
	mkdm holed "0 $bad linear $ORIGIN 0
$bad 1 error
$((bad + 1)) $((LEN - bad - 1)) linear $ORIGIN $((bad + 1))" --readonly
	mkcorcache cc "$CACHE" /dev/mapper/holed "$LEN" 128
	read_fails "$DEV" $((bad * 512)) 512
	read_fails "$DEV" "$at" 4096
	read_fails "$DEV" $((bad * 512 - 32768)) 64K
	# all around it
	read_ok "$DEV" 0 "$at" --bs 4K
	read_ok "$DEV" $((at + 4096)) 1M --bs 4K
	settle cc
	expect_hits cc "$DEV" 0 "$at" --bs 4K
	expect_status cc mode = active
	# repaired: read again, and inserted
	reload_dm holed "0 $LEN linear $ORIGIN 0"
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# all who wait for the block get the error, whoever came first; the readers of
# others do not
origin_joiners() {
	local bad=2048

	remote_start origin 8M
	mkcache 16
	mkdm holed "0 $bad linear $ORIGIN 0
$bad 8 error
$((bad + 8)) $((LEN - bad - 8)) linear $ORIGIN $((bad + 8))" --readonly
	mkcorcache cc "$CACHE" /dev/mapper/holed "$LEN" 128
	dmsetup suspend --noflush --nolockfs holed
	job bad "$IO" together "$DEV" $((bad * 512)) 4096 --threads 32 --expect-error
	job good "$IO" together "$DEV" $((bad * 512 + 4096)) 4096 --threads 32
	wait_for 30 "readers that wait" job_waits bad 32
	wait_for 30 "readers that wait" job_waits good 32
	dmsetup resume holed
	job_end bad 60
	job_end good 60
	settle cc
	expect_status cc valid = 1
	expect_hits cc "$DEV" $((bad * 512 + 4096)) 4096
}

# errors come and go under load; no reader gets wrong data, and in the end all
# is as if nothing had been
origin_flapping() {
	local n

	setup 16 32 128
	read_ok "$DEV" 0 4M
	settle cc
	load load "$DEV" --start 4M --threads 4 \
		--max-bs 128K --seed "$SEED" --expect-error
	load hits "$DEV" --length 4M --threads 2 --seed "$SEED"
	for ((n = 0; ; n++)); do
		if enough "$n" 15; then break; fi
		message cc evict 8192 24576
		remote_errors origin on
		wait_for 10 "errors" errors_beyond "$(status_get cc origin_errors)"
		remote_errors origin off
	done
	expect_load hits
	job_stop load
	job_stop hits
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
	expect_status cc mode = active
}
errors_beyond() { [ "$(status_get cc origin_errors)" -gt "$1" ]; }

# the server dies with readers waiting, and comes back by a reload
origin_dies() {
	setup 8 16 128
	read_ok "$DEV" 0 1M
	settle cc
	remote_stall origin
	job readers "$IO" together "$DEV" 4M 64K --threads 16 --expect-error
	wait_for 30 "readers that wait" job_waits readers 16
	remote_kill origin
	# without a -timeout, only this ends what the driver has sent already
	remote_disconnect origin
	job_end readers 60
	expect_hits cc "$DEV" 0 1M
	remote_start second 8M
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	timeout $((60 * SCALE)) dmsetup resume cc
	read_ok "$DEV"
	expect_read_of_origin cc second = $((7 * 1048576))
}

run_cases origin_all_of_it origin_bad_sector origin_joiners origin_flapping origin_dies
