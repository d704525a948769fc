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
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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
#include "probe.h"
#include "raw.h"

#define _(text) gettext(text)

#define FOLDER	    "/posada"
#define VERSION_A   FOLDER "/a"
#define UNDO	    FOLDER "/undo"
#define EFI_FOLDER  "/EFI/posada"
#define EFI_GRUB    EFI_FOLDER "/grubx64.efi"
#define BOOT_FOLDER "/EFI/BOOT"
#define FALLBACK    BOOT_FOLDER "/BOOTX64.EFI"

/* The file system that is ours is called so. */
#define LABEL "POSADA"

#define HASH_BYTES 32

/* How long udev may look at a disk before we give up to have it alone. */
#define CLAIM_TRIES 50

struct work {
	const struct plan *plan;
	const struct apply_options *options;
	const struct plan_step *step; /* the one at work */
	struct apply_places places;
	struct apply_result *result;
	char device[PATH_MAX];	  /* of the disk */
	char partition[PATH_MAX]; /* of the partition with the payload */
	char mount[256];	  /* where that is mounted */
	char identity[17];	  /* of this installation: the file that GRUB looks for */
	int lock;		  /* on the disk's device */
	bool block;		  /* the disk is a device, no image file */
	struct raw_ends before, after;
	uint64_t total, done;	  /* bytes, for the gauge */
	uint8_t hash[HASH_BYTES]; /* of the file written last */
	bool mounted, read_only;
	/* What this run has begun to change, for the way back. */
	bool table_made, files_made, sector0_made, nvram_made, fallback_made, boot_folder_made;
	const struct plan_step *part_made;
	uint8_t option[512]; /* the firmware's entry */
	size_t option_size;
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

/* --- The disk ----------------------------------------------------------- */

static const struct timespec moment = {.tv_nsec = 100000000};

static int write_raw(struct work *work, const void *bytes, size_t size, uint64_t at)
{
	int ret = raw_write(work->device, bytes, size, at);

	return ret ? fail(work, ret, _("writing to %s failed: %s"), work->device, strerror(-ret))
		   : 0;
}

static int read_ends(struct work *work, struct raw_ends *ends)
{
	int ret = raw_ends_read(work->device, ends);

	return ret ? fail(work, ret, _("the ends of %s cannot be read: %s"), work->device,
			     strerror(-ret))
		   : 0;
}

/* Keeps a second installer away, and udev from reading the table while it changes. */
static int claim(struct work *work)
{
	struct stat status;
	int fd;

	work->lock = open(work->device, O_RDONLY | O_CLOEXEC);
	if (work->lock < 0 || fstat(work->lock, &status))
		return fail(
			work, -errno, _("%s cannot be opened: %s"), work->device, strerror(errno));
	for (int i = 0; flock(work->lock, LOCK_EX | LOCK_NB); i++) {
		if (i == CLAIM_TRIES)
			return fail(work, -EBUSY,
				_("another program is changing %s; wait until it is done, then try again"),
				work->device);
		nanosleep(&moment, NULL);
	}
	work->block = S_ISBLK(status.st_mode);
	if (!work->block)
		return 0;
	/* Whoever keeps the whole disk for himself cannot mount a part of it: this is a question
	 * only. */
	fd = open(work->device, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return fail(work, -errno, _("%s is in use: %s"), work->device, strerror(errno));
	close(fd);
	return 0;
}

/* The disk as it is now, in MACHINE, which the caller frees. */
static int look_again(
	struct work *work, const char *name, struct machine *machine, const struct disk **disk)
{
	struct disk *alone;
	char *why = NULL;
	int ret;

	*disk = NULL;
	if (work->block) {
		ret = probe_machine(machine, "/sys", &why);
	} else {
		/* An image file is a machine of its own. */
		memset(machine, 0, sizeof(*machine));
		alone = disks_add(machine);
		ret = alone ? probe_disk(work->device, alone, &why) : -ENOMEM;
	}
	if (ret)
		fail(work, ret, _("%s cannot be looked at: %s"), why ? why : name, strerror(-ret));
	free(why);
	for (size_t i = 0; !ret && i < machine->disk_count; i++)
		if (!strcmp(machine->disks[i].name, name))
			*disk = &machine->disks[i];
	return ret || *disk ? ret : fail(work, -ENODEV, _("there is no disk %s any more"), name);
}

/* A plan is minutes old when it is carried out: it must be what would be planned now. */
static int see_unchanged(struct work *work)
{
	const struct plan *plan = work->plan;
	const struct plan_wish wish = {.disk = plan->disk,
		.layout = plan->layout,
		.origin_first = plan->origin_first,
		.timeout = plan->timeout,
		.payload = plan->payload};
	struct plan *now = malloc(sizeof(*now));
	const struct disk *disk;
	struct machine machine = {0};
	int ret = now ? look_again(work, plan->disk, &machine, &disk) : -ENOMEM;

	if (ret)
		goto out;
	if (!work->block) {
		machine.uefi = plan->uefi;
		machine.nvram = plan_find(plan, PLAN_NVRAM) != NULL;
	}
	/* A refusal is a sentence with a full stop; what comes after a reason brings its own. */
	if (plan_make(&machine, &wish, now))
		ret = fail(work, -EBUSY, "%.*s", (int)strlen(now->refusal) - 1, now->refusal);
	else if (memcmp(now, plan, sizeof(*now)) != 0)
		ret = fail(work, -EBUSY, _("%s has changed since the plan was made; plan again"),
			plan->disk);
out:
	disks_free(&machine);
	free(now);
	return ret;
}

/* What the kernel knows of a partition, in bytes. */
static int kernel_number(const char *name, const char *fact, uint64_t *bytes)
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

/* A name that the kernel has given to something else must not be written to. */
static int see_partition(struct work *work, const char *name, uint64_t start, uint64_t size)
{
	uint64_t at = 0, bytes = 0;

	if (!work->block ||
		(!kernel_number(name, "start", &at) && !kernel_number(name, "size", &bytes) &&
			at == start && bytes == size))
		return 0;
	return fail(work, -EBUSY,
		_("%s is not to the kernel what it is in the table; restart the machine, then try again"),
		name);
}

/* --- Files -------------------------------------------------------------- */

/* A file being written: its bytes are hashed on their way. */
struct sink {
	struct work *work;
	int fd;
	int ret; /* of the first write that failed */
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
		if (got <= 0) {
			sink->ret = got ? -errno : -EIO;
			return -1;
		}
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
	snprintf(path, PATH_MAX, "%s%s", work->mount, name);
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
		if (sink.ret)
			ret = sink.ret;
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
	if (ret)
		unlink(part);
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
	char marker[64], version[64];
	struct loader_place place = {.version = version,
		.medium = work->identity,
		.payload = VERSION_A,
		.timeout = (int)plan->timeout,
		.marker = marker,
		.origins = origins,
		.origin_count = plan->origin_count,
		.origin_first = plan->origin_first};

	(void)what;
	payload_version(version);
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
	fprintf(out, "boot_folder=%d\n", work->boot_folder_made);
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

/* On a directory that nobody else knows. */
static int mount_target(struct work *work, bool read_only)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (read_only ? MS_RDONLY : 0);
	int ret = 0;

	snprintf(work->mount, sizeof(work->mount), "%s/target.XXXXXX", work->places.mount);
	if (make_folders(work->mount) || !mkdtemp(work->mount)) {
		ret = -errno;
	} else if (mount(work->partition, work->mount, "vfat", flags, "errors=remount-ro")) {
		ret = -errno;
		rmdir(work->mount);
	}
	if (ret)
		return fail(
			work, ret, _("%s cannot be mounted: %s"), work->partition, strerror(-ret));
	work->mounted = true;
	work->read_only = read_only;
	return 0;
}

static int sync_target(const struct work *work)
{
	int fd = open(work->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0 || syncfs(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static int flush_device(const char *device)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || fsync(fd))
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

/* What was written is on the disk when this returns 0; RET is what went wrong before. */
static int unmount_target(struct work *work, int ret)
{
	int flushed = 0;

	if (!work->mounted)
		return ret;
	work->mounted = false;
	if (!work->read_only)
		flushed = sync_target(work);
	if (umount(work->mount)) {
		if (!flushed)
			flushed = -errno;
	} else {
		rmdir(work->mount);
	}
	/* FAT leaves what it writes at the end in the disk's own cache. */
	if (!flushed && !work->read_only)
		flushed = flush_device(work->partition);
	if (ret || !flushed)
		return ret;
	return fail(work, flushed, _("%s cannot be unmounted: %s"), work->partition,
		strerror(-flushed));
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
	return read_ends(work, &work->before);
}

static int do_table(struct work *work)
{
	int ret;

	work->table_made = true;
	ret = disklabel_new(work->device);
	return ret ? fail(work, ret, _("no partition table could be written: %s"), strerror(-ret))
		   : 0;
}

/* The device of a new partition appears when the kernel has taken notice. */
static int wait_for(const char *device)
{
	for (int i = 0; i < 100; i++) {
		if (!access(device, R_OK | W_OK))
			return 0;
		nanosleep(&moment, NULL);
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

	/* It may be in the table also when the kernel did not take it. */
	if (ret != -EEXIST)
		work->part_made = step;
	device_of(work, step->part, device);
	if (!ret)
		ret = wait_for(device);
	if (!ret)
		ret = see_partition(work, step->part, step->start, step->size);
	return ret ? fail(work, ret, _("the partition %s could not be made: %s"), step->part,
			     strerror(-ret))
		   : 0;
}

static int do_format(struct work *work)
{
	char device[PATH_MAX], reserved[16];
	char *const vfat[] = {"mkfs.fat", "-F", "32", "-R", reserved, "-n", LABEL, device, NULL};
	char *const ext4[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-L", "posada-data", device, NULL};

	device_of(work, work->step->part, device);
	snprintf(reserved, sizeof(reserved), "%u", (unsigned)(PLAN_RESERVED / raw_sector(device)));
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
	} files[] = {{UNDO "/head.before", produce_bytes, {work->before.head, RAW_END}},
		{UNDO "/tail.before", produce_bytes, {work->before.tail, RAW_END}},
		{UNDO "/head.after", produce_bytes, {work->after.head, RAW_END}},
		{UNDO "/tail.after", produce_bytes, {work->after.tail, RAW_END}},
		{UNDO "/record", produce_record, {NULL, 0}}};
	char path[PATH_MAX];
	int ret = read_ends(work, &work->after);

	target(work, BOOT_FOLDER, path);
	work->boot_folder_made = plan_find(work->plan, PLAN_FALLBACK) && access(path, F_OK);
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
	const struct plan_step *step = work->step;
	const struct bytes nothing = {"", 0};
	char name[64];
	int ret;

	device_of(work, step->part, work->partition);
	ret = see_partition(work, step->part, step->start, step->size);
	if (!ret)
		ret = mount_target(work, false);
	work->files_made = !ret;
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
		ret = write_raw(work, image, size, step->start);
	free(image);
	return ret;
}

static int do_sector0(struct work *work)
{
	uint8_t sector[BOOTCODE_SECTOR];
	int ret;

	/* The table in it may have changed since it was kept. */
	ret = raw_read(work->device, sector, sizeof(sector), 0);
	if (ret)
		return fail(work, ret, _("sector 0 of %s cannot be read: %s"), work->device,
			strerror(-ret));
	ret = make_sector0(work, sector);
	if (ret)
		return ret;
	work->sector0_made = true;
	return write_raw(work, sector, sizeof(sector), 0);
}

/* The firmware's entry for our loader on a partition. */
static int make_option(struct work *work, unsigned number, uint64_t start, uint64_t size)
{
	struct efi_file file = {.number = number, .path = EFI_GRUB};
	struct disklabel_identity identity;
	int ret = disklabel_identify(work->device, number, &identity);

	if (ret)
		return fail(work, ret, _("%s has no partition %u any more"), work->device, number);
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
		return fail(work, ret, _("no boot entry can be made for %s"), work->partition);
	work->option_size = (size_t)ret;
	return 0;
}

static int do_nvram(struct work *work)
{
	const struct plan_step *files = plan_find(work->plan, PLAN_FILES);
	uint16_t number;
	int ret = make_option(work, files->number, files->start, files->size);

	if (ret)
		return ret;
	ret = efi_add(work->places.variables, work->option, work->option_size, &number);
	if (!ret)
		work->nvram_made = true;
	else if (!plan_find(work->plan, PLAN_FALLBACK))
		return fail(work, ret, _("the firmware takes no boot entry: %s"), strerror(-ret));
	else
		snprintf(work->result->note, sizeof(work->result->note),
			_("The firmware takes no boot entry (%s). Posada starts by the path that firmware takes on its own (EFI/BOOT)."),
			strerror(-ret));
	return 0;
}

static int do_fallback(struct work *work)
{
	int ret = mount_target(work, false);

	work->fallback_made = !ret;
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

static bool same_files(const char *one, const char *other)
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

/* The path that firmware takes on its own, if it is still ours. */
static int remove_fallback(struct work *work, bool folder, bool *exact)
{
	char path[PATH_MAX], ours[PATH_MAX];

	target(work, FALLBACK, path);
	target(work, EFI_GRUB, ours);
	if (access(path, F_OK))
		return 0;
	if (!same_files(path, ours)) {
		*exact = false;
		return 0;
	}
	if (unlink(path))
		return -errno;
	target(work, BOOT_FOLDER, path);
	if (folder && rmdir(path))
		*exact = false;
	return 0;
}

/*
 * Our folders in a file system that is not ours. What undo reads goes when all else is gone, so
 * that it can be done again after a power cut.
 */
static int remove_files(struct work *work)
{
	char path[PATH_MAX];
	int ret;

	target(work, FOLDER, path);
	ret = remove_below(path, "undo");
	target(work, EFI_FOLDER, path);
	if (!ret)
		ret = remove_tree(path);
	if (!ret)
		ret = sync_target(work);
	target(work, FOLDER, path);
	if (!ret)
		ret = remove_tree(path);
	return ret;
}

/* All of ours on a file system of others. */
static int leave_target(struct work *work, bool fallback, bool folder, bool *exact)
{
	int ret = mount_target(work, false);

	if (!ret && fallback)
		ret = remove_fallback(work, folder, exact);
	/* What tells our loader from another's is not to go before it. */
	if (!ret && fallback)
		ret = sync_target(work);
	if (!ret)
		ret = remove_files(work);
	if (ret)
		fail(work, ret, _("Posada's files on %s cannot be removed: %s"), work->partition,
			strerror(-ret));
	return unmount_target(work, ret);
}

/* The boot code as it was, if what is there loads our core. */
static int restore_code(struct work *work, bool *exact)
{
	uint8_t sector[BOOTCODE_SECTOR];
	int ret = raw_read(work->device, sector, sizeof(sector), 0);

	if (ret)
		return fail(work, ret, _("sector 0 of %s cannot be read: %s"), work->device,
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
	return write_raw(work, sector, sizeof(sector), 0);
}

static int remove_entry(struct work *work)
{
	int ret = efi_remove(work->places.variables, work->option, work->option_size);

	return ret ? fail(work, ret, _("the firmware's boot entry cannot be removed: %s"),
			     strerror(-ret))
		   : 0;
}

/* The table as it was, to the byte when nobody has changed it since, else without our partition. */
static int restore_table(
	struct work *work, unsigned number, uint64_t start, const char *name, bool *exact)
{
	struct raw_ends *now = malloc(sizeof(*now));
	int ret = now ? read_ends(work, now) : -ENOMEM;
	uint64_t bytes;

	/* The boot code has been given back by now. */
	if (!ret && (memcmp(now->head + BOOTCODE_CODE, work->after.head + BOOTCODE_CODE,
			     RAW_END - BOOTCODE_CODE) != 0 ||
			    memcmp(now->head, work->before.head, BOOTCODE_CODE) != 0 ||
			    memcmp(now->tail, work->after.tail, RAW_END) != 0))
		*exact = false;
	if (!ret) {
		ret = disklabel_remove(work->device, number, start);
		/* One that is not there need not go. */
		if (ret == -ENOENT)
			ret = 0;
		if (ret)
			fail(work, ret, _("the partition %u of %s cannot be removed: %s"), number,
				work->device, strerror(-ret));
	}
	if (!ret && *exact) {
		ret = raw_ends_restore(work->device, &work->before, &work->after);
		if (ret)
			fail(work, ret, _("the ends of %s cannot be written: %s"), work->device,
				strerror(-ret));
		else
			ret = read_ends(work, now);
		if (!ret && memcmp(now, &work->before, sizeof(*now)) != 0)
			*exact = false;
	}
	if (!ret && work->block && !kernel_number(name, "size", &bytes))
		ret = fail(work, -EBUSY,
			_("the partition %s is out of the table, but the kernel still uses it; restart the machine"),
			name);
	free(now);
	return ret;
}

/* --- After a failure ---------------------------------------------------- */

/* What this run has done, the last first; no record on the disk is needed. */
static int take_back(struct work *work)
{
	bool exact = true;
	int ret = 0;

	if (work->nvram_made)
		ret = remove_entry(work);
	if (!ret && work->sector0_made)
		ret = restore_code(work, &exact);
	if (!ret && work->part_made) {
		/* The disk is ours alone for now: what it holds is what we wrote. */
		ret = read_ends(work, &work->after);
		if (!ret)
			ret = restore_table(work, work->part_made->number, work->part_made->start,
				work->part_made->part, &exact);
	} else if (!ret && work->files_made) {
		ret = leave_target(work, work->fallback_made, work->boot_folder_made, &exact);
	}
	return ret;
}

static void roll_back(struct work *work)
{
	char first[APPLY_TEXT];

	snprintf(first, sizeof(first), "%s", work->why);
	unmount_target(work, 0);
	*work->why = '\0';
	if (work->table_made)
		snprintf(work->why, APPLY_TEXT,
			_("%s. The disk holds nothing that starts; install again, or choose another disk."),
			first);
	else if (!work->part_made && !work->files_made)
		snprintf(work->why, APPLY_TEXT, _("%s. Nothing was written."), first);
	else if (take_back(work))
		snprintf(work->why, APPLY_TEXT,
			_("%s. It could not all be taken back; the system that was there still starts. Look at %s with its own tools."),
			first, work->plan->disk);
	else
		snprintf(work->why, APPLY_TEXT,
			_("%s. What was done has been taken back; the system that was there starts as before."),
			first);
}

static void fill_places(struct work *work, const struct apply_options *options)
{
	work->lock = -1;
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
}

static void free_work(struct work *work)
{
	if (work->lock >= 0)
		close(work->lock);
	free(work);
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
	int ret;

	*why = '\0';
	memset(result, 0, sizeof(*result));
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
	if (!ret)
		ret = claim(work);
	if (!ret)
		tell(work, _("see whether the disk is as it was planned for"));
	if (!ret)
		ret = see_unchanged(work);
	for (size_t i = 0; !ret && i < plan->step_count; i++) {
		work->step = &plan->steps[i];
		tell(work, work->step->does);
		ret = actions[work->step->action](work);
	}
	if (ret) {
		fail(work, ret, "%s", strerror(-ret));
		roll_back(work);
	}
	free_work(work);
	return ret;
}

/* --- Undo --------------------------------------------------------------- */

static int read_end(struct work *work, const char *name, uint8_t end[RAW_END])
{
	char path[PATH_MAX];

	target(work, name, path);
	return raw_read(path, end, RAW_END, 0);
}

/* The record's lines, "key=0" and "key=1"; what is not among them is 0. */
struct record {
	bool partition, sector0, nvram, fallback, boot_folder;
};

static int read_record(struct work *work, struct record *record)
{
	const struct {
		const char *line;
		bool *flag;
	} lines[] = {{"partition=1\n", &record->partition}, {"sector0=1\n", &record->sector0},
		{"nvram=1\n", &record->nvram}, {"fallback=1\n", &record->fallback},
		{"boot_folder=1\n", &record->boot_folder}};
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

const struct part *apply_find(const struct disk *disk, char why[APPLY_TEXT])
{
	const struct part *part = NULL;

	for (size_t i = 0; i < disk->part_count && !part; i++)
		if (disk->parts[i].posada)
			part = &disk->parts[i];
	if (!part)
		snprintf(why, APPLY_TEXT, _("There is no installation of Posada on %s."),
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
static int see_installation(
	struct work *work, const char *name, const struct part *part, bool *foreign)
{
	struct machine machine = {0};
	const struct part *now = NULL;
	const struct disk *disk;
	int ret = look_again(work, name, &machine, &disk);

	for (size_t i = 0; !ret && i < disk->part_count; i++)
		if (disk->parts[i].number == part->number && disk->parts[i].start == part->start &&
			disk->parts[i].size == part->size)
			now = &disk->parts[i];
	if (!ret && !now)
		ret = fail(work, -ENODEV, _("%s has changed; look again"), name);
	if (!ret && (disk->in_use || disk->medium))
		ret = fail(work, -EBUSY, _("%s is in use"), name);
	if (!ret)
		*foreign = strcmp(now->label, LABEL) != 0;
	disks_free(&machine);
	return ret;
}

/* What was done, by the record; in a file system of others what is surely ours needs none. */
static int learn(struct work *work, bool foreign, struct record *record, bool *exact)
{
	int ret = mount_target(work, true);
	bool there = !ret;

	if (!ret)
		ret = read_record(work, record);
	ret = unmount_target(work, ret);
	if (!ret || !there || ret == -EPERM || !foreign)
		return ret;
	*work->why = '\0';
	*exact = false;
	*record = (struct record){.nvram = true, .fallback = true};
	return 0;
}

int apply_undo(const char *disk, const struct part *part, const struct apply_options *options,
	bool *exact, char why[APPLY_TEXT])
{
	struct work *work = calloc(1, sizeof(*work));
	struct record record = {0};
	bool foreign = false;
	int ret;

	*why = '\0';
	*exact = true;
	if (!work)
		return -ENOMEM;
	work->why = why;
	fill_places(work, options);
	device_of(work, disk, work->device);
	device_of(work, part->name, work->partition);
	ret = claim(work);
	if (!ret)
		ret = see_installation(work, disk, part, &foreign);
	if (!ret)
		ret = see_partition(work, part->name, part->start, part->size);
	if (!ret)
		ret = learn(work, foreign, &record, exact);
	/* First the machine starts the origin again, then what is ours goes. */
	if (!ret && record.sector0)
		ret = restore_code(work, exact);
	if (!ret && record.nvram) {
		ret = make_option(work, part->number, part->start, part->size);
		if (!ret)
			ret = remove_entry(work);
	}
	if (!ret && record.partition)
		ret = restore_table(work, part->number, part->start, part->name, exact);
	else if (!ret)
		ret = leave_target(work, record.fallback, record.boot_folder, exact);
	if (ret)
		fail(work, ret, "%s", strerror(-ret));
	free_work(work);
	return ret;
}
