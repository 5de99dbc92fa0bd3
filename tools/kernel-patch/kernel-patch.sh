#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel-patch.sh KSRC [MBOX] - the target as a series of patches against the kernel source in KSRC, as one would send it
# to dm-devel: `make kernel-patch KSRC=DIR [OUT=FILE]`.
#
# The series goes to ${CORCACHE_BUILD:-build}/kernel-patch, one mail per file, the cover letter first. MBOX gets its
# patches, without the cover letter, in one file, which `git am` applies. KSRC is only read: the series is made in a
# repository of those of its files that the series touches.
#
# What goes where, and in which mail, is in the tables below; the texts of the mails lie beside this script, first line
# the subject. Author and Signed-off-by are git's user.
#
# Output: the path of each mail. Exit status: 0, 1 with a message.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/testing/check/lib.sh
. "$HERE/../testing/check/lib.sh"
BUILD=${CORCACHE_BUILD:-$TOP/build}

# ---- tables ------------------------------------------------------------------

# Where the project's files lie in a kernel tree: "ours theirs", the first line that fits holds. A path ends with a slash
# when all below it is meant. The same goes for paths in texts: comments, documents, MAINTAINERS.
PLACES='
Documentation/dm-corcache/ Documentation/admin-guide/device-mapper/dm-corcache/
tools/testing/shared/ tools/testing/selftests/dm-corcache/shared/
'

# The mails, in order.
MAILS='formats cache reads tests target docs selftests maintainers'

# Which mail a file of the project belongs to, as a pattern of the shell; the first that fits. "-": not for a kernel tree.
# Documents about the module outside of it, and tests that boot guests of the project's lab or need its udev rule, are
# left out. Of what the project's tests share, the selftests need some.
mail_of() { # FILE
	case $1 in
	drivers/md/dm-corcache/compat/*) echo - ;;
	drivers/md/dm-corcache/tests/*) echo tests ;;
	drivers/md/dm-corcache/*)
		case ${1##*/} in
		geometry.* | disk.* | format.* | args.* | policy.* | figures.* | ghosts.* | places.* | refuse.* | break.*) echo formats ;;
		cache.* | corcache.h | index.* | evict.* | metadata.* | commit.* | mode.* | stats.*) echo cache ;;
		target.* | message.* | trace.* | Kconfig | Makefile) echo target ;;
		*) echo reads ;;
		esac
		;;
	Documentation/*/benchmark* | Documentation/*/testing.rst | Documentation/*/compat.rst | *.svg) echo - ;;
	Documentation/*/tool.rst | Documentation/*/metrics.rst | Documentation/*/activation.rst) echo - ;;
	Documentation/dm-corcache/*.rst | Documentation/admin-guide/device-mapper/dm-corcache.rst) echo docs ;;
	tools/testing/selftests/dm-corcache/*host.sh | tools/testing/selftests/dm-corcache/*.guest.sh) echo - ;;
	tools/testing/selftests/dm-corcache/test_udev_* | tools/testing/selftests/dm-corcache/udev.sh) echo - ;;
	tools/testing/selftests/dm-corcache/test_tool_* | tools/testing/selftests/dm-corcache/activate_*) echo - ;;
	tools/testing/shared/*/moduleparam.h) echo - ;;
	tools/testing/shared/include/linux/*.h | tools/testing/shared/include/asm/*.h) echo selftests ;;
	tools/testing/shared/crc32c.c | tools/testing/shared/dm.[ch] | tools/testing/shared/status.[ch]) echo selftests ;;
	tools/testing/selftests/dm-corcache/*) echo selftests ;;
	*) echo - ;;
	esac
}

# Documents that are left out, by their names in the table of contents and in labels.
LEFT_OUT_DOCUMENTS='testing|benchmarks|compat|tool|metrics|activation'

# The files of the kernel that the series changes.
TOUCHED='
MAINTAINERS
drivers/md/Kconfig
drivers/md/Makefile
Documentation/admin-guide/device-mapper/index.rst
tools/testing/selftests/Makefile
'

# What a mail changes in them.
hooks_of() { # MAIL
	case $1 in
	target)
		insert_before drivers/md/Kconfig '^endif # MD$' $'source "drivers/md/dm-corcache/Kconfig"\n'
		insert_before drivers/md/Makefile '^obj-\$\(CONFIG_DM_LOG_WRITES\)' \
			$'obj-$(CONFIG_DM_CORCACHE)\t+= dm-corcache/'
		;;
	docs)
		insert_sorted Documentation/admin-guide/device-mapper/index.rst '    ' dm-corcache
		insert_sorted Documentation/admin-guide/device-mapper/index.rst '    ' dm-corcache/index
		;;
	selftests) insert_sorted tools/testing/selftests/Makefile 'TARGETS += ' dm-corcache ;;
	maintainers) add_maintainers ;;
	esac
}

# ---- changes of the kernel's files ---------------------------------------------

insert_before() { # FILE REGEX TEXT: before the one line that matches
	[ "$(grep -cE "$2" "$1")" = 1 ] || fail "$1 of this kernel has no single line '$2': where does '$3' belong?"
	TEXT=$3 REGEX=$2 awk '$0 ~ ENVIRON["REGEX"] { print ENVIRON["TEXT"] } { print }' "$1" > "$scratch/new"
	cat "$scratch/new" > "$1"
}

# Into a list of lines PREFIX WORD, before the first one that is greater; behind the last one, if none is.
insert_sorted() { # FILE PREFIX WORD
	grep "^$2" "$1" > "$scratch/list" || fail "$1 of this kernel has no line '$2...'"
	PREFIX=$2 WORD=$3 awk '
		BEGIN { prefix = ENVIRON["PREFIX"]; word = ENVIRON["WORD"] }
		function entry() { return index($0, prefix) == 1 && substr($0, length(prefix) + 1) ~ /^[a-z]/ }
		NR == FNR { if (entry()) last = FNR; next }
		!done && entry() && substr($0, length(prefix) + 1) > word { print prefix word; done = 1 }
		{ print }
		!done && FNR == last { print prefix word }
	' "$1" "$1" > "$scratch/new"
	cat "$scratch/new" > "$1"
}

# Our entry is the section with fields in our own MAINTAINERS.
add_maintainers() {
	awk '
		/^$/ { title = "" }
		/^[A-Z]:\t/ { if (title != "") print title; title = ""; print; next }
		/^[A-Z]/ { title = $0 }
	' "$TOP/MAINTAINERS" | their_paths > "$scratch/entry"
	grep -q '^F:' "$scratch/entry" || fail "no entry in $TOP/MAINTAINERS"
	# The kernel's list is not sorted everywhere: the place is the one with the fewest titles on the wrong side.
	ENTRY=$scratch/entry awk '
		BEGIN { while ((getline line < ENVIRON["ENTRY"]) > 0) entry[n++] = line; place = -1 }
		function is_title() { return list && blank && /^[A-Z0-9][^:]/ }
		FNR == 1 { list = 0; blank = 1 }
		/^Maintainers List/ { list = 1; if (NR != FNR) print; next }
		NR == FNR && is_title() {
			if (place < 0 || wrong < least) { least = wrong; place = FNR }
			wrong += $0 > entry[0] ? 1 : -1
		}
		NR != FNR && FNR == place { for (i = 0; i < n; i++) print entry[i]; print "" }
		{ blank = $0 == ""; if (NR != FNR) print }
		END { if (place < 0) exit 1 }
	' MAINTAINERS MAINTAINERS > "$scratch/new" || fail "found no place in the kernel's MAINTAINERS"
	cat "$scratch/new" > MAINTAINERS
	sort -cu <(grep '^F:' "$scratch/entry") || fail "the files in $TOP/MAINTAINERS are not sorted"
}

# ---- our files -----------------------------------------------------------------

their_path() { # FILE
	local ours theirs
	while read -r ours theirs; do
		if [ -n "$ours" ] && [[ $1 = "$ours"* ]]; then
			echo "$theirs${1#"$ours"}"
			return
		fi
	done <<< "$PLACES"
	echo "$1"
}

# The paths within a text.
their_paths() {
	local ours theirs program=()
	while read -r ours theirs; do
		[ -z "$ours" ] || program+=(-e "s#(^|[^/a-z])$ours#\\1$theirs#g")
	done <<< "$PLACES"
	sed -E "${program[@]}"
}

# A document's entries of those that are left out, and remarks in brackets that only name one.
without_left_out() {
	sed -E -e "/^ +($LEFT_OUT_DOCUMENTS)\$/d" -e "s/ ?\\(:ref:\`dm-corcache-($LEFT_OUT_DOCUMENTS)\`\\)//g" \
		-e "/^ *\\(:ref:\`dm-corcache-($LEFT_OUT_DOCUMENTS)\`\\)[.]?\$/d"
}

copy_file() { # OUR-FILE
	local to
	to=$(their_path "$1")
	[ ! -e "$KSRC/$to" ] || fail "$KSRC has $to already"
	mkdir -p "$(dirname "$to")"
	case $1 in
	*.rst) their_paths < "$TOP/$1" | without_left_out > "$to" ;;
	*) their_paths < "$TOP/$1" > "$to" ;;
	esac
	[ ! -x "$TOP/$1" ] || chmod +x "$to"
	git add -- "$to"
}

# ---- the repository ---------------------------------------------------------------

identity() {
	git -C "$TOP" -c user.useConfigOnly=true var GIT_COMMITTER_IDENT > /dev/null 2>&1 ||
		fail "git does not know who signs: set user.name and user.email"
	GIT_COMMITTER_NAME=$(git -C "$TOP" var GIT_COMMITTER_IDENT | sed 's/ <.*//')
	GIT_COMMITTER_EMAIL=$(git -C "$TOP" var GIT_COMMITTER_IDENT | sed 's/.*<\(.*\)>.*/\1/')
	export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
	export GIT_AUTHOR_NAME=$GIT_COMMITTER_NAME GIT_AUTHOR_EMAIL=$GIT_COMMITTER_EMAIL
}

make_base() {
	local f
	git init -q -b base .
	git config commit.gpgSign false
	git config core.autocrlf false
	for f in $TOUCHED; do
		[ -e "$KSRC/$f" ] || fail "$KSRC is no kernel source: it has no $f"
		mkdir -p "$(dirname "$f")"
		cp "$KSRC/$f" "$f"
		chmod u+w "$f"
		git add -- "$f"
	done
	git commit -q -m "files of the kernel that the series touches"
}

make_commit() { # MAIL
	local f
	while IFS= read -r f; do
		copy_file "$f"
	done < <(sed -n "s/^$1 //p" "$scratch/files")
	hooks_of "$1"
	git add -u
	git diff --cached --quiet && return
	git commit -q -s -F "$HERE/$1.txt"
}

kernel_version() {
	sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) *= *//p' "$KSRC/Makefile" | paste -sd.
}

# The mails; what git signs a letter with is its version, which says nothing here.
make_mails() {
	{
		cat "$HERE/cover.txt"
		printf '\nThe series is based on the sources of Linux %s.\n' "$(kernel_version)"
	} > "$scratch/cover"
	git config branch.series.description "$(cat "$scratch/cover")"
	rm -rf "$BUILD/kernel-patch"
	mkdir -p "$BUILD/kernel-patch"
	git format-patch -q --cover-letter --cover-from-description=subject --no-signature --no-renames \
		-o "$BUILD/kernel-patch" base
}

main() {
	local mail f
	[ $# = 1 ] || [ $# = 2 ] || fail "usage: make kernel-patch KSRC=<kernel source> [OUT=<file>]"
	KSRC=$(cd "$1" && pwd)
	mbox=${2:+$(realpath "$2")}
	identity
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	project_files | tr '\0' '\n' | sort | while IFS= read -r f; do
		echo "$(mail_of "$f") $f"
	done > "$scratch/files"
	mkdir "$scratch/tree"
	cd "$scratch/tree"
	make_base
	git checkout -q -b series
	for mail in $MAILS; do
		make_commit "$mail"
	done
	make_mails
	[ -z "$mbox" ] || cat "$BUILD/kernel-patch"/000[1-9]-*.patch > "$mbox"
	ls "$BUILD/kernel-patch"/*.patch
}

main "$@"
