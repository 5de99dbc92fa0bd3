#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# static.sh - what can be judged by reading the tree. Prints KTAP, a case per rule.
#
# A rule is a function that prints what it objects to and fails. Most end in "nothing": the status of a pipeline is
# that of its last command here.
# shellcheck disable=SC2317 # the rules are called by name
set -eu
# shellcheck source=tools/testing/check/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(shellcheck no_pipe_ends_early version_code_only_in_compat no_leftover_markers no_machine_paths no_lockdep_off
	no_generated_files licence_identifiers version_agrees dkms_conf_is_plain udev_rule_syntax trace_is_documented)

cd "$TOP"
mapfile -d '' -t files < <(project_files)

# Names among the project's files that match the expression.
named() { printf '%s\n' "${files[@]}" | grep -E "$1" || true; }

# Succeeds when standard input is empty; shows it otherwise.
nothing() { ! grep .; }

shell_scripts() {
	local f
	for f in "${files[@]}"; do
		case $f in
		*.sh | .ci/run) echo "$f" ;;
		*.*) ;;
		*) if head -c 64 "$f" | sed -n 1p | grep -qaE '^#!.*[/ ](ba)?sh'; then echo "$f"; fi ;;
		esac
	done
}

shellcheck_() {
	local scripts
	mapfile -t scripts < <(shell_scripts)
	echo "${#scripts[@]} scripts"
	[ ${#scripts[@]} -gt 0 ] && shellcheck -x "${scripts[@]}"
}

# A command that ends before it has read its input kills whoever still writes; with pipefail the pipeline has failed then,
# now and again. (Selftests and guests' scripts have it from what they source.)
no_pipe_ends_early() {
	{ named '\.sh$' | xargs grep -l '^set .*pipefail' && named '(selftests/.*|\.guest)\.sh$'; } | sort -u |
		xargs grep -nE '\| *(grep +-[a-zA-Z]*[qm]|head )' | grep -vE '^[^:]*:[0-9]+:[[:space:]]*#' | nothing
}

version_code_only_in_compat() {
	named '^drivers/.*\.[ch]$' | grep -v '/compat/' | xargs -r grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(' | nothing
}

# The words are put together here, so that this file does not find itself.
no_leftover_markers() {
	named '^(drivers|tools|Documentation)/.*' | xargs -r grep -nwE "TO""DO|FIX""ME|XX""X|HA""CK" | nothing
}

no_machine_paths() {
	local mirrors
	mirrors=$(apt-get indextargets --format "\$(SITE)" 'Created-By: Packages' 2> /dev/null |
		sed 's|.*://||; s|/.*||; s/[.]/[.]/g' | sort -u | grep . | grep -vE 'deb\[\.\]debian\[\.\]org' | paste -sd'|') || true
	printf '%s\0' "${files[@]}" | xargs -0 grep -nIE "(^|[ \"'=:])/(wor""k|hom""e)/${mirrors:+|$mirrors}" | nothing
}

no_lockdep_off() { named '^drivers/' | xargs -r grep -n lockdep_off | nothing; }

no_generated_files() { named '\.(ko|o|mod|mod\.c|cmd|qcow2|raw|img)$' | nothing; }

licence_identifiers() {
	named '\.(c|h|sh|rules)$|(^|/)(Makefile|Kbuild)$' | while IFS= read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0' || echo "$f: no SPDX line"
	done | nothing
}

# One version: dkms.conf, the target and MODULE_VERSION, the change log, the packages.
version_agrees() { tools/package/version.sh check; }

# dkms sources dkms.conf with a shell that knows nothing of this project.
dkms_conf_is_plain() {
	# shellcheck disable=SC2016 # for the inner shell to expand
	env -i bash -eu -c 'kernel_source_dir=/x
		. ./dkms.conf
		[ "$PACKAGE_NAME" = dm-corcache ]
		[ "$PACKAGE_VERSION" = "$1" ]
		for k in 6.1.0-49-amd64 6.12.95+deb12-amd64 7.3.4-amd64; do [[ $k =~ $BUILD_EXCLUSIVE_KERNEL ]] || exit 1; done
		for k in 5.10.0-1-amd64 6.0.1 7.10.1 8.1.0; do [[ ! $k =~ $BUILD_EXCLUSIVE_KERNEL ]] || exit 1; done
		[[ " $BUILD_EXCLUSIVE_CONFIG " == *" CONFIG_64BIT "* ]]' sh "$VERSION"
}

# udev ignores a line that it cannot parse, and says so only in its log. This looks at the shape of the lines alone; what
# they do is the udev test's.
udev_rule_syntax() {
	local bad
	bad=$(grep -hvE '^(#|$)' tools/udev/*.rules |
		grep -vE '^([A-Z]+(\{[^}]*\})?(==|!=|=|\+=|:=)"([^"\\]|\\.)*"(, |$))+$' || true)
	[ -z "$bad" ] || fail "not a rule: $bad"
}

trace_is_documented() {
	local f
	for f in tools/testing/traces/*.csv; do
		grep -q "^## ${f##*/}" tools/testing/traces/README.md || fail "${f##*/} is not in tools/testing/traces/README.md"
		awk -F, 'NR > 1 && ($2 % 512 || $3 % 512 || $3 == 0) { exit 1 }' "$f" || fail "$f: not in whole sectors"
	done
}

echo "KTAP version 1"
echo "1..${#cases[@]}"
n=0 bad=0
for name in "${cases[@]}"; do
	n=$((n + 1))
	call=$name
	[ "$name" != shellcheck ] || call=shellcheck_
	if output=$("$call" 2>&1); then verdict=ok; else verdict="not ok" bad=1; fi
	[ -z "$output" ] || printf '%s\n' "$output" | sed -n 1,300p | sed 's/^/    /'
	echo "$verdict $n $name"
done
exit $bad
