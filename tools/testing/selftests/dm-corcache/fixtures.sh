# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# Fixtures: cache devices that a release has made, saved as text in fixtures/.  They
# are never made anew: every later version has to activate them warm.
#
# A fixture begins with lines of the form
#
#   # length 1995		of the origin, in sectors
#   # loop -b 4096		losetup's arguments for the device
#   # table 128 0 0		the table line, from the region size on
#   # cached 0 64		extents that are cached, in sectors
#   # cold 64 64		extents that are not
#   # found entries=9 blocks=40	what `corcache_io offline` finds
#   # hint 3 80000001		the hint of a region, as on the device
#
# and goes on with what `od -A x -t x1` printed of the device.  `corcache_io restore`
# makes the device of it.  The origin's content says where it is: each 16 bytes are the
# number of their block of 4096 bytes, in decimal, and a line feed.

# fixture_image SECTORS FILE: the origin
fixture_image() {
	awk -v blocks=$((($1 + 7) / 8)) 'BEGIN {
		for (b = 0; b < blocks; b++)
			for (i = 0; i < 256; i++)
				printf "%015d\n", b
	}' >"$2" && truncate -s $(($1 * 512)) "$2"
}

# fixture_field FILE NAME: the values of all lines of that name, a line each
fixture_field() { sed -n "/^#/!q; s/^# $2 //p" "$1"; }

# fixture_bytes FILE: the size of the device
fixture_bytes() { printf '%d\n' "0x$(tail -n 1 "$1")"; }
