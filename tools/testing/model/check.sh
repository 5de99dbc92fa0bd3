#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check.sh [NAME] - search all states of the models in this directory, with spin and with herd7.
#
# retire.pml and commit.pml say what they show. The models must hold, in a search that left nothing out and reached
# every statement. Each of their broken variants must be found, by the assertion that is meant for it.
# retire.litmus is the retire sequence under the kernel's memory model: its "exists" clause must be unreachable, and
# reachable in retire-stamp-first.litmus and in variants that lack a barrier (herd.sh runs one file).
# Prints KTAP, with the number of states; about half a minute of one CPU, 0.6 GB of memory.
#
# NAME: instead, the shortest run into the error of the broken variant NAME of a .pml, step by step.
# Exit status: 0; 1 if a case failed, or with a message.
set -eu
models=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$models/../../.." && pwd)
MEMORY_MB=1900
# Far more than any run has steps before it comes back to a state that was seen: more than that is an error of pan's.
DEPTH=1000000

# What pan prints of an assertion: a regular expression. The spelling of the condition is pan's.
assertion() { # NAME
	case $1 in
	FOREIGN) echo 'right \(' ;;
	POWER_CUT) echo '.*m_data\[0\]' ;;
	NOT_KEPT) echo '.*dirty\[0\]' ;;
	*) return 1 ;;
	esac
}

# case, model, what it must say, definitions. "holds": no error, and every statement was come by; "passes": no error
cases() {
	local v
	echo "two_readers retire holds READERS=2 LEFT=2"
	echo "more_evictions retire passes READERS=1 LEFT=3"
	for v in ORDER_213 ORDER_132; do
		echo "$v retire passes READERS=1 LEFT=2 $v"
	done
	for v in STAMP_FIRST NO_STAMP NO_SEQ SEQ_LATE CHECK_EARLY NO_CHECK STAMP_EQUAL PUBLISH_EARLY PUBLISH_RETIRED \
		FREE_WRITING VALID_LEFT; do
		echo "$v retire FOREIGN READERS=1 LEFT=2 $v"
	done
	echo "single_sectors commit holds BATCH=1"
	echo "batches commit holds BATCH=2"
	for v in NO_FLUSH FLUSH_FIRST NO_HOLD DROP_NO_HOLD HOLD_LATE CLEAN_LATE LOAD_NO_FLUSH LOAD_TWICE_FREE; do
		echo "$v commit POWER_CUT BATCH=1 $v"
	done
	echo "NO_LAST_FLUSH commit NOT_KEPT BATCH=1 NO_LAST_FLUSH"
}

# case, file, what herd7 must find of its "exists" clause, an edit with sed that breaks it
litmus_cases() {
	echo 'litmus retire Never'
	echo 'litmus retire-stamp-first Sometimes'
	echo 'NO_RMB retire Sometimes /^.smp_rmb/d'
	echo 'NO_ACQUIRE retire Sometimes s/r0 = smp_load_acquire(retire_seq)/r0 = READ_ONCE(*retire_seq)/'
	echo 'NO_RELEASE retire Sometimes /^.smp_wmb/d;s/smp_store_release(retire_seq,/WRITE_ONCE(*retire_seq,/'
	echo 'NO_LOCK retire Sometimes /^.spin_/d'
}

# Makes ./pan. -o3 keeps statements apart, or some that are never run would not be named. Partial order reduction gains
# nothing in commit.pml, where all depends on all.
build() { # MODEL DEFINITIONS GCC-OPTION...
	local model=$1 d
	definitions=()
	for d in $2; do definitions+=("-D$d"); done
	shift 2
	[ "$model" = retire ] || set -- -DNOREDUCE "$@"
	rm -f pan pan.* ./*.trail out
	spin "${definitions[@]}" -o3 -a "$models/$model.pml" && gcc -w -DSAFETY -DMEMLIM=$MEMORY_MB "$@" -o pan pan.c
}

states() { sed -n 's/^ *\([0-9.e+]*\) states, stored$/\1/p' out; }

# No error, nothing left out.
held() {
	grep -q 'errors: 0$' out && ! grep -qE 'Search not completed|max search depth too small|out of memory' out
}

# Prints the statements that no run came by; the end of a process that goes on for ever is none.
unreached() { grep -E 'state [0-9]+' out | grep -v '"-end-"$'; }

judge() { # EXPECTED
	case $1 in
	holds) held && ! unreached ;;
	passes) held ;;
	*) grep -qE "^pan:1: assertion violated $(assertion "$1")" out ;;
	esac
}

run_case() { # MODEL EXPECTED DEFINITIONS
	local optimise=-O2
	# errors are found sooner than gcc is through
	! assertion "$2" > /dev/null || optimise=-O0
	build "$1" "$3" $optimise && { ./pan -m$DEPTH > out 2>&1 || true; } && judge "$2" && [ -n "$(states)" ]
}

# Leaves what herd7 says in out.
run_litmus() { # FILE EXPECTED EDIT
	sed "$3" "$models/$1.litmus" > test.litmus
	[ -z "$3" ] || ! cmp -s "$models/$1.litmus" test.litmus || {
		echo "the edit changes nothing"
		return 1
	}
	"$models/herd.sh" test.litmus > out && grep -q "^Observation $1 $2 " out
}

show() { # NAME
	local name model expected words
	while read -r name model expected words; do
		[ "$name" = "$1" ] || continue
		assertion "$expected" > /dev/null || break
		build "$model" "$words" -DBFS
		./pan > out 2>&1 || true
		spin "${definitions[@]}" -t -p -k "$model.pml.trail" "$models/$model.pml"
		return
	done < <(cases)
	echo "no broken variant $1" >&2
	exit 1
}

for tool in spin gcc; do
	command -v $tool > /dev/null || "$top/tools/testing/vm/deps.sh" model >&2
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
if [ $# -gt 0 ]; then
	show "$1"
	exit
fi

echo "KTAP version 1"
echo "1..$({ cases; litmus_cases; } | wc -l)"
n=0 bad=0
while read -r name model expected words; do
	n=$((n + 1))
	case $expected in holds | passes) what="no error" ;; *) what="found" ;; esac
	if run_case "$model" "$expected" "$words" > log 2>&1; then
		echo "ok $n $model $name # $what, $(states) states"
	else
		bad=1
		sed 's/^/    /' log
		[ ! -e out ] || grep -E 'pan:|error|state' out | sed 's/^/    /' || true
		echo "not ok $n $model $name # expected: $what"
	fi
done < <(cases)
while read -r name file expected edit; do
	n=$((n + 1))
	if run_litmus "$file" "$expected" "$edit" > log 2>&1; then
		echo "ok $n $file $name # $expected, $(sed -n 's/^States //p' out) states"
	else
		bad=1
		sed 's/^/    /' log out
		echo "not ok $n $file $name # expected: $expected"
	fi
done < <(litmus_cases)
exit $bad
