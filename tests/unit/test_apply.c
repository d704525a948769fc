// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of apply.c on an image file, which nothing can be mounted from: what is refused before
// anything is written, and what is taken back after a failure.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include "apply.h"
#include "probe.h"
#include "raw.h"
#include "unit.h"

#define MIB  ((size_t)1 << 20)
#define SIZE (400 * MIB)

static struct plan plan;
static struct raw_ends before, now;
static char why[APPLY_TEXT];

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
	const char *path = unit_write("dev/disk", "", 0);
	struct machine machine = {0};
	const struct plan_wish wish = {.disk = "disk", .timeout = 5, .payload = 3 * MIB};

	assert_int_equal(truncate(path, SIZE), 0);
	put_sector0(path, 0xeb);
	assert_int_equal(probe_disk(path, disks_add(&machine), NULL), 0);
	assert_int_equal(plan_make(&machine, &wish, &plan), 0);
	assert_non_null(plan_find(&plan, PLAN_SECTOR0));
	disks_free(&machine);
	assert_int_equal(raw_ends_read(path, &before), 0);
	return path;
}

static int apply(void)
{
	struct apply_result result;
	char devices[256], mount[256];
	const struct apply_options options = {
		.places = {.devices = devices, .mount = mount, .payload = "none"}};

	strcpy(devices, unit_path("dev"));
	strcpy(mount, unit_path("mount"));
	return apply_plan(&plan, &options, &result, why);
}

static void see_nothing_written(const char *path, const char *reason)
{
	assert_non_null(strstr(why, reason));
	assert_non_null(strstr(why, ". Nothing was written."));
	assert_int_equal(raw_ends_read(path, &now), 0);
	assert_memory_equal(&now, &before, sizeof(now));
}

TEST(a_changed_disk_is_refused)
{
	const char *path = make_disk();
	int fd;

	plan.part_count++;
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
	see_nothing_written(path, "has no room");

	path = make_disk();
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(apply(), -EBUSY);
	see_nothing_written(path, "another program is changing");
	close(fd);
}

TEST(a_failure_is_taken_back)
{
	const char *path = make_disk();

	/* The device that the kernel would make; whatever mkfs.fat does to it, it does not mount.
	 */
	unit_write("dev/disk2", "", 0);
	assert_int_not_equal(apply(), 0);
	assert_non_null(strstr(why, "has been taken back"));
	assert_int_equal(raw_ends_read(path, &now), 0);
	assert_memory_equal(&now, &before, sizeof(now));
}

TEST(an_installation_is_found)
{
	struct part parts[2] = {{.name = "sda1"}, {.name = "sda2", .posada = true}};
	struct disk disk = {.name = "sda", .parts = parts, .part_count = 2};

	assert_ptr_equal(apply_find(&disk, why), &parts[1]);
	disk.in_use = true;
	assert_null(apply_find(&disk, why));
	assert_non_null(strstr(why, "in use"));
	disk.medium = true;
	assert_null(apply_find(&disk, why));
	assert_non_null(strstr(why, "started from"));
	parts[1].posada = false;
	assert_null(apply_find(&disk, why));
	assert_non_null(strstr(why, "no installation"));
}

TEST(undo_wants_the_partition_that_was_seen)
{
	const char *path = make_disk();
	const struct part part = {.name = "disk2", .number = 2, .start = 20 * MIB, .size = MIB};
	char devices[256];
	const struct apply_options options = {.places = {.devices = devices}};
	bool exact;

	strcpy(devices, unit_path("dev"));
	assert_int_equal(apply_undo("disk", &part, &options, &exact, why), -ENODEV);
	assert_non_null(strstr(why, "has changed"));
	assert_int_equal(raw_ends_read(path, &now), 0);
	assert_memory_equal(&now, &before, sizeof(now));
}

RUN("apply", T(a_changed_disk_is_refused), T(a_failure_is_taken_back), T(an_installation_is_found),
	T(undo_wants_the_partition_that_was_seen))
