// SPDX-License-Identifier: GPL-2.0-or-later
// What makes a change of names last.
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int folder_sync(const char *file)
{
	char copy[PATH_MAX];
	int fd, ret = 0;

	snprintf(copy, sizeof(copy), "%s", file);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

void folder_sync_definitions(void)
{
	static const char *const folders[] = {
		"libxl/.", "libxl/autostart/.", "qemu/.", "qemu/autostart/."};
	char path[64];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "/etc/libvirt/%s", folders[i]);
		folder_sync(path);
	}
}
