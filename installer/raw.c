/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves sectors, and sees to it that they have arrived. */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int transfer(int fd, void *buffer, size_t size, uint64_t at, bool write)
{
	while (size) {
		ssize_t got = write ? pwrite(fd, buffer, size, (off_t)at)
				    : pread(fd, buffer, size, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		buffer = (uint8_t *)buffer + got;
		size -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

static int device_size(int fd, uint64_t *size)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (S_ISBLK(status.st_mode))
		return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
	*size = (uint64_t)status.st_size;
	return 0;
}

static int open_device(const char *device, int mode)
{
	int fd = open(device, mode | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fd;
}

static int close_device(int fd, int ret)
{
	return close(fd) && !ret ? -errno : ret;
}

int raw_read(const char *device, void *bytes, size_t size, uint64_t at)
{
	int fd = open_device(device, O_RDONLY);

	return fd < 0 ? fd : close_device(fd, transfer(fd, bytes, size, at, false));
}

int raw_write(const char *device, const void *bytes, size_t size, uint64_t at)
{
	uint8_t *found = malloc(size);
	int ret, fd = found ? open_device(device, O_RDWR) : -ENOMEM;

	if (fd < 0) {
		ret = fd;
		goto out;
	}
	ret = transfer(fd, (void *)(uintptr_t)bytes, size, at, true);
	if (!ret && fsync(fd))
		ret = -errno;
	if (!ret) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		ret = transfer(fd, found, size, at, false);
	}
	if (!ret && memcmp(found, bytes, size) != 0)
		ret = -EIO;
	ret = close_device(fd, ret);
out:
	free(found);
	return ret;
}

int raw_ends_read(const char *device, struct raw_ends *ends)
{
	uint64_t size = 0;
	int ret, fd = open_device(device, O_RDONLY);

	if (fd < 0)
		return fd;
	ret = device_size(fd, &size);
	if (!ret && size < 2 * RAW_END)
		ret = -EINVAL;
	if (!ret)
		ret = transfer(fd, ends->head, RAW_END, 0, false);
	if (!ret)
		ret = transfer(fd, ends->tail, RAW_END, size - RAW_END, false);
	return close_device(fd, ret);
}

static int restore_end(
	int fd, const uint8_t *before, const uint8_t *after, unsigned sector, uint64_t at)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < RAW_END; i += sector)
		if (memcmp(before + i, after + i, sector) != 0)
			ret = transfer(fd, (void *)(uintptr_t)(before + i), sector, at + i, true);
	return ret;
}

int raw_ends_restore(
	const char *device, const struct raw_ends *before, const struct raw_ends *after)
{
	unsigned sector = raw_sector(device);
	uint64_t size = 0;
	int ret, fd = open_device(device, O_RDWR);

	if (fd < 0)
		return fd;
	ret = device_size(fd, &size);
	if (!ret && (size < 2 * RAW_END || RAW_END % sector))
		ret = -EINVAL;
	if (!ret)
		ret = restore_end(fd, before->tail, after->tail, sector, size - RAW_END);
	if (!ret && fsync(fd))
		ret = -errno;
	if (!ret)
		ret = restore_end(fd, before->head, after->head, sector, 0);
	if (!ret && fsync(fd))
		ret = -errno;
	return close_device(fd, ret);
}

/* --- The mark ----------------------------------------------------------- */

#define MARK_MAGIC "Posada: half made"
#define MARK_START 32
#define MARK_PART  40
#define MARK_SUM   48
#define MARK_ENDS  4096

uint64_t raw_sum(const void *bytes, size_t size, uint64_t before)
{
	const uint8_t *at = bytes;

	while (size--)
		before = (before ^ *at++) * 0x100000001b3;
	return before;
}

/* Of all but itself. */
static uint64_t mark_sum(const uint8_t mark[RAW_MARK])
{
	return raw_sum(mark + MARK_ENDS, RAW_MARK - MARK_ENDS, raw_sum(mark, MARK_SUM, RAW_SUM));
}

void raw_mark_make(
	uint8_t mark[RAW_MARK], uint64_t start, uint64_t size, const struct raw_ends *ends)
{
	uint64_t value;

	memset(mark, 0, RAW_MARK);
	memcpy(mark, MARK_MAGIC, sizeof(MARK_MAGIC));
	memcpy(mark + MARK_START, &start, sizeof(start));
	memcpy(mark + MARK_PART, &size, sizeof(size));
	memcpy(mark + MARK_ENDS, ends->head, RAW_END);
	memcpy(mark + MARK_ENDS + RAW_END, ends->tail, RAW_END);
	value = mark_sum(mark);
	memcpy(mark + MARK_SUM, &value, sizeof(value));
}

bool raw_mark_read(
	const uint8_t mark[RAW_MARK], uint64_t start, uint64_t size, struct raw_ends *ends)
{
	uint64_t value = mark_sum(mark);

	if (memcmp(mark, MARK_MAGIC, sizeof(MARK_MAGIC)) != 0 ||
		memcmp(mark + MARK_START, &start, sizeof(start)) != 0 ||
		memcmp(mark + MARK_PART, &size, sizeof(size)) != 0 ||
		memcmp(mark + MARK_SUM, &value, sizeof(value)) != 0)
		return false;
	if (ends) {
		memcpy(ends->head, mark + MARK_ENDS, RAW_END);
		memcpy(ends->tail, mark + MARK_ENDS + RAW_END, RAW_END);
	}
	return true;
}

unsigned raw_sector(const char *device)
{
	int sector = 512, fd = open(device, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 512;
	if (ioctl(fd, BLKSSZGET, &sector) || sector < 512)
		sector = 512;
	close(fd);
	return (unsigned)sector;
}
