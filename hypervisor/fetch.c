// SPDX-License-Identifier: GPL-2.0-or-later
// Reads a file, or what wget writes, whose report of the server's answer tells how much will come.
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "internal.h"
#include "tool.h"

#define MOMENT_MS 500

bool fetch_is_address(const char *from)
{
	return !strncmp(from, "http://", 7) || !strncmp(from, "https://", 8);
}

const char *fetch_name(const char *from, char *name, size_t size)
{
	size_t len = fetch_is_address(from) ? strcspn(from, "?#") : strlen(from), start = len;

	while (start && from[start - 1] != '/')
		start--;
	if (start == len || len - start >= size ||
		(fetch_is_address(from) && start <= strlen("https://")))
		return NULL;
	snprintf(name, size, "%.*s", (int)(len - start), from + start);
	return name;
}

static int open_file(struct fetch *fetch, const char *from, struct posada_error *err)
{
	char clean[256];
	struct stat st;

	fetch->fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	posada_text_clean(from, clean, sizeof(clean));
	if (fetch->fd < 0)
		return fail(err, -errno, _("%s cannot be read: %s. Correct the path."), clean,
			strerror(errno));
	if (fstat(fetch->fd, &st) || !S_ISREG(st.st_mode)) {
		close(fetch->fd);
		return fail(err, -EINVAL, _("%s is not a file. Correct the path."), clean);
	}
	fetch->total = (uint64_t)st.st_size;
	return 0;
}

static int open_address(struct fetch *fetch, const char *from, struct posada_error *err)
{
	const char *const words[] = {"wget", "-q", "-S", "-T", "30", "-O", "-", from, NULL};
	int bytes[2], says[2], ret;

	for (const char *at = from; *at; at++)
		if (*at <= ' ' || *at >= 0x7f)
			return fail(err, -EINVAL,
				_("An address has no blanks and no letters beyond ASCII. Write them as %%20 and the like."));
	if (pipe2(bytes, O_CLOEXEC))
		return fail(err, -errno, "pipe: %s", strerror(errno));
	if (pipe2(says, O_CLOEXEC | O_NONBLOCK)) {
		ret = -errno;
		close(bytes[0]);
		close(bytes[1]);
		return fail(err, ret, "pipe: %s", strerror(-ret));
	}
	ret = tool_start(words, bytes[1], says[1], &fetch->pid);
	close(bytes[1]);
	close(says[1]);
	fetch->fd = bytes[0];
	fetch->says = says[0];
	if (!ret)
		return 0;
	close(bytes[0]);
	close(says[0]);
	return fail(err, ret, _("The program wget cannot be started: %s."), strerror(-ret));
}

int fetch_open(struct fetch *fetch, const char *from, struct posada_error *err)
{
	memset(fetch, 0, sizeof(*fetch));
	fetch->says = -1;
	return fetch_is_address(from) ? open_address(fetch, from, err)
				      : open_file(fetch, from, err);
}

/* A line of the report. After a redirection another answer follows, whose length counts. */
static void take_line(struct fetch *fetch)
{
	static const char length[] = "Content-Length:";
	const char *line = fetch->line + strspn(fetch->line, " \t");

	if (!strncasecmp(line, "HTTP/", 5))
		fetch->total = 0;
	else if (!strncasecmp(line, length, sizeof(length) - 1))
		fetch->total = strtoull(line + sizeof(length) - 1, NULL, 10);
	else if (!strncmp(line, "wget:", 5))
		snprintf(fetch->last, sizeof(fetch->last), "%s", line);
}

static void take_report(struct fetch *fetch)
{
	char buf[256];
	ssize_t got;

	while ((got = read(fetch->says, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < got; i++) {
			if (buf[i] != '\n' && buf[i] != '\r') {
				if (fetch->line_len + 1 < sizeof(fetch->line))
					fetch->line[fetch->line_len++] = buf[i];
				continue;
			}
			fetch->line[fetch->line_len] = '\0';
			if (fetch->line_len)
				take_line(fetch);
			fetch->line_len = 0;
		}
}

ssize_t fetch_read(struct fetch *fetch, void *buf, size_t size)
{
	struct pollfd event = {.fd = fetch->fd, .events = POLLIN};
	ssize_t got;

	if (fetch->pid) {
		int ready = poll(&event, 1, MOMENT_MS);

		take_report(fetch);
		if (ready <= 0)
			return !ready || errno == EINTR ? -EAGAIN : -errno;
	}
	got = read(fetch->fd, buf, size);
	if (got >= 0)
		return got;
	return errno == EINTR ? -EAGAIN : -errno;
}

int fetch_close(struct fetch *fetch, bool complete, struct posada_error *err)
{
	char clean[512];
	int status = 0;

	close(fetch->fd);
	if (!fetch->pid)
		return 0;
	if (!complete)
		kill(fetch->pid, SIGTERM);
	while (waitpid(fetch->pid, &status, 0) < 0 && errno == EINTR)
		;
	take_report(fetch);
	close(fetch->says);
	if (!complete || !status)
		return 0;
	return fail(err, -EIO, _("The download failed: %s. Look at the address and the network."),
		posada_text_clean(*fetch->last ? fetch->last : "wget", clean, sizeof(clean)));
}
