#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh [-k NAME|-K FILE] [-c gcc|clang] [-s] [-S DIR] [-b FAULT] [--] [MAKE ARGUMENT...] - build the module for a kernel of the lab.
#
#   -k NAME   kernel, see kernel.sh; default 6.1
#   -K FILE   the kernel that FILE describes, with the lines that kernel.sh prints, as far as they are needed here, and KCROSS,
#             the prefix of a cross compiler (../check/kernels.sh)
#   -c CC     gcc: the compiler that kernel was built with (default); clang
#   -s        run sparse on every source file too (C=2 CF=-D__CHECK_ENDIAN__)
#   -S DIR    build the module in DIR (a directory with a Kbuild) instead of the project's
#   -b FAULT  build the module with a fault on purpose, a number of drivers/md/dm-corcache/break.h, in a place of its own
#   further arguments go to make, for example CONFIG_DM_CORCACHE_KUNIT_TEST=y
#
# The sources are copied to a directory per kernel and compiler, so one tree serves many kernels and a second build
# compiles only what has changed. Always with W=1. A warning of compiler, sparse, objtool or modpost about our files
# is a failure, and makes the next build compile everything again, so that it cannot be forgotten; warnings about the
# kernel's own headers are not ours.
#
# Output: the compiler's messages on stderr; last line of stdout: path of the .ko,
#         ${CORCACHE_BUILD:-build}/<kernel>[-clang][-break-FAULT]/dm-corcache.ko (with -S: .../mod-<name of DIR>/<module>.ko).
# Exit status: 0; 4 = the kernel cannot be had at the moment; 1 = any other failure.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=chroot.sh
. "$LAB_DIR/chroot.sh"

kernel=6.1 described='' compiler=gcc sparse='' source='' fault=''

options() {
	local o
	while getopts k:K:c:sS:b:h o; do
		case $o in
		k) kernel=$OPTARG ;;
		K) described=$OPTARG ;;
		c) compiler=$OPTARG ;;
		s) sparse=1 ;;
		S) source=$OPTARG ;;
		b) fault=$OPTARG ;;
		h) lab_usage; exit 0 ;;
		*) lab_usage >&2; exit 1 ;;
		esac
	done
	case $compiler in gcc | clang) ;; *) lab_die 1 "compiler '$compiler' is neither gcc nor clang" ;; esac
	[[ $fault =~ ^[1-9]?$ ]] || lab_die 1 "fault '$fault' is not a number"
	local dir=${source:-$LAB_TOP}
	[ -e "$dir/Kbuild" ] || lab_die 1 "no Kbuild in '$dir': nothing to build"
}

# Copy what the module consists of; times are kept so that make sees what has changed, and what a build has left in
# the copy survives while sources that are gone disappear.
copy_sources() { # COPY
	local keep=(-f 'P *.o' -f 'P *.ko' -f 'P *.mod' -f 'P *.mod.c' -f 'P .*' -f 'P Module.symvers' -f 'P modules.order')
	mkdir -p "$1"
	if [ -n "$source" ]; then
		rsync -a --delete "${keep[@]}" "$source/" "$1/"
		return
	fi
	local parts=(Kbuild drivers) p
	for p in include VERSION; do
		[ -e "$LAB_TOP/$p" ] && parts+=("$p")
	done
	(cd "$LAB_TOP" && rsync -a --delete "${keep[@]}" "${parts[@]}" "$1/")
}

# The version of clang as the kernel's configuration writes it: 14.0.6 is 140006.
clang_version() {
	local v
	v=$(${KCHROOT:+chroot "$KCHROOT"} clang -dumpversion)
	printf '%d%02d%02d\n' "$(cut -d. -f1 <<< "$v")" "$(cut -d. -f2 <<< "$v")" "$(cut -d. -f3 <<< "$v")"
}

# Arguments that make a kernel configured for gcc accept clang: the makefiles choose flags by these, and a flag that
# only gcc knows, or only a newer clang, is an error. None of them changes the layout of a structure; the C code's view
# of the configuration (autoconf.h) stays as it is, so the module fits the kernel.
clang_args() {
	local version
	! grep -q '^CONFIG_CC_IS_CLANG=y' "$KCONFIG" || return 0
	version=$(clang_version)
	echo CONFIG_CC_IS_GCC=
	echo CONFIG_CC_IS_CLANG=y
	echo CONFIG_GCC_VERSION=0
	echo "CONFIG_CLANG_VERSION=$version"
	echo CONFIG_CC_IMPLICIT_FALLTHROUGH=-Wimplicit-fallthrough
	echo CONFIG_FTRACE_MCOUNT_USE_CC=
	echo CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=
	echo CONFIG_UBSAN_BOUNDS_STRICT=
	# Mitigations against speculation: under one name before 6.9, under another since.
	printf '%s\n' CONFIG_RETHUNK= CONFIG_MITIGATION_RETHUNK=
	[ "$version" -ge 150000 ] || printf '%s\n' CONFIG_SLS= CONFIG_MITIGATION_SLS=
	# Needed until clang 16, unknown since 18.
	[ "$version" -ge 160000 ] || echo CONFIG_CC_HAS_AUTO_VAR_INIT_ZERO_ENABLER=y
}

make_args() { # COPY
	local cc=$KCC
	# A message of one compiler stands whole in the log: clang writes a line in pieces, and two of them at once are mixed
	# into lines that name no file.
	printf '%s\n' -C "$KDIR" "M=$1" "ARCH=$ARCH" W=1 --output-sync=target "-j${JOBS:-$(nproc)}"
	# A module for a kernel with BTF would need pahole, and vmlinux, which no header package holds.
	printf '%s\n' CONFIG_DEBUG_INFO_BTF_MODULES=
	[ -z "${KCROSS:-}" ] || printf '%s\n' "CROSS_COMPILE=$KCROSS"
	[ "$compiler" = gcc ] || cc=clang
	printf '%s\n' "CC=$cc"
	if [ "$compiler" = clang ]; then
		clang_args
	fi
	[ -z "$sparse" ] || printf '%s\n' C=2 'CF=-D__CHECK_ENDIAN__'
	[ -z "$fault" ] || printf '%s\n' "KCFLAGS=-DCORCACHE_BREAK=$fault"
	[ $# = 1 ] || printf '%s\n' "${@:2}"
	printf '%s\n' modules
}

run_make() { # COPY MAKE-ARGUMENT...
	local copy=$1
	shift
	if [ -n "$KCHROOT" ]; then
		chroot_run "$KCHROOT" "$copy" "${KDIR%/root/usr/src/*}" -- env -C / LC_ALL=C make "$@"
	else
		LC_ALL=C make "$@"
	fi
}

# Print the messages of LOG that are about our module: those whose file lies in the copy, and those of objtool and
# modpost, which look at nothing else.
our_warnings() { # LOG COPY
	local line file
	grep -E 'warning:|error:|^WARNING|^ERROR' "$1" | while IFS= read -r line; do
		case $line in
		*"warning: objtool"* | *modpost:* | *"WARNING: Symbol version dump"*)
			[[ $line == *"Symbol version dump"* ]] || echo "$line"
			continue
			;;
		esac
		file=${line%%:*}
		file=${file#"$2"/}
		case $file in /*) continue ;; esac
		[ -e "$2/$file" ] && echo "$line"
	done || true
}

build() {
	local name=$kernel out copy log args=() status=0 warnings ko
	[ "$compiler" = gcc ] || name+=-$compiler
	[ -z "$fault" ] || name+=-break-$fault
	out=$LAB_BUILD/$name
	[ -z "$source" ] || out+=/mod-$(basename "$(realpath "$source")")
	copy=$out/src log=$out/build.log
	mkdir -p "$out"
	exec {LAB_LOCK_FD}> "$out/lock"
	flock "$LAB_LOCK_FD"
	copy_sources "$copy"
	mapfile -t args < <(make_args "$copy" "$@")
	run_make "$copy" "${args[@]}" > "$log" 2>&1 || status=$?
	warnings=$(our_warnings "$log" "$copy")
	if [ "$status" != 0 ] || [ -n "$warnings" ]; then
		if [ "$status" != 0 ]; then tail -n 60 "$log" >&2; else echo "$warnings" >&2; fi
		find "$copy" -name '*.o' -delete
		lab_die 1 "build for $name failed (make's status $status, log in $log)"
	fi
	# the newest: one that an older layout of the sources has left may lie beside it
	ko=$(find "$copy" -name '*.ko' -printf '%T@ %p\n' | sort -rn | sed -n '1s/^[^ ]* //p')
	[ -n "$ko" ] || lab_die 1 "make made no .ko below $copy"
	ln -sfr "$ko" "$out/${ko##*/}"
	echo "$out/${ko##*/}"
}

options "$@"
shift $((OPTIND - 1))
lab_need_root
"$LAB_DIR/deps.sh" build ${sparse:+check} >&2
[ "$compiler" = gcc ] || "$LAB_DIR/deps.sh" clang >&2
if [ -n "$described" ]; then
	vars=$(< "$described")
else
	vars=$("$LAB_DIR/kernel.sh" "$kernel") || exit $?
fi
eval "$vars"
kernel=${KNAME:?}
build "$@"
