/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sector 0 that the system beside Posada had, from which a BIOS still starts it. */
#include "origin.h"

#include <errno.h>
#include <libintl.h>
#include <stdlib.h>
#include <string.h>
#include "bootcode.h"
#include "loader.h"
#include "work.h"

#define _(text) gettext(text)

static int begin(struct work *work, const char *disk, const struct part *part,
	const struct apply_options *options, struct plan_step *step)
{
	int ret;

	work_open(work, options);
	snprintf(step->part, sizeof(step->part), "%s", part->name);
	snprintf(step->does, sizeof(step->does),
		_("give the boot menu the partition table of %s as it is now"), disk);
	work->step = step;
	work_device(work, disk, work->device);
	work_choose(work, part->name, "", part->content);
	ret = work_claim_files(work);
	return ret ? ret : work_see_partition(work, part->name, part->start, part->size);
}

static int produce_sector(struct work *work, const void *sector, FILE *out)
{
	(void)work;
	return fwrite(sector, 1, BOOTCODE_SECTOR, out) == BOOTCODE_SECTOR ? 0 : -EIO;
}

/* What the copy should be; -ENOENT: there is none, or what it is is no sector. */
static int make_sector(struct work *work, uint8_t sector[BOOTCODE_SECTOR], bool *changed)
{
	uint8_t kept[BOOTCODE_SECTOR + 1];
	char path[PATH_MAX];
	size_t size;
	FILE *file;
	int ret;

	work_path(work, LOADER_SECTOR, path);
	file = fopen(path, "re");
	if (!file)
		return -ENOENT;
	size = fread(kept, 1, sizeof(kept), file);
	fclose(file);
	if (size != BOOTCODE_SECTOR)
		return -ENOENT;
	ret = raw_read(work->device, sector, BOOTCODE_SECTOR, 0);
	if (ret)
		return work_fail(work, ret, _("sector 0 of %s cannot be read: %s"), work->device,
			strerror(-ret));
	memcpy(sector, kept, BOOTCODE_CODE);
	*changed = memcmp(sector, kept, BOOTCODE_SECTOR) != 0;
	return 0;
}

int origin_refresh(const char *disk, const struct part *part, const struct apply_options *options,
	bool *changed, char why[APPLY_TEXT])
{
	struct work *work = calloc(1, sizeof(*work));
	uint8_t sector[BOOTCODE_SECTOR];
	struct plan_step step = {0};
	int ret;

	*why = '\0';
	*changed = false;
	if (!work)
		return -ENOMEM;
	work->why = why;
	ret = begin(work, disk, part, options, &step);
	if (!ret)
		ret = work_mount(work, true);
	if (!ret)
		ret = make_sector(work, sector, changed);
	ret = work_unmount(work, ret == -ENOENT ? 0 : ret);
	if (!ret && *changed) {
		ret = work_mount(work, false);
		if (!ret)
			ret = work_write_file(work, LOADER_SECTOR, produce_sector, sector);
		ret = work_unmount(work, ret);
	}
	work_close(work);
	return ret;
}
