/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts a new version beside the one that is good, and keeps or forgets it. */
#include "versions.h"

#include <errno.h>
#include <libintl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "loader.h"
#include "text.h"
#include "work.h"

#define _(text) gettext(text)

/* What a file system needs beside the bytes of our files. */
#define ROOM_BESIDE ((uint64_t)1 << 20)

const char *const version_states[VERSION_STATES] = {"none", "good", "other", "next", "tried"};

void versions_boot(const char *command_line, struct versions_boot *boot)
{
	static const char slot[] = "posada.slot=", medium[] = "posada.medium=";
	const char *at = strstr(command_line, slot), *known = strstr(command_line, medium);
	char name = at ? at[strlen(slot)] : 0;

	boot->slot = name == 'a' || name == 'b' ? name : 0;
	boot->trial = boot->slot && strstr(command_line, "posada.trial=1");
	known = known ? known + strlen(medium) : "";
	snprintf(boot->medium, sizeof(boot->medium), "%.*s", (int)strcspn(known, " \n"), known);
}

void versions_this_boot(struct versions_boot *boot)
{
	char line[4096] = "";
	FILE *file = fopen("/proc/cmdline", "re");

	if (file && !fgets(line, sizeof(line), file))
		*line = '\0';
	if (file)
		fclose(file);
	versions_boot(line, boot);
}

/* GRUB writes to a FAT partition, and to nothing else that it can start from. */
static bool takes_updates(const struct part *part)
{
	return part->number && !strcmp(part->content, "vfat");
}

/* A CD's image, also on a stick, is no installation; one that takes updates is preferred. */
static const struct part *better(const struct part *part, const struct part *than)
{
	return part->posada && strcmp(part->content, "iso9660") != 0 &&
			       (!than || (takes_updates(part) && !takes_updates(than)))
		       ? part
		       : than;
}

/* What of DISK has Posada: a partition, or a volume that lies on one. */
static const struct part *find_installation(const struct machine *machine, const struct disk *disk)
{
	const struct part *found = NULL;

	for (size_t i = 0; i < disk->part_count; i++) {
		const struct part *part = &disk->parts[i];
		const struct group *group = disks_find_group(machine, part->group);

		found = better(part, found);
		for (size_t j = 0; group && j < group->volume_count; j++)
			if (!strcmp(group->volumes[j].on, part->name))
				found = better(&group->volumes[j], found);
	}
	return found;
}

const struct part *versions_find(const struct machine *machine, const char *name,
	const struct disk **disk, char why[APPLY_TEXT])
{
	const struct part *found = NULL;

	*disk = NULL;
	for (size_t i = 0; i < machine->disk_count && !*disk; i++) {
		const struct disk *at = &machine->disks[i];

		found = find_installation(machine, at);
		if (name ? !strcmp(at->name, name) : at->medium && found)
			*disk = at;
	}
	if (*disk && found && takes_updates(found))
		return found;
	if (*disk && found)
		snprintf(why, APPLY_TEXT,
			_("%s is an installation without a way back: the boot loader cannot write to its file system (%s). Undo it and install the new version from its own medium."),
			found->name, *found->on ? "LVM" : found->content);
	else if (*disk)
		snprintf(why, APPLY_TEXT, _("There is no installation of Posada on %s."),
			(*disk)->name);
	else if (name)
		snprintf(why, APPLY_TEXT, _("There is no disk %s."), name);
	else
		snprintf(why, APPLY_TEXT,
			_("This host was not started from an installation. Say which disk has one (--disk DISK)."));
	return NULL;
}

void versions_find_twin(
	const struct machine *machine, const struct part *part, struct versions_twin *twin)
{
	const struct disk *disk;

	twin->part = disks_find_twin(machine, part, &disk);
	twin->disk = twin->part ? disk->name : NULL;
}

/* --- What is there ------------------------------------------------------ */

/* A file of a version as it is, and as it is while it is written. */
static const char *const endings[] = {"", ".new"};

#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

static void slot_path(
	struct work *work, char slot, const char *file, const char *ending, char path[PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), LOADER_VERSIONS "/%c/%s%s", slot, file, ending);
	work_path(work, name, path);
}

/* A version has its entries when all of it is there. */
static bool read_version(struct work *work, char slot, char version[64])
{
	char path[PATH_MAX], line[128] = "";
	size_t head = strlen(LOADER_ENTRIES_HEAD);
	FILE *file;

	slot_path(work, slot, LOADER_ENTRIES, "", path);
	file = fopen(path, "re");
	if (file && !fgets(line, sizeof(line), file))
		*line = '\0';
	if (file)
		fclose(file);
	if (strncmp(line, LOADER_ENTRIES_HEAD, head) != 0)
		return false;
	line[strcspn(line, "\n")] = '\0';
	posada_text_clean(line + head, version, 64);
	return *version;
}

static void look(struct work *work, struct versions *versions)
{
	char path[PATH_MAX];

	memset(versions, 0, sizeof(*versions));
	work_path(work, LOADER_ENVIRONMENT, path);
	versions->env_damaged = grubenv_read(path, &versions->env) != 0;
	for (size_t i = 0; i < VERSIONS; i++)
		if (read_version(work, (char)('a' + i), versions->slots[i].version))
			versions->slots[i].state = VERSION_OTHER;
	/* As GRUB's configuration has it. */
	if (!versions->env.slot)
		versions->env.slot = 'a';
	if (!versions->slots[versions->env.slot - 'a'].state)
		versions->env.slot = versions->env.slot == 'a' ? 'b' : 'a';
	for (size_t i = 0; i < VERSIONS; i++) {
		char slot = (char)('a' + i);

		if (!versions->slots[i].state)
			continue;
		if (slot == versions->env.slot)
			versions->slots[i].state = VERSION_GOOD;
		else if (slot == versions->env.trial)
			versions->slots[i].state = VERSION_NEXT;
		else if (slot == versions->env.tried)
			versions->slots[i].state = VERSION_TRIED;
	}
}

/* A struct work for the files on PART of DISK, which nobody else installs on meanwhile; its name
 * stands in STEP. */
static int begin(struct work *work, const char *disk, const struct part *part,
	const struct apply_options *options, struct plan_step *step)
{
	int ret;

	work_open(work, options);
	snprintf(step->part, sizeof(step->part), "%s", part->name);
	work->step = step;
	work_device(work, disk, work->device);
	/* Two versions are on nothing else. */
	work_choose(work, part->name, "", "vfat");
	ret = work_claim_files(work);
	if (!ret)
		ret = work_see_partition(work, part->name, part->start, part->size);
	return ret;
}

int versions_read(const char *disk, const struct part *part, const struct apply_options *options,
	struct versions *versions, char why[APPLY_TEXT])
{
	struct work *work = calloc(1, sizeof(*work));
	struct plan_step step = {0};
	int ret;

	*why = '\0';
	if (!work)
		return -ENOMEM;
	work->why = why;
	ret = begin(work, disk, part, options, &step);
	if (!ret)
		ret = work_mount(work, true);
	if (!ret)
		look(work, versions);
	ret = work_unmount(work, ret);
	work_close(work);
	return ret;
}

static int write_environment(struct work *work, const struct grubenv *env)
{
	char path[PATH_MAX];
	int ret;

	work_path(work, LOADER_ENVIRONMENT, path);
	ret = grubenv_write(path, env);
	if (!ret)
		ret = work_sync(work);
	return ret ? work_fail(work, ret,
			     _("the boot loader's environment on %s cannot be written: %s"),
			     work->step->part, strerror(-ret))
		   : 0;
}

/* --- The other disk of a mirror ------------------------------------------ */

/* The other disk, mounted, with what is on it; NULL when there is none, or none to work with. */
struct twin {
	struct work *work;
	struct versions versions;
	struct plan_step step;
	char why[APPLY_TEXT];
};

/* What cannot be flushed is told, and the twin's why has it. */
static int close_twin(const struct work *work, struct twin *twin)
{
	int ret;

	if (!twin->work)
		return 0;
	ret = work_unmount(twin->work, 0);
	work_close(twin->work);
	twin->work = NULL;
	if (ret)
		work_notice(work, _("%s of the mirror could not be written: %s."), twin->step.part,
			twin->why);
	return ret;
}

/* The host goes on without it. */
static void drop_twin(const struct work *work, struct twin *twin)
{
	work_unmount(twin->work, -EIO);
	work_close(twin->work);
	twin->work = NULL;
	work_notice(work,
		_("%s of the mirror could not be written: %s. This host goes on with %s alone."),
		twin->step.part, twin->why, work->step->part);
}

static void open_twin(const struct work *work, const struct part *part,
	const struct versions_twin *place, struct twin *twin)
{
	int ret;

	memset(twin, 0, sizeof(*twin));
	if (!*part->mirror)
		return;
	if (!place->part) {
		work_notice(work,
			_("The other disk of the mirror is missing: this host goes on with %s alone. Put a disk in its place, and have it taken in: posada storage repair DISK"),
			part->name);
		return;
	}
	twin->work = calloc(1, sizeof(*twin->work));
	if (!twin->work)
		return;
	twin->work->why = twin->why;
	ret = begin(twin->work, place->disk, place->part, work->options, &twin->step);
	if (!ret)
		ret = work_mount(twin->work, false);
	if (ret)
		drop_twin(work, twin);
	else
		look(twin->work, &twin->versions);
}

/* Does the other disk have in that slot what this one has? If not, no more is done to it. */
static bool is_same(const struct versions *versions, const struct twin *twin, char slot)
{
	return !strcmp(
		versions->slots[slot - 'a'].version, twin->versions.slots[slot - 'a'].version);
}

static const char *good_version(const struct versions *versions)
{
	const char *version = versions->slots[versions->env.slot - 'a'].version;

	return *version ? version : "-";
}

static void tell_different(
	const struct work *work, const struct versions *versions, struct twin *twin)
{
	work_notice(work,
		_("%s and %s of the mirror hold different versions of Posada: the first starts %s, the other %s. To have on both what is on %s: posada install mirror"),
		work->step->part, twin->step.part, good_version(versions),
		good_version(&twin->versions), work->step->part);
	close_twin(work, twin);
}

/* --- A new one ---------------------------------------------------------- */

struct incoming {
	struct update_source *source;
	struct work *from; /* whose file it is that is copied; NULL: the source's */
	char slot;
	size_t number;
};

static int copy_file(const struct incoming *incoming, FILE *out)
{
	char path[PATH_MAX], buffer[65536];
	size_t got;
	FILE *in;
	int ret = 0;

	slot_path(incoming->from, incoming->slot, update_names[incoming->number], "", path);
	in = fopen(path, "rbe");
	if (!in)
		return -errno;
	while (!ret && (got = fread(buffer, 1, sizeof(buffer), in)))
		if (fwrite(buffer, 1, got, out) != got)
			ret = -EIO;
	if (ferror(in))
		ret = -EIO;
	fclose(in);
	return ret;
}

static int damaged(struct work *work, size_t number, int ret)
{
	if (ret == -ECANCELED)
		return work_fail(
			work, ret, _("cancelled: what started until now starts as it did"));
	if (ret == -EBADMSG)
		return work_fail(work, ret,
			_("%s of the update is cut off or damaged; get the update again"),
			update_names[number]);
	return work_fail(work, ret, _("%s of the update cannot be read: %s"), update_names[number],
		strerror(-ret));
}

static int produce_update(struct work *work, const void *what, FILE *out)
{
	const struct incoming *incoming = what;
	int ret = incoming->from ? copy_file(incoming, out)
				 : update_copy(incoming->source, incoming->number, out);

	return ret == -EBADMSG || ret == -ECANCELED ? damaged(work, incoming->number, ret) : ret;
}

/* What may be said before anything is written. */
static int see_fit(
	struct work *work, const struct versions *versions, const struct update *update, bool older)
{
	const char *there = versions->slots[versions->env.slot - 'a'].version;

	if (!versions->slots[versions->env.slot - 'a'].state)
		return work_fail(work, -ENOENT,
			_("%s holds no version of Posada that is whole. Undo the installation and install again"),
			work->step->part);
	if (!older && update_order(update->version, there) < 0)
		return work_fail(work, -EPERM,
			_("this update is version %s, and %s has %s, which is newer. Add --allow-older if you mean it. Nothing was written"),
			update->version, work->step->part, there);
	return 0;
}

/* A host that is being tried must not lose its way back. */
static int see_settled(struct work *work, const struct versions *versions)
{
	struct versions_boot boot;

	versions_this_boot(&boot);
	if (boot.trial && boot.slot == versions->env.tried && work->block)
		return work_fail(work, -EBUSY,
			_("this host is still being tried after an update. Wait some minutes, then try again"));
	return 0;
}

static int see_files(struct work *work, struct update_source *source)
{
	int ret = 0;

	if (work->options->progress)
		work->options->progress(work->options->opaque, _("check the update"), 0);
	for (size_t i = 0; !ret && i < UPDATE_FILES; i++) {
		ret = update_copy(source, i, NULL);
		if (ret)
			damaged(work, i, ret);
	}
	return ret;
}

static int remove_slot(struct work *work, char slot)
{
	char path[PATH_MAX];
	int ret = 0;

	/* The entries first: what has none is no version. */
	for (size_t i = UPDATE_FILES; !ret && i-- > 0;) {
		for (size_t n = 0; !ret && n < ENDINGS; n++) {
			slot_path(work, slot, update_names[i], endings[n], path);
			if (unlink(path) && errno != ENOENT)
				ret = -errno;
		}
		if (!ret && i + 1 == UPDATE_FILES)
			ret = work_sync(work);
	}
	/* FAT: what is written next may lie where a name on the disk would still lead to. */
	if (!ret)
		ret = work_sync(work);
	return ret ? work_fail(work, ret, _("the version before cannot be removed from %s: %s"),
			     work->step->part, strerror(-ret))
		   : 0;
}

static int see_room(struct work *work, char slot, const struct update *update)
{
	uint64_t wanted = ROOM_BESIDE, there = 0;
	char path[PATH_MAX];
	struct statvfs room;
	struct stat status;

	for (size_t i = 0; i < UPDATE_FILES; i++) {
		wanted += update->files[i].size;
		for (size_t n = 0; n < ENDINGS; n++) {
			slot_path(work, slot, update_names[i], endings[n], path);
			if (!stat(path, &status))
				there += (uint64_t)status.st_size;
		}
	}
	if (statvfs(work->mount, &room))
		return work_fail(work, -errno, _("%s cannot be looked at: %s"), work->step->part,
			strerror(errno));
	there += (uint64_t)room.f_bavail * room.f_frsize;
	if (there >= wanted)
		return 0;
	return work_fail(work, -ENOSPC,
		_("%s has room for %llu MiB, and the update needs %llu MiB. Nothing was written"),
		work->step->part, (unsigned long long)(there >> 20),
		(unsigned long long)((wanted >> 20) + 1));
}

/* The files of a version in the place of another one; FROM as in struct incoming. */
static int write_version(
	struct work *work, struct update_source *source, struct work *from, char slot)
{
	char name[64];
	int ret = remove_slot(work, slot);

	for (size_t i = 0; !ret && i < UPDATE_FILES; i++) {
		const struct incoming incoming = {source, from, slot, i};

		snprintf(name, sizeof(name), LOADER_VERSIONS "/%c/%s", slot, update_names[i]);
		/* What is in front of the entries is on the disk before they are. */
		if (i + 1 == UPDATE_FILES)
			ret = work_sync(work);
		if (!ret && source)
			ret = work_write_once(work, name, produce_update, &incoming);
		else if (!ret)
			ret = work_write_file(work, name, produce_update, &incoming);
	}
	return ret ? ret : work_sync(work);
}

static int write_update(struct work *work, struct update_source *source, struct work *from,
	const struct grubenv *env)
{
	/* Whatever happens from here on, the good one starts. */
	const struct grubenv good = {.slot = env->slot};
	int ret = write_environment(work, &good);

	return ret ? ret : write_version(work, source, from, env->trial);
}

/* The same for the other disk of a mirror, which is let go of when it fails. */
static void write_twin(struct work *work, struct twin *twin, struct update_source *source,
	struct work *from, const struct grubenv *env)
{
	if (!twin->work)
		return;
	twin->work->total = 2 * work->total;
	twin->work->done = work->done;
	if (write_update(twin->work, source, from, env)) {
		drop_twin(work, twin);
	} else {
		work->total *= 2;
		work->done = twin->work->done;
	}
}

/* The other disk of a mirror comes first, but where the source can be read once: what this one
 * starts is there on both. */
static int update_both(struct work *work, struct twin *twin, struct update_source *source,
	const struct grubenv *env)
{
	bool first = update_rereads(source);
	int ret;

	if (first)
		write_twin(work, twin, source, NULL, env);
	ret = write_update(work, source, NULL, env);
	if (!ret && !first)
		write_twin(work, twin, source, work, env);
	if (!ret && twin->work && write_environment(twin->work, env))
		drop_twin(work, twin);
	if (!ret)
		ret = write_environment(work, env);
	if (!ret && twin->work)
		work_notice(work, NULL);
	return ret;
}

int versions_update(const char *disk, const struct part *part, const struct versions_twin *place,
	struct update_source *source, bool older, char runs, const struct apply_options *options,
	char why[APPLY_TEXT])
{
	const struct update *update = update_about(source);
	struct work *work = calloc(1, sizeof(*work));
	struct plan_step step = {0};
	struct versions versions;
	struct twin twin = {0};
	struct grubenv env;
	int ret;

	*why = '\0';
	if (!work)
		return -ENOMEM;
	work->why = why;
	for (size_t i = 0; i < UPDATE_FILES; i++)
		work->total += 2 * update->files[i].size;
	ret = begin(work, disk, part, options, &step);
	if (!ret)
		ret = work_mount(work, true);
	if (!ret) {
		look(work, &versions);
		/* Who had to go back to it by hand, or GRUB by itself, keeps the one that works. */
		if (runs && runs != versions.env.tried && versions.slots[runs - 'a'].state)
			versions.env.slot = runs;
		env = (struct grubenv){
			.slot = versions.env.slot, .trial = versions.env.slot == 'a' ? 'b' : 'a'};
		ret = see_fit(work, &versions, update, older);
		if (!ret)
			ret = see_settled(work, &versions);
		if (!ret)
			ret = see_room(work, env.trial, update);
		if (!ret && update_rereads(source))
			ret = see_files(work, source);
	}
	ret = work_unmount(work, ret);
	if (!ret) {
		snprintf(step.does, sizeof(step.does),
			_("write version %s beside %s, read it back and compare"), update->version,
			versions.slots[versions.env.slot - 'a'].version);
		ret = work_mount(work, false);
	}
	if (!ret) {
		open_twin(work, part, place, &twin);
		memcpy(twin.step.does, step.does, sizeof(twin.step.does));
		if (twin.work && !is_same(&versions, &twin, env.slot))
			tell_different(work, &versions, &twin);
		else if (twin.work && see_room(twin.work, env.trial, update))
			drop_twin(work, &twin);
		ret = update_both(work, &twin, source, &env);
		close_twin(work, &twin);
	}
	ret = work_unmount(work, ret);
	if (ret)
		work_fail(work, ret, "%s", strerror(-ret));
	work_close(work);
	return ret;
}

/* --- It stays ----------------------------------------------------------- */

int versions_confirm(const char *disk, const struct part *part, const struct versions_twin *place,
	char slot, const struct apply_options *options, char why[APPLY_TEXT])
{
	const struct grubenv good = {.slot = slot};
	struct work *work = calloc(1, sizeof(*work));
	struct plan_step step = {0};
	struct versions versions;
	struct twin twin = {0};
	int ret;

	*why = '\0';
	if (!work)
		return -ENOMEM;
	work->why = why;
	ret = begin(work, disk, part, options, &step);
	if (!ret)
		ret = work_mount(work, false);
	if (!ret) {
		look(work, &versions);
		if (!slot || versions.env.tried != slot)
			ret = work_fail(
				work, -EINVAL, _("no version on %s is being tried"), part->name);
	}
	if (!ret) {
		open_twin(work, part, place, &twin);
		if (twin.work && !is_same(&versions, &twin, slot))
			tell_different(work, &versions, &twin);
		if (twin.work && write_environment(twin.work, &good))
			drop_twin(work, &twin);
		close_twin(work, &twin);
		ret = write_environment(work, &good);
	}
	ret = work_unmount(work, ret);
	work_close(work);
	return ret;
}

/* --- Both disks of a mirror the same ------------------------------------ */

/* GRUB does not write which version is good: where that differs, a disk has missed something, and
 * may have been started because of that. */
static bool is_level(const struct versions *versions, const struct twin *twin)
{
	bool level = versions->env_damaged || twin->versions.env_damaged ||
		     versions->env.slot == twin->versions.env.slot;

	for (size_t i = 0; i < VERSIONS; i++)
		level &= is_same(versions, twin, (char)('a' + i));
	return level;
}

/* The version that the other disk starts goes only once there is another one, and comes before
 * anything else goes. */
static int copy_versions(struct work *work, const struct versions *versions, struct twin *twin)
{
	char good = twin->versions.env.slot, other = good == 'a' ? 'b' : 'a';
	int ret = 0;

	if (versions->slots[other - 'a'].state && !is_same(versions, twin, other))
		ret = write_version(twin->work, NULL, work, other);
	if (!ret && versions->slots[good - 'a'].state && !is_same(versions, twin, good))
		ret = write_version(twin->work, NULL, work, good);
	for (size_t i = 0; !ret && i < VERSIONS; i++)
		if (!versions->slots[i].state && twin->versions.slots[i].state)
			ret = remove_slot(twin->work, (char)('a' + i));
	return ret;
}

int versions_level(const char *disk, const struct part *part, const struct versions_twin *place,
	bool copy, const struct apply_options *options, char why[APPLY_TEXT])
{
	struct work *work = calloc(1, sizeof(*work));
	struct plan_step step = {0};
	struct versions versions;
	struct twin twin = {0};
	int ret;

	*why = '\0';
	if (!work)
		return -ENOMEM;
	work->why = why;
	ret = begin(work, disk, part, options, &step);
	if (!ret)
		ret = work_mount(work, true);
	if (ret)
		goto out;
	look(work, &versions);
	open_twin(work, part, place, &twin);
	if (!twin.work) {
		/* Who looks reads it on the status page; who wants it done must not think that it
		 * is. */
		if (copy)
			ret = work_fail(work, -EIO, "%s", *twin.why ? twin.why : strerror(ENODEV));
		goto out;
	}
	if (!copy && !is_level(&versions, &twin)) {
		tell_different(work, &versions, &twin);
		goto out;
	}
	snprintf(twin.step.does, sizeof(twin.step.does), _("copy what is on %s to %s"), step.part,
		twin.step.part);
	if (copy)
		ret = copy_versions(work, &versions, &twin);
	if (!ret && !versions.env_damaged &&
		(copy || twin.versions.env_damaged ||
			memcmp(&twin.versions.env, &versions.env, sizeof(versions.env)) != 0))
		ret = write_environment(twin.work, &versions.env);
	if (ret) {
		work_fail(work, ret, "%s", *twin.why ? twin.why : strerror(-ret));
		drop_twin(work, &twin);
	} else {
		work_notice(work, NULL);
		ret = close_twin(work, &twin);
		if (ret)
			work_fail(work, ret, "%s", twin.why);
	}
out:
	ret = work_unmount(work, ret);
	work_close(work);
	return ret;
}
