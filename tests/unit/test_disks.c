// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of disks.c: what is written is read again to the last bit, and bad text is refused.
#include "disks.h"
#include "unit.h"

static int read_text(const char *text, size_t size, struct machine *machine, unsigned *line)
{
	FILE *in = fmemopen((char *)text, size, "r");
	int ret;

	assert_non_null(in);
	ret = disks_read(in, machine, line);
	fclose(in);
	return ret;
}

static char *write_text(const struct machine *machine)
{
	FILE *out = unit_open();

	assert_int_equal(disks_write(machine, out), 0);
	return strdup(unit_close(out, NULL));
}

static void fill_part(struct part *part)
{
	unit_chance_text(part->name, sizeof(part->name));
	unit_chance_text(part->type, sizeof(part->type));
	unit_chance_text(part->uuid, sizeof(part->uuid));
	unit_chance_text(part->content, sizeof(part->content));
	unit_chance_text(part->content_uuid, sizeof(part->content_uuid));
	unit_chance_text(part->label, sizeof(part->label));
	unit_chance_text(part->mounted, sizeof(part->mounted));
	unit_chance_text(part->group, sizeof(part->group));
	unit_chance_text(part->system, sizeof(part->system));
	unit_chance_text(part->loader, sizeof(part->loader));
	unit_chance_text(part->more[2].name, sizeof(part->more[2].name));
	unit_chance_text(part->more[0].loader, sizeof(part->more[0].loader));
	unit_chance_text(part->mirror, sizeof(part->mirror));
	part->number = unit_chance(UINT32_MAX);
	part->start = (uint64_t)unit_chance(UINT32_MAX) << unit_chance(33);
	part->size = UINT64_MAX - unit_chance(3);
	part->room = unit_chance(2);
	part->active = unit_chance(2);
	part->logical = unit_chance(2);
	part->fallback = unit_chance(2);
	part->dirty = unit_chance(2);
	part->hibernated = unit_chance(2);
	part->posada = unit_chance(2);
	part->unfinished = unit_chance(2);
	part->kernels = unit_chance(2);
	part->unseen = unit_chance(2);
}

static void fill_disk(struct disk *disk)
{
	unit_chance_text(disk->name, sizeof(disk->name));
	unit_chance_text(disk->model, sizeof(disk->model));
	unit_chance_text(disk->serial, sizeof(disk->serial));
	unit_chance_text(disk->transport, sizeof(disk->transport));
	unit_chance_text(disk->table_uuid, sizeof(disk->table_uuid));
	disk->size = (uint64_t)unit_chance(UINT32_MAX) << unit_chance(33);
	disk->sector = unit_chance(2) ? 512 : UINT32_MAX;
	disk->read_only = unit_chance(2);
	disk->failing = unit_chance(2);
	disk->removable = unit_chance(2);
	disk->medium = unit_chance(2);
	disk->in_use = unit_chance(2);
	disk->table = (enum disks_table)unit_chance(TABLE_DAMAGED + 1);
	disk->first = unit_chance(99);
	disk->last = UINT64_MAX;
	disk->gap_free = unit_chance(99);
	disk->boot_code = unit_chance(2);
	unit_chance_text(disk->boot_loader, sizeof(disk->boot_loader));
}

static void fill(struct machine *machine)
{
	memset(machine, 0, sizeof(*machine));
	machine->uefi = unit_chance(2);
	machine->secure_boot = unit_chance(2);
	machine->nvram = unit_chance(2);
	for (unsigned i = unit_chance(6); i > 0; i--) {
		struct disk *disk = disks_add(machine);

		fill_disk(disk);
		for (unsigned j = unit_chance(9); j > 0; j--)
			fill_part(disks_add_part(disk));
	}
	for (unsigned i = unit_chance(4); i > 0; i--) {
		struct group *group = disks_add_group(machine);

		unit_chance_text(group->name, sizeof(group->name));
		group->extent = unit_chance(99);
		group->free = UINT64_MAX;
		for (unsigned j = unit_chance(5); j > 0; j--)
			fill_part(disks_add_volume(group));
	}
}

TEST(text_is_this)
{
	static const char wanted[] =
		"machine uefi=yes nvram=yes\n"
		"disk name=sda model=Disk%20100%25%C3%B1 size=1000 sector=512 in_use=yes table=gpt\n"
		"part name=sda1 number=1 start=512 size=488 content=ext4 label=%09~! dirty=yes\n"
		"disk\n"
		"group name=g extent=4 free=18446744073709551615\n"
		"volume name=g/v\n";
	struct machine machine;
	unsigned line;
	char *text;

	assert_int_equal(read_text(wanted, strlen(wanted), &machine, &line), 0);
	assert_true(machine.uefi && machine.nvram && !machine.secure_boot);
	assert_int_equal(machine.disk_count, 2);
	assert_string_equal(machine.disks[0].model, "Disk 100%\303\261");
	assert_int_equal(machine.disks[0].table, TABLE_GPT);
	assert_string_equal(machine.disks[0].parts[0].label, "\t~!");
	assert_int_equal(machine.disks[1].table, TABLE_NONE);
	assert_int_equal(machine.groups[0].free, UINT64_MAX);
	assert_string_equal(machine.groups[0].volumes[0].name, "g/v");
	text = write_text(&machine);
	assert_string_equal(text, wanted);
	free(text);
	disks_free(&machine);
	assert_null(machine.disks);
}

TEST(what_lies_on_the_medium)
{
	static const char text[] = "disk name=sda\npart name=sda1 group=vg\npart name=sda2\n"
				   "disk name=sdb medium=yes\npart name=sdb1 group=inn\n"
				   "part name=sdb3\ngroup name=inn\nvolume name=inn/posada-data\n";
	static const char *const there[] = {"sdb3", "inn/posada-data"};
	static const char *const elsewhere[] = {
		"sda2", "sdb", "sdb4", "vg/posada-data", "inns/posada-data", "inn", ""};
	struct machine machine;
	unsigned line;

	assert_int_equal(read_text(text, strlen(text), &machine, &line), 0);
	for (size_t i = 0; i < COUNT(there); i++)
		assert_true(disks_on_medium(&machine, there[i]));
	for (size_t i = 0; i < COUNT(elsewhere); i++)
		assert_false(disks_on_medium(&machine, elsewhere[i]));
	disks_free(&machine);
}

TEST(round_trip_is_exact)
{
	for (unsigned round = 0; round < 500; round++) {
		struct machine machine, again;
		char *text, *second;
		unsigned line;

		fill(&machine);
		text = write_text(&machine);
		assert_int_equal(read_text(text, strlen(text), &again, &line), 0);
		assert_int_equal(again.disk_count, machine.disk_count);
		second = write_text(&again);
		assert_string_equal(text, second);
		for (size_t i = 0; i < machine.disk_count; i++) {
			const struct disk *disk = &machine.disks[i], *other = &again.disks[i];

			assert_string_equal(disk->model, other->model);
			assert_int_equal(disk->size, other->size);
			assert_int_equal(disk->part_count, other->part_count);
			for (size_t j = 0; j < disk->part_count; j++) {
				assert_string_equal(disk->parts[j].loader, other->parts[j].loader);
				assert_int_equal(disk->parts[j].start, other->parts[j].start);
			}
		}
		free(text);
		free(second);
		disks_free(&machine);
		disks_free(&again);
	}
}

TEST(bad_lines_are_refused)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {{"part name=sda1\n", 1}, {"machine\nvolume name=a\n", 2}, {"floppy\n", 1},
		{"disk colour=red\n", 1}, {"disk name\n", 1}, {"disk name=a name=b\n", 1},
		{"# a\n\nmachine\nmachine\n", 4}, {"disk size=18446744073709551616\n", 1},
		{"disk size=-1\n", 1}, {"disk size=\n", 1}, {"disk size=1k\n", 1},
		{"disk sector=4294967296\n", 1}, {"disk table=bsd\n", 1}, {"disk medium=1\n", 1},
		{"disk name=%0\n", 1}, {"disk name=a%\n", 1}, {"disk name=%zz\n", 1},
		{"disk name=a%00b\n", 1}, {"disk name=0123456789012345678901234567890a\n", 1},
		{"group name=g\npart\n", 2}, {"disk\ndisk =\n", 2}, {"disk\n disk\n", 2},
		{"disk\r\n", 1}, {"disk table=%67pt\n", 1}};
	struct machine machine;
	unsigned line;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(
			read_text(rows[i].text, strlen(rows[i].text), &machine, &line), -EINVAL);
		assert_int_equal(line, rows[i].line);
		disks_free(&machine);
	}
	assert_int_equal(read_text("disk\0name=a\n", 12, &machine, &line), -EINVAL);
	disks_free(&machine);
	assert_int_equal(read_text("# only this", 11, &machine, &line), 0);
	assert_int_equal(machine.disk_count, 0);
	assert_int_equal(
		read_text("disk name=012345678901234567890123456789a", 41, &machine, &line), 0);
	disks_free(&machine);
}

TEST(nothing_crashes_by_chance)
{
	static const char pieces[][12] = {"disk", "part", "machine", "group", "volume", " ", "=",
		"\n", "%", "name=", "size=", "table=gpt", "9999999999", "label=%41", "yes",
		"dirty="};
	char text[512];

	for (unsigned round = 0; round < 20000; round++) {
		struct machine machine;
		size_t length = 0;
		unsigned line;

		for (unsigned n = 1 + unit_chance(30); n > 0; n--) {
			const char *piece = pieces[unit_chance(COUNT(pieces))];

			if (unit_chance(8))
				length += (size_t)sprintf(text + length, "%.11s", piece);
			else
				text[length++] = (char)unit_chance(256);
		}
		assert_in_range(-read_text(text, length, &machine, &line), 0, EINVAL);
		disks_free(&machine);
	}
}

TEST(json_is_valid)
{
	FILE *out = unit_open();
	struct machine machine;

	fputs("[\n", out);
	for (unsigned round = 0; round < 50; round++) {
		fill(&machine);
		assert_int_equal(disks_json(&machine, out), 0);
		disks_free(&machine);
		fputs(round < 49 ? ",\n" : "]\n", out);
	}
	assert_true(unit_json_is_valid(unit_close(out, NULL)));
}

TEST(failures_are_told)
{
	struct machine machine = {.uefi = true};
	FILE *full = fopen("/dev/full", "w"), *folder = fopen(unit_path("."), "r");
	unsigned line;

	assert_non_null(full);
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(disks_write(&machine, full), -EIO);
	assert_int_equal(disks_json(&machine, full), -EIO);
	assert_int_equal(disks_read(folder, &machine, &line), -EIO);
	fclose(full);
	fclose(folder);
}

TEST(twins_find_each_other)
{
	struct part parts[4] = {{.name = "sda1"}, {.name = "sda2", .mirror = "1"},
		{.name = "sdb1", .mirror = "2"}, {.name = "sdb2", .mirror = "1"}};
	struct disk disks[2] = {{.name = "sda", .parts = parts, .part_count = 2},
		{.name = "sdb", .parts = parts + 2, .part_count = 2}};
	const struct machine machine = {.disks = disks, .disk_count = 2};
	const struct disk *disk;

	assert_ptr_equal(disks_find_twin(&machine, &parts[1], &disk), &parts[3]);
	assert_ptr_equal(disk, &disks[1]);
	assert_ptr_equal(disks_find_twin(&machine, &parts[3], &disk), &parts[1]);
	assert_null(disks_find_twin(&machine, &parts[0], &disk));
	assert_null(disks_find_twin(&machine, &parts[2], &disk));
	assert_null(disk);
}

RUN("disks", T(text_is_this), T(what_lies_on_the_medium), T(round_trip_is_exact),
	T(bad_lines_are_refused), T(nothing_crashes_by_chance), T(json_is_valid),
	T(failures_are_told), T(twins_find_each_other))
