/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes an installation back: after a failure, or by the record that it holds. */
#include "work.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <libintl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bootcode.h"
#include "disklabel.h"
#include "efi.h"
#include "folder.h"
#include "tool.h"

#define _(text) gettext(text)

/* --- Files -------------------------------------------------------------- */

static int remove_tree(const char *path);

/* Everything in a directory but the name KEPT. */
static int remove_below(const char *path, const char *kept)
{
	const struct dirent *entry;
	char below[PATH_MAX];
	DIR *dir = opendir(path);
	int ret = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!ret && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			(kept && !strcmp(entry->d_name, kept)))
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			(int)sizeof(below))
			ret = -ENAMETOOLONG;
		else if (unlink(below))
			ret = errno == EISDIR || errno == EPERM ? remove_tree(below) : -errno;
	}
	closedir(dir);
	return ret;
}

static int remove_tree(const char *path)
{
	int ret = remove_below(path, NULL);

	return !ret && rmdir(path) && errno != ENOENT ? -errno : ret;
}

/* Firmware must find a loader whole or not at all: its name goes before its bytes do. */
static int remove_loader(const struct work *work, const char *path)
{
	char away[PATH_MAX];
	int ret;

	snprintf(away, sizeof(away), "%.*s.new", (int)sizeof(away) - 5, path);
	if (rename(path, away))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	ret = work_sync(work);
	return !ret && unlink(away) ? -errno : ret;
}

/* EFI/BOOT, if we have made it. */
static int remove_folder(struct work *work, bool made, bool *exact)
{
	char path[PATH_MAX];

	work_path(work, WORK_BOOT_FOLDER, path);
	if (made && rmdir(path) && errno != ENOENT)
		*exact = false;
	return 0;
}

/* The path that firmware takes on its own, if it is still ours. */
static int remove_fallback(struct work *work, bool folder, bool *exact)
{
	char path[PATH_MAX], ours[PATH_MAX];
	int ret;

	work_path(work, WORK_FALLBACK, path);
	snprintf(ours, sizeof(ours), "%.*s.new", (int)sizeof(ours) - 5, path);
	/* One that was being written when the power went. */
	unlink(ours);
	work_path(work, WORK_EFI_GRUB, ours);
	if (access(path, F_OK))
		return remove_folder(work, folder, exact);
	if (!work_same_files(path, ours)) {
		*exact = false;
		return 0;
	}
	ret = remove_loader(work, path);
	return ret ? ret : remove_folder(work, folder, exact);
}

/*
 * Our folders in a file system that is not ours. What undo reads goes when all else is gone, so
 * that it can be done again after a power cut.
 */
static int remove_files(struct work *work)
{
	char path[PATH_MAX];
	int ret;

	/* The loader first: while it is there, so is all that it starts. */
	work_path(work, WORK_EFI_GRUB, path);
	ret = remove_loader(work, path);
	if (!ret)
		ret = work_sync(work);
	work_path(work, WORK_EFI_FOLDER, path);
	if (!ret)
		ret = remove_tree(path);
	work_path(work, WORK_FOLDER, path);
	if (!ret)
		ret = remove_below(path, WORK_UNDO_NAME);
	if (!ret)
		ret = work_sync(work);
	work_path(work, WORK_FOLDER, path);
	if (!ret)
		ret = remove_tree(path);
	return ret;
}

/* All of ours on a file system of others. */
static int leave_target(struct work *work, bool fallback, bool folder, bool *exact)
{
	int ret = work_mount(work, false);

	if (!ret && fallback)
		ret = remove_fallback(work, folder, exact);
	/* What tells our loader from another's is not to go before it. */
	if (!ret && fallback)
		ret = work_sync(work);
	if (!ret)
		ret = remove_files(work);
	if (ret)
		work_fail(work, ret, _("Posada's files on %s cannot be removed: %s"),
			work->partition, strerror(-ret));
	return work_unmount(work, ret);
}

/* The volume that we made, with all that is in it. */
static int remove_volume(struct work *work)
{
	const char *const words[] = {TOOL_LVM_CHANGE, "lvremove", "--yes", work->volume, NULL};

	return work_run(work, words, 0);
}

/* --- The disk ----------------------------------------------------------- */

/* The boot code as it was, if what is there loads our core. */
static int restore_code(struct work *work, bool *exact)
{
	uint8_t sector[BOOTCODE_SECTOR];
	int ret = raw_read(work->device, sector, sizeof(sector), 0);

	if (ret)
		return work_fail(work, ret, _("sector 0 of %s cannot be read: %s"), work->device,
			strerror(-ret));
	/* It was never switched, or is back already. */
	if (!memcmp(sector, work->before.head, BOOTCODE_CODE))
		return 0;
	if (memcmp(sector, work->after.head, BOOTCODE_CODE) != 0 &&
		bootcode_loads(sector) != bootcode_loads(work->after.head)) {
		*exact = false;
		return 0;
	}
	memcpy(sector, work->before.head, BOOTCODE_CODE);
	return work_write(work, sector, sizeof(sector), 0);
}

/* The core image's sectors in front of the first partition, where they still are what we wrote,
 * become zero as they were. */
static int clear_core(struct work *work, uint64_t at, bool *exact)
{
	size_t size = (work->core_size + BOOTCODE_SECTOR - 1) / BOOTCODE_SECTOR * BOOTCODE_SECTOR;
	uint8_t *now = malloc(size), *zero = calloc(1, size), *ours = calloc(1, size);
	size_t begin = 0;
	int ret = now && zero && ours ? raw_read(work->device, now, size, at) : -ENOMEM;

	if (ret)
		work_fail(work, ret, _("%s cannot be read: %s"), work->device, strerror(-ret));
	else
		memcpy(ours, work->core, work->core_size);
	for (size_t i = 0; !ret && i < size; i += BOOTCODE_SECTOR) {
		bool is_ours = !memcmp(now + i, ours + i, BOOTCODE_SECTOR);

		if (!is_ours && memcmp(now + i, zero, BOOTCODE_SECTOR) != 0)
			*exact = false;
		/* One write for each run of them. */
		if (is_ours && i + BOOTCODE_SECTOR < size)
			continue;
		if (is_ours)
			i += BOOTCODE_SECTOR;
		if (i > begin)
			ret = work_write(work, zero, i - begin, at + begin);
		begin = i + BOOTCODE_SECTOR;
	}
	free(now);
	free(zero);
	free(ours);
	return ret;
}

/* --- The copy of the record --------------------------------------------- */

void work_choose_copy(struct work *work, const char *serial, uint64_t size, const char *table_uuid,
	const struct part *part)
{
	struct disklabel_identity identity = {0};
	char name[NAME_MAX];

	*work->copy = '\0';
	if (!work->places.records ||
		(part->number && disklabel_identify(work->device, part->number, &identity)))
		return;
	if (part->number)
		snprintf(name, sizeof(name), "%s-%" PRIu64 "-%s-%s-%" PRIu64 "-%" PRIu64, serial,
			size, table_uuid, identity.text, part->start, part->size);
	else
		snprintf(name, sizeof(name), "%s-%" PRIu64 "-%s-%s", serial, size, table_uuid,
			part->name);
	for (char *at = name; *at; at++)
		if (!strchr("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", *at))
			*at = '_';
	if (snprintf(work->copy, sizeof(work->copy), "%s/%s", work->places.records, name) >=
		(int)sizeof(work->copy))
		*work->copy = '\0';
}

void work_drop_copy(const struct work *work)
{
	if (!*work->copy || access(work->copy, F_OK))
		return;
	remove_tree(work->copy);
	folder_sync(work->copy);
}

/* What others have put into a partition of ours is theirs. */
static bool is_others(const struct part *part)
{
	return *part->content &&
	       (strcmp(part->content, "vfat") != 0 || strcmp(part->label, WORK_LABEL) != 0);
}

/* The copy in place of the record, if it is whole and what it tells of is still there. */
static int read_copy(struct work *work, const struct part *part, struct record *record)
{
	struct work *copy = calloc(1, sizeof(*copy));
	struct record found = {0};
	char why[APPLY_TEXT] = "";
	int ret;

	if (!copy)
		return -ENOMEM;
	copy->why = why;
	work_open(copy, work->options);
	memcpy(copy->mount, work->copy, sizeof(copy->mount));
	ret = *copy->mount ? work_read_record(copy, &found) : -ENOENT;
	if (!ret && (!found.summed || (found.partition && is_others(part))))
		ret = -EINVAL;
	if (!ret) {
		*record = found;
		work->before = copy->before;
		work->after = copy->after;
		free(work->core);
		work->core = copy->core;
		work->core_size = copy->core_size;
		copy->core = NULL;
	}
	work_close(copy);
	return ret;
}

static int remove_entry(struct work *work)
{
	int ret = efi_remove(work->places.variables, work->option, work->option_size);

	return ret ? work_fail(work, ret, _("the firmware's boot entry cannot be removed: %s"),
			     strerror(-ret))
		   : 0;
}

/* Whether each sector from AT on is one of the two: power that went has left a mixture. */
static bool is_mixture(const uint8_t *now, const uint8_t *before, const uint8_t *after, size_t at)
{
	for (size_t end = BOOTCODE_SECTOR; end <= RAW_END; at = end, end += BOOTCODE_SECTOR)
		if (memcmp(now + at, before + at, end - at) != 0 &&
			memcmp(now + at, after + at, end - at) != 0)
			return false;
	return true;
}

/*
 * The table as it was, to the byte when nobody has changed it since, else without our partition.
 * What the installation left is not KNOWN when it was broken off before its record.
 */
static int restore_table(struct work *work, unsigned number, uint64_t start, const char *name,
	bool known, bool *exact)
{
	struct raw_ends *now = malloc(sizeof(*now));
	int ret = now ? work_read_ends(work, now) : -ENOMEM;
	uint64_t at;

	/* The boot code has been given back by now. */
	if (!ret && known &&
		(!is_mixture(now->head, work->before.head, work->after.head, BOOTCODE_CODE) ||
			memcmp(now->head, work->before.head, BOOTCODE_CODE) != 0 ||
			!is_mixture(now->tail, work->before.tail, work->after.tail, 0)))
		*exact = false;
	if (!ret && known && *exact) {
		ret = raw_ends_restore(work->device, &work->before, &work->after);
		if (ret)
			work_fail(work, ret, _("the ends of %s cannot be written: %s"),
				work->device, strerror(-ret));
		else
			ret = disklabel_forget(work->device, number);
	} else if (!ret) {
		ret = disklabel_remove(work->device, number, start);
	}
	/* One that is not there need not go; one that the kernel keeps is told of below. */
	if (ret == -ENOENT || ret == -EBUSY)
		ret = 0;
	if (ret)
		work_fail(work, ret, _("the partition %u of %s cannot be removed: %s"), number,
			work->device, strerror(-ret));
	else
		ret = work_read_ends(work, now);
	if (!ret && memcmp(now, &work->before, sizeof(*now)) != 0)
		*exact = false;
	/* What has its number may be another by now. */
	if (!ret && work->block && !work_kernel_number(name, "start", &at) && at == start)
		ret = work_fail(work, -EBUSY,
			_("the partition %s is out of the table, but the kernel still uses it; restart the machine"),
			name);
	free(now);
	return ret;
}

/* --- After a failure ---------------------------------------------------- */

int work_take_back(struct work *work)
{
	bool exact = true;
	int ret = 0;

	if (work->nvram_made)
		ret = remove_entry(work);
	if (!ret && work->sector0_made)
		ret = restore_code(work, &exact);
	if (!ret && work->core_made)
		ret = clear_core(work, plan_find(work->plan, PLAN_CORE)->start, &exact);
	if (!ret && work->volume_made)
		ret = remove_volume(work);
	else if (!ret && work->files_made && !plan_find(work->plan, PLAN_FORMAT))
		ret = leave_target(work, work->fallback_made, work->boot_folder_made, &exact);
	if (!ret && work->part_made) {
		/* The disk is ours alone for now: what it holds is what we wrote. */
		ret = work_read_ends(work, &work->after);
		if (!ret)
			ret = restore_table(work, work->part_made->number, work->part_made->start,
				work->part_made->part, true, &exact);
		if (!ret && work->part_made->role == PLAN_BOOT)
			ret = work_drop_mark(work, work->part_made->start, work->part_made->size);
	}
	if (!ret)
		work_drop_copy(work);
	return ret;
}

/* --- By the record ------------------------------------------------------ */

static int read_end(struct work *work, const char *name, uint8_t end[RAW_END])
{
	char path[PATH_MAX];

	work_path(work, name, path);
	return raw_read(path, end, RAW_END, 0);
}

static int read_core(struct work *work)
{
	char path[PATH_MAX];
	struct stat status;

	work_path(work, WORK_CORE, path);
	if (stat(path, &status))
		return -errno;
	if (!status.st_size || status.st_size > (off_t)PLAN_CORE_MOST)
		return -EINVAL;
	work->core_size = (size_t)status.st_size;
	work->core = malloc(work->core_size);
	return work->core ? raw_read(path, work->core, work->core_size, 0) : -ENOMEM;
}

uint64_t work_sum_record(const struct work *work, uint64_t lines)
{
	uint64_t sum = raw_sum(&work->before, sizeof(work->before), lines);

	sum = raw_sum(&work->after, sizeof(work->after), sum);
	return work->core ? raw_sum(work->core, work->core_size, sum) : sum;
}

int work_read_record(struct work *work, struct record *record)
{
	const struct {
		const char *line;
		bool *flag;
	} lines[] = {{"partition=1\n", &record->partition}, {"sector0=1\n", &record->sector0},
		{"nvram=1\n", &record->nvram}, {"fallback=1\n", &record->fallback},
		{"boot_folder=1\n", &record->boot_folder}};
	uint64_t sum = RAW_SUM, told = 0;
	char path[PATH_MAX], line[128];
	bool whole_disk = false;
	FILE *file;
	int ret;

	work_path(work, WORK_UNDO "/record", path);
	file = fopen(path, "re");
	ret = file ? 0 : -errno;
	while (!ret && fgets(line, sizeof(line), file)) {
		/* It comes last. */
		record->summed = sscanf(line, "sum=%" SCNx64, &told) == 1;
		if (record->summed)
			break;
		sum = raw_sum(line, strlen(line), sum);
		if (!strncmp(line, "layout=", 7) && strcmp(line, "layout=alongside\n") != 0)
			whole_disk = true;
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			if (!strcmp(line, lines[i].line))
				*lines[i].flag = true;
		sscanf(line, "core=%" SCNu64, &record->core);
		sscanf(line, "core_partition=%u %" SCNu64, &record->core_number,
			&record->core_start);
	}
	if (file)
		fclose(file);
	if (!ret && record->core)
		ret = read_core(work);
	if (!ret)
		ret = read_end(work, WORK_UNDO "/head.before", work->before.head);
	if (!ret)
		ret = read_end(work, WORK_UNDO "/tail.before", work->before.tail);
	if (!ret)
		ret = read_end(work, WORK_UNDO "/head.after", work->after.head);
	if (!ret)
		ret = read_end(work, WORK_UNDO "/tail.after", work->after.tail);
	if (!ret && record->summed && work_sum_record(work, sum) != told)
		ret = -EIO;
	if (!ret && whole_disk)
		ret = -EPERM;
	if (ret == -EPERM)
		return work_fail(work, ret,
			_("%s is Posada's as a whole: what was there is gone, and nothing can be brought back"),
			work->device);
	return ret ? work_fail(work, ret,
			     _("the record of the installation on %s cannot be read: %s"),
			     work->partition, strerror(-ret))
		   : 0;
}

static const struct part *find_files(const struct machine *machine, const struct disk *disk)
{
	const struct part *part = NULL;

	for (size_t i = 0; i < disk->part_count && !part; i++) {
		const struct group *group = disks_find_group(machine, disk->parts[i].group);

		if (disk->parts[i].posada)
			part = &disk->parts[i];
		for (size_t j = 0; group && j < group->volume_count && !part; j++)
			if (group->volumes[j].posada &&
				!strcmp(group->volumes[j].on, disk->parts[i].name))
				part = &group->volumes[j];
	}
	return part;
}

/* A partition of which only the copy of its record tells. */
static const struct part *find_by_copy(const struct disk *disk, const struct apply_places *places)
{
	const struct apply_options options = {
		.places = places ? *places : (struct apply_places){0}};
	struct work *work = calloc(1, sizeof(*work));
	const struct part *part = NULL;
	struct record record;

	if (!work)
		return NULL;
	work_open(work, &options);
	work_device(work, disk->name, work->device);
	for (size_t i = 0; i < disk->part_count && !part; i++) {
		work_choose_copy(work, disk->serial, disk->size, disk->table_uuid, &disk->parts[i]);
		if (!read_copy(work, &disk->parts[i], &record))
			part = &disk->parts[i];
	}
	work_close(work);
	return part;
}

const struct part *apply_look(
	const struct machine *machine, const struct disk *disk, const struct apply_places *places)
{
	const struct part *part = find_files(machine, disk);

	return part ? part : find_by_copy(disk, places);
}

const struct part *apply_find(const struct machine *machine, const struct disk *disk,
	const struct apply_places *places, char why[APPLY_TEXT])
{
	const struct part *part = apply_look(machine, disk, places);

	if (!part)
		snprintf(why, APPLY_TEXT,
			_("There is no installation of Posada on %s. If there was one, and it cannot be read any more: attach the data place that was in use when it was made, then try again."),
			disk->name);
	else if (disk->medium)
		snprintf(why, APPLY_TEXT,
			_("%s is what this host was started from. Start it from a stick or the network, and undo the installation there."),
			disk->name);
	else if (disk->in_use)
		snprintf(why, APPLY_TEXT,
			_("%s is in use (mounted, swap, a guest's, or part of something that is active). Release it, then try again."),
			disk->name);
	else
		return part;
	return NULL;
}

/* The partition must still be the one that the caller saw, and nobody may use the disk. */
static int see_installation(struct work *work, const char *name, struct part *part)
{
	struct machine machine = {0};
	const struct part *now = NULL;
	const struct disk *disk;
	int ret = work_look(work, name, &machine, &disk);

	for (size_t i = 0; !ret && !*part->on && i < disk->part_count; i++)
		if (disk->parts[i].number == part->number && disk->parts[i].start == part->start &&
			disk->parts[i].size == part->size)
			now = &disk->parts[i];
	if (!ret && *part->on)
		now = disks_find_volume(&machine, part->name);
	/* Another disk may have come by the same name, with a partition in the same place. */
	if (now && ((*part->uuid && strcmp(now->uuid, part->uuid) != 0) ||
			   strcmp(now->on, part->on) != 0))
		now = NULL;
	if (!ret && !now)
		ret = work_fail(work, -ENODEV, _("%s has changed; look again"), name);
	if (!ret && (disk->in_use || disk->medium))
		ret = work_fail(work, -EBUSY, _("%s is in use"), name);
	if (!ret) {
		*part = *now;
		work_choose_copy(work, disk->serial, disk->size, disk->table_uuid, part);
	}
	disks_free(&machine);
	return ret;
}

/* Does the machine start by boot code like ours, from a core image that is not where an origin has
 * its own? */
static bool starts_us(struct work *work)
{
	uint8_t sector[BOOTCODE_SECTOR], ours[BOOTCODE_SECTOR], boot[BOOTCODE_SECTOR];
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/payload/boot/boot.img", work->places.payload);
	if (raw_read(work->device, sector, sizeof(sector), 0))
		return true;
	memcpy(ours, sector, sizeof(ours));
	return bootcode_loads(sector) > 1 && !raw_read(path, boot, sizeof(boot), 0) &&
	       !bootcode_sector(ours, boot, sizeof(boot), bootcode_loads(sector)) &&
	       !memcmp(ours, sector, BOOTCODE_CODE);
}

#define CHAINS 10000

/* The files that fsck.fat makes of clusters without a name; with GONE, those that were not THERE
 * go. */
static int each_chain(struct work *work, bool there[CHAINS], bool gone)
{
	char path[PATH_MAX], name[32];
	int ret = 0;

	for (unsigned i = 0; !ret && i < CHAINS; i++) {
		snprintf(name, sizeof(name), "/FSCK%04u.REC", i);
		work_path(work, name, path);
		if (!gone)
			there[i] = !access(path, F_OK);
		else if (!there[i] && unlink(path) && errno != ENOENT)
			ret = -errno;
	}
	return ret;
}

/* Power that went within our work has left a file system of others as it was then. */
static int mend(struct work *work)
{
	const char *const words[] = {"fsck.fat", "-a", work->partition, NULL};
	bool *there = calloc(CHAINS, sizeof(*there)), seen;
	int ret = there ? 0 : -ENOMEM;

	/* What cannot be mounted before may be afterwards; then nobody knows whose they are. */
	seen = !ret && !work_mount(work, true);
	if (seen) {
		each_chain(work, there, false);
		work_unmount(work, 0);
	}
	*work->why = '\0';
	/* 1: it has mended something. */
	if (!ret)
		ret = work_run(work, words, 1);
	if (!ret)
		ret = work_mount(work, false);
	if (!ret) {
		ret = seen ? each_chain(work, there, true) : 0;
		ret = work_unmount(work, ret);
	}
	free(there);
	return ret;
}

int work_find_record(struct work *work, const struct part *part, struct record *record, bool *there)
{
	struct record copy;
	/* A volume is ours from the moment that it is there, before there is a file system in it.
	 */
	int ret = part->ours && !*part->content ? -ENOENT : work_mount(work, true);

	*there = !ret || part->ours;
	if (!ret)
		ret = work_read_record(work, record);
	ret = work_unmount(work, ret);
	/* Of a partition or volume of ours nothing inside need be readable: it goes as a whole. */
	if ((!ret && record->summed) || ret == -EPERM || read_copy(work, part, &copy) ||
		(!*there && !copy.partition))
		return ret;
	*record = copy;
	record->copied = true;
	*work->why = '\0';
	return 0;
}

/*
 * What was done, by the record; what is surely ours in a file system of others, and a volume of
 * ours that was never filled, need none.
 */
static int learn(struct work *work, const struct part *part, struct record *record, bool *exact)
{
	bool foreign = !part->ours && strcmp(part->label, WORK_LABEL) != 0, there;
	int ret = 0;

	if (!*part->on && !work_get_mark(work, part->start, part->size)) {
		*record = (struct record){.partition = true, .marked = true};
		return 0;
	}
	if (foreign && part->dirty && !strcmp(part->content, "vfat"))
		ret = mend(work);
	if (ret)
		return ret;
	ret = work_find_record(work, part, record, &there);
	if (!ret || !there || ret == -EPERM || (!foreign && !part->ours))
		return ret;
	if (starts_us(work))
		return work_fail(work, ret, _("the record of the installation cannot be read"));
	*work->why = '\0';
	/* The record comes before all else that is done, and goes after it. */
	*exact = part->ours || part->unfinished;
	foreign = foreign && !part->unfinished;
	*record = (struct record){
		.nvram = foreign && part->number, .fallback = foreign, .bare = true};
	/* That for the core image is made before it. */
	if (disklabel_find(work->device, WORK_CORE_NAME, PLAN_CORE_MOST, &record->core_number,
		    &record->core_start))
		record->core_number = 0;
	return 0;
}

/* The partition that was made for the core image alone. */
static int remove_core_partition(
	struct work *work, const char *disk, const struct record *record, bool *exact)
{
	char name[64];

	disks_part_name(disk, record->core_number, name);
	return restore_table(
		work, record->core_number, record->core_start, name, !record->bare, exact);
}

/* STAYS is why our entry could not be removed from the firmware, or 0. */
static void tell_left(const struct work *work, bool copied, bool exact, int stays)
{
	char entry[APPLY_TEXT / 2] = "";
	const char *const said[] = {
		copied ? _("What undo needs could not be read on the disk, so its copy on the data place was used.")
		       : "",
		exact ? ""
		      : _("Not everything was as the installation had left it, so only what was surely ours was removed."),
		entry};
	size_t used = 0;

	*work->why = '\0';
	if (stays == -ENOENT)
		snprintf(entry, sizeof(entry), "%s",
			_("This host was not started by UEFI: if the firmware has an entry \"Posada\", that stays until it is removed in the firmware's setup."));
	else if (stays)
		snprintf(entry, sizeof(entry),
			_("The firmware's entry \"Posada\" cannot be removed (%s): remove it in the firmware's setup."),
			strerror(-stays));
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (*said[i] && used < APPLY_TEXT)
			used += (size_t)snprintf(work->why + used, APPLY_TEXT - used, "%s%s",
				used ? " " : "", said[i]);
}

int apply_undo(const char *disk, const struct part *part, const struct apply_options *options,
	bool *exact, char why[APPLY_TEXT])
{
	struct work *work = calloc(1, sizeof(*work));
	struct record record = {0};
	struct part now = *part;
	int ret, stays = 0;

	*why = '\0';
	*exact = true;
	if (!work)
		return -ENOMEM;
	work->why = why;
	work_open(work, options);
	work_device(work, disk, work->device);
	work_choose(work, part->name, part->on, *part->content ? part->content : "vfat");
	ret = work_claim(work);
	if (!ret)
		ret = see_installation(work, disk, &now);
	if (!ret && !*part->on)
		ret = work_see_partition(work, part->name, part->start, part->size);
	if (!ret)
		ret = learn(work, &now, &record, exact);
	/* First the machine starts the origin again, then what is ours goes. */
	if (!ret && record.sector0)
		ret = restore_code(work, exact);
	if (!ret && record.nvram) {
		ret = work_make_option(work, part->number, part->start, part->size);
		if (!ret)
			stays = efi_remove(work->places.variables, work->option, work->option_size);
	}
	if (!ret && record.core)
		ret = clear_core(work, record.core, exact);
	if (!ret && record.core_number)
		ret = remove_core_partition(work, disk, &record, exact);
	if (!ret && record.partition)
		ret = restore_table(
			work, part->number, part->start, part->name, !record.marked, exact);
	else if (!ret && part->ours)
		ret = remove_volume(work);
	else if (!ret)
		ret = leave_target(work, record.fallback, record.boot_folder, exact);
	if (!ret && record.marked)
		ret = work_drop_mark(work, part->start, part->size);
	if (ret) {
		work_fail(work, ret, "%s", strerror(-ret));
	} else {
		work_drop_copy(work);
		tell_left(work, record.copied, *exact, stays);
	}
	*exact = *exact && !stays;
	work_close(work);
	return ret;
}
