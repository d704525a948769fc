/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the payload again, bit for bit, from the files a running system carries in memory. */
#include "payload.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const payload_names[] = {"xen.gz", "vmlinuz", "initramfs.img", NULL};

/* One cpio archive being written. */
struct archive {
	FILE *out;
	uint64_t offset;
	unsigned int inode;
};

struct entry {
	char path[PATH_MAX];
	unsigned int mode;
	unsigned int major, minor;
	unsigned int align; /* bytes; where the file's own bytes may begin */
	uint64_t size;
};

static int archive_bytes(struct archive *archive, const void *bytes, size_t size)
{
	if (fwrite(bytes, 1, size, archive->out) != size)
		return errno ? -errno : -EIO;
	archive->offset += size;
	return 0;
}

static int archive_align(struct archive *archive, unsigned int align)
{
	static const char zeros[PAYLOAD_BLOCK];

	return archive_bytes(archive, zeros, -archive->offset & (align - 1));
}

static int archive_header(struct archive *archive, const struct entry *entry)
{
	const char *name = entry->path + (entry->path[0] == '/');
	unsigned int links = S_ISDIR(entry->mode) ? 2 : 1;
	size_t named = strlen(name) + 1;
	char header[111];
	int ret;

	/* What follows a name may begin at a multiple of 4 only: whoever wants more gets a name
	 * that ends in more zeros. */
	if (entry->align > 4)
		named += -(archive->offset + 110 + named) & (entry->align - 1);
	/* magic ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor
	 * namesize check */
	snprintf(header, sizeof(header),
		"070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", archive->inode++,
		entry->mode, 0, 0, links, 0, (unsigned int)entry->size, 0, 0, entry->major,
		entry->minor, (unsigned int)named, 0);
	ret = archive_bytes(archive, header, 110);
	if (!ret)
		ret = archive_bytes(archive, name, strlen(name) + 1);
	if (!ret)
		ret = archive_align(archive, entry->align > 4 ? entry->align : 4);
	return ret;
}

static int archive_file(struct archive *archive, const char *root, struct entry *entry)
{
	char path[2 * PATH_MAX], buffer[65536];
	struct stat status;
	FILE *file;
	size_t got;
	int ret;

	snprintf(path, sizeof(path), "%s/%s", root, entry->path);
	file = fopen(path, "rbe");
	if (!file)
		return -errno;
	if (fstat(fileno(file), &status)) {
		ret = -errno;
		goto out;
	}
	if (!S_ISREG(status.st_mode)) {
		ret = -EINVAL;
		goto out;
	}
	/* The format has 32 bits for a size. */
	if (status.st_size > UINT32_MAX) {
		ret = -EFBIG;
		goto out;
	}
	entry->size = status.st_size;
	ret = archive_header(archive, entry);
	for (uint64_t left = entry->size; !ret && left; left -= got) {
		got = fread(buffer, 1, left < sizeof(buffer) ? left : sizeof(buffer), file);
		ret = got ? archive_bytes(archive, buffer, got) : -EIO;
	}
	if (!ret)
		ret = archive_align(archive, 4);
out:
	fclose(file);
	return ret;
}

static int archive_line(struct archive *archive, const char *root, const char *line, char **why)
{
	struct entry entry = {0};
	char kind[8];
	int fields, ret = -EINVAL;

	fields = sscanf(line, "%7s %4095s %o %u %u", kind, entry.path, &entry.mode, &entry.major,
		&entry.minor);
	if (fields == 3 && !strcmp(kind, "dir")) {
		entry.mode |= S_IFDIR;
		ret = archive_header(archive, &entry);
	} else if (fields == 3 && (!strcmp(kind, "file") || !strcmp(kind, "block"))) {
		entry.mode |= S_IFREG;
		entry.align = kind[0] == 'b' ? PAYLOAD_BLOCK : 4;
		ret = archive_file(archive, root, &entry);
	} else if (fields == 5 && !strcmp(kind, "node")) {
		entry.mode |= S_IFCHR;
		ret = archive_header(archive, &entry);
	}
	if (ret && why)
		*why = strdup(fields >= 2 ? entry.path : line);
	return ret;
}

int payload_archive(const char *root, FILE *contents, FILE *out, char **why)
{
	struct archive archive = {out, 0, 1};
	struct entry trailer = {.path = "TRAILER!!!"};
	char line[PATH_MAX + 64];
	int ret = 0;

	while (!ret && fgets(line, sizeof(line), contents)) {
		line[strcspn(line, "\n")] = 0;
		ret = archive_line(&archive, root, line, why);
	}
	if (!ret && ferror(contents))
		ret = -EIO;
	if (!ret)
		ret = archive_header(&archive, &trailer);
	if (!ret && fflush(out))
		ret = -errno;
	return ret;
}

static int copy(const char *path, FILE *out)
{
	char buffer[65536];
	FILE *file = fopen(path, "rbe");
	int ret = 0;
	size_t got;

	if (!file)
		return -errno;
	while (!ret && (got = fread(buffer, 1, sizeof(buffer), file)))
		if (fwrite(buffer, 1, got, out) != got)
			ret = -EIO;
	if (!ret && (ferror(file) || fflush(out)))
		ret = -EIO;
	fclose(file);
	return ret;
}

int payload_carry(const char head[UPDATE_HEAD], uint64_t size, FILE *out)
{
	struct entry entry = {
		.path = "payload/" UPDATE_NAME, .mode = S_IFREG | 0644, .size = UPDATE_HEAD};
	struct entry trailer = {.path = "TRAILER!!!"};
	struct archive archive = {out, size, 1};
	/* The kernel looks for an archive at a multiple of 4. */
	int ret = archive_align(&archive, 4);

	if (!ret)
		ret = archive_header(&archive, &entry);
	if (!ret)
		ret = archive_bytes(&archive, head, UPDATE_HEAD);
	if (!ret)
		ret = archive_header(&archive, &trailer);
	return !ret && fflush(out) ? -errno : ret;
}

/* A system that was brought up to date by a version that did not know of it carries no head. */
static int carry_own(const char *root, FILE *out, char **why)
{
	static char list[] = "file /payload/" UPDATE_NAME " 0644\n";
	char path[PATH_MAX];
	FILE *contents;
	int ret;

	snprintf(path, sizeof(path), "%s/payload/" UPDATE_NAME, root);
	if (access(path, F_OK))
		return 0;
	contents = fmemopen(list, strlen(list), "r");
	if (!contents)
		return -ENOMEM;
	ret = payload_archive(root, contents, out, why);
	fclose(contents);
	return ret;
}

int payload_write(const char *root, const char *name, FILE *out, char **why)
{
	char path[PATH_MAX];
	FILE *contents;
	int ret;

	if (strcmp(name, "initramfs.img")) {
		snprintf(path, sizeof(path), "%s/payload/%s", root, name);
		ret = strcmp(name, "xen.gz") && strcmp(name, "vmlinuz") ? -ENOENT : copy(path, out);
		if (ret && why)
			*why = strdup(path);
		return ret;
	}
	snprintf(path, sizeof(path), "%s/payload/contents", root);
	contents = fopen(path, "re");
	if (!contents) {
		ret = -errno;
		if (why)
			*why = strdup(path);
		return ret;
	}
	ret = payload_archive(root, contents, out, why);
	fclose(contents);
	return ret ? ret : carry_own(root, out, why);
}

static ssize_t count(void *cookie, const char *bytes, size_t size)
{
	(void)bytes;
	*(uint64_t *)cookie += size;
	return (ssize_t)size;
}

int payload_size(const char *root, uint64_t *bytes, char **why)
{
	FILE *out;
	int ret = 0;

	*bytes = 0;
	out = fopencookie(bytes, "w", (cookie_io_functions_t){.write = count});
	if (!out)
		return -ENOMEM;
	for (const char *const *name = payload_names; *name && !ret; name++)
		ret = payload_write(root, *name, out, why);
	if (fclose(out) && !ret)
		ret = -EIO;
	return ret;
}

void payload_version(char version[64])
{
	FILE *file = fopen("/usr/share/posada/VERSION", "re");

	if (!file || !fgets(version, 64, file))
		strcpy(version, "?\n");
	version[strcspn(version, "\n")] = 0;
	if (file)
		fclose(file);
}
