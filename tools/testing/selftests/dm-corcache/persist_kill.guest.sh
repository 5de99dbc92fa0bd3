#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# persist_kill.guest.sh - the part of test_persist_kill.host.sh that runs in the
# guest; CASES says which.  FEATURES are those of the table line.
#
# The file claims, which outlives the guest and is shared with the host, says of
# which of the origin's 64 MiB it was known that they were cached and committed:
#   hit N     written when `commit` had returned
#   gone N    written before N may be evicted; N is a number or `all`
. "$(dirname "$0")/lib.sh"
cp -r "$HOST_FILES/tools" /tmp/tools
use_tools /tmp/tools

read -r DISK CONTROL BLANK <<<"$LAB_DISKS"
LEN=131072		# sectors: 64 MiB
ARGS="128 $FEATURES 4 policy stop commit_interval"
CLAIMS=$LAB_OUT/claims
declare -A claimed=()
RANDOM=$SEED

say() { # FILE LINES: said when it returns, whatever happens then
	echo "$2" >>"$LAB_OUT/$1"
	sync -f "$LAB_OUT"
}

# The control: what was flushed, and what was not.
write_control() {
	dd if="$HOST_FILES/old" of="$CONTROL" bs=4k oflag=direct conv=notrunc,fsync status=none
	dd if="$HOST_FILES/new" of="$CONTROL" bs=4k oflag=direct conv=notrunc seek=256 status=none
}

read_claims() {
	local what n

	[ -e "$CLAIMS" ] || return 0
	while read -r what n; do
		case $what-$n in
		gone-all) claimed=() ;;
		hit-*) claimed[$n]=1 ;;
		gone-*) unset "claimed[$n]" ;;
		esac
	done <"$CLAIMS"
}

# What had been committed is there, while there is no remote at all; then all of
# it is right.
verify() {
	local n ranges=()

	read_claims
	for n in "${!claimed[@]}"; do
		ranges+=("${n}M" 1M)
	done
	mkdm away "0 $LEN error"
	mkcorcache cc "$DISK" /dev/mapper/away "$LEN" 128 "$FEATURES"
	note "after the restart, ${#claimed[@]} MiB claimed: $(status_line cc)"
	[ ${#ranges[@]} = 0 ] || expect_hits cc "$DEV" "${ranges[@]}"
	expect_status cc checksum_errors = 0
	remote_start origin 64M
	reload
	read_ok "$DEV"
	settle cc
	[ ${#ranges[@]} = 0 ] || expect_hits cc "$DEV" "${ranges[@]}"
	expect_status cc checksum_errors = 0
	say verified ${#claimed[@]}
}

reload() {
	timeout 60 dmsetup reload cc --readonly --table \
		"0 $LEN corcache $DISK $ORIGIN $ARGS $((10 + RANDOM % 100))"
	timeout 60 dmsetup resume cc
}

# What is read is cached if nothing is asked of the origin when it is read again.
# The load stands still meanwhile.
claim() { # N NUMBER
	local before after n lines=''

	[ ! -e "$T/load.pid" ] || kill -STOP "$(job_pid load)"
	read_ok "$DEV" "${1}M" "${2}M"
	settle cc
	before=$(status_get cc origin_bytes)
	read_ok "$DEV" "${1}M" "${2}M"
	after=$(status_get cc origin_bytes)
	[ ! -e "$T/load.pid" ] || kill -CONT "$(job_pid load)"
	[ "$before" = "$after" ] || return 0
	message cc commit
	for ((n = $1; n < $1 + $2; n++)); do
		claimed[$n]=1
		lines+="hit $n"$'\n'
	done
	say claims "${lines%?}"
}

evict() { # N NUMBER
	local n lines=''

	for ((n = $1; n < $1 + $2; n++)); do
		unset "claimed[$n]"
		lines+="gone $n"$'\n'
	done
	say claims "${lines%?}"
	message cc evict $(($1 * 2048)) $(($2 * 2048))
}

quota() {
	say claims "gone all"
	claimed=()
	message cc quota $((16384 + RANDOM % 48 * 1024))
}

# Until the power goes.
trouble() {
	job load nice "$IO" random "$DEV" --seconds 36000 --threads 4 --max-bs 256K --seed "$SEED"
	say ready now
	while job_running load; do
		case $((RANDOM % 16)) in
		0 | 1 | 2 | 3 | 4) claim $((RANDOM % 61)) $((1 + RANDOM % 4)) ;;
		5 | 6 | 7 | 8 | 9 | 10 | 11) evict $((RANDOM % 61)) $((1 + RANDOM % 4)) ;;
		12 | 13) message cc commit ;;
		14) quota ;;
		15) reload ;;
		esac
	done
	fail "the load ended: $(cat "$T/load.out")"
}

kill_boot() {
	local n

	write_control
	verify
	# some room
	evict $((RANDOM % 49)) 16
	for ((n = 0; n < 60 && ${#claimed[@]} < 8; n++)); do claim $((RANDOM % 61)) 4; done
	expect "claims" ${#claimed[@]} -ge 8
	trouble
}

# The power goes at some moment around the formatting: most of this loop is
# formatting and zeroing.  A cut between the two writes of a format is rare all
# the same; that each combination of what of them arrives is fine is shown by
# test_persist_format (format_crash).
kill_format() {
	local n

	write_control
	verify
	dmremove cc
	say ready now
	for ((n = 0; ; n++)); do
		mkcorcache cc "$BLANK" "$ORIGIN" "$LEN" "$ARGS" 20
		[ $((n % 8)) != 0 ] || read_ok "$DEV" 0 8M
		dmremove cc
		dd if=/dev/zero of="$BLANK" bs=1M count=1 oflag=direct conv=notrunc status=none
		dd if=/dev/zero of="$BLANK" bs=1M count=1 oflag=direct conv=notrunc status=none \
			seek=$(($(sectors "$BLANK") / 2048 - 1))
	done
}

# whatever formatting and zeroing left: at least one superblock or none at all
kill_format_check() {
	offline_allow duplicate
	remote_start origin 64M
	mkcorcache cc "$BLANK" "$ORIGIN" "$LEN" "$ARGS" 20
	note "after the restart: $(status_line cc)"
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_status cc checksum_errors = 0
}

run_cases kill_boot kill_format kill_format_check
