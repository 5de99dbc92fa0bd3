#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh run|check HERE OUT SECONDS SEED FUZZER...: run what the Makefile built.
#
# First the corpus: the inputs named valid, and no others, must be accepted.
# Then libFuzzer, from the corpus alone, for SECONDS; without a SEED with one
# of its own. "run" prints for people, "check" KTAP. Exit status 1 after a
# finding, 2 if it cannot run.
#
# ONLY_VALID in the environment: nothing but fuzzing, from the valid inputs alone.
# STOP_AFTER: end after so many executions, too.

mode=$1
here=$2
out=$3
seconds=$4
seed=$5
shift 5

export FUZZ_COUNT=1
# Whatever the machine says: the first fault ends the program.
export ASAN_OPTIONS="" UBSAN_OPTIONS=print_stacktrace=1

die()
{
	echo "fuzz: $*" >&2
	exit 2
}

is_number()
{
	case $1 in '' | 0* | *[!0-9]*) return 1 ;; esac
}

# Comments of KTAP, and the ordinary text of people.
say()
{
	if [ "$mode" = check ]; then echo "# $*"; else echo "$*"; fi
}

say_file()
{
	while IFS= read -r line; do say "$line"; done
}

# What libFuzzer does depends on where things lie in memory, a little: only with the same addresses does a seed repeat a
# run input by input. Where that is not allowed (some containers) a run is repeated in kind only, and what it found by
# the file of the input, as everywhere.
same_addresses=
if setarch -R true 2>/dev/null; then same_addresses="setarch -R"; fi

most_bytes()
{
	case $1 in
	super) echo 520 ;;
	table) echo 560 ;;
	*) echo 400 ;;
	esac
}

# "ACCEPTED of ALL" inputs, as the program counted them
accepted()
{
	sed -n 's/^fuzz: accepted //p' "$1"
}

# judged LOG COUNT yes|no: were all inputs accepted, or none, and at least COUNT run? libFuzzer's search for leaks may run
# an input again: how often is not ours to say.
judged()
{
	verdict=$(accepted "$1")
	[ -n "$verdict" ] || return 1
	yes=${verdict% of *}
	all=${verdict#* of }
	[ "$all" -ge "$2" ] || return 1
	if [ "$3" = yes ]; then [ "$yes" = "$all" ]; else [ "$yes" = 0 ]; fi
}

# corpus_is NAME KIND yes|no: are all of this kind accepted, or none?
corpus_is()
{
	count=0
	for file in "$out/corpus/$1/$2"-*; do
		[ -e "$file" ] || die "$1: no $2 inputs"
		count=$((count + 1))
	done
	"$out/fuzz_$1" "$out/corpus/$1/$2"-* >"$log" 2>&1 || return 1
	judged "$log" "$count" "$3" && return 0
	for file in "$out/corpus/$1/$2"-*; do
		"$out/fuzz_$1" "$file" >"$log.one" 2>&1
		judged "$log.one" 1 "$3" ||
			printf '%s: accepted %s\nRunning: %s\n' "$file" "$(accepted "$log.one")" "$file" >>"$log"
	done
	rm -f "$log.one"
	return 1
}

run_corpus()
{
	valid=all wrong=no
	[ -z "$ONLY_VALID" ] || return 0
	corpus_is "$1" valid yes && valid=$count && corpus_is "$1" wrong no && wrong=$count
}

# In one order, or the seed would not repeat the run.
list_of_seeds()
{
	find "$out/corpus/$1" -type f -name "${ONLY_VALID:+valid-}*" | LC_ALL=C sort | paste -sd,
}

run_fuzzer()
{
	list_of_seeds "$1" >"$out/corpus/$1.list"
	set -- "$1" -seed="$seed" -max_total_time="$seconds" -max_len="$(most_bytes "$1")" \
		-seed_inputs="@$out/corpus/$1.list" -reload=0 -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$out/found/$1/"
	[ ! -e "$here/corpus/$1.dict" ] || set -- "$@" -dict="$here/corpus/$1.dict"
	[ -z "$STOP_AFTER" ] || set -- "$@" -runs="$STOP_AFTER"
	name=$1
	shift
	$same_addresses "$out/fuzz_$name" "$@" "$out/new/$name" >"$log" 2>&1
}

# Edges of the code that were reached: after the corpus, at the end.
edges()
{
	sed -n "s/^#[0-9]*[[:space:]]*$1.* cov: \([0-9]*\).*/\1/p" "$log" | tail -n 1
}

report_run()
{
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	first=$(edges INITED)
	last=$(edges DONE)
	took=$(sed -n 's/^Done [0-9]* runs in \([0-9]*\) .*/\1/p' "$log")
	new=$(find "$out/new/$1" -type f | wc -l)
	say "$1: $runs executions in $took s, accepted $(accepted "$log"); coverage $first edges by the corpus" \
		"($valid valid, $wrong wrong inputs), $last at the end (+$((last - first))); $new new inputs"
	# A fuzzer that does nothing must not pass.
	[ "${runs:-0}" -gt 1000 ] && [ "$(accepted "$log")" != "0 of $runs" ]
}

# The input that the program ended with: a file of the corpus, or one that libFuzzer wrote.
inputs_of_finding()
{
	sed -n 's/^Running: //p' "$log" | tail -n 1
	find "$out/found/$1" -type f
}

report_finding()
{
	say "$1: FOUND a fault; from $log:"
	grep -aE 'ERROR|not so|runtime error|SUMMARY|: accepted|^ *#[0-9]+ 0x.*/(dm-corcache|fuzz|check)[^/]*[.][ch]:' "$log" |
		head -n 20 | say_file
	inputs_of_finding "$1" | while IFS= read -r file; do
		say "input: $file"
		od -Ax -tx1 "$file" | say_file
		say "alone: $out/fuzz_$1 $file"
	done
}

fuzz_one()
{
	log=$out/log/$1.log
	rm -rf "$out/new/$1" "$out/found/$1"
	mkdir -p "$out/log" "$out/new/$1" "$out/found/$1"
	if ! run_corpus "$1"; then
		say "$1: the corpus is not judged as it says"
		report_finding "$1"
		return 1
	fi
	say "$1: again: make -C tools/testing/fuzz run FUZZ=$1 SECONDS=$seconds SEED=$seed"
	if ! run_fuzzer "$1"; then
		report_finding "$1"
		return 1
	fi
	report_run "$1"
}

is_number "$seconds" || die "SECONDS='$seconds' is not a number from 1 on"
# libFuzzer's own seed is 32 bits wide, and 0 means none.
[ -n "$seed" ] || seed=$(($(od -An -N3 -tu4 /dev/urandom) + 1))
is_number "$seed" || die "SEED='$seed' is not a number from 1 on"
[ $# -gt 0 ] || die "no fuzzer is named"
for name; do
	[ -x "$out/fuzz_$name" ] || die "no fuzzer '$name'"
done

failed=0
n=0
[ "$mode" = run ] || printf 'KTAP version 1\n1..%d\n' $#
for name; do
	n=$((n + 1))
	if fuzz_one "$name"; then verdict=ok; else verdict="not ok" failed=1; fi
	[ "$mode" = run ] || echo "$verdict $n - $name"
done
exit $failed
