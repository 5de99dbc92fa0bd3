// SPDX-License-Identifier: GPL-2.0-only
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"

#define SYSTEM_PATH	"/usr/local/sbin:/usr/sbin:/sbin"

static void become(const char *const *argv, int out)
{
	const char *path = getenv("PATH");
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	/* libdevmapper's is open, and lvm2 complains of it */
	close_range(STDERR_FILENO + 1, ~0U, 0);
	setenv("LC_ALL", "C", 1);
	setenv("PATH", path ? get_text("%s:" SYSTEM_PATH, path) : SYSTEM_PATH ":/usr/bin:/bin", 1);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static char *read_all(int fd)
{
	size_t room = 4096, used = 0;
	char *text = get_memory(room);
	ssize_t n;

	while ((n = read(fd, text + used, room - used - 1)) > 0 || (n < 0 && errno == EINTR)) {
		used += n > 0 ? n : 0;
		if (room - used < 2)
			text = get_more_memory(text, room *= 2);
	}
	while (used && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
	return text;
}

int run_program(const char *const *argv, char **said)
{
	int ends[2], status;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC)) {
		*said = get_text("%s", strerror(errno));
		return 127;
	}
	child = fork();
	if (!child)
		become(argv, ends[1]);
	close(ends[1]);
	*said = read_all(ends[0]);
	close(ends[0]);
	if (child < 0)
		return 127;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
