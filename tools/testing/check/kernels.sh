#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels.sh [PATTERN] - build the module for every kernel that Debian has headers of, and say what was seen: `make
# check-kernels`. PATTERN: an extended regular expression, only the rows whose name SUITE/FLAVOUR matches.
#
# A row is a suite and a flavour of its kernel package; those of other architectures are cross builds. They say whether the
# code holds with other page sizes and the other byte order, as far as a compiler can tell. Nothing is booted here. The headers,
# and chroots of the suites with their compilers, are kept in the lab's cache; on the machine nothing is installed but bookworm's compilers.
#
# A row is green when the module is built without a warning (W=1), is one for that kernel, and dkms.conf offers it to that
# kernel. Prints KTAP; a suite without such a package is skipped. At the end the rows as Documentation/dm-corcache/compat.rst
# has them: what is claimed there was seen.
#
# Takes two minutes of processor time and less for a row, and the download of a chroot for a suite the first time.
# Exit status: 0 nothing failed and something passed, 1 otherwise.
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/testing/vm/lib.sh
. "$VM/lib.sh"
# shellcheck source=tools/testing/vm/apt.sh
. "$VM/apt.sh"
# shellcheck source=tools/testing/vm/chroot.sh
. "$VM/chroot.sh"

SUITES='bookworm bookworm-backports trixie trixie-backports sid experimental'
# As linux-headers-FLAVOUR; not every suite has every flavour.
FLAVOURS='amd64 cloud-amd64 rt-amd64 arm64 arm64-16k powerpc64le powerpc64le-64k s390x'

OUT=$BUILD/check/kernels

# Sets debian (the architecture's name there), arch (the kernel's) and triplet (of a cross compiler).
architecture() { # FLAVOUR
	triplet=''
	case $1 in
	*amd64) debian=amd64 arch=x86 ;;
	arm64*) debian=arm64 arch=arm64 triplet=aarch64-linux-gnu ;;
	powerpc64le*) debian=ppc64el arch=powerpc triplet=powerpc64le-linux-gnu ;;
	s390x) debian=s390x arch=s390 triplet=s390x-linux-gnu ;;
	esac
}

# The packages of the headers, without what is the build machine's.
header_packages() { # META
	local headers
	headers=$(apt_depends "$1" | grep '^linux-headers-[0-9]')
	echo "$headers"
	apt_depends "$headers" | grep -E '^linux-headers-'
}

# The tools beside the headers are this machine's: those of its own architecture know all byte orders and word sizes.
kbuild_package() { # META
	local headers
	headers=$(apt_depends "$1" | grep '^linux-headers-[0-9]')
	apt_depends "$headers" | grep '^linux-kbuild-'
}

fetch_headers() { # TMP FINAL SUITE META
	local tmp=$1 final=$2 suite=$3 meta=$4 packages kbuild hdr
	mkdir "$tmp/root"
	apt_use "$suite" "$debian"
	mapfile -t packages < <(header_packages "$meta")
	kbuild=$(kbuild_package "$meta")
	lab_say "fetching ${packages[*]} $kbuild"
	apt_fetch "$tmp/root" "${packages[@]}"
	apt_use "$suite"
	apt_fetch "$tmp/root" "$kbuild"
	hdr=$(find "$tmp/root/usr/src" -maxdepth 1 -name 'linux-headers-*' ! -name '*-common*' -printf '%f\n')
	sed -i "s#/usr/src/#$final/root/usr/src/#g" "$tmp/root/usr/src/$hdr/Makefile"
	echo "$hdr" > "$tmp/headers"
}

# Where what the headers bring runs, with their compiler: here for bookworm's, which a cross compiler is installed for; else in
# a chroot.
row_chroot() { # SUITE GCC
	local suite=$1 package=$2${triplet:+-$triplet}
	case $suite in
	bookworm*)
		"$VM/deps.sh" "$package" >&2
		return
		;;
	*-backports) suite=${suite%-backports} ;;
	experimental) suite=sid ;;
	esac
	chroot_get "$suite" "$package"
}

page_size() { # CONFIG
	local k
	for k in 4 16 64; do
		if grep -qE "^CONFIG_(ARM64|PPC)_${k}K_PAGES=y|^CONFIG_PAGE_SIZE_${k}KB=y" "$1"; then echo "$k KiB"; return; fi
	done
	echo '4 KiB'
}

byte_order() { if grep -q '^CONFIG_CPU_BIG_ENDIAN=y' "$1"; then echo big; else echo little; fi; }

# Does DKMS try it? The expressions are its own.
dkms_tries() { # KVER CONFIG
	# shellcheck disable=SC2016 # for the inner shell to expand
	env -i bash -eu -c 'kernel_source_dir=/x
		. "$1"
		[[ $2 =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "dkms.conf does not offer it to $2"; exit 1; }
		for c in $BUILD_EXCLUSIVE_CONFIG; do grep -qE "^$c=[ym]" "$3" || { echo "dkms.conf wants $c"; exit 1; }; done
		' bash "$TOP/dkms.conf" "$1" "$2"
}

# Describe the kernel for build.sh, in the file ENV. Status 4: there is no such package.
describe() { # SUITE FLAVOUR ENV
	local suite=$1 flavour=$2 version entry hdr kdir gcc chroot
	apt_use "$suite" "$debian" || return "$LAB_SKIP"
	version=$(apt_version "linux-headers-$flavour")
	[ -n "$version" ] || return "$LAB_SKIP"
	entry=$LAB_CACHE/headers/${flavour}_$version
	lab_entry "$entry" fetch_headers "$entry" "$suite" "linux-headers-$flavour"
	hdr=$(< "$entry/headers")
	kdir=$entry/root/usr/src/$hdr
	gcc=$(sed -n 's/^CC *=.*)\(gcc-[0-9]*\).*/\1/p' "$kdir/.kernelvariables" | tail -n 1)
	chroot=$(row_chroot "$suite" "${gcc:?}")
	printf '%s=%q\n' KNAME "kernels/$suite-$flavour" KVER "${hdr#linux-headers-}" ARCH "$arch" KDIR "$kdir" \
		KCONFIG "$kdir/.config" KCC "${triplet:+$triplet-}$gcc" KCHROOT "$chroot" KCROSS "${triplet:+$triplet-}" > "$3"
}

# Print the row; what went wrong before it, on failure.
build_row() { # SUITE FLAVOUR
	local suite=$1 flavour=$2 env=$OUT/$1-$2.env ko
	local debian arch triplet KVER KCONFIG KCC
	architecture "$flavour"
	describe "$suite" "$flavour" "$env"
	# shellcheck source=/dev/null
	. "$env"
	dkms_tries "$KVER" "$KCONFIG"
	ko=$("$VM/build.sh" -K "$env" | tail -n 1)
	[ "$(modinfo -F vermagic "$ko" | cut -d' ' -f1)" = "$KVER" ] || fail "$ko is not for $KVER"
	readelf -h "$ko" | sed -n 's/^ *\(Data\|Machine\): */\1 /p'
	echo "row: $suite | $flavour | $KVER | ${KCC#"$triplet-"} | $debian | $(page_size "$KCONFIG") | $(byte_order "$KCONFIG")"
}

"$VM/deps.sh" kernel build chroot
mkdir -p "$OUT"
rows=()
for suite in $SUITES; do
	for flavour in $FLAVOURS; do
		[[ ! $suite/$flavour =~ ${1:-.} ]] || rows+=("$suite $flavour")
	done
done
[ ${#rows[@]} -gt 0 ] || fail "no row matches '$1'"

echo "KTAP version 1"
echo "1..${#rows[@]}"
n=0 passed=0 failed=0
: > "$OUT/rows"
for row in "${rows[@]}"; do
	n=$((n + 1)) status=0
	read -r suite flavour <<< "$row"
	log=$OUT/$suite-$flavour.log
	# in the background: `set -e` holds there, as it would not in a condition
	(build_row "$suite" "$flavour") > "$log" 2>&1 &
	wait $! || status=$?
	case $status in
	0)
		passed=$((passed + 1))
		sed -n 's/^row: //p' "$log" | tee -a "$OUT/rows" | sed 's/^/    /'
		echo "ok $n $suite/$flavour"
		;;
	"$LAB_SKIP") echo "ok $n $suite/$flavour # SKIP $(tail -n 1 "$log" | grep . || echo "$suite has no linux-headers-$flavour")" ;;
	*)
		failed=$((failed + 1))
		sed 's/^/    /' "$log"
		echo "not ok $n $suite/$flavour"
		;;
	esac
done
echo "# suite | flavour | kernel | compiler | architecture | pages | byte order; $(date -u +%F), $(git -C "$TOP" describe --always --dirty 2> /dev/null || echo "$VERSION")"
sed 's/^/# /' "$OUT/rows"
[ $failed = 0 ] && [ $passed -gt 0 ]
