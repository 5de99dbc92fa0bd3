// SPDX-License-Identifier: GPL-2.0-only
#include "lower.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "fail.h"

#define LOOK_AGAIN_MS	100

bool lower_number(const char *path, dev_t *number)
{
	struct stat status;

	if (stat(path, &status) || !S_ISBLK(status.st_mode))
		return false;
	*number = status.st_rdev;
	return true;
}

uint64_t lower_sectors(const char *path)
{
	uint64_t sectors = 0;
	dev_t number;
	char *size;
	FILE *file;

	if (!lower_number(path, &number))
		return 0;
	size = get_text("/sys/dev/block/%u:%u/size", major(number), minor(number));
	file = fopen(size, "re");
	if (file) {
		if (fscanf(file, "%" SCNu64, &sectors) != 1)
			sectors = 0;
		fclose(file);
	}
	free(size);
	return sectors;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

void lower_wait(const char *one, const char *other, uint64_t ms)
{
	struct timespec pause = { .tv_nsec = LOOK_AGAIN_MS * 1000000L };
	uint64_t begin = now_ms();

	while ((!lower_sectors(one) || !lower_sectors(other)) && now_ms() - begin < ms)
		nanosleep(&pause, NULL);
}
