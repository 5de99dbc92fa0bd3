#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms-install.sh STAGE KERNEL   hand the sources in STAGE to DKMS; build and install them for KERNEL, and for each kernel
#                                that has the module from DKMS already
# dkms-install.sh --remove       take back all that DKMS has of dm-corcache
#
# STAGE is what `make dkms-stage` makes. The sources that DKMS has of this version are replaced, other versions are removed.
# Everything is built before anything is installed: when the new sources do not compile, the installed module stays.
# Refused where a package has put the sources there. Needs root, and dkms 3.0 or later.
set -euo pipefail

NAME=dm-corcache

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Lines of `dkms status`: NAME/VERSION[, KERNEL, ARCHITECTURE]: STATE
versions() { dkms status "$NAME" | sed -n "s|^$NAME/\([^,:]*\).*|\1|p" | sort -u; }

# Kernels that have it, and whose headers are there.
kernels() {
	local k
	for k in $(dkms status "$NAME" | sed -n "s|^$NAME/[^,]*, \([^,]*\), .*: installed.*|\1|p"); do
		if [ -e "/lib/modules/$k/build" ]; then echo "$k"; else echo "no headers for $k: its module stays" >&2; fi
	done
}

refuse_if_packaged() {
	local package
	package=$(dpkg-query -S "/usr/src/$NAME-*/dkms.conf" 2> /dev/null || rpm -qf /usr/src/$NAME-*/dkms.conf 2> /dev/null) || return 0
	die "the sources in /usr/src belong to a package (${package%%:*}): remove that first"
}

remove_version() { # VERSION
	dkms remove "$NAME/$1" --all
	rm -rf "/usr/src/$NAME-$1"
}

install_sources() { # STAGE VERSION
	rm -rf "/usr/src/$NAME-$2"
	cp -r "$1" "/usr/src/$NAME-$2"
	[ -n "$(dkms status "$NAME/$2")" ] || dkms add "$NAME/$2"
}

# On failure dkms only names the log of the compiler.
build() { # VERSION KERNEL
	dkms build --force "$NAME/$1" -k "$2" || {
		cat "/var/lib/dkms/$NAME/$1/build/make.log" >&2 || true
		die "the module does not build for $2"
	}
}

install_all() { # STAGE KERNEL
	local version targets k v
	[ -e "$1/dkms.conf" ] || die "no dkms.conf in '$1'"
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$1/dkms.conf")
	mapfile -t targets < <({ echo "$2"; kernels; } | sort -u)
	install_sources "$1" "$version"
	for k in "${targets[@]}"; do build "$version" "$k"; done
	# a module of the same version elsewhere would make dkms leave it at that
	for k in "${targets[@]}"; do dkms install --force "$NAME/$version" -k "$k"; done
	for v in $(versions); do
		[ "$v" = "$version" ] || remove_version "$v"
	done
}

remove_all() {
	local all v
	all=$(versions)
	[ -n "$all" ] || die "DKMS has no $NAME"
	for v in $all; do remove_version "$v"; done
}

command -v dkms > /dev/null || die "no dkms: install the package dkms"
refuse_if_packaged
case $# in
1) [ "$1" = --remove ] || die "unknown option '$1'"; remove_all ;;
2) install_all "$1" "$2" ;;
*) die "usage: dkms-install.sh STAGE KERNEL | --remove" ;;
esac
