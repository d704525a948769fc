// SPDX-License-Identifier: GPL-2.0-or-later
// Finds sticks with file systems, and mounts them read only: who installs onto one finds it free.
#include "sticks.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "internal.h"
#include "tool.h"

/* Who looks at one must not find it unmounted by another who has looked. */
#define LOCK POSADA_RUN "/sticks.lock"

#define PATH_SIZE  512
#define STICKS_MAX 32

/* What people's machines write. A journal is left as it is. */
static const struct {
	const char *blkid, *type, *options;
} types[] = {
	{"vfat", "vfat", "utf8"},
	{"exfat", "exfat", NULL},
	{"ext4", "ext4", "noload"},
	{"ntfs", "ntfs3", "iocharset=utf8"},
};

static void take(char *to, size_t size, const char *value)
{
	size_t len = strcspn(value, "\n");

	snprintf(to, size, "%.*s", (int)(len < size ? len : size - 1), value);
}

/* blkid puts a backslash before what a shell would read. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		at += *at == '\\' && at[1];
		*to++ = *at;
	}
	*to = '\0';
}

static bool is_uuid(const char *text)
{
	return *text && !text[strspn(text, "0123456789abcdefABCDEF-")] && *text != '-';
}

bool stick_parse(const char *text, struct stick *stick)
{
	char type[32] = "", label[64] = "";

	memset(stick, 0, sizeof(*stick));
	for (const char *line = text; *line;) {
		if (!strncmp(line, "TYPE=", 5))
			take(type, sizeof(type), line + 5);
		else if (!strncmp(line, "UUID=", 5))
			take(stick->uuid, sizeof(stick->uuid), line + 5);
		else if (!strncmp(line, "LABEL=", 6))
			take(label, sizeof(label), line + 6);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	unescape(label);
	posada_text_clean(label, stick->label, sizeof(stick->label));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i].blkid)) {
			stick->type = types[i].type;
			stick->options = types[i].options;
		}
	/* A data place is no library. */
	return stick->type && is_uuid(stick->uuid) && strcmp(stick->label, "posada-data") != 0;
}

/* Can it be pulled out? A partition tells of its disk, which is the folder above. */
static bool is_removable(const char *name)
{
	char path[PATH_SIZE], real[PATH_MAX], line[16];

	snprintf(path, sizeof(path), "/sys/class/block/%s", name);
	if (!realpath(path, real))
		return false;
	if (strstr(real, "/usb") || strstr(real, "/mmc"))
		return true;
	return (read_line(line, sizeof(line), "%s/removable", path) ||
		       read_line(line, sizeof(line), "%s/../removable", path)) &&
	       *line == '1';
}

static bool is_stick(const char *name, struct stick *stick)
{
	static const char *const never[] = {"loop", "ram", "zram", "sr", "fd", "nbd", "dm-", "md"};
	char device[80], output[1024];
	const char *const words[] = {"blkid", "-p", "-o", "export", device, NULL};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (!strncmp(name, never[i], strlen(never[i])))
			return false;
	if (strlen(name) >= sizeof(stick->device) || !is_removable(name))
		return false;
	snprintf(device, sizeof(device), "/dev/%s", name);
	if (tool_run(words, output, sizeof(output)) || !stick_parse(output, stick))
		return false;
	snprintf(stick->device, sizeof(stick->device), "%.63s", name);
	return true;
}

/* --- Mounts ------------------------------------------------------------- */

/* Calls VISIT with each mount, its device's numbers and its folder, until that is true. */
static bool each_mount(
	bool (*visit)(void *opaque, const char *numbers, const char *folder), void *opaque)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], numbers[32], folder[1024];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d %*d %31s %*s %1023s", numbers, folder) == 2)
			found = visit(opaque, numbers, folder);
	if (file)
		fclose(file);
	return found;
}

struct search {
	const char *numbers, *folder;
	bool here; /* found where it is looked for */
};

static bool is_mount_of(void *opaque, const char *numbers, const char *folder)
{
	struct search *search = opaque;

	bool same = !strcmp(numbers, search->numbers), here = !strcmp(folder, search->folder);

	search->here = same && here;
	return same || here;
}

/* On its folder; -EBUSY when it, or another of that name, is mounted already elsewhere. *there says
 * that nothing was to be done. */
static int mount_stick(const struct stick *stick, const char *folder, bool *there)
{
	char numbers[32], device[80];
	struct search search = {numbers, folder, false};

	*there = false;
	if (!read_line(numbers, sizeof(numbers), "/sys/class/block/%s/dev", stick->device))
		return -ENODEV;
	if (each_mount(is_mount_of, &search)) {
		*there = search.here;
		return search.here ? 0 : -EBUSY;
	}
	snprintf(device, sizeof(device), "/dev/%s", stick->device);
	mkdir(POSADA_STICKS, 0755);
	if (mkdir(folder, 0755) && errno != EEXIST)
		return -errno;
	if (!mount(device, folder, stick->type, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    stick->options))
		return 0;
	rmdir(folder);
	return -errno;
}

static void unmount_stick(const char *folder, int flags)
{
	if (!umount2(folder, flags))
		rmdir(folder);
}

static int lock(void)
{
	/* Only a host has one: elsewhere nothing shall be mounted. */
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void name_folder(const struct stick *stick, char folder[PATH_SIZE])
{
	snprintf(folder, PATH_SIZE, POSADA_STICKS "/%.*s", (int)sizeof(stick->uuid) - 1,
		stick->uuid);
}

static bool is_mounted(const struct stick *stick)
{
	char numbers[32], folder[PATH_SIZE];
	struct search search = {numbers, folder, false};

	name_folder(stick, folder);
	return read_line(numbers, sizeof(numbers), "/sys/class/block/%s/dev", stick->device) &&
	       each_mount(is_mount_of, &search) && search.here;
}

/* Those that are plugged in. */
static size_t find(struct stick sticks[STICKS_MAX])
{
	struct dirent **names;
	int found = scandir("/sys/class/block", &names, NULL, versionsort);
	size_t count = 0;

	for (int i = 0; i < found; i++) {
		if (*names[i]->d_name != '.' && count < STICKS_MAX &&
			is_stick(names[i]->d_name, &sticks[count])) {
			sticks[count].mounted = is_mounted(&sticks[count]);
			count++;
		}
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	return count;
}

bool stick_counts(const struct stick *sticks, size_t count, size_t which)
{
	for (size_t i = 0; i < count; i++)
		if (i != which && !strcmp(sticks[i].uuid, sticks[which].uuid) &&
			(sticks[i].mounted || (i < which && !sticks[which].mounted)))
			return false;
	return true;
}

int sticks_each(
	int (*visit)(void *opaque, const struct stick *stick, const char *folder), void *opaque)
{
	struct stick sticks[STICKS_MAX];
	int fd = lock(), ret = 0;
	size_t count;

	if (fd < 0)
		return 0;
	count = find(sticks);
	for (size_t i = 0; i < count && !ret; i++) {
		char folder[PATH_SIZE];
		bool there;

		name_folder(&sticks[i], folder);
		if (!stick_counts(sticks, count, i)) {
			ret = visit(opaque, &sticks[i], NULL);
			continue;
		}
		if (mount_stick(&sticks[i], folder, &there))
			continue;
		ret = visit(opaque, &sticks[i], folder);
		if (!there)
			unmount_stick(folder, 0);
	}
	close(fd);
	return ret;
}

void sticks_need(const char *path)
{
	static const char root[] = POSADA_STICKS "/";
	struct stick sticks[STICKS_MAX];
	char folder[PATH_SIZE];
	size_t count, length;
	bool there;
	int fd;

	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return;
	path += sizeof(root) - 1;
	length = strcspn(path, "/");
	fd = lock();
	if (fd < 0)
		return;
	count = find(sticks);
	for (size_t i = 0; i < count; i++) {
		if (strlen(sticks[i].uuid) != length ||
			strncmp(sticks[i].uuid, path, length) != 0 ||
			!stick_counts(sticks, count, i))
			continue;
		name_folder(&sticks[i], folder);
		mount_stick(&sticks[i], folder, &there);
	}
	close(fd);
}

/* --- Tidying ------------------------------------------------------------ */

struct tidy {
	bool (*needed)(void *opaque, const char *folder);
	void *opaque;
};

static bool tidy(void *opaque, const char *numbers, const char *folder)
{
	static const char root[] = POSADA_STICKS "/";
	struct tidy *job = opaque;
	char path[64];

	if (strncmp(folder, root, sizeof(root) - 1) != 0)
		return false;
	snprintf(path, sizeof(path), "/sys/dev/block/%s", numbers);
	if (access(path, F_OK))
		unmount_stick(folder, MNT_DETACH);
	else if (!job->needed(job->opaque, folder))
		unmount_stick(folder, 0);
	return false;
}

void sticks_tidy(bool (*needed)(void *opaque, const char *folder), void *opaque)
{
	struct tidy job = {needed, opaque};
	int fd = lock();

	if (fd < 0)
		return;
	each_mount(tidy, &job);
	close(fd);
}
