// SPDX-License-Identifier: GPL-2.0-or-later
// The terminal under the menu, and programs that get it for a while.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "terminal.h"
#include "ui.h"

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* Held while something is done that must not be left half done. */
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

bool terminal_is_gone(void)
{
	struct pollfd terminal = {.fd = STDIN_FILENO};

	return poll(&terminal, 1, 0) > 0;
}

void terminal_hold(void)
{
	/* Programs that are started meanwhile ignore it, too. */
	signal(SIGHUP, SIG_IGN);
	pthread_mutex_lock(&held);
}

void terminal_release(void)
{
	pthread_mutex_unlock(&held);
	signal(SIGHUP, SIG_DFL);
}

/*
 * libdialog asks a dead terminal again and again. poll() without any wish reports
 * the hang-up alone, and sleeps until then.
 */
static void *wait_for_hangup(void *unused)
{
	struct pollfd terminal = {.fd = STDIN_FILENO};

	(void)unused;
	while (poll(&terminal, 1, -1) <= 0 || !terminal.revents)
		;
	pthread_mutex_lock(&held);
	_exit(EXIT_SUCCESS);
}

void terminal_guard(void)
{
	sigset_t all, before;
	pthread_t thread;

	/* Signals belong to the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!pthread_create(&thread, NULL, wait_for_hangup, NULL))
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void become(char *const argv[])
{
	static const int reset[] = {SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTOU, SIGPIPE};
	sigset_t none;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reset); i++)
		signal(reset[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(argv[0], argv);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int terminal_run(const char *text, char *const argv[])
{
	struct termios saved;
	bool known;
	pid_t pid;
	int ret;

	if (access(argv[0], X_OK))
		return -errno;
	ui_suspend();
	puts(text);
	fflush(stdout);
	known = !tcgetattr(STDIN_FILENO, &saved);
	pid = fork();
	if (!pid)
		become(argv);
	ret = pid < 0 ? -errno : wait_for(pid);
	/* A shell that was killed leaves its own group, and its settings, on the terminal. */
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(STDIN_FILENO, getpgrp());
	if (known)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	ui_resume();
	return ret;
}

static void feed(int fd, const char *input)
{
	size_t len = strlen(input);

	while (len) {
		ssize_t done = write(fd, input, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return;
		input += done;
		len -= (size_t)done;
	}
}

static void drain(int fd, char *output, size_t size)
{
	char chunk[512];
	size_t len = 0;

	for (;;) {
		size_t room = size ? size - 1 - len : 0;
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (room > (size_t)got)
			room = (size_t)got;
		memcpy(output + len, chunk, room);
		len += room;
	}
	if (size)
		output[len] = '\0';
}

/* All that we feed is shorter than a pipe is deep, so writing first cannot lock up. */
int program_run(char *const argv[], const char *input, char *output, size_t size)
{
	int in[2], out[2];
	pid_t pid;

	if (access(argv[0], X_OK))
		return -errno;
	if (pipe2(in, O_CLOEXEC))
		return -errno;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return -errno;
	}
	signal(SIGPIPE, SIG_IGN);
	pid = fork();
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		become(argv);
	}
	close(in[0]);
	close(out[1]);
	if (pid > 0 && input)
		feed(in[1], input);
	close(in[1]);
	if (pid > 0)
		drain(out[0], output, size);
	close(out[0]);
	return pid < 0 ? -EAGAIN : wait_for(pid);
}
