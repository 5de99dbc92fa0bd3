#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# layers.sh [DIR] - does the module keep to its layers? KTAP, a case per rule.
#
# The layers stand at the head of drivers/md/dm-corcache/corcache.h: rows from bottom to top, and a file calls those to the
# left of it in its own row and those in the rows above. The rules:
#
#   every_file_has_a_layer       each source is in the list, each name of the list is a source
#   document_has_the_layers      design.rst names the same files
#   includes_go_down             of headers
#   calls_go_down                of functions, as the objects of a build in DIR have them (default: that for 6.1)
#   only_the_router_ends_bios    no other file ends a reader's bio
#   nothing_global_without_need  a function that no other object calls is static
#   no_static_name_twice         so that a name in a stack or a trace says which function it is
#
# The one exception: hit and fill give a bio back with corcache_route_again().
# shellcheck disable=SC2317 # the rules are called by name
set -euo pipefail
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

MODULE=$TOP/drivers/md/dm-corcache
OBJECTS=${1:-${CORCACHE_BUILD:-$TOP/build}/6.1/src/drivers/md/dm-corcache}
EXCEPTION='corcache_route_again'
cases=(every_file_has_a_layer document_has_the_layers includes_go_down calls_go_down only_the_router_ends_bios nothing_global_without_need
	no_static_name_twice)

# The names of the list, bottom to top, a line each.
layers() {
	sed -n '/The layers, bottom to top/,/What has to come up/s/^ \*   \([a-z][a-z ]*[a-z]\)   *[^ ].*/\1/p' "$MODULE/corcache.h" |
		tr -s ' ' '\n'
}

# Lines "file NAME" of what is compiled or included.
sources() {
	local f
	for f in "$MODULE"/*.[ch]; do
		f=${f##*/}
		echo "${f%.?}"
	done | sort -u
}

nothing() { ! grep .; }

every_file_has_a_layer() {
	diff <(layers | sort) <(sources) | sed -n 's/^< /in the list and no source: /p; s/^> /a source and not in the list: /p' | nothing
}

# The list of the document, top to bottom; what stands behind two spaces tells what the files do.
document_has_the_layers() {
	local list
	list=$(sed -n '/^Layers$/,/^Each name is a file/s/^   \([a-z][a-z ]*[a-z]\)\(  .*\)\?$/\1/p' "$TOP/Documentation/dm-corcache/design.rst")
	diff <(layers | sort) <(tr -s ' ' '\n' <<< "$list" | sort) |
		sed -n 's/^< /not in design.rst: /p; s/^> /in design.rst alone: /p' | nothing
}

# Reads lines "FROM TO WHAT": shows those that go up. FROM and TO are files of the list.
going_up() {
	awk -v exception="$EXCEPTION" '
		NR == FNR { rank[$1] = ++n; next }
		!($1 in rank) || !($2 in rank) { print "no such file: " $0; next }
		rank[$2] > rank[$1] && !(($1 == "hit" || $1 == "fill") && $3 == exception) { print $1 " -> " $2 ": " $3 }
	' <(layers) -
}

includes_go_down() {
	local f
	for f in "$MODULE"/*.[ch]; do
		sed -n 's/^#include "\([a-z]*\)\.h".*/\1/p' "$f" | awk -v from="$(basename "${f%.?}")" '
			# what the exception is declared in
			{ print from, $1, $1 == "route" ? "'"$EXCEPTION"'" : "#include" }'
	done | going_up | nothing
}

# Lines "OBJECT TYPE SYMBOL"; those of tests are no part of the layers.
symbols() {
	local f
	for f in "$OBJECTS"/*.o; do
		case ${f##*/} in dm-corcache.o | *.mod.o) continue ;; esac
		nm "$f" | awk -v object="$(basename "$f" .o)" '{ print object, $(NF - 1), $NF }'
	done
}

need_objects() {
	[ -e "$OBJECTS/target.o" ] || fail "no objects in $OBJECTS: build the module first"
}

calls_go_down() {
	need_objects
	symbols | awk '
		$2 == "T" { defined[$3] = $1 }
		$2 == "U" { used[$1 " " $3] }
		END {
			for (u in used) {
				split(u, w)
				if (w[2] in defined)
					print w[1], defined[w[2]], w[2]
			}
		}' > "$tmp"
	echo "$(wc -l < "$tmp") calls from file to file"
	[ -s "$tmp" ]
	going_up < "$tmp" | nothing
}

# Commits end bios of their own by calling their end function.
only_the_router_ends_bios() {
	grep -nE '\b(bio_endio|bio_io_error|bio_wouldblock_error)\(' "$MODULE"/*.[ch] | sed '/\/route\.c:/d' | nothing
}

# What tests call counts as called.
nothing_global_without_need() {
	need_objects
	{ symbols; grep -rhoE '\bcorcache_[a-z_]+\(' "$MODULE/tests" "$TOP/tools/testing" --include='*.c' | sed 's/(//; s/^/tests U /'; } | awk '
		$2 == "T" && $3 !~ /^(init_module|cleanup_module|__probestub_|__traceiter_)/ { defined[$3] = $1 }
		$2 == "U" { used[$3] }
		END { for (d in defined) if (!(d in used)) print defined[d] ": " d "() is called by no other file" }' | nothing
}

no_static_name_twice() {
	grep -hE '^(static|noinline)[^=;]*\(' "$MODULE"/*.c | grep -vE 'static_assert|DEFINE_' | sed 's/(.*//; s/.*[ *]//' | sort | uniq -d | nothing
}

tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
echo "KTAP version 1"
echo "1..${#cases[@]}"
n=0 bad=0
for name in "${cases[@]}"; do
	n=$((n + 1))
	if output=$("$name" 2>&1); then verdict=ok; else verdict='not ok' bad=1; fi
	[ -z "$output" ] || printf '%s\n' "$output" | sed 's/^/    /'
	echo "$verdict $n $name"
done
exit $bad
