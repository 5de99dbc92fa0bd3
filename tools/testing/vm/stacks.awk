# SPDX-License-Identifier: GPL-2.0
#
# stacks.awk - of a console on which a kernel has shown the stacks of all processors and tasks (stand-still.py), what tells
# why a guest stands still: the stacks of the processors; those of tasks that are running, that wait for what no signal
# ends, or that are in a function of our module or of a workqueue of ours; and the workqueues that are busy. Used by
# run.sh.

# The line without its time stamp.
function bare(line) {
	sub(/\r$/, "", line)
	sub(/^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "", line)
	return line
}

function flush() {
	if (shown) printf "%s", block
	block = ""
	shown = 0
}

{ text = bare($0) }

# Registers, code, what only may have been called: more than one wants to read.
text ~ /^ *(\? |Code: |RSP: |R([A-D]X|[SBD]P|[SD]I|[0-9]+): |[DFG]S: |CS: |CR[02]: |PKRU: |Hardware name: |RIP: 0033:|<\/?(TASK|NMI|IRQ)>)/ { next }

text ~ /^task:/ {
	flush()
	shown = text ~ /state:[RD]/ && text !~ /^task:swapper/
	in_task = 1
}
text ~ /^(NMI backtrace for cpu|Sending NMI|Kernel panic|sysrq: |Showing busy workqueues|Showing all locks|workqueue |pool |Pid: |Modules linked in)/ {
	flush()
	in_task = 0
	shown = text !~ /^(sysrq: |Sending NMI)/
}
text ~ /^(Timer List Version|Sched Debug Version|runnable tasks|cfs_rq|cpu#|rt_rq|dl_rq)/ {
	flush()
	in_task = shown = 0
}
text ~ /corcache/ && text !~ /corcache-lab/ && text !~ /^Modules linked in/ && text !~ /^CPU: / && in_task { shown = 1 }

{ block = block "    " text "\n" }
END { flush() }
