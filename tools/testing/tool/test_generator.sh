#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_generator.sh - /etc/corcachetab as `corcache tab` and the generator of units read it: the cases of systemd's own
# tests of clonetab, crypttab and veritytab, and ours. golden/tab-* and golden/generator-* is what they make of it;
# GOLDEN=write makes these files anew.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

GENERATOR=$CORCACHE_BUILD/corcache/corcache-generator
GOLDEN_DIR=$TOOL_HERE/golden
export SYSTEMD_IN_INITRD=0

golden() { # NAME FILE
	if [ "${GOLDEN:-}" = write ]; then cp "$2" "$GOLDEN_DIR/$1"; fi
	diff "$GOLDEN_DIR/$1" "$2" || fail "$1: not as in $GOLDEN_DIR"
}

# generate: what it makes of the file tab is in units/, what it said in err, its status in status
generate() {
	rm -rf units
	mkdir units
	status=0
	CORCACHETAB=$PWD/tab "$GENERATOR" units units units > out 2> err || status=$?
	[ ! -s out ] || fail "wrote to stdout: $(cat out)"
}

# all files, with what stands in them, and links
tree() {
	local f
	(cd units && find . -mindepth 1 ! -type d | LC_ALL=C sort) | while IFS= read -r f; do
		if [ -L "units/$f" ]; then
			echo "==== $f -> $(readlink "units/$f")"
		else
			echo "==== $f"
			sed "s|^SourcePath=.*/tab$|SourcePath=TAB|" "units/$f"
		fi
	done
}

generates() { # GOLDEN
	generate
	expect "status ($(cat err))" "$status" 0
	tree > found
	golden "$1" found
}

# refuses REGEX LINE: that line is left out, and named, and the one behind it is used; the same of `corcache tab`
refuses() {
	printf '%s\ngood /dev/a /dev/b\n' "$2" > tab
	generate
	expect "status for '$2'" "$status" 1
	expect "lines on stderr" "$(wc -l < err)" 1
	grep -qE -- "tab:1: .*($1).*; this line is left out$" err || fail "said '$(cat err)', expected $1"
	expect "services for '$2'" "$(cd units && echo corcache@*)" corcache@good.service
	expect_end 1 tab --file tab
	expect "lines for '$2'" "$(cat out)" "good /dev/a /dev/b -"
	grep -qE -- "^corcache: tab:1: .*($1)" err || fail "said '$(cat err)', expected $1"
}

# ---- what is generated ----

plain() {
	echo 'img /dev/nbd0 /dev/disk/by-partlabel/ssd' > tab
	generates generator-plain.txt
	printf '  \timg\t/dev/nbd0  /dev/disk/by-partlabel/ssd \t -\r\n' > tab
	generates generator-plain.txt
	printf 'img /dev/nbd0 PARTLABEL=ssd none' > tab
	generates generator-plain.txt
}

comments() {
	printf '# name origin cache options\n\n   # img2 /dev/nbd2 /dev/sdb\n#\n \t \nimg /dev/nbd0 /dev/disk/by-partlabel/ssd -\n' > tab
	generates generator-plain.txt
}

netdev() {
	echo 'img /dev/nbd0 /dev/sda _netdev' > tab
	generates generator-netdev.txt
}

nofail() {
	printf 'local /dev/sdb /dev/sda nofail\nremote /dev/nbd0 /dev/sdc _netdev,nofail\n' > tab
	generates generator-nofail.txt
}

noauto() {
	echo 'img /dev/nbd0 /dev/sda noauto' > tab
	generates generator-noauto.txt
}

timeouts() {
	cat > tab <<- END
		a /dev/nbd0 /dev/sda origin-timeout=0
		b /dev/nbd1 /dev/sdb origin-timeout=2min,x-systemd.device-timeout=10
		c /dev/nbd2 /dev/sdc origin-timeout=infinity,x-systemd.device-timeout=500ms
		d /dev/nbd3 /dev/sdd x-systemd.device-timeout=0
	END
	generates generator-timeouts.txt
}

# In the initramfs only the lines that say so; in the system, these are not stopped before what lies on them.
initrd() {
	printf 'root /dev/nbd0 /dev/sda _netdev,x-initrd.attach\nother /dev/nbd1 /dev/sdb _netdev\n' > tab
	SYSTEMD_IN_INITRD=1 generates generator-initrd.txt
	generate
	grep -q '^Conflicts=umount.target$' units/corcache@other.service || fail "other: no conflict with umount.target"
	! grep -q '^Conflicts=umount.target$' units/corcache@root.service || fail "root: a conflict with umount.target"
}

escapes() {
	cat > tab <<- 'END'
		.testdot /dev/loop0 /dev/loop1
		a-b.c:d_e /dev/disk/by-id/virtio-a-b /dev/mapper/vg-lv--x
		p+q=r#s@t LABEL="in.quotes" PARTUUID=1234-AB
		tags LABEL=sl#sh%x UUID=1234-ab
	END
	generates generator-escapes.txt
}

as_systemd_escapes() {
	local name
	command -v systemd-escape > /dev/null || skip "no systemd-escape"
	for name in a-b .x x.y 'p+q=r#s@t:u_v' -- --x; do
		printf '%s /dev/disk/by-id/%s /dev/sda\n' "$name" "$name" > tab
		generate
		[ -e "units/$(systemd-escape --template=corcache@.service -- "$name")" ] || fail "service of $name: $(ls units)"
		[ -d "units/$(systemd-escape -p --suffix=device -- "/dev/mapper/$name").requires" ] || fail "device of $name"
		[ -d "units/$(systemd-escape -p --suffix=device -- "/dev/disk/by-id/$name").d" ] || fail "origin of $name"
	done
}

verified_by_systemd() {
	local said
	command -v systemd-analyze > /dev/null || skip "no systemd-analyze"
	printf '%s\n' 'a-b /dev/nbd0 /dev/sda _netdev,nofail' '.c /dev/nbd1 /dev/sdb' \
		'd /dev/nbd2 /dev/sdc noauto,origin-timeout=infinity' > tab
	generate
	# what the tool's path is here, is no matter of the units
	sed -i 's|^\(Exec[a-zA-Z]*=:\)[^ ]*|\1/bin/true|' units/*.service
	said=$(cd units && SYSTEMD_UNIT_PATH=$PWD: systemd-analyze --man=no --generators=no verify ./*.service ./*.target 2>&1 |
		grep -E 'corcache|units/') || true
	[ -z "$said" ] || fail "$said"
}

# ---- which lines are used ----

a_hundred_lines() {
	local i
	for ((i = 0; i < 100; i++)); do echo "img$i /dev/nbd$i /dev/sd$i _netdev,quota=1G"; done > tab
	generate
	expect status "$status" 0
	expect services "$(find units -name 'corcache@*.service' -type f | wc -l)" 100
	expect "links of the target" "$(find units/remote-corcache.target.requires -type l | wc -l)" 100
}

no_tab() {
	rm -f tab
	generate
	expect "status ($(cat err))" "$status" 0
	expect units "$(ls units)" ''
	expect_fails 4 'cannot read nowhere: No such file' tab --file nowhere
}

nothing_in_it() {
	echo '# nothing' > tab
	generate
	expect "status ($(cat err))" "$status" 0
	expect units "$(ls units)" ''
	expect_end 0 tab --file tab
	expect output "$(cat out)" ''
}

words() {
	refuses "a word is missing" 'img'
	refuses "a word is missing" 'img /dev/nbd0'
	refuses "'extra' is one word too many" 'img /dev/nbd0 /dev/sda - extra'
	refuses "'/dev/sda' is one word too many" 'img /dev/nbd0 /dev/with\ space /dev/sda options'
	refuses "control character" $'i\001mg /dev/nbd0 /dev/sda'
}

names() {
	refuses "name 'a/b' is no name" 'a/b /dev/nbd0 /dev/sda'
	refuses "name '..' is no name" '.. /dev/nbd0 /dev/sda'
	refuses "name 'control' is no name" 'control /dev/nbd0 /dev/sda'
	refuses "name 'a%b' is no name" 'a%b /dev/nbd0 /dev/sda'
	refuses "name 'a\\$\(b\)' is no name" "a\$(b) /dev/nbd0 /dev/sda"
	refuses "more than 118 characters" "$(printf 'a%.0s' {1..119}) /dev/nbd0 /dev/sda"
}

devices() {
	refuses "origin device 'nbd0' is neither" 'img nbd0 /dev/sda'
	refuses "cache device './sda' is neither" 'img /dev/nbd0 ./sda'
	refuses "cache device '/srv/file' is neither" 'img /dev/nbd0 /srv/file'
	refuses "origin device '/dev/../etc/x' is neither" 'img /dev/../etc/x /dev/sda'
	refuses "origin device '/dev/a/..' is neither" 'img /dev/a/.. /dev/sda'
	refuses "origin device '/dev//x' is neither" 'img /dev//x /dev/sda'
	refuses "origin device '/dev/' is neither" 'img /dev/ /dev/sda'
	refuses "is neither" 'img /dev/\x2e\x2e/foo /dev/sda'
	refuses "is neither" 'img /dev/"a" /dev/sda'
	refuses "origin device 'UUID=' is neither" 'img UUID= /dev/sda'
	refuses "same device '/dev/sda'" 'img /dev/sda /dev/sda'
}

# the second of two
duplicates() {
	printf 'img /dev/nbd0 /dev/sda\nimg /dev/nbd1 /dev/sdb\nother /dev/nbd1 /dev/sda\n' > tab
	generate
	expect status "$status" 1
	grep -q "tab:2: name 'img' stands in line 1 already" err || fail "$(cat err)"
	grep -q "tab:3: cache device '/dev/sda' stands in line 1 already" err || fail "$(cat err)"
	expect services "$(cd units && echo corcache@*)" corcache@img.service
	grep -q 'dev-nbd0.device' units/corcache@img.service || fail "not the first line"
}

options() {
	refuses "unknown option 'orgin-id'" 'img /dev/nbd0 /dev/sda quota=1G,orgin-id=x'
	refuses "unknown option ''|unknown option '\"\"'" 'img /dev/nbd0 /dev/sda ""'
	refuses "option 'nofail' is given twice" 'img /dev/nbd0 /dev/sda nofail,nofail'
	refuses "option 'nofail' has no value" 'img /dev/nbd0 /dev/sda nofail=yes'
	refuses "option 'quota' needs a value" 'img /dev/nbd0 /dev/sda quota'
	refuses "quota: '1X' is no size" 'img /dev/nbd0 /dev/sda quota=1X'
	refuses "quota: '-1' is no size" 'img /dev/nbd0 /dev/sda quota=-1'
	refuses "quota: '0' is no size" 'img /dev/nbd0 /dev/sda quota=0'
	refuses "quota: '1000' is no size" 'img /dev/nbd0 /dev/sda quota=1000'
	refuses "quota is less than one region" 'img /dev/nbd0 /dev/sda quota=32K,region-size=64K'
	refuses "region-size: '3K' is no power" 'img /dev/nbd0 /dev/sda region-size=3K'
	refuses "region-size: '8M' is no power" 'img /dev/nbd0 /dev/sda region-size=8M'
	refuses "block-size is larger" 'img /dev/nbd0 /dev/sda region-size=4K,block-size=8K'
	refuses "block-size is less than 1/64" 'img /dev/nbd0 /dev/sda region-size=1M,block-size=4K'
	refuses "policy: 'lru' is none of" 'img /dev/nbd0 /dev/sda policy=lru'
	refuses "commit-interval: '0' is no time" 'img /dev/nbd0 /dev/sda commit-interval=0'
	refuses "commit-interval: '2h' is no time" 'img /dev/nbd0 /dev/sda commit-interval=2h'
	refuses "max-errors: '4294967296' is no whole" 'img /dev/nbd0 /dev/sda max-errors=4294967296'
	refuses "origin-id: '' is not" 'img /dev/nbd0 /dev/sda origin-id='
	refuses "origin-id: 'a!b' is not" 'img /dev/nbd0 /dev/sda origin-id=a!b'
	refuses "origin-timeout: 'soon' is no time" 'img /dev/nbd0 /dev/sda origin-timeout=soon'
	refuses "cache-missing: 'ignore' is none" 'img /dev/nbd0 /dev/sda cache-missing=ignore'
}

# ---- corcache tab ----

a_tab() {
	cat > tab <<- END
		# all there is
		all UUID=ab-12 /dev/sda _netdev,nofail,noauto,x-initrd.attach,no-checksums,discard,pin,quota=1.5G,region-size=256K,block-size=8K,policy=stop,commit-interval=5s,max-errors=0,origin-id=sha256:0+a/b=,origin-timeout=1min,x-systemd.device-timeout=infinity,cache-missing=fail
		few /dev/nbd0 /dev/sdb
		bad /dev/nbd0 /dev/sdc orgin-id=x
	END
}

tab_as_text() {
	a_tab
	expect_end 1 tab --file tab
	golden tab.txt out
	expect stderr "$(cat err)" "corcache: tab:4: unknown option 'orgin-id'; corcachetab(5) lists those that there are"
}

tab_as_json() {
	a_tab
	expect_end 1 tab --file tab --json
	golden tab.json out
	jq -e '.version == 1 and .lines[0].options.quota_bytes == 1610612736 and .errors[0].line == 4' out > /dev/null ||
		fail "not the values"
	cp out first
	LC_ALL=de_DE.UTF-8 expect_end 1 tab -f tab -j
	cmp first out || fail "another locale, another output"
}

attach_words() {
	a_tab
	expect_end 1 attach --file tab none
	grep -q "tab has no line for 'none' that is right" err || fail "said '$(cat err)'"
	expect_fails 1 "corcache attach NAME" attach
	expect_fails 1 "NAME ORIGIN CACHE" attach img /dev/nbd0
	expect_fails 1 "unknown option 'foo'" attach img /dev/nbd0 /dev/sda foo
	expect_fails 1 "--event needs no word" attach --event /dev/null img
	expect_fails 4 "'/dev/null' is no block device" attach --event /dev/null
	expect_fails 1 "'a/b' is no name" detach a/b
}

# ---- the program ----

usage() {
	local rc=0
	"$GENERATOR" > out 2> err || rc=$?
	expect status "$rc" 1
	grep -q '^usage: corcache-generator' err || fail "$(cat err)"
}

libc_alone() {
	expect libraries "$(ldd "$GENERATOR" | grep -vE 'linux-vdso|ld-linux|libc\.so' || true)" ''
}

run_cases plain comments netdev nofail noauto timeouts initrd escapes as_systemd_escapes verified_by_systemd \
	a_hundred_lines no_tab nothing_in_it words names devices duplicates options tab_as_text tab_as_json attach_words \
	usage libc_alone
