// SPDX-License-Identifier: GPL-2.0-or-later
// What a file is: a kernel, an ISO image, a disk, told by its first bytes.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include "image.h"

#define ASK_TRIES 3

static bool has(const unsigned char *head, size_t len, size_t at, const void *magic, size_t size)
{
	return len >= size && at <= len - size && !memcmp(head + at, magic, size);
}

/* Unpacks just enough of a gzip file (RFC 1952) to see what is in it. */
static size_t gunzip_start(const unsigned char *head, size_t len, unsigned char *out, size_t size)
{
	z_stream stream = {
		.next_in = (unsigned char *)head,
		.avail_in = (unsigned)len,
		.next_out = out,
		.avail_out = (unsigned)size,
	};

	if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
		return 0;
	inflate(&stream, Z_SYNC_FLUSH);
	inflateEnd(&stream);
	return size - stream.avail_out;
}

/* QEMU opens what the head names, with QEMU's rights: an offset at 8 for the name of a file behind
 * it, and from version 3 on, bit 2 of the features at 72 for one that has the data. */
static enum image_type type_of_qcow2(const unsigned char *head, size_t len)
{
	static const unsigned char none[8] = {0};

	if (len >= 16 && memcmp(head + 8, none, sizeof(none)) != 0)
		return IMAGE_QCOW2_LINKED;
	return len >= 80 && head[7] >= 3 && head[79] & 4 ? IMAGE_QCOW2_LINKED : IMAGE_QCOW2;
}

enum image_type image_type_of(const unsigned char *head, size_t len)
{
	static const struct {
		size_t at, size;
		const char *magic;
		enum image_type type;
	} magics[] = {
		{0x202, 4, "HdrS", IMAGE_BZIMAGE},
		{0, 4, "\177ELF", IMAGE_ELF},
		{32769, 5, "CD001", IMAGE_ISO},
		{0, 4, "QFI\xfb", IMAGE_QCOW2},
		{0, 6, "070701", IMAGE_CPIO},
		{0, 6, "070702", IMAGE_CPIO},
		{0, 6,
			"\xfd"
			"7zXZ\0",
			IMAGE_CPIO},
		{0, 4, "\x28\xb5\x2f\xfd", IMAGE_CPIO},
		{0, 4, "\x02\x21\x4c\x18", IMAGE_CPIO},
		{0, 3, "BZh", IMAGE_CPIO},
		{0, 3, "\x5d\0", IMAGE_CPIO},
		{0, 4, "KDMV", IMAGE_FOREIGN},
		{0, 4, "COWD", IMAGE_FOREIGN},
		{0, 21, "# Disk DescriptorFile", IMAGE_FOREIGN},
		{0, 8, "vhdxfile", IMAGE_FOREIGN},
		{0, 8, "conectix", IMAGE_FOREIGN},
		{0, 4, "QED", IMAGE_FOREIGN},
		{0x40, 4, "\x7f\x10\xda\xbe", IMAGE_FOREIGN},
		{510, 2, "\x55\xaa", IMAGE_BOOTABLE},
	};
	size_t i;

	if (has(head, len, 0, "\x1f\x8b\x08", 3)) {
		unsigned char start[6] = {0};
		size_t got = gunzip_start(head, len, start, sizeof(start));

		if (has(start, got, 0, "\177ELF", 4))
			return IMAGE_ELF_GZIP;
		if (has(start, got, 0, "07070", 5))
			return IMAGE_CPIO;
		return IMAGE_PACKED;
	}
	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (has(head, len, magics[i].at, magics[i].magic, magics[i].size))
			return magics[i].type == IMAGE_QCOW2 ? type_of_qcow2(head, len)
							     : magics[i].type;
	return IMAGE_UNKNOWN;
}

int image_probe(const char *path, enum image_type *type, off_t *size)
{
	unsigned char *head = NULL;
	struct stat st;
	size_t len = 0;
	int ret = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		ret = -errno;
		goto out;
	}
	if (S_ISDIR(st.st_mode) || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))) {
		ret = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
		goto out;
	}
	head = malloc(IMAGE_HEAD);
	if (!head) {
		ret = -ENOMEM;
		goto out;
	}
	while (len < IMAGE_HEAD) {
		ssize_t got = read(fd, head + len, IMAGE_HEAD - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			ret = -errno;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	*type = image_type_of(head, len);
	*size = S_ISBLK(st.st_mode) ? lseek(fd, 0, SEEK_END) : st.st_size;
out:
	free(head);
	close(fd);
	return ret;
}

bool image_is_block(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode);
}

/* The first name of a disk in a folder, or NULL. */
static char *name_in(const char *folder, dev_t disk)
{
	DIR *names = opendir(folder);
	char path[PATH_MAX], *first = NULL;
	struct dirent *entry;
	struct stat st;

	while (names && (entry = readdir(names))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &st) || !S_ISBLK(st.st_mode) || st.st_rdev != disk ||
			(first && strcmp(first, path) < 0))
			continue;
		free(first);
		first = strdup(path);
	}
	if (names)
		closedir(names);
	return first;
}

/* Is it a link to a disk that is made anew at every start, and not by the kernel's numbers? */
static bool lasts(const char *path)
{
	struct stat st;

	return !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/block/", 11) != 0 &&
	       !strstr(path, "/../") && !lstat(path, &st) && S_ISLNK(st.st_mode);
}

char *image_path(const char *path)
{
	static const char *const folders[] = {
		"/dev/mapper", "/dev/disk/by-id", "/dev/disk/by-path"};
	char *real = realpath(path, NULL), *name = NULL;
	struct stat st;
	size_t i;

	if (!real || stat(real, &st) || !S_ISBLK(st.st_mode))
		return real;
	if (lasts(path))
		name = strdup(path);
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]) && !name; i++)
		name = name_in(folders[i], st.st_rdev);
	if (!name)
		return real;
	free(real);
	return name;
}

/* Who asks about a file on a server that is silent waits; files there have one name. */
static bool can_be_asked(const char *path)
{
	return *path == '/' && strncmp(path, POSADA_POOLS "/", strlen(POSADA_POOLS "/")) != 0;
}

bool image_is_same(const char *one, const char *other)
{
	struct stat a, b;

	if (!strcmp(one, other))
		return true;
	if (!can_be_asked(one) || !can_be_asked(other) || stat(one, &a) || stat(other, &b))
		return false;
	if (S_ISBLK(a.st_mode) && S_ISBLK(b.st_mode))
		return a.st_rdev == b.st_rdev;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A partition's disk; nothing for what is no partition. */
static dev_t disk_of(dev_t partition)
{
	char path[64];
	unsigned upper = 0, lower = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(partition),
		minor(partition));
	if (access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(partition),
		minor(partition));
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%u:%u", &upper, &lower) != 2)
		upper = lower = 0;
	fclose(file);
	return makedev(upper, lower);
}

bool image_overlaps(const char *one, const char *other)
{
	struct stat a, b;

	if (image_is_same(one, other))
		return true;
	if (!can_be_asked(one) || !can_be_asked(other) || stat(one, &a) || stat(other, &b) ||
		!S_ISBLK(a.st_mode) || !S_ISBLK(b.st_mode))
		return false;
	return disk_of(a.st_rdev) == b.st_rdev || disk_of(b.st_rdev) == a.st_rdev;
}

bool image_is_taken(const char *path)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	bool taken = image_is_block(path);

	/* Linux lets nobody have it exclusively whose whole or part is in use. Another who asks
	 * the same has it for a moment. */
	for (int i = 0; taken && i < ASK_TRIES; i++) {
		int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);

		taken = fd < 0 && errno == EBUSY;
		if (fd >= 0)
			close(fd);
		if (taken)
			nanosleep(&pause, NULL);
	}
	return taken;
}

bool image_is_kernel(enum image_type type, enum posada_kind kind)
{
	switch (type) {
	case IMAGE_BZIMAGE:
	case IMAGE_ELF:
		return true;
	case IMAGE_ELF_GZIP:
		return kind == POSADA_PV;
	default:
		return false;
	}
}
