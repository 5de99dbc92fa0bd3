// SPDX-License-Identifier: GPL-2.0-only
#include "kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"

#define RECORD_BYTES	8192	/* more than the kernel makes of one */

int kmsg_mark(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* The text of the next record, without what comes before and behind it; false: no more. */
static bool next_text(int fd, char *record, char **text)
{
	ssize_t n;

	/* EPIPE: records were overwritten before they were read; the next read gives the oldest there is */
	do
		n = read(fd, record, RECORD_BYTES - 1);
	while (n < 0 && (errno == EPIPE || errno == EINTR));
	if (n <= 0)
		return false;
	record[n] = '\0';
	record[strcspn(record, "\n")] = '\0';
	*text = strchr(record, ';');
	*text = *text ? *text + 1 : record;
	return true;
}

char *kmsg_read(int mark, const char *name, unsigned int major, unsigned int minor)
{
	char *of_table = get_text("device-mapper: table: %u:%u: ", major, minor);
	char *of_target = get_text("device-mapper: corcache: %s: ", name);
	char *record = get_memory(RECORD_BYTES), *text, *found = NULL;

	while (mark >= 0 && next_text(mark, record, &text)) {
		if (strncmp(text, of_table, strlen(of_table)) && strncmp(text, of_target, strlen(of_target)))
			continue;
		free(found);
		found = get_text("%s", text);
	}
	if (mark >= 0)
		close(mark);
	free(record);
	free(of_target);
	free(of_table);
	return found;
}
