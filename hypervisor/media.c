// SPDX-License-Identifier: GPL-2.0-or-later
// The media library: ISO images, kernels and initrds that guests start from.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "image.h"
#include "internal.h"
#include "iso9660.h"
#include "media.h"
#include "sticks.h"

const char *posada_medium_name(enum posada_medium type)
{
	static const char *const names[] = {
		[POSADA_ISO] = N_("iso"),
		[POSADA_KERNEL] = N_("kernel"),
		[POSADA_INITRD] = N_("initrd"),
		[POSADA_DISK] = N_("disk"),
		[POSADA_OTHER] = N_("other"),
	};

	return names[type];
}

static enum posada_medium medium_of(enum image_type type)
{
	switch (type) {
	case IMAGE_BZIMAGE:
	case IMAGE_ELF:
	case IMAGE_ELF_GZIP:
		return POSADA_KERNEL;
	case IMAGE_ISO:
		return POSADA_ISO;
	case IMAGE_CPIO:
		return POSADA_INITRD;
	case IMAGE_QCOW2:
	case IMAGE_QCOW2_LINKED:
	case IMAGE_BOOTABLE:
		return POSADA_DISK;
	default:
		return POSADA_OTHER;
	}
}

/* --- One file ----------------------------------------------------------- */

bool media_name_is_legal(const char *name)
{
	char clean[256];

	return *name && *name != '.' && !strchr(name, '/') && strlen(name) < sizeof(clean) - 16 &&
	       !strcmp(posada_text_clean(name, clean, sizeof(clean)), name);
}

static void look_at_iso(const char *path, struct posada_media_file *file)
{
	struct iso_about about;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	iso_look_fd(fd, &about);
	close(fd);
	file->bios = about.bios;
	file->uefi = about.uefi;
	file->wanted_bytes = about.bytes;
	if (about.bytes > file->bytes)
		file->fault = POSADA_CUT_OFF;
	else if (!about.bios && !about.uefi)
		file->fault = POSADA_UNBOOTABLE;
}

static int look(const char *path, struct posada_media_file *file)
{
	enum image_type type;
	off_t size;
	int ret = image_probe(path, &type, &size);

	memset(file, 0, sizeof(*file));
	if (ret)
		return ret;
	file->type = medium_of(type);
	file->bytes = (uint64_t)size;
	if (type == IMAGE_ISO)
		look_at_iso(path, file);
	return 0;
}

int posada_media_look(const char *path, struct posada_media_file *file, struct posada_error *err)
{
	char clean[256];
	int ret;

	sticks_need(path);
	ret = look(path, file);
	if (!ret)
		return 0;
	return fail(err, ret, _("%s cannot be read: %s. Correct the path."),
		posada_text_clean(path, clean, sizeof(clean)), strerror(-ret));
}

const char *posada_fault_text(const struct posada_media_file *file, char *buf, size_t size)
{
	char want[32], have[32];

	switch (file->fault) {
	case POSADA_CUT_OFF:
		snprintf(buf, size, _("It is cut off: it has %s of %s. Copy or download it again."),
			posada_size_text(file->bytes, have, sizeof(have)),
			posada_size_text(file->wanted_bytes, want, sizeof(want)));
		return buf;
	case POSADA_UNBOOTABLE:
		snprintf(buf, size, "%s",
			_("No guest can start from it: it has no boot loader for CDs."));
		return buf;
	default:
		return NULL;
	}
}

/* --- All of them -------------------------------------------------------- */

static int add(struct posada_media *media, const char *path, const char *name, const char *source)
{
	struct posada_media_file *items, *item;

	items = realloc(media->items, (media->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	media->items = items;
	item = &items[media->count];
	/* What cannot be read, or went away meanwhile, is not there. */
	if (look(path, item))
		return 0;
	item->name = strdup(name);
	item->path = strdup(path);
	item->source = source ? strdup(source) : NULL;
	media->count++;
	return item->name && item->path && (item->source || !source) ? 0 : -ENOMEM;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_called_iso(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcasecmp(name + len - 4, ".iso");
}

static int scan(struct posada_media *media, const char *folder, const char *source, bool only_iso,
	unsigned depth)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, visible, by_name);
	char path[4096];
	struct stat st;
	int ret = 0, i;

	if (count < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

		if (!ret && len < (int)sizeof(path) && !lstat(path, &st)) {
			if (S_ISDIR(st.st_mode) && depth)
				ret = scan(media, path, source, only_iso, depth - 1);
			else if (S_ISREG(st.st_mode) && (!only_iso || is_called_iso(name)))
				ret = add(media, path, name, source);
		}
		free(entries[i]);
	}
	free(entries);
	return ret;
}

int media_scan(struct posada_media *media, const char *folder, const char *source, bool only_iso)
{
	return scan(media, folder, source, only_iso, only_iso ? 1 : 0);
}

int posada_media_list(struct posada_media *media, struct posada_error *err)
{
	int ret;

	memset(media, 0, sizeof(*media));
	ret = media_scan(media, POSADA_MEDIA, NULL, false);
	if (!ret) {
		media_sums_fill(POSADA_MEDIA, media);
		ret = media_scan_sticks(media);
	}
	if (!ret)
		return 0;
	posada_media_free(media);
	return fail_memory(err);
}

void posada_media_free(struct posada_media *media)
{
	size_t i;

	for (i = 0; i < media->count; i++) {
		free(media->items[i].name);
		free(media->items[i].path);
		free(media->items[i].source);
	}
	free(media->items);
	memset(media, 0, sizeof(*media));
}
