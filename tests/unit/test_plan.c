// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of plan.c: each file of plans/ is a machine's disks, a wish, and the plan that it must
// give.
#include <dirent.h>
#include <inttypes.h>
#include "disks.h"
#include "plan.h"
#include "unit.h"

#define PAYLOAD	 ((uint64_t)60 << 20)
#define MIB	 ((uint64_t)1 << 20)
#define FILE_MAX 65536

static const char *const nothing = "";

/* "--- DISK LAYOUT" stands between the description and the plan; a data place may have a third
 * word: a partition, or "whole"; with another layout that is a second disk. */
static void read_case(
	const char *path, char *text, char disk[32], char layout[32], char where[32], char **plan)
{
	FILE *file = fopen(path, "r");
	char *wish;
	size_t size;

	assert_non_null(file);
	size = fread(text, 1, FILE_MAX - 1, file);
	text[size] = '\0';
	fclose(file);
	wish = strstr(text, "\n--- ");
	assert_non_null(wish);
	*where = '\0';
	assert_true(sscanf(wish, "\n--- %31s %31s%*1[ ]%31[a-z0-9]", disk, layout, where) >= 2);
	*wish = '\0';
	*plan = strchr(wish + 1, '\n');
	*plan = *plan ? *plan + 1 : wish + strlen(wish + 1);
}

static void make(struct machine *machine, const char *disk, const char *layout, const char *where,
	struct plan *plan)
{
	struct plan_wish wish = {.disk = disk,
		.layout = PLAN_LAYOUTS,
		.timeout = 5,
		.payload = PAYLOAD,
		.whole = !strcmp(where, "whole")};
	int ret;

	for (unsigned i = 0; i < PLAN_LAYOUTS; i++)
		if (!strcmp(layout, plan_layout_names[i]))
			wish.layout = i;
	assert_int_not_equal(wish.layout, PLAN_LAYOUTS);
	if (wish.layout == PLAN_PLACE)
		wish.part = *where && !wish.whole ? where : NULL;
	else
		wish.mirror = *where ? where : NULL;
	ret = plan_make(machine, &wish, plan);
	assert_int_equal(ret, *plan->refusal ? -EPERM : 0);
	assert_int_equal(plan->step_count == 0, ret != 0);
}

/* A file system that is written to is one that bears it. */
static void see_system(
	const struct machine *machine, const struct disk *disk, const struct plan_step *step)
{
	const struct part *part = disks_find_volume(machine, step->part);

	for (size_t i = 0; i < disk->part_count && !part; i++)
		if (!strcmp(disk->parts[i].name, step->part))
			part = &disk->parts[i];
	assert_non_null(part);
	assert_true(!part->dirty && !part->hibernated && part->room >= 2 * PAYLOAD);
	assert_int_equal(part->start, step->start);
}

/* Whatever the plan is, nothing that is there may be touched. */
static void see_safety(const struct machine *machine, const struct plan *plan)
{
	const struct disk *disk = machine->disks;

	while (strcmp(disk->name, plan->disk) != 0)
		disk++;
	/* A guest's partition is not written, nor a disk that has one as a whole. */
	assert_true(!*disk->guest);
	/* Nor is a system lost that was adopted. */
	assert_true(!*disk->adopted ||
		    (!plan_find(plan, PLAN_TABLE) && plan->layout == PLAN_PLACE && !*plan->part));
	for (size_t i = 0; i < disk->part_count; i++)
		for (size_t j = 0; j < plan->step_count && *disk->parts[i].guest; j++)
			assert_true(plan->steps[j].action != PLAN_TABLE &&
				    strcmp(plan->steps[j].part, disk->parts[i].name) != 0 &&
				    strcmp(plan->steps[j].on, disk->parts[i].name) != 0);
	/* None was left out. */
	assert_true(plan->note_count < PLAN_NOTES);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		uint64_t end = step->start + step->size;

		assert_true(*step->does && *step->touches && *step->undo);
		assert_true(end <= disk->size);
		/* A file system is made in what is new, or in the partition that was named. */
		assert_true(step->action != PLAN_FORMAT || plan_find(plan, PLAN_PARTITION) ||
			    plan_find(plan, PLAN_VOLUME) || !strcmp(step->part, plan->part));
		if (step->action == PLAN_CORE && !step->number)
			assert_true(step->start >= disk->gap_free && step->start >= 512 &&
				    end <= disk->parts[0].start);
		if (step->action == PLAN_FILES && !plan_find(plan, PLAN_FORMAT))
			see_system(machine, disk, step);
		if (plan_find(plan, PLAN_TABLE) || step->action != PLAN_PARTITION)
			continue;
		if (step->role == PLAN_BIOS_BOOT)
			assert_true(step->start >= 32768 && step->size == PLAN_CORE_MOST);
		else
			assert_true(step->start >= MIB && step->start % MIB == 0 &&
				    step->size >= (plan->layout == PLAN_PLACE ? 64 : 260) * MIB);
		assert_true(!disk->last || end <= disk->last);
		for (size_t j = 0; j < disk->part_count; j++) {
			const struct part *part = &disk->parts[j];

			assert_true(end <= part->start || step->start >= part->start + part->size);
			assert_int_not_equal(step->number, part->number);
		}
	}
	/* What makes the machine start us comes after what it will start. */
	if (plan_find(plan, PLAN_SECTOR0))
		assert_true(plan_find(plan, PLAN_SECTOR0) > plan_find(plan, PLAN_CORE) &&
			    plan_find(plan, PLAN_CORE) > plan_find(plan, PLAN_FILES));
	if (plan_find(plan, PLAN_NVRAM))
		assert_true(plan_find(plan, PLAN_NVRAM) > plan_find(plan, PLAN_FILES));
}

static void run_case(const char *path)
{
	static char text[FILE_MAX];
	char disk[32], layout[32], where[32], *wanted;
	struct machine machine;
	struct plan plan;
	const char *got;
	unsigned line;
	FILE *in, *out;

	read_case(path, text, disk, layout, where, &wanted);
	in = fmemopen(text, strlen(text), "r");
	if (disks_read(in, &machine, &line))
		fail_msg("%s: line %u is wrong", path, line);
	fclose(in);
	make(&machine, disk, layout, where, &plan);
	out = unit_open();
	if (plan_find(&plan, PLAN_RECORD) || plan.layout == PLAN_PLACE || *plan.refusal) {
		assert_int_equal(plan_print(&plan, &machine, out), 0);
		got = unit_close(out, NULL);
	} else {
		got = nothing;
	}
	if (getenv("UPDATE_PLANS")) {
		out = fopen(path, "w");
		assert_non_null(out);
		fprintf(out, "%s\n--- %s %s%s%s\n%s", text, disk, layout, *where ? " " : "", where,
			got);
		fclose(out);
	} else if (strcmp(got, wanted) != 0) {
		fail_msg("%s gives:\n%s", path, got);
	}
	if (!*plan.refusal)
		see_safety(&machine, &plan);
	out = unit_open();
	assert_int_equal(plan_json(&plan, out), 0);
	assert_true(unit_json_is_valid(unit_close(out, NULL)));
	disks_free(&machine);
}

TEST(plans_are_these)
{
	struct dirent *entry;
	DIR *dir = opendir("plans");
	char path[300];
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "plans/%s", entry->d_name);
		run_case(path);
		count++;
	}
	closedir(dir);
	assert_true(count >= 25);
}

/* Disks with partitions by chance: whatever is planned, nothing that is there is touched. */
TEST(plans_are_safe)
{
	for (unsigned round = 0; round < 3000; round++) {
		struct part parts[6] = {0};
		struct group group = {.name = "vg0", .extent = 4 * MIB};
		struct disk disk = {
			.name = "sda", .sector = 512, .size = (300 + unit_chance(3000)) * MIB};
		struct machine machine = {.uefi = unit_chance(2),
			.nvram = unit_chance(2),
			.disks = &disk,
			.disk_count = 1,
			.groups = &group,
			.group_count = 1};
		uint64_t at = MIB;
		struct plan plan;

		disk.table = unit_chance(2) ? TABLE_GPT : TABLE_DOS;
		disk.boot_code = true;
		disk.first = disk.table == TABLE_GPT ? 34 * 512 : 0;
		disk.last = disk.size - (disk.table == TABLE_GPT ? 33 * 512 : 0);
		disk.parts = parts;
		disk.gap_free = disk.table == TABLE_DOS ? 512 * (1 + unit_chance(2047)) : 0;
		for (; disk.part_count < 1 + unit_chance(6); disk.part_count++) {
			struct part *part = &parts[disk.part_count];

			at += unit_chance(500) * MIB + unit_chance(3) * 512;
			part->start = at;
			part->size = (1 + unit_chance(900)) * MIB + unit_chance(3) * 512;
			part->number = (unsigned)disk.part_count + 1;
			disks_part_name(disk.name, part->number, part->name);
			if (!unit_chance(6))
				strcpy(part->guest, "inn");
			at += part->size;
			if (at > disk.last)
				break;
			if (!unit_chance(4)) {
				strcpy(part->type, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
				strcpy(part->content, "vfat");
				part->room = unit_chance(400) * MIB;
			} else if (unit_chance(2)) {
				strcpy(part->content, "ext4");
				part->readable = unit_chance(4);
				part->dirty = !unit_chance(4);
				part->room = unit_chance(400) * MIB;
			} else if (!unit_chance(3)) {
				strcpy(part->content, "LVM2_member");
				strcpy(part->group, "vg0");
				part->room = unit_chance(200) * 4 * MIB % part->size;
			} else {
				strcpy(part->content,
					unit_chance(2) ? "crypto_LUKS" : "linux_raid_member");
			}
		}
		make(&machine, "sda", plan_layout_names[unit_chance(PLAN_LAYOUTS)], nothing, &plan);
		if (!*plan.refusal)
			see_safety(&machine, &plan);
	}
}

/* Two versions of whatever size fit, or it is refused. */
TEST(partitions_are_large_enough)
{
	static const struct {
		uint64_t payload, disk, wanted;
	} rows[] = {
		{60, 9000, 1024}, {60, 500, 0}, {700, 9000, 1416}, {700, 1430, 0}, {700, 1000, 0}};

	/* Of a stick the rest stays free. */
	for (size_t i = 0; i < COUNT(rows) * PLAN_STICK; i++) {
		struct disk disk = {.name = "sda",
			.sector = 512,
			.size = rows[i / PLAN_STICK].disk * MIB,
			.table = TABLE_DOS};
		const struct machine machine = {.uefi = true, .disks = &disk, .disk_count = 1};
		const struct plan_wish wish = {.disk = "sda",
			.layout = i % PLAN_STICK,
			.timeout = 5,
			.payload = rows[i / PLAN_STICK].payload * MIB};
		const struct plan_step *step;
		struct plan plan;

		if (plan_make(&machine, &wish, &plan)) {
			assert_true(disk.size < 2 * wish.payload + 30 * MIB);
			continue;
		}
		step = plan_find(&plan, PLAN_FILES);
		assert_true(step->size >= 2 * wish.payload + 16 * MIB);
		if (rows[i / PLAN_STICK].wanted)
			assert_int_equal(step->size, rows[i / PLAN_STICK].wanted * MIB);
	}
}

/* Any one of the systems that the boot menu has can start by itself, and none that it has not. */
TEST(one_system_starts_by_itself)
{
	struct part parts[2] = {{.name = "sda1",
					.number = 1,
					.start = MIB,
					.size = 100 * MIB,
					.content = "vfat",
					.system = "Debian GNU/Linux",
					.loader = "/EFI/debian/shimx64.efi",
					.more = {{"Windows", "/EFI/Microsoft/Boot/bootmgfw.efi"}}},
		{.name = "sdb1",
			.system = "Debian GNU/Linux",
			.loader = "/EFI/debian/shimx64.efi"}};
	struct disk disks[2] = {{.name = "sda",
					.sector = 512,
					.size = 9000 * MIB,
					.table = TABLE_GPT,
					.first = 34 * 512,
					.last = 8999 * MIB,
					.parts = &parts[0],
					.part_count = 1},
		{.name = "sdb",
			.sector = 512,
			.size = 9000 * MIB,
			.parts = &parts[1],
			.part_count = 1}};
	const struct machine machine = {
		.uefi = true, .nvram = true, .disks = disks, .disk_count = 2};
	static const struct {
		const char *start, *shown;
	} rows[] = {{NULL, "Posada *; Debian GNU/Linux; Windows; Debian GNU/Linux (sdb1)\n"},
		{"posada", "Posada *; Debian GNU/Linux; Windows; Debian GNU/Linux (sdb1)\n"},
		{"origin", "Posada; Debian GNU/Linux *; Windows; Debian GNU/Linux (sdb1)\n"},
		{"windows", "Posada; Debian GNU/Linux; Windows *; Debian GNU/Linux (sdb1)\n"},
		{"Win", "Posada; Debian GNU/Linux; Windows *; Debian GNU/Linux (sdb1)\n"},
		{"Debian GNU/Linux",
			"Posada; Debian GNU/Linux *; Windows; Debian GNU/Linux (sdb1)\n"},
		{"Debian GNU/Linux (sdb1)",
			"Posada; Debian GNU/Linux; Windows; Debian GNU/Linux (sdb1) *\n"},
		{"Debian", NULL}, {"Fedora", NULL}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct plan_wish wish = {
			.disk = "sda", .start = rows[i].start, .timeout = 5, .payload = PAYLOAD};
		struct plan plan;
		FILE *out = unit_open();
		const char *text;

		assert_int_equal(plan_make(&machine, &wish, &plan), rows[i].shown ? 0 : -EPERM);
		assert_int_equal(plan_print(&plan, &machine, out), 0);
		text = unit_close(out, NULL);
		if (!strstr(text,
			    rows[i].shown
				    ? rows[i].shown
				    : "posada; Debian GNU/Linux; Windows; Debian GNU/Linux (sdb1)."))
			fail_msg("row %zu: %s", i, text);
	}
}

RUN("plan", T(plans_are_these), T(plans_are_safe), T(partitions_are_large_enough),
	T(one_system_starts_by_itself))
