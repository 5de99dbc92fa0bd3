# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A corcache device whose cache device can be made to err: `cc`, on the linear device
# `below`, whose table is exchanged while it is in use.  Sourced after lib.sh.

LEN=16384		# sectors of the origin

# begin [FEATURES AND CORE ARGS]: the cache device `below`, all of it good
begin() {
	remote_start origin 8M
	mkcache 16
	SIZE=$(sectors "$CACHE")
	mkdm below "0 $SIZE linear $CACHE 0"
	mkcorcache cc /dev/mapper/below "$ORIGIN" "$LEN" 128 "$@"
	"$IO" dump "$CACHE" >"$T/dump"
	# shellcheck disable=SC2034 # for the tests: where the slots begin
	DATA_START=$(sed -n 's/^super copy=main .* data_start=\([0-9]*\) .*/\1/p' "$T/dump")
}
all_good() { reload_dm below "0 $SIZE linear $CACHE 0"; }
all_gone() { reload_dm below "0 $SIZE error"; }
# errors START LENGTH: reads and writes of it err
errors() {
	local table="0 $1 linear $CACHE 0
$1 $2 error"

	[ $(($1 + $2)) -ge "$SIZE" ] || table+="
$(($1 + $2)) $((SIZE - $1 - $2)) linear $CACHE $(($1 + $2))"
	reload_dm below "$table"
}
# writes err, reads do not: a device turned read-only
write_errors() { reload_dm below "0 $SIZE flakey $CACHE 0 0 60 1 error_writes"; }
mode_is() { [ "$(status_get cc mode)" = "$1" ]; }
