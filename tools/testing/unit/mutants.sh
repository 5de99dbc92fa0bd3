#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mutants.sh TOP OUT: break the pure files, one change at a time, and demand
# that the tests notice.  Each line of the list below is a file and a sed
# script that must change it.  A mutant that does not compile is none.
#
# ONLY=TEXT in the environment: only the lines that contain TEXT.

top=$1
out=$2
unit=$top/tools/testing/unit
src=$out/src
files="geometry format args policy"
suites="geometry checksum super table args policy"

n=0
survivors=0

prepare()
{
	mkdir -p "$src"
	for name in $files; do
		for end in c h; do
			cmp -s "$top/drivers/md/dm-corcache-$name.$end" \
				"$src/dm-corcache-$name.$end" ||
			cp "$top/drivers/md/dm-corcache-$name.$end" "$src/"
		done
	done
}

build()
{
	make -s -f "$unit/Makefile" SRC="$src" CORCACHE_BUILD="$out" "$out/unit/test_$1" \
		>"$out/log" 2>&1
}

# kill SUITE...: does one of them fail, or crash?
kill_with()
{
	for suite; do
		if ! build "$suite"; then
			killer="nothing: it does not compile"
			return 1
		fi
		if ! SEED=1 STOP=1 timeout 300 "$out/unit/test_$suite" >"$out/log" 2>&1; then
			killer=$(sed -n 's/^not ok [0-9]* - //p' "$out/log" | sed -n 1p)
			killer="$suite: ${killer:-sanitizer}"
			return 0
		fi
	done
	killer=nothing
	return 1
}

# own FILE: the suites that are about it, which are likely to notice
own()
{
	case $1 in
	format.*) printf '%s\n' checksum super table ;;
	*) printf '%s\n' "${1%.*}" ;;
	esac
}

mutate()
{
	file=$src/dm-corcache-$1
	n=$((n + 1))
	prepare
	sed -i "$2" "$file"
	if cmp -s "$file" "$top/drivers/md/dm-corcache-$1"; then
		killer="nothing: it is no change"
		false
	else
		# shellcheck disable=SC2046,SC2086
		kill_with $(own "$1") $(printf '%s\n' $suites | grep -vxF "$(own "$1")")
	fi
	# shellcheck disable=SC2181
	if [ $? -eq 0 ]; then
		echo "ok $n - $1: $2 # $killer"
	else
		echo "not ok $n - $1: $2 # $killer"
		survivors=$((survivors + 1))
	fi
}

echo "TAP version 13"
prepare
for name in $suites; do
	build "$name" || { cat "$out/log"; exit 2; }
done
while read -r file script; do
	case "$file $script" in
	*"$ONLY"*) mutate "$file" "$script" ;;
	esac
done <<'LIST'
geometry.c s/S64_MAX) {/U64_MAX - 1) {/
geometry.c s/geo->nr_regions > CORCACHE_MAX_REGIONS/geo->nr_regions > CORCACHE_MAX_REGIONS + 1/
geometry.c s/enough) > CORCACHE_MAX_REGIONS/enough) >= CORCACHE_MAX_REGIONS/
geometry.c s/block_sectors > CORCACHE_REGION_MAX_BLOCKS/block_sectors > 2 * CORCACHE_REGION_MAX_BLOCKS/
geometry.c s/ || !is_power_of_2(region_sectors)//
geometry.c s/round_up(bytes, sizeof(__le64))/bytes/
geometry.c s/geo->sector_entries - 1, geo/0, geo/
geometry.c s/round_up(sectors, CORCACHE_META_ALIGN_SECTORS)/sectors/
geometry.c s/geo->data_start + CORCACHE_RESERVED_SECTORS/geo->data_start/
geometry.c s/round_down(cache_sectors, CORCACHE_META_ALIGN_SECTORS)/cache_sectors/
geometry.c s/table_size(geo, most)/table_size(geo, most - 1)/
geometry.c s/min(slots, CORCACHE_MAX_SLOTS)/slots/
geometry.c s/if (geo->cache_sectors > taken)//
geometry.c s/(target_sectors + region_sectors - 1)/target_sectors/
geometry.h s/bits == 64 ? ~0ULL : (1ULL << bits) - 1/(1ULL << bits) - 1/
geometry.h s/(geo->target_sectors + geo->block_sectors - 1)/(geo->target_sectors)/
geometry.h s/return zeros ? __ffs64(zeros) : 64 - bit/return zeros ? __ffs64(zeros) : 64/
geometry.h s/u64 ones = word >> bit/u64 ones = word/
geometry.h s/(u64)bit << geo->block_shift/(u64)bit/
format.c s/return ~crc32c(~0U, data, bytes)/return crc32c(~0U, data, bytes)/
format.c s/crc32c(crc, &no_crc, sizeof(no_crc))/crc32c(crc, \&disk->crc, sizeof(no_crc))/
format.c s/(const u8 \*)disk + rest, sizeof(\*disk) - rest/(const u8 *)disk + rest, 256/
format.c s/disk->version != known && disk->crc != super_crc(disk, known)/disk->version != known/
format.c s/disk->version != known || disk->crc/disk->crc/
format.c s/disk->reserved || memchr_inv/memchr_inv/
format.c s/disk->reserved || .*sizeof(disk->padding)))/disk->reserved)/
format.c s/if (bytes > CORCACHE_ORIGIN_ID_MAX) {/if (bytes > CORCACHE_ORIGIN_ID_MAX + 1) {/
format.c s/if (!corcache_origin_id_valid(super/if (0 \&\& !corcache_origin_id_valid(super/
format.c s/if (memchr_inv(disk->origin_id + bytes/if (0 \&\& memchr_inv(disk->origin_id + bytes/
format.c /differs("nr_slots"/s/differs(.*) ||$/0 ||/
format.c /differs("data_start"/s/differs(.*) ||$/0 ||/
format.c s/device_sectors < found/device_sectors + 1 < found/
format.c s/memchr(".-_:+\/=@", c, 8)/memchr(".-_:+\/=@", c, 9)/
format.c s/memcpy(found.id, disk->id, sizeof(found.id))/memcpy(found.id, disk->id, 15)/
format.c s/if (strcmp(disk->origin_id, want->origin_id))/if (disk->origin_id[0] \&\& strcmp(disk->origin_id, want->origin_id))/
format.c s/(valid >> bit) & 1 ? crc\[bit\] : 0/crc[bit]/
format.c s/valid ? region : 0/region/
format.c s/disk->sector == cpu_to_le64(nr) && !disk->reserved/!disk->reserved/
format.c s/ && !disk->reserved &&/ \&\&/
format.c s/!memchr_inv(sector + end, 0, CORCACHE_SECTOR_BYTES - end)/!memchr_inv(sector, 0, 0 * end)/
format.c s/ours || head_damaged(super, sector, nr, &head)/ours || (0 \&\& head_damaged(super, sector, nr, \&head))/
format.c s/head->sector = cpu_to_le64(nr);$/head->sector = 0;/
format.c s/^		if (!ours)$/		if (0)/
format.c s/number >= geo->nr_regions/number > geo->nr_regions/
format.c s/number >= geo->nr_regions || //
format.c s/bits & ~corcache_region_mask(geo, number)/0/
format.c s/return memchr_inv(entry, 0, geo->entry_bytes) ? -EINVAL : 0/return 0/
format.c s/if (entry->crc\[__ffs64(rest)\])/if (0)/
format.c s/geo->entry_bytes - used/0 * used/
args.c s/sum > U64_MAX \/ 10 || //
args.c s/ || sum \* 10 > U64_MAX - digit//
args.c s/ || (word\[0\] == '0' && word\[1\])//
args.c s/word\[i\] <= '~'/word[i] < '~'/
args.c s/ && word\[i\] <= '~'//
args.c s/word\[i\] >= ' ' && //
args.c s/i < SHOWN_CHARS; i++/i <= SHOWN_CHARS; i++/
args.c s/#define QUOTA_MAX.*/#define QUOTA_MAX U64_MAX/
args.c s/if (\*seen & BIT(i))/if (0)/
args.c s/if (count % 2)/if (0)/
args.c s/if (words.argc)$/if (0)/
args.c s/if (args->no_checksums)$/if (0)/
args.c s/bytes > CORCACHE_ORIGIN_ID_MAX)/bytes >= CORCACHE_ORIGIN_ID_MAX)/
args.c s/named ? 12 : 10/10/
args.c s/U64_MAX - msg->start/U64_MAX/
args.c s/if (words.argc != messages\[i\].argc)/if (words.argc > messages[i].argc)/
args.c s/return corcache_sizes_check(args.*/return 0;/
args.c s/, 0, U32_MAX, &args->max_errors/, 1, U32_MAX, \&args->max_errors/
policy.c s/return policy->used < policy->quota;/return policy->used <= policy->quota;/
policy.c s/slot ? slot - 1 : last_slot(policy)/slot - 1/
policy.c s/		(\*left)--;/		(*left) -= 2;/
policy.c s/u32 steps = min(\*left, CORCACHE_POLICY_STEPS), least/u32 steps = *left, least/
policy.c s/u32 steps = min(\*left, CORCACHE_POLICY_STEPS);/u32 steps = *left;/
policy.c s/policy->hand = last_slot(policy);/policy->hand = 0;/
policy.c s/if (age < 4)/if (age < 0)/;s/if (ticks < 4)/if (ticks < 3)/
policy.c s/HISTORY_MORE ? 2 : 4/HISTORY_MORE ? 4 : 4/
policy.c s/return HISTORY_MORE | mean;/return HISTORY_ONE | mean;/
policy.c s/octave ? octave - 1 : 0, HISTORY/octave, HISTORY/
policy.c s/LEARN_REGIONS \* age_width(i), MAX_TICKS/MAX_TICKS, MAX_TICKS/
policy.c s/class->hits\[i\] + hits > U16_MAX/0/
policy.c s/class->hits\[i\] += hits;/;/
policy.c s/class->ticks\[i\] += ticks;/;/
policy.c s/ratio >= s.ratio/ratio < s.ratio/
policy.c s/s.time += (rest \* next.time) >> 16;/s.time += next.time;/
policy.c s/octave << WORTH_SHIFT |/0 |/
policy.c s/return !(nr & policy->learn_mask);/return !nr;/
policy.c s/^	clear_bit(slot, policy->visited);$/	;/
policy.c s/if (age > MAX_AGE) {/if (0) {/
policy.c s/if (policy->candidate\[i\] == slot)/if (0)/
policy.c s/worth >= policy->candidate_worth\[most\]/worth <= policy->candidate_worth[most]/
policy.c s/i < CORCACHE_POLICY_CANDIDATES)$/i <= CORCACHE_POLICY_CANDIDATES)/
policy.c s/policy->hand >= policy->end/policy->hand > policy->end/
policy.c s/!policy->history\[slot\] || (ops && !ops/(ops \&\& !ops/
policy.c s/ || (ops && !ops->evictable(context, slot)))/)/
policy.c s/if (!ops || ops->evictable(context, slot))$/if (1)/
policy.c s/min(age, MAX_GHOST_AGE)/age/
policy.c s/!(hash(region ^ 0x5bd1e995U) % GHOST_FAR_REGIONS)/0/
policy.c s/set = near + (u32)/set = near + 1 + (u32)/
policy.c s/if (!set\[i\])$/if (0)/
policy.c s/(new || nr_new >= GHOST_NEW_WAYS)/0/
policy.c s/return history_next(history, age);$/return HISTORY_NEW;/
policy.c s/>= policy->nr_sets \* GHOST_WAYS/> policy->nr_sets * GHOST_WAYS/
policy.c s/\* 34) >> 8), 2U)/* 38) >> 8), 2U)/
policy.c s/return bytes + (u64)nr_slots \* (sizeof(u16) + sizeof(u8))/return bytes + (u64)nr_slots * sizeof(u16)/
policy.c s/policy->unit = max(quota >> TICKS_OF_QUOTA_SHIFT, 1U)/policy->unit = quota >> TICKS_OF_QUOTA_SHIFT/
policy.c s/>> 7, few), 256U);/>> 7, few), 257U);/
policy.c s/policy->quota >> 4, 1U), 4U)/policy->quota >> 4, 0U), 4U)/
policy.c s/!piece->blocks || piece->blocks & blocks/!piece->blocks/
policy.c s/	piece->blocks |= blocks;/	;/
policy.c s/	if (!has_room(policy) && is_next_piece/	if (0 \&\& is_next_piece/
policy.c s/	if (!has_room(policy) && is_next_piece/	if (is_next_piece/
policy.c s/policy->quota \/ 4 + 1);/policy->quota \/ 4);/
policy.c s/used -= sweep(policy, NULL, NULL);/used--;/
policy.c s/^#define SWEEP_GHOSTS.*/#define SWEEP_GHOSTS 1/
policy.c s/remember(policy, region, 0, history);/;/
policy.c s/return policy->used + reserve(policy) < policy->quota;/return policy->used < policy->quota;/
policy.c s/policy->candidate_worth\[least\] + WORTH_MARGIN)/policy->candidate_worth[least])/
policy.c s/policy->replacing = true;/policy->replacing = false;/
policy.c s/policy->replacing = false;/policy->replacing = true;/
policy.c s/^		\*ghost = 0;$/		;/
policy.c s/if (victim)$/if (1)/
policy.c s/^	if (victim)$/	if (0)/
policy.c s/^	policy->history\[slot\] = 0;/	;/
policy.c s/policy->used--;/;/
policy.c s/^	policy->used++;/	;/
policy.c s/policy->quota - reserve(policy);/policy->quota;/
policy.c s/if (!policy->replacing)/if (0)/
policy.c s/used > target ? used - target : 0/used - target/
policy.c s/policy->used > policy->quota ||/0 ||/
policy.c s/^			drop_candidate(policy, least);$/			;/
policy.h s/!test_bit(slot, policy->visited)/test_bit(slot, policy->visited)/
policy.h s/policy->visited && !test_bit/!test_bit/
LIST
echo "1..$n"
echo "# $survivors of $n mutants were not noticed"
[ $survivors -eq 0 ]
