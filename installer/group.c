/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges disks that a volume group shall have, and gives them to it through LVM's own program. */
#include "group.h"

#include <errno.h>
#include <libintl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "place.h"
#include "posada.h"
#include "probe.h"
#include "tool.h"
#include "work.h"

#define _(text) gettext(text)

/* An extent is 4 MiB, and LVM keeps one MiB for itself. */
#define LEAST ((uint64_t)16 << 20)

static int refuse(char why[GROUP_TEXT], int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(char why[GROUP_TEXT], int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, GROUP_TEXT, format, args);
	va_end(args);
	return code;
}

static int refuse_guest(const char *name, const char *guest, char why[GROUP_TEXT])
{
	return refuse(why, -EPERM,
		_("%s is a disk of the guest %s. Take it away from the guest, or delete the guest, first."),
		name, guest);
}

static int check_disk(const struct disk *disk, const struct part *part, char why[GROUP_TEXT])
{
	if (disk->read_only)
		return refuse(why, -EPERM,
			_("%s can only be read. Release its write protection, or choose another disk."),
			disk->name);
	if (disk->failing)
		return refuse(
			why, -EPERM, _("%s reports that it is failing. Replace it."), disk->name);
	if (disk->medium && !part)
		return refuse(why, -EPERM,
			_("%s is what this host was started from. Choose another disk."),
			disk->name);
	if (disk->in_use)
		return refuse(why, -EPERM,
			_("%s is in use (mounted, swap, a guest's, or part of something that is active). Release it, then try again."),
			disk->name);
	if (*disk->adopted)
		return refuse(why, -EPERM,
			_("The system on %s was adopted as the guest %s, and %s would be lost to it. Choose another disk, or delete that guest first."),
			disk->name, disk->adopted, part ? part->name : disk->name);
	return *disk->guest ? refuse_guest(disk->name, disk->guest, why) : 0;
}

static int check_part(const struct part *part, char why[GROUP_TEXT])
{
	if (part->posada)
		return refuse(why, -EPERM,
			_("Posada itself is on %s. Choose another disk, or undo that installation first."),
			part->name);
	if (*part->group)
		return refuse(why, -EPERM,
			_("%s belongs to the volume group %s. Use that group as it is, or take the disk out of it first (vgreduce, vgremove)."),
			part->name, part->group);
	if (*part->guest)
		return refuse_guest(part->name, part->guest, why);
	if (*part->mounted || !strcmp(part->content, "linux_raid_member"))
		return refuse(why, -EPERM, _("%s is in use. Release it, or choose another disk."),
			part->name);
	return 0;
}

/* Everything of the disk that would be lost: the one partition, or all. */
static int check_content(const struct disk *disk, const struct part *only, char why[GROUP_TEXT])
{
	int ret = 0;

	for (size_t i = 0; i < disk->part_count && !ret; i++)
		if (!only || only == &disk->parts[i])
			ret = check_part(&disk->parts[i], why);
	return ret;
}

static const struct disk *find(
	const struct machine *machine, const char *name, const struct part **part)
{
	*part = NULL;
	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct disk *disk = &machine->disks[i];

		if (!strcmp(disk->name, name))
			return disk;
		for (size_t j = 0; j < disk->part_count; j++)
			if (disk->parts[j].number && !strcmp(disk->parts[j].name, name)) {
				*part = &disk->parts[j];
				return disk;
			}
	}
	return NULL;
}

int group_choose(const struct machine *machine, const char *name, struct group_target *target,
	char why[GROUP_TEXT])
{
	const struct part *part;
	const struct disk *disk;
	char clean[64];
	int ret;

	memset(target, 0, sizeof(*target));
	if (!strncmp(name, "/dev/", 5))
		name += 5;
	disk = find(machine, name, &part);
	if (!disk)
		return refuse(why, -ENOENT,
			_("There is no disk or partition \"%s\". \"posada install probe\" lists those there are."),
			posada_text_clean(name, clean, sizeof(clean)));
	ret = check_disk(disk, part, why);
	if (!ret)
		ret = check_content(disk, part, why);
	if (!ret && part && disks_is_container(part))
		ret = refuse(why, -EPERM,
			_("%s is an extended partition, which has other partitions in it. Choose one of those."),
			part->name);
	if (ret)
		return ret;
	snprintf(target->name, sizeof(target->name), "%s", part ? part->name : disk->name);
	memcpy(target->disk, disk->name, sizeof(target->disk));
	memcpy(target->serial, disk->serial, sizeof(target->serial));
	memcpy(target->table_uuid, disk->table_uuid, sizeof(target->table_uuid));
	target->size = part ? part->size : disk->size;
	target->partition = part != NULL;
	if (target->size < LEAST)
		return refuse(why, -EPERM, _("%s is too small for a volume group."), target->name);
	return 0;
}

int group_print(const struct machine *machine, const struct group_target *target, const char *group,
	FILE *out)
{
	const struct part *part;
	const struct disk *disk = find(machine, target->name, &part);
	char size[32];
	size_t known = 0;

	if (!disk)
		return -EIO;
	fprintf(out, _("%s (%s) becomes part of the volume group %s.\n"), target->name,
		posada_size_text(target->size, size, sizeof(size)), group);
	fprintf(out, _("Disk: %s, serial %s, %s\n"), *disk->model ? disk->model : "-",
		*disk->serial ? disk->serial : "-",
		posada_size_text(disk->size, size, sizeof(size)));
	for (size_t i = 0; i < disk->part_count; i++) {
		const struct part *at = &disk->parts[i];

		if (part && at != part)
			continue;
		known++;
		fprintf(out, _("Is lost: %s  %s  %s  %s  %s\n"), at->name,
			posada_size_text(at->size, size, sizeof(size)),
			*at->content ? at->content : "-", at->label, at->system);
	}
	if (!known)
		fputs(_("Nothing that is known is on it.\n"), out);
	for (size_t i = 0; i < machine->disk_count; i++)
		if (&machine->disks[i] != disk)
			fprintf(out, _("Stays as it is: %s (%s)\n"), machine->disks[i].name,
				posada_size_text(machine->disks[i].size, size, sizeof(size)));
	return fflush(out) || ferror(out) ? -EIO : 0;
}

static int see_again(
	const struct machine *machine, const struct group_target *target, char why[GROUP_TEXT])
{
	struct group_target now;
	int ret = group_choose(machine, target->name, &now, why);

	if (ret)
		return ret;
	if (strcmp(now.serial, target->serial) != 0 ||
		strcmp(now.table_uuid, target->table_uuid) != 0 || now.size != target->size ||
		now.partition != target->partition)
		return refuse(why, -ESTALE,
			_("%s is not the disk that was looked at any more. Nothing was written; look again."),
			target->name);
	return 0;
}

int group_check(const struct machine *machine, const char *group, bool extend, char why[GROUP_TEXT])
{
	bool found = disks_find_group(machine, group);

	if (extend && !found)
		return refuse(why, -ENOENT,
			_("No disk has the volume group %s. Nothing was written; connect the disks of that group first."),
			group);
	if (!extend && found)
		return refuse(why, -EEXIST,
			_("There is a volume group %s already. Nothing was written; choose another name, or extend that one (--extend)."),
			group);
	return 0;
}

/* LVM changes no group that lacks a disk. */
static int check_whole(const char *group, char why[GROUP_TEXT])
{
	const char *const words[] = {TOOL_LVM_LOOK, "vgs", "--noheadings", "-o",
		"vg_missing_pv_count", "--", group, NULL};
	char output[64];
	int status = tool_run(words, output, sizeof(output));

	if (tool_was_killed(status))
		return refuse(why, -EBUSY,
			_("LVM does not answer, so it cannot be told whether the volume group %s is whole. Nothing was written; look at the disks of this host, and try again."),
			group);
	if (!status && atoi(output) == 0)
		return 0;
	return refuse(why, -ENODEV,
		_("A disk of the volume group %s is missing. Nothing was written; connect it first."),
		group);
}

int group_take(
	const struct group_target *target, const char *group, bool extend, char why[GROUP_TEXT])
{
	struct machine machine = {0};
	char device[80];
	const char *const wipe[] = {"wipefs", "-q", "-a", device, NULL};
	const char *const words[] = {
		TOOL_LVM_CHANGE, extend ? "vgextend" : "vgcreate", "--yes", group, device, NULL};
	char *what = NULL;
	bool written = false;
	int ret, lock;

	snprintf(device, sizeof(device), "/dev/%s", target->disk);
	/* Nobody installs to it meanwhile. */
	lock = work_lock(device, true);
	if (lock == -EBUSY)
		return refuse(why, lock,
			_("Another program is changing %s. Nothing was written; wait until it is done, then try again."),
			target->disk);
	if (lock < 0)
		return refuse(why, lock, "%s: %s", device, strerror(-lock));
	ret = probe_machine(&machine, "/sys", &what);
	if (ret) {
		refuse(why, ret, "%s: %s", what ? what : "/sys", strerror(-ret));
		goto out;
	}
	ret = see_again(&machine, target, why);
	if (!ret)
		ret = group_check(&machine, group, extend, why);
	if (!ret && extend)
		ret = check_whole(group, why);
	if (ret)
		goto out;
	snprintf(device, sizeof(device), "/dev/%s", target->name);
	written = true;
	/* A partition table is in LVM's way. */
	ret = tool_run(wipe, NULL, 0);
	if (!ret)
		ret = tool_run(words, NULL, 0);
	if (ret)
		ret = refuse(why, ret < 0 ? ret : -EIO,
			_("LVM does not take %s into the group %s. What it says is told by: %s %s %s"),
			target->name, group, tool_name(words), group, device);
out:
	/* udev leaves alone what somebody has locked. */
	close(lock);
	if (written)
		tool_run((const char *const[]){"udevadm", "settle", "--timeout=20", NULL}, NULL, 0);
	free(what);
	disks_free(&machine);
	return ret;
}

static bool holds_place(const struct machine *machine, const struct part *part)
{
	const struct group *group = disks_find_group(machine, part->group);

	if (!strcmp(part->label, PLACE_LABEL) && !strcmp(part->content, "ext4"))
		return true;
	for (size_t i = 0; group && i < group->volume_count; i++)
		if (!strcmp(strrchr(group->volumes[i].name, '/') + 1, PLACE_LABEL))
			return true;
	return false;
}

int group_check_lent(const struct machine *machine, char why[GROUP_TEXT])
{
	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct disk *disk = &machine->disks[i];

		if (disk->medium)
			return refuse(why, -EPERM,
				_("%s is what this host was started from. Choose another disk."),
				disk->name);
		for (size_t j = 0; j < disk->part_count; j++)
			if (holds_place(machine, &disk->parts[j]))
				return refuse(why, -EPERM,
					_("%s holds a data place of Posada, which a guest would overwrite. Choose another disk, or erase it first (wipefs)."),
					disk->parts[j].name);
	}
	return 0;
}
