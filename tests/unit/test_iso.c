// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of iso.c: files that become windows into the initramfs, and images that are refused.
#include "iso.h"
#include "payload.h"
#include "unit.h"

#define BLOCK PAYLOAD_BLOCK

enum { FIRST = 16, JOLIET, LAST, ROOT, FOLDER, JOLIET_ROOT, JOLIET_FOLDER, ARCHIVE, ROOM = 64 };

static uint8_t image[ROOM * BLOCK];

static uint8_t *put_record(
	uint8_t *at, const char *name, bool joliet, uint32_t block, uint32_t size)
{
	size_t length = strlen(name), i;

	memset(at, 0, 256);
	for (i = 0; i < 4; i++) {
		at[2 + i] = at[9 - i] = (uint8_t)(block >> 8 * i);
		at[10 + i] = at[17 - i] = (uint8_t)(size >> 8 * i);
	}
	for (i = 0; i < length; i++)
		at[33 + (joliet ? 2 * i + 1 : i)] = (uint8_t)name[i];
	at[32] = (uint8_t)(joliet ? 2 * length : length);
	at[0] = (uint8_t)((33 + at[32] + 1) & ~1);
	return at + at[0];
}

static void put_tree(unsigned descriptor, uint8_t type, unsigned root, uint32_t archive_size)
{
	static const char *const names[2][3] = {{"INITRAMFS.IMG;1", "VMLINUZ.;1", "XEN.GZ;1"},
		{"initramfs.img", "vmlinuz", "xen.gz"}};
	uint8_t *at = image + descriptor * BLOCK;
	bool joliet = type == 2;

	at[0] = type;
	memcpy(at + 1, "CD001", 5);
	put_record(at + 156, "", false, root, BLOCK);
	at = put_record(image + root * BLOCK, "OTHER;1", joliet, 1, 1);
	put_record(at, joliet ? "posada" : "POSADA", joliet, root + 1, BLOCK);
	at = image + (root + 1) * BLOCK;
	at = put_record(at, names[joliet][0], joliet, ARCHIVE, archive_size);
	at = put_record(at, names[joliet][1], joliet, 0, 0);
	put_record(at, names[joliet][2], joliet, 0, 0);
}

/* An image with both trees, and what payload_archive makes of a list in it. */
static void make(const char *list)
{
	FILE *contents = fmemopen((char *)list, strlen(list), "r"), *out = unit_open();
	const char *bytes;
	size_t size;

	unit_write("payload/xen.gz", "hypervisor", 10);
	unit_write("payload/vmlinuz", "kernel", 6);
	unit_write("init", "#!/bin/sh\n", 10);
	assert_int_equal(payload_archive(unit_path("."), contents, out, NULL), 0);
	fclose(contents);
	bytes = unit_close(out, &size);
	memset(image, 0, sizeof(image));
	memcpy(image + ARCHIVE * BLOCK, bytes, size);
	put_tree(FIRST, 1, ROOT, (uint32_t)size);
	put_tree(JOLIET, 2, JOLIET_ROOT, (uint32_t)size);
	image[LAST * BLOCK] = 255;
	memcpy(image + LAST * BLOCK + 1, "CD001", 5);
}

static int run(char **why)
{
	FILE *file = fmemopen(image, sizeof(image), "r+");
	int ret;

	*why = NULL;
	ret = iso_share(file, why);
	fclose(file);
	return ret;
}

static void see(unsigned folder, unsigned nth, const char *bytes)
{
	const uint8_t *at = image + folder * BLOCK;
	uint32_t block, size;

	while (nth--)
		at += at[0];
	memcpy(&block, at + 2, 4);
	memcpy(&size, at + 10, 4);
	assert_int_equal(at[9], block & 255);
	assert_int_equal(at[17], size & 255);
	assert_int_equal(size, strlen(bytes));
	assert_memory_equal(image + block * BLOCK, bytes, size);
}

static const char list[] =
	"file /init 755\nblock /payload/xen.gz 644\nblock /payload/vmlinuz 644\nfile /init 755\n";

TEST(files_are_windows)
{
	char *why;

	make(list);
	assert_int_equal(run(&why), 0);
	assert_null(why);
	for (unsigned folder = FOLDER; folder <= JOLIET_FOLDER; folder += 2) {
		see(folder, 1, "kernel");
		see(folder, 2, "hypervisor");
	}
	/* What names something already is not changed. */
	assert_int_equal(run(&why), -EINVAL);
	assert_string_equal(why, "xen.gz");
	free(why);
}

TEST(bad_images_are_refused)
{
	char *why;

	make("file /init 755\nblock /payload/xen.gz 644\n");
	assert_int_equal(run(&why), -ENOENT);
	assert_string_equal(why, "vmlinuz");
	free(why);
	make("file /init 755\nfile /payload/xen.gz 644\nblock /payload/vmlinuz 644\n");
	assert_int_equal(run(&why), -EINVAL);
	assert_string_equal(why, "xen.gz");
	free(why);
	make(list);
	image[FIRST * BLOCK + 1] = 'X';
	assert_int_equal(run(&why), -EINVAL);
	assert_string_equal(why, "a volume descriptor");
	free(why);
	make(list);
	memset(image + FOLDER * BLOCK, 0, BLOCK);
	assert_int_equal(run(&why), -ENOENT);
	assert_string_equal(why, "initramfs.img");
	free(why);
	for (unsigned i = 0; i < 20000; i++) {
		make(list);
		for (unsigned n = 1 + unit_chance(4); n > 0; n--)
			image[FIRST * BLOCK + unit_chance((ARCHIVE + 8 - FIRST) * BLOCK)] =
				(uint8_t)unit_chance(256);
		assert_true(run(&why) <= 0);
		free(why);
	}
}

RUN("iso", T(files_are_windows), T(bad_images_are_refused))
