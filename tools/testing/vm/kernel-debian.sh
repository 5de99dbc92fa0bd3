#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel-debian.sh - Debian's own kernels for kernel.sh: image, modules and headers unpacked in the cache; to be
# sourced.
#
# Nothing is installed on the machine. The header packages expect to lie in /usr/src; the one absolute path in them
# is rewritten, so that "make -C KDIR" works where they are. An entry holds
#   root/          the unpacked packages
#   env            what kernel.sh prints, paths relative to the entry
#
# Functions: debian_kernel NAME SUITE CHROOTSUITE and debian_kernel_7 print the entry's directory.
# Needs lib.sh, apt.sh, chroot.sh.
# shellcheck source=chroot.sh
. "$LAB_DIR/chroot.sh"

# All packages that make up image and headers: follow the dependencies that are parts of the kernel itself.
debian_packages() {
	local todo=(linux-image-amd64 linux-headers-amd64) seen=" " p d
	while [ ${#todo[@]} -gt 0 ]; do
		p=${todo[0]}
		todo=("${todo[@]:1}")
		case $seen in *" $p "*) continue ;; esac
		seen+="$p "
		while read -r d; do
			case $d in
			linux-image-* | linux-headers-* | linux-kbuild-* | linux-modules-* | linux-binary-* | linux-base-[0-9]*)
				todo+=("$d")
				;;
			esac
		done < <(apt_depends "$p")
	done
	# The meta packages themselves hold nothing but documentation.
	for p in $seen; do
		case $p in *-amd64) [[ $p =~ [0-9]\.[0-9] ]] && echo "$p" ;; *) echo "$p" ;; esac
	done
}

# Newer releases put everything below /usr, older ones modules in /lib: offer both names.
debian_merge_lib() { # ROOT
	if [ -d "$1/usr/lib/modules" ] && [ ! -e "$1/lib/modules" ]; then
		mkdir -p "$1/lib"
		ln -s ../usr/lib/modules "$1/lib/modules"
	fi
}

debian_make_entry() { # TMP FINAL CHROOT
	local tmp=$1 final=$2 chroot=$3 root=$1/root packages kver hdr image cc
	mkdir "$root"
	mapfile -t packages < <(debian_packages)
	lab_say "fetching ${packages[*]}"
	apt_fetch "$root" "${packages[@]}"
	debian_merge_lib "$root"
	kver=$(cd "$root/lib/modules" && echo *)
	hdr=usr/src/linux-headers-$kver
	[ -d "$root/$hdr" ] || { lab_say "image '$kver' and headers '$(ls "$root/usr/src")' do not match"; return 1; }
	sed -i "s#/usr/src/#$final/root/usr/src/#g" "$root/$hdr/Makefile"
	image=$(cd "$tmp" && find root -name "vmlinuz-$kver" -o -path "*/modules/$kver/vmlinuz" | sed -n 1p)
	[ -n "$image" ] || { lab_say "no vmlinuz in the packages of $kver"; return 1; }
	cc=$(sed -n 's/^CC *=.*)\(gcc-[0-9]*\).*/\1/p' "$root/$hdr/.kernelvariables" | tail -n 1)
	depmod -b "$root" "$kver"
	printf '%s=%q\n' KVER "$kver" ARCH x86 KIMAGE "$image" KDIR "root/$hdr" MODROOT root KCC "${cc:-gcc}" \
		KCHROOT "$chroot" > "$tmp/env"
}

# The last entry of NAME, for a machine that is offline or a mirror that has dropped the suite.
debian_last_entry() { # NAME
	find "$LAB_CACHE/kernel" -maxdepth 1 -name "$1_*" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-
}

debian_kernel() { # NAME SUITE CHROOTSUITE
	local name=$1 suite=$2 chroot_suite=$3 last version entry chroot=''
	last=$(debian_last_entry "$name")
	if ! apt_use "$suite" || ! version=$(apt_version linux-headers-amd64) || [ -z "$version" ]; then
		[ -n "$last" ] || lab_die "$LAB_SKIP" "kernel $name: suite $suite cannot be had from this machine's mirror"
		lab_say "kernel $name: suite $suite does not answer, using ${last##*/}"
		echo "$last"
		return
	fi
	entry=$LAB_CACHE/kernel/${name}_$version
	if [ -n "$chroot_suite" ]; then
		chroot=$(chroot_get "$chroot_suite" "$(debian_gcc)")
	fi
	lab_entry "$entry" debian_make_entry "$entry" "$chroot"
	echo "$entry"
}

# The compiler package the headers want, for example gcc-14.
debian_gcc() {
	local h
	h=$(apt_depends linux-headers-amd64 | grep '^linux-headers-[0-9]' | sed -n 1p)
	apt_depends "$h" | sed -n 's/^\(linux-compiler-\)\?\(gcc-[0-9]*\).*/\2/p' | sed -n 1p
}

debian_has_7() { # SUITE
	local version
	apt_use "$1" || return 1
	version=$(apt_version linux-headers-amd64)
	[ -n "$version" ] && dpkg --compare-versions "$version" ge 7
}

debian_kernel_7() {
	local last
	if debian_has_7 trixie-backports; then
		debian_kernel 7.x trixie-backports trixie
	elif debian_has_7 sid; then
		debian_kernel 7.x sid sid
	else
		last=$(debian_last_entry 7.x)
		[ -n "$last" ] || lab_die "$LAB_SKIP" "kernel 7.x: neither trixie-backports nor sid offers one on this mirror"
		lab_say "kernel 7.x: the mirror offers none now, using ${last##*/}"
		echo "$last"
	fi
}
