/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies the files of an EFI system partition. */
#include "esp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "work.h"

#define FALLBACK "/EFI/BOOT/BOOTX64.EFI"
#define OWN_GRUB "/EFI/posada/grubx64.efi"

/* Deeper than any ESP, and less deep than what a broken FAT may pretend. */
#define DEPTH_MAX 16

static int put_all(int in, int out)
{
	char piece[65536];
	ssize_t got;

	while ((got = read(in, piece, sizeof(piece)))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		for (ssize_t put = 0, done = 0; done < got; done += put) {
			put = write(out, piece + done, (size_t)(got - done));
			if (put < 0)
				return -errno;
		}
	}
	return 0;
}

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int out =
		in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int ret = out < 0 ? -errno : put_all(in, out);

	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) && !ret)
		ret = -errno;
	return ret;
}

/* Of the topmost folder and of EFI. */
static bool is_posadas(const char *name, unsigned depth, bool in_efi)
{
	return (depth == 0 || (depth == 1 && in_efi)) && !strcasecmp(name, "posada");
}

static int copy_tree(
	const char *from, const char *to, unsigned depth, bool in_efi, char where[ESP_PATH])
{
	char source[ESP_PATH], target[ESP_PATH];
	DIR *directory = opendir(from);
	const struct dirent *entry;
	struct stat status;
	int ret = directory && depth < DEPTH_MAX ? 0 : -ELOOP;

	snprintf(where, ESP_PATH, "%s", from);
	if (!directory)
		return -errno;
	while (!ret && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			is_posadas(entry->d_name, depth, in_efi))
			continue;
		if (snprintf(source, ESP_PATH, "%s/%s", from, entry->d_name) >= ESP_PATH ||
			snprintf(target, ESP_PATH, "%s/%s", to, entry->d_name) >= ESP_PATH) {
			ret = -ENAMETOOLONG;
			break;
		}
		if (lstat(source, &status))
			ret = -errno;
		else if (S_ISDIR(status.st_mode))
			ret = mkdir(target, 0755) && errno != EEXIST
				      ? -errno
				      : copy_tree(source, target, depth + 1,
						!depth && !strcasecmp(entry->d_name, "EFI"), where);
		else if (S_ISREG(status.st_mode))
			ret = copy_file(source, target);
		if (ret && !S_ISDIR(status.st_mode))
			memcpy(where, source, ESP_PATH);
	}
	closedir(directory);
	return ret;
}

/* The first of two paths below a root; longer ones than fit were refused before. */
static void join(char path[ESP_PATH], const char *root, const char *below)
{
	snprintf(path, ESP_PATH, "%.500s%.500s", root, below);
}

/* A shim starts what lies beside it, and nobody asks a guest's loader for a signature. */
static void choose_loader(char path[ESP_PATH], const char *root, const char *loader)
{
	char folder[ESP_PATH], beside[ESP_PATH];

	join(path, root, loader);
	memcpy(folder, path, sizeof(folder));
	if (strncasecmp(basename(folder), "shim", 4) != 0)
		return;
	memcpy(folder, path, sizeof(folder));
	join(beside, dirname(folder), "/grubx64.efi");
	if (!access(beside, F_OK))
		memcpy(path, beside, ESP_PATH);
}

static int put_fallback(const char *to, const char *loader, char where[ESP_PATH])
{
	static const char *const folders[] = {"/EFI", "/EFI/BOOT"};
	char source[ESP_PATH], target[ESP_PATH];
	int ret;

	for (size_t i = 0; i < 2; i++) {
		join(target, to, folders[i]);
		if (mkdir(target, 0755) && errno != EEXIST)
			return -errno;
	}
	choose_loader(source, to, loader);
	join(target, to, FALLBACK);
	ret = copy_file(source, target);
	if (ret)
		memcpy(where, source, ESP_PATH);
	return ret;
}

int esp_copy(const char *from, const char *to, const char *loader, char where[ESP_PATH])
{
	char fallback[ESP_PATH], ours[ESP_PATH];
	int ret = copy_tree(from, to, 0, false, where);

	if (ret)
		return ret;
	join(fallback, from, FALLBACK);
	join(ours, from, OWN_GRUB);
	if (!access(fallback, F_OK) && !work_same_files(fallback, ours))
		return 0;
	return put_fallback(to, loader, where);
}
