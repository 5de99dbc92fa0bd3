#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# version.sh set X.Y.Z   make that the version, everywhere: `make set-version V=X.Y.Z`. The section "Next" of CHANGELOG.md
#                        becomes that version's
# version.sh check       do all that name the version agree?
# version.sh release     tag this commit as vX.Y.Z: `make release`. Refused unless the tree is clean, all agree, CHANGELOG.md's
#                        first section is this version's and says something, and there is no such tag. Nothing is pushed
#
# The version stands in dkms.conf, where all that can do so read it. Files that are taken out of the tree, or that a compiler
# reads, have it once more each; nobody else changes it there. debian/changelog is written when packages are built.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

current() { sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf; }

first_section() { sed -n '/^## /{s///p;q}' CHANGELOG.md; }

# FILE|LINE: the whole line.
PLACES=(
	'dkms.conf|PACKAGE_VERSION="@VERSION@"'
	'drivers/md/dm-corcache/target.c|MODULE_VERSION("@VERSION@");'
	$'drivers/md/dm-corcache/target.c|\t.version = {@NUMBERS@},'
	'contrib/arch/PKGBUILD|pkgver=@VERSION@'
	'contrib/rpm/dm-corcache.spec|Version:        @VERSION@'
)

line_of() { # PLACE VERSION
	local line=${1#*|}
	line=${line//@VERSION@/$2}
	printf '%s\n' "${line//@NUMBERS@/${2//./, }}"
}

check() {
	local version place file line
	version=$(current)
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "dkms.conf: '$version' is not of the form X.Y.Z"
	for place in "${PLACES[@]}"; do
		file=${place%%|*}
		line=$(line_of "$place" "$version")
		grep -qxF "$line" "$file" || die "$file has no line '$line': use make set-version V=$version"
	done
	grep -qx "## $version" CHANGELOG.md || die "CHANGELOG.md has no section '## $version'"
}

set_version() { # VERSION
	local old place file
	old=$(current)
	[[ ${1:-} =~ ^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$ ]] || die "'${1:-}' is not of the form X.Y.Z: make set-version V=1.2.3"
	check
	[ "$1" != "$old" ] || die "the version is $old already"
	[ "$(printf '%s\n' "$old" "$1" | sort -V | tail -n 1)" = "$1" ] || die "$1 is less than $old"
	[ "$(first_section)" = Next ] || die "CHANGELOG.md has no section '## Next' at its head: what is new in $1?"
	for place in "${PLACES[@]}"; do
		file=${place%%|*}
		replace_line "$file" "$(line_of "$place" "$old")" "$(line_of "$place" "$1")"
	done
	replace_line CHANGELOG.md '## Next' "## $1"
	check
	echo "$old is now $1"
}

replace_line() { # FILE OLD NEW
	local text
	text=$(awk -v old="$2" -v new="$3" '$0 == old { $0 = new } { print }' "$1"; echo .)
	printf '%s' "${text%.}" > "$1"
}

# What CHANGELOG.md says of VERSION.
news() {
	awk -v section="## $1" '$0 == section { inside = 1; next } /^## / { inside = 0 } inside' CHANGELOG.md
}

release() {
	local version
	version=$(current)
	[ -z "$(git status --porcelain)" ] || die "the tree is not clean: $(git status --porcelain | sed -n 1p)"
	check
	[ "$(first_section)" = "$version" ] || die "the first section of CHANGELOG.md is '$(first_section)': make set-version V=X.Y.Z first"
	[ -n "$(news "$version" | tr -d '[:space:]')" ] || die "CHANGELOG.md says nothing of $version"
	! git rev-parse -q --verify "refs/tags/v$version" > /dev/null || die "there is a tag v$version already"
	{ printf 'dm-corcache %s\n' "$version"; news "$version"; } | git tag -a --cleanup=verbatim -F - "v$version"
	echo "tagged v$version; to publish it: git push origin v$version"
}

case ${1:-} in
set) set_version "${2:-}" ;;
check) check ;;
release) release ;;
*) die "usage: version.sh set X.Y.Z | check | release" ;;
esac
