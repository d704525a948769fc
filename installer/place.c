/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the data place, takes it into use and lets go of it. */
#include "place.h"

#include <blkid/blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libintl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include "probe.h"
#include "settings.h"
#include "superblock.h"
#include "tool.h"
#include "versions.h"
#include "work.h"

#define _(text)	 gettext(text)
#define N_(text) text

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define RUN	"/run/posada"
#define CURRENT RUN "/place"
#define NEXT	RUN "/place.next"
#define LOCK	RUN "/place.lock"
#define COPIED	RUN "/place.copied"
#define MADE	RUN "/place.made"
#define MOUNT	RUN "/place.mount"
#define LIVE	RUN "/place.live"
#define PASSED	RUN "/place.passed"
#define NOTICE	RUN "/notices/place"
#define SHIPPED "/usr/share/posada/VERSION"
#define HOOK	"/etc/init/place"
#define POOLS	"/etc/libvirt/storage"
#define LOOK	RUN "/place.look"

/* Who has used a place: a file for each, called by its identity; and where they are on one. */
#define HOSTS	   "/etc/posada/hosts"
#define HOSTS_KEPT "state/settings/hosts"

#define PATH_SIZE 1024

/* How libvirt calls what it saved of a guest, and how what nobody shall start from is called. */
#define SAVE	   ".save"
#define SAVE_MOVED ".save.moved"

/* What HOOK answers while libvirt still copies. */
#define NOT_YET 3

/* FS_IOC_SETFSLABEL: linux/fs.h and sys/mount.h do not go together. */
#define LABEL_SIZE 256
#define SET_LABEL  _IOW(0x94, 50, char[LABEL_SIZE])

/* A file's bytes are moved in pieces of this size, and a piece of zeros is left out. */
#define PIECE 65536

/* How often a place is looked through again for what has changed while it was copied. */
#define PASSES_MAX 5

static const char another_guest[] = N_(
	"%s has another guest by the name of %.*s, which is in memory too, so it was not taken into use. Keep the one in memory as a clone with another name, or not at all, delete it, then try again.");
static const char another_volume[] = N_(
	"%s has another volume by the name of %.*s, which is in memory too, so it was not taken into use. Keep the guest in memory that has it as a clone with another name, or not at all, delete it, then try again.");
static const char another_medium[] = N_(
	"%s has another medium by the name of %.*s, which is in memory too, so it was not taken into use. Remove the one in memory, then try again.");
static const char cancelled[] = N_("Cancelled: %s is not used.");
static const char another_file[] = N_(
	"%s has a file %.*s of its own, which would be lost, so nothing was copied. To use what it has, detach the place in use and attach that one; to have it replaced by what is in use, make it anew: posada storage create.");

/* What lasts: where it is used, where on the place it is, and what to say when both have one by the
 * same name (NULL: the place's counts). What is below PLACE_ROOT is there by itself; the rest is
 * bound to its path, so that whoever writes there writes to the place. */
static const struct {
	const char *path, *kept, *clash;
} kept[] = {
	{PLACE_ROOT "/media", "media", another_medium},
	{PLACE_ROOT "/volumes", "volumes", another_volume},
	{"/etc/posada", "state/settings", NULL},
	{"/etc/dropbear", "state/sshd", NULL},
	{"/root/.ssh", "state/ssh", NULL},
	{"/etc/libvirt/libxl", "state/xen", another_guest},
	{"/etc/libvirt/qemu", "state/qemu", another_guest},
	{"/etc/libvirt/storage", "state/pools", NULL},
	{"/etc/libvirt/secrets", "state/secrets", NULL},
	{"/var/lib/libvirt/libxl/save", "state/xen-saved", NULL},
	{"/var/lib/libvirt/qemu/save", "state/qemu-saved", NULL},
	{"/var/lib/libvirt/qemu/snapshot", "state/qemu-snapshots", NULL},
	{"/var/lib/libvirt/qemu/nvram", "state/qemu-nvram", NULL},
};

static int fail(char why[PLACE_TEXT], int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char why[PLACE_TEXT], int ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, PLACE_TEXT, format, args);
	va_end(args);
	return ret;
}

static bool below_root(const char *path)
{
	return !strncmp(path, PLACE_ROOT "/", strlen(PLACE_ROOT "/"));
}

/* --- Finding it --------------------------------------------------------- */

/* The volumes that may hold a place, by their names. Who gives up too early starts without one. */
static void list_volumes(char volumes[4096])
{
	static const char *const list[] = {TOOL_LVM_CHANGE, "lvs", "--noheadings", "-o",
		"lv_full_name", "--select", "lv_name=" PLACE_LABEL, NULL};

	if (tool_run(list, volumes, 4096))
		*volumes = '\0';
}

static bool has_name(const struct places *places, const char *name)
{
	for (size_t i = 0; i < places->count; i++)
		if (!strncmp(places->items[i].name, name, sizeof(places->items[i].name) - 1))
			return true;
	return false;
}

/* All of them can be seen then; or, by CHANGE "-an", those that are no PLACES are let go of again.
 * Other volumes of their groups stay as they are. */
static void change_volumes(const char *volumes, const char *change, const struct places *places)
{
	char name[256];

	for (const char *at = volumes; *(at += strspn(at, " \n")); at += strcspn(at, " \n")) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, " \n"), at);
		if (!places || !has_name(places, name))
			tool_run((const char *const[]){TOOL_LVM_CHANGE, "lvchange", change, name,
					 NULL},
				NULL, 0);
	}
	tool_run((const char *const[]){"udevadm", "settle", "--timeout=20", NULL}, NULL, 0);
}

/* /dev/dm-3 is called by whoever made it: group-volume, with doubled hyphens within a name. */
static void name_volume(const char *device, char name[64])
{
	char path[128], line[128] = "", *to = name;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/block/%s/dm/name", device);
	file = fopen(path, "re");
	if (file) {
		if (fgets(line, sizeof(line), file))
			line[strcspn(line, "\n")] = '\0';
		fclose(file);
	}
	for (const char *at = line; *at && to < name + 63; at++) {
		if (*at == '-' && at[1] == '-')
			*to++ = *at++;
		else
			*to++ = *at == '-' ? '/' : *at;
	}
	*to = '\0';
	if (!*name)
		snprintf(name, 64, "%s", device);
}

/* What a mirror is made of looks like it, and is not to be used. */
static bool is_part_of_another(const char *device)
{
	char path[128];
	DIR *holders;
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", device);
	holders = opendir(path);
	while (holders && !found && (entry = readdir(holders)))
		found = *entry->d_name != '.';
	if (holders)
		closedir(holders);
	return found;
}

static void add_place(struct places *places, const char *device, const char *uuid)
{
	const char *base = strrchr(device, '/');
	struct place *place;
	char real[PATH_SIZE];

	/* A volume has names of its own below /dev/mapper, which lead to the kernel's. */
	if (places->count == PLACES_MAX || !realpath(device, real))
		return;
	base = strrchr(real, '/') + 1;
	if (!strncmp(base, "dm-", 3) && is_part_of_another(base))
		return;
	place = &places->items[places->count];
	memset(place, 0, sizeof(*place));
	if (!strncmp(base, "dm-", 3))
		name_volume(base, place->name);
	else
		snprintf(place->name, sizeof(place->name), "%.63s", base);
	snprintf(place->device, sizeof(place->device), "%.79s", real);
	snprintf(place->uuid, sizeof(place->uuid), "%.39s", uuid);
	for (size_t i = 0; i < places->count; i++)
		if (!strcmp(places->items[i].device, place->device))
			return;
	places->count++;
}

/* Every device with a file system that is a place; TRUE when there is a group that may have more.
 */
static bool scan(struct places *places)
{
	blkid_cache cache = NULL;
	blkid_dev_iterate at;
	bool groups = false;
	blkid_dev device;

	if (blkid_get_cache(&cache, "/dev/null") || blkid_probe_all(cache) < 0)
		goto out;
	at = blkid_dev_iterate_begin(cache);
	while (!blkid_dev_next(at, &device)) {
		const char *path = blkid_dev_devname(device);
		char *label, *type, *uuid;

		device = blkid_verify(cache, device);
		if (!device)
			continue;
		label = blkid_get_tag_value(cache, "LABEL", path);
		type = blkid_get_tag_value(cache, "TYPE", path);
		uuid = blkid_get_tag_value(cache, "UUID", path);
		groups |= type && !strcmp(type, "LVM2_member");
		if (label && type && uuid && !strcmp(label, PLACE_LABEL) && !strcmp(type, "ext4"))
			add_place(places, path, uuid);
		free(label);
		free(type);
		free(uuid);
	}
	blkid_dev_iterate_end(at);
out:
	if (cache)
		blkid_put_cache(cache);
	return groups;
}

/* Only one of several needs to know where it is. */
static void mark_medium(struct places *places)
{
	struct machine machine;

	if (probe_machine(&machine, "/sys", NULL))
		return;
	for (size_t i = 0; i < places->count; i++)
		places->items[i].medium = disks_on_medium(&machine, places->items[i].name);
	disks_free(&machine);
}

/* The guests of a host know nothing of its identity. */
static bool is_known(const struct place *place, const char *identity)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW;
	char path[PATH_SIZE];
	struct place current;
	bool found;

	if (!place_current(&current) && !strcmp(current.uuid, place->uuid))
		return true;
	if (!*identity || strchr(identity, '/') || (mkdir(LOOK, 0700) && errno != EEXIST) ||
		mount(place->device, LOOK, "ext4", flags, "noload"))
		return false;
	snprintf(path, sizeof(path), LOOK "/" HOSTS_KEPT "/%s", identity);
	found = !access(path, F_OK);
	umount2(LOOK, MNT_DETACH);
	return found;
}

static void mark_known(struct places *places)
{
	struct versions_boot boot;

	versions_this_boot(&boot);
	places->strict = boot.slot && getenv("POSADA_STARTING");
	if (!places->strict && places->count < 2)
		return;
	for (size_t i = 0; i < places->count; i++)
		places->items[i].known = is_known(&places->items[i], boot.medium);
	/* That one takes a second. */
	if (places->count > 1 || (places->count && !places->items[0].known))
		mark_medium(places);
}

int place_list(struct places *places, char why[PLACE_TEXT])
{
	char volumes[4096];

	*why = '\0';
	memset(places, 0, sizeof(*places));
	if (scan(places)) {
		list_volumes(volumes);
		change_volumes(volumes, "-ay", NULL);
		memset(places, 0, sizeof(*places));
		scan(places);
		change_volumes(volumes, "-an", places);
	}
	mark_known(places);
	return 0;
}

static bool is_called(const struct place *place, const char *name)
{
	if (!strncmp(name, "/dev/", 5))
		name += 5;
	return !strcmp(place->name, name) || !strcmp(place->uuid, name);
}

static const char *list_names(const struct places *places, char names[256])
{
	size_t used = 0;

	snprintf(names, 256, "-");
	for (size_t i = 0; i < places->count && used < 256; i++)
		used += (size_t)snprintf(
			names + used, 256 - used, "%s%s", i ? ", " : "", places->items[i].name);
	return names;
}

int place_choose(const struct places *places, const char *name, const struct place **place,
	char why[PLACE_TEXT])
{
	size_t count = 0, known = 0, on_medium = 0;
	char names[256];

	*place = NULL;
	for (size_t i = 0; i < places->count; i++) {
		const struct place *at = &places->items[i];

		if (name && !is_called(at, name))
			continue;
		count++;
		known += at->known || at->medium;
		on_medium += at->medium;
		if (!*place || at->medium || (at->known && !(*place)->medium))
			*place = at;
	}
	list_names(places, names);
	if (!count)
		return name ? fail(why, -ENOENT,
				      _("There is no data place \"%s\". Those there are: %s."),
				      name, names)
			    : fail(why, -ENOENT,
				      _("There is no data place: settings, guests and media live in memory and are gone at power-off. Make one: Storage in the menu, or \"posada storage create\"."));
	if (!name && places->strict && !known) {
		const struct place *first = *place;

		*place = NULL;
		return fail(why, -EPERM,
			_("This host has not used this data place before (%s), so that it does not do so by itself. If it shall: Storage in the menu, or \"posada storage attach %s\"."),
			names, count == 1 ? first->name : "NAME");
	}
	if (count == 1 || (!name && (known == 1 || on_medium == 1)))
		return 0;
	*place = NULL;
	return fail(why, -ENOTUNIQ,
		_("There are several data places (%s), so none is used. Say which: Storage in the menu, or \"posada storage attach NAME\"."),
		names);
}

/* A group whose volume is active keeps its disk from being worked on. */
static void deactivate(const struct place *place)
{
	if (strchr(place->name, '/'))
		tool_run((const char *const[]){TOOL_LVM_CHANGE, "lvchange", "-an", place->name,
				 NULL},
			NULL, 0);
}

/* What is kept in a mirror that is not used would be filled, or lose a disk, unseen. */
static void deactivate_others(const struct places *places, const struct place *chosen)
{
	struct place current = {0};

	place_current(&current);
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->items[i];

		/* One that somebody has mounted LVM does not let go. */
		if (strcmp(place->name, chosen->name) != 0 &&
			strcmp(place->name, current.name) != 0)
			deactivate(place);
	}
}

int place_find(const char *name, struct place *place, char why[PLACE_TEXT])
{
	const struct place *chosen;
	struct places places;
	int ret = place_list(&places, why);

	if (!ret)
		ret = place_choose(&places, name, &chosen, why);
	if (ret)
		return ret;
	deactivate_others(&places, chosen);
	*place = *chosen;
	return 0;
}

int place_current(struct place *place)
{
	FILE *file = fopen(CURRENT, "re");
	int found;

	memset(place, 0, sizeof(*place));
	if (!file)
		return -ENOENT;
	found = fscanf(file, "%63s %39s %79s", place->name, place->uuid, place->device);
	fclose(file);
	return found == 3 ? 0 : -EIO;
}

/* --- Copying ------------------------------------------------------------ */

static int write_piece(int out, const char *piece, size_t size, off_t at)
{
	while (size) {
		ssize_t put = pwrite(out, piece, size, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		piece += put;
		size -= (size_t)put;
		at += put;
	}
	return 0;
}

static bool goes_on(struct place_progress *progress, size_t more)
{
	if (!progress)
		return true;
	progress->done += more;
	/* What changes while it is copied is copied twice. */
	if (progress->done > progress->total)
		progress->total = progress->done;
	return progress->report(progress->opaque, progress->done, progress->total);
}

static int copy_bytes(int in, int out, struct place_progress *progress)
{
	static const char zeros[PIECE];
	char *piece = malloc(PIECE);
	off_t at = 0;
	ssize_t got;
	int ret = 0;

	if (!piece)
		return -ENOMEM;
	while (!ret && (got = read(in, piece, PIECE))) {
		bool written;

		if (got < 0) {
			ret = errno == EINTR ? 0 : -errno;
			continue;
		}
		written = memcmp(piece, zeros, (size_t)got) != 0;
		if (written)
			ret = write_piece(out, piece, (size_t)got, at);
		at += got;
		if (!ret && !goes_on(progress, written ? (size_t)got : 0))
			ret = -ECANCELED;
	}
	if (!ret && ftruncate(out, at))
		ret = -errno;
	free(piece);
	return ret;
}

/* In place once it is whole and on the disk. */
static int copy_file(const char *from, const char *to, const struct stat *status,
	struct place_progress *progress)
{
	char part[PATH_SIZE + 8];
	int in = -1, out = -1, ret = 0;

	snprintf(part, sizeof(part), "%s.new", to);
	in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in >= 0)
		out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0)
		ret = -errno;
	if (!ret)
		ret = copy_bytes(in, out, progress);
	if (!ret && (fchmod(out, status->st_mode & 07777) ||
			    fchown(out, status->st_uid, status->st_gid) || fsync(out)))
		ret = -errno;
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) && !ret)
		ret = -errno;
	if (!ret && rename(part, to))
		ret = -errno;
	if (ret && out >= 0)
		unlink(part);
	return ret;
}

static int copy_link(const char *from, const char *to)
{
	char target[PATH_SIZE], part[PATH_SIZE + 8];
	ssize_t length = readlink(from, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	snprintf(part, sizeof(part), "%s.new", to);
	if ((unlink(part) && errno != ENOENT) || symlink(target, part) || rename(part, to))
		return -errno;
	return 0;
}

/* How a file is known again, on a list of them. */
struct mark {
	uint64_t device, inode, size, seconds, nanoseconds;
};

static struct mark mark_of(const struct stat *status)
{
	return (struct mark){status->st_dev, status->st_ino, (uint64_t)status->st_size,
		(uint64_t)status->st_mtim.tv_sec, (uint64_t)status->st_mtim.tv_nsec};
}

static bool is_on_list(FILE *list, const struct stat *status)
{
	const struct mark wanted = mark_of(status);
	struct mark mark;

	if (!list)
		return false;
	rewind(list);
	while (fread(&mark, sizeof(mark), 1, list) == 1)
		if (!memcmp(&mark, &wanted, sizeof(mark)))
			return true;
	return false;
}

static bool is_same(const char *one, const struct stat *status, const char *other,
	const struct stat *other_status)
{
	char left[PATH_SIZE] = "", right[PATH_SIZE] = "";

	if ((status->st_mode & S_IFMT) != (other_status->st_mode & S_IFMT) ||
		status->st_size != other_status->st_size)
		return false;
	if (S_ISREG(status->st_mode))
		return work_same_files(one, other);
	return readlink(one, left, sizeof(left) - 1) >= 0 &&
	       readlink(other, right, sizeof(right) - 1) >= 0 && !strcmp(left, right);
}

/* Does libvirt copy PATH while a guest (as process PID, unless that is NULL) writes to it? */
static bool is_live(const char *list, const char *pid, const char *path)
{
	FILE *file = list ? fopen(list, "re") : NULL;
	char line[PATH_SIZE + 128], owner[16];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		int at = 0;

		line[strcspn(line, "\n")] = '\0';
		found = sscanf(line, "%*s %15s %*s %n", owner, &at) == 1 &&
			!strcmp(line + at, path) && (!pid || !strcmp(owner, pid));
	}
	if (file)
		fclose(file);
	return found;
}

/* Something is at TO already: is it to be told? */
static int see_clash(const struct place_copy *copy, const char *from, const struct stat *status,
	const char *to, const struct stat *there, bool top, char why[PLACE_TEXT])
{
	const char *name = strrchr(to, '/') + 1;
	size_t length;

	if (!copy->dry || !copy->clash || (!copy->deep && (!top || *name == '.')) ||
		is_same(from, status, to, there))
		return 0;
	if (copy->deep)
		name = strncmp(to, MOUNT "/", strlen(MOUNT "/")) ? to : to + strlen(MOUNT "/");
	length = strlen(name);
	/* A definition is called after its guest. */
	if (!copy->deep && length > 4 && !strcmp(name + length - 4, ".xml"))
		length -= 4;
	return fail(why, -EEXIST, _(copy->clash), copy->place, (int)length, name);
}

static int note_made(const struct place_copy *copy, const char *path, char why[PLACE_TEXT])
{
	return copy->made && fwrite(path, strlen(path) + 1, 1, copy->made) != 1
		       ? fail(why, -EIO, "%s: %s", path, strerror(EIO))
		       : 0;
}

static int copy_tree(
	struct place_copy *copy, const char *from, const char *to, bool top, char why[PLACE_TEXT]);

static int copy_entry(
	struct place_copy *copy, const char *from, const char *to, bool top, char why[PLACE_TEXT])
{
	struct stat status, there;
	struct mark mark;
	bool new;
	int ret;

	if (lstat(from, &status))
		return errno == ENOENT ? 0 : fail(why, -errno, "%s: %s", from, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return copy_tree(copy, from, to, false, why);
	/* Sockets and the like belong to whoever runs now. */
	if ((!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) ||
		is_live(copy->live, NULL, from))
		return 0;
	mark = mark_of(&status);
	if (copy->noted && !copy->dry && fwrite(&mark, sizeof(mark), 1, copy->noted) != 1)
		return fail(why, -EIO, "%s: %s", from, strerror(EIO));
	if ((copy->shipped && status.st_mtim.tv_sec == copy->shipped) ||
		is_on_list(copy->copied, &status))
		return 0;
	new = lstat(to, &there);
	if (!copy->over && !new)
		return see_clash(copy, from, &status, to, &there, top, why);
	copy->bytes += (uint64_t)status.st_blocks * 512;
	if (copy->dry)
		return 0;
	ret = new ? note_made(copy, to, why) : 0;
	if (ret)
		return ret;
	ret = S_ISLNK(status.st_mode) ? copy_link(from, to)
				      : copy_file(from, to, &status, copy->progress);
	if (ret == -ECANCELED)
		return fail(why, ret, _(cancelled), copy->place);
	return ret ? fail(why, ret, "%s: %s", from, strerror(-ret)) : 0;
}

static int copy_tree(
	struct place_copy *copy, const char *from, const char *to, bool top, char why[PLACE_TEXT])
{
	char source[PATH_SIZE], target[PATH_SIZE];
	struct dirent *entry;
	struct stat status;
	DIR *directory;
	int ret = 0;

	if (stat(from, &status))
		return errno == ENOENT ? 0 : fail(why, -errno, "%s: %s", from, strerror(errno));
	if (!copy->dry) {
		if (!mkdir(to, status.st_mode & 07777))
			ret = note_made(copy, to, why);
		else if (errno != EEXIST)
			ret = fail(why, -errno, "%s: %s", to, strerror(errno));
		if (ret)
			return ret;
	}
	directory = opendir(from);
	if (!directory)
		return fail(why, -errno, "%s: %s", from, strerror(errno));
	while (!ret && (entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(source, sizeof(source), "%s/%s", from, entry->d_name) >= PATH_SIZE ||
			snprintf(target, sizeof(target), "%s/%s", to, entry->d_name) >= PATH_SIZE)
			ret = fail(why, -ENAMETOOLONG, "%s: %s", from, strerror(ENAMETOOLONG));
		else
			ret = copy_entry(copy, source, target, top, why);
	}
	closedir(directory);
	return ret;
}

int place_copy(struct place_copy *copy, const char *from, const char *to, char why[PLACE_TEXT])
{
	return copy_tree(copy, from, to, true, why);
}

void place_undo(FILE *made)
{
	char *path = NULL;
	size_t size = 0;
	bool some;

	/* A folder is empty once what was made later is gone. */
	do {
		rewind(made);
		for (some = false; getdelim(&path, &size, '\0', made) > 0;)
			some |= !remove(path);
	} while (some);
	free(path);
}

static int make_folders(const char *path, mode_t mode)
{
	char part[PATH_SIZE];

	snprintf(part, sizeof(part), "%s", path);
	for (char *at = part + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return mkdir(part, mode) && errno != EEXIST ? -errno : 0;
}

/* What lasts by NUMBER, onto the place that is mounted on MOUNT. */
static int copy_one(struct place_copy *copy, size_t number, char why[PLACE_TEXT])
{
	const char *name = kept[number].kept;
	struct stat status;
	char to[PATH_SIZE];
	bool there;
	int ret = 0;

	snprintf(to, sizeof(to), MOUNT "/%s", name);
	there = !stat(to, &status);
	/* What came with the image is written once: who deletes it then means that. */
	copy->shipped = there && !stat(SHIPPED, &status) ? status.st_mtim.tv_sec : 0;
	if (!copy->deep)
		copy->clash = kept[number].clash;
	if (!copy->dry)
		ret = make_folders(to, strstr(name, "ssh") ? 0700 : 0755);
	if (ret)
		fail(why, ret, "%s: %s", to, strerror(-ret));
	else if (!copy->dry && !there)
		ret = note_made(copy, to, why);
	return ret ? ret : place_copy(copy, kept[number].path, to, why);
}

static int copy_kept(struct place_copy *copy, char why[PLACE_TEXT])
{
	int ret = 0;

	copy->bytes = 0;
	for (size_t i = 0; !ret && i < COUNT(kept); i++)
		ret = copy_one(copy, i, why);
	return ret;
}

/* How many bytes the place on MOUNT has left. */
static uint64_t measure_room(void)
{
	struct statvfs room;

	return statvfs(MOUNT, &room) ? 0 : (uint64_t)room.f_bavail * room.f_frsize;
}

/* How much that will be, which must fit there. */
static int measure(const struct place *place, struct place_copy *copy, char why[PLACE_TEXT])
{
	uint64_t room = measure_room();
	int ret;

	copy->dry = true;
	ret = copy_kept(copy, why);
	if (ret)
		return ret;
	if (copy->bytes > room)
		return fail(why, -ENOSPC,
			_("What is in memory (%llu MiB) does not fit on %s, which has %llu MiB left."),
			(unsigned long long)(copy->bytes >> 20), place->name,
			(unsigned long long)(room >> 20));
	if (copy->progress)
		copy->progress->total = copy->progress->done + copy->bytes;
	copy->dry = false;
	return 0;
}

static void name_list(const struct place *place, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, COPIED "-%s", place->uuid);
}

/* --- Who is in the way -------------------------------------------------- */

static bool is_below(const char *path, const char *directory)
{
	size_t size = strlen(directory);

	return !strncmp(path, directory, size) && (path[size] == '/' || !path[size]);
}

const char *place_bound(const char *path)
{
	for (size_t i = 0; i < COUNT(kept); i++)
		if (!below_root(kept[i].path) && is_below(path, kept[i].path))
			return kept[i].path;
	return NULL;
}

/* DIRECTORY, or the folder that is bound to the place, with the TARGET that LINK leads to; or NULL.
 */
static const char *leads_below(const char *link, const char *directory, char target[PATH_SIZE])
{
	ssize_t length = readlink(link, target, PATH_SIZE - 1);

	if (length < 0)
		return NULL;
	target[length] = '\0';
	return is_below(target, directory) ? directory : place_bound(target);
}

/* The same for whatever the process has open, or stands in. */
static const char *has_file_open(const char *pid, const char *directory)
{
	char path[64], link[128], target[PATH_SIZE];
	struct dirent *entry;
	const char *found;
	DIR *files;

	snprintf(path, sizeof(path), "/proc/%.16s/cwd", pid);
	found = leads_below(path, directory, target);
	if (found)
		return found;
	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	files = opendir(path);
	while (files && !found && (entry = readdir(files))) {
		snprintf(link, sizeof(link), "%s/%.32s", path, entry->d_name);
		found = leads_below(link, directory, target);
		if (found && is_live(LIVE, pid, target))
			found = NULL;
	}
	if (files)
		closedir(files);
	return found;
}

/* A disk that Xen serves from a file is a loop device. */
static bool is_looped(const char *directory, char *name, size_t size)
{
	char path[PATH_SIZE], file[PATH_SIZE];
	bool found = false;

	for (int i = 0; i < 256 && !found; i++) {
		FILE *backing;

		snprintf(path, sizeof(path), "/sys/block/loop%d/loop/backing_file", i);
		backing = fopen(path, "re");
		if (!backing)
			continue;
		if (fgets(file, sizeof(file), backing) &&
			!strncmp(file, directory, strlen(directory)) &&
			file[strlen(directory)] == '/') {
			file[strcspn(file, "\n")] = '\0';
			snprintf(name, size, "%.*s", (int)size - 1, file);
			found = true;
		}
		fclose(backing);
	}
	return found;
}

static int see_unused(const char *directory, char why[PLACE_TEXT])
{
	char name[256] = "", path[64];
	DIR *processes = opendir("/proc");
	const char *folder = NULL;
	struct dirent *entry;
	FILE *file;

	if (is_looped(directory, name, sizeof(name))) {
		closedir(processes);
		return fail(why, -EBUSY,
			_("%s is the disk of a guest that runs. Shut that guest down, then try again."),
			name);
	}
	while (processes && (entry = readdir(processes)) && !*name) {
		if (*entry->d_name < '1' || *entry->d_name > '9' ||
			!(folder = has_file_open(entry->d_name, directory)))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/comm", entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(name, sizeof(name) - 32, file))
			snprintf(name + strcspn(name, "\n"), 32, " (%.16s)", entry->d_name);
		if (file)
			fclose(file);
	}
	if (processes)
		closedir(processes);
	return *name ? fail(why, -EBUSY,
			       _("The program %s uses files in %s: a guest that runs, or a shell that stands there. End it, then try again."),
			       name, folder)
		     : 0;
}

/* Something that a person has mounted within it would be hidden, and not copied as it should. */
static int see_plain(char why[PLACE_TEXT])
{
	struct stat root, part;

	for (size_t i = 0; i < COUNT(kept); i++)
		if (below_root(kept[i].path) && !stat(PLACE_ROOT, &root) &&
			!stat(kept[i].path, &part) && part.st_dev != root.st_dev)
			return fail(why, -EBUSY,
				_("Another file system is mounted on %s. Unmount it, then try again."),
				kept[i].path);
	return 0;
}

/* A line of libvirt's definition: is the folder in PLACE_ROOT, where it would be left behind? */
static bool is_left_behind(const char *line)
{
	static const char tag[] = "<path>";

	line += strspn(line, " \t");
	if (strncmp(line, tag, sizeof(tag) - 1) != 0 || !below_root(line + sizeof(tag) - 1))
		return false;
	line += sizeof(tag) - 1;
	for (size_t i = 0; i < COUNT(kept); i++) {
		size_t length = strlen(kept[i].path);

		if (!strncmp(line, kept[i].path, length) && strchr("/<", line[length]))
			return false;
	}
	return true;
}

int place_check_pools(const char *definitions, char why[PLACE_TEXT])
{
	DIR *directory = opendir(definitions);
	char path[PATH_SIZE], line[PATH_SIZE];
	struct dirent *entry;
	bool found = false;
	int ret = 0;

	while (directory && !ret && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);
		FILE *file;

		if (length < 5 || strcmp(entry->d_name + length - 4, ".xml") != 0 ||
			snprintf(path, sizeof(path), "%s/%s", definitions, entry->d_name) >=
				PATH_SIZE)
			continue;
		file = fopen(path, "re");
		for (found = false; file && !found && fgets(line, sizeof(line), file);)
			found = is_left_behind(line);
		if (file)
			fclose(file);
		if (found)
			ret = fail(why, -EBUSY,
				_("The pool %.*s has its volumes in a folder of %s, which is not copied. Move them to another pool, and forget that one (posada pool forget)."),
				(int)length - 4, entry->d_name, PLACE_ROOT);
	}
	if (directory)
		closedir(directory);
	return ret;
}

/* --- In use, and not ---------------------------------------------------- */

/* One at a time changes what is in use; -errno or what to close. */
static int lock(char why[PLACE_TEXT])
{
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX)) {
		int ret = -errno;

		if (fd >= 0)
			close(fd);
		return fail(why, ret, "%s: %s", LOCK, strerror(-ret));
	}
	return fd;
}

static void unbind(void)
{
	for (size_t i = COUNT(kept); i-- > 0;)
		if (!below_root(kept[i].path))
			umount2(kept[i].path, MNT_DETACH);
}

/* What is on the place, which is mounted on ROOT, where that is used. */
static int bind_one(const char *root, size_t number, char why[PLACE_TEXT])
{
	const char *path = kept[number].path;
	char from[PATH_SIZE];
	int ret = make_folders(path, 0755);

	snprintf(from, sizeof(from), "%s/%s", root, kept[number].kept);
	if (!ret && mount(from, path, NULL, MS_BIND, NULL))
		ret = -errno;
	return ret ? fail(why, ret, "%s: %s", path, strerror(-ret)) : 0;
}

static int bind_all(char why[PLACE_TEXT])
{
	int ret = 0;

	for (size_t i = 0; !ret && i < COUNT(kept); i++)
		if (!below_root(kept[i].path))
			ret = bind_one(PLACE_ROOT, i, why);
	if (ret)
		unbind();
	return ret;
}

/* Where guests are saved is the place already: this host's memory has no room for theirs. */
static int bind_saved(struct place_copy *copy, char why[PLACE_TEXT])
{
	int ret = 0;

	for (size_t i = 0; !ret && i < COUNT(kept); i++) {
		if (!strstr(kept[i].kept, "-saved"))
			continue;
		ret = copy_one(copy, i, why);
		if (!ret)
			ret = bind_one(MOUNT, i, why);
	}
	return ret;
}

static int check_file_system(const struct place *place, char why[PLACE_TEXT])
{
	int status = tool_run((const char *const[]){"e2fsck", "-p", place->device, NULL}, NULL, 0);

	/* 1 and 2: errors, which are mended now. */
	if (status >= 0 && status < 4)
		return 0;
	return fail(why, -EIO,
		_("The file system of %s is damaged, or is in use by another. Look at it with: e2fsck -f %s"),
		place->name, place->device);
}

void place_introduce(const char *identity)
{
	char path[PATH_SIZE];
	int fd;

	if (!*identity || strchr(identity, '/') || make_folders(HOSTS, 0755))
		return;
	snprintf(path, sizeof(path), HOSTS "/%s", identity);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Before anything is changed: with no room for it nobody would know what is in use. */
static int remember(const struct place *place, char why[PLACE_TEXT])
{
	FILE *file = fopen(NEXT, "we");
	int ret = file ? 0 : -errno;

	if (file)
		fprintf(file, "%s %s %s\n", place->name, place->uuid, place->device);
	if (file && fclose(file))
		ret = -errno;
	return ret ? fail(why, ret, "%s: %s", NEXT, strerror(-ret)) : 0;
}

static int call_hook(const char *what, const char *first, const char *second)
{
	return tool_run((const char *const[]){HOOK, what, first, second, NULL}, NULL, 0);
}

/* Guests whose disks lie on the place are saved; "settle" lets them go on. */
static int hold_guests(char why[PLACE_TEXT])
{
	return call_hook("hold", NULL, NULL)
		       ? fail(why, -EBUSY,
				 _("A guest that runs cannot be saved; the log tells which. Shut it down, then try again."))
		       : 0;
}

/* Who has read the old definitions reads the new ones. */
static void settle(void)
{
	call_hook("settle", NULL, NULL);
}

/* The kernel has noted that something in it is wrong. */
static bool has_errors(const struct place *place)
{
	uint8_t bytes[SUPERBLOCK_EXT_SIZE];
	int fd = open(place->device, O_RDONLY | O_CLOEXEC);
	bool found = fd >= 0 &&
		     pread(fd, bytes, sizeof(bytes), SUPERBLOCK_EXT_AT) == sizeof(bytes) &&
		     superblock_ext_has_errors(bytes);

	if (fd >= 0)
		close(fd);
	return found;
}

static int mount_ext4(const struct place *place)
{
	return mount(place->device, MOUNT, "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ? -errno
											   : 0;
}

/* Whoever is about to write over the whole disk does that before, or sees that it is in use. A
 * place on several disks needs no lock: who wants one of these is told by the kernel. */
static int lock_disk(const struct place *place, char why[PLACE_TEXT])
{
	char device[80] = "/dev/";
	struct stat status;
	int fd;

	if (stat(place->device, &status) ||
		blkid_devno_to_wholedisk(status.st_rdev, device + strlen("/dev/"),
			sizeof(device) - strlen("/dev/"), NULL))
		return -1;
	fd = work_lock(device, false);
	return fd == -EBUSY
		       ? fail(why, fd,
				 _("Another program is changing %s. Wait until it is done, then try again."),
				 device)
		       : fd;
}

/*
 * On MOUNT, which nobody else looks at. After a power cut the kernel does what the journal says by
 * itself; e2fsck would besides wait for 11 seconds at each start where two hosts can reach it.
 */
static int mount_aside(const struct place *place, char why[PLACE_TEXT])
{
	int ret = make_folders(MOUNT, 0700), lock;

	if (ret)
		return fail(why, ret, "%s: %s", MOUNT, strerror(-ret));
	lock = lock_disk(place, why);
	if (lock == -EBUSY)
		return lock;
	if (has_errors(place))
		ret = check_file_system(place, why);
	if (ret)
		goto out;
	ret = mount_ext4(place);
	if (ret == -EBUSY) {
		fail(why, ret,
			_("%s is in use: another host that reaches this disk has it as its data place. Detach it there first. If no other host has it, and a check of it was cut off: tune2fs -f -E clear_mmp %s"),
			place->name, place->device);
		goto out;
	}
	if (ret) {
		ret = check_file_system(place, why);
		if (ret)
			goto out;
		ret = mount_ext4(place);
	}
	if (ret)
		fail(why, ret, _("%s cannot be mounted: %s."), place->name, strerror(-ret));
out:
	if (lock >= 0)
		close(lock);
	return ret;
}

/* What is mounted aside takes its place. */
static int switch_to(char why[PLACE_TEXT])
{
	int ret;

	if (mount(MOUNT, PLACE_ROOT, NULL, MS_MOVE, NULL)) {
		ret = fail(why, -errno, "%s: %s", PLACE_ROOT, strerror(errno));
		umount2(MOUNT, MNT_DETACH);
		return ret;
	}
	ret = bind_all(why);
	if (!ret && rename(NEXT, CURRENT))
		ret = fail(why, -errno, "%s: %s", CURRENT, strerror(errno));
	if (ret) {
		unbind();
		umount2(PLACE_ROOT, MNT_DETACH);
	}
	return ret;
}

/* From memory, of which COPIED lists afterwards what need not be copied again. */
static int fill_from_memory(const struct place *place, bool memory_wins,
	struct place_progress *progress, char why[PLACE_TEXT])
{
	struct place_copy copy = {.place = place->name,
		.noted = fopen(COPIED, "we"),
		.made = fopen(MADE, "w+e"),
		.progress = progress};
	struct place_copy over = {.over = true};
	char path[PATH_SIZE];
	bool held = false;
	int ret;

	if (!copy.noted || !copy.made) {
		ret = fail(why, -errno, "%s: %s", RUN, strerror(errno));
		goto out;
	}
	name_list(place, path);
	copy.copied = fopen(path, "re");
	ret = measure(place, &copy, why);
	if (!ret) {
		held = true;
		ret = bind_saved(&copy, why);
	}
	if (!ret)
		ret = hold_guests(why);
	if (!ret)
		ret = see_unused(PLACE_ROOT, why);
	if (!ret)
		ret = copy_kept(&copy, why);
	/* Who was started meanwhile would go on in what is hidden then. */
	if (!ret)
		ret = see_unused(PLACE_ROOT, why);
	if (!ret && memory_wins)
		ret = copy_entry(
			&over, SETTINGS_FILE, MOUNT "/state/settings/posada.conf", true, why);
	if (copy.copied)
		fclose(copy.copied);
	if (fflush(copy.noted) && !ret)
		ret = fail(why, -EIO, "%s: %s", COPIED, strerror(EIO));
	/* Those that were saved are on the place. */
	if (ret && held)
		settle();
	unbind();
	if (ret)
		place_undo(copy.made);
out:
	if (copy.noted)
		fclose(copy.noted);
	if (copy.made)
		fclose(copy.made);
	return ret;
}

int place_attach(const struct place *place, bool memory_wins, struct place_progress *progress,
	char why[PLACE_TEXT])
{
	char list[PATH_SIZE];
	struct versions_boot boot;
	struct place current;
	int ret, fd;

	*why = '\0';
	fd = lock(why);
	if (fd < 0)
		return fd;
	versions_this_boot(&boot);
	if (!place_current(&current)) {
		ret = fail(why, -EBUSY,
			_("%s is the data place already. Detach it first, or move: \"posada storage move\" copies everything."),
			current.name);
		goto out;
	}
	ret = see_plain(why);
	if (!ret)
		ret = place_check_pools(POOLS, why);
	if (!ret)
		ret = remember(place, why);
	if (!ret)
		ret = mount_aside(place, why);
	if (ret)
		goto out;
	place_introduce(boot.medium);
	ret = fill_from_memory(place, memory_wins, progress, why);
	if (ret) {
		umount2(MOUNT, MNT_DETACH);
		goto out;
	}
	ret = switch_to(why);
	if (!ret) {
		name_list(place, list);
		rename(COPIED, list);
		place_notice(NULL);
	}
	sync();
	settle();
out:
	close(fd);
	return ret;
}

int place_put_aside(const struct place *place, char why[PLACE_TEXT])
{
	const char *const words[] = {"tune2fs", "-L", PLACE_MOVED, place->device, NULL};
	char first[96] = "";
	int ret = tool_run(words, NULL, 0) ? -EIO : work_flush(place->device);

	deactivate(place);
	if (strchr(place->name, '/'))
		snprintf(first, sizeof(first), "lvm lvchange -ay %s; ", place->name);
	return ret ? fail(why, ret,
			     _("%s still is called a data place too, so that the next start would use none. Rename it before: %stune2fs -L %s /dev/%s"),
			     place->name, first, PLACE_MOVED, place->name)
		   : fail(why, 0,
			     _("%s keeps what it had and is called %s now, so that no host takes it for its data place. To see what it has: %smount -o ro /dev/%s /mnt"),
			     place->name, PLACE_MOVED, first, place->name);
}

/* The mounts of the place that is in use, away; they are back when it fails. With MNT_DETACH as
 * FLAGS, files that are open stay so. */
static int let_go(const struct place *current, int flags, char why[PLACE_TEXT])
{
	char ignored[PLACE_TEXT];
	int ret;

	sync();
	unbind();
	if (!umount2(PLACE_ROOT, flags))
		return 0;
	ret = fail(why, -errno, _("%s cannot be let go of: %s. See what uses %s."), current->name,
		strerror(errno), PLACE_ROOT);
	bind_all(ignored);
	return ret;
}

/* Calls what libvirt has saved, and is called ...FROM, ...TO instead; without TO it is deleted. */
static void rename_saved(const char *from, const char *to)
{
	char path[PATH_SIZE], other[300];
	struct dirent *entry;
	DIR *folder;

	for (size_t i = 0; i < COUNT(kept); i++) {
		if (!strstr(kept[i].kept, "-saved"))
			continue;
		snprintf(path, sizeof(path), PLACE_ROOT "/%s", kept[i].kept);
		folder = opendir(path);
		while (folder && (entry = readdir(folder))) {
			size_t length = strlen(entry->d_name), end = strlen(from);

			if (length <= end || strcmp(entry->d_name + length - end, from) != 0)
				continue;
			snprintf(other, sizeof(other), "%.*s%s", (int)(length - end), entry->d_name,
				to ? to : "");
			if (to)
				renameat(dirfd(folder), entry->d_name, dirfd(folder), other);
			else
				unlinkat(dirfd(folder), entry->d_name, 0);
		}
		if (folder)
			closedir(folder);
	}
}

/*
 * The place in use keeps no memory of guests that go on elsewhere: it would fit none of their disks
 * later. libvirt knows it by its name alone. What an earlier move has left there is older still,
 * and must not come back when this one fails.
 */
static void put_saved_aside(void)
{
	rename_saved(SAVE_MOVED, NULL);
	rename_saved(SAVE, SAVE_MOVED);
}

/* What is mounted on MOUNT is called that, also after a power cut. */
static int set_label(const char *label, char why[PLACE_TEXT])
{
	int fd = open(MOUNT, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	char text[LABEL_SIZE] = "";

	snprintf(text, sizeof(text), "%s", label);
	if (fd < 0 || ioctl(fd, SET_LABEL, text) || syncfs(fd))
		ret = fail(why, -errno, "%s: %s", MOUNT, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

/* RET and WHY are what has ended a move. The next start would find two places. */
static int give_up(
	const struct place *place, const struct place *current, int ret, char why[PLACE_TEXT])
{
	char reason[PLACE_TEXT];

	set_label(PLACE_PARTIAL, reason);
	snprintf(reason, sizeof(reason), "%s", why);
	return fail(why, ret,
		_("%s\n%s is the data place still. What was copied to %s was removed, and that is called %s now, so that no host takes it for its data place. To try again: tune2fs -L %s /dev/%s; posada storage move %s"),
		reason, current->name, place->name, PLACE_PARTIAL, PLACE_LABEL, place->name,
		place->name);
}

/* Disks of plain guests that run, and write to both; what cannot be copied so is left. */
static int copy_live(const struct place *place, const struct place_copy *all, char why[PLACE_TEXT])
{
	const struct timespec pause = {.tv_nsec = 500000000};
	struct place_progress *progress = all->progress;
	uint64_t room = measure_room();
	char spare[32];

	snprintf(spare, sizeof(spare), "%llu", (unsigned long long)(room - all->bytes) >> 10);
	call_hook("copy", place->uuid, spare);
	while (call_hook("ready", NULL, NULL) == NOT_YET) {
		uint64_t left = measure_room();

		if (progress)
			progress->done = left < room ? room - left : 0;
		if (!goes_on(progress, 0))
			return fail(why, -ECANCELED, _(cancelled), place->name);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* The other guests wait until it is over. */
static int hold_others(char why[PLACE_TEXT])
{
	char ignored[PLACE_TEXT];
	int ret = hold_guests(why);

	if (!ret)
		ret = see_unused(PLACE_ROOT, why);
	/* It has nothing yet that would be in the way of another try. */
	if (ret) {
		call_hook("drop", NULL, NULL);
		set_label(PLACE_LABEL, ignored);
	}
	return ret;
}

/* What was deleted in the place that is in use after it was copied is not there again. */
static void forget_deleted(FILE *made)
{
	char *path = NULL, from[PATH_SIZE];
	size_t size = 0;

	rewind(made);
	while (getdelim(&path, &size, '\0', made) > 0) {
		for (size_t i = 0; i < COUNT(kept); i++) {
			const char *rest = path + strlen(MOUNT "/");
			size_t length = strlen(kept[i].kept);

			if (strncmp(rest, kept[i].kept, length) != 0 || rest[length] != '/' ||
				snprintf(from, sizeof(from), "%s%s", kept[i].path, rest + length) >=
					PATH_SIZE)
				continue;
			if (access(from, F_OK) && errno == ENOENT)
				remove(path);
		}
	}
	free(path);
}

/*
 * What has come or changed while all was copied, until that is nothing: guests that ended meanwhile
 * and their disks, those that somebody started and shut down, what somebody set.
 */
static int copy_rest(struct place_copy *all, const struct place *current, char why[PLACE_TEXT])
{
	int ret = 0;

	for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
		call_hook("ready", NULL, NULL);
		ret = see_unused(PLACE_ROOT, why);
		if (ret)
			return ret;
		fflush(all->noted);
		all->copied = fopen(PASSED, "re");
		if (!all->copied)
			return fail(why, -errno, "%s: %s", PASSED, strerror(errno));
		ret = copy_kept(all, why);
		fclose(all->copied);
		all->copied = NULL;
		if (ret || !all->bytes) {
			forget_deleted(all->made);
			return ret;
		}
	}
	return fail(why, -EBUSY,
		_("%s changes faster than it can be copied. See what writes to it."),
		current->name);
}

/*
 * All of it from the place in use to the one on MOUNT, or nothing. What has a part is no place: the
 * next start would find two, or use that part.
 */
static int take_along(const struct place *place, const struct place *current,
	struct place_progress *progress, char why[PLACE_TEXT])
{
	struct place_copy all = {.over = true,
		.live = LIVE,
		.place = place->name,
		.made = fopen(MADE, "w+e"),
		.noted = fopen(PASSED, "we"),
		.progress = progress};
	bool renamed = false;
	int ret;

	if (!all.made || !all.noted) {
		ret = fail(why, -errno, "%s: %s", RUN, strerror(errno));
		goto out;
	}
	ret = measure(place, &all, why);
	if (!ret)
		ret = set_label(PLACE_PARTIAL, why);
	if (ret)
		goto out;
	ret = copy_live(place, &all, why);
	if (!ret) {
		ret = hold_others(why);
		if (ret)
			goto out;
		ret = measure(place, &all, why);
	}
	if (!ret)
		ret = copy_kept(&all, why);
	if (!ret)
		ret = copy_rest(&all, current, why);
	if (!ret)
		ret = set_label(PLACE_LABEL, why);
	/* A guest lets go of the old place only once it has the new one. */
	if (!ret) {
		put_saved_aside();
		renamed = true;
		ret = let_go(current, access(LIVE, F_OK) ? 0 : MNT_DETACH, why);
	}
	if (!ret)
		goto out;
	if (renamed)
		rename_saved(SAVE_MOVED, SAVE);
	call_hook("drop", NULL, NULL);
	place_undo(all.made);
	give_up(place, current, ret, why);
out:
	if (all.made)
		fclose(all.made);
	if (all.noted)
		fclose(all.noted);
	unlink(PASSED);
	return ret;
}

int place_move(const struct place *place, struct place_progress *progress, char why[PLACE_TEXT])
{
	/* Guests need not pause for a look at what PLACE has. */
	struct place_copy look = {
		.dry = true, .deep = true, .clash = another_file, .place = place->name};
	char from[PATH_SIZE], to[PATH_SIZE];
	struct place current;
	bool moved = false;
	int ret, fd;

	*why = '\0';
	fd = lock(why);
	if (fd < 0)
		return fd;
	if (place_current(&current))
		ret = fail(why, -ENOENT, _("No data place is in use. Attach %s instead."),
			place->name);
	else if (!strcmp(current.uuid, place->uuid))
		ret = fail(why, -EEXIST, _("%s is the data place already."), place->name);
	else
		ret = place_check_pools(POOLS, why);
	if (!ret)
		ret = remember(place, why);
	if (!ret)
		ret = mount_aside(place, why);
	if (ret)
		goto out;
	ret = copy_kept(&look, why);
	if (!ret && !goes_on(progress, 0)) {
		ret = fail(why, -ECANCELED, _(cancelled), place->name);
		give_up(place, &current, ret, why);
	}
	if (ret) {
		umount2(MOUNT, MNT_DETACH);
		goto out;
	}
	ret = take_along(place, &current, progress, why);
	if (ret) {
		umount2(MOUNT, MNT_DETACH);
	} else {
		unlink(CURRENT);
		/* What it had of memory, this one has now. */
		name_list(&current, from);
		name_list(place, to);
		rename(from, to);
		ret = switch_to(why);
		if (ret)
			place_notice(why);
		moved = !ret;
		call_hook(moved ? "pivot" : "drop", place->uuid, NULL);
	}
	sync();
	/* From here on there is one place, whenever the power goes. */
	if (moved)
		place_put_aside(&current, why);
	settle();
out:
	close(fd);
	return ret;
}

static bool is_labelled(const char *device, const char *wanted)
{
	blkid_probe probe = blkid_new_probe_from_filename(device);
	const char *label = "";
	bool found = probe && !blkid_do_safeprobe(probe) &&
		     !blkid_probe_lookup_value(probe, "LABEL", &label, NULL) &&
		     !strcmp(label, wanted);

	blkid_free_probe(probe);
	return found;
}

int place_leave(const struct place *place, int ret, char why[PLACE_TEXT])
{
	const char *const words[] = {"tune2fs", "-L", PLACE_PARTIAL, place->device, NULL};
	char reason[PLACE_TEXT], first[96] = "";
	bool renamed;

	/* It may have been renamed by what has failed. */
	if (!is_labelled(place->device, PLACE_LABEL))
		return ret;
	renamed = !tool_run(words, NULL, 0) && !work_flush(place->device);
	if (renamed)
		deactivate(place);
	if (strchr(place->name, '/'))
		snprintf(first, sizeof(first), "lvm lvchange -ay %s; ", place->name);
	snprintf(reason, sizeof(reason), "%s", why);
	if (!renamed)
		return fail(why, ret,
			_("%s\n%s was made, and cannot be renamed, so that the next start finds two data places and uses none. Rename it before: tune2fs -L %s /dev/%s"),
			reason, place->name, PLACE_PARTIAL, place->name);
	return fail(why, ret,
		_("%s\n%s was made, and is called %s now, so that the next start does not find two data places. To move there: %stune2fs -L %s /dev/%s; posada storage move %s"),
		reason, place->name, PLACE_PARTIAL, first, PLACE_LABEL, place->name, place->name);
}

/* What was made while another place is in use is no place before it is used instead. */
static void make_place(const char *name)
{
	char device[80];

	snprintf(device, sizeof(device), "/dev/%s", name);
	if (strchr(name, '/'))
		tool_run((const char *const[]){TOOL_LVM_CHANGE, "lvchange", "-ay", name, NULL},
			NULL, 0);
	if (is_labelled(device, PLACE_PARTIAL))
		tool_run(
			(const char *const[]){"tune2fs", "-L", PLACE_LABEL, device, NULL}, NULL, 0);
}

int place_use(const char *name, struct place_progress *progress, char why[PLACE_TEXT])
{
	struct place place, current;
	bool moves = !place_current(&current);
	int ret;

	if (moves)
		make_place(name);
	ret = place_find(name, &place, why);
	if (ret)
		return ret;
	if (!moves)
		return place_attach(&place, false, progress, why);
	ret = place_move(&place, progress, why);
	return ret ? place_leave(&place, ret, why) : 0;
}

int place_detach(char why[PLACE_TEXT])
{
	struct place current;
	int ret, fd;

	*why = '\0';
	fd = lock(why);
	if (fd < 0)
		return fd;
	ret = place_current(&current) ? fail(why, -ENOENT, _("No data place is in use.")) : 0;
	if (!ret)
		ret = see_unused(PLACE_ROOT, why);
	if (!ret)
		ret = let_go(&current, 0, why);
	if (!ret) {
		unlink(CURRENT);
		place_notice(_(
			"The data place was detached: what changes now lives in memory and is gone at power-off."));
		settle();
	}
	close(fd);
	return ret;
}

void place_notice(const char *why)
{
	FILE *file;

	if (!why) {
		unlink(NOTICE);
		return;
	}
	file = fopen(NOTICE, "we");
	if (file) {
		fprintf(file, "%s\n", why);
		fclose(file);
	}
}
