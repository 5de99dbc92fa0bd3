#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# apt.sh - Debian packages of any suite, without touching the system's own package lists; to be sourced.
#
# The mirror is the one this machine already uses, read from apt's own configuration (with its proxies and keys).
# Each suite gets a sources list, package lists and an empty dpkg status of its own in the cache, so neither the
# suites nor the pins nor the installed packages of the machine have a say in which version is found.
#
# Functions: apt_use SUITE [ARCHITECTURE], apt_version PACKAGE, apt_depends PACKAGE, apt_fetch DIR PACKAGE...
# Needs lib.sh.

# Package lists are asked for anew when older than this many hours.
APT_REFRESH=${CORCACHE_LAB_REFRESH:-12}
APT_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

apt_mirror() { # LABEL: URI of the machine's mirror of the Debian archive (Debian) or of its security updates
	apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Origin: Debian' "Label: $1" | sed -n 1p
}

apt_sources() { # SUITE: lines of a sources list
	local main security
	main=$(apt_mirror Debian)
	if [ -z "$main" ]; then
		# apt knows the origin of a source only when it has its lists; a fresh machine has none.
		apt-get -qq update > /dev/null || true
		main=$(apt_mirror Debian)
	fi
	security=$(apt_mirror Debian-Security)
	[ -n "$main" ] || return 1
	echo "deb [signed-by=$APT_KEYRING] $main $1 main"
	case $1 in
	*-backports | sid | experimental) return 0 ;;
	esac
	# The newest kernels of a stable release come as security updates.
	[ -z "$security" ] || echo "deb [signed-by=$APT_KEYRING] $security $1-security main"
}

# Select SUITE for the other functions and see that its package lists are there and recent. Returns 1 when they
# cannot be had; old lists are used, with a word on stderr, when the mirror does not answer.
apt_use() { # SUITE [ARCHITECTURE]
	local arch=${2:-amd64}
	local d=$LAB_CACHE/apt/$1
	[ "$arch" = amd64 ] || d+=-$arch
	mkdir -p "$d/none"
	APT_OPTS=(
		-o "Dir::Etc::sourcelist=$d/sources.list" -o "Dir::Etc::sourceparts=$d/none"
		-o "Dir::Etc::preferences=$d/none.pref" -o "Dir::Etc::preferencesparts=$d/none"
		-o "Dir::State::Lists=$d/lists" -o "Dir::State::status=$d/status"
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
		-o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
		-o APT::Default-Release= -o APT::Sandbox::User=root
		-o Acquire::Languages=none -o Acquire::Retries=2
	)
	lab_fresh "$d/updated" "$APT_REFRESH" && return 0
	(
		lab_lock "apt-${d##*/}"
		lab_fresh "$d/updated" "$APT_REFRESH" && exit 0
		mkdir -p "$d/lists/partial"
		: > "$d/status"
		apt_sources "$1" > "$d/sources.list.new" || {
			lab_say "apt knows no Debian mirror: see that 'apt-get update' works with a Debian source configured"
			exit 1
		}
		mv "$d/sources.list.new" "$d/sources.list"
		if apt-get "${APT_OPTS[@]}" -o APT::Update::Error-Mode=any -qq update > "$d/update.log" 2>&1; then
			touch "$d/updated"
			exit 0
		fi
		sed 's/^/apt: /' "$d/update.log" >&2
		[ -e "$d/updated" ] || exit 1
		lab_say "the mirror did not give suite $1: using the package lists of $(date -r "$d/updated" +%F)"
	)
}

apt_version() { # PACKAGE: version of the candidate, nothing when there is none
	apt-cache "${APT_OPTS[@]}" policy "$1" | sed -n 's/^  Candidate: //p' | grep -v '^(none)$' || true
}

apt_depends() { # PACKAGE: names it depends on, first alternative only
	apt-cache "${APT_OPTS[@]}" show --no-all-versions "$1" |
		sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/[|(].*//; s/:any//; s/ //g'
}

apt_fetch() { # DIR PACKAGE...: download and unpack into DIR; nothing is installed
	local dir=$1 debs
	shift
	debs=$(mktemp -d "$LAB_CACHE/.debs.XXXXXX")
	if ! (cd "$debs" && apt-get "${APT_OPTS[@]}" -qq download "$@"); then
		rm -rf "$debs"
		lab_say "cannot download: $*"
		return "$LAB_SKIP"
	fi
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$debs"
}
