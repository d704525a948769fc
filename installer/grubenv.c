/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and writes GRUB's environment block. */
#include "grubenv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char head[] = "# GRUB Environment Block\n";

/* The names as GRUB's configuration has them. */
static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{"slot=", offsetof(struct grubenv, slot)},
	{"trial=", offsetof(struct grubenv, trial)},
	{"tried=", offsetof(struct grubenv, tried)},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

int grubenv_parse(const char block[GRUBENV_SIZE], struct grubenv *env)
{
	const char *line = block + sizeof(head) - 1, *end = block + GRUBENV_SIZE, *next;

	memset(env, 0, sizeof(*env));
	if (memcmp(block, head, sizeof(head) - 1) != 0)
		return -EINVAL;
	for (; line < end && *line != '#'; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (!next)
			return -EINVAL;
		for (size_t i = 0; i < FIELDS; i++) {
			size_t length = strlen(fields[i].name);
			char value = line[length < (size_t)(next - line) ? length : 0];

			if ((size_t)(next - line) == length + 1 &&
				!memcmp(line, fields[i].name, length) &&
				(value == 'a' || value == 'b'))
				((char *)env)[fields[i].offset] = value;
		}
	}
	return 0;
}

void grubenv_format(const struct grubenv *env, char block[GRUBENV_SIZE])
{
	size_t used = sizeof(head) - 1;

	memset(block, '#', GRUBENV_SIZE);
	memcpy(block, head, used);
	for (size_t i = 0; i < FIELDS; i++) {
		char value = ((const char *)env)[fields[i].offset];
		size_t length = strlen(fields[i].name);

		memcpy(block + used, fields[i].name, length);
		used += length;
		if (value)
			block[used++] = value;
		block[used++] = '\n';
	}
}

static int read_block(const char *path, char block[GRUBENV_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	char more;

	if (fd < 0)
		return -errno;
	/* What was written is wanted from the disk. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (read(fd, block, GRUBENV_SIZE) != GRUBENV_SIZE || read(fd, &more, 1) != 0)
		ret = -EINVAL;
	close(fd);
	return ret;
}

int grubenv_read(const char *path, struct grubenv *env)
{
	char block[GRUBENV_SIZE];
	int ret = read_block(path, block);

	memset(env, 0, sizeof(*env));
	return ret ? ret : grubenv_parse(block, env);
}

/* The bytes of PATH, which is made if it is not there, and flushed. */
static int put_block(const char *path, const char block[GRUBENV_SIZE], int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644), ret = 0;
	ssize_t put;

	if (fd < 0)
		return -errno;
	put = pwrite(fd, block, GRUBENV_SIZE, 0);
	if (put != GRUBENV_SIZE)
		ret = put < 0 ? -errno : -EIO;
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

int grubenv_write(const char *path, const struct grubenv *env)
{
	char block[GRUBENV_SIZE], found[GRUBENV_SIZE], part[4096];
	int ret;

	grubenv_format(env, block);
	if (!read_block(path, found)) {
		ret = put_block(path, block, 0);
	} else {
		/* None, or none of that size: GRUB must never see half of one. */
		if (snprintf(part, sizeof(part), "%s.new", path) >= (int)sizeof(part))
			return -ENAMETOOLONG;
		ret = put_block(part, block, O_CREAT | O_TRUNC);
		if (!ret && rename(part, path))
			ret = -errno;
	}
	if (!ret)
		ret = read_block(path, found);
	if (!ret && memcmp(block, found, GRUBENV_SIZE) != 0)
		ret = -EIO;
	return ret;
}
