// SPDX-License-Identifier: GPL-2.0-or-later
// The bridges that people have made, in a file that init reads.
#include "bridges.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "address.h"
#include "posada.h"
#include "folder.h"

static bool parse(const char *line, struct bridge *bridge)
{
	char end;

	/* The widths are those of struct bridge. */
	return sscanf(line, "%13s %17s %4u%c", bridge->name, bridge->mac, &bridge->vlan, &end) ==
		       4 &&
	       end == '\n' && posada_network_name_is_legal(bridge->name) &&
	       mac_is_right(bridge->mac) && bridge->vlan <= VLAN_MAX;
}

int bridges_read(const char *file, struct bridges *bridges)
{
	FILE *in = fopen(file, "re");
	struct bridge bridge;
	size_t size = 0;
	char *line = NULL;
	int ret;

	bridges->count = 0;
	if (!in)
		return errno == ENOENT ? 0 : -errno;
	while (getline(&line, &size, in) > 0 && bridges->count < BRIDGES_MAX)
		if (parse(line, &bridge) && !bridges_find(bridges, bridge.name))
			bridges->items[bridges->count++] = bridge;
	ret = ferror(in) ? -EIO : 0;
	free(line);
	fclose(in);
	return ret;
}

int bridges_write(const char *file, const struct bridges *bridges)
{
	char part[PATH_MAX], copy[PATH_MAX];
	FILE *out = NULL;
	int fd, ret = 0;

	snprintf(copy, sizeof(copy), "%s", file);
	if (mkdir(dirname(copy), 0755) && errno != EEXIST)
		return -errno;
	snprintf(part, sizeof(part), "%s.new", file);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (!out) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	for (size_t i = 0; i < bridges->count; i++)
		fprintf(out, "%s %s %u\n", bridges->items[i].name, bridges->items[i].mac,
			bridges->items[i].vlan);
	if (fflush(out) || fsync(fd))
		ret = -errno;
	if (fclose(out) && !ret)
		ret = -errno;
	if (!ret && rename(part, file))
		ret = -errno;
	if (ret)
		unlink(part);
	return ret ? ret : folder_sync(file);
}

struct bridge *bridges_find(struct bridges *bridges, const char *name)
{
	for (size_t i = 0; i < bridges->count; i++)
		if (!strcmp(bridges->items[i].name, name))
			return &bridges->items[i];
	return NULL;
}

void bridges_drop(struct bridges *bridges, const char *name)
{
	struct bridge *found = bridges_find(bridges, name);

	if (!found)
		return;
	bridges->count--;
	memmove(found, found + 1,
		(size_t)(bridges->items + bridges->count - found) * sizeof(*found));
}
