// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of adopt.c and of the copy in adopted.c: each file of adoptions/ is a machine's disks, a
// wish, and the table for device-mapper or the refusal that it must give.
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "adopted.h"
#include "esp.h"
#include "place.h"
#include "probe.h"
#include "raw.h"
#include "unit.h"

#define MIB	 ((uint64_t)1 << 20)
#define FILE_MAX 65536

static struct adopt adopt;
static struct adopted adopted;

/* "--- DISK [trial] [core=BYTES] [number=NUMBER]" stands between the description and the result. */
static char *read_case(const char *path, char *text, struct adopt_wish *wish, char disk[32])
{
	FILE *file = fopen(path, "r");
	char *line, *end;
	size_t size;

	assert_non_null(file);
	size = fread(text, 1, FILE_MAX - 1, file);
	text[size] = '\0';
	fclose(file);
	line = strstr(text, "\n--- ");
	assert_non_null(line);
	*line++ = '\0';
	end = line + strcspn(line, "\n");
	if (*end)
		*end++ = '\0';
	assert_int_equal(sscanf(line, "--- %31s", disk), 1);
	*wish = (struct adopt_wish){.disk = disk, .trial = strstr(line, " trial")};
	if (strstr(line, " core="))
		sscanf(strstr(line, " core="), " core=%" SCNu64, &wish->core);
	if (strstr(line, " number="))
		sscanf(strstr(line, " number="), " number=%u", &wish->core_number);
	return end;
}

static bool is_ours(const struct part *part, const struct adopt_wish *wish)
{
	return (!strcmp(part->label, "POSADA") &&
		       (part->posada || !strcmp(part->content, "vfat"))) ||
	       !strcmp(part->label, PLACE_LABEL) || !strcmp(part->label, PLACE_PARTIAL) ||
	       (part->number && part->number == wish->core_number);
}

/* What the piece is for: all of a system's partition, and nothing of Posada's. */
static void see_piece(const struct machine *machine, const struct adopt_wish *wish,
	const struct adopt_piece *piece)
{
	const struct disk *disk = machine->disks;
	uint64_t end = piece->start + piece->size;

	for (size_t i = 0; i < disk->part_count; i++) {
		const struct part *part = &disk->parts[i];
		const struct group *group = disks_find_group(machine, part->group);
		bool apart = end <= part->start || piece->start >= part->start + part->size;

		if (is_ours(part, wish))
			assert_true(apart || piece->source == ADOPT_NOTHING ||
				    piece->source == ADOPT_PRIVATE);
		if (piece->source == ADOPT_PART && !strcmp(piece->part, part->name))
			assert_true(piece->start == part->start + piece->at &&
				    end <= part->start + part->size);
		for (size_t j = 0; group && j < group->volume_count; j++)
			if (group->volumes[j].ours && !strcmp(group->volumes[j].on, part->name))
				assert_true(piece->source == ADOPT_NOTHING ||
					    end <= part->start + group->volumes[j].start ||
					    piece->start >= part->start + group->volumes[j].start +
								    group->volumes[j].size);
	}
	if (wish->core && piece->source != ADOPT_PRIVATE)
		assert_true(end <= wish->core || piece->start > wish->core);
}

/* Whatever is planned, the disk is covered whole, and Posada's part by nothing. */
static void see_safety(const struct machine *machine, const struct adopt_wish *wish)
{
	const struct disk *disk = machine->disks;
	uint64_t at = 0;

	for (size_t i = 0; i < adopt.piece_count; i++) {
		const struct adopt_piece *piece = &adopt.pieces[i];

		assert_true(piece->start == at && piece->size && piece->size % 512 == 0);
		see_piece(machine, wish, piece);
		at += piece->size;
	}
	assert_true(at == disk->size);
	/* The table is never the disk's own. */
	assert_int_equal(adopt.pieces[0].source, ADOPT_PRIVATE);
	for (size_t i = 0; i < disk->part_count; i++) {
		size_t hidden = 0;

		while (hidden < adopt.hidden_count &&
			adopt.hidden[hidden].number != disk->parts[i].number)
			hidden++;
		assert_int_equal(hidden < adopt.hidden_count,
			is_ours(&disk->parts[i], wish) && !disk->parts[i].logical);
	}
}

static void run_case(const char *path)
{
	static const struct adopt_devices devices = {"PRIVATE", "DISK", "ESP", "/dev"};
	static char text[FILE_MAX];
	struct adopt_wish wish;
	struct machine machine;
	const char *wanted, *got;
	char disk[32], *line;
	unsigned number;
	FILE *in, *out;
	int ret;

	wanted = read_case(path, text, &wish, disk);
	line = text + strlen(text) + 1;
	in = fmemopen(text, strlen(text), "r");
	if (disks_read(in, &machine, &number))
		fail_msg("%s: line %u is wrong", path, number);
	fclose(in);
	ret = adopt_plan(&machine, &wish, &adopt);
	assert_int_equal(ret, *adopt.refusal ? -EPERM : 0);
	assert_int_equal(adopt.piece_count == 0, ret != 0);
	out = unit_open();
	if (ret)
		fprintf(out, "%s\n", adopt.refusal);
	else
		assert_int_equal(adopt_table(&adopt, &devices, out), 0);
	for (size_t i = 0; i < adopt.hidden_count; i++)
		fprintf(out, "hidden %u\n", adopt.hidden[i].number);
	if (!ret)
		fprintf(out, "%s\n", adopt.system);
	if (adopt.uefi != machine.uefi)
		fprintf(out, "by %s\n", adopt.uefi ? "UEFI" : "BIOS");
	if (*adopt.note)
		fprintf(out, "%s\n", adopt.note);
	got = unit_close(out, NULL);
	if (getenv("UPDATE_PLANS")) {
		out = fopen(path, "w");
		assert_non_null(out);
		fprintf(out, "%s\n%s\n%s", text, line, got);
		fclose(out);
	} else if (strcmp(got, wanted) != 0) {
		fail_msg("%s gives:\n%s", path, got);
	}
	if (!ret)
		see_safety(&machine, &wish);
	disks_free(&machine);
}

TEST(adoptions_are_these)
{
	struct dirent *entry;
	DIR *dir = opendir("adoptions");
	char path[300];
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "adoptions/%s", entry->d_name);
		run_case(path);
		count++;
	}
	closedir(dir);
	assert_true(count >= 25);
}

/* One of the partitions that a disk of chance gets from AT on. */
static void put_part(struct disk *disk, struct machine *machine, uint64_t at)
{
	struct part *part = disks_add_part(disk);

	*part = (struct part){.number = (unsigned)disk->part_count,
		.start = at,
		.size = (1 + unit_chance(900)) * MIB + unit_chance(3) * 512};
	disks_part_name(disk->name, part->number, part->name);
	strcpy(part->content, "ext4");
	if (!unit_chance(4)) {
		strcpy(part->label, "POSADA");
		part->posada = true;
	} else if (!unit_chance(4)) {
		strcpy(part->label, PLACE_LABEL);
		part->used = true;
	} else if (!unit_chance(3) && !machine->groups->volume_count) {
		struct part *volume = disks_add_volume(machine->groups);

		strcpy(part->content, "LVM2_member");
		strcpy(part->group, "vg0");
		*volume = (struct part){.name = "vg0/posada", .ours = true};
		memcpy(volume->on, part->name, sizeof(volume->on));
		volume->start = part->size / 1024 * 512;
		volume->size = part->size - volume->start - (part->size > MIB ? 512 : 0);
	}
}

TEST(adoptions_are_safe)
{
	unsigned planned = 0;

	for (unsigned round = 0; round < 3000; round++) {
		struct adopt_wish wish = {.disk = "sda"};
		struct machine machine = {0};
		struct disk *disk = disks_add(&machine);
		uint64_t at = MIB;

		strcpy(disks_add_group(&machine)->name, "vg0");
		strcpy(disk->name, "sda");
		strcpy(disk->table_uuid, "1b2c3d4e");
		disk->sector = 512;
		disk->size = (300 + unit_chance(3000)) * MIB;
		disk->table = unit_chance(2) ? TABLE_GPT : TABLE_DOS;
		disk->boot_code = true;
		disk->first = disk->table == TABLE_GPT ? 34 * 512 : 0;
		disk->last = disk->size - (disk->table == TABLE_GPT ? 33 * 512 : 0);
		for (unsigned left = 1 + unit_chance(6); left; left--) {
			at += unit_chance(500) * MIB + unit_chance(3) * 512;
			put_part(disk, &machine, at);
			at += disk->parts[disk->part_count - 1].size;
			if (at > disk->last && disk->part_count--)
				break;
		}
		if (disk->part_count && unit_chance(2))
			wish.core = 512 * (1 + unit_chance(2047));
		if (disk->table == TABLE_GPT)
			wish.core = 0;
		if (disk->part_count && !adopt_plan(&machine, &wish, &adopt)) {
			see_safety(&machine, &wish);
			planned++;
		}
		disks_free(&machine);
	}
	assert_true(planned > 1000);
}

/* --- The copy ----------------------------------------------------------- */

/* What the guest sees as its table, when Posada has the second of the partitions of SCRIPT. */
static void see_copy(const char *script)
{
	struct machine machine = {0};
	struct disk *disk = disks_add(&machine), *seen;
	uint8_t sector[512], code[BOOTCODE_CODE];
	char path[300], copy[64];
	size_t left = 0;
	int fd;

	unit_run(
		"rm -f disk; truncate -s 300M disk; printf '%s' | sfdisk disk; mke2fs -q -F -E offset=1048576 disk 8M; printf KEEP | dd of=disk conv=notrunc",
		script);
	snprintf(path, sizeof(path), "%s", unit_path("disk"));
	assert_int_equal(probe_disk(path, disk, NULL), 0);
	strcpy(disk->parts[1].label, "POSADA");
	disk->parts[1].posada = true;
	assert_int_equal(
		adopt_plan(&machine, &(struct adopt_wish){.disk = "disk"}, &adopted.plan), 0);
	adopted.has_code = true;
	memset(adopted.code, 0xc0, sizeof(adopted.code));
	fd = adopted_private(path, &adopted);
	assert_true(fd >= 0);
	snprintf(copy, sizeof(copy), "/proc/self/fd/%d", fd);
	assert_int_equal(raw_read(copy, sector, sizeof(sector), 0), 0);
	memset(code, 0xc0, sizeof(code));
	assert_memory_equal(sector, code, sizeof(code));
	/* The disk itself is as it was. */
	assert_int_equal(raw_read(path, sector, sizeof(sector), 0), 0);
	assert_memory_equal(sector, "KEEP", 4);
	seen = disks_add(&machine);
	disk = machine.disks;
	assert_int_equal(probe_disk(copy, seen, NULL), 0);
	assert_int_equal(seen->table, disk->table);
	assert_string_equal(seen->table_uuid, disk->table_uuid);
	for (size_t i = 0; i < disk->part_count; i++) {
		const char *type = disk->parts[i].type;

		if (disk->parts[i].logical)
			continue;
		/* Posada's is there, so that nobody takes its room, and is nobody's. */
		if (i == 1)
			type = disk->table == TABLE_GPT ? "8da63339-0007-60c0-c436-083ac8230908"
							: "da";
		while (seen->parts[left].logical)
			left++;
		assert_true(left < seen->part_count);
		assert_int_equal(seen->parts[left].number, disk->parts[i].number);
		assert_int_equal(seen->parts[left].start, disk->parts[i].start);
		assert_int_equal(seen->parts[left].size, disk->parts[i].size);
		assert_string_equal(seen->parts[left].type, type);
		assert_false(i == 1 && seen->parts[left].active);
		assert_string_equal(seen->parts[left++].uuid, disk->parts[i].uuid);
	}
	assert_true(left >= 3);
	close(fd);
	disks_free(&machine);
}

TEST(the_copy_has_the_systems_own_table)
{
	see_copy("label: dos\nsize=16M, type=83, bootable\nsize=200M, type=c\nsize=16M, type=82\n");
	see_copy(
		"label: gpt\nsize=16M, type=L\nsize=200M, type=L, name=Posada\nsize=16M, type=S\n");
	see_copy(
		"label: dos\nsize=16M, type=83, bootable\nsize=100M, type=c, bootable\nsize=100M, type=5\nsize=16M, type=83\nsize=16M, type=83\n");
}

/* --- The ESP ------------------------------------------------------------ */

static void put(const char *name, const char *text)
{
	unit_write(name, text, strlen(text));
}

static void see(const char *name, const char *text)
{
	FILE *file = fopen(unit_path(name), "r");
	char found[64] = "";

	if (!text) {
		assert_null(file);
		return;
	}
	assert_non_null(file);
	assert_non_null(fgets(found, sizeof(found), file));
	fclose(file);
	assert_string_equal(found, text);
}

static void copy(const char *loader, int wanted)
{
	char from[256], to[256], where[ESP_PATH];

	snprintf(from, sizeof(from), "%s", unit_path("from"));
	snprintf(to, sizeof(to), "%s", unit_path("to"));
	unit_run("rm -rf to; mkdir to");
	assert_int_equal(esp_copy(from, to, loader, where), wanted);
}

TEST(a_copied_esp_starts_the_system_and_has_nothing_of_ours)
{
	char deep[256] = "from";

	put("from/EFI/debian/shimx64.efi", "shim");
	put("from/EFI/debian/grubx64.efi", "grub");
	put("from/EFI/posada/grubx64.efi", "ours");
	put("from/EFI/Posada.txt", "theirs");
	put("from/EFI/deeper/posada/file", "theirs too");
	put("from/posada/undo/record", "ours");
	put("from/loader/loader.conf", "conf");
	copy("/EFI/debian/shimx64.efi", 0);
	see("to/EFI/BOOT/BOOTX64.EFI", "grub");
	see("to/EFI/debian/shimx64.efi", "shim");
	see("to/EFI/Posada.txt", "theirs");
	see("to/EFI/deeper/posada/file", "theirs too");
	see("to/loader/loader.conf", "conf");
	see("to/EFI/posada/grubx64.efi", NULL);
	see("to/posada/undo/record", NULL);
	see("from/EFI/BOOT/BOOTX64.EFI", NULL);

	/* What is ours there gives way; what is theirs stays. */
	put("from/EFI/BOOT/BOOTX64.EFI", "ours");
	copy("/EFI/debian/grubx64.efi", 0);
	see("to/EFI/BOOT/BOOTX64.EFI", "grub");
	put("from/EFI/BOOT/BOOTX64.EFI", "theirs");
	copy("/EFI/debian/grubx64.efi", 0);
	see("to/EFI/BOOT/BOOTX64.EFI", "theirs");

	unit_run("rm from/EFI/debian/grubx64.efi from/EFI/BOOT/BOOTX64.EFI");
	copy("/EFI/debian/shimx64.efi", 0);
	see("to/EFI/BOOT/BOOTX64.EFI", "shim");
	copy("/EFI/debian/nowhere.efi", -ENOENT);
	/* A link leads out of what is copied. */
	unit_run("ln -s /etc/passwd from/EFI/link");
	copy("/EFI/debian/shimx64.efi", 0);
	see("to/EFI/link", NULL);
	for (unsigned i = 0; i < 20; i++)
		strcat(deep, "/d");
	strcat(deep, "/file");
	put(deep, "x");
	copy("/EFI/debian/shimx64.efi", -ELOOP);
}

TEST(a_guest_that_is_off_has_its_disk)
{
	static const char definition[] =
		"<domain><name>inn</name><source dev='/dev/sda'/><source dev='/dev/mapper/adopted-1b2c3d4e%s'/></domain>";
	char text[256], guest[64] = "";

	assert_false(adopted_is_claimed("1b2c3d4e", unit_path("definitions"), guest));
	for (int trial = 0; trial < 2; trial++) {
		snprintf(text, sizeof(text), definition, trial ? "-trial" : "");
		put("definitions/inn.xml", text);
		assert_true(adopted_is_claimed("1b2c3d4e", unit_path("definitions"), guest));
		assert_string_equal(guest, "inn");
		assert_false(adopted_is_claimed("1b2c3d4", unit_path("definitions"), guest));
		assert_false(adopted_is_claimed("", unit_path("definitions"), guest));
	}
	assert_false(adopted_has_guest("/dev/null", guest));
}

TEST(names_tell_what_they_are_of)
{
	static const char *const wrong[] = {"/dev/mapper/adopted-", "/dev/mapper/adopted--trial",
		"/dev/mapper/adopted-../sda", "/dev/mapper/adopted-1b2c3d4e-", "/dev/sda",
		"/dev/mapper/adopted-1b2c3d4e-trials", "/dev/mapper/adopted-xyz"};
	struct disk disk = {.table_uuid = "1b2c3d4e"};
	char path[ADOPTED_NAME];

	adopted_path(&disk, false, path);
	assert_string_equal(path, "/dev/mapper/adopted-1b2c3d4e");
	assert_int_equal(adopted_close(path, "guest"), 0);
	adopted_path(&disk, true, path);
	assert_string_equal(path, "/dev/mapper/adopted-1b2c3d4e-trial");
	assert_int_equal(adopted_close(path, "guest"), 0);
	strcpy(disk.table_uuid, "0b4a7c1e-9d52-4f0e-8a31-6c2d7e5f9a10");
	adopted_path(&disk, true, path);
	assert_int_equal(adopted_close(path, "guest"), 0);
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (adopted_close(wrong[i], "guest") != -EINVAL)
			fail_msg("%s", wrong[i]);
	assert_false(adopted_has("/dev/null"));
	assert_false(adopted_has("/nowhere"));
}

TEST(guests_are_called_by_their_system)
{
	static const struct {
		const char *system, *name, *trial;
	} rows[] = {{"Debian GNU/Linux 13 (trixie)", "debian", "debian-trial"},
		{"Windows", "windows", "windows-trial"}, {"", "adopted", "adopted-trial"},
		{"\xc3\x89tienne OS", "adopted", "adopted-trial"},
		{"Averyveryveryveryveryveryveryverylongname", "averyveryveryveryveryveryveryver",
			"averyveryveryveryveryveryveryver-trial"}};
	char name[ADOPT_NAME];

	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(adopt.system, sizeof(adopt.system), "%s", rows[i].system);
		adopt_name(&adopt, false, name);
		assert_string_equal(name, rows[i].name);
		adopt_name(&adopt, true, name);
		assert_string_equal(name, rows[i].trial);
	}
}

RUN("adopt", T(guests_are_called_by_their_system), T(adoptions_are_these), T(adoptions_are_safe),
	T(the_copy_has_the_systems_own_table),
	T(a_copied_esp_starts_the_system_and_has_nothing_of_ours),
	T(a_guest_that_is_off_has_its_disk), T(names_tell_what_they_are_of))
