// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of loader.c: both boot loaders get the same entries with the same options.
#include "loader.h"
#include "unit.h"

static const struct loader_place place = {
	.version = "1.2.3", .medium = "CDLABEL=POSADA", .payload = "/boot/posada", .timeout = 5};

struct entry {
	char name[32], title[64], xen[256], linux[256], initramfs[256];
};

static char *written(const char *loader)
{
	FILE *out = unit_open();

	assert_int_equal(loader_write(loader, &place, out), 0);
	return (char *)unit_close(out, NULL);
}

/* mboot.c32 takes everything in one line. */
static void split(char *append, struct entry *entry)
{
	char *linux = strstr(append, " --- "),
	     *initramfs = linux ? strstr(linux + 5, " --- ") : NULL;

	if (!initramfs) {
		strcat(strcat(entry->linux, " "), append);
		return;
	}
	*linux = *initramfs = '\0';
	strcpy(entry->xen, append);
	strcpy(entry->linux, linux + 5);
	strcpy(entry->initramfs, initramfs + 5);
}

/* GRUB's paths name the file system that they are on; syslinux has one only. */
static void drop_place(char *path)
{
	static const char named[] = "($posada)";

	if (!*path)
		return;
	assert_memory_equal(path, named, strlen(named));
	memmove(path, path + strlen(named), strlen(path + strlen(named)) + 1);
}

/* Reads the entries of either language; at is the entry of the line. */
static size_t read_entries(char *text, struct entry *entries, size_t room)
{
	struct entry *at = entries - 1;
	char append[512];

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, "menuentry ") == line || strstr(line, "LABEL ") == line) {
			assert_true(++at < entries + room);
			if (sscanf(line, "LABEL %31s", at->name) != 1)
				sscanf(line, "menuentry '%63[^']' --id %31s", at->title, at->name);
		} else if (sscanf(line, "\tAPPEND %511[^\n]", append) == 1) {
			split(append, at);
		} else if (at >= entries) {
			sscanf(line, "\tMENU LABEL %63[^\n]", at->title);
			sscanf(line, "\tmultiboot2 %255[^\n]", at->xen);
			sscanf(line, "\tlinux %255[^\n]", at->linux);
			sscanf(line, "\tLINUX %255[^\n]", at->linux);
			sscanf(line, "\tinitrd %255s", at->initramfs);
			sscanf(line, "\tINITRD %255s", at->initramfs);
			if (sscanf(line, "\tmodule2 --nounzip %255s", at->initramfs) != 1)
				sscanf(line, "\tmodule2 %255[^\n]", at->linux);
		}
	}
	return (size_t)(at + 1 - entries);
}

TEST(loaders_agree)
{
	struct entry grub[8] = {0}, syslinux[8] = {0};
	size_t count = read_entries(written("grub"), grub, COUNT(grub));
	char memory[64];

	assert_int_equal(read_entries(written("syslinux"), syslinux, COUNT(syslinux)), count);
	assert_int_equal(count, 5);
	snprintf(memory, sizeof(memory), "/boot/posada/xen.gz dom0_mem=%dM,max:%dM ",
		LOADER_DOM0_MEMORY, LOADER_DOM0_MEMORY);
	for (size_t i = 0; i < count; i++) {
		drop_place(grub[i].xen);
		drop_place(grub[i].linux);
		drop_place(grub[i].initramfs);
	}
	for (size_t i = 0; i < count; i++) {
		bool plain = !strcmp(grub[i].name, "plain");

		assert_string_equal(grub[i].name, syslinux[i].name);
		assert_string_equal(grub[i].title, syslinux[i].title);
		assert_string_equal(grub[i].xen, syslinux[i].xen);
		assert_string_equal(grub[i].linux, syslinux[i].linux);
		assert_string_equal(grub[i].initramfs, syslinux[i].initramfs);
		assert_string_equal(grub[i].initramfs, "/boot/posada/initramfs.img");
		assert_ptr_equal(strstr(grub[i].linux, "/boot/posada/vmlinuz "), grub[i].linux);
		assert_non_null(strstr(grub[i].linux, " posada.medium=CDLABEL=POSADA "));
		assert_ptr_equal(strstr(grub[i].xen, memory), plain ? NULL : grub[i].xen);
		assert_int_equal(!strstr(grub[i].linux, " console=hvc0"), plain);
		assert_int_equal(!strstr(grub[i].linux, " lockdown=integrity "),
			!strcmp(grub[i].name, "devices"));
	}
}

TEST(menus_start_the_first_entry)
{
	static const struct {
		const char *loader, *lines[4];
	} rows[] = {
		{"grub", {"set default=posada\n", "set timeout=5\n",
				 "menuentry 'Posada' --id posada {\n", "Loading Posada 1.2.3 ..."}},
		{"syslinux", {"\nDEFAULT posada\n", "\nTIMEOUT 50\n", "\nLABEL posada\n",
				     "\nMENU TITLE Posada 1.2.3\n"}}};

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t n = 0; n < COUNT(rows[i].lines); n++)
			assert_non_null(strstr(written(rows[i].loader), rows[i].lines[n]));
}

static const char *written_with(const struct loader_origin *origin)
{
	const struct loader_place with = {.version = "1",
		.medium = "m",
		.payload = "/posada/a",
		.timeout = 5,
		.marker = "/posada/0123",
		.origins = origin,
		.origin_count = 1,
		.first = 1};
	FILE *out = unit_open();

	assert_int_equal(loader_write("grub", &with, out), 0);
	return unit_close(out, NULL);
}

/* An entry that failed leaves its variables behind: none may lead another one astray. */
TEST(origins_do_not_disturb)
{
	static const struct {
		struct loader_origin origin;
		const char *entry;
	} rows[] = {
		{{"It's \"here\"", "AB-12", "/EFI/debian/shimx64.efi", NULL},
			"menuentry 'It?s \"here\"' --id origin1 {\n"
			"\tsearch --no-floppy --fs-uuid --set=origin1 'AB-12'\n"
			"\tchainloader ($origin1)'/EFI/debian/shimx64.efi'\n}\n"},
		{{"Windows", "AB-12", "/EFI/w.efi", "0f0f-1:/EFI/w.efi"},
			"menuentry 'Windows' --id origin1 \"$first\" {\n"
			"\tlinux ($posada)/posada/a/vmlinuz lockdown=integrity panic=30 posada.medium=m"
			" console=ttyS0,115200 console=tty0 quiet posada.next='0f0f-1:/EFI/w.efi'\n"
			"\tinitrd ($posada)/posada/a/initramfs.img\n}\n"},
		{{"Debian", "", NULL, NULL}, "menuentry 'Debian' --id origin1 {\n\tset root=$disk\n"
					     "\tchainloader ($posada)/posada/origin.mbr\n}\n"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *text = written_with(&rows[i].origin), *start = text;

		assert_non_null(strstr(text, rows[i].entry));
		assert_non_null(strstr(text, "\nset default=origin1\n"));
		assert_ptr_equal(strstr(text, "search --no-floppy --file --set=root /posada/0123\n"
					      "set posada=$root\n"),
			text);
		/* Nothing of Posada's is looked for where $root happens to lead. */
		while ((start = strstr(start, "/posada/a/"))) {
			assert_int_equal(start[-1], ')');
			start++;
		}
	}
}

TEST(any_origin_can_be_the_default)
{
	static const struct loader_origin origins[] = {
		{"Debian", "AB-12", "/EFI/debian/shimx64.efi", NULL},
		{"Windows", "AB-12", "/EFI/w.efi", NULL}};
	static const char *const wanted[] = {
		"\nset default=posada\n", "\nset default=origin1\n", "\nset default=origin2\n"};

	for (size_t i = 0; i < COUNT(wanted); i++) {
		const struct loader_place with = {.version = "1",
			.medium = "m",
			.payload = "/posada/a",
			.origins = origins,
			.origin_count = COUNT(origins),
			.first = i};
		FILE *out = unit_open();

		assert_int_equal(loader_write("grub", &with, out), 0);
		assert_non_null(strstr(unit_close(out, NULL), wanted[i]));
	}
}

static const struct loader_origin debian = {"Debian", "", NULL, NULL};

static const char *written_for_disk(
	const char *loader, const struct loader_origin *origin, size_t first)
{
	const struct loader_place disk = {.version = "1.2",
		.medium = "0123",
		.timeout = 5,
		.marker = "/posada/0123",
		.origins = origin,
		.origin_count = 1,
		.first = first};
	FILE *out = unit_open();

	assert_int_equal(loader_write(loader, &disk, out), 0);
	return unit_close(out, NULL);
}

/* Where in TEXT all of these stand, one behind the other. */
static void see_in_order(const char *text, const char *const *parts)
{
	for (; *parts; parts++) {
		const char *at = strstr(text, *parts);

		if (!at)
			fail_msg("%s", *parts);
		text = at;
	}
}

TEST(a_try_is_marked_before_it_begins)
{
	static const char *const parts[] = {"set default=origin1\n", "set medium=0123\n",
		"load_env --file ($posada)/posada/grubenv slot trial\n",
		"if [ \"$slot\" != b ]; then set slot=a; fi\n",
		"\tset tried=$trial\n\tset trial=\n",
		"save_env --file ($posada)/posada/grubenv trial tried; then\n",
		"load_env --file ($posada)/posada/grubenv trial\n", "\t\tset slot=$tried\n",
		"if [ ! -f ($posada)/posada/$slot/entries.cfg ]; then\n",
		"if [ \"$tried\" ]; then set default=posada; fi\n",
		"source ($posada)/posada/$slot/entries.cfg\n", "set slot=$other\n",
		"set fallback=$count\n", "source ($posada)/posada/$slot/entries.cfg\n",
		"menuentry 'Debian' --id origin1 {\n", NULL};
	const char *text = written_for_disk("grub", &debian, 1);

	see_in_order(text, parts);
	/* A version brings its own entries. */
	assert_null(strstr(text, "multiboot2"));
}

/* Whichever version is the first has the kernel that restarts. */
TEST(what_the_firmware_must_start_is_left_to_it)
{
	static const struct loader_origin origin = {"Windows", "", "/EFI/w.efi", "0f-1:/EFI/w.efi"};
	static const char *const parts[] = {"set first=$slot\n", "set slot=$other\n",
		"menuentry 'Windows' --id origin1 \"$first\" {\n",
		"\tlinux ($posada)/posada/$2/vmlinuz ", " posada.medium=$medium posada.slot=$2 ",
		" posada.next='0f-1:/EFI/w.efi'\n",
		"\tinitrd ($posada)/posada/$2/initramfs.img\n}\n", NULL};
	const char *text = written_for_disk("grub", &origin, 1);

	see_in_order(text, parts);
	assert_null(strstr(text, "chainloader"));
}

TEST(versions_bring_their_entries)
{
	static struct entry entry[8];
	const char *text = written_for_disk("entries", &debian, 0);
	char copy[8192];

	assert_ptr_equal(strstr(text, LOADER_ENTRIES_HEAD "1.2\n"), text);
	assert_non_null(strstr(text, "\nset count=5\n"));
	assert_int_equal(read_entries(strcpy(copy, text), entry, COUNT(entry)), 6);
	assert_string_equal(entry[5].title, "Posada 1.2 (previous)");
	assert_string_equal(entry[5].name, "previous");
	assert_string_equal(entry[5].xen, entry[0].xen);
	for (size_t i = 0; i < 6; i++) {
		assert_true(i == 4 ||
			    strstr(entry[i].xen, "($posada)/posada/$2/xen.gz ") == entry[i].xen);
		assert_non_null(
			strstr(entry[i].linux, " posada.medium=$medium posada.slot=$2 $3 "));
		assert_string_equal(entry[i].initramfs, "($posada)/posada/$2/initramfs.img");
	}
	/* The words of a first try, and only then. */
	text = strstr(
		text, "if [ \"$tried\" = \"$slot\" ]; then\n\tset trial_option=posada.trial=1\n");
	assert_non_null(text);
	assert_null(strstr(text + 60, "posada.trial"));
	assert_non_null(
		strstr(text, "menuentry 'Posada' --id posada \"$slot\" \"$trial_option\" {\n"));
}

TEST(failures_are_told)
{
	FILE *full = fopen("/dev/full", "w");

	assert_non_null(full);
	assert_int_equal(loader_write("lilo", &place, full), -EINVAL);
	assert_int_equal(loader_write("grub", &place, full), -EIO);
	fclose(full);
}

RUN("loader", T(loaders_agree), T(origins_do_not_disturb), T(any_origin_can_be_the_default),
	T(menus_start_the_first_entry), T(a_try_is_marked_before_it_begins),
	T(what_the_firmware_must_start_is_left_to_it), T(versions_bring_their_entries),
	T(failures_are_told))
