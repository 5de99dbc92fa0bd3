#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The region table is written in units of the cache device's physical block, where
# these lie: a device that has to read, change and write one could damage what was
# committed before, if the power goes.
. "$(dirname "$0")/lib.sh"

LEN=16384
TRACING=/sys/kernel/tracing

test_disk() { compgen -G '/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*/block/*'; }

# need_disk [scsi_debug arguments]: a disk of 32 MiB, its name in DISK
need_disk() {
	modprobe -q sd_mod
	modprobe -q -r scsi_debug || true
	modprobe -q scsi_debug dev_size_mb=32 "$@" || skip "no scsi_debug"
	wait_for 20 "a disk of scsi_debug" test_disk >/dev/null
	DISK=$(basename "$(test_disk)")
	wait_for 20 "its device node" test -b "/dev/$DISK"
}

# traced COMMAND...: writes of the table meanwhile, "SECTOR SECTORS" a line, in $T/writes
traced() {
	local event=$TRACING/events/block/block_rq_issue data nr

	nr=$(mountpoint -x "$CACHE")

	mountpoint -q "$TRACING" || mount -t tracefs tracefs "$TRACING" || skip "no tracefs in this kernel"
	[ -e "$event/enable" ] || skip "no block tracepoints in this kernel"
	echo >"$TRACING/trace"
	echo 1 >"$event/enable"
	"$@"
	echo 0 >"$event/enable"
	data=$("$IO" dump "$CACHE" | sed -n 's/^super copy=main .* data_start=\([0-9]*\) .*/\1/p')
	# 8,0 WSM 4096 () 2048 + 8 [name]
	sed -n "s/.*block_rq_issue: ${nr/:/,} W[A-Z]* .* () \([0-9]*\) + \([0-9]*\).*/\1 \2/p" \
		"$TRACING/trace" | awk -v data="$data" '$1 >= 2048 - 8 && $1 < data' >"$T/writes"
	note "$(wc -l <"$T/writes") writes of the table, $(awk '{ n += $2 } END { print n + 0 }' "$T/writes") sectors"
	expect "writes of the table" "$(wc -l <"$T/writes")" -ge 3
}

# single table sectors, far from one another, again and again
changes() {
	local n

	for n in 0 700 1400; do
		message cc evict $((n * 8)) 8
		read_ok "$DEV" $((n * 4096)) 4K
		settle cc
		message cc commit
	done
}

# regions of one block: a table of 20 entries a sector
begin() {
	CACHE=/dev/$DISK
	remote_start origin 8M
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 8 0 4 policy stop commit_interval 3600000
	read_ok "$DEV"
	settle cc
	message cc commit
}

finish() {
	expect_hits cc "$DEV"
	dmremove cc
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 8
	expect_hits cc "$DEV"
	dmremove cc
	offline_now "$CACHE"
	modprobe -r scsi_debug
}

# misplaced UNIT OFFSET: how many writes are not whole units that begin at OFFSET
misplaced() { awk -v unit="$1" -v offset="$2" '$2 % unit || ($1 - offset + unit) % unit' "$T/writes" | wc -l; }

# what is smaller may be written alone
units_512() {
	need_disk
	begin
	traced changes
	expect "writes of less than 4 KiB" "$(misplaced 8 0)" -ge 3
	expect "writes of less than a sector" "$(misplaced 1 0)" = 0
	finish
}

# a disk with 512-byte sectors that it keeps in blocks of 4096 bytes
units_512e() {
	need_disk physblk_exp=3
	begin
	expect "physical block" "$(cat "/sys/block/$DISK/queue/physical_block_size")" = 4096
	traced changes
	expect "writes that are not whole blocks" "$(misplaced 8 0)" = 0
	finish
}

# whose first block begins with its sector 7; only the ends of the table may be cut
units_512e_misaligned() {
	need_disk physblk_exp=3 lowest_aligned=7
	expect "alignment" "$(cat "/sys/block/$DISK/alignment_offset")" = 3584
	begin
	traced changes
	sed -i '/^2048 7$/d' "$T/writes"
	expect "writes of whole blocks" "$(wc -l <"$T/writes")" -ge 2
	expect "writes that are not whole blocks" "$(misplaced 8 7)" = 0
	finish
}

# a device that calls what it likes best its physical block: 4 KiB are enough
units_of_64k() {
	need_disk physblk_exp=7
	begin
	expect "physical block" "$(cat "/sys/block/$DISK/queue/physical_block_size")" = 65536
	traced changes
	expect "writes that are not multiples of 4 KiB" "$(misplaced 8 0)" = 0
	expect "writes of more" "$(awk '$2 > 64' "$T/writes" | wc -l)" = 0
	finish
}

# logical blocks of 4096 bytes
units_4kn() {
	need_disk sector_size=4096
	begin
	traced changes
	expect "writes that are not whole blocks" "$(misplaced 8 0)" = 0
	finish
}

run_cases units_512 units_512e units_512e_misaligned units_of_64k units_4kn
