#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The memory of transfers is bounded for all tables together, and each has its
# part of it: fifty tables whose remote stalls, and six whose cache devices do,
# hold no more than the module may; hits go on, another table is served and
# cached, and when the device answers again all of them go on.
# timeout=600
. "$(dirname "$0")/lib.sh"

# What the budgets are, and what is any table's own, in MiB: xfer.c
READ_MOST=96 INSERT_MOST=80

# slices N MIB: so many devices of one file: /dev/mapper/slice0...
slices() {
	local n=$1 sectors=$(($2 * 2048)) i

	mkloop "$T/slices" $((n * $2))M
	for ((i = 0; i < n; i++)); do
		mkdm "slice$i" "0 $sectors linear $LOOP $((i * sectors))"
	done
}

# readers NAME DEVICE N: so many reads of 1 MiB each, which are not divided, at the
# same time; from the second on
readers() {
	# shellcheck disable=SC2016 # for the other shell
	job "$1" bash -c 'for ((i = 1; i <= $2; i++)); do
		dd if="$1" of=/dev/null bs=1M count=1 skip=$i iflag=direct status=none &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait $i || exit 1; done' readers "$2" "$3"
}

# of all tables cc0...: no transfer is larger than 1 MiB
transfers() {
	dmsetup status --target corcache | sed -n 's/^cc[0-9]*:.* transfers \([0-9]*\).*/\1/p' |
		awk '{ n += $1 } END { print n + 0 }'
}

# Have they stopped to become more?
no_more_transfers() {
	local n

	n=$(transfers)
	[ "$n" -ge "$1" ] && sleep 0.5 && [ "$(transfers)" = "$n" ]
}

mem_free() { awk '$1 == "MemFree:" { print int($2 / 1024) }' /proc/meminfo; }

memory_of_a_stalled_remote() {
	local n=50 i most free

	remote_start origin 48M
	slices $((n + 1)) 64
	for ((i = 0; i < n; i++)); do
		mkcorcache "cc$i" "/dev/mapper/slice$i" "$ORIGIN" "$((48 * 2048))" 128
		read_ok "/dev/mapper/cc$i" 0 64K
	done
	remote_start other 16M
	mkcorcache "cc$n" "/dev/mapper/slice$n" "$ORIGIN" "$((16 * 2048))" 128
	for ((i = 0; i < n; i++)); do
		settle "cc$i"
	done
	free=$(mem_free)
	remote_stall origin
	# as much as any table may hold, and then some that want more than is left
	for ((i = 0; i < 4; i++)); do
		readers "reader$i" "/dev/mapper/cc$i" 40
	done
	for ((; i < n; i++)); do
		readers "reader$i" "/dev/mapper/cc$i" 4
	done
	wait_for 60 "transfers" no_more_transfers $((READ_MOST / 2))
	most=$(transfers)
	note "$n tables on a stalled remote: $most transfers of 1 MiB; MemFree less by $((free - $(mem_free))) MiB, with the readers' own"
	expect "MiB that wait for the remote" "$most" -le "$READ_MOST"
	# each has its own
	for ((i = 0; i < n; i++)); do
		expect_status "cc$i" transfers -ge 1
		expect_hits "cc$i" "/dev/mapper/cc$i" 0 64K
	done
	# another one's reads, all larger than the spare transfer, are read and kept
	read_ok "/dev/mapper/cc$n" 0 16M --bs 1M
	settle "cc$n"
	expect_hits "cc$n" "/dev/mapper/cc$n" 0 16M
	remote_continue origin
	for ((i = 0; i < n; i++)); do
		job_end "reader$i" 100
	done
	for ((i = 0; i < n; i++)); do
		settle "cc$i"
	done
	expect "transfers" "$(transfers)" = 0
	# nothing was lost on the way: all is to be had again
	read_ok /dev/mapper/cc0 0 48M --bs 1M
	settle cc0
	expect_hits cc0 /dev/mapper/cc0
}

# What waits to be written takes nothing from those who read.
memory_of_stalled_caches() {
	local n=6 i

	remote_start origin 48M
	slices $((n + 1)) 64
	for ((i = 0; i <= n; i++)); do
		mkdm "below$i" "0 $((64 * 2048)) linear /dev/mapper/slice$i 0"
		mkcorcache "cc$i" "/dev/mapper/below$i" "$ORIGIN" "$((48 * 2048))" 128
	done
	for ((i = 0; i < n; i++)); do
		dmsetup suspend --noflush --nolockfs "below$i"
		read_ok "/dev/mapper/cc$i" 0 48M --bs 1M
	done
	note "$n tables with stalled caches: $(transfers) transfers of 1 MiB"
	expect "MiB that wait to be written" "$(transfers)" -le "$INSERT_MOST"
	for ((i = 0; i < n; i++)); do
		expect_status "cc$i" transfers -ge 1
	done
	expect_status cc0 bypasses -ge 10
	# one whose cache device works, slowly enough to be kept up with
	read_ok "/dev/mapper/cc$n" 0 16M --bs 512K --pause 20000
	settle "cc$n"
	expect_hits "cc$n" "/dev/mapper/cc$n" 0 16M
	for ((i = 0; i < n; i++)); do
		dmsetup resume "below$i"
	done
	for ((i = 0; i < n; i++)); do
		settle "cc$i"
	done
	expect "transfers" "$(transfers)" = 0
}

run_cases memory_of_a_stalled_remote memory_of_stalled_caches
