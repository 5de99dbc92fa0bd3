#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# test_cli.sh CORCACHE-SIM: its command line, and what it reads: good files give
# the accesses that they hold, bad ones a message that names file, line and value.

sim=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

n=0
failed=0

verdict()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=1
	fi
}

# decides NAME "WANTED" ARGUMENT...: the decisions of `stop` with room for all, on one line
decides()
{
	name=$1
	wanted=$2
	shift 2
	got=$("$sim" --policies stop --sizes 1 --decisions "$@" 2>&1 | sed 's/^admit //' | tr '\n' ' ')
	[ "$got" = "$wanted " ]
	status=$?
	[ $status = 0 ] || echo "# is     $got
# wanted $wanted"
	verdict $status "$name"
}

# refuses NAME "MESSAGE" ARGUMENT...: exit status 1, nothing but that message, behind "corcache-sim: "
refuses()
{
	name=$1
	wanted=$2
	shift 2
	got=$("$sim" "$@" 2>&1 >/dev/null)
	status=$?
	[ $status = 1 ] && [ "$got" = "corcache-sim: $wanted" ]
	verdict $? "$name"
	[ "$got" = "corcache-sim: $wanted" ] || echo "# status $status: $got
# wanted        corcache-sim: $wanted"
}

echo "TAP version 13"
echo "1..54"

# ---- csv

printf 't_us,offset,length\n0,0,512\n5,65535,2\n6,200000,131072\n' >csv
decides "csv: header, ranges over blocks" "0 1 3 4 5" --trace csv
decides "csv: another block size" "0 15 16 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80" \
	--trace csv --block 4096
printf '0,131072,512\r\n\n# a comment\n 1.5 , 0 , 512 , read\n2,65536,0' >crlf
decides "csv: no header, CRLF, blanks, comments, more fields, length 0, no end of line" "2 0" --trace crlf
got=$(printf '0,65536,1\n' | "$sim" --policies stop --sizes 1 --decisions --trace -)
[ "$got" = "admit 1" ]
verdict $? "standard input"

printf 't,offset,length\n0,1,512\n0,x17,512\n' >bad
refuses "csv: bad offset" "bad:3: offset 'x17' is not a number of bytes: lines are time,offset,length with whole numbers" --trace bad
printf '0,1,5e3\n' >bad
refuses "csv: bad length" "bad:1: length '5e3' is not a number of bytes: lines are time,offset,length with whole numbers" --trace bad
printf '0,-5,512\n' >bad
refuses "csv: negative" "bad:1: offset '-5' is not a number of bytes: lines are time,offset,length with whole numbers" --trace bad
printf '0,99999999999999999999,1\n' >bad
refuses "csv: more than 64 bits" "bad:1: offset '99999999999999999999' is not a number of bytes: lines are time,offset,length with whole numbers" --trace bad
printf '0,0,512\n7,9\n' >bad
refuses "csv: too few fields" "bad:2: '7' has 2 fields: lines are time,offset,length" --trace bad
printf '0,18446744073709551615,2\n' >bad
refuses "csv: past the end of 64 bits" "bad:1: length 2 at offset 18446744073709551615 is too much for one access: are both in bytes?" --trace bad
printf '0,0,99999999999999999\n' >bad
refuses "csv: far too long" "bad:1: length 99999999999999999 at offset 0 is too much for one access: are both in bytes?" --trace bad
printf 't,offset,length\n' >bad
refuses "csv: nothing but a header" "bad: no accesses" --trace bad
refuses "no such file" "nothing: No such file or directory" --trace nothing
refuses "a directory" ".: Is a directory" --trace .
printf '\050\265\057\375abcdefghijklmnopqrstuvwxyz' >t.zst
refuses "compressed" "t.zst is compressed: pipe it in, as in 'zstd -dc t.zst | corcache-sim --trace - --format csv'" --trace t.zst
refuses "compressed, for oracle" "t.zst is compressed: pipe it in, as in 'zstd -dc t.zst | corcache-sim --trace - --format oracle'" \
	--trace t.zst --format oracle
printf '0,0\000,1\n' >bad
refuses "not text" "bad:1: a byte of 0: this is not text; is it of --format oracle?" --trace bad

# ---- partial regions

# of region 0 blocks 0, then 0 and 1, then 1; of region 1 its last; of region 0 its first; then the end of 0 with the start of 1
printf '0,0,4096\n0,0,8192\n0,4096,1\n0,131071,1\n0,0,1\n0,65535,2\n' >fill
got=$("$sim" --policies stop --sizes 1 --csv --trace fill --fill 4K | tail -n 1)
[ "$got" = "fill,0,all,1,2,stop,7,2,0.285714,0.000000" ]
verdict $? "fill: regions that are there count as hits"
got=$("$sim" --policies stop --sizes 1 --csv --trace fill --fill 4K --exact | tail -n 1)
[ "$got" = "fill,0,all,1,2,stop,7,5,0.714286,0.000000" ]
verdict $? "fill, exact: only what was read before"
refuses "fill: too small" "--fill 512: a block of 65536 bytes (--block) has 1 to 64 of them" --trace fill --fill 512
refuses "fill: larger than a block" "--fill 131072: a block of 65536 bytes (--block) has 1 to 64 of them" --trace fill --fill 128K
refuses "fill: other formats" "--fill: only --format csv says which part of a block is read" --trace fill --format blocks --fill 4K
refuses "exact: without fill" "--exact: without --fill a region is there or not, so all hits are exact" --trace fill --exact

# ---- blocks

printf '7\n0x10\n\n# a comment\n  010 \n18446744073709551615\n7\n' >blocks
"$sim" --policies stop --sizes 1 --decisions --trace blocks --format blocks | tr '\n' ' ' >got
[ "$(cat got)" = "admit 7 admit 16 admit 10 admit 18446744073709551615 " ]
verdict $? "blocks: decimal, hexadecimal, all of 64 bits"
printf '7\n8 9\n' >bad
refuses "blocks: two on a line" "bad:2: '8 9' is not a block number: a line is one whole number" --trace bad --format blocks

# ---- libCacheSim's csv

printf '1,5,512\n2,6,512\n' >lcs
decides "lcscsv: without a header" "5 6" --trace lcs --format lcscsv
printf 'size;obj_id;time\n512;5;1\n512;6;2\n' >lcs
decides "lcscsv: header, semicolons" "5 6" --trace lcs --format lcscsv
printf '"op"\t"time"\t"LBN"\nr\t1\t"5"\n' >lcs
decides "lcscsv: tabs, quotes" "5" --trace lcs --format lcscsv
printf '1  512   5\n2  512   6\n' >lcs
decides "lcscsv: blanks, --columns" "5 6" --trace lcs --format lcscsv --columns "time-col=1, obj-id-col=3, obj-size-col=2"
printf 'a,5,x\n1,7,y\n' >lcs
got=$("$sim" --policies stop --sizes 1 --csv --trace lcs --format lcscsv --columns obj-id-col=3 | tail -n 1)
[ "$got" = "lcs,0,all,1,2,stop,2,2,1.000000,0.000000" ]
verdict $? "lcscsv: names of objects"
printf 'time,thing,size\n1,5,512\n' >lcs
refuses "lcscsv: header without object" "lcs:1: no field is named object or obj_id: name it, or say which it is, as in --columns obj-id-col=2" \
	--trace lcs --format lcscsv
printf '1,5,512\n2\n' >lcs
refuses "lcscsv: field is not there" "lcs:2: '2' has 1 field, the object is in field 2: see --columns" --trace lcs --format lcscsv
refuses "lcscsv: bad --columns" "--columns 'object=3' does not say which field is the object: 'obj-id-col=2' does, from 1 to 32" \
	--trace lcs --format lcscsv --columns object=3

# ---- oracleGeneral

{
	# time 1, object 0x0102030405060708, size 4096, next access 3
	printf '\001\000\000\000\010\007\006\005\004\003\002\001\000\020\000\000\003\000\000\000\000\000\000\000'
	# time 2, object 9, no next access: -1
	printf '\002\000\000\000\011\000\000\000\000\000\000\000\000\020\000\000\377\377\377\377\377\377\377\377'
	# the same object as the first, no next access: the highest number
	printf '\003\000\000\000\010\007\006\005\004\003\002\001\001\000\000\000\377\377\377\377\377\377\377\177'
} >oracle
decides "oracle" "72623859790382856 9" --trace oracle --format oracle
printf '\001\000' >>oracle
refuses "oracle: cut short" "oracle: record 3 has 2 of its 24 bytes: is the file cut short, or not oracleGeneral?" \
	--trace oracle --format oracle
printf 't_us,offset,length\n0,0,512\n87184,0,512\n' >text
refuses "oracle: text" "text: record 0 is text, 't_us,offset,...': is it of --format csv, lcscsv or blocks?" \
	--trace text --format oracle

# ---- time

loop="--synthetic shift:n=400,loops=5,then=5 --sizes 0.8 --policies adaptive --csv"
# shellcheck disable=SC2086 # words
got=$("$sim" $loop --phases --evict-delay 0 | sed -n '1p;2p;$p' | cut -d, -f1,3,4- | tr '\n' ' ')
# shellcheck disable=SC2086 # words
want=$("$sim" $loop | tail -n 1 | cut -d, -f2-)
# shellcheck disable=SC2086 # words
"$sim" $loop --evict-delay 0 | tail -n 1 | grep -qF ",$want,"
verdict $? "evict-delay: 0 is the default"
case $got in
"trace,phase,size,slots,policy,accesses,misses,miss_ratio,cut,admitted,full,commits "*"shift:n=400"*",,, "*) true ;;
*) false ;;
esac
verdict $? "evict-delay: counts are of all phases, not of each"
refuses "evict-delay: bad" "--evict-delay '-1' is not a whole number from 0 to 1000000" --evict-delay -1

beside="--synthetic beside:hot=475,alone=2,then=8 --sizes 500 --policies adaptive --phases --csv"
second() # ARGUMENT...: hits of the hot blocks in the second boot after the sixth beside a scan, percent
{
	# shellcheck disable=SC2086 # words
	"$sim" $beside "$@" | awk -F, '/beside 8/ { printf "%d", 100 * ($(NF - 3) - $(NF - 2)) / 475 }'
}
without=$(second)
after=$(second --restart 15200)
cold=$(second --restart 15200 --no-hints)
echo "# second boot: $without %, after a restart $after %, without hints $cold %"
[ "$without" -ge 80 ] && [ $((after + 3)) -ge "$without" ]
verdict $? "restart: as many hits as without, within 3 points"
[ "$cold" -lt $((without - 10)) ]
verdict $? "restart: fewer without hints"
refuses "no-hints: without restart" "--no-hints: without --restart there is nothing that needs them" --trace csv --no-hints

# ---- options

seq 1 100 >hundred
got=$("$sim" --trace hundred --format blocks --sizes 0.29,0.001,17 --policies lru --csv | cut -d, -f4,5 | tr '\n' ' ')
[ "$got" = "size,slots 0.29,29 0.001,1 17,17 " ]
verdict $? "sizes: shares, at least one block, numbers of blocks"
bad=0
for size in 0 -1 x 1.5 "0.1,"; do
	"$sim" --trace hundred --format blocks --sizes "$size" 2>&1 | grep -q "^corcache-sim: --sizes: '.*' is neither" || bad=1
done
[ $bad = 0 ]
verdict $? "sizes: bad ones"
for size in 3K 64Kx 0 K "" 2048M 4096.5; do
	"$sim" --trace csv --block "$size" 2>&1 | grep -q "^corcache-sim: --block '.*' is not a power of two" || bad=1
done
[ $bad = 0 ] && "$sim" --trace csv --block 1M --policies lru >/dev/null
verdict $? "block: bad ones, and a good one"
decides "block: all in one" "0" --trace csv --block 1M
got=$("$sim" --trace hundred --format blocks --repeat 3 --sizes 40 --policies stop --phases --csv | cut -d, -f3,7,8 | tr '\n' ' ')
[ "$got" = "phase,accesses,misses 1,100,100 2,100,60 3,100,60 all,300,220 " ]
verdict $? "phases, by repetition"
got=$("$sim" --trace hundred --format blocks --every 30 --sizes 40 --policies stop --phases --csv | cut -d, -f3,7,8 | tr '\n' ' ')
[ "$got" = "phase,accesses,misses 1,30,30 2,30,30 3,30,30 4,10,10 all,100,100 " ]
verdict $? "phases, by number of accesses"
got=$("$sim" --trace hundred --format blocks --repeat 2 --sizes 2 --policies stop --decisions | sort | uniq -c |
	awk '{ c[$2]++ } END { print c["admit"], c["reject"] }')
[ "$got" = "2 98" ]
verdict $? "decisions: admit and reject"
got=$("$sim" --synthetic loop:n=10,loops=5 --synthetic loop:n=10,loops=10 --sizes 0.5 --policies stop --summary --csv | tail -n 1)
[ "$got" = "0.5,stop,2,0.575000,0.425000,0.400000" ]
verdict $? "summary: mean and worst"
refuses "unknown policy" "--policies: 'lfu' is not known: see --list" --policies lru,lfu
refuses "unknown format" "--format 'vscsi' is not known: csv, oracle, lcscsv and blocks are" --trace csv --format vscsi
refuses "unknown parameter" "--synthetic loop: it has no 'm': see --list" --synthetic loop:n=1,m=2
refuses "bad value" "--synthetic zipf: alpha 'much' is not a number from 0 to 4e9" --synthetic zipf:n=5,alpha=much,accesses=10
exit $failed
