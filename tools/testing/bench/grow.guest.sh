#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# grow.guest.sh - how cost grows with size, and what the cache needs for itself.
#
# RAM disks of up to 100 GB, which are sparse: only what is written takes memory. Origins are "zero" targets of up to
# 64 TiB. It takes a guest of 4 GiB.
#
# Environment (beyond lib.guest.sh's): TESTS: words, a choice of
#   warm      4 KiB hits of blocks that lie over the whole origin, one in a region, for several sizes of cache and origin.
#             The unit is dm-linear on the same RAM disk, reading the very same pages. "ns", per read (icount:
#             instructions)
#   full      the same with every slot occupied, in mixed order, and every one of them read: what the CPU's caches and
#             TLB have to say to a large index. The data is not there, so a read is cheaper, and the bar harder
#   activate  "ms" to load a table, to resume it and to remove the device, for three sizes: "fresh" is formatted,
#             "empty" has a superblock, "full" an entry for every slot. dm-linear is what device-mapper itself takes
#   memory    "bytes" for each region of the cache device, each of the origin, each block with checksums; "KiB" that
#             do not depend on size. From /proc/vmallocinfo and the kernel's slabs; "-memfree" is what MemFree says,
#             page tables and all, but whatever else happens, too
#   commit    of 1, 100 and 10,000 fills: "bytes-per-fill" and "writes" of metadata, "flushes", and "us" of one commit
# BIG_GB=10 leaves out what is larger than that
#
# Every read that is measured is checked to have been a hit, by the target's counters and by the origin's own.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=lib.guest.sh
. "$here/lib.guest.sh"

TESTS=${TESTS:-warm full activate memory commit}
BIG_GB=${BIG_GB:-100}
# From when on a figure taken with a clock is long enough to mean something.
REPEAT_NS=${REPEAT_NS:-200000000}
[ "$BENCH_KIND" != icount ] || REPEAT_NS=30000000

GIB=$((1 << 30)) TIB=$((1 << 40))
REGION=128

mib_of() { echo $(($1 * 1000000000 / 1048576)); } # GB
gb_words() { local w; for w in "$@"; do [ "$w" -gt "$BIG_GB" ] || echo "$w"; done; }

# ---- devices -------------------------------------------------------------------

make_origin() { make_dm origin "0 $(($1 >> 9)) zero"; } # BYTES
remove_dm() { dmsetup remove --retry "$1"; }
device_number() { dmsetup info -c --noheadings --separator : -o major,minor "$1"; }

# make_cache NAME BYTES_OF_ORIGIN REGION [features and core arguments]: on the only RAM disk
make_cache() {
	local name=$1 sectors=$(($2 >> 9)) region=$3
	shift 3
	make_corcache "$name" "${CACHE:-/dev/ram0}" /dev/mapper/origin "$sectors" "$region" "$@"
}

# layout DEVICE FIELD: of the superblock; of a cache that is next to empty
layout() {
	local dump
	dump=$("$CORCACHE_IO" dump "$1")
	super_field "$2" <<< "$dump"
}
super_field() { sed -n "s/^super copy=main .* $1=\([0-9]*\).*/\1/p"; }

# Every slot of a cache that is not in use; prints how many.
occupy() { "$CORCACHE_IO" occupy "$1" "$2" | super_field slots; } # DEVICE MASK

wipe() { # DEVICE
	dd if=/dev/zero of="$1" bs=1M count=1 oflag=direct status=none
	dd if=/dev/zero of="$1" bs=1M count=1 oflag=direct,seek_bytes seek=$(($(blockdev --getsize64 "$1") - 1048576)) \
		status=none
}

reads_of_origin() { awk '{ print $1 }' "/sys/dev/block/$(device_number origin)/stat"; }

# ---- reads ---------------------------------------------------------------------

# run_reads DEVICE COUNT DEPTH BYTES ORDER SPAN PIECE: sets ios and ns; starts no process
run_reads() {
	local answer
	echo "$1 $2 $3 $4 $5 $6 1 0 $7" > "$BENCH_RUN"
	read -r answer < "$BENCH_RUN"
	eval "$answer"
	# shellcheck disable=SC2154 # set by that
	[ "$errors" = 0 ] || die "$errors of $ios reads of $1 failed"
}

# The same reads again and again, until it has taken long enough. Sets NS, per read, with two decimals: of the fastest
# time, because whatever else the machine does only adds; and READS, all of them.
measure() {
	local all_ns=0 best=0 ns ios
	run_reads "$@" # for the caches of the CPU
	READS=$ios
	while [ $all_ns -lt "$REPEAT_NS" ]; do
		run_reads "$@"
		all_ns=$((all_ns + ns))
		READS=$((READS + ios))
		[ $best != 0 ] && [ $best -le "$ns" ] || best=$ns
	done
	printf -v NS '%d.%02d' $((best / ios)) $((best * 100 / ios % 100))
}

# measure_hits NAME COUNT DEPTH BYTES ORDER SPAN PIECE: none of them may be anything else
measure_hits() {
	local name=$1 hits origin
	hits=$(corcache_stat "$name" hits)
	origin=$(reads_of_origin)
	shift
	measure "/dev/mapper/$name" "$@"
	hits=$(($(corcache_stat "$name" hits) - hits))
	[ "$hits" = "$READS" ] || die "$name: of $READS reads $hits were hits: $(corcache_stat "$name")"
	[ "$(reads_of_origin)" = "$origin" ] || die "$name: what should be cached was read from the origin"
}

# fill_blocks NAME COUNT SPAN PIECE: until COUNT blocks are valid more than before
fill_blocks() {
	local name=$1 count=$2 want pass
	want=$((${5:-$(corcache_stat "$name" valid)} + count))
	for ((pass = 0; pass < 10; pass++)); do
		run_reads "/dev/mapper/$name" "$2" 4 4096 scattered "$3" "$4"
		corcache_settle "$name"
		[ "$(corcache_stat "$name" valid)" != "$want" ] || return 0
	done
	die "$name does not get warm: $want blocks should be valid: $(corcache_stat "$name")"
}

# ---- hits ----------------------------------------------------------------------

# warm_case TEST CACHE_MIB ORIGIN_BYTES REGION COUNT: one block in each of COUNT regions; a cache of 0.1 GB has 1,472
warm_case() {
	local name=$1 mib=$2 origin=$3 region=$4 count=$5 piece=$(($4 << 9)) data r
	note "warm: $name"
	ram_disks 1 "$mib"
	make_origin "$origin"
	# A region has 64 blocks at most.
	make_cache cc "$origin" "$region" 1 no_checksums 6 policy stop commit_interval 3600000 \
		block_size $((region > 512 ? region / 64 : 8))
	data=$(layout /dev/ram0 data_start)
	fill_blocks cc "$count" "$origin" "$piece"
	[ "$(corcache_stat cc used)" = "$count" ] || die "$(corcache_stat cc used) regions hold $count blocks"
	# The slots are taken in order, and block 0 of each has been written: dm-linear reads these pages.
	make_dm linear "0 $((count * region)) linear /dev/ram0 $data"
	for ((r = 1; r <= ROUNDS; r++)); do
		measure /dev/mapper/linear "$count" 32 4096 scattered $((count * piece)) "$piece"
		result grow "$name" linear "$r" ns "$NS"
		measure_hits cc "$count" 32 4096 scattered "$origin" "$piece"
		result grow "$name" corcache "$r" ns "$NS"
	done
	remove_dm linear
	remove_dm cc
	remove_dm origin
}

test_warm() {
	local name cache origin region count
	while read -r name cache origin region count; do
		[ "$cache" -gt "$(mib_of "$BIG_GB")" ] || warm_case "warm-$name" "$cache" "$origin" "$region" "$count"
	done <<- EOF
		cache-0.1g-origin-1g-1k 96 $GIB 128 1024
		cache-0.1g-origin-1t-1k 96 $TIB 128 1024
		cache-100g-origin-1t-1k $(mib_of 100) $TIB 128 1024
		cache-1g-origin-1g-8k $(mib_of 1) $GIB 128 8192
		cache-10g-origin-16g-8k $(mib_of 10) $((16 * GIB)) 128 8192
		cache-100g-origin-128g-8k $(mib_of 100) $((128 * GIB)) 128 8192
		cache-100g-origin-1t-8k $(mib_of 100) $TIB 128 8192
		cache-100g-origin-64t-4m-8k $(mib_of 100) $((64 * TIB)) 8192 8192
	EOF
}

# An origin of as many regions as there are slots, all of them occupied: any read is a hit.
make_full() { # MIB [features and core arguments]
	local mib=$1 slots
	shift
	ram_disks 1 "$mib"
	make_origin "$GIB"
	make_cache cc "$GIB" $REGION "$@"
	slots=$(corcache_stat cc total)
	remove_dm cc
	remove_dm origin
	wipe /dev/ram0
	BYTES=$((slots * REGION << 9))
	make_origin "$BYTES"
	make_cache cc "$BYTES" $REGION "$@"
	DATA=$(layout /dev/ram0 data_start)
	remove_dm cc
	occupy /dev/ram0 0xffff > /dev/null
	make_cache cc "$BYTES" $REGION "$@"
	[ "$(corcache_stat cc used)" = "$slots" ] || die "the cache is not full: $(corcache_stat cc)"
}

test_full() {
	local name mib r count=65536
	while read -r name mib; do
		[ "$mib" -le "$(mib_of "$BIG_GB")" ] || continue
		note "full: $name"
		make_full "$mib" 1 no_checksums 4 policy stop commit_interval 3600000
		make_dm linear "0 $((BYTES >> 9)) linear /dev/ram0 $DATA"
		for ((r = 1; r <= ROUNDS; r++)); do
			measure /dev/mapper/linear $count 32 4096 random "$BYTES" 4096
			result grow "full-$name" linear "$r" ns "$NS"
			measure_hits cc $count 32 4096 random "$BYTES" 4096
			result grow "full-$name" corcache "$r" ns "$NS"
		done
		remove_dm linear
		remove_dm cc
		remove_dm origin
	done <<- EOF
		0.1g 96
		1g $(mib_of 1)
		10g $(mib_of 10)
		100g $(mib_of 100)
	EOF
}

# ---- activation ----------------------------------------------------------------

# timed NAME resume|remove|message WORDS|load TYPE SECTORS PARAMETERS: sets US and MS, what device-mapper took for it
timed() {
	local us
	us=$("$CORCACHE_IO" timed "$@")
	US=${us#us=}
	printf -v MS '%d.%03d' $((US / 1000)) $((US % 1000))
}

# activate CONTENDER TEST ROUND TYPE SECTORS PARAMETERS: load, resume, remove
activate() {
	dmsetup create act --notable --uuid "CORCACHE-act"
	timed act load "${@:4}"
	result grow "load-$2" "$1" "$3" ms "$MS"
	timed act resume
	result grow "resume-$2" "$1" "$3" ms "$MS"
	[ "$4" != corcache ] || [ "$(corcache_stat act used)" = "$EXPECT_USED" ] ||
		die "$EXPECT_USED slots should be occupied: $(corcache_stat act)"
	timed act remove
	result grow "remove-$2" "$1" "$3" ms "$MS"
}

activate_case() { # CONTENDER GB FEATURES SUFFIX DEVICE
	local contender=$1 gb=$2 features=$3 suffix=$4 device=$5 sectors state r
	# An origin with more regions than there are slots: all of them are occupied.
	sectors=$((gb * 1000000000 / 512 & ~127))
	for state in fresh empty full; do
		EXPECT_USED=0
		[ $state != full ] || EXPECT_USED=$(occupy "$device" 0xffff)
		for ((r = 1; r <= ROUNDS; r++)); do
			[ $state != fresh ] || wipe "$device"
			activate "$contender" "${gb}g-$state$suffix" "$r" \
				corcache "$sectors" "$device /dev/mapper/origin $REGION $features"
		done
	done
	wipe "$device"
}

test_activate() {
	local gb r disk=${LAB_DISKS:-}
	disk=${disk%% *}
	for gb in $(gb_words 1 10 100); do
		note "activate: $gb GB"
		ram_disks 1 "$(mib_of "$gb")"
		make_origin $((gb * 1000000000 / 65536 * 65536))
		for ((r = 1; r <= ROUNDS; r++)); do
			activate linear "${gb}g" "$r" linear 1024 '/dev/ram0 0'
		done
		activate_case corcache "$gb" '1 no_checksums' '' /dev/ram0
		activate_case corcache-crc "$gb" '' '' /dev/ram0
		# A disk, as it is: run.sh -d FILE:100G. Its table lies on it from end to end whatever the cache's size.
		[ -z "$disk" ] || [ "$(blockdev --getsize64 "$disk")" -lt $((gb * 1000000000)) ] ||
			activate_case corcache-crc "$gb" '' -disk "$disk"
		remove_dm origin
	done
}

# ---- memory --------------------------------------------------------------------

# Sets VMALLOC, what the module has in large pieces, SLAB, all small ones of the kernel, and FREE; KiB
memory_now() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
	awk '/dm_corcache/ { for (i = 1; i <= NF; i++) if ($i ~ /^pages=/) n += substr($i, 7) }
		END { print n * 4 }' /proc/vmallocinfo > "$BENCH_TMP/vmalloc"
	awk '$1 == "MemFree:" { f = $2 } $1 == "SUnreclaim:" { s = $2 } $1 == "Percpu:" { p = $2 }
		END { print s + p, f }' /proc/meminfo > "$BENCH_TMP/meminfo"
	read -r VMALLOC < "$BENCH_TMP/vmalloc"
	read -r SLAB FREE < "$BENCH_TMP/meminfo"
}

# memory_case MIB ORIGIN_BYTES [features]: sets OURS, what was allocated by the module or in slabs, GONE, what is not free
# any more, and SLOTS
memory_case() {
	local mib=$1 origin=$2 before_ours before_free
	shift 2
	ram_disks 1 "$mib"
	make_origin "$origin"
	# Once before, so that whatever is allocated once is.
	make_cache cc "$origin" $REGION "$@"
	remove_dm cc
	memory_now
	before_ours=$((VMALLOC + SLAB)) before_free=$FREE
	make_cache cc "$origin" $REGION "$@"
	memory_now
	OURS=$((VMALLOC + SLAB - before_ours)) GONE=$((before_free - FREE))
	SLOTS=$(corcache_stat cc total)
	remove_dm cc
	remove_dm origin
}

per() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }

# slope KIB_MORE NUMBER_MORE
slope() { per $(($1 * 1024)) "$2"; }

test_memory() {
	local name small big slots slot region
	local -A ours=() slots_of=()
	big=$(mib_of "$BIG_GB") small=$(mib_of $((BIG_GB / 10)))
	while read -r name mib origin features; do
		note "memory: $name"
		# shellcheck disable=SC2086 # words
		memory_case "$mib" "$origin" $features
		ours[$name]=$OURS slots_of[$name]=$SLOTS
		result grow "memory-$name" corcache 1 KiB "$OURS"
		result grow "memory-$name-memfree" corcache 1 KiB "$GONE"
	done <<- EOF
		small $small $((128 * GIB)) 1 no_checksums
		big $big $((128 * GIB)) 1 no_checksums
		large-origin $small $TIB 1 no_checksums
		small-crc $small $((128 * GIB))
		big-crc $big $((128 * GIB))
	EOF
	slots=$((slots_of[big] - slots_of[small]))
	slot=$(slope $((ours[big] - ours[small])) $slots)
	region=$(slope $((ours[large-origin] - ours[small])) $(((TIB - 128 * GIB) / 65536)))
	result grow memory-cache-region corcache 1 bytes "$slot"
	result grow memory-origin-region corcache 1 bytes "$region"
	result grow memory-block corcache-crc 1 bytes \
		"$(slope $((ours[big-crc] - ours[big] - ours[small-crc] + ours[small])) $((slots * 16)))"
	result grow memory-fixed corcache 1 KiB "$(awk -v all="${ours[small]}" -v slots="${slots_of[small]}" -v slot="$slot" \
		-v regions=$((128 * GIB / 65536)) -v region="$region" \
		'BEGIN { printf "%.0f", all - (slots * slot + regions * region) / 1024 }')"
}

# ---- commits -------------------------------------------------------------------

# The cache lies on a dm-linear whose statistics tell what was written where. Flushes are in none of them: they are
# traced. A device without a volatile cache, like a RAM disk, gets none, so the last MiB is on a loop device, which has
# one; round 0 counts, and in the others, in which time is taken, the device says that it has none.
TRACING=/sys/kernel/tracing

make_below() { # SECTORS
	truncate -s 1M "$BENCH_TMP/last"
	LOOP=$(losetup -f --show "$BENCH_TMP/last")
	dmsetup create below <<- EOF
		0 $(($1 - 2048)) linear /dev/ram0 0
		$(($1 - 2048)) 2048 linear $LOOP 0
	EOF
	dmsetup mknodes below
}

say_volatile() { echo "$1" > "/sys/dev/block/$(device_number below)/queue/write_cache"; } # write back|write through

trace_flushes() {
	local major minor
	[ -e $TRACING/trace ] || mount -t tracefs tracefs $TRACING
	IFS=: read -r major minor <<< "$(device_number below)"
	echo "dev == $((major << 20 | minor)) && nr_sector == 0" > $TRACING/events/block/block_bio_queue/filter
	echo 1 > $TRACING/events/block/block_bio_queue/enable
}

# Since the last time: sets META_WRITES and META_BYTES, those to the table, and FLUSHES.
written() {
	dmsetup message below 0 @stats_print_clear 0 | awk '{ print $6, $8 * 512 }' > "$BENCH_TMP/written"
	read -r META_WRITES META_BYTES < "$BENCH_TMP/written"
	FLUSHES=$(grep -c block_bio_queue: $TRACING/trace || true)
	echo > $TRACING/trace
}

# commit_case TEST CONTENDER ROUND FILLS: all that is dirty, and then nothing
commit_case() {
	written
	timed cc message commit
	written
	[ "$META_WRITES" != 0 ] || die "a commit of $4 fills has written nothing"
	if [ "$3" = 0 ]; then
		[ "$FLUSHES" -ge 2 ] || die "a commit of $4 fills has flushed $FLUSHES times"
		result grow "$1" "$2" 1 flushes "$FLUSHES"
		result grow "$1" "$2" 1 writes "$META_WRITES"
		result grow "$1" "$2" 1 bytes-per-fill "$(per "$META_BYTES" "$4")"
		timed cc message commit
		written
		[ $((META_WRITES + FLUSHES)) = 0 ] || die "a commit of nothing has written something"
	else
		result grow "$1" "$2" "$3" us "$US"
		timed cc message commit
		result grow "$1-nothing" "$2" "$3" us "$US"
	fi
}

# commit_round CONTENDER KIND ROUND [features]: KIND "new": blocks of regions that were not there, whose slots are
# neighbours; "old": of regions that are all there, in mixed order, so that each is in a table sector of its own;
# "sequential": whole regions, one after another
commit_round() {
	local contender=$1 kind=$2 r=$3 origin=$((64 * GIB)) n all=0 before
	shift 3
	CACHE=/dev/mapper/below
	wipe $CACHE
	make_cache cc "$origin" $REGION "$@"
	if [ "$kind" = old ]; then
		remove_dm cc
		occupy $CACHE 2 > /dev/null
		make_cache cc "$origin" $REGION "$@"
	fi
	before=$(corcache_stat cc valid)
	for n in 1 100 10000; do
		all=$((all + n))
		if [ "$kind" = sequential ]; then
			[ $n != 10000 ] || break
			reads /dev/mapper/cc $all 1 65536 sequential $((1 << 30)) 1
			corcache_settle cc
			[ "$(corcache_stat cc valid)" = $((before + all * 16)) ] || die "not all is cached: $(corcache_stat cc)"
		else
			fill_blocks cc $all "$origin" 65536 "$before"
		fi
		commit_case "commit-$kind-$n" "$contender" "$r" $n
	done
	remove_dm cc
	unset CACHE
}

test_commit() {
	local r kind size data
	note "commit"
	ram_disks 1 "$(mib_of "$BIG_GB")"
	size=$(blockdev --getsz /dev/ram0)
	make_origin $((64 * GIB))
	make_below "$size"
	trace_flushes
	for contender in corcache corcache-crc; do
		features='1 no_checksums'
		[ $contender = corcache ] || features=0
		# shellcheck disable=SC2086 # words
		CACHE=/dev/mapper/below make_cache cc $((64 * GIB)) $REGION $features
		data=$(layout /dev/mapper/below data_start)
		remove_dm cc
		dmsetup message below 0 @stats_create "2048+$((data - 2048))" /1 > /dev/null
		for ((r = 0; r <= ROUNDS; r++)); do
			say_volatile "$([ $r = 0 ] && echo 'write back' || echo 'write through')"
			for kind in new old sequential; do
				# shellcheck disable=SC2086 # words
				commit_round $contender $kind "$r" ${features} 2 commit_interval 3600000
			done
		done
		dmsetup message below 0 @stats_delete 0
		wipe /dev/mapper/below
	done
	echo 0 > $TRACING/events/block/block_bio_queue/enable
	remove_dm below
	losetup -d "$LOOP"
	remove_dm origin
}

main() {
	local t
	load_modules
	modprobe -q dm-zero || true
	for t in $TESTS; do
		"test_$t"
	done
}

main
