# SPDX-License-Identifier: GPL-2.0
#
# foreign-races.awk - print the kernel's log without the title lines of those reports of KCSAN that are not about our
# module: those in which neither stack has a function of a module named *corcache*, and those that known() explains.
#
# What a module causes may be seen far from it: device-mapper that still works on a bio which the module has handed back
# has the module in the middle of its stack. So any place counts, and what the kernel does wrong by itself on the stack
# of who submitted a bio has to be listed here, with the reason.
#
# Only the title is left out: other messages that got between the lines of a report must not get lost. A report without
# an end is kept.

# blk-mq searches its bitmaps of tags without a lock, and takes the bit it has found with an atomic operation.
# device-mapper (6.1) counts the parts of a bio, and sets BIO_CHAIN anew for each, while earlier parts may end already:
# the flag is set then, and stays.
function known(title) {
	return title ~ /data-race in _find_next_zero_bit\+/ && tags || title ~ /data-race in bio_endio \/ dm_submit_bio$/
}

function flush(foreign,   i) {
	for (i = 0; i < n; i++)
		if (!foreign || line[i] !~ /BUG: KCSAN: /)
			print line[i]
	n = ours = tags = inside = 0
}

/BUG: KCSAN: / {
	flush(0)
	inside = 1
	title = $0
}

inside {
	sub(/\r$/, "", title)
	line[n++] = $0
	if (/\+0x[0-9a-f]+\/0x[0-9a-f]+ \[[a-z_]*corcache/)
		ours = 1
	if (/ __sbitmap_get_word\+/)
		tags = 1
	if (/====================/)
		flush(!ours || known(title))
	next
}

{ print }

END { flush(0) }
