#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel-own.sh - kernels built here from Debian's linux-source-6.1 with the patches in patches/, for kernel.sh; to be
# sourced.
#
# A configuration is "make allnoconfig" plus the fragments config/common.config, config/<arch>.config and
# config/<name>.config, so that only what the lab needs is compiled. A wanted option that does not come out as wanted
# is an error. An entry holds
#   build/   build directory, for modules; objects of the kernel itself are removed
#   root/    lib/modules
#   kernel   bzImage, or UML's executable
#   env      what kernel.sh prints, paths relative to the entry
#
# Function: own_kernel NAME ARCH prints the entry's directory.
# Needs lib.sh, apt.sh.

OWN_SERIES=6.1
OWN_SUITE=bookworm

own_fragments() { # NAME ARCH
	local f
	for f in common "$2" "$1"; do
		f=$LAB_DIR/config/$f.config
		[ ! -e "$f" ] || echo "$f"
	done
}

# Names of the patches that matter to ARCH, a line each. One source serves all: it has those of um, too.
own_patches() { # ARCH
	ls "$LAB_DIR"/patches/*.patch
	[ "$1" != um ] || ls "$LAB_DIR"/patches/um/*.patch
}

# Large parts that no kernel of the lab compiles are left out, their Kconfig files are not.
own_make_source() { # TMP
	local package=linux-source-$OWN_SERIES patch
	apt_fetch "$1" "$package"
	lab_say "unpacking $package"
	tar -xJf "$1/usr/src/$package.tar.xz" -C "$1" --exclude="$package/arch/arm*/boot/dts" \
		--exclude="$package/drivers/gpu/drm/amd/include" --exclude="$package/drivers/gpu/drm/*/*.c" \
		--exclude="$package/tools/testing" --exclude="$package/sound/soc/*/*.c" --exclude="$package/drivers/net/*/*.c"
	mv "$1/$package" "$1/linux"
	while IFS= read -r patch; do
		patch --quiet --fuzz=0 -d "$1/linux" -p1 < "$patch"
	done < <(own_patches um)
	rm -rf "${1:?}/usr"
}

# What of the kernel works on a module's own memory: bios, device-mapper, block drivers, lists and trees, workqueues,
# timers, waits, locks, RCU, checksums, trace events. Objects without suffix, or all below a directory.
OWN_CHECKED="block/% drivers/md/% drivers/block/% drivers/char/random lib/% crypto/% arch/x86/crypto/% mm/mempool mm/vmalloc
	mm/util mm/percpu kernel/workqueue kernel/kthread kernel/params kernel/softirq kernel/sched/build_utility
	kernel/time/% kernel/locking/% kernel/rcu/% kernel/trace/%"

# A variable for make that is one of two texts: objects that match one of the patterns get the first.
own_flags() { # VARIABLE "PATTERNS" "FLAGS" "FLAGS OF THE OTHERS"
	# shellcheck disable=SC2016 # for make to expand, per object
	printf '%s=$(if $(filter %s,$(obj)/$(basetarget)),%s,%s)\n' "$1" "$(tr -s '[:space:]' ' ' <<< "$2")" "$3" "$4"
}

# Arguments for make, a line each, with which kernel NAME is built beside its configuration. Modules are built without
# them, and are instrumented in full.
#
# KASAN would check each access in the whole kernel, which takes a third longer to build, and slows down most what the
# tests need most and what none of our memory passes through: starting programs. It checks what OWN_CHECKED names, and the
# allocators poison and record as ever. The flags are those of scripts/Makefile.kasan for gcc. UBSAN is for the module.
#
# KCSAN would watch the whole kernel, which races with itself a lot where it does not matter. Its few watchpoints are for
# the module and for those parts that work on the module's own memory: bios, device-mapper, bitmaps, trees. The rest has
# its memory barriers instrumented, without which KCSAN would miss the order that they make; what it writes is noticed
# all the same, as a race of unknown origin. The flags are those of scripts/Makefile.kcsan for gcc.
# shellcheck disable=SC2016 # for make to expand
own_make_args() { # NAME
	local kasan='-fsanitize=kernel-address -fasan-shadow-offset=$(CONFIG_KASAN_SHADOW_OFFSET) --param asan-globals=1'
	kasan+=' --param asan-instrumentation-with-call-threshold=10000 --param asan-instrument-allocas=1 --param asan-stack=1'
	case $1 in
	debug | uml-debug)
		own_flags CFLAGS_KASAN "$OWN_CHECKED" "$kasan" '$(CFLAGS_KASAN_NOSANITIZE)'
		echo CFLAGS_UBSAN=
		;;
	kcsan)
		own_flags CFLAGS_KCSAN 'block/bio drivers/md/dm drivers/md/dm-table lib/bitmap lib/find_bit lib/rbtree' \
			'-fsanitize=thread -fno-optimize-sibling-calls --param tsan-distinguish-volatile=1 -Wno-tsan' \
			-D__KCSAN_INSTRUMENT_BARRIERS__
		;;
	esac
}

# Options of the fragments that are not in .config as asked for.
own_missing_options() { # .CONFIG FRAGMENT...
	local config=$1 line option
	shift
	grep -hE '^CONFIG_' "$@" | while IFS= read -r line; do
		option=${line%%=*}
		case $line in
		*=n) ! grep -q "^$option=" "$config" || echo "$line" ;;
		*) grep -qxF "$line" "$config" || echo "$line" ;;
		esac
	done
}

own_configure() { # BUILD SOURCE ARCH FRAGMENT...
	local build=$1 source=$2 arch=$3 missing
	shift 3
	cat "$@" > "$build/wanted.config"
	KCONFIG_ALLCONFIG=$build/wanted.config make -s -C "$source" O="$build" ARCH="$arch" allnoconfig
	missing=$(own_missing_options "$build/.config" "$@")
	if [ -n "$missing" ]; then
		lab_say "options that the kernel's configuration does not accept:"
		printf '%s\n' "$missing" >&2
		return 1
	fi
}

# What building a module needs stays, the kernel's own objects go.
own_slim() { # BUILD
	find "$1" \( -path "$1/scripts" -o -path "$1/tools" \) -prune -o \
		-type f \( -name '*.o' -o -name '*.a' -o -name '*.ko' -o -name '.*.cmd' -o -name 'vmlinux*' -o -name linux \) -print0 |
		xargs -0r rm -f
}

own_make_entry() { # TMP SOURCE NAME ARCH
	local tmp=$1 source=$2 name=$3 arch=$4 build=$1/build image=arch/x86/boot/bzImage start log fragments args kver
	mkdir -p "$build" "$LAB_CACHE/log"
	mapfile -t fragments < <(own_fragments "$name" "$arch")
	mapfile -t args < <(own_make_args "$name")
	log=$LAB_CACHE/log/$name.log
	start=$SECONDS
	lab_say "building kernel $name, some minutes; log in $log"
	[ "$arch" != um ] || image=linux
	own_configure "$build" "$source" "$arch" "${fragments[@]}"
	{
		make -C "$source" O="$build" ARCH="$arch" -j"${JOBS:-$(nproc)}" "${args[@]}" all
		make -C "$source" O="$build" ARCH="$arch" INSTALL_MOD_PATH="$tmp/root" INSTALL_MOD_STRIP=1 "${args[@]}" modules_install
	} > "$log" 2>&1 || {
		tail -n 30 "$log"
		return 1
	}
	cp "$build/$image" "$tmp/kernel"
	kver=$(cd "$tmp/root/lib/modules" && echo *)
	rm -f "$tmp/root/lib/modules/$kver"/{build,source}
	own_slim "$build"
	printf '%s=%q\n' KVER "$kver" ARCH "$arch" KIMAGE kernel KDIR build MODROOT root KCC gcc KCHROOT '' > "$tmp/env"
	lab_say "built kernel $name in $((SECONDS - start)) s"
}

own_kernel() { # NAME ARCH
	local name=$1 arch=$2 version sum patches all_patches source entry last fragments
	mapfile -t fragments < <(own_fragments "$name" "$arch")
	# Comments, and which fragment holds a line, make no other kernel.
	sum=$({ grep -h '^CONFIG_' "${fragments[@]}" | sort; own_make_args "$name"; } | sha256sum | cut -c1-8)
	patches=$(own_patches "$arch" | xargs cat | sha256sum | cut -c1-4)
	all_patches=$(own_patches um | xargs cat | sha256sum | cut -c1-4)
	if ! apt_use "$OWN_SUITE" || ! version=$(apt_version "linux-source-$OWN_SERIES") || [ -z "$version" ]; then
		last=$(debian_last_entry "$name")
		[ -n "$last" ] || lab_die "$LAB_SKIP" "kernel $name: linux-source-$OWN_SERIES cannot be had from this machine's mirror"
		lab_say "kernel $name: the mirror does not answer, using ${last##*/}"
		echo "$last"
		return
	fi
	entry=$LAB_CACHE/kernel/${name}_${version}_$sum-$patches
	source=$LAB_CACHE/source/linux-source-${OWN_SERIES}_$version-$all_patches
	if [ ! -e "$entry" ]; then
		[ -n "${LAB_ONLY_CACHED:-}" ] || "$LAB_DIR/deps.sh" kernel-source >&2
		lab_entry "$source" own_make_source
		lab_entry "$entry" own_make_entry "$source/linux" "$name" "$arch"
	fi
	echo "$entry"
}
