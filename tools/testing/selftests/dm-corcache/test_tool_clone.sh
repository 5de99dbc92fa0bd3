#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_tool_clone - corcache clone and unclone: a VM's disk on top of a corcache device, as a qcow2 file and as a
# thin device of a pool of lvm2.  Making it reads nothing of the image; what is not written is the image's; nothing is
# left of it at the end; and what somebody else has made is left alone.
# timeout=600
. "$(dirname "$0")/lib.sh"

LEN=32768	# 16 MiB
BASE=/dev/mapper/cc

has() { type -P "$1" >/dev/null || skip "$1 is not installed"; }

base() {
	remote_start origin $((LEN * 512))
	mkcache 24
	mkcorcache cc "$CACHE" "$ORIGIN" "$LEN" 128
}

# value JQ-EXPRESSION: of what the tool has printed
value() { jq -r "$1" "$T/out"; }

qemu_io() { qemu-io -f qcow2 "$@" >"$T/qemu-io.out" 2>&1 || fail "qemu-io $*: $(cat "$T/qemu-io.out")"; }

begin_file() {
	has qemu-img
	has qemu-io
	base
	mkdir "$T/store"
	FILE=$T/store/vm1.qcow2
}

clone_file() {
	begin_file
	tool_ok clone cc vm1 --store "$T/store" --size 20M --json
	expect "version" "$(value .version)" = 1
	expect "path" "$(value .path)" = "$FILE"
	expect "size" "$(value .bytes)" = $((20 << 20))
	expect "number" "$(value .number)" = null
	expect "words for QEMU" "$(value .qemu)" = "-drive file=$FILE,format=qcow2,if=virtio,discard=unmap"
	value .libvirt >"$T/xml"
	has_line "<source file='$FILE'/>" <"$T/xml" || fail "libvirt: $(cat "$T/xml")"
	# neither making it nor a write of 4 KiB reads the image
	qemu_io -c 'write -P 0x5a 8M 4k' -c 'write -P 0xa5 17M 64k' "$FILE"
	expect_status cc reads = 0
	expect_status cc origin_bytes = 0
	qemu_io -c 'read -P 0x5a 8M 4k' -c 'read -P 0xa5 17M 64k' -c 'read -P 0 18M 1M' "$FILE"
	# and the rest is the image's
	qemu-img convert -O raw "$FILE" "$T/raw"
	expect "bytes that differ from the image" "$(cmp -l -n $((LEN * 512)) "$T/raw" "$BASE" | wc -l)" -le 4096
	cmp -n $((8 << 20)) "$T/raw" "$BASE" || fail "before what was written"
	cmp -i $(((8 << 20) + 4096)) -n $(((8 << 20) - 4096)) "$T/raw" "$BASE" || fail "behind what was written"
	qemu_io -c 'discard 8M 4k' "$FILE"
	tool_ok unclone vm1 --store "$T/store"
	expect "files left" "$(ls "$T/store")" = ''
	tool_fails 4 "there is no clone 'vm1' in" unclone vm1 --store "$T/store"
}

clone_file_refusals() {
	begin_file
	tool_fails 4 "nowhere" clone nowhere vm1 --store "$T/store"
	tool_fails 1 "less than 'cc' has" clone cc vm1 --store "$T/store" --size 8M
	tool_fails 1 "no multiple of 512" clone cc vm1 --store "$T/store" --size 20000001
	tool_fails 1 "no name for a clone" clone cc ../vm1 --store "$T/store"
	tool_fails 4 "cannot write in" clone cc vm1 --store "$T/none"
	tool_fails 1 "neither a directory" clone cc vm1 --store "a/b/c"
	expect "files" "$(ls "$T/store")" = ''
	tool_ok clone cc vm1 --store "$T/store"
	tool_fails 5 "exists already" clone cc vm1 --store "$T/store"
	# a VM runs on it
	mkfifo "$T/commands"
	exec 7<>"$T/commands"
	job vm qemu-io -f qcow2 "$FILE" <"$T/commands"
	wait_for 30 "lock" is_locked
	tool_fails 5 "a VM uses it" unclone vm1 --store "$T/store"
	echo quit >&7
	job_end vm 30
	exec 7>&-
	[ -e "$FILE" ] || fail "it was removed while it was in use"
	# not a clone
	qemu-img create -q -f qcow2 "$T/store/other.qcow2" 1M
	tool_fails 4 "no clone of a corcache device" unclone other --store "$T/store"
	[ -e "$T/store/other.qcow2" ] || fail "it was removed"
	tool_ok unclone vm1 --store "$T/store"
}
is_locked() { ! qemu-img info "$FILE" >/dev/null 2>&1; }

# Group "group" with the pool "pool-1" of 32 MiB: names with a hyphen are others in device-mapper.
begin_thin() {
	local dm

	has lvcreate
	has thin_check
	need_target thin-pool dm-thin-pool
	base
	mkdir "$T/lvm"
	printf '%s\n' 'devices { scan_lvs=0 global_filter=["a|/dev/loop|","r|.*|"] }' 'activation { monitoring=0 }' \
		'backup { backup=0 archive=0 }' 'global { event_activation=0 }' >"$T/lvm/lvm.conf"
	export LVM_SYSTEM_DIR=$T/lvm
	mkloop "$T/disk" 64M
	record rm /dev/group
	for dm in group-pool--1_tmeta group-pool--1_tdata group-pool--1-tpool group-pool--1 vm1; do record dm "$dm"; done
	{
		vgcreate -q group "$LOOP" &&
			lvcreate -q -y --type thin-pool -L 32M --chunksize 64K -n pool-1 group
	} >"$T/lvm.out" 2>&1 || fail "lvm2: $(cat "$T/lvm.out")"
}

volumes() { lvs --noheadings -o lv_name -S "segtype=thin" group | tr -d ' \n'; }

clone_thin() {
	begin_thin
	tool_ok clone cc vm1 --store group/pool-1 --size 20M --json
	expect "path" "$(value .path)" = /dev/mapper/vm1
	expect "number" "$(value .number)" = "$(dmsetup info -c --noheadings --separator : -o major,minor vm1)"
	expect "words for QEMU" "$(value .qemu)" = "-drive file=/dev/mapper/vm1,format=raw,if=virtio,discard=unmap"
	expect "UUID" "$(dmsetup info -c --noheadings -o uuid vm1)" = clone-CORCACHE-vm1
	expect "size" "$(sectors /dev/mapper/vm1)" = 40960
	# a volume that is active would be zeros where it has nothing
	expect "volume" "$(lvs --noheadings -o lv_active group/vm1 | tr -d ' ')" = ''
	vgchange -q -ay group >/dev/null 2>&1
	expect "volume" "$(lvs --noheadings -o lv_active group/vm1 | tr -d ' ')" = ''
	expect_status cc origin_bytes = 0
	read_ok /dev/mapper/vm1 0 16M
	printf 'a guest was here' | dd of=/dev/mapper/vm1 bs=4096 seek=100 conv=sync oflag=direct status=none
	expect "what was written" "$(dd if=/dev/mapper/vm1 bs=16 skip=25600 count=1 status=none)" = "a guest was here"
	read_ok /dev/mapper/vm1 1M 15M
	read_ok "$BASE" 0 16M
	expect "beyond the image" "$(dd if=/dev/mapper/vm1 bs=1M skip=16 status=none | tr -d '\0' | wc -c)" = 0
	tool_fails 5 "exists already" clone cc vm1 --store group
	# as after a restart of the host; the only pool need not be named
	dmremove vm1
	tool_ok clone cc vm1 --store group
	expect "what was written" "$(dd if=/dev/mapper/vm1 bs=16 skip=25600 count=1 status=none)" = "a guest was here"
	"$(type -P blkdiscard)" -o 1M -l 8M /dev/mapper/vm1
	exec 8</dev/mapper/vm1
	tool_fails 5 "in use" unclone vm1
	exec 8<&-
	expect "volumes" "$(volumes)" = vm1
	tool_ok unclone vm1
	expect "volumes" "$(volumes)" = ''
	! dmsetup info vm1 >/dev/null 2>&1 || fail "the device is still there"
	tool_fails 4 "there is no clone" unclone vm1
}

clone_thin_refusals() {
	begin_thin
	tool_fails 4 "nogroup" clone cc vm1 --store nogroup
	tool_fails 4 "no-pool" clone cc vm1 --store group/no-pool
	expect "volumes" "$(volumes)" = ''
	# a volume of that name, and no clone
	lvcreate -q -y -an -ky -Wn -n vm1 -V 16M --thinpool group/pool-1 >/dev/null 2>&1
	tool_fails 4 "vm1" clone cc vm1 --store group/pool-1
	tool_fails 4 "there is no clone" unclone vm1
	expect "volumes" "$(volumes)" = vm1
	lvremove -q -y group/vm1 >/dev/null 2>&1
	# of another image
	tool_ok clone cc vm1 --store group/pool-1
	dmremove vm1
	dmsetup rename cc other
	record dm other
	tool_fails 4 "clone of another image" clone other vm1 --store group/pool-1
	expect "volumes" "$(volumes)" = vm1
	tool_ok unclone vm1
	expect "volumes" "$(volumes)" = ''
}

run_cases clone_file clone_file_refusals clone_thin clone_thin_refusals
