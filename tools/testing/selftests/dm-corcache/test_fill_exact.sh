#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The remote is read once, and no more of it than was asked for: origin bytes,
# counted at the server, are the distinct blocks that were read; of what is
# partly there, only the missing blocks are fetched.
. "$(dirname "$0")/lib.sh"

# asked OFF LEN BYTES [READS]: a read costs that many bytes at the server
asked() {
	remote_mark origin
	read_ok "$DEV" "$1" "$2"
	expect_remote origin bytes = "$3"
	[ $# -lt 4 ] || expect_remote origin reads = "$4"
	settle cc
}

exact_blocks() {
	setup 8 16 128
	# a sector is a block, once
	asked 512 512 4096 1
	asked 0 4096 0
	asked 3584 512 0
	# two sectors of two blocks are two blocks, in one request
	asked $((16384 - 512)) 1024 8192 1
	# of three blocks two are there
	asked 8192 12288 4096 1
	# a whole region whose blocks 0, 2, 3, 4 are there
	asked 0 65536 $((12 * 4096))
	asked 0 65536 0
	expect_status cc valid = 16
	expect_status cc used = 1
	expect_status cc origin_bytes = 65536
}

# every second block, then everything
exact_gaps() {
	local block

	setup 8 16 128
	for ((block = 1; block < 64; block += 2)); do
		asked $((block * 4096 + 1024)) 1024 4096 1
	done
	expect_status cc valid = 32
	asked 0 262144 $((32 * 4096))
	asked 0 262144 0
	# a run from one region into the next is one request
	asked $((1048576 - 8192)) 16384 16384 1
}

exact_large_blocks() {
	setup 8 16 256 0 2 block_size 64
	asked 512 512 32768 1
	asked 0 32768 0
	asked 32256 1024 32768 1
	asked 0 131072 65536
	expect_status cc used = 1
	expect_status cc valid = 4
}

# the end of the origin is no reason to ask for more, or for less
exact_tail() {
	local last=$((8 * 1048576 + 3 * 512))

	remote_start origin "$last"
	mkcache 16
	mkcorcache cc "$CACHE" "$ORIGIN" $((last / 512)) 128
	asked $((last - 512)) 512 1536 1
	asked $((last - 1536)) 1536 0
	asked $((last - 1536 - 4096)) $((1536 + 4096)) 4096 1
	asked 0 "$last" $((last - 1536 - 4096))
	settle cc
	expect_hits cc "$DEV" 0 "$last"
}

# many readers at once over the same extents: no byte twice
exact_random() {
	local distinct

	setup 16 32 128
	timeout $((100 * SCALE)) "$IO" random "$DEV" --count "$(scaled 1500)" --threads 8 --max-bs 128K \
		--length 12M --seed "$SEED"
	settle cc
	remote_count origin
	expect_remote origin again = 0
	expect_remote origin bytes = "$(status_get cc origin_bytes)"
	distinct=$(($(status_get cc valid) * 4096))
	expect_remote origin bytes = "$distinct"
	timeout $((100 * SCALE)) "$IO" random "$DEV" --count "$(scaled 500)" --threads 8 --max-bs 128K \
		--length 12M --seed "$SEED"
	read_ok "$DEV"
	settle cc
	expect_remote origin again = 0
	expect_remote origin bytes = $((16 * 1048576))
	# one region lies in one slot, whoever filled it
	expect_status cc used = 256
	message cc commit
	dmremove cc
	"$IO" dump "$CACHE" >"$T/dump"
	expect "regions with a slot" "$(grep -c '^entry ' "$T/dump")" = 256
	expect "distinct regions" "$(sed -n 's/^entry .*region=\([0-9]*\) .*/\1/p' "$T/dump" | sort -u | wc -l)" = 256
}

run_cases exact_blocks exact_gaps exact_large_blocks exact_tail exact_random
