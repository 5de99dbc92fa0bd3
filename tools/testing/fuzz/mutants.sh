#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mutants.sh TOP OUT SECONDS SEED: break copies of the files under test, one change at a
# time, and demand that the fuzzer named with it finds the fault. Each line of
# the list below is a fuzzer, a file and a sed script that must change it. A
# mutant that does not compile is none.
#
# The fuzzers start from the valid inputs of the corpus alone, without those
# that were written down because they are wrong: it is the search that is put
# to the test. Each may take SECONDS.
#
# ONLY=TEXT in the environment: only the lines that contain TEXT.

top=$1
out=$2
fuzz=$top/tools/testing/fuzz
src=$out/src
seconds=$3
seed=$4
names="geometry format args policy"

n=0
survivors=0

prepare()
{
	mkdir -p "$src"
	for name in $names; do
		for end in c h; do
			cmp -s "$top/drivers/md/dm-corcache-$name.$end" \
				"$src/dm-corcache-$name.$end" ||
			cp "$top/drivers/md/dm-corcache-$name.$end" "$src/"
		done
	done
}

build()
{
	make -s -f "$fuzz/Makefile" SRC="$src" CORCACHE_BUILD="$out" "$out/fuzz/fuzz_$1" \
		"$out/fuzz/corpus/$1.made" >"$out/log" 2>&1
}

# What went wrong, and after how many inputs.
how()
{
	log=$out/fuzz/log/$1.log
	what=$(sed -n -e 's/^[a-z_]*\.c:[0-9]*: not so: //p' \
		-e 's/^SUMMARY: AddressSanitizer: \([a-z-]*\) .*/\1/p' \
		-e 's/.*runtime error: //p' "$log" | sed -n 1p)
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	killer="${what:-$(tail -n 1 "$log")}, after ${runs:-?} inputs"
}

# found FUZZER: does it find something?
found()
{
	if ! build "$1"; then
		killer="nothing: it does not compile"
		return 1
	fi
	if ONLY_VALID=1 sh "$fuzz/run.sh" run "$fuzz" "$out/fuzz" "$seconds" "$seed" "$1" >"$out/log" 2>&1; then
		killer=nothing
		return 1
	fi
	[ -n "$(find "$out/fuzz/found/$1" -type f 2>/dev/null)" ] || {
		killer="nothing: $(head -n 1 "$out/log")"
		return 1
	}
	how "$1"
}

mutate()
{
	file=$src/dm-corcache-$2
	n=$((n + 1))
	prepare
	rm -rf "$out/fuzz/found"
	sed -i "$3" "$file"
	if cmp -s "$file" "$top/drivers/md/dm-corcache-$2"; then
		killer="nothing: it is no change"
		false
	else
		found "$1"
	fi
	# shellcheck disable=SC2181
	if [ $? -eq 0 ]; then
		printf 'ok %d - %s\n' $n "$1: $2: $3 # $killer"
	else
		printf 'not ok %d - %s\n' $n "$1: $2: $3 # $killer"
		survivors=$((survivors + 1))
	fi
}

echo "TAP version 13"
echo "# SEED=$seed SECONDS=$seconds"
prepare
for name in super table args message; do
	build "$name" || { cat "$out/log"; exit 2; }
done
while read -r fuzzer file script; do
	case "$fuzzer $file $script" in
	*"$ONLY"*) mutate "$fuzzer" "$file" "$script" ;;
	esac
done <<'LIST'
super format.c s/if (bytes > CORCACHE_ORIGIN_ID_MAX) {/if (0) {/
super format.c s/if (bytes > CORCACHE_ORIGIN_ID_MAX) {/if (bytes > CORCACHE_ORIGIN_ID_MAX + 1) {/
super format.c s/if (!corcache_origin_id_valid(super/if (0 \&\& !corcache_origin_id_valid(super/
super format.c s/if (memchr_inv(disk->origin_id + bytes/if (0 \&\& memchr_inv(disk->origin_id + bytes/
super format.c s/memchr(".-_:+\/=@", c, 8)/memchr(".-_:+\/=@", c, 9)/
super format.c /differs("nr_slots"/s/differs(.*) ||$/0 ||/
super format.c /differs("cache_sectors"/s/differs(.*) ||$/0 ||/
super format.c /differs("data_start"/s/differs(.*) ||$/0 ||/
super format.c s/disk->reserved || .*sizeof(disk->padding)))/disk->reserved)/
super format.c s/device_sectors < found/device_sectors + 1 < found/
super format.c s/u64 unknown = .*/u64 unknown = 0;/
super format.c s/err + prefix, err_len - prefix/err + prefix, err_len/
super geometry.c s/target_sectors > S64_MAX/0/
super geometry.c s/if (geo->nr_regions > CORCACHE_MAX_REGIONS)/if (0)/
super geometry.c s/min(slots, CORCACHE_MAX_SLOTS)/slots/
super geometry.c s/block_sectors > CORCACHE_REGION_MAX_BLOCKS/block_sectors > 2 * CORCACHE_REGION_MAX_BLOCKS/
super geometry.c s/ || !is_power_of_2(region_sectors)//
super geometry.c s/if (geo->cache_sectors > taken)//
super geometry.c s/geo->data_start + CORCACHE_RESERVED_SECTORS/geo->data_start/
super geometry.c s/table_size(geo, most)/table_size(geo, most \/ 2)/
super geometry.c s/geo->sector_entries - 1, geo/0, geo/
super geometry.h s/bits == 64 ? ~0ULL : (1ULL << bits) - 1/(1ULL << bits) - 1/
super geometry.h s/return zeros ? __ffs64(zeros) : 64 - bit/return __ffs64(zeros)/
table format.c s/number >= geo->nr_regions || //
table format.c s/number >= geo->nr_regions/number > geo->nr_regions/
table format.c s/bits & ~corcache_region_mask(geo, number)/0/
table format.c s/if (entry->crc\[__ffs64(rest)\])/if (0)/
table format.c s/geo->entry_bytes - used/0 * used/
table format.c s/return memchr_inv(entry, 0, geo->entry_bytes) ? -EINVAL : 0/return 0/
table format.c s/disk->sector == cpu_to_le64(nr) && !disk->reserved/!disk->reserved/
table format.c s/!memchr_inv(sector + end, 0, CORCACHE_SECTOR_BYTES - end)/!memchr_inv(sector, 0, 0 * end)/
table format.c s/ours || head_damaged(super, sector, nr, &head)/ours || (0 \&\& head_damaged(super, sector, nr, \&head))/
table format.c s/head->sector = cpu_to_le64(nr);$/head->sector = 0;/
table format.c s/bit < geo->region_blocks; bit++)$/bit <= geo->region_blocks; bit++)/
table geometry.c s/geo->entry_bytes;$/geo->entry_bytes + 1;/
args args.c s/i < SHOWN_CHARS; i++/i <= SHOWN_CHARS; i++/
args args.c s/bytes > CORCACHE_ORIGIN_ID_MAX)/bytes > CORCACHE_ORIGIN_ID_MAX + 1)/
args args.c s/word\[i\] >= ' ' && //
args args.c s/sum > U64_MAX \/ 10 || //
args args.c s/ || sum \* 10 > U64_MAX - digit//
args args.c s/ || (word\[0\] == '0' && word\[1\])//
args args.c s/\*words->argv, 0, words->argc - 1, &count/*words->argv, 0, words->argc, \&count/
args args.c s/if (count % 2)/if (0)/
args args.c s/if (\*seen & BIT(i))/if (0)/
args args.c s/named ? 12 : 10/10/
args args.c s/if (words->argc < 3)/if (words->argc < 2)/
args args.c s/#define QUOTA_MAX.*/#define QUOTA_MAX U64_MAX/
args args.c s/return corcache_sizes_check(args.*/return 0;/
args args.c s/if (words.argc)$/if (0)/
message args.c s/i < SHOWN_CHARS; i++/i <= SHOWN_CHARS; i++/
message args.c s/U64_MAX - msg->start/U64_MAX/
message args.c s/if (words.argc != messages\[i\].argc)/if (words.argc > messages[i].argc)/
message args.c s/if (!argc)/if (0)/
message args.c s/if (words->argc > argc)/if (1)/
message args.c s/word\[i\] <= '~'/1/
LIST
echo "1..$n"
echo "# $survivors of $n mutants were not found"
[ $survivors -eq 0 ]
