/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the device of an adopted disk by device-mapper, and takes it away. */
#include "adopted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libintl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "apply.h"
#include "definition.h"
#include "disklabel.h"
#include "esp.h"
#include "loop.h"
#include "place.h"
#include "posada.h"
#include "probe.h"
#include "raw.h"
#include "tool.h"
#include "work.h"

#define _(text) gettext(text)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MIB	   ((uint64_t)1 << 20)
#define LVM_FOLDER "/etc/lvm"
#define LVM_CONFIG LVM_FOLDER "/lvm.conf"
#define LVM_MARK   "# Partitions that adopted systems have, written by posada guest adopt.\n"

#define TRIAL "-trial"
/* Below a trial lies the disk, read only. */
#define BELOW "-disk"

/* What a trial can write: half of the room that there is, within these bounds. */
#define ROOM_LEAST (16 * MIB)
#define ROOM_MOST  ((uint64_t)64 << 30)
/* The kernel's longest. */
#define UUID_SIZE 130
/* Whoever makes a device or takes one away has this file alone meanwhile. */
#define LOCK "/run/posada/adopted.lock"

/* How much is copied for the first byte that is written, in sectors. */
#define CHUNK 16

static int fail(char why[ADOPT_TEXT], int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char why[ADOPT_TEXT], int ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, ADOPT_TEXT, format, args);
	va_end(args);
	return ret;
}

/* A person's own configuration stays. */
static bool is_own_config(void)
{
	char line[128] = LVM_MARK;
	FILE *file = fopen(LVM_CONFIG, "re");

	if (file) {
		if (!fgets(line, sizeof(line), file))
			*line = '\0';
		fclose(file);
	}
	return !strcmp(line, LVM_MARK);
}

/* --- The record --------------------------------------------------------- */

static const struct disk *find_disk(const struct machine *machine, const char *name)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		if (!strcmp(machine->disks[i].name, name))
			return &machine->disks[i];
	return NULL;
}

static int read_record(const struct disk *disk, const struct part *part,
	const struct apply_places *places, struct adopted *adopted, struct adopt_wish *wish)
{
	const struct apply_options options = {
		.places = places ? *places : (struct apply_places){0}};
	struct work *work = calloc(1, sizeof(*work));
	struct record record = {0};
	char why[APPLY_TEXT] = "";
	bool there;
	int ret;

	if (!work)
		return fail(adopted->plan.refusal, -ENOMEM, "%s.", strerror(ENOMEM));
	work->why = why;
	work_open(work, &options);
	work_device(work, disk->name, work->device);
	work_choose(work, part->name, part->on, *part->content ? part->content : "vfat");
	work_choose_copy(work, disk->serial, disk->size, disk->table_uuid, part);
	ret = work_find_record(work, part, &record, &there);
	if (!ret && record.sector0) {
		adopted->has_code = true;
		memcpy(adopted->code, work->before.head, BOOTCODE_CODE);
	}
	wish->core = record.core;
	wish->core_number = record.core_number;
	wish->own_number = record.partition ? part->number : 0;
	work_close(work);
	return ret ? fail(adopted->plan.refusal, ret, "%s.", why) : 0;
}

/* With a configuration that is not ours LVM cannot be told to keep off a group. */
static int see_config(const struct disk *disk, struct adopt *plan)
{
	for (size_t i = 0; i < disk->part_count && !is_own_config(); i++) {
		if (strcmp(disk->parts[i].content, "LVM2_member") != 0)
			continue;
		plan->piece_count = plan->hidden_count = 0;
		return fail(plan->refusal, -EPERM,
			_("%s is your own, so that LVM cannot be kept off the volume group on %s while a guest has it, and two would destroy it. Move that file away, then try again."),
			LVM_CONFIG, disk->parts[i].name);
	}
	return 0;
}

int adopted_plan(const struct machine *machine, const char *name, bool trial,
	const struct apply_places *places, struct adopted *adopted)
{
	const struct disk *disk = find_disk(machine, name);
	const struct part *part = disk ? apply_look(machine, disk, places) : NULL;
	struct adopt_wish wish = {.disk = name, .trial = trial};
	int ret = 0;

	memset(adopted, 0, sizeof(*adopted));
	/* Where it lies in what is the system's, that is refused anyway, and nobody mounts that.
	 * One of ours that cannot be read looks empty. */
	if (part && !adopt_is_uefi(machine, disk) && !part->unfinished &&
		(part->ours || !*part->content || !strcmp(part->label, WORK_LABEL)))
		ret = read_record(disk, part, places, adopted, &wish);
	if (!ret)
		ret = adopt_plan(machine, &wish, &adopted->plan);
	return ret ? ret : see_config(disk, &adopted->plan);
}

/* --- The private copy --------------------------------------------------- */

static int put_bytes(int fd, const uint8_t *bytes, uint64_t size, uint64_t at)
{
	return pwrite(fd, bytes, size, (off_t)at) == (ssize_t)size ? 0 : -EIO;
}

int adopted_private(const char *device, const struct adopted *adopted)
{
	const struct adopt *plan = &adopted->plan;
	uint64_t head = plan->first < RAW_END ? plan->first : RAW_END;
	uint64_t tail = plan->size - plan->last < RAW_END ? plan->size - plan->last : RAW_END;
	/* Room without an entry would be taken by a system that grows. "Reserved", "no file
	 * system". */
	static const struct disklabel_types nobodys = {
		.gpt = "8da63339-0007-60c0-c436-083ac8230908", .dos = "da"};
	struct raw_ends *ends = malloc(sizeof(*ends));
	int fd = memfd_create("adopted", MFD_CLOEXEC);
	int ret = ends ? raw_ends_read(device, ends) : -ENOMEM;
	char path[32];

	if (!ret && (fd < 0 || ftruncate(fd, (off_t)plan->size)))
		ret = -errno;
	if (!ret && adopted->has_code)
		memcpy(ends->head, adopted->code, BOOTCODE_CODE);
	if (!ret)
		ret = put_bytes(fd, ends->head, head, 0);
	if (!ret)
		ret = put_bytes(fd, ends->tail + RAW_END - tail, tail, plan->size - tail);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; !ret && i < plan->hidden_count; i++)
		ret = disklabel_retype(
			path, plan->hidden[i].number, plan->hidden[i].start, &nobodys);
	free(ends);
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}

/* --- Names -------------------------------------------------------------- */

void adopted_path(const struct disk *disk, bool trial, char path[ADOPTED_NAME])
{
	snprintf(path, ADOPTED_NAME, POSADA_ADOPTED "%s%s", disk->table_uuid, trial ? TRIAL : "");
}

/* What PATH says: the identity, and whether it is a trial. */
static bool parse_path(const char *path, char identity[40], bool *trial)
{
	const char *from = path + strlen(POSADA_ADOPTED);
	size_t length;

	if (strncmp(path, POSADA_ADOPTED, strlen(POSADA_ADOPTED)) != 0)
		return false;
	length = strspn(from, "0123456789abcdef-");
	*trial = !strcmp(from + length, TRIAL + 1) && length && from[length - 1] == '-';
	length -= *trial;
	if (!length || length >= 40 || from[length - 1] == '-' || (!*trial && from[length]))
		return false;
	snprintf(identity, 40, "%.*s", (int)length, from);
	return true;
}

static const char *name_of(const char *path)
{
	return path + strlen("/dev/mapper/");
}

/* --- Who has it --------------------------------------------------------- */

/* What the kernel tells of device-mapper's device "dm-0": its "name", its "uuid". */
static bool read_fact(const char *device, const char *fact, char text[UUID_SIZE])
{
	char path[512];
	bool found;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/block/%.255s/dm/%s", device, fact);
	file = fopen(path, "re");
	if (!file)
		return false;
	found = fgets(text, UUID_SIZE, file);
	fclose(file);
	if (found)
		text[strcspn(text, "\n")] = '\0';
	return found;
}

/* Is that block device ("dm-0") one of ours? */
static bool is_adopted(const char *device)
{
	char name[UUID_SIZE];

	return read_fact(device, "name", name) &&
	       !strncmp(name, name_of(POSADA_ADOPTED), strlen(name_of(POSADA_ADOPTED)));
}

static bool has_adopted(const char *holders)
{
	DIR *directory = opendir(holders);
	const struct dirent *entry;
	bool found = false;

	while (directory && !found && (entry = readdir(directory)))
		found = is_adopted(entry->d_name);
	if (directory)
		closedir(directory);
	return found;
}

/* Device-mapper lets two of its devices have one partition. */
static bool is_shared(const char *part)
{
	const struct dirent *entry;
	bool shared = false;
	char name[64], path[512];
	DIR *directory;

	snprintf(name, sizeof(name), "%s", part);
	for (char *at = name; *at; at++)
		if (*at == '/')
			*at = '!';
	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", name);
	directory = opendir(path);
	while (directory && !shared && (entry = readdir(directory)))
		shared = entry->d_name[0] != '.' && !is_adopted(entry->d_name);
	if (directory)
		closedir(directory);
	return shared || !directory;
}

/* --- LVM ---------------------------------------------------------------- */

/* A partition as an element of a list of LVM's. */
static void put_rejected(const char *device, bool *any, FILE *out)
{
	fputs(*any ? ", \"r|^/dev/" : "\"r|^/dev/", out);
	for (const char *at = device; *at; at++)
		putc(*at == '!' ? '/' : *at, out);
	fputs("$|\"", out);
	*any = true;
}

/* What lies below one of ours. */
static void put_slaves(const char *device, bool *any, FILE *out)
{
	const struct dirent *entry;
	char path[512];
	DIR *directory;

	snprintf(path, sizeof(path), "/sys/class/block/%.255s/slaves", device);
	directory = opendir(path);
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, "loop", 4) != 0 &&
			strncmp(entry->d_name, "dm-", 3) != 0)
			put_rejected(entry->d_name, any, out);
	if (directory)
		closedir(directory);
}

/*
 * A group that a guest has and dom0 changes too would be destroyed, and nothing in the kernel keeps
 * two from it: LVM is told to look at no partition that a device of ours has, or that one has soon.
 */
static int tell_lvm(const struct adopt *soon)
{
	bool ours = is_own_config();
	DIR *directory = ours ? opendir("/sys/class/block") : NULL;
	const struct dirent *entry;
	bool any = false;
	FILE *out;
	int ret = 0;

	if (!directory)
		return ours ? -errno : 0;
	mkdir(LVM_FOLDER, 0755);
	out = fopen(LVM_CONFIG ".new", "we");
	if (!out) {
		ret = -errno;
		closedir(directory);
		return ret;
	}
	fputs(LVM_MARK "devices {\n\tglobal_filter = [ ", out);
	while ((entry = readdir(directory)))
		if (is_adopted(entry->d_name))
			put_slaves(entry->d_name, &any, out);
	for (size_t i = 0; soon && i < soon->piece_count; i++)
		if (soon->pieces[i].source == ADOPT_PART)
			put_rejected(soon->pieces[i].part, &any, out);
	fputs(" ]\n}\n", out);
	closedir(directory);
	if (fclose(out) || (any && rename(LVM_CONFIG ".new", LVM_CONFIG)))
		ret = -EIO;
	if (ret || !any)
		unlink(LVM_CONFIG ".new");
	if (!any && unlink(LVM_CONFIG) && errno != ENOENT)
		ret = -errno;
	return ret;
}

/* --- Device-mapper ------------------------------------------------------ */

/* The kernel knows; a name in /dev may be older. UUID may be NULL. */
static bool is_device(const char *name, char uuid[UUID_SIZE])
{
	DIR *directory = opendir("/sys/class/block");
	const struct dirent *entry;
	char found[UUID_SIZE];
	bool there = false;

	while (directory && !there && (entry = readdir(directory))) {
		there = !strncmp(entry->d_name, "dm-", 3) &&
			read_fact(entry->d_name, "name", found) && !strcmp(found, name);
		if (there && uuid && !read_fact(entry->d_name, "uuid", uuid))
			*uuid = '\0';
	}
	if (directory)
		closedir(directory);
	return there;
}

/* Whose a device is, the device tells. */
static void make_uuid(const char *name, const char *guest, char uuid[UUID_SIZE])
{
	snprintf(uuid, UUID_SIZE, "posada:%.*s:%.*s", POSADA_NAME_MAX, guest,
		UUID_SIZE - POSADA_NAME_MAX - 10, name);
}

static bool is_of_another(const char *name, const char *guest)
{
	char uuid[UUID_SIZE], found[UUID_SIZE];

	make_uuid(name, guest, uuid);
	return is_device(name, found) && strcmp(found, uuid) != 0;
}

static int remove_device(const char *name, bool later)
{
	const char *const words[] = {
		"dmsetup", "remove", later ? "--deferred" : "--retry", name, NULL};

	return is_device(name, NULL) && tool_run(words, NULL, 0) ? -EBUSY : 0;
}

/* What PATH leads to, and what lies below that. */
static int name_devices(const char *path, char names[2][ADOPTED_NAME + 16])
{
	char identity[40];
	bool trial;

	if (!parse_path(path, identity, &trial))
		return -EINVAL;
	snprintf(names[0], sizeof(names[0]), "%s", name_of(path));
	snprintf(names[1], sizeof(names[1]), "%s" BELOW, name_of(path));
	return 0;
}

static int close_device(const char *path, const char *guest, bool later)
{
	char names[2][ADOPTED_NAME + 16];
	int ret = name_devices(path, names);
	bool there = false;

	for (size_t i = 0; !ret && i < COUNT(names); i++) {
		there |= is_device(names[i], NULL);
		if (is_of_another(names[i], guest))
			return -EBUSY;
	}
	for (size_t i = 0; !ret && i < COUNT(names); i++)
		ret = remove_device(names[i], later);
	if (there) {
		int told = tell_lvm(NULL);

		ret = ret ? ret : told;
	}
	return ret;
}

static int lock_devices(void)
{
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX))
		if (errno != EINTR) {
			int ret = -errno;

			close(fd);
			return ret;
		}
	return fd;
}

int adopted_close(const char *path, const char *guest)
{
	char names[2][ADOPTED_NAME + 16];
	int ret = name_devices(path, names), lock;

	if (ret || (!is_device(names[0], NULL) && !is_device(names[1], NULL)))
		return ret;
	lock = lock_devices();
	if (lock < 0)
		return lock;
	ret = close_device(path, guest, false);
	close(lock);
	return ret;
}

int adopted_let_go(const char *path, const char *guest)
{
	char names[2][ADOPTED_NAME + 16];
	int ret = name_devices(path, names), lock;

	if (ret)
		return ret;
	lock = lock_devices();
	if (lock < 0)
		return lock;
	/* libvirt lets go of what a guest did not get, too. */
	if (!is_of_another(names[0], guest) && !is_of_another(names[1], guest)) {
		ret = close_device(path, guest, false);
		if (ret == -EBUSY)
			ret = close_device(path, guest, true);
	}
	close(lock);
	return ret;
}

int adopted_settle(void)
{
	int lock = lock_devices(), ret;

	if (lock < 0)
		return lock;
	ret = tell_lvm(NULL);
	close(lock);
	return ret;
}

/* TABLE is a file in memory, which no name leads to but that of our descriptor. */
static int create_device(const char *name, const char *guest, FILE *table, bool read_only)
{
	char path[64], uuid[UUID_SIZE];
	const char *const words[] = {"dmsetup", "create", name, "--uuid", uuid, path,
		read_only ? "--readonly" : NULL, NULL};

	if (fflush(table))
		return -errno;
	make_uuid(name, guest, uuid);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fileno(table));
	return tool_run(words, NULL, 0) ? -EIO : 0;
}

static FILE *open_table(void)
{
	int fd = memfd_create("table", MFD_CLOEXEC);
	FILE *table = fd < 0 ? NULL : fdopen(fd, "w");

	if (!table && fd >= 0)
		close(fd);
	return table;
}

/* A file on the data place that nobody else finds. */
static int open_file(uint64_t bytes)
{
	char path[] = PLACE_ROOT "/adopted.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (unlink(path) || ftruncate(fd, (off_t)bytes)) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

/* Bytes of memory that programs can still have. */
static uint64_t read_available(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

/* For what a trial writes. */
static int open_room(uint64_t *bytes)
{
	uint64_t memory = read_available() / 4 / MIB * MIB;
	struct statvfs room;
	struct statfs kind;

	if (statvfs(PLACE_ROOT, &room))
		return -errno;
	*bytes = (uint64_t)room.f_bavail * room.f_frsize / 2 / MIB * MIB;
	if (*bytes > ROOM_MOST)
		*bytes = ROOM_MOST;
	/* Without a data place it is this host's own memory. */
	if (!statfs(PLACE_ROOT, &kind) && *bytes > memory &&
		(kind.f_type == TMPFS_MAGIC || kind.f_type == OVERLAYFS_SUPER_MAGIC))
		*bytes = memory;
	return *bytes < ROOM_LEAST ? -ENOSPC : open_file(*bytes);
}

/* What is written goes beside the disk that lies BELOW. */
static int create_trial(
	const char *path, const char *guest, const char *below, uint64_t size, uint64_t *bytes)
{
	FILE *table = open_table();
	int file = open_room(bytes), loop = file, ret;
	char name[LOOP_NAME];

	if (loop >= 0)
		loop = loop_open(file, 0, 0, false, name);
	ret = loop < 0 ? loop : table ? 0 : -ENOMEM;
	if (!ret) {
		fprintf(table, "0 %" PRIu64 " snapshot /dev/mapper/%s %s N %d\n", size / 512, below,
			name, CHUNK);
		ret = create_device(name_of(path), guest, table, false);
	}
	if (table)
		fclose(table);
	if (file >= 0)
		close(file);
	if (loop >= 0)
		close(loop);
	return ret;
}

/* --- The copy of an ESP ------------------------------------------------- */

/* For a file system that is there, or was just made. */
static struct work *open_work(const char *device, char why[APPLY_TEXT])
{
	static const struct apply_options options;
	struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->why = why;
	work_open(work, &options);
	snprintf(work->partition, sizeof(work->partition), "%s", device);
	snprintf(work->content, sizeof(work->content), "vfat");
	return work;
}

/* A file system of the same name, so that whoever mounts it by that finds it. */
static int format_esp(const struct part *esp, const char *device)
{
	const char *words[10] = {"mkfs.fat", "-I"};
	char serial[40];
	size_t count = 2, length = 0;

	for (const char *at = esp->content_uuid; *at; at++)
		if (*at != '-')
			serial[length++] = *at;
	serial[length] = '\0';
	if (length) {
		words[count++] = "-i";
		words[count++] = serial;
	}
	if (*esp->label) {
		words[count++] = "-n";
		words[count++] = esp->label;
	}
	words[count] = device;
	return tool_run(words, NULL, 0) ? -EIO : 0;
}

static int fill_esp(const struct part *esp, const char *device, char why[ADOPT_TEXT])
{
	char reason[APPLY_TEXT] = "", where[ESP_PATH] = "", path[80];
	struct work *from, *to;
	int ret = -ENOMEM;

	snprintf(path, sizeof(path), "/dev/%s", esp->name);
	from = open_work(path, reason);
	to = open_work(device, reason);
	if (from && to) {
		ret = work_mount(from, true);
		if (!ret)
			ret = work_mount(to, false);
		if (!ret)
			ret = esp_copy(from->mount, to->mount, esp->loader, where);
		if (ret)
			work_fail(to, ret, "%s: %s", where, strerror(-ret));
		ret = work_unmount(to, ret);
		ret = work_unmount(from, ret);
	}
	if (ret)
		fail(why, ret, _("The ESP %s cannot be copied for the guest: %s."), esp->name,
			*reason ? reason : strerror(-ret));
	if (from)
		work_close(from);
	if (to)
		work_close(to);
	return ret;
}

/* Its loop device, or -errno with the reason in WHY. */
static int open_esp(
	const struct part *esp, bool read_only, char name[LOOP_NAME], char why[ADOPT_TEXT])
{
	int file = open_file(esp->size);
	int loop = file < 0 ? file : loop_open(file, 0, 0, false, name);
	int ret = loop < 0 ? loop : format_esp(esp, name);

	if (ret < 0)
		fail(why, ret, _("The ESP %s cannot be copied for the guest: %s."), esp->name,
			strerror(-ret));
	else
		ret = fill_esp(esp, name, why);
	if (!ret && read_only) {
		close(loop);
		loop = ret = loop_open(file, 0, 0, true, name);
	}
	if (file >= 0)
		close(file);
	if (ret < 0 && loop >= 0)
		close(loop);
	return ret < 0 ? ret : loop;
}

/* --- The device --------------------------------------------------------- */

/* The pieces as one device. */
static int create_linear(const char *name, const char *guest, const char *device,
	const struct adopted *adopted, bool read_only, char why[ADOPT_TEXT])
{
	const struct part *esp = &adopted->plan.esp;
	char copy_name[LOOP_NAME], disk_name[LOOP_NAME], esp_name[LOOP_NAME];
	const struct adopt_devices devices = {copy_name, disk_name, esp_name, "/dev"};
	int copy = adopted_private(device, adopted);
	int disk = open(device, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	int loops[] = {copy, disk < 0 ? -errno : disk, 0}, ret = 0;
	FILE *table = open_table();

	/* The disk as a whole cannot be claimed while a partition of it is in use, which may be the
	 * data place; its sectors in no partition are had through a loop device. */
	if (copy >= 0)
		loops[0] = loop_open(copy, 0, 0, read_only, copy_name);
	if (disk >= 0)
		loops[1] = loop_open_direct(disk, read_only, disk_name);
	if (*esp->name)
		loops[2] = open_esp(esp, read_only, esp_name, why);
	for (size_t i = 0; !ret && i < COUNT(loops); i++)
		ret = loops[i] < 0 ? loops[i] : 0;
	if (!ret)
		ret = table ? adopt_table(&adopted->plan, &devices, table) : -ENOMEM;
	if (!ret)
		ret = create_device(name, guest, table, read_only);
	if (table)
		fclose(table);
	/* What the device uses stays until that goes. */
	for (size_t i = 0; i < COUNT(loops); i++)
		if (loops[i] > 0)
			close(loops[i]);
	if (copy >= 0)
		close(copy);
	if (disk >= 0)
		close(disk);
	return ret && !*why
		       ? fail(why, ret,
				 _("%s cannot be presented to a guest: %s. The kernel's log (dmesg) tells more."),
				 adopted->plan.disk, strerror(-ret))
		       : ret;
}

static const struct disk *find_table(const struct machine *machine, const char *identity)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		if (!strcmp(machine->disks[i].table_uuid, identity))
			return &machine->disks[i];
	return NULL;
}

/* Nobody installs to the disk, or adopts it too, until what is returned is closed. */
static int lock_disk(const struct disk *disk, char why[ADOPT_TEXT])
{
	char device[sizeof("/dev/") + sizeof(disk->name)];
	int lock;

	snprintf(device, sizeof(device), "/dev/%s", disk->name);
	lock = work_lock(device, true);
	if (lock == -EBUSY)
		return fail(why, lock,
			_("Another program is changing %s. Wait until it is done, then try again."),
			disk->name);
	return lock < 0 ? fail(why, lock, "%s: %s.", device, strerror(-lock)) : lock;
}

/* Between the probe and now somebody may have taken a partition. */
static int see_alone(const struct adopt *plan, char why[ADOPT_TEXT])
{
	for (size_t i = 0; i < plan->piece_count; i++)
		if (plan->pieces[i].source == ADOPT_PART && is_shared(plan->pieces[i].part))
			return fail(why, -EBUSY,
				_("%s is in use, as part of something that is active. Release it, then try again."),
				plan->pieces[i].part);
	return 0;
}

static int make_device(const char *path, const char *guest, const struct disk *disk,
	const struct adopted *adopted, bool trial, uint64_t *room, char why[ADOPT_TEXT])
{
	char device[64], below[ADOPTED_NAME + 16];
	uint64_t bytes = 0;
	int ret;

	snprintf(device, sizeof(device), "/dev/%s", disk->name);
	snprintf(below, sizeof(below), "%s" BELOW, name_of(path));
	ret = tell_lvm(&adopted->plan);
	if (!ret)
		ret = create_linear(
			trial ? below : name_of(path), guest, device, adopted, trial, why);
	if (!ret)
		ret = see_alone(&adopted->plan, why);
	if (!ret && trial)
		ret = create_trial(path, guest, below, adopted->plan.size, &bytes);
	if (ret == -ENOSPC && !*why)
		fail(why, ret,
			_("What a trial writes needs room: %s has less than %u MiB for it. Make a data place, or delete what is not needed."),
			PLACE_ROOT, (unsigned)(ROOM_LEAST / MIB));
	else if (ret && !*why)
		fail(why, ret, _("%s cannot be prepared for a guest: %s."), disk->name,
			strerror(-ret));
	if (ret) {
		close_device(path, guest, false);
		tell_lvm(NULL);
	} else if (room) {
		*room = bytes;
	}
	return ret;
}

/* The disk of that identity as it is now; the caller frees MACHINE. */
static int look(struct machine *machine, const char *identity, const struct disk **disk,
	char why[ADOPT_TEXT])
{
	disks_free(machine);
	if (probe_machine(machine, "/sys", NULL))
		return fail(why, -EIO, _("The disks of this machine cannot be looked at."));
	*disk = find_table(machine, identity);
	return *disk ? 0
		     : fail(why, -ENODEV,
			       _("The disk that was adopted (its table's identity is %s) is not there. Connect it, or delete the guest."),
			       identity);
}

/* What has been looked at counts once nobody else can change it: it is looked at again then. */
static int plan_alone(struct machine *machine, const char *identity, const struct disk **disk,
	char why[ADOPT_TEXT])
{
	char name[sizeof((*disk)->name)];
	int ret = look(machine, identity, disk, why), lock;

	if (ret)
		return ret;
	memcpy(name, (*disk)->name, sizeof(name));
	lock = lock_disk(*disk, why);
	if (lock < 0)
		return lock;
	ret = look(machine, identity, disk, why);
	if (!ret && strcmp(name, (*disk)->name) != 0)
		ret = fail(why, -EAGAIN, _("%s is another disk now. Try again."), name);
	if (ret)
		close(lock);
	return ret ? ret : lock;
}

/* With the devices locked. */
static int open_device(const char *path, const char *guest, uint64_t *room, char why[ADOPT_TEXT])
{
	struct adopted *adopted = malloc(sizeof(*adopted));
	const struct disk *disk = NULL;
	struct machine machine = {0};
	char identity[40];
	int lock = -1, ret = 0;
	bool trial;

	if (!adopted)
		return fail(why, -ENOMEM, "%s.", strerror(ENOMEM));
	if (!parse_path(path, identity, &trial))
		ret = fail(why, -EINVAL, _("%s is no device of an adopted disk."), path);
	if (!ret) {
		ret = close_device(path, guest, false);
		if (ret == -EBUSY)
			fail(why, ret,
				_("The system on this disk runs as a guest already, and two would destroy it. Stop that guest first."));
		/* What was let go of while it was in use may be gone only now. */
		else if (ret || (ret = tell_lvm(NULL)))
			fail(why, ret, _("%s cannot be written: %s."), LVM_CONFIG, strerror(-ret));
	}
	if (!ret) {
		lock = plan_alone(&machine, identity, &disk, why);
		ret = lock < 0 ? lock : 0;
	}
	if (!ret && adopted_plan(&machine, disk->name, trial, NULL, adopted))
		ret = fail(why, -EPERM, "%s", adopted->plan.refusal);
	if (!ret)
		ret = make_device(path, guest, disk, adopted, trial, room, why);
	if (lock >= 0)
		close(lock);
	disks_free(&machine);
	free(adopted);
	return ret;
}

int adopted_open(const char *path, const char *guest, uint64_t *room, char why[ADOPT_TEXT])
{
	int lock, ret;

	*why = '\0';
	if (!posada_name_is_legal(guest))
		return fail(why, -EINVAL,
			_("A guest with an adopted disk needs a plain name: letters, digits, dots, dashes and underscores."));
	lock = lock_devices();
	if (lock < 0)
		return fail(why, lock, "%s: %s.", LOCK, strerror(-lock));
	ret = open_device(path, guest, room, why);
	close(lock);
	return ret;
}

struct owner {
	const char *identity;
	char *guest;
};

static int see_owner(void *opaque, const char *guest, const char *path)
{
	const struct owner *owner = opaque;
	char identity[40];
	bool trial;

	if (!parse_path(path, identity, &trial) || strcmp(identity, owner->identity) != 0)
		return 0;
	snprintf(owner->guest, 64, "%s", *guest ? guest : "?");
	return 1;
}

bool adopted_is_claimed(const char *identity, const char *folder, char guest[64])
{
	struct owner owner = {identity, guest};

	return *identity && definition_each(folder, see_owner, &owner) == 1;
}

bool adopted_is_anyones(const char *identity, char guest[64])
{
	for (size_t i = 0; i < COUNT(definition_folders); i++)
		if (adopted_is_claimed(identity, definition_folders[i], guest))
			return true;
	return false;
}

bool adopted_has_guest(const char *path, char guest[64])
{
	char device[PATH_MAX], directory[PATH_MAX + 32], *slash;
	struct machine machine = {0};
	struct disk *disk = NULL;
	struct stat status;
	bool found = false;

	if (stat(path, &status) || !S_ISBLK(status.st_mode))
		return false;
	snprintf(directory, sizeof(directory), "/sys/dev/block/%u:%u/partition",
		major(status.st_rdev), minor(status.st_rdev));
	found = !access(directory, F_OK);
	slash = strrchr(directory, '/');
	*slash = '\0';
	/* A partition's folder lies in its disk's. */
	if (!realpath(directory, device))
		return false;
	slash = strrchr(device, '/');
	if (found && slash) {
		*slash = '\0';
		slash = strrchr(device, '/');
	}
	if (!slash || !strncmp(slash, "/dm-", 4))
		return false;
	snprintf(directory, sizeof(directory), "/dev%s", slash);
	for (char *at = directory; *at; at++)
		if (*at == '!')
			*at = '/';
	disk = disks_add(&machine);
	found = disk && !probe_disk(directory, disk, NULL) &&
		adopted_is_anyones(disk->table_uuid, guest);
	disks_free(&machine);
	return found;
}

bool adopted_has(const char *path)
{
	char device[64], directory[128], holders[512];
	const struct dirent *entry;
	struct stat status;
	bool found;
	DIR *parts;

	if (stat(path, &status) || !S_ISBLK(status.st_mode))
		return false;
	snprintf(device, sizeof(device), "../../dev/block/%u:%u", major(status.st_rdev),
		minor(status.st_rdev));
	if (is_adopted(device))
		return true;
	snprintf(directory, sizeof(directory), "/sys/class/block/%s", device);
	snprintf(holders, sizeof(holders), "%s/holders", directory);
	found = has_adopted(holders);
	parts = opendir(directory);
	while (parts && !found && (entry = readdir(parts))) {
		snprintf(holders, sizeof(holders), "%s/%.255s/holders", directory, entry->d_name);
		found = has_adopted(holders);
	}
	if (parts)
		closedir(parts);
	return found;
}
