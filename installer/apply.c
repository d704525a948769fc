/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes an installation to a disk step by step, checks it, and takes it back. */
#include "apply.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <libintl.h>
#include <limits.h>
#include <linux/fs.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bootcode.h"
#include "disklabel.h"
#include "efi.h"
#include "loader.h"
#include "payload.h"

#define _(text) gettext(text)

/* What of a disk's ends is kept: both copies of any partition table, and the boot code. */
#define END_BYTES ((size_t)32 << 10)

#define FOLDER	   "/posada"
#define VERSION_A  FOLDER "/a"
#define UNDO	   FOLDER "/undo"
#define EFI_FOLDER "/EFI/posada"
#define EFI_GRUB   EFI_FOLDER "/grubx64.efi"
#define FALLBACK   "/EFI/BOOT/BOOTX64.EFI"

#define HASH_BYTES 32

/* The two ends of a disk, where its tables are. */
struct ends {
	uint8_t head[END_BYTES];
	uint8_t tail[END_BYTES];
};

struct work {
	const struct plan *plan;
	const struct apply_options *options;
	const struct plan_step *step; /* the one at work */
	struct apply_places places;
	struct apply_result *result;
	char device[PATH_MAX];	  /* of the disk */
	char partition[PATH_MAX]; /* of the partition with the payload */
	char identity[17];	  /* of this installation: the file that GRUB looks for */
	struct ends before, after;
	uint64_t total, done;	  /* bytes, for the gauge */
	uint8_t hash[HASH_BYTES]; /* of the file written last */
	bool mounted;
	char *why; /* APPLY_TEXT */
};

static int fail(struct work *work, int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct work *work, int ret, const char *format, ...)
{
	va_list args;

	if (*work->why)
		return ret;
	va_start(args, format);
	vsnprintf(work->why, APPLY_TEXT, format, args);
	va_end(args);
	return ret;
}

static void tell(struct work *work, const char *what)
{
	unsigned percent = work->total ? (unsigned)(work->done * 100 / work->total) : 0;

	if (work->options->progress)
		work->options->progress(work->options->opaque, what, percent > 100 ? 100 : percent);
}

/* --- Raw sectors -------------------------------------------------------- */

static int transfer(int fd, void *buffer, size_t size, uint64_t at, bool write)
{
	while (size) {
		ssize_t got = write ? pwrite(fd, buffer, size, (off_t)at)
				    : pread(fd, buffer, size, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		buffer = (uint8_t *)buffer + got;
		size -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

static int read_back(int fd, const void *wanted, size_t size, uint64_t at)
{
	uint8_t *buffer = malloc(size);
	int ret;

	if (!buffer)
		return -ENOMEM;
	/* What the disk says, not what memory still knows. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	ret = transfer(fd, buffer, size, at, false);
	if (!ret && memcmp(buffer, wanted, size) != 0)
		ret = -EIO;
	free(buffer);
	return ret;
}

static int write_raw(
	struct work *work, const char *device, const void *bytes, size_t size, uint64_t at)
{
	int fd = open(device, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return fail(work, -errno, _("%s cannot be written: %s"), device, strerror(errno));
	ret = transfer(fd, (void *)(uintptr_t)bytes, size, at, true);
	if (!ret && fsync(fd))
		ret = -errno;
	if (!ret)
		ret = read_back(fd, bytes, size, at);
	if (close(fd) && !ret)
		ret = -errno;
	return ret ? fail(work, ret, _("writing to %s failed: %s"), device, strerror(-ret)) : 0;
}

static int device_size(int fd, uint64_t *size)
{
	struct stat status;

	if (fstat(fd, &status))
		return -errno;
	if (S_ISBLK(status.st_mode))
		return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
	*size = (uint64_t)status.st_size;
	return 0;
}

static int ends_transfer(struct work *work, struct ends *ends, bool write)
{
	int fd = open(work->device, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC), ret;
	uint64_t size = 0;

	if (fd < 0)
		return fail(
			work, -errno, _("%s cannot be opened: %s"), work->device, strerror(errno));
	ret = device_size(fd, &size);
	if (!ret && size < 2 * END_BYTES)
		ret = -EINVAL;
	if (!ret)
		ret = transfer(fd, ends->tail, END_BYTES, size - END_BYTES, write);
	if (!ret)
		ret = transfer(fd, ends->head, END_BYTES, 0, write);
	if (!ret && write && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret ? fail(work, ret, _("the ends of %s cannot be %s: %s"), work->device,
			     write ? _("written") : _("read"), strerror(-ret))
		   : 0;
}

/* --- Files -------------------------------------------------------------- */

/* A file being written: its bytes are hashed on their way. */
struct sink {
	struct work *work;
	int fd;
	gnutls_hash_hd_t hash;
};

static ssize_t sink_write(void *cookie, const char *bytes, size_t size)
{
	struct sink *sink = cookie;
	size_t left = size;

	gnutls_hash(sink->hash, bytes, size);
	while (left) {
		ssize_t got = write(sink->fd, bytes, left);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		bytes += got;
		left -= (size_t)got;
	}
	sink->work->done += size;
	tell(sink->work, sink->work->step->does);
	return (ssize_t)size;
}

static int hash_file(struct work *work, const char *path, uint8_t hash[HASH_BYTES])
{
	gnutls_hash_hd_t state;
	uint8_t buffer[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	if (gnutls_hash_init(&state, GNUTLS_DIG_SHA256)) {
		close(fd);
		return -ENOMEM;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while ((got = read(fd, buffer, sizeof(buffer)))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			ret = -errno;
			break;
		}
		gnutls_hash(state, buffer, (size_t)got);
		work->done += (uint64_t)got;
		tell(work, work->step->does);
	}
	gnutls_hash_deinit(state, hash);
	close(fd);
	return ret;
}

static void target(struct work *work, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s%s", work->places.mount, name);
}

/* The directories that lead to a path. */
static int make_folders(const char *path)
{
	char part[PATH_MAX];

	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Whatever writes a file's bytes. */
typedef int (*producer)(struct work *work, const void *what, FILE *out);

/* A new file, in place only once it is whole and reads back as it was written. */
static int write_file(struct work *work, const char *name, producer produce, const void *what)
{
	cookie_io_functions_t functions = {.write = sink_write};
	uint8_t found[HASH_BYTES];
	struct sink sink = {.work = work, .fd = -1};
	char path[PATH_MAX], part[PATH_MAX + 8];
	FILE *out = NULL;
	int ret;

	target(work, name, path);
	snprintf(part, sizeof(part), "%s.new", path);
	ret = make_folders(path);
	if (ret)
		goto out;
	if (gnutls_hash_init(&sink.hash, GNUTLS_DIG_SHA256)) {
		ret = -ENOMEM;
		goto out;
	}
	sink.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (sink.fd >= 0)
		out = fopencookie(&sink, "w", functions);
	if (!out) {
		ret = -errno;
	} else {
		ret = produce(work, what, out);
		if (fclose(out) && !ret)
			ret = errno ? -errno : -EIO;
	}
	if (!ret && fsync(sink.fd))
		ret = -errno;
	if (sink.fd >= 0 && close(sink.fd) && !ret)
		ret = -errno;
	gnutls_hash_deinit(sink.hash, work->hash);
	if (!ret)
		ret = hash_file(work, part, found);
	if (!ret && memcmp(work->hash, found, HASH_BYTES) != 0)
		ret = -EIO;
	if (!ret && rename(part, path))
		ret = -errno;
out:
	return ret ? fail(work, ret, _("writing %s on %s failed: %s"), name, work->step->part,
			     strerror(-ret))
		   : 0;
}

struct bytes {
	const void *at;
	size_t size;
};

static int produce_bytes(struct work *work, const void *what, FILE *out)
{
	const struct bytes *bytes = what;

	(void)work;
	return fwrite(bytes->at, 1, bytes->size, out) == bytes->size ? 0 : -EIO;
}

static int produce_payload(struct work *work, const void *what, FILE *out)
{
	char *why = NULL;
	int ret = payload_write(work->places.payload, what, out, &why);

	if (ret)
		fail(work, ret, _("%s of the running system cannot be read: %s"),
			why ? why : (const char *)what, strerror(-ret));
	free(why);
	return ret;
}

/* A file that the running system carries among its boot loaders. */
static int produce_carried(struct work *work, const void *what, FILE *out)
{
	char path[PATH_MAX], buffer[65536];
	size_t got;
	FILE *in;
	int ret = 0;

	snprintf(
		path, sizeof(path), "%s/payload/boot/%s", work->places.payload, (const char *)what);
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

static int produce_loader(struct work *work, const void *what, FILE *out)
{
	const struct plan *plan = work->plan;
	struct loader_origin origins[PLAN_ORIGINS];
	char marker[64];
	struct loader_place place = {.version = work->options->version,
		.medium = work->identity,
		.payload = VERSION_A,
		.timeout = (int)plan->timeout,
		.marker = marker,
		.origins = origins,
		.origin_count = plan->origin_count,
		.origin_first = plan->origin_first};

	(void)what;
	snprintf(marker, sizeof(marker), FOLDER "/%s", work->identity);
	for (size_t i = 0; i < plan->origin_count; i++)
		origins[i] = (struct loader_origin){plan->origins[i].title, plan->origins[i].uuid,
			*plan->origins[i].loader ? plan->origins[i].loader : NULL};
	return loader_write("grub", &place, out);
}

/* What undo must know and cannot find out. */
static int produce_record(struct work *work, const void *what, FILE *out)
{
	const struct plan *plan = work->plan;

	(void)what;
	fprintf(out, "layout=%s\n", plan_layout_names[plan->layout]);
	fprintf(out, "partition=%d\n", plan_find(plan, PLAN_PARTITION) != NULL);
	fprintf(out, "sector0=%d\n", plan_find(plan, PLAN_SECTOR0) != NULL);
	fprintf(out, "nvram=%d\n", plan_find(plan, PLAN_NVRAM) != NULL);
	fprintf(out, "fallback=%d\n", plan_find(plan, PLAN_FALLBACK) != NULL);
	return 0;
}

static int load_carried(struct work *work, const char *name, uint8_t **bytes, size_t *size)
{
	FILE *out = open_memstream((char **)bytes, size);
	int ret;

	if (!out)
		return -ENOMEM;
	ret = produce_carried(work, name, out);
	if (fclose(out) && !ret)
		ret = -ENOMEM;
	if (ret)
		fail(work, ret, _("%s of the running system cannot be read: %s"), name,
			strerror(-ret));
	return ret;
}

/* --- Mounting ----------------------------------------------------------- */

static int mount_target(struct work *work, bool read_only)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (read_only ? MS_RDONLY : 0);

	if (make_folders(work->places.mount) ||
		(mkdir(work->places.mount, 0700) && errno != EEXIST) ||
		mount(work->partition, work->places.mount, "vfat", flags, "errors=remount-ro"))
		return fail(work, -errno, _("%s cannot be mounted: %s"), work->partition,
			strerror(errno));
	work->mounted = true;
	return 0;
}

static int unmount_target(struct work *work, int ret)
{
	if (!work->mounted)
		return ret;
	work->mounted = false;
	if (umount(work->places.mount))
		return ret ? ret
			   : fail(work, -errno, _("%s cannot be unmounted: %s"), work->partition,
				     strerror(errno));
	return ret;
}

/* A program without a shell; 0 when it ended well. */
static int run(struct work *work, char *const words[])
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int status, ret;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	ret = -posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (!ret) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			ret = -EIO;
	}
	return ret ? fail(work, ret, _("%s of %s failed"), words[0], work->step->part) : 0;
}

/* --- Steps -------------------------------------------------------------- */

static int do_record(struct work *work)
{
	return ends_transfer(work, &work->before, false);
}

static int do_table(struct work *work)
{
	int ret = disklabel_new(work->device);

	return ret ? fail(work, ret, _("no partition table could be written: %s"), strerror(-ret))
		   : 0;
}

/* The device of a new partition appears when the kernel has taken notice. */
static int wait_for(const char *device)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	for (int i = 0; i < 100; i++) {
		if (!access(device, R_OK | W_OK))
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ENODEV;
}

static void device_of(struct work *work, const char *name, char device[PATH_MAX])
{
	snprintf(device, PATH_MAX, "%s/%s", work->places.devices, name);
}

static int do_partition(struct work *work)
{
	static const char *const names[] = {"Posada", "Posada GRUB", "Posada data"};
	const struct plan_step *step = work->step;
	const struct disklabel_part part = {
		step->number, step->start, step->size, step->type, names[step->role]};
	char device[PATH_MAX];
	int ret = disklabel_add(work->device, &part);

	device_of(work, step->part, device);
	if (!ret)
		ret = wait_for(device);
	return ret ? fail(work, ret, _("the partition %s could not be made: %s"), step->part,
			     strerror(-ret))
		   : 0;
}

static int do_format(struct work *work)
{
	char device[PATH_MAX], reserved[16];
	char *const vfat[] = {"mkfs.fat", "-F", "32", "-R", reserved, "-n", "POSADA", device, NULL};
	char *const ext4[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-L", "posada-data", device, NULL};
	int fd, sector = 512;

	device_of(work, work->step->part, device);
	fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (ioctl(fd, BLKSSZGET, &sector))
			sector = 512;
		close(fd);
	}
	snprintf(reserved, sizeof(reserved), "%u", (unsigned)(PLAN_RESERVED / (unsigned)sector));
	return run(work, !strcmp(work->step->content, "vfat") ? vfat : ext4);
}

/* Sector 0 as it will be, from what it is now. */
static int make_sector0(struct work *work, uint8_t sector[BOOTCODE_SECTOR])
{
	const struct plan_step *core = plan_find(work->plan, PLAN_CORE);
	uint8_t *boot = NULL;
	size_t size = 0;
	int ret = load_carried(work, "boot.img", &boot, &size);

	if (!ret)
		ret = bootcode_sector(sector, boot, size, core->start / BOOTCODE_SECTOR);
	free(boot);
	return ret ? fail(work, ret, _("boot.img of the running system is damaged")) : 0;
}

static int write_undo(struct work *work)
{
	const struct {
		const char *name;
		producer produce;
		struct bytes bytes;
	} files[] = {{UNDO "/head.before", produce_bytes, {work->before.head, END_BYTES}},
		{UNDO "/tail.before", produce_bytes, {work->before.tail, END_BYTES}},
		{UNDO "/head.after", produce_bytes, {work->after.head, END_BYTES}},
		{UNDO "/tail.after", produce_bytes, {work->after.tail, END_BYTES}},
		{UNDO "/record", produce_record, {NULL, 0}}};
	int ret = ends_transfer(work, &work->after, false);

	if (!ret && plan_find(work->plan, PLAN_SECTOR0))
		ret = make_sector0(work, work->after.head);
	for (size_t i = 0; !ret && i < sizeof(files) / sizeof(files[0]); i++)
		ret = write_file(work, files[i].name, files[i].produce, &files[i].bytes);
	return ret;
}

/* The origin's sector 0 with the table as it is now, which its code looks at. */
static int write_origin(struct work *work)
{
	uint8_t sector[BOOTCODE_SECTOR];
	const struct bytes bytes = {sector, sizeof(sector)};

	memcpy(sector, work->after.head, sizeof(sector));
	memcpy(sector, work->before.head, BOOTCODE_CODE);
	return write_file(work, LOADER_SECTOR, produce_bytes, &bytes);
}

static int write_payload(struct work *work)
{
	char name[64];
	int ret = 0;

	for (size_t i = 0; !ret && payload_names[i]; i++) {
		snprintf(name, sizeof(name), VERSION_A "/%s", payload_names[i]);
		ret = write_file(work, name, produce_payload, payload_names[i]);
		for (size_t j = 0; j < HASH_BYTES; j++)
			snprintf(work->result->sha256[i] + 2 * j, 3, "%02x", work->hash[j]);
	}
	return ret;
}

static int do_files(struct work *work)
{
	const struct bytes nothing = {"", 0};
	char name[64];
	int ret;

	device_of(work, work->step->part, work->partition);
	ret = mount_target(work, false);
	/* First what can take everything back. */
	if (!ret)
		ret = write_undo(work);
	if (!ret && work->plan->layout == PLAN_ALONGSIDE && !work->plan->uefi)
		ret = write_origin(work);
	if (!ret)
		ret = write_payload(work);
	snprintf(name, sizeof(name), FOLDER "/%s", work->identity);
	if (!ret)
		ret = write_file(work, name, produce_bytes, &nothing);
	if (!ret)
		ret = write_file(work, FOLDER "/grub.cfg", produce_loader, NULL);
	if (!ret && (work->plan->uefi || work->plan->layout == PLAN_WHOLE)) {
		ret = write_file(work, EFI_FOLDER "/grub.cfg", produce_loader, NULL);
		if (!ret)
			ret = write_file(work, EFI_GRUB, produce_carried, "BOOTX64.EFI");
	}
	return unmount_target(work, ret);
}

static int do_core(struct work *work)
{
	const struct plan_step *step = work->step;
	uint8_t *image = NULL;
	size_t size = 0;
	int ret = load_carried(work, "core.img", &image, &size);

	if (!ret &&
		(size > step->size || bootcode_core(image, size, step->start / BOOTCODE_SECTOR)))
		ret = fail(work, -EINVAL, _("core.img of the running system is damaged"));
	if (!ret)
		ret = write_raw(work, work->device, image, size, step->start);
	free(image);
	return ret;
}

static int do_sector0(struct work *work)
{
	uint8_t sector[BOOTCODE_SECTOR];
	int ret;

	memcpy(sector, work->after.head, sizeof(sector));
	ret = make_sector0(work, sector);
	return ret ? ret : write_raw(work, work->device, sector, sizeof(sector), 0);
}

/* The firmware's entry for our loader on a partition. */
static int make_option(struct work *work, unsigned number, uint64_t start, uint64_t size,
	uint8_t *option, size_t room)
{
	struct efi_file file = {.number = number, .path = EFI_GRUB};
	struct disklabel_identity identity;
	int fd, sector = 512, ret = disklabel_identify(work->device, number, &identity);

	if (ret)
		return fail(work, ret, _("%s has no partition %u any more"), work->device, number);
	fd = open(work->device, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (ioctl(fd, BLKSSZGET, &sector))
			sector = 512;
		close(fd);
	}
	file.gpt = identity.gpt;
	file.start = start / (unsigned)sector;
	file.sectors = size / (unsigned)sector;
	if (identity.gpt) {
		ret = efi_guid(identity.text, file.signature);
	} else {
		unsigned long signature = strtoul(identity.text, NULL, 16);

		for (unsigned i = 0; i < 4; i++)
			file.signature[i] = (uint8_t)(signature >> 8 * i);
	}
	return ret ? ret : efi_option("Posada", &file, option, room);
}

static int do_nvram(struct work *work)
{
	const struct plan_step *files = plan_find(work->plan, PLAN_FILES);
	uint8_t option[512];
	uint16_t number;
	int ret =
		make_option(work, files->number, files->start, files->size, option, sizeof(option));

	if (ret > 0)
		ret = efi_add(work->places.variables, option, (size_t)ret, &number);
	return ret ? fail(work, ret, _("the firmware takes no boot entry: %s"), strerror(-ret)) : 0;
}

static int do_fallback(struct work *work)
{
	int ret = mount_target(work, false);

	if (!ret)
		ret = write_file(work, FALLBACK, produce_carried, "BOOTX64.EFI");
	return unmount_target(work, ret);
}

static int (*const actions[PLAN_ACTIONS])(struct work *work) = {
	[PLAN_RECORD] = do_record,
	[PLAN_TABLE] = do_table,
	[PLAN_PARTITION] = do_partition,
	[PLAN_FORMAT] = do_format,
	[PLAN_FILES] = do_files,
	[PLAN_CORE] = do_core,
	[PLAN_SECTOR0] = do_sector0,
	[PLAN_NVRAM] = do_nvram,
	[PLAN_FALLBACK] = do_fallback,
};

/* --- Taking back -------------------------------------------------------- */

static int remove_tree(const char *path)
{
	struct dirent *entry;
	char below[PATH_MAX];
	DIR *dir = opendir(path);
	int ret = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!ret && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
			(int)sizeof(below))
			ret = -ENAMETOOLONG;
		else if (unlink(below) && (errno == EISDIR || errno == EPERM))
			ret = remove_tree(below);
	}
	closedir(dir);
	return ret ? ret : rmdir(path) ? -errno : 0;
}

/* Our folders in a file system that is not ours; those of others stay, also when empty. */
static int remove_files(struct work *work, bool fallback)
{
	char path[PATH_MAX];
	int ret;

	target(work, FALLBACK, path);
	ret = fallback && unlink(path) && errno != ENOENT ? -errno : 0;
	if (fallback && !ret) {
		target(work, "/EFI/BOOT", path);
		rmdir(path);
	}
	target(work, EFI_FOLDER, path);
	if (!ret)
		ret = remove_tree(path);
	target(work, FOLDER, path);
	if (!ret)
		ret = remove_tree(path);
	return ret ? fail(work, ret, _("Posada's files on %s cannot be removed: %s"),
			     work->partition, strerror(-ret))
		   : 0;
}

/* The boot code as it was, if what is there is ours. */
static int restore_code(struct work *work)
{
	uint8_t sector[BOOTCODE_SECTOR];
	struct ends *now = malloc(sizeof(*now));
	int ret = now ? ends_transfer(work, now, false) : -ENOMEM;

	if (!ret && !memcmp(now->head, work->after.head, BOOTCODE_CODE)) {
		memcpy(sector, now->head, sizeof(sector));
		memcpy(sector, work->before.head, BOOTCODE_CODE);
		ret = write_raw(work, work->device, sector, sizeof(sector), 0);
	}
	free(now);
	return ret;
}

/* The table as it was, to the byte when nobody has changed it since, else without our partition. */
static int restore_table(struct work *work, unsigned number, uint64_t start, bool *exact)
{
	struct ends *now = malloc(sizeof(*now));
	int ret = now ? ends_transfer(work, now, false) : -ENOMEM;

	/* The boot code has been given back by now. */
	*exact = !ret &&
		 !memcmp(now->head + BOOTCODE_CODE, work->after.head + BOOTCODE_CODE,
			 END_BYTES - BOOTCODE_CODE) &&
		 !memcmp(now->head, work->before.head, BOOTCODE_CODE) &&
		 !memcmp(now->tail, work->after.tail, END_BYTES);
	if (!ret) {
		ret = disklabel_remove(work->device, number, start);
		if (ret)
			fail(work, ret, _("the partition %u of %s cannot be removed: %s"), number,
				work->device, strerror(-ret));
	}
	if (!ret && *exact)
		ret = ends_transfer(work, &work->before, true);
	free(now);
	return ret;
}

/* After a failure: the steps that were done, without a record on the disk. */
static void roll_back(struct work *work, size_t done)
{
	char first[APPLY_TEXT], *why = work->why;
	const struct plan_step *part = NULL, *files = plan_find(work->plan, PLAN_FILES);
	bool exact = false;
	int ret = 0;

	snprintf(first, sizeof(first), "%s", why);
	*why = '\0';
	unmount_target(work, 0);
	for (size_t i = 0; i < done; i++)
		if (work->plan->steps[i].action == PLAN_PARTITION)
			part = &work->plan->steps[i];
	if (work->plan->layout == PLAN_WHOLE) {
		snprintf(why, APPLY_TEXT,
			_("%s. The disk holds nothing that starts; install again, or choose another disk."),
			first);
		return;
	}
	if (part) {
		ret = ends_transfer(work, &work->after, false);
		if (!ret && memcmp(work->after.head, work->before.head, BOOTCODE_CODE) != 0)
			ret = restore_code(work);
		if (!ret)
			ret = restore_table(work, part->number, part->start, &exact);
	} else if (files && *work->partition) {
		ret = mount_target(work, false);
		if (!ret)
			ret = remove_files(work, false);
		ret = unmount_target(work, ret);
	}
	if (ret)
		snprintf(why, APPLY_TEXT,
			_("%s. It could not all be taken back; the system that was there still starts. Look at %s with its own tools."),
			first, work->plan->disk);
	else
		snprintf(why, APPLY_TEXT,
			_("%s. What was done has been taken back; the system that was there starts as before."),
			first);
}

static void fill_places(struct work *work, const struct apply_options *options)
{
	work->options = options;
	work->places = options->places;
	if (!work->places.devices)
		work->places.devices = "/dev";
	if (!work->places.payload)
		work->places.payload = PAYLOAD_ROOT;
	if (!work->places.variables)
		work->places.variables = EFI_VARIABLES;
	if (!work->places.mount)
		work->places.mount = "/run/posada/target";
}

static int make_identity(char identity[17])
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	snprintf(identity, 17, "%016" PRIx64, number);
	return 0;
}

int apply_plan(const struct plan *plan, const struct apply_options *options,
	struct apply_result *result, char why[APPLY_TEXT])
{
	struct work *work = calloc(1, sizeof(*work));
	size_t i = 0;
	int ret;

	*why = '\0';
	if (!work)
		return -ENOMEM;
	work->plan = plan;
	work->result = result;
	work->why = why;
	fill_places(work, options);
	device_of(work, plan->disk, work->device);
	/* Written once and read once. */
	work->total = 2 * plan->payload + (8 << 20);
	ret = make_identity(work->identity);
	for (; !ret && i < plan->step_count; i++) {
		work->step = &plan->steps[i];
		tell(work, work->step->does);
		ret = actions[work->step->action](work);
	}
	if (ret)
		roll_back(work, i);
	free(work);
	return ret;
}

/* --- Undo --------------------------------------------------------------- */

static int read_end(struct work *work, const char *name, uint8_t end[END_BYTES])
{
	char path[PATH_MAX];
	int fd, ret;

	target(work, name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = transfer(fd, end, END_BYTES, 0, false);
	close(fd);
	return ret;
}

/* The record's lines, "key=0" and "key=1"; what is not among them is 0. */
struct record {
	bool partition, sector0, nvram, fallback;
};

static int read_record(struct work *work, struct record *record)
{
	const struct {
		const char *line;
		bool *flag;
	} lines[] = {{"partition=1\n", &record->partition}, {"sector0=1\n", &record->sector0},
		{"nvram=1\n", &record->nvram}, {"fallback=1\n", &record->fallback}};
	char path[PATH_MAX], line[128];
	FILE *file;
	int ret;

	target(work, UNDO "/record", path);
	file = fopen(path, "re");
	ret = file ? 0 : -errno;
	while (!ret && fgets(line, sizeof(line), file)) {
		if (!strcmp(line, "layout=whole-disk\n"))
			ret = -EPERM;
		for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
			if (!strcmp(line, lines[i].line))
				*lines[i].flag = true;
	}
	if (file)
		fclose(file);
	if (!ret)
		ret = read_end(work, UNDO "/head.before", work->before.head);
	if (!ret)
		ret = read_end(work, UNDO "/tail.before", work->before.tail);
	if (!ret)
		ret = read_end(work, UNDO "/head.after", work->after.head);
	if (!ret)
		ret = read_end(work, UNDO "/tail.after", work->after.tail);
	if (ret == -EPERM)
		return fail(work, ret,
			_("%s is Posada's as a whole: what was there is gone, and nothing can be brought back"),
			work->device);
	return ret ? fail(work, ret, _("the record of the installation on %s cannot be read: %s"),
			     work->partition, strerror(-ret))
		   : 0;
}

int apply_undo(const char *disk, const struct part *part, const struct apply_options *options,
	bool *exact, char why[APPLY_TEXT])
{
	struct work *work = calloc(1, sizeof(*work));
	struct record record = {0};
	uint8_t option[512];
	int ret;

	*why = '\0';
	*exact = false;
	if (!work)
		return -ENOMEM;
	work->why = why;
	fill_places(work, options);
	device_of(work, disk, work->device);
	device_of(work, part->name, work->partition);
	ret = mount_target(work, true);
	if (!ret)
		ret = read_record(work, &record);
	ret = unmount_target(work, ret);
	/* First the machine starts the origin again, then what is ours goes. */
	if (!ret && record.sector0)
		ret = restore_code(work);
	if (!ret && record.nvram) {
		ret = make_option(
			work, part->number, part->start, part->size, option, sizeof(option));
		if (ret > 0)
			ret = efi_remove(work->places.variables, option, (size_t)ret);
		if (ret)
			fail(work, ret, _("the firmware's boot entry cannot be removed: %s"),
				strerror(-ret));
	}
	if (!ret && record.partition) {
		ret = restore_table(work, part->number, part->start, exact);
	} else if (!ret) {
		ret = mount_target(work, false);
		if (!ret)
			ret = remove_files(work, record.fallback);
		ret = unmount_target(work, ret);
		*exact = !ret;
	}
	free(work);
	return ret;
}
