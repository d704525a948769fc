// SPDX-License-Identifier: GPL-2.0-or-later
// Copies the content of disk images with QEMU's own program, which knows their formats.
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "image.h"
#include "tool.h"

#define TICK_MS	   200
#define LOOK_TICKS 5 /* calls of the progress between two looks at the source */

/* What the program has said: lines that end with a return tell how far it is. */
struct said {
	char line[512];
	size_t len;
	unsigned percent;
	char *why;
	size_t size;
};

static void take_line(struct said *said)
{
	static const char name[] = "qemu-img: ";
	const char *text = said->line;
	unsigned percent;

	said->line[said->len] = '\0';
	said->len = 0;
	if (sscanf(text, " (%u.%*u/100%%)", &percent) == 1) {
		said->percent = percent;
		return;
	}
	if (!strncmp(text, name, sizeof(name) - 1))
		text += sizeof(name) - 1;
	if (*text)
		posada_text_clean(text, said->why, said->size);
}

/* False at the end of what it says. */
static bool listen_to(int fd, struct said *said)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char part[256];
	ssize_t got, i;

	if (poll(&wait, 1, TICK_MS) <= 0)
		return true;
	got = read(fd, part, sizeof(part));
	if (got < 0)
		return errno == EINTR;
	for (i = 0; i < got; i++) {
		if (part[i] == '\r' || part[i] == '\n')
			take_line(said);
		else if (said->len + 1 < sizeof(said->line))
			said->line[said->len++] = part[i];
	}
	if (!got)
		take_line(said);
	return got > 0;
}

static int spawn(const char *const words[], pid_t *pid, int *output)
{
	int ends[2], ret;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	ret = tool_start(words, ends[1], ends[1], pid);
	close(ends[1]);
	if (ret)
		close(ends[0]);
	else
		*output = ends[0];
	return ret;
}

int copy_image(const struct copy *copy, char *why, size_t size)
{
	/* By itself it would not wait until the bytes are on the disk. */
	const char *words[16] = {"qemu-img", "convert", "-p", "-n", "-t", "writeback", "-f",
		copy->from_format, "-O", copy->to_format};
	size_t count = 10;
	struct said said = {.why = why, .size = size};
	bool wanted = true;
	int output = -1, status, ret;
	pid_t pid;

	if (copy->to_is_empty)
		words[count++] = "--target-is-zero";
	words[count++] = copy->from;
	words[count++] = copy->to;
	*why = '\0';
	ret = spawn(words, &pid, &output);
	if (ret) {
		snprintf(why, size, "qemu-img: %s", strerror(-ret));
		return -EIO;
	}
	while (listen_to(output, &said) && wanted)
		wanted = copy->progress(copy->opaque, said.percent);
	if (!wanted)
		kill(pid, SIGTERM);
	close(output);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	/* What ends it may be the key that ends us. */
	if (wanted)
		wanted = copy->progress(copy->opaque, said.percent);
	if (!wanted)
		return -ECANCELED;
	if (WIFSIGNALED(status))
		snprintf(why, size, "qemu-img: %s", strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

static bool next_progress(void *opaque, unsigned percent)
{
	struct copies *copies = opaque;
	double done = (double)copies->done + (double)copies->current * percent / 100;

	if (!(copies->ticks++ % LOOK_TICKS))
		copies->changed |= copies->changes(copies->source);
	return !copies->changed &&
	       (!copies->progress || copies->progress(copies->opaque,
					     (unsigned)(100.0 * done / (double)copies->total)));
}

int copy_next(struct copies *copies, struct copy *copy, uint64_t bytes, char *why, size_t size)
{
	int ret;

	copy->progress = next_progress;
	copy->opaque = copies;
	copies->current = bytes;
	ret = copy_image(copy, why, size);
	copies->done += bytes;
	copies->current = 0;
	if (!ret && copies->changes(copies->source))
		copies->changed = true;
	return copies->changed ? -EBUSY : ret;
}

/* The size stands at byte 24 of a qcow2 file's head, big-endian. */
static int qcow2_size(const char *path, uint64_t *bytes)
{
	unsigned char head[32];
	FILE *file = fopen(path, "re");
	enum image_type type;
	size_t got, i;

	if (!file)
		return -errno;
	got = fread(head, 1, sizeof(head), file);
	fclose(file);
	type = image_type_of(head, got);
	if (got != sizeof(head) || (type != IMAGE_QCOW2 && type != IMAGE_QCOW2_LINKED))
		return -EINVAL;
	for (*bytes = 0, i = 24; i < 32; i++)
		*bytes = *bytes << 8 | head[i];
	return *bytes && *bytes <= INT64_MAX ? 0 : -EINVAL;
}

int copy_measure(const char *path, const char *format, uint64_t *bytes)
{
	enum image_type type;
	off_t size;
	int ret;

	if (!strcmp(format, "qcow2"))
		return qcow2_size(path, bytes);
	if (strcmp(format, "raw") != 0)
		return -EINVAL;
	ret = image_probe(path, &type, &size);
	if (!ret && size <= 0)
		ret = -EINVAL;
	*bytes = ret ? 0 : (uint64_t)size;
	return ret;
}
