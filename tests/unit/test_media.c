// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of the media library: what ISO images say, what a folder may hold, what is kept of a copy.
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fetch.h"
#include "iso9660.h"
#include "media.h"
#include "sticks.h"
#include "unit.h"

#define SECTOR 2048

/* --- ISO images --------------------------------------------------------- */

static unsigned char image[24 * SECTOR];

static bool read_image(void *opaque, uint64_t offset, void *buf, size_t size)
{
	const size_t *length = opaque;

	if (offset > *length || size > *length - offset)
		return false;
	memcpy(buf, image + offset, size);
	return true;
}

static void put32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

static void end_entry(unsigned char *entry)
{
	unsigned sum = 0;

	entry[0] = 1;
	entry[30] = 0x55;
	entry[31] = 0xaa;
	entry[28] = entry[29] = 0;
	for (int i = 0; i < 32; i += 2)
		sum += entry[i] | (unsigned)entry[i + 1] << 8;
	entry[28] = (unsigned char)-sum;
	entry[29] = (unsigned char)(-sum >> 8);
}

/* A volume of COUNT sectors that a BIOS starts, and with UEFI that too. */
static void make_image(uint32_t count, bool bios, bool uefi)
{
	unsigned char *catalog = image + 20 * SECTOR;

	memset(image, 0, sizeof(image));
	for (int i = 16; i < 19; i++)
		memcpy(image + i * SECTOR + 1, "CD001", 5);
	image[16 * SECTOR] = 1;
	put32(image + 16 * SECTOR + 80, count);
	image[16 * SECTOR + 129] = SECTOR >> 8;
	if (bios || uefi)
		memcpy(image + 17 * SECTOR + 7, "EL TORITO SPECIFICATION", 23);
	put32(image + 17 * SECTOR + 71, 20);
	image[18 * SECTOR] = 255;
	end_entry(catalog);
	catalog[32] = bios ? 0x88 : 0;
	if (!uefi)
		return;
	catalog[64] = 0x91;
	catalog[65] = 0xef;
	catalog[66] = 1;
	catalog[96] = 0x88;
}

TEST(images_tell_what_they_are)
{
	static const bool choices[4][2] = {
		{false, false}, {true, false}, {false, true}, {true, true}};
	size_t length = sizeof(image);
	struct iso_about about;

	for (size_t i = 0; i < COUNT(choices); i++) {
		make_image(100, choices[i][0], choices[i][1]);
		iso_look(read_image, &length, &about);
		assert_int_equal(about.bytes, 100 * SECTOR);
		assert_int_equal(about.bios, choices[i][0]);
		assert_int_equal(about.uefi, choices[i][1]);
	}
	/* A catalog that is damaged starts nothing. */
	image[20 * SECTOR + 28] ^= 1;
	iso_look(read_image, &length, &about);
	assert_false(about.bios || about.uefi);
	/* One that is outside of the image is none. */
	make_image(UINT32_MAX, true, true);
	put32(image + 17 * SECTOR + 71, UINT32_MAX);
	iso_look(read_image, &length, &about);
	assert_false(about.bios || about.uefi);
	assert_true(about.bytes == (uint64_t)UINT32_MAX * SECTOR);
	for (length = 0; length < sizeof(image); length += 511)
		iso_look(read_image, &length, &about);
}

TEST(garbled_images_are_survived)
{
	size_t length = sizeof(image);
	struct iso_about about;

	for (unsigned n = 0; n < 3000; n++) {
		if (n % 50 == 0)
			make_image(100, true, true);
		for (int i = 0; i < 8; i++)
			image[16 * SECTOR + unit_chance(5 * SECTOR)] =
				(unsigned char)unit_chance(256);
		iso_look(read_image, &length, &about);
	}
}

static const char *write_image(const char *name, uint32_t sectors, bool bootable)
{
	make_image(sectors, bootable, false);
	return unit_write(name, image, sizeof(image));
}

TEST(faults_are_told)
{
	struct posada_media_file file;
	struct posada_error err;
	char text[256];

	assert_int_equal(posada_media_look(write_image("good.iso", 24, true), &file, &err), 0);
	assert_int_equal(file.fault, POSADA_SOUND);
	assert_true(file.bios && !file.uefi && file.type == POSADA_ISO);
	assert_null(posada_fault_text(&file, text, sizeof(text)));
	assert_int_equal(posada_media_look(write_image("cut.iso", 25, true), &file, &err), 0);
	assert_int_equal(file.fault, POSADA_CUT_OFF);
	assert_non_null(strstr(posada_fault_text(&file, text, sizeof(text)), "cut off"));
	assert_int_equal(posada_media_look(write_image("data.iso", 24, false), &file, &err), 0);
	assert_int_equal(file.fault, POSADA_UNBOOTABLE);
	assert_non_null(posada_fault_text(&file, text, sizeof(text)));
	assert_int_equal(posada_media_look("/none\033", &file, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/none?"));
}

TEST(an_image_chooses_its_firmware)
{
	struct posada_guest_spec spec = {0};
	struct posada_choice choice;
	struct posada_error err;
	struct posada *host;

	setenv("POSADA_URI", "test:///default", 1);
	assert_int_equal(posada_open(&host, 0, &err), 0);
	for (unsigned i = 1; i < 4; i++) {
		make_image(24, i & 1, i & 2);
		spec.iso = unit_write("kind.iso", image, sizeof(image));
		assert_int_equal(posada_kind_choose(host, &spec, &choice, &err), 0);
		assert_int_equal(choice.uefi, i == 2);
	}
	spec.iso = "/none";
	assert_int_equal(posada_kind_choose(host, &spec, &choice, &err), -ENOENT);
	assert_non_null(strstr(err.text, "There is no ISO image /none."));
	posada_close(host);
}

/* --- Names and folders -------------------------------------------------- */

TEST(names_are_judged)
{
	static const struct {
		const char *from, *name;
	} rows[] = {{"/a/b.iso", "b.iso"}, {"b.iso", "b.iso"}, {"/a/", NULL}, {"", NULL},
		{"http://host/a/b.iso?x=/y#z", "b.iso"}, {"https://host/", NULL},
		{"http://host", NULL}, {"https://host", NULL}, {"http://host?x/y.iso", NULL}};
	char name[256];
	char long_name[300];

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = fetch_name(rows[i].from, name, sizeof(name));

		if (!rows[i].name ? got != NULL : !got || strcmp(got, rows[i].name) != 0)
			fail_msg("row %zu: %s", i, got ? got : "nothing");
	}
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_true(media_name_is_legal("debian 13 (netinst).iso"));
	assert_true(media_name_is_legal("espa\303\261ol.iso"));
	assert_false(media_name_is_legal(""));
	assert_false(media_name_is_legal(".hidden"));
	assert_false(media_name_is_legal(".."));
	assert_false(media_name_is_legal("a/b"));
	assert_false(media_name_is_legal("a\nb"));
	assert_false(media_name_is_legal("a\033[2J"));
	assert_false(media_name_is_legal("\342\200\256gnp.iso"));
	assert_false(media_name_is_legal("\377"));
	assert_false(media_name_is_legal(long_name));
}

TEST(folders_are_scanned)
{
	struct posada_media media = {0};
	char folder[256], path[300];

	write_image("stick/one.iso", 24, true);
	write_image("stick/folder/two.ISO", 24, true);
	write_image("stick/folder/deep/three.iso", 24, true);
	write_image("stick/.hidden.iso", 24, true);
	write_image("stick/a\033\n.iso", 24, true);
	unit_write("stick/photo.jpg", "x", 1);
	write_image("outside.iso", 24, true);
	snprintf(folder, sizeof(folder), "%s", unit_path("stick"));
	snprintf(path, sizeof(path), "%s/link.iso", folder);
	assert_int_equal(symlink(unit_path("outside.iso"), path), 0);
	snprintf(path, sizeof(path), "%s/links", folder);
	assert_int_equal(symlink("/", path), 0);
	snprintf(path, sizeof(path), "%s/pipe.iso", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(media_scan(&media, folder, "sdb1 KEY", true), 0);
	assert_int_equal(media.count, 3);
	assert_string_equal(media.items[0].name, "a\033\n.iso");
	assert_string_equal(media.items[1].name, "two.ISO");
	assert_string_equal(media.items[2].name, "one.iso");
	assert_string_equal(media.items[2].source, "sdb1 KEY");
	posada_media_free(&media);
	/* The library has every kind of file, and no folders. */
	assert_int_equal(media_scan(&media, folder, NULL, false), 0);
	assert_int_equal(media.count, 3);
	assert_int_equal(media.items[2].type, POSADA_OTHER);
	assert_null(media.items[0].source);
	posada_media_free(&media);
	assert_int_equal(media_scan(&media, "/none", NULL, false), 0);
	assert_int_equal(media.count, 0);
}

/* --- Putting in --------------------------------------------------------- */

static size_t count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static bool refuse(void *opaque, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	(*(unsigned *)opaque)++;
	return false;
}

/* sha256sum of "hello\n" */
#define HELLO "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

TEST(what_is_whole_is_kept)
{
	struct posada_media_wish wish = {0};
	struct posada_error err;
	char folder[256], from[256], path[512];
	struct posada_media media = {0};
	unsigned asked = 0;

	snprintf(from, sizeof(from), "%s", unit_write("hello", "hello\n", 6));
	snprintf(folder, sizeof(folder), "%s", unit_path("library"));
	mkdir(folder, 0755);
	wish.sha256 = "00";
	assert_int_equal(media_store(folder, from, &wish, NULL, 0, &err), -EINVAL);
	wish.sha256 = NULL;
	wish.name = "../escape";
	assert_int_equal(media_store(folder, from, &wish, NULL, 0, &err), -ENAMETOOLONG);
	wish.name = NULL;
	wish.sha256 = "f891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
	assert_int_equal(media_store(folder, from, &wish, NULL, 0, &err), -EBADMSG);
	assert_non_null(strstr(err.text, HELLO));
	wish.sha256 = NULL;
	wish.progress = refuse;
	wish.opaque = &asked;
	assert_int_equal(media_store(folder, from, &wish, NULL, 0, &err), -ECANCELED);
	assert_int_equal(asked, 1);
	assert_int_equal(media_store(folder, "/none", &wish, NULL, 0, &err), -ENOENT);
	assert_int_equal(media_store(folder, "/dev/null", &wish, NULL, 0, &err), -EINVAL);
	assert_int_equal(media_store(folder, "http://a b/c", &wish, NULL, 0, &err), -EINVAL);
	assert_int_equal(media_store("/none", from, &wish, NULL, 0, &err), -ENOENT);
	assert_int_equal(count_files(folder), 0);

	wish.progress = NULL;
	wish.sha256 = HELLO;
	assert_int_equal(media_store(folder, from, &wish, path, sizeof(path), &err), 0);
	assert_int_equal(count_files(folder), 2);
	assert_int_equal(media_store(folder, from, &wish, NULL, 0, &err), -EEXIST);
	wish.name = "another";
	assert_int_equal(media_store(folder, from, &wish, NULL, 0, &err), 0);
	assert_int_equal(media_scan(&media, folder, NULL, false), 0);
	media_sums_fill(folder, &media);
	assert_int_equal(media.count, 2);
	assert_string_equal(media.items[0].sha256, HELLO);
	assert_string_equal(media.items[1].sha256, HELLO);
	posada_media_free(&media);
	/* What changes has no checksum any more. */
	unit_write("library/hello", "hallo\n", 6);
	assert_int_equal(media_scan(&media, folder, NULL, false), 0);
	media_sums_fill(folder, &media);
	assert_string_equal(media.items[0].sha256, HELLO);
	assert_string_equal(media.items[1].sha256, "");
	posada_media_free(&media);
}

TEST(garbled_checksums_are_survived)
{
	struct posada_media media = {0};
	char folder[256], text[600];

	unit_write("sums/a", "x", 1);
	snprintf(folder, sizeof(folder), "%s", unit_path("sums"));
	for (int n = 0; n < 500; n++) {
		unit_chance_text(text, sizeof(text));
		unit_write("sums/.checksums", text, strlen(text));
		assert_int_equal(media_scan(&media, folder, NULL, false), 0);
		media_sums_fill(folder, &media);
		assert_string_equal(media.items[0].sha256, "");
		posada_media_free(&media);
	}
	assert_int_equal(media_sums_note(folder, "a", HELLO), 0);
	assert_int_equal(media_sums_note(folder, "none", HELLO), -ENOENT);
	assert_int_equal(media_scan(&media, folder, NULL, false), 0);
	media_sums_fill(folder, &media);
	assert_string_equal(media.items[0].sha256, HELLO);
	posada_media_free(&media);
}

/* --- Sticks ------------------------------------------------------------- */

TEST(sticks_are_told)
{
	static const struct {
		const char *text, *type, *label;
	} rows[] = {
		{"DEVNAME=/dev/sdb1\nLABEL=MY\\ KEY\nUUID=12AB-34CD\nTYPE=vfat\n", "vfat",
			"MY KEY"},
		{"UUID=0123456789ABCDEF\nTYPE=ntfs\nLABEL=\033[2J\n", "ntfs3", "?[2J"},
		{"UUID=1-2\nTYPE=ext4\nLABEL=posada-data\n", NULL, NULL},
		{"UUID=1-2\nTYPE=crypto_LUKS\n", NULL, NULL},
		{"UUID=../../etc\nTYPE=vfat\n", NULL, NULL},
		{"UUID=\nTYPE=vfat\n", NULL, NULL},
		{"TYPE=vfat\n", NULL, NULL},
		{"PTTYPE=gpt\n", NULL, NULL},
		{"", NULL, NULL},
	};
	struct stick stick;
	char text[256];

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (stick_parse(rows[i].text, &stick) != (rows[i].type != NULL))
			fail_msg("row %zu", i);
		if (rows[i].type) {
			assert_string_equal(stick.type, rows[i].type);
			assert_string_equal(stick.label, rows[i].label);
		}
	}
	for (int n = 0; n < 2000; n++) {
		unit_chance_text(text, sizeof(text));
		stick_parse(text, &stick);
		snprintf(text, sizeof(text), "%s", rows[0].text);
		text[unit_chance((uint32_t)strlen(text))] = (char)unit_chance(256);
		stick_parse(text, &stick);
	}
}

TEST(of_copies_one_counts)
{
	static const struct {
		struct stick sticks[4];
		const char *counts;
	} rows[] = {
		{{{.uuid = "a"}, {.uuid = "b"}, {.uuid = "a"}, {.uuid = "c"}}, "yyny"},
		{{{.uuid = "a"}, {.uuid = "b"}, {.uuid = "a", .mounted = true}, {.uuid = "a"}},
			"nyyn"},
		{{{.uuid = "a", .mounted = true}, {.uuid = "a"}, {.uuid = "a"}, {.uuid = "b"}},
			"ynny"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(
				stick_counts(rows[i].sticks, 4, j), rows[i].counts[j] == 'y');
}

TEST(who_a_server_is_is_not_checked)
{
	const struct posada_media_wish none = {0}, sum = {.sha256 = "00"};

	assert_true(posada_media_is_unchecked("https://server/a.iso", &none));
	assert_true(posada_media_is_unchecked("http://server/a.iso", &none));
	assert_false(posada_media_is_unchecked("https://server/a.iso", &sum));
	assert_false(posada_media_is_unchecked("/mnt/a.iso", &none));
}

RUN("media", T(images_tell_what_they_are), T(garbled_images_are_survived), T(faults_are_told),
	T(an_image_chooses_its_firmware), T(names_are_judged), T(folders_are_scanned),
	T(what_is_whole_is_kept), T(garbled_checksums_are_survived), T(sticks_are_told),
	T(of_copies_one_counts), T(who_a_server_is_is_not_checked))
