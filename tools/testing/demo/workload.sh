#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# workload.sh - what `make demo` shows; runs in the lab's virtual machine or on the host, started by demo.sh.
#
# Serves the image over NBD/TCP with a delay of 1 ms per request, and replays the recorded boot five times, each read
# with O_DIRECT and verified: from the NBD device itself, then through a corcache device that is cold, warm, warm
# after it was removed and made again, and warm with the server killed. Bytes and requests are counted by the server
# (nbdkit's log filter). Whatever it makes is taken down again at the end, however it ends.
#
# Environment (from demo.sh): DEMO_IMAGE file or device to serve; DEMO_CACHE file or device to cache on;
# DEMO_TRACE; DEMO_IO the reading tool; DEMO_TOOL corcache; DEMO_RULE the udev rule; DEMO_PROGRESS; CORCACHE_KO; LAB_OUT for logs.
# Exit status: 0 = every promise held, 1 = not.
set -euo pipefail
shopt -s inherit_errexit

NAME=corcache-demo
DEV=/dev/mapper/$NAME
REGION_SECTORS=128			# 64 KiB
DELAY=1ms
RULE=/run/udev/rules.d/58-dm-corcache.rules

tmp=$(mktemp -d "${TMPDIR:-/tmp}/corcache-demo.XXXXXX")
server_log=$tmp/server.log
server_pid='' nbd='' loop='' cache='' sectors='' loaded='' rule_added=''
failures=0
# One line per run: name, seconds, bytes and requests that the server saw, hit ratio.
results=$tmp/results

say() { printf '%s\n' "$*"; }
die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# shellcheck disable=SC2317 # called by trap
cleanup() {
	trap - EXIT
	trap '' INT TERM
	# One step that fails must not keep the others from being taken.
	set +e
	# Misses wait for a server that is stopped or gone: first let it answer with errors.
	[ -z "$server_pid" ] || kill "$server_pid" 2> /dev/null || true
	dmsetup info "$NAME" > /dev/null 2>&1 && dmsetup remove --retry "$NAME"
	[ -z "$nbd" ] || nbd-client -d "$nbd" > /dev/null 2>&1
	[ -z "$loop" ] || losetup -d "$loop"
	[ -z "$loaded" ] || rmmod dm_corcache
	[ -z "$rule_added" ] || { rm -f "$RULE" && udevadm control --reload; }
	mkdir -p "$LAB_OUT" && cp "$tmp"/*.log "$results" "$LAB_OUT/" 2> /dev/null
	rm -rf "$tmp"
} 2> /dev/null

wait_for() { # SECONDS WHAT COMMAND...
	local tries=$(($1 * 20)) what=$2 i
	shift 2
	for ((i = 0; i < tries; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	die "no $what"
}

# ---- the parts -------------------------------------------------------------

load_module() {
	modprobe dm-mod
	modprobe nbd max_part=0
	[ -b "$DEMO_CACHE" ] || modprobe loop
	if [ "$(dmsetup targets | grep -c '^corcache ')" = 0 ]; then
		modprobe -q libcrc32c || true
		insmod "$CORCACHE_KO"
		loaded=1
	fi
	# With udev running its scanners would read the image through the cache and spoil the count.
	if [ -e /run/udev/control ] && [ ! -e "$RULE" ]; then
		install -D -m 644 "$DEMO_RULE" "$RULE"
		rule_added=1
		udevadm control --reload
	fi
}

start_server() {
	local port
	for port in 10809 {20809..20829}; do
		nbdkit -r -i 127.0.0.1 -p "$port" -P "$tmp/server.pid" --filter=log --filter=delay \
			file "$DEMO_IMAGE" logfile="$server_log" delay-read=$DELAY 2> "$tmp/nbdkit.log" && break
	done
	wait_for 10 "NBD server: $(cat "$tmp/nbdkit.log")" test -s "$tmp/server.pid"
	server_pid=$(cat "$tmp/server.pid")
	attach_server "$port"
}

has_size() { [ "$(cat "/sys/block/$1/size")" -gt 0 ]; }

attach_server() { # PORT
	local n free=''
	for n in {0..15}; do
		if [ -b "/dev/nbd$n" ] && [ ! -e "/sys/block/nbd$n/pid" ]; then
			free=/dev/nbd$n
			break
		fi
	done
	[ -n "$free" ] || die "no free nbd device"
	nbd-client 127.0.0.1 "$1" "$free" -N "" -b 512 > "$tmp/nbd-client.log" 2>&1 ||
		die "nbd-client cannot attach $free: $(cat "$tmp/nbd-client.log")"
	# Only now is it ours to disconnect.
	nbd=$free
	wait_for 10 "size of $nbd" has_size "${nbd#/dev/}"
	sectors=$(cat "/sys/block/${nbd#/dev/}/size")
}

kill_server() {
	kill -KILL "$server_pid"
	wait_for 10 "end of the server" test ! -d "/proc/$server_pid"
	server_pid=''
}

open_cache_device() {
	cache=$DEMO_CACHE
	[ ! -b "$cache" ] || return 0
	loop=$(losetup -f --show "$DEMO_CACHE")
	cache=$loop
}

create_device() {
	"$DEMO_TOOL" create "$NAME" --origin "$nbd" --cache "$cache" --region $((REGION_SECTORS / 2))K --quota 100M --policy stop
}

status() { # FIELD: used, or the name of a counter
	"$DEMO_IO" status "$NAME" "$1" || die "no '$1' in the status of $NAME"
}

# ---- runs and what they must show ------------------------------------------

promise() { # WHAT GOT WANT
	if [ "$2" = "$3" ]; then
		say "    kept: $1: $2"
	else
		say "    BROKEN: $1: $2, promised: $3"
		failures=$((failures + 1))
	fi
}

# Percent of the answered pieces that came from the cache.
hit_ratio() {
	local hits misses joins
	hits=$(status hits) misses=$(status misses) joins=$(status joins)
	awk -v h="$hits" -v m="$misses" -v j="$joins" 'BEGIN { n = h + m + j; printf(n ? "%.1f %%" : "-", 100 * h / n) }'
}

# The tool's progress passes through; of its complaints, one per read, only the first few.
show_progress() {
	local piece progress complaints shown=0
	while IFS= read -r -d $'\r' piece || [ -n "$piece" ]; do
		progress=${piece%%READ ERROR*} progress=${progress%%MISMATCH*}
		complaints=${piece#"$progress"}
		[ -z "$progress" ] || printf '\r%s' "$progress"
		if [ -n "$complaints" ] && [ $((++shown)) -le 3 ]; then
			printf '\n    %s\n' "${complaints%%$'\n'*}"
		fi
	done
}

field() { sed -n "s/.*\b$2=\([0-9.]*\).*/\1/p" <<< "$1"; }

# Replay the trace from DEVICE; sets played (what the reader says) and asked (what the server saw meanwhile).
run() { # NAME DEVICE
	local name=$1 device=$2 mark status=0 ratio=-
	local bar=()
	[ "$DEMO_PROGRESS" = 0 ] || bar=(--progress)
	say ""
	say "$name"
	[ "$device" != "$DEV" ] || "$DEMO_TOOL" reset-stats "$NAME"
	mark=$(wc -c < "$server_log")
	"$DEMO_IO" replay "$DEMO_TRACE" "$device" "${bar[@]}" 2>&1 > "$tmp/played" | show_progress || status=$?
	played=$(cat "$tmp/played")
	[ -n "$played" ] || die "the reading tool said nothing (status $status)"
	[ "$device" != "$DEV" ] || ratio=$(hit_ratio)
	[ "$DEMO_PROGRESS" != 0 ] || say "    done: $(field "$played" reads) reads in $(field "$played" seconds) s"
	asked=$("$DEMO_IO" nbdlog "$server_log" --start "$mark")
	printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$(field "$played" seconds)" "$(field "$asked" bytes)" \
		"$(field "$asked" reads)" "$ratio" >> "$results"
	promise "reads that failed or held a wrong byte" \
		"$(($(field "$played" errors) + $(field "$played" mismatches)))" 0
	[ "$status" = 0 ] || [ $failures -gt 0 ] || promise "status of the reading tool" "$status" 0
}

nothing_asked() {
	promise "bytes over the network" "$(field "$asked" bytes)" 0
	promise "requests at the server" "$(field "$asked" reads)" 0
}

# A few cached blocks are compared with the image when the cache becomes active.
compared() {
	local i
	for ((i = 0; i < 100; i++)); do
		[ "$(status unchecked)" != 0 ] || break
		sleep 0.1
	done
	promise "blocks compared with the image" "$(($(status origin_check_bytes) / 4096))" 16
}

all_runs() {
	run "Plain NBD, for comparison" "$nbd"
	create_device
	run "Cold: corcache, empty cache" "$DEV"
	promise "bytes over the network = distinct 4 KiB blocks of the trace" \
		"$(field "$asked" bytes)" "$(field "$played" distinct_bytes)"
	promise "bytes that the target says it read" "$(status origin_bytes)" "$(field "$asked" bytes)"
	run "Warm: the same device again" "$DEV"
	nothing_asked
	"$DEMO_TOOL" remove "$NAME"
	create_device
	compared
	run "Warm after remove and re-create" "$DEV"
	nothing_asked
	kill_server
	run "Warm with the server killed" "$DEV"
	nothing_asked
	promise "regions over the quota" "$(($(status used) > $(status quota)))" 0
	used_kib=$(($(status used) * REGION_SECTORS / 2)) mode=$(status mode)
	promise "mode of the cache" "$mode" active
}

print_table() {
	say ""
	awk -F'\t' '
		function group(n, s) { for (s = ""; n >= 1000; n = int(n / 1000)) s = sprintf(",%03d", n % 1000) s; return n s }
		BEGIN { printf "%-34s %9s %18s %14s %10s\n", "run", "time", "over the network", "origin reads", "hit ratio" }
		{ printf "%-34s %7.1f s %15.1f MB %14s %10s\n", $1, $2, $3 / 1e6, group($4), $5 }' "$results"
	say ""
	say "Cache: $(awk -v k="$used_kib" 'BEGIN { printf "%.1f", k / 1024 }') MiB of a quota of 100 MiB in use."
}

main() {
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	mkdir -p /dev/mapper
	load_module
	open_cache_device
	start_server
	say "Image of $((sectors >> 21)) GiB on $nbd, $DELAY away; cache device $cache; $(wc -l < "$DEMO_TRACE") lines of trace"
	all_runs
	print_table
	say ""
	"$DEMO_TOOL" status "$NAME"
	say ""
	if [ $failures = 0 ]; then
		say "Every promise was kept."
	else
		say "$failures promises were BROKEN."
		exit 1
	fi
}

main "$@"
