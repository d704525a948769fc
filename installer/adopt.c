/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides how a disk looks to its own system when that is a guest; touches nothing. */
#include "adopt.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libintl.h>
#include <stdarg.h>
#include <string.h>
#include "place.h"
#include "plan.h"

#define _(text) gettext(text)

#define MIB    ((uint64_t)1 << 20)
#define SECTOR 512

/* What programs look at in front of the first partition and behind the last one: copies of tables,
 * marks of arrays and of what else may have a disk as a whole. */
#define HEAD (4 * MIB)
#define TAIL (4 * MIB)

/* How a file system of ours is called. */
#define OWN_LABEL "POSADA"

struct adopter {
	const struct machine *machine;
	const struct adopt_wish *wish;
	const struct disk *disk;
	struct adopt *adopt;
};

static int refuse(struct adopter *adopter, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(struct adopter *adopter, const char *format, ...)
{
	struct adopt *adopt = adopter->adopt;
	va_list args;

	va_start(args, format);
	vsnprintf(adopt->refusal, sizeof(adopt->refusal), format, args);
	va_end(args);
	adopt->piece_count = adopt->hidden_count = 0;
	return -EPERM;
}

/* --- What is whose ------------------------------------------------------ */

/* A piece of something that may lie on several disks. */
static bool is_array(const struct part *part)
{
	/* Of Windows: dynamic disks, and its storage spaces. */
	static const char *const types[] = {"42", "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3",
		"af9b60a0-1431-4f62-bc68-3311714a69ad", "e75caf8f-f680-4cee-afa3-b001e56efc2d"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(part->type, types[i]))
			return true;
	return strstr(part->content, "_raid_member");
}

/* Also what was one, or was to be one, has the host's keys. */
static bool is_place(const struct part *part)
{
	return !strcmp(part->content, "ext4") &&
	       (!strcmp(part->label, PLACE_LABEL) || !strcmp(part->label, PLACE_MOVED) ||
		       !strcmp(part->label, PLACE_PARTIAL));
}

/* The record tells whose it is, whatever can be read in it. */
static bool is_recorded(const struct adopter *adopter, const struct part *part)
{
	return part->number && part->number == adopter->wish->own_number;
}

static bool is_posadas(const struct adopter *adopter, const struct part *part)
{
	return (!strcmp(part->label, OWN_LABEL) &&
		       (part->posada || !strcmp(part->content, "vfat"))) ||
	       is_place(part) || (part->number && part->number == adopter->wish->core_number) ||
	       is_recorded(adopter, part);
}

/* Volumes lie where their group's members do. */
static bool is_volume_of(const struct disk *disk, const struct group *group)
{
	for (size_t i = 0; i < disk->part_count; i++)
		if (!strcmp(disk->parts[i].group, group->name))
			return true;
	return false;
}

static const char *find_system(const struct adopter *adopter)
{
	const struct machine *machine = adopter->machine;
	const struct disk *disk = adopter->disk;

	for (size_t i = 0; i < disk->part_count; i++)
		if (*disk->parts[i].system && !is_posadas(adopter, &disk->parts[i]))
			return disk->parts[i].system;
	for (size_t i = 0; i < machine->group_count; i++)
		for (size_t j = 0; j < machine->groups[i].volume_count; j++)
			if (is_volume_of(disk, &machine->groups[i]) &&
				*machine->groups[i].volumes[j].system)
				return machine->groups[i].volumes[j].system;
	return _("The system that was here");
}

/* The ESP with the system's loader, or NULL. */
static const struct part *find_loader(const struct adopter *adopter)
{
	const struct disk *disk = adopter->disk;
	const struct part *esp = NULL;

	for (size_t i = 0; i < disk->part_count; i++)
		if (*disk->parts[i].loader && !is_posadas(adopter, &disk->parts[i]) &&
			(!esp || (disk->parts[i].fallback && !esp->fallback)))
			esp = &disk->parts[i];
	return esp;
}

/* The same, if a guest's firmware shall start it. */
static const struct part *find_esp(const struct adopter *adopter)
{
	return adopter->adopt->uefi ? find_loader(adopter) : NULL;
}

static bool is_uefi(const struct adopter *adopter)
{
	bool loader = find_loader(adopter);

	return loader == adopter->disk->boot_code ? adopter->machine->uefi : loader;
}

/* --- Whether it can be done --------------------------------------------- */

static int refuse_unseen(struct adopter *adopter, const struct part *part)
{
	return refuse(adopter,
		_("%s could not be looked into, so that nobody knows whether Posada lies in it, or a system sleeps in it. Have its file system checked by its own system, or try again when nothing uses it."),
		part->name);
}

static int refuse_guest(struct adopter *adopter, const char *name, const char *guest)
{
	return refuse(adopter,
		_("%s is a disk of the guest %s already, and two would destroy it. Take it away from that guest, or delete that guest, first."),
		name, guest);
}

/* The group of MEMBER: its other volumes are the guest's, so that it must be the guest's alone. */
static int check_group(struct adopter *adopter, const struct part *member)
{
	const struct machine *machine = adopter->machine;
	const struct group *group = disks_find_group(machine, member->group);

	/* Which of its bytes are Posada's nobody tells then. */
	if (!group && !strcmp(member->content, "LVM2_member"))
		return refuse(adopter,
			_("The volume group on %s cannot be read, so that nobody knows what of it is Posada's. See what \"lvm vgs\" and \"lvm pvs\" say, then try again."),
			member->name);
	for (size_t i = 0; i < machine->disk_count && *member->group; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++)
			if (&machine->disks[i] != adopter->disk &&
				!strcmp(machine->disks[i].parts[j].group, member->group))
				return refuse(adopter,
					_("The volume group %s is also on %s: its system needs both disks, and a guest gets %s alone. Start it natively."),
					member->group, machine->disks[i].parts[j].name,
					adopter->disk->name);
	for (size_t i = 0; group && i < group->volume_count; i++) {
		const struct part *volume = &group->volumes[i];
		const char *name = strchr(volume->name, '/');

		if (is_place(volume) || (name && !strcmp(name + 1, PLACE_LABEL)))
			return refuse(adopter,
				_("Posada's data place is the volume %s, in the group of the system itself, which would be changed by two. Move the data place to another disk (\"posada storage move\"), remove that volume (lvm lvremove), then try again."),
				volume->name);
		if (volume->posada && !volume->ours)
			return refuse(adopter,
				_("Posada lies in the file system of the system itself (%s), which could remove what this host starts from. Give Posada a partition of its own: undo the installation, make room, and install again."),
				volume->name);
		if (volume->ours && strcmp(volume->on, member->name) != 0 && !*volume->on)
			return refuse(adopter,
				_("Posada's volume %s is not in one piece, so that it cannot be kept from the guest. Start the system natively."),
				volume->name);
		if (*volume->guest)
			return refuse_guest(adopter, volume->name, volume->guest);
		if (volume->hibernated)
			return refuse(adopter,
				_("The system on %s sleeps, and does not wake on another machine, which a guest is. Start it natively and shut it down, then try again."),
				volume->name);
		if (volume->unseen)
			return refuse_unseen(adopter, volume);
	}
	return 0;
}

static int check_part(struct adopter *adopter, const struct part *part)
{
	const struct disk *disk = adopter->disk;

	if (part->unfinished)
		return refuse(adopter,
			_("An installation of Posada on %s was broken off. Take it back with \"posada install undo %s\", then try again."),
			part->name, disk->name);
	/* How Posada begins to start, and where, is told within; a data place tells nothing. */
	if (is_posadas(adopter, part))
		return part->unseen && !is_place(part) && !is_recorded(adopter, part)
			       ? refuse_unseen(adopter, part)
			       : 0;
	if (disks_is_container(part))
		return 0;
	if (part->posada && part != find_esp(adopter))
		return refuse(adopter,
			_("Posada lies in the file system of the system itself (%s), which could remove what this host starts from. Give Posada a partition of its own: undo the installation, make room, and install again."),
			part->name);
	if (*part->mounted)
		return refuse(adopter,
			_("%s is mounted on %s, and two would destroy it. Unmount it, then try again."),
			part->name, part->mounted);
	if (part->used)
		return refuse(adopter,
			_("%s is in use: by a guest that runs, or as part of something that is active (\"lvm vgchange -an\" lets go of a volume group). Release it, then try again."),
			part->name);
	if (*part->guest)
		return refuse_guest(adopter, part->name, part->guest);
	if (part->hibernated)
		return refuse(adopter,
			_("The system on %s sleeps, and does not wake on another machine, which a guest is. Start it natively and shut it down (Windows: shutdown /s /f /t 0), then try again."),
			part->name);
	if (is_array(part))
		return refuse(adopter,
			_("%s is part of an array over several disks, of which a guest would have one. Start the system natively."),
			part->name);
	if (part->unseen)
		return refuse_unseen(adopter, part);
	return check_group(adopter, part);
}

static int check_loader(struct adopter *adopter)
{
	const struct disk *disk = adopter->disk;
	const struct part *esp = find_esp(adopter);

	if (!adopter->adopt->uefi && !disk->boot_code)
		return refuse(adopter,
			_("No system on %s can be started: its sector 0 holds no boot code."),
			disk->name);
	if (adopter->adopt->uefi && !esp)
		return refuse(adopter, _("No system on %s can be started: no ESP has its loader."),
			disk->name);
	/* Firmware that keeps no entries starts the one loader that it knows the path of. */
	if (!esp || (!esp->posada && esp->fallback))
		return 0;
	if (esp->kernels && !adopter->wish->trial)
		return refuse(adopter,
			_("The system on %s keeps its kernels in the ESP %s, of which a guest has only a copy: after an update of the kernel it would not start natively any more. Try it out (--trial), or start it natively."),
			disk->name, esp->name);
	adopter->adopt->esp = *esp;
	return 0;
}

/* What cannot be helped, and is to be known. */
static void note(struct adopter *adopter)
{
	struct adopt *adopt = adopter->adopt;
	const struct disk *disk = adopter->disk;
	bool sealed = false;

	for (size_t i = 0; i < disk->part_count; i++)
		sealed |= !strcmp(disk->parts[i].content, "BitLocker");
	if (sealed)
		snprintf(adopt->note, sizeof(adopt->note),
			_("A partition is encrypted by BitLocker, whose keys are not in a guest: Windows asks for its recovery key there. Have that at hand, or suspend BitLocker natively first."));
	else if (*adopt->esp.name && !adopter->wish->trial)
		snprintf(adopt->note, sizeof(adopt->note),
			_("The guest has a copy of the ESP %s: what it changes there, such as a loader that it updates, is gone when it is switched off or restarted. Update the loader natively."),
			adopt->esp.name);
}

static int check(struct adopter *adopter)
{
	const struct disk *disk = adopter->disk;
	size_t parts = 0;
	int ret = 0;

	if (disk->table != TABLE_GPT && disk->table != TABLE_DOS)
		return refuse(adopter,
			_("%s has no partition table that could be presented to a guest."),
			disk->name);
	if (!*disk->table_uuid || !strcmp(disk->table_uuid, "00000000"))
		return refuse(adopter,
			_("The partition table of %s has no identity by which the disk could be found again. Give it one (sfdisk --disk-id), then try again."),
			disk->name);
	for (size_t i = 0; i < adopter->machine->disk_count; i++)
		if (&adopter->machine->disks[i] != disk &&
			!strcmp(adopter->machine->disks[i].table_uuid, disk->table_uuid))
			return refuse(adopter,
				_("%s and %s are copies of one another: their tables have the same identity. Take one of them out, or give it another identity (sfdisk --disk-id)."),
				disk->name, adopter->machine->disks[i].name);
	if (disk->sector != SECTOR)
		return refuse(adopter,
			_("%s has sectors of %u bytes, and a guest's disk has sectors of 512: it would not find its partitions. Start its system natively."),
			disk->name, disk->sector);
	if (disk->read_only && !adopter->wish->trial)
		return refuse(adopter,
			_("%s can only be read. Release its write protection, or try it out (--trial)."),
			disk->name);
	if (disk->taken)
		return refuse(adopter,
			_("%s as a whole is in use, by a guest that runs or as part of something that is active. Release it, then try again."),
			disk->name);
	if (*disk->guest)
		return refuse_guest(adopter, disk->name, disk->guest);
	for (size_t i = 0; !ret && i < disk->part_count; i++) {
		ret = check_part(adopter, &disk->parts[i]);
		parts += !is_posadas(adopter, &disk->parts[i]) && *disk->parts[i].content &&
			 strcmp(disk->parts[i].content, "iso9660") != 0;
	}
	if (!ret && !parts)
		ret = refuse(adopter, _("There is no system on %s beside Posada."), disk->name);
	return ret ? ret : check_loader(adopter);
}

/* --- The pieces --------------------------------------------------------- */

/* What is from where the last piece ends up to END. */
static struct adopt_piece *put(struct adopt *adopt, enum adopt_source source, uint64_t end)
{
	struct adopt_piece *last =
		adopt->piece_count ? &adopt->pieces[adopt->piece_count - 1] : NULL;
	uint64_t start = last ? last->start + last->size : 0;

	if (end <= start)
		return NULL;
	if (last && last->source == source && source != ADOPT_PART && source != ADOPT_ESP) {
		last->size = end - last->start;
		return last;
	}
	/* The last one can grow, so that the disk is covered whole: the caller sees that it is
	 * full. */
	if (adopt->piece_count == ADOPT_PIECES)
		return NULL;
	last = &adopt->pieces[adopt->piece_count++];
	*last = (struct adopt_piece){.source = source, .start = start, .size = end - start};
	return last;
}

/* Of the disk as a whole, what is in no partition that the guest has. */
static void put_nothing(struct adopt *adopt, uint64_t end)
{
	put(adopt, ADOPT_PRIVATE, end < HEAD ? end : HEAD);
	put(adopt, ADOPT_NOTHING, end);
}

static void put_part(struct adopt *adopt, const struct part *part, uint64_t end)
{
	bool copied = *adopt->esp.name && part->number == adopt->esp.number;
	struct adopt_piece *piece = put(adopt, copied ? ADOPT_ESP : ADOPT_PART, end);

	if (!piece)
		return;
	memcpy(piece->part, part->name, sizeof(piece->part));
	piece->at = piece->start - part->start;
}

/* Our volume in MEMBER that begins next from AT on, or NULL. */
static const struct part *next_volume(
	const struct adopter *adopter, const struct part *member, uint64_t at)
{
	const struct group *group = disks_find_group(adopter->machine, member->group);
	const struct part *next = NULL;

	for (size_t i = 0; group && i < group->volume_count; i++) {
		const struct part *volume = &group->volumes[i];

		if (volume->ours && !strcmp(volume->on, member->name) && volume->start >= at &&
			(!next || volume->start < next->start))
			next = volume;
	}
	return next;
}

/* A partition of the system's, but for what Posada has within it. */
static void put_member(struct adopter *adopter, const struct part *part)
{
	const struct part *volume = next_volume(adopter, part, 0);

	while (volume) {
		put_part(adopter->adopt, part, part->start + volume->start);
		put(adopter->adopt, ADOPT_NOTHING, part->start + volume->start + volume->size);
		volume = next_volume(adopter, part, volume->start + volume->size);
	}
	put_part(adopter->adopt, part, part->start + part->size);
}

/* The table, and what is in front of the first partition. */
static void put_head(struct adopter *adopter)
{
	const struct disk *disk = adopter->disk;
	uint64_t first = disk->parts[0].start, core = adopter->wish->core;

	if (disk->table == TABLE_GPT) {
		put(adopter->adopt, ADOPT_PRIVATE, first < disk->first ? first : disk->first);
		return;
	}
	put(adopter->adopt, ADOPT_PRIVATE, SECTOR);
	/* The system's own GRUB lies there, and is brought up to date by it. */
	if (core >= SECTOR && core < first) {
		put(adopter->adopt, ADOPT_DISK, core);
		put(adopter->adopt, ADOPT_PRIVATE,
			core + PLAN_CORE_MOST < first ? core + PLAN_CORE_MOST : first);
	}
	put(adopter->adopt, ADOPT_DISK, first);
}

static void put_tail(struct adopter *adopter)
{
	const struct disk *disk = adopter->disk;
	uint64_t tail = disk->size > TAIL ? (disk->size - TAIL) / SECTOR * SECTOR : 0;

	put_nothing(adopter->adopt, tail);
	put(adopter->adopt, ADOPT_PRIVATE, disk->size);
}

static int hide(struct adopter *adopter, const struct part *part)
{
	struct adopt *adopt = adopter->adopt;

	/* One within an extended partition is seen by the guest, but has nothing in it. */
	if (part->logical)
		return 0;
	if (adopt->hidden_count == ADOPT_HIDDEN)
		return refuse(adopter, _("%s has too many partitions of Posada's."), adopt->disk);
	adopt->hidden[adopt->hidden_count].number = part->number;
	adopt->hidden[adopt->hidden_count++].start = part->start;
	return 0;
}

static int put_parts(struct adopter *adopter)
{
	const struct disk *disk = adopter->disk;
	struct adopt *adopt = adopter->adopt;
	uint64_t container = 0; /* where the extended partition ends */
	int ret = 0;

	for (size_t i = 0; !ret && i < disk->part_count; i++) {
		const struct part *part = &disk->parts[i];

		if (is_posadas(adopter, part)) {
			ret = hide(adopter, part);
			/* What is around it within the extended partition is not the guest's disk
			 * any more. */
			if (part->logical) {
				put(adopt, ADOPT_DISK, part->start);
				put(adopt, ADOPT_NOTHING, part->start + part->size);
			}
			continue;
		}
		/* The chain of tables within an extended partition lies between the logical ones.
		 */
		put(adopt, ADOPT_DISK, part->start < container ? part->start : container);
		put_nothing(adopt, part->start);
		if (disks_is_container(part))
			container = part->start + part->size;
		else
			put_member(adopter, part);
	}
	put(adopt, ADOPT_DISK, container);
	return ret;
}

static const struct disk *find_disk(const struct machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		if (!strcmp(machine->disks[i].name, name))
			return &machine->disks[i];
	return NULL;
}

bool adopt_is_uefi(const struct machine *machine, const struct disk *disk)
{
	const struct adopt_wish wish = {.disk = disk->name};
	const struct adopter adopter = {machine, &wish, disk, NULL};

	return is_uefi(&adopter);
}

int adopt_plan(const struct machine *machine, const struct adopt_wish *wish, struct adopt *adopt)
{
	struct adopter adopter = {machine, wish, find_disk(machine, wish->disk), adopt};
	int ret;

	memset(adopt, 0, sizeof(*adopt));
	snprintf(adopt->disk, sizeof(adopt->disk), "%s", wish->disk);
	if (!adopter.disk)
		return refuse(&adopter,
			_("There is no disk %s. \"posada guest adopt list\" shows those there are."),
			adopt->disk);
	adopt->size = adopter.disk->size;
	adopt->uefi = is_uefi(&adopter);
	adopt->first = adopter.disk->table == TABLE_GPT ? adopter.disk->first : SECTOR;
	adopt->last = adopter.disk->table == TABLE_GPT ? adopter.disk->last : adopt->size;
	snprintf(adopt->system, sizeof(adopt->system), "%s", find_system(&adopter));
	ret = check(&adopter);
	if (ret)
		return ret;
	note(&adopter);
	put_head(&adopter);
	ret = put_parts(&adopter);
	if (ret)
		return ret;
	put_tail(&adopter);
	if (adopt->piece_count == ADOPT_PIECES)
		return refuse(&adopter, _("%s has too many partitions."), adopt->disk);
	return 0;
}

void adopt_name(const struct adopt *adopt, bool trial, char name[ADOPT_NAME])
{
	const char *word = adopt->system;
	size_t length = 0;

	while (length < 32 && isascii(word[length]) && isalnum(word[length])) {
		name[length] = (char)tolower(word[length]);
		length++;
	}
	name[length] = '\0';
	snprintf(name + length, ADOPT_NAME - length, "%s%s", length ? "" : "adopted",
		trial ? "-trial" : "");
}

int adopt_table(const struct adopt *adopt, const struct adopt_devices *devices, FILE *out)
{
	const char *const paths[] = {[ADOPT_PRIVATE] = devices->private_copy,
		[ADOPT_DISK] = devices->disk,
		[ADOPT_ESP] = devices->esp};

	for (size_t i = 0; i < adopt->piece_count; i++) {
		const struct adopt_piece *piece = &adopt->pieces[i];
		uint64_t start = piece->start / SECTOR, size = piece->size / SECTOR;

		fprintf(out, "%" PRIu64 " %" PRIu64 " ", start, size);
		if (piece->source == ADOPT_NOTHING)
			fputs("error\n", out);
		else if (piece->source == ADOPT_PART)
			fprintf(out, "linear %s/%s %" PRIu64 "\n", devices->parts, piece->part,
				piece->at / SECTOR);
		else
			fprintf(out, "linear %s %" PRIu64 "\n", paths[piece->source],
				piece->source == ADOPT_ESP ? piece->at / SECTOR : start);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}
