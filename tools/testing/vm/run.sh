#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh -k NAME [OPTION...] -- SCRIPT [ARGUMENT...] - boot a kernel of the lab, run SCRIPT in it, return its status.
#
#   -k NAME      kernel, see kernel.sh
#   -c CPUS      processors; default 2 (UML: always 1)
#   -m MEM       memory, for example 2G (default; debug: 3G)
#   -t SECONDS   time limit for the whole run; default 600
#   -q SECONDS   SCRIPT prints something at least that often; when it does not, the guest stands still, as at the time limit.
#                Time for which the host had no processor for the guest does not count
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
#   -T           emulate all processors in one thread of the host: half the processor time, since none waits for another,
#                but they take turns, and next to no race is found. For what is not about races
#   -v           kernel console on stderr while it runs
#
# The guest sees the host's file system, at the same paths; what it writes stays in its memory, except in OUTDIR.
# SCRIPT is any executable. Its environment has
#   LAB_OUT      OUTDIR                     LAB_KIND   qemu or uml
#   LAB_KERNEL   NAME                       LAB_DISKS  the disks of -d, in order
#   CORCACHE_KO  the module that build.sh has made for NAME (unset when there is none); it is not loaded
#
# With -s a program that is named by -e LAB_PREPARE=PROGRAM runs before systemd starts, to put units of its own where systemd
# finds them. SCRIPT's processes are the service's, and SCRIPT may start others with systemd-run. When it has ended, its status
# is reported, and then systemd shuts down: it powers off, or does what SCRIPT has written to /run/lab-shutdown (reboot,
# halt is not possible; both end the VM). The time limit holds for that, too: 97, whatever SCRIPT has reported.
#
# Output: what SCRIPT prints, as it prints it, on stdout. In OUTDIR: console.txt (kernel console), dmesg.txt (the
# kernel's log), kmemleak.txt, and what SCRIPT puts there.
# Exit status:
#   0-95  SCRIPT's, and the kernel had nothing to complain about
#   4     also: the kernel cannot be had at the moment (a SCRIPT that skips returns 4 too)
#   96    the VM was killed
#   97    time limit, or silence (-q). Before the guest is killed it is made to say what it waits for (stand-still.py): the
#         stacks that tell something are shown, all of them are in console.txt, the rest in stand-still.txt
#   98    the kernel reported a warning, oops, lockdep/KASAN/KCSAN/UBSAN finding, hung task, or a leak in our module;
#         the lines are shown. It takes precedence over SCRIPT's own status
#   99    anything else: the guest did not report, SCRIPT could not be run, a usage error
# A guest (QEMU) that has not started SCRIPT after LAB_START_LIMIT seconds (240), or stands still before it has, is killed
# and started again, twice at most; each time a line is added to the file that LAB_RESTARTS names.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Seconds that a guest may take until it starts its script. On a host that does much else the debug kernel takes 100.
START_LIMIT=${LAB_START_LIMIT:-240}
# Lines of the explanation why a guest stood still that are shown.
EXPLAIN_LINES=400
STATUS_KILLED=96 STATUS_TIMEOUT=97 STATUS_SPLAT=98 STATUS_LAB=99

kernel='' cpus=2 memory='' limit=600 quiet=0 out='' kargs='' pidfile='' udev=0 systemd=0 panic=0 allow='' leakscan=1 icount=0 threads=multi verbose=0
disks=() environment=() vm_pid='' follow_pids=() out_is_ours=0
# Of volatile disks: the servers' process ids, and by process id file and seed. A directory for sockets and caches, with a
# short name: that of a socket has 107 characters at most.
server_pids=() server_dir=''
declare -A server_file=() server_seed=()

options() {
	local o
	while getopts k:c:m:t:q:o:a:d:e:p:usPA:LITvh o; do
		case $o in
		k) kernel=$OPTARG ;;
		c) cpus=$OPTARG ;;
		m) memory=$OPTARG ;;
		t) limit=$OPTARG ;;
		q) quiet=$OPTARG ;;
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
		T) threads=single ;;
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
	[[ $quiet =~ ^[0-9]+$ ]] || lab_die $STATUS_LAB "'$quiet' is not a number (-q)"
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
	rm -rf "$out"/{console,output,dmesg,kmemleak,stand-still}.txt "$out/.lab"
	mkdir -p "$out/.lab"
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
	local args="quiet loglevel=5 printk.time=1 panic=-1 log_buf_len=4M kasan_multi_shot=1 sysrq_always_enabled"
	args+=" LAB_KIND=$kind LAB_OUT=$out LAB_INIT=$LAB_DIR/guest-init LAB_MODROOT=$MODROOT"
	[ "$panic" = 0 ] || args+=" panic_on_warn=1"
	echo "$args$kargs"
}

qemu_command() {
	local accel tuning='' sleep=on khz
	accel=$("$LAB_DIR/accel.sh" "$KIMAGE" "$INITRD") || exit $STATUS_LAB
	# q35: its ACPI tables are far quicker to interpret than those of the default machine, half a minute for debug.
	vm=(qemu-system-x86_64 -M q35 -nodefaults -no-user-config -display none -no-reboot -m "${memory:-2G}")
	if [ "$icount" -gt 0 ]; then
		[ "$icount" = 1 ] || sleep=off
		vm+=(-accel "tcg,thread=single" -cpu max -smp 1 -icount "shift=0,sleep=$sleep")
	else
		# shellcheck disable=SC2206 # several words
		vm+=(${accel/thread=multi/thread=$threads} -smp "$cpus")
	fi
	vm+=(
		-chardev "socket,id=console,path=$server_dir/console,server=on,wait=off,logfile=$out/console.txt" -serial chardev:console
		-chardev "socket,id=questions,path=$server_dir/questions,server=on,wait=off" -serial chardev:questions
		-qmp "unix:$server_dir/qmp,server=on,wait=off"
		-fsdev "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"
		-device "virtio-9p-pci,fsdev=host,mount_tag=host"
		-fsdev "local,id=out,path=$out,security_model=none"
		-device "virtio-9p-pci,fsdev=out,mount_tag=out"
		-device virtio-rng-pci
		-kernel "$KIMAGE" -initrd "$INITRD"
	)
	qemu_disks
	# Reading a clock of QEMU's takes it a lock that all processors want, and an emulated kernel reads the clock all the
	# time: on a busy host two processors do little else than wait for each other in read_hpet(). The TSC, which
	# emulation passes through from the host, costs nothing; but a kernel that measures on a busy host how fast it is
	# measures wrong, and then sees time jump. So it is told. When instructions are counted, the TSC is that count.
	#
	# What has been translated is used again only at the same address: with addresses of programs that change at random,
	# a program starts three times slower.
	if [ "$icount" -gt 0 ]; then
		tuning=" tsc=reliable norandmaps"
	elif [[ $accel == *tcg* ]]; then
		khz=$("$LAB_DIR/tsc-khz.py")
		if [ -n "$khz" ]; then tuning=" tsc=reliable tsc_early_khz=$khz"; else tuning=" clocksource=hpet tsc=unstable"; fi
		tuning+=" norandmaps"
	fi
	# On a busy host an emulated processor gets no time for seconds: that is no lockup of the guest's.
	[[ $accel != *tcg* ]] || tuning+=" watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300"
	# An NMI is the last means to see the stacks of a guest that stands still: bits 0 and 6 mean all tasks, all processors.
	vm+=(-append "console=ttyS0 no_timer_check mitigations=off unknown_nmi_panic panic_print=0x41$tuning $(kernel_args)")
}

uml_command() {
	[ "$icount" = 0 ] || lab_die $STATUS_LAB "-I (count instructions) needs a QEMU kernel"
	vm=("$LAB_DIR/uml-start.sh" "$out" "$KIMAGE" "mem=${memory:-2G}" "initrd=$INITRD"
		"con0=null,fd:3" "con1=null,fd:4" con=null ssl=null umid=lab)
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

# Make the guest say what it waits for. What it has said before alone counts as complaints of the kernel.
explain() { # WHY
	local more=() shown
	mkdir -p "$out/.lab/before/.lab"
	cp "$out"/{console,dmesg,kmemleak}.txt "$out/.lab/before/" || true
	cp "$out/.lab/vm.log" "$out/.lab/before/.lab/" || true
	shown=$(wc -c < "$out/console.txt")
	if [ "$kind" = uml ]; then more=("$out/.lab/uml" "$vm_pid"); else more=("$server_dir"); fi
	echo "$1" > "$out/stand-still.txt"
	"$LAB_DIR/stand-still.py" "$kind" "$out/console.txt" "${more[@]}" >> "$out/stand-still.txt" 2>&1 ||
		echo "--- the kernel has not answered" >> "$out/stand-still.txt"
	{
		echo "--- of its stacks (all of them: console.txt):"
		tail -c "+$((shown + 1))" "$out/console.txt"
		# a kernel that panics as UML shows its stack there
		tail -c "+$(($(wc -c < "$out/.lab/before/.lab/vm.log") + 1))" "$out/.lab/vm.log"
	} | awk -f "$LAB_DIR/stacks.awk" >> "$out/stand-still.txt"
}

# Seconds for which threads of QEMU could have run, and the host had no processor for them, all together.
host_delay() {
	cat "/proc/$vm_pid"/task/*/schedstat 2> /dev/null | awk '{ ns += $2 } END { printf "%d\n", ns / 1e9 }'
}

# Was it the host that let the guest say nothing for that long? One that waits for something does not want to run.
host_is_busy() { # SECONDS-SILENT DELAY-BEFORE
	[ "$kind" = qemu ] && [ $(($(host_delay) - $2)) -ge $(($1 / 2)) ]
}

# Runs beside the VM and kills it at the time limit, or when it says nothing for too long. It also kills a guest that does not come to its script: QEMU, on a
# busy host, at times loses the interrupt that brings up the second processor, or that one processor waits for the other
# to answer. Then it uses no processor time at all, or all there is.
watch_vm() {
	local end=$((SECONDS + limit)) start_end=$((SECONDS + START_LIMIT)) seen=0 now still=0 said=0 said_at=$SECONDS delay=0 why=''
	while kill -0 "$vm_pid" 2> /dev/null; do
		sleep 1
		if [ "$quiet" -gt 0 ]; then
			now=$(stat -c %s "$out/output.txt")
			if [ "$now" != "$said" ] || [ ! -e "$out/.lab/started" ] ||
				{ [ $((SECONDS - said_at)) -ge "$quiet" ] && host_is_busy "$quiet" "$delay"; }; then
				said=$now said_at=$SECONDS delay=$(host_delay)
			fi
		fi
		if [ "$SECONDS" -ge "$end" ]; then
			why="time limit of $limit seconds reached"
		elif [ "$quiet" -gt 0 ] && [ ! -e "$out/.lab/status" ] && [ $((SECONDS - said_at)) -ge "$quiet" ]; then
			why="nothing was printed for $quiet seconds"
		fi
		if [ -n "$why" ]; then
			[ -e "$out/.lab/started" ] || why+=', and the script was not started'
			echo "$why" > "$out/.lab/timed-out"
			explain "$why"
			kill -KILL "$vm_pid"
			return
		elif [ "$kind" = qemu ] && [ ! -e "$out/.lab/started" ]; then
			now=$(vm_cpu_time)
			if [ $((now - seen)) -lt 5 ]; then still=$((still + 1)); else still=0; fi
			seen=$now
			if [ "$still" -ge 30 ] || [ "$SECONDS" -ge "$start_end" ]; then
				touch "$out/.lab/stuck"
				[ "$attempt" != 1 ] || explain "the guest did not come to its script"
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
		[ -z "${LAB_RESTARTS:-}" ] || [ "$attempt" = 3 ] || echo "$kernel, attempt $attempt: $out" >> "$LAB_RESTARTS"
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
	local from=$out
	echo "--- last lines of the console:"
	if [ -e "$out/.lab/timed-out" ]; then from=$out/.lab/before; fi
	tail -n 40 "$from/console.txt" | tr -d '\r'
	tail -n 5 "$out/.lab/vm.log"
	echo "--- end"
} >&2

# The explanation is long at times; all of it is in the file.
say_timeout() {
	lab_say "$(cat "$out/.lab/timed-out")"
	sed -n "2,${EXPLAIN_LINES}p" "$out/stand-still.txt" >&2
}

# Turn what is in OUTDIR into an exit status, the most telling reason first.
verdict() {
	local splats reported='' status='' log=$out
	# Of a guest that stood still: as it was before it had to explain itself.
	[ ! -e "$out/.lab/timed-out" ] || log=$out/.lab/before
	splats=$(LAB_ALLOW=$allow "$LAB_DIR/scan-log.sh" "$log") || true
	if [ -n "$splats" ]; then
		lab_say "the kernel complained (see dmesg.txt and console.txt in $out):"
		printf '%s\n' "$splats" >&2
		return $STATUS_SPLAT
	fi
	if [ "$systemd" = 1 ] && [ -e "$out/.lab/timed-out" ]; then
		show_console
		say_timeout
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
		show_console
		say_timeout
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
	server_dir=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-vm.XXXXXX")
	token=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
	trap cleanup EXIT
	prepare_out
	case $ARCH in
	um)
		[ "$systemd" = 0 ] || lab_die $STATUS_LAB "-s (systemd) needs a QEMU kernel"
		kind=uml && uml_command
		;;
	*) kind=qemu && qemu_command ;;
	esac
	write_job "$@"
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
