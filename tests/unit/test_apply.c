// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of apply.c on an image file. What it mounts is a directory of the test, so that nobody
// needs to be root.
#include <dlfcn.h>
#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "adopted.h"
#include "apply.h"
#include "bootcode.h"
#include "disklabel.h"
#include "efi.h"
#include "lvm.h"
#include "probe.h"
#include "raw.h"
#include "unit.h"
#include "work.h"

#define MIB  ((size_t)1 << 20)
#define SIZE (400 * MIB)

static struct plan plan;
static struct raw_ends before, now;
static char why[APPLY_TEXT];
static bool exact, lasts, unmountable, table_fails;

/* These stand in front of the C library's. */
int mount(const char *source, const char *target, const char *kind, unsigned long flags,
	const void *data)
{
	const char *fs = strstr(source, "/twin") ? "fs-twin" : "fs";

	(void)kind;
	(void)data;
	/* What a disk calls /posada must not be a folder of this host. */
	assert_true(flags & MS_NOSYMFOLLOW);
	if (unmountable) {
		errno = EIO;
		return -1;
	}
	mkdir(unit_path(fs), 0700);
	return rmdir(target) || symlink(unit_path(fs), target) ? -1 : 0;
}

int fdisk_write_disklabel(struct fdisk_context *context)
{
	int (*next)(struct fdisk_context *) = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "fdisk_write_disklabel");
	return table_fails ? -EIO : next(context);
}

int umount(const char *target)
{
	return unlink(target) || mkdir(target, 0700) ? -1 : 0;
}

static void put_sector0(const char *path, uint8_t first)
{
	uint8_t sector[512] = {first, 0x3c, 0x90};

	/* One partition from 1 MiB on, of 16 MiB. */
	memcpy(sector + 440, "\1\2\3\4", 4);
	sector[446 + 4] = 0x83;
	sector[446 + 9] = 0x08;
	sector[446 + 13] = 0x80;
	sector[510] = 0x55;
	sector[511] = 0xaa;
	assert_int_equal(raw_write(path, sector, sizeof(sector), 0), 0);
}

/* A disk with a system on it, and the plan for it. */
static const char *make_disk(void)
{
	static char path[256];
	struct machine machine = {0};
	const struct plan_wish wish = {.disk = "disk", .timeout = 5, .payload = 3 * MIB};

	strcpy(path, unit_write("dev/disk", "", 0));
	assert_int_equal(truncate(path, SIZE), 0);
	put_sector0(path, 0xeb);
	assert_int_equal(probe_disk(path, disks_add(&machine), NULL), 0);
	assert_int_equal(plan_make(&machine, &wish, &plan), 0);
	assert_non_null(plan_find(&plan, PLAN_SECTOR0));
	disks_free(&machine);
	unit_write("dev/disk2", "", 0);
	assert_int_equal(raw_ends_read(path, &before), 0);
	return path;
}

static struct apply_result result;

static void fill(struct apply_options *options, char texts[5][256])
{
	strcpy(texts[0], unit_path("dev"));
	strcpy(texts[1], unit_path("mount"));
	strcpy(texts[2], unit_path("root"));
	strcpy(texts[3], unit_path("variables"));
	strcpy(texts[4], unit_path("records"));
	*options = (struct apply_options){.places = {.devices = texts[0],
						  .mount = texts[1],
						  .payload = texts[2],
						  .variables = texts[3],
						  .records = lasts ? texts[4] : NULL}};
}

static int apply(void)
{
	struct apply_options options;
	char texts[5][256];

	fill(&options, texts);
	return apply_plan(&plan, &options, &result, why);
}

static int undo(unsigned number, uint64_t start, uint64_t size)
{
	struct part part = {.number = number, .start = start, .size = size};
	struct apply_options options;
	char texts[5][256];

	snprintf(part.name, sizeof(part.name), "disk%u", number);
	fill(&options, texts);
	return apply_undo("disk", &part, &options, &exact, why);
}

static int undo_plan(void)
{
	const struct plan_step *files = plan_find(&plan, PLAN_FILES);

	return undo(files->number, files->start, files->size);
}

static bool there(const char *name)
{
	return !access(unit_path(name), F_OK);
}

static void clear(const char *name)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", unit_path(name));
	assert_int_equal(system(command), 0);
}

/* A running system: its payload, and programs that make nothing but a line in "ran". */
static void put_system(void)
{
	static const char *const programs[] = {"bin/mkfs.fat", "bin/mke2fs", "bin/lvm"};
	char script[300];
	uint8_t boot[512] = {0xeb}, core[3 * 512] = {0};
	const char *path = getenv("PATH");
	char all[4096];

	boot[0x64] = 0xff;
	boot[510] = 0x55;
	boot[511] = 0xaa;
	core[0x1fc] = 2;
	unit_write("root/payload/xen.gz", "xen", 3);
	unit_write("root/payload/vmlinuz", "linux", 5);
	unit_write("root/payload/contents", "file /init 0755\n", 16);
	unit_write("root/init", "init", 4);
	unit_write("root/payload/boot/boot.img", boot, sizeof(boot));
	unit_write("root/payload/boot/core.img", core, sizeof(core));
	unit_write("root/payload/boot/BOOTX64.EFI", "grub", 4);
	snprintf(script, sizeof(script), "#!/bin/sh\necho \"${0##*/} $*\" >>'%s'\n",
		unit_path("ran"));
	for (size_t i = 0; i < COUNT(programs); i++)
		chmod(unit_write(programs[i], script, strlen(script)), 0700);
	snprintf(all, sizeof(all), "%s:%s", unit_path("bin"), path ? path : "/usr/bin:/bin");
	setenv("PATH", all, 1);
	clear("fs");
	clear("fs-twin");
	clear("ran");
	clear("records");
	clear("variables");
	clear("mount");
	mkdir(unit_path("variables"), 0700);
}

static void see_as_before(const char *path)
{
	assert_int_equal(raw_ends_read(path, &now), 0);
	assert_memory_equal(&now, &before, sizeof(now));
}

static void see_nothing_written(const char *path, const char *reason)
{
	assert_non_null(strstr(why, reason));
	assert_non_null(strstr(why, ". Nothing was written."));
	see_as_before(path);
}

TEST(a_changed_disk_is_refused)
{
	const char *path = make_disk();
	int fd;

	plan.seen[0].part_count++;
	assert_int_equal(apply(), -EBUSY);
	see_nothing_written(path, "has changed since the plan was made");

	path = make_disk();
	assert_int_equal(truncate(path, SIZE + MIB), 0);
	assert_int_equal(raw_ends_read(path, &before), 0);
	assert_int_equal(apply(), -EBUSY);
	see_nothing_written(path, "has changed since the plan was made");

	/* What would be refused now says why. */
	path = make_disk();
	assert_int_equal(truncate(path, 20 * MIB), 0);
	assert_int_equal(raw_ends_read(path, &before), 0);
	assert_int_equal(apply(), -EBUSY);
	see_nothing_written(path, "has no place");

	path = make_disk();
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(apply(), -EBUSY);
	see_nothing_written(path, "another program is changing");
	close(fd);
}

static const char *install(void)
{
	const char *path = make_disk();
	uint8_t sector[512];

	put_system();
	if (apply())
		fail_msg("%s", why);
	assert_int_equal(rmdir(unit_path("mount")), 0);
	assert_int_equal(raw_read(path, sector, sizeof(sector), 0), 0);
	assert_true(bootcode_loads(sector) == plan_find(&plan, PLAN_CORE)->start / 512);
	return path;
}

TEST(an_installation_comes_and_goes)
{
	const char *path = install();
	static const char *const names[] = {"fs/posada/a/xen.gz", "fs/posada/a/vmlinuz",
		"fs/posada/a/initramfs.img", "fs/posada/a/entries.cfg", "fs/posada/grubenv",
		"fs/posada/grub.cfg", "fs/posada/origin.mbr", "fs/posada/undo/record"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (!there(names[i]))
			fail_msg("%s", names[i]);
	assert_int_equal(undo_plan(), 0);
	assert_true(exact);
	see_as_before(path);

	/* Broken off behind the record: sector 0 was never switched. */
	path = install();
	assert_int_equal(raw_write(path, before.head, BOOTCODE_CODE, 0), 0);
	assert_int_equal(undo_plan(), 0);
	assert_true(exact);
	see_as_before(path);
}

/* The power went when the table had our partition, and that held no record yet. */
static const struct part *break_off(const char *path, struct machine *machine)
{
	const struct plan_step *step = plan_find(&plan, PLAN_PARTITION);
	const struct disklabel_part part = {
		step->number, step->start, step->size, step->type, NULL};
	uint8_t *mark = malloc(RAW_MARK);
	struct disk *disk;

	assert_non_null(mark);
	raw_mark_make(mark, step->start, step->size, &before);
	assert_int_equal(raw_write(path, mark, RAW_MARK, step->start + step->size - RAW_MARK), 0);
	free(mark);
	assert_int_equal(disklabel_add(path, &part), 0);
	disk = disks_add(machine);
	assert_int_equal(probe_disk(path, disk, NULL), 0);
	return apply_find(machine, disk, NULL, why);
}

TEST(one_that_was_broken_off_is_taken_back)
{
	const struct plan_wish wish = {.disk = "disk", .timeout = 5, .payload = 3 * MIB};
	const struct part *part;
	struct machine machine = {0};
	const char *path;

	put_system();
	path = make_disk();
	part = break_off(path, &machine);
	assert_non_null(part);
	assert_true(part->unfinished);
	assert_int_equal(plan_make(&machine, &wish, &plan), -EPERM);
	assert_non_null(strstr(plan.refusal, "was broken off"));
	if (undo(part->number, part->start, part->size))
		fail_msg("%s", why);
	assert_true(exact);
	see_as_before(path);
	disks_free(&machine);

	/* Somebody has given the disk another signature since. */
	path = make_disk();
	machine = (struct machine){0};
	part = break_off(path, &machine);
	assert_int_equal(raw_write(path, "\4\3\2\1", 4, 440), 0);
	assert_int_equal(undo(part->number, part->start, part->size), 0);
	assert_false(exact);
	memcpy(before.head + 440, "\4\3\2\1", 4);
	see_as_before(path);
	disks_free(&machine);

	/* What others have put into such a partition is theirs. */
	path = make_disk();
	machine = (struct machine){0};
	part = break_off(path, &machine);
	assert_int_equal(raw_write(path, "LUKS\xba\xbe\0\1", 8, part->start), 0);
	disks_free(&machine);
	assert_int_equal(probe_disk(path, disks_add(&machine), NULL), 0);
	assert_null(apply_find(&machine, &machine.disks[0], NULL, why));
	disks_free(&machine);
}

TEST(changes_of_others_stay)
{
	const char *path = install();
	uint8_t sector[512];

	/* Somebody's small change in our code: it still is ours. */
	assert_int_equal(raw_write(path, "x", 1, 300), 0);
	assert_int_equal(undo_plan(), 0);
	assert_true(exact);
	see_as_before(path);

	/* Other code stays, and that is told. */
	path = install();
	assert_int_equal(raw_write(path, "\1\0\0\0\0\0\0\0", 8, 0x5c), 0);
	assert_int_equal(undo_plan(), 0);
	assert_false(exact);
	assert_int_equal(raw_read(path, sector, sizeof(sector), 0), 0);
	assert_int_equal(bootcode_loads(sector), 1);
	assert_memory_equal(sector + 446, before.head + 446, 64);

	/* Somebody has given the disk another signature. */
	path = install();
	assert_int_equal(raw_write(path, "\4\3\2\1", 4, 440), 0);
	assert_int_equal(undo_plan(), 0);
	assert_false(exact);
	assert_int_equal(raw_read(path, sector, sizeof(sector), 0), 0);
	assert_memory_equal(sector, before.head, 440);
	assert_memory_equal(sector + 440, "\4\3\2\1", 4);
	assert_memory_equal(sector + 446, before.head + 446, 64);
}

TEST(a_failure_is_taken_back)
{
	const char *path = make_disk();

	put_system();
	unlink(unit_path("root/payload/boot/core.img"));
	assert_int_not_equal(apply(), 0);
	assert_non_null(strstr(why, "core.img"));
	assert_non_null(strstr(why, "has been taken back"));
	see_as_before(path);
}

/* What told of a partition that was never made must not be taken for one that others make. */
TEST(a_table_that_cannot_be_written_leaves_no_mark)
{
	const char *path = make_disk();
	const struct plan_step *step = plan_find(&plan, PLAN_PARTITION);
	uint8_t mark[RAW_MARK];

	put_system();
	table_fails = true;
	assert_int_not_equal(apply(), 0);
	table_fails = false;
	see_nothing_written(path, "could not be made");
	assert_int_equal(
		raw_read(path, mark, sizeof(mark), step->start + step->size - RAW_MARK), 0);
	assert_false(raw_mark_read(mark, step->start, step->size, NULL));
}

/* A disk of 2 GiB without boot code, and the plan for a data place in its free room. */
static const char *plan_place(bool gpt)
{
	const struct plan_wish wish = {.disk = "disk", .layout = PLAN_PLACE};
	const char *path = make_disk();
	struct machine machine = {0};

	put_system();
	put_sector0(path, 0);
	assert_int_equal(raw_write(path, "\0\0\0", 3, 0), 0);
	assert_int_equal(truncate(path, (off_t)(2048 * MIB)), 0);
	if (gpt)
		assert_int_equal(disklabel_new(path), 0);
	assert_int_equal(probe_disk(path, disks_add(&machine), NULL), 0);
	if (plan_make(&machine, &wish, &plan))
		fail_msg("%s", plan.refusal);
	disks_free(&machine);
	assert_null(plan_find(&plan, PLAN_RECORD));
	unit_write("dev/disk1", "", 0);
	assert_int_equal(raw_ends_read(path, &before), 0);
	return path;
}

TEST(a_place_that_fails_is_taken_back)
{
	for (int gpt = 0; gpt < 2; gpt++) {
		const char *path = plan_place(gpt);

		/* The file system cannot be made. */
		unit_write("bin/mke2fs", "#!/bin/sh\nexit 1\n", 17);
		assert_int_not_equal(apply(), 0);
		assert_non_null(strstr(why, "has been taken back"));
		see_as_before(path);
	}
}

/* --- UEFI --------------------------------------------------------------- */

#define ESP_TYPE "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

/* A GPT without partitions, and the plan for it. */
static const char *make_gpt(void)
{
	const char *path = make_disk();
	struct machine machine = {.uefi = true, .nvram = true};
	const struct plan_wish wish = {.disk = "disk", .timeout = 5, .payload = 3 * MIB};

	assert_int_equal(disklabel_new(path), 0);
	assert_int_equal(probe_disk(path, disks_add(&machine), NULL), 0);
	assert_int_equal(plan_make(&machine, &wish, &plan), 0);
	assert_non_null(plan_find(&plan, PLAN_NVRAM));
	disks_free(&machine);
	unit_write("dev/disk1", "", 0);
	assert_int_equal(raw_ends_read(path, &before), 0);
	put_system();
	return path;
}

static size_t entries(void)
{
	struct efi_order order;

	assert_int_equal(efi_order(unit_path("variables"), &order), 0);
	return order.count;
}

TEST(firmware_is_told)
{
	const char *path = make_gpt();

	if (apply())
		fail_msg("%s", why);
	assert_string_equal(result.note, "");
	assert_int_equal(entries(), 1);
	assert_true(there("fs/EFI/BOOT/BOOTX64.EFI") && there("fs/EFI/posada/grubx64.efi"));
	assert_int_equal(undo_plan(), 0);
	assert_true(exact);
	assert_int_equal(entries(), 0);
	see_as_before(path);

	/* One that takes no entry: the other way serves. */
	make_gpt();
	clear("variables");
	if (apply())
		fail_msg("%s", why);
	assert_non_null(strstr(result.note, "takes no boot entry"));
	assert_true(there("fs/EFI/BOOT/BOOTX64.EFI"));

	/* An entry that was made is taken back too. */
	path = make_gpt();
	unit_write("fs/EFI/BOOT", "", 0);
	assert_int_not_equal(apply(), 0);
	assert_non_null(strstr(why, "has been taken back"));
	assert_int_equal(entries(), 0);
	see_as_before(path);
}

static void read_text(const char *name, char text[16384])
{
	FILE *file = fopen(unit_path(name), "r");

	assert_non_null(file);
	text[fread(text, 1, 16383, file)] = '\0';
	fclose(file);
}

/* The file that GRUB looks for, as its configuration in a file system names it. */
static void read_marker(const char *fs, char marker[64])
{
	char text[16384], name[64];

	snprintf(name, sizeof(name), "%s/posada/grub.cfg", fs);
	read_text(name, text);
	assert_int_equal(sscanf(text, "search --no-floppy --file --set=root %63s", marker), 1);
	assert_null(strstr(text, "chainloader"));
}

static const char *make_stick(char marker[64])
{
	const struct plan_wish wish = {
		.disk = "disk", .layout = PLAN_STICK, .timeout = 5, .payload = 3 * MIB};
	struct disk origin = {.name = "sda"};
	struct part esp = {.name = "sda1", .loader = "/EFI/debian/grubx64.efi"};
	struct machine machine = {.uefi = true, .nvram = true};
	const char *path = make_disk();
	struct disk *disk = disks_add(&machine);

	put_system();
	assert_int_equal(probe_disk(path, disk, NULL), 0);
	assert_int_equal(plan_make(&machine, &wish, &plan), -EPERM);
	assert_non_null(strstr(plan.refusal, "is no stick"));
	disk->removable = true;
	origin.parts = &esp;
	origin.part_count = 1;
	*disks_add(&machine) = origin;
	assert_int_equal(plan_make(&machine, &wish, &plan), 0);
	machine.disk_count--;
	disks_free(&machine);
	unit_write("dev/disk2", "", 0);
	if (apply())
		fail_msg("%s", why);
	read_marker("fs", marker);
	return path;
}

TEST(a_stick_is_for_any_machine)
{
	char marker[64], other[64];
	const char *path = make_stick(marker);
	struct machine machine = {0};
	struct disk *disk = disks_add(&machine);
	uint8_t sector[512];

	/* BIOS and UEFI start it, and this machine's firmware knows nothing of it. */
	assert_int_equal(raw_read(path, sector, sizeof(sector), 0), 0);
	assert_true(bootcode_loads(sector) == plan_find(&plan, PLAN_CORE)->start / 512);
	assert_true(there("fs/EFI/BOOT/BOOTX64.EFI") && there("fs/EFI/posada/grub.cfg"));
	assert_int_equal(entries(), 0);
	assert_int_equal(probe_disk(path, disk, NULL), 0);
	assert_int_equal(disk->part_count, 2);
	disks_free(&machine);
	assert_int_equal(undo_plan(), -EPERM);
	assert_non_null(strstr(why, "as a whole"));
	make_stick(other);
	assert_string_not_equal(marker, other);
}

/* --- Two disks ---------------------------------------------------------- */

/* Two disks of that size, and the plan for a mirror on them. */
static void make_twins(size_t size, bool uefi)
{
	const struct plan_wish wish = {.disk = "disk",
		.mirror = "twin",
		.layout = PLAN_WHOLE,
		.timeout = 5,
		.payload = 3 * MIB};
	static const char *const disks[] = {"disk", "twin"};
	struct machine machine = {.uefi = uefi, .nvram = uefi};
	char device[160], name[200];

	put_system();
	for (size_t i = 0; i < 2; i++) {

		snprintf(name, sizeof(name), "dev/%s", disks[i]);
		assert_int_equal(truncate(unit_write(name, "", 0), (off_t)(size + i * MIB)), 0);
		assert_int_equal(probe_disk(unit_path(name), disks_add(&machine), NULL), 0);
		for (unsigned number = 1; number <= 3; number++) {
			snprintf(name, sizeof(name), "dev/%s%u", disks[i], number);
			unit_write(name, "", 0);
		}
	}
	if (plan_make(&machine, &wish, &plan))
		fail_msg("%s", plan.refusal);
	if (plan_find(&plan, PLAN_MIRROR)) {
		lvm_device(plan_find(&plan, PLAN_MIRROR)->part, device, sizeof(device));
		snprintf(name, sizeof(name), "%s", device + 1);
		unit_write(name, "", 0);
	}
	disks_free(&machine);
}

/* The same parts at the same places, each with an identity of its own; its boot code starts it. */
static void see_twins(unsigned parts)
{
	struct disk disks[2] = {0};
	uint8_t sector[512];

	for (size_t i = 0; i < 2; i++) {
		const char *path = unit_path(i ? "dev/twin" : "dev/disk");

		assert_int_equal(probe_disk(path, &disks[i], NULL), 0);
		assert_int_equal(disks[i].table, TABLE_GPT);
		assert_int_equal(disks[i].part_count, parts);
		assert_int_equal(raw_read(path, sector, sizeof(sector), 0), 0);
		assert_true(bootcode_loads(sector) == MIB / 512);
	}
	assert_string_not_equal(disks[0].table_uuid, disks[1].table_uuid);
	for (size_t i = 0; i < parts; i++) {
		const struct part *one = &disks[0].parts[i], *other = &disks[1].parts[i];

		assert_true(one->start == other->start && one->size == other->size);
		assert_string_equal(one->type, other->type);
		assert_string_not_equal(one->uuid, other->uuid);
	}
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < parts; j++)
			assert_string_equal(disks[i].parts[j].content, "");
		free(disks[i].parts);
	}
}

TEST(a_mirror_is_on_both_disks)
{
	static const char *const same[] = {"posada/a/xen.gz", "posada/a/entries.cfg",
		"posada/grubenv", "posada/mirror", "EFI/posada/grubx64.efi",
		"EFI/BOOT/BOOTX64.EFI"};
	char one[64], other[64], ran[16384];

	make_twins(4096 * MIB, true);
	if (apply())
		fail_msg("%s", why);
	see_twins(3);
	assert_int_equal(entries(), 2);
	for (size_t i = 0; i < COUNT(same); i++)
		unit_run("cmp 'fs/%s' 'fs-twin/%s'", same[i], same[i]);
	/* Each disk's loader finds its own. */
	read_marker("fs", one);
	read_marker("fs-twin", other);
	assert_string_not_equal(one, other);
	snprintf(ran, sizeof(ran), "fs-twin%s", other);
	assert_true(there(ran));
	read_text("ran", ran);
	assert_non_null(strstr(ran, "lvm vgcreate --yes posada-data-"));
	assert_non_null(strstr(ran, "/dev/disk3 "));
	assert_non_null(strstr(ran, "/dev/twin3\n"));
	assert_non_null(strstr(ran, "--type raid1 --mirrors 1"));
	assert_non_null(strstr(ran, "-L posada-data "));
	assert_non_null(strstr(ran, "/dev/mapper/posada--data--"));
	assert_non_null(strstr(ran, "-posada--data\n"));
	assert_int_equal(undo_plan(), -EPERM);
	assert_non_null(strstr(why, "as a whole"));
	/* Small ones have no room for data. */
	make_twins(600 * MIB, false);
	if (apply())
		fail_msg("%s", why);
	see_twins(2);
	read_text("ran", ran);
	assert_null(strstr(ran, "lvm"));
	assert_int_equal(entries(), 0);
}

/* An empty disk in place of "twin", and the plan for it. */
static void plan_repair(const struct plan_step *files)
{
	const struct plan_wish wish = {.disk = "twin", .layout = PLAN_REPAIR};
	struct machine machine = {.uefi = true, .nvram = true};
	char part[64];
	struct disk *left;

	memcpy(part, *files->with ? files->with : files->part, sizeof(part));
	clear("fs-twin");
	unit_write("dev/twin", "", 0);
	assert_int_equal(truncate(unit_path("dev/twin"), (off_t)(4096 * MIB)), 0);
	assert_int_equal(probe_disk(unit_path("dev/twin"), disks_add(&machine), NULL), 0);
	left = disks_add(&machine);
	assert_int_equal(probe_disk(unit_path("dev/disk"), left, NULL), 0);
	for (size_t i = 0; i < left->part_count; i++)
		if (!strcmp(left->parts[i].name, part))
			strcpy(left->parts[i].mirror, "pair");
	if (plan_make(&machine, &wish, &plan))
		fail_msg("%s", plan.refusal);
	disks_free(&machine);
}

TEST(a_disk_is_taken_in_place_of_a_lost_one)
{
	static const char *const same[] = {"posada/a/xen.gz", "posada/a/entries.cfg",
		"posada/b/vmlinuz", "posada/grubenv", "posada/mirror", "EFI/posada/grubx64.efi",
		"EFI/BOOT/BOOTX64.EFI"};
	char one[64], other[64], name[80], word[16384], now_word[16384];

	make_twins(600 * MIB, true);
	if (apply())
		fail_msg("%s", why);
	read_text("fs/posada/mirror", word);
	/* Whatever this host runs, the disks keep what they have. */
	unit_write("fs/posada/a/xen.gz", "another", 7);
	unit_write("fs/posada/b/vmlinuz", "kernel", 6);
	unit_write("mount/notices/mirror", "x\n", 2);
	plan_repair(plan_find(&plan, PLAN_FILES));
	if (apply())
		fail_msg("%s", why);
	see_twins(2);
	assert_false(there("mount/notices/mirror"));
	for (size_t i = 0; i < COUNT(same); i++)
		unit_run("cmp 'fs/%s' 'fs-twin/%s'", same[i], same[i]);
	/* The one that was lost is no twin any more, and the firmware forgets it. */
	read_text("fs/posada/mirror", now_word);
	assert_int_equal(strlen(now_word), 16);
	assert_string_not_equal(now_word, word);
	assert_int_equal(entries(), 2);
	read_marker("fs", one);
	read_marker("fs-twin", other);
	assert_string_not_equal(one, other);
	snprintf(name, sizeof(name), "fs-twin%s", other);
	assert_true(there(name));
	snprintf(name, sizeof(name), "fs-twin%s", one);
	assert_false(there(name));
	unit_run("sed 's,%s,%s,; s,=%s,=%s,' fs/posada/grub.cfg | cmp - fs-twin/posada/grub.cfg",
		one, other, one + strlen("/posada/"), other + strlen("/posada/"));
	unit_run("cmp fs-twin/posada/grub.cfg fs-twin/EFI/posada/grub.cfg");
}

/* Which of those whose disks are away was the lost one's is not known then. */
TEST(entries_of_unplugged_disks_stay)
{
	struct efi_file file = {.number = 1,
		.start = 2048,
		.sectors = 4096,
		.gpt = true,
		.path = "/EFI/posada/grubx64.efi"};
	uint8_t option[512];
	uint16_t number;
	int size;

	make_twins(600 * MIB, true);
	if (apply())
		fail_msg("%s", why);
	assert_int_equal(efi_guid("01234567-89ab-cdef-0123-456789abcdef", file.signature), 0);
	size = efi_option("Posada", &file, option, sizeof(option));
	assert_true(size > 0);
	assert_int_equal(efi_add(unit_path("variables"), option, (size_t)size, &number), 0);
	assert_int_equal(entries(), 3);
	plan_repair(plan_find(&plan, PLAN_FILES));
	if (apply())
		fail_msg("%s", why);
	assert_int_equal(entries(), 4);
}

TEST(a_repair_that_fails_can_be_made_again)
{
	make_twins(600 * MIB, true);
	if (apply())
		fail_msg("%s", why);
	/* Before it starts it is no twin. */
	plan_repair(plan_find(&plan, PLAN_FILES));
	unit_write("fs-twin/EFI/BOOT", "", 0);
	assert_int_not_equal(apply(), 0);
	assert_non_null(strstr(why, ". disk goes on alone; repair again"));
	assert_true(there("fs-twin/EFI/posada/grubx64.efi"));
	assert_false(there("fs-twin/posada/mirror"));
	/* Nor before the other one knows of it, */
	plan_repair(plan_find(&plan, PLAN_FILES));
	unit_run("mkdir fs/posada/mirror.new");
	assert_int_not_equal(apply(), 0);
	unit_run("test -s fs/posada/mirror -a -s fs-twin/posada/mirror");
	unit_run("! cmp fs/posada/mirror fs-twin/posada/mirror");
	unit_run("rmdir fs/posada/mirror.new");
	/* and what the boot loader does not know of the one is made for the other. */
	unit_run("rm fs/posada/grubenv");
	plan_repair(plan_find(&plan, PLAN_FILES));
	if (apply())
		fail_msg("%s", why);
	unit_run("grep -q '^slot=a$' fs-twin/posada/grubenv");
	unit_run("cmp fs/posada/mirror fs-twin/posada/mirror");
	see_twins(2);
}

TEST(a_mirror_wants_both_disks_as_they_were)
{
	int fd;

	make_twins(600 * MIB, false);
	assert_int_equal(truncate(unit_path("dev/twin"), 700 * MIB), 0);
	assert_int_equal(apply(), -EBUSY);
	assert_non_null(strstr(why, "changed since the plan was made"));
	assert_non_null(strstr(why, ". Nothing was written."));
	make_twins(600 * MIB, false);
	fd = open(unit_path("dev/twin"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(apply(), -EBUSY);
	assert_non_null(strstr(why, "another program is changing"));
	close(fd);
}

TEST(who_does_not_end_is_ended)
{
	static const char *const words[] = {
		"timeout", "-s", "KILL", "1", "lvm", "vgcreate", "group", NULL};
	struct work work = {.why = why, .partition = "/dev/disk3"};
	char all[4096];

	unit_write("slow/lvm", "#!/bin/sh\nexec sleep 60\n", 24);
	chmod(unit_path("slow/lvm"), 0700);
	snprintf(all, sizeof(all), "%s:%s", unit_path("slow"), getenv("PATH"));
	setenv("PATH", all, 1);
	*why = '\0';
	assert_int_equal(work_run(&work, words, 0), -EIO);
	assert_string_equal(why, "vgcreate of /dev/disk3 did not end, as if a disk did not answer");
	/* Whoever fails at once is told as ever. */
	*why = '\0';
	assert_int_equal(work_run(&work, (const char *const[]){"false", NULL}, 0), -EIO);
	assert_string_equal(why, "false of /dev/disk3 failed");
	unit_run("rm slow/lvm");
}

/* --- The copy of the record --------------------------------------------- */

/* What an undo by someone who first looks at the disk finds. */
static const struct part *find(const char *path, struct machine *machine)
{
	struct apply_options options;
	char texts[5][256];

	fill(&options, texts);
	*machine = (struct machine){0};
	assert_int_equal(probe_disk(path, disks_add(machine), NULL), 0);
	return apply_find(machine, &machine->disks[0], &options.places, why);
}

static void see_undone_by_copy(const char *path, bool copied)
{
	if (undo_plan())
		fail_msg("%s", why);
	assert_true(exact);
	assert_int_equal(strstr(why, "its copy on the data place") != NULL, copied);
	see_as_before(path);
	unit_run("test -z \"$(ls records)\"");
}

TEST(a_lost_record_has_a_copy)
{
	/* What happens to the record on the disk. */
	static const char *const losses[] = {"rm fs/posada/undo/record",
		"truncate -s 999 fs/posada/undo/tail.after", ":>fs/posada/undo/record",
		"printf x | dd of=fs/posada/undo/head.before bs=1 seek=300 conv=notrunc",
		"sed -i s/sector0=1/sector0=0/ fs/posada/undo/record"};
	const char *path;

	lasts = true;
	path = install();
	assert_true(there("records"));
	see_undone_by_copy(path, false);
	/* The disk's own comes first, whatever became of the copy. */
	path = install();
	unit_run("for f in records/*/posada/undo/*; do echo x >$f; done");
	see_undone_by_copy(path, false);
	for (size_t i = 0; i < COUNT(losses); i++) {
		path = install();
		unit_run("%s", losses[i]);
		see_undone_by_copy(path, true);
	}
	/* Neither is whole: all stays. */
	path = install();
	unit_run("rm fs/posada/undo/record");
	unit_run(
		"printf x | dd of=$(ls records/*/posada/undo/head.after) bs=1 seek=9 conv=notrunc");
	assert_int_not_equal(undo_plan(), 0);
	assert_non_null(strstr(why, "the record of the installation"));
	assert_true(there("fs/posada/a/xen.gz"));
	lasts = false;
}

TEST(a_disk_that_cannot_be_mounted_is_undone_by_the_copy)
{
	struct machine machine;
	const struct part *part;
	const char *path;

	lasts = true;
	path = install();
	part = find(path, &machine);
	assert_non_null(part);
	assert_int_equal(part->start, plan_find(&plan, PLAN_FILES)->start);
	disks_free(&machine);
	unmountable = true;
	see_undone_by_copy(path, true);
	unmountable = false;
	assert_null(find(path, &machine));
	disks_free(&machine);

	/* The firmware's entry goes too. */
	path = make_gpt();
	if (apply())
		fail_msg("%s", why);
	assert_int_equal(entries(), 1);
	unmountable = true;
	see_undone_by_copy(path, true);
	assert_int_equal(entries(), 0);

	/* Without a copy nothing is done, nor with that of another partition, */
	unmountable = false;
	path = install();
	unmountable = true;
	unit_run("for f in records/*; do mv $f ${f%%%%-*}-1; done");
	assert_null(find(path, &machine));
	disks_free(&machine);
	assert_int_not_equal(undo_plan(), 0);
	assert_non_null(strstr(why, "cannot be mounted"));

	/* nor where others have put something of theirs. */
	unmountable = false;
	path = install();
	unmountable = true;
	assert_int_equal(
		raw_write(path, "LUKS\xba\xbe\0\1", 8, plan_find(&plan, PLAN_FILES)->start), 0);
	assert_null(find(path, &machine));
	assert_non_null(strstr(why, "no installation"));
	disks_free(&machine);
	assert_int_not_equal(undo_plan(), 0);
	unmountable = lasts = false;
}

/* How the system of the disk would be a guest, when Posada's partition has this CONTENT, which is
 * SEEN, or cannot be looked into. */
static int adopt(const char *path, const char *content, bool seen)
{
	static struct adopted adopted;
	struct apply_options options;
	struct machine machine = {0};
	char texts[5][256];
	struct part *parts;
	int ret;

	fill(&options, texts);
	assert_int_equal(probe_disk(path, disks_add(&machine), NULL), 0);
	parts = machine.disks[0].parts;
	assert_int_equal(machine.disks[0].part_count, 2);
	strcpy(parts[0].content, "ext4");
	strcpy(parts[1].content, content);
	strcpy(parts[1].label, *content ? "POSADA" : "");
	parts[1].posada = seen;
	parts[1].unseen = *content && !seen;
	ret = adopted_plan(&machine, "disk", false, &options.places, &adopted);
	strcpy(why, adopted.plan.refusal);
	if (!ret) {
		assert_int_equal(adopted.plan.hidden_count, 1);
		assert_int_equal(adopted.plan.hidden[0].start, parts[1].start);
		assert_true(adopted.has_code);
		assert_memory_equal(adopted.code, before.head, sizeof(adopted.code));
	}
	disks_free(&machine);
	return ret;
}

TEST(a_system_whose_record_is_lost_is_adopted_by_the_copy)
{
	const char *path;

	lasts = true;
	path = install();
	assert_int_equal(adopt(path, "vfat", true), 0);
	unit_run("rm fs/posada/undo/record");
	assert_int_equal(adopt(path, "vfat", true), 0);
	unmountable = true;
	assert_int_equal(adopt(path, "vfat", true), 0);
	assert_int_equal(adopt(path, "vfat", false), 0);
	assert_int_equal(adopt(path, "", false), 0);
	/* Neither can be read. */
	clear("records");
	assert_int_not_equal(adopt(path, "vfat", true), 0);
	assert_non_null(strstr(why, "cannot be mounted"));
	assert_int_equal(adopt(path, "vfat", false), -EPERM);
	unmountable = false;
	assert_int_not_equal(adopt(path, "vfat", true), 0);
	assert_non_null(strstr(why, "the record of the installation"));
	lasts = false;
}

TEST(the_copy_lives_as_long_as_the_installation)
{
	const char *path;

	/* What is taken back after a failure leaves none. */
	lasts = true;
	path = make_gpt();
	unit_write("fs/EFI/BOOT", "", 0);
	assert_int_not_equal(apply(), 0);
	assert_non_null(strstr(why, "has been taken back"));
	see_as_before(path);
	unit_run("test -z \"$(ls records)\"");

	/* Where it cannot be written it is not there, and the installation is. */
	path = make_gpt();
	unit_write("records", "", 0);
	if (apply())
		fail_msg("%s", why);
	assert_non_null(strstr(result.note, "could not be copied"));
	clear("records");
	assert_int_equal(undo_plan(), 0);
	assert_true(exact);
	see_as_before(path);

	/* Without a data place there is none. */
	lasts = false;
	install();
	assert_false(there("records"));
	assert_string_equal(result.note, "");
}

/* Our files in the ESP of another system, as an installation leaves them. */
static const char *install_in_esp(void)
{
	const struct disklabel_part esp = {1, MIB, 64 * MIB, ESP_TYPE, "ESP"};
	struct efi_file file = {.number = 1,
		.start = MIB / 512,
		.sectors = 64 * MIB / 512,
		.gpt = true,
		.path = "/EFI/posada/grubx64.efi"};
	const char *path = make_gpt();
	struct disklabel_identity identity;
	uint8_t option[512];
	uint16_t number;
	int size;

	assert_int_equal(disklabel_add(path, &esp), 0);
	assert_int_equal(disklabel_identify(path, 1, &identity), 0);
	assert_int_equal(efi_guid(identity.text, file.signature), 0);
	size = efi_option("Posada", &file, option, sizeof(option));
	assert_true(size > 0);
	assert_int_equal(efi_add(unit_path("variables"), option, (size_t)size, &number), 0);
	assert_int_equal(raw_ends_read(path, &before), 0);
	unit_write("fs/EFI/debian/grubx64.efi", "other", 5);
	unit_write("fs/EFI/posada/grubx64.efi", "grub", 4);
	unit_write("fs/EFI/BOOT/BOOTX64.EFI", "grub", 4);
	unit_write("fs/posada/a/xen.gz", "xen", 3);
	unit_write("fs/posada/undo/head.before", before.head, RAW_END);
	unit_write("fs/posada/undo/head.after", before.head, RAW_END);
	unit_write("fs/posada/undo/tail.before", before.tail, RAW_END);
	unit_write("fs/posada/undo/tail.after", before.tail, RAW_END);
	return path;
}

static void see_left(const char *path)
{
	assert_true(there("fs/EFI/debian/grubx64.efi"));
	assert_false(there("fs/EFI/posada") || there("fs/posada"));
	assert_int_equal(entries(), 0);
	see_as_before(path);
}

TEST(undo_leaves_others_files)
{
	static const char all[] = "nvram=1\nfallback=1\nboot_folder=1\n";
	const struct disklabel_part core = {2, 65 * MIB, PLAN_CORE_MOST,
		"21686148-6449-6e6f-744e-656564454649", WORK_CORE_NAME};
	const char *path = install_in_esp();
	struct disklabel_identity identity;

	unit_write("fs/posada/undo/record", all, strlen(all));
	assert_int_equal(undo(1, MIB, 64 * MIB), 0);
	assert_true(exact);
	assert_false(there("fs/EFI/BOOT"));
	see_left(path);

	/* The folder was there before. */
	path = install_in_esp();
	unit_write("fs/posada/undo/record", all, strlen(all) - strlen("boot_folder=1\n"));
	assert_int_equal(undo(1, MIB, 64 * MIB), 0);
	assert_true(exact);
	assert_true(there("fs/EFI/BOOT") && !there("fs/EFI/BOOT/BOOTX64.EFI"));
	see_left(path);

	/* Another system has put its own there. */
	path = install_in_esp();
	unit_write("fs/posada/undo/record", all, strlen(all));
	unit_write("fs/EFI/BOOT/BOOTX64.EFI", "theirs", 6);
	assert_int_equal(undo(1, MIB, 64 * MIB), 0);
	assert_false(exact);
	assert_true(there("fs/EFI/BOOT/BOOTX64.EFI"));
	see_left(path);

	/* Started as a BIOS the machine does not show what its firmware knows. */
	path = install_in_esp();
	unit_write("fs/posada/undo/record", all, strlen(all));
	clear("variables");
	assert_int_equal(undo(1, MIB, 64 * MIB), 0);
	assert_false(exact);
	assert_non_null(strstr(why, "not started by UEFI"));
	assert_null(strstr(why, "surely ours"));
	see_left(path);

	/* Broken off before its record: what was made for GRUB's core image goes, too. */
	path = install_in_esp();
	assert_int_equal(disklabel_add(path, &core), 0);
	assert_int_equal(undo(1, MIB, 64 * MIB), 0);
	assert_false(exact);
	assert_int_equal(disklabel_identify(path, core.number, &identity), -ENOENT);
	see_left(path);

	/* Without a record only what is surely ours goes. */
	path = install_in_esp();
	assert_int_equal(undo(1, MIB, 64 * MIB), 0);
	assert_false(exact);
	assert_true(there("fs/EFI/BOOT"));
	see_left(path);
}

/* Our folder on the origin's file system, our core image in front of it. */
static const char *install_in_gap(uint8_t core[3 * 512])
{
	static const char record[] = "sector0=1\ncore=524288\n";
	const char *path = make_disk();
	struct raw_ends after = before;
	uint8_t boot[512] = {0};

	put_system();
	assert_int_equal(raw_read(unit_path("root/payload/boot/boot.img"), boot, 512, 0), 0);
	assert_int_equal(bootcode_sector(after.head, boot, sizeof(boot), 1024), 0);
	assert_int_equal(raw_write(path, after.head, 512, 0), 0);
	memset(core, 'c', 3 * 512);
	assert_int_equal(raw_write(path, core, 3 * 512, 524288), 0);
	unit_write("dev/disk1", "", 0);
	unit_write("fs/etc/os-release", "NAME=Origin\n", 12);
	unit_write("fs/posada/a/xen.gz", "xen", 3);
	unit_write("fs/posada/undo/head.before", before.head, RAW_END);
	unit_write("fs/posada/undo/head.after", after.head, RAW_END);
	unit_write("fs/posada/undo/tail.before", before.tail, RAW_END);
	unit_write("fs/posada/undo/tail.after", before.tail, RAW_END);
	unit_write("fs/posada/undo/core", core, 3 * 512);
	unit_write("fs/posada/undo/record", record, strlen(record));
	return path;
}

TEST(undo_clears_the_gap)
{
	static const uint8_t zero[4 * 512];
	uint8_t core[3 * 512], sectors[4 * 512];
	const char *path = install_in_gap(core);

	assert_int_equal(undo(1, MIB, 16 * MIB), 0);
	assert_true(exact);
	assert_true(there("fs/etc/os-release") && !there("fs/posada"));
	assert_int_equal(raw_read(path, sectors, sizeof(sectors), 524288), 0);
	assert_memory_equal(sectors, zero, sizeof(zero));
	see_as_before(path);

	/* What another has put into the middle of it stays. */
	install_in_gap(core);
	assert_int_equal(raw_write(path, "theirs", 6, 524288 + 512), 0);
	assert_int_equal(undo(1, MIB, 16 * MIB), 0);
	assert_false(exact);
	assert_int_equal(raw_read(path, sectors, sizeof(sectors), 524288), 0);
	assert_memory_equal(sectors, zero, 512);
	assert_memory_equal(sectors + 512, "theirsc", 7);
	assert_memory_equal(sectors + 1024, zero, 1024);
	see_as_before(path);

	/* Broken off in the middle: some of it is zero already. */
	install_in_gap(core);
	assert_int_equal(raw_write(path, zero, 512, 524288), 0);
	assert_int_equal(undo(1, MIB, 16 * MIB), 0);
	assert_true(exact);
	see_as_before(path);

	/* Without the record there is nothing to start the origin with: all stays. */
	install_in_gap(core);
	unlink(unit_path("fs/posada/undo/record"));
	assert_int_not_equal(undo(1, MIB, 16 * MIB), 0);
	assert_non_null(strstr(why, "the record of the installation"));
	assert_true(there("fs/posada/a/xen.gz"));
}

/* The copy of what install_in_gap has left. */
static void copy_record_in_gap(void)
{
	const struct part part = {.number = 1, .start = MIB, .size = 16 * MIB};
	struct work *work = calloc(1, sizeof(*work));
	struct apply_options options;
	struct record record = {0};
	char texts[5][256];

	assert_non_null(work);
	fill(&options, texts);
	work->why = why;
	work_open(work, &options);
	work_device(work, "disk", work->device);
	work_choose_copy(work, "", SIZE, "04030201", &part);
	strcpy(work->mount, unit_path("fs"));
	assert_int_equal(work_read_record(work, &record), 0);
	assert_false(record.summed);
	unit_run("mkdir -p '%s' && cp -r fs/posada '%s'", work->copy, work->copy);
	unit_run("echo sum=%016llx >>\"$(ls records/*/posada/undo/record)\"",
		(unsigned long long)work_sum_record(
			work, raw_sum("sector0=1\ncore=524288\n", 22, RAW_SUM)));
	work_close(work);
}

TEST(a_folder_that_was_lost_has_a_copy_of_its_record)
{
	static const uint8_t zero[3 * 512];
	uint8_t core[3 * 512];
	const char *path = install_in_gap(core);
	struct machine machine;

	/* Somebody has removed the folder: nothing starts. */
	lasts = true;
	copy_record_in_gap();
	clear("fs/posada");
	assert_non_null(find(path, &machine));
	disks_free(&machine);
	assert_int_equal(undo(1, MIB, 16 * MIB), 0);
	assert_true(exact);
	assert_non_null(strstr(why, "its copy on the data place"));
	assert_true(there("fs/etc/os-release"));
	assert_int_equal(raw_read(path, core, sizeof(core), 524288), 0);
	assert_memory_equal(core, zero, sizeof(zero));
	see_as_before(path);
	unit_run("test -z \"$(ls records)\"");

	/* Only a part of it is lost. */
	path = install_in_gap(core);
	copy_record_in_gap();
	unit_run("rm fs/posada/undo/core");
	assert_int_equal(undo(1, MIB, 16 * MIB), 0);
	assert_true(exact && !there("fs/posada"));
	assert_non_null(strstr(why, "its copy on the data place"));
	assert_int_equal(raw_read(path, core, sizeof(core), 524288), 0);
	assert_memory_equal(core, zero, sizeof(zero));
	see_as_before(path);

	/* What is on the disk, from before there were sums, counts when the copy is not whole. */
	install_in_gap(core);
	copy_record_in_gap();
	unit_run("rm records/*/posada/undo/tail.after");
	assert_int_equal(undo(1, MIB, 16 * MIB), 0);
	assert_true(exact);
	assert_string_equal(why, "");
	see_as_before(path);
	lasts = false;
}

TEST(an_installation_is_found)
{
	struct part parts[2] = {{.name = "sda1", .group = "vg0"}, {.name = "sda2", .posada = true}};
	struct part volume = {.name = "vg0/posada", .on = "sda1"};
	struct disk disk = {.name = "sda", .parts = parts, .part_count = 2};
	struct group group = {.name = "vg0", .volumes = &volume, .volume_count = 1};
	const struct machine machine = {
		.disks = &disk, .disk_count = 1, .groups = &group, .group_count = 1};

	assert_ptr_equal(apply_find(&machine, &disk, NULL, why), &parts[1]);
	volume.posada = true;
	assert_ptr_equal(apply_find(&machine, &disk, NULL, why), &volume);
	/* On another disk of the same group. */
	strcpy(volume.on, "sdb1");
	assert_ptr_equal(apply_find(&machine, &disk, NULL, why), &parts[1]);
	disk.in_use = true;
	assert_null(apply_find(&machine, &disk, NULL, why));
	assert_non_null(strstr(why, "in use"));
	disk.medium = true;
	assert_null(apply_find(&machine, &disk, NULL, why));
	assert_non_null(strstr(why, "started from"));
	parts[1].posada = false;
	assert_null(apply_find(&machine, &disk, NULL, why));
	assert_non_null(strstr(why, "no installation"));
}

TEST(undo_wants_the_partition_that_was_seen)
{
	const char *path = make_disk();

	assert_int_equal(undo(2, 20 * MIB, MIB), -ENODEV);
	assert_non_null(strstr(why, "has changed"));
	see_as_before(path);
}

RUN("apply", T(a_changed_disk_is_refused), T(an_installation_comes_and_goes),
	T(one_that_was_broken_off_is_taken_back), T(changes_of_others_stay),
	T(a_failure_is_taken_back), T(a_table_that_cannot_be_written_leaves_no_mark),
	T(a_place_that_fails_is_taken_back), T(firmware_is_told), T(a_stick_is_for_any_machine),
	T(a_mirror_is_on_both_disks), T(a_disk_is_taken_in_place_of_a_lost_one),
	T(entries_of_unplugged_disks_stay), T(a_repair_that_fails_can_be_made_again),
	T(a_mirror_wants_both_disks_as_they_were), T(who_does_not_end_is_ended),
	T(a_lost_record_has_a_copy), T(a_disk_that_cannot_be_mounted_is_undone_by_the_copy),
	T(a_system_whose_record_is_lost_is_adopted_by_the_copy),
	T(the_copy_lives_as_long_as_the_installation), T(undo_leaves_others_files),
	T(undo_clears_the_gap), T(a_folder_that_was_lost_has_a_copy_of_its_record),
	T(an_installation_is_found), T(undo_wants_the_partition_that_was_seen))
