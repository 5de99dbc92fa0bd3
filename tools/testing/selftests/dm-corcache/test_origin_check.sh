#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The right image, or none.  A cache that holds something is compared with its origin
# when it becomes active, when an origin of size 0 gets a size, when its device has
# other content, and when a reload names another one.  Another image: bypass, all
# readers get the bytes that the origin has, nothing is dropped or filled.  While
# there is no verdict hits wait for a second at most, and nothing is inserted.
#
# Image A is the pattern, image B the pattern of 1 MiB further on.  What is cached is
# A's, always: the check of the cache devices at the end of each case shows it.
# timeout=600
. "$(dirname "$0")/lib.sh"

LEN=16384
BYTES=$((LEN * 512))
SAMPLES=16

# two remotes: A is in $A, B in $B
two_remotes() {
	remote_start origin "$BYTES"
	A=$ORIGIN
	REMOTE_SHIFT=1048576 remote_start other "$BYTES"
	B=$ORIGIN
	mkcache 16
}
# warm ORIGIN [ARGS]: 2 MiB of A cached, and removed again
warm() {
	local origin=$1

	shift
	mkcorcache cc "$CACHE" "$origin" "$LEN" 128 "$@"
	read_ok "$DEV" 1M 2M
	settle cc
	VALID=$(status_get cc valid)
	dmremove cc
}
create() { mkcorcache cc "$CACHE" "$1" "$LEN" 128 "${@:2}"; }
reload() {
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $1 128 ${*:2}"
	timeout $((60 * SCALE)) dmsetup resume cc
}

# It has a verdict: the image that was cached, of which so many blocks were compared.
expect_equal() {
	checked cc
	expect_status cc mode = active
	expect_status cc reason = none
	expect_status cc origin_check_bytes = "$1"
}
is_bypassed() { status_is cc mode bypass; }

# in_the_second FUNCTION ARGS: hits wait for the verdict for a second, and the machine
# may be so slow that the second was over.  FUNCTION sets STARTED, makes the table
# active, reads, and returns 1 if hits were served before the verdict: then nothing is
# shown, and it is called again; but within the second that is a failure.
in_the_second() {
	local _

	for _ in 1 2 3 4 5 6 7 8; do
		if "$@"; then
			return
		fi
		expect "milliseconds from the start to a hit without a verdict" $(($(now_ms) - STARTED)) -ge 1000
		note "the second was over before the verdict: again"
	done
	fail "$*: eight times hits were served before the verdict"
}
# sees_b NAME OFF LEN: all that is read is B's, and nothing of it is a hit
sees_b() {
	local rc=0

	timeout $((100 * SCALE)) "$IO" read "$DEV" "$2" "$3" --shift 1M --bs 64K >"$T/read.out" 2>&1 || rc=$?
	[ "$(status_get "$1" hits)" = 0 ] || return 1
	expect "status of a read of B without hits" "$rc" = 0
}
expect_wrong() {
	wait_for 20 "bypass" is_bypassed
	expect_status cc reason = origin
	expect_status cc valid = "$VALID"
	expect_status cc checksum_errors = 0
	# nothing at all is A's
	read_ok "$DEV" --shift 1M
	settle cc
	expect_status cc fills = 0
	expect_status cc valid = "$VALID"
}

# ---- another image ----

create_other() {
	[ ! -e "$DEV" ] || dmremove cc
	log_mark
	STARTED=$(now_ms)
	create "$B" 0 2 origin_id A
	sees_b cc 1M 2M
}

check_other_at_create() {
	two_remotes
	warm "$A" 0 2 origin_id A
	in_the_second create_other
	expect_wrong
	expect_log "corcache: .*another image.*sector [0-9]*.*recover"
	# what is cached is there still, and is A's
	dmremove cc
	create "$A" 0 2 origin_id A
	expect_equal $((SAMPLES * 4096))
	expect_hits cc "$DEV" 1M 2M
}

reload_other() {
	if [ -n "${EVENTS:-}" ]; then
		reload "$A"
		checked cc
	fi
	message cc reset_stats
	EVENTS=$(events cc)
	STARTED=$(now_ms)
	reload "$B"
	sees_b cc 1M 2M
}
check_other_at_reload() {
	two_remotes
	warm "$A"
	create "$A"
	expect_equal $((SAMPLES * 4096))
	in_the_second reload_other
	expect_wrong
	expect "events" $(($(events cc) - EVENTS)) -ge 1
	# the right one is there again
	message cc reset_stats
	reload "$A"
	expect_equal $((SAMPLES * 4096))
	expect_hits cc "$DEV" 1M 2M
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

# The origin takes its time, less than a second: hits wait for the verdict, whichever.
slow_image() {
	[ ! -e "$DEV" ] || dmremove cc
	STARTED=$(now_ms)
	create /dev/mapper/slow
	if [ "$1" = "$A" ]; then
		read_ok "$DEV" 1M 64K
		status_is cc unchecked 0
	else
		sees_b cc 1M 64K
	fi
}
check_hits_wait() {
	local image

	need_target delay dm-delay
	two_remotes
	warm "$A"
	for image in "$A" "$B"; do
		mkdm slow "0 $LEN delay $image 0 400" --readonly
		in_the_second slow_image "$image"
		if [ "$image" = "$A" ]; then
			expect_status cc hits -ge 1
			expect_equal $((SAMPLES * 4096))
		else
			expect_wrong
		fi
		dmremove cc
		dmremove slow
	done
}

# Another size of blocks; the last one, partial, is all that is cached.
check_partial_block() {
	local args n=0

	LEN=16001
	for args in "" "1 no_checksums"; do
		n=$((n + 1))
		remote_start "origin$n" "$BYTES"
		A=$ORIGIN
		REMOTE_SHIFT=1048576 remote_start "other$n" "$BYTES"
		B=$ORIGIN
		mkcache 16
		# shellcheck disable=SC2086 # words are meant
		create "$A" ${args:-0} 2 block_size 16
		read_ok "$DEV" $((16000 * 512)) 512
		settle cc
		VALID=1
		dmremove cc
		# shellcheck disable=SC2086
		create "$A" ${args:-0} 2 block_size 16
		expect_equal 512
		expect_hits cc "$DEV" $((16000 * 512)) 512
		dmremove cc
		# shellcheck disable=SC2086
		create "$B" ${args:-0} 2 block_size 16
		expect_wrong
		dmremove cc
	done
}

check_no_checksums() {
	two_remotes
	warm "$A" 1 no_checksums
	create "$A" 1 no_checksums
	expect_equal $((SAMPLES * 4096))
	expect_hits cc "$DEV" 1M 2M
	dmremove cc
	create "$B" 1 no_checksums
	expect_wrong
	dmremove cc
	# large blocks: one at a time
	mkcache 24
	mkcorcache cc "$CACHE" "$A" "$LEN" 4096 1 no_checksums 2 block_size 4096
	read_ok "$DEV"
	settle cc
	VALID=4
	dmremove cc
	mkcorcache cc "$CACHE" "$A" "$LEN" 4096 1 no_checksums 2 block_size 4096
	expect_equal "$BYTES"
	dmremove cc
	mkcorcache cc "$CACHE" "$B" "$LEN" 4096 1 no_checksums 2 block_size 4096
	expect_wrong
}

# ---- the same image ----

check_equal() {
	setup 8 16 128
	read_ok "$DEV" 1M 2M
	settle cc
	expect_status cc origin_check_bytes = 0
	dmremove cc
	remote_mark origin
	create "$ORIGIN"
	expect_hits cc "$DEV" 1M 2M
	expect_equal $((SAMPLES * 4096))
	expect_remote origin reads = "$SAMPLES"
	expect_remote origin again = 0
	expect_status cc misses = 0
	expect_status cc origin_reads = 0
	expect_read_of_origin cc origin = 0
	# what is missed now is filled
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
	expect_read_of_origin cc origin = $((6 << 20))
	# no other check: for the same table, or one of the same origin
	dmsetup suspend cc
	dmsetup resume cc
	reload "$ORIGIN" 0 2 commit_interval 200
	expect_hits cc "$DEV"
	expect_equal $((SAMPLES * 4096))
}

# fewer blocks than it wants: all of them; none: no check
check_few_blocks() {
	local n

	remote_start origin "$BYTES"
	mkcache 16
	for n in 0 1 3 15 16 17; do
		create "$ORIGIN"
		checked cc
		message cc evict_all
		message cc commit
		for ((i = 0; i < n; i++)); do
			read_ok "$DEV" $((i * 300000 / 4096 * 4096)) 4096
		done
		settle cc
		expect_status cc valid = "$n"
		dmremove cc
		remote_mark origin
		create "$ORIGIN"
		expect_equal $(((n < SAMPLES ? n : SAMPLES) * 4096))
		expect_remote origin again = 0
		# the lowest is one of them
		[ "$n" = 0 ] ||
			"$IO" nbdlog "$T/origin.log" --start "$(cat "$T/origin.mark")" --progress | has_line "^0 4096$" ||
			fail "the lowest block was not read"
		dmremove cc
	done
}

# ---- an origin that comes ----

# an image in a file, and the loop device over it: its size is the file's
write_image() { timeout $((60 * SCALE)) dd if="$1" of="$T/image" bs=1M count=8 iflag=direct conv=notrunc status=none; }
origin_size() {
	truncate -s "$1" "$T/image"
	losetup -c "$IMAGE"
	expect "size of the origin" "$(sectors "$IMAGE")" = $(($1 / 512))
}
image_origin() {
	two_remotes
	truncate -s "$BYTES" "$T/image"
	write_image "$A"
	mkloop "$T/image" "$BYTES" -r
	IMAGE=$LOOP
}

# of size 0 when the cache becomes active: hits are served, and it is compared later
check_size_0_at_create() {
	local other

	image_origin
	warm "$IMAGE"
	for other in "$A" "$B"; do
		origin_size 0
		create "$IMAGE"
		expect_hits cc "$DEV" 1M 2M
		read_fails "$DEV" 7M 64K --bs 4K
		expect_status cc unchecked = 1
		expect_status cc origin_check_bytes = 0
		expect_status cc mode = active
		truncate -s "$BYTES" "$T/image"
		write_image "$other"
		origin_size "$BYTES"
		if [ "$other" = "$A" ]; then
			expect_equal $((SAMPLES * 4096))
			read_ok "$DEV" 4M 1M
			settle cc
			expect_hits cc "$DEV" 4M 1M
			VALID=$(status_get cc valid)
		else
			expect_wrong
		fi
		dmremove cc
	done
}

# it goes, is seen to be gone, and comes back
check_comes_back() {
	image_origin
	warm "$IMAGE"
	create "$IMAGE"
	expect_equal $((SAMPLES * 4096))
	# the poll sees it, without a reader
	origin_size 0
	wait_for 20 "look at the origin" status_is cc unchecked 1
	expect_hits cc "$DEV" 1M 2M
	truncate -s "$BYTES" "$T/image"
	write_image "$A"
	origin_size "$BYTES"
	expect_equal $((2 * SAMPLES * 4096))
	# a failing read sees it at once
	origin_size 0
	read_fails "$DEV" 4M 64K --bs 4K
	expect_status cc unchecked = 1
	truncate -s "$BYTES" "$T/image"
	write_image "$B"
	origin_size "$BYTES"
	expect_wrong
}

# the driver says that the medium is another one
check_media_change() {
	image_origin
	warm "$IMAGE"
	create "$IMAGE"
	expect_equal $((SAMPLES * 4096))
	cp "$T/image" "$T/same"
	"$IO" change-fd "$IMAGE" "$T/same"
	# a miss: it is seen before it is sent
	read_ok "$DEV" 4M 64K
	expect_equal $((2 * SAMPLES * 4096))
	expect_hits cc "$DEV" 1M 2M
	VALID=$(status_get cc valid)
	message cc reset_stats
	cp "$T/image" "$T/another"
	timeout $((60 * SCALE)) dd if="$B" of="$T/another" bs=1M count=8 iflag=direct conv=notrunc status=none
	"$IO" change-fd "$IMAGE" "$T/another"
	read_ok "$DEV" 5M 64K --shift 1M
	expect_wrong
}

# ---- no answer ----

# The origin is silent: hits are served when a second is over, and it is compared when
# it answers.
check_stalled() {
	local started image took least=1000000

	two_remotes
	warm "$A"
	for image in origin other; do
		ORIGIN=$(cat "$T/$image.dev")
		remote_stall "$image"
		create "$ORIGIN"
		started=$(now_ms)
		read_ok "$DEV" 1M 2M --bs 64K
		note "hits were served after $(($(now_ms) - started)) ms"
		took=$(($(now_ms) - started))
		[ "$took" -ge "$least" ] || least=$took
		expect_status cc hits -ge 32
		expect_status cc unchecked = 1
		expect_status cc mode = active
		# it does not wait another time, not even after a suspend
		timeout $((60 * SCALE)) dmsetup suspend --noflush cc
		dmsetup resume cc
		expect_hits cc "$DEV" 1M 2M
		expect_status cc unchecked = 1
		# however often it begins, so many reads are under way
		wait_for 30 "reads of the check" status_is cc transfers "$SAMPLES"
		expect_hits cc "$DEV" 1M 2M
		expect_status cc transfers = "$SAMPLES"
		remote_continue "$image"
		if [ "$image" = origin ]; then
			checked cc
			expect_status cc mode = active
			expect_status cc origin_check_bytes -ge $((SAMPLES * 4096))
			read_ok "$DEV" 4M 1M
			settle cc
			expect_hits cc "$DEV" 4M 1M
			VALID=$(status_get cc valid)
		else
			expect_wrong
		fi
		dmremove cc
	done
	# the machine may be busy: the better of two
	expect "milliseconds for a hit" "$least" -le $((5000 * SCALE))
}

# The second is not over, or just is: a no-flush suspend answers, and readers return.
check_suspend_in_the_second() {
	local n took least=1000000

	setup 8 16 128
	read_ok "$DEV" 1M 2M
	settle cc
	dmremove cc
	remote_stall origin
	create "$ORIGIN"
	for ((n = 0; n < 3; n++)); do
		job "hits$n" "$IO" together "$DEV" $((1024 + n * 512))K 64K --threads 4
		timeout $((60 * SCALE)) "$IO" suspend cc --noflush >"$T/suspend" 2>&1 || fail "suspend: $(cat "$T/suspend")"
		note "$(cat "$T/suspend")"
		took=$(sed -n 's/^suspended ms=//p' "$T/suspend")
		[ "$took" -ge "$least" ] || least=$took
		dmsetup resume cc
	done
	# the machine may be busy: the best of three
	expect "milliseconds" "$least" -le $((2000 * SCALE))
	job_end hits0 30
	job_end hits1 30
	# a reload, and a removal, with the check under way; the latter waits for it
	remote_start second "$BYTES"
	dmsetup reload cc --readonly --table "0 $LEN corcache $CACHE $ORIGIN 128"
	job resume dmsetup resume cc
	wait_for 30 "the second origin" table_names "$ORIGIN"
	checked cc
	expect_hits cc "$DEV" 1M 2M
	job_end hits2 30
	job_running resume || fail "the reload did not wait for the old origin"
	remote_continue origin
	job_end resume 30
}
table_names() { dmsetup table cc | has_line "$(cat "/sys/block/${1##*/}/dev") "; }

# Nothing is inserted while there is no verdict.  The part of the origin that is
# cached is silent, and the rest answers, with the bytes of another image.
check_fill_before_verdict() {
	local split started

	two_remotes
	warm "$A"
	REMOTE_SHIFT=1048576 remote_start live "$BYTES"
	split="0 8192 linear $B 0
8192 8192 linear $ORIGIN 8192"
	mkdm split "$split" --readonly
	remote_stall other
	create /dev/mapper/split
	# answered at once; no message waits for the origin, and none for the verdict
	started=$(now_ms)
	read_ok "$DEV" 4M 1M --shift 1M
	message cc commit
	expect "milliseconds" $(($(now_ms) - started)) -le $((5000 * SCALE))
	wait_for 10 "end of the second" fills_are_bypassed
	expect_status cc unchecked = 1
	expect_status cc fills = 0
	expect_status cc valid = "$VALID"
	read_ok "$DEV" 6M 1M --shift 1M
	message cc commit
	expect_status cc fills = 0
	expect_status cc valid = "$VALID"
	expect_status cc mode = active
	remote_continue other
	expect_wrong
}
fills_are_bypassed() { [ "$(status_get cc bypasses)" -ge 1 ]; }

# ---- errors ----

# All reads of the origin fail: hits are served at once, and it is tried again, without
# a reader and, sooner, when one has got something.
check_origin_errs() {
	local n started

	setup 8 16 128
	read_ok "$DEV" 1M 2M
	settle cc
	for n in 0 1; do
		dmremove cc
		remote_errors origin on
		create "$ORIGIN"
		started=$(now_ms)
		expect_hits cc "$DEV" 1M 2M
		note "hits were served after $(($(now_ms) - started)) ms"
		expect_status cc unchecked = 1
		read_fails "$DEV" $((4 + n))M 64K --bs 4K
		expect_status cc mode = active
		remote_errors origin off
		[ "$n" = 0 ] || read_ok "$DEV" 6M 4K
		checked cc
		expect_status cc mode = active
		read_ok "$DEV" $((4 + n))M 1M
		settle cc
		expect_hits cc "$DEV" $((4 + n))M 1M
	done
}

# One bad sector is no verdict, not even the lowest's.
check_bad_sector() {
	local bad=2048

	remote_start origin "$BYTES"
	A=$ORIGIN
	mkcache 16
	mkdm holed "0 $LEN linear $A 0" --readonly
	warm /dev/mapper/holed
	reload_dm holed "0 $bad linear $A 0
$bad 1 error
$((bad + 1)) $((LEN - bad - 1)) linear $A $((bad + 1))"
	create /dev/mapper/holed
	checked cc
	expect_status cc mode = active
	expect_status cc origin_check_bytes = $(((SAMPLES + 1) * 4096))
	expect_hits cc "$DEV" 1M 2M
	read_ok "$DEV" 4M 1M
	settle cc
	expect_hits cc "$DEV" 4M 1M
}

# What is to be compared is evicted meanwhile, and in the end nothing is left.
check_evicted_meanwhile() {
	setup 8 16 128
	read_ok "$DEV" 1M 2M
	settle cc
	dmremove cc
	remote_stall origin
	create "$ORIGIN"
	message cc evict 2048 2048
	remote_continue origin
	checked cc
	expect_status cc mode = active
	dmremove cc
	remote_stall origin
	create "$ORIGIN"
	message cc evict_all
	remote_continue origin
	checked cc
	expect_status cc mode = active
	read_ok "$DEV"
	settle cc
	expect_hits cc "$DEV"
}

run_cases check_other_at_create check_other_at_reload check_hits_wait check_partial_block check_no_checksums \
	check_equal check_few_blocks check_size_0_at_create check_comes_back check_media_change \
	check_stalled check_suspend_in_the_second check_fill_before_verdict check_origin_errs \
	check_bad_sector check_evicted_meanwhile
