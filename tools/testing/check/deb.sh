#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb.sh - are the Debian packages well made? Prints KTAP.
#
#   deb.sh        built on this machine, outside of the tree; lintian; what is in them. Part of `make check`
#   deb.sh full [CASE...]   built from the source package in a clean chroot of bookworm, with nothing but what Build-Depends names;
#                 lintian; then, in a chroot that has nothing but what they depend on and the headers of a kernel: installed in
#                 either order, upgraded, purged, with a look at what is left. `make check-deb`
#                 (deb.chroot.sh)
#
# The chroots are in the lab's cache; what is done in them goes to memory. Exit status: 0, 1, 4 when a package cannot be had.
# shellcheck disable=SC2317 # cases are called by name
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

SUITE=bookworm
OUT=$BUILD/check/deb
# shellcheck source=tools/testing/vm/lib.sh
. "$VM/lib.sh"
# shellcheck source=tools/testing/vm/apt.sh
. "$VM/apt.sh"

build_dependencies() {
	sed -n '/^Build-Depends:/,/^[A-Z].*:/{/^ /p}' "$TOP/debian/control" |
		sed 's/ *(.*//; s/,$//; s/^ *//; s/^debhelper-compat$/debhelper/; s/^dh-sequence-dkms$/dh-dkms/'
}

make_chroot() { # TMP VARIANT PACKAGE...
	local tmp=$1 variant=$2
	shift 2
	"$VM/deps.sh" chroot
	mmdebstrap --quiet --mode=root --variant="$variant" --architectures=amd64 --include="$(tr ' ' , <<< "$*")" \
		--aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io "$SUITE" "$tmp/root" "$LAB_CACHE/apt/$SUITE/sources.list" || {
		lab_say "cannot make a chroot of $SUITE"
		return "$LAB_SKIP"
	}
}

# The entry's name has what the packages in it are, and the version of the ones that change most often.
get_chroot() { # NAME VARIANT PACKAGE...: sets chroot
	local name=$1 key
	shift
	apt_use "$SUITE" || lab_die "$LAB_SKIP" "suite $SUITE cannot be had from this machine's mirror"
	key=$(echo "$* $(apt_version linux-headers-amd64) $(apt_version dkms)" | sha256sum | cut -c1-12)
	chroot=$LAB_CACHE/chroot/$SUITE-$name-$key
	lab_entry "$chroot" make_chroot "$@"
	chroot+=/root
}

# In CHROOT, with the packages in PACKAGES; what is changed there is gone afterwards.
in_chroot() { # CHROOT COMMAND...
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private bash -euc '
		root=$1 scratch=$2 packages=$3 top=$4
		shift 4
		mount -t tmpfs -o size=3g tmpfs "$scratch"
		mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
		mount -t overlay overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
		root=$scratch/root
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mkdir -p "$root/srv/packages" "$root/srv/check"
		mount --bind "$packages" "$root/srv/packages"
		mount --bind "$top" "$root/srv/check"
		exec chroot "$root" "$@"' in_chroot "$1" "$tmp/scratch" "$OUT" "$CHECK_DIR" "${@:2}"
}

build_here() {
	"$VM/deps.sh" deb
	"$TOP/tools/package/deb.sh" "$OUT/new"
}

build_in_chroot() {
	local source packages
	mapfile -t packages < <(build_dependencies)
	get_chroot build buildd "${packages[@]}"
	source=$(cd "$OUT/new" && echo ./*.dsc)
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_chroot "$chroot" env -C /tmp LC_ALL=C bash -euc '
		dpkg-source -x /srv/packages/new/"$1" build
		cd build
		dpkg-buildpackage --no-sign -b -j2
		rm -f /srv/packages/new/*.deb /srv/packages/new/*.buildinfo
		cp ../*.deb ../*.buildinfo ../*.changes /srv/packages/new/' bash "$source"
}

build_old() {
	copy_project "$tmp/old"
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$OLD\"/" "$tmp/old/dkms.conf"
	sed -i "0,/^## /s/^## .*/## $OLD/" "$tmp/old/CHANGELOG.md"
	env -u TOP -u BUILD -u VM -u CHECK_DIR "$tmp/old/tools/package/deb.sh" "$OUT/old"
}

no_complaints() {
	lintian --version
	lintian --allow-root --fail-on error,warning --display-info "$OUT"/new/*.changes
}

content() { dpkg-deb --fsys-tarfile "$1" | tar -t | grep -v '/$' | sort; }

# No file is in both, and the udev rule that belongs to the module is in its package.
one_owner() {
	content "$OUT"/new/dm-corcache-dkms_*.deb > "$tmp/module"
	content "$OUT"/new/corcache-tools_*.deb > "$tmp/tools"
	cat "$tmp/module" "$tmp/tools"
	[ -z "$(comm -12 "$tmp/module" "$tmp/tools")" ] || fail "in both: $(comm -12 "$tmp/module" "$tmp/tools")"
	[ "$(grep -c '/udev/rules.d/58-dm-corcache.rules$' "$tmp/module")" = 1 ] || fail "the module's package has not the udev rule"
	[ "$(grep -c '/usr/sbin/corcache$' "$tmp/tools")" = 1 ] || fail "the tools' package has no tool"
	[ "$(grep -c "^./usr/src/dm-corcache-$VERSION/dkms.conf\$" "$tmp/module")" = 1 ] || fail "no dkms.conf for version $VERSION"
}

in_clean_system() { # CASE
	get_chroot install minbase dkms linux-headers-amd64 kmod libblkid1 libdevmapper1.02.1 libjson-c5
	in_chroot "$chroot" /srv/check/deb.chroot.sh "$1" "$VERSION" "$OLD"
}

OLD=0.9.0
cases=(build_here no_complaints one_owner)
case ${1:-} in
'') ;;
full)
	cases=(build_here build_in_chroot no_complaints one_owner build_old install_module_first install_tools_first upgrade
		secure_boot)
	[ $# = 1 ] || cases=("${@:2}")
	;;
*) fail "unknown word '$1'" ;;
esac
tmp=$(mktemp -d "${TMPDIR:-/var/tmp}/corcache-deb.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$OUT" "$tmp/scratch"

run_case() { # NAME
	case $1 in
	install_* | upgrade | secure_boot) in_clean_system "$1" ;;
	*) "$1" ;;
	esac
}

echo "KTAP version 1"
echo "1..${#cases[@]}"
n=0 bad=0
for name in "${cases[@]}"; do
	n=$((n + 1))
	status=0
	# in the background: `set -e` holds there, as it would not in a condition
	(run_case "$name") > "$tmp/log" 2>&1 &
	wait $! || status=$?
	sed 's/^/    /' "$tmp/log"
	[ "$status" != "$LAB_SKIP" ] || exit "$LAB_SKIP"
	if [ "$status" = 0 ]; then echo "ok $n $name"; else echo "not ok $n $name"; fi
	[ "$status" = 0 ] || bad=1
done
exit $bad
