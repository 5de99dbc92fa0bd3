#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_offline.sh - dump, check, verify, wipe and probe of cache devices that are not in use: files that are made of the
# fixtures of the selftests, whole and damaged in each part. golden/offline-* is what the whole ones give; GOLDEN=write
# makes these files anew.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

SELFTESTS=$TOP/tools/testing/selftests/dm-corcache
GOLDEN_DIR=$TOOL_HERE/golden
IO=$CORCACHE_BUILD/selftests/corcache_io
# shellcheck source=tools/testing/selftests/dm-corcache/fixtures.sh
. "$SELFTESTS/fixtures.sh"

PATH=$PATH:/usr/sbin:/sbin
FIXTURES='4kn hints no-checksums origin-id region-256k region-4k region-64k'
MIB=1048576

# fixture NAME: as the file ./cache
fixture() {
	local file=$SELFTESTS/fixtures/v1-$1.hex
	rm -f cache
	truncate -s "$(fixture_bytes "$file")" cache
	"$IO" restore cache "$file"
}

image() { fixture_image 1995 image; }

# golden NAME: the file out is what it was
golden() {
	if [ "${GOLDEN:-}" = write ]; then cp out "$GOLDEN_DIR/$1"; fi
	diff "$GOLDEN_DIR/$1" out || fail "$1: not as in $GOLDEN_DIR"
}

# flip FILE BYTE [BIT]
flip() { "$IO" flip "$1" "$2" "${3:-0}"; }

zero() { dd if=/dev/zero of="$1" bs=512 seek="$2" count="$3" conv=notrunc status=none; }

field() { "$TOOL" dump --json cache | jq -r "$1"; }

# said REGEX: a line on stdout
said() { grep -qE -- "$1" out || fail "said '$(cat out)', expected $1"; }

# nothing but what the command is for is changed
unchanged() { # WORD...
	local before
	before=$(sha256sum cache)
	tool "$@"
	expect "the file after $*" "$(sha256sum cache)" "$before"
}

# ---- whole ones ----

dump_as_ever() {
	local name
	for name in $FIXTURES; do
		fixture "$name"
		LC_ALL=de_DE.UTF-8 "$TOOL" dump --json --entries cache > json
		expect "lines" "$(wc -l < json)" 1
		jq -e '.version == 1' json > /dev/null || fail "no version 1"
		expect "$name" "entries=$(jq .counts.used_slots json) blocks=$(jq .counts.valid_blocks json)" \
			"$(fixture_field "$SELFTESTS/fixtures/v1-$name.hex" found)"
		jq -cS . json
		"$TOOL" dump cache
	done > out
	golden offline-dump.txt
	fixture hints
	expect_end 0 dump --entries cache
	[ ! -s err ] || fail "wrote to stderr: $(cat err)"
	golden offline-dump-entries.txt
}

check_as_ever() {
	local name
	for name in $FIXTURES; do
		fixture "$name"
		"$TOOL" check cache || fail "check of $name: status $?"
		[ "$name" = no-checksums ] || "$TOOL" check --blocks cache || fail "check --blocks of $name: status $?"
	done > out
	golden offline-check.txt
	unchanged check --blocks cache
}

verify_as_ever() {
	local name
	image
	for name in $FIXTURES; do
		fixture "$name"
		[ "$name" = no-checksums ] || "$TOOL" verify ./cache || fail "verify of $name: status $?"
		"$TOOL" verify ./cache --origin image --json > json || fail "verify of $name with its origin: status $?"
		jq -cS . json
	done > out
	golden offline-verify.txt
	unchanged verify ./cache --origin image
}

probe_as_ever() {
	local name
	for name in $FIXTURES; do
		fixture "$name"
		"$TOOL" probe --export cache || fail "probe of $name: status $?"
	done > out
	golden offline-probe.txt
	# what udev imports: one word, KEY=value, no quotes and nothing that a shell would see
	if grep -vE '^ID_[A-Z_]+=[A-Za-z0-9#+.:=@_/\\-]*$' out; then fail "not fit for udev"; fi
}

# the first 4 KiB are all that it needs
probe_reads_4k() {
	fixture origin-id
	truncate -s 4096 cache
	expect_end 0 probe cache
	said '^ID_FS_TYPE=corcache$'
	said '^ID_CORCACHE_STATE=shrunk$'
	if grep -q UUID out; then fail "a UUID of what is not whole"; fi
}

# ---- damage ----

# bytes of each part of both superblocks: the damage is seen, and the other one speaks for it
damaged_superblock() {
	local at start
	fixture region-64k
	for start in 0 $((8184 * 512)); do
		for at in 0 9 13 16 31 35 60 70 100 115 130 200 300 511; do
			flip cache $((start + at)) $((at % 8))
			expect_end 4 check cache
			tool dump cache
			expect "dump" "$status" 0
			said '^used: .* 5 of 16 slots, 43 valid'
			flip cache $((start + at)) $((at % 8))
		done
	done
	expect_end 0 check cache
	flip cache 20
	expect_end 4 check cache
	said 'first superblock is damaged: the copy in sector 8184 speaks for it'
	expect state "$(field .state)" copy
	expect "first superblock" "$(field .superblocks.first.state)" damaged
	expect_end 0 probe cache
	said '^ID_CORCACHE_STATE=damaged$'
	# both
	flip cache $((8184 * 512 + 20))
	expect_end 4 check cache
	expect_end 4 dump cache
	expect_end 4 verify ./cache
}

damaged_magic() {
	fixture region-64k
	flip cache 3
	expect_end 4 check cache
	expect state "$(field .state)" copy
	expect_end 2 probe cache
	[ ! -s out ] || fail "wrote to stdout"
}

copy_of_another_formatting() {
	fixture region-4k
	cp cache other
	fixture region-64k
	dd if=other of=cache bs=512 skip=8184 seek=8184 count=8 conv=notrunc status=none
	expect_end 4 check cache
	said 'two superblocks differ'
	zero cache 8184 8
	expect_end 4 check cache
	said 'copy of the superblock, sector 8184, is missing'
	expect state "$(field .state)" good
}

# bytes of each part of a sector of the table
damaged_table() {
	local at
	fixture region-64k
	for at in 0 3 4 8 15 16 31 32 36 47 48 60 111 112 200 400 511; do
		flip cache $((MIB + at)) $((at % 8))
		expect_end 4 check cache
		said 'table sector 0 .*its checksum does not hold'
		flip cache $((MIB + at)) $((at % 8))
	done
	expect_end 0 check cache
	flip cache $((MIB + 100))
	expect "damaged sectors" "$(field .counts.damaged_sectors)" 1
	expect "used" "$(field .counts.used_slots)" 0
	expect "what is damaged" "$(field '.damage[0].kind')" sector
	expect_end 4 verify ./cache
	said 'table: sector 0 is damaged'
}

damaged_entry() {
	fixture region-64k
	"$IO" forge cache 2 entry
	expect_end 4 check cache
	said 'entry of slot 2 \(table sector 0\) makes no sense'
	expect "damaged entries" "$(field .counts.damaged_entries)" 1
	expect "used" "$(field .counts.used_slots)" 4
}

# as a crash leaves it: told, and no error
region_in_two_slots() {
	fixture region-64k
	"$IO" forge cache 2 duplicate
	expect_end 0 check cache
	said 'region 3 is in slots 2 and [0-9]+'
}

# one bit of each valid block
damaged_data() {
	local slot=0 region block sector
	fixture region-4k
	"$TOOL" dump --json --entries cache | jq -r '.entries[] | "\(.slot) \(.region) \(.data_sector)"' > slots
	[ -s slots ] || fail "no slots"
	while read -r slot region sector; do
		block=$((region * 8))
		flip cache $((sector * 512 + region % 4096)) 5
		expect_end 0 check cache
		expect_end 4 check --blocks cache
		said "\\(sector $block of the origin, slot $slot, sector $sector\\): its checksum"
		expect_end 4 verify ./cache --json
		expect "wrong" "$(jq -c '[.wrong_blocks, .faults[0].origin_sector, .faults[0].kind]' out)" "[1,$block,\"checksum\"]"
		flip cache $((sector * 512 + region % 4096)) 5
	done < slots
	expect_end 0 verify ./cache
}

# with a checksum that fits, or without any: the origin tells
wrong_content() {
	image
	fixture region-64k
	"$IO" forge cache 2 content
	expect_end 0 verify ./cache
	expect_end 4 verify ./cache --origin image
	said '^content: origin sector 384, 8 sectors \(slot 2, '
	fixture no-checksums
	expect_fails 4 'no_checksums.*--origin' verify ./cache
	expect_end 8 check --blocks cache
	expect_end 0 verify ./cache --origin image
	flip image $((10 * 4096))
	flip image 4095
	expect_end 4 verify ./cache --origin image
	expect "wrong" "$(grep -c ^content: out)" 1
	said '^content: origin sector 0,'
}

truncated() {
	fixture region-64k
	truncate -s $((4352 * 512)) cache
	expect_end 4 check cache
	said 'has 4352 sectors, it had 8192'
	expect_end 0 dump cache
	expect state "$(field .state)" refused
	# what is beyond the end cannot be read; what is there is right
	expect_end 4 verify ./cache
	said '^unreadable: origin sector 384, '
	# in the table itself
	truncate -s $((MIB + 512)) cache
	expect_end 4 check cache
	said 'table sector 1 .*cannot be read'
	expect "unreadable" "$(field .counts.unreadable_sectors)" 7
	expect "used" "$(field .counts.used_slots)" 5
}

first_mib_zeroed() {
	fixture region-64k
	zero cache 0 2048
	expect_end 4 check cache
	said 'only a copy of a superblock is left'
	expect state "$(field .state)" wiped
	expect_end 2 probe cache
}

grown() {
	fixture region-64k
	truncate -s $((6 * MIB)) cache
	expect_end 0 check cache
	expect "copy" "$(field .superblocks.copy.state)" good
}

another_version() {
	fixture region-64k
	"$IO" super cache both version 2
	expect_end 12 check cache
	said 'format version is 2, this target knows only 1'
	expect_fails 4 'format version is 2' dump cache
	expect_end 0 probe cache
	said '^ID_FS_VERSION=2$'
	fixture region-64k
	"$IO" super cache both incompat 5
	expect_end 12 check cache
	said 'incompatible features 0x4'
	fixture region-64k
	"$IO" super cache both compat 6
	expect_end 0 check cache
	expect compat "$(field .layout.compat)" 6
	expect_end 0 wipe cache
}

# ---- what is none ----

not_a_cache() {
	truncate -s 4M cache
	expect_fails 8 'no cache device: its first sector is zero' check cache
	expect_fails 4 'no cache device: its first sector is zero' dump cache
	expect_fails 4 'no cache device' verify ./cache
	expect_end 2 probe cache
	head -c 4M /dev/urandom > cache
	expect_fails 8 'no superblock of corcache' check cache
	expect_fails 4 'no superblock of corcache' dump cache
	expect_end 2 probe cache
	for size in 0 1 511 512 4095 4096 $MIB $((2 * MIB)); do
		rm cache
		truncate -s "$size" cache
		expect_end 8 check cache
		expect_end 4 dump cache
		expect_end 2 probe cache
	done
}

bad_input() {
	local verb
	fixture region-64k
	for verb in dump verify wipe probe; do
		expect_fails 4 "'./nothing': No such file" "$verb" ./nothing
		expect_fails 4 "'/dev/null' is neither a block device nor a file" "$verb" /dev/null
		expect_fails 4 "'/tmp' is neither" "$verb" /tmp
		expect_fails 1 'a word is missing' "$verb"
		expect_fails 1 "'more' is one word too many" "$verb" ./cache more
	done
	expect_fails 8 "'./nothing': No such file" check ./nothing
	expect_fails 16 'a word is missing' check
	expect_fails 16 "'more' is one word too many" check ./cache more
	expect_fails 16 "unknown option '--block-size'" check --block-size ./cache
	expect_fails 1 "--rate: '0' is no size" verify ./cache --rate 0
	expect_fails 1 "--rate: '5/s/s' is no size" verify ./cache --rate 5/s/s
	expect_fails 1 "--rate: '-1M' is no size" verify ./cache --rate=-1M
	expect_fails 1 "--heal: './cache' is no corcache device in use" verify ./cache --heal
	expect_fails 4 "--origin.*|'./nothing': No such" verify ./cache --origin ./nothing
	truncate -s 1M small
	truncate -s $((1994 * 512)) small
	expect_fails 4 "--origin: './small' has 1994 sectors.* 1995" verify ./cache --origin ./small
	expect_end 0 verify ./cache --rate 100M/s
	expect_end 0 verify ./cache -r 1G
}

# ---- wipe ----

blank() { cmp -s -n "$2" -i "$1" cache /dev/zero || fail "$2 bytes from $1 on are not zero"; }

wipe_ours() {
	local name size
	for name in $FIXTURES; do
		fixture "$name"
		size=$(stat -c %s cache)
		expect_end 0 wipe cache
		said 'wiped, was a corcache cache device \(id '
		expect "size" "$(stat -c %s cache)" "$size"
		blank 0 "$MIB"
		blank $((size / 4096 * 4096 - MIB)) $((size - (size / 4096 * 4096 - MIB)))
		expect_end 0 wipe cache
		said 'blank already'
	done
	# the data between stays, unless it is discarded
	fixture hints
	cp cache before
	"$TOOL" wipe cache
	cmp -s -i "$MIB" -n $((2 * MIB)) cache before || fail "wiped more than the ends"
	"$TOOL" wipe --discard cache
	blank 0 $((4 * MIB))
}

wipe_damaged() {
	fixture region-64k
	flip cache 20
	expect_end 0 wipe cache
	fixture region-64k
	zero cache 0 2048
	expect_end 0 wipe cache
	# grown: its copy is not at the end
	fixture region-64k
	truncate -s $((6 * MIB)) cache
	expect_end 0 wipe cache
	blank $((8184 * 512)) 4096
}

# refused FOUND: and --force wipes it
refused() {
	unchanged wipe cache
	expect_fails 4 "holds .*$1.*--force" wipe cache
	expect_end 0 wipe --force cache
	said "wiped, was .*$1"
	blank 0 "$MIB"
	if blkid -p cache > found; then fail "blkid still finds $(cat found)"; fi
}

wipe_foreign() {
	truncate -s 8M cache
	mkfs.ext4 -q -F cache
	refused ext4
	truncate -s 8M cache
	mkswap cache > /dev/null 2>&1
	refused swap
	# a partition of type 0x83, sectors 2048 to 6143
	printf '\0\0\0\0\203\0\0\0\0\010\0\0\0\020\0\0' | dd of=cache bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of=cache bs=1 seek=510 conv=notrunc status=none
	refused 'dos partition table'
	# beyond what is read of the beginning: 64 KiB
	truncate -s 0 cache
	truncate -s 200M cache
	printf '_BHRfS_M' | dd of=cache bs=1 seek=$((65536 + 64)) conv=notrunc status=none
	refused btrfs
	truncate -s 0 cache
	truncate -s 8M cache
	printf x | dd of=cache bs=1 seek=500000 conv=notrunc status=none
	refused 'data that no signature tells of'
}

# a superblock of ours at the end only, and a file system in front: it serves somebody else now
wipe_given_away() {
	fixture region-64k
	mkfs.ext4 -q -F cache
	dd if=/dev/zero of=cache bs=1M seek=3 count=1 conv=notrunc status=none
	cp cache ext4
	fixture region-64k
	dd if=ext4 of=cache bs=1M count=3 conv=notrunc status=none
	tool check cache
	expect check "$status" 4
	refused ext4
}

wipe_tiny() {
	head -c 100000 /dev/zero | tr '\0' x > cache
	expect_fails 4 'data that no signature' wipe cache
	expect_end 0 wipe -f cache
	# whole sectors
	blank 0 $((100000 / 512 * 512))
}

make -s -C "$SELFTESTS" CORCACHE_BUILD="$CORCACHE_BUILD" "$IO" >&2 || exit 1
run_cases dump_as_ever check_as_ever verify_as_ever probe_as_ever probe_reads_4k damaged_superblock damaged_magic \
	copy_of_another_formatting damaged_table damaged_entry region_in_two_slots damaged_data wrong_content truncated \
	first_mib_zeroed grown another_version not_a_cache bad_input wipe_ours wipe_damaged wipe_foreign \
	wipe_given_away wipe_tiny
