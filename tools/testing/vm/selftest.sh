#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selftest.sh [stock] [uml] [debug] [kcsan] - show that the lab notices every kind of failure that it promises to notice.
#
# A harness that reports success whatever happens looks just like a module without bugs. So each detector of run.sh
# is made to fire, by the module of deliberate bugs in bug/ where it takes a bug:
#   stock  Debian's own kernel: exit status and arguments pass, missing report, WARN, forgiven WARN, oops, hang, silence, a
#          processor without interrupts (each with the stack that explains it), power cut, disks that lose what was not
#          flushed, a guest that gets stuck, nothing but OUTDIR is written on the host
#   uml    the same without the oops: there it is a signal, and the end of the guest
#   debug  lockdep, sleeping in atomic context, KASAN (use after free, out of bounds, vmalloc; also where a function of the
#          kernel makes the mistake for the module), UBSAN, debug objects, a failing allocation, memory leak
#   kcsan  data race, missing memory barrier, lockdep, sleeping in atomic context; races of the kernel alone do not count
# Without an argument: all four. About 4 minutes when the kernels are in the cache.
#
# Output: KTAP on stdout. Exit status: 0 = all fired, 1 = not all, 4 = nothing could be tried.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

RUN=/sys/module/corcache_bug/parameters/run

number=0 failed=0 ran=0
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-lab-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out

result() { # ok|"not ok" DESCRIPTION
	number=$((number + 1))
	echo "$1 $number $2"
	[ "$1" = ok ] || failed=1
}

# Run a guest, compare run.sh's status; what it printed is kept in $scratch/stdout and $scratch/stderr.
expect() { # STATUS DESCRIPTION RUN.SH-ARGUMENT...
	local want=$1 what=$2 got=0
	shift 2
	rm -rf "$out"
	"$LAB_DIR/run.sh" -o "$out" "$@" > "$scratch/stdout" 2> "$scratch/stderr" || got=$?
	if [ "$got" = "$want" ]; then
		result ok "$what"
	else
		result "not ok" "$what: status $got instead of $want"
		sed 's/^/# /' "$scratch/stdout" "$scratch/stderr"
	fi
}

# Does FILE of the last run have a line that matches?
expect_line() { # DESCRIPTION REGEX FILE
	if grep -aqE -- "$2" "$3"; then
		result ok "$1"
	else
		result "not ok" "$1: nothing matches '$2' in ${3##*/}"
	fi
}

expect_no_line() { # DESCRIPTION REGEX FILE
	if grep -aqE -- "$2" "$3"; then
		result "not ok" "$1: '$2' matches in ${3##*/}"
	else
		result ok "$1"
	fi
}

# Get kernel NAME and its module of bugs; sets ko. Returns 1 when the kernel cannot be had.
prepare() { # NAME
	local status=0
	ko=$("$LAB_DIR/build.sh" -k "$1" -S "$LAB_DIR/bug" | tail -n 1) || status=$?
	if [ "$status" = "$LAB_SKIP" ]; then
		echo "# kernel $1 cannot be had: its tests are left out"
		return 1
	fi
	[ "$status" = 0 ] || lab_die 1 "cannot prepare kernel $1"
	ran=1
}

commit_bug() { # KIND...: shell commands for the guest that commit these bugs
	local kind
	echo "insmod $ko"
	for kind in "$@"; do
		echo "echo $kind > $RUN"
	done
}

test_passing() { # NAME
	# shellcheck disable=SC2016 # for the guest's shell
	expect 7 "$1: exit status 7 passes" -k "$1" -e "GREETING=two  words" -- \
		/bin/sh -c 'echo "$GREETING" > /dev/stdout; echo "$1"; exit 7' sh "it's"
	expect_line "$1: environment passes unchanged, output reaches stdout" '^two  words$' "$scratch/stdout"
	expect_line "$1: arguments pass unchanged" "^it's\$" "$scratch/stdout"
}

test_host_untouched() { # NAME
	local marker=$scratch/marker
	echo untouched > "$marker"
	# shellcheck disable=SC2016 # for the guest's shell
	expect 0 "$1: guest may write anywhere" -k "$1" -- \
		/bin/sh -c 'echo guest > "$1" && grep -q guest "$1" && echo shared > "$LAB_OUT/shared"' sh "$marker"
	expect_line "$1: the host's files stay as they are" '^untouched$' "$marker"
	expect_line "$1: the output directory is shared" '^shared$' "$out/shared"
}

test_failures() { # NAME
	expect 99 "$1: no report" -k "$1" -- /bin/sh -c 'sync; busybox poweroff -f; sleep 60'
	expect 98 "$1: kernel warning" -k "$1" -- /bin/sh -c "$(commit_bug warn)"
	expect 0 "$1: kernel warning, forgiven" -k "$1" -A 'WARNING: .*corcache-bug\.c' -- /bin/sh -c "$(commit_bug warn)"
	expect 97 "$1: hang" -k "$1" -t 20 -- /bin/sh -c "$(commit_bug hang)"
	expect_line "$1: the stack of the hang is shown" 'bug_hang' "$scratch/stderr"
}

# Work that waits for ever is no hung task for the kernel while nobody waits for it in turn, and says nothing itself.
test_stand_still() { # NAME
	expect 97 "$1: silence" -k "$1" -t 300 -q 5 -- /bin/sh -c "$(commit_bug wait)"
	expect_line "$1: it is told from the time limit" 'nothing was printed for 5 seconds' "$scratch/stderr"
	expect_line "$1: what its work waits for is shown" 'wait_for_ever' "$scratch/stderr"
	expect_line "$1: and in which workqueue" 'workqueue corcache-bug' "$scratch/stderr"
	expect_line "$1: the task that waits for it is shown" '(bug_wait|bug_run)' "$scratch/stderr"
	expect 97 "$1: a processor that takes no interrupts" -k "$1" -t 300 -q 5 -- \
		/bin/sh -c "insmod $ko; exec taskset -c 0 /bin/sh -c 'echo spin > $RUN'"
	expect_line "$1: where it is, is shown" 'bug_(spin|run)' "$scratch/stderr"
	expect 0 "$1: a guest that speaks often enough is left alone" -k "$1" -t 300 -q 5 -- \
		/bin/sh -c "for i in 1 2 3 4 5 6 7 8; do date; sleep 1; done"
}

# Process 1 of this guest does nothing, so that it never comes to its script.
test_stuck() { # NAME
	LAB_START_LIMIT=10 expect 99 "$1: a guest that gets stuck" -k "$1" -a "LAB_INIT=/bin/cat" -- /bin/true
	expect_line "$1: it is started three times" 'did not come to its script \(attempt 3 of 3\)' "$scratch/stderr"
	expect_no_line "$1: and not more often" 'attempt 4' "$scratch/stderr"
}

# The oops kills the process that commits it, the job goes on and ends well.
test_oops() { # NAME
	expect 98 "$1: oops" -k "$1" -- /bin/sh -c "insmod $ko; sh -c 'echo oops > $RUN'; exit 0"
	expect_line "$1: the oops is named" 'BUG: kernel NULL pointer dereference' "$scratch/stderr"
}

test_power_cut() { # NAME
	local status=0 guest
	rm -rf "$out" "$scratch/disk"
	# shellcheck disable=SC2016 # for the guest's shell
	"$LAB_DIR/run.sh" -k "$1" -o "$out" -p "$scratch/pid" -t 400 -d "$scratch/disk:4M" -- /bin/sh -c '
		echo persistent | dd of=$LAB_DISKS bs=4k conv=sync,fsync 2> /dev/null
		echo done; sleep 1000' > "$scratch/stdout" 2> "$scratch/stderr" &
	guest=$!
	# its time limit ends a guest that does not come up
	while ! grep -q '^done$' "$scratch/stdout" && kill -0 "$guest" 2> /dev/null; do
		sleep 0.1
	done
	kill -KILL "$(cat "$scratch/pid")" || true
	wait "$guest" || status=$?
	if [ "$status" = 96 ]; then
		result ok "$1: power cut"
	else
		result "not ok" "$1: power cut: status $status instead of 96"
	fi
	expect_line "$1: disk survives the power cut" '^persistent' "$scratch/disk"
}

# The sectors of FILE that hold the text, by number of the line that it is.
count_sectors() { # TEXT FILE
	tr '\0' '\n' < "$2" | grep -cx "$1" || true
}

# All that was flushed must be on the disk; of the 1024 sectors that were not from LEAST to MOST.
check_volatile() { # DESCRIPTION FILE LEAST MOST
	local old new
	old=$(count_sectors old "$2")
	new=$(count_sectors new "$2")
	if [ "$old" = 8 ] && [ "$new" -ge "$3" ] && [ "$new" -le "$4" ]; then
		result ok "$1: all that was flushed is there, and $new of 1024 sectors that were not"
	else
		result "not ok" "$1: $old of 8 sectors that were flushed are there, and $new of 1024 that were not"
	fi
}

sectors_of() { # TEXT NUMBER: sectors that begin with the text
	local i
	for ((i = 0; i < $2; i++)); do
		printf '%s' "$1"
		head -c $((512 - ${#1})) /dev/zero
	done
}

# Writes to each disk, with a flush and then without; the first time the VM is killed, the second time it powers off.
# The seed is one with which about half of what was not flushed is lost.
test_volatile() { # NAME
	local status=0 guest write
	rm -rf "$out" "$scratch"/disk*
	sectors_of old 8 > "$scratch/old"
	sectors_of new 1024 > "$scratch/new"
	# shellcheck disable=SC2016 # for the guest's shell
	write='for disk in $LAB_DISKS; do
			dd if="$1/old" of=$disk bs=4k oflag=direct conv=notrunc,fsync 2> /dev/null
			dd if="$1/new" of=$disk bs=4k oflag=direct conv=notrunc seek=256 2> /dev/null
		done; echo done'
	"$LAB_DIR/run.sh" -k "$1" -o "$out" -p "$scratch/pid" -t 400 -d "$scratch/disk1:4M:volatile" \
		-d "$scratch/disk2:4M:volatile=1" -- /bin/sh -c "$write; sleep 1000" sh "$scratch" \
		> "$scratch/stdout" 2> "$scratch/stderr" &
	guest=$!
	while ! grep -q '^done$' "$scratch/stdout" && kill -0 "$guest" 2> /dev/null; do
		sleep 0.1
	done
	kill -KILL "$(cat "$scratch/pid")" || true
	wait "$guest" || status=$?
	[ "$status" = 96 ] || result "not ok" "$1: power cut, volatile disks: status $status instead of 96"
	check_volatile "$1: volatile disk" "$scratch/disk1" 0 0
	check_volatile "$1: volatile disk that loses a part" "$scratch/disk2" 100 924
	expect 0 "$1: volatile disk, no power cut" -k "$1" -d "$scratch/disk3:4M:volatile" -- \
		/bin/sh -c "$write" sh "$scratch"
	check_volatile "$1: volatile disk, no power cut" "$scratch/disk3" 1024 1024
}

test_debug() {
	# lockdep first: the first report of KASAN switches it off.
	expect 98 "debug: bugs of memory and locking" -k debug -m 1G -L -- /bin/sh -c "$(commit_bug \
		lock-order sleep-in-atomic free-active shift use-after-free out-of-bounds vmalloc-out-of-bounds kernel-bitmap \
		kernel-bio kernel-work kernel-copy)"
	expect_line "debug: lock order" 'WARNING: possible circular locking' "$scratch/stderr"
	expect_line "debug: sleep in atomic context" 'BUG: sleeping function called from invalid context' "$scratch/stderr"
	expect_line "debug: use after free" 'KASAN: (slab-)?use-after-free' "$scratch/stderr"
	expect_line "debug: out of bounds" 'KASAN: slab-out-of-bounds' "$scratch/stderr"
	expect_line "debug: vmalloc out of bounds" 'KASAN: vmalloc-out-of-bounds' "$scratch/stderr"
	expect_line "debug: shift out of bounds" 'UBSAN: shift-out-of-bounds' "$scratch/stderr"
	expect_line "debug: memory with an active timer is freed" 'ODEBUG: free active' "$scratch/stderr"
	expect_line "debug: the kernel's bitmaps on freed memory" 'KASAN: .* in .*bitmap' "$scratch/stderr"
	expect_line "debug: a bio that was freed" 'KASAN: .* in (bio_|submit_bio|blk_)' "$scratch/stderr"
	expect_line "debug: a work item that was freed" 'KASAN: .* in (__queue_work|queue_work_on)' "$scratch/stderr"
	expect_line "debug: the kernel's copy beyond the end" 'KASAN: .* in (memcpy|bug_kernel_copy)' "$scratch/stderr"
	expect 98 "debug: memory leak" -k debug -m 1G -- /bin/sh -c "$(commit_bug leak)"
	expect_line "debug: the leak names our module" 'bug_leak.*corcache' "$scratch/stderr"
	expect 98 "debug: memory leak, module gone" -k debug -m 1G -- /bin/sh -c "$(commit_bug leak); rmmod corcache_bug"
	expect 0 "debug: no bug, no complaint" -k debug -m 1G -- /bin/sh -c "insmod $ko; rmmod corcache_bug"
}

# A log with one report of a race, in a directory as run.sh leaves it.
race_log() { # TITLE FRAME...
	local frame title=$1
	shift
	rm -rf "$out"
	mkdir -p "$out"
	{
		echo '=================================================================='
		echo "BUG: KCSAN: data-race in $title"
		echo
		echo 'write to 0xffff888000000000 of 8 bytes by task 100 on cpu 1:'
		for frame in "$@"; do
			echo " $frame"
		done
		echo
		echo 'WARNING: in the middle'
		echo 'Reported by Kernel Concurrency Sanitizer on:'
		echo 'Workqueue: corcache keep_work [dm_corcache]'
		echo '=================================================================='
	} | sed 's/^/[   10.000000] /' > "$out/dmesg.txt"
	"$LAB_DIR/scan-log.sh" "$out" > "$scratch/stdout" || true
}

# Races of the kernel with itself are not our module's fault.
test_foreign_races() {
	race_log 'bio_init / bio_reset' 'bio_init+0x10/0x20' 'submit_bio_wait+0x10/0x20'
	expect_no_line "kcsan: a race without our module is no complaint" 'KCSAN: ' "$scratch/stdout"
	expect_line "kcsan: what stands within its report is one" 'in the middle' "$scratch/stdout"
	race_log '_find_next_zero_bit+0x4b/0xd0' '_find_next_zero_bit+0x4b/0xd0' '__sbitmap_get_word+0x10/0x20' \
		'submit_work+0x10/0x20 [dm_corcache]'
	expect_no_line "kcsan: a race that is known is no complaint" 'KCSAN: ' "$scratch/stdout"
	race_log '_find_next_zero_bit+0x4b/0xd0' '_find_next_zero_bit+0x4b/0xd0' 'submit_work+0x10/0x20 [dm_corcache]'
	expect_line "kcsan: one that looks like it is a complaint" 'KCSAN: ' "$scratch/stdout"
	race_log 'bio_init / dm_io_acct' 'dm_io_acct+0x10/0x20' 'bio_endio+0x10/0x20' 'sweep+0x10/0x20 [dm_corcache]'
	expect_line "kcsan: a race in what our module calls is a complaint" 'KCSAN: ' "$scratch/stdout"
}

test_kcsan() {
	test_foreign_races
	expect 98 "kcsan: data race" -k kcsan -- /bin/sh -c "$(commit_bug data-race)"
	expect_line "kcsan: the race is named" 'KCSAN: data-race in race_step ' "$scratch/stderr"
	expect 98 "kcsan: missing memory barrier" -k kcsan -- /bin/sh -c "$(commit_bug missing-barrier)"
	expect_line "kcsan: the missing barrier is named" 'KCSAN: data-race in barrier_' "$scratch/stderr"
	expect_line "kcsan: it says what moved" 'reordered to: barrier_step' "$out/dmesg.txt"
	expect 98 "kcsan: bugs of locking" -k kcsan -- /bin/sh -c "$(commit_bug lock-order sleep-in-atomic)"
	expect_line "kcsan: lock order" 'WARNING: possible circular locking' "$scratch/stderr"
	expect_line "kcsan: sleep in atomic context" 'BUG: sleeping function called from invalid context' "$scratch/stderr"
	expect 0 "kcsan: no bug, no complaint" -k kcsan -- /bin/sh -c "insmod $ko; rmmod corcache_bug"
}

main() {
	local part parts=("$@") ko
	case ${1:-} in -h | --help) lab_usage; exit 0 ;; esac
	lab_need_root
	[ $# -gt 0 ] || parts=(stock uml debug kcsan)
	echo "KTAP version 1"
	for part in "${parts[@]}"; do
		case $part in
		stock)
			prepare 6.1 || continue
			test_passing 6.1
			test_host_untouched 6.1
			test_failures 6.1
			test_stand_still 6.1
			test_stuck 6.1
			test_oops 6.1
			test_power_cut 6.1
			test_volatile 6.1
			;;
		uml)
			prepare uml || continue
			test_passing uml
			test_host_untouched uml
			test_failures uml
			test_stand_still uml
			test_power_cut uml
			;;
		debug)
			prepare debug || continue
			test_debug
			;;
		kcsan)
			prepare kcsan || continue
			test_kcsan
			;;
		*) lab_die 1 "no part '$part': use stock, uml, debug, kcsan" ;;
		esac
	done
	echo "1..$number"
	[ "$ran" = 1 ] || exit "$LAB_SKIP"
	exit "$failed"
}

main "$@"
