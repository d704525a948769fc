/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that is worked on, and the file system on it. */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libintl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "disklabel.h"
#include "efi.h"
#include "lvm.h"
#include "payload.h"
#include "place.h"
#include "probe.h"
#include "tool.h"

#define _(text) gettext(text)

/* How long udev may look at a disk before we give up to have it alone. */
#define CLAIM_TRIES 50

void work_open(struct work *work, const struct apply_options *options)
{
	struct place place;

	work->lock = work->other.lock = -1;
	work->options = options;
	work->places = options->places;
	if (!work->places.devices)
		work->places.devices = "/dev";
	if (!work->places.payload)
		work->places.payload = PAYLOAD_ROOT;
	if (!work->places.variables)
		work->places.variables = EFI_VARIABLES;
	if (!work->places.mount)
		work->places.mount = "/run/posada";
	if (!work->places.records && !place_current(&place))
		work->places.records = WORK_RECORDS;
}

void work_close(struct work *work)
{
	if (work->lock >= 0)
		close(work->lock);
	if (work->other.lock >= 0)
		close(work->other.lock);
	free(work->core);
	free(work);
}

int work_fail(struct work *work, int ret, const char *format, ...)
{
	va_list args;

	if (*work->why)
		return ret;
	va_start(args, format);
	vsnprintf(work->why, APPLY_TEXT, format, args);
	va_end(args);
	return ret;
}

void work_notice(const struct work *work, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	FILE *file;

	snprintf(path, sizeof(path), "%s/notices/mirror", work->places.mount);
	if (!format) {
		unlink(path);
		return;
	}
	file = fopen(path, "we");
	if (!file)
		return;
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fputc('\n', file);
	fclose(file);
}

/* --- The disk ----------------------------------------------------------- */

int work_write(struct work *work, const void *bytes, size_t size, uint64_t at)
{
	int ret = raw_write(work->device, bytes, size, at);

	return ret ? work_fail(
			     work, ret, _("writing to %s failed: %s"), work->device, strerror(-ret))
		   : 0;
}

int work_read_ends(struct work *work, struct raw_ends *ends)
{
	int ret = raw_ends_read(work->device, ends);

	return ret ? work_fail(work, ret, _("the ends of %s cannot be read: %s"), work->device,
			     strerror(-ret))
		   : 0;
}

int work_lock(const char *device, bool alone)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	int fd = open(device, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (int i = 0; flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB); i++) {
		if (i == CLAIM_TRIES) {
			close(fd);
			return -EBUSY;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

int work_claim_files(struct work *work)
{
	struct stat status;

	work->lock = work_lock(work->device, true);
	if (work->lock == -EBUSY)
		return work_fail(work, -EBUSY,
			_("another program is changing %s; wait until it is done, then try again"),
			work->device);
	if (work->lock < 0)
		return work_fail(work, work->lock, _("%s cannot be opened: %s"), work->device,
			strerror(-work->lock));
	work->block = !fstat(work->lock, &status) && S_ISBLK(status.st_mode);
	return 0;
}

int work_claim(struct work *work)
{
	int ret = work_claim_files(work), fd;

	if (ret || !work->block)
		return ret;
	/* Whoever keeps the whole disk for himself cannot mount a part of it: this is a question
	 * only. */
	fd = open(work->device, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return work_fail(
			work, -errno, _("%s is in use: %s"), work->device, strerror(errno));
	close(fd);
	return 0;
}

static void swap(void *one, void *other, size_t size)
{
	uint8_t *a = one, *b = other;

	for (; size; size--, a++, b++) {
		uint8_t byte = *a;

		*a = *b;
		*b = byte;
	}
}

void work_turn(struct work *work, bool second)
{
	struct work_side *other = &work->other;

	if (second == work->second)
		return;
	work->second = second;
	swap(work->device, other->device, sizeof(other->device));
	swap(work->identity, other->identity, sizeof(other->identity));
	swap(&work->lock, &other->lock, sizeof(other->lock));
	swap(&work->before, &other->before, sizeof(other->before));
	swap(&work->after, &other->after, sizeof(other->after));
}

/* An image file is a machine of its own. */
static int look_at_image(struct machine *machine, const char *device, char **why)
{
	struct disk *alone = disks_add(machine);
	int ret = alone ? probe_disk(device, alone, why) : -ENOMEM;

	/* It can be written onto anything. */
	if (!ret)
		alone->removable = true;
	return ret;
}

int work_look(
	struct work *work, const char *name, struct machine *machine, const struct disk **disk)
{
	char *why = NULL;
	int ret;

	*disk = NULL;
	if (work->block) {
		ret = probe_machine(machine, "/sys", &why);
	} else {
		memset(machine, 0, sizeof(*machine));
		ret = look_at_image(machine, work->device, &why);
		if (!ret && *work->other.device)
			ret = look_at_image(machine, work->other.device, &why);
	}
	if (ret)
		work_fail(work, ret, _("%s cannot be looked at: %s"), why ? why : name,
			strerror(-ret));
	free(why);
	for (size_t i = 0; !ret && i < machine->disk_count; i++)
		if (!strcmp(machine->disks[i].name, name))
			*disk = &machine->disks[i];
	return ret || *disk ? ret
			    : work_fail(work, -ENODEV, _("there is no disk %s any more"), name);
}

int work_kernel_number(const char *name, const char *fact, uint64_t *bytes)
{
	char path[PATH_MAX];
	FILE *file;
	int ret;

	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", name, fact);
	for (char *at = path + strlen("/sys/class/block/");
		at < path + strlen(path) - strlen(fact) - 1; at++)
		if (*at == '/')
			*at = '!';
	file = fopen(path, "re");
	if (!file)
		return -errno;
	/* sysfs counts in 512 bytes whatever the disk's own sectors are. */
	ret = fscanf(file, "%" SCNu64, bytes) == 1 ? 0 : -EIO;
	*bytes *= 512;
	fclose(file);
	return ret;
}

int work_see_partition(struct work *work, const char *name, uint64_t start, uint64_t size)
{
	uint64_t at = 0, bytes = 0;

	if (!work->block ||
		(!work_kernel_number(name, "start", &at) &&
			!work_kernel_number(name, "size", &bytes) && at == start && bytes == size))
		return 0;
	return work_fail(work, -EBUSY,
		_("%s is not to the kernel what it is in the table; restart the machine, then try again"),
		name);
}

int work_make_option(struct work *work, unsigned number, uint64_t start, uint64_t size)
{
	struct efi_file file = {.number = number, .path = WORK_EFI_GRUB};
	struct disklabel_identity identity;
	int ret = disklabel_identify(work->device, number, &identity);

	if (ret)
		return work_fail(
			work, ret, _("%s has no partition %u any more"), work->device, number);
	file.gpt = identity.gpt;
	file.start = start / raw_sector(work->device);
	file.sectors = size / raw_sector(work->device);
	if (identity.gpt) {
		ret = efi_guid(identity.text, file.signature);
	} else {
		unsigned long signature = strtoul(identity.text, NULL, 16);

		for (unsigned i = 0; i < 4; i++)
			file.signature[i] = (uint8_t)(signature >> 8 * i);
	}
	if (!ret)
		ret = efi_option("Posada", &file, work->option, sizeof(work->option));
	if (ret < 0)
		return work_fail(work, ret, _("no boot entry can be made for %s"), work->partition);
	work->option_size = (size_t)ret;
	return 0;
}

void work_device(struct work *work, const char *name, char device[PATH_MAX])
{
	snprintf(device, PATH_MAX, "%s/%s", work->places.devices, name);
}

int work_run(struct work *work, const char *const words[], int most)
{
	int status = tool_run(words, NULL, 0);
	char volume[PATH_MAX + sizeof(work->volume) + sizeof(" ()")];
	const char *what = work->partition;

	if (status >= 0 && status <= most)
		return 0;
	/* The path of a volume does not tell its disk. */
	if (*work->volume) {
		snprintf(volume, sizeof(volume), "%s (%s)", work->volume, work->device);
		what = volume;
	}
	return work_fail(work, -EIO,
		tool_was_killed(status) ? _("%s of %s did not end, as if a disk did not answer")
					: _("%s of %s failed"),
		tool_name(words), what);
}

/* --- The mark of a partition that is being made -------------------------- */

int work_put_mark(struct work *work, uint64_t start, uint64_t size)
{
	uint8_t *mark = malloc(RAW_MARK);
	int ret = mark ? 0 : -ENOMEM;

	if (!ret) {
		raw_mark_make(mark, start, size, &work->before);
		ret = work_write(work, mark, RAW_MARK, start + size - RAW_MARK);
	}
	free(mark);
	return ret;
}

int work_get_mark(struct work *work, uint64_t start, uint64_t size)
{
	uint8_t *mark = size < RAW_MARK ? NULL : malloc(RAW_MARK);
	int ret = mark ? raw_read(work->device, mark, RAW_MARK, start + size - RAW_MARK) : -ENOENT;

	if (!ret && !raw_mark_read(mark, start, size, &work->before))
		ret = -ENOENT;
	free(mark);
	return ret;
}

int work_drop_mark(struct work *work, uint64_t start, uint64_t size)
{
	static const uint8_t nothing[4096];

	return work_write(work, nothing, sizeof(nothing), start + size - RAW_MARK);
}

/* --- The file system with the payload ----------------------------------- */

void work_choose(struct work *work, const char *name, const char *on, const char *content)
{
	char path[160];

	snprintf(work->content, sizeof(work->content), "%s", content);
	snprintf(work->volume, sizeof(work->volume), "%s", *on ? name : "");
	if (*on && !lvm_device(name, path, sizeof(path)))
		name = path + strlen("/dev/");
	work_device(work, name, work->partition);
}

int work_activate(struct work *work)
{
	const char *const words[] = {
		TOOL_LVM_CHANGE, "lvchange", "--activate", "y", work->volume, NULL};

	return *work->volume ? work_run(work, words, 0) : 0;
}

int work_release(struct work *work, int ret)
{
	const char *const words[] = {
		TOOL_LVM_CHANGE, "lvchange", "--activate", "n", work->volume, NULL};
	int released = *work->volume ? work_run(work, words, 0) : 0;

	return ret ? ret : released;
}

void work_path(struct work *work, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s%s", work->mount, name);
}

int work_make_folders(const char *path)
{
	char part[PATH_MAX];

	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

bool work_same_files(const char *one, const char *other)
{
	FILE *a = fopen(one, "rbe"), *b = fopen(other, "rbe");
	bool same = a && b;
	char left[4096], right[4096];
	size_t got = sizeof(left);

	while (same && got == sizeof(left)) {
		got = fread(left, 1, sizeof(left), a);
		same = fread(right, 1, sizeof(right), b) == got && !memcmp(left, right, got) &&
		       !ferror(a) && !ferror(b);
	}
	if (a)
		fclose(a);
	if (b)
		fclose(b);
	return same;
}

int work_mount(struct work *work, bool read_only)
{
	/* A link in a file system of others would lead into this host's. */
	const unsigned long flags =
		MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | (read_only ? MS_RDONLY : 0);
	const char *options = !strcmp(work->content, "xfs") ? NULL : "errors=remount-ro";
	int ret = work_activate(work);

	if (ret)
		return ret;
	/* GRUB begins at the topmost folder, whichever subvolume its system mounts. */
	if (!strcmp(work->content, "btrfs"))
		options = "subvolid=5";
	snprintf(work->mount, sizeof(work->mount), "%s/target.XXXXXX", work->places.mount);
	if (work_make_folders(work->mount) || !mkdtemp(work->mount)) {
		ret = -errno;
	} else if (mount(work->partition, work->mount, work->content, flags, options)) {
		ret = -errno;
		rmdir(work->mount);
	}
	if (ret) {
		work_fail(
			work, ret, _("%s cannot be mounted: %s"), work->partition, strerror(-ret));
		return work_release(work, ret);
	}
	work->mounted = true;
	work->read_only = read_only;
	return 0;
}

int work_flush(const char *device)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

int work_sync(const struct work *work)
{
	int fd = open(work->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0 || syncfs(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	/* FAT leaves what it writes in the disk's own cache. */
	return ret ? ret : work_flush(work->partition);
}

int work_unmount(struct work *work, int ret)
{
	int flushed = 0;

	if (!work->mounted)
		return ret;
	work->mounted = false;
	if (!work->read_only)
		flushed = work_sync(work);
	if (umount(work->mount)) {
		if (!flushed)
			flushed = -errno;
	} else {
		rmdir(work->mount);
	}
	/* FAT writes once more at the end. */
	if (!flushed && !work->read_only)
		flushed = work_flush(work->partition);
	if (!ret && flushed)
		ret = work_fail(work, flushed, _("%s cannot be unmounted: %s"), work->partition,
			strerror(-flushed));
	return work_release(work, ret);
}
