#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module is replaced under a device that is in use, as README.md says it: the
# table is reloaded to the origin alone, the module is unloaded, the other one is
# loaded, and the table is reloaded back.  No reader notices, and the device is as
# warm as it was.
. "$(dirname "$0")/lib.sh"

LEN=32768

unload() {
	grep -q '^dm_corcache ' /proc/modules || skip "the target is no module here"
	rmmod dm_corcache
	dmsetup targets >"$T/targets"
	! grep -q '^corcache ' "$T/targets" || fail "the target is still there"
}

load_again() { if [ -n "${CORCACHE_KO:-}" ]; then insmod "$CORCACHE_KO"; else modprobe dm-corcache; fi; }

# swap TABLE: the device gets it
swap() {
	dmsetup reload cc --readonly --table "$1"
	timeout $((60 * SCALE)) dmsetup resume cc
}

replace_module_under_load() {
	local table valid

	setup 16 32 128 0 2 quota 57344
	read_ok "$DEV" 0 8M
	settle cc
	table=$(dmsetup table cc)
	load load "$DEV" --threads 4 --max-bs 128K --seed "$SEED"
	# somebody who has it open all the time, and something above it
	exec 9<"$DEV"
	mkdm above "0 $LEN linear $DEV 0" --readonly
	load loadabove /dev/mapper/above --threads 2 --max-bs 64K --seed "$SEED"

	valid=$(status_get cc valid)
	swap "0 $LEN linear $ORIGIN 0"
	unload
	expect_load load loadabove
	read_ok "$DEV" 0 1M
	load_again
	swap "$table"

	expect "the table" "$(dmsetup table cc)" = "$table"
	expect_status cc mode = active
	expect "valid blocks" "$(status_get cc valid)" -ge "$valid"
	expect_load load loadabove
	job_stop load
	job_stop loadabove
	cat "$T/load.out" "$T/loadabove.out"
	exec 9<&-
	settle cc
	checked cc
	remote_mark origin
	message cc reset_stats
	expect_hits cc "$DEV" 0 8M
	expect_read_of_origin cc origin = 0
	dmremove above
	read_ok "$DEV"
}

# As long as a table is corcache's, the module cannot be taken away.
replace_module_in_use() {
	setup 16 32 128
	read_ok "$DEV" 0 1M
	if rmmod dm_corcache 2>"$T/err"; then fail "unloaded in use"; fi
	grep -qi 'in use' "$T/err" || fail "$(cat "$T/err")"
	expect_hits cc "$DEV" 0 1M
}

run_cases replace_module_under_load replace_module_in_use
