#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# uml-start.sh OUTDIR KERNEL ARGUMENT... - start User Mode Linux; used by run.sh.
#
# UML is a process of the host and would write to the host's files as root. So it runs in a mount namespace where
# everything but OUTDIR and the disks named by ubd arguments is read-only. Its memory is a file in a tmpfs that only this
# namespace has. It runs in a PID namespace too: when this process is killed, all of UML's processes are, and nothing of
# it is left.
# Exit status: UML's; 128 + signal when it was killed.
set -euo pipefail

OUT=$1
shift

# The mount namespace; called again by this script, inside.
if [ "${UML_INSIDE:-}" != 1 ]; then
	export UML_INSIDE=1
	exec unshare --mount --propagation private --pid --fork --kill-child=KILL "$0" "$OUT" "$@"
fi

writable=("$OUT")
for arg in "$@"; do
	case $arg in ubd[0-9]=*) writable+=("${arg#*=}") ;; esac
done
for w in "${writable[@]}"; do
	mount --bind "$w" "$w"
done

# Mount points as the kernel writes them, with blanks and the like in octal.
while read -r _ _ _ _ point _; do
	point=$(printf '%b' "$point")
	for w in "${writable[@]}"; do
		[ "$point" != "$w" ] || continue 2
	done
	case $point in
	/proc | /proc/* | /sys | /sys/* | /dev | /dev/*) continue ;;
	esac
	mount -o remount,bind,ro "$point" 2> /dev/null || true
done < /proc/self/mountinfo
mount -t proc proc /proc

mkdir -p "$OUT/.lab/uml"
mount -t tmpfs -o size=90% uml "$OUT/.lab/uml"
unset UML_INSIDE
export TMPDIR=$OUT/.lab/uml HOME=$OUT/.lab/uml
# Not "exec": UML ends a panic, and now and then a halt, by sending itself SIGABRT, which a namespace's process 1 ignores.
status=0
"$@" "uml_dir=$OUT/.lab/uml/" || status=$?
exit "$status"
