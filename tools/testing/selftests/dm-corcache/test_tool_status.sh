#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_tool_status - what `corcache status` tells of devices is what the kernel tells, in each of its forms; it reads
# nothing; metrics are replaced at once; latencies are those that dm-stats has; --watch ends when it is asked to.
# What it makes of each state is tested without devices: tools/testing/tool/test_status.sh.
# timeout=900
. "$(dirname "$0")/lib.sh"

LEN=65536

begin() {
	[ -x "$TOOL" ] || fail "$TOOL is not built: make -C tools/corcache"
	setup 32 16 128 0 4 quota 16384 origin_id image-1
	read_ok "$DEV" 0 2M
	read_ok "$DEV" 0 1M
	settle cc
	checked cc
	# so that no timer makes one between two looks
	message cc commit
}

# status WORD...: it ends with 0 and says nothing beside its results, which are in $T/out
status() {
	timeout $((60 * SCALE)) "$TOOL" status "$@" >"$T/out" 2>"$T/err" || fail "corcache status $*: status $?: $(cat "$T/err")"
	[ ! -s "$T/err" ] || fail "corcache status $* says: $(cat "$T/err")"
}

# refused REGEX WORD...: with status 4, and one line
refused() {
	expect_rc 4 "$TOOL" status "${@:2}" >"$T/out" 2>"$T/err"
	expect "lines" "$(wc -l <"$T/out") $(wc -l <"$T/err")" = "0 1"
	grep -qE "$1" "$T/err" || fail "said: $(cat "$T/err")"
}

json() { jq -r "$1" "$T/out"; }

# Now nobody reads: two looks see the same.
tool_status_is_the_kernels() {
	local pairs used remote

	begin
	mkcache 16
	mkcorcache aa "$CACHE" "$ORIGIN" "$LEN" 64
	pairs=$(dmsetup status cc | cut -d' ' -f11-)
	remote=$(remote_reads origin)
	status --json
	expect "devices" "$(json '[.devices[].name] | join(" ")')" = "aa cc"
	expect "pairs" "$(json '.devices[1].pairs | to_entries | map("\(.key) \(.value)") | join(" ")')" = "$pairs"
	expect "uuid" "$(json '.devices[1].uuid')" = CORCACHE-cc
	expect "device" "$(json '.devices[1].device')" = "$(dmsetup info -c --noheadings -o major,minor cc)"
	expect "size" "$(json '.devices[1].size_bytes')" = $((LEN * 512))
	expect "read-only" "$(json '.devices[1] | "\(.read_only) \(.suspended) \(.open_count)"')" = "true false 0"
	expect "table" "$(json '.devices[1] | "\(.cache) \(.origin)"')" = "$(dmsetup table cc | cut -d' ' -f4,5)"
	expect "origin" "$(json '.devices[1].origin_name')" = "${ORIGIN#/dev/}"
	expect "cache" "$(json '.devices[0].cache_name')" = "${CACHE#/dev/}"
	expect "policy, image" "$(json '.devices[1] | "\(.policy) \(.origin_id)"')" = "adaptive image-1"
	used=$(status_get cc used)
	expect "used" "$(json '.devices[1].used_bytes')" = $((used * 65536))
	expect "quota" "$(json '.devices[1].quota_bytes')" = $((16384 * 512))
	expect "cached" "$(json '.devices[1].cached_bytes')" = 2097152
	expect "ratio by bytes" "$(json '.devices[1].hit_ratio_bytes | . * 1000 | floor')" = 333
	expect "nothing of nothing" "$(json '.devices[0].hit_ratio_reads')" = null
	status cc
	grep -q '^cc: active$' "$T/out" || fail "text: $(cat "$T/out")"
	grep -q "^  origin  *43:[0-9]* (${ORIGIN#/dev/}), checked$" "$T/out" || fail "text: $(cat "$T/out")"
	expect "reads of the origin for all that" "$(remote_reads origin)" = "$remote"
	expect "pairs" "$(dmsetup status cc | cut -d' ' -f11-)" = "$pairs"
}

# what it makes of a saved output is what it makes of the device, but for what only the machine knows
tool_status_saved() {
	begin
	{ dmsetup status --target corcache; dmsetup table --target corcache; } >"$T/saved"
	status --json
	json '.devices[0] | del(.uuid, .device, .suspended, .read_only, .open_count, .origin_name, .cache_name)' >"$T/live"
	status --json --from "$T/saved"
	json '.devices[0] | del(.uuid, .device, .suspended, .read_only, .open_count, .origin_name, .cache_name)' >"$T/from"
	diff "$T/live" "$T/from" || fail "they differ"
}

tool_status_other_devices() {
	local words

	begin
	mkdm plain "0 8 zero"
	mkdm degraded "0 $LEN linear $ORIGIN 0" --readonly --uuid CORCACHE-degraded
	mkcache 16
	mkdm writable "0 2048 linear $CACHE 0" --uuid CORCACHE-writable
	record dm empty
	dmsetup create empty --notable
	status --json
	expect "devices" "$(json '[.devices[] | .name + " " + .mode] | join(", ")')" = "cc active, degraded degraded"
	expect "origin" "$(json '.devices[1].origin_name')" = "${ORIGIN#/dev/}"
	status degraded
	grep -q '^degraded: degraded: there is no cache' "$T/out" || fail "text: $(cat "$T/out")"
	status --prometheus degraded
	has_line '^corcache_mode{device="degraded",mode="degraded"} 1$' <"$T/out" || fail "metrics: $(cat "$T/out")"
	refused "'plain' is no corcache device: its target is 'zero'" plain
	refused "'empty' is no corcache device: it has no table" empty --json
	refused "'writable' is no corcache device" writable --prometheus
	refused "there is no device 'absent'" absent
	for words in "" cc "cc --json" --prometheus; do
		# shellcheck disable=SC2086 # words
		expect_rc 2 setpriv --reuid 65534 --clear-groups "$TOOL" status $words >"$T/out" 2>"$T/err"
		grep -q 'this needs root$' "$T/err" || fail "said: $(cat "$T/err")"
	done
	dmsetup suspend cc
	status cc
	dmsetup resume cc
	has_line '^cc: active, suspended$' <"$T/out" || fail "text: $(cat "$T/out")"
}

tool_status_bypass() {
	local table

	[ -x "$TOOL" ] || fail "$TOOL is not built: make -C tools/corcache"
	remote_start origin 32M
	mkcache 16
	table="0 $(sectors "$CACHE") linear $CACHE 0"
	mkdm low "$table"
	mkcorcache cc /dev/mapper/low "$ORIGIN" "$LEN" 128 0 2 max_errors 1
	read_ok "$DEV" 0 64K
	settle cc
	reload_dm low "0 $(sectors "$CACHE") error"
	read_ok "$DEV" 0 64K
	wait_for 20 "bypass" status_is cc mode bypass
	status
	has_line '^cc: bypass (errors): too many errors' <"$T/out" || fail "text: $(cat "$T/out")"
	# a mapped device is told by its own name
	has_line '^  cache .* (low)$' <"$T/out" || fail "text: $(cat "$T/out")"
	reload_dm low "$table"
	message cc recover
}

# What has the old file open goes on reading the old one, and nothing is left beside it.
tool_status_metrics_file() {
	begin
	mkdir "$T/textfile"
	status "--prometheus=$T/textfile/corcache.prom"
	exec 9<"$T/textfile/corcache.prom"
	expect "reads" "$(sed -n 's/^corcache_reads_total{device="cc"} //p' "$T/textfile/corcache.prom")" = "$(status_get cc reads)"
	read_ok "$DEV" 4M 64K
	settle cc
	status "--prometheus=$T/textfile/corcache.prom"
	expect "origin bytes" "$(sed -n 's/^corcache_origin_bytes_total{device="cc"} //p' "$T/textfile/corcache.prom")" = \
		"$(status_get cc origin_bytes)"
	expect "origin bytes before" "$(sed -n 's/^corcache_origin_bytes_total{device="cc"} //p' <&9)" = 2097152
	expect "files" "$(ls "$T/textfile")" = corcache.prom
	expect "mode" "$(stat -c %a "$T/textfile/corcache.prom")" = 644
	exec 9<&-
}

# reads_counted: by dm-stats, in what `dmsetup message` has of it: start+length, then reads
reads_counted() { dmsetup message cc 0 @stats_print 1 | cut -d' ' -f2; }

tool_status_latency() {
	begin
	# of other programs nothing is shown, or stopped; theirs has the number 0
	dmsetup message cc 0 @stats_create - /1 other
	expect_rc 0 "$TOOL" status cc --latency >"$T/out" 2>"$T/err"
	grep -q '^corcache: cc: the latency of reads is counted from now on' "$T/err" || fail "said: $(cat "$T/err")"
	expect "mention" "$(grep -c latency "$T/out" || true)" = 0
	status cc --latency
	has_line '^  latency  *no read was counted yet$' <"$T/out" || fail "text: $(cat "$T/out")"
	read_ok "$DEV" 0 1M
	# one read that takes more than a second
	remote_stall origin
	job slow "$IO" read "$DEV" 8M 4K
	wait_for 20 "a read of the origin" stalled_for 1200
	status cc
	has_line '^  waiting  *the oldest read of the origin for [1-9][0-9.]* s' <"$T/out" || fail "text: $(cat "$T/out")"
	remote_continue origin
	job_end slow 60
	settle cc
	status cc --latency --json
	expect "reads" "$(json '.devices[0].latency.reads')" = "$(reads_counted)"
	expect "reads in the bins" "$(json '[.devices[0].latency.bins[].reads] | add')" = "$(reads_counted)"
	expect "bins" "$(json '.devices[0].latency.bins | length')" = 20
	expect "slow reads" "$(json '[.devices[0].latency.bins[-4:][].reads] | add')" -ge 1
	expect "fast reads" "$(json '[.devices[0].latency.bins[:-4][].reads] | add')" -ge 1
	expect "mean" "$(json '.devices[0].latency | .mean_nanoseconds == (.nanoseconds / .reads | floor)')" = true
	expect "time" "$(json '.devices[0].latency.nanoseconds > 1000000000')" = true
	status cc --latency
	has_line '^  latency  *mean ' <"$T/out" || fail "text: $(cat "$T/out")"
	note "$(cat "$T/out")"
	status --latency=stop
	expect "who counts" "$(dmsetup message cc 0 @stats_list | awk '{ print $4 }')" = other
	expect_rc 0 "$TOOL" status --latency=stop cc 2>"$T/err"
	grep -q '^corcache: cc: no latency was counted$' "$T/err" || fail "said: $(cat "$T/err")"
	expect_rc 0 "$TOOL" status cc --latency >"$T/out" 2>"$T/err"
	dmremove cc
}
stalled_for() { [ "$(status_get cc stalled_ms)" -ge "$1" ]; }

tool_status_watch() {
	begin
	job lines "$TOOL" status --watch
	job json "$TOOL" status cc --json --watch=1
	wait_for 60 "two lines" has_lines lines 2
	wait_for 60 "two lines of JSON" has_lines json 2
	read_ok "$DEV" 0 1M
	wait_for 60 "new figures" has_line_in lines "saved 2 MiB, origin 2 MiB"
	kill -INT "$(job_pid lines)"
	job_end lines 60
	job_stop json
	expect "documents" "$(jq -r '.version' "$T/json.out" | sort -u)" = 1
	expect "lines that are none" "$(grep -cvE '^[0-9]{4}(-[0-9]{2}){2}T[0-9:]{8}Z cc: active, hits [0-9.]* % of reads' "$T/lines.out")" = 0
}
has_lines() { [ "$(wc -l <"$T/$1.out")" -ge "$2" ]; }
has_line_in() { grep -q "$2" "$T/$1.out"; }

# over what stands there, and whole: each picture ends with the rest of the screen
tool_status_terminal() {
	command -v script >/dev/null || skip "script (bsdutils) is not installed"
	begin
	# shellcheck disable=SC2016 # the inner shell expands
	job paint script -qefc 'echo $$ >pid; exec '"$TOOL"' status cc --watch' "$T/paint"
	wait_for 60 "a second picture" painted 2
	kill -INT "$(cat "$T/pid")"
	job_end paint 60
	expect "clearing" "$(grep -c $'^.*\e\[2J\e\[Hcc: active\e\[K' "$T/paint")" = 1
	expect "end" "$(grep -v '^Script done' "$T/paint" | grep -v '^$' | tail -n 1 | grep -c $'^\e\[J')" = 1
}
painted() { [ -e "$T/paint" ] && [ "$(grep -c $'\e\[Hcc: active\e\[K' "$T/paint")" -ge "$1" ]; }

run_cases tool_status_is_the_kernels tool_status_saved tool_status_other_devices tool_status_bypass \
	tool_status_metrics_file tool_status_latency tool_status_watch tool_status_terminal
