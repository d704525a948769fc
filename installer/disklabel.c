/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes partition tables; the only writer of them, and with the probe the only user of libfdisk.
 */
#include "disklabel.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <linux/blkpg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "raw.h"

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

/* --- A change ----------------------------------------------------------- */

/*
 * A table that is being changed. libfdisk writes both copies of a GPT without a flush between, so
 * that power which goes may leave none that is whole: it gets the disk's ends in a file in memory,
 * and what it has changed there goes onto the disk in order.
 */
struct change {
	const char *device;
	struct fdisk_context *context;
	struct fdisk_table *original; /* what the kernel knows */
	int copy; /* the file in memory; -1: a DOS table, which has one sector */
	struct raw_ends before, after;
};

static int open_copy(struct change *change)
{
	struct fdisk_context *context;
	char path[32];
	uint64_t size =
		fdisk_get_nsectors(change->context) * fdisk_get_sector_size(change->context);
	unsigned sector = (unsigned)fdisk_get_sector_size(change->context);
	int ret = raw_ends_read(change->device, &change->before);

	if (ret)
		return ret;
	change->copy = memfd_create("table", MFD_CLOEXEC);
	if (change->copy < 0 || ftruncate(change->copy, (off_t)size))
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", change->copy);
	if (pwrite(change->copy, change->before.head, RAW_END, 0) != (ssize_t)RAW_END ||
		pwrite(change->copy, change->before.tail, RAW_END, (off_t)(size - RAW_END)) !=
			(ssize_t)RAW_END)
		return -EIO;
	context = fdisk_new_context();
	if (!context)
		return -ENOMEM;
	fdisk_disable_dialogs(context, 1);
	fdisk_save_user_sector_size(context, sector, sector);
	ret = fdisk_assign_device(context, path, 0);
	if (ret) {
		fdisk_unref_context(context);
		return ret;
	}
	close_label(change->context, 0);
	change->context = context;
	/* A table that does not lie in the disk's ends. */
	return fdisk_is_label(context, GPT) ? 0 : -EINVAL;
}

/* *CHANGE is to be ended in any case. */
static int begin(const char *device, struct change **change)
{
	int ret;

	*change = calloc(1, sizeof(**change));
	if (!*change)
		return -ENOMEM;
	(*change)->device = device;
	(*change)->copy = -1;
	ret = open_label(device, false, &(*change)->context);
	if (!ret && !fdisk_has_label((*change)->context))
		ret = -EINVAL;
	if (!ret && fdisk_is_label((*change)->context, GPT))
		ret = open_copy(*change);
	if (!ret)
		ret = fdisk_get_partitions((*change)->context, &(*change)->original);
	return ret;
}

/* Unless RET is an error: the change goes onto the disk. */
static int end(struct change *change, int ret)
{
	char path[32];

	if (!change)
		return ret;
	if (!ret)
		ret = fdisk_write_disklabel(change->context);
	if (!ret && change->copy >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", change->copy);
		ret = raw_ends_read(path, &change->after);
		if (!ret)
			ret = raw_ends_restore(change->device, &change->after, &change->before);
	} else if (!ret && !fdisk_is_regfile(change->context)) {
		/* Only of what differs: other partitions may be in use. */
		ret = fdisk_reread_changes(change->context, change->original);
	}
	if (change->context)
		ret = close_label(change->context, ret);
	if (change->copy >= 0)
		close(change->copy);
	fdisk_unref_table(change->original);
	free(change);
	return ret;
}

/* Tell the kernel of one partition; an image file has no kernel to tell. */
static int tell_kernel(const char *device, int what, const struct disklabel_part *part)
{
	struct blkpg_partition partition = {.pno = (int)part->number,
		.start = (long long)part->start,
		.length = (long long)part->size};
	struct blkpg_ioctl_arg request = {
		.op = what, .datalen = sizeof(partition), .data = &partition};
	int fd = open(device, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, BLKPG, &request) && errno != ENOTTY)
		ret = errno == ENXIO ? -ENOENT : -errno;
	close(fd);
	return ret;
}

/* What will be in a new partition must not look like what was there before it. */
static int wipe(const char *device, uint64_t start, uint64_t size)
{
	int fd = open(device, O_RDWR | O_CLOEXEC), ret = fd < 0 ? -errno : 0;
	blkid_probe probe = ret ? NULL : blkid_new_probe();

	if (!ret && (!probe || blkid_probe_set_device(
				       probe, fd, (blkid_loff_t)start, (blkid_loff_t)size)))
		ret = -ENOMEM;
	if (!ret) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
		blkid_probe_enable_partitions(probe, 1);
		blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC);
		while (!ret && !blkid_do_probe(probe))
			ret = blkid_do_wipe(probe, 0) ? -EIO : 0;
	}
	blkid_free_probe(probe);
	if (!ret && fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

int disklabel_add(const char *device, const struct disklabel_part *part)
{
	struct fdisk_partition *partition = NULL;
	struct change *change;
	size_t number;
	int ret = begin(device, &change);
	bool gpt = !ret && change->copy >= 0;

	if (!ret && part->number && fdisk_is_partition_used(change->context, part->number - 1))
		ret = -EEXIST;
	if (!ret)
		ret = describe(change->context, part, &partition);
	if (!ret)
		ret = fdisk_add_partition(change->context, partition, &number);
	if (!ret)
		ret = wipe(device, part->start, part->size);
	fdisk_unref_partition(partition);
	ret = end(change, ret);
	return !ret && gpt ? tell_kernel(device, BLKPG_ADD_PARTITION, part) : ret;
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
	struct change *change;
	int ret = begin(device, &change);
	bool gpt = !ret && change->copy >= 0;

	if (!ret)
		ret = find(change->context, number, &partition);
	if (!ret && fdisk_partition_get_start(partition) * fdisk_get_sector_size(change->context) !=
			    start)
		ret = -ENOENT;
	if (!ret)
		ret = fdisk_delete_partition(change->context, number - 1);
	fdisk_unref_partition(partition);
	ret = end(change, ret);
	return !ret && gpt ? disklabel_forget(device, number) : ret;
}

int disklabel_retype(
	const char *device, unsigned number, uint64_t start, const struct disklabel_types *types)
{
	struct fdisk_partition *partition = NULL;
	struct fdisk_parttype *type = NULL;
	struct change *change;
	int ret = begin(device, &change);

	if (ret)
		return end(change, ret);
	ret = find(change->context, number, &partition);
	if (!ret && fdisk_partition_get_start(partition) * fdisk_get_sector_size(change->context) !=
			    start)
		ret = -ENOENT;
	if (!ret) {
		type = fdisk_label_parse_parttype(fdisk_get_label(change->context, NULL),
			fdisk_is_label(change->context, GPT) ? types->gpt : types->dos);
		ret = type ? fdisk_set_partition_type(change->context, number - 1, type) : -EINVAL;
	}
	if (!ret && !fdisk_is_label(change->context, GPT) && fdisk_partition_is_bootable(partition))
		ret = fdisk_toggle_partition_flag(change->context, number - 1, DOS_FLAG_ACTIVE);
	fdisk_unref_parttype(type);
	fdisk_unref_partition(partition);
	return end(change, ret);
}

int disklabel_forget(const char *device, unsigned number)
{
	const struct disklabel_part part = {.number = number};

	return tell_kernel(device, BLKPG_DEL_PARTITION, &part);
}

int disklabel_find(
	const char *device, const char *name, uint64_t size, unsigned *number, uint64_t *start)
{
	struct fdisk_context *context;
	int ret = open_label(device, true, &context), found = -ENOENT;

	if (ret)
		return ret;
	for (size_t i = 0; fdisk_is_label(context, GPT) && i < fdisk_get_npartitions(context);
		i++) {
		const uint64_t sector = fdisk_get_sector_size(context);
		struct fdisk_partition *partition = NULL;
		const char *called;

		if (find(context, (unsigned)i + 1, &partition))
			continue;
		called = fdisk_partition_get_name(partition);
		if (called && !strcmp(called, name) &&
			fdisk_partition_get_size(partition) * sector == size) {
			*number = (unsigned)i + 1;
			*start = fdisk_partition_get_start(partition) * sector;
			found = 0;
		}
		fdisk_unref_partition(partition);
	}
	return close_label(context, found);
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
