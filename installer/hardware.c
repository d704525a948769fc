/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the disks of this machine and who uses them; the part of the probe that needs a kernel. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "adopted.h"
#include "definition.h"
#include "lvm.h"
#include "peek.h"
#include "smart.h"
#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PATH_SIZE 512
#define LINE_SIZE 256

#define SECURE_BOOT "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* How long a starting host is waited for. */
#define SETTLE_S 60

/* How long another of our programs may work on a disk, in pauses of 100 ms. */
#define CLAIM_TRIES 100
#define ASK_TRIES   3

/* A block device that this host has mounted, swaps to, or lends to a guest. */
struct use {
	dev_t device;
	char where[128];
};

/* One that a guest has, whether it runs or not. */
struct claim {
	dev_t device;
	char guest[64];
};

struct hardware {
	const char *sys;
	char medium[128];
	struct use *uses;
	size_t use_count;
	struct claim *claims;
	size_t claim_count;
};

/* --- Files of the kernel ------------------------------------------------ */

/* The first line of a small file, clean and without its end; empty when there is none. */
static bool read_fact(char *to, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool read_fact(char *to, size_t size, const char *format, ...)
{
	char path[PATH_SIZE], line[LINE_SIZE] = "";
	size_t length, start;
	va_list args;
	FILE *file;

	*to = '\0';
	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	length = strcspn(line, "\n");
	start = strspn(line, " ");
	while (length > start && line[length - 1] == ' ')
		length--;
	line[length] = '\0';
	posada_text_clean(length > start ? line + start : "", to, size);
	return *to != '\0';
}

static uint64_t read_count(const char *sys, const char *name, const char *fact)
{
	char line[32];

	read_fact(line, sizeof(line), "%s/block/%s/%s", sys, name, fact);
	return strtoull(line, NULL, 10);
}

static dev_t read_device(const char *directory)
{
	unsigned int major_number, minor_number;
	char line[32];

	if (!read_fact(line, sizeof(line), "%s/dev", directory) ||
		sscanf(line, "%u:%u", &major_number, &minor_number) != 2)
		return 0;
	return makedev(major_number, minor_number);
}

static bool has_entries(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool found = false;

	if (!directory)
		return false;
	while (!found && (entry = readdir(directory)))
		found = entry->d_name[0] != '.';
	closedir(directory);
	return found;
}

/* --- Who uses what ------------------------------------------------------ */

static int add_use(struct hardware *hardware, dev_t device, const char *where)
{
	struct use *grown =
		reallocarray(hardware->uses, hardware->use_count + 1, sizeof(*hardware->uses));

	if (!grown)
		return -ENOMEM;
	hardware->uses = grown;
	grown += hardware->use_count++;
	grown->device = device;
	snprintf(grown->where, sizeof(grown->where), "%.*s", (int)sizeof(grown->where) - 1, where);
	return 0;
}

/* The kernel writes blanks and the like as a backslash and three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
			text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	*to = '\0';
}

static dev_t device_of(const char *path)
{
	struct stat status;

	return *path == '/' && !stat(path, &status) && S_ISBLK(status.st_mode) ? status.st_rdev : 0;
}

/* "36 35 8:1 /root /mount/point rw,… … - ext4 /dev/sda1 rw" */
static int add_mount(struct hardware *hardware, char *line)
{
	unsigned int major_number, minor_number;
	char *dash = strstr(line, " - "), *fields[5], *rest = line, *source = NULL;
	dev_t device;

	for (size_t i = 0; i < COUNT(fields); i++)
		if (!(fields[i] = strtok_r(i ? NULL : line, " ", &rest)))
			return 0;
	if (!dash || sscanf(fields[2], "%u:%u", &major_number, &minor_number) != 2)
		return 0;
	device = makedev(major_number, minor_number);
	/* File systems over several devices have a number of their own. */
	if (!major_number && strtok_r(dash + 3, " ", &rest) &&
		(source = strtok_r(NULL, " ", &rest))) {
		unescape(source);
		device = device_of(source);
	}
	if (!device || !major(device))
		return 0;
	unescape(fields[4]);
	return add_use(hardware, device, fields[4]);
}

static int add_swap(struct hardware *hardware, char *line)
{
	dev_t device;

	line[strcspn(line, " \t")] = '\0';
	unescape(line);
	device = device_of(line);
	return device ? add_use(hardware, device, "") : 0;
}

/* Xen's block backends claim nothing for themselves; the kernel tells which device each one lends.
 */
static int add_backends(struct hardware *hardware)
{
	unsigned int major_number, minor_number;
	char path[PATH_SIZE], device[32];
	const struct dirent *entry;
	DIR *directory;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/bus/xen-backend/devices", hardware->sys);
	directory = opendir(path);
	if (!directory)
		return 0;
	while (!ret && (entry = readdir(directory)))
		if (!strncmp(entry->d_name, "vbd-", 4) &&
			read_fact(device, sizeof(device), "%s/%s/physical_device", path,
				entry->d_name) &&
			sscanf(device, "%x:%x", &major_number, &minor_number) == 2)
			ret = add_use(hardware, makedev(major_number, minor_number), "");
	closedir(directory);
	return ret;
}

/* The block devices that a process has open, by the directory of its descriptors. */
static int add_open(struct hardware *hardware, const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	struct stat status;
	int ret = 0;

	if (!directory)
		return 0;
	while (!ret && (entry = readdir(directory)))
		if (!fstatat(dirfd(directory), entry->d_name, &status, 0) &&
			S_ISBLK(status.st_mode))
			ret = add_use(hardware, status.st_rdev, "");
	closedir(directory);
	return ret;
}

/* Whether a process may keep a device open: a thread of the kernel, which has no program, has
 * nothing open; udev opens what it looks at, for moments. */
static bool may_hold(unsigned long process)
{
	char path[64], program[PATH_SIZE];
	const char *name;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%lu/exe", process);
	length = readlink(path, program, sizeof(program) - 1);
	if (length < 0)
		return errno != ENOENT;
	program[length] = '\0';
	name = strrchr(program, '/');
	return !strstr(name ? name : program, "udev");
}

/* QEMU claims nothing either. Most processes are the kernel's, and every call counts under Xen. */
static int add_processes(struct hardware *hardware)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	char path[64];
	int ret = 0;

	if (!directory)
		return 0;
	while (!ret && (entry = readdir(directory))) {
		unsigned long process = strtoul(entry->d_name, NULL, 10);

		if (!process || process == (unsigned long)getpid() || !may_hold(process))
			continue;
		snprintf(path, sizeof(path), "/proc/%lu/fd", process);
		ret = add_open(hardware, path);
	}
	closedir(directory);
	return ret;
}

static int add_claim(void *opaque, const char *guest, const char *path)
{
	struct hardware *hardware = opaque;
	struct claim *grown;
	dev_t device;

	/* Other paths can be on a server that is silent. */
	if (strncmp(path, "/dev/", 5) != 0 || !(device = device_of(path)))
		return 0;
	grown = reallocarray(
		hardware->claims, hardware->claim_count + 1, sizeof(*hardware->claims));
	if (!grown)
		return -ENOMEM;
	hardware->claims = grown;
	grown += hardware->claim_count++;
	grown->device = device;
	snprintf(grown->guest, sizeof(grown->guest), "%s", *guest ? guest : "?");
	return 0;
}

/* Where a guest that is off has its disks, only its definition tells. That of an adopted system has
 * a device of its own. */
static int add_guests(struct hardware *hardware)
{
	int ret = 0;

	for (size_t i = 0; i < COUNT(definition_folders) && !ret; i++)
		ret = definition_each(definition_folders[i], add_claim, hardware);
	return ret;
}

static int each_line(struct hardware *hardware, const char *path,
	int (*add)(struct hardware *hardware, char *line))
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	if (!file)
		return 0;
	while (!ret && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		ret = add(hardware, line);
	}
	free(line);
	fclose(file);
	return ret;
}

/* "… posada.medium=ID …" */
static int take_medium(struct hardware *hardware, char *line)
{
	static const char key[] = "posada.medium=";
	char *rest, *word;

	for (word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!strncmp(word, key, strlen(key)))
			posada_text_clean(
				word + strlen(key), hardware->medium, sizeof(hardware->medium));
	return 0;
}

static bool is_used(
	const struct hardware *hardware, dev_t device, struct part *part, const char *directory)
{
	char path[PATH_SIZE];
	bool used = false;

	for (size_t i = 0; device && i < hardware->use_count; i++) {
		if (hardware->uses[i].device != device)
			continue;
		used = true;
		if (part && !*part->mounted)
			memcpy(part->mounted, hardware->uses[i].where, sizeof(part->mounted));
	}
	if (directory) {
		snprintf(path, sizeof(path), "%s/holders", directory);
		used |= has_entries(path);
	}
	/* While it is mounted, its marks say only that. */
	if (part && *part->mounted)
		part->dirty = false;
	return used;
}

/* --- One disk ----------------------------------------------------------- */

static const char *const udev_keys[] = {"E:ID_MODEL=", "E:ID_SERIAL_SHORT=", "E:ID_BUS="};

/* What udev found out about it, in the order of udev_keys. */
static void read_udev(dev_t device, char values[COUNT(udev_keys)][64])
{
	char path[64], line[LINE_SIZE];
	FILE *file;

	memset(values, 0, COUNT(udev_keys) * sizeof(values[0]));
	snprintf(path, sizeof(path), "/run/udev/data/b%u:%u", major(device), minor(device));
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < COUNT(udev_keys); i++)
			if (!strncmp(line, udev_keys[i], strlen(udev_keys[i])))
				posada_text_clean(
					line + strlen(udev_keys[i]), values[i], sizeof(values[i]));
	}
	fclose(file);
}

/* How it is attached, as the path of its device tells; udev's word where that says nothing. */
static void fill_transport(const char *directory, const char *bus, struct disk *disk)
{
	static const struct {
		const char *in_path, *transport;
	} rows[] = {{"/usb", "usb"}, {"/ata", "sata"}, {"/end_device-", "sas"}, {"/nvme", "nvme"},
		{"/virtio", "virtio"}, {"/mmc_host/", "mmc"}, {"/rport-", "fc"},
		{"/session", "iscsi"}, {"/vbd-", "xen"}, {"/virtual/", ""}};
	char *path = realpath(directory, NULL);
	const char *transport = !strcmp(bus, "ata") ? "sata" : bus;

	for (size_t i = 0; path && i < COUNT(rows); i++)
		if (strstr(path, rows[i].in_path)) {
			transport = rows[i].transport;
			break;
		}
	snprintf(disk->transport, sizeof(disk->transport), "%.*s", (int)sizeof(disk->transport) - 1,
		transport);
	free(path);
}

static void fill_names(const char *directory, struct disk *disk)
{
	char udev[COUNT(udev_keys)][64];

	read_udev(read_device(directory), udev);
	for (char *at = udev[0]; *at; at++)
		if (*at == '_')
			*at = ' ';
	if (!read_fact(disk->model, sizeof(disk->model), "%s/device/model", directory) &&
		!read_fact(disk->model, sizeof(disk->model), "%s/device/name", directory))
		memcpy(disk->model, udev[0], sizeof(disk->model));
	if (!read_fact(disk->serial, sizeof(disk->serial), "%s/device/serial", directory) &&
		!read_fact(disk->serial, sizeof(disk->serial), "%s/serial", directory))
		memcpy(disk->serial, udev[1], sizeof(disk->serial));
	fill_transport(directory, udev[2], disk);
}

static struct part *find_part(struct disk *disk, unsigned number)
{
	for (size_t i = 0; i < disk->part_count; i++)
		if (disk->parts[i].number == number)
			return &disk->parts[i];
	return NULL;
}

static void fill_guest(const struct hardware *hardware, dev_t device, char guest[64])
{
	for (size_t i = 0; device && i < hardware->claim_count; i++)
		if (hardware->claims[i].device == device)
			memcpy(guest, hardware->claims[i].guest, sizeof(hardware->claims[i].guest));
}

/* The disk itself, and each partition that the kernel knows of it. */
static void fill_uses(const struct hardware *hardware, const char *directory, struct disk *disk)
{
	DIR *entries = opendir(directory);
	const struct dirent *entry;
	char path[PATH_SIZE], number[16];
	struct part *part;
	bool used;

	disk->taken = is_used(hardware, read_device(directory), find_part(disk, 0), directory);
	disk->in_use |= disk->taken;
	fill_guest(hardware, read_device(directory), disk->guest);
	if (!entries)
		return;
	while ((entry = readdir(entries))) {
		if (entry->d_name[0] == '.' ||
			snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >=
				(int)sizeof(path) ||
			!read_fact(number, sizeof(number), "%s/partition", path))
			continue;
		part = find_part(disk, (unsigned)strtoul(number, NULL, 10));
		used = is_used(hardware, read_device(path), part, path);
		disk->in_use |= used;
		/* What is in no table that can be read counts for the disk. */
		fill_guest(hardware, read_device(path), part ? part->guest : disk->guest);
		if (part)
			part->used = used;
	}
	closedir(entries);
}

/* Whoever holds it for himself is told by the kernel to whoever wants the same. */
static bool is_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == EBUSY;
	close(fd);
	return false;
}

/* Another of our programs works on the disk, as work_claim says. */
static bool is_claimed(const char *device)
{
	int fd = open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool claimed = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return claimed;
}

/*
 * What is noted on DEVICE at a start, or looked up by another of our programs, takes a moment: it
 * is waited for, and is no reason to see nothing. Whoever only asks as is_held() does has it for
 * less than that, and claims nothing.
 */
static bool stays_held(const char *path, const char *device)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	for (int i = 0; i < CLAIM_TRIES && is_held(path) && (i < ASK_TRIES || is_claimed(device));
		i++)
		nanosleep(&pause, NULL);
	return is_held(path);
}

/*
 * A file system that a guest is writing to changes under whoever else looks at it; one that this
 * host has mounted is looked at where it is mounted.
 */
static bool is_quiet(
	const struct hardware *hardware, const char *path, const char *device, struct part *part)
{
	return *part->mounted ||
	       (!is_used(hardware, device_of(path), part, NULL) && !stays_held(path, device));
}

/* Looks into what is on NODE, part->start bytes behind the begin of DEVICE, if that can be done. */
static bool see_part(const struct hardware *hardware, const char *node, const char *device,
	struct part *part, bool *is_medium)
{
	int ret = is_quiet(hardware, node, device, part)
			  ? peek_part(device, hardware->medium, part, is_medium)
			  : -EBUSY;

	part->unseen = ret && peek_knows(part->content);
	return !ret;
}

static void look_into(const struct hardware *hardware, const char *path, struct disk *disk)
{
	struct part whole = {.size = disk->size};
	char node[PATH_SIZE];
	bool is_medium;

	for (size_t i = 0; i < disk->part_count; i++) {
		snprintf(node, sizeof(node), "/dev/%s", disk->parts[i].name);
		if (see_part(hardware, node, path, &disk->parts[i], &is_medium))
			disk->medium |= is_medium;
	}
	/* A CD's image on a stick is a file system under its partitions. */
	if (!disk->medium && *hardware->medium && !probe_content(path, &whole) &&
		!strcmp(whole.content, "iso9660") &&
		!peek_part(path, hardware->medium, &whole, &is_medium))
		disk->medium = is_medium;
}

static int fill_disk(
	const struct hardware *hardware, const char *entry, struct disk *disk, char **why)
{
	char directory[PATH_SIZE], path[PATH_SIZE];
	int ret;

	snprintf(directory, sizeof(directory), "%s/block/%s", hardware->sys, entry);
	posada_text_clean(entry, disk->name, sizeof(disk->name));
	for (char *at = disk->name; *at; at++)
		if (*at == '!')
			*at = '/';
	snprintf(path, sizeof(path), "/dev/%s", disk->name);
	ret = probe_disk(path, disk, why);
	/* Who is not root would be told nothing but errors, one for each disk. */
	if (ret == -ENOMEM || (geteuid() && (ret == -EACCES || ret == -EPERM)))
		return ret;
	if (ret) {
		/* It is there, but does not answer. */
		if (why) {
			free(*why);
			*why = NULL;
		}
		disk->failing = true;
		/* sysfs counts in 512 bytes whatever the disk's own sectors are. */
		disk->size = disk->last = read_count(hardware->sys, entry, "size") * 512;
		disk->sector =
			(unsigned)read_count(hardware->sys, entry, "queue/logical_block_size");
	}
	disk->read_only |= read_count(hardware->sys, entry, "ro") != 0;
	disk->removable = read_count(hardware->sys, entry, "removable") != 0;
	fill_names(directory, disk);
	fill_uses(hardware, directory, disk);
	adopted_is_anyones(disk->table_uuid, disk->adopted);
	disk->in_use = disk->in_use || stays_held(path, path);
	disk->failing |= smart_is_failing(path, disk->transport);
	if (!ret)
		look_into(hardware, path, disk);
	return 0;
}

/* A disk that somebody could install to. */
static bool is_wanted(const struct hardware *hardware, const char *name)
{
	static const char *const others[] = {"loop", "ram", "zram", "sr", "fd", "nbd", "dm-"};
	size_t i, length = strcspn(name, "0123456789");

	for (i = 0; i < COUNT(others); i++)
		if (strlen(others[i]) == length && !strncmp(name, others[i], length))
			break;
	if (i < COUNT(others) && (i || !getenv("POSADA_PROBE_LOOP")))
		return false;
	/* Parts of flash chips that hold firmware, and paths that another name stands for. */
	if (!strncmp(name, "mtdblock", 8) ||
		(!strncmp(name, "mmcblk", 6) && (strstr(name, "boot") || strstr(name, "rpmb"))) ||
		read_count(hardware->sys, name, "hidden"))
		return false;
	return read_count(hardware->sys, name, "size") > 0;
}

/* sda before sdb before sdaa, md2 before md10. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int add_disks(const struct hardware *hardware, struct machine *machine, char **why)
{
	struct dirent **entries;
	char path[PATH_SIZE];
	int count, ret = 0;

	snprintf(path, sizeof(path), "%s/block", hardware->sys);
	count = scandir(path, &entries, NULL, by_name);
	if (count < 0) {
		ret = -errno;
		if (why)
			*why = strdup(path);
		return ret;
	}
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (!ret && name[0] != '.' && is_wanted(hardware, name)) {
			struct disk *disk = disks_add(machine);

			ret = disk ? fill_disk(hardware, name, disk, why) : -ENOMEM;
		}
		free(entries[i]);
	}
	free(entries);
	return ret;
}

/* --- Groups, firmware, and names ---------------------------------------- */

/* The disk that a volume lies on in one piece, or NULL. */
static struct disk *disk_of(struct machine *machine, const struct part *volume)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++)
			if (*volume->on && !strcmp(machine->disks[i].parts[j].name, volume->on))
				return &machine->disks[i];
	return NULL;
}

static void fill_volumes(const struct hardware *hardware, struct machine *machine)
{
	char path[PATH_SIZE];
	bool is_medium;

	for (size_t i = 0; i < machine->group_count; i++)
		for (size_t j = 0; j < machine->groups[i].volume_count; j++) {
			struct part *volume = &machine->groups[i].volumes[j], found = *volume;
			struct disk *disk = disk_of(machine, volume);

			if (lvm_device(volume->name, path, sizeof(path)))
				continue;
			/* One that is not active can be looked at where it lies, if that is in one
			 * piece. */
			if (!access(path, F_OK)) {
				found.start = 0;
				fill_guest(hardware, device_of(path), volume->guest);
				memcpy(found.guest, volume->guest, sizeof(found.guest));
			} else if (disk) {
				snprintf(path, sizeof(path), "/dev/%s", volume->on);
			} else {
				continue;
			}
			if (probe_content(path, &found)) {
				volume->unseen = true;
				continue;
			}
			is_used(hardware, device_of(path), &found, NULL);
			if (see_part(hardware, path, path, &found, &is_medium) && disk)
				disk->medium |= is_medium;
			found.start = volume->start;
			found.posada |= found.ours;
			*volume = found;
		}
}

static void fill_firmware(const char *sys, struct machine *machine)
{
	char path[PATH_SIZE];
	unsigned char variable[5];
	FILE *file;

	snprintf(path, sizeof(path), "%s/firmware/efi", sys);
	machine->uefi = !access(path, F_OK);
	/* Where nothing is mounted the directory is empty, and the kernel mounts it read only when
	 * the firmware takes no entries. */
	snprintf(path, sizeof(path), "%s/firmware/efi/efivars", sys);
	machine->nvram = has_entries(path) && !access(path, W_OK);
	snprintf(path, sizeof(path), "%s/%s", sys, SECURE_BOOT);
	file = fopen(path, "re");
	if (!file)
		return;
	/* Four bytes of attributes come first. */
	machine->secure_boot =
		fread(variable, 1, sizeof(variable), file) == sizeof(variable) && variable[4] == 1;
	fclose(file);
}

/* Is it the same by its first word? "Debian GNU/Linux" and "Debian GNU/Linux 13 (trixie)". */
static bool same_word(const char *a, const char *b)
{
	size_t length = strcspn(a, " ");

	return length == strcspn(b, " ") && !strncasecmp(a, b, length);
}

static void name_from(const struct part *parts, size_t count, char name[96])
{
	for (size_t i = 0; *name && i < count; i++)
		if (!*parts[i].loader && same_word(name, parts[i].system) &&
			strlen(parts[i].system) > strlen(name))
			memcpy(name, parts[i].system, sizeof(parts[i].system));
}

static void name_system(const struct machine *machine, const struct disk *disk, char name[96])
{
	name_from(disk->parts, disk->part_count, name);
	for (size_t i = 0; i < machine->group_count; i++)
		name_from(machine->groups[i].volumes, machine->groups[i].volume_count, name);
}

/* An ESP knows a system's maker; its root, wherever that is, knows its name and version. */
static void fill_systems(struct machine *machine)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++) {
			struct part *esp = &machine->disks[i].parts[j];

			if (!*esp->loader)
				continue;
			name_system(machine, &machine->disks[i], esp->system);
			for (size_t k = 0; k < PART_MORE; k++)
				name_system(machine, &machine->disks[i], esp->more[k].name);
		}
}

/* A host that is still starting has not met all of its disks yet, and looks at them itself; whoever
 * does that for it says so in the environment. */
static void wait_for_devices(void)
{
	const struct timespec pause = {.tv_nsec = 250000000};

	for (int i = 0; i < SETTLE_S * 4 && !getenv("POSADA_STARTING") &&
			!access("/run/posada", F_OK) && access("/run/posada/place.ready", F_OK);
		i++)
		nanosleep(&pause, NULL);
}

int probe_machine(struct machine *machine, const char *sys, char **why)
{
	struct hardware hardware = {.sys = sys};
	int ret;

	memset(machine, 0, sizeof(*machine));
	if (why)
		*why = NULL;
	wait_for_devices();
	ret = each_line(&hardware, "/proc/self/mountinfo", add_mount);
	if (!ret)
		ret = each_line(&hardware, "/proc/swaps", add_swap);
	if (!ret)
		ret = add_backends(&hardware);
	if (!ret)
		ret = add_processes(&hardware);
	if (!ret)
		ret = add_guests(&hardware);
	if (!ret)
		ret = each_line(&hardware, "/proc/cmdline", take_medium);
	if (!ret)
		ret = add_disks(&hardware, machine, why);
	if (!ret)
		ret = lvm_list(machine);
	if (!ret) {
		fill_volumes(&hardware, machine);
		fill_firmware(sys, machine);
		fill_systems(machine);
	} else {
		disks_free(machine);
	}
	free(hardware.uses);
	free(hardware.claims);
	return ret;
}

int probe_one(struct machine *machine, const char *path)
{
	struct hardware hardware = {.sys = "/sys"};
	char *real = realpath(path, NULL);
	struct disk *disk;
	int ret = real ? 0 : -errno;

	memset(machine, 0, sizeof(*machine));
	if (!ret)
		ret = each_line(&hardware, "/proc/cmdline", take_medium);
	disk = ret ? NULL : disks_add(machine);
	if (!ret)
		ret = disk ? probe_disk(real, disk, NULL) : -ENOMEM;
	if (!ret)
		ret = lvm_list(machine);
	if (!ret)
		look_into(&hardware, real, disk);
	else
		disks_free(machine);
	free(real);
	return ret;
}
