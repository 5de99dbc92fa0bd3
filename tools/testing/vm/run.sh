#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh -k NAME [OPTION...] -- SCRIPT [ARGUMENT...] - boot a kernel of the lab, run SCRIPT in it, return its status.
#
#   -k NAME      kernel, see kernel.sh
#   -c CPUS      processors; default 2 (UML: always 1)
#   -m MEM       memory, for example 2G (default; debug: 3G)
#   -t SECONDS   time limit for the whole run; default 600
#   -o OUTDIR    directory for results, shared with the guest read-write; default: a fresh one, removed on success
#   -a ARGS      further kernel arguments
#   -d FILE[:SIZE[:OPTIONS]]  a disk, in order /dev/vda, /dev/vdb... (UML: /dev/ubda...). FILE is raw and is made,
#                sparse, when SIZE is given and it does not exist; it persists. OPTIONS: ro, discard=off and any
#                property of QEMU's virtio-blk, for example logical_block_size=4096,physical_block_size=4096;
#                volatile: what the guest has not flushed is lost when the VM is killed (else nothing is);
#                volatile=SEED: each 512-byte sector of it is lost or not, at random. A volatile disk has no discard
#   -e VAR=VALUE set in SCRIPT's environment; may be repeated
#   -p PIDFILE   write the VM's process id there: SIGKILL to it is a power cut
#   -u           run systemd-udevd in the guest (else DM_DISABLE_UDEV=1 is set); own rules go to /run/udev/rules.d
#   -s           systemd is process 1, with SCRIPT as its only service: see below (QEMU only)
#   -P           the kernel panics at its first warning
#   -A REGEX     lines of the kernel's log that match are no failure
#   -L           no scan for memory leaks at the end
#   -I           count instructions: one CPU, one nanosecond of guest time is one guest instruction (QEMU only). Given twice:
#                what the guest waits for passes at once, so that a delay in it is exact; else it passes as on the
#                host, whose other work shows. But then its clock runs away while it waits for the host, as for a file
#   -v           kernel console on stderr while it runs
#
# The guest sees the host's file system, at the same paths; what it writes stays in its memory, except in OUTDIR.
# SCRIPT is any executable. Its environment has
#   LAB_OUT      OUTDIR                     LAB_KIND   qemu or uml
#   LAB_KERNEL   NAME                       LAB_DISKS  the disks of -d, in order
#   CORCACHE_KO  the module that build.sh has made for NAME (unset when there is none); it is not loaded
#
# With -s SCRIPT's processes are the service's, and SCRIPT may start others with systemd-run. When it has ended, its status
# is reported, and then systemd shuts down: it powers off, or does what SCRIPT has written to /run/lab-shutdown (reboot,
# halt is not possible; both end the VM). The time limit holds for that, too: 97, whatever SCRIPT has reported.
#
# Output: what SCRIPT prints, as it prints it, on stdout. In OUTDIR: console.txt (kernel console), dmesg.txt (the
# kernel's log), kmemleak.txt, and what SCRIPT puts there.
# Exit status:
#   0-95  SCRIPT's, and the kernel had nothing to complain about
#   4     also: the kernel cannot be had at the moment (a SCRIPT that skips returns 4 too)
#   96    the VM was killed
#   97    time limit; the last lines of the console are shown
#   98    the kernel reported a warning, oops, lockdep/KASAN/KCSAN/UBSAN finding, hung task, or a leak in our module;
#         the lines are shown. It takes precedence over SCRIPT's own status
#   99    anything else: the guest did not report, SCRIPT could not be run, a usage error
# A guest (QEMU) that has not started SCRIPT after LAB_START_LIMIT seconds (240), or stands still before it has, is killed
# and started again, twice at most.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Seconds that a guest may take until it starts its script. On a host that does much else the debug kernel takes 100.
START_LIMIT=${LAB_START_LIMIT:-240}
STATUS_KILLED=96 STATUS_TIMEOUT=97 STATUS_SPLAT=98 STATUS_LAB=99

kernel='' cpus=2 memory='' limit=600 out='' kargs='' pidfile='' udev=0 systemd=0 panic=0 allow='' leakscan=1 icount=0 verbose=0
disks=() environment=() vm_pid='' follow_pids=() out_is_ours=0
# Of volatile disks: the servers' process ids, and by process id file and seed; a directory for sockets and caches.
server_pids=() server_dir=''
declare -A server_file=() server_seed=()

options() {
	local o
	while getopts k:c:m:t:o:a:d:e:p:usPA:LIvh o; do
		case $o in
		k) kernel=$OPTARG ;;
		c) cpus=$OPTARG ;;
		m) memory=$OPTARG ;;
		t) limit=$OPTARG ;;
		o) out=$OPTARG ;;
		a) kargs+=" $OPTARG" ;;
		d) disks+=("$OPTARG") ;;
		e) environment+=("$OPTARG") ;;
		p) pidfile=$OPTARG ;;
		u) udev=1 ;;
		s) systemd=1 ;;
		P) panic=1 ;;
		A) allow=$OPTARG ;;
		L) leakscan=0 ;;
		I) icount=$((icount + 1)) ;;
		v) verbose=1 ;;
		h) lab_usage; exit 0 ;;
		*) lab_usage >&2; exit $STATUS_LAB ;;
		esac
	done
}

check_options() { # SCRIPT...
	local v
	[ -n "$kernel" ] || lab_die $STATUS_LAB "no kernel: give -k NAME"
	[ $# -gt 0 ] || lab_die $STATUS_LAB "no script to run: give it after --"
	for v in "$cpus" "$limit"; do
		[[ $v =~ ^[1-9][0-9]*$ ]] || lab_die $STATUS_LAB "'$v' is not a positive number (-c, -t)"
	done
	for v in "${environment[@]}"; do
		[[ $v =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] || lab_die $STATUS_LAB "-e '$v' is not of the form VAR=VALUE"
	done
	if [ "$(id -u)" != 0 ]; then lab_die $STATUS_LAB "must run as root"; fi
}

# Paths travel over kernel command line and QEMU's option syntax, neither of which can quote.
check_path() { # PATH WHAT
	case $1 in *[[:space:],:]*) lab_die $STATUS_LAB "$2 '$1': no blank, comma or colon is possible in this path" ;; esac
}

prepare_out() {
	if [ -z "$out" ]; then
		out=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-run.XXXXXX")
		out_is_ours=1
	fi
	mkdir -p "$out"
	out=$(realpath "$out")
	check_path "$out" "output directory"
	mkdir -p "$out/.lab"
	rm -f "$out"/{console,output,dmesg,kmemleak}.txt "$out"/.lab/*
	: > "$out/console.txt"
	: > "$out/output.txt"
}

# Everything the guest is told, quoted for the shell.
write_job() { # SCRIPT ARGUMENT...
	local ko=$LAB_BUILD/$kernel/dm-corcache.ko v
	{
		printf '%s=%q\n' TOKEN "$token" UDEV "$udev" LEAKSCAN "$leakscan" SYSTEMD "$systemd"
		printf 'export %s=%q\n' LAB_OUT "$out" LAB_KIND "$kind" LAB_KERNEL "$kernel" LAB_DISKS "${guest_disks# }"
		[ ! -e "$ko" ] || printf 'export CORCACHE_KO=%q\n' "$(realpath "$ko")"
		for v in "${environment[@]}"; do
			printf 'export %s=%q\n' "${v%%=*}" "${v#*=}"
		done
		printf 'JOB=('
		printf ' %q' "$@"
		printf ' )\n'
	} > "$out/.lab/job"
}

# Sets disk_file and disk_opts from FILE[:SIZE[:OPTIONS]], makes the file if need be.
prepare_disk() { # SPEC
	local size=''
	IFS=: read -r disk_file size disk_opts <<< "$1"
	check_path "$disk_file" "disk"
	if [ ! -e "$disk_file" ]; then
		[ -n "$size" ] || lab_die $STATUS_LAB "disk '$disk_file' does not exist: give FILE:SIZE to make it"
		truncate -s "$size" "$disk_file" || lab_die $STATUS_LAB "cannot make disk '$disk_file' of size '$size'"
	fi
	disk_file=$(realpath "$disk_file")
}

letter() { # N: a, b, c...
	local letters=abcdefghijklmnopqrstuvwxyz
	echo "${letters:$1:1}"
}

# A volatile disk is a client of an nbdkit that holds back all writes until they are flushed: what QEMU itself writes to a
# file is in the host's page cache, and stays, whoever is killed. Trimming would go past nbdkit's cache to the file.
serve_disk() { # NUMBER SEED
	local socket pid i
	[ -n "$server_dir" ] || server_dir=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-disk.XXXXXX")
	socket=$server_dir/$1
	TMPDIR=$server_dir nbdkit -f --exit-with-parent -U "$socket" --filter=cache file "$disk_file" \
		cache=writeback cache-min-block-size=4096 < /dev/null > "$out/.lab/nbdkit-$1.log" 2>&1 &
	pid=$!
	server_pids+=("$pid")
	server_file[$pid]=$disk_file
	server_seed[$pid]=$2
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$socket" ] || return 0
		kill -0 "$pid" 2> /dev/null || break
		sleep 0.1
	done
	cat "$out/.lab/nbdkit-$1.log" >&2
	lab_die $STATUS_LAB "nbdkit does not serve '$disk_file'"
}

qemu_disks() {
	local i o drive device
	for i in "${!disks[@]}"; do
		prepare_disk "${disks[i]}"
		drive=if=none,id=disk$i,format=raw,discard=unmap,detect-zeroes=off
		device=virtio-blk-pci,drive=disk$i,serial=lab$i
		for o in ${disk_opts//,/ }; do
			case $o in
			ro) drive+=,readonly=on ;;
			volatile | volatile=*)
				o=${o#volatile}
				serve_disk "$i" "${o#=}"
				disk_file="nbd+unix:///?socket=$server_dir/$i"
				device+=,discard=off,write-zeroes=off
				;;
			*) device+=,$o ;;
			esac
		done
		drive+=,file=$disk_file
		vm+=(-drive "$drive" -device "$device")
		guest_disks+=" /dev/vd$(letter "$i")"
	done
}

uml_disks() {
	local i flag
	for i in "${!disks[@]}"; do
		prepare_disk "${disks[i]}"
		case $disk_opts in
		'') flag='' ;;
		ro) flag=r ;;
		*) lab_die $STATUS_LAB "disk option '$disk_opts' is not possible with UML: use a QEMU kernel" ;;
		esac
		vm+=("ubd$i$flag=$disk_file")
		guest_disks+=" /dev/ubd$(letter "$i")"
	done
}

kernel_args() {
	local args="quiet loglevel=5 printk.time=1 panic=-1 log_buf_len=4M kasan_multi_shot=1"
	args+=" LAB_KIND=$kind LAB_OUT=$out LAB_INIT=$LAB_DIR/guest-init LAB_MODROOT=$MODROOT"
	[ "$panic" = 0 ] || args+=" panic_on_warn=1"
	echo "$args$kargs"
}

qemu_command() {
	local accel tuning='' sleep=on
	accel=$("$LAB_DIR/accel.sh" "$KIMAGE" "$INITRD") || exit $STATUS_LAB
	# q35: its ACPI tables are far quicker to interpret than those of the default machine, half a minute for debug.
	vm=(qemu-system-x86_64 -M q35 -nodefaults -no-user-config -display none -no-reboot -m "${memory:-2G}")
	if [ "$icount" -gt 0 ]; then
		[ "$icount" = 1 ] || sleep=off
		vm+=(-accel "tcg,thread=single" -cpu max -smp 1 -icount "shift=0,sleep=$sleep")
	else
		# shellcheck disable=SC2206 # several words
		vm+=($accel -smp "$cpus")
	fi
	vm+=(
		-chardev "file,id=console,path=$out/console.txt" -serial chardev:console
		-fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
		-device "virtio-9p-pci,fsdev=host,mount_tag=host"
		-fsdev "local,id=out,path=$out,security_model=none"
		-device "virtio-9p-pci,fsdev=out,mount_tag=out"
		-device virtio-rng-pci
		-kernel "$KIMAGE" -initrd "$INITRD"
	)
	qemu_disks
	# Emulation passes the host's TSC through, which runs on while a virtual CPU waits for a busy host's: kernels that
	# take it for the clock see time jump, and tests see timeouts. QEMU's own clock stays even. When instructions are
	# counted, the TSC is that count, and the best clock.
	#
	# What has been translated is used again only at the same address: with addresses of programs that change at random,
	# a program starts three times slower.
	if [ "$icount" -gt 0 ]; then
		tuning=" tsc=reliable norandmaps"
	elif [[ $accel == *tcg* ]]; then
		tuning=" clocksource=hpet tsc=unstable norandmaps"
	fi
	vm+=(-append "console=ttyS0 no_timer_check mitigations=off$tuning $(kernel_args)")
}

uml_command() {
	[ "$icount" = 0 ] || lab_die $STATUS_LAB "-I (count instructions) needs a QEMU kernel"
	vm=("$LAB_DIR/uml-start.sh" "$out" "$KIMAGE" "mem=${memory:-2G}" "initrd=$INITRD"
		"con0=null,fd:3" "con1=null,fd:4" con=null ssl=null)
	uml_disks
	# shellcheck disable=SC2207 # words are meant
	vm+=($(kernel_args))
}

# shellcheck disable=SC2317 # called by trap
cleanup() {
	[ -z "$vm_pid" ] || kill -KILL "$vm_pid" 2> /dev/null || true
	[ ${#server_pids[@]} = 0 ] || kill -KILL "${server_pids[@]}" 2> /dev/null || true
	[ -z "$server_dir" ] || rm -rf "$server_dir"
	[ ${#follow_pids[@]} = 0 ] || kill "${follow_pids[@]}" 2> /dev/null || true
}

# Output reaches stdout through a file, the same way for both kinds: tail ends by itself when the VM has ended and
# everything has been printed.
start_vm() {
	"${vm[@]}" < /dev/null 3>> "$out/console.txt" 4>> "$out/output.txt" > "$out/.lab/vm.log" 2>&1 &
	vm_pid=$!
	[ -z "$pidfile" ] || echo "$vm_pid" > "$pidfile"
	tail -n +1 -s 0.1 -f --pid="$vm_pid" "$out/output.txt" &
	follow_pids+=($!)
	if [ "$verbose" = 1 ]; then
		tail -n +1 -s 0.1 -f --pid="$vm_pid" "$out/console.txt" >&2 &
		follow_pids+=($!)
	fi
}

# Seconds of processor time that the VM has used, in hundredths.
vm_cpu_time() {
	local stat
	stat=$(cat "/proc/$vm_pid/stat" 2> /dev/null) || { echo 0; return; }
	# shellcheck disable=SC2086 # fields; the name before the bracket may hold blanks
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}

# Runs beside the VM and kills it at the time limit. It also kills a guest that does not come to its script: QEMU, on a
# busy host, at times loses the interrupt that brings up the second processor, or that one processor waits for the other
# to answer. Then it uses no processor time at all, or all there is.
watch_vm() {
	local end=$((SECONDS + limit)) start_end=$((SECONDS + START_LIMIT)) seen=0 now still=0
	while kill -0 "$vm_pid" 2> /dev/null; do
		sleep 1
		if [ "$SECONDS" -ge "$end" ]; then
			touch "$out/.lab/timed-out"
			kill -KILL "$vm_pid"
		elif [ "$kind" = qemu ] && [ ! -e "$out/.lab/started" ]; then
			now=$(vm_cpu_time)
			if [ $((now - seen)) -lt 5 ]; then still=$((still + 1)); else still=0; fi
			seen=$now
			if [ "$still" -ge 30 ] || [ "$SECONDS" -ge "$start_end" ]; then
				touch "$out/.lab/stuck"
				kill -KILL "$vm_pid"
			fi
		fi
	done
} 2> /dev/null

# Wait for the VM to end. Sets vm_status.
wait_vm() {
	local watchdog
	watch_vm &
	watchdog=$!
	vm_status=0
	wait "$vm_pid" 2> /dev/null || vm_status=$?
	wait "$watchdog" 2> /dev/null || true
	wait "${follow_pids[@]}" 2> /dev/null || true
	vm_pid='' follow_pids=()
}

# A guest that got stuck before it had come to the script is started again: nothing has happened yet.
run_vm() {
	local attempt
	for attempt in 1 2 3; do
		start_vm
		wait_vm
		[ -e "$out/.lab/stuck" ] || return 0
		lab_say "the guest did not come to its script (attempt $attempt of 3); it has said last:" \
			"$(tail -n 1 "$out/console.txt" | tr -d '\r')"
		cp "$out/console.txt" "$out/console-stuck-$attempt.txt"
		[ "$attempt" = 3 ] || rm "$out/.lab/stuck"
	done
}

stopped() { # PID: all its threads
	[ -z "$(sed -n 's/.*) //; /^[TZX]/!p' "/proc/$1"/task/*/stat 2> /dev/null)" ]
}

# The volatile disks lose their power after the VM. One that ended by itself has flushed them before, as the power
# supply of a machine waits for its disks.
cut_disks() {
	local pid
	[ ${#server_pids[@]} -gt 0 ] || return 0
	kill -STOP "${server_pids[@]}"
	for pid in "${server_pids[@]}"; do
		if [ -z "${server_seed[$pid]}" ] || [ "$vm_status" -le 128 ]; then continue; fi
		until stopped "$pid"; do sleep 0.01; done
		"$LAB_DIR/power-cut.py" "$pid" "${server_file[$pid]}" "${server_seed[$pid]}" >> "$out/.lab/power-cut.log" ||
			touch "$out/.lab/no-power-cut"
	done
	kill -KILL "${server_pids[@]}"
	wait "${server_pids[@]}" 2> /dev/null || true
	server_pids=()
}

show_console() {
	echo "--- last lines of the console:"
	tail -n 40 "$out/console.txt" | tr -d '\r'
	tail -n 5 "$out/.lab/vm.log"
	echo "--- end"
} >&2

say_timeout() {
	local how=''
	[ -e "$out/.lab/started" ] || how=', and the script was not started'
	lab_say "time limit of $limit seconds reached$how"
}

# Turn what is in OUTDIR into an exit status, the most telling reason first.
verdict() {
	local splats reported='' status=''
	splats=$(LAB_ALLOW=$allow "$LAB_DIR/scan-log.sh" "$out") || true
	if [ -n "$splats" ]; then
		lab_say "the kernel complained (see dmesg.txt and console.txt in $out):"
		printf '%s\n' "$splats" >&2
		return $STATUS_SPLAT
	fi
	if [ "$systemd" = 1 ] && [ -e "$out/.lab/timed-out" ]; then
		say_timeout
		show_console
		return $STATUS_TIMEOUT
	fi
	[ ! -e "$out/.lab/status" ] || read -r reported status < "$out/.lab/status"
	# A guest that has reported is done, however the VM came to its end: UML at times trips over its own power-off.
	if [ "$reported" = "$token" ]; then
		[ "$status" -gt 95 ] || return "$status"
		lab_say "the script ended with status $status, which is reported as $STATUS_LAB"
		return $STATUS_LAB
	fi
	if [ -e "$out/.lab/no-power-cut" ]; then
		lab_say "power-cut.py failed: the disks are not as they should be"
		return $STATUS_LAB
	fi
	if [ -e "$out/.lab/timed-out" ]; then
		say_timeout
		show_console
		return $STATUS_TIMEOUT
	fi
	if [ "$vm_status" -gt 128 ] && [ ! -e "$out/.lab/stuck" ]; then
		lab_say "the VM was killed (signal $((vm_status - 128)))"
		return $STATUS_KILLED
	fi
	lab_say "the guest ended without reporting a status"
	show_console
	return $STATUS_LAB
}

main() {
	local vars status=0 token kind guest_disks='' vm=() disk_file disk_opts vm_status
	options "$@"
	shift $((OPTIND - 1))
	check_options "$@"
	vars=$("$LAB_DIR/kernel.sh" "$kernel") || status=$?
	case $status in 0) ;; "$LAB_SKIP") exit "$LAB_SKIP" ;; *) exit $STATUS_LAB ;; esac
	eval "$vars"
	"$LAB_DIR/deps.sh" vm >&2 || exit $STATUS_LAB
	[ -n "$memory" ] || [[ $kernel != *debug ]] || memory=3G
	# UML's own fork walks the maps of a process without the lock that 6.1 wants for it, and lockdep says so at each boot.
	[ "$kernel" != uml-debug ] || allow=${allow:+$allow|}'WARNING: suspicious RCU usage'
	token=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
	prepare_out
	case $ARCH in
	um)
		[ "$systemd" = 0 ] || lab_die $STATUS_LAB "-s (systemd) needs a QEMU kernel"
		kind=uml && uml_command
		;;
	*) kind=qemu && qemu_command ;;
	esac
	write_job "$@"
	trap cleanup EXIT
	trap 'exit 130' INT TERM HUP
	run_vm
	cut_disks
	verdict || status=$?
	if [ "$out_is_ours" = 1 ]; then
		case $status in
		0 | "$LAB_SKIP") rm -rf "$out" ;;
		*) lab_say "status $status; dmesg.txt, console.txt and the rest are in $out" ;;
		esac
	fi
	exit "$status"
}

main "$@"
