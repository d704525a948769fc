// SPDX-License-Identifier: GPL-2.0-or-later
// The media library: ISO images, kernels and initrds that guests start from.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "image.h"
#include "internal.h"

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
	case IMAGE_BOOTABLE:
		return POSADA_DISK;
	default:
		return POSADA_OTHER;
	}
}

static int add(struct posada_media *media, const char *name)
{
	struct posada_media_file *items, *item;
	enum image_type type;
	char path[4096];
	off_t size;

	snprintf(path, sizeof(path), "%s/%s", POSADA_MEDIA, name);
	if (image_probe(path, &type, &size))
		return 0;
	items = realloc(media->items, (media->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	media->items = items;
	item = &items[media->count];
	item->name = strdup(name);
	item->path = strdup(path);
	item->type = medium_of(type);
	item->bytes = (uint64_t)size;
	media->count++;
	return item->name && item->path ? 0 : -ENOMEM;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int posada_media_list(struct posada_media *media, struct posada_error *err)
{
	struct dirent **entries;
	int count, i, ret = 0;

	memset(media, 0, sizeof(*media));
	count = scandir(POSADA_MEDIA, &entries, visible, by_name);
	if (count < 0)
		return errno == ENOMEM ? fail_memory(err) : 0;
	for (i = 0; i < count; i++) {
		if (!ret)
			ret = add(media, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
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
	}
	free(media->items);
	memset(media, 0, sizeof(*media));
}
