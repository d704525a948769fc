/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes an installation to a disk step by step, and checks it. */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <libintl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "bootcode.h"
#include "disklabel.h"
#include "efi.h"
#include "loader.h"
#include "payload.h"
#include "work.h"

#define _(text) gettext(text)

static void tell(struct work *work, const char *what)
{
	unsigned percent = work->total ? (unsigned)(work->done * 100 / work->total) : 0;

	if (work->options->progress)
		work->options->progress(work->options->opaque, what, percent > 100 ? 100 : percent);
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
	int ret = now ? work_look(work, plan->disk, &machine, &disk) : -ENOMEM;

	if (ret)
		goto out;
	if (!work->block) {
		machine.uefi = plan->uefi;
		machine.nvram = plan_find(plan, PLAN_NVRAM) != NULL;
	}
	/* A refusal is a sentence with a full stop; what comes after a reason brings its own. */
	if (plan_make(&machine, &wish, now))
		ret = work_fail(work, -EBUSY, "%.*s", (int)strlen(now->refusal) - 1, now->refusal);
	else if (memcmp(now, plan, sizeof(*now)) != 0)
		ret = work_fail(work, -EBUSY,
			_("%s has changed since the plan was made; plan again"), plan->disk);
out:
	disks_free(&machine);
	free(now);
	return ret;
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

static int hash_file(struct work *work, const char *path, uint8_t hash[WORK_HASH])
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

/* Whatever writes a file's bytes. */
typedef int (*producer)(struct work *work, const void *what, FILE *out);

/* A new file, in place only once it is whole and reads back as it was written. */
static int write_file(struct work *work, const char *name, producer produce, const void *what)
{
	cookie_io_functions_t functions = {.write = sink_write};
	uint8_t found[WORK_HASH];
	struct sink sink = {.work = work, .fd = -1};
	char path[PATH_MAX], part[PATH_MAX + 8];
	FILE *out = NULL;
	int ret;

	work_path(work, name, path);
	snprintf(part, sizeof(part), "%s.new", path);
	ret = work_make_folders(path);
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
	if (!ret && memcmp(work->hash, found, WORK_HASH) != 0)
		ret = -EIO;
	if (!ret && rename(part, path))
		ret = -errno;
	if (ret)
		unlink(part);
out:
	return ret ? work_fail(work, ret, _("writing %s on %s failed: %s"), name, work->step->part,
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
		work_fail(work, ret, _("%s of the running system cannot be read: %s"),
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
		.payload = WORK_VERSION_A,
		.timeout = (int)plan->timeout,
		.marker = marker,
		.origins = origins,
		.origin_count = plan->origin_count,
		.origin_first = plan->origin_first};

	(void)what;
	payload_version(version);
	snprintf(marker, sizeof(marker), WORK_FOLDER "/%s", work->identity);
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
		work_fail(work, ret, _("%s of the running system cannot be read: %s"), name,
			strerror(-ret));
	return ret;
}

/* --- Steps -------------------------------------------------------------- */

static int do_record(struct work *work)
{
	return work_read_ends(work, &work->before);
}

static int do_table(struct work *work)
{
	int ret;

	work->table_made = true;
	ret = disklabel_new(work->device);
	return ret ? work_fail(work, ret, _("no partition table could be written: %s"),
			     strerror(-ret))
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

static int do_partition(struct work *work)
{
	static const char *const names[] = {"Posada", "Posada GRUB", "Posada data"};
	const struct plan_step *step = work->step;
	const struct disklabel_part part = {
		step->number, step->start, step->size, step->type, names[step->role]};
	char device[PATH_MAX];
	int ret = 0;

	if (step->role == PLAN_BOOT && work->plan->layout == PLAN_ALONGSIDE)
		ret = work_put_mark(work, step->start, step->size);
	if (ret)
		return ret;
	ret = disklabel_add(work->device, &part);
	/* It may be in the table also when the kernel did not take it. */
	if (ret != -EEXIST)
		work->part_made = step;
	work_device(work, step->part, device);
	if (!ret)
		ret = wait_for(device);
	if (!ret)
		ret = work_see_partition(work, step->part, step->start, step->size);
	return ret ? work_fail(work, ret, _("the partition %s could not be made: %s"), step->part,
			     strerror(-ret))
		   : 0;
}

static int do_format(struct work *work)
{
	char device[PATH_MAX], reserved[16];
	int ret;
	char *const vfat[] = {
		"mkfs.fat", "-F", "32", "-R", reserved, "-n", WORK_LABEL, device, NULL};
	char *const ext4[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-L", "posada-data", device, NULL};

	work_device(work, work->step->part, device);
	snprintf(reserved, sizeof(reserved), "%u", (unsigned)(PLAN_RESERVED / raw_sector(device)));
	ret = work_run(work, !strcmp(work->step->content, "vfat") ? vfat : ext4, 0);
	if (ret)
		return ret;
	/* Whoever makes a file system need not hear that the disk did not take it. */
	ret = work_flush(device);
	return ret ? work_fail(work, ret, _("writing to %s failed: %s"), work->step->part,
			     strerror(-ret))
		   : 0;
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
	return ret ? work_fail(work, ret, _("boot.img of the running system is damaged")) : 0;
}

static int write_undo(struct work *work)
{
	const struct {
		const char *name;
		producer produce;
		struct bytes bytes;
	} files[] = {{WORK_UNDO "/head.before", produce_bytes, {work->before.head, RAW_END}},
		{WORK_UNDO "/tail.before", produce_bytes, {work->before.tail, RAW_END}},
		{WORK_UNDO "/head.after", produce_bytes, {work->after.head, RAW_END}},
		{WORK_UNDO "/tail.after", produce_bytes, {work->after.tail, RAW_END}},
		{WORK_UNDO "/record", produce_record, {NULL, 0}}};
	char path[PATH_MAX];
	int ret = work_read_ends(work, &work->after);

	work_path(work, WORK_BOOT_FOLDER, path);
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
		snprintf(name, sizeof(name), WORK_VERSION_A "/%s", payload_names[i]);
		ret = write_file(work, name, produce_payload, payload_names[i]);
		for (size_t j = 0; j < WORK_HASH; j++)
			snprintf(work->result->sha256[i] + 2 * j, 3, "%02x", work->hash[j]);
	}
	return ret;
}

/* What was written so far must not come after what is written next. */
static int sync_files(struct work *work)
{
	int ret = work_sync(work);

	return ret ? work_fail(work, ret, _("writing to %s failed: %s"), work->step->part,
			     strerror(-ret))
		   : 0;
}

static int do_files(struct work *work)
{
	const struct plan_step *step = work->step;
	const struct bytes nothing = {"", 0};
	char name[64], folder[PATH_MAX];
	int ret;

	work_device(work, step->part, work->partition);
	ret = work_see_partition(work, step->part, step->start, step->size);
	if (!ret)
		ret = work_mount(work, false);
	work->files_made = !ret;
	/* First what tells of us, then what can take everything back. */
	work_path(work, WORK_UNDO "/", folder);
	if (!ret)
		ret = work_make_folders(folder);
	if (!ret)
		ret = sync_files(work);
	if (!ret)
		ret = write_undo(work);
	/* A file that is flushed need not have a folder yet that leads to it. */
	if (!ret)
		ret = sync_files(work);
	if (!ret && work->part_made && work->plan->layout == PLAN_ALONGSIDE)
		ret = work_drop_mark(work, step->start, step->size);
	if (!ret && work->plan->layout == PLAN_ALONGSIDE && !work->plan->uefi)
		ret = write_origin(work);
	if (!ret)
		ret = write_payload(work);
	snprintf(name, sizeof(name), WORK_FOLDER "/%s", work->identity);
	if (!ret)
		ret = write_file(work, name, produce_bytes, &nothing);
	if (!ret)
		ret = write_file(work, WORK_FOLDER "/grub.cfg", produce_loader, NULL);
	if (!ret && (work->plan->uefi || work->plan->layout == PLAN_WHOLE)) {
		ret = write_file(work, WORK_EFI_FOLDER "/grub.cfg", produce_loader, NULL);
		/* The firmware may have an entry for it from before: it must find all or nothing.
		 */
		if (!ret)
			ret = sync_files(work);
		if (!ret)
			ret = write_file(work, WORK_EFI_GRUB, produce_carried, "BOOTX64.EFI");
	}
	return work_unmount(work, ret);
}

static int do_core(struct work *work)
{
	const struct plan_step *step = work->step;
	uint8_t *image = NULL;
	size_t size = 0;
	int ret = load_carried(work, "core.img", &image, &size);

	if (!ret &&
		(size > step->size || bootcode_core(image, size, step->start / BOOTCODE_SECTOR)))
		ret = work_fail(work, -EINVAL, _("core.img of the running system is damaged"));
	if (!ret)
		ret = work_write(work, image, size, step->start);
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
		return work_fail(work, ret, _("sector 0 of %s cannot be read: %s"), work->device,
			strerror(-ret));
	ret = make_sector0(work, sector);
	if (ret)
		return ret;
	work->sector0_made = true;
	return work_write(work, sector, sizeof(sector), 0);
}

static int do_nvram(struct work *work)
{
	const struct plan_step *files = plan_find(work->plan, PLAN_FILES);
	uint16_t number;
	int ret = work_make_option(work, files->number, files->start, files->size);

	if (ret)
		return ret;
	ret = efi_add(work->places.variables, work->option, work->option_size, &number);
	if (!ret)
		work->nvram_made = true;
	else if (!plan_find(work->plan, PLAN_FALLBACK))
		return work_fail(
			work, ret, _("the firmware takes no boot entry: %s"), strerror(-ret));
	else
		snprintf(work->result->note, sizeof(work->result->note),
			_("The firmware takes no boot entry (%s). Posada starts by the path that firmware takes on its own (EFI/BOOT)."),
			strerror(-ret));
	return 0;
}

static int do_fallback(struct work *work)
{
	int ret = work_mount(work, false);

	work->fallback_made = !ret;
	if (!ret)
		ret = write_file(work, WORK_FALLBACK, produce_carried, "BOOTX64.EFI");
	return work_unmount(work, ret);
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

/* --- The plan ----------------------------------------------------------- */

static void roll_back(struct work *work)
{
	char first[APPLY_TEXT];

	snprintf(first, sizeof(first), "%s", work->why);
	work_unmount(work, 0);
	*work->why = '\0';
	if (work->table_made)
		snprintf(work->why, APPLY_TEXT,
			_("%s. The disk holds nothing that starts; install again, or choose another disk."),
			first);
	else if (!work->part_made && !work->files_made)
		snprintf(work->why, APPLY_TEXT, _("%s. Nothing was written."), first);
	else if (work_take_back(work))
		snprintf(work->why, APPLY_TEXT,
			_("%s. It could not all be taken back; the system that was there still starts. Look at %s with its own tools."),
			first, work->plan->disk);
	else
		snprintf(work->why, APPLY_TEXT,
			_("%s. What was done has been taken back; the system that was there starts as before."),
			first);
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
	work_open(work, options);
	work_device(work, plan->disk, work->device);
	/* Written once and read once. */
	work->total = 2 * plan->payload + (8 << 20);
	ret = make_identity(work->identity);
	if (!ret)
		ret = work_claim(work);
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
		work_fail(work, ret, "%s", strerror(-ret));
		roll_back(work);
	}
	work_close(work);
	return ret;
}
