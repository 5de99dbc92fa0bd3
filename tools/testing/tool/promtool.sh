#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# promtool.sh ARGUMENT... - promtool of Prometheus, with these arguments.
#
# One that is installed is used; else Debian's is unpacked in the lab's cache: to install the package would start a
# server. Exit status: promtool's; 4: it cannot be had here and now, with a message.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/testing/vm/lib.sh
. "$here/../vm/lib.sh"
# shellcheck source=tools/testing/vm/apt.sh
. "$LAB_DIR/apt.sh"

SUITE=bookworm

unpack() { # TMP: called by lab_entry
	apt_fetch "$1/all" prometheus
	mv "$1/all/usr/bin/promtool" "$1/"
	rm -rf "${1:?}/all"
}

# Sets entry: the newest in the cache; else it is made.
find_entry() {
	local version
	entry=$(find "$LAB_CACHE/tools" -maxdepth 1 -name 'promtool_*' 2> /dev/null | sort -V | tail -n 1)
	[ -z "$entry" ] || return 0
	[ "$(id -u)" = 0 ] || lab_die "$LAB_SKIP" "promtool is not installed, and only root may unpack it in $LAB_CACHE"
	apt_use "$SUITE" || lab_die "$LAB_SKIP" "promtool is not installed, and the mirror does not give suite $SUITE"
	version=$(apt_version prometheus)
	[ -n "$version" ] || lab_die "$LAB_SKIP" "promtool is not installed, and the mirror has no package prometheus"
	entry=$LAB_CACHE/tools/promtool_${version//:/.}
	lab_entry "$entry" unpack
}

case ${1:-} in '') lab_usage >&2; exit 1 ;; esac
if command -v promtool > /dev/null; then exec promtool "$@"; fi
find_entry
exec "$entry/promtool" "$@"
