#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mutants.sh TOP OUT: break the simulator, one change at a time, and demand that
# its tests notice.  Each line of the list below is a file and a sed script that
# must change it.  A mutant that does not compile is none.
#
# ONLY=TEXT in the environment: only the lines that contain TEXT.

top=$1
out=$2
sim=$top/tools/testing/sim
src=$out/src

n=0
survivors=0
export SEED=1 STOP=1

prepare()
{
	mkdir -p "$src/stub"
	cp "$sim"/stub/* "$src/stub/"
	for path in "$sim"/*.* "$sim/Makefile"; do
		cmp -s "$path" "$src/${path##*/}" || cp "$path" "$src/"
	done
}

build()
{
	make -s -f "$src/Makefile" top="$top" here="$src" CORCACHE_BUILD="$out" \
		"$out/sim/check/$1" >"$out/log" 2>&1
}

# fails NAME COMMAND...: does it fail, or crash?
fails()
{
	name=$1
	shift
	timeout 300 "$@" >"$out/log" 2>&1 && return 1
	killer=$(sed -n 's/^not ok [0-9]* - //p' "$out/log" | sed -n 1p)
	killer="$name: ${killer:-sanitizer or end}"
}

killed()
{
	killer="nothing: it does not compile"
	build test_policies && build test_traces && build test_driver && build corcache-sim || return 1
	killer=nothing
	fails policies "$out/sim/check/test_policies" ||
		fails driver "$out/sim/check/test_driver" ||
		fails traces "$out/sim/check/test_traces" ||
		fails cli sh "$src/test_cli.sh" "$out/sim/check/corcache-sim" ||
		fails again "$src/test_again.py" "$out/sim/check/corcache-sim"
}

mutate()
{
	n=$((n + 1))
	prepare
	sed -i "$2" "$src/$1"
	if cmp -s "$src/$1" "$sim/$1"; then
		verdict="not ok"
		killer="nothing: it is no change"
	elif killed; then
		verdict=ok
	else
		verdict="not ok"
	fi
	[ "$verdict" = ok ] || survivors=$((survivors + 1))
	echo "$verdict $n - $1: $2 # $killer"
}

echo "TAP version 13"
prepare
for name in test_policies test_traces test_driver corcache-sim; do
	build "$name" || { cat "$out/log"; exit 2; }
done
while read -r file script; do
	case "$file $script" in
	*"$ONLY"*) mutate "$file" "$script" ;;
	esac
done <<'LIST'
queues.h s/q->len\[queue\]++/(void)0/
queues.h s/l->next = q->link\[head\].next/l->next = head/
policy-lru.c /^static bool lru/,/^}/s/queue_move(&s->q, 0, block);/if (!hit) queue_push(\&s->q, 0, block);/
policy-lru.c /^static bool fifo/,/^}/s/== s->slots/== s->slots + 1/
policy-lru.c s/s->used\[block\] = 0;//
policy-lru.c s/s->used\[block\] = 1;//
policy-lru.c s/random_below(&s->random, s->slots)/0/
policy-2q.c s/slots \/ 4/slots \/ 2/
policy-2q.c s/slots \/ 2, 1U/slots, 1U/
policy-2q.c s/<= s->kin/< s->kin/
policy-2q.c s/len\[A1OUT\] > s->kout/len[A1OUT] >= s->kout/
policy-2q.c s/queue_push(&s->q, AM, block)/queue_push(\&s->q, A1IN, block)/
policy-2q.c s/ && s->q.len\[AM\]//
policy-arc.c s/t1 > s->p/t1 >= s->p/
policy-arc.c s/ || (in_b2 && t1 == s->p)//
policy-arc.c s/above_one(s->q.len\[B2\], s->q.len\[B1\])/1/
policy-arc.c s/above_one(s->q.len\[B1\], s->q.len\[B2\])/1/
policy-arc.c s/s->p = min(s->p, (double)s->c);//
policy-arc.c s/s->p = max(s->p, 0.0);//
policy-arc.c s/all == 2 \* s->c/all >= 2 * s->c - 1/
policy-arc.c s/if (s->q.len\[T1\] < s->c)/if (0)/
policy-lirs.c s/slots \/ 100, 1U/slots \/ 10, 1U/
policy-lirs.c s/l->lir--;//
policy-lirs.c /^static void hit_hir/,/^}/s/queue_move(&l->q, 0, block);//
policy-lirs.c /^static void hit_hir/,/^}/s/queue_push(&l->s, 0, block);//
policy-lirs.c /^static bool lirs_access/,/^}/s/prune(l);//
policy-lirs.c /^static void demote/,/^}/s/prune(l);//
policy-lirs.c /^static void demote/,/^}/s/queue_push(&l->q, 0, oldest);//
policy-sieve.c s/s->hand = queue_newer(&s->q, block);/s->hand = NONE;/
policy-sieve.c s/s->used\[block\] = 0;//
policy-s3fifo.c s/MOVE_HITS	2/MOVE_HITS	1/
policy-s3fifo.c s/MOST_HITS	3/MOST_HITS	2/
policy-s3fifo.c s/len\[G\] > s->main/len[G] > s->slots/
policy-s3fifo.c s/s->q.len\[S\] >= s->small/s->q.len[S] > s->small/
policy-s3fifo.c s/slots \/ 10, 1U/slots \/ 5, 1U/
policy-s3fifo.c s/s->hits\[block\]--;/s->hits[block] = 0;/
policy-s3fifo.c /^static bool evict_small/,/^}/s/s->hits\[block\] = 0;//
policy-s3fifo.c s/ghost ? M : S/S/
policy-opt.c s/o->when\[o->heap\[0\]\] > o->when\[block\]/true/
policy-opt.c s/sift_up(o, o->at\[block\] - 1);/;/
policy-opt.c /^static void sift_down/,/^}/s/child + 1 < o->used/0/
driver.c s/if (slot && slot < d->nr_slots && !driver_used(d, slot))/if (0)/
driver.c s/d->hand = slot + 1;/d->hand = slot;/
driver.c s/slot = find_next_free(d, 0);/return NONE;/
driver.c s/d->valid\[slot\] = 0;/d->valid[slot] |= 0;/
driver.c s/d->valid\[slot\] & bits) == bits/d->valid[slot] \& bits) != 0/
policy-corcache.c s/if (driver_fill(d, entry - 1, bits))/driver_fill(d, entry - 1, bits);/
policy-corcache.c s/driver_fill(d, slot, bits);//
policy-corcache.c s/d->used < d->quota ? driver_take(d, block) : NONE/driver_take(d, block)/
policy-corcache.c s/		admit(c, block, bits);/		{ admit(c, block, bits); make_room(c); }/
policy-corcache.c s/	driver_release(d, slot);/	driver_release(d, slot);break;/
policy-corcache.c s/rounds < MOST_ROUNDS/rounds < 1/
policy-corcache.c s/driver_region(d, slot), true/driver_region(d, slot), false/
policy-corcache.c s/corcache_policy_set_quota(&c->policy, d->quota)/corcache_policy_set_quota(\&c->policy, d->nr_slots)/
policy-corcache.c s/return corcache_start(setup, CORCACHE_POLICY_STOP)/return corcache_start(setup, CORCACHE_POLICY_ADAPTIVE)/
run.c s/resident ? there\[block\] | bits : bits/bits/
run.c s/resident ? there\[block\] | bits : bits/there[block] | bits/
run.c s/share \* trace->base/share * trace->nr_blocks/
run.c s/ + 1e-6//
trace.c s/trace->id\[i\] - 1) : 0/trace->id[i]) : 0/
trace.c s/>= U32_MAX;/> U32_MAX;/
trace.c s/trace->id\[map->slot\[at\] - 1\] != id/0/
read.c s/offset + length - 1) \/ o->block/offset + length) \/ o->block/
read.c s/max(offset, start) - start/0/
read.c s/ ^ (unsigned char)\*text//
read.c s/record + 4)/record + 5)/
read.c s/value << 8 | p\[i\]/value << 8 | p[7 - i]/
read.c s/return !\*end && !errno/return !*end/
synth.c s/access_block(s, n + j)/access_block(s, j)/
synth.c s/pow(i + 1, -alpha)/pow(i + 2, -alpha)/
synth.c s/if (left && i % 2)/if (left)/
synth.c s/lot < 0.6 ? 0/lot < 0.1 ? 0/
util.c s/random_u64(random) >> 11/random_u64(random) >> 12/
synth.c s/\.random = { seed }/.random = { 5 }/
LIST
echo "1..$n"
echo "# $survivors of $n mutants were not noticed"
[ $survivors -eq 0 ]
