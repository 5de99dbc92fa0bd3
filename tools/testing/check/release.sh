#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# release.sh - do `make set-version`, `make release` and `make dist` do what they say, and refuse what they should? In a
# repository of its own that is made of this checkout's files. And are the packages in contrib/ of one piece with them?
# Prints KTAP.
# shellcheck disable=SC2317 # cases are called by name
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(bad_versions unclean_tree next_is_open new_version tag_is_set tag_is_there a_place_is_forgotten dist pkgbuild spec)

tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-release.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@example.org GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@example.org
export GIT_CONFIG_GLOBAL=/dev/null
NEW=97.8.9

# COMMAND fails, says WHAT, and changes nothing.
refused() { # WHAT COMMAND...
	local what=$1
	shift
	git status --porcelain > "$tmp/before"
	"$@" > "$tmp/said" 2>&1 && fail "not refused: $*"
	cat "$tmp/said"
	grep -qF -- "$what" "$tmp/said" || fail "nothing is said of: $what"
	git status --porcelain | diff "$tmp/before" - || fail "refused, and something was changed: $*"
}

next() { sed -i '0,/^## /s/^## .*/## Next/' CHANGELOG.md; }

bad_versions() {
	local v
	next
	for v in '' 1 1.2 1.2.3.4 v1.2.3 1.2.x 01.2.3 '1.2.3 '; do
		refused "'$v' is not of the form X.Y.Z" make -s set-version V="$v"
	done
	refused "is $VERSION already" make -s set-version V="$VERSION"
	refused '0.0.1 is less' make -s set-version V=0.0.1
	git checkout -q .
}

unclean_tree() {
	echo >> README.md
	refused 'not clean:  M README.md' make -s release
	git checkout -q .
}

next_is_open() {
	next
	git diff --quiet || git commit -qam next
	refused "the first section of CHANGELOG.md is 'Next'" make -s release
}

new_version() {
	make -s set-version V="$NEW"
	git diff --stat
	[ "$(make -s version)" = "$NEW" ] || fail "make version says $(make -s version)"
	grep -qx 'MODULE_VERSION("97.8.9");' drivers/md/dm-corcache/target.c || fail "the module has the old version"
	grep -qx $'\t.version = {97, 8, 9},' drivers/md/dm-corcache/target.c || fail "the target has the old version"
	grep -qx "## $NEW" CHANGELOG.md || fail "CHANGELOG.md has no section '## $NEW'"
	[[ $(tools/package/changelog.sh | sed -n 1p) == "dm-corcache ($NEW) "* ]] || fail "debian/changelog has the old version"
	refused 'no section '"'## Next'" make -s set-version V=97.9.0
}

tag_is_set() {
	git commit -qam "$NEW"
	make -s release
	[ "$(git rev-parse "v$NEW^{commit}")" = "$(git rev-parse HEAD)" ] || fail "the tag is on another commit"
	git tag -l --format='%(contents)' "v$NEW" > "$tmp/tag"
	grep -qx "dm-corcache $NEW" "$tmp/tag" || fail "the tag does not say which version it is"
	[ "$(wc -l < "$tmp/tag")" -gt 3 ] || fail "the tag does not say what is new"
}

tag_is_there() { refused "there is a tag v$NEW already" make -s release; }

a_place_is_forgotten() {
	sed -i 's/^MODULE_VERSION.*/MODULE_VERSION("1.0.1");/' drivers/md/dm-corcache/target.c
	refused 'target.c has no line '"'MODULE_VERSION(\"$NEW\");'" tools/package/version.sh check
	git checkout -q .
	sed -i 's/^pkgver=.*/pkgver=1.0.1/' contrib/arch/PKGBUILD
	refused "PKGBUILD has no line 'pkgver=$NEW'" tools/package/version.sh check
	git checkout -q .
}

dist() {
	make -s dist
	tar -tf "build/dm-corcache-$NEW.tar.gz" | sort > "$tmp/dist"
	grep -qx "dm-corcache-$NEW/dkms.conf" "$tmp/dist" || fail "no dkms.conf in the tarball"
	wc -l "$tmp/dist"
}

# Where makepkg is not: its functions with what makepkg gives them.
pkgbuild() {
	bash -n contrib/arch/PKGBUILD
	mkdir -p "$tmp/arch/src"
	tar -C "$tmp/arch/src" -xf "build/dm-corcache-$NEW.tar.gz"
	# shellcheck disable=SC2016 # expanded by the inner shell
	env -u BUILD -u CORCACHE_BUILD bash -euc '
		cd "$1/arch/src"
		srcdir=$PWD
		. "$2"
		for f in pkgbase pkgver pkgrel pkgdesc arch license source sha256sums; do [ -n "${!f}" ]; done
		build > /dev/null
		for p in "${pkgname[@]}"; do
			cd "$srcdir"
			pkgdir=$1/arch/$p
			mkdir "$pkgdir"
			"package_$p" > /dev/null
			(cd "$pkgdir" && find . -type f | grep -v /drivers/)
		done' bash "$tmp" "$PWD/contrib/arch/PKGBUILD" | tee "$tmp/arch/files"
	grep -qx "./usr/src/dm-corcache-$NEW/dkms.conf" "$tmp/arch/files" || fail "no sources for DKMS"
	grep -qx "./usr/lib/udev/rules.d/12-dm-corcache.rules" "$tmp/arch/files" || fail "no udev rule"
	grep -qx "./usr/bin/corcache" "$tmp/arch/files" || fail "no tool"
}

spec() {
	mkdir -p "$tmp/rpm/SOURCES"
	cp "build/dm-corcache-$NEW.tar.gz" "$tmp/rpm/SOURCES/"
	rpmspec -P contrib/rpm/dm-corcache.spec > /dev/null
	# the packages' names are Fedora's: this machine has no rpm database
	env -u BUILD -u CORCACHE_BUILD rpmbuild --quiet --nodeps -bb -D "_topdir $tmp/rpm" -D 'debug_package %nil' \
		contrib/rpm/dm-corcache.spec
	rpm -qlp --nosignature "$tmp"/rpm/RPMS/*/*.rpm | grep -v /drivers/ | tee "$tmp/rpm/files"
	grep -qx "/usr/src/dm-corcache-$NEW/dkms.conf" "$tmp/rpm/files" || fail "no sources for DKMS"
	grep -qx "/usr/lib/udev/rules.d/12-dm-corcache.rules" "$tmp/rpm/files" || fail "no udev rule"
	grep -qx "/usr/sbin/corcache" "$tmp/rpm/files" || fail "no tool"
}

"$VM/deps.sh" deb rpm >&2
copy_project "$tmp/src"
cd "$tmp/src"
git init -q -b main .
git add -A
git commit -qm start
echo "KTAP version 1"
echo "1..${#cases[@]}"
n=0 bad=0
for name in "${cases[@]}"; do
	n=$((n + 1)) status=0
	# in the background: `set -e` holds there, as it would not in a condition
	"$name" > "$tmp/log" 2>&1 &
	wait $! || status=$?
	sed 's/^/    /' "$tmp/log"
	if [ $status = 0 ]; then echo "ok $n $name"; else echo "not ok $n $name"; bad=1; fi
done
exit $bad
