#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The corcache tool on live devices: create, the messages, remove, list, switch-origin; what the kernel refuses is
# told with its own line and a remedy, and nothing is changed then.
# timeout=900
. "$(dirname "$0")/lib.sh"

# an image on a loop device, in ORIGIN: the pattern, from byte SHIFT on
image() { # NAME MIB [SHIFT]
	mkloop "$T/$1" "$2M"
	ORIGIN=$LOOP
	"$IO" stamp "$ORIGIN" --shift "${3:-0}" >/dev/null
}

create() { # NAME CACHE WORD...
	record dm "$1"
	record cache "$2"
	DEV=/dev/mapper/$1
	tool_ok create "$1" --origin "$ORIGIN" --cache "$2" "${@:3}"
	[ ! -s "$T/out" ] || fail "create wrote to stdout: $(cat "$T/out")"
}

absent() { ! dmsetup info "$1" >/dev/null 2>&1; }

create_defaults() {
	image origin 16
	mkcache 16
	create cc "$CACHE"
	expect "read-only" "$(dmsetup info -c --noheadings -o readonly cc)" = Read-only
	expect "UUID" "$(dmsetup info -c --noheadings -o uuid cc)" = CORCACHE-cc
	expect "size" "$(sectors "$DEV")" = 32768
	expect_status cc region = 128
	expect_status cc block = 8
	[[ $(dmsetup table cc) = "0 32768 corcache "*" policy adaptive commit_interval 1000 max_errors 100" ]] ||
		fail "table: $(dmsetup table cc)"
	read_ok "$DEV" 0 2M
	settle cc
	tool_ok remove cc
	absent cc || fail "it is still there"
	create cc "$CACHE"
	expect_hits cc "$DEV" 0 2M
}

create_all_options() {
	local table

	image origin 16
	mkcache 16
	create cc "$CACHE" --size 8M --quota 4M --region 128K --block 8K --policy stop --commit-interval 500 --max-errors 7 \
		--origin-id sha256:0123 --no-checksums --discard
	table=$(dmsetup table cc)
	[[ $table = "0 16384 corcache "*" 256 2 no_checksums discard 12 block_size 16 quota 8192 policy stop commit_interval 500 max_errors 7 origin_id sha256:0123" ]] ||
		fail "table: $table"
	read_ok "$DEV" 0 1M
	# a block that follows the region
	mkcache 16
	create large "$CACHE" -r 1M
	expect_status large block = 32
}

messages() {
	image origin 16
	mkcache 16
	create cc "$CACHE"
	read_ok "$DEV" 0 4M
	settle cc
	tool_ok commit cc
	tool_ok quota cc
	expect "quota" "$(cat "$T/out")" = $(($(status_get cc quota) * 65536))
	tool_ok evict cc 0 1M
	expect_status cc valid = 768
	tool_ok pin cc 1M 512K
	expect_status cc pinned = 8
	tool_ok unpin cc 1M 256K
	expect_status cc pinned = 4
	tool_ok quota cc 2M
	expect_status cc quota = 32
	expect_status cc used -le 32
	tool_ok reset-stats cc
	expect_status cc reads = 0
	tool_ok evict cc --all
	expect_status cc valid = 0
	tool_ok recover cc
	expect_status cc mode = active
}

list_all() {
	image origin 16
	tool_ok list
	expect "list of nothing" "$(cat "$T/out")" = ''
	mkcache 16
	create b1 "$CACHE"
	mkcache 16
	create a1 "$CACHE" -q 1M
	mkdm other "0 2048 error"
	tool_ok list --names
	expect "names" "$(tr '\n' ' ' <"$T/out")" = 'a1 b1 '
	tool_ok list
	grep -qE '^a1 +active +16 MiB +0 B +1 MiB +' "$T/out" || fail "list: $(cat "$T/out")"
	tool_ok list --json
	expect "JSON" "$(jq -c '[.version, (.devices[] | .name, .mode, .size_bytes, .uuid)]' "$T/out")" = \
		'[1,"a1","active",16777216,"CORCACHE-a1","b1","active",16777216,"CORCACHE-b1"]'
	tool_fails 4 "'other' is no corcache device: its target is 'error'" commit other
	tool_fails 4 "'other' is no corcache device" remove other
	tool_fails 4 "no device 'none'" quota none
}

removed() { absent "$1"; }

remove_busy() {
	image origin 16
	mkcache 16
	create cc "$CACHE"
	exec 7<"$DEV"
	tool_fails 5 "in use: process $BASHPID .*--deferred" remove cc
	exec 7<&-
	mkdm above "0 2048 linear $DEV 0" --readonly
	tool_fails 5 "in use: device above" remove cc
	tool_ok remove --deferred cc
	! absent cc || fail "it was removed in use"
	dmremove above
	wait_for 20 "end of cc" removed cc
	create cc "$CACHE"
	mkcache 16
	create c2 "$CACHE"
	tool_fails 4 "no device 'none'" remove none cc c2
	if ! absent cc || ! absent c2; then fail "the others are still there"; fi
}

# refused STATUS REGEX WORD...: create cc fails, and nothing has become of it
refused() {
	local want=$1 regex=$2 before

	shift 2
	before=$("$IO" hash "$CACHE")
	tool_fails "$want" "$regex" create cc "$@"
	absent cc || fail "a device is left"
	expect "cache device" "$("$IO" hash "$CACHE")" = "$before"
}

refusals_of_devices() {
	local tiny

	image origin 16
	mkloop "$T/tiny" 1M
	tiny=$LOOP
	mkcache 16
	record dm cc
	refused 1 "same device.*name two devices" -o "$CACHE" -c "$CACHE"
	refused 4 "more than 4096.*larger one than $tiny" -o "$ORIGIN" -c "$tiny"
	refused 4 "No such file" -o "$ORIGIN" -c /dev/nothing
	refused 4 "is a file.*losetup" -o "$T/origin" -c "$CACHE"
	refused 4 "has 16777216 bytes only" -o "$ORIGIN" -c "$CACHE" --size 17M
	refused 1 "quota 32768 is more than the data area.*without --quota" -o "$ORIGIN" -c "$CACHE" -q 16M
	printf data | dd of="$CACHE" seek=4 conv=notrunc status=none
	refused 4 "holds data .sector 4.*corcache wipe $CACHE" -o "$ORIGIN" -c "$CACHE"
	printf '\0\0\0\0' | dd of="$CACHE" seek=4 conv=notrunc status=none
	mkdm above "0 2048 linear $CACHE 0"
	refused 5 "device above|held by above" -o "$ORIGIN" -c "$CACHE"
	dmremove above
	blockdev --setro "$CACHE"
	refused 4 "blockdev --setrw $CACHE" -o "$ORIGIN" -c "$CACHE"
	blockdev --setrw "$CACHE"
	create cc "$CACHE"
	tool_fails 5 "'cc' exists already" create cc -o "$ORIGIN" -c "$tiny"
	tool_fails 5 "corcache device cc.*cache device of its own" create c2 -o "$ORIGIN" -c "$CACHE"
	absent c2 || fail "a device is left"
}

refusals_of_caches() {
	image origin 16
	mkcache 16
	create cc "$CACHE" --origin-id v1
	read_ok "$DEV" 0 1M
	settle cc
	tool_ok remove cc
	set -- -o "$ORIGIN" -c "$CACHE"
	refused 4 "origin_id of the cache is v1, the table says v2.*another version.*corcache wipe $CACHE" "$@" -i v2
	refused 4 "origin_id of the cache is v1, the table says .none." "$@"
	refused 4 "length of the cache is 32768.*corcache wipe $CACHE" "$@" -i v1 --size 8M
	refused 4 "region size of the cache is 128.*give --region" "$@" -i v1 -r 128K
	refused 4 "block_size of the cache is 8.*give --block" "$@" -i v1 -b 8K
	refused 4 "formatted with checksums.*leave --no-checksums out" "$@" -i v1 --no-checksums
	create cc "$CACHE" --origin-id v1
	expect_hits cc "$DEV" 0 1M
	tool_ok remove cc
	offline_now "$CACHE"
	"$IO" super "$CACHE" both version 9
	refused 4 "format version is 9.*newer module" "$@" -i v1
	"$IO" super "$CACHE" both version 1
	"$IO" flip "$CACHE" 100 1
	"$IO" flip "$CACHE" $((16 * 1048576 - 4096 + 100)) 1
	refused 4 "superblock: checksum is wrong.*corcache wipe $CACHE" "$@" -i v1
}

refusals_of_messages() {
	local table

	image origin 16
	mkloop "$T/low" 16M
	mkdm low "0 32768 linear $LOOP 0"
	create cc /dev/mapper/low --commit-interval 3600000
	offline_skip /dev/mapper/low "it errs"
	tool_fails 1 "message quota: 32768 is not between.*corcache status cc" quota cc 16M
	tool_fails 1 "sectors 32768 to 32775 are not within.*bytes" evict cc 16M 4K
	tool_ok quota cc 1M
	tool_fails 4 "15 regions would be pinned|16 regions would be pinned" pin cc 0 1M
	dmsetup suspend cc
	tool_fails 5 "'cc' is suspended" commit cc
	dmsetup resume cc
	table=$(dmsetup table cc)
	read_ok "$DEV" 0 64K
	settle cc
	reload_dm low "0 32768 error"
	tool_fails 4 "corcache status cc" commit cc
	tool_fails 4 "cannot change 'cc': device-mapper: corcache: cc: message recover: " recover cc
	expect "table" "$(dmsetup table cc)" = "$table"
}

no_module() {
	[ -n "${CORCACHE_KO:-}" ] || skip "the module is not to be loaded from a file"
	image origin 16
	mkcache 16
	rmmod dm_corcache
	mkdir "$T/bin"
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\necho "modprobe: ERROR: could not insert '"'dm_corcache'"': $SAID" >&2\nexit 1\n' >"$T/bin/modprobe"
	chmod +x "$T/bin/modprobe"
	PATH=$T/bin:$PATH SAID="Key was rejected by service" \
		tool_fails 2 "Secure Boot.*mokutil" create cc -o "$ORIGIN" -c "$CACHE"
	PATH=$T/bin:$PATH SAID="Exec format error" \
		tool_fails 4 "another kernel.*dkms" create cc -o "$ORIGIN" -c "$CACHE"
	if ! modinfo dm-corcache >/dev/null 2>&1; then
		tool_fails 4 "not installed for this kernel: install" create cc -o "$ORIGIN" -c "$CACHE"
	fi
	absent cc || fail "a device is left"
	insmod "$CORCACHE_KO"
	create cc "$CACHE"
}

# two equal images, in A and B, and another one, in C
three_images() {
	image a 16
	A=$ORIGIN
	image b 16
	B=$ORIGIN
	image c 16 1M
	C=$ORIGIN
	ORIGIN=$A
	mkcache 16
}
origin_of() { dmsetup table "$1" | cut -d ' ' -f 5; }
number_of() { printf '%d:%d\n' "0x$(stat -c %t "$1")" "0x$(stat -c %T "$1")"; }

switch_same() {
	local table

	three_images
	create cc "$CACHE"
	read_ok "$DEV" 0 4M
	settle cc
	tool_ok commit cc
	table=$(dmsetup table cc)
	load reader "$DEV" --start 0 --length 8M
	tool_ok switch-origin cc "$B"
	[ ! -s "$T/out" ] || fail "it wrote to stdout"
	expect_load reader
	expect "table" "$(dmsetup table cc)" = "${table/ $(number_of "$A") / $(number_of "$B") }"
	expect_status cc mode = active
	job_stop reader
	expect_hits cc "$DEV" 0 4M
	# the one that it has
	tool_ok switch-origin cc "$B"
	expect_status cc mode = active
}

switch_other() {
	local table

	three_images
	create cc "$CACHE"
	read_ok "$DEV" 0 4M
	settle cc
	tool_ok commit cc
	table=$(dmsetup table cc)
	tool_fails 4 "'$C' is another image than was cached: sector [0-9]+ differs; nothing was changed" switch-origin cc "$C"
	mkloop "$T/short" 8M
	tool_fails 4 "'$LOOP' has 8388608 bytes, the image 16777216" switch-origin cc "$LOOP"
	tool_fails 4 "is a file" switch-origin cc "$T/b"
	tool_fails 1 "no whole number" switch-origin cc "$B" --timeout soon
	expect "table" "$(dmsetup table cc)" = "$table"
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 4M
}

# Without checksums only the target itself can compare.
switch_other_no_checksums() {
	three_images
	create cc "$CACHE" --no-checksums
	read_ok "$DEV" 0 4M
	settle cc
	tool_ok commit cc
	tool switch-origin cc "$C"
	note "$(cat "$T/err")"
	expect "status" "$ST_RC" = 4
	grep -q "is another image than was cached.*'cc' is back on its old origin" "$T/err" || fail "said: $(cat "$T/err")"
	expect "origin" "$(origin_of cc)" = "$(number_of "$A")"
	checked cc
	expect_status cc mode = active
	expect_hits cc "$DEV" 0 4M
}

run_cases create_defaults create_all_options messages list_all remove_busy refusals_of_devices refusals_of_caches \
	refusals_of_messages no_module switch_same switch_other switch_other_no_checksums
