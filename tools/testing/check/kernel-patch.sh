#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-patch.sh [source] - the target in a kernel's own tree: `make kernel-patch` against the newest kernel source that
# Debian has. Prints KTAP.
#
# With "source": only see that this source, compiled without the target, is in the lab's cache.
#
# The series is applied to a copy of that source, and built there as a module and built in, as User Mode Linux. What
# belongs to the kernel is compiled once, in the cache; here our folder is, three times: as a module and built in, both
# with W=1, and built in as the rest of the kernel is. The last one is kernel "intree" of the lab.
#
# In $CORCACHE_BUILD/intree: linux/, the copy; kernel, root/, env: what the lab boots; *.log: what make has said.
# Environment: JOBS. Exit status: 0 passed, 1 failed, 4 there is no such source at the moment.
# shellcheck disable=SC2317 # the cases are called by name
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tools/testing/vm/lib.sh
. "$VM/lib.sh"
# shellcheck source=tools/testing/vm/apt.sh
. "$LAB_DIR/apt.sh"
# shellcheck source=tools/testing/vm/kernel-own.sh
. "$LAB_DIR/kernel-own.sh"
# shellcheck source=tools/testing/vm/kernel-intree.sh
. "$LAB_DIR/kernel-intree.sh"

CASES='series source_untouched checkpatch applies complete no_versions paths selftests module builtin'

# Findings of checkpatch that do not apply, as "FILE TYPE", both regular expressions.
# - The last mail has the entry for MAINTAINERS. A message stays in one piece however long.
# - Lists of counters and of tracepoints are macros of another kind than these rules are about; tracepoints are written as
#   the kernel's own are.
# - Programs in user space have no kernel macros, and printf's are in mixed case; a table of options is read line by line;
#   a program's usage names the program; what libdevmapper has is a list; errors of its calls are positive.
# - A stand-in of one of the kernel's macros takes what that takes.
# - In a script a long line is mostly one command, and `load load` calls a function with a name.
FORGIVEN='
.* (FILE_PATH_CHANGES|LONG_LINE_STRING)
drivers/.* (COMPLEX_MACRO|MACRO_ARG_REUSE|MACRO_ARG_PRECEDENCE)
.*/trace\.h (OPEN_ENDED_LINE|PARENTHESIS_ALIGNMENT|SPACING)
tools/.*\.[ch] (CAMELCASE|PREFER_DEFINED_ATTRIBUTE_MACRO|ARRAY_SIZE|VOLATILE|TRAILING_STATEMENTS|EMBEDDED_FUNCTION_NAME)
tools/.*\.[ch] (SPLIT_STRING|MACRO_ARG_REUSE|USE_NEGATIVE_ERRNO|ENOSYS)
tools/.*/shared/dm\.c (COMPLEX_MACRO|MULTISTATEMENT_MACRO_USE_DO_WHILE|MACRO_ARG_PRECEDENCE|TRAILING_SEMICOLON)
tools/.*/shared/include/.*\.h (MACRO_ARG_UNUSED|MACRO_ARG_PRECEDENCE)
tools/.*\.sh (LONG_LINE|LONG_LINE_COMMENT|REPEATED_WORD)
'

BUILD=$LAB_BUILD
WORK=$BUILD/intree
TREE=$WORK/linux
APPLIED=$WORK/applied
FOLDER=drivers/md/dm-corcache

# ---- cases -------------------------------------------------------------------------

# Each mail is one that can be sent: a subject, a text of some lines, a signature; the cover letter comes first.
series() {
	local f n
	touch "$WORK/started"
	make -s -C "$TOP" CORCACHE_BUILD="$BUILD" kernel-patch KSRC="$SOURCE" OUT="$WORK/series.mbox"
	for f in "$BUILD"/kernel-patch/*.patch; do
		grep -E '^Subject: \[PATCH [0-9]+/[0-9]+\] [a-zA-Z:-]+ .' "$f" > /dev/null || fail "$f has no subject"
		n=$(sed '1,/^$/d; /^---$/,$d' "$f" | grep -vc '^[A-Z][a-z-]*-by: ')
		[ "$n" -ge 2 ] || fail "$f has no text"
		case $f in
		*/0000-*) ;;
		*) grep '^Signed-off-by: .* <.*@.*>' "$f" > /dev/null || fail "$f is not signed" ;;
		esac
	done
	n=$(find "$BUILD/kernel-patch" -name '*.patch' | wc -l)
	[ "$n" -ge 5 ] || fail "only $n mails"
	[ -e "$BUILD/kernel-patch/0000-cover-letter.patch" ] || fail "no cover letter"
}

source_untouched() {
	local changed
	changed=$(find "$SOURCE" -newer "$WORK/started" ! -path '*/.git/*')
	[ -z "$changed" ] || fail "changed in the source: $changed"
}

checkpatch() {
	local f findings
	# it leaves a file with the names it has seen where it runs
	cd "$WORK"
	for f in "$BUILD"/kernel-patch/000[1-9]-*.patch; do
		perl "$SOURCE/scripts/checkpatch.pl" --root="$SOURCE" --strict --showfile --terse --show-types --no-summary "$f" || true
	done > checkpatch.log 2>&1
	sed -nE 's#^([^ ]+) (.+)$#^\1:[0-9]+: [A-Z]+:\2:#p' <<< "$FORGIVEN" > forgiven
	findings=$(grep -vEf forgiven checkpatch.log || true)
	if [ -n "$findings" ]; then
		printf '%s\n' "$findings"
		fail "checkpatch has findings: $(wc -l <<< "$findings")"
	fi
	wc -l < checkpatch.log | sed 's/$/ findings, all of kinds that do not apply/'
}

# On a repository of the files that the series touches, `git am` as everybody calls it.
applies() {
	local f
	rm -rf "$APPLIED"
	mkdir -p "$APPLIED"
	cd "$APPLIED"
	git init -q .
	git config user.name "kernel-patch.sh"
	git config user.email "kernel-patch@localhost"
	sed -n 's#^diff --git a/\(.*\) b/.*#\1#p' "$WORK/series.mbox" | sort -u | while IFS= read -r f; do
		if [ -e "$SOURCE/$f" ]; then install -D -m 644 "$SOURCE/$f" "$f"; fi
	done
	git add -A
	git commit -q -m base
	git am --whitespace=error -q "$WORK/series.mbox"
	prepare_tree
}

# Nothing of the folder is missing but compat/, and there is nothing that the checkout does not have.
complete() {
	project_files | tr '\0' '\n' | grep "^$FOLDER/" | grep -v "^$FOLDER/compat/" | sort > "$WORK/ours"
	git -C "$APPLIED" ls-files "$FOLDER" | sort | diff "$WORK/ours" -
	while IFS= read -r f; do
		diff <(sed 's#Documentation/[a-z/-]*dm-corcache/#DOCUMENTS/#g; s#tools/testing/[a-z/-]*shared/#SHARED/#g' "$TOP/$f") \
			<(sed 's#Documentation/[a-z/-]*dm-corcache/#DOCUMENTS/#g; s#tools/testing/[a-z/-]*shared/#SHARED/#g' "$APPLIED/$f")
	done < "$WORK/ours"
	[ -s "$WORK/ours" ]
}

no_versions() {
	! grep -rnE 'LINUX_VERSION_CODE|KERNEL_VERSION\(|CORCACHE_HAVE_|linux/version\.h|compat(\.h|/)' "$APPLIED/$FOLDER"
}

# A file of the target that is named in the documents or the folder is there. (Of others the source has only some.)
paths() {
	local named missing=''
	cd "$APPLIED"
	named=$(grep -rhoE '\b(Documentation|drivers)/[A-Za-z0-9_./-]*corcache[A-Za-z0-9_./-]*[A-Za-z0-9_]' "$FOLDER" Documentation | sort -u)
	for f in $named; do
		compgen -G "$f*" > /dev/null || missing+=" $f"
	done
	[ -z "$missing" ] || fail "there is no$missing"
	! grep -rnoE ":ref:\`dm-corcache-(testing|benchmarks|compat)\`" Documentation
}

make_linux() { # LOG ARGUMENT...
	local log=$WORK/$1
	shift
	nice make -C "$TREE" ARCH=um LC_ALL=C -j"${JOBS:-$(nproc)}" "$@" > "$log" 2>&1 || {
		tail -n 60 "$log"
		fail "make $*; log in $log"
	}
}

# The kernel's Makefile of selftests builds them, into a directory of its own.
selftests() {
	rm -rf "$WORK/selftests"
	mkdir "$WORK/selftests"
	make -C "$TREE/tools/testing/selftests" TARGETS=dm-corcache O="$WORK/selftests" > "$WORK/selftests.log" 2>&1 || {
		tail -n 40 "$WORK/selftests.log"
		fail "the selftests are not built"
	}
	find "$WORK/selftests" -name corcache_io -type f -perm -u+x | grep .
}

# The copy of the source, made when the source is another one; and in it the files that the series has.
prepare_tree() {
	local f
	if [ "$(cat "$WORK/source" 2> /dev/null)" != "$SOURCE" ]; then
		rm -rf "$WORK/source" "$TREE"
		cp -a "$SOURCE" "$TREE"
		echo "$SOURCE" > "$WORK/source"
	fi
	for f in $(cd "$APPLIED" && git ls-files | sed -n 's#\(.*/dm-corcache\)/.*#\1#p' | sort -u); do
		mkdir -p "$TREE/$f"
		rsync -rc --delete -f 'P *.o' -f 'P *.ko' -f 'P *.a' -f 'P *.mod*' -f 'P .*' -f 'P modules.order' "$APPLIED/$f/" "$TREE/$f/"
	done
	(cd "$APPLIED" && git ls-files | grep -v /dm-corcache/ | rsync -c --files-from=- . "$TREE")
}

# The kernel's configuration with the target, and its tests, which are part of it.
configure() { # y|m
	local wanted=("CONFIG_DM_CORCACHE=$1") line
	if grep -q '^config DM_CORCACHE_KUNIT_TEST' "$TREE/$FOLDER/Kconfig"; then
		wanted+=(CONFIG_DM_CORCACHE_KUNIT_TEST=y)
	fi
	{
		cat "$SOURCE/.config"
		printf '%s\n' "${wanted[@]}"
	} > "$TREE/.config"
	make -s -C "$TREE" ARCH=um olddefconfig
	for line in "${wanted[@]}"; do
		grep -x "$line" "$TREE/.config" || fail "the configuration does not take $line"
	done
}

# Warnings about our folder, of compiler, kernel-doc, objtool, modpost.
no_warnings() { # LOG
	local warnings
	warnings=$(grep -iE 'warning|error:' "$WORK/$1" | grep -E "dm-corcache|modpost" || true)
	[ -z "$warnings" ] || fail "warnings:"$'\n'"$warnings"
}

module() {
	configure m
	make_linux module.log W=1 "$FOLDER/dm-corcache.ko"
	no_warnings module.log
	ls -l "$TREE/$FOLDER/dm-corcache.ko"
}

builtin() {
	local kver
	configure y
	make_linux builtin.log W=1 "$FOLDER/"
	no_warnings builtin.log
	make_linux linux.log linux
	cp "$TREE/linux" "$WORK/kernel"
	kver=$(cat "$TREE/include/config/kernel.release")
	mkdir -p "$WORK/root/lib/modules/$kver"
	cp "$TREE/modules.builtin" "$TREE/modules.builtin.modinfo" "$WORK/root/lib/modules/$kver/"
	# there are no modules
	: > "$WORK/root/lib/modules/$kver/modules.order"
	depmod -b "$WORK/root" "$kver"
	printf '%s=%q\n' KVER "$kver" ARCH um KIMAGE kernel KDIR linux MODROOT root KCC gcc KCHROOT '' > "$WORK/env"
	grep -E "/dm-corcache\.ko$" "$WORK/root/lib/modules/$kver/modules.builtin"
}

# ---- run ---------------------------------------------------------------------------

# Not in a condition: bash would run the case without "set -e".
run_case() { # NAME: sets status
	set +e
	(
		set -e
		"$1"
	) > "$WORK/case.log" 2>&1
	status=$?
	set -e
}

main() {
	local entry case status nr=0 failed=0 start
	entry=$(intree_source)
	SOURCE=$entry/linux
	if [ "${1:-}" = source ]; then
		echo "$SOURCE"
		return
	fi
	mkdir -p "$WORK"
	rm -f "$WORK/env"
	# Not everybody who runs the check has told git a name.
	if ! git -C "$TOP" -c user.useConfigOnly=true var GIT_COMMITTER_IDENT > /dev/null 2>&1; then
		export GIT_COMMITTER_NAME="make check" GIT_COMMITTER_EMAIL=check@localhost
	fi
	echo "KTAP version 1"
	# shellcheck disable=SC2086 # words
	set -- $CASES
	echo "1..$#"
	for case in "$@"; do
		nr=$((nr + 1)) start=$SECONDS
		run_case "$case"
		sed 's/^/    /' "$WORK/case.log"
		if [ "$status" = 0 ]; then
			echo "ok $nr $case"
		else
			failed=$((failed + 1))
			echo "not ok $nr $case"
		fi
		echo "# $case: $((SECONDS - start)) s"
	done
	[ $failed = 0 ]
}

main "$@"
