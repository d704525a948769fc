/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes partition tables; the only writer of them, and with the probe the only user of libfdisk.
 */
#include "disklabel.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <linux/blkpg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_label(const char *device, bool read_only, struct fdisk_context **context)
{
	int ret;

	*context = fdisk_new_context();
	if (!*context)
		return -ENOMEM;
	fdisk_disable_dialogs(*context, 1);
	ret = fdisk_assign_device(*context, device, read_only);
	if (ret) {
		fdisk_unref_context(*context);
		*context = NULL;
	}
	return ret;
}

/* Flushes what was written. */
static int close_label(struct fdisk_context *context, int ret)
{
	int closed = fdisk_deassign_device(context, 0);

	fdisk_unref_context(context);
	return ret ? ret : closed;
}

/* Write, and let the kernel know of what differs from ORIGINAL: other partitions may be in use. */
static int commit(struct fdisk_context *context, struct fdisk_table *original)
{
	int ret = fdisk_write_disklabel(context);

	/* An image file has no kernel to tell. */
	if (!ret && !fdisk_is_regfile(context))
		ret = fdisk_reread_changes(context, original);
	return ret;
}

int disklabel_new(const char *device)
{
	struct fdisk_context *context;
	int ret = open_label(device, false, &context);

	if (ret)
		return ret;
	/* What old signatures remain would be found again by those who look for them. */
	fdisk_enable_wipe(context, 1);
	ret = fdisk_create_disklabel(context, "gpt");
	if (!ret)
		ret = fdisk_write_disklabel(context);
	if (!ret && !fdisk_is_regfile(context))
		ret = fdisk_reread_partition_table(context);
	return close_label(context, ret);
}

static int describe(struct fdisk_context *context, const struct disklabel_part *part,
	struct fdisk_partition **made)
{
	struct fdisk_label *label = fdisk_get_label(context, NULL);
	uint64_t sector = fdisk_get_sector_size(context);
	struct fdisk_parttype *type = NULL;
	struct fdisk_partition *partition = fdisk_new_partition();
	int ret = -EINVAL;

	*made = NULL;
	if (!partition)
		return -ENOMEM;
	if (part->number && part->start % sector == 0 && part->size % sector == 0)
		type = fdisk_label_parse_parttype(label, part->type);
	if (!type)
		goto out;
	ret = fdisk_partition_set_type(partition, type);
	if (!ret)
		ret = fdisk_partition_set_partno(partition, part->number - 1);
	if (!ret)
		ret = fdisk_partition_set_start(partition, part->start / sector);
	if (!ret)
		ret = fdisk_partition_set_size(partition, part->size / sector);
	if (!ret && part->name && fdisk_is_label(context, GPT))
		ret = fdisk_partition_set_name(partition, part->name);
	/* Neither is to be rounded. */
	fdisk_partition_size_explicit(partition, 1);
	fdisk_disable_dialogs(context, 1);
out:
	fdisk_unref_parttype(type);
	if (ret)
		fdisk_unref_partition(partition);
	else
		*made = partition;
	return ret;
}

/* A partition's content must not look like what was there before it. */
static int wipe(struct fdisk_context *context, struct fdisk_partition *partition)
{
	return fdisk_wipe_partition(context, fdisk_partition_get_partno(partition), 1);
}

int disklabel_add(const char *device, const struct disklabel_part *part)
{
	struct fdisk_partition *partition = NULL;
	struct fdisk_table *original = NULL;
	struct fdisk_context *context;
	size_t number;
	int ret = open_label(device, false, &context);

	if (ret)
		return ret;
	if (!fdisk_has_label(context)) {
		ret = -EINVAL;
		goto out;
	}
	ret = fdisk_get_partitions(context, &original);
	if (!ret && part->number && fdisk_is_partition_used(context, part->number - 1))
		ret = -EEXIST;
	if (!ret)
		ret = describe(context, part, &partition);
	if (!ret)
		ret = fdisk_add_partition(context, partition, &number);
	if (!ret)
		ret = wipe(context, partition);
	if (!ret)
		ret = commit(context, original);
out:
	fdisk_unref_partition(partition);
	fdisk_unref_table(original);
	return close_label(context, ret);
}

/* The partition with that number, or an error. */
static int find(struct fdisk_context *context, unsigned number, struct fdisk_partition **partition)
{
	*partition = NULL;
	if (!number || !fdisk_has_label(context) || !fdisk_is_partition_used(context, number - 1))
		return -ENOENT;
	return fdisk_get_partition(context, number - 1, partition);
}

int disklabel_remove(const char *device, unsigned number, uint64_t start)
{
	struct fdisk_partition *partition = NULL;
	struct fdisk_table *original = NULL;
	struct fdisk_context *context;
	int ret = open_label(device, false, &context);

	if (ret)
		return ret;
	ret = find(context, number, &partition);
	if (!ret && fdisk_partition_get_start(partition) * fdisk_get_sector_size(context) != start)
		ret = -ENOENT;
	if (!ret)
		ret = fdisk_get_partitions(context, &original);
	if (!ret)
		ret = fdisk_delete_partition(context, number - 1);
	if (!ret)
		ret = commit(context, original);
	fdisk_unref_partition(partition);
	fdisk_unref_table(original);
	return close_label(context, ret);
}

int disklabel_forget(const char *device, unsigned number)
{
	struct blkpg_partition partition = {.pno = (int)number};
	struct blkpg_ioctl_arg request = {
		.op = BLKPG_DEL_PARTITION, .datalen = sizeof(partition), .data = &partition};
	int fd = open(device, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	/* An image file has no kernel to tell. */
	if (ioctl(fd, BLKPG, &request) && errno != ENOTTY)
		ret = errno == ENXIO ? -ENOENT : -errno;
	close(fd);
	return ret;
}

int disklabel_identify(const char *device, unsigned number, struct disklabel_identity *identity)
{
	struct fdisk_partition *partition = NULL;
	struct fdisk_context *context;
	char *disk = NULL;
	int ret = open_label(device, true, &context);

	if (ret)
		return ret;
	ret = find(context, number, &partition);
	if (ret)
		goto out;
	identity->gpt = fdisk_is_label(context, GPT);
	if (identity->gpt) {
		const char *uuid = fdisk_partition_get_uuid(partition);

		snprintf(identity->text, sizeof(identity->text), "%s", uuid ? uuid : "");
	} else {
		ret = fdisk_get_disklabel_id(context, &disk);
		/* "0x" comes first. */
		if (!ret)
			snprintf(identity->text, sizeof(identity->text), "%s",
				strlen(disk) > 2 ? disk + 2 : "");
	}
	for (char *at = identity->text; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at | 0x20);
out:
	free(disk);
	fdisk_unref_partition(partition);
	return close_label(context, ret);
}
