# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Library of the dm-corcache selftests: sourced by each test_<area>_<what>.sh.
#
# A test is a set of shell functions, each a case, handed to run_cases at the
# end of the file.  Each case runs in a subshell with `set -e`, in a temporary
# directory of its own.  Whatever it makes (dm devices, loop devices, remotes,
# background jobs) goes through functions here, which record it first; after
# the case all of it is torn down in reverse order from that record; in between,
# when its cache devices are not in use any more, what stands on them is checked,
# every entry and every block: offline_*() below say what a case expects there.
# Then the kernel log of the case is searched for warnings, and what is left over
# of dm, loop and nbd devices fails the case, too.
#
# Output is KTAP.  Exit status of a test: 0 passed, 1 failed, 4 all skipped.
#
# Environment:
#   CORCACHE_KO     the module, loaded if the target is not there yet; without it
#                   modprobe has to know dm-corcache
#   CORCACHE_BUILD  where selftests/corcache_io was built, default <top>/build;
#                   not needed if it lies here, as in a kernel tree
#   CORCACHE_TOOL   the corcache tool, for the tests of it, default
#                   <build>/corcache/corcache
#   SCALE           how much slower than a stock kernel this one is (default: 1,
#                   4 with KASAN, 2 with KCSAN); divides counts and
#                   multiplies time limits
#   SEED            repeats the random choices of an earlier run
#   CASES           run only these cases (words); a test that has none of them
#                   fails
#   KEEP            not empty: keep the temporary directories
#
# The remote (NBD now, others can follow) is reached only through remote_*().

set -u -o pipefail
shopt -s inherit_errexit

ST_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ST_TOP=$(cd "$ST_HERE/../../../.." && pwd)
ST_NAME=$(basename "$0" .sh)
CORCACHE_BUILD=${CORCACHE_BUILD:-$ST_TOP/build}
ST_TOOLS=$ST_HERE
[ -x "$ST_TOOLS/corcache_io" ] || ST_TOOLS=$CORCACHE_BUILD/selftests
IO=${CORCACHE_IO:-$ST_TOOLS/corcache_io}
TOOL=${CORCACHE_TOOL:-$CORCACHE_BUILD/corcache/corcache}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
export DM_DISABLE_UDEV=1

# What no case may leave in the kernel log; of the races that KCSAN reports,
# only those in which the module has a part, where the lab is at hand.
ST_FOREIGN=$ST_TOP/tools/testing/vm/foreign-races.awk
ST_SPLATS='WARNING:|BUG:|KASAN:|KCSAN:|UBSAN:|Oops|general protection fault|possible recursive locking|possible circular locking|inconsistent lock state|INFO: task .* blocked|INFO: rcu.*stall|suspicious RCU|unreferenced object|soft lockup|refcount_t:|list_(add|del) corruption|Call Trace:'

# st_ours: is there still something of ST_SPLATS in $T/dmesg when the races of others are left out?
st_ours() {
	[ -e "$ST_FOREIGN" ] || return 0
	awk -f "$ST_FOREIGN" "$T/dmesg" >"$T/dmesg.ours"
	mv "$T/dmesg.ours" "$T/dmesg"
	grep -E -- "$ST_SPLATS" "$T/dmesg" >"$T/splats"
}

# What the configuration of this kernel says of itself; nothing if unknown
st_config() {
	if [ -e /proc/config.gz ]; then
		zcat /proc/config.gz
	elif [ -e "/boot/config-$(uname -r)" ]; then
		cat "/boot/config-$(uname -r)"
	fi 2>/dev/null
}
st_slow() {
	case $(st_config | grep -E '^CONFIG_(KASAN|KCSAN)=y') in
	CONFIG_KASAN=y) echo 4 ;;
	CONFIG_KCSAN=y) echo 2 ;;
	*) echo 1 ;;
	esac
}
SCALE=${SCALE:-$(st_slow)}
export SCALE SEED CORCACHE_BUILD

# scaled N: N divided by SCALE, at least 1 - for counts and durations
scaled() { echo $((($1 + SCALE - 1) / SCALE)); }

# ---- tools --------------------------------------------------------------

# In a guest of the lab each start of a program asks the host for a dozen files,
# which is most of what a test costs: have the usual ones, with their
# libraries, in memory.

# collect_tools DIR: copy them there
collect_tools() {
	local dir=$1 name found=()

	mkdir -p "$dir"
	for name in awk basename blockdev cat cp cut dd diff dmesg dmsetup env grep head insmod \
		losetup mkdir mktemp nbd-client nice readlink rm sed sleep sync tac tail timeout \
		touch tr truncate wc "$IO"; do
		# not what bash has built in
		name=$(type -P "$name") && found+=("$name")
	done
	mapfile -t -O ${#found[@]} found < <(ldd "${found[@]}" 2>/dev/null |
		awk '$2 == "=>" && $3 ~ "^/" && !seen[$3]++ { print $3 }')
	cp -L "${found[@]}" "$dir/"
}

# use_tools DIR: from now on
use_tools() {
	IO=$1/corcache_io
	export PATH=$1:$PATH LD_LIBRARY_PATH=$1 CORCACHE_IO=$IO LC_ALL=C
}

# ---- verdicts -----------------------------------------------------------

note() {
	local line

	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

fail() {
	note "FAILED: $*" >&2
	exit 1
}

skip() {
	echo "$*" >"$T/skip"
	exit 4
}

# has_line REGEX: on standard input.  It is read to its end: to end at the first
# match, as `grep -q` does, kills whoever still writes, and with pipefail that is
# "no such line".
has_line() { [ "$(grep -c -- "$1")" != 0 ]; }

# need_target TARGET MODULE: of device-mapper; the case is skipped without it
need_target() {
	[ ! -d "/sys/module/${2//-/_}" ] || return 0
	modprobe -q "$2" || true
	dmsetup targets | has_line "^$1 " || skip "this kernel has no target $1"
}

# expect WHAT GOT OP WANT: numbers or, with = and !=, strings
expect() {
	local what=$1 got=$2 op=$3 want=$4

	case $op in
	= | !=) ;;
	*) [[ $got =~ ^-?[0-9]+$ && $want =~ ^-?[0-9]+$ ]] ||
		fail "$what: '$got' $op '$want' compares no numbers" ;;
	esac
	case $op in
	=) [ "$got" = "$want" ] || fail "$what: is '$got', expected '$want'" ;;
	!=) [ "$got" != "$want" ] || fail "$what: is '$got', expected anything else" ;;
	*) test "$got" "$op" "$want" || fail "$what: is $got, expected $op $want" ;;
	esac
}

# expect_rc WANT COMMAND...: the exit status, exactly
expect_rc() {
	local want=$1 rc=0

	shift
	"$@" || rc=$?
	[ "$rc" = "$want" ] || fail "exit status $rc, expected $want: $*"
}

# In an emulated guest the start of a program takes 40 ms of a processor, a subshell a
# third of that, and nothing else costs a test as much.  So what is done in each case,
# or for each device, is done by the shell itself where it can be, and a reply that is
# wanted often is returned in a variable.

# st_line FILE: sets ST_LINE, its first line; nothing if there is none
st_line() {
	ST_LINE=''
	[ ! -r "$1" ] || read -r ST_LINE <"$1" || true
} 2>/dev/null

# st_text FILE: sets ST_TEXT, all of it
st_text() { IFS= read -r -d '' ST_TEXT <"$1" || true; }

# in_time SECONDS COMMAND...: its exit status; 124 as well if it took longer than that.  timeout(1)
# would be one more process each time.  What never ends, run.sh ends, and says which tasks hang.
in_time() {
	local end=$((SECONDS + $1 * SCALE)) rc=0

	shift
	"$@" || rc=$?
	[ $SECONDS -le $end ] || rc=124
	return $rc
}

# wait_for SECONDS WHAT COMMAND...: until COMMAND succeeds, else the case fails
wait_for() {
	local limit=$(($1 * SCALE)) what=$2 end pause ms=50

	# what comes costs nothing, however long the limit, and machines are busy
	[ "$limit" -ge 30 ] || limit=30
	shift 2
	end=$((SECONDS + limit))
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "no $what within $limit s"
		printf -v pause '0.%03d' $ms
		sleep "$pause"
		# to look again and again costs an emulated processor more than what it waits for
		[ $ms -ge 150 ] || ms=$((ms + ms / 4))
	done
}

# milliseconds of a clock that only goes forward
now_ms() {
	local up

	read -r up _ </proc/uptime
	echo $((10#${up/./} * 10))
}

# ---- kernel log ---------------------------------------------------------

ST_MARKS=0
# log_mark: what follows in the log is what log_since prints
log_mark() {
	ST_MARKS=$((ST_MARKS + 1))
	ST_MARK="corcache-selftest $ST_NAME $BASHPID-$ST_MARKS"
	echo "$ST_MARK" >/dev/kmsg
}
# shellcheck disable=SC2016 # it is awk's
ST_AFTER='found { print } index($0, mark) { found = 1 }'
log_since() { dmesg | awk -v mark="$1" "$ST_AFTER"; }

# expect_log REGEX...: since log_mark each REGEX is found in one line or another
expect_log() {
	local regex

	# few processes: a test of refusals does this a hundred times
	ST_LOG=$(dmesg | tail -n 300)
	ST_LOG=${ST_LOG##*"$ST_MARK"}
	shopt -s nocasematch
	for regex in "$@"; do
		# a regex may not match over the end of a line
		[[ $ST_LOG =~ ${regex//.\*/[^$'\n']*} ]] ||
			{ note "the log was: $ST_LOG" >&2; fail "no line in the kernel log matches: $regex"; }
	done
	shopt -u nocasematch
}

# ---- teardown from the record -------------------------------------------

# at_end FUNCTION: is called when the case ends, whatever ends it, before what it
# made is torn down
at_end() { ST_AT_END=$1; }

record() { echo "$*" >>"$T/record"; }

ensure_module() {
	local module=$1 device=$2

	shift 2
	[ -e "$device" ] && return 0
	modprobe "$module" "$@" || return 1
	[ -e "$device" ]
}

# A process that is stopped, or a device that is suspended, would hang the
# teardown; both are set free first, in the order in which they were made.
st_release() {
	local line kind arg name state suspended=' '

	while IFS=: read -r name state; do
		[[ $state != Suspended ]] || suspended+="$name "
	done < <(dmsetup info -c --noheadings --separator : -o name,suspended 2>/dev/null)
	for line in "${ST_RECORD[@]}"; do
		read -r kind arg _ <<<"$line"
		case $kind in
		server) kill -CONT "$arg" 2>/dev/null ;;
		job) kill -TERM "$arg" 2>/dev/null ;;
		dm)
			[[ $suspended != *" $arg "* ]] ||
				"${ST_LIMIT[@]}" dmsetup resume "$arg" 2>/dev/null
			;;
		esac
	done
}

st_remove_dm() {
	local name=$1 i

	for i in 1 2 3 4 5 6 7 8; do
		"${ST_LIMIT[@]}" dmsetup remove "$name" 2>"$T/remove.err" && return 0
		dmsetup info "$name" >/dev/null 2>&1 || return 0
		[ "$i" = 8 ] || sleep 0.2
	done
	note "cannot remove dm device $name: $(cat "$T/remove.err")"
	return 1
}

# What is at work on the devices, and the mapped devices, ends before what they lie
# on: a reload can put one on a remote that was started after it was made.  Those
# under a cache device are left for when it has been checked.
st_teardown_users() {
	local i kind arg bad=0 seen=' '

	ST_UNDER=' '
	for ((i = 0; i < ${#ST_RECORD[@]}; i++)); do
		read -r kind arg _ <<<"${ST_RECORD[i]}"
		[[ $kind = cache && $seen != *" $arg "* ]] || continue
		seen+="$arg "
		st_device "$arg"
		st_under "$ST_DEVICE"
	done
	st_release
	for ((i = ${#ST_RECORD[@]} - 1; i >= 0; i--)); do
		read -r kind arg _ <<<"${ST_RECORD[i]}"
		case $kind in
		job) st_kill "$arg" || bad=1 ;;
		dm) [[ $ST_UNDER = *" $arg "* ]] || st_remove_dm "$arg" || bad=1 ;;
		esac
	done
	return $bad
}

st_teardown_devices() {
	local i kind arg rest bad=0

	for ((i = ${#ST_RECORD[@]} - 1; i >= 0; i--)); do
		read -r kind arg _ <<<"${ST_RECORD[i]}"
		[[ $kind != dm || $ST_UNDER != *" $arg "* ]] || st_remove_dm "$arg" || bad=1
	done
	for ((i = ${#ST_RECORD[@]} - 1; i >= 0; i--)); do
		read -r kind arg rest <<<"${ST_RECORD[i]}"
		case $kind in
		job | dm | cache) ;;
		loop) "${ST_LIMIT[@]}" losetup -d "$arg" || bad=1 ;;
		nbd)
			"${ST_LIMIT[@]}" nbd-client -d "$arg" >/dev/null 2>&1
			st_until_free "$arg" || { note "$arg stays connected"; bad=1; }
			;;
		server) st_kill "$arg" || bad=1 ;;
		null_blk) echo 0 >"$arg/power"; rmdir "$arg" || bad=1 ;;
		rm) rm -rf "$arg" ;;
		*) note "unknown record: $kind $arg $rest"; bad=1 ;;
		esac
	done
	return $bad
}

st_until_free() {
	local i

	for ((i = 0; i < 100 * SCALE; i++)); do
		[ -e "/sys/block/${1##*/}/pid" ] || return 0
		sleep 0.05
	done
	return 1
}

# st_state PID: sets ST_STATE, the letter; nothing if there is no such process.  A file
# of a line, which is read to its end: what bash has read ahead of a file in /proc it
# cannot give back when the process has gone, and then takes for the next file's.
st_state() {
	st_line "/proc/${1:-none}/stat"
	ST_STATE=${ST_LINE##*) }
	ST_STATE=${ST_STATE%% *}
}

st_kill() {
	local i

	for ((i = 0; i < 200 * SCALE; i++)); do
		st_state "$1"
		case $ST_STATE in '' | Z) return 0 ;; esac
		if [ "$i" = 100 ]; then kill -KILL "$1"; else kill -TERM "$1"; fi 2>/dev/null
		sleep 0.05
	done
	note "process $1 does not end: $(tr '\0' ' ' <"/proc/$1/cmdline") $(cat "/proc/$1/wchan" 2>/dev/null)"
	return 1
}

# sets ST_DEVICES, a line for each mapped device, loop and nbd device that is in use
st_devices() {
	local i

	ST_DEVICES=''
	# one that has no table yet is not in sysfs
	while read -r i _; do
		[ "$i" = No ] || ST_DEVICES+="dm $i"$'\n'
	done < <(dmsetup ls 2>/dev/null)
	for i in /sys/block/loop*/loop/backing_file; do
		[ -e "$i" ] && i=${i%/loop/*} && ST_DEVICES+="loop /dev/${i##*/}"$'\n'
	done
	for i in /sys/block/nbd*/pid; do
		[ -e "$i" ] && ST_DEVICES+="nbd $i"$'\n'
	done
	return 0
}

# ---- cases --------------------------------------------------------------

st_load() {
	modprobe -q dm-mod
	modprobe -q loop
	modprobe -q nbd nbds_max=16 max_part=0
	# a libcrc32c that is built in, or gone in newer kernels, is fine
	modprobe -q libcrc32c
	mkdir -p /dev/mapper
	if ! dmsetup targets | has_line '^corcache '; then
		if [ -n "${CORCACHE_KO:-}" ]; then
			insmod "$CORCACHE_KO" || { echo "Bail out! insmod $CORCACHE_KO"; exit 1; }
		else
			modprobe dm-corcache || { echo "Bail out! no dm-corcache, and CORCACHE_KO is not set"; exit 1; }
		fi
	fi
	[ -x "$IO" ] || { echo "Bail out! $IO is not built"; exit 1; }
}

# the end of a case, in its subshell, whatever ended it
# shellcheck disable=SC2317 # called by trap
st_finish() {
	local rc=$?

	trap - EXIT
	trap '' TERM INT
	set +e
	[ -z "${ST_AT_END:-}" ] || "$ST_AT_END"
	mapfile -t ST_RECORD <"$T/record"
	# one that has failed may have left what hangs; the next case is to have its turn
	ST_LIMIT=(in_time 20)
	[ "$rc" = 0 ] || ST_LIMIT=(timeout $((20 * SCALE)))
	if ! st_teardown_users; then
		note "FAILED: teardown"
		rc=1
	fi
	[ "$rc" != 0 ] || st_offline || rc=1
	if ! st_teardown_devices; then
		note "FAILED: teardown"
		rc=1
	fi
	exit "$rc"
}

# st_add_offline: what the case has counted is added to the test's
st_add_offline() {
	local checked left regions blocks

	while read -r checked left regions blocks; do
		ST_CHECKED_ALL=$((ST_CHECKED_ALL + checked)) ST_LEFT_ALL=$((ST_LEFT_ALL + left))
		ST_REGIONS_ALL=$((ST_REGIONS_ALL + regions)) ST_BLOCKS_ALL=$((ST_BLOCKS_ALL + blocks))
	done <"$T/offline"
}

st_run_case() {
	local name=$1 rc=0 devices

	T=$(mktemp -d "${TMPDIR:-/tmp}/corcache.XXXXXX")
	: >"$T/record"
	: >"$T/offline"
	st_devices
	devices=$ST_DEVICES
	log_mark
	echo "corcache-selftest $ST_NAME: $name: start" >/dev/kmsg
	(
		set -e
		trap st_finish EXIT
		trap 'exit 143' TERM INT
		cd "$T"
		"$name"
	)
	rc=$?
	st_add_offline
	echo "corcache-selftest $ST_NAME: $name: end, status $rc" >/dev/kmsg
	dmesg | awk -v mark="$ST_MARK" "$ST_AFTER" >"$T/dmesg"
	st_text "$T/dmesg"
	if [[ $ST_TEXT != *"corcache-selftest $ST_NAME: $name: end, status"* ]]; then
		note "FAILED: the kernel log does not reach back to the start of $name"
		rc=1
	fi
	if grep -E -- "$ST_SPLATS" "$T/dmesg" >"$T/splats" && st_ours; then
		note "FAILED: kernel log:"
		note "$(grep -E -m1 -A40 -- "$ST_SPLATS" "$T/dmesg")"
		rc=1
	fi
	st_devices
	if [ "$ST_DEVICES" != "$devices" ]; then
		note "FAILED: devices left over: $(diff <(echo "$devices") <(echo "$ST_DEVICES") |
			grep '^[<>]' | tr '\n' ' ')"
		rc=1
	fi
	# a command may end with 4 as well: only skip() leaves a reason
	[ "$rc" != 4 ] || [ ! -s "$T/skip" ] || rc=skip
	case $rc in
	0) echo "ok $ST_NR $name" ;;
	skip)
		echo "ok $ST_NR $name # SKIP $(cat "$T/skip")"
		ST_SKIPPED=$((ST_SKIPPED + 1))
		;;
	*)
		note "kernel log of $name:"
		note "$(tail -n 60 "$T/dmesg")"
		echo "not ok $ST_NR $name"
		ST_FAILED=$((ST_FAILED + 1))
		;;
	esac
	[ -n "${KEEP:-}" ] || rm -rf "$T"
}

# run_cases NAME...: the last line of a test
run_cases() {
	local name todo=()

	for name in "$@"; do
		if [ -z "${CASES:-}" ] || [[ " $CASES " = *" $name "* ]]; then
			todo+=("$name")
		fi
	done
	ST_NR=0 ST_FAILED=0 ST_SKIPPED=0
	echo "KTAP version 1"
	echo "1..${#todo[@]}"
	note "SEED=$SEED SCALE=$SCALE kernel $(uname -r)"
	[ ${#todo[@]} -gt 0 ] || { echo "Bail out! CASES='$CASES' names no case of $ST_NAME"; exit 1; }
	st_load
	ST_CHECKED_ALL=0 ST_LEFT_ALL=0 ST_REGIONS_ALL=0 ST_BLOCKS_ALL=0
	for name in "${todo[@]}"; do
		ST_NR=$((ST_NR + 1))
		st_run_case "$name"
	done
	note "offline: $ST_CHECKED_ALL cache devices checked, $ST_LEFT_ALL left out;" \
		"$ST_REGIONS_ALL regions, $ST_BLOCKS_ALL blocks"
	[ $ST_FAILED = 0 ] || exit 1
	[ $ST_SKIPPED -lt $ST_NR ] || exit 4
	exit 0
}

# ---- cache devices that are not in use ----
#
# When a case has passed, each cache device that it has used is checked by
# `corcache_io offline`: both superblocks, each sector of the table, and of every
# valid block its checksum and its content, which is the pattern.  A fault fails
# the case, and so does a device that cannot be read, unless the case has said so:
#
#   offline_allow KIND...         such a fault may be there
#   offline_expect KIND...        such a fault has to be there
#   offline_skip DEVICE REASON    this one is not checked, for that reason
#   offline_at DEVICE OTHER       what it holds is read from the device OTHER
#   offline_args ARGS             for corcache_io offline: --shift, --origin
#   offline_now DEVICE            check it now, because it goes before the end
#
# The kinds are explained in corcache_disk.h.

ST_ALLOW='' ST_EXPECT='' ST_OFFLINE_ARGS=()
declare -A ST_NOT_CHECKED=() ST_AT=() ST_CHECKED=()

offline_allow() { ST_ALLOW+=$(printf ',%s' "$@"); }
offline_expect() { ST_EXPECT+=$(printf ',%s' "$@"); }
offline_skip() { ST_NOT_CHECKED[$1]=${*:2}; }
offline_at() { ST_AT[$1]=$2; }
offline_args() { ST_OFFLINE_ARGS+=("$@"); }

# st_check DEVICE...: all of them, and count them
st_check() {
	local line

	[ $# -gt 0 ] || return 0
	if ! CORCACHE_LIMIT=$((100 * SCALE)) "$IO" offline "$@" "${ST_OFFLINE_ARGS[@]}" \
		${ST_ALLOW:+--allow "${ST_ALLOW#,}"} ${ST_EXPECT:+--expect "${ST_EXPECT#,}"} \
		>"$T/offline.out" 2>&1; then
		note "FAILED: what stands on the cache devices:"
		note "$(cat "$T/offline.out")"
		return 1
	fi
	# checked, left out, regions, blocks
	while IFS= read -r line; do
		[[ ! $line =~ ^checked\ .*:\ entries=([0-9]+)\ blocks=([0-9]+) ]] ||
			echo "1 0 ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
	done <"$T/offline.out" >>"$T/offline"
}

offline_now() {
	st_check "${ST_AT[$1]:-$1}" || fail "offline check of $1"
	ST_CHECKED[$1]=1
}

# st_device DEVICE: sets ST_DEVICE, the node of what may be given as MAJOR:MINOR
st_device() {
	local line

	ST_DEVICE=$1
	[[ $1 = *:* ]] || return 0
	ST_DEVICE=''
	if [ -e "/sys/dev/block/$1/dm/name" ]; then
		st_line "/sys/dev/block/$1/dm/name"
		ST_DEVICE=/dev/mapper/$ST_LINE
	elif [ -e "/sys/dev/block/$1/uevent" ]; then
		while IFS= read -r line; do
			[[ $line != DEVNAME=* ]] || ST_DEVICE=/dev/${line#DEVNAME=}
		done <"/sys/dev/block/$1/uevent"
	fi
}

# st_under DEVICE: if it is a mapped one, it and those below it are added to ST_UNDER
st_under() {
	local dir slave name

	[[ $1 = /dev/mapper/* ]] || return 0
	for dir in /sys/block/dm-*; do
		name=''
		[ ! -e "$dir/dm/name" ] || read -r name <"$dir/dm/name"
		[ "/dev/mapper/$name" = "$1" ] || continue
		ST_UNDER+="$name "
		for slave in "$dir"/slaves/dm-*; do
			[ -e "$slave/dm/name" ] && read -r name <"$slave/dm/name" && st_under "/dev/mapper/$name"
		done
	done
}

# all that the case has used
st_offline() {
	local line dev todo=() given=' ' seen=' '

	for line in "${ST_RECORD[@]}"; do
		[[ $line = 'cache '* && $given != *" ${line#cache } "* ]] || continue
		given+="${line#cache } "
		st_device "${line#cache }"
		dev=$ST_DEVICE
		[ -z "${ST_CHECKED[$dev]:-}" ] || continue
		if [ -n "${ST_NOT_CHECKED[$dev]:-}" ]; then
			note "offline: $dev is left out: ${ST_NOT_CHECKED[$dev]}"
			echo 0 1 0 0 >>"$T/offline"
			continue
		fi
		dev=${ST_AT[$dev]:-$dev}
		[[ $seen = *" $dev "* ]] || todo+=("$dev")
		seen+="$dev "
	done
	st_check "${todo[@]}"
}

# ---- background jobs ----------------------------------------------------

# job NAME COMMAND...: run in the background; output in $T/NAME.out
job() {
	local name=$1

	shift
	# in the background of a script SIGINT is ignored, unless set free
	env --default-signal=INT,QUIT "$@" >"$T/$name.out" 2>&1 &
	echo $! >"$T/$name.pid"
	record job $!
}

# load NAME DEV ARGS...: random reads in the background, all verified, until
# job_stop; with pauses, which leave the processors to what the case does
load() {
	job "$1" nice -n 15 "$IO" random "$2" --seconds 36000 --pause 4000 "${@:3}"
	# it says its seed; before that, a signal would find a program that is not ours yet
	wait_for 30 "start of $1" test -s "$T/$1.out"
}

# expect_load NAME...: they still run, that is, no reader has noticed anything
expect_load() {
	local name

	for name in "$@"; do
		job_running "$name" || fail "job $name ended: $(cat "$T/$name.out")"
	done
}

# enough N MAX [SECONDS]: have N rounds been enough?  After MAX of them, or,
# once there were four, after SECONDS (12): machines differ.
enough() {
	[ "$1" -gt 0 ] || ST_ROUNDS=$SECONDS
	[ "$1" -lt "$2" ] || return 0
	[ "$1" -ge 4 ] && [ $((SECONDS - ST_ROUNDS)) -ge "${3:-12}" ] && note "$1 rounds"
}

job_pid() { st_line "$T/$1.pid"; echo "$ST_LINE"; }
job_running() {
	st_line "$T/$1.pid"
	st_state "$ST_LINE"
	case $ST_STATE in '' | Z) return 1 ;; esac
}
job_over() { ! job_running "$1"; }

# job_waits NAME THREADS: at least so many threads of it wait for a device
job_waits() {
	local waiting

	waiting=$(cat "/proc/$(job_pid "$1")"/task/*/stat 2>/dev/null |
		sed 's/.*) //' | grep -c '^D') || true
	[ "$waiting" -ge "$2" ]
}

# job_inside NAME FUNCTION: it sleeps in the kernel, in that function (or one of
# its name with underscores) or in what it has called
job_inside() {
	grep -qE "(^|[ .])_*$2(\.|\+0x)" "/proc/$(job_pid "$1")/stack" 2>/dev/null && job_sleeps "$1"
}
job_sleeps() { grep -qE '^State:[[:space:]]+[DSI]' "/proc/$(job_pid "$1")/status" 2>/dev/null; }

# job_end NAME SECONDS [STATUS]: it ends by itself within SECONDS, with STATUS (0)
job_end() {
	local name=$1 limit=$2 want=${3:-0} rc=0

	wait_for "$limit" "end of job $name" job_over "$name"
	st_line "$T/$name.pid"
	wait "$ST_LINE" || rc=$?
	if [ "$rc" != "$want" ]; then
		note "$(tail -n 20 "$T/$name.out")" >&2
		fail "job $name: status $rc, expected $want"
	fi
}

# job_stop NAME [STATUS]: ask it to end; it has to end with STATUS (0)
job_stop() {
	kill -TERM "$(job_pid "$1")" 2>/dev/null || note "job $1 ended before it was asked to"
	job_end "$1" 60 "${2:-0}"
}

# ---- local devices ------------------------------------------------------

# mkloop FILE BYTES [losetup args]: a loop device on a sparse file; its name in LOOP
mkloop() {
	local file=$1 bytes=$2

	shift 2
	[ -e "$file" ] || truncate -s "$bytes" "$file"
	LOOP=$(losetup -f --show "$@" "$file")
	record loop "$LOOP"
}

# mkcache MIB [losetup args]: an empty cache device; its name in CACHE
mkcache() {
	local mib=$1

	shift
	ST_CACHES=$((${ST_CACHES:-0} + 1))
	mkloop "$T/cache$ST_CACHES" "${mib}M" "$@"
	CACHE=$LOOP
	# shellcheck disable=SC2034 # for the tests
	CACHE_FILE=$T/cache$ST_CACHES
}

sectors() { blockdev --getsz "$1"; }

# of a table that is corcache's
st_record_cache() {
	local target cache

	read -r _ _ target cache _ <<<"$1"
	[ "$target" != corcache ] || record cache "$cache"
}

# mkdm NAME TABLE [dmsetup args]: any mapped device
mkdm() {
	local name=$1 table=$2

	shift 2
	record dm "$name"
	st_record_cache "$table"
	dmsetup create "$name" "$@" --table "$table"
	[ -b "/dev/mapper/$name" ] || dmsetup mknodes "$name"
}

# reload_dm NAME TABLE: another table for a device that is not corcache
reload_dm() {
	dmsetup reload "$1" --table "$2"
	dmsetup suspend --noflush --nolockfs "$1"
	dmsetup resume "$1"
}

# mkcorcache NAME CACHE ORIGIN SECTORS REGION [features, core args]
mkcorcache() {
	local name=$1 cache=$2 origin=$3 length=$4 region=$5

	shift 5
	mkdm "$name" "0 $length corcache $cache $origin $region $*" \
		--readonly --uuid "CORCACHE-$name"
	# shellcheck disable=SC2034 # for the tests
	DEV=/dev/mapper/$name
}

dmremove() { in_time 60 dmsetup remove "$1" || fail "dmsetup remove $1"; }

message() { in_time 60 dmsetup message "$1" 0 "${@:2}" || fail "message $*"; }

events() { dmsetup info -c --noheadings -o events "$1" | tr -d ' '; }

# ---- status -------------------------------------------------------------

# The parser is corcache_io's.

# status_line NAME: all of it, as NAME=VALUE
status_line() { "$IO" status "$1" --seconds $((10 * SCALE)) || fail "no status of $1"; }

# status_get NAME FIELD: mode, version, region, block, used, quota, total,
# valid, pairs (how many there are), or the name of a pair
status_get() {
	"$IO" status "$1" "$2" --seconds $((10 * SCALE)) || fail "no $2 in the status of $1"
}

# st_status NAME FIELD: sets ST_VALUE to what status_get prints
st_status() {
	ST_VALUE=$("$IO" status "$1" "$2" --seconds $((10 * SCALE))) || fail "no $2 in the status of $1"
}

expect_status() {
	st_status "$1" "$2"
	expect "status of $1: $2" "$ST_VALUE" "$3" "$4"
}

# is not so either when there is no status
status_is() {
	ST_VALUE=$("$IO" status "$1" "$2" --seconds $((10 * SCALE))) && [ "$ST_VALUE" = "$3" ]
}

# settle NAME: until the copies behind the reads are on the cache device
settle() { "$IO" settle "$1" --seconds $((30 * SCALE)) || fail "the fills of $1 do not end"; }

# ---- the corcache tool --------------------------------------------------

# tool WORD...: runs it; its exit status is in ST_RC, what it wrote in $T/out and $T/err
tool() {
	ST_RC=0
	in_time 100 "$TOOL" "$@" >"$T/out" 2>"$T/err" || ST_RC=$?
}

# tool_ok WORD...: it ends well and has nothing to say on stderr
tool_ok() {
	tool "$@"
	[ "$ST_RC$(cat "$T/err")" = 0 ] || fail "corcache $*: status $ST_RC, $(cat "$T/out" "$T/err")"
}

# tool_fails STATUS REGEX WORD...: it ends so, with one line on stderr that matches, and
# nothing on stdout
tool_fails() {
	local want=$1 regex=$2

	shift 2
	tool "$@"
	note "corcache $*: status $ST_RC: $(cat "$T/err")"
	expect "status of corcache $*" "$ST_RC" = "$want"
	[ ! -s "$T/out" ] || fail "corcache $* wrote to stdout: $(cat "$T/out")"
	expect "lines of corcache $*" "$(wc -l <"$T/err")" = 1
	grep -qE -- "$regex" "$T/err" || fail "corcache $* does not say: $regex"
}

# ---- refusals -----------------------------------------------------------

# st_try_load NAME TABLE: load it, read-only unless RELOAD_MODE=rw; 0 if that
# was refused
st_try_load() {
	local rc=0 mode=(--readonly)

	[ "${RELOAD_MODE:-ro}" = ro ] || mode=()
	log_mark
	in_time 20 dmsetup reload "$1" "${mode[@]}" --table "$2" >"$T/err" 2>&1 || rc=$?
	[ "$rc" != 0 ] || fail "accepted: $2"
	[ "$rc" != 124 ] || fail "no answer: $2"
}

st_say_refused() {
	local line

	while IFS= read -r line; do
		if [[ $line = *corcache:* ]]; then
			note "refused: ${1#0 * corcache } -- ${line#*\] }"
			return
		fi
	done <<<"$ST_LOG"
	note "refused: ${1#0 * corcache }"
}

# What the target itself has said, all of it in one line
st_expect_said() {
	local line lines=0 regexes=("${@/#/corcache: .*(}")

	expect_log "${regexes[@]/%/)}"
	while IFS= read -r line; do
		[[ $line != *'corcache: '* ]] || lines=$((lines + 1))
	done <<<"$ST_LOG"
	expect "lines of the target" $lines = 1
}

# expect_refused TABLE REGEX...: already the load of it is refused, and one line
# in the kernel log, from the target, says why, with the offending value
expect_refused() {
	local table=$1

	shift
	if [ ! -e "$T/refused" ]; then
		record dm refused
		dmsetup create refused --notable
		touch "$T/refused"
	fi
	st_try_load refused "$table"
	st_expect_said "$@"
	st_say_refused "$table"
}

# no table has been left by any of the loads that were refused
expect_nothing_loaded() {
	expect "tables" "$(dmsetup info -c --noheadings -o tables_loaded refused)" = None
}

# expect_reload_refused NAME TABLE REGEX...: the same for a running device,
# whose table stays as it was
expect_reload_refused() {
	local name=$1 table=$2 before after

	shift 2
	before=$(dmsetup table "$name")
	st_try_load "$name" "$table"
	after=$(dmsetup table "$name")
	expect "table of $name" "$after" = "$before"
	expect "tables" "$(dmsetup info -c --noheadings -o tables_loaded "$name")" = Live
	st_expect_said "$@"
	st_say_refused "$table"
}

# ---- the remote ---------------------------------------------------------
#
# remote_start NAME BYTES [key=value of this lib or nbdkit filter arguments]
# exports the pattern, read-only, over TCP on the loopback interface, and
# attaches it; the block device's name is in ORIGIN.  Then, by NAME:
#
#   remote_reads, remote_bytes, remote_again   asked for since remote_mark:
#                       requests, bytes, bytes asked for more than once
#   remote_mark         start to count here
#   remote_stall, remote_continue   neither answers nor errs; goes on
#   remote_errors on|off            answers every read with an error
#   remote_disconnect   the client lets go: the block device stays, and has no
#                       size any more once nobody has it open
#   remote_kill         the server is gone, the block device errs
#   remote_return       there is one again

#
# One connection unless REMOTE_CONNS says otherwise: with several the nbd
# driver gives up on a server that stalls, after 30 s; after REMOTE_TIMEOUT if
# that is set.  With REMOTE_MEMORY it is writable and empty: a cache device that
# can stall.  With REMOTE_SHIFT (BYTES are a plain number then) the pattern begins so
# many bytes later: another image, see corcache_io --shift.

remote_start() {
	local name=$1 n

	command -v nbdkit >/dev/null || skip "nbdkit is not installed"
	st_serve "$@"
	for ((n = 0; n < 16; n++)); do
		[ -b /dev/nbd$n ] && [ ! -e /sys/block/nbd$n/pid ] && break
	done
	[ $n -lt 16 ] || fail "no free nbd device"
	echo "/dev/nbd$n" >"$T/$name.dev"
	st_connect "$name"
	# only now is it ours to disconnect
	record nbd /dev/nbd$n
	ORIGIN=/dev/nbd$n
	echo 0 >/sys/block/nbd$n/queue/read_ahead_kb
	remote_mark "$name"
}

# st_serve NAME BYTES ...: a server, on the port that it had, if it had one
st_serve() {
	local name=$1 bytes=$2 port n content=(-r pattern)

	[ -z "${REMOTE_MEMORY:-}" ] || content=(memory)
	if [ -n "${REMOTE_SHIFT:-}" ]; then
		content=(-r --filter=offset pattern offset="$REMOTE_SHIFT" range="$bytes")
		bytes=$((bytes + REMOTE_SHIFT))
	fi
	shift 2
	for ((n = 0; n < 20; n++)); do
		if [ -s "$T/$name.port" ]; then
			port=$(cat "$T/$name.port")
		else
			port=$((10809 + RANDOM % 20000))
		fi
		rm -f "$T/$name.pid"
		TMPDIR=$T nbdkit -i 127.0.0.1 -p "$port" -P "$T/$name.pid" \
			--filter=log --filter=error "$@" "${content[@]}" size="$bytes" \
			logfile="$T/$name.log" logappend=true error=EIO error-pread-rate=100% \
			error-file="$T/$name.err" 2>"$T/$name.msg" && break
	done
	wait_for 10 "nbdkit" test -s "$T/$name.pid"
	record server "$(cat "$T/$name.pid")"
	echo "$port" >"$T/$name.port"
}

# st_connect NAME: the block device that it has, to its server
st_connect() {
	local name=$1 dev options=()

	dev=$(cat "$T/$name.dev")
	[ -z "${REMOTE_TIMEOUT:-}" ] || options=(-timeout "$REMOTE_TIMEOUT")
	nbd-client 127.0.0.1 "$(cat "$T/$name.port")" "$dev" -N "" -b 512 -C "${REMOTE_CONNS:-1}" \
		"${options[@]}" >"$T/$name.nbd" 2>&1 ||
		{ note "$(cat "$T/$name.nbd" "$T/$name.msg")" >&2; fail "nbd-client"; }
	wait_for 10 "size of $dev" st_has_size "${dev##*/}"
}
st_has_size() {
	st_line "/sys/block/$1/size"
	[ "${ST_LINE:-0}" -gt 0 ]
}

st_server() { st_line "$T/$1.pid"; echo "$ST_LINE"; }
remote_mark() { wc -c <"$T/$1.log" >"$T/$1.mark"; }
remote_count() {
	st_line "$T/$1.mark"
	"$IO" nbdlog "$T/$1.log" --start "$ST_LINE"
}
# st_count_field NAME FIELD: sets ST_VALUE
st_count_field() {
	local line

	st_line "$T/$1.mark"
	line=$("$IO" nbdlog "$T/$1.log" --start "$ST_LINE") || fail "no $2 in the log of $1's server"
	[[ " $line" =~ \ $2=([0-9]+) ]] || fail "no $2 in: $line"
	ST_VALUE=${BASH_REMATCH[1]}
}
remote_reads() { st_count_field "$1" reads; echo "$ST_VALUE"; }
remote_bytes() { st_count_field "$1" bytes; echo "$ST_VALUE"; }
remote_again() { st_count_field "$1" again; echo "$ST_VALUE"; }
remote_stall() { st_line "$T/$1.pid"; kill -STOP "$ST_LINE"; }
remote_continue() { st_line "$T/$1.pid"; kill -CONT "$ST_LINE"; }
remote_errors() { if [ "$2" = on ]; then touch "$T/$1.err"; else rm -f "$T/$1.err"; fi; }
remote_disconnect() {
	local dev

	st_line "$T/$1.dev"
	dev=$ST_LINE
	nbd-client -d "$dev" >/dev/null
}
remote_kill() {
	local pid

	pid=$(st_server "$1")
	kill -KILL "$pid"
	wait_for 10 "end of the server" test ! -d "/proc/$pid"
}
# remote_return NAME BYTES ...: a server where the one that was killed was, and
# the same block device, which nobody may have open meanwhile, is its client
remote_return() {
	local dev

	st_serve "$@"
	dev=$(cat "$T/$1.dev")
	nbd-client -d "$dev" >/dev/null 2>&1 || true
	st_until_free "$dev" || fail "$dev stays connected"
	st_connect "$1"
}

# checked NAME: until the origin of device NAME is known to be the image that was
# cached; at once, if nothing was
checked() { wait_for 60 "verdict of the origin check of $1" status_is "$1" unchecked 0; }

# expect_read_of_origin NAME REMOTE OP NUMBER: bytes that the device NAME has asked its
# remote for, for readers: what the server has counted since remote_mark, without
# what the origin check has read of it.  Both counts began at the same time.
expect_read_of_origin() {
	local got

	checked "$1"
	st_count_field "$2" bytes
	got=$ST_VALUE
	st_status "$1" origin_check_bytes
	expect "server of $2: bytes, but for the check" $((got - ST_VALUE)) "$3" "$4"
}

# expect_remote NAME reads|bytes|again OP NUMBER
expect_remote() {
	st_count_field "$1" "$2"
	expect "server of $1: $2" "$ST_VALUE" "$3" "$4"
}

# ---- what is common to many tests ---------------------------------------

# setup MIB_ORIGIN MIB_CACHE REGION [features, core args]: remote `origin`,
# cache device, device `cc`; sets ORIGIN CACHE DEV
setup() {
	local origin=$1 cache=$2 region=$3

	shift 3
	remote_start origin $((origin * 1048576))
	mkcache "$cache"
	mkcorcache cc "$CACHE" "$ORIGIN" $((origin * 2048)) "$region" "$@"
}

# read_ok DEV [OFF LEN ...]: verified read
read_ok() { CORCACHE_LIMIT=$((100 * SCALE)) "$IO" read "$@" >"$T/read.out" 2>&1 || { note "$(cat "$T/read.out")" >&2; fail "read $*"; }; }
# read_fails DEV OFF LEN: every single read of it fails, with an error
read_fails() { CORCACHE_LIMIT=$((100 * SCALE)) "$IO" read "$@" --expect-error >"$T/read.out" 2>&1 || { note "$(cat "$T/read.out")" >&2; fail "should have failed: read $*"; }; }

# expect_hits NAME DEV [OFF LEN ...]: all of it comes from the cache
expect_hits() {
	local before

	st_status "$1" origin_bytes
	before=$ST_VALUE
	read_ok "${@:2}"
	st_status "$1" origin_bytes
	expect "origin bytes for what is cached ($*)" $((ST_VALUE - before)) = 0
}
