/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes an installation to a disk step by step, and checks it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <libintl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "bootcode.h"
#include "disklabel.h"
#include "efi.h"
#include "grubenv.h"
#include "loader.h"
#include "lvm.h"
#include "payload.h"
#include "place.h"
#include "tool.h"
#include "update.h"
#include "work.h"

#define _(text) gettext(text)

/* The reserved sectors and both tables of a FAT of some GiB. */
#define FORMAT_AHEAD (4 << 20)
#define WRITE_AHEAD  (4 << 20)

static void tell(struct work *work, const char *what)
{
	unsigned percent = work->total ? (unsigned)(work->done * 100 / work->total) : 0;

	if (work->options->progress)
		work->options->progress(work->options->opaque, what, percent > 100 ? 100 : percent);
}

/* On both disks the same is written. */
static bool has_mirror(const struct plan *plan)
{
	return plan->layout == PLAN_WHOLE && *plan->mirror;
}

/* Nobody looks into the file systems of image files. */
static void see_left(const struct plan *plan, struct machine *machine)
{
	const struct plan_step *files = plan_find(plan, PLAN_FILES);

	for (size_t i = 0; files && *files->with && i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++)
			if (!strcmp(machine->disks[i].parts[j].name, files->with))
				strcpy(machine->disks[i].parts[j].mirror, "image");
}

/* A plan is minutes old when it is carried out: it must be what would be planned now. */
static int see_unchanged(struct work *work)
{
	const struct plan *plan = work->plan;
	const struct plan_wish wish = {.disk = plan->disk,
		/* What a repair finds by itself is not asked for. */
		.mirror = has_mirror(plan) ? plan->mirror : NULL,
		.layout = plan->layout,
		.start = plan->start,
		.timeout = plan->timeout,
		.payload = plan->payload,
		.part = *plan->part ? plan->part : NULL,
		.whole = plan->whole};
	struct plan *now = malloc(sizeof(*now));
	const struct disk *disk;
	struct machine machine = {0};
	int ret = now ? work_look(work, plan->disk, &machine, &disk) : -ENOMEM;

	if (ret)
		goto out;
	if (!work->block) {
		machine.uefi = plan->uefi;
		machine.nvram = plan_find(plan, PLAN_NVRAM) != NULL;
		see_left(plan, &machine);
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

/* A file being written, or read back: what is read is hashed. */
struct sink {
	struct work *work;
	int fd;
	int ret;	       /* of the first piece that failed */
	off_t written, begun;  /* bytes; the disk has been told to write those before BEGUN */
	gnutls_hash_hd_t hash; /* NULL: nobody wants it */
	uint8_t buffer[65536];
};

static ssize_t sink_write(void *cookie, const char *bytes, size_t size)
{
	struct sink *sink = cookie;
	size_t left = size;

	if (sink->hash)
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
		sink->written += got;
	}
	/* The disk begins with it while the next piece is made; what goes wrong, fsync says. */
	if (sink->written - sink->begun >= WRITE_AHEAD) {
		sync_file_range(
			sink->fd, sink->begun, sink->written - sink->begun, SYNC_FILE_RANGE_WRITE);
		sink->begun = sink->written;
	}
	sink->work->done += size;
	tell(sink->work, sink->work->step->does);
	return (ssize_t)size;
}

static ssize_t sink_compare(void *cookie, const char *bytes, size_t size)
{
	struct sink *sink = cookie;
	size_t left = size;

	while (left) {
		ssize_t got = read(sink->fd, sink->buffer,
			left < sizeof(sink->buffer) ? left : sizeof(sink->buffer));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || memcmp(sink->buffer, bytes, (size_t)got) != 0) {
			sink->ret = got < 0 ? -errno : -EIO;
			return -1;
		}
		gnutls_hash(sink->hash, sink->buffer, (size_t)got);
		bytes += got;
		left -= (size_t)got;
	}
	sink->work->done += size;
	tell(sink->work, sink->work->step->does);
	return (ssize_t)size;
}

static int produce_into(
	struct sink *sink, cookie_write_function_t *take, work_producer produce, const void *what)
{
	FILE *out = fopencookie(sink, "w", (cookie_io_functions_t){.write = take});
	int ret;

	if (!out)
		return -ENOMEM;
	ret = produce(sink->work, what, out);
	if (fclose(out) && !ret)
		ret = errno ? -errno : -EIO;
	return sink->ret ? sink->ret : ret;
}

static int hash_alone(struct sink *sink)
{
	ssize_t got;

	while ((got = read(sink->fd, sink->buffer, sizeof(sink->buffer)))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		gnutls_hash(sink->hash, sink->buffer, (size_t)got);
		sink->work->done += (uint64_t)got;
		tell(sink->work, sink->work->step->does);
	}
	return 0;
}

/*
 * What lies on the disk is compared with its source byte by byte, where there is one still: that is
 * as sure as two hashes, of which each takes as long as the writing.
 */
static int read_back(struct sink *sink, const char *path, work_producer produce, const void *what)
{
	int ret;

	sink->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (sink->fd < 0)
		return -errno;
	if (gnutls_hash_init(&sink->hash, GNUTLS_DIG_SHA256)) {
		close(sink->fd);
		return -ENOMEM;
	}
	posix_fadvise(sink->fd, 0, 0, POSIX_FADV_DONTNEED);
	/* Twice as much is read ahead of what is compared. */
	posix_fadvise(sink->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	ret = produce ? produce_into(sink, sink_compare, produce, what) : hash_alone(sink);
	if (!ret && read(sink->fd, sink->buffer, 1) != 0)
		ret = -EIO;
	gnutls_hash_deinit(sink->hash, sink->work->hash);
	close(sink->fd);
	return ret;
}

static int write_file(struct work *work, const char *name, work_producer produce,
	work_producer again, const void *what)
{
	struct sink sink = {.work = work};
	char path[PATH_MAX], part[PATH_MAX + 8];
	uint8_t hash[WORK_HASH];
	int ret;

	work_path(work, name, path);
	snprintf(part, sizeof(part), "%s.new", path);
	ret = work_make_folders(path);
	if (!ret && !again && gnutls_hash_init(&sink.hash, GNUTLS_DIG_SHA256))
		ret = -ENOMEM;
	if (ret)
		goto out;
	sink.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (sink.fd < 0) {
		ret = -errno;
	} else {
		ret = produce_into(&sink, sink_write, produce, what);
		if (!ret && fsync(sink.fd))
			ret = -errno;
		if (close(sink.fd) && !ret)
			ret = -errno;
	}
	if (!again)
		gnutls_hash_deinit(sink.hash, hash);
	if (!ret)
		ret = read_back(&sink, part, again, what);
	if (!ret && !again && memcmp(work->hash, hash, sizeof(hash)) != 0)
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

int work_write_file(struct work *work, const char *name, work_producer produce, const void *what)
{
	return write_file(work, name, produce, produce, what);
}

int work_write_once(struct work *work, const char *name, work_producer produce, const void *what)
{
	return write_file(work, name, produce, NULL, what);
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

	/* What is wrong with OUT, the one who opened it says. */
	if (ret && !ferror(out))
		work_fail(work, ret, _("%s of the running system cannot be read: %s"),
			why ? why : (const char *)what, strerror(-ret));
	free(why);
	return ret;
}

static int copy_file(const char *path, FILE *out)
{
	char buffer[65536];
	size_t got;
	FILE *in = fopen(path, "rbe");
	int ret = 0;

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

/* A file that the running system carries among its boot loaders. */
static int produce_carried(struct work *work, const void *what, FILE *out)
{
	char path[PATH_MAX];

	snprintf(
		path, sizeof(path), "%s/payload/boot/%s", work->places.payload, (const char *)what);
	return copy_file(path, out);
}

static bool two_versions(const struct work *work)
{
	const struct plan_step *files = plan_find(work->plan, PLAN_FILES);

	return !strcmp(files->content, "vfat") && !*files->on;
}

static int produce_loader(struct work *work, const void *what, FILE *out)
{
	const struct plan *plan = work->plan;
	struct loader_origin origins[PLAN_ORIGINS];
	char marker[64], version[64], next[PLAN_ORIGINS][192];
	struct loader_place place = {.version = version,
		.medium = work->identity,
		/* GRUB writes to FAT on a partition: there two versions can stand side by side. */
		.payload = two_versions(work) ? NULL : WORK_VERSION_A,
		.timeout = (int)plan->timeout,
		.marker = marker,
		.origins = origins,
		.origin_count = plan->origin_count,
		.first = plan->first};

	(void)what;
	payload_version(version);
	snprintf(marker, sizeof(marker), WORK_FOLDER "/%s", work->identity);
	for (size_t i = 0; i < plan->origin_count; i++) {
		const struct plan_origin *origin = &plan->origins[i];

		snprintf(next[i], sizeof(next[i]), "%s:%s", origin->part, origin->loader);
		origins[i] = (struct loader_origin){origin->title, origin->uuid,
			*origin->loader ? origin->loader : NULL, *origin->part ? next[i] : NULL};
	}
	return loader_write("grub", &place, out);
}

/* A file of the disk that a mirror has left. */
static int produce_copy(struct work *work, const void *what, FILE *out)
{
	char path[PATH_MAX];

	work_path(work->from, what, path);
	return copy_file(path, out);
}

/* The same, but that GRUB looks for the file that is on this disk. */
static int produce_loader_copy(struct work *work, const void *what, FILE *out)
{
	char old[17] = "", *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	int ret = memory ? produce_copy(work, what, memory) : -ENOMEM;

	if (memory && fclose(memory) && !ret)
		ret = -ENOMEM;
	if (!ret && (sscanf(text, "search --no-floppy --file --set=root " WORK_FOLDER "/%16s",
			     old) != 1 ||
			    strlen(old) != strlen(work->identity)))
		ret = -EINVAL;
	for (char *at = ret ? NULL : strstr(text, old); at; at = strstr(at, old))
		memcpy(at, work->identity, strlen(old));
	if (!ret && fwrite(text, 1, size, out) != size)
		ret = -EIO;
	free(text);
	return ret;
}

static int produce_entries(struct work *work, const void *what, FILE *out)
{
	char version[64];
	const struct loader_place place = {.version = version};

	(void)work;
	(void)what;
	payload_version(version);
	return loader_write("entries", &place, out);
}

static int produce_environment(struct work *work, const void *what, FILE *out)
{
	const struct grubenv env = {.slot = 'a'};
	char block[GRUBENV_SIZE];

	(void)work;
	(void)what;
	grubenv_format(&env, block);
	return fwrite(block, 1, sizeof(block), out) == sizeof(block) ? 0 : -EIO;
}

/* What undo must know and cannot find out. */
static int produce_record(struct work *work, const void *what, FILE *out)
{
	const struct plan *plan = work->plan;
	const struct plan_step *part = plan_find(plan, PLAN_PARTITION);
	char *lines = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&lines, &size);

	(void)what;
	if (!memory)
		return -ENOMEM;
	fprintf(memory, "layout=%s\n", plan_layout_names[plan->layout]);
	fprintf(memory, "partition=%d\n", part && part->role != PLAN_BIOS_BOOT);
	if (part && part->role == PLAN_BIOS_BOOT)
		fprintf(memory, "core_partition=%u %" PRIu64 "\n", part->number, part->start);
	if (work->core)
		fprintf(memory, "core=%" PRIu64 "\n", plan_find(plan, PLAN_CORE)->start);
	fprintf(memory, "sector0=%d\n", plan_find(plan, PLAN_SECTOR0) != NULL);
	fprintf(memory, "nvram=%d\n", plan_find(plan, PLAN_NVRAM) != NULL);
	fprintf(memory, "fallback=%d\n", plan_find(plan, PLAN_FALLBACK) != NULL);
	fprintf(memory, "boot_folder=%d\n", work->boot_folder_made);
	if (fclose(memory)) {
		free(lines);
		return -ENOMEM;
	}
	fprintf(out, "%ssum=%016" PRIx64 "\n", lines,
		work_sum_record(work, raw_sum(lines, size, RAW_SUM)));
	free(lines);
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

/* The core image, told where it will lie. */
static int load_core(struct work *work, uint8_t **image, size_t *size)
{
	const struct plan_step *core = plan_find(work->plan, PLAN_CORE);
	int ret = load_carried(work, "core.img", image, size);

	if (!ret &&
		(*size > core->size || bootcode_core(*image, *size, core->start / BOOTCODE_SECTOR)))
		ret = work_fail(work, -EINVAL, _("core.img of the running system is damaged"));
	return ret;
}

/* --- Steps -------------------------------------------------------------- */

static int do_record(struct work *work)
{
	int ret = work_read_ends(work, &work->before);

	if (ret || !has_mirror(work->plan))
		return ret;
	work_turn(work, true);
	return work_read_ends(work, &work->before);
}

static int do_table(struct work *work)
{
	int ret;

	work->table_made = true;
	ret = disklabel_new(work->device);
	return ret ? work_fail(work, ret, _("no partition table could be written to %s: %s"),
			     work->device, strerror(-ret))
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

/* Whether the table is another one than before, or may be. */
static bool is_changed(struct work *work)
{
	struct raw_ends *now = malloc(sizeof(*now));
	bool same = now && !raw_ends_read(work->device, now) &&
		    !memcmp(now, &work->before, sizeof(*now));

	free(now);
	return !same;
}

static int do_partition(struct work *work)
{
	static const char *const names[] = {"Posada", WORK_CORE_NAME, "Posada data"};
	const struct plan_step *step = work->step;
	const struct disklabel_part part = {
		step->number, step->start, step->size, step->type, names[step->role]};
	bool marked = step->role == PLAN_BOOT && work->plan->layout == PLAN_ALONGSIDE;
	char device[PATH_MAX];
	int ret = 0;

	/* A plan that keeps no record is taken back after a failure too. */
	if (!plan_find(work->plan, PLAN_RECORD))
		ret = do_record(work);
	if (!ret && marked)
		ret = work_put_mark(work, step->start, step->size);
	if (ret)
		return ret;
	ret = disklabel_add(work->device, &part);
	/* It may be in the table also when the kernel did not take it. */
	if (!ret || is_changed(work))
		work->part_made = step;
	/* Whoever makes a partition there later makes none of ours. */
	else if (marked)
		work_drop_mark(work, step->start, step->size);
	work_device(work, step->part, device);
	if (!ret)
		ret = wait_for(device);
	if (!ret)
		ret = work_see_partition(work, step->part, step->start, step->size);
	return ret ? work_fail(work, ret, _("the partition %s could not be made: %s"), step->part,
			     strerror(-ret))
		   : 0;
}

static int do_volume(struct work *work)
{
	const struct plan_step *step = work->step;
	const char *name = strchr(step->part, '/') + 1;
	char member[PATH_MAX], group[64], size[32];
	const char *const words[] = {TOOL_LVM_CHANGE, "lvcreate", "--yes", "--wipesignatures", "y",
		"--contiguous", "y", "--addtag", step->role == PLAN_DATA ? LVM_DATA_TAG : LVM_TAG,
		"--size", size, "--name", name, group, member, NULL};

	work_device(work, step->on, member);
	snprintf(group, sizeof(group), "%.*s", (int)(name - step->part) - 1, step->part);
	snprintf(size, sizeof(size), "%" PRIu64 "b", step->size);
	work_choose(work, step->part, step->on, "");
	/* What it could not finish it takes back. */
	if (work_run(work, words, 0))
		return -EIO;
	work->volume_made = true;
	return work_release(work, 0);
}

/* Nothing is on either disk that the other would have to get first. */
static int do_mirror(struct work *work)
{
	const struct plan_step *step = work->step;
	const char *name = strchr(step->part, '/') + 1;
	char one[PATH_MAX], other[PATH_MAX], group[64];
	const char *const join[] = {TOOL_LVM_CHANGE, "vgcreate", "--yes", group, one, other, NULL};
	const char *const make[] = {TOOL_LVM_CHANGE, "lvcreate", "--yes", "--wipesignatures", "y",
		"--type", "raid1", "--mirrors", "1", "--nosync", "--addtag", LVM_DATA_TAG,
		"--extents", "100%FREE", "--name", name, group, NULL};

	work_device(work, step->on, one);
	work_device(work, step->with, other);
	snprintf(group, sizeof(group), "%.*s", (int)(name - step->part) - 1, step->part);
	work_choose(work, step->part, step->on, "");
	if (work_run(work, join, 0) || work_run(work, make, 0))
		return -EIO;
	return work_release(work, 0);
}

/* How many disks LVM misses; -EIO when it does not say. */
static int count_missing(struct work *work, const char *group)
{
	const char *const words[] = {TOOL_LVM_LOOK, "vgs", "--noheadings", "-o",
		"vg_missing_pv_count", "--", group, NULL};
	char output[64] = "";
	int count = -1;

	if (tool_run(words, output, sizeof(output)) || sscanf(output, "%d", &count) != 1)
		return work_fail(work, -EIO, _("%s of %s failed"), tool_name(words), group);
	return count;
}

/* It must be active to be filled, and stays so. What is not missing LVM does not replace, and says
 * nothing. */
static int do_rejoin(struct work *work)
{
	const struct plan_step *step = work->step;
	char device[PATH_MAX], group[64];
	const char *const extend[] = {TOOL_LVM_CHANGE, "vgextend", "--yes", group, device, NULL};
	const char *const repair[] = {
		TOOL_LVM_CHANGE, "lvconvert", "--yes", "--repair", step->part, device, NULL};
	const char *const reduce[] = {TOOL_LVM_CHANGE, "vgreduce", "--removemissing", group, NULL};
	int ret;

	work_device(work, step->on, device);
	snprintf(group, sizeof(group), "%.*s", (int)strcspn(step->part, "/"), step->part);
	work_choose(work, step->part, step->on, "");
	ret = work_activate(work);
	if (!ret)
		ret = count_missing(work, group);
	if (!ret)
		return work_fail(work, -ENOENT, _("LVM misses no disk of %s"), group);
	if (ret > 0)
		ret = work_run(work, extend, 0);
	if (!ret)
		ret = work_run(work, repair, 0);
	if (!ret)
		ret = work_run(work, reduce, 0);
	if (!ret)
		ret = count_missing(work, group);
	return ret <= 0 ? ret : work_fail(work, -EIO, _("LVM still misses a disk of %s"), group);
}

/*
 * mkfs.fat writes single sectors, for each of which the kernel would first read the page around
 * it, one by one. They are read at once here, and stay in memory while the device is open. It is
 * for speed only: nothing is lost when it fails.
 */
static int keep_begin(const char *device)
{
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	char buffer[65536];

	for (off_t at = 0; fd >= 0 && at < FORMAT_AHEAD; at += sizeof(buffer))
		if (pread(fd, buffer, sizeof(buffer), at) <= 0)
			break;
	return fd;
}

static int do_format(struct work *work)
{
	const struct plan_step *step = work->step;
	struct place current;
	/* Should this one not come to be used, the next start would find two. */
	const char *label = place_current(&current) ? PLACE_LABEL : PLACE_PARTIAL;
	char reserved[16];
	const char *const vfat[] = {
		"mkfs.fat", "-F", "32", "-R", reserved, "-n", WORK_LABEL, work->partition, NULL};
	const char *const wipe[] = {"wipefs", "-q", "-a", "-f", work->partition, NULL};
	/* "-O" with what is on by itself asks for nothing. */
	const char *const ext4[] = {"mke2fs", "-q", "-F", "-t", "ext4", "-O",
		step->guarded ? "mmp" : "has_journal", "-L", label, work->partition, NULL};
	int kept, ret;

	work_choose(work, step->part, step->on, step->content);
	ret = work_activate(work);
	/* Of a partition that was there, what it held would be found again. */
	if (!ret && !work->part_made && !work->volume_made) {
		ret = work_see_partition(work, step->part, step->start, step->size);
		work->lost = !ret;
		if (!ret)
			ret = work_run(work, wipe, 0);
	}
	if (ret)
		return ret;
	kept = keep_begin(work->partition);
	snprintf(reserved, sizeof(reserved), "%u",
		(unsigned)(PLAN_RESERVED / raw_sector(work->partition)));
	ret = work_run(work, !strcmp(step->content, "vfat") ? vfat : ext4, 0);
	/* Whoever makes a file system need not hear that the disk did not take it. */
	if (!ret) {
		ret = work_flush(work->partition);
		if (ret)
			work_fail(work, ret, _("writing to %s failed: %s"), step->part,
				strerror(-ret));
	}
	if (kept >= 0)
		close(kept);
	return work_release(work, ret);
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

static int write_record(struct work *work)
{
	const struct {
		const char *name;
		work_producer produce;
		struct bytes bytes;
	} files[] = {{WORK_UNDO "/head.before", produce_bytes, {work->before.head, RAW_END}},
		{WORK_UNDO "/tail.before", produce_bytes, {work->before.tail, RAW_END}},
		{WORK_UNDO "/head.after", produce_bytes, {work->after.head, RAW_END}},
		{WORK_UNDO "/tail.after", produce_bytes, {work->after.tail, RAW_END}},
		{WORK_CORE, produce_bytes, {work->core, work->core_size}},
		{WORK_UNDO "/record", produce_record, {NULL, 0}}};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(files) / sizeof(files[0]); i++)
		if (work->core || strcmp(files[i].name, WORK_CORE) != 0)
			ret = work_write_file(
				work, files[i].name, files[i].produce, &files[i].bytes);
	return ret;
}

/* The record a second time, where what lasts is kept: should the first be lost with its file
 * system. The installation does not fail for it. */
static void copy_record(struct work *work)
{
	const struct plan_step *step = work->step;
	const struct plan_seen *seen = &work->plan->seen[0];
	struct part part = {.number = step->number, .start = step->start, .size = step->size};
	char why[APPLY_TEXT] = "", mount[sizeof(work->mount)], *told = work->why;
	int ret;

	memcpy(part.name, step->part, sizeof(part.name));
	memcpy(part.on, step->on, sizeof(part.on));
	work_choose_copy(work, seen->serial, seen->size, seen->table_uuid, &part);
	if (!*work->copy)
		return;
	memcpy(mount, work->mount, sizeof(mount));
	memcpy(work->mount, work->copy, sizeof(mount));
	work->why = why;
	ret = write_record(work);
	if (!ret)
		ret = work_sync(work);
	memcpy(work->mount, mount, sizeof(mount));
	work->why = told;
	if (!ret)
		return;
	work_drop_copy(work);
	snprintf(work->result->note, sizeof(work->result->note),
		_("What undo needs could not be copied to the data place (%s): undo works while it can be read on %s."),
		strerror(-ret), step->part);
}

static int write_undo(struct work *work)
{
	char path[PATH_MAX];
	int ret = work_read_ends(work, &work->after);

	work_path(work, WORK_BOOT_FOLDER, path);
	work->boot_folder_made = plan_find(work->plan, PLAN_FALLBACK) && access(path, F_OK);
	if (!ret && plan_find(work->plan, PLAN_SECTOR0))
		ret = make_sector0(work, work->after.head);
	if (!ret)
		ret = write_record(work);
	if (!ret && work->plan->layout == PLAN_ALONGSIDE)
		copy_record(work);
	return ret;
}

/* In a file system of others a folder of our name is ours only when nothing but the beginnings of
 * an installation is in it. */
static int see_folder(struct work *work)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	bool others = false;
	DIR *dir;

	work_path(work, WORK_FOLDER, path);
	dir = opendir(path);
	if (!dir && errno == ENOENT)
		return 0;
	others = !dir;
	while (dir && (entry = readdir(dir)))
		others |= strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			  strcmp(entry->d_name, WORK_UNDO_NAME);
	if (dir)
		closedir(dir);
	return others ? work_fail(work, -EEXIST,
				_("%s of %s is there already, and is not Posada's"), WORK_FOLDER,
				work->step->part)
		      : 0;
}

/* The origin's sector 0 with the table as it is now, which its code looks at. */
static int write_origin(struct work *work)
{
	uint8_t sector[BOOTCODE_SECTOR];
	const struct bytes bytes = {sector, sizeof(sector)};

	memcpy(sector, work->after.head, sizeof(sector));
	memcpy(sector, work->before.head, BOOTCODE_CODE);
	return work_write_file(work, LOADER_SECTOR, produce_bytes, &bytes);
}

static int write_payload(struct work *work)
{
	char name[64];
	int ret = 0;

	for (size_t i = 0; !ret && payload_names[i]; i++) {
		snprintf(name, sizeof(name), WORK_VERSION_A "/%s", payload_names[i]);
		ret = work_write_file(work, name, produce_payload, payload_names[i]);
		for (size_t j = 0; j < WORK_HASH; j++)
			snprintf(work->result->sha256[i] + 2 * j, 3, "%02x", work->hash[j]);
	}
	return ret;
}

/* Both versions, as far as they are there, and what the boot loader knows of them. */
static int copy_versions(struct work *work)
{
	char name[64], path[PATH_MAX];
	int ret = 0;

	for (char slot = 'a'; slot <= 'b'; slot++)
		for (size_t i = 0; !ret && i < UPDATE_FILES; i++) {
			snprintf(name, sizeof(name), LOADER_VERSIONS "/%c/%s", slot,
				update_names[i]);
			work_path(work->from, name, path);
			if (!access(path, F_OK))
				ret = work_write_file(work, name, produce_copy, name);
		}
	if (ret)
		return ret;
	work_path(work->from, LOADER_ENVIRONMENT, path);
	return work_write_file(work, LOADER_ENVIRONMENT,
		access(path, F_OK) ? produce_environment : produce_copy, LOADER_ENVIRONMENT);
}

/* The file system of the disk that a mirror has left, in work->from. */
static int open_left(struct work *work, bool read_only)
{
	const struct plan_step *files = plan_find(work->plan, PLAN_FILES);
	struct work *from = calloc(1, sizeof(*from));
	int ret;

	if (!from)
		return -ENOMEM;
	from->why = work->why;
	work_open(from, work->options);
	work_choose(from, files->with, "", files->content);
	ret = work_mount(from, read_only);
	if (ret)
		work_close(from);
	else
		work->from = from;
	return ret;
}

static void close_left(struct work *work)
{
	if (!work->from)
		return;
	work_unmount(work->from, 0);
	work_close(work->from);
	work->from = NULL;
}

/* What was written so far must not come after what is written next. */
static int sync_files(struct work *work)
{
	int ret = work_sync(work);

	return ret ? work_fail(work, ret, _("writing to %s failed: %s"), work->step->part,
			     strerror(-ret))
		   : 0;
}

static int write_versions(struct work *work)
{
	int ret = write_payload(work);

	if (ret || !two_versions(work))
		return ret;
	ret = work_write_file(work, WORK_VERSION_A "/" LOADER_ENTRIES, produce_entries, NULL);
	return ret ? ret : work_write_file(work, LOADER_ENVIRONMENT, produce_environment, NULL);
}

static int do_files(struct work *work)
{
	static const char loader[] = WORK_FOLDER "/grub.cfg";
	const work_producer write_loader = *work->step->with ? produce_loader_copy : produce_loader;
	const struct plan_step *step = work->step, *core = plan_find(work->plan, PLAN_CORE);
	const struct bytes nothing = {"", 0}, pair = {work->pair, strlen(work->pair)};
	char name[64], folder[PATH_MAX];
	int ret = 0;

	work_choose(work, step->part, step->on, step->content);
	if (!*step->on)
		ret = work_see_partition(work, step->part, step->start, step->size);
	if (!ret && core && !core->number)
		ret = load_core(work, &work->core, &work->core_size);
	if (!ret && *step->with)
		ret = open_left(work, true);
	if (!ret)
		ret = work_mount(work, false);
	if (!ret)
		ret = see_folder(work);
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
	if (!ret && work->part_made && work->part_made->role == PLAN_BOOT &&
		work->plan->layout == PLAN_ALONGSIDE)
		ret = work_drop_mark(work, step->start, step->size);
	if (!ret && work->plan->layout == PLAN_ALONGSIDE && !work->plan->uefi)
		ret = write_origin(work);
	if (!ret)
		ret = *step->with ? copy_versions(work) : write_versions(work);
	snprintf(name, sizeof(name), WORK_FOLDER "/%s", work->identity);
	if (!ret)
		ret = work_write_file(work, name, produce_bytes, &nothing);
	if (!ret && has_mirror(work->plan))
		ret = work_write_file(work, WORK_PAIR, produce_bytes, &pair);
	if (!ret)
		ret = work_write_file(work, loader, write_loader, loader);
	if (!ret && (work->plan->uefi || work->table_made)) {
		ret = work_write_file(work, WORK_EFI_FOLDER "/grub.cfg", write_loader, loader);
		/* The firmware may have an entry for it from before: it must find all or nothing.
		 */
		if (!ret)
			ret = sync_files(work);
		if (!ret)
			ret = work_write_file(work, WORK_EFI_GRUB, produce_carried, "BOOTX64.EFI");
	}
	ret = work_unmount(work, ret);
	close_left(work);
	return ret;
}

static int do_core(struct work *work)
{
	const struct plan_step *step = work->step;
	uint8_t *image = NULL;
	size_t size = 0;
	int ret = load_core(work, &image, &size);

	work->core_made = !ret && !step->number;
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

static bool has_part(const struct machine *machine, const char *uuid)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++)
			if (!strcasecmp(machine->disks[i].parts[j].uuid, uuid))
				return true;
	return false;
}

/* The entry of the disk that was lost. Nothing depends on it, so that nobody is told; where there
 * are several, some are of disks that are only unplugged, and all stay. */
static void drop_lost_entries(struct work *work, uint16_t ours)
{
	struct efi_entries entries = {0};
	struct machine machine = {0};
	char why[APPLY_TEXT] = "", *told = work->why;
	const struct efi_entry *lost = NULL;
	const struct disk *disk;
	size_t count = 0;
	int ret;

	work->why = why;
	ret = work_look(work, work->plan->disk, &machine, &disk);
	work->why = told;
	if (!ret)
		ret = efi_list(work->places.variables, &entries);
	for (size_t i = 0; !ret && i < entries.count; i++) {
		const struct efi_entry *entry = &entries.items[i];

		if (entry->number != ours && *entry->part && !strcmp(entry->title, "Posada") &&
			!strcasecmp(entry->path, WORK_EFI_GRUB) &&
			!has_part(&machine, entry->part)) {
			lost = entry;
			count++;
		}
	}
	if (count == 1)
		efi_drop(work->places.variables, lost->number);
	disks_free(&machine);
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
	if (!ret && work->plan->layout == PLAN_REPAIR)
		drop_lost_entries(work, number);
	if (ret && !plan_find(work->plan, PLAN_FALLBACK))
		return work_fail(
			work, ret, _("the firmware takes no boot entry: %s"), strerror(-ret));
	if (ret)
		snprintf(work->result->note, sizeof(work->result->note),
			_("The firmware takes no boot entry (%s). Posada starts by the path that firmware takes on its own (EFI/BOOT)."),
			strerror(-ret));
	return 0;
}

/* The disk that was lost has another word from now on, should it come back. */
static int pair_left(struct work *work, const struct bytes *pair)
{
	struct plan_step step = {0};
	int ret = open_left(work, false);

	if (ret)
		return ret;
	memcpy(step.part, plan_find(work->plan, PLAN_FILES)->with, sizeof(step.part));
	memcpy(step.does, work->step->does, sizeof(step.does));
	work->from->step = &step;
	ret = work_write_file(work->from, WORK_PAIR, produce_bytes, pair);
	ret = work_unmount(work->from, ret);
	close_left(work);
	return ret;
}

static int do_fallback(struct work *work)
{
	const struct bytes pair = {work->pair, strlen(work->pair)};
	bool repairs = work->plan->layout == PLAN_REPAIR;
	int ret;

	work_choose(work, work->step->part, "", plan_find(work->plan, PLAN_FILES)->content);
	ret = work_mount(work, false);
	work->fallback_made = !ret;
	if (!ret)
		ret = work_write_file(work, WORK_FALLBACK, produce_carried, "BOOTX64.EFI");
	/* With the word it is one of a pair, and nobody asks whether it starts. */
	if (!ret && repairs)
		ret = sync_files(work);
	if (!ret && repairs)
		ret = work_write_file(work, WORK_PAIR, produce_bytes, &pair);
	ret = work_unmount(work, ret);
	return ret || !repairs ? ret : pair_left(work, &pair);
}

static int (*const actions[PLAN_ACTIONS])(struct work *work) = {
	[PLAN_RECORD] = do_record,
	[PLAN_TABLE] = do_table,
	[PLAN_PARTITION] = do_partition,
	[PLAN_VOLUME] = do_volume,
	[PLAN_MIRROR] = do_mirror,
	[PLAN_REJOIN] = do_rejoin,
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
	close_left(work);
	*work->why = '\0';
	if (work->plan->layout == PLAN_PLACE && (work->table_made || work->lost))
		snprintf(work->why, APPLY_TEXT,
			_("%s. What was there is lost, and it is no data place yet; try again, or choose another."),
			first);
	else if (work->table_made && work->plan->layout == PLAN_REPAIR)
		snprintf(work->why, APPLY_TEXT,
			_("%s. %s goes on alone; repair again, or with another disk."), first,
			work->plan->mirror);
	else if (work->table_made)
		snprintf(work->why, APPLY_TEXT,
			_("%s. The disk holds nothing that starts; install again, or choose another disk."),
			first);
	else if (!work->part_made && !work->volume_made && !work->files_made)
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

/* Both disks of a mirror, or the one. */
static int claim(struct work *work)
{
	int ret = work_claim(work);

	if (!ret && *work->other.device) {
		work_turn(work, true);
		/* What a mirror has left is in use. */
		ret = work->plan->layout == PLAN_REPAIR ? work_claim_files(work) : work_claim(work);
		work_turn(work, false);
	}
	return ret;
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
	if (*plan->mirror)
		work_device(work, plan->mirror, work->other.device);
	/* Written once and read once, on each disk. */
	work->total = (2 * plan->payload + (8 << 20)) * (has_mirror(plan) ? 2 : 1);
	ret = make_identity(work->identity);
	if (!ret)
		ret = make_identity(work->other.identity);
	if (!ret)
		ret = make_identity(work->pair);
	if (!ret)
		ret = claim(work);
	if (!ret)
		tell(work, _("see whether the disk is as it was planned for"));
	if (!ret)
		ret = see_unchanged(work);
	for (size_t i = 0; !ret && i < plan->step_count; i++) {
		work->step = &plan->steps[i];
		work_turn(work, work->step->second);
		tell(work, work->step->does);
		ret = actions[work->step->action](work);
	}
	if (ret) {
		work_fail(work, ret, "%s", strerror(-ret));
		roll_back(work);
	} else if (plan->layout == PLAN_REPAIR) {
		work_notice(work, NULL);
	}
	/* A stick begins a life of its own. */
	if (!ret && plan_find(plan, PLAN_FILES) && plan->layout != PLAN_STICK) {
		memcpy(result->identities[0], work->identity, sizeof(work->identity));
		if (*work->other.device)
			memcpy(result->identities[1], work->other.identity, sizeof(work->identity));
	}
	work_close(work);
	return ret;
}

void apply_introduce(const struct apply_result *result)
{
	for (size_t i = 0; i < sizeof(result->identities) / sizeof(result->identities[0]); i++)
		place_introduce(result->identities[i]);
}
