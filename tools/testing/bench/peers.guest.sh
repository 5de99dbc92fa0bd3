# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# peers.guest.sh - the contenders of the hit benchmarks, all on RAM disks, all warm; sourced after lib.guest.sh.
#
# Each make_*() sets DEVICE, or returns 1 if this kernel or machine cannot have it, with a note that says why.
# Regions, blocks and buckets of all caches are as large as corcache's regions, 64 KiB; a bucket of bcache 128 KiB, the
# smallest that it takes.

REGION=128

# A RAM disk takes a page of memory when it is written to first. Which one decides, as much as who reads it, how long a
# copy of 64 KiB and more takes: nearly twice as long (UML) if they were taken one by one between others. So each is
# written once from one end to the other, and all lie in memory alike.
ram_laid_out() {
	ram_next
	dd if=/dev/zero of="$RAM" bs=1M count=$((SIZE_MIB * 2)) oflag=direct status=none
}

# Not the origin itself, but a disk as the others'.
plain_disk=''

copy_of_origin() {
	[ -z "$plain_disk" ] || return 0
	ram_laid_out
	copy_device /dev/ram0 "$RAM"
	plain_disk=$RAM
}

make_raw() {
	copy_of_origin
	DEVICE=$plain_disk
}

make_linear() {
	copy_of_origin
	make_dm linear "0 $SECTORS linear $plain_disk 0"
	DEVICE=/dev/mapper/linear
}

need_target() { has_target "$1" || { note "$1: this kernel has no such target"; return 1; }; }

# Every block is in the cache, and the metadata says so, without a warm-up that the policy would have a say in.
make_dm_cache() {
	local data metadata blocks=$((SIZE_MIB * 16))
	need_target cache || return 1
	command -v cache_restore > /dev/null || { note "dm-cache: no cache_restore (thin-provisioning-tools)"; return 1; }
	ram_laid_out; data=$RAM
	ram_next; metadata=$RAM
	{
		echo "<superblock uuid=\"\" block_size=\"$REGION\" nr_cache_blocks=\"$((blocks * 2))\" policy=\"smq\" hint_width=\"4\"><mappings>"
		seq 0 $((blocks - 1)) | awk '{ printf "<mapping cache_block=\"%d\" origin_block=\"%d\" dirty=\"false\"/>\n", $1, $1 }'
		echo "</mappings><hints></hints></superblock>"
	} > "$BENCH_TMP/cache.xml"
	dd if=/dev/zero of="$metadata" bs=1M count=16 status=none
	cache_restore -q -i "$BENCH_TMP/cache.xml" -o "$metadata"
	copy_device /dev/ram0 "$data"
	make_dm dmcache "0 $SECTORS cache $metadata $data /dev/ram0 $REGION 1 writethrough smq 0"
	DEVICE=/dev/mapper/dmcache
}

clone_hydrated() { # NAME
	dmsetup status "$1" | awk '{ split($7, n, "/"); exit n[1] != n[2] }'
}

# make_dm_clone NAME PERCENT: hydrated by itself, or that far by writes of whole regions
make_dm_clone() {
	local name=$1 percent=$2 data metadata i
	need_target clone || return 1
	ram_laid_out; data=$RAM
	ram_next; metadata=$RAM
	dd if=/dev/zero of="$metadata" bs=1M count=8 status=none
	make_dm "$name" "0 $SECTORS clone $metadata $data /dev/ram0 $REGION 1 no_hydration 4 hydration_threshold 256 hydration_batch_size 16"
	DEVICE=/dev/mapper/$name
	if [ "$percent" = 100 ]; then
		dmsetup message "$name" 0 enable_hydration
		for ((i = 0; i < 300; i++)); do
			! clone_hydrated "$name" || return 0
			sleep 0.2
		done
		die "$name does not get hydrated: $(dmsetup status "$name")"
	fi
	dd if=/dev/ram0 of="$DEVICE" bs=64k count=$((SIZE_MIB * 16 * percent / 100)) iflag=direct oflag=direct status=none
}

# Backing and cache device have superblocks of bcache's own, so the data is copied in through it.
make_bcache() {
	local backing cache log=$BENCH_TMP/bcache.log set i
	command -v make-bcache > /dev/null || { note "bcache: no make-bcache (bcache-tools)"; return 1; }
	modprobe -q bcache || [ -e /sys/fs/bcache ] || { note "bcache: this kernel has none"; return 1; }
	ram_next; backing=$RAM
	ram_laid_out; cache=$RAM
	make-bcache --block 4k --bucket 128k -C "$cache" > "$log" 2>&1
	make-bcache --block 4k --bucket 128k -B "$backing" >> "$log" 2>&1
	echo "$cache" > /sys/fs/bcache/register
	echo "$backing" > /sys/fs/bcache/register
	at_end stop_bcache
	for ((i = 0; i < 100; i++)); do [ ! -e /sys/block/bcache0 ] || break; sleep 0.1; done
	[ -b /dev/bcache0 ] || mknod /dev/bcache0 b "$(cut -d: -f1 /sys/block/bcache0/dev)" "$(cut -d: -f2 /sys/block/bcache0/dev)"
	if grep -q 'no cache' /sys/block/bcache0/bcache/state; then
		for set in /sys/fs/bcache/*-*; do basename "$set" > /sys/block/bcache0/bcache/attach; done
	fi
	echo writethrough > /sys/block/bcache0/bcache/cache_mode
	echo 0 > /sys/block/bcache0/bcache/sequential_cutoff
	for set in /sys/fs/bcache/*-*; do
		echo 0 > "$set/congested_read_threshold_us"
		echo 0 > "$set/congested_write_threshold_us"
	done
	copy_device /dev/ram0 /dev/bcache0
	dd if=/dev/bcache0 of=/dev/null bs=64k count=$((SIZE_MIB * 16 - 1)) iflag=direct status=none
	DEVICE=/dev/bcache0
}

stop_bcache() {
	local f
	for f in /sys/block/bcache0/bcache/stop /sys/fs/bcache/*-*/stop; do echo 1 > "$f"; done
	sleep 2
}

# make_served NAME COMMAND...: what a program serves over NBD on a socket of this machine
make_served() {
	local name=$1 n i
	shift
	TMPDIR=$BENCH_TMP "$@"
	at_end pkill -f "$BENCH_TMP/$name.sock"
	for n in {0..15}; do
		[ -e "/sys/block/nbd$n/pid" ] || break
	done
	for ((i = 0; i < 100; i++)); do [ ! -S "$BENCH_TMP/$name.sock" ] || break; sleep 0.1; done
	nbd-client -unix "$BENCH_TMP/$name.sock" "/dev/nbd$n" -b 4096 > "$BENCH_TMP/$name.log" 2>&1 ||
		die "nbd-client cannot attach $name: $(cat "$BENCH_TMP/$name.log")"
	at_end nbd-client -d "/dev/nbd$n"
	for ((i = 0; i < 100; i++)); do [ "$(cat "/sys/block/nbd$n/size")" = 0 ] || break; sleep 0.1; done
	DEVICE=/dev/nbd$n
}

origin_file() {
	[ -e "$BENCH_TMP/origin" ] || dd if=/dev/ram0 of="$BENCH_TMP/origin" bs=1M count="$SIZE_MIB" status=none
}

make_nbdkit_cache() {
	command -v nbdkit > /dev/null || { note "nbdkit's cache: no nbdkit"; return 1; }
	origin_file
	make_served nbdkit nbdkit -r -U "$BENCH_TMP/nbdkit.sock" --filter=cache file "$BENCH_TMP/origin" cache-on-read=true
	dd if="$DEVICE" of=/dev/null bs=64k iflag=direct status=none
}

# Not read-only: copying on read is writing, and qemu-nbd would refuse.
make_qcow2() {
	command -v qemu-nbd > /dev/null || { note "qcow2: no qemu-nbd"; return 1; }
	origin_file
	qemu-img create -q -f qcow2 -o cluster_size=64k "$BENCH_TMP/cow.qcow2" "${SIZE_MIB}M"
	make_served qcow2 qemu-nbd -t --fork -k "$BENCH_TMP/qcow2.sock" --image-opts \
		"driver=copy-on-read,file.driver=qcow2,file.file.driver=file,file.file.filename=$BENCH_TMP/cow.qcow2,file.backing.driver=raw,file.backing.file.driver=file,file.backing.file.filename=$BENCH_TMP/origin"
	dd if="$DEVICE" of=/dev/null bs=64k iflag=direct status=none
}

# Plain NBD: what is warm is the server's page cache.
make_nbd() {
	command -v nbdkit > /dev/null || { note "nbd: no nbdkit"; return 1; }
	origin_file
	make_served nbd nbdkit -r -U "$BENCH_TMP/nbd.sock" file "$BENCH_TMP/origin"
}

# make_warm NAME PIECE ORDER [features and core arguments]: filled by reads of PIECE bytes, in ORDER
make_warm() {
	local name=$1 piece=$2 order=$3 n
	shift 3
	ram_laid_out
	make_corcache "$name" "$RAM" /dev/ram0 "$SECTORS" $REGION "$@"
	DEVICE=/dev/mapper/$name
	# An origin that answers where it is asked, on one processor, is faster than what was read can be written to the
	# cache, and what is too much is not inserted: another time, then.
	for ((n = 0; n < 10; n++)); do
		reads "$DEVICE" $(((SIZE_MIB << 20) / piece)) 1 "$piece" "$order" $((SIZE_MIB << 20)) 1
		corcache_settle "$name"
		[ "$(corcache_stat "$name" valid)" != $((SIZE_MIB * 256)) ] || break
	done
	[ "$n" -lt 10 ] || die "$name is not warm: $(corcache_stat "$name")"
}

make_corcache_plain() { make_warm corcache $((1 << 20)) sequential 1 no_checksums; }
make_corcache_crc() { make_warm corcache-crc $((1 << 20)) sequential 0; }
# What lies in one piece in the cache is four regions, or one.
make_corcache_run4() { make_warm corcache-run4 $((256 << 10)) scattered 1 no_checksums; }
make_corcache_run1() { make_warm corcache-run1 $((64 << 10)) scattered 1 no_checksums; }
