/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posada-payload: shows and writes out the payload that the running system carries. */
#include "iso.h"
#include "loader.h"
#include "payload.h"

#include <errno.h>
#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define _(text) gettext(text)

enum { DONE = 0, FAILED = 1, USAGE = 2 };

static int usage(FILE *out, int status)
{
	fputs(_("usage: posada payload sum [--root DIR]            sha256 of each file of the payload\n"
		"       posada payload write TARGET [--root DIR]   write its files into a directory\n"
		"       posada payload archive --root DIR          a cpio of DIR from a list on standard input\n"
		"       posada payload share ISO                   let a CD image show what its initramfs holds\n"
		"       posada payload loader grub|syslinux|entries VERSION MEDIUM DIRECTORY TIMEOUT\n"
		"                                                  a boot loader's configuration\n"
		"\n"
		"The payload (xen.gz, vmlinuz, initramfs.img) is put together from the copy that the\n"
		"running system carries in memory; the medium it came from is not needed.\n"),
		out);
	return status;
}

static int failed(const char *name, const char *why, int ret)
{
	fprintf(stderr, _("posada payload: cannot make %s: %s: %s\n"), name, why ? why : name,
		strerror(-ret));
	return FAILED;
}

static int archive(const char *root)
{
	char *why = NULL;
	int ret = payload_archive(root, stdin, stdout, &why);

	if (ret)
		failed(_("the archive"), why, ret);
	free(why);
	return ret ? FAILED : DONE;
}

static int sum(const char *root)
{
	char *why = NULL;
	int ret = 0;

	for (const char *const *name = payload_names; *name && !ret; name++) {
		char command[64];
		FILE *hash;

		snprintf(command, sizeof(command), "sha256sum | sed 's/-$/%s/'", *name);
		fflush(stdout);
		hash = popen(command, "w");
		if (!hash)
			return failed("sha256sum", NULL, -errno);
		ret = payload_write(root, *name, hash, &why);
		if (pclose(hash) && !ret)
			ret = -EIO;
		if (ret)
			failed(*name, why, ret);
	}
	free(why);
	return ret ? FAILED : DONE;
}

static int write_out(const char *root, const char *target)
{
	char *why = NULL;
	int ret = 0;

	if (mkdir(target, 0755) && errno != EEXIST)
		return failed(target, NULL, -errno);
	for (const char *const *name = payload_names; *name && !ret; name++) {
		char path[4096], part[4096 + 8];
		FILE *out;

		snprintf(path, sizeof(path), "%s/%s", target, *name);
		snprintf(part, sizeof(part), "%s.part", path);
		out = fopen(part, "wbe");
		if (!out)
			return failed(part, NULL, -errno);
		ret = payload_write(root, *name, out, &why);
		if (!ret && fsync(fileno(out)))
			ret = -errno;
		if (fclose(out) && !ret)
			ret = -EIO;
		if (!ret && rename(part, path))
			ret = -errno;
		if (ret) {
			failed(path, why, ret);
			unlink(part);
		}
	}
	free(why);
	return ret ? FAILED : DONE;
}

static int loader(char **argv)
{
	struct loader_place place = {.version = argv[1],
		.medium = argv[2],
		.payload = argv[3],
		.timeout = atoi(argv[4])};
	int ret = loader_write(argv[0], &place, stdout);

	if (ret == -EINVAL)
		return usage(stderr, USAGE);
	return ret ? failed(argv[0], NULL, ret) : DONE;
}

static int share(const char *path)
{
	FILE *file = fopen(path, "r+be");
	char *why = NULL;
	int ret = file ? iso_share(file, &why) : -errno;

	if (file && fclose(file) && !ret)
		ret = -EIO;
	if (ret)
		failed(path, why, ret);
	free(why);
	return ret ? FAILED : DONE;
}

int main(int argc, char **argv)
{
	const char *root = PAYLOAD_ROOT, *verb, *target;

	setlocale(LC_ALL, "");
	textdomain("posada");
	if (argc > 3 && !strcmp(argv[argc - 2], "--root")) {
		root = argv[argc - 1];
		argc -= 2;
	}
	verb = argc > 1 ? argv[1] : "";
	target = argc > 2 ? argv[2] : NULL;
	if (!strcmp(verb, "--help") || !strcmp(verb, "-h"))
		return usage(stdout, DONE);
	if (!strcmp(verb, "sum") && argc == 2)
		return sum(root);
	if (!strcmp(verb, "write") && argc == 3 && target[0] != '-')
		return write_out(root, target);
	if (!strcmp(verb, "loader") && argc == 7)
		return loader(argv + 2);
	if (!strcmp(verb, "share") && argc == 3 && target[0] != '-')
		return share(target);
	if (!strcmp(verb, "archive") && argc == 2)
		return archive(root);
	return usage(stderr, USAGE);
}
