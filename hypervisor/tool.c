/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs other programs, without a shell. */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void take_output(int from, char *output, size_t size)
{
	size_t length = 0;
	char rest[512];
	ssize_t got;

	/* Whoever prints more than is wanted must not wait for a reader. */
	while ((got = length + 1 < size ? read(from, output + length, size - length - 1)
					: read(from, rest, sizeof(rest))) > 0 ||
		(got < 0 && errno == EINTR))
		if (got > 0 && length + 1 < size)
			length += (size_t)got;
	if (size)
		output[length] = '\0';
}

const char *tool_name(const char *const words[])
{
	/* timeout -s KILL SECONDS PROGRAM */
	if (!strcmp(words[0], "timeout"))
		words += 4;
	return words[!strcmp(words[0], "lvm")];
}

bool tool_was_killed(int status)
{
	return status == -EINTR || status == 128 + SIGKILL;
}

static void direct(posix_spawn_file_actions_t *actions, int from, int to)
{
	if (from < 0)
		posix_spawn_file_actions_addopen(actions, to, "/dev/null", O_WRONLY, 0);
	else
		posix_spawn_file_actions_adddup2(actions, from, to);
}

int tool_start(const char *const words[], int output, int errors, pid_t *pid)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int ret;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	direct(&actions, output, 1);
	direct(&actions, errors, 2);
	ret = -posix_spawnp(pid, words[0], &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

int tool_run(const char *const words[], char *output, size_t size)
{
	int pipes[2] = {-1, -1}, status = 0, ret;
	pid_t pid;

	if (output && pipe2(pipes, O_CLOEXEC))
		return -errno;
	ret = tool_start(words, pipes[1], -1, &pid);
	if (output) {
		close(pipes[1]);
		if (!ret)
			take_output(pipes[0], output, size);
		close(pipes[0]);
	}
	if (ret)
		return ret;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}
