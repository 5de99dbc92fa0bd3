#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check.sh - all tests, from a fresh clone to a verdict: `make check`. Needs root; installs Debian packages that are
# missing.
#
# The work consists of steps (check/steps.sh). A step is a command with a log, build/check/<name>.log, and may need
# other steps to have passed. Two run at a time, in the order of the list: the kernel that takes longest to build starts
# at once, and is built beside the quick steps and the tests on Debian's own kernel. A step that mostly waits (is_light)
# may run beside two others.
#
# An emulated machine has two processors that wait for each other at every turn, and is slow when they do not run
# together. So one step of the two is an emulated machine, and the other is not and has less priority, as long as there
# are steps of both kinds; a machine with the debug kernel is never emulated beside another.
#
# What counts is cases. A step is one case, or several if it prints KTAP: each of its outermost "ok"/"not ok" lines. A
# step passes when it ends with status 0 and its log shows what it must show; a step that shows nothing has failed.
# Status 4 means: cannot be had here and now, such as a kernel package. For the newer kernels, and for what needs
# them, that is skipped, with the reason; all else has to be there, and has failed. The same holds for a case, or a case
# within one, that was left out ("# SKIP"). What needs a failed step has failed.
#
# Environment: T=PATTERN, an extended regular expression: only the steps and selftests whose name matches, for example
# T=unit, T=6.1, T='6.1/test_read', T=demo; or the name of a case as it was printed, such as
# T=selftest/6.1/read/test_read_pattern.sh: then the selftest, or else the step, that it belongs to. LIST=1 prints the
# names of the steps and ends. QUICK=1: a verdict on a change within 10 minutes: what can be seen without a guest, the
# module for Debian's kernel 6.1 and a choice of selftests on it, and on User Mode Linux if that kernel has been built.
#
# Output: a line per case, and what the log says of those that failed; then a table of the steps with seconds and seconds
# of processor time, the dearest first, and how many guests had to be started again because the emulator had got
# stuck; the names of what failed once more, for those who see only the end; last line "N passed, N failed, N skipped".
# Exit status: 0 nothing failed and something passed, 1 otherwise.
set -euo pipefail
shopt -s inherit_errexit

CHECK_DIR=$(cd "$(dirname "$0")/check" && pwd)
TOP=$(cd "$CHECK_DIR/../../.." && pwd)
TESTING=$TOP/tools/testing
VM=$TESTING/vm
SELFTESTS=$TESTING/selftests/dm-corcache
BUILD=${CORCACHE_BUILD:-$TOP/build}
LOGS=$BUILD/check
SLOTS=2 LIGHT_SLOTS=1
STATUS_SKIP=4
TAIL_LINES=40
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export CORCACHE_BUILD=$BUILD
# run.sh adds a line for each guest that it had to start again.
export LAB_RESTARTS=$LOGS/restarts
export CHECK_DIR TOP TESTING VM SELFTESTS BUILD LOGS

T=${T:-}
passed=0 failed=0 skipped=0
failures=()

# Steps, in order; by name: what it needs, its kind (plain, ktap, setup), its command, its state, its process, why
# it was skipped, and whether T asks for a case of it by name.
steps=()
declare -A needs kind command state process started took reason asked

die() {
	printf 'check: %s\n' "$*" >&2
	exit 1
}

# ---- the list ----------------------------------------------------------------

# step NAME KIND "NEEDED STEPS" COMMAND...: setup steps prepare something and count only when they fail.
step() {
	local name=$1
	steps+=("$name")
	kind[$name]=$2 needs[$name]=$3 state[$name]=waiting
	shift 3
	command[$name]=$(printf '%q ' "$@")
}

matches() { [ -z "$T" ] || [[ $1 =~ $T ]]; }

# Is T the name of a case of this step?
is_case_of() { [[ $T = "$1"/* ]]; }

# Steps that may be left out when what they need cannot be had: those of newer kernels.
may_skip() { # NAME
	case $1 in
	*/6.12 | */6.12/* | */7.x | */7.x/* | */intree | */intree/*) return 0 ;;
	esac
	return 1
}

# Leave only the steps that T asks for, and what they need.
select_steps() {
	local name need
	local -A wanted=()
	local -a todo=() all=("${steps[@]}")
	for name in "${all[@]}"; do
		[ "${kind[$name]}" != setup ] || continue
		if matches "$name" || [ -n "${asked[$name]:-}" ] || is_case_of "$name"; then todo+=("$name"); fi
	done
	while [ ${#todo[@]} -gt 0 ]; do
		name=${todo[-1]}
		unset 'todo[-1]'
		[ -z "${wanted[$name]:-}" ] || continue
		wanted[$name]=1
		for need in ${needs[$name]}; do
			[ -n "${kind[$need]:-}" ] || die "step $name needs $need, which does not exist"
			todo+=("$need")
		done
	done
	steps=()
	for name in "${all[@]}"; do
		if [ -n "${wanted[$name]:-}" ]; then steps+=("$name"); fi
	done
	[ ${#steps[@]} -gt 0 ] || die "T='$T' matches no step: LIST=1 prints their names"
}

# ---- reporting -----------------------------------------------------------------

report() { # pass|fail|skip NAME REMARK
	case $1 in
	pass) passed=$((passed + 1)) ;;
	fail)
		failed=$((failed + 1))
		failures+=("$2${3:+  ($3)}")
		;;
	skip) skipped=$((skipped + 1)) ;;
	esac
	printf '%-4s  %s%s\n' "${1^^}" "$2" "${3:+  ($3)}"
}

log_of() { echo "$LOGS/${1//\//_}.log"; }

show_log() { # NAME
	local log
	log=$(log_of "$1")
	printf -- '----- end of %s:\n' "$log"
	tail -n "$TAIL_LINES" "$log" | tr '\r' '\n' | sed 's/^/    /'
	echo "-----"
}

# What a KTAP log says of the cases that failed: the last lines before each of their verdicts, and the verdict. And the
# last ones behind all verdicts: what was under way when the guest died, and what the kernel complained of.
show_failed_cases() { # NAME
	local log
	log=$(log_of "$1")
	printf -- '----- failed in %s:\n' "$log"
	tr '\r' '\n' < "$log" | awk -v most="$TAIL_LINES" '
		function show() { for (i = n > most ? n - most : 0; i < n; i++) print "    " line[i] }
		{ line[n++] = $0 }
		/^not ok [0-9]/ { show() }
		/^(not )?ok [0-9]/ { n = 0 }
		END { show() }'
	echo "-----"
}

last_line() { tr '\r' '\n' < "$(log_of "$1")" | grep -a . | tail -n 1 | cut -c 1-160; }

# Outermost KTAP lines of a log, one case each. Sets cases and cases_failed.
report_ktap() { # NAME SECONDS
	local line name
	cases=0 cases_failed=0
	while IFS= read -r line; do
		name=${line#not } name=${name#ok } name=${name#* } name=${name#- }
		case $line in
		*'# SKIP'*) report_skip "$1" "$name" ;;
		not*) report fail "$1/$name" '' && cases_failed=$((cases_failed + 1)) ;;
		*) report pass "$1/$name" '' ;;
		esac
		cases=$((cases + 1))
	done < <(grep -aE '^(not )?ok [0-9]' "$(log_of "$1")" || true)
	# those within a case, which has passed all the same
	while IFS= read -r line; do
		name=${line#*ok } name=${name#* }
		report_skip "$1" "$name"
	done < <(grep -aE '^ +ok [0-9].*# SKIP' "$(log_of "$1")" || true)
}

# A case that was left out is one that nobody will miss, unless that is a failure. Counts in cases_failed.
report_skip() { # STEP "CASE # SKIP REASON"
	if may_skip "$1"; then
		report skip "$1/${2%% #*}" "${2#*# SKIP }"
	else
		report fail "$1/${2%% #*}" "left out: ${2#*# SKIP }"
		cases_failed=$((cases_failed + 1))
	fi
}

# Was a KTAP report complete? Its plan says how many cases there are.
ktap_complete() { # NAME
	local plan
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$(log_of "$1")" | sed -n 1p)
	[ -n "$plan" ] && [ "$plan" -gt 0 ] && [ "$plan" = "$cases" ]
}

judge_ktap() { # NAME STATUS SECONDS
	local cases cases_failed
	report_ktap "$1" "$3"
	state[$1]=failed
	if [ "$2" = 0 ] && [ "$cases_failed" = 0 ] && ktap_complete "$1"; then
		state[$1]=passed
	elif [ "$2" = $STATUS_SKIP ] && [ "$cases" = 0 ] && may_skip "$1"; then
		skip_step "$1" "$(last_line "$1")"
	else
		# A kernel warning or a hang is a failure even if each test has found all well.
		if [ "$cases_failed" = 0 ]; then
			report fail "$1" "status $2, $cases cases seen, ${3} s"
			show_log "$1"
		else
			show_failed_cases "$1"
		fi
	fi
}

skip_step() { # NAME REASON
	state[$1]=skipped reason[$1]=$2
	if [ "${kind[$1]}" != setup ]; then report skip "$1" "$2"; fi
}

judge() { # NAME STATUS SECONDS
	local name=$1 status=$2 seconds=$3
	if [ "${kind[$name]}" = ktap ]; then
		judge_ktap "$@"
	elif [ "$status" = $STATUS_SKIP ] && may_skip "$name"; then
		skip_step "$name" "$(last_line "$name")"
	elif [ "$status" != 0 ]; then
		state[$name]=failed
		report fail "$name" "status $status, $seconds s"
		show_log "$name"
	elif [ ! -s "$(log_of "$name")" ]; then
		state[$name]=failed
		report fail "$name" "ended with status 0 but showed no result"
	else
		state[$name]=passed
		if [ "${kind[$name]}" = setup ]; then
			printf '      %s: ready  (%s s)\n' "$name" "$seconds"
		else
			report pass "$name" "$seconds s"
		fi
	fi
}

# Processor seconds of a step and of all that it has waited for; nothing when it was killed.
cpu_seconds() { # NAME
	local log
	log=$(log_of "$1")
	[ -e "${log%.log}.times" ] || return 0
	tr ' ' '\n' < "${log%.log}.times" | awk -F'[ms]' '{ sum += $1 * 60 + $2 } END { printf "%.0f", sum }'
}

# Where the time went: the steps that ran, the dearest first. Seconds, seconds of processor time.
print_costs() {
	local name
	echo
	printf '%8s %8s  %s\n' seconds cpu step
	for name in "${steps[@]}"; do
		[ -z "${took[$name]:-}" ] || printf '%8d %8s  %s\n' "${took[$name]}" "$(cpu_seconds "$name")" "$name"
	done | sort -k2,2nr -k1,1nr | awk '
		{ print; wall += $1; if (NF > 2) cpu += $2 }
		END { printf "%8d %8d  %d steps\n", wall, cpu, NR }'
	echo
}

# ---- running -------------------------------------------------------------------

# Are all needs fulfilled? Sets ready: yes, no (later), never (and then reports).
look_at_needs() { # NAME
	local need
	ready=yes
	for need in ${needs[$1]}; do
		case ${state[$need]} in
		passed) ;;
		skipped)
			ready=never
			skip_step "$1" "${reason[$need]}"
			reason[$1]=${reason[$need]}
			return
			;;
		failed)
			ready=never
			state[$1]=failed
			report fail "$1" "$need failed"
			return
			;;
		*) ready=no ;;
		esac
	done
}

start() { # NAME
	local log
	log=$(log_of "$1")
	rm -f "${log%.log}.times"
	# where a guest of this step leaves its console and its kernel log
	export STEP_OUT=${log%.log}.guest
	(
		set +e
		trap - INT TERM EXIT
		[ "$(emulates "$1")" -gt 0 ] || renice -n 10 -p "$BASHPID" > /dev/null
		eval "${command[$1]}"
		status=$?
		times > "${log%.log}.times"
		exit $status
	) > "$log" 2>&1 < /dev/null &
	process[$1]=$!
	started[$1]=$SECONDS
	state[$1]=running
	running=$((running + 1))
	account "$1" 1
}

# Keep count of what runs: +1 when it starts, -1 when it has ended.
account() { # NAME SIGN
	local more
	if is_light "$1"; then
		light=$((light + $2))
		return
	fi
	more=$(emulates "$1")
	emulating=$((emulating + $2 * more))
	[ "$more" != 0 ] || plain=$((plain + $2))
	heavy=$((heavy + $2))
}

# May it run beside what runs? PREFERRED: only one of each kind.
has_room() { # NAME PREFERRED
	local more
	if is_light "$1"; then
		[ $light -lt $LIGHT_SLOTS ]
		return
	fi
	[ $heavy -lt $SLOTS ] || return 1
	more=$(emulates "$1")
	if [ "$more" = 0 ]; then
		[ "$2" = 0 ] || [ $plain = 0 ]
	elif [ "$2" = 1 ]; then
		[ $emulating = 0 ]
	else
		[ $((emulating + more)) -le 2 ]
	fi
}

# Start what can be started. Sets waiting: are there steps that still have to wait?
start_some() { # PREFERRED
	local name ready
	waiting=0
	for name in "${steps[@]}"; do
		[ "${state[$name]}" = waiting ] || continue
		look_at_needs "$name"
		case $ready in
		never) continue ;;
		yes)
			if has_room "$name" "$1"; then
				start "$name"
				continue
			fi
			;;
		esac
		waiting=1
	done
}

start_ready() {
	start_some 1
	start_some 0
}

collect() {
	local pid status=0 name
	wait -n -p pid || status=$?
	for name in "${steps[@]}"; do
		if [ "${state[$name]}" = running ] && [ "${process[$name]}" = "${pid:-}" ]; then
			running=$((running - 1))
			account "$name" -1
			took[$name]=$((SECONDS - started[$name]))
			judge "$name" "$status" "${took[$name]}"
			return
		fi
	done
}

run_steps() {
	# of the running ones: all; those that count as one of two; of these, guests of QEMU (the debug kernel twice), and the
	# others; those that mostly wait
	local running=0 heavy=0 emulating=0 plain=0 light=0 waiting=1
	# Each step in a process group of its own, so that all of it can be ended.
	set -m
	while :; do
		start_ready
		[ $running -gt 0 ] || break
		collect
	done
	set +m
	[ $waiting = 0 ] || die "steps wait for each other in a circle"
}

# shellcheck disable=SC2317 # called by trap
interrupted() {
	local name
	trap - INT TERM HUP
	for name in "${steps[@]}"; do
		if [ "${state[$name]}" = running ]; then kill -TERM -- "-${process[$name]}" 2> /dev/null || true; fi
	done
	wait
	echo "interrupted"
	exit 130
}

main() {
	# shellcheck source=tools/testing/check/steps.sh
	. "$CHECK_DIR/steps.sh"
	define_steps
	select_steps
	if [ -n "${LIST:-}" ]; then
		printf '%s\n' "${steps[@]}"
		exit 0
	fi
	[ "$(id -u)" = 0 ] || die "must run as root: it boots virtual machines on this machine's file system and installs packages"
	mkdir -p "$LOGS"
	exec {lock}> "$LOGS/lock"
	flock -n "$lock" || die "another check is running in this checkout"
	trap interrupted INT TERM HUP
	: > "$LAB_RESTARTS"
	run_steps {lock}>&-
	print_costs
	sed 's/^/started again: /' "$LAB_RESTARTS"
	echo "guests started again: $(wc -l < "$LAB_RESTARTS")"
	echo "logs: $LOGS; $((SECONDS / 60)) min $((SECONDS % 60)) s"
	[ $failed = 0 ] || printf 'failed: %s\n' "${failures[@]}"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ] && [ $passed -gt 0 ]
}

main "$@"
