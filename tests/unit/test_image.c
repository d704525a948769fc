// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of image.c: files are told by their content, also where they are cut off or garbage.
#include <sys/stat.h>
#include <zlib.h>
#include "image.h"
#include "unit.h"

static unsigned char head[IMAGE_HEAD];

/* What programs have written: cpio packed by each of them, and the heads of disks and kernels. */
static const struct {
	size_t at, size;
	const char *bytes;
	enum image_type type;
} samples[] = {
	{0x202, 4, "HdrS", IMAGE_BZIMAGE},
	{0, 4, "\177ELF", IMAGE_ELF},
	{32769, 5, "CD001", IMAGE_ISO},
	{0, 4, "QFI\373", IMAGE_QCOW2},
	{510, 2, "\125\252", IMAGE_BOOTABLE},
	{0, 6, "070701", IMAGE_CPIO},
	{0, 6, "070702", IMAGE_CPIO},
	{0, 6, "\3757zXZ\0", IMAGE_CPIO},
	{0, 13, "\135\0\0\200\0\377\377\377\377\377\377\377\377", IMAGE_CPIO},
	{0, 13, "\135\0\0\0\4\377\377\377\377\377\377\377\377", IMAGE_CPIO},
	{0, 4, "BZh9", IMAGE_CPIO},
	{0, 4, "\050\265\057\375", IMAGE_CPIO},
	{0, 4, "\002\041\114\030", IMAGE_CPIO},
};

static void content_is_recognised(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		size_t end = samples[i].at + samples[i].size;
		/* A copy of its own size: the sanitizer sees one byte too many. */
		unsigned char *cut;

		memset(head, 0, sizeof(head));
		memcpy(head + samples[i].at, samples[i].bytes, samples[i].size);
		assert_int_equal(image_type_of(head, sizeof(head)), samples[i].type);
		cut = malloc(end);
		assert_non_null(cut);
		memcpy(cut, head, end);
		assert_int_equal(image_type_of(cut, end), samples[i].type);
		assert_int_equal(image_type_of(cut, samples[i].at + 1), IMAGE_UNKNOWN);
		free(cut);
	}
	assert_int_equal(image_type_of(head, 0), IMAGE_UNKNOWN);
}

static void one_file_is_one_thing(void **state)
{
	(void)state;
	memset(head, 0, sizeof(head));
	memcpy(head + 510, "\125\252", 2);
	memcpy(head + 32769, "CD001", 5);
	assert_int_equal(image_type_of(head, sizeof(head)), IMAGE_ISO);
	memcpy(head + 0x202, "HdrS", 4);
	assert_int_equal(image_type_of(head, 1024), IMAGE_BZIMAGE);
}

static size_t gzip(const char *text, unsigned char *out, size_t size)
{
	z_stream stream = {.next_in = (unsigned char *)text, .avail_in = (unsigned)strlen(text)};

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	stream.next_out = out;
	stream.avail_out = (unsigned)size;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return size - stream.avail_out;
}

static void gzip_is_looked_into(void **state)
{
	static const struct {
		const char *text;
		enum image_type type;
	} rows[] = {
		{"\177ELF and more", IMAGE_ELF_GZIP},
		{"070701 and more", IMAGE_CPIO},
		{"a text", IMAGE_UNKNOWN},
		{"", IMAGE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = gzip(rows[i].text, head, sizeof(head));

		assert_int_equal(image_type_of(head, len), rows[i].type);
		for (size_t cut = 0; cut < len; cut++)
			assert_true(image_type_of(head, cut) == rows[i].type ||
				    image_type_of(head, cut) == IMAGE_UNKNOWN);
		for (unsigned n = 0; n < 2000; n++) {
			size_t at = 3 + unit_chance((uint32_t)len - 3);
			unsigned char was = head[at];

			head[at] = (unsigned char)unit_chance(256);
			image_type_of(head, len);
			head[at] = was;
		}
	}
}

static void garbage_is_nothing(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 200; n++) {
		size_t len = unit_chance(sizeof(head));

		for (size_t i = 0; i < len; i++)
			head[i] = (unsigned char)(0x80 | unit_chance(0x50));
		head[0] = 0xff;
		head[510] = 0xff;
		assert_int_equal(image_type_of(head, len), IMAGE_UNKNOWN);
	}
}

static void files_are_probed(void **state)
{
	enum image_type type;
	off_t size;

	(void)state;
	memset(head, 0, sizeof(head));
	memcpy(head + 32769, "CD001", 5);
	assert_int_equal(image_probe(unit_write("iso", head, sizeof(head)), &type, &size), 0);
	assert_int_equal(type, IMAGE_ISO);
	assert_int_equal(size, sizeof(head));
	assert_int_equal(image_probe(unit_write("empty", "", 0), &type, &size), 0);
	assert_int_equal(type, IMAGE_UNKNOWN);
	assert_int_equal(size, 0);
	assert_int_equal(image_probe(unit_path("none"), &type, &size), -ENOENT);
	assert_int_equal(image_probe(unit_path("."), &type, &size), -EISDIR);
	assert_int_equal(image_probe("/dev/null", &type, &size), -EINVAL);
	/* One without a writer must not hang. */
	assert_int_equal(mkfifo(unit_path("fifo"), 0600), 0);
	assert_int_equal(image_probe(unit_path("fifo"), &type, &size), -EINVAL);
	assert_false(image_is_block(unit_path("iso")));
	assert_false(image_is_block(unit_path("none")));
}

static void kinds_take_their_kernels(void **state)
{
	(void)state;
	for (enum posada_kind kind = 0; kind < POSADA_KINDS; kind++) {
		assert_true(image_is_kernel(IMAGE_BZIMAGE, kind));
		assert_true(image_is_kernel(IMAGE_ELF, kind));
		assert_int_equal(image_is_kernel(IMAGE_ELF_GZIP, kind), kind == POSADA_PV);
		assert_false(image_is_kernel(IMAGE_CPIO, kind));
		assert_false(image_is_kernel(IMAGE_UNKNOWN, kind));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_recognised),
		cmocka_unit_test(one_file_is_one_thing),
		cmocka_unit_test(gzip_is_looked_into),
		cmocka_unit_test(garbage_is_nothing),
		cmocka_unit_test(files_are_probed),
		cmocka_unit_test(kinds_take_their_kernels),
	};

	return cmocka_run_group_tests_name("image", tests, unit_setup, unit_teardown);
}
