# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# steps.sh - what `make check` consists of; sourced by check.sh, which explains steps and says how they are judged.
#
# A step is one line, step NAME KIND "NEEDED STEPS" COMMAND..., in define_steps; `emulates` and `is_light` tell from its name
# what it may run beside. The order is the order in which they start when there is room.

# Selftests that need a udev daemon in the guest, and therefore a run of their own.
UDEV_TESTS='test_udev_'
# Selftests that need what Debian's kernels do not have: faults injected by the kernel, dm-dust.
DEBUG_ONLY_TESTS='test_error_memory test_error_inject test_error_dust test_memory_suspended'
# Areas that are about what is said, refused and found, not about what happens at once: their guests are emulated in one
# thread.
ONE_THREAD_AREAS='offline replace table tool trace'
# What the other Debian kernels are tried with: boot, load, read, fill, remove and re-create, verify, suspend.
SMOKE_TESTS='test_read_pattern test_read_nowait test_fill_exact test_persist_restart test_checksum_data test_suspend_load'
SMOKE_CASES='read_64k read_4kn_cache nowait_hits_and_misses uring_workers exact_blocks persist_remove_create checksum_one_bit suspend_under_load'
# What is tried with one processor, in User Mode Linux: readers that wait for each other or may not wait, and what needs
# dm-dust. Starting a program takes longer there than under emulation.
UML_TESTS='test_read_pattern test_read_nowait test_fill_async test_fill_single_flight test_error_dust'
UML_CASES='read_64k read_tail read_memory_alignment_encrypted nowait_hits_and_misses uring_workers async_flood
	flight_pieces flight_beyond_the_memory_bound flight_deferred_overlap dust_data dust_data_unaligned
	dust_data_write_fails dust_many_readers dust_under_load dust_table dust_super'
# What the debug kernel runs: cases in which the most happens at once. One takes half a minute there, under emulation, most
# of it for starting programs, and so does what a guest has to do before and after: all in one. All cases, and the lab's
# own test of that kernel, run with DEBUG=all: it takes hours.
DEBUG_TESTS='test_read_pattern test_checksum_data test_checksum_metadata test_error_cache test_error_memory test_error_inject
	test_persist_restart test_suspend_load test_quota_adaptive'
DEBUG_CASES='read_4m_regions checksum_one_bit table_two_sectors cache_commit_fails memory_not_in_map memory_not_in_workers inject_requests inject_slab
	inject_activate_some inject_control_some persist_reload_under_load suspend_under_load adaptive_quota_moves'
# How much of what `make torture` does at length. On the debug kernel a device takes a second and more.
CRASH_STATES=2000
HOSTILE_DEVICES=1000
HOSTILE_DEVICES_DEBUG=100
FUZZ_SECONDS=15
# A kernel with KASAN and lockdep under emulation is this many times slower; lib.sh of the selftests has the same.
DEBUG_SCALE=4

# Prints 0, or for steps with guests of QEMU 1, or 2 with the debug kernel: no more than 2 at a time. (dkms has one for a
# moment only.)
emulates() { # NAME
	case $1 in
	*/uml | */uml/* | */intree | */intree/*) echo 0 ;;
	*/debug | */debug/*) [[ $1 = build/* || $1 = kernel/* ]] && echo 0 || echo 2 ;;
	selftest/* | lab/* | bench-check | demo) echo 1 ;;
	*) echo 0 ;;
	esac
}

# Steps that mostly wait: for the network, or for a guest that does nothing on purpose.
is_light() { # NAME
	case $1 in
	kernel/6.* | kernel/7.x | lab/uml) return 0 ;;
	esac
	return 1
}

# ---- commands of steps, beyond one-liners ----------------------------------------

# shellcheck disable=SC2317 # all of these are run by name
install_packages() {
	"$VM/deps.sh" && echo "all packages are installed"
}

# shellcheck disable=SC2317
build_tools() {
	make -C "$SELFTESTS" CORCACHE_BUILD="$BUILD" && make -C "$TESTING/crash" CORCACHE_BUILD="$BUILD" &&
		make -C "$TESTING/sim" CORCACHE_BUILD="$BUILD" && make -C "$TOP/tools/corcache" CORCACHE_BUILD="$BUILD" &&
		guest_tools &&
		ls -l "$BUILD/selftests/corcache_io" "$BUILD/crash/corcache_crash" "$BUILD/corcache/corcache"
}

# The programs that selftests start all the time, as each guest takes them along.
# shellcheck disable=SC2317
guest_tools() {
	rm -rf "$BUILD/guest-tools"
	# apart, as that file has variables that have other meanings here
	bash -c '. "$1/lib.sh" && collect_tools "$2"' guest-tools "$SELFTESTS" "$BUILD/guest-tools"
}

# The selftests' own time limits, all together, and what the boot takes.
time_limit() { # SCALE TEST...
	local scale=$1 default own sum=0 t
	shift
	default=$(sed -n 's/^timeout=//p' "$SELFTESTS/settings")
	for t in "$@"; do
		own=$(sed -n 's/^# timeout=\([0-9]*\)$/\1/p' "$SELFTESTS/$t.sh")
		sum=$((sum + ${own:-$default} * scale))
	done
	echo $((sum + 60 + 60 * scale))
}

# shellcheck disable=SC2317
run_selftests() { # KERNEL SCALE CASES VM-OPTION|'' TEST...
	local kernel=$1 scale=$2 options=(-e "CASES=$3" -e "TOOLS=$BUILD/guest-tools") limit
	[ -z "$4" ] || options+=("$4")
	# a device that has no room: see test_error_room.sh
	[ "$kernel" != 6.1 ] || options+=(-e "NOROOM_KO=$("$VM/build.sh" -k "$kernel" -S "$TESTING/noroom" | tail -n 1)")
	shift 4
	limit=$(time_limit "$scale" "$@")
	"$VM/run.sh" -k "$kernel" -t "$limit" -o "$STEP_OUT" "${options[@]}" -- "$SELFTESTS/run.sh" "$@"
}

# Tests that start guests themselves.
# shellcheck disable=SC2317
run_host_test() { # TEST
	bash "$SELFTESTS/$1.sh"
}

# shellcheck disable=SC2317
hostile_devices() { # KERNEL NUMBER
	"$TESTING/crash/crash.sh" -k "$1" -n "$2" -o "$STEP_OUT" hostile
}

# In a log a step of the demo is a line or a few: progress bars are for terminals.
DEMO_LINES=60
# shellcheck disable=SC2317
demo_in_a_log() {
	local log=$STEP_OUT.txt lines
	make -s -C "$TOP" demo > "$log" 2>&1 || { cat "$log"; return 1; }
	cat "$log"
	lines=$(wc -l < "$log")
	if LC_ALL=C grep -n $'\r' "$log" > /dev/null || [ "$lines" -gt "$DEMO_LINES" ]; then
		echo "the demo has written carriage returns, or $lines lines ($DEMO_LINES at most), to a file"
		return 1
	fi
	echo "$lines lines, no progress bar"
}

# ---- the list ----------------------------------------------------------------------

# Names of the selftests whose file name begins with test_PREFIX, as far as T asks for KERNEL/NAME.
tests_for() { # KERNEL PREFIX
	local f name
	for f in "$SELFTESTS"/test_"$2"*.sh; do
		name=$(basename "$f" .sh)
		case $name in
		test_\** | *.host | "$UDEV_TESTS"*) continue ;;
		esac
		case " $DEBUG_ONLY_TESTS " in *" $name "*) [ "$1" = debug ] || continue ;; esac
		if matches "selftest/$1/${2%_}" || matches "selftest/$1/$name" ||
		   matches "selftest/$1/${2%_}/$name.sh"; then
			echo "$name"
		fi
	done
}

areas() {
	local f name
	for f in "$SELFTESTS"/test_*.sh; do
		name=$(basename "$f" .sh)
		case $name in *.host | "$UDEV_TESTS"*) continue ;; esac
		name=${name#test_}
		echo "${name%%_*}"
	done | sort -u
}

# One guest per area of tests; a test is a case, but what breaks the kernel breaks no other area's run.
selftest_steps() { # KERNEL SCALE "NEEDS" AREA...
	local kernel=$1 scale=$2 need=$3 area tests name option
	shift 3
	for area in "$@"; do
		mapfile -t tests < <(tests_for "$kernel" "${area}_")
		[ ${#tests[@]} -gt 0 ] || continue
		name=selftest/$kernel/$area
		option=''
		case " $ONE_THREAD_AREAS " in *" $area "*) option=-T ;; esac
		step "$name" ktap "$need" run_selftests "$kernel" "$scale" '' "$option" "${tests[@]}"
		# T may name a test instead of the step.
		# shellcheck disable=SC2034,SC2004 # an associative array of check.sh
		if [ -n "$T" ] && ! matches "$name"; then asked[$name]=1; fi
	done
}

build_steps() { # KERNEL "NEEDS"
	step "build/$1/gcc" plain "$2" "$VM/build.sh" -k "$1"
	step "build/$1/sparse" plain "$2 build/$1/gcc" "$VM/build.sh" -k "$1" -s
	case $1 in
	debug | uml) ;;
	*) step "build/$1/clang" plain "$2 build/$1/gcc" "$VM/build.sh" -k "$1" -c clang ;;
	esac
}

# Words of a list that may have line breaks, with single spaces.
words() { tr -s '[:space:]' ' ' <<< "$1"; }

smoke_step() { # KERNEL "TESTS" "CASES" [NEED]
	local tests
	read -ra tests <<< "$2"
	step "selftest/$1/smoke" ktap "${4:-build/$1/gcc} tools" run_selftests "$1" 2 "$(words "$3")" '' "${tests[@]}"
}

debug_steps() {
	local tests
	read -ra tests <<< "$(words "$DEBUG_TESTS")"
	step selftest/debug/cases ktap 'build/debug/gcc tools' \
		run_selftests debug $DEBUG_SCALE "$(words "$DEBUG_CASES")" '' "${tests[@]}"
}

host_steps() {
	local f name
	for f in "$SELFTESTS"/test_*.host.sh; do
		[ -e "$f" ] || continue
		name=$(basename "$f" .sh)
		step "selftest/6.1/$name" ktap 'build/6.1/gcc tools' run_host_test "$name"
	done
}

# A verdict on a change, soon: QUICK=1.
quick_steps() {
	step packages setup '' install_packages
	step kernel/6.1 setup packages "$VM/kernel.sh" 6.1
	step build/6.1/gcc plain kernel/6.1 "$VM/build.sh" -k 6.1
	step tools setup packages build_tools
	smoke_step 6.1 "$SMOKE_TESTS" "$SMOKE_CASES"
	step unit ktap packages make -s -C "$TOP" unit
	step tool ktap tools "$TESTING/tool/check.sh"
	step build/6.1/sparse plain build/6.1/gcc "$VM/build.sh" -k 6.1 -s
	step static ktap packages "$CHECK_DIR/static.sh"
	# a kernel that is not there would take longer to build than all of this
	if LAB_ONLY_CACHED=1 "$VM/kernel.sh" uml > /dev/null 2>&1; then
		step kernel/uml setup packages "$VM/kernel.sh" uml
		step build/uml/gcc plain kernel/uml "$VM/build.sh" -k uml
		smoke_step uml "$UML_TESTS" "$UML_CASES"
	fi
}

define_steps() {
	local all_areas
	if [ -n "${QUICK:-}" ]; then
		quick_steps
		return
	fi
	mapfile -t all_areas < <(areas)

	step packages setup '' install_packages
	step kernel/6.1 setup packages "$VM/kernel.sh" 6.1
	step kernel/debug setup packages "$VM/kernel.sh" debug
	step kernel/uml setup 'packages kernel/debug' "$VM/kernel.sh" uml
	step static ktap packages "$CHECK_DIR/static.sh"
	step unit ktap packages make -s -C "$TOP" unit
	step sim ktap packages make -s -C "$TESTING/sim" check
	step fuzz ktap packages make -s -C "$TESTING/fuzz" check SECONDS="$FUZZ_SECONDS"
	step model ktap packages "$TESTING/model/check.sh"
	step tools setup packages build_tools
	step tool ktap tools "$TESTING/tool/check.sh"

	build_steps 6.1 kernel/6.1
	step layers ktap build/6.1/gcc "$CHECK_DIR/layers.sh"
	# The debug kernel's guests have to have a step without a guest beside them: first, as long as there are such.
	build_steps debug kernel/debug
	step checkpatch plain kernel/debug "$CHECK_DIR/checkpatch.sh"
	if [ "${DEBUG:-}" = all ]; then
		step lab/debug ktap kernel/debug "$VM/selftest.sh" debug
		selftest_steps debug $DEBUG_SCALE 'build/debug/gcc tools' "${all_areas[@]}"
	else
		debug_steps
	fi
	step hostile/debug plain 'build/debug/gcc tools' hostile_devices debug "$HOSTILE_DEVICES_DEBUG"

	selftest_steps 6.1 1 'build/6.1/gcc tools' "${all_areas[@]}"
	step selftest/6.1/udev ktap 'build/6.1/gcc tools' run_selftests 6.1 1 '' -u test_udev_quiet test_udev_probe test_udev_above
	host_steps
	step lab/6.1 ktap kernel/6.1 "$VM/selftest.sh" stock
	step docs ktap kernel/6.1 "$CHECK_DIR/docs.sh"
	step bench-check ktap 'build/6.1/gcc tools' "$TESTING/bench/bench.sh" check
	step demo plain build/6.1/gcc demo_in_a_log
	step install plain kernel/6.1 "$CHECK_DIR/install.sh"
	step dkms plain kernel/6.1 "$CHECK_DIR/dkms.sh"
	step deb ktap packages "$CHECK_DIR/deb.sh"
	step release ktap packages "$CHECK_DIR/release.sh"

	build_steps uml kernel/uml
	step kunit/uml ktap kernel/uml "$CHECK_DIR/kunit.sh" uml
	step crash/uml ktap 'build/uml/gcc tools' "$TESTING/crash/crash.sh" -n "$CRASH_STATES" check
	smoke_step uml "$UML_TESTS" "$UML_CASES"
	step hostile/uml plain 'build/uml/gcc tools' hostile_devices uml "$HOSTILE_DEVICES"
	step lab/uml ktap kernel/uml "$VM/selftest.sh" uml

	step kernel/6.12 setup packages "$VM/kernel.sh" 6.12
	build_steps 6.12 kernel/6.12
	smoke_step 6.12 "$SMOKE_TESTS" "$SMOKE_CASES"
	step kernel/7.x setup packages "$VM/kernel.sh" 7.x
	build_steps 7.x kernel/7.x
	smoke_step 7.x "$SMOKE_TESTS" "$SMOKE_CASES"

	# the newest kernel's own tree, with the target in it
	step kernel/intree setup packages "$CHECK_DIR/kernel-patch.sh" source
	step patch/intree ktap kernel/intree "$CHECK_DIR/kernel-patch.sh"
	step kunit/intree ktap patch/intree "$CHECK_DIR/kunit.sh" intree
	smoke_step intree "$SMOKE_TESTS" "$SMOKE_CASES" patch/intree
}
