# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# remote.guest.sh - a remote origin, and the contenders that stand before it, cold; sourced after lib.guest.sh.
#
# The remote is nbdkit's pattern, each 8 bytes their own offset, behind its delay filter, over TCP on 127.0.0.1; the
# kernel's NBD driver attaches it as $REMOTE. What has been read of it is counted there or, for those contenders that
# are NBD clients themselves, by the server's log, which costs them something that the others do not pay.
#
# front_up NAME sets up one contender, front_down takes it away, whatever it was. Each front_NAME() sets DEVICE, or
# returns 1, with a note, if this kernel or machine cannot have it. Where it keeps what it has read is in CACHES:
# fresh RAM disks, or (FRESH=0) what front_snapshot has kept. All have the same room, and blocks of 64 KiB where the name
# does not tell another size; a bucket of bcache has 128 KiB, the smallest that it takes.

REMOTE_PORT=10809
# More than any test has under way: the delay is one of latency, not of throughput.
REMOTE_THREADS=128
# One block in each region of 1 GiB, and the metadata.
CACHE_MIB=1100
# So much of that is used in tests of time, if it is taken from the start on.
TOUCH_MIB=340

REMOTE='' DEVICE='' CACHES=() COPIES=() FRESH=1
nbd_up=() dm_up=() server_up=() bcache_up='' null_up=()
# Those that read the remote through a connection of their own; those that keep nothing in CACHES.
OWN_CLIENTS=' nbdkit-cache qcow2-4k qcow2-64k '
declare -A NR_CACHES=([corcache]=1 [corcache-crc]=1 [corcache-delay]=1 [corcache-busy]=0 [dm-cache]=2 [dm-clone-4k]=2 [dm-clone-64k]=2 [bcache]=2)

is_own_client() { [[ $OWN_CLIENTS = *" $1 "* ]]; }

retry() { # COMMAND...: what is being closed may be busy for a moment
	local i
	for ((i = 0; i < 100; i++)); do
		! "$@" 2> /dev/null || return 0
		sleep 0.05
	done
	"$@"
}

wait_for() { # WHAT COMMAND...
	local what=$1 i
	shift
	for ((i = 0; i < 200; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	die "no $what"
}

# A guest gets its memory from the host page by page, when it first uses it, and whoever did that would pay. It costs
# time, but no instructions.
touch_memory() {
	[ "$LAB_KIND" != host ] && [ "$BENCH_KIND" != icount ] || return 0
	mount -t tmpfs -o size=100% none /mnt
	dd if=/dev/zero of=/mnt/touch bs=1M count=$(($(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) * 8 / 10 / 1024)) status=none
	umount /mnt
}

# ---- the remote ------------------------------------------------------------

attached() { [ "$(cat "/sys/block/$1/size")" -gt 0 ]; }

# attach ARGUMENTS of nbd-client...: sets DEVICE
attach() {
	local n
	for n in {0..15}; do
		[ -e "/sys/block/nbd$n/pid" ] || break
	done
	nbd-client "$@" "/dev/nbd$n" > "$BENCH_TMP/nbd-client.log" 2>&1 ||
		die "nbd-client cannot attach nbd$n: $(cat "$BENCH_TMP/nbd-client.log")"
	DEVICE=/dev/nbd$n
	nbd_up=("$DEVICE" "${nbd_up[@]}")
	wait_for "size of nbd$n" attached "nbd$n"
}

# serve NAME COMMAND...: a server that writes its process id to $BENCH_TMP/NAME.pid
serve() {
	local name=$1
	shift
	TMPDIR=$BENCH_TMP "$@" > "$BENCH_TMP/$name.log" 2>&1 || die "$name: $(cat "$BENCH_TMP/$name.log")"
	wait_for "process id of $name" test -s "$BENCH_TMP/$name.pid"
	server_up=("$name" "${server_up[@]}")
}

remote_up() { # DELAY BYTES SECTOR CONTENDER
	local filters=(--filter=delay) logging=()
	rm -f "$BENCH_TMP/reads.log"
	if is_own_client "$4"; then
		filters=(--filter=log "${filters[@]}")
		logging=(logfile="$BENCH_TMP/reads.log")
	fi
	serve remote nbdkit -r -i 127.0.0.1 -p $REMOTE_PORT -t $REMOTE_THREADS -P "$BENCH_TMP/remote.pid" \
		"${filters[@]}" pattern "$2" delay-read="$1" "${logging[@]}"
	REMOTE='' REMOTE_SECTORS=$(($2 / 512))
	! is_own_client "$4" || return 0
	attach 127.0.0.1 $REMOTE_PORT -N '' -b "$3"
	REMOTE=$DEVICE
}

# timer_up DELAY_NS BYTES: instead, a remote that costs this machine nothing: null_blk, which answers by timer. With
# NBD over 127.0.0.1 the server, and both ends of the connection, take most of the processor's time, so that with
# several reads under way it is the processor that is waited for and not the remote.
timer_up() {
	null_up corcache-remote "$1" "$2" 128 || return 1
	REMOTE=/dev/corcache-remote REMOTE_SECTORS=$(($2 / 512))
}

null_up() { # NAME DELAY_NS BYTES DEPTH
	local dir=/sys/kernel/config/nullb/$1
	modprobe -q null_blk nr_devices=0 || [ -e /sys/module/null_blk ] || { note "no null_blk"; return 1; }
	mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir "$dir"
	echo $(($3 >> 20)) > "$dir/size"
	echo 4096 > "$dir/blocksize"
	echo 1 > "$dir/memory_backed"
	echo 2 > "$dir/queue_mode"
	echo "$4" > "$dir/hw_queue_depth"
	echo 2 > "$dir/irqmode"
	echo "$2" > "$dir/completion_nsec"
	echo 1 > "$dir/power"
	null_up+=("$1")
}

null_down() {
	local name
	for name in "${null_up[@]}"; do
		echo 0 > "/sys/kernel/config/nullb/$name/power"
		rmdir "/sys/kernel/config/nullb/$name"
	done
	null_up=()
}

# Bytes that were read of the remote so far.
remote_bytes() {
	if [ -n "$REMOTE" ]; then
		awk '{ printf "%.0f\n", $3 * 512 }' "/sys/block/${REMOTE#/dev/}/stat"
	else
		perl -ne '/ Read id=.* count=0x([0-9a-f]+)/ and $n += hex $1; END { print $n + 0, "\n" }' "$BENCH_TMP/reads.log"
	fi
}

detach() { nbd-client -d "$1" > /dev/null 2>&1; }

# ---- contenders ------------------------------------------------------------

front_dm() { # NAME TABLE [arguments of dmsetup]
	make_dm "$@"
	dm_up=("$1" "${dm_up[@]}")
	DEVICE=/dev/mapper/$1
}

front_nbd() { DEVICE=$REMOTE; }

front_a_corcache() { # NAME [features and core arguments]
	local name=$1
	shift
	front_dm "$name" "0 $REMOTE_SECTORS corcache ${CACHES[0]} $REMOTE $REGION $*" --readonly --uuid "CORCACHE-$name"
}

front_corcache() { front_a_corcache corcache 1 no_checksums; }
front_corcache_crc() { front_a_corcache corcache-crc 0; }

# Its cache device takes 50 ms for a write, and as many of them as there are: dm-delay. It delays by work of its own,
# some microseconds for a bio, and sends what is due all at once.
front_corcache_delay() {
	local sectors
	sectors=$(blockdev --getsz "${CACHES[0]}")
	modprobe -q dm-delay || true
	need_target delay || return 1
	front_dm slow "0 $sectors delay ${CACHES[0]} 0 0 ${CACHES[0]} 0 50"
	front_dm corcache-delay "0 $REMOTE_SECTORS corcache $DEVICE $REMOTE $REGION 1 no_checksums" --readonly \
		--uuid CORCACHE-corcache-delay
}

# Its cache device is busy: 8 requests at a time, of 20 ms each, which is a fraction of what is filled.
front_corcache_busy() {
	null_up corcache-busy 20000000 $((1 << 30)) 8 || return 1
	front_dm corcache-busy "0 $REMOTE_SECTORS corcache /dev/corcache-busy $REMOTE $REGION 1 no_checksums" --readonly \
		--uuid CORCACHE-corcache-busy
}

front_dm_cache() {
	need_target cache || return 1
	front_dm dmcache "0 $REMOTE_SECTORS cache ${CACHES[1]} ${CACHES[0]} $REMOTE 128 1 writethrough smq 0"
}

front_clone() { # NAME REGION FEATURES AND ARGUMENTS
	need_target clone || return 1
	front_dm "$1" "0 $REMOTE_SECTORS clone ${CACHES[1]} ${CACHES[0]} $REMOTE $2 $3"
}
front_dm_clone_4k() { front_clone clone4k 8 "1 no_hydration"; }
front_dm_clone_64k() { front_clone clone64k 128 "0 4 hydration_threshold 64 hydration_batch_size 16"; }

bcache_attached() { [ -e "$1" ] && ! grep -q 'no cache' "$1/state"; }
bcache_appeared() { compgen -G '/sys/block/bcache*' > /dev/null; }

# It wants a superblock of its own at the start of the origin: there a header of RAM is put before it.
front_bcache() {
	local set device messages=$BENCH_TMP/bcache.log
	command -v make-bcache > /dev/null || { note "bcache: no make-bcache (bcache-tools)"; return 1; }
	modprobe -q bcache || [ -e /sys/fs/bcache ] || { note "bcache: this kernel has none"; return 1; }
	front_dm bcache-backing "0 16 linear ${CACHES[1]} 0
16 $REMOTE_SECTORS linear $REMOTE 0"
	if [ "$FRESH" = 1 ]; then
		make-bcache --block 4k --bucket 128k -C "${CACHES[0]}" > "$messages" 2>&1
		make-bcache --block 4k --bucket 128k -B /dev/mapper/bcache-backing >> "$messages" 2>&1
	fi
	echo "${CACHES[0]}" > /sys/fs/bcache/register
	echo /dev/mapper/bcache-backing > /sys/fs/bcache/register
	wait_for "bcache device" bcache_appeared
	device=$(basename "$(compgen -G '/sys/block/bcache*')")
	bcache_up=$device
	if ! bcache_attached "/sys/block/$device/bcache"; then
		for set in /sys/fs/bcache/*-*; do basename "$set" > "/sys/block/$device/bcache/attach"; done
	fi
	wait_for "attached cache of bcache" bcache_attached "/sys/block/$device/bcache"
	echo 0 > "/sys/block/$device/bcache/sequential_cutoff"
	for set in /sys/fs/bcache/*-*; do
		echo 0 > "$set/congested_read_threshold_us"
		echo 0 > "$set/congested_write_threshold_us"
	done
	DEVICE=/dev/$device
	[ -b "$DEVICE" ] || mknod "$DEVICE" b "$(cut -d: -f1 "/sys/block/$device/dev")" "$(cut -d: -f2 "/sys/block/$device/dev")"
}

# The clients of their own.
front_nbdkit_cache() {
	serve nbdkit-cache nbdkit -r -U "$BENCH_TMP/front.sock" -P "$BENCH_TMP/nbdkit-cache.pid" --filter=cache \
		nbd hostname=127.0.0.1 port=$REMOTE_PORT cache-on-read=true cache-min-block-size=64K
	attach -unix "$BENCH_TMP/front.sock" -b 4096
}

# Not with -r: nothing would be copied.
front_qcow2() { # CLUSTER
	local backing=file.backing.driver=nbd,file.backing.server.type=inet
	command -v qemu-nbd > /dev/null || { note "qcow2: no qemu-nbd"; return 1; }
	[ "$FRESH" = 0 ] || qemu-img create -q -f qcow2 -o cluster_size="$1" "$BENCH_TMP/cow.qcow2" $((REMOTE_SECTORS * 512))
	serve qcow2 qemu-nbd -t --fork --pid-file="$BENCH_TMP/qcow2.pid" -k "$BENCH_TMP/front.sock" --image-opts \
		"driver=copy-on-read,file.driver=qcow2,file.file.driver=file,file.file.filename=$BENCH_TMP/cow.qcow2,$backing,file.backing.server.host=127.0.0.1,file.backing.server.port=$REMOTE_PORT"
	attach -unix "$BENCH_TMP/front.sock" -b 4096
}
front_qcow2_4k() { front_qcow2 4k; }
front_qcow2_64k() { front_qcow2 64k; }

# ---- up, down, crash -------------------------------------------------------

front_up() { # NAME
	local i
	DEVICE=''
	if [ "$FRESH" = 1 ]; then
		CACHES=()
		! grep -q '^brd ' /proc/modules || retry rmmod brd
		ram_disks 5 $CACHE_MIB
		for ((i = 0; i < ${NR_CACHES[$1]:-0}; i++)); do ram_next; CACHES+=("$RAM"); done
		# A RAM disk finds and clears each page when it is first written; a real one has it.
		[ ${#CACHES[@]} = 0 ] || dd if=/dev/zero of="${CACHES[0]}" bs=1M count=$TOUCH_MIB oflag=direct status=none
	fi
	"front_${1//-/_}"
}

# What may be left to do in the background: fills, promotions, hydration.
front_settle() { # NAME
	case $1 in corcache*) corcache_settle "$1" ;; esac
	sleep 1
}

bcache_gone() { ! compgen -G '/sys/fs/bcache/*-*' > /dev/null && ! bcache_appeared; }

front_remove() {
	local x
	if [ -n "$bcache_up" ]; then
		echo 1 > "/sys/block/$bcache_up/bcache/stop"
		for x in /sys/fs/bcache/*-*; do echo 1 > "$x/stop"; done
		wait_for "end of bcache" bcache_gone
		bcache_up=''
	fi
	for x in "${dm_up[@]}"; do retry dmsetup remove "$x"; done
	dm_up=()
}

# Devices before their servers, fronts before the remote.
front_down() {
	local x
	front_remove
	for x in "${nbd_up[@]}"; do retry detach "$x"; done
	nbd_up=()
	for x in "${server_up[@]}"; do stop_server "$x"; done
	null_down
	server_up=() REMOTE='' FRESH=1
	rm -f "$BENCH_TMP"/cow.qcow2*
}

stop_server() { # NAME [SIGNAL]
	local pid
	pid=$(cat "$BENCH_TMP/$1.pid")
	kill "-${2:-TERM}" "$pid" 2> /dev/null || true
	wait_for "end of $1" test ! -d "/proc/$pid"
	rm -f "$BENCH_TMP/$1.pid"
}

# front_snapshot NAME: keep what the caches hold, while they are in use: what a power cut at this moment would leave.
front_snapshot() {
	local i
	COPIES=()
	if is_own_client "$1"; then
		[ ! -e "$BENCH_TMP/cow.qcow2" ] || cp --sparse=always "$BENCH_TMP/cow.qcow2" "$BENCH_TMP/cow.qcow2.copy"
		return 0
	fi
	for ((i = 0; i < ${#CACHES[@]}; i++)); do
		ram_next
		# What is zero stays unused in the copy, as it was.
		dd if="${CACHES[i]}" of="$RAM" bs=64k conv=sparse iflag=direct oflag=direct status=none
		COPIES+=("$RAM")
	done
}

# front_restart NAME: take it away, and set it up again on that.
front_restart() {
	if is_own_client "$1"; then
		retry detach "${nbd_up[0]}"
		nbd_up=("${nbd_up[@]:1}")
		stop_server "${server_up[0]}" KILL
		server_up=("${server_up[@]:1}")
		rm -f "$BENCH_TMP/front.sock"
		[ ! -e "$BENCH_TMP/cow.qcow2.copy" ] || mv "$BENCH_TMP/cow.qcow2.copy" "$BENCH_TMP/cow.qcow2"
	else
		front_remove
		CACHES=("${COPIES[@]}")
	fi
	FRESH=0
	front_up "$1"
}
