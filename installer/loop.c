/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes loop devices. */
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TRIES  16
#define SECTOR 512

static int open_loop(const struct loop_config *config, char path[LOOP_NAME])
{
	bool read_only = config->info.lo_flags & LO_FLAGS_READ_ONLY;
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int fd = -1, ret = control < 0 ? -errno : -EBUSY;

	/* Another process may take the number that we were given. */
	for (int i = 0; i < TRIES && ret == -EBUSY; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0) {
			ret = -errno;
			break;
		}
		snprintf(path, LOOP_NAME, "/dev/loop%d", number);
		fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
		ret = fd < 0 || ioctl(fd, LOOP_CONFIGURE, config) ? -errno : 0;
		if (ret && fd >= 0)
			close(fd);
	}
	if (control >= 0)
		close(control);
	return ret ? ret : fd;
}

int loop_open(int backing, uint64_t start, uint64_t size, bool read_only, char path[LOOP_NAME])
{
	const struct loop_config config = {
		.fd = (uint32_t)backing,
		.info = {.lo_offset = start,
			.lo_sizelimit = size,
			.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0)},
	};

	return open_loop(&config, path);
}

int loop_open_direct(int backing, bool read_only, char path[LOOP_NAME])
{
	const struct loop_config config = {
		.fd = (uint32_t)backing,
		.block_size = SECTOR,
		.info = {.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO |
				     (read_only ? LO_FLAGS_READ_ONLY : 0)},
	};
	int fd = open_loop(&config, path), ret = fd < 0 ? fd : 0;
	struct loop_info64 info;

	/* The kernel goes on without it where it cannot. */
	if (!ret && ioctl(fd, LOOP_GET_STATUS64, &info))
		ret = -errno;
	else if (!ret && !(info.lo_flags & LO_FLAGS_DIRECT_IO))
		ret = -EOPNOTSUPP;
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}
