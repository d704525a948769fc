// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of image.c: files are told by their content, also where they are cut off or garbage.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zlib.h>
#include "image.h"
#include "unit.h"

static unsigned char head[IMAGE_HEAD];

TEST(content_is_recognised)
{
	static const struct {
		size_t at, size;
		const char *bytes;
		enum image_type type;
	} rows[] = {{0x202, 4, "HdrS", IMAGE_BZIMAGE}, {0, 4, "\177ELF", IMAGE_ELF},
		{32769, 5, "CD001", IMAGE_ISO}, {0, 4, "QFI\373", IMAGE_QCOW2},
		{510, 2, "\125\252", IMAGE_BOOTABLE}, {0, 6, "070701", IMAGE_CPIO},
		{0, 6, "070702", IMAGE_CPIO},
		/* As packed by xz, xz --format=lzma (also -9), bzip2, zstd and lz4 -l. */
		{0, 6, "\3757zXZ\0", IMAGE_CPIO}, {0, 6, "\135\0\0\200\0\377", IMAGE_CPIO},
		{0, 6, "\135\0\0\0\4\377", IMAGE_CPIO}, {0, 4, "BZh9", IMAGE_CPIO},
		{0, 4, "\050\265\057\375", IMAGE_CPIO}, {0, 4, "\002\041\114\030", IMAGE_CPIO},
		/* As QEMU makes them: vmdk, its descriptor alone, vhdx, vpc, vdi, qed. */
		{0, 4, "KDMV", IMAGE_FOREIGN}, {0, 21, "# Disk DescriptorFile", IMAGE_FOREIGN},
		{0, 8, "vhdxfile", IMAGE_FOREIGN}, {0, 8, "conectix", IMAGE_FOREIGN},
		{0x40, 4, "\177\020\332\276", IMAGE_FOREIGN}, {0, 4, "QED", IMAGE_FOREIGN}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t end = rows[i].at + rows[i].size;
		/* A copy of its own size: the sanitizer sees one byte too many. */
		unsigned char *cut = malloc(end);

		assert_non_null(cut);
		memset(head, 0, sizeof(head));
		memcpy(head + rows[i].at, rows[i].bytes, rows[i].size);
		memcpy(cut, head, end);
		assert_int_equal(image_type_of(head, sizeof(head)), rows[i].type);
		assert_int_equal(image_type_of(cut, end), rows[i].type);
		assert_int_equal(image_type_of(cut, rows[i].at + 1), IMAGE_UNKNOWN);
		free(cut);
	}
	assert_int_equal(image_type_of(head, 0), IMAGE_UNKNOWN);
	/* An ISO image for sticks and a kernel have a boot sector, and are more than that. */
	memset(head, 0, sizeof(head));
	memcpy(head + 510, "\125\252", 2);
	memcpy(head + 32769, "CD001", 5);
	assert_int_equal(image_type_of(head, sizeof(head)), IMAGE_ISO);
	memcpy(head + 0x202, "HdrS", 4);
	assert_int_equal(image_type_of(head, 1024), IMAGE_BZIMAGE);
}

TEST(images_that_name_other_files_are_known)
{
	static const struct {
		unsigned char version;
		size_t at;
		unsigned char bits;
		enum image_type type;
	} rows[] = {{2, 24, 1, IMAGE_QCOW2}, {3, 79, 1, IMAGE_QCOW2},
		{3, 79, 4, IMAGE_QCOW2_LINKED}, {3, 79, 0xff, IMAGE_QCOW2_LINKED},
		{2, 79, 4, IMAGE_QCOW2}, {2, 15, 72, IMAGE_QCOW2_LINKED},
		{3, 8, 1, IMAGE_QCOW2_LINKED}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t end = rows[i].at + 1;
		unsigned char *cut = malloc(end);

		assert_non_null(cut);
		memset(head, 0, sizeof(head));
		memcpy(head, "QFI\373", 4);
		head[7] = rows[i].version;
		head[rows[i].at] = rows[i].bits;
		memcpy(cut, head, end);
		assert_int_equal(image_type_of(head, sizeof(head)), rows[i].type);
		if (rows[i].at >= 15)
			assert_int_equal(image_type_of(cut, end), rows[i].type);
		free(cut);
	}
}

TEST(gzip_is_looked_into)
{
	static const struct {
		const char *text;
		enum image_type type;
	} rows[] = {{"\177ELF and more", IMAGE_ELF_GZIP}, {"070701 and more", IMAGE_CPIO},
		{"a text", IMAGE_PACKED}, {"", IMAGE_PACKED}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		z_stream stream = {.next_in = (unsigned char *)rows[i].text, .next_out = head};
		uint32_t len;

		stream.avail_in = (unsigned)strlen(rows[i].text);
		stream.avail_out = sizeof(head);
		assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
		assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
		deflateEnd(&stream);
		len = (uint32_t)stream.total_out;
		assert_int_equal(image_type_of(head, len), rows[i].type);
		for (uint32_t cut = 0; cut < len; cut++)
			assert_true(image_type_of(head, cut) == rows[i].type ||
				    image_type_of(head, cut) ==
					    (cut < 3 ? IMAGE_UNKNOWN : IMAGE_PACKED));
		for (unsigned n = 0; n < 2000; n++) {
			head[3 + unit_chance(len - 3)] = (unsigned char)unit_chance(256);
			image_type_of(head, len);
		}
	}
}

TEST(files_are_probed)
{
	enum image_type type;
	off_t size;

	assert_int_equal(image_probe(unit_write("initrd", "070701", 6), &type, &size), 0);
	assert_true(type == IMAGE_CPIO && size == 6);
	assert_int_equal(image_probe(unit_write("empty", "", 0), &type, &size), 0);
	assert_true(type == IMAGE_UNKNOWN && size == 0);
	assert_int_equal(image_probe(unit_path("none"), &type, &size), -ENOENT);
	assert_int_equal(image_probe(unit_path("."), &type, &size), -EISDIR);
	assert_int_equal(image_probe("/dev/null", &type, &size), -EINVAL);
	/* Without a writer it must not hang. */
	assert_int_equal(mkfifo(unit_path("fifo"), 0600), 0);
	assert_int_equal(image_probe(unit_path("fifo"), &type, &size), -EINVAL);
	assert_false(image_is_block(unit_path("initrd")) || image_is_block(unit_path("none")));
}

static void check_path(const char *given, const char *wanted)
{
	char *path = image_path(given);

	assert_string_equal(path, wanted);
	free(path);
}

TEST(files_have_one_path)
{
	const char *file = unit_write("file", "", 0), *link = unit_path("link");

	assert_int_equal(symlink(file, link), 0);
	check_path(link, file);
	assert_null(image_path(unit_path("none")));
	assert_true(image_is_same(file, link));
	assert_true(image_is_same("/none", "/none"));
	assert_false(image_is_same(file, "/none"));
	assert_false(image_is_same(file, unit_write("other", "", 0)));
	assert_true(image_overlaps(file, link));
	assert_false(image_overlaps(file, unit_path("other")) || image_is_taken(file));
}

TEST(disks_keep_a_name_that_lasts)
{
	const char *disk = unit_path("disk"), *other = unit_path("other-disk");
	char link[64];

	/* A number that no driver has; only root can do this. */
	if (mknod(disk, S_IFBLK | 0600, makedev(250, 1000)))
		skip();
	assert_int_equal(mknod(other, S_IFBLK | 0600, makedev(250, 1000)), 0);
	assert_true(image_is_same(disk, other));
	check_path(disk, disk);
	snprintf(link, sizeof(link), "/dev/shm/posada-unit-%d", (int)getpid());
	assert_int_equal(symlink(disk, link), 0);
	check_path(link, link);
	unlink(link);
	unlink(other);
	assert_int_equal(mknod(other, S_IFBLK | 0600, makedev(250, 1001)), 0);
	assert_false(image_is_same(disk, other));
}

TEST(kinds_take_their_kernels)
{
	for (enum posada_kind kind = 0; kind < POSADA_KINDS; kind++) {
		assert_true(image_is_kernel(IMAGE_BZIMAGE, kind));
		assert_true(image_is_kernel(IMAGE_ELF, kind));
		assert_int_equal(image_is_kernel(IMAGE_ELF_GZIP, kind), kind == POSADA_PV);
		assert_false(image_is_kernel(IMAGE_CPIO, kind));
	}
}

RUN("image", T(content_is_recognised), T(images_that_name_other_files_are_known),
	T(gzip_is_looked_into), T(files_are_probed), T(files_have_one_path),
	T(disks_keep_a_name_that_lasts), T(kinds_take_their_kernels))
