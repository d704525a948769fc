/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides what an installation will do; touches nothing. */
#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <libintl.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include "json.h"
#include "place.h"

#define _(text) gettext(text)

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

/* GRUB, its configuration, what undo keeps, and what a file system needs for itself. */
#define BESIDE_PAYLOAD (16 * MIB)
/* What our partition gets where there is room for it, so that later versions may grow. */
#define BOOT_WANTED (1 * GIB)
#define ALIGNED	    (1 * MIB)
/* Below this mkfs.fat makes no FAT32, and firmware reads nothing else for sure. */
#define BOOT_LEAST (260 * MIB)
/* Settings and definitions are small; less than this is not worth a partition. */
#define PLACE_LEAST (64 * MIB)

#define TYPE_ESP       "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define TYPE_LINUX     "0fc63daf-8483-4772-8e79-3d69d8477de4"
#define TYPE_LVM       "e6d6d379-f507-44c2-a23c-238f2a3df928"
#define TYPE_BIOS_BOOT "21686148-6449-6e6f-744e-656564454649"
#define DOS_ESP	       "ef"
#define DOS_FAT32      "0c"
#define DOS_LINUX      "83"

const char *const plan_layout_names[PLAN_LAYOUTS] = {
	"alongside", "whole-disk", "stick", "data-place", "repair"};

static const char *const action_names[PLAN_ACTIONS] = {"record", "table", "partition", "volume",
	"mirror", "rejoin", "format", "files", "core", "sector0", "nvram", "fallback"};

/* What is planned for, in one place. */
struct planner {
	const struct machine *machine;
	const struct plan_wish *wish;
	const struct disk *disk; /* the one that steps are added for */
	const struct disk *mirror;
	struct plan *plan;
};

static int refuse(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(plan->refusal, sizeof(plan->refusal), format, args);
	va_end(args);
	plan->step_count = 0;
	return -EPERM;
}

static void note(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct plan *plan, const char *format, ...)
{
	va_list args;

	/* Each is said once, so that there is room for all: the unit test sees to that. */
	if (plan->note_count == PLAN_NOTES)
		return;
	va_start(args, format);
	vsnprintf(plan->notes[plan->note_count++], PLAN_TEXT, format, args);
	va_end(args);
}

static void say(char text[PLAN_TEXT], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(char text[PLAN_TEXT], const char *format, ...)
{
	va_list args;

	/* Plans are compared byte by byte, and some texts are said twice. */
	memset(text, 0, PLAN_TEXT);
	va_start(args, format);
	vsnprintf(text, PLAN_TEXT, format, args);
	va_end(args);
}

static const char *size_text(uint64_t bytes, char text[32])
{
	if (bytes >= 10 * GIB || (bytes && bytes % GIB == 0))
		snprintf(text, 32, "%" PRIu64 " GiB", bytes / GIB);
	else if (bytes && bytes < MIB)
		snprintf(text, 32, "%" PRIu64 " KiB", bytes / KIB);
	else
		snprintf(text, 32, "%" PRIu64 " MiB", (bytes + MIB - 1) / MIB);
	return text;
}

/* What there is of something is never told as more than that. */
static const char *room_text(uint64_t bytes, char text[32])
{
	return size_text(bytes < MIB ? bytes : bytes / MIB * MIB, text);
}

static int refuse_damaged(struct planner *planner)
{
	return refuse(planner->plan,
		_("The partition table of %s is damaged. Repair it with the tools of the system that is there, or take the whole disk if nothing on it is wanted."),
		planner->disk->name);
}

static int refuse_guest(struct plan *plan, const char *name, const char *guest)
{
	return refuse(plan,
		_("%s is a disk of the guest %s. Take it away from the guest, or delete the guest, first."),
		name, guest);
}

static int refuse_adopted(struct plan *plan, const char *name, const struct disk *disk)
{
	return refuse(plan,
		_("The system on %s was adopted as the guest %s, and %s would be lost to it. Choose another disk, or delete that guest first."),
		disk->name, disk->adopted, name);
}

static int refuse_sectors(struct plan *plan, const struct disk *disk, const struct disk *mirror)
{
	return refuse(plan,
		_("%s has sectors of %u bytes, and %s of %u: no mirror can be made of these. Choose another disk."),
		disk->name, disk->sector, mirror->name, mirror->sector);
}

static void remember(const struct disk *disk, struct plan_seen *seen)
{
	memcpy(seen->serial, disk->serial, sizeof(seen->serial));
	memcpy(seen->table_uuid, disk->table_uuid, sizeof(seen->table_uuid));
	seen->size = disk->size;
	seen->part_count = disk->part_count;
}

/* --- Partitions --------------------------------------------------------- */

static bool is_esp(const struct part *part)
{
	return !strcmp(part->type, TYPE_ESP) || !strcmp(part->type, DOS_ESP);
}

/* The lowest number that a new partition can have, or 0. */
static unsigned free_number(const struct disk *disk)
{
	unsigned most = disk->table == TABLE_DOS ? 4 : 128;

	for (unsigned number = 1; number <= most; number++) {
		size_t i;

		for (i = 0; i < disk->part_count && disk->parts[i].number != number; i++)
			;
		if (i == disk->part_count)
			return number;
	}
	return 0;
}

/* The largest run of bytes that no partition has, in whole pieces of that size. */
static uint64_t largest_gap(const struct disk *disk, uint64_t aligned, uint64_t *start)
{
	uint64_t at = disk->first > aligned ? disk->first : aligned, largest = 0;
	uint64_t end = disk->last ? disk->last : disk->size;

	/* A DOS table has 32 bits for a sector's number. */
	if (disk->table == TABLE_DOS && end / disk->sector > UINT32_MAX)
		end = (uint64_t)UINT32_MAX * disk->sector;
	for (size_t i = 0; i <= disk->part_count; i++) {
		const struct part *part = i < disk->part_count ? &disk->parts[i] : NULL;
		uint64_t until = part ? part->start : end;

		/* What is in an extended partition takes no room of its own. */
		if (part && part->logical)
			continue;
		at = (at + aligned - 1) / aligned * aligned;
		until = until / aligned * aligned;
		if (until > at && until - at > largest) {
			largest = until - at;
			*start = at;
		}
		if (part && part->start + part->size > at)
			at = part->start + part->size;
	}
	return largest;
}

/* --- Steps -------------------------------------------------------------- */

static struct plan_step *add(struct planner *planner, enum plan_action action, const char *part)
{
	struct plan_step *step = &planner->plan->steps[planner->plan->step_count++];

	step->action = action;
	step->second = planner->disk == planner->mirror;
	snprintf(step->part, sizeof(step->part), "%s", part);
	return step;
}

static void add_record(struct planner *planner)
{
	struct plan_step *step = add(planner, PLAN_RECORD, planner->disk->name);

	say(step->does, _("keep the partition table, the boot code and the firmware's boot order"));
	say(step->touches, _("nothing"));
	say(step->undo, _("nothing to undo"));
}

static struct plan_step *add_partition(struct planner *planner, enum plan_role role,
	unsigned number, uint64_t start, uint64_t size, const char *type)
{
	static const char *const names[] = {"Posada", "Posada's GRUB", "Posada's data"};
	struct plan_step *step = add(planner, PLAN_PARTITION, "");
	char text[32];

	disks_part_name(planner->disk->name, number, step->part);
	step->role = role;
	step->number = number;
	step->start = start;
	step->size = size;
	snprintf(step->type, sizeof(step->type), "%s", type);
	say(step->does, _("make the partition %s, %s, \"%s\""), step->part, size_text(size, text),
		names[role]);
	say(step->touches, _("the partition table; %s that no partition has"), text);
	say(step->undo, _("the table as it was, or without %s if others have changed it"),
		step->part);
	return step;
}

/* What our volume in the group of MEMBER is called; too long a name is cut, and not true then. */
static bool volume_name(enum plan_role role, const struct part *member, char name[64])
{
	const char *own = role == PLAN_DATA ? PLACE_LABEL : PLAN_VOLUME_NAME;
	int left = 62 - (int)strlen(own);

	snprintf(name, 64, "%.*s/%s", left, member->group, own);
	return (int)strlen(member->group) <= left;
}

static struct plan_step *add_volume(
	struct planner *planner, enum plan_role role, const struct part *member, uint64_t size)
{
	struct plan_step *step = add(planner, PLAN_VOLUME, "");
	char text[32];

	/* It was seen that it fits. */
	volume_name(role, member, step->part);
	step->role = role;
	memcpy(step->on, member->name, sizeof(step->on));
	step->size = size;
	say(step->does, _("make the logical volume %s, %s, on %s"), step->part,
		size_text(size, text), member->name);
	say(step->touches, _("what the group %s keeps about its volumes; %s that no volume has"),
		member->group, text);
	say(step->undo, _("the volume is removed, and %s has its room again"), member->group);
	return step;
}

/* FNV-1a. */
static uint32_t add_to_sum(uint32_t sum, const void *bytes, size_t size)
{
	for (const uint8_t *at = bytes; size; size--, at++)
		sum = (sum ^ *at) * 16777619;
	return sum;
}

/*
 * A name that no group of this machine has, and no other installation: a disk that comes here from
 * another mirror must not hide this one's group. It is the same whenever the same is planned.
 */
static void group_name(const struct planner *planner, char name[64])
{
	uint32_t sum = 2166136261;

	for (size_t i = 0; i < 2; i++) {
		const struct plan_seen *seen = &planner->plan->seen[i];

		sum = add_to_sum(sum, seen->serial, strlen(seen->serial));
		sum = add_to_sum(sum, seen->table_uuid, strlen(seen->table_uuid));
	}
	do
		snprintf(name, 64, PLAN_GROUP_NAME "-%08" PRIx32, sum++);
	while (disks_find_group(planner->machine, name));
}

static struct plan_step *add_mirror(
	struct planner *planner, const struct plan_step *one, const struct plan_step *other)
{
	struct plan_step *step = add(planner, PLAN_MIRROR, "");
	char group[64];

	group_name(planner, group);
	snprintf(step->part, sizeof(step->part), "%.40s/%s", group, PLACE_LABEL);
	memcpy(step->on, one->part, sizeof(step->on));
	memcpy(step->with, other->part, sizeof(step->with));
	step->role = PLAN_DATA;
	step->size = one->size;
	say(step->does, _("make the logical volume %s, of which %s and %s hold the same (RAID1)"),
		step->part, step->on, step->with);
	say(step->touches, _("%s and %s, which are new"), step->on, step->with);
	return step;
}

/* What becomes of things in a partition or volume of ours when that goes. */
static const char *goes_along(const struct plan_step *place)
{
	return *place->on ? _("goes with the volume") : _("goes with the partition");
}

/* A data place that two hosts can reach is theirs by turns. */
static void choose_ext4(struct planner *planner, struct plan_step *step)
{
	snprintf(step->content, sizeof(step->content), "ext4");
	step->guarded = disks_is_shareable(planner->disk) ||
			(planner->mirror && disks_is_shareable(planner->mirror));
	if (step->guarded)
		note(planner->plan,
			_("Other hosts may reach %s too, so the data place is guarded against two that use it at once: after a power cut the start takes 22 seconds longer."),
			planner->disk->name);
}

static void add_format(struct planner *planner, const struct plan_step *part, const char *content)
{
	struct plan_step *step = add(planner, PLAN_FORMAT, part->part);

	memcpy(step->on, part->on, sizeof(step->on));
	step->role = part->role;
	step->number = part->number;
	step->start = part->start;
	step->size = part->size;
	if (!strcmp(content, "ext4"))
		choose_ext4(planner, step);
	else
		snprintf(step->content, sizeof(step->content), "%s", content);
	say(step->does, _("make a file system (%s) in %s"), content, part->part);
	say(step->touches, _("%s, which is new"), part->part);
	say(step->undo, "%s", goes_along(part));
}

static struct plan_step *add_payload(struct planner *planner, const char *part, const char *content)
{
	struct plan_step *step = add(planner, PLAN_FILES, part);
	char text[32];

	snprintf(step->content, sizeof(step->content), "%s", content);
	say(step->does, _("write Posada (%s) into %s, read it back and compare"),
		size_text(planner->wish->payload, text), part);
	return step;
}

/* Into a place of our own. */
static void add_files(struct planner *planner, const struct plan_step *place)
{
	struct plan_step *step = add_payload(planner, place->part, "vfat");

	memcpy(step->on, place->on, sizeof(step->on));
	step->number = place->number;
	step->start = place->start;
	step->size = place->size;
	say(step->touches, _("%s, which is new"), place->part);
	say(step->undo, "%s", goes_along(place));
}

/* Into a file system that is there. */
static void add_files_beside(struct planner *planner, const struct part *part)
{
	struct plan_step *step = add_payload(planner, part->name, part->content);

	memcpy(step->on, part->on, sizeof(step->on));
	step->number = part->number;
	step->start = part->start;
	step->size = part->size;
	if (planner->machine->uefi) {
		say(step->touches, _("the folders /posada and /EFI/posada of %s"), part->name);
		say(step->undo, _("those folders are removed"));
	} else {
		say(step->touches, _("the folder /posada of %s"), part->name);
		say(step->undo, _("that folder is removed"));
	}
}

static void add_sector0(struct planner *planner)
{
	struct plan_step *step = add(planner, PLAN_SECTOR0, planner->disk->name);

	say(step->does, _("put GRUB's boot code into sector 0 of %s, in one write"),
		planner->disk->name);
	say(step->touches, _("the first 440 bytes of %s"), planner->disk->name);
	say(step->undo, _("the boot code that was there is written back"));
}

/* Into sectors that belong to nobody. */
static void add_core_beside(struct planner *planner, uint64_t start)
{
	const struct disk *disk = planner->disk;
	struct plan_step *step = add(planner, PLAN_CORE, disk->name);

	step->start = start;
	step->size = PLAN_CORE_MOST;
	say(step->does, _("write GRUB's core image to %s, sectors %" PRIu64 " to %" PRIu64),
		disk->name, start / disk->sector, (start + step->size) / disk->sector - 1);
	say(step->touches, _("those sectors in front of the first partition, which are all zero"));
	say(step->undo, _("they are made zero again"));
	add_sector0(planner);
}

static void add_core(struct planner *planner, const struct plan_step *place)
{
	struct plan_step *step = add(planner, PLAN_CORE, place->part);

	step->number = place->number;
	step->role = place->role;
	/* In front of a file system of ours there are sectors that it leaves alone. */
	step->start = place->start + (place->role == PLAN_BOOT ? PLAN_CORE_AT : 0);
	step->size = place->role == PLAN_BOOT ? PLAN_RESERVED - PLAN_CORE_AT : place->size;
	say(step->does, _("write GRUB's core image into %s"), place->part);
	say(step->touches, _("%s, which is new"), place->part);
	say(step->undo, _("goes with the partition"));
	add_sector0(planner);
}

static void add_nvram(struct planner *planner, const char *part)
{
	struct plan_step *step;

	if (planner->machine->nvram) {
		step = add(planner, PLAN_NVRAM, part);
		if (planner->mirror)
			say(step->does,
				_("add \"Posada\" on %s to the firmware's boot menu, in front"),
				part);
		else
			say(step->does, _("add \"Posada\" to the firmware's boot menu, in front"));
		say(step->touches, _("the firmware's boot entries; those that are there stay"));
		say(step->undo, _("the entry is removed and the order is as it was"));
	} else {
		note(planner->plan,
			_("This firmware lets no boot entry be written: Posada starts by the path that firmware takes on its own (EFI/BOOT)."));
	}
}

static void add_fallback(struct planner *planner, const char *part)
{
	struct plan_step *step = add(planner, PLAN_FALLBACK, part);

	say(step->does, _("put GRUB where firmware looks without an entry (EFI/BOOT)"));
	say(step->touches, _("/EFI/BOOT of %s, which is free"), part);
	say(step->undo, _("the file is removed"));
}

/* --- Origins ------------------------------------------------------------ */

static bool is_offered(const struct plan *plan, const char *title)
{
	bool offered = false;

	for (size_t i = 0; i < plan->origin_count; i++)
		offered |= !strcmp(plan->origins[i].title, title);
	return offered;
}

/* WHERE, and then a number, tells apart what is called the same. */
static struct plan_origin *add_origin(struct plan *plan, const char *title, const char *where)
{
	char name[PLAN_TITLE];
	unsigned number = 1;

	if (plan->origin_count == PLAN_ORIGINS) {
		plan->origins_left++;
		return NULL;
	}
	snprintf(name, sizeof(name), "%s", title);
	if (is_offered(plan, name))
		snprintf(name, sizeof(name), "%.60s (%.30s)", title, where);
	while (is_offered(plan, name))
		snprintf(name, sizeof(name), "%.48s (%.30s, %u)", title, where, ++number);
	snprintf(plan->origins[plan->origin_count].title, sizeof(name), "%s", name);
	return &plan->origins[plan->origin_count++];
}

static bool has_content(const struct disk *disk, const char *content)
{
	for (size_t i = 0; i < disk->part_count; i++)
		if (!strcmp(disk->parts[i].content, content))
			return true;
	return false;
}

/*
 * BitLocker's keys unseal when the firmware has started nothing before Windows. So it must: the
 * machine restarts, and is told what comes next.
 */
static bool is_sealed(const struct machine *machine, const struct part *esp, const char *loader)
{
	bool sealed = false;

	for (size_t i = 0; i < machine->disk_count; i++)
		sealed |= has_content(&machine->disks[i], "BitLocker");
	return sealed && machine->nvram && *esp->uuid &&
	       !strncasecmp(loader, "/EFI/Microsoft/", 15) && !strchr(loader, ' ');
}

static void add_loader(
	struct planner *planner, const struct part *esp, const char *loader, const char *system)
{
	bool sealed = is_sealed(planner->machine, esp, loader);
	struct plan_origin *origin = NULL;
	char title[PLAN_TITLE];

	if (sealed)
		snprintf(title, sizeof(title), _("%.60s (restarts first)"),
			*system ? system : "Windows");
	else
		snprintf(title, sizeof(title), "%s",
			*system ? system : _("The system that was here"));
	if (*loader)
		origin = add_origin(planner->plan, title, esp->name);
	if (!origin)
		return;
	snprintf(origin->uuid, sizeof(origin->uuid), "%s", esp->content_uuid);
	snprintf(origin->loader, sizeof(origin->loader), "%s", loader);
	if (sealed)
		memcpy(origin->part, esp->uuid, sizeof(origin->part));
}

static void find_loaders_on(struct planner *planner, const struct disk *disk)
{
	for (size_t i = 0; i < disk->part_count; i++) {
		const struct part *part = &disk->parts[i];

		add_loader(planner, part, part->loader, part->system);
		for (size_t j = 0; j < PART_MORE; j++)
			add_loader(planner, part, part->more[j].loader, part->more[j].name);
	}
}

/* Every loader of another system that an ESP has, on any disk. The first one is the origin that
 * starts by itself if that is wished: one of the disk that is installed on. */
static void find_loaders(struct planner *planner)
{
	const struct machine *machine = planner->machine;

	if (planner->wish->layout != PLAN_WHOLE)
		find_loaders_on(planner, planner->disk);
	for (size_t i = 0; i < machine->disk_count; i++) {
		const struct disk *disk = &machine->disks[i];

		if (!disk->medium && disk != planner->disk && disk != planner->mirror)
			find_loaders_on(planner, disk);
	}
}

static void note_origins_left(struct plan *plan)
{
	if (plan->origins_left)
		note(plan,
			_("The boot menu offers %d other systems. More were found, %zu of them are not in it: start those from the firmware's own boot menu."),
			PLAN_ORIGINS, plan->origins_left);
}

static void note_bitlocker(struct planner *planner)
{
	struct plan *plan = planner->plan;

	for (size_t i = 0; i < plan->origin_count; i++)
		if (*plan->origins[i].part) {
			note(plan,
				_("A partition is encrypted by BitLocker, whose keys unseal only when the firmware itself starts Windows. Posada's boot menu restarts the machine for that. Have the recovery key at hand all the same."));
			return;
		}
	if (!has_content(planner->disk, "BitLocker") || plan->layout != PLAN_ALONGSIDE)
		return;
	if (planner->machine->uefi)
		note(plan,
			_("A partition is encrypted by BitLocker. Start Windows from the firmware's own boot menu, so that its keys unseal: through Posada's menu it asks for its recovery key. Have that at hand."));
	else
		note(plan,
			_("A partition is encrypted by BitLocker, whose keys unseal only as long as this disk starts as it does now: Windows will ask for its recovery key at each start. Have that at hand, or suspend BitLocker."));
}

/* GRUB remembers which version starts in a file that it can write on FAT alone, and on no volume.
 */
static void note_no_updates(struct planner *planner)
{
	const struct plan_step *files = plan_find(planner->plan, PLAN_FILES);

	if (*files->on || strcmp(files->content, "vfat") != 0)
		note(planner->plan,
			_("Posada on %s cannot be updated, for GRUB cannot write there and updates would have no way back: undo it and install the new version instead."),
			files->part);
}

/* BIOS: the disk's own sector 0, called by the system that was found on it. */
static void find_sector0(struct planner *planner)
{
	const struct disk *disk = planner->disk;
	const char *title = NULL;

	if (!disk->boot_code)
		return;
	for (size_t i = 0; i < disk->part_count && !title; i++)
		if (*disk->parts[i].system)
			title = disk->parts[i].system;
	for (size_t i = 0; i < planner->machine->group_count && !title; i++)
		for (size_t j = 0; j < planner->machine->groups[i].volume_count && !title; j++)
			if (*planner->machine->groups[i].volumes[j].system)
				title = planner->machine->groups[i].volumes[j].system;
	add_origin(planner->plan, title ? title : _("The system that was here"), disk->name);
}

/* Which of them starts by itself, by its title or by how only that begins. */
static int choose_start(struct plan *plan)
{
	char names[PLAN_ORIGINS * (PLAN_TITLE + 2)] = "";
	size_t length = strlen(plan->start), matches = 0;

	if (!length || !strcmp(plan->start, PLAN_START_POSADA))
		return 0;
	if (!strcmp(plan->start, PLAN_START_ORIGIN)) {
		plan->first = plan->origin_count ? 1 : 0;
		return 0;
	}
	for (size_t i = 0; i < plan->origin_count; i++) {
		const char *title = plan->origins[i].title;

		strcat(strcat(names, "; "), title);
		if (strncasecmp(title, plan->start, length) != 0)
			continue;
		matches++;
		plan->first = i + 1;
		if (!title[length])
			return 0;
	}
	return matches == 1
		       ? 0
		       : refuse(plan,
				 _("\"%s\" is not one of the systems that can start by themselves. Give one of them by its name, or by how no other begins: posada%.256s."),
				 plan->start, names);
}

/* --- Layouts ------------------------------------------------------------ */

static uint64_t needed(const struct planner *planner)
{
	return 2 * planner->wish->payload + BESIDE_PAYLOAD;
}

/* The least that our partition must have, and what it gets where there is room. */
static uint64_t boot_least(const struct planner *planner)
{
	uint64_t least = needed(planner) > BOOT_LEAST ? needed(planner) : BOOT_LEAST;

	return (least + ALIGNED - 1) / ALIGNED * ALIGNED;
}

static uint64_t boot_wanted(const struct planner *planner)
{
	uint64_t least = boot_least(planner);

	return least > BOOT_WANTED ? least : BOOT_WANTED;
}

/* A partition of our own in the largest gap; NULL after a refusal. */
static const struct plan_step *plan_own_partition(struct planner *planner)
{
	const struct disk *disk = planner->disk;
	bool dos = disk->table == TABLE_DOS;
	uint64_t start = 0, room = largest_gap(disk, ALIGNED, &start);
	uint64_t least = boot_least(planner), size = boot_wanted(planner);
	unsigned number = free_number(disk);
	const char *type = planner->machine->uefi ? (dos ? DOS_ESP : TYPE_ESP)
						  : (dos ? DOS_FAT32 : TYPE_LINUX);
	const struct plan_step *part;
	char want[32], have[32];

	if (!number) {
		refuse(planner->plan,
			dos ? _("%s has four primary partitions, which is all that its table can hold. Free one of them, or choose another disk.")
			    : _("The partition table of %s is full. Remove a partition, or choose another disk."),
			disk->name);
		return NULL;
	}
	if (room < least) {
		refuse(planner->plan,
			_("%s has no room: Posada needs %s in one piece that no partition has, and the largest is %s. Make a partition smaller in the system that is there, or choose another disk."),
			disk->name, size_text(least, want), room_text(room, have));
		return NULL;
	}
	part = add_partition(planner, PLAN_BOOT, number, start, room < size ? room : size, type);
	add_format(planner, part, "vfat");
	return part;
}

static const struct part *find_esp(const struct disk *disk)
{
	for (size_t i = 0; i < disk->part_count; i++)
		if (is_esp(&disk->parts[i]) && !strcmp(disk->parts[i].content, "vfat") &&
			!*disk->parts[i].guest)
			return &disk->parts[i];
	return NULL;
}

/* Firmware that takes its own path takes the first partition that has it. */
static bool fallback_taken(const struct disk *disk)
{
	for (size_t i = 0; i < disk->part_count; i++)
		if (disk->parts[i].fallback)
			return true;
	return false;
}

/* What makes the firmware start us from PART. */
static int plan_firmware(struct planner *planner, const char *part)
{
	bool taken = fallback_taken(planner->disk);

	if (taken && !planner->machine->nvram)
		return refuse(planner->plan,
			_("This firmware lets no boot entry be written, and the path that it takes on its own belongs to the system that is there. Choose another disk."));
	add_nvram(planner, part);
	if (!taken)
		add_fallback(planner, part);
	return 0;
}

static int plan_alongside_uefi(struct planner *planner)
{
	const struct part *esp = find_esp(planner->disk);
	const struct plan_step *own;
	char want[32], have[32];

	if (esp && esp->dirty)
		return refuse(planner->plan,
			_("The file system of %s was not unmounted cleanly. Start the system it belongs to and shut it down properly, then try again."),
			esp->name);
	if (esp && esp->room >= needed(planner)) {
		add_files_beside(planner, esp);
		return plan_firmware(planner, esp->name);
	}
	if (esp)
		note(planner->plan,
			_("%s has %s left and two versions of Posada need %s: it gets a partition of its own."),
			esp->name, room_text(esp->room, have), size_text(needed(planner), want));
	own = plan_own_partition(planner);
	if (!own)
		return -EPERM;
	add_files(planner, own);
	return plan_firmware(planner, own->part);
}

/* --- BIOS, where no partition of our own can be ------------------------- */

/* What there is on a disk beside free partitions, the best of each kind. */
struct nooks {
	uint64_t core;		   /* where the core image can be; 0: nowhere */
	unsigned core_number;	   /* of the partition that it needs there; 0: none */
	uint64_t core_room;	   /* the most that there is for it */
	const struct part *member; /* of a group, with the largest free piece; NULL: none */
	const struct part *system; /* the file system with the most room that serves; NULL: none */
};

/* DOS: the zero sectors before the first partition, their end, so that the core image before them
 * may grow. GPT: a partition that has no other use. */
static void find_core(const struct planner *planner, struct nooks *places)
{
	const struct disk *disk = planner->disk;
	uint64_t start = 0;

	if (disk->table == TABLE_GPT) {
		places->core_number = free_number(disk);
		/* Behind what undo compares. */
		places->core_room = largest_gap(disk, 32 * KIB, &start);
	} else if (disk->gap_free && disk->part_count && disk->gap_free < disk->parts[0].start) {
		places->core_room = disk->parts[0].start - disk->gap_free;
		start = disk->parts[0].start - PLAN_CORE_MOST;
	}
	if (places->core_room >= PLAN_CORE_MOST &&
		(disk->table != TABLE_GPT || places->core_number))
		places->core = start;
}

/* A member's group can get our volume when it has none of that name. */
static bool takes_volume(
	const struct planner *planner, enum plan_role role, const struct part *member)
{
	char name[64];

	return disks_find_group(planner->machine, member->group) && !*member->guest &&
	       volume_name(role, member, name) && !disks_find_volume(planner->machine, name);
}

/* GRUB reads it, we write it, and nobody else does. */
static const struct part *better(const struct part *part, const struct part *than)
{
	return part->readable && !part->dirty && !part->hibernated && !*part->mounted &&
			       !*part->guest && !is_esp(part) && (!than || part->room > than->room)
		       ? part
		       : than;
}

static void find_places(const struct planner *planner, struct nooks *places)
{
	const struct machine *machine = planner->machine;
	const struct disk *disk = planner->disk;

	memset(places, 0, sizeof(*places));
	find_core(planner, places);
	for (size_t i = 0; i < disk->part_count; i++) {
		const struct part *part = &disk->parts[i];
		const struct group *group = disks_find_group(machine, part->group);

		places->system = better(part, places->system);
		if (takes_volume(planner, PLAN_BOOT, part) &&
			(!places->member || part->room > places->member->room))
			places->member = part;
		for (size_t j = 0; group && j < group->volume_count; j++)
			if (!strcmp(group->volumes[j].on, part->name) && !*part->guest)
				places->system = better(&group->volumes[j], places->system);
	}
}

static void plan_core(struct planner *planner, const struct nooks *places)
{
	if (places->core_number)
		add_core(planner, plan_find(planner->plan, PLAN_PARTITION));
	else
		add_core_beside(planner, places->core);
}

/* The partition for the core image alone, if it needs one. */
static void plan_core_partition(struct planner *planner, const struct nooks *places)
{
	if (places->core_number)
		add_partition(planner, PLAN_BIOS_BOOT, places->core_number, places->core,
			PLAN_CORE_MOST, TYPE_BIOS_BOOT);
}

static void plan_own_volume(struct planner *planner, const struct nooks *places)
{
	const struct part *member = places->member;
	uint64_t extent = disks_find_group(planner->machine, member->group)->extent;
	uint64_t size = (boot_wanted(planner) + extent - 1) / extent * extent;
	const struct plan_step *volume;

	volume = add_volume(planner, PLAN_BOOT, member, size < member->room ? size : member->room);
	add_format(planner, volume, "vfat");
	plan_core_partition(planner, places);
	add_files(planner, volume);
	plan_core(planner, places);
}

static int refuse_places(struct planner *planner, const struct nooks *places)
{
	const struct disk *disk = planner->disk;
	uint64_t start, gap = largest_gap(disk, ALIGNED, &start);
	char partition[PLAN_TEXT], others[PLAN_TEXT], want[32], have[32];

	if (free_number(disk))
		say(partition,
			_("the largest piece that no partition has is %s, and %s are needed"),
			room_text(gap, have), size_text(boot_least(planner), want));
	else
		say(partition, _("the table is full"));
	if (!places->core) {
		say(others, _("GRUB needs %s that nothing uses, and %s has %s"),
			size_text(PLAN_CORE_MOST, want),
			disk->table == TABLE_GPT ? _("the table")
						 : _("the gap before the first partition"),
			room_text(places->core_room, have));
		return refuse(planner->plan,
			_("%s has no place for Posada. A partition: %s. A logical volume, or a folder in a file system: %s. Make room for one of these in the system that is there, or choose another disk."),
			disk->name, partition, others);
	}
	say(others, _("the largest free piece is %s, and %s are needed"),
		room_text(places->member ? places->member->room : 0, have),
		size_text(boot_least(planner), want));
	return refuse(planner->plan,
		_("%s has no place for Posada. A partition: %s. A logical volume: %s. A clean ext4, XFS, Btrfs or FAT with %s free: the most is %s. Make room for one of these in the system that is there, or choose another disk."),
		disk->name, partition, others, size_text(needed(planner), want),
		room_text(places->system ? places->system->room : 0, have));
}

static int plan_alongside_bios(struct planner *planner)
{
	uint64_t start;
	const struct plan_step *own;
	struct nooks places;

	if (free_number(planner->disk) &&
		largest_gap(planner->disk, ALIGNED, &start) >= boot_least(planner)) {
		own = plan_own_partition(planner);
		add_files(planner, own);
		add_core(planner, own);
		return 0;
	}
	find_places(planner, &places);
	if (places.core && places.member && places.member->room >= boot_least(planner)) {
		plan_own_volume(planner, &places);
	} else if (places.core && places.system && places.system->room >= needed(planner)) {
		plan_core_partition(planner, &places);
		add_files_beside(planner, places.system);
		plan_core(planner, &places);
	} else {
		return refuse_places(planner, &places);
	}
	return 0;
}

/* What makes a disk unfit whose partition or volume this is. */
static int check_part(struct planner *planner, const struct part *part)
{
	if (part->unfinished)
		return refuse(planner->plan,
			_("An installation of Posada on %s was broken off. Take it back with \"posada install undo %s\", then install again."),
			part->name, planner->disk->name);
	if (part->posada)
		return refuse(planner->plan,
			_("Posada is on %s already. Update it, or undo that installation first."),
			part->name);
	if (part->hibernated)
		return refuse(planner->plan,
			_("The system on %s (%s) sleeps, and would write over changes when it wakes. Shut it down fully (Windows: shutdown /s /f /t 0), then try again."),
			part->name, *part->system ? part->system : part->content);
	return 0;
}

/* Does that group have room on the disk that is planned for? */
static bool is_here(const struct planner *planner, const struct group *group)
{
	for (size_t i = 0; i < planner->disk->part_count; i++)
		if (!strcmp(planner->disk->parts[i].group, group->name))
			return true;
	return false;
}

/* The names of those parts that hold CONTENT, as far as they fit, and how many more there are. */
struct names {
	char text[PLAN_TEXT / 4];
	size_t count, left_out;
};

static void add_names(
	struct names *names, const struct part *parts, size_t count, const char *content)
{
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(names->text);

		if (strcmp(parts[i].content, content) != 0)
			continue;
		if (used && used + strlen(parts[i].name) + 3 > sizeof(names->text))
			names->left_out++;
		else
			snprintf(names->text + used, sizeof(names->text) - used, "%s%s",
				used ? ", " : "", parts[i].name);
		names->count++;
	}
}

/* ONE and MANY are the sentence, of one and of several. */
static void note_content(
	struct planner *planner, const char *content, const char *one, const char *many)
{
	const struct machine *machine = planner->machine;
	struct names names = {0};
	char more[32] = "";

	add_names(&names, planner->disk->parts, planner->disk->part_count, content);
	for (size_t i = 0; i < machine->group_count; i++)
		if (is_here(planner, &machine->groups[i]))
			add_names(&names, machine->groups[i].volumes,
				machine->groups[i].volume_count, content);
	if (names.left_out)
		snprintf(more, sizeof(more), _(" and %zu more"), names.left_out);
	if (names.count == 1)
		note(planner->plan, one, names.text);
	else if (names.count)
		note(planner->plan, many, names.text, more);
}

/* What we cannot look into is left alone, and the person is told. */
static void note_sealed(struct planner *planner)
{
	note_content(planner, "crypto_LUKS",
		_("%s is encrypted (LUKS). It is left alone; which system is in it cannot be seen."),
		_("%s%s are encrypted (LUKS). They are left alone; which systems are in them cannot be seen."));
	note_content(planner, "linux_raid_member",
		_("%s is part of a software RAID. That is left alone: Posada is on this disk only."),
		_("%s%s are parts of a software RAID. That is left alone: Posada is on this disk only."));
}

static int plan_alongside(struct planner *planner)
{
	const struct disk *disk = planner->disk;
	int ret;

	if (disk->table == TABLE_DAMAGED)
		return refuse_damaged(planner);
	if (disk->table == TABLE_NONE)
		return refuse(planner->plan,
			_("%s has no partition table, so there is nothing to install beside. Take the whole disk, if what is on it is not wanted."),
			disk->name);
	for (size_t i = 0; i < disk->part_count; i++) {
		const struct group *group =
			disks_find_group(planner->machine, disk->parts[i].group);

		ret = check_part(planner, &disk->parts[i]);
		for (size_t j = 0; !ret && group && j < group->volume_count; j++)
			ret = check_part(planner, &group->volumes[j]);
		if (ret)
			return ret;
	}
	note_sealed(planner);
	add_record(planner);
	ret = planner->machine->uefi ? plan_alongside_uefi(planner) : plan_alongside_bios(planner);
	if (ret)
		return ret;
	say(planner->plan->stays, _("every partition and file that is on %s now"), disk->name);
	return 0;
}

/* What a disk holds, in a few words, for whoever is about to lose it. */
static const char *contents(const struct disk *disk, char text[PLAN_TEXT / 2])
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < disk->part_count && used < PLAN_TEXT / 2; i++) {
		const struct part *part = &disk->parts[i];
		const char *name = *part->group ? part->group : part->label;

		if (part->posada || *part->system)
			used += (size_t)snprintf(text + used, PLAN_TEXT / 2 - used, ", %s",
				part->posada ? "Posada" : part->system);
		else if (*part->content)
			used += (size_t)snprintf(text + used, PLAN_TEXT / 2 - used, ", %s%s%s",
				part->content, *name ? " " : "", name);
		for (size_t j = 0; j < PART_MORE && used < PLAN_TEXT / 2; j++)
			if (*part->more[j].name)
				used += (size_t)snprintf(text + used, PLAN_TEXT / 2 - used, ", %s",
					part->more[j].name);
	}
	return text;
}

static void add_table(struct planner *planner)
{
	const struct disk *disk = planner->disk;
	struct plan_step *step = add(planner, PLAN_TABLE, disk->name);
	char size[32], text[PLAN_TEXT / 2];

	say(step->does, _("make a new partition table (GPT) on %s"), disk->name);
	say(step->touches, _("the whole of %s (%s%s): what is on it is lost"), disk->name,
		size_text(disk->size, size), contents(disk, text));
}

/* What a disk that is ours as a whole is made of. */
struct whole {
	const struct disk *disk;
	const struct plan_step *core, *payload;
	struct plan_step *data; /* NULL: there is no room for one */
};

/* A new table, and what is in it: BOOT bytes for the payload, and the rest up to END. */
static void add_whole(struct planner *planner, struct whole *whole, uint64_t boot, uint64_t end)
{
	bool travels = planner->wish->layout == PLAN_STICK;
	uint64_t at = 2 * ALIGNED;

	planner->disk = whole->disk;
	add_table(planner);
	whole->core = add_partition(planner, PLAN_BIOS_BOOT, 1, ALIGNED, ALIGNED, TYPE_BIOS_BOOT);
	whole->payload = add_partition(planner, PLAN_BOOT, 2, at, boot, TYPE_ESP);
	add_format(planner, whole->payload, "vfat");
	if (travels || at + boot >= end)
		return;
	whole->data = add_partition(planner, PLAN_DATA, 3, at + boot, end - at - boot,
		planner->mirror ? TYPE_LVM : TYPE_LINUX);
	if (!planner->mirror)
		add_format(planner, whole->data, "ext4");
}

/* What the larger of two disks has more than the smaller one stays as it is: of no use. */
static void note_unused(struct planner *planner, const struct disk *small)
{
	const struct disk *large = small == planner->disk ? planner->mirror : planner->disk;
	char text[32];

	if (large && large->size - small->size >= GIB)
		note(planner->plan, _("%s of %s stay unused, for the smaller disk decides."),
			size_text(large->size - small->size, text), large->name);
}

static int plan_whole(struct planner *planner)
{
	const struct disk *disk = planner->disk, *mirror = planner->mirror;
	const struct disk *small = mirror && mirror->size < disk->size ? mirror : disk;
	uint64_t least = boot_least(planner), boot = boot_wanted(planner);
	uint64_t end = small->size / ALIGNED * ALIGNED - ALIGNED, at = 2 * ALIGNED;
	struct whole wholes[] = {{.disk = disk}, {.disk = mirror}};
	bool travels = planner->wish->layout == PLAN_STICK;
	size_t count = mirror ? 2 : 1;
	char text[32], have[32];

	if (small->size < least + 4 * ALIGNED)
		return refuse(planner->plan, _("%s is too small: it has %s, and Posada needs %s."),
			small->name, room_text(small->size, have),
			size_text(least + 4 * ALIGNED, text));
	add_record(planner);
	/* A small disk is all ours; a larger one leaves the rest to guests and settings, and so
	 * does a stick of any size. */
	if (end - at < boot + GIB)
		boot = travels ? least : end - at;
	for (size_t i = 0; i < count; i++)
		add_whole(planner, &wholes[i], boot, end);
	planner->disk = disk;
	if (mirror && wholes[0].data)
		add_format(planner, add_mirror(planner, wholes[0].data, wholes[1].data), "ext4");
	for (size_t i = 0; i < count; i++) {
		planner->disk = wholes[i].disk;
		add_files(planner, wholes[i].payload);
		/* Either firmware starts it: the disk may move to another machine. */
		add_core(planner, wholes[i].core);
	}
	/* Whose entry is added last is in front; where none can be, that is told once. */
	for (size_t i = planner->machine->nvram ? count : 1;
		planner->machine->uefi && !travels && i-- > 0;) {
		planner->disk = wholes[i].disk;
		add_nvram(planner, wholes[i].payload->part);
	}
	for (size_t i = 0; i < count; i++) {
		planner->disk = wholes[i].disk;
		add_fallback(planner, wholes[i].payload->part);
	}
	planner->disk = disk;
	note_unused(planner, small);
	if (travels && end - at - boot >= PLACE_LEAST)
		note(planner->plan,
			_("%s of the stick stay free. Started from it, \"posada storage create\" makes that its data place."),
			size_text(end - at - boot, text));
	for (size_t i = 1; i < planner->plan->step_count; i++)
		say(planner->plan->steps[i].undo, _("none: what was on the disk is gone"));
	return 0;
}

/* The running system once more, on what can be carried to another machine. */
static int plan_stick(struct planner *planner)
{
	const struct disk *disk = planner->disk;

	if (!disks_is_stick(disk))
		return refuse(planner->plan,
			_("%s is no stick: it is not removable, and not on USB. Take the whole disk (--whole-disk), if what is on it is not wanted."),
			disk->name);
	return plan_whole(planner);
}

static int refuse_small_place(
	struct planner *planner, const char *name, uint64_t size, uint64_t least)
{
	char have[32], want[32];

	return refuse(planner->plan, _("%s is too small: it has %s, and a data place needs %s."),
		name, room_text(size, have), size_text(least, want));
}

/* A file system within a partition that is there. */
static int plan_place_in(struct planner *planner, const struct part *part)
{
	struct plan_step *step;
	char size[32];

	if (part->posada)
		return refuse(planner->plan,
			_("Posada itself is on %s. Choose another partition, or the free room of %s."),
			part->name, planner->disk->name);
	if (disks_is_container(part))
		return refuse(planner->plan,
			_("%s is an extended partition, which has other partitions in it. Choose one of those, or the free room of %s."),
			part->name, planner->disk->name);
	if (*part->guest)
		return refuse_guest(planner->plan, part->name, part->guest);
	if (*planner->disk->adopted)
		return refuse_adopted(planner->plan, part->name, planner->disk);
	if (*part->mounted || *part->group || !strcmp(part->content, "linux_raid_member"))
		return refuse(planner->plan,
			_("%s is in use. Release it, or choose another partition."), part->name);
	if (part->size < PLACE_LEAST)
		return refuse_small_place(planner, part->name, part->size, PLACE_LEAST);
	step = add(planner, PLAN_FORMAT, part->name);
	step->role = PLAN_DATA;
	step->number = part->number;
	step->start = part->start;
	step->size = part->size;
	choose_ext4(planner, step);
	say(step->does, _("make a file system (ext4) in %s"), part->name);
	say(step->touches, _("%s (%s%s%s%s%s): what is on it is lost"), part->name,
		size_text(part->size, size), *part->content ? ", " : "", part->content,
		*part->system ? ", " : "", part->system);
	say(step->undo, _("none: what was on %s is gone"), part->name);
	say(planner->plan->stays, _("every other partition of %s"), planner->disk->name);
	return 0;
}

/* A volume in the largest free piece that a group has on this disk. */
static int plan_place_volume(struct planner *planner)
{
	const struct disk *disk = planner->disk;
	const struct part *member = NULL;
	const struct plan_step *volume;
	char want[32], have[32];

	for (size_t i = 0; i < disk->part_count; i++)
		if (!strcmp(disk->parts[i].group, planner->wish->part) &&
			(!member || disk->parts[i].room > member->room))
			member = &disk->parts[i];
	if (member && *member->guest)
		return refuse_guest(planner->plan, member->name, member->guest);
	if (!member || !takes_volume(planner, PLAN_DATA, member))
		return refuse(planner->plan,
			_("The group %s has a volume %s already. Attach that, or remove it with lvremove."),
			planner->wish->part, PLACE_LABEL);
	if (member->room < PLACE_LEAST)
		return refuse(planner->plan,
			_("The group %s has no room: a data place needs %s in one piece, and the largest on %s is %s."),
			member->group, size_text(PLACE_LEAST, want), member->name,
			room_text(member->room, have));
	volume = add_volume(planner, PLAN_DATA, member, member->room);
	add_format(planner, volume, "ext4");
	say(planner->plan->stays, _("every volume and partition that is on %s now"), disk->name);
	return 0;
}

/* A partition in the free room; the medium that this host was started from has some too. */
static int plan_place(struct planner *planner)
{
	const struct disk *disk = planner->disk;
	struct plan_step *step;
	uint64_t start = 0, room;
	char text[32], have[32];
	unsigned number;

	for (size_t i = 0; planner->wish->part && i < disk->part_count; i++)
		if (!strcmp(disk->parts[i].name, planner->wish->part))
			return plan_place_in(planner, &disk->parts[i]);
	if (planner->wish->part && disks_find_group(planner->machine, planner->wish->part))
		return plan_place_volume(planner);
	if (planner->wish->part)
		return refuse(planner->plan, _("There is no partition %s."), planner->wish->part);
	if (planner->wish->whole && disk->medium)
		return refuse(planner->plan,
			_("%s is what this host was started from: only its free room can be a data place."),
			disk->name);
	if (planner->wish->whole) {
		uint64_t end = disk->size / ALIGNED * ALIGNED - ALIGNED;

		if (disk->size < PLACE_LEAST + 2 * ALIGNED)
			return refuse_small_place(
				planner, disk->name, disk->size, PLACE_LEAST + 2 * ALIGNED);
		add_table(planner);
		step = add_partition(planner, PLAN_DATA, 1, ALIGNED, end - ALIGNED, TYPE_LINUX);
		add_format(planner, step, "ext4");
		for (size_t i = 0; i < planner->plan->step_count; i++)
			say(planner->plan->steps[i].undo, _("none: what was on the disk is gone"));
		return 0;
	}
	if (disk->table == TABLE_DAMAGED)
		return refuse_damaged(planner);
	if (disk->table == TABLE_NONE)
		return refuse(planner->plan,
			_("%s has no partition table. Take the whole disk, if what is on it is not wanted."),
			disk->name);
	number = free_number(disk);
	room = largest_gap(disk, ALIGNED, &start);
	if (!number)
		return refuse(planner->plan,
			_("%s has no number left for one more partition. Choose one of its partitions, or another disk."),
			disk->name);
	if (room < PLACE_LEAST)
		return refuse(planner->plan,
			_("%s has no room: a data place needs %s in one piece that no partition has, and the largest is %s. Choose one of its partitions, or another disk."),
			disk->name, size_text(PLACE_LEAST, text), room_text(room, have));
	step = add_partition(planner, PLAN_DATA, number, start, room,
		disk->table == TABLE_DOS ? DOS_LINUX : TYPE_LINUX);
	say(step->undo, _("none that is needed: any partition tool removes %s"), step->part);
	add_format(planner, step, "ext4");
	say(planner->plan->stays, _("every partition and file that is on %s now"), disk->name);
	return 0;
}

/* --- A mirror that has lost a disk ---------------------------------------- */

/* Our partition on the disk that is left, rather the one that this host was started from. */
static const struct part *find_left(const struct planner *planner, const struct disk **disk)
{
	const struct machine *machine = planner->machine;
	const struct part *left = NULL;
	const struct disk *other;

	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++) {
			const struct part *part = &machine->disks[i].parts[j];

			/* What comes back after it was away may hold anything. */
			if (&machine->disks[i] == planner->disk || !*part->mirror ||
				(disks_find_twin(machine, part, &other) &&
					other != planner->disk) ||
				(left && !machine->disks[i].medium))
				continue;
			left = part;
			*disk = &machine->disks[i];
		}
	return left;
}

/* What a disk of a mirror is made of; whatever else is on it is not ours. */
struct pieces {
	const struct part *core, *boot;
	const struct part *data; /* NULL: nothing is kept on it */
};

static bool is_piece(const struct pieces *pieces, const struct part *part)
{
	return part == pieces->core || part == pieces->boot || part == pieces->data;
}

/* The volume that a mirror keeps in the group of MEMBER. */
static void mirror_volume(const struct part *member, char name[64])
{
	snprintf(name, 64, "%.40s/%s", member->group, PLACE_LABEL);
}

/* FALSE: it cannot be told what LVM keeps in a partition. */
static bool find_pieces(const struct machine *machine, const struct disk *left,
	const struct part *boot, struct pieces *pieces)
{
	char volume[64];
	bool known = true;

	*pieces = (struct pieces){.boot = boot};
	for (size_t i = 0; i < left->part_count; i++) {
		const struct part *part = &left->parts[i];

		if (!pieces->core && !strcmp(part->type, TYPE_BIOS_BOOT))
			pieces->core = part;
		if (strcmp(part->content, "LVM2_member") != 0)
			continue;
		mirror_volume(part, volume);
		if (!pieces->data && disks_find_volume(machine, volume))
			pieces->data = part;
		else if (!disks_find_group(machine, part->group))
			known = false;
	}
	return known || pieces->data;
}

/* What is kept may only be filled from a disk that is known to be whole. */
static int check_data(struct planner *planner, const struct disk *left, const struct part *member)
{
	const struct machine *machine = planner->machine;
	char volume[64];

	for (size_t i = 0; member && i < machine->disk_count; i++) {
		const struct disk *disk = &machine->disks[i];

		for (size_t j = 0; disk != left && j < disk->part_count; j++) {
			if (strcmp(disk->parts[j].group, member->group) != 0)
				continue;
			if (disk != planner->disk)
				return refuse(planner->plan,
					_("%s still holds a part of the mirror. Take it out, or have that disk taken in again."),
					disk->name);
			/* While the volume is at work without it, it is the one that is behind. */
			if (member->used)
				continue;
			/* One that the data place has moved away from is none to attach. */
			mirror_volume(member, volume);
			return refuse(planner->plan,
				_("%s holds a part of the mirror. Activate the mirror's volume first (lvm lvchange -ay %s): that shows which disk is whole."),
				disk->name, volume);
		}
	}
	return 0;
}

static void add_rejoin(
	struct planner *planner, const struct plan_step *data, const struct part *left)
{
	struct plan_step *step = add(planner, PLAN_REJOIN, "");

	mirror_volume(left, step->part);
	memcpy(step->on, data->part, sizeof(step->on));
	memcpy(step->with, left->name, sizeof(step->with));
	step->role = PLAN_DATA;
	step->size = data->size;
	say(step->does, _("have %s hold the logical volume %s too, in place of what is lost"),
		step->on, step->part);
	say(step->touches, _("%s, which is new; it is filled from %s while this host works"),
		step->on, step->with);
}

/* The pieces of the disk that is left once more; what is in them comes from it. */
static void repeat_pieces(
	struct planner *planner, const struct disk *left, const struct pieces *pieces)
{
	const struct plan_step *core = NULL, *payload = NULL, *data = NULL;
	struct plan_step *files;

	for (size_t i = 0; i < left->part_count; i++) {
		const struct part *part = &left->parts[i];
		const struct plan_step *step;

		if (!is_piece(pieces, part))
			continue;
		step = add_partition(planner,
			part == pieces->boot   ? PLAN_BOOT
			: part == pieces->core ? PLAN_BIOS_BOOT
					       : PLAN_DATA,
			part->number, part->start, part->size, part->type);
		if (part == pieces->core) {
			core = step;
		} else if (part == pieces->boot) {
			payload = step;
			add_format(planner, step, "vfat");
		} else {
			data = step;
		}
	}
	/* Whoever calls has seen that both are on it. */
	if (!payload || !core)
		return;
	add_files(planner, payload);
	files = &planner->plan->steps[planner->plan->step_count - 1];
	memcpy(files->with, pieces->boot->name, sizeof(files->with));
	say(files->does, _("copy Posada from %s into %s, read it back and compare"), files->with,
		files->part);
	add_core(planner, core);
	if (planner->machine->uefi)
		add_nvram(planner, payload->part);
	add_fallback(planner, payload->part);
	/* Last: as long as the volume lacks a disk, this one can be taken in once more. */
	if (data)
		add_rejoin(planner, data, pieces->data);
}

static int plan_repair(struct planner *planner)
{
	const struct disk *disk = planner->disk, *left = NULL;
	const struct part *from = find_left(planner, &left);
	struct plan *plan = planner->plan;
	struct pieces pieces;
	char want[32], have[32];
	uint64_t end = 0;
	bool known;
	int ret;

	if (!from)
		return refuse(plan,
			_("No mirror of this machine lacks a disk, so that %s is not needed."),
			disk->name);
	snprintf(plan->mirror, sizeof(plan->mirror), "%s", left->name);
	remember(left, &plan->seen[1]);
	plan->payload = from->size > from->room ? from->size - from->room : 0;
	known = find_pieces(planner->machine, left, from, &pieces);
	if (!pieces.core)
		return refuse(plan,
			_("%s is not as Posada has written it: a part of it is missing. Install again, onto both disks."),
			left->name);
	if (left->sector != disk->sector)
		return refuse_sectors(plan, left, disk);
	for (size_t i = 0; i < left->part_count; i++) {
		const struct part *part = &left->parts[i];

		if (is_piece(&pieces, part) && part->start + part->size > end)
			end = part->start + part->size;
	}
	if (end + ALIGNED > disk->size)
		return refuse(plan, _("%s is too small: it has %s, and %s has parts up to %s."),
			disk->name, room_text(disk->size, have), left->name,
			size_text(end + ALIGNED, want));
	if (!known)
		return refuse(plan,
			_("What LVM keeps on %s cannot be read. Start this host again, then try again."),
			left->name);
	ret = check_data(planner, left, pieces.data);
	if (ret)
		return ret;
	add_record(planner);
	add_table(planner);
	repeat_pieces(planner, left, &pieces);
	for (size_t i = 1; i < plan->step_count; i++)
		say(plan->steps[i].undo, _("none: what was on the disk is gone"));
	return 0;
}

/* --- The plan ----------------------------------------------------------- */

static const struct disk *find_disk(const struct machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		if (!strcmp(machine->disks[i].name, name))
			return &machine->disks[i];
	return NULL;
}

static int refuse_unknown(struct plan *plan, const char *name)
{
	return refuse(plan,
		_("There is no disk %s. \"posada install probe\" lists those there are."), name);
}

/* Whatever the disk holds is lost. */
static bool takes_all(const struct plan_wish *wish)
{
	return wish->layout != PLAN_ALONGSIDE && (wish->layout != PLAN_PLACE || wish->whole);
}

/* What makes a disk unfit whatever is wished. */
static int check_disk(struct planner *planner)
{
	const struct disk *disk = planner->disk;
	struct plan *plan = planner->plan;

	if (disk->read_only)
		return refuse(plan,
			_("%s can only be read. Release its write protection, or choose another disk."),
			disk->name);
	if (disk->failing)
		return refuse(plan, _("%s reports that it is failing. Replace it."), disk->name);
	/* A repair that was cut off may have left it so that it starts already. */
	if (disk->medium && plan->layout == PLAN_REPAIR)
		return refuse(plan,
			_("%s is what this host was started from. Choose another disk, or start from the mirror's other one first."),
			disk->name);
	if (disk->medium && plan->layout != PLAN_PLACE)
		return refuse(plan,
			_("%s is what this host was started from. Choose another disk."),
			disk->name);
	if (disk->in_use)
		return refuse(plan,
			_("%s is in use (mounted, swap, a guest's, or part of something that is active). Release it, then try again."),
			disk->name);
	if (*disk->guest)
		return refuse_guest(plan, disk->name, disk->guest);
	if (*disk->adopted && takes_all(planner->wish))
		return refuse_adopted(plan, disk->name, disk);
	/* Beside a partition that a guest has nothing of it is written. */
	for (size_t i = 0; i < disk->part_count && takes_all(planner->wish); i++)
		if (*disk->parts[i].guest)
			return refuse_guest(plan, disk->parts[i].name, disk->parts[i].guest);
	/* What nothing starts from can be on any disk. */
	if (plan->layout == PLAN_PLACE)
		return 0;
	if (planner->machine->secure_boot)
		return refuse(plan,
			_("Secure Boot is on, and Posada's boot loader is not signed yet. Switch Secure Boot off in the firmware's setup, then try again."));
	if (!planner->machine->uefi && disk->sector != 512)
		return refuse(plan,
			_("%s has sectors of %u bytes, from which a BIOS cannot start. Switch the firmware to UEFI, or choose another disk."),
			disk->name, disk->sector);
	return 0;
}

/* What makes two disks unfit for each other, or the second one for anything. A repair finds it
 * itself. */
static int check_mirror(struct planner *planner)
{
	const struct disk *disk = planner->disk, *mirror = planner->mirror;
	struct plan *plan = planner->plan;
	int ret;

	if (!*plan->mirror || plan->layout == PLAN_REPAIR)
		return 0;
	if (plan->layout != PLAN_WHOLE)
		return refuse(plan,
			_("Only an installation that takes the whole disk can be on two disks (--whole-disk)."));
	if (!mirror)
		return refuse_unknown(plan, plan->mirror);
	if (mirror == disk)
		return refuse(plan, _("%s cannot be its own mirror. Name two disks."), disk->name);
	if (mirror->sector != disk->sector)
		return refuse_sectors(plan, disk, mirror);
	planner->disk = mirror;
	ret = check_disk(planner);
	planner->disk = disk;
	return ret;
}

static int (*const layouts[PLAN_LAYOUTS])(struct planner *planner) = {
	plan_alongside, plan_whole, plan_stick, plan_place, plan_repair};

int plan_make(const struct machine *machine, const struct plan_wish *wish, struct plan *plan)
{
	struct planner planner = {machine, wish, find_disk(machine, wish->disk),
		wish->mirror ? find_disk(machine, wish->mirror) : NULL, plan};
	int ret;

	memset(plan, 0, sizeof(*plan));
	plan->layout = wish->layout;
	plan->uefi = machine->uefi;
	snprintf(plan->start, sizeof(plan->start), "%s", wish->start ? wish->start : "");
	plan->timeout = wish->timeout;
	plan->payload = wish->payload;
	snprintf(plan->disk, sizeof(plan->disk), "%s", wish->disk);
	snprintf(plan->mirror, sizeof(plan->mirror), "%s", wish->mirror ? wish->mirror : "");
	if (!planner.disk)
		return refuse_unknown(plan, plan->disk);
	remember(planner.disk, &plan->seen[0]);
	if (planner.mirror)
		remember(planner.mirror, &plan->seen[1]);
	plan->whole = wish->whole;
	snprintf(plan->part, sizeof(plan->part), "%s", wish->part ? wish->part : "");
	ret = check_disk(&planner);
	if (!ret)
		ret = check_mirror(&planner);
	if (!ret)
		ret = layouts[wish->layout](&planner);
	if (ret || wish->layout == PLAN_PLACE || wish->layout == PLAN_REPAIR)
		return ret;
	/* A stick meets other systems on every machine. */
	if (machine->uefi && wish->layout != PLAN_STICK)
		find_loaders(&planner);
	else if (wish->layout == PLAN_ALONGSIDE)
		find_sector0(&planner);
	ret = choose_start(plan);
	if (ret)
		return ret;
	note_origins_left(plan);
	note_bitlocker(&planner);
	note_no_updates(&planner);
	if (wish->layout == PLAN_ALONGSIDE && !plan->origin_count)
		note(plan,
			_("No system that can be started was found on %s: the boot menu will offer Posada alone."),
			plan->disk);
	return 0;
}

const struct plan_step *plan_find(const struct plan *plan, enum plan_action action)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].action == action)
			return &plan->steps[i];
	return NULL;
}

static void print_boot_menu(const struct plan *plan, FILE *out)
{
	fprintf(out, _("Boot menu, %u seconds: Posada%s"), plan->timeout, plan->first ? "" : " *");
	for (size_t i = 0; i < plan->origin_count; i++)
		fprintf(out, "; %s%s", plan->origins[i].title, plan->first == i + 1 ? " *" : "");
	fputc('\n', out);
}

int plan_print(const struct plan *plan, const struct machine *machine, FILE *out)
{
	const struct disk *disk = find_disk(machine, plan->disk);
	const struct disk *mirror =
		plan->layout == PLAN_WHOLE ? find_disk(machine, plan->mirror) : NULL;
	char size[32];

	if (*plan->refusal) {
		fprintf(out, "%s\n", plan->refusal);
		return fflush(out) || ferror(out) ? -EIO : 0;
	}
	if (plan->layout == PLAN_PLACE || plan->layout == PLAN_REPAIR)
		fprintf(out,
			plan->layout == PLAN_PLACE
				? _("A data place on %s (%s, serial %s, %s)\n")
				: _("%s (%s, serial %s, %s) becomes one of a mirror's two disks\n"),
			plan->disk, *disk->model ? disk->model : "-",
			*disk->serial ? disk->serial : "-", size_text(disk->size, size));
	else
		fprintf(out, _("Posada onto %s (%s, serial %s, %s), %s, for %s\n"), plan->disk,
			*disk->model ? disk->model : "-", *disk->serial ? disk->serial : "-",
			size_text(disk->size, size), plan_layout_names[plan->layout],
			plan->layout == PLAN_STICK ? _("BIOS and UEFI")
			: plan->uefi		   ? "UEFI"
						   : "BIOS");
	if (mirror)
		fprintf(out, _("The same onto %s (%s, serial %s, %s): either disk starts alone\n"),
			plan->mirror, *mirror->model ? mirror->model : "-",
			*mirror->serial ? mirror->serial : "-", size_text(mirror->size, size));
	for (size_t i = 0; i < plan->step_count; i++)
		fprintf(out, _("%2zu. %s\n    changes: %s\n    undo: %s\n"), i + 1,
			plan->steps[i].does, plan->steps[i].touches, plan->steps[i].undo);
	if (*plan->stays)
		fprintf(out, _("Stays as it is: %s\n"), plan->stays);
	for (size_t i = 0; i < machine->disk_count; i++)
		if (&machine->disks[i] != disk && &machine->disks[i] != mirror)
			fprintf(out, _("Stays as it is: %s (%s)\n"), machine->disks[i].name,
				size_text(machine->disks[i].size, size));
	if (plan->layout != PLAN_PLACE && plan->layout != PLAN_REPAIR)
		print_boot_menu(plan, out);
	for (size_t i = 0; i < plan->note_count; i++)
		fprintf(out, _("Note: %s\n"), plan->notes[i]);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

int plan_json(const struct plan *plan, FILE *out)
{
	struct json json = {.out = out};

	json_open(&json, NULL, '{');
	json_string(&json, "disk", plan->disk);
	json_string(&json, "mirror", *plan->mirror ? plan->mirror : NULL);
	json_string(&json, "layout", plan_layout_names[plan->layout]);
	json_string(&json, "firmware", plan->uefi ? "uefi" : "bios");
	json_string(&json, "refusal", *plan->refusal ? plan->refusal : NULL);
	json_open(&json, "steps", '[');
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		json_open(&json, NULL, '{');
		json_string(&json, "action", action_names[step->action]);
		json_string(&json, "on", step->part);
		json_number(&json, "start", (int64_t)step->start);
		json_number(&json, "size", (int64_t)step->size);
		json_string(&json, "type", *step->type ? step->type : NULL);
		json_string(&json, "content", *step->content ? step->content : NULL);
		if (step->guarded)
			json_bool(&json, "guarded", true);
		json_string(&json, "does", step->does);
		json_string(&json, "touches", step->touches);
		json_string(&json, "undo", step->undo);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_string(&json, "stays", *plan->stays ? plan->stays : NULL);
	json_open(&json, "boot_menu", '[');
	json_string(&json, NULL, "Posada");
	for (size_t i = 0; i < plan->origin_count; i++)
		json_string(&json, NULL, plan->origins[i].title);
	json_close(&json, ']');
	json_string(
		&json, "default", plan->first ? plan->origins[plan->first - 1].title : "Posada");
	json_number(&json, "timeout", plan->timeout);
	json_open(&json, "notes", '[');
	for (size_t i = 0; i < plan->note_count; i++)
		json_string(&json, NULL, plan->notes[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	return fflush(out) || ferror(out) ? -EIO : 0;
}
