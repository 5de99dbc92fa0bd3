# SPDX-License-Identifier: GPL-2.0
#
# foreign-races.awk - print the kernel's log without the title lines of those reports of KCSAN in which the module has no
# part: races of the kernel with itself.
#
# It has a part when it made one of the accesses: when on one of the stacks that are shown the innermost function, or the
# one that called it, is of a module named *corcache*. The caller counts because much is done by helpers of the kernel
# (bitmaps, trees, lists). Further out it says nothing: whatever a driver does to serve a bio it does on the stack of who
# submitted it.
#
# Only the title is left out: other messages that got between the lines of a report must not get lost. A report without
# an end is kept.

function flush(foreign,   i) {
	for (i = 0; i < n; i++)
		if (!foreign || line[i] !~ /BUG: KCSAN: /)
			print line[i]
	n = 0
	ours = 0
	inside = 0
}

/BUG: KCSAN: / {
	flush(0)
	inside = 1
}

inside {
	line[n++] = $0
	if (/ (by|with) .* on cpu [0-9]+/)
		depth = 0
	else if (/\+0x[0-9a-f]+\/0x[0-9a-f]+/ && ++depth <= 2 && /\[[a-z_]*corcache/)
		ours = 1
	if (/====================/)
		flush(!ours)
	next
}

{ print }

END { flush(0) }
