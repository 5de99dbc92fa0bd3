# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# view.sh - a machine with a kernel of Debian's and its headers installed, as a view of this one; to be sourced.
#
# In a private mount namespace /etc, /usr, /var/lib and /lib/modules are replaced by throw-away views: the machine's own,
# with unpacked Debian packages on top. What is installed there is gone with the namespace.
#
# Functions: in_view COMMAND...; in it prepare_view SCRATCH KVER MODROOT [ROOT...]. Needs lib.sh.

in_view() { unshare --mount --propagation private "$@"; }

# Lay DIRs over the directory MOUNTPOINT, and on top a place for changes.
view_overlay() { # SCRATCH MOUNTPOINT [DIR...]
	local changes=$1$2 mountpoint=$2 lower='' d
	shift 2
	for d in "$@" "$mountpoint"; do
		[ ! -d "$d" ] || lower+=${lower:+:}$d
	done
	mkdir -p "$changes/upper" "$changes/work"
	mount -t overlay overlay -o "lowerdir=$lower,upperdir=$changes/upper,workdir=$changes/work" "$mountpoint"
}

# SCRATCH takes the changes, below the places' names; MODROOT is what kernel.sh says; ROOTs are further unpacked packages.
prepare_view() { # SCRATCH KVER MODROOT [ROOT...]
	local scratch=$1 kver=$2 modroot=$3
	shift 3
	[ "$(realpath /lib)" = /usr/lib ] || fail "/lib is not /usr/lib on this machine"
	mount -t tmpfs -o size=1g tmpfs "$scratch"
	view_overlay "$scratch" /etc "${@/%//etc}"
	view_overlay "$scratch" /var/lib
	rm -rf /var/lib/dkms && mkdir /var/lib/dkms
	view_overlay "$scratch" /usr "${@/%//usr}" "$modroot/usr"
	rm -rf /usr/lib/modules /usr/src/dm-corcache-* && mkdir -p "/usr/lib/modules/$kver"
	view_overlay "$scratch" "/usr/lib/modules/$kver" "$modroot/lib/modules/$kver"
	[ -e "/lib/modules/$kver/build/Makefile" ] || fail "no headers for $kver in the view"
}
